//! The port to SIP (`hatif-net`): commands out, events in. No SIP syntax passes this border except URIs.

use crate::{
    account::{Account, Password, Registration},
    call::{EndReason, Hold, Peer},
    ids::{AccountId, CallId},
};
use std::net::{IpAddr, SocketAddr};

/// A codec as it is negotiated (RFC 3551, RFC 7587).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Codec {
    Opus,
    Pcmu,
    Pcma,
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
        media: SocketAddr,
    },
    Answer {
        call: CallId,
        media: SocketAddr,
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
        local: Result<IpAddr, crate::text::Text>,
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
}
