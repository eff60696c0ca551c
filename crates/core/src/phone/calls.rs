//! Calls, from dialling or ringing to their end.
//!
//! ```text
//! out: Dialing -LocateMedia-> -OpenPort-> -Invite-> Ringing -> Active -> Ended
//! in:  Incoming -(answer)-> Answering -LocateMedia-> -OpenPort-> -Answer-> Active -> Ended
//! ```

use super::{Action, CallEntry, Change, LINGER, MAX_CALLS, Now, Output, Phone, Port};
use crate::{
    audio::AudioCommand,
    call::{Call, CallState, Direction, EndReason, Hold, Peer},
    dial,
    ids::{AccountId, CallId},
    sip::{CallHeaders, MediaSession, SipCommand, SipEvent},
    store::{Interaction, InteractionEnd, StoreCommand},
    text::Text,
};
use std::{net::SocketAddr, time::Duration};

impl Phone {
    pub(super) fn sip(&mut self, now: Now, event: SipEvent) {
        match event {
            SipEvent::Registration { account, state } => self.registration_changed(account, state),
            SipEvent::MediaAddress { call, local } => match local {
                Ok(bind) => {
                    self.on_waiting_call(call, |phone, _| phone.tell_audio(AudioCommand::OpenPort { call, bind }));
                }
                Err(text) => self.port_failed(now, call, text),
            },
            SipEvent::Incoming { account, call, peer, headers } => self.incoming(now, account, call, peer, headers),
            SipEvent::Ringing { call, early_media } => self.ringing(call, early_media),
            SipEvent::Media { call, media } => self.media(call, media),
            SipEvent::Answered { call } => self.answered(now, call),
            SipEvent::Hold { call, hold } => self.held(call, hold),
            SipEvent::Ended { call, reason } => self.end(now, call, reason),
            // Only the practice line serves registrations, and it is no phone.
            SipEvent::RegistrationServed { .. } => {}
            // Call control: the port stands, the phone follows.
            SipEvent::PeerChanged { .. }
            | SipEvent::Transfer { .. }
            | SipEvent::ReferAsked { .. }
            | SipEvent::ReferGone { .. }
            | SipEvent::Digit { .. }
            | SipEvent::Redirected { .. }
            | SipEvent::Lamp { .. }
            | SipEvent::MessagesWaiting { .. }
            | SipEvent::SubscriptionDown { .. }
            | SipEvent::MessageReceived { .. }
            | SipEvent::MessageSent { .. } => {}
            SipEvent::Stopped => {
                if matches!(self.closing, super::Closing::Sip { .. }) {
                    self.close_store(now);
                }
            }
        }
    }

    pub(super) fn dial(&mut self, now: Now, to: &str, account: Option<AccountId>) -> Result<(), Text> {
        let target = dial::target(to)?;
        let account = self.outgoing_account(account, &target)?;
        if self.living_calls() >= MAX_CALLS {
            return Err(Text::new("command.too_many_calls"));
        }
        let id = CallId(self.next_call);
        self.next_call = (self.next_call + 1) & 0x7fff_ffff;
        let bare = target.trim_start_matches("sips:").trim_start_matches("sip:");
        let peer = Peer { name: None, address: bare.to_owned(), uri: String::new() };
        self.hold_others(id);
        self.begin(now, id, account, Direction::Outgoing, peer, CallHeaders::default(), CallState::Dialing, target);
        self.open_port(id);
        Ok(())
    }

    fn incoming(&mut self, now: Now, account: AccountId, id: CallId, peer: Peer, headers: CallHeaders) {
        if self.calls.contains_key(&id) {
            return;
        }
        if self.closing != super::Closing::No || self.living_calls() >= MAX_CALLS {
            self.tell_sip(SipCommand::Reject { call: id, status: 486 });
            return;
        }
        self.begin(now, id, account, Direction::Incoming, peer, headers, CallState::Incoming, String::new());
        if self.config.auto_answer {
            // A call that has just begun to ring can be answered; were it otherwise, it would go on ringing.
            let _ = self.answer(id);
        }
    }

    #[allow(clippy::too_many_arguments)] // The parts of a call, each named once, here only.
    fn begin(
        &mut self,
        now: Now,
        id: CallId,
        account: AccountId,
        direction: Direction,
        peer: Peer,
        headers: CallHeaders,
        state: CallState,
        target: String,
    ) {
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
        let entry = CallEntry {
            call,
            headers,
            stats: None,
            silent_s: 0,
            target,
            interaction: self.last_interaction,
            port: Port::None,
            media: None,
            signalled: false,
            microphone: false,
            listening: false,
            gone_at: None,
        };
        self.calls.insert(id, entry);
        self.change(Change::Call(id));
    }

    fn open_port(&mut self, id: CallId) {
        let Some(entry) = self.calls.get_mut(&id) else { return };
        entry.port = Port::Opening;
        let account = entry.call.account;
        self.tell_sip(SipCommand::LocateMedia { account, call: id });
    }

    pub(super) fn port_opened(&mut self, id: CallId, local: SocketAddr) {
        let waited = self.on_waiting_call(id, |phone, entry| {
            entry.port = Port::Open(local);
            entry.signalled = true;
            phone.out.push_back(Output::Sip(match entry.call.direction {
                Direction::Outgoing => SipCommand::Invite {
                    account: entry.call.account,
                    call: id,
                    target: entry.target.clone(),
                    media: local,
                },
                Direction::Incoming => SipCommand::Answer { call: id, media: local },
            }));
        });
        if !waited {
            // The call ended while its port was being opened.
            self.tell_audio(AudioCommand::Stop { call: id });
        }
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
        if matches!(entry.call.state, CallState::Dialing | CallState::Ringing { .. }) {
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
        if matches!(entry.call.state, CallState::Active { .. } | CallState::Ending { .. }) {
            return;
        }
        entry.call.state = CallState::Active { since: now.mono, hold: Hold::None, muted: false };
        self.change(Change::Call(id));
        self.hold_others(id);
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

    pub(super) fn answer(&mut self, id: CallId) -> Result<(), Text> {
        let entry = self.commanded(id, Action::Answer)?;
        entry.call.state = CallState::Answering;
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
        let entry = self.commanded(id, Action::HangUp)?;
        let signalled = entry.signalled;
        match (&entry.call.state, entry.call.direction) {
            (CallState::Incoming, _) => return self.reject(now, id),
            (CallState::Dialing, Direction::Outgoing) if !signalled => self.end(now, id, EndReason::Cancelled),
            (CallState::Answering, _) if !signalled => {
                self.tell_sip(SipCommand::Reject { call: id, status: 486 });
                self.end(now, id, EndReason::Declined);
            }
            _ => {
                self.tell_sip(SipCommand::HangUp { call: id });
                if let Some(entry) = self.living(id) {
                    let since = match entry.call.state {
                        CallState::Active { since, .. } => Some(since),
                        _ => None,
                    };
                    entry.call.state = CallState::Ending { since };
                }
                self.change(Change::Call(id));
            }
        }
        Ok(())
    }

    pub(super) fn hold(&mut self, id: CallId, on: bool) -> Result<(), Text> {
        self.commanded(id, if on { Action::Hold } else { Action::Resume })?;
        self.tell_sip(SipCommand::Hold { call: id, on });
        if !on {
            self.hold_others(id);
        }
        Ok(())
    }

    pub(super) fn mute(&mut self, id: CallId, on: bool) -> Result<(), Text> {
        let entry = self.commanded(id, if on { Action::Mute } else { Action::Unmute })?;
        if let CallState::Active { muted, .. } = &mut entry.call.state {
            *muted = on;
        }
        self.change(Change::Call(id));
        Ok(())
    }

    pub(super) fn dtmf(&mut self, id: CallId, typed: &str) -> Result<(), Text> {
        let digits = dial::dtmf(typed).ok_or_else(|| Text::new("command.bad_digits"))?;
        let entry = self.commanded(id, Action::Dtmf)?;
        let in_rtp = entry.media.as_ref().is_some_and(|m| m.dtmf_payload.is_some());
        if let Some(digit) = digits.chars().find(|c| *c != ',') {
            self.tell_audio(AudioCommand::LocalDtmf { digit });
        }
        if in_rtp {
            self.tell_audio(AudioCommand::Dtmf { call: id, digits });
        } else {
            for digit in digits.chars().filter(|c| *c != ',') {
                self.tell_sip(SipCommand::Info { call: id, digit });
            }
        }
        Ok(())
    }

    /// A call that takes the line puts the others on hold: nobody hears what is not for them.
    fn hold_others(&mut self, active: CallId) {
        let others: Vec<CallId> = self
            .calls
            .values()
            .filter(|c| c.call.id != active && c.actions().contains(&Action::Hold))
            .map(|c| c.call.id)
            .collect();
        for call in others {
            self.tell_sip(SipCommand::Hold { call, on: true });
        }
    }

    /// The one place where a call ends: once, with its interaction completed.
    pub(super) fn end(&mut self, now: Now, id: CallId, reason: EndReason) {
        let Some(entry) = self.living(id) else { return };
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
        let had_media = entry.port != Port::None || entry.media.is_some();
        let interaction = entry.interaction;
        let outgoing = entry.call.direction == Direction::Outgoing;
        if had_media {
            self.tell_audio(AudioCommand::Stop { call: id });
        }
        self.ended_tone(now, outgoing, &reason);
        if let Some(row) = self.history.iter_mut().find(|i| i.id == interaction) {
            row.end = Some(InteractionEnd { reason, talked });
            let row = Box::new(row.clone());
            self.tell_store(StoreCommand::SaveInteraction(row));
            self.change(Change::History);
        }
        self.change(Change::Call(id));
    }

    pub(super) fn living_calls(&self) -> usize {
        self.calls.values().filter(|c| c.gone_at.is_none()).count()
    }

    /// A call that has not ended.
    pub(super) fn living(&mut self, id: CallId) -> Option<&mut CallEntry> {
        self.calls.get_mut(&id).filter(|c| c.gone_at.is_none())
    }

    fn commanded(&mut self, id: CallId, action: Action) -> Result<&mut CallEntry, Text> {
        let entry = self.calls.get_mut(&id).ok_or_else(|| Text::new("command.unknown_call"))?;
        if entry.actions().contains(&action) { Ok(entry) } else { Err(Text::new("command.not_now")) }
    }
}

impl CallEntry {
    /// What can be done with the call now. The only list; screens show nothing else.
    pub fn actions(&self) -> Vec<Action> {
        match &self.call.state {
            CallState::Dialing | CallState::Ringing { .. } | CallState::Answering => vec![Action::HangUp],
            CallState::Incoming => vec![Action::Answer, Action::Reject],
            CallState::Active { hold, muted, .. } => {
                let mute = if *muted { Action::Unmute } else { Action::Mute };
                let held = if hold.local() { Action::Resume } else { Action::Hold };
                vec![Action::HangUp, mute, held, Action::Dtmf]
            }
            CallState::Ending { .. } | CallState::Ended { .. } => Vec::new(),
        }
    }

    /// Whether the agent's voice may go into this call now.
    pub(super) fn wants_microphone(&self) -> bool {
        matches!(self.call.state, CallState::Active { hold: Hold::None, muted: false, .. })
    }

    /// Whether this call should be heard now: talking, held by the far side (its music), or early media.
    pub(super) fn wants_listening(&self) -> bool {
        match self.call.state {
            CallState::Active { hold, .. } => !hold.local(),
            CallState::Ringing { early_media } => early_media,
            _ => false,
        }
    }
}
