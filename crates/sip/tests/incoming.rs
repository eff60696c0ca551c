//! What peers ask of an agent outside of its dialogs: who is listened to, who calls, what is refused and how.

mod script;

use hatif_sip::text::Method;
use hatif_sip::*;
use script::*;
use std::time::Duration;

#[test]
fn new_requests_are_judged_by_the_book() {
    let mut rig = Rig::new();
    for (method, head, body, status) in [
        ("OPTIONS", "", "", 200),
        ("REFER", "Refer-To: <sip:premium@pbx.example>\r\n", "", 403),
        ("MESSAGE", "", "hello", 415),
        ("MESSAGE", "Content-Type: text/html\r\n", "hello", 415),
        ("SUBSCRIBE", "Event: dialog\r\n", "", 405),
        ("PUBLISH", "Event: presence\r\n", "", 405),
        ("REGISTER", "", "", 405),
        ("NOTIFY", "Event: refer\r\n", "", 481),
        ("NOTIFY", "Event: dialog\r\n", "", 481),
        ("NOTIFY", "Event: check-sync\r\n", "", 489),
        ("BYE", "", "", 481),
        ("CANCEL", "", "", 481),
        ("INFO", "", "", 481),
        ("UPDATE", "", "", 481),
        ("FOO", "", "", 501),
        ("INVITE", "Require: gruu\r\n", "", 420),
        ("INVITE", "Content-Type: text/plain\r\n", "hello", 415),
        ("INVITE", "Content-Type: application/sdp\r\nContent-Encoding: gzip\r\n", "x", 415),
        ("INVITE", "Content-Type: application/sdp\r\n", "rubbish", 400),
        (
            "INVITE",
            "Content-Type: application/sdp\r\n",
            "v=0\r\nc=IN IP4 192.0.2.1\r\nm=audio 4000 RTP/SAVP 0\r\n",
            488,
        ),
        (
            "INVITE",
            "Content-Type: application/sdp\r\n",
            "v=0\r\nc=IN IP4 192.0.2.1\r\nm=audio 4000 RTP/AVP 18\r\n",
            488,
        ),
    ] {
        let text = rig.peer_request(method, head, body);
        rig.hear(text.as_bytes());
        let responses = rig.responses();
        assert_eq!(responses.iter().map(|r| r.status).collect::<Vec<_>>(), [status], "{text}");
        let response = &responses[0];
        match status {
            405 => assert!(response.headers.has_option("Allow", "INVITE")),
            420 => assert_eq!(response.headers.text("Unsupported").as_deref(), Some("gruu")),
            200 => assert!(response.headers.has_option("Accept", "application/sdp")),
            415 if text.starts_with("MESSAGE") => assert!(response.headers.has_option("Accept", "text/plain")),
            415 => assert_eq!(response.headers.text("Accept").as_deref(), Some("application/sdp")),
            _ => {}
        }
        assert!(response.to_tag().is_some());
    }
    assert_eq!(rig.events, []);
}

#[test]
fn merged_requests_are_refused_and_copies_answered_alike() {
    let mut rig = Rig::new();
    let text = rig.peer_request("INVITE", "Content-Type: application/sdp\r\n", OFFER);
    rig.hear(text.as_bytes());
    rig.hear(text.as_bytes());
    assert_eq!(rig.statuses(), [180, 180]);
    rig.hear(text.replace("z9hG4bKp", "z9hG4bKother").as_bytes());
    assert_eq!(rig.statuses(), [482]);
    assert_eq!(rig.events.len(), 1, "one call");
}

#[test]
fn requests_from_elsewhere_are_dropped_unanswered() {
    let mut rig = Rig::new();
    let (_, invite, ok) = rig.incoming_call();
    rig.events.clear();
    for method in ["INVITE", "OPTIONS", "BYE", "CANCEL", "NOTIFY", "REFER", "MESSAGE", "REGISTER", "FOO"] {
        let text = rig.peer_request(method, "", "");
        rig.hear_from("203.0.113.9:5060", text.as_bytes());
    }
    // Even with the right tags.
    let mut bye = rig.in_dialog(&invite, &ok, Method::Info, 3, "");
    rig.responses();
    bye.method = Method::Bye;
    bye.headers.set("CSeq", "4 BYE");
    rig.hear_from("203.0.113.9:5060", &bye.to_bytes());
    rig.hear_from("203.0.113.9:5060", b"OPTIONS sip:x SIP/3.0\r\n\r\n");
    assert_eq!((rig.sent.len(), rig.events.len()), (0, 0));
    // Another port of the PBX is the PBX; so is its address mapped into IPv6.
    let text = rig.peer_request("OPTIONS", "", "");
    rig.hear_from("192.0.2.1:9999", text.as_bytes());
    let text = rig.peer_request("OPTIONS", "", "");
    rig.hear_from("[::ffff:192.0.2.1]:5060", text.as_bytes());
    assert_eq!(rig.statuses(), [200, 200]);
}

#[test]
fn a_direct_account_listens_to_everybody_but_believes_no_asserted_identity() {
    let mut rig = Rig::with(config(AccountKind::Direct, Transport::Udp));
    let text = rig.peer_request("INVITE", "P-Asserted-Identity: \"Boss\" <sip:1@pbx.example>\r\n", "");
    rig.hear_from("203.0.113.9:5060", text.as_bytes());
    let Some((_, Event::Incoming { peer, .. })) = rig.events.last() else { panic!() };
    assert_eq!((peer.name.as_deref(), peer.address.as_str()), (Some("Bob"), "1002"));
    let mut rig = Rig::new();
    rig.invite("P-Asserted-Identity: \"Boss\" <sip:+4930@pbx.example>, <tel:+4930>\r\n", OFFER);
    let Some((_, Event::Incoming { peer, .. })) = rig.events.last() else { panic!() };
    assert_eq!((peer.name.as_deref(), peer.address.as_str()), (Some("Boss"), "+4930"));
}

/// Its state says whether it can be called: port open, port taken, switched off.
#[test]
fn a_direct_account_tells_whether_it_can_be_called() {
    let states = |rig: &mut Rig| -> Vec<RegistrationState> {
        let state = |(_, event)| match event {
            Event::Registration { state, .. } => state,
            other => panic!("{other:?}"),
        };
        rig.events.drain(..).map(state).collect()
    };
    let listening = RegistrationState::Up { expires: Duration::ZERO };
    let mut rig = Rig::with(config(AccountKind::Direct, Transport::Udp));
    rig.act(Input::Unregister(ACCOUNT));
    assert_eq!(states(&mut rig), [RegistrationState::Off]);
    let text = rig.peer_request("INVITE", "", OFFER);
    rig.hear(text.as_bytes());
    assert_eq!((rig.statuses(), rig.events.len()), (vec![480], 0), "nobody rings a phone that is off");
    rig.act(Input::Register(ACCOUNT));
    assert_eq!(states(&mut rig), vec![listening.clone()]);
    rig.act(Input::WireDown { account: ACCOUNT, failure: WireFailure::PortInUse });
    let down = states(&mut rig);
    let cause = Cause::Wire(WireFailure::PortInUse);
    assert!(matches!(&down[..], [RegistrationState::Down { cause: c, retry_at: Some(_) }] if *c == cause), "{down:?}");
    rig.seconds(5);
    rig.wire_up();
    assert_eq!(states(&mut rig), [listening]);
    assert_eq!(rig.requests(Method::Register).len(), 0, "there is nobody to register with");
}

#[test]
fn what_the_pbx_says_about_a_call() {
    let mut rig = Rig::new();
    rig.invite("X-Queue-Name: Sup\u{202e}port\r\nDiversion: <sip:55@pbx.example>;reason=no-answer, <sip:+49304711@pbx.example>;reason=unconditional\r\n", OFFER);
    let Some((_, Event::Incoming { headers, .. })) = rig.events.last() else { panic!() };
    assert_eq!(headers.queue.as_deref(), Some("Support"));
    assert_eq!(headers.dialled.as_deref(), Some("+49304711"));
    assert_eq!(headers.target, "alice");
    rig.invite("History-Info: <sip:800@pbx.example>;index=1, <sip:alice@pbx.example>;index=1.1\r\n", OFFER);
    let Some((_, Event::Incoming { headers, .. })) = rig.events.last() else { panic!() };
    assert_eq!(headers.dialled.as_deref(), Some("800"));
}

#[test]
fn hostile_names_are_cleaned_and_broken_ones_refused() {
    let mut rig = Rig::new();
    let text =
        rig.peer_request("INVITE", "", "").replace("\"Bob\"", &format!("\"\u{202e}<b>\\\"{}\"", "x".repeat(10_000)));
    rig.hear(text.as_bytes());
    let Some((_, Event::Incoming { peer, .. })) = rig.events.last() else { panic!() };
    let name = peer.name.as_deref().expect("a name");
    assert!(name.starts_with("<b>\"xxx") && name.chars().count() == 128);
    rig.responses();
    for from in ["/", "\"Bob\\", "\"Bob\\\" <sip:1@x>;tag=1", "<sip:1@x", "sip:", ";;;", "<>;tag=1"] {
        let text = rig.peer_request("INVITE", "", "").replace("\"Bob\" <sip:1002@pbx.example>", from);
        rig.hear(text.as_bytes());
        let statuses = rig.statuses();
        assert!(statuses == [400] || statuses.is_empty(), "{from}: {statuses:?}");
    }
    assert_eq!(rig.events.len(), 1);
}

#[test]
fn too_many_ringing_calls_are_told_busy() {
    let mut rig = Rig::new();
    for _ in 0..8 {
        rig.invite("", OFFER);
    }
    let text = rig.peer_request("INVITE", "", "");
    rig.hear(text.as_bytes());
    assert_eq!(rig.statuses(), [486]);
}

#[test]
fn a_flood_harms_no_call() {
    let mut rig = Rig::with(config(AccountKind::Direct, Transport::Udp));
    let (call, invite, ok) = rig.incoming_call();
    for _ in 0..2_500 {
        let text = rig.peer_request("OPTIONS", "", "");
        rig.hear(text.as_bytes());
    }
    let answered = rig.statuses().len();
    assert!((1_000..=2_000).contains(&answered), "{answered}");
    rig.act(Input::Hold { call, on: true });
    let hold = rig.request(Method::Invite);
    rig.reply(&hold, 200, "", "", &format!("{OFFER}a=recvonly\r\n"));
    assert!(matches!(rig.events.last(), Some((_, Event::Hold { local: true, .. }))));
    rig.in_dialog(&invite, &ok, Method::Bye, 9, "");
    assert_eq!((rig.statuses(), rig.ends()), (vec![200], vec![EndReason::RemoteHangUp]));
    // Once the flood is over, everybody is heard again.
    rig.seconds(33);
    rig.responses();
    rig.invite("", OFFER);
}

#[test]
fn an_offer_may_be_one_part_of_several() {
    let mut rig = Rig::new();
    let body = format!(
        "--b\r\nContent-Type: application/isup\r\n\r\n\u{1}\u{2}\r\n--b\r\nContent-Type: application/sdp\r\n\r\n{OFFER}\r\n--b--\r\n"
    );
    let text = rig.peer_request("INVITE", "Content-Type: multipart/mixed;boundary=b\r\n", &body);
    rig.hear(text.as_bytes());
    assert_eq!(rig.statuses(), [180]);
    let Some((_, Event::Incoming { call, .. })) = rig.events.last() else { panic!("{:?}", rig.events) };
    let call = *call;
    rig.act(Input::Answer { call, media: local_media() });
    assert_eq!(rig.statuses(), [200]);
    assert!(matches!(rig.events.last(), Some((_, Event::Media { session, .. })) if session.codec == Codec::Pcmu));
}
