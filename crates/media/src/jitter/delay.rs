//! How late packets come, and so where to play: a histogram of transit (arrival minus RTP time) that forgets slowly.
//!
//! Transit is taken absolutely, not against a sliding minimum, so clock drift and route changes move the histogram's content,
//! not its meaning; playing at transit `T` means that every packet with a transit up to `T` is there in time.

/// Samples (48 kHz) of a bin: 5 ms.
const BIN: i64 = 240;
const BINS: usize = 128;
/// Bins kept free below the earliest transit, for earlier ones to come.
const MARGIN: usize = 8;
/// Share of packets that shall be in time: each late one is heard, and so is each change of length after it.
const IN_TIME: f32 = 0.995;
/// Share of packets that are there when redundancy is sought in them.
const USUAL: f32 = 0.9;
/// Share that counts as the fastest possible transit: what lies below are a few lucky ones of long ago.
const FASTEST: f32 = 0.02;
/// Forgetting by one packet in the long run: 1000 packets, 20 s of 20 ms.
const FORGET: f32 = 1.0 / 1_000.0;
/// Packets from one measure of drift to the next (5 s of 20 ms), and the most samples that count as drift (1000 ppm).
const DRIFT_PERIOD: u32 = 250;
const MOST_CREPT: u64 = 240;
/// So many packets in a row beyond the last bin make a new beginning.
const BEYOND: u32 = 50;
/// What a bunched packet counts for.
const BUNCHED: f32 = 0.1;
/// No target lies further above the fastest transit: 400 ms.
const MOST: i64 = 400 * 48;

pub(super) struct Delays {
    shares: [f32; BINS],
    /// Transit of the lower edge of the first bin.
    origin: i64,
    packets: u32,
    /// Packets in a row that came later than the last bin.
    beyond: u32,
    drift: Drift,
}

/// How transit creeps because the clocks of the two ends differ: without it, what is remembered of the past would count as
/// scatter (at 500 ppm, 50 ms of it).
struct Drift {
    /// Samples of transit a packet.
    rate: f32,
    /// What of it has not been applied yet, below a sample.
    rest: f32,
    /// Packets of this period, and the fastest of this and the one before.
    packets: u32,
    fastest: i64,
    before: Option<i64>,
}

impl Drift {
    fn new() -> Self {
        Self { rate: 0.0, rest: 0.0, packets: 0, fastest: i64::MAX, before: None }
    }

    /// Whole samples that the transit of everything remembered has crept since the packet before.
    fn arrived(&mut self, transit: i64) -> i64 {
        self.packets += 1;
        self.fastest = self.fastest.min(transit);
        if self.packets == DRIFT_PERIOD {
            let crept = self.before.map_or(0, |before| self.fastest - before);
            // More than clocks can differ by is another route.
            if crept.unsigned_abs() <= MOST_CREPT {
                self.rate += (crept as f32 / DRIFT_PERIOD as f32 - self.rate) * 0.2;
            }
            (self.packets, self.before, self.fastest) = (0, Some(self.fastest), i64::MAX);
        }
        self.rest += self.rate;
        let whole = self.rest.trunc();
        self.rest -= whole;
        whole as i64
    }
}

impl Delays {
    pub(super) fn new() -> Self {
        Self { shares: [0.0; BINS], origin: 0, packets: 0, beyond: 0, drift: Drift::new() }
    }

    /// Notes the transit of a packet, in samples. `bunched`: it came on the heels of its forerunner, which one stall had held
    /// up with it. A stall is one event, however many packets it held up, and counts little unless it comes again.
    pub(super) fn arrived(&mut self, transit: i64, bunched: bool) {
        if self.packets == 0 {
            self.origin = transit.div_euclid(BIN) * BIN - MARGIN as i64 * BIN;
        }
        self.origin += self.drift.arrived(transit);
        self.make_room(transit);
        let bin = (transit - self.origin).div_euclid(BIN);
        self.beyond = if bin >= BINS as i64 { self.beyond + 1 } else { 0 };
        if self.beyond > BEYOND {
            // Not late packets, but another route.
            *self = Self::new();
            return self.arrived(transit, bunched);
        }
        let bin = bin.clamp(0, BINS as i64 - 1) as usize;
        self.packets = self.packets.saturating_add(1);
        let forget = (1.0 / self.packets as f32).max(FORGET) * if bunched { BUNCHED } else { 1.0 };
        for share in &mut self.shares {
            *share *= 1.0 - forget;
        }
        self.shares[bin] += forget;
    }

    /// Moves the bins so that `transit` lies inside, if what is lost by that is nothing or the far top.
    fn make_room(&mut self, transit: i64) {
        let bin = (transit - self.origin).div_euclid(BIN);
        if bin < 0 {
            let shift = (MARGIN as i64 - bin).min(BINS as i64) as usize;
            // What falls off the top stays as "very late".
            let fallen: f32 = self.shares[BINS - shift..].iter().sum();
            self.shares.copy_within(..BINS - shift, shift);
            self.shares[..shift].fill(0.0);
            self.shares[BINS - 1] += fallen;
            self.origin += (bin - MARGIN as i64) * BIN;
        } else if bin >= BINS as i64 {
            let empty = self.shares.iter().take_while(|&&share| share < 1e-4).count();
            let shift = empty.saturating_sub(MARGIN);
            self.shares.copy_within(shift.., 0);
            self.shares[BINS - shift..].fill(0.0);
            self.origin += shift as i64 * BIN;
        }
    }

    /// The transit at which to play so that as many packets as wanted are in time.
    pub(super) fn target(&self) -> i64 {
        let in_time = self.origin + (self.quantile(IN_TIME) as i64 + 1) * BIN;
        in_time.min(self.fastest() + MOST)
    }

    /// The transit below which most packets come.
    pub(super) fn usual(&self) -> i64 {
        self.origin + (self.quantile(USUAL) as i64 + 1) * BIN
    }

    /// The transit of the fastest packets.
    pub(super) fn fastest(&self) -> i64 {
        self.origin + self.quantile(FASTEST) as i64 * BIN
    }

    pub(super) fn packets(&self) -> u32 {
        self.packets
    }

    /// The bin in which the sum from below reaches `share`.
    fn quantile(&self, share: f32) -> usize {
        let wanted = share * self.shares.iter().sum::<f32>();
        let mut sum = 0.0;
        let reached = self.shares.iter().position(|share| {
            sum += share;
            sum >= wanted && *share > 0.0
        });
        reached.unwrap_or(MARGIN)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: i64 = 48;

    #[test]
    fn steady_packets_need_almost_nothing() {
        let mut delays = Delays::new();
        for n in 0..500 {
            delays.arrived(100_000 + n % 3, false);
        }
        assert!((1..=2 * BIN).contains(&(delays.target() - 100_000)), "{}", delays.target());
        assert!((0..=BIN).contains(&(100_000 - delays.fastest())));
    }

    #[test]
    fn rare_late_packets_do_not_count_and_frequent_ones_do() {
        let mut delays = Delays::new();
        for n in 0..2_000 {
            delays.arrived(if n % 400 == 0 { 80 * MS } else { 0 }, false);
        }
        assert!(delays.target() <= 10 * MS);
        for n in 0..500 {
            delays.arrived(if n % 10 == 0 { 80 * MS } else { 0 }, false);
        }
        assert!((80 * MS..=90 * MS).contains(&delays.target()), "{}", delays.target());
        for _ in 0..4_500 {
            delays.arrived(0, false);
        }
        assert!(delays.target() <= 10 * MS, "forgotten after a minute and a half");
    }

    #[test]
    fn follows_a_route_change_both_ways() {
        let mut delays = Delays::new();
        for _ in 0..1_000 {
            delays.arrived(50 * MS, false);
        }
        for _ in 0..3_000 {
            delays.arrived(900 * MS, false);
        }
        assert!((900 * MS..=910 * MS).contains(&delays.target()), "{}", delays.target() / MS);
        for _ in 0..8_000 {
            delays.arrived(-2_000 * MS, false);
        }
        assert!((-2_000 * MS..=-1_990 * MS).contains(&delays.target()), "{}", delays.target() / MS);
    }

    #[test]
    fn clock_drift_does_not_count_as_scatter() {
        for creep in [-1i64, 1] {
            let mut delays = Delays::new();
            // Half a sample a packet: 520 ppm of 20 ms packets, for ten minutes.
            for n in 0..30_000i64 {
                delays.arrived(n * creep / 2 + n * 7 % 48, false);
            }
            let now = 30_000 * creep / 2;
            assert!((0..=25 * MS).contains(&(delays.target() - now)), "{} ms", (delays.target() - now) / MS);
        }
    }

    #[test]
    fn one_stall_is_forgiven_and_repeated_ones_are_waited_for() {
        let mut delays = Delays::new();
        let stall = |delays: &mut Delays| {
            for n in 0..250 {
                let held_up = (300 - n * 20).max(0);
                delays.arrived(held_up * MS, held_up > 0 && n > 0);
            }
            delays.target()
        };
        for _ in 0..1_000 {
            delays.arrived(0, false);
        }
        assert!(stall(&mut delays) <= 10 * MS);
        for _ in 0..20 {
            stall(&mut delays);
        }
        assert!(stall(&mut delays) >= 100 * MS, "{}", delays.target() / MS);
    }

    #[test]
    fn never_above_the_limit() {
        let mut delays = Delays::new();
        for n in 0..1_000 {
            delays.arrived(if n % 2 == 0 { 0 } else { 100_000 * MS }, false);
        }
        assert!(delays.target() <= delays.fastest() + MOST);
    }
}
