//! A name server of the lab's own (dnsmasq), and programs that ask nobody else.

use crate::{
    DEADLINE,
    process::{Process, words},
    template,
};
use std::{
    fs,
    net::UdpSocket,
    os::unix::fs::MetadataExt,
    path::PathBuf,
    process::{Command, Stdio},
    sync::atomic::{AtomicU8, Ordering},
};

/// Whether this user may listen on port 53, give a program a resolver of its own, and make networks: all are root's, where
/// the system (a container) leaves them to root.
pub fn may_serve() -> bool {
    let root = fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0);
    let spaces = || Command::new("unshare").args(["-m", "-n", "true"]).stderr(Stdio::null()).status();
    root && spaces().is_ok_and(|status| status.success())
}

/// An SRV record: service and name, target's name, port, priority, weight.
pub type Srv<'a> = (&'a str, &'a str, u16, u16, u16);

pub struct Names {
    process: Option<Process>,
    arguments: Vec<String>,
    address: String,
    folder: tempfile::TempDir,
}

impl Names {
    /// Every target is `127.0.0.1`.
    pub fn start(services: &[Srv]) -> Names {
        static NEXT: AtomicU8 = AtomicU8::new(1);
        let folder = tempfile::tempdir().expect("a temporary folder");
        // Of loopback, and of this process and this server alone.
        let process = std::process::id();
        let [a, b] = [process >> 8, process].map(|byte| byte as u8);
        let address = format!("127.{}.{a}.{b}", 100 + NEXT.fetch_add(1, Ordering::Relaxed));
        template::write(&folder.path().join("resolv.conf"), "nameserver @ADDRESS@\n", &[("ADDRESS", address.clone())]);
        let mut arguments = words([
            "dnsmasq",
            "--keep-in-foreground",
            "--conf-file=/dev/null",
            "--no-resolv",
            "--no-hosts",
            "--bind-interfaces",
            "--user=root",
            "--pid-file=",
            "--port=53",
            // Nothing is kept: what it says is what holds.
            "--cache-size=0",
            "--local-ttl=0",
        ]);
        arguments.push(format!("--listen-address={address}"));
        for (service, target, port, priority, weight) in services {
            arguments.push(format!("--srv-host={service},{target},{port},{priority},{weight}"));
            arguments.push(format!("--host-record={target},127.0.0.1"));
        }
        let mut names = Names { process: None, arguments, address, folder };
        names.start_again();
        names
    }

    pub fn start_again(&mut self) {
        let mut process = Process::start("dnsmasq", self.folder.path(), &self.arguments);
        let taken = (self.address.clone(), 53);
        process.ready_when(DEADLINE, |_| UdpSocket::bind(&taken).is_err());
        self.process = Some(process);
    }

    pub fn kill(&mut self) {
        self.process = None;
    }

    /// What a program that asks this server, and no other, is started with in front of it.
    pub fn asked_by(&self) -> Vec<String> {
        let resolver = self.resolver().display().to_string();
        let script = "mount --bind \"$0\" /etc/resolv.conf && exec \"$@\"";
        words(["unshare", "-m", "sh", "-c", script, &resolver])
    }

    fn resolver(&self) -> PathBuf {
        self.folder.path().join("resolv.conf")
    }
}
