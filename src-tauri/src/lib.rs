//! SHELL: the only Rust that knows of a window. Everything it does is hand commands in and events out.

use hatif_app::{
    App, AppConfig, Devices, KeyringChoice,
    command::Command,
    view::{Event, Snapshot},
};
use serde::Serialize;
use specta::Type;
use tauri::{AppHandle, Emitter, Manager, State};

/// The one event that the page listens to; its payload is an `Event`.
const PHONE: &str = "phone";

/// Why the page's command was not taken: the application is ending or does not keep up.
#[derive(Debug, Serialize, Type)]
pub struct NotTaken;

/// The page has loaded and listens: it gets everything as it is now.
#[tauri::command]
#[specta::specta]
async fn ready(app: State<'_, App>) -> Result<Snapshot, NotTaken> {
    app.snapshot().await.map_err(|_| NotTaken)
}

/// The page asks something of the phone. What comes of it comes as events.
#[tauri::command]
#[specta::specta]
fn send(app: State<'_, App>, command: Command) -> Result<(), NotTaken> {
    app.send(command).map_err(|_| NotTaken)
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
    hatif_app::log::start();
    let handler = bindings().invoke_handler();
    let outcome = tauri::Builder::default()
        .invoke_handler(handler)
        .setup(|tauri| {
            let app = start(tauri.handle().clone())?;
            tauri.manage(app);
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

fn start(handle: AppHandle) -> Result<App, Box<dyn std::error::Error>> {
    let data = match std::env::var_os("HATIF_DATA") {
        Some(dir) => dir.into(),
        None => hatif_app::data_folder().ok_or("this user has no folder for application data")?,
    };
    let config = AppConfig {
        data,
        keyring: KeyringChoice::System,
        policy: Some(hatif_app::policy_file()),
        devices: Devices::System,
        input: None,
        output: None,
        auto_answer: false,
        practice: true,
        system_language: hatif_app::system_language(),
    };
    let _runtime = tauri::async_runtime::handle().inner().enter();
    let app = App::start(config, move |event| {
        if event == Event::Stopped {
            handle.exit(0);
        } else if let Err(error) = handle.emit(PHONE, &event) {
            tracing::warn!(%error, "the page did not get an event");
        }
    })?;
    Ok(app)
}
