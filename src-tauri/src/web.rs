//! Linux: the process that draws the page. It can die while a call goes on: the call does not notice, and the page is
//! loaded again. It asks for everything as it is, as always after loading.

use std::{
    cell::Cell,
    fs,
    path::Path,
    time::{Duration, Instant},
};
use webkit2gtk::WebViewExt;

/// A page that dies again so soon is not loaded at once: whatever kills it would do nothing else.
const SOON: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_secs(2);

/// How WebKit is to run the page; it takes it from the environment, where the user's own word counts more. To be called
/// before there is a second thread or a window.
///
/// - No compiled script (`JSC_useJIT`): nothing here computes for long, and without it the page's process needs 90 MB less after some
///   hundred calls and no memory that is written and executed, which what strangers send might be made to reach.
/// - Garbage of scripts is collected after 8 MB and not after 32 (`JSC_largeHeapSize`), and what lives may grow by a quarter in between
///   and not twofold (`JSC_forceRAMSize`, the memory that WebKit takes the computer to have): 45 MB less, both together only.
/// - Where there is nothing that draws but the processor, as on many virtual desktops, the page is drawn by it directly and not by
///   way of an imitated graphics card, which needs 80 MB more. (WebKit's setting for it is not used: a page that is loading when it
///   changes may crash.)
pub fn prepare() {
    let mut set = vec![("JSC_useJIT", "0"), ("JSC_largeHeapSize", "8388608"), ("JSC_forceRAMSize", "134217728")];
    if !draws_in_hardware(Path::new("/dev")) {
        set.push(("WEBKIT_DISABLE_DMABUF_RENDERER", "1"));
    }
    for (name, value) in set {
        if let Err(error) = gtk::glib::setenv(name, value, false) {
            tracing::warn!(%error, name, "the page runs as WebKit has it");
        }
    }
}

/// Whether the kernel offers a graphics card to draw with: one of its own (`dri/renderD128`), or NVIDIA's driver.
fn draws_in_hardware(devices: &Path) -> bool {
    let render = fs::read_dir(devices.join("dri")).into_iter().flatten().flatten();
    render.into_iter().any(|entry| entry.file_name().to_string_lossy().starts_with("renderD"))
        || devices.join("nvidiactl").exists()
}

/// Loads the page again whenever its process ends.
pub fn revive(window: &tauri::WebviewWindow) -> tauri::Result<()> {
    let again = window.clone();
    window.with_webview(move |view| {
        let last: Cell<Option<Instant>> = Cell::new(None);
        view.inner().connect_web_process_terminated(move |view, reason| {
            tracing::error!(?reason, "the page's process has ended; it is loaded again");
            let soon = last.replace(Some(Instant::now())).is_some_and(|before| before.elapsed() < SOON);
            if soon {
                reload_later(again.clone());
            } else {
                view.reload();
            }
        });
    })
}

fn reload_later(window: tauri::WebviewWindow) {
    tauri::async_runtime::spawn_blocking(move || {
        std::thread::sleep(PAUSE);
        if let Err(error) = window.reload() {
            tracing::error!(%error, "the page could not be loaded again");
        }
    });
}

/// What is selected anywhere (X11's primary selection), else what was copied. To be called on the window's thread.
pub fn selected(tell: impl FnOnce(Option<String>) + 'static) {
    let text_of = |selection| gtk::Clipboard::get(selection);
    let copied = text_of(&gtk::gdk::SELECTION_CLIPBOARD);
    text_of(&gtk::gdk::SELECTION_PRIMARY).request_text(move |_, selected| match selected {
        Some(text) if !text.trim().is_empty() => tell(Some(text.to_owned())),
        _ => copied.request_text(move |_, text| tell(text.map(str::to_owned))),
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_graphics_card_is_known_by_its_device() {
        let devices = tempfile::tempdir().expect("a folder");
        let at = |name: &str| devices.path().join(name);
        assert!(!draws_in_hardware(devices.path()));
        fs::create_dir(at("dri")).expect("a folder");
        fs::write(at("dri/card0"), "").expect("a file");
        assert!(!draws_in_hardware(devices.path()), "a screen alone draws nothing");
        fs::write(at("dri/renderD128"), "").expect("a file");
        assert!(draws_in_hardware(devices.path()));
        fs::remove_dir_all(at("dri")).expect("gone");
        fs::write(at("nvidiactl"), "").expect("a file");
        assert!(draws_in_hardware(devices.path()));
    }
}
