//! Time as the engine counts it: samples for the jitter buffer, NTP format for RTCP, both from the caller's `Instant`s.

use crate::SAMPLE_RATE;
use std::time::{Duration, Instant};

/// Seconds from the NTP epoch (1900) to the Unix epoch (RFC 5905 figure 4).
const NTP_TO_UNIX: u64 = 2_208_988_800;

/// Where time is counted from.
#[derive(Clone, Copy)]
pub(crate) struct Clock {
    origin: Instant,
    /// NTP time stamp of the origin.
    ntp: u64,
}

impl Clock {
    /// Counts NTP time from `origin`. Not from zero: a zero time stamp means "none" in a report block.
    pub(crate) fn new(origin: Instant) -> Self {
        Self { origin, ntp: 1 << 32 }
    }

    /// `since_unix_epoch` is what the wall clock showed at `now`.
    pub(crate) fn set_wall_clock(&mut self, now: Instant, since_unix_epoch: Duration) {
        let at_now = to_ntp(since_unix_epoch).wrapping_add(NTP_TO_UNIX << 32);
        self.ntp = at_now.wrapping_sub(to_ntp(self.since(now)));
    }

    fn since(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.origin)
    }

    /// Samples since the origin.
    pub(crate) fn samples(&self, now: Instant) -> i64 {
        (self.since(now).as_nanos() * u128::from(SAMPLE_RATE) / 1_000_000_000) as i64
    }

    /// NTP time stamp, 32.32.
    pub(crate) fn ntp(&self, now: Instant) -> u64 {
        self.ntp.wrapping_add(to_ntp(self.since(now)))
    }
}

fn to_ntp(duration: Duration) -> u64 {
    (duration.as_secs() << 32).wrapping_add((u64::from(duration.subsec_nanos()) << 32) / 1_000_000_000)
}

/// The middle 32 bits, as report blocks carry them: 1/65536 s.
pub(crate) fn middle(ntp: u64) -> u32 {
    (ntp >> 16) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wall_clock_is_shown_in_ntp_time() {
        let origin = Instant::now();
        let mut clock = Clock::new(origin);
        let later = origin + Duration::from_millis(1_500);
        assert_eq!(clock.ntp(later) - clock.ntp(origin), (1 << 32) + (1 << 31));
        clock.set_wall_clock(later, Duration::from_secs(1_000));
        assert_eq!(clock.ntp(later) >> 32, NTP_TO_UNIX + 1_000);
        assert_eq!(clock.samples(later), 72_000);
    }
}
