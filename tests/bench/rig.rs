//! Two phones wearing the two virtual headsets of `tests/lab/desktop.sh`, and a recording of both ends.

use hatif_lab::{
    DEADLINE, lab_dir, ports,
    process::{Process, eventually, words},
    transcript::Transcript,
};
use serde_json::{Value, json};
use std::{
    fs,
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

const SPEECH: &str = "/usr/share/pocketsphinx/test/data/librivox";
const SENTENCES: [&str; 4] = ["0870", "0890", "0920", "0930"];

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Phone {
    Hatif,
    Baresip,
}

pub struct Rig {
    folder: tempfile::TempDir,
    speech: PathBuf,
}

/// A phone in a call, ended when dropped.
enum Running {
    Hatif { child: Child, events: Transcript },
    Baresip { process: Process },
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Running::Hatif { child, .. } = self {
            // Its group may be gone already; either is the end that is wanted.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

impl Rig {
    pub fn start() -> Rig {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let speech = folder.path().join("speech.wav");
        let mut sox = Command::new("sox");
        sox.args(SENTENCES.map(|s| format!("{SPEECH}/sense_and_sensibility_01_austen_64kb-{s}.wav")));
        sox.args(["-r", "48000"]).arg(&speech).args(["norm", "-6", "pad", "0.5", "0.5"]);
        assert!(
            sox.status().is_ok_and(|s| s.success()),
            "sox and pocketsphinx-testdata are needed: cargo xtask setup bench"
        );
        Rig { folder, speech }
    }

    /// One call in which `talker` reads and `listener` listens; what score.py makes of it.
    pub fn call(&self, talker: Phone, listener: Phone) -> Value {
        // A graph that a phone left at the wrong moment can stand still for good (PipeWire 0.3.65).
        let headsets = Path::new(env!("CARGO_MANIFEST_DIR")).join("lab/headsets.sh");
        let made = Command::new("bash").arg(headsets).status();
        assert!(made.is_ok_and(|s| s.success()), "the virtual headsets could not be made");
        let (talk_port, listen_port) = (ports::free(2), ports::free(2));
        let far = self.phone(talker, "far", talk_port, None);
        let address = format!("sip:far@127.0.0.1:{talk_port}");
        let agent = self.phone(listener, "agent", listen_port, Some(&address));
        wait_active(&agent);
        // Jitter buffers settle before the speech begins.
        std::thread::sleep(std::time::Duration::from_secs(2));
        let recording = self.record();
        for (who, phone) in [("talker", &far), ("listener", &agent)] {
            if let Running::Hatif { events, .. } = phone {
                let events = events.since(0);
                let last = events.iter().rev().find(|event| event["event"] == "quality").map(|e| &e["quality"]);
                let of = |name: &str| last.map_or(&Value::Null, |quality| &quality[name]);
                // What the devices did to it: a figure with many of these says little of the phone.
                println!(
                    "  {who}: {} gaps at the microphone, {} at the speaker",
                    of("microphone_gaps"),
                    of("speaker_gaps")
                );
            }
        }
        drop((agent, far));
        score(&recording)
    }

    fn phone(&self, phone: Phone, who: &str, port: u16, call: Option<&str>) -> Running {
        match phone {
            Phone::Hatif => self.hatif(who, port, call),
            Phone::Baresip => self.baresip(who, port, call),
        }
    }

    fn hatif(&self, who: &str, port: u16, call: Option<&str>) -> Running {
        let program =
            std::env::var_os("HATIF_CLI").map_or_else(|| hatif_lab::build_dir().join("hatif-cli"), PathBuf::from);
        let data = tempfile::tempdir_in(self.folder.path()).expect("a temporary folder").keep();
        let mut command = real_time(&program);
        command.arg("--data").arg(data).arg("--no-keyring");
        command.args(["--input", &format!("pipewire:{who}_mic"), "--output", &format!("pipewire:{who}_spk")]);
        if call.is_none() {
            command.arg("--auto-answer");
        }
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let log =
            fs::File::create(self.folder.path().join(format!("{who}.log"))).expect("the folder can be written to");
        let mut child = command.stderr(log).spawn().expect("hatif-cli can be started");
        let output = child.stdout.take().expect("it was asked for");
        let events = Transcript::new("hatif-cli");
        events.follow(move |add| {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                add(serde_json::from_str(&line).unwrap_or_default());
            }
        });
        let input = child.stdin.as_mut().expect("it was asked for");
        let account = json!({ "kind": "direct", "user": who, "domain": "127.0.0.1", "local_port": port });
        writeln!(input, "{}", json!({ "command": "add_account", "account": account }))
            .expect("hatif-cli takes commands");
        events.wait_for("its account", 0, |event| event["event"] == "account_changed");
        if let Some(address) = call {
            writeln!(input, "{}", json!({ "command": "call", "to": address })).expect("hatif-cli takes commands");
        }
        Running::Hatif { child, events }
    }

    fn baresip(&self, who: &str, port: u16, call: Option<&str>) -> Running {
        let at = tempfile::tempdir_in(self.folder.path()).expect("a temporary folder").keep();
        let rtp = ports::free(40);
        let config = format!(
            "poll_method epoll\nsip_listen 127.0.0.1:{port}\nnet_interface 127.0.0.1\naudio_player pulse,{who}_spk\naudio_source pulse,{who}_mic\n\
             audio_alert pulse,{who}_spk\nausrc_srate 48000\nauplay_srate 48000\nausrc_channels 1\nauplay_channels 1\n\
             rtp_ports {rtp}-{}\njitter_buffer_delay 5-10\nmodule_path /usr/lib/baresip/modules\nmodule opus.so\n\
             module pulse.so\nmodule_tmp account.so\nmodule_app menu.so\nopus_bitrate 32000\nopus_stereo no\n\
             opus_sprop_stereo no\nopus_complexity 10\n",
            rtp + 39
        );
        fs::write(at.join("config"), config).expect("the folder can be written to");
        let mode = if call.is_some() { "manual" } else { "auto" };
        let account = format!("<sip:{who}@127.0.0.1:{port}>;regint=0;answermode={mode}\n");
        fs::write(at.join("accounts"), account).expect("the folder can be written to");
        fs::write(at.join("contacts"), "").expect("the folder can be written to");
        let mut arguments = words(["chrt", "-f", "40", "baresip", "-4", "-f", &at.display().to_string()]);
        if let Some(address) = call {
            arguments.extend(words(["-e", &format!("/dial {address}")]));
        }
        let mut process = Process::start("baresip", &at, &arguments);
        process.ready_when(DEADLINE, |p| p.output().contains("baresip is ready"));
        Running::Baresip { process }
    }

    /// Reads the speech into the far microphone and records it beside what comes out of the agent's speaker.
    fn record(&self) -> PathBuf {
        let recording = self.folder.path().join("recording.wav");
        let mut recorder = real_time(Path::new("pw-cat"))
            .args(["-r", "--target", "0", "--channels", "2", "--channel-map", "stereo", "--format", "f32"])
            .args(["--rate", "48000", "--latency", "480/48000"])
            .arg(&recording)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("pw-cat can be started");
        for (from, to) in [("far_mic_in:monitor_MONO", "pw-cat:input_FL"), ("agent_spk:monitor_FL", "pw-cat:input_FR")]
        {
            eventually("the recorder is linked", DEADLINE, || {
                let link = Command::new("pw-link").args([from, to]).output().ok()?;
                link.status.success().then_some(())
            });
        }
        let played = real_time(Path::new("pw-play")).args(["--target", "far_mic_in"]).arg(&self.speech).status();
        assert!(played.is_ok_and(|s| s.success()), "pw-play could not play the speech");
        // The end of the speech is still on its way.
        std::thread::sleep(std::time::Duration::from_millis(1200));
        let interrupted = Command::new("kill").args(["-INT", &recorder.id().to_string()]).status();
        assert!(interrupted.is_ok_and(|s| s.success()));
        let _ = recorder.wait();
        recording
    }
}

/// As a real-time process, so that a build on the same machine does not disturb the figures; as it is where that is
/// not allowed.
fn real_time(program: &Path) -> Command {
    let allowed = Command::new("chrt").args(["-f", "40", "true"]).status().is_ok_and(|s| s.success());
    if !allowed {
        return Command::new(program);
    }
    let mut command = Command::new("chrt");
    command.args(["-f", "40"]).arg(program);
    command
}

fn wait_active(phone: &Running) {
    match phone {
        Running::Hatif { events, .. } => {
            events.wait_for("an active call", 0, |e| {
                e["event"] == "call_changed" && e["call"]["state"]["state"] == "active"
            });
        }
        Running::Baresip { process } => {
            eventually("baresip's call", DEADLINE, || process.output().contains("Call established").then_some(()));
        }
    }
}

fn score(recording: &Path) -> Value {
    let python = lab_dir().join("score/bin/python");
    assert!(python.exists(), "{} is not there: cargo xtask bench voice makes it", python.display());
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("bench/score.py");
    let output = Command::new(python).arg(script).arg(recording).output().expect("python can be started");
    let text = String::from_utf8_lossy(&output.stdout);
    serde_json::from_str(text.trim())
        .unwrap_or_else(|_| panic!("score.py failed:\n{text}{}", String::from_utf8_lossy(&output.stderr)))
}
