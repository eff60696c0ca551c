//! The agent's voice on its way from the device to the engine, and what is told of it.

use crate::volume::Fader;
use hatif_core::audio::{AudioEvent, EchoCancellation, SoundSettings, Volume};
use hatif_media::{
    Block,
    capture::{Capture, CaptureConfig, EchoMode},
};

pub(crate) struct Voice {
    capture: Capture,
    volume: Fader,
    /// One's own voice in one's own ears.
    sidetone: f32,
    /// The device is muted: no call gets anything of it.
    pub muted: bool,
    /// What was told last.
    unheard: bool,
}

impl Voice {
    pub fn new() -> Self {
        let mut voice =
            Self { capture: Capture::new(), volume: Fader::default(), sidetone: 0.0, muted: false, unheard: false };
        voice.configure(&SoundSettings::default());
        voice
    }

    pub fn configure(&mut self, sound: &SoundSettings) {
        self.capture.configure(capture_config(sound));
        // A muted microphone is listened to: who speaks into it is told so.
        self.volume.set(Volume { muted: false, ..sound.microphone });
        self.sidetone = Volume { percent: sound.sidetone, muted: false }.gain();
        self.muted = sound.microphone.muted;
    }

    /// Other devices: what was learnt of the ones before is void.
    pub fn moved(&mut self, headset: bool) {
        self.capture.moved(headset);
    }

    /// In place. `heard`: a call takes the microphone; `idle`: there is no call that could.
    pub fn process(&mut self, block: &mut Block, heard: bool, idle: bool, on_event: &mut impl FnMut(AudioEvent)) {
        self.volume.process(block);
        let noticed = self.capture.process(block);
        let unheard = noticed.speaking && !heard && !idle;
        if unheard != self.unheard {
            self.unheard = unheard;
            on_event(AudioEvent::Unheard(unheard));
        }
        if noticed.clipping {
            on_event(AudioEvent::Clipping);
        }
    }

    /// Adds the agent's own voice to what is played.
    pub fn add_sidetone(&self, voice: &Block, speaker: &mut Block) {
        if self.sidetone > 0.0 {
            for (sample, own) in speaker.iter_mut().zip(voice) {
                *sample += own * self.sidetone;
            }
        }
    }

    /// What goes to the speaker, for the echo canceller.
    pub fn played(&mut self, speaker: &Block) {
        self.capture.played(speaker);
    }
}

fn capture_config(sound: &SoundSettings) -> CaptureConfig {
    if sound.raw {
        return CaptureConfig::raw();
    }
    CaptureConfig {
        high_pass: sound.high_pass,
        noise_suppression: sound.noise_suppression,
        automatic_gain: sound.automatic_gain,
        limiter: true,
        echo: match sound.echo_cancellation {
            EchoCancellation::Auto => EchoMode::Auto,
            EchoCancellation::On => EchoMode::On,
            EchoCancellation::Off => EchoMode::Off,
        },
    }
}
