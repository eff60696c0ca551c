//! A port's relays on a TURN server: asked for beside the STUN server's word, used by the paths, given back at the end.

use super::{Port, Source};
use crate::{packet::MAX_DATAGRAM, stun::PATIENCE};
use hatif_core::ice::{Ice, TurnServer};
use hatif_turn::{Client, MAX_OVERHEAD, Received, Refusal};
use mio::net::UdpSocket;
use std::{net::SocketAddr, ops::Range, time::Instant};

impl Port {
    pub fn ask_relay(&mut self, now: Instant, server: &TurnServer) {
        self.relays = [(); 2].map(|()| Some(Client::new(now, server.addr, &server.user, &server.password)));
        self.relays_until = Some(now + PATIENCE);
        self.send_relay_requests(now);
    }

    pub(super) fn waits_for_relay(&self, now: Instant) -> bool {
        self.relays.iter().flatten().any(Client::is_asking) && self.relays_until.is_some_and(|until| now < until)
    }

    /// Nobody waits any longer: what has not come is not wanted any more. Why RTP has no relay, if it was to have one.
    pub fn settle_relay(&mut self, now: Instant) -> Option<Refusal> {
        self.relays_until.take()?;
        let refusal = self.relays[0].as_ref().and_then(|relay| match relay.is_asking() {
            true => Some(Refusal::Silent),
            false => relay.refusal(),
        });
        for relay in self.relays.iter_mut().flatten().filter(|relay| relay.is_asking()) {
            relay.release(now);
        }
        refusal
    }

    pub(super) fn has_relay(&self) -> bool {
        self.relays.iter().flatten().any(|relay| !relay.is_closed())
    }

    /// Gives the relays back. False when there is nothing to wait for.
    pub fn release(&mut self, now: Instant) -> bool {
        self.release_component(now, 0);
        self.release_component(now, 1);
        self.has_relay()
    }

    pub(super) fn release_component(&mut self, now: Instant, component: usize) {
        if let Some(relay) = &mut self.relays[component] {
            relay.release(now);
            self.send_relay_requests(now);
        }
    }

    /// After [`Port::release`]: whether it is still waited for.
    pub fn is_leaving(&mut self, now: Instant) -> bool {
        self.flush(now);
        self.send_relay_requests(now);
        self.has_relay()
    }

    /// Whom the far side may be reached at is to be relayed for.
    pub(super) fn relay_for(&mut self, now: Instant, ice: Option<&Ice>) {
        for candidate in ice.iter().flat_map(|ice| &ice.candidates) {
            let index = usize::from(candidate.component).wrapping_sub(1);
            if let Some(Some(relay)) = self.relays.get_mut(index) {
                relay.reach(now, candidate.addr);
            }
        }
        self.send_relay_requests(now);
        self.tell_paths(now);
    }

    pub(super) fn tell_paths(&mut self, now: Instant) {
        for (path, relay) in self.paths.iter_mut().zip(&self.relays) {
            if let Some(path) = path {
                path.set_relay(now, relay.as_ref().and_then(Client::relayed));
            }
        }
    }

    pub(super) fn send_relay_requests(&mut self, now: Instant) {
        for (relay, socket) in self.relays.iter_mut().zip([&self.rtp, &self.rtcp]) {
            let Some(relay) = relay else { continue };
            while let Some(request) = relay.poll_transmit(now) {
                // One that is lost is sent again.
                let _ = socket.send_to(&request, relay.server());
            }
        }
    }

    /// Whose datagram it is, and which part of it. `None`: it was about the relay.
    pub(super) fn unwrap(
        &mut self,
        now: Instant,
        component: usize,
        from: SocketAddr,
        datagram: &[u8],
    ) -> Option<(Source, Range<usize>)> {
        let relay = self.relays[component].as_mut().filter(|relay| relay.server() == from);
        match relay.map_or(Received::Other, |relay| relay.receive(now, datagram)) {
            Received::Data(addr, part) => Some((Source { addr, relayed: true }, part)),
            Received::Other => Some((Source { addr: from, relayed: false }, 0..datagram.len())),
            Received::Handled => {
                self.send_relay_requests(now);
                None
            }
        }
    }
}

/// Whether it has left.
pub(super) fn send(socket: &UdpSocket, relay: &mut Client, to: SocketAddr, bytes: &[u8]) -> bool {
    let mut out = [0; MAX_DATAGRAM + MAX_OVERHEAD];
    let length = relay.wrap(Instant::now(), to, bytes, &mut out);
    length.is_some_and(|length| socket.send_to(&out[..length], relay.server()).is_ok())
}
