//! Recordings of calls: what the phone decides of them, and what outlives the process. The sound itself is the recorder's
//! (`hatif-recorder`); the core never sees it.

use crate::{
    account::Password,
    call::{Direction, Peer},
    comment::{CommentsAnswer, CommentsAsk},
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

/// Calls that the policy is about; none of the others is recorded.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, Type)]
#[serde(rename_all = "snake_case")]
pub enum RecordedCalls {
    #[default]
    All,
    Incoming,
    Outgoing,
}

/// How calls are recorded, and for how long it is kept.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, Type)]
#[serde(default)]
pub struct RecordingRules {
    pub calls: RecordedCalls,
    /// Both sides hear a tone while it records: 1.4 kHz every 15 s.
    pub tone: bool,
    /// Recording goes on by itself so many seconds after it was paused; 0: never.
    pub resume_after_s: u16,
    /// A recording is destroyed so many days after it began, unless somebody holds it; 0: never.
    pub keep_days: u16,
}

impl RecordingRules {
    /// Whether a pause is no longer than an hour, and nothing is kept longer than a century.
    pub fn is_in_range(&self) -> bool {
        self.resume_after_s <= 3_600 && self.keep_days <= 36_500
    }

    pub fn covers(&self, direction: Direction) -> bool {
        match self.calls {
            RecordedCalls::All => true,
            RecordedCalls::Incoming => direction == Direction::Incoming,
            RecordedCalls::Outgoing => direction == Direction::Outgoing,
        }
    }
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
    /// `interaction` is the call's row in the log; `tone`: both sides hear that it records.
    Begin { call: CallId, interaction: i64, tone: bool },
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
    /// Not to be destroyed, by nobody, before it is released.
    pub held: bool,
    /// How many were made on it; counted when it is looked for, and not saved.
    pub comments: u32,
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
    /// Only those after it in the list: the page after the one whose `next` it was.
    pub before: Option<RecordingCursor>,
    /// Rows of a page, at most [`crate::store::MAX_PAGE`].
    pub limit: u32,
}

/// A place in the list, which is by time and, where two began at once, by name.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RecordingCursor {
    pub started: SystemTime,
    pub name: String,
}

/// One page of what was found, newest first.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct RecordingPage {
    pub recordings: Vec<Recording>,
    /// `before` for the page after this; `None` after the last.
    pub next: Option<RecordingCursor>,
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
    /// Those that began before and that nobody holds, at most a page. Answered by `Older`.
    FindOlder(SystemTime),
    /// Where the ledger ends, for the keyring.
    SaveHead(Password),
    /// One by its name. Answered by `Row`.
    Get(String),
    Comments(CommentsAsk),
}

/// What the store answers.
#[derive(Clone, PartialEq, Debug)]
pub enum RecordingsEvent {
    /// `None`: there is no lasting place for a key. `head`: where the ledger ended.
    Key {
        key: Option<Password>,
        head: Option<Password>,
    },
    Found {
        request: u32,
        page: RecordingPage,
    },
    Unfinished(Vec<Recording>),
    Older(Vec<Recording>),
    Row {
        name: String,
        recording: Option<Box<Recording>>,
    },
    Comments(CommentsAnswer),
}
