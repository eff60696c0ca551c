//! The engine by its border: several streams, mute, levels, other codecs' packets, hostile packets.

mod line;

use hatif_media::{
    BLOCK, Block, Codec, MAX_PAYLOAD, MediaEngine, Output, ReportBlock, RtcpIn, RtpIn, RtpOut, SenderInfo, Source,
    StreamConfig, StreamKey, Tone,
};
use line::{Line, Network, incoming, speech};
use proptest::prelude::*;
use std::time::{Duration, Instant};

/// Ticks `engine` `count` times from tick `from` on; what it put out, and the speaker.
fn ticks(engine: &mut MediaEngine, origin: Instant, from: u32, count: u32, microphone: f32) -> (Vec<Output>, Vec<f32>) {
    let (mut outputs, mut played) = (Vec::new(), Vec::new());
    let (mut speaker, mut ringer) = ([0.0; BLOCK], [0.0; BLOCK]);
    for tick in from..from + count {
        // Not a constant: a codec takes that out.
        let block: Block = std::array::from_fn(|n| microphone * ((tick as usize * BLOCK + n) as f32 * 0.06).sin());
        engine.tick(origin + Duration::from_millis(10) * tick, &block, &mut speaker, &mut ringer);
        outputs.extend(std::iter::from_fn(|| engine.poll_output()));
        played.extend_from_slice(&speaker);
    }
    (outputs, played)
}

fn packets<'a>(outputs: &'a [Output], key: StreamKey) -> Vec<&'a RtpOut> {
    let packet = |output: &'a Output| if let Output::Rtp(packet) = output { Some(packet) } else { None };
    outputs.iter().filter_map(packet).filter(|packet| packet.key == key).collect()
}

#[test]
fn two_calls_are_mixed_and_each_hears_only_the_microphone() {
    let origin = Instant::now();
    let (a, b) = (StreamKey(1), StreamKey(2));
    let mut engine = MediaEngine::new(1);
    let mut talkers = [MediaEngine::new(2), MediaEngine::new(3)];
    for (key, talker) in [a, b].into_iter().zip(&mut talkers) {
        engine.start(origin, key, StreamConfig::new(Codec::Pcmu, 0));
        talker.start(origin, key, StreamConfig::new(Codec::Pcmu, 0));
        talker.set_microphone(key, true);
    }
    engine.set_microphone(a, true);
    let mut loudness = Vec::new();
    for (second, (listen_a, listen_b)) in
        [(true, true), (true, false), (false, true), (false, false)].into_iter().enumerate()
    {
        engine.set_listen(a, listen_a);
        engine.set_listen(b, listen_b);
        let mut energy = 0.0;
        for tick in second as u32 * 100..second as u32 * 100 + 100 {
            let now = origin + Duration::from_millis(10) * tick;
            for (talker, level) in talkers.iter_mut().zip([0.1, 0.3]) {
                for output in ticks(talker, origin, tick, 1, level).0 {
                    if let Output::Rtp(packet) = &output {
                        engine.receive_rtp(now, packet.key, incoming(packet));
                    }
                }
            }
            let (outputs, played) = ticks(&mut engine, origin, tick, 1, 0.2);
            for packet in packets(&outputs, b) {
                assert!(packet.payload.iter().all(|&byte| byte == 0xff), "the closed microphone is silent");
            }
            if tick % 100 >= 50 {
                energy += played.iter().map(|x| x * x).sum::<f32>() / (50.0 * BLOCK as f32);
            }
            if tick > 10 {
                assert!(packets(&outputs, a).iter().all(|packet| packet.payload.iter().any(|&byte| byte != 0xff)));
            }
        }
        loudness.push(energy.sqrt());
    }
    // RMS of sines of 0.1 and 0.3, in phase: 0.28, 0.07, 0.21, 0.
    for (loudness, expected) in loudness.iter().zip([0.283, 0.0707, 0.212, 0.0]) {
        assert!((loudness - expected).abs() < 0.02, "{loudness} for {expected}");
    }
}

#[test]
fn muting_does_not_click() {
    let origin = Instant::now();
    let mut engine = MediaEngine::new(11);
    engine.start(origin, StreamKey(1), StreamConfig::new(Codec::Pcmu, 0));
    let mut sent = Vec::new();
    for phase in 0..6 {
        engine.set_microphone(StreamKey(1), phase % 2 == 1);
        let (outputs, _) = ticks(&mut engine, origin, phase * 9, 9, 0.5);
        sent.extend(packets(&outputs, StreamKey(1)).iter().flat_map(|packet| packet.payload.to_vec()));
    }
    // Mu-law without its logarithm: sign, then magnitude. The tone moves by 0.18 a sample at most.
    let linear = |byte: u8| {
        let bits = i32::from(!byte);
        let magnitude = ((((bits & 15) << 3) + 132) << ((bits >> 4) & 7)) - 132;
        (if bits & 0x80 == 0 { magnitude } else { -magnitude }) as f32 / 32_768.0
    };
    let steepest = sent.windows(2).map(|pair| (linear(pair[1]) - linear(pair[0])).abs()).fold(0.0, f32::max);
    assert!(steepest < 0.22, "{steepest}");
    assert!(sent.iter().any(|&byte| linear(byte).abs() > 0.4));
}

#[test]
fn packet_times_are_as_asked_or_as_the_codec_can() {
    for (codec, asked, got) in [
        (Codec::Opus, 20, 20),
        (Codec::Opus, 10, 10),
        (Codec::Opus, 30, 20),
        (Codec::Opus, 60, 60),
        (Codec::Opus, 0, 10),
        (Codec::Pcmu, 30, 30),
        (Codec::Pcmu, 255, 60),
        (Codec::G722, 20, 20),
    ] {
        let origin = Instant::now();
        let mut engine = MediaEngine::new(4);
        engine.start(origin, StreamKey(1), StreamConfig { ptime_ms: asked, ..StreamConfig::new(codec, 9) });
        engine.set_microphone(StreamKey(1), true);
        let (outputs, _) = ticks(&mut engine, origin, 0, 120, 0.3);
        let packets = packets(&outputs, StreamKey(1));
        assert_eq!(packets.len(), 1_200 / got, "{codec:?} {asked}");
        let step = codec.clock_rate() / 1_000 * got as u32;
        assert!(packets.windows(2).all(|pair| pair[1].timestamp.wrapping_sub(pair[0].timestamp) == step));
        assert!(packets.iter().all(|packet| packet.payload_type == 9 && packet.payload.len() <= MAX_PAYLOAD));
    }
}

#[test]
fn other_payload_types_are_not_played_and_receive_off_is_silence() {
    let origin = Instant::now();
    let key = StreamKey(1);
    let mut engine = MediaEngine::new(5);
    engine.start(origin, key, StreamConfig::new(Codec::Pcmu, 0));
    let loud = [0x80u8, 0x00].repeat(80);
    let mut heard = [false; 3];
    for (phase, heard) in heard.iter_mut().enumerate() {
        let config = StreamConfig { receive: phase != 2, ..StreamConfig::new(Codec::Pcmu, 0) };
        engine.start(origin, key, config);
        for n in 0..50u32 {
            let (tick, payload_type) = (phase as u32 * 100 + n * 2, if phase == 0 { 13 } else { 0 });
            let (sequence, timestamp) = (tick as u16 / 2, tick * 80);
            let packet = RtpIn { payload_type, marker: false, sequence, timestamp, ssrc: 9, payload: &loud };
            engine.receive_rtp(origin + Duration::from_millis(10) * tick, key, packet);
            let (_, played) = ticks(&mut engine, origin, tick, 2, 0.0);
            *heard |= n > 10 && played.iter().any(|x| x.abs() > 0.01);
        }
    }
    assert_eq!(heard, [false, true, false]);
}

#[test]
fn another_ssrc_takes_over_but_not_by_a_stray_packet() {
    let mut line = Line::opus(6, Network { base_ms: 20.0, ..Network::default() });
    line.ends[0].speech = speech(1, 4.0);
    line.run(2.0);
    let received = line.stats(1).received;
    let now = line.now(1);
    let stray =
        RtpIn { payload_type: 111, marker: false, sequence: 7, timestamp: 7, ssrc: 7, payload: &[0xfc, 0xff, 0xfe] };
    line.ends[1].engine.receive_rtp(now, line::KEY, stray);
    line.run(1.0);
    assert!(line.stats(1).received >= received + 49 && line.stats(1).lost == 0, "{:?}", line.stats(1));
    // The far side starts again: another SSRC, other numbers.
    line.ends[0].engine = MediaEngine::new(999);
    let now = line.now(0);
    line.ends[0].engine.start(now, line::KEY, StreamConfig::new(Codec::Opus, 111));
    line.ends[0].engine.set_microphone(line::KEY, true);
    line.run(1.0);
    let last = &line.ends[1].played[line.ends[1].played.len() - 24_000..];
    assert!(last.iter().any(|x| x.abs() > 0.02), "it is heard");
}

#[test]
fn levels_come_only_when_wanted() {
    let origin = Instant::now();
    let mut engine = MediaEngine::new(7);
    let levels = |outputs: &[Output]| outputs.iter().filter(|output| matches!(output, Output::Level { .. })).count();
    assert_eq!(levels(&ticks(&mut engine, origin, 0, 100, 0.5).0), 0);
    engine.set_meter(true);
    let (outputs, _) = ticks(&mut engine, origin, 100, 100, 0.5);
    assert_eq!(levels(&outputs), 15);
    assert!(outputs.iter().all(|output| matches!(output, Output::Level { microphone, speaker } if (0.49..=0.5).contains(microphone) && *speaker == 0.0)));
    engine.set_meter(false);
    assert_eq!(levels(&ticks(&mut engine, origin, 200, 100, 0.5).0), 0);
    engine.start(origin, StreamKey(1), StreamConfig::new(Codec::Opus, 111));
    assert_eq!(levels(&ticks(&mut engine, origin, 300, 100, 0.5).0), 15);
    engine.stop(StreamKey(1));
    assert_eq!(levels(&ticks(&mut engine, origin, 400, 100, 0.5).0), 0);
}

#[test]
fn a_driver_that_gives_nan_harms_nobody() {
    let origin = Instant::now();
    let mut engine = MediaEngine::new(8);
    engine.start(origin, StreamKey(1), StreamConfig::new(Codec::Opus, 111));
    engine.set_microphone(StreamKey(1), true);
    engine.set_source(StreamKey(1), Source::Clip(vec![f32::NAN; BLOCK].into()));
    ticks(&mut engine, origin, 0, 10, f32::NAN);
    engine.set_source(StreamKey(1), Source::Microphone);
    ticks(&mut engine, origin, 10, 10, f32::INFINITY);
    let (outputs, _) = ticks(&mut engine, origin, 20, 100, 0.5);
    // What is sent afterwards is sound again: more than the few bytes of silence.
    assert!(packets(&outputs, StreamKey(1)).last().is_some_and(|packet| packet.payload.len() > 30));
}

#[test]
fn what_is_never_polled_is_bounded_and_unknown_keys_do_nothing() {
    let origin = Instant::now();
    let mut engine = MediaEngine::new(9);
    let key = StreamKey(1);
    engine.stop(key);
    engine.set_source(key, Source::Echo);
    engine.send_digits(key, "1");
    engine.local_digit('é');
    engine.play_tone(Some(Tone::Ring));
    for key in 0..1_000 {
        engine.start(origin, StreamKey(key), StreamConfig::new(Codec::Pcma, 8));
    }
    let (mut speaker, mut ringer) = ([0.0; BLOCK], [0.0; BLOCK]);
    for tick in 0..50 {
        engine.tick(origin + Duration::from_millis(10) * tick, &[0.0; BLOCK], &mut speaker, &mut ringer);
    }
    let outputs = std::iter::from_fn(|| engine.poll_output()).count();
    assert_eq!(outputs, 256);
}

fn hostile_packet() -> impl Strategy<Value = (u8, bool, u16, u32, u32, Vec<u8>)> {
    let payload_type = prop_oneof![Just(111u8), Just(101), Just(0), any::<u8>()];
    let payload = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..20),
        prop::collection::vec(any::<u8>(), 0..1_600),
        Just(vec![0xff; 70_000]),
    ];
    (payload_type, any::<bool>(), any::<u16>(), any::<u32>(), 0u32..3, payload)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn hostile_packets_do_no_harm(
        codec in prop_oneof![Just(Codec::Opus), Just(Codec::Pcmu), Just(Codec::Pcma), Just(Codec::G722)],
        packets in prop::collection::vec((hostile_packet(), 0u64..60, any::<bool>()), 1..120),
        reports in prop::collection::vec((any::<u32>(), any::<u64>(), any::<u8>(), any::<u32>(), any::<u32>()), 0..10),
    ) {
        let origin = Instant::now();
        let key = StreamKey(1);
        let mut engine = MediaEngine::new(10);
        let payload_type = if codec == Codec::Opus { 111 } else { 0 };
        let config = StreamConfig { dtmf_payload: Some(101), dtmf_clock: u32::MAX, ..StreamConfig::new(codec, payload_type) };
        engine.start(origin, key, config);
        engine.set_source(key, Source::Echo);
        engine.send_digits(key, "1,2");
        let (mut speaker, mut ringer) = ([0.0; BLOCK], [0.0; BLOCK]);
        let (mut now, mut near) = (origin, 0u16);
        for ((payload_type, marker, sequence, timestamp, ssrc, payload), wait, follow) in &packets {
            near = if *follow { near.wrapping_add(1) } else { *sequence };
            let timestamp = if *follow { u32::from(near) * 960 } else { *timestamp };
            let packet = RtpIn { payload_type: *payload_type, marker: *marker, sequence: near, timestamp, ssrc: *ssrc, payload };
            engine.receive_rtp(now, key, packet);
            now += Duration::from_millis(*wait);
            engine.tick(now, &[0.1; BLOCK], &mut speaker, &mut ringer);
            prop_assert!(speaker.iter().all(|x| x.abs() <= 1.0));
        }
        let ours = std::iter::from_fn(|| engine.poll_output())
            .find_map(|output| if let Output::Rtp(packet) = output { Some(packet.ssrc) } else { None });
        for (word, ntp, byte, highest, delay) in reports {
            let sender = SenderInfo { ntp, rtp_timestamp: word, packets: highest, octets: delay };
            let block = ReportBlock {
                ssrc: ours.unwrap_or(word), fraction_lost: byte, cumulative_lost: -1, highest_sequence: highest, jitter: word,
                last_sr: highest, delay_since_last_sr: delay,
            };
            engine.receive_rtcp(now, key, RtcpIn { ssrc: word, sender: Some(sender), reports: &[block, block] });
            now += Duration::from_secs(u64::from(byte));
            engine.tick(now, &[0.1; BLOCK], &mut speaker, &mut ringer);
        }
    }
}
