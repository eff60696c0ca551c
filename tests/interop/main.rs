//! Calls with real counterparts on loopback: Asterisk, Kamailio, baresip, SIPp. `cargo xtask test --only interop`
//! fetches and builds what they need.
//!
//! Hatif is driven through `hatif-cli`, so that what is tested is what users run. Every test also fails when the log
//! of its run tells of people or places (`hatif_lab::privacy`).

#![cfg(target_os = "linux")]

mod asterisk;
mod baresip;
mod check;
mod colleagues;
mod conference;
mod connectors;
mod desk;
mod duplicates;
mod encryption;
mod erase;
mod failover;
mod flows;
mod hostile;
mod import;
mod kamailio;
mod lab;
mod linphone;
mod log;
mod mobile;
mod mobility;
mod nat;
mod network;
mod paths;
mod recordings;
mod recordings_disk;
mod recordings_policy;
mod sessions;
mod strangers;
mod threesome;
mod tls;
mod transfers;
mod work;

use hatif_lab::sound;
use std::path::PathBuf;

/// A microphone that says these tones, each for `seconds`. Kept as long as the folder.
fn microphone(folder: &tempfile::TempDir, tones: &[u32], seconds: f64) -> PathBuf {
    sound::melody(&folder.path().join("microphone.wav"), tones, seconds)
}

/// A microphone that says one tone for two minutes, longer than any test speaks.
fn hum(folder: &tempfile::TempDir, tone: u32) -> PathBuf {
    microphone(folder, &[tone], 120.0)
}
