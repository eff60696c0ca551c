//! Packets that wait for their time, in order: sequence numbers and time stamps unwrapped (RFC 3550 A.1), duplicates and
//! nonsense refused. Bounded; payload memory is reused.

use std::collections::VecDeque;

/// Packets that can wait: 2.5 s of 20 ms.
const MOST: usize = 128;
/// A payload longer than a datagram on an ordinary network is not speech.
pub(super) const LONGEST: usize = 1_500;
/// Jumps of the sequence number beyond these are a new beginning, if the next packet agrees (RFC 3550 A.1).
const FORWARD: i64 = 3_000;
const BACKWARD: i64 = -100;
/// A time stamp that makes a packet this much earlier (samples), or later, than its forerunner jumped, not time.
const EARLY: i64 = 24_000;
const LATE: i64 = 144_000;

/// A packet in the queue. Times are samples at 48 kHz, unwrapped.
pub(super) struct Packet {
    pub(super) sequence: i64,
    pub(super) time: i64,
    /// 0: its sequence number is taken by something that is not sound (a digit).
    pub(super) duration: usize,
    pub(super) payload: Vec<u8>,
}

/// Why a packet was refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Refused {
    Duplicate,
    /// Its time to play has passed.
    Late,
    Nonsense,
}

/// The newest packet seen, to unwrap the next one by.
#[derive(Clone, Copy)]
struct Newest {
    sequence: i64,
    time: i64,
    duration: i64,
    arrived: i64,
    /// Added to the unwrapped time stamp: what its jumps amounted to.
    offset: i64,
    raw_time: i64,
}

/// What arrived where.
#[derive(Clone, Copy, Debug)]
pub(super) struct Arrival {
    pub(super) sequence: i64,
    pub(super) time: i64,
    /// Another numbering has begun; what waited is gone.
    pub(super) restarted: bool,
    pub(super) refused: Option<Refused>,
}

pub(super) struct Packets {
    queue: VecDeque<Packet>,
    free: Vec<Vec<u8>>,
    newest: Option<Newest>,
    /// The sequence number that would confirm a jump.
    suspected: Option<u16>,
    /// Everything before this has been played or given up.
    next: Option<i64>,
}

impl Packets {
    pub(super) fn new() -> Self {
        Self {
            queue: VecDeque::with_capacity(MOST),
            free: (0..MOST).map(|_| Vec::with_capacity(LONGEST)).collect(),
            newest: None,
            suspected: None,
            next: None,
        }
    }

    /// Forgets everything: another source begins.
    pub(super) fn clear(&mut self) {
        while self.pop().is_some() {}
        (self.newest, self.suspected, self.next) = (None, None, None);
    }

    /// Takes a packet. `stamp` is its time stamp in units of `scale` samples; `now` in samples.
    pub(super) fn insert(
        &mut self,
        now: i64,
        sequence: u16,
        stamp: u32,
        scale: i64,
        duration: usize,
        payload: &[u8],
    ) -> Arrival {
        let (arrival, newest) = self.place(now, sequence, stamp, scale, duration);
        if arrival.refused.is_some() {
            return arrival;
        }
        self.newest = Some(newest);
        let refused = self.enqueue(arrival.sequence, arrival.time, duration, payload);
        Arrival { refused, ..arrival }
    }

    /// Unwraps, judges jumps; the newest packet if this one is taken.
    fn place(&mut self, now: i64, sequence: u16, stamp: u32, scale: i64, duration: usize) -> (Arrival, Newest) {
        let Some(newest) = self.newest else {
            let raw_time = i64::from(stamp) * scale;
            let first = Newest {
                sequence: 0x1_0000 + i64::from(sequence),
                time: raw_time,
                duration: duration as i64,
                arrived: now,
                offset: 0,
                raw_time,
            };
            return (Arrival { sequence: first.sequence, time: raw_time, restarted: false, refused: None }, first);
        };
        let advance = i64::from(sequence.wrapping_sub(newest.sequence as u16) as i16);
        let extended = newest.sequence + advance;
        if !(BACKWARD..FORWARD).contains(&advance) {
            if self.suspected != Some(sequence) {
                self.suspected = Some(sequence.wrapping_add(1));
                let refused = Some(Refused::Nonsense);
                return (Arrival { sequence: extended, time: newest.time, restarted: false, refused }, newest);
            }
            self.clear();
            let (arrival, first) = self.place(now, sequence, stamp, scale, duration);
            return (Arrival { restarted: true, ..arrival }, first);
        }
        self.suspected = None;
        let step = i64::from(stamp.wrapping_sub((newest.raw_time / scale) as u32) as i32) * scale;
        let raw_time = newest.raw_time + step;
        let mut offset = newest.offset;
        if duration > 0 && advance > 0 {
            let earlier = (raw_time + offset - newest.time) - (now - newest.arrived);
            if !(-LATE..=EARLY).contains(&earlier) {
                // The source renumbered its time: go on as if it had counted packets.
                offset = newest.time + newest.duration * advance - raw_time;
            }
        }
        let time = if duration > 0 { raw_time + offset } else { newest.time };
        if advance <= 0 && (time - newest.time).abs() > LATE {
            // From before a renumbering, or nonsense: there is no place for it.
            let refused = Some(Refused::Nonsense);
            return (Arrival { sequence: extended, time, restarted: false, refused }, newest);
        }
        let taken = match (advance > 0, duration > 0) {
            (true, true) => {
                Newest { sequence: extended, time, duration: duration as i64, arrived: now, offset, raw_time }
            }
            (true, false) => Newest { sequence: extended, ..newest },
            (false, _) => newest,
        };
        (Arrival { sequence: extended, time, restarted: false, refused: None }, taken)
    }

    fn enqueue(&mut self, sequence: i64, time: i64, duration: usize, payload: &[u8]) -> Option<Refused> {
        if self.next.is_some_and(|next| sequence < next) {
            return Some(Refused::Late);
        }
        let position = self.queue.partition_point(|packet| packet.sequence < sequence);
        if self.queue.get(position).is_some_and(|packet| packet.sequence == sequence) {
            return Some(Refused::Duplicate);
        }
        if self.queue.len() == MOST {
            // Full: the oldest goes, which the caller sees as a gap.
            if position == 0 {
                return Some(Refused::Late);
            }
            self.pop();
            return self.enqueue(sequence, time, duration, payload);
        }
        let mut memory = self.free.pop().unwrap_or_default();
        memory.clear();
        memory.extend_from_slice(&payload[..payload.len().min(LONGEST)]);
        self.queue.insert(position, Packet { sequence, time, duration, payload: memory });
        None
    }

    /// The packet to be played next, if there is any.
    pub(super) fn first(&self) -> Option<&Packet> {
        self.queue.front()
    }

    /// Where the last waiting packet ends.
    pub(super) fn end(&self) -> Option<i64> {
        self.queue.back().map(|packet| packet.time + packet.duration as i64)
    }

    /// Takes the first packet; everything up to it counts as past. Its payload is lent until the next call.
    pub(super) fn take(&mut self) -> Option<Packet> {
        let packet = self.queue.pop_front()?;
        self.next = Some(packet.sequence + 1);
        Some(packet)
    }

    /// Gives a packet's memory back.
    pub(super) fn give_back(&mut self, packet: Packet) {
        if self.free.len() < MOST {
            self.free.push(packet.payload);
        }
    }

    fn pop(&mut self) -> Option<()> {
        let packet = self.take()?;
        self.give_back(packet);
        Some(())
    }

    /// Drops the first packet.
    pub(super) fn discard(&mut self) {
        let _ = self.pop();
    }
}
