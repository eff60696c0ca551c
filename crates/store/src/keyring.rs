//! The operating system's keyring, on a thread of its own. A call into it may block for as long as a person takes to
//! type a passphrase, and nothing else may wait for that.

use crate::{accounts::Slot, writer::Message};
use ::keyring::{Entry, Error};
use hatif_core::account::Password;
use std::sync::mpsc::{self, Receiver, SyncSender};
use std::time::Duration;

/// The service under which every password is kept.
const SERVICE: &str = "hatif";

/// Jobs that wait while the keyring asks for its passphrase. When as many wait, a further password stays in memory.
const JOBS: usize = 64;

/// Why the keyring did not do it. For the log; it names no account and no secret.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Refused {
    /// It is there, and locked, and stayed so.
    Locked,
    /// No keyring answers on this system.
    Absent,
    /// It answered with something else.
    Failed,
}

/// What this crate needs of a keyring. `user` names the entry.
pub(crate) trait Keyring: Send {
    /// Whether there is a keyring to talk to. Asks the user nothing.
    fn reach(&self) -> Result<(), Refused>;
    /// `None` when there is no such entry. May ask the user to unlock, and block until they do.
    fn get(&self, user: &str) -> Result<Option<Password>, Refused>;
    /// May ask and block too.
    fn set(&self, user: &str, password: &Password) -> Result<(), Refused>;
    /// Not an error when there is no such entry. May ask and block too.
    fn delete(&self, user: &str) -> Result<(), Refused>;
}

/// The real one: Secret Service by D-Bus on Linux and the BSDs, Credential Manager, Keychain.
pub(crate) struct SystemKeyring;

impl Keyring for SystemKeyring {
    fn reach(&self) -> Result<(), Refused> {
        Entry::store_status().as_ref().map_err(|_| Refused::Absent).copied()
    }

    fn get(&self, user: &str) -> Result<Option<Password>, Refused> {
        match entry(user)?.get_password() {
            Ok(password) => Ok(Some(Password(password))),
            Err(Error::NoEntry) => Ok(None),
            Err(error) => Err(refused(&error)),
        }
    }

    fn set(&self, user: &str, password: &Password) -> Result<(), Refused> {
        entry(user)?.set_password(&password.0).map_err(|error| refused(&error))
    }

    fn delete(&self, user: &str) -> Result<(), Refused> {
        match entry(user)?.delete_credential() {
            Ok(()) | Err(Error::NoEntry) => Ok(()),
            Err(error) => Err(refused(&error)),
        }
    }
}

fn entry(user: &str) -> Result<Entry, Refused> {
    Entry::new(SERVICE, user).map_err(|error| refused(&error))
}

fn refused(error: &Error) -> Refused {
    match error {
        Error::NoStorageAccess(_) => Refused::Locked,
        Error::NoDefaultStore => Refused::Absent,
        _ => Refused::Failed,
    }
}

/// What the keyring's thread is asked. `user` names the entry.
pub(crate) enum Job {
    /// Every one of these, or the first refusal.
    Read(Vec<(Slot, String)>),
    Set(Slot, String, Password),
    Delete(Slot, String),
    /// What a connector's user gave in confidence.
    ReadSecrets(Vec<(u32, String)>),
    SetSecrets(u32, String, Password),
    DeleteSecrets(u32, String),
    /// The key of recordings: what is there, or this one, which is there then.
    RecordingKey(String, Password),
    /// Where the ledger of recordings ends.
    RecordingHead(String, Password),
}

/// Its answers, in the order of the jobs.
#[derive(Debug)]
pub(crate) enum Reply {
    Read(Result<Vec<(Slot, Password)>, Refused>),
    Set(Slot, Result<(), Refused>),
    Deleted(Slot, Result<(), Refused>),
    /// The key, and where the ledger ended.
    RecordingKey(Result<(Password, Option<Password>), Refused>),
    RecordingHead(Result<(), Refused>),
    Secrets(Vec<(u32, Result<Option<Password>, Refused>)>),
    SecretsSet(u32, Result<(), Refused>),
    SecretsDeleted(u32, Result<(), Refused>),
}

/// The thread's two ends. Dropping them ends it once it has nothing left to do; it is not waited for, because what it
/// is doing may be waiting for a person.
pub(crate) struct KeyringThread {
    jobs: SyncSender<Job>,
    replies: Receiver<Reply>,
}

impl KeyringThread {
    /// `wake` tells the writer that a reply has come.
    pub fn start(port: Box<dyn Keyring>, wake: SyncSender<Message>) -> Self {
        let (jobs, todo) = mpsc::sync_channel::<Job>(JOBS);
        let (answer, replies) = mpsc::sync_channel::<Reply>(JOBS);
        let body = move || {
            // Connecting takes longest; do it while the database opens.
            port.reach().ok();
            for job in todo {
                if answer.send(work(&*port, job)).is_err() {
                    return;
                }
                // Full: the writer is awake, and looks for replies before it sleeps.
                wake.try_send(Message::Wake).ok();
            }
        };
        std::thread::Builder::new()
            .name("hatif-keyring".into())
            .spawn(body)
            .expect("the system has room for a thread at start");
        KeyringThread { jobs, replies }
    }

    /// Whether the job was taken; it is not when [`JOBS`] wait.
    pub fn ask(&self, job: Job) -> bool {
        self.jobs.try_send(job).is_ok()
    }

    /// A reply, if there is one within this time.
    pub fn reply(&self, within: Duration) -> Option<Reply> {
        self.replies.recv_timeout(within).ok()
    }
}

fn work(port: &dyn Keyring, job: Job) -> Reply {
    match job {
        Job::Read(entries) => Reply::Read(read(port, entries)),
        Job::Set(id, user, password) => Reply::Set(id, port.reach().and_then(|()| port.set(&user, &password))),
        Job::Delete(id, user) => Reply::Deleted(id, port.reach().and_then(|()| port.delete(&user))),
        Job::RecordingKey(user, fresh) => Reply::RecordingKey(
            recording_key(port, &user, &fresh).and_then(|key| Ok((key, port.get(&head_of(&user))?))),
        ),
        Job::RecordingHead(user, head) => Reply::RecordingHead(port.set(&head_of(&user), &head)),
        Job::ReadSecrets(entries) => {
            let one = |(id, user): (u32, String)| (id, port.reach().and_then(|()| port.get(&user)));
            Reply::Secrets(entries.into_iter().map(one).collect())
        }
        Job::SetSecrets(id, user, secrets) => {
            Reply::SecretsSet(id, port.reach().and_then(|()| port.set(&user, &secrets)))
        }
        Job::DeleteSecrets(id, user) => Reply::SecretsDeleted(id, port.reach().and_then(|()| port.delete(&user))),
    }
}

/// The entry beside a key's.
fn head_of(user: &str) -> String {
    format!("ledger of {user}")
}

/// Read back after it was written: a keyring that forgets would take every recording with it.
fn recording_key(port: &dyn Keyring, user: &str, fresh: &Password) -> Result<Password, Refused> {
    port.reach()?;
    if let Some(key) = port.get(user)? {
        return Ok(key);
    }
    port.set(user, fresh)?;
    port.get(user)?.filter(|kept| kept == fresh).ok_or(Refused::Failed)
}

fn read(port: &dyn Keyring, entries: Vec<(Slot, String)>) -> Result<Vec<(Slot, Password)>, Refused> {
    port.reach()?;
    let mut found = Vec::with_capacity(entries.len());
    let mut failed = false;
    for (id, user) in entries {
        match port.get(&user) {
            Ok(Some(password)) => found.push((id, password)),
            Ok(None) => {}
            Err(Refused::Failed) => {
                tracing::warn!(account = id.0.0, "the keyring's entry could not be read");
                failed = true;
            }
            Err(refused) => return Err(refused),
        }
    }
    // One spoilt entry among good ones is asked for again; nothing but failures is a spoilt keyring.
    if failed && found.is_empty() { Err(Refused::Failed) } else { Ok(found) }
}
