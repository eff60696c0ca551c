//! Encrypted voice (SRTP, RFC 3711) as the phone knows it: keys on their way to the media, and what came of them.

use serde::{Deserialize, Serialize};
use specta::Type;
use std::fmt;
use zeroize::Zeroizing;

/// Whether an account's voice is encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize, Type)]
#[serde(rename_all = "snake_case")]
pub enum Encryption {
    /// Required by TLS; off by UDP and TCP, where anybody on the way could read the keys.
    #[default]
    Auto,
    Off,
    /// Where the far side can.
    Optional,
    /// Or there is no call.
    Required,
}

/// A crypto suite (RFC 4568 6.2, RFC 6188, RFC 7714).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Suite {
    AesCm128Sha80,
    AesCm128Sha32,
    AesCm256Sha80,
    AesCm256Sha32,
    AeadAes128Gcm,
    AeadAes256Gcm,
}

impl Suite {
    /// Whether encryption and proof are one (RFC 7714).
    pub fn is_aead(self) -> bool {
        matches!(self, Suite::AeadAes128Gcm | Suite::AeadAes256Gcm)
    }
}

/// A master key and its salt. Wiped when dropped; its `Debug` says nothing.
#[derive(Clone, PartialEq, Eq)]
pub struct SrtpKey {
    pub key: Zeroizing<Vec<u8>>,
    pub salt: Zeroizing<Vec<u8>>,
}

impl fmt::Debug for SrtpKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SrtpKey(…)")
    }
}

/// The keys of one call: ours protect what we send, the far side's what it sends.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Srtp {
    pub suite: Suite,
    pub local: SrtpKey,
    pub remote: SrtpKey,
}

/// What the media engine knows of a call's protection; no word of the signalling goes in here.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Protection {
    #[default]
    Plain,
    /// All that leaves is encrypted; nothing of the far side's has proved genuine yet.
    Unproven,
    /// And what comes in is the far side's own, under the keys of now.
    Proven,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_not_shown() {
        let key = SrtpKey { key: Zeroizing::new(vec![77; 16]), salt: Zeroizing::new(vec![88; 14]) };
        let shown = format!("{:?}", Srtp { suite: Suite::AesCm128Sha80, local: key.clone(), remote: key });
        assert!(!shown.contains("77") && !shown.contains("88"), "{shown}");
    }
}
