//! hatif-app: the application without a window. The shell (`src-tauri`) and `hatif-cli` are two faces of it.

mod app;
mod browser;
mod card;
mod check;
pub mod command;
mod connectors;
mod customer_files;
mod downloads;
mod duplicates;
mod erasure;
mod headset;
mod instance;
pub mod log;
mod present;
mod recordings;
mod understand;
mod utc;
pub mod view;
mod work;

pub use app::{App, AppConfig, SendError, StartError};
pub use hatif_audio::Devices;
pub use hatif_core::link;
pub use hatif_headset::{Hid, SystemHid};
pub use hatif_store::KeyringChoice;
pub use log::LogTail;

/// The folder where Hatif keeps its data for this user.
pub fn data_folder() -> Option<std::path::PathBuf> {
    directories::ProjectDirs::from("org", "Hatif", "Hatif").map(|dirs| dirs.data_dir().to_owned())
}

/// Where an administrator puts settings for everybody on this machine (docs/admin.md).
pub fn policy_file() -> std::path::PathBuf {
    let folder: std::path::PathBuf = if cfg!(windows) {
        // Not %ProgramData%: a user could point it elsewhere.
        r"C:\ProgramData\Hatif".into()
    } else if cfg!(target_os = "macos") {
        "/Library/Application Support/Hatif".into()
    } else {
        "/etc/hatif".into()
    };
    folder.join("settings.json")
}

/// The first of our languages that the system asks for; English otherwise.
pub fn system_language() -> String {
    sys_locale::get_locales()
        .filter_map(|tag| tag.split(['-', '_']).next().map(str::to_ascii_lowercase))
        .find(|lang| matches!(lang.as_str(), "en" | "ar" | "fa"))
        .unwrap_or_else(|| "en".to_owned())
}
