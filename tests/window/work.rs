//! After a call at a real PBX: what was typed during it, what came of it by one key; then in the call log.

use crate::{
    alone,
    calls::{CUSTOMER, Desk},
};
use hatif_lab::Party;
use serde_json::json;

fn a_call_is_wrapped_up_by_keyboard(language: &'static str) {
    let _alone = alone();
    let desk = Desk::open(language);
    desk.send(json!({ "command": "change_settings", "settings": { "wrap_up": true } }));
    let mut customer = Party::new(CUSTOMER, false);
    let call = desk.talk(&mut customer);
    desk.window.wait_text("label:has(#call-notes)", |text| !text.is_empty());
    desk.window.press(&["w"]);
    desk.has_focus("call-notes");
    desk.window.write("late again");
    desk.window.wait_value("#call-notes", "late again");
    desk.picture("notes");
    customer.cli.hang_up(call);

    desk.window.wait_text("#wrap-title", |text| text == (desk.say)("wrap.title"));
    desk.window.wait_value("#wrap-notes", "late again");
    desk.has_focus("wrap-notes");
    // From what came of it, where a figure is a choice and not a text.
    desk.window.click("label:has(#wrap-disposition-solved)");
    desk.window.press(&["4"]);
    desk.has_focus("wrap-disposition-complaint");
    desk.picture("wrap-up");
    desk.window.press(&["Control", "Enter"]);
    desk.window.wait_gone("#wrap-up");

    desk.window.click("#nav-history");
    let complaint = (desk.say)("wrap.disposition.complaint");
    desk.window.wait_text(".entry .how", |text| text.contains(&complaint));
    desk.picture("history-noted");
}

#[test]
fn a_call_is_wrapped_up_by_keyboard_in_english() {
    a_call_is_wrapped_up_by_keyboard("en");
}

#[test]
fn a_call_is_wrapped_up_by_keyboard_in_arabic() {
    a_call_is_wrapped_up_by_keyboard("ar");
}
