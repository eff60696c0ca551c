//! The phones that are measured, each started in the same three ways.

use hatif_lab::{
    Linphone,
    asterisk::User,
    linphone, ports,
    process::{Process, words},
    sound,
};
use serde_json::json;
use std::{
    fs,
    io::Write,
    path::PathBuf,
    process::{Child, Command, Stdio},
};

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Hatif,
    Baresip,
    Linphonec,
}

pub const KINDS: [Kind; 3] = [Kind::Hatif, Kind::Baresip, Kind::Linphonec];

impl Kind {
    pub fn name(self) -> &'static str {
        match self {
            Kind::Hatif => "Hatif",
            Kind::Baresip => "baresip",
            Kind::Linphonec => "linphonec",
        }
    }
}

/// How it is started.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// Called without a registrar; waits for a person, or answers by itself.
    Called { answers: bool },
    /// Registers at this port on loopback.
    Registers(u16),
}

/// A running phone; it ends when this is dropped.
pub struct Phone {
    /// Where it is called.
    pub port: u16,
    running: Running,
    _folder: tempfile::TempDir,
}

enum Running {
    Hatif(Child),
    Baresip(Process),
    Linphonec(Linphone),
}

/// More calls at once than are measured.
pub const MOST_CALLS: usize = 60;

impl Phone {
    pub fn start(kind: Kind, way: Way) -> Phone {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let voice = sound::melody(&folder.path().join("voice.wav"), &[440], 30.0);
        let port = ports::free(2);
        let (port, running) = match kind {
            Kind::Hatif => (port, Running::Hatif(hatif(folder.path().join("data"), voice, way, port))),
            Kind::Baresip => (port, Running::Baresip(baresip(folder.path(), way, port))),
            Kind::Linphonec => {
                let linphone = linphonec(voice, way);
                (linphone.port, Running::Linphonec(linphone))
            }
        };
        Phone { port, running, _folder: folder }
    }

    /// Resident memory of its process, in MB.
    pub fn memory(&self) -> f64 {
        let id = match &self.running {
            Running::Hatif(child) => child.id(),
            Running::Linphonec(linphone) => linphone.pid(),
            Running::Baresip(process) => {
                process.members().into_iter().find(|(_, name)| name == "baresip").expect("baresip runs").0
            }
        };
        let status = fs::read_to_string(format!("/proc/{id}/status")).expect("it runs");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or_default();
        line.split_whitespace().next().and_then(|kb| kb.parse::<f64>().ok()).expect("a number") / 1024.0
    }

    /// Tells a phone that answers only one call by itself to answer its `number`th.
    pub fn answer(&mut self, number: usize) {
        if let Running::Linphonec(linphone) = &mut self.running {
            linphone.command(&format!("answer {number}"));
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Running::Hatif(child) = self {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn user() -> User {
    User { name: "peer".into(), password: "secret".into() }
}

fn hatif(data: PathBuf, voice: PathBuf, way: Way, port: u16) -> Child {
    let program = std::env::var_os("HATIF_CLI").map_or_else(|| hatif_lab::build_dir().join("hatif-cli"), PathBuf::from);
    let mut command = Command::new(&program);
    command.arg("--no-keyring").arg("--data").arg(data).arg("--play").arg(voice);
    command.args(["--most-calls", &MOST_CALLS.to_string()]);
    if way == (Way::Called { answers: true }) {
        command.arg("--auto-answer");
    }
    command.env_remove("DBUS_SESSION_BUS_ADDRESS").env_remove("DISPLAY");
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = command.spawn().unwrap_or_else(|error| panic!("{}: {error}", program.display()));
    let User { name, password } = user();
    let account = match way {
        Way::Called { .. } => json!({ "kind": "direct", "user": name, "domain": "127.0.0.1", "local_port": port }),
        Way::Registers(at) => json!({ "user": name, "domain": format!("127.0.0.1:{at}"), "password": password }),
    };
    let input = child.stdin.as_mut().expect("it was asked for");
    writeln!(input, "{}", json!({ "command": "add_account", "account": account })).expect("hatif-cli takes commands");
    child
}

fn baresip(at: &std::path::Path, way: Way, port: u16) -> Process {
    let rtp = ports::free(200);
    let config = format!(
        "poll_method epoll\nsip_listen 127.0.0.1:{port}\nnet_interface 127.0.0.1\ncall_max_calls {MOST_CALLS}\n\
         audio_source ausine,440\naudio_player aubridge,nowhere\naudio_alert aubridge,alert\nausrc_srate 48000\n\
         auplay_srate 48000\nausrc_channels 2\nauplay_channels 2\nrtp_ports {rtp}-{}\njitter_buffer_delay 5-10\n\
         module_path /usr/lib/baresip/modules\nmodule opus.so\nmodule g711.so\nmodule ausine.so\nmodule aubridge.so\n\
         module uuid.so\nmodule_tmp account.so\nmodule_app menu.so\n",
        rtp + 199
    );
    fs::write(at.join("config"), config).expect("the folder can be written to");
    let User { name, password } = user();
    let account = match way {
        Way::Called { answers } => {
            let mode = if answers { "auto" } else { "manual" };
            format!("<sip:{name}@127.0.0.1:{port}>;regint=0;answermode={mode}\n")
        }
        Way::Registers(at) => format!("<sip:{name}@127.0.0.1:{at}>;auth_pass={password};regint=300\n"),
    };
    fs::write(at.join("accounts"), account).expect("the folder can be written to");
    fs::write(at.join("contacts"), "").expect("the folder can be written to");
    Process::start("baresip", at, &words(["baresip", "-4", "-f", &at.display().to_string()]))
}

fn linphonec(voice: PathBuf, way: Way) -> Linphone {
    let (account, auto_answer) = match way {
        Way::Called { answers } => (None, answers),
        Way::Registers(at) => (Some((user(), format!("127.0.0.1:{at}"))), false),
    };
    Linphone::spawn(linphone::Options { account, play: Some(voice), auto_answer, most_calls: MOST_CALLS })
}
