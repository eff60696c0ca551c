//! Speech from a sound file through two engines and an emulated network, in virtual time, into another sound file: for
//! listening, for PESQ and its kin, and for the processor time of a tick.
//!
//! `cargo run --release -p hatif-media --example line -- in.wav out.wav --loss 10 --burst 3 --jitter 20 --seed 1`
//!
//! Input: 48 kHz mono. Options: `--codec opus|pcmu|pcma|g722`, `--loss` (per cent), `--burst` (mean packets), `--jitter` and
//! `--base` (ms), `--drift` (ppm), `--seed`, `--lead` (seconds of call before the file begins, 2.5). Prints counts, the processor time of a tick of one end (means of the
//! talking and the listening one), and the delay from sample to sample in ms: what a caller's ear gets is that, plus 10 ms
//! for the block, plus devices.

#[path = "../tests/line/mod.rs"]
mod line;

use hatif_media::{Codec, StreamConfig};
use line::{Line, Network, by_window};
use std::{collections::HashMap, error::Error, time::Instant};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [input, output, options @ ..] = &arguments[..] else {
        return Err("usage: line in.wav out.wav [--loss 10]...".into());
    };
    let options: HashMap<&str, &str> =
        options.chunks_exact(2).map(|pair| (pair[0].trim_start_matches('-'), pair[1].as_str())).collect();
    let number = |name: &str, otherwise: f64| options.get(name).map_or(Ok(otherwise), |value| value.parse::<f64>());
    let codec = match options.get("codec") {
        Some(&"pcmu") => Codec::Pcmu,
        Some(&"pcma") => Codec::Pcma,
        Some(&"g722") => Codec::G722,
        _ => Codec::Opus,
    };
    let network = Network {
        base_ms: number("base", 20.0)?,
        jitter_ms: number("jitter", 0.0)?,
        loss: number("loss", 0.0)? / 100.0,
        burst: number("burst", 1.0)?,
        ..Network::default()
    };
    let mut line = Line::new(number("seed", 1.0)? as u64, network, &StreamConfig::new(codec, 96));
    line.ends[1].drift_ppm = number("drift", 0.0)?;
    let lead = (number("lead", 2.5)? * 100.0) as usize * hatif_media::BLOCK;
    let speech = read(input)?;
    line.ends[0].speech = [vec![0.0; lead], speech.clone()].concat();
    let seconds = line.ends[0].speech.len() as f64 / 48_000.0 + 1.0;
    let begun = (Instant::now(), processor_seconds());
    line.run(seconds);
    let elapsed = match (begun.1, processor_seconds()) {
        (Some(begun), Some(now)) => now - begun,
        _ => begun.0.elapsed().as_secs_f64(),
    };
    let per_tick = elapsed * 1e6 / (seconds * 200.0);
    let played = &line.ends[1].played[lead..];
    write(output, played)?;

    let windows = by_window(&speech, played, 600);
    let mut delays: Vec<f64> = windows.iter().map(|window| window.0).collect();
    delays.sort_by(f64::total_cmp);
    let delay = |share: f64| delays.get((delays.len() as f64 * share) as usize).copied().unwrap_or(f64::NAN);
    let kbit_s = |packets: &[hatif_media::RtpOut]| {
        packets.iter().map(|packet| packet.payload.len()).sum::<usize>() as f64 * 0.4 / packets.len().max(1) as f64
    };
    let sent = &line.ends[0].sent;
    let most = sent.windows(100).map(kbit_s).fold(0.0, f64::max);
    println!("delay_ms {:.1} p95 {:.1}", delay(0.5), delay(0.95));
    println!("kbit_s {:.1}, in two seconds at most {most:.1}", kbit_s(&sent[lead / 960..]));
    println!("us_per_tick {per_tick:.1}");
    println!("{:?}", line.stats(1));
    Ok(())
}

/// Processor time of this thread, where the system tells (Linux): the same however busy the machine is.
fn processor_seconds() -> Option<f64> {
    let text = std::fs::read_to_string("/proc/self/schedstat").ok()?;
    Some(text.split_whitespace().next()?.parse::<f64>().ok()? * 1e-9)
}

fn read(path: &str) -> Result<Vec<f32>, Box<dyn Error>> {
    let mut reader = hound::WavReader::open(path)?;
    let spec = reader.spec();
    if spec.sample_rate != hatif_media::SAMPLE_RATE || spec.channels != 1 {
        return Err("48 kHz mono is needed".into());
    }
    let samples: Result<Vec<f32>, hound::Error> = match spec.sample_format {
        hound::SampleFormat::Float => reader.samples::<f32>().collect(),
        hound::SampleFormat::Int => {
            let scale = 1.0 / (1u64 << (spec.bits_per_sample - 1)) as f32;
            reader.samples::<i32>().map(|sample| sample.map(|sample| sample as f32 * scale)).collect()
        }
    };
    Ok(samples?)
}

fn write(path: &str, samples: &[f32]) -> Result<(), Box<dyn Error>> {
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: hatif_media::SAMPLE_RATE,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut writer = hound::WavWriter::create(path, spec)?;
    for sample in samples {
        writer.write_sample((sample.clamp(-1.0, 1.0) * 32_767.0) as i16)?;
    }
    Ok(writer.finalize()?)
}
