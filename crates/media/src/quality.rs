//! How a call sounds, as one number: the E-model (ITU-T G.107.1 for wideband, simplified), from what a receiver can measure.

use crate::Codec;

/// Rating of wideband speech without any impairment, and how it maps to the narrowband rating that MOS is defined on.
const BEST: f32 = 129.0;
const TO_NARROW: f32 = 1.29;
/// Most that loss can take away (G.107.1 7.5).
const MOST_LOST: f32 = 95.0;

/// Equipment impairment and robustness against loss. G.711 and G.722: ITU-T G.113 (04/2009), with concealment. Opus: fitted to
/// PESQ of deep concealment at 5 and 10 % (3.2, 2.8), where nothing can be restored.
fn impairment(codec: Codec) -> (f32, f32) {
    match codec {
        Codec::Opus => (3.0, 7.0),
        Codec::Pcmu | Codec::Pcma => (36.0, 25.1),
        Codec::G722 => (13.0, 4.8),
    }
}

/// Mean opinion score, 1.0 to 4.5. `delay_ms` is from mouth to ear; `concealed` the share of sound that was made up, 0.0 to 1.0:
/// what redundancy restored is not lost.
pub(crate) fn mos(codec: Codec, delay_ms: f32, concealed: f32) -> f32 {
    let (equipment, robustness) = impairment(codec);
    let per_cent = concealed.clamp(0.0, 1.0) * 100.0;
    let equipment = equipment + (MOST_LOST - equipment) * per_cent / (per_cent + robustness);
    // Cole and Rosenbluth's fit of G.107's delay impairment: conversation suffers from 177 ms on.
    let delay = 0.024 * delay_ms + 0.11 * (delay_ms - 177.3).max(0.0);
    let rating = ((BEST - equipment - delay) / TO_NARROW).clamp(0.0, 100.0);
    // G.107 annex B; below 6.5 the formula falls under 1.
    (1.0 + 0.035 * rating + rating * (rating - 60.0) * (100.0 - rating) * 7e-6).clamp(1.0, 4.5)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codecs_loss_and_delay_order_as_they_sound() {
        let clean = |codec| mos(codec, 80.0, 0.0);
        assert!(clean(Codec::Opus) > clean(Codec::G722) && clean(Codec::G722) > clean(Codec::Pcma));
        assert!((4.4..=4.5).contains(&clean(Codec::Opus)) && (3.5..3.9).contains(&clean(Codec::Pcmu)));
        for codec in [Codec::Opus, Codec::Pcmu, Codec::Pcma, Codec::G722] {
            let lossy: Vec<f32> = [0.0, 0.02, 0.05, 0.1, 0.3, 1.0].map(|share| mos(codec, 80.0, share)).into();
            assert!(lossy.is_sorted_by(|a, b| a > b), "{codec:?}: {lossy:?}");
            let late: Vec<f32> = [60.0, 300.0, 500.0, 1_000.0].map(|delay| mos(codec, delay, 0.0)).into();
            assert!(late.is_sorted_by(|a, b| a > b), "{codec:?}: {late:?}");
            assert!(lossy.iter().chain(&late).all(|mos| (1.0..=4.5).contains(mos)));
        }
        assert!((3.0..3.7).contains(&mos(Codec::Opus, 80.0, 0.05)), "{}", mos(Codec::Opus, 80.0, 0.05));
    }

    #[test]
    fn what_cannot_be_is_a_number_all_the_same() {
        for (delay, share) in [(f32::INFINITY, 0.0), (-1e9, -1.0), (0.0, f32::INFINITY)] {
            assert!((1.0..=4.5).contains(&mos(Codec::Opus, delay, share)));
        }
    }
}
