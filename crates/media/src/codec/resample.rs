//! 8 or 16 kHz to 48 kHz and back: one linear-phase low-pass (Kaiser window), as polyphase branches. 12 samples of the lower rate
//! delay each way: 1.5 or 0.75 ms.

use std::f64::consts::PI;

/// Taps of a branch: the filter has `FACTOR` times 24, and one, so that its centre is on a sample.
const BRANCH: usize = 25;
/// -6 dB point as a share of the lower rate: 3.95 kHz of 8 kHz. Telephone speech to 3.4 kHz stays flat, images above 4.6 kHz are
/// more than 60 dB down; twice that at 16 kHz.
const CUTOFF: f64 = 3_950.0 / 8_000.0;
const KAISER_BETA: f64 = 6.2;

/// Modified Bessel function of the first kind, order 0, by its series.
fn bessel(x: f64) -> f64 {
    let (mut sum, mut term) = (1.0, 1.0);
    for k in 1..40 {
        term *= (x / 2.0 / f64::from(k)).powi(2);
        sum += term;
    }
    sum
}

/// The filter with unit gain at 0 Hz.
fn filter(factor: usize) -> Vec<f32> {
    let centre = (12 * factor) as f64;
    let tap = |n: usize| {
        let t = n as f64 - centre;
        let x = 2.0 * CUTOFF / factor as f64;
        let sinc = if t == 0.0 { x } else { (PI * x * t).sin() / (PI * t) };
        sinc * bessel(KAISER_BETA * (1.0 - (t / centre).powi(2)).max(0.0).sqrt()) / bessel(KAISER_BETA)
    };
    let taps: Vec<f64> = (0..24 * factor + 1).map(tap).collect();
    let sum: f64 = taps.iter().sum();
    taps.iter().map(|tap| (tap / sum) as f32).collect()
}

/// `FACTOR` samples out for each one in.
pub(crate) struct Upsampler<const FACTOR: usize> {
    branches: [[f32; BRANCH]; FACTOR],
    /// The last inputs, newest first.
    history: [f32; BRANCH],
}

impl<const FACTOR: usize> Default for Upsampler<FACTOR> {
    fn default() -> Self {
        let mut branches = [[0.0; BRANCH]; FACTOR];
        for (n, tap) in filter(FACTOR).iter().enumerate() {
            branches[n % FACTOR][n / FACTOR] = tap * FACTOR as f32;
        }
        Self { branches, history: [0.0; BRANCH] }
    }
}

impl<const FACTOR: usize> Upsampler<FACTOR> {
    /// `wide` is filled `FACTOR` times as long as `narrow`; what is longer becomes silence.
    pub(crate) fn process(&mut self, narrow: &[f32], wide: &mut [f32]) {
        let filled = (narrow.len() * FACTOR).min(wide.len());
        wide[filled..].fill(0.0);
        for (&sample, out) in narrow.iter().zip(wide.chunks_mut(FACTOR)) {
            self.history.copy_within(..BRANCH - 1, 1);
            self.history[0] = sample;
            for (sample, branch) in out.iter_mut().zip(&self.branches) {
                *sample = branch.iter().zip(&self.history).map(|(tap, past)| tap * past).sum();
            }
        }
    }
}

/// One sample out for each `FACTOR` in.
pub(crate) struct Downsampler<const FACTOR: usize> {
    taps: Vec<f32>,
    /// The last inputs, oldest first.
    history: Vec<f32>,
}

impl<const FACTOR: usize> Default for Downsampler<FACTOR> {
    fn default() -> Self {
        let taps = filter(FACTOR);
        Self { history: vec![0.0; taps.len()], taps }
    }
}

impl<const FACTOR: usize> Downsampler<FACTOR> {
    /// One of `narrow` for each `FACTOR` of `wide`.
    pub(crate) fn process(&mut self, wide: &[f32], narrow: &mut [f32]) {
        let kept = self.history.len() - FACTOR;
        for (samples, out) in wide.chunks_exact(FACTOR).zip(narrow) {
            self.history.copy_within(FACTOR.., 0);
            self.history[kept..].copy_from_slice(samples);
            // The filter is symmetric, so its direction does not matter.
            *out = self.taps.iter().zip(&self.history).map(|(tap, past)| tap * past).sum();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FACTOR: usize = 6;
    const TAPS: usize = 24 * FACTOR + 1;

    fn power(samples: &[f32]) -> f32 {
        samples.iter().map(|x| x * x).sum::<f32>() / samples.len() as f32
    }

    fn sine(hertz: f32, rate: f32, length: usize) -> Vec<f32> {
        (0..length).map(|n| (std::f32::consts::TAU * hertz * n as f32 / rate).sin()).collect()
    }

    #[test]
    fn speech_band_passes_both_ways() {
        for hertz in [200.0, 1_000.0, 3_000.0, 3_300.0] {
            let wide = sine(hertz, 48_000.0, 48_000);
            let mut narrow = vec![0.0; 8_000];
            Downsampler::<FACTOR>::default().process(&wide, &mut narrow);
            let mut back = vec![0.0; 48_000];
            Upsampler::<FACTOR>::default().process(&narrow, &mut back);
            let (delay, from) = (TAPS - 1, 4_800);
            let error: Vec<f32> = (from..48_000).map(|n| back[n] - wide[n - delay + FACTOR - 1]).collect();
            let snr = 10.0 * (power(&wide) / power(&error)).log10();
            assert!(snr > 40.0, "{hertz} Hz: {snr} dB");
        }
    }

    #[test]
    fn above_four_kilohertz_nothing_folds_back() {
        for hertz in [4_700.0, 6_000.0, 11_000.0, 20_000.0] {
            let mut narrow = vec![0.0; 8_000];
            Downsampler::<FACTOR>::default().process(&sine(hertz, 48_000.0, 48_000), &mut narrow);
            let level = 10.0 * (power(&narrow[800..]) / 0.5).log10();
            assert!(level < -55.0, "{hertz} Hz comes through at {level} dB");
        }
    }

    #[test]
    fn no_images_above_the_band() {
        let narrow = sine(3_000.0, 8_000.0, 8_000);
        let mut wide = vec![0.0; 48_000];
        Upsampler::<FACTOR>::default().process(&narrow, &mut wide);
        // What is not the 3 kHz sine is image: fit it out.
        let wide = &wide[4_800..];
        let (mut i, mut q) = (0.0, 0.0);
        for (n, x) in wide.iter().enumerate() {
            let phase = std::f64::consts::TAU * 3_000.0 * n as f64 / 48_000.0;
            i += f64::from(*x) * phase.cos();
            q += f64::from(*x) * phase.sin();
        }
        let fitted = 2.0 * (i * i + q * q) / (wide.len() as f64).powi(2);
        let rest = (f64::from(power(wide)) - fitted).abs();
        assert!(rest < 1e-5, "images carry {rest}");
    }
}
