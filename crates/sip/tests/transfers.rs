//! Transfers with a scripted peer: REFER out with all that may become of it, REFER in, INVITE with Replaces, 302.

mod script;

use hatif_sip::text::{Method, Request, Response};
use hatif_sip::*;
use script::*;

fn progress(rig: &Rig) -> Vec<TransferProgress> {
    let told = rig.events.iter().filter_map(|(_, e)| match e {
        Event::Transfer { progress, .. } => Some(*progress),
        _ => None,
    });
    told.collect()
}

/// A NOTIFY about the REFER of an incoming call's dialog.
fn notify(rig: &mut Rig, call: &(CallId, Request, Response), seq: u32, state: &str, fragment: &str) -> u16 {
    let event = "refer";
    notify_event(rig, call, seq, event, state, fragment)
}

fn notify_event(
    rig: &mut Rig,
    (_, invite, ok): &(CallId, Request, Response),
    seq: u32,
    event: &str,
    state: &str,
    fragment: &str,
) -> u16 {
    let head = format!("Event: {event}\nSubscription-State: {state}\n");
    rig.in_dialog_with(invite, ok, Method::Notify, seq, &head, "message/sipfrag;version=2.0", fragment);
    let statuses = rig.statuses();
    assert_eq!(statuses.len(), 1, "one answer to a NOTIFY");
    statuses[0]
}

fn refer(rig: &mut Rig, (_, invite, ok): &(CallId, Request, Response), seq: u32, head: &str) {
    rig.in_dialog_with(invite, ok, Method::Refer, seq, head, "", "");
}

fn transfer(rig: &mut Rig, call: CallId, target: &str) {
    rig.act(Input::Transfer { call, target: target.into() });
}

use TransferFailure::*;
use TransferProgress::*;

#[test]
fn a_blind_transfer_is_told_step_by_step() {
    let mut rig = Rig::new();
    let call = rig.incoming_call();
    transfer(&mut rig, call.0, "+49 30 1234");
    let refer = rig.request(Method::Refer);
    assert_eq!(refer.headers.text("Refer-To").as_deref(), Some("<sip:+49301234@pbx.example>"));
    assert_eq!(refer.headers.text("Referred-By").as_deref(), Some("<sip:alice@pbx.example>"));
    assert!(refer.headers.count("Contact") == 1 && refer.to_tag().is_some());
    // A second one meanwhile is not said.
    transfer(&mut rig, call.0, "1004");
    assert_eq!(rig.requests(Method::Refer), []);
    rig.reply(&refer, 202, "", "", "");
    assert_eq!(notify(&mut rig, &call, 5, "active;expires=60", "SIP/2.0 100 Trying\r\n"), 200);
    assert_eq!(notify(&mut rig, &call, 6, "active;expires=60", "SIP/2.0 180 Ringing\r\n"), 200);
    assert_eq!(notify(&mut rig, &call, 7, "active;expires=60", "SIP/2.0 180 Ringing\r\n"), 200);
    assert_eq!(notify(&mut rig, &call, 8, "terminated;reason=noresource", "SIP/2.0 200 OK\r\n"), 200);
    assert_eq!(progress(&rig), [Accepted, Ringing, Done]);
    // The subscription is over; the call is not, until somebody hangs up.
    assert_eq!(notify(&mut rig, &call, 9, "active", "SIP/2.0 603 Decline\r\n"), 481);
    assert_eq!(rig.ends(), []);
    rig.act(Input::HangUp { call: call.0 });
    let bye = rig.request(Method::Bye);
    rig.reply(&bye, 200, "", "", "");
    rig.seconds(60);
    assert_eq!((rig.agent.poll_timeout(), rig.agent.leftovers()), (None, Leftovers::default()));
}

#[test]
fn a_transfer_that_fails_leaves_the_call_ours() {
    let outcomes: [(&str, &str, TransferFailure); 4] = [
        ("terminated;reason=noresource", "SIP/2.0 486 Busy Here\r\n", Target { status: 486 }),
        ("active;expires=5", "SIP/2.0 603 Decline\r\n", Target { status: 603 }),
        ("terminated;reason=giveup", "SIP/2.0 100 Trying\r\n", NoWord),
        ("terminated", "rubbish", NoWord),
    ];
    for (state, fragment, failure) in outcomes {
        let mut rig = Rig::new();
        let call = rig.incoming_call();
        transfer(&mut rig, call.0, "1003");
        let refer = rig.request(Method::Refer);
        rig.reply(&refer, 202, "", "", "");
        assert_eq!(notify(&mut rig, &call, 5, state, fragment), 200);
        assert_eq!(progress(&rig), [Accepted, Failed(failure)], "{fragment}");
        assert_eq!(rig.ends(), []);
        // Another one may be tried.
        transfer(&mut rig, call.0, "1004");
        let refer = rig.request(Method::Refer);
        rig.reply(&refer, 403, "", "", "");
        assert_eq!(progress(&rig).last(), Some(&Failed(Refused { status: 403 })));
        rig.act(Input::Hold { call: call.0, on: true });
        assert_eq!(rig.requests(Method::Invite).len(), 1);
    }
}

#[test]
fn a_refer_that_meets_a_challenge_is_said_again() {
    let mut rig = Rig::new();
    let call = rig.incoming_call();
    transfer(&mut rig, call.0, "1003");
    let refer = rig.request(Method::Refer);
    rig.reply(&refer, 407, "", "Proxy-Authenticate: Digest realm=\"pbx\", nonce=\"n\", qop=\"auth\"\n", "");
    let again = rig.request(Method::Refer);
    assert!(again.headers.count("Proxy-Authorization") == 1);
    rig.reply(&again, 202, "", "", "");
    let seq = again.cseq().map_or(0, |c| c.0);
    assert_eq!(notify_event(&mut rig, &call, 5, "refer;id=77777", "active", "SIP/2.0 200 OK\r\n"), 481);
    let event = format!("refer;id={seq}");
    assert_eq!(notify_event(&mut rig, &call, 6, &event, "active", "SIP/2.0 200 OK\r\n"), 200);
    assert_eq!(progress(&rig), [Accepted, Done]);
}

#[test]
fn a_notify_may_come_before_the_202_and_after_the_bye() {
    let mut rig = Rig::new();
    let call = rig.incoming_call();
    transfer(&mut rig, call.0, "1003");
    let refer = rig.request(Method::Refer);
    assert_eq!(notify(&mut rig, &call, 5, "active", "SIP/2.0 180 Ringing\r\n"), 200);
    rig.reply(&refer, 202, "", "", "");
    assert_eq!(progress(&rig), [Accepted, Ringing]);
    rig.in_dialog(&call.1, &call.2, Method::Bye, 6, "");
    assert_eq!(rig.statuses(), [200]);
    assert_eq!(notify(&mut rig, &call, 7, "terminated;reason=noresource", "SIP/2.0 200 OK\r\n"), 200);
    assert_eq!((progress(&rig).len(), rig.ends()), (2, vec![EndReason::RemoteHangUp]));
    rig.seconds(10);
    assert_eq!(rig.agent.leftovers().calls, 0);

    // A peer that hangs up after its 202 and says nothing more.
    let mut rig = Rig::new();
    let call = rig.incoming_call();
    transfer(&mut rig, call.0, "1003");
    let refer = rig.request(Method::Refer);
    rig.reply(&refer, 202, "", "", "");
    rig.in_dialog(&call.1, &call.2, Method::Bye, 6, "");
    assert_eq!((progress(&rig), rig.ends()), (vec![Accepted], vec![EndReason::RemoteHangUp]));
    rig.seconds(70);
    assert_eq!((rig.agent.poll_timeout(), rig.agent.leftovers()), (None, Leftovers::default()));
    assert_eq!(progress(&rig), [Accepted], "nothing is said about an ended call");
}

#[test]
fn no_word_is_given_up() {
    for head in ["", "Refer-Sub: false\n"] {
        let mut rig = Rig::new();
        let call = rig.incoming_call();
        transfer(&mut rig, call.0, "1003");
        let refer = rig.request(Method::Refer);
        rig.reply(&refer, 202, "", head, "");
        rig.seconds(31);
        assert_eq!(progress(&rig), [Accepted]);
        rig.seconds(2);
        assert_eq!((progress(&rig), rig.ends()), (vec![Accepted, Failed(NoWord)], vec![]));
    }
    // It rings, for ever.
    let mut rig = Rig::new();
    let call = rig.incoming_call();
    transfer(&mut rig, call.0, "1003");
    let refer = rig.request(Method::Refer);
    rig.reply(&refer, 202, "", "", "");
    notify(&mut rig, &call, 5, "active", "SIP/2.0 180 Ringing\r\n");
    rig.seconds(109);
    assert_eq!(progress(&rig), [Accepted, Ringing]);
    rig.seconds(2);
    assert_eq!(progress(&rig), [Accepted, Ringing, Failed(NoWord)]);
    // Not even an answer.
    let mut rig = Rig::new();
    let call = rig.incoming_call();
    transfer(&mut rig, call.0, "1003");
    rig.seconds(33);
    assert_eq!((progress(&rig), rig.ends()), (vec![Failed(TimedOut)], vec![]));
}

#[test]
fn what_cannot_be_transferred_is_told() {
    let mut rig = Rig::new();
    let call = rig.incoming_call();
    transfer(&mut rig, call.0, "<nobody>");
    rig.act(Input::TransferTo { call: call.0, with: CallId(99) });
    let invite = rig.dial("1002");
    rig.reply(&invite, 100, "", "", "");
    rig.act(Input::TransferTo { call: call.0, with: CALL });
    transfer(&mut rig, CALL, "1003");
    assert_eq!(progress(&rig), [Failed(BadTarget), Failed(Impossible), Failed(Impossible), Failed(Impossible)]);
    assert_eq!(rig.requests(Method::Refer), []);
}

#[test]
fn an_attended_transfer_names_the_dialog_that_it_replaces() {
    for (hold_first, hold_second) in [(false, false), (true, false), (false, true), (true, true)] {
        let mut rig = Rig::new();
        let call = rig.incoming_call();
        let invite = rig.outgoing_call();
        for (id, hold) in [(call.0, hold_first), (CALL, hold_second)] {
            if hold {
                rig.act(Input::Hold { call: id, on: true });
                let hold = rig.request(Method::Invite);
                rig.reply(&hold, 200, "", &format!("Contact: <sip:1002@{PBX}>\n"), &format!("{OFFER}a=recvonly\r\n"));
                rig.request(Method::Ack);
            }
        }
        rig.act(Input::TransferTo { call: call.0, with: CALL });
        let refer = rig.request(Method::Refer);
        assert_eq!(refer.call_id(), call.1.call_id());
        let (id, tag) = (invite.call_id(), invite.from_tag().expect("tag"));
        let expected = format!("<sip:1002@pbx.example?Replaces={id}%3Bto-tag%3Dt%3Bfrom-tag%3D{tag}>");
        assert_eq!(refer.headers.text("Refer-To"), Some(expected.into()));
        rig.reply(&refer, 202, "", "", "");
        notify(&mut rig, &call, 5, "terminated;reason=noresource", "SIP/2.0 200 OK\r\n");
        assert_eq!(progress(&rig), [Accepted, Done]);
        // The target's side of it: its dialog with us was replaced.
        rig.callee_says(&invite, "t", Method::Bye, 3, "");
        assert_eq!(rig.ends(), [EndReason::RemoteHangUp]);
    }
}

#[test]
fn a_transfer_waits_for_the_hold_before_it() {
    let mut rig = Rig::new();
    let call = rig.incoming_call();
    rig.act(Input::Hold { call: call.0, on: true });
    transfer(&mut rig, call.0, "1003");
    let hold = rig.request(Method::Invite);
    assert_eq!(rig.requests(Method::Refer), []);
    rig.reply(&hold, 200, "", &format!("Contact: <sip:1002@{PBX}>\n"), &format!("{OFFER}a=recvonly\r\n"));
    rig.request(Method::Ack);
    rig.request(Method::Refer);
    // Hung up before it could be said.
    let mut rig = Rig::new();
    let call = rig.incoming_call();
    rig.act(Input::Hold { call: call.0, on: true });
    transfer(&mut rig, call.0, "1003");
    rig.in_dialog(&call.1, &call.2, Method::Bye, 5, "");
    rig.seconds(60);
    assert_eq!((rig.requests(Method::Refer), progress(&rig)), (vec![], vec![]));
    assert_eq!((rig.agent.poll_timeout(), rig.agent.leftovers()), (None, Leftovers::default()));
}

#[test]
fn nothing_of_a_transfer_overtakes_a_bye() {
    let mut rig = Rig::new();
    let call = rig.incoming_call();
    refer(&mut rig, &call, 5, "Refer-To: <sip:1003@pbx.example>\n");
    rig.act(Input::AcceptRefer { call: call.0, new: CallId(7), media: local_media() });
    let invite = rig.request(Method::Invite);
    let trying = rig.request(Method::Notify);
    rig.act(Input::HangUp { call: call.0 });
    transfer(&mut rig, call.0, "1004");
    assert_eq!(rig.requests(Method::Refer), []);
    let bye = rig.request(Method::Bye);
    // The outcome of theirs goes out behind it, and arrives before it.
    rig.reply(&trying, 200, "", "", "");
    rig.reply(&invite, 486, "z", "", "");
    let outcome = rig.request(Method::Notify);
    assert!(outcome.cseq() > bye.cseq());
    rig.reply(&bye, 500, "", "", "");
    let again = rig.request(Method::Bye);
    assert!(again.cseq().map(|c| c.0) > outcome.cseq().map(|c| c.0));
    rig.reply(&again, 500, "", "", "");
    let again = rig.request(Method::Bye);
    rig.reply(&again, 200, "", "", "");
    rig.reply(&outcome, 481, "", "", "");
    rig.seconds(60);
    assert_eq!((rig.agent.poll_timeout(), rig.agent.leftovers()), (None, Leftovers::default()));
}

#[test]
fn a_target_that_still_rings_can_be_named() {
    let mut rig = Rig::new();
    let call = rig.incoming_call();
    let invite = rig.dial("1002");
    rig.reply(&invite, 180, "early", &format!("Contact: <sip:1002@{PBX}>\n"), "");
    rig.act(Input::TransferTo { call: call.0, with: CALL });
    let refer = rig.request(Method::Refer);
    assert!(refer.headers.text("Refer-To").is_some_and(|v| v.contains("%3Bto-tag%3Dearly%3B")), "{refer:?}");
}

const ASKED: &str = "Refer-To: <sip:1003@pbx.example?Replaces=abc%40x%3Bto-tag%3D1%3Bfrom-tag%3D2&Subject=evil>\nReferred-By: <sip:1002@pbx.example>\n";

fn asks(rig: &Rig) -> Option<(Peer, bool)> {
    rig.events.iter().rev().find_map(|(_, e)| match e {
        Event::ReferAsked { target, replaces, .. } => Some((target.clone(), *replaces)),
        _ => None,
    })
}

fn fragments(rig: &mut Rig) -> Vec<(String, String)> {
    let read = |r: Request| {
        let state = r.headers.text("Subscription-State").unwrap_or_default().into_owned();
        (state, String::from_utf8_lossy(&r.body).trim().to_string())
    };
    let mut found = rig.requests(Method::Notify);
    found.dedup();
    found.into_iter().map(read).collect()
}

/// Answers the one NOTIFY that is out.
fn notified(rig: &mut Rig, status: u16) -> (String, String) {
    let notify = rig.request(Method::Notify);
    assert_eq!(notify.headers.text("Event").as_deref(), Some("refer"));
    rig.reply(&notify, status, "", "", "");
    let state = notify.headers.text("Subscription-State").unwrap_or_default().into_owned();
    (state, String::from_utf8_lossy(&notify.body).trim().to_string())
}

#[test]
fn a_granted_refer_is_called_and_told() {
    let mut rig = Rig::new();
    let call = rig.incoming_call();
    refer(&mut rig, &call, 5, ASKED);
    assert_eq!(rig.statuses(), [] as [u16; 0], "not before somebody agrees");
    let (target, replaces) = asks(&rig).expect("asked");
    assert_eq!((target.uri.as_str(), replaces), ("sip:1003@pbx.example", true));
    // Another one while this is undecided.
    refer(&mut rig, &call, 6, "Refer-To: <sip:900@pbx.example>\n");
    assert_eq!(rig.statuses(), [491]);
    rig.act(Input::AcceptRefer { call: call.0, new: CallId(7), media: local_media() });
    assert_eq!(rig.statuses(), [202]);
    let invite = rig.request(Method::Invite);
    assert_eq!(invite.uri, "sip:1003@pbx.example");
    assert_eq!(invite.headers.text("Replaces").as_deref(), Some("abc@x;to-tag=1;from-tag=2"));
    assert_eq!(invite.headers.text("Referred-By").as_deref(), Some("<sip:1002@pbx.example>"));
    assert_eq!(invite.headers.count("Subject"), 0);
    assert_eq!(notified(&mut rig, 200), ("active;expires=110".into(), "SIP/2.0 100 Trying".into()));
    rig.reply(&invite, 180, "z", &format!("Contact: <sip:1003@{PBX}>\n"), "");
    rig.reply(&invite, 180, "z", &format!("Contact: <sip:1003@{PBX}>\n"), "");
    // While one NOTIFY is unanswered the next one waits.
    let ringing = rig.request(Method::Notify);
    assert_eq!(ringing.body, b"SIP/2.0 180 Ringing\r\n");
    rig.reply(&invite, 200, "z", &format!("Contact: <sip:1003@{PBX}>\n"), OFFER);
    assert_eq!(rig.requests(Method::Notify), []);
    rig.reply(&ringing, 200, "", "", "");
    assert_eq!(notified(&mut rig, 200), ("terminated;reason=noresource".into(), "SIP/2.0 200 OK".into()));
    rig.in_dialog(&call.1, &call.2, Method::Bye, 9, "");
    assert_eq!(rig.ends(), [EndReason::RemoteHangUp]);
    assert!(rig.events.iter().any(|(_, e)| *e == Event::Answered { call: CallId(7) }));
    rig.seconds(40);
    assert_eq!(rig.agent.leftovers().calls, 1, "the new call goes on");
}

#[test]
fn a_granted_refer_that_fails_is_told_too() {
    let mut rig = Rig::new();
    let call = rig.incoming_call();
    for (round, (status, line)) in
        [(486, "SIP/2.0 486 Busy Here"), (302, "SIP/2.0 302 Moved Temporarily")].into_iter().enumerate()
    {
        refer(&mut rig, &call, 5 + round as u32 * 10, "Refer-To: sip:1003@pbx.example\n");
        let new = CallId(7 + round as u32);
        rig.act(Input::AcceptRefer { call: call.0, new, media: local_media() });
        rig.statuses();
        let invite = rig.request(Method::Invite);
        rig.reply(&invite, status, "z", "Contact: <sip:1@x>\n", "");
        rig.requests(Method::Ack);
        let trying = rig.request(Method::Notify);
        // From the second REFER of a dialog on, NOTIFYs say which they mean.
        let event = if round == 0 { "refer".to_string() } else { "refer;id=15".to_string() };
        assert_eq!(trying.headers.text("Event"), Some(event.into()));
        // Once the network has mixed our requests up it is said again.
        rig.reply(&trying, 500, "", "", "");
        let outcome = rig.request(Method::Notify);
        assert_eq!(String::from_utf8_lossy(&outcome.body).trim(), line);
        rig.reply(&outcome, 200, "", "", "");
        assert_eq!(fragments(&mut rig), []);
    }
    // The call itself goes on; the peer may ask again.
    rig.act(Input::Hold { call: call.0, on: true });
    assert_eq!(rig.requests(Method::Invite).len(), 1);
}

#[test]
fn nobody_listens_to_our_notify() {
    for answer in [481, 603, 0] {
        let mut rig = Rig::new();
        let call = rig.incoming_call();
        refer(&mut rig, &call, 5, "Refer-To: <sip:1003@pbx.example>\n");
        rig.act(Input::AcceptRefer { call: call.0, new: CallId(7), media: local_media() });
        let invite = rig.request(Method::Invite);
        let trying = rig.request(Method::Notify);
        match answer {
            0 => rig.seconds(33),
            status => rig.reply(&trying, status, "", "", ""),
        }
        rig.requests(Method::Notify);
        rig.requests(Method::Invite);
        rig.reply(&invite, 486, "z", "", "");
        assert_eq!(fragments(&mut rig), [], "{answer}");
    }
}

#[test]
fn a_silent_refer_gets_no_notify() {
    let mut rig = Rig::new();
    let call = rig.incoming_call();
    refer(&mut rig, &call, 5, "Refer-To: <sip:1003@pbx.example>\nRefer-Sub: false\n");
    rig.act(Input::AcceptRefer { call: call.0, new: CallId(7), media: local_media() });
    let response = rig.responses().pop().expect("202");
    assert_eq!((response.status, response.headers.text("Refer-Sub").as_deref()), (202, Some("false")));
    let invite = rig.request(Method::Invite);
    rig.reply(&invite, 486, "z", "", "");
    assert_eq!(fragments(&mut rig), []);
}

#[test]
fn a_refer_is_refused_by_us_by_time_or_by_its_shape() {
    let mut rig = Rig::new();
    let call = rig.incoming_call();
    for (seq, head, status) in [
        (5, "", 400),
        (6, "Refer-To: <http://evil.example/>\n", 416),
        (7, "Refer-To: <sip:a@b;method=BYE>\n", 603),
        (8, "Refer-To: <sip:a@b>\nRefer-To: <sip:c@d>\n", 400),
        (9, "Refer-To: <sip:a@b?Replaces=x>\n", 400),
    ] {
        refer(&mut rig, &call, seq, head);
        assert_eq!(rig.statuses(), [status], "{head}");
    }
    assert_eq!(asks(&rig), None);
    refer(&mut rig, &call, 10, ASKED);
    rig.act(Input::RefuseRefer { call: call.0 });
    assert_eq!(rig.statuses(), [603]);
    // A grant that comes too late is told: the call that it made ends.
    rig.act(Input::AcceptRefer { call: call.0, new: CallId(7), media: local_media() });
    assert_eq!(rig.ends(), [EndReason::Cancelled]);
    assert_eq!(rig.requests(Method::Invite), []);
    refer(&mut rig, &call, 11, ASKED);
    rig.seconds(24);
    assert_eq!(rig.statuses(), [] as [u16; 0]);
    rig.seconds(2);
    assert_eq!(rig.statuses(), [603]);
    assert!(matches!(rig.events.last(), Some((_, Event::ReferGone { .. }))));
    // Hung up while it is undecided.
    refer(&mut rig, &call, 12, ASKED);
    rig.act(Input::HangUp { call: call.0 });
    assert_eq!(rig.statuses(), [487]);
    refer(&mut rig, &call, 13, ASKED);
    assert_eq!(rig.statuses(), [481]);
}

#[test]
fn a_call_that_rings_takes_no_refer() {
    let mut rig = Rig::new();
    let (call, invite, ringing) = rig.invite("", OFFER);
    refer(&mut rig, &(call, invite, ringing), 5, ASKED);
    assert_eq!(rig.statuses(), [603]);
}

fn replaces(invite: &Request, response: &Response, more: &str) -> String {
    let (to, from) = (response.to_tag().expect("tag"), invite.from_tag().expect("tag"));
    format!("Replaces: {};to-tag={to};from-tag={from}{more}\r\n", invite.call_id())
}

fn said(rig: &mut Rig, head: &str) -> Vec<u16> {
    let head = format!("{head}Content-Type: application/sdp\r\n");
    let text = rig.peer_request("INVITE", &head, OFFER);
    rig.hear(text.as_bytes());
    rig.statuses()
}

#[test]
fn an_invite_may_replace_a_call_of_ours() {
    let mut rig = Rig::new();
    let (call, invite, ok) = rig.incoming_call();
    let head = replaces(&invite, &ok, "");
    let (new, ..) = rig.invite(&format!("Require: replaces\r\n{head}"), OFFER);
    let Some((_, Event::Incoming { headers, .. })) = rig.events.last() else { panic!() };
    assert_eq!(headers.replaces, Some(call));
    rig.act(Input::Answer { call: new, media: local_media() });
    assert_eq!(rig.statuses(), [200]);
    rig.act(Input::HangUp { call });
    rig.request(Method::Bye);
    assert_eq!(rig.ends(), [EndReason::LocalHangUp]);
    // What is over cannot be replaced again.
    assert_eq!(said(&mut rig, &head), [603]);
}

#[test]
fn an_early_dialog_that_we_made_may_be_replaced() {
    let mut rig = Rig::new();
    let invite = rig.dial("1002");
    rig.reply(&invite, 180, "e", &format!("Contact: <sip:1002@{PBX}>\n"), "");
    let from = invite.from_tag().expect("tag");
    // Seen from us, who are to take the place: our own tag is the to-tag.
    let head = format!("Replaces: {};to-tag={from};from-tag=e;early-only\r\n", invite.call_id());
    assert_eq!(said(&mut rig, &head), [180]);
    let Some((_, Event::Incoming { headers, .. })) = rig.events.last() else { panic!() };
    assert_eq!(headers.replaces, Some(CALL));
}

#[test]
fn replaces_that_fit_nothing_are_refused() {
    let mut rig = Rig::new();
    let (_, invite, ok) = rig.incoming_call();
    let (_, early, ringing) = rig.invite("", OFFER);
    let fits = replaces(&invite, &ok, "");
    for (head, status) in [
        (replaces(&invite, &ok, ";early-only"), 486),
        (replaces(&early, &ringing, ""), 481),
        ("Replaces: other;to-tag=1;from-tag=2\r\n".to_string(), 481),
        (fits.replace("to-tag=", "to-tag=x"), 481),
        (fits.replace("from-tag=", "from-tag=x"), 481),
        ("Replaces: other;to-tag=1\r\n".to_string(), 400),
        ("Replaces: x\r\n".to_string(), 400),
        (format!("{fits}{fits}"), 400),
    ] {
        assert_eq!(said(&mut rig, &head), [status], "{head}");
    }
    assert_eq!(rig.ends(), []);
}

#[test]
fn a_ringing_call_is_sent_on() {
    let mut rig = Rig::new();
    let (call, ..) = rig.invite("", OFFER);
    rig.act(Input::Redirect { call, target: "<nobody>".into() });
    assert_eq!((rig.statuses(), rig.ends()), (vec![480], vec![EndReason::BadTarget]));
    let mut rig = Rig::new();
    let (call, ..) = rig.invite("", OFFER);
    rig.act(Input::Redirect { call, target: "+49 170 1234".into() });
    let response = rig.responses().pop().expect("302");
    assert_eq!(response.status, 302);
    assert_eq!(response.headers.text("Contact").as_deref(), Some("<sip:+491701234@pbx.example>"));
    assert_eq!(rig.ends(), [EndReason::Forwarded]);
}
