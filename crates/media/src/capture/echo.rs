//! The loudspeaker's echo in the microphone: is there one, and if so, out with it (AEC3 of WebRTC, by `sonora`).
//!
//! An echo repeats the ups and downs of what is played, some time later: for each delay up to 400 ms, the levels of 10 ms
//! each of speaker and microphone are correlated over the last seconds of sound. Where they agree at no delay, a headset is
//! worn; cancelling would then only cost delay and, while both speak, some of the near voice.
//!
//! Unknown devices are cancelled from the first sound on, until it is plain that nothing comes back; headsets are not, until
//! something does.

use super::{EchoMode, judge::level_db};
use crate::{BLOCK, Block, SAMPLE_RATE};
use sonora::{AudioProcessing, Config, StreamConfig, config::EchoCanceller};

/// Delays that are looked at, ticks.
const LAGS: usize = 40;
/// Ticks that the correlation remembers, and that have to be heard before it counts.
const MEMORY: f32 = 300.0;
const ENOUGH: u32 = 150;
/// More correlation than the first is an echo, less than the second at every delay, for `SURE` ticks of sound, is none.
const ECHO: f32 = 0.65;
const NONE: f32 = 0.45;
const SURE: u32 = 400;
/// Played sound above this can come back, dB; what comes back below the other one nobody hears.
const PLAYED_DB: f32 = -50.0;
const FLOOR_DB: f32 = -65.0;
/// Nobody speaks into the microphone below this, dB.
const QUIET_DB: f32 = -50.0;

#[derive(Clone, Copy, Default)]
struct Sums {
    x: f32,
    xx: f32,
    xy: f32,
}

/// Correlates levels.
struct Detector {
    /// Levels of what was played, the latest at `at`.
    played: [f32; LAGS],
    at: usize,
    sums: [Sums; LAGS],
    y: f32,
    yy: f32,
    weight: f32,
    heard: u32,
}

impl Default for Detector {
    fn default() -> Self {
        Self { played: [FLOOR_DB; LAGS], at: 0, sums: [Sums::default(); LAGS], y: 0.0, yy: 0.0, weight: 0.0, heard: 0 }
    }
}

impl Detector {
    fn played(&mut self, level: f32) {
        self.at = (self.at + 1) % LAGS;
        self.played[self.at] = level.max(FLOOR_DB);
    }

    /// The highest correlation, once enough was heard.
    fn captured(&mut self, level: f32) -> Option<f32> {
        // In silence there is nothing to learn.
        if !self.played.iter().any(|played| *played > PLAYED_DB) {
            return None;
        }
        let y = level.max(FLOOR_DB) - FLOOR_DB;
        let keep = 1.0 - 1.0 / MEMORY;
        self.weight = self.weight * keep + 1.0;
        self.y = self.y * keep + y;
        self.yy = self.yy * keep + y * y;
        for (lag, sums) in self.sums.iter_mut().enumerate() {
            let x = self.played[(self.at + LAGS - lag) % LAGS] - FLOOR_DB;
            sums.x = sums.x * keep + x;
            sums.xx = sums.xx * keep + x * x;
            sums.xy = sums.xy * keep + x * y;
        }
        self.heard = self.heard.saturating_add(1);
        (self.heard >= ENOUGH).then(|| self.best())
    }

    fn best(&self) -> f32 {
        let n = self.weight;
        // A variance below 1 dB² is a steady noise, or nothing.
        let spread = |sum: f32, squares: f32| (squares / n - (sum / n).powi(2)).max(0.0);
        let of_y = spread(self.y, self.yy);
        let correlation = |sums: &Sums| {
            let of_x = spread(sums.x, sums.xx);
            if of_x < 1.0 || of_y < 1.0 {
                return 0.0;
            }
            (sums.xy / n - sums.x / n * (self.y / n)) / (of_x * of_y).sqrt()
        };
        self.sums.iter().map(correlation).fold(0.0, f32::max)
    }
}

#[derive(Default)]
pub(super) struct Echo {
    detector: Detector,
    canceller: Option<Box<AudioProcessing>>,
    /// Ticks for which no echo was heard although there could have been.
    without: u32,
    found: bool,
    /// There is none, as far as is known.
    none: bool,
    /// Level of the microphone: the canceller goes, with its delay, where nobody speaks.
    level: f32,
}

impl Echo {
    pub fn new(headset: bool) -> Self {
        Self { none: headset, ..Self::default() }
    }

    pub fn played(&mut self, speaker: &Block, mode: EchoMode) {
        let level = level_db(speaker);
        self.detector.played(level);
        let sounds = level > PLAYED_DB;
        let wanted = match mode {
            EchoMode::Off => false,
            EchoMode::On => true,
            EchoMode::Auto if self.canceller.is_some() => !self.none || self.level > QUIET_DB,
            EchoMode::Auto => !self.none && sounds,
        };
        match (&self.canceller, wanted) {
            (None, true) => self.canceller = Some(Box::new(canceller())),
            (Some(_), false) => self.canceller = None,
            _ => {}
        }
        if let Some(canceller) = &mut self.canceller {
            // The library errs on wrong lengths only.
            let _ = canceller.process_render_f32(&[speaker], &mut [&mut [0.0; BLOCK]]);
        }
    }

    /// In place; whether the canceller works.
    pub fn captured(&mut self, block: &mut Block, mode: EchoMode) -> bool {
        self.level = level_db(block);
        if mode == EchoMode::Auto
            && let Some(correlation) = self.detector.captured(self.level)
        {
            self.judge(correlation);
        }
        let Some(canceller) = &mut self.canceller else { return false };
        let mut clean = [0.0; BLOCK];
        if canceller.process_capture_f32(&[&*block], &mut [&mut clean]).is_ok() {
            *block = clean;
        }
        true
    }

    fn judge(&mut self, correlation: f32) {
        if correlation > ECHO {
            self.found = true;
            self.none = false;
        } else if correlation < NONE && !self.found {
            // Once there was an echo, a voice that covers it says nothing.
            self.without += 1;
            self.none |= self.without > SURE;
        }
    }
}

fn canceller() -> AudioProcessing {
    let stream = StreamConfig::new(SAMPLE_RATE, 1);
    let config = Config { echo_canceller: Some(EchoCanceller::default()), ..Config::default() };
    AudioProcessing::builder().config(config).capture_config(stream).render_config(stream).build()
}
