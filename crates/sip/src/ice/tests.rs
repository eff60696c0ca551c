use super::*;
use crate::{
    Codec, LocalMedia, MediaSession,
    offer::{Negotiation, OfferError},
    srtp::{Sdes, SrtpPolicy},
};
use proptest::prelude::*;

const UFRAG: &str = "9uB6";
const PWD: &str = "YH75Fviy6338Vbrhrlp8Yh";

fn side(policy: IcePolicy, port: u16) -> Negotiation {
    let local =
        LocalMedia { addr: SocketAddr::from(([10, 0, 0, 1], port)), codecs: vec![Codec::Pcma], gathered: Vec::new() };
    let ice = Ice::new(policy, |seed| seed.fill(port as u8));
    Negotiation::new(local, 1, Sdes::new(SrtpPolicy::Off, false, |_| {}), ice)
}

/// A peer's description: its port, and lines after the m-line.
fn peer(port: u16, lines: &str) -> String {
    format!(
        "v=0\r\no=x 1 1 IN IP4 192.0.2.1\r\ns=x\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio {port} RTP/AVP 8\r\n{lines}"
    )
}

fn with_ice(port: u16, more: &str) -> String {
    peer(
        port,
        &format!(
            "a=ice-ufrag:{UFRAG}\r\na=ice-pwd:{PWD}\r\na=candidate:1 1 UDP 2130706431 192.0.2.1 4000 typ host\r\n{more}"
        ),
    )
}

/// What both sides agreed on: the caller's offer, the callee's answer.
fn exchange(caller: &mut Negotiation, callee: &mut Negotiation) -> Result<(MediaSession, MediaSession), OfferError> {
    let offer = caller.offer(false);
    let answer = callee.answer(offer.as_bytes())?;
    caller.take_answer(answer.as_bytes())?;
    Ok((caller.media().expect("agreed").clone(), callee.media().expect("agreed").clone()))
}

fn value<'a>(description: &'a str, name: &str) -> Option<&'a str> {
    description.lines().find_map(|line| line.strip_prefix("a=")?.strip_prefix(name)?.strip_prefix(':'))
}

#[test]
fn the_examples_of_rfc_8839() {
    let srflx = "2 1 UDP 1694498815 192.0.2.3 45664 typ srflx raddr 203.0.113.141 rport 8998";
    let candidate = Candidate::parse(srflx).expect("a candidate");
    assert_eq!((candidate.kind, candidate.component), (CandidateKind::ServerReflexive, 1));
    assert_eq!(
        (candidate.addr, candidate.related),
        ("192.0.2.3:45664".parse().unwrap(), "203.0.113.141:8998".parse().ok())
    );
    assert_eq!(candidate.line(), format!("a=candidate:{srflx}\r\n"));
    let ipv6 = Candidate::parse("1 2 udp 2130706430 2001:db8::9 4001 typ host generation 0 network-id 3");
    assert_eq!(ipv6.map(|c| (c.addr, c.component)), Some(("[2001:db8::9]:4001".parse().unwrap(), 2)));
}

#[test]
fn what_we_cannot_use_is_no_candidate() {
    for value in [
        "",
        "1 1 UDP 2130706431 192.0.2.1 4000",
        "1 1 UDP 2130706431 192.0.2.1 4000 typ",
        "1 1 UDP 2130706431 192.0.2.1 4000 typ tunnel",
        "1 1 TCP 2130706431 192.0.2.1 9 typ host tcptype active",
        "1 1 UDP 2130706431 phone.local 4000 typ host",
        "1 1 UDP 2130706431 0.0.0.0 4000 typ host",
        "1 1 UDP 2130706431 255.255.255.255 4000 typ host",
        "1 1 UDP 2130706431 224.0.0.1 4000 typ host",
        "1 1 UDP 2130706431 192.0.2.1 0 typ host",
        "1 1 UDP 2130706431 192.0.2.1 70000 typ host",
        "1 1 UDP 0 192.0.2.1 4000 typ host",
        "1 1 UDP 2147483648 192.0.2.1 4000 typ host",
        "1 3 UDP 2130706431 192.0.2.1 4000 typ host",
        "1 0 UDP 2130706431 192.0.2.1 4000 typ host",
        "ä 1 UDP 2130706431 192.0.2.1 4000 typ host",
        "123456789012345678901234567890123 1 UDP 2130706431 192.0.2.1 4000 typ host",
    ] {
        assert_eq!(Candidate::parse(value), None, "{value}");
    }
}

#[test]
fn two_phones_agree_and_the_caller_controls() {
    let (mut caller, mut callee) = (side(IcePolicy::Offer, 7000), side(IcePolicy::Answer, 8000));
    let (ours, theirs) = exchange(&mut caller, &mut callee).expect("agreed");
    assert!(ours.rtcp_mux && theirs.rtcp_mux);
    let (ours, theirs) = (ours.ice.expect("ICE"), theirs.ice.expect("ICE"));
    assert!(ours.controlling && !theirs.controlling);
    assert!(ours.local == theirs.remote && ours.remote == theirs.local && ours.local != ours.remote);
    assert_eq!((ours.local.ufrag.len(), ours.local.pwd.len()), (8, 32));
    assert_eq!(ours.candidates.iter().map(|c| c.addr.port()).collect::<Vec<_>>(), [8000], "RTCP goes with RTP");
    assert_eq!(
        theirs.candidates.iter().map(|c| (c.component, c.addr.port())).collect::<Vec<_>>(),
        [(1, 7000), (2, 7001)]
    );
    // Again, now from the other side: nothing is new, and the roles stay.
    let (theirs_again, ours_again) = exchange(&mut callee, &mut caller).expect("agreed");
    let (ours_again, theirs_again) = (ours_again.ice.expect("ICE"), theirs_again.ice.expect("ICE"));
    assert!(ours_again.controlling && !theirs_again.controlling);
    assert_eq!((ours_again.local, theirs_again.local), (ours.local, theirs.local));
}

#[test]
fn without_ice_on_one_side_there_is_none() {
    for (caller, callee) in
        [(IcePolicy::Offer, IcePolicy::Off), (IcePolicy::Off, IcePolicy::Offer), (IcePolicy::Answer, IcePolicy::Offer)]
    {
        let (ours, theirs) = exchange(&mut side(caller, 7000), &mut side(callee, 8000)).expect("agreed");
        assert!(ours.ice.is_none() && theirs.ice.is_none() && !ours.rtcp_mux && !theirs.rtcp_mux);
        assert_eq!(ours.remote.port(), 8000);
    }
    let mut off = side(IcePolicy::Off, 7000);
    assert!(!off.offer(false).contains("ice") && !off.offer(false).contains("rtcp-mux"));
    // Nobody may answer with what was not offered.
    off.take_answer(with_ice(4000, "a=rtcp-mux\r\n").as_bytes()).expect("agreed");
    assert!(off.media().is_some_and(|m| m.ice.is_none() && !m.rtcp_mux));
}

#[test]
fn a_far_side_that_restarts_gets_new_credentials_from_us() {
    let mut ours = side(IcePolicy::Answer, 7000);
    let first = ours.answer(with_ice(4000, "").as_bytes()).expect("an answer");
    let same = ours.answer(with_ice(4000, "").as_bytes()).expect("an answer");
    assert_eq!(value(&first, "ice-pwd"), value(&same, "ice-pwd"));
    let restart = with_ice(4000, "").replace(UFRAG, "Xy12").replace(PWD, "abcdefghijklmnopqrstuvwxyz");
    let after = ours.answer(restart.as_bytes()).expect("an answer");
    assert_ne!(value(&first, "ice-ufrag"), value(&after, "ice-ufrag"));
    assert_ne!(value(&first, "ice-pwd"), value(&after, "ice-pwd"));
    let agreed = ours.media().and_then(|m| m.ice.clone()).expect("ICE");
    assert_eq!((agreed.remote.ufrag.as_str(), agreed.controlling), ("Xy12", false));
    assert_eq!(value(&after, "ice-ufrag"), Some(agreed.local.ufrag.as_str()));
}

/// Both offer at once: each is refused with 491 and forgets its own; the one that comes again is agreed on.
#[test]
fn glare_changes_nothing() {
    let (mut caller, mut callee) = (side(IcePolicy::Offer, 7000), side(IcePolicy::Offer, 8000));
    let (before, _) = exchange(&mut caller, &mut callee).expect("agreed");
    caller.offer(true);
    callee.offer(true);
    caller.withdraw(false);
    callee.withdraw(false);
    assert_eq!(caller.media(), Some(&before));
    let (_, after) = exchange(&mut callee, &mut caller).expect("agreed");
    assert_eq!(after.ice, before.ice);
}

#[test]
fn media_that_somebody_sent_another_way_is_not_checked() {
    let mut ours = side(IcePolicy::Answer, 7000);
    let answer = ours.answer(with_ice(4002, "").as_bytes()).expect("an answer");
    assert!(answer.contains("a=ice-mismatch\r\n") && !answer.contains("ice-ufrag"), "{answer}");
    assert!(ours.media().is_some_and(|m| m.ice.is_none() && m.remote.port() == 4002));
    let mut ours = side(IcePolicy::Offer, 7000);
    ours.offer(false);
    ours.take_answer(with_ice(4000, "a=ice-mismatch\r\n").as_bytes()).expect("agreed");
    assert!(ours.media().is_some_and(|m| m.ice.is_none()));
}

#[test]
fn a_lite_far_side_lets_us_control_and_rtcp_may_have_its_own_port() {
    let mut ours = side(IcePolicy::Answer, 7000);
    let two = with_ice(4000, "a=candidate:1 2 UDP 2130706430 192.0.2.1 4001 typ host\r\n");
    let answer = ours.answer(two.replace("s=x\r\n", "s=x\r\na=ice-lite\r\n").as_bytes()).expect("an answer");
    assert_eq!(answer.matches("a=candidate:").count(), 2, "{answer}");
    assert!(
        answer.contains(" 2 UDP ") && answer.contains(" 7001 typ host") && !answer.contains("rtcp-mux"),
        "{answer}"
    );
    assert!(ours.media().is_some_and(|m| !m.rtcp_mux && m.ice.as_ref().is_some_and(|ice| ice.controlling)));
}

#[test]
fn candidates_without_an_address_beside_them_are_no_hold() {
    let mut ours = side(IcePolicy::Answer, 7000);
    let nowhere = with_ice(9, "a=rtcp-mux\r\n").replace("c=IN IP4 192.0.2.1", "c=IN IP4 0.0.0.0");
    ours.answer(nowhere.as_bytes()).expect("an answer");
    assert!(!ours.remote_hold());
    assert!(ours.media().is_some_and(|m| m.send && m.rtcp_mux && m.remote.port() == 4000));
}

#[test]
fn credentials_are_read_from_the_session_and_must_be_long_enough() {
    let lines = format!("a=ice-ufrag:{UFRAG}\r\na=ice-pwd:{PWD}\r\n");
    let moved = with_ice(4000, "").replace(&lines, "").replace("t=0 0\r\n", &format!("t=0 0\r\n{lines}"));
    let mut ours = side(IcePolicy::Answer, 7000);
    ours.answer(moved.as_bytes()).expect("an answer");
    assert!(ours.media().is_some_and(|m| m.ice.is_some()));
    let long = "a".repeat(101);
    for (good, bad) in [(UFRAG, "abc"), (UFRAG, long.as_str()), (PWD, "short")] {
        let bad = with_ice(4000, "").replace(good, bad);
        let mut ours = side(IcePolicy::Answer, 7000);
        ours.answer(bad.as_bytes()).expect("an answer");
        assert!(ours.media().is_some_and(|m| m.ice.is_none()));
    }
}

#[test]
fn a_flood_of_candidates_is_cut() {
    let lines: String =
        (0..300).map(|n| format!("a=candidate:{n} 1 UDP {} 198.51.100.7 {} typ host\r\n", n + 1, n + 1000)).collect();
    let mut ours = side(IcePolicy::Answer, 7000);
    ours.answer(with_ice(4000, &lines).as_bytes()).expect("an answer");
    let agreed = ours.media().and_then(|m| m.ice.clone()).expect("ICE");
    assert_eq!(agreed.candidates.len(), MAX_CANDIDATES);
}

#[test]
fn passwords_are_not_shown() {
    let sdp = Sdp::parse(with_ice(4000, "").as_bytes()).expect("sdp");
    let shown = format!("{sdp:?} {:?}", Reading::of(&sdp, &sdp.media[0]));
    assert!(!shown.contains(PWD), "{shown}");
}

proptest! {
    #[test]
    fn no_candidate_panics(value in ".{0,200}", words in prop::collection::vec("[0-9a-zA-Z.:+/]{0,12}", 0..16)) {
        let _ = Candidate::parse(&value);
        let _ = Candidate::parse(&words.join(" "));
    }

    #[test]
    fn what_is_written_is_read(ip in any::<[u8; 4]>(), port in 1u16.., component in 1u16..=2, kind in 0usize..4) {
        let addr = SocketAddr::from((ip, port));
        let candidate = Candidate::own(CandidateKind::ALL[kind], component, addr);
        let line = candidate.line();
        let value = line.trim_end().strip_prefix("a=candidate:").expect("an attribute");
        prop_assert_eq!(Candidate::parse(value), is_somewhere(&addr).then_some(candidate));
    }

    /// Whatever comes after another in one call, an offer or an answer: no panic, and never the far side's choice of
    /// credentials for us.
    #[test]
    fn any_descriptions_are_taken_or_refused(turns in prop::collection::vec((any::<bool>(), "[ -~]{0,60}", 0u8..8), 1..8)) {
        let mut ours = side(IcePolicy::Offer, 7000);
        for (answer, noise, bits) in turns {
            let mut text = with_ice(4000, "");
            for (bit, line) in [(1, "a=rtcp-mux\r\n"), (2, "a=ice-lite\r\n"), (4, "a=ice-mismatch\r\n")] {
                if bits & bit != 0 {
                    text.push_str(line);
                }
            }
            text.push_str(&format!("a=candidate:{noise}\r\na=ice-ufrag:{noise}\r\n"));
            if answer {
                ours.offer(false);
                let _ = ours.take_answer(text.as_bytes());
            } else if let Ok(answer) = ours.answer(text.as_bytes()) {
                prop_assert!(!answer.contains(PWD));
            }
        }
    }
}

/// What a STUN server told is in offer and answer, with what it was made for; what is no other address is not.
#[test]
fn gathered_addresses_are_candidates() {
    let [public, same] = ["203.0.113.5:9000", "10.0.0.1:7001"].map(|text| text.parse().unwrap());
    let kind = CandidateKind::ServerReflexive;
    let at =
        |component, addr| Gathered { kind, component, addr, base: SocketAddr::from(([10, 0, 0, 1], 6999 + component)) };
    let mut caller = side(IcePolicy::Offer, 7000);
    caller.move_to(SocketAddr::from(([10, 0, 0, 1], 7000)), vec![at(1, public), at(2, same)]);
    let offer = caller.offer(false);
    let lines: Vec<&str> = offer.lines().filter(|line| line.starts_with("a=candidate")).collect();
    let told = "a=candidate:1004 1 UDP 1694498815 203.0.113.5 9000 typ srflx raddr 10.0.0.1 rport 7000";
    assert!(lines.len() == 3 && lines[2] == told, "{lines:#?}");

    let mut callee = side(IcePolicy::Answer, 7002);
    callee.move_to(SocketAddr::from(([10, 0, 0, 1], 7002)), vec![at(1, public)]);
    assert!(callee.answer(offer.as_bytes()).unwrap().contains("203.0.113.5 9000 typ srflx"));
    assert_eq!(callee.media().and_then(|m| m.ice.as_ref()).map(|ice| ice.candidates.len()), Some(3));
}
