//! The real window, as the person in front of it meets it: clicked and typed in by WebDriver, moved by hand, read by
//! assistive technology. Runs inside `tests/lab/desktop.sh` (`cargo xtask test --only window`).

#![cfg(target_os = "linux")]

mod access;
mod calls;
mod calls_together;
mod card;
mod desk;
mod desktop;
mod flows;
mod hostile;
mod package;
mod payloads;
mod practice;
mod recordings;
mod settings;
mod survives;
mod work;

use serde_json::Value;
use std::{
    fs,
    path::PathBuf,
    sync::{Mutex, MutexGuard},
};

/// One window at a time: they share the desktop and the virtual headset.
static DESKTOP: Mutex<()> = Mutex::new(());

fn alone() -> MutexGuard<'static, ()> {
    DESKTOP.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

fn application() -> PathBuf {
    let path = hatif_lab::build_dir().join("hatif");
    assert!(path.exists(), "{} is not there: cargo build --features custom-protocol", path.display());
    path
}

/// The page's words in a language, by their key in its catalogue.
fn words_of(language: &str) -> impl Fn(&str) -> String {
    let path = format!("{}/../ui/src/i18n/{language}.json", env!("CARGO_MANIFEST_DIR"));
    let catalogue: Value = serde_json::from_str(&fs::read_to_string(path).expect("a catalogue")).expect("JSON");
    move |key| catalogue[key].as_str().unwrap_or_else(|| panic!("no words for {key}")).to_owned()
}
