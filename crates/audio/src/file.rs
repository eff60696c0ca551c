//! Sound files in the place of sound devices, in real time: for automation, tests and benchmarks.
//!
//! The player's file begins when the first call opens its microphone after the devices were opened, so that nothing of it
//! is lost while the other side rings; after its end there is silence. The recorder writes what the speaker plays while
//! the devices are open; a thread of its own writes, so that a slow disk does not disturb the call.

use hatif_media::{BLOCK, Block, SAMPLE_RATE};
use rubato::{
    Fft, FixedSync, Resampler,
    audioadapter_buffers::{direct::InterleavedSlice, owned::InterleavedOwned},
};
use std::{
    fs::File,
    io::{self, BufReader, BufWriter},
    path::{Path, PathBuf},
    thread::{self, JoinHandle},
    time::Duration,
};

/// Longest file that is played: it is held in memory (115 MB).
const MAX_SECONDS: u64 = 600;
/// What waits between the media thread and the disk; beyond it the recording has gaps.
const WRITE_BEHIND: usize = 10 * SAMPLE_RATE as usize;
/// How often the disk is written and the file's header made true.
const WRITE_EVERY: Duration = Duration::from_millis(100);

/// A sound file that cannot be played or written.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    #[error("cannot open {path}: {error}")]
    Open { path: PathBuf, error: io::Error },
    #[error("{path} is not a WAV file that can be read: {error}")]
    Format { path: PathBuf, error: hound::Error },
    #[error("{path} is longer than {MAX_SECONDS} s")]
    TooLong { path: PathBuf },
    #[error("cannot convert the sample rate of {path}: {error}")]
    Rate { path: PathBuf, error: String },
    #[error("cannot write {path}: {error}")]
    Create { path: PathBuf, error: hound::Error },
}

/// Plays a WAV file of any rate, mono or more channels (mixed to one), integer or float.
pub(crate) struct FilePlayer {
    samples: Vec<f32>,
    position: Option<usize>,
}

impl FilePlayer {
    pub fn open(path: &Path) -> Result<FilePlayer, FileError> {
        Ok(FilePlayer { samples: read_wav(path)?, position: None })
    }

    /// From the beginning, or on if it plays already.
    pub fn play(&mut self) {
        self.position.get_or_insert(0);
    }

    /// Back to silence, and to the beginning.
    pub fn stop(&mut self) {
        self.position = None;
    }

    pub fn read(&mut self, block: &mut Block) {
        block.fill(0.0);
        let Some(position) = &mut self.position else { return };
        let rest = &self.samples[*position..];
        let count = rest.len().min(BLOCK);
        block[..count].copy_from_slice(&rest[..count]);
        *position += count;
    }
}

/// 48 kHz mono.
fn read_wav(path: &Path) -> Result<Vec<f32>, FileError> {
    let file = File::open(path).map_err(|error| FileError::Open { path: path.into(), error })?;
    let format = |error| FileError::Format { path: path.into(), error };
    let mut reader = hound::WavReader::new(BufReader::new(file)).map_err(format)?;
    let spec = reader.spec();
    if u64::from(reader.duration()) > MAX_SECONDS * u64::from(spec.sample_rate) {
        return Err(FileError::TooLong { path: path.into() });
    }
    let channels = usize::from(spec.channels);
    if channels == 0 || !(1_000..=768_000).contains(&spec.sample_rate) {
        return Err(format(hound::Error::Unsupported));
    }
    let interleaved: Vec<f32> = match spec.sample_format {
        hound::SampleFormat::Float => reader.samples::<f32>().collect::<Result<_, _>>().map_err(format)?,
        hound::SampleFormat::Int => {
            let full = (1_i64 << (spec.bits_per_sample - 1)) as f32;
            let samples = reader.samples::<i32>().map(|sample| sample.map(|sample| sample as f32 / full));
            samples.collect::<Result<_, _>>().map_err(format)?
        }
    };
    let finite = |sample: f32| if sample.is_finite() { sample } else { 0.0 };
    let mono: Vec<f32> =
        interleaved.chunks_exact(channels).map(|frame| finite(frame.iter().sum::<f32>() / channels as f32)).collect();
    if spec.sample_rate == SAMPLE_RATE || mono.is_empty() {
        return Ok(mono);
    }
    resample(&mono, spec.sample_rate).map_err(|error| FileError::Rate { path: path.into(), error })
}

fn resample(mono: &[f32], rate: u32) -> Result<Vec<f32>, String> {
    let mut resampler = Fft::<f32>::new(rate as usize, SAMPLE_RATE as usize, 1024, 1, FixedSync::Input)
        .map_err(|error| error.to_string())?;
    let input = InterleavedSlice::new(mono, 1, mono.len()).map_err(|error| error.to_string())?;
    let output: InterleavedOwned<f32> =
        resampler.process_all(&input, mono.len(), None).map_err(|error| error.to_string())?;
    Ok(output.take_data())
}

/// Writes a 48 kHz mono 16-bit WAV file. Its header is made true ten times a second, so a killed process leaves a
/// good file.
pub(crate) struct FileRecorder {
    ring: Option<rtrb::Producer<f32>>,
    thread: Option<JoinHandle<()>>,
    /// Samples lost because the disk was too slow.
    pub lost: u64,
}

impl FileRecorder {
    pub fn create(path: &Path) -> Result<FileRecorder, FileError> {
        let spec = hound::WavSpec {
            channels: 1,
            sample_rate: SAMPLE_RATE,
            bits_per_sample: 16,
            sample_format: hound::SampleFormat::Int,
        };
        let create = |error| FileError::Create { path: path.into(), error };
        let mut writer = hound::WavWriter::create(path, spec).map_err(create)?;
        writer.flush().map_err(create)?;
        let (ring, samples) = rtrb::RingBuffer::new(WRITE_BEHIND);
        let thread = thread::Builder::new()
            .name("hatif-wav".into())
            .spawn(move || write_behind(writer, samples))
            .map_err(|error| create(hound::Error::IoError(error)))?;
        Ok(FileRecorder { ring: Some(ring), thread: Some(thread), lost: 0 })
    }

    pub fn write(&mut self, block: &[f32]) {
        if let Some(ring) = &mut self.ring {
            let (_, rest) = ring.push_partial_slice(block);
            self.lost += rest.len() as u64;
        }
    }
}

impl Drop for FileRecorder {
    fn drop(&mut self) {
        // An abandoned ring ends the writer, after it has written what waits.
        self.ring = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn write_behind(mut writer: hound::WavWriter<BufWriter<File>>, mut samples: rtrb::Consumer<f32>) {
    loop {
        let ended = samples.is_abandoned();
        let waiting = samples.slots();
        let Ok(chunk) = samples.read_chunk(waiting) else { return };
        let (first, second) = chunk.as_slices();
        for sample in first.iter().chain(second) {
            let value = (sample.clamp(-1.0, 1.0) * f32::from(i16::MAX)).round() as i16;
            if let Err(error) = writer.write_sample(value) {
                tracing::warn!(%error, "recording file is given up");
                return;
            }
        }
        chunk.commit_all();
        if waiting > 0 && writer.flush().is_err() {
            return;
        }
        if ended {
            let _ = writer.finalize();
            return;
        }
        thread::sleep(WRITE_EVERY);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(path: &Path, spec: hound::WavSpec, frames: usize, sample: impl Fn(f32) -> f32) {
        let mut writer = hound::WavWriter::create(path, spec).unwrap();
        for frame in 0..frames {
            let value = sample(frame as f32 / spec.sample_rate as f32);
            for channel in 0..spec.channels {
                // only the first channel sounds
                let value = if channel == 0 { value } else { 0.0 };
                match spec.sample_format {
                    hound::SampleFormat::Float => writer.write_sample(value).unwrap(),
                    hound::SampleFormat::Int => writer.write_sample((value * 32767.0) as i16).unwrap(),
                }
            }
        }
        writer.finalize().unwrap();
    }

    fn tone(t: f32) -> f32 {
        0.5 * (2.0 * std::f32::consts::PI * 1000.0 * t).sin()
    }

    fn rms(samples: &[f32]) -> f32 {
        (samples.iter().map(|s| s * s).sum::<f32>() / samples.len() as f32).sqrt()
    }

    #[test]
    fn any_rate_and_format_becomes_48_k_mono() {
        let folder = tempfile::tempdir().unwrap();
        for (channels, sample_rate, sample_format, bits_per_sample, level) in [
            (1, 8_000, hound::SampleFormat::Int, 16, 0.5),
            (1, 16_000, hound::SampleFormat::Float, 32, 0.5),
            (2, 44_100, hound::SampleFormat::Int, 16, 0.25),
            (1, 48_000, hound::SampleFormat::Int, 16, 0.5),
            (2, 96_000, hound::SampleFormat::Float, 32, 0.25),
        ] {
            let path = folder.path().join(format!("{channels}-{sample_rate}.wav"));
            let spec = hound::WavSpec { channels, sample_rate, bits_per_sample, sample_format };
            write(&path, spec, sample_rate as usize, tone);
            let samples = read_wav(&path).unwrap();
            assert!(samples.len().abs_diff(48_000) <= 2, "{sample_rate}: {} samples", samples.len());
            let middle = &samples[9_600..38_400];
            assert!((rms(middle) - level / 2f32.sqrt()).abs() < 0.005, "{sample_rate}: {}", rms(middle));
            // a 1000 Hz tone is the same 48 samples later
            let error: Vec<f32> = (0..middle.len() - 48).map(|i| middle[i] - middle[i + 48]).collect();
            assert!(rms(&error) < 0.01 * level, "{sample_rate}: {}", rms(&error));
        }
    }

    #[test]
    fn what_is_not_a_sound_file_is_an_error_in_words() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("text.wav");
        assert!(matches!(FilePlayer::open(&path), Err(FileError::Open { .. })));
        std::fs::write(&path, "not a sound").unwrap();
        assert!(matches!(FilePlayer::open(&path), Err(FileError::Format { .. })));
        let nowhere = folder.path().join("missing").join("out.wav");
        assert!(matches!(FileRecorder::create(&nowhere), Err(FileError::Create { .. })));
    }

    #[test]
    fn the_file_waits_for_play_and_is_silent_after_its_end() {
        let mut player = FilePlayer { samples: vec![1.0; BLOCK + 10], position: None };
        let mut block = [9.0; BLOCK];
        player.read(&mut block);
        assert_eq!(block, [0.0; BLOCK]);
        player.play();
        player.read(&mut block);
        assert_eq!(block, [1.0; BLOCK]);
        player.play();
        player.read(&mut block);
        assert_eq!((block[9], block[10]), (1.0, 0.0));
        player.read(&mut block);
        assert_eq!(block, [0.0; BLOCK]);
        player.stop();
        player.play();
        player.read(&mut block);
        assert_eq!(block, [1.0; BLOCK]);
    }

    #[test]
    fn a_recording_is_a_good_file_before_it_is_closed_and_after() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out.wav");
        let mut recorder = FileRecorder::create(&path).unwrap();
        recorder.write(&[0.5; 4800]);
        let deadline = std::time::Instant::now() + Duration::from_secs(30);
        while hound::WavReader::open(&path).unwrap().len() < 4800 {
            assert!(std::time::Instant::now() < deadline, "the header was never made true");
            thread::sleep(Duration::from_millis(5));
        }
        recorder.write(&[-2.0; 480]);
        drop(recorder);
        let samples: Vec<i16> = hound::WavReader::open(&path).unwrap().samples().map(Result::unwrap).collect();
        assert_eq!((samples.len(), samples[0], samples[4800]), (5280, 16384, -32767));
    }
}
