//! Subscriptions and messages with a scripted PBX (RFC 6665, RFC 4235, RFC 3842, RFC 3428).

mod script;

use hatif_sip::text::{Method, Request};
use hatif_sip::*;
use script::*;

const WATCH: SubscriptionId = SubscriptionId(3);

fn watch(rig: &mut Rig, package: Package) -> Request {
    rig.act(Input::Subscribe { account: ACCOUNT, subscription: WATCH, package, target: "1003".into() });
    rig.request(Method::Subscribe)
}

/// The SUBSCRIBE of the rig's watch, granted under the tag `n`.
fn watched(rig: &mut Rig, package: Package) -> Request {
    let subscribe = watch(rig, package);
    rig.reply(&subscribe, 200, "n", &format!("Contact: <sip:1003@{PBX}>\nExpires: 600\n"), "");
    subscribe
}

/// A NOTIFY in the dialog of `subscribe`, and what it is answered with.
fn notify(rig: &mut Rig, subscribe: &Request, tag: &str, seq: u32, state: &str, kind: &str, body: &str) -> u16 {
    rig.number += 1;
    let mut request = Request::new(Method::Notify, format!("sip:alice@{OWN}"));
    request.headers.push("Via", format!("SIP/2.0/UDP {PBX};branch=z9hG4bKn{}", rig.number));
    request.headers.push(
        "From",
        format!("{};tag={tag}", subscribe.headers.text("To").expect("To").split(";tag").next().expect("To")),
    );
    request.headers.push("To", subscribe.headers.bytes("From").expect("From"));
    request.headers.push("Call-ID", subscribe.call_id());
    request.headers.push("CSeq", format!("{seq} NOTIFY"));
    request.headers.push("Contact", format!("<sip:1003@{PBX}>"));
    request.headers.push("Event", subscribe.headers.bytes("Event").expect("Event"));
    request.headers.push("Subscription-State", state);
    if !body.is_empty() {
        request.set_body(kind, body.as_bytes().to_vec());
    }
    rig.hear(&request.to_bytes());
    rig.statuses().pop().expect("an answer")
}

const INFO: &str = "application/dialog-info+xml";

fn info(version: u32, state: &str, dialogs: &str) -> String {
    format!(
        "<?xml version=\"1.0\"?><dialog-info xmlns=\"urn:ietf:params:xml:ns:dialog-info\" version=\"{version}\" state=\"{state}\" entity=\"sip:1003@pbx\">{dialogs}</dialog-info>"
    )
}

const RINGS: &str = "<dialog id=\"a\" direction=\"recipient\"><state>early</state><remote><identity>sip:200@pbx</identity></remote></dialog>";
const TALKS: &str = "<dialog id=\"a\"><state>confirmed</state></dialog>";

fn lamps(rig: &mut Rig) -> Vec<Lamp> {
    let events = std::mem::take(&mut rig.events);
    let lamp = |(_, e)| if let Event::Lamp { lamp, subscription: WATCH } = e { Some(lamp) } else { None };
    events.into_iter().filter_map(lamp).collect()
}

fn downs(rig: &mut Rig) -> Vec<(RequestFailure, bool)> {
    let events = std::mem::take(&mut rig.events);
    let down = |(_, e)| match e {
        Event::SubscriptionDown { failure, retry, .. } => Some((failure, retry)),
        _ => None,
    };
    events.into_iter().filter_map(down).collect()
}

#[test]
fn a_line_is_watched_refreshed_and_let_go() {
    let mut rig = Rig::new();
    let subscribe = watch(&mut rig, Package::Dialog);
    assert_eq!(subscribe.uri, "sip:1003@pbx.example");
    assert_eq!(subscribe.headers.text("Event").as_deref(), Some("dialog"));
    assert_eq!(subscribe.headers.text("Accept").as_deref(), Some(INFO));
    rig.reply(&subscribe, 401, "x", "WWW-Authenticate: Digest realm=\"pbx\", nonce=\"n\", qop=\"auth\"\n", "");
    let subscribe = rig.request(Method::Subscribe);
    assert_eq!((subscribe.headers.count("Authorization"), subscribe.cseq().map(|c| c.0)), (1, Some(2)));
    rig.reply(&subscribe, 202, "n", &format!("Contact: <sip:1003@{PBX}>\nExpires: 600\n"), "");
    assert_eq!(notify(&mut rig, &subscribe, "n", 1, "active;expires=600", INFO, &info(0, "full", "")), 200);
    assert_eq!(lamps(&mut rig), [Lamp::Free]);
    assert_eq!(
        notify(&mut rig, &subscribe, "n", 2, "active;expires=18446744073709551615", INFO, &info(1, "partial", RINGS)),
        200
    );
    assert!(matches!(&lamps(&mut rig)[..], [Lamp::Ringing { caller: Some(peer) }] if peer.address == "200"));
    notify(&mut rig, &subscribe, "n", 3, "active", INFO, &info(2, "partial", TALKS));
    // Nothing new, an older one, one that cannot be read: nothing is told.
    notify(&mut rig, &subscribe, "n", 4, "active", INFO, &info(3, "full", TALKS));
    assert_eq!(notify(&mut rig, &subscribe, "n", 2, "active", INFO, &info(9, "full", "")), 500);
    notify(&mut rig, &subscribe, "n", 5, "active", INFO, "<dialog-info");
    assert_eq!(lamps(&mut rig), [Lamp::Busy]);
    // A gap: the whole is asked for, in the dialog.
    rig.seconds(10);
    notify(&mut rig, &subscribe, "n", 6, "active", INFO, &info(9, "partial", ""));
    let again = rig.request(Method::Subscribe);
    assert_eq!((again.call_id(), again.to_tag().as_deref()), (subscribe.call_id(), Some("n")));
    rig.reply(&again, 200, "", "Expires: 120\n", "");
    // It is refreshed before it runs out.
    rig.seconds(80);
    assert_eq!(rig.requests(Method::Subscribe), []);
    rig.seconds(25);
    let refresh = rig.request(Method::Subscribe);
    assert_eq!(refresh.to_tag().as_deref(), Some("n"));
    rig.reply(&refresh, 200, "", "Expires: 600\n", "");
    rig.act(Input::Unsubscribe { subscription: WATCH });
    let goodbye = rig.request(Method::Subscribe);
    assert_eq!(goodbye.headers.text("Expires").as_deref(), Some("0"));
    rig.reply(&goodbye, 200, "", "Expires: 0\n", "");
    assert_eq!(notify(&mut rig, &subscribe, "n", 7, "terminated;reason=timeout", INFO, &info(0, "full", TALKS)), 200);
    assert_eq!(lamps(&mut rig), []);
    rig.seconds(40);
    assert_eq!((rig.agent.poll_timeout(), rig.agent.leftovers()), (None, Leftovers::default()));
}

#[test]
fn a_notify_may_come_before_its_200_and_a_fork_is_not_listened_to() {
    let mut rig = Rig::new();
    let subscribe = watch(&mut rig, Package::Presence);
    let pidf = |basic: &str| {
        format!(
            "<presence xmlns=\"urn:ietf:params:xml:ns:pidf\"><tuple id=\"1\"><status><basic>{basic}</basic></status></tuple></presence>"
        )
    };
    let kind = "application/pidf+xml";
    assert_eq!(notify(&mut rig, &subscribe, "n", 1, "active;expires=300", kind, &pidf("open")), 200);
    assert_eq!(lamps(&mut rig), [Lamp::Free]);
    assert_eq!(notify(&mut rig, &subscribe, "fork", 1, "active", kind, &pidf("closed")), 481);
    rig.reply(&subscribe, 200, "n", &format!("Contact: <sip:1003@{PBX}>\nExpires: 600\n"), "");
    assert_eq!(notify(&mut rig, &subscribe, "n", 2, "active", kind, &pidf("closed")), 200);
    assert_eq!(lamps(&mut rig), [Lamp::Away]);
}

#[test]
fn refusals_are_for_good_or_not() {
    for (status, retry) in
        [(403, false), (404, false), (405, false), (489, false), (603, false), (480, true), (503, true)]
    {
        let mut rig = Rig::new();
        let subscribe = watch(&mut rig, Package::Dialog);
        rig.reply(&subscribe, status, "n", "", "");
        assert_eq!(downs(&mut rig), [(RequestFailure::Status(status), retry)]);
        rig.seconds(3_000);
        assert_eq!(!rig.requests(Method::Subscribe).is_empty(), retry, "{status}");
    }
    // Retry-After is heeded.
    let mut rig = Rig::new();
    let subscribe = watch(&mut rig, Package::Dialog);
    rig.reply(&subscribe, 503, "n", "Retry-After: 90\n", "");
    rig.seconds(89);
    assert_eq!(rig.requests(Method::Subscribe), []);
    rig.seconds(2);
    let again = rig.request(Method::Subscribe);
    assert_ne!(again.call_id(), subscribe.call_id());
    // Too brief.
    rig.reply(&again, 423, "n", "Min-Expires: 1800\n", "");
    assert_eq!(rig.request(Method::Subscribe).headers.text("Expires").as_deref(), Some("1800"));
    // Nobody at all.
    let mut rig = Rig::new();
    watch(&mut rig, Package::Dialog);
    rig.seconds(33);
    assert_eq!(downs(&mut rig), [(RequestFailure::TimedOut, true)]);
    rig.seconds(31);
    assert!(!rig.requests(Method::Subscribe).is_empty());
}

#[test]
fn what_the_notifier_ends_comes_back_as_it_says() {
    for (reason, again_after, told) in [
        ("deactivated", Some(0), None),
        ("timeout", Some(0), None),
        ("probation;retry-after=60", Some(60), Some(true)),
        ("giveup", Some(30), Some(true)),
        ("never heard of", Some(30), Some(true)),
        ("rejected", None, Some(false)),
        ("noresource", None, Some(false)),
    ] {
        let mut rig = Rig::new();
        let subscribe = watched(&mut rig, Package::Dialog);
        rig.seconds(20);
        rig.events.clear();
        let state = format!("terminated;reason={reason}");
        assert_eq!(notify(&mut rig, &subscribe, "n", 1, &state, INFO, ""), 200);
        assert_eq!(downs(&mut rig).first().map(|d| d.1), told, "{reason}");
        if let Some(seconds) = again_after.filter(|s| *s > 0) {
            rig.seconds(seconds - 1);
            assert_eq!(rig.requests(Method::Subscribe), [], "{reason}");
            rig.seconds(2);
        }
        match again_after {
            Some(_) => assert_ne!(rig.request(Method::Subscribe).call_id(), subscribe.call_id(), "{reason}"),
            None => {
                rig.seconds(4_000);
                assert_eq!(rig.requests(Method::Subscribe), [], "{reason}");
            }
        }
        // The old dialog is gone.
        assert_eq!(notify(&mut rig, &subscribe, "n", 2, "active", INFO, &info(5, "full", TALKS)), 481);
    }
}

#[test]
fn a_notifier_that_ends_it_over_and_over_makes_no_storm() {
    let mut rig = Rig::new();
    let mut subscribe = watched(&mut rig, Package::Dialog);
    let mut asked = 0;
    for _ in 0..60 {
        notify(&mut rig, &subscribe, "n", 1, "terminated;reason=deactivated", INFO, "");
        rig.seconds(1);
        if let Some(again) = rig.requests(Method::Subscribe).pop() {
            asked += 1;
            rig.reply(&again, 200, "n", &format!("Contact: <sip:1003@{PBX}>\nExpires: 600\n"), "");
            subscribe = again;
        }
    }
    assert!((10..=13).contains(&asked), "{asked} in a minute");
}

#[test]
fn a_forgotten_dialog_is_made_anew() {
    let mut rig = Rig::new();
    let subscribe = watched(&mut rig, Package::Dialog);
    rig.events.clear();
    rig.seconds(541);
    let refresh = rig.request(Method::Subscribe);
    assert_eq!(refresh.call_id(), subscribe.call_id());
    rig.reply(&refresh, 481, "", "", "");
    rig.seconds(6);
    let again = rig.request(Method::Subscribe);
    assert!(again.call_id() != subscribe.call_id() && again.to_tag().is_none());
    assert_eq!(downs(&mut rig), []);
}

#[test]
fn a_lost_wire_is_told_and_the_watch_comes_back_with_it() {
    let mut rig = Rig::with(config(AccountKind::Registrar, Transport::Tcp));
    let subscribe = watched(&mut rig, Package::Dialog);
    notify(&mut rig, &subscribe, "n", 1, "active", INFO, &info(0, "full", TALKS));
    assert_eq!(lamps(&mut rig), [Lamp::Busy]);
    rig.act(Input::WireDown { account: ACCOUNT, failure: WireFailure::Closed });
    assert_eq!(downs(&mut rig), [(RequestFailure::Wire(WireFailure::Closed), true)]);
    rig.seconds(5);
    assert!(!rig.opened.is_empty(), "the wire is opened again for it");
    rig.wire_up();
    let refresh = rig.request(Method::Subscribe);
    rig.reply(&refresh, 200, "", "Expires: 600\n", "");
    notify(&mut rig, &subscribe, "n", 2, "active", INFO, &info(1, "full", TALKS));
    assert_eq!(lamps(&mut rig), [Lamp::Busy], "the same lamp is told again after a loss");
}

#[test]
fn mailboxes_are_told_asked_for_or_not() {
    let kind = "application/simple-message-summary";
    let mut rig = Rig::new();
    rig.act(Input::Subscribe {
        account: ACCOUNT,
        subscription: WATCH,
        package: Package::MessageSummary,
        target: String::new(),
    });
    let subscribe = rig.request(Method::Subscribe);
    assert_eq!(subscribe.uri, "sip:alice@pbx.example", "one's own");
    rig.reply(&subscribe, 200, "n", &format!("Contact: <sip:a@{PBX}>\nExpires: 600\n"), "");
    notify(&mut rig, &subscribe, "n", 1, "active", kind, "Messages-Waiting: yes\r\nVoice-Message: 2/8 (0/2)\r\n");
    let mailbox = Mailbox { waiting: true, new: Some(2), old: Some(8) };
    assert_eq!(rig.events.last().map(|e| &e.1), Some(&Event::MessagesWaiting { account: ACCOUNT, mailbox }));
    let head = format!("Event: message-summary\r\nSubscription-State: active\r\nContent-Type: {kind}\r\n");
    let text = rig.peer_request("NOTIFY", &head, "Messages-Waiting: no\r\n");
    rig.hear(text.as_bytes());
    assert_eq!(rig.statuses(), [200]);
    let mailbox = Mailbox::default();
    assert_eq!(rig.events.last().map(|e| &e.1), Some(&Event::MessagesWaiting { account: ACCOUNT, mailbox }));
    // Where anybody may speak nobody tells of mailboxes.
    let mut rig = Rig::with(config(AccountKind::Direct, Transport::Udp));
    rig.hear(text.as_bytes());
    assert_eq!((rig.statuses(), rig.events.len()), (vec![481], 0));
}

#[test]
fn the_account_says_goodbye_for_its_watches() {
    let mut rig = Rig::new();
    watched(&mut rig, Package::Dialog);
    rig.act(Input::Stop);
    let goodbye = rig.request(Method::Subscribe);
    assert_eq!(goodbye.headers.text("Expires").as_deref(), Some("0"));
    assert!(!rig.events.iter().any(|(_, e)| *e == Event::Stopped));
    rig.reply(&goodbye, 200, "", "", "");
    assert!(rig.events.iter().any(|(_, e)| *e == Event::Stopped));
}

#[test]
fn an_account_made_anew_keeps_its_watches() {
    let mut rig = Rig::new();
    watched(&mut rig, Package::Dialog);
    let changed = AccountConfig { expires: 300, ..config(AccountKind::Registrar, Transport::Udp) };
    rig.act(Input::SetAccount(Box::new(changed)));
    rig.requests(Method::Subscribe);
    rig.wire_up();
    assert_eq!(rig.request(Method::Subscribe).to_tag(), None);
}

fn send(rig: &mut Rig, text: &str) -> Vec<Request> {
    let (message, target, text) = (MessageId(5), "1003".to_string(), text.to_string());
    rig.act(Input::Message { account: ACCOUNT, message, target, text });
    rig.requests(Method::Message)
}

fn sent(rig: &Rig) -> Vec<Result<(), RequestFailure>> {
    let result =
        |e: &Event| if let Event::MessageSent { message: MessageId(5), result } = e { Some(*result) } else { None };
    rig.events.iter().filter_map(|(_, e)| result(e)).collect()
}

#[test]
fn a_message_is_delivered_or_not() {
    for (status, result) in
        [(200, Ok(())), (202, Ok(())), (404, Err(RequestFailure::Status(404))), (415, Err(RequestFailure::Status(415)))]
    {
        let mut rig = Rig::new();
        let message = send(&mut rig, "سلام\n\u{202e}x").remove(0);
        assert_eq!(
            (message.uri.as_str(), message.body.as_slice()),
            ("sip:1003@pbx.example", "سلام\n\u{202e}x".as_bytes())
        );
        assert_eq!(message.headers.text("Content-Type").as_deref(), Some("text/plain;charset=UTF-8"));
        rig.reply(&message, 407, "x", "Proxy-Authenticate: Digest realm=\"pbx\", nonce=\"n\", qop=\"auth\"\n", "");
        let message = rig.request(Method::Message);
        assert_eq!(sent(&rig), []);
        rig.reply(&message, status, "x", "", "");
        assert_eq!(sent(&rig), [result]);
        rig.seconds(40);
        assert_eq!((rig.agent.poll_timeout(), rig.agent.leftovers()), (None, Leftovers::default()));
    }
    let mut rig = Rig::new();
    send(&mut rig, "x");
    rig.seconds(33);
    assert_eq!(sent(&rig), [Err(RequestFailure::TimedOut)]);
    let mut rig = Rig::new();
    assert_eq!(send(&mut rig, &"x".repeat(1_001)), []);
    assert_eq!(sent(&rig), [Err(RequestFailure::TooLong)]);
    let mut rig = Rig::with(config(AccountKind::Registrar, Transport::Tcp));
    assert_eq!(send(&mut rig, &"x".repeat(1_001)).len(), 1, "a stream carries more");
}

fn received(rig: &mut Rig, kind: &str, body: &str) -> (Vec<u16>, Vec<String>) {
    let text = rig.peer_request("MESSAGE", &format!("Content-Type: {kind}\r\n"), body);
    rig.hear(text.as_bytes());
    rig.hear(text.as_bytes());
    let mut statuses = rig.statuses();
    statuses.dedup();
    let events = std::mem::take(&mut rig.events);
    let text = |(_, e)| if let Event::MessageReceived { text, .. } = e { Some(text) } else { None };
    (statuses, events.into_iter().filter_map(text).collect())
}

#[test]
fn messages_are_taken_once_and_cleaned() {
    let mut rig = Rig::new();
    let text = " one\u{202e}\u{7} two\r\n\r\n\r\n\r\nthree\r\n";
    assert_eq!(received(&mut rig, "text/plain;charset=UTF-8", text), (vec![200], vec!["one two\n\nthree".to_string()]));
    assert_eq!(received(&mut rig, "text/plain", &"x".repeat(4_000)).1[0].len(), 4_000);
    assert_eq!(received(&mut rig, "text/plain", &"x".repeat(4_001)), (vec![413], vec![]));
    assert_eq!(received(&mut rig, "text/html", "<b>"), (vec![415], vec![]));
    assert_eq!(received(&mut rig, "application/im-iscomposing+xml", "<x/>"), (vec![415], vec![]));
    assert_eq!(received(&mut rig, "text/plain", " \r\n"), (vec![200], vec![]), "nothing to show");
    let (_, invite, ok) = rig.incoming_call();
    rig.in_dialog_with(&invite, &ok, Method::Message, 4, "", "text/plain", "within");
    assert_eq!(rig.statuses(), [200]);
    assert!(
        matches!(&rig.events.last(), Some((_, Event::MessageReceived { peer, text, .. })) if peer.address == "1002" && text == "within")
    );
}
