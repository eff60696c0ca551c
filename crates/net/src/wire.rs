//! The seam to the network: what carries an account's messages, whatever it is made of.

use hatif_sip::{AccountId, Destination, HostPort, SendId, Transport, WireFailure};
use std::net::SocketAddr;
use tokio::sync::mpsc;

/// Messages that may wait in front of the loop, over all wires. When it is full, a stream waits (TCP slows the peer
/// down) and a datagram is dropped (SIP over UDP repeats itself).
pub const RECEIVED: usize = 512;

/// What a wire tells.
#[derive(Debug)]
pub enum WireEvent {
    /// `remote`: every address of the next hop, in the order of its name; `peer` is the one that the wire leads to.
    Up {
        account: AccountId,
        generation: u64,
        wire: Box<dyn Wire>,
        local: SocketAddr,
        remote: Vec<SocketAddr>,
        peer: Option<SocketAddr>,
        /// The name was found now; where not, `remote` is what was known before.
        named: bool,
    },
    Down {
        account: AccountId,
        generation: u64,
        failure: WireFailure,
    },
    Received {
        account: AccountId,
        generation: u64,
        source: SocketAddr,
        flow: Option<u64>,
        bytes: Vec<u8>,
    },
    /// A server that comes before the wire's in the order of its name answers again.
    Better {
        account: AccountId,
        generation: u64,
    },
    /// Where the account's STUN or TURN server is; empty if nobody knows.
    Stun {
        account: AccountId,
        server: HostPort,
        found: Vec<SocketAddr>,
    },
    /// Whoever is at the other end may be gone.
    Doubted {
        account: AccountId,
        generation: u64,
    },
    SendFailed {
        account: AccountId,
        id: SendId,
        failure: WireFailure,
    },
}

/// An open way to an account's next hop. Sending never blocks; what fails later comes as `WireEvent::SendFailed`.
pub trait Wire: Send + std::fmt::Debug {
    fn send(&self, bytes: Vec<u8>, to: Destination, id: SendId);
}

/// What is needed to open a wire.
#[derive(Clone, Debug)]
pub struct Opening {
    pub account: AccountId,
    /// Counts the wires of the process, so that a late word from a closed one is not taken for the new one's.
    pub generation: u64,
    pub hop: HostPort,
    pub transport: Transport,
    /// Kind `Direct`: bound where others find it, open to everybody.
    pub direct: Option<Option<u16>>,
    pub ca_file: Option<String>,
    /// Addresses that are tried after all others.
    pub avoid: Vec<SocketAddr>,
    /// Where the name led when it was last found, for when it is not found now.
    pub known: Vec<SocketAddr>,
    pub events: mpsc::Sender<WireEvent>,
}

/// Opens a wire and tells how it went.
pub async fn open(opening: Opening) {
    let (account, generation, events) = (opening.account, opening.generation, opening.events.clone());
    let opened = match opening.transport {
        Transport::Udp => crate::udp::open(opening).await,
        Transport::Tcp | Transport::Tls => crate::stream::open(opening).await,
    };
    let event = match opened {
        Ok(Opened { wire, local, remote, peer, named }) => {
            WireEvent::Up { account, generation, wire, local, remote, peer, named }
        }
        Err(failure) => WireEvent::Down { account, generation, failure },
    };
    // The loop is gone only when the application ends.
    let _ = events.send(event).await;
}

/// What came of it; the fields are those of `WireEvent::Up`.
#[derive(Debug)]
pub struct Opened {
    pub wire: Box<dyn Wire>,
    pub local: SocketAddr,
    pub remote: Vec<SocketAddr>,
    pub peer: Option<SocketAddr>,
    pub named: bool,
}

impl Opening {
    /// Where the next hop is, and whether its name says so now; else it is where that led last.
    pub async fn resolve(&self) -> Result<(Vec<SocketAddr>, bool), WireFailure> {
        match crate::resolve::addresses(&self.hop, self.transport).await {
            Err(WireFailure::HostUnknown) if !self.known.is_empty() => Ok((self.known.clone(), false)),
            found => found.map(|found| (found, true)),
        }
    }

    /// The same in the order in which they are tried.
    pub fn in_turn(&self, found: &[SocketAddr]) -> Vec<SocketAddr> {
        let mut turns = found.to_vec();
        turns.sort_by_key(|addr| self.avoid.contains(addr));
        turns
    }
}

/// "Message too long" and "no buffer space", for which the standard library has no kind.
#[cfg(target_os = "linux")]
const CODES: (i32, i32) = (90, 105);
#[cfg(windows)]
const CODES: (i32, i32) = (10_040, 10_055);
/// macOS and its relatives.
#[cfg(not(any(target_os = "linux", windows)))]
const CODES: (i32, i32) = (40, 55);

/// Whether the same may well work in a moment: the system's buffers are full.
pub fn is_passing(error: &std::io::Error) -> bool {
    error.raw_os_error() == Some(CODES.1) || error.kind() == std::io::ErrorKind::WouldBlock
}

/// An I/O error as a reason for a person.
pub fn failure(error: &std::io::Error) -> WireFailure {
    use std::io::ErrorKind as E;
    if error.raw_os_error() == Some(CODES.0) {
        return WireFailure::TooLarge;
    }
    match error.kind() {
        E::ConnectionRefused => WireFailure::Refused,
        E::TimedOut => WireFailure::TimedOut,
        E::AddrInUse => WireFailure::PortInUse,
        E::PermissionDenied => WireFailure::NotPermitted,
        E::NetworkUnreachable | E::HostUnreachable | E::NetworkDown | E::AddrNotAvailable => WireFailure::NoNetwork,
        E::ConnectionReset | E::ConnectionAborted | E::BrokenPipe | E::UnexpectedEof | E::NotConnected => {
            WireFailure::Closed
        }
        _ => WireFailure::Other,
    }
}
