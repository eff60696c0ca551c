//! Hold with a scripted peer: every dialect of it, glare with the RFC's timers, late offers, changes of codec, a peer that
//! never stops re-INVITEing.

mod script;

use hatif_sip::text::{Method, Request, Response};
use hatif_sip::*;
use script::*;

const OTHER: &str = "v=0\r\no=- 1 2 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 8 101\r\na=rtpmap:101 telephone-event/8000\r\n";

fn direction(sdp: &[u8]) -> String {
    let text = String::from_utf8_lossy(sdp);
    let found = text.lines().find(|l| ["a=sendrecv", "a=sendonly", "a=recvonly", "a=inactive"].contains(l));
    found.unwrap_or("none").trim_start_matches("a=").to_string()
}

/// A codec, whether we may send, whether we should expect to receive.
type Heard = (Codec, bool, bool);

/// The last hold (ours, theirs) and media that were told.
fn state(rig: &Rig) -> ((bool, bool), Option<Heard>) {
    let hold = rig.events.iter().rev().find_map(|(_, e)| match e {
        Event::Hold { local, remote, .. } => Some((*local, *remote)),
        _ => None,
    });
    let media = rig.events.iter().rev().find_map(|(_, e)| match e {
        Event::Media { session, .. } => Some((session.codec, session.send, session.receive)),
        _ => None,
    });
    (hold.unwrap_or_default(), media)
}

/// The peer's re-INVITE with that offer, answered and acknowledged; our answer's body.
fn reinvited(rig: &mut Rig, call: &(CallId, Request, Response), seq: u32, offer: &str, ack: &str) -> Vec<u8> {
    rig.in_dialog(&call.1, &call.2, Method::Invite, seq, offer);
    let answer = rig.responses().pop().expect("an answer");
    assert_eq!(answer.status, 200);
    rig.in_dialog(&call.1, &call.2, Method::Ack, seq, ack);
    answer.body
}

/// We hold, or resume, and the peer agrees.
fn hold(rig: &mut Rig, call: CallId, on: bool, answer: &str) -> Vec<u8> {
    rig.act(Input::Hold { call, on });
    let request = rig.request(Method::Invite);
    rig.reply(&request, 200, "", &format!("Contact: <sip:1002@{PBX}>\n"), answer);
    rig.request(Method::Ack);
    request.body
}

#[test]
fn every_direction_of_theirs_gets_its_answer() {
    for (theirs, ours, ours_held, remote, send, receive) in [
        ("sendrecv", "sendrecv", "sendonly", false, true, true),
        ("sendonly", "recvonly", "inactive", true, false, true),
        ("recvonly", "sendonly", "sendonly", false, true, false),
        ("inactive", "inactive", "inactive", true, false, false),
    ] {
        let offer = format!("{OFFER}a={theirs}\r\n");
        let mut rig = Rig::new();
        let call = rig.incoming_call();
        assert_eq!(direction(&reinvited(&mut rig, &call, 5, &offer, "")), ours);
        assert_eq!(state(&rig), ((false, remote), Some((Codec::Pcmu, send, receive))), "{theirs}");
        // The same while we hold: we send nothing of ours then, whatever they allow.
        let mut rig = Rig::new();
        let call = rig.incoming_call();
        hold(&mut rig, call.0, true, &format!("{OFFER}a=recvonly\r\n"));
        assert_eq!(direction(&reinvited(&mut rig, &call, 5, &offer, "")), ours_held, "{theirs}");
        assert_eq!(state(&rig).0, (true, remote));
        assert!(!state(&rig).1.expect("media").1, "{theirs}");
    }
}

#[test]
fn the_null_address_is_a_hold_and_its_end_a_resume() {
    let mut rig = Rig::new();
    let call = rig.incoming_call();
    reinvited(&mut rig, &call, 5, &OFFER.replace("IN IP4 192.0.2.1\r\nt=", "IN IP4 0.0.0.0\r\nt="), "");
    assert_eq!((state(&rig).0, state(&rig).1.map(|m| m.1)), ((false, true), Some(false)));
    reinvited(&mut rig, &call, 6, OFFER, "");
    assert_eq!((state(&rig).0, state(&rig).1.map(|m| m.1)), ((false, false), Some(true)));
}

#[test]
fn a_hold_survives_a_late_offer_and_a_change_of_codec() {
    let mut rig = Rig::new();
    let call = rig.incoming_call();
    hold(&mut rig, call.0, true, &format!("{OFFER}a=recvonly\r\n"));
    // An INVITE without an offer gets ours, which still holds; the answer comes with the ACK.
    let ours = reinvited(&mut rig, &call, 5, "", &format!("{OTHER}a=recvonly\r\n"));
    assert_eq!(direction(&ours), "sendonly");
    assert_eq!(state(&rig), ((true, false), Some((Codec::Pcma, false, false))));
    // Another codec, offered by them.
    assert_eq!(direction(&reinvited(&mut rig, &call, 6, OFFER, "")), "sendonly");
    assert_eq!(state(&rig), ((true, false), Some((Codec::Pcmu, false, false))));
    assert_eq!(direction(&hold(&mut rig, call.0, false, OTHER)), "sendrecv");
    assert_eq!(state(&rig), ((false, false), Some((Codec::Pcma, true, true))));
}

#[test]
fn their_hold_survives_ours() {
    let mut rig = Rig::new();
    let call = rig.incoming_call();
    reinvited(&mut rig, &call, 5, &format!("{OFFER}a=sendonly\r\n"), "");
    assert_eq!(direction(&hold(&mut rig, call.0, true, &format!("{OFFER}a=inactive\r\n"))), "inactive");
    assert_eq!(state(&rig).0, (true, true));
    reinvited(&mut rig, &call, 6, &format!("{OFFER}a=recvonly\r\n"), "");
    assert_eq!(state(&rig).0, (true, false));
    assert_eq!(direction(&hold(&mut rig, call.0, false, OFFER)), "sendrecv");
}

/// Who made the call waits 2.1 to 4 seconds, the other side up to 2 (RFC 3261 14.1).
#[test]
fn glare_is_tried_again_within_the_times_of_the_rfc() {
    let mut waits: [Vec<u64>; 2] = Default::default();
    for (outgoing, waits) in waits.iter_mut().enumerate() {
        let mut rig = Rig::new();
        let call = if outgoing == 1 {
            rig.outgoing_call();
            CALL
        } else {
            rig.incoming_call().0
        };
        for round in 0..40 {
            rig.act(Input::Hold { call, on: round % 2 == 0 });
            let mut request = rig.request(Method::Invite);
            rig.reply(&request, 491, "", "", "");
            let from = rig.now;
            while rig.requests(Method::Invite).first().inspect(|r| request = (*r).clone()).is_none() {
                rig.pass(std::time::Duration::from_millis(10));
            }
            waits.push((rig.now - from).as_millis() as u64);
            let answer = if round % 2 == 0 { format!("{OFFER}a=recvonly\r\n") } else { OFFER.to_string() };
            rig.reply(&request, 200, "", &format!("Contact: <sip:1002@{PBX}>\n"), &answer);
            rig.requests(Method::Ack);
            assert_eq!(state(&rig).0, (round % 2 == 0, false));
        }
    }
    let [called, caller] = waits;
    assert!(called.iter().all(|ms| *ms <= 2_010) && called.iter().max() > called.iter().min(), "{called:?}");
    assert!(caller.iter().all(|ms| (2_100..=4_010).contains(ms)), "{caller:?}");
}

#[test]
fn a_peer_that_reinvites_every_second_is_borne() {
    let mut rig = Rig::new();
    let call = rig.incoming_call();
    for n in 0..600u32 {
        let offer = match n % 3 {
            0 => format!("{OFFER}a=sendonly\r\n"),
            1 => OTHER.to_string(),
            _ => OFFER.to_string(),
        };
        reinvited(&mut rig, &call, 5 + n, &offer, "");
        rig.seconds(1);
        if n % 100 == 50 {
            // Ours comes through between two of theirs.
            let on = n % 200 == 50;
            hold(&mut rig, call.0, on, &format!("{OFFER}a={}\r\n", if on { "recvonly" } else { "sendrecv" }));
            assert_eq!(state(&rig).0.0, on);
        }
    }
    assert_eq!(rig.ends(), []);
    // What is over is forgotten: there is nothing but the call and the transactions of the last half minute.
    rig.seconds(40);
    assert_eq!(rig.agent.leftovers(), Leftovers { calls: 1, ..Leftovers::default() });
}
