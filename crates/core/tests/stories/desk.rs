//! Dialling rules, forwarding, colleagues, messages, digits.

use super::*;

fn rule(when: ForwardWhen, by: ForwardBy) -> ForwardRule {
    ForwardRule { on: true, when, to: "0912".into(), by, until: None }
}

fn dial(to: &str, confirmed: bool) -> Command {
    Command::Call { to: to.into(), account: None, confirmed }
}

#[test]
fn numbers_are_rewritten_premium_ones_are_asked_about_blocked_ones_refused() {
    let rewriting = vec![NumberRule { starts_with: "0".into(), becomes: "+98".into(), length: None }];
    let blocked = vec!["+982".into()];
    let mut world = desk(AccountOptions { rewriting, blocked, ..AccountOptions::default() });
    let preview = Command::PreviewNumber { to: "0912".into(), account: None };
    let from = mark(&world);
    command(&mut world, "preview_number", preview);
    assert!(told(&world, from, "NumberPreview")[0].contains("dialled: Ok(\"+98912\")"));
    assert_eq!(command(&mut world, "call", dial("0909123", false)), Some("dial.premium"));
    assert_eq!(command(&mut world, "call", dial("021", true)), Some("dial.blocked"));
    assert_eq!(command(&mut world, "call", dial("0909123", true)), None);
    let call = newest(&world);
    let from = mark(&world);
    opens(&mut world, call);
    assert!(sip(&world, from)[0].contains("target: \"+98909123\""));
}

#[test]
fn who_is_not_answered_is_forwarded_and_the_rule_ends_at_its_hour() {
    let mut world = desk(AccountOptions::default());
    let until = Some(1_700_000_000 + 3600);
    let rules = vec![ForwardRule { until, ..rule(ForwardWhen::NoAnswer { after_s: 20 }, ForwardBy::Redirect) }];
    assert_eq!(command(&mut world, "set_forwarding", Command::SetForwarding(AccountId(1), rules)), None);
    assert!(world.phone.forwarding()[0].active);
    let call = rings(&mut world, 0, "123", CallHeaders::default());
    let from = mark(&world);
    passes(&mut world, Duration::from_secs(19));
    assert_eq!(sip(&world, from), [""; 0]);
    passes(&mut world, Duration::from_secs(1));
    assert_eq!(sip(&world, from), [format!("Redirect {{ call: ({}), target: \"0912\" }}", call.0)]);
    assert_eq!(reason(&world, call), EndReason::Forwarded);
    let from = mark(&world);
    passes(&mut world, Duration::from_secs(3600));
    assert!(world.phone.forwarding().is_empty() && !told(&world, from, "SaveAccount").is_empty());
}

#[test]
fn the_pbx_is_told_of_forwarding_by_its_codes() {
    let code = |text: &str| Some(text.to_owned());
    let codes = FeatureCodes {
        forward_always: code("*72{number}"),
        forward_always_off: code("*73"),
        pickup: code("*8{number}"),
        ..FeatureCodes::default()
    };
    let mut world = desk(AccountOptions { codes, ..AccountOptions::default() });
    let registered = |state| SipEvent::Registration { account: AccountId(1), state };
    event(&mut world, registered(Registration::Trying));
    let calls =
        |world: &World| world.phone.calls().filter(|c| !matches!(c.call.state, CallState::Ended { .. })).count();
    let rules = vec![rule(ForwardWhen::Always, ForwardBy::Code)];
    command(&mut world, "set_forwarding", Command::SetForwarding(AccountId(1), rules));
    assert_eq!(calls(&world), 0, "nobody is there yet to be told");
    event(&mut world, registered(Registration::Up));
    let on = newest(&world);
    assert_eq!(world.phone.call(on).map(|c| c.call.peer.address.as_str()), Some("*720912"));
    command(&mut world, "set_forwarding", Command::SetForwarding(AccountId(1), vec![]));
    assert_eq!(calls(&world), 1, "not beside a call");
    command(&mut world, "hang_up", Command::HangUp(on));
    event(&mut world, SipEvent::Ended { call: on, reason: EndReason::LocalHangUp });
    assert_eq!(world.phone.call(newest(&world)).map(|c| c.call.peer.address.as_str()), Some("*73"));
    let impossible = vec![rule(ForwardWhen::Unreachable, ForwardBy::Redirect)];
    let refused = command(&mut world, "set_forwarding", Command::SetForwarding(AccountId(1), impossible));
    assert_eq!(refused, Some("command.bad_account"));
    command(&mut world, "pickup", Command::Pickup { account: AccountId(1), number: "1002".into() });
    assert_eq!(world.phone.call(newest(&world)).map(|c| c.call.peer.address.as_str()), Some("*81002"));
}

#[test]
fn colleagues_are_watched_while_they_are_listed() {
    let colleague = Colleague { name: "Reza".into(), number: "1002".into(), lamp: LampKind::Dialog, intercom: false };
    let mut world =
        desk(AccountOptions { colleagues: vec![colleague], mailbox: Some("*97".into()), ..AccountOptions::default() });
    let subscribed = told(&world, 0, "Subscribe {");
    assert!(subscribed.iter().any(|s| s.contains("Dialog, target: \"1002\"")));
    assert!(subscribed.iter().any(|s| s.contains("MessageSummary, target: \"1001\"")));
    // The account's random options watched too, before: the newest subscriptions are the living ones.
    let number = |s: &String| s.split("SubscriptionId(").nth(1)?.split(')').next()?.parse::<u32>().ok();
    let dialog = subscribed.iter().filter(|s| s.contains("1002")).filter_map(number).max().expect("a subscription");
    let subscription = SubscriptionId(dialog);
    event(&mut world, SipEvent::Lamp { subscription, lamp: Lamp::Busy });
    assert_eq!(world.phone.colleagues()[0].lamp, Lamp::Busy);
    let mailbox = Mailbox { waiting: true, new: Some(2), old: None };
    event(&mut world, SipEvent::MessagesWaiting { account: AccountId(1), mailbox });
    assert_eq!(world.phone.mailboxes().collect::<Vec<_>>(), [(AccountId(1), mailbox, true)]);
    event(&mut world, SipEvent::SubscriptionDown { subscription, cause: Text::new("wire.closed"), retry: true });
    assert_eq!(world.phone.colleagues()[0].lamp, Lamp::Unknown);
    let from = mark(&world);
    let none = Box::new(AccountOptions::default());
    command(&mut world, "set_account_options", Command::SetAccountOptions(AccountId(1), none, None));
    assert_eq!(told(&world, from, "Unsubscribe").len(), 2);
    assert!(world.phone.colleagues().is_empty());
}

#[test]
fn messages_say_whether_they_arrived() {
    let mut world = desk(AccountOptions { help_to: Some("900".into()), ..AccountOptions::default() });
    let call = customer(&mut world, 0);
    let from = mark(&world);
    assert_eq!(command(&mut world, "help", Command::Help { call, text: "Sara".into() }), None);
    assert!(sip(&world, from)[0].contains("target: \"900\", text: \"Sara\""));
    let id = world.phone.messages().last().expect("it is kept").id;
    event(&mut world, SipEvent::MessageSent { message: id, result: Err(Text::new("call.not_found")) });
    assert_eq!(
        world.phone.messages().last().map(|m| m.delivery.clone()),
        Some(Delivery::Failed(Text::new("call.not_found")))
    );
    for n in 0..300 {
        let text = n.to_string();
        event(&mut world, SipEvent::MessageReceived { account: AccountId(1), peer: caller("1002"), text });
    }
    assert_eq!(world.phone.messages().count(), 200);
    let empty = Command::Message { account: AccountId(1), to: "1002".into(), text: " ".into() };
    assert_eq!(command(&mut world, "message", empty), Some("message.bad_text"));
}

#[test]
fn digits_by_info_keep_their_distance_and_their_pauses() {
    let mut world = desk(AccountOptions { dtmf: DtmfMode::Info, ..AccountOptions::default() });
    let call = customer(&mut world, 0);
    let from = mark(&world);
    command(&mut world, "dtmf", Command::Dtmf(call, "1,2".into()));
    let mut times = Vec::new();
    for ms in 0..200u64 {
        let before = sip(&world, from).len();
        passes(&mut world, Duration::from_millis(10));
        if sip(&world, from).len() > before {
            times.push(ms * 10);
        }
    }
    assert_eq!(sip(&world, from).len(), 2);
    assert!(times[0] > 1100 && times[0] < 1200, "the first at once, the second after the pause: {times:?}");
}

#[test]
fn what_the_far_side_types_is_kept_and_who_it_is_can_change() {
    let mut world = desk(AccountOptions::default());
    let call = customer(&mut world, 0);
    for digit in "0123456789".repeat(5).chars() {
        event(&mut world, SipEvent::Digit { call, digit });
    }
    assert_eq!(world.phone.call(call).map(|c| c.digits.len()), Some(32));
    event(&mut world, SipEvent::PeerChanged { call, peer: caller("456") });
    assert_eq!(world.phone.history().next().map(|row| row.peer.address.as_str()), Some("456"));
    assert_eq!(command(&mut world, "redial", Command::Redial), Some("command.nothing_to_redial"));
}
