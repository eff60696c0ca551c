//! The one window on the user's desk: made where it stood last, its place noted as it is moved, its two choices obeyed
//! (above all others; the compact strip).

use crate::{
    around::{self, Closing},
    place::{Kept, Place, Screen, Stand},
};
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
    AppHandle, CloseRequestApi, LogicalSize, Manager, Monitor, PhysicalPosition, WebviewWindow, WebviewWindowBuilder,
    WindowEvent,
};

/// The label of the one window, as in `tauri.conf.json`.
const MAIN: &str = "main";
const TITLE: &str = "Hatif";

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
pub fn open(handle: &AppHandle, dir: PathBuf, hidden: bool) -> Result<(), Box<dyn std::error::Error>> {
    let config = handle.config().app.windows.first().ok_or("tauri.conf.json names a window")?;
    let window = WebviewWindowBuilder::from_config(handle, config)?.visible(false).build()?;
    #[cfg(target_os = "linux")]
    crate::web::revive(&window)?;
    let kept = Kept::read(&dir);
    let (moved, rests) = sync_channel(1);
    put(&window, kept.stand(&screens(&window)));
    window.set_always_on_top(kept.on_top)?;
    handle.manage(Desk { dir, state: Mutex::new(State { kept, sent: false }), moved });
    if !hidden {
        window.show()?;
    }
    let told = handle.clone();
    window.on_window_event(move |event| {
        let desk = told.state::<Desk>();
        match event {
            WindowEvent::Moved(_) | WindowEvent::Resized(_) => desk.tell_moved(),
            WindowEvent::CloseRequested { api, .. } => {
                note(&told);
                close(&told, api);
            }
            WindowEvent::Focused(focused) => around::focused(&told, *focused),
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

/// The title bar's button: the window goes to the tray, where there is one, or ends the application.
fn close(handle: &AppHandle, api: &CloseRequestApi) {
    let Some(window) = handle.get_webview_window(MAIN) else { return };
    let done = match around::closing(handle) {
        Closing::End => return,
        Closing::Hide => window.hide(),
        Closing::Minimize => window.minimize(),
    };
    api.prevent_close();
    if let Err(error) = done {
        tracing::warn!(%error, "the window does not go out of the way");
    }
}

/// No tray shows us: a window that nobody sees would be lost. It goes to the task bar, or is there if it went to the tray.
/// `started_hidden`: nobody has asked for it yet.
pub fn find_again(handle: &AppHandle, started_hidden: bool) {
    let Some(window) = handle.get_webview_window(MAIN) else { return };
    if window.is_visible().unwrap_or(true) {
        return;
    }
    let shown = if started_hidden { window.minimize().and_then(|()| window.show()) } else { window.show() };
    if let Err(error) = shown {
        tracing::warn!(%error, "the window could not be shown");
    }
}

/// Hatif's name, with the number of missed calls before it.
pub fn entitle(handle: &AppHandle, missed: usize) {
    let Some(window) = handle.get_webview_window(MAIN) else { return };
    let title = if missed == 0 { TITLE.to_owned() } else { format!("({missed}) {TITLE}") };
    if let Err(error) = window.set_title(&title) {
        tracing::debug!(%error, "the title could not be changed");
    }
}

/// What is selected in any window, else what was copied. `tell` is called later, on the window's thread.
pub fn selection(handle: &AppHandle, tell: impl FnOnce(Option<String>) + Send + 'static) {
    #[cfg(target_os = "linux")]
    let asked = handle.run_on_main_thread(move || crate::web::selected(tell));
    #[cfg(not(target_os = "linux"))]
    let asked = handle.run_on_main_thread(move || tell(None));
    if let Err(error) = asked {
        tracing::warn!(%error, "the selection could not be read");
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
    let mut kept = desk.lock().kept.clone();
    let before = kept.choice();
    (kept.on_top, kept.strip) = (choice.on_top, choice.strip);
    let stand = (before.strip != choice.strip).then(|| {
        // The first time it becomes a strip where it stands.
        let here = (!kept.has_place()).then(|| position(&window)).flatten();
        let stand = kept.stand(&screens(&window));
        Stand { position: here.or(stand.position), ..stand }
    });
    {
        let state = &mut *desk.lock();
        state.kept = kept.clone();
        state.sent |= stand.is_some();
    }
    desk.write(&kept);
    if let Err(error) = window.set_always_on_top(choice.on_top) {
        tracing::warn!(%error, "the window does not stay above others");
    }
    if let Some(stand) = stand {
        put(&window, stand);
        desk.tell_moved();
    }
}

fn put(window: &WebviewWindow, stand: Stand) {
    let placed = if stand.maximized { Ok(()) } else { window.unmaximize() }
        .and_then(|()| place_at(window, stand))
        .and_then(|()| if stand.maximized { window.maximize() } else { Ok(()) });
    if let Err(error) = placed {
        tracing::warn!(%error, "the window is not where it was");
    }
}

fn place_at(window: &WebviewWindow, stand: Stand) -> tauri::Result<()> {
    #[cfg(target_os = "linux")]
    if let Some(position) = stand.position.filter(|_| window.is_visible().is_ok_and(|visible| visible)) {
        return move_and_resize(window, position, stand.size);
    }
    window.set_size(LogicalSize::new(stand.size.0, stand.size.1))?;
    match stand.position {
        Some((x, y)) => window.set_position(PhysicalPosition::new(x, y)),
        None => Ok(()),
    }
}

/// Both in one request. GTK keeps a size back until it draws, and forgets it if the window manager meanwhile tells of a
/// move: the window would keep its old size at its new place.
#[cfg(target_os = "linux")]
fn move_and_resize(window: &WebviewWindow, position: (i32, i32), size: (f64, f64)) -> tauri::Result<()> {
    use gtk::prelude::WidgetExt;
    let of = window.clone();
    window.run_on_main_thread(move || {
        if let Some(there) = of.gtk_window().ok().and_then(|window| window.window()) {
            let scale = there.scale_factor().max(1);
            there.move_resize(position.0 / scale, position.1 / scale, size.0 as i32, size.1 as i32);
        }
    })
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
    let ((x, y), (width, height)) = (position(window)?, size(window)?);
    Some(Place { x, y, width, height, maximized: window.is_maximized().ok()? })
}

/// Inside the frame, in logical pixels.
fn size(window: &WebviewWindow) -> Option<(f64, f64)> {
    let size = window.inner_size().ok()?.to_logical::<f64>(window.scale_factor().ok()?);
    Some((size.width, size.height))
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
