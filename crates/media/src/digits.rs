//! Digits as telephone events (RFC 4733): a queue that sends them one after another, and a receiver that reports each once.

use std::collections::VecDeque;

/// Digits that can wait.
const MOST_WAITING: usize = 64;
/// In 10 ms ticks: tone, gap after it, pause for a comma, time between packets.
const TONE: u32 = 10;
const GAP: u32 = 6;
const PAUSE: u32 = 100;
const EVERY: u32 = 2;
/// The last packet of an event is sent so often (RFC 4733 2.5.1.4).
const ENDS: u32 = 3;
/// Level of the tone, dBm0 below zero.
const VOLUME: u8 = 10;
/// Events of the keypad: 0-9, *, #, A-D (RFC 4733 3.2).
const KEYS: &[u8; 16] = b"0123456789*#ABCD";
/// Events remembered by time stamp.
const REMEMBERED: usize = 8;
/// Digits that may come at once, and how many ticks it takes until one more may: people and PBXs are slower.
const BURST: u32 = 32;
const REFILL: u32 = 5;

/// A packet of an event, to be given the time stamp of the event's beginning.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct EventPacket {
    /// The event's first: marker, and a new time stamp.
    pub(crate) first: bool,
    pub(crate) payload: [u8; 4],
}

/// What the sender does in a tick.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum DigitTick {
    /// No event: sound is sent.
    Sound,
    /// An event or its gap: no sound.
    Hush,
    Packet(EventPacket),
}

/// Sends digits.
pub(crate) struct DigitSender {
    waiting: VecDeque<char>,
    state: Sending,
}

enum Sending {
    Nothing,
    /// A comma: ticks left.
    Pausing(u32),
    /// Event code and ticks since its beginning.
    Event(u8, u32),
}

impl DigitSender {
    pub(crate) fn new() -> Self {
        Self { waiting: VecDeque::with_capacity(MOST_WAITING), state: Sending::Nothing }
    }

    pub(crate) fn queue(&mut self, digits: &str) {
        let known = digits.chars().filter(|&digit| digit == ',' || code(digit).is_some());
        let room = MOST_WAITING - self.waiting.len();
        self.waiting.extend(known.take(room));
    }

    pub(crate) fn clear(&mut self) {
        self.waiting.clear();
        self.state = Sending::Nothing;
    }

    /// 10 ms later. `clock` is the rate of telephone-event, Hz.
    pub(crate) fn tick(&mut self, clock: u32) -> DigitTick {
        if let Sending::Nothing = self.state {
            self.state = match self.waiting.pop_front() {
                None => return DigitTick::Sound,
                Some(',') => Sending::Pausing(PAUSE),
                Some(digit) => code(digit).map_or(Sending::Nothing, |event| Sending::Event(event, 0)),
            };
        }
        match &mut self.state {
            Sending::Nothing => DigitTick::Sound,
            Sending::Pausing(left) => {
                *left -= 1;
                if *left == 0 {
                    self.state = Sending::Nothing;
                }
                DigitTick::Sound
            }
            Sending::Event(event, ticks) => {
                *ticks += 1;
                let (event, ticks) = (*event, *ticks);
                if ticks == TONE + GAP {
                    self.state = Sending::Nothing;
                }
                packet(event, ticks, clock)
            }
        }
    }
}

/// The packet of an event `ticks` after its beginning.
fn packet(event: u8, ticks: u32, clock: u32) -> DigitTick {
    if !ticks.is_multiple_of(EVERY) || ticks >= TONE + ENDS * EVERY {
        return DigitTick::Hush;
    }
    let duration = (clock / 100).saturating_mul(ticks.min(TONE)).min(u32::from(u16::MAX)) as u16;
    let end = if ticks >= TONE { 0x80 } else { 0 };
    let [high, low] = duration.to_be_bytes();
    DigitTick::Packet(EventPacket { first: ticks == EVERY, payload: [event, end | VOLUME, high, low] })
}

fn code(digit: char) -> Option<u8> {
    let digit = digit.to_ascii_uppercase();
    KEYS.iter().position(|&key| char::from(key) == digit).map(|code| code as u8)
}

/// Receives digits.
pub(crate) struct DigitReceiver {
    /// SSRC and time stamp of the last events.
    seen: VecDeque<(u32, u32)>,
    allowed: u32,
    ticks: u32,
}

impl DigitReceiver {
    pub(crate) fn new() -> Self {
        Self { seen: VecDeque::with_capacity(REMEMBERED), allowed: BURST, ticks: 0 }
    }

    /// The digit, if this packet is the first of an event that is seen.
    pub(crate) fn received(&mut self, ssrc: u32, timestamp: u32, payload: &[u8]) -> Option<char> {
        let [event, _, _, _, ..] = *payload else { return None };
        let digit = char::from(*KEYS.get(usize::from(event))?);
        if self.seen.contains(&(ssrc, timestamp)) || self.allowed == 0 {
            return None;
        }
        if self.seen.len() == REMEMBERED {
            self.seen.pop_front();
        }
        self.seen.push_back((ssrc, timestamp));
        self.allowed -= 1;
        Some(digit)
    }

    /// 10 ms later.
    pub(crate) fn tick(&mut self) {
        self.ticks += 1;
        if self.ticks == REFILL {
            self.ticks = 0;
            self.allowed = (self.allowed + 1).min(BURST);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ticks(sender: &mut DigitSender, count: usize) -> Vec<DigitTick> {
        (0..count).map(|_| sender.tick(8_000)).collect()
    }

    #[test]
    fn an_event_grows_and_ends_three_times() {
        let mut sender = DigitSender::new();
        sender.queue("5");
        let ticks = ticks(&mut sender, 17);
        let packets: Vec<EventPacket> = ticks
            .iter()
            .filter_map(|tick| if let DigitTick::Packet(packet) = tick { Some(*packet) } else { None })
            .collect();
        let payloads: Vec<[u8; 4]> = packets.iter().map(|packet| packet.payload).collect();
        let step = |end: u8, duration: u16| [5, end | 10, duration.to_be_bytes()[0], duration.to_be_bytes()[1]];
        assert_eq!(
            payloads,
            [step(0, 160), step(0, 320), step(0, 480), step(0, 640), step(0x80, 800), step(0x80, 800), step(0x80, 800)]
        );
        assert_eq!(packets.iter().filter(|packet| packet.first).count(), 1);
        assert!(packets[0].first);
        assert!(ticks[..16].iter().all(|tick| *tick != DigitTick::Sound), "no sound while the event lasts");
        assert_eq!(ticks[16], DigitTick::Sound);
    }

    #[test]
    fn a_comma_waits_a_second_and_the_queue_is_bounded() {
        let mut sender = DigitSender::new();
        sender.queue("1,x2");
        let ticks = ticks(&mut sender, 16 + 100 + 16);
        assert!(ticks[16..116].iter().all(|tick| *tick == DigitTick::Sound));
        assert!(matches!(ticks[117], DigitTick::Packet(EventPacket { first: true, payload: [2, ..] })));
        sender.queue(&"9".repeat(1_000));
        assert_eq!(sender.waiting.len(), MOST_WAITING);
    }

    #[test]
    fn each_digit_is_reported_once_in_whatever_order() {
        let mut receiver = DigitReceiver::new();
        let mut heard = String::new();
        for (timestamp, payload) in [
            (100, [1, 10, 0, 160]),
            (100, [1, 10, 1, 64]),
            (900, [11, 10, 0, 160]),
            (100, [1, 0x8a, 3, 32]),
            (900, [11, 0x8a, 3, 32]),
            (900, [11, 0x8a, 3, 32]),
            (2_000, [16, 10, 0, 160]),
            (3_000, [15, 0x8a, 3, 32]),
        ] {
            heard.extend(receiver.received(7, timestamp, &payload));
        }
        assert_eq!(heard, "1#D");
        assert_eq!(receiver.received(7, 4_000, &[1, 2, 3]), None);
    }

    #[test]
    fn a_flood_of_events_is_not_a_flood_of_digits() {
        let mut receiver = DigitReceiver::new();
        let heard = (0..10_000).filter(|&n| receiver.received(1, n, &[1, 10, 0, 160]).is_some()).count();
        assert_eq!(heard, BURST as usize);
    }
}
