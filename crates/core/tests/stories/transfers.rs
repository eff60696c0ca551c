//! Transfer, consultation, conference.

use super::*;

#[test]
fn a_blind_transfer_holds_the_customer_and_his_hang_up_is_its_success() {
    let mut world = desk(AccountOptions::default());
    let call = customer(&mut world, 0);
    let from = mark(&world);
    assert_eq!(command(&mut world, "transfer", to(call, "1002")), None);
    assert_eq!(
        sip(&world, from),
        [
            format!("Hold {{ call: ({}), on: true }}", call.0),
            format!("Transfer {{ call: ({}), target: \"1002\" }}", call.0)
        ]
    );
    assert!(!open(&world, call));
    held(&mut world, call, true);
    assert_eq!(command(&mut world, "transfer", to(call, "1003")), Some("command.not_now"));
    progress(&mut world, call, TransferProgress::Accepted);
    ended(&mut world, call, EndReason::RemoteHangUp);
    assert_eq!(reason(&world, call), EndReason::Transferred);
}

#[test]
fn a_failed_transfer_gives_the_customer_back() {
    let mut world = desk(AccountOptions::default());
    let call = customer(&mut world, 0);
    command(&mut world, "transfer", to(call, "1002"));
    held(&mut world, call, true);
    progress(&mut world, call, TransferProgress::Ringing);
    let from = mark(&world);
    progress(&mut world, call, TransferProgress::Failed(Text::new("call.busy")));
    assert_eq!(sip(&world, from), [format!("Hold {{ call: ({}), on: false }}", call.0)]);
    held(&mut world, call, false);
    assert!(open(&world, call));
    let transfer = world.phone.call(call).and_then(|c| c.transfer.clone()).expect("it is told");
    assert_eq!(transfer.state, TransferState::Failed(Text::new("call.busy")));
    // One that the agent had held himself stays so.
    command(&mut world, "hold", Command::Hold(call, true));
    held(&mut world, call, true);
    command(&mut world, "transfer", to(call, "1002"));
    let from = mark(&world);
    progress(&mut world, call, TransferProgress::Failed(Text::new("call.busy")));
    assert_eq!(sip(&world, from), [""; 0]);
}

#[test]
fn a_transfer_that_nothing_is_heard_of_has_failed() {
    let mut world = desk(AccountOptions::default());
    let call = customer(&mut world, 0);
    command(&mut world, "transfer", to(call, "1002"));
    held(&mut world, call, true);
    progress(&mut world, call, TransferProgress::Accepted);
    let from = mark(&world);
    passes(&mut world, Duration::from_secs(119));
    assert_eq!(sip(&world, from), [""; 0]);
    passes(&mut world, Duration::from_secs(1));
    assert_eq!(sip(&world, from), [format!("Hold {{ call: ({}), on: false }}", call.0)]);
    let transfer = world.phone.call(call).and_then(|c| c.transfer.clone()).expect("it is told");
    assert_eq!(transfer.state, TransferState::Failed(Text::new("transfer.no_word")));
    // What comes after that changes nothing.
    progress(&mut world, call, TransferProgress::Done);
    assert!(matches!(state(&world, call), CallState::Active { .. }));
}

#[test]
fn an_attended_transfer_connects_the_two_and_leaves() {
    let mut world = desk(AccountOptions::default());
    let call = customer(&mut world, 0);
    let asked = consult(&mut world, call, "1002");
    goes_through(&mut world, asked);
    assert!(open(&world, asked) && !open(&world, call));
    assert_eq!(world.phone.call(asked).and_then(|c| c.consult_for), Some(call));
    let from = mark(&world);
    assert_eq!(command(&mut world, "complete_transfer", Command::CompleteTransfer(call)), None);
    assert_eq!(sip(&world, from), [format!("TransferTo {{ call: ({}), with: ({}) }}", call.0, asked.0)]);
    progress(&mut world, call, TransferProgress::Accepted);
    progress(&mut world, call, TransferProgress::Done);
    let hung_up = |id: CallId| format!("HangUp {{ call: ({}) }}", id.0);
    assert_eq!(sip(&world, from)[1..], [hung_up(call), hung_up(asked)]);
    ended(&mut world, asked, EndReason::RemoteHangUp);
    ended(&mut world, call, EndReason::LocalHangUp);
    assert_eq!((reason(&world, call), reason(&world, asked)), (EndReason::Transferred, EndReason::Transferred));
}

#[test]
fn an_attended_transfer_that_fails_returns_to_the_customer_and_keeps_the_consultation() {
    let mut world = desk(AccountOptions::default());
    let call = customer(&mut world, 0);
    let asked = consult(&mut world, call, "1002");
    goes_through(&mut world, asked);
    command(&mut world, "complete_transfer", Command::CompleteTransfer(asked));
    let from = mark(&world);
    progress(&mut world, call, TransferProgress::Failed(Text::new("call.rejected")));
    assert_eq!(
        sip(&world, from),
        [format!("Hold {{ call: ({}), on: false }}", call.0), format!("Hold {{ call: ({}), on: true }}", asked.0)]
    );
    held(&mut world, call, false);
    assert!(open(&world, call) && !open(&world, asked));
    assert!(world.phone.actions(call).contains(&Action::CompleteTransfer), "and it can be tried again");
}

#[test]
fn a_transfer_to_who_still_rings_is_blind_and_comes_after_the_consultation() {
    let mut world = desk(AccountOptions::default());
    let call = customer(&mut world, 0);
    let asked = consult(&mut world, call, "1002");
    opens(&mut world, asked);
    event(&mut world, SipEvent::Ringing { call: asked, early_media: false });
    let from = mark(&world);
    command(&mut world, "complete_transfer", Command::CompleteTransfer(call));
    assert_eq!(sip(&world, from), [format!("HangUp {{ call: ({}) }}", asked.0)]);
    ended(&mut world, asked, EndReason::Cancelled);
    assert_eq!(sip(&world, from)[1..], [format!("Transfer {{ call: ({}), target: \"1002\" }}", call.0)]);
    progress(&mut world, call, TransferProgress::Failed(Text::new("call.busy")));
    assert_eq!(sip(&world, from)[2..], [format!("Hold {{ call: ({}), on: false }}", call.0)]);
}

#[test]
fn a_consultation_that_comes_to_nothing_returns_to_the_customer() {
    for how in ["busy", "abandoned", "hung up"] {
        let mut world = desk(AccountOptions::default());
        let call = customer(&mut world, 0);
        let asked = consult(&mut world, call, "1002");
        let resumed = format!("Hold {{ call: ({}), on: false }}", call.0);
        opens(&mut world, asked);
        let from = mark(&world);
        match how {
            "busy" => ended(&mut world, asked, EndReason::Busy),
            "abandoned" => drop(command(&mut world, "abandon_consult", Command::AbandonConsult(call))),
            _ => {
                event(&mut world, SipEvent::Answered { call: asked });
                command(&mut world, "hang_up", Command::HangUp(asked));
                ended(&mut world, asked, EndReason::LocalHangUp);
            }
        }
        assert!(sip(&world, from).contains(&resumed), "{how}: {:?}", sip(&world, from));
    }
}

#[test]
fn swapping_changes_who_is_heard_and_the_customer_still_comes_back() {
    let mut world = desk(AccountOptions::default());
    let call = customer(&mut world, 0);
    let asked = consult(&mut world, call, "1002");
    goes_through(&mut world, asked);
    command(&mut world, "swap", Command::Swap(asked));
    held(&mut world, call, false);
    held(&mut world, asked, true);
    assert!(open(&world, call) && !open(&world, asked));
    command(&mut world, "swap", Command::Swap(asked));
    held(&mut world, asked, false);
    held(&mut world, call, true);
    assert!(open(&world, asked) && !open(&world, call));
    let from = mark(&world);
    ended(&mut world, asked, EndReason::RemoteHangUp);
    assert_eq!(sip(&world, from), [format!("Hold {{ call: ({}), on: false }}", call.0)]);
}

#[test]
fn five_talk_in_one_conference_and_one_mute_is_for_all() {
    let mut world = desk(AccountOptions { conference_room: Some("3000".into()), ..AccountOptions::default() });
    let calls: Vec<CallId> = (0..5).map(|n| customer(&mut world, n)).collect();
    for call in &calls[..4] {
        held(&mut world, *call, true);
    }
    assert_eq!(command(&mut world, "join", Command::Join(vec![])), None);
    for call in &calls {
        held(&mut world, *call, false);
    }
    assert_eq!(world.mixed, calls);
    assert!(calls.iter().all(|call| open(&world, *call)));
    command(&mut world, "mute", Command::Mute(calls[3], true));
    assert!(!calls.iter().any(|call| open(&world, *call)));
    command(&mut world, "mute", Command::Mute(calls[0], false));
    command(&mut world, "split", Command::Split(calls[1]));
    assert!(!world.mixed.contains(&calls[1]) && world.mixed.len() == 4 && !open(&world, calls[1]));
    let from = mark(&world);
    assert_eq!(command(&mut world, "leave_conference", Command::LeaveConference), None);
    let told = sip(&world, from);
    assert!(told.len() == 4 && told.iter().all(|line| line.contains("target: \"3000\"")), "{told:?}");
    for call in [calls[0], calls[2], calls[3]] {
        progress(&mut world, call, TransferProgress::Done);
        ended(&mut world, call, EndReason::LocalHangUp);
    }
    progress(&mut world, calls[4], TransferProgress::Failed(Text::new("call.busy")));
    assert!(world.mixed.is_empty() && open(&world, calls[4]), "the last one is an ordinary call again");
}

#[test]
fn two_parties_are_connected_with_each_other() {
    let mut world = desk(AccountOptions::default());
    let (a, b) = (customer(&mut world, 0), customer(&mut world, 1));
    held(&mut world, a, true);
    command(&mut world, "join", Command::Join(vec![a, b]));
    held(&mut world, a, false);
    let from = mark(&world);
    assert_eq!(command(&mut world, "leave_conference", Command::LeaveConference), None);
    assert_eq!(sip(&world, from), [format!("TransferTo {{ call: ({}), with: ({}) }}", a.0, b.0)]);
    progress(&mut world, a, TransferProgress::Failed(Text::new("call.rejected")));
    assert_eq!(world.mixed, [a, b], "and stay in the conference when that is refused");
}

#[test]
fn a_call_that_replaces_the_consultation_takes_its_place() {
    let mut world = desk(AccountOptions::default());
    let call = customer(&mut world, 0);
    let asked = consult(&mut world, call, "1002");
    goes_through(&mut world, asked);
    command(&mut world, "mute", Command::Mute(asked, true));
    let new = rings(&mut world, 7, "1003", CallHeaders { replaces: Some(asked), ..CallHeaders::default() });
    let from = mark(&world);
    goes_through(&mut world, new);
    assert!(sip(&world, from).contains(&format!("HangUp {{ call: ({}) }}", asked.0)));
    ended(&mut world, asked, EndReason::LocalHangUp);
    assert_eq!(reason(&world, asked), EndReason::Replaced);
    assert!(!open(&world, new), "muted as the old one was");
    assert_eq!(world.phone.call(new).map(|c| (c.consult_for, c.replaces)), Some((Some(call), Some(asked))));
    let from = mark(&world);
    ended(&mut world, new, EndReason::RemoteHangUp);
    assert_eq!(sip(&world, from), [format!("Hold {{ call: ({}), on: false }}", call.0)]);
}
