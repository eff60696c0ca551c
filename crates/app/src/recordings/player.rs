//! The player: a thread that opens, decodes and stretches, and fills a ring that the media thread plays on the speaker.
//!
//! ```text
//! file -> Reader -> balance -> Stretch (speed, pitch kept) -> ring (0.2 s) -> media thread -> speaker
//! ```
//!
//! Played by Rust and not by the page: the device is the chosen one, nothing in the clear leaves the process, and the
//! page's media support differs from system to system (docs/adr/0030).

use super::{Tell, Told, problem_text};
use crate::{
    present,
    recordings::stretch::Stretch,
    view::{Outlet, PlayerView, RecordingView, RecordingsCommand as Asked, RecordingsEvent as Shown, Side},
};
use hatif_recorder::{MasterKey, Problem, Reader};
use rtrb::{Consumer, Producer, RingBuffer};
use std::{
    path::PathBuf,
    sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel},
    thread,
    time::{Duration, Instant},
};

/// Samples of 48 kHz in the ring: what is heard after a key is pressed.
const RING: usize = 9_600;
/// Samples that are made at a time.
const STEP: usize = 960;
/// How often the page is told where it stands.
const TELL_EVERY: Duration = Duration::from_millis(100);
/// How often a full ring is looked at.
const WAIT: Duration = Duration::from_millis(10);
/// Orders that wait; a person makes a few a second.
const ORDERS: usize = 64;
/// Per cent.
const SPEEDS: (u16, u16) = (50, 300);

/// What the thread is told.
pub(crate) enum Order {
    Asked(Asked),
    /// Where the sound goes from now on. What lies in the ring before is not heard any more.
    Ring(Producer<f32>),
}

/// The recording in the player. Dropping it ends the thread.
pub(crate) struct Player {
    name: String,
    orders: SyncSender<Order>,
    /// Where it is heard.
    pub outlet: Outlet,
    played: bool,
}

impl Player {
    pub fn start(recording: RecordingView, path: PathBuf, key: MasterKey, tell: Tell) -> Option<Player> {
        let (orders, taken) = sync_channel(ORDERS);
        let name = recording.name.clone();
        let body = move || {
            let (name, failed) = (recording.name.clone(), tell.clone());
            if let Err(problem) = run(recording, path, key, &taken, tell) {
                let text = present::text(&problem_text(problem));
                failed(Told::Show(Box::new(Shown::Failed { recording: name, text })));
            }
        };
        thread::Builder::new().name("hatif-player".into()).spawn(body).ok().map(|_| Player {
            name,
            orders,
            outlet: Outlet::default(),
            played: false,
        })
    }

    /// Its name, when it is played for the first time since it was opened.
    pub fn first_played(&mut self) -> Option<String> {
        (!std::mem::replace(&mut self.played, true)).then(|| self.name.clone())
    }

    pub fn plays(&self, name: &str) -> bool {
        self.name == name
    }

    /// A ring for the sound that comes now, and its other end; the media thread forgets the one before.
    pub fn sounds(&self) -> Consumer<f32> {
        let (ring, sound) = RingBuffer::new(RING);
        let _ = self.orders.try_send(Order::Ring(ring));
        sound
    }

    /// Whether the order was one for the player.
    pub fn obeys(player: &mut Option<Player>, asked: &Asked) -> bool {
        match asked {
            Asked::Close => *player = None,
            Asked::Play { .. }
            | Asked::Seek { .. }
            | Asked::Speed { .. }
            | Asked::Balance { .. }
            | Asked::Outlet { .. } => {
                if let Some(player) = player {
                    if let Asked::Outlet { outlet } = asked {
                        player.outlet = *outlet;
                    }
                    // A full queue is a person on a key that repeats.
                    let _ = player.orders.try_send(Order::Asked(asked.clone()));
                }
            }
            _ => return false,
        }
        true
    }
}

fn run(
    recording: RecordingView,
    path: PathBuf,
    key: MasterKey,
    orders: &Receiver<Order>,
    tell: Tell,
) -> Result<(), Problem> {
    let mut reader = Reader::open(&path, &key)?;
    let overview = reader.overview()?;
    let name = recording.name.clone();
    tell(Told::Show(Box::new(Shown::Opened { recording, wave: present::wave(&overview) })));
    let length = overview.summary.length * 48;
    let mut deck = Deck {
        name,
        reader,
        ring: None,
        length,
        chunk: Vec::new(),
        chunk_begin: 0,
        next_chunk: 0,
        at: 0,
        playing: false,
        speed: 100,
        side: Side::Both,
        outlet: Outlet::default(),
        stretch: Stretch::new(),
    };
    let mut told = Instant::now();
    tell(deck.stands());
    loop {
        let order = if deck.playing {
            orders.try_recv().map_err(|error| match error {
                std::sync::mpsc::TryRecvError::Empty => RecvTimeoutError::Timeout,
                std::sync::mpsc::TryRecvError::Disconnected => RecvTimeoutError::Disconnected,
            })
        } else {
            orders.recv().map_err(RecvTimeoutError::from)
        };
        match order {
            Ok(Order::Ring(ring)) => {
                deck.rewind()?;
                deck.ring = Some(ring);
                continue;
            }
            Ok(Order::Asked(asked)) => {
                deck.obey(&asked)?;
                tell(deck.stands());
                continue;
            }
            Err(RecvTimeoutError::Disconnected) => {
                tell(Told::Show(Box::new(Shown::Closed)));
                return Ok(());
            }
            Err(RecvTimeoutError::Timeout) => {}
        }
        match &deck.ring {
            Some(ring) if !ring.is_abandoned() && ring.slots() >= STEP => deck.step()?,
            Some(ring) if !ring.is_abandoned() => thread::sleep(WAIT),
            // A call has taken the speaker.
            _ => deck.pause()?,
        }
        if !deck.playing || told.elapsed() >= TELL_EVERY {
            told = Instant::now();
            tell(deck.stands());
        }
    }
}

struct Deck {
    name: String,
    reader: Reader,
    ring: Option<Producer<f32>>,
    /// Samples.
    length: u64,
    chunk: Vec<[f32; 2]>,
    chunk_begin: u64,
    next_chunk: usize,
    /// Sample that is read next.
    at: u64,
    playing: bool,
    speed: u16,
    side: Side,
    outlet: Outlet,
    stretch: Stretch,
}

impl Deck {
    fn obey(&mut self, order: &Asked) -> Result<(), Problem> {
        match order {
            Asked::Play { on: true } if self.at >= self.length => {
                self.seek(0)?;
                self.playing = true;
            }
            Asked::Play { on: true } => self.playing = true,
            Asked::Play { on: false } => self.pause()?,
            Asked::Seek { to_ms } => self.seek(u64::from(*to_ms) * 48)?,
            Asked::Speed { percent } => self.speed = (*percent).clamp(SPEEDS.0, SPEEDS.1),
            Asked::Balance { side } => self.side = *side,
            Asked::Outlet { outlet } => self.outlet = *outlet,
            _ => {}
        }
        Ok(())
    }

    fn seek(&mut self, to: u64) -> Result<(), Problem> {
        self.at = to.min(self.length);
        self.next_chunk = self.reader.chunk_at(self.at)?;
        self.chunk.clear();
        self.chunk_begin = self.at;
        self.stretch = Stretch::new();
        Ok(())
    }

    fn pause(&mut self) -> Result<(), Problem> {
        self.playing = false;
        self.rewind()
    }

    /// Back to what was heard last: the rest of the ring will not be.
    fn rewind(&mut self) -> Result<(), Problem> {
        let heard = self.heard();
        if self.ring.take().is_some() { self.seek(heard) } else { Ok(()) }
    }

    fn heard(&self) -> u64 {
        let ring = self.ring.as_ref().map_or(0, |ring| RING - ring.slots());
        let unheard = ring as f64 * f64::from(self.speed) / 100.0 + self.stretch.held() as f64;
        self.at.saturating_sub(unheard as u64)
    }

    /// 20 ms for the ring.
    fn step(&mut self) -> Result<(), Problem> {
        while self.stretch.wants() && self.at < self.length {
            let sample = self.sample()?;
            self.stretch.push(sample);
            self.at += 1;
        }
        let ended = self.at >= self.length;
        let mut out = [0.0; STEP];
        let made = self.stretch.pull(f32::from(self.speed) / 100.0, ended, &mut out);
        if let Some(ring) = &mut self.ring {
            let _ = ring.push_partial_slice(&out[..made]);
            if ended && made == 0 {
                // What lies in the ring is still played.
                self.playing = ring.slots() < RING;
            }
        }
        Ok(())
    }

    /// What is said at `at`, by whom it is wanted of. What was never recorded is silence.
    fn sample(&mut self) -> Result<f32, Problem> {
        while self.at >= self.chunk_begin + self.chunk.len() as u64 && self.next_chunk < self.reader.chunks() {
            (self.chunk_begin, self.chunk) = self.reader.sound(self.next_chunk)?;
            self.next_chunk += 1;
        }
        let frame = self.at.checked_sub(self.chunk_begin).and_then(|n| self.chunk.get(n as usize));
        let [agent, customer] = frame.copied().unwrap_or_default();
        Ok(match self.side {
            Side::Both => (agent + customer).clamp(-1.0, 1.0),
            Side::Agent => agent,
            Side::Customer => customer,
        })
    }

    fn stands(&self) -> Told {
        let at = self.heard();
        Told::Show(Box::new(Shown::Player {
            player: PlayerView {
                recording: self.name.clone(),
                playing: self.playing,
                at_ms: (at / 48) as u32,
                length_ms: (self.length / 48) as u32,
                speed: self.speed,
                side: self.side,
                outlet: self.outlet,
            },
        }))
    }
}
