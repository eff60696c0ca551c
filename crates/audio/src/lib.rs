//! Sound cards (by cpal), the one media thread, RTP and RTCP sockets: the port of `hatif_core::audio`.
//!
//! ```text
//!  microphone callback -> ring -> drift resampler ─┐                         ┌─> RTP, RTCP sockets of each call
//!                                                  ├─ MediaEngine::tick ─────┤
//!  speaker callback   <- ring <- drift resampler <─┘   every 10 ms           └─< (mio wakes the thread on a datagram)
//! ```
//!
//! One thread owns the engine, the sockets and the rings' inner ends. Time is its clock, not a device: it ticks at
//! absolute deadlines of 10 ms, and small resamplers hold the rings to the devices' own clocks. So a call runs the same with
//! a sound card, with sound files, with no sound at all, and through the loss of a device. Streams are built and dropped on
//! another thread, because some systems take seconds for it. The thread sleeps without a tick while nothing sounds.

mod callback;
mod clock;
mod drift;
mod file;
mod host;
mod ice;
mod latch;
mod opener;
mod packet;
#[cfg(target_os = "linux")]
mod pipewire;
mod playback;
mod port;
mod priority;
mod problem;
mod rehearsal;
mod ring;
mod slot;
mod sound;
mod srtp;
mod stream;
mod stun;
mod system;
mod tap;
mod thread;
mod translate;
mod voice;
mod volume;

pub use file::FileError;

use hatif_core::{
    audio::{AudioCommand, AudioEvent, DeviceChoice},
    ids::CallId,
};
use std::{
    io,
    ops::RangeInclusive,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::{SyncSender, TrySendError, sync_channel},
    },
    thread::JoinHandle,
};
pub use tap::RecordOrder;
use thread::{MediaThread, Message};

/// Commands that wait for the next tick. A full queue refuses: the media thread must have stopped for seconds.
const QUEUE: usize = 256;

/// Where sound comes from and goes to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Devices {
    /// The system's sound devices.
    System,
    /// WAV files in real time: `play` (any rate, mono or more channels) in the place of the microphone, from its beginning
    /// when the first call opens the microphone, then silence; `record` (written as 48 kHz mono, 16 bit) in the place of the
    /// speaker and the ringer.
    Files { play: Option<PathBuf>, record: Option<PathBuf> },
    /// No sound: silence in, nothing out, in real time. For the practice line.
    None,
}

/// How to start; see [`AudioConfig::default`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AudioConfig {
    pub devices: Devices,
    pub choice: DeviceChoice,
    /// Where RTP ports are taken from: even ones, each with the one above for RTCP, beginning at a random place.
    pub rtp_ports: RangeInclusive<u16>,
    pub thread_name: String,
}

impl Default for AudioConfig {
    /// The system's default devices, ports 16384 to 32767.
    fn default() -> Self {
        Self {
            devices: Devices::System,
            choice: DeviceChoice::default(),
            rtp_ports: 16_384..=32_767,
            thread_name: "hatif-media".into(),
        }
    }
}

/// Why sound could not be started. A missing sound device is not among it: that is an [`AudioEvent::Problem`].
#[derive(Debug, thiserror::Error)]
pub enum AudioError {
    #[error(transparent)]
    File(#[from] FileError),
    #[error("cannot start the media thread: {0}")]
    Thread(#[from] io::Error),
}

/// Why a command was not taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum SendError {
    #[error("too many commands wait for the media thread")]
    QueueFull,
    #[error("the media thread has ended")]
    Stopped,
}

/// The running media thread. Dropping it ends every call's media, closes the devices and waits for the thread.
pub struct Audio {
    commands: SyncSender<Message>,
    waker: mio::Waker,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Audio {
    /// Starts the thread. `on_event` is called on it and must return at once: put the event into a queue.
    pub fn start(config: AudioConfig, on_event: impl FnMut(AudioEvent) + Send + 'static) -> Result<Audio, AudioError> {
        let (commands, mailbox) = sync_channel(QUEUE);
        let stop = Arc::new(AtomicBool::new(false));
        let name = config.thread_name.clone();
        let media = MediaThread::new(config, mailbox, commands.clone(), stop.clone(), on_event)?;
        let waker = media.waker()?;
        let thread = std::thread::Builder::new().name(name).spawn(move || media.run())?;
        Ok(Audio { commands, waker, stop, thread: Some(thread) })
    }

    /// Hands a command over; it is obeyed at once, or after the tick that runs. Never blocks.
    pub fn send(&self, command: AudioCommand) -> Result<(), SendError> {
        self.post(Message::Command(command))
    }

    /// Asks for both sides of a call, for a recorder. A call that has no port has nothing to record: then
    /// the ring is abandoned at once.
    pub fn record(&self, call: CallId, order: RecordOrder) -> Result<(), SendError> {
        self.post(Message::Record(call, order))
    }

    /// Plays 48 kHz mono sound, as far as the ring holds some, on the speaker or (`true`) where it rings; `None` stops it.
    /// Only while there is no call: then the ring is abandoned.
    pub fn play(&self, sound: Option<(rtrb::Consumer<f32>, bool)>) -> Result<(), SendError> {
        self.post(Message::Play(sound))
    }

    fn post(&self, message: Message) -> Result<(), SendError> {
        self.commands.try_send(message).map_err(|error| match error {
            TrySendError::Full(_) => SendError::QueueFull,
            TrySendError::Disconnected(_) => SendError::Stopped,
        })?;
        // Unheard, it is obeyed at the next tick.
        let _ = self.waker.wake();
        Ok(())
    }
}

impl Drop for Audio {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        // Wakes the thread if it sleeps; when the queue is full it is awake.
        let _ = self.send(AudioCommand::Shutdown);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
