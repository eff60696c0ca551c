//! What can be wrong with sound and ports, as codes of the catalogue (`msg.<code>`), and cpal's errors turned into them.
//!
//! | code | parameters | when |
//! |---|---|---|
//! | `audio.no_microphone` | | the system has no microphone; the other side hears nothing |
//! | `audio.no_speaker` | | the system has no sound output |
//! | `audio.device_gone` | `device` | a chosen or used device went away; the system's default is used, if there is one |
//! | `audio.permission_denied` | | the system does not let this program use the microphone or speaker |
//! | `audio.device_in_use` | `device` | another program holds the device |
//! | `audio.failed` | `device`, `detail` | anything else; `detail` is the system's own English text, for the curious |
//! | `audio.no_port` | | no free RTP port pair in the configured range (`PortFailed`) |
//! | `audio.bind_failed` | `detail` | the local address cannot be bound at all (`PortFailed`) |
//!
//! `device` is the device's name as the system gives it, or its id when the name is not known; both are foreign text.

use hatif_core::{audio::DeviceRole, text::Text};

pub(crate) const NO_MICROPHONE: &str = "audio.no_microphone";
pub(crate) const NO_SPEAKER: &str = "audio.no_speaker";
pub(crate) const DEVICE_GONE: &str = "audio.device_gone";
pub(crate) const PERMISSION_DENIED: &str = "audio.permission_denied";
pub(crate) const DEVICE_IN_USE: &str = "audio.device_in_use";
pub(crate) const FAILED: &str = "audio.failed";
pub(crate) const NO_PORT: &str = "audio.no_port";
pub(crate) const BIND_FAILED: &str = "audio.bind_failed";

/// Foreign text is cut here: a driver's message is shown on one line.
const DETAIL_CHARS: usize = 200;

/// A message with a foreign text as `detail`, cut to a line.
pub(crate) fn with_detail(code: &'static str, detail: &str) -> Text {
    let one_line: String = detail.chars().map(|c| if c.is_control() { ' ' } else { c }).take(DETAIL_CHARS).collect();
    Text::new(code).with("detail", one_line)
}

/// There is no device for this at all.
pub(crate) fn nothing_for(role: DeviceRole) -> Text {
    Text::new(match role {
        DeviceRole::Microphone => NO_MICROPHONE,
        DeviceRole::Speaker | DeviceRole::Ringer => NO_SPEAKER,
    })
}
