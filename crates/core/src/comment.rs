//! Comments on recordings: words at a moment, answers to them, and bookmarks, which are comments without words. They lie
//! in the database, and go with their recording.

use crate::text::Text;
use serde::{Deserialize, Serialize};
use specta::Type;
use std::time::{Duration, SystemTime};

/// Characters of one comment.
pub const MAX_CHARS: usize = 2_000;
/// Of one recording.
pub const MOST: u32 = 500;

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Comment {
    pub id: u32,
    /// From the beginning of the recording; an answer's is that of what it answers.
    pub at: Duration,
    /// The comment that this is an answer to, which is none itself.
    pub reply_to: Option<u32>,
    pub text: String,
    pub made: SystemTime,
}

/// What somebody wants to say.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, Type)]
pub struct CommentDraft {
    /// The comment whose words these are from now on; `None`: a new one.
    #[serde(default)]
    pub id: Option<u32>,
    pub at_ms: u32,
    #[serde(default)]
    pub reply_to: Option<u32>,
    /// Empty: a bookmark.
    pub text: String,
}

impl CommentDraft {
    /// As it is kept: without space around it.
    ///
    /// # Errors
    /// What is wrong with it, for who wrote it.
    pub fn checked(self) -> Result<CommentDraft, Text> {
        let text = self.text.trim().to_owned();
        if text.chars().count() > MAX_CHARS {
            return Err(Text::new("comment.too_long").with("n", MAX_CHARS.to_string()));
        }
        if text.is_empty() && self.reply_to.is_some() {
            return Err(Text::new("comment.empty"));
        }
        Ok(CommentDraft { text, ..self })
    }
}

/// What the store is asked. Answered by [`CommentsAnswer`].
#[derive(Clone, PartialEq, Debug)]
pub enum CommentsAsk {
    Of {
        recording: String,
    },
    Keep {
        recording: String,
        draft: CommentDraft,
        now: SystemTime,
    },
    /// With the answers to it.
    Delete {
        recording: String,
        id: u32,
    },
}

impl CommentsAsk {
    pub fn recording(&self) -> &str {
        match self {
            CommentsAsk::Of { recording }
            | CommentsAsk::Keep { recording, .. }
            | CommentsAsk::Delete { recording, .. } => recording,
        }
    }
}

/// All comments of the recording as they are now, by time; or why nothing was done.
#[derive(Clone, PartialEq, Debug)]
pub struct CommentsAnswer {
    pub recording: String,
    pub comments: Result<Vec<Comment>, Text>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draft(text: &str, reply_to: Option<u32>) -> CommentDraft {
        CommentDraft { id: None, at_ms: 0, reply_to, text: text.into() }
    }

    #[test]
    fn a_bookmark_has_no_words_and_an_answer_has() {
        assert_eq!(draft("  well said\n", None).checked().unwrap().text, "well said");
        assert_eq!(draft(" ", None).checked().unwrap().text, "");
        assert_eq!(draft(" ", Some(1)).checked().unwrap_err().code, "comment.empty");
        assert!(draft(&"ش".repeat(MAX_CHARS), None).checked().is_ok());
        assert_eq!(draft(&"ش".repeat(MAX_CHARS + 1), None).checked().unwrap_err().code, "comment.too_long");
    }
}
