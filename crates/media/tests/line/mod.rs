//! A telephone line in virtual time: two engines, and between them a network that loses, delays, reorders and doubles as a
//! seed says. Also speech-like sound, and how alike two sounds are.

// Each test file uses its part of it.
#![allow(dead_code)]

use hatif_media::{BLOCK, Block, Codec, MediaEngine, Output, RtcpIn, RtcpOut, RtpIn, RtpOut, StreamConfig, StreamKey};
use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

pub const KEY: StreamKey = StreamKey(1);

/// Pseudo-random numbers (xorshift64*), so that a seed tells the whole story.
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// 0.0 to 1.0.
    pub fn throw(&mut self) -> f64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 11) as f64 / (1u64 << 53) as f64
    }

    pub fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.throw()).sum::<f64>() - 6.0
    }
}

/// What the network does to packets, each way.
#[derive(Clone, Copy, Default)]
pub struct Network {
    pub base_ms: f64,
    /// Half-normal with this deviation, correlated from packet to packet, cut at three times it; reorders.
    pub jitter_ms: f64,
    /// Share lost, and mean length of a burst (Gilbert; below 1 is 1).
    pub loss: f64,
    pub burst: f64,
    pub duplicates: f64,
    /// Nothing arrives between these moments (s); it waits and comes at once.
    pub stall: Option<(f64, f64)>,
}

struct Direction {
    dice: Dice,
    bad: bool,
    correlated: f64,
}

impl Direction {
    fn lost(&mut self, network: &Network) -> bool {
        let leave = 1.0 / network.burst.max(1.0);
        let enter = leave * network.loss / (1.0 - network.loss).max(1e-9);
        let throw = self.dice.throw();
        self.bad = match network.burst > 1.0 {
            true => {
                if self.bad {
                    throw >= leave
                } else {
                    throw < enter
                }
            }
            false => throw < network.loss,
        };
        self.bad
    }

    fn delay_ms(&mut self, network: &Network) -> f64 {
        self.correlated = 0.5 * self.correlated + 0.75f64.sqrt() * self.dice.normal();
        network.base_ms + (self.correlated.abs() * network.jitter_ms).min(3.0 * network.jitter_ms)
    }
}

enum Carried {
    Rtp(Box<RtpOut>),
    Rtcp(RtcpOut),
}

/// One end: an engine with its own idea of time.
pub struct End {
    pub engine: MediaEngine,
    pub outputs: Vec<Output>,
    /// Everything that the speaker played.
    pub played: Vec<f32>,
    /// What the microphone records, block by block; silence afterwards.
    pub speech: Vec<f32>,
    /// Clock error, parts per million: more is faster.
    pub drift_ppm: f64,
    /// RTP packets sent.
    pub sent: Vec<RtpOut>,
    ticks: u64,
    phase_ms: f64,
    direction: Direction,
    /// On their way here, by arrival (ns) and a serial number.
    arriving: BTreeMap<(u64, u64), Carried>,
}

impl End {
    fn new(seed: u64, phase_ms: f64) -> Self {
        Self {
            engine: MediaEngine::new(seed),
            outputs: Vec::new(),
            played: Vec::new(),
            speech: Vec::new(),
            drift_ppm: 0.0,
            sent: Vec::new(),
            ticks: 0,
            phase_ms,
            direction: Direction { dice: Dice::new(seed), bad: false, correlated: 0.0 },
            arriving: BTreeMap::new(),
        }
    }

    /// True time of the next tick, ns: a fast clock ticks early.
    fn next_tick(&self) -> u64 {
        ((self.ticks as f64 * 10.0 + self.phase_ms) * 1e6 / (1.0 + self.drift_ppm * 1e-6)) as u64
    }

    /// This end's clock at true time `at`.
    fn now(&self, origin: Instant, at: u64) -> Instant {
        origin + Duration::from_nanos((at as f64 * (1.0 + self.drift_ppm * 1e-6)) as u64)
    }

    fn deliver(&mut self, origin: Instant, until: u64) {
        while let Some(entry) = self.arriving.first_entry().filter(|entry| entry.key().0 <= until) {
            let ((at, _), carried) = entry.remove_entry();
            let now = self.now(origin, at);
            match carried {
                Carried::Rtp(packet) => self.engine.receive_rtp(now, KEY, incoming(&packet)),
                Carried::Rtcp(report) => {
                    let reports: Vec<_> = report.report.into_iter().collect();
                    let report = RtcpIn { ssrc: report.ssrc, sender: report.sender, reports: &reports };
                    self.engine.receive_rtcp(now, KEY, report);
                }
            }
        }
    }

    fn tick(&mut self, origin: Instant, at: u64) {
        let from = (self.ticks as usize * BLOCK).min(self.speech.len());
        let mut microphone: Block = [0.0; BLOCK];
        let rest = &self.speech[from..];
        let length = rest.len().min(BLOCK);
        microphone[..length].copy_from_slice(&rest[..length]);
        let (mut speaker, mut ringer) = ([0.0; BLOCK], [0.0; BLOCK]);
        self.engine.tick(self.now(origin, at), &microphone, &mut speaker, &mut ringer);
        assert!(speaker.iter().all(|x| x.abs() <= 1.0), "within bounds, and a number");
        self.played.extend_from_slice(&speaker);
        self.ticks += 1;
    }
}

pub fn incoming(packet: &RtpOut) -> RtpIn<'_> {
    RtpIn {
        payload_type: packet.payload_type,
        marker: packet.marker,
        sequence: packet.sequence,
        timestamp: packet.timestamp,
        ssrc: packet.ssrc,
        payload: &packet.payload,
    }
}

pub struct Line {
    pub ends: [End; 2],
    pub network: Network,
    origin: Instant,
    serial: u64,
}

impl Line {
    /// Both ends started with `config`, microphones open.
    pub fn new(seed: u64, network: Network, config: &StreamConfig) -> Self {
        let origin = Instant::now();
        let mut ends = [End::new(2 * seed + 1, 0.0), End::new(2 * seed + 2, 3.7)];
        for end in &mut ends {
            end.engine.start(origin, KEY, config.clone());
            end.engine.set_microphone(KEY, true);
        }
        Self { ends, network, origin, serial: 0 }
    }

    pub fn opus(seed: u64, network: Network) -> Self {
        let config = StreamConfig { dtmf_payload: Some(101), ..StreamConfig::new(Codec::Opus, 111) };
        Self::new(seed, network, &config)
    }

    /// The `now` of end `n`.
    pub fn now(&self, n: usize) -> Instant {
        self.ends[n].now(self.origin, self.ends[n].next_tick())
    }

    /// Lets `seconds` pass.
    pub fn run(&mut self, seconds: f64) {
        let until = self.ends[0].next_tick() + (seconds * 1e9) as u64;
        loop {
            let n = usize::from(self.ends[1].next_tick() < self.ends[0].next_tick());
            let at = self.ends[n].next_tick();
            if at >= until {
                return;
            }
            self.ends[n].deliver(self.origin, at);
            self.ends[n].tick(self.origin, at);
            while let Some(output) = self.ends[n].engine.poll_output() {
                match output {
                    Output::Rtp(packet) => {
                        self.ends[n].sent.push(packet.clone());
                        self.carry(n, at, Carried::Rtp(Box::new(packet)));
                    }
                    Output::Rtcp { report, .. } => {
                        self.ends[n].outputs.push(output);
                        self.carry(n, at, Carried::Rtcp(report));
                    }
                    other => self.ends[n].outputs.push(other),
                }
            }
        }
    }

    fn carry(&mut self, from: usize, at: u64, carried: Carried) {
        let direction = &mut self.ends[from].direction;
        let (lost, mut delay) = (direction.lost(&self.network), direction.delay_ms(&self.network));
        if let Some((begin, end)) = self.network.stall {
            let arrival = at as f64 / 1e9 + delay / 1e3;
            if (begin..end).contains(&arrival) {
                delay += (end - arrival) * 1e3;
            }
        }
        let twice = direction.dice.throw() < self.network.duplicates;
        let arrival = at + (delay * 1e6) as u64;
        self.serial += 2;
        if lost && matches!(carried, Carried::Rtp(_)) {
            return;
        }
        let to = &mut self.ends[1 - from].arriving;
        if let (true, Carried::Rtp(packet)) = (twice, &carried) {
            to.insert((arrival + 7_000_000, self.serial + 1), Carried::Rtp(packet.clone()));
        }
        to.insert((arrival, self.serial), carried);
    }

    /// The last statistics of end `n`.
    pub fn stats(&self, n: usize) -> hatif_media::StreamStats {
        let stats = |output: &Output| if let Output::Stats { stats, .. } = output { Some(*stats) } else { None };
        self.ends[n].outputs.iter().rev().find_map(stats).expect("a second has passed")
    }
}

/// Something like speech: syllables of a gliding voice with formants, hisses between, pauses. 48 kHz.
pub fn speech(seed: u64, seconds: f64) -> Vec<f32> {
    let mut dice = Dice::new(seed);
    let mut samples = Vec::new();
    let mut phase = 0.0f64;
    while samples.len() < (seconds * 48_000.0) as usize {
        let (length, pitch) = (0.12 + 0.2 * dice.throw(), 100.0 + 80.0 * dice.throw());
        let (glide, formants) =
            (dice.normal() * 15.0, [300.0 + 500.0 * dice.throw(), 900.0 + 1_400.0 * dice.throw(), 2_800.0]);
        let count = (length * 48_000.0) as usize;
        let amplitudes: Vec<f64> = (1..30)
            .map(|k| {
                let hertz = pitch * f64::from(k);
                let near = |formant: &f64| 1.0 / (1.0 + ((hertz - formant) / 120.0).powi(2));
                formants.iter().map(near).sum::<f64>() + 0.02
            })
            .collect();
        for n in 0..count {
            let at = n as f64 / count as f64;
            let envelope = (std::f64::consts::PI * at).sin().powf(0.6) * 0.11;
            phase += (pitch + glide * at) / 48_000.0;
            let voice: f64 = amplitudes
                .iter()
                .enumerate()
                .map(|(k, amplitude)| amplitude * (std::f64::consts::TAU * phase * (k + 1) as f64).sin())
                .sum();
            samples.push((envelope * voice) as f32);
        }
        let (hiss, pause) = (dice.throw() < 0.4, (dice.throw() * 3_000.0) as usize);
        let mut last = 0.0;
        for n in 0..if hiss { 3_800 } else { pause } {
            let noise = dice.normal()
                * if hiss { 0.02 * (std::f64::consts::PI * f64::from(n as u32) / 3_800.0).sin() } else { 0.0002 };
            samples.push((noise - last) as f32);
            last = noise;
        }
        if dice.throw() < 0.2 {
            samples.extend((0..14_400).map(|_| (dice.normal() * 0.0002) as f32));
        }
    }
    samples.truncate((seconds * 48_000.0) as usize);
    samples
}

/// Delay of `got` behind `sent` by cross-correlation around `near` (samples of 48 kHz), and the correlation there.
pub fn likeness(sent: &[f32], got: &[f32], least: usize, most: usize) -> (usize, f64) {
    let correlation = |delay: usize, step: usize| {
        let (mut product, mut a, mut b) = (0.0f64, 1e-12f64, 1e-12f64);
        for (x, y) in sent.iter().step_by(step).zip(got[delay.min(got.len())..].iter().step_by(step)) {
            product += f64::from(x * y);
            a += f64::from(x * x);
            b += f64::from(y * y);
        }
        product / (a * b).sqrt()
    };
    let best = |delays: &mut dyn Iterator<Item = usize>, step| {
        delays.map(|delay| (delay, correlation(delay, step))).max_by(|a, b| a.1.total_cmp(&b.1)).expect("a delay")
    };
    let (coarse, _) = best(&mut (least..most).step_by(8), 7);
    best(&mut (coarse.saturating_sub(12)..coarse + 12), 1)
}

/// Delay (ms) and likeness of `got` for each half second of `sent` that is not a pause.
pub fn by_window(sent: &[f32], got: &[f32], most_ms: usize) -> Vec<(f64, f64)> {
    let window = 24_000;
    let mut found = Vec::new();
    for start in (0..sent.len().saturating_sub(window)).step_by(window) {
        let part = &sent[start..start + window];
        let loud = part.iter().map(|x| x * x).sum::<f32>() / window as f32 > 1e-4;
        if loud && got.len() > start + window + most_ms * 48 {
            let (delay, likeness) = likeness(part, &got[start..start + window + most_ms * 48], 0, most_ms * 48);
            found.push((delay as f64 / 48.0, likeness));
        }
    }
    found
}
