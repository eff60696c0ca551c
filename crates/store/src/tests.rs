//! What only a keyring or a disk made for the purpose can show: one that blocks, refuses, comes back.

use crate::{
    Store, database,
    keyring::{Keyring, Refused},
    writer::Writer,
};
use hatif_core::{
    account::{Account, AccountKind, Password, Transport},
    call::{Direction, Peer},
    ids::AccountId,
    store::{CredentialStore, Interaction, StoreCommand, StoreEvent},
    text::Text,
};
use std::{
    collections::BTreeMap,
    path::Path,
    sync::{
        Arc, Mutex,
        mpsc::{self, Receiver},
    },
    time::{Duration, UNIX_EPOCH},
};

const DEADLINE: Duration = Duration::from_secs(60);

/// Longer than any test runs: the keyring is always waited for.
const PATIENT: Duration = Duration::from_secs(300);

/// Nothing is waited for; what comes, comes later.
const IMPATIENT: Duration = Duration::ZERO;

type Gate = Arc<Mutex<Receiver<Result<(), Refused>>>>;

/// A keyring that outlives the stores of a test.
#[derive(Clone, Default)]
struct Chest {
    entries: Arc<Mutex<BTreeMap<String, String>>>,
    /// Every access takes one of these first, where there is a gate: a prompt that a person has to answer.
    gate: Option<Gate>,
}

impl Chest {
    fn pass(&self) -> Result<(), Refused> {
        match &self.gate {
            Some(gate) => gate.lock().unwrap().recv().unwrap_or(Err(Refused::Absent)),
            None => Ok(()),
        }
    }

    fn contents(&self) -> Vec<String> {
        self.entries.lock().unwrap().values().cloned().collect()
    }
}

impl Keyring for Chest {
    fn reach(&self) -> Result<(), Refused> {
        Ok(())
    }
    fn get(&self, user: &str) -> Result<Option<Password>, Refused> {
        self.pass()?;
        Ok(self.entries.lock().unwrap().get(user).cloned().map(Password))
    }
    fn set(&self, user: &str, password: &Password) -> Result<(), Refused> {
        self.pass()?;
        self.entries.lock().unwrap().insert(user.into(), password.0.clone());
        Ok(())
    }
    fn delete(&self, user: &str) -> Result<(), Refused> {
        self.pass()?;
        self.entries.lock().unwrap().remove(user);
        Ok(())
    }
}

fn open(dir: &Path, chest: &Chest, patience: Duration) -> (Store, Receiver<StoreEvent>) {
    let (tell, events) = mpsc::channel();
    let store = Store::open_with(dir.to_owned(), None, Some(Box::new(chest.clone())), patience, move |event| {
        tell.send(event).unwrap_or_default();
    });
    (store, events)
}

/// The accounts' passwords and where they are kept, of the next `Loaded`.
fn loaded(store: &Store, events: &Receiver<StoreEvent>) -> (Vec<Option<String>>, CredentialStore) {
    store.send(StoreCommand::Load).unwrap();
    match events.recv_timeout(DEADLINE).unwrap() {
        StoreEvent::Loaded { accounts, credentials, .. } => {
            (accounts.into_iter().map(|(_, password)| password.map(|p| p.0)).collect(), credentials)
        }
        other => panic!("not loaded: {other:?}"),
    }
}

fn save_account(id: u32, password: Option<&str>) -> StoreCommand {
    let account = Account {
        id: AccountId(id),
        kind: AccountKind::Registrar,
        label: "Office".into(),
        user: "sara".into(),
        domain: "pbx.test".into(),
        registrar: None,
        proxy: None,
        auth_user: None,
        display_name: None,
        transport: Transport::Tls,
        ca_file: None,
        expires: 300,
        local_port: None,
        options: Default::default(),
        turn_password: None,
    };
    StoreCommand::SaveAccount { account: Box::new(account), password: password.map(|p| Password(p.into())) }
}

fn call(id: i64, bytes: usize) -> StoreCommand {
    StoreCommand::SaveInteraction(Box::new(Interaction {
        id,
        account: AccountId(1),
        account_label: "Office".into(),
        direction: Direction::Incoming,
        peer: Peer { name: Some("n".repeat(bytes)), address: "600".into(), uri: String::new() },
        started: UNIX_EPOCH,
        end: None,
    }))
}

/// A folder whose account 1 has its password in the chest.
fn kept() -> (tempfile::TempDir, Chest) {
    let (dir, chest) = (tempfile::tempdir().unwrap(), Chest::default());
    let (store, events) = open(dir.path(), &chest, PATIENT);
    loaded(&store, &events);
    store.send(save_account(1, Some("first"))).unwrap();
    drop(store);
    assert_eq!(chest.contents(), ["first"]);
    (dir, chest)
}

#[test]
fn a_keyring_that_asks_first_does_not_hold_up_the_start_and_is_heard_when_it_answers() {
    let (dir, mut chest) = kept();
    let (answer, gate) = mpsc::channel();
    chest.gate = Some(Arc::new(Mutex::new(gate)));
    let (store, events) = open(dir.path(), &chest, IMPATIENT);
    assert_eq!(loaded(&store, &events), (vec![None], CredentialStore::UntilClose), "loaded while the prompt is open");

    answer.send(Ok(())).unwrap();
    assert_eq!(events.recv_timeout(DEADLINE).unwrap(), StoreEvent::Credentials(CredentialStore::Keyring));
    assert_eq!(loaded(&store, &events), (vec![Some("first".into())], CredentialStore::Keyring));
}

#[test]
fn a_password_typed_while_the_keyring_asks_is_kept_in_memory_and_then_by_the_keyring() {
    let (dir, mut chest) = kept();
    let (answer, gate) = mpsc::channel();
    chest.gate = Some(Arc::new(Mutex::new(gate)));
    let (store, events) = open(dir.path(), &chest, IMPATIENT);
    loaded(&store, &events);
    store.send(save_account(1, Some("typed"))).unwrap();
    assert_eq!(loaded(&store, &events).0, [Some("typed".into())]);

    // The late answer to the first question does not bring the old password back.
    answer.send(Ok(())).unwrap();
    assert_eq!(events.recv_timeout(DEADLINE).unwrap(), StoreEvent::Credentials(CredentialStore::Keyring));
    assert_eq!(loaded(&store, &events).0, [Some("typed".into())]);
    answer.send(Ok(())).unwrap();
    drop(store);
    chest.gate = None;
    let (store, events) = open(dir.path(), &chest, PATIENT);
    // The store above did not wait for the second answer; whoever won, an old password is not what comes back.
    assert_ne!(loaded(&store, &events).0, [Some("first".into())]);
}

#[test]
fn a_late_answer_is_not_for_another_account_of_the_same_number() {
    let (dir, mut chest) = kept();
    let (answer, gate) = mpsc::channel();
    chest.gate = Some(Arc::new(Mutex::new(gate)));
    let (store, events) = open(dir.path(), &chest, IMPATIENT);
    loaded(&store, &events);
    store.send(StoreCommand::DeleteAccount(AccountId(1))).unwrap();
    store.send(save_account(1, None)).unwrap();
    assert_eq!(loaded(&store, &events).0, [None]);
    answer.send(Ok(())).unwrap();
    assert_eq!(events.recv_timeout(DEADLINE).unwrap(), StoreEvent::Credentials(CredentialStore::Keyring));
    assert_eq!(loaded(&store, &events).0, [None]);
}

#[test]
fn a_refusal_is_told_and_a_later_success_too() {
    let (dir, mut chest) = kept();
    let (answer, gate) = mpsc::channel();
    chest.gate = Some(Arc::new(Mutex::new(gate)));
    answer.send(Ok(())).unwrap();
    let (store, events) = open(dir.path(), &chest, PATIENT);
    assert_eq!(loaded(&store, &events).1, CredentialStore::Keyring);

    store.send(save_account(1, Some("second"))).unwrap();
    answer.send(Err(Refused::Locked)).unwrap();
    assert_eq!(events.recv_timeout(DEADLINE).unwrap(), StoreEvent::Credentials(CredentialStore::UntilClose));
    assert_eq!(loaded(&store, &events).0, [Some("second".into())]);

    store.send(save_account(2, Some("third"))).unwrap();
    answer.send(Ok(())).unwrap();
    assert_eq!(events.recv_timeout(DEADLINE).unwrap(), StoreEvent::Credentials(CredentialStore::Keyring));
    drop(store);

    // The refused one left the old password in the keyring. It was for the account as it was before: not taken up.
    chest.gate = None;
    let (store, events) = open(dir.path(), &chest, PATIENT);
    assert_eq!(loaded(&store, &events).0, [None, Some("third".into())]);
}

#[test]
fn a_deleted_accounts_password_is_deleted() {
    let (dir, chest) = kept();
    let (store, events) = open(dir.path(), &chest, PATIENT);
    loaded(&store, &events);
    store.send(StoreCommand::DeleteAccount(AccountId(1))).unwrap();
    store.send(save_account(2, Some("other"))).unwrap();
    drop(store); // waits for the second password, and so for the deletion before it
    assert_eq!(chest.contents(), ["other"]);
}

/// Nothing would ever find such an entry again.
#[test]
fn a_store_in_memory_puts_nothing_into_the_keyring() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("file"), "").unwrap();
    let chest = Chest::default();
    let (store, events) = open(&dir.path().join("file").join("hatif"), &chest, PATIENT);
    assert_eq!(loaded(&store, &events).1, CredentialStore::UntilClose);
    store.send(save_account(1, Some("typed"))).unwrap();
    assert_eq!(loaded(&store, &events).0, [Some("typed".into())]);
    drop(store);
    assert!(chest.contents().is_empty());
}

/// SQLite's own limit stands in for the disk, on every system; `tests/disk.rs` fills a real one.
#[test]
fn a_full_disk_is_told_once_and_what_it_refused_is_written_when_there_is_room() {
    let dir = tempfile::tempdir().unwrap();
    let database = database::open(dir.path());
    let limit = |pages: u32, writer: &Writer| writer.db().pragma_update(None, "max_page_count", pages).unwrap();
    let (tell, events) = mpsc::channel();
    let mut writer = Writer::new(
        database,
        Default::default(),
        None,
        PATIENT,
        Box::new(move |event| tell.send(event).unwrap_or_default()),
    );
    writer.handle(call(1, 10));
    limit(1, &writer); // SQLite takes the present size for a limit that is smaller
    writer.handle(call(2, 100_000));
    writer.handle(call(3, 100_000));
    assert_eq!(events.try_recv(), Ok(StoreEvent::Problem(Text::new("store.write_failed"))));
    assert!(events.try_recv().is_err(), "told once");

    limit(1_000_000, &writer);
    writer.handle(call(4, 10));
    writer.handle(StoreCommand::Load);
    let Ok(StoreEvent::Loaded { interactions, .. }) = events.try_recv() else { panic!("not loaded") };
    assert_eq!(interactions.iter().map(|call| call.id).collect::<Vec<_>>(), [4, 3, 2, 1]);

    limit(1, &writer);
    writer.handle(call(5, 100_000));
    assert_eq!(events.try_recv(), Ok(StoreEvent::Problem(Text::new("store.write_failed"))), "a second time");
}

/// The queue of failed writes is bounded, and the newest are in it.
#[test]
fn a_disk_that_stays_full_costs_the_oldest_changes() {
    let dir = tempfile::tempdir().unwrap();
    let database = database::open(dir.path());
    let mut writer = Writer::new(database, Default::default(), None, PATIENT, Box::new(|_| {}));
    writer.db().pragma_update(None, "max_page_count", 1).unwrap();
    for id in 1..=300 {
        writer.handle(call(id, 100_000));
    }
    writer.db().pragma_update(None, "max_page_count", 1_000_000).unwrap();
    writer.handle(call(301, 10));
    let (count, oldest): (i64, i64) = writer
        .db()
        .query_row("SELECT count(*), min(id) FROM interactions", [], |row| Ok((row.get(0)?, row.get(1)?)))
        .unwrap();
    assert_eq!((count, oldest), (256, 46));
}

fn with_turn(server: Option<&str>, turn_password: Option<&str>) -> StoreCommand {
    let StoreCommand::SaveAccount { mut account, .. } = save_account(1, None) else { panic!("an account is saved") };
    account.options.turn = server.map(Into::into);
    account.options.turn_user = server.map(|_| "agent".into());
    account.turn_password = turn_password.map(|password| Password(password.into()));
    StoreCommand::SaveAccount { account, password: None }
}

/// The TURN server's password of account 1.
fn turn_password(store: &Store, events: &Receiver<StoreEvent>) -> Option<String> {
    store.send(StoreCommand::Load).unwrap();
    match events.recv_timeout(DEADLINE).unwrap() {
        StoreEvent::Loaded { accounts, .. } => accounts[0].0.turn_password.clone().map(|password| password.0),
        other => panic!("not loaded: {other:?}"),
    }
}

#[test]
fn a_turn_servers_password_is_kept_beside_the_accounts_own_and_goes_with_the_server() {
    let (dir, chest) = kept();
    let (store, events) = open(dir.path(), &chest, PATIENT);
    loaded(&store, &events);
    store.send(with_turn(Some("turn.test"), Some("relay"))).unwrap();
    drop(store);
    assert_eq!(chest.contents(), ["first", "relay"]);
    let file = std::fs::read(dir.path().join("hatif.db")).unwrap();
    assert!(!file.windows(5).any(|part| part == b"relay"), "the database has no password");

    let (store, events) = open(dir.path(), &chest, PATIENT);
    assert_eq!(turn_password(&store, &events), Some("relay".into()));
    // Something else is changed: nothing is asked of the keyring.
    store.send(with_turn(Some("turn.test"), Some("relay"))).unwrap();
    store.send(with_turn(None, None)).unwrap();
    store.send(save_account(2, Some("other"))).unwrap();
    drop(store); // waits for the last password, and so for what was before it
    let mut contents = chest.contents();
    contents.sort();
    assert_eq!(contents, ["first", "other"]);
    let (store, events) = open(dir.path(), &chest, PATIENT);
    assert_eq!((turn_password(&store, &events), loaded(&store, &events).0[0].clone()), (None, Some("first".into())));
}

#[test]
fn a_deleted_accounts_turn_password_is_deleted() {
    let (dir, chest) = kept();
    let (store, events) = open(dir.path(), &chest, PATIENT);
    loaded(&store, &events);
    store.send(with_turn(Some("turn.test"), Some("relay"))).unwrap();
    drop(store);
    let (store, events) = open(dir.path(), &chest, PATIENT);
    loaded(&store, &events);
    store.send(StoreCommand::DeleteAccount(AccountId(1))).unwrap();
    store.send(save_account(2, Some("other"))).unwrap();
    drop(store);
    assert_eq!(chest.contents(), ["other"]);
}
