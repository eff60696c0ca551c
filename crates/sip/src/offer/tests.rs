//! Offers and answers of phones and PBXes as they come, and what must come out.

use super::*;
use proptest::prelude::*;

fn local(codecs: &[Codec]) -> LocalMedia {
    LocalMedia { addr: SocketAddr::from(([10, 0, 0, 1], 7000)), codecs: codecs.to_vec(), gathered: Vec::new() }
}

fn plain(local: LocalMedia, session: u64) -> Negotiation {
    Negotiation::new(local, session, Sdes::new(SrtpPolicy::Off, false, |_| {}), Ice::off())
}

fn all() -> Negotiation {
    plain(local(&[Codec::Opus, Codec::Pcmu, Codec::Pcma]), 1)
}

fn offer(media: &str) -> String {
    format!("v=0\r\no=x 1 1 IN IP4 192.0.2.1\r\ns=x\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n{media}")
}

fn answered(session: &mut Negotiation, media: &str) -> (String, MediaSession) {
    let answer = session.answer(offer(media).as_bytes()).expect("an answer");
    (answer, session.media().expect("media").clone())
}

#[test]
fn the_offerers_payload_types_are_used() {
    let media = "m=audio 4000 RTP/AVP 111 8 110 101\r\na=rtpmap:111 OPUS/48000/2\r\na=rtpmap:110 telephone-event/48000\r\na=rtpmap:101 telephone-event/8000\r\na=ptime:40\r\n";
    let mut session = all();
    let (answer, agreed) = answered(&mut session, media);
    assert_eq!((agreed.codec, agreed.payload, agreed.dtmf_payload, agreed.ptime_ms), (Codec::Opus, 111, Some(110), 40));
    assert!(answer.contains("m=audio 7000 RTP/AVP 111 110\r\n"), "{answer}");
    assert!(answer.contains("a=rtpmap:110 telephone-event/48000"), "{answer}");
    // Our own offer later keeps their numbers (RFC 3264 8.3.2).
    let ours = session.offer(false);
    assert!(ours.contains("m=audio 7000 RTP/AVP 111 0 8 110 101\r\n"), "{ours}");
}

#[test]
fn numbers_that_the_peer_uses_for_something_else_are_avoided() {
    let media = "m=audio 4000 RTP/AVP 0 96 97 101\r\na=rtpmap:96 G726-32/8000\r\na=rtpmap:97 iLBC/8000\r\na=rtpmap:101 telephone-event/8000\r\n";
    let mut session = all();
    answered(&mut session, media);
    assert!(session.offer(false).contains("m=audio 7000 RTP/AVP 98 0 8 99 101\r\n"));
}

#[test]
fn a_number_that_the_offer_does_not_explain_means_nothing() {
    let bare = "m=audio 4000 RTP/AVP 96 0\r\n";
    let mut session = all();
    for _ in 0..2 {
        assert_eq!(answered(&mut session, bare).1.codec, Codec::Pcmu, "96 is Opus in our offers only");
    }
    let mut session = all();
    session.offer(false);
    let agreed = session.take_answer(offer("m=audio 4000 RTP/AVP 96\r\n").as_bytes()).expect("our own number").clone();
    assert_eq!(agreed.codec, Codec::Opus);
}

#[test]
fn the_offers_order_decides() {
    let both = "m=audio 4000 RTP/AVP 8 0 96\r\na=rtpmap:96 opus/48000/2\r\n";
    assert_eq!(answered(&mut all(), both).1.codec, Codec::Pcma);
    let mut mu = plain(local(&[Codec::Pcmu]), 1);
    assert_eq!(answered(&mut mu, both).1.codec, Codec::Pcmu);
    let mono = "m=audio 4000 RTP/AVP 96 0\r\na=rtpmap:96 opus/48000\r\n";
    assert_eq!(answered(&mut all(), mono).1.codec, Codec::Pcmu, "RFC 7587: always two channels");
}

#[test]
fn g722_has_the_clock_of_its_old_mistake() {
    let mut ours = plain(local(&[Codec::Opus, Codec::G722, Codec::Pcma]), 1);
    assert!(ours.offer(false).contains(" 9 ") && ours.offer(false).contains("a=rtpmap:9 G722/8000\r\n"));
    let (answer, agreed) = answered(&mut ours, "m=audio 4000 RTP/AVP 9 8\r\n");
    assert_eq!(agreed.codec, Codec::G722, "a static payload type needs no rtpmap");
    assert!(answer.contains("m=audio 7000 RTP/AVP 9"), "{answer}");
}

#[test]
fn other_streams_are_refused_in_their_places() {
    let media = "m=video 5000 RTP/AVP 96\r\na=rtpmap:96 VP8/90000\r\nm=audio 0 RTP/AVP 0\r\nm=audio 4000 RTP/SAVP 0\r\nm=audio 4002 RTP/AVP 0\r\nm=audio 4004 RTP/AVP 0\r\nm=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n";
    let (answer, agreed) = answered(&mut all(), media);
    let lines: Vec<&str> = answer.lines().filter(|l| l.starts_with("m=")).collect();
    assert_eq!(
        lines,
        [
            "m=video 0 RTP/AVP 96",
            "m=audio 0 RTP/AVP 0",
            "m=audio 0 RTP/SAVP 0",
            "m=audio 7000 RTP/AVP 0",
            "m=audio 0 RTP/AVP 0",
            "m=application 0 UDP/DTLS/SCTP webrtc-datachannel"
        ]
    );
    assert_eq!(agreed.remote.port(), 4002);
}

#[test]
fn what_cannot_be_agreed_on() {
    for media in [
        "",
        "m=audio 4000 RTP/AVP 9 18\r\n",
        "m=audio 4000 RTP/SAVP 0\r\n",
        "m=audio 0 RTP/AVP 0\r\n",
        "m=video 4000 RTP/AVP 0\r\n",
        "m=audio 4000 RTP/AVP 0\r\nc=IN IP4 host.example\r\n",
        "m=audio 4000 RTP/AVP 300\r\n",
        "m=audio 4000 RTP/AVP\r\n",
    ] {
        // The session-level c= is taken away where the m-line's own cannot be read.
        let text = if media.contains("host.example") {
            offer(media).replacen("c=IN IP4 192.0.2.1\r\n", "", 1)
        } else {
            offer(media)
        };
        assert_eq!(all().answer(text.as_bytes()), Err(OfferError::NoCommonCodec), "{media}");
    }
    assert_eq!(all().answer(b"hello"), Err(OfferError::Unreadable));
}

#[test]
fn directions_and_holds() {
    for (theirs, hold, ours, send, receive, remote_hold) in [
        ("sendrecv", false, "sendrecv", true, true, false),
        ("sendonly", false, "recvonly", false, true, true),
        ("recvonly", false, "sendonly", true, false, false),
        ("inactive", false, "inactive", false, false, true),
        ("sendrecv", true, "sendonly", false, false, false),
        ("sendonly", true, "inactive", false, false, true),
    ] {
        let mut session = all();
        if hold {
            session.offer(true);
            session.take_answer(offer("m=audio 4000 RTP/AVP 0\r\na=recvonly\r\n").as_bytes()).expect("answer");
        }
        let (answer, agreed) = answered(&mut session, &format!("m=audio 4000 RTP/AVP 0\r\na={theirs}\r\n"));
        assert!(answer.contains(&format!("a={ours}\r\n")), "{theirs} {hold}: {answer}");
        assert_eq!(
            (agreed.send, agreed.receive, session.remote_hold()),
            (send, receive, remote_hold),
            "{theirs} {hold}"
        );
    }
}

#[test]
fn telephone_event_at_8000_beside_opus_keeps_its_own_clock() {
    let mut session = all();
    let text =
        offer("m=audio 4000 RTP/AVP 107 101\r\na=rtpmap:107 opus/48000/2\r\na=rtpmap:101 telephone-event/8000\r\n");
    session.answer(text.as_bytes()).expect("answered");
    let agreed = session.media().expect("agreed");
    assert_eq!((agreed.codec, agreed.dtmf_payload, agreed.dtmf_clock), (Codec::Opus, Some(101), 8000));
}

#[test]
fn an_answer_is_read_with_its_own_numbers() {
    let mut session = all();
    session.offer(false);
    let text = offer(
        "m=audio 4000 RTP/AVP 107 100\r\na=rtpmap:107 opus/48000/2\r\na=rtpmap:100 telephone-event/48000\r\na=ptime:7\r\na=maxptime:10\r\n",
    );
    let agreed = session.take_answer(text.as_bytes()).expect("agreed");
    assert_eq!((agreed.payload, agreed.payload_in, agreed.dtmf_payload, agreed.ptime_ms), (107, 96, Some(100), 10));
    for refused in ["m=audio 0 RTP/AVP 96\r\n", "m=audio 4000 RTP/SAVP 0\r\n", "m=video 4000 RTP/AVP 0\r\n", ""] {
        let mut session = all();
        session.offer(false);
        assert_eq!(session.take_answer(offer(refused).as_bytes()), Err(OfferError::NoCommonCodec));
    }
}

#[test]
fn the_version_goes_up_when_something_changed() {
    let version =
        |sdp: &str| sdp.lines().nth(1).and_then(|o| o.split(' ').nth(2)?.parse::<u64>().ok()).expect("version");
    let mut session = all();
    let first = version(&session.offer(false));
    assert_eq!(version(&session.offer(false)), first);
    assert_eq!(version(&session.offer(true)), first + 1);
}

#[test]
fn packet_times_are_kept_within_reason() {
    for (lines, ms) in [
        ("", 20),
        ("a=ptime:30\r\n", 30),
        ("a=ptime:4294967296\r\n", 20),
        ("a=ptime:-1\r\n", 20),
        ("a=ptime:0\r\n", 20),
        ("a=ptime:60\r\na=maxptime:40\r\n", 40),
        ("a=maxptime:5\r\n", 10),
        ("a=maxptime:0\r\n", 20),
    ] {
        let media = format!("m=audio 4000 RTP/AVP 0\r\n{lines}");
        assert_eq!(answered(&mut all(), &media).1.ptime_ms, ms, "{lines}");
    }
}

#[test]
fn ipv6_addresses_go_into_the_description() {
    let addr = "[2001:db8::1]:7000".parse().expect("address");
    let mut session = plain(LocalMedia { addr, codecs: vec![Codec::Pcmu], gathered: Vec::new() }, 1);
    let sdp = session.offer(false);
    assert!(sdp.contains("c=IN IP6 2001:db8::1\r\n"), "{sdp}");
}

proptest! {
    /// Two of us always understand each other, whatever each has and holds.
    #[test]
    fn offers_meet_answers(ours in prop::sample::subsequence(vec![Codec::Opus, Codec::Pcmu, Codec::Pcma, Codec::G722], 1..=4),
                           theirs in prop::sample::subsequence(vec![Codec::Opus, Codec::Pcmu, Codec::Pcma, Codec::G722], 1..=4),
                           holds in prop::collection::vec((any::<bool>(), any::<bool>()), 0..6)) {
        let mut a = plain(local(&ours), 1);
        let mut b = plain(local(&theirs), 2);
        let first = a.offer(false);
        let common = ours.iter().find(|c| theirs.contains(c));
        let Ok(answer) = b.answer(first.as_bytes()) else {
            prop_assert_eq!(common, None);
            return Ok(());
        };
        a.take_answer(answer.as_bytes()).expect("our own answer");
        prop_assert_eq!(a.media().map(|m| m.codec), common.copied());
        for (from_a, hold) in holds {
            let (x, y) = if from_a { (&mut a, &mut b) } else { (&mut b, &mut a) };
            let offer = x.offer(hold);
            let answer = y.answer(offer.as_bytes()).expect("same codecs");
            x.take_answer(answer.as_bytes()).expect("our own answer");
            let (x, y) = (&*x, &*y);
            let (mx, my) = (x.media().expect("media"), y.media().expect("media"));
            prop_assert_eq!(&mx.codec, &my.codec);
            prop_assert_eq!(mx.payload, my.payload);
            prop_assert_eq!(mx.dtmf_payload, my.dtmf_payload);
            prop_assert_eq!(x.local_hold(), y.remote_hold());
            prop_assert_eq!(mx.receive, !x.local_hold() && my_direction_sends(y));
        }
    }

    #[test]
    fn no_description_makes_it_panic(lines in prop::collection::vec("(m=audio [0-9]{1,5} RTP/AVP [0-9 ]{0,12}|a=rtpmap:[0-9]{1,3} (opus|PCMU|telephone-event)/[0-9]{1,9}/?[0-9]?|a=(ptime|maxptime):[0-9]{0,12}|c=IN IP[46] [0-9.:]{1,12}|a=(sendonly|inactive))", 0..12)) {
        let text = format!("v=0\r\n{}\r\n", lines.join("\r\n"));
        let mut session = all();
        session.offer(false);
        let _ = session.take_answer(text.as_bytes());
        let _ = session.answer(text.as_bytes());
    }
}

/// Whether that side's last description lets it send (a holding side sends nothing but may).
fn my_direction_sends(side: &Negotiation) -> bool {
    !side.sent.0.contains("a=recvonly") && !side.sent.0.contains("a=inactive")
}
