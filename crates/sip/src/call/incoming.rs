//! The called side (RFC 3261 13.3): ring, answer, refuse, be cancelled.

use super::{Call, Source, State, Up, reliable::Unheard, sdp_in};
use crate::{
    config::{AccountId, CallId},
    core::{Core, SDP},
    dialog::Dialog,
    identity,
    io::{CallHeaders, EndReason, Event, LocalMedia},
    reason,
    text::{NameAddr, Request, Response},
    transaction::TxId,
};
use std::time::{Duration, Instant};

/// For how long we ring, unless the INVITE's Expires is shorter.
const MAX_RINGING: Duration = Duration::from_secs(300);
/// Proxies give up on a silent INVITE after three minutes (RFC 3261 13.3.1.1).
const REMIND: Duration = Duration::from_secs(60);

pub(super) struct Ringing {
    pub tx: TxId,
    pub invite: Request,
    pub dialog: Dialog,
    remind_at: Instant,
    until: Instant,
    pub unheard: Option<Unheard>,
}

impl Ringing {
    pub fn timer(&self) -> (Instant, &'static str) {
        let unheard = self.unheard.as_ref().map(Unheard::timer);
        [(self.remind_at, "180 again"), (self.until, "rang long enough")]
            .into_iter()
            .chain(unheard)
            .fold((self.until, "rang long enough"), Ord::min)
    }
}

impl Call {
    /// A new INVITE, already found acceptable: rings. `None` if no dialog can be made of it; it is answered then.
    pub fn incoming(
        core: &mut Core,
        now: Instant,
        account: AccountId,
        id: CallId,
        (tx, invite, source): (TxId, Request, Source),
        replaces: Option<CallId>,
    ) -> Option<Self> {
        let tag = core.token();
        let Some(dialog) = Dialog::of_request(&invite, &tag, source) else {
            core.reply(now, account, tx, &invite, 400);
            return None;
        };
        let (peer, headers) = {
            let account = core.account(account)?;
            (identity::caller(account, &invite), identity::call_headers(account, &invite))
        };
        let headers = CallHeaders { replaces, ..headers };
        let expires = invite.headers.number("Expires").filter(|s| *s > 0);
        let patience = expires.map_or(MAX_RINGING, |s| Duration::from_secs(u64::from(s)).min(MAX_RINGING));
        let ringing = Ringing { tx, invite, dialog, remind_at: now + REMIND, until: now + patience, unheard: None };
        let mut call = Call::new(id, account, false, State::Ringing(Box::new(ringing)));
        call.peer.clone_from(&peer);
        call.send_180(core, now);
        core.event(Event::Incoming { account, call: id, peer, headers });
        Some(call)
    }

    fn send_180(&mut self, core: &mut Core, now: Instant) {
        let State::Ringing(ringing) = &self.state else { return };
        let tx = ringing.tx;
        let mut response = self.response(core, ringing, 180);
        self.make_reliable(core, now, &mut response);
        core.respond(now, self.account, tx, response);
    }

    fn response(&self, core: &Core, ringing: &Ringing, status: u16) -> Response {
        let mut response = ringing.invite.response(status, Some(ringing.dialog.local_tag()));
        if let Some(contact) = core.contact(self.account).filter(|_| status < 300) {
            response.headers.push("Contact", contact);
        }
        response
    }

    pub(super) fn keep_ringing(&mut self, core: &mut Core, now: Instant) {
        if !self.repeat_180(core, now) {
            return;
        }
        let State::Ringing(ringing) = &mut self.state else { return };
        if ringing.until <= now {
            self.refuse(core, now, 480, EndReason::Missed);
        } else if ringing.remind_at <= now {
            ringing.remind_at = now + REMIND;
            self.send_180(core, now);
        }
    }

    /// The INVITE that made this call.
    pub fn is_invited_by(&self, tx: TxId) -> bool {
        matches!(&self.state, State::Ringing(ringing) if ringing.tx == tx)
    }

    /// `Input::Answer`.
    pub fn answer(&mut self, core: &mut Core, now: Instant, media: LocalMedia) {
        let State::Ringing(ringing) = &self.state else { return };
        let mut session = core.negotiation(self.account, media);
        let offer = sdp_in(&ringing.invite);
        let late = offer.is_none();
        let body = match offer {
            Some(offer) => session.answer(offer),
            None => Ok(session.offer(false)),
        };
        let body = match body {
            Ok(body) => body,
            Err(error) => return self.refuse(core, now, 488, error.into()),
        };
        let mut response = self.response(core, ringing, 200);
        response.set_body(SDP, body.into_bytes());
        self.timing.answer(now, &ringing.invite, &mut response);
        core.dress(self.account, &mut response);
        let tx = ringing.tx;
        let dialog = ringing.dialog.clone();
        core.tx.respond(now, tx, &response);
        self.session = Some(session);
        self.state = State::Up(Up::new(dialog));
        self.wait_for_ack(now, tx, response, late, true);
        self.show_media(core);
    }

    /// `Input::Reject`.
    pub fn reject(&mut self, core: &mut Core, now: Instant, status: u16) {
        let status = if (400..700).contains(&status) { status } else { 603 };
        self.refuse(core, now, status, EndReason::Declined);
    }

    /// `Input::Redirect`: 302; 480 where the target is no address, so that nobody rings for ever.
    pub fn redirect(&mut self, core: &mut Core, now: Instant, target: &str) {
        let State::Ringing(ringing) = &self.state else { return };
        let Some(uri) = core.account(self.account).and_then(|a| identity::target(a, target)) else {
            return self.refuse(core, now, 480, EndReason::BadTarget);
        };
        let mut response = self.response(core, ringing, 302);
        response.headers.push("Contact", NameAddr::of(uri).to_string());
        core.respond(now, self.account, ringing.tx, response);
        self.end(core, EndReason::Forwarded, Some(302));
    }

    pub(super) fn refuse(&mut self, core: &mut Core, now: Instant, status: u16, why: EndReason) {
        let State::Ringing(ringing) = &self.state else { return };
        let response = self.response(core, ringing, status);
        core.respond(now, self.account, ringing.tx, response);
        self.end(core, why, Some(status));
    }

    /// The caller gave up; the CANCEL itself is already answered.
    pub fn cancelled(&mut self, core: &mut Core, now: Instant, cancel: &Request) {
        self.refuse(core, now, 487, reason::of_cancel(cancel));
    }

    /// The caller says BYE to a call that still rings.
    pub(super) fn abandoned(&mut self, core: &mut Core, now: Instant) {
        self.refuse(core, now, 487, EndReason::Missed);
    }
}
