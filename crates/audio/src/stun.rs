//! Asking a STUN server by which address others see a socket (RFC 8489 Binding; RFC 8445 5.1.1.2), and keeping the NAT's
//! memory of it fresh (RFC 8445 11). Messages by `stun-types` (`is` takes no answer without a password). Pure: time and
//! datagrams are arguments.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};
use stun_types::{
    attribute::XorMappedAddress,
    message::{BINDING, Message, MessageClass, MessageType, MessageWrite, MessageWriteVec, TransactionId},
};

/// A call waits for no server longer than this.
pub(crate) const PATIENCE: Duration = Duration::from_millis(400);
/// Asked again after so long without an answer.
const AGAIN: Duration = Duration::from_millis(100);
/// NATs may forget a socket that is not used for 30 s (RFC 4787 asks for 120; not all obey).
const FRESH: Duration = Duration::from_secs(15);

/// One socket and its server.
pub(crate) struct Query {
    server: SocketAddr,
    /// Nobody can guess it: whoever is not on the way cannot answer.
    id: TransactionId,
    until: Instant,
    next: Instant,
    mapped: Option<SocketAddr>,
}

impl Query {
    /// `id`: 96 bits that nobody can guess.
    pub fn new(now: Instant, server: SocketAddr, id: u128) -> Query {
        Query { server, id: id.into(), until: now + PATIENCE, next: now, mapped: None }
    }

    /// The request, when it is to be sent (again), and where.
    pub fn poll_transmit(&mut self, now: Instant) -> Option<(SocketAddr, Vec<u8>)> {
        if now < self.next {
            return None;
        }
        self.next = now + if self.is_over(now) { FRESH } else { AGAIN };
        let request = MessageType::from_class_method(MessageClass::Request, BINDING);
        Some((self.server, Message::builder(request, self.id, MessageWriteVec::new()).finish()))
    }

    /// Takes the server's answer; false for what is none.
    pub fn receive(&mut self, from: SocketAddr, datagram: &[u8]) -> bool {
        if from != self.server {
            return false;
        }
        let Ok(message) = Message::from_bytes(datagram) else { return false };
        if message.transaction_id() != self.id || message.method() != BINDING || !message.is_response() {
            return false;
        }
        let mapped = message.attribute::<XorMappedAddress>().ok().map(|mapped| mapped.addr(self.id));
        if message.has_class(MessageClass::Success) && self.mapped.is_none() {
            self.mapped = mapped.filter(usable);
        }
        true
    }

    pub fn is_over(&self, now: Instant) -> bool {
        self.mapped.is_some() || now >= self.until
    }

    /// What the server sees, once it has said so.
    pub fn mapped(&self) -> Option<SocketAddr> {
        self.mapped
    }

    pub fn server(&self) -> SocketAddr {
        self.server
    }
}

fn usable(addr: &SocketAddr) -> bool {
    addr.port() != 0 && !addr.ip().is_unspecified() && !addr.ip().is_multicast()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The transaction of the samples of RFC 5769.
    const ID: u128 = 0xb7e7_a701_bc34_d686_fa87_dfae;

    fn at(text: &str) -> SocketAddr {
        text.parse().unwrap()
    }

    fn answer(id: u128, attributes: &[u8]) -> Vec<u8> {
        let mut bytes = vec![1, 1, 0, attributes.len() as u8, 0x21, 0x12, 0xa4, 0x42];
        bytes.extend(&id.to_be_bytes()[4..]);
        bytes.extend(attributes);
        bytes
    }

    fn asked(bytes: &[u8]) -> Option<SocketAddr> {
        let mut query = Query::new(Instant::now(), at("192.0.2.9:3478"), ID);
        query.receive(at("192.0.2.9:3478"), bytes);
        query.mapped()
    }

    const V4: [u8; 12] = [0, 0x20, 0, 8, 0, 1, 0xa1, 0x47, 0xe1, 0x12, 0xa6, 0x43];

    /// RFC 5769 2.2 and 2.3: the sample responses' addresses.
    #[test]
    fn the_samples_of_rfc_5769() {
        let v6 = [
            0, 0x20, 0, 20, 0, 2, 0xa1, 0x47, 0x01, 0x13, 0xa9, 0xfa, 0xa5, 0xd3, 0xf1, 0x79, 0xbc, 0x25, 0xf4, 0xb5,
            0xbe, 0xd2, 0xb9, 0xd9,
        ];
        for (attribute, expected) in
            [(&V4[..], "192.0.2.1:32853"), (&v6[..], "[2001:db8:1234:5678:11:2233:4455:6677]:32853")]
        {
            let response = answer(ID, attribute);
            assert_eq!(asked(&response), Some(at(expected)));
            for length in 0..response.len() {
                assert_eq!(asked(&response[..length]), None, "cut at {length}");
            }
        }
    }

    #[test]
    fn only_the_server_and_only_this_request_is_answered() {
        let (now, server) = (Instant::now(), at("192.0.2.9:3478"));
        let mut query = Query::new(now, server, ID);
        let (to, request) = query.poll_transmit(now).expect("a request");
        let id = &ID.to_be_bytes()[4..];
        assert_eq!((to, &request[..8], &request[8..]), (server, &[0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42][..], id));
        assert!(!query.receive(at("192.0.2.8:3478"), &answer(ID, &V4)), "from elsewhere");
        assert!(!query.receive(server, &answer(ID + 1, &V4)), "to another request");
        assert!(!query.receive(server, &request), "a request");
        query.receive(server, &answer(ID, &[0, 0x20, 0, 8, 0, 1, 0x21, 0x12, 0xe1, 0x12, 0xa6, 0x43]));
        assert_eq!((query.mapped(), query.is_over(now)), (None, false), "port 0");
        assert!(query.receive(server, &answer(ID, &V4)));
        assert_eq!((query.mapped(), query.is_over(now)), (Some(at("192.0.2.1:32853")), true));
        query.receive(server, &answer(ID, &[0, 0x20, 0, 8, 0, 1, 1, 1, 1, 1, 1, 1]));
        assert_eq!(query.mapped(), Some(at("192.0.2.1:32853")), "the first word counts");
    }

    #[test]
    fn a_silent_server_holds_nothing_up_and_one_that_answered_is_asked_every_15_s() {
        let start = Instant::now();
        let mut query = Query::new(start, at("192.0.2.9:3478"), ID);
        let asked = |query: &mut Query, from: u64, to: u64| {
            let times = (from..to).map(|n| start + Duration::from_millis(10 * n));
            times.filter(|now| query.poll_transmit(*now).is_some()).count()
        };
        assert_eq!(asked(&mut query, 0, 40), 4);
        assert!(query.is_over(start + PATIENCE) && query.mapped().is_none());
        let mut query = Query::new(start, at("192.0.2.9:3478"), ID);
        assert_eq!(asked(&mut query, 0, 1), 1);
        query.receive(at("192.0.2.9:3478"), &answer(ID, &V4));
        assert_eq!(asked(&mut query, 1, 6_000), 4, "a minute");
    }

    proptest! {
        #[test]
        fn no_answer_panics(bytes in prop::collection::vec(any::<u8>(), 0..120)) {
            asked(&bytes);
            asked(&answer(ID, &bytes));
        }
    }
}
