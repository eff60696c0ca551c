//! The paths of a call's media (ICE, RFC 8445): checks, the choice of one, consent (RFC 7675). By `is` (ADR 45); pure:
//! time and datagrams are arguments.
//!
//! ```text
//! Checking ── a pair is nominated ──> Chosen ── consent is lost ──> Lost ── nominated again ──> Chosen
//!     └────── nothing for 2 s ──────> Unanswered ── nominated ──────────────────────────────────┘
//! ```
//!
//! While nothing is chosen nothing is sent: the far side has not yet said that it wants it. A far side whose checks never
//! succeed is sent to where its description says, as if it had no ICE: a PBX that claims too much is still heard.

use hatif_core::ice::{Candidate, CandidateKind, Ice, IceCredentials};
use is::{
    IceAgent, IceAgentEvent, IceConnectionState, IceCreds, Protocol,
    stun::{StunMessage, StunPacket},
};
use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

/// How long checks go on before media goes where the description says.
const PATIENCE: Duration = Duration::from_secs(2);
/// Addresses that one far side may show itself by, and call ours by; more are not looked at.
const MAX_ADDRESSES: usize = 32;
/// Most bytes of both sides' name fragments: `is` panics on a user name (`theirs:ours`) of more than 128.
const MAX_NAMES: usize = 127;
/// Pairs that are checked at a time.
const MAX_PAIRS: usize = 64;

/// Whether a datagram is STUN, beside RTP, RTCP and DTLS (RFC 7983).
pub(crate) fn is_stun(datagram: &[u8]) -> bool {
    datagram.first().is_some_and(|first| *first < 4)
}

/// Where media goes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Route {
    To(SocketAddr),
    /// There, by our relay.
    Relayed(SocketAddr),
    /// Where the description says.
    AsSignalled,
    Nowhere,
}

impl Route {
    /// A word for the log, which holds no address.
    pub fn word(self) -> &'static str {
        match self {
            Route::To(_) => "found",
            Route::Relayed(_) => "found by a relay",
            Route::AsSignalled => "not found, voice goes where the description says",
            Route::Nowhere => "lost",
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    Checking { since: Instant },
    Unanswered,
    Chosen { to: SocketAddr, relayed: bool },
    Lost,
}

/// One component: a socket's way to the far side.
pub(crate) struct Path {
    agent: IceAgent,
    component: u16,
    local: SocketAddr,
    /// The address of our relay, a candidate of its own.
    relay: Option<SocketAddr>,
    remote: IceCredentials,
    state: State,
    /// Whose checks proved that they are of this call.
    sources: Vec<SocketAddr>,
    /// What the far side says that our address is.
    mapped: Vec<SocketAddr>,
}

impl Path {
    /// `tie` decides between two sides that both want to choose: nobody can guess it. `None` if our own address cannot be
    /// a candidate, or the far side's name is longer than anybody's is.
    pub fn new(now: Instant, component: u16, local: SocketAddr, ice: &Ice, tie: u64) -> Option<Path> {
        if !fits(ice) {
            return None;
        }
        let mut agent = IceAgent::new(credentials(&ice.local));
        agent.set_max_candidate_pairs(MAX_PAIRS);
        agent.set_control_tie_breaker(tie);
        agent.set_controlling(ice.controlling);
        agent.set_local_preference(|_: &is::Candidate, _| 65_535);
        agent.add_local_candidate(is::Candidate::host(local, Protocol::Udp).ok()?);
        let mut path = Path {
            agent,
            component,
            local,
            relay: None,
            remote: ice.remote.clone(),
            state: State::Checking { since: now },
            sources: Vec::new(),
            mapped: Vec::new(),
        };
        path.meet(now, ice);
        Some(path)
    }

    /// What was agreed on anew. With other credentials everything is checked again, and media goes on meanwhile.
    pub fn update(&mut self, now: Instant, ice: &Ice) {
        if !fits(ice) {
            return;
        }
        let local = credentials(&ice.local);
        if *self.agent.local_credentials() != local || self.remote != ice.remote {
            self.agent.ice_restart(local, true);
            self.remote = ice.remote.clone();
            self.mapped.clear();
            let state = self.state;
            self.sources.retain(|source| matches!(state, State::Chosen { to, .. } if to == *source));
            if matches!(self.state, State::Lost | State::Unanswered) {
                self.state = State::Checking { since: now };
            }
        }
        self.meet(now, ice);
    }

    /// What our relay's address is now.
    pub fn set_relay(&mut self, now: Instant, relay: Option<SocketAddr>) {
        let of = |relay: SocketAddr| is::Candidate::relayed(relay, self.local, Protocol::Udp).ok();
        if self.relay != relay {
            if let Some(gone) = self.relay.and_then(of) {
                self.agent.invalidate_candidate(&gone);
            }
            self.relay =
                relay.filter(|relay| of(*relay).is_some_and(|new| self.agent.add_local_candidate(new).is_some()));
            self.tick(now);
        }
    }

    fn meet(&mut self, now: Instant, ice: &Ice) {
        self.agent.set_remote_credentials(credentials(&ice.remote));
        for candidate in ice.candidates.iter().filter(|c| c.component == self.component) {
            self.agent.add_remote_candidate(theirs(candidate));
        }
        self.tick(now);
    }

    /// A STUN message that came in, perhaps by our relay.
    pub fn receive(&mut self, now: Instant, from: SocketAddr, relayed: bool, datagram: &[u8]) {
        let Some(destination) = (if relayed { self.relay } else { Some(self.local) }) else { return };
        let Ok(message) = StunMessage::parse(datagram) else { return };
        if !self.agent.accepts_message(&message) || !admit(&mut self.sources, from) {
            return;
        }
        if message.mapped_address().is_some_and(|mapped| !admit(&mut self.mapped, mapped)) {
            return;
        }
        let packet = StunPacket { proto: Protocol::Udp, source: from, destination, message };
        self.agent.handle_packet(now, packet);
        self.learn();
    }

    /// Does what is due; to be called every 10 ms or so.
    pub fn tick(&mut self, now: Instant) {
        if self.agent.poll_timeout().is_none_or(|due| due <= now) {
            self.agent.handle_timeout(now);
        }
        self.learn();
        if matches!(self.state, State::Checking { since } if now.saturating_duration_since(since) >= PATIENCE) {
            self.state = State::Unanswered;
        }
    }

    fn learn(&mut self) {
        while let Some(event) = self.agent.poll_event() {
            match event {
                IceAgentEvent::NominatedSend { source, destination, .. } => {
                    self.state = State::Chosen { to: destination, relayed: self.is_relay(source) };
                }
                IceAgentEvent::IceConnectionStateChange(IceConnectionState::Disconnected) => {
                    if matches!(self.state, State::Chosen { .. }) {
                        self.state = State::Lost;
                    }
                }
                _ => {}
            }
        }
    }

    fn is_relay(&self, source: SocketAddr) -> bool {
        self.relay == Some(source) && source != self.local
    }

    /// A STUN message that is to be sent, and which way.
    pub fn poll_transmit(&mut self) -> Option<(Route, Vec<u8>)> {
        let transmit = self.agent.poll_transmit()?;
        let to = transmit.destination;
        let route = if self.is_relay(transmit.source) { Route::Relayed(to) } else { Route::To(to) };
        Some((route, transmit.contents.into()))
    }

    pub fn route(&self) -> Route {
        match self.state {
            State::Checking { .. } | State::Lost => Route::Nowhere,
            State::Unanswered => Route::AsSignalled,
            State::Chosen { to, relayed: false } => Route::To(to),
            State::Chosen { to, relayed: true } => Route::Relayed(to),
        }
    }

    /// Whether media from there is the far side's; `None` while that cannot be told by checks.
    pub fn hears(&self, from: SocketAddr) -> Option<bool> {
        match self.state {
            State::Checking { .. } | State::Unanswered if !self.sources.contains(&from) => None,
            _ => Some(self.sources.contains(&from)),
        }
    }
}

/// Whether an address is among so many that are remembered.
fn admit(known: &mut Vec<SocketAddr>, addr: SocketAddr) -> bool {
    if known.contains(&addr) {
        return true;
    }
    let room = known.len() < MAX_ADDRESSES;
    if room {
        known.push(addr);
    }
    room
}

fn fits(ice: &Ice) -> bool {
    ice.local.ufrag.len() + ice.remote.ufrag.len() <= MAX_NAMES
}

fn credentials(of: &IceCredentials) -> IceCreds {
    IceCreds { ufrag: of.ufrag.clone(), pass: of.pwd.to_string() }
}

/// A component has an agent of its own, which knows of no other.
fn theirs(candidate: &Candidate) -> is::Candidate {
    let kind = match candidate.kind {
        CandidateKind::Host => is::CandidateKind::Host,
        CandidateKind::ServerReflexive => is::CandidateKind::ServerReflexive,
        CandidateKind::PeerReflexive => is::CandidateKind::PeerReflexive,
        CandidateKind::Relayed => is::CandidateKind::Relayed,
    };
    let foundation = candidate.foundation.clone();
    is::Candidate::from_parts(foundation, 1, Protocol::Udp, candidate.priority, candidate.addr, kind, None, None, None)
}

#[cfg(test)]
mod tests;
