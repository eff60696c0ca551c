//! The client side of REGISTER (RFC 3261 10.2): one binding kept alive, lost and found again.
//!
//! ```text
//! Idle ─> NeedsWire ─> Asking ─2xx─> Registered ─(before expiry)─> Asking …
//!            ^            └─ no answer for 2.5 s: told Down, retransmission goes on
//!            └── Retry <──┴─ refused, timed out, wire gone
//! ```
//!
//! An attempt is one REGISTER and its answers to challenges. Attempts are at least a second apart.

use crate::{
    account::Wire,
    config::{AccountId, AccountKind},
    core::Core,
    credentials::{Refusal, Rounds},
    failover,
    io::{Cause, Destination, Event, RegistrationState, WireFailure},
    text::{Method, NameAddr, Request, Response, Uri, number},
    transaction::{Failure, Owner, TxId},
};
use std::time::{Duration, Instant};

/// No answer for that long is shown as a lost registrar.
const TELL_AFTER: Duration = Duration::from_millis(2500);
/// A stream that carries no answer for that long is made anew.
const RENEW_AFTER: Duration = Duration::from_secs(5);
/// Attempts are at least that far apart.
const MIN_GAP: Duration = Duration::from_secs(1);
/// Pause after an attempt that failed.
const RETRY: Duration = Duration::from_secs(4);
/// Pause after a refusal that will hardly change by itself.
const RETRY_REFUSED: Duration = Duration::from_secs(30);
/// Longest Retry-After that is honoured.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(300);
/// A `Direct` account whose port is open.
const LISTENING: RegistrationState = RegistrationState::Up { expires: Duration::ZERO };
/// How long a good-bye waits for its answer.
pub(crate) const GOODBYE: Duration = Duration::from_secs(2);

#[derive(Debug)]
pub(crate) struct Registration {
    /// Whether we are to be registered (a `Direct` account: to be reachable).
    pub wanted: bool,
    phase: Phase,
    call_id: String,
    tag: String,
    seq: u32,
    last_attempt: Option<Instant>,
    min_expires: u32,
    shown: RegistrationState,
}

#[derive(Debug)]
enum Phase {
    Idle,
    NeedsWire,
    Asking(Asking),
    Registered { refresh_at: Instant },
    Retry { at: Instant },
    Leaving { tx: TxId, rounds: Rounds, until: Instant },
}

#[derive(Debug)]
struct Asking {
    tx: TxId,
    since: Instant,
    rounds: Rounds,
    told: bool,
    /// When a stream that has been silent since it was set is made anew.
    renew_at: Instant,
}

impl Registration {
    pub fn new(call_id: String, tag: String) -> Self {
        Registration {
            wanted: false,
            phase: Phase::Idle,
            call_id,
            tag,
            seq: 0,
            last_attempt: None,
            min_expires: 0,
            shown: RegistrationState::Off,
        }
    }

    /// `renewed`: a way that stays silent is given up for another.
    pub fn poll_timeout(&self, renewed: bool) -> Option<(Instant, &'static str)> {
        match &self.phase {
            Phase::Idle | Phase::NeedsWire => None,
            Phase::Asking(asking) if !asking.told => Some((asking.since + TELL_AFTER, "registrar does not answer")),
            Phase::Asking(asking) => renewed.then_some((asking.renew_at, "registrar's stream is dead")),
            Phase::Registered { refresh_at } => Some((*refresh_at, "refresh of the registration")),
            Phase::Retry { at } => Some((*at, "registration again")),
            Phase::Leaving { until, .. } => Some((*until, "good-bye to the registrar")),
        }
    }

    /// Whether we are registered and mean to stay so.
    pub fn stands(&self) -> bool {
        self.wanted && matches!(self.phase, Phase::Registered { .. })
    }

    /// Whether an un-registration still waits for its answer.
    pub fn leaving(&self) -> bool {
        matches!(self.phase, Phase::Leaving { .. })
    }
}

/// The registration's part of the agent.
impl Core {
    fn registration(&mut self, id: AccountId) -> Option<&mut Registration> {
        self.accounts.get_mut(&id).map(|a| &mut a.registration)
    }

    fn show(&mut self, id: AccountId, state: RegistrationState) {
        let Some(registration) = self.registration(id) else { return };
        if registration.shown != state {
            registration.shown = state.clone();
            self.event(Event::Registration { account: id, state });
        }
    }

    /// Tells again how it stands, to whoever has set the account anew.
    pub fn tell_registration(&mut self, id: AccountId) {
        if let Some(state) = self.registration(id).map(|r| r.shown.clone()) {
            self.event(Event::Registration { account: id, state });
        }
    }

    fn down(&mut self, id: AccountId, cause: Cause, retry_at: Option<Instant>) {
        if let Some(registration) = self.registration(id) {
            registration.phase = retry_at.map_or(Phase::Idle, |at| Phase::Retry { at });
        }
        self.show(id, RegistrationState::Down { cause, retry_at });
    }

    /// `Input::Register`.
    pub fn register(&mut self, now: Instant, id: AccountId) {
        let Some(account) = self.accounts.get_mut(&id) else { return };
        account.registration.wanted = true;
        if account.config.kind == AccountKind::Direct {
            let open = account.local().is_some();
            self.show(id, if open { LISTENING } else { RegistrationState::Trying });
            self.need_wire(id);
            return;
        }
        if matches!(account.registration.phase, Phase::Asking(_)) {
            return;
        }
        if !matches!(account.registration.shown, RegistrationState::Up { .. }) {
            self.show(id, RegistrationState::Trying);
        }
        self.attempt(now, id);
    }

    /// `Input::Doubt`. What only a person can mend is left alone.
    pub fn doubt(&mut self, now: Instant, id: AccountId) {
        let Some(account) = self.accounts.get(&id) else { return };
        let paused = matches!(account.wire, Wire::Pausing(_));
        match account.registration.phase {
            Phase::Registered { .. } | Phase::Retry { .. } => self.attempt(now, id),
            Phase::NeedsWire if paused => self.need_wire(id),
            _ => {}
        }
    }

    /// `Input::Unregister`.
    pub fn unregister(&mut self, now: Instant, id: AccountId) {
        let Some(account) = self.accounts.get_mut(&id) else { return };
        account.registration.wanted = false;
        let bound = match &account.registration.phase {
            Phase::Leaving { .. } => return,
            Phase::Registered { .. } => true,
            Phase::Asking(asking) => {
                let tx = asking.tx;
                self.tx.abandon(tx);
                true
            }
            // A binding of before may still be there while we retry.
            Phase::Retry { .. } => account.registration.seq > 0,
            Phase::Idle | Phase::NeedsWire => false,
        };
        let up = self.account(id).is_some_and(|a| a.local().is_some());
        let tx = if bound && up { self.send_register(now, id, &Rounds::default(), true) } else { None };
        if let Some(registration) = self.registration(id) {
            registration.phase = match tx {
                Some(tx) => Phase::Leaving { tx, rounds: Rounds::default(), until: now + GOODBYE },
                None => Phase::Idle,
            };
        }
        if tx.is_none() {
            self.show(id, RegistrationState::Off);
        }
    }

    /// A new attempt, now or as soon as one may be made.
    fn attempt(&mut self, now: Instant, id: AccountId) {
        let Some(account) = self.accounts.get_mut(&id) else { return };
        let registration = &mut account.registration;
        if let Some(earliest) = registration.last_attempt.map(|at| at + MIN_GAP).filter(|at| *at > now) {
            registration.phase = Phase::Retry { at: earliest };
            return;
        }
        if !matches!(account.wire, Wire::Up { .. }) {
            registration.phase = Phase::NeedsWire;
            self.need_wire(id);
            return;
        }
        registration.last_attempt = Some(now);
        let rounds = Rounds::default();
        let tx = self.send_register(now, id, &rounds, false);
        if let (Some(tx), Some(registration)) = (tx, self.registration(id)) {
            let told = matches!(registration.shown, RegistrationState::Down { .. });
            registration.phase = Phase::Asking(Asking { tx, since: now, rounds, told, renew_at: now + RENEW_AFTER });
        }
    }

    pub fn send_register(&mut self, now: Instant, id: AccountId, rounds: &Rounds, leaving: bool) -> Option<TxId> {
        let account = self.accounts.get_mut(&id)?;
        let (contact, outbound) = account.binding(account.local()?);
        let registration = &mut account.registration;
        registration.seq += 1;
        let (call_id, tag, seq) = (registration.call_id.clone(), registration.tag.clone(), registration.seq);
        let expires = if leaving { 0 } else { account.config.expires.max(registration.min_expires) };
        let registrar = Uri { user: None, ..account.aor() }.to_string();
        let aor = NameAddr::of(account.aor()).to_string();
        let mut request = self.request(id, Method::Register, &registrar, &aor, seq)?;
        let mut from = request.from()?;
        from.params.set("tag", Some(&tag));
        request.headers.set("From", from.to_string());
        request.headers.set("Call-ID", call_id);
        request.headers.set("Contact", contact);
        request.headers.set("Expires", expires.to_string());
        if outbound {
            request.headers.set("Supported", "path, outbound");
        }
        self.authorize(id, rounds, &mut request);
        self.send(now, id, Destination::NextHop, request, Owner::Registration(id))
    }

    /// What was under way does not count any more: another wire comes.
    pub fn forget_attempt(&mut self, id: AccountId) {
        let Some(registration) = self.registration(id) else { return };
        let before = std::mem::replace(&mut registration.phase, Phase::NeedsWire);
        if let Phase::Asking(asking) = before {
            self.tx.abandon(asking.tx);
        }
    }

    /// Tries the next server, if there is one; the loss is told meanwhile.
    fn elsewhere(&mut self, now: Instant, id: AccountId, cause: Cause, pause: Duration) -> bool {
        let elsewhere = self.fail_over(id, pause);
        if elsewhere {
            self.forget_attempt(id);
            self.show(id, RegistrationState::Down { cause, retry_at: Some(now) });
        }
        elsewhere
    }

    pub fn registration_response(&mut self, now: Instant, id: AccountId, tx: TxId, response: &Response) {
        if response.status < 200 {
            return;
        }
        let Some(registration) = self.registration(id) else { return };
        match &registration.phase {
            Phase::Asking(asking) if asking.tx == tx => {
                let rounds = asking.rounds.clone();
                self.asked(now, id, rounds, response);
            }
            Phase::Leaving { tx: leaving, rounds, .. } if *leaving == tx => {
                let rounds = rounds.clone();
                self.left(now, id, rounds, response);
            }
            _ => {}
        }
    }

    fn asked(&mut self, now: Instant, id: AccountId, mut rounds: Rounds, response: &Response) {
        match response.status {
            200..300 => self.registered(now, id, &rounds, response),
            401 | 407 => match self.challenged(id, response, &mut rounds) {
                Ok(()) => {
                    let tx = self.send_register(now, id, &rounds, false);
                    if let (Some(tx), Some(registration)) = (tx, self.registration(id))
                        && let Phase::Asking(asking) = &mut registration.phase
                    {
                        (asking.tx, asking.rounds) = (tx, rounds);
                    }
                }
                Err(Refusal::WrongPassword) => self.down(id, Cause::Unauthorized, None),
                Err(Refusal::RealmChanged) => self.down(id, Cause::RealmChanged, None),
                Err(Refusal::Unacceptable) => self.down(id, Cause::ChallengeRefused, None),
            },
            423 => {
                let wanted = response.headers.number("Min-Expires").filter(|s| (1..=86_400 * 7).contains(s));
                let Some(registration) = self.registration(id) else { return };
                match wanted.filter(|s| *s > registration.min_expires) {
                    Some(seconds) => {
                        registration.min_expires = seconds;
                        self.attempt(now, id);
                    }
                    None => self.down(id, Cause::Protocol, Some(now + RETRY_REFUSED)),
                }
            }
            // RFC 5626 4.2.1: the first hop, or the registrar, knows nothing of flows. It is asked as ever.
            420 | 439 if self.accounts.get_mut(&id).is_some_and(|a| !std::mem::replace(&mut a.no_outbound, true)) => {
                let rounds = Rounds::default();
                let tx = self.send_register(now, id, &rounds, false);
                if let (Some(tx), Some(registration)) = (tx, self.registration(id))
                    && let Phase::Asking(asking) = &mut registration.phase
                {
                    (asking.tx, asking.rounds) = (tx, rounds);
                }
            }
            403 => self.down(id, Cause::Forbidden, None),
            404 | 604 => self.down(id, Cause::NotFound, None),
            status => {
                let (cause, pause) = match status {
                    408 | 480 | 504 => (Cause::TimedOut, RETRY),
                    500..600 => (Cause::ServerError, RETRY),
                    _ => (Cause::Other { status }, RETRY_REFUSED),
                };
                let asked = retry_after(response);
                let elsewhere = matches!(status, 408 | 503 | 504)
                    && self.elsewhere(now, id, cause, asked.unwrap_or(failover::AVOIDED));
                if !elsewhere {
                    let pause = asked.map_or(pause, |asked| asked.max(MIN_GAP));
                    self.down(id, cause, Some(now + pause));
                }
            }
        }
    }

    fn registered(&mut self, now: Instant, id: AccountId, rounds: &Rounds, response: &Response) {
        let contact = self.contact(id).unwrap_or_default();
        let Some(account) = self.accounts.get_mut(&id) else { return };
        account.credentials.succeeded(rounds);
        account.turns = 0;
        let asked = account.config.expires.max(account.registration.min_expires);
        let expires = Duration::from_secs(u64::from(granted(&contact, response).unwrap_or(asked)));
        if expires.is_zero() {
            self.down(id, Cause::Protocol, Some(now + RETRY_REFUSED));
            return;
        }
        // Early enough that a lost refresh can be repeated before the binding is gone.
        let margin = (expires / 4).clamp(Duration::from_secs(5), Duration::from_secs(300)).min(expires / 2);
        let refresh_at = now + (expires - margin).max(MIN_GAP);
        account.registration.phase = Phase::Registered { refresh_at };
        self.show(id, RegistrationState::Up { expires });
    }

    fn left(&mut self, now: Instant, id: AccountId, mut rounds: Rounds, response: &Response) {
        let again = matches!(response.status, 401 | 407) && self.challenged(id, response, &mut rounds).is_ok();
        let again = if again { self.send_register(now, id, &rounds, true) } else { None };
        let Some(registration) = self.registration(id) else { return };
        if let (Some(tx), Phase::Leaving { until, .. }) = (again, &registration.phase) {
            registration.phase = Phase::Leaving { tx, rounds, until: *until };
            return;
        }
        registration.phase = Phase::Idle;
        self.show(id, RegistrationState::Off);
    }

    pub fn registration_failed(&mut self, now: Instant, id: AccountId, tx: TxId, failure: Failure) {
        let Some(registration) = self.registration(id) else { return };
        let cause = match failure {
            Failure::TimedOut => Cause::TimedOut,
            Failure::Wire(failure) => Cause::Wire(failure),
        };
        match &registration.phase {
            Phase::Asking(asking) if asking.tx == tx => {
                let since = asking.since;
                if self.elsewhere(now, id, cause, failover::AVOIDED) {
                    return;
                }
                let pause = if failure == Failure::TimedOut { MIN_GAP } else { RETRY / 2 };
                let at = (since + MIN_GAP).max(now + pause);
                self.down(id, cause, Some(at));
            }
            Phase::Leaving { tx: leaving, .. } if *leaving == tx => {
                registration.phase = Phase::Idle;
                self.show(id, RegistrationState::Off);
            }
            _ => {}
        }
    }

    pub fn registration_timers(&mut self, now: Instant, id: AccountId) {
        let alternatives = self.has_alternatives(id);
        let Some(account) = self.accounts.get_mut(&id) else { return };
        let renewed = account.config.transport.reliable() || alternatives;
        if account.registration.poll_timeout(renewed).is_none_or(|(at, _)| at > now) {
            return;
        }
        match &mut account.registration.phase {
            Phase::Asking(asking) if !asking.told => {
                asking.told = true;
                // Retransmission goes on: that is the next attempt.
                let retry_at = Some(asking.since + RETRY);
                self.show(id, RegistrationState::Down { cause: Cause::TimedOut, retry_at });
            }
            Phase::Asking(asking) if account.last_heard.is_some_and(|at| at + RENEW_AFTER > asking.renew_at) => {
                // Calls are heard on it: the stream lives, only the registrar is slow.
                asking.renew_at = now + RENEW_AFTER;
            }
            Phase::Asking(asking) => {
                let tx = asking.tx;
                self.tx.abandon(tx);
                account.registration.phase = Phase::NeedsWire;
                if !self.fail_over(id, failover::AVOIDED) {
                    self.renew_wire(id);
                }
            }
            Phase::Registered { .. } | Phase::Retry { .. } => self.attempt(now, id),
            Phase::Leaving { tx, .. } => {
                let tx = *tx;
                account.registration.phase = Phase::Idle;
                self.tx.abandon(tx);
                self.show(id, RegistrationState::Off);
            }
            Phase::Idle | Phase::NeedsWire => {}
        }
    }

    pub fn registration_wire_up(&mut self, now: Instant, id: AccountId) {
        let Some(account) = self.accounts.get_mut(&id) else { return };
        if !account.registration.wanted {
            return;
        }
        if account.config.kind == AccountKind::Direct {
            self.show(id, LISTENING);
        } else {
            // A new wire has a new address: the binding must follow.
            self.attempt(now, id);
        }
    }

    /// The wire is gone; `again`: when it is opened again.
    pub fn registration_wire_down(&mut self, id: AccountId, failure: WireFailure, again: Option<Instant>) {
        let Some(account) = self.accounts.get_mut(&id) else { return };
        match &account.registration.phase {
            Phase::Asking(Asking { tx, .. }) => {
                let tx = *tx;
                self.tx.abandon(tx);
            }
            Phase::Leaving { tx, .. } => {
                let tx = *tx;
                account.registration.phase = Phase::Idle;
                self.tx.abandon(tx);
                self.show(id, RegistrationState::Off);
                return;
            }
            _ => {}
        }
        let Some(registration) = self.registration(id) else { return };
        if registration.wanted {
            registration.phase = Phase::NeedsWire;
            self.show(id, RegistrationState::Down { cause: Cause::Wire(failure), retry_at: again });
        }
    }
}

/// The lifetime that the registrar gave our binding: its Contact's `expires`, else the Expires header.
fn granted(contact: &str, response: &Response) -> Option<u32> {
    let own = NameAddr::parse(contact)?;
    let ours = response.headers.items("Contact").iter().filter_map(|c| NameAddr::parse(c)).find(|c| {
        let port = |uri: &Uri| uri.host.port.unwrap_or(5060);
        c.uri.user == own.uri.user && c.uri.host.host == own.uri.host.host && port(&c.uri) == port(&own.uri)
    });
    let param = ours.and_then(|c| c.params.get("expires").and_then(number::<u32>));
    param.or_else(|| response.headers.number("Expires"))
}

/// Retry-After, which may have a comment and parameters behind the number.
pub(crate) fn retry_after(response: &Response) -> Option<Duration> {
    let text = response.headers.text("Retry-After")?;
    let digits: String = text.trim().chars().take_while(char::is_ascii_digit).collect();
    Some(Duration::from_secs(number::<u64>(&digits)?).min(MAX_RETRY_AFTER))
}

/// Whether a REGISTER says good-bye to all bindings.
pub(crate) fn is_goodbye(request: &Request) -> bool {
    request.headers.number("Expires") == Some(0)
        || request.contact().is_some_and(|c| c.params.get("expires").and_then(number::<u32>) == Some(0))
}
