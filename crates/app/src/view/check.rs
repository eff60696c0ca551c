//! The connection check: what was tried of an account's way, and what came of it.

use super::Text;
use serde::{Deserialize, Serialize};
use specta::Type;

/// A check that runs or has ended; whole each time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Type)]
pub struct CheckView {
    pub account: u32,
    /// Nothing of it runs any more.
    pub done: bool,
    /// In the order in which they are tried.
    pub steps: Vec<CheckStepView>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Type)]
pub struct CheckStepView {
    pub step: CheckStep,
    pub state: CheckState,
    /// Why it failed, and what to do.
    pub text: Option<Text>,
    /// How long it took, of those that were tried, in milliseconds.
    pub took_ms: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "snake_case")]
pub enum CheckStep {
    /// The server's name has an address.
    Name,
    /// Something answers there.
    Connect,
    /// Its certificate is good.
    Tls,
    /// The PBX knows the account; or, of a direct one, its port is open.
    Registration,
    /// The STUN server answers.
    Stun,
    /// The TURN server gives a relay.
    Turn,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "snake_case")]
pub enum CheckState {
    Waiting,
    Passed,
    Failed,
    /// It failed, and calls may work all the same.
    Unclear,
    /// One before it failed.
    LeftOut,
}
