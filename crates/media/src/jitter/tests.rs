//! The jitter buffer in virtual time, with a decoder that writes down what it is asked for.

use super::*;
use proptest::prelude::*;
use std::{cell::RefCell, collections::BTreeMap, rc::Rc};

const FRAME: usize = 960;
/// Packets numbered from here on announce silence.
const SILENCE: u32 = 1 << 20;

/// What the buffer asked the decoder for.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Asked {
    Decode(u32),
    /// This one, from redundancy in a later one.
    Recover(u32),
    Conceal(usize),
}

/// A payload is the packet's number; its sound a tone that goes on from packet to packet.
struct Scribe {
    asked: Rc<RefCell<Vec<Asked>>>,
    /// Frames that each packet's redundancy covers.
    reach: usize,
}

fn number(payload: &[u8]) -> Option<u32> {
    Some(u32::from_le_bytes(payload.try_into().ok()?))
}

fn tone(number: u32, out: &mut [f32]) {
    for (n, sample) in out.iter_mut().enumerate() {
        *sample = 0.3 * ((number as usize * FRAME + n) as f32 * std::f32::consts::TAU / 240.0).sin();
    }
}

impl Decode for Scribe {
    fn duration(&self, payload: &[u8]) -> Option<usize> {
        number(payload).map(|_| FRAME)
    }

    fn reach(&mut self, _: &[u8]) -> usize {
        self.reach * FRAME
    }

    fn begins_silence(&self, payload: &[u8]) -> bool {
        number(payload).is_some_and(|number| number >= SILENCE)
    }

    fn decode(&mut self, payload: &[u8], out: &mut [f32]) {
        let number = number(payload).expect("checked by duration");
        self.asked.borrow_mut().push(Asked::Decode(number));
        tone(number, out);
    }

    fn recover(&mut self, next: &[u8], before: usize, out: &mut [f32]) {
        let number = number(next).expect("checked by duration");
        assert!(before <= self.reach * FRAME && out.len() <= before, "{before} samples before {number}");
        let frames = before.div_ceil(FRAME) as u32;
        self.asked.borrow_mut().push(Asked::Recover(number.wrapping_sub(frames)));
        tone(number.wrapping_sub(frames), out);
    }

    fn conceal(&mut self, out: &mut [f32]) {
        self.asked.borrow_mut().push(Asked::Conceal(out.len()));
        out.fill(0.0);
    }
}

/// A buffer and the packets on their way to it.
struct Bench {
    buffer: JitterBuffer<Scribe>,
    asked: Rc<RefCell<Vec<Asked>>>,
    /// By arrival (samples): sequence number, time stamp, payload.
    arriving: BTreeMap<(i64, usize), (u16, u32, u32)>,
    now: i64,
    played: Vec<f32>,
}

impl Bench {
    fn new(reach: usize) -> Self {
        let asked = Rc::new(RefCell::new(Vec::new()));
        let scribe = Scribe { asked: asked.clone(), reach };
        let buffer = JitterBuffer::new(scribe, 48_000);
        Self { buffer, asked, arriving: BTreeMap::new(), now: 0, played: Vec::new() }
    }

    /// Packet `number` of a stream whose numbers begin shortly before they wrap, `delay` ms after it was sent.
    fn send(&mut self, number: u32, delay: i64) {
        let at = i64::from(number) * FRAME as i64 + delay * MS;
        let (sequence, time) =
            (65_500u16.wrapping_add(number as u16), (u32::MAX - 20_000).wrapping_add(number * FRAME as u32));
        let serial = self.arriving.len();
        self.arriving.insert((at, serial), (sequence, time, number));
    }

    fn run(&mut self, seconds: f64) {
        for _ in 0..(seconds * 100.0) as usize {
            self.now += BLOCK as i64;
            while let Some(entry) = self.arriving.first_entry().filter(|entry| entry.key().0 <= self.now) {
                let ((at, _), (sequence, time, number)) = entry.remove_entry();
                self.buffer.insert(at, sequence, time, &number.to_le_bytes());
            }
            let mut out = [0.0; BLOCK];
            self.buffer.pull(self.now, &mut out);
            assert!(out.iter().all(|x| x.is_finite()));
            assert!(self.buffer.signal.pending() <= MAX_FRAME + 4 * BLOCK);
            self.played.extend(out);
        }
    }

    fn asked(&self) -> Vec<Asked> {
        self.asked.borrow().clone()
    }

    fn decoded(&self) -> Vec<u32> {
        self.asked()
            .iter()
            .filter_map(|asked| if let Asked::Decode(number) = asked { Some(*number) } else { None })
            .collect()
    }

    fn depth_ms(&self) -> i64 {
        self.buffer.depth() / MS
    }
}

#[test]
fn steady_packets_are_played_untouched_with_little_delay() {
    let mut bench = Bench::new(1);
    for number in 0..500 {
        bench.send(number, 30);
    }
    bench.run(10.0);
    let counters = bench.buffer.counters();
    assert_eq!(bench.decoded(), (0..bench.decoded().len() as u32).collect::<Vec<_>>());
    assert_eq!((counters.concealed, counters.shortened, counters.lengthened, counters.late), (0, 0, 0, 0));
    assert!(counters.decoded >= 497 && bench.depth_ms() <= 25, "{}", bench.depth_ms());
    // One unbroken tone.
    let start = bench.played.iter().position(|x| *x != 0.0).expect("a tone") - 1;
    let mut whole = vec![0.0; 490 * FRAME];
    tone(0, &mut whole);
    assert!(whole.iter().zip(&bench.played[start..]).all(|(a, b)| (a - b).abs() < 1e-3));
}

#[test]
fn order_is_mended_and_duplicates_are_dropped() {
    let mut bench = Bench::new(0);
    for number in 0..500 {
        bench.send(number, if number % 3 == 0 { 55 } else { 20 });
        bench.send(number, 70);
    }
    bench.run(10.0);
    let decoded = bench.decoded();
    assert!(decoded.is_sorted_by(|a, b| a < b));
    let late = (100..480).filter(|number| !decoded.contains(number)).count();
    assert!(late <= 3, "{late} packets were not waited for");
    assert!(bench.buffer.counters().duplicate + bench.buffer.counters().late >= 490);
}

#[test]
fn single_losses_are_recovered_once_they_are_known_to_happen() {
    let mut bench = Bench::new(1);
    for number in (0..1_000).filter(|number| number % 10 != 7) {
        bench.send(number, 30);
    }
    bench.run(20.0);
    let counters = bench.buffer.counters();
    // All but the first few, before waiting for the next packet began.
    assert!(counters.recovered >= 90, "{}", counters.recovered);
    assert!(counters.concealed <= 6 * FRAME as u64, "{}", counters.concealed);
    assert!(bench.depth_ms() <= 45, "{}", bench.depth_ms());
    let recovered =
        bench.asked().iter().filter(|asked| matches!(asked, Asked::Recover(number) if number % 10 == 7)).count();
    assert_eq!(recovered as u64, counters.recovered);
}

#[test]
fn rows_of_losses_are_restored_from_the_packet_behind_them() {
    let mut bench = Bench::new(3);
    for number in (0..2_000).filter(|number| !matches!(number % 20, 5 | 6 | 12)) {
        bench.send(number, 30);
    }
    bench.run(40.0);
    let asked = bench.asked();
    let restored = |number: &u32| asked.contains(&Asked::Recover(*number));
    let later = (400..1_980).filter(|number| matches!(number % 20, 5 | 6 | 12));
    assert!(later.clone().all(|number| restored(&number)), "{:?}", later.filter(|n| !restored(n)).collect::<Vec<_>>());
    assert!(bench.depth_ms() <= 65, "{}", bench.depth_ms());
    // What is restored and what came make one unbroken tone.
    let start = bench.played.len() - 20 * 48_000;
    let steepest = bench.played[start..].windows(2).map(|pair| (pair[1] - pair[0]).abs()).fold(0.0, f32::max);
    // Far into the tone, its phase is exact to a few thousandths.
    assert!(steepest < 0.3 * std::f32::consts::TAU / 240.0 * 1.3, "{steepest}");
}

#[test]
fn without_redundancy_loss_costs_no_delay_and_is_concealed() {
    let mut bench = Bench::new(0);
    for number in (0..1_000).filter(|number| number % 10 != 7) {
        bench.send(number, 30);
    }
    bench.run(20.0);
    let counters = bench.buffer.counters();
    assert!(bench.depth_ms() <= 25, "{}", bench.depth_ms());
    let lost = 99 * FRAME as u64;
    assert!((lost - 2_000..lost + 6_000).contains(&counters.concealed), "{}", counters.concealed);
}

#[test]
fn a_stall_is_bridged_and_its_delay_is_given_back() {
    let mut bench = Bench::new(0);
    for number in 0..3_000 {
        let sent = i64::from(number) * 20;
        // From second 10 on nothing comes for 250 ms, then everything at once.
        bench.send(number, if (10_000..10_250).contains(&sent) { 10_250 - sent + 20 } else { 20 });
    }
    bench.run(11.0);
    assert!(bench.buffer.counters().concealed >= 200 * 48);
    bench.run(49.0);
    let decoded = bench.decoded();
    assert!(decoded.is_sorted_by(|a, b| a < b));
    assert_eq!(decoded.first(), Some(&0));
    let missing = (0..2_990).filter(|number| !decoded.contains(number)).count();
    assert!(missing <= 2, "{missing} packets that came were not played");
    assert!(bench.depth_ms() <= 60, "{}", bench.depth_ms());
}

#[test]
fn an_outage_of_seconds_starts_anew_at_low_delay() {
    let mut bench = Bench::new(0);
    for number in (0..1_500).filter(|number| !(300..600).contains(number)) {
        bench.send(number, 25);
    }
    bench.run(12.5);
    assert!(bench.played[bench.played.len() - 9_600..].iter().any(|x| *x != 0.0), "plays again");
    bench.run(17.0);
    assert!(bench.depth_ms() <= 25, "{}", bench.depth_ms());
    assert!(bench.decoded().contains(&605));
}

#[test]
fn digits_in_between_are_not_loss() {
    let mut bench = Bench::new(0);
    let mut out = [0.0; BLOCK];
    for tick in 0..2_000i64 {
        bench.now = tick * BLOCK as i64;
        if tick % 2 == 0 {
            let number = (tick / 2) as u32;
            let (sequence, time) = (number as u16, number * FRAME as u32);
            // Every other second, half a second of events takes the place of sound.
            if (number / 25) % 4 == 3 {
                bench.buffer.pass(bench.now, sequence, number / 25 * 24_000);
            } else {
                bench.buffer.insert(bench.now, sequence, time, &number.to_le_bytes());
            }
        }
        bench.buffer.pull(bench.now, &mut out);
    }
    assert!(bench.decoded().is_sorted_by(|a, b| a < b) && bench.decoded().len() >= 740);
    assert_eq!(bench.buffer.losses.ahead(), 0);
}

#[test]
fn silence_that_is_not_sent_is_not_loss_and_speech_after_it_is_whole() {
    let mut bench = Bench::new(1);
    let mut out = [0.0; BLOCK];
    let (mut sequence, mut last) = (0u16, 0);
    for tick in 0..3_000i64 {
        bench.now = tick * BLOCK as i64;
        let number = (tick / 2) as u32;
        // Three seconds of speech, 1.9 s of silence with a packet every 400 ms.
        let (in_speech, refresh) = (number % 245 < 150, [150, 170, 190, 210, 230].contains(&(number % 245)));
        if tick % 2 == 0 && (in_speech || refresh) {
            let content = if in_speech { number } else { SILENCE + number };
            let jitter = i64::from(number * 7 % 10) * MS;
            bench.buffer.insert(bench.now + jitter, sequence, number * FRAME as u32, &content.to_le_bytes());
            sequence = sequence.wrapping_add(1);
            last = number;
        }
        bench.buffer.pull(bench.now, &mut out);
    }
    let spoken: Vec<u32> = bench.decoded().into_iter().filter(|number| *number < SILENCE).collect();
    let missing = (0..last - 5).filter(|number| number % 245 < 150 && !spoken.contains(number)).count();
    assert_eq!(missing, 0, "every word is played");
    assert!(spoken.is_sorted_by(|a, b| a < b));
    let counters = bench.buffer.counters();
    assert!(
        counters.concealed < 480 * 10 && counters.recovered == 0 && bench.buffer.losses.ahead() == 0,
        "{counters:?}"
    );
    assert!(bench.depth_ms() < 40, "{}", bench.depth_ms());
}

#[test]
fn renumbered_time_does_not_stop_the_sound() {
    for jump in [1_000_000u32, 0u32.wrapping_sub(1_000_000), 0x8000_0000] {
        let mut bench = Bench::new(0);
        let mut out = [0.0; BLOCK];
        for tick in 0..1_000i64 {
            bench.now = tick * BLOCK as i64;
            if tick % 2 == 0 {
                let number = (tick / 2) as u32;
                let time = (number * FRAME as u32).wrapping_add(if number >= 250 { jump } else { 0 });
                bench.buffer.insert(bench.now, number as u16, time, &number.to_le_bytes());
            }
            bench.buffer.pull(bench.now, &mut out);
        }
        let decoded = bench.decoded();
        assert!(decoded.len() >= 495 && decoded.is_sorted_by(|a, b| a < b), "{} after {jump}", decoded.len());
        assert!(bench.depth_ms() <= 30, "{}", bench.depth_ms());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever a network does: every packet at most once, in order, with bounded delay.
    #[test]
    fn any_network_keeps_order_and_bounds(
        reach in 0usize..5,
        fates in prop::collection::vec((0u8..10, 0i64..250, 0u8..20), 100..400),
    ) {
        let mut bench = Bench::new(reach);
        let mut held = 0;
        for (number, (lost, delay, twist)) in fates.iter().enumerate() {
            held = match twist {
                0 => 400,
                1..10 => held,
                _ => (held - 20i64).max(0),
            };
            if *lost > 1 {
                bench.send(number as u32, 20 + held + if *twist > 12 { *delay } else { 0 });
            }
            if *lost == 9 {
                bench.send(number as u32, 90);
            }
        }
        bench.run(fates.len() as f64 / 50.0 + 2.0);
        prop_assert!(bench.decoded().is_sorted_by(|a, b| a < b));
        prop_assert!(bench.buffer.depth() <= 1_100 * MS, "{}", bench.depth_ms());
        let counters = bench.buffer.counters();
        prop_assert!(counters.concealed <= counters.played + MAX_FRAME as u64);
    }

    /// Numbers and times from an enemy: it goes on, fills every block and stays within its memory.
    #[test]
    fn hostile_numbers_do_no_harm(
        packets in prop::collection::vec(
            (any::<u16>(), any::<u32>(), prop::collection::vec(any::<u8>(), 0..6), any::<bool>(), any::<bool>()), 1..400),
    ) {
        let mut bench = Bench::new(1);
        let mut out = [0.0; BLOCK];
        let (mut sequence, mut time) = (0u16, 0u32);
        for (wild_sequence, wild_time, payload, near_sequence, near_time) in packets {
            bench.now += BLOCK as i64;
            sequence = if near_sequence { sequence.wrapping_add(wild_sequence % 8) } else { wild_sequence };
            time = if near_time { time.wrapping_add(wild_time % 50_000) } else { wild_time };
            let payload = if payload.len() > 2 { [payload[0], payload[1], payload[2], 0].to_vec() } else { payload };
            bench.buffer.insert(bench.now, sequence, time, &payload);
            bench.buffer.pass(bench.now, sequence.wrapping_add(1), time);
            bench.buffer.pull(bench.now, &mut out);
            prop_assert!(out.iter().all(|x| x.abs() <= 1.0));
        }
        // And it recovers: a sane source is heard again.
        for number in 0..400u32 {
            bench.buffer.insert(bench.now, sequence.wrapping_add(20_000 + number as u16), time.wrapping_add(number * 960), &number.to_le_bytes());
            for _ in 0..2 {
                bench.now += BLOCK as i64;
                bench.buffer.pull(bench.now, &mut out);
            }
        }
        prop_assert!(bench.decoded().contains(&360));
    }
}
