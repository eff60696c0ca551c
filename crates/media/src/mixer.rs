//! The sum of everything heard at once, kept within bounds, and the meters.

use crate::{BLOCK, Block};

/// Peaks are brought down to this.
const CEILING: f32 = 0.98;
/// Release: 0.15 s to come back half way.
const RELEASE: f32 = 0.045;
/// Samples over which the gain comes down.
const ATTACK: usize = 48;
/// Levels a second, per second of 100 ticks.
const LEVELS_PER_SECOND: u32 = 15;

/// Adds `sound` to `mix`.
pub(crate) fn add(mix: &mut Block, sound: &Block) {
    for (sum, sample) in mix.iter_mut().zip(sound) {
        *sum += sample;
    }
}

/// Keeps a sum below full scale by its gain, not by clipping; a sum that fits is not touched.
pub(crate) struct Limiter {
    gain: f32,
}

impl Limiter {
    pub(crate) fn new() -> Self {
        Self { gain: 1.0 }
    }

    pub(crate) fn process(&mut self, block: &mut Block) {
        let peak = peak(block);
        let allowed = if peak > CEILING { CEILING / peak } else { 1.0 };
        let (from, to) = (self.gain, allowed.min(self.gain + (1.0 - self.gain) * RELEASE));
        // Close enough: untouched from here on.
        let to = if to > 0.999 { 1.0 } else { to };
        self.gain = to;
        if from == 1.0 && to == 1.0 {
            return;
        }
        let length = if to < from { ATTACK } else { BLOCK };
        for (n, sample) in block.iter_mut().enumerate() {
            let share = ((n + 1) as f32 / length as f32).min(1.0);
            *sample = (*sample * (from + (to - from) * share)).clamp(-1.0, 1.0);
        }
    }
}

pub(crate) fn peak(block: &Block) -> f32 {
    block.iter().fold(0.0, |peak, sample| sample.abs().max(peak))
}

/// Peaks of the last 66 ms, 15 times a second.
#[derive(Default)]
pub(crate) struct Meter {
    microphone: f32,
    speaker: f32,
    phase: u32,
}

impl Meter {
    /// The levels (0.0 to 1.0) of microphone and speaker, when it is time.
    pub(crate) fn tick(&mut self, microphone: &Block, speaker: &Block) -> Option<(f32, f32)> {
        self.microphone = self.microphone.max(peak(microphone));
        self.speaker = self.speaker.max(peak(speaker));
        self.phase += LEVELS_PER_SECOND;
        if self.phase < 100 {
            return None;
        }
        let levels = (self.microphone.min(1.0), self.speaker.min(1.0));
        *self = Self { phase: self.phase - 100, ..Self::default() };
        Some(levels)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sine(from: usize, amplitude: f32) -> Block {
        std::array::from_fn(|n| amplitude * ((from + n) as f32 * 0.05).sin())
    }

    #[test]
    fn what_fits_is_not_touched() {
        let mut limiter = Limiter::new();
        for n in 0..10 {
            let mut block = sine(n * BLOCK, 0.95);
            limiter.process(&mut block);
            assert_eq!(block, sine(n * BLOCK, 0.95));
        }
    }

    #[test]
    fn three_loud_voices_stay_within_bounds_and_undistorted() {
        let mut limiter = Limiter::new();
        for n in 0..100 {
            let mut block = sine(n * BLOCK, 2.7);
            limiter.process(&mut block);
            assert!(peak(&block) <= 1.0);
            if n > 0 {
                // A steady gain: the same waveform.
                let gain = block[100] / sine(n * BLOCK, 2.7)[100];
                assert!(block.iter().zip(sine(n * BLOCK, 2.7)).all(|(a, b)| (a - b * gain).abs() < 0.02), "block {n}");
            }
        }
        for _ in 0..200 {
            limiter.process(&mut sine(0, 0.1));
        }
        assert_eq!(limiter.gain, 1.0);
    }

    #[test]
    fn fifteen_levels_a_second() {
        let mut meter = Meter::default();
        let levels: Vec<_> = (0..1_000).filter_map(|_| meter.tick(&[0.5; BLOCK], &[-0.25; BLOCK])).collect();
        assert_eq!(levels.len(), 150);
        assert!(levels.iter().all(|&level| level == (0.5, 0.25)));
    }
}
