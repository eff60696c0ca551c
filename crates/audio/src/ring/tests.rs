//! Rings in virtual time: devices of any rate, buffer and clock.

use super::*;
use crate::callback;

const MILLISECOND: f64 = 1e6;

/// A device that works in buffers on its own clock, and ticks of ours, in virtual time.
struct Bench {
    rate: u32,
    ppm: f64,
    buffer: usize,
    /// How late a callback is at most, milliseconds.
    jitter: f64,
    seed: u64,
}

impl Bench {
    fn noise(&mut self) -> f64 {
        self.seed = self.seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.seed >> 40) as f64 / (1u64 << 24) as f64
    }

    /// Calls `device` and `tick` in the order of their times (nanoseconds).
    fn run(&mut self, seconds: f64, mut device: impl FnMut(u64, usize), mut tick: impl FnMut(u64)) {
        let period = self.buffer as f64 / f64::from(self.rate) * 1e9 / (1.0 + self.ppm * 1e-6);
        // a first callback somewhere between two ticks
        let (mut nominal, mut next_tick, mut ticks) = (period * 0.37, 10.0 * MILLISECOND, 1.0);
        let mut next_device = nominal;
        while next_tick < seconds * 1e9 {
            if next_device <= next_tick {
                device(next_device as u64, self.buffer);
                nominal += period;
                next_device = nominal + self.jitter * MILLISECOND * self.noise();
            } else {
                tick((next_tick + 0.3 * MILLISECOND * self.noise()) as u64);
                ticks += 1.0;
                next_tick = ticks * 10.0 * MILLISECOND;
            }
        }
    }
}

fn benches() -> Vec<Bench> {
    let mut benches = vec![];
    for (rate, buffer) in [(48_000, 128), (48_000, 256), (48_000, 480), (48_000, 1024), (44_100, 441), (16_000, 160)] {
        for ppm in [-200.0, 0.0, 150.0] {
            benches.push(Bench { rate, ppm, buffer, jitter: 1.0, seed: 7 });
        }
    }
    benches
}

/// Level of `frequency` in `samples`, and of all that is not it: amplitude and root mean square.
fn measure(samples: &[f32], frequency: f64, rate: f64) -> (f64, f64) {
    let (mut a, mut b) = (0.0, 0.0);
    for (i, sample) in samples.iter().enumerate() {
        let angle = 2.0 * std::f64::consts::PI * frequency * i as f64 / rate;
        a += f64::from(*sample) * angle.cos();
        b += f64::from(*sample) * angle.sin();
    }
    let (a, b) = (2.0 * a / samples.len() as f64, 2.0 * b / samples.len() as f64);
    let rest: f64 = samples
        .iter()
        .enumerate()
        .map(|(i, sample)| {
            let angle = 2.0 * std::f64::consts::PI * frequency * i as f64 / rate;
            (f64::from(*sample) - a * angle.cos() - b * angle.sin()).powi(2)
        })
        .sum();
    (a.hypot(b), (rest / samples.len() as f64).sqrt())
}

#[test]
fn a_device_that_stood_still_is_not_heard_late_for_ever() {
    // 300 ms without a callback in the fifth second
    let stands_still = |at: u64| (5_000_000_000..5_300_000_000).contains(&at);
    let mut bench = Bench { rate: 48_000, ppm: 0.0, buffer: 128, jitter: 1.0, seed: 7 };
    let (mut consumer, meter, mut speaker) = playback_ring(48_000).unwrap();
    let (mut producer, microphone_meter, mut microphone) = capture_ring(48_000).unwrap();
    let mut most_after = 0.0f32;
    bench.run(
        10.0,
        |at, frames| {
            if !stands_still(at) {
                callback::playback(&mut vec![0.0f32; frames], 1, &mut consumer, &meter, at);
                callback::capture(&vec![0.1f32; frames], 1, &mut producer, &microphone_meter, at);
            }
        },
        |now| {
            speaker.write(&[0.1; BLOCK], now);
            microphone.read(&mut [0.0; BLOCK], now);
            if now > 6_000_000_000 {
                most_after = most_after.max(speaker.figures().delay_ms).max(microphone.figures().delay_ms);
            }
        },
    );
    assert!(microphone.figures().gaps > 0, "it stood still");
    assert!(most_after < 20.0, "{most_after} ms");
}

#[test]
fn a_media_thread_that_stood_still_does_not_send_old_sound_for_ever() {
    let mut bench = Bench { rate: 48_000, ppm: 0.0, buffer: 128, jitter: 1.0, seed: 7 };
    let (mut producer, meter, mut end) = capture_ring(48_000).unwrap();
    bench.run(
        10.0,
        |at, frames| callback::capture(&vec![0.1f32; frames], 1, &mut producer, &meter, at),
        |now| {
            if !(5_000_000_000..7_000_000_000).contains(&now) {
                end.read(&mut [0.0; BLOCK], now);
            }
        },
    );
    assert!(end.figures().delay_ms < 10.0, "{:?}", end.figures());
}

#[test]
fn a_microphone_of_any_clock_is_heard_without_a_gap() {
    for mut bench in benches() {
        let (mut producer, meter, mut end) = capture_ring(bench.rate).unwrap();
        let mut phase = 0.0f64;
        let step = 2.0 * std::f64::consts::PI * 440.0 / (f64::from(bench.rate) * (1.0 + bench.ppm * 1e-6));
        let mut heard = vec![];
        let mut block = [0.0; BLOCK];
        bench.run(
            40.0,
            |at, frames| {
                let input: Vec<f32> = (0..frames)
                    .map(|_| {
                        phase += step;
                        0.5 * phase.sin() as f32
                    })
                    .collect();
                callback::capture(&input, 1, &mut producer, &meter, at);
            },
            |now| {
                end.read(&mut block, now);
                heard.extend(block);
            },
        );
        let name = format!("{} Hz, {} frames, {} ppm", bench.rate, bench.buffer, bench.ppm);
        let figures = end.figures();
        assert_eq!(figures.gaps, 0, "{name}: {figures:?}");
        // after settling: one second of pure tone at the pitch of the world
        let (level, rest) = measure(&heard[heard.len() - 48_000..], 440.0, 48_000.0);
        assert!((level - 0.5).abs() < 0.01 && rest < 0.01, "{name}: {level} {rest} {figures:?}");

        let most = 2.0 * bench.buffer as f32 / bench.rate as f32 * 1e3 + 5.0;
        assert!(figures.delay_ms < most, "{name}: {figures:?}");
    }
}

#[test]
fn a_speaker_of_any_clock_is_fed_without_a_gap() {
    for mut bench in benches() {
        let (mut consumer, meter, mut end) = playback_ring(bench.rate).unwrap();
        let mut heard = vec![];
        let mut time = 0u64;
        bench.run(
            40.0,
            |at, frames| {
                let mut output = vec![0.0f32; frames];
                callback::playback(&mut output, 1, &mut consumer, &meter, at);
                heard.extend(output);
            },
            |now| {
                let mut block = [0.0; BLOCK];
                for sample in &mut block {
                    *sample = 0.5 * (2.0 * std::f64::consts::PI * 440.0 * time as f64 / 48_000.0).sin() as f32;
                    time += 1;
                }
                end.write(&block, now);
            },
        );
        let name = format!("{} Hz, {} frames, {} ppm", bench.rate, bench.buffer, bench.ppm);
        let figures = end.figures();
        assert_eq!(figures.gaps, 0, "{name}: {figures:?}");
        let rate = f64::from(bench.rate) * (1.0 + bench.ppm * 1e-6);
        let (level, rest) = measure(&heard[heard.len() - bench.rate as usize..], 440.0, rate);
        assert!((level - 0.5).abs() < 0.01 && rest < 0.01, "{name}: {level} {rest} {figures:?}");

        let most = bench.buffer as f32 / bench.rate as f32 * 1e3 + 5.0;
        assert!(figures.delay_ms < most, "{name}: {figures:?}");
    }
}

/// Hours of a device that is 200 ppm off, and where the delay stands: least and most of the last half, milliseconds.
fn hours(hours: f64, ppm: f64) -> [(f32, f32); 2] {
    let mut bench = Bench { rate: 48_000, ppm, buffer: 256, jitter: 1.0, seed: 7 };
    let (mut consumer, speaker_meter, mut speaker) = playback_ring(48_000).unwrap();
    let (mut producer, microphone_meter, mut microphone) = capture_ring(48_000).unwrap();
    let (mut output, input) = ([0.0f32; 256], [0.1f32; 256]);
    let mut block = [0.0; BLOCK];
    // by the minute, because the delay moves with the place of a tick within a device buffer
    let mut minutes: [Vec<f32>; 2] = [vec![], vec![]];
    let (mut sums, mut ticks) = ([0.0f64; 2], 0);
    bench.run(
        hours * 3600.0,
        |at, _| {
            callback::playback(&mut output, 1, &mut consumer, &speaker_meter, at);
            callback::capture(&input, 1, &mut producer, &microphone_meter, at);
        },
        |now| {
            speaker.write(&[0.1; BLOCK], now);
            microphone.read(&mut block, now);
            sums[0] += f64::from(microphone.figures().delay_ms);
            sums[1] += f64::from(speaker.figures().delay_ms);
            ticks += 1;
            if ticks == 6_000 {
                for (minutes, sum) in minutes.iter_mut().zip(&mut sums) {
                    minutes.push((std::mem::take(sum) / 6_000.0) as f32);
                }
                ticks = 0;
            }
        },
    );
    assert_eq!((microphone.figures().gaps, speaker.figures().gaps), (0, 0), "{ppm} ppm");
    minutes.map(|minutes| {
        let late = &minutes[minutes.len() / 2..];
        let least = late.iter().copied().fold(f32::INFINITY, f32::min);
        (least, late.iter().copied().fold(0.0, f32::max))
    })
}

/// A quarter of an hour; `HATIF_HOURS=8` is the whole shift.
#[test]
fn the_delay_does_not_grow_with_the_hours() {
    let length = std::env::var("HATIF_HOURS").ok().and_then(|hours| hours.parse().ok()).unwrap_or(0.25);
    for ppm in [-200.0, 200.0] {
        for (what, (least, most)) in ["microphone", "speaker"].into_iter().zip(hours(length, ppm)) {
            println!("{length} h, {ppm} ppm, {what}: {least:.2} to {most:.2} ms");
            assert!(most - least < 0.5 && most < 20.0, "{ppm} ppm, {what}: {least} to {most} ms");
        }
    }
}
