//! hatif-recorder: recordings of calls on the disk, from the media thread's blocks to sound again.
//!
//! ```text
//! Taken (10 ms, both sides) -> ring -> writer.rs: encoder.rs -> content.rs -> seal.rs -> file, synced each 0.8 s
//! file -> reader.rs: seal.rs -> content.rs -> pages.rs -> sound, waveform, WAV, Ogg Opus
//! what is done to any of them -> ledger.rs: a chain, signed
//! ```
//!
//! Two channels: the agent left, as sent, the customer right, as heard. Nothing of it is ever on the disk in the clear
//! (`seal.rs`), and a paused stretch is silence before it comes here. What is torn away loses less than a second.

mod content;
mod encoder;
mod key;
pub mod ledger;
mod pages;
mod reader;
mod seal;
mod writer;

pub use content::{Mark, MarkKind, PEAK};
pub use key::MasterKey;
pub use reader::{Reader, destroy, finish};
pub use writer::{Event, RING, record};

use content::Content;
use std::{io, path::PathBuf};

/// Why a recording can't be written or read.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Problem {
    #[error("the disk refused: {0}")]
    Disk(io::ErrorKind),
    #[error("this is no recording")]
    Foreign,
    #[error("this recording is of a newer version")]
    Newer,
    #[error("this recording was made with another key")]
    Key,
    #[error("this recording is not as it was written")]
    Changed,
    #[error("this recording has no end")]
    Unfinished,
    #[error("Opus failed")]
    Codec,
    #[error("this recording is too long for a WAV file")]
    TooLong,
}

impl From<io::Error> for Problem {
    fn from(error: io::Error) -> Self {
        Problem::Disk(error.kind())
    }
}

/// What is known of a recording as a whole.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Summary {
    /// Milliseconds.
    pub length: u64,
    pub gaps: u64,
    pub paused: u64,
    /// The application was torn away from it.
    pub torn: bool,
    pub bytes: u64,
    /// SHA-256 of the file.
    pub digest: [u8; 32],
}

impl Summary {
    fn add(&mut self, content: &Content) {
        if let Some(end) = pages::end(&content.pages) {
            self.length = self.length.max(end / 48);
        }
        for mark in &content.marks {
            match mark.kind {
                MarkKind::Gap => self.gaps += u64::from(mark.length),
                MarkKind::Pause => self.paused += u64::from(mark.length),
                MarkKind::Torn => self.torn = true,
            }
        }
    }
}

/// What a waveform shows.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Overview {
    pub summary: Summary,
    /// The highest sample of each 100 ms, agent and customer, 255 is full scale.
    pub peaks: Vec<[u8; 2]>,
    pub marks: Vec<Mark>,
}

/// A fresh name for a recording: 32 hexadecimal digits that say nothing.
pub fn random_name() -> String {
    key::hex(&key::random::<16>())
}

/// The file of a recording. `None` if that is no name of one: nothing else in the folder, and nothing outside, is named.
pub fn file(folder: &std::path::Path, name: &str) -> Option<PathBuf> {
    let ours = name.len() == 32 && name.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
    ours.then(|| folder.join(format!("{name}.hatif")))
}
