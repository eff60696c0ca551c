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

pub(crate) mod player;
mod stretch;

use crate::{
    present,
    view::{self, ExportFormat, RecordingsCommand as Asked, RecordingsEvent as Shown},
};
use hatif_audio::RecordOrder;
use hatif_core::{
    account::Password,
    call::Direction,
    ids::CallId,
    recording::{
        Recording, RecordingCommand, RecordingEnd, RecordingEvent, RecordingQuery, RecordingsCommand, RecordingsEvent,
    },
    store::{Interaction, MAX_PAGE},
    text::Text,
};
use hatif_recorder::{self as recorder, MasterKey, Problem, Reader, Summary};
use std::{
    collections::BTreeMap,
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
    Deleted(String, Result<(), Problem>),
    Show(Box<Shown>),
}

/// What needs the key.
enum Job {
    Record(CallId, Box<Recording>),
    Finish(Vec<Recording>),
    Open(Box<Recording>),
    Export(Box<Recording>, ExportFormat),
    Verify(Box<Recording>),
}

/// What a row was asked for.
#[derive(Clone, Copy)]
enum Purpose {
    Open,
    Export(ExportFormat),
    Verify,
}

/// Tells the loop something, from any thread.
pub(crate) type Tell = Arc<dyn Fn(Told) + Send + Sync>;

pub(crate) struct Recordings {
    folder: PathBuf,
    /// Where exports go.
    downloads: PathBuf,
    tell: Tell,
    key: Option<MasterKey>,
    waiting: Vec<Job>,
    /// By name.
    running: BTreeMap<String, Recording>,
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

    /// What the phone decided. `row` is the call's interaction.
    pub fn obey(&mut self, command: RecordingCommand, row: Option<&Interaction>, now: SystemTime) -> Vec<Effect> {
        match command {
            RecordingCommand::Begin { call, .. } => match row {
                Some(row) => self.with_key(Job::Record(call, Box::new(new_recording(row, now)))),
                None => vec![failed(call, "recording.failed")],
            },
            RecordingCommand::Pause { call, on } => vec![Effect::Audio(call, RecordOrder::Pause(on))],
            RecordingCommand::End { call } => {
                self.waiting.retain(|job| !matches!(job, Job::Record(waits, _) if *waits == call));
                vec![Effect::Audio(call, RecordOrder::End)]
            }
        }
    }

    /// What a person asked of the library.
    pub fn ask(&mut self, asked: Asked) -> Vec<Effect> {
        match asked {
            Asked::Find { request, query, direction, entry, before_ms, limit } => {
                let query = RecordingQuery {
                    text: query,
                    direction: direction.map(|direction| match direction {
                        view::Direction::Incoming => Direction::Incoming,
                        view::Direction::Outgoing => Direction::Outgoing,
                    }),
                    // What is no number names no entry.
                    interaction: entry.map(|entry| entry.parse().unwrap_or(-1)),
                    before: before_ms.map(|ms| UNIX_EPOCH + Duration::from_millis(ms.clamp(0.0, 1e14) as u64)),
                    limit: limit.unwrap_or(PAGE).clamp(1, MAX_PAGE),
                };
                vec![Effect::Store(RecordingsCommand::Find { request, query: Box::new(query) })]
            }
            Asked::Open { recording } => self.row(recording, Purpose::Open),
            Asked::Export { recording, format } => self.row(recording, Purpose::Export(format)),
            Asked::Verify { recording } => self.row(recording, Purpose::Verify),
            Asked::Delete { recording } => self.delete(recording),
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

    fn delete(&mut self, name: String) -> Vec<Effect> {
        let path = recorder::file(&self.folder, &name);
        let (Some(path), false) = (path, self.running.contains_key(&name)) else {
            return vec![cannot(name, "command.not_now")];
        };
        let (tell, deleted) = (self.tell.clone(), name.clone());
        on_thread(move || tell(Told::Deleted(deleted, recorder::destroy(&path))));
        vec![Effect::Unload(name)]
    }

    /// What the store answers.
    pub fn stored(&mut self, event: RecordingsEvent) -> Vec<Effect> {
        match event {
            RecordingsEvent::Key(password) => {
                self.key = password.and_then(|password| MasterKey::from_hex(&password.0));
                let jobs = std::mem::take(&mut self.waiting);
                jobs.into_iter().flat_map(|job| self.with_asked_key(job)).collect()
            }
            RecordingsEvent::Found { request, page } => vec![Effect::Show(Shown::Page {
                request,
                recordings: page.recordings.iter().map(present::recording).collect(),
                next_ms: page.next.map(present::millis),
            })],
            RecordingsEvent::Unfinished(rows) if rows.is_empty() => vec![],
            RecordingsEvent::Unfinished(rows) => self.with_key(Job::Finish(rows)),
            RecordingsEvent::Row { name, recording } => {
                let Some(at) = self.rows.iter().position(|(asked, _)| *asked == name) else { return vec![] };
                let (_, purpose) = self.rows.remove(at);
                match (recording, purpose) {
                    (None, _) => vec![cannot(name, "recording.gone")],
                    // It plays when it has its end.
                    (Some(row), _) if row.end.is_none() => vec![cannot(name, "command.not_now")],
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
            _ => self.waiting.pop().map(|job| refused(job, "recording.no_key")).unwrap_or_default(),
        }
    }

    fn with_asked_key(&mut self, job: Job) -> Vec<Effect> {
        let Some(key) = self.key.clone() else { return refused(job, "recording.no_key") };
        let tell = self.tell.clone();
        match job {
            Job::Record(call, recording) => return self.record(call, *recording, key),
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

    fn record(&mut self, call: CallId, recording: Recording, key: MasterKey) -> Vec<Effect> {
        let name = recording.name.clone();
        let Some(path) = recorder::file(&self.folder, &name) else { return vec![failed(call, "recording.failed")] };
        let (tell, told_name) = (self.tell.clone(), name.clone());
        let began = recorder::record(path, key, move |event| tell(Told::Recorder(call, told_name.clone(), event)));
        let Ok(ring) = began else { return vec![failed(call, "recording.failed")] };
        self.running.insert(name, recording.clone());
        vec![
            Effect::Store(RecordingsCommand::Save(Box::new(recording))),
            Effect::Audio(call, RecordOrder::Begin(ring)),
            Effect::Show(Shown::Changed),
        ]
    }

    /// What a thread tells.
    pub fn told(&mut self, told: Told) -> Vec<Effect> {
        match told {
            Told::Recorder(call, name, event) => self.recorder(call, name, event),
            Told::Finished(row, Ok(summary)) => end(*row, &summary),
            // There was nothing in it yet.
            Told::Finished(row, Err(Problem::Foreign | Problem::Disk(std::io::ErrorKind::NotFound))) => {
                vec![Effect::Store(RecordingsCommand::Delete(row.name)), Effect::Show(Shown::Changed)]
            }
            // Another keyring, a disk that is away: perhaps the next start knows more.
            Told::Finished(_, Err(problem)) => {
                tracing::warn!(%problem, "a recording that was torn away could not be finished");
                vec![]
            }
            Told::Deleted(name, Ok(())) => vec![
                Effect::Store(RecordingsCommand::Delete(name.clone())),
                Effect::Show(Shown::Deleted { recording: name }),
                Effect::Show(Shown::Changed),
            ],
            Told::Deleted(recording, Err(problem)) => {
                vec![Effect::Show(Shown::Failed { recording, text: present::text(&problem_text(problem)) })]
            }
            Told::Show(shown) => vec![Effect::Show(*shown)],
        }
    }

    fn recorder(&mut self, call: CallId, name: String, event: recorder::Event) -> Vec<Effect> {
        match event {
            recorder::Event::Began => vec![],
            recorder::Event::Stalled(on) => vec![Effect::Phone(RecordingEvent::Stalled { on })],
            recorder::Event::Failed(problem) => {
                tracing::warn!(call = call.0, %problem, "a recording could not begin");
                self.running.remove(&name);
                vec![
                    Effect::Store(RecordingsCommand::Delete(name)),
                    failed(call, "recording.failed"),
                    Effect::Show(Shown::Changed),
                ]
            }
            recorder::Event::Ended(result) => {
                let Some(recording) = self.running.remove(&name) else { return vec![] };
                let mut effects = vec![Effect::Phone(RecordingEvent::Stalled { on: false })];
                match result {
                    // Not a word was said: the call ended first.
                    Ok(summary) if summary.length == 0 => effects.extend(self.delete(name)),
                    Ok(summary) => effects.extend(end(recording, &summary)),
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
    }
}

fn end(recording: Recording, summary: &Summary) -> Vec<Effect> {
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

fn failed(call: CallId, code: &'static str) -> Effect {
    Effect::Phone(RecordingEvent::Failed { call, text: Text::new(code) })
}

fn cannot(recording: String, code: &'static str) -> Effect {
    Effect::Show(Shown::Failed { recording, text: present::text(&Text::new(code)) })
}

fn refused(job: Job, code: &'static str) -> Vec<Effect> {
    match job {
        Job::Record(call, _) => vec![failed(call, code)],
        // They stay as they are until there is a key.
        Job::Finish(_) => vec![],
        Job::Open(recording) | Job::Export(recording, _) | Job::Verify(recording) => vec![cannot(recording.name, code)],
    }
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
    let (to, file) = crate::app::create_beside(downloads, "hatif-recording", extension)?;
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
