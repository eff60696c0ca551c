//! hatif-store-child: a store in a process of its own, driven by lines. For the tests of `hatif-store` only.
//!
//! ```text
//! hatif-store-child DIR system|none
//! in    load                          account ID LABEL PASSWORD|-     delete-account ID
//!       call ID BYTES                 (an interaction without end, its name so many bytes long)
//!       storm ID                      (calls from this id on, until killed; `stored N` once N is on the disk)
//!       import                        (batches of 50 customers, until killed; `taken N` once batch N is on the disk)
//!       quit
//! out   loaded CREDENTIALS PROBLEM|- accounts ID=PASSWORD|-,... calls COUNT NEWEST
//!       credentials CREDENTIALS       problem CODE        stopped
//! ```

use hatif_core::{
    account::{Account, AccountKind, Password, Transport},
    call::{Direction, Peer},
    customer::Customer,
    customer_file::{FileAnswer, FileAsk, FileRow, Import},
    ids::AccountId,
    store::{Interaction, StoreCommand, StoreEvent},
};
use hatif_store::{KeyringChoice, SendError, Store, StoreConfig};
use std::{
    io::{BufRead, Write},
    sync::{
        atomic::{AtomicBool, Ordering},
        mpsc::{self, Receiver},
    },
    time::UNIX_EPOCH,
};

/// From here on a `Loaded` is only an acknowledgement.
static STORM: AtomicBool = AtomicBool::new(false);

fn main() {
    let mut args = std::env::args().skip(1);
    let dir = args.next().expect("the first argument is a folder").into();
    let keyring = match args.next().as_deref() {
        Some("system") => KeyringChoice::System,
        _ => KeyringChoice::None,
    };
    let (load_in, loads) = mpsc::sync_channel(1);
    let store = Store::open(StoreConfig { dir, keyring, policy: None }, move |event| match event {
        event @ StoreEvent::CustomerFiles(_) => {
            say(&line(&event));
            load_in.send(()).unwrap_or_default();
        }
        StoreEvent::Loaded { .. } if STORM.load(Ordering::Acquire) => load_in.send(()).unwrap_or_default(),
        event => say(&line(&event)),
    });
    for command in std::io::stdin().lock().lines().map_while(Result::ok) {
        let words: Vec<&str> = command.split(' ').collect();
        match words[..] {
            ["load"] => send(&store, StoreCommand::Load),
            ["account", id, label, password] => send(&store, save_account(number(id), label, password)),
            ["delete-account", id] => send(&store, StoreCommand::DeleteAccount(AccountId(number(id)))),
            ["call", id, bytes] => send(&store, call(number(id), number(bytes))),
            ["storm", id] => storm(&store, number(id), &loads),
            ["import"] => import(&store, &loads),
            ["quit"] => break,
            _ => panic!("no such command: {command}"),
        }
    }
}

/// Five calls at a time, then proof that they are on the disk; the sixth is always on its way when the kill comes.
fn storm(store: &Store, from: i64, loads: &Receiver<()>) -> ! {
    STORM.store(true, Ordering::Release);
    for id in from.. {
        send(store, call(id, 300));
        if id % 5 == 0 {
            send(store, StoreCommand::Load);
            send(store, call(id + 1, 300));
            loads.recv().expect("the store answers");
            say(&format!("stored {id}"));
        }
    }
    unreachable!("the numbers do not run out")
}

/// Two batches are always on their way.
fn import(store: &Store, taken: &Receiver<()>) -> ! {
    for job in 1.. {
        let row = |n: u32| {
            let key = format!("+9821{:07}", job * 50 + n);
            let customer =
                Customer { name: format!("Customer {key}"), numbers: vec![key.clone()], ..Customer::default() };
            FileRow { line: u64::from(n), customer, keys: vec![key] }
        };
        let rows = (0..50).map(row).collect();
        let write = Some(Import { at_ms: 7 });
        send(store, StoreCommand::CustomerFiles(FileAsk::Take { job, rows, write, known_too: false }));
        if job > 1 {
            taken.recv().expect("the store answers");
        }
    }
    unreachable!("the numbers do not run out")
}

fn send(store: &Store, command: StoreCommand) {
    match store.send(command) {
        Ok(()) => {}
        Err(SendError::Full(_)) => panic!("the queue is full"),
        Err(SendError::Closed) => panic!("the store is closed"),
    }
}

fn save_account(id: u32, label: &str, password: &str) -> StoreCommand {
    let account = Account {
        id: AccountId(id),
        kind: AccountKind::Registrar,
        label: label.into(),
        user: "sara".into(),
        domain: "pbx.test".into(),
        registrar: None,
        proxy: None,
        auth_user: None,
        display_name: None,
        transport: Transport::Udp,
        ca_file: None,
        expires: 300,
        local_port: None,
        options: Default::default(),
        turn_password: None,
    };
    let password = (password != "-").then(|| Password(password.into()));
    StoreCommand::SaveAccount { account: Box::new(account), password }
}

fn call(id: i64, bytes: usize) -> StoreCommand {
    StoreCommand::SaveInteraction(Box::new(Interaction {
        id,
        account: AccountId(1),
        account_label: "Office".into(),
        direction: Direction::Incoming,
        peer: Peer { name: Some("n".repeat(bytes)), address: "600".into(), uri: "sip:600@pbx.test".into() },
        started: UNIX_EPOCH,
        end: None,
    }))
}

fn line(event: &StoreEvent) -> String {
    match event {
        StoreEvent::Loaded { accounts, interactions, credentials, problem, .. } => {
            let accounts: Vec<String> = accounts
                .iter()
                .map(|(account, password)| {
                    format!("{}={}", account.id.0, password.as_ref().map_or("-", |password| &password.0))
                })
                .collect();
            let problem = problem.as_ref().map_or("-", |text| text.code);
            let newest = interactions.first().map_or(0, |interaction| interaction.id);
            let accounts = accounts.join(",");
            format!("loaded {credentials:?} {problem} accounts {accounts} calls {} {newest}", interactions.len())
        }
        StoreEvent::Credentials(credentials) => format!("credentials {credentials:?}"),
        StoreEvent::Problem(text) => format!("problem {}", text.code),
        StoreEvent::Found { page, .. } => format!("found {}", page.interactions.len()),
        StoreEvent::Customers(_) => "customers".into(),
        StoreEvent::CustomerFiles(FileAnswer::Taken { job, .. }) => format!("taken {job}"),
        StoreEvent::CustomerFiles(_) => "customer files".into(),
        StoreEvent::Duplicates(_) => "duplicates".into(),
        StoreEvent::Recordings(_) => "recordings".into(),
        StoreEvent::Work(_) => "work".into(),
        StoreEvent::Connectors(_) => "connectors".into(),
        StoreEvent::Stopped => "stopped".into(),
    }
}

fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    // The other side may have gone; then there is nobody to tell.
    writeln!(out, "{line}").and_then(|()| out.flush()).ok();
}

fn number<N: std::str::FromStr>(word: &str) -> N {
    word.parse().ok().expect("a number")
}
