//! What lies on the desk beside the calls: settings, devices, call log, notices.

use super::{Change, MAX_HISTORY, Notice, NoticeLevel, Phone};
use crate::{
    account::{Account, Password, Registration},
    audio::{AudioCommand, DeviceRole},
    call::Peer,
    settings::{Layers, Settings},
    store::{CredentialStore, Interaction, StoreCommand},
    text::Text,
};

/// Notices kept at once; the oldest gives way.
const MAX_NOTICES: usize = 20;

impl Phone {
    pub(super) fn loaded(
        &mut self,
        settings: Layers,
        accounts: Vec<(Account, Option<Password>)>,
        interactions: Vec<Interaction>,
        credentials: CredentialStore,
        problem: Option<Text>,
    ) {
        if self.early.is_none() {
            // Loaded again because the keyring was unlocked: only the passwords are news.
            return self.passwords_arrived(accounts);
        }
        self.settings = settings;
        self.history = interactions.into_iter().take(MAX_HISTORY).collect();
        self.last_interaction = self.history.iter().map(|i| i.id).max().unwrap_or(0).max(self.last_interaction);
        self.credentials = credentials;
        self.tell_audio(AudioCommand::SelectDevices(self.settings().devices.clone()));
        self.tell_audio(AudioCommand::SetSound(self.settings().sound));
        self.tell_audio(AudioCommand::ListDevices);
        self.change(Change::All);
        if let Some(problem) = problem {
            self.raise(NoticeLevel::Error, problem);
        }
        if credentials == CredentialStore::UntilClose && !accounts.is_empty() {
            self.raise(NoticeLevel::Warning, Text::new("store.keyring_unavailable"));
        }
        for (account, password) in accounts {
            self.start_account(account, password);
        }
    }

    fn passwords_arrived(&mut self, accounts: Vec<(Account, Option<Password>)>) {
        for (account, _) in &accounts {
            self.turn_password_arrived(account);
        }
        for (account, password) in accounts.into_iter().filter(|(_, password)| password.is_some()) {
            let waits = self.accounts.get(&account.id).is_some_and(|known| known.registration != Registration::Up);
            // A new password ends the account's calls.
            let talks = self.calls.values().any(|c| c.call.account == account.id && c.gone_at.is_none());
            if waits && !talks {
                self.start_account(account, password);
            }
        }
    }

    pub(super) fn credentials_changed(&mut self, credentials: CredentialStore) {
        if self.credentials != credentials {
            self.credentials = credentials;
            self.change(Change::Credentials);
            if credentials == CredentialStore::UntilClose {
                self.raise(NoticeLevel::Warning, Text::new("store.keyring_unavailable"));
            } else {
                self.tell_store(StoreCommand::Load);
            }
        }
    }

    pub(super) fn select_device(&mut self, role: DeviceRole, device: Option<String>) -> Result<(), Text> {
        let mut settings = self.settings().clone();
        settings.devices.choose(role, device);
        self.withdraw("audio.device_arrived");
        self.devices_chosen(settings)
    }

    pub(super) fn select_ringers(&mut self, devices: Vec<String>) -> Result<(), Text> {
        let mut settings = self.settings().clone();
        settings.devices.choose_ringers(devices);
        self.devices_chosen(settings)
    }

    fn devices_chosen(&mut self, settings: Settings) -> Result<(), Text> {
        self.settings.change(&settings)?;
        self.tell_audio(AudioCommand::SelectDevices(settings.devices));
        self.tell_store(StoreCommand::SaveSettings(self.settings.user().clone()));
        self.change(Change::Devices);
        Ok(())
    }

    pub(super) fn change_settings(&mut self, settings: Settings) -> Result<(), Text> {
        let devices = self.settings().devices.clone();
        self.settings.change(&Settings { devices, ..settings })?;
        self.settings_changed();
        Ok(())
    }

    pub(super) fn reset_setting(&mut self, key: &str) {
        self.settings.reset(key);
        if key == "devices" {
            self.tell_audio(AudioCommand::SelectDevices(self.settings().devices.clone()));
            self.change(Change::Devices);
        }
        self.settings_changed();
    }

    pub(super) fn import_settings(&mut self, text: &str) -> Result<(), Text> {
        let left_out = self.settings.import(text)?;
        self.settings_changed();
        self.change(Change::SettingsImported { left_out });
        Ok(())
    }

    fn settings_changed(&mut self) {
        self.tell_audio(AudioCommand::SetSound(self.settings().sound));
        self.tell_store(StoreCommand::SaveSettings(self.settings.user().clone()));
        self.change(Change::Settings);
    }

    /// Writes a new interaction down, at once.
    pub(super) fn record(&mut self, interaction: Interaction) {
        self.tell_store(StoreCommand::SaveInteraction(Box::new(interaction.clone())));
        let id = interaction.id;
        self.history.push_front(interaction);
        if self.history.len() > MAX_HISTORY {
            // The newest stay; a running call is always among them (MAX_CALLS is far smaller).
            self.history.pop_back();
        }
        self.change(Change::Interaction(id));
    }

    pub(super) fn delete_interaction(&mut self, id: i64) -> Result<(), Text> {
        if self.history.iter().any(|i| i.id == id && i.end.is_none()) {
            return Err(Text::new("command.not_now"));
        }
        self.history.retain(|i| i.id != id);
        self.tell_store(StoreCommand::DeleteInteraction(id));
        self.change(Change::History);
        Ok(())
    }

    /// These calls have nobody's name and number any more.
    pub(super) fn erased(&mut self, calls: &[i64]) {
        for row in self.history.iter_mut().filter(|row| calls.contains(&row.id)) {
            let peer =
                std::mem::replace(&mut row.peer, Peer { name: None, address: String::new(), uri: String::new() });
            if self.last_dialled.as_ref().is_some_and(|(_, to)| *to == peer.address) {
                self.last_dialled = None;
            }
        }
        self.change(Change::History);
    }

    /// Forgets every call that has ended; the running ones stay.
    pub(super) fn clear_interactions(&mut self) -> Result<(), Text> {
        self.history.retain(|i| i.end.is_none());
        self.tell_store(StoreCommand::ClearInteractions);
        let running: Vec<Interaction> = self.history.iter().cloned().collect();
        for row in running {
            self.tell_store(StoreCommand::SaveInteraction(Box::new(row)));
        }
        self.change(Change::History);
        Ok(())
    }

    pub(super) fn raise(&mut self, level: NoticeLevel, text: Text) {
        if self.notices.iter().any(|n| n.text == text) {
            return;
        }
        if self.notices.len() >= MAX_NOTICES {
            let oldest = self.notices.remove(0);
            self.change(Change::NoticeGone(oldest.id));
        }
        let id = self.next_notice;
        self.next_notice += 1;
        self.notices.push(Notice { id, level, text });
        self.change(Change::NoticeRaised(id));
    }

    /// Takes back what is told by this code: it is no longer so.
    pub(super) fn withdraw(&mut self, code: &str) {
        while let Some(position) = self.notices.iter().position(|n| n.text.code == code) {
            let gone = self.notices.remove(position);
            self.change(Change::NoticeGone(gone.id));
        }
    }

    pub(super) fn dismiss_notice(&mut self, id: u32) -> Result<(), Text> {
        self.notices.retain(|n| n.id != id);
        self.change(Change::NoticeGone(id));
        Ok(())
    }
}
