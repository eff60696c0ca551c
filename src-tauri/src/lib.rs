//! SHELL: the only Rust that knows of a window. Everything it does is hand commands in and events out.

mod around;
mod desk;
mod place;
#[cfg(target_os = "linux")]
mod web;

use hatif_app::{
    App, AppConfig, Devices, KeyringChoice, LogTail, SystemHid,
    command::{Command, CustomerFilesCommand, FileSource},
    view::{Event, Snapshot},
};
use serde::Serialize;
use specta::Type;
use std::{path::PathBuf, sync::Arc};
use tauri::{AppHandle, Emitter, Manager, State};

/// The one event that the page listens to; its payload is an `Event`.
const PHONE: &str = "phone";

/// The environment's word for another folder of data.
const DATA: &str = "HATIF_DATA";

/// Why the page's command was not taken: the application is ending or does not keep up, or it is none for a page.
#[derive(Debug, Serialize, Type)]
pub struct NotTaken;

/// The page has loaded and listens: it gets everything as it is now.
#[tauri::command]
#[specta::specta]
async fn ready(handle: AppHandle, app: State<'_, App>) -> Result<Snapshot, NotTaken> {
    let snapshot = app.snapshot().await.map_err(|_| NotTaken)?;
    Ok(complete(&handle, snapshot))
}

/// The page asks something of the phone. What comes of it comes as events.
#[tauri::command]
#[specta::specta]
fn send(handle: AppHandle, app: State<'_, App>, command: Command) -> Result<(), NotTaken> {
    match command {
        Command::Window { window } => {
            desk::choose(&handle, window);
            tell(&handle, &Event::WindowChanged { window });
            Ok(())
        }
        Command::Desktop { ask } => {
            around::asked(&handle, &ask);
            Ok(())
        }
        // A page names no file of the disk: it hands over what the user chose, part by part.
        Command::CustomerFiles { ask: CustomerFilesCommand::Look { source: FileSource::Disk { .. }, .. } } => {
            Err(NotTaken)
        }
        command => app.send(command).map_err(|_| NotTaken),
    }
}

/// With what only the shell knows.
fn complete(handle: &AppHandle, snapshot: Snapshot) -> Snapshot {
    Snapshot { window: desk::choice(handle), desktop: around::view(handle), ..snapshot }
}

fn tell(handle: &AppHandle, event: &Event) {
    if let Err(error) = handle.emit(PHONE, event) {
        tracing::warn!(%error, "the page did not get an event");
    }
}

/// The page's typed commands; the bindings in `ui/src/backend/bindings.ts` are made of it.
pub fn bindings() -> tauri_specta::Builder<tauri::Wry> {
    tauri_specta::Builder::<tauri::Wry>::new()
        .disable_serde_phases()
        .commands(tauri_specta::collect_commands![ready, send])
        .typ::<Event>()
}

/// Runs the window until it is closed.
pub fn run() {
    #[cfg(target_os = "linux")]
    web::prepare();
    let log = hatif_app::log::start();
    let handler = bindings().invoke_handler();
    let builder = tauri::Builder::default();
    // First of all: a second start does nothing but hand its link over to the first, or show its window. With data of its
    // own it is another Hatif, beside the first.
    let alone = std::env::var_os(DATA).is_none();
    let builder = match alone {
        true => builder.plugin(tauri_plugin_single_instance::init(|handle, words, _| {
            around::started_with(handle, words.get(1..).unwrap_or_default());
        })),
        false => builder,
    };
    #[cfg(target_os = "macos")]
    let builder = builder.on_web_content_process_terminate(|view| {
        if let Err(error) = view.reload() {
            tracing::error!(%error, "the page could not be loaded again");
        }
    });
    let outcome = builder
        .invoke_handler(handler)
        .setup(move |tauri| {
            let data = data_folder()?;
            let words: Vec<String> = std::env::args_os().skip(1).filter_map(|word| word.into_string().ok()).collect();
            let hidden = words.iter().any(|word| word == hatif_desktop::autostart::HIDDEN);
            let _runtime = tauri::async_runtime::handle().inner().enter();
            // The page begins to load while everything else starts.
            desk::open(tauri.handle(), data.clone(), hidden)?;
            around::start(tauri.handle(), alone, hidden)?;
            tauri.manage(start(tauri.handle().clone(), data, log)?);
            if !words.is_empty() {
                around::started_with(tauri.handle(), &words);
            }
            Ok(())
        })
        .build(tauri::generate_context!());
    match outcome {
        Ok(tauri) => tauri.run(|handle, event| {
            if let tauri::RunEvent::ExitRequested { code: None, api, .. } = event {
                // The last window is closed: end calls and un-register first; `Stopped` then ends the process.
                let quits = handle.try_state::<App>().is_some_and(|app| app.send(Command::Quit).is_ok());
                if quits {
                    api.prevent_exit();
                }
            }
        }),
        Err(error) => {
            tracing::error!(%error, "the window could not be made");
            eprintln!("Hatif could not open its window: {error}");
            std::process::exit(1);
        }
    }
}

fn data_folder() -> Result<PathBuf, &'static str> {
    let named = std::env::var_os(DATA).map(PathBuf::from);
    named.or_else(hatif_app::data_folder).ok_or("this user has no folder for application data")
}

fn start(handle: AppHandle, data: PathBuf, log: LogTail) -> Result<App, Box<dyn std::error::Error>> {
    let config = AppConfig {
        data,
        keyring: KeyringChoice::System,
        policy: Some(hatif_app::policy_file()),
        devices: Devices::System,
        input: None,
        output: None,
        auto_answer: false,
        most_calls: None,
        practice: true,
        headsets: Some(Arc::new(SystemHid::default())),
        system_language: hatif_app::system_language(),
    };
    let app = App::start(config, log, move |event| match event {
        Event::Stopped => handle.exit(0),
        Event::Snapshot { snapshot } => {
            let event = Event::Snapshot { snapshot: complete(&handle, snapshot) };
            around::observe(&handle, &event);
            tell(&handle, &event);
        }
        event => {
            around::observe(&handle, &event);
            tell(&handle, &event);
        }
    })?;
    Ok(app)
}
