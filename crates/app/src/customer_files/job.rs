//! One way through a file, on a thread of its own: read, normalised, and given to the store batch by batch; at most
//! [`AHEAD`] batches are on their way.

use hatif_core::{
    customer::Customer,
    customer_file::{BATCH, FileAnswer, FileRow, LayoutChoice},
    text::Text,
};
use hatif_crm::file::{self, Customers, Guess, HEAD};
use std::{
    cell::Cell,
    collections::HashSet,
    hash::{DefaultHasher, Hash, Hasher},
    io::{self, Read},
    rc::Rc,
    sync::mpsc::{Receiver, RecvError},
    time::{Duration, Instant},
};

/// Batches on their way to the store.
pub const AHEAD: usize = 2;
/// Bytes of the page's file that are asked for at once.
pub const CHUNK: u32 = 1 << 19;
/// Between two reports of how far it is.
const REPORT: Duration = Duration::from_millis(200);
/// Customers that are shown before the import.
const FIRST: usize = 10;
/// Numbers and addresses of a file that are remembered while it is counted, some 16 bytes each. Those of a longer file
/// that are there twice are found by the import itself.
const MOST_SEEN: usize = 1 << 20;

/// What the thread tells.
#[derive(Debug)]
pub enum Step {
    Guessed(Guess, Vec<Customer>),
    /// The next part of the page's file, please.
    Want {
        offset: u64,
        length: u32,
    },
    Batch(Vec<FileRow>),
    /// Bytes read, and what became of the rows since the last report.
    Progress(Progress),
    Ended(Result<(), Text>),
}

#[derive(Debug, Default)]
pub struct Progress {
    pub read: u64,
    pub fresh: u32,
    /// The lines and names of those who are known.
    pub known: Vec<(u64, String)>,
    pub skipped: Vec<(u64, Text)>,
}

pub enum Source {
    Disk(String),
    /// Its parts, in order; an empty one is the end.
    Page(Receiver<Vec<u8>>),
}

pub struct Job {
    pub source: Source,
    pub choice: LayoutChoice,
    pub country: Option<String>,
    /// Nothing is kept: the file's own repetitions are told by what was seen of it.
    pub counts: bool,
    pub answers: Receiver<FileAnswer>,
}

/// Why it is not gone on with. What was cancelled tells nobody anything.
enum End {
    Cancelled,
    Failed(Text),
}

impl From<RecvError> for End {
    fn from(_: RecvError) -> End {
        End::Cancelled
    }
}

impl From<io::Error> for End {
    fn from(error: io::Error) -> End {
        match error.kind() {
            io::ErrorKind::ConnectionAborted => End::Cancelled,
            _ => End::Failed(Text::new("import.unreadable")),
        }
    }
}

/// Goes through the file. `tell` waits until it is heard; false: nobody listens.
pub fn work(job: Job, tell: &dyn Fn(Step) -> bool) {
    let ended = match through(job, tell) {
        Err(End::Cancelled) => return,
        Err(End::Failed(text)) => Err(text),
        Ok(()) => Ok(()),
    };
    tell(Step::Ended(ended));
}

fn through(job: Job, tell: &dyn Fn(Step) -> bool) -> Result<(), End> {
    let read = Rc::new(Cell::new(0));
    let source: Box<dyn Read + '_> = match job.source {
        Source::Disk(path) => Box::new(std::fs::File::open(path)?),
        Source::Page(parts) => Box::new(Parts { parts, part: Vec::new(), at: 0, offset: 0, tell }),
    };
    let mut source = Counted { source, read: read.clone() };
    let mut head = Vec::new();
    (&mut source).take(HEAD as u64).read_to_end(&mut head)?;
    let whole = head.len() < HEAD;
    let guess = file::guess(&head, whole, &job.choice);
    let layout = guess.layout.clone();
    let first = Customers::new(&head[..], &layout).filter_map(|item| item.ok()?.customer.ok()).take(FIRST).collect();
    if !tell(Step::Guessed(guess, first)) {
        return Err(End::Cancelled);
    }
    let mut way = Way {
        answers: job.answers,
        tell,
        on_their_way: 0,
        batch: Vec::new(),
        progress: Progress::default(),
        reported: Instant::now(),
        seen: HashSet::new(),
    };
    for item in Customers::new(io::Cursor::new(head).chain(source), &layout) {
        let item = item?;
        match item.customer {
            Ok(customer) => way.take(item.line, customer, job.country.as_deref(), job.counts)?,
            Err(why) => way.progress.skipped.push((item.line, why)),
        }
        way.progress.read = read.get();
        way.report(false)?;
    }
    way.send()?;
    while way.on_their_way > 0 {
        way.answer()?;
    }
    way.report(true)
}

struct Way<'a> {
    answers: Receiver<FileAnswer>,
    tell: &'a dyn Fn(Step) -> bool,
    on_their_way: usize,
    batch: Vec<FileRow>,
    progress: Progress,
    reported: Instant,
    /// Hashes of the numbers and addresses in the file.
    seen: HashSet<u64>,
}

impl Way<'_> {
    fn take(&mut self, line: u64, mut customer: Customer, country: Option<&str>, counts: bool) -> Result<(), End> {
        let keys = hatif_crm::keys(&mut customer, country);
        if counts && self.is_repeated(&customer, &keys) {
            self.progress.known.push((line, customer.title().to_owned()));
            return Ok(());
        }
        self.batch.push(FileRow { line, customer, keys });
        if self.batch.len() == BATCH { self.send() } else { Ok(()) }
    }

    fn is_repeated(&mut self, customer: &Customer, keys: &[String]) -> bool {
        let emails = customer.emails.iter().map(|email| email.to_ascii_lowercase());
        let hashes: Vec<u64> = keys.iter().cloned().chain(emails).map(|text| hash(&text)).collect();
        let repeated = hashes.iter().any(|hash| self.seen.contains(hash));
        if self.seen.len() < MOST_SEEN {
            self.seen.extend(hashes);
        }
        repeated
    }

    fn send(&mut self) -> Result<(), End> {
        if self.batch.is_empty() {
            return Ok(());
        }
        while self.on_their_way >= AHEAD {
            self.answer()?;
        }
        self.on_their_way += 1;
        let batch = std::mem::take(&mut self.batch);
        self.say(Step::Batch(batch))
    }

    fn answer(&mut self) -> Result<(), End> {
        match self.answers.recv()? {
            FileAnswer::Taken { fresh, known, .. } => {
                self.on_their_way -= 1;
                self.progress.fresh += fresh;
                self.progress.known.extend(known);
                Ok(())
            }
            FileAnswer::Failed { text, .. } => Err(End::Failed(text)),
            _ => Ok(()),
        }
    }

    fn report(&mut self, last: bool) -> Result<(), End> {
        if !last && self.reported.elapsed() < REPORT {
            return Ok(());
        }
        self.reported = Instant::now();
        let read = self.progress.read;
        let progress = std::mem::replace(&mut self.progress, Progress { read, ..Progress::default() });
        self.say(Step::Progress(progress))
    }

    fn say(&self, step: Step) -> Result<(), End> {
        if (self.tell)(step) { Ok(()) } else { Err(End::Cancelled) }
    }
}

fn hash(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}

struct Counted<R> {
    source: R,
    read: Rc<Cell<u64>>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let read = self.source.read(out)?;
        self.read.set(self.read.get() + read as u64);
        Ok(read)
    }
}

/// The page's file: each part is asked for when the one before is read.
struct Parts<'a> {
    parts: Receiver<Vec<u8>>,
    part: Vec<u8>,
    at: usize,
    offset: u64,
    tell: &'a dyn Fn(Step) -> bool,
}

impl Read for Parts<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.at == self.part.len() {
            let heard = (self.tell)(Step::Want { offset: self.offset, length: CHUNK });
            let part = if heard { self.parts.recv().ok() } else { None };
            self.part = part.ok_or(io::ErrorKind::ConnectionAborted)?;
            self.at = 0;
            self.offset += self.part.len() as u64;
        }
        let length = out.len().min(self.part.len() - self.at);
        out[..length].copy_from_slice(&self.part[self.at..self.at + length]);
        self.at += length;
        Ok(length)
    }
}
