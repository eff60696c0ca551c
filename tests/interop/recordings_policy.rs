//! What the rules want of recordings: a tone that both sides hear, pauses that end by themselves, what may not be deleted;
//! and the ledger, in which everything stands and by which every loss is found.

use crate::recordings::{OURS, Stage, library, the_recording};
use hatif_lab::{DEADLINE, process::eventually, sound::Recording};
use serde_json::{Value, json};
use std::fs;

/// Hz.
const TONE: u32 = 1_400;
/// dB of full scale; it is sent at -20.
const HEARD: f64 = -28.0;
const NOTHING: f64 = -40.0;

fn rules(stage: &mut Stage, rules: Value) {
    let settings = json!({ "recording": "on_demand", "recording_rules": rules });
    let mark = stage.cli.events.mark();
    stage.cli.send(json!({ "command": "change_settings", "settings": settings }));
    stage.cli.events.wait_for("the rules", mark, |event| event["event"] == "settings_changed");
}

/// How loud the tone is where it is loudest.
fn loudest(heard: &Recording) -> f64 {
    // As long as the tone, and begun often enough to meet it.
    let steps = heard.samples.windows((heard.rate / 5) as usize).step_by((heard.rate / 50) as usize);
    let level = |samples: &[f32]| Recording { rate: heard.rate, samples: samples.to_vec() }.level_of(TONE);
    steps.map(level).fold(-120.0, f64::max)
}

#[test]
fn both_sides_hear_that_they_are_recorded() {
    let mut stage = Stage::set_on(None);
    rules(&mut stage, json!({ "tone": true }));
    stage.listen(1.0);
    let theirs = |stage: &Stage| stage.peer.heard().map_or(-120.0, |heard| loudest(&heard));
    let ours = |stage: &Stage| loudest(&stage.cli.heard());
    println!("before: {:.0} dB there, {:.0} dB here", theirs(&stage), ours(&stage));
    assert!(theirs(&stage) < NOTHING && ours(&stage) < NOTHING, "nothing is recorded yet");
    stage.ask("begin", "on");
    eventually("both hear it", DEADLINE, || (theirs(&stage) > HEARD && ours(&stage) > HEARD).then_some(()));
    println!("recorded: {:.0} dB there, {:.0} dB here", theirs(&stage), ours(&stage));
    stage.peer.wait_heard(OURS, 0.5);
    stage.cli.hang_up(stage.call);
    stage.cli.quit();
}

#[test]
fn a_pause_that_was_forgotten_ends_by_itself() {
    let mut stage = Stage::set_on(None);
    rules(&mut stage, json!({ "resume_after_s": 1 }));
    stage.ask("begin", "on");
    let mark = stage.cli.events.mark();
    stage.ask("pause", "paused");
    stage.cli.events.wait_for("it goes on", mark, |event| {
        event["event"] == "notice_raised" && event["notice"]["text"]["code"] == "recording.resumed"
    });
    stage.listen(1.0);
    stage.cli.hang_up(stage.call);
    let row = the_recording(&mut stage.cli);
    let paused = row["paused_ms"].as_u64().unwrap();
    assert!(paused >= 900 && paused < row["length_ms"].as_u64().unwrap(), "{row}");
    let log = library(&mut stage.cli, json!({ "do": "log", "recording": row["name"] }), "log");
    let deeds: Vec<&str> = log["entries"].as_array().unwrap().iter().map(|e| e["deed"].as_str().unwrap()).collect();
    assert_eq!(deeds, ["began", "paused", "resumed", "ended"]);
    stage.cli.quit();
}

#[test]
fn what_is_held_is_not_deleted_and_what_is_taken_away_is_missed() {
    let mut stage = Stage::set_on(None);
    rules(&mut stage, json!({ "keep_days": 30 }));
    stage.ask("begin", "on");
    stage.listen(1.5);
    stage.cli.hang_up(stage.call);
    let row = the_recording(&mut stage.cli);
    let name = row["name"].as_str().unwrap().to_owned();
    let day = 86_400_000.0;
    assert_eq!(
        row["expires_ms"].as_f64().unwrap(),
        row["started_ms"].as_f64().unwrap() + 30.0 * day,
        "told beforehand"
    );

    let of_it = |what: &str| json!({ "do": what, "recording": name });
    let hold = |on: bool| json!({ "do": "hold", "recording": name, "on": on });
    let held = library(&mut stage.cli, hold(true), "kept");
    assert!(held["recording"]["held"] == true && held["recording"]["expires_ms"].is_null());
    let mark = stage.cli.events.mark();
    stage.cli.send(json!({ "command": "recordings", "recordings": of_it("delete") }));
    stage.cli.events.wait_for("it is refused", mark, |event| {
        event["recordings"]["what"] == "failed" && event["recordings"]["text"]["code"] == "recording.held"
    });
    library(&mut stage.cli, hold(false), "kept");

    let check = || json!({ "do": "check" });
    let good = json!({ "what": "checked", "whole": 1, "missing": [], "changed": [], "strange": [], "problem": null });
    assert_eq!(library(&mut stage.cli, check(), "checked"), good);
    // Somebody who can write there does what he can.
    let folder = stage.data().join("recordings");
    let (file, ledger) = (folder.join(format!("{name}.hatif")), folder.join("ledger"));
    let (bytes, book) = (fs::read(&file).unwrap(), fs::read(&ledger).unwrap());
    fs::remove_file(&file).unwrap();
    assert_eq!(library(&mut stage.cli, check(), "checked")["missing"], json!([name]));
    fs::write(&file, [&bytes[..], b"more"].concat()).unwrap();
    assert_eq!(library(&mut stage.cli, check(), "checked")["changed"], json!([name]));
    fs::write(&file, &bytes).unwrap();
    let stranger = "0".repeat(32);
    fs::write(folder.join(format!("{stranger}.hatif")), &bytes).unwrap();
    assert_eq!(library(&mut stage.cli, check(), "checked")["strange"], json!([stranger]));
    fs::remove_file(folder.join(format!("{stranger}.hatif"))).unwrap();
    assert_eq!(library(&mut stage.cli, check(), "checked"), good);

    // The ledger of before it was played and exported, in the place of today's.
    library(&mut stage.cli, json!({ "do": "export", "recording": name, "format": "opus" }), "exported");
    library(&mut stage.cli, of_it("verify"), "verified");
    let today = eventually("it stands in the ledger", DEADLINE, || {
        let log = library(&mut stage.cli, of_it("log"), "log");
        let deeds: Vec<&str> = log["entries"].as_array()?.iter().filter_map(|e| e["deed"].as_str()).collect();
        (deeds == ["began", "ended", "held", "released", "exported", "verified"])
            .then(|| fs::read(&ledger).expect("the ledger is there"))
    });
    fs::write(&ledger, &book).unwrap();
    assert_eq!(library(&mut stage.cli, check(), "checked")["problem"]["code"], "recording.changed");
    fs::write(&ledger, &today).unwrap();
    assert_eq!(library(&mut stage.cli, check(), "checked"), good);
    library(&mut stage.cli, of_it("delete"), "deleted");
    let gone = library(&mut stage.cli, check(), "checked");
    assert!(gone["whole"] == 0 && gone["missing"] == json!([]) && gone["problem"].is_null(), "{gone}");
    stage.cli.quit();
}
