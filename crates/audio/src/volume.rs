//! How loud a device is: a gain that moves to its new value over 10 ms, so that no click is heard.

use hatif_core::audio::Volume;
use hatif_media::{BLOCK, Block};

pub(crate) struct Fader {
    gain: f32,
    target: f32,
}

impl Default for Fader {
    fn default() -> Self {
        Self { gain: 1.0, target: 1.0 }
    }
}

impl Fader {
    pub fn set(&mut self, volume: Volume) {
        self.target = volume.gain();
    }

    pub fn process(&mut self, block: &mut Block) {
        let from = self.gain;
        self.gain = self.target;
        if from == 1.0 && self.target == 1.0 {
            return;
        }
        for (n, sample) in block.iter_mut().enumerate() {
            *sample *= from + (self.target - from) * ((n + 1) as f32 / BLOCK as f32);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn volume_moves_without_a_step_and_full_volume_changes_nothing() {
        let mut fader = Fader::default();
        let mut block = [0.5; BLOCK];
        fader.process(&mut block);
        assert_eq!(block, [0.5; BLOCK]);
        fader.set(Volume { percent: 50, muted: false });
        fader.process(&mut block);
        assert!(block.windows(2).all(|two| (two[0] - two[1]).abs() < 0.002));
        assert!((block[BLOCK - 1] - 0.0625).abs() < 1e-6);
        fader.set(Volume { percent: 100, muted: true });
        fader.process(&mut block);
        let mut block = [0.5; BLOCK];
        fader.process(&mut block);
        assert_eq!(block, [0.0; BLOCK]);
    }
}
