//! The media thread's clock: absolute deadlines of 10 ms.

use std::time::{Duration, Instant};

pub(crate) const TICK: Duration = Duration::from_millis(10);
/// Behind by more, the missed ticks are not made up: the system slept, or is far too slow to catch up.
const TOO_LATE: Duration = Duration::from_millis(100);

pub(crate) struct TickClock {
    next: Instant,
    /// Ticks that began more than a tick late, and ticks that were left out.
    pub late: u64,
    pub skipped: u64,
}

impl TickClock {
    pub fn new(now: Instant) -> Self {
        Self { next: now, late: 0, skipped: 0 }
    }

    /// How long until the next tick; zero when it is due.
    pub fn wait(&self, now: Instant) -> Duration {
        self.next.saturating_duration_since(now)
    }

    /// Takes the tick that is due: afterwards the next one counts.
    pub fn take(&mut self, now: Instant) {
        let behind = now.saturating_duration_since(self.next);
        if behind > TICK {
            self.late += 1;
        }
        if behind > TOO_LATE {
            self.skipped += (behind.as_nanos() / TICK.as_nanos()) as u64;
            self.next = now;
        }
        self.next += TICK;
    }

    /// Begins anew at `now`, after a pause that was meant.
    pub fn restart(&mut self, now: Instant) {
        self.next = now;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deadlines_are_absolute() {
        let start = Instant::now();
        let mut clock = TickClock::new(start);
        clock.take(start + Duration::from_millis(3));
        assert_eq!(clock.wait(start + Duration::from_millis(3)), Duration::from_millis(7));
        clock.take(start + Duration::from_millis(10));
        assert_eq!((clock.wait(start + Duration::from_millis(12)), clock.late), (Duration::from_millis(8), 0));
    }

    #[test]
    fn a_short_delay_is_caught_up_with() {
        let start = Instant::now();
        let mut clock = TickClock::new(start);
        let now = start + Duration::from_millis(45);
        let mut ticks = 0;
        while clock.wait(now).is_zero() {
            clock.take(now);
            ticks += 1;
        }
        assert_eq!((ticks, clock.skipped), (5, 0));
    }

    #[test]
    fn a_suspended_computer_does_not_play_the_night_back() {
        let start = Instant::now();
        let mut clock = TickClock::new(start);
        let morning = start + Duration::from_secs(8 * 3600);
        let mut ticks = 0;
        while clock.wait(morning).is_zero() {
            clock.take(morning);
            ticks += 1;
        }
        assert_eq!((ticks, clock.skipped), (1, 8 * 3600 * 100));
        assert_eq!(clock.wait(morning), TICK);
    }
}
