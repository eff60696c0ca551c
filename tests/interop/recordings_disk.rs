//! Recording on disks that are full, read-only or looked into afterwards: real file systems, mounted for the phone alone.
//! Whatever becomes of the recording, the call does not notice.

use crate::recordings::{OURS, Stage, THEIRS, files, library, the_recording};
use hatif_lab::{cli::may_mount, process::run, sound};
use serde_json::{Value, json};
use std::{fs, io::Write, path::Path};

/// Seconds of a call without sound that a busy machine may have on its own; a disk that is waited for is seconds more.
const BUSY: f64 = 0.5;

fn notice(stage: &Stage, event: &str, code: &str, mark: usize) {
    stage.cli.events.wait_for(&format!("{event} {code}"), mark, |told| {
        told["event"] == event && (event != "notice_raised" || told["notice"]["text"]["code"] == code)
    });
}

/// How much of what was heard since then was no sound.
fn silence_since(stage: &Stage, seconds: f64) -> f64 {
    let heard = stage.cli.heard();
    let span = heard.tail(heard.seconds() - seconds).expect("it is longer now");
    span.seconds() - span.seconds_audible()
}

#[test]
fn a_full_disk_leaves_a_marked_gap_and_a_warning_and_the_call_unharmed() {
    if !may_mount(false) {
        return;
    }
    let small = "mkdir -p \"$DATA/recordings\" && mount -t tmpfs -o size=512k none \"$DATA/recordings\"";
    let mut stage = Stage::set_on(Some(small.into()));
    stage.ask("begin", "on");
    stage.listen(2.0);
    let (mark, heard) = (stage.cli.events.mark(), stage.cli.heard().seconds());
    let filler = stage.cli.seen(&stage.data().join("recordings/filler"));
    let mut file = fs::File::create(&filler).expect("the disk is there");
    while file.write_all(&[7; 4096]).is_ok() {}
    notice(&stage, "notice_raised", "recording.stalled", mark);
    // Longer than what waits in memory.
    stage.listen(13.0);
    assert!(silence_since(&stage, heard) < BUSY, "the call went on");
    let mark = stage.cli.events.mark();
    drop(file);
    fs::remove_file(filler).expect("it was there");
    notice(&stage, "notice_gone", "", mark);
    stage.listen(2.0);
    stage.cli.hang_up(stage.call);
    let row = the_recording(&mut stage.cli);
    let (length, gaps) = (row["length_ms"].as_u64().unwrap(), row["gaps_ms"].as_u64().unwrap());
    println!("{gaps} ms of {length} ms are missing");
    assert!(gaps >= 800 && gaps + 4_000 < length && row["torn"] == false, "{row}");
    let ask = json!({ "do": "verify", "recording": row["name"] });
    assert_eq!(library(&mut stage.cli, ask, "verified")["problem"], Value::Null);
    let opened = library(&mut stage.cli, json!({ "do": "open", "recording": row["name"] }), "opened");
    let marks = opened["wave"]["marks"].as_array().unwrap();
    let missing: u64 = marks.iter().map(|mark| mark["length_ms"].as_u64().unwrap()).sum();
    assert!(marks.iter().all(|mark| mark["kind"] == "gap") && missing == gaps, "{marks:?}");
    stage.cli.quit();
}

#[test]
fn on_a_read_only_disk_nothing_is_recorded_the_agent_is_told_and_the_call_goes_on() {
    if !may_mount(false) {
        return;
    }
    let locked = "mkdir -p \"$DATA/recordings\" && mount -t tmpfs -o ro none \"$DATA/recordings\"";
    let mut stage = Stage::set_on(Some(locked.into()));
    let heard = stage.cli.heard().seconds();
    let mark = stage.cli.events.mark();
    stage.ask("begin", "failed");
    notice(&stage, "notice_raised", "recording.failed", mark);
    stage.listen(2.0);
    assert!(silence_since(&stage, heard) < BUSY);
    let page = library(&mut stage.cli, json!({ "do": "find", "request": 1 }), "page");
    assert_eq!(page["recordings"], json!([]));
    stage.cli.hang_up(stage.call);
    stage.cli.quit();
}

/// Whether a file holds what either side said, or a piece of a sound file.
fn tells(path: &Path) -> bool {
    let bytes = fs::read(path).unwrap_or_default();
    let magic = [&b"OggS"[..], b"OpusHead", b"RIFF"];
    magic.iter().any(|plain| bytes.windows(plain.len()).any(|window| window == *plain))
        || [OURS, THEIRS].iter().any(|tone| sound::bytes_hold(&bytes, *tone))
}

/// The whole disk, with what was deleted from it, and whatever the process holds open while it records.
#[test]
fn nothing_of_a_recorded_call_lies_in_the_clear_on_the_disk_or_in_an_open_file() {
    if !may_mount(true) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let image = folder.path().join("disk.img");
    run(folder.path(), &["truncate", "-s", "8M", &image.display().to_string()]);
    run(folder.path(), &["mkfs.ext4", "-q", &image.display().to_string()]);
    let mount = format!("mount -o loop \"{}\" \"$DATA\" && mkdir -p \"$DATA/home\"", image.display());
    let mut stage = Stage::set_on(Some(mount));
    stage.ask("begin", "on");
    stage.listen(2.0);
    stage.ask("pause", "paused");
    stage.listen(1.0);
    stage.ask("resume", "on");
    stage.listen(1.0);
    let mut open = 0;
    for process in members(stage.cli.pid()) {
        for entry in fs::read_dir(format!("/proc/{process}/fd")).into_iter().flatten().flatten() {
            let Ok(target) = fs::read_link(entry.path()) else { continue };
            // The two that stand for the headset, and what is no file with a content.
            let headset = ["heard.wav", "microphone.wav"].iter().any(|name| target.ends_with(name));
            if headset || !entry.path().metadata().is_ok_and(|meta| meta.is_file()) {
                continue;
            }
            open += 1;
            assert!(!tells(&entry.path()), "{} tells of the call", target.display());
        }
    }
    assert!(open > 1, "the database and the recording are open");
    stage.cli.hang_up(stage.call);
    let row = the_recording(&mut stage.cli);
    let (data, at) = (stage.cli.seen(&stage.data()), folder.path());
    let written = || run(at, &["sync", "-f", &data.display().to_string()]);
    for file in files(&data) {
        assert!(!tells(&file), "{} tells of the call", file.display());
    }
    written();
    assert!(!tells(&image), "the disk tells of the call");
    // What is searched for is found where it lies in the clear, deleted or not.
    let ask = json!({ "do": "export", "recording": row["name"], "format": "wav" });
    let exported = library(&mut stage.cli, ask, "exported")["file"].as_str().unwrap().to_owned();
    let exported = stage.cli.seen(Path::new(&exported));
    assert!(tells(&exported));
    written();
    fs::remove_file(exported).expect("it is there");
    assert!(tells(&image), "the export was on the disk");
    stage.cli.quit();
}

/// A process and all that it started.
fn members(of: u32) -> Vec<u32> {
    let children = fs::read_dir(format!("/proc/{of}/task")).into_iter().flatten().flatten().flat_map(|task| {
        let listed = fs::read_to_string(task.path().join("children")).unwrap_or_default();
        listed.split_whitespace().filter_map(|id| id.parse().ok()).collect::<Vec<u32>>()
    });
    let children: Vec<u32> = children.collect();
    [of].into_iter().chain(children.into_iter().flat_map(members)).collect()
}
