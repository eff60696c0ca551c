//! Session timers (RFC 4028), reliable provisional responses (RFC 3262) and UPDATE (RFC 3311), both roles.

mod script;

use hatif_sip::text::{Method, Request, Response};
use hatif_sip::*;
use script::*;

fn contact() -> String {
    format!("Contact: <sip:1002@{PBX}>\n")
}

fn header(headers: &hatif_sip::text::Headers, name: &str) -> String {
    headers.text(name).map(|v| v.into_owned()).unwrap_or_default()
}

/// An outgoing call answered under the tag `t`, with these header lines in the 200.
fn answered(rig: &mut Rig, head: &str) -> Request {
    let invite = rig.dial("1002");
    rig.reply(&invite, 200, "t", &format!("{}{head}", contact()), OFFER);
    rig.request(Method::Ack);
    invite
}

const UPDATES: &str = "Allow: INVITE, ACK, BYE, UPDATE\n";

#[test]
fn an_invite_asks_for_a_timer_and_goes_on_without() {
    let mut rig = Rig::new();
    let invite = rig.dial("1002");
    assert_eq!(header(&invite.headers, "Session-Expires"), "1800");
    assert!(invite.headers.has_option("Supported", "timer") && invite.headers.has_option("Supported", "100rel"));
    rig.reply(&invite, 200, "t", &contact(), OFFER);
    rig.request(Method::Ack);
    rig.seconds(24 * 3600);
    assert!(rig.sent.is_empty() && rig.ends().is_empty(), "nobody asked for a timer");
}

#[test]
fn a_session_of_ours_is_refreshed_at_half_time() {
    let mut rig = Rig::new();
    answered(&mut rig, &format!("{UPDATES}Require: timer\nSession-Expires: 90;refresher=uac\n"));
    for _ in 0..50 {
        rig.seconds(44);
        assert!(rig.sent.is_empty());
        rig.seconds(2);
        let update = rig.request(Method::Update);
        assert_eq!(header(&update.headers, "Session-Expires"), "90;refresher=uac");
        assert!(update.body.is_empty() && update.headers.has_option("Supported", "timer"));
        rig.reply(&update, 200, "t", &format!("{}Session-Expires: 90;refresher=uac\n", contact()), "");
    }
    assert!(rig.ends().is_empty());
    // From now on nobody answers: the call ends before the session does.
    rig.seconds(46);
    rig.requests(Method::Update);
    rig.seconds(32);
    assert_eq!(rig.ends(), [EndReason::TimedOut]);
    assert!(!rig.requests(Method::Bye).is_empty());
}

#[test]
fn a_peer_without_update_is_refreshed_by_reinvite() {
    let mut rig = Rig::new();
    answered(&mut rig, "Allow: INVITE, ACK, BYE\nSession-Expires: 90;refresher=uac\n");
    for _ in 0..5 {
        rig.seconds(46);
        let again = rig.request(Method::Invite);
        assert_eq!(header(&again.headers, "Session-Expires"), "90;refresher=uac");
        rig.reply(&again, 200, "t", &format!("{}Session-Expires: 90;refresher=uac\n", contact()), OFFER);
        rig.request(Method::Ack);
    }
    // One that is refused is tried again, and does not end the call at once.
    rig.seconds(46);
    let again = rig.request(Method::Invite);
    rig.reply(&again, 488, "t", "", "");
    rig.request(Method::Ack);
    assert!(rig.ends().is_empty());
    rig.seconds(6);
    rig.request(Method::Invite);
}

#[test]
fn what_the_peer_does_not_refresh_is_over() {
    let mut rig = Rig::new();
    answered(&mut rig, "Session-Expires: 90;refresher=uas\n");
    rig.seconds(59);
    assert!(rig.ends().is_empty() && rig.sent.is_empty());
    rig.seconds(2);
    assert_eq!(rig.ends(), [EndReason::TimedOut]);
    rig.request(Method::Bye);
}

#[test]
fn the_peers_refreshes_keep_a_call_up() {
    for method in [Method::Update, Method::Invite] {
        let mut rig = Rig::new();
        let invite = answered(&mut rig, "Session-Expires: 90;refresher=uas\n");
        for n in 0..20 {
            rig.seconds(50);
            let body = if method == Method::Invite { OFFER } else { "" };
            let head = "Session-Expires: 90;refresher=uac\nSupported: timer\n";
            let refresh = rig.callee_says_with(&invite, "t", method.clone(), 10 + n, head, body);
            let answer: Response = rig.responses().pop().expect("an answer");
            assert_eq!(answer.status, 200);
            assert_eq!(header(&answer.headers, "Session-Expires"), "90;refresher=uac");
            assert!(answer.headers.has_option("Require", "timer"));
            if method == Method::Invite {
                let seq = refresh.cseq().expect("CSeq").0;
                rig.callee_says(&invite, "t", Method::Ack, seq, "");
            }
        }
        assert!(rig.ends().is_empty());
    }
}

#[test]
fn too_short_a_timer_is_lengthened_by_either_side() {
    // They want more than we ask for.
    let mut rig = Rig::new();
    let invite = rig.dial("1002");
    rig.reply(&invite, 422, "x", "Min-SE: 4000\n", "");
    rig.request(Method::Ack);
    let again = rig.request(Method::Invite);
    assert_eq!(header(&again.headers, "Session-Expires"), "4000");
    assert_eq!(header(&again.headers, "Min-SE"), "4000");
    assert_eq!(again.call_id(), invite.call_id());
    // The same answer again is no reason to go on.
    rig.reply(&again, 422, "x", "Min-SE: 4000\n", "");
    assert_eq!(rig.ends(), [EndReason::Other { status: 422 }]);

    // We want at least 90.
    let mut rig = Rig::new();
    let head = "Supported: timer\r\nSession-Expires: 30\r\nContent-Type: application/sdp\r\n";
    let text = rig.peer_request("INVITE", head, OFFER);
    rig.hear(text.as_bytes());
    let refusal = rig.responses().pop().expect("an answer");
    assert_eq!((refusal.status, header(&refusal.headers, "Min-SE").as_str()), (422, "90"));
}

#[test]
fn a_caller_has_the_timer_that_it_asks_for() {
    for (head, said, required, ours) in [
        ("Supported: timer\r\nx: 100;refresher=uas\r\n", "100;refresher=uas", true, true),
        ("Supported: timer\r\nSession-Expires: 100\r\n", "100;refresher=uac", true, false),
        ("Session-Expires: 100\r\n", "100;refresher=uas", false, true),
        ("Session-Expires: 20;refresher=uac\r\n", "90;refresher=uas", false, true),
        ("Supported: timer\r\n", "", false, false),
    ] {
        let mut rig = Rig::new();
        let (call, invite, _) = rig.invite(&format!("{head}Allow: UPDATE\r\n"), OFFER);
        rig.act(Input::Answer { call, media: local_media() });
        let ok = rig.responses().pop().expect("200");
        assert_eq!(header(&ok.headers, "Session-Expires"), said, "{head}");
        assert_eq!(ok.headers.has_option("Require", "timer"), required, "{head}");
        rig.in_dialog(&invite, &ok, Method::Ack, 1, "");
        rig.seconds(51);
        assert_eq!(!rig.requests(Method::Update).is_empty(), ours, "{head}");
    }
}

#[test]
fn an_update_that_is_refused_says_what_to_do() {
    let timed = format!("{UPDATES}Session-Expires: 90;refresher=uac\n");
    let mut rig = Rig::new();
    answered(&mut rig, &timed);
    rig.seconds(46);
    let update = rig.request(Method::Update);
    rig.reply(&update, 422, "t", "Min-SE: 200\n", "");
    rig.seconds(1);
    let update = rig.request(Method::Update);
    assert_eq!(header(&update.headers, "Session-Expires"), "200;refresher=uac");
    rig.reply(&update, 481, "t", "", "");
    assert_eq!(rig.ends(), [EndReason::RemoteHangUp]);

    let mut rig = Rig::new();
    answered(&mut rig, &timed);
    rig.seconds(46);
    let update = rig.request(Method::Update);
    rig.reply(&update, 405, "t", "", "");
    rig.seconds(1);
    rig.request(Method::Invite);
}

#[test]
fn reliable_responses_are_acknowledged_in_their_order() {
    let mut rig = Rig::new();
    let invite = rig.dial("1002");
    let reliable = |rseq: u32| format!("{}Require: 100rel\nRSeq: {rseq}\n", contact());
    rig.reply(&invite, 180, "t", &reliable(7), "");
    let prack = rig.request(Method::Prack);
    assert_eq!(header(&prack.headers, "RAck"), "7 1 INVITE");
    assert_eq!(prack.cseq().expect("CSeq").0, 2);
    rig.reply(&prack, 200, "t", "", "");
    rig.reply(&invite, 180, "t", &reliable(7), "");
    rig.reply(&invite, 183, "t", &reliable(9), OFFER);
    assert!(rig.requests(Method::Prack).is_empty(), "a copy, and one before its turn");
    rig.reply(&invite, 183, "t", &reliable(8), OFFER);
    let prack = rig.request(Method::Prack);
    assert_eq!(header(&prack.headers, "RAck"), "8 1 INVITE");
    assert!(rig.events.iter().any(|(_, e)| matches!(e, Event::Ringing { early_media: true, .. })));
    rig.reply(&prack, 200, "t", "", "");
    // Another that answered counts for itself.
    rig.reply(&invite, 180, "fork", &reliable(100), "");
    assert_eq!(header(&rig.request(Method::Prack).headers, "RAck"), "100 1 INVITE");
    rig.reply(&invite, 200, "t", &contact(), "");
    rig.request(Method::Ack);
    rig.act(Input::HangUp { call: CALL });
    assert_eq!(rig.request(Method::Bye).cseq().expect("CSeq").0, 4, "the dialog counts on after its PRACKs");
}

#[test]
fn a_caller_who_requires_it_is_rung_reliably() {
    let mut rig = Rig::new();
    let (call, invite, ringing) = rig.invite("Require: 100rel\r\n", OFFER);
    assert!(ringing.headers.has_option("Require", "100rel"));
    let rseq: u32 = header(&ringing.headers, "RSeq").parse().expect("a number");
    // It comes again until its PRACK does.
    rig.seconds(4);
    let copies = rig.responses();
    assert_eq!(copies.len(), 3, "after 0.5, 1.5 and 3.5 s");
    assert!(copies.iter().all(|copy| header(&copy.headers, "RSeq") == rseq.to_string()));
    for (rack, status) in [(format!("{} 1 INVITE", rseq + 1), 481), (format!("{rseq} 1 INVITE"), 200)] {
        let head = format!("RAck: {rack}\n");
        rig.in_dialog_with(&invite, &ringing, Method::Prack, 2 + u32::from(status == 200), &head, "", "");
        assert_eq!(rig.statuses(), [status]);
    }
    rig.seconds(30);
    assert!(rig.responses().is_empty());
    rig.act(Input::Answer { call, media: local_media() });
    assert_eq!(rig.statuses(), [200]);
}

#[test]
fn a_caller_who_never_acknowledges_is_given_up() {
    let mut rig = Rig::new();
    rig.invite("Require: 100rel\r\n", OFFER);
    rig.seconds(33);
    assert_eq!(rig.ends(), [EndReason::TimedOut]);
    assert_eq!(rig.responses().pop().expect("an answer").status, 504);
}
