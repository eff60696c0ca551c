//! The agent's borders: all that may go in, all that may come out. One mutation (`Agent::handle`), then drain.

use crate::{
    config::{AccountConfig, AccountId, CallId, HostPort, Transport},
    control::{Lamp, Mailbox, MessageId, Package, RequestFailure, SubscriptionId, TransferProgress, Verified},
    ice::{Gathered, IceSession},
    srtp::Srtp,
};
use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

/// A codec as it is negotiated (RFC 3551, RFC 7587).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Codec {
    Opus,
    Pcmu,
    Pcma,
    G722,
}

/// The RTP port already opened for a call and the codecs that may be used, best first.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LocalMedia {
    pub addr: SocketAddr,
    pub codecs: Vec<Codec>,
    /// Its other addresses, for ICE.
    pub gathered: Vec<Gathered>,
}

/// Why a wire did not come up, went away or refused to carry a message.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum WireFailure {
    HostUnknown,
    Refused,
    NoNetwork,
    TimedOut,
    PortInUse,
    /// The system does not let us: a privileged port, a firewall, a sandbox.
    NotPermitted,
    /// The message does not fit into a datagram.
    TooLarge,
    CertificateUnknownCa,
    CertificateWrongName,
    CertificateExpired,
    CertificateOther,
    TlsFailed,
    Closed,
    Other,
}

impl WireFailure {
    /// A refused certificate is not tried again by itself: only a person can mend it.
    pub fn needs_a_person(self) -> bool {
        use WireFailure::*;
        matches!(self, CertificateUnknownCa | CertificateWrongName | CertificateExpired | CertificateOther)
    }
}

/// Names one `Output::Send`, so that the adapter can say that it failed. Several sends of one transaction share it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct SendId(pub u64);

/// All that may happen to the agent.
#[derive(Clone, PartialEq, Debug)]
pub enum Input {
    /// Adds or replaces an account. It does not register by itself.
    SetAccount(Box<AccountConfig>),
    /// Un-registers the account, ends its calls and forgets it.
    RemoveAccount(AccountId),
    /// Registers now and keeps registered. On a `Direct` account: opens its wire, so that it can be called.
    Register(AccountId),
    Unregister(AccountId),
    /// The registrar may be gone, or we elsewhere: what is registered is registered again now, what waits is tried now.
    Doubt(AccountId),
    /// A server that comes before the account's in the order of its name is there again.
    Return(AccountId),
    /// Calls `target`: a number, `user`, `user@host`, or a `sip:`, `sips:` or `tel:` URI.
    Invite {
        account: AccountId,
        call: CallId,
        target: String,
        media: LocalMedia,
    },
    Answer {
        call: CallId,
        media: LocalMedia,
    },
    /// The call's RTP port is another one now, and the peer must know. Right after `WireUp` it goes out with what that
    /// has to tell.
    Move {
        call: CallId,
        media: SocketAddr,
        gathered: Vec<Gathered>,
    },
    /// Refuses an incoming call with a final status from 400 to 699 (486 busy, 603 decline).
    Reject {
        call: CallId,
        status: u16,
    },
    /// Ends a call in whatever state.
    HangUp {
        call: CallId,
    },
    Hold {
        call: CallId,
        on: bool,
    },
    /// Sends a ringing caller to `target`: 302; 480 if that is no address.
    Redirect {
        call: CallId,
        target: String,
    },
    /// Blind transfer: REFER. Answered by `Event::Transfer`; while one is under way, another is ignored.
    Transfer {
        call: CallId,
        target: String,
    },
    /// Attended transfer: REFER on `call`, to replace the dialog of `with`.
    TransferTo {
        call: CallId,
        with: CallId,
    },
    /// Grants the `Event::ReferAsked` of `call`: its target is called as `new`. If nothing is asked any more, `new` ends.
    AcceptRefer {
        call: CallId,
        new: CallId,
        media: LocalMedia,
    },
    /// 603 to it.
    RefuseRefer {
        call: CallId,
    },
    /// Watches `target` until `Unsubscribe`, through losses. An empty target is the account itself.
    Subscribe {
        account: AccountId,
        subscription: SubscriptionId,
        package: Package,
        target: String,
    },
    Unsubscribe {
        subscription: SubscriptionId,
    },
    /// A text/plain MESSAGE. Answered by `Event::MessageSent`.
    Message {
        account: AccountId,
        message: MessageId,
        target: String,
        text: String,
    },
    /// One DTMF digit (0-9, A-D, `*`, `#`) as `application/dtmf-relay` in an INFO.
    Info {
        call: CallId,
        digit: char,
    },
    /// Ends every call, un-registers every account, then `Event::Stopped`.
    Stop,
    /// The account's wire is up. `local` is what Via and Contact carry, never an unspecified address; `remote` is every
    /// address that the next hop resolved to, the one that the wire leads to first: requests from elsewhere are dropped (kind `Registrar`).
    WireUp {
        account: AccountId,
        local: SocketAddr,
        remote: Vec<SocketAddr>,
    },
    WireDown {
        account: AccountId,
        failure: WireFailure,
    },
    /// One datagram, or one message that `Framer` cut out of a stream. `flow` names the connection it came by.
    Received {
        account: AccountId,
        source: SocketAddr,
        flow: Option<u64>,
        bytes: Vec<u8>,
    },
    /// An `Output::Send` could not be carried.
    SendFailed {
        account: AccountId,
        id: SendId,
        failure: WireFailure,
    },
    /// The instant told by `Agent::poll_timeout` has come.
    Timeout,
}

/// All that the agent wants done or known.
#[derive(Clone, PartialEq, Debug)]
pub enum Output {
    /// Resolve `hop`, connect or bind, and answer with `WireUp` or `WireDown`. Asked once until answered.
    OpenWire {
        account: AccountId,
        hop: HostPort,
        transport: Transport,
    },
    /// The server that the account's wire leads to has failed: for so long its address is tried after the others of its
    /// name. `CloseWire` and `OpenWire` follow.
    Avoid {
        account: AccountId,
        pause: Duration,
    },
    /// The account is gone, or its wire must be made anew. No answer is expected.
    CloseWire {
        account: AccountId,
    },
    Send {
        account: AccountId,
        to: Destination,
        bytes: Vec<u8>,
        id: SendId,
    },
    Event(Event),
}

/// Where a message goes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Destination {
    /// The account's own registrar or proxy, on the account's wire.
    NextHop,
    /// Back to where a request came from: same flow, same source address (RFC 3581).
    Source { addr: SocketAddr, flow: Option<u64> },
    /// A host of its own: targets of `Direct` accounts, and remote targets that are not the next hop.
    Host { hop: HostPort, transport: Transport },
}

/// Who is at the other end. Cleaned (`crate::clean`): short, without control and bidi characters; still not to be
/// trusted as anything but text.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Peer {
    pub name: Option<String>,
    /// What a person reads and dials: the number or user, or `user@host` where the user part is no number.
    pub address: String,
    /// The full URI.
    pub uri: String,
}

/// What the PBX says about an incoming call beside who it is. All cleaned.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct CallHeaders {
    /// The PBX queue that the caller waited in (X-Queue-Name and kin).
    pub queue: Option<String>,
    /// The number that the caller dialled, when the call was diverted (Diversion, History-Info).
    pub dialled: Option<String>,
    /// User part of the Request-URI: whom the call was sent to. The practice line answers by it.
    pub target: String,
    /// The call of ours that this one replaces (RFC 3891): a dialog of the same account that lives.
    pub replaces: Option<CallId>,
    /// After how many seconds the caller wants it answered by itself: Call-Info, Alert-Info, Answer-Mode, X-AUTOANSWER.
    pub answer_after: Option<u32>,
    pub verified: Verified,
    /// Headers that are not read here, names as they came, at most 32.
    pub extra: Vec<(String, String)>,
}

/// The result of an offer/answer exchange.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MediaSession {
    pub codec: Codec,
    /// RTP payload type that we send for `codec`, and expect unless `payload_in` differs.
    pub payload: u8,
    /// RTP payload type that the peer sends `codec` with.
    pub payload_in: u8,
    /// Payload type of telephone-event (RFC 4733), where the peer takes it.
    pub dtmf_payload: Option<u8>,
    /// Its clock: the codec's, or 8000 with older PBXes. Durations count in it.
    pub dtmf_clock: u32,
    /// Where our RTP goes.
    pub remote: SocketAddr,
    /// Whether we may send, and whether we should expect to receive.
    pub send: bool,
    pub receive: bool,
    /// Packet time that we send, in milliseconds: 10, 20, 30, 40 or 60.
    pub ptime_ms: u8,
    /// Keys, where it is encrypted. Once they are there they come with every later session of the call.
    pub srtp: Option<Srtp>,
    /// Paths to try (RFC 8445), where both sides do ICE; `remote` is the far side's default.
    pub ice: Option<IceSession>,
    /// Whether RTCP goes with RTP (RFC 5761).
    pub rtcp_mux: bool,
}

/// Whether the registrar knows where to ring us.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum RegistrationState {
    Off,
    Trying,
    /// `expires`: for how long the registrar keeps it; it is refreshed before. Zero on a `Direct` account, whose port is
    /// open: nobody keeps it.
    Up {
        expires: Duration,
    },
    /// `retry_at`: when the next attempt starts; `None` when only a person can mend it.
    Down {
        cause: Cause,
        retry_at: Option<Instant>,
    },
}

/// Why a registration is down.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Cause {
    /// Wrong user or password.
    Unauthorized,
    Forbidden,
    NotFound,
    /// The registrar does not answer.
    TimedOut,
    ServerError,
    /// A challenge of another realm than the one that the password was first accepted for. It was not answered.
    RealmChanged,
    /// A challenge that offers nothing we accept (Basic, an unknown algorithm, MD5 after SHA-256).
    ChallengeRefused,
    Wire(WireFailure),
    /// An answer that makes no sense.
    Protocol,
    Other {
        status: u16,
    },
}

/// Why a call ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum EndReason {
    LocalHangUp,
    RemoteHangUp,
    /// We gave up before they answered.
    Cancelled,
    /// We refused it (`Input::Reject`).
    Declined,
    /// They rang and gave up.
    Missed,
    /// They rang; another phone of ours took it (RFC 3326).
    AnsweredElsewhere,
    /// We sent it on (`Input::Redirect`).
    Forwarded,
    Busy,
    NoAnswer,
    /// They refused it.
    Rejected,
    NotFound,
    Forbidden,
    /// Wrong user or password, or a challenge that we do not answer.
    Unauthorized,
    NoCommonCodec,
    /// The voice would not be encrypted, and must be.
    NotEncrypted,
    Unreachable,
    TimedOut,
    ServerError,
    TemporarilyUnavailable,
    AddressIncomplete,
    Gone,
    Wire(WireFailure),
    /// `Input::Invite` named nobody that can be called.
    BadTarget,
    /// The peer broke the rules.
    Protocol,
    Other {
        status: u16,
    },
}

/// What the agent tells.
#[derive(Clone, PartialEq, Debug)]
pub enum Event {
    Registration {
        account: AccountId,
        state: RegistrationState,
    },
    Incoming {
        account: AccountId,
        call: CallId,
        peer: Peer,
        headers: CallHeaders,
    },
    /// The far side rings; with `early_media` the PBX itself is to be heard.
    Ringing {
        call: CallId,
        early_media: bool,
    },
    /// Offer and answer met. Comes again when something of it changes.
    Media {
        call: CallId,
        session: MediaSession,
    },
    /// 2xx sent and acknowledged, or received.
    Answered {
        call: CallId,
    },
    /// Who holds the call; comes when it changes, and after a hold that could not be had.
    Hold {
        call: CallId,
        local: bool,
        remote: bool,
    },
    /// Somebody else is at the other end, or is named better. Only where the account trusts its PBX.
    PeerChanged {
        call: CallId,
        peer: Peer,
    },
    Transfer {
        call: CallId,
        progress: TransferProgress,
    },
    /// The far side asks us to call `target` (REFER in the dialog). `AcceptRefer` or `RefuseRefer` within 25 seconds.
    ReferAsked {
        call: CallId,
        target: Peer,
        /// It hands over a call of its own.
        replaces: bool,
    },
    /// Nobody decided: it was refused.
    ReferGone {
        call: CallId,
    },
    /// 3xx to our INVITE. Nothing else comes about this call; its id may be used again by `Invite`.
    Redirected {
        call: CallId,
        /// Where to, best first: sip, sips and tel URIs, at most five.
        targets: Vec<Peer>,
    },
    /// A digit by SIP INFO.
    Digit {
        call: CallId,
        digit: char,
    },
    Lamp {
        subscription: SubscriptionId,
        lamp: Lamp,
    },
    MessagesWaiting {
        account: AccountId,
        mailbox: Mailbox,
    },
    /// Refused for good, or lost for now (`retry`).
    SubscriptionDown {
        subscription: SubscriptionId,
        failure: RequestFailure,
        retry: bool,
    },
    MessageReceived {
        account: AccountId,
        peer: Peer,
        /// Cleaned, with its line breaks, at most 4,000 characters.
        text: String,
    },
    MessageSent {
        message: MessageId,
        result: Result<(), RequestFailure>,
    },
    /// Exactly once for each call, unless it was redirected; nothing about the call comes after. `status` is the SIP status where there was one.
    Ended {
        call: CallId,
        reason: EndReason,
        status: Option<u16>,
    },
    /// `serve_registrations`: `user` registered (`expires` above zero) or went.
    RegistrationServed {
        account: AccountId,
        user: String,
        source: SocketAddr,
        expires: Duration,
    },
    Stopped,
}
