//! The agent's desk: colleagues, mailboxes, messages, forwarding.

use super::*;
use serde::{Deserialize, Serialize};
use specta::Type;

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
