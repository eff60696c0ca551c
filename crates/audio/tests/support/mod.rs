//! Two ends of a call without SIP: each an `Audio`, its events in a queue, its sound measured by content.
#![allow(dead_code, reason = "each test file uses its part")]

pub mod sound_server;

use hatif_audio::{Audio, AudioConfig, Devices};
use hatif_core::{
    audio::{AudioCommand, AudioEvent},
    ids::CallId,
    sip::{Codec, MediaSession},
};
use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::Path,
    sync::mpsc::{Receiver, RecvTimeoutError, channel},
    time::{Duration, Instant},
};

/// Generous: a loaded machine is slow, not wrong.
pub const PATIENCE: Duration = Duration::from_secs(60);

pub struct Station {
    pub audio: Audio,
    events: Receiver<AudioEvent>,
    /// All that came, for the message of a failure.
    seen: Vec<AudioEvent>,
}

impl Station {
    pub fn start(config: AudioConfig) -> Station {
        let filter = tracing_subscriber::EnvFilter::from_default_env();
        let _ = tracing_subscriber::fmt().with_env_filter(filter).with_test_writer().try_init();
        let (sender, events) = channel();
        let audio = Audio::start(config, move |event| drop(sender.send(event))).expect("audio starts");
        Station { audio, events, seen: vec![] }
    }

    pub fn with(devices: Devices) -> Station {
        Self::start(AudioConfig { devices, ..AudioConfig::default() })
    }

    pub fn send(&self, command: AudioCommand) {
        self.audio.send(command).expect("the queue takes a command");
    }

    /// Waits for the event that `wanted` makes something of.
    pub fn wait<T>(&mut self, what: &str, mut wanted: impl FnMut(&AudioEvent) -> Option<T>) -> T {
        let deadline = Instant::now() + PATIENCE;
        loop {
            match self.events.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(event) => {
                    let found = wanted(&event);
                    if !matches!(event, AudioEvent::Level { .. } | AudioEvent::Stats { .. }) {
                        self.seen.push(event);
                    }
                    if let Some(found) = found {
                        return found;
                    }
                }
                Err(RecvTimeoutError::Timeout) => panic!("{what}: not within {PATIENCE:?}; came: {:?}", self.seen),
                Err(RecvTimeoutError::Disconnected) => panic!("{what}: the media thread ended; came: {:?}", self.seen),
            }
        }
    }

    /// What came and was not waited for.
    pub fn rest(&mut self) -> Vec<AudioEvent> {
        self.events.try_iter().collect()
    }

    pub fn open_port(&mut self, call: CallId) -> SocketAddr {
        self.send(AudioCommand::OpenPort { call, place: IpAddr::V4(Ipv4Addr::LOCALHOST).into() });
        self.wait("a port", |event| match event {
            AudioEvent::PortOpened { call: opened, local } if *opened == call => Some(local.addr),
            AudioEvent::PortFailed { text, .. } => panic!("no port: {text:?}"),
            _ => None,
        })
    }

    /// Waits until the call has received so many packets, by its statistics.
    pub fn wait_received(&mut self, call: CallId, packets: u64) {
        self.wait("received packets", |event| match event {
            AudioEvent::Stats { call: about, stats } if *about == call && stats.received >= packets => Some(()),
            _ => None,
        })
    }
}

pub fn session(codec: Codec, remote: SocketAddr) -> MediaSession {
    let payload = match codec {
        Codec::Opus => 111,
        Codec::Pcmu => 0,
        Codec::Pcma => 8,
        Codec::G722 => 9,
    };
    MediaSession {
        codec,
        payload,
        payload_in: payload,
        dtmf_payload: Some(101),
        dtmf_clock: 48_000,
        remote,
        send: true,
        receive: true,
        ptime_ms: 20,
        srtp: None,
        ice: None,
        rtcp_mux: false,
    }
}

/// Joins two stations in a call; both microphones stay closed.
pub fn connect(a: &mut Station, b: &mut Station, call: CallId, codec: Codec) {
    let (at_a, at_b) = (a.open_port(call), b.open_port(call));
    a.send(AudioCommand::Start { call, session: session(codec, at_b) });
    b.send(AudioCommand::Start { call, session: session(codec, at_a) });
}

/// A WAV file of a sine, 16 bit.
pub fn write_tone(path: &Path, rate: u32, frequency: f64, level: f64, seconds: f64) {
    let spec =
        hound::WavSpec { channels: 1, sample_rate: rate, bits_per_sample: 16, sample_format: hound::SampleFormat::Int };
    let mut writer = hound::WavWriter::create(path, spec).expect("a WAV file");
    for i in 0..(seconds * f64::from(rate)) as usize {
        let angle = 2.0 * std::f64::consts::PI * frequency * i as f64 / f64::from(rate);
        writer.write_sample((level * angle.sin() * 32767.0) as i16).expect("a sample");
    }
    writer.finalize().expect("a WAV file");
}

/// The first channel of a WAV file, and its rate.
pub fn read_wav(path: &Path) -> (Vec<f32>, u32) {
    let mut reader = hound::WavReader::open(path).expect("a WAV file");
    let spec = reader.spec();
    let samples: Vec<f32> = match spec.sample_format {
        hound::SampleFormat::Int => reader.samples::<i32>().map(|s| s.expect("a sample") as f32 / 32768.0).collect(),
        hound::SampleFormat::Float => reader.samples::<f32>().map(|s| s.expect("a sample")).collect(),
    };
    (samples.into_iter().step_by(usize::from(spec.channels)).collect(), spec.sample_rate)
}

/// How much of a sine there is in `samples`: its amplitude.
pub fn level_of(samples: &[f32], rate: u32, frequency: f64) -> f64 {
    let (mut a, mut b) = (0.0, 0.0);
    for (i, sample) in samples.iter().enumerate() {
        let angle = 2.0 * std::f64::consts::PI * frequency * i as f64 / f64::from(rate);
        a += f64::from(*sample) * angle.cos();
        b += f64::from(*sample) * angle.sin();
    }
    2.0 * a.hypot(b) / samples.len() as f64
}

pub fn rms(samples: &[f32]) -> f64 {
    (samples.iter().map(|s| f64::from(*s).powi(2)).sum::<f64>() / samples.len() as f64).sqrt()
}

/// Asserts that `samples` hold at least `seconds` of a sine of `frequency` with about `level`, and returns where it begins.
///
/// Looked at in windows of 50 ms; a window counts when the sine is within 2 dB and holds 95 % of the power.
pub fn assert_tone(samples: &[f32], rate: u32, frequency: f64, level: f64, seconds: f64) -> usize {
    let window = rate as usize / 20;
    let good: Vec<usize> = samples
        .chunks_exact(window)
        .enumerate()
        .filter(|(_, chunk)| {
            let found = level_of(chunk, rate, frequency);
            let share = (found / 2f64.sqrt()).powi(2) / rms(chunk).powi(2).max(1e-12);
            (found / level).log10().abs() < 0.1 && share > 0.95
        })
        .map(|(index, _)| index)
        .collect();
    let wanted = (seconds * 20.0) as usize;
    assert!(
        good.len() >= wanted,
        "{} of {} windows hold {frequency} Hz at {level}, {wanted} were wanted; rms {:.4}",
        good.len(),
        samples.len() / window,
        rms(samples)
    );
    good[0] * window
}
