//! Loss concealment for G.711 and G.722, of the kind of G.711 Appendix I but without its delay: the last pitch periods are
//! repeated and faded out; when packets come again, the repetition is cross-faded into them.
//!
//! `RATE` is the sample rate in 8 kHz, 1 or 2. Lengths below are at 8 kHz.

/// 50 ms of what was played last.
const HISTORY: usize = 400;
const MOST_RATE: usize = 2;
/// Pitch periods sought: 66 to 400 Hz.
const SHORTEST: usize = 20;
const LONGEST: usize = 120;
/// Window of the correlation: 20 ms.
const WINDOW: usize = 160;
/// At full level for 10 ms, then down to nothing at 60 ms.
const FADE_START: usize = 80;
const FADE_END: usize = 480;
/// Cross-fade back: 4 ms, more after longer losses, at most 10 ms.
const MERGE_SHORTEST: usize = 32;
const MERGE_LONGEST: usize = 80;
/// Over which the jump into the repetition is smoothed.
const ENTRY: usize = 12;

pub(super) struct Concealer<const RATE: usize> {
    /// The last `HISTORY * RATE` are in use.
    history: [f32; HISTORY * MOST_RATE],
    /// The repetition, while packets are missing.
    repetition: Option<Repetition<RATE>>,
}

struct Repetition<const RATE: usize> {
    /// What is repeated: the last samples, a whole number of periods.
    pattern: [f32; 3 * LONGEST * MOST_RATE],
    period: usize,
    /// Where in the pattern we are, from its end backwards: `periods * period` samples are in use.
    periods: usize,
    position: usize,
    produced: usize,
    /// The step between the last sample and the repetition's first.
    jump: f32,
}

impl<const RATE: usize> Default for Concealer<RATE> {
    fn default() -> Self {
        Self { history: [0.0; HISTORY * MOST_RATE], repetition: None }
    }
}

impl<const RATE: usize> Concealer<RATE> {
    /// Sound that came; its beginning is changed if something was missing before.
    pub(super) fn received(&mut self, sound: &mut [f32]) {
        if let Some(mut repetition) = self.repetition.take() {
            let merge = MERGE_SHORTEST * RATE + repetition.produced / 10;
            let merge = merge.min(MERGE_LONGEST * RATE).min(sound.len());
            for (n, sample) in sound[..merge].iter_mut().enumerate() {
                let weight = (n + 1) as f32 / (merge + 1) as f32;
                *sample = *sample * weight + repetition.next() * (1.0 - weight);
            }
        }
        self.remember(sound);
    }

    /// Sound in place of what did not come.
    pub(super) fn lost(&mut self, sound: &mut [f32]) {
        let history = &self.history;
        let repetition = self.repetition.get_or_insert_with(|| Repetition::new(history));
        sound.fill_with(|| repetition.next());
        self.remember(sound);
    }

    fn remember(&mut self, sound: &[f32]) {
        let recent = &sound[sound.len().saturating_sub(self.history.len())..];
        self.history.copy_within(recent.len().., 0);
        let kept = self.history.len() - recent.len();
        self.history[kept..].copy_from_slice(recent);
    }
}

impl<const RATE: usize> Repetition<RATE> {
    fn new(history: &[f32]) -> Self {
        let period = pitch::<RATE>(history);
        let mut pattern = [0.0; 3 * LONGEST * MOST_RATE];
        let end = history.len();
        pattern.copy_from_slice(&history[end - 3 * LONGEST * MOST_RATE..]);
        let jump = history[end - 1] - history[end - 1 - period];
        Self { pattern, period, periods: 1, position: 0, produced: 0, jump }
    }

    fn next(&mut self) -> f32 {
        let used = self.periods * self.period;
        let mut sample = self.pattern[self.pattern.len() - used + self.position];
        if self.produced < ENTRY * RATE {
            sample += self.jump * (1.0 - self.produced as f32 / (ENTRY * RATE) as f32);
        }
        let fade = ((FADE_END * RATE).saturating_sub(self.produced)) as f32 / ((FADE_END - FADE_START) * RATE) as f32;
        self.produced = self.produced.saturating_add(1);
        self.position += 1;
        if self.position == used {
            self.position = 0;
            // One period again and again buzzes: widen to two, then three (Appendix I does so every 10 ms).
            if self.produced > self.periods * 80 * RATE {
                self.periods = (self.periods + 1).min(3);
            }
        }
        sample * fade.min(1.0)
    }
}

/// The period that the end of the history repeats with, in samples.
fn pitch<const RATE: usize>(history: &[f32]) -> usize {
    let (end, window) = (history.len(), WINDOW * RATE);
    let recent = &history[end - window..];
    let score = |lag: usize| {
        let past = &history[end - window - lag..end - lag];
        let (mut product, mut energy) = (0.0f32, 1e-9f32);
        for (a, b) in recent.iter().zip(past) {
            product += a * b;
            energy += b * b;
        }
        product / energy.sqrt()
    };
    let mut best = (LONGEST * RATE, f32::MIN);
    for lag in SHORTEST * RATE..=LONGEST * RATE {
        let score = score(lag);
        // A little in favour of the shorter: multiples of the period fit as well.
        if score > best.1 * 1.02 {
            best = (lag, score);
        }
    }
    best.0
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A voice-like buzz at 125 Hz: period 64 samples.
    fn buzz(from: usize, length: usize) -> Vec<f32> {
        let wave =
            |n: usize| (1..8).map(move |k| (std::f32::consts::TAU * 125.0 * k as f32 * n as f32 / 8_000.0).sin());
        (from..from + length).map(|n| 0.1 * wave(n).sum::<f32>()).collect()
    }

    fn snr(wanted: &[f32], got: &[f32]) -> f32 {
        let noise: f32 = wanted.iter().zip(got).map(|(a, b)| (a - b).powi(2)).sum();
        10.0 * (wanted.iter().map(|a| a * a).sum::<f32>() / noise.max(1e-12)).log10()
    }

    #[test]
    fn periodic_sound_goes_on_and_merges_back() {
        let mut concealer = Concealer::<1>::default();
        concealer.received(&mut buzz(0, 800));
        let mut gap = vec![0.0; 80];
        concealer.lost(&mut gap);
        assert!(snr(&buzz(800, 80), &gap) > 30.0);
        let mut after = buzz(880, 160);
        concealer.received(&mut after);
        assert!(snr(&buzz(880, 160), &after) > 30.0);
        assert!(concealer.repetition.is_none());
    }

    #[test]
    fn long_losses_fade_to_silence_without_steps() {
        let mut concealer = Concealer::<1>::default();
        concealer.received(&mut buzz(0, 800));
        let mut gap = vec![0.0; 1_600];
        concealer.lost(&mut gap);
        assert!(gap[500..].iter().all(|&x| x == 0.0));
        let steepest = buzz(0, 800).windows(2).map(|w| (w[1] - w[0]).abs()).fold(0.0, f32::max);
        assert!(gap.windows(2).all(|w| (w[1] - w[0]).abs() <= steepest * 1.2));
    }
}
