//! The tone that tells both sides that they are recorded: 1.4 kHz for 0.2 s, every 15 s, the first at once (the tone of 47 CFR
//! 64.501 and the FCC's orders to it).

use crate::{BLOCK, Block, tones::Beep};

/// Hz.
const PITCH: f32 = 1_400.0;
/// In 10 ms ticks.
const LENGTH: u32 = 20;
const EVERY: u32 = 1_500;
/// Heard beside speech, and no louder: -20 dB of full scale.
const LEVEL: f32 = 0.1;

/// Announces while it is on.
#[derive(Default)]
pub(crate) struct Announcer {
    beep: Option<Beep>,
    tick: u32,
}

impl Announcer {
    pub(crate) fn set(&mut self, on: bool) {
        if on != self.beep.is_some() {
            (self.beep, self.tick) = (on.then(|| Beep::single(PITCH)), 0);
        }
    }

    /// 10 ms: the tone, while it sounds.
    pub(crate) fn tick(&mut self) -> Option<Block> {
        let beep = self.beep.as_mut()?;
        let tick = self.tick;
        self.tick = (tick + 1) % EVERY;
        // One block more, in which it fades out.
        if tick > LENGTH {
            return None;
        }
        let mut block = [0.0; BLOCK];
        beep.add(&mut block, if tick < LENGTH { LEVEL } else { 0.0 });
        Some(block)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_sounds_at_once_and_every_15_seconds_until_it_is_switched_off() {
        let mut announcer = Announcer::default();
        assert!(announcer.tick().is_none());
        announcer.set(true);
        let loud = |block: &Option<Block>| block.is_some_and(|b| b.iter().any(|s| s.abs() > LEVEL / 2.0));
        let heard: Vec<bool> = (0..3_100)
            .map(|_| {
                // Switching on what is on changes nothing.
                announcer.set(true);
                loud(&announcer.tick())
            })
            .collect();
        let begins: Vec<usize> = (0..heard.len()).filter(|&n| heard[n] && (n == 0 || !heard[n - 1])).collect();
        assert_eq!(begins, [0, 1_500, 3_000]);
        assert!((20..=21).contains(&heard.iter().take(100).filter(|heard| **heard).count()));
        announcer.set(false);
        assert!((0..2_000).all(|_| announcer.tick().is_none()));
    }
}
