//! SIP over UDP, on rvoip's transport: its socket and its message gate, our bytes both ways.

use crate::{
    resolve,
    wire::{Opened, Opening, Wire, WireEvent},
};
use bytes::Bytes;
use hatif_sip::{AccountId, Destination, SendId, Transport, WireFailure};
use rvoip_sip_transport::{
    Transport as _, TransportAuthority, TransportEvent, TransportRoute, UdpTransport, transport::TransportType,
};
use std::{net::SocketAddr, sync::Arc};
use tokio::sync::mpsc;

/// Datagrams that rvoip may hold for us.
const QUEUE: usize = 256;
/// The largest datagram that is sent. Larger requests would have to go by TCP (RFC 3261 18.1.1); PBXes take them.
const MAX_DATAGRAM: usize = 65_000;

pub async fn open(opening: Opening) -> Result<Opened, WireFailure> {
    let (bind, remote) = match opening.direct {
        Some(port) => (SocketAddr::new(resolve::own(&opening.hop)?, port.unwrap_or(0)), Vec::new()),
        None => {
            let remote = resolve::addresses(&opening.hop, Transport::Udp).await?;
            let first = remote.first().copied().ok_or(WireFailure::HostUnknown)?;
            (SocketAddr::new(resolve::facing(first)?, 0), remote)
        }
    };
    // rvoip redacts its errors: the plain reason for a refused port comes from the system itself.
    drop(std::net::UdpSocket::bind(bind).map_err(|e| crate::wire::failure(&e))?);
    let bound = UdpTransport::bind_with_mtu(bind, Some(QUEUE), MAX_DATAGRAM).await;
    let (transport, received) = bound.map_err(|_| WireFailure::PortInUse)?;
    let local = transport.local_addr().map_err(|_| WireFailure::Other)?;
    let transport = Arc::new(transport);
    let (queue, outgoing) = mpsc::channel(QUEUE);
    let next_hop = remote.first().copied();
    tokio::spawn(send_all(transport.clone(), outgoing, next_hop, opening.account, opening.events.clone()));
    tokio::spawn(receive_all(transport, received, opening));
    Ok((Box::new(UdpWire { queue }), local, remote))
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

/// Carries datagrams until the wire is dropped; then the socket closes.
async fn send_all(
    transport: Arc<UdpTransport>,
    mut queue: mpsc::Receiver<(Vec<u8>, Destination, SendId)>,
    next_hop: Option<SocketAddr>,
    account: AccountId,
    events: mpsc::Sender<WireEvent>,
) {
    while let Some((bytes, to, id)) = queue.recv().await {
        let sent = match target(to, next_hop).await {
            Ok(to) => {
                let route = TransportRoute::new(to)
                    .with_transport_type(TransportType::Udp)
                    .with_authority(TransportAuthority::ip(to.ip()));
                transport.send_message_raw_via(Bytes::from(bytes), route).await.map_err(|_| WireFailure::NoNetwork)
            }
            Err(failure) => Err(failure),
        };
        if let Err(failure) = sent {
            let _ = events.send(WireEvent::SendFailed { account, id, failure }).await;
        }
    }
    let _ = transport.close().await;
}

async fn target(to: Destination, next_hop: Option<SocketAddr>) -> Result<SocketAddr, WireFailure> {
    match to {
        Destination::NextHop => next_hop.ok_or(WireFailure::HostUnknown),
        Destination::Source { addr, .. } => Ok(addr),
        Destination::Host { hop, .. } => {
            let found = resolve::addresses(&hop, Transport::Udp).await?;
            found.first().copied().ok_or(WireFailure::HostUnknown)
        }
    }
}

async fn receive_all(transport: Arc<UdpTransport>, mut received: mpsc::Receiver<TransportEvent>, opening: Opening) {
    let Opening { account, generation, events, .. } = opening;
    while let Some(event) = received.recv().await {
        // Anything else is a datagram that was no SIP message (dropped) or the end of the socket.
        if let TransportEvent::MessageReceived { source, raw_bytes: Some(bytes), .. } = event {
            let event = WireEvent::Received { account, generation, source, flow: None, bytes: bytes.to_vec() };
            match events.try_send(event) {
                Ok(()) | Err(mpsc::error::TrySendError::Full(_)) => {}
                Err(mpsc::error::TrySendError::Closed(_)) => break,
            }
        }
    }
    drop(transport);
}
