//! What the application shows: whole values, never deltas. One JSON object each, named by `event`.
//! The shape is stable: additions only (docs/cli.md).
//!
//! Floats are told to specta as `u32`: a float would be `number | null` in TypeScript, and none of these can be NaN.

pub use crate::command::{
    AccountKind, AgentState, DeviceRole, Direction, ForwardRule, PracticeCustomer, Settings, Transport, WindowChoice,
};
pub use hatif_core::settings::Provenance;
use serde::{Deserialize, Serialize};
use specta::Type;
use std::collections::BTreeMap;

/// What changed, with its whole new value. Made to be written out at once.
#[allow(clippy::large_enum_variant)]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Type)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    Snapshot {
        snapshot: Snapshot,
    },
    AccountChanged {
        account: AccountView,
    },
    AccountGone {
        account: u32,
    },
    CallChanged {
        call: CallView,
    },
    /// The call has left the screen (a while after it ended).
    CallGone {
        call: u32,
    },
    /// One entry of the call log, new (then the newest) or changed.
    HistoryEntryChanged {
        entry: HistoryEntry,
    },
    /// The whole of it, newest first, at most 500, after entries were deleted.
    HistoryChanged {
        history: Vec<HistoryEntry>,
    },
    /// What `find_history` found, newest first.
    HistoryPage {
        request: u32,
        entries: Vec<HistoryEntry>,
        /// `before` for the page after this; `null` after the last.
        next: Option<String>,
    },
    DevicesChanged {
        devices: DevicesView,
    },
    SettingsChanged {
        settings: Settings,
        /// Where each setting's value comes from, by field; one that is not in it has Hatif's default.
        provenance: BTreeMap<String, Provenance>,
    },
    /// The settings as a file for another laptop, and where it was saved.
    SettingsExported {
        text: String,
        file: String,
    },
    /// The file was taken over, but for these settings: unknown, senseless, locked, or meant for one laptop only.
    SettingsImported {
        left_out: Vec<String>,
    },
    WindowChanged {
        window: WindowChoice,
    },
    NoticeRaised {
        notice: Notice,
    },
    NoticeGone {
        notice: u32,
    },
    AgentChanged {
        agent: AgentView,
    },
    ColleaguesChanged {
        colleagues: Vec<ColleagueView>,
    },
    MailboxesChanged {
        mailboxes: Vec<MailboxView>,
    },
    /// Oldest first, at most 200.
    MessagesChanged {
        messages: Vec<MessageView>,
    },
    ForwardingChanged {
        forwarding: Vec<ForwardingView>,
    },
    /// The place where passwords go has changed.
    CredentialsChanged {
        credentials: Credentials,
    },
    /// Answers `preview_number`.
    NumberPreview {
        preview: NumberPreview,
    },
    /// A digit that the far side sent (RFC 4733 or SIP INFO).
    DigitReceived {
        call: u32,
        digit: String,
    },
    /// Media of a call, once a second.
    Quality {
        call: u32,
        quality: QualityView,
    },
    /// Peak levels 0.0 to 1.0, 15 times a second, while a call or the meter runs.
    Level {
        #[specta(type = u32)]
        microphone: f32,
        #[specta(type = u32)]
        speaker: f32,
    },
    /// How the test of the headset stands (`test_headset`).
    HeadsetTest {
        test: HeadsetTestView,
    },
    /// A command was refused; nothing has changed by it.
    CommandFailed {
        command: String,
        /// The call or account that the command named.
        call: Option<u32>,
        account: Option<u32>,
        text: Text,
    },
    /// The application has closed everything and ends.
    Stopped,
}

/// Everything, for a window that has just loaded.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Type)]
pub struct Snapshot {
    pub version: String,
    pub accounts: Vec<AccountView>,
    pub calls: Vec<CallView>,
    pub history: Vec<HistoryEntry>,
    pub devices: DevicesView,
    pub settings: Settings,
    pub provenance: BTreeMap<String, Provenance>,
    pub notices: Vec<Notice>,
    pub credentials: Credentials,
    pub agent: AgentView,
    pub colleagues: Vec<ColleagueView>,
    pub mailboxes: Vec<MailboxView>,
    /// Oldest first, at most 200. Gone when the application closes.
    pub messages: Vec<MessageView>,
    /// Every rule that is switched on, whether it acts now or not.
    pub forwarding: Vec<ForwardingView>,
    /// The language that the system asks for: `en`, `ar` or `fa`.
    pub system_language: String,
    /// How the window stands; `null` where there is none.
    #[serde(default)]
    pub window: Option<WindowChoice>,
}

/// A message for a person: entry `msg.<code>` of the catalogue, with its parameters.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Type)]
pub struct Text {
    pub code: String,
    pub params: BTreeMap<String, String>,
}

/// Where passwords are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "snake_case")]
pub enum Credentials {
    Keyring,
    UntilClose,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Type)]
pub struct AccountView {
    pub id: u32,
    pub kind: AccountKind,
    pub label: String,
    /// `1001@pbx.example`
    pub address: String,
    pub transport: Transport,
    pub registration: RegistrationView,
    /// The configuration, for the form (no password). `null` for the practice line.
    pub config: Option<crate::command::NewAccount>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Type)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum RegistrationView {
    Off,
    Trying,
    Up,
    /// `retry` is false when only the user can mend it (a wrong password, a refused certificate).
    Down {
        reason: Text,
        retry: bool,
        /// Unix time in milliseconds of the next attempt.
        #[specta(type = Option<u32>)]
        retry_at_ms: Option<f64>,
    },
}

/// Who is at the other end. Text of a stranger: show as text only, `dir="auto"`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Type)]
pub struct PeerView {
    pub name: Option<String>,
    /// The number, or user@host. Shown in `<bdi dir="ltr">`; what "call back" dials.
    pub address: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Type)]
pub struct CallView {
    pub id: u32,
    pub account: u32,
    pub account_label: String,
    pub direction: Direction,
    pub peer: PeerView,
    /// The PBX queue that the caller waited in.
    pub queue: Option<String>,
    /// What the caller chose in the PBX's menu.
    pub ivr: Option<String>,
    /// The customer's id, as the PBX names it.
    pub customer: Option<String>,
    /// The number that the caller dialled, when the call was diverted to us.
    pub dialled: Option<String>,
    /// Whether the caller's number is vouched for (STIR/SHAKEN).
    pub verified: VerifiedView,
    /// A call of the practice line.
    pub practice: bool,
    pub emergency: bool,
    /// The customer that this call is a consultation about.
    pub consult_for: Option<u32>,
    /// The call whose place this one takes (RFC 3891): the same conversation goes on.
    pub replaces: Option<u32>,
    /// One party of the conference. `silenced`: neither we nor the others hear it.
    pub conference: bool,
    pub silenced: bool,
    pub transfer: Option<TransferView>,
    /// What the far side wants of us; waits for `grant` or `refuse`.
    pub ask: Option<AskView>,
    /// The last 32 digits that the far side sent.
    pub digits: String,
    /// Unix time in milliseconds at which it began.
    #[specta(type = u32)]
    pub started_ms: f64,
    pub state: CallStateView,
    /// What can be done with it now; no screen offers anything else.
    pub actions: Vec<Action>,
    pub quality: Option<QualityView>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Type)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum CallStateView {
    Dialing,
    /// The far side rings. With `early_media` the PBX itself is heard.
    Ringing {
        early_media: bool,
    },
    Incoming,
    Answering,
    Active {
        #[specta(type = u32)]
        since_ms: f64,
        hold: HoldView,
        muted: bool,
    },
    Ending,
    Ended {
        reason: Text,
        outcome: Outcome,
        talked_s: u32,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "snake_case")]
pub enum VerifiedView {
    Unknown,
    Passed,
    Failed,
}

/// A transfer of the call, from the key to its end.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Type)]
pub struct TransferView {
    /// Number or address of the target.
    pub to: String,
    pub state: TransferState,
    /// Why it failed.
    pub reason: Option<Text>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "snake_case")]
pub enum TransferState {
    /// Asked for; nothing heard yet.
    Asked,
    /// The far side tries.
    Accepted,
    /// It rings at the target.
    Ringing,
    Done,
    /// The call is still ours.
    Failed,
}

/// What the far side wants of us. Refused by itself at `until_ms`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Type)]
pub struct AskView {
    pub kind: AskKind,
    /// Where it would have us call; the first, or `choice` of `grant`.
    pub targets: Vec<PeerView>,
    #[specta(type = u32)]
    pub until_ms: f64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "snake_case")]
pub enum AskKind {
    /// It transfers us to somebody (REFER).
    Transfer,
    /// It hands us a call of its own (REFER with Replaces).
    HandOver,
    /// Whom we called is elsewhere (3xx).
    Redirect,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "snake_case")]
pub enum HoldView {
    None,
    Local,
    Remote,
    Both,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "snake_case")]
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
}

/// Call quality. `level` is the judgement in plain words; the rest is for the curious.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Type)]
pub struct QualityView {
    pub level: QualityLevel,
    #[specta(type = u32)]
    pub sent: f64,
    #[specta(type = u32)]
    pub received: f64,
    #[specta(type = u32)]
    pub lost: f64,
    #[specta(type = u32)]
    pub jitter_ms: f32,
    /// Share of the audio heard that had to be made up, 0.0 to 1.0.
    #[specta(type = u32)]
    pub concealed: f32,
    #[specta(type = u32)]
    pub buffer_ms: f32,
    #[specta(type = Option<u32>)]
    pub round_trip_ms: Option<f32>,
    /// Loss on the way to the far side, as it reports, 0.0 to 1.0.
    #[specta(type = Option<u32>)]
    pub remote_loss: Option<f32>,
    /// Gaps that the microphone and the speaker made here since the call began.
    #[specta(type = u32)]
    pub microphone_gaps: f64,
    #[specta(type = u32)]
    pub speaker_gaps: f64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "snake_case")]
pub enum QualityLevel {
    Good,
    Fair,
    Poor,
    /// Nothing arrives.
    Silent,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Type)]
pub struct HistoryEntry {
    /// Id as text: it does not fit a JavaScript number's integers for ever.
    pub id: String,
    pub account: u32,
    pub account_label: String,
    pub direction: Direction,
    pub peer: PeerView,
    #[specta(type = u32)]
    pub started_ms: f64,
    pub talked_s: u32,
    pub outcome: Outcome,
    pub reason: Text,
}

/// How a call went, in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Still going on.
    Running,
    Answered,
    Missed,
    /// We declined.
    Declined,
    /// Another phone of ours took it.
    Elsewhere,
    /// We gave up before they answered.
    Cancelled,
    Busy,
    NoAnswer,
    /// They declined.
    Rejected,
    /// Answered, then handed on.
    Transferred,
    /// Sent elsewhere before it was answered.
    Forwarded,
    Failed,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Type)]
pub struct DevicesView {
    pub microphones: Vec<DeviceView>,
    pub speakers: Vec<DeviceView>,
    /// The chosen ids; `null` is the system's default.
    pub microphone: Option<String>,
    pub speaker: Option<String>,
    pub ringer: Option<String>,
    /// All chosen devices that ring, `ringer` first; none: the speaker.
    pub ringers: Vec<String>,
    /// What is wrong with the sound, if anything.
    pub problem: Option<Text>,
}

/// The test of the headset: the microphone is recorded, then played back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Type)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum HeadsetTestView {
    Recording {
        seconds: u8,
    },
    Playing {
        verdict: HeadsetVerdict,
    },
    Done {
        verdict: HeadsetVerdict,
    },
    /// Ended by a call or by the user.
    Stopped,
}

/// What is to be said of the recording, in words and in numbers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Type)]
pub struct HeadsetVerdict {
    /// `test.good`, `test.silent`, `test.clipping`, `test.too_quiet` or `test.noisy`.
    pub text: Text,
    /// Levels of the speech and between words, dB of full scale.
    #[specta(type = u32)]
    pub speech_db: f32,
    #[specta(type = u32)]
    pub noise_db: f32,
    /// The highest sample, 0.0 to 1.0.
    #[specta(type = u32)]
    pub peak: f32,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Type)]
pub struct DeviceView {
    pub id: String,
    pub name: String,
    pub is_default: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "snake_case")]
pub enum NoticeLevel {
    Info,
    Warning,
    Error,
}

/// Something the user should know; stays until dismissed or mended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Type)]
pub struct Notice {
    pub id: u32,
    pub level: NoticeLevel,
    pub text: Text,
}

/// Whether the agent can be reached.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Type)]
pub struct AgentView {
    pub state: AgentState,
    pub reason: Option<String>,
    /// Unix time in milliseconds at which this state began.
    #[specta(type = u32)]
    pub since_ms: f64,
    pub do_not_disturb: bool,
    pub call_waiting: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Type)]
pub struct ColleagueView {
    pub account: u32,
    pub name: String,
    pub number: String,
    pub lamp: LampView,
    /// A call that rings there can be taken here.
    pub pickup: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Type)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum LampView {
    /// Not watched, or not known yet.
    Unknown,
    Free,
    Ringing {
        caller: Option<PeerView>,
    },
    Busy,
    Away,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Type)]
pub struct MailboxView {
    pub account: u32,
    pub waiting: bool,
    pub new: Option<u32>,
    pub old: Option<u32>,
    /// `call_mailbox` knows the number.
    pub callable: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Type)]
pub struct MessageView {
    pub id: u32,
    pub account: u32,
    pub direction: Direction,
    pub peer: PeerView,
    pub text: String,
    #[specta(type = u32)]
    pub at_ms: f64,
    pub delivery: DeliveryView,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Type)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum DeliveryView {
    Received,
    Sending,
    Sent,
    Failed { reason: Text },
}

/// A forwarding rule that is switched on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Type)]
pub struct ForwardingView {
    pub account: u32,
    pub rule: ForwardRule,
    /// It acts now (hours, `until`).
    pub active: bool,
}

/// What dialling a number would do.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Type)]
pub struct NumberPreview {
    pub to: String,
    pub account: Option<u32>,
    /// What goes out after the account's rules; `null` when it cannot be dialled.
    pub dialled: Option<String>,
    pub emergency: bool,
    /// Asks to be confirmed.
    pub premium: bool,
    /// Why it cannot be dialled.
    pub problem: Option<Text>,
}
