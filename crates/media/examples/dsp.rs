//! What each part of the media path costs: CPU time per 10 ms on one core, as JSON lines `{"part", "us", "worst_us"}`.
//! `cargo xtask bench dsp` runs it and writes the table. `dsp SPEECH.wav` (48 kHz mono, 16 bit).
//!
//! Linux only: the thread's own CPU time is read from `/proc`, so that other programs do not count.

use hatif_media::{
    BLOCK, Block, Codec, MediaEngine, Output, RtpIn, Source, StreamConfig, StreamKey,
    capture::{Capture, CaptureConfig, EchoMode},
};
use std::time::{Duration, Instant};

/// CPU time of this thread so far, microseconds.
fn cpu() -> f64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").expect("Linux");
    text.split(' ').next().and_then(|nanos| nanos.parse::<f64>().ok()).expect("nanoseconds") / 1_000.0
}

fn read(path: &str) -> Vec<Block> {
    let mut file = hound::WavReader::open(path).expect("a WAV file");
    let samples: Vec<f32> =
        file.samples::<i16>().map(|sample| f32::from(sample.expect("16-bit samples")) / 32_768.0).collect();
    samples.chunks_exact(BLOCK).map(|block| std::array::from_fn(|n| block[n])).collect()
}

/// Reading the clock costs about as much as a filter, so the sum is measured in hundreds of blocks.
fn measure(part: &str, blocks: &[Block], mut work: impl FnMut(usize, &Block)) {
    let (mut sum, mut worst) = (0.0, 0.0f64);
    for (index, hundred) in blocks.chunks(100).enumerate() {
        let from = cpu();
        for (n, block) in hundred.iter().enumerate() {
            work(index * 100 + n, block);
        }
        let took = cpu() - from;
        sum += took;
        worst = worst.max(took / hundred.len() as f64);
    }
    println!(r#"{{"part": "{part}", "us": {:.2}, "worst_us": {worst:.2}}}"#, sum / blocks.len() as f64);
}

fn chain(part: &str, speech: &[Block], config: CaptureConfig, noise: f32, far: bool) {
    let mut capture = Capture::new();
    capture.configure(config);
    let mut seed = 1u32;
    let silence = [0.0; BLOCK];
    measure(part, speech, |tick, block| {
        let mut block = *block;
        for sample in &mut block {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            *sample += ((seed >> 8) as f32 / (1 << 23) as f32 - 1.0) * noise;
        }
        capture.played(if far { &speech[(tick + 700) % speech.len()] } else { &silence });
        capture.process(&mut block);
    });
}

/// A call between two engines, every `lose`th packet lost; what the second one costs with its tick alone.
fn call(part: &str, speech: &[Block], codec: Codec, talks: bool, lose: Option<usize>) {
    let (start, key) = (Instant::now(), StreamKey(1));
    let (mut far, mut near) = (MediaEngine::new(1), MediaEngine::new(2));
    let config = StreamConfig::new(codec, if codec == Codec::Opus { 111 } else { 8 });
    for engine in [&mut far, &mut near] {
        engine.start(start, key, config.clone());
    }
    far.set_microphone(key, true);
    near.set_microphone(key, talks);
    if !talks {
        // Nothing leaves, so that only listening is measured.
        near.start(start, key, StreamConfig { send: false, ..config });
        near.set_source(key, Source::Microphone);
    }
    let (mut sum, mut worst, mut hundred, mut sent) = (0.0, 0.0f64, 0.0, 0);
    let (mut speaker, mut ringer) = ([0.0; BLOCK], [0.0; BLOCK]);
    for (tick, block) in speech.iter().enumerate() {
        let now = start + Duration::from_millis(10 * tick as u64);
        far.tick(now, block, &mut speaker, &mut ringer);
        let mut packets = vec![];
        while let Some(output) = far.poll_output() {
            if let Output::Rtp(packet) = output {
                sent += 1;
                if lose.is_none_or(|lose| sent % lose != 0) {
                    packets.push(packet);
                }
            }
        }
        let from = cpu();
        for packet in &packets {
            let packet = RtpIn {
                payload_type: packet.payload_type,
                marker: packet.marker,
                sequence: packet.sequence,
                timestamp: packet.timestamp,
                ssrc: packet.ssrc,
                payload: &packet.payload,
            };
            near.receive_rtp(now, key, packet);
        }
        near.tick(now, &speech[(tick + 700) % speech.len()], &mut speaker, &mut ringer);
        while near.poll_output().is_some() {}
        let took = cpu() - from;
        sum += took;
        hundred += took;
        if tick % 100 == 99 {
            worst = worst.max(hundred / 100.0);
            hundred = 0.0;
        }
    }
    println!(r#"{{"part": "{part}", "us": {:.2}, "worst_us": {worst:.2}}}"#, sum / speech.len() as f64);
}

fn main() {
    let path = std::env::args().nth(1).expect("a file; see the first lines of this example");
    let speech = read(&path);
    let off = CaptureConfig::raw();
    chain("capture: nothing (levels, clipping, echo watch)", &speech, off, 0.0, true);
    chain("capture: high-pass", &speech, CaptureConfig { high_pass: true, ..off }, 0.0, true);
    chain(
        "capture: gain and limiter",
        &speech,
        CaptureConfig { automatic_gain: true, limiter: true, ..off },
        0.0,
        true,
    );
    chain("capture: noise suppression at work", &speech, CaptureConfig { noise_suppression: true, ..off }, 0.02, true);
    chain("capture: echo canceller at work", &speech, CaptureConfig { echo: EchoMode::On, ..off }, 0.0, true);
    chain(
        "capture: all, quiet room, headset",
        &speech,
        CaptureConfig { echo: EchoMode::Off, ..CaptureConfig::default() },
        0.0,
        true,
    );
    chain(
        "capture: all, noise and open speakers",
        &speech,
        CaptureConfig { echo: EchoMode::On, ..CaptureConfig::default() },
        0.02,
        true,
    );
    call("engine: listen, Opus", &speech, Codec::Opus, false, None);
    call("engine: listen, Opus, 10 % lost", &speech, Codec::Opus, false, Some(10));
    call("engine: listen, PCMA", &speech, Codec::Pcma, false, None);
    call("engine: listen and talk, Opus", &speech, Codec::Opus, true, None);
    call("engine: listen and talk, Opus, 10 % lost", &speech, Codec::Opus, true, Some(10));
    call("engine: listen and talk, PCMA", &speech, Codec::Pcma, true, None);
}
