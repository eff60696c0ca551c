//! Provisional responses that arrive (RFC 3262). As the caller we acknowledge each that asks for it with PRACK; as the called
//! side we ring so where the caller requires it.

use super::{Call, State};
use crate::{
    core::Core,
    dialog::Dialog,
    io::EndReason,
    text::{Method, Request, Response, number},
    transaction::{Owner, T1, T1_X64, TxId},
};
use std::time::{Duration, Instant};

/// Our reliable 180, until its PRACK comes.
pub(super) struct Unheard {
    response: Response,
    again: Instant,
    interval: Duration,
    until: Instant,
}

impl Unheard {
    pub fn new(now: Instant, response: Response) -> Self {
        Unheard { response, again: now + T1, interval: T1, until: now + T1_X64 }
    }

    pub fn timer(&self) -> (Instant, &'static str) {
        (self.again.min(self.until), "180 without PRACK")
    }
}

/// Whether the caller rings nobody who cannot say so reliably.
pub(super) fn required(invite: &Request) -> bool {
    invite.headers.has_option("Require", "100rel")
}

/// The `RSeq` of a response that must be acknowledged.
fn rseq(response: &Response) -> Option<u32> {
    let wanted = response.headers.has_option("Require", "100rel");
    wanted.then(|| number(response.headers.text("RSeq")?.trim())).flatten()
}

impl Call {
    /// Acknowledges a provisional response where it must be. Whether it is to be heeded: not a copy, and not before its turn.
    pub(super) fn acknowledge(&mut self, core: &mut Core, now: Instant, response: &Response) -> bool {
        let Some(rseq) = rseq(response) else { return true };
        let State::Inviting(inviting) = &mut self.state else { return false };
        let (tag, seq) = (response.to_tag().unwrap_or_default(), inviting.seq);
        let Some(dialog) = inviting.early.iter_mut().find(|d| d.remote_tag() == tag) else { return false };
        if inviting.acknowledged.get(&tag).is_some_and(|last| rseq != last.wrapping_add(1)) {
            return false;
        }
        inviting.acknowledged.insert(tag, rseq);
        let mut prack = dialog.request(Method::Prack);
        prack.headers.push("RAck", format!("{rseq} {seq} INVITE"));
        let Some(to) = core.account(self.account).map(|a| a.dialog_destination(dialog)) else { return true };
        let tx = core.send(now, self.account, to, prack, Owner::Prack(self.id));
        self.opened(tx);
        true
    }

    /// The peer's PRACK for our 180.
    pub(super) fn on_prack(&mut self, core: &mut Core, now: Instant, tx: TxId, request: &Request) {
        let fits = request.headers.text("RAck").is_some_and(|rack| {
            let mut words = rack.split_ascii_whitespace();
            let numbers = (words.next().and_then(number), words.next().and_then(number));
            let (Some(rseq), Some(cseq)) = numbers else { return false };
            words.next() == Some("INVITE") && self.reliable == Some((rseq, cseq))
        });
        if fits && let State::Ringing(ringing) = &mut self.state {
            ringing.unheard = None;
        }
        core.reply(now, self.account, tx, request, if fits { 200 } else { 481 });
    }

    /// Makes our 180 reliable where the caller requires it, and remembers to repeat it.
    pub(super) fn make_reliable(&mut self, core: &mut Core, now: Instant, response: &mut Response) {
        let State::Ringing(ringing) = &mut self.state else { return };
        if !required(&ringing.invite) {
            return;
        }
        let cseq = response.cseq().map_or(0, |(n, _)| n);
        // RFC 3262 3: the first is drawn from the lower half.
        let rseq = self.reliable.map_or((core.number() % (1 << 31)) as u32, |(last, _)| last.wrapping_add(1)).max(1);
        self.reliable = Some((rseq, cseq));
        response.headers.push("Require", "100rel");
        response.headers.push("RSeq", rseq.to_string());
        core.dress(self.account, response);
        ringing.unheard = Some(Unheard::new(now, response.clone()));
    }

    /// Repeats the 180 that no PRACK came for; 504 in the end. Whether the call goes on.
    pub(super) fn repeat_180(&mut self, core: &mut Core, now: Instant) -> bool {
        let State::Ringing(ringing) = &mut self.state else { return false };
        let Some(unheard) = ringing.unheard.as_mut().filter(|u| u.timer().0 <= now) else { return true };
        if unheard.until <= now {
            self.refuse(core, now, 504, EndReason::TimedOut);
            return false;
        }
        unheard.interval *= 2;
        unheard.again = now + unheard.interval;
        core.tx.respond(now, ringing.tx, &unheard.response);
        true
    }
}

impl Dialog {
    /// Counts on where the same dialog stood before it was confirmed: requests went to and fro in it.
    pub(super) fn continue_from(&mut self, early: &[Dialog]) {
        if let Some(early) = early.iter().find(|d| d.remote_tag() == self.remote_tag()) {
            self.take_counts(early);
        }
    }
}
