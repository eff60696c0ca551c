//! Whether the computer, or this process, has slept: whoever looks every second and finds that many have passed. On some
//! systems the clock of `Instant` stands still in a sleep, on others it runs on; the wall's shows it on all.

use std::time::{Duration, Instant, SystemTime};

/// A pause of so long is no sleep: the machine may be busy.
const LEAST: Duration = Duration::from_secs(15);

#[derive(Debug)]
pub struct Sleep {
    last: (Instant, SystemTime),
}

impl Sleep {
    pub fn new(mono: Instant, wall: SystemTime) -> Sleep {
        Sleep { last: (mono, wall) }
    }

    /// Asked every second. A wall clock that is set forward looks the same; it costs a registration.
    pub fn woke(&mut self, mono: Instant, wall: SystemTime) -> bool {
        let (mono_before, wall_before) = std::mem::replace(&mut self.last, (mono, wall));
        // Set back, it says nothing.
        let passed = wall.duration_since(wall_before).unwrap_or_default();
        passed.max(mono.saturating_duration_since(mono_before)) > LEAST
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sleep_shows_on_either_clock() {
        let (mono, wall) = (Instant::now(), SystemTime::now());
        let second = Duration::from_secs(1);
        let hour = second * 3600;
        let mut sleep = Sleep::new(mono, wall);
        assert!(!sleep.woke(mono + second, wall + second));
        assert!(sleep.woke(mono + second * 2, wall + hour), "the monotonic clock stood still");
        assert!(!sleep.woke(mono + second * 3, wall + hour + second));
        assert!(sleep.woke(mono + hour, wall + hour * 2), "both ran on");
        assert!(!sleep.woke(mono + hour + second, wall), "somebody set the clock back");
        assert!(!sleep.woke(mono + hour + second * 2, wall + second));
    }
}
