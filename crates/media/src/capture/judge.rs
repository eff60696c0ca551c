//! Whether a recording of somebody speaking is fit for customers: loud enough, not distorted, not drowned in noise.
//!
//! The level of every 10 ms is kept. Speech is what lies near the loudest of them, noise what lies between the words.

use crate::{Block, mixer::peak};

/// Full scale as converters give it: three samples in a row beyond this are cut off.
const FULL: f32 = 0.985;
/// So many cut-off samples a second are heard.
const MOST_CLIPPED: f32 = 20.0;
/// Nothing is connected, or a switch on the headset is off, below this peak (-66 dB).
const SILENT_PEAK: f32 = 0.000_5;
/// Softer speech than this is hard to follow even after gain control, dB.
const QUIET_DB: f32 = -42.0;
/// Speech less than this above the noise is tiring to listen to, dB.
const NOISY_DB: f32 = 15.0;
/// Blocks within this of the loud ones are speech, dB.
const SPEECH_RANGE_DB: f32 = 15.0;
/// The level of digital silence, dB.
const FLOOR_DB: f32 = -100.0;

/// What is to be said, the gravest first.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Finding {
    Good,
    /// Nothing comes at all.
    Silent,
    Clipping,
    TooQuiet,
    Noisy,
}

#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Verdict {
    pub finding: Finding,
    /// dB of full scale, at least -100.
    pub speech_db: f32,
    pub noise_db: f32,
    /// 0.0 to 1.0.
    pub peak: f32,
}

/// Listens to a recording block by block.
pub struct Judge {
    levels: Vec<f32>,
    peak: f32,
    clipping: Clipping,
    clipped: u64,
}

impl Judge {
    /// For at most `blocks` blocks; room for them is taken here.
    pub fn new(blocks: usize) -> Self {
        Self { levels: Vec::with_capacity(blocks), peak: 0.0, clipping: Clipping::default(), clipped: 0 }
    }

    pub fn hear(&mut self, block: &Block) {
        if self.levels.len() < self.levels.capacity() {
            self.levels.push(level_db(block));
            self.peak = self.peak.max(peak(block)).min(1.0);
            self.clipped += u64::from(self.clipping.count(block));
        }
    }

    pub fn verdict(mut self) -> Verdict {
        self.levels.sort_by(f32::total_cmp);
        let at = |share: f32| self.levels.get((self.levels.len() as f32 * share) as usize).copied().unwrap_or(FLOOR_DB);
        let (noise_db, loud) = (at(0.1), at(0.95));
        let speech = self.levels.iter().filter(|level| **level > loud - SPEECH_RANGE_DB);
        let (sum, count) = speech.fold((0.0, 0), |(sum, n), level| (sum + 10f32.powf(level / 10.0), n + 1));
        let speech_db = if count == 0 { FLOOR_DB } else { 10.0 * (sum / count as f32).log10() };
        let seconds = self.levels.len().max(1) as f32 / 100.0;
        let finding = if self.peak < SILENT_PEAK {
            Finding::Silent
        } else if self.clipped as f32 / seconds > MOST_CLIPPED {
            Finding::Clipping
        } else if speech_db < QUIET_DB {
            Finding::TooQuiet
        } else if speech_db - noise_db < NOISY_DB {
            Finding::Noisy
        } else {
            Finding::Good
        };
        Verdict { finding, speech_db, noise_db, peak: self.peak }
    }
}

/// Counts samples that were cut off: runs at full scale.
#[derive(Clone, Copy, Default)]
pub(crate) struct Clipping {
    run: u32,
}

impl Clipping {
    /// How many of the block's samples are the third or a later one of such a run.
    pub(crate) fn count(&mut self, block: &Block) -> u32 {
        let mut clipped = 0;
        for sample in block {
            self.run = if sample.abs() >= FULL { self.run + 1 } else { 0 };
            clipped += u32::from(self.run >= 3);
        }
        clipped
    }
}

/// Mean power, dB of full scale.
pub(crate) fn level_db(block: &Block) -> f32 {
    let power = block.iter().map(|sample| sample * sample).sum::<f32>() / block.len() as f32;
    (10.0 * power.max(1e-10).log10()).max(FLOOR_DB)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::BLOCK;

    /// Words of 0.3 s with pauses of 0.2 s between, in noise, for five seconds.
    fn spoken(voice: f32, noise: f32) -> Verdict {
        let mut judge = Judge::new(500);
        let mut seed = 7u32;
        for tick in 0..500usize {
            let block: Block = std::array::from_fn(|n| {
                seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                let hiss = ((seed >> 8) as f32 / (1 << 24) as f32 - 0.5) * 2.0 * noise;
                let word = if tick % 50 < 30 { voice } else { 0.0 };
                (word * ((tick * BLOCK + n) as f32 * 0.02).sin() + hiss).clamp(-1.0, 1.0)
            });
            judge.hear(&block);
        }
        judge.verdict()
    }

    #[test]
    fn each_fault_is_found() {
        for (voice, noise, expected) in [
            (0.2, 0.001, Finding::Good),
            (0.05, 0.002, Finding::Good),
            (0.0, 0.0, Finding::Silent),
            (0.0, 0.000_3, Finding::Silent),
            (3.0, 0.001, Finding::Clipping),
            (0.005, 0.000_2, Finding::TooQuiet),
            (0.1, 0.05, Finding::Noisy),
            (0.0, 0.1, Finding::Noisy),
        ] {
            let verdict = spoken(voice, noise);
            assert_eq!(verdict.finding, expected, "voice {voice}, noise {noise}: {verdict:?}");
        }
    }

    #[test]
    fn levels_are_true() {
        let verdict = spoken(0.2, 0.002);
        // a sine's power is half the square of its amplitude; a uniform hiss's a third
        assert!((verdict.speech_db - 10.0 * (0.02f32).log10()).abs() < 0.3, "{verdict:?}");
        assert!((verdict.noise_db - 10.0 * (0.000_004f32 / 3.0).log10()).abs() < 1.0, "{verdict:?}");
        assert!((verdict.peak - 0.2).abs() < 0.01);
    }

    #[test]
    fn nothing_heard_is_silence() {
        assert_eq!(Judge::new(10).verdict().finding, Finding::Silent);
    }
}
