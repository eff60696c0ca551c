//! The desktop around the window: what the shell tells the page of it, and what the page asks of the shell.

use serde::{Deserialize, Serialize};
use specta::Type;

/// How the desktop stands; `null` in the snapshot where there is no window.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, Type)]
pub struct DesktopView {
    /// Somebody shows the tray's icon.
    pub tray: bool,
    /// The hotkeys (fields of `Hotkeys`) that could not be had: another program has them, or there is no such key.
    pub refused_hotkeys: Vec<String>,
    /// The system lets no program have such keys (Wayland without a portal).
    pub no_hotkeys: bool,
}

/// What happens there.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Type)]
#[serde(tag = "desktop", rename_all = "snake_case")]
pub enum DesktopEvent {
    Changed {
        view: DesktopView,
    },
    /// A link or a key has something for the dial field. Nothing dials it but the user.
    Fill {
        text: String,
    },
    /// A link named nobody who can be called.
    BadLink,
}

/// What the page asks of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Type)]
#[serde(tag = "desktop", rename_all = "snake_case")]
pub enum DesktopCommand {
    /// The page has loaded: what waits for the dial field comes as `fill`.
    Waiting,
}
