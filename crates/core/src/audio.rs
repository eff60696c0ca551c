//! The port to the sound card and RTP (`hatif-audio`): commands out, events in.

use crate::{ids::CallId, sip::MediaSession, text::Text};
use serde::{Deserialize, Serialize};
use specta::Type;
use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

/// A sound device as the system names it. `id` is stable and unique; `name` is neither.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AudioDevice {
    pub id: String,
    pub name: String,
    pub is_default: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DeviceRole {
    Microphone,
    Speaker,
    Ringer,
}

/// Which devices to use; `None` is the system's default (the ringer's default is the speaker's).
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize, Type)]
#[serde(default)]
pub struct DeviceChoice {
    pub microphone: Option<String>,
    pub speaker: Option<String>,
    pub ringer: Option<String>,
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

/// Where the audio sent into a call comes from.
#[derive(Clone, PartialEq, Debug, Default)]
pub enum CallSource {
    #[default]
    Microphone,
    /// What the far side says, said back.
    Echo,
    /// 48 kHz mono samples, played once from the beginning, then silence.
    Clip(Arc<[f32]>),
}

#[derive(Clone, PartialEq, Debug)]
pub enum AudioCommand {
    /// Binds an RTP/RTCP port pair for a call; answered by `PortOpened` or `PortFailed`.
    OpenPort {
        call: CallId,
        bind: IpAddr,
    },
    /// Starts or changes a call's media. The first one opens the sound devices.
    Start {
        call: CallId,
        session: MediaSession,
    },
    /// Microphone into this call or silence. Closed until told otherwise.
    Microphone {
        call: CallId,
        open: bool,
    },
    /// Whether this call is heard.
    Listen {
        call: CallId,
        on: bool,
    },
    /// What this call hears from us, when it is not the microphone (the practice line).
    Source {
        call: CallId,
        source: CallSource,
    },
    /// Sends digits by RFC 4733, one after another.
    Dtmf {
        call: CallId,
        digits: String,
    },
    /// Plays a digit's tone locally (feedback for a key press).
    LocalDtmf {
        digit: char,
    },
    /// Ends a call's media and closes its port.
    Stop {
        call: CallId,
    },
    PlayTone(Tone),
    /// Stops the tone, whatever it is.
    StopTone,
    ListDevices,
    SelectDevices(DeviceChoice),
    /// Opens the microphone for the level meter (settings page), and closes it again.
    Meter {
        on: bool,
    },
    Shutdown,
}

#[derive(Clone, PartialEq, Debug)]
pub enum AudioEvent {
    PortOpened {
        call: CallId,
        local: SocketAddr,
    },
    PortFailed {
        call: CallId,
        text: Text,
    },
    Devices {
        inputs: Vec<AudioDevice>,
        outputs: Vec<AudioDevice>,
    },
    /// What is wrong with the sound devices, or `None` when it is mended.
    Problem(Option<Text>),
    /// Peak levels of the last 66 ms, 0.0 to 1.0. Only while a call or the meter runs.
    Level {
        microphone: f32,
        speaker: f32,
    },
    Stats {
        call: CallId,
        stats: CallStats,
    },
    DtmfReceived {
        call: CallId,
        digit: char,
    },
    /// No RTP for `seconds` in a call that should receive.
    Silence {
        call: CallId,
        seconds: u32,
    },
}

/// What the media engine knows of a call, once a second.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct CallStats {
    pub sent: u64,
    pub received: u64,
    pub lost: u64,
    /// Interarrival jitter (RFC 3550 6.4.1), milliseconds.
    pub jitter_ms: f32,
    /// Share of the played audio that had to be made up, of the last second, 0.0 to 1.0.
    pub concealed: f32,
    /// What the jitter buffer holds, milliseconds.
    pub buffer_ms: f32,
    /// Round trip by RTCP, milliseconds; `None` until known.
    pub round_trip_ms: Option<f32>,
    /// Loss that the far side reports of our stream, 0.0 to 1.0.
    pub remote_loss: Option<f32>,
}
