//! The thread of one recording: takes blocks from its ring, encodes, seals, writes, syncs.
//!
//! ```text
//! media thread -> ring (3 s) -> encoder -> 0.8 s -> waiting (10 s) -> seal -> file, synced
//! ```
//!
//! The call never waits: a full ring loses blocks, which becomes a marked gap. A disk that does not take a chunk gets it
//! again every time something new comes; when more waits than [`WAITING`], the oldest is given up, a gap too. A sealed chunk
//! is never sealed anew with other content: that would use its nonce twice.

use crate::{
    Problem, Summary,
    content::{Content, Mark, MarkKind},
    encoder::Encoder,
    key::{MasterKey, random},
    seal::{Chain, LAST, new_head},
};
use hatif_media::Taken;
use rtrb::{Consumer, Producer, RingBuffer};
use sha2::{Digest, Sha256};
use std::{
    collections::VecDeque,
    fs::{self, File, OpenOptions},
    io::{self, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

/// Blocks of 10 ms that wait for the thread; then they are lost.
pub const RING: usize = 300;
/// Chunks that wait for the disk.
const WAITING: usize = 12;
/// How often the ring is looked at.
const EVERY: Duration = Duration::from_millis(40);
/// How long the end of a recording is tried to be written. What does not succeed is finished at the next start.
const LAST_TRY: Duration = Duration::from_secs(3);

/// What a recording tells while it runs.
#[derive(Debug)]
pub enum Event {
    /// The file is there.
    Began,
    /// There is no recording: nothing was written.
    Failed(Problem),
    /// The disk takes nothing at the moment (`true`), or does again.
    Stalled(bool),
    /// The end. `Err`: it could not be written; what is on the disk will be finished at the next start.
    Ended(Result<Summary, Problem>),
}

/// Begins a recording in a new file. What is put into the ring is recorded; dropping it ends the recording. `on_event` is
/// called on the recording's own thread.
pub fn record(
    path: PathBuf,
    master: MasterKey,
    on_event: impl FnMut(Event) + Send + 'static,
) -> io::Result<Producer<Taken>> {
    let (ring, blocks) = RingBuffer::new(RING);
    let body = move || run(&path, &master, blocks, on_event);
    thread::Builder::new().name("hatif-recorder".into()).spawn(body)?;
    Ok(ring)
}

fn run(path: &Path, master: &MasterKey, mut blocks: Consumer<Taken>, mut on_event: impl FnMut(Event)) {
    let encoder = Encoder::new(u32::from_le_bytes(random())).map_err(|_| Problem::Codec);
    let begun = encoder.and_then(|encoder| Ok((encoder, Output::create(path, master)?)));
    let (mut encoder, mut output) = match begun {
        Ok(begun) => begun,
        Err(problem) => return on_event(Event::Failed(problem)),
    };
    on_event(Event::Began);
    let mut stalled = false;
    loop {
        // Asked before the ring is emptied, so that what came last is taken.
        let ended = blocks.is_abandoned();
        while let Ok(taken) = blocks.pop() {
            for content in encoder.push(&taken) {
                output.put(content);
            }
        }
        let stalls = output.flush().is_err();
        if stalls != stalled {
            stalled = stalls;
            on_event(Event::Stalled(stalled));
        }
        if ended {
            return on_event(Event::Ended(output.finish(encoder.finish())));
        }
        thread::sleep(EVERY);
    }
}

/// The file, and what waits for it.
struct Output {
    file: File,
    chain: Chain,
    /// Bytes that are whole chunks; a failed write is cut off down to it.
    good: u64,
    /// A chunk that failed to be written.
    sealed: Option<Vec<u8>>,
    waiting: VecDeque<Content>,
    digest: Sha256,
    summary: Summary,
}

impl Output {
    fn create(path: &Path, master: &MasterKey) -> Result<Output, Problem> {
        if let Some(folder) = path.parent() {
            create_folder(folder)?;
        }
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(path)?;
        let (head, key) = new_head(master);
        let written = file.write_all(&head).and_then(|()| file.sync_all());
        if let Err(error) = written {
            // Nothing is lost by it: there is no sound in it yet.
            let _ = fs::remove_file(path);
            return Err(error.into());
        }
        let chain = Chain::new(&key, &head);
        let digest = Sha256::new_with_prefix(head);
        let (sealed, waiting) = (None, VecDeque::new());
        Ok(Output { file, chain, good: head.len() as u64, sealed, waiting, digest, summary: Summary::default() })
    }

    fn put(&mut self, content: Content) {
        if self.waiting.len() == WAITING
            && let Some(lost) = self.waiting.pop_front()
            && let Some(next) = self.waiting.front_mut()
        {
            next.marks.insert(0, stretch(&lost));
        }
        self.waiting.push_back(content);
    }

    /// Writes what waits, down to the disk.
    fn flush(&mut self) -> io::Result<()> {
        while self.write_sealed(false)? {}
        Ok(())
    }

    /// Writes one chunk; whether there was one.
    fn write_sealed(&mut self, last: bool) -> io::Result<bool> {
        let sealed = match self.sealed.take() {
            Some(sealed) => sealed,
            None => match self.waiting.pop_front() {
                Some(content) => {
                    self.summary.add(&content);
                    let is_last = last && self.waiting.is_empty();
                    self.chain.seal(content.to_bytes(), if is_last { LAST } else { 0 })
                }
                None => return Ok(false),
            },
        };
        let written = self.write(&sealed);
        match &written {
            Ok(()) => {
                self.digest.update(&sealed);
                self.good += sealed.len() as u64;
            }
            Err(_) => self.sealed = Some(sealed),
        }
        written.map(|()| true)
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let written = self
            .file
            .seek(SeekFrom::Start(self.good))
            .and_then(|_| self.file.write_all(bytes))
            .and_then(|()| self.file.sync_data());
        if written.is_err() {
            // What was written of it would be found as a torn end; if it can't be cut off now, the next write covers it.
            let _ = self.file.set_len(self.good);
        }
        written
    }

    fn finish(mut self, rest: Content) -> Result<Summary, Problem> {
        self.put(rest);
        let give_up = Instant::now() + LAST_TRY;
        loop {
            match self.write_sealed(true) {
                Ok(true) => {}
                Ok(false) => break,
                Err(error) if Instant::now() >= give_up => return Err(error.into()),
                Err(_) => thread::sleep(EVERY),
            }
        }
        self.summary.bytes = self.good;
        self.summary.digest = self.digest.finalize().into();
        Ok(self.summary)
    }
}

/// For its owner alone.
pub(crate) fn create_folder(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// A chunk that was given up, as a gap.
fn stretch(lost: &Content) -> Mark {
    let at = u32::try_from(lost.at / 48).unwrap_or(u32::MAX);
    Mark { kind: MarkKind::Gap, at, length: lost.peaks.len() as u32 * 100 }
}
