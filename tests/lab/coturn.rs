//! coturn: a real STUN server.

use crate::{
    DEADLINE,
    process::{Process, words},
};

pub struct Coturn {
    host: String,
    port: u16,
    _process: Process,
    _folder: tempfile::TempDir,
}

impl Coturn {
    /// Started by `within` (a network namespace), which has `host`.
    pub fn start(host: &str, port: u16, within: &[String]) -> Coturn {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let (at, listening) = (folder.path().display().to_string(), port.to_string());
        let arguments = words([
            "turnserver",
            "-n",
            "--no-cli",
            "--stun-only",
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
        let arguments = [within.to_vec(), arguments].concat();
        let mut process = Process::start("coturn", folder.path(), &arguments);
        process.ready_when(DEADLINE, |process| process.output().contains("listener opened on"));
        Coturn { host: host.into(), port, _process: process, _folder: folder }
    }

    pub fn address(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }
}
