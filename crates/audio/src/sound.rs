//! What the media thread reads its microphone from and writes its speaker and ringer to.

use crate::{
    Devices,
    file::{FileError, FilePlayer, FileRecorder},
};
use hatif_media::Block;

/// Which devices are needed now.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Wanted {
    pub microphone: bool,
    pub speaker: bool,
    pub ringer: bool,
}

impl Wanted {
    pub fn any(self) -> bool {
        self.microphone || self.speaker || self.ringer
    }
}

pub(crate) enum Sound {
    None,
    Files { player: Option<FilePlayer>, recorder: Option<FileRecorder>, wanted: Wanted },
}

impl Sound {
    pub fn open(devices: &Devices) -> Result<Sound, FileError> {
        Ok(match devices {
            Devices::None | Devices::System => Sound::None,
            Devices::Files { play, record } => Sound::Files {
                player: play.as_deref().map(FilePlayer::open).transpose()?,
                recorder: record.as_deref().map(FileRecorder::create).transpose()?,
                wanted: Wanted::default(),
            },
        })
    }

    /// Opens and closes devices as needed.
    pub fn want(&mut self, now_wanted: Wanted) {
        match self {
            Sound::None => {}
            Sound::Files { player, wanted, .. } => {
                *wanted = now_wanted;
                if let Some(player) = player.as_mut().filter(|_| !now_wanted.microphone) {
                    player.stop();
                }
            }
        }
    }

    /// A call opened its microphone.
    pub fn microphone_opened(&mut self) {
        if let Sound::Files { player: Some(player), .. } = self {
            player.play();
        }
    }

    /// The next 10 ms of the microphone; silence if there is none.
    pub fn read(&mut self, microphone: &mut Block) {
        match self {
            Sound::Files { player: Some(player), .. } => player.read(microphone),
            Sound::None | Sound::Files { .. } => microphone.fill(0.0),
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
        }
    }
}

fn mix(speaker: &mut Block, ringer: &Block) {
    for (sample, ring) in speaker.iter_mut().zip(ringer) {
        *sample += ring;
    }
}
