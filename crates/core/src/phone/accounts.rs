//! Accounts and their registration.

use super::{AccountEntry, Change, Now, NumberPreview, PRACTICE, Phone};
use crate::{
    account::{Account, AccountKind, Password, Registration, Transport},
    dial, fields,
    ids::AccountId,
    options::{AccountOptions, ForwardBy, ForwardWhen},
    policy::{self, Verdict},
    sip::SipCommand,
    store::StoreCommand,
    text::Text,
};

/// Entries of one list of an account's options.
const MAX_LISTED: usize = 2000;
/// Bytes of a name at a TURN server (RFC 8489 14.3).
const MAX_TURN_USER: usize = 508;

impl Phone {
    pub(super) fn set_account(
        &mut self,
        now: Now,
        id: Option<AccountId>,
        mut account: Account,
        password: Option<Password>,
        options: Option<AccountOptions>,
    ) -> Result<(), Text> {
        if account.kind == AccountKind::Practice || id == Some(PRACTICE) {
            return Err(Text::new("command.practice_fixed"));
        }
        let before = id.map(|id| self.options(id).clone()).unwrap_or_default();
        account.options = options.unwrap_or_else(|| before.clone());
        validate(&account)?;
        validate_options(&account.options)?;
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
        self.keep_turn_password(&mut account)?;
        let id = account.id;
        self.tell_store(StoreCommand::SaveAccount { account: Box::new(account.clone()), password: password.clone() });
        self.start_account(account, password);
        self.dial_codes(now, id, &before.forwarding);
        Ok(())
    }

    /// The password of the TURN server that was given before stays, for the same server and name.
    fn keep_turn_password(&self, account: &mut Account) -> Result<(), Text> {
        if !account.options.wants_turn_password() {
            account.turn_password = None;
        }
        let old = self.accounts.get(&account.id).map(|entry| &entry.account);
        let Some(old) = old.filter(|old| old.options.wants_turn_password()) else { return Ok(()) };
        if account.options.wants_turn_password() && account.turn_password.is_none() {
            if !same_turn(old, account) {
                return Err(Text::new("command.bad_account").with("field", "turn_password"));
            }
            account.turn_password = old.turn_password.clone();
        }
        Ok(())
    }

    /// The keyring was unlocked. What was typed in this run is newer.
    pub(super) fn turn_password_arrived(&mut self, kept: &Account) {
        let Some(entry) = self.accounts.get_mut(&kept.id) else { return };
        let account = &mut entry.account;
        if account.turn_password.is_none() && kept.turn_password.is_some() && same_turn(account, kept) {
            account.turn_password = kept.turn_password.clone();
            let account = Box::new(account.clone());
            self.tell_sip(SipCommand::SetAccount { account, password: None });
        }
    }

    /// New options for a running account: it does not register anew.
    pub(super) fn set_options(
        &mut self,
        now: Now,
        id: AccountId,
        options: AccountOptions,
        turn_password: Option<Password>,
    ) -> Result<(), Text> {
        self.known_account(id)?;
        if id == PRACTICE {
            return Err(Text::new("command.practice_fixed"));
        }
        validate_options(&options)?;
        let Some(entry) = self.accounts.get(&id) else { return Ok(()) };
        let before = entry.account.options.clone();
        let mut account = Account { options, turn_password, ..entry.account.clone() };
        self.keep_turn_password(&mut account)?;
        let account = Box::new(account);
        if let Some(entry) = self.accounts.get_mut(&id) {
            entry.account = (*account).clone();
        }
        let watched = |o: &AccountOptions| (o.colleagues.clone(), o.mailbox.clone());
        if watched(&before) != watched(&account.options) {
            self.unwatch(id, true);
            self.watch(id);
        }
        self.tell_sip(SipCommand::SetAccount { account: account.clone(), password: None });
        self.tell_store(StoreCommand::SaveAccount { account, password: None });
        self.change(Change::Account(id));
        self.change(Change::Colleagues);
        self.dial_codes(now, id, &before.forwarding);
        Ok(())
    }

    pub(super) fn options(&self, id: AccountId) -> &AccountOptions {
        const NONE: &AccountOptions = &AccountOptions::NONE;
        self.accounts.get(&id).map_or(NONE, |entry| &entry.account.options)
    }

    /// What dialling this would do.
    pub(super) fn preview(&mut self, to: String, account: Option<AccountId>) {
        let chosen = dial::target(&to).and_then(|target| self.outgoing_account(account, &target));
        let judged = chosen.clone().and_then(|account| policy::judge(self.options(account), &to));
        let verdict = judged.as_ref().map(|judged| judged.verdict).ok();
        let dialled = match judged {
            Ok(judged) if judged.verdict == Verdict::Blocked => Err(Text::new("dial.blocked")),
            Ok(judged) => Ok(judged.target),
            Err(text) => Err(text),
        };
        self.change(Change::NumberPreview(NumberPreview {
            to,
            account: chosen.ok(),
            dialled,
            emergency: verdict == Some(Verdict::Emergency),
            premium: verdict == Some(Verdict::Premium),
        }));
    }

    /// Brings an account up: SIP learns it and registers; where there is no registrar, it opens the port.
    pub(super) fn start_account(&mut self, account: Account, password: Option<Password>) {
        let id = account.id;
        self.tell_sip(SipCommand::SetAccount { account: Box::new(account.clone()), password });
        self.unwatch(id, true);
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
        self.unwatch(id, true);
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

    pub(super) fn registration_changed(&mut self, id: AccountId, mut state: Registration) {
        if let Registration::Down { cause, .. } = &mut state {
            self.name_host(id, cause);
        }
        if let Some(entry) = self.accounts.get_mut(&id)
            && entry.registration != state
        {
            entry.registration = state;
            self.change(Change::Account(id));
            self.watch(id);
        }
    }

    /// Says which host is unknown: the one that the account's requests go to. A direct account's call names its own.
    pub(super) fn name_host(&self, id: AccountId, text: &mut Text) {
        let account = self.accounts.get(&id).map(|entry| &entry.account).filter(|a| a.kind != AccountKind::Direct);
        if text.code == "wire.host_unknown"
            && !text.params.contains_key("host")
            && let Some(account) = account
        {
            let host = account.proxy.as_ref().or(account.registrar.as_ref()).unwrap_or(&account.domain);
            text.params.insert("host", host.clone());
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

    pub(super) fn known_account(&self, id: AccountId) -> Result<AccountId, Text> {
        if self.accounts.contains_key(&id) { Ok(id) } else { Err(Text::new("command.unknown_account")) }
    }
}

/// Whether a password given for one is meant for the other too.
fn same_server(a: &Account, b: &Account) -> bool {
    let of = |x: &Account| (x.kind, x.domain.clone(), x.registrar.clone(), x.proxy.clone());
    of(a) == of(b) || b.kind == AccountKind::Direct
}

/// The same for the TURN server's.
fn same_turn(a: &Account, b: &Account) -> bool {
    (&a.options.turn, &a.options.turn_user) == (&b.options.turn, &b.options.turn_user)
}

/// Whether it may be the name or address of a host.
fn is_host(text: &str) -> bool {
    let strange = |c: char| c.is_control() || c.is_whitespace() || matches!(c, '@' | '/' | '<' | '>');
    !text.is_empty() && !text.contains(strange)
}

/// Refuses what no PBX could take, naming the field.
fn validate(account: &Account) -> Result<(), Text> {
    let bad = |field: &str| Err(Text::new("command.bad_account").with("field", field));
    let unclean = |s: &str| s.chars().any(|c| c.is_control() || c.is_whitespace());
    if account.user.is_empty() || unclean(&account.user) || account.user.contains('@') || account.user.len() > 128 {
        return bad("user");
    }
    if !is_host(&account.domain) {
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

/// Refuses what could not work, naming the field.
fn validate_options(options: &AccountOptions) -> Result<(), Text> {
    let bad = |field: &str| Err(Text::new("command.bad_account").with("field", field));
    if options.name_pattern.as_deref().is_some_and(|pattern| fields::pattern(pattern).is_none()) {
        return bad("name_pattern");
    }
    if options.stun.as_deref().is_some_and(|server| !is_host(server)) {
        return bad("stun");
    }
    if options.turn.as_deref().is_some_and(|server| !is_host(server)) {
        return bad("turn");
    }
    if options.turn_user.as_deref().is_some_and(|user| user.len() > MAX_TURN_USER || user.contains(char::is_control)) {
        return bad("turn_user");
    }
    let undialable = |number: &str| dial::target(number).is_err();
    for (name, number) in
        [("mailbox", &options.mailbox), ("conference_room", &options.conference_room), ("help_to", &options.help_to)]
    {
        if number.as_deref().is_some_and(undialable) {
            return bad(name);
        }
    }
    // It is called unasked, so it is no number that wants asking.
    let mobile = options.mobile.as_ref().map(|mobile| policy::judge(options, &mobile.number));
    if mobile.is_some_and(|judged| !judged.is_ok_and(|judged| judged.verdict == Verdict::Free)) {
        return bad("mobile");
    }
    if options.colleagues.len() > MAX_LISTED || options.colleagues.iter().any(|c| undialable(&c.number)) {
        return bad("colleagues");
    }
    if options.speed_dials.len() > MAX_LISTED || options.speed_dials.iter().any(|d| undialable(&d.number)) {
        return bad("speed_dials");
    }
    if options.country.as_deref().is_some_and(|c| c.is_empty() || c.len() > 4 || !c.bytes().all(|b| b.is_ascii_digit()))
    {
        return bad("country");
    }
    if options.rewriting.len() > MAX_LISTED || options.headers.len() > MAX_LISTED || options.blocked.len() > MAX_LISTED
    {
        return bad("rewriting");
    }
    let wrong = |rule: &crate::options::ForwardRule| {
        let judged = policy::judge(options, &rule.to);
        // A rule works unasked, so it names no number that wants asking.
        let unfit = !judged.is_ok_and(|judged| judged.verdict == Verdict::Free);
        let impossible = match rule.when {
            ForwardWhen::Unreachable => rule.by == ForwardBy::Redirect,
            ForwardWhen::Hours { .. } => rule.by == ForwardBy::Code,
            _ => false,
        };
        rule.on && (unfit || impossible)
    };
    if options.forwarding.len() > MAX_LISTED || options.forwarding.iter().any(wrong) {
        return bad("forwarding");
    }
    Ok(())
}
