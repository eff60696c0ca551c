//! A conference of five: who hears whom, by a tone for each.

use hatif_media::{BLOCK, Block, Codec, MediaEngine, Output, RtpIn, SAMPLE_RATE, StreamConfig, StreamKey};
use std::time::{Duration, Instant};

/// Tones of the agent and of five parties, Hz: no one is a harmonic of another.
const TONES: [f32; 6] = [500.0, 700.0, 900.0, 1_100.0, 1_300.0, 1_700.0];
const LEVEL: f32 = 0.1;

fn sine(tick: u32, hertz: f32) -> Block {
    let step = std::f32::consts::TAU * hertz / SAMPLE_RATE as f32;
    std::array::from_fn(|n| LEVEL * ((tick as usize * BLOCK + n) as f32 * step).sin())
}

fn strength(samples: &[f32], hertz: f32) -> f32 {
    let step = std::f32::consts::TAU * hertz / SAMPLE_RATE as f32;
    let sum = |wave: fn(f32) -> f32| samples.iter().enumerate().map(|(n, s)| s * wave(n as f32 * step)).sum::<f32>();
    sum(f32::sin).hypot(sum(f32::cos)) * 2.0 / samples.len() as f32
}

struct Room {
    agent: MediaEngine,
    parties: Vec<MediaEngine>,
    origin: Instant,
    tick: u32,
}

fn key(party: usize) -> StreamKey {
    StreamKey(party as u32)
}

impl Room {
    fn new() -> Self {
        let origin = Instant::now();
        let mut agent = MediaEngine::new(1);
        let parties = (1..TONES.len()).map(|party| {
            let mut engine = MediaEngine::new(party as u64 + 1);
            for side in [&mut agent, &mut engine] {
                side.start(origin, key(party), StreamConfig::new(Codec::Pcma, 8));
                side.set_microphone(key(party), true);
            }
            engine
        });
        let parties = parties.collect();
        Room { agent, parties, origin, tick: 0 }
    }

    /// A second, of which the last half is judged: who (row) hears whom (column); 0 is the agent.
    fn heard(&mut self) -> Vec<Vec<bool>> {
        let mut played: Vec<Vec<f32>> = vec![Vec::new(); TONES.len()];
        for tick in self.tick..self.tick + 100 {
            let now = self.origin + Duration::from_millis(10) * tick;
            let (mut speaker, mut ringer) = ([0.0; BLOCK], [0.0; BLOCK]);
            self.agent.tick(now, &sine(tick, TONES[0]), &mut speaker, &mut ringer);
            played[0].extend_from_slice(&speaker);
            while let Some(output) = self.agent.poll_output() {
                if let Output::Rtp(packet) = output {
                    deliver(&mut self.parties[packet.key.0 as usize - 1], now, &packet);
                }
            }
            for (n, party) in self.parties.iter_mut().enumerate() {
                party.tick(now, &sine(tick, TONES[n + 1]), &mut speaker, &mut ringer);
                played[n + 1].extend_from_slice(&speaker);
                while let Some(output) = party.poll_output() {
                    if let Output::Rtp(packet) = output {
                        deliver(&mut self.agent, now, &packet);
                    }
                }
            }
        }
        self.tick += 100;
        let hears = |sound: &Vec<f32>, hertz: f32| {
            let strength = strength(&sound[sound.len() / 2..], hertz);
            assert!(!(0.01..0.06).contains(&strength), "{hertz} Hz is neither there nor not: {strength}");
            strength > 0.05
        };
        played.iter().map(|sound| TONES.iter().map(|hertz| hears(sound, *hertz)).collect()).collect()
    }
}

fn deliver(to: &mut MediaEngine, now: Instant, packet: &hatif_media::RtpOut) {
    let incoming = RtpIn {
        payload_type: packet.payload_type,
        marker: packet.marker,
        sequence: packet.sequence,
        timestamp: packet.timestamp,
        ssrc: packet.ssrc,
        payload: &packet.payload,
    };
    to.receive_rtp(now, packet.key, incoming);
}

/// Everybody in `inside` hears the others of it; the agent hears all, all hear the agent.
fn expected(inside: &[usize], silent: &[usize]) -> Vec<Vec<bool>> {
    let hears = |who: usize, whom: usize| {
        let both = inside.contains(&who) && inside.contains(&whom);
        who != whom && (whom == 0 || (!silent.contains(&whom) && (who == 0 || both)))
    };
    (0..TONES.len()).map(|who| (0..TONES.len()).map(|whom| hears(who, whom)).collect()).collect()
}

#[test]
fn each_hears_the_others_and_nobody_hears_himself() {
    let mut room = Room::new();
    assert_eq!(room.heard(), expected(&[], &[]), "before: each hears the agent only");
    room.agent.set_conference(&[key(1), key(2), key(3), key(4), key(5)]);
    assert_eq!(room.heard(), expected(&[1, 2, 3, 4, 5], &[]));
    room.agent.set_listen(key(2), false);
    assert_eq!(room.heard(), expected(&[1, 2, 3, 4, 5], &[2]), "one is silenced, and still hears the others");
    room.agent.set_listen(key(2), true);
    room.agent.set_conference(&[key(1), key(3), key(4)]);
    assert_eq!(room.heard(), expected(&[1, 3, 4], &[]), "two were taken out");
    for party in 1..=5 {
        room.agent.set_microphone(key(party), false);
    }
    let mut muted = expected(&[1, 3, 4], &[]);
    muted.iter_mut().for_each(|row| row[0] = false);
    assert_eq!(room.heard(), muted, "the agent is muted, the others go on");
    room.agent.stop(key(3));
    let mut left = muted;
    (0..TONES.len()).for_each(|n| (left[n][3], left[3][n]) = (false, false));
    assert_eq!(room.heard(), left, "one hung up");
    room.agent.set_conference(&[]);
    let alone: Vec<Vec<bool>> = room.heard().into_iter().skip(1).collect();
    assert!(alone.iter().flatten().all(|heard| !heard), "after: nobody hears a thing");
}

#[test]
fn digits_in_band_are_heard_by_the_one_they_are_for() {
    let mut room = Room::new();
    room.heard();
    room.agent.speak_digits(key(1), "5555555555");
    let (mut speaker, mut ringer) = ([0.0; BLOCK], [0.0; BLOCK]);
    let mut sound = [Vec::new(), Vec::new()];
    for tick in room.tick..room.tick + 120 {
        let now = room.origin + Duration::from_millis(10) * tick;
        room.agent.tick(now, &sine(tick, TONES[0]), &mut speaker, &mut ringer);
        while let Some(output) = room.agent.poll_output() {
            if let Output::Rtp(packet) = output {
                deliver(&mut room.parties[packet.key.0 as usize - 1], now, &packet);
            }
        }
        for (n, sound) in sound.iter_mut().enumerate() {
            room.parties[n].tick(now, &[0.0; BLOCK], &mut speaker, &mut ringer);
            while room.parties[n].poll_output().is_some() {}
            sound.extend_from_slice(&speaker);
        }
    }
    // By windows of 50 ms, for each digit begins anew; the loudest is within one of them.
    let loudest = |n: usize, hertz: f32| {
        let windows = sound[n][sound[n].len() / 3..].chunks_exact(5 * BLOCK);
        windows.map(|window| strength(window, hertz)).fold(0.0, f32::max)
    };
    assert!(loudest(0, 770.0) > 0.15 && loudest(0, 1_336.0) > 0.15);
    assert!(loudest(0, TONES[0]) < 0.05, "the voice is silent meanwhile");
    assert!(loudest(1, 770.0) < 0.03 && loudest(1, TONES[0]) > 0.08);
}
