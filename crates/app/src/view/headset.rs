//! USB headsets: which are there, what they have, and what they send.

use serde::{Deserialize, Serialize};
use specta::Type;

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize, Type)]
pub struct HeadsetsView {
    pub headsets: Vec<HeadsetView>,
    /// Names of those that this user may not open.
    pub denied: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Type)]
pub struct HeadsetView {
    pub id: u32,
    /// As the headset says: show as text only, `dir="auto"`.
    pub name: String,
    pub buttons: Vec<HeadsetButton>,
    pub lamps: Vec<HeadsetLamp>,
    /// It sends more than anybody can press, and is not listened to for some seconds.
    pub floods: bool,
}

/// A button of the HID Usage Tables, page 0x0B.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Type)]
pub struct HeadsetButton {
    pub kind: HeadsetButtonKind,
    /// Which `key` (0 to 9, 10 the star, 11 the pound), or the usage of `other`.
    pub number: Option<u16>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "snake_case")]
pub enum HeadsetButtonKind {
    Hook,
    Flash,
    Redial,
    Drop,
    Line,
    Mute,
    SpeedDial,
    VoiceMail,
    Programmable,
    LineBusy,
    Key,
    Other,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Type)]
pub struct HeadsetLamp {
    pub kind: HeadsetLampKind,
    pub on: bool,
}

/// The lamps that calls light.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "snake_case")]
pub enum HeadsetLampKind {
    OffHook,
    Ring,
    Mute,
    Hold,
}

/// What a button asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "snake_case")]
pub enum HeadsetDeed {
    Answer,
    Reject,
    HangUp,
    Hold,
    Resume,
    Swap,
    Mute,
    Unmute,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Type)]
#[serde(tag = "told", rename_all = "snake_case")]
pub enum HeadsetsEvent {
    Changed {
        headsets: HeadsetsView,
    },
    /// A button went down or up. `deed`: what was done for it.
    Heard {
        headset: u32,
        button: HeadsetButton,
        down: bool,
        deed: Option<HeadsetDeed>,
    },
}
