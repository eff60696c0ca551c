//! What an agent fetches others for, in the real window, at a real PBX and by keyboard: the team lead into the call, the
//! call onto the mobile, the caller to another number. What the parties hear is what counts.

use crate::{
    alone,
    calls::{AGENT, CUSTOMER, Desk, ELSEWHERE, SENIOR},
};
use hatif_lab::{DEADLINE, Party, process::eventually};
use serde_json::{Value, json};

/// One of the two tones of the key that takes a call.
const QUESTION: u32 = 697;

/// Who is asked for help, or which phone is the agent's own, written where a person writes it.
fn write_down(desk: &Desk, option: &str, party: &Party) {
    desk.options();
    desk.window.type_into(option, &party.user.name);
    desk.save_options();
}

/// How many elements there are.
fn count(desk: &Desk, css: &str, wanted: usize) {
    let script = format!("return document.querySelectorAll({}).length", json!(css));
    eventually(&format!("{wanted} of {css}"), DEADLINE, || (desk.window.script(&script) == wanted).then_some(()));
}

/// Goes to a button by Tab, as a person without a mouse does, and presses it.
fn tab_to(desk: &Desk, name: &str) {
    let here = "return document.activeElement?.getAttribute('aria-label')";
    eventually(&format!("Tab comes to {name}"), DEADLINE, || {
        desk.window.press(&["Tab"]);
        (desk.window.script(here) == name).then_some(())
    });
    desk.window.press(&["Enter"]);
}

/// A button's name, with whom it is about. What is filled into a sentence keeps its own direction (isolates).
fn about(desk: &Desk, key: &str, who: &str) -> String {
    (desk.say)(key).replace("{who}", &format!("\u{2068}{who}\u{2069}"))
}

/// How the conference calls a party: by name where the PBX said one, by number else.
fn called(desk: &Desk, party: &Party) -> String {
    let number = &party.user.name;
    let script = "return [...document.querySelectorAll('.conference .acts button')].map((b) => b.ariaLabel)";
    eventually(&format!("{number} is in the conference"), DEADLINE, || {
        let labels = desk.window.script(script);
        let named = |who: &String| {
            labels.as_array().is_some_and(|all| all.contains(&json!(about(desk, "conference.drop", who))))
        };
        [format!("Phone {number}"), number.clone()].into_iter().find(named)
    })
}

/// What the row of a party says.
fn row(desk: &Desk, who: &str) -> String {
    let script = "return [...document.querySelectorAll('.conference li')].map((li) => li.textContent)";
    let rows = desk.window.script(script);
    let rows = rows.as_array().into_iter().flatten().filter_map(Value::as_str);
    rows.filter(|text| text.contains(who)).collect()
}

fn says(desk: &Desk, who: &str, key: &str) {
    let words = (desk.say)(key);
    eventually(&format!("{who}: {words}"), DEADLINE, || row(desk, who).contains(&words).then_some(()));
}

/// N tells the lead who is on the line; the lead calls; J makes one conversation of it, in which one party is silenced,
/// heard again and dropped.
fn help_and_conference(desk: &Desk, customer: &mut Party, lead: &mut Party) {
    write_down(desk, "#option-help_to", lead);
    let first = desk.talk(customer);
    desk.window.wait_text("#help", |text| !text.is_empty());
    desk.window.press(&["n"]);
    let told = lead
        .cli
        .events
        .wait_for("the agent's words", 0, |event| event["messages"][0]["delivery"]["state"] == "received");
    let text = told["messages"][0]["text"].as_str().unwrap_or_default().to_owned();
    assert!(text.starts_with((desk.say)("call.help.text").split('{').next().unwrap_or_default()), "{text}");
    assert!(text.contains(&customer.user.name), "{text}");

    let second = lead.call(&desk.user.name);
    desk.window.wait_text("#answer", |text| !text.is_empty());
    desk.window.press(&["Control", "Shift", "a"]);
    lead.hears(&[AGENT], &[CUSTOMER]);
    desk.window.press(&["j"]);
    count(desk, ".conference li", 2);
    for party in [&*customer, &*lead] {
        says(desk, &party.user.name, "conference.heard");
    }
    customer.hears(&[AGENT, SENIOR], &[]);
    lead.hears(&[AGENT, CUSTOMER], &[]);

    let (name, who) = (&lead.user.name, called(desk, lead));
    tab_to(desk, &about(desk, "conference.silence", &who));
    count(desk, ".conference li.silenced", 1);
    says(desk, name, "conference.unheard");
    customer.hears(&[AGENT], &[SENIOR]);
    lead.hears(&[AGENT, CUSTOMER], &[]);
    desk.picture("silenced");
    tab_to(desk, &about(desk, "conference.unsilence", &who));
    count(desk, ".conference li.silenced", 0);
    customer.hears(&[AGENT, SENIOR], &[]);

    tab_to(desk, &about(desk, "conference.drop", &who));
    lead.cli.wait_call(second, "ended");
    desk.window.wait_gone(".conference");
    customer.hears(&[AGENT], &[SENIOR]);
    customer.cli.hang_up(first);
    desk.rest();
}

/// Keys of the telephone reach the customer; F rings the mobile, whose owner takes the call by pressing 1; dropping that
/// call at the desk takes it back.
fn to_the_mobile_and_back(desk: &Desk, customer: &mut Party, mobile: &mut Party) {
    write_down(desk, "#option-mobile", mobile);
    let call = desk.talk(customer);
    let mark = customer.cli.events.mark();
    for key in ["4", "#"] {
        desk.window.press(&[key]);
        customer.cli.events.wait_for("the digit", mark, |event| event["digit"] == key);
    }
    desk.window.wait_text("#mobile", |text| !text.is_empty());
    desk.window.press(&["f"]);
    let leg = mobile.cli.wait_incoming(0)["id"].as_u64().expect("an id");
    mobile.cli.tell("answer", leg);
    mobile.cli.wait_call(leg, "active");
    customer.hears(&[AGENT], &[SENIOR]);
    mobile.hears_now(QUESTION);
    mobile.cli.send(json!({ "command": "dtmf", "call": leg, "digits": "1" }));
    customer.hears(&[SENIOR], &[AGENT]);
    mobile.hears(&[CUSTOMER], &[AGENT]);
    count(desk, ".conference li", 2);
    desk.picture("on-the-mobile");
    tab_to(desk, &about(desk, "conference.drop", &called(desk, mobile)));
    mobile.cli.wait_call(leg, "ended");
    customer.hears(&[AGENT], &[SENIOR]);
    customer.cli.hang_up(call);
    desk.rest();
}

/// Who is not answered goes to another number, by a rule written in the window; and rings for good once it is removed.
fn nobody_answers(desk: &Desk, customer: &mut Party, _: &mut Party) {
    desk.options();
    desk.window.click("#forward-add");
    desk.window.type_into("#forward-to-0", "611");
    // WebDriver chooses from the system's own list in some languages only, and types into no field of a number.
    let choose = |id: &str, value: &str, event: &str| {
        desk.window.script(&format!(
            "const field = document.getElementById('{id}'); field.value = '{value}'; \
             field.dispatchEvent(new Event('{event}', {{ bubbles: true }})); return 0"
        ));
        desk.window.wait_value(&format!("#{id}"), value);
    };
    choose("forward-when-0", "no_answer", "change");
    choose("forward-after-0", "5", "input");
    desk.picture("no-answer-rule");
    desk.save_options();
    desk.window.wait_text("#forwarded", |text| text.contains("611"));
    let call = customer.call(&desk.user.name);
    desk.window.wait_text("#answer", |text| !text.is_empty());
    customer.hears(&[ELSEWHERE], &[AGENT]);
    desk.rest();
    customer.cli.hang_up(call);
}

/// Plays one of them, with all who are needed.
fn play(language: &'static str, story: fn(&Desk, &mut Party, &mut Party)) {
    let _alone = alone();
    let desk = Desk::open(language);
    story(&desk, &mut Party::there(CUSTOMER), &mut Party::new(SENIOR, false));
}

#[test]
fn the_lead_is_fetched_into_a_call_in_english() {
    play("en", help_and_conference);
}

#[test]
fn the_lead_is_fetched_into_a_call_in_arabic() {
    play("ar", help_and_conference);
}

#[test]
fn a_call_goes_to_the_mobile_and_back_in_english() {
    play("en", to_the_mobile_and_back);
}

#[test]
fn a_call_goes_to_the_mobile_and_back_in_arabic() {
    play("ar", to_the_mobile_and_back);
}

#[test]
fn who_is_not_answered_goes_elsewhere_in_english() {
    play("en", nobody_answers);
}

#[test]
fn who_is_not_answered_goes_elsewhere_in_arabic() {
    play("ar", nobody_answers);
}
