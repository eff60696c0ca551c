//! Valid messages, broken at random, thrown at an agent while a call is up: from both sides of the source filter, in
//! the dialog and outside of it. It must neither panic nor lose or change the call. `HATIF_MUTATIONS` says how many.

mod script;

use hatif_sip::text::{Method, parse};
use hatif_sip::*;
use proptest::prelude::*;
use rand::{Rng, SeedableRng, rngs::StdRng};
use script::*;

const TOKENS: &[&[u8]] = &[
    b"\r\n",
    b"\r\n\r\n",
    b"\n",
    b" ",
    b"\t",
    b"\"",
    b"\\",
    b"<",
    b">",
    b";",
    b",",
    b"=",
    b":",
    b"@",
    b"/",
    b"%",
    b"%00",
    b"\0",
    b"\xff\xfe",
    b"99999999999999999999",
    b"-1",
    b"4294967296",
    b"tag=",
    b"branch=",
    b"branch=z9hG4bK",
    b"sip:",
    b"tel:",
    b"SIP/2.0",
    b"Via: ",
    b"From: ",
    b"Content-Length: 5\r\n",
    b"Require: x\r\n",
    b"[::",
    b"m=audio 1 RTP/AVP 0\r\n",
    b"a=rtpmap:0 opus/48000/2\r\n",
    b"a=sendonly\r\n",
    b"INVITE",
    b"BYE",
    b"ACK",
];

fn mutate(rng: &mut StdRng, bytes: &mut Vec<u8>, others: &[Vec<u8>]) {
    for _ in 0..rng.random_range(1..6) {
        let at = rng.random_range(0..=bytes.len());
        let end = (at + rng.random_range(0..30)).min(bytes.len());
        match rng.random_range(0..7) {
            0 if at < bytes.len() => bytes[at] ^= 1 << rng.random_range(0..8),
            1 if at < bytes.len() => bytes[at] = rng.random(),
            2 => drop(bytes.drain(at..end)),
            3 => drop(bytes.splice(at..at, bytes[at..end].to_vec())),
            4 => bytes.truncate(at),
            5 => {
                let other = &others[rng.random_range(0..others.len())];
                let from = rng.random_range(0..other.len());
                let to = (from + rng.random_range(0..60)).min(other.len());
                bytes.splice(at..at, other[from..to].to_vec());
            }
            _ => drop(bytes.splice(at..end.min(at + 3), TOKENS[rng.random_range(0..TOKENS.len())].to_vec())),
        }
    }
}

/// A peer who knows the dialog could hang up rightly, so its tags are not among the seeds: this one guesses.
fn seeds(rig: &mut Rig, outgoing: &text::Request) -> Vec<Vec<u8>> {
    let mut seeds = Vec::new();
    for (method, head, body) in [
        (
            "INVITE",
            "Content-Type: application/sdp\r\nP-Asserted-Identity: \"A\" <sip:1@pbx.example>\r\nDiversion: <sip:2@x>;reason=x\r\n",
            OFFER,
        ),
        ("OPTIONS", "Accept: application/sdp\r\n", ""),
        ("CANCEL", "Reason: SIP;cause=200\r\n", ""),
        ("ACK", "", ""),
        ("BYE", "", ""),
        (
            "NOTIFY",
            "Event: message-summary\r\nSubscription-State: active\r\nContent-Type: application/simple-message-summary\r\n",
            "Messages-Waiting: yes\r\nVoice-Message: 2/8 (0/2)\r\n",
        ),
        ("REFER", "Refer-To: <sip:x@y?Replaces=a%3Bto-tag%3Db>\r\n", ""),
        (
            "REGISTER",
            "Authorization: Digest username=\"a\", realm=\"b\", nonce=\"c\", uri=\"sip:b\", response=\"d\", qop=auth, nc=00000001, cnonce=\"e\"\r\n",
            "",
        ),
        ("MESSAGE", "Content-Type: text/plain\r\n", "hello"),
    ] {
        seeds.push(rig.peer_request(method, head, body).into_bytes());
    }
    for (status, head) in [
        (180, "Record-Route: <sip:p;lr>\r\n"),
        (200, "Content-Type: application/sdp\r\n"),
        (
            401,
            "WWW-Authenticate: Digest realm=\"pbx\", nonce=\"n\", algorithm=SHA-256, qop=\"auth\", Digest realm=\"pbx\", nonce=\"n\"\r\n",
        ),
        (302, "Contact: <sip:5@pbx.example>;q=0.5, <sip:6@pbx.example>\r\n"),
        (503, "Retry-After: 5 (x)\r\n"),
    ] {
        let mut response = outgoing.response(status, Some("guess"));
        response.headers.push("Contact", "<sip:x@192.0.2.1>");
        for line in head.lines() {
            let (name, value) = line.split_once(": ").expect("header");
            response.headers.push(name, value);
        }
        seeds.push(response.to_bytes());
    }
    seeds
}

#[test]
fn mutated_messages_harm_nothing() {
    let count: u64 = std::env::var("HATIF_MUTATIONS").ok().and_then(|s| s.parse().ok()).unwrap_or(20_000);
    for (first, kind) in [(0, AccountKind::Registrar), (1, AccountKind::Direct)] {
        let mut rng = StdRng::seed_from_u64(first);
        let mut rig = Rig::with(config(kind, Transport::Udp));
        let (call, invite, ok) = rig.incoming_call();
        // A second call of our own, ringing: its responses are among the seeds.
        let outgoing = rig.dial("1002@192.0.2.1");
        rig.reply(&outgoing, 180, "real", &format!("Contact: <sip:1002@{PBX}>\n"), "");
        rig.events.clear();
        let seeds = seeds(&mut rig, &outgoing);
        let mut answered = 0;
        for n in 0..count / 2 {
            let mut bytes = seeds[rng.random_range(0..seeds.len())].clone();
            mutate(&mut rng, &mut bytes, &seeds);
            let source = if rng.random_bool(0.9) { PBX } else { "203.0.113.66:1234" };
            rig.hear_from(source, &bytes);
            answered += rig.sent.len();
            rig.sent.clear();
            // Calls that a mutated INVITE made are refused, so that they do not fill the house.
            let made: Vec<CallId> = rig
                .events
                .iter()
                .filter_map(|(_, e)| if let Event::Incoming { call, .. } = e { Some(*call) } else { None })
                .collect();
            for call in made {
                rig.act(Input::Reject { call, status: 486 });
            }
            let of_ours = |e: &Event| match e {
                Event::Ended { call: id, .. } | Event::Hold { call: id, .. } | Event::Media { call: id, .. } => {
                    *id == call
                }
                _ => false,
            };
            assert!(!rig.events.iter().any(|(_, e)| of_ours(e)), "mutation {n}: {:?}", rig.events);
            rig.events.clear();
            rig.sent.clear();
            if n % 50 == 0 {
                rig.pass(std::time::Duration::from_millis(rng.random_range(0..40_000)));
                rig.sent.clear();
                rig.events.clear();
            }
        }
        assert!(answered as u64 > count / 20, "most of it must reach the agent: {answered}");
        // The call is as it was: it can be held, and hung up from there.
        rig.act(Input::Hold { call, on: true });
        let hold = rig.request(Method::Invite);
        rig.reply(&hold, 200, "", "", &format!("{OFFER}a=recvonly\r\n"));
        assert!(
            matches!(rig.events.last(), Some((_, Event::Hold { local: true, remote: false, .. }))),
            "{:?}",
            rig.events
        );
        rig.in_dialog(&invite, &ok, Method::Bye, 99, "");
        assert!(rig.ends().contains(&EndReason::RemoteHangUp));
        rig.act(Input::HangUp { call: CALL });
        rig.seconds(400);
        assert_eq!((rig.agent.poll_timeout(), rig.agent.leftovers().calls), (None, 0));
    }
}

/// The peer of the call itself sends rubbish in its dialogs: it may end the call, but each call ends once, and nothing is
/// left when all is over.
#[test]
fn rubbish_within_a_dialog_ends_a_call_once_at_most() {
    let count: u64 = std::env::var("HATIF_MUTATIONS").ok().and_then(|s| s.parse().ok()).unwrap_or(20_000);
    let mut harmed = 0;
    for round in 0..count / 50 {
        let mut rng = StdRng::seed_from_u64(round);
        let mut rig = Rig::new();
        let (call, invite, ok) = rig.incoming_call();
        let outgoing = rig.dial("1002@192.0.2.1");
        let mut seeds = Vec::new();
        let mut scratch = Rig::new();
        for (method, body) in [
            (Method::Invite, OFFER),
            (Method::Invite, ""),
            (Method::Update, OFFER),
            (Method::Info, ""),
            (Method::Ack, OFFER),
            (Method::Options, ""),
            (Method::Notify, ""),
        ] {
            seeds.push(scratch.in_dialog(&invite, &ok, method, rng.random_range(2..9), body).to_bytes());
        }
        for (method, kind, body, header) in [
            (Method::Notify, "message/sipfrag", "SIP/2.0 200 OK\r\n", ("Event", "refer;id=2")),
            (Method::Notify, "message/sipfrag", "SIP/2.0 180 Ringing\r\n", ("Event", "refer")),
            (Method::Refer, "text/plain", "", ("Refer-To", "<sip:1003@x?Replaces=a%3Bto-tag%3Db%3Bfrom-tag%3Dc>")),
            (Method::Info, "application/dtmf-relay", "Signal=5\r\nDuration=160\r\n", ("X-A", "b")),
            (Method::Message, "text/plain", "hello", ("X-A", "b")),
        ] {
            let mut request = scratch.in_dialog(&invite, &ok, method, rng.random_range(2..9), "");
            request.headers.push(header.0, header.1);
            request.headers.push("Subscription-State", "terminated;reason=noresource");
            request.headers.push("P-Asserted-Identity", "\"B\" <sip:1003@pbx.example;verstat=TN-Validation-Passed>");
            request.set_body(kind, body.as_bytes().to_vec());
            seeds.push(request.to_bytes());
        }
        for (status, tag) in
            [(100, ""), (180, "a"), (183, "b"), (200, "a"), (200, "b"), (401, "a"), (302, "a"), (486, "b")]
        {
            let mut response = outgoing.response(status, Some(tag).filter(|t| !t.is_empty()));
            response.headers.push("Contact", "<sip:1002@192.0.2.1>");
            response.headers.push("WWW-Authenticate", "Digest realm=\"pbx\", nonce=\"n\", qop=\"auth\"");
            response.set_body("application/sdp", OFFER.as_bytes().to_vec());
            seeds.push(response.to_bytes());
        }
        let mut granted = CALL.0;
        for _ in 0..50 {
            let mut bytes = seeds[rng.random_range(0..seeds.len())].clone();
            mutate(&mut rng, &mut bytes, &seeds);
            rig.hear(&bytes);
            match rng.random_range(0..16) {
                12 => rig.act(Input::Transfer { call, target: "1003".into() }),
                13 => rig.act(Input::TransferTo { call, with: CALL }),
                14 => rig.act(Input::RefuseRefer { call }),
                15 => {
                    granted += 1;
                    rig.act(Input::AcceptRefer { call, new: CallId(granted), media: local_media() });
                }
                0 => rig.act(Input::Hold { call, on: rng.random() }),
                1 => rig.act(Input::Info { call, digit: '1' }),
                2 => rig.pass(std::time::Duration::from_millis(rng.random_range(0..3_000))),
                _ => {}
            }
        }
        harmed += rig.ends().len();
        let made = rig
            .events
            .iter()
            .filter_map(|(_, e)| if let Event::Incoming { call, .. } = e { Some(*call) } else { None });
        let calls: Vec<CallId> = made.chain([CALL]).chain((2..=granted).map(CallId)).collect();
        for call in &calls {
            rig.act(Input::HangUp { call: *call });
        }
        rig.seconds(400);
        assert_eq!((rig.agent.poll_timeout(), rig.agent.leftovers().calls), (None, 0), "round {round}");
        for call in calls {
            let over = |e: &Event| match e {
                Event::Ended { call: id, .. } | Event::Redirected { call: id, .. } => *id == call,
                _ => false,
            };
            let ends = rig.events.iter().filter(|(_, e)| over(e)).count();
            assert_eq!(ends, 1, "round {round}, call {call:?}");
        }
    }
    assert!(harmed > 0, "the mutations reach the calls");
}

/// NOTIFYs of a watched line and of one's own mailbox, by a notifier that has lost its mind: the watch comes to rest or
/// goes on, and nothing is left when it is let go.
#[test]
fn rubbish_of_a_notifier_harms_nothing() {
    let count: u64 = std::env::var("HATIF_MUTATIONS").ok().and_then(|s| s.parse().ok()).unwrap_or(20_000);
    let dialogs = "<?xml version=\"1.0\"?><dialog-info xmlns=\"urn:ietf:params:xml:ns:dialog-info\" version=\"1\" state=\"full\" entity=\"sip:1@x\"><dialog id=\"a\" direction=\"recipient\"><state>early</state><remote><identity display=\"A\">sip:2@x</identity></remote></dialog></dialog-info>";
    let mut lamps = 0;
    for round in 0..count / 100 {
        let mut rng = StdRng::seed_from_u64(round);
        let mut rig = Rig::new();
        let watch = SubscriptionId(1);
        let (package, target) = (Package::Dialog, "1003".to_string());
        rig.act(Input::Subscribe { account: ACCOUNT, subscription: watch, package, target });
        let subscribe = rig.request(Method::Subscribe);
        let mut seeds = Vec::new();
        for (n, state) in ["active;expires=60", "terminated;reason=deactivated", "pending"].iter().enumerate() {
            let mut notify = text::Request::new(Method::Notify, "sip:alice@10.0.0.1:5060");
            notify.headers.push("Via", format!("SIP/2.0/UDP {PBX};branch=z9hG4bKr{n}"));
            notify.headers.push("From", "<sip:1003@pbx.example>;tag=n");
            notify.headers.push("To", subscribe.headers.bytes("From").expect("From"));
            notify.headers.push("Call-ID", subscribe.call_id());
            notify.headers.push("CSeq", format!("{} NOTIFY", n + 1));
            notify.headers.push("Contact", format!("<sip:1003@{PBX}>"));
            notify.headers.push("Event", "dialog");
            notify.headers.push("Subscription-State", *state);
            notify.set_body("application/dialog-info+xml", dialogs.as_bytes().to_vec());
            seeds.push(notify.to_bytes());
        }
        for status in [200, 423, 481, 489, 503] {
            let mut response = subscribe.response(status, Some("n"));
            response.headers.push("Contact", format!("<sip:1003@{PBX}>"));
            response.headers.push("Expires", "60");
            response.headers.push("Min-Expires", "3600");
            seeds.push(response.to_bytes());
        }
        for _ in 0..100 {
            let mut bytes = seeds[rng.random_range(0..seeds.len())].clone();
            mutate(&mut rng, &mut bytes, &seeds);
            rig.hear(&bytes);
            if rng.random_bool(0.2) {
                rig.pass(std::time::Duration::from_millis(rng.random_range(0..9_000)));
            }
        }
        lamps += rig.events.iter().filter(|(_, e)| matches!(e, Event::Lamp { .. })).count();
        rig.act(Input::Unsubscribe { subscription: watch });
        rig.seconds(400);
        assert_eq!((rig.agent.poll_timeout(), rig.agent.leftovers()), (None, Leftovers::default()), "round {round}");
    }
    assert!(lamps as u64 > count / 1_000, "some of it must reach the watch: {lamps}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_bytes_make_the_parser_panic(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        let _ = parse(&bytes);
    }

    #[test]
    fn no_text_makes_the_value_parsers_panic(text in "[ -~äß\u{202e}\\\\\"<>;=,@:\\[\\]]{0,60}") {
        let _ = text::NameAddr::parse(&text).map(|n| text::NameAddr::parse(&n.to_string()));
        let _ = text::Uri::parse(&text).map(|u| u.user_text());
        let _ = text::Via::parse(&text);
        let _ = digest::Challenge::parse_all(&text);
        let _ = HostPort::parse(&text);
        prop_assert!(clean(&text).chars().count() <= 128);
    }

    /// What is read and written again is the same, byte for byte, once written by us.
    #[test]
    fn what_is_written_is_read_again(
        request in any::<bool>(),
        names in prop::collection::vec("[A-Za-z][A-Za-z0-9!%*_+`'~.-]{0,12}", 0..30),
        values in prop::collection::vec(prop::collection::vec(prop_oneof![4 => 0x20u8..0x7f, 1 => 0x80u8..=0xff], 0..40), 30),
        body in prop::collection::vec(any::<u8>(), 0..200),
        user in "[a-z0-9+*%]{1,10}",
        status in 100u16..700,
    ) {
        let mut headers = text::Headers::default();
        for (name, value) in names.iter().zip(&values) {
            if !["l", "content-length"].contains(&name.to_ascii_lowercase().as_str()) {
                headers.push(name, value.trim_ascii());
            }
        }
        headers.push("Content-Length", body.len().to_string());
        let message = if request {
            let uri = format!("sip:{user}@host");
            text::Message::Request(text::Request { method: Method::from_text("X-METHOD"), uri, headers, body })
        } else {
            text::Message::Response(text::Response { status, reason: user.into_bytes(), headers, body })
        };
        let bytes = message.to_bytes();
        prop_assert_eq!(parse(&bytes), Ok(message));
        let mut framer = Framer::new();
        framer.push(&bytes);
        prop_assert_eq!(framer.next(), Some(Ok(bytes)));
    }

    #[test]
    fn uris_and_addresses_come_back(user in "[A-Za-z0-9+*._~!$&'()=,;?/-]{1,20}", host in "[a-z0-9.-]{1,20}", port in 1u16.., name in "\\PC{0,20}") {
        let text = format!("sip:{user}@{host}:{port};transport=tcp");
        let uri = text::Uri::parse(&text).expect("a URI");
        prop_assert_eq!(uri.to_string(), text);
        let address = text::NameAddr { display: Some(name.clone()), ..text::NameAddr::of(uri) };
        prop_assert_eq!(text::NameAddr::parse(&address.to_string()), Some(address));
        prop_assert_eq!(text::unescape(&text::escape_user(&name)), name);
    }
}
