//! From the microphone to the encoder: what is done with the sound of a voice, 10 ms at a time, and what is noticed of it.
//!
//! ```text
//! microphone ─┬─ high-pass ─ echo canceller ─ noise suppression ─ gain ─ limiter ─> engine
//!             ├─ clipping, level            (each while it is needed)
//! speaker ────┴─ is there an echo?
//! ```
//!
//! Every part costs something: delay (echo canceller 9 ms, noise suppression 10 ms), CPU, or the clarity of a clean voice. So
//! each works while it is needed only: the echo canceller while an echo is heard, noise suppression while there is noise.
//!
//! A tick allocates nothing, but for the echo canceller, whose library does.

mod echo;
mod gain;
mod judge;
mod noise;
mod speech;

pub use judge::{Finding, Judge, Verdict};

use crate::{Block, SAMPLE_RATE, mixer::Limiter};
use echo::Echo;
use gain::Gain;
use judge::{Clipping, level_db};
use noise::Noise;
use speech::{Floor, Speech};
use std::f32::consts::TAU;

/// When the echo of the loudspeaker is taken out.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum EchoMode {
    #[default]
    Auto,
    On,
    Off,
}

/// Which parts may work.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CaptureConfig {
    pub high_pass: bool,
    pub noise_suppression: bool,
    pub automatic_gain: bool,
    /// Peaks beyond full scale are brought down by gain, not cut off.
    pub limiter: bool,
    pub echo: EchoMode,
}

impl Default for CaptureConfig {
    fn default() -> Self {
        Self { high_pass: true, noise_suppression: true, automatic_gain: true, limiter: true, echo: EchoMode::Auto }
    }
}

impl CaptureConfig {
    /// Nothing is done with the sound.
    pub fn raw() -> Self {
        Self { high_pass: false, noise_suppression: false, automatic_gain: false, limiter: false, echo: EchoMode::Off }
    }
}

/// What was noticed of the microphone's sound.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Noticed {
    /// Somebody has been speaking for half a second, or was until a few seconds ago.
    pub speaking: bool,
    /// It is so loud that it distorts; once, and again after ten seconds at the earliest.
    pub clipping: bool,
    /// The echo canceller works.
    pub cancelling: bool,
    /// Noise suppression works.
    pub suppressing: bool,
}

/// The chain, with all that its parts remember.
pub struct Capture {
    config: CaptureConfig,
    high_pass: HighPass,
    echo: Echo,
    noise: Noise,
    gain: Gain,
    limiter: Limiter,
    clipping: Clipping,
    overload: Overload,
    floor: Floor,
    speech: Speech,
}

impl Default for Capture {
    fn default() -> Self {
        Self::new()
    }
}

impl Capture {
    pub fn new() -> Self {
        Self {
            config: CaptureConfig::default(),
            high_pass: HighPass::default(),
            echo: Echo::default(),
            noise: Noise::new(),
            gain: Gain::default(),
            limiter: Limiter::new(),
            clipping: Clipping::default(),
            overload: Overload::default(),
            floor: Floor::default(),
            speech: Speech::default(),
        }
    }

    pub fn configure(&mut self, config: CaptureConfig) {
        self.config = config;
    }

    /// Another microphone or speaker: what was learnt of echo, noise and level is void. `headset`: its name says that it
    /// is one, so there is no echo until one is heard.
    pub fn moved(&mut self, headset: bool) {
        self.echo = Echo::new(headset);
        self.floor = Floor::default();
        self.gain = Gain::default();
    }

    /// What is played in this tick, before the microphone's next block is processed.
    pub fn played(&mut self, speaker: &Block) {
        self.echo.played(speaker, self.config.echo);
    }

    /// 10 ms of the microphone, in place. What is not finite in it, a driver's fault, is silence.
    pub fn process(&mut self, block: &mut Block) -> Noticed {
        for sample in block.iter_mut().filter(|sample| !sample.is_finite()) {
            *sample = 0.0;
        }
        let clipping = self.overload.tick(self.clipping.count(block));
        if self.config.high_pass {
            self.high_pass.process(block);
        }
        let cancelling = self.echo.captured(block, self.config.echo);
        let level = level_db(block);
        let floor = self.floor.tick(level);
        let heard = self.noise.process(block, self.config.noise_suppression, floor);
        let voice = heard.map_or(speech::is_voice(level, floor), |probability| probability > 0.6 && level > -60.0);
        if self.config.automatic_gain {
            // The network leaves little of the noise.
            let floor = floor.map(|floor| if heard.is_some() { floor - 15.0 } else { floor });
            self.gain.process(block, voice, level_db(block), floor);
        }
        if self.config.limiter {
            self.limiter.process(block);
        }
        Noticed { speaking: self.speech.tick(voice), clipping, cancelling, suppressing: heard.is_some() }
    }
}

/// Rumble and handling noise: a Butterworth filter of the second order (RBJ's cookbook, bilinear). Deep voices begin at 80 Hz:
/// with the corner there one loses 0.28 PESQ. Hum is left to the noise suppression.
struct HighPass {
    b: [f32; 3],
    a: [f32; 2],
    x: [f32; 2],
    y: [f32; 2],
}

impl Default for HighPass {
    fn default() -> Self {
        const CORNER_HZ: f32 = 30.0;
        let (sin, cos) = (TAU * CORNER_HZ / SAMPLE_RATE as f32).sin_cos();
        let alpha = sin * std::f32::consts::FRAC_1_SQRT_2;
        let unit = 1.0 + alpha;
        let edge = (1.0 + cos) / 2.0 / unit;
        Self { b: [edge, -2.0 * edge, edge], a: [-2.0 * cos / unit, (1.0 - alpha) / unit], x: [0.0; 2], y: [0.0; 2] }
    }
}

impl HighPass {
    fn process(&mut self, block: &mut Block) {
        for sample in block {
            let fed = self.b[0] * *sample + self.b[1] * self.x[0] + self.b[2] * self.x[1];
            // far below hearing, and keeps denormal numbers out of the filter in silence
            let out = fed - self.a[0] * self.y[0] - self.a[1] * self.y[1] + 1e-20;
            self.x = [*sample, self.x[0]];
            self.y = [out, self.y[0]];
            *sample = out;
        }
    }
}

/// Cut-off samples within the last second, told at most every ten.
#[derive(Default)]
struct Overload {
    recent: f32,
    quiet: u32,
}

impl Overload {
    fn tick(&mut self, clipped: u32) -> bool {
        self.recent = self.recent * 0.99 + clipped as f32;
        self.quiet = self.quiet.saturating_sub(1);
        let told = self.recent > 40.0 && self.quiet == 0;
        if told {
            self.quiet = 1_000;
        }
        told
    }
}

#[cfg(test)]
mod tests;
