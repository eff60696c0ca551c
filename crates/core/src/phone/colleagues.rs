//! Colleagues and mailboxes: what is watched, and what was last heard of it.

use super::{Change, ColleagueEntry, Now, Phone};
use crate::{
    account::{AccountKind, Registration},
    ids::{AccountId, SubscriptionId},
    options::{ForwardBy, ForwardRule, ForwardWhen, LampKind},
    sip::{Lamp, Mailbox, Package, SipCommand},
    text::Text,
};

/// Lamps of one account that are watched; a PBX has no patience for more.
const MAX_LAMPS: usize = 200;

/// Forwarding codes that may wait for a quiet moment.
const MAX_CODES: usize = 32;

/// One subscription.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Watch {
    pub account: AccountId,
    /// The colleague's number; `None` for the account's mailbox.
    pub number: Option<String>,
    pub lamp: Lamp,
}

impl Phone {
    /// Watches what the account lists, once it is up. Subscriptions outlive a lost registration: SIP renews them.
    pub(super) fn watch(&mut self, id: AccountId) {
        let Some(entry) = self.accounts.get(&id) else { return };
        let watched = self.watches.values().any(|w| w.account == id);
        if entry.registration != Registration::Up || entry.account.kind == AccountKind::Practice || watched {
            return;
        }
        let options = &entry.account.options;
        let package = |kind| match kind {
            LampKind::None => None,
            LampKind::Dialog => Some(Package::Dialog),
            LampKind::Presence => Some(Package::Presence),
        };
        let mut wanted: Vec<(Package, String, Option<String>)> = options
            .colleagues
            .iter()
            .filter_map(|c| Some((package(c.lamp)?, c.number.clone(), Some(c.number.clone()))))
            .take(MAX_LAMPS)
            .collect();
        if options.mailbox.is_some() {
            wanted.push((Package::MessageSummary, entry.account.user.clone(), None));
        }
        for (package, target, number) in wanted {
            let subscription = SubscriptionId(self.next_subscription);
            self.next_subscription += 1;
            self.watches.insert(subscription, Watch { account: id, number, lamp: Lamp::Unknown });
            self.tell_sip(SipCommand::Subscribe { account: id, subscription, package, target });
        }
    }

    /// `tell`: SIP still has them.
    pub(super) fn unwatch(&mut self, id: AccountId, tell: bool) {
        let gone: Vec<SubscriptionId> =
            self.watches.iter().filter(|(_, w)| w.account == id).map(|(subscription, _)| *subscription).collect();
        for subscription in gone {
            self.watches.remove(&subscription);
            if tell {
                self.tell_sip(SipCommand::Unsubscribe { subscription });
            }
        }
        if self.mailboxes.remove(&id).is_some() {
            self.change(Change::Mailboxes);
        }
        self.change(Change::Colleagues);
    }

    pub(super) fn lamp(&mut self, subscription: SubscriptionId, lamp: Lamp) {
        if let Some(watch) = self.watches.get_mut(&subscription)
            && watch.lamp != lamp
        {
            watch.lamp = lamp;
            self.change(Change::Colleagues);
        }
    }

    /// What is not watched is not known.
    pub(super) fn subscription_down(&mut self, subscription: SubscriptionId) {
        self.lamp(subscription, Lamp::Unknown);
    }

    pub(super) fn messages_waiting(&mut self, account: AccountId, mailbox: Mailbox) {
        if self.accounts.contains_key(&account) && self.mailboxes.insert(account, mailbox) != Some(mailbox) {
            self.change(Change::Mailboxes);
        }
    }

    pub(super) fn call_mailbox(&mut self, now: Now, account: AccountId) -> Result<(), Text> {
        self.known_account(account)?;
        let number = self.options(account).mailbox.clone().ok_or_else(|| Text::new("account.no_mailbox"))?;
        self.dial(now, &number, Some(account), false)
    }

    pub(super) fn pickup(&mut self, now: Now, account: AccountId, number: &str) -> Result<(), Text> {
        self.known_account(account)?;
        let code = self.options(account).codes.pickup.clone().ok_or_else(|| Text::new("account.no_pickup"))?;
        self.dial_code(now, &code.replace("{number}", number), account)
    }

    /// The number that was dialled last.
    pub(super) fn redial(&mut self, now: Now) -> Result<(), Text> {
        use crate::call::Direction;
        // Of an earlier run there is the call log only, which names who answered.
        let logged = || {
            let last =
                self.history.iter().find(|row| row.direction == Direction::Outgoing && !row.peer.address.is_empty());
            last.map(|row| (row.account, row.peer.address.clone()))
        };
        let last = self.last_dialled.clone().or_else(logged);
        let (account, to) = last.ok_or_else(|| Text::new("command.nothing_to_redial"))?;
        let account = self.accounts.contains_key(&account).then_some(account);
        self.dial(now, &to, account, false)
    }

    pub(super) fn set_forwarding(&mut self, now: Now, id: AccountId, rules: Vec<ForwardRule>) -> Result<(), Text> {
        self.known_account(id)?;
        let mut options = self.options(id).clone();
        options.forwarding = rules;
        self.set_options(now, id, options, None)
    }

    /// Dials the PBX's codes for what was switched on and off.
    pub(super) fn dial_codes(&mut self, now: Now, id: AccountId, before: &[ForwardRule]) {
        let by_code = |rules: &[ForwardRule]| -> Vec<ForwardRule> {
            rules.iter().filter(|rule| rule.on && rule.by == ForwardBy::Code).cloned().collect()
        };
        let (before, after) = (by_code(before), by_code(&self.options(id).forwarding));
        let same = |a: &ForwardRule, b: &ForwardRule| a.when == b.when && a.to == b.to;
        let off = before.iter().filter(|rule| !after.iter().any(|new| kind(new) == kind(rule)));
        let on = after.iter().filter(|rule| !before.iter().any(|old| same(old, rule)));
        let numbers: Vec<String> = off
            .filter_map(|rule| self.code(id, rule, false))
            .chain(on.filter_map(|rule| self.code(id, rule, true)))
            .collect();
        self.codes_waiting.extend(numbers.into_iter().map(|number| (id, number)));
        self.codes_waiting.truncate(MAX_CODES);
        self.dial_waiting_code(now);
    }

    /// One code at a time, and never beside a call: it would put a customer on hold. Nor before the PBX knows us.
    pub(super) fn dial_waiting_code(&mut self, now: Now) {
        let Some((id, _)) = self.codes_waiting.front() else { return };
        match self.accounts.get(id).map(|entry| &entry.registration) {
            Some(Registration::Up) if self.living_calls() == 0 => {}
            Some(_) => return,
            None => {
                self.codes_waiting.pop_front();
                return;
            }
        }
        if let Some((id, number)) = self.codes_waiting.pop_front()
            && let Err(text) = self.dial_code(now, &number, id)
        {
            self.raise(super::NoticeLevel::Warning, text);
        }
    }

    fn code(&self, id: AccountId, rule: &ForwardRule, on: bool) -> Option<String> {
        let codes = &self.options(id).codes;
        let (set, unset) = match rule.when {
            ForwardWhen::Always => (&codes.forward_always, &codes.forward_always_off),
            ForwardWhen::Busy => (&codes.forward_busy, &codes.forward_busy_off),
            ForwardWhen::NoAnswer { .. } => (&codes.forward_no_answer, &codes.forward_no_answer_off),
            ForwardWhen::Unreachable => (&codes.forward_unreachable, &codes.forward_unreachable_off),
            ForwardWhen::Hours { .. } => (&None, &None),
        };
        let code = if on { set } else { unset };
        code.as_ref().map(|code| code.replace("{number}", &rule.to))
    }

    /// Every colleague of every account, in the order of the lists.
    pub fn colleagues(&self) -> Vec<ColleagueEntry> {
        let of = |entry: &super::AccountEntry| {
            let options = &entry.account.options;
            let account = entry.account.id;
            let lamp = |number: &str| {
                let watch = self.watches.values().find(|w| w.account == account && w.number.as_deref() == Some(number));
                watch.map(|w| w.lamp.clone()).unwrap_or_default()
            };
            let list = options.colleagues.iter().map(|c| ColleagueEntry {
                account,
                name: c.name.clone(),
                number: c.number.clone(),
                lamp: lamp(&c.number),
                pickup: options.codes.pickup.is_some(),
            });
            list.collect::<Vec<_>>()
        };
        self.accounts.values().flat_map(of).collect()
    }

    pub fn mailboxes(&self) -> impl Iterator<Item = (AccountId, Mailbox, bool)> {
        self.mailboxes.iter().map(|(id, mailbox)| (*id, *mailbox, self.options(*id).mailbox.is_some()))
    }
}

/// The PBX keeps one rule of a kind: a new one of the same kind takes the old one's place.
fn kind(rule: &ForwardRule) -> std::mem::Discriminant<ForwardWhen> {
    std::mem::discriminant(&rule.when)
}
