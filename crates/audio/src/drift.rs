//! Keeps a ring's delay at its target although the device's clock and ours differ: a slow loop that steers a resampler.
//!
//! The delay is measured as if the device took or gave samples one by one and not in buffers (see `ring.rs`), so it is
//! smooth, and the loop can be slow: it settles within 20 s and moves the pitch by parts per million. Where its margin
//! proves too thin (a callback came late), the margin grows, and shrinks again when nothing happens for long.

/// What is held beyond the bare minimum, seconds, against the scheduling of two threads.
const MARGIN: f64 = 0.003;
const MARGIN_MOST: f64 = 0.040;
const MARGIN_STEP: f64 = 0.002;
/// After this long without a gap, the margin shrinks by `MARGIN_SHRINK` a second.
const QUIET_SECONDS: f64 = 10.0;
const MARGIN_SHRINK: f64 = 0.0002;

/// The loop's gains, for a delay error in seconds: critically damped, time constant 20 s.
const PROPORTIONAL: f64 = 0.1;
const INTEGRAL: f64 = PROPORTIONAL * PROPORTIONAL / 4.0;
/// Time constant of the error's low pass, seconds.
const SMOOTHING: f64 = 1.0;
/// Fastest steering: 0.2 %, three cents. Sound cards are within 0.02 %.
const STEER_MOST: f64 = 0.002;
/// Farther off than this the loop would take too long: samples are dropped or silence is put in.
pub(crate) const ALIGN_BEYOND: f64 = 0.015;

pub(crate) struct Drift {
    margin: f64,
    quiet: f64,
    smoothed: Option<f64>,
    integral: f64,
}

impl Default for Drift {
    fn default() -> Self {
        Self { margin: MARGIN, quiet: 0.0, smoothed: None, integral: 0.0 }
    }
}

impl Drift {
    /// Seconds to be held beyond the bare minimum.
    pub fn margin(&self) -> f64 {
        self.margin
    }

    /// The delay is `error` seconds longer than it should be, `elapsed` seconds after the last time. Gives the speed at
    /// which the ring is to be emptied, or filled more slowly: above 1.0 while the delay is too long.
    pub fn steer(&mut self, error: f64, elapsed: f64) -> f64 {
        self.quiet += elapsed;
        if self.quiet > QUIET_SECONDS {
            self.margin = (self.margin - MARGIN_SHRINK * elapsed).max(MARGIN);
        }
        let smoothed = self.smoothed.map_or(error, |last| last + (error - last) * (elapsed / SMOOTHING).min(1.0));
        self.smoothed = Some(smoothed);
        self.integral = (self.integral + INTEGRAL * smoothed * elapsed).clamp(-STEER_MOST, STEER_MOST);
        1.0 + (PROPORTIONAL * smoothed + self.integral).clamp(-STEER_MOST, STEER_MOST)
    }

    /// The margin was too thin: sound had a gap.
    pub fn gap(&mut self) {
        self.margin = (self.margin + MARGIN_STEP).min(MARGIN_MOST);
        self.quiet = 0.0;
        self.smoothed = None;
    }

    /// The delay was set right at once; what is known of the clocks stays.
    pub fn aligned(&mut self) {
        self.smoothed = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_other_clock_and_holds_the_delay() {
        let mut drift = Drift::default();
        // the device is 200 ppm fast, and starts 8 ms off
        let (mut error, mut speed) = (0.008, 1.0);
        for tick in 0..12_000 {
            error += 0.01 * (200e-6 - (speed - 1.0));
            // half a millisecond of noise
            let noise = 0.0005 * if tick % 2 == 0 { 1.0 } else { -1.0 };
            speed = drift.steer(error + noise, 0.01);
        }
        assert!(error.abs() < 50e-6, "{error}");
        assert!((speed - 1.0 - 200e-6).abs() < 10e-6, "{speed}");
    }

    #[test]
    fn the_margin_grows_with_gaps_and_shrinks_when_all_is_well() {
        let mut drift = Drift::default();
        for _ in 0..100 {
            drift.gap();
        }
        assert_eq!(drift.margin(), MARGIN_MOST);
        for _ in 0..30_000 {
            drift.steer(0.0, 0.01);
        }
        assert_eq!(drift.margin(), MARGIN);
    }
}
