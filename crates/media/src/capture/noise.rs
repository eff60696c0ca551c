//! Noise suppression: RNNoise's recurrent network (Valin 2018, by `nnnoiseless`), while there is noise.
//!
//! It delays by 10 ms, and takes a little of a clean voice, so a quiet microphone is left alone. It comes and goes by a
//! cross-fade of one block.

use crate::{BLOCK, Block};
use nnnoiseless::DenoiseState;

/// Noise above this is suppressed, dB of full scale; below the other one for a while, it no longer is.
const NOISY_DB: f32 = -46.0;
const QUIET_DB: f32 = -52.0;
/// Ticks of quiet before it goes.
const PATIENCE: u32 = 1_000;
/// The library works on the scale of 16-bit samples.
const SCALE: f32 = 32_768.0;

pub(super) struct Noise {
    state: Box<DenoiseState<'static>>,
    on: bool,
    quiet: u32,
    input: Block,
    output: Block,
}

impl Noise {
    pub fn new() -> Self {
        let mut state = DenoiseState::new();
        let mut output = [0.0; BLOCK];
        // Its tables are made with the first frame.
        state.process_frame(&mut output, &[0.0; BLOCK]);
        Self { state, on: false, quiet: 0, input: [0.0; BLOCK], output }
    }

    /// In place. `floor`: the level between words, dB. Gives the probability of voice while it works.
    pub fn process(&mut self, block: &mut Block, allowed: bool, floor: Option<f32>) -> Option<f32> {
        self.quiet = if floor.is_none_or(|floor| floor < QUIET_DB) { self.quiet + 1 } else { 0 };
        let before = self.on;
        self.on = allowed && if before { self.quiet < PATIENCE } else { floor.is_some_and(|floor| floor > NOISY_DB) };
        if !before && !self.on {
            return None;
        }
        for (scaled, sample) in self.input.iter_mut().zip(block.iter()) {
            *scaled = sample * SCALE;
        }
        let probability = self.state.process_frame(&mut self.output, &self.input);
        let (from, to) = (f32::from(u8::from(before)), f32::from(u8::from(self.on)));
        for (n, (sample, clean)) in block.iter_mut().zip(&self.output).enumerate() {
            let share = from + (to - from) * ((n + 1) as f32 / BLOCK as f32);
            *sample += (clean / SCALE - *sample) * share;
        }
        self.on.then_some(probability)
    }
}
