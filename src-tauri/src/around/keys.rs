//! Keys that work while another program has the focus: X11, Windows and macOS by tauri-plugin-global-shortcut. A key that
//! another program has is told to the user; the others work. On Wayland only a portal could give them; it is not asked yet.

use super::{Key, change_view, pressed};
use hatif_app::command::Hotkeys;
use std::{
    str::FromStr,
    sync::{Mutex, MutexGuard},
};
use tauri::{AppHandle, Manager};
use tauri_plugin_global_shortcut::{GlobalShortcutExt, Shortcut, ShortcutState};

/// Which keys are ours now.
#[derive(Default)]
struct Keys {
    chosen: Hotkeys,
    ours: Vec<(Shortcut, Key)>,
    /// The window system is asked only once there is something to ask for: it costs some wake-ups.
    listening: bool,
}

pub fn start(handle: &AppHandle) {
    handle.manage(Mutex::new(Keys::default()));
    if cfg!(target_os = "linux") && std::env::var_os("WAYLAND_DISPLAY").is_some() {
        change_view(handle, |view| view.no_hotkeys = true);
    }
}

/// Takes the keys that the user chose, and gives back the others.
pub fn choose(handle: &AppHandle, hotkeys: &Hotkeys) {
    let Some(keys) = handle.try_state::<Mutex<Keys>>() else { return };
    {
        let mut keys = lock(&keys);
        if keys.chosen == *hotkeys {
            return;
        }
        keys.chosen = hotkeys.clone();
    }
    // Off the phone's loop: the window system is asked, which can take its time.
    let handle = handle.clone();
    tauri::async_runtime::spawn_blocking(move || {
        let refused = if super::view(&handle).is_some_and(|view| view.no_hotkeys) { Vec::new() } else { take(&handle) };
        change_view(&handle, |view| view.refused_hotkeys = refused);
    });
}

/// Makes what is ours what was chosen. The names of those that could not be had.
fn take(handle: &AppHandle) -> Vec<String> {
    let Some(keys) = handle.try_state::<Mutex<Keys>>() else { return Vec::new() };
    let (chosen, before, listening) = {
        let mut keys = lock(&keys);
        (keys.chosen.clone(), std::mem::take(&mut keys.ours), std::mem::replace(&mut keys.listening, true))
    };
    if !listening && let Err(error) = listen(handle) {
        tracing::info!(%error, "there are no keys that work everywhere here");
        change_view(handle, |view| view.no_hotkeys = true);
        return Vec::new();
    }
    let system = handle.global_shortcut();
    for (shortcut, _) in before {
        if let Err(error) = system.unregister(shortcut) {
            tracing::debug!(%error, "a key was not ours");
        }
    }
    let (mut ours, mut refused) = (Vec::new(), Vec::new());
    for (name, text) in chosen.all() {
        let Some((text, key)) = text.zip(key_of(name)) else { continue };
        match Shortcut::from_str(text).ok().filter(|shortcut| system.register(*shortcut).is_ok()) {
            Some(shortcut) => ours.push((shortcut, key)),
            None => refused.push(name.to_owned()),
        }
    }
    lock(&keys).ours = ours;
    refused
}

fn listen(handle: &AppHandle) -> tauri::Result<()> {
    let plugin = tauri_plugin_global_shortcut::Builder::new()
        .with_handler(|handle, shortcut, event| {
            let Some(keys) = handle.try_state::<Mutex<Keys>>() else { return };
            let key = lock(&keys).ours.iter().find(|(ours, _)| ours.id() == shortcut.id()).map(|(_, key)| *key);
            if let Some(key) = key {
                pressed(handle, key, event.state == ShortcutState::Pressed);
            }
        })
        .build();
    handle.plugin(plugin)
}

fn lock(keys: &Mutex<Keys>) -> MutexGuard<'_, Keys> {
    // Whoever panicked with it left a whole value behind.
    keys.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

fn key_of(name: &str) -> Option<Key> {
    Some(match name {
        "answer" => Key::Answer,
        "hang_up" => Key::HangUp,
        "mute" => Key::Mute,
        "push_to_talk" => Key::PushToTalk,
        "dial_selection" => Key::DialSelection,
        _ => return None,
    })
}
