//! What is heard: microphones, loudspeakers and tones follow from the calls' states, here and nowhere else.

use super::{Change, NoticeLevel, Now, Phone};
use crate::{
    audio::{AudioCommand, AudioDevice, AudioEvent, Tone},
    call::{CallState, EndReason},
    text::Text,
};
use std::time::Duration;

const YOU_ARE_MUTED: &str = "audio.you_are_muted";
/// A test of the headset records no longer than this.
const MAX_TEST_SECONDS: u8 = 30;

/// What a view reads.
impl Phone {
    pub fn microphones(&self) -> &[AudioDevice] {
        &self.inputs
    }
    pub fn speakers(&self) -> &[AudioDevice] {
        &self.outputs
    }
    pub fn audio_problem(&self) -> Option<&Text> {
        self.audio_problem.as_ref()
    }
}

impl Phone {
    pub(super) fn audio(&mut self, now: Now, event: AudioEvent) {
        match event {
            AudioEvent::PortOpened { call, local } => self.port_opened(now, call, local),
            AudioEvent::PortFailed { call, text } => self.port_failed(now, call, text),
            AudioEvent::Devices { inputs, outputs } => {
                self.inputs = inputs;
                self.outputs = outputs;
                self.change(Change::Devices);
            }
            AudioEvent::Problem(problem) => {
                if self.audio_problem != problem {
                    self.audio_problem = problem;
                    self.change(Change::Devices);
                }
            }
            AudioEvent::Moved { device, .. } => {
                self.withdraw("audio.moved");
                if self.living_calls() > 0 {
                    self.raise(NoticeLevel::Info, Text::new("audio.moved").with("device", device));
                }
            }
            AudioEvent::Arrived { device, .. } => {
                // A headset is a microphone and a speaker: told once.
                self.raise(NoticeLevel::Info, Text::new("audio.device_arrived").with("device", device.name));
            }
            AudioEvent::Unheard(unheard) => self.unheard = unheard,
            AudioEvent::Clipping => {
                if self.living_calls() > 0 {
                    self.raise(NoticeLevel::Warning, Text::new("audio.clipping"));
                }
            }
            AudioEvent::HeadsetTest(test) => self.change(Change::HeadsetTest(test)),
            AudioEvent::Level { microphone, speaker } => self.change(Change::Level { microphone, speaker }),
            AudioEvent::Stats { call, stats } => {
                if let Some(entry) = self.living(call) {
                    if entry.stats.is_some_and(|old| old.received != stats.received) {
                        entry.silent_s = 0;
                    }
                    entry.stats = Some(stats);
                    self.change(Change::Quality(call));
                }
            }
            AudioEvent::Protection { call, protection } => {
                if let Some(entry) = self.living(call) {
                    entry.protection = protection;
                    self.change(Change::Call(call));
                }
            }
            AudioEvent::Silence { call, seconds } => {
                if let Some(entry) = self.living(call) {
                    entry.silent_s = seconds;
                    self.change(Change::Quality(call));
                }
            }
            AudioEvent::DtmfReceived { call, digit } => self.digit(now, call, digit),
        }
    }

    /// Brings the audio in line with the calls. Runs after every input.
    pub(super) fn settle_sound(&mut self, now: Now) {
        let mut commands = Vec::new();
        for entry in self.calls.values_mut().filter(|c| c.gone_at.is_none()) {
            let call = entry.call.id;
            let has_media = entry.media.is_some();
            let (microphone, listening) =
                (has_media && entry.wants_microphone(now.mono), has_media && entry.wants_listening());
            if entry.microphone != microphone {
                entry.microphone = microphone;
                commands.push(AudioCommand::Microphone { call, open: microphone });
            }
            if entry.listening != listening {
                entry.listening = listening;
                commands.push(AudioCommand::Listen { call, on: listening });
            }
        }
        for command in commands {
            self.tell_audio(command);
        }
        let mixed = self.mixed();
        if mixed != self.mixed {
            self.mixed = mixed.clone();
            self.tell_audio(AudioCommand::Conference { calls: mixed });
        }
        self.prepare_devices();
        self.remind_of_mute();
        if self.passing_tone.is_some_and(|(_, until)| until <= now.mono) {
            self.passing_tone = None;
        }
        let tone = self.wanted_tone();
        if tone != self.tone {
            self.tone = tone;
            self.tell_audio(tone.map_or(AudioCommand::StopTone, AudioCommand::PlayTone));
        }
    }

    /// Devices take half a second to open. The speaker is opened while a call rings; the microphone not before somebody
    /// here has answered or dialled.
    fn prepare_devices(&mut self) {
        let any = |is: fn(&CallState) -> bool| self.calls.values().any(|c| is(&c.call.state) && !c.aside());
        let microphone = any(|s| matches!(s, CallState::Dialing | CallState::Ringing { .. } | CallState::Answering));
        let speaker = microphone || any(|s| matches!(s, CallState::Incoming));
        if self.prepared != (microphone, speaker) {
            self.prepared = (microphone, speaker);
            self.tell_audio(AudioCommand::Prepare { microphone, speaker });
        }
    }

    /// Says so while somebody speaks into a microphone that is muted; not while a call is merely on hold.
    fn remind_of_mute(&mut self) {
        let muted = self.settings().sound.microphone.muted;
        let deaf = |state: &CallState| match state {
            CallState::Active { hold, muted: call_muted, .. } => !hold.local() && (*call_muted || muted),
            _ => false,
        };
        let remind = self.unheard && self.calls.values().any(|c| deaf(&c.call.state));
        let reminded = self.notices.iter().any(|n| n.text.code == YOU_ARE_MUTED);
        if remind && !reminded {
            self.raise(NoticeLevel::Warning, Text::new(YOU_ARE_MUTED));
        } else if !remind && reminded {
            self.withdraw(YOU_ARE_MUTED);
        }
    }

    pub(super) fn test_headset(&mut self, seconds: u8) -> Result<(), Text> {
        if seconds > 0 && self.living_calls() > 0 {
            return Err(Text::new("command.not_now"));
        }
        self.tell_audio(AudioCommand::TestHeadset { seconds: seconds.min(MAX_TEST_SECONDS) });
        Ok(())
    }

    fn wanted_tone(&self) -> Option<Tone> {
        let any = |is: fn(&CallState) -> bool| self.calls.values().any(|c| is(&c.call.state) && !c.aside());
        let talking = any(|s| matches!(s, CallState::Active { .. } | CallState::Answering));
        if any(|s| matches!(s, CallState::Incoming)) {
            return Some(if talking { Tone::CallWaiting } else { Tone::Ring });
        }
        if any(|s| matches!(s, CallState::Ringing { early_media: false })) {
            return Some(Tone::Ringback);
        }
        let announced = self.calls.values().any(|c| c.closed_until.is_some() && c.gone_at.is_none());
        if self.living_calls() > 0 && !announced {
            return None;
        }
        self.passing_tone.map(|(tone, _)| tone)
    }

    /// What the caller hears when a call did not come about.
    pub(super) fn ended_tone(&mut self, now: Now, outgoing: bool, reason: &EndReason) {
        if !outgoing {
            return;
        }
        let tone = match reason {
            EndReason::Busy | EndReason::Rejected => Tone::Busy,
            EndReason::NoAnswer | EndReason::Failed { .. } => Tone::Congestion,
            _ => return,
        };
        self.passing_tone = Some((tone, now.mono + Duration::from_millis(2500)));
    }

    pub(super) fn test_tone(&mut self, now: Now) -> Result<(), Text> {
        if self.living_calls() > 0 {
            return Err(Text::new("command.not_now"));
        }
        self.passing_tone = Some((Tone::Test, now.mono + Duration::from_millis(1800)));
        Ok(())
    }
}
