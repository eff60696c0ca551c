//! The phone's words and the engine's.

use hatif_core::{
    audio::{CallSource, CallStats, Tone},
    sip,
};
use hatif_media::{Source, StreamConfig};

pub(crate) fn stream_config(session: &sip::MediaSession) -> StreamConfig {
    let codec = match session.codec {
        sip::Codec::Opus => hatif_media::Codec::Opus,
        sip::Codec::Pcmu => hatif_media::Codec::Pcmu,
        sip::Codec::Pcma => hatif_media::Codec::Pcma,
        sip::Codec::G722 => hatif_media::Codec::G722,
    };
    StreamConfig {
        dtmf_payload: session.dtmf_payload,
        dtmf_clock: session.dtmf_clock,
        send: session.send,
        receive: session.receive,
        ptime_ms: session.ptime_ms,
        ..StreamConfig::new(codec, session.payload)
    }
}

pub(crate) fn engine_source(source: CallSource) -> Source {
    match source {
        CallSource::Microphone => Source::Microphone,
        CallSource::Echo => Source::Echo,
        CallSource::Clip(samples) => Source::Clip(samples),
    }
}

pub(crate) fn engine_tone(tone: Tone) -> hatif_media::Tone {
    match tone {
        Tone::Ring => hatif_media::Tone::Ring,
        Tone::CallWaiting => hatif_media::Tone::CallWaiting,
        Tone::Ringback => hatif_media::Tone::Ringback,
        Tone::Busy => hatif_media::Tone::Busy,
        Tone::Congestion => hatif_media::Tone::Congestion,
        Tone::Test => hatif_media::Tone::Test,
    }
}

pub(crate) fn call_stats(stats: hatif_media::StreamStats) -> CallStats {
    CallStats {
        sent: stats.sent,
        received: stats.received,
        lost: stats.lost,
        jitter_ms: stats.jitter_ms,
        concealed: stats.concealed,
        buffer_ms: stats.buffer_ms,
        round_trip_ms: stats.round_trip_ms,
        remote_loss: stats.remote_loss,
        mos: stats.mos,
        microphone_gaps: 0,
        speaker_gaps: 0,
    }
}
