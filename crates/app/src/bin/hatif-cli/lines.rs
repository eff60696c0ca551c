//! The long-running form: JSON lines in, JSON lines out, until `quit` or the end of input.

use hatif_app::{
    App, AppConfig, LogTail,
    command::{Command, Password},
    view::{Event, Text},
};
use std::{
    collections::BTreeMap,
    io::Write,
    process::ExitCode,
    sync::mpsc::{SyncSender, TrySendError, sync_channel},
};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    sync::watch,
};

/// Events that may wait for a reader of standard output; past that they are dropped, and standard error says so.
const EVENTS: usize = 8192;

/// Prints events in a thread of its own: whoever tells one never waits for the reader of standard output.
#[derive(Clone)]
pub struct Printer {
    queue: SyncSender<Event>,
    /// True when the last event is printed, or nobody reads any more.
    done: watch::Receiver<bool>,
}

impl Printer {
    pub fn start() -> Printer {
        let (queue, events) = sync_channel::<Event>(EVENTS);
        let (finished, done) = watch::channel(false);
        std::thread::spawn(move || {
            let mut out = std::io::stdout().lock();
            for event in events {
                let stopped = event == Event::Stopped;
                let line = serde_json::to_string(&event).expect("events are plain data");
                if writeln!(out, "{line}").and_then(|()| out.flush()).is_err() || stopped {
                    break;
                }
            }
            let _ = finished.send(true);
        });
        Printer { queue, done }
    }

    pub fn print(&self, event: Event) {
        if let Err(TrySendError::Full(_)) = self.queue.try_send(event) {
            eprintln!("hatif-cli: nobody reads standard output; an event is lost");
        }
    }

    pub async fn finished(mut self) {
        // An error means that the printing thread is gone, which is finished too.
        let _ = self.done.wait_for(|done| *done).await;
    }
}

pub async fn run(config: AppConfig, log: LogTail) -> ExitCode {
    let printer = Printer::start();
    let events = printer.clone();
    let app = match App::start(config, log, move |event| events.print(event)) {
        Ok(app) => app,
        Err(error) => return crate::fail(&error.to_string()),
    };
    tokio::select! {
        () = read(&app, &printer) => {}
        () = printer.clone().finished() => return ExitCode::SUCCESS,
    }
    if app.send(Command::Quit).is_ok() {
        printer.finished().await;
    }
    ExitCode::SUCCESS
}

/// Obeys standard input until its end or `quit`.
async fn read(app: &App, printer: &Printer) {
    let mut input = BufReader::new(tokio::io::stdin()).lines();
    while let Ok(Some(line)) = input.next_line().await {
        if line.trim().is_empty() {
            continue;
        }
        let refused = match serde_json::from_str::<Command>(&line) {
            Ok(Command::Quit) => return,
            Ok(command) => app.send(with_password(command)).err().map(|e| failed("command.not_now", &e.to_string())),
            // Line and column only: the text itself may hold a password.
            Err(error) => Some(failed("command.unreadable", &format!("column {}", error.column()))),
        };
        if let Some(event) = refused {
            printer.print(event);
        }
    }
}

fn failed(code: &str, detail: &str) -> Event {
    let params = BTreeMap::from([("detail".to_owned(), detail.to_owned())]);
    Event::CommandFailed {
        command: String::new(),
        call: None,
        account: None,
        text: Text { code: code.to_owned(), params },
    }
}

/// An account given without a password takes the one of the environment, if there is one.
fn with_password(command: Command) -> Command {
    match command {
        Command::AddAccount { mut account } if account.password.is_none() => {
            account.password = std::env::var("HATIF_PASSWORD").ok().map(Password);
            Command::AddAccount { account }
        }
        other => other,
    }
}
