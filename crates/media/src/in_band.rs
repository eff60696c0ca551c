//! Digits as tones in the sound that is sent: the last resort, where the far side takes no telephone-event.

use crate::{Block, tones::Beep};
use std::collections::VecDeque;

const MOST_WAITING: usize = 64;
/// In 10 ms ticks: tone, gap after it, pause for a comma.
const TONE: u32 = 10;
const GAP: u32 = 6;
const PAUSE: u32 = 100;
/// Each of the two sines: -10 dBm0, as ITU-T Q.23's receivers expect.
const LEVEL: f32 = 0.22;

/// Speaks digits.
pub(crate) struct InBandSender {
    waiting: VecDeque<char>,
    /// Ticks left, and the tone with the ticks that it has sounded.
    left: u32,
    beep: Option<(Beep, u32)>,
}

impl InBandSender {
    pub(crate) fn new() -> Self {
        Self { waiting: VecDeque::with_capacity(MOST_WAITING), left: 0, beep: None }
    }

    /// At most 64 wait; the rest, and what is no digit and no comma, is dropped.
    pub(crate) fn queue(&mut self, digits: &str) {
        let room = MOST_WAITING - self.waiting.len();
        let known = digits.chars().filter(|&digit| digit == ',' || Beep::digit(digit).is_some());
        self.waiting.extend(known.take(room));
    }

    /// 10 ms: fills `block` and says true while a digit or its gap is sent instead of the voice.
    pub(crate) fn tick(&mut self, block: &mut Block) -> bool {
        if self.left == 0 {
            let Some(digit) = self.waiting.pop_front() else { return false };
            self.beep = Beep::digit(digit).map(|beep| (beep, 0));
            self.left = if self.beep.is_some() { TONE + GAP } else { PAUSE };
        }
        self.left -= 1;
        let Some((beep, ticks)) = &mut self.beep else { return false };
        block.fill(0.0);
        beep.add(block, if *ticks < TONE { LEVEL } else { 0.0 });
        *ticks += 1;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{BLOCK, SAMPLE_RATE};

    fn strength(samples: &[f32], hertz: f32) -> f32 {
        let step = std::f32::consts::TAU * hertz / SAMPLE_RATE as f32;
        let sum =
            |wave: fn(f32) -> f32| samples.iter().enumerate().map(|(n, s)| s * wave(n as f32 * step)).sum::<f32>();
        sum(f32::sin).hypot(sum(f32::cos)) * 2.0 / samples.len() as f32
    }

    #[test]
    fn digits_are_two_sines_with_gaps_and_pauses_and_the_voice_comes_back() {
        let mut sender = InBandSender::new();
        sender.queue("5x,#");
        let mut ticks = Vec::new();
        for _ in 0..150 {
            let mut block = [0.5; BLOCK];
            let speaks = sender.tick(&mut block);
            assert_eq!(speaks, block[BLOCK / 2] != 0.5);
            ticks.push((speaks, block));
        }
        let on = |from: usize, to: usize| ticks[from..to].iter().all(|(speaks, _)| *speaks);
        assert!(on(0, 16) && !ticks[16..116].iter().any(|(speaks, _)| *speaks), "a digit, then a second of voice");
        assert!(on(116, 132) && !ticks[132].0);
        let sound = |from: usize| -> Vec<f32> { ticks[from + 2..from + 9].iter().flat_map(|(_, b)| *b).collect() };
        for (from, low, high, other) in [(0, 770.0, 1336.0, 941.0), (116, 941.0, 1477.0, 770.0)] {
            let sound = sound(from);
            assert!((strength(&sound, low) - LEVEL).abs() < 0.02 && (strength(&sound, high) - LEVEL).abs() < 0.02);
            assert!(strength(&sound, other) < 0.02);
        }
        assert!(ticks[12].1.iter().all(|s| s.abs() < 0.01), "the gap is silent");
    }
}
