use super::*;
use messages::{bind, read_channel_data, read_data, write_channel_data, write_send};
use proptest::prelude::*;
use stun_types::{
    attribute::{AttributeType, ErrorCode, Nonce, RawAttribute, Realm, Username, XorSocketAddr},
    message::{Message, MessageWrite, MessageWriteExt, MessageWriteVec},
};

const SERVER: &str = "192.0.2.9:3478";
const RELAYED: &str = "192.0.2.9:50000";
const PEER: &str = "198.51.100.7:4000";
const PASSWORD: &str = "secret";

fn at(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

fn client(now: Instant) -> Client {
    Client::new(now, at(SERVER), "agent", PASSWORD)
}

fn key() -> IntegrityKey {
    let credentials = LongTermCredentials::new("agent".into(), PASSWORD.into());
    credentials.to_key("here".into()).make_key(IntegrityAlgorithm::Sha1)
}

/// An error of that code, with a challenge.
fn error(request: &[u8], code: u16, nonce: &str) -> Vec<u8> {
    let request = Message::from_bytes(request).unwrap();
    let mut answer = Message::builder_error(&request, MessageWriteVec::new());
    answer.add_attribute(&ErrorCode::builder(code).build().unwrap()).unwrap();
    answer.add_attribute(&Realm::new("here").unwrap()).unwrap();
    answer.add_attribute(&Nonce::new(nonce).unwrap()).unwrap();
    answer.finish()
}

fn success(request: &[u8], relayed: Option<&str>, lifetime: u32) -> Vec<u8> {
    let request = Message::from_bytes(request).unwrap();
    let mut answer = Message::builder_success(&request, MessageWriteVec::new());
    let id = request.transaction_id();
    for (kind, addr) in [(0x0016, relayed), (0x0020, relayed.map(|_| "203.0.113.5:9000"))] {
        if let Some(addr) = addr {
            let addr = XorSocketAddr::new(at(addr), id);
            answer.add_attribute(&addr.to_raw(AttributeType::new(kind))).unwrap();
        }
    }
    let seconds = lifetime.to_be_bytes();
    answer.add_attribute(&RawAttribute::new(AttributeType::new(0x000D), &seconds)).unwrap();
    answer.add_message_integrity_with_key(&key(), IntegrityAlgorithm::Sha1).unwrap();
    answer.finish()
}

/// Up to the allocation.
fn open(now: Instant) -> Client {
    let mut client = client(now);
    let first = client.poll_transmit(now).expect("a request");
    assert_eq!(client.receive(now, &error(&first, 401, "n1")), Received::Handled);
    let second = client.poll_transmit(now).expect("the same, proved");
    let message = Message::from_bytes(&second).unwrap();
    assert!(message.validate_integrity_with_key(&key()).is_ok());
    assert_eq!(message.attribute::<Username>().unwrap().username(), "agent");
    assert_eq!(client.receive(now, &success(&second, Some(RELAYED), 600)), Received::Handled);
    assert_eq!((client.relayed(), client.mapped()), (Some(at(RELAYED)), Some(at("203.0.113.5:9000"))));
    client
}

fn method(request: &[u8]) -> Method {
    Message::from_bytes(request).unwrap().method()
}

#[test]
fn an_allocation_is_refreshed_and_released() {
    let start = Instant::now();
    let mut client = open(start);
    let later = |seconds: u64| start + Duration::from_secs(seconds);
    assert_eq!(client.poll_transmit(later(299)), None);
    let refresh = client.poll_transmit(later(300)).expect("a refresh");
    assert_eq!(method(&refresh), REFRESH);
    client.receive(later(300), &success(&refresh, None, 600));
    assert_eq!(client.poll_transmit(later(599)), None);
    client.release(later(599));
    let last = client.poll_transmit(later(599)).expect("a release");
    assert!(method(&last) == REFRESH && !client.is_closed() && client.relayed().is_none());
    client.receive(later(599), &success(&last, None, 0));
    assert!(client.is_closed() && client.refusal().is_none());
}

#[test]
fn a_stale_nonce_is_replaced_and_a_wrong_password_is_said() {
    let now = Instant::now();
    let mut client = open(now);
    client.release(now);
    let last = client.poll_transmit(now).expect("a release");
    client.receive(now, &error(&last, 438, "n2"));
    let again = client.poll_transmit(now).expect("the release with the new nonce");
    assert_eq!(Message::from_bytes(&again).unwrap().attribute::<Nonce>().unwrap().nonce(), "n2");

    let mut client = super::tests::client(now);
    for nonce in ["n1", "n2"] {
        let request = client.poll_transmit(now).expect("a request");
        client.receive(now, &error(&request, 401, nonce));
    }
    assert_eq!(client.refusal(), Some(Refusal::WrongPassword));
    assert_eq!(client.poll_transmit(now), None);
}

#[test]
fn a_server_that_always_wants_another_nonce_is_left() {
    let now = Instant::now();
    let mut client = client(now);
    let mut asked = 0;
    while let Some(request) = client.poll_transmit(now) {
        asked += 1;
        client.receive(now, &error(&request, if asked == 1 { 401 } else { 438 }, "another"));
    }
    assert_eq!((asked, client.refusal()), (4, Some(Refusal::Refused(438))));
}

#[test]
fn a_silent_server_is_asked_seven_times() {
    let start = Instant::now();
    let mut client = client(start);
    let times = (0..1000).map(|n| start + Duration::from_millis(10 * n));
    assert_eq!(times.filter(|now| client.poll_transmit(*now).is_some()).count(), 7);
    assert_eq!(client.refusal(), Some(Refusal::Silent));
}

#[test]
fn a_relay_that_comes_too_late_is_released() {
    let now = Instant::now();
    let mut client = client(now);
    let first = client.poll_transmit(now).expect("a request");
    client.receive(now, &error(&first, 401, "n1"));
    let second = client.poll_transmit(now).expect("a request");
    client.release(now);
    assert_eq!(client.poll_transmit(now), None, "it is not asked for again");
    client.receive(now, &success(&second, Some(RELAYED), 600));
    assert_eq!(client.poll_transmit(now).map(|request| method(&request)), Some(REFRESH));
}

#[test]
fn an_unproved_or_odd_allocation_is_none() {
    let now = Instant::now();
    let mut client = client(now);
    let first = client.poll_transmit(now).expect("a request");
    client.receive(now, &error(&first, 401, "n1"));
    let second = client.poll_transmit(now).expect("a request");
    let mut forged = success(&second, Some(RELAYED), 600);
    let end = forged.len() - 1;
    forged[end] ^= 1;
    client.receive(now, &forged);
    assert!(client.is_asking(), "somebody without the password answers");
    client.receive(now, &success(&second, Some("0.0.0.0:50000"), 600));
    assert_eq!((client.relayed(), client.refusal()), (None, Some(Refusal::Odd)));
}

#[test]
fn what_is_sent_goes_by_an_indication_until_there_is_a_channel() {
    let now = Instant::now();
    let mut client = open(now);
    let (mut out, peer) = ([0; 200], at(PEER));
    let length = client.wrap(now, peer, b"check", &mut out).expect("a Send indication");
    let message = Message::from_bytes(&out[..length]).unwrap();
    assert_eq!(message.raw_attribute(AttributeType::new(0x0013)).unwrap().value.as_ref(), b"check");
    let request = client.poll_transmit(now).expect("a ChannelBind");
    assert_eq!(method(&request), CHANNEL_BIND);
    client.receive(now, &success(&request, None, 600));
    let length = client.wrap(now, peer, b"voice", &mut out).expect("ChannelData");
    assert_eq!(&out[..length], b"\x40\x00\x00\x05voice");
    assert_eq!(client.receive(now, &out[..length]), Received::Data(peer, 4..9));
    assert_eq!(client.receive(now, b"\x40\x01\x00\x05voice"), Received::Handled, "nobody's channel");
    assert_eq!(client.wrap(now, at("[2001:db8::1]:1"), b"voice", &mut out), None, "another family");
    let again = client.poll_transmit(now + Duration::from_secs(240)).expect("permissions last 5 minutes");
    assert_eq!(method(&again), CHANNEL_BIND);
}

#[test]
fn a_flood_of_peers_costs_little() {
    let now = Instant::now();
    let mut client = open(now);
    for port in 1..2000 {
        client.reach(now, SocketAddr::new(at(PEER).ip(), port));
    }
    let mut asked = 0;
    while client.poll_transmit(now).is_some() {
        asked += 1;
    }
    assert_eq!(asked, peers::MAX);
}

proptest! {
    #[test]
    fn what_is_wrapped_is_the_same_unwrapped(data in prop::collection::vec(any::<u8>(), 0..300), port in 1u16.., v6: bool) {
        let ip = if v6 { "2001:db8::7" } else { "198.51.100.7" };
        let peer = SocketAddr::new(ip.parse().unwrap(), port);
        let mut out = [0; 300 + MAX_OVERHEAD];
        let length = write_channel_data(0x4005, &data, &mut out).unwrap();
        let (channel, part) = read_channel_data(&out[..length]).unwrap();
        prop_assert_eq!((channel, &out[part]), (0x4005, &data[..]));
        let length = write_send(peer, &data, &mut out).unwrap();
        prop_assert!(length <= data.len() + MAX_OVERHEAD);
        // A Data indication is a Send indication the other way.
        out[1] = 0x17;
        let (from, part) = read_data(&out[..length]).unwrap();
        prop_assert_eq!((from, &out[part]), (peer, &data[..]));
        prop_assert_eq!(write_send(peer, &data, &mut out[..length - 1]), None);
    }

    #[test]
    fn no_datagram_panics(bytes in prop::collection::vec(any::<u8>(), 0..200), first in 0u8..0x50, cut in 0usize..200, flip in 0usize..200) {
        let now = Instant::now();
        let mut client = open(now);
        client.receive(now, &bytes);
        let mut likely = bytes.clone();
        if let Some(start) = likely.first_mut() {
            *start = first;
        }
        client.receive(now, &likely);
        let mut fresh = super::tests::client(now);
        let request = fresh.poll_transmit(now).unwrap();
        let mut answer = error(&request, 401, "n1");
        let (cut, flip) = (cut.min(answer.len()), flip % answer.len());
        answer[flip] ^= first | 1;
        fresh.receive(now, &answer[..cut]);
        fresh.receive(now, &answer);
        while fresh.poll_transmit(now).is_some() {}
        prop_assert!(bind(TransactionId::generate(), at(PEER), 0x4000, None).is_some());
    }
}
