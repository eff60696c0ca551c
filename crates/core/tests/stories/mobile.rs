//! The agent's mobile: it rings too, takes over calls, and is nobody until somebody presses 1 there.

use super::*;

/// Rings with the mobile as far as `options` say.
fn reachable(rings_too: bool) -> World {
    let mobile = Some(Mobile { number: "0912".into(), rings_too, after_s: 5 });
    desk(AccountOptions { mobile, ..AccountOptions::default() })
}

fn presses(world: &mut World, call: CallId, digit: char) {
    event(world, SipEvent::Digit { call, digit });
}

/// Somebody or something answers the mobile.
fn mobile_answers(world: &mut World) -> CallId {
    let mobile = newest(world);
    assert_eq!(world.phone.call(mobile).map(|c| c.call.peer.address.as_str()), Some("0912"));
    let from = mark(world);
    goes_through(world, mobile);
    world.input(Input::Timeout);
    assert_eq!(told(world, from, "DtmfInBand").len(), 1, "it is asked");
    assert!(!open(world, mobile));
    mobile
}

#[test]
fn the_mobile_rings_too_and_who_presses_1_there_talks_with_the_customer() {
    let mut world = reachable(true);
    let call = rings(&mut world, 0, "123", CallHeaders::default());
    passes(&mut world, Duration::from_secs(4));
    assert_eq!(world.phone.calls().count(), 1);
    passes(&mut world, Duration::from_secs(1));
    let mobile = mobile_answers(&mut world);
    assert_eq!(state(&world, call), CallState::Incoming, "the desk goes on ringing");
    presses(&mut world, mobile, '5');
    assert_eq!(state(&world, call), CallState::Incoming);
    presses(&mut world, mobile, '1');
    assert_eq!(state(&world, call), CallState::Answering);
    let from = mark(&world);
    goes_through(&mut world, call);
    let told = sip(&world, from);
    let leaves = format!("TransferTo {{ call: ({}), with: ({}) }}", mobile.0, call.0);
    assert!(told.contains(&leaves) && !told.iter().any(|line| line.starts_with("Hold")), "{told:?}");
    assert_eq!(world.mixed, [mobile, call], "joined here until the PBX connects them");
    assert!(!open(&world, call) && !open(&world, mobile), "nobody sits at this desk");
    progress(&mut world, mobile, TransferProgress::Done);
    for id in [mobile, call] {
        ended(&mut world, id, EndReason::LocalHangUp);
        assert_eq!(reason(&world, id), EndReason::Transferred);
    }
}

#[test]
fn a_mailbox_wins_no_call_and_the_desk_comes_first() {
    let mut world = reachable(true);
    let call = rings(&mut world, 0, "123", CallHeaders::default());
    passes(&mut world, Duration::from_secs(5));
    let mailbox = mobile_answers(&mut world);
    let from = mark(&world);
    for _ in 0..7 {
        passes(&mut world, Duration::from_secs(3));
    }
    assert!(told(&world, from, "DtmfInBand").len() >= 6, "it is asked again");
    assert_eq!(sip(&world, from), [format!("HangUp {{ call: ({}) }}", mailbox.0)]);
    ended(&mut world, mailbox, EndReason::LocalHangUp);
    assert_eq!(state(&world, call), CallState::Incoming, "and the customer rings on");

    let second = rings(&mut world, 1, "456", CallHeaders::default());
    passes(&mut world, Duration::from_secs(5));
    let mobile = newest(&world);
    assert_ne!(mobile, mailbox);
    let from = mark(&world);
    command(&mut world, "answer", Command::Answer(second));
    assert!(
        sip(&world, from).iter().any(|line| line.starts_with("HangUp"))
            || reason(&world, mobile) == EndReason::Cancelled
    );
}

#[test]
fn a_call_moves_to_the_mobile_and_is_taken_back() {
    let mut world = reachable(false);
    let call = customer(&mut world, 0);
    let from = mark(&world);
    assert_eq!(command(&mut world, "move_to_mobile", Command::MoveToMobile(call)), None);
    assert_eq!(command(&mut world, "move_to_mobile", Command::MoveToMobile(call)), Some("command.not_now"));
    let mobile = mobile_answers(&mut world);
    assert!(open(&world, call) && !sip(&world, from).iter().any(|line| line.starts_with("Hold")), "they talk on");
    assert_eq!(world.phone.actions(mobile), [Action::HangUp]);
    presses(&mut world, mobile, '1');
    assert_eq!(world.mixed.len(), 2);
    assert!(!open(&world, call) && !open(&world, mobile));
    command(&mut world, "hang_up", Command::HangUp(mobile));
    ended(&mut world, mobile, EndReason::LocalHangUp);
    assert!(open(&world, call), "the agent is heard again");
}

#[test]
fn the_mobile_hangs_up_and_the_microphone_here_stays_closed() {
    let mut world = reachable(false);
    let call = customer(&mut world, 0);
    command(&mut world, "move_to_mobile", Command::MoveToMobile(call));
    let mobile = mobile_answers(&mut world);
    presses(&mut world, mobile, '1');
    ended(&mut world, mobile, EndReason::RemoteHangUp);
    assert!(!open(&world, call) && matches!(state(&world, call), CallState::Active { muted: true, .. }));
}
