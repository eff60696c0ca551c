//! Calls whose media finds its own way (ICE), between two `Audio`s over loopback.

mod support;

use hatif_audio::Devices;
use hatif_core::{
    audio::{AudioCommand, AudioEvent},
    ice::{Candidate, CandidateKind, Ice, IceCredentials},
    ids::CallId,
    sip::{Codec, MediaSession},
};
use std::net::SocketAddr;
use support::{Station, assert_tone, read_wav, session, write_tone};

const CALL: CallId = CallId(1);

fn candidate(component: u16, addr: SocketAddr) -> Candidate {
    let addr = SocketAddr::new(addr.ip(), addr.port() + component - 1);
    Candidate { foundation: "1".into(), component, priority: 2_130_706_431, addr, kind: CandidateKind::Host }
}

fn credentials(name: &str) -> IceCredentials {
    IceCredentials { ufrag: name.repeat(4), pwd: name.repeat(22).into() }
}

/// A session whose description says that media goes to `signalled`, and whose candidates are `there`'s.
fn with_ice(signalled: SocketAddr, there: SocketAddr, mux: bool, local: &str, remote: &str) -> MediaSession {
    let components = if mux { 1..=1 } else { 1..=2 };
    let ice = Ice {
        controlling: local == "a",
        local: credentials(local),
        remote: credentials(remote),
        candidates: components.map(|component| candidate(component, there)).collect(),
    };
    MediaSession { ice: Some(Box::new(ice)), rtcp_mux: mux, ..session(Codec::Pcma, signalled) }
}

/// Nobody is at the addresses that the descriptions name; voice and reports find their way all the same.
#[test]
fn voice_and_reports_go_by_the_path_that_was_found() {
    for mux in [true, false] {
        let folder = tempfile::tempdir().unwrap();
        let (spoken, heard) = (folder.path().join("spoken.wav"), folder.path().join("heard.wav"));
        write_tone(&spoken, 16_000, 1000.0, 0.3, 30.0);
        let mut a = Station::with(Devices::Files { play: Some(spoken), record: None });
        let mut b = Station::with(Devices::Files { play: None, record: Some(heard.clone()) });
        let (at_a, at_b) = (a.open_port(CALL), b.open_port(CALL));
        let nobody = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        let nowhere = nobody.local_addr().unwrap();
        a.send(AudioCommand::Start { call: CALL, session: with_ice(nowhere, at_b, mux, "a", "b") });
        b.send(AudioCommand::Start { call: CALL, session: with_ice(nowhere, at_a, mux, "b", "a") });
        a.send(AudioCommand::Microphone { call: CALL, open: true });
        b.wait_received(CALL, 100);
        // The round trip is known by reports of both sides.
        a.wait("a round trip", |event| match event {
            AudioEvent::Stats { stats, .. } => stats.round_trip_ms.map(|_| ()),
            _ => None,
        });
        drop((a, b));
        let (samples, rate) = read_wav(&heard);
        assert_tone(&samples, rate, 1000.0, 0.3, 1.5);
        nobody.set_nonblocking(true).unwrap();
        assert!(nobody.recv(&mut [0; 200]).is_err(), "something went to where the description says");
    }
}

/// A far side whose description claims ICE and whose checks fail is heard as before, by its address.
#[test]
fn a_far_side_that_claims_too_much_is_still_heard() {
    let folder = tempfile::tempdir().unwrap();
    let (spoken, heard) = (folder.path().join("spoken.wav"), folder.path().join("heard.wav"));
    write_tone(&spoken, 16_000, 1000.0, 0.3, 30.0);
    let mut a = Station::with(Devices::Files { play: Some(spoken), record: None });
    let mut b = Station::with(Devices::Files { play: None, record: Some(heard.clone()) });
    let (at_a, at_b) = (a.open_port(CALL), b.open_port(CALL));
    a.send(AudioCommand::Start { call: CALL, session: with_ice(at_b, at_b, false, "a", "x") });
    b.send(AudioCommand::Start { call: CALL, session: with_ice(at_a, at_a, false, "b", "y") });
    a.send(AudioCommand::Microphone { call: CALL, open: true });
    b.wait_received(CALL, 100);
    drop((a, b));
    let (samples, rate) = read_wav(&heard);
    assert_tone(&samples, rate, 1000.0, 0.3, 1.5);
}
