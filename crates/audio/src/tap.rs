//! The recorder's tap on a call: both sides of every tick into a ring. Nothing waits for whoever empties it.

use hatif_media::{Block, Taken};

/// What a recorder asks of a call's media.
pub enum RecordOrder {
    /// Both sides into this ring, from the next tick until the call's media ends. A full ring loses blocks, and their count
    /// jumps.
    Begin(rtrb::Producer<Taken>),
    /// From the next tick on, silence in the place of what is said.
    Pause(bool),
    /// Whether both sides are told of it by a tone. The call's end ends it.
    Announce(bool),
    End,
}

#[derive(Default)]
pub(crate) struct Tap {
    ring: Option<rtrb::Producer<Taken>>,
    paused: bool,
    at: u64,
}

impl Tap {
    pub fn obey(&mut self, order: RecordOrder) {
        match order {
            RecordOrder::Begin(ring) => (self.ring, self.at) = (Some(ring), 0),
            RecordOrder::Pause(on) => self.paused = on,
            // The engine's.
            RecordOrder::Announce(_) => {}
            RecordOrder::End => *self = Tap::default(),
        }
    }

    pub fn is_open(&self) -> bool {
        self.ring.is_some()
    }

    /// One tick.
    pub fn take(&mut self, agent: &Block, customer: &Block) {
        let Some(ring) = &mut self.ring else { return };
        let mut taken = Taken::silence(self.at, self.paused);
        if !self.paused {
            (taken.agent, taken.customer) = (*agent, *customer);
        }
        self.at += 1;
        // Full: lost, and the count says so.
        let _ = ring.push(taken);
        if ring.is_abandoned() {
            *self = Tap::default();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hatif_media::BLOCK;

    #[test]
    fn a_pause_lets_nothing_through_and_a_full_ring_loses_without_waiting() {
        let (ring, mut taken) = rtrb::RingBuffer::new(4);
        let mut tap = Tap::default();
        let (agent, customer) = ([0.5; BLOCK], [-0.5; BLOCK]);
        tap.take(&agent, &customer);
        tap.obey(RecordOrder::Begin(ring));
        tap.take(&agent, &customer);
        tap.obey(RecordOrder::Pause(true));
        tap.take(&agent, &customer);
        tap.obey(RecordOrder::Pause(false));
        tap.take(&agent, &customer);
        assert_eq!(taken.pop().unwrap(), Taken { at: 0, paused: false, agent, customer });
        assert_eq!(taken.pop().unwrap(), Taken::silence(1, true));
        assert_eq!(taken.pop().unwrap(), Taken { at: 2, paused: false, agent, customer });
        (0..6).for_each(|_| tap.take(&agent, &customer));
        assert_eq!(std::iter::from_fn(|| taken.pop().ok()).map(|t| t.at).collect::<Vec<_>>(), [3, 4, 5, 6]);
        tap.take(&agent, &customer);
        assert_eq!(taken.pop().unwrap().at, 9);
        drop(taken);
        tap.take(&agent, &customer);
        assert!(!tap.is_open());
    }

    /// Pausing comes before the ring when the recorder has to fetch its key first.
    #[test]
    fn a_pause_that_came_first_holds() {
        let (ring, mut taken) = rtrb::RingBuffer::new(4);
        let mut tap = Tap::default();
        tap.obey(RecordOrder::Pause(true));
        tap.obey(RecordOrder::Begin(ring));
        tap.take(&[0.5; BLOCK], &[0.5; BLOCK]);
        assert_eq!(taken.pop().unwrap(), Taken::silence(0, true));
        tap.obey(RecordOrder::End);
        assert!(taken.is_abandoned());
    }
}
