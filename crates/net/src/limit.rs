//! How much of the network's talk is listened to: a token bucket for each source of datagrams, so that whoever floods
//! the port is not heard for long, and costs no call. Pure: time is an argument.
//!
//! ```text
//! the account's own PBX  ── OWN ──────────────────> agent
//! anybody else ── STRANGER, one each ── STRANGERS ─> agent
//! ```
//!
//! What is over the limit is dropped unread, as the network may do with any datagram; SIP over UDP repeats itself.
//! Streams need none of this: we open them ourselves, and a full queue slows their sender down.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr, SocketAddr},
    time::Instant,
};

/// A rate, and how much may come at once.
#[derive(Clone, Copy, Debug)]
struct Limit {
    per_second: f64,
    burst: f64,
}

/// A call takes about ten datagrams of its PBX, in the worst case all within a second: a hundred calls that begin and
/// end together are 1,000.
const OWN: Limit = Limit { per_second: 2_000.0, burst: 4_000.0 };
/// A phone in the neighbourhood (kind `Direct`), or another server of the PBX: ten calls a second for ever, a hundred
/// at once.
const STRANGER: Limit = Limit { per_second: 100.0, burst: 1_000.0 };
/// All of them together, since a source address is easily forged.
const STRANGERS: Limit = Limit { per_second: 1_000.0, burst: 4_000.0 };
/// Sources that are remembered. More are a flood with forged addresses: who is longest silent is forgotten.
const MAX_SOURCES: usize = 1_000;

#[derive(Debug)]
struct Bucket {
    limit: Limit,
    tokens: f64,
    filled: Instant,
}

impl Bucket {
    fn full(limit: Limit, now: Instant) -> Self {
        Bucket { limit, tokens: limit.burst, filled: now }
    }

    fn take(&mut self, now: Instant) -> bool {
        let elapsed = now.saturating_duration_since(self.filled).as_secs_f64();
        self.tokens = (self.tokens + elapsed * self.limit.per_second).min(self.limit.burst);
        self.filled = self.filled.max(now);
        let taken = self.tokens >= 1.0;
        if taken {
            self.tokens -= 1.0;
        }
        taken
    }
}

/// The limits of one socket.
#[derive(Debug)]
pub struct Limiter {
    /// The PBX's addresses.
    own: Vec<IpAddr>,
    of_own: Bucket,
    of_strangers: Bucket,
    sources: HashMap<IpAddr, Bucket>,
}

impl Limiter {
    pub fn new(own: &[SocketAddr], now: Instant) -> Self {
        Limiter {
            own: own.iter().map(|addr| addr.ip().to_canonical()).collect(),
            of_own: Bucket::full(OWN, now),
            of_strangers: Bucket::full(STRANGERS, now),
            sources: HashMap::new(),
        }
    }

    /// Whether a datagram from there is listened to.
    pub fn admits(&mut self, source: IpAddr, now: Instant) -> bool {
        let source = source.to_canonical();
        if self.own.contains(&source) {
            return self.of_own.take(now);
        }
        let source = neighbourhood(source);
        if let Some(bucket) = self.sources.get_mut(&source) {
            return bucket.take(now) && self.of_strangers.take(now);
        }
        if !self.of_strangers.take(now) {
            return false;
        }
        if self.sources.len() >= MAX_SOURCES {
            self.forget_one();
        }
        self.sources.entry(source).or_insert_with(|| Bucket::full(STRANGER, now)).take(now)
    }

    fn forget_one(&mut self) {
        if let Some(silent) = self.sources.iter().min_by_key(|(_, bucket)| bucket.filled).map(|(source, _)| *source) {
            self.sources.remove(&silent);
        }
    }
}

/// One host of IPv6 has a whole /64 to itself.
fn neighbourhood(source: IpAddr) -> IpAddr {
    match source {
        IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & !u128::from(u64::MAX))),
        v4 => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn ip(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    /// How many of `count` datagrams at `now` are listened to.
    fn admitted(limiter: &mut Limiter, source: &str, count: usize, now: Instant) -> usize {
        (0..count).filter(|_| limiter.admits(ip(source), now)).count()
    }

    fn limiter(now: Instant) -> Limiter {
        Limiter::new(&["[::ffff:192.0.2.1]:5060".parse().expect("an address")], now)
    }

    #[test]
    fn a_flood_is_cut_and_harms_neither_the_pbx_nor_other_phones() {
        let now = Instant::now();
        let mut limiter = limiter(now);
        assert_eq!(admitted(&mut limiter, "203.0.113.1", 20_000, now), 1_000);
        assert_eq!(admitted(&mut limiter, "203.0.113.2", 100, now), 100, "another phone");
        assert_eq!(admitted(&mut limiter, "192.0.2.1", 1_000, now), 1_000, "a hundred calls at once");
        let later = now + Duration::from_millis(100);
        assert_eq!(admitted(&mut limiter, "203.0.113.1", 20_000, later), 10, "a trickle");
        assert_eq!(admitted(&mut limiter, "203.0.113.1", 20_000, later + Duration::from_secs(3600)), 1_000);
    }

    #[test]
    fn the_pbx_may_say_a_thousand_things_a_second_for_ever() {
        let start = Instant::now();
        let mut limiter = limiter(start);
        for second in 0..60 {
            let now = start + Duration::from_secs(second);
            assert_eq!(admitted(&mut limiter, "192.0.2.1", 1_000, now), 1_000, "in second {second}");
        }
        let now = start + Duration::from_secs(60);
        assert_eq!(admitted(&mut limiter, "192.0.2.1", 100_000, now), 4_000, "but a forged flood is cut too");
    }

    #[test]
    fn forged_sources_are_limited_together_and_take_no_memory() {
        let now = Instant::now();
        let mut limiter = limiter(now);
        let heard = (0..100_000u32).filter(|n| limiter.admits(IpAddr::V4((*n).into()), now)).count();
        assert_eq!((heard, limiter.sources.len()), (4_000, MAX_SOURCES));
        assert!(limiter.admits(ip("192.0.2.1"), now), "the PBX is still heard");
        let now = now + Duration::from_secs(1);
        let heard = (0..10_000u128).filter(|n| limiter.admits(IpAddr::V6((*n).into()), now)).count();
        assert_eq!(heard, 1_000, "all of one /64 is one host, and there were strangers before");
    }

    #[test]
    fn a_clock_that_stands_still_or_goes_back_gives_nothing() {
        let now = Instant::now();
        let mut limiter = limiter(now + Duration::from_secs(10));
        assert_eq!(admitted(&mut limiter, "203.0.113.1", 2_000, now + Duration::from_secs(10)), 1_000);
        assert_eq!(admitted(&mut limiter, "203.0.113.1", 2_000, now), 0);
    }
}
