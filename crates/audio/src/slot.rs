//! One device in use, or not: microphone, speaker or ringer, from the first need for it to its closing.
//!
//! ```text
//!            needed                     opened
//!  Closed ────────────> Opening ─────────────────────> Open ──> (no longer needed, lingered) ──> Closed
//!    ^                     │ refused                     │ fault, stands still, another is chosen
//!    └───── retry ──── Failed <──────────────────────────┘ (at once the first time)
//! ```

use crate::{
    callback::Meter,
    host::Listing,
    opener::{Opened, Request, direction},
    problem,
    ring::RingFigures,
    stream::{End, Fault},
};
use cpal::Stream;
use hatif_core::{audio::DeviceRole, text::Text};
use std::{
    sync::{atomic::Ordering, mpsc::SyncSender},
    time::{Duration, Instant},
};

/// A device stays open so long after it was needed: a call often follows another.
const LINGER: Duration = Duration::from_secs(3);
/// A device that could not be opened, or died young, is tried again after this.
const RETRY: Duration = Duration::from_secs(2);
/// A stream that lived so long is opened anew at once when it dies.
const GROWN_UP: Duration = Duration::from_millis(500);
/// Without a callback for so long, a stream is dead whatever the system says.
const STANDSTILL: Duration = Duration::from_secs(3);
/// More unclassified errors in a second than this are a device that cannot do with so small buffers.
const MOST_ERRORS: u64 = 50;

enum State {
    Closed,
    Opening { ticket: u64 },
    Open(Box<Running>),
    Failed { retry: Instant },
}

struct Running {
    opened: Opened,
    since: Instant,
    /// Callbacks and errors when they were last looked at, and when the callbacks last moved.
    calls: u64,
    moved: Instant,
    errors: u64,
    errors_since: Instant,
}

pub(crate) struct Slot {
    role: DeviceRole,
    /// The device chosen; `None` is the system's default.
    choice: Option<String>,
    /// Used in this order while the chosen one is not there.
    fallbacks: Vec<String>,
    state: State,
    /// Needed, or lingering, until then.
    until: Option<Instant>,
    careful: bool,
    pub problem: Option<Text>,
    /// The first ticket of this slot, and the last one given out: no two slots share any.
    first_ticket: u64,
    tickets: u64,
    /// Name of the device that sound goes to or comes from, as far as it was told.
    used: Option<String>,
    /// It was opened anew: what was learnt of its sound is void.
    pub opened_anew: bool,
    /// Gaps of streams that are closed by now.
    gaps: u64,
    requests: SyncSender<Request>,
    /// Streams that the opener's full queue did not take yet.
    closing: Vec<Stream>,
}

impl Slot {
    /// `number`: another one for each slot there ever was.
    pub fn new(role: DeviceRole, number: u64, requests: SyncSender<Request>) -> Self {
        Self {
            role,
            choice: None,
            fallbacks: vec![],
            state: State::Closed,
            until: None,
            careful: false,
            problem: None,
            first_ticket: number << 32,
            tickets: number << 32,
            used: None,
            opened_anew: false,
            gaps: 0,
            requests,
            closing: vec![],
        }
    }

    /// Nothing is open, under way or to be closed.
    pub fn is_quiet(&self) -> bool {
        matches!(self.state, State::Closed) && self.closing.is_empty()
    }

    pub fn end(&mut self) -> Option<&mut End> {
        match &mut self.state {
            State::Open(running) => Some(&mut running.opened.end),
            _ => None,
        }
    }

    /// Opens, watches and closes the device, as it is needed now.
    pub fn update(&mut self, needed: bool, now: Instant) {
        for stream in std::mem::take(&mut self.closing) {
            self.close_stream(stream);
        }
        if needed {
            self.until = Some(now + LINGER);
        }
        let open = self.until.is_some_and(|until| now < until);
        match &mut self.state {
            State::Closed if open => self.request(now),
            State::Failed { retry } if open && *retry <= now => self.request(now),
            State::Open(running) if open => {
                if let Some(fault) = running.fault(now) {
                    self.fail(fault, now);
                }
            }
            State::Closed | State::Failed { .. } | State::Opening { .. } | State::Open(_) => {}
        }
        if !open && !matches!(self.state, State::Closed) {
            self.used = None;
            self.close();
        }
    }

    /// Another device is wanted from now on.
    pub fn choose(&mut self, choice: Option<String>, fallbacks: Vec<String>) {
        self.fallbacks = fallbacks;
        if choice != self.choice {
            self.choice = choice;
            self.careful = false;
            self.used = None;
            self.close();
        }
    }

    /// Whether the ticket was given out here.
    pub fn owns(&self, ticket: u64) -> bool {
        self.first_ticket == ticket >> 32 << 32
    }

    /// Gaps of all streams so far.
    pub fn gaps(&self) -> u64 {
        match &self.state {
            State::Open(running) => self.gaps + running.gaps(),
            _ => self.gaps,
        }
    }

    pub fn device(&self) -> Option<&str> {
        self.used.as_deref()
    }

    /// Sound comes from, or goes to, this device now; whether it is another than before.
    fn uses(&mut self, name: &str) -> bool {
        let before = self.used.replace(name.to_owned());
        self.opened_anew = true;
        before.is_some_and(|before| before != name)
    }

    pub fn role(&self) -> DeviceRole {
        self.role
    }

    pub fn choice(&self) -> Option<&str> {
        self.choice.as_deref()
    }

    /// The opener's answer; one that nobody waits for any more is closed. True when sound has moved to another device.
    pub fn opened(&mut self, ticket: u64, result: Result<Opened, Text>, now: Instant) -> bool {
        let expected = matches!(self.state, State::Opening { ticket: waiting } if waiting == ticket);
        match result {
            Ok(opened) if !expected => self.close_stream(opened.stream),
            Err(_) if !expected => {}
            Ok(opened) => {
                tracing::info!(role = ?self.role, fallback = opened.problem.is_some(), "sound device opened");
                self.problem = opened.problem.clone();
                // A stream on the default goes by the name "default"; the list knows better.
                let moved = !opened.follows_default_now(self) && {
                    let name = opened.name.clone();
                    self.uses(&name)
                };
                self.opened_anew = true;
                self.state = State::Open(Box::new(Running::new(opened, now)));
                return moved;
            }
            Err(text) => {
                tracing::warn!(role = ?self.role, code = text.code, "no sound device");
                self.problem = Some(text);
                self.state = State::Failed { retry: now + RETRY };
            }
        }
        false
    }

    /// The devices have changed: the chosen one may be back, the used one gone, the default another. True when sound has
    /// moved to another device, with the system's default.
    pub fn listed(&mut self, listing: &Listing, changed: bool) -> bool {
        let devices = listing.of(direction(self.role));
        let chosen_is_there =
            self.choice.as_ref().is_none_or(|choice| devices.iter().any(|device| device.id == *choice));
        match &self.state {
            State::Open(running) => {
                let used = &running.opened.id;
                let on_choice = self.choice.as_ref() == Some(used);
                let on_default = !on_choice && !self.fallbacks.contains(used);
                let default = devices.iter().find(|device| device.is_default);
                let followed = default.filter(|_| on_default && running.opened.follows_default).map(|d| d.name.clone());
                let other_default =
                    on_default && !running.opened.follows_default && default.is_some_and(|default| default.id != *used);
                let gone = !on_default && !devices.iter().any(|device| device.id == *used);
                // A device that is there and does not open is tried again when something changes, not for ever.
                let hopeful = changed || self.problem.as_ref().is_some_and(|text| text.code == problem::DEVICE_GONE);
                let back = self.choice.is_some() && chosen_is_there && !on_choice && hopeful;
                if back || other_default || gone {
                    self.close();
                } else if let Some(name) = followed.filter(|name| self.used.as_ref() != Some(name)) {
                    return self.uses(&name);
                }
            }
            State::Closed | State::Failed { .. } => {
                let mended = match self.problem.as_ref().map(|text| text.code) {
                    Some(problem::NO_MICROPHONE | problem::NO_SPEAKER) => !devices.is_empty(),
                    Some(problem::DEVICE_GONE) => chosen_is_there,
                    _ => false,
                };
                if mended && matches!(self.state, State::Closed) {
                    self.problem = None;
                } else if mended {
                    self.close();
                }
            }
            State::Opening { .. } => {}
        }
        false
    }

    fn request(&mut self, now: Instant) {
        self.tickets += 1;
        let ticket = self.tickets;
        let fallbacks = self.fallbacks.iter().filter(|_| self.choice.is_some());
        let ids = self.choice.iter().chain(fallbacks).cloned().collect();
        let request = Request::Open { role: self.role, ids, careful: self.careful, ticket };
        self.state = match self.requests.try_send(request) {
            Ok(()) => State::Opening { ticket },
            // The opener is busy with another device.
            Err(_) => State::Failed { retry: now + Duration::from_millis(100) },
        };
    }

    fn fail(&mut self, fault: Fault, now: Instant) {
        let State::Open(running) = std::mem::replace(&mut self.state, State::Closed) else { return };
        tracing::warn!(role = ?self.role, ?fault, "sound device lost");
        self.problem = match fault {
            Fault::Gone => Some(Text::new(problem::DEVICE_GONE).with("device", running.opened.name.clone())),
            Fault::PermissionDenied => Some(Text::new(problem::PERMISSION_DENIED)),
            Fault::Standstill => {
                let text = problem::with_detail(problem::FAILED, "the device stands still");
                Some(text.with("device", running.opened.name.clone()))
            }
            Fault::InUse => Some(Text::new(problem::DEVICE_IN_USE).with("device", running.opened.name.clone())),
            // usual, and mended in a moment
            Fault::Invalid => self.problem.take(),
        };
        self.careful |= running.errors > MOST_ERRORS;
        // What needed seconds to be seen dead will be so again.
        let young = now.duration_since(running.since) < GROWN_UP || fault == Fault::Standstill;
        running.log(self.role);
        self.gaps += running.gaps();
        self.close_stream(running.opened.stream);
        if young {
            self.state = State::Failed { retry: now + RETRY };
        } else {
            self.request(now);
        }
    }

    pub fn close(&mut self) {
        if let State::Open(running) = std::mem::replace(&mut self.state, State::Closed) {
            running.log(self.role);
            self.gaps += running.gaps();
            self.close_stream(running.opened.stream);
        }
        // What was wrong with a device that is not used any more is not known any more; absence is seen in the list.
        if self.problem.as_ref().is_some_and(|text| !is_seen_in_list(text)) {
            self.problem = None;
        }
    }

    fn close_stream(&mut self, stream: Stream) {
        if let Err(error) = self.requests.try_send(Request::Close(stream)) {
            let (std::sync::mpsc::TrySendError::Full(request) | std::sync::mpsc::TrySendError::Disconnected(request)) =
                error;
            if let Request::Close(stream) = request {
                self.closing.push(stream);
            }
        }
    }
}

/// Whether it is mended when the right device appears.
fn is_seen_in_list(text: &Text) -> bool {
    matches!(text.code, problem::NO_MICROPHONE | problem::NO_SPEAKER | problem::DEVICE_GONE)
}

impl Opened {
    /// It is the system's default, and goes where that goes.
    fn follows_default_now(&self, slot: &Slot) -> bool {
        let chosen = slot.choice.as_ref() == Some(&self.id) || slot.fallbacks.contains(&self.id);
        self.follows_default && !chosen
    }
}

impl Running {
    fn new(opened: Opened, now: Instant) -> Self {
        Self { opened, since: now, calls: 0, moved: now, errors: 0, errors_since: now }
    }

    fn meter(&self) -> &Meter {
        match &self.opened.end {
            End::Capture(end) => end.meter(),
            End::Playback(end) => end.meter(),
        }
    }

    fn fault(&mut self, now: Instant) -> Option<Fault> {
        if let Some(fault) = Fault::of(self.meter()) {
            return Some(fault);
        }
        let calls = self.meter().calls();
        if calls != self.calls {
            self.calls = calls;
            self.moved = now;
        }
        if now.duration_since(self.errors_since) > Duration::from_secs(1) {
            self.errors_since = now;
            self.errors = self.meter().errors.swap(0, Ordering::Relaxed);
        }
        if now.duration_since(self.moved) > STANDSTILL {
            return Some(Fault::Standstill);
        }
        (self.errors > MOST_ERRORS).then_some(Fault::Invalid)
    }

    fn figures(&self) -> RingFigures {
        match &self.opened.end {
            End::Capture(end) => end.figures(),
            End::Playback(end) => end.figures(),
        }
    }

    fn gaps(&self) -> u64 {
        self.figures().gaps
    }

    fn log(&self, role: DeviceRole) {
        tracing::debug!(?role, figures = ?self.figures(), "sound device closed");
    }
}
