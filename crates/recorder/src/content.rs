//! What is in a chunk, before it is sealed.
//!
//! ```text
//! 8 position of the first sample · 1 count of marks · each: 1 kind, 4 begin, 4 length (milliseconds)
//! 1 count of peaks · each: 1 agent, 1 customer · Ogg pages, whole ones
//! ```
//! Little endian throughout.

/// Samples that one peak stands for: 100 ms.
pub const PEAK: usize = 4_800;

/// What happened in a recording at some moment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum MarkKind {
    /// Nothing could be recorded: the computer or its disk was too slow.
    Gap,
    /// The agent had paused it.
    Pause,
    /// The application was torn away; the recording ends here.
    Torn,
}

/// A stretch of a recording, milliseconds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Mark {
    pub kind: MarkKind,
    pub at: u32,
    pub length: u32,
}

/// A chunk's content.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Content {
    /// Position in the recording of the first sample, 48 kHz.
    pub at: u64,
    pub marks: Vec<Mark>,
    /// The highest sample of each 100 ms, agent and customer, 255 is full scale.
    pub peaks: Vec<[u8; 2]>,
    pub pages: Vec<u8>,
}

impl Content {
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.pages.len() + 64 + 64);
        bytes.extend(self.at.to_le_bytes());
        let marks = &self.marks[..self.marks.len().min(255)];
        bytes.push(marks.len() as u8);
        for mark in marks {
            bytes.push(match mark.kind {
                MarkKind::Gap => 1,
                MarkKind::Pause => 2,
                MarkKind::Torn => 3,
            });
            bytes.extend(mark.at.to_le_bytes());
            bytes.extend(mark.length.to_le_bytes());
        }
        let peaks = &self.peaks[..self.peaks.len().min(255)];
        bytes.push(peaks.len() as u8);
        bytes.extend(peaks.iter().flatten());
        bytes.extend(&self.pages);
        bytes
    }

    /// `None` if it is none. What was sealed was written by us; a newer version may write more kinds of marks.
    pub(crate) fn parse(bytes: &[u8]) -> Option<Content> {
        let mut rest = bytes;
        let mut take = |count: usize| {
            let (taken, left) = rest.split_at_checked(count)?;
            rest = left;
            Some(taken)
        };
        let at = u64::from_le_bytes(take(8)?.try_into().ok()?);
        let count = take(1)?[0];
        let mut marks = Vec::new();
        for _ in 0..count {
            let mark = take(9)?;
            let kind = match mark[0] {
                1 => MarkKind::Gap,
                2 => MarkKind::Pause,
                3 => MarkKind::Torn,
                _ => continue,
            };
            let at = u32::from_le_bytes(mark[1..5].try_into().ok()?);
            marks.push(Mark { kind, at, length: u32::from_le_bytes(mark[5..9].try_into().ok()?) });
        }
        let count = usize::from(take(1)?[0]);
        let peaks = take(2 * count)?.chunks_exact(2).map(|pair| [pair[0], pair[1]]).collect();
        Some(Content { at, marks, peaks, pages: rest.to_vec() })
    }
}

/// The end of a recording that was torn away at this position.
pub(crate) fn torn(at: u64) -> Content {
    let mark = Mark { kind: MarkKind::Torn, at: u32::try_from(at / 48).unwrap_or(u32::MAX), length: 0 };
    Content { at, marks: vec![mark], ..Content::default() }
}
