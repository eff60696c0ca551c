//! Paths through NATs (ICE, RFC 8445) as the phone knows them: what was agreed on, on its way to the media.

use serde::{Deserialize, Serialize};
use specta::Type;
use std::{
    fmt,
    net::{IpAddr, SocketAddr},
};
use zeroize::Zeroizing;

/// Whether an account's calls look for a path through NATs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize, Type)]
#[serde(rename_all = "snake_case")]
pub enum IceMode {
    /// Where the far side offers it; offered, too, where the account has a STUN or TURN server.
    #[default]
    Auto,
    Off,
    /// Offered in every call. A far side that does not know it reads over it.
    On,
}

/// RFC 8445 5.1.1.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CandidateKind {
    Host,
    ServerReflexive,
    PeerReflexive,
    Relayed,
}

/// An address that the far side may be reached at, by UDP.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Candidate {
    pub foundation: String,
    /// 1 for RTP, 2 for RTCP.
    pub component: u16,
    pub priority: u32,
    pub addr: SocketAddr,
    pub kind: CandidateKind,
}

/// An address under which a socket of ours is reached from elsewhere.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Gathered {
    /// Server-reflexive: what a STUN server sees; relayed: a TURN server's own, which passes on what comes to it.
    pub kind: CandidateKind,
    /// 1 for RTP, 2 for RTCP.
    pub component: u16,
    pub addr: SocketAddr,
    /// Our own socket behind it; of a relayed one, that socket as the TURN server sees it.
    pub base: SocketAddr,
}

/// A TURN server with what it wants to know. Its `Debug` says nothing.
#[derive(Clone, PartialEq, Eq)]
pub struct TurnServer {
    pub addr: SocketAddr,
    pub user: String,
    pub password: Zeroizing<String>,
}

impl fmt::Debug for TurnServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TurnServer(…)")
    }
}

/// Where a call's voice is bound, and whom to ask how others see it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MediaPlace {
    pub bind: IpAddr,
    /// Of the same address family, as the TURN server is.
    pub stun: Option<SocketAddr>,
    /// Whom to ask for a relay.
    pub turn: Option<TurnServer>,
}

impl From<IpAddr> for MediaPlace {
    fn from(bind: IpAddr) -> Self {
        MediaPlace { bind, stun: None, turn: None }
    }
}

/// A call's RTP port.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MediaPort {
    pub addr: SocketAddr,
    pub gathered: Vec<Gathered>,
}

impl From<SocketAddr> for MediaPort {
    fn from(addr: SocketAddr) -> Self {
        MediaPort { addr, gathered: Vec::new() }
    }
}

/// What proves that a check is of this call. Its `Debug` says nothing.
#[derive(Clone, PartialEq, Eq)]
pub struct IceCredentials {
    pub ufrag: String,
    pub pwd: Zeroizing<String>,
}

impl fmt::Debug for IceCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("IceCredentials(…)")
    }
}

/// What two sides agreed on. Other credentials than before are a restart.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Ice {
    /// Whether we choose the path.
    pub controlling: bool,
    pub local: IceCredentials,
    pub remote: IceCredentials,
    /// The far side's.
    pub candidates: Vec<Candidate>,
}
