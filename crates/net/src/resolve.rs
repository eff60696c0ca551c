//! Names to addresses (RFC 3263 4.2), and which of our own addresses faces a peer.
//!
//! ```text
//! an address ───────────────────────────────────────────────> it
//! a name with a port ── or not in public DNS ── system ─────> A, AAAA
//! a name alone ── rvoip's resolver ── SRV ── A, AAAA ───────> in the order of the SRV records
//! ```

use hatif_sip::{HostPort, Transport, WireFailure};
use rvoip_sip_transport::resolver::{HickoryResolver, Resolver};
use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket},
    time::Duration,
};

/// The system's resolver answers within this or not at all.
const PATIENCE: Duration = Duration::from_secs(5);
/// The same for SRV records, without which there is still the plain address.
const SRV_PATIENCE: Duration = Duration::from_secs(2);
/// RFC 8489 18.6.
const STUN_PORT: u16 = 3478;

/// Every address of a host, in the order in which they are to be tried; IPv4 first where that is ours to say (most PBXes
/// speak it only).
pub async fn addresses(hop: &HostPort, transport: Transport) -> Result<Vec<SocketAddr>, WireFailure> {
    let port = hop.port.unwrap_or(transport.default_port());
    if let Some(ip) = hop.ip() {
        return Ok(vec![SocketAddr::new(ip, port)]);
    }
    if has_srv(hop) {
        let found = tokio::time::timeout(SRV_PATIENCE, service(system_dns(), &hop.host, transport)).await;
        if let Ok(found) = found
            && !found.is_empty()
        {
            return Ok(found);
        }
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

/// The addresses of a STUN server. By A and AAAA records alone: SRV records of STUN are rare, and asking for them takes time.
pub async fn stun(server: &HostPort) -> Vec<SocketAddr> {
    let port = server.port.unwrap_or(STUN_PORT);
    match server.ip() {
        Some(ip) => vec![SocketAddr::new(ip, port)],
        None => {
            let found = tokio::time::timeout(PATIENCE, tokio::net::lookup_host((server.host.as_str(), port))).await;
            found.ok().and_then(Result::ok).map(Iterator::collect).unwrap_or_default()
        }
    }
}

/// Whether SRV records are asked for: no port is given, and the name is one of public DNS (a name without a dot, or under
/// `.local`, is known to this network's own means only).
fn has_srv(hop: &HostPort) -> bool {
    let host = hop.host.trim_end_matches('.').to_ascii_lowercase();
    let plain = host.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'.');
    hop.port.is_none() && plain && host.contains('.') && !host.ends_with(".local")
}

/// The name servers that this computer is told to use, and no others: rvoip's more patient way would ask a public one.
async fn system_dns() -> Option<HickoryResolver> {
    tokio::task::spawn_blocking(HickoryResolver::new_system).await.ok()?.ok()
}

/// What DNS says about the service, best first; empty when it says nothing.
async fn service(
    dns: impl Future<Output = Option<HickoryResolver>>,
    host: &str,
    transport: Transport,
) -> Vec<SocketAddr> {
    let uri = match transport {
        Transport::Udp => format!("sip:{host};transport=udp"),
        Transport::Tcp => format!("sip:{host};transport=tcp"),
        // Of `sips:` the service is `_sips._tcp` and the port without one 5061.
        Transport::Tls => format!("sips:{host}"),
    };
    let (Some(dns), Ok(uri)) = (dns.await, uri.parse()) else { return Vec::new() };
    let found = dns.resolve(&uri).await.unwrap_or_default();
    let mut addresses: Vec<SocketAddr> = Vec::new();
    for target in found {
        if !addresses.contains(&target.addr) {
            addresses.push(target.addr);
        }
    }
    addresses
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

#[cfg(test)]
mod tests {
    use super::*;

    /// A name server of a zone in which `_sip._udp.pbx.example` is at port 5070 of `a` and, less wanted, 5080 of `b`;
    /// `plain.example` has no SRV record.
    fn answer(query: &[u8]) -> Vec<u8> {
        let question = &query[12..];
        let mut labels = Vec::new();
        let mut at = 0;
        while question[at] != 0 {
            let end = at + 1 + usize::from(question[at]);
            labels.push(String::from_utf8_lossy(&question[at + 1..end]).to_ascii_lowercase());
            at = end;
        }
        let question = &question[..at + 5];
        let kind = u16::from_be_bytes([question[at + 1], question[at + 2]]);
        let srv = |priority: u8, port: u16, host: u8| {
            let mut data = vec![0, priority, 0, 0];
            data.extend(port.to_be_bytes());
            data.extend([1, host, 3, b'p', b'b', b'x', 7]);
            data.extend(*b"example\0");
            data
        };
        let answers: Vec<Vec<u8>> = match (labels.join(".").as_str(), kind) {
            ("_sip._udp.pbx.example", 33) => vec![srv(20, 5080, b'b'), srv(10, 5070, b'a')],
            ("_sips._tcp.pbx.example", 33) => vec![srv(10, 5091, b'a')],
            ("a.pbx.example" | "plain.example", 1) => vec![vec![127, 0, 0, 1]],
            ("b.pbx.example", 1) => vec![vec![127, 0, 0, 2]],
            _ => Vec::new(),
        };
        let mut reply = query[..2].to_vec();
        reply.extend([0x81, 0x80, 0, 1, 0, answers.len() as u8, 0, 0, 0, 0]);
        reply.extend(question);
        for data in answers {
            reply.extend([0xc0, 12]);
            reply.extend(kind.to_be_bytes());
            reply.extend([0, 1, 0, 0, 0, 60, 0, data.len() as u8]);
            reply.extend(data);
        }
        reply
    }

    async fn name_server() -> SocketAddr {
        let socket = tokio::net::UdpSocket::bind("127.0.0.1:0").await.expect("a port");
        let here = socket.local_addr().expect("bound");
        tokio::spawn(async move {
            let mut buffer = [0; 1500];
            while let Ok((length, from)) = socket.recv_from(&mut buffer).await {
                let _ = socket.send_to(&answer(&buffer[..length]), from).await;
            }
        });
        here
    }

    #[tokio::test]
    async fn srv_records_say_host_port_and_order() {
        let server = name_server().await;
        let ask = |host: &'static str, transport| async move {
            let found = service(async { Some(HickoryResolver::with_nameserver(server)) }, host, transport).await;
            found.iter().map(SocketAddr::to_string).collect::<Vec<_>>()
        };
        assert_eq!(ask("pbx.example", Transport::Udp).await, ["127.0.0.1:5070", "127.0.0.2:5080"]);
        assert_eq!(ask("pbx.example", Transport::Tls).await, ["127.0.0.1:5091"]);
        assert_eq!(ask("plain.example", Transport::Udp).await, ["127.0.0.1:5060"], "without SRV: its address");
        assert_eq!(ask("plain.example", Transport::Tls).await, ["127.0.0.1:5061"]);
        assert!(ask("nobody.example", Transport::Udp).await.is_empty());
    }

    #[test]
    fn srv_is_asked_for_public_names_without_a_port_only() {
        let asked = |text: &str| HostPort::parse(text).is_some_and(|hop| has_srv(&hop));
        assert!(asked("pbx.example") && asked("PBX.example."));
        for text in ["pbx.example:5060", "pbx", "localhost", "pbx.local", "pbx_1.example"] {
            assert!(!asked(text), "{text}");
        }
    }

    #[tokio::test]
    async fn addresses_and_unknown_names() {
        let ask = |text: &'static str, transport| async move {
            addresses(&HostPort::parse(text).expect("host"), transport).await
        };
        assert_eq!(ask("192.0.2.1", Transport::Tls).await, Ok(vec![SocketAddr::from(([192, 0, 2, 1], 5061))]));
        assert_eq!(
            ask("[2001:db8::1]:5070", Transport::Udp).await,
            Ok(vec!["[2001:db8::1]:5070".parse().expect("v6")])
        );
        assert!(ask("localhost", Transport::Udp).await.is_ok_and(|found| found[0].ip().is_loopback()));
        assert_eq!(ask("nobody.invalid", Transport::Udp).await, Err(WireFailure::HostUnknown));
    }
}
