//! One call's media: what comes in, what goes out, what is counted.

use crate::{
    BLOCK, Block, Codec, Output, RtcpIn, RtcpOut, RtpIn, Source, StreamConfig, StreamKey, StreamStats,
    announce::Announcer,
    clock::Clock,
    codec::Decoder,
    digits::DigitReceiver,
    in_band::InBandSender,
    jitter::{Counters, JitterBuffer},
    mixer::{self, Limiter},
    quality,
    random::Random,
    sender::Sender,
    statistics::{Reception, Remote},
};
use std::time::{Duration, Instant};

/// The first reports come sooner, so that protection against loss begins with the conversation; then RFC 3550's 5 s.
const FIRST_REPORT: Duration = Duration::from_secs(1);
const EARLY_REPORTS: u32 = 3;
const EARLY_REPORT_EVERY: Duration = Duration::from_millis(2_500);
const REPORT_EVERY: Duration = Duration::from_secs(5);
const STATS_EVERY: Duration = Duration::from_secs(1);
const SILENCE_EVERY: Duration = Duration::from_secs(5);
/// Another SSRC is believed when the one before has been still for so long, or after so many packets of it in a row.
const SSRC_STILL: Duration = Duration::from_millis(100);
const SSRC_PACKETS: u32 = 3;

/// Packet, codec and sound devices of both ends: what of mouth to ear does not show in statistics.
const FIXED_DELAY_MS: f32 = 50.0;

pub(crate) struct Stream {
    pub(crate) key: StreamKey,
    config: StreamConfig,
    pub(crate) microphone: bool,
    /// Whether it was open in the block before: opening and closing are soft, over one block.
    was_open: bool,
    pub(crate) listen: bool,
    source: Source,
    /// How much of a clip has been sent, samples.
    clip_position: usize,
    in_band: InBandSender,
    announcer: Announcer,
    /// Of what this party of a conference hears.
    limiter: Limiter,
    sender: Sender,
    jitter: JitterBuffer<Decoder>,
    digits: DigitReceiver,
    reception: Option<Reception>,
    /// An SSRC that wants to take over, and its packets in a row.
    candidate: Option<(u32, u32)>,
    remote: Remote,
    /// What was lost of sources that are gone.
    lost_before: u64,
    received: u64,
    /// When the last packet came; the start, before the first.
    last_packet: Instant,
    silences: u32,
    next_report: Instant,
    reports: u32,
    next_stats: Instant,
    counters_at_stats: Counters,
    /// What the far side said in this tick, and what was said to it here.
    pub(crate) heard: Block,
    pub(crate) said: Block,
}

impl Stream {
    pub(crate) fn new(now: Instant, key: StreamKey, config: StreamConfig, random: &mut Random) -> Self {
        let codec = config.codec;
        Self {
            key,
            config,
            microphone: false,
            was_open: false,
            listen: true,
            source: Source::Microphone,
            clip_position: 0,
            in_band: InBandSender::new(),
            announcer: Announcer::default(),
            limiter: Limiter::new(),
            sender: Sender::new(codec, random),
            jitter: JitterBuffer::new(Decoder::new(codec), codec.clock_rate()),
            digits: DigitReceiver::new(),
            reception: None,
            candidate: None,
            remote: Remote::default(),
            lost_before: 0,
            received: 0,
            last_packet: now,
            silences: 0,
            next_report: now + FIRST_REPORT,
            reports: 0,
            next_stats: now + STATS_EVERY,
            counters_at_stats: Counters::default(),
            heard: [0.0; BLOCK],
            said: [0.0; BLOCK],
        }
    }

    /// What is sent before the first block.
    pub(crate) fn open(&mut self) -> Option<crate::RtpOut> {
        self.sender.open(self.key, &self.config)
    }

    pub(crate) fn reconfigure(&mut self, now: Instant, config: StreamConfig) {
        if config == self.config {
            return;
        }
        self.sender.reconfigure(&config);
        let codec = config.codec;
        if codec != self.config.codec {
            self.jitter.set_decoder(Decoder::new(codec), codec.clock_rate());
            // Jitter is counted in units of the old clock.
            self.forget_source();
        } else if config.receive != self.config.receive {
            self.jitter.restart();
        }
        if config.receive && !self.config.receive {
            (self.last_packet, self.silences) = (now, 0);
        }
        self.config = config;
    }

    pub(crate) fn set_source(&mut self, source: Source) {
        self.source = source;
        self.clip_position = 0;
    }

    pub(crate) fn send_digits(&mut self, digits: &str) {
        if self.config.dtmf_payload.is_some() && self.config.send {
            self.sender.queue_digits(digits);
        }
    }

    pub(crate) fn speak_digits(&mut self, digits: &str) {
        if self.config.send {
            self.in_band.queue(digits);
        }
    }

    /// Whether both sides are told by a tone that they are recorded.
    pub(crate) fn announce(&mut self, on: bool) {
        self.announcer.set(on);
    }

    fn forget_source(&mut self) {
        if let Some(reception) = self.reception.take() {
            self.lost_before += reception.lost().max(0) as u64;
        }
        self.candidate = None;
    }

    pub(crate) fn receive_rtp(&mut self, now: Instant, clock: &Clock, packet: &RtpIn<'_>) -> Option<Output> {
        let is_digit = self.config.dtmf_payload == Some(packet.payload_type);
        if !is_digit && packet.payload_type != self.config.payload_type {
            return None;
        }
        if !self.is_believed(now, packet) {
            return None;
        }
        self.received += 1;
        (self.last_packet, self.silences) = (now, 0);
        let samples = clock.samples(now);
        let arrived = samples * i64::from(self.config.codec.clock_rate()) / i64::from(crate::SAMPLE_RATE);
        let arrived = Some(arrived as u32).filter(|_| !is_digit);
        let reception = self.reception.get_or_insert_with(|| Reception::new(packet.ssrc, packet.sequence));
        reception.received(packet.sequence, packet.timestamp, arrived);
        if is_digit {
            self.jitter.pass(samples, packet.sequence, packet.timestamp);
            let digit = self.digits.received(packet.ssrc, packet.timestamp, packet.payload)?;
            return Some(Output::Digit { key: self.key, digit });
        }
        if self.config.receive {
            self.jitter.insert(samples, packet.sequence, packet.timestamp, packet.payload);
        }
        None
    }

    /// Whether the packet's SSRC is the far side's. A new one takes over when the old one is still or it insists: PBXs change
    /// the SSRC at transfers, and one stray packet must not end the sound.
    fn is_believed(&mut self, now: Instant, packet: &RtpIn<'_>) -> bool {
        let Some(reception) = &self.reception else { return true };
        if reception.ssrc() == packet.ssrc {
            self.candidate = None;
            return true;
        }
        let count = match self.candidate {
            Some((ssrc, count)) if ssrc == packet.ssrc => count + 1,
            _ => 1,
        };
        self.candidate = Some((packet.ssrc, count));
        if count < SSRC_PACKETS && now.saturating_duration_since(self.last_packet) < SSRC_STILL {
            return false;
        }
        self.forget_source();
        self.remote.last_sender = None;
        self.jitter.restart();
        true
    }

    pub(crate) fn receive_rtcp(&mut self, now: Instant, clock: &Clock, report: &RtcpIn<'_>) {
        let about_us = self.remote.reported(report, self.sender.ssrc(), clock.ntp(now));
        if let (true, Some(loss)) = (about_us, self.remote.loss()) {
            self.sender.set_expected_loss(loss);
        }
    }

    /// First half of a tick: what the far side says, into `heard`.
    pub(crate) fn hear(&mut self, now: Instant, clock: &Clock) {
        self.digits.tick();
        if self.config.receive {
            self.jitter.pull(clock.samples(now), &mut self.heard);
        } else {
            self.heard.fill(0.0);
        }
    }

    /// Second half: what it hears of us, and in a conference of the `others`; the tone of a recording to both, and to us on the
    /// `speaker`.
    pub(crate) fn say(&mut self, microphone: &Block, others: Option<&Block>, speaker: &mut Block) -> Option<Output> {
        let mut clip = [0.0; BLOCK];
        let was_open = std::mem::replace(&mut self.was_open, self.microphone);
        let block = match &self.source {
            Source::Microphone if self.microphone && was_open => microphone,
            Source::Microphone if self.microphone || was_open => {
                for (n, (sample, recorded)) in clip.iter_mut().zip(microphone).enumerate() {
                    let share = n as f32 / BLOCK as f32;
                    *sample = recorded * if was_open { 1.0 - share } else { share };
                }
                &clip
            }
            Source::Microphone => &clip,
            Source::Echo => &self.heard,
            Source::Clip(samples) => {
                let rest = samples.get(self.clip_position..).unwrap_or_default();
                let length = rest.len().min(BLOCK);
                clip[..length].copy_from_slice(&rest[..length]);
                self.clip_position += length;
                &clip
            }
        };
        let mut mix = *block;
        if let Some(tone) = self.announcer.tick() {
            mixer::add(&mut mix, &tone);
            if self.listen {
                mixer::add(speaker, &tone);
            }
        }
        self.said = mix;
        if let Some(others) = others {
            mixer::add(&mut mix, others);
            self.limiter.process(&mut mix);
        }
        self.in_band.tick(&mut mix);
        self.sender.tick(self.key, &self.config, &mix).map(Output::Rtp)
    }

    /// What is due by time.
    pub(crate) fn report(&mut self, now: Instant, clock: &Clock, mut emit: impl FnMut(Output)) {
        let key = self.key;
        if now >= self.next_report {
            self.reports += 1;
            self.next_report = now + if self.reports < EARLY_REPORTS { EARLY_REPORT_EVERY } else { REPORT_EVERY };
            emit(Output::Rtcp { key, report: self.rtcp(now, clock, false) });
        }
        if now >= self.next_stats {
            self.next_stats = now + STATS_EVERY;
            emit(Output::Stats { key, stats: self.stats() });
        }
        let still = now.saturating_duration_since(self.last_packet);
        if self.config.receive && still >= SILENCE_EVERY * (self.silences + 1) {
            self.silences += 1;
            emit(Output::Silence { key, seconds: self.silences * SILENCE_EVERY.as_secs() as u32 });
        }
    }

    pub(crate) fn rtcp(&mut self, now: Instant, clock: &Clock, bye: bool) -> RtcpOut {
        let ntp = clock.ntp(now);
        let last_sender = self.remote.last_sender;
        RtcpOut {
            ssrc: self.sender.ssrc(),
            sender: self.sender.report(ntp),
            report: self.reception.as_mut().map(|reception| reception.report(last_sender, ntp)),
            bye,
        }
    }

    fn stats(&mut self) -> StreamStats {
        let counters = self.jitter.counters();
        let before = std::mem::replace(&mut self.counters_at_stats, counters);
        let played = (counters.played - before.played).max(1);
        let lost = self.reception.as_ref().map_or(0, |reception| reception.lost().max(0) as u64);
        let jitter = self.reception.as_ref().map_or(0, Reception::jitter);
        let concealed = ((counters.concealed - before.concealed) as f32 / played as f32).min(1.0);
        let buffer_ms = self.jitter.depth() as f32 * 1_000.0 / Codec::Opus.clock_rate() as f32;
        let network_ms = self.remote.round_trip_ms().unwrap_or(0.0) / 2.0;
        let heard = self.config.receive && counters.played > before.played;
        StreamStats {
            sent: self.sender.packets(),
            received: self.received,
            lost: self.lost_before + lost,
            jitter_ms: jitter as f32 * 1_000.0 / self.clock_rate(),
            concealed,
            buffer_ms,
            round_trip_ms: self.remote.round_trip_ms(),
            remote_loss: self.remote.loss(),
            mos: heard.then(|| quality::mos(self.config.codec, network_ms + buffer_ms + FIXED_DELAY_MS, concealed)),
        }
    }

    fn clock_rate(&self) -> f32 {
        self.config.codec.clock_rate() as f32
    }
}
