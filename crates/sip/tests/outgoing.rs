//! The calling side with a scripted PBX: targets, the INVITE, failures, challenges, redirects, CANCEL, wires.

mod script;

use hatif_sip::text::{Method, Request};
use hatif_sip::*;
use script::*;

fn contact() -> String {
    format!("Contact: <sip:1002@{PBX}>\n")
}

fn body(request: &Request) -> String {
    String::from_utf8_lossy(&request.body).into_owned()
}

#[test]
fn the_invite_is_what_a_pbx_expects() {
    let mut rig = Rig::new();
    let invite = rig.dial("+49 (30) 123-45");
    assert_eq!(invite.uri, "sip:+493012345@pbx.example");
    assert_eq!(invite.headers.text("To").as_deref(), Some("<sip:+493012345@pbx.example>"));
    assert_eq!(invite.headers.text("Contact").as_deref(), Some("<sip:alice@10.0.0.1:5060>"));
    assert_eq!(invite.headers.text("User-Agent").as_deref(), Some("Hatif/0"));
    assert_eq!(invite.headers.text("Supported").as_deref(), Some("replaces, norefersub, timer, 100rel"));
    let sdp = body(&invite);
    for line in [
        "m=audio 7000 RTP/AVP 96 0 8 97 101\r\n",
        "a=rtpmap:96 opus/48000/2\r\n",
        "a=fmtp:96 minptime=10;useinbandfec=1\r\n",
        "a=rtpmap:97 telephone-event/48000\r\n",
        "a=rtpmap:101 telephone-event/8000\r\n",
        "a=sendrecv\r\n",
    ] {
        assert!(sdp.contains(line), "{line} in {sdp}");
    }
}

#[test]
fn targets_are_read_as_people_write_them() {
    for (typed, uri) in [
        ("1002", Some("sip:1002@pbx.example")),
        ("*21#", Some("sip:*21%23@pbx.example")),
        ("bob", Some("sip:bob@pbx.example")),
        ("bob smith", Some("sip:bob%20smith@pbx.example")),
        ("bob@other.example", Some("sip:bob@other.example")),
        ("sip:bob@other.example:5070;transport=tcp", Some("sip:bob@other.example:5070;transport=tcp")),
        ("SIP:bob@other.example?Replaces=x%3Bto-tag=1&Body=y", Some("sip:bob@other.example")),
        ("sip:bob@other.example;method=REFER", Some("sip:bob@other.example")),
        ("tel:+1-201-555-0123;ext=5", Some("sip:+12015550123@pbx.example")),
        ("sips:bob@other.example", None),
        ("", None),
        ("a\r\nEvil: 1", None),
        ("<sip:a@b>", None),
        ("sip:", None),
        ("bob@", None),
        ("bob@ho st", None),
        ("bob@other.example;x=a b", None),
    ] {
        let mut rig = Rig::new();
        rig.act(Input::Invite { account: ACCOUNT, call: CALL, target: typed.into(), media: local_media() });
        let sent: Vec<String> = rig.requests(Method::Invite).into_iter().map(|r| r.uri).collect();
        assert_eq!(sent, Vec::from_iter(uri.map(str::to_string)), "{typed}");
        assert_eq!(rig.ends().is_empty(), uri.is_some(), "{typed}");
    }
}

#[test]
fn failures_mean_something() {
    use EndReason::*;
    for (status, reason) in [
        (400, Other { status: 400 }),
        (401, Unauthorized),
        (403, Forbidden),
        (404, NotFound),
        (408, TimedOut),
        (410, Gone),
        (480, TemporarilyUnavailable),
        (484, AddressIncomplete),
        (486, Busy),
        (488, NoCommonCodec),
        (500, ServerError),
        (504, Unreachable),
        (600, Busy),
        (603, Rejected),
        (604, NotFound),
        (302, Other { status: 302 }),
    ] {
        let mut rig = Rig::new();
        let invite = rig.dial("1002");
        rig.reply(&invite, status, "t", "", "");
        rig.request(Method::Ack);
        assert_eq!(rig.ends(), [reason], "{status}");
        let Some((_, Event::Ended { status: told, .. })) = rig.events.last() else { panic!() };
        assert_eq!(*told, Some(status));
        rig.reply(&invite, status, "t", "", "");
        rig.request(Method::Ack);
        rig.seconds(40);
        assert_eq!((rig.agent.poll_timeout(), rig.agent.leftovers().calls), (None, 0));
    }
}

#[test]
fn an_invite_is_authenticated_and_the_call_goes_on() {
    let mut rig = Rig::new();
    let invite = rig.dial("1002");
    rig.reply(&invite, 407, "x", "Proxy-Authenticate: Digest realm=\"pbx\", nonce=\"n1\", qop=\"auth\"\n", "");
    rig.request(Method::Ack);
    let again = rig.request(Method::Invite);
    assert!(again.headers.text("Proxy-Authorization").is_some_and(|v| v.contains("uri=\"sip:1002@pbx.example\"")));
    assert_eq!((again.call_id(), again.from_tag()), (invite.call_id(), invite.from_tag()));
    assert_eq!(again.cseq().map(|c| c.0), Some(2));
    assert_eq!(again.body, invite.body);
    rig.reply(&again, 180, "t", &contact(), "");
    rig.reply(&again, 200, "t", &contact(), OFFER);
    let ack = rig.request(Method::Ack);
    assert_eq!(ack.cseq().map(|c| c.0), Some(2));
    rig.act(Input::HangUp { call: CALL });
    assert_eq!(rig.request(Method::Bye).cseq().map(|c| c.0), Some(3));
}

#[test]
fn redirects_are_told_best_first_and_never_followed() {
    let mut rig = Rig::new();
    let invite = rig.dial("1002");
    let contacts = "Contact: \"Low\" <sip:1@pbx.example>;q=0.1, <sip:2@other.example?Replaces=x>\nContact: <tel:+4930>;q=0.7, \
                    <http://evil.example/>;q=1, <mailto:a@b>\nContact: <sip:3@x;method=BYE>;q=0.5, <sip:4@x>;q=0.4, \
                    <sip:5@x>;q=0.3, <sip:6@x>;q=0.2\n";
    rig.reply(&invite, 302, "t", contacts, "");
    rig.request(Method::Ack);
    assert_eq!(rig.requests(Method::Invite), []);
    let Some((_, Event::Redirected { call: CALL, targets })) = rig.events.last() else { panic!("{:?}", rig.events) };
    let uris: Vec<&str> = targets.iter().map(|t| t.uri.as_str()).collect();
    assert_eq!(uris, ["sip:2@other.example", "tel:+4930", "sip:3@x", "sip:4@x", "sip:5@x"]);
    assert_eq!(rig.ends(), []);
    // Hanging up says nothing any more; the id is free, and the copies of the old answer disturb nobody.
    rig.act(Input::HangUp { call: CALL });
    let again = rig.dial("sip:2@other.example");
    assert_eq!(again.uri, "sip:2@other.example");
    assert_ne!(again.call_id(), invite.call_id());
    rig.reply(&invite, 302, "t", contacts, "");
    rig.request(Method::Ack);
    rig.reply(&again, 486, "u", "", "");
    assert_eq!(rig.ends(), [EndReason::Busy]);
    rig.seconds(60);
    assert_eq!((rig.agent.poll_timeout(), rig.agent.leftovers()), (None, Leftovers::default()));
}

#[test]
fn redirects_to_nobody_end_the_call() {
    for (status, contact) in [
        (302, "Contact: <http://evil.example/>\n".to_string()),
        (300, String::new()),
        (305, "Contact: <sip:proxy@x>\n".to_string()),
        (380, "Contact: <sip:1@x>\n".to_string()),
        (302, format!("Contact: <sip:{}@x>\n", "1".repeat(200))),
    ] {
        let mut rig = Rig::new();
        let invite = rig.dial("1002");
        rig.reply(&invite, status, "t", &contact, "");
        assert_eq!(rig.ends(), [EndReason::Other { status }]);
    }
}

#[test]
fn a_call_waits_for_its_wire_and_ends_with_it() {
    let mut rig = Rig::with(config(AccountKind::Registrar, Transport::Tls));
    rig.act(Input::WireDown { account: ACCOUNT, failure: WireFailure::Closed });
    rig.act(Input::Invite { account: ACCOUNT, call: CALL, target: "1002".into(), media: local_media() });
    assert_eq!((rig.opened.len(), rig.sent.len()), (1, 0));
    rig.wire_up();
    rig.request(Method::Invite);
    let mut rig = Rig::with(config(AccountKind::Registrar, Transport::Tls));
    rig.act(Input::WireDown { account: ACCOUNT, failure: WireFailure::Closed });
    rig.act(Input::Invite { account: ACCOUNT, call: CALL, target: "1002".into(), media: local_media() });
    rig.act(Input::WireDown { account: ACCOUNT, failure: WireFailure::CertificateWrongName });
    assert_eq!(rig.ends(), [EndReason::Wire(WireFailure::CertificateWrongName)]);
    assert_eq!(rig.agent.poll_timeout(), None);
}

#[test]
fn a_call_outlives_its_stream_and_hangs_up_over_the_next() {
    let mut rig = Rig::with(config(AccountKind::Registrar, Transport::Tcp));
    rig.outgoing_call();
    rig.act(Input::WireDown { account: ACCOUNT, failure: WireFailure::Closed });
    assert_eq!(rig.ends(), []);
    rig.act(Input::HangUp { call: CALL });
    assert_eq!((rig.ends(), rig.opened.len()), (vec![EndReason::LocalHangUp], 1));
    rig.wire_up();
    let bye = rig.request(Method::Bye);
    rig.reply(&bye, 200, "", "", "");
    rig.seconds(40);
    assert_eq!((rig.agent.poll_timeout(), rig.agent.leftovers().calls), (None, 0));
}

#[test]
fn nobody_answers_for_three_minutes() {
    let mut rig = Rig::new();
    let invite = rig.dial("1002");
    rig.reply(&invite, 180, "t", &contact(), "");
    rig.seconds(179);
    assert_eq!(rig.ends(), []);
    rig.seconds(1);
    assert_eq!(rig.ends(), [EndReason::NoAnswer]);
    rig.request(Method::Cancel);
}

#[test]
fn an_invite_into_the_void_times_out() {
    let mut rig = Rig::new();
    rig.act(Input::Invite { account: ACCOUNT, call: CALL, target: "1002".into(), media: local_media() });
    rig.seconds(32);
    assert_eq!(rig.requests(Method::Invite).len(), 7, "timer A");
    assert_eq!(rig.ends(), [EndReason::TimedOut]);
    assert_eq!(rig.agent.poll_timeout(), None);
}

#[test]
fn cancel_waits_for_a_provisional_response() {
    let mut rig = Rig::new();
    let invite = rig.dial("1002");
    rig.act(Input::HangUp { call: CALL });
    assert_eq!(rig.ends(), [EndReason::Cancelled], "the user's call ends at once");
    assert_eq!(rig.requests(Method::Cancel), []);
    rig.reply(&invite, 100, "", "", "");
    let cancel = rig.request(Method::Cancel);
    assert_eq!(cancel.headers.text("Via"), invite.headers.text("Via"));
    assert_eq!(cancel.cseq().map(|c| c.0), invite.cseq().map(|c| c.0));
    assert_eq!(cancel.uri, invite.uri);
    rig.reply(&cancel, 200, "t", "", "");
    rig.reply(&invite, 487, "t", "", "");
    assert_eq!(rig.request(Method::Ack).headers.text("Via"), invite.headers.text("Via"));
    rig.seconds(60);
    assert_eq!((rig.agent.poll_timeout(), rig.agent.leftovers().calls), (None, 0));
}

#[test]
fn an_answer_that_crosses_our_cancel_is_acknowledged_and_hung_up() {
    let mut rig = Rig::new();
    let invite = rig.dial("1002");
    rig.reply(&invite, 180, "t", &contact(), "");
    rig.act(Input::HangUp { call: CALL });
    let cancel = rig.request(Method::Cancel);
    rig.reply(&invite, 200, "t", &contact(), OFFER);
    rig.request(Method::Ack);
    let bye = rig.request(Method::Bye);
    rig.reply(&cancel, 481, "t", "", "");
    rig.reply(&bye, 200, "", "", "");
    assert_eq!(rig.ends(), [EndReason::Cancelled]);
    rig.seconds(60);
    assert_eq!((rig.agent.poll_timeout(), rig.agent.leftovers().calls), (None, 0));
}

#[test]
fn a_call_that_rings_over_a_dead_stream_ends() {
    let mut rig = Rig::with(config(AccountKind::Registrar, Transport::Tcp));
    rig.invite("", OFFER);
    rig.act(Input::WireDown { account: ACCOUNT, failure: WireFailure::Closed });
    assert_eq!(rig.ends(), [EndReason::Wire(WireFailure::Closed)]);
    // Over UDP it can be answered once the network is back.
    let mut rig = Rig::new();
    let (call, ..) = rig.invite("", OFFER);
    rig.act(Input::WireDown { account: ACCOUNT, failure: WireFailure::NoNetwork });
    rig.wire_up();
    rig.act(Input::Answer { call, media: local_media() });
    assert_eq!((rig.statuses(), rig.ends()), (vec![200], vec![]));
}

#[test]
fn requests_in_a_dialog_go_where_the_peer_is() {
    let hosts = |rig: &Rig| {
        rig.sent
            .iter()
            .map(|(to, _)| match to {
                Destination::Host { hop, .. } => hop.to_string(),
                Destination::NextHop => "next hop".into(),
                Destination::Source { addr, .. } => format!("back to {addr}"),
            })
            .collect::<Vec<_>>()
    };
    for (kind, transport, contact, record_route, expected) in [
        (AccountKind::Registrar, Transport::Udp, "192.0.2.1", "", "next hop"),
        (AccountKind::Registrar, Transport::Udp, "192.0.2.1:5061", "", "192.0.2.1:5061"),
        (AccountKind::Registrar, Transport::Udp, "203.0.113.9", "", "203.0.113.9"),
        (AccountKind::Registrar, Transport::Udp, "203.0.113.9", "<sip:192.0.2.1;lr>", "next hop"),
        (AccountKind::Registrar, Transport::Udp, "203.0.113.9", "<sip:PBX.example;lr>", "next hop"),
        (AccountKind::Registrar, Transport::Tls, "10.1.1.1:5061", "", "next hop"),
        (AccountKind::Direct, Transport::Udp, "pbx.example", "", "pbx.example"),
        (AccountKind::Direct, Transport::Tcp, "203.0.113.9:5080", "", "203.0.113.9:5080"),
    ] {
        let mut rig = Rig::with(config(kind, transport));
        let invite = rig.dial("1002");
        let head = format!("Contact: <sip:1002@{contact}>\n");
        let head = if record_route.is_empty() { head } else { format!("{head}Record-Route: {record_route}\n") };
        rig.reply(&invite, 200, "t", &head, OFFER);
        rig.act(Input::HangUp { call: CALL });
        assert_eq!(hosts(&rig), [expected, expected], "{kind:?} {transport:?} {contact} {record_route}");
    }
}

#[test]
fn a_bye_that_could_not_be_sent_is_sent_again() {
    let mut rig = Rig::new();
    rig.outgoing_call();
    rig.act(Input::HangUp { call: CALL });
    let bye = rig.request(Method::Bye);
    let id = rig.last_send.expect("sent");
    rig.act(Input::SendFailed { account: ACCOUNT, id, failure: WireFailure::NoNetwork });
    rig.seconds(1);
    assert_eq!(rig.request(Method::Bye), bye);
}
