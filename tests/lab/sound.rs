//! Sound files of tests: tones to send, and what of them was heard at the other end. A call is judged by content:
//! which tones, in which order, for how long.

use std::{
    f64::consts::TAU,
    fs,
    path::{Path, PathBuf},
};

/// Rate of the files written here.
pub const RATE: u32 = 48_000;
/// Length of what is judged at a time. 25 Hz apart is told apart.
const WINDOW_S: f64 = 0.040;
/// Share of a window's energy that must lie at one frequency for the tone to be heard in it. Codecs add noise.
const PURE: f64 = 0.6;
/// Quieter than this (of 1.0, root mean square) is silence.
const AUDIBLE: f64 = 0.01;
/// Length of what is judged at a time where several speak at once: tones 50 Hz apart are more than 60 dB apart.
const MIX_S: f64 = 0.2;

/// Writes a file that plays each tone for `seconds`, one after the other, at half of full scale.
pub fn melody(path: &Path, tones: &[u32], seconds: f64) -> PathBuf {
    let each = (seconds * f64::from(RATE)) as usize;
    let mut samples = Vec::with_capacity(each * tones.len());
    for tone in tones {
        samples.extend((0..each).map(|n| {
            let phase = TAU * f64::from(*tone) * n as f64 / f64::from(RATE);
            (phase.sin() * 16_000.0) as i16
        }));
    }
    write(path, &samples);
    path.to_path_buf()
}

/// Writes `seconds` of a tone as Asterisk's `.sln`: 16-bit samples, nothing else, `rate` a second.
pub fn raw(path: &Path, tone: u32, rate: u32, seconds: u32) {
    let sample = |n: u32| ((TAU * f64::from(tone) * f64::from(n) / f64::from(rate)).sin() * 8_000.0) as i16;
    let bytes: Vec<u8> = (0..rate * seconds).flat_map(|n| sample(n).to_le_bytes()).collect();
    fs::write(path, bytes).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
}

/// A mono WAV file of 16-bit samples.
fn write(path: &Path, samples: &[i16]) {
    let bytes = samples.len() as u32 * 2;
    let mut file = Vec::with_capacity(44 + bytes as usize);
    file.extend(b"RIFF");
    file.extend((36 + bytes).to_le_bytes());
    file.extend(b"WAVEfmt ");
    file.extend(16u32.to_le_bytes());
    for half in [1u16, 1] {
        file.extend(half.to_le_bytes()); // PCM, one channel
    }
    file.extend(RATE.to_le_bytes());
    file.extend((RATE * 2).to_le_bytes());
    for half in [2u16, 16] {
        file.extend(half.to_le_bytes()); // bytes a frame, bits a sample
    }
    file.extend(b"data");
    file.extend(bytes.to_le_bytes());
    file.extend(samples.iter().flat_map(|sample| sample.to_le_bytes()));
    fs::write(path, file).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
}

/// What was heard: one channel, whatever the file has.
pub struct Recording {
    pub rate: u32,
    pub samples: Vec<f32>,
}

impl Recording {
    /// Reads a WAV file of 16-bit integers or 32-bit floats. A file that is still being written is read as far as it is.
    pub fn read(path: &Path) -> Recording {
        let bytes = fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        Recording::parse(&bytes).unwrap_or_else(|| panic!("{} is no WAV file that is read here", path.display()))
    }

    /// The same; nothing as long as there is no whole head.
    pub fn try_read(path: &Path) -> Option<Recording> {
        Recording::parse(&fs::read(path).ok()?)
    }

    fn parse(bytes: &[u8]) -> Option<Recording> {
        let short = |at: usize| Some(u16::from_le_bytes(bytes.get(at..at + 2)?.try_into().ok()?));
        let long = |at: usize| Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?));
        if bytes.get(..4)? != b"RIFF" || bytes.get(8..12)? != b"WAVE" {
            return None;
        }
        let mut at = 12;
        let (mut channels, mut rate, mut bits) = (1, RATE, 16);
        loop {
            let length = long(at + 4)? as usize;
            match bytes.get(at..at + 4)? {
                b"fmt " => (channels, rate, bits) = (short(at + 10)?, long(at + 12)?, short(at + 22)?),
                b"data" => {
                    // A length of nothing, or of all: the writer has not been back to the header yet.
                    let length = if length == 0 { usize::MAX } else { length };
                    let end = (at + 8).saturating_add(length).min(bytes.len());
                    let data = bytes.get(at + 8..end)?;
                    return Some(Recording { rate, samples: mono(data, channels.into(), bits)? });
                }
                _ => {}
            }
            at += 8 + length + length % 2;
        }
    }

    pub fn seconds(&self) -> f64 {
        self.samples.len() as f64 / f64::from(self.rate)
    }

    /// The last `seconds`; `None` when there is not so much.
    pub fn tail(&self, seconds: f64) -> Option<Recording> {
        let from = self.samples.len().checked_sub((seconds * f64::from(self.rate)) as usize)?;
        Some(Recording { rate: self.rate, samples: self.samples[from..].to_vec() })
    }

    /// For how many seconds a tone was heard.
    pub fn seconds_of(&self, tone: u32) -> f64 {
        self.windows().filter(|window| self.is_tone(window, tone)).count() as f64 * WINDOW_S
    }

    /// How loud one tone is in all of this, whoever else speaks: dB, 0 for a sine of full scale, -120 for nothing at all.
    pub fn level_of(&self, tone: u32) -> f64 {
        let length = (f64::from(self.rate) * MIX_S) as usize;
        let windows: Vec<Vec<f32>> = self.samples.chunks_exact(length).map(hann).collect();
        let frequency = f64::from(tone) / f64::from(self.rate);
        // The window halves the amplitude; a full-scale sine has the mean square 1/2.
        let mean = windows.iter().map(|w| goertzel(w, frequency)).sum::<f64>() / windows.len().max(1) as f64;
        10.0 * (8.0 * mean).max(1e-12).log10()
    }

    /// For how many seconds anything was heard.
    pub fn seconds_audible(&self) -> f64 {
        self.windows().filter(|window| power(window) > AUDIBLE * AUDIBLE).count() as f64 * WINDOW_S
    }

    /// Which of `tones` were heard, in their order, each run of at least 120 ms named once.
    pub fn order_of(&self, tones: &[u32]) -> Vec<u32> {
        let heard = self.windows().map(|window| tones.iter().copied().find(|tone| self.is_tone(window, *tone)));
        let mut order: Vec<u32> = Vec::new();
        let (mut last, mut run) = (None, 0);
        for tone in heard {
            run = if tone == last { run + 1 } else { 1 };
            last = tone;
            if let (Some(tone), 3) = (tone, run)
                && order.last() != Some(&tone)
            {
                order.push(tone);
            }
        }
        order
    }

    fn windows(&self) -> std::slice::ChunksExact<'_, f32> {
        self.samples.chunks_exact((f64::from(self.rate) * WINDOW_S) as usize)
    }

    fn is_tone(&self, window: &[f32], tone: u32) -> bool {
        let power = power(window);
        power > AUDIBLE * AUDIBLE && goertzel(window, f64::from(tone) / f64::from(self.rate)) > PURE * power
    }
}

/// Whether these bytes hold a tone for a moment, as samples of any usual kind: 16 bits or floating point, one channel or
/// two, 48 to 8 kHz. Noise, and what is well encrypted, holds none.
pub fn bytes_hold(bytes: &[u8], tone: u32) -> bool {
    let shorts = |from: usize| mono(bytes.get(from..).unwrap_or_default(), 1, 16).unwrap_or_default();
    let floats = |from: usize| mono(bytes.get(from..).unwrap_or_default(), 1, 32).unwrap_or_default();
    let readings = (0..2).map(shorts).chain((0..4).map(floats));
    readings.into_iter().any(|samples| {
        let sane = |sample: &f32| if sample.is_finite() && sample.abs() <= 1.0 { *sample } else { 0.0 };
        let samples: Vec<f32> = samples.iter().map(sane).collect();
        // Every second sample is one of two channels, or half the rate of one.
        [1, 2].into_iter().any(|step| {
            let samples: Vec<f32> = samples.iter().copied().step_by(step).collect();
            [48_000, 24_000, 16_000, 8_000].into_iter().any(|rate| {
                let heard = Recording { rate, samples: samples.clone() };
                heard.windows().any(|window| heard.is_tone(window, tone))
            })
        })
    })
}

fn mono(data: &[u8], channels: usize, bits: u16) -> Option<Vec<f32>> {
    let samples: Vec<f32> = match bits {
        16 => data.chunks_exact(2).map(|two| f32::from(i16::from_le_bytes([two[0], two[1]])) / 32_768.0).collect(),
        32 => data.chunks_exact(4).map(|four| f32::from_le_bytes([four[0], four[1], four[2], four[3]])).collect(),
        _ => return None,
    };
    let channels = channels.max(1);
    Some(samples.chunks_exact(channels).map(|frame| frame.iter().sum::<f32>() / channels as f32).collect())
}

/// Mean square.
fn power(window: &[f32]) -> f64 {
    window.iter().map(|sample| f64::from(*sample).powi(2)).sum::<f64>() / window.len().max(1) as f64
}

/// Faded in and out, so that a loud tone does not spill over those beside it.
fn hann(window: &[f32]) -> Vec<f32> {
    let fade = |n: usize| 0.5 - 0.5 * (TAU * n as f64 / window.len() as f64).cos();
    window.iter().enumerate().map(|(n, sample)| (f64::from(*sample) * fade(n)) as f32).collect()
}

/// Mean square of the part at one frequency (in cycles a sample), by Goertzel's recurrence.
fn goertzel(window: &[f32], frequency: f64) -> f64 {
    let turn = 2.0 * (TAU * frequency).cos();
    let (mut before, mut last) = (0.0, 0.0);
    for sample in window {
        (before, last) = (last, f64::from(*sample) + turn * last - before);
    }
    let energy = last * last + before * before - turn * last * before;
    2.0 * energy / (window.len() as f64).powi(2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tones_are_heard_in_their_order_and_no_others() {
        let folder = tempfile::tempdir().unwrap();
        let path = melody(&folder.path().join("a.wav"), &[440, 700, 440], 0.5);
        let heard = Recording::read(&path);
        assert!((heard.seconds() - 1.5).abs() < 0.01);
        assert!((heard.seconds_of(440) - 1.0).abs() < 0.1, "{}", heard.seconds_of(440));
        assert!(heard.seconds_of(1000) == 0.0);
        assert_eq!(heard.order_of(&[440, 700, 1000]), [440, 700, 440]);
    }

    #[test]
    fn each_of_two_who_speak_at_once_has_a_level_of_its_own() {
        let tone = |hz: f64, n: usize| (TAU * hz * n as f64 / 8000.0).sin() as f32;
        let samples = (0..8000).map(|n| 0.5 * tone(440.0, n) + 0.05 * tone(620.0, n)).collect();
        let heard = Recording { rate: 8000, samples };
        assert!((heard.level_of(440) + 6.0).abs() < 0.2, "{}", heard.level_of(440));
        assert!((heard.level_of(620) + 26.0).abs() < 0.2, "{}", heard.level_of(620));
        assert!(heard.level_of(1010) < -80.0, "{}", heard.level_of(1010));
    }

    #[test]
    fn a_tone_is_found_among_bytes_however_it_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let file = fs::read(melody(&folder.path().join("a.wav"), &[440], 0.2)).unwrap();
        assert!(bytes_hold(&file, 440) && !bytes_hold(&file, 700));
        assert!(bytes_hold(&file[1..], 440));
        let floats: Vec<u8> = mono(&file[44..], 1, 16).unwrap().iter().flat_map(|s| s.to_le_bytes()).collect();
        assert!(bytes_hold(&[&[7; 3], floats.as_slice()].concat(), 440));
        let stereo: Vec<u8> = file[44..].chunks_exact(2).flat_map(|s| [s[0], s[1], 0, 0]).collect();
        assert!(bytes_hold(&stereo, 440));
        let mut seed = 1u32;
        let noise: Vec<u8> = (0..1 << 20)
            .map(|_| {
                seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (seed >> 24) as u8
            })
            .collect();
        assert!(!bytes_hold(&noise, 440) && !bytes_hold(&[], 440));
    }

    #[test]
    fn noise_and_silence_are_no_tones() {
        let mut seed = 1u32;
        let mut noise = || {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (seed >> 8) as f32 / (1 << 24) as f32 - 0.5
        };
        let noise = Recording { rate: 8000, samples: (0..16_000).map(|_| noise()).collect() };
        assert!(noise.seconds_of(440) == 0.0 && noise.seconds_audible() > 1.9);
        let silence = Recording { rate: 8000, samples: vec![0.0; 16_000] };
        assert!(silence.seconds_of(440) == 0.0 && silence.seconds_audible() == 0.0);
    }

    #[test]
    fn a_file_that_is_still_written_is_read_as_far_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let path = melody(&folder.path().join("a.wav"), &[440], 1.0);
        let bytes = fs::read(path).unwrap();
        let half = Recording::parse(&bytes[..bytes.len() / 2]).unwrap();
        assert!((half.seconds_of(440) - 0.5).abs() < 0.1);
    }
}
