//! Call control in stories: what users and phones do about transfers, Replaces and 302, and what must hold.
//!
//! A phone that is asked by a call with Replaces takes it and gives up the old one; whose transfer is done hangs up; whose
//! transfer failed keeps the call. `Done` is told only of calls that were answered, `Failed` with a status only of others.

use super::{Side, Story, world::*};
use hatif_sip::*;
use rand::Rng;
use std::collections::{BTreeMap, BTreeSet};

/// A transfer that somebody asked for.
#[derive(Clone, Copy, Debug)]
struct Wanted {
    attended: bool,
    /// Who shall be called.
    target: usize,
    /// The new call, once somebody made it; of a blind one from the start.
    new: Option<CallId>,
    /// The call at the target that shall be replaced.
    replaced: Option<CallId>,
    /// The call at the transferor beside the transferred one.
    with: Option<CallId>,
}

#[derive(Default)]
pub struct Control {
    on: bool,
    /// By the transferred call, at the transferor and at the transferee.
    wanted: BTreeMap<(usize, CallId), Wanted>,
    /// Which new call replaces a call of an agent.
    pub replacing: BTreeMap<(usize, CallId), CallId>,
    /// Numbers that are given out for calls which nobody has made yet.
    pub unmade: BTreeSet<CallId>,
    pub tally: BTreeMap<String, usize>,
}

impl Control {
    pub fn new(on: bool) -> Self {
        Control { on, ..Control::default() }
    }

    fn count(&mut self, what: &str) {
        *self.tally.entry(what.to_string()).or_default() += 1;
    }
}

/// A call that was to replace another came too late: the other is over, or was refused.
pub fn not_replaced(ends: (EndReason, Option<EndReason>)) -> bool {
    ends.1.is_none() && matches!(ends.0, EndReason::Other { status: 481 } | EndReason::Rejected)
}

impl Story {
    fn next_id(&mut self, from: usize, to: usize) -> CallId {
        let id = CallId(self.dialled.len() as u32 + 1);
        self.dialled.insert(id, (from, to));
        id
    }

    /// The other end of a call: agent and its id there.
    fn other_end(&self, agent: usize, call: CallId) -> Option<(usize, CallId)> {
        match self.incoming.get(&(agent, call)) {
            Some(out) => Some((self.dialled[out].0, *out)),
            None => {
                let to = self.dialled.get(&call)?.1;
                let found = self.incoming.iter().find(|((at, _), out)| *at == to && **out == call);
                found.map(|(key, _)| *key)
            }
        }
    }

    fn alive(&self, agent: usize) -> Vec<CallId> {
        let up = |side: &Side| side.agent == agent && side.answered && side.end.is_none();
        self.sides.iter().filter(|(_, side)| up(side)).map(|((_, call), _)| *call).collect()
    }

    /// What is done about an event. Whether that is all.
    pub fn react_to_control(&mut self, agent: usize, event: &Event) -> bool {
        if !self.control.on {
            return false;
        }
        match event {
            Event::Incoming { call, headers, .. } => {
                let call = *call;
                if let Some(old) = headers.replaces {
                    self.control.count("replaced");
                    self.world.act(agent, Input::Answer { call, media: media(agent, call) });
                    self.world.act(agent, Input::HangUp { call: old });
                    return true;
                }
                let Some((caller, out)) = self.other_end(agent, call) else { return false };
                let before = self.incoming.values().filter(|number| **number == out).count();
                if before == 1 && self.rng.random_bool(0.1) {
                    let target = format!("call{}@{}", out.0, address(3 - agent - caller));
                    self.later(4_000, agent, Input::Redirect { call, target });
                    return true;
                }
                false
            }
            Event::Redirected { call, targets } => {
                let call = *call;
                if self.rng.random_bool(0.7) {
                    self.control.count("redirect followed");
                    let (from, to) = self.dialled[&call];
                    self.dialled.insert(call, (from, 3 - from - to));
                    // It is a call like any other now.
                    self.sides.remove(&(agent, call));
                    let target = targets[0].uri.clone();
                    self.world.act(agent, Input::Invite { account: ACCOUNT, call, target, media: media(agent, call) });
                }
                true
            }
            Event::Answered { call } => {
                self.want_transfer(agent, *call);
                false
            }
            Event::ReferAsked { call, .. } => {
                self.decide(agent, *call);
                true
            }
            Event::Transfer { call, progress: TransferProgress::Done } => {
                let with = self.control.wanted.get(&(agent, *call)).and_then(|w| w.with);
                for call in [Some(*call), with].into_iter().flatten() {
                    self.later(1_000, agent, Input::HangUp { call });
                }
                true
            }
            _ => false,
        }
    }

    fn want_transfer(&mut self, agent: usize, call: CallId) {
        let Some((peer, there)) = self.other_end(agent, call) else { return };
        let third = 3 - agent - peer;
        let mut others = self.alive(agent);
        others.retain(|other| self.other_end(agent, *other).is_some_and(|(at, _)| at == third));
        let with = others.first().copied().filter(|_| self.rng.random_bool(0.8));
        if self.control.wanted.contains_key(&(agent, call))
            || !self.rng.random_bool(if with.is_some() { 0.9 } else { 0.3 })
        {
            return;
        }
        let (new, replaced) = match with {
            Some(with) => (None, self.other_end(agent, with).map(|(_, id)| id)),
            None => (Some(self.next_id(peer, third)), None),
        };
        let taken = |id: CallId| self.control.wanted.values().any(|w| (w.target, w.replaced) == (third, Some(id)));
        if replaced.is_some_and(taken) {
            return;
        }
        let wanted = Wanted { attended: with.is_some(), target: third, new, replaced, with };
        self.control.wanted.insert((agent, call), wanted);
        self.control.wanted.insert((peer, there), Wanted { with: None, ..wanted });
        let input = match (with, new) {
            (Some(with), _) => Input::TransferTo { call, with },
            (None, new) => {
                let target = format!("call{}@{}", new.expect("blind").0, address(third));
                Input::Transfer { call, target }
            }
        };
        self.later(6_000, agent, input);
        if let Some(id) = new {
            // Nobody may ever make it.
            self.control.unmade.insert(id);
        }
    }

    fn decide(&mut self, agent: usize, call: CallId) {
        let wanted = self.control.wanted[&(agent, call)];
        match self.rng.random_range(0..12) {
            0 => self.control.count("refer not decided"),
            1 => {
                self.control.count("refer refused");
                self.later(9_000, agent, Input::RefuseRefer { call });
            }
            _ => {
                let new = wanted.new.unwrap_or_else(|| self.next_id(agent, wanted.target));
                self.control.unmade.remove(&new);
                if let Some(replaced) = wanted.replaced {
                    self.control.replacing.insert((wanted.target, replaced), new);
                }
                self.later(9_000, agent, Input::AcceptRefer { call, new, media: media(agent, new) });
            }
        }
    }

    /// Writes down what was told, and checks it.
    pub fn take_control(&mut self, agent: usize, event: &Event) {
        let Event::Transfer { call, progress } = event else { return };
        let wanted = self.control.wanted[&(agent, *call)];
        let kind = if wanted.attended { "attended" } else { "blind" };
        let new = match wanted.replaced {
            Some(replaced) => self.control.replacing.get(&(wanted.target, replaced)).copied(),
            None => wanted.new,
        };
        let answered =
            new.is_some_and(|new| self.sides.get(&(self.dialled[&new].0, new)).is_some_and(|side| side.answered));
        match progress {
            TransferProgress::Done => {
                self.control.count(&format!("{kind} Done"));
                assert!(answered, "a transfer is done that nobody answered");
            }
            TransferProgress::Failed(failure) => {
                self.control.count(&format!("{kind} Failed"));
                // Where it was sent on, whoever called may have followed meanwhile.
                let said = match failure {
                    TransferFailure::Target { status } => *status != 302,
                    TransferFailure::Refused { .. } => true,
                    _ => false,
                };
                assert!(!(said && answered), "{failure:?} of a call that was answered");
            }
            TransferProgress::Accepted | TransferProgress::Ringing => {}
        }
    }
}
