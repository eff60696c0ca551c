//! What the line's people say: recordings that are part of the program (assets/SOURCES.md).

use crate::Customer;
use std::sync::Arc;

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

/// 16-bit mono WAV at a rate that divides 48 kHz, made 48 kHz by straight lines between samples: the recordings hold
/// nothing near their upper edge that this could spoil.
fn decode(wav: &[u8]) -> Arc<[f32]> {
    let mut reader = hound::WavReader::new(wav).expect("the program's own recordings are valid WAV");
    let times = (RATE / reader.spec().sample_rate).max(1) as usize;
    let samples: Vec<f32> = reader.samples::<i16>().filter_map(Result::ok).map(|s| f32::from(s) / 32_768.0).collect();
    let next = samples.iter().skip(1).chain(std::iter::once(&0.0));
    samples.iter().zip(next).flat_map(|(a, b)| (0..times).map(move |i| a + (b - a) * i as f32 / times as f32)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

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
