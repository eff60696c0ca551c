//! The one-shot form: register, call, talk for a while, hang up.

use crate::{CallArgs, Transport, lines::Printer};
use hatif_app::{
    App, AppConfig, LogTail,
    command::{AccountKind, Command, NewAccount, Password},
    view::{CallStateView, Event, RegistrationView},
};
use std::{io::BufRead, process::ExitCode, time::Duration};
use tokio::sync::mpsc;

/// Exit status: 0 the call was answered, 1 it was not, 2 it could not be tried.
pub async fn call(config: AppConfig, log: LogTail, args: CallArgs) -> ExitCode {
    let Some(account) = account(&args) else {
        return crate::fail("--account is user@host, and the password comes by --password-stdin or HATIF_PASSWORD");
    };
    let printer = Printer::start();
    let print = printer.clone();
    let (told, mut events) = mpsc::channel(1024);
    let app = App::start(config, log, move |event| {
        // The printer keeps everything; this copy is only watched for what it waits for.
        let _ = told.try_send(event.clone());
        print.print(event);
    });
    let app = match app {
        Ok(app) => app,
        Err(error) => return crate::fail(&error.to_string()),
    };
    let answered = run(&app, &mut events, account, &args).await;
    if app.send(Command::Quit).is_ok() {
        printer.finished().await;
    }
    if answered { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn account(args: &CallArgs) -> Option<NewAccount> {
    let (user, domain) = args.account.rsplit_once('@')?;
    let password = if args.password_stdin {
        let mut line = String::new();
        std::io::stdin().lock().read_line(&mut line).ok()?;
        Some(Password(line.trim_end_matches(['\r', '\n']).to_owned()))
    } else {
        std::env::var("HATIF_PASSWORD").ok().map(Password)
    };
    Some(NewAccount {
        label: String::new(),
        kind: if args.direct { AccountKind::Direct } else { AccountKind::Registrar },
        user: user.to_owned(),
        domain: domain.to_owned(),
        password,
        display_name: None,
        auth_user: None,
        registrar: None,
        proxy: None,
        transport: match args.transport {
            Transport::Udp => hatif_app::command::Transport::Udp,
            Transport::Tcp => hatif_app::command::Transport::Tcp,
            Transport::Tls => hatif_app::command::Transport::Tls,
        },
        ca_file: args.ca_file.clone(),
        expires: None,
        local_port: None,
        options: None,
        turn_password: None,
    })
}

async fn run(app: &App, events: &mut mpsc::Receiver<Event>, account: NewAccount, args: &CallArgs) -> bool {
    let direct = account.kind == AccountKind::Direct;
    if app.send(Command::AddAccount { account }).is_err() {
        return false;
    }
    let registered = wait(events, |event| match event {
        Event::AccountChanged { account } if direct => Some(Some(account.id)),
        Event::AccountChanged { account } => match account.registration {
            RegistrationView::Up => Some(Some(account.id)),
            RegistrationView::Down { .. } => Some(None),
            _ => None,
        },
        Event::CommandFailed { .. } => Some(None),
        _ => None,
    });
    let Some(Some(account)) = registered.await else { return false };
    if app.send(Command::Call { to: args.target.clone(), account: Some(account), confirmed: true }).is_err() {
        return false;
    }
    let answered = wait(events, |event| match event {
        Event::CallChanged { call } => match call.state {
            CallStateView::Active { .. } => Some(Some(call.id)),
            CallStateView::Ended { .. } => Some(None),
            _ => None,
        },
        Event::CommandFailed { .. } => Some(None),
        _ => None,
    });
    let Some(Some(call)) = answered.await else { return false };
    let ended = |event: &Event| match event {
        Event::CallChanged { call } => matches!(call.state, CallStateView::Ended { .. }).then_some(()),
        _ => None,
    };
    if tokio::time::timeout(Duration::from_secs(args.seconds), wait(events, ended)).await.is_err() {
        let _ = app.send(Command::HangUp { call });
        wait(events, ended).await;
    }
    true
}

/// The first event that `pick` takes; `None` when the application has stopped.
async fn wait<T>(events: &mut mpsc::Receiver<Event>, pick: impl Fn(&Event) -> Option<T>) -> Option<T> {
    while let Some(event) = events.recv().await {
        if let Some(found) = pick(&event) {
            return Some(found);
        }
    }
    None
}
