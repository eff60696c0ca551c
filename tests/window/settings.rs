//! The settings in the real window, in each language: the headset's test with real sound, how the window stands, and the
//! log of diagnostics. Wiring only: each page's own tests are in `ui/e2e`.

use crate::{alone, application, words_of};
use hatif_lab::{
    DEADLINE,
    process::{Process, eventually, words},
    screen, sound,
    webdriver::Window,
};
use serde_json::json;

const TITLE: &str = "Hatif";

fn settings(language: &str, direction: &str) {
    let _alone = alone();
    eventually("no window is left of an earlier one", DEADLINE, || screen::titled(TITLE).is_empty().then_some(()));
    let say = words_of(language);
    let folder = tempfile::tempdir().expect("a temporary folder");
    let driven = Window::open_on(&application(), language, folder.path(), &[]);
    let window = screen::find(TITLE);
    driven.click("#look-around");
    assert_eq!(driven.script("return document.documentElement.dir"), direction);

    driven.click("#settings");
    driven.click("#page-sound");
    // Somebody speaks: words with pauses between them.
    let speech = sound::melody(&folder.path().join("speech.wav"), &[330, 440], 20.0);
    let player = words(["pw-play", "--target", "agent_mic_in", &speech.display().to_string()]);
    let _player = Process::start("pw-play", folder.path(), &player);
    let lit = "return Number(document.querySelector('[aria-labelledby=sound-microphone] [role=meter]').ariaValueNow)";
    eventually("the microphone's meter moves", DEADLINE, || {
        driven.script(lit).as_f64().is_some_and(|level| level > 0.0).then_some(())
    });
    // The page itself notes the steps, so that none passes unseen.
    driven.script(
        "window.steps = [];
         new MutationObserver(() => {
             const step = document.querySelector('[aria-current=step]')?.textContent.trim();
             if (step && step !== window.steps.at(-1)) window.steps.push(step);
         }).observe(document.querySelector('.test'), { subtree: true, childList: true, attributes: true });",
    );
    driven.click("#headset-start");
    // What the tones are taken for is the judge's business; that something was heard is not.
    let silent = say("msg.test.silent");
    driven.wait_text(".said .banner", |text| !text.is_empty() && !text.contains(&silent));
    let steps = driven.script("return window.steps");
    assert_eq!(steps, json!(["headset.speak", "headset.listen", "headset.verdict"].map(&say)));
    driven.screenshot(&format!("window-settings-sound-{language}"));

    driven.click("#page-diagnostics");
    driven.wait_text(".lines li", |text| text.contains("hatif_"));
    driven.click("#diagnostics-copy");
    driven.wait_text("#diagnostics-copied", |text| text.contains(&say("diagnostics.copied")));
    driven.screenshot(&format!("window-settings-diagnostics-{language}"));

    driven.click("#page-appearance");
    driven.click("#on-top");
    eventually("above all others", DEADLINE, || window.is_above().then_some(()));
    driven.click("#strip");
    eventually("a strip", DEADLINE, || (window.rect().width == 320).then_some(()));
    eventually("the page knows how wide it is", DEADLINE, || {
        (driven.script("return [innerWidth, document.documentElement.scrollWidth]") == json!([320, 320])).then_some(())
    });
    driven.screenshot(&format!("window-settings-strip-{language}"));
    driven.click("#on-top");
    eventually("not above others any more", DEADLINE, || (!window.is_above()).then_some(()));
    driven.click("#strip");
    eventually("wide again", DEADLINE, || (window.rect().width > 320).then_some(()));
}

#[test]
fn the_settings_in_english() {
    settings("en", "ltr");
}

#[test]
fn the_settings_in_arabic() {
    settings("ar", "rtl");
}

#[test]
fn the_settings_in_persian() {
    settings("fa", "rtl");
}
