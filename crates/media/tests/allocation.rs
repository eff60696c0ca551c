//! A running call does not allocate: its thread must not wait for another's lock in the allocator.

use assert_no_alloc::{AllocDisabler, assert_no_alloc};
use hatif_media::{BLOCK, Block, Codec, MediaEngine, Output, RtpIn, StreamConfig, StreamKey, Tone};
use std::time::{Duration, Instant};

/// Ends the process when something allocates where it is forbidden.
#[global_allocator]
static ALLOCATOR: AllocDisabler = AllocDisabler;

const KEY: StreamKey = StreamKey(1);

/// Lets two engines talk for ticks `from..to`, losing and delaying packets.
fn talk(engines: &mut [MediaEngine; 2], origin: Instant, from: u32, to: u32) {
    let (mut speaker, mut ringer) = ([0.0; BLOCK], [0.0; BLOCK]);
    for tick in from..to {
        let now = origin + Duration::from_millis(10) * tick;
        for n in 0..2 {
            let microphone: Block = std::array::from_fn(|k| {
                0.3 * ((tick as usize * BLOCK + k) as f32 * 0.03).sin() * (tick as f32 * 0.1).sin()
            });
            engines[n].tick(now, &microphone, &mut speaker, &mut ringer);
            while let Some(output) = engines[n].poll_output() {
                let Output::Rtp(packet) = output else { continue };
                if packet.sequence % 11 == 3 {
                    continue;
                }
                let late = Duration::from_millis(if packet.sequence % 17 == 5 { 35 } else { 0 });
                let packet = RtpIn {
                    payload_type: packet.payload_type,
                    marker: packet.marker,
                    sequence: packet.sequence,
                    timestamp: packet.timestamp,
                    ssrc: packet.ssrc,
                    payload: &packet.payload,
                };
                engines[1 - n].receive_rtp(now + late, KEY, packet);
            }
        }
    }
}

#[test]
fn a_running_call_does_not_allocate() {
    for codec in [Codec::Opus, Codec::Pcma, Codec::G722] {
        let origin = Instant::now();
        let mut engines = [MediaEngine::new(1), MediaEngine::new(2)];
        for engine in &mut engines {
            engine.start(origin, KEY, StreamConfig { dtmf_payload: Some(101), ..StreamConfig::new(codec, 96) });
            engine.set_microphone(KEY, true);
        }
        talk(&mut engines, origin, 0, 20);
        assert_no_alloc(|| {
            engines[0].play_tone(Some(Tone::Ring));
            engines[0].send_digits(KEY, "12,3");
            engines[1].local_digit('5');
            talk(&mut engines, origin, 20, 1_200);
        });
    }
}

#[test]
fn a_tick_of_the_capture_chain_allocates_nothing() {
    use hatif_media::capture::Capture;
    let mut capture = Capture::new();
    // A headset: the echo canceller's library allocates, and is not made for it.
    capture.moved(true);
    let mut seed = 1u32;
    for tick in 0..1_000 {
        let mut block: [f32; hatif_media::BLOCK] = std::array::from_fn(|_| {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (seed >> 8) as f32 / (1 << 24) as f32 * if tick % 40 < 25 { 0.5 } else { 0.02 }
        });
        let speaker = [0.1; hatif_media::BLOCK];
        assert_no_alloc(|| {
            capture.played(&speaker);
            capture.process(&mut block);
        });
    }
}
