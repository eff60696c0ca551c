//! Hatif itself without its window: drives `hatif-cli` as a user's program would, one JSON command a line in, one
//! JSON event a line out (docs/cli.md).

use crate::{DEADLINE, asterisk::User, privacy, process::eventually, sound::Recording, transcript::Transcript};
use serde_json::{Value, json};
use std::{
    fs,
    io::{BufRead, BufReader, Write},
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, ChildStdin, Command, Stdio},
};

/// How it is started.
#[derive(Default)]
pub struct Options {
    /// Its microphone.
    pub play: Option<PathBuf>,
    pub auto_answer: bool,
    /// Kept from an earlier run; a fresh folder otherwise.
    pub data: Option<PathBuf>,
    /// With an unlocked keyring of its own (`gnome-keyring-daemon` on a session bus), which stays with `data`.
    pub keyring: bool,
    /// In a network namespace of its own, where there is nothing: a computer that no cable leads to.
    pub offline: bool,
    /// With these mounts of its own, which are gone with it: a shell command; `$DATA` is the folder of its data.
    pub mount: Option<String>,
    /// What it is started by: a program that gives it another network, or another resolver, and then becomes it.
    pub within: Vec<String>,
}

pub struct Cli {
    pub events: Transcript,
    child: Child,
    input: Option<ChildStdin>,
    folder: tempfile::TempDir,
    /// What it was told of people and places; its log must not repeat it.
    private: Vec<String>,
}

/// Where `hatif-cli` was built.
fn program() -> PathBuf {
    let path = std::env::var_os("HATIF_CLI").map_or_else(|| crate::build_dir().join("hatif-cli"), PathBuf::from);
    assert!(path.exists(), "{} is not there: cargo build --package hatif-app --bin hatif-cli", path.display());
    path
}

/// Root has namespaces; others have them where the system lets users have their own.
fn without_network() -> Command {
    let may = |option: &str| Command::new("unshare").args([option, "true"]).stderr(Stdio::null()).status();
    let option = if may("-n").is_ok_and(|status| status.success()) { "-n" } else { "-rn" };
    let mut command = Command::new("unshare");
    command.arg(option).arg(program());
    command
}

fn started_by(within: &[String]) -> Command {
    let Some((first, rest)) = within.split_first() else { return Command::new(program()) };
    let mut command = Command::new(first);
    command.args(rest).arg(program());
    command
}

/// The keyring of a user who has logged in.
fn with_keyring() -> Command {
    let mut command = Command::new("dbus-run-session");
    let unlock = "printf 'passphrase\\n' | gnome-keyring-daemon --unlock --components=secrets >/dev/null 2>&1";
    command.args(["--", "sh", "-c", &format!("{unlock}; exec \"$@\""), "sh"]).arg(program());
    command
}

/// A mount namespace around a program.
fn with_mounts(inner: Command, mount: &str, data: &Path) -> Command {
    let mut command = Command::new("unshare");
    command.args(["-m", "sh", "-c", &format!("{mount} && exec \"$@\""), "sh"]).env("DATA", data);
    command.arg(inner.get_program()).args(inner.get_args());
    command
}

/// Whether tests may mount here, or, with `image`, mount what lies in a file: not where nobody is root, or a sandbox
/// forbids it.
pub fn may_mount(image: bool) -> bool {
    let file = "cd /mnt && truncate -s 1M i && mkfs.ext4 -q i && mkdir d && mount -o loop i d";
    let script = format!("mount -t tmpfs none /mnt && {}", if image { file } else { "true" });
    let tried = Command::new("unshare").args(["-m", "sh", "-c", &script]).output();
    let may = tried.is_ok_and(|output| output.status.success());
    if !may {
        eprintln!("mounting is not permitted here; this was not tried on a real file system");
    }
    may
}

impl Cli {
    /// Starts it with a speaker that is recorded and, as its microphone, the file of `options`.
    pub fn start(options: Options) -> Cli {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let at = folder.path();
        let data = options.data.unwrap_or_else(|| at.join("data"));
        let log = fs::File::create(at.join("hatif-cli.log")).expect("the folder can be written to");
        let mut command = match (options.keyring, options.offline) {
            (true, _) => with_keyring(),
            (false, true) => without_network(),
            (false, false) => started_by(&options.within),
        };
        if let Some(mount) = &options.mount {
            fs::create_dir_all(&data).expect("the folder can be written to");
            command = with_mounts(command, mount, &data);
        }
        if !options.keyring {
            command.arg("--no-keyring");
        }
        command.arg("--data").arg(&data).arg("--record").arg(at.join("heard.wav"));
        if let Some(file) = &options.play {
            command.arg("--play").arg(file);
        }
        if options.auto_answer {
            command.arg("--auto-answer");
        }
        // Nothing of this machine's user: no keyring, no settings, no sound; the log as it comes, which is INFO.
        command.env_remove("DBUS_SESSION_BUS_ADDRESS").env_remove("DISPLAY").env_remove("HATIF_LOG").env("HOME", at);
        if options.keyring {
            let home = data.join("home");
            fs::create_dir_all(&home).expect("the folder can be written to");
            command.env("HOME", &home).env("XDG_RUNTIME_DIR", &home).env_remove("XDG_DATA_HOME");
        }
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(log).current_dir(at).process_group(0);
        let mut child = command.spawn().expect("hatif-cli can be started");
        let output = child.stdout.take().expect("it was asked for");
        let events = Transcript::new("hatif-cli");
        events.follow(move |add| {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                // Nothing but events comes here; what is not JSON shows up as what it is, and fails whoever waits.
                add(serde_json::from_str(&line).unwrap_or_else(|_| json!({ "not an event": line })));
            }
        });
        let input = child.stdin.take();
        Cli { events, child, input, folder, private: Vec::new() }
    }

    /// With the plain settings of most tests: plays `play`, if anything.
    pub fn playing(play: Option<&Path>) -> Cli {
        Cli::start(Options { play: play.map(Path::to_path_buf), ..Options::default() })
    }

    pub fn send(&mut self, command: Value) {
        let input = self.input.as_mut().expect("it has not been told to quit");
        writeln!(input, "{command}").and_then(|()| input.flush()).expect("hatif-cli takes commands");
    }

    /// Adds an account and returns its id, whatever becomes of it. `extra` overrides and adds fields.
    pub fn add_account(&mut self, user: &User, domain: &str, registrar: &str, extra: Value) -> u64 {
        let label = format!("account {}", self.events.mark());
        self.private.extend([user.name.clone(), user.password.clone(), domain.to_string()]);
        let mut account = json!({
            "label": label, "kind": "registrar", "user": user.name, "domain": domain, "registrar": registrar,
            "password": user.password, "transport": "udp",
        });
        if let (Some(fields), Value::Object(extra)) = (account.as_object_mut(), extra) {
            fields.extend(extra);
        }
        let label = account["label"].as_str().unwrap_or_default().to_string();
        self.add(account, &label)
    }

    /// An account without a registrar, found at this port, which is open.
    pub fn add_direct(&mut self, port: u16) -> u64 {
        let label = format!("direct {port}");
        let account = json!({
            "label": label, "kind": "direct", "user": "hatif", "domain": "127.0.0.1", "local_port": port,
        });
        let account = self.add(account, &label);
        self.wait_registration(account, "up");
        account
    }

    fn add(&mut self, account: Value, label: &str) -> u64 {
        let mark = self.events.mark();
        self.send(json!({ "command": "add_account", "account": account }));
        let event = self.events.wait_for("the new account", mark, |event| {
            (event["event"] == "account_changed" && event["account"]["label"] == label)
                || event["event"] == "command_failed"
        });
        event["account"]["id"].as_u64().unwrap_or_else(|| panic!("the account was refused: {event}"))
    }

    /// The user part of an account's address.
    pub fn account_user(&self, account: u64) -> String {
        let event = self.events.wait_for("the account", 0, |event| event["account"]["id"] == account);
        let address = event["account"]["address"].as_str().unwrap_or_default();
        address.split('@').next().unwrap_or_default().to_string()
    }

    /// Waits until an account's registration is in `state`, now or later, and returns it.
    pub fn wait_registration(&self, account: u64, state: &str) -> Value {
        self.wait_registration_after(0, account, state)
    }

    pub fn wait_registration_after(&self, mark: usize, account: u64, state: &str) -> Value {
        let event = self.events.wait_for(&format!("registration {state}"), mark, |event| {
            event["event"] == "account_changed"
                && event["account"]["id"] == account
                && event["account"]["registration"]["state"] == state
        });
        event["account"]["registration"].clone()
    }

    /// Adds an account and waits until it is registered.
    pub fn register(&mut self, user: &User, domain: &str, registrar: &str, extra: Value) -> u64 {
        let account = self.add_account(user, domain, registrar, extra);
        self.wait_registration(account, "up");
        account
    }

    /// Dials, and returns the new call's id.
    pub fn call(&mut self, to: &str, account: u64) -> u64 {
        let mark = self.events.mark();
        self.private.push(to.to_string());
        self.send(json!({ "command": "call", "to": to, "account": account }));
        let event = self.events.wait_for("the new call", mark, |event| {
            (event["event"] == "call_changed" && event["call"]["state"]["state"] == "dialing")
                || (event["event"] == "command_failed" && event["command"] == "call")
        });
        event["call"]["id"].as_u64().unwrap_or_else(|| panic!("the call was refused: {event}"))
    }

    /// Waits for the next call that rings here, and returns it.
    pub fn wait_incoming(&self, mark: usize) -> Value {
        let event = self.events.wait_for("an incoming call", mark, |event| {
            event["event"] == "call_changed" && event["call"]["direction"] == "incoming"
        });
        event["call"].clone()
    }

    /// Waits until a call is or was in `state`, and returns the call as it was then.
    pub fn wait_call(&self, call: u64, state: &str) -> Value {
        self.wait_call_for(0, call, state, |_| true)
    }

    /// The same, after `mark`, and with more to say about the state.
    pub fn wait_call_for(&self, mark: usize, call: u64, state: &str, more: impl Fn(&Value) -> bool) -> Value {
        let event = self.events.wait_for(&format!("call {call} {state}"), mark, |event| {
            event["event"] == "call_changed"
                && event["call"]["id"] == call
                && event["call"]["state"]["state"] == state
                && more(&event["call"]["state"])
        });
        event["call"].clone()
    }

    /// Tells a call to do something: `answer`, `reject`, `hang_up`.
    pub fn tell(&mut self, command: &str, call: u64) {
        self.send(json!({ "command": command, "call": call }));
    }

    /// Hangs up and waits until it is over.
    pub fn hang_up(&mut self, call: u64) -> Value {
        self.tell("hang_up", call);
        self.wait_call(call, "ended")
    }

    /// What its speaker has played so far.
    pub fn heard(&self) -> Recording {
        Recording::read(&self.folder.path().join("heard.wav"))
    }

    /// Waits until `seconds` of a tone have been heard.
    pub fn wait_heard(&self, tone: u32, seconds: f64) {
        let path = self.folder.path().join("heard.wav");
        eventually(&format!("{seconds} s of {tone} Hz are heard"), DEADLINE, || {
            (path.exists()
                && fs::metadata(&path).is_ok_and(|meta| meta.len() > 44)
                && self.heard().seconds_of(tone) >= seconds)
                .then_some(())
        });
    }

    /// Waits until the last second that was played held the tone all the time, or nothing of it.
    pub fn wait_tail(&self, tone: u32, heard: bool) {
        eventually(&format!("{tone} Hz are heard: {heard}"), DEADLINE, || {
            let seconds = self.heard().tail(1.0)?.seconds_of(tone);
            (if heard { seconds > 0.9 } else { seconds == 0.0 }).then_some(())
        });
    }

    /// What it has written to standard error: its log.
    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("hatif-cli.log")).unwrap_or_default()
    }

    /// A file as this process sees it, which may have mounts of its own.
    pub fn seen(&self, path: &Path) -> PathBuf {
        let root = PathBuf::from(format!("/proc/{}/root", self.child.id()));
        root.join(path.strip_prefix("/").expect("a whole path"))
    }

    /// The process's id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    pub fn is_alive(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Asks it to end, and waits until it has said so and has ended well. Returns its whole log.
    pub fn quit(mut self) -> String {
        self.send(json!({ "command": "quit" }));
        self.events.wait_for("its end", 0, |event| event["event"] == "stopped");
        self.input = None;
        let status = eventually("it has ended", DEADLINE, || self.child.try_wait().ok().flatten());
        assert!(status.success(), "hatif-cli ended with {status}:\n{}", self.log());
        self.log()
    }

    /// What its log tells of people, places and secrets, line by line. Nothing, it is hoped.
    fn told(&self) -> Vec<String> {
        let log = self.log();
        let tells = |line: &&str| privacy::tells(line, &self.private);
        log.lines().filter(tells).map(String::from).collect()
    }
}

impl Drop for Cli {
    fn drop(&mut self) {
        // All of the group: what the session bus started goes with it.
        let group = format!("-{}", self.child.id());
        let _ = Command::new("kill").args(["-KILL", "--", &group]).stderr(Stdio::null()).status();
        let _ = self.child.wait();
        let told = self.told();
        if !std::thread::panicking() {
            // Every run of every test is held to this, whatever it was about.
            assert!(told.is_empty(), "the log at INFO tells of people or places:\n{}", told.join("\n"));
        } else {
            let log = self.log();
            let lines: Vec<&str> = log.lines().collect();
            eprintln!("--- the end of hatif-cli's log\n{}", lines[lines.len().saturating_sub(40)..].join("\n"));
        }
    }
}
