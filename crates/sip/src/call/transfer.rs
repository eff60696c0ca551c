//! Transfers (RFC 3515, RFC 5589): the REFER that we send with its NOTIFYs, and the REFER that we are asked by.
//!
//! ```text
//! ours:   REFER ─2xx─> Accepted ─NOTIFY 18x─> Ringing ─NOTIFY final─> Done | Failed
//! theirs: REFER ─> ReferAsked ─AcceptRefer─> 202, NOTIFY 100 ─the new call's words─> NOTIFY final
//!                              └RefuseRefer, 25 s─> 603
//! ```

use super::{Call, Change, State, Waiting};
use crate::{
    config::CallId,
    control::{TransferFailure, TransferProgress},
    core::Core,
    identity,
    io::{Event, LocalMedia},
    refer::{self, Asked, Replaces},
    text::{Method, NameAddr, Request, Response, Uri, number, reason_phrase},
    transaction::{Owner, T1_X64, TxId},
};
use std::time::{Duration, Instant};

/// A REFER that nobody decides is refused before its sender gives up (64*T1).
const DECIDE: Duration = Duration::from_secs(25);
/// For how long a transfer may go on after the first word of it; longer than anybody rings.
const OUTCOME: Duration = Duration::from_secs(110);
/// How often in a row a NOTIFY that met a 500 is said again.
const MAX_TRIES: u8 = 5;

/// A REFER of ours.
pub(super) struct ReferOut {
    /// Refer-To, until a re-INVITE of ours is answered: some PBXes refuse one while the other runs.
    waiting: Option<String>,
    tx: Option<TxId>,
    seq: u32,
    accepted: bool,
    rang: bool,
    /// The outcome was told; further NOTIFYs are only answered.
    over: bool,
    give_up_at: Instant,
}

/// The peer's REFER.
pub(super) enum ReferIn {
    Asked { tx: TxId, request: Box<Request>, asked: Box<Asked>, until: Instant },
    Granted(Notifier),
}

/// Tells the peer how the call that it asked for goes: one NOTIFY at a time, so that they arrive in their order.
pub(super) struct Notifier {
    /// The `id` of the Event: needed from the second REFER of a dialog on.
    id: Option<u32>,
    status: u16,
    sent: u16,
    in_flight: Option<TxId>,
    tries: u8,
}

/// What comes of a granted REFER.
pub(crate) struct Granted {
    target: String,
    extra: Vec<(&'static str, String)>,
    /// The call whose far side wants to hear of it.
    referrer: Option<CallId>,
}

impl Call {
    /// `Input::Transfer`.
    pub fn transfer(&mut self, core: &mut Core, now: Instant, target: &str) {
        let Some(account) = core.account(self.account) else { return };
        match identity::target(account, target) {
            Some(uri) => self.send_refer(core, now, &refer::refer_to(&uri, None)),
            None => self.transfer_failed(core, TransferFailure::BadTarget),
        }
    }

    /// `Input::TransferTo`: `with` is what the other call's `handed_over` says.
    pub fn transfer_to(&mut self, core: &mut Core, now: Instant, with: Option<(Uri, Replaces)>) {
        match with {
            Some((uri, replaces)) => self.send_refer(core, now, &refer::refer_to(&uri, Some(&replaces))),
            None => self.transfer_failed(core, TransferFailure::Impossible),
        }
    }

    /// Where this call's far side is, and the dialog that its next call shall replace.
    pub fn handed_over(&self, core: &Core) -> Option<(Uri, Replaces)> {
        let dialog = match &self.state {
            State::Up(up) if !self.shown.ended => &up.dialog,
            // Where the target still rings; it depends on the far side whether it goes.
            State::Inviting(inviting) if !self.shown.ended => inviting.early.first()?,
            _ => return None,
        };
        // Its address of record goes through the PBX, as calls do; its Contact is for peers without one.
        let account = core.account(self.account)?;
        let known = dialog.remote_address().map(|a| a.uri).filter(|uri| uri.is_sip() && uri.user.is_some());
        let known = known.filter(|uri| !account.is_direct() && account.is_own_host(&uri.host));
        let uri = known.map(|uri| Uri { headers: None, ..uri }).or_else(|| dialog.target())?;
        Some((uri, Replaces::of(dialog)))
    }

    fn send_refer(&mut self, core: &mut Core, now: Instant, refer_to: &str) {
        if self.shown.ended || self.refer_out.as_ref().is_some_and(|refer| !refer.over) {
            // One at a time: the first is answered. And nothing overtakes a BYE.
            return;
        }
        if !matches!(self.state, State::Up(_)) {
            return self.transfer_failed(core, TransferFailure::Impossible);
        }
        self.refer_out = Some(ReferOut {
            waiting: Some(refer_to.to_string()),
            tx: None,
            seq: 0,
            accepted: false,
            rang: false,
            over: false,
            give_up_at: now + OUTCOME,
        });
        self.launch_refer(core, now);
    }

    fn launch_refer(&mut self, core: &mut Core, now: Instant) {
        let (State::Up(up), Some(refer)) = (&mut self.state, &mut self.refer_out) else { return };
        if matches!(up.change, Change::Offered { .. }) {
            return;
        }
        let Some(refer_to) = refer.waiting.take() else { return };
        let Some(account) = core.account(self.account) else { return };
        let to = account.dialog_destination(&up.dialog);
        let by = NameAddr::of(account.aor()).to_string();
        let mut request = up.dialog.request(Method::Refer);
        refer.seq = request.cseq().map_or(0, |(n, _)| n);
        if let Some(contact) = core.contact(self.account) {
            request.headers.push("Contact", contact);
        }
        request.headers.push("Refer-To", refer_to);
        request.headers.push("Referred-By", by);
        refer.tx = core.send(now, self.account, to, request, Owner::Refer(self.id));
        let tx = refer.tx;
        self.opened(tx);
    }

    fn transfer_failed(&mut self, core: &mut Core, failure: TransferFailure) {
        self.progress(core, TransferProgress::Failed(failure));
    }

    fn progress(&mut self, core: &mut Core, progress: TransferProgress) {
        self.tell(core, Event::Transfer { call: self.id, progress });
    }

    /// The answer to our REFER.
    pub(super) fn refer_response(&mut self, core: &mut Core, now: Instant, tx: TxId, response: &Response) {
        let Some(refer) = self.refer_out.as_mut().filter(|r| r.tx == Some(tx) && response.status >= 200) else {
            return;
        };
        if response.status < 300 {
            refer.tx = None;
            // Without any NOTIFY (RFC 6665 Timer N, `Refer-Sub: false`) nobody can know how it went.
            if !refer.rang && !refer.over {
                refer.give_up_at = now + T1_X64;
            }
            self.refer_accepted(core);
            return;
        }
        if matches!(response.status, 401 | 407)
            && let Some(again) = self.answer_challenge(core, now, tx, Owner::Refer(self.id), response)
        {
            let seq = core.tx.sent_request(again).and_then(Request::cseq).map_or(0, |(n, _)| n);
            if let Some(refer) = &mut self.refer_out {
                (refer.tx, refer.seq) = (Some(again), seq);
            }
            return;
        }
        self.refer_failed(core, TransferFailure::Refused { status: response.status });
    }

    fn refer_accepted(&mut self, core: &mut Core) {
        let Some(refer) = &mut self.refer_out else { return };
        if !std::mem::replace(&mut refer.accepted, true) && !refer.over {
            self.progress(core, TransferProgress::Accepted);
        }
    }

    /// No answer to our REFER, a refusal, or the end of our patience.
    pub(super) fn refer_failed(&mut self, core: &mut Core, failure: TransferFailure) {
        if self.refer_out.take().is_some_and(|refer| !refer.over) {
            self.transfer_failed(core, failure);
        }
    }

    /// Whether that transaction is our REFER's.
    pub(super) fn refers_by(&self, tx: TxId) -> bool {
        self.refer_out.as_ref().is_some_and(|r| r.tx == Some(tx))
    }

    /// A NOTIFY about our REFER. It may come before the 202 and after the BYE.
    pub(super) fn on_refer_notify(&mut self, core: &mut Core, now: Instant, tx: TxId, request: &Request) {
        let event = request.headers.text("Event").unwrap_or_default().into_owned();
        let id = event.split(';').skip(1).find_map(|p| p.trim().strip_prefix("id=").map(str::to_string));
        let ours = |refer: &&mut ReferOut| {
            refer.waiting.is_none() && id.as_deref().is_none_or(|id| number(id) == Some(refer.seq))
        };
        let Some(refer) = self.refer_out.as_mut().filter(ours) else {
            return core.reply(now, self.account, tx, request, 481);
        };
        core.reply(now, self.account, tx, request, 200);
        let told = request.headers.text("Subscription-State").unwrap_or_default().to_ascii_lowercase();
        let terminated = told.trim_start().starts_with("terminated");
        let status = request.body_of("message/sipfrag").and_then(refer::sipfrag_status);
        if !refer.over {
            refer.give_up_at = now + OUTCOME;
        }
        let first_ring = matches!(status, Some(180 | 183)) && !std::mem::replace(&mut refer.rang, true);
        self.refer_accepted(core);
        let Some(refer) = self.refer_out.as_mut().filter(|r| !r.over) else {
            return self.refer_ended(terminated);
        };
        let outcome = match status {
            Some(200..300) => Some(TransferProgress::Done),
            Some(status @ 300..700) => Some(TransferProgress::Failed(TransferFailure::Target { status })),
            _ if terminated => Some(TransferProgress::Failed(TransferFailure::NoWord)),
            _ => None,
        };
        if let Some(outcome) = outcome {
            (refer.over, refer.give_up_at) = (true, now + T1_X64);
            self.progress(core, outcome);
        } else if first_ring {
            self.progress(core, TransferProgress::Ringing);
        }
        self.refer_ended(terminated);
    }

    fn refer_ended(&mut self, terminated: bool) {
        if terminated && self.refer_out.as_ref().is_some_and(|r| r.over && r.tx.is_none()) {
            self.refer_out = None;
        }
    }

    /// The peer's REFER in this call.
    pub(super) fn on_refer(&mut self, core: &mut Core, now: Instant, tx: TxId, request: &Request) {
        let refuse = |core: &mut Core, status| core.reply(now, self.account, tx, request, status);
        if !matches!(self.state, State::Up(_)) || self.unacked.as_ref().is_some_and(|u| u.initial) {
            return refuse(core, 603);
        }
        if self.refer_in.is_some() {
            return refuse(core, 491);
        }
        let asked = match refer::asked(request) {
            Ok(asked) => asked,
            Err(status) => return refuse(core, status),
        };
        let (target, replaces) = (identity::peer_of(&asked.address), asked.replaces.is_some());
        self.refer_in = Some(ReferIn::Asked {
            tx,
            request: Box::new(request.clone()),
            asked: Box::new(asked),
            until: now + DECIDE,
        });
        self.tell(core, Event::ReferAsked { call: self.id, target, replaces });
    }

    /// `Input::AcceptRefer`: answers 202. `None` if nothing was asked, or it is void.
    pub fn accept_refer(&mut self, core: &mut Core, now: Instant) -> Option<Granted> {
        let Some(ReferIn::Asked { tx, request, asked, .. }) =
            self.refer_in.take_if(|r| matches!(r, ReferIn::Asked { .. }))
        else {
            return None;
        };
        let mut response = request.response(202, None);
        if let Some(contact) = core.contact(self.account) {
            response.headers.push("Contact", contact);
        }
        let silent = request.headers.text("Refer-Sub").is_some_and(|v| v.trim().eq_ignore_ascii_case("false"));
        if silent {
            response.headers.push("Refer-Sub", "false");
        }
        core.respond(now, self.account, tx, response);
        if !silent {
            let id = request.cseq().map(|(n, _)| n).filter(|_| self.referred_before);
            self.refer_in = Some(ReferIn::Granted(Notifier { id, status: 100, sent: 0, in_flight: None, tries: 0 }));
            self.notify(core, now);
        }
        self.referred_before = true;
        let mut extra: Vec<_> = asked.replaces.iter().map(|r| ("Replaces", r.value())).collect();
        let by = request.headers.text("Referred-By").filter(|by| by.len() <= 256 && NameAddr::parse(by).is_some());
        extra.extend(by.map(|by| ("Referred-By", by.into_owned())));
        Some(Granted { target: asked.address.uri.to_string(), extra, referrer: (!silent).then_some(self.id) })
    }

    /// The call that a granted REFER asked for.
    pub fn referred(
        core: &mut Core,
        now: Instant,
        from: &Call,
        id: CallId,
        granted: Granted,
        media: LocalMedia,
    ) -> Self {
        let waiting =
            Waiting { until: now + T1_X64, target: granted.target, media, extra: granted.extra, again: false };
        let mut call = Call::new(id, from.account, true, State::Waiting(waiting));
        call.referrer = granted.referrer;
        call.launch(core, now);
        call
    }

    /// `Input::RefuseRefer`.
    pub fn refuse_refer(&mut self, core: &mut Core, now: Instant, status: u16) {
        if let Some(ReferIn::Asked { tx, request, .. }) = self.refer_in.take_if(|r| matches!(r, ReferIn::Asked { .. }))
        {
            core.reply(now, self.account, tx, &request, status);
        }
    }

    /// How the call goes that the peer asked for.
    pub fn refer_word(&mut self, core: &mut Core, now: Instant, status: u16) {
        if let Some(ReferIn::Granted(notifier)) = &mut self.refer_in
            && notifier.status < 200
        {
            notifier.status = status;
            self.notify(core, now);
        }
    }

    fn notify(&mut self, core: &mut Core, now: Instant) {
        let (State::Up(up), Some(ReferIn::Granted(notifier))) = (&mut self.state, &mut self.refer_in) else { return };
        if notifier.in_flight.is_some() || notifier.sent == notifier.status {
            return;
        }
        let Some(to) = core.account(self.account).map(|a| a.dialog_destination(&up.dialog)) else { return };
        let mut request = up.dialog.request(Method::Notify);
        if let Some(contact) = core.contact(self.account) {
            request.headers.push("Contact", contact);
        }
        let event = notifier.id.map_or("refer".to_string(), |id| format!("refer;id={id}"));
        request.headers.push("Event", event);
        let over = notifier.status >= 200;
        let state =
            if over { "terminated;reason=noresource".into() } else { format!("active;expires={}", OUTCOME.as_secs()) };
        request.headers.push("Subscription-State", state);
        let body = format!("SIP/2.0 {} {}\r\n", notifier.status, reason_phrase(notifier.status));
        request.set_body("message/sipfrag;version=2.0", body.into_bytes());
        let tx = core.send(now, self.account, to, request, Owner::Notify(self.id));
        (notifier.sent, notifier.in_flight) = (notifier.status, tx);
        self.opened(tx);
    }

    /// Our NOTIFY was answered (`None`: it was not).
    pub(super) fn notified(&mut self, core: &mut Core, now: Instant, tx: TxId, response: Option<&Response>) {
        let Some(ReferIn::Granted(notifier)) = &mut self.refer_in else { return };
        if notifier.in_flight != Some(tx) || response.is_some_and(|r| r.status < 200) {
            return;
        }
        notifier.in_flight = None;
        match response.map(|r| r.status) {
            Some(200..300) => notifier.tries = 0,
            Some(401 | 407) => {
                let again = response.and_then(|r| self.answer_challenge(core, now, tx, Owner::Notify(self.id), r));
                match (&mut self.refer_in, again) {
                    (Some(ReferIn::Granted(notifier)), Some(_)) => notifier.in_flight = again,
                    _ => self.refer_in = None,
                }
                return;
            }
            // The network put our requests out of order: say it again under a higher number.
            Some(500) if notifier.tries < MAX_TRIES => (notifier.tries, notifier.sent) = (notifier.tries + 1, 0),
            // Nobody listens any more.
            _ => return self.refer_in = None,
        }
        if notifier.sent >= 200 {
            self.refer_in = None;
        } else {
            self.notify(core, now);
        }
    }

    pub(super) fn refer_timer(&self) -> Option<(Instant, &'static str)> {
        let out = self.refer_out.as_ref().map(|r| (r.give_up_at, "transfer without a word"));
        let asked = match &self.refer_in {
            Some(ReferIn::Asked { until, .. }) => Some((*until, "REFER without a decision")),
            _ => None,
        };
        out.into_iter().chain(asked).min()
    }

    pub(super) fn refer_timers(&mut self, core: &mut Core, now: Instant) {
        if self.refer_out.as_ref().is_some_and(|r| r.give_up_at <= now) {
            self.refer_failed(core, TransferFailure::NoWord);
        }
        if matches!(&self.refer_in, Some(ReferIn::Asked { until, .. }) if *until <= now) {
            self.refuse_refer(core, now, 603);
            self.tell(core, Event::ReferGone { call: self.id });
        }
    }

    /// After every change: a REFER that may be sent now; and what an ended call still owes, an answer to the peer's REFER
    /// and patience, but not for long, with late NOTIFYs.
    pub fn settle_refers(&mut self, core: &mut Core, now: Instant) {
        if !self.shown.ended {
            return self.launch_refer(core, now);
        }
        self.refer_out.take_if(|refer| refer.waiting.is_some());
        self.refuse_refer(core, now, 487);
        if let Some(refer) = &mut self.refer_out {
            refer.give_up_at = refer.give_up_at.min(now + T1_X64);
        }
    }

    /// Whether transfers keep an ended call in mind.
    pub(super) fn refer_lingers(&self) -> bool {
        self.refer_out.is_some() || self.refer_in.is_some()
    }
}
