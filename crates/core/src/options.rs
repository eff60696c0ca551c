//! What can be set for an account beyond what brings it up. One document: the same fields in the store (one JSON text),
//! in `hatif-cli`'s commands and in the window, so it is written down once, here. Every field has a default that works;
//! additions only.

use crate::{ice::IceMode, srtp::Encryption};
use serde::{Deserialize, Serialize};
use specta::Type;

/// How an account behaves.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize, Type)]
#[serde(default)]
pub struct AccountOptions {
    pub dtmf: DtmfMode,
    /// Encrypted voice (SRTP, keys by SDES).
    pub encryption: Encryption,
    /// Paths through NATs.
    pub ice: IceMode,
    /// `host[:port]` of the server that tells how others see this computer (STUN, RFC 8489).
    pub stun: Option<String>,
    /// `host[:port]` of the server that relays voice where nothing else gets through (TURN, RFC 8656).
    pub turn: Option<String>,
    /// Our name there.
    pub turn_user: Option<String>,
    /// Believe P-Asserted-Identity, Remote-Party-ID and `verstat` from this PBX.
    pub trust_identity: bool,
    /// Headers that become fields of a call, in this order; the first that fills a field wins.
    pub headers: Vec<HeaderRule>,
    /// A regular expression over the caller's name; its groups `queue`, `ivr`, `customer` and `name` become fields:
    /// `^(?<queue>[^:]+): (?<name>.*)$` for a PBX that writes the queue in front of the name.
    pub name_pattern: Option<String>,
    /// Number of the mailbox (`*97`).
    pub mailbox: Option<String>,
    /// The PBX's conference room, which a conference can be handed over to.
    pub conference_room: Option<String>,
    /// The team lead's number, who gets a message when help is asked for.
    pub help_to: Option<String>,
    /// The agent's own, which may ring too and take over calls.
    pub mobile: Option<Mobile>,
    /// Applied to what is dialled, the first that fits.
    pub rewriting: Vec<NumberRule>,
    pub forwarding: Vec<ForwardRule>,
    pub codes: FeatureCodes,
    pub colleagues: Vec<Colleague>,
    pub speed_dials: Vec<SpeedDial>,
    /// Listed colleagues (`intercom`) may be answered without a key.
    pub intercom: bool,
    /// Numbers that skip every rule and confirmation; absent: 112, 911, 999, 110, 115, 125 and their like.
    pub emergency: Option<Vec<String>>,
    /// Numbers that begin so are never dialled.
    pub blocked: Vec<String>,
    /// Country calling code without `+` (`98`): national numbers are judged by it.
    pub country: Option<String>,
}

impl AccountOptions {
    /// The defaults, as a constant.
    pub const NONE: AccountOptions = AccountOptions {
        dtmf: DtmfMode::Auto,
        encryption: Encryption::Auto,
        ice: IceMode::Auto,
        stun: None,
        turn: None,
        turn_user: None,
        trust_identity: false,
        headers: Vec::new(),
        name_pattern: None,
        mailbox: None,
        conference_room: None,
        help_to: None,
        mobile: None,
        rewriting: Vec::new(),
        forwarding: Vec::new(),
        codes: FeatureCodes {
            forward_always: None,
            forward_always_off: None,
            forward_busy: None,
            forward_busy_off: None,
            forward_no_answer: None,
            forward_no_answer_off: None,
            forward_unreachable: None,
            forward_unreachable_off: None,
            pickup: None,
        },
        colleagues: Vec::new(),
        speed_dials: Vec::new(),
        intercom: false,
        emergency: None,
        blocked: Vec::new(),
        country: None,
    };
}

impl AccountOptions {
    /// Whether there is a TURN server that is to know who we are.
    pub fn wants_turn_password(&self) -> bool {
        self.turn.is_some() && self.turn_user.is_some()
    }
}

/// How digits travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize, Type)]
#[serde(rename_all = "snake_case")]
pub enum DtmfMode {
    /// RFC 4733 where the far side takes it, SIP INFO otherwise.
    #[default]
    Auto,
    Rtp,
    Info,
    /// As tones in the audio.
    InBand,
}

/// What a header or a part of the caller's name says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, Type)]
#[serde(rename_all = "snake_case")]
pub enum Field {
    Queue,
    /// What the caller chose in the menu.
    Ivr,
    Customer,
    /// Replaces the caller's name.
    Name,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Type)]
pub struct HeaderRule {
    /// `X-Customer-Id`; case does not matter.
    pub header: String,
    pub field: Field,
}

/// `{"starts_with":"0","becomes":"+98"}` makes a national number international.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Type)]
pub struct NumberRule {
    pub starts_with: String,
    /// Instead of `starts_with`.
    pub becomes: String,
    /// Only numbers of so many characters, where given.
    #[serde(default)]
    pub length: Option<u8>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Type)]
pub struct ForwardRule {
    #[serde(default = "yes")]
    pub on: bool,
    pub when: ForwardWhen,
    pub to: String,
    #[serde(default)]
    pub by: ForwardBy,
    /// Unix time in seconds at which it ends by itself.
    #[serde(default)]
    pub until: Option<u32>,
}

fn yes() -> bool {
    true
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(tag = "when", rename_all = "snake_case")]
pub enum ForwardWhen {
    Always,
    /// While another call is on.
    Busy,
    NoAnswer {
        after_s: u16,
    },
    /// From minute `from` of the day to minute `to` (which may be earlier: over midnight), on `days` (0 is Sunday; empty:
    /// every day), at `utc_offset_min`.
    Hours {
        from: u16,
        to: u16,
        #[serde(default)]
        days: Vec<u8>,
        #[serde(default)]
        utc_offset_min: i16,
    },
    /// When this phone cannot be reached. Only the PBX can do that, so only by its code.
    Unreachable,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize, Type)]
#[serde(rename_all = "snake_case")]
pub enum ForwardBy {
    /// 302: this phone says so, while it runs.
    #[default]
    Redirect,
    /// The PBX's feature code, dialled once: it also works while this phone is off.
    Code,
}

/// The PBX's codes. `{number}` stands for the number.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize, Type)]
#[serde(default)]
pub struct FeatureCodes {
    /// `*72{number}`
    pub forward_always: Option<String>,
    /// `*73`
    pub forward_always_off: Option<String>,
    pub forward_busy: Option<String>,
    pub forward_busy_off: Option<String>,
    pub forward_no_answer: Option<String>,
    pub forward_no_answer_off: Option<String>,
    pub forward_unreachable: Option<String>,
    pub forward_unreachable_off: Option<String>,
    /// `*8{number}`
    pub pickup: Option<String>,
}

/// The agent's own mobile. Whoever answers there presses 1 to take the call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Type)]
pub struct Mobile {
    pub number: String,
    /// It rings when this phone does.
    #[serde(default)]
    pub rings_too: bool,
    /// So many seconds later.
    #[serde(default)]
    pub after_s: u16,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Type)]
pub struct Colleague {
    pub name: String,
    pub number: String,
    #[serde(default)]
    pub lamp: LampKind,
    /// May talk to this desk through the intercom, where the account allows it.
    #[serde(default)]
    pub intercom: bool,
}

/// How it is learnt what a colleague does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize, Type)]
#[serde(rename_all = "snake_case")]
pub enum LampKind {
    #[default]
    None,
    /// RFC 4235.
    Dialog,
    /// RFC 3856.
    Presence,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Type)]
pub struct SpeedDial {
    pub name: String,
    pub number: String,
}
