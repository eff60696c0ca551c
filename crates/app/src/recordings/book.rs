//! The ledger's own thread: writes down what is done to recordings, tells what was done to one, and compares the ledger with
//! the files.

use super::{Tell, Told, problem_text};
use crate::{
    present,
    view::{DeedView, LogEntryView, RecordingsEvent as Shown},
};
use hatif_recorder::{
    self as recorder, MasterKey, Problem,
    ledger::{self, Deed, Entry, Head, Ledger},
};
use sha2::{Digest, Sha256};
use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    sync::mpsc::{Receiver, SyncSender, sync_channel},
    time::SystemTime,
};

/// What may wait for the thread; a person makes a few a second.
const WAITING: usize = 256;
/// Of the folder of recordings.
const FILE: &str = "ledger";
/// Names that are told of each kind of what is wrong.
const MOST_NAMES: usize = 50;

enum Note {
    Done(Entry),
    Log(String),
    Check,
}

/// Dropping it ends the thread once all is written.
pub(super) struct Book(SyncSender<Note>);

impl Book {
    /// `head`: where the ledger ended, as the keyring knows it.
    pub fn open(folder: PathBuf, key: MasterKey, head: Option<Head>, tell: Tell) -> Book {
        let (notes, taken) = sync_channel(WAITING);
        super::on_thread(move || run(&folder, &key, head, &taken, &tell));
        Book(notes)
    }

    pub fn note(&self, name: &str, deed: Deed, detail: &str) {
        let entry = Entry { at: SystemTime::now(), name: name.to_owned(), deed, detail: detail.to_owned() };
        self.send(Note::Done(entry));
    }

    /// Answered by `Shown::Log`.
    pub fn log(&self, name: String) {
        self.send(Note::Log(name));
    }

    /// Answered by `Shown::Checked`.
    pub fn check(&self) {
        self.send(Note::Check);
    }

    fn send(&self, note: Note) {
        if self.0.try_send(note).is_err() {
            tracing::error!("the ledger of recordings does not keep up; something is not in it");
        }
    }
}

fn run(folder: &Path, key: &MasterKey, mut head: Option<Head>, notes: &Receiver<Note>, tell: &Tell) {
    let path = folder.join(FILE);
    let mut ledger = None;
    let mut late = VecDeque::new();
    while let Ok(note) = notes.recv() {
        match note {
            Note::Done(entry) => {
                late.push_back(entry);
                late.truncate(WAITING);
                match write(&path, key, &mut ledger, &mut late) {
                    Ok(Some(last)) => {
                        head = Some(last);
                        tell(Told::Head(last));
                    }
                    Ok(None) => {}
                    // It is tried again with what comes next.
                    Err(problem) => tracing::warn!(%problem, "the ledger of recordings could not be written"),
                }
            }
            Note::Log(recording) => {
                let entries = ledger::read(&path, key, None).unwrap_or_default();
                let of_it = entries.into_iter().filter(|entry| entry.name == recording);
                let entries = of_it.map(|entry| view(&entry)).collect();
                tell(Told::Show(Box::new(Shown::Log { recording, entries })));
            }
            Note::Check => tell(Told::Show(Box::new(check(folder, key, head)))),
        }
    }
}

fn write(
    path: &Path,
    key: &MasterKey,
    ledger: &mut Option<Ledger>,
    late: &mut VecDeque<Entry>,
) -> Result<Option<Head>, Problem> {
    let mut head = None;
    while let Some(entry) = late.front() {
        let mut open = match ledger.take() {
            Some(open) => open,
            None => Ledger::open(path, key)?,
        };
        // After a failure it is opened anew, which cuts off what was half written.
        head = Some(open.append(entry)?);
        *ledger = Some(open);
        late.pop_front();
    }
    Ok(head)
}

/// Compares what the ledger says with the files that are there.
fn check(folder: &Path, key: &MasterKey, head: Option<Head>) -> Shown {
    let (entries, problem) = match ledger::read(&folder.join(FILE), key, head) {
        Ok(entries) => (entries, None),
        Err(problem) => (Vec::new(), Some(present::text(&problem_text(problem)))),
    };
    // By name: the digest at its end, if it has one.
    let mut there: BTreeMap<&str, Option<&str>> = BTreeMap::new();
    for entry in &entries {
        match entry.deed {
            Deed::Began => {
                there.insert(entry.name.as_str(), None);
            }
            Deed::Ended | Deed::Finished => {
                there.insert(entry.name.as_str(), Some(entry.detail.as_str()));
            }
            Deed::Deleted | Deed::Expired => {
                there.remove(entry.name.as_str());
            }
            _ => {}
        }
    }
    let (mut whole, mut missing, mut changed) = (0, Vec::new(), Vec::new());
    for (name, digest) in &there {
        match (recorder::file(folder, name).ok_or(io::ErrorKind::NotFound).and_then(|file| digest_of(&file)), digest) {
            (Ok(found), Some(digest)) if found == **digest => whole += 1,
            (Ok(_), Some(_)) => changed.push((*name).to_owned()),
            // It runs.
            (Ok(_), None) => {}
            // Begun, and nothing of it was ever there.
            (Err(_), None) => {}
            (Err(_), Some(_)) => missing.push((*name).to_owned()),
        }
    }
    let known: BTreeSet<&str> = there.into_keys().collect();
    let mut strange: Vec<String> = files(folder).into_iter().filter(|name| !known.contains(name.as_str())).collect();
    if problem.is_some() {
        // Nothing can be said of them.
        strange.clear();
    }
    for names in [&mut missing, &mut changed, &mut strange] {
        names.sort();
        names.truncate(MOST_NAMES);
    }
    Shown::Checked { whole, missing, changed, strange, problem }
}

/// Names of the recordings in the folder.
fn files(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let names = entries.filter_map(|entry| entry.file_name().to_str()?.strip_suffix(".hatif").map(str::to_owned));
    names.collect()
}

fn digest_of(file: &Path) -> Result<String, io::ErrorKind> {
    let mut hash = Sha256::new();
    let mut file = File::open(file).map_err(|error| error.kind())?;
    io::copy(&mut file, &mut hash).map_err(|error| error.kind())?;
    Ok(hex(&hash.finalize()))
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn view(entry: &Entry) -> LogEntryView {
    let deed = match entry.deed {
        Deed::Began => DeedView::Began,
        Deed::Ended => DeedView::Ended,
        Deed::Finished => DeedView::Finished,
        Deed::Paused => DeedView::Paused,
        Deed::Resumed => DeedView::Resumed,
        Deed::Played => DeedView::Played,
        Deed::Exported => DeedView::Exported,
        Deed::Verified => DeedView::Verified,
        Deed::Held => DeedView::Held,
        Deed::Released => DeedView::Released,
        Deed::Deleted => DeedView::Deleted,
        Deed::Expired => DeedView::Expired,
    };
    LogEntryView { at_ms: present::millis(entry.at), deed }
}
