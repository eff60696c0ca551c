//! A call as the application sees it.

use crate::{
    ids::{AccountId, CallId},
    text::Text,
};
use std::time::{Instant, SystemTime};

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Direction {
    Incoming,
    Outgoing,
}

/// Who is at the other end, as the signalling says. Caller-supplied text: already capped in length and free of
/// control and bidi characters (`sip::clean`), still not to be trusted as anything but text.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Peer {
    pub name: Option<String>,
    /// What a person reads and dials: the number, or `user@host` where the user part is no number.
    pub address: String,
    /// The full SIP URI.
    pub uri: String,
}

/// Who has put the call on hold.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Hold {
    #[default]
    None,
    Local,
    Remote,
    Both,
}

impl Hold {
    pub fn new(local: bool, remote: bool) -> Self {
        match (local, remote) {
            (false, false) => Hold::None,
            (true, false) => Hold::Local,
            (false, true) => Hold::Remote,
            (true, true) => Hold::Both,
        }
    }
    pub fn local(self) -> bool {
        matches!(self, Hold::Local | Hold::Both)
    }
    pub fn remote(self) -> bool {
        matches!(self, Hold::Remote | Hold::Both)
    }
}

/// Where a call stands. Each state carries what is true only then.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum CallState {
    /// Our INVITE is out (or waits for its RTP port); nothing heard yet.
    Dialing,
    /// The far side rings; with `early_media` the PBX itself is heard.
    Ringing {
        early_media: bool,
    },
    /// The far side rings us.
    Incoming,
    /// We accepted; the answer is on its way, media not confirmed.
    Answering,
    Active {
        since: Instant,
        hold: Hold,
        muted: bool,
    },
    /// We hung up; waiting for the far side to agree. `since` is when it was answered, if it was.
    Ending {
        since: Option<Instant>,
    },
    Ended {
        reason: EndReason,
        talked: std::time::Duration,
    },
}

/// Why a call ended. `Failed` carries the words.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum EndReason {
    /// Hung up here after it was answered.
    LocalHangUp,
    /// Hung up there after it was answered.
    RemoteHangUp,
    /// We gave up before they answered.
    Cancelled,
    /// We declined it.
    Declined,
    /// They rang and gave up.
    Missed,
    /// They rang; another phone of ours took it (RFC 3326 "Call completed elsewhere"). Not a missed call.
    AnsweredElsewhere,
    /// They rang; we sent them to another number (302), by a key or by a rule.
    Forwarded,
    Busy,
    NoAnswer,
    /// They declined.
    Rejected,
    /// Handed on to somebody else.
    Transferred,
    /// Another call took its place (RFC 3891); the conversation goes on there.
    Replaced,
    /// A rule of ours did not let it ring.
    TurnedAway {
        text: Text,
    },
    /// Anything else, told in words. `status` is the SIP status where there was one.
    Failed {
        text: Text,
        status: Option<u16>,
    },
}

/// A call and all that the application keeps of it while it lives.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Call {
    pub id: CallId,
    pub account: AccountId,
    pub direction: Direction,
    pub peer: Peer,
    pub started: SystemTime,
    pub state: CallState,
}
