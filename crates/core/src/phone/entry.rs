//! A call with what the phone keeps beside it, and what can be done with it.

use super::mobile::{Leg, LegState};
use crate::{
    audio::CallStats,
    call::{Call, CallState, EndReason, Hold, Peer},
    fields::Fields,
    ice::MediaPort,
    ids::CallId,
    recording::CallRecording,
    sip::{CallHeaders, Codec, MediaSession},
    srtp::Protection,
    text::Text,
};
use std::{collections::VecDeque, time::Instant};

/// What can be done with a call now.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Action {
    Answer,
    Reject,
    HangUp,
    Mute,
    Unmute,
    Hold,
    Resume,
    Dtmf,
    Transfer,
    Consult,
    CompleteTransfer,
    AbandonConsult,
    Swap,
    Join,
    Split,
    Silence,
    Unsilence,
    LeaveConference,
    Grant,
    Refuse,
    Redirect,
    Help,
    MoveToMobile,
    Record,
    PauseRecording,
    ResumeRecording,
    StopRecording,
}

/// What the RTP port of a call is wanted for.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum Port {
    /// Not asked for yet (an incoming call that rings).
    None,
    /// Asked for; the INVITE or the answer waits for it.
    Opening,
    Open(MediaPort),
}

/// A transfer of a call, from the key to its end.
#[derive(Clone, PartialEq, Debug)]
pub struct Transfer {
    /// Number or address of the target, for the eye.
    pub to: String,
    pub state: TransferState,
    /// The call of ours that the target is on, where it is one.
    pub(super) with: Option<CallId>,
    /// When it counts as failed because nothing was heard.
    pub(super) until: Instant,
}

#[derive(Clone, PartialEq, Debug)]
pub enum TransferState {
    /// The consultation still rings; it is being cancelled, then `target` is asked for blindly.
    Cancelling {
        target: String,
    },
    Asked,
    Accepted,
    Ringing,
    Done,
    /// The call is still ours.
    Failed(Text),
}

impl Transfer {
    /// Neither done nor failed.
    pub fn runs(&self) -> bool {
        !matches!(self.state, TransferState::Done | TransferState::Failed(_))
    }
}

/// What the far side wants of us. It waits for the agent.
#[derive(Clone, PartialEq, Debug)]
pub struct Ask {
    pub kind: AskKind,
    pub targets: Vec<Peer>,
    /// Refused by itself then.
    pub until: Instant,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AskKind {
    /// REFER to somebody new.
    Transfer,
    /// REFER with Replaces: a call of the far side's is handed to us.
    HandOver,
    /// 3xx to our INVITE.
    Redirect,
}

/// A call with what the phone keeps beside it.
#[derive(Clone, PartialEq, Debug)]
pub struct CallEntry {
    pub call: Call,
    pub headers: CallHeaders,
    pub fields: Fields,
    pub stats: Option<CallStats>,
    /// By the media engine.
    pub protection: Protection,
    /// Seconds without any RTP while there should be some; 0 when all is well.
    pub silent_s: u32,
    pub emergency: bool,
    /// The customer that this call is a consultation about.
    pub consult_for: Option<CallId>,
    /// The call whose place this one takes.
    pub replaces: Option<CallId>,
    /// One party of the conference.
    pub conference: bool,
    /// Not heard in the conference, by nobody.
    pub silenced: bool,
    pub transfer: Option<Transfer>,
    pub ask: Option<Ask>,
    pub recording: CallRecording,
    /// When its pause ends by itself, or is reminded of.
    pub(super) pause_due: Option<Instant>,
    /// The last digits that the far side sent.
    pub digits: String,
    /// What an INVITE that waits for its port will call.
    pub(super) target: String,
    /// The INVITE comes of a far side's REFER on this call, which was granted.
    pub(super) granted_by: Option<CallId>,
    /// Addresses that this call was redirected from, itself included.
    pub(super) tried: Vec<String>,
    /// We want it held, whether SIP has said so yet or not: the microphone is closed at once.
    pub(super) hold_wanted: bool,
    /// The call for whose sake it was put on hold; it is resumed when that one comes to nothing.
    pub(super) held_for: Option<CallId>,
    /// No microphone before then (the intercom's tone).
    pub(super) closed_until: Option<Instant>,
    /// The intercom answers it then, or a rule forwards it.
    pub(super) alarm: Option<(Instant, Alarm)>,
    /// It is a call to the agent's own mobile, about a customer.
    pub(super) mobile: Option<Leg>,
    /// The mobile rings too from then on.
    pub(super) mobile_at: Option<Instant>,
    /// Answered by itself: a colleague speaks into the room.
    pub(super) intercom: bool,
    /// Digits that wait for their turn as SIP INFO.
    pub(super) info: VecDeque<char>,
    pub(super) info_at: Option<Instant>,
    pub(super) interaction: i64,
    pub(super) port: Port,
    pub(super) media: Option<MediaSession>,
    /// The INVITE or the answer has gone to SIP: from here on SIP tells the end.
    pub(super) signalled: bool,
    /// What the audio was last told.
    pub(super) microphone: bool,
    pub(super) listening: bool,
    /// What the view was last told.
    pub(super) offered: Vec<Action>,
    pub(super) gone_at: Option<Instant>,
    /// Muted from its first moment (it takes the place of a muted call).
    pub(super) mute_wanted: bool,
    /// What a hang-up by either side means from now on.
    pub(super) end_as: Option<EndReason>,
}

/// What time does to a call that rings here.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum Alarm {
    Intercom,
    Forward(String),
}

impl CallEntry {
    pub(super) fn new(call: Call, headers: CallHeaders, target: String, interaction: i64) -> Self {
        CallEntry {
            call,
            headers,
            fields: Fields::default(),
            stats: None,
            protection: Protection::Plain,
            silent_s: 0,
            emergency: false,
            consult_for: None,
            replaces: None,
            conference: false,
            silenced: false,
            transfer: None,
            ask: None,
            recording: CallRecording::Off,
            pause_due: None,
            digits: String::new(),
            target,
            granted_by: None,
            tried: Vec::new(),
            hold_wanted: false,
            held_for: None,
            closed_until: None,
            alarm: None,
            mobile: None,
            mobile_at: None,
            intercom: false,
            info: VecDeque::new(),
            info_at: None,
            interaction,
            port: Port::None,
            media: None,
            signalled: false,
            microphone: false,
            listening: false,
            offered: Vec::new(),
            gone_at: None,
            mute_wanted: false,
            end_as: None,
        }
    }

    /// Its row of the call log.
    pub fn interaction(&self) -> i64 {
        self.interaction
    }

    /// What its sound is coded with, once that is settled.
    pub fn codec(&self) -> Option<Codec> {
        self.media.as_ref().map(|media| media.codec)
    }

    pub(super) fn active(&self) -> bool {
        matches!(self.call.state, CallState::Active { .. })
    }

    /// Held by us, or about to be, or not resumed yet. What we want is `hold_wanted`.
    pub(super) fn held_here(&self) -> bool {
        matches!(self.call.state, CallState::Active { hold, .. } if hold.local() || self.hold_wanted)
    }

    /// The customer whom a call to the agent's mobile is about.
    pub fn mobile_for(&self) -> Option<CallId> {
        self.mobile.as_ref().map(|leg| leg.customer)
    }

    /// The mobile has not been taken by a person yet: nothing of the desk is for it.
    pub(super) fn asleep(&self) -> bool {
        self.mobile.as_ref().is_some_and(|leg| matches!(leg.state, LegState::Ringing | LegState::Asking(_)))
    }

    /// It is no part of what is said at the desk: neither heard nor held.
    pub(super) fn aside(&self) -> bool {
        self.mobile.as_ref().is_some_and(|leg| leg.state != LegState::Joined)
    }

    pub(super) fn transferring(&self) -> bool {
        self.transfer.as_ref().is_some_and(Transfer::runs)
    }

    /// Whether the agent's voice may go into this call now.
    pub(super) fn wants_microphone(&self, now: Instant) -> bool {
        matches!(self.call.state, CallState::Active { hold: Hold::None, muted: false, .. })
            && !self.hold_wanted
            && !self.aside()
            && self.closed_until.is_none_or(|until| until <= now)
    }

    /// Whether this call should be heard now: talking, held by the far side (its music), or early media. In a conference the
    /// music of one party is not for the others.
    pub(super) fn wants_listening(&self) -> bool {
        if self.aside() {
            return false;
        }
        match self.call.state {
            CallState::Active { hold, .. } if self.conference => {
                hold == Hold::None && !self.hold_wanted && !self.silenced
            }
            CallState::Active { hold, .. } => !hold.local() && !self.hold_wanted,
            CallState::Ringing { early_media } => early_media,
            _ => false,
        }
    }
}
