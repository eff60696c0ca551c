//! ITU-T G.722 at 64 kbit/s: 16 kHz sound in two bands, each adaptive differential PCM; the lower with 6 bits, the upper with 2.
//! Whole numbers throughout, as the Recommendation's blocks have them (their names are given), so that far ends stay in step.

/// QMF: one half of the 24 coefficients, as they meet every second sample (table 11).
const QMF: [i32; 12] = [3, -11, 12, 32, -210, 951, 3876, -805, 362, -156, 53, -11];
/// Decision levels of the lower band's 6 bit quantizer (table 14).
const Q6: [i32; 30] = [
    0, 35, 72, 110, 150, 190, 233, 276, 323, 370, 422, 473, 530, 587, 650, 714, 786, 858, 940, 1023, 1121, 1219, 1339,
    1458, 1612, 1765, 1980, 2195, 2557, 2919,
];
/// Inverse quantizers: 4 bit (the predictor's), 6 bit, and the upper band's 2 bit.
const QM4: [i32; 16] =
    [0, -20456, -12896, -8968, -6288, -4240, -2584, -1200, 20456, 12896, 8968, 6288, 4240, 2584, 1200, 0];
const QM6: [i32; 64] = [
    -136, -136, -136, -136, -24808, -21904, -19008, -16704, -14984, -13512, -12280, -11192, -10232, -9360, -8576,
    -7856, -7192, -6576, -6000, -5456, -4944, -4464, -4008, -3576, -3168, -2776, -2400, -2032, -1688, -1360, -1040,
    -728, 24808, 21904, 19008, 16704, 14984, 13512, 12280, 11192, 10232, 9360, 8576, 7856, 7192, 6576, 6000, 5456,
    4944, 4464, 4008, 3576, 3168, 2776, 2400, 2032, 1688, 1360, 1040, 728, 432, 136, -432, -136,
];
const QM2: [i32; 4] = [-7408, -1616, 7408, 1616];
/// Multipliers of the scale factors' logarithms, by code.
const WL: [i32; 16] = [-60, 3042, 1198, 538, 334, 172, 58, -30, 3042, 1198, 538, 334, 172, 58, -30, -60];
const WH: [i32; 4] = [798, -214, 798, -214];
/// The antilogarithm of the scale factors.
const ILB: [i32; 32] = [
    2048, 2093, 2139, 2186, 2233, 2282, 2332, 2383, 2435, 2489, 2543, 2599, 2656, 2714, 2774, 2834, 2896, 2960, 3025,
    3091, 3158, 3228, 3298, 3371, 3444, 3520, 3597, 3676, 3756, 3838, 3922, 4008,
];

fn clamp16(value: i32) -> i32 {
    value.clamp(-32_768, 32_767)
}

/// What both ends know of a band: the predictor (two poles, six zeros) and the scale factor.
#[derive(Clone, Copy)]
struct Band {
    /// Predicted sample, and the zeros' part of it.
    predicted: i32,
    zeros_part: i32,
    /// The last reconstructed samples, partial reconstructions and differences, newest first.
    rebuilt: [i32; 2],
    partial: [i32; 2],
    differences: [i32; 6],
    poles: [i32; 2],
    zeros: [i32; 6],
    /// Logarithm of the scale factor, and the scale factor.
    log_scale: i32,
    scale: i32,
}

impl Band {
    fn new(scale: i32) -> Self {
        Self {
            predicted: 0,
            zeros_part: 0,
            rebuilt: [0; 2],
            partial: [0; 2],
            differences: [0; 6],
            poles: [0; 2],
            zeros: [0; 6],
            log_scale: 0,
            scale,
        }
    }

    /// LOGSCL and SCALEL, LOGSCH and SCALEH.
    fn rescale(&mut self, step: i32, most: i32, shift: i32) {
        self.log_scale = (((self.log_scale * 127) >> 7) + step).clamp(0, most);
        let (mantissa, down) = (ILB[(self.log_scale >> 6 & 31) as usize], shift - (self.log_scale >> 11));
        self.scale = if down < 0 { mantissa << -down } else { mantissa >> down } << 2;
    }

    /// Block 4: the predictor after a sample whose quantized difference is `difference`.
    fn adapt(&mut self, difference: i32) {
        let partial = clamp16(self.zeros_part + difference);
        let rebuilt = clamp16(self.predicted + difference);
        let same = |other: i32| (partial < 0) == (other < 0);
        // UPPOL2, UPPOL1
        let four = clamp16(self.poles[0] << 2);
        let turned = if same(self.partial[0]) { -four } else { four }.min(32_767);
        let second = if same(self.partial[1]) { 128 } else { -128 } + (turned >> 7) + ((self.poles[1] * 32_512) >> 15);
        let second = second.clamp(-12_288, 12_288);
        let first = if same(self.partial[0]) { 192 } else { -192 } + ((self.poles[0] * 32_640) >> 15);
        let limit = 15_360 - second;
        self.poles = [clamp16(first).clamp(-limit, limit), second];
        // UPZERO
        let step = if difference == 0 { 0 } else { 128 };
        for (zero, past) in self.zeros.iter_mut().zip(self.differences) {
            let agreed = if (difference < 0) == (past < 0) { step } else { -step };
            *zero = clamp16(agreed + ((*zero * 32_640) >> 15));
        }
        self.differences.copy_within(..5, 1);
        self.differences[0] = difference;
        self.rebuilt = [rebuilt, self.rebuilt[0]];
        self.partial = [partial, self.partial[0]];
        // FILTEP, FILTEZ, PREDIC
        let pole = |n: usize| (self.poles[n] * clamp16(self.rebuilt[n] * 2)) >> 15;
        let zeros = self.zeros.iter().zip(self.differences).map(|(zero, past)| (zero * clamp16(past * 2)) >> 15);
        self.zeros_part = clamp16(zeros.sum());
        self.predicted = clamp16(clamp16(pole(0) + pole(1)) + self.zeros_part);
    }
}

/// Both bands; the same at both ends as long as no packet is lost.
#[derive(Clone, Copy)]
struct Bands {
    low: Band,
    high: Band,
}

impl Bands {
    fn new() -> Self {
        Self { low: Band::new(32), high: Band::new(8) }
    }

    /// A byte as a sample of each band.
    fn decode(&mut self, code: u8) -> (i32, i32) {
        let (low_code, high_code) = (usize::from(code & 0x3f), usize::from(code >> 6));
        let low = (self.low.predicted + ((self.low.scale * QM6[low_code]) >> 15)).clamp(-16_384, 16_383);
        let difference = (self.high.scale * QM2[high_code]) >> 15;
        let high = (self.high.predicted + difference).clamp(-16_384, 16_383);
        self.adapt(low_code, high_code);
        (low, high)
    }

    fn encode(&mut self, low: i32, high: i32) -> u8 {
        let error = clamp16(low - self.low.predicted);
        let magnitude = if error < 0 { !error } else { error };
        let level = (1..30).find(|&n| magnitude < (Q6[n] * self.low.scale) >> 12).unwrap_or(30) as u8;
        // Codes count down from the smallest magnitude; the two smallest negative ones have a place of their own.
        let low_code = match (error < 0, level) {
            (true, 1 | 2) => 64 - level,
            (true, _) => 34 - level,
            (false, _) => 62 - level,
        };
        let error = clamp16(high - self.high.predicted);
        let magnitude = if error < 0 { !error } else { error };
        let far = magnitude >= (564 * self.high.scale) >> 12;
        let high_code = match (error < 0, far) {
            (true, false) => 1,
            (true, true) => 0,
            (false, false) => 3,
            (false, true) => 2,
        };
        self.adapt(usize::from(low_code), high_code);
        (high_code as u8) << 6 | low_code
    }

    fn adapt(&mut self, low_code: usize, high_code: usize) {
        let difference = (self.low.scale * QM4[low_code >> 2]) >> 15;
        self.low.rescale(WL[low_code >> 2], 18_432, 8);
        self.low.adapt(difference);
        let difference = (self.high.scale * QM2[high_code]) >> 15;
        self.high.rescale(WH[high_code], 22_528, 10);
        self.high.adapt(difference);
    }
}

/// Splits sound into two bands of half the rate.
#[derive(Clone, Copy)]
struct Analysis([i32; 24]);

impl Analysis {
    fn split(&mut self, pair: [i32; 2]) -> (i32, i32) {
        self.0.copy_within(2.., 0);
        self.0[22..].copy_from_slice(&pair);
        let (odd, even) = filtered(&self.0);
        ((even + odd) >> 14, (even - odd) >> 14)
    }
}

/// The QMF over every second sample, from the first and from the second on.
fn filtered(samples: &[i32; 24]) -> (i32, i32) {
    let (mut first, mut second) = (0, 0);
    for (n, pair) in samples.chunks_exact(2).enumerate() {
        first += pair[0] * QMF[n];
        second += pair[1] * QMF[11 - n];
    }
    (first, second)
}

fn to_linear(sample: f32) -> i32 {
    (sample * 32_768.0).round().clamp(-32_768.0, 32_767.0) as i32
}

pub(crate) struct G722Encoder {
    bands: Bands,
    analysis: Analysis,
}

impl G722Encoder {
    pub(super) fn new() -> Self {
        Self { bands: Bands::new(), analysis: Analysis([0; 24]) }
    }

    /// A byte for each two samples at 16 kHz.
    pub(super) fn encode(&mut self, sound: &[f32], bytes: &mut [u8]) {
        for (pair, byte) in sound.chunks_exact(2).zip(bytes) {
            let (low, high) = self.analysis.split([to_linear(pair[0]), to_linear(pair[1])]);
            *byte = self.bands.encode(low, high);
        }
    }
}

pub(super) struct G722Decoder {
    bands: Bands,
    synthesis: [i32; 24],
    /// Of what was played, to go on from when something is missing.
    played: Analysis,
}

impl G722Decoder {
    pub(super) fn new() -> Self {
        Self { bands: Bands::new(), synthesis: [0; 24], played: Analysis([0; 24]) }
    }

    /// Two samples at 16 kHz for each byte.
    pub(super) fn decode(&mut self, bytes: &[u8], sound: &mut [f32]) {
        for (&byte, pair) in bytes.iter().zip(sound.chunks_exact_mut(2)) {
            let (low, high) = self.bands.decode(byte);
            let samples = self.join(low, high);
            self.played.split(samples);
            pair.copy_from_slice(&samples.map(|sample| sample as f32 / 32_768.0));
        }
    }

    fn join(&mut self, low: i32, high: i32) -> [i32; 2] {
        self.synthesis.copy_within(2.., 0);
        self.synthesis[22..].copy_from_slice(&[low + high, low - high]);
        let (first, second) = filtered(&self.synthesis);
        [clamp16(second >> 11), clamp16(first >> 11)]
    }

    /// `sound` was played for bytes that did not come. The predictors go on as if it had been coded: nearer to the sender's
    /// than if they stood still (the way of G.722 Appendix III).
    pub(super) fn replaced(&mut self, sound: &[f32]) {
        for pair in sound.chunks_exact(2) {
            let (low, high) = self.played.split([to_linear(pair[0]), to_linear(pair[1])]);
            self.bands.encode(low, high);
            self.join(low, high);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sine(hertz: f32, level: f32, length: usize) -> Vec<f32> {
        (0..length).map(|n| level * (std::f32::consts::TAU * hertz * n as f32 / 16_000.0).sin()).collect()
    }

    #[test]
    fn both_bands_come_back() {
        for (hertz, least) in [(300.0, 35.0), (1_000.0, 30.0), (3_000.0, 25.0), (5_000.0, 12.0), (6_500.0, 12.0)] {
            let sound = sine(hertz, 0.3, 16_000);
            let (mut bytes, mut back) = (vec![0; 8_000], vec![0.0; 16_000]);
            G722Encoder::new().encode(&sound, &mut bytes);
            G722Decoder::new().decode(&bytes, &mut back);
            // Two QMFs: 22 samples.
            let pairs = || sound[2_000..].iter().zip(&back[2_022..]);
            let noise: f32 = pairs().map(|(a, b)| (a - b).powi(2)).sum();
            let snr = 10.0 * (pairs().map(|(a, _)| a * a).sum::<f32>() / noise).log10();
            assert!(snr > least, "{hertz} Hz: {snr} dB");
        }
    }

    fn fnv1a(bytes: impl Iterator<Item = u8>) -> u64 {
        bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3))
    }

    /// FFmpeg 5.1 made the two sums, of what it codes and decodes from the same 4000 samples: a gliding triangle in noise.
    #[test]
    fn every_bit_is_as_ffmpeg_has_it() {
        let (mut noise, mut phase) = (1u32, 0u32);
        let sound: Vec<f32> = (0..4_000)
            .map(|n| {
                noise = noise.wrapping_mul(1_103_515_245).wrapping_add(12_345) & 0x7fff_ffff;
                phase = (phase + 200 + n * 3) & 0xffff;
                let triangle = phase.min(0xffff - phase) as i32;
                let sample = (triangle - 0x4000).div_euclid(2) + (noise >> 16 & 0x3ff) as i32 - 512;
                sample as f32 / 32_768.0
            })
            .collect();
        let (mut bytes, mut back) = (vec![0; 2_000], vec![0.0; 4_000]);
        G722Encoder::new().encode(&sound, &mut bytes);
        assert_eq!(fnv1a(bytes.iter().copied()), 0x0813_cf63_81a7_d6f2);
        G722Decoder::new().decode(&bytes, &mut back);
        let linear = back.iter().flat_map(|sample| ((sample * 32_768.0) as i16).to_le_bytes());
        assert_eq!(fnv1a(linear), 0x446d_ad3d_5575_0b49);
    }

    #[test]
    fn any_bytes_are_sound_within_bounds() {
        let bytes: Vec<u8> = (0..64_000u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
        let mut sound = vec![0.0; 128_000];
        G722Decoder::new().decode(&bytes, &mut sound);
        assert!(sound.iter().all(|x| x.abs() <= 1.0));
        G722Encoder::new().encode(&vec![f32::NAN; 320], &mut [0; 160]);
    }
}
