//! The lock beside a call.

use serde::{Deserialize, Serialize};
use specta::Type;

/// How a call's voice is protected, as the media engine knows it and not as it was agreed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "snake_case")]
pub enum SecurityView {
    /// Whoever is on the way can listen.
    Plain,
    /// What leaves is encrypted; nothing has come yet that proves that the far side has the keys.
    Unproven,
    /// Encrypted both ways, but the keys went by a connection that is not: whoever is on the way may have them.
    Exposed,
    /// Encrypted both ways up to the PBX, which has the keys.
    Encrypted,
}
