//! The settings of the desktop around the window: tray, start, notifications, keys that work everywhere.

use serde::{Deserialize, Serialize};
use specta::Type;

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, Type)]
#[serde(default)]
pub struct DesktopSettings {
    /// Closing the window leaves Hatif in the tray, where there is one.
    pub close_to_tray: bool,
    /// Started with the desktop, without its window.
    pub autostart: bool,
    pub notifications: bool,
    /// Other programs' music and films are paused during a call.
    pub pause_media: bool,
    pub hotkeys: Hotkeys,
}

impl Default for DesktopSettings {
    fn default() -> Self {
        DesktopSettings {
            close_to_tray: true,
            autostart: false,
            notifications: true,
            pause_media: true,
            hotkeys: Hotkeys::default(),
        }
    }
}

/// Keys that work while another program has the focus: a combination such as `Ctrl+Shift+A`; `null`: none.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize, Type)]
#[serde(default)]
pub struct Hotkeys {
    pub answer: Option<String>,
    /// Ends the call, or declines the one that rings.
    pub hang_up: Option<String>,
    pub mute: Option<String>,
    /// Heard only while it is held down.
    pub push_to_talk: Option<String>,
    /// Puts what is selected (or copied) into the dial field.
    pub dial_selection: Option<String>,
}

impl Hotkeys {
    /// Each with the name of its field.
    pub fn all(&self) -> [(&'static str, Option<&str>); 5] {
        [
            ("answer", self.answer.as_deref()),
            ("hang_up", self.hang_up.as_deref()),
            ("mute", self.mute.as_deref()),
            ("push_to_talk", self.push_to_talk.as_deref()),
            ("dial_selection", self.dial_selection.as_deref()),
        ]
    }
}

/// Longest combination that is kept.
const LONGEST: usize = 60;

impl DesktopSettings {
    /// Whether every combination can be one.
    pub fn is_in_range(&self) -> bool {
        let key = |text: &str| {
            (1..=LONGEST).contains(&text.len()) && text.chars().all(|c| c.is_ascii_graphic()) && !text.ends_with("++")
        };
        self.hotkeys.all().into_iter().filter_map(|(_, keys)| keys).all(key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_short_and_plain() {
        let with = |keys: &str| DesktopSettings {
            hotkeys: Hotkeys { mute: Some(keys.into()), ..Hotkeys::default() },
            ..DesktopSettings::default()
        };
        assert!(DesktopSettings::default().is_in_range());
        assert!(with("Ctrl+Shift+M").is_in_range());
        for keys in ["", "Ctrl +M", "Ctrl+م", &"A".repeat(61)] {
            assert!(!with(keys).is_in_range(), "{keys}");
        }
    }
}
