//! A call, and what can be done with it.

use super::*;
use serde::{Deserialize, Serialize};
use specta::Type;

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
    pub security: SecurityView,
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
    #[serde(default)]
    pub recording: RecordingState,
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
    MoveToMobile,
    Record,
    PauseRecording,
    ResumeRecording,
    StopRecording,
}

/// Call quality. `level` is the judgement in plain words; the rest is for the curious.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Type)]
pub struct QualityView {
    pub level: QualityLevel,
    /// How the last second sounded, 1.0 (bad) to 4.5 (the best that there is), after the E-model; `null` while nothing is played.
    #[serde(default)]
    #[specta(type = Option<u32>)]
    pub mos: Option<f32>,
    #[serde(default)]
    pub codec: Option<CodecView>,
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
pub enum CodecView {
    Opus,
    G722,
    Pcma,
    Pcmu,
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
