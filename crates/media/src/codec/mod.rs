//! Codecs behind two faces: [`Encoder`] for what we send, [`Decode`] for what the jitter buffer asks of a decoder.
//! Everything is 48 kHz mono outside; what a codec needs inside (8 kHz, its own concealment) stays inside.

mod conceal;
mod g711;
mod g722;
mod libopus;
mod opus_decoder;
mod opus_encoder;
mod resample;

pub(crate) use opus_encoder::OpusEncoder;

use crate::{Codec, MAX_PAYLOAD};
use conceal::Concealer;
use g711::Law;
use g722::{G722Decoder, G722Encoder};
use opus_decoder::OpusDecoder;
use resample::{Downsampler, Upsampler};

/// Samples of the longest packet that is accepted: 120 ms, Opus's limit (RFC 6716 2.1.4).
pub(crate) const MAX_FRAME: usize = 5760;

/// What the jitter buffer asks of a decoder. All lengths are samples at 48 kHz; every call fills `out` wholly.
pub(crate) trait Decode {
    /// Samples in a packet, at most [`MAX_FRAME`]; `None` if it is not one of this codec.
    fn duration(&self, payload: &[u8]) -> Option<usize>;

    /// How many samples before the packet its redundancy can restore; 0: it carries none.
    fn reach(&mut self, payload: &[u8]) -> usize;

    /// Whether the packet says that silence begins: what follows without packets is not loss.
    fn begins_silence(&self, payload: &[u8]) -> bool;

    /// Decodes a packet whose `duration` is `out.len()`.
    fn decode(&mut self, payload: &[u8], out: &mut [f32]);

    /// The sound that begins `before` samples ahead of the packet `next`, from its redundancy; concealment where that does not
    /// reach. `out.len()` is a multiple of 2.5 ms and not above `before`. To be asked for in order of time.
    fn recover(&mut self, next: &[u8], before: usize, out: &mut [f32]);

    /// Sound for a packet that did not come. `out.len()` is a multiple of 2.5 ms.
    fn conceal(&mut self, out: &mut [f32]);
}

/// The decoder of a stream.
pub(crate) enum Decoder {
    Opus(OpusDecoder),
    G711(Box<G711Decoder>),
    G722(Box<WideDecoder>),
}

impl Decoder {
    pub(crate) fn new(codec: Codec) -> Self {
        match codec {
            Codec::Opus => Decoder::Opus(OpusDecoder::new()),
            Codec::Pcmu => Decoder::G711(Box::new(G711Decoder::new(Law::Mu))),
            Codec::Pcma => Decoder::G711(Box::new(G711Decoder::new(Law::A))),
            Codec::G722 => Decoder::G722(Box::new(WideDecoder::new())),
        }
    }
}

impl Decode for Decoder {
    fn duration(&self, payload: &[u8]) -> Option<usize> {
        match self {
            Decoder::Opus(_) => OpusDecoder::duration(payload),
            // 8 bytes a millisecond.
            Decoder::G711(_) | Decoder::G722(_) => {
                Some(payload.len() * 6).filter(|samples| (1..=MAX_FRAME).contains(samples))
            }
        }
    }

    fn reach(&mut self, payload: &[u8]) -> usize {
        match self {
            Decoder::Opus(opus) => opus.reach(payload),
            Decoder::G711(_) | Decoder::G722(_) => 0,
        }
    }

    fn begins_silence(&self, payload: &[u8]) -> bool {
        // RFC 6716 2.1.9: with DTX the encoder sends packets of at most two bytes.
        matches!(self, Decoder::Opus(_)) && payload.len() <= 2
    }

    fn decode(&mut self, payload: &[u8], out: &mut [f32]) {
        match self {
            Decoder::Opus(opus) => opus.decode(payload, out),
            Decoder::G711(g711) => g711.decode(payload, out),
            Decoder::G722(g722) => g722.decode(payload, out),
        }
    }

    fn recover(&mut self, next: &[u8], before: usize, out: &mut [f32]) {
        match self {
            Decoder::Opus(opus) => opus.recover(next, before, out),
            Decoder::G711(g711) => g711.conceal(out),
            Decoder::G722(g722) => g722.conceal(out),
        }
    }

    fn conceal(&mut self, out: &mut [f32]) {
        match self {
            Decoder::Opus(opus) => opus.conceal(out),
            Decoder::G711(g711) => g711.conceal(out),
            Decoder::G722(g722) => g722.conceal(out),
        }
    }
}

/// G.711 at 48 kHz: bytes, concealment at 8 kHz, interpolation.
pub(crate) struct G711Decoder {
    law: Law,
    concealer: Concealer<1>,
    upsampler: Upsampler<6>,
    narrow: Vec<f32>,
}

impl G711Decoder {
    fn new(law: Law) -> Self {
        let narrow = Vec::with_capacity(MAX_FRAME / 6);
        Self { law, concealer: Concealer::default(), upsampler: Upsampler::default(), narrow }
    }

    fn decode(&mut self, payload: &[u8], out: &mut [f32]) {
        self.narrow.clear();
        self.narrow.extend(payload.iter().map(|&byte| self.law.expand(byte)));
        self.concealer.received(&mut self.narrow);
        self.upsampler.process(&self.narrow, out);
    }

    fn conceal(&mut self, out: &mut [f32]) {
        self.narrow.clear();
        self.narrow.resize(out.len() / 6, 0.0);
        self.concealer.lost(&mut self.narrow);
        self.upsampler.process(&self.narrow, out);
    }
}

/// G.722 at 48 kHz: bytes, concealment at 16 kHz, interpolation.
pub(crate) struct WideDecoder {
    decoder: G722Decoder,
    concealer: Concealer<2>,
    upsampler: Upsampler<3>,
    wide: Vec<f32>,
}

impl WideDecoder {
    fn new() -> Self {
        Self {
            decoder: G722Decoder::new(),
            concealer: Concealer::default(),
            upsampler: Upsampler::default(),
            wide: Vec::with_capacity(MAX_FRAME / 3),
        }
    }

    fn decode(&mut self, payload: &[u8], out: &mut [f32]) {
        self.wide.clear();
        self.wide.resize(payload.len() * 2, 0.0);
        self.decoder.decode(payload, &mut self.wide);
        self.concealer.received(&mut self.wide);
        self.upsampler.process(&self.wide, out);
    }

    fn conceal(&mut self, out: &mut [f32]) {
        self.wide.clear();
        self.wide.resize(out.len() / 3, 0.0);
        self.concealer.lost(&mut self.wide);
        self.decoder.replaced(&self.wide);
        self.upsampler.process(&self.wide, out);
    }
}

/// The encoder of a stream.
pub(crate) enum Encoder {
    Opus(OpusEncoder),
    G711 { law: Law, downsampler: Box<Downsampler<6>>, narrow: Vec<f32> },
    G722 { encoder: Box<G722Encoder>, downsampler: Box<Downsampler<3>>, wide: Vec<f32> },
}

impl Encoder {
    pub(crate) fn new(codec: Codec) -> Self {
        let g711 = |law| Encoder::G711 { law, downsampler: Box::default(), narrow: vec![0.0; MAX_FRAME / 6] };
        match codec {
            Codec::Opus => Encoder::Opus(OpusEncoder::new()),
            Codec::Pcmu => g711(Law::Mu),
            Codec::Pcma => g711(Law::A),
            Codec::G722 => Encoder::G722 {
                encoder: Box::new(G722Encoder::new()),
                downsampler: Box::default(),
                wide: vec![0.0; MAX_FRAME / 3],
            },
        }
    }

    /// Packet time in 10 ms blocks: what was asked for, rounded down to what the codec can.
    pub(crate) fn blocks(codec: Codec, ptime_ms: u8) -> usize {
        let blocks = usize::from(ptime_ms / 10).clamp(1, 6);
        match (codec, blocks) {
            (Codec::Opus, 3) => 2,
            (Codec::Opus, 5) => 4,
            _ => blocks,
        }
    }

    /// Encodes whole blocks; how many bytes of `room` were written, 0 if it went wrong.
    pub(crate) fn encode(&mut self, frame: &[f32], room: &mut [u8; MAX_PAYLOAD]) -> usize {
        match self {
            Encoder::Opus(opus) => opus.encode(frame, room),
            Encoder::G711 { law, downsampler, narrow } => {
                let samples = (frame.len() / 6).min(MAX_PAYLOAD).min(narrow.len());
                let narrow = &mut narrow[..samples];
                downsampler.process(&frame[..samples * 6], narrow);
                for (byte, &sample) in room.iter_mut().zip(narrow.iter()) {
                    *byte = law.compress(sample);
                }
                samples
            }
            Encoder::G722 { encoder, downsampler, wide } => {
                let bytes = (frame.len() / 6).min(MAX_PAYLOAD).min(wide.len() / 2);
                let wide = &mut wide[..bytes * 2];
                downsampler.process(&frame[..bytes * 6], wide);
                encoder.encode(wide, &mut room[..bytes]);
                bytes
            }
        }
    }

    /// The far side loses this share of what we send: protect accordingly.
    pub(crate) fn set_expected_loss(&mut self, loss: f32) {
        if let Encoder::Opus(opus) = self {
            opus.set_expected_loss(loss);
        }
    }
}
