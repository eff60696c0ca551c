//! What is to be sent, each once and in order. A machine without I/O.
//!
//! ```text
//! put ──> Written ──> [first of its connector] ──> Begun, Written ──> Send job ──> gone
//!                                                      │  later: waiting again, the ones behind it wait too
//!                                                      └  refused, or nobody knows: failed, the user decides
//! ```
//!
//! What is told of a call with a wrap-up is held until the agent is through with that (or an hour is over), so that it goes
//! out with what was noted; those behind it don't wait.
//!
//! Before anything is sent it stands on the disk as begun: whatever happens then, the next start knows that it may have
//! arrived, and looks for it there before it is sent again.

use super::{Job, Live, What};
use crate::view::{OutgoingView, Text as TextView};
use hatif_connect::{Action, Kind, Named, Trouble};
use hatif_core::{
    connector::{ConnectorsAsk, Outgoing, OutgoingState},
    customer::same,
};
use std::{
    collections::BTreeMap,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

/// Items that the window is told of.
const SHOWN: usize = 200;
/// Items at most; the oldest failed one goes when there are more, the oldest at all when none has failed.
const MOST: usize = 5_000;
/// The first rest after a failure; each further one is twice as long.
const FIRST_REST: Duration = Duration::from_secs(5);
const LONGEST_REST: Duration = Duration::from_secs(15 * 60);
/// How long a call is held for its wrap-up: after that it is told with what stands there.
const LONGEST_HOLD: Duration = Duration::from_secs(60 * 60);
/// The value that names the call's entry of the log.
const ENTRY: &str = "entry";
/// Attempts after which one that may have arrived is left to the user.
const MAX_UNSURE: u32 = 8;

#[derive(Default)]
pub struct Outbox {
    items: BTreeMap<i64, Outgoing>,
    /// Writes of each that are not on the disk yet.
    unwritten: BTreeMap<i64, u32>,
    /// What each connector is sending, and whether it may have been sent before.
    sending: BTreeMap<u32, Sending>,
    /// Failures in a row.
    failures: BTreeMap<u32, u32>,
}

struct Sending {
    item: i64,
    again: bool,
    /// The job is out.
    out: bool,
}

impl Outbox {
    pub fn load(&mut self, items: Vec<Outgoing>) {
        self.items = items.into_iter().map(|item| (item.id, item)).collect();
        self.sending.clear();
    }

    pub fn len(&self) -> u32 {
        u32::try_from(self.items.len()).unwrap_or(u32::MAX)
    }

    pub fn highest_connector(&self) -> u32 {
        self.items.values().map(|item| item.connector).max().unwrap_or(0)
    }

    pub fn shown(&self) -> Vec<OutgoingView> {
        let one = |item: &Outgoing| {
            let value = |name: &str| item.values.get(name).filter(|value| !value.is_empty()).cloned();
            let problem = item.problem.clone().map(|(code, params)| TextView { code, params });
            OutgoingView {
                id: item.id.to_string(),
                connector: item.connector,
                action: item.action.clone(),
                about: value("name").or(value("number")).unwrap_or_default(),
                created_ms: crate::present::millis(item.created),
                attempts: item.attempts,
                held: item.state == OutgoingState::Held,
                failed: item.state == OutgoingState::Failed,
                problem,
            }
        };
        self.items.values().take(SHOWN).map(one).collect()
    }

    /// `waits_for`: the call's entry of the log, when its wrap-up is not done.
    pub fn put(&mut self, connector: u32, action: Action, mut values: Named, waits_for: Option<i64>) -> ConnectorsAsk {
        if self.items.len() >= MOST {
            let failed = self.items.values().find(|item| item.state == OutgoingState::Failed).map(|item| item.id);
            let sending: Vec<i64> = self.sending.values().map(|sending| sending.item).collect();
            let oldest = failed.or_else(|| self.items.keys().find(|id| !sending.contains(id)).copied());
            if let Some(oldest) = oldest {
                tracing::error!(connector, "too much waits to be sent; the oldest is given up");
                self.items.remove(&oldest);
            }
        }
        let created = SystemTime::now();
        let millis = created
            .duration_since(UNIX_EPOCH)
            .map_or(0, |since| i64::try_from(since.as_millis()).unwrap_or(i64::MAX - 1));
        let id = millis.max(self.items.keys().next_back().map_or(0, |last| last + 1));
        values.extend(waits_for.map(|entry| (ENTRY.to_owned(), entry.to_string())));
        let item = Outgoing {
            id,
            connector,
            action: action.name().to_owned(),
            values,
            state: if waits_for.is_some() { OutgoingState::Held } else { OutgoingState::Waiting },
            attempts: 0,
            problem: None,
            created,
        };
        self.items.insert(id, item.clone());
        self.write(item)
    }

    /// Begins with the first of each connector that is ready.
    pub fn begin(&mut self, live: &BTreeMap<u32, Live>, now: Instant) -> Vec<ConnectorsAsk> {
        let ready = |live: &Live| {
            live.known
                && live.ready.is_ok()
                && live.stopped.is_none()
                && live.quiet_until.into_iter().chain(live.busy_until).all(|until| until <= now)
        };
        let mut asks = Vec::new();
        for connector in live.iter().filter(|(_, live)| ready(live)).map(|(id, _)| *id) {
            if self.sending.contains_key(&connector) {
                continue;
            }
            let Some(id) = self.first(connector) else { continue };
            let Some(item) = self.items.get_mut(&id) else { continue };
            let again = item.state == OutgoingState::Begun;
            item.state = OutgoingState::Begun;
            item.attempts = item.attempts.saturating_add(1);
            let item = item.clone();
            asks.push(self.write(item));
            self.sending.insert(connector, Sending { item: id, again, out: false });
        }
        asks
    }

    fn write(&mut self, item: Outgoing) -> ConnectorsAsk {
        *self.unwritten.entry(item.id).or_default() += 1;
        ConnectorsAsk::Put(Box::new(item))
    }

    /// The first that waits, if it is on the disk.
    fn first(&self, connector: u32) -> Option<i64> {
        let of = |item: &&Outgoing| {
            item.connector == connector && matches!(item.state, OutgoingState::Waiting | OutgoingState::Begun)
        };
        self.items.values().find(of).map(|item| item.id).filter(|id| !self.unwritten.contains_key(id))
    }

    /// It is on the disk as it is now. If that is as begun, it can be sent.
    pub fn written(&mut self, id: i64, live: &BTreeMap<u32, Live>) -> Option<Job> {
        let left = self.unwritten.get(&id).map_or(0, |left| left.saturating_sub(1));
        if left > 0 {
            self.unwritten.insert(id, left);
            return None;
        }
        self.unwritten.remove(&id);
        let item = self.items.get(&id)?;
        let sending = self.sending.get_mut(&item.connector).filter(|sending| sending.item == id && !sending.out)?;
        let connector = live.get(&item.connector)?;
        let (access, action) = (connector.access()?, Action::named(&item.action)?);
        sending.out = true;
        let what = What::Send { item: id, action, told: item.values.clone(), again: sending.again };
        Some(Job { connector: item.connector, generation: connector.generation, access, what })
    }

    pub fn sent(&mut self, id: i64, result: Result<(), Trouble>) -> Option<ConnectorsAsk> {
        self.sending.retain(|_, sending| sending.item != id);
        let trouble = match result {
            Ok(()) => return self.items.remove(&id).map(|_| ConnectorsAsk::Remove(id)),
            Err(trouble) => trouble,
        };
        let item = self.items.get_mut(&id)?;
        item.state = match trouble.kind {
            Kind::Later | Kind::Wait(_) | Kind::SignIn => OutgoingState::Waiting,
            // Looked for there, and nobody can say whether it is.
            Kind::Unsure if trouble.text.code == "connector.unsure" || item.attempts >= MAX_UNSURE => {
                OutgoingState::Failed
            }
            Kind::Unsure => OutgoingState::Begun,
            Kind::Refused => OutgoingState::Failed,
        };
        let params = trouble.text.params.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        item.problem = Some((trouble.text.code.to_owned(), params));
        let item = item.clone();
        Some(self.write(item))
    }

    /// What is noted of a call goes into what is not sent yet; what was held is let go when the agent is through.
    pub fn noted(&mut self, entry: &str, noted: &Named, done: bool, at: &str) -> Vec<ConnectorsAsk> {
        let mut asks = Vec::new();
        for id in self.about(entry) {
            let Some(item) = self.items.get_mut(&id) else { continue };
            let before = item.clone();
            item.values.extend(noted.clone());
            if done && item.state == OutgoingState::Held {
                item.state = OutgoingState::Waiting;
                item.values.entry("at".into()).and_modify(|told| at.clone_into(told));
            }
            if *item != before {
                let item = item.clone();
                asks.push(self.write(item));
            }
        }
        asks
    }

    /// Nobody will be through with it any more: the call is told as it is, its wrap-up not at all.
    pub fn wrap_up_gone(&mut self, entry: &str) -> Vec<ConnectorsAsk> {
        let held = self.about(entry).into_iter().filter(|id| self.is_held(*id)).collect();
        self.let_go(held)
    }

    /// Calls that were held long enough are told. The wall clock counts: the laptop may have been off.
    pub fn pass_time(&mut self, now: SystemTime) -> Vec<ConnectorsAsk> {
        let over = |item: &&Outgoing| {
            item.action == Action::LogCall.name() && held_for(item, now).is_some_and(|left| left.is_zero())
        };
        let over = self.items.values().filter(over).map(|item| item.id).collect();
        self.let_go(over)
    }

    /// How long until [`Outbox::pass_time`] is wanted.
    pub fn sleep(&self, now: SystemTime) -> Option<Duration> {
        let calls = self.items.values().filter(|item| item.action == Action::LogCall.name());
        calls.filter_map(|item| held_for(item, now)).min()
    }

    /// Everything of these numbers or calls is given up.
    pub fn erase(&mut self, keys: &[String], calls: &[i64]) -> Vec<ConnectorsAsk> {
        let of = |item: &&Outgoing| {
            let number = item.values.get("number").is_some_and(|number| keys.iter().any(|key| same(key, number)));
            let entry = item.values.get(ENTRY).and_then(|entry| entry.parse().ok());
            number || entry.is_some_and(|entry| calls.contains(&entry))
        };
        let gone: Vec<i64> = self.items.values().filter(of).map(|item| item.id).collect();
        gone.iter().for_each(|id| drop(self.items.remove(id)));
        gone.into_iter().map(ConnectorsAsk::Remove).collect()
    }

    fn let_go(&mut self, held: Vec<i64>) -> Vec<ConnectorsAsk> {
        let mut asks = Vec::new();
        for id in held {
            let Some(item) = self.items.get_mut(&id) else { continue };
            if item.action == Action::LogCall.name() {
                item.state = OutgoingState::Waiting;
                let item = item.clone();
                asks.push(self.write(item));
            } else {
                self.items.remove(&id);
                asks.push(ConnectorsAsk::Remove(id));
            }
        }
        asks
    }

    fn is_held(&self, id: i64) -> bool {
        self.items.get(&id).is_some_and(|item| item.state == OutgoingState::Held)
    }

    /// What can still be changed of what is told of a call.
    fn about(&self, entry: &str) -> Vec<i64> {
        let can = |item: &&Outgoing| {
            matches!(item.state, OutgoingState::Held | OutgoingState::Waiting)
                && item.values.get(ENTRY).is_some_and(|of| of == entry)
        };
        self.items.values().filter(can).map(|item| item.id).collect()
    }

    /// The user wants it sent, though it may be there already.
    pub fn retry(&mut self, id: i64) -> Option<ConnectorsAsk> {
        let item = self.items.get_mut(&id).filter(|item| item.state == OutgoingState::Failed)?;
        // What was sent often may have arrived, and can be looked for there; else it is the user's word that it is not.
        let unsure =
            item.attempts >= MAX_UNSURE && item.problem.as_ref().is_some_and(|(code, _)| code != "connector.unsure");
        item.state = if unsure { OutgoingState::Begun } else { OutgoingState::Waiting };
        item.attempts = 0;
        item.problem = None;
        let item = item.clone();
        Some(self.write(item))
    }

    pub fn discard(&mut self, id: i64) -> Option<ConnectorsAsk> {
        // What is on its way can't be called back.
        if self.sending.values().any(|sending| sending.item == id) {
            return None;
        }
        self.items.remove(&id).map(|_| ConnectorsAsk::Remove(id))
    }

    pub fn forget(&mut self, connector: u32) {
        self.items.retain(|_, item| item.connector != connector);
        self.sending.remove(&connector);
        self.failures.remove(&connector);
    }

    /// It has answered.
    pub fn rested(&mut self, connector: u32) {
        self.failures.remove(&connector);
    }

    /// How long a connector that can't be reached is left alone.
    pub fn rest(&mut self, connector: u32) -> Duration {
        let failures = self.failures.entry(connector).or_default();
        let rest = FIRST_REST.saturating_mul(1 << (*failures).min(16)).min(LONGEST_REST);
        *failures = failures.saturating_add(1);
        rest
    }

    /// When the next connector with something to send is ready again.
    pub fn next(&self, live: &BTreeMap<u32, Live>) -> Option<Instant> {
        let waits = |id: u32| !self.sending.contains_key(&id) && self.first(id).is_some();
        let at = |(id, live): (&u32, &Live)| {
            let until = live.quiet_until.into_iter().chain(live.busy_until).max()?;
            (live.known && live.ready.is_ok() && live.stopped.is_none() && waits(*id)).then_some(until)
        };
        live.iter().filter_map(at).min()
    }
}

/// How long a held one is held yet.
fn held_for(item: &Outgoing, now: SystemTime) -> Option<Duration> {
    let since = now.duration_since(item.created).unwrap_or(Duration::ZERO);
    (item.state == OutgoingState::Held).then(|| LONGEST_HOLD.saturating_sub(since))
}

#[cfg(test)]
mod tests;
