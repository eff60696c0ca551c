//! Requests within a dialog, theirs and ours (RFC 3261 12.2, 14, 15; RFC 3311 UPDATE; RFC 6086 INFO): hold, changes of
//! the session, glare, BYE.

use super::{Call, Change, State, sdp_in, sdp_of, timer::Timing};
use crate::{
    core::{Core, SDP},
    dialog::Order,
    ice::Gathered,
    io::{EndReason, Event},
    offer::OfferError,
    text::{Method, Request, Response, decode},
    transaction::{Failure, Owner, TxId},
};
use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

/// How often a re-INVITE that met a 500 is tried again.
const MAX_TRIES: u8 = 5;
/// How long a call in another network waits for its RTP port.
const VOICE_FOLLOWS: Duration = Duration::from_millis(1500);
/// Most digits that wait for the one before.
const MAX_DIGITS: usize = 64;

impl Call {
    /// Whether a request of the peer belongs to this call.
    pub fn holds(&self, request: &Request) -> bool {
        match &self.state {
            State::Inviting(_) | State::Ringing(_) | State::Up(_) => self.dialog_of(request).is_some(),
            State::Waiting(_) | State::Over => false,
        }
    }

    fn dialog_of(&self, request: &Request) -> Option<&crate::dialog::Dialog> {
        match &self.state {
            State::Inviting(inviting) => inviting.early.iter().find(|d| d.holds(request)),
            State::Ringing(ringing) => Some(&ringing.dialog).filter(|d| d.holds(request)),
            State::Up(up) => Some(&up.dialog).filter(|d| d.holds(request)),
            State::Waiting(_) | State::Over => None,
        }
    }

    fn dialog_mut(&mut self, request: &Request) -> Option<&mut crate::dialog::Dialog> {
        match &mut self.state {
            State::Inviting(inviting) => inviting.early.iter_mut().find(|d| d.holds(request)),
            State::Ringing(ringing) => Some(&mut ringing.dialog),
            State::Up(up) => Some(&mut up.dialog),
            State::Waiting(_) | State::Over => None,
        }
    }

    /// A request of the peer in this call's dialog, any but ACK and CANCEL. The method is one that we know.
    pub fn on_request(&mut self, core: &mut Core, now: Instant, tx: TxId, request: &Request, source: super::Source) {
        let seq = request.cseq().map_or(0, |(n, _)| n);
        let Some(dialog) = self.dialog_mut(request) else {
            core.reply(now, self.account, tx, request, 481);
            return;
        };
        if dialog.count_remote(seq) == Order::Old {
            core.reply(now, self.account, tx, request, 500);
            return;
        }
        if dialog.source.is_some() {
            dialog.source = Some(source);
        }
        match request.method {
            Method::Bye => self.on_bye(core, now, tx, request),
            Method::Notify => self.on_refer_notify(core, now, tx, request),
            _ if self.shown.ended => core.reply(now, self.account, tx, request, 481),
            Method::Invite => self.on_reinvite(core, now, tx, request),
            Method::Update => self.on_update(core, now, tx, request),
            Method::Info => self.on_info(core, now, tx, request),
            Method::Refer => self.on_refer(core, now, tx, request),
            Method::Prack => self.on_prack(core, now, tx, request),
            _ => core.reply(now, self.account, tx, request, 481),
        }
    }

    fn on_bye(&mut self, core: &mut Core, now: Instant, tx: TxId, request: &Request) {
        match &mut self.state {
            State::Up(up) => {
                // Theirs crossed ours, or ours is not needed any more.
                up.bye_sent = true;
                up.change = Change::None;
                self.unacked = None;
                core.reply(now, self.account, tx, request, 200);
                self.end(core, EndReason::RemoteHangUp, None);
            }
            State::Ringing(_) => {
                core.reply(now, self.account, tx, request, 200);
                self.abandoned(core, now);
            }
            _ => core.reply(now, self.account, tx, request, 481),
        }
    }

    /// An ACK in this call's dialog.
    pub fn on_ack(&mut self, core: &mut Core, now: Instant, request: &Request) {
        let seq = request.cseq().map_or(0, |(n, _)| n);
        let Some(unacked) = self.unacked.take_if(|u| u.seq == seq) else { return };
        if unacked.late
            && let Err(error) = self.take_late_answer(core, request)
            && (unacked.initial || error == OfferError::NotEncrypted)
        {
            self.end(core, error.into(), None);
        }
        if self.shown.ended {
            self.bye(core, now);
            return;
        }
        if unacked.initial {
            self.show_answered(core);
        }
        self.pump(core, now);
    }

    /// The answer in the ACK to a 2xx with our offer. If it is none, what was agreed before stays.
    fn take_late_answer(&mut self, core: &mut Core, ack: &Request) -> Result<(), OfferError> {
        let Some(session) = &mut self.session else { return Err(OfferError::NoCommonCodec) };
        let answer = sdp_in(ack).ok_or(OfferError::NoCommonCodec);
        let agreed = answer.and_then(|answer| session.take_answer(answer).map(|_| ()));
        if agreed.is_ok() {
            self.show_media(core);
        } else {
            let hold = session.local_hold();
            session.withdraw(hold);
        }
        agreed
    }

    fn on_reinvite(&mut self, core: &mut Core, now: Instant, tx: TxId, request: &Request) {
        let State::Up(up) = &mut self.state else {
            self.later(core, now, tx, request);
            return;
        };
        if matches!(up.change, Change::Offered { .. }) {
            core.reply(now, self.account, tx, request, 491);
            return;
        }
        if self.unacked.is_some() {
            self.later(core, now, tx, request);
            return;
        }
        if let Some(response) = Timing::refusal(request) {
            return core.respond(now, self.account, tx, response);
        }
        let Some(session) = &mut self.session else { return core.reply(now, self.account, tx, request, 488) };
        let offer = sdp_in(request);
        let late = offer.is_none();
        let body = match offer {
            Some(offer) => session.answer(offer),
            None => {
                let hold = session.local_hold();
                Ok(session.offer(hold))
            }
        };
        let Ok(body) = body else { return core.reply(now, self.account, tx, request, 488) };
        up.dialog.refresh_target(request.contact());
        let response = self.accept(core, now, tx, request, Some(body));
        self.wait_for_ack(now, tx, response, late, false);
        self.show_peer(core, &request.headers);
        self.show_media(core);
    }

    fn on_update(&mut self, core: &mut Core, now: Instant, tx: TxId, request: &Request) {
        if let Some(response) = Timing::refusal(request) {
            return core.respond(now, self.account, tx, response);
        }
        let offer = sdp_in(request);
        let busy = match &self.state {
            State::Up(up) => {
                matches!(up.change, Change::Offered { .. }) || self.unacked.as_ref().is_some_and(|u| u.late)
            }
            // Our own offer, or theirs, has no final answer yet (RFC 3311 5.2).
            State::Inviting(_) => self.session.as_ref().is_some_and(|s| s.offer_pending()),
            _ => true,
        };
        let mut body = None;
        if let Some(offer) = offer {
            match (&mut self.session, busy) {
                (Some(session), false) => match session.answer(offer) {
                    Ok(answer) => body = Some(answer),
                    Err(_) => return core.reply(now, self.account, tx, request, 488),
                },
                (Some(_), true) if !matches!(self.state, State::Ringing(_)) => {
                    return core.reply(now, self.account, tx, request, 491);
                }
                _ => return self.later(core, now, tx, request),
            }
        }
        if let Some(dialog) = self.dialog_mut(request) {
            dialog.refresh_target(request.contact());
        }
        self.accept(core, now, tx, request, body);
        self.show_peer(core, &request.headers);
        self.show_media(core);
    }

    /// Sends a 200 within the dialog.
    fn accept(&mut self, core: &mut Core, now: Instant, tx: TxId, request: &Request, body: Option<String>) -> Response {
        let mut response = request.response(200, None);
        if let Some(contact) = core.contact(self.account) {
            response.headers.push("Contact", contact);
        }
        if let Some(body) = body {
            response.set_body(SDP, body.into_bytes());
        }
        if matches!(self.state, State::Up(_)) {
            self.timing.answer(now, request, &mut response);
        }
        core.dress(self.account, &mut response);
        core.tx.respond(now, tx, &response);
        response
    }

    /// Another offer is under way: try again (RFC 3261 14.2).
    fn later(&self, core: &mut Core, now: Instant, tx: TxId, request: &Request) {
        let mut response = request.response(500, None);
        let seconds = core.jitter(0..10_000).as_secs();
        response.headers.push("Retry-After", seconds.to_string());
        core.respond(now, self.account, tx, response);
    }

    /// `Input::Hold`.
    pub fn hold(&mut self, core: &mut Core, now: Instant, on: bool) {
        let State::Up(up) = &mut self.state else { return };
        (up.hold_wanted, up.tries) = (on, 0);
        self.pump(core, now);
    }

    /// We are found at another address than the peer knows (RFC 3261 12.2.1.1): it is told, or its BYE would never arrive.
    pub fn moved(&mut self, core: &mut Core, now: Instant) {
        let State::Up(up) = &mut self.state else { return };
        self.timing.reinvite = true;
        // What was to be sent again later can go now.
        if matches!(up.change, Change::Later(_)) {
            up.change = Change::None;
        }
        self.pump(core, now);
    }

    /// The same, and the address is another: where the voice is found is told together with it, or without it if no word
    /// of that comes soon.
    pub fn moved_away(&mut self, now: Instant) {
        let State::Up(up) = &mut self.state else { return };
        self.timing.reinvite = true;
        if matches!(up.change, Change::None) {
            up.change = Change::Later(now + VOICE_FOLLOWS);
        }
    }

    /// `Input::Move`.
    pub fn move_media(&mut self, core: &mut Core, now: Instant, media: SocketAddr, gathered: Vec<Gathered>) {
        if let Some(session) = &mut self.session {
            session.move_to(media, gathered);
            self.moved(core, now);
        }
    }

    /// Sends a re-INVITE if what is wanted differs from what is, and nothing else is under way.
    pub(super) fn pump(&mut self, core: &mut Core, now: Instant) {
        let (State::Up(up), Some(session)) = (&mut self.state, &mut self.session) else { return };
        let hold_before = session.local_hold();
        let idle = matches!(up.change, Change::None) && self.unacked.is_none() && !session.offer_pending();
        if self.shown.ended || !idle || up.hold_wanted == hold_before && !self.timing.reinvite {
            return;
        }
        let (Some(contact), Some(to)) =
            (core.contact(self.account), core.account(self.account).map(|a| a.dialog_destination(&up.dialog)))
        else {
            core.need_wire(self.account);
            up.change = Change::Later(now + Duration::from_secs(2));
            return;
        };
        let body = session.offer(up.hold_wanted);
        let mut request = up.dialog.request(Method::Invite);
        request.headers.push("Contact", contact);
        request.headers.push("Allow", crate::core::ALLOW);
        request.headers.push("Supported", crate::core::SUPPORTED);
        self.timing.dress(&mut request);
        request.set_body(SDP, body.into_bytes());
        let tx = core.send(now, self.account, to, request, Owner::Reinvite(self.id));
        if let Some(tx) = tx {
            up.change = Change::Offered { tx, hold_before };
        }
        self.opened(tx);
    }

    pub(super) fn reinvite_response(&mut self, core: &mut Core, now: Instant, tx: TxId, response: &Response) {
        if response.status < 200 {
            return;
        }
        if response.status < 300 && self.ack_again(core, response) {
            return;
        }
        let State::Up(up) = &mut self.state else { return };
        let Change::Offered { tx: current, hold_before } = up.change else {
            if response.status < 300 {
                let dialog = up.dialog.clone();
                self.ack(core, &dialog, response.cseq().map_or(0, |(n, _)| n));
            }
            return;
        };
        if current != tx {
            return;
        }
        match response.status {
            200..300 => {
                (up.change, up.tries) = (Change::None, 0);
                up.dialog.refresh_target(response.contact());
                let dialog = up.dialog.clone();
                self.ack(core, &dialog, response.cseq().map_or(0, |(n, _)| n));
                let agreed = match (&mut self.session, sdp_of(response)) {
                    (Some(session), Some(answer)) => session.take_answer(answer).map(|_| ()),
                    _ => Err(OfferError::NoCommonCodec),
                };
                self.reinvited(now, response);
                self.show_peer(core, &response.headers);
                match agreed {
                    Ok(()) => {
                        self.show_media(core);
                        self.pump(core, now);
                    }
                    // Its voice is plain from here on; ours will not be.
                    Err(OfferError::NotEncrypted) => {
                        self.end(core, EndReason::NotEncrypted, None);
                        self.bye(core, now);
                    }
                    Err(_) => self.keep_as_was(core, hold_before),
                }
            }
            401 | 407 if !self.shown.ended => {
                match self.answer_challenge(core, now, tx, Owner::Reinvite(self.id), response) {
                    Some(again) => self.set_change(Change::Offered { tx: again, hold_before }),
                    None => self.keep_as_was(core, hold_before),
                }
            }
            408 | 481 => {
                let why = if response.status == 481 { EndReason::RemoteHangUp } else { EndReason::TimedOut };
                self.set_change(Change::None);
                self.end(core, why, Some(response.status));
                self.bye(core, now);
            }
            491 => {
                // Who made the call waits longer, so that one comes first (RFC 3261 14.1).
                let pause = if self.outgoing { core.jitter(2100..4000) } else { core.jitter(0..2000) };
                self.try_later(now + pause, hold_before);
            }
            // Their offer is under way, or the network put our requests out of order (RFC 3261 12.2.2, 14.2).
            500 if up.tries < MAX_TRIES => {
                up.tries += 1;
                let pause = crate::registration::retry_after(response).unwrap_or_default();
                self.try_later(now + pause.clamp(Duration::from_millis(500), Duration::from_secs(10)), hold_before);
            }
            _ => self.keep_as_was(core, hold_before),
        }
        let offered = matches!(&self.state, State::Up(up) if matches!(up.change, Change::Offered { .. }));
        if response.status >= 300 && !offered {
            self.reinvited(now, response);
        }
    }

    pub(super) fn reinvite_failed(&mut self, core: &mut Core, now: Instant, tx: TxId, failure: Failure) {
        let State::Up(up) = &mut self.state else { return };
        let Change::Offered { tx: current, hold_before } = up.change else { return };
        if current != tx {
            return;
        }
        match failure {
            Failure::Wire(_) => self.try_later(now + Duration::from_secs(2), hold_before),
            Failure::TimedOut => {
                // RFC 3261 12.2.1.2: a peer that does not answer in a dialog is gone.
                up.change = Change::None;
                self.end(core, EndReason::TimedOut, None);
                self.bye(core, now);
            }
        }
    }

    fn set_change(&mut self, change: Change) {
        if let State::Up(up) = &mut self.state {
            up.change = change;
        }
    }

    fn try_later(&mut self, at: Instant, hold_before: bool) {
        self.set_change(Change::Later(at));
        if let Some(session) = &mut self.session {
            session.withdraw(hold_before);
        }
    }

    /// Our change was refused: the call goes on as it was, and the user sees that.
    fn keep_as_was(&mut self, core: &mut Core, hold_before: bool) {
        let (State::Up(up), Some(session)) = (&mut self.state, &mut self.session) else { return };
        up.change = Change::None;
        up.hold_wanted = hold_before;
        session.withdraw(hold_before);
        let hold = (hold_before, session.remote_hold());
        self.show_hold(core, hold);
    }

    /// A digit that the far side pressed, as its phone tells it: `application/dtmf-relay` (`Signal=5`) or
    /// `application/dtmf` (the digit alone). Other INFOs are only answered.
    fn on_info(&mut self, core: &mut Core, now: Instant, tx: TxId, request: &Request) {
        core.reply(now, self.account, tx, request, 200);
        let relay = request.body_of("application/dtmf-relay").map(decode);
        let signal = relay.as_deref().and_then(|body| {
            let mut fields = body.lines().filter_map(|line| line.split_once('='));
            fields
                .find(|(name, _)| name.trim().eq_ignore_ascii_case("Signal"))
                .map(|(_, value)| value.trim().to_string())
        });
        let bare = || request.body_of("application/dtmf").map(|body| decode(body).trim().to_string());
        let digit = match signal.or_else(bare).as_deref() {
            // Events by their number (RFC 4733 3.2), as some gateways send them.
            Some("10") => Some('*'),
            Some("11") => Some('#'),
            Some(one) if one.chars().count() == 1 => one.chars().next().map(|c| c.to_ascii_uppercase()),
            _ => None,
        };
        if let Some(digit) = digit.filter(|d| d.is_ascii_digit() || "ABCD*#".contains(*d)) {
            self.tell(core, Event::Digit { call: self.id, digit });
        }
    }

    /// `Input::Info`: one DTMF digit, for peers without telephone-event. Digits go one after the other, each once the one
    /// before is answered, so that they arrive in their order.
    pub fn info(&mut self, core: &mut Core, now: Instant, digit: char) {
        let State::Up(up) = &mut self.state else { return };
        let digit = digit.to_ascii_uppercase();
        if (digit.is_ascii_digit() || "ABCD*#".contains(digit)) && up.digits.len() < MAX_DIGITS {
            up.digits.push_back(digit);
            self.next_digit(core, now);
        }
    }

    fn next_digit(&mut self, core: &mut Core, now: Instant) {
        let State::Up(up) = &mut self.state else { return };
        if self.shown.ended || up.digit_sent.is_some() {
            return;
        }
        let Some(to) = core.account(self.account).map(|a| a.dialog_destination(&up.dialog)) else { return };
        let Some(digit) = up.digits.pop_front() else { return };
        let mut request = up.dialog.request(Method::Info);
        request.set_body("application/dtmf-relay", format!("Signal={digit}\r\nDuration=160\r\n").into_bytes());
        let tx = core.send(now, self.account, to, request, Owner::Info(self.id));
        up.digit_sent = tx;
        self.opened(tx);
    }

    /// The INFO in flight was answered, or will not be. `again`: it was sent anew, with answers to challenges.
    pub(super) fn digit_done(&mut self, core: &mut Core, now: Instant, tx: TxId, again: Option<TxId>) {
        let State::Up(up) = &mut self.state else { return };
        if up.digit_sent == Some(tx) {
            up.digit_sent = again;
            self.next_digit(core, now);
        }
    }
}
