//! Who is there all the time: one Hatif with two accounts, a PBX, a phone by others.

use hatif_lab::{
    Asterisk, Baresip, Cli, DEADLINE,
    asterisk::{Codecs, User},
    baresip, cli, ports,
    process::eventually,
};
use serde_json::{Value, json};
use std::{fs, time::Duration};

pub struct Rig {
    pub asterisk: &'static Asterisk,
    pub cli: Cli,
    /// Registered with Asterisk.
    pub account: u64,
    pub user: User,
    /// Where anybody may call: `127.0.0.1:PORT`.
    pub direct: String,
    /// On the same PBX, answers by itself.
    pub phone: Baresip,
    pub phone_user: User,
    _folder: tempfile::TempDir,
}

/// What the process holds.
pub struct Use {
    /// Resident.
    pub memory_kb: i64,
    /// What of it is its own, not of mapped files (code that ran for the first time).
    pub own_kb: i64,
    pub files: i64,
    pub threads: i64,
    pub ports: i64,
}

impl Rig {
    pub fn start() -> Rig {
        let asterisk = Asterisk::shared();
        let folder = tempfile::tempdir().expect("a temporary folder");
        // Silence would do; a voice makes packets that differ.
        let play = hatif_lab::sound::melody(&folder.path().join("voice.wav"), &[440, 620], 30.0);
        let mut cli = Cli::start(cli::Options { play: Some(play), ..Default::default() });
        let user = asterisk.user(Codecs::G711);
        let account = cli.register(&user, &asterisk.address(), &asterisk.address(), json!({}));
        let port = ports::free(2);
        cli.add_direct(port);
        let phone_user = asterisk.user(Codecs::G711);
        let own = Some((phone_user.clone(), asterisk.address(), "udp"));
        let mut phone = Baresip::start(baresip::Options { account: own, codecs: "pcma", ..Default::default() });
        phone.wait_until_registered();
        let direct = format!("127.0.0.1:{port}");
        Rig { asterisk, cli, account, user, direct, phone, phone_user, _folder: folder }
    }

    pub fn call(&mut self, to: &str) -> u64 {
        self.cli.call(to, self.account)
    }

    pub fn send(&mut self, command: &str, call: u64) {
        self.cli.tell(command, call);
    }

    /// Waits for a state of a call from `mark` on.
    pub fn state(&self, mark: usize, call: u64, state: &str) -> Value {
        self.cli.wait_call_for(mark, call, state, |_| true)
    }

    /// Waits until the call has ended, as `code` says.
    pub fn ended(&self, mark: usize, call: u64, code: &str) {
        let ended = self.state(mark, call, "ended");
        assert_eq!(ended["state"]["reason"]["code"], code, "{ended}");
    }

    /// The next call that rings here.
    pub fn rings(&self, mark: usize) -> u64 {
        let event = self.cli.events.wait_for("an incoming call", mark, |event| {
            event["event"] == "call_changed" && event["call"]["state"]["state"] == "incoming"
        });
        event["call"]["id"].as_u64().expect("an id")
    }

    /// Waits until nothing lingers, and says what is held then.
    pub fn rest(&mut self) -> Use {
        self.wait_idle();
        // Ports and threads are given back by others than who says "gone"; tokio keeps a thread that has done something slow for
        // 10 s more.
        std::thread::sleep(Duration::from_secs(12));
        let own = format!("/proc/{}", self.cli.pid());
        let status = fs::read_to_string(format!("{own}/status")).unwrap_or_default();
        let number = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
            line.split_whitespace().next().and_then(|n| n.parse().ok()).unwrap_or(0)
        };
        let links: Vec<String> = fs::read_dir(format!("{own}/fd"))
            .into_iter()
            .flatten()
            .flatten()
            .filter_map(|entry| Some(fs::read_link(entry.path()).ok()?.display().to_string()))
            .collect();
        let udp = fs::read_to_string(format!("{own}/net/udp")).unwrap_or_default();
        let inodes: Vec<String> = udp
            .lines()
            .skip(1)
            .filter_map(|line| Some(format!("socket:[{}]", line.split_whitespace().nth(9)?)))
            .collect();
        Use {
            memory_kb: number("VmRSS:"),
            own_kb: number("RssAnon:"),
            threads: number("Threads:"),
            files: links.len() as i64,
            ports: links.iter().filter(|link| inodes.contains(link)).count() as i64,
        }
    }

    /// Waits until no call is on the screen, not even one that has ended.
    fn wait_idle(&mut self) {
        eventually("no call is left", DEADLINE, || self.calls().is_empty().then_some(()));
    }

    fn calls(&mut self) -> Vec<Value> {
        let mark = self.cli.events.mark();
        self.cli.send(json!({ "command": "snapshot" }));
        let event = self.cli.events.wait_for("a snapshot", mark, |event| event["event"] == "snapshot");
        event["snapshot"]["calls"].as_array().cloned().unwrap_or_default()
    }

    /// After a failure: the next call finds the desk empty.
    pub fn hang_up_all(&mut self) {
        for call in self.calls() {
            if let Some(id) = call["id"].as_u64() {
                self.cli.tell("hang_up", id);
                self.cli.tell("reject", id);
            }
        }
        self.phone.command("hangupall", "");
        self.asterisk.command("channel request hangup all");
        self.wait_idle();
    }

    pub fn quit(self) {
        self.cli.quit();
    }
}
