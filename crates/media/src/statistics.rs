//! What RTCP counts of a stream (RFC 3550 6.4, A.3, A.8): received, lost, jitter, round trip.

use crate::{ReportBlock, RtcpIn, SenderInfo, clock::middle};

/// Jumps beyond these are another numbering (RFC 3550 A.1: MAX_DROPOUT, MAX_MISORDER).
const MAX_DROPOUT: u16 = 3_000;
const MAX_MISORDER: u16 = 100;
/// A round trip beyond this (10 s, in 1/65536 s) is a broken clock.
const MOST_ROUND_TRIP: u32 = 10 << 16;

/// One source that we receive.
pub(crate) struct Reception {
    ssrc: u32,
    first_sequence: u32,
    highest: u16,
    /// Wraps of the sequence number, times 65536.
    cycles: u32,
    /// The sequence number that would confirm a new numbering.
    suspected: Option<u16>,
    received: u32,
    expected_at_report: u32,
    received_at_report: u32,
    /// Jitter in RTP units, times 16 (RFC 3550 A.8).
    jitter: u32,
    transit: Option<i32>,
}

impl Reception {
    pub(crate) fn new(ssrc: u32, sequence: u16) -> Self {
        Self {
            ssrc,
            first_sequence: u32::from(sequence),
            highest: sequence,
            cycles: 0,
            suspected: None,
            received: 0,
            expected_at_report: 0,
            received_at_report: 0,
            jitter: 0,
            transit: None,
        }
    }

    pub(crate) fn ssrc(&self) -> u32 {
        self.ssrc
    }

    /// A packet. `arrived` in RTP units; `None` for packets whose time stamp says nothing about now (digits).
    pub(crate) fn received(&mut self, sequence: u16, timestamp: u32, arrived: Option<u32>) {
        let advance = sequence.wrapping_sub(self.highest);
        if advance < MAX_DROPOUT {
            if sequence < self.highest {
                self.cycles = self.cycles.wrapping_add(1 << 16);
            }
            self.highest = sequence;
        } else if advance <= u16::MAX - MAX_MISORDER {
            if self.suspected != Some(sequence) {
                self.suspected = Some(sequence.wrapping_add(1));
                return;
            }
            *self = Self::new(self.ssrc, sequence);
        }
        self.suspected = None;
        self.received = self.received.wrapping_add(1);
        if let Some(arrived) = arrived {
            let transit = arrived.wrapping_sub(timestamp) as i32;
            if let Some(before) = self.transit {
                let difference = transit.wrapping_sub(before).unsigned_abs().min(u32::MAX / 32);
                self.jitter = self.jitter.saturating_add(difference) - ((self.jitter + 8) >> 4);
            }
            self.transit = Some(transit);
        }
    }

    fn expected(&self) -> u32 {
        (self.cycles + u32::from(self.highest)).wrapping_sub(self.first_sequence).wrapping_add(1)
    }

    pub(crate) fn lost(&self) -> i32 {
        self.expected().wrapping_sub(self.received) as i32
    }

    /// RTP units.
    pub(crate) fn jitter(&self) -> u32 {
        self.jitter >> 4
    }

    /// The block for the next report; `fraction_lost` counts from the one before.
    pub(crate) fn report(&mut self, last_sender: Option<LastReport>, ntp: u64) -> ReportBlock {
        let expected = self.expected().wrapping_sub(self.expected_at_report);
        let received = self.received.wrapping_sub(self.received_at_report);
        (self.expected_at_report, self.received_at_report) = (self.expected(), self.received);
        let lost = expected.saturating_sub(received);
        let fraction_lost =
            if expected == 0 { 0 } else { (u64::from(lost) * 256 / u64::from(expected)).min(255) as u8 };
        let (last_sr, delay_since_last_sr) =
            last_sender.map_or((0, 0), |last| (middle(last.ntp), middle(ntp.wrapping_sub(last.arrived))));
        ReportBlock {
            ssrc: self.ssrc,
            fraction_lost,
            cumulative_lost: self.lost().clamp(-0x80_0000, 0x7f_ffff),
            highest_sequence: self.cycles + u32::from(self.highest),
            jitter: self.jitter(),
            last_sr,
            delay_since_last_sr,
        }
    }
}

/// The far side's last sender report.
#[derive(Clone, Copy)]
pub(crate) struct LastReport {
    /// Its NTP time stamp.
    ntp: u64,
    /// Our NTP time when it came.
    arrived: u64,
}

/// What the far side tells about itself and about us.
#[derive(Default)]
pub(crate) struct Remote {
    pub(crate) last_sender: Option<LastReport>,
    /// 1/65536 s.
    round_trip: Option<u32>,
    loss: Option<f32>,
}

impl Remote {
    /// `ssrc` is ours. True if the report says something about our stream.
    pub(crate) fn reported(&mut self, report: &RtcpIn<'_>, ssrc: u32, ntp: u64) -> bool {
        if let Some(SenderInfo { ntp: theirs, .. }) = report.sender {
            self.last_sender = Some(LastReport { ntp: theirs, arrived: ntp });
        }
        let Some(block) = report.reports.iter().find(|block| block.ssrc == ssrc) else { return false };
        self.loss = Some(f32::from(block.fraction_lost) / 256.0);
        if block.last_sr != 0 {
            let elapsed = middle(ntp).wrapping_sub(block.last_sr).wrapping_sub(block.delay_since_last_sr);
            // Rounding can make a fast network look negative.
            let elapsed = if elapsed > u32::MAX - 66 { 0 } else { elapsed };
            if elapsed < MOST_ROUND_TRIP {
                self.round_trip = Some(elapsed);
            }
        }
        true
    }

    pub(crate) fn round_trip_ms(&self) -> Option<f32> {
        self.round_trip.map(|round_trip| round_trip as f32 * 1_000.0 / 65_536.0)
    }

    /// Share of our packets that the far side lost, lately.
    pub(crate) fn loss(&self) -> Option<f32> {
        self.loss
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loss_is_counted_across_the_wrap() {
        let mut reception = Reception::new(1, 65_530);
        for n in 0..100u32 {
            if n % 10 != 3 {
                reception.received(65_530u16.wrapping_add(n as u16), n * 160, Some(n * 160));
            }
        }
        let block = reception.report(None, 0);
        assert_eq!((block.cumulative_lost, block.fraction_lost), (10, 25));
        assert_eq!(block.highest_sequence, 65_530 + 99);
        assert_eq!(block.jitter, 0);
        for n in 100..200u32 {
            reception.received(65_530u16.wrapping_add(n as u16), n * 160, Some(n * 160));
        }
        assert_eq!(reception.report(None, 0).fraction_lost, 0, "of the last interval only");
    }

    #[test]
    fn jitter_of_alternating_delay() {
        let mut reception = Reception::new(1, 0);
        for n in 0..1_000u32 {
            reception.received(n as u16, n * 160, Some(n * 160 + n % 2 * 80));
        }
        // The estimate converges to the mean difference, 80 units.
        assert!((75..=80).contains(&reception.jitter()), "{}", reception.jitter());
    }

    #[test]
    fn duplicates_and_latecomers_are_not_loss_and_a_wild_number_is_ignored() {
        let mut reception = Reception::new(1, 100);
        for sequence in [100, 102, 101, 101, 103, 40_000, 104] {
            reception.received(sequence, 0, None);
        }
        assert_eq!(reception.lost(), -1);
        assert_eq!(reception.report(None, 0).highest_sequence, 104);
        reception.received(40_000, 0, None);
        reception.received(40_001, 0, None);
        assert_eq!(reception.report(None, 0).highest_sequence, 40_001, "confirmed: a new numbering");
    }

    #[test]
    fn round_trip_from_a_report_about_us() {
        let mut remote = Remote::default();
        // Our report left at 10 s; it lay 2 s at the far side; theirs comes at 12.25 s.
        let block = ReportBlock {
            ssrc: 9,
            last_sr: 10 << 16,
            delay_since_last_sr: 2 << 16,
            fraction_lost: 64,
            ..Default::default()
        };
        let report = RtcpIn { ssrc: 5, sender: None, reports: &[block] };
        assert!(!remote.reported(&report, 8, 12 << 32));
        assert_eq!(remote.round_trip_ms(), None);
        assert!(remote.reported(&report, 9, (12 << 32) + (1 << 30)));
        assert_eq!(remote.round_trip_ms(), Some(250.0));
        assert_eq!(remote.loss(), Some(0.25));
        assert!(remote.reported(&report, 9, 5 << 32));
        assert_eq!(remote.round_trip_ms(), Some(250.0), "impossible values are not believed");
    }
}
