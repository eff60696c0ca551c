//! The port to the sound card and RTP (`hatif-audio`): commands out, events in.

use crate::{
    ice::{MediaPlace, MediaPort},
    ids::CallId,
    sip::MediaSession,
    srtp::Protection,
    text::Text,
};
use serde::{Deserialize, Serialize};
use specta::Type;
use std::sync::Arc;

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
    /// Devices that ring too, beside `ringer`.
    pub more_ringers: Vec<String>,
    /// Chosen before, the latest first: used in this order while the chosen one is not there, before the default is.
    pub microphones_before: Vec<String>,
    pub speakers_before: Vec<String>,
}

/// Devices that are remembered from earlier choices, and ringers, of each kind.
pub const MAX_REMEMBERED: usize = 8;

impl DeviceChoice {
    /// Chooses a device; the one before it is remembered as a fallback.
    pub fn choose(&mut self, role: DeviceRole, device: Option<String>) {
        let (chosen, before) = match role {
            DeviceRole::Microphone => (&mut self.microphone, &mut self.microphones_before),
            DeviceRole::Speaker => (&mut self.speaker, &mut self.speakers_before),
            DeviceRole::Ringer => {
                self.more_ringers.clear();
                self.ringer = device;
                return;
            }
        };
        let last = std::mem::replace(chosen, device);
        if *chosen != last {
            before.retain(|id| Some(id) != last.as_ref() && Some(id) != chosen.as_ref());
            before.splice(0..0, last);
            before.truncate(MAX_REMEMBERED);
        }
    }

    /// Chooses all devices that ring; none is the speaker. Repetitions, and more than the bound, are left out.
    pub fn choose_ringers(&mut self, devices: Vec<String>) {
        let mut ringers: Vec<String> = Vec::new();
        for id in devices {
            if !ringers.contains(&id) && ringers.len() < MAX_REMEMBERED {
                ringers.push(id);
            }
        }
        let mut ringers = ringers.into_iter();
        self.ringer = ringers.next();
        self.more_ringers = ringers.collect();
    }
}

/// How loud a device is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, Type)]
#[serde(default)]
pub struct Volume {
    /// 0 to 100, as it is felt: 100 changes nothing, 50 is half as loud to the ear (-18 dB).
    pub percent: u8,
    pub muted: bool,
}

impl Default for Volume {
    fn default() -> Self {
        Volume { percent: 100, muted: false }
    }
}

impl Volume {
    /// The factor for samples: the cube of the share, as sound servers do it.
    pub fn gain(self) -> f32 {
        if self.muted { 0.0 } else { (f32::from(self.percent.min(100)) / 100.0).powi(3) }
    }
}

/// When the echo of the loudspeaker is taken out of the microphone.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, Type)]
#[serde(rename_all = "snake_case")]
pub enum EchoCancellation {
    /// When an echo is heard: a headset makes none, and is spared what the cancelling costs.
    #[default]
    Auto,
    On,
    Off,
}

/// What is done with sound on its way from the microphone and to the ears.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, Type)]
#[serde(default)]
pub struct SoundSettings {
    /// Nothing is done with the microphone's sound, whatever the five below say. The volume counts.
    pub raw: bool,
    pub high_pass: bool,
    pub noise_suppression: bool,
    pub automatic_gain: bool,
    pub echo_cancellation: EchoCancellation,
    /// One's own voice in one's own ears, 0 (none) to 100 per cent.
    pub sidetone: u8,
    pub microphone: Volume,
    pub speaker: Volume,
    pub ringer: Volume,
}

impl Default for SoundSettings {
    fn default() -> Self {
        SoundSettings {
            raw: false,
            high_pass: true,
            noise_suppression: true,
            automatic_gain: true,
            echo_cancellation: EchoCancellation::Auto,
            sidetone: 0,
            microphone: Volume::default(),
            speaker: Volume::default(),
            ringer: Volume::default(),
        }
    }
}

impl SoundSettings {
    /// Whether no volume is above 100.
    pub fn is_in_range(&self) -> bool {
        let volumes = [self.microphone, self.speaker, self.ringer];
        self.sidetone <= 100 && volumes.iter().all(|volume| volume.percent <= 100)
    }
}

/// How the test of the headset stands.
#[derive(Clone, PartialEq, Debug)]
pub enum HeadsetTest {
    Recording {
        seconds: u8,
    },
    /// What was recorded is played back.
    Playing(HeadsetVerdict),
    Done(HeadsetVerdict),
    /// Ended before anything could be said.
    Stopped,
}

/// What is to be said of a recording of somebody speaking.
#[derive(Clone, PartialEq, Debug)]
pub struct HeadsetVerdict {
    /// `test.good`, or what is wrong, the gravest first: `test.silent`, `test.clipping`, `test.too_quiet`, `test.noisy`.
    pub text: Text,
    /// Level of the speech and of what is heard between words, dB of full scale; at least -100.
    pub speech_db: f32,
    pub noise_db: f32,
    /// The highest sample, 0.0 to 1.0.
    pub peak: f32,
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
    /// Binds an RTP/RTCP port pair for a call, or another one if it is bound elsewhere; answered by `PortOpened` or
    /// `PortFailed`. Where there is a STUN server, it is asked first; one that is silent costs 400 ms, and once a minute.
    OpenPort {
        call: CallId,
        place: MediaPlace,
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
    /// The same as tones in the audio, for a far side that takes neither telephone-event nor INFO.
    DtmfInBand {
        call: CallId,
        digits: String,
    },
    /// The calls of the conference: each hears the others (those that are listened to) beside what it hears anyway. The
    /// whole list each time; empty when there is none.
    Conference {
        calls: Vec<CallId>,
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
    /// Devices that a call is about to need are opened now, so that its first words are whole. Nothing of the microphone
    /// goes anywhere by this: only `Microphone` opens a way into a call.
    Prepare {
        microphone: bool,
        speaker: bool,
    },
    SetSound(SoundSettings),
    /// Records the microphone for `seconds` (1 to 30), plays it back and judges it. 0 ends a test that runs.
    TestHeadset {
        seconds: u8,
    },
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
        local: MediaPort,
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
    /// Sound goes on at another device than before; its name.
    Moved {
        role: DeviceRole,
        device: String,
    },
    /// A headset was connected; it is not used unless it is chosen.
    Arrived {
        role: DeviceRole,
        device: AudioDevice,
    },
    /// Somebody speaks into the microphone while no call takes it, or no longer.
    Unheard(bool),
    /// The microphone is so loud that it distorts.
    Clipping,
    HeadsetTest(HeadsetTest),
    /// Peak levels of the last 66 ms, 0.0 to 1.0. Only while a call or the meter runs.
    Level {
        microphone: f32,
        speaker: f32,
    },
    Stats {
        call: CallId,
        stats: CallStats,
    },
    /// How a call's voice is protected now; comes when that changes.
    Protection {
        call: CallId,
        protection: Protection,
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
    /// How the last second sounded (E-model): mean opinion score, 1.0 to 4.5; `None` while nothing is played.
    pub mos: Option<f32>,
    /// Gaps in the microphone's and the speaker's sound since the call began (overruns and underruns of the devices).
    pub microphone_gaps: u64,
    pub speaker_gaps: u64,
}
