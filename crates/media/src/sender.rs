//! What we send into a call: blocks to packets, one sequence and one time line through every change of source, codec and
//! direction (RFC 3550 5.1), digits in between (RFC 4733).

use crate::{
    BLOCK, Block, Codec, Payload, RtpOut, SenderInfo, StreamConfig, StreamKey,
    codec::{Encoder, MAX_FRAME},
    digits::{DigitSender, DigitTick},
    random::Random,
};

pub(crate) struct Sender {
    ssrc: u32,
    sequence: u16,
    /// RTP time of the block that comes now; goes on whether anything is sent or not.
    timestamp: u32,
    /// RTP time of the event being sent.
    event_timestamp: u32,
    codec: Codec,
    encoder: Encoder,
    frame: Vec<f32>,
    /// The next sound is the first after a pause.
    marker: bool,
    /// What is sent is a block ahead of what is captured.
    early: bool,
    digits: DigitSender,
    packets: u64,
    octets: u32,
    sent_at_report: u64,
}

impl Sender {
    pub(crate) fn new(codec: Codec, random: &mut Random) -> Self {
        let (ssrc, start) = (random.next(), random.next());
        Self {
            ssrc: ssrc as u32,
            // The upper bit clear: early wraps have troubled receivers that were not listening yet.
            sequence: (ssrc >> 32) as u16 & 0x7fff,
            timestamp: start as u32,
            event_timestamp: 0,
            codec,
            encoder: Encoder::new(codec),
            frame: Vec::with_capacity(MAX_FRAME),
            marker: true,
            early: false,
            digits: DigitSender::new(),
            packets: 0,
            octets: 0,
            sent_at_report: 0,
        }
    }

    /// Another configuration; the encoder's memory is kept if the codec is.
    pub(crate) fn reconfigure(&mut self, config: &StreamConfig) {
        if self.codec != config.codec {
            self.codec = config.codec;
            self.encoder = Encoder::new(config.codec);
            self.marker = true;
        }
        self.frame.clear();
        if config.dtmf_payload.is_none() || !config.send {
            self.digits.clear();
        }
    }

    pub(crate) fn ssrc(&self) -> u32 {
        self.ssrc
    }

    pub(crate) fn packets(&self) -> u64 {
        self.packets
    }

    pub(crate) fn queue_digits(&mut self, digits: &str) {
        self.digits.queue(digits);
    }

    pub(crate) fn set_expected_loss(&mut self, loss: f32) {
        self.encoder.set_expected_loss(loss);
    }

    /// A frame of silence before the first block, sent at once: it opens the way through NATs, and the far side learns where
    /// we are a frame earlier. The block after it is left out, so that this packet is not a late one beside the next.
    pub(crate) fn open(&mut self, key: StreamKey, config: &StreamConfig) -> Option<RtpOut> {
        let silence = [0.0; BLOCK];
        let first = (0..Encoder::blocks(self.codec, config.ptime_ms)).find_map(|_| self.tick(key, config, &silence));
        self.early = first.is_some();
        first
    }

    /// 10 ms: the packet that is ready now, if any.
    pub(crate) fn tick(&mut self, key: StreamKey, config: &StreamConfig, block: &Block) -> Option<RtpOut> {
        if std::mem::take(&mut self.early) {
            return None;
        }
        let packet = if config.send { self.send(key, config, block) } else { self.pause() };
        self.timestamp = self.timestamp.wrapping_add(self.codec.clock_rate() / 100);
        packet
    }

    fn pause(&mut self) -> Option<RtpOut> {
        self.frame.clear();
        self.marker = true;
        None
    }

    fn send(&mut self, key: StreamKey, config: &StreamConfig, block: &Block) -> Option<RtpOut> {
        let digit = match config.dtmf_payload {
            Some(payload_type) => Some((payload_type, self.digits.tick(config.dtmf_clock))),
            None => None,
        };
        match digit {
            Some((payload_type, DigitTick::Packet(event))) => {
                self.pause();
                if event.first {
                    // The event began a tick ago.
                    self.event_timestamp = self.timestamp.wrapping_sub(self.codec.clock_rate() / 100);
                }
                Some(self.packet(key, payload_type, event.first, self.event_timestamp, Payload::new(&event.payload)))
            }
            Some((_, DigitTick::Hush)) => self.pause(),
            _ => self.send_sound(key, config, block),
        }
    }

    fn send_sound(&mut self, key: StreamKey, config: &StreamConfig, block: &Block) -> Option<RtpOut> {
        self.frame.extend_from_slice(block);
        let blocks = self.frame.len() / BLOCK;
        if blocks < Encoder::blocks(self.codec, config.ptime_ms) {
            return None;
        }
        let payload = Payload::fill(|room| self.encoder.encode(&self.frame, room));
        self.frame.clear();
        if payload.is_empty() {
            return None;
        }
        let marker = std::mem::take(&mut self.marker);
        let before = (blocks as u32 - 1) * (self.codec.clock_rate() / 100);
        Some(self.packet(key, config.payload_type, marker, self.timestamp.wrapping_sub(before), payload))
    }

    fn packet(&mut self, key: StreamKey, payload_type: u8, marker: bool, timestamp: u32, payload: Payload) -> RtpOut {
        let sequence = self.sequence;
        self.sequence = sequence.wrapping_add(1);
        self.packets += 1;
        self.octets = self.octets.wrapping_add(payload.len() as u32);
        RtpOut { key, payload_type, marker, sequence, timestamp, ssrc: self.ssrc, payload }
    }

    /// Sender information at `ntp`, if anything was sent since the last report.
    pub(crate) fn report(&mut self, ntp: u64) -> Option<SenderInfo> {
        let active = self.packets > self.sent_at_report;
        self.sent_at_report = self.packets;
        active.then_some(SenderInfo {
            ntp,
            rtp_timestamp: self.timestamp,
            packets: self.packets as u32,
            octets: self.octets,
        })
    }
}
