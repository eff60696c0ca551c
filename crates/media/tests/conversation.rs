//! Two engines talk through an emulated network in virtual time; what is heard is compared with what was said.

mod line;

use hatif_media::{BLOCK, Codec, MediaEngine, Output, Source, StreamConfig, StreamKey, StreamStats};
use line::{KEY, Line, Network, by_window, speech};
use std::time::{Duration, Instant};

const BASE: Network = Network { base_ms: 20.0, jitter_ms: 0.0, loss: 0.0, burst: 1.0, duplicates: 0.0, stall: None };

/// A line on which end 0 has spoken for `seconds`.
fn spoken(mut line: Line, seconds: f64) -> Line {
    line.ends[0].speech = speech(1, seconds);
    line.run(seconds + 1.0);
    line
}

/// Median delay (ms), share of windows that are at least as alike as `alike`.
fn heard(line: &Line, alike: f64) -> (f64, f64) {
    let windows = by_window(&line.ends[0].speech, &line.ends[1].played, 450);
    assert!(windows.len() > 10, "enough speech to judge by");
    let mut delays: Vec<f64> = windows.iter().map(|window| window.0).collect();
    delays.sort_by(f64::total_cmp);
    let good = windows.iter().filter(|window| window.1 >= alike).count();
    (delays[delays.len() / 2], good as f64 / windows.len() as f64)
}

fn every_stats(line: &Line, end: usize) -> Vec<StreamStats> {
    let stats = |output: &Output| if let Output::Stats { stats, .. } = output { Some(*stats) } else { None };
    line.ends[end].outputs.iter().filter_map(stats).collect()
}

#[test]
fn a_clean_network_is_transparent_and_quick() {
    for codec in [Codec::Opus, Codec::Pcmu, Codec::Pcma, Codec::G722] {
        let line = spoken(Line::new(1, BASE, &StreamConfig::new(codec, 96)), 15.0);
        let (delay, alike) = heard(&line, 0.95);
        assert!(alike >= 0.95, "{codec:?}: {alike} of the speech is recognisable");
        // 20 ms network, 20 ms packet less the block that is counted elsewhere, 6.5 ms codec, and what the jitter buffer adds.
        assert!(delay < 62.0, "{codec:?}: {delay} ms");
        assert!(every_stats(&line, 1).iter().all(|stats| stats.concealed == 0.0));
        let stats = line.stats(1);
        assert_eq!((stats.lost, stats.sent / 10), (0, 75));
        assert!(stats.jitter_ms < 1.0 && stats.buffer_ms < 28.0, "{stats:?}");
        let best = if matches!(codec, Codec::Pcmu | Codec::Pcma) { 3.6 } else { 4.2 };
        assert!(stats.mos.is_some_and(|mos| mos > best), "{codec:?}: {stats:?}");
    }
}

#[test]
fn loss_is_mostly_recovered_and_counted() {
    let line = spoken(Line::opus(3, Network { loss: 0.1, ..BASE }), 20.0);
    let (delay, alike) = heard(&line, 0.85);
    assert!(alike >= 0.75, "{alike} of the speech is recognisable");
    assert!(delay < 85.0, "{delay} ms");
    let stats = line.stats(1);
    let share = stats.lost as f64 / (stats.lost + stats.received) as f64;
    assert!((0.06..0.14).contains(&share), "{share}");
    assert!(stats.mos.is_some_and(|mos| (2.5..4.5).contains(&mos)), "{stats:?}");
    assert!(stats.remote_loss.is_some_and(|loss| (0.02..0.25).contains(&loss)), "{stats:?}");
    let all = every_stats(&line, 1);
    let concealed = all.iter().map(|stats| stats.concealed).sum::<f32>() / all.len() as f32;
    assert!(concealed > 0.001 && concealed < 0.06, "{concealed} of a tenth is made up, the rest recovered");
}

#[test]
fn jitter_and_reordering_are_absorbed() {
    let line = spoken(Line::opus(4, Network { jitter_ms: 20.0, duplicates: 0.05, ..BASE }), 20.0);
    let (delay, alike) = heard(&line, 0.9);
    assert!(alike >= 0.85, "{alike} of the speech is recognisable");
    assert!(delay < 130.0, "{delay} ms");
    let stats = line.stats(1);
    assert_eq!(stats.lost, 0);
    assert!((5.0..40.0).contains(&stats.jitter_ms), "{stats:?}");
}

#[test]
fn codecs_without_redundancy_hide_their_losses() {
    for codec in [Codec::Pcma, Codec::G722] {
        let line = spoken(Line::new(5, Network { loss: 0.05, ..BASE }, &StreamConfig::new(codec, 8)), 20.0);
        let (delay, alike) = heard(&line, 0.8);
        assert!(alike >= 0.85, "{codec:?}: {alike} of the speech is recognisable");
        assert!(delay < 60.0, "{codec:?}: {delay} ms");
    }
}

#[test]
fn a_stall_does_not_leave_delay_behind() {
    let mut line = Line::opus(6, Network { stall: Some((5.0, 5.6)), ..BASE });
    line.ends[0].speech = speech(1, 60.0);
    line.run(60.0);
    let windows = by_window(&line.ends[0].speech, &line.ends[1].played, 450);
    // From ten seconds after the stall on.
    let later = &windows[windows.len() - 80..];
    let good = later.iter().filter(|(delay, alike)| *delay < 90.0 && *alike > 0.9).count();
    assert!(good >= 75, "{later:.2?}");
}

#[test]
fn clocks_that_differ_by_500_ppm_neither_starve_nor_pile_up() {
    for drift in [500.0, -500.0] {
        let mut line = Line::new(7, BASE, &StreamConfig::new(Codec::Pcma, 8));
        line.ends[1].drift_ppm = drift;
        let speech = speech(1, 180.0);
        line.ends[0].speech = speech;
        line.run(180.0);
        // 90 ms have been gained or lost in the three minutes.
        let all = every_stats(&line, 1);
        assert!(all.len() >= 178 && all[30..].iter().all(|stats| stats.buffer_ms < 75.0), "{drift}: {:?}", all.last());
        let concealed = all.iter().map(|stats| stats.concealed).sum::<f32>() / all.len() as f32;
        assert!(concealed < 0.005, "{drift}: {concealed}");
    }
}

#[test]
fn digits_arrive_once_each_whatever_the_network_does() {
    for network in [BASE, Network { loss: 0.15, jitter_ms: 30.0, duplicates: 0.2, ..BASE }] {
        let mut line = Line::opus(8, network);
        line.run(0.5);
        line.ends[0].engine.send_digits(KEY, "0123456789*#ABCD,42");
        line.run(5.5);
        let digit = |output: &Output| if let Output::Digit { digit, .. } = output { Some(*digit) } else { None };
        let digits: String = line.ends[1].outputs.iter().filter_map(digit).collect();
        let mut sorted: Vec<char> = digits.chars().collect();
        sorted.sort_unstable();
        assert_eq!(sorted.into_iter().collect::<String>(), "#*012234456789ABCD", "{digits}");
    }
}

#[test]
fn one_sequence_and_one_time_line_through_every_change() {
    let mut line = Line::opus(9, BASE);
    let config = StreamConfig { dtmf_payload: Some(101), ..StreamConfig::new(Codec::Opus, 111) };
    line.run(1.0);
    line.ends[0].engine.set_microphone(KEY, false);
    line.run(1.0);
    line.ends[0].engine.set_source(KEY, Source::Clip(speech(3, 0.5).into()));
    line.run(1.0);
    let now = line.now(0);
    line.ends[0].engine.start(now, KEY, StreamConfig { send: false, ..config.clone() });
    line.run(1.0);
    let now = line.now(0);
    line.ends[0].engine.start(now, KEY, config);
    line.run(0.5);
    line.ends[0].engine.send_digits(KEY, "1");
    line.run(0.5);
    let sent = &line.ends[0].sent;
    assert!(
        sent.windows(2)
            .all(|pair| pair[1].sequence == pair[0].sequence.wrapping_add(1) && pair[1].ssrc == pair[0].ssrc)
    );
    let sound: Vec<_> = sent.iter().filter(|packet| packet.payload_type == 111).collect();
    let start = sound[0].timestamp;
    let last = sound[sound.len() - 1].timestamp.wrapping_sub(start);
    assert!((4.9 * 48_000.0..5.0 * 48_000.0).contains(&f64::from(last)), "time went on while nothing was sent: {last}");
    assert!(sound.windows(2).all(|pair| pair[1].timestamp.wrapping_sub(pair[0].timestamp) % 480 == 0));
    let markers: Vec<u32> = sound
        .iter()
        .filter(|packet| packet.marker)
        .map(|packet| packet.timestamp.wrapping_sub(start) / 48_000)
        .collect();
    assert_eq!(markers, [0, 4, 4], "at the start, after the pause and after the digit");
    // Muted or after its clip, it goes on sending, four seconds of five, less a digit.
    assert!((190..=200).contains(&sound.len()), "{}", sound.len());
}

#[test]
fn the_practice_line_says_back_what_it_hears() {
    let mut line = Line::opus(10, BASE);
    line.ends[1].engine.set_source(KEY, Source::Echo);
    line.ends[1].engine.set_microphone(KEY, false);
    line.ends[0].speech = speech(1, 10.0);
    line.run(11.0);
    let windows = by_window(&line.ends[0].speech, &line.ends[0].played, 300);
    let good = windows.iter().filter(|(delay, alike)| *alike > 0.8 && *delay < 120.0).count();
    assert!(good * 10 >= windows.len() * 8, "{windows:?}");
}

#[test]
fn reports_measure_the_round_trip_and_a_silent_far_side_is_told() {
    let mut line = Line::opus(11, Network { base_ms: 80.0, ..BASE });
    line.run(20.0);
    for end in 0..2 {
        let round_trip = line.stats(end).round_trip_ms.expect("reports went both ways");
        assert!((158.0..182.0).contains(&round_trip), "{round_trip}");
    }
    line.ends[1].engine.stop(KEY);
    let before = line.ends[0].outputs.len();
    line.run(16.5);
    let silence = |output: &Output| if let Output::Silence { seconds, .. } = output { Some(*seconds) } else { None };
    let told: Vec<u32> = line.ends[0].outputs[before..].iter().filter_map(silence).collect();
    assert_eq!(told, [5, 10, 15]);
    let bye = |output: &&Output| matches!(output, Output::Rtcp { report, .. } if report.bye);
    assert_eq!(line.ends[1].outputs.iter().filter(bye).count(), 1);
}

#[test]
fn the_first_packet_does_not_wait_for_a_frame() {
    for (send, expected) in [(true, vec![0, 3, 5]), (false, vec![])] {
        let (mut engine, key, mut now) = (MediaEngine::new(1), StreamKey(1), Instant::now());
        let mut packets = Vec::new();
        engine.start(now, key, StreamConfig { send, ..StreamConfig::new(Codec::Opus, 96) });
        for tick in 0..6 {
            while let Some(output) = engine.poll_output() {
                if let Output::Rtp(packet) = output {
                    packets.push((tick, packet.timestamp));
                }
            }
            now += Duration::from_millis(10);
            engine.tick(now, &[0.0; BLOCK], &mut [0.0; BLOCK], &mut [0.0; BLOCK]);
        }
        assert_eq!(packets.iter().map(|(tick, _)| *tick).collect::<Vec<_>>(), expected);
        assert!(packets.windows(2).all(|pair| pair[1].1.wrapping_sub(pair[0].1) == 960), "one time line: {packets:?}");
    }
}
