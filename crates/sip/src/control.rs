//! The words of call control at the agent's border: transfers, lamps, mailboxes, short messages.

use crate::io::{Peer, WireFailure};

/// A subscription, named by whoever asks for it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct SubscriptionId(pub u32);

/// A text message on its way out, named by whoever sends it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct MessageId(pub u32);

/// How a transfer of ours goes (RFC 3515).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TransferProgress {
    /// The far side took the REFER and tries.
    Accepted,
    /// It rings at the target.
    Ringing,
    /// The target answered.
    Done,
    /// The call is still ours.
    Failed(TransferFailure),
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TransferFailure {
    /// The far side did not take the REFER.
    Refused {
        status: u16,
    },
    /// It did, and got that final status from the target.
    Target {
        status: u16,
    },
    /// The REFER was never answered, or could not be sent.
    TimedOut,
    /// Accepted, but no word of the outcome came in time: 32 s without any NOTIFY, 110 s without a further one, or a
    /// subscription that ended before it.
    NoWord,
    /// One of the two calls is in no state for it.
    Impossible,
    BadTarget,
}

/// An event package that can be watched.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Package {
    /// `dialog` (RFC 4235).
    Dialog,
    /// `presence` (RFC 3856).
    Presence,
    /// `message-summary` (RFC 3842).
    MessageSummary,
}

/// What a watched line does.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub enum Lamp {
    #[default]
    Unknown,
    Free,
    Ringing {
        caller: Option<Peer>,
    },
    Busy,
    Away,
}

/// A mailbox's counts (RFC 3842).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Mailbox {
    pub waiting: bool,
    pub new: Option<u32>,
    pub old: Option<u32>,
}

/// What STIR/SHAKEN says of a caller's number (`verstat`, ATIS-1000074).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Verified {
    #[default]
    Unknown,
    Passed,
    Failed,
}

/// Why a subscription or a message did not come about.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RequestFailure {
    Status(u16),
    TimedOut,
    Wire(WireFailure),
    /// The notifier ended it.
    Terminated,
    BadTarget,
    /// Over UDP 1,000 bytes, else 16,000 bytes.
    TooLong,
}
