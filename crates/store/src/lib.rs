//! hatif-store: what outlives the process. Settings, accounts and the call log in SQLite, passwords in the operating
//! system's keyring, behind the port of `hatif_core::store`.
//!
//! ```text
//!  Store::send ──queue (256)──> writer thread ──────> hatif.db (WAL)
//!                               │  ▲        └──────> on_event(StoreEvent)
//!                     jobs (64) ▼  │ replies
//!                              keyring thread ─────> Secret Service, Credential Manager, Keychain
//! ```
//!
//! The keyring has a thread of its own because it may ask the user for a passphrase and block until they answer:
//! nothing waits for it longer than [`KEYRING_PATIENCE`], and the database never does. Passwords are never written
//! to the database. Where the keyring is not to be had they live in memory until the process ends, and
//! `CredentialStore::UntilClose` says so.
//!
//! What can go wrong, and what is done: `database.rs` (opening) and `writer.rs` (writing).

#![warn(missing_docs)]

mod accounts;
mod comments;
mod connectors;
mod customer_files;
mod customers;
mod database;
mod duplicates;
mod erase;
mod fold;
mod interactions;
mod keyring;
mod recordings;
mod settings;
#[cfg(test)]
mod tests;
mod work;
mod writer;

use hatif_core::{
    settings::Policy,
    store::{StoreCommand, StoreEvent},
    text::Text,
};
use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::{self, Receiver, RecvTimeoutError, SyncSender, TrySendError},
    },
    thread::JoinHandle,
    time::Duration,
};
use writer::{Message, Writer};

/// Commands that wait while the disk is busy. A call makes two; more than this waiting means a disk that hangs, and
/// then `send` gives the command back instead of blocking the caller.
pub const QUEUE: usize = 256;

/// How long the start and a saved password wait for the keyring before they count as refused. A later answer is
/// still taken.
pub const KEYRING_PATIENCE: Duration = Duration::from_secs(3);

/// How long dropping a [`Store`] waits for what is queued to be written.
const CLOSING_PATIENCE: Duration = Duration::from_secs(10);

/// Where the store lives.
#[derive(Clone, Debug)]
pub struct StoreConfig {
    /// The folder of `hatif.db`. Made, for this user only, when it is not there.
    pub dir: PathBuf,
    /// Where passwords go.
    pub keyring: KeyringChoice,
    /// The administrator's settings (`hatif_core::settings::Policy`): a file that users can't write. It need not exist.
    pub policy: Option<PathBuf>,
}

/// Where passwords go.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum KeyringChoice {
    /// The operating system's: Secret Service, Credential Manager or Keychain.
    System,
    /// None at all: memory. For tests, and for a run that must leave nothing behind.
    None,
}

/// Why a command was not taken.
#[derive(Debug, PartialEq, thiserror::Error)]
pub enum SendError {
    /// [`QUEUE`] commands wait already. The command comes back, to be sent again or told to the user.
    #[error("the store is not keeping up")]
    Full(Box<StoreCommand>),
    /// The store was shut down.
    #[error("the store is closed")]
    Closed,
}

/// The store: a handle on its thread. Dropping it writes what is queued, closes the database and ends the thread.
pub struct Store {
    queue: SyncSender<Message>,
    closing: Arc<AtomicBool>,
    ended: Receiver<()>,
    thread: Option<JoinHandle<()>>,
}

impl Store {
    /// Starts the store. Returns at once: the folder is made, the database opened and migrated on the store's own
    /// thread, and what came of it is said by `StoreEvent::Loaded`, in answer to `StoreCommand::Load`.
    ///
    /// `on_event` is called on that thread and must not block.
    pub fn open(config: StoreConfig, on_event: impl FnMut(StoreEvent) + Send + 'static) -> Store {
        let port: Option<Box<dyn keyring::Keyring>> = match config.keyring {
            KeyringChoice::System => Some(Box::new(keyring::SystemKeyring)),
            KeyringChoice::None => None,
        };
        Store::open_with(config.dir, config.policy, port, KEYRING_PATIENCE, on_event)
    }

    fn open_with(
        dir: PathBuf,
        policy: Option<PathBuf>,
        port: Option<Box<dyn keyring::Keyring>>,
        patience: Duration,
        on_event: impl FnMut(StoreEvent) + Send + 'static,
    ) -> Store {
        let (queue, commands) = mpsc::sync_channel(QUEUE);
        let (end, ended) = mpsc::sync_channel(1);
        let closing = Arc::new(AtomicBool::new(false));
        let flag = closing.clone();
        let wake = queue.clone();
        let thread = std::thread::Builder::new()
            .name("hatif-store".into())
            .spawn(move || {
                let keyring = port.map(|port| keyring::KeyringThread::start(port, wake));
                let mut database = database::open(&dir);
                let policy = read_policy(policy.as_deref(), &mut database.problems);
                Writer::new(database, policy, keyring, patience, Box::new(on_event)).run(commands, flag);
                end.send(()).ok();
            })
            .expect("the system has room for a thread at start");
        Store { queue, closing, ended, thread: Some(thread) }
    }

    /// Hands a command over and returns at once. Commands are carried out in order; a write is on the disk before
    /// the next one starts, so a `Loaded` contains every write sent before its `Load`.
    ///
    /// # Errors
    /// [`SendError::Full`] gives the command back when [`QUEUE`] others wait, which only a hanging disk brings
    /// about; [`SendError::Closed`] after `StoreCommand::Shutdown`.
    pub fn send(&self, command: StoreCommand) -> Result<(), SendError> {
        match self.queue.try_send(Message::Command(command)) {
            Ok(()) => Ok(()),
            Err(TrySendError::Full(Message::Command(command))) => Err(SendError::Full(Box::new(command))),
            Err(TrySendError::Full(Message::Wake) | TrySendError::Disconnected(_)) => Err(SendError::Closed),
        }
    }
}

/// The administrator's file; a broken one is told, and what can be read of it holds.
fn read_policy(path: Option<&Path>, problems: &mut Vec<Text>) -> Policy {
    let text = match path.map(std::fs::read_to_string) {
        None => return Policy::default(),
        Some(Ok(text)) => text,
        Some(Err(error)) if error.kind() == std::io::ErrorKind::NotFound => return Policy::default(),
        Some(Err(_)) => {
            problems.push(Text::new("settings.bad_policy"));
            return Policy::default();
        }
    };
    match Policy::parse(&text) {
        Ok((policy, unreadable)) => {
            if !unreadable.is_empty() {
                problems.push(Text::new("settings.policy_left_out").with("settings", unreadable.join(", ")));
            }
            policy
        }
        Err(text) => {
            problems.push(text);
            Policy::default()
        }
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        self.closing.store(true, Ordering::Release);
        // A full queue needs no wake: the thread looks at the flag whenever the queue is empty.
        self.queue.try_send(Message::Wake).ok();
        match self.ended.recv_timeout(CLOSING_PATIENCE) {
            Ok(()) | Err(RecvTimeoutError::Disconnected) => {
                if let Some(thread) = self.thread.take()
                    && thread.join().is_err()
                {
                    tracing::error!("the store's thread panicked");
                }
            }
            Err(RecvTimeoutError::Timeout) => tracing::error!("the store did not close in time; its disk hangs"),
        }
    }
}
