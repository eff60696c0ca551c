//! A call: one INVITE, its dialogs, its offer and answer, until both sides have agreed that it is over
//! (RFC 3261 13-15, RFC 3264, RFC 3311).
//!
//! ```text
//! outgoing: Waiting ─wire up─> Inviting ─2xx─> Up ─BYE─┐
//! incoming:                    Ringing ─Answer─> Up ───┴─> over once every transaction is done
//! ```
//!
//! The user's call ends at once with `Event::Ended`, exactly once; what the peer must still be told goes on behind it.

mod incoming;
mod outgoing;
mod reliable;
mod timer;
mod transfer;
mod within;

use crate::{
    config::{AccountId, CallId},
    control::TransferFailure,
    core::{Core, SDP},
    credentials::Rounds,
    dialog::Dialog,
    identity,
    io::{Destination, EndReason, Event, MediaSession, Peer, WireFailure},
    offer::Negotiation,
    reason,
    refer::Replaces,
    text::{Headers, Method, Request, Response},
    transaction::{Failure, Owner, T1, T1_X64, T2, TxId},
};
use std::{
    collections::{BTreeMap, VecDeque},
    net::SocketAddr,
    time::{Duration, Instant},
};

use outgoing::Waiting;
use timer::Timing;

/// The answer to an INVITE whose session timer we cannot have (RFC 4028).
pub(crate) fn timer_refusal(invite: &Request) -> Option<Response> {
    Timing::refusal(invite)
}

/// Where a request came from: address and flow.
pub(crate) type Source = (SocketAddr, Option<u64>);

/// How often a BYE that meets a 500 is said again.
const MAX_BYES: u8 = 3;
/// Most ACKs kept for a 2xx that comes again.
const MAX_ACKS: usize = 16;

pub(crate) struct Call {
    pub id: CallId,
    pub account: AccountId,
    outgoing: bool,
    state: State,
    session: Option<Negotiation>,
    shown: Shown,
    /// Our requests that are not over, with the challenges answered for each.
    open: BTreeMap<TxId, Rounds>,
    acks: Vec<SentAck>,
    /// Our 2xx to an INVITE of the peer, until its ACK comes.
    unacked: Option<Unacked>,
    /// Who is at the other end, as far as we were told.
    peer: Peer,
    refer_out: Option<transfer::ReferOut>,
    refer_in: Option<transfer::ReferIn>,
    /// A REFER of the peer was granted before.
    referred_before: bool,
    /// The call whose far side asked for this one, until the outcome is told.
    referrer: Option<CallId>,
    timing: Timing,
    /// RSeq of our last reliable 180, and the CSeq of its INVITE.
    reliable: Option<(u32, u32)>,
}

enum State {
    /// Outgoing, until the account's wire is up.
    Waiting(Waiting),
    Inviting(Box<outgoing::Inviting>),
    Ringing(Box<incoming::Ringing>),
    Up(Box<Up>),
    Over,
}

/// A confirmed dialog.
struct Up {
    dialog: Dialog,
    /// What `Input::Hold` asked for last.
    hold_wanted: bool,
    change: Change,
    /// How often in a row our change met a 500.
    tries: u8,
    /// DTMF digits still to be sent by INFO, and the INFO in flight.
    digits: VecDeque<char>,
    digit_sent: Option<TxId>,
    bye_sent: bool,
    /// How often it was said again after a 500.
    bye_again: u8,
}

impl Up {
    fn new(dialog: Dialog) -> Box<Self> {
        Box::new(Up {
            dialog,
            hold_wanted: false,
            change: Change::None,
            tries: 0,
            digits: VecDeque::new(),
            digit_sent: None,
            bye_sent: false,
            bye_again: 0,
        })
    }
}

/// Our own re-INVITE.
#[derive(Clone, Copy)]
enum Change {
    None,
    Offered {
        tx: TxId,
        hold_before: bool,
    },
    /// It met the peer's (491), or the wire was down: again at that time.
    Later(Instant),
}

/// What the user was told.
#[derive(Default)]
struct Shown {
    ended: bool,
    answered: bool,
    ringing: Option<bool>,
    media: Option<MediaSession>,
    hold: (bool, bool),
}

struct SentAck {
    remote_tag: String,
    seq: u32,
    to: Destination,
    bytes: Vec<u8>,
}

struct Unacked {
    tx: TxId,
    response: Response,
    seq: u32,
    again: Instant,
    interval: Duration,
    until: Instant,
    /// The 2xx holds our offer; the ACK must hold the answer.
    late: bool,
    /// It answers the INVITE that made the call.
    initial: bool,
}

impl Call {
    fn new(id: CallId, account: AccountId, outgoing: bool, state: State) -> Self {
        Call {
            id,
            account,
            outgoing,
            state,
            session: None,
            shown: Shown::default(),
            open: BTreeMap::new(),
            acks: Vec::new(),
            unacked: None,
            peer: Peer::default(),
            refer_out: None,
            refer_in: None,
            referred_before: false,
            referrer: None,
            timing: Timing::default(),
            reliable: None,
        }
    }

    /// Whether nothing is left to be done: the call may be forgotten.
    pub fn finished(&self) -> bool {
        self.shown.ended && self.open.is_empty() && self.unacked.is_none() && !self.refer_lingers()
    }

    pub fn ringing(&self) -> bool {
        matches!(self.state, State::Ringing(_))
    }

    /// Whether the peer has still to be told that it is over.
    pub fn closing(&self) -> bool {
        self.unacked.is_some() || self.open.keys().next().is_some()
    }

    pub fn poll_timeout(&self) -> Option<(Instant, &'static str)> {
        let state = match &self.state {
            State::Waiting(waiting) => Some((waiting.until, "call waits for its wire")),
            State::Inviting(inviting) if !self.shown.ended => Some((inviting.give_up_at, "nobody answers")),
            State::Ringing(ringing) => Some(ringing.timer()),
            State::Up(up) => match up.change {
                Change::Later(at) if !self.shown.ended => Some((at, "re-INVITE again")),
                _ => None,
            },
            _ => None,
        };
        let up = !self.shown.ended && matches!(self.state, State::Up(_));
        let session = self.timing.poll_timeout().filter(|_| up);
        let unacked = self.unacked.as_ref().map(|u| (u.again.min(u.until), "2xx without ACK"));
        state.into_iter().chain(unacked).chain(session).chain(self.refer_timer()).min()
    }

    pub fn on_timer(&mut self, core: &mut Core, now: Instant) {
        self.repeat_2xx(core, now);
        self.refer_timers(core, now);
        self.session_timer(core, now);
        if self.poll_timeout().is_none_or(|(at, _)| at > now) {
            return;
        }
        match &mut self.state {
            State::Waiting(_) => self.end(core, EndReason::TimedOut, None),
            State::Inviting(_) => self.give_up(core, now, EndReason::NoAnswer),
            State::Ringing(_) => self.keep_ringing(core, now),
            State::Up(up) => {
                up.change = Change::None;
                self.pump(core, now);
            }
            State::Over => {}
        }
    }

    fn repeat_2xx(&mut self, core: &mut Core, now: Instant) {
        let Some(unacked) = &mut self.unacked else { return };
        if unacked.until <= now {
            // RFC 3261 13.3.1.4: no ACK in 64*T1 ends the call.
            self.unacked = None;
            self.end(core, EndReason::TimedOut, None);
            self.bye(core, now);
        } else if unacked.again <= now {
            unacked.interval = (unacked.interval * 2).min(T2);
            unacked.again = unacked.again.max(now) + unacked.interval;
            let (tx, response) = (unacked.tx, unacked.response.clone());
            core.tx.respond(now, tx, &response);
        }
    }

    /// `Input::HangUp`.
    pub fn hang_up(&mut self, core: &mut Core, now: Instant) {
        if self.shown.ended {
            return;
        }
        match &self.state {
            State::Waiting(_) => self.end(core, EndReason::Cancelled, None),
            State::Inviting(_) => self.give_up(core, now, EndReason::Cancelled),
            State::Ringing(_) => self.reject(core, now, 603),
            State::Up(_) => {
                self.end(core, EndReason::LocalHangUp, None);
                // The callee may not say BYE before the ACK (RFC 3261 15).
                if self.unacked.as_ref().is_none_or(|u| !u.initial) {
                    self.unacked = None;
                    self.bye(core, now);
                }
            }
            State::Over => {}
        }
    }

    /// Tells the user, once. What goes on behind it is the caller's to start.
    fn end(&mut self, core: &mut Core, reason: EndReason, status: Option<u16>) {
        if !self.shown.ended {
            self.shown.ended = true;
            self.tell_referrer(core, reason::to_sipfrag(reason, status));
            core.event(Event::Ended { call: self.id, reason, status });
        }
        if matches!(self.state, State::Waiting(_) | State::Ringing(_)) {
            self.state = State::Over;
        }
    }

    fn tell(&self, core: &mut Core, event: Event) {
        if !self.shown.ended {
            core.event(event);
        }
    }

    /// Says to the far side of the call that asked for this one how it goes.
    fn tell_referrer(&mut self, core: &mut Core, status: u16) {
        if let Some(referrer) = self.referrer {
            core.refer_words.push_back((referrer, status));
            if status >= 200 {
                self.referrer = None;
            }
        }
    }

    /// Says BYE in the confirmed dialog, once.
    fn bye(&mut self, core: &mut Core, now: Instant) {
        let State::Up(up) = &mut self.state else { return };
        if up.bye_sent {
            return;
        }
        up.bye_sent = true;
        let Some(to) = core.account(self.account).map(|a| a.dialog_destination(&up.dialog)) else { return };
        let bye = up.dialog.request(Method::Bye);
        let tx = core.send(now, self.account, to, bye, Owner::Bye(self.id));
        self.opened(tx);
    }

    fn bye_again(&mut self, core: &mut Core, now: Instant) {
        if let State::Up(up) = &mut self.state
            && up.bye_again < MAX_BYES
        {
            (up.bye_again, up.bye_sent) = (up.bye_again + 1, false);
            self.bye(core, now);
        }
    }

    fn opened(&mut self, tx: Option<TxId>) {
        if let Some(tx) = tx {
            self.open.insert(tx, Rounds::default());
        }
    }

    /// Acknowledges a 2xx of that dialog, and remembers how, for when it comes again.
    fn ack(&mut self, core: &mut Core, dialog: &Dialog, seq: u32) {
        let Some(to) = core.account(self.account).map(|a| a.dialog_destination(dialog)) else { return };
        let bytes = core.send_ack(self.account, &to, dialog.ack(seq));
        if self.acks.len() >= MAX_ACKS {
            self.acks.remove(0);
        }
        self.acks.push(SentAck { remote_tag: dialog.remote_tag().to_string(), seq, to, bytes });
    }

    /// Whether that 2xx had been acknowledged before; it is again.
    fn ack_again(&mut self, core: &mut Core, response: &Response) -> bool {
        let (tag, seq) = (response.to_tag().unwrap_or_default(), response.cseq().map_or(0, |(n, _)| n));
        let Some(ack) = self.acks.iter().find(|a| a.remote_tag == tag && a.seq == seq) else { return false };
        if !ack.bytes.is_empty() {
            core.send_bytes(self.account, &ack.to, ack.bytes.clone());
        }
        true
    }

    /// Tells what of the media and the holds changed.
    fn show_media(&mut self, core: &mut Core) {
        let Some(session) = &self.session else { return };
        let hold = (session.local_hold(), session.remote_hold());
        let media = session.media().cloned();
        if media.is_some() && media != self.shown.media {
            self.shown.media.clone_from(&media);
            if let Some(session) = media {
                self.tell(core, Event::Media { call: self.id, session });
            }
        }
        if hold != self.shown.hold {
            self.show_hold(core, hold);
        }
    }

    fn show_hold(&mut self, core: &mut Core, hold: (bool, bool)) {
        self.shown.hold = hold;
        self.tell(core, Event::Hold { call: self.id, local: hold.0, remote: hold.1 });
    }

    fn show_answered(&mut self, core: &mut Core) {
        if !self.shown.answered {
            self.shown.answered = true;
            self.tell_referrer(core, 200);
            self.tell(core, Event::Answered { call: self.id });
        }
    }

    pub fn on_response(&mut self, core: &mut Core, now: Instant, tx: TxId, owner: Owner, response: &Response) {
        match owner {
            Owner::Invite(_) => self.invite_response(core, now, tx, response),
            Owner::Reinvite(_) => self.reinvite_response(core, now, tx, response),
            Owner::Bye(_) if matches!(response.status, 401 | 407) => {
                self.answer_challenge(core, now, tx, owner, response);
            }
            // Something of ours overtook it (RFC 3261 12.2.2): said again, it is the newest.
            Owner::Bye(_) if response.status == 500 => self.bye_again(core, now),
            Owner::Info(_) if response.status >= 200 => {
                let challenged = matches!(response.status, 401 | 407);
                let again = if challenged { self.answer_challenge(core, now, tx, owner, response) } else { None };
                self.digit_done(core, now, tx, again);
            }
            Owner::Update(_) => self.update_response(core, now, tx, response),
            Owner::Refer(_) => self.refer_response(core, now, tx, response),
            Owner::Notify(_) => self.notified(core, now, tx, Some(response)),
            _ => {}
        }
    }

    pub fn on_failed(&mut self, core: &mut Core, now: Instant, tx: TxId, owner: Owner, failure: Failure) {
        match owner {
            Owner::Invite(_) => self.invite_failed(core, now, tx, failure),
            Owner::Reinvite(_) => self.reinvite_failed(core, now, tx, failure),
            Owner::Info(_) => self.digit_done(core, now, tx, None),
            Owner::Update(_) => self.update_failed(core, now, tx, failure),
            Owner::Refer(_) if self.refers_by(tx) => self.refer_failed(core, TransferFailure::TimedOut),
            Owner::Notify(_) => self.notified(core, now, tx, None),
            _ => {}
        }
    }

    pub fn on_done(&mut self, tx: TxId) {
        self.open.remove(&tx);
    }

    /// The account's wire went down. A call that waits for it ends, and so does one that rings over a `stream`: neither
    /// our answer nor the caller's CANCEL could pass. The others live on until something must be sent.
    pub fn wire_down(&mut self, core: &mut Core, failure: WireFailure, stream: bool) {
        match &self.state {
            State::Waiting(_) => self.end(core, EndReason::Wire(failure), None),
            State::Ringing(ringing) if stream => {
                core.tx.forget_request(ringing.tx);
                self.end(core, EndReason::Wire(failure), None);
            }
            _ => {}
        }
    }

    /// Our 2xx could not be carried: the flow that the call came by is gone.
    pub fn answer_lost(&mut self, core: &mut Core, tx: TxId, failure: WireFailure) {
        if self.unacked.as_ref().is_some_and(|u| u.tx == tx && u.initial) {
            self.unacked = None;
            self.end(core, EndReason::Wire(failure), None);
            self.state = State::Over;
        }
    }

    /// Drops everything without a word to the peer: the account is gone.
    pub fn forget(&mut self, core: &mut Core, reason: EndReason) {
        self.end(core, reason, None);
        self.state = State::Over;
        self.open.clear();
        self.unacked = None;
        (self.refer_out, self.refer_in) = (None, None);
    }

    /// Tells who is at the other end, where a message of the PBX names somebody else, or better than before.
    fn show_peer(&mut self, core: &mut Core, headers: &Headers) {
        let Some(mut peer) = core.account(self.account).and_then(|a| identity::asserted(a, headers)) else { return };
        if peer.name.is_none() && peer.address == self.peer.address {
            peer.name.clone_from(&self.peer.name);
        }
        let same = (&peer.name, &peer.address) == (&self.peer.name, &self.peer.address);
        self.peer = peer;
        if !same {
            self.tell(core, Event::PeerChanged { call: self.id, peer: self.peer.clone() });
        }
    }

    /// How a Replaces fits this call (RFC 3891 3): the status that refuses it, if not. `None`: it means another dialog.
    pub fn replaceable(&self, replaces: &Replaces) -> Option<Result<CallId, u16>> {
        let means = |dialog: &Dialog| dialog.is(replaces);
        match &self.state {
            State::Up(up) if means(&up.dialog) => Some(match (self.shown.ended, replaces.early_only) {
                (true, _) => Err(603),
                (_, true) => Err(486),
                _ => Ok(self.id),
            }),
            // Early dialogs can be replaced by whoever made them only.
            State::Ringing(ringing) if means(&ringing.dialog) => Some(Err(481)),
            State::Inviting(inviting) if inviting.early.iter().any(means) => {
                Some(if self.shown.ended { Err(603) } else { Ok(self.id) })
            }
            _ => None,
        }
    }

    /// Answers the challenge to a request within the dialog, where that is allowed. Whether it was sent again.
    fn answer_challenge(
        &mut self,
        core: &mut Core,
        now: Instant,
        tx: TxId,
        owner: Owner,
        response: &Response,
    ) -> Option<TxId> {
        let State::Up(up) = &mut self.state else { return None };
        let to = core.tx.destination(tx)?.clone();
        let end = up.dialog.target().map(|uri| uri.host);
        if !core.may_authenticate(self.account, &to, end.as_ref(), response.status) {
            return None;
        }
        let mut rounds = self.open.get(&tx).cloned().unwrap_or_default();
        core.challenged(self.account, response, &mut rounds).ok()?;
        let seq = up.dialog.next_seq();
        let again = core.resend(now, self.account, tx, seq, &rounds, owner)?;
        self.open.insert(again, rounds);
        Some(again)
    }

    fn wait_for_ack(&mut self, now: Instant, tx: TxId, response: Response, late: bool, initial: bool) {
        let seq = response.cseq().map_or(0, |(n, _)| n);
        let (again, until) = (now + T1, now + T1_X64);
        self.unacked = Some(Unacked { tx, response, seq, again, interval: T1, until, late, initial });
    }
}

/// The offer or answer in a message, if it has one.
fn sdp_in(request: &Request) -> Option<&[u8]> {
    request.body_of(SDP)
}

fn sdp_of(response: &Response) -> Option<&[u8]> {
    response.body_of(SDP)
}
