//! Kamailio on loopback: registrar and proxy by UDP, TCP and TLS, digest authentication. Every user exists; the
//! password is `secret-` and the name. Its domain is `pbx.test`.

use crate::{
    DEADLINE,
    asterisk::User,
    certs::{Certs, Shown},
    ports,
    process::{Process, words},
    template,
};
use std::{
    net::{TcpStream, UdpSocket},
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

pub const DOMAIN: &str = "pbx.test";

/// What makes one Kamailio different from another.
#[derive(Clone, Debug)]
pub struct Options {
    pub shown: Shown,
    /// Shorter registrations are refused (423).
    pub min_expires: u32,
    /// Seconds after which a nonce is stale.
    pub nonce_expires: u32,
    /// Registrations are refused (503) with this Retry-After.
    pub closed: Option<u32>,
    /// The address where it listens.
    pub host: String,
    /// What it is started by (a network namespace).
    pub within: Vec<String>,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            shown: Shown::Good,
            min_expires: 10,
            nonce_expires: 300,
            closed: None,
            host: "127.0.0.1".into(),
            within: Vec::new(),
        }
    }
}

pub struct Kamailio {
    /// SIP over UDP and TCP.
    pub port: u16,
    pub tls_port: u16,
    host: String,
    within: Vec<String>,
    process: Option<Process>,
    folder: tempfile::TempDir,
    next: AtomicU32,
}

impl Kamailio {
    pub fn start(options: Options) -> Kamailio {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let (port, tls_port) = (ports::free(1), ports::free(1));
        let certs = Certs::get();
        let modules = ["x86_64", "aarch64"]
            .map(|machine| format!("/usr/lib/{machine}-linux-gnu/kamailio/modules/"))
            .into_iter()
            .find(|folder| std::path::Path::new(folder).exists())
            .expect("Kamailio is installed (cargo xtask setup)");
        let values = [
            ("PORT", port.to_string()),
            ("TLSPORT", tls_port.to_string()),
            ("DOMAIN", DOMAIN.into()),
            ("MODULES", modules),
            ("RUN", folder.path().display().to_string()),
            ("CERTIFICATE", certs.certificate(options.shown).display().to_string()),
            ("KEY", certs.key(options.shown).display().to_string()),
            ("MINEXPIRES", options.min_expires.to_string()),
            ("NONCEEXPIRES", options.nonce_expires.to_string()),
            ("HOST", options.host.clone()),
            ("CLOSED", options.closed.map(closed).unwrap_or_default()),
        ];
        template::write(&folder.path().join("kamailio.cfg"), include_str!("kamailio/kamailio.cfg"), &values);
        let Options { host, within, .. } = options;
        let mut kamailio = Kamailio { port, tls_port, host, within, process: None, folder, next: AtomicU32::new(1) };
        kamailio.start_again();
        kamailio
    }

    /// After `kill`: the same server on the same ports. It has forgotten who was registered.
    pub fn start_again(&mut self) {
        let at = self.folder.path();
        let run = at.display().to_string();
        let config = at.join("kamailio.cfg").display().to_string();
        let arguments = words(["kamailio", "-DD", "-E", "-m", "64", "-M", "8", "-f", &config, "-Y", &run, "-w", &run]);
        let arguments = [self.within.clone(), arguments].concat();
        let mut process = Process::start("kamailio", at, &arguments);
        let tls = ("127.0.0.1", self.tls_port);
        let port = self.port;
        if self.within.is_empty() {
            process.ready_when(DEADLINE, |_| answers(port) && TcpStream::connect(tls).is_ok());
        } else {
            // It is out of reach from here; whoever calls it repeats what comes too early.
            process.ready_when(DEADLINE, |process| process.output().contains("Listening on"));
        }
        self.process = Some(process);
    }

    /// Restarted, after `Options::closed`, with nothing to say against registrations.
    pub fn open_again(&mut self) {
        let config = self.folder.path().join("kamailio.cfg");
        let text = std::fs::read_to_string(&config).expect("it was written");
        let open: Vec<&str> = text.lines().filter(|line| !line.contains("Retry-After")).collect();
        std::fs::write(&config, open.join("\n") + "\n").expect("the folder can be written to");
        self.kill();
        self.start_again();
    }

    /// As a crash would: connections break, nothing is said.
    pub fn kill(&mut self) {
        self.process = None;
    }

    pub fn address(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }

    pub fn tls_address(&self) -> String {
        format!("{}:{}", self.host, self.tls_port)
    }

    /// An account that no other test uses.
    pub fn user(&self) -> User {
        let name = format!("agent{}", self.next.fetch_add(1, Ordering::Relaxed));
        User { password: format!("secret-{name}"), name }
    }

    pub fn log(&self) -> String {
        self.process.as_ref().map(Process::output).unwrap_or_default()
    }
}

fn closed(seconds: u32) -> String {
    format!("append_to_reply(\"Retry-After: {seconds}\\r\\n\"); sl_send_reply(\"503\", \"Closed\"); exit;")
}

/// Whether something there answers OPTIONS.
fn answers(port: u16) -> bool {
    let ask = || -> std::io::Result<bool> {
        let socket = UdpSocket::bind("127.0.0.1:0")?;
        socket.set_read_timeout(Some(Duration::from_millis(300)))?;
        let own = socket.local_addr()?;
        let text = format!(
            "OPTIONS sip:127.0.0.1:{port} SIP/2.0\r\nVia: SIP/2.0/UDP {own};branch=z9hG4bK{}\r\n\
             From: <sip:lab@{own}>;tag=1\r\nTo: <sip:127.0.0.1:{port}>\r\nCall-ID: {}\r\nCSeq: 1 OPTIONS\r\n\
             Max-Forwards: 70\r\nContent-Length: 0\r\n\r\n",
            own.port(),
            own.port()
        );
        socket.send_to(text.as_bytes(), ("127.0.0.1", port))?;
        let mut answer = [0; 1500];
        let length = socket.recv(&mut answer)?;
        Ok(answer[..length].starts_with(b"SIP/2.0 200"))
    };
    ask().unwrap_or(false)
}
