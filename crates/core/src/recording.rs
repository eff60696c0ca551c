//! Recordings of calls: what the phone decides of them, and what outlives the process. The sound itself is the recorder's
//! (`hatif-recorder`); the core never sees it.

use crate::{
    account::Password,
    call::{Direction, Peer},
    ids::CallId,
    text::Text,
};
use serde::{Deserialize, Serialize};
use specta::Type;
use std::time::{Duration, SystemTime};

/// Which calls are recorded.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, Type)]
#[serde(rename_all = "snake_case")]
pub enum RecordingPolicy {
    /// None; nobody can.
    #[default]
    Off,
    /// Those that the agent wants.
    OnDemand,
    /// All of them, from the first word. The agent can pause, not stop.
    Always,
}

/// Whether a call is being recorded.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum CallRecording {
    #[default]
    Off,
    On,
    /// It goes on, and what is said is not in it.
    Paused,
    /// It should have been, and could not.
    Failed,
}

/// What the agent asks of a call's recording.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RecordingAsk {
    Begin,
    Pause,
    Resume,
    End,
}

/// What the recorder is told.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RecordingCommand {
    /// `interaction` is the call's row in the log.
    Begin { call: CallId, interaction: i64 },
    /// From now on (`on`) nothing of it is kept anywhere; after it, again.
    Pause { call: CallId, on: bool },
    /// Before the call ends; its end ends the recording by itself.
    End { call: CallId },
}

impl RecordingCommand {
    pub fn call(self) -> CallId {
        match self {
            RecordingCommand::Begin { call, .. }
            | RecordingCommand::Pause { call, .. }
            | RecordingCommand::End { call } => call,
        }
    }
}

/// What the recorder tells.
#[derive(Clone, PartialEq, Debug)]
pub enum RecordingEvent {
    /// This call is not recorded, or no longer.
    Failed { call: CallId, text: Text },
    /// The disk does not keep up (`true`), or does again: what can't wait any longer becomes a marked gap.
    Stalled { on: bool },
}

/// A recording in the database.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Recording {
    /// The name of its file: 32 hexadecimal digits.
    pub name: String,
    /// The call's row in the log.
    pub interaction: i64,
    pub account_label: String,
    pub direction: Direction,
    pub peer: Peer,
    /// When recording began.
    pub started: SystemTime,
    /// `None` while it runs; one left so by a crash is finished at the next start.
    pub end: Option<RecordingEnd>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RecordingEnd {
    pub length: Duration,
    pub paused: Duration,
    /// What could not be recorded because the disk was too slow.
    pub gaps: Duration,
    /// The application was torn away from it.
    pub torn: bool,
    pub bytes: u64,
    /// SHA-256 of the file.
    pub digest: [u8; 32],
}

/// Which recordings are looked for. The default is all of them.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct RecordingQuery {
    /// As in `InteractionQuery::text`.
    pub text: String,
    pub direction: Option<Direction>,
    /// Only those of this call.
    pub interaction: Option<i64>,
    /// Begun before: the page after the one whose `next` it was.
    pub before: Option<SystemTime>,
    /// Rows of a page, at most [`crate::store::MAX_PAGE`].
    pub limit: u32,
}

/// One page of what was found, newest first.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct RecordingPage {
    pub recordings: Vec<Recording>,
    /// `before` for the page after this; `None` after the last.
    pub next: Option<SystemTime>,
}

/// What the store is asked about recordings.
#[derive(Clone, PartialEq, Debug)]
pub enum RecordingsCommand {
    /// The key in the keyring, or `fresh` where there is none yet. Answered by `RecordingsEvent::Key`.
    Key {
        fresh: Password,
    },
    /// Inserts or replaces by name.
    Save(Box<Recording>),
    Delete(String),
    /// Answered by `Found`, whatever happens.
    Find {
        request: u32,
        query: Box<RecordingQuery>,
    },
    /// Those without an end. Answered by `Unfinished`.
    FindUnfinished,
    /// One by its name. Answered by `Row`.
    Get(String),
}

/// What the store answers.
#[derive(Clone, PartialEq, Debug)]
pub enum RecordingsEvent {
    /// `None`: there is no lasting place for a key.
    Key(Option<Password>),
    Found {
        request: u32,
        page: RecordingPage,
    },
    Unfinished(Vec<Recording>),
    Row {
        name: String,
        recording: Option<Box<Recording>>,
    },
}
