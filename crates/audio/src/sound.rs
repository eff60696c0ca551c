//! What the media thread reads its microphone from and writes its speaker and ringer to.

use crate::{
    AudioConfig, AudioError, Devices,
    file::{FilePlayer, FileRecorder},
    opener::Report,
    system::System,
    thread::Message,
};
use hatif_core::audio::{AudioEvent, DeviceChoice};
use hatif_media::Block;
use std::{
    sync::mpsc::SyncSender,
    time::{Duration, Instant},
};

/// Which devices are needed now.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Wanted {
    pub microphone: bool,
    pub speaker: bool,
    pub ringer: bool,
    /// Needed in a moment: devices that take a while to open are opened now.
    pub soon: Soon,
}

/// What a call that rings or is being answered is about to need.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Soon {
    pub microphone: bool,
    pub speaker: bool,
}

impl Wanted {
    pub fn any(self) -> bool {
        self.microphone || self.speaker || self.ringer || self.soon != Soon::default()
    }
}

pub(crate) enum Sound {
    None,
    Files { player: Option<FilePlayer>, recorder: Option<FileRecorder>, wanted: Wanted },
    System(Box<System>),
}

impl Sound {
    /// `messages`: how the devices' own thread reaches the media thread.
    pub fn open(config: &AudioConfig, messages: SyncSender<Message>) -> Result<Sound, AudioError> {
        Ok(match &config.devices {
            Devices::None => Sound::None,
            Devices::Files { play, record } => Sound::Files {
                player: play.as_deref().map(FilePlayer::open).transpose()?,
                recorder: record.as_deref().map(FileRecorder::create).transpose()?,
                wanted: Wanted::default(),
            },
            Devices::System => Sound::System(Box::new(System::start(config.choice.clone(), messages)?)),
        })
    }

    /// Opens, watches and closes devices as needed.
    pub fn update(&mut self, now_wanted: Wanted, now: Instant, on_event: &mut impl FnMut(AudioEvent)) {
        match self {
            Sound::None => {}
            Sound::Files { player, wanted, .. } => {
                *wanted = now_wanted;
                if let Some(player) = player.as_mut().filter(|_| !now_wanted.microphone) {
                    player.stop();
                }
            }
            Sound::System(system) => system.update(now_wanted, now, on_event),
        }
    }

    /// Nothing is open, so the media thread may sleep if it has nothing to do.
    pub fn is_quiet(&self) -> bool {
        match self {
            Sound::None | Sound::Files { .. } => true,
            Sound::System(system) => system.is_quiet(),
        }
    }

    /// How long it may sleep; `None`: until somebody wants something.
    pub fn rest(&self, now: Instant) -> Option<Duration> {
        match self {
            Sound::None | Sound::Files { .. } => None,
            Sound::System(system) => system.rest(now),
        }
    }

    pub fn report(&mut self, report: Report, now: Instant, on_event: &mut impl FnMut(AudioEvent)) {
        if let Sound::System(system) = self {
            system.report(report, now, on_event);
        }
    }

    pub fn list(&mut self, now: Instant, on_event: &mut impl FnMut(AudioEvent)) {
        match self {
            Sound::None | Sound::Files { .. } => on_event(AudioEvent::Devices { inputs: vec![], outputs: vec![] }),
            Sound::System(system) => system.list(now),
        }
    }

    pub fn select(&mut self, choice: DeviceChoice) {
        if let Sound::System(system) = self {
            system.select(choice);
        }
    }

    /// Gaps of the devices so far: of the microphone and of the speaker.
    pub fn gaps(&self) -> (u64, u64) {
        match self {
            Sound::System(system) => system.gaps(),
            Sound::None | Sound::Files { .. } => (0, 0),
        }
    }

    /// Sound comes from a microphone, with somebody before it, and not from a file.
    pub fn is_live(&self) -> bool {
        matches!(self, Sound::System(_))
    }

    /// Microphone or speaker are other devices than before; whether they are a headset. Told once.
    pub fn changed(&mut self) -> Option<bool> {
        match self {
            Sound::System(system) => system.changed(),
            Sound::None | Sound::Files { .. } => None,
        }
    }

    /// A call opened its microphone.
    pub fn microphone_opened(&mut self) {
        if let Sound::Files { player: Some(player), .. } = self {
            player.play();
        }
    }

    /// The next 10 ms of the microphone; silence, and false, if there is none.
    pub fn read(&mut self, microphone: &mut Block) -> bool {
        match self {
            Sound::Files { player: Some(player), .. } => {
                player.read(microphone);
                true
            }
            Sound::System(system) => system.read(microphone),
            Sound::None | Sound::Files { .. } => {
                microphone.fill(0.0);
                false
            }
        }
    }

    /// The next 10 ms to be heard.
    pub fn write(&mut self, speaker: &mut Block, ringer: &Block) {
        match self {
            Sound::None => {}
            Sound::Files { recorder: Some(recorder), wanted, .. } if wanted.speaker || wanted.ringer => {
                mix(speaker, ringer);
                recorder.write(speaker);
            }
            Sound::Files { .. } => {}
            Sound::System(system) => system.write(speaker, ringer),
        }
    }
}

pub(crate) fn mix(speaker: &mut Block, ringer: &[f32]) {
    for (sample, ring) in speaker.iter_mut().zip(ringer) {
        *sample += ring;
    }
}
