//! The store's thread: one command after another, each in a transaction of its own.
//!
//! A write that fails for want of room, or because the disk is away, is told once (`store.write_failed`), kept, and
//! tried again in its turn: before the next write, every [`RETRY`], and when the store closes. At most [`BACKLOG`]
//! are kept; then the oldest is given up.

mod passwords;

use crate::{
    accounts::{self, Slot, Which},
    comments, connectors, customer_files, customers,
    database::Database,
    duplicates, interactions,
    keyring::{Job, KeyringThread, Reply},
    recordings, settings, work,
};
use hatif_core::{
    account::{Account, Password},
    connector::{Connector, ConnectorsAnswer, ConnectorsAsk, Outgoing},
    customer::CustomerAsk,
    ids::AccountId,
    recording::{Recording, RecordingsCommand, RecordingsEvent},
    settings::{Policy, Rows},
    store::{CredentialStore, Interaction, InteractionQuery, StoreCommand, StoreEvent},
    text::Text,
};
use rusqlite::{Connection, ErrorCode};
use std::{
    collections::{HashMap, VecDeque},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::{Receiver, RecvTimeoutError, TryRecvError},
    },
    time::{Duration, Instant},
};

/// What the queue carries.
pub(crate) enum Message {
    Command(StoreCommand),
    /// Look for replies of the keyring, and at the closing flag.
    Wake,
}

/// How often a failed write is tried again while nothing else happens.
const RETRY: Duration = Duration::from_secs(5);

/// Failed writes that are kept.
const BACKLOG: usize = 256;

/// One change of the database.
enum Write {
    Settings(Rows),
    Account { account: Box<Account>, forget_password: bool },
    PasswordKept(Slot, bool),
    DeleteAccount(AccountId),
    Interaction(Box<Interaction>),
    DeleteInteraction(i64),
    ClearInteractions,
    Recording(Box<Recording>),
    DeleteRecording(String),
    Connector(Box<Connector>),
    DeleteConnector(u32),
    Outgoing(Box<Outgoing>),
    RemoveOutgoing(i64),
}

pub(crate) struct Writer {
    database: Database,
    /// The administrator's settings.
    policy: Policy,
    keyring: Option<KeyringThread>,
    /// Every password of this run, whether the keyring has it or not.
    passwords: HashMap<Slot, Password>,
    /// What was said last of where passwords are kept; `None` before the first `Loaded`.
    credentials: Option<CredentialStore>,
    /// When each password that the keyring has not answered for was handed to it; `None` once patience is lost.
    unanswered: VecDeque<Option<Instant>>,
    patience: Duration,
    backlog: VecDeque<Write>,
    /// Whether the last write failed, so that a full disk is told once and not with every call.
    failing: bool,
    emit: Box<dyn FnMut(StoreEvent) + Send>,
}

impl Writer {
    pub fn new(
        database: Database,
        policy: Policy,
        keyring: Option<KeyringThread>,
        patience: Duration,
        emit: Box<dyn FnMut(StoreEvent) + Send>,
    ) -> Self {
        Writer {
            database,
            policy,
            keyring,
            passwords: HashMap::new(),
            credentials: None,
            unanswered: VecDeque::new(),
            patience,
            backlog: VecDeque::new(),
            failing: false,
            emit,
        }
    }

    /// Runs until `Shutdown`, or until the flag is up and the queue empty.
    pub fn run(mut self, commands: Receiver<Message>, closing: Arc<AtomicBool>) {
        let mut retry_at = Instant::now() + RETRY;
        loop {
            let message = match commands.try_recv() {
                Err(TryRecvError::Empty) if closing.load(Ordering::Acquire) => break,
                Err(TryRecvError::Empty) => match self.next_deadline(retry_at) {
                    Some(deadline) => commands.recv_timeout(deadline.saturating_duration_since(Instant::now())),
                    None => commands.recv().map_err(RecvTimeoutError::from),
                },
                Err(TryRecvError::Disconnected) => break,
                Ok(message) => Ok(message),
            };
            match message {
                Ok(Message::Command(StoreCommand::Shutdown)) | Err(RecvTimeoutError::Disconnected) => break,
                Ok(Message::Command(command)) => self.handle(command),
                Ok(Message::Wake) | Err(RecvTimeoutError::Timeout) => {}
            }
            self.take_replies();
            self.lose_patience();
            if Instant::now() >= retry_at {
                self.flush();
                retry_at = Instant::now() + RETRY;
            }
        }
        self.close();
    }

    fn next_deadline(&self, retry_at: Instant) -> Option<Instant> {
        let retry = (!self.backlog.is_empty()).then_some(retry_at);
        let answer = self.unanswered.iter().flatten().next().map(|since| *since + self.patience);
        retry.into_iter().chain(answer).min()
    }

    #[cfg(test)]
    pub fn db(&self) -> &Connection {
        &self.database.db
    }

    pub fn handle(&mut self, command: StoreCommand) {
        match command {
            StoreCommand::Load => self.load(),
            StoreCommand::SaveSettings(settings) => self.write(Write::Settings(settings)),
            StoreCommand::SaveAccount { account, password } => {
                let id = account.id;
                let turn = (account.options.wants_turn_password(), account.turn_password.clone());
                // Until the keyring says that it has the new password, it has none for this account: the one that
                // it may still hold was for the account as it was before.
                self.write(Write::Account { account, forget_password: password.is_some() });
                if let Some(password) = password {
                    self.keep_password((id, Which::Sip), password);
                }
                self.save_turn_password((id, Which::Turn), turn);
            }
            StoreCommand::DeleteAccount(id) => {
                let rows = accounts::load(&self.database.db).map(|(rows, _)| rows).unwrap_or_default();
                let turn_kept = rows.iter().any(|row| row.account.id == id && row.turn_password_kept);
                self.write(Write::DeleteAccount(id));
                self.forget_password((id, Which::Sip));
                if turn_kept {
                    self.forget_password((id, Which::Turn));
                }
            }
            StoreCommand::SaveInteraction(interaction) => self.write(Write::Interaction(interaction)),
            StoreCommand::DeleteInteraction(id) => self.write(Write::DeleteInteraction(id)),
            StoreCommand::ClearInteractions => self.write(Write::ClearInteractions),
            StoreCommand::FindInteractions { request, query } => self.find(request, &query),
            StoreCommand::Customers(ask) => {
                if matches!(ask, CustomerAsk::Belongings { .. } | CustomerAsk::Erase { .. }) {
                    self.flush();
                }
                let answer = customers::obey(&mut self.database.db, &ask);
                (self.emit)(StoreEvent::Customers(answer));
            }
            StoreCommand::CustomerFiles(ask) => {
                let answer = customer_files::obey(&mut self.database.db, &ask);
                (self.emit)(StoreEvent::CustomerFiles(answer));
            }
            StoreCommand::Duplicates(ask) => {
                self.flush();
                let answer = duplicates::obey(&mut self.database.db, &ask);
                (self.emit)(StoreEvent::Duplicates(answer));
            }
            StoreCommand::Work(ask) => {
                // A call's row may still wait to be written, and what is noted of it belongs to that row.
                self.flush();
                let answer = work::obey(&mut self.database.db, &ask);
                (self.emit)(StoreEvent::Work(answer));
            }
            StoreCommand::Recordings(command) => self.recordings(command),
            StoreCommand::Connectors(ask) => self.connectors(ask),
            StoreCommand::Shutdown => unreachable!("taken by the loop"),
        }
    }

    // ---- reading ----

    fn load(&mut self) {
        self.flush();
        let db = &self.database.db;
        let loaded = settings::load(db)
            .and_then(|(settings, _)| Ok((settings, accounts::load(db)?.0, interactions::load(db)?.0)));
        let (settings, accounts, interactions) = loaded.unwrap_or_else(|error| {
            log(&error, "reading");
            self.database.problems.push(Text::new("store.read_failed"));
            Default::default()
        });
        let kept = accounts.iter().flat_map(accounts::Kept::slots).collect();
        if self.credentials.is_none() {
            self.credentials = Some(self.read_passwords(kept));
        }
        let accounts = accounts
            .into_iter()
            .map(|accounts::Kept { mut account, .. }| {
                account.turn_password = self.passwords.get(&(account.id, Which::Turn)).cloned();
                let password = self.passwords.get(&(account.id, Which::Sip)).cloned();
                (account, password)
            })
            .collect();
        let mut problems = std::mem::take(&mut self.database.problems).into_iter();
        (self.emit)(StoreEvent::Loaded {
            settings,
            policy: self.policy.clone(),
            accounts,
            interactions,
            credentials: self.credentials.unwrap_or(CredentialStore::UntilClose),
            problem: problems.next(),
        });
        problems.for_each(|problem| (self.emit)(StoreEvent::Problem(problem)));
    }

    fn find(&mut self, request: u32, query: &InteractionQuery) {
        self.flush();
        let page = interactions::find(&self.database.db, query).unwrap_or_else(|error| {
            log(&error, "searching");
            (self.emit)(StoreEvent::Problem(Text::new("store.read_failed")));
            Default::default()
        });
        (self.emit)(StoreEvent::Found { request, page });
    }

    fn recordings(&mut self, command: RecordingsCommand) {
        let found = match command {
            RecordingsCommand::Save(recording) => return self.write(Write::Recording(recording)),
            RecordingsCommand::Delete(name) => return self.write(Write::DeleteRecording(name)),
            RecordingsCommand::Key { fresh } => return self.recording_key(fresh),
            RecordingsCommand::SaveHead(head) => return self.recording_head(head),
            RecordingsCommand::Comments(ask) => {
                Ok(RecordingsEvent::Comments(comments::obey(&mut self.database.db, ask)))
            }
            RecordingsCommand::FindOlder(than) => recordings::older(&self.database.db, than)
                .map(RecordingsEvent::Older)
                .map_err(|error| (error, RecordingsEvent::Older(Vec::new()))),
            RecordingsCommand::Find { request, query } => recordings::find(&self.database.db, &query)
                .map(|page| RecordingsEvent::Found { request, page })
                .map_err(|error| (error, RecordingsEvent::Found { request, page: Default::default() })),
            RecordingsCommand::FindUnfinished => recordings::unfinished(&self.database.db)
                .map(RecordingsEvent::Unfinished)
                .map_err(|error| (error, RecordingsEvent::Unfinished(Vec::new()))),
            RecordingsCommand::Get(name) => match recordings::get(&self.database.db, &name) {
                Ok(row) => Ok(RecordingsEvent::Row { name, recording: row.map(Box::new) }),
                Err(error) => Err((error, RecordingsEvent::Row { name, recording: None })),
            },
        };
        let event = found.unwrap_or_else(|(error, nothing)| {
            log(&error, "reading recordings");
            (self.emit)(StoreEvent::Problem(Text::new("store.read_failed")));
            nothing
        });
        (self.emit)(StoreEvent::Recordings(event));
    }

    /// A key that would be gone tomorrow is none: what it locks could never be opened again.
    fn recording_key(&mut self, fresh: Password) {
        let user = self.database.store_id.as_ref().map(|id| format!("recordings@{id}"));
        let asked = match (&self.keyring, user) {
            (Some(keyring), Some(user)) if self.database.on_disk => keyring.ask(Job::RecordingKey(user, fresh)),
            _ => false,
        };
        if !asked {
            (self.emit)(StoreEvent::Recordings(RecordingsEvent::Key { key: None, head: None }));
        }
    }

    fn recording_head(&mut self, head: Password) {
        let user = self.database.store_id.as_ref().map(|id| format!("recordings@{id}"));
        if let (Some(keyring), Some(user)) = (&self.keyring, user)
            && !keyring.ask(Job::RecordingHead(user, head))
        {
            tracing::warn!("the keyring is busy; the end of the recordings' ledger is kept with the next entry");
        }
    }

    fn connectors(&mut self, ask: ConnectorsAsk) {
        match ask {
            ConnectorsAsk::Load => self.load_connectors(),
            ConnectorsAsk::Save { connector, secrets } => {
                let id = connector.id;
                self.write(Write::Connector(connector));
                if let (Some(secrets), true) = (secrets, self.database.on_disk)
                    && let Some((keyring, user)) = self.secrets_entry(id)
                    && !keyring.ask(Job::SetSecrets(id, user, secrets))
                {
                    self.say_credentials(CredentialStore::UntilClose);
                }
            }
            ConnectorsAsk::Delete(id) => {
                self.write(Write::DeleteConnector(id));
                if let Some((keyring, user)) = self.secrets_entry(id)
                    && !keyring.ask(Job::DeleteSecrets(id, user))
                {
                    tracing::warn!(connector = id, "the keyring is busy; it keeps secrets that nothing uses");
                }
            }
            ConnectorsAsk::Put(item) => self.write(Write::Outgoing(item)),
            ConnectorsAsk::Remove(id) => self.write(Write::RemoveOutgoing(id)),
        }
    }

    fn load_connectors(&mut self) {
        self.flush();
        let (connectors, outbox) = connectors::load(&self.database.db).unwrap_or_else(|error| {
            log(&error, "reading connectors");
            (self.emit)(StoreEvent::Problem(Text::new("store.read_failed")));
            Default::default()
        });
        let ids: Vec<u32> = connectors.iter().map(|connector| connector.id).collect();
        (self.emit)(StoreEvent::Connectors(ConnectorsAnswer::Loaded { connectors, outbox }));
        let entries: Vec<(u32, String)> = ids.iter().filter_map(|id| Some((*id, self.secrets_entry(*id)?.1))).collect();
        let asked = match &self.keyring {
            Some(keyring) if self.database.on_disk && !entries.is_empty() => keyring.ask(Job::ReadSecrets(entries)),
            _ => false,
        };
        if !asked {
            ids.into_iter().for_each(|id| self.tell_secrets(id, None));
        }
    }

    fn secrets_entry(&self, id: u32) -> Option<(&KeyringThread, String)> {
        Some((self.keyring.as_ref()?, format!("connector-{id}@{}", self.database.store_id.as_ref()?)))
    }

    fn tell_secrets(&mut self, connector: u32, secrets: Option<Password>) {
        (self.emit)(StoreEvent::Connectors(ConnectorsAnswer::Secrets { connector, secrets }));
    }

    // ---- the keyring's answers ----

    fn take_replies(&mut self) {
        while let Some(reply) = self.keyring.as_ref().and_then(|keyring| keyring.reply(Duration::ZERO)) {
            self.take_reply(reply);
        }
    }

    fn take_reply(&mut self, reply: Reply) {
        match reply {
            // The passwords of the accounts that were loaded without; another `Load` brings them.
            Reply::Read(read) => {
                let credentials = self.take_passwords(read);
                self.say_credentials(credentials);
            }
            Reply::Set(slot, result) => {
                self.unanswered.pop_front();
                self.write(Write::PasswordKept(slot, result.is_ok()));
                if let Err(refused) = result {
                    tracing::warn!(account = slot.0.0, ?refused, "the keyring did not take a password");
                }
                let kept = if result.is_ok() { CredentialStore::Keyring } else { CredentialStore::UntilClose };
                self.say_credentials(kept);
            }
            Reply::Deleted(slot, Err(refused)) => {
                tracing::warn!(account = slot.0.0, ?refused, "the keyring keeps a password that nothing uses");
            }
            Reply::Deleted(_, Ok(())) => {}
            Reply::Secrets(read) => {
                for (connector, secrets) in read {
                    if let Err(refused) = &secrets {
                        tracing::warn!(connector, ?refused, "the keyring does not give a connector's secrets");
                    }
                    self.tell_secrets(connector, secrets.ok().flatten());
                }
            }
            Reply::SecretsSet(connector, Err(refused)) => {
                tracing::warn!(connector, ?refused, "the keyring did not take a connector's secrets");
                self.say_credentials(CredentialStore::UntilClose);
            }
            Reply::SecretsDeleted(connector, Err(refused)) => {
                tracing::warn!(connector, ?refused, "the keyring keeps secrets that nothing uses");
            }
            Reply::SecretsSet(_, Ok(())) | Reply::SecretsDeleted(_, Ok(())) => {}
            Reply::RecordingKey(key) => {
                if let Err(refused) = &key {
                    tracing::warn!(?refused, "the keyring gives no key for recordings");
                }
                let (key, head) = key.map_or((None, None), |(key, head)| (Some(key), head));
                (self.emit)(StoreEvent::Recordings(RecordingsEvent::Key { key, head }));
            }
            Reply::RecordingHead(result) => {
                if let Err(refused) = result {
                    tracing::warn!(?refused, "the keyring did not take the end of the recordings' ledger");
                }
            }
        }
    }

    // ---- writing ----

    fn write(&mut self, write: Write) {
        if self.backlog.len() == BACKLOG {
            tracing::error!("the disk has been away for too long; the oldest unwritten change is given up");
            self.backlog.pop_front();
        }
        self.backlog.push_back(write);
        self.flush();
    }

    /// Writes what waits, in order, up to the first failure.
    fn flush(&mut self) {
        while let Some(write) = self.backlog.front() {
            match commit(&mut self.database.db, write) {
                Ok(()) => {
                    self.failing = false;
                    if let Write::Outgoing(item) = write {
                        let written = ConnectorsAnswer::Written(item.id);
                        (self.emit)(StoreEvent::Connectors(written));
                    }
                }
                Err(error) => {
                    log(&error, "writing");
                    if !std::mem::replace(&mut self.failing, true) {
                        (self.emit)(StoreEvent::Problem(Text::new("store.write_failed")));
                    }
                    if may_pass(&error) {
                        return;
                    }
                }
            }
            self.backlog.pop_front();
        }
    }

    /// The last of it: passwords on their way, writes that failed, then the file itself.
    fn close(mut self) {
        while let Some(since) = self.unanswered.iter().flatten().next().copied() {
            let within = (since + self.patience).saturating_duration_since(Instant::now());
            match self.keyring.as_ref().and_then(|keyring| keyring.reply(within)) {
                Some(reply) => self.take_reply(reply),
                None => break,
            }
        }
        self.flush();
        if !self.backlog.is_empty() {
            tracing::error!(changes = self.backlog.len(), "closing with changes that could not be written");
        }
        if let Err((_, error)) = self.database.db.close() {
            log(&error, "closing");
        }
        (self.emit)(StoreEvent::Stopped);
    }
}

fn commit(db: &mut Connection, write: &Write) -> rusqlite::Result<()> {
    let transaction = db.transaction()?;
    match write {
        Write::Settings(settings) => settings::save(&transaction, settings)?,
        Write::Account { account, forget_password } => accounts::save(&transaction, account, *forget_password)?,
        Write::PasswordKept(id, kept) => accounts::password_kept(&transaction, *id, *kept)?,
        Write::DeleteAccount(id) => accounts::delete(&transaction, *id)?,
        Write::Interaction(interaction) => interactions::save(&transaction, interaction)?,
        Write::DeleteInteraction(id) => interactions::delete(&transaction, *id)?,
        Write::ClearInteractions => interactions::clear(&transaction)?,
        Write::Recording(recording) => recordings::save(&transaction, recording)?,
        Write::DeleteRecording(name) => recordings::delete(&transaction, name)?,
        Write::Connector(connector) => connectors::save(&transaction, connector)?,
        Write::DeleteConnector(id) => connectors::delete(&transaction, *id)?,
        Write::Outgoing(item) => connectors::put(&transaction, item)?,
        Write::RemoveOutgoing(id) => connectors::remove(&transaction, *id)?,
    }
    transaction.commit()
}

/// Whether the same write may succeed later.
fn may_pass(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(
            ErrorCode::DiskFull
                | ErrorCode::SystemIoFailure
                | ErrorCode::ReadOnly
                | ErrorCode::CannotOpen
                | ErrorCode::DatabaseBusy
                | ErrorCode::DatabaseLocked
                | ErrorCode::OutOfMemory
        )
    )
}

/// The code only: the words can hold a path, and so a name.
fn log(error: &rusqlite::Error, doing: &'static str) {
    let code = error.sqlite_error().map(|failure| failure.extended_code);
    tracing::error!(code, doing, "the database failed");
}
