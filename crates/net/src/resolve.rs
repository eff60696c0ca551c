//! Names to addresses, and which of our own addresses faces a peer.

use hatif_sip::{HostPort, Transport, WireFailure};
use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket},
    time::Duration,
};

/// Resolvers answer within this or not at all.
const PATIENCE: Duration = Duration::from_secs(5);

/// Every address of a host, IPv4 first (most PBXes speak it only).
pub async fn addresses(hop: &HostPort, transport: Transport) -> Result<Vec<SocketAddr>, WireFailure> {
    let port = hop.port.unwrap_or(transport.default_port());
    if let Some(ip) = hop.ip() {
        return Ok(vec![SocketAddr::new(ip, port)]);
    }
    let found = tokio::time::timeout(PATIENCE, tokio::net::lookup_host((hop.host.as_str(), port))).await;
    let mut found: Vec<SocketAddr> = match found {
        Ok(Ok(found)) => found.collect(),
        Ok(Err(_)) | Err(_) => return Err(WireFailure::HostUnknown),
    };
    found.sort_by_key(SocketAddr::is_ipv6);
    found.dedup();
    if found.is_empty() { Err(WireFailure::HostUnknown) } else { Ok(found) }
}

/// Our own address on the way to `peer`. Asks the routing table; sends nothing.
pub fn facing(peer: SocketAddr) -> Result<IpAddr, WireFailure> {
    let any = if peer.is_ipv4() { IpAddr::V4(Ipv4Addr::UNSPECIFIED) } else { IpAddr::V6(Ipv6Addr::UNSPECIFIED) };
    let socket = UdpSocket::bind((any, 0)).map_err(|e| crate::wire::failure(&e))?;
    socket.connect(peer).map_err(|_| WireFailure::NoNetwork)?;
    let local = socket.local_addr().map_err(|_| WireFailure::NoNetwork)?;
    if local.ip().is_unspecified() { Err(WireFailure::NoNetwork) } else { Ok(local.ip()) }
}

/// The address that a `Direct` account lives at: its domain where that is an address of ours, else the one that
/// faces the rest of the world (TEST-NET-1 stands for it; nothing is sent).
pub fn own(domain: &HostPort) -> Result<IpAddr, WireFailure> {
    match domain.ip() {
        Some(ip) => Ok(ip),
        None => facing(SocketAddr::from(([192, 0, 2, 1], 9))),
    }
}
