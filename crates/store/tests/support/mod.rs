//! What the tests of the store share: a store in this process, a store in another one, and things to put in it.
#![allow(dead_code)] // each test file is a crate of its own and uses its part

use hatif_core::{
    account::{Account, AccountKind, Password, Transport},
    call::{Direction, Peer},
    ids::AccountId,
    settings::{Layers, Settings},
    store::{CredentialStore, Interaction, InteractionEnd, StoreCommand, StoreEvent},
    text::Text,
};
use hatif_store::{KeyringChoice, Store, StoreConfig};
use std::{
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, Command, Stdio},
    sync::mpsc::{self, Receiver},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

/// Generous: it ends a hanging test and measures nothing.
const DEADLINE: Duration = Duration::from_secs(60);

const PROGRAM: &str = env!("CARGO_BIN_EXE_hatif-store-child");

/// A store without a keyring, and what it says.
pub struct Opened {
    pub store: Store,
    pub events: Receiver<StoreEvent>,
}

/// What `StoreEvent::Loaded` carries.
pub struct Loaded {
    pub settings: Settings,
    pub accounts: Vec<(Account, Option<Password>)>,
    pub interactions: Vec<Interaction>,
    pub credentials: CredentialStore,
    pub problem: Option<Text>,
}

/// The command that keeps these settings as the user's.
pub fn save_settings(settings: &Settings) -> StoreCommand {
    let mut layers = Layers::default();
    layers.change(settings).expect("settings that make sense");
    StoreCommand::SaveSettings(layers.user().clone())
}

pub fn open(dir: &Path) -> Opened {
    open_with_policy(dir, None)
}

pub fn open_with_policy(dir: &Path, policy: Option<PathBuf>) -> Opened {
    let (tell, events) = mpsc::sync_channel(1024);
    let config = StoreConfig { dir: dir.to_owned(), keyring: KeyringChoice::None, policy };
    Opened { store: Store::open(config, move |event| tell.send(event).unwrap_or_default()), events }
}

impl Opened {
    pub fn send(&self, command: StoreCommand) {
        self.store.send(command).expect("there is room in the queue");
    }

    pub fn event(&self) -> StoreEvent {
        self.events.recv_timeout(DEADLINE).expect("the store says something")
    }

    pub fn load(&self) -> Loaded {
        self.send(StoreCommand::Load);
        match self.event() {
            StoreEvent::Loaded { settings, policy, accounts, interactions, credentials, problem } => {
                let settings = Layers::new(settings, policy).settings().clone();
                Loaded { settings, accounts, interactions, credentials, problem }
            }
            other => panic!("not loaded: {other:?}"),
        }
    }

    /// Closes the store and returns what it said in the end.
    pub fn close(self) -> Vec<StoreEvent> {
        drop(self.store);
        self.events.iter().collect()
    }
}

/// A store in a process of its own (`support/child.rs`).
pub struct StoreProcess {
    pub child: Child,
    input: Option<ChildStdin>,
    lines: Receiver<String>,
}

impl StoreProcess {
    /// `wrapper` runs the program that is given to it as its arguments, in whatever surroundings the test wants.
    pub fn start(mut wrapper: Command, dir: &Path, keyring: &str) -> Self {
        wrapper.arg(PROGRAM).arg(dir).arg(keyring);
        Self::spawn(wrapper)
    }

    /// In the surroundings of the test itself.
    pub fn plain(dir: &Path) -> Self {
        let mut program = Command::new(PROGRAM);
        program.arg(dir).arg("none");
        Self::spawn(program)
    }

    fn spawn(mut wrapper: Command) -> Self {
        let mut child = wrapper
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{:?} does not start: {error}", wrapper.get_program()));
        let input = child.stdin.take();
        let output = BufReader::new(child.stdout.take().expect("a pipe was asked for"));
        let (tell, lines) = mpsc::channel();
        std::thread::spawn(move || output.lines().map_while(Result::ok).try_for_each(|line| tell.send(line)));
        StoreProcess { child, input, lines }
    }

    pub fn say(&mut self, line: &str) {
        let input = self.input.as_mut().expect("the child was not closed");
        writeln!(input, "{line}").and_then(|()| input.flush()).expect("the child listens");
    }

    pub fn line(&self) -> String {
        self.lines.recv_timeout(DEADLINE).expect("the child says something; its errors are above")
    }

    /// Whatever it has said, up to its end.
    pub fn rest(&self) -> Vec<String> {
        self.lines.iter().collect()
    }

    /// Lets it close its store and end.
    pub fn quit(mut self) -> Vec<String> {
        self.say("quit");
        self.input = None;
        let rest = self.rest();
        let status = self.child.wait().expect("the child was started");
        assert!(status.success(), "the child ended with {status}, after {rest:?}");
        rest
    }
}

impl Drop for StoreProcess {
    /// The end of its input ends it, and with it the session around it. Killing the session's starter would leave its
    /// bus and keyring behind; that is for a child which does not listen any more.
    fn drop(&mut self) {
        self.input = None;
        let asked = Instant::now();
        while matches!(self.child.try_wait(), Ok(None)) && asked.elapsed() < DEADLINE {
            std::thread::sleep(Duration::from_millis(5));
        }
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

pub fn account(id: u32) -> Account {
    Account {
        id: AccountId(id),
        kind: AccountKind::Registrar,
        label: "المكتب".into(),
        user: "sara".into(),
        domain: "pbx.test".into(),
        registrar: Some("10.0.0.1:5070".into()),
        proxy: Some("edge.test".into()),
        auth_user: Some("sara-auth".into()),
        display_name: Some("Sara \"the\" O'Agent".into()),
        transport: Transport::Tls,
        ca_file: Some("/etc/ssl/pbx.pem".into()),
        expires: 600,
        local_port: Some(5062),
        options: Default::default(),
        turn_password: None,
    }
}

pub fn interaction(id: i64, end: Option<InteractionEnd>) -> Interaction {
    Interaction {
        id,
        account: AccountId(1),
        account_label: "Office".into(),
        direction: Direction::Incoming,
        peer: Peer { name: Some("سارة".into()), address: "+4930123".into(), uri: "sip:+4930123@pbx.test".into() },
        started: at(id),
        end,
    }
}

/// A time that the store keeps exactly.
pub fn at(ms: i64) -> SystemTime {
    UNIX_EPOCH + Duration::from_millis(1_700_000_000_000) + Duration::from_millis(ms as u64)
}

pub fn save(interaction: Interaction) -> StoreCommand {
    StoreCommand::SaveInteraction(Box::new(interaction))
}

pub fn save_account(account: Account, password: Option<&str>) -> StoreCommand {
    StoreCommand::SaveAccount { account: Box::new(account), password: password.map(|p| Password(p.into())) }
}

/// Whether any file under this folder contains these bytes.
pub fn anywhere(dir: &Path, needle: &str) -> bool {
    std::fs::read_dir(dir).expect("the folder is there").any(|entry| {
        let path = entry.expect("it can be listed").path();
        if path.is_dir() {
            return anywhere(&path, needle);
        }
        std::fs::read(path).is_ok_and(|bytes| bytes.windows(needle.len()).any(|window| window == needle.as_bytes()))
    })
}
