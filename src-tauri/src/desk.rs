//! The one window on the user's desk: made where it stood last, its place noted as it is moved, its two choices obeyed
//! (above all others; the compact strip).

use crate::place::{Kept, Place, Screen, Stand};
use hatif_app::view::WindowChoice;
use std::{
    path::PathBuf,
    sync::{
        Mutex, MutexGuard,
        mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel},
    },
    time::Duration,
};
use tauri::{
    AppHandle, LogicalSize, Manager, Monitor, PhysicalPosition, WebviewWindow, WebviewWindowBuilder, WindowEvent,
};

/// The label of the one window, as in `tauri.conf.json`.
const MAIN: &str = "main";

/// A window that is dragged tells its place many times a second; it is written down when it has rested so long.
const REST: Duration = Duration::from_millis(400);

/// The window's state that outlives it. The lock is held for copies only: never while the window is asked something.
pub struct Desk {
    dir: PathBuf,
    state: Mutex<State>,
    /// "It has moved". One is as good as many, so a full queue loses nothing.
    moved: SyncSender<()>,
}

struct State {
    kept: Kept,
    /// It was sent somewhere and has not come to rest yet. Until then what the window system says of its place is not
    /// true: nothing is noted.
    sent: bool,
}

/// Makes the window and shows it where it stood. What it shows is not there yet: the page asks for it.
pub fn open(handle: &AppHandle, dir: PathBuf) -> Result<(), Box<dyn std::error::Error>> {
    let config = handle.config().app.windows.first().ok_or("tauri.conf.json names a window")?;
    let window = WebviewWindowBuilder::from_config(handle, config)?.visible(false).build()?;
    #[cfg(target_os = "linux")]
    crate::web::revive(&window)?;
    let kept = Kept::read(&dir);
    let (moved, rests) = sync_channel(1);
    put(&window, kept.stand(&screens(&window)));
    window.set_always_on_top(kept.on_top)?;
    handle.manage(Desk { dir, state: Mutex::new(State { kept, sent: false }), moved });
    window.show()?;
    let told = handle.clone();
    window.on_window_event(move |event| {
        let desk = told.state::<Desk>();
        match event {
            WindowEvent::Moved(_) | WindowEvent::Resized(_) => desk.tell_moved(),
            WindowEvent::CloseRequested { .. } => note(&told),
            _ => {}
        }
    });
    let noting = handle.clone();
    std::thread::Builder::new().name("hatif-window".into()).spawn(move || note_when_at_rest(&noting, &rests))?;
    Ok(())
}

/// Brings the window to the front, as a second start asks for.
pub fn show(handle: &AppHandle) {
    let Some(window) = handle.get_webview_window(MAIN) else { return };
    let shown = window.show().and_then(|()| window.unminimize()).and_then(|()| window.set_focus());
    if let Err(error) = shown {
        tracing::warn!(%error, "the window could not be brought to the front");
    }
}

/// How the window stands now.
pub fn choice(handle: &AppHandle) -> Option<WindowChoice> {
    Some(handle.try_state::<Desk>()?.lock().kept.choice())
}

/// Does as the user chose. What could not be done the window system has refused; the choice is kept all the same.
pub fn choose(handle: &AppHandle, choice: WindowChoice) {
    let (Some(desk), Some(window)) = (handle.try_state::<Desk>(), handle.get_webview_window(MAIN)) else { return };
    note(handle);
    let (before, kept) = {
        let state = &mut *desk.lock();
        let before = state.kept.choice();
        (state.kept.on_top, state.kept.strip) = (choice.on_top, choice.strip);
        state.sent |= before.strip != choice.strip;
        (before, state.kept.clone())
    };
    desk.write(&kept);
    if let Err(error) = window.set_always_on_top(choice.on_top) {
        tracing::warn!(%error, "the window does not stay above others");
    }
    if before.strip != choice.strip {
        let place = kept.stand(&screens(&window));
        // The first time it becomes a strip where it stands.
        let position = if kept.has_place() { place.position } else { position(&window) };
        put(&window, Stand { position, ..place });
        desk.tell_moved();
    }
}

fn put(window: &WebviewWindow, stand: Stand) {
    let size = LogicalSize::new(stand.size.0, stand.size.1);
    let placed = if stand.maximized { Ok(()) } else { window.unmaximize() }
        .and_then(|()| window.set_size(size))
        .and_then(|()| match stand.position {
            Some((x, y)) => window.set_position(PhysicalPosition::new(x, y)),
            None => Ok(()),
        })
        .and_then(|()| if stand.maximized { window.maximize() } else { Ok(()) });
    if let Err(error) = placed {
        tracing::warn!(%error, "the window is not where it was");
    }
}

fn note_when_at_rest(handle: &AppHandle, rests: &Receiver<()>) {
    while rests.recv().is_ok() {
        loop {
            match rests.recv_timeout(REST) {
                Ok(()) => {}
                Err(RecvTimeoutError::Timeout) => break,
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
        if let Some(desk) = handle.try_state::<Desk>() {
            desk.lock().sent = false;
        }
        note(handle);
    }
}

/// Writes down where the window stands now.
fn note(handle: &AppHandle) {
    let (Some(desk), Some(window)) = (handle.try_state::<Desk>(), handle.get_webview_window(MAIN)) else { return };
    let Some(place) = place(&window) else { return };
    let kept = {
        let state = &mut *desk.lock();
        if state.sent {
            return;
        }
        let before = state.kept.clone();
        state.kept.note(place);
        if state.kept == before {
            return;
        }
        state.kept.clone()
    };
    desk.write(&kept);
}

/// Where it stands; nothing while it is minimized or on its way out.
fn place(window: &WebviewWindow) -> Option<Place> {
    if window.is_minimized().ok()? || !window.is_visible().ok()? {
        return None;
    }
    let (x, y) = position(window)?;
    let size = window.inner_size().ok()?.to_logical::<f64>(window.scale_factor().ok()?);
    Some(Place { x, y, width: size.width, height: size.height, maximized: window.is_maximized().ok()? })
}

fn position(window: &WebviewWindow) -> Option<(i32, i32)> {
    window.outer_position().ok().map(|at| (at.x, at.y))
}

/// The screens that are there, the main one first.
fn screens(window: &WebviewWindow) -> Vec<Screen> {
    let main = window.primary_monitor().ok().flatten();
    let all = window.available_monitors().unwrap_or_default();
    main.iter().chain(&all).map(screen).collect()
}

fn screen(monitor: &Monitor) -> Screen {
    let area = monitor.work_area();
    Screen {
        x: area.position.x,
        y: area.position.y,
        width: area.size.width,
        height: area.size.height,
        scale: monitor.scale_factor(),
    }
}

impl Desk {
    /// A full queue means that it is known already.
    fn tell_moved(&self) {
        self.moved.try_send(()).unwrap_or_default();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Whoever panicked with it left a whole value behind.
        self.state.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    fn write(&self, kept: &Kept) {
        if let Err(error) = kept.write(&self.dir) {
            tracing::debug!(kind = ?error.kind(), "the window's place is not kept");
        }
    }
}
