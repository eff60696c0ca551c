//! A new user's first minutes: first-run page, a practice call that is heard, hang up, the call in the list. In English
//! and in Arabic.

use crate::{alone, application};
use hatif_lab::{
    DEADLINE,
    process::{Process, eventually, words},
    sound::{self, Recording},
    webdriver::Window,
};

/// Speaks a tone into the virtual microphone and waits until the echo line has said it back into the virtual speaker.
fn hear_the_echo() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let at = folder.path();
    let (tone, recorded) = (620, at.join("speaker.wav"));
    let speech = sound::melody(&at.join("tone.wav"), &[tone], 12.0);
    let recorder = words(["pw-cat", "-r", "--target", "0", "--channels", "1", "--format", "s16", "--rate", "48000"]);
    let recorder = [recorder, vec![recorded.display().to_string()]].concat();
    let _recorder = Process::start("pw-cat", at, &recorder);
    eventually("the recorder hears the speaker", DEADLINE, || {
        let linked = std::process::Command::new("pw-link").args(["agent_spk:monitor_FL", "pw-cat:input_MONO"]).output();
        linked.is_ok_and(|output| output.status.success()).then_some(())
    });
    let player = words(["pw-play", "--target", "agent_mic_in", &speech.display().to_string()]);
    let _player = Process::start("pw-play", at, &player);
    eventually("the echo is heard", DEADLINE, || {
        let long_enough = std::fs::metadata(&recorded).is_ok_and(|meta| meta.len() > 200_000);
        (long_enough && Recording::read(&recorded).seconds_of(tone) >= 1.0).then_some(())
    });
}

/// `echo` is what the echo line is called in the language.
fn practice_call(language: &str, direction: &str, echo: &str) {
    let _alone = alone();
    let window = Window::open(&application(), language);
    window.wait_text("#practice-call", |text| !text.is_empty());
    window.screenshot(&format!("window-first-run-{language}"));
    assert_eq!(window.script("return document.documentElement.lang"), language);
    assert_eq!(window.script("return document.documentElement.dir"), direction);

    window.click("#practice-call");
    window.wait_text("#timer", |text| !text.is_empty());
    hear_the_echo();
    window.screenshot(&format!("window-call-{language}"));

    window.click("#hang-up");
    window.wait_gone("#timer");
    // The list may lie below the fold: a person scrolls to it.
    let listed = eventually("the call is in the list", DEADLINE, || {
        let row = "const li = document.querySelector('#recent li'); li?.scrollIntoView(); return li?.textContent";
        window.script(row).as_str().map(str::to_owned)
    });
    assert!(listed.contains(echo), "{listed:?} does not name the echo line");
    window.screenshot(&format!("window-home-{language}"));
}

#[test]
fn a_practice_call_in_english() {
    practice_call("en", "ltr", "Echo");
}

#[test]
fn a_practice_call_in_arabic() {
    practice_call("ar", "rtl", "الصدى");
}
