//! Pure media engine: codecs, jitter buffer, mixer, tones, RTP and RTCP accounting.
//!
//! ```text
//! microphone block ─┬─ source (microphone | echo | clip | silence) ─ encoder ─ digits ─> Output::Rtp
//!                   └─ meter                                                              (each stream)
//! receive_rtp ─ statistics ─ jitter buffer ─ decoder, FEC, concealment ─┬─ mixer, limiter ─ meter ─> speaker block
//!             └ digits ─> Output::Digit                         tones ──┘
//!                                                       ring tone ─────────────────────────> ringer block
//! ```
//!
//! No I/O, no threads, no clock: time is an argument. One real-time thread owns a [`MediaEngine`], gives it what arrives,
//! calls [`MediaEngine::tick`] every 10 ms and then drains [`MediaEngine::poll_output`].
//!
//! ```
//! use hatif_media::{BLOCK, Codec, MediaEngine, Output, StreamConfig, StreamKey};
//! use std::time::{Duration, Instant};
//!
//! let start = Instant::now();
//! let mut engine = MediaEngine::new(7);
//! engine.start(start, StreamKey(1), StreamConfig::new(Codec::Opus, 111));
//! engine.set_microphone(StreamKey(1), true);
//! let (microphone, mut speaker, mut ringer) = ([0.0; BLOCK], [0.0; BLOCK], [0.0; BLOCK]);
//! let mut packets = 0;
//! for tick in 0..10 {
//!     engine.tick(start + Duration::from_millis(10 * tick), &microphone, &mut speaker, &mut ringer);
//!     while let Some(output) = engine.poll_output() {
//!         packets += usize::from(matches!(output, Output::Rtp(_)));
//!     }
//! }
//! assert_eq!(packets, 5);
//! ```

mod announce;
pub mod capture;
mod clock;
mod codec;
mod digits;
mod engine;
mod in_band;
mod jitter;
mod mixer;
mod payload;
mod quality;
mod random;
mod sender;
mod statistics;
mod stream;
mod tap;
mod tones;

pub use engine::MediaEngine;
pub use payload::{MAX_PAYLOAD, Payload};
pub use tap::Taken;

use std::sync::Arc;

/// Samples a second of everything inside: microphone, speaker, ringer, clips.
pub const SAMPLE_RATE: u32 = 48_000;
/// Samples of a block: 10 ms.
pub const BLOCK: usize = 480;
/// 10 ms of mono sound, nominally -1.0 to 1.0.
pub type Block = [f32; BLOCK];

/// Which call a stream belongs to; chosen by the caller.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct StreamKey(pub u32);

/// A codec as it is negotiated (RFC 3551, RFC 7587).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Codec {
    Opus,
    Pcmu,
    Pcma,
    G722,
}

impl Codec {
    /// RTP clock rate, Hz. G.722's is 8000 by an old mistake, though it samples at 16 kHz (RFC 3551 4.5.2).
    pub fn clock_rate(self) -> u32 {
        match self {
            Codec::Opus => 48_000,
            Codec::Pcmu | Codec::Pcma | Codec::G722 => 8_000,
        }
    }
}

/// What was negotiated for a stream.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StreamConfig {
    pub codec: Codec,
    /// RTP payload type that we send and expect for `codec`.
    pub payload_type: u8,
    /// Payload type of telephone-event (RFC 4733), where the peer takes it.
    pub dtmf_payload: Option<u8>,
    /// Clock rate of telephone-event, Hz (its `rtpmap`): 8000, or 48000 beside Opus.
    pub dtmf_clock: u32,
    /// Whether we may send; otherwise no RTP leaves (RTCP does).
    pub send: bool,
    /// Whether we should expect to receive; otherwise what arrives is not played.
    pub receive: bool,
    /// Packet time that we send, milliseconds: 10 to 60, rounded down to what the codec can.
    pub ptime_ms: u8,
}

impl StreamConfig {
    /// Both ways, 20 ms packets, no telephone-event.
    pub fn new(codec: Codec, payload_type: u8) -> Self {
        Self {
            codec,
            payload_type,
            dtmf_payload: None,
            dtmf_clock: codec.clock_rate(),
            send: true,
            receive: true,
            ptime_ms: 20,
        }
    }
}

/// Where the sound sent into a call comes from.
#[derive(Clone, PartialEq, Debug, Default)]
pub enum Source {
    /// The microphone while it is open for this call ([`MediaEngine::set_microphone`]), silence otherwise.
    #[default]
    Microphone,
    /// What the far side says, said back, whether the microphone is open or not.
    Echo,
    /// 48 kHz mono samples, played once from the beginning, then silence; whether the microphone is open or not.
    Clip(Arc<[f32]>),
}

/// Sounds made here.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Tone {
    /// Incoming call, on the ringer.
    Ring,
    /// Second call while one is active: quiet, on the speaker.
    CallWaiting,
    /// Far side rings (ITU-T E.180; 425 Hz 1 s on, 4 s off).
    Ringback,
    /// 425 Hz 0.5 s on, 0.5 s off, a few times.
    Busy,
    /// 425 Hz 0.25 s on, 0.25 s off, a few times.
    Congestion,
    /// Three rising notes, to try the speaker.
    Test,
}

/// An RTP packet as it came in, its header parsed (RFC 3550 5.1). Everything in it is hostile until proven otherwise.
#[derive(Clone, Copy, Debug)]
pub struct RtpIn<'a> {
    pub payload_type: u8,
    pub marker: bool,
    pub sequence: u16,
    pub timestamp: u32,
    pub ssrc: u32,
    /// Without padding.
    pub payload: &'a [u8],
}

/// An RTP packet to send.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RtpOut {
    pub key: StreamKey,
    pub payload_type: u8,
    pub marker: bool,
    pub sequence: u16,
    pub timestamp: u32,
    pub ssrc: u32,
    pub payload: Payload,
}

/// The sender part of a sender report (RFC 3550 6.4.1).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct SenderInfo {
    /// NTP time stamp, 32.32 fixed point seconds.
    pub ntp: u64,
    /// The same moment in RTP time stamp units.
    pub rtp_timestamp: u32,
    pub packets: u32,
    pub octets: u32,
}

/// A report block (RFC 3550 6.4.1).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct ReportBlock {
    /// Whose stream is reported on.
    pub ssrc: u32,
    /// Of 256, since the last report.
    pub fraction_lost: u8,
    /// Signed 24 bit, clamped.
    pub cumulative_lost: i32,
    pub highest_sequence: u32,
    /// RTP time stamp units.
    pub jitter: u32,
    /// Middle 32 bits of the last sender report's NTP time stamp, 0 if there was none.
    pub last_sr: u32,
    /// Since that report came, in 1/65536 s.
    pub delay_since_last_sr: u32,
}

/// What a received SR or RR says.
#[derive(Clone, Copy, Debug)]
pub struct RtcpIn<'a> {
    pub ssrc: u32,
    /// `Some` in a sender report.
    pub sender: Option<SenderInfo>,
    pub reports: &'a [ReportBlock],
}

/// A report to send: SR with `sender`, RR without. `bye`: followed by BYE, the stream's last.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RtcpOut {
    pub ssrc: u32,
    pub sender: Option<SenderInfo>,
    pub report: Option<ReportBlock>,
    pub bye: bool,
}

/// What the engine knows of a stream, once a second.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct StreamStats {
    /// RTP packets sent.
    pub sent: u64,
    /// RTP packets received.
    pub received: u64,
    /// Packets of the far side that never came.
    pub lost: u64,
    /// Interarrival jitter (RFC 3550 6.4.1), milliseconds.
    pub jitter_ms: f32,
    /// Share of the played sound that had to be made up, of the last second, 0.0 to 1.0. Recovered by FEC is not made up.
    pub concealed: f32,
    /// From a sample's earliest possible arrival to its playing, milliseconds: what the jitter buffer costs.
    pub buffer_ms: f32,
    /// Round trip by RTCP, milliseconds; `None` until known.
    pub round_trip_ms: Option<f32>,
    /// Loss that the far side reports of our stream, 0.0 to 1.0.
    pub remote_loss: Option<f32>,
    /// How the last second sounded (E-model): mean opinion score, 1.0 to 4.5; `None` while nothing is played.
    pub mos: Option<f32>,
}

/// What the engine wants done or known; see [`MediaEngine::poll_output`].
#[derive(Clone, PartialEq, Debug)]
// Most outputs are packets, and a box for each would allocate fifty times a second.
#[allow(clippy::large_enum_variant)]
pub enum Output {
    Rtp(RtpOut),
    Rtcp {
        key: StreamKey,
        report: RtcpOut,
    },
    /// The far side pressed a key: `0`-`9`, `*`, `#`, `A`-`D`. Once for each press.
    Digit {
        key: StreamKey,
        digit: char,
    },
    /// Peak levels of the last 66 ms, 0.0 to 1.0; only while a stream or the meter runs. The microphone's is taken before
    /// mute.
    Level {
        microphone: f32,
        speaker: f32,
    },
    Stats {
        key: StreamKey,
        stats: StreamStats,
    },
    /// No RTP for `seconds` (5, 10, 15...) in a stream that should receive.
    Silence {
        key: StreamKey,
        seconds: u32,
    },
}
