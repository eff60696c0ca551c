//! The agent's own mobile: it rings too when a customer does, or takes over a call. Whoever answers there is asked for a
//! digit, so that a mailbox does not win; then the customer and the mobile are one conversation, and the agent here is mute.
//!
//! ```text
//! rings too: customer rings ─after_s─> call the mobile ─answered─> tones ─1─> answer the customer, join, leave
//! moves:     customer on the line ─────> call the mobile ─answered─> tones ─1─> join; taken back by dropping the mobile
//! ```
//!
//! The customer never waits for the mobile: it goes on ringing, or talking with the agent, until the digit has come.

use super::{Action, Change, Now, Phone};
use crate::{
    audio::AudioCommand,
    call::{CallState, EndReason, Peer},
    ids::{AccountId, CallId},
    options::Mobile,
    text::Text,
};
use std::time::{Duration, Instant};

/// What takes the call, and what is heard as the question.
const DIGIT: char = '1';
const ASK_EVERY: Duration = Duration::from_secs(3);
/// How long the mobile may ring, and how long whoever answered may take for the digit.
const RINGS: Duration = Duration::from_secs(60);
const ASKS: Duration = Duration::from_secs(20);

/// A call to the mobile.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Leg {
    pub customer: CallId,
    /// It rang beside this desk; once it is taken, the desk has nothing to do with it.
    beside: bool,
    pub state: LegState,
    /// Given up then.
    pub until: Instant,
}

#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) enum LegState {
    Ringing,
    /// Answered, by a person or by a mailbox. The tones come again then.
    Asking(Instant),
    /// By a person; the customer is being answered.
    Taken,
    Joined,
}

impl Leg {
    /// When something happens to it by itself.
    pub fn due(&self) -> Option<Instant> {
        match self.state {
            LegState::Asking(at) => Some(at.min(self.until)),
            LegState::Ringing | LegState::Taken => Some(self.until),
            LegState::Joined => None,
        }
    }
}

impl Phone {
    fn mobile(&self, account: AccountId) -> Option<&Mobile> {
        self.options(account).mobile.as_ref()
    }

    /// When the mobile joins in the ringing of a call that has just begun to ring.
    pub(super) fn mobile_rings_at(&self, now: Now, account: AccountId) -> Option<Instant> {
        let mobile = self.mobile(account).filter(|mobile| mobile.rings_too)?;
        Some(now.mono + Duration::from_secs(u64::from(mobile.after_s)))
    }

    pub(super) fn can_move(&self, account: AccountId) -> bool {
        self.mobile(account).is_some() && !self.full() && !self.has_leg()
    }

    /// One at a time: there is one mobile.
    fn has_leg(&self) -> bool {
        self.calls.values().any(|c| c.mobile.is_some() && c.gone_at.is_none())
    }

    pub(super) fn move_to_mobile(&mut self, now: Now, customer: CallId) -> Result<(), Text> {
        self.commanded(customer, Action::MoveToMobile)?;
        self.call_mobile(now, customer, false)
    }

    fn call_mobile(&mut self, now: Now, customer: CallId, beside: bool) -> Result<(), Text> {
        let account =
            self.calls.get(&customer).map(|c| c.call.account).ok_or_else(|| Text::new("command.unknown_call"))?;
        let number = self.mobile(account).map(|mobile| mobile.number.clone());
        let number = number.filter(|_| self.can_move(account)).ok_or_else(|| Text::new("command.not_now"))?;
        let target = self.permitted(account, &number, false)?.target;
        let peer = Peer { name: None, address: target.clone(), uri: String::new() };
        let id = self.new_outgoing(now, account, peer, target, false);
        if let Some(entry) = self.living(id) {
            entry.mobile = Some(Leg { customer, beside, state: LegState::Ringing, until: now.mono + RINGS });
        }
        Ok(())
    }

    /// Whether it is the mobile that has answered: it is asked, and nobody is put on hold for it.
    pub(super) fn mobile_answered(&mut self, now: Now, id: CallId) -> bool {
        let Some(leg) = self.living(id).and_then(|entry| entry.mobile.as_mut()) else { return false };
        leg.state = LegState::Asking(now.mono);
        leg.until = now.mono + ASKS;
        true
    }

    /// A digit from the far side: the mobile takes the call.
    pub(super) fn mobile_pressed(&mut self, now: Now, id: CallId, digit: char) {
        let Some(leg) = self.living(id).and_then(|entry| entry.mobile.as_mut()) else { return };
        if digit != DIGIT || !matches!(leg.state, LegState::Asking(_)) {
            return;
        }
        leg.state = LegState::Taken;
        leg.until = now.mono + ASKS;
        let customer = leg.customer;
        if self.calls.get(&customer).is_some_and(|c| c.call.state == CallState::Incoming) {
            // It has not ended: it can be answered.
            let _ = self.answer(customer);
        }
    }

    /// What time and the customer's fate make of calls to the mobile. Runs after every input.
    pub(super) fn settle_mobile(&mut self, now: Now) {
        self.ring_mobiles(now);
        let legs: Vec<(CallId, Leg)> = self
            .calls
            .values()
            .filter(|c| c.gone_at.is_none())
            .filter_map(|c| Some((c.call.id, c.mobile.clone()?)))
            .collect();
        for (id, leg) in legs {
            let customer = self.calls.get(&leg.customer).map(|c| c.call.state.clone());
            let wanted = match (&customer, leg.state) {
                (Some(CallState::Ended { reason: EndReason::Transferred, .. }), LegState::Joined) => true,
                (None | Some(CallState::Ended { .. } | CallState::Ending { .. }), _) => false,
                (_, LegState::Joined) => true,
                // Answered at the desk.
                (Some(state), LegState::Ringing | LegState::Asking(_)) if leg.beside => *state == CallState::Incoming,
                _ => true,
            };
            if !wanted || (leg.state != LegState::Joined && leg.until <= now.mono) {
                self.let_go(now, id);
                continue;
            }
            match leg.state {
                LegState::Asking(at) if at <= now.mono => self.ask_mobile(now, id),
                LegState::Taken if matches!(customer, Some(CallState::Active { .. })) => {
                    self.join_mobile(now, id, &leg)
                }
                _ => {}
            }
        }
    }

    fn ring_mobiles(&mut self, now: Now) {
        let due = |c: &&mut super::CallEntry| c.mobile_at.is_some_and(|at| at <= now.mono);
        let due: Vec<CallId> = self
            .calls
            .values_mut()
            .filter(due)
            .filter_map(|c| {
                c.mobile_at = None;
                (c.call.state == CallState::Incoming).then_some(c.call.id)
            })
            .collect();
        for customer in due {
            // Where the mobile cannot be called now, this desk rings alone.
            let _ = self.call_mobile(now, customer, true);
        }
    }

    fn ask_mobile(&mut self, now: Now, id: CallId) {
        let Some(entry) = self.living(id) else { return };
        if let Some(leg) = &mut entry.mobile {
            leg.state = LegState::Asking(now.mono + ASK_EVERY);
        }
        if entry.media.is_some() {
            self.tell_audio(AudioCommand::DtmfInBand { call: id, digits: DIGIT.to_string() });
        }
    }

    fn join_mobile(&mut self, now: Now, id: CallId, leg: &Leg) {
        if self.join(vec![leg.customer, id]).is_err() {
            // The customer is being handed on, or somebody waits for them.
            return self.let_go(now, id);
        }
        if let Some(leg) = self.living(id).and_then(|entry| entry.mobile.as_mut()) {
            leg.state = LegState::Joined;
        }
        // Nobody sits at this desk; the microphone stays closed.
        let _ = self.mute(leg.customer, true);
        if leg.beside {
            // Where the PBX connects the two, this computer is not needed any more; otherwise it carries them.
            let _ = self.leave_conference(now);
        }
    }

    /// The call is taken back: the agent, who hung up the mobile by key, is heard again.
    pub(super) fn mobile_ended(&mut self, leg: &Leg, reason: &EndReason) {
        if leg.state != LegState::Joined || *reason != EndReason::LocalHangUp {
            return;
        }
        if let Some(entry) = self.living(leg.customer)
            && let CallState::Active { muted, .. } = &mut entry.call.state
        {
            *muted = false;
            self.change(Change::Call(leg.customer));
        }
    }
}
