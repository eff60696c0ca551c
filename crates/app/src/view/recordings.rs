//! Recordings: what is asked of them, and what is shown.

use super::*;
use hatif_core::comment::CommentDraft;
use serde::{Deserialize, Serialize};
use specta::Type;

/// What is asked of recordings: of a call's own, of the library, of the player.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Type)]
#[serde(tag = "do", rename_all = "snake_case")]
pub enum RecordingsCommand {
    /// Records a call from now on.
    Begin {
        call: u32,
    },
    /// What is said until `resume` is kept nowhere.
    Pause {
        call: u32,
    },
    Resume {
        call: u32,
    },
    End {
        call: u32,
    },
    /// Looks in the library, newest first; answered by `page` with the same `request`.
    Find {
        request: u32,
        /// Words to find in names, numbers and account labels; all when empty.
        #[serde(default)]
        query: String,
        #[serde(default)]
        direction: Option<Direction>,
        /// Only those of this entry of the call log.
        #[serde(default)]
        entry: Option<String>,
        /// `next_ms` of the page before; absent for the first page.
        #[serde(default)]
        #[specta(type = Option<u32>)]
        before_ms: Option<f64>,
        /// `next_name` of the page before, beside it: several may have begun at once.
        #[serde(default)]
        before_name: Option<String>,
        /// Of a page, 1 to 200; 50 when absent.
        #[serde(default)]
        limit: Option<u32>,
    },
    /// Brings a recording into the player; answered by `opened`, then `player`.
    Open {
        recording: String,
    },
    Close,
    Play {
        on: bool,
    },
    Seek {
        to_ms: u32,
    },
    /// 50 to 300 per cent; the pitch stays.
    Speed {
        percent: u16,
    },
    Balance {
        side: Side,
    },
    /// Where it is heard.
    Outlet {
        outlet: Outlet,
    },
    /// Destroys its key, and then the file.
    Delete {
        recording: String,
    },
    /// Into the user's folder of downloads; answered by `exported`.
    Export {
        recording: String,
        format: ExportFormat,
    },
    /// Kept beyond its time, and destroyed by nobody; or no more.
    Hold {
        recording: String,
        on: bool,
    },
    /// What was done to it; answered by `log`.
    Log {
        recording: String,
    },
    /// Compares the ledger with all files; answered by `checked`.
    Check,
    /// Looks whether it is as it was written; answered by `verified`.
    Verify {
        recording: String,
    },
    /// What was said of it; answered by `comments`.
    Comments {
        recording: String,
    },
    /// Keeps a comment, new or changed; answered by `comments` or `not_commented`.
    Comment {
        recording: String,
        draft: CommentDraft,
    },
    /// With the answers to it; answered by `comments`.
    DeleteComment {
        recording: String,
        id: u32,
    },
}

/// Whose voice is heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize, Type)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    #[default]
    Both,
    Agent,
    Customer,
}

/// Which device a recording is heard on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize, Type)]
#[serde(rename_all = "snake_case")]
pub enum Outlet {
    /// Where calls are heard.
    #[default]
    Headset,
    /// Where it rings: a loudspeaker, for several who listen. The headset when no other device rings.
    Ringer,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "snake_case")]
pub enum ExportFormat {
    /// 48 kHz, 16 bit, the agent left, the customer right.
    Wav,
    /// As it was recorded.
    Opus,
}

/// What is told of recordings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Type)]
#[serde(tag = "what", rename_all = "snake_case")]
pub enum RecordingsEvent {
    /// What `find` found.
    Page {
        request: u32,
        recordings: Vec<RecordingView>,
        #[specta(type = Option<u32>)]
        next_ms: Option<f64>,
        next_name: Option<String>,
    },
    /// The library has one more, or one less, or one has its end now.
    Changed,
    /// The recording is in the player.
    Opened {
        recording: RecordingView,
        wave: WaveView,
    },
    /// How the player stands: at each change, and ten times a second while it plays.
    Player {
        player: PlayerView,
    },
    Closed,
    Deleted {
        recording: String,
    },
    Exported {
        recording: String,
        file: String,
    },
    /// `problem`: what is wrong with it; `null` when it is as it was written.
    Verified {
        recording: String,
        problem: Option<Text>,
    },
    /// It is held now, or was released.
    Kept {
        recording: RecordingView,
    },
    /// What was done to it, oldest first.
    Log {
        recording: String,
        entries: Vec<LogEntryView>,
    },
    /// How many are as the ledger says, and which are not: `missing`, `changed`, and `strange`, of which the ledger knows
    /// nothing. `problem`: the ledger itself was changed, and says nothing of them.
    Checked {
        whole: u32,
        missing: Vec<String>,
        changed: Vec<String>,
        strange: Vec<String>,
        problem: Option<Text>,
    },
    /// All that was said of it, by the moment it is about.
    Comments {
        recording: String,
        comments: Vec<CommentView>,
    },
    NotCommented {
        recording: String,
        text: Text,
    },
    /// It could not be opened, exported or deleted.
    Failed {
        recording: String,
        text: Text,
    },
}

/// Whether a call is being recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize, Type)]
#[serde(rename_all = "snake_case")]
pub enum RecordingState {
    #[default]
    Off,
    On,
    /// What is said now is not in it.
    Paused,
    /// It should have been, and could not.
    Failed,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Type)]
pub struct RecordingView {
    /// Its id.
    pub name: String,
    /// The call's entry in the log.
    pub entry: String,
    pub account_label: String,
    pub direction: Direction,
    pub peer: PeerView,
    #[specta(type = u32)]
    pub started_ms: f64,
    /// `null` while it runs.
    pub length_ms: Option<u32>,
    pub paused_ms: u32,
    /// What could not be recorded.
    pub gaps_ms: u32,
    /// The application ended before the call did.
    pub torn: bool,
    /// Destroyed by nobody until it is released.
    pub held: bool,
    pub comments: u32,
    /// When it is destroyed by rule; `null`: never.
    #[specta(type = Option<u32>)]
    pub expires_ms: Option<f64>,
}

/// Words at a moment of a recording, or an answer to such; without words, a bookmark.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Type)]
pub struct CommentView {
    pub id: u32,
    pub at_ms: u32,
    /// The comment that it answers.
    pub reply_to: Option<u32>,
    pub text: String,
    #[specta(type = u32)]
    pub made_ms: f64,
}

/// Something that was done to a recording.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Type)]
pub struct LogEntryView {
    #[specta(type = u32)]
    pub at_ms: f64,
    pub deed: DeedView,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "snake_case")]
pub enum DeedView {
    Began,
    Ended,
    Finished,
    Paused,
    Resumed,
    Played,
    Exported,
    Verified,
    Held,
    Released,
    Deleted,
    Expired,
}

/// A waveform: the highest sample of each 100 ms, 0 to 255.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Type)]
pub struct WaveView {
    pub agent: Vec<u8>,
    pub customer: Vec<u8>,
    pub marks: Vec<MarkView>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Type)]
pub struct MarkView {
    pub kind: MarkKind,
    pub at_ms: u32,
    pub length_ms: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "snake_case")]
pub enum MarkKind {
    Gap,
    Pause,
    Torn,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Type)]
pub struct PlayerView {
    pub recording: String,
    pub playing: bool,
    pub at_ms: u32,
    pub length_ms: u32,
    pub speed: u16,
    pub side: Side,
    pub outlet: Outlet,
}
