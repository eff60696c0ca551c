//! The port to SIP (`hatif-net`): commands out, events in. No SIP syntax passes this border except URIs.

use crate::{
    account::{Account, Password, Registration},
    call::{EndReason, Hold, Peer},
    ice::{Ice, MediaPlace, MediaPort},
    ids::{AccountId, CallId, MessageId, SubscriptionId},
    srtp::Srtp,
    text::Text,
};
use std::net::SocketAddr;

/// A codec as it is negotiated (RFC 3551, RFC 7587).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Codec {
    Opus,
    Pcmu,
    Pcma,
    G722,
}

#[derive(Clone, PartialEq, Debug)]
pub enum SipCommand {
    /// Adds or replaces an account. It does not register by itself.
    SetAccount {
        account: Box<Account>,
        password: Option<Password>,
    },
    RemoveAccount {
        account: AccountId,
    },
    Register {
        account: AccountId,
    },
    Unregister {
        account: AccountId,
    },
    /// Which local address media towards this account's peers should use; answered by `SipEvent::MediaAddress`.
    LocateMedia {
        account: AccountId,
        call: CallId,
    },
    /// `media` is the address of the RTP port already opened for this call.
    Invite {
        account: AccountId,
        call: CallId,
        target: String,
        media: MediaPort,
    },
    Answer {
        call: CallId,
        media: MediaPort,
    },
    /// The call's RTP port is another one now: its far end is told by a re-INVITE.
    Move {
        call: CallId,
        media: MediaPort,
    },
    /// `status` is 486 (busy) or 603 (decline).
    Reject {
        call: CallId,
        status: u16,
    },
    /// Ends a call in whatever state: CANCEL, BYE, or nothing if it has just ended.
    HangUp {
        call: CallId,
    },
    Hold {
        call: CallId,
        on: bool,
    },
    /// A DTMF digit as SIP INFO, for calls that did not negotiate telephone-event.
    Info {
        call: CallId,
        digit: char,
    },
    /// Sends a caller who rings elsewhere: 302 with `target` as its Contact (RFC 3261 21.3.3). The call is over.
    Redirect {
        call: CallId,
        target: String,
    },
    /// Blind transfer: REFER in the call's dialog (RFC 3515, RFC 5589). Answered by `SipEvent::Transfer`; the call itself
    /// stays as it is until it is hung up, by either side.
    Transfer {
        call: CallId,
        target: String,
    },
    /// Attended transfer: REFER on `call`, whose Refer-To replaces the dialog of `with` (RFC 3891). Both are answered.
    TransferTo {
        call: CallId,
        with: CallId,
    },
    /// The far side's `ReferAsked` on `call` is granted: 202, and an INVITE to its target (with Replaces where it asked so) as
    /// the new outgoing call `new`, whose RTP port is `media`. The far side is told of its progress by NOTIFY.
    AcceptRefer {
        call: CallId,
        new: CallId,
        media: MediaPort,
    },
    /// 603.
    RefuseRefer {
        call: CallId,
    },
    /// Watches `target` until `Unsubscribe` (RFC 6665): refreshed and, after a loss, made anew by itself.
    Subscribe {
        account: AccountId,
        subscription: SubscriptionId,
        package: Package,
        target: String,
    },
    Unsubscribe {
        subscription: SubscriptionId,
    },
    /// A short text (MESSAGE, RFC 3428). Answered by `SipEvent::MessageSent`.
    Message {
        account: AccountId,
        message: MessageId,
        target: String,
        text: String,
    },
    /// Un-registers every account, ends every call, then `SipEvent::Stopped`.
    Stop,
}

#[derive(Clone, PartialEq, Debug)]
pub enum SipEvent {
    Registration {
        account: AccountId,
        state: Registration,
    },
    MediaAddress {
        call: CallId,
        local: Result<MediaPlace, Text>,
    },
    /// The account is found at another address than before: this computer is in another network. What its calls have
    /// bound may be gone.
    Moved {
        account: AccountId,
    },
    /// `call` is chosen by the adapter from the upper half of the id space (bit 31 set).
    Incoming {
        account: AccountId,
        call: CallId,
        peer: Peer,
        headers: CallHeaders,
    },
    Ringing {
        call: CallId,
        early_media: bool,
    },
    /// Offer and answer met: what to send, what to expect. Comes again when the far side changes it.
    Media {
        call: CallId,
        media: MediaSession,
    },
    /// The call is answered (2xx sent and acknowledged, or received).
    Answered {
        call: CallId,
    },
    Hold {
        call: CallId,
        hold: Hold,
    },
    /// This account is a small registrar (the practice line), and `user` came or went.
    RegistrationServed {
        user: String,
        source: SocketAddr,
        up: bool,
    },
    /// Somebody else is at the other end now, or is named better (P-Asserted-Identity or Remote-Party-ID in an UPDATE,
    /// re-INVITE or 2xx).
    PeerChanged {
        call: CallId,
        peer: Peer,
    },
    /// How the transfer of `call` goes (the REFER's answer, then sipfrag NOTIFYs).
    Transfer {
        call: CallId,
        progress: TransferProgress,
    },
    /// The far side asks us to call `target` instead of itself (REFER in the dialog). Nothing happens until it is granted.
    ReferAsked {
        call: CallId,
        target: Peer,
        /// It hands over a call of its own (attended), rather than naming a fresh destination.
        replaces: bool,
    },
    /// What `ReferAsked` asked is void: nobody decided for 25 seconds and it was refused, or the far side is gone.
    ReferGone {
        call: CallId,
    },
    /// The far side pressed a key and its phone said so by SIP INFO (0-9, A-D, `*`, `#`).
    Digit {
        call: CallId,
        digit: char,
    },
    /// Our INVITE was answered with 3xx. The call is over for SIP, but not `Ended`: the phone ends it, or calls one of
    /// `targets` with `Invite` under the same id. Never followed by itself.
    Redirected {
        call: CallId,
        targets: Vec<Peer>,
    },
    /// What a watched colleague does (packages `Dialog` and `Presence`).
    Lamp {
        subscription: SubscriptionId,
        lamp: Lamp,
    },
    /// Messages in a mailbox (RFC 3842), asked for or not.
    MessagesWaiting {
        account: AccountId,
        mailbox: Mailbox,
    },
    /// The subscription is refused for good, or lost for now (`retry`).
    SubscriptionDown {
        subscription: SubscriptionId,
        cause: Text,
        retry: bool,
    },
    MessageReceived {
        account: AccountId,
        peer: Peer,
        /// Cleaned like a name, but with its line breaks; at most 4,000 characters.
        text: String,
    },
    MessageSent {
        message: MessageId,
        result: Result<(), Text>,
    },
    /// Exactly once for each call.
    Ended {
        call: CallId,
        reason: EndReason,
    },
    Stopped,
}

/// What the PBX says about the call beside who it is.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct CallHeaders {
    /// The PBX queue that the caller waited in.
    pub queue: Option<String>,
    /// The number that the caller dialled, when the call was diverted (Diversion, History-Info).
    pub dialled: Option<String>,
    /// User part of the address that the call was sent to. The practice line answers by it.
    pub target: String,
    /// The call of ours that this one replaces (RFC 3891): it matched a living dialog of the same account.
    pub replaces: Option<CallId>,
    /// The caller asks to be answered by itself after so many seconds (Call-Info, Alert-Info, Answer-Mode). A wish only.
    pub answer_after: Option<u32>,
    /// What STIR/SHAKEN says of the caller's number (`verstat`), from a trusted PBX.
    pub verified: Verified,
    /// The headers that Hatif does not read itself (`X-…` and the like), cleaned, at most 32: an account's header map makes
    /// fields of them.
    pub extra: Vec<(String, String)>,
}

/// The `verstat` parameter (ATIS-1000074, RFC 8224).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Verified {
    #[default]
    Unknown,
    Passed,
    Failed,
}

/// An event package that can be watched.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Package {
    /// `dialog` (RFC 4235): busy lamps.
    Dialog,
    /// `presence` (RFC 3856, PIDF).
    Presence,
    /// `message-summary` (RFC 3842).
    MessageSummary,
}

/// What a colleague's line does.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub enum Lamp {
    #[default]
    Unknown,
    Free,
    /// It rings there; who calls, where the PBX says so.
    Ringing {
        caller: Option<Peer>,
    },
    Busy,
    /// Not registered, or closed.
    Away,
}

/// A mailbox's counts (RFC 3842); `new` and `old` where the PBX tells them.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Mailbox {
    pub waiting: bool,
    pub new: Option<u32>,
    pub old: Option<u32>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub enum TransferProgress {
    /// 2xx: the far side tries.
    Accepted,
    /// It rings at the target.
    Ringing,
    /// The target answered. The far side usually hangs up now; if it doesn't, we do.
    Done,
    /// Refused, or the target did not answer. The call is still ours.
    Failed(Text),
}

/// The result of an offer/answer exchange, for the media engine.
#[derive(Clone, PartialEq, Debug)]
pub struct MediaSession {
    pub codec: Codec,
    /// RTP payload type that we send for `codec`.
    pub payload: u8,
    /// RTP payload type that the peer sends `codec` with; nearly always the same.
    pub payload_in: u8,
    /// Payload type of telephone-event (RFC 4733), where the peer takes it.
    pub dtmf_payload: Option<u8>,
    /// Its clock, 8000 or 48000: durations count in it.
    pub dtmf_clock: u32,
    /// Where our RTP goes.
    pub remote: SocketAddr,
    /// Whether we may send, and whether we should expect to receive.
    pub send: bool,
    pub receive: bool,
    /// Packet time that we send, in milliseconds.
    pub ptime_ms: u8,
    /// Keys, where it is encrypted. A call that had them never goes on without.
    pub srtp: Option<Srtp>,
    /// Paths to try, where both sides do ICE; `remote` is where our RTP goes when none is found.
    pub ice: Option<Box<Ice>>,
    /// Whether RTCP goes with RTP (RFC 5761).
    pub rtcp_mux: bool,
}
