//! `MediaEngine`: all streams, the mix, the tones, in the order of one tick.

use crate::{Block, Output, RtcpIn, RtpIn, Source, StreamConfig, StreamKey, Tone};
use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

/// All media of the application, as a machine that is given time, packets and microphone blocks.
pub struct MediaEngine {
    outputs: VecDeque<Output>,
}

impl MediaEngine {
    /// SSRCs, first sequence numbers and first time stamps are drawn from `seed`: give it something unguessable, or a
    /// constant in tests.
    pub fn new(seed: u64) -> Self {
        let _ = seed;
        Self { outputs: VecDeque::with_capacity(256) }
    }

    /// What the wall clock showed at `now`, since the Unix epoch, for the NTP time stamps of sender reports. Without it they
    /// count from the first `now` ever given, which RFC 3550 6.4.1 allows.
    pub fn set_wall_clock(&mut self, _now: Instant, _since_unix_epoch: Duration) {}

    /// Starts a stream: microphone closed, listened to, source the microphone. For a key that runs: changes its
    /// configuration; sequence numbers, time stamps and SSRC go on, and so does what was set.
    pub fn start(&mut self, _now: Instant, _key: StreamKey, _config: StreamConfig) {}

    /// Ends a stream, with a last report. Nothing if there is none; the same holds for everything below.
    pub fn stop(&mut self, _key: StreamKey) {}

    /// Microphone into this call, or silence. Closed until told otherwise.
    pub fn set_microphone(&mut self, _key: StreamKey, _open: bool) {}

    /// Whether this call is heard. It is, until told otherwise.
    pub fn set_listen(&mut self, _key: StreamKey, _on: bool) {}

    pub fn set_source(&mut self, _key: StreamKey, _source: Source) {}

    /// Levels also while no stream runs (the settings page).
    pub fn set_meter(&mut self, _on: bool) {}

    /// Queues digits for RFC 4733: `0`-`9`, `*`, `#`, `A`-`D`, and `,` for a pause of a second. At most 64 wait; the rest,
    /// and other characters, are dropped, and so is everything where telephone-event was not negotiated.
    pub fn send_digits(&mut self, _key: StreamKey, _digits: &str) {}

    /// A digit's tone on the speaker, as feedback for a key press.
    pub fn local_digit(&mut self, _digit: char) {}

    /// Plays a tone instead of the one before; `None` stops it.
    pub fn play_tone(&mut self, _tone: Option<Tone>) {}

    /// An RTP packet has come. `now` is when it came: the nearer to the truth, the better the jitter buffer's measure.
    pub fn receive_rtp(&mut self, _now: Instant, _key: StreamKey, _packet: RtpIn<'_>) {}

    /// An SR or RR has come.
    pub fn receive_rtcp(&mut self, _now: Instant, _key: StreamKey, _report: RtcpIn<'_>) {}

    /// 10 ms: `microphone` is what was recorded (silence if there is no device), `speaker` and `ringer` are filled with what
    /// is to be played. Mix the two if they are one device.
    pub fn tick(&mut self, _now: Instant, _microphone: &Block, speaker: &mut Block, ringer: &mut Block) {
        speaker.fill(0.0);
        ringer.fill(0.0);
    }

    /// What is to be done, oldest first. Drain it after each tick: when 256 wait, the oldest is dropped.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }
}
