//! Who may ring: do not disturb, not ready, call waiting, forwarding, intercom, and the limits. Who is turned away by a
//! rule of the agent's is written to the call log, up to [`ROWS_A_MINUTE`]; what a flood or a queue sends on by itself is
//! not.

use super::{AgentState, Alarm, Change, Forwarding, NoticeLevel, Now, Phone, Transfer, TransferState, calls::Begin};
use crate::{
    account::AccountKind,
    audio::Tone,
    call::{CallState, Direction, EndReason, Peer},
    fields,
    ids::{AccountId, CallId},
    options::{ForwardBy, ForwardRule, ForwardWhen},
    sip::{CallHeaders, SipCommand},
    text::Text,
};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Callers who ring at the same time; the next hears "busy".
const MAX_RINGING: usize = 4;
/// So many callers a minute who are turned away or forwarded by a rule get a row in the call log; more are a flood, and
/// told in one sentence.
const ROWS_A_MINUTE: usize = 30;
const MINUTE: Duration = Duration::from_secs(60);
/// The intercom's three notes, before which the microphone stays closed.
const NOTES: Duration = Duration::from_millis(1800);
/// How often rules with hours are looked at.
pub(super) const HOURS: Duration = Duration::from_secs(20);

/// What is done with a caller.
enum Door {
    Ring(Option<(Duration, Alarm)>),
    Away(u16, Option<Text>),
    Forward(String),
}

impl Phone {
    pub(super) fn incoming(&mut self, now: Now, account: AccountId, id: CallId, mut peer: Peer, headers: CallHeaders) {
        if self.calls.contains_key(&id) {
            return;
        }
        if self.closing != super::Closing::No {
            return self.tell_sip(SipCommand::Reject { call: id, status: 486 });
        }
        if let Some(old) = headers.replaces.filter(|old| self.replaceable(*old, account)) {
            return self.take_place(now, id, account, peer, headers, old);
        }
        let fields = fields::read(self.options(account), &headers, &mut peer);
        let door = self.door(now, account, &peer, &headers, fields.queue.is_some());
        let noted = match door {
            Door::Ring(_) => true,
            Door::Away(_, None) => false,
            Door::Away(..) | Door::Forward(_) => self.may_note(now),
        };
        if !noted {
            return self.tell_sip(match door {
                Door::Forward(target) => SipCommand::Redirect { call: id, target },
                Door::Away(status, _) => SipCommand::Reject { call: id, status },
                Door::Ring(_) => return,
            });
        }
        let (direction, state, target) = (Direction::Incoming, CallState::Incoming, String::new());
        self.begin(now, Begin { id, account, direction, peer, headers, state, target });
        if let Some(entry) = self.living(id) {
            entry.fields = fields;
        }
        match door {
            Door::Away(status, text) => {
                self.tell_sip(SipCommand::Reject { call: id, status });
                if let Some(text) = text {
                    self.end(now, id, EndReason::TurnedAway { text });
                }
            }
            Door::Forward(to) => self.forward(now, id, to),
            Door::Ring(alarm) => {
                let mobile_at = self.mobile_rings_at(now, account);
                if let Some(entry) = self.living(id) {
                    entry.mobile_at = mobile_at;
                }
                if let (Some(entry), Some((after, alarm))) = (self.living(id), alarm) {
                    entry.alarm = Some((now.mono + after, alarm));
                }
                if self.config.auto_answer {
                    // A call that has just begun to ring can be answered; were it otherwise, it would go on ringing.
                    let _ = self.answer(id);
                }
            }
        }
    }

    /// Whether another caller whom a rule keeps from ringing is written down.
    fn may_note(&mut self, now: Now) -> bool {
        self.kept_away.retain(|at| now.mono.saturating_duration_since(*at) < MINUTE);
        if self.kept_away.len() >= ROWS_A_MINUTE {
            self.raise(NoticeLevel::Warning, Text::new("call.many_kept_away"));
            return false;
        }
        self.kept_away.push_back(now.mono);
        true
    }

    fn door(&self, now: Now, account: AccountId, peer: &Peer, headers: &CallHeaders, of_queue: bool) -> Door {
        let ringing = self.calls.values().filter(|c| c.call.state == CallState::Incoming).count();
        if self.full() || ringing >= MAX_RINGING {
            return Door::Away(486, None);
        }
        if self.emergency_until.is_some_and(|until| until > now.mono) {
            return Door::Ring(None);
        }
        if of_queue && self.agent.state != AgentState::Ready {
            return Door::Away(480, None);
        }
        if self.agent.do_not_disturb {
            return Door::Away(486, Some(Text::new("call.missed_do_not_disturb")));
        }
        let busy = self.living_calls() > 0;
        let rules = || self.acting(account, now.wall).filter(|rule| rule.by == ForwardBy::Redirect);
        // A rule to a place that cannot be dialled, or must not, is no rule: the caller rings.
        let to = |rule: &ForwardRule| self.permitted(account, &rule.to, true).ok().map(|judged| judged.target);
        let at_once = rules().filter(|rule| match rule.when {
            ForwardWhen::Always | ForwardWhen::Hours { .. } => true,
            ForwardWhen::Busy => busy,
            ForwardWhen::NoAnswer { .. } | ForwardWhen::Unreachable => false,
        });
        if let Some(to) = at_once.filter_map(to).next() {
            return Door::Forward(to);
        }
        if busy && !self.agent.call_waiting {
            return Door::Away(486, Some(Text::new("call.missed_busy")));
        }
        if let Some(after) = headers.answer_after
            && !busy
            && self.intercom_allowed(account, peer)
        {
            return Door::Ring(Some((Duration::from_secs(u64::from(after.min(60))), Alarm::Intercom)));
        }
        Door::Ring(rules().find_map(|rule| match rule.when {
            ForwardWhen::NoAnswer { after_s } => {
                Some((Duration::from_secs(u64::from(after_s.max(1))), Alarm::Forward(to(rule)?)))
            }
            _ => None,
        }))
    }

    fn intercom_allowed(&self, account: AccountId, peer: &Peer) -> bool {
        let options = self.options(account);
        let user = peer.address.split('@').next().unwrap_or_default();
        // A From can say anything: only a PBX whose word on identities is trusted opens a microphone.
        let registrar = self.accounts.get(&account).is_some_and(|a| a.account.kind == AccountKind::Registrar);
        options.intercom
            && options.trust_identity
            && registrar
            && options.colleagues.iter().any(|c| c.intercom && c.number == user)
    }

    /// The account's rules that act at `wall`.
    fn acting(&self, account: AccountId, wall: SystemTime) -> impl Iterator<Item = &ForwardRule> {
        self.options(account).forwarding.iter().filter(move |rule| rule.on && acts(rule, wall))
    }

    /// Sends a caller who rings elsewhere; loops are the PBX's to stop (it counts Max-Forwards and Diversion).
    pub(super) fn forward(&mut self, now: Now, id: CallId, to: String) {
        self.tell_sip(SipCommand::Redirect { call: id, target: to.clone() });
        if let Some(entry) = self.living(id) {
            // While it lingers on the screen, it says where the caller went.
            entry.transfer = Some(Transfer { to, state: TransferState::Done, with: None, until: now.mono });
        }
        self.end(now, id, EndReason::Forwarded);
    }

    pub(super) fn redirect(&mut self, now: Now, id: CallId, to: &str, confirmed: bool) -> Result<(), Text> {
        let account = self.commanded(id, super::Action::Redirect)?.call.account;
        let target = self.permitted(account, to, confirmed)?.target;
        self.forward(now, id, target);
        Ok(())
    }

    /// The intercom answers; who was not answered is forwarded.
    pub(super) fn alarms(&mut self, now: Now) {
        let due: Vec<(CallId, Alarm)> = self
            .calls
            .values_mut()
            .filter(|c| c.call.state == CallState::Incoming && c.alarm.as_ref().is_some_and(|(at, _)| *at <= now.mono))
            .filter_map(|c| Some((c.call.id, c.alarm.take()?.1)))
            .collect();
        for (call, alarm) in due {
            match alarm {
                Alarm::Forward(to) => self.forward(now, call, to),
                // Somebody else was spoken to meanwhile: it goes on ringing like any call.
                Alarm::Intercom if self.living_calls() == 1 => {
                    if let Some(entry) = self.living(call) {
                        entry.intercom = true;
                    }
                    let _ = self.answer(call);
                }
                Alarm::Intercom => {}
            }
        }
    }

    /// The intercom is answered: three notes, then the microphone.
    pub(super) fn announce_intercom(&mut self, now: Now, id: CallId) {
        if let Some(entry) = self.living(id).filter(|c| c.intercom) {
            entry.closed_until = Some(now.mono + NOTES);
            self.passing_tone = Some((Tone::Test, now.mono + NOTES));
        }
    }

    pub(super) fn set_agent_state(&mut self, now: Now, state: AgentState) -> Result<(), Text> {
        let state = match state {
            AgentState::NotReady(reason) => {
                AgentState::NotReady(reason.filter(|r| !r.trim().is_empty() && r.len() <= 200))
            }
            AgentState::Ready => AgentState::Ready,
        };
        if self.agent.state != state {
            self.agent.state = state;
            self.agent.since = now.wall;
        }
        self.change(Change::Agent);
        Ok(())
    }

    pub(super) fn set_do_not_disturb(&mut self, on: bool) -> Result<(), Text> {
        self.agent.do_not_disturb = on;
        self.change(Change::Agent);
        Ok(())
    }

    pub(super) fn set_call_waiting(&mut self, on: bool) -> Result<(), Text> {
        self.agent.call_waiting = on;
        self.change(Change::Agent);
        Ok(())
    }

    /// Every forwarding rule that is switched on, with whether it acts now.
    pub(super) fn forwarding_at(&self, wall: SystemTime) -> Vec<Forwarding> {
        let of = |entry: &super::AccountEntry| {
            let account = entry.account.id;
            let on = entry.account.options.forwarding.iter().filter(|rule| rule.on);
            on.map(|rule| Forwarding { account, rule: rule.clone(), active: acts(rule, wall) }).collect::<Vec<_>>()
        };
        self.accounts.values().flat_map(of).collect()
    }

    /// Rules whose hour has come go; what is seen of the others follows.
    pub(super) fn settle_forwarding(&mut self, now: Now) {
        let ended: Vec<AccountId> = self
            .accounts
            .values()
            .filter(|e| e.account.options.forwarding.iter().any(|rule| rule.on && over(rule, now.wall)))
            .map(|e| e.account.id)
            .collect();
        for id in ended {
            let mut rules = self.options(id).forwarding.clone();
            for rule in rules.iter_mut().filter(|rule| over(rule, now.wall)) {
                rule.on = false;
            }
            // The codes that it dials are those that the agent set the rule up with.
            let _ = self.set_forwarding(now, id, rules);
        }
        let forwarding = self.forwarding_at(now.wall);
        if forwarding != self.forwarding {
            self.forwarding = forwarding;
            self.change(Change::Forwarding);
        }
        let timed = |f: &Forwarding| f.rule.until.is_some() || matches!(f.rule.when, ForwardWhen::Hours { .. });
        let next = self.forwarding.iter().any(timed).then(|| now.mono + HOURS);
        if next.is_none() || self.forwarding_check.is_none_or(|at| at <= now.mono) {
            self.forwarding_check = next;
        }
    }
}

fn seconds(wall: SystemTime) -> i64 {
    wall.duration_since(UNIX_EPOCH).map(|d| d.as_secs() as i64).unwrap_or(0)
}

fn over(rule: &ForwardRule, wall: SystemTime) -> bool {
    rule.until.is_some_and(|until| i64::from(until) <= seconds(wall))
}

/// Whether a rule that is switched on acts at `wall`.
fn acts(rule: &ForwardRule, wall: SystemTime) -> bool {
    let ForwardWhen::Hours { from, to, days, utc_offset_min } = &rule.when else { return !over(rule, wall) };
    let minutes = seconds(wall).div_euclid(60) + i64::from(*utc_offset_min);
    let (day, minute) = (minutes.div_euclid(1440), minutes.rem_euclid(1440));
    let (from, to) = (i64::from(*from), i64::from(*to));
    let over_midnight = to <= from;
    let within = if over_midnight { minute >= from || minute < to } else { (from..to).contains(&minute) };
    // The small hours belong to the evening before. Day 0, the 1st of January 1970, was a Thursday (4).
    let belongs = if over_midnight && minute < to { day - 1 } else { day };
    let weekday = (belongs + 4).rem_euclid(7);
    within && !over(rule, wall) && (days.is_empty() || days.iter().any(|d| i64::from(*d) == weekday))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hours_know_midnight_weekdays_and_the_offset() {
        let rule = |from, to, days: &[u8], utc_offset_min| ForwardRule {
            on: true,
            when: ForwardWhen::Hours { from, to, days: days.to_vec(), utc_offset_min },
            to: "1".into(),
            by: ForwardBy::Redirect,
            until: None,
        };
        // Friday 2023-11-17, 22:30 UTC.
        let at = UNIX_EPOCH + Duration::from_secs(1_700_260_200);
        assert!(acts(&rule(22 * 60, 6 * 60, &[5], 0), at));
        assert!(!acts(&rule(22 * 60, 6 * 60, &[6], 0), at));
        // 02:00 on Saturday in Tehran: still Friday's night.
        assert!(acts(&rule(22 * 60, 6 * 60, &[5], 210), at));
        assert!(!acts(&rule(9 * 60, 17 * 60, &[], 0), at));
        assert!(acts(&rule(9 * 60, 17 * 60, &[5], -360), at));
        assert!(!acts(&ForwardRule { until: Some(1_700_260_200), ..rule(0, 1439, &[], 0) }, at));
    }
}
