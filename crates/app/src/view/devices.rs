//! The sound devices and the test of the headset.

use super::*;
use serde::{Deserialize, Serialize};
use specta::Type;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Type)]
pub struct DevicesView {
    pub microphones: Vec<DeviceView>,
    pub speakers: Vec<DeviceView>,
    /// The chosen ids; `null` is the system's default.
    pub microphone: Option<String>,
    pub speaker: Option<String>,
    pub ringer: Option<String>,
    /// All chosen devices that ring, `ringer` first; none: the speaker.
    pub ringers: Vec<String>,
    /// What is wrong with the sound, if anything.
    pub problem: Option<Text>,
}

/// The test of the headset: the microphone is recorded, then played back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Type)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum HeadsetTestView {
    Recording {
        seconds: u8,
    },
    Playing {
        verdict: HeadsetVerdict,
    },
    Done {
        verdict: HeadsetVerdict,
    },
    /// Ended by a call or by the user.
    Stopped,
}

/// What is to be said of the recording, in words and in numbers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Type)]
pub struct HeadsetVerdict {
    /// `test.good`, `test.silent`, `test.clipping`, `test.too_quiet` or `test.noisy`.
    pub text: Text,
    /// Levels of the speech and between words, dB of full scale.
    #[specta(type = u32)]
    pub speech_db: f32,
    #[specta(type = u32)]
    pub noise_db: f32,
    /// The highest sample, 0.0 to 1.0.
    #[specta(type = u32)]
    pub peak: f32,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Type)]
pub struct DeviceView {
    pub id: String,
    pub name: String,
    pub is_default: bool,
}
