//! Encrypted voice by SDES (RFC 4568): what is offered, what is taken, and that nothing takes it away again.

mod script;

use hatif_sip::text::{Method, Request, Response};
use hatif_sip::*;
use script::*;

const KEY: &str = "WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz";
const OTHER_KEY: &str = "AVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz";
const SUITE: &str = "AES_CM_128_HMAC_SHA1_80";

fn rig(srtp: SrtpPolicy, transport: Transport) -> Rig {
    Rig::with(AccountConfig { srtp, ..config(AccountKind::Registrar, transport) })
}

/// A description of one stream, with these lines at its end.
fn sdp(proto: &str, lines: &str) -> String {
    format!(
        "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 4000 {proto} 0 101\r\na=rtpmap:101 telephone-event/8000\r\n{lines}"
    )
}

fn line(tag: u32, suite: &str, key: &str) -> String {
    format!("a=crypto:{tag} {suite} inline:{key}\r\n")
}

fn body(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Tag, suite and key of every `a=crypto` line.
fn offered(text: &str) -> Vec<(String, String, String)> {
    let lines = text.lines().filter_map(|l| l.strip_prefix("a=crypto:"));
    lines
        .map(|l| {
            let words: Vec<&str> = l.split(' ').collect();
            (words[0].to_string(), words[1].to_string(), words[2].trim_start_matches("inline:").to_string())
        })
        .collect()
}

/// Our offer's tag of the suite that the tests answer with.
fn tag(text: &str) -> u32 {
    let lines = offered(text);
    let (tag, ..) = lines.iter().find(|(_, suite, _)| suite == SUITE).expect("the suite everybody has");
    tag.parse().expect("a number")
}

fn sessions(rig: &Rig) -> Vec<MediaSession> {
    let media = rig.events.iter().filter_map(|(_, e)| match e {
        Event::Media { session, .. } => Some(session.clone()),
        _ => None,
    });
    media.collect()
}

/// A call of ours that was answered with keys.
fn encrypted_call(rig: &mut Rig) -> Request {
    let invite = rig.dial("1002");
    let answer = sdp("RTP/SAVP", &line(tag(&body(&invite.body)), SUITE, KEY));
    rig.reply(&invite, 200, "b", &format!("Contact: <sip:1002@{PBX}>\n"), &answer);
    rig.request(Method::Ack);
    assert!(sessions(rig)[0].srtp.is_some());
    invite
}

#[test]
fn what_is_required_is_offered_with_fresh_keys() {
    for (transport, count) in [(Transport::Tls, 6), (Transport::Udp, 2)] {
        let mut rig = rig(SrtpPolicy::Required, transport);
        let text = body(&rig.dial("1002").body);
        assert!(text.contains("m=audio 7000 RTP/SAVP "), "{text}");
        let keys: std::collections::BTreeSet<String> = offered(&text).into_iter().map(|(_, _, key)| key).collect();
        assert_eq!(keys.len(), count, "each line has a key of its own: {text}");
        let target = "1003".into();
        rig.act(Input::Invite { account: ACCOUNT, call: CallId(2), target, media: local_media() });
        let other = rig.request(Method::Invite);
        assert!(offered(&body(&other.body)).iter().all(|(_, _, key)| !keys.contains(key)), "and so has each call");
    }
    let mut rig = rig(SrtpPolicy::Off, Transport::Tls);
    assert!(offered(&body(&rig.dial("1002").body)).is_empty());
}

#[test]
fn an_answer_with_keys_is_agreed_on() {
    let mut rig = rig(SrtpPolicy::Required, Transport::Tls);
    let invite = encrypted_call(&mut rig);
    let session = sessions(&rig).remove(0);
    let srtp = session.srtp.expect("keys");
    assert_eq!((srtp.suite, srtp.local.0.len(), srtp.remote.0.len()), (Suite::AesCm128Sha80, 30, 30));
    assert!(session.send && rig.ends().is_empty());
    // A hold keeps our key and offers what was agreed on first.
    let before = offered(&body(&invite.body));
    rig.act(Input::Hold { call: CALL, on: true });
    let hold = body(&rig.request(Method::Invite).body);
    let now = offered(&hold);
    assert!(hold.contains("RTP/SAVP"), "{hold}");
    assert_eq!((now[0].1.as_str(), now.len()), (SUITE, before.len()));
    assert!(now.iter().all(|line| before.contains(line)), "the same tags and keys");
}

/// What an answer may say instead of taking a line as it was offered.
fn bad_answers(tag: u32) -> Vec<String> {
    vec![
        sdp("RTP/AVP", ""),
        sdp("RTP/SAVP", ""),
        sdp("RTP/AVP", &line(tag, SUITE, KEY)),
        sdp("RTP/SAVP", &line(tag + 60, SUITE, KEY)),
        sdp("RTP/SAVP", &line(tag, "AES_CM_128_HMAC_SHA1_32", KEY)),
        sdp("RTP/SAVP", &line(tag, "NULL_HMAC_SHA1_80", KEY)),
        sdp("RTP/SAVP", &line(tag, SUITE, "AAAA")),
        sdp("RTP/SAVP", &line(tag, SUITE, &format!("{KEY} UNENCRYPTED_SRTP"))),
        sdp("RTP/SAVP", &line(tag, SUITE, &format!("{KEY} UNAUTHENTICATED_SRTP"))),
        sdp("RTP/SAVP", &format!("{}{}", line(tag, SUITE, KEY), line(tag, SUITE, OTHER_KEY))),
    ]
}

#[test]
fn an_answer_that_strips_or_weakens_ends_the_call_without_media() {
    for nth in 0..bad_answers(1).len() {
        // As early media, and as the answer itself.
        for status in [183, 200] {
            let mut rig = rig(SrtpPolicy::Required, Transport::Tls);
            let invite = rig.dial("1002");
            let answer = bad_answers(tag(&body(&invite.body))).remove(nth);
            rig.reply(&invite, status, "b", &format!("Contact: <sip:1002@{PBX}>\n"), &answer);
            assert!(sessions(&rig).is_empty(), "{answer}");
            if status == 200 {
                assert_eq!(rig.ends(), [EndReason::NotEncrypted], "{answer}");
                rig.request(Method::Bye);
            } else {
                assert!(rig.ends().is_empty(), "the answer itself may be better");
            }
        }
    }
}

#[test]
fn a_refused_offer_of_encryption_says_so() {
    let mut rig = rig(SrtpPolicy::Required, Transport::Tls);
    let invite = rig.dial("1002");
    rig.reply(&invite, 488, "b", "", "");
    assert_eq!(rig.ends(), [EndReason::NotEncrypted]);
}

#[test]
fn a_plain_caller_is_refused_before_it_rings() {
    let weak = line(1, SUITE, &format!("{KEY} UNENCRYPTED_SRTP"));
    for offer in [sdp("RTP/AVP", ""), sdp("RTP/SAVP", ""), sdp("RTP/SAVP", &weak), sdp("RTP/AVP", &weak)] {
        let mut rig = rig(SrtpPolicy::Required, Transport::Tls);
        let text = rig.peer_request("INVITE", "Content-Type: application/sdp\r\n", &offer);
        rig.hear(text.as_bytes());
        let refusal: Response = rig.responses().pop().expect("an answer");
        assert_eq!(refusal.status, 488, "{offer}");
        assert!(refusal.headers.text("Warning").is_some_and(|w| w.contains("SRTP")), "{refusal:?}");
        assert!(rig.events.iter().all(|(_, e)| !matches!(e, Event::Incoming { .. })));
    }
}

/// A call that came with keys, answered: its INVITE and our 200.
fn called(rig: &mut Rig, proto: &str) -> (CallId, Request, Response) {
    let lines = format!("{}{}", line(1, "AES_192_CM_HMAC_SHA1_80", "AAAA"), line(5, SUITE, KEY));
    let (call, invite, _) = rig.invite("", &sdp(proto, &lines));
    rig.act(Input::Answer { call, media: local_media() });
    let ok = rig.responses().pop().expect("200");
    rig.in_dialog(&invite, &ok, Method::Ack, 1, "");
    (call, invite, ok)
}

#[test]
fn a_caller_with_keys_is_answered_with_ours() {
    for (policy, proto) in [
        (SrtpPolicy::Required, "RTP/SAVP"),
        (SrtpPolicy::Required, "RTP/AVP"),
        (SrtpPolicy::Optional, "RTP/SAVP"),
        (SrtpPolicy::Optional, "RTP/AVP"),
    ] {
        let mut rig = rig(policy, Transport::Tls);
        let (_, _, ok) = called(&mut rig, proto);
        let text = body(&ok.body);
        assert!(text.contains(&format!("m=audio 7000 {proto} 0 101\r\n")), "{text}");
        let lines = offered(&text);
        assert_eq!(lines.len(), 1, "{text}");
        assert_eq!((lines[0].0.as_str(), lines[0].1.as_str()), ("5", SUITE));
        assert_ne!(lines[0].2, KEY, "the key of our direction is ours");
        assert!(sessions(&rig)[0].srtp.is_some());
    }
}

#[test]
fn what_was_encrypted_stays_so_in_reinvites_and_updates() {
    for policy in [SrtpPolicy::Required, SrtpPolicy::Optional] {
        for method in [Method::Invite, Method::Update] {
            let mut rig = rig(policy, Transport::Tls);
            let (_, invite, ok) = called(&mut rig, "RTP/SAVP");
            for offer in [sdp("RTP/AVP", ""), sdp("RTP/SAVP", &line(1, "NULL_HMAC_SHA1_80", "AAAA"))] {
                let seq = rig.number + 10;
                rig.in_dialog(&invite, &ok, method.clone(), seq, &offer);
                assert_eq!(rig.statuses(), [488], "{policy:?} {method} {offer}");
            }
            assert_eq!(sessions(&rig).len(), 1, "nothing changed");
            // A new key of the far side's is another session with the same key of ours.
            let seq = rig.number + 10;
            rig.in_dialog(&invite, &ok, method.clone(), seq, &sdp("RTP/SAVP", &line(9, SUITE, OTHER_KEY)));
            let both = sessions(&rig);
            let (first, second) = (both[0].srtp.clone().expect("keys"), both[1].srtp.clone().expect("keys"));
            assert!(first.local == second.local && first.remote != second.remote);
        }
    }
}

#[test]
fn a_hold_that_is_answered_without_keys_ends_the_call() {
    for proto in ["RTP/AVP", "RTP/SAVP"] {
        let mut rig = rig(SrtpPolicy::Optional, Transport::Tls);
        let invite = rig.dial("1002");
        assert!(body(&invite.body).contains("RTP/AVP "), "optional: the far side may say no");
        let answer = sdp("RTP/AVP", &line(tag(&body(&invite.body)), SUITE, KEY));
        rig.reply(&invite, 200, "b", &format!("Contact: <sip:1002@{PBX}>\n"), &answer);
        rig.requests(Method::Ack);
        rig.act(Input::Hold { call: CALL, on: true });
        let hold = rig.request(Method::Invite);
        rig.reply(&hold, 200, "b", &format!("Contact: <sip:1002@{PBX}>\n"), &sdp(proto, ""));
        assert_eq!(rig.ends(), [EndReason::NotEncrypted]);
        rig.request(Method::Bye);
        assert!(sessions(&rig).iter().all(|s| s.srtp.is_some()));
    }
}

#[test]
fn optional_goes_on_plain_where_the_far_side_cannot() {
    let mut rig = rig(SrtpPolicy::Optional, Transport::Udp);
    let invite = rig.dial("1002");
    rig.reply(&invite, 200, "b", &format!("Contact: <sip:1002@{PBX}>\n"), &sdp("RTP/AVP", ""));
    assert!(sessions(&rig)[0].srtp.is_none());
    // A broken line is not a no.
    let mut rig = self::rig(SrtpPolicy::Optional, Transport::Udp);
    let invite = rig.dial("1002");
    let answer = sdp("RTP/AVP", &line(99, SUITE, KEY));
    rig.reply(&invite, 200, "b", &format!("Contact: <sip:1002@{PBX}>\n"), &answer);
    assert_eq!(rig.ends(), [EndReason::NotEncrypted]);
    assert!(sessions(&rig).is_empty());
}

#[test]
fn of_two_streams_the_encrypted_one_is_taken() {
    let mut rig = rig(SrtpPolicy::Optional, Transport::Tls);
    let offer = sdp("RTP/AVP", &format!("m=audio 4002 RTP/SAVP 8\r\n{}", line(1, SUITE, KEY)));
    let (call, ..) = rig.invite("", &offer);
    rig.act(Input::Answer { call, media: local_media() });
    let text = body(&rig.responses().pop().expect("200").body);
    assert!(text.contains("m=audio 0 RTP/AVP 0 101\r\nm=audio 7000 RTP/SAVP 8\r\n"), "{text}");
}

#[test]
fn a_late_answer_without_keys_ends_the_call() {
    let mut rig = rig(SrtpPolicy::Required, Transport::Tls);
    let (call, invite, _) = rig.invite("", "");
    rig.act(Input::Answer { call, media: local_media() });
    let ok = rig.responses().pop().expect("200");
    assert!(!offered(&body(&ok.body)).is_empty());
    rig.in_dialog(&invite, &ok, Method::Ack, 1, &sdp("RTP/AVP", ""));
    assert_eq!(rig.ends(), [EndReason::NotEncrypted]);
    assert!(sessions(&rig).is_empty());
}

#[test]
fn no_key_is_in_what_events_and_sessions_show() {
    let mut rig = rig(SrtpPolicy::Required, Transport::Tls);
    encrypted_call(&mut rig);
    let shown = format!("{:?}", rig.events);
    assert!(shown.contains("MasterKey(…)"), "{shown}");
    for bytes in ["89, 83, 95", "WVNf"] {
        assert!(!shown.contains(bytes));
    }
}
