//! coturn: a real STUN and TURN server.

use crate::{
    DEADLINE,
    process::{Process, eventually, words},
};

/// Who may have a relay.
pub const USER: &str = "agent";
pub const PASSWORD: &str = "relay-me-5521";

pub struct Coturn {
    host: String,
    port: u16,
    process: Process,
    _folder: tempfile::TempDir,
}

impl Coturn {
    /// Started by `within` (a network namespace), which has `host`. It tells addresses and relays nothing.
    pub fn start(host: &str, port: u16, within: &[String]) -> Coturn {
        Coturn::with(host, port, within, &["--stun-only"])
    }

    /// One that relays for [`USER`].
    pub fn relaying(host: &str, port: u16, within: &[String]) -> Coturn {
        Coturn::relaying_with(host, port, within, &[])
    }

    pub fn relaying_with(host: &str, port: u16, within: &[String], options: &[&str]) -> Coturn {
        let user = format!("--user={USER}:{PASSWORD}");
        let all = [&["--lt-cred-mech", &user, "--realm=hatif.test", "--stale-nonce"], options].concat();
        Coturn::with(host, port, within, &all)
    }

    fn with(host: &str, port: u16, within: &[String], options: &[&str]) -> Coturn {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let (at, listening) = (folder.path().display().to_string(), port.to_string());
        let arguments = words([
            "turnserver",
            "-n",
            "--no-cli",
            "--no-tls",
            "--no-dtls",
            "--log-file=stdout",
            "--verbose",
            "-L",
            host,
            "-p",
            &listening,
            &format!("--pidfile={at}/pid"),
            &format!("--userdb={at}/users"),
        ]);
        let arguments = [within.to_vec(), arguments, options.iter().map(|word| (*word).into()).collect()].concat();
        let mut process = Process::start("coturn", folder.path(), &arguments);
        process.ready_when(DEADLINE, |process| process.output().contains("listener opened on"));
        Coturn { host: host.into(), port, process, _folder: folder }
    }

    /// Relays that it has given so far, by its log.
    pub fn allocated(&self) -> usize {
        self.process.output().matches("incoming packet ALLOCATE processed, success").count()
    }

    /// Relays that were given back, or were given up.
    pub fn deleted(&self) -> usize {
        self.process.output().matches(": delete: realm=").count()
    }

    /// Waits until it relays for nobody any more.
    pub fn wait_given_back(&self) {
        eventually("relays are given back", DEADLINE, || (self.deleted() >= self.allocated()).then_some(()));
    }

    /// Ends it, as a crash would.
    pub fn kill(&mut self) {
        self.process.kill();
    }

    pub fn address(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }
}
