//! ICE in SDP (RFC 8839): candidates, credentials and who controls. The checks themselves are the media port's.
//!
//! What is agreed on goes into the session; the first exchange settles the roles for the whole call (RFC 8445 6.1.1),
//! and new credentials of either side are a restart (RFC 8445 9).

use crate::{
    io::LocalMedia,
    sdp::{Media, Sdp},
    text::number,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use sha2::{Digest, Sha256};
use std::{
    fmt::{self, Write as _},
    net::{IpAddr, SocketAddr},
};
use zeroize::Zeroizing;

/// Most candidates of a far side that are looked at; a phone has a handful.
pub const MAX_CANDIDATES: usize = 32;
/// Most characters of a far side's name; those in use have 4 to 32. (RFC 8839 5.4 has 256; no agent here takes so many.)
const MAX_UFRAG: usize = 100;
/// The components of a stream: RTP, and RTCP where it has a port of its own.
const COMPONENTS: std::ops::RangeInclusive<u16> = 1..=2;

/// Whether an account's calls use ICE.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum IcePolicy {
    #[default]
    Off,
    /// Where the far side offers it.
    Answer,
    /// And in our own offers.
    Offer,
}

/// RFC 8445 5.1.1.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CandidateKind {
    Host,
    ServerReflexive,
    PeerReflexive,
    Relayed,
}

impl CandidateKind {
    const ALL: [CandidateKind; 4] =
        [CandidateKind::Host, CandidateKind::ServerReflexive, CandidateKind::PeerReflexive, CandidateKind::Relayed];

    fn name(self) -> &'static str {
        match self {
            CandidateKind::Host => "host",
            CandidateKind::ServerReflexive => "srflx",
            CandidateKind::PeerReflexive => "prflx",
            CandidateKind::Relayed => "relay",
        }
    }

    /// RFC 8445 5.1.2.2.
    fn preference(self) -> u32 {
        match self {
            CandidateKind::Host => 126,
            CandidateKind::PeerReflexive => 110,
            CandidateKind::ServerReflexive => 100,
            CandidateKind::Relayed => 0,
        }
    }
}

/// One address that a stream may come to, by UDP.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Candidate {
    /// 1 to 32 characters; candidates of one kind, base and server share it.
    pub foundation: String,
    /// 1 for RTP, 2 for RTCP.
    pub component: u16,
    /// Above 0, below 2^31.
    pub priority: u32,
    pub addr: SocketAddr,
    pub kind: CandidateKind,
    /// What a reflexive or relayed address was made for.
    pub related: Option<SocketAddr>,
}

impl Candidate {
    /// One of ours, each of another foundation.
    fn own(kind: CandidateKind, component: u16, addr: SocketAddr) -> Self {
        let priority = (kind.preference() << 24) + (65_535 << 8) + (256 - u32::from(component));
        let foundation = format!("{}{}", kind.preference(), if addr.is_ipv4() { 4 } else { 6 });
        Candidate { foundation, component, priority, addr, kind, related: None }
    }

    /// The value of an `a=candidate` attribute. `None` for what is no candidate, or none that we can use: another
    /// transport than UDP, a name instead of an address, an address that is nobody's.
    pub fn parse(value: &str) -> Option<Self> {
        let mut words = value.split_ascii_whitespace();
        let foundation = words.next().filter(|f| f.len() <= 32 && f.bytes().all(is_ice_char))?.to_owned();
        let component = words.next().and_then(number::<u16>).filter(|c| COMPONENTS.contains(c))?;
        words.next().filter(|t| t.eq_ignore_ascii_case("UDP"))?;
        let priority = words.next().and_then(number::<u32>).filter(|p| (1..1 << 31).contains(p))?;
        let addr = address(words.next()?, words.next()?).filter(is_somewhere)?;
        words.next().filter(|typ| *typ == "typ")?;
        let name = words.next()?;
        let kind = CandidateKind::ALL.into_iter().find(|kind| kind.name() == name)?;
        let mut related = (None, None);
        while let (Some(key), Some(value)) = (words.next(), words.next()) {
            match key {
                "raddr" => related.0 = Some(value),
                "rport" => related.1 = Some(value),
                _ => {}
            }
        }
        let related = related.0.zip(related.1).and_then(|(ip, port)| address(ip, port));
        Some(Candidate { foundation, component, priority, addr, kind, related })
    }

    fn line(&self) -> String {
        let Candidate { foundation, component, priority, addr, kind, related } = self;
        let (ip, port, kind) = (addr.ip(), addr.port(), kind.name());
        let related = related.map_or(String::new(), |r| format!(" raddr {} rport {}", r.ip(), r.port()));
        format!("a=candidate:{foundation} {component} UDP {priority} {ip} {port} typ {kind}{related}\r\n")
    }
}

fn address(ip: &str, port: &str) -> Option<SocketAddr> {
    Some(SocketAddr::new(ip.parse().ok()?, number(port)?))
}

fn is_somewhere(addr: &SocketAddr) -> bool {
    let ip = addr.ip();
    let broadcast = matches!(ip, IpAddr::V4(v4) if v4.is_broadcast());
    addr.port() != 0 && !ip.is_unspecified() && !ip.is_multicast() && !broadcast
}

/// RFC 8839 5.1.
fn is_ice_char(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'+' || byte == b'/'
}

/// An address under which our RTP or RTCP socket is reached from elsewhere.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Gathered {
    pub kind: CandidateKind,
    pub component: u16,
    pub addr: SocketAddr,
    /// The socket's own address.
    pub base: SocketAddr,
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

impl IceCredentials {
    /// RFC 8839 5.4: of the m-line, else of the session.
    fn read(sdp: &Sdp, media: &Media) -> Option<Self> {
        let find = |name: &str, length: std::ops::RangeInclusive<usize>| {
            let value = media.attribute(name).or_else(|| sdp.attribute(name))?;
            (length.contains(&value.len()) && value.bytes().all(is_ice_char)).then(|| value.to_owned())
        };
        Some(IceCredentials {
            ufrag: find("ice-ufrag", 4..=MAX_UFRAG)?,
            pwd: Zeroizing::new(find("ice-pwd", 22..=256)?),
        })
    }
}

/// What two sides agreed on.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct IceSession {
    /// Whether we choose the path.
    pub controlling: bool,
    pub local: IceCredentials,
    pub remote: IceCredentials,
    /// The far side's, at most [`MAX_CANDIDATES`].
    pub candidates: Vec<Candidate>,
}

/// What a description says of ICE.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Reading {
    Absent,
    /// Somebody on the way changed where media goes, and knows nothing of ICE (RFC 8839 4.2.5).
    Mismatch,
    Found(Remote),
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Remote {
    credentials: IceCredentials,
    candidates: Vec<Candidate>,
    lite: bool,
}

impl Reading {
    fn of(sdp: &Sdp, media: &Media) -> Reading {
        let Some(credentials) = IceCredentials::read(sdp, media) else { return Reading::Absent };
        let lines = media.attributes.iter().filter(|a| a.name == "candidate").take(MAX_CANDIDATES);
        let candidates: Vec<Candidate> = lines.filter_map(|a| Candidate::parse(&a.value)).collect();
        if media.attribute("ice-mismatch").is_some() || candidates.is_empty() {
            return Reading::Absent;
        }
        let default = sdp.address(media).map(|ip| SocketAddr::new(ip, media.port));
        let known = |addr: SocketAddr| candidates.iter().any(|c| c.component == 1 && c.addr == addr);
        if !default.is_some_and(|addr| is_nowhere(addr) || known(addr)) {
            return Reading::Mismatch;
        }
        Reading::Found(Remote { credentials, candidates, lite: sdp.attribute("ice-lite").is_some() })
    }
}

/// The address of a description that has candidates only (RFC 8840 4.1.1).
fn is_nowhere(addr: SocketAddr) -> bool {
    addr.port() == 9 && addr.ip().is_unspecified()
}

/// The state of one call's ICE.
#[derive(Clone)]
pub struct Ice {
    policy: IcePolicy,
    /// What our credentials are made of.
    seed: Zeroizing<[u8; 32]>,
    /// Counts the restarts.
    generation: u32,
    /// The far side's credentials of the last session.
    remote: Option<IceCredentials>,
    controlling: Option<bool>,
    /// Whether our last offer had it.
    offered: bool,
    /// Whether RTCP goes with RTP (RFC 5761).
    mux: bool,
}

impl fmt::Debug for Ice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Ice({:?}, generation {})", self.policy, self.generation)
    }
}

impl Ice {
    /// `random` fills what it is given with bytes that nobody can guess.
    pub fn new(policy: IcePolicy, random: impl FnOnce(&mut [u8])) -> Self {
        let mut seed = Zeroizing::new([0; 32]);
        random(seed.as_mut_slice());
        Ice { policy, seed, generation: 0, remote: None, controlling: None, offered: false, mux: false }
    }

    pub fn off() -> Self {
        Ice::new(IcePolicy::Off, |_| {})
    }

    /// Whether RTCP goes with RTP.
    pub(crate) fn mux(&self) -> bool {
        self.mux
    }

    fn credentials(&self) -> IceCredentials {
        let mut hash = Sha256::new();
        hash.update(self.seed.as_slice());
        hash.update(self.generation.to_be_bytes());
        let text = Zeroizing::new(STANDARD.encode(hash.finalize()));
        IceCredentials { ufrag: text[..8].to_owned(), pwd: Zeroizing::new(text[8..40].to_owned()) }
    }

    /// Where media goes by a description that has no address but candidates: to the best of them.
    pub(crate) fn destination(&self, sdp: &Sdp, media: &Media) -> Option<SocketAddr> {
        let addr = SocketAddr::new(sdp.address(media)?, media.port);
        if self.policy == IcePolicy::Off || !is_nowhere(addr) {
            return Some(addr);
        }
        let Reading::Found(remote) = Reading::of(sdp, media) else { return Some(addr) };
        let voice = remote.candidates.iter().filter(|c| c.component == 1);
        Some(voice.max_by_key(|c| c.priority).map_or(addr, |best| best.addr))
    }

    /// The lines of an offer.
    pub(crate) fn offer(&mut self, local: &LocalMedia) -> String {
        self.offered = self.policy == IcePolicy::Offer || self.remote.is_some();
        match (self.offered, self.mux) {
            (true, mux) => self.lines(local, true, !mux),
            (false, true) => "a=rtcp-mux\r\n".into(),
            (false, false) => String::new(),
        }
    }

    /// What an answer to our offer says.
    pub(crate) fn take_answer(&mut self, sdp: &Sdp, media: &Media) -> Option<IceSession> {
        let muxed = self.offered || self.mux;
        self.mux = muxed && media.attribute("rtcp-mux").is_some();
        match Reading::of(sdp, media) {
            Reading::Found(remote) if self.offered => Some(self.agree(remote, true)),
            _ => {
                self.remote = None;
                None
            }
        }
    }

    /// The lines of our answer to an offer, and what is agreed on by it.
    pub(crate) fn answer(&mut self, sdp: &Sdp, media: &Media, local: &LocalMedia) -> (String, Option<IceSession>) {
        if self.policy == IcePolicy::Off {
            return (String::new(), None);
        }
        self.mux = media.attribute("rtcp-mux").is_some();
        let mux = if self.mux { "a=rtcp-mux\r\n" } else { "" };
        match Reading::of(sdp, media) {
            Reading::Found(remote) => {
                if self.remote.as_ref().is_some_and(|before| *before != remote.credentials) {
                    self.generation += 1;
                }
                let two = !self.mux && remote.candidates.iter().any(|c| c.component == 2);
                let session = self.agree(remote, false);
                (self.lines(local, self.mux, two), Some(session))
            }
            Reading::Mismatch => {
                self.remote = None;
                (format!("{mux}a=ice-mismatch\r\n"), None)
            }
            Reading::Absent => {
                self.remote = None;
                (mux.into(), None)
            }
        }
    }

    fn agree(&mut self, remote: Remote, offerer: bool) -> IceSession {
        let controlling = *self.controlling.get_or_insert(offerer || remote.lite);
        self.remote = Some(remote.credentials.clone());
        let local = self.credentials();
        IceSession { controlling, local, remote: remote.credentials, candidates: remote.candidates }
    }

    fn lines(&self, local: &LocalMedia, mux: bool, rtcp: bool) -> String {
        let IceCredentials { ufrag, pwd } = self.credentials();
        let mut lines = format!("a=ice-ufrag:{ufrag}\r\na=ice-pwd:{}\r\n", pwd.as_str());
        if mux {
            lines.push_str("a=rtcp-mux\r\n");
        }
        let addr = local.addr;
        let ports = [(1, Some(addr.port())), (2, addr.port().checked_add(1).filter(|_| rtcp))];
        let hosts = ports.into_iter().filter_map(|(component, port)| {
            Some(Candidate::own(CandidateKind::Host, component, SocketAddr::new(addr.ip(), port?)))
        });
        // Without a NAT the server sees what is there already (RFC 8445 5.1.3).
        let others = local
            .gathered
            .iter()
            .filter(|g| g.addr != g.base && (g.component == 1 || rtcp))
            .map(|g| Candidate { related: Some(g.base), ..Candidate::own(g.kind, g.component, g.addr) });
        for candidate in hosts.chain(others) {
            // Writing to a String does not fail.
            let _ = lines.write_str(&candidate.line());
        }
        lines
    }
}

#[cfg(test)]
mod tests;
