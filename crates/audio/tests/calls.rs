//! Calls between two `Audio`s over RTP on loopback, with sound files as devices, judged by content.

mod support;

use hatif_audio::Devices;
use hatif_core::{
    audio::{AudioCommand, AudioEvent, CallSource, Tone},
    ids::CallId,
    sip::Codec,
};
use std::{net::UdpSocket, sync::Arc};
use support::{Station, assert_tone, connect, level_of, read_wav, rms, session, write_tone};

const CALL: CallId = CallId(1);

fn files(play: Option<std::path::PathBuf>, record: Option<std::path::PathBuf>) -> Station {
    Station::with(Devices::Files { play, record })
}

#[test]
fn a_tone_goes_from_file_to_file_in_each_codec() {
    for (codec, level) in [(Codec::Opus, 0.3), (Codec::G722, 0.3), (Codec::Pcma, 0.3), (Codec::Pcmu, 0.3)] {
        let folder = tempfile::tempdir().unwrap();
        let (spoken, heard) = (folder.path().join("spoken.wav"), folder.path().join("heard.wav"));
        write_tone(&spoken, 16_000, 1000.0, level, 2.0);
        let mut a = files(Some(spoken), None);
        let mut b = files(None, Some(heard.clone()));
        connect(&mut a, &mut b, CALL, codec);
        // the file waits for the microphone: this second is not lost
        b.wait_received(CALL, 50);
        a.send(AudioCommand::Microphone { call: CALL, open: true });
        b.wait_received(CALL, 250);
        drop((a, b));

        let (samples, rate) = read_wav(&heard);
        assert_eq!(rate, 48_000);
        let begin = assert_tone(&samples, rate, 1000.0, level, 1.8);
        assert!(begin > 24_000, "{codec:?}: the tone began with the call, not with the microphone");
        assert!(rms(&samples[..begin - 9_600]) < 0.01, "{codec:?}: silence before the microphone was opened");
        assert!(rms(&samples[samples.len() - 9_600..]) < 0.01, "{codec:?}: silence after the file's end");
    }
}

#[test]
fn a_muted_microphone_and_an_unheard_call_are_silent() {
    let folder = tempfile::tempdir().unwrap();
    let (spoken, heard) = (folder.path().join("spoken.wav"), folder.path().join("heard.wav"));
    write_tone(&spoken, 48_000, 700.0, 0.3, 20.0);
    let mut a = files(Some(spoken), None);
    let mut b = files(None, Some(heard.clone()));
    connect(&mut a, &mut b, CALL, Codec::Opus);
    a.send(AudioCommand::Microphone { call: CALL, open: true });
    b.wait_received(CALL, 100);
    a.send(AudioCommand::Microphone { call: CALL, open: false });
    b.wait_received(CALL, 200);
    a.send(AudioCommand::Microphone { call: CALL, open: true });
    b.send(AudioCommand::Listen { call: CALL, on: false });
    b.wait_received(CALL, 300);
    drop((a, b));
    let (samples, rate) = read_wav(&heard);
    let tone: Vec<bool> = samples.chunks_exact(2400).map(|chunk| level_of(chunk, rate, 700.0) > 0.2).collect();
    // heard for about two seconds of six, at once; then never again
    let first = tone.iter().position(|&on| on).expect("the tone was heard before it was muted");
    let length = tone[first..].iter().take_while(|&&on| on).count();
    assert!(length >= 20, "heard for {length} windows of 50 ms only");
    assert!(tone[first + length + 4..].iter().all(|&on| !on), "heard again while muted or not listened to: {tone:?}");
}

#[test]
fn the_practice_line_echoes_and_plays_clips_without_any_device() {
    let folder = tempfile::tempdir().unwrap();
    let (spoken, heard) = (folder.path().join("spoken.wav"), folder.path().join("heard.wav"));
    write_tone(&spoken, 48_000, 440.0, 0.3, 2.0);
    let mut person = files(Some(spoken), Some(heard.clone()));
    let mut practice = Station::with(Devices::None);
    let clip: Arc<[f32]> =
        (0..48_000).map(|i| 0.3 * (2.0 * std::f32::consts::PI * 1300.0 * i as f32 / 48_000.0).sin()).collect();

    let echo = CallId(7);
    connect(&mut person, &mut practice, echo, Codec::Opus);
    practice.send(AudioCommand::Source { call: echo, source: CallSource::Echo });
    person.send(AudioCommand::Microphone { call: echo, open: true });
    person.wait_received(echo, 150);

    // a second call meanwhile: its source is set before its media starts
    let prompt = CallId(8);
    let (here, there) = (person.open_port(prompt), practice.open_port(prompt));
    practice.send(AudioCommand::Source { call: prompt, source: CallSource::Clip(clip) });
    person.send(AudioCommand::Start { call: prompt, session: session(Codec::Pcma, there) });
    practice.send(AudioCommand::Start { call: prompt, session: session(Codec::Pcma, here) });
    person.wait_received(prompt, 25);
    // a session refresh does not begin the clip anew
    practice.send(AudioCommand::Start { call: prompt, session: session(Codec::Pcma, here) });
    person.wait_received(prompt, 150);
    drop((person, practice));

    let (samples, rate) = read_wav(&heard);
    assert_tone(&samples, rate, 440.0, 0.3, 1.5);
    assert_tone(&samples, rate, 1300.0, 0.3, 0.8);
    let windows = samples.chunks_exact(2400).filter(|chunk| level_of(chunk, rate, 1300.0) > 0.2).count();
    assert!(windows <= 24, "a clip of a second was heard for {windows} windows of 50 ms");
}

#[test]
fn digits_arrive_once_each() {
    let mut a = Station::with(Devices::None);
    let mut b = Station::with(Devices::None);
    connect(&mut a, &mut b, CALL, Codec::Opus);
    b.wait_received(CALL, 50);
    a.send(AudioCommand::Dtmf { call: CALL, digits: "19*#".into() });
    let mut digits = String::new();
    b.wait("four digits", |event| {
        if let AudioEvent::DtmfReceived { call: CALL, digit } = event {
            digits.push(*digit);
        }
        (digits.len() == 4).then_some(())
    });
    assert_eq!(digits, "19*#");
}

#[test]
fn statistics_and_levels_come_while_a_call_runs() {
    let folder = tempfile::tempdir().unwrap();
    let spoken = folder.path().join("spoken.wav");
    write_tone(&spoken, 48_000, 440.0, 0.5, 30.0);
    let mut a = files(Some(spoken), None);
    let mut b = Station::with(Devices::None);
    connect(&mut a, &mut b, CALL, Codec::Opus);
    a.send(AudioCommand::Microphone { call: CALL, open: true });
    b.wait("a level", |event| match event {
        AudioEvent::Level { microphone, speaker } if *speaker > 0.4 => {
            assert_eq!(*microphone, 0.0);
            Some(())
        }
        _ => None,
    });
    // by a report of each side
    let stats = b.wait("a round trip", |event| match event {
        AudioEvent::Stats { stats, .. } if stats.round_trip_ms.is_some() && stats.remote_loss.is_some() => Some(*stats),
        _ => None,
    });
    assert!(stats.sent > 0 && stats.received > 0, "{stats:?}");
}

#[test]
fn hostile_datagrams_and_strangers_disturb_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (spoken, heard) = (folder.path().join("spoken.wav"), folder.path().join("heard.wav"));
    write_tone(&spoken, 48_000, 1000.0, 0.3, 3.0);
    let mut a = files(Some(spoken), None);
    let mut b = files(None, Some(heard.clone()));
    let (at_a, at_b) = (a.open_port(CALL), b.open_port(CALL));
    a.send(AudioCommand::Start { call: CALL, session: session(Codec::Opus, at_b) });
    b.send(AudioCommand::Start { call: CALL, session: session(Codec::Opus, at_a) });
    a.send(AudioCommand::Microphone { call: CALL, open: true });
    b.wait_received(CALL, 25);

    // From the right address (the tests have one), but no RTP; and RTP of another stream and payload type.
    let stranger = UdpSocket::bind("127.0.0.1:0").unwrap();
    let rtcp = std::net::SocketAddr::new(at_b.ip(), at_b.port() + 1);
    let mut seed = 1u64;
    for round in 0..2000u32 {
        let mut bytes = vec![0u8; (round % 300) as usize];
        for byte in &mut bytes {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            *byte = (seed >> 56) as u8;
        }
        if round % 2 == 0 && bytes.len() > 1 {
            // the version passes, the payload type is nobody's
            bytes[0] = 0x80 | (bytes[0] & 0x3f);
            bytes[1] = 77;
        }
        stranger.send_to(&bytes, at_b).unwrap();
        stranger.send_to(&bytes, rtcp).unwrap();
    }
    b.wait_received(CALL, 175);
    drop((a, b));
    let (samples, rate) = read_wav(&heard);
    assert_tone(&samples, rate, 1000.0, 0.3, 2.5);
}

#[test]
fn tones_play_without_a_call_and_the_ringer_is_heard() {
    let folder = tempfile::tempdir().unwrap();
    let heard = folder.path().join("heard.wav");
    let mut a = files(None, Some(heard.clone()));
    a.send(AudioCommand::PlayTone(Tone::Ringback));
    a.send(AudioCommand::Meter { on: true });
    a.wait("the tone's level", |event| match event {
        AudioEvent::Level { speaker, .. } if *speaker > 0.05 => Some(()),
        _ => None,
    });
    a.send(AudioCommand::StopTone);
    a.wait("silence", |event| match event {
        AudioEvent::Level { speaker, .. } if *speaker < 0.001 => Some(()),
        _ => None,
    });
    let before = {
        a.send(AudioCommand::PlayTone(Tone::Ring));
        // the ringer is no part of the speaker's level: watch the file grow
        let deadline = std::time::Instant::now() + support::PATIENCE;
        loop {
            let (samples, _) = read_wav(&heard);
            if samples.len() > 48_000 * 3 / 2 {
                break samples;
            }
            assert!(std::time::Instant::now() < deadline, "nothing is recorded");
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
    };
    assert!(rms(&before) > 0.01, "the ring was not heard");
}

#[test]
fn a_call_without_a_port_and_orders_for_unknown_calls_are_ignored() {
    let mut a = Station::with(Devices::None);
    let nobody = CallId(99);
    a.send(AudioCommand::Start { call: nobody, session: session(Codec::Opus, "127.0.0.1:4000".parse().unwrap()) });
    a.send(AudioCommand::Microphone { call: nobody, open: true });
    a.send(AudioCommand::Dtmf { call: nobody, digits: "1".into() });
    a.send(AudioCommand::Stop { call: nobody });
    assert!(a.open_port(CALL).port() > 0);
}

#[test]
fn an_ended_call_gives_its_port_back_and_a_shutdown_stops_the_thread() {
    let mut a = Station::with(Devices::None);
    let local = a.open_port(CALL);
    assert!(UdpSocket::bind(local).is_err());
    a.send(AudioCommand::Stop { call: CALL });
    a.open_port(CallId(2));
    assert!(UdpSocket::bind(local).is_ok());
    a.send(AudioCommand::Shutdown);
    let deadline = std::time::Instant::now() + support::PATIENCE;
    while a.audio.send(AudioCommand::StopTone).is_ok() {
        assert!(std::time::Instant::now() < deadline, "the thread goes on");
        std::thread::yield_now();
    }
}
