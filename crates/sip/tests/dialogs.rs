//! Calls with a scripted peer: forks, crossings, lost ACKs, late offers, glare, early media, redirects, identities; and
//! the requests that must be refused.

mod script;

use hatif_sip::text::{Message, Method, Request};
use hatif_sip::*;
use script::*;
use std::time::Duration;

fn held(local: bool, remote: bool) -> Event {
    Event::Hold { call: CALL, local, remote }
}

fn contact() -> String {
    format!("Contact: <sip:1002@{PBX}>\n")
}

fn with_direction(direction: &str) -> String {
    format!("{OFFER}a={direction}\r\n")
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
    assert_eq!(invite.headers.count("Supported"), 0, "no 100rel, no timer: neither is spoken yet");
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
fn early_media_is_heard_before_the_answer() {
    let mut rig = Rig::new();
    let invite = rig.dial("1002");
    rig.reply(&invite, 180, "t", &contact(), "");
    rig.reply(&invite, 183, "t", &contact(), OFFER);
    rig.reply(&invite, 183, "t", &contact(), OFFER);
    rig.reply(&invite, 200, "t", &contact(), OFFER);
    let told: Vec<&Event> = rig.events.iter().map(|(_, e)| e).collect();
    assert!(
        matches!(
            told[..],
            [
                Event::Ringing { early_media: false, .. },
                Event::Media { .. },
                Event::Ringing { early_media: true, .. },
                Event::Answered { .. }
            ]
        ),
        "{told:?}"
    );
}

#[test]
fn the_answer_may_have_come_with_the_183_only() {
    let mut rig = Rig::new();
    let invite = rig.dial("1002");
    rig.reply(&invite, 183, "t", &contact(), OFFER);
    rig.reply(&invite, 200, "t", &contact(), "");
    assert!(matches!(rig.events.last(), Some((_, Event::Answered { .. }))));
}

#[test]
fn of_several_forks_the_first_answer_wins() {
    let mut rig = Rig::new();
    let invite = rig.dial("1002");
    rig.reply(&invite, 180, "a", &contact(), "");
    rig.reply(&invite, 180, "b", &contact(), "");
    rig.reply(&invite, 200, "b", "Contact: <sip:b@192.0.2.1>\n", OFFER);
    let ack = rig.request(Method::Ack);
    assert_eq!((ack.to_tag().as_deref(), ack.uri.as_str()), (Some("b"), "sip:b@192.0.2.1"));
    rig.reply(&invite, 200, "a", "Contact: <sip:a@192.0.2.1>\n", OFFER);
    let (ack, bye) = (rig.request(Method::Ack), rig.request(Method::Bye));
    assert_eq!((ack.to_tag().as_deref(), bye.to_tag().as_deref()), (Some("a"), Some("a")));
    assert_eq!(bye.uri, "sip:a@192.0.2.1");
    // Both 2xx come again, their ACKs were lost.
    for tag in ["a", "b", "a"] {
        rig.reply(&invite, 200, tag, &contact(), OFFER);
        assert_eq!(rig.request(Method::Ack).to_tag().as_deref(), Some(tag));
    }
    assert_eq!(rig.requests(Method::Bye), []);
    assert_eq!(rig.ends(), []);
    rig.reply(&bye, 200, "", "", "");
    rig.from_callee(&invite, "b", Method::Bye, 1, "");
    assert_eq!(rig.ends(), [EndReason::RemoteHangUp]);
    rig.seconds(60);
    assert_eq!((rig.agent.poll_timeout(), rig.agent.leftovers().calls), (None, 0));
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
fn redirects_are_followed_five_times_and_only_to_the_own_pbx() {
    let mut rig = Rig::new();
    let mut invite = rig.dial("1002");
    for n in 0..5 {
        rig.reply(&invite, 302, "t", &format!("Contact: <sip:evil@203.0.113.9>, <sip:{n}@pbx.example>\n"), "");
        invite = rig.request(Method::Invite);
        assert_eq!(invite.uri, format!("sip:{n}@pbx.example"));
    }
    rig.reply(&invite, 302, "t", "Contact: <sip:6@pbx.example>\n", "");
    assert_eq!(rig.requests(Method::Invite), []);
    assert_eq!(rig.ends(), [EndReason::Other { status: 302 }]);
    let mut rig = Rig::new();
    let invite = rig.dial("1002");
    rig.reply(&invite, 302, "t", "Contact: <sip:1002@203.0.113.9>\n", "");
    assert_eq!(rig.requests(Method::Invite), []);
    assert_eq!(rig.ends(), [EndReason::Other { status: 302 }]);
}

#[test]
fn our_200_is_repeated_until_the_ack_and_a_lost_ack_ends_the_call() {
    let mut rig = Rig::new();
    let (call, invite, _) = rig.invite("", OFFER);
    rig.act(Input::Answer { call, media: local_media() });
    rig.seconds(31);
    assert_eq!(rig.responses().len(), 10, "T1 doubling to T2");
    assert!(!rig.events.iter().any(|(_, e)| matches!(e, Event::Answered { .. })));
    rig.hear(&invite.to_bytes());
    assert_eq!(rig.responses().len(), 0, "copies of the INVITE are absorbed (RFC 6026)");
    rig.seconds(1);
    assert_eq!(rig.ends(), [EndReason::TimedOut]);
    rig.request(Method::Bye);
    rig.seconds(60);
    assert_eq!((rig.agent.poll_timeout(), rig.agent.leftovers().calls), (None, 0));
}

#[test]
fn hanging_up_before_the_ack_says_bye_after_it() {
    let mut rig = Rig::new();
    let (call, invite, _) = rig.invite("", OFFER);
    rig.act(Input::Answer { call, media: local_media() });
    let ok = rig.responses().pop().expect("200");
    rig.act(Input::HangUp { call });
    assert_eq!(rig.ends(), [EndReason::LocalHangUp]);
    assert_eq!(rig.requests(Method::Bye), []);
    rig.in_dialog(&invite, &ok, Method::Ack, 1, "");
    rig.request(Method::Bye);
}

#[test]
fn a_late_offer_gets_ours_and_its_answer_in_the_ack() {
    let mut rig = Rig::new();
    let (call, invite, _) = rig.invite("", "");
    rig.act(Input::Answer { call, media: local_media() });
    let ok = rig.responses().pop().expect("200");
    assert!(String::from_utf8_lossy(&ok.body).contains("opus/48000/2"));
    assert!(!rig.events.iter().any(|(_, e)| matches!(e, Event::Media { .. })));
    rig.in_dialog(&invite, &ok, Method::Ack, 1, OFFER);
    let told: Vec<_> = rig.events[1..].iter().map(|(_, e)| e).collect();
    assert!(
        matches!(told[..], [Event::Media { session, .. }, Event::Answered { .. }] if session.codec == Codec::Pcmu),
        "{told:?}"
    );
    // An ACK without the answer that it owes ends the call.
    let mut rig = Rig::new();
    let (call, invite, _) = rig.invite("", "");
    rig.act(Input::Answer { call, media: local_media() });
    let ok = rig.responses().pop().expect("200");
    rig.in_dialog(&invite, &ok, Method::Ack, 1, "");
    assert_eq!(rig.ends(), [EndReason::NoCommonCodec]);
    rig.request(Method::Bye);
}

#[test]
fn the_peer_holds_and_resumes() {
    for hold in [
        with_direction("sendonly"),
        with_direction("inactive"),
        OFFER.replace("c=IN IP4 192.0.2.1", "c=IN IP4 0.0.0.0"),
    ] {
        let mut rig = Rig::new();
        let (call, invite, ok) = rig.incoming_call();
        rig.in_dialog(&invite, &ok, Method::Invite, 2, &hold);
        let answer = rig.responses().pop().expect("200");
        assert_eq!(answer.status, 200);
        rig.in_dialog(&invite, &ok, Method::Ack, 2, "");
        let Some((_, Event::Hold { local: false, remote: true, .. })) = rig.events.last() else {
            panic!("{:?}", rig.events)
        };
        let sends = |rig: &Rig| {
            rig.events.iter().rev().find_map(|(_, e)| match e {
                Event::Media { session, .. } => Some(session.send),
                _ => None,
            })
        };
        assert_eq!(sends(&rig), Some(false), "{hold}");
        rig.in_dialog(&invite, &ok, Method::Update, 3, OFFER);
        assert_eq!(rig.statuses(), [200]);
        let last: Vec<_> = rig.events.iter().rev().take(2).map(|(_, e)| e.clone()).collect();
        assert!(last.contains(&Event::Hold { call, local: false, remote: false }), "{last:?}");
        assert_eq!(sends(&rig), Some(true));
    }
}

#[test]
fn we_hold_resume_and_hold_when_both_do() {
    let mut rig = Rig::new();
    let invite = rig.outgoing_call();
    rig.act(Input::Hold { call: CALL, on: true });
    let hold = rig.request(Method::Invite);
    assert!(body(&hold).contains("a=sendonly"), "{}", body(&hold));
    let version =
        |sdp: &str| sdp.lines().find(|l| l.starts_with("o=")).and_then(|l| l.split(' ').nth(2)?.parse::<u64>().ok());
    assert_eq!(version(&body(&hold)), version(&body(&invite)).map(|v| v + 1));
    rig.reply(&hold, 200, "t", &contact(), &with_direction("recvonly"));
    rig.request(Method::Ack);
    assert_eq!(rig.events.last().map(|e| e.1.clone()), Some(held(true, false)));
    // They hold, too.
    rig.from_callee(&invite, "t", Method::Update, 1, &with_direction("sendonly"));
    let answer = rig.responses().pop().expect("200");
    assert!(String::from_utf8_lossy(&answer.body).contains("a=inactive"));
    assert_eq!(rig.events.last().map(|e| e.1.clone()), Some(held(true, true)));
    rig.act(Input::Hold { call: CALL, on: false });
    let resume = rig.request(Method::Invite);
    assert!(body(&resume).contains("a=sendrecv"));
    rig.reply(&resume, 200, "t", &contact(), &with_direction("sendonly"));
    assert_eq!(rig.events.last().map(|e| e.1.clone()), Some(held(false, true)));
    rig.act(Input::Hold { call: CALL, on: true });
    let hold = rig.requests(Method::Invite).pop().expect("re-INVITE");
    assert!(body(&hold).contains("a=inactive"), "{}", body(&hold));
}

#[test]
fn a_refused_hold_leaves_the_call_as_it_was() {
    let mut rig = Rig::new();
    rig.outgoing_call();
    rig.act(Input::Hold { call: CALL, on: true });
    let hold = rig.request(Method::Invite);
    rig.reply(&hold, 488, "t", "", "");
    assert_eq!(rig.events.last().map(|e| e.1.clone()), Some(held(false, false)));
    rig.seconds(10);
    assert_eq!((rig.requests(Method::Invite), rig.ends()), (vec![], vec![]));
}

#[test]
fn glare_is_491_and_another_try() {
    let mut rig = Rig::new();
    let invite = rig.outgoing_call();
    rig.act(Input::Hold { call: CALL, on: true });
    let hold = rig.request(Method::Invite);
    rig.from_callee(&invite, "t", Method::Invite, 1, OFFER);
    assert_eq!(rig.statuses(), [491]);
    rig.reply(&hold, 491, "t", "", "");
    rig.requests(Method::Ack);
    rig.pass(Duration::from_millis(2_000));
    assert_eq!(rig.requests(Method::Invite), [], "who made the call waits at least 2.1 s");
    rig.seconds(2);
    let hold = rig.requests(Method::Invite).pop().expect("another try");
    rig.reply(&hold, 200, "t", &contact(), &with_direction("recvonly"));
    assert_eq!(rig.events.last().map(|e| e.1.clone()), Some(held(true, false)));
}

#[test]
fn a_dialog_that_the_peer_forgot_is_over() {
    let mut rig = Rig::new();
    rig.outgoing_call();
    rig.act(Input::Hold { call: CALL, on: true });
    let hold = rig.request(Method::Invite);
    rig.reply(&hold, 481, "t", "", "");
    assert_eq!(rig.ends(), [EndReason::RemoteHangUp]);
    rig.request(Method::Bye);
}

#[test]
fn requests_in_dialogs_are_answered_by_the_book() {
    let mut rig = Rig::new();
    let (_, invite, ok) = rig.incoming_call();
    for (method, seq, status) in [
        (Method::Info, 5, 200),
        (Method::Options, 6, 200),
        (Method::Info, 4, 500),
        (Method::Prack, 7, 481),
        (Method::Refer, 8, 603),
        (Method::Message, 9, 405),
        (Method::Subscribe, 10, 405),
        (Method::Notify, 11, 489),
        (Method::Other("FOO".into()), 12, 501),
        (Method::Update, 13, 200),
    ] {
        rig.in_dialog(&invite, &ok, method.clone(), seq, "");
        assert_eq!(rig.statuses(), [status], "{method}");
    }
    // A BYE with wrong tags hangs nobody up.
    let mut other = ok.clone();
    other.headers.set("To", "<sip:alice@pbx.example>;tag=guessed");
    rig.in_dialog(&invite, &other, Method::Bye, 20, "");
    assert_eq!(rig.statuses(), [481]);
    assert_eq!(rig.ends(), []);
    rig.in_dialog(&invite, &ok, Method::Bye, 21, "");
    assert_eq!((rig.statuses(), rig.ends()), (vec![200], vec![EndReason::RemoteHangUp]));
}

#[test]
fn a_reinvite_without_common_codec_harms_nothing() {
    let mut rig = Rig::new();
    let (_, invite, ok) = rig.incoming_call();
    for offer in ["v=0\r\nm=audio 4000 RTP/AVP 18\r\nc=IN IP4 192.0.2.1\r\n", "rubbish"] {
        rig.in_dialog(&invite, &ok, Method::Invite, 2, offer);
        assert_eq!(rig.statuses(), [488]);
    }
    rig.in_dialog(&invite, &ok, Method::Invite, 3, &OFFER.replace("4000", "4002"));
    assert_eq!(rig.statuses(), [200]);
    let moved =
        rig.events.iter().any(|(_, e)| matches!(e, Event::Media { session, .. } if session.remote.port() == 4002));
    assert!(moved, "{:?}", rig.events);
    // While our 200 waits for its ACK, another one must wait.
    rig.in_dialog(&invite, &ok, Method::Invite, 4, OFFER);
    let refused = rig.responses().pop().expect("500");
    assert!(refused.status == 500 && refused.headers.count("Retry-After") == 1);
    assert_eq!(rig.ends(), []);
}

#[test]
fn an_offerless_reinvite_gets_our_offer() {
    let mut rig = Rig::new();
    let (_, invite, ok) = rig.incoming_call();
    rig.in_dialog(&invite, &ok, Method::Invite, 2, "");
    let offer = rig.responses().pop().expect("200");
    assert!(String::from_utf8_lossy(&offer.body).contains("m=audio 7000"));
    rig.in_dialog(&invite, &ok, Method::Ack, 2, &with_direction("sendonly"));
    assert!(rig.events.iter().any(|(_, e)| matches!(e, Event::Hold { remote: true, .. })));
}

#[test]
fn new_requests_are_judged_by_the_book() {
    let mut rig = Rig::new();
    for (method, head, body, status) in [
        ("OPTIONS", "", "", 200),
        ("REFER", "Refer-To: <sip:premium@pbx.example>\r\n", "", 603),
        ("MESSAGE", "", "hello", 405),
        ("SUBSCRIBE", "Event: dialog\r\n", "", 405),
        ("PUBLISH", "Event: presence\r\n", "", 405),
        ("REGISTER", "", "", 405),
        ("NOTIFY", "Event: message-summary\r\n", "", 481),
        ("NOTIFY", "Event: check-sync\r\n", "", 489),
        ("BYE", "", "", 481),
        ("CANCEL", "", "", 481),
        ("INFO", "", "", 481),
        ("UPDATE", "", "", 481),
        ("FOO", "", "", 501),
        ("INVITE", "Require: 100rel\r\n", "", 420),
        ("INVITE", "Content-Type: text/plain\r\n", "hello", 415),
        ("INVITE", "Content-Type: application/sdp\r\nContent-Encoding: gzip\r\n", "x", 415),
        ("INVITE", "Content-Type: application/sdp\r\n", "rubbish", 400),
        (
            "INVITE",
            "Content-Type: application/sdp\r\n",
            "v=0\r\nc=IN IP4 192.0.2.1\r\nm=audio 4000 RTP/SAVP 0\r\n",
            488,
        ),
        ("INVITE", "Content-Type: application/sdp\r\n", "v=0\r\nc=IN IP4 192.0.2.1\r\nm=audio 4000 RTP/AVP 9\r\n", 488),
    ] {
        let text = rig.peer_request(method, head, body);
        rig.hear(text.as_bytes());
        let responses = rig.responses();
        assert_eq!(responses.iter().map(|r| r.status).collect::<Vec<_>>(), [status], "{text}");
        let response = &responses[0];
        match status {
            405 => assert!(response.headers.has_option("Allow", "INVITE")),
            420 => assert_eq!(response.headers.text("Unsupported").as_deref(), Some("100rel")),
            200 => assert!(response.headers.has_option("Accept", "application/sdp")),
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
fn a_cancelled_call_is_missed_or_was_answered_elsewhere() {
    for (head, reason) in [
        ("", EndReason::Missed),
        ("Reason: SIP;cause=200;text=\"Call completed elsewhere\"\r\n", EndReason::AnsweredElsewhere),
        ("Reason: Q.850;cause=26 , SIP ;cause=200\r\n", EndReason::AnsweredElsewhere),
        ("Reason: SIP;cause=487\r\n", EndReason::Missed),
    ] {
        let mut rig = Rig::new();
        let (_, invite, ringing) = rig.invite("", OFFER);
        let mut text = format!("CANCEL {} SIP/2.0\r\n", invite.uri);
        for name in ["Via", "From", "To", "Call-ID"] {
            text.push_str(&format!("{name}: {}\r\n", invite.headers.text(name).expect(name)));
        }
        text.push_str(&format!("CSeq: 1 CANCEL\r\n{head}Content-Length: 0\r\n\r\n"));
        rig.hear(text.as_bytes());
        let responses = rig.responses();
        assert_eq!(responses.iter().map(|r| r.status).collect::<Vec<_>>(), [200, 487]);
        assert_eq!(responses[1].to_tag(), ringing.to_tag());
        assert_eq!(rig.ends(), [reason], "{head}");
        // The 487 is repeated until its ACK.
        rig.seconds(2);
        assert_eq!(rig.statuses(), [487, 487]);
        let ack = text.replace("CANCEL", "ACK");
        rig.hear(ack.as_bytes());
        rig.seconds(40);
        assert_eq!((rig.statuses(), rig.agent.poll_timeout()), (vec![], None));
    }
}

#[test]
fn a_call_that_nobody_cancels_stops_ringing() {
    let mut rig = Rig::new();
    rig.invite("", OFFER);
    rig.seconds(200);
    assert_eq!(rig.statuses(), [180, 180, 180], "proxies are reminded every minute");
    rig.seconds(101);
    assert_eq!(rig.ends(), [EndReason::Missed]);
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
fn info_carries_a_digit() {
    let mut rig = Rig::new();
    rig.outgoing_call();
    rig.act(Input::Info { call: CALL, digit: '#' });
    let info = rig.request(Method::Info);
    assert_eq!(info.headers.text("Content-Type").as_deref(), Some("application/dtmf-relay"));
    assert_eq!(body(&info), "Signal=#\r\nDuration=160\r\n");
    rig.act(Input::Info { call: CALL, digit: '\n' });
    assert_eq!(rig.requests(Method::Info), []);
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

/// Whatever a peer challenges, credentials go to the own PBX only.
#[test]
fn credentials_never_leave_the_own_pbx() {
    let leaked = |rig: &Rig| {
        rig.sent.iter().any(|(_, m)| match m {
            Message::Request(r) => r.headers.count("Authorization") + r.headers.count("Proxy-Authorization") > 0,
            Message::Response(_) => false,
        })
    };
    let mut cases = 0;
    for kind in [AccountKind::Registrar, AccountKind::Direct] {
        for transport in [Transport::Udp, Transport::Tcp, Transport::Tls] {
            for (status, name) in [(401, "WWW-Authenticate"), (407, "Proxy-Authenticate")] {
                for realm in ["pbx", "evil"] {
                    for what in ["INVITE", "re-INVITE", "BYE", "INFO"] {
                        for incoming in [false, true] {
                            if what == "INVITE" && incoming {
                                continue;
                            }
                            cases += 1;
                            let mut rig = Rig::with(config(kind, transport));
                            if kind == AccountKind::Registrar {
                                // The realm is pinned: the account has its PBX.
                                rig.act(Input::Register(ACCOUNT));
                                let register = rig.request(Method::Register);
                                rig.reply(
                                    &register,
                                    401,
                                    "r",
                                    "WWW-Authenticate: Digest realm=\"pbx\", nonce=\"n\", qop=\"auth\"\n",
                                    "",
                                );
                                let register = rig.request(Method::Register);
                                rig.reply(&register, 200, "r", "Expires: 600\n", "");
                            }
                            let challenge =
                                format!("{name}: Digest realm=\"{realm}\", nonce=\"rogue\", qop=\"auth\"\n");
                            let request = rogue_challenges(&mut rig, what, incoming);
                            rig.sent.clear();
                            rig.reply(&request, status, "t", &challenge, "");
                            // A proxy in our own path may ask again in its own realm; a far endpoint may not.
                            let own_proxy = kind == AccountKind::Registrar && status == 407 && realm == "pbx";
                            let via_pbx = transport != Transport::Udp || what == "INVITE";
                            if !(own_proxy && via_pbx) {
                                let ctx = format!("{kind:?} {transport:?} {status} {realm} {what} incoming {incoming}");
                                assert!(!leaked(&rig), "{ctx}: {:?}", rig.sent);
                            }
                        }
                    }
                }
            }
        }
    }
    assert!(cases >= 96 * 3 / 2, "{cases}");
}

/// Brings a call with a peer at an address of its own to the request that is to be challenged.
fn rogue_challenges(rig: &mut Rig, what: &str, incoming: bool) -> Request {
    let call = if incoming {
        let text = rig.peer_request("INVITE", "", OFFER).replace(&format!("1002@{PBX}"), "rogue@203.0.113.9:5060");
        let text = text.replace("Content-Length", "Content-Type: application/sdp\r\nContent-Length");
        rig.hear(text.as_bytes());
        let Some((_, Event::Incoming { call, .. })) = rig.events.last() else { panic!("{:?}", rig.events) };
        let call = *call;
        rig.act(Input::Answer { call, media: local_media() });
        let ok = rig.responses().pop().expect("200");
        let Ok(Message::Request(invite)) = hatif_sip::text::parse(text.as_bytes()) else { panic!() };
        rig.in_dialog(&invite, &ok, Method::Ack, 1, "");
        call
    } else {
        let invite = rig.dial("rogue@203.0.113.9");
        if what == "INVITE" {
            return invite;
        }
        rig.reply(&invite, 200, "t", "Contact: <sip:rogue@203.0.113.9:5060>\n", OFFER);
        rig.request(Method::Ack);
        CALL
    };
    match what {
        "re-INVITE" => {
            rig.act(Input::Hold { call, on: true });
            rig.request(Method::Invite)
        }
        "INFO" => {
            rig.act(Input::Info { call, digit: '1' });
            rig.request(Method::Info)
        }
        _ => {
            rig.act(Input::HangUp { call });
            rig.request(Method::Bye)
        }
    }
}
