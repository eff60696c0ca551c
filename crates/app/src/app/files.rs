//! Files of customers, and customers who are there twice: what their machines ask for is done here.

use super::{Fed, Run};
use crate::{
    customer_files::{self, Out},
    downloads::{create_beside, downloads, save_beside},
    view::{CustomerFilesEvent, Event},
};
use hatif_core::{customer::Customer, customer_file::FileFormat, store::StoreCommand, text::Text};
use std::{
    fs::File,
    io::Write,
    path::{Path, PathBuf},
};

/// A file that is being written.
pub(super) type Exporting = (PathBuf, File);

impl Run {
    pub(super) fn drain_customer_files(&mut self) {
        while let Some(out) = self.customer_files.poll() {
            match out {
                Out::Ask(ask) => self.tell_store(StoreCommand::CustomerFiles(ask)),
                Out::Tell(told) => (self.on_event)(Event::CustomerFiles { told }),
                Out::Refuse(why) => {
                    self.exporting = None;
                    self.refuse("customer_files", &why);
                }
                Out::Changed => {
                    self.cards.look_all_up();
                    self.drain_cards();
                }
                Out::Do(number, job) => {
                    let queue = self.queue.clone();
                    let tell = move |step| queue.blocking_send(Fed::CustomerFiles(number, Box::new(step))).is_ok();
                    let body = move || customer_files::job::work(*job, &tell);
                    // One that was cancelled ends with its next row; there is one beside it at most for that long.
                    if std::thread::Builder::new().name("hatif-import".into()).spawn(body).is_err() {
                        tracing::error!("no thread for an import");
                    }
                }
                Out::Save { name, text } => match save_beside(&downloads(&self.config.data), name, "csv", &text) {
                    Ok(file) => self.saved(&file, None),
                    Err(_) => self.refuse("customer_files", &Text::new("settings.export_failed")),
                },
                Out::Write { format, first, customers } => self.export_customers(format, first, &customers),
            }
        }
    }

    pub(super) fn drain_duplicates(&mut self) {
        use crate::duplicates::Out;
        while let Some(out) = self.duplicates.poll() {
            match out {
                Out::Ask(ask) => self.tell_store(StoreCommand::Duplicates(ask)),
                Out::Tell(told) => (self.on_event)(Event::Duplicates { told }),
                Out::Refuse(why) => self.refuse("duplicates", &why),
                Out::Changed => {
                    self.cards.look_all_up();
                    self.drain_cards();
                    self.customer_files.loaded();
                    self.drain_customer_files();
                }
            }
        }
    }

    fn export_customers(&mut self, format: FileFormat, first: bool, customers: &[Customer]) {
        let text = hatif_crm::file::write(format, first, customers);
        if first {
            let extension = if format == FileFormat::Csv { "csv" } else { "vcf" };
            self.exporting = create_beside(&downloads(&self.config.data), "hatif-customers", extension).ok();
        }
        let written = match &mut self.exporting {
            Some((_, file)) if first || !customers.is_empty() => file.write_all(text.as_bytes()).is_ok(),
            exporting => exporting.is_some(),
        };
        if !written {
            self.customer_files.exported();
            self.exporting = None;
            self.refuse("customer_files", &Text::new("settings.export_failed"));
        } else if !first
            && customers.is_empty()
            && let Some((path, _)) = self.exporting.take()
        {
            let count = self.customer_files.exported();
            self.saved(&path, Some(count));
        }
    }

    fn saved(&mut self, file: &Path, customers: Option<u32>) {
        let told = CustomerFilesEvent::Saved { file: file.display().to_string(), customers };
        (self.on_event)(Event::CustomerFiles { told });
    }
}
