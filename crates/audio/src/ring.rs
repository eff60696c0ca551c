//! The media thread's ends of the rings: blocks of 10 ms at 48 kHz on this side, the device's clock and rate on the other.
//!
//! ```text
//! capture:   callback >──ring──> [resampler, steered] ──> 480 samples a tick
//! playback:  callback <──ring──< [resampler, steered] <── 480 samples a tick
//! ```
//!
//! How long a sample waits is measured with the time since the last callback taken into account, as if the device worked
//! sample by sample: `held + since` for capture, `held - since` for playback. That number moves with the two clocks only,
//! not with where in a device buffer the tick happens to fall.
//!
//! - Capture must hold a whole device buffer and the margin, so that the next tick finds its samples although the next
//!   callback is only about to come.
//! - Playback must hold the margin at that moment: what `since` subtracts is what the next callback will take.

use crate::{
    callback::{Meter, Reading},
    drift::{ALIGN_BEYOND, Drift},
};
use hatif_media::{BLOCK, Block, SAMPLE_RATE};
use rtrb::{Consumer, Producer, RingBuffer};
use rubato::{
    Adjustable, Async, FixedAsync, PolynomialDegree, Resampler, ResamplerConstructionError,
    SincInterpolationParameters, SincInterpolationType, WindowFunction, audioadapter_buffers::direct::InterleavedSlice,
};
use std::sync::{Arc, atomic::Ordering};

/// What a ring can hold, seconds: a device buffer and all margins fit many times.
const RING_SECONDS: f64 = 0.5;
const TICK_SECONDS: f64 = 0.01;
/// The loop's way of steering is within this ratio.
const MOST_RELATIVE: f64 = 1.01;
/// Gaps this soon after the start, in ticks, are the device's own filling of its buffers.
const SETTLING_TICKS: u32 = 50;
/// For so many ticks after settling, and after a gap, the delay is set right at once and not by and by: it is far off then,
/// and a cut does little harm beside the gap, or before anything was said.
const EAGER_TICKS: u32 = 5;
/// What is far off then, seconds.
const EAGER_BEYOND: f64 = 0.001;

/// The numbers of a ring, for the log and tests.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct RingFigures {
    /// How long a sample waits in the ring, without the device's own buffers, milliseconds.
    pub delay_ms: f32,
    /// The device's buffer, milliseconds.
    pub buffer_ms: f32,
    /// Gaps since the stream was opened.
    pub gaps: u64,
    /// Times that samples were dropped or silence put in to set the delay right, the first time among them.
    pub aligned: u64,
    /// The device's clock against ours, parts per million, as far as it is known.
    pub drift_ppm: f32,
}

/// What both directions share.
struct Steered {
    meter: Arc<Meter>,
    resampler: Async<f32>,
    /// Device frames a second.
    rate: f64,
    drift: Drift,
    /// The largest device buffer of late, frames.
    buffer: f64,
    missed: u64,
    ticks: u32,
    ticks_since_gap: u32,
    figures: RingFigures,
}

impl Steered {
    fn new(rate: u32, ratio: f64, fixed: FixedAsync) -> Result<Self, ResamplerConstructionError> {
        Ok(Self {
            meter: Arc::new(Meter::default()),
            resampler: resampler(ratio, fixed)?,
            rate: f64::from(rate),
            drift: Drift::default(),
            buffer: 0.0,
            missed: 0,
            ticks: 0,
            ticks_since_gap: u32::MAX,
            figures: RingFigures::default(),
        })
    }

    /// Frames since the last callback, as the device counts; bounded, for a device that stands still.
    fn since(&mut self, reading: &Reading, now: u64) -> f64 {
        self.buffer = f64::from(reading.frames).max(self.buffer * 0.999);
        let since = now.saturating_sub(reading.at) as f64 * 1e-9 * self.rate;
        since.min(2.0 * self.buffer)
    }

    fn margin(&self) -> f64 {
        self.drift.margin() * self.rate
    }

    /// Steers by how many frames too many are held.
    fn steer(&mut self, surplus: f64, faster_means: fn(f64) -> f64) {
        let speed = self.drift.steer(surplus / self.rate, TICK_SECONDS);
        // The bounds of `Drift` are far inside those of the resampler.
        let _ = self.resampler.set_resample_ratio_relative(faster_means(speed), true);
        self.figures.drift_ppm = ((speed - 1.0) * 1e6) as f32;
    }

    fn tick(&mut self) {
        self.ticks = self.ticks.saturating_add(1);
        self.ticks_since_gap = self.ticks_since_gap.saturating_add(1);
    }

    /// How many frames too many are dropped at once.
    fn align_beyond(&self) -> f64 {
        let settled_just_now = (SETTLING_TICKS..SETTLING_TICKS + EAGER_TICKS).contains(&self.ticks);
        let eager = settled_just_now || self.ticks_since_gap < EAGER_TICKS;
        self.rate * if eager { EAGER_BEYOND } else { ALIGN_BEYOND }
    }

    fn aligned(&mut self) {
        self.drift.aligned();
        self.figures.aligned += 1;
    }

    fn gap(&mut self) {
        self.ticks_since_gap = 0;
        self.figures.gaps += 1;
        // While it settles, a gap says nothing about the margin.
        if self.ticks > SETTLING_TICKS {
            self.drift.gap();
        } else {
            self.drift.aligned();
        }
    }

    fn note(&mut self, held: f64) {
        self.figures.delay_ms = (held / self.rate * 1e3) as f32;
        self.figures.buffer_ms = (self.buffer / self.rate * 1e3) as f32;
    }
}

/// 48 kHz devices need no filter, only a fraction of a sample now and then: a polynomial of eight points does it with
/// 0.08 ms delay. Other rates are filtered against aliasing.
fn resampler(ratio: f64, fixed: FixedAsync) -> Result<Async<f32>, ResamplerConstructionError> {
    if (ratio - 1.0).abs() < 1e-9 {
        return Async::new_poly(ratio, MOST_RELATIVE, PolynomialDegree::Septic, BLOCK, 1, fixed);
    }
    let filter = SincInterpolationParameters::new(128, WindowFunction::BlackmanHarris2)
        .interpolation(SincInterpolationType::Linear)
        .oversampling_factor(256);
    Async::new_sinc(ratio, MOST_RELATIVE, &filter, BLOCK, 1, fixed)
}

/// The media thread's end of a microphone.
pub(crate) struct CaptureEnd {
    ring: Consumer<f32>,
    steered: Steered,
    scratch: Vec<f32>,
}

/// The media thread's end of a speaker.
pub(crate) struct PlaybackEnd {
    ring: Producer<f32>,
    steered: Steered,
    scratch: Vec<f32>,
}

/// A ring for a microphone that gives `rate` frames a second.
pub(crate) fn capture_ring(rate: u32) -> Result<(Producer<f32>, Arc<Meter>, CaptureEnd), ResamplerConstructionError> {
    let (producer, ring) = RingBuffer::new((f64::from(rate) * RING_SECONDS) as usize);
    let steered = Steered::new(rate, f64::from(SAMPLE_RATE) / f64::from(rate), FixedAsync::Output)?;
    let scratch = vec![0.0; steered.resampler.input_frames_max()];
    Ok((producer, steered.meter.clone(), CaptureEnd { ring, steered, scratch }))
}

/// A ring for a speaker that takes `rate` frames a second.
pub(crate) fn playback_ring(rate: u32) -> Result<(Consumer<f32>, Arc<Meter>, PlaybackEnd), ResamplerConstructionError> {
    let (ring, consumer) = RingBuffer::new((f64::from(rate) * RING_SECONDS) as usize);
    let steered = Steered::new(rate, f64::from(rate) / f64::from(SAMPLE_RATE), FixedAsync::Input)?;
    let scratch = vec![0.0; steered.resampler.output_frames_max()];
    Ok((consumer, steered.meter.clone(), PlaybackEnd { ring, steered, scratch }))
}

impl CaptureEnd {
    pub fn meter(&self) -> &Meter {
        &self.steered.meter
    }

    pub fn figures(&self) -> RingFigures {
        self.steered.figures
    }

    /// The next 10 ms; silence while the device gives nothing. `now`: nanoseconds, the callbacks' scale.
    pub fn read(&mut self, block: &mut Block, now: u64) {
        let reading = self.steered.meter.read(|| self.ring.slots());
        if reading.calls == 0 {
            block.fill(0.0);
            return;
        }
        self.steered.meter.fed.store(true, Ordering::Relaxed);
        if reading.missed != self.steered.missed {
            // The ring was full: this thread stood still. What is held is stale.
            self.steered.missed = reading.missed;
            self.steered.figures.gaps += 1;
        }
        let since = self.steered.since(&reading, now);
        let need = self.steered.resampler.input_frames_next();
        // what will be held after this read, beyond what has to be
        let surplus =
            |slots: usize, steered: &Steered| slots as f64 - need as f64 + since - steered.buffer - steered.margin();
        let mut slots = reading.slots;
        let first = self.steered.ticks == 0;
        if surplus(slots, &self.steered) > if first { 0.0 } else { self.steered.align_beyond() } {
            slots -= self.discard(surplus(slots, &self.steered) as usize);
        }
        if first && surplus(slots, &self.steered) < 0.0 {
            // The first buffers still come in.
            block.fill(0.0);
            return;
        }
        self.steered.tick();
        if slots < need {
            // The silence is 10 ms; what it holds back beyond the target is dropped when it has come.
            block.fill(0.0);
            self.steered.gap();
            return;
        }
        self.steered.steer(surplus(slots, &self.steered), |speed| 1.0 / speed);
        self.resample(need, block);
        self.steered.note((slots - need) as f64);
    }

    fn discard(&mut self, frames: usize) -> usize {
        let frames = frames.min(self.ring.slots());
        if let Ok(chunk) = self.ring.read_chunk(frames) {
            chunk.commit_all();
        }
        self.steered.aligned();
        frames
    }

    fn resample(&mut self, need: usize, block: &mut Block) {
        let input = &mut self.scratch[..need];
        if self.ring.pop_entire_slice(input).is_err() {
            block.fill(0.0);
            return;
        }
        let (Ok(input), Ok(mut output)) =
            (InterleavedSlice::new(input, 1, need), InterleavedSlice::new_mut(block, 1, BLOCK))
        else {
            return;
        };
        let _ = self.steered.resampler.process_into_buffer(&input, &mut output, None);
    }
}

impl PlaybackEnd {
    pub fn meter(&self) -> &Meter {
        &self.steered.meter
    }

    pub fn figures(&self) -> RingFigures {
        self.steered.figures
    }

    /// 10 ms to be played. `now`: nanoseconds, the callbacks' scale.
    pub fn write(&mut self, block: &Block, now: u64) {
        let capacity = self.ring.buffer().capacity();
        let reading = self.steered.meter.read(|| capacity - self.ring.slots());
        if reading.calls == 0 {
            return;
        }
        let since = self.steered.since(&reading, now);
        let surplus = |steered: &Steered| reading.slots as f64 - since - steered.margin();
        let first = self.steered.ticks == 0;
        let gap = reading.missed != self.steered.missed;
        self.steered.missed = reading.missed;
        self.steered.tick();
        if gap && !first {
            self.steered.gap();
        }
        let surplus = surplus(&self.steered);
        let mut leave_out = 0;
        if surplus > self.steered.align_beyond() {
            // The device stood still: this block, or a part of it, is left out; the next one too if need be.
            leave_out = surplus as usize;
            self.steered.aligned();
        } else if surplus < 0.0 && (first || gap || -surplus > ALIGN_BEYOND * self.steered.rate) {
            // There is a gap anyway: it is made so long that the next one does not come.
            self.silence(-surplus as usize);
            self.steered.aligned();
        } else {
            self.steered.steer(surplus, |speed| 1.0 / speed);
        }
        self.resample(block, leave_out);
        self.steered.meter.fed.store(true, Ordering::Relaxed);
        self.steered.note(reading.slots as f64);
    }

    fn silence(&mut self, frames: usize) {
        let frames = frames.min(self.ring.slots());
        if let Ok(chunk) = self.ring.write_chunk(frames) {
            // `write_chunk` hands out zeros
            chunk.commit_all();
        }
    }

    /// Into the ring, without the first `leave_out` frames.
    fn resample(&mut self, block: &Block, leave_out: usize) {
        let frames = self.steered.resampler.output_frames_next().min(self.scratch.len());
        let scratch = &mut self.scratch[..frames];
        let (Ok(input), Ok(mut output)) =
            (InterleavedSlice::new(block, 1, BLOCK), InterleavedSlice::new_mut(scratch, 1, frames))
        else {
            return;
        };
        if let Ok((_, made)) = self.steered.resampler.process_into_buffer(&input, &mut output, None) {
            // A full ring means a device that stands still; `surplus` sees to it.
            let _ = self.ring.push_partial_slice(&scratch[leave_out.min(made)..made]);
        }
    }
}

#[cfg(test)]
mod tests;
