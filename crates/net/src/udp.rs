//! SIP over UDP: one socket an account, whole datagrams both ways.
//!
//! ```text
//! Wire::send -> [bounded queue] -> resolve -> send_to ─> network        (and a knock, see `Knocker`)
//! WireEvent  <- [bounded queue] <- Limiter <- recv_from <─ network
//! ```
//!
//! A request above 1300 bytes would have to go by TCP (RFC 3261 18.1.1). It goes by UDP all the same: the account says
//! UDP because its PBX does, TCP is often not there or not for this user, and all of today's networks put fragments
//! together again. Whose network does not chooses TCP for the account. What no datagram can hold is told as too large.

use crate::{
    limit::Limiter,
    resolve,
    wire::{self, Opened, Opening, Wire, WireEvent},
};
use hatif_sip::{AccountId, Destination, SendId, Transport, WireFailure};
use std::{
    collections::HashMap,
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::{net::UdpSocket, sync::mpsc};

/// Datagrams that may wait to be sent.
const QUEUE: usize = 256;
/// The largest datagram that there is.
const MAX_DATAGRAM: usize = 65_535;
/// How long the answer to a knock is waited for, and how often one address is knocked at.
const KNOCK: Duration = Duration::from_secs(1);
/// An empty line, often enough to keep the binding of a NAT (RFC 5626 4.4.2 has 24 to 29 s for UDP).
const KEEP_ALIVE: Duration = Duration::from_secs(25);
/// Addresses that are remembered as knocked at.
const MAX_KNOCKED: usize = 64;

pub async fn open(opening: Opening) -> Result<Opened, WireFailure> {
    let (bind, remote, peer, named) = match opening.direct {
        Some(port) => (SocketAddr::new(resolve::own(&opening.hop)?, port.unwrap_or(0)), Vec::new(), None, true),
        None => {
            let (remote, named) = opening.resolve().await?;
            let peer = opening.in_turn(&remote).first().copied().ok_or(WireFailure::HostUnknown)?;
            (SocketAddr::new(resolve::facing(peer)?, 0), remote, Some(peer), named)
        }
    };
    let socket = UdpSocket::bind(bind).await.map_err(|e| wire::failure(&e))?;
    let local = socket.local_addr().map_err(|e| wire::failure(&e))?;
    let socket = Arc::new(socket);
    let (queue, outgoing) = mpsc::channel(QUEUE);
    let limiter = Limiter::new(&remote, Instant::now());
    let sender = Sender {
        socket: socket.clone(),
        next_hop: peer,
        account: opening.account,
        generation: opening.generation,
        events: opening.events.clone(),
    };
    let receiving = tokio::spawn(receive_all(socket, limiter, opening));
    tokio::spawn(async move {
        sender.send_all(outgoing).await;
        // The wire was dropped: the socket closes with its last user.
        receiving.abort();
    });
    Ok(Opened { wire: Box::new(UdpWire { queue }), local, remote, peer, named })
}

/// The status with which a server answers OPTIONS (RFC 3261 11).
pub async fn options(addr: SocketAddr) -> Result<u16, WireFailure> {
    let failed = |error: std::io::Error| crate::wire::failure(&error);
    let ask = async {
        let socket = UdpSocket::bind((resolve::facing(addr)?, 0)).await.map_err(failed)?;
        socket.connect(addr).await.map_err(failed)?;
        let own = socket.local_addr().map_err(failed)?;
        let token = rand::random::<u64>();
        let text = format!(
            "OPTIONS sip:{addr} SIP/2.0\r\nVia: SIP/2.0/UDP {own};branch=z9hG4bK{token:016x};rport\r\n\
             Max-Forwards: 70\r\nFrom: <sip:{own}>;tag={token:x}\r\nTo: <sip:{addr}>\r\nCall-ID: {token:016x}\r\n\
             CSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n"
        );
        socket.send(text.as_bytes()).await.map_err(failed)?;
        let mut answer = [0; 1500];
        let length = socket.recv(&mut answer).await.map_err(failed)?;
        let status = answer[..length].strip_prefix(b"SIP/2.0 ").and_then(|rest| rest.get(..3));
        status.and_then(|digits| std::str::from_utf8(digits).ok()?.parse().ok()).ok_or(WireFailure::Other)
    };
    tokio::time::timeout(KNOCK, ask).await.unwrap_or(Err(WireFailure::TimedOut))
}

#[derive(Debug)]
struct UdpWire {
    queue: mpsc::Sender<(Vec<u8>, Destination, SendId)>,
}

impl Wire for UdpWire {
    fn send(&self, bytes: Vec<u8>, to: Destination, id: SendId) {
        // A full queue loses the datagram, as the network may; SIP over UDP repeats it.
        let _ = self.queue.try_send((bytes, to, id));
    }
}

#[derive(Clone)]
struct Sender {
    socket: Arc<UdpSocket>,
    next_hop: Option<SocketAddr>,
    account: AccountId,
    generation: u64,
    events: mpsc::Sender<WireEvent>,
}

impl Sender {
    /// Carries datagrams until the wire is dropped.
    async fn send_all(self, mut queue: mpsc::Receiver<(Vec<u8>, Destination, SendId)>) {
        let mut knocker = Knocker::default();
        loop {
            let (bytes, to, id) = match tokio::time::timeout(KEEP_ALIVE, queue.recv()).await {
                Ok(Some(message)) => message,
                Ok(None) => return,
                Err(_) => {
                    if let Some(hop) = self.next_hop {
                        tokio::spawn(self.clone().keep_alive(hop));
                    }
                    continue;
                }
            };
            // Only requests are knocked for: whom we answer has just been heard.
            let request = !matches!(to, Destination::Source { .. });
            let addr = match to {
                Destination::NextHop => self.next_hop,
                Destination::Source { addr, .. } => Some(addr),
                Destination::Host { hop, .. } => match hop.ip() {
                    Some(ip) => Some(SocketAddr::new(ip, hop.port.unwrap_or(Transport::Udp.default_port()))),
                    None => {
                        // A slow resolver must not hold up what goes elsewhere.
                        tokio::spawn(self.clone().send_by_name(bytes, hop, id));
                        continue;
                    }
                },
            };
            let Some(addr) = addr else {
                self.failed(id, WireFailure::HostUnknown).await;
                continue;
            };
            self.send(&bytes, addr, id).await;
            if request && knocker.may_knock(addr, Instant::now()) {
                tokio::spawn(self.clone().knock(addr, id));
            }
        }
    }

    /// Keeps the way open, and says so when nobody is at its end any more: that is for the registration to find out.
    async fn keep_alive(self, hop: SocketAddr) {
        let _ = self.socket.send_to(b"\r\n\r\n", hop).await;
        if let Ok(Err(_)) = tokio::time::timeout(KNOCK, knock(hop)).await {
            let (account, generation) = (self.account, self.generation);
            let _ = self.events.send(WireEvent::Doubted { account, generation }).await;
        }
    }

    async fn send_by_name(self, bytes: Vec<u8>, hop: hatif_sip::HostPort, id: SendId) {
        match resolve::addresses(&hop, Transport::Udp).await {
            Ok(found) => match found.first() {
                Some(addr) => self.send(&bytes, *addr, id).await,
                None => self.failed(id, WireFailure::HostUnknown).await,
            },
            Err(failure) => self.failed(id, failure).await,
        }
    }

    async fn send(&self, bytes: &[u8], addr: SocketAddr, id: SendId) {
        let sent = self.socket.send_to(bytes, addr).await;
        let Err(error) = sent else { return };
        // The system has no room at the moment: lost like any other; SIP over UDP repeats it.
        if !wire::is_passing(&error) {
            self.failed(id, wire::failure(&error)).await;
        }
    }

    /// Tells when a message has nobody to go to.
    async fn knock(self, addr: SocketAddr, id: SendId) {
        if let Ok(Err(failure)) = tokio::time::timeout(KNOCK, knock(addr)).await {
            self.failed(id, failure).await;
        }
    }

    async fn failed(&self, id: SendId, failure: WireFailure) {
        let _ = self.events.send(WireEvent::SendFailed { account: self.account, id, failure }).await;
    }
}

/// A socket that talks to many hears no ICMP error: the system would not know which of them it is about. One that is
/// connected to a single address does. So a second one sends an empty line (the keep-alive that everybody ignores) to
/// where a request goes, and the user is told within a moment that nobody listens there, not after half a minute.
/// RFC 3261 18.4: port, host and network unreachable are told to the transaction.
async fn knock(addr: SocketAddr) -> Result<(), WireFailure> {
    let any = if addr.is_ipv4() { IpAddr::V4(Ipv4Addr::UNSPECIFIED) } else { IpAddr::V6(Ipv6Addr::UNSPECIFIED) };
    let Ok(socket) = UdpSocket::bind((any, 0)).await else { return Ok(()) };
    let knocked = async {
        socket.connect(addr).await?;
        socket.send(b"\r\n\r\n").await?;
        // Whatever is said to an empty line is no answer.
        socket.recv(&mut [0; 16]).await
    };
    match knocked.await {
        // Windows reports the ICMP message this way.
        Err(e) if e.kind() == io::ErrorKind::ConnectionReset => Err(WireFailure::Refused),
        Err(e) if wire::is_passing(&e) => Ok(()),
        Err(e) => Err(wire::failure(&e)),
        Ok(_) => Ok(()),
    }
}

/// When each address was knocked at last.
#[derive(Default)]
struct Knocker {
    last: HashMap<SocketAddr, Instant>,
}

impl Knocker {
    fn may_knock(&mut self, addr: SocketAddr, now: Instant) -> bool {
        self.last.retain(|_, at| now.saturating_duration_since(*at) < KNOCK);
        if self.last.contains_key(&addr) || self.last.len() >= MAX_KNOCKED {
            return false;
        }
        self.last.insert(addr, now);
        true
    }
}

async fn receive_all(socket: Arc<UdpSocket>, mut limiter: Limiter, opening: Opening) {
    let Opening { account, generation, events, .. } = opening;
    let mut buffer = vec![0; MAX_DATAGRAM];
    loop {
        let (length, source) = match socket.recv_from(&mut buffer).await {
            Ok(received) => received,
            // Word of an earlier datagram that did not arrive (Windows); or nothing to be done about it, but not at once.
            Err(e) => {
                if e.kind() != io::ErrorKind::ConnectionReset {
                    tokio::time::sleep(Duration::from_millis(10)).await;
                }
                continue;
            }
        };
        let bytes = &buffer[..length];
        // Keep-alives: empty lines, and the zeros of some NAT helpers.
        if bytes.iter().all(|b| b"\r\n\0".contains(b)) || !limiter.admits(source.ip(), Instant::now()) {
            continue;
        }
        let event = WireEvent::Received { account, generation, source, flow: None, bytes: bytes.to_vec() };
        // A full queue loses the datagram, as the network may.
        if let Err(mpsc::error::TrySendError::Closed(_)) = events.try_send(event) {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hatif_sip::HostPort;

    const PATIENCE: Duration = Duration::from_secs(20);

    async fn opened(hop: &str, direct: Option<Option<u16>>) -> (Opened, mpsc::Receiver<WireEvent>) {
        let (events, received) = mpsc::channel(wire::RECEIVED);
        let hop = HostPort::parse(hop).expect("host");
        let transport = Transport::Udp;
        let opening = Opening {
            account: AccountId(1),
            generation: 1,
            hop,
            transport,
            direct,
            ca_file: None,
            avoid: Vec::new(),
            known: Vec::new(),
            events,
        };
        (open(opening).await.expect("it opens"), received)
    }

    async fn next(received: &mut mpsc::Receiver<WireEvent>) -> WireEvent {
        tokio::time::timeout(PATIENCE, received.recv()).await.expect("in time").expect("an event")
    }

    async fn failure_of(received: &mut mpsc::Receiver<WireEvent>) -> WireFailure {
        match next(received).await {
            WireEvent::SendFailed { failure, .. } => failure,
            other => panic!("{other:?}"),
        }
    }

    #[tokio::test]
    async fn the_largest_datagram_passes_both_ways_on_both_families() {
        for host in ["127.0.0.1", "[::1]"] {
            let (Opened { wire: one, local, .. }, _events) = opened(host, Some(None)).await;
            let (Opened { wire: _two, local: there, .. }, mut received) = opened(host, Some(None)).await;
            // 65,507 bytes of payload are left by the headers of IPv4 and UDP.
            let bytes: Vec<u8> = (0..65_507u32).map(|n| b'a' + (n % 26) as u8).collect();
            let hop = HostPort::parse(&there.to_string()).expect("host");
            one.send(bytes.clone(), Destination::Host { hop, transport: Transport::Udp }, SendId(1));
            let WireEvent::Received { source, bytes: heard, flow: None, .. } = next(&mut received).await else {
                panic!("nothing was received")
            };
            assert_eq!(source, local);
            assert!(heard == bytes, "{} bytes came", heard.len());
        }
    }

    #[tokio::test]
    async fn what_cannot_be_sent_is_told_in_words() {
        let (Opened { wire, .. }, mut received) = opened("127.0.0.1", Some(None)).await;
        let host =
            |text: &str| Destination::Host { hop: HostPort::parse(text).expect("host"), transport: Transport::Udp };
        let sink = UdpSocket::bind("127.0.0.1:0").await.expect("a port");
        let there = sink.local_addr().expect("bound");
        wire.send(vec![b'x'; 70_000], host(&there.to_string()), SendId(1));
        assert_eq!(failure_of(&mut received).await, WireFailure::TooLarge);
        drop(sink);
        wire.send(b"hello".to_vec(), host(&there.to_string()), SendId(2));
        assert_eq!(failure_of(&mut received).await, WireFailure::Refused, "ICMP port unreachable");
        wire.send(b"hello".to_vec(), host("nobody.invalid"), SendId(3));
        assert_eq!(failure_of(&mut received).await, WireFailure::HostUnknown);
        wire.send(b"hello".to_vec(), Destination::NextHop, SendId(4));
        assert_eq!(failure_of(&mut received).await, WireFailure::HostUnknown, "a direct account has none");
    }

    #[tokio::test]
    async fn a_taken_port_is_told_and_a_dropped_wire_gives_its_port_back() {
        let (Opened { wire, local, .. }, received) = opened("127.0.0.1", Some(None)).await;
        let again = || async {
            let (events, _received) = mpsc::channel(8);
            let hop = HostPort::parse("127.0.0.1").expect("host");
            let direct = Some(Some(local.port()));
            let transport = Transport::Udp;
            let (avoid, known) = (Vec::new(), Vec::new());
            open(Opening {
                account: AccountId(2),
                generation: 2,
                hop,
                transport,
                direct,
                ca_file: None,
                avoid,
                known,
                events,
            })
            .await
            .err()
        };
        assert_eq!(again().await, Some(WireFailure::PortInUse));
        drop((wire, received));
        let free = async {
            while again().await.is_some() {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(PATIENCE, free).await.expect("the port is free again");
    }

    #[tokio::test]
    async fn keep_alives_are_not_handed_on() {
        let (Opened { wire: _wire, local, .. }, mut received) = opened("127.0.0.1", Some(None)).await;
        let peer = UdpSocket::bind("127.0.0.1:0").await.expect("a port");
        for bytes in [&b""[..], b"\r\n\r\n", b"\0\0\0\0", b"SIP"] {
            peer.send_to(bytes, local).await.expect("sent");
        }
        let WireEvent::Received { bytes, .. } = next(&mut received).await else { panic!("nothing was received") };
        assert_eq!(bytes, b"SIP");
    }

    #[test]
    fn one_address_is_knocked_at_once_a_second() {
        let now = Instant::now();
        let mut knocker = Knocker::default();
        let addr = |port| SocketAddr::from(([192, 0, 2, 1], port));
        assert!(knocker.may_knock(addr(1), now) && !knocker.may_knock(addr(1), now));
        assert!((2..200).filter(|port| knocker.may_knock(addr(*port), now)).count() < MAX_KNOCKED);
        assert!(knocker.may_knock(addr(1), now + KNOCK));
    }
}
