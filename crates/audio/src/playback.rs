//! A recording on the speaker, or where it rings, while nobody calls.

use hatif_media::Block;

/// Ticks without any sound after which the speaker is closed: 2 s, so that a short pause does not open it anew.
const LINGER: u32 = 200;

#[derive(Default)]
pub(crate) struct Playback {
    ring: Option<rtrb::Consumer<f32>>,
    /// It is heard where it rings.
    rings: bool,
    silent: u32,
}

impl Playback {
    pub fn change(&mut self, sound: Option<(rtrb::Consumer<f32>, bool)>) {
        self.rings = sound.as_ref().is_some_and(|(_, rings)| *rings);
        (self.ring, self.silent) = (sound.map(|(ring, _)| ring), 0);
    }

    /// Whether it is for where it rings.
    pub fn rings(&self) -> bool {
        self.rings
    }

    /// Whether it wants its device.
    pub fn sounds(&self) -> bool {
        self.ring.as_ref().is_some_and(|ring| self.silent < LINGER || !ring.is_empty())
    }

    /// Adds what is there. A call takes every device for itself: customers are not heard beside each other.
    pub fn tick(&mut self, device: &mut Block, call: bool) {
        let Some(ring) = &mut self.ring else { return };
        if call || (ring.is_abandoned() && ring.is_empty()) {
            self.ring = None;
            return;
        }
        self.silent = if ring.is_empty() { self.silent.saturating_add(1) } else { 0 };
        for sample in device.iter_mut() {
            let Ok(played) = ring.pop() else { return };
            *sample = (*sample + played).clamp(-1.0, 1.0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hatif_media::BLOCK;

    #[test]
    fn it_plays_what_is_there_and_gives_way_to_a_call() {
        let (mut ring, sound) = rtrb::RingBuffer::new(2 * BLOCK);
        let mut playback = Playback::default();
        playback.change(Some((sound, false)));
        (0..BLOCK + 10).for_each(|_| ring.push(0.5).unwrap());
        let mut speaker = [0.25; BLOCK];
        playback.tick(&mut speaker, false);
        assert_eq!(speaker, [0.75; BLOCK]);
        let mut speaker = [0.0; BLOCK];
        playback.tick(&mut speaker, false);
        assert_eq!((speaker[9], speaker[10]), (0.5, 0.0));
        assert!(playback.sounds());
        (0..LINGER).for_each(|_| playback.tick(&mut [0.0; BLOCK], false));
        assert!(!playback.sounds());
        ring.push(0.5).unwrap();
        assert!(playback.sounds());
        playback.tick(&mut [0.0; BLOCK], true);
        assert!(ring.is_abandoned() && !playback.sounds());
    }
}
