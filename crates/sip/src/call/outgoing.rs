//! The calling side (RFC 3261 13.2, 9.1): INVITE, provisional answers, forks, CANCEL, redirects, challenges.

use super::{Call, State, Up, sdp_of};
use crate::{
    config::{AccountId, CallId},
    core::{Core, SDP},
    credentials::Rounds,
    dialog::Dialog,
    failover::AVOIDED,
    identity,
    io::{Destination, EndReason, Event, LocalMedia},
    offer::{Negotiation, OfferError},
    reason,
    registration::retry_after,
    text::{Method, NameAddr, Request, Response, Uri},
    transaction::{Failure, Owner, T1_X64, TxId},
};
use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

/// For how long we let the far side ring.
const PATIENCE: Duration = Duration::from_secs(180);
/// Most targets of a 3xx that are told.
const MAX_TARGETS: usize = 5;
/// Most early dialogs of one INVITE.
const MAX_FORKS: usize = 16;

#[derive(Clone)]
pub(super) struct Waiting {
    pub until: Instant,
    pub target: String,
    pub media: LocalMedia,
    /// Headers of the INVITE that a transfer asks for.
    pub extra: Vec<(&'static str, String)>,
    /// It was sent before, to a server that failed.
    pub again: bool,
}

pub(super) struct Inviting {
    tx: TxId,
    pub seq: u32,
    /// Early dialogs, by the tags of those who answered.
    pub early: Vec<Dialog>,
    /// RSeq of the last reliable response of each, which was acknowledged.
    pub acknowledged: BTreeMap<String, u32>,
    rang: bool,
    pub give_up_at: Instant,
    cancel: Cancel,
    /// What it was made of, should another server be asked.
    origin: Waiting,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Cancel {
    No,
    /// At the first provisional response: not before (RFC 3261 9.1).
    Wanted,
    Sent,
}

impl Call {
    /// `Input::Invite`.
    pub fn outgoing(
        core: &mut Core,
        now: Instant,
        account: AccountId,
        id: CallId,
        target: String,
        media: LocalMedia,
    ) -> Self {
        let waiting = Waiting { until: now + T1_X64, target, media, extra: Vec::new(), again: false };
        let mut call = Call::new(id, account, true, State::Waiting(waiting));
        call.launch(core, now);
        call
    }

    /// Sends the INVITE of a call that waited for the wire.
    pub fn launch(&mut self, core: &mut Core, now: Instant) {
        let State::Waiting(waiting) = &self.state else { return };
        let Some(account) = core.account(self.account) else {
            self.end(core, EndReason::BadTarget, None);
            return;
        };
        let Some(uri) = identity::target(account, &waiting.target) else {
            self.end(core, EndReason::BadTarget, None);
            return;
        };
        if account.local().is_none() {
            core.need_wire(self.account);
            return;
        }
        let (request_uri, to) = if account.config.serve_registrations && account.is_own_host(&uri.host) {
            let user = uri.user_text().unwrap_or_default();
            let Some(binding) = account.registrar.binding(&user) else {
                self.end(core, EndReason::TemporarilyUnavailable, None);
                return;
            };
            (binding.contact.clone(), Destination::Source { addr: binding.source, flow: binding.flow })
        } else {
            (uri.to_string(), account.destination(&uri))
        };
        let (media, origin) = (waiting.media.clone(), waiting.clone());
        let mut session = core.negotiation(self.account, media);
        let body = session.offer(false);
        let tx = self.send_invite(core, now, &request_uri, &uri, to, body.into_bytes());
        self.peer = identity::peer_of(&NameAddr::of(uri));
        self.session = Some(session);
        match tx {
            Some(tx) => {
                self.opened(Some(tx));
                self.state = State::Inviting(Box::new(Inviting {
                    tx,
                    seq: 1,
                    early: Vec::new(),
                    acknowledged: BTreeMap::new(),
                    rang: false,
                    give_up_at: now + PATIENCE,
                    cancel: Cancel::No,
                    origin,
                }));
            }
            None => self.end(core, EndReason::Protocol, None),
        }
    }

    fn send_invite(
        &self,
        core: &mut Core,
        now: Instant,
        request_uri: &str,
        target: &Uri,
        to: Destination,
        body: Vec<u8>,
    ) -> Option<TxId> {
        let whom = NameAddr::of(target.clone()).to_string();
        let mut request = core.request(self.account, Method::Invite, request_uri, &whom, 1)?;
        request.headers.push("Contact", core.contact(self.account)?);
        request.headers.push("Allow", crate::core::ALLOW);
        request.headers.push("Supported", crate::core::SUPPORTED);
        self.timing.dress(&mut request);
        let State::Waiting(waiting) = &self.state else { return None };
        for (name, value) in &waiting.extra {
            request.headers.push(name, value);
        }
        request.set_body(SDP, body);
        if to == Destination::NextHop {
            core.authorize(self.account, &Rounds::default(), &mut request);
        }
        core.send(now, self.account, to, request, Owner::Invite(self.id))
    }

    /// Ends an unanswered call: CANCEL as soon as it may be sent.
    pub(super) fn give_up(&mut self, core: &mut Core, now: Instant, why: EndReason) {
        self.end(core, why, None);
        let State::Inviting(inviting) = &mut self.state else { return };
        if inviting.cancel == Cancel::No {
            inviting.cancel = Cancel::Wanted;
            self.cancel(core, now);
        }
    }

    fn cancel(&mut self, core: &mut Core, now: Instant) {
        let State::Inviting(inviting) = &mut self.state else { return };
        if inviting.cancel == Cancel::Wanted
            && let Some(tx) = core.tx.cancel(now, inviting.tx, Owner::Cancel(self.id))
        {
            inviting.cancel = Cancel::Sent;
            self.opened(Some(tx));
        }
    }

    pub(super) fn invite_response(&mut self, core: &mut Core, now: Instant, tx: TxId, response: &Response) {
        let current = matches!(&self.state, State::Inviting(inviting) if inviting.tx == tx);
        match response.status {
            100..200 if current => self.provisional(core, now, tx, response),
            200..300 => self.accepted(core, now, tx, current, response),
            300..700 if current => self.refused(core, now, tx, response),
            _ => {}
        }
    }

    fn provisional(&mut self, core: &mut Core, now: Instant, tx: TxId, response: &Response) {
        self.cancel(core, now);
        let State::Inviting(inviting) = &mut self.state else { return };
        if self.shown.ended || response.status == 100 {
            return;
        }
        inviting.rang |= matches!(response.status, 180 | 183);
        if let Some(mut dialog) = core.tx.sent_request(tx).and_then(|invite| Dialog::of_response(invite, response)) {
            if let Some(Destination::Source { addr, flow }) = core.tx.destination(tx) {
                dialog.source = Some((*addr, *flow));
            }
            let known = inviting.early.iter().position(|d| d.remote_tag() == dialog.remote_tag());
            match known {
                Some(at) => inviting.early[at].refresh_target(response.contact()),
                None if inviting.early.len() < MAX_FORKS => inviting.early.push(dialog),
                None => {}
            }
        }
        if !self.acknowledge(core, now, response) {
            return;
        }
        let early = match (&mut self.session, sdp_of(response)) {
            (Some(session), Some(answer)) => session.take_answer(answer).is_ok(),
            _ => false,
        };
        if early {
            self.show_media(core);
        }
        let early = early || self.shown.media.is_some();
        if matches!(response.status, 180 | 183) && self.shown.ringing.is_none_or(|before| early && !before) {
            self.shown.ringing = Some(early);
            self.tell_referrer(core, response.status);
            self.tell(core, Event::Ringing { call: self.id, early_media: early });
        }
    }

    fn accepted(&mut self, core: &mut Core, now: Instant, tx: TxId, current: bool, response: &Response) {
        if self.ack_again(core, response) {
            return;
        }
        let Some(mut dialog) = core.tx.sent_request(tx).and_then(|invite| Dialog::of_response(invite, response)) else {
            // Without a To tag there is nothing that could be said to it.
            if current {
                self.end(core, EndReason::Protocol, Some(response.status));
            }
            return;
        };
        if let Some(Destination::Source { addr, flow }) = core.tx.destination(tx) {
            dialog.source = Some((*addr, *flow));
        }
        if let (State::Inviting(inviting), true) = (&self.state, current) {
            dialog.continue_from(&inviting.early);
        }
        let seq = response.cseq().map_or(1, |(n, _)| n);
        self.ack(core, &dialog, seq);
        let wanted = current && !self.shown.ended;
        if !wanted {
            // A fork that answered too late, or an answer that crossed our CANCEL.
            self.bye_to(core, now, dialog);
            if current {
                self.state = State::Over;
            }
            return;
        }
        if let Some(account) = core.accounts.get_mut(&self.account) {
            let rounds = self.open.get(&tx).cloned().unwrap_or_default();
            account.credentials.succeeded(&rounds);
        }
        let agreed = match (&mut self.session, sdp_of(response)) {
            (Some(session), Some(answer)) => session.take_answer(answer).map(|_| ()),
            // The answer came with a 18x of the same dialog.
            (Some(session), None) if session.media().is_some() => Ok(()),
            _ => Err(OfferError::NoCommonCodec),
        };
        self.state = State::Up(Up::new(dialog));
        if let Err(error) = agreed {
            self.end(core, error.into(), None);
            self.bye(core, now);
            return;
        }
        self.timing.take_answer(now, response);
        self.show_peer(core, &response.headers);
        self.show_media(core);
        self.show_answered(core);
    }

    fn bye_to(&mut self, core: &mut Core, now: Instant, mut dialog: Dialog) {
        let Some(to) = core.account(self.account).map(|a| a.dialog_destination(&dialog)) else { return };
        let bye = dialog.request(Method::Bye);
        let tx = core.send(now, self.account, to, bye, Owner::Bye(self.id));
        self.opened(tx);
    }

    fn refused(&mut self, core: &mut Core, now: Instant, tx: TxId, response: &Response) {
        let State::Inviting(inviting) = &mut self.state else { return };
        let rang = inviting.rang;
        let again = !self.shown.ended
            && match response.status {
                401 | 407 => self.challenged_invite(core, now, tx, response),
                422 => self.lengthened_invite(core, now, tx, response),
                300..=399 => self.redirected(core, response),
                // Without a time it is as a 500 (RFC 3261 21.5.4): the callee's, more often than the server's.
                503 => match retry_after(response) {
                    Some(pause) => self.invite_elsewhere(core, now, Some(pause)),
                    None => false,
                },
                _ => false,
            };
        if !again {
            let why = match reason::of_status(response.status, rang) {
                // Most who say so to an offer of nothing but encrypted voice have none.
                EndReason::NoCommonCodec if self.session.as_ref().is_some_and(Negotiation::must_encrypt) => {
                    EndReason::NotEncrypted
                }
                why => why,
            };
            self.end(core, why, Some(response.status));
            self.state = State::Over;
        }
    }

    /// The server cannot, or is gone: the next one is asked, once. `pause`: for how long this one comes last.
    fn invite_elsewhere(&mut self, core: &mut Core, now: Instant, pause: Option<Duration>) -> bool {
        let State::Inviting(inviting) = &self.state else { return false };
        let fresh = !inviting.rang && !inviting.origin.again && inviting.cancel == Cancel::No;
        if !fresh || self.shown.media.is_some() {
            return false;
        }
        let waiting = Waiting { until: now + T1_X64, again: true, ..inviting.origin.clone() };
        if !core.fail_over(self.account, pause.unwrap_or(AVOIDED)) {
            return false;
        }
        self.state = State::Waiting(waiting);
        true
    }

    fn challenged_invite(&mut self, core: &mut Core, now: Instant, tx: TxId, response: &Response) -> bool {
        let end = core.tx.sent_request(tx).and_then(|r| Uri::parse(&r.uri)).map(|uri| uri.host);
        let Some(to) = core.tx.destination(tx).cloned() else { return false };
        if !core.may_authenticate(self.account, &to, end.as_ref(), response.status) {
            return false;
        }
        let mut rounds = self.open.get(&tx).cloned().unwrap_or_default();
        if core.challenged(self.account, response, &mut rounds).is_err() {
            return false;
        }
        let State::Inviting(inviting) = &self.state else { return false };
        let again = core.resend(now, self.account, tx, inviting.seq + 1, &rounds, Owner::Invite(self.id));
        self.invited_again(again, rounds)
    }

    /// Somebody on the way wants a longer session timer (RFC 4028 7.3).
    fn lengthened_invite(&mut self, core: &mut Core, now: Instant, tx: TxId, response: &Response) -> bool {
        if !self.timing.lengthen(response) {
            return false;
        }
        let rounds = self.open.get(&tx).cloned().unwrap_or_default();
        let State::Inviting(inviting) = &self.state else { return false };
        let what = (&rounds, Owner::Invite(self.id));
        let dress = |request: &mut Request| self.timing.dress(request);
        let again = core.resend_with(now, self.account, tx, inviting.seq + 1, what, dress);
        self.invited_again(again, rounds)
    }

    fn invited_again(&mut self, again: Option<TxId>, rounds: Rounds) -> bool {
        let (State::Inviting(inviting), Some(again)) = (&mut self.state, again) else { return false };
        inviting.seq += 1;
        inviting.tx = again;
        inviting.early.clear();
        inviting.acknowledged.clear();
        self.open.insert(again, rounds);
        true
    }

    /// A 3xx is told, not followed (RFC 3261 21.3): the id is free for another `Invite`. Whether it names anybody.
    fn redirected(&mut self, core: &mut Core, response: &Response) -> bool {
        let targets = identity::redirect_targets(response);
        if targets.is_empty() || matches!(response.status, 305 | 380) {
            return false;
        }
        self.tell_referrer(core, response.status);
        let targets = targets.into_iter().take(MAX_TARGETS).collect();
        self.tell(core, Event::Redirected { call: self.id, targets });
        self.shown.ended = true;
        self.open.clear();
        self.state = State::Over;
        true
    }

    pub(super) fn invite_failed(&mut self, core: &mut Core, now: Instant, tx: TxId, failure: Failure) {
        if matches!(&self.state, State::Inviting(inviting) if inviting.tx == tx) {
            if matches!(failure, Failure::Wire(_)) && !self.shown.ended && self.invite_elsewhere(core, now, None) {
                return;
            }
            self.end(core, reason::of_failure(failure), None);
            self.state = State::Over;
        }
    }
}
