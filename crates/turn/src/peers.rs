//! Whom the relay is for: their channels (RFC 8656 12) and when those are to be asked for again.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

/// As many addresses as a far side may show itself by.
pub(crate) const MAX: usize = 32;
/// RFC 8656 12: 0x4000 to 0x4FFF.
const FIRST_CHANNEL: u16 = 0x4000;
/// A permission lasts for 5 minutes, a channel for 10 (RFC 8656 9 and 12); binding it again keeps both.
const AGAIN: Duration = Duration::from_secs(240);
const BOUND: Duration = Duration::from_secs(600);
/// One that the server refused.
const REFUSED: Duration = Duration::from_secs(60);

struct Peer {
    addr: SocketAddr,
    due: Option<Instant>,
    bound_until: Option<Instant>,
}

#[derive(Default)]
pub(crate) struct Peers(Vec<Peer>);

impl Peers {
    pub fn add(&mut self, now: Instant, addr: SocketAddr) {
        if self.0.len() < MAX && self.find(addr).is_none() {
            self.0.push(Peer { addr, due: Some(now), bound_until: None });
        }
    }

    fn find(&self, addr: SocketAddr) -> Option<usize> {
        self.0.iter().position(|peer| peer.addr == addr)
    }

    /// The channel of a peer, where the server has agreed to it. `None`: no peer of ours.
    pub fn channel(&self, now: Instant, addr: SocketAddr) -> Option<Option<u16>> {
        let index = self.find(addr)?;
        let bound = self.0[index].bound_until.is_some_and(|until| now < until);
        Some(bound.then_some(FIRST_CHANNEL + index as u16))
    }

    pub fn of_channel(&self, channel: u16) -> Option<SocketAddr> {
        let index = channel.checked_sub(FIRST_CHANNEL)?;
        self.0.get(usize::from(index)).map(|peer| peer.addr)
    }

    /// A peer whose channel is to be bound (again) now.
    pub fn poll_due(&mut self, now: Instant) -> Option<(SocketAddr, u16)> {
        let index = self.0.iter().position(|peer| peer.due.is_some_and(|due| due <= now))?;
        self.0[index].due = None;
        Some((self.0[index].addr, FIRST_CHANNEL + index as u16))
    }

    pub fn bound(&mut self, now: Instant, addr: SocketAddr) {
        self.change(addr, now + AGAIN, Some(now + BOUND));
    }

    pub fn failed(&mut self, now: Instant, addr: SocketAddr) {
        self.change(addr, now + REFUSED, None);
    }

    fn change(&mut self, addr: SocketAddr, due: Instant, bound_until: Option<Instant>) {
        if let Some(index) = self.find(addr) {
            (self.0[index].due, self.0[index].bound_until) = (Some(due), bound_until);
        }
    }
}
