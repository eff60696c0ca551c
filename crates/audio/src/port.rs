//! A call's RTP and RTCP sockets: an even port and the one above it (RFC 3550 11), symmetric (RFC 4961).
//!
//! Whom we listen to and where we send is in `latch`. All else is dropped and counted. Relays are in `relay`.

mod relay;

use crate::{
    ice::{self, Path, Route},
    latch::Latch,
    packet::{self, MAX_DATAGRAM, RtcpReceived, RtpReceived},
    srtp::Cipher,
    stun::Query,
};
use bytes::Bytes;
use hatif_core::{
    ice::{CandidateKind, Gathered, Ice, MediaPort},
    srtp::{Protection, Srtp},
};
use hatif_media::{RtcpOut, RtpOut};
use mio::{Interest, Registry, Token, net::UdpSocket};
use std::{
    collections::VecDeque,
    io,
    net::{IpAddr, SocketAddr},
    ops::RangeInclusive,
    time::Instant,
};

/// Expedited forwarding (RFC 3246), as RFC 8837 advises for voice: DSCP 46 in the upper six bits.
const VOICE_TOS: u32 = 46 << 2;

/// What was dropped, for the log and tests.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Dropped {
    /// From somebody else than the far end, or before one was signalled.
    pub foreign: u64,
    /// Not RTP or RTCP.
    pub malformed: u64,
    /// Not the far side's under the call's keys, or a copy of what came before.
    pub forged: u64,
    /// Could not be sent.
    pub unsent: u64,
}

pub(crate) struct Port {
    rtp: UdpSocket,
    rtcp: UdpSocket,
    local: SocketAddr,
    peer: Option<Latch>,
    /// Paths to the far side's RTP and RTCP, where both sides do ICE.
    paths: [Option<Path>; 2],
    /// What a STUN server sees of RTP's and RTCP's sockets.
    queries: [Option<Query>; 2],
    /// RTP's and RTCP's relays on a TURN server.
    relays: [Option<hatif_turn::Client>; 2],
    /// Until when a call waits for them.
    relays_until: Option<Instant>,
    /// Where the path of RTP led last.
    route: Option<Route>,
    /// Whether RTCP goes with RTP.
    mux: bool,
    /// Reports that came with RTP.
    reports: VecDeque<RtcpReceived>,
    guard: Guard,
    pub dropped: Dropped,
}

/// Where a datagram comes from, perhaps by our relay.
#[derive(Clone, Copy)]
struct Source {
    addr: SocketAddr,
    relayed: bool,
}

/// What stands between the sockets and plain packets.
enum Guard {
    Open,
    Srtp(Box<Cipher>),
    /// Encrypted once, or meant to be, and now without keys: nothing passes, either way.
    Shut,
}

/// Why there is no port.
#[derive(Debug)]
pub(crate) enum OpenError {
    /// Every pair of the range is taken.
    NoPort,
    /// The address itself cannot be bound.
    Bind(io::Error),
}

impl Port {
    /// Binds a pair in `range` on `bind`, beginning at a place chosen by `random`. Readable events come with `token`.
    pub fn open(
        registry: &Registry,
        token: Token,
        bind: IpAddr,
        range: &RangeInclusive<u16>,
        random: u64,
    ) -> Result<Port, OpenError> {
        let first = u32::from(*range.start()).next_multiple_of(2).max(2);
        let last = u32::from(*range.end());
        // pairs (p, p + 1) with p even and both inside
        let pairs = if last > first { (last - first).div_ceil(2) } else { 0 };
        for step in 0..pairs {
            let index = ((random % u64::from(pairs)) as u32 + step) % pairs;
            let rtp_port = (first + 2 * index) as u16;
            match Self::bind_pair(registry, token, bind, rtp_port) {
                Ok(port) => return Ok(port),
                Err(error) if error.kind() == io::ErrorKind::AddrNotAvailable => return Err(OpenError::Bind(error)),
                // in use, or forbidden for this port (Windows keeps some back)
                Err(_) => {}
            }
        }
        Err(OpenError::NoPort)
    }

    fn bind_pair(registry: &Registry, token: Token, bind: IpAddr, rtp_port: u16) -> io::Result<Port> {
        let mut rtp = bind_socket(SocketAddr::new(bind, rtp_port))?;
        let mut rtcp = bind_socket(SocketAddr::new(bind, rtp_port + 1))?;
        let local = rtp.local_addr()?;
        registry.register(&mut rtp, token, Interest::READABLE)?;
        registry.register(&mut rtcp, token, Interest::READABLE)?;
        Ok(Port {
            rtp,
            rtcp,
            local,
            peer: None,
            paths: [None, None],
            queries: [None, None],
            relays: [None, None],
            relays_until: None,
            route: None,
            mux: false,
            reports: VecDeque::new(),
            guard: Guard::Open,
            dropped: Dropped::default(),
        })
    }

    /// Goes on from the sockets of `other`: to the same far end, under the same keys.
    pub fn move_to(&mut self, other: Port) {
        self.release(Instant::now());
        (self.relays, self.relays_until) = (other.relays, other.relays_until);
        (self.rtp, self.rtcp, self.local, self.queries) = (other.rtp, other.rtcp, other.local, other.queries);
    }

    /// Asks a STUN server how others see the port. `random`: bits that nobody can guess.
    pub fn ask(&mut self, now: Instant, server: SocketAddr, mut random: impl FnMut() -> u128) {
        self.queries = [(); 2].map(|()| Some(Query::new(now, server, random())));
        self.send_queries(now);
    }

    /// Whether a server's answer is waited for.
    pub fn waits(&self, now: Instant) -> bool {
        self.queries.iter().flatten().any(|query| !query.is_over(now)) || self.waits_for_relay(now)
    }

    /// The server that was asked and has said nothing.
    pub fn silent(&self) -> Option<SocketAddr> {
        let said_nothing = |query: &&Query| query.mapped().is_none();
        self.queries.iter().flatten().find(said_nothing).map(Query::server)
    }

    /// Whether there is a server to be asked again from time to time.
    pub fn is_asking(&self) -> bool {
        self.queries.iter().any(Option::is_some) || self.has_relay()
    }

    /// The port with what is known of it.
    pub fn gathered(&self) -> MediaPort {
        let mut gathered = Vec::new();
        for (component, (query, relay)) in (1..).zip(self.queries.iter().zip(&self.relays)) {
            let base = self.local_of(component);
            let mapped = relay.as_ref().and_then(hatif_turn::Client::mapped);
            let seen = query.as_ref().and_then(Query::mapped).or(mapped);
            let kind = CandidateKind::ServerReflexive;
            gathered.extend(seen.map(|addr| Gathered { kind, component, addr, base }));
            let relayed = relay.as_ref().and_then(hatif_turn::Client::relayed);
            let base = mapped.unwrap_or(base);
            gathered.extend(relayed.map(|addr| Gathered { kind: CandidateKind::Relayed, component, addr, base }));
        }
        MediaPort { addr: self.local, gathered }
    }

    /// The address of a component's socket.
    fn local_of(&self, component: u16) -> SocketAddr {
        SocketAddr::new(self.local.ip(), self.local.port() + component - 1)
    }

    fn send_queries(&mut self, now: Instant) {
        for (query, socket) in self.queries.iter_mut().zip([&self.rtp, &self.rtcp]) {
            if let Some((to, request)) = query.as_mut().and_then(|query| query.poll_transmit(now)) {
                // One that is lost is sent again.
                let _ = socket.send_to(&request, to);
            }
        }
        self.send_relay_requests(now);
    }

    /// Takes a STUN message: the server's answer or a check of the far side's. False for what is neither.
    fn receive_stun(&mut self, now: Instant, component: usize, from: Source, datagram: &[u8]) -> bool {
        if !ice::is_stun(datagram) {
            return false;
        }
        let Source { addr, relayed } = from;
        if !relayed && self.queries[component].as_mut().is_some_and(|query| query.receive(addr, datagram)) {
            return true;
        }
        let Some(path) = &mut self.paths[component] else { return false };
        path.receive(now, addr, relayed, datagram);
        true
    }

    pub fn local(&self) -> SocketAddr {
        self.local
    }

    /// Where the peer says that it listens, and the payload types that it may send. The same place as before: what was
    /// latched stays.
    pub fn set_remote(&mut self, now: Instant, signalled: SocketAddr, payloads: [Option<u8>; 2]) {
        match &mut self.peer {
            Some(peer) if peer.signalled == signalled => peer.set_payloads(payloads),
            peer => *peer = Some(Latch::new(now, signalled, payloads)),
        }
    }

    /// Paths to try from here on, or none. `tie`: 64 bits that nobody can guess.
    pub fn set_paths(&mut self, now: Instant, ice: Option<&Ice>, mux: bool, tie: u64) {
        self.mux = mux;
        if mux {
            self.release_component(now, 1);
        }
        for (index, path) in self.paths.iter_mut().enumerate() {
            let component = index as u16 + 1;
            let wanted = ice.filter(|ice| component == 1 || !mux && ice.candidates.iter().any(|c| c.component == 2));
            match (wanted, &mut *path) {
                (None, _) => *path = None,
                (Some(ice), Some(path)) => path.update(now, ice),
                (Some(ice), None) => {
                    let local = SocketAddr::new(self.local.ip(), self.local.port() + index as u16);
                    *path = Path::new(now, component, local, ice, tie);
                }
            }
        }
        self.relay_for(now, ice);
        self.send_checks();
    }

    /// Does what is due on the paths. Says where voice goes when that has changed.
    pub fn tick(&mut self, now: Instant) -> Option<Route> {
        self.tell_paths(now);
        for path in self.paths.iter_mut().flatten() {
            path.tick(now);
        }
        self.send_checks();
        self.send_queries(now);
        let route = self.paths[0].as_ref().map(Path::route);
        let before = std::mem::replace(&mut self.route, route);
        route.filter(|_| route != before && (before.is_some() || route != Some(Route::Nowhere)))
    }

    fn send_checks(&mut self) {
        for component in 0..2 {
            while let Some((route, message)) = self.paths[component].as_mut().and_then(Path::poll_transmit) {
                // One that is lost is sent again.
                self.send(component, route, &message);
            }
        }
    }

    /// Whether it has left.
    fn send(&mut self, component: usize, route: Route, bytes: &[u8]) -> bool {
        let socket = if component == 0 { &self.rtp } else { &self.rtcp };
        match (route, &mut self.relays[component]) {
            (Route::To(to), _) => socket.send_to(bytes, to).is_ok(),
            (Route::Relayed(to), Some(relay)) => relay::send(socket, relay, to, bytes),
            (Route::Relayed(_), None) | (Route::AsSignalled | Route::Nowhere, _) => false,
        }
    }

    /// Encrypts from here on, or goes on as it was without keys. What was encrypted once is never plain again.
    pub fn protect(&mut self, keys: Option<&Srtp>) {
        self.guard = match (std::mem::replace(&mut self.guard, Guard::Shut), keys) {
            (Guard::Open, None) => Guard::Open,
            (Guard::Srtp(mut cipher), Some(keys)) => cipher.rekey(keys).map_or(Guard::Shut, |()| Guard::Srtp(cipher)),
            (_, Some(keys)) => Cipher::new(keys).map_or(Guard::Shut, |cipher| Guard::Srtp(Box::new(cipher))),
            (_, None) => Guard::Shut,
        };
    }

    pub fn protection(&self) -> Protection {
        match &self.guard {
            Guard::Open => Protection::Plain,
            Guard::Srtp(cipher) if cipher.is_proven() => Protection::Proven,
            Guard::Srtp(_) | Guard::Shut => Protection::Unproven,
        }
    }

    /// Throws away what came before the call's media started: it would only teach the jitter buffer a wrong delay.
    /// Checks of the far side's are answered.
    pub fn flush(&mut self, now: Instant) {
        let mut buffer = [0; MAX_DATAGRAM];
        for component in 0..2 {
            for _ in 0..1000 {
                let socket = if component == 0 { &self.rtp } else { &self.rtcp };
                let Ok((length, from)) = socket.recv_from(&mut buffer) else { break };
                if let Some((from, part)) = self.unwrap(now, component, from, &buffer[..length]) {
                    self.receive_stun(now, component, from, &buffer[part]);
                }
            }
        }
        self.send_checks();
    }

    /// The next RTP packet of the peer. Looks at no more datagrams than `budget`, and takes off it.
    pub fn receive_rtp(&mut self, now: Instant, budget: &mut u32) -> Option<RtpReceived> {
        let mut buffer = [0; MAX_DATAGRAM + 1];
        while *budget > 0 {
            *budget -= 1;
            let (length, from) = match self.rtp.recv_from(&mut buffer) {
                Ok(received) => received,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return None,
                // An ICMP message about an earlier packet, on some systems.
                Err(_) => continue,
            };
            let Some((from, part)) = self.unwrap(now, 0, from, &buffer[..length]) else { continue };
            let datagram = &buffer[part];
            if self.receive_stun(now, 0, from, datagram) {
                self.send_checks();
                continue;
            }
            if self.mux && packet::is_rtcp(datagram) {
                if let Some(report) = self.open_report(0, from, datagram) {
                    self.reports.push_back(report);
                }
                continue;
            }
            let Some(peer) = &mut self.peer else {
                self.dropped.foreign += 1;
                continue;
            };
            let opened = match &mut self.guard {
                Guard::Open => packet::read_rtp(datagram),
                // Only what proves genuine is looked at, and teaches the latch anything.
                Guard::Srtp(cipher) if packet::may_be_rtp(datagram) => match cipher.open_rtp(datagram) {
                    Some(plain) => packet::read_rtp(&plain),
                    None => {
                        self.dropped.forged += 1;
                        continue;
                    }
                },
                Guard::Srtp(_) | Guard::Shut => None,
            };
            match opened {
                Some(packet)
                    if self.paths[0]
                        .as_ref()
                        .and_then(|path| path.hears(from.addr))
                        .unwrap_or_else(|| !from.relayed && peer.hears(now, from.addr, &packet)) =>
                {
                    return Some(packet);
                }
                Some(_) => self.dropped.foreign += 1,
                None => self.dropped.malformed += 1,
            }
        }
        None
    }

    /// The next report of the peer; see [`Port::receive_rtp`], which takes those that come with RTP.
    pub fn receive_rtcp(&mut self, now: Instant, budget: &mut u32) -> Option<RtcpReceived> {
        if let Some(report) = self.reports.pop_front() {
            return Some(report);
        }
        let mut buffer = [0; MAX_DATAGRAM + 1];
        while *budget > 0 {
            *budget -= 1;
            let (length, from) = match self.rtcp.recv_from(&mut buffer) {
                Ok(received) => received,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return None,
                Err(_) => continue,
            };
            let Some((from, part)) = self.unwrap(now, 1, from, &buffer[..length]) else { continue };
            let datagram = &buffer[part];
            if self.receive_stun(now, 1, from, datagram) {
                self.send_checks();
                continue;
            }
            if let Some(report) = self.open_report(1, from, datagram) {
                return Some(report);
            }
        }
        None
    }

    fn open_report(&mut self, component: usize, from: Source, datagram: &[u8]) -> Option<RtcpReceived> {
        let Source { addr, relayed } = from;
        let by_checks = self.paths[component].as_ref().and_then(|path| path.hears(addr));
        if !by_checks.unwrap_or_else(|| !relayed && self.peer.as_ref().is_some_and(|peer| peer.knows(addr))) {
            self.dropped.foreign += 1;
            return None;
        }
        let opened = match &mut self.guard {
            Guard::Open => packet::read_rtcp(datagram),
            Guard::Srtp(cipher) => {
                cipher.open_rtcp(&datagram[..datagram.len().min(MAX_DATAGRAM)]).and_then(|p| packet::read_rtcp(&p))
            }
            Guard::Shut => None,
        };
        self.dropped.malformed += u64::from(opened.is_none());
        opened
    }

    pub fn send_rtp(&mut self, packet: &RtpOut) {
        let Some(route) = self.remote() else { return };
        let guard = &mut self.guard;
        let bytes = packet::write_rtp(packet).and_then(|plain| guard.close(plain, Cipher::protect_rtp));
        let sent = bytes.is_some_and(|bytes| self.send(0, route, &bytes));
        self.dropped.unsent += u64::from(!sent);
    }

    pub fn send_rtcp(&mut self, report: &RtcpOut, cname: &str) {
        let Some((component, route)) = self.reports_to() else { return };
        let guard = &mut self.guard;
        let bytes = packet::write_rtcp(report, cname).and_then(|plain| guard.close(plain, Cipher::protect_rtcp));
        let sent = bytes.is_some_and(|bytes| self.send(component, route, &bytes));
        self.dropped.unsent += u64::from(!sent);
    }

    /// `None` while nothing is signalled, or "nowhere" is, or no path is found yet.
    fn remote(&self) -> Option<Route> {
        match self.paths[0].as_ref().map_or(Route::AsSignalled, Path::route) {
            Route::AsSignalled => self.peer.as_ref().and_then(Latch::send_to).map(Route::To),
            Route::Nowhere => None,
            found => Some(found),
        }
    }

    /// The component and the way for our reports.
    fn reports_to(&self) -> Option<(usize, Route)> {
        if self.mux {
            return Some((0, self.remote()?));
        }
        let route = match self.paths[1].as_ref().map(Path::route) {
            Some(Route::Nowhere) => return None,
            Some(Route::AsSignalled) | None => match self.remote()? {
                Route::To(rtp) => Route::To(SocketAddr::new(rtp.ip(), rtp.port().checked_add(1)?)),
                // The far side has no such socket of its relay's.
                _ => return None,
            },
            Some(found) => found,
        };
        Some((1, route))
    }
}

impl Guard {
    /// What may leave in the place of a plain packet.
    fn close(&mut self, plain: Bytes, protect: fn(&mut Cipher, &[u8]) -> Option<Bytes>) -> Option<Bytes> {
        match self {
            Guard::Open => Some(plain),
            Guard::Srtp(cipher) => protect(cipher, &plain),
            Guard::Shut => None,
        }
    }
}

fn bind_socket(address: SocketAddr) -> io::Result<UdpSocket> {
    let socket = socket2::Socket::new(socket2::Domain::for_address(address), socket2::Type::DGRAM, None)?;
    socket.set_nonblocking(true)?;
    // A network or system that does not let us mark packets still carries them.
    let _ = match address {
        SocketAddr::V4(_) => socket.set_tos_v4(VOICE_TOS),
        SocketAddr::V6(_) => socket.set_tclass_v6(VOICE_TOS),
    };
    socket.bind(&address.into())?;
    Ok(UdpSocket::from_std(socket.into()))
}

#[cfg(test)]
mod tests;
