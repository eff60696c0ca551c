//! Recordings: begins and ends them as the phone decides, finishes what was torn away, and keeps the library.
//!
//! ```text
//! Phone ──RecordingCommand──┐                            ┌─> store: rows, the key
//! page ──RecordingsCommand──┼─> Recordings ──Vec<Effect>─┼─> audio: ring, pause
//! store, files' threads ────┘                            └─> Phone, page
//! ```
//!
//! It runs in the application's loop and waits for nothing: files are read and written on threads of their own, which
//! tell what came of it.

mod book;
pub(crate) mod player;
mod stretch;
#[cfg(test)]
mod tests;

use crate::{
    present,
    view::{self, ExportFormat, RecordingsCommand as Asked, RecordingsEvent as Shown},
};
use book::Book;
use hatif_audio::RecordOrder;
use hatif_core::{
    account::Password,
    call::Direction,
    comment::{CommentsAnswer, CommentsAsk},
    ids::CallId,
    recording::{
        Recording, RecordingCommand, RecordingCursor, RecordingEnd, RecordingEvent, RecordingQuery, RecordingsCommand,
        RecordingsEvent,
    },
    store::{Interaction, MAX_PAGE},
    text::Text,
};
use hatif_recorder::{
    self as recorder, MasterKey, Problem, Reader, Summary,
    ledger::{Deed, Head},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

/// Of a page, when the asker names no number.
const PAGE: u32 = 50;
/// Things that may wait for the key; more are refused.
const WAITING: usize = 64;

/// What is to be done by the loop.
pub(crate) enum Effect {
    Store(RecordingsCommand),
    Audio(CallId, RecordOrder),
    Phone(RecordingEvent),
    Show(Shown),
    /// A recording to be played.
    Load {
        recording: Box<Recording>,
        path: PathBuf,
        key: MasterKey,
    },
    Unload(String),
}

/// What threads tell.
pub(crate) enum Told {
    Recorder(CallId, String, recorder::Event),
    Finished(Box<Recording>, Result<Summary, Problem>),
    /// By rule, or by somebody.
    Deleted(String, Deed, Result<(), Problem>),
    /// The ledger ends there.
    Head(Head),
    Show(Box<Shown>),
}

/// What needs the key.
enum Job {
    /// Whether both sides are told of it by a tone.
    Record(CallId, Box<Recording>, bool),
    Finish(Vec<Recording>),
    Open(Box<Recording>),
    Export(Box<Recording>, ExportFormat),
    Verify(Box<Recording>),
    Delete(Box<Recording>, Deed),
    Hold(Box<Recording>, bool),
    Log(String),
    Check,
}

/// What a row was asked for.
#[derive(Clone, Copy)]
enum Purpose {
    Open,
    Export(ExportFormat),
    Verify,
    Delete,
    Hold(bool),
}

/// Tells the loop something, from any thread.
pub(crate) type Tell = Arc<dyn Fn(Told) + Send + Sync>;

pub(crate) struct Recordings {
    folder: PathBuf,
    /// Where exports go.
    downloads: PathBuf,
    tell: Tell,
    key: Option<MasterKey>,
    /// There once the key is.
    book: Option<Book>,
    /// How long recordings are kept; 0: for ever.
    pub keep_days: u16,
    /// Calls in which a tone tells of the recording.
    announced: BTreeSet<CallId>,
    /// Calls whose recording is paused, begun or about to.
    paused: BTreeSet<CallId>,
    waiting: Vec<Job>,
    /// By name.
    running: BTreeMap<String, (CallId, Recording)>,
    rows: Vec<(String, Purpose)>,
}

impl Recordings {
    /// `data` is the folder of the database.
    pub fn new(data: &Path, downloads: PathBuf, tell: Tell) -> Self {
        Recordings {
            folder: data.join("recordings"),
            downloads,
            tell,
            key: None,
            book: None,
            keep_days: 0,
            announced: BTreeSet::new(),
            paused: BTreeSet::new(),
            waiting: Vec::new(),
            running: BTreeMap::new(),
            rows: Vec::new(),
        }
    }

    pub fn tell(&self) -> Tell {
        self.tell.clone()
    }

    /// The store has loaded: what was left running is looked for.
    pub fn loaded(&self) -> Vec<Effect> {
        vec![Effect::Store(RecordingsCommand::FindUnfinished)]
    }

    /// At the start and once a day: what has been kept long enough is looked for.
    pub fn expire(&self, now: SystemTime) -> Vec<Effect> {
        let age = present::DAY * self.keep_days.into();
        match now.checked_sub(age).filter(|_| self.keep_days > 0) {
            Some(before) => vec![Effect::Store(RecordingsCommand::FindOlder(before))],
            None => vec![],
        }
    }

    /// Somebody hears it.
    pub fn played(&self, name: &str) {
        self.note(name, Deed::Played, "");
    }

    fn note(&self, name: &str, deed: Deed, detail: &str) {
        if let Some(book) = &self.book {
            book.note(name, deed, detail);
        }
    }

    /// What the phone decided. `row` is the call's interaction.
    pub fn obey(&mut self, command: RecordingCommand, row: Option<&Interaction>, now: SystemTime) -> Vec<Effect> {
        match command {
            RecordingCommand::Begin { call, tone, .. } => match row {
                Some(row) => self.with_key(Job::Record(call, Box::new(new_recording(row, now)), tone)),
                None => vec![failed(call, "recording.failed")],
            },
            RecordingCommand::Pause { call, on } => {
                let deed = if on { Deed::Paused } else { Deed::Resumed };
                let _ = if on { self.paused.insert(call) } else { self.paused.remove(&call) };
                for (name, _) in self.running.iter().filter(|(_, (of, _))| *of == call) {
                    self.note(name, deed, "");
                }
                let tone = self.announced.contains(&call).then_some(RecordOrder::Announce(!on));
                let orders = [RecordOrder::Pause(on)].into_iter().chain(tone);
                orders.map(|order| Effect::Audio(call, order)).collect()
            }
            RecordingCommand::End { call } => {
                self.waiting.retain(|job| !matches!(job, Job::Record(waits, ..) if *waits == call));
                self.paused.remove(&call);
                vec![Effect::Audio(call, RecordOrder::End)]
            }
        }
    }

    /// What a person asked of the library.
    pub fn ask(&mut self, asked: Asked) -> Vec<Effect> {
        match asked {
            Asked::Find { request, query, direction, entry, before_ms, before_name, limit } => {
                let query = RecordingQuery {
                    text: query,
                    direction: direction.map(|direction| match direction {
                        view::Direction::Incoming => Direction::Incoming,
                        view::Direction::Outgoing => Direction::Outgoing,
                    }),
                    // What is no number names no entry.
                    interaction: entry.map(|entry| entry.parse().unwrap_or(-1)),
                    before: before_ms.map(|ms| RecordingCursor {
                        started: UNIX_EPOCH + Duration::from_millis(ms.clamp(0.0, 1e14) as u64),
                        name: before_name.unwrap_or_default(),
                    }),
                    limit: limit.unwrap_or(PAGE).clamp(1, MAX_PAGE),
                };
                vec![Effect::Store(RecordingsCommand::Find { request, query: Box::new(query) })]
            }
            Asked::Open { recording } => self.row(recording, Purpose::Open),
            Asked::Export { recording, format } => self.row(recording, Purpose::Export(format)),
            Asked::Verify { recording } => self.row(recording, Purpose::Verify),
            Asked::Delete { recording } => self.row(recording, Purpose::Delete),
            Asked::Hold { recording, on } => self.row(recording, Purpose::Hold(on)),
            Asked::Log { recording } => self.with_key(Job::Log(recording)),
            Asked::Check => self.with_key(Job::Check),
            Asked::Comments { recording } => vec![comments(CommentsAsk::Of { recording })],
            Asked::Comment { recording, draft } => {
                vec![comments(CommentsAsk::Keep { recording, draft, now: SystemTime::now() })]
            }
            Asked::DeleteComment { recording, id } => vec![comments(CommentsAsk::Delete { recording, id })],
            // Of a call: the phone's. Of the player: the player's.
            _ => vec![],
        }
    }

    fn row(&mut self, name: String, purpose: Purpose) -> Vec<Effect> {
        if self.rows.len() < WAITING {
            self.rows.push((name.clone(), purpose));
        }
        vec![Effect::Store(RecordingsCommand::Get(name))]
    }

    fn delete(&mut self, name: String, deed: Deed) -> Vec<Effect> {
        let path = recorder::file(&self.folder, &name);
        let (Some(path), false) = (path, self.running.contains_key(&name)) else {
            return vec![cannot(name, "command.not_now")];
        };
        let (tell, deleted) = (self.tell.clone(), name.clone());
        on_thread(move || tell(Told::Deleted(deleted, deed, recorder::destroy(&path))));
        vec![Effect::Unload(name)]
    }

    /// What the store answers.
    pub fn stored(&mut self, event: RecordingsEvent) -> Vec<Effect> {
        match event {
            RecordingsEvent::Key { key, head } => {
                self.key = key.and_then(|key| MasterKey::from_hex(&key.0));
                let head = head.and_then(|head| Head::from_text(&head.0));
                let open = |key| Book::open(self.folder.clone(), key, head, self.tell.clone());
                self.book = self.key.clone().map(open);
                let jobs = std::mem::take(&mut self.waiting);
                jobs.into_iter().flat_map(|job| self.with_asked_key(job)).collect()
            }
            RecordingsEvent::Found { request, page } => vec![Effect::Show(Shown::Page {
                request,
                recordings: page.recordings.iter().map(|row| present::recording(row, self.keep_days)).collect(),
                next_ms: page.next.as_ref().map(|next| present::millis(next.started)),
                next_name: page.next.map(|next| next.name),
            })],
            RecordingsEvent::Unfinished(rows) if rows.is_empty() => vec![],
            RecordingsEvent::Unfinished(rows) => self.with_key(Job::Finish(rows)),
            RecordingsEvent::Older(rows) => {
                rows.into_iter().flat_map(|row| self.with_key(Job::Delete(Box::new(row), Deed::Expired))).collect()
            }
            RecordingsEvent::Comments(CommentsAnswer { recording, comments }) => vec![Effect::Show(match comments {
                Ok(comments) => {
                    Shown::Comments { recording, comments: comments.iter().map(present::comment).collect() }
                }
                Err(text) => Shown::NotCommented { recording, text: present::text(&text) },
            })],
            RecordingsEvent::Row { name, recording } => {
                let Some(at) = self.rows.iter().position(|(asked, _)| *asked == name) else { return vec![] };
                let (_, purpose) = self.rows.remove(at);
                match (recording, purpose) {
                    (None, _) => vec![cannot(name, "recording.gone")],
                    // It plays when it has its end.
                    (Some(row), _) if row.end.is_none() => vec![cannot(name, "command.not_now")],
                    (Some(row), Purpose::Delete) if row.held => vec![cannot(name, "recording.held")],
                    (Some(row), Purpose::Delete) => self.with_key(Job::Delete(row, Deed::Deleted)),
                    (Some(row), Purpose::Hold(on)) => self.with_key(Job::Hold(row, on)),
                    (Some(row), Purpose::Open) => self.with_key(Job::Open(row)),
                    (Some(row), Purpose::Export(format)) => self.with_key(Job::Export(row, format)),
                    (Some(row), Purpose::Verify) => self.with_key(Job::Verify(row)),
                }
            }
        }
    }

    /// Does it when the key is there; asks for the key first.
    fn with_key(&mut self, job: Job) -> Vec<Effect> {
        if self.key.is_some() {
            return self.with_asked_key(job);
        }
        self.waiting.push(job);
        match self.waiting.len() {
            1 => {
                let fresh = Password(MasterKey::random().to_hex().to_string());
                vec![Effect::Store(RecordingsCommand::Key { fresh })]
            }
            2..WAITING => vec![],
            _ => self.waiting.pop().map(|job| self.refused(job)).unwrap_or_default(),
        }
    }

    fn with_asked_key(&mut self, job: Job) -> Vec<Effect> {
        let Some(key) = self.key.clone() else { return self.refused(job) };
        let tell = self.tell.clone();
        match job {
            Job::Record(call, recording, tone) => return self.record(call, *recording, key, tone),
            Job::Delete(row, deed) => return self.delete(row.name, deed),
            Job::Hold(row, on) => return self.hold(*row, on),
            Job::Log(name) => {
                if let Some(book) = &self.book {
                    book.log(name);
                }
            }
            Job::Check => {
                if let Some(book) = &self.book {
                    book.check();
                }
            }
            Job::Finish(rows) => {
                let folder = self.folder.clone();
                on_thread(move || {
                    for row in rows {
                        let finished = match recorder::file(&folder, &row.name) {
                            Some(path) => recorder::finish(&path, &key),
                            None => Err(Problem::Foreign),
                        };
                        tell(Told::Finished(Box::new(row), finished));
                    }
                });
            }
            Job::Open(recording) => match recorder::file(&self.folder, &recording.name) {
                Some(path) => return vec![Effect::Load { recording, path, key }],
                None => return vec![cannot(recording.name, "recording.gone")],
            },
            Job::Export(recording, format) => {
                let (folder, downloads) = (self.folder.clone(), self.downloads.clone());
                on_thread(move || {
                    let name = recording.name.clone();
                    let shown = match export(&folder, &downloads, &recording, format, &key) {
                        Ok(file) => Shown::Exported { recording: name, file: file.display().to_string() },
                        Err(problem) => Shown::Failed { recording: name, text: present::text(&problem_text(problem)) },
                    };
                    tell(Told::Show(Box::new(shown)));
                });
            }
            Job::Verify(recording) => {
                let folder = self.folder.clone();
                on_thread(move || {
                    let problem = verify(&folder, &recording, &key).err().map(|p| present::text(&problem_text(p)));
                    tell(Told::Show(Box::new(Shown::Verified { recording: recording.name, problem })));
                });
            }
        }
        vec![]
    }

    fn hold(&mut self, row: Recording, on: bool) -> Vec<Effect> {
        self.note(&row.name, if on { Deed::Held } else { Deed::Released }, "");
        let held = Recording { held: on, ..row };
        let view = present::recording(&held, self.keep_days);
        vec![
            Effect::Store(RecordingsCommand::Save(Box::new(held))),
            Effect::Show(Shown::Kept { recording: view }),
            Effect::Show(Shown::Changed),
        ]
    }

    /// There is no key.
    fn refused(&mut self, job: Job) -> Vec<Effect> {
        const CODE: &str = "recording.no_key";
        match job {
            Job::Record(call, ..) => vec![failed(call, CODE)],
            // They stay as they are until there is a key.
            Job::Finish(_) | Job::Delete(_, Deed::Expired) => vec![],
            // What nobody can open may go.
            Job::Delete(row, deed) => self.delete(row.name, deed),
            Job::Open(row) | Job::Export(row, _) | Job::Verify(row) | Job::Hold(row, _) => vec![cannot(row.name, CODE)],
            Job::Log(name) => vec![cannot(name, CODE)],
            Job::Check => vec![cannot(String::new(), CODE)],
        }
    }

    fn record(&mut self, call: CallId, recording: Recording, key: MasterKey, tone: bool) -> Vec<Effect> {
        let name = recording.name.clone();
        let Some(path) = recorder::file(&self.folder, &name) else { return vec![failed(call, "recording.failed")] };
        let (tell, told_name) = (self.tell.clone(), name.clone());
        let began = recorder::record(path, key, move |event| tell(Told::Recorder(call, told_name.clone(), event)));
        let Ok(ring) = began else { return vec![failed(call, "recording.failed")] };
        self.note(&name, Deed::Began, if tone { "tone" } else { "" });
        // Paused while the key was fetched.
        let paused = self.paused.contains(&call);
        if paused {
            self.note(&name, Deed::Paused, "");
        }
        self.running.insert(name, (call, recording.clone()));
        let mut effects = vec![
            Effect::Store(RecordingsCommand::Save(Box::new(recording))),
            Effect::Audio(call, RecordOrder::Begin(ring)),
            Effect::Show(Shown::Changed),
        ];
        if tone {
            self.announced.insert(call);
            effects.push(Effect::Audio(call, RecordOrder::Announce(!paused)));
        }
        effects
    }

    /// What a thread tells.
    pub fn told(&mut self, told: Told) -> Vec<Effect> {
        match told {
            Told::Recorder(call, name, event) => self.recorder(call, name, event),
            Told::Finished(row, Ok(summary)) => self.end(*row, &summary, Deed::Finished),
            // There was nothing in it yet.
            Told::Finished(row, Err(Problem::Foreign | Problem::Disk(std::io::ErrorKind::NotFound))) => {
                vec![Effect::Store(RecordingsCommand::Delete(row.name)), Effect::Show(Shown::Changed)]
            }
            // Another keyring, a disk that is away: perhaps the next start knows more.
            Told::Finished(_, Err(problem)) => {
                tracing::warn!(%problem, "a recording that was torn away could not be finished");
                vec![]
            }
            Told::Deleted(name, deed, Ok(())) => {
                self.note(&name, deed, "");
                vec![
                    Effect::Store(RecordingsCommand::Delete(name.clone())),
                    Effect::Show(Shown::Deleted { recording: name }),
                    Effect::Show(Shown::Changed),
                ]
            }
            Told::Deleted(recording, _, Err(problem)) => {
                vec![Effect::Show(Shown::Failed { recording, text: present::text(&problem_text(problem)) })]
            }
            Told::Head(head) => vec![Effect::Store(RecordingsCommand::SaveHead(Password(head.to_text())))],
            Told::Show(shown) => {
                match &*shown {
                    Shown::Exported { recording, .. } => self.note(recording, Deed::Exported, ""),
                    Shown::Verified { recording, problem } => {
                        self.note(recording, Deed::Verified, if problem.is_none() { "whole" } else { "changed" });
                    }
                    _ => {}
                }
                vec![Effect::Show(*shown)]
            }
        }
    }

    fn end(&self, recording: Recording, summary: &Summary, deed: Deed) -> Vec<Effect> {
        self.note(&recording.name, deed, &book::hex(&summary.digest));
        ended(recording, summary)
    }

    fn recorder(&mut self, call: CallId, name: String, event: recorder::Event) -> Vec<Effect> {
        match event {
            recorder::Event::Began => vec![],
            recorder::Event::Stalled(on) => vec![Effect::Phone(RecordingEvent::Stalled { on })],
            recorder::Event::Failed(problem) => {
                tracing::warn!(call = call.0, %problem, "a recording could not begin");
                self.running.remove(&name);
                self.announced.remove(&call);
                self.paused.remove(&call);
                vec![
                    Effect::Audio(call, RecordOrder::End),
                    Effect::Store(RecordingsCommand::Delete(name)),
                    failed(call, "recording.failed"),
                    Effect::Show(Shown::Changed),
                ]
            }
            recorder::Event::Ended(result) => {
                let Some((_, recording)) = self.running.remove(&name) else { return vec![] };
                self.announced.remove(&call);
                self.paused.remove(&call);
                let mut effects = vec![Effect::Phone(RecordingEvent::Stalled { on: false })];
                match result {
                    // Not a word was said: the call ended first.
                    Ok(summary) if summary.length == 0 => effects.extend(self.delete(name, Deed::Deleted)),
                    Ok(summary) => effects.extend(self.end(recording, &summary, Deed::Ended)),
                    Err(problem) => {
                        tracing::warn!(call = call.0, %problem, "a recording has no end yet");
                        effects.push(failed(call, "recording.cut"));
                    }
                }
                effects
            }
        }
    }
}

fn new_recording(row: &Interaction, now: SystemTime) -> Recording {
    Recording {
        name: recorder::random_name(),
        interaction: row.id,
        account_label: row.account_label.clone(),
        direction: row.direction,
        peer: row.peer.clone(),
        started: now,
        end: None,
        held: false,
        comments: 0,
    }
}

fn ended(recording: Recording, summary: &Summary) -> Vec<Effect> {
    let end = RecordingEnd {
        length: Duration::from_millis(summary.length),
        paused: Duration::from_millis(summary.paused),
        gaps: Duration::from_millis(summary.gaps),
        torn: summary.torn,
        bytes: summary.bytes,
        digest: summary.digest,
    };
    let ended = Recording { end: Some(end), ..recording };
    vec![Effect::Store(RecordingsCommand::Save(Box::new(ended))), Effect::Show(Shown::Changed)]
}

fn comments(ask: CommentsAsk) -> Effect {
    Effect::Store(RecordingsCommand::Comments(ask))
}

fn failed(call: CallId, code: &'static str) -> Effect {
    Effect::Phone(RecordingEvent::Failed { call, text: Text::new(code) })
}

fn cannot(recording: String, code: &'static str) -> Effect {
    Effect::Show(Shown::Failed { recording, text: present::text(&Text::new(code)) })
}

/// What is wrong with a recording, for a person.
pub(crate) fn problem_text(problem: Problem) -> Text {
    match problem {
        Problem::Key => Text::new("recording.other_key"),
        Problem::Changed | Problem::Unfinished | Problem::Foreign | Problem::Codec => Text::new("recording.changed"),
        Problem::Newer => Text::new("recording.newer"),
        Problem::Disk(std::io::ErrorKind::NotFound) => Text::new("recording.gone"),
        Problem::Disk(_) | Problem::TooLong => Text::new("recording.disk"),
    }
}

fn verify(folder: &Path, recording: &Recording, key: &MasterKey) -> Result<(), Problem> {
    let path = recorder::file(folder, &recording.name).ok_or(Problem::Foreign)?;
    let digest = recording.end.as_ref().map_or([0; 32], |end| end.digest);
    Reader::open(&path, key)?.verify(&digest).map(|_| ())
}

/// Writes the sound, in the clear, because somebody asked for that, under a name of its own.
fn export(
    folder: &Path,
    downloads: &Path,
    recording: &Recording,
    format: ExportFormat,
    key: &MasterKey,
) -> Result<PathBuf, Problem> {
    let path = recorder::file(folder, &recording.name).ok_or(Problem::Foreign)?;
    let mut reader = Reader::open(&path, key)?;
    let extension = match format {
        ExportFormat::Wav => "wav",
        ExportFormat::Opus => "opus",
    };
    let (to, file) = crate::downloads::create_beside(downloads, "hatif-recording", extension)?;
    let file = std::io::BufWriter::new(file);
    let written = match format {
        ExportFormat::Wav => reader.write_wav(file),
        ExportFormat::Opus => reader.write_opus(file),
    };
    if written.is_err() {
        // Half of it helps nobody.
        let _ = std::fs::remove_file(&to);
    }
    written.map(|()| to)
}

fn on_thread(work: impl FnOnce() + Send + 'static) {
    if let Err(error) = std::thread::Builder::new().name("hatif-library".into()).spawn(work) {
        tracing::error!(%error, "no thread for the library of recordings");
    }
}
