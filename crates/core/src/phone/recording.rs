//! Whether calls are recorded: by policy, by the agent's word.

use super::{Action, Change, NoticeLevel, Output, Phone};
use crate::{
    ids::CallId,
    phone::CallEntry,
    recording::{CallRecording, RecordingAsk, RecordingCommand, RecordingEvent, RecordingPolicy},
    text::Text,
};

const STALLED: &str = "recording.stalled";

impl Phone {
    /// What can be done with an active call's recording.
    pub(super) fn recording_actions(&self, entry: &CallEntry) -> Vec<Action> {
        let always = self.settings().recording == RecordingPolicy::Always;
        match entry.recording {
            CallRecording::Off | CallRecording::Failed if self.settings().recording == RecordingPolicy::Off => vec![],
            CallRecording::Off | CallRecording::Failed => vec![Action::Record],
            CallRecording::On if always => vec![Action::PauseRecording],
            CallRecording::On => vec![Action::PauseRecording, Action::StopRecording],
            CallRecording::Paused if always => vec![Action::ResumeRecording],
            CallRecording::Paused => vec![Action::ResumeRecording, Action::StopRecording],
        }
    }

    pub(super) fn ask_recording(&mut self, call: CallId, ask: RecordingAsk) -> Result<(), Text> {
        let (action, state) = match ask {
            RecordingAsk::Begin => (Action::Record, CallRecording::On),
            RecordingAsk::Pause => (Action::PauseRecording, CallRecording::Paused),
            RecordingAsk::Resume => (Action::ResumeRecording, CallRecording::On),
            RecordingAsk::End => (Action::StopRecording, CallRecording::Off),
        };
        let entry = self.commanded(call, action)?;
        entry.recording = state;
        let interaction = entry.interaction;
        let command = match ask {
            RecordingAsk::Begin => RecordingCommand::Begin { call, interaction },
            RecordingAsk::Pause => RecordingCommand::Pause { call, on: true },
            RecordingAsk::Resume => RecordingCommand::Pause { call, on: false },
            RecordingAsk::End => RecordingCommand::End { call },
        };
        self.out.push_back(Output::Recording(command));
        self.change(Change::Call(call));
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

    /// Begins what the policy wants recorded. Runs after every input; a call whose recording failed is not tried again.
    pub(super) fn settle_recording(&mut self) {
        if self.settings().recording != RecordingPolicy::Always {
            return;
        }
        let unrecorded = |c: &&CallEntry| c.active() && c.gone_at.is_none() && c.recording == CallRecording::Off;
        let begin: Vec<CallId> = self.calls.values().filter(unrecorded).map(|c| c.call.id).collect();
        for call in begin {
            // Active and not recorded: it is offered.
            let _ = self.ask_recording(call, RecordingAsk::Begin);
        }
    }
}
