//! The desktop around the window: the phone's events become what it shows; what is asked there becomes commands. Links
//! and keys that work everywhere end here too.

mod keys;
mod state;
mod words;

use crate::desk;
use hatif_app::{
    App,
    command::{Command, DesktopCommand},
    link,
    view::{DesktopEvent, DesktopView, Event},
};
use hatif_desktop::{Ask, Buses, Desktop, Told, autostart, icon::Picture};
use state::{Key, State};
use std::{
    sync::{
        Mutex, MutexGuard,
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    time::Duration,
};
use tauri::{AppHandle, Manager};

/// Links that come faster than this are one: the last.
const BURST: Duration = Duration::from_millis(200);

/// What is known of the desktop. The lock is held for reckoning only, never while somebody is asked something.
pub struct Around {
    desktop: Desktop,
    inner: Mutex<Inner>,
    /// "There is something to fill in". One is as good as many, so a full queue loses nothing.
    waiting: SyncSender<()>,
    /// Whether what the desktop keeps for us (autostart) is ours to change: a second Hatif's is not.
    first: bool,
}

#[derive(Default)]
struct Inner {
    state: State,
    view: DesktopView,
    /// For the dial field, as soon as there is a page; `Err`: a link that named nobody.
    fill: Option<Result<String, ()>>,
    page: bool,
    /// The user has the window in front of them.
    focused: bool,
    /// Missed calls that the title tells.
    titled: usize,
    autostart: Option<bool>,
}

/// Starts it. `hidden`: the window has not been shown; without a tray it will be, in the task bar.
pub fn start(handle: &AppHandle, first: bool, hidden: bool) -> Result<(), Box<dyn std::error::Error>> {
    let icon = handle.default_window_icon().ok_or("the application has an icon")?;
    let picture = Picture::new(icon.width(), icon.rgba().to_vec()).ok_or("the icon is a square")?;
    let told = handle.clone();
    let desktop = Desktop::start(Buses::default(), picture, move |what| take(&told, what, hidden));
    let (waiting, wakes) = sync_channel(1);
    handle.manage(Around { desktop, inner: Mutex::default(), waiting, first });
    keys::start(handle);
    let filling = handle.clone();
    std::thread::Builder::new().name("hatif-links".into()).spawn(move || fill_in(&filling, &wakes))?;
    Ok(())
}

/// The phone has told something.
pub fn observe(handle: &AppHandle, event: &Event) {
    let Some(around) = handle.try_state::<Around>() else { return };
    let (shown, settings) = {
        let mut inner = around.lock();
        let looked_at = inner.focused;
        if !inner.state.observe(event, looked_at) {
            return;
        }
        (inner.state.shown(), inner.state.settings.desktop.clone())
    };
    around.desktop.show(shown);
    around.tell_missed(handle);
    if matches!(event, Event::Snapshot { .. } | Event::SettingsChanged { .. }) {
        around.start_with_desktop(settings.autostart);
        keys::choose(handle, &settings.hotkeys);
    }
}

/// The user has the window in front of them, or no longer.
pub fn focused(handle: &AppHandle, focused: bool) {
    let Some(around) = handle.try_state::<Around>() else { return };
    let shown = {
        let mut inner = around.lock();
        inner.focused = focused;
        if !focused || !inner.state.looked() {
            return;
        }
        inner.state.shown()
    };
    around.desktop.show(shown);
    around.tell_missed(handle);
}

/// What becomes of the window that the user closes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Closing {
    /// It goes, and the application with it.
    End,
    /// Hatif stays in the tray.
    Hide,
    /// A call goes on, and no tray is there to find it by.
    Minimize,
}

pub fn closing(handle: &AppHandle) -> Closing {
    let Some(around) = handle.try_state::<Around>() else { return Closing::End };
    let inner = around.lock();
    match (inner.state.settings.desktop.close_to_tray, inner.view.tray, inner.state.in_call()) {
        (false, ..) => Closing::End,
        (true, true, _) => Closing::Hide,
        (true, false, true) => Closing::Minimize,
        (true, false, false) => Closing::End,
    }
}

pub fn view(handle: &AppHandle) -> Option<DesktopView> {
    Some(handle.try_state::<Around>()?.lock().view.clone())
}

/// What the page asks.
pub fn asked(handle: &AppHandle, ask: &DesktopCommand) {
    match ask {
        DesktopCommand::Waiting => {
            let Some(around) = handle.try_state::<Around>() else { return };
            around.lock().page = true;
            around.wake();
        }
    }
}

/// The words of a start, this one's or a second one's, without the program's name. A link fills the dial field and shows
/// the window; without one the window is shown, unless it shall stay hidden.
pub fn started_with(handle: &AppHandle, words: &[String]) {
    // The last counts, as with links that come one after the other.
    match words.iter().rfind(|word| !word.starts_with('-')) {
        Some(link) => fill(handle, link::filled(link)),
        None if words.iter().any(|word| word == autostart::HIDDEN) => {}
        None => desk::show(handle),
    }
}

/// Puts it into the dial field as soon as the page is there; `None`: tells that it was nothing.
fn fill(handle: &AppHandle, text: Option<String>) {
    let Some(around) = handle.try_state::<Around>() else { return };
    around.lock().fill = Some(text.ok_or(()));
    around.wake();
}

fn fill_in(handle: &AppHandle, wakes: &Receiver<()>) {
    while wakes.recv().is_ok() {
        let Some(around) = handle.try_state::<Around>() else { return };
        let filled = {
            let mut inner = around.lock();
            if inner.page { inner.fill.take() } else { None }
        };
        let Some(filled) = filled else { continue };
        desk::show(handle);
        let happened = match filled {
            Ok(text) => DesktopEvent::Fill { text },
            Err(()) => DesktopEvent::BadLink,
        };
        crate::tell(handle, &Event::Desktop { happened });
        std::thread::sleep(BURST);
    }
}

fn take(handle: &AppHandle, told: Told, hidden: bool) {
    match told {
        Told::Tray(tray) => {
            change_view(handle, |view| view.tray = tray);
            if !tray {
                desk::find_again(handle, hidden);
            }
        }
        Told::Ask(Ask::Open) => desk::show(handle),
        Told::Ask(Ask::Quit) => send(handle, Command::Quit),
        Told::Ask(Ask::Answer(call)) => send(handle, Command::Answer { call }),
        Told::Ask(Ask::Decline(call)) => send(handle, Command::Reject { call }),
        Told::Ask(Ask::HangUp(call)) => send(handle, Command::HangUp { call }),
        Told::Ask(Ask::DoNotDisturb(on)) => send(handle, Command::SetDoNotDisturb { on }),
    }
}

fn pressed(handle: &AppHandle, key: Key, down: bool) {
    if key == Key::DialSelection {
        if down {
            let told = handle.clone();
            desk::selection(handle, move |text| fill(&told, text.and_then(|text| link::selected(&text))));
        }
        return;
    }
    let Some(around) = handle.try_state::<Around>() else { return };
    let command = around.lock().state.pressed(key, down);
    if let Some(command) = command {
        send(handle, command);
    }
}

fn send(handle: &AppHandle, command: Command) {
    let sent = handle.try_state::<App>().is_some_and(|app| app.send(command).is_ok());
    if !sent {
        tracing::warn!("the phone did not take a command of the desktop");
    }
}

fn change_view(handle: &AppHandle, change: impl FnOnce(&mut DesktopView)) {
    let Some(around) = handle.try_state::<Around>() else { return };
    let view = {
        let mut inner = around.lock();
        let before = inner.view.clone();
        change(&mut inner.view);
        if inner.view == before {
            return;
        }
        inner.view.clone()
    };
    crate::tell(handle, &Event::Desktop { happened: DesktopEvent::Changed { view } });
}

impl Around {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        // Whoever panicked with it left a whole value behind.
        self.inner.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    fn wake(&self) {
        // A full queue means that it is known already.
        self.waiting.try_send(()).unwrap_or_default();
    }

    /// The number of missed calls in the title, where task bars show it.
    fn tell_missed(&self, handle: &AppHandle) {
        let missed = {
            let mut inner = self.lock();
            let missed = inner.state.missed();
            if std::mem::replace(&mut inner.titled, missed) == missed {
                return;
            }
            missed
        };
        desk::entitle(handle, missed);
    }

    fn start_with_desktop(&self, on: bool) {
        if !self.first || self.lock().autostart.replace(on) == Some(on) {
            return;
        }
        // An AppImage is started by its file, not by what it unpacks to.
        let program = std::env::var_os("APPIMAGE").map(std::path::PathBuf::from);
        let program = program.map_or_else(std::env::current_exe, Ok);
        let config = autostart::config_folder().ok_or(std::io::Error::from(std::io::ErrorKind::NotFound));
        let done = program.and_then(|program| autostart::set(&config?, &program, on));
        if let Err(error) = done {
            tracing::warn!(kind = ?error.kind(), on, "starting with the desktop could not be changed");
        }
    }
}
