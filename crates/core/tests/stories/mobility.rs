//! Another network in the middle of calls: what of the voice moves.

use super::*;
use std::net::IpAddr;

const THERE: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 7));

fn moves(world: &mut World) -> usize {
    let from = mark(world);
    event(world, SipEvent::Moved { account: AccountId(1) });
    from
}

#[test]
fn the_voice_of_every_call_moves_with_the_computer() {
    let mut world = desk(AccountOptions::default());
    let held = customer(&mut world, 1);
    let active = customer(&mut world, 2);
    let ringing = rings(&mut world, 3, "789", CallHeaders::default());
    let from = moves(&mut world);
    for call in [held, active] {
        assert_eq!(told(&world, from, &format!("LocateMedia {{ account: AccountId(1), call: {call:?} }}")).len(), 1);
        event(&mut world, SipEvent::MediaAddress { call, local: Ok(THERE.into()) });
        assert_eq!(
            told(&world, from, &format!("OpenPort {{ call: {call:?}, place: MediaPlace {{ bind: 192.0.2.7,")).len(),
            1
        );
        world.input(Input::Audio(AudioEvent::PortOpened { call, local: SocketAddr::new(THERE, 4004).into() }));
    }
    let moved = sip(&world, from);
    assert_eq!(moved.iter().filter(|line| line.starts_with("Move")).count(), 2, "{moved:?}");
    assert!(told(&world, from, &format!("{ringing:?}")).is_empty(), "it has no voice yet");
    assert!(matches!(state(&world, active), CallState::Active { .. }));
}

#[test]
fn a_step_that_fails_leaves_the_call_as_it_was() {
    let mut world = desk(AccountOptions::default());
    let call = customer(&mut world, 1);
    let from = moves(&mut world);
    event(&mut world, SipEvent::MediaAddress { call, local: Err(Text::new("wire.no_network")) });
    event(&mut world, SipEvent::MediaAddress { call, local: Ok(THERE.into()) });
    world.input(Input::Audio(AudioEvent::PortFailed { call, text: Text::new("audio.no_port") }));
    assert!(sip(&world, from).is_empty());
    assert!(matches!(state(&world, call), CallState::Active { .. }));
    // The same address is nothing to do; a port that comes after the end is closed.
    let from = mark(&world);
    event(&mut world, SipEvent::MediaAddress { call, local: Ok(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST).into()) });
    assert!(told(&world, from, "OpenPort").is_empty());
    event(&mut world, SipEvent::Ended { call, reason: EndReason::RemoteHangUp });
    world.input(Input::Audio(AudioEvent::PortOpened { call, local: SocketAddr::new(THERE, 4004).into() }));
    assert!(sip(&world, from).is_empty());
    assert_eq!(told(&world, from, "Stop {").len(), 2);
}
