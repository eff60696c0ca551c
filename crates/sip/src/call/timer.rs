//! Session timers (RFC 4028): one side refreshes the session now and then, by UPDATE where the peer takes it, else by
//! re-INVITE; a session that is not refreshed in time is over, so that a peer that vanished is found out.
//!
//! We ask for half an hour in our INVITEs, with the peer free to refresh; without a word of the peer about it there is no
//! timer. Where the peer asks, it has what it asks, from 90 seconds up.

use super::{Call, Change, State};
use crate::{
    core::Core,
    io::EndReason,
    text::{Headers, Method, Request, Response, number},
    transaction::{Failure, Owner, TxId},
};
use std::time::{Duration, Instant};

/// What we ask for, and the least that we take (RFC 4028 4, 5), in seconds.
pub(super) const WANTED: u32 = 1800;
const LEAST: u32 = 90;
/// A refresh that failed for now is tried again after it.
const AGAIN: Duration = Duration::from_secs(5);

/// `Session-Expires`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Expires {
    pub seconds: u32,
    /// Whether whoever sent the request refreshes; `None` where nothing is said.
    pub by_sender: Option<bool>,
}

impl Expires {
    pub fn of(headers: &Headers) -> Option<Self> {
        let text = headers.text("Session-Expires")?;
        let mut parts = text.split(';');
        let seconds = number(parts.next()?.trim())?;
        let refresher =
            parts.filter_map(|p| p.split_once('=')).find(|(n, _)| n.trim().eq_ignore_ascii_case("refresher"));
        let by_sender = refresher.map(|(_, who)| who.trim().eq_ignore_ascii_case("uac"));
        Some(Expires { seconds, by_sender })
    }

    pub fn min_se(headers: &Headers) -> Option<u32> {
        number(headers.text("Min-SE")?.split(';').next()?.trim())
    }
}

/// The timer of a session that has one.
#[derive(Clone, Copy, Debug)]
pub(super) struct SessionTimer {
    seconds: u32,
    ours: bool,
    /// When we refresh, if it is ours to do.
    refresh_at: Instant,
    /// When we give up (RFC 4028 10): a little before the session runs out.
    until: Instant,
}

impl SessionTimer {
    fn new(now: Instant, seconds: u32, ours: bool) -> Self {
        let interval = Duration::from_secs(u64::from(seconds));
        let early = (interval / 3).min(Duration::from_secs(32));
        SessionTimer { seconds, ours, refresh_at: now + interval / 2, until: now + interval - early }
    }
}

/// What a call keeps about it.
#[derive(Default)]
pub(super) struct Timing {
    timer: Option<SessionTimer>,
    /// The peer takes UPDATE.
    updates: bool,
    /// Our UPDATE that refreshes.
    update: Option<TxId>,
    /// A re-INVITE must refresh.
    pub reinvite: bool,
    /// The least that somebody on the way takes.
    least: u32,
}

impl Timing {
    pub fn poll_timeout(&self) -> Option<(Instant, &'static str)> {
        let timer = self.timer?;
        let busy = self.update.is_some() || self.reinvite;
        Some(if timer.ours && !busy {
            (timer.refresh_at.min(timer.until), "refresh the session")
        } else {
            (timer.until, "the session runs out")
        })
    }

    /// The headers of an INVITE or UPDATE of ours.
    pub fn dress(&self, request: &mut Request) {
        let value = match self.timer {
            Some(timer) => format!("{};refresher={}", timer.seconds, if timer.ours { "uac" } else { "uas" }),
            None if request.method == Method::Invite => WANTED.max(self.least).to_string(),
            None => return,
        };
        request.headers.set("Session-Expires", value);
        if self.least > LEAST {
            request.headers.set("Min-SE", self.least.to_string());
        }
    }

    /// What the peer's 2xx to our INVITE or UPDATE says: the timer of the session from now on, or none.
    pub fn take_answer(&mut self, now: Instant, response: &Response) {
        self.learn(&response.headers);
        self.timer = Expires::of(&response.headers).map(|expires| {
            let ours = expires.by_sender.unwrap_or(true);
            SessionTimer::new(now, expires.seconds.max(LEAST), ours)
        });
    }

    /// Why a request of the peer cannot have the timer that it asks for: the answer to it.
    pub fn refusal(request: &Request) -> Option<Response> {
        let expires = Expires::of(&request.headers)?;
        let too_small = expires.seconds < LEAST && request.headers.has_option("Supported", "timer");
        too_small.then(|| {
            let mut response = request.response(422, Some("0"));
            response.headers.push("Min-SE", LEAST.to_string());
            response
        })
    }

    /// Dresses our 2xx to an INVITE or UPDATE of the peer (RFC 4028 9), and begins what it says.
    pub fn answer(&mut self, now: Instant, request: &Request, response: &mut Response) {
        self.learn(&request.headers);
        let Some(expires) = Expires::of(&request.headers) else {
            self.timer = None;
            return;
        };
        let able = request.headers.has_option("Supported", "timer") || request.headers.has_option("Require", "timer");
        // Who does not know of timers cannot refresh.
        let theirs = able && expires.by_sender.unwrap_or(true);
        let seconds = expires.seconds.max(LEAST);
        response.headers.set("Session-Expires", format!("{seconds};refresher={}", if theirs { "uac" } else { "uas" }));
        if able {
            response.headers.push("Require", "timer");
        }
        self.timer = Some(SessionTimer::new(now, seconds, !theirs));
    }

    /// Somebody on the way wants longer (422). Whether there is a longer one to try.
    pub fn lengthen(&mut self, response: &Response) -> bool {
        let Some(least) = Expires::min_se(&response.headers).filter(|least| *least > self.least) else { return false };
        self.least = least;
        if let Some(timer) = &mut self.timer {
            timer.seconds = timer.seconds.max(least);
        }
        true
    }

    pub fn learn(&mut self, headers: &Headers) {
        if headers.count("Allow") > 0 {
            self.updates = headers.has_option("Allow", "UPDATE");
        }
    }

    fn again(&mut self, at: Instant) {
        self.update = None;
        self.reinvite = false;
        if let Some(timer) = &mut self.timer {
            timer.refresh_at = at;
        }
    }
}

impl Call {
    /// The session timer has come: refreshes, or ends what nobody refreshed.
    pub(super) fn session_timer(&mut self, core: &mut Core, now: Instant) {
        if self.shown.ended || !matches!(self.state, State::Up(_)) {
            return;
        }
        let Some(timer) = self.timing.timer else { return };
        if timer.until <= now {
            self.timing.timer = None;
            self.end(core, EndReason::TimedOut, None);
            self.bye(core, now);
        } else if self.timing.poll_timeout().is_some_and(|(at, _)| at <= now) {
            self.refresh(core, now);
        }
    }

    fn refresh(&mut self, core: &mut Core, now: Instant) {
        let State::Up(up) = &mut self.state else { return };
        if !self.timing.updates {
            self.timing.reinvite = true;
            // One that is under way, or waits, refreshes as well.
            return self.pump(core, now);
        }
        let account = core.account(self.account);
        let (Some(contact), Some(to)) = (core.contact(self.account), account.map(|a| a.dialog_destination(&up.dialog)))
        else {
            core.need_wire(self.account);
            return self.timing.again(now + AGAIN);
        };
        let mut request = up.dialog.request(Method::Update);
        request.headers.push("Contact", contact);
        request.headers.push("Supported", crate::core::SUPPORTED);
        self.timing.dress(&mut request);
        let tx = core.send(now, self.account, to, request, Owner::Update(self.id));
        self.timing.update = tx;
        self.opened(tx);
    }

    pub(super) fn update_response(&mut self, core: &mut Core, now: Instant, tx: TxId, response: &Response) {
        if self.timing.update != Some(tx) || response.status < 200 || self.shown.ended {
            return;
        }
        self.timing.update = None;
        match response.status {
            200..300 => {
                if let State::Up(up) = &mut self.state {
                    up.dialog.refresh_target(response.contact());
                }
                self.timing.take_answer(now, response);
                self.show_peer(core, &response.headers);
            }
            401 | 407 => {
                self.timing.update = self.answer_challenge(core, now, tx, Owner::Update(self.id), response);
                if self.timing.update.is_none() {
                    self.timing.again(now + AGAIN);
                }
            }
            422 if self.timing.lengthen(response) => self.timing.again(now),
            408 | 481 => self.lost(core, now, response.status),
            405 | 501 => {
                self.timing.updates = false;
                self.timing.again(now);
            }
            // Asked again until it runs out.
            _ => self.timing.again(now + AGAIN),
        }
    }

    /// RFC 3261 12.2.1.2: the peer does not know the dialog, or is gone.
    fn lost(&mut self, core: &mut Core, now: Instant, status: u16) {
        let why = if status == 481 { EndReason::RemoteHangUp } else { EndReason::TimedOut };
        self.end(core, why, Some(status));
        self.bye(core, now);
    }

    pub(super) fn update_failed(&mut self, core: &mut Core, now: Instant, tx: TxId, failure: Failure) {
        if self.timing.update != Some(tx) {
            return;
        }
        match failure {
            Failure::Wire(_) => self.timing.again(now + AGAIN),
            Failure::TimedOut => self.lost(core, now, 408),
        }
    }

    /// Our re-INVITE is over, and with it what it was to refresh: `done`, or again later.
    pub(super) fn reinvited(&mut self, now: Instant, response: &Response) {
        let wanted = std::mem::take(&mut self.timing.reinvite);
        match response.status {
            200..300 => self.timing.take_answer(now, response),
            422 if self.timing.lengthen(response) => self.timing.again(now),
            _ if wanted => self.timing.again(now + AGAIN),
            _ => {}
        }
        let waits = matches!(&self.state, State::Up(up) if matches!(up.change, Change::Later(_)));
        self.timing.reinvite |= wanted && waits;
    }
}
