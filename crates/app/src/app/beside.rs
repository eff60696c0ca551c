//! What stands beside the phone: cards, the work around calls, connectors. What these machines ask for is done here.

use super::{Fed, Run, feed, now_ms};
use crate::{
    browser, card,
    command::RecordingsCommand,
    connectors,
    downloads::{downloads, save_beside},
    erasure, present,
    view::{CustomersEvent, DiagnosticsView, Event, WorkEvent},
    work,
};
use hatif_core::{
    ids::AccountId,
    settings::{Layers, Policy, Rows},
    store::StoreCommand,
    text::Text,
};
use hatif_net::{NetConfig, check};
use std::{path::Path, time::Instant};

pub(super) fn net_config(data: &Path) -> NetConfig {
    NetConfig {
        user_agent: format!("Hatif/{}", env!("CARGO_PKG_VERSION")),
        instance: Some(crate::instance::of(data)),
        serve_registrations: false,
    }
}

impl Run {
    pub(super) fn drain_cards(&mut self) {
        while let Some(out) = self.cards.poll() {
            match out {
                card::Out::Ask(ask) => self.tell_store(StoreCommand::Customers(ask)),
                card::Out::Tell(told) => {
                    if let CustomersEvent::CardChanged { card } = &told {
                        self.work.known(card.call, card.chosen, now_ms());
                    }
                    (self.on_event)(Event::Customers { told });
                }
                card::Out::Refuse(why) => self.refuse("customers", &why),
            }
        }
        self.drain_erasure();
        self.drain_work();
    }

    pub(super) fn drain_erasure(&mut self) {
        while let Some(out) = self.erasure.poll() {
            match out {
                erasure::Out::Ask(ask) => self.tell_store(StoreCommand::Customers(ask)),
                erasure::Out::Tell(told) => (self.on_event)(Event::Customers { told }),
                erasure::Out::DeleteRecording(recording) => {
                    let effects = self.recordings.ask(RecordingsCommand::Delete { recording });
                    self.carry_out(effects);
                }
                erasure::Out::Forget { keys, calls } => {
                    // First what waits to be sent: without its wrap-up it would go out.
                    self.connectors.erase(&keys, &calls);
                    self.work.erase(&calls);
                    self.drain_work();
                }
            }
        }
    }

    pub(super) fn drain_work(&mut self) {
        while let Some(out) = self.work.poll() {
            match out {
                work::Out::Ask(ask) => self.tell_store(StoreCommand::Work(ask)),
                work::Out::Tell(told) => {
                    match &told {
                        WorkEvent::WrapUpChanged { wrap_up } => self.connectors.noted(&wrap_up.wrap_up, Instant::now()),
                        WorkEvent::WrapUpGone { entry } => self.connectors.wrap_up_gone(entry, Instant::now()),
                        _ => {}
                    }
                    (self.on_event)(Event::Work { told });
                }
                work::Out::Done(wrap_up) => self.connectors.noted(&wrap_up, Instant::now()),
                work::Out::Write { table, calls } => self.export_calls(&table, calls),
                work::Out::Refuse(why) => self.refuse("work", &why),
            }
        }
        self.drain_connectors();
    }

    pub(super) fn drain_connectors(&mut self) {
        while let Some(out) = self.connectors.poll() {
            match out {
                connectors::Out::Ask(ask) => self.tell_store(StoreCommand::Connectors(ask)),
                connectors::Out::Tell(told) => (self.on_event)(Event::Connectors { told }),
                connectors::Out::Refuse(why) => self.refuse("connectors", &why),
                connectors::Out::Open(url) => {
                    if browser::open(&url).is_err() {
                        self.refuse("connectors", &Text::new("connector.no_browser"));
                    }
                }
                connectors::Out::Do(job) => {
                    let queue = self.queue.clone();
                    let body = move || drop(queue.blocking_send(Fed::Connectors(Box::new(connectors::work(*job)))));
                    // At most one look-up for each call and one item for each connector: a handful of threads.
                    if std::thread::Builder::new().name("hatif-connect".into()).spawn(body).is_err() {
                        tracing::error!("no thread for a connector");
                    }
                }
            }
        }
    }

    pub(super) fn tell_diagnostics(&mut self) {
        let diagnostics = DiagnosticsView {
            system: format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
            codecs: hatif_net::codecs().map(str::to_owned).collect(),
            log: self.log.read(),
        };
        (self.on_event)(Event::Diagnostics { diagnostics });
    }

    pub(super) fn check_connection(&mut self, account: AccountId) {
        match self.check.begin(&self.phone, account) {
            Ok((run, account)) => {
                let (queue, config) = (self.queue.clone(), net_config(&self.config.data));
                tokio::spawn(async move {
                    check::run(&account, &config, |finding| feed(&queue, Fed::Checked(run, Some(finding)))).await;
                    feed(&queue, Fed::Checked(run, None));
                });
                self.drain_check();
            }
            Err(why) => self.refuse("check_connection", &why),
        }
    }

    pub(super) fn drain_check(&mut self) {
        if let Some(check) = self.check.poll() {
            (self.on_event)(Event::Check { check });
        }
    }

    fn export_calls(&mut self, table: &str, calls: u32) {
        match save_beside(&downloads(&self.config.data), "hatif-calls", "csv", table) {
            Ok(file) => {
                let told = WorkEvent::Exported { file: file.display().to_string(), calls };
                (self.on_event)(Event::Work { told });
            }
            Err(_) => self.refuse("work", &Text::new("settings.export_failed")),
        }
    }

    /// The devices of the command line, over the stored choice.
    pub(super) fn choose_devices(&self, rows: &mut Rows) {
        if self.config.input.is_none() && self.config.output.is_none() {
            return;
        }
        let mut devices = Layers::new(rows.clone(), Policy::default()).settings().devices.clone();
        devices.microphone = self.config.input.clone().or(devices.microphone);
        devices.speaker = self.config.output.clone().or(devices.speaker);
        if let Ok(json) = serde_json::to_string(&devices) {
            rows.insert("devices".to_owned(), json);
        }
    }

    /// Puts the file where the user finds it, under a name of its own.
    pub(super) fn export_settings(&mut self, text: String) {
        let event = match save_beside(&downloads(&self.config.data), "hatif-settings", "json", &text) {
            Ok(file) => Event::SettingsExported { text, file: file.display().to_string() },
            Err(_) => Event::CommandFailed {
                call: None,
                account: None,
                command: "export_settings".to_owned(),
                text: present::text(&Text::new("settings.export_failed")),
            },
        };
        (self.on_event)(event);
    }
}
