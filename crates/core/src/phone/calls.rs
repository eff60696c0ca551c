//! Calls, from dialling or ringing to their end.
//!
//! ```text
//! out: Dialing -LocateMedia-> -OpenPort-> -Invite-> Ringing -> Active -> Ended
//! in:  Incoming -(answer)-> Answering -LocateMedia-> -OpenPort-> -Answer-> Active -> Ended
//! ```

use super::{Action, CallEntry, Change, LINGER, Now, Phone, entry::Port};
use crate::{
    audio::AudioCommand,
    call::{Call, CallState, Direction, EndReason, Hold, Peer},
    dial,
    ice::MediaPort,
    ids::{AccountId, CallId},
    policy::{self, Judged, Verdict},
    sip::{CallHeaders, MediaSession, SipCommand, SipEvent},
    store::{Interaction, InteractionEnd, StoreCommand},
    text::Text,
};
use std::time::{Duration, Instant};

/// After an emergency call everybody rings for so long: the emergency centre may call back, from any number.
const CALL_BACK: Duration = Duration::from_secs(30 * 60);

/// A call that is about to be.
pub(super) struct Begin {
    pub id: CallId,
    pub account: AccountId,
    pub direction: Direction,
    pub peer: Peer,
    pub headers: CallHeaders,
    pub state: CallState,
    pub target: String,
}

impl Phone {
    pub(super) fn sip(&mut self, now: Now, event: SipEvent) {
        match event {
            SipEvent::Registration { account, state } => self.registration_changed(account, state),
            SipEvent::MediaAddress { call, local } => match local {
                Ok(place) => {
                    let asked = AudioCommand::OpenPort { call, place: place.clone() };
                    let waits = self.on_waiting_call(call, |phone, _| phone.tell_audio(asked));
                    if !waits {
                        self.media_located(call, place);
                    }
                }
                Err(text) => self.port_failed(now, call, text),
            },
            SipEvent::Moved { account } => self.moved(account),
            SipEvent::Incoming { account, call, peer, headers } => self.incoming(now, account, call, peer, headers),
            SipEvent::Ringing { call, early_media } => self.ringing(call, early_media),
            SipEvent::Media { call, media } => self.media(call, media),
            SipEvent::Answered { call } => self.answered(now, call),
            SipEvent::Hold { call, hold } => self.held(call, hold),
            SipEvent::Digit { call, digit } => self.digit(now, call, digit),
            SipEvent::PeerChanged { call, peer } => self.peer_changed(call, peer),
            SipEvent::Transfer { call, progress } => self.transfer_progress(now, call, progress),
            SipEvent::ReferAsked { call, target, replaces } => self.refer_asked(now, call, target, replaces),
            SipEvent::ReferGone { call } => self.refer_gone(call),
            SipEvent::Redirected { call, targets } => self.redirected(now, call, targets),
            SipEvent::Ended { call, reason } => self.end(now, call, reason),
            SipEvent::Lamp { subscription, lamp } => self.lamp(subscription, lamp),
            SipEvent::MessagesWaiting { account, mailbox } => self.messages_waiting(account, mailbox),
            SipEvent::SubscriptionDown { subscription, .. } => self.subscription_down(subscription),
            SipEvent::MessageReceived { account, peer, text } => self.message_received(now, account, peer, text),
            SipEvent::MessageSent { message, result } => self.message_sent(message, result),
            // Only the practice line serves registrations, and it is no phone.
            SipEvent::RegistrationServed { .. } => {}
            SipEvent::Stopped => {
                if matches!(self.closing, super::Closing::Sip { .. }) {
                    self.close_store(now);
                }
            }
        }
    }

    pub(super) fn dial(&mut self, now: Now, to: &str, account: Option<AccountId>, confirmed: bool) -> Result<(), Text> {
        let account = self.outgoing_account(account, &dial::target(to)?)?;
        let judged = self.permitted(account, to, confirmed)?;
        self.place(now, account, judged)?;
        self.last_dialled = Some((account, to.to_owned()));
        Ok(())
    }

    /// What the account makes of `to`, if it may be called.
    pub(super) fn permitted(&self, account: AccountId, to: &str, confirmed: bool) -> Result<Judged, Text> {
        let judged = policy::judge(self.options(account), to)?;
        match judged.verdict {
            Verdict::Blocked => Err(Text::new("dial.blocked")),
            Verdict::Premium if !confirmed => Err(Text::new("dial.premium")),
            _ => Ok(judged),
        }
    }

    /// Dials what nobody means by "the last number".
    pub(super) fn dial_code(&mut self, now: Now, code: &str, account: AccountId) -> Result<(), Text> {
        let judged = self.permitted(account, code, false)?;
        self.place(now, account, judged).map(|_| ())
    }

    /// Dials; the others go on hold.
    pub(super) fn place(&mut self, now: Now, account: AccountId, judged: Judged) -> Result<CallId, Text> {
        let emergency = judged.verdict == Verdict::Emergency;
        if self.full() && !emergency {
            return Err(Text::new("command.too_many_calls"));
        }
        let bare = judged.target.trim_start_matches("sips:").trim_start_matches("sip:");
        let peer = Peer { name: None, address: bare.to_owned(), uri: String::new() };
        Ok(self.start_outgoing(now, account, peer, judged.target, emergency))
    }

    pub(super) fn start_outgoing(
        &mut self,
        now: Now,
        account: AccountId,
        peer: Peer,
        target: String,
        emergency: bool,
    ) -> CallId {
        self.hold_others(CallId(self.next_call));
        self.new_outgoing(now, account, peer, target, emergency)
    }

    /// Dials beside what goes on.
    pub(super) fn new_outgoing(
        &mut self,
        now: Now,
        account: AccountId,
        peer: Peer,
        target: String,
        emergency: bool,
    ) -> CallId {
        let id = CallId(self.next_call);
        self.next_call = (self.next_call + 1) & 0x7fff_ffff;
        let (direction, headers, state) = (Direction::Outgoing, CallHeaders::default(), CallState::Dialing);
        self.begin(now, Begin { id, account, direction, peer, headers, state, target });
        if emergency {
            self.emergency_until = Some(now.mono + CALL_BACK);
            if let Some(entry) = self.living(id) {
                entry.emergency = true;
            }
        }
        self.open_port(id);
        id
    }

    pub(super) fn begin(&mut self, now: Now, new: Begin) {
        let Begin { id, account, direction, peer, headers, state, target } = new;
        let millis = now.wall.duration_since(std::time::UNIX_EPOCH).map(|d| d.as_millis() as i64).unwrap_or(0);
        self.last_interaction = millis.max(self.last_interaction + 1);
        let interaction = Interaction {
            id: self.last_interaction,
            account,
            account_label: self.accounts.get(&account).map(|a| a.account.label.clone()).unwrap_or_default(),
            direction,
            peer: peer.clone(),
            started: now.wall,
            end: None,
        };
        self.record(interaction);
        let call = Call { id, account, direction, peer, started: now.wall, state };
        self.calls.insert(id, CallEntry::new(call, headers, target, self.last_interaction));
        self.change(Change::Call(id));
    }

    pub(super) fn open_port(&mut self, id: CallId) {
        let Some(entry) = self.calls.get_mut(&id) else { return };
        entry.port = Port::Opening;
        let account = entry.call.account;
        self.tell_sip(SipCommand::LocateMedia { account, call: id });
    }

    pub(super) fn port_opened(&mut self, now: Now, id: CallId, local: MediaPort) {
        let waited = self.on_waiting_call(id, |_, entry| entry.port = Port::Open(local.clone()));
        if !waited {
            if self.port_moved(id, local) {
                return;
            }
            // The call ended while its port was being opened.
            return self.tell_audio(AudioCommand::Stop { call: id });
        }
        let Some(entry) = self.living(id) else { return };
        let command = match (entry.call.direction, entry.granted_by) {
            (Direction::Incoming, _) => SipCommand::Answer { call: id, media: local },
            (Direction::Outgoing, None) => {
                let (account, target) = (entry.call.account, entry.target.clone());
                SipCommand::Invite { account, call: id, target, media: local }
            }
            (Direction::Outgoing, Some(asker)) if self.living(asker).is_some() => {
                SipCommand::AcceptRefer { call: asker, new: id, media: local }
            }
            // Whoever asked has hung up: there is nothing left to accept.
            _ => return self.end(now, id, EndReason::Failed { text: Text::new("call.gone"), status: None }),
        };
        if let Some(entry) = self.living(id) {
            entry.signalled = true;
        }
        self.tell_sip(command);
    }

    pub(super) fn port_failed(&mut self, now: Now, id: CallId, text: Text) {
        let Some(entry) = self.calls.get(&id) else { return };
        if entry.gone_at.is_some() || entry.port != Port::Opening {
            return;
        }
        if entry.call.direction == Direction::Incoming {
            self.tell_sip(SipCommand::Reject { call: id, status: 480 });
        }
        self.end(now, id, EndReason::Failed { text, status: None });
    }

    /// Runs `then` on a call that waits for its port; false if there is no such call (any more).
    fn on_waiting_call(&mut self, id: CallId, then: impl FnOnce(&mut Phone, &mut CallEntry)) -> bool {
        let Some(mut entry) = self.calls.remove(&id) else { return false };
        let waits = entry.port == Port::Opening && entry.gone_at.is_none();
        if waits {
            then(self, &mut entry);
        }
        self.calls.insert(id, entry);
        waits
    }

    fn ringing(&mut self, id: CallId, early_media: bool) {
        let Some(entry) = self.living(id) else { return };
        let early_media = early_media || matches!(entry.call.state, CallState::Ringing { early_media: true });
        let called = entry.signalled && entry.ask.is_none();
        if called && matches!(entry.call.state, CallState::Dialing | CallState::Ringing { .. }) {
            entry.call.state = CallState::Ringing { early_media };
            self.change(Change::Call(id));
        }
    }

    fn media(&mut self, id: CallId, media: MediaSession) {
        let Some(entry) = self.living(id) else { return };
        if entry.media.as_ref() != Some(&media) {
            entry.media = Some(media.clone());
            self.tell_audio(AudioCommand::Start { call: id, session: media });
        }
    }

    fn answered(&mut self, now: Now, id: CallId) {
        let Some(entry) = self.living(id) else { return };
        if !entry.signalled || matches!(entry.call.state, CallState::Active { .. } | CallState::Ending { .. }) {
            return;
        }
        if let Some(old) = entry.replaces {
            self.resemble(old, id);
        }
        let Some(entry) = self.living(id) else { return };
        entry.call.state = CallState::Active { since: now.mono, hold: Hold::None, muted: entry.mute_wanted };
        entry.alarm = None;
        entry.ask = None;
        let (held, replaced) = (entry.hold_wanted, entry.replaces);
        self.change(Change::Call(id));
        if self.mobile_answered(now, id) {
            return;
        }
        self.announce_intercom(now, id);
        if let Some(old) = replaced {
            self.let_go(now, old);
        }
        if held {
            self.tell_sip(SipCommand::Hold { call: id, on: true });
        } else {
            self.hold_others(id);
        }
    }

    fn held(&mut self, id: CallId, new: Hold) {
        let Some(entry) = self.living(id) else { return };
        if let CallState::Active { hold, .. } = &mut entry.call.state
            && *hold != new
        {
            *hold = new;
            self.change(Change::Call(id));
        }
    }

    /// Somebody else is at the other end, or is named better: on the card and in the log.
    fn peer_changed(&mut self, id: CallId, peer: Peer) {
        let Some(entry) = self.living(id) else { return };
        if peer.address.is_empty() || entry.call.peer == peer {
            return;
        }
        entry.call.peer = peer;
        self.change(Change::Call(id));
        self.write_peer(id);
    }

    /// The interaction names who the call names.
    pub(super) fn write_peer(&mut self, id: CallId) {
        let Some((interaction, peer)) = self.calls.get(&id).map(|c| (c.interaction, c.call.peer.clone())) else {
            return;
        };
        if let Some(row) = self.history.iter_mut().find(|i| i.id == interaction) {
            row.peer = peer;
            let row = Box::new(row.clone());
            self.tell_store(StoreCommand::SaveInteraction(row));
            self.change(Change::Interaction(interaction));
        }
    }

    pub(super) fn answer(&mut self, id: CallId) -> Result<(), Text> {
        let entry = self.commanded(id, Action::Answer)?;
        entry.call.state = CallState::Answering;
        entry.alarm = None;
        self.change(Change::Call(id));
        self.hold_others(id);
        self.open_port(id);
        Ok(())
    }

    pub(super) fn reject(&mut self, now: Now, id: CallId) -> Result<(), Text> {
        self.commanded(id, Action::Reject)?;
        // 486, not 603: a queue or a second phone may still take the caller.
        self.tell_sip(SipCommand::Reject { call: id, status: 486 });
        self.end(now, id, EndReason::Declined);
        Ok(())
    }

    pub(super) fn hang_up(&mut self, now: Now, id: CallId) -> Result<(), Text> {
        self.commanded(id, Action::HangUp)?;
        self.let_go(now, id);
        Ok(())
    }

    /// Hangs up a call in whatever state; nothing if it has ended or is about to.
    pub(super) fn let_go(&mut self, now: Now, id: CallId) {
        let Some(entry) = self.living(id) else { return };
        let signalled = entry.signalled;
        match (&entry.call.state, entry.call.direction) {
            (CallState::Incoming, _) => {
                self.tell_sip(SipCommand::Reject { call: id, status: 486 });
                self.end(now, id, EndReason::Declined);
            }
            (CallState::Dialing, Direction::Outgoing) if !signalled => self.end(now, id, EndReason::Cancelled),
            (CallState::Answering, _) if !signalled => {
                self.tell_sip(SipCommand::Reject { call: id, status: 486 });
                self.end(now, id, EndReason::Declined);
            }
            (CallState::Ending { .. }, _) => {}
            (state, _) => {
                let since = if let CallState::Active { since, .. } = state { Some(*since) } else { None };
                entry.call.state = CallState::Ending { since };
                entry.ask = None;
                entry.info.clear();
                self.tell_sip(SipCommand::HangUp { call: id });
                self.change(Change::Call(id));
            }
        }
    }

    pub(super) fn hold(&mut self, id: CallId, on: bool) -> Result<(), Text> {
        let entry = self.commanded(id, if on { Action::Hold } else { Action::Resume })?;
        if !on {
            self.resume(id);
            return Ok(());
        }
        entry.hold_wanted = true;
        entry.held_for = None;
        self.tell_sip(SipCommand::Hold { call: id, on: true });
        self.change(Change::Call(id));
        Ok(())
    }

    /// Takes the line back to a call, or to the whole conference that it is in; everything else goes on hold.
    pub(super) fn resume(&mut self, id: CallId) {
        let conference = self.calls.get(&id).is_some_and(|c| c.conference);
        let with: Vec<CallId> = self
            .calls
            .values()
            .filter(|c| c.call.id == id || (conference && c.conference))
            .filter(|c| c.gone_at.is_none() && c.held_here())
            .map(|c| c.call.id)
            .collect();
        for call in with {
            if let Some(entry) = self.living(call) {
                entry.hold_wanted = false;
                entry.held_for = None;
            }
            self.tell_sip(SipCommand::Hold { call, on: false });
            self.change(Change::Call(call));
        }
        self.hold_others(id);
    }

    /// The agent's microphone into this call; in a conference, into all of it.
    pub(super) fn mute(&mut self, id: CallId, on: bool) -> Result<(), Text> {
        let conference = self.commanded(id, if on { Action::Mute } else { Action::Unmute })?.conference;
        let mut changed = Vec::new();
        for entry in self.calls.values_mut() {
            let meant = entry.call.id == id || (conference && entry.conference);
            if let CallState::Active { muted, .. } = &mut entry.call.state
                && meant
            {
                *muted = on;
                changed.push(entry.call.id);
            }
        }
        for call in changed {
            self.change(Change::Call(call));
        }
        Ok(())
    }

    /// A call that takes the line puts the others on hold: nobody hears what is not for them. A conference is one.
    pub(super) fn hold_others(&mut self, active: CallId) {
        let conference = self.calls.get(&active).is_some_and(|c| c.conference);
        let mut asked = Vec::new();
        for entry in self.calls.values_mut() {
            if entry.call.id == active || !entry.active() || entry.aside() || (conference && entry.conference) {
                continue;
            }
            if !entry.hold_wanted {
                asked.push(entry.call.id);
            }
            // Also where it is held already: should SIP ever say otherwise, the microphone stays closed.
            entry.hold_wanted = true;
        }
        for call in asked {
            self.tell_sip(SipCommand::Hold { call, on: true });
            self.change(Change::Call(call));
        }
    }

    /// The one place where a call ends: once, with its interaction completed.
    pub(super) fn end(&mut self, now: Now, id: CallId, reason: EndReason) {
        let mut reason = self.meaning(now, id, reason);
        if let EndReason::Failed { text, .. } = &mut reason
            && let Some(entry) = self.calls.get(&id)
        {
            self.name_host(entry.call.account, text);
            // Without a PBX it is whom was called.
            let dialled = entry.call.peer.address.rsplit('@').next().unwrap_or_default();
            if text.code == "wire.host_unknown" {
                text.params.entry("host").or_insert_with(|| dialled.to_owned());
            }
        }
        let Some(entry) = self.living(id) else { return };
        let unheard = !matches!(entry.call.state, CallState::Active { .. } | CallState::Ending { since: Some(_) });
        let talked = match entry.call.state {
            CallState::Active { since, .. } | CallState::Ending { since: Some(since) } => {
                now.mono.saturating_duration_since(since)
            }
            _ => Duration::ZERO,
        };
        entry.call.state = CallState::Ended { reason: reason.clone(), talked };
        entry.gone_at = Some(now.mono + LINGER);
        entry.microphone = false;
        entry.listening = false;
        entry.ask = None;
        entry.alarm = None;
        entry.info.clear();
        entry.info_at = None;
        let had_media = entry.port != Port::None || entry.media.is_some();
        let interaction = entry.interaction;
        let outgoing = entry.call.direction == Direction::Outgoing && entry.mobile.is_none();
        let leg = entry.mobile.clone();
        entry.mobile_at = None;
        if had_media {
            self.tell_audio(AudioCommand::Stop { call: id });
        }
        self.ended_tone(now, outgoing, &reason);
        if let Some(leg) = leg {
            self.mobile_ended(&leg, &reason);
        }
        if let Some(row) = self.history.iter_mut().find(|i| i.id == interaction) {
            row.end = Some(InteractionEnd { reason, talked });
            let row = Box::new(row.clone());
            self.tell_store(StoreCommand::SaveInteraction(row));
            self.change(Change::Interaction(interaction));
        }
        self.change(Change::Call(id));
        if unheard {
            self.came_to_nothing(id);
        }
        self.after_end(now, id);
    }

    /// Whether there may be no further call.
    pub(super) fn full(&self) -> bool {
        self.living_calls() >= self.config.most_calls
    }

    pub(super) fn living_calls(&self) -> usize {
        self.calls.values().filter(|c| c.gone_at.is_none()).count()
    }

    /// A call that has not ended.
    pub(super) fn living(&mut self, id: CallId) -> Option<&mut CallEntry> {
        self.calls.get_mut(&id).filter(|c| c.gone_at.is_none())
    }

    pub(super) fn commanded(&mut self, id: CallId, action: Action) -> Result<&mut CallEntry, Text> {
        if !self.calls.contains_key(&id) {
            return Err(Text::new("command.unknown_call"));
        }
        let offered = self.actions(id).contains(&action);
        self.calls.get_mut(&id).filter(|_| offered).ok_or_else(|| Text::new("command.not_now"))
    }

    /// When something happens to a call by itself.
    pub(super) fn call_timer(&self) -> Option<Instant> {
        let of = |c: &CallEntry| {
            let transfer = c.transfer.as_ref().filter(|t| t.runs() && c.gone_at.is_none()).map(|t| t.until);
            let ask = c.ask.as_ref().map(|ask| ask.until);
            let alarm = c.alarm.as_ref().map(|(at, _)| *at);
            let leg = c.mobile.as_ref().filter(|_| c.gone_at.is_none()).and_then(super::mobile::Leg::due);
            [
                c.gone_at,
                transfer,
                ask,
                alarm,
                leg,
                c.mobile_at,
                c.info_at,
                c.pause_due.filter(|_| c.gone_at.is_none()),
                c.closed_until.filter(|_| c.gone_at.is_none()),
            ]
            .into_iter()
            .flatten()
            .min()
        };
        self.calls.values().filter_map(of).min()
    }
}
