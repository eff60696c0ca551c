//! SDP (RFC 8866) and offer/answer (RFC 3264): as an offer, as an answer to ours, and as a later offer in a session.

#![no_main]

use hatif_sip::{
    Candidate, Codec, IcePolicy, LocalMedia, SrtpPolicy,
    ice::Ice,
    offer::Negotiation,
    sdp::Sdp,
    srtp::{Crypto, Sdes},
};
use libfuzzer_sys::fuzz_target;
use std::net::SocketAddr;

fn session(policy: SrtpPolicy) -> Negotiation {
    let media = LocalMedia {
        addr: SocketAddr::from(([10, 0, 0, 1], 7000)),
        codecs: vec![Codec::Opus, Codec::G722, Codec::Pcmu, Codec::Pcma],
        gathered: Vec::new(),
    };
    let sdes = Sdes::new(policy, false, |key| key.fill(1));
    Negotiation::new(media, 1, sdes, Ice::new(IcePolicy::Offer, |seed| seed.fill(2)))
}

fuzz_target!(|bytes: &[u8]| {
    if let Some(sdp) = Sdp::parse(bytes) {
        for media in &sdp.media {
            let _ = (sdp.address(media), sdp.direction(media), media.attribute("rtpmap"));
            for payload in 0..128 {
                let _ = media.rtpmap(payload);
            }
            for attribute in &media.attributes {
                let _ = (Crypto::parse(&attribute.value), Candidate::parse(&attribute.value));
            }
        }
    }
    for policy in [SrtpPolicy::Off, SrtpPolicy::Optional, SrtpPolicy::Required] {
        negotiate(bytes, policy);
    }
});

fn negotiate(bytes: &[u8], policy: SrtpPolicy) {
    let mut answering = session(policy);
    let answered = answering.answer(bytes);
    assert_eq!(answered.is_ok(), Negotiation::acceptable(bytes, policy).is_ok(), "what rings can be answered");
    if let Ok(answer) = answered {
        let read = Sdp::parse(answer.as_bytes()).expect("what we write can be read");
        let offered = Sdp::parse(bytes).expect("it was answered");
        assert_eq!(read.media.len(), offered.media.len(), "one answer for each medium (RFC 3264 6)");
        let encrypted = answering.media().expect("an answer is an agreement").srtp.is_some();
        assert!(encrypted || policy != SrtpPolicy::Required, "what must be encrypted is");
        // The same again, as a session refresh sends it, changes nothing.
        let before = answering.media().cloned();
        assert!(answering.answer(bytes).is_ok());
        assert_eq!(answering.media().cloned(), before);
    }
    let mut offering = session(policy);
    let offer = offering.offer(false);
    assert!(Sdp::parse(offer.as_bytes()).is_some());
    if offering.take_answer(bytes).is_ok() {
        assert!(!offering.offer_pending());
        let encrypted = offering.media().is_some_and(|m| m.srtp.is_some());
        assert!(encrypted || policy != SrtpPolicy::Required, "what must be encrypted is");
        let again = offering.answer(bytes).is_ok();
        let still = offering.media().is_some_and(|m| m.srtp.is_some());
        assert!(!encrypted || !again || still, "and stays so");
        offering.offer(true);
        offering.withdraw(false);
    }
}
