//! SRTP and SRTCP of one call (RFC 3711, RFC 6188), by rtc-srtp.
//!
//! The far side's streams have a context each, kept only once a packet of theirs proved genuine: strangers who make up
//! SSRCs cost no memory. Master keys live in `Srtp`, which wipes them; session keys in the contexts, which do too.

use bytes::{Bytes, BytesMut};
use hatif_core::srtp::{Srtp, SrtpKey, Suite};
use rtc_srtp::{
    context::Context,
    crypto::providers::RingCrypto,
    option::{srtcp_replay_protection, srtp_replay_protection},
    protection_profile::ProtectionProfile,
};
use std::collections::VecDeque;

/// Packets that may come late (RFC 3711 3.3.2 asks for 64 at least): 2.5 s of voice.
const REPLAY_WINDOW: usize = 128;
/// Streams of the far side in a call at a time; the one heard of first is forgotten when there are more.
const MAX_STREAMS: usize = 8;
/// The fixed headers of RTP, and of RTCP up to the SSRC.
const RTP_HEADER: usize = 12;
const RTCP_HEADER: usize = 8;

pub(crate) struct Cipher {
    keys: Srtp,
    outward: Context,
    inward: VecDeque<(u32, Context)>,
    proven: bool,
}

impl Cipher {
    /// `None` if the keys do not fit their suite.
    pub fn new(keys: &Srtp) -> Option<Cipher> {
        context(keys.suite, &keys.remote)?;
        let outward = context(keys.suite, &keys.local)?;
        Some(Cipher { keys: keys.clone(), outward, inward: VecDeque::new(), proven: false })
    }

    /// The keys after a change of the session. A direction whose key stays keeps its counts, as it must: a packet number
    /// is never used twice with one key.
    pub fn rekey(&mut self, keys: &Srtp) -> Option<()> {
        let suite = self.keys.suite != keys.suite;
        context(keys.suite, &keys.remote)?;
        if suite || self.keys.local != keys.local {
            self.outward = context(keys.suite, &keys.local)?;
        }
        if suite || self.keys.remote != keys.remote {
            self.inward.clear();
            self.proven = false;
        }
        self.keys = keys.clone();
        Some(())
    }

    /// Whether something of the far side's proved genuine under the keys of now.
    pub fn is_proven(&self) -> bool {
        self.proven
    }

    pub fn protect_rtp(&mut self, packet: &[u8]) -> Option<Bytes> {
        self.outward.encrypt_rtp(packet).ok().map(BytesMut::freeze)
    }

    pub fn protect_rtcp(&mut self, packet: &[u8]) -> Option<Bytes> {
        self.outward.encrypt_rtcp(packet).ok().map(BytesMut::freeze)
    }

    /// The plain packet, if it is the far side's and new.
    pub fn open_rtp(&mut self, packet: &[u8]) -> Option<Vec<u8>> {
        let ssrc = ssrc(packet, RTP_HEADER - 4)?;
        self.open(ssrc, |context| context.decrypt_rtp(packet).ok().map(Vec::from))
    }

    pub fn open_rtcp(&mut self, packet: &[u8]) -> Option<Vec<u8>> {
        let ssrc = ssrc(packet, RTCP_HEADER - 4)?;
        // Its E bit (RFC 3711 3.4): a report that says to be plain is not what was agreed on.
        let tag = if self.keys.suite.is_aead() { 0 } else { 10 };
        let index = packet.len().checked_sub(tag + 4).and_then(|at| packet.get(at))?;
        if index & 0x80 == 0 {
            return None;
        }
        self.open(ssrc, |context| context.decrypt_rtcp(packet).ok().map(Vec::from))
    }

    fn open(&mut self, ssrc: u32, open: impl FnOnce(&mut Context) -> Option<Vec<u8>>) -> Option<Vec<u8>> {
        let opened = match self.inward.iter_mut().find(|(known, _)| *known == ssrc) {
            Some((_, context)) => open(context)?,
            None => {
                let mut fresh = context(self.keys.suite, &self.keys.remote)?;
                let opened = open(&mut fresh)?;
                self.inward.truncate(MAX_STREAMS - 1);
                self.inward.push_front((ssrc, fresh));
                opened
            }
        };
        self.proven = true;
        Some(opened)
    }
}

fn ssrc(packet: &[u8], at: usize) -> Option<u32> {
    packet.get(at..at + 4)?.try_into().ok().map(u32::from_be_bytes)
}

fn context(suite: Suite, key: &SrtpKey) -> Option<Context> {
    let profile = match suite {
        Suite::AesCm128Sha80 => ProtectionProfile::Aes128CmHmacSha1_80,
        Suite::AesCm128Sha32 => ProtectionProfile::Aes128CmHmacSha1_32,
        Suite::AesCm256Sha80 => ProtectionProfile::Aes256CmHmacSha1_80,
        Suite::AesCm256Sha32 => ProtectionProfile::Aes256CmHmacSha1_32,
        Suite::AeadAes128Gcm => ProtectionProfile::AeadAes128Gcm,
        Suite::AeadAes256Gcm => ProtectionProfile::AeadAes256Gcm,
    };
    let replays = (srtp_replay_protection(REPLAY_WINDOW), srtcp_replay_protection(REPLAY_WINDOW));
    Context::new(&key.key, &key.salt, profile, Some(replays.0), Some(replays.1), &RingCrypto).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packet;
    use hatif_media::{Payload, RtcpOut, RtpOut, StreamKey};
    use proptest::prelude::*;
    use rvoip_rtp_core::{RtpPacket, srtp as other};

    const SUITES: [Suite; 6] = [
        Suite::AesCm128Sha80,
        Suite::AesCm128Sha32,
        Suite::AesCm256Sha80,
        Suite::AesCm256Sha32,
        Suite::AeadAes128Gcm,
        Suite::AeadAes256Gcm,
    ];

    fn key(suite: Suite, first: u8) -> SrtpKey {
        let length = match suite {
            Suite::AesCm128Sha80 | Suite::AesCm128Sha32 | Suite::AeadAes128Gcm => 16,
            _ => 32,
        };
        let bytes = |count: usize, first: u8| (0..count).map(|n| first.wrapping_add(n as u8)).collect::<Vec<u8>>();
        let salt = if suite.is_aead() { 12 } else { 14 };
        SrtpKey { key: bytes(length, first).into(), salt: bytes(salt, first ^ 0x5a).into() }
    }

    /// The two ends of a call.
    fn pair(suite: Suite) -> (Cipher, Cipher) {
        let (ours, theirs) = (key(suite, 1), key(suite, 100));
        let here = Srtp { suite, local: ours.clone(), remote: theirs.clone() };
        let there = Srtp { suite, local: theirs, remote: ours };
        (Cipher::new(&here).expect("keys that fit"), Cipher::new(&there).expect("keys that fit"))
    }

    fn rtp(ssrc: u32, sequence: u16) -> Vec<u8> {
        let payload = Payload::new(b"some voice of the agent");
        let out = RtpOut { key: StreamKey(1), payload_type: 8, marker: false, sequence, timestamp: 9, ssrc, payload };
        packet::write_rtp(&out).expect("a packet").to_vec()
    }

    fn rtcp(ssrc: u32) -> Vec<u8> {
        packet::write_rtcp(&RtcpOut { ssrc, sender: None, report: None, bye: false }, "name")
            .expect("a report")
            .to_vec()
    }

    fn hex(text: &str) -> Vec<u8> {
        let digits: Vec<u8> = text.bytes().filter(u8::is_ascii_hexdigit).collect();
        digits.chunks(2).map(|d| u8::from_str_radix(std::str::from_utf8(d).unwrap(), 16).unwrap()).collect()
    }

    /// Known answers: the master key of RFC 3711 B.3 and those of libSRTP's own validation, each with a packet.
    #[test]
    fn packets_are_those_of_other_implementations() {
        let plain = hex("800f1234decafbadcafebabe abababababababababababababababab");
        for (suite, key, salt, expected) in [
            (
                Suite::AesCm128Sha80,
                "e1f97a0d3e018be0d64fa32c06de4139",
                "0ec675ad498afeebb6960b3aabe6",
                "4e55dc4ce79978d88ca4d215949d2402 b78d6acc99ea179b8dbb",
            ),
            (
                Suite::AesCm256Sha80,
                "f0f04914b513f2763a1b1fa130f10e2998f6f6e43e4309d1e622a0e332b9f1b6",
                "3b04803de51ee7c96423ab5b78d2",
                "f1d9de17ff251ff1aa007774b0b4b40d a08d9d9a5b3a55d8873b",
            ),
            (
                Suite::AeadAes128Gcm,
                "000102030405060708090a0b0c0d0e0f",
                "a0a1a2a3a4a5a6a7a8a9aaab",
                "c5002ede04cfdd2eb91159e0880aa06e d2976826f796b201df3131a127e8a392",
            ),
        ] {
            let local = SrtpKey { key: hex(key).into(), salt: hex(salt).into() };
            let mut cipher = Cipher::new(&Srtp { suite, remote: local.clone(), local }).expect("keys that fit");
            let sealed = cipher.protect_rtp(&plain).expect("a packet");
            assert_eq!(sealed[..12], plain[..12]);
            assert_eq!(sealed[12..], hex(expected)[..], "{suite:?}");
            assert_eq!(cipher.open_rtp(&sealed), Some(plain.clone()));
        }
    }

    /// rvoip's SRTP is another implementation of the four suites with HMAC.
    #[test]
    fn rvoip_reads_what_we_write_and_the_reverse() {
        for (suite, theirs) in [
            (Suite::AesCm128Sha80, other::SRTP_AES128_CM_SHA1_80),
            (Suite::AesCm128Sha32, other::SRTP_AES128_CM_SHA1_32),
            (Suite::AesCm256Sha80, other::SRTP_AES256_CM_SHA1_80),
            (Suite::AesCm256Sha32, other::SRTP_AES256_CM_SHA1_32),
        ] {
            let (mut cipher, _) = pair(suite);
            let (a, b) = (key(suite, 1), key(suite, 100));
            let (b_key, a_key) = (b.key.to_vec(), a.key.to_vec());
            let mut peer =
                other::SrtpContext::new_from_keys(b_key, a_key, b.salt.to_vec(), a.salt.to_vec(), theirs).unwrap();
            for sequence in 30_000..30_050 {
                let sealed = cipher.protect_rtp(&rtp(5, sequence)).unwrap();
                assert_eq!(peer.unprotect(&sealed).unwrap().serialize().unwrap()[..], rtp(5, sequence)[..]);
                let sealed = peer.protect(&RtpPacket::parse(&rtp(6, sequence)).unwrap()).unwrap().serialize().unwrap();
                assert_eq!(cipher.open_rtp(&sealed), Some(rtp(6, sequence)), "{suite:?}");
                let report = cipher.protect_rtcp(&rtcp(5)).unwrap();
                assert_eq!(peer.unprotect_rtcp(&report).unwrap()[..], rtcp(5)[..]);
                let report = peer.protect_rtcp(&rtcp(6)).unwrap();
                assert_eq!(cipher.open_rtcp(&report), Some(rtcp(6)), "{suite:?}");
            }
        }
    }

    #[test]
    fn every_suite_hides_proves_and_takes_each_packet_once() {
        for suite in SUITES {
            let (mut here, mut there) = pair(suite);
            assert!(!there.is_proven());
            assert_eq!(there.open_rtp(&rtp(5, 1)), None, "a plain packet");
            assert_eq!(there.open_rtcp(&rtcp(5)), None, "a plain report");
            let sealed = here.protect_rtp(&rtp(5, 1)).unwrap();
            assert!(!sealed.windows(5).any(|w| w == b"voice"));
            for at in 0..sealed.len() {
                let mut forged = sealed.to_vec();
                forged[at] ^= 4;
                assert_eq!(there.open_rtp(&forged), None, "{suite:?}: byte {at} of a packet was changed");
                assert_eq!(there.open_rtp(&sealed[..at]), None, "{suite:?}: cut at {at}");
            }
            assert!(!there.is_proven());
            assert_eq!(there.open_rtp(&sealed), Some(rtp(5, 1)));
            assert!(there.is_proven());
            assert_eq!(there.open_rtp(&sealed), None, "{suite:?}: a replay");
            let report = here.protect_rtcp(&rtcp(5)).unwrap();
            for at in 0..report.len() {
                let mut forged = report.to_vec();
                forged[at] ^= 4;
                assert_eq!(there.open_rtcp(&forged), None, "{suite:?}: byte {at} of a report was changed");
                assert_eq!(there.open_rtcp(&report[..at]), None, "{suite:?}: cut at {at}");
            }
            assert_eq!(there.open_rtcp(&report), Some(rtcp(5)));
            assert_eq!(there.open_rtcp(&report), None, "{suite:?}: a replay");
        }
    }

    #[test]
    fn losses_late_packets_and_a_roll_over_of_the_count_are_followed() {
        for suite in [Suite::AesCm128Sha80, Suite::AeadAes256Gcm] {
            let (mut here, mut there) = pair(suite);
            let mut late = None;
            for n in 0..60_000_u32 {
                let packet = rtp(5, (n + 20_000) as u16);
                let sealed = here.protect_rtp(&packet).unwrap();
                match n % 50 {
                    7..10 => {}
                    20 => late = Some((packet, sealed)),
                    _ => assert_eq!(there.open_rtp(&sealed), Some(packet), "packet {n}"),
                }
                if n % 50 == 25
                    && let Some((packet, sealed)) = late.take()
                {
                    assert_eq!(there.open_rtp(&sealed), Some(packet), "five packets late, at {n}");
                }
            }
        }
    }

    #[test]
    fn new_streams_and_new_keys_are_followed() {
        let suite = Suite::AesCm128Sha80;
        let (mut here, mut there) = pair(suite);
        for ssrc in 0..40 {
            let sealed = here.protect_rtp(&rtp(ssrc, 60_000)).unwrap();
            assert!(there.open_rtp(&sealed).is_some());
        }
        assert_eq!(there.inward.len(), MAX_STREAMS);
        // The same keys again change nothing: the count goes on.
        let keys = there.keys.clone();
        there.rekey(&keys).unwrap();
        assert!(there.is_proven());
        let old = here.protect_rtp(&rtp(39, 60_001)).unwrap();
        // The far side takes another key; ours stays.
        let (again, fresh) = (here.keys.remote.clone(), key(suite, 50));
        here.rekey(&Srtp { suite, local: fresh.clone(), remote: again.clone() }).unwrap();
        there.rekey(&Srtp { suite, local: again, remote: fresh }).unwrap();
        assert!(!there.is_proven());
        assert_eq!(there.open_rtp(&old), None, "under the key before");
        let sealed = here.protect_rtp(&rtp(39, 60_001)).unwrap();
        assert!(there.open_rtp(&sealed).is_some() && there.is_proven());
    }

    #[test]
    fn strangers_cost_no_memory() {
        for suite in SUITES {
            let (_, mut there) = pair(suite);
            for ssrc in 0..2_000 {
                let mut noise = rtp(ssrc, 1);
                noise.extend([7; 16]);
                assert_eq!(there.open_rtp(&noise), None);
                assert_eq!(there.open_rtcp(&noise), None);
            }
            assert!(there.inward.is_empty() && !there.is_proven());
        }
    }

    #[test]
    fn keys_that_do_not_fit_are_refused() {
        let suite = Suite::AesCm256Sha80;
        let (short, good) = (key(Suite::AesCm128Sha80, 1), key(suite, 1));
        assert!(Cipher::new(&Srtp { suite, local: short.clone(), remote: good.clone() }).is_none());
        assert!(Cipher::new(&Srtp { suite, local: good, remote: short }).is_none());
    }

    proptest! {
        #[test]
        fn any_datagram_is_opened_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200), first in 0x80u8..=0xbf) {
            for suite in SUITES {
                let (_, mut there) = pair(suite);
                let mut likely = bytes.clone();
                if let Some(byte) = likely.first_mut() {
                    *byte = first;
                }
                for datagram in [&bytes, &likely] {
                    prop_assert_eq!(there.open_rtp(datagram), None);
                    prop_assert_eq!(there.open_rtcp(datagram), None);
                }
            }
        }

        /// With extensions, CSRCs and padding of the far side's.
        #[test]
        fn any_genuine_packet_is_opened(bits in 0u8..64, rest in proptest::collection::vec(any::<u8>(), 0..160)) {
            let mut packet = rtp(5, 77);
            packet[0] = 0x80 | bits;
            packet.truncate(12);
            packet.extend(rest);
            let (mut here, mut there) = pair(Suite::AesCm128Sha80);
            if let Some(sealed) = here.protect_rtp(&packet) {
                prop_assert_eq!(there.open_rtp(&sealed), Some(packet));
            }
        }
    }
}
