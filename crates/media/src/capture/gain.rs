//! Automatic gain: every agent as loud as the next, however the microphone is set. Slow, and only while somebody speaks, so
//! that it is not heard working; noise between the words is not turned up.

use crate::{BLOCK, Block};

/// Speech is brought to this, dB of full scale (mean power while voice).
const TARGET_DB: f32 = -23.0;
/// Within this of the target nothing is done, dB.
const NEAR_DB: f32 = 2.0;
const MOST_DB: f32 = 18.0;
/// Noise is not brought above this, dB.
const NOISE_DB: f32 = -45.0;
const LEAST_DB: f32 = -12.0;
/// Per tick, dB: 3 dB a second up, 10 down.
const UP: f32 = 0.03;
const DOWN: f32 = 0.10;
/// Time constant of the level's measure, in ticks of voice.
const SMOOTHING: f32 = 1.0 / 100.0;

#[derive(Default)]
pub(super) struct Gain {
    /// Level of the voice, dB; `None` until there was some.
    level: Option<f32>,
    db: f32,
}

impl Gain {
    /// `level` is the block's, `floor` that between words, dB.
    pub fn process(&mut self, block: &mut Block, voice: bool, level: f32, floor: Option<f32>) {
        let from = self.db;
        if voice {
            let measured = self.level.map_or(level, |last| last + (level - last) * SMOOTHING);
            self.level = Some(measured);
            let quiet = floor.map_or(MOST_DB, |floor| NOISE_DB - floor);
            let wanted = (TARGET_DB - measured).min(quiet).clamp(LEAST_DB, MOST_DB);
            if (wanted - self.db).abs() > NEAR_DB {
                self.db += (wanted - self.db).clamp(-DOWN, UP);
            }
        }
        if from == 0.0 && self.db == 0.0 {
            return;
        }
        let (from, to) = (factor(from), factor(self.db));
        for (n, sample) in block.iter_mut().enumerate() {
            *sample *= from + (to - from) * ((n + 1) as f32 / BLOCK as f32);
        }
    }
}

fn factor(db: f32) -> f32 {
    10f32.powf(db / 20.0)
}
