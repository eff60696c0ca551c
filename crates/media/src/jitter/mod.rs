//! Jitter buffer: packets in as they come, 10 ms of sound out whenever asked. Pure, in virtual time, bounded.
//!
//! ```text
//! insert ─> packets (in order) ─> decode | FEC | concealment ─> signal (played and pending samples) ─> pull
//!        └> delays (histogram) ─> target ─────────────────────> stretching ┘
//! ```
//!
//! The buffer steers one number, the *transit* at which it asks for packets: local time when the next packet is needed minus
//! its RTP time, in samples. A packet is in time if its own transit is not above that. Underruns raise it by themselves;
//! stretching brings it near the target. Every cut costs quality, heard or not (one in 20 s: 0.1 to 0.2 PESQ), so the band
//! around the target in which nothing is done is wide, and wider where packets scatter.

mod delay;
mod losses;
mod packets;
mod signal;

#[cfg(test)]
mod tests;

use crate::{
    BLOCK, Block,
    codec::{Decode, MAX_FRAME},
};
use delay::Delays;
use losses::Losses;
use packets::{Packets, Refused};
use signal::Signal;

/// Samples in a millisecond.
const MS: i64 = 48;
/// Smallest step of a decoder: 2.5 ms.
const STEP: i64 = 120;
/// Played this much above what the histogram asks for: half a block of the caller's timing, and as much for a device whose
/// clock halts now and then.
const MARGIN: i64 = 10 * MS;
/// Above the fastest packet, until the histogram knows more.
const INITIAL: i64 = 25 * MS;
/// Packets until the histogram is believed.
const KNOWN: u32 = 50;
/// Without a packet for so long, the stream rests, and starts anew with the next one.
const REST: i64 = 1_000 * MS;
/// Further above the target than this, packets are skipped, down to what stretching can make good in a few seconds: a
/// conversation beats completeness.
const MOST_EXCESS: i64 = 300 * MS;
const SKIP_TO: i64 = 150 * MS;
/// Longest waiting for redundancy.
const MOST_AHEAD: i64 = 80 * MS;
/// So much sound waiting is played whatever its time stamps say.
const MOST_HELD: i64 = 800 * MS;

/// What happened since the beginning; samples are at 48 kHz.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Counters {
    /// Packets decoded.
    pub(crate) decoded: u64,
    /// Gaps closed by redundancy in the packet after them.
    pub(crate) recovered: u64,
    /// Samples made up.
    pub(crate) concealed: u64,
    /// Samples played, made up or not, while the far side was sending.
    pub(crate) played: u64,
    /// Samples taken out and put in by stretching.
    pub(crate) shortened: u64,
    pub(crate) lengthened: u64,
    /// Packets refused: too late, twice, or not sound of this codec.
    pub(crate) late: u64,
    pub(crate) duplicate: u64,
    pub(crate) nonsense: u64,
    /// Samples skipped because the delay had grown too far.
    pub(crate) skipped: u64,
}

/// Where playing has got to.
struct Playing {
    /// RTP time (samples) after the last sample that is played or pending.
    next_time: i64,
    next_sequence: i64,
    /// Samples made up without knowing what for, since the last packet: they raised the transit.
    expanded: i64,
    /// What comes next does not go on from what is pending.
    seam: bool,
    /// The far side announced silence.
    silence: bool,
}

pub(crate) struct JitterBuffer<D> {
    decoder: D,
    /// Samples in a unit of the RTP clock.
    scale: i64,
    packets: Packets,
    delays: Delays,
    signal: Signal,
    /// `None`: nothing came yet, or not for long.
    playing: Option<Playing>,
    losses: Losses,
    last_duration: i64,
    last_arrival: i64,
    initial: i64,
    /// Transit minus target, smoothed over some ticks.
    deviation: f32,
    ticks_since_cut: u32,
    counters: Counters,
}

impl<D: Decode> JitterBuffer<D> {
    /// `clock_rate` of the RTP time stamps, 8000 or 48000 Hz.
    pub(crate) fn new(decoder: D, clock_rate: u32) -> Self {
        Self {
            decoder,
            scale: i64::from(crate::SAMPLE_RATE / clock_rate.max(1)).max(1),
            packets: Packets::new(),
            delays: Delays::new(),
            signal: Signal::new(),
            playing: None,
            losses: Losses::new(),
            last_duration: 20 * MS,
            last_arrival: i64::MIN / 2,
            initial: INITIAL,
            deviation: 0.0,
            ticks_since_cut: 0,
            counters: Counters::default(),
        }
    }

    /// Another source begins: nothing of the old one's numbering holds, but how much its packets were scattered may.
    pub(crate) fn restart(&mut self) {
        self.packets.clear();
        self.begin_anew();
    }

    fn begin_anew(&mut self) {
        if self.delays.packets() >= KNOWN {
            self.initial = (self.delays.target() - self.delays.fastest()).max(INITIAL);
        }
        self.delays = Delays::new();
        self.playing = None;
    }

    /// Changes the decoder; the numbering of packets goes on if the source lets it.
    pub(crate) fn set_decoder(&mut self, decoder: D, clock_rate: u32) {
        self.decoder = decoder;
        self.scale = i64::from(crate::SAMPLE_RATE / clock_rate.max(1)).max(1);
        self.restart();
    }

    pub(crate) fn counters(&self) -> Counters {
        self.counters
    }

    /// What waiting costs: from a sample's earliest possible arrival to its playing, samples.
    pub(crate) fn depth(&self) -> i64 {
        match self.playing {
            Some(_) => {
                let rest = (self.signal.pending() % BLOCK) as i64;
                (self.target() + self.deviation as i64 + rest - self.delays.fastest()).max(0)
            }
            None => 0,
        }
    }

    /// A packet came. `now` in samples, any origin, the same as for `pull`.
    pub(crate) fn insert(&mut self, now: i64, sequence: u16, timestamp: u32, payload: &[u8]) {
        match self.decoder.duration(payload).filter(|_| payload.len() <= packets::LONGEST) {
            Some(duration) => self.accept(now, sequence, timestamp, duration, payload),
            None => self.counters.nonsense += 1,
        }
    }

    /// This sequence number is taken by something that is not sound: no loss.
    pub(crate) fn pass(&mut self, now: i64, sequence: u16, timestamp: u32) {
        self.accept(now, sequence, timestamp, 0, &[]);
    }

    fn accept(&mut self, now: i64, sequence: u16, timestamp: u32, duration: usize, payload: &[u8]) {
        let arrival = self.packets.insert(now, sequence, timestamp, self.scale, duration, payload);
        if arrival.restarted {
            self.begin_anew();
        }
        match arrival.refused {
            Some(Refused::Late) => self.counters.late += 1,
            Some(Refused::Duplicate) => self.counters.duplicate += 1,
            Some(Refused::Nonsense) => self.counters.nonsense += 1,
            None => {}
        }
        if matches!(arrival.refused, Some(Refused::Duplicate | Refused::Nonsense)) {
            return;
        }
        if arrival.restarted {
            self.losses.restart();
        }
        let reach = self.decoder.reach(payload).checked_div(duration);
        self.losses.came(arrival.sequence, reach);
        if duration > 0 {
            let bunched = now - self.last_arrival < duration as i64 / 4;
            self.last_arrival = now;
            self.delays.arrived(now - arrival.time, bunched);
            self.last_duration = duration as i64;
        }
    }

    /// The transit to play at.
    fn target(&self) -> i64 {
        let mut target = self.delays.target() + MARGIN;
        if self.delays.packets() < KNOWN {
            target = target.max(self.delays.fastest() + self.initial);
        }
        let ahead = (self.losses.ahead() as i64 * self.last_duration).min(MOST_AHEAD);
        target.max(self.delays.usual() + MARGIN + ahead)
    }

    /// The transit at which the next packet is asked for: after the whole blocks that are pending. A rest of a block has to be
    /// filled up from that packet, a block early.
    fn transit(&self, now: i64, playing: &Playing) -> i64 {
        now + (self.signal.pending() / BLOCK * BLOCK) as i64 - playing.next_time
    }

    /// 10 ms of sound.
    pub(crate) fn pull(&mut self, now: i64, out: &mut Block) {
        if self.playing.is_none() && !self.begin(now) {
            return self.signal.rest(out);
        }
        self.steer(now);
        // Each round plays a packet, passes one by or appends samples; the limit is for hostile ones of a few samples.
        for _ in 0..4 * BLOCK {
            if self.signal.pending() >= BLOCK {
                break;
            }
            self.next_frame(now);
        }
        self.signal.play(out);
        self.counters.played += BLOCK as u64;
    }

    /// Starts if the first packet is due.
    fn begin(&mut self, now: i64) -> bool {
        while self.packets.first().is_some_and(|first| first.duration == 0) {
            self.packets.discard();
        }
        let Some(first) = self.packets.first() else { return false };
        let held = self.packets.end().map_or(0, |end| end - first.time);
        // Ticks are a block apart: half a block early on the average meets the target.
        if now - first.time < self.target() - BLOCK as i64 / 2 && held < MOST_HELD {
            return false;
        }
        self.deviation = 0.0;
        self.ticks_since_cut = 0;
        self.signal.drop_pending();
        let (next_time, next_sequence) = (first.time, first.sequence);
        self.playing = Some(Playing { next_time, next_sequence, expanded: 0, seam: false, silence: false });
        true
    }

    /// Appends the next sound, whatever it has to be made of.
    fn next_frame(&mut self, now: i64) {
        let Some(playing) = &self.playing else { return self.signal.drop_pending() };
        let Some(first) = self.packets.first() else { return self.expand() };
        if first.duration == 0 {
            self.packets.discard();
            if let Some(playing) = &mut self.playing {
                playing.next_sequence += 1;
            }
            return;
        }
        let (gap, missing) = (first.time - playing.next_time, first.sequence - playing.next_sequence);
        let reach = self.decoder.reach(&first.payload) as i64;
        let held = self.packets.end().map_or(0, |end| end - playing.next_time);
        if gap > 0 && held > MOST_HELD {
            return self.jump(gap);
        }
        if gap <= 0 {
            return self.decode_first();
        }
        // What was made up before we knew of the gap stands for its beginning, as far as the delay is not wanted anyway.
        let excess = self.transit(now, playing) - self.target();
        // In whole blocks, as it was made, so that packets stay in step with blocks.
        let block = BLOCK as i64;
        let credit = ((excess + block / 2) / block * block).min(playing.expanded).min(gap);
        if credit > 0 {
            return self.credit(credit);
        }
        if missing <= 0 {
            self.fill(gap.min(BLOCK as i64), false);
        } else if gap <= reach {
            self.recover_before_first(gap);
        } else {
            self.fill((gap - reach).min(2 * BLOCK as i64), true);
        }
    }

    /// Time stamps lie further ahead than packets can wait: leave the gap out.
    fn jump(&mut self, gap: i64) {
        let Some(playing) = &mut self.playing else { return };
        playing.next_time += gap;
        playing.seam = true;
        self.counters.skipped += gap as u64;
    }

    fn credit(&mut self, credit: i64) {
        let Some(playing) = &mut self.playing else { return };
        playing.next_time += credit;
        playing.expanded -= credit;
        // With nothing left over, the decoder is where it should be.
        playing.seam = playing.expanded > 0;
    }

    /// Nothing is there: make up 10 ms and see.
    fn expand(&mut self) {
        let decoder = &mut self.decoder;
        let added = self.signal.append(BLOCK, 0, false, |out| decoder.conceal(out)) as i64;
        let Some(playing) = &mut self.playing else { return };
        playing.expanded += added;
        playing.seam = true;
        if !playing.silence {
            self.counters.concealed += added as u64;
        }
        if playing.expanded > REST {
            self.playing = None;
        }
    }

    /// Makes up `gap` samples that are known not to come: lost, or never sent.
    fn fill(&mut self, gap: i64, lost: bool) {
        let length = (gap + STEP - 1) / STEP * STEP;
        let decoder = &mut self.decoder;
        self.signal.append(length as usize, (length - gap) as usize, false, |out| decoder.conceal(out));
        let Some(playing) = &mut self.playing else { return };
        playing.next_time += gap;
        if lost {
            self.counters.concealed += gap as u64;
        }
    }

    /// A piece of the `gap` samples before the first packet, from its redundancy: the last frame as a whole, before that up to
    /// a frame.
    fn recover_before_first(&mut self, gap: i64) {
        let (Some(playing), Some(first)) = (&mut self.playing, self.packets.first()) else { return };
        let duration = first.duration as i64;
        // The last frame is restored as a whole, its beginning dropped where it is not wanted; before it, up to a frame.
        let (wanted, whole) = if gap > duration { ((gap - duration).min(duration), 0) } else { (gap, duration) };
        let length = (wanted.max(whole) + STEP - 1) / STEP * STEP;
        let before = gap + length - wanted;
        let decoder = &mut self.decoder;
        let recover = |out: &mut [f32]| decoder.recover(&first.payload, before as usize, out);
        self.signal.append(length as usize, (length - wanted) as usize, playing.seam, recover);
        playing.next_time += wanted;
        playing.seam = false;
        playing.expanded = 0;
        self.counters.recovered += 1;
    }

    fn decode_first(&mut self) {
        let (Some(playing), Some(first)) = (&mut self.playing, self.packets.take()) else { return };
        let decoder = &mut self.decoder;
        self.signal.append(first.duration, 0, playing.seam, |out| decoder.decode(&first.payload, out));
        *playing = Playing {
            next_time: first.time + first.duration as i64,
            next_sequence: first.sequence + 1,
            expanded: 0,
            seam: false,
            silence: self.decoder.begins_silence(&first.payload),
        };
        self.counters.decoded += 1;
        self.packets.give_back(first);
    }

    /// Brings the transit nearer to the target, where it can be done unheard.
    fn steer(&mut self, now: i64) {
        let Some(playing) = &self.playing else { return };
        let deviation = self.transit(now, playing) - self.target();
        self.deviation += (deviation as f32 - self.deviation) * 0.1;
        self.ticks_since_cut = self.ticks_since_cut.saturating_add(1);
        if playing.expanded > 0 {
            return;
        }
        if deviation > MOST_EXCESS {
            return self.skip(now);
        }
        let deviation = self.deviation as i64;
        if deviation > 0 {
            self.catch_up(deviation);
        } else {
            self.fall_back(-deviation);
        }
    }

    /// How far packets scatter, samples.
    fn spread(&self) -> i64 {
        self.delays.target() - self.delays.fastest()
    }

    /// Plays faster: a cut of 5 to 15 ms.
    fn catch_up(&mut self, excess: i64) {
        let spread = self.spread();
        let (threshold, pause) = match self.signal.is_quiet() {
            true => ((12 * MS).max(spread * 3 / 10), 5),
            false => ((30 * MS).max(spread * 4 / 10), if excess < 60 * MS { 15 } else { 4 }),
        };
        if excess <= threshold || self.ticks_since_cut < pause {
            return;
        }
        self.decode_ahead(3 * BLOCK);
        let cut = self.signal.shorten(likeness(excess));
        if cut > 0 {
            self.counters.shortened += cut as u64;
            self.deviation -= cut as f32;
            self.ticks_since_cut = 0;
        }
    }

    /// Plays slower: 5 to 15 ms more.
    fn fall_back(&mut self, deficit: i64) {
        let (threshold, pause) = match self.signal.is_quiet() {
            true => (8 * MS, 5),
            false => (15 * MS, if deficit < 30 * MS { 15 } else { 4 }),
        };
        if deficit <= threshold || self.ticks_since_cut < pause {
            return;
        }
        self.decode_ahead(3 * BLOCK / 2);
        let put_in = self.signal.lengthen(likeness(deficit));
        if put_in > 0 {
            self.counters.lengthened += put_in as u64;
            self.deviation += put_in as f32;
            self.ticks_since_cut = 0;
        }
    }

    /// Decodes what is there and follows directly, until so many samples are pending.
    fn decode_ahead(&mut self, wanted: usize) {
        while self.signal.pending() < wanted && self.signal.has_room() {
            let (Some(playing), Some(first)) = (&self.playing, self.packets.first()) else { return };
            if first.duration == 0 || first.time != playing.next_time {
                return;
            }
            self.decode_first();
        }
    }

    /// Leaves out what is far too old.
    fn skip(&mut self, now: i64) {
        let wanted = now - self.target() - SKIP_TO;
        let Some(playing) = &mut self.playing else { return };
        self.counters.skipped += self.signal.pending() as u64;
        self.signal.drop_pending();
        while let Some(first) = self.packets.first() {
            if first.time >= wanted {
                break;
            }
            self.counters.skipped += first.duration as u64;
            self.packets.discard();
        }
        match self.packets.first() {
            Some(first) => {
                (playing.next_time, playing.next_sequence) = (first.time, first.sequence);
                playing.seam = true;
                self.deviation = SKIP_TO as f32;
            }
            None => self.playing = None,
        }
    }
}

/// How alike the waveform must be for a cut: the more pressing, the less.
fn likeness(deviation: i64) -> f32 {
    (0.92 - deviation as f32 / (150 * MS) as f32 * 0.4).max(0.5)
}

const _: () = assert!(MAX_FRAME >= 2 * BLOCK, "a concealed stretch fits a frame");
