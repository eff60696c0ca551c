//! One conference: its calls hear each other and the agent. The mix is the audio engine's; who is in it is settled here.

use super::{Action, Change, Now, Phone};
use crate::{call::CallState, ids::CallId, sip::SipCommand, text::Text};

impl Phone {
    /// The conference's calls that live.
    pub(super) fn parties(&self) -> Vec<CallId> {
        let in_it = |c: &&super::CallEntry| {
            c.conference && c.gone_at.is_none() && !matches!(c.call.state, CallState::Ending { .. })
        };
        self.calls.values().filter(in_it).map(|c| c.call.id).collect()
    }

    pub(super) fn join(&mut self, named: Vec<CallId>) -> Result<(), Text> {
        let mut calls = if named.is_empty() {
            self.calls.values().filter(|c| c.active() && !c.transferring() && !c.asleep()).map(|c| c.call.id).collect()
        } else {
            named
        };
        let parties = self.parties();
        for call in &calls {
            if !parties.contains(call) {
                self.commanded(*call, Action::Join)?;
            }
        }
        calls.extend(parties);
        calls.sort();
        calls.dedup();
        if calls.len() < 2 {
            return Err(Text::new("command.not_now"));
        }
        // Whoever was muted before does not suddenly speak to everybody.
        let mute = calls
            .iter()
            .filter_map(|id| self.calls.get(id))
            .any(|c| matches!(c.call.state, CallState::Active { muted: true, .. }) && !c.held_here());
        for call in &calls {
            if let Some(entry) = self.living(*call) {
                entry.conference = true;
                entry.consult_for = None;
                if let CallState::Active { muted, .. } = &mut entry.call.state {
                    *muted = mute;
                }
            }
            self.change(Change::Call(*call));
        }
        self.resume(calls[0]);
        Ok(())
    }

    /// Out of the conference, onto hold.
    pub(super) fn split(&mut self, id: CallId) -> Result<(), Text> {
        let entry = self.commanded(id, Action::Split)?;
        entry.conference = false;
        entry.silenced = false;
        if !entry.hold_wanted {
            entry.hold_wanted = true;
            self.tell_sip(SipCommand::Hold { call: id, on: true });
        }
        self.change(Change::Call(id));
        Ok(())
    }

    pub(super) fn silence(&mut self, id: CallId, on: bool) -> Result<(), Text> {
        self.commanded(id, if on { Action::Silence } else { Action::Unsilence })?.silenced = on;
        self.change(Change::Call(id));
        Ok(())
    }

    /// The room that every party can be handed over to.
    fn room(&self, parties: &[CallId]) -> Option<String> {
        let mut rooms = parties.iter().map(|id| {
            let account = self.calls.get(id)?.call.account;
            self.options(account).conference_room.clone()
        });
        let first = rooms.next()??;
        rooms.all(|room| room.as_deref() == Some(&first)).then_some(first)
    }

    /// Two parties of one account can be connected with each other; any number goes to the PBX's room.
    pub(super) fn can_leave(&self) -> bool {
        let parties = self.parties();
        let entries: Vec<_> = parties.iter().filter_map(|id| self.calls.get(id)).collect();
        let ready = entries.len() >= 2 && entries.iter().all(|c| c.active() && !c.transferring());
        ready && (self.connectable(&parties) || self.room(&parties).is_some())
    }

    fn connectable(&self, parties: &[CallId]) -> bool {
        let account = |id: &CallId| self.calls.get(id).map(|c| c.call.account);
        parties.len() == 2 && account(&parties[0]) == account(&parties[1])
    }

    pub(super) fn leave_conference(&mut self, now: Now) -> Result<(), Text> {
        let parties = self.parties();
        if !self.can_leave() {
            return Err(Text::new("command.not_now"));
        }
        if self.connectable(&parties) {
            let (call, with) = (parties[0], parties[1]);
            let to = self.calls.get(&with).map(|c| c.call.peer.address.clone()).unwrap_or_default();
            self.ask_transfer(now, call, to, Some(with), SipCommand::TransferTo { call, with });
        } else if let Some(room) = self.room(&parties) {
            let first = self.calls.get(&parties[0]).map(|c| c.call.account);
            let Some(account) = first else { return Err(Text::new("command.not_now")) };
            let target = self.permitted(account, &room, false)?.target;
            for call in parties {
                let command = SipCommand::Transfer { call, target: target.clone() };
                self.ask_transfer(now, call, target.clone(), None, command);
            }
        }
        Ok(())
    }

    /// A conference of one is a call.
    pub(super) fn settle_conference(&mut self) {
        if let [last] = self.parties()[..]
            && let Some(entry) = self.living(last)
        {
            entry.conference = false;
            entry.silenced = false;
            self.change(Change::Call(last));
        }
    }

    /// Whom the engine mixes: those who talk with us now.
    pub(super) fn mixed(&self) -> Vec<CallId> {
        let mut calls = self.parties();
        calls.retain(|id| self.calls.get(id).is_some_and(|c| c.active() && !c.held_here() && c.media.is_some()));
        if calls.len() < 2 { Vec::new() } else { calls }
    }
}
