//! Customers out of files and into files: what is looked at and imported, the last import taken back, and exports.
//!
//! ```text
//! Look, Start ──> job (a thread) ──Batch──> FileAsk::Take ──> store ──> FileAnswer::Taken ──> job
//!                   │  ▲                                                                       │
//!            Want ──┘  └── Chunk (the page's file comes part by part)        Progress <────────┘
//! ```
//!
//! The import has batches that are on the disk as a whole (`hatif_store`), so that it can be stopped, and killed, at any
//! time, and taken back until the next one.

pub mod job;

use crate::{
    command::{CustomerFilesCommand as Command, FileSource},
    present,
    view::{CustomerFilesEvent as Event, CustomerFilesView, ImportStage, ImportView, LastImportView, SkippedRow},
};
use hatif_core::{
    customer::Customer,
    customer_file::{FileAnswer, FileAsk, FileFormat, Import, LayoutChoice},
    text::Text,
};
use job::{AHEAD, Job, Progress, Source, Step};
use std::{
    collections::VecDeque,
    sync::mpsc::{SyncSender, sync_channel},
};

/// Rows of the report that are shown, and that are kept for its file.
const SHOWN: usize = 100;
const KEPT: usize = 10_000;

/// What comes of a command, an answer or a step.
pub enum Out {
    Ask(FileAsk),
    Tell(Event),
    /// To be done on a thread of its own; its steps come back with the number.
    Do(u32, Box<Job>),
    /// A part of the export; the first begins the file.
    Write {
        format: FileFormat,
        first: bool,
        customers: Vec<Customer>,
    },
    /// A whole file.
    Save {
        name: &'static str,
        text: String,
    },
    Refuse(Text),
    /// Customers came or went.
    Changed,
}

struct Running {
    job: u32,
    answers: SyncSender<FileAnswer>,
    parts: Option<SyncSender<Vec<u8>>>,
    write: Option<Import>,
}

struct Export {
    format: FileFormat,
    customers: u32,
}

#[derive(Default)]
pub struct CustomerFiles {
    view: CustomerFilesView,
    source: Option<FileSource>,
    running: Option<Running>,
    jobs: u32,
    left_out: Vec<(u64, Text)>,
    export: Option<Export>,
    /// Removed until now.
    undoing: Option<u32>,
    out: VecDeque<Out>,
}

impl CustomerFiles {
    pub fn poll(&mut self) -> Option<Out> {
        self.out.pop_front()
    }

    pub fn view(&self) -> CustomerFilesView {
        self.view.clone()
    }

    /// The store is open.
    pub fn loaded(&mut self) {
        self.out.push_back(Out::Ask(FileAsk::Last));
    }

    pub fn command(&mut self, command: Command, country: Option<String>, now_ms: i64) {
        match command {
            Command::Look { source, choice } => self.look(source, choice, country),
            Command::Start { known_too } => self.start(known_too, country, now_ms),
            Command::Cancel => self.cancel(),
            Command::Chunk { job, bytes } => self.chunk(job, &bytes),
            Command::SaveSkipped => {
                let row = |(line, why): &(u64, Text)| {
                    let params = why.params.values().cloned().collect::<Vec<_>>().join(", ");
                    vec![line.to_string(), why.code.to_owned(), params]
                };
                let text = hatif_crm::csv(&["line", "reason", "about"], self.left_out.iter().map(row));
                self.out.push_back(Out::Save { name: "hatif-import-skipped", text });
            }
            Command::Undo if self.running.is_some() || self.undoing.is_some() => self.refuse("import.busy"),
            Command::Undo => {
                self.undoing = Some(0);
                self.out.push_back(Out::Ask(FileAsk::Undo));
            }
            Command::Export { .. } if self.export.is_some() => self.refuse("import.busy"),
            Command::Export { format } => {
                self.export = Some(Export { format, customers: 0 });
                self.out.push_back(Out::Write { format, first: true, customers: Vec::new() });
                self.out.push_back(Out::Ask(FileAsk::After { after: 0 }));
            }
        }
    }

    fn look(&mut self, source: FileSource, choice: LayoutChoice, country: Option<String>) {
        if self.is_importing() || self.undoing.is_some() {
            return self.refuse("import.busy");
        }
        let (file, size) = match &source {
            FileSource::Page { name, size } => (name.clone(), *size),
            FileSource::Disk { path } => {
                let size = std::fs::metadata(path).map_or(0, |metadata| metadata.len());
                (path.rsplit(['/', '\\']).next().unwrap_or_default().to_owned(), size as f64)
            }
        };
        self.source = Some(source);
        self.begin(ImportStage::Looking, file, size, choice, country, None);
    }

    fn start(&mut self, known_too: bool, country: Option<String>, now_ms: i64) {
        let Some(import) = self.view.import.take_if(|import| import.stage == ImportStage::Ready) else {
            return self.refuse("import.nothing");
        };
        let choice = import.layout.as_ref().map(|layout| LayoutChoice {
            encoding: Some(layout.encoding),
            separator: Some(layout.separator),
            heading: Some(layout.heading),
            columns: Some(layout.columns.clone()),
        });
        let write = Some(Import { at_ms: now_ms });
        self.begin(ImportStage::Importing, import.file, import.size, choice.unwrap_or_default(), country, write);
        if let Some(import) = &mut self.view.import {
            import.known_too = known_too;
        }
    }

    fn begin(
        &mut self,
        stage: ImportStage,
        file: String,
        size: f64,
        choice: LayoutChoice,
        country: Option<String>,
        write: Option<Import>,
    ) {
        self.jobs += 1;
        self.left_out.clear();
        // Never more than is on its way.
        let (answers, answered) = sync_channel(AHEAD);
        let (parts, source) = match &self.source {
            Some(FileSource::Disk { path }) => (None, Source::Disk(path.clone())),
            _ => {
                // One part is asked for at a time.
                let (parts, given) = sync_channel(1);
                (Some(parts), Source::Page(given))
            }
        };
        let job = Job { source, choice, country, counts: write.is_none(), answers: answered };
        self.running = Some(Running { job: self.jobs, answers, parts, write });
        self.view.import = Some(ImportView {
            stage,
            file,
            size,
            read: 0.0,
            layout: None,
            headings: Vec::new(),
            first: Vec::new(),
            fresh: 0,
            known: 0,
            skipped: 0,
            known_too: false,
            left_out: Vec::new(),
            problem: None,
        });
        self.out.push_back(Out::Do(self.jobs, Box::new(job)));
        self.tell();
    }

    fn is_importing(&self) -> bool {
        self.running.as_ref().is_some_and(|running| running.write.is_some())
    }

    fn cancel(&mut self) {
        let importing = self.is_importing();
        // Its channels are gone, and so it ends.
        self.running = None;
        match &mut self.view.import {
            Some(import) if importing => {
                import.stage = ImportStage::Cancelled;
                self.changed();
            }
            import => *import = None,
        }
        self.tell();
    }

    fn chunk(&mut self, job: u32, bytes: &str) {
        let Some(parts) =
            self.running.as_ref().filter(|running| running.job == job).and_then(|running| running.parts.as_ref())
        else {
            return;
        };
        match decoded(bytes) {
            // Nobody asked for it, or the job is gone.
            Some(bytes) => drop(parts.try_send(bytes)),
            None => self.end(Err(Text::new("import.unreadable"))),
        }
    }

    /// What a job tells. One that was cancelled or replaced is not heard.
    pub fn step(&mut self, job: u32, step: Step) {
        let Some(running) = self.running.as_ref().filter(|running| running.job == job) else { return };
        match step {
            Step::Want { offset, length } => {
                self.out.push_back(Out::Tell(Event::Want { job, offset: offset as f64, length }));
            }
            Step::Batch(rows) => {
                let known_too = self.view.import.as_ref().is_some_and(|import| import.known_too);
                self.out.push_back(Out::Ask(FileAsk::Take { job, rows, write: running.write, known_too }));
            }
            Step::Guessed(guess, first) => {
                if let Some(import) = &mut self.view.import {
                    import.layout = Some(guess.layout);
                    import.headings = guess.headings;
                    import.first = first;
                }
                self.tell();
            }
            Step::Progress(progress) => self.progress(progress),
            Step::Ended(ended) => self.end(ended),
        }
    }

    fn progress(&mut self, progress: Progress) {
        let Some(import) = &mut self.view.import else { return };
        let count = |rows: usize| u32::try_from(rows).unwrap_or(u32::MAX);
        import.read = progress.read as f64;
        import.fresh = import.fresh.saturating_add(progress.fresh);
        import.known = import.known.saturating_add(count(progress.known.len()));
        import.skipped = import.skipped.saturating_add(count(progress.skipped.len()));
        let known = progress.known.into_iter().filter(|_| !import.known_too);
        let known = known.map(|(line, name)| (line, Text::new("import.known").with("name", name)));
        let room = KEPT - self.left_out.len();
        self.left_out.extend(known.chain(progress.skipped).take(room));
        self.left_out.sort_by_key(|(line, _)| *line);
        let shown = |(line, why): &(u64, Text)| SkippedRow { line: *line as f64, why: present::text(why) };
        import.left_out = self.left_out.iter().take(SHOWN).map(shown).collect();
        self.tell();
    }

    fn end(&mut self, ended: Result<(), Text>) {
        let importing = self.is_importing();
        self.running = None;
        if let Some(import) = &mut self.view.import {
            import.stage = match (&ended, importing) {
                (Err(_), _) => ImportStage::Failed,
                (Ok(()), true) => ImportStage::Done,
                (Ok(()), false) => ImportStage::Ready,
            };
            import.problem = ended.err().map(|text| present::text(&text));
        }
        self.tell();
        if importing {
            self.changed();
        }
    }

    pub fn answer(&mut self, answer: FileAnswer) {
        match answer {
            FileAnswer::Taken { job, .. } | FileAnswer::Failed { job: Some(job), .. } => {
                if let Some(running) = self.running.as_ref().filter(|running| running.job == job) {
                    // There is room for all that are on their way; a job that has ended wants none.
                    running.answers.try_send(answer).ok();
                }
            }
            FileAnswer::Last(last) => {
                self.view.last =
                    last.map(|last| LastImportView { at_ms: last.at_ms as f64, customers: last.customers });
                self.out.push_back(Out::Tell(Event::LastChanged { last: self.view.last.clone() }));
            }
            FileAnswer::Undone { removed, more, kept } => {
                let removed = self.undoing.unwrap_or(0) + removed;
                self.undoing = more.then_some(removed);
                if more {
                    self.out.push_back(Out::Ask(FileAsk::Undo));
                } else {
                    self.view.import = None;
                    self.tell();
                    self.out.push_back(Out::Tell(Event::Undone { removed, kept }));
                    self.changed();
                }
            }
            FileAnswer::Page(customers) => self.page(customers),
            FileAnswer::Failed { job: None, text } => {
                self.undoing = None;
                self.export = None;
                self.out.push_back(Out::Refuse(text));
            }
        }
    }

    fn page(&mut self, customers: Vec<Customer>) {
        let Some(export) = &mut self.export else { return };
        let last = customers.last().map(|customer| customer.id);
        export.customers += u32::try_from(customers.len()).unwrap_or(u32::MAX);
        let format = export.format;
        self.out.push_back(Out::Write { format, first: false, customers });
        if let Some(after) = last {
            self.out.push_back(Out::Ask(FileAsk::After { after }));
        }
    }

    /// The export is through, or can't be written. How many are in it.
    pub fn exported(&mut self) -> u32 {
        self.export.take().map_or(0, |export| export.customers)
    }

    fn changed(&mut self) {
        self.out.push_back(Out::Changed);
        self.out.push_back(Out::Ask(FileAsk::Last));
    }

    fn tell(&mut self) {
        self.out.push_back(Out::Tell(Event::ImportChanged { import: self.view.import.clone() }));
    }

    fn refuse(&mut self, code: &'static str) {
        self.out.push_back(Out::Refuse(Text::new(code)));
    }
}

/// Base64 as a page makes it.
fn decoded(text: &str) -> Option<Vec<u8>> {
    use base64::Engine;
    base64::engine::general_purpose::STANDARD.decode(text).ok()
}
