//! Asterisk on loopback, from the files that `get-asterisk.sh` unpacked. `asterisk/extensions.conf` says what the
//! numbers do.

use crate::{
    DEADLINE,
    certs::{Certs, Shown},
    ports,
    process::{Process, eventually, run, words},
    sound::{self, Recording},
    template,
};
use std::{
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    sync::{
        OnceLock,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

/// A phone's account on a PBX.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    pub name: String,
    pub password: String,
}

/// What the PBX lets an account speak.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Codecs {
    G711,
    Opus,
}

/// What the PBX demands of an account's calls (G.711).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Demand {
    /// SRTP by SDES, or no call.
    Sdes,
    SdesOptional,
    /// Session timers.
    Timers,
    /// Reliable provisional responses.
    Reliable,
    /// Offers ICE, and takes it; RTCP has a port of its own.
    Ice,
    /// RTCP goes with RTP, and voice is encrypted (SDES).
    IceMux,
    /// Nothing; but whom it holds hears music ([`MUSIC`]).
    Music,
    /// Digits as tones in the sound.
    Tones,
}

/// What is heard of the PBX while one is held by a phone of [`Demand::Music`], Hz.
pub const MUSIC: u32 = 1230;

/// The first account of each kind, how many there are, and their template.
const KINDS: [(u32, u32, &str); 10] = [
    (1001, 198, "g711"),
    (1201, 49, "opus"),
    (1251, 49, "sdes"),
    (1301, 49, "sdes_optional"),
    (1351, 49, "timers"),
    (1401, 49, "reliable"),
    (1451, 49, "ice"),
    (1501, 49, "ice_mux"),
    (1551, 49, "music"),
    (1601, 49, "tones"),
];
const RTP_PORTS: u16 = 400;

pub struct Asterisk {
    /// SIP over UDP and TCP.
    pub port: u16,
    /// SIP over TLS.
    pub tls_port: u16,
    program: Vec<String>,
    folder: tempfile::TempDir,
    next: [AtomicU32; KINDS.len()],
    /// Dropped before the folder.
    _process: Process,
}

impl Asterisk {
    /// The one that a test process shares; its accounts are given out one by one.
    pub fn shared() -> &'static Asterisk {
        static SHARED: OnceLock<Asterisk> = OnceLock::new();
        SHARED.get_or_init(Asterisk::start)
    }

    pub fn start() -> Asterisk {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let unpacked = unpacked();
        let (port, tls_port, rtp) = (ports::free(1), ports::free(1), ports::free(RTP_PORTS));
        configure(folder.path(), &unpacked, port, tls_port, rtp);
        let program = program(&unpacked, folder.path());
        let arguments = [program.clone(), words(["-f", "-g"])].concat();
        let process = Process::start("asterisk", folder.path(), &arguments);
        let mut asterisk = Asterisk {
            port,
            tls_port,
            program,
            folder,
            next: [const { AtomicU32::new(0) }; KINDS.len()],
            _process: process,
        };
        let socket = asterisk.folder.path().join("asterisk.ctl");
        asterisk._process.ready_when(DEADLINE, |_| socket.exists());
        eventually("Asterisk has booted", DEADLINE, || {
            asterisk.try_command("core waitfullybooted")?.contains("fully booted").then_some(())
        });
        asterisk
    }

    /// `127.0.0.1:PORT`, for UDP and TCP.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    pub fn tls_address(&self) -> String {
        format!("127.0.0.1:{}", self.tls_port)
    }

    /// An account that no other test uses.
    pub fn user(&self, codecs: Codecs) -> User {
        self.next_user(match codecs {
            Codecs::G711 => 0,
            Codecs::Opus => 1,
        })
    }

    pub fn demanding_user(&self, demand: Demand) -> User {
        self.next_user(match demand {
            Demand::Sdes => 2,
            Demand::SdesOptional => 3,
            Demand::Timers => 4,
            Demand::Reliable => 5,
            Demand::Ice => 6,
            Demand::IceMux => 7,
            Demand::Music => 8,
            Demand::Tones => 9,
        })
    }

    fn next_user(&self, kind: usize) -> User {
        let number = self.next[kind].fetch_add(1, Ordering::Relaxed);
        assert!(number < KINDS[kind].1, "the PBX has no more accounts of this kind");
        user(KINDS[kind].0 + number)
    }

    /// Whether it has a candidate to offer: without any network but loopback it has none.
    pub fn has_candidates() -> bool {
        let any = !own_addresses().is_empty();
        if !any {
            eprintln!("not run: this machine has no address but loopback, and Asterisk offers no candidate");
        }
        any
    }

    /// Waits until a phone has registered with this account.
    pub fn wait_registered(&self, user: &User) {
        let contact = format!("{}/sip:", user.name);
        eventually("the phone is registered", DEADLINE, || {
            self.command("pjsip show contacts").contains(&contact).then_some(())
        });
    }

    /// What the numbers 613 to 615 have heard of this phone so far.
    pub fn heard(&self, user: &User, number: &str) -> Option<Recording> {
        let path = self.folder.path().join(format!("heard-{}-{number}.wav", user.name));
        path.exists().then(|| Recording::read(&path))
    }

    /// Gives a command to Asterisk's console and returns what it prints.
    pub fn command(&self, command: &str) -> String {
        self.try_command(command).unwrap_or_else(|| panic!("Asterisk does not answer its console: {command}"))
    }

    /// Rings a phone; once it answers, it is connected with what `extension` does.
    pub fn call(&self, user: &User, extension: &str) {
        self.command(&format!("channel originate PJSIP/{} extension {extension}@lab", user.name));
    }

    /// Ends the calls of a phone, as whoever it talks to would.
    pub fn hang_up(&self, user: &User) {
        let own = format!("PJSIP/{}-", user.name);
        let channels = self.command("core show channels concise");
        for channel in channels.lines().filter_map(|line| line.split('!').next()).filter(|c| c.starts_with(&own)) {
            self.command(&format!("channel request hangup {channel}"));
        }
    }

    /// Puts a message into a phone's mailbox, as a caller would have left it.
    pub fn leave_message(&self, user: &User) {
        let inbox = self.folder.path().join("spool/voicemail/default").join(&user.name).join("INBOX");
        fs::create_dir_all(&inbox).expect("the spool can be written to");
        fs::write(inbox.join("msg0000.wav"), [0; 44]).expect("the spool can be written to");
        let text = "[message]\norigmailbox=1\ncontext=lab\ncallerid=lab\norigdate=today\norigtime=1\nduration=1\n";
        fs::write(inbox.join("msg0000.txt"), text).expect("the spool can be written to");
    }

    /// What Asterisk has written into its log.
    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log/full")).unwrap_or_default()
    }

    fn try_command(&self, command: &str) -> Option<String> {
        let mut words: Vec<&str> = self.program.iter().map(String::as_str).collect();
        words.extend(["-rx", command]);
        let (program, arguments) = words.split_first()?;
        let output = std::process::Command::new(program).args(arguments).output().ok()?;
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
    }
}

/// This machine's IPv4 addresses, without loopback.
fn own_addresses() -> Vec<String> {
    let output = std::process::Command::new("hostname").arg("-I").output().expect("hostname runs");
    let text = String::from_utf8_lossy(&output.stdout);
    text.split_whitespace().filter(|ip| ip.parse::<std::net::Ipv4Addr>().is_ok()).map(String::from).collect()
}

fn user(number: u32) -> User {
    User { name: number.to_string(), password: format!("secret-{number}") }
}

/// Where Asterisk lies; fetched when it is not there yet, which takes minutes.
fn unpacked() -> PathBuf {
    let lab = crate::lab_dir();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/lab/get-asterisk.sh");
    if !lab.join("asterisk/usr/sbin/asterisk").exists() {
        run(Path::new("/"), &["bash", script, lab.to_str().expect("the path is text")]);
    }
    lab.join("asterisk")
}

/// It runs with its own release's loader and libraries, which are newer than this system's.
fn program(unpacked: &Path, folder: &Path) -> Vec<String> {
    let loaders = [
        ("usr/lib64/ld-linux-x86-64.so.2", "usr/lib/x86_64-linux-gnu"),
        ("usr/lib/aarch64-linux-gnu/ld-linux-aarch64.so.1", "usr/lib/aarch64-linux-gnu"),
    ];
    let (loader, libraries) = loaders
        .into_iter()
        .find(|(loader, _)| unpacked.join(loader).exists())
        .expect("the archive's C library is among what was unpacked");
    let libraries = unpacked.join(libraries);
    let path = ["", "asterisk", "pulseaudio"].map(|part| libraries.join(part).display().to_string()).join(":");
    let text = |path: PathBuf| path.display().to_string();
    vec![
        text(unpacked.join(loader)),
        "--library-path".into(),
        path,
        text(unpacked.join("usr/sbin/asterisk")),
        "-C".into(),
        text(folder.join("etc/asterisk.conf")),
    ]
}

fn configure(folder: &Path, unpacked: &Path, port: u16, tls_port: u16, rtp: u16) {
    for name in ["etc", "lib", "log", "spool", "music"] {
        fs::create_dir_all(folder.join(name)).expect("the folder can be written to");
    }
    sound::raw(&folder.join("music/tone.sln"), MUSIC, 8_000, 60);
    for entry in fs::read_dir(unpacked.join("usr/share/asterisk")).expect("Asterisk's data is there").flatten() {
        symlink(entry.path(), folder.join("lib").join(entry.file_name())).expect("the folder can be written to");
    }
    let modules = ["x86_64", "aarch64"]
        .map(|machine| unpacked.join(format!("usr/lib/{machine}-linux-gnu/asterisk/modules")))
        .into_iter()
        .find(|folder| folder.exists())
        .expect("Asterisk's modules are there");
    let certs = Certs::get();
    let values = [
        ("RUN", folder.display().to_string()),
        ("MODULES", modules.display().to_string()),
        ("PORT", port.to_string()),
        ("TLSPORT", tls_port.to_string()),
        ("RTPFIRST", rtp.to_string()),
        ("RTPLAST", (rtp + RTP_PORTS - 1).to_string()),
        ("CANDIDATES", own_addresses().iter().map(|ip| format!("{ip} => 127.0.0.1\n")).collect()),
        ("CERTIFICATE", certs.certificate(Shown::Good).display().to_string()),
        ("KEY", certs.key(Shown::Good).display().to_string()),
    ];
    let files = [
        ("asterisk.conf", include_str!("asterisk/asterisk.conf")),
        ("confbridge.conf", include_str!("asterisk/confbridge.conf")),
        ("extensions.conf", include_str!("asterisk/extensions.conf")),
        ("logger.conf", include_str!("asterisk/logger.conf")),
        ("musiconhold.conf", include_str!("asterisk/musiconhold.conf")),
        ("modules.conf", include_str!("asterisk/modules.conf")),
        ("rtp.conf", include_str!("asterisk/rtp.conf")),
    ];
    for (name, text) in files {
        template::write(&folder.join("etc").join(name), text, &values);
    }
    let mut pjsip = include_str!("asterisk/pjsip.conf").to_string();
    let mut voicemail = include_str!("asterisk/voicemail.conf").to_string();
    for (first, accounts, kind) in KINDS {
        for number in first..first + accounts {
            let User { name, password } = user(number);
            pjsip += &format!(
                "\n[{name}]({kind})\nauth={name}\naors={name}\ncallerid=Phone {name} <{name}>\n\
                 mailboxes={name}@default\n[{name}](contacts)\nmailboxes={name}@default\n\
                 [{name}]\ntype=auth\nauth_type=digest\nusername={name}\npassword={password}\n"
            );
            voicemail += &format!("{name} => 0,Phone {name}\n");
        }
    }
    template::write(&folder.join("etc/pjsip.conf"), &pjsip, &values);
    template::write(&folder.join("etc/voicemail.conf"), &voicemail, &values);
}

#[test]
fn a_busy_lab_can_be_asked_for_accounts() {
    assert_eq!(user(1001).password, "secret-1001");
}

/// How long Asterisk may take to say something that it knows at once.
pub const SOON: Duration = Duration::from_secs(10);
