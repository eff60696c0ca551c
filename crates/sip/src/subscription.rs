//! Subscriptions (RFC 6665): SUBSCRIBE, its refreshes, its NOTIFYs, and how it comes back after a loss.
//!
//! ```text
//! NeedsWire ─> Asking ─2xx─> Active ─refresh─> Asking …
//!                │ 4xx for good ─> Refused         │ terminated, 481, silence
//!                └──────────── Retry <─────────────┘
//! ```

use crate::{
    account::Wire,
    config::AccountId,
    control::{Lamp, Package, RequestFailure, SubscriptionId},
    core::Core,
    credentials::Rounds,
    dialog::{Dialog, Order},
    identity,
    io::{Destination, Event, WireFailure},
    lamp::{self, Dialogs, Taken},
    registration::retry_after,
    text::{Method, NameAddr, Params, Request, Response, Uri, number},
    transaction::{Failure, Owner, TxId},
};
use std::time::{Duration, Instant};

/// Most subscriptions at once; more are refused.
const MAX_SUBSCRIPTIONS: usize = 1_000;
/// Lifetime asked for, in seconds.
const EXPIRES: u32 = 600;
/// Between two attempts after a loss, and between any two attempts at all.
const RETRY: Duration = Duration::from_secs(30);
const MIN_GAP: Duration = Duration::from_secs(5);
/// For how long the last NOTIFY may come after our good-bye.
const GOODBYE: Duration = Duration::from_secs(2);

pub(crate) struct Subscription {
    account: AccountId,
    package: Package,
    target: String,
    phase: Phase,
    /// Of the SUBSCRIBE that made the dialog, or is about to.
    call_id: String,
    tag: String,
    seq: u32,
    dialog: Option<Dialog>,
    rounds: Rounds,
    min_expires: u32,
    /// The failure told last, until it is up again.
    told: Option<RequestFailure>,
    last_attempt: Option<Instant>,
    dialogs: Dialogs,
    lamp: Option<Lamp>,
}

#[derive(Clone, PartialEq, Debug)]
enum Phase {
    NeedsWire,
    Asking(TxId),
    Active {
        refresh_at: Instant,
    },
    Retry {
        at: Instant,
    },
    /// For good: only another `Subscribe` asks again.
    Refused,
    Leaving {
        tx: Option<TxId>,
        rounds_left: bool,
        until: Instant,
    },
}

impl Package {
    fn event(self) -> &'static str {
        match self {
            Package::Dialog => "dialog",
            Package::Presence => "presence",
            Package::MessageSummary => "message-summary",
        }
    }

    fn body(self) -> &'static str {
        match self {
            Package::Dialog => lamp::DIALOG_INFO,
            Package::Presence => lamp::PIDF,
            Package::MessageSummary => lamp::SUMMARY,
        }
    }
}

/// The package that an Event header names.
pub(crate) fn package_of(request: &Request) -> Option<String> {
    let event = request.headers.text("Event")?;
    Some(event.split(';').next().unwrap_or_default().trim().to_ascii_lowercase())
}

impl Subscription {
    pub fn poll_timeout(&self) -> Option<(Instant, &'static str)> {
        match self.phase {
            Phase::Active { refresh_at } => Some((refresh_at, "subscription refresh")),
            Phase::Retry { at } => Some((at, "subscription again")),
            Phase::Leaving { until, .. } => Some((until, "subscription leaves")),
            Phase::NeedsWire | Phase::Asking(_) | Phase::Refused => None,
        }
    }

    fn forget_dialog(&mut self) {
        (self.dialog, self.dialogs) = (None, Dialogs::default());
    }
}

impl Core {
    /// `Input::Subscribe`.
    pub fn subscribe(
        &mut self,
        now: Instant,
        id: SubscriptionId,
        account: AccountId,
        package: Package,
        target: String,
    ) {
        self.drop_subscription(id);
        if self.subscriptions.len() >= MAX_SUBSCRIPTIONS || self.account(account).is_none() {
            let failure = RequestFailure::BadTarget;
            return self.event(Event::SubscriptionDown { subscription: id, failure, retry: false });
        }
        let subscription = Subscription {
            account,
            package,
            target,
            phase: Phase::NeedsWire,
            call_id: String::new(),
            tag: String::new(),
            seq: 0,
            dialog: None,
            rounds: Rounds::default(),
            min_expires: 0,
            told: None,
            last_attempt: None,
            dialogs: Dialogs::default(),
            lamp: None,
        };
        self.subscriptions.insert(id, subscription);
        self.ask(now, id);
    }

    fn drop_subscription(&mut self, id: SubscriptionId) {
        let phase = self.subscriptions.remove(&id).map(|s| s.phase);
        if let Some(Phase::Asking(tx) | Phase::Leaving { tx: Some(tx), .. }) = phase {
            self.tx.abandon(tx);
        }
    }

    /// `Input::Unsubscribe`.
    pub fn unsubscribe(&mut self, now: Instant, id: SubscriptionId) {
        let Some(subscription) = self.subscriptions.get_mut(&id) else { return };
        match subscription.phase {
            Phase::Leaving { .. } => return,
            Phase::Asking(tx) => self.tx.abandon(tx),
            _ => {}
        }
        let up = subscription.dialog.is_some()
            && self.account(self.subscriptions[&id].account).is_some_and(|a| a.local().is_some());
        if !up {
            self.subscriptions.remove(&id);
            return;
        }
        if let Some(subscription) = self.subscriptions.get_mut(&id) {
            subscription.phase = Phase::Leaving { tx: None, rounds_left: true, until: now + GOODBYE };
        }
        let tx = self.send_subscribe(now, id, 0);
        if let Some(Phase::Leaving { tx: sent, .. }) = self.subscriptions.get_mut(&id).map(|s| &mut s.phase) {
            *sent = tx;
        }
    }

    /// Says good-bye to all of an account.
    pub fn unsubscribe_all(&mut self, now: Instant, account: AccountId) {
        for id in self.subscriptions_of(account) {
            self.unsubscribe(now, id);
        }
    }

    fn subscriptions_of(&self, account: AccountId) -> Vec<SubscriptionId> {
        self.subscriptions.iter().filter(|(_, s)| s.account == account).map(|(id, _)| *id).collect()
    }

    /// The account is gone for good, or (`kept`) made anew: then its subscriptions wait for the new one.
    pub fn forget_subscriptions(&mut self, account: AccountId, kept: bool) {
        let leaving = |s: &Subscription| matches!(s.phase, Phase::Leaving { .. });
        self.subscriptions.retain(|_, s| s.account != account || kept && !leaving(s));
        for subscription in self.subscriptions.values_mut().filter(|s| s.account == account) {
            subscription.forget_dialog();
            (subscription.phase, subscription.last_attempt) = (Phase::NeedsWire, None);
        }
    }

    /// Whether somebody is watched, or a good-bye is under way.
    pub fn watches(&self, account: AccountId) -> bool {
        self.subscriptions.values().any(|s| s.account == account && s.phase != Phase::Refused)
    }

    pub fn says_goodbye(&self, account: AccountId) -> bool {
        let asked = |s: &Subscription| matches!(s.phase, Phase::Leaving { tx: Some(_), .. });
        self.subscriptions.values().any(|s| s.account == account && asked(s))
    }

    /// Asks, anew or again, now or as soon as it may.
    fn ask(&mut self, now: Instant, id: SubscriptionId) {
        let Some(subscription) = self.subscriptions.get_mut(&id) else { return };
        if let Some(earliest) = subscription.last_attempt.map(|at| at + MIN_GAP).filter(|at| *at > now) {
            subscription.phase = Phase::Retry { at: earliest };
            return;
        }
        let account = subscription.account;
        if !self.account(account).is_some_and(|a| matches!(a.wire, Wire::Up { .. })) {
            if let Some(subscription) = self.subscriptions.get_mut(&id) {
                subscription.phase = Phase::NeedsWire;
            }
            return self.need_wire(account);
        }
        if let Some(subscription) = self.subscriptions.get_mut(&id) {
            (subscription.last_attempt, subscription.rounds) = (Some(now), Rounds::default());
        }
        let expires = self.subscriptions.get(&id).map_or(EXPIRES, |s| EXPIRES.max(s.min_expires));
        let sent = self.send_subscribe(now, id, expires);
        match sent {
            Some(tx) => {
                if let Some(subscription) = self.subscriptions.get_mut(&id) {
                    subscription.phase = Phase::Asking(tx);
                }
            }
            None => self.subscription_down(now, id, RequestFailure::BadTarget, None),
        }
    }

    fn send_subscribe(&mut self, now: Instant, id: SubscriptionId, expires: u32) -> Option<TxId> {
        let (account, package) = self.subscriptions.get(&id).map(|s| (s.account, s.package))?;
        let contact = self.contact(account)?;
        let (mut request, to) = match self.subscriptions.get_mut(&id)?.dialog.as_mut() {
            Some(dialog) => {
                let request = dialog.request(Method::Subscribe);
                let dialog = dialog.clone();
                (request, self.account(account)?.dialog_destination(&dialog))
            }
            None => self.first_subscribe(id)?,
        };
        request.headers.push("Contact", contact);
        request.headers.push("Event", package.event());
        request.headers.push("Accept", package.body());
        request.headers.push("Expires", expires.to_string());
        if to == Destination::NextHop {
            self.authorize(account, &Rounds::default(), &mut request);
        }
        self.send(now, account, to, request, Owner::Subscription(id))
    }

    /// The SUBSCRIBE that makes a dialog.
    fn first_subscribe(&mut self, id: SubscriptionId) -> Option<(Request, Destination)> {
        let subscription = self.subscriptions.get(&id)?;
        let (id_of, target) = (subscription.account, subscription.target.clone());
        let account = self.account(id_of)?;
        let uri = if target.is_empty() { account.aor() } else { identity::target(account, &target)? };
        let to = account.destination(&uri);
        let whom = NameAddr::of(Uri { headers: None, ..uri.clone() }).to_string();
        let request = self.request(id_of, Method::Subscribe, &uri.to_string(), &whom, 1)?;
        let subscription = self.subscriptions.get_mut(&id)?;
        subscription.forget_dialog();
        subscription.call_id = request.call_id();
        subscription.tag = request.from_tag().unwrap_or_default();
        subscription.seq = 1;
        Some((request, to))
    }

    pub fn subscription_response(&mut self, now: Instant, id: SubscriptionId, tx: TxId, response: &Response) {
        let Some(subscription) = self.subscriptions.get_mut(&id) else { return };
        if response.status < 200 {
            return;
        }
        match &mut subscription.phase {
            Phase::Asking(current) if *current == tx => self.asked_to_watch(now, id, tx, response),
            Phase::Leaving { tx: Some(current), rounds_left, .. } if *current == tx => {
                let again = std::mem::take(rounds_left) && matches!(response.status, 401 | 407);
                let again = if again { self.subscribe_again(now, id, tx, response).ok() } else { None };
                if let Some(Phase::Leaving { tx, .. }) = self.subscriptions.get_mut(&id).map(|s| &mut s.phase) {
                    *tx = again;
                }
            }
            _ => {}
        }
    }

    fn asked_to_watch(&mut self, now: Instant, id: SubscriptionId, tx: TxId, response: &Response) {
        let account = self.subscriptions[&id].account;
        match response.status {
            200..300 => {
                let made = self.tx.sent_request(tx).and_then(|request| Dialog::of_response(request, response));
                let jitter = self.jitter(0..5_000);
                let Some(subscription) = self.subscriptions.get_mut(&id) else { return };
                let rounds = std::mem::take(&mut subscription.rounds);
                match &mut subscription.dialog {
                    // A NOTIFY may have made it before, or another fork.
                    Some(dialog) => dialog.refresh_target(response.contact()),
                    None => subscription.dialog = made,
                }
                if subscription.dialog.is_none() {
                    return self.subscription_down(now, id, RequestFailure::Terminated, Some(RETRY));
                }
                subscription.told = None;
                let asked = EXPIRES.max(subscription.min_expires);
                let expires = Duration::from_secs(u64::from(response.headers.number("Expires").unwrap_or(asked)));
                let margin = (expires / 4).min(Duration::from_secs(60)) + jitter.min(expires / 8);
                subscription.phase = Phase::Active { refresh_at: now + (expires - margin).max(MIN_GAP) };
                if let Some(account) = self.accounts.get_mut(&account) {
                    account.credentials.succeeded(&rounds);
                }
            }
            401 | 407 => match self.subscribe_again(now, id, tx, response) {
                Ok(tx) => {
                    if let Some(subscription) = self.subscriptions.get_mut(&id) {
                        subscription.phase = Phase::Asking(tx);
                    }
                }
                Err(()) => self.subscription_down(now, id, RequestFailure::Status(response.status), None),
            },
            423 => {
                let wanted = response.headers.number("Min-Expires").filter(|s| (1..=86_400).contains(s));
                match (wanted, self.subscriptions.get_mut(&id)) {
                    (Some(seconds), Some(subscription)) if seconds > EXPIRES.max(subscription.min_expires) => {
                        (subscription.min_expires, subscription.last_attempt) = (seconds, None);
                        self.ask(now, id);
                    }
                    _ => self.subscription_down(now, id, RequestFailure::Status(423), None),
                }
            }
            // The notifier forgot the dialog: a new one, not a failure.
            481 if self.subscriptions[&id].dialog.is_some() => {
                if let Some(subscription) = self.subscriptions.get_mut(&id) {
                    subscription.forget_dialog();
                }
                self.ask(now, id);
            }
            status => {
                let passing = matches!(status, 408 | 480 | 481 | 486 | 491 | 500..600) && !matches!(status, 501 | 505);
                let pause = passing.then(|| retry_after(response).unwrap_or(RETRY).max(MIN_GAP));
                self.subscription_down(now, id, RequestFailure::Status(status), pause);
            }
        }
    }

    /// Answers a challenge.
    fn subscribe_again(&mut self, now: Instant, id: SubscriptionId, tx: TxId, response: &Response) -> Result<TxId, ()> {
        let subscription = self.subscriptions.get_mut(&id).ok_or(())?;
        let (account, mut rounds) = (subscription.account, subscription.rounds.clone());
        let end = self.tx.sent_request(tx).and_then(|r| Uri::parse(&r.uri)).map(|uri| uri.host);
        let to = self.tx.destination(tx).cloned().ok_or(())?;
        if !self.may_authenticate(account, &to, end.as_ref(), response.status) {
            return Err(());
        }
        self.challenged(account, response, &mut rounds).map_err(|_| ())?;
        let subscription = self.subscriptions.get_mut(&id).ok_or(())?;
        subscription.rounds = rounds.clone();
        let seq = match &mut subscription.dialog {
            Some(dialog) => dialog.next_seq(),
            None => {
                subscription.seq += 1;
                subscription.seq
            }
        };
        self.resend(now, account, tx, seq, &rounds, Owner::Subscription(id)).ok_or(())
    }

    pub fn subscription_failed(&mut self, now: Instant, id: SubscriptionId, tx: TxId, failure: Failure) {
        let Some(subscription) = self.subscriptions.get_mut(&id) else { return };
        match &mut subscription.phase {
            Phase::Asking(current) if *current == tx => match failure {
                Failure::TimedOut => {
                    subscription.forget_dialog();
                    self.subscription_down(now, id, RequestFailure::TimedOut, Some(RETRY));
                }
                Failure::Wire(failure) => {
                    self.subscription_down(now, id, RequestFailure::Wire(failure), Some(RETRY));
                }
            },
            Phase::Leaving { tx: current, .. } if *current == Some(tx) => *current = None,
            _ => {}
        }
    }

    /// It is lost: again after `pause`, or never.
    fn subscription_down(
        &mut self,
        now: Instant,
        id: SubscriptionId,
        failure: RequestFailure,
        pause: Option<Duration>,
    ) {
        let Some(subscription) = self.subscriptions.get_mut(&id) else { return };
        subscription.phase = pause.map_or(Phase::Refused, |pause| Phase::Retry { at: now + pause });
        if pause.is_none() {
            subscription.forget_dialog();
        }
        self.tell_down(id, failure, pause.is_some());
    }

    fn tell_down(&mut self, id: SubscriptionId, failure: RequestFailure, retry: bool) {
        let Some(subscription) = self.subscriptions.get_mut(&id) else { return };
        subscription.lamp = None;
        if subscription.told.replace(failure) != Some(failure) {
            self.event(Event::SubscriptionDown { subscription: id, failure, retry });
        }
    }

    pub fn subscription_timers(&mut self, now: Instant) {
        let due = |s: &Subscription| s.poll_timeout().is_some_and(|(at, _)| at <= now);
        let due: Vec<SubscriptionId> = self.subscriptions.iter().filter(|(_, s)| due(s)).map(|(id, _)| *id).collect();
        for id in due {
            if matches!(self.subscriptions[&id].phase, Phase::Leaving { .. }) {
                self.drop_subscription(id);
            } else {
                self.ask(now, id);
            }
        }
    }

    /// A new wire has a new address, and NOTIFYs must find it: everything is asked again.
    pub fn subscriptions_wire_up(&mut self, now: Instant, account: AccountId) {
        for id in self.subscriptions_of(account) {
            let Some(subscription) = self.subscriptions.get_mut(&id) else { continue };
            if matches!(subscription.phase, Phase::NeedsWire | Phase::Active { .. } | Phase::Retry { .. }) {
                subscription.last_attempt = None;
                self.ask(now, id);
            }
        }
    }

    pub fn subscriptions_wire_down(&mut self, account: AccountId, failure: WireFailure) {
        for id in self.subscriptions_of(account) {
            let Some(subscription) = self.subscriptions.get_mut(&id) else { continue };
            match subscription.phase {
                Phase::Asking(tx) => self.tx.abandon(tx),
                Phase::Leaving { .. } => {
                    self.drop_subscription(id);
                    continue;
                }
                Phase::Refused => continue,
                _ => {}
            }
            if let Some(subscription) = self.subscriptions.get_mut(&id) {
                subscription.phase = Phase::NeedsWire;
            }
            self.tell_down(id, RequestFailure::Wire(failure), true);
        }
    }

    /// A NOTIFY that belongs to no call. Whether it belongs to a subscription; if so it is answered.
    pub fn on_subscription_notify(&mut self, now: Instant, account: AccountId, tx: TxId, request: &Request) -> bool {
        let (call_id, tag, package) = (request.call_id(), request.to_tag().unwrap_or_default(), package_of(request));
        let ours = |s: &Subscription| {
            s.account == account
                && (&s.call_id, &s.tag) == (&call_id, &tag)
                && package.as_deref() == Some(s.package.event())
                && s.dialog.as_ref().is_none_or(|d| d.holds(request))
                && !matches!(s.phase, Phase::Refused)
        };
        let Some((&id, subscription)) = self.subscriptions.iter_mut().find(|(_, s)| ours(s)) else { return false };
        if subscription.dialog.is_none() {
            // One dialog of those that a fork makes is enough.
            subscription.dialog = Dialog::of_notify(request, subscription.seq);
        }
        let seq = request.cseq().map_or(0, |(n, _)| n);
        let Some(dialog) = &mut subscription.dialog else {
            self.reply(now, account, tx, request, 400);
            return true;
        };
        if dialog.count_remote(seq) == Order::Old {
            self.reply(now, account, tx, request, 500);
            return true;
        }
        dialog.refresh_target(request.contact());
        let leaving = matches!(subscription.phase, Phase::Leaving { .. });
        self.reply(now, account, tx, request, 200);
        if !leaving {
            self.take_document(now, id, request);
            self.take_state(now, id, request);
        }
        true
    }

    fn take_document(&mut self, now: Instant, id: SubscriptionId, request: &Request) {
        let Some(subscription) = self.subscriptions.get_mut(&id) else { return };
        let Some(body) = request.body_of(subscription.package.body()) else { return };
        let account = subscription.account;
        let lamp = match subscription.package {
            Package::MessageSummary => {
                if let Some(mailbox) = lamp::mailbox(body) {
                    self.event(Event::MessagesWaiting { account, mailbox });
                }
                return;
            }
            Package::Presence => lamp::presence(body),
            Package::Dialog => match subscription.dialogs.take(body) {
                Taken::Lamp(lamp) => Some(lamp),
                Taken::Gap => {
                    if matches!(subscription.phase, Phase::Active { .. }) {
                        self.ask(now, id);
                    }
                    return;
                }
                Taken::Nothing => None,
            },
        };
        let Some(subscription) = self.subscriptions.get_mut(&id) else { return };
        if let Some(lamp) = lamp.filter(|lamp| subscription.lamp.as_ref() != Some(lamp)) {
            (subscription.lamp, subscription.told) = (Some(lamp.clone()), None);
            self.event(Event::Lamp { subscription: id, lamp });
        }
    }

    /// Subscription-State (RFC 6665 4.1.3).
    fn take_state(&mut self, now: Instant, id: SubscriptionId, request: &Request) {
        let state = request.headers.text("Subscription-State").unwrap_or_default().to_ascii_lowercase();
        let (state, params) = state.split_once(';').unwrap_or((&state, ""));
        let params = Params::parse(params);
        if state.trim() != "terminated" {
            let expires = params.get("expires").and_then(number::<u64>).map(|s| Duration::from_secs(s.min(86_400)));
            if let (Some(left), Some(subscription)) = (expires, self.subscriptions.get_mut(&id))
                && let Phase::Active { refresh_at } = &mut subscription.phase
            {
                // The notifier may shorten it.
                *refresh_at = (*refresh_at).min(now + (left - (left / 4).min(Duration::from_secs(60))).max(MIN_GAP));
            }
            return;
        }
        let Some(subscription) = self.subscriptions.get_mut(&id) else { return };
        if let Phase::Asking(tx) = subscription.phase {
            self.tx.abandon(tx);
        }
        let Some(subscription) = self.subscriptions.get_mut(&id) else { return };
        subscription.forget_dialog();
        let after = params.get("retry-after").and_then(number::<u64>).map(|s| Duration::from_secs(s.min(3_600)));
        match params.get("reason").unwrap_or_default() {
            // It may be asked again at once.
            "deactivated" | "timeout" => self.ask(now, id),
            "rejected" | "noresource" | "invariant" => {
                self.subscription_down(now, id, RequestFailure::Terminated, None);
            }
            // probation, giveup, and what we do not know.
            _ => {
                let pause = after.unwrap_or(RETRY).max(MIN_GAP);
                self.subscription_down(now, id, RequestFailure::Terminated, Some(pause));
            }
        }
    }
}
