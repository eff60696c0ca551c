//! A shift in small, by hand: dial, digits, mute, hold, hang up; a customer rings and is answered; settings; the other
//! language without a restart. Wiring only: each screen's own tests are in `ui/e2e`.

use crate::{alone, application, words_of};
use hatif_lab::{DEADLINE, process::eventually, webdriver::Window};
use serde_json::json;

fn a_shift(language: &str, other: &str, other_direction: &str) {
    let _alone = alone();
    let say = words_of(language);
    let window = Window::open(&application(), language);
    window.click("#look-around");
    window.type_into("#dial", "echo@practice");
    window.click("#call");
    window.wait_text("#timer", |text| text.contains(':'));

    window.click("#mute");
    window.wait_text("#mute", |text| text.contains(&say("call.unmute")));
    window.click("#mute");
    window.wait_text("#mute", |text| text.contains(&say("call.mute")));
    window.click("#hold");
    window.wait_text("#hold", |text| text.contains(&say("call.resume")));
    window.click("#hold");
    window.wait_text("#hold", |text| text.contains(&say("call.hold")));
    window.click("#dtmf");
    for key in ["4", "2", "#"] {
        window.click(&format!(".sent ~ .keypad [data-key='{key}']"));
    }
    window.wait_text(".sent", |text| text.contains("42#"));
    window.screenshot(&format!("window-flow-call-{language}"));
    window.click("#hang-up");
    window.wait_gone("#timer");

    let ring = json!({ "command": "practice_ring", "customer": "omid" });
    window.script(&format!("return window.__TAURI_INTERNALS__.invoke('send', {{ command: {ring} }})"));
    window.click("#answer");
    window.wait_text("#timer", |text| text.contains(':'));
    window.click("#hang-up");
    window.wait_gone("#timer");

    window.click("#settings");
    window.click("#page-appearance");
    window.script(&format!(
        "const select = document.querySelector('#language');
         select.value = '{other}';
         select.dispatchEvent(new Event('change', {{ bubbles: true }}));"
    ));
    eventually("the page speaks the other language", DEADLINE, || {
        let page = window.script("return [document.documentElement.lang, document.documentElement.dir]");
        (page == json!([other, other_direction])).then_some(())
    });
    window.screenshot(&format!("window-flow-settings-{language}"));
}

#[test]
fn a_shift_in_english_that_turns_arabic() {
    a_shift("en", "ar", "rtl");
}

#[test]
fn a_shift_in_arabic_that_turns_english() {
    a_shift("ar", "en", "ltr");
}
