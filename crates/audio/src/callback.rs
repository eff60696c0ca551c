//! What runs in the sound system's callbacks, and nothing else does: copy between the device's buffer and a ring, mix
//! channels, convert samples, count. No allocation, no lock, no log, no system call, no resampling (engineering.md, habit 4).

use cpal::{FromSample, SizedSample};
use rtrb::{Consumer, Producer};
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicU64, Ordering};

/// 1.0 is beyond the range of integer samples, and wraps around in 24 bit.
const ALMOST_ONE: f32 = 1.0 - f32::EPSILON / 2.0;

/// What callbacks tell the media thread; each stream has its own.
#[derive(Default)]
pub(crate) struct Meter {
    /// Calls so far.
    calls: AtomicU64,
    /// When the last one came, nanoseconds on the media thread's time scale.
    at: AtomicU64,
    /// Frames of the last one.
    frames: AtomicU32,
    /// Frames that found no room (capture) or were not there in time (playback).
    missed: AtomicU64,
    /// Set by the media thread once it feeds the ring; before that, nothing is missed.
    pub fed: AtomicBool,
    /// The first [`Fault`] that the sound system reported, as a number; 0 is none.
    pub fault: AtomicU8,
    /// Errors that a stream survives: xruns, refused priorities, unclassified.
    pub errors: AtomicU64,
}

/// A moment of a [`Meter`], and of its ring.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Reading {
    pub calls: u64,
    pub at: u64,
    pub frames: u32,
    pub missed: u64,
    /// What `slots` gave at the same moment.
    pub slots: usize,
}

impl Meter {
    pub fn calls(&self) -> u64 {
        self.calls.load(Ordering::Acquire)
    }

    /// Reads the meter and the ring as of one moment between two callbacks.
    pub fn read(&self, mut slots: impl FnMut() -> usize) -> Reading {
        let mut before = self.calls.load(Ordering::Acquire);
        // A callback is over long before the fourth try; if not, the reading is off by one buffer, which is only noise.
        for _ in 0..3 {
            let reading = self.read_once(before, &mut slots);
            let after = self.calls.load(Ordering::Acquire);
            if after == before {
                return reading;
            }
            before = after;
        }
        self.read_once(before, &mut slots)
    }

    fn read_once(&self, calls: u64, slots: &mut impl FnMut() -> usize) -> Reading {
        Reading {
            calls,
            at: self.at.load(Ordering::Acquire),
            frames: self.frames.load(Ordering::Acquire),
            missed: self.missed.load(Ordering::Acquire),
            slots: slots(),
        }
    }

    fn count(&self, at: u64, frames: usize, missed: usize) {
        if missed > 0 {
            self.missed.fetch_add(missed as u64, Ordering::Release);
        }
        self.frames.store(frames as u32, Ordering::Release);
        self.at.store(at, Ordering::Release);
        self.calls.fetch_add(1, Ordering::Release);
    }
}

/// From the device into the ring, mixed to one channel. `at`: now, in nanoseconds.
pub(crate) fn capture<T>(input: &[T], channels: usize, ring: &mut Producer<f32>, meter: &Meter, at: u64)
where
    T: SizedSample,
    f32: FromSample<T>,
{
    // Beyond two channels, the first two are the front ones.
    let mixed = channels.clamp(1, 2);
    let scale = 1.0 / mixed as f32;
    let frames = input.len() / channels.max(1);
    let room = ring.slots().min(frames);
    if let Ok(chunk) = ring.write_chunk_uninit(room) {
        let mono = input
            .chunks_exact(channels.max(1))
            .map(|frame| frame.iter().take(mixed).map(|&sample| f32::from_sample_(sample)).sum::<f32>() * scale);
        chunk.fill_from_iter(mono);
    }
    meter.count(at, frames, frames - room);
}

/// From the ring to the device's first two channels; silence on the others and where the ring is empty.
pub(crate) fn playback<T>(output: &mut [T], channels: usize, ring: &mut Consumer<f32>, meter: &Meter, at: u64)
where
    T: SizedSample + FromSample<f32>,
{
    let channels = channels.max(1);
    let frames = output.len() / channels;
    let there = ring.slots().min(frames);
    output.fill(T::EQUILIBRIUM);
    if let Ok(chunk) = ring.read_chunk(there) {
        for (frame, sample) in output.chunks_exact_mut(channels).zip(chunk) {
            for channel in frame.iter_mut().take(2) {
                *channel = T::from_sample_(sample.clamp(-1.0, ALMOST_ONE));
            }
        }
    }
    let missed = if meter.fed.load(Ordering::Relaxed) { frames - there } else { 0 };
    meter.count(at, frames, missed);
}

#[cfg(test)]
mod tests {
    use super::*;
    use assert_no_alloc::{AllocDisabler, assert_no_alloc};

    #[global_allocator]
    static FORBIDDING: AllocDisabler = AllocDisabler;

    fn through<T>(channels: usize)
    where
        T: SizedSample + FromSample<f32>,
        f32: FromSample<T>,
    {
        let meter = Meter::default();
        let (mut into, mut out) = rtrb::RingBuffer::new(960);
        let source: Vec<f32> = (0..480).map(|i| (i as f32 / 50.0).sin() * 0.5).collect();
        let mut device: Vec<T> = vec![T::EQUILIBRIUM; 480 * channels];
        for sample in &source {
            into.push(*sample).unwrap();
        }
        meter.fed.store(true, Ordering::Relaxed);
        assert_no_alloc(|| playback(&mut device, channels, &mut out, &meter, 7));
        assert_no_alloc(|| capture(&device, channels, &mut into, &meter, 8));
        for (i, sample) in source.iter().enumerate() {
            // eight bits are the coarsest
            assert!((out.pop().unwrap() - sample).abs() < 0.01, "{channels} channels, sample {i}");
        }
        let reading = meter.read(|| 5);
        assert_eq!(reading, Reading { calls: 2, at: 8, frames: 480, missed: 0, slots: 5 });
    }

    #[test]
    fn every_format_and_channel_count_passes_without_allocating() {
        for channels in [1, 2, 6] {
            through::<f32>(channels);
            through::<f64>(channels);
            through::<i8>(channels);
            through::<u8>(channels);
            through::<i16>(channels);
            through::<u16>(channels);
            through::<cpal::I24>(channels);
            through::<i32>(channels);
            through::<u32>(channels);
        }
    }

    #[test]
    fn a_stereo_microphone_is_mixed_and_a_third_channel_left_out() {
        let meter = Meter::default();
        let (mut into, mut out) = rtrb::RingBuffer::new(10);
        capture(&[0.5f32, 0.1, -0.5, -0.1], 2, &mut into, &meter, 0);
        capture(&[0.5f32, 0.1, 9.0], 3, &mut into, &meter, 0);
        for expected in [0.3, -0.3, 0.3] {
            assert!((out.pop().unwrap() - expected).abs() < 1e-6);
        }
    }

    #[test]
    fn a_full_ring_loses_the_newest_and_counts_without_allocating() {
        let meter = Meter::default();
        let (mut into, mut out) = rtrb::RingBuffer::new(3);
        let input = [0.1f32, 0.2, 0.3, 0.4, 0.5];
        assert_no_alloc(|| capture(&input, 1, &mut into, &meter, 0));
        assert_eq!(meter.read(|| 0).missed, 2);
        assert_eq!((out.pop(), out.pop(), out.pop(), out.pop().is_err()), (Ok(0.1), Ok(0.2), Ok(0.3), true));
    }

    #[test]
    fn an_empty_ring_is_silence_and_counts_once_it_is_fed() {
        let meter = Meter::default();
        let (mut into, mut out) = rtrb::RingBuffer::new(8);
        let mut output = [9i16; 8];
        assert_no_alloc(|| playback(&mut output, 2, &mut out, &meter, 0));
        assert_eq!((output, meter.read(|| 0).missed), ([0; 8], 0));

        meter.fed.store(true, Ordering::Relaxed);
        into.push(1.0).unwrap();
        assert_no_alloc(|| playback(&mut output, 2, &mut out, &meter, 0));
        assert_eq!((output, meter.read(|| 0).missed), ([i16::MAX, i16::MAX, 0, 0, 0, 0, 0, 0], 3));
    }
}
