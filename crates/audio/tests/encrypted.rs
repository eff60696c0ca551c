//! Encrypted calls between two `Audio`s over loopback.

mod support;

use hatif_audio::Devices;
use hatif_core::{
    audio::{AudioCommand, AudioEvent},
    ids::CallId,
    sip::{Codec, MediaSession},
    srtp::{Protection, Srtp, SrtpKey, Suite},
};
use support::{Station, assert_tone, read_wav, session, write_tone};

const CALL: CallId = CallId(1);

fn key(first: u8) -> SrtpKey {
    SrtpKey { key: vec![first; 16].into(), salt: vec![first; 14].into() }
}

fn with_keys(session: MediaSession, local: u8, remote: u8) -> MediaSession {
    let srtp = Srtp { suite: Suite::AesCm128Sha80, local: key(local), remote: key(remote) };
    MediaSession { srtp: Some(srtp), ..session }
}

fn wait_proven(station: &mut Station) {
    station.wait("proof", |event| match event {
        AudioEvent::Protection { call: CALL, protection: Protection::Proven } => Some(()),
        _ => None,
    });
}

/// Through a change of codec and of one side's key, as a re-INVITE brings it: heard to the end.
#[test]
fn an_encrypted_call_is_heard_through_a_change_of_codec_and_key() {
    let folder = tempfile::tempdir().unwrap();
    let (spoken, heard) = (folder.path().join("spoken.wav"), folder.path().join("heard.wav"));
    write_tone(&spoken, 16_000, 1000.0, 0.3, 20.0);
    let mut a = Station::with(Devices::Files { play: Some(spoken), record: None });
    let mut b = Station::with(Devices::Files { play: None, record: Some(heard.clone()) });
    let (at_a, at_b) = (a.open_port(CALL), b.open_port(CALL));
    a.send(AudioCommand::Start { call: CALL, session: with_keys(session(Codec::Pcma, at_b), 1, 2) });
    b.send(AudioCommand::Start { call: CALL, session: with_keys(session(Codec::Pcma, at_a), 2, 1) });
    a.send(AudioCommand::Microphone { call: CALL, open: true });
    wait_proven(&mut a);
    wait_proven(&mut b);
    b.wait_received(CALL, 100);
    b.send(AudioCommand::Start { call: CALL, session: with_keys(session(Codec::Opus, at_a), 3, 1) });
    a.send(AudioCommand::Start { call: CALL, session: with_keys(session(Codec::Opus, at_b), 1, 3) });
    wait_proven(&mut a);
    b.wait_received(CALL, 250);
    drop((a, b));
    let (samples, rate) = read_wav(&heard);
    assert_tone(&samples, rate, 1000.0, 0.3, 1.5);
    assert_tone(&samples[samples.len() / 2..], rate, 1000.0, 0.3, 1.0);
}

#[test]
fn a_far_side_without_keys_is_not_heard() {
    let folder = tempfile::tempdir().unwrap();
    let (spoken, heard) = (folder.path().join("spoken.wav"), folder.path().join("heard.wav"));
    write_tone(&spoken, 16_000, 1000.0, 0.3, 20.0);
    let mut plain = Station::with(Devices::Files { play: Some(spoken), record: None });
    let mut b = Station::with(Devices::Files { play: None, record: Some(heard.clone()) });
    let (at_plain, at_b) = (plain.open_port(CALL), b.open_port(CALL));
    plain.send(AudioCommand::Start { call: CALL, session: session(Codec::Pcma, at_b) });
    b.send(AudioCommand::Start { call: CALL, session: with_keys(session(Codec::Pcma, at_plain), 2, 1) });
    plain.send(AudioCommand::Microphone { call: CALL, open: true });
    let told = b.wait("how it is protected", |event| match event {
        AudioEvent::Protection { protection, .. } => Some(*protection),
        _ => None,
    });
    assert_eq!(told, Protection::Unproven);
    plain.wait("two seconds", |event| match event {
        AudioEvent::Stats { stats, .. } if stats.sent >= 100 => Some(()),
        _ => None,
    });
    assert!(b.rest().iter().all(|event| !matches!(event, AudioEvent::Protection { .. })));
    drop((plain, b));
    let (samples, _) = read_wav(&heard);
    assert!(support::rms(&samples) < 0.001, "a stranger's voice was heard");
}
