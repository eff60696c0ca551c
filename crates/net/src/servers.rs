//! The servers behind an account's name (RFC 3263 4.3): which was left and until when, and when a better one is looked
//! for. Times are arguments.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

/// How often a better server than the one of the moment is looked for.
const LOOK: Duration = Duration::from_secs(30);
/// For how long the last answer about a name is good when there is no other.
const KEPT: Duration = Duration::from_secs(24 * 3600);
/// Servers remembered as failed.
const MAX_AVOIDED: usize = 32;

#[derive(Default, Debug)]
pub struct Servers {
    /// Every address, in the order of the name, and when that was found.
    found: Option<(Vec<SocketAddr>, Instant)>,
    /// Where the wire leads.
    peer: Option<SocketAddr>,
    avoided: Vec<(SocketAddr, Instant)>,
    look_at: Option<Instant>,
}

impl Servers {
    /// A wire is up. `named`: the addresses are the name's of now, and not those of before.
    pub fn reached(&mut self, now: Instant, found: Vec<SocketAddr>, peer: Option<SocketAddr>, named: bool) {
        self.look_at = (peer.is_some() && found.first() != peer.as_ref()).then_some(now + LOOK);
        self.peer = peer;
        if named {
            self.found = Some((found, now));
        }
    }

    /// The server of the moment has failed.
    pub fn avoid(&mut self, now: Instant, pause: Duration) {
        let Some(peer) = self.peer else { return };
        self.avoided.retain(|(addr, until)| *addr != peer && *until > now);
        if self.avoided.len() < MAX_AVOIDED {
            self.avoided.push((peer, now + pause));
        }
    }

    pub fn avoided(&self, now: Instant) -> Vec<SocketAddr> {
        self.avoided.iter().filter(|(_, until)| *until > now).map(|(addr, _)| *addr).collect()
    }

    /// The last good answer about the name, while it may still be used.
    pub fn known(&self, now: Instant) -> Vec<SocketAddr> {
        self.found.iter().filter(|(_, at)| *at + KEPT > now).flat_map(|(found, _)| found.clone()).collect()
    }

    /// The wire is gone.
    pub fn lost(&mut self) {
        (self.peer, self.look_at) = (None, None);
    }

    /// Where the name leads first, as far as is known.
    pub fn last(&self) -> Option<SocketAddr> {
        self.found.as_ref().and_then(|(found, _)| found.first().copied())
    }

    pub fn peer(&self) -> Option<SocketAddr> {
        self.peer
    }

    pub fn look_at(&self) -> Option<Instant> {
        self.look_at
    }

    /// The time to look for a better server: those that come before the one of the moment and are not avoided, best first.
    pub fn better(&mut self, now: Instant) -> Vec<SocketAddr> {
        if self.look_at.is_none_or(|at| at > now) {
            return Vec::new();
        }
        self.look_at = Some(now + LOOK);
        let avoided = self.avoided(now);
        let found = self.found.iter().flat_map(|(found, _)| found);
        found.take_while(|addr| Some(**addr) != self.peer).filter(|addr| !avoided.contains(addr)).copied().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addr(n: u8) -> SocketAddr {
        SocketAddr::from(([192, 0, 2, n], 5060))
    }

    #[test]
    fn one_that_failed_is_avoided_for_its_time_and_looked_for_after_it() {
        let start = Instant::now();
        let at = |seconds: u64| start + Duration::from_secs(seconds);
        let mut servers = Servers::default();
        servers.reached(start, vec![addr(1), addr(2)], Some(addr(1)), true);
        assert_eq!(servers.look_at(), None, "there is nothing better");
        servers.avoid(at(10), Duration::from_secs(60));
        assert_eq!(servers.avoided(at(11)), [addr(1)]);
        servers.lost();
        servers.reached(at(11), vec![addr(1), addr(2)], Some(addr(2)), true);
        assert_eq!(servers.better(at(20)), []);
        assert_eq!(servers.better(at(41)), [], "it said for how long");
        assert_eq!(servers.better(at(71)), [addr(1)]);
        assert_eq!(servers.better(at(72)), [], "not all the time");
        assert_eq!(servers.better(at(101)), [addr(1)]);
        assert_eq!(servers.avoided(at(101)), []);
    }

    #[test]
    fn the_last_answer_about_a_name_is_kept_for_a_day() {
        let start = Instant::now();
        let mut servers = Servers::default();
        assert_eq!(servers.known(start), []);
        servers.reached(start, vec![addr(1)], Some(addr(1)), true);
        let hours = |n: u64| start + Duration::from_secs(n * 3600);
        assert_eq!(servers.known(hours(23)), [addr(1)]);
        // Used again, it grows no younger; asked again, it does.
        servers.reached(hours(23), vec![addr(1)], Some(addr(1)), false);
        assert_eq!(servers.known(hours(25)), []);
        servers.reached(hours(26), vec![addr(2)], Some(addr(2)), true);
        assert_eq!(servers.known(hours(49)), [addr(2)]);
    }
}
