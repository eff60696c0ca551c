//! Accounts and their registration.

use super::{AccountEntry, Change, PRACTICE, Phone};
use crate::{
    account::{Account, AccountKind, Password, Registration, Transport},
    ids::AccountId,
    sip::SipCommand,
    store::StoreCommand,
    text::Text,
};

impl Phone {
    pub(super) fn set_account(
        &mut self,
        id: Option<AccountId>,
        mut account: Account,
        password: Option<Password>,
    ) -> Result<(), Text> {
        if account.kind == AccountKind::Practice || id == Some(PRACTICE) {
            return Err(Text::new("command.practice_fixed"));
        }
        validate(&account)?;
        account.id = match id {
            Some(id) if self.accounts.contains_key(&id) => id,
            Some(_) => return Err(Text::new("command.unknown_account")),
            None => AccountId(self.accounts.keys().map(|a| a.0).max().unwrap_or(0) + 1),
        };
        if password.is_none() && self.accounts.get(&account.id).is_some_and(|old| !same_server(&old.account, &account))
        {
            // The kept password was given for another server; it is not handed to this one.
            return Err(Text::new("command.bad_account").with("field", "password"));
        }
        if account.label.trim().is_empty() {
            account.label = format!("{}@{}", account.user, account.domain);
        }
        self.tell_store(StoreCommand::SaveAccount { account: Box::new(account.clone()), password: password.clone() });
        self.start_account(account, password);
        Ok(())
    }

    /// Brings an account up: SIP learns it and registers; where there is no registrar, it opens the port.
    pub(super) fn start_account(&mut self, account: Account, password: Option<Password>) {
        let id = account.id;
        self.tell_sip(SipCommand::SetAccount { account: Box::new(account.clone()), password });
        self.accounts.insert(id, AccountEntry { account, registration: Registration::Trying });
        self.tell_sip(SipCommand::Register { account: id });
        self.change(Change::Account(id));
    }

    pub(super) fn practice_up(&mut self, mut account: Account, password: Password) {
        account.id = PRACTICE;
        account.kind = AccountKind::Practice;
        self.start_account(account, Some(password));
    }

    pub(super) fn remove_account(&mut self, id: AccountId) -> Result<(), Text> {
        self.known_account(id)?;
        if id == PRACTICE {
            return Err(Text::new("command.practice_fixed"));
        }
        self.accounts.remove(&id);
        self.tell_sip(SipCommand::RemoveAccount { account: id });
        self.tell_store(StoreCommand::DeleteAccount(id));
        self.change(Change::AccountGone(id));
        if self.settings().default_account == Some(id) {
            self.reset_setting("default_account");
        }
        Ok(())
    }

    pub(super) fn register(&mut self, id: AccountId) -> Result<(), Text> {
        self.known_account(id)?;
        self.tell_sip(SipCommand::Register { account: id });
        Ok(())
    }

    pub(super) fn unregister(&mut self, id: AccountId) -> Result<(), Text> {
        self.known_account(id)?;
        self.tell_sip(SipCommand::Unregister { account: id });
        Ok(())
    }

    pub(super) fn registration_changed(&mut self, id: AccountId, state: Registration) {
        if let Some(entry) = self.accounts.get_mut(&id)
            && entry.registration != state
        {
            entry.registration = state;
            self.change(Change::Account(id));
        }
    }

    /// The account that a call goes out on: the one named, else the default, else the first that is registered with a
    /// PBX, else the first of the user's own, else the practice line.
    pub(super) fn outgoing_account(&self, named: Option<AccountId>, target: &str) -> Result<AccountId, Text> {
        if let Some(id) = named {
            return self.known_account(id);
        }
        if target.ends_with("@practice") && self.accounts.contains_key(&PRACTICE) {
            return Ok(PRACTICE);
        }
        let own = || self.accounts.values().filter(|e| e.account.kind != AccountKind::Practice);
        let registered =
            |e: &&AccountEntry| e.registration == Registration::Up && e.account.kind != AccountKind::Direct;
        let default = self.settings().default_account.filter(|id| self.accounts.contains_key(id));
        default
            .or_else(|| own().find(registered).map(|e| e.account.id))
            .or_else(|| own().next().map(|e| e.account.id))
            .or_else(|| self.accounts.keys().next().copied())
            .ok_or_else(|| Text::new("call.no_account"))
    }

    fn known_account(&self, id: AccountId) -> Result<AccountId, Text> {
        if self.accounts.contains_key(&id) { Ok(id) } else { Err(Text::new("command.unknown_account")) }
    }
}

/// Whether a password given for one is meant for the other too.
fn same_server(a: &Account, b: &Account) -> bool {
    let of = |x: &Account| (x.kind, x.domain.clone(), x.registrar.clone(), x.proxy.clone());
    of(a) == of(b) || b.kind == AccountKind::Direct
}

/// Refuses what no PBX could take, naming the field.
fn validate(account: &Account) -> Result<(), Text> {
    let bad = |field: &str| Err(Text::new("command.bad_account").with("field", field));
    let unclean = |s: &str| s.chars().any(|c| c.is_control() || c.is_whitespace());
    if account.user.is_empty() || unclean(&account.user) || account.user.contains('@') || account.user.len() > 128 {
        return bad("user");
    }
    if account.domain.is_empty() || unclean(&account.domain) || account.domain.contains(['@', '/', '<', '>']) {
        return bad("domain");
    }
    for (name, value) in [("registrar", &account.registrar), ("proxy", &account.proxy)] {
        if value.as_deref().is_some_and(|v| v.is_empty() || unclean(v) || v.contains('@')) {
            return bad(name);
        }
    }
    if account.kind == AccountKind::Direct && account.transport != Transport::Udp {
        return bad("transport");
    }
    if account.kind == AccountKind::Direct && account.proxy.is_some() {
        return bad("proxy");
    }
    if account.expires < 30 || account.expires > 86_400 {
        return bad("expires");
    }
    Ok(())
}
