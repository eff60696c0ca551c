//! The window for somebody who does not see it: what a screen reader finds, by role and name, and what it is told of a
//! call by itself. Words are those of the page's catalogues.

use crate::{alone, application, words_of};
use hatif_lab::{
    DEADLINE,
    process::eventually,
    reader::{Node, Reader, Role, WITH_READER},
    webdriver::Window,
};

/// Direction marks that keep names apart are not spoken.
fn spoken(text: &str) -> String {
    text.chars().filter(|c| !matches!(c, '\u{2066}'..='\u{2069}')).collect::<String>().trim().to_owned()
}

fn a_call_by_ear(language: &str) {
    let _alone = alone();
    let say = words_of(language);
    let folder = tempfile::tempdir().expect("a temporary folder");
    let window = Window::open_on(&application(), language, folder.path(), WITH_READER);
    let reader = Reader::start();
    reader.find_named(Role::Heading, &say("welcome.title"));
    reader.activate(&reader.find_named(Role::Button, &say("welcome.later")));
    reader.find_named(Role::ComboBox, &say("dial.label"));
    reader.find_named(Role::Button, &say("dial.call"));
    let mute = |node: &Node| node.live.is_some() && !node.text.trim().is_empty();
    assert!(!reader.tree().iter().any(mute), "nothing happens, nothing is said: {:?}", reader.tree());

    // As the page's button does; the reader is what is tested.
    window.script(
        r#"window.__TAURI_INTERNALS__.invoke("send", { command: { command: "practice_ring", customer: "sara" } })"#,
    );
    let told = say("call.incoming.announce").replace("{who}", &say("practice.name.sara"));
    let announce = reader.find("the announcement of the call", |node| spoken(&node.text) == told);
    assert_eq!(announce.live.as_deref(), Some("assertive"), "it is said at once: {announce:?}");
    reader.find_named(Role::Heading, &say("practice.name.sara"));
    reader.find_named(Role::Button, &say("call.decline"));
    reader.activate(&reader.find_named(Role::Button, &say("call.answer")));

    let timer = reader.find("the time in call", |node| node.role == Role::Timer && node.text.contains(':'));
    assert_eq!(timer.live, None, "a clock that is read out every second would drown the caller");
    reader.activate(&reader.find_named(Role::ToggleButton, &say("call.hold")));
    reader.find_named(Role::ToggleButton, &say("call.resume"));
    reader.activate(&reader.find_named(Role::Button, &say("call.hang_up")));
    eventually("the call has ended", DEADLINE, || {
        reader.tree().iter().all(|node| node.role != Role::Timer).then_some(())
    });
}

#[test]
fn a_call_by_ear_in_english() {
    a_call_by_ear("en");
}

#[test]
fn a_call_by_ear_in_arabic() {
    a_call_by_ear("ar");
}
