//! What far sides ask, and who may ring.

use super::*;

fn codes(world: &World) -> Vec<&'static str> {
    world.phone.notices().iter().map(|notice| notice.text.code).collect()
}

#[test]
fn a_refer_waits_for_the_agent_and_is_refused_by_itself() {
    let mut world = desk(AccountOptions::default());
    let call = customer(&mut world, 0);
    let from = mark(&world);
    event(&mut world, SipEvent::ReferAsked { call, target: caller("1002"), replaces: false });
    assert_eq!(sip(&world, from), [""; 0]);
    passes(&mut world, Duration::from_secs(25));
    assert_eq!(sip(&world, from), [format!("RefuseRefer {{ call: ({}) }}", call.0)]);
    event(&mut world, SipEvent::ReferAsked { call, target: caller("1002"), replaces: true });
    assert_eq!(command(&mut world, "grant", Command::Grant { call, choice: 1 }), Some("command.unknown_choice"));
    assert_eq!(command(&mut world, "grant", Command::Grant { call, choice: 0 }), None);
    let new = newest(&world);
    let from = mark(&world);
    opens(&mut world, new);
    assert!(sip(&world, from)[0].starts_with(&format!("AcceptRefer {{ call: ({}), new: ({})", call.0, new.0)));
    // It comes to nothing: back to who asked.
    let from = mark(&world);
    ended(&mut world, new, EndReason::Busy);
    assert_eq!(sip(&world, from), [format!("Hold {{ call: ({}), on: false }}", call.0)]);
}

#[test]
fn a_refer_to_a_premium_number_is_refused_at_once_and_told() {
    let mut world = desk(AccountOptions::default());
    let call = customer(&mut world, 0);
    let from = mark(&world);
    event(&mut world, SipEvent::ReferAsked { call, target: caller("+1900555"), replaces: false });
    assert_eq!(sip(&world, from), [format!("RefuseRefer {{ call: ({}) }}", call.0)]);
    assert_eq!(codes(&world), ["ask.refused"]);
}

#[test]
fn redirections_are_asked_never_premium_and_never_in_a_circle() {
    let mut world = desk(AccountOptions::default());
    let dial = Command::Call { to: "600".into(), account: None, confirmed: false };
    command(&mut world, "call", dial.clone());
    let call = newest(&world);
    opens(&mut world, call);
    for hop in 0..5 {
        world.sip.remove(&call);
        let from = mark(&world);
        let targets = vec![caller("+1900555"), caller(&format!("60{hop}"))];
        event(&mut world, SipEvent::Redirected { call, targets });
        assert_eq!(sip(&world, from), [""; 0], "nothing is followed by itself");
        let offered = world.phone.call(call).and_then(|c| c.ask.clone()).expect("it is asked").targets;
        assert_eq!(offered, [caller(&format!("60{hop}"))]);
        assert_eq!(command(&mut world, "grant", Command::Grant { call, choice: 0 }), None);
        assert!(sip(&world, from)[0].contains(&format!("target: \"sip:60{hop}@pbx\"")));
    }
    event(&mut world, SipEvent::Redirected { call, targets: vec![caller("609")] });
    let failed = |code| EndReason::Failed { text: Text::new(code), status: None };
    assert_eq!(reason(&world, call), failed("call.redirect_loop"));

    command(&mut world, "call", dial);
    let call = newest(&world);
    opens(&mut world, call);
    event(&mut world, SipEvent::Redirected { call, targets: vec![caller("601")] });
    command(&mut world, "grant", Command::Grant { call, choice: 0 });
    event(
        &mut world,
        SipEvent::Redirected { call, targets: vec![Peer { uri: "sip:601@pbx;a=b".into(), ..caller("601") }] },
    );
    assert_eq!(reason(&world, call), failed("call.redirect_refused"), "back to where it came from");
}

#[test]
fn four_ring_and_the_rest_of_a_hundred_hear_busy() {
    let mut world = desk(AccountOptions::default());
    let from = mark(&world);
    for n in 0..100 {
        rings(&mut world, n, "123", CallHeaders::default());
    }
    let refused = sip(&world, from);
    assert_eq!((world.phone.calls().count(), refused.len()), (4, 96));
    assert!(refused.iter().all(|line| line.contains("status: 486")));
}

#[test]
fn who_does_not_want_to_be_rung_is_not_but_after_an_emergency_call() {
    let mut world = desk(AccountOptions::default());
    command(&mut world, "set_do_not_disturb", Command::SetDoNotDisturb(true));
    let call = rings(&mut world, 0, "123", CallHeaders::default());
    assert_eq!(reason(&world, call), EndReason::TurnedAway { text: Text::new("call.missed_do_not_disturb") });
    command(&mut world, "call", Command::Call { to: "112".into(), account: None, confirmed: false });
    let emergency = newest(&world);
    assert!(world.phone.call(emergency).is_some_and(|c| c.emergency));
    let call = rings(&mut world, 1, "0441", CallHeaders::default());
    assert_eq!(state(&world, call), CallState::Incoming);
    passes(&mut world, Duration::from_secs(30 * 60));
    let call = rings(&mut world, 2, "0441", CallHeaders::default());
    assert!(matches!(reason(&world, call), EndReason::TurnedAway { .. }));
}

#[test]
fn a_flood_that_a_rule_keeps_away_does_not_fill_the_call_log() {
    let rule =
        ForwardRule { on: true, when: ForwardWhen::Always, to: "0912".into(), by: ForwardBy::Redirect, until: None };
    for forwarding in [vec![], vec![rule]] {
        let answer = if forwarding.is_empty() { "status: 486" } else { "target: \"0912\"" };
        let mut world = desk(AccountOptions { forwarding, ..AccountOptions::default() });
        command(&mut world, "set_do_not_disturb", Command::SetDoNotDisturb(answer == "status: 486"));
        let from = mark(&world);
        for n in 0..200 {
            rings(&mut world, n, "123", CallHeaders::default());
        }
        let answered = sip(&world, from);
        assert!(answered.len() == 200 && answered.iter().all(|line| line.contains(answer)), "every one is answered");
        assert_eq!(world.phone.history().count(), 30);
        assert_eq!(told(&world, from, "NoticeRaised").len(), 1, "told once");
        passes(&mut world, Duration::from_secs(60));
        rings(&mut world, 200, "123", CallHeaders::default());
        assert_eq!(world.phone.history().count(), 31);
    }
}

#[test]
fn a_queue_waits_until_the_agent_is_ready_and_a_second_call_for_call_waiting() {
    let mut world = desk(AccountOptions::default());
    let queue = || CallHeaders { queue: Some("Sales".into()), ..CallHeaders::default() };
    command(&mut world, "set_agent_state", Command::SetAgentState(AgentState::NotReady(Some("Lunch".into()))));
    let from = mark(&world);
    let call = rings(&mut world, 0, "123", queue());
    assert_eq!(sip(&world, from), [format!("Reject {{ call: ({}), status: 480 }}", call.0)]);
    assert!(world.phone.call(call).is_none() && world.phone.history().next().is_none());
    command(&mut world, "set_agent_state", Command::SetAgentState(AgentState::Ready));
    let call = rings(&mut world, 1, "123", queue());
    assert_eq!(world.phone.call(call).and_then(|c| c.fields.queue.clone()).as_deref(), Some("Sales"));
    command(&mut world, "set_call_waiting", Command::SetCallWaiting(false));
    let second = rings(&mut world, 2, "456", CallHeaders::default());
    assert_eq!(reason(&world, second), EndReason::TurnedAway { text: Text::new("call.missed_busy") });
}

#[test]
fn the_intercom_answers_who_is_listed_and_opens_the_microphone_after_its_tone() {
    let colleague = |number: &str, intercom| Colleague {
        name: "Reza".into(),
        number: number.into(),
        lamp: LampKind::None,
        intercom,
    };
    let colleagues = vec![colleague("1002", true), colleague("1003", false)];
    let asks = || CallHeaders { answer_after: Some(0), ..CallHeaders::default() };
    // Only a PBX whose word on identities is trusted: a From can say anything.
    for (intercom, trust_identity, number, answered) in [
        (true, true, "1002", true),
        (true, true, "1003", false),
        (true, true, "9", false),
        (false, true, "1002", false),
        (true, false, "1002", false),
    ] {
        let colleagues = colleagues.clone();
        let mut world = desk(AccountOptions { intercom, trust_identity, colleagues, ..AccountOptions::default() });
        let call = rings(&mut world, 0, number, asks());
        world.input(Input::Timeout);
        assert_eq!(state(&world, call) == CallState::Answering, answered, "{number}");
        if answered {
            let from = mark(&world);
            goes_through(&mut world, call);
            assert!(!open(&world, call) && !told(&world, from, "PlayTone(Test)").is_empty());
            passes(&mut world, Duration::from_millis(1800));
            assert!(open(&world, call));
        }
    }
}
