//! What the call survives: the process that draws the page is killed in the middle of it.

use crate::{alone, application, words_of};
use hatif_lab::{
    DEADLINE,
    cli::{self, Cli},
    process::{Process, eventually, run, words},
    reader::{Node, Reader, Role, WITH_READER},
    sound::{self, Recording},
    webdriver,
};
use serde_json::json;
use std::path::Path;

const TONE: u32 = 620;

/// Two windows of `Recording`: the first and the last may be cut.
const ROUNDING: f64 = 0.081;

/// A steady tone is noise to the suppressor: here it has to come through.
pub fn raw_sound(data: &Path) {
    let mut cli = Cli::start(cli::Options { data: Some(data.to_owned()), ..Default::default() });
    cli.send(json!({ "command": "change_settings", "settings": { "sound": { "raw": true } } }));
    cli.events.wait_for("the settings are taken", 0, |event| event["event"] == "settings_changed");
    cli.quit();
}

#[test]
fn the_pages_process_is_killed_and_the_call_does_not_notice() {
    let _alone = alone();
    let folder = tempfile::tempdir().unwrap();
    let (at, heard) = (folder.path(), folder.path().join("speaker.wav"));
    raw_sound(&at.join("data"));
    // WebDriver would give up with the page: here the screen reader's way is taken.
    let say = words_of("en");
    let mut environment: Vec<(&str, String)> =
        WITH_READER.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
    environment.push(("HATIF_DATA", at.join("data").display().to_string()));
    environment.push(("LC_ALL", webdriver::locale("en")));
    let hatif = Process::start_with("hatif", at, &[application().display().to_string()], &environment);
    let pages = || {
        let all = hatif.members().into_iter().filter(|(_, name)| name == "WebKitWebProcess");
        all.map(|(id, _)| id).collect::<Vec<u32>>()
    };
    let reader = Reader::start();
    reader.activate(&reader.find_named(Role::Button, &say("welcome.practice.call")));
    let in_call = |node: &Node| node.role == Role::Timer && node.text.contains(':');
    reader.find("the time in call", in_call);

    // The echo line says back a tone without end; what arrives at the virtual speaker is recorded.
    let speech = sound::melody(&at.join("tone.wav"), &[TONE], 120.0);
    let player = words(["pw-play", "--target", "agent_mic_in", &speech.display().to_string()]);
    let _player = Process::start("pw-play", at, &player);
    let recorder = words(["pw-cat", "-r", "--target", "0", "--channels", "1", "--format", "s16", "--rate", "48000"]);
    let _recorder = Process::start("pw-cat", at, &[recorder, vec![heard.display().to_string()]].concat());
    eventually("the recorder hears the speaker", DEADLINE, || {
        let linked = std::process::Command::new("pw-link").args(["agent_spk:monitor_FL", "pw-cat:input_MONO"]).output();
        linked.is_ok_and(|output| output.status.success()).then_some(())
    });
    // On a busy machine the jitter buffer stretches what it has, which makes a tone impure; a gap is no sound at all.
    let steady = |seconds: f64| {
        let long_enough = std::fs::metadata(&heard).is_ok_and(|meta| meta.len() > 100_000);
        let tail = long_enough.then(|| Recording::read(&heard).tail(seconds)).flatten()?;
        (tail.seconds_of(TONE) >= seconds / 4.0 && tail.seconds_audible() >= seconds - ROUNDING).then_some(())
    };
    eventually("the echo is heard without a gap", DEADLINE, || steady(2.0));

    let before = pages();
    assert_eq!(before.len(), 1, "one page, one process");
    let from = Recording::read(&heard).seconds();
    run(at, &["kill", "-KILL", &before[0].to_string()]);
    eventually("another process draws the page", DEADLINE, || pages().into_iter().find(|id| !before.contains(id)));
    reader.find("the call on the new page", in_call);
    let until = Recording::read(&heard).seconds() + 1.0;
    eventually("another second is recorded", DEADLINE, || (Recording::read(&heard).seconds() >= until).then_some(()));

    let whole = Recording::read(&heard);
    let span = whole.tail(whole.seconds() - from).expect("it is longer now");
    let missing = span.seconds() - span.seconds_audible();
    println!("{:.1} s recorded around the kill, {missing:.2} s of them without sound", span.seconds());
    assert!(missing < ROUNDING, "{missing:.2} s without sound");
    assert!(span.seconds_of(TONE) > span.seconds() / 4.0, "what was heard is the echo");

    // The page is not only there: it works.
    reader.activate(&reader.find_named(Role::Button, &say("call.hang_up")));
    eventually("the call has ended", DEADLINE, || {
        let tree = reader.tree();
        (!tree.is_empty() && !tree.iter().any(in_call)).then_some(())
    });
}
