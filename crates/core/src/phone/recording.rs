//! Whether calls are recorded: by policy, by the agent's word. A pause that was forgotten ends by itself or is reminded of.

use super::{Action, Change, NoticeLevel, Now, Output, Phone};
use crate::{
    ids::CallId,
    phone::CallEntry,
    recording::{CallRecording, RecordingAsk, RecordingCommand, RecordingEvent, RecordingPolicy},
    text::Text,
};
use std::time::Duration;

const STALLED: &str = "recording.stalled";
const STILL_PAUSED: &str = "recording.still_paused";
/// A pause that does not end by itself is reminded of.
const REMINDER: Duration = Duration::from_secs(60);

impl Phone {
    /// What can be done with an active call's recording.
    pub(super) fn recording_actions(&self, entry: &CallEntry) -> Vec<Action> {
        let always = self.settings().recording == RecordingPolicy::Always;
        match entry.recording {
            CallRecording::Off | CallRecording::Failed if !self.may_record(entry) => vec![],
            CallRecording::Off | CallRecording::Failed => vec![Action::Record],
            CallRecording::On if always => vec![Action::PauseRecording],
            CallRecording::On => vec![Action::PauseRecording, Action::StopRecording],
            CallRecording::Paused if always => vec![Action::ResumeRecording],
            CallRecording::Paused => vec![Action::ResumeRecording, Action::StopRecording],
        }
    }

    /// Whether policy and rules let it be recorded.
    fn may_record(&self, entry: &CallEntry) -> bool {
        let settings = self.settings();
        settings.recording != RecordingPolicy::Off && settings.recording_rules.covers(entry.call.direction)
    }

    pub(super) fn ask_recording(&mut self, now: Now, call: CallId, ask: RecordingAsk) -> Result<(), Text> {
        let (action, state) = match ask {
            RecordingAsk::Begin => (Action::Record, CallRecording::On),
            RecordingAsk::Pause => (Action::PauseRecording, CallRecording::Paused),
            RecordingAsk::Resume => (Action::ResumeRecording, CallRecording::On),
            RecordingAsk::End => (Action::StopRecording, CallRecording::Off),
        };
        let rules = self.settings().recording_rules;
        let pause = match rules.resume_after_s {
            0 => REMINDER,
            seconds => Duration::from_secs(seconds.into()),
        };
        let entry = self.commanded(call, action)?;
        entry.recording = state;
        entry.pause_due = (ask == RecordingAsk::Pause).then(|| now.mono + pause);
        let interaction = entry.interaction;
        let command = match ask {
            RecordingAsk::Begin => RecordingCommand::Begin { call, interaction, tone: rules.tone },
            RecordingAsk::Pause => RecordingCommand::Pause { call, on: true },
            RecordingAsk::Resume => RecordingCommand::Pause { call, on: false },
            RecordingAsk::End => RecordingCommand::End { call },
        };
        self.out.push_back(Output::Recording(command));
        self.change(Change::Call(call));
        if !self.calls.values().any(|c| c.recording == CallRecording::Paused) {
            self.withdraw(STILL_PAUSED);
        }
        Ok(())
    }

    pub(super) fn recorder(&mut self, event: RecordingEvent) {
        match event {
            RecordingEvent::Failed { call, text } => {
                if let Some(entry) = self.living(call) {
                    entry.recording = CallRecording::Failed;
                    self.change(Change::Call(call));
                }
                self.raise(NoticeLevel::Error, text);
            }
            RecordingEvent::Stalled { on: true } => self.raise(NoticeLevel::Warning, Text::new(STALLED)),
            RecordingEvent::Stalled { on: false } => self.withdraw(STALLED),
        }
    }

    /// Begins what the policy wants recorded, and goes on where a pause was forgotten. Runs after every input; a call whose
    /// recording failed is not tried again.
    pub(super) fn settle_recording(&mut self, now: Now) {
        self.settle_pauses(now);
        if self.settings().recording != RecordingPolicy::Always {
            return;
        }
        let unrecorded = |c: &&CallEntry| {
            c.active() && c.gone_at.is_none() && c.recording == CallRecording::Off && self.may_record(c)
        };
        let begin: Vec<CallId> = self.calls.values().filter(unrecorded).map(|c| c.call.id).collect();
        for call in begin {
            // Active and not recorded: it is offered.
            let _ = self.ask_recording(now, call, RecordingAsk::Begin);
        }
    }

    fn settle_pauses(&mut self, now: Now) {
        let due = |c: &&CallEntry| c.pause_due.is_some_and(|due| due <= now.mono);
        let due: Vec<CallId> = self.calls.values().filter(due).map(|c| c.call.id).collect();
        for call in due {
            if let Some(entry) = self.calls.get_mut(&call) {
                entry.pause_due = None;
            }
            if self.living(call).is_none_or(|entry| entry.recording != CallRecording::Paused) {
                continue;
            }
            if self.settings().recording_rules.resume_after_s == 0 {
                self.raise(NoticeLevel::Warning, Text::new(STILL_PAUSED));
            } else if self.ask_recording(now, call, RecordingAsk::Resume).is_ok() {
                self.raise(NoticeLevel::Info, Text::new("recording.resumed"));
            }
        }
    }
}
