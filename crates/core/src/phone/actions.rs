//! What can be done with each call now: the only list that screens go by.

use super::{Action, CallEntry, Change, Phone};
use crate::{call::CallState, ids::CallId};

impl Phone {
    /// What can be done with the call now.
    pub fn actions(&self, id: CallId) -> Vec<Action> {
        let Some(entry) = self.calls.get(&id) else { return Vec::new() };
        let mut actions = match &entry.call.state {
            CallState::Dialing | CallState::Ringing { .. } | CallState::Answering => vec![Action::HangUp],
            CallState::Incoming => vec![Action::Answer, Action::Reject, Action::Redirect],
            CallState::Active { .. } if entry.asleep() => vec![Action::HangUp],
            CallState::Active { muted, .. } => self.while_active(entry, *muted),
            CallState::Ending { .. } | CallState::Ended { .. } => return Vec::new(),
        };
        if self.pair(id).is_some_and(|(customer, consult)| self.completable(customer, consult)) {
            actions.push(Action::CompleteTransfer);
        }
        if self.pair(id).is_some() {
            actions.push(Action::AbandonConsult);
        }
        if entry.ask.is_some() {
            actions.extend([Action::Grant, Action::Refuse]);
        }
        actions
    }

    fn while_active(&self, entry: &CallEntry, muted: bool) -> Vec<Action> {
        let id = entry.call.id;
        let free = !entry.transferring() && !entry.conference;
        let consulted = self.pair(id).is_some();
        let room = !self.full();
        let help = self.options(entry.call.account).help_to.is_some();
        let silence = if entry.silenced { Action::Unsilence } else { Action::Silence };
        let offers = [
            (Action::HangUp, true),
            (if muted { Action::Unmute } else { Action::Mute }, true),
            (if entry.held_here() { Action::Resume } else { Action::Hold }, true),
            (Action::Dtmf, true),
            (Action::Transfer, free && !consulted),
            (Action::Consult, free && !consulted && room),
            (Action::Swap, self.swap_partner(id).is_some()),
            (Action::Join, free && self.joinable(id)),
            (Action::Split, entry.conference),
            (silence, entry.conference),
            (Action::LeaveConference, entry.conference && self.can_leave()),
            (Action::Help, help),
            (Action::MoveToMobile, free && !consulted && entry.mobile.is_none() && self.can_move(entry.call.account)),
        ];
        let offered = offers.into_iter().filter(|(_, offered)| *offered).map(|(action, _)| action);
        offered.chain(self.recording_actions(entry)).collect()
    }

    /// Somebody else is there to join with.
    fn joinable(&self, id: CallId) -> bool {
        self.calls
            .values()
            .any(|c| c.call.id != id && c.active() && c.gone_at.is_none() && !c.transferring() && !c.asleep())
    }

    fn completable(&self, customer: CallId, consult: CallId) -> bool {
        let account = self.calls.get(&customer).map(|c| c.call.account);
        let customer = self.calls.get(&customer).is_some_and(|c| c.active() && !c.transferring() && !c.conference);
        let consult = self.calls.get(&consult).is_some_and(|c| {
            // While it rings, its number is handed over: on another PBX it would be somebody else's.
            let same_pbx = Some(c.call.account) == account;
            let reached = c.active() || (matches!(c.call.state, CallState::Ringing { .. }) && same_pbx);
            reached && c.ask.is_none() && !c.transferring()
        });
        customer && consult
    }

    /// Tells the view of every call whose actions have changed, because of what happened to another one too.
    pub(super) fn settle_actions(&mut self) {
        let ids: Vec<CallId> = self.calls.keys().copied().collect();
        for id in ids {
            let actions = self.actions(id);
            if let Some(entry) = self.calls.get_mut(&id)
                && entry.offered != actions
            {
                entry.offered = actions;
                self.change(Change::Call(id));
            }
        }
    }
}
