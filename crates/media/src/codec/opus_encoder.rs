//! Opus for speech (RFC 6716, RFC 7587): 48 kHz mono, in-band FEC always on, deep redundancy (DRED) where losses come in rows.

use super::libopus::{EncoderState, Setting};

/// Bits a second without loss, and with it, where copies of past frames (LBRR) and DRED must fit in too. RFC 7587 3.1.1 names
/// 28 to 40 kbit/s for fullband speech.
const BITRATE: i32 = 44_000;
const BITRATE_LOSSY: i32 = 48_000;
/// The limit, and how many bits of it may be saved up in quiet frames: the encoder aims at an average, and speech is not even.
/// Together they keep every second within 48 kbit/s.
const MOST_BITRATE: i32 = 47_000;
const MOST_CREDIT: i32 = 1_000 + MOST_BITRATE / 50;
/// Loss from which the higher rate is used.
const LOSSY_PERCENT: i32 = 3;
/// Loss from which DRED is worth its bits.
const DEEP_PERCENT: i32 = 6;
/// Told to the encoder on top of it, or it would not find enough bits for DRED at 10 %.
const DEEP_EXTRA: i32 = 5;
/// Loss from which sound above 8 kHz is not: the copies are of what lies below, and need its bits (0.14 PESQ at 20 %).
const WIDEBAND_PERCENT: i32 = 15;
/// The encoder codes LBRR only when it expects loss; the first lost packets come before the first report of them.
const LEAST_LOSS_PERCENT: i32 = 2;
const MOST_LOSS_PERCENT: i32 = 30;
/// How far DRED reaches back, 10 ms: what a receiver that waits for three packets can use.
const DEEP_REACH: i32 = 9;
/// 0 to 10; 9 costs about 1.2 % of a core.
const COMPLEXITY: i32 = 9;

pub(crate) struct OpusEncoder {
    /// `None` if libopus could not be set up (out of memory): nothing is sent, the call goes on.
    encoder: Option<EncoderState>,
    /// Expected, 0.0 to 1.0.
    loss: f32,
    /// Bits that may be sent at once.
    credit: i32,
}

impl OpusEncoder {
    pub(crate) fn new() -> Self {
        let mut encoder = EncoderState::new();
        if let Some(encoder) = &mut encoder {
            encoder.set(Setting::Complexity, COMPLEXITY);
            encoder.set(Setting::Bitrate, BITRATE);
            encoder.set(Setting::InbandFec, 1);
            encoder.set(Setting::ExpectedLoss, LEAST_LOSS_PERCENT);
        }
        Self { encoder, loss: 0.0, credit: MOST_CREDIT }
    }

    /// What the far side reports, 0.0 to 1.0. More is believed at once, less slowly: protection that is missing is heard more
    /// than bits that are.
    pub(crate) fn set_expected_loss(&mut self, reported: f32) {
        self.loss = if reported > self.loss { reported } else { self.loss + (reported - self.loss) * 0.3 };
        let percent = ((self.loss * 100.0).round() as i32).clamp(LEAST_LOSS_PERCENT, MOST_LOSS_PERCENT);
        if let Some(encoder) = &mut self.encoder {
            let deep = percent >= DEEP_PERCENT;
            encoder.set(Setting::ExpectedLoss, percent + if deep { DEEP_EXTRA } else { 0 });
            encoder.set(Setting::Bitrate, if percent >= LOSSY_PERCENT { BITRATE_LOSSY } else { BITRATE });
            encoder.set(Setting::DeepRedundancy, if deep { DEEP_REACH } else { 0 });
            encoder.set(Setting::Wideband, i32::from(percent >= WIDEBAND_PERCENT));
        }
    }

    /// Bytes written, 0 if libopus failed. Over any stretch of time no more than [`MOST_BITRATE`], but for what was saved before.
    pub(crate) fn encode(&mut self, frame: &[f32], room: &mut [u8]) -> usize {
        self.credit = (self.credit + (frame.len() as i32 / 48) * (MOST_BITRATE / 1_000)).min(MOST_CREDIT);
        let most = room.len().min((self.credit / 8).max(0) as usize);
        let bytes = self.encoder.as_mut().map_or(0, |encoder| encoder.encode(frame, &mut room[..most]));
        self.credit -= bytes as i32 * 8;
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_second_takes_more_than_48_kbit() {
        for loss in [0.0, 0.04, 0.1, 0.3] {
            let mut encoder = OpusEncoder::new();
            encoder.set_expected_loss(loss);
            let (mut state, mut room) = (1u32, [0; 512]);
            // Loud and soft noise by turns: what costs the most bits, after what saves them.
            let bytes: Vec<usize> = (0..500)
                .map(|packet| {
                    let level = if packet / 40 % 2 == 0 { 0.5 } else { 0.001 };
                    let frame: [f32; 960] = std::array::from_fn(|_| {
                        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                        level * (state as i32 as f32 / i32::MAX as f32)
                    });
                    encoder.encode(&frame, &mut room)
                })
                .collect();
            let most = bytes.windows(50).map(|second| second.iter().sum::<usize>() * 8).max();
            assert!(most.is_some_and(|bits| (30_000..=48_000).contains(&bits)), "{most:?} at {loss}");
            assert!(bytes.iter().all(|&bytes| bytes > 0), "a packet every 20 ms");
        }
    }
}
