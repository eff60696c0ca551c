//! What the line's people say: recordings that are part of the program (assets/SOURCES.md).

use crate::Customer;
use std::{f32::consts::PI, sync::Arc};

/// Samples a second of the media engine.
const RATE: u32 = 48_000;

macro_rules! asset {
    ($name:literal) => {
        include_bytes!(concat!("../assets/", $name, ".wav"))
    };
}

/// The echo line's welcome.
pub fn welcome(language: &str) -> Arc<[f32]> {
    decode(match language {
        "ar" => asset!("echo.ar"),
        "fa" => asset!("echo.fa"),
        _ => asset!("echo.en"),
    })
}

/// A customer's turns, in the order in which they are said.
pub fn turns(customer: Customer, language: &str) -> [Arc<[f32]>; 3] {
    let english = language == "en";
    let turns: [&[u8]; 3] = match (customer, english) {
        (Customer::Sara, true) => [asset!("sara.1.en"), asset!("sara.2.en"), asset!("sara.3.en")],
        (Customer::Sara, false) => [asset!("sara.1.ar"), asset!("sara.2.ar"), asset!("sara.3.ar")],
        (Customer::Omid, true) => [asset!("omid.1.en"), asset!("omid.2.en"), asset!("omid.3.en")],
        (Customer::Omid, false) => [asset!("omid.1.fa"), asset!("omid.2.fa"), asset!("omid.3.fa")],
    };
    turns.map(decode)
}

/// Samples on each side that an interpolated one is made of.
const REACH: isize = 16;

/// 16-bit mono WAV at a rate that divides 48 kHz, made 48 kHz by a windowed sinc (Hann). Done once a call, at leisure.
fn decode(wav: &[u8]) -> Arc<[f32]> {
    let mut reader = hound::WavReader::new(wav).expect("the program's own recordings are valid WAV");
    let times = (RATE / reader.spec().sample_rate).max(1) as usize;
    let samples: Vec<f32> = reader.samples::<i16>().filter_map(Result::ok).map(|s| f32::from(s) / 32_768.0).collect();
    let at = |n: isize| usize::try_from(n).ok().and_then(|n| samples.get(n)).copied().unwrap_or(0.0);
    let between = |n: isize, fraction: f32| -> f32 {
        let weighted = |k: isize| {
            let x = k as f32 - fraction;
            let sinc = if x.abs() < 1e-6 { 1.0 } else { (PI * x).sin() / (PI * x) };
            at(n + k) * sinc * (0.5 + 0.5 * (PI * x / (REACH + 1) as f32).cos())
        };
        (-REACH + 1..=REACH).map(weighted).sum()
    };
    let fractions = (0..times).map(|i| i as f32 / times as f32).collect::<Vec<_>>();
    (0..samples.len() as isize)
        .flat_map(|n| fractions.iter().map(move |f| (n, *f)))
        .map(|(n, f)| between(n, f))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A 7 kHz tone at 16 kHz keeps its level and gains nothing above 8 kHz.
    #[test]
    fn making_it_48_khz_neither_dulls_nor_adds() {
        let mut wav = std::io::Cursor::new(Vec::new());
        let spec = hound::WavSpec {
            channels: 1,
            sample_rate: 16_000,
            bits_per_sample: 16,
            sample_format: hound::SampleFormat::Int,
        };
        let mut writer = hound::WavWriter::new(&mut wav, spec).unwrap();
        for n in 0..16_000 {
            writer.write_sample(((2.0 * PI * 7_000.0 * n as f32 / 16_000.0).sin() * 16_000.0) as i16).unwrap();
        }
        writer.finalize().unwrap();
        let made = decode(wav.get_ref());
        let middle = &made[4_800..43_200];
        let power = |hz: f32| {
            let (mut re, mut im) = (0.0_f64, 0.0_f64);
            for (n, s) in middle.iter().enumerate() {
                let phase = 2.0 * std::f64::consts::PI * f64::from(hz) * n as f64 / f64::from(RATE);
                re += f64::from(*s) * phase.cos();
                im += f64::from(*s) * phase.sin();
            }
            10.0 * ((re * re + im * im) / (middle.len() as f64 / 2.0).powi(2)).log10()
        };
        let level = 20.0 * (16_000.0_f64 / 32_768.0).log10();
        assert!((power(7_000.0) - level).abs() < 1.0, "{} dB, not {level}", power(7_000.0));
        assert!(power(9_000.0) < level - 25.0, "image at {} dB", power(9_000.0));
    }

    #[test]
    fn every_prompt_speaks() {
        for language in ["en", "ar", "fa"] {
            let sara = turns(Customer::Sara, language);
            let omid = turns(Customer::Omid, language);
            for clip in sara.iter().chain(&omid).chain(std::iter::once(&welcome(language))) {
                let seconds = clip.len() as f32 / RATE as f32;
                assert!((0.5..30.0).contains(&seconds), "{seconds} s");
                let loudest = clip.iter().fold(0.0_f32, |m, s| m.max(s.abs()));
                assert!((0.2..=1.0).contains(&loudest), "{loudest}");
            }
        }
    }
}
