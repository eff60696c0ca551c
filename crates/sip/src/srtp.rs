//! Keys of SRTP in SDP (SDES, RFC 4568): crypto suites, `a=crypto` lines, and what an account demands.
//!
//! A line counts only if it asks for what we do: one key, no MKI, no re-derivation, everything encrypted and
//! authenticated. Any other is read over, as RFC 4568 7.1.2 has it, so that it can never be agreed on.

use crate::{sdp::Media, text::number};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use std::fmt;
use zeroize::Zeroizing;

/// Most `a=crypto` lines of one m-line that are looked at.
const MAX_LINES: usize = 32;

/// A crypto suite: RFC 4568 6.2, RFC 6188, RFC 7714.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Suite {
    AeadAes256Gcm,
    AeadAes128Gcm,
    AesCm256Sha80,
    AesCm256Sha32,
    AesCm128Sha80,
    AesCm128Sha32,
}

impl Suite {
    /// As we offer them, best first; a tag of 32 bits only after those of 80.
    pub const ALL: [Suite; 6] = [
        Suite::AeadAes256Gcm,
        Suite::AeadAes128Gcm,
        Suite::AesCm256Sha80,
        Suite::AesCm128Sha80,
        Suite::AesCm256Sha32,
        Suite::AesCm128Sha32,
    ];
    /// What everybody has, for offers that must fit into a datagram.
    const COMMON: [Suite; 2] = [Suite::AesCm128Sha80, Suite::AesCm128Sha32];

    pub fn name(self) -> &'static str {
        match self {
            Suite::AeadAes256Gcm => "AEAD_AES_256_GCM",
            Suite::AeadAes128Gcm => "AEAD_AES_128_GCM",
            Suite::AesCm256Sha80 => "AES_256_CM_HMAC_SHA1_80",
            Suite::AesCm256Sha32 => "AES_256_CM_HMAC_SHA1_32",
            Suite::AesCm128Sha80 => "AES_CM_128_HMAC_SHA1_80",
            Suite::AesCm128Sha32 => "AES_CM_128_HMAC_SHA1_32",
        }
    }

    /// The tag of our own offers' line, the same in every offer of a call.
    fn tag(self) -> u32 {
        Suite::ALL.iter().position(|s| *s == self).map_or(0, |at| at as u32 + 1)
    }

    /// Bytes of the master key.
    pub fn key_length(self) -> usize {
        match self {
            Suite::AeadAes256Gcm | Suite::AesCm256Sha80 | Suite::AesCm256Sha32 => 32,
            Suite::AeadAes128Gcm | Suite::AesCm128Sha80 | Suite::AesCm128Sha32 => 16,
        }
    }

    /// Bytes of the master key and of its salt.
    pub fn length(self) -> usize {
        let aead = matches!(self, Suite::AeadAes256Gcm | Suite::AeadAes128Gcm);
        self.key_length() + if aead { 12 } else { 14 }
    }

    fn of_name(name: &str) -> Option<Self> {
        Suite::ALL.into_iter().find(|s| s.name().eq_ignore_ascii_case(name))
    }
}

/// A master key with its salt behind it. Wiped when dropped; its `Debug` says nothing.
#[derive(Clone, PartialEq, Eq)]
pub struct MasterKey(pub Zeroizing<Vec<u8>>);

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MasterKey(…)")
    }
}

/// What two sides agreed on: one suite, a key for each direction.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Srtp {
    pub suite: Suite,
    pub local: MasterKey,
    pub remote: MasterKey,
}

/// Whether an account's voice is encrypted.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum SrtpPolicy {
    #[default]
    Off,
    /// Where the far side can; a call that began encrypted stays so.
    Optional,
    /// Or there is no call.
    Required,
}

/// One `a=crypto` line that we could use.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Crypto {
    pub tag: u32,
    pub suite: Suite,
    pub key: MasterKey,
}

impl Crypto {
    /// The value of an `a=crypto` attribute: `tag suite inline:KEY[|lifetime] [session parameters]`. `None` for what we do
    /// not do, or what is no such line.
    pub fn parse(value: &str) -> Option<Self> {
        let mut words = value.split_ascii_whitespace();
        let tag = words.next().filter(|t| t.len() <= 9).and_then(number::<u32>)?;
        let suite = Suite::of_name(words.next()?)?;
        let inline = words.next()?;
        let (method, info) = inline.split_at_checked("inline:".len())?;
        // A second key would need an MKI to tell them apart.
        if !method.eq_ignore_ascii_case("inline:") || info.contains(';') {
            return None;
        }
        let mut parts = info.split('|');
        let key = Zeroizing::new(STANDARD.decode(parts.next()?).ok()?);
        // What follows may be the key's lifetime, which binds its sender; with a colon it is an MKI.
        if key.len() != suite.length() || parts.clone().count() > 1 || parts.any(|part| part.contains(':')) {
            return None;
        }
        words.all(harmless).then_some(Crypto { tag, suite, key: MasterKey(key) })
    }

    /// Every usable line of an m-line.
    pub(crate) fn all(media: &Media) -> Vec<Crypto> {
        let lines = media.attributes.iter().filter(|a| a.name == "crypto").take(MAX_LINES);
        lines.filter_map(|a| Crypto::parse(&a.value)).collect()
    }

    pub(crate) fn line(&self) -> Zeroizing<String> {
        let key = Zeroizing::new(STANDARD.encode(self.key.0.as_slice()));
        Zeroizing::new(format!("a=crypto:{} {} inline:{}\r\n", self.tag, self.suite.name(), key.as_str()))
    }
}

/// Whether a session parameter changes nothing for us: a hint of the replay window, or one that may be ignored.
fn harmless(parameter: &str) -> bool {
    parameter.starts_with('-') || parameter.get(..4).is_some_and(|name| name.eq_ignore_ascii_case("WSH="))
}

/// Whether voice is encrypted cannot be agreed on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct NotEncrypted;

/// The state of one call's keys. Ours are made once and stay for the call, so that a session that is refreshed keeps its
/// packet counts; what was encrypted once is never plain again.
#[derive(Clone, Debug)]
pub struct Sdes {
    policy: SrtpPolicy,
    /// Offers must be short.
    brief: bool,
    own: Vec<(Suite, MasterKey)>,
    agreed: Option<(Srtp, Profile)>,
    offered: Profile,
}

/// The m-line's transport (RFC 3551, RFC 3711): `RTP/AVP` with keys is an offer that the far side may leave unencrypted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Profile {
    Avp,
    Savp,
}

impl Profile {
    fn of(media: &Media) -> Option<Self> {
        match media.proto.as_str() {
            "RTP/AVP" | "RTP/AVPF" => Some(Profile::Avp),
            "RTP/SAVP" | "RTP/SAVPF" => Some(Profile::Savp),
            _ => None,
        }
    }
}

/// How a stream is to be protected.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Protection {
    Plain,
    /// With the line to write into an answer.
    Srtp(Srtp, u32),
}

impl Sdes {
    /// `random` fills what it is given with bytes that nobody can guess.
    pub fn new(policy: SrtpPolicy, brief: bool, mut random: impl FnMut(&mut [u8])) -> Self {
        let suites: &[Suite] = if policy == SrtpPolicy::Off { &[] } else { &Suite::ALL };
        let make = |suite: &Suite| {
            let mut key = Zeroizing::new(vec![0; suite.length()]);
            random(&mut key);
            (*suite, MasterKey(key))
        };
        Sdes { policy, brief, own: suites.iter().map(make).collect(), agreed: None, offered: Profile::Avp }
    }

    /// Whether the far side may be refused for want of encryption.
    pub(crate) fn is_required(&self) -> bool {
        self.policy == SrtpPolicy::Required || self.agreed.is_some()
    }

    /// Whether we have what an m-line is carried by.
    pub(crate) fn takes(&self, media: &Media) -> bool {
        match Profile::of(media) {
            Some(Profile::Avp) => true,
            Some(Profile::Savp) => self.policy != SrtpPolicy::Off,
            None => false,
        }
    }

    /// The transport and the `a=crypto` lines of an offer; what is agreed on comes first.
    pub(crate) fn offer(&mut self) -> (&'static str, Zeroizing<String>) {
        self.offered = match (&self.agreed, self.policy) {
            (Some((_, profile)), _) => *profile,
            (None, SrtpPolicy::Required) => Profile::Savp,
            (None, _) => Profile::Avp,
        };
        let agreed = self.agreed.as_ref().map(|(srtp, _)| srtp.suite);
        let offered = |suite: &Suite| !self.brief || Some(*suite) == agreed || Suite::COMMON.contains(suite);
        let mut own: Vec<&(Suite, MasterKey)> = self.own.iter().filter(|(suite, _)| offered(suite)).collect();
        own.sort_by_key(|(suite, _)| Some(*suite) != agreed);
        let mut lines = Zeroizing::new(String::with_capacity(self.own.len() * 160));
        for (suite, key) in own {
            lines.push_str(&Crypto { tag: suite.tag(), suite: *suite, key: key.clone() }.line());
        }
        (if self.offered == Profile::Savp { "RTP/SAVP" } else { "RTP/AVP" }, lines)
    }

    /// What an answer to our offer says. It must take one line as it was offered (RFC 4568 7.1.3).
    pub(crate) fn take_answer(&self, media: &Media) -> Result<Protection, NotEncrypted> {
        let profile = Profile::of(media).ok_or(NotEncrypted)?;
        let any = media.attributes.iter().any(|a| a.name == "crypto");
        let lines = Crypto::all(media);
        let chosen = lines.iter().find(|line| line.tag == line.suite.tag()).filter(|_| lines.len() == 1);
        match chosen.and_then(|line| self.with(line)) {
            Some(_) if self.offered == Profile::Savp && profile == Profile::Avp => Err(NotEncrypted),
            Some(protection) => Ok(protection),
            // Asked for what it was not offered, or something broken: not the same as having said no.
            None if any && self.policy != SrtpPolicy::Off => Err(NotEncrypted),
            None if self.is_required() || profile == Profile::Savp => Err(NotEncrypted),
            None => Ok(Protection::Plain),
        }
    }

    /// How a stream that the peer offers would be answered.
    pub(crate) fn judge(&self, media: &Media) -> Result<Protection, NotEncrypted> {
        let profile = Profile::of(media).ok_or(NotEncrypted)?;
        match Crypto::all(media).iter().find_map(|line| self.with(line)) {
            Some(protection) => Ok(protection),
            None if self.is_required() || profile == Profile::Savp => Err(NotEncrypted),
            None => Ok(Protection::Plain),
        }
    }

    /// The line of our answer.
    pub(crate) fn answer_line(protection: &Protection) -> Zeroizing<String> {
        match protection {
            Protection::Plain => Zeroizing::new(String::new()),
            Protection::Srtp(srtp, tag) => Crypto { tag: *tag, suite: srtp.suite, key: srtp.local.clone() }.line(),
        }
    }

    /// It is agreed on; the caller is sure of the rest of the description.
    pub(crate) fn agree(&mut self, media: &Media, protection: Protection) -> Option<Srtp> {
        let Protection::Srtp(srtp, _) = protection else { return None };
        self.agreed = Some((srtp.clone(), Profile::of(media).unwrap_or(Profile::Savp)));
        Some(srtp)
    }

    fn with(&self, line: &Crypto) -> Option<Protection> {
        let (_, local) = self.own.iter().find(|(suite, _)| *suite == line.suite)?;
        let srtp = Srtp { suite: line.suite, local: local.clone(), remote: line.key.clone() };
        Some(Protection::Srtp(srtp, line.tag))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const KEY: &str = "WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz";

    #[test]
    fn the_example_of_rfc_4568() {
        let crypto = Crypto::parse(&format!("1 AES_CM_128_HMAC_SHA1_80 inline:{KEY}|2^20")).expect("a key");
        assert_eq!((crypto.tag, crypto.suite, crypto.key.0.len()), (1, Suite::AesCm128Sha80, 30));
        assert_eq!(crypto.line().as_str(), format!("a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:{KEY}\r\n"));
        assert!(Crypto::parse(&format!("7 aes_cm_128_hmac_sha1_32 INLINE:{KEY} WSH=64 -x")).is_some());
    }

    #[test]
    fn what_would_weaken_or_confuse_is_no_key() {
        let good = format!("1 AES_CM_128_HMAC_SHA1_80 inline:{KEY}");
        assert!(Crypto::parse(&good).is_some());
        for more in [
            " UNENCRYPTED_SRTP",
            " UNENCRYPTED_SRTCP",
            " UNAUTHENTICATED_SRTP",
            " KDR=1",
            " FEC_ORDER=FEC_SRTP",
            " unknown",
            "|2^20|1:4",
            "|1:4",
            ";inline:x",
            "A",
            "=",
        ] {
            assert_eq!(Crypto::parse(&format!("{good}{more}")), None, "{more}");
        }
        for line in [
            "",
            "1",
            "1 AES_CM_128_HMAC_SHA1_80",
            "1 AES_CM_128_HMAC_SHA1_80 inline:",
            "x AES_CM_128_HMAC_SHA1_80 inline:AA==",
            "1 NULL_HMAC_SHA1_80 inline:AA==",
            "1 AES_CM_128_HMAC_SHA1_80 ß",
            "9999999999 AES_CM_128_HMAC_SHA1_80 inline:x",
        ] {
            assert_eq!(Crypto::parse(line), None, "{line}");
        }
        assert_eq!(Crypto::parse(&format!("1 AES_256_CM_HMAC_SHA1_80 inline:{KEY}")), None, "a key too short");
    }

    #[test]
    fn keys_are_not_shown() {
        let crypto = Crypto::parse(&format!("1 AES_CM_128_HMAC_SHA1_80 inline:{KEY}")).expect("a key");
        assert!(format!("{crypto:?}").contains("MasterKey(…)"), "{crypto:?}");
        assert!(!format!("{:?}", Sdes::new(SrtpPolicy::Required, false, |key| key.fill(77))).contains("77"));
    }

    proptest! {
        #[test]
        fn no_line_panics(line in ".{0,200}", tail in "[ -~]{0,80}") {
            let _ = Crypto::parse(&line);
            let _ = Crypto::parse(&format!("1 AES_CM_128_HMAC_SHA1_80 inline:{tail}"));
        }

        #[test]
        fn what_is_written_is_read(bytes in proptest::collection::vec(any::<u8>(), 46), tag in 0u32..1_000_000) {
            for suite in Suite::ALL {
                let key = MasterKey(Zeroizing::new(bytes[..suite.length()].to_vec()));
                let crypto = Crypto { tag, suite, key };
                let line = crypto.line();
                let value = line.trim_end().strip_prefix("a=crypto:").expect("an attribute");
                prop_assert_eq!(Crypto::parse(value), Some(crypto));
            }
        }
    }
}
