//! Passwords between the phone, the keyring and memory: read at the start, kept as they are typed, forgotten with what
//! they were for. The database only knows which ones the keyring holds.

use super::{Write, Writer};
use crate::{
    accounts::{self, Slot, Which},
    keyring::{Job, KeyringThread, Refused, Reply},
};
use hatif_core::{
    account::Password,
    store::{CredentialStore, StoreEvent},
};
use std::time::Instant;

impl Writer {
    /// Asks the keyring for these passwords and waits a little. Where it takes longer, it may still answer later.
    pub(super) fn read_passwords(&mut self, slots: Vec<Slot>) -> CredentialStore {
        let Some(keyring) = &self.keyring else { return CredentialStore::UntilClose };
        let entries = slots.into_iter().filter_map(|slot| Some((slot, self.user(slot)?))).collect();
        if !keyring.ask(Job::Read(entries)) {
            return CredentialStore::UntilClose;
        }
        let deadline = Instant::now() + self.patience;
        loop {
            let within = deadline.saturating_duration_since(Instant::now());
            match self.keyring.as_ref().and_then(|keyring| keyring.reply(within)) {
                Some(Reply::Read(read)) => return self.take_passwords(read),
                Some(other) => self.take_reply(other),
                None => break,
            }
        }
        tracing::warn!("the keyring does not answer; passwords are kept until the app closes");
        CredentialStore::UntilClose
    }

    pub(super) fn take_passwords(&mut self, read: Result<Vec<(Slot, Password)>, Refused>) -> CredentialStore {
        match read {
            Ok(found) => {
                // A late answer may be for an account that was deleted since, its number in use again.
                let still = accounts::load(&self.database.db).map(|(accounts, _)| accounts).unwrap_or_default();
                for (slot, password) in found {
                    if still.iter().flat_map(accounts::Kept::slots).any(|kept| kept == slot) {
                        // What was typed in this run is newer.
                        self.passwords.entry(slot).or_insert(password);
                    }
                }
                if self.database.on_disk { CredentialStore::Keyring } else { CredentialStore::UntilClose }
            }
            Err(refused) => {
                tracing::warn!(?refused, "the keyring gives no passwords; they are kept until the app closes");
                CredentialStore::UntilClose
            }
        }
    }

    /// Whether the account wants one, and which, if it is known.
    pub(super) fn save_turn_password(&mut self, slot: Slot, turn: (bool, Option<Password>)) {
        match turn {
            (true, Some(password)) if self.passwords.get(&slot) != Some(&password) => {
                self.write(Write::PasswordKept(slot, false));
                self.keep_password(slot, password);
            }
            (false, _) if self.passwords.contains_key(&slot) => self.forget_password(slot),
            // Kept already, or the keyring has not told it yet.
            _ => {}
        }
    }

    pub(super) fn forget_password(&mut self, slot: Slot) {
        self.passwords.remove(&slot);
        if self.database.on_disk
            && let Some((keyring, user)) = self.entry(slot)
            && !keyring.ask(Job::Delete(slot, user))
        {
            tracing::warn!(account = slot.0.0, "the keyring is busy; it keeps a password that nothing uses");
        }
    }

    pub(super) fn keep_password(&mut self, slot: Slot, password: Password) {
        self.passwords.insert(slot, password.clone());
        // An account that is forgotten at the end leaves nothing in the keyring.
        if !self.database.on_disk {
            return;
        }
        let Some((keyring, user)) = self.entry(slot) else { return };
        if keyring.ask(Job::Set(slot, user, password)) {
            self.unanswered.push_back(Some(Instant::now()));
        } else {
            self.say_credentials(CredentialStore::UntilClose);
        }
    }

    /// A password that the keyring has not taken in time is, for now, in memory only. Its answer is still taken.
    pub(super) fn lose_patience(&mut self) {
        let mut lost = false;
        for since in &mut self.unanswered {
            if since.is_some_and(|since| since.elapsed() >= self.patience) {
                *since = None;
                lost = true;
            }
        }
        if lost {
            tracing::warn!("the keyring does not answer; a password is kept until the app closes");
            self.say_credentials(CredentialStore::UntilClose);
        }
    }

    pub(super) fn say_credentials(&mut self, now: CredentialStore) {
        if self.credentials.is_some_and(|said| said != now) {
            self.credentials = Some(now);
            (self.emit)(StoreEvent::Credentials(now));
        }
    }

    pub(super) fn entry(&self, slot: Slot) -> Option<(&KeyringThread, String)> {
        Some((self.keyring.as_ref()?, self.user(slot)?))
    }

    /// The name of a password's entry in the keyring. The database's own name is in it: another folder (a second
    /// profile, `hatif-cli --data`) has an account 1 too.
    pub(super) fn user(&self, (id, which): Slot) -> Option<String> {
        let what = match which {
            Which::Sip => "account",
            Which::Turn => "turn",
        };
        Some(format!("{what}-{}@{}", id.0, self.database.store_id.as_ref()?))
    }
}
