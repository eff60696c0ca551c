//! The call log.

use super::*;
use serde::{Deserialize, Serialize};
use specta::Type;

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
