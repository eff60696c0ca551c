//! Whole calls between two agents, told one by one: what a user would notice.

mod world;

use hatif_sip::*;
use std::time::Duration;
use world::*;

const CALL: CallId = CallId(1);

fn seconds(n: u64) -> Duration {
    Duration::from_secs(n)
}

/// Two phones that call each other directly; the second is reachable.
fn pair(transport: Transport) -> World {
    let conditions = Conditions { transport, ..Conditions::CALM };
    let mut world = World::new(1, conditions, vec![direct(0, transport), direct(1, transport)]);
    world.keep_sent = true;
    world.act(1, Input::Register(ACCOUNT));
    world.run_for(seconds(1));
    world
}

fn dial(world: &mut World) {
    let target = format!("user1@{}", address(1));
    world.act(0, Input::Invite { account: ACCOUNT, call: CALL, target, media: media(0, CALL) });
}

fn answer(world: &mut World) -> CallId {
    let call = world.incoming(1).expect("it rings");
    world.act(1, Input::Answer { call, media: media(1, call) });
    call
}

fn talk(world: &mut World) -> CallId {
    dial(world);
    world.run_for(seconds(2));
    let call = answer(world);
    world.run_for(seconds(2));
    call
}

#[test]
fn a_call_is_made_answered_and_hung_up() {
    for transport in [Transport::Udp, Transport::Tcp] {
        for hangs_up in [0, 1] {
            let mut world = pair(transport);
            let other = talk(&mut world);
            let told = world.told(0);
            assert!(matches!(told[0], Event::Ringing { call: CALL, early_media: false }), "{told:?}");
            assert!(
                matches!(&told[1], Event::Media { session, .. } if session.codec == Codec::Opus && session.remote == media(1, other).addr && session.send && session.receive),
                "{told:?}"
            );
            assert!(matches!(told[2], Event::Answered { .. }), "{told:?}");
            let told = world.told(1);
            let (listening, told) = told.split_at(2);
            assert!(
                matches!(listening, [_, Event::Registration { state: RegistrationState::Up { .. }, .. }]),
                "{listening:?}"
            );
            assert!(
                matches!(&told[0], Event::Incoming { peer, .. } if peer.name.as_deref() == Some("User \"0\"") && peer.address == "user0@10.0.0.1"),
                "{told:?}"
            );
            assert!(matches!(&told[1], Event::Media { .. }), "{told:?}");
            assert!(matches!(told[2], Event::Answered { .. }), "{told:?}");
            let call = [CALL, other][hangs_up];
            world.act(hangs_up, Input::HangUp { call });
            assert!(world.run_to_rest(seconds(60)), "timers left");
            let ends = [world.end_of(0, CALL), world.end_of(1, other)];
            let (local, remote) = (Some(EndReason::LocalHangUp), Some(EndReason::RemoteHangUp));
            assert_eq!(ends, if hangs_up == 0 { [local, remote] } else { [remote, local] });
        }
    }
}

#[test]
fn a_phone_registers_is_called_and_unregisters() {
    for transport in [Transport::Udp, Transport::Tcp] {
        let conditions = Conditions { transport, ..Conditions::CALM };
        let configs = vec![registered(0, 1, transport, "secret"), registrar(1, transport, Some("secret"))];
        let mut world = World::new(2, conditions, configs);
        world.keep_sent = true;
        world.act(1, Input::Register(ACCOUNT));
        world.run_for(seconds(1));
        world.act(0, Input::Register(ACCOUNT));
        world.run_for(seconds(1));
        let up = RegistrationState::Up { expires: seconds(60) };
        let told = world.told(0);
        assert!(matches!(told.last(), Some(Event::Registration { state, .. }) if *state == up), "{told:?}");
        assert_eq!(world.sent_count(0, "REGISTER"), 2);
        assert!(world.sent.iter().any(|(_, b)| String::from_utf8_lossy(b).contains("algorithm=SHA-256, cnonce")));
        // The registrar's own side calls the user who registered.
        world.act(1, Input::Invite { account: ACCOUNT, call: CALL, target: "user0".into(), media: media(1, CALL) });
        world.run_for(seconds(1));
        let call = world.incoming(0).expect("it rings");
        world.act(0, Input::Answer { call, media: media(0, call) });
        world.run_for(seconds(1));
        assert_eq!(world.count(1, |e| matches!(e, Event::Answered { .. })), 1);
        world.act(0, Input::HangUp { call });
        // Refreshed well before the minute is over, without being challenged anew.
        world.run_for(seconds(100));
        assert_eq!(world.end_of(1, CALL), Some(EndReason::RemoteHangUp));
        assert_eq!(world.sent_count(0, "REGISTER"), 4);
        world.act(0, Input::Unregister(ACCOUNT));
        world.run_for(seconds(1));
        let told = world.told(0);
        assert!(matches!(told.last(), Some(Event::Registration { state: RegistrationState::Off, .. })), "{told:?}");
        let gone = |e: &Event| matches!(e, Event::RegistrationServed { expires, .. } if expires.is_zero());
        assert_eq!(world.count(1, gone), 1);
        world.act(1, Input::Unregister(ACCOUNT));
        assert!(world.run_to_rest(seconds(60)), "timers left");
    }
}

#[test]
fn a_wrong_password_is_told_and_not_tried_again() {
    let transport = Transport::Udp;
    let configs = vec![registered(0, 1, transport, "wrong"), registrar(1, transport, Some("secret"))];
    let mut world = World::new(3, Conditions::CALM, configs);
    world.keep_sent = true;
    world.act(1, Input::Register(ACCOUNT));
    world.run_for(seconds(1));
    world.act(0, Input::Register(ACCOUNT));
    world.run_for(seconds(600));
    let told = world.told(0);
    let down = RegistrationState::Down { cause: Cause::Unauthorized, retry_at: None };
    assert!(matches!(told.last(), Some(Event::Registration { state, .. }) if *state == down), "{told:?}");
    assert_eq!(world.sent_count(0, "REGISTER"), 2);
}
