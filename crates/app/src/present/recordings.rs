//! Recordings as views.

use super::{direction, millis, peer};
use crate::view;
use hatif_core::{
    comment::Comment,
    recording::{CallRecording, Recording},
};
use std::time::Duration;

/// What is kept is kept for days.
pub const DAY: Duration = Duration::from_secs(86_400);

pub fn state(recording: CallRecording) -> view::RecordingState {
    match recording {
        CallRecording::Off => view::RecordingState::Off,
        CallRecording::On => view::RecordingState::On,
        CallRecording::Paused => view::RecordingState::Paused,
        CallRecording::Failed => view::RecordingState::Failed,
    }
}

/// `keep_days`: after how many it is destroyed by rule; 0: never.
pub fn recording(row: &Recording, keep_days: u16) -> view::RecordingView {
    let ms = |duration: Duration| u32::try_from(duration.as_millis()).unwrap_or(u32::MAX);
    let end = row.end.as_ref();
    view::RecordingView {
        name: row.name.clone(),
        entry: row.interaction.to_string(),
        account_label: row.account_label.clone(),
        direction: direction(row.direction),
        peer: peer(&row.peer),
        started_ms: millis(row.started),
        length_ms: end.map(|end| ms(end.length)),
        paused_ms: end.map_or(0, |end| ms(end.paused)),
        gaps_ms: end.map_or(0, |end| ms(end.gaps)),
        torn: end.is_some_and(|end| end.torn),
        held: row.held,
        comments: row.comments,
        expires_ms: (keep_days > 0 && !row.held).then(|| millis(row.started + DAY * keep_days.into())),
    }
}

pub fn comment(comment: &Comment) -> view::CommentView {
    view::CommentView {
        id: comment.id,
        at_ms: u32::try_from(comment.at.as_millis()).unwrap_or(u32::MAX),
        reply_to: comment.reply_to,
        text: comment.text.clone(),
        made_ms: millis(comment.made),
    }
}

pub fn wave(overview: &hatif_recorder::Overview) -> view::WaveView {
    view::WaveView {
        agent: overview.peaks.iter().map(|peak| peak[0]).collect(),
        customer: overview.peaks.iter().map(|peak| peak[1]).collect(),
        marks: overview
            .marks
            .iter()
            .map(|mark| view::MarkView {
                kind: match mark.kind {
                    hatif_recorder::MarkKind::Gap => view::MarkKind::Gap,
                    hatif_recorder::MarkKind::Pause => view::MarkKind::Pause,
                    hatif_recorder::MarkKind::Torn => view::MarkKind::Torn,
                },
                at_ms: mark.at,
                length_ms: mark.length,
            })
            .collect(),
    }
}
