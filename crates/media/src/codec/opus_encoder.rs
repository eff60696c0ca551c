//! Opus for speech (RFC 6716, RFC 7587): 48 kHz mono, in-band FEC always on.

use opus::{Application, Bitrate, Channels};

/// Bits a second without loss, and with it, where the copies of past frames (LBRR) must fit in too. RFC 7587 3.1.1 names 28
/// to 40 kbit/s for fullband speech.
const BITRATE: i32 = 40_000;
const BITRATE_LOSSY: i32 = 48_000;
/// Loss from which the higher rate is used.
const LOSSY_PERCENT: i32 = 3;
/// The encoder codes LBRR only when it expects loss; the first lost packets come before the first report of them.
const LEAST_LOSS_PERCENT: i32 = 2;
const MOST_LOSS_PERCENT: i32 = 30;
/// 0 to 10; 9 costs about 1.2 % of a core.
const COMPLEXITY: i32 = 9;

pub(crate) struct OpusEncoder {
    /// `None` if libopus could not be set up (out of memory): nothing is sent, the call goes on.
    encoder: Option<opus::Encoder>,
    loss_percent: i32,
}

impl OpusEncoder {
    pub(crate) fn new() -> Self {
        let encoder = Self::set_up().ok();
        Self { encoder, loss_percent: LEAST_LOSS_PERCENT }
    }

    fn set_up() -> opus::Result<opus::Encoder> {
        let mut encoder = opus::Encoder::new(crate::SAMPLE_RATE, Channels::Mono, Application::Voip)?;
        encoder.set_complexity(COMPLEXITY)?;
        encoder.set_bitrate(Bitrate::Bits(BITRATE))?;
        encoder.set_inband_fec(true)?;
        encoder.set_packet_loss_perc(LEAST_LOSS_PERCENT)?;
        Ok(encoder)
    }

    pub(crate) fn set_expected_loss(&mut self, loss: f32) {
        let percent = ((loss * 100.0).round() as i32).clamp(LEAST_LOSS_PERCENT, MOST_LOSS_PERCENT);
        if percent == self.loss_percent {
            return;
        }
        self.loss_percent = percent;
        if let Some(encoder) = &mut self.encoder {
            let rate = if percent > LOSSY_PERCENT { BITRATE_LOSSY } else { BITRATE };
            // Both values are in range; were they refused, the encoder would go on with the old ones.
            let _ = encoder.set_packet_loss_perc(percent);
            let _ = encoder.set_bitrate(Bitrate::Bits(rate));
        }
    }

    /// Bytes written, 0 if libopus failed.
    pub(crate) fn encode(&mut self, frame: &[f32], room: &mut [u8]) -> usize {
        match &mut self.encoder {
            Some(encoder) => encoder.encode_float(frame, room).unwrap_or(0),
            None => 0,
        }
    }
}
