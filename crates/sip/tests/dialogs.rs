//! Dialogs with a scripted peer: forks, crossings, lost ACKs, late offers, holds, glare, early media.

mod script;

use hatif_sip::text::{Method, Request};
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
    rig.callee_says(&invite, "b", Method::Bye, 1, "");
    assert_eq!(rig.ends(), [EndReason::RemoteHangUp]);
    rig.seconds(60);
    assert_eq!((rig.agent.poll_timeout(), rig.agent.leftovers().calls), (None, 0));
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
    rig.callee_says(&invite, "t", Method::Update, 1, &with_direction("sendonly"));
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
    rig.callee_says(&invite, "t", Method::Invite, 1, OFFER);
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
        (Method::Refer, 8, 400),
        (Method::Message, 9, 415),
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

/// The user is rid of the call at once; what the network lost is repeated behind it (RFC 3261 17.1.2: timers E and F).
#[test]
fn a_bye_that_nobody_hears_is_repeated_until_timer_f() {
    let mut rig = Rig::new();
    rig.outgoing_call();
    rig.act(Input::HangUp { call: CALL });
    assert_eq!(rig.ends(), [EndReason::LocalHangUp]);
    let times: Vec<usize> = [400, 200, 1000, 2000, 4000, 20_000]
        .map(|ms| {
            rig.pass(Duration::from_millis(ms));
            rig.requests(Method::Bye).len()
        })
        .to_vec();
    // 0 | 0.5 | 1.5 | 3.5 | 7.5 | 11.5, 15.5, 19.5, 23.5, 27.5 seconds
    assert_eq!(times, [1, 1, 1, 1, 1, 5]);
    rig.seconds(10);
    assert_eq!(rig.requests(Method::Bye).len(), 1, "the last at 31.5 s");
    rig.seconds(60);
    assert_eq!((rig.requests(Method::Bye).len(), rig.ends().len()), (0, 1));
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
fn info_carries_digits_one_after_the_other() {
    let mut rig = Rig::new();
    rig.outgoing_call();
    for digit in ['#', '\n', '1', 'b'] {
        rig.act(Input::Info { call: CALL, digit });
    }
    for digit in ['#', '1', 'B'] {
        let info = rig.request(Method::Info);
        assert_eq!(info.headers.text("Content-Type").as_deref(), Some("application/dtmf-relay"));
        assert_eq!(body(&info), format!("Signal={digit}\r\nDuration=160\r\n"));
        rig.reply(&info, 200, "", "", "");
    }
    assert_eq!(rig.requests(Method::Info), []);
}

#[test]
fn a_500_to_our_hold_is_tried_again_but_not_for_ever() {
    let mut rig = Rig::new();
    rig.outgoing_call();
    rig.act(Input::Hold { call: CALL, on: true });
    for _ in 0..6 {
        let hold = rig.request(Method::Invite);
        rig.reply(&hold, 500, "t", "", "");
        rig.pass(Duration::from_millis(600));
    }
    assert_eq!(rig.requests(Method::Invite), []);
    assert_eq!((rig.events.last().map(|e| e.1.clone()), rig.ends()), (Some(held(false, false)), vec![]));
}
