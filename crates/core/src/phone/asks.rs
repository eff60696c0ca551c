//! What a far side wants of us: to call somebody else (REFER, 3xx), which is asked; to take the place of a call of ours
//! (INVITE with Replaces), which is done, because it matched that very call.

use super::{
    Action, Change, NoticeLevel, Now, Phone,
    calls::Begin,
    entry::{Ask, AskKind, Port},
};
use crate::{
    call::{CallState, Direction, EndReason, Peer},
    ids::{AccountId, CallId},
    policy::{self, Verdict},
    sip::{CallHeaders, SipCommand},
    text::Text,
};
use std::time::Duration;

/// A redirection that nobody answers is refused after this.
const PATIENCE: Duration = Duration::from_secs(60);
/// A REFER has to be answered while its transaction lives (RFC 3261 17.1.2.2: 32 s); SIP itself gives up at 25 s.
const REFER_PATIENCE: Duration = Duration::from_secs(25);
/// Redirections of one call that are offered; one more is taken for a loop.
const MAX_HOPS: usize = 5;

impl Phone {
    pub(super) fn refer_asked(&mut self, now: Now, id: CallId, target: Peer, replaces: bool) {
        let allowed = self.far_side_may_name(id, &target);
        let room = !self.full();
        let Some(entry) = self.living(id) else { return };
        if !entry.active() || !allowed || !room {
            self.tell_sip(SipCommand::RefuseRefer { call: id });
            if !allowed {
                self.raise(NoticeLevel::Warning, Text::new("ask.refused"));
            }
            return;
        }
        let kind = if replaces { AskKind::HandOver } else { AskKind::Transfer };
        entry.ask = Some(Ask { kind, targets: vec![target], until: now.mono + REFER_PATIENCE });
        self.change(Change::Call(id));
    }

    /// The far side took it back, or SIP gave up waiting.
    pub(super) fn refer_gone(&mut self, id: CallId) {
        if let Some(entry) = self.living(id)
            && entry.ask.as_ref().is_some_and(|ask| ask.kind != AskKind::Redirect)
        {
            entry.ask = None;
            self.change(Change::Call(id));
        }
    }

    /// Whether a far side's word is enough to offer this target: no premium number, no blocked one.
    fn far_side_may_name(&self, call: CallId, target: &Peer) -> bool {
        let Some(entry) = self.calls.get(&call) else { return false };
        let options = self.options(entry.call.account);
        let free = |text: &str| matches!(policy::verdict(options, text), Verdict::Free | Verdict::Emergency);
        free(&target.address) && free(&target.uri)
    }

    pub(super) fn redirected(&mut self, now: Now, id: CallId, targets: Vec<Peer>) {
        let targets: Vec<Peer> = targets.into_iter().filter(|t| self.far_side_may_name(id, t)).collect();
        let Some(entry) = self.living(id) else { return };
        if matches!(entry.call.state, CallState::Ending { .. }) {
            // We hung up in the same moment: for SIP the call is over, and nothing more comes.
            return self.end(now, id, EndReason::Cancelled);
        }
        if !entry.signalled || !matches!(entry.call.state, CallState::Dialing | CallState::Ringing { .. }) {
            return;
        }
        // SIP knows nothing of this call any more.
        entry.signalled = false;
        entry.call.state = CallState::Dialing;
        entry.tried.push(place(&entry.target).to_owned());
        let fresh: Vec<Peer> =
            targets.into_iter().filter(|t| !entry.tried.iter().any(|tried| tried == place(dialable(t)))).collect();
        let looped = entry.tried.len() > MAX_HOPS;
        if fresh.is_empty() || looped {
            let text = Text::new(if looped { "call.redirect_loop" } else { "call.redirect_refused" });
            return self.end(now, id, EndReason::Failed { text, status: None });
        }
        entry.ask = Some(Ask { kind: AskKind::Redirect, targets: fresh, until: now.mono + PATIENCE });
        self.change(Change::Call(id));
    }

    pub(super) fn grant(&mut self, now: Now, id: CallId, choice: u32) -> Result<(), Text> {
        let room = !self.full();
        let entry = self.commanded(id, Action::Grant)?;
        let account = entry.call.account;
        let Some(ask) = entry.ask.as_ref() else { return Err(Text::new("command.not_now")) };
        let kind = ask.kind;
        let target = ask.targets.get(choice as usize).cloned().ok_or_else(|| Text::new("command.unknown_choice"))?;
        if kind == AskKind::Redirect {
            let Port::Open(media) = entry.port.clone() else { return Err(Text::new("command.not_now")) };
            entry.ask = None;
            entry.signalled = true;
            entry.target = dialable(&target).to_owned();
            entry.call.peer = target;
            let target = entry.target.clone();
            self.tell_sip(SipCommand::Invite { account, call: id, target, media });
            self.change(Change::Call(id));
            self.write_peer(id);
            return Ok(());
        }
        if !room {
            return Err(Text::new("command.too_many_calls"));
        }
        entry.ask = None;
        let was_held = entry.hold_wanted;
        let dialled = dialable(&target).to_owned();
        let emergency = policy::verdict(self.options(account), &dialled) == Verdict::Emergency;
        let new = self.start_outgoing(now, account, target, dialled, emergency);
        if let Some(entry) = self.living(new) {
            entry.granted_by = Some(id);
        }
        if let Some(entry) = self.living(id) {
            entry.held_for = (!was_held).then_some(new);
        }
        self.change(Change::Call(id));
        Ok(())
    }

    pub(super) fn refuse(&mut self, now: Now, id: CallId) -> Result<(), Text> {
        self.commanded(id, Action::Refuse)?;
        self.refuse_ask(now, id);
        Ok(())
    }

    fn refuse_ask(&mut self, now: Now, id: CallId) {
        let Some(entry) = self.living(id) else { return };
        match entry.ask.take().map(|ask| ask.kind) {
            Some(AskKind::Redirect) => self.end(now, id, EndReason::Cancelled),
            Some(_) => {
                self.tell_sip(SipCommand::RefuseRefer { call: id });
                self.change(Change::Call(id));
            }
            None => {}
        }
    }

    pub(super) fn asks_out_of_time(&mut self, now: Now) {
        let late = |c: &&super::CallEntry| c.ask.as_ref().is_some_and(|ask| ask.until <= now.mono);
        let late: Vec<CallId> = self.calls.values().filter(late).map(|c| c.call.id).collect();
        for call in late {
            self.refuse_ask(now, call);
        }
    }

    /// Whether `old` can be replaced by a call of the same account: it is talked on.
    pub(super) fn replaceable(&self, old: CallId, account: AccountId) -> bool {
        self.calls.get(&old).is_some_and(|c| c.active() && c.call.account == account && c.gone_at.is_none())
            && !self.calls.values().any(|c| c.replaces == Some(old) && c.gone_at.is_none())
    }

    /// A new call takes the place of `old`: answered at once, and in every relation where `old` was. `old` is hung up when
    /// the new one is answered. A row of its own in the call log: another person is at the other end.
    pub(super) fn take_place(
        &mut self,
        now: Now,
        id: CallId,
        account: AccountId,
        peer: Peer,
        headers: CallHeaders,
        old: CallId,
    ) {
        let (direction, state, target) = (Direction::Incoming, CallState::Answering, String::new());
        self.begin(now, Begin { id, account, direction, peer, headers, state, target });
        self.inherit(old, id);
        if let Some(entry) = self.living(id) {
            entry.replaces = Some(old);
        }
        self.open_port(id);
    }

    /// Whoever waited for `from` waits for `to`.
    fn inherit(&mut self, from: CallId, to: CallId) {
        let Some(old) = self.calls.get_mut(&from) else { return };
        let (held_for, consult_for) = (old.held_for.take(), old.consult_for.take());
        let Some(new) = self.living(to) else { return };
        (new.held_for, new.consult_for) = (held_for, consult_for);
        for other in self.calls.values_mut() {
            for relation in [&mut other.consult_for, &mut other.held_for] {
                if *relation == Some(from) {
                    *relation = Some(to);
                }
            }
        }
        self.resemble(from, to);
    }

    /// A call that is not spoken on yet will be held, muted and in the conference as `old` is.
    pub(super) fn resemble(&mut self, old: CallId, new: CallId) {
        let Some(old) = self.calls.get(&old) else { return };
        let (held, conference, silenced) = (old.hold_wanted, old.conference, old.silenced);
        let muted = old.mute_wanted || matches!(old.call.state, CallState::Active { muted: true, .. });
        let Some(new) = self.living(new).filter(|c| !c.active()) else { return };
        (new.hold_wanted, new.conference, new.silenced) = (held, conference, silenced);
        // The state of an ended call no longer says that it was muted.
        new.mute_wanted |= muted;
    }

    /// A call ended before anybody spoke on it: what hung on it goes back to where it was.
    pub(super) fn came_to_nothing(&mut self, id: CallId) {
        let Some(entry) = self.calls.get(&id) else { return };
        if let Some(old) = entry.replaces {
            self.inherit(id, old);
        } else if let Some(asker) = entry.granted_by
            && !entry.signalled
            && self.living(asker).is_some()
        {
            self.tell_sip(SipCommand::RefuseRefer { call: asker });
        }
    }
}

/// What is dialled to reach a peer.
fn dialable(peer: &Peer) -> &str {
    if peer.uri.is_empty() { &peer.address } else { &peer.uri }
}

/// An address without scheme and parameters, to tell one from another.
fn place(target: &str) -> &str {
    let bare = target.trim_start_matches("sips:").trim_start_matches("sip:");
    bare.split([';', '?']).next().unwrap_or(bare)
}
