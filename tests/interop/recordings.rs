//! Calls with baresip that are recorded: what each side said is on its channel, what was paused is nowhere, nothing lies
//! on the disk in the clear, and a recording that was torn away is finished at the next start.

use crate::hum;
use hatif_lab::{Baresip, Cli, baresip, cli, ports, sound::Recording};
use serde_json::{Value, json};
use std::{
    fs,
    path::{Path, PathBuf},
};

pub const OURS: u32 = 700;
pub const THEIRS: u32 = 500;

pub struct Stage {
    pub folder: tempfile::TempDir,
    pub cli: Cli,
    pub peer: Baresip,
    pub call: u64,
}

impl Stage {
    /// A call with baresip, by a phone that may record.
    fn set() -> Stage {
        Stage::set_on(None)
    }

    /// The same, with mounts of its own.
    pub fn set_on(mount: Option<String>) -> Stage {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let peer = Baresip::start(baresip::Options { tone: THEIRS, codecs: "opus/48000/2", ..Default::default() });
        let mut cli = Stage::phone(folder.path(), Some(hum(&folder, OURS)), mount);
        cli.send(json!({ "command": "change_settings", "settings": { "recording": "on_demand" } }));
        let account = cli.add_direct(ports::free(2));
        let call = cli.call(&peer.address(), account);
        cli.wait_call(call, "active");
        Stage { folder, cli, peer, call }
    }

    fn phone(folder: &Path, play: Option<PathBuf>, mount: Option<String>) -> Cli {
        let data = Some(folder.join("data"));
        Cli::start(cli::Options { play, data, keyring: true, mount, ..Default::default() })
    }

    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// Asks something of the call's recording, and waits until it is so.
    pub fn ask(&mut self, what: &str, becomes: &str) {
        let mark = self.cli.events.mark();
        self.cli.send(json!({ "command": "recordings", "recordings": { "do": what, "call": self.call } }));
        self.cli.events.wait_for(&format!("recording {becomes}"), mark, |event| {
            event["event"] == "call_changed" && event["call"]["recording"] == becomes
        });
    }

    /// Lets the customer be heard for so long from now on.
    pub fn listen(&self, seconds: f64) {
        let heard = self.cli.heard().seconds_of(THEIRS);
        self.cli.wait_heard(THEIRS, heard + seconds);
    }
}

pub fn library(cli: &mut Cli, recordings: Value, what: &str) -> Value {
    let mark = cli.events.mark();
    cli.send(json!({ "command": "recordings", "recordings": recordings }));
    told(cli, mark, what)
}

fn told(cli: &Cli, mark: usize, what: &str) -> Value {
    let event = cli.events.wait_for(what, mark, |event| {
        event["event"] == "recordings" && [what, "failed"].iter().any(|it| event["recordings"]["what"] == *it)
    });
    assert_eq!(event["recordings"]["what"], what, "{event}");
    event["recordings"].clone()
}

/// The only recording, once it has its end.
pub fn the_recording(cli: &mut Cli) -> Value {
    loop {
        let mark = cli.events.mark();
        let page = library(cli, json!({ "do": "find", "request": 1, "query": "127.0.0.1" }), "page");
        let found = page["recordings"].as_array().expect("a list");
        assert!(found.len() <= 1, "{page}");
        match found.first() {
            Some(row) if row["length_ms"].is_u64() => return row.clone(),
            _ => drop(told(cli, mark, "changed")),
        }
    }
}

/// Both channels of a WAV file of 16 bits.
pub fn sides(path: &Path) -> [Recording; 2] {
    let bytes = fs::read(path).expect("the export is there");
    let data = bytes.windows(4).position(|window| window == b"data").expect("a WAV file") + 8;
    let side = |n: usize| {
        let samples = bytes[data..]
            .chunks_exact(4)
            .map(|four| f32::from(i16::from_le_bytes([four[2 * n], four[2 * n + 1]])) / 32_768.0);
        Recording { rate: 48_000, samples: samples.collect() }
    };
    [side(0), side(1)]
}

/// Every file below a folder.
pub fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder").flatten() {
        let path = entry.path();
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            found.extend(files(&path));
        } else if entry.file_type().is_ok_and(|kind| kind.is_file()) {
            found.push(path);
        }
    }
    found
}

#[test]
fn a_call_is_recorded_on_two_channels_without_what_was_paused() {
    let mut stage = Stage::set();
    stage.listen(0.5);
    stage.ask("begin", "on");
    stage.listen(1.5);
    stage.ask("pause", "paused");
    stage.listen(1.5);
    stage.ask("resume", "on");
    stage.listen(1.5);
    stage.cli.hang_up(stage.call);
    stage.peer.wait_for("CALL_CLOSED");
    let row = the_recording(&mut stage.cli);
    let (length, paused) = (row["length_ms"].as_u64().unwrap(), row["paused_ms"].as_u64().unwrap());
    assert!(length >= 4_400 && paused >= 1_400 && row["gaps_ms"] == 0 && row["torn"] == false, "{row}");
    let name = row["name"].as_str().unwrap().to_owned();

    // Nothing in the clear, anywhere.
    for file in files(&stage.data()) {
        let bytes = fs::read(&file).unwrap();
        for plain in [&b"OggS"[..], b"Opus", b"RIFF"] {
            assert!(!bytes.windows(4).any(|window| window == plain), "{} in {}", plain.escape_ascii(), file.display());
        }
    }

    let opened = library(&mut stage.cli, json!({ "do": "open", "recording": name }), "opened");
    let mark = &opened["wave"]["marks"][0];
    let (from, to) =
        (mark["at_ms"].as_u64().unwrap(), mark["at_ms"].as_u64().unwrap() + mark["length_ms"].as_u64().unwrap());
    assert_eq!((mark["kind"].as_str(), to - from), (Some("pause"), paused));
    let exported = library(&mut stage.cli, json!({ "do": "export", "recording": name, "format": "wav" }), "exported");
    let both = sides(Path::new(exported["file"].as_str().unwrap()));
    for (side, own, other) in [(&both[0], OURS, THEIRS), (&both[1], THEIRS, OURS)] {
        assert!((side.seconds() * 1000.0 - length as f64).abs() < 20.0, "{} s of {length} ms", side.seconds());
        let talked = (length - paused) as f64 / 1000.0;
        assert!(side.seconds_of(own) > talked - 0.4, "{own} Hz for {} of {talked} s", side.seconds_of(own));
        assert_eq!(side.seconds_of(other), 0.0, "{other} Hz on the wrong side");
        // A frame of the codec on either side, where its filters ring.
        let samples = side.samples[(from as usize + 40) * 48..(to as usize - 40) * 48].to_vec();
        assert_eq!(Recording { rate: 48_000, samples }.seconds_audible(), 0.0, "what was paused is silence");
    }

    let ask = json!({ "do": "verify", "recording": name });
    assert_eq!(library(&mut stage.cli, ask.clone(), "verified")["problem"], Value::Null);
    let file = stage.data().join("recordings").join(format!("{name}.hatif"));
    let mut bytes = fs::read(&file).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&file, bytes).unwrap();
    assert_eq!(library(&mut stage.cli, ask, "verified")["problem"]["code"], "recording.changed");

    library(&mut stage.cli, json!({ "do": "delete", "recording": name }), "deleted");
    assert!(!file.exists());
    let page = library(&mut stage.cli, json!({ "do": "find", "request": 2 }), "page");
    assert_eq!(page["recordings"], json!([]));
    stage.cli.quit();
}

#[test]
fn a_recording_that_was_torn_away_is_finished_at_the_next_start() {
    let mut stage = Stage::set();
    stage.ask("begin", "on");
    stage.listen(2.5);
    let Stage { folder, cli, peer, .. } = stage;
    // SIGKILL, and all that it had in memory.
    drop(cli);
    let mut cli = Stage::phone(folder.path(), None, None);
    let row = the_recording(&mut cli);
    assert!(row["torn"] == true && row["length_ms"].as_u64().unwrap() >= 1_500, "{row}");
    let verify = json!({ "do": "verify", "recording": row["name"] });
    assert_eq!(library(&mut cli, verify, "verified")["problem"], Value::Null);
    cli.quit();
    drop(peer);
}

#[test]
fn what_is_said_of_a_recording_outlives_the_process_finds_it_and_goes_with_it() {
    let mut stage = Stage::set();
    stage.ask("begin", "on");
    stage.listen(1.0);
    stage.cli.hang_up(stage.call);
    stage.peer.wait_for("CALL_CLOSED");
    let name = the_recording(&mut stage.cli)["name"].clone();
    let say = |cli: &mut Cli, draft: Value, what: &str| {
        library(cli, json!({ "do": "comment", "recording": name, "draft": draft }), what)
    };
    let said = say(&mut stage.cli, json!({ "at_ms": 700, "text": "كان الترحيب واضحًا" }), "comments");
    let first = said["comments"][0]["id"].clone();
    say(&mut stage.cli, json!({ "at_ms": 0, "text": "" }), "comments");
    say(&mut stage.cli, json!({ "at_ms": 0, "text": "Agreed", "reply_to": first }), "comments");
    let refused = say(&mut stage.cli, json!({ "at_ms": 0, "text": "To whom?", "reply_to": 99 }), "not_commented");
    assert_eq!(refused["text"]["code"], "comment.gone");

    let Stage { folder, cli, peer, .. } = stage;
    // SIGKILL: what was confirmed is there.
    drop(cli);
    let mut cli = Stage::phone(folder.path(), None, None);
    let found = library(&mut cli, json!({ "do": "find", "request": 4, "query": "الترحيب" }), "page");
    assert_eq!((&found["recordings"][0]["name"], &found["recordings"][0]["comments"]), (&name, &json!(3)), "{found}");
    let kept = library(&mut cli, json!({ "do": "comments", "recording": name }), "comments");
    let kept: Vec<_> = kept["comments"].as_array().unwrap().iter().map(|c| (&c["at_ms"], &c["text"])).collect();
    assert_eq!(
        kept,
        [(&json!(0), &json!("")), (&json!(700), &json!("كان الترحيب واضحًا")), (&json!(700), &json!("Agreed"))]
    );
    library(&mut cli, json!({ "do": "delete", "recording": name }), "deleted");
    let gone = say(&mut cli, json!({ "at_ms": 0, "text": "too late" }), "not_commented");
    assert_eq!(gone["text"]["code"], "recording.gone");
    cli.quit();
    drop(peer);
}

#[test]
fn without_a_lasting_key_nothing_is_recorded_and_the_agent_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let peer = Baresip::start(baresip::Options { tone: THEIRS, codecs: "pcma", ..Default::default() });
    let mut cli = Cli::playing(Some(&hum(&folder, OURS)));
    cli.send(json!({ "command": "change_settings", "settings": { "recording": "always" } }));
    let account = cli.add_direct(ports::free(2));
    let call = cli.call(&peer.address(), account);
    cli.events.wait_for("no recording", 0, |event| {
        event["event"] == "call_changed" && event["call"]["recording"] == "failed"
    });
    cli.events.wait_for("the reason", 0, |event| {
        event["event"] == "notice_raised" && event["notice"]["text"]["code"] == "recording.no_key"
    });
    // The call is none the worse for it.
    cli.wait_heard(THEIRS, 0.5);
    cli.hang_up(call);
    cli.quit();
}
