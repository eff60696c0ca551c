//! How a call sounds, in a word and in figures.

use crate::view;
use hatif_core::{audio::CallStats, phone::CallEntry, sip::Codec};

/// Seconds without any sound that are told.
const SILENT_S: u32 = 5;

pub fn quality(entry: &CallEntry) -> Option<view::QualityView> {
    let s = entry.stats?;
    Some(view::QualityView {
        level: level(&s, entry.silent_s),
        mos: s.mos,
        codec: entry.codec().map(codec),
        sent: s.sent as f64,
        received: s.received as f64,
        lost: s.lost as f64,
        jitter_ms: s.jitter_ms,
        concealed: s.concealed,
        buffer_ms: s.buffer_ms,
        round_trip_ms: s.round_trip_ms,
        remote_loss: s.remote_loss,
        microphone_gaps: s.microphone_gaps as f64,
        speaker_gaps: s.speaker_gaps as f64,
    })
}

/// The judgement: made-up audio first, then delay, then the E-model's figure, in which all of it comes together. A clean
/// call over G.711 has 3.5 to 3.9, so that what is worse than that begins well below.
fn level(s: &CallStats, silent_s: u32) -> view::QualityLevel {
    let heard = s.concealed.max(s.remote_loss.unwrap_or(0.0));
    let trip = s.round_trip_ms.unwrap_or(0.0);
    let below = |bound: f32| s.mos.is_some_and(|mos| mos < bound);
    if silent_s >= SILENT_S {
        view::QualityLevel::Silent
    } else if heard > 0.08 || trip > 500.0 || below(2.5) {
        view::QualityLevel::Poor
    } else if heard > 0.02 || trip > 300.0 || s.jitter_ms > 40.0 || below(3.1) {
        view::QualityLevel::Fair
    } else {
        view::QualityLevel::Good
    }
}

fn codec(codec: Codec) -> view::CodecView {
    match codec {
        Codec::Opus => view::CodecView::Opus,
        Codec::G722 => view::CodecView::G722,
        Codec::Pcma => view::CodecView::Pcma,
        Codec::Pcmu => view::CodecView::Pcmu,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use view::QualityLevel as L;

    #[test]
    fn the_worst_of_it_is_the_judgement() {
        let clean = CallStats { mos: Some(3.6), ..CallStats::default() };
        let cases = [
            (clean, 0, L::Good),
            (CallStats { mos: None, ..clean }, 0, L::Good),
            (CallStats { mos: Some(3.0), ..clean }, 0, L::Fair),
            (CallStats { mos: Some(2.4), ..clean }, 0, L::Poor),
            (CallStats { concealed: 0.03, ..clean }, 0, L::Fair),
            (CallStats { remote_loss: Some(0.1), ..clean }, 0, L::Poor),
            (CallStats { round_trip_ms: Some(350.0), ..clean }, 0, L::Fair),
            (CallStats { round_trip_ms: Some(600.0), ..clean }, 0, L::Poor),
            (clean, SILENT_S, L::Silent),
            (clean, SILENT_S - 1, L::Good),
        ];
        for (stats, silent_s, expected) in cases {
            assert_eq!(level(&stats, silent_s), expected, "{stats:?}");
        }
    }
}
