//! What is lost, in which rows, and so how many packets to wait for.
//!
//! A packet that never came can be restored from the redundancy of a later one, if that one is there when it is needed: one
//! packet later for a single loss, as many as are missing in a row for the first of the row. So each further packet of waiting
//! restores a certain share of all packets more, and is worth its delay if that share is large enough.

/// Packets after which one that has not come counts as lost: reordering by more is rare.
const WINDOW: u32 = 16;
/// No waiting for more packets than this.
const MOST_AHEAD: usize = 3;
/// Forgetting by one packet: 4 s of 20 ms for single losses, 8 s for the rarer rows.
const RATES: [f32; MOST_AHEAD] = [1.0 / 200.0, 1.0 / 400.0, 1.0 / 400.0];
/// Share of packets that must be restored by waiting for one more: to begin waiting, and to go on.
const WORTH: [(f32, f32); MOST_AHEAD] = [(0.012, 0.004), (0.006, 0.003), (0.012, 0.006)];
/// Share of packets that carry redundancy far enough back, from which it is counted on. In pauses there is none.
const SEEN: f32 = 0.05;

pub(super) struct Losses {
    newest: Option<i64>,
    /// Bit `n`: the packet `n` before the newest came.
    came: u64,
    /// Lost in a row before the packet that is judged next.
    row: usize,
    /// Share of packets that are restored by waiting for one packet, for two after that, and so on.
    restored: [f32; MOST_AHEAD],
    /// Share of packets whose redundancy reaches back one frame, two and so on.
    reaching: [f32; MOST_AHEAD],
    ahead: usize,
}

impl Losses {
    pub(super) fn new() -> Self {
        Self { newest: None, came: 0, row: 0, restored: [0.0; MOST_AHEAD], reaching: [0.0; MOST_AHEAD], ahead: 0 }
    }

    /// Another numbering begins; how the network loses is still believed.
    pub(super) fn restart(&mut self) {
        (self.newest, self.came, self.row) = (None, 0, 0);
    }

    /// Packet `sequence` (unwrapped) came. `reach`: frames that its redundancy covers; `None` if it is not sound.
    pub(super) fn came(&mut self, sequence: i64, reach: Option<usize>) {
        let newest = *self.newest.get_or_insert_with(|| {
            self.came = u64::MAX;
            sequence
        });
        for _ in 0..(sequence - newest).clamp(0, 64) {
            self.judge(self.came & (1 << (WINDOW - 1)) != 0);
            self.came <<= 1;
        }
        self.newest = Some(newest.max(sequence));
        if let Ok(back @ 0..64) = u32::try_from(newest.max(sequence) - sequence) {
            self.came |= 1 << back;
        }
        if let Some(reach) = reach {
            for (frames, share) in self.reaching.iter_mut().enumerate() {
                *share += (f32::from(u8::from(reach > frames)) - *share) * 0.02;
            }
        }
        self.weigh();
    }

    fn judge(&mut self, came: bool) {
        for (share, rate) in self.restored.iter_mut().zip(RATES) {
            *share -= *share * rate;
        }
        if !came {
            self.row += 1;
            return;
        }
        for (share, rate) in self.restored.iter_mut().zip(RATES).take(self.row) {
            *share += rate;
        }
        self.row = 0;
    }

    fn weigh(&mut self) {
        let worth = |n: usize| {
            let (begin, go_on) = WORTH[n];
            self.restored[n] > if n < self.ahead { go_on } else { begin } && self.reaching[n] > SEEN
        };
        self.ahead = (0..MOST_AHEAD).take_while(|&n| worth(n)).count();
    }

    /// How many packets to wait for after the one that is missing.
    pub(super) fn ahead(&self) -> usize {
        self.ahead
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How far ahead it waits after packets of which those in `lost` (of each 100) never come.
    fn ahead(lost: &[i64], reach: usize) -> usize {
        let mut losses = Losses::new();
        for sequence in (0..2_000).filter(|n| !lost.contains(&(n % 100))) {
            losses.came(sequence, Some(reach));
        }
        losses.ahead()
    }

    #[test]
    fn waits_as_far_as_losses_come_in_rows() {
        assert_eq!(ahead(&[], 3), 0);
        assert_eq!(ahead(&[10, 30, 50, 70], 3), 1);
        assert_eq!(ahead(&[10, 11, 30, 31, 50, 51, 70], 3), 2);
        assert_eq!(ahead(&[10, 11, 12, 30, 31, 32, 50, 51, 52, 70, 71, 72], 3), 3);
    }

    #[test]
    fn waits_no_further_than_redundancy_reaches() {
        let rows = [10, 11, 12, 30, 31, 32, 50, 51, 52, 70, 71, 72];
        assert_eq!((ahead(&rows, 0), ahead(&rows, 1), ahead(&rows, 2)), (0, 1, 2));
    }

    #[test]
    fn reordering_is_not_loss() {
        let mut losses = Losses::new();
        for n in 0..2_000 {
            losses.came(
                if n % 10 == 3 {
                    n + 6
                } else if n % 10 == 9 {
                    n - 6
                } else {
                    n
                },
                Some(3),
            );
        }
        assert_eq!((losses.ahead(), losses.restored[0]), (0, 0.0));
    }

    #[test]
    fn goes_back_when_losses_end() {
        let mut losses = Losses::new();
        for sequence in (0..1_000).filter(|n| n % 5 != 2) {
            losses.came(sequence, Some(1));
        }
        assert_eq!(losses.ahead(), 1);
        for sequence in 1_000..2_000 {
            losses.came(sequence, Some(1));
        }
        assert_eq!(losses.ahead(), 0);
    }
}
