//! Linux: the process that draws the page, which can die while a call goes on: the call does not notice, and the page is
//! loaded again. It asks for everything as it is, as always after loading.

use std::{
    cell::Cell,
    time::{Duration, Instant},
};
use webkit2gtk::WebViewExt;

/// A page that dies again so soon is not loaded at once: whatever kills it would do nothing else.
const SOON: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_secs(2);

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
