//! Whom a call listens to and where its voice goes (symmetric RTP, RFC 4961): pure, time is an argument.
//!
//! ```text
//! from the signalled address ─────────────────────────────> heard at once; three in a row from another port: send there
//! from elsewhere ── signalled one silent for 500 ms ──┐
//!                   three in a row, one stream's ─────┴───> heard, and sent to: "latched"
//! ```
//!
//! A far end behind a NAT, or one that does not know its own address, signals an address that nothing comes from. It is
//! found by its packets. What that lets a stranger do, and why it is little, is in docs/threats.md.

use crate::packet::RtpReceived;
use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

/// Packets in a row from another place before it is believed.
const LATCH_AFTER: u8 = 3;
/// How long only the signalled address is listened to.
const PATIENCE: Duration = Duration::from_millis(500);
/// A latched source that is silent for so long may be followed by another: its NAT gave it another port.
const SILENT: Duration = Duration::from_secs(2);
/// Comfort noise (RFC 3389), which is sent without being negotiated.
const COMFORT_NOISE: u8 = 13;

/// The far end of one call's media.
pub(crate) struct Latch {
    pub signalled: SocketAddr,
    /// Where RTP goes.
    send_to: SocketAddr,
    /// The payload types that were agreed on.
    payloads: [Option<u8>; 2],
    since: Instant,
    /// Whether anything came from the signalled address.
    heard: bool,
    /// Another address, latched, and when it was heard last.
    elsewhere: Option<(SocketAddr, Instant)>,
    candidate: Option<Candidate>,
}

/// A source that may be the far end.
#[derive(Clone, Copy)]
struct Candidate {
    from: SocketAddr,
    ssrc: u32,
    sequence: u16,
    /// Packets in a row.
    count: u8,
}

impl Latch {
    pub fn new(now: Instant, signalled: SocketAddr, payloads: [Option<u8>; 2]) -> Self {
        let send_to = signalled;
        Latch { signalled, send_to, payloads, since: now, heard: false, elsewhere: None, candidate: None }
    }

    /// The same far end with other payload types; what was latched stays.
    pub fn set_payloads(&mut self, payloads: [Option<u8>; 2]) {
        self.payloads = payloads;
    }

    /// `None` where "nowhere" is signalled (0.0.0.0 or port 0: an old way to hold a call).
    pub fn send_to(&self) -> Option<SocketAddr> {
        let nowhere = self.signalled.port() == 0 || self.signalled.ip().is_unspecified();
        (!nowhere).then_some(self.send_to)
    }

    /// Whether anything but voice from there (reports) is listened to.
    pub fn knows(&self, from: SocketAddr) -> bool {
        self.is_signalled(from) || self.elsewhere.is_some_and(|(latched, _)| latched.ip() == from.ip())
    }

    /// Whether a packet is listened to. Learns from it where to send.
    pub fn hears(&mut self, now: Instant, from: SocketAddr, packet: &RtpReceived) -> bool {
        if self.is_signalled(from) { self.hears_signalled(from, packet) } else { self.hears_other(now, from, packet) }
    }

    fn is_signalled(&self, from: SocketAddr) -> bool {
        self.signalled.ip().to_canonical() == from.ip().to_canonical()
    }

    fn hears_signalled(&mut self, from: SocketAddr, packet: &RtpReceived) -> bool {
        if self.elsewhere.is_none() {
            self.heard = true;
            if from.port() == self.send_to.port() {
                self.candidate = None;
            } else if self.in_a_row(from, packet) {
                self.send_to.set_port(from.port());
            }
            return true;
        }
        // Who was signalled has the better right, whenever he comes.
        if self.in_a_row(from, packet) {
            (self.heard, self.elsewhere) = (true, None);
            self.send_to = SocketAddr::new(self.signalled.ip(), from.port());
            return true;
        }
        false
    }

    fn hears_other(&mut self, now: Instant, from: SocketAddr, packet: &RtpReceived) -> bool {
        match &mut self.elsewhere {
            Some((latched, last)) if *latched == from => {
                *last = now;
                return true;
            }
            Some((_, last)) if now.saturating_duration_since(*last) < SILENT => return false,
            Some(_) => {}
            None if self.heard || now.saturating_duration_since(self.since) < PATIENCE => return false,
            None => {}
        }
        let agreed = packet.payload_type == COMFORT_NOISE || self.payloads.contains(&Some(packet.payload_type));
        if self.send_to().is_none() || !agreed || !self.in_a_row(from, packet) {
            return false;
        }
        (self.elsewhere, self.send_to) = (Some((from, now)), from);
        true
    }

    /// Counts; whether it is the last of so many packets of one stream in a row.
    fn in_a_row(&mut self, from: SocketAddr, packet: &RtpReceived) -> bool {
        let follows =
            |c: &Candidate| c.from == from && c.ssrc == packet.ssrc && c.sequence.wrapping_add(1) == packet.sequence;
        let count = self.candidate.filter(follows).map_or(1, |c| c.count + 1);
        let enough = count >= LATCH_AFTER;
        let candidate = Candidate { from, ssrc: packet.ssrc, sequence: packet.sequence, count };
        self.candidate = (!enough).then_some(candidate);
        enough
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const VOICE: u8 = 8;

    struct Bench {
        latch: Latch,
        now: Instant,
        sequences: std::collections::HashMap<SocketAddr, u16>,
    }

    fn at(text: &str) -> SocketAddr {
        text.parse().unwrap()
    }

    impl Bench {
        fn new(signalled: &str) -> Self {
            let now = Instant::now();
            Bench {
                latch: Latch::new(now, at(signalled), [Some(VOICE), Some(101)]),
                now,
                sequences: Default::default(),
            }
        }

        /// `count` packets from there, 20 ms apart, and how many of them are heard.
        fn hear(&mut self, from: &str, count: usize) -> usize {
            (0..count).filter(|_| self.one(from, VOICE)).count()
        }

        fn one(&mut self, from: &str, payload_type: u8) -> bool {
            self.now += Duration::from_millis(20);
            let sequence = self.sequences.entry(at(from)).or_insert(65_530);
            *sequence = sequence.wrapping_add(1);
            let (sequence, payload) = (*sequence, bytes::Bytes::new());
            let packet = RtpReceived { payload_type, marker: false, sequence, timestamp: 0, ssrc: 1, payload };
            self.latch.hears(self.now, at(from), &packet)
        }

        fn wait(&mut self, ms: u64) {
            self.now += Duration::from_millis(ms);
        }

        fn sends_to(&self) -> String {
            self.latch.send_to().map(|to| to.to_string()).unwrap_or_default()
        }
    }

    #[test]
    fn a_far_end_that_signals_a_private_address_is_found_by_its_packets() {
        let mut bench = Bench::new("10.0.0.5:4000");
        assert_eq!(bench.hear("203.0.113.7:31000", 20), 0, "not in the first half second");
        bench.wait(200);
        assert_eq!((bench.hear("203.0.113.7:31000", 2), bench.sends_to()), (0, "10.0.0.5:4000".into()));
        assert_eq!((bench.hear("203.0.113.7:31000", 50), bench.sends_to()), (50, "203.0.113.7:31000".into()));
        assert!(bench.latch.knows(at("203.0.113.7:31001")) && bench.latch.knows(at("10.0.0.5:4001")));
    }

    #[test]
    fn nobody_takes_over_from_whom_we_hear() {
        let mut bench = Bench::new("192.0.2.1:4000");
        assert_eq!(bench.hear("192.0.2.1:4000", 1), 1);
        bench.wait(600_000);
        assert_eq!(bench.hear("203.0.113.7:31000", 1_000), 0, "the far end was there; it only holds the call");
        let mut bench = Bench::new("10.0.0.5:4000");
        bench.wait(600);
        assert_eq!(bench.hear("203.0.113.7:31000", 10), 8);
        for _ in 0..500 {
            assert_eq!((bench.hear("203.0.113.7:31000", 1), bench.hear("198.51.100.1:9", 5)), (1, 0));
        }
        assert_eq!(bench.sends_to(), "203.0.113.7:31000");
    }

    #[test]
    fn the_signalled_far_end_wins_whenever_it_comes() {
        let mut bench = Bench::new("192.0.2.1:4000");
        bench.wait(600);
        bench.hear("203.0.113.7:31000", 10);
        assert_eq!(bench.sends_to(), "203.0.113.7:31000");
        let heard: usize =
            (0..3).map(|_| bench.hear("203.0.113.7:31000", 1) + 10 * bench.hear("192.0.2.1:4000", 1)).sum();
        assert_eq!(heard, 13, "both send; its third packet in a row is heard");
        assert_eq!((bench.hear("203.0.113.7:31000", 100), bench.sends_to()), (0, "192.0.2.1:4000".into()));
    }

    #[test]
    fn a_latched_far_end_that_gets_another_port_is_followed_after_two_seconds() {
        let mut bench = Bench::new("10.0.0.5:4000");
        bench.wait(600);
        bench.hear("203.0.113.7:31000", 10);
        assert_eq!(bench.hear("203.0.113.7:32000", 50), 0);
        bench.wait(1_000);
        assert_eq!((bench.hear("203.0.113.7:32000", 5), bench.sends_to()), (3, "203.0.113.7:32000".into()));
    }

    #[test]
    fn what_is_no_stream_of_this_call_is_not_believed() {
        let mut bench = Bench::new("10.0.0.5:4000");
        bench.wait(600);
        assert!((0..10).all(|_| !bench.one("203.0.113.7:31000", 96)), "a payload type that nobody agreed on");
        // Two strangers at once, and one who repeats himself.
        for _ in 0..10 {
            assert_eq!(bench.hear("203.0.113.8:1", 1) + bench.hear("203.0.113.9:1", 1), 0);
        }
        for _ in 0..10 {
            bench.sequences.insert(at("203.0.113.10:1"), 7);
            assert_eq!(bench.hear("203.0.113.10:1", 1), 0);
        }
        assert_eq!(bench.sends_to(), "10.0.0.5:4000");
        let mut held = Bench::new("0.0.0.0:4000");
        held.wait(600);
        assert_eq!((held.hear("203.0.113.7:31000", 100), held.sends_to()), (0, String::new()), "on hold, the old way");
    }
}
