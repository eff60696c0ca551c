//! One socket's relay on a TURN server (RFC 8656, by UDP): allocated, kept, released; datagrams to and from those that it
//! relays for. Pure: time and datagrams are arguments.
//!
//! ```text
//! Asking ── allocated ──> Open ── release ──> Leaving ── answered, or never ──> Closed
//!    └─── refused, silent ────┴──── lost ───────────────────────────────────────┘
//! ```
//!
//! Everyone that is sent to gets a channel (12), which is a permission (9), too. Until the server has agreed to it, datagrams
//! go as Send indications (11).

mod messages;
mod peers;

pub use messages::write_send as send_indication;

use messages::{ALLOCATE, CHANNEL_BIND, REFRESH, Reply};
use peers::Peers;
use std::{
    fmt,
    net::SocketAddr,
    ops::Range,
    time::{Duration, Instant},
};
use stun_types::message::{IntegrityAlgorithm, IntegrityKey, LongTermCredentials, Method, TransactionId};
use zeroize::Zeroizing;

/// What a relayed datagram is longer by, at most.
pub const MAX_OVERHEAD: usize = messages::SEND_OVERHEAD;
/// A request is sent so often; the pauses between double.
const TRIES: u32 = 7;
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_millis(1600);
/// A release is not waited for longer.
const FAREWELL: Duration = Duration::from_secs(1);
/// An answer to what is no longer asked may come within this.
const LATE: Duration = Duration::from_secs(5);
/// Most new nonces in answer to one request.
const MAX_NONCES: u32 = 3;
/// The lifetime of an allocation where the server says none (RFC 8656 3.2), and what a strange one is kept within.
const LIFETIME: u32 = 600;
const LIFETIMES: std::ops::RangeInclusive<u32> = 20..=3600;

/// Why there is no relay.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Refusal {
    /// Nothing answers.
    Silent,
    /// The user name or the password is not the server's.
    WrongPassword,
    /// The server will not, by this code (RFC 8656 18).
    Refused(u16),
    /// What it answers makes no sense.
    Odd,
}

/// What a datagram from the server is.
#[derive(PartialEq, Eq, Debug)]
pub enum Received {
    /// Somebody's, who sent this part of it to the relay.
    Data(SocketAddr, Range<usize>),
    /// About the relay itself.
    Handled,
    /// Something else.
    Other,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    Asking,
    Open(Open),
    Leaving { until: Instant },
    Closed(Option<Refusal>),
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Open {
    relayed: SocketAddr,
    mapped: Option<SocketAddr>,
    refresh_at: Instant,
    expires: Instant,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Ask {
    Allocate,
    /// Seconds; 0 ends the allocation.
    Refresh(u32),
    Bind(SocketAddr, u16),
}

impl Ask {
    fn method(self) -> Method {
        match self {
            Ask::Allocate => ALLOCATE,
            Ask::Refresh(_) => REFRESH,
            Ask::Bind(..) => CHANNEL_BIND,
        }
    }
}

struct Request {
    ask: Ask,
    id: TransactionId,
    bytes: Vec<u8>,
    next: Instant,
    sent: u32,
    nonces: u32,
}

/// What the server wants requests to be proved by (RFC 8489 9.2).
struct Challenge {
    realm: String,
    nonce: String,
    key: IntegrityKey,
}

/// A relay for one socket.
pub struct Client {
    server: SocketAddr,
    user: String,
    password: Zeroizing<String>,
    challenge: Option<Challenge>,
    state: State,
    /// An allocation that comes too late is released at once.
    wanted: bool,
    requests: Vec<Request>,
    peers: Peers,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Client(…)")
    }
}

impl Client {
    /// Asks for a relay of the server's own address family.
    pub fn new(now: Instant, server: SocketAddr, user: &str, password: &str) -> Client {
        let mut client = Client {
            server,
            user: user.into(),
            password: Zeroizing::new(password.into()),
            challenge: None,
            state: State::Asking,
            wanted: true,
            requests: Vec::new(),
            peers: Peers::default(),
        };
        client.ask(now, Ask::Allocate, 0);
        client
    }

    pub fn server(&self) -> SocketAddr {
        self.server
    }

    /// The address that others reach the socket at.
    pub fn relayed(&self) -> Option<SocketAddr> {
        self.open().map(|open| open.relayed)
    }

    /// The socket as the server sees it.
    pub fn mapped(&self) -> Option<SocketAddr> {
        self.open().and_then(|open| open.mapped)
    }

    /// Whether it is still unknown if there will be a relay.
    pub fn is_asking(&self) -> bool {
        self.state == State::Asking
    }

    /// Whether nothing is left to be done.
    pub fn is_closed(&self) -> bool {
        matches!(self.state, State::Closed(_))
    }

    /// Why it closed, unless it was asked to.
    pub fn refusal(&self) -> Option<Refusal> {
        match self.state {
            State::Closed(refusal) => refusal,
            _ => None,
        }
    }

    fn open(&self) -> Option<Open> {
        match self.state {
            State::Open(open) => Some(open),
            _ => None,
        }
    }

    /// Gives the relay back, now or as soon as it comes.
    pub fn release(&mut self, now: Instant) {
        self.wanted = false;
        match self.state {
            // Not asked again; an answer may be on its way.
            State::Asking => self.requests.iter_mut().for_each(|r| (r.sent, r.next) = (TRIES, now + LATE)),
            State::Open(_) => {
                self.state = State::Leaving { until: now + FAREWELL };
                self.requests.clear();
                self.ask(now, Ask::Refresh(0), 0);
            }
            State::Leaving { .. } | State::Closed(_) => {}
        }
    }

    /// Somebody who is about to be sent to. At most [`peers::MAX`]; of another address family, nobody.
    pub fn reach(&mut self, now: Instant, peer: SocketAddr) {
        if self.open().is_some_and(|open| open.relayed.is_ipv4() == peer.is_ipv4()) {
            self.peers.add(now, peer);
        }
    }

    /// `data` as the server relays it to `peer`, written into `out` ([`MAX_OVERHEAD`] longer); its length. `None` if there is
    /// no relay, or too little room.
    pub fn wrap(&mut self, now: Instant, peer: SocketAddr, data: &[u8], out: &mut [u8]) -> Option<usize> {
        self.open()?;
        self.reach(now, peer);
        match self.peers.channel(now, peer)? {
            Some(channel) => messages::write_channel_data(channel, data, out),
            None => messages::write_send(peer, data, out),
        }
    }

    /// A request that is to be sent to the server (again).
    pub fn poll_transmit(&mut self, now: Instant) -> Option<Vec<u8>> {
        self.keep(now);
        let due = self.requests.iter().position(|request| request.next <= now)?;
        let request = &mut self.requests[due];
        if request.sent >= TRIES {
            let ask = self.requests.swap_remove(due).ask;
            self.unanswered(now, ask);
            return self.poll_transmit(now);
        }
        request.next = now + LONGEST_PAUSE.min(FIRST_PAUSE * 2u32.pow(request.sent));
        request.sent += 1;
        Some(request.bytes.clone())
    }

    /// Asks for what is due.
    fn keep(&mut self, now: Instant) {
        match self.state {
            State::Open(open) => {
                let refreshing = self.requests.iter().any(|request| matches!(request.ask, Ask::Refresh(_)));
                if open.refresh_at <= now && !refreshing {
                    self.ask(now, Ask::Refresh(LIFETIME), 0);
                }
                while let Some((peer, channel)) = self.peers.poll_due(now) {
                    self.ask(now, Ask::Bind(peer, channel), 0);
                }
            }
            State::Leaving { until } if until <= now => self.close(None),
            _ => {}
        }
    }

    fn ask(&mut self, now: Instant, ask: Ask, nonces: u32) {
        let id = TransactionId::generate();
        let proof = self.challenge.as_ref().map(|c| messages::Proof {
            user: &self.user,
            realm: &c.realm,
            nonce: &c.nonce,
            key: &c.key,
        });
        let written = match ask {
            Ask::Allocate => messages::allocate(id, self.server.is_ipv6(), proof),
            Ask::Refresh(seconds) => messages::refresh(id, seconds, proof),
            Ask::Bind(peer, channel) => messages::bind(id, peer, channel, proof),
        };
        match written {
            Some(bytes) => self.requests.push(Request { ask, id, bytes, next: now, sent: 0, nonces }),
            // A name or realm longer than a message may hold.
            None => self.close(Some(Refusal::Odd)),
        }
    }

    fn unanswered(&mut self, now: Instant, ask: Ask) {
        match (ask, &mut self.state) {
            (Ask::Refresh(1..), State::Open(open)) if now < open.expires => {
                open.refresh_at = now + LONGEST_PAUSE;
            }
            (Ask::Bind(peer, _), State::Open(_)) => self.peers.failed(now, peer),
            (Ask::Refresh(0), _) => self.close(None),
            _ => self.close(Some(Refusal::Silent)),
        }
    }

    fn close(&mut self, refusal: Option<Refusal>) {
        self.state = State::Closed(refusal);
        self.requests.clear();
    }

    /// Takes a datagram that came from the server's address.
    pub fn receive(&mut self, now: Instant, datagram: &[u8]) -> Received {
        if let Some((channel, data)) = messages::read_channel_data(datagram) {
            return match self.peers.of_channel(channel).filter(|_| self.open().is_some()) {
                Some(peer) => Received::Data(peer, data),
                None => Received::Handled,
            };
        }
        if let Some((peer, data)) = messages::read_data(datagram) {
            // Only the server lets pass whom it was told to.
            return if self.open().is_some() { Received::Data(peer, data) } else { Received::Handled };
        }
        let Some(reply) = Reply::read(datagram) else { return Received::Other };
        let Some(index) = self.requests.iter().position(|request| request.id == reply.id()) else {
            return Received::Other;
        };
        if reply.method() != self.requests[index].ask.method() {
            return Received::Other;
        }
        if reply.is_success() {
            let key = self.challenge.as_ref().map(|challenge| &challenge.key);
            if key.is_none_or(|key| reply.is_proved(key)) {
                let ask = self.requests.swap_remove(index).ask;
                self.granted(now, ask, &reply);
            }
        } else {
            let Request { ask, nonces, .. } = self.requests.swap_remove(index);
            self.refused(now, ask, nonces, &reply);
        }
        Received::Handled
    }

    fn granted(&mut self, now: Instant, ask: Ask, reply: &Reply<'_>) {
        let seconds = reply.lifetime().unwrap_or(LIFETIME).clamp(*LIFETIMES.start(), *LIFETIMES.end());
        let lifetime = Duration::from_secs(seconds.into());
        let (refresh_at, expires) = (now + lifetime / 2, now + lifetime);
        match (ask, &mut self.state) {
            (Ask::Allocate, State::Asking) => {
                let Some(relayed) = reply.relayed().filter(|addr| addr.is_ipv4() == self.server.is_ipv4()) else {
                    return self.close(Some(Refusal::Odd));
                };
                self.state = State::Open(Open { relayed, mapped: reply.mapped(), refresh_at, expires });
                if !self.wanted {
                    self.release(now);
                }
            }
            (Ask::Refresh(0), _) => self.close(None),
            (Ask::Refresh(_), State::Open(open)) => (open.refresh_at, open.expires) = (refresh_at, expires),
            (Ask::Bind(peer, _), State::Open(_)) => self.peers.bound(now, peer),
            _ => {}
        }
    }

    fn refused(&mut self, now: Instant, ask: Ask, nonces: u32, reply: &Reply<'_>) {
        /// RFC 8489 14.8.
        const UNAUTHENTICATED: u16 = 401;
        const STALE_NONCE: u16 = 438;
        /// RFC 8656 18.
        const WRONG_CREDENTIALS: u16 = 441;
        let Some(code) = reply.error() else { return self.close(Some(Refusal::Odd)) };
        let first = code == UNAUTHENTICATED && self.challenge.is_none();
        if first || code == STALE_NONCE && nonces < MAX_NONCES {
            let Some((realm, nonce)) = reply.challenge() else { return self.close(Some(Refusal::Odd)) };
            if self.wanted || ask != Ask::Allocate {
                let credentials = LongTermCredentials::new(self.user.clone(), self.password.to_string());
                let key = credentials.to_key(realm.clone()).make_key(IntegrityAlgorithm::Sha1);
                self.challenge = Some(Challenge { realm, nonce, key });
                return self.ask(now, ask, nonces + 1);
            }
            return self.close(None);
        }
        match ask {
            Ask::Bind(peer, _) => self.peers.failed(now, peer),
            Ask::Refresh(0) => self.close(None),
            _ if code == UNAUTHENTICATED || code == WRONG_CREDENTIALS => self.close(Some(Refusal::WrongPassword)),
            _ => self.close(Some(Refusal::Refused(code))),
        }
    }
}

#[cfg(test)]
mod tests;
