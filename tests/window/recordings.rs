//! A call at a real PBX is recorded by key, found in the library, and heard again: on the device that was chosen for it
//! and no other, from where it was wanted, faster, one side alone. Then it is deleted.

use crate::{
    alone,
    calls::{AGENT, CUSTOMER, Desk},
    card::shows,
};
use hatif_lab::{
    DEADLINE, Party, party,
    process::{Process, eventually, words},
    sound::Recording,
};
use serde_json::json;
use std::{
    fs,
    path::{Path, PathBuf},
};

/// Seconds of talk that are recorded, at least.
const TALK: f64 = 12.0;

/// What a virtual speaker plays from now on.
struct Ear {
    file: PathBuf,
    _recorder: Process,
}

impl Ear {
    fn at(folder: &Path, speaker: &str) -> Ear {
        let file = folder.join(format!("{speaker}.wav"));
        let arguments = ["parec", "--file-format=wav", "--channels=1", "--rate=48000", "--format=s16le"];
        let more = [format!("--device={speaker}.monitor"), file.display().to_string()];
        let recorder = Process::start("parec", folder, &[words(arguments), more.to_vec()].concat());
        let ear = Ear { file, _recorder: recorder };
        eventually("the speaker is recorded", DEADLINE, || ear.heard().filter(|heard| heard.seconds() > 0.1));
        ear
    }

    fn heard(&self) -> Option<Recording> {
        fs::metadata(&self.file).is_ok_and(|meta| meta.len() > 10_000).then(|| Recording::read(&self.file))
    }

    fn seconds(&self) -> f64 {
        self.heard().map_or(0.0, |heard| heard.seconds())
    }

    /// What was heard after so many seconds.
    fn since(&self, seconds: f64) -> Recording {
        let heard = self.heard().expect("it is being recorded");
        let from = (seconds * f64::from(heard.rate)) as usize;
        Recording { rate: heard.rate, samples: heard.samples[from.min(heard.samples.len())..].to_vec() }
    }

    fn hears(&self, tones: &[u32], not: &[u32]) {
        party::hears("the listener", tones, not, || self.heard());
    }
}

/// WebDriver takes this screen's parts for hidden, whatever the picture shows: what has a place in the page is clicked by
/// the page itself.
fn click(desk: &Desk, css: &str) {
    let script = format!(
        "const found = document.querySelector('{css}'); if (!(found?.getBoundingClientRect().height > 0)) return false; \
         found.click(); return true"
    );
    eventually(&format!("{css} is clicked"), DEADLINE, || (desk.window.script(&script) == true).then_some(()));
}

fn choose(desk: &Desk, group: &str, value: &str) {
    click(desk, &format!("label:has(input[name={group}][value={value}])"));
    let checked = format!("return document.querySelector('input[name={group}][value={value}]').checked");
    eventually("it is chosen", DEADLINE, || (desk.window.script(&checked) == true).then_some(()));
}

/// Milliseconds of the recording that have been heard, as the slider says.
fn position(desk: &Desk) -> f64 {
    desk.window.script("return document.querySelector('#position')?.valueAsNumber").as_f64().unwrap_or_default()
}

fn rests(desk: &Desk) -> bool {
    desk.window.script("return document.querySelector('#play').getAttribute('aria-label')") == (desk.say)("player.play")
}

fn rewind(desk: &Desk) {
    let back = "const p = document.querySelector('#position'); p.value = 0; p.dispatchEvent(new Event('input', \
                { bubbles: true })); return 0";
    desk.window.script(back);
}

/// From the beginning, as it is chosen now.
fn again(desk: &Desk) {
    if !rests(desk) {
        click(desk, "#play");
    }
    // Had it just ended, it plays once more.
    eventually("it rests", DEADLINE, || rests(desk).then_some(()));
    rewind(desk);
    click(desk, "#play");
}

fn record(desk: &Desk, customer: &mut Party) {
    let call = desk.talk(customer);
    desk.window.press(&["e"]);
    desk.window.wait_text("[data-recording=on]", |_| true);
    desk.picture("recording");
    let begun = customer.cli.heard().seconds();
    eventually("they have talked", DEADLINE, || (customer.cli.heard().seconds() > begun + TALK).then_some(()));
    customer.cli.hang_up(call);
    desk.rest();
}

fn find(desk: &Desk, customer: &Party) {
    desk.window.click("#nav-history");
    desk.window.click("#to-recordings");
    desk.window.type_into("#recordings-search", &customer.user.name);
    shows(&desk.window, "#recordings li button:enabled", &[&customer.user.name]);
    desk.picture("library");
    click(desk, "#recordings li button");
    shows(&desk.window, "#player h2", &[&customer.user.name]);
}

fn hear(desk: &Desk, headset: &Ear, room: &Ear) {
    let before = headset.seconds();
    choose(desk, "outlet", "ringer");
    click(desk, "#play");
    room.hears(&[AGENT, CUSTOMER], &[]);
    desk.picture("player");
    // Only one of them, from the beginning each time.
    choose(desk, "side", "agent");
    again(desk);
    room.hears(&[AGENT], &[CUSTOMER]);
    choose(desk, "side", "customer");
    again(desk);
    room.hears(&[CUSTOMER], &[AGENT]);
    assert!(headset.since(before).level_of(CUSTOMER) < -90.0, "the headset is silent");

    // The headset, and three times as fast: the same pitch.
    choose(desk, "outlet", "headset");
    choose(desk, "side", "both");
    desk.window.script(
        "const s = document.querySelector('#speed'); s.value = '300'; s.dispatchEvent(new Event('change', { bubbles: \
         true })); return 0",
    );
    again(desk);
    headset.hears(&[AGENT, CUSTOMER], &[]);
    eventually("it has ended", DEADLINE, || (position(desk) / 1000.0 > TALK - 0.3).then_some(()));
}

/// By key, at the moment where the player stands; the recording is found by it.
fn comment(desk: &Desk, customer: &Party) {
    eventually("it rests", DEADLINE, || rests(desk).then_some(()));
    desk.window.script("document.activeElement?.blur(); return 0");
    desk.window.press(&["c"]);
    desk.has_focus("comment");
    desk.window.write("well said");
    desk.window.press(&["Control", "Enter"]);
    shows(&desk.window, "#comments .said p", &["well said"]);
    let at = position(desk).round();
    desk.picture("commented");
    desk.window.type_into("#recordings-search", "said well");
    shows(&desk.window, "#recordings li button:enabled", &[&customer.user.name]);
    rewind(desk);
    eventually("the player is at the beginning", DEADLINE, || (position(desk) < 100.0).then_some(()));
    click(desk, "#comments .at");
    eventually("the player goes there", DEADLINE, || ((position(desk) - at).abs() <= 100.0).then_some(()));
}

fn delete(desk: &Desk) {
    // Beside them stands the ledger, which a deletion is written into.
    let recording = |entry: &fs::DirEntry| entry.file_name() != "ledger";
    let files = || fs::read_dir(desk.data.join("recordings")).map_or(0, |all| all.flatten().filter(recording).count());
    assert_eq!(files(), 1);
    click(desk, "#delete-recording");
    click(desk, "#delete-now");
    desk.window.wait_gone("#player");
    desk.window.wait_gone("#recordings");
    assert_eq!(files(), 0);
}

fn a_call_is_recorded_and_heard_again(language: &'static str) {
    let _alone = alone();
    let desk = Desk::open(language);
    desk.send(json!({ "command": "change_settings", "settings": { "recording": "on_demand" } }));
    desk.send(json!({ "command": "select_ringers", "devices": ["pipewire:far_spk"] }));
    let mut customer = Party::new(CUSTOMER, false);
    record(&desk, &mut customer);
    find(&desk, &customer);
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (headset, room) = (Ear::at(folder.path(), "agent_spk"), Ear::at(folder.path(), "far_spk"));
    hear(&desk, &headset, &room);
    comment(&desk, &customer);
    delete(&desk);
}

#[test]
fn a_call_is_recorded_and_heard_again_in_english() {
    a_call_is_recorded_and_heard_again("en");
}

#[test]
fn a_call_is_recorded_and_heard_again_in_arabic() {
    a_call_is_recorded_and_heard_again("ar");
}
