//! What an account is: the words that configure it and where its requests go first (RFC 3261 8.1.2).

use crate::{ice::IcePolicy, srtp::SrtpPolicy};
use std::{fmt, net::IpAddr};

/// An account, named by whoever configures the agent.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct AccountId(pub u32);

/// A call. Ids of outgoing calls come from the caller of the API (bit 31 clear); ids of incoming calls are made by
/// the agent, with bit 31 set.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct CallId(pub u32);

/// The bit that tells an incoming call's id.
pub const INCOMING_CALL_BIT: u32 = 1 << 31;

/// What carries the messages of an account (RFC 3261 18).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Transport {
    Udp,
    Tcp,
    Tls,
}

impl Transport {
    /// TCP and TLS: no retransmission, one connection (a flow).
    pub fn reliable(self) -> bool {
        self != Transport::Udp
    }

    /// The port that a URI without one means (RFC 3261 19.1.2).
    pub fn default_port(self) -> u16 {
        if self == Transport::Tls { 5061 } else { 5060 }
    }

    /// As written in a Via.
    pub fn token(self) -> &'static str {
        match self {
            Transport::Udp => "UDP",
            Transport::Tcp => "TCP",
            Transport::Tls => "TLS",
        }
    }

    /// From the `transport` parameter of a URI, in any case.
    pub fn from_param(text: &str) -> Option<Self> {
        [Transport::Udp, Transport::Tcp, Transport::Tls].into_iter().find(|t| t.token().eq_ignore_ascii_case(text))
    }
}

/// `host[:port]`. `host` is a name or an address literal, IPv6 without its brackets.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct HostPort {
    pub host: String,
    pub port: Option<u16>,
}

impl HostPort {
    /// Reads `host`, `host:port`, `[v6]`, `[v6]:port` and a bare IPv6 address. `None` for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        if let Ok(IpAddr::V6(_)) = text.parse() {
            return Some(HostPort { host: text.to_string(), port: None });
        }
        let (host, port) = if let Some(rest) = text.strip_prefix('[') {
            let (host, rest) = rest.split_once(']')?;
            host.parse::<std::net::Ipv6Addr>().ok()?;
            (host, if rest.is_empty() { None } else { Some(rest.strip_prefix(':')?) })
        } else {
            match text.split_once(':') {
                Some((host, port)) => (host, Some(port)),
                None => (text, None),
            }
        };
        let port = match port {
            Some(digits) if digits.bytes().all(|b| b.is_ascii_digit()) => Some(digits.parse::<u16>().ok()?),
            Some(_) => return None,
            None => None,
        };
        let good = |b: u8| b.is_ascii_alphanumeric() || b"-._:".contains(&b);
        if host.is_empty() || host.len() > 255 || !host.bytes().all(good) || port == Some(0) {
            return None;
        }
        Some(HostPort { host: host.to_string(), port })
    }

    /// The host as an address, if it is a literal.
    pub fn ip(&self) -> Option<IpAddr> {
        self.host.parse().ok()
    }
}

impl fmt::Display for HostPort {
    /// As in a URI: IPv6 in brackets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]", self.host)?
        } else {
            f.write_str(&self.host)?
        }
        match self.port {
            Some(port) => write!(f, ":{port}"),
            None => Ok(()),
        }
    }
}

/// A password. Its `Debug` says nothing.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(pub String);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// What an account is, which decides whom it listens to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AccountKind {
    /// Registers with a PBX. Requests from elsewhere than its registrar or proxy are dropped unanswered.
    Registrar,
    /// No registrar: calls addresses directly and is called directly. Takes requests from anyone.
    Direct,
}

/// All that the agent knows of an account.
#[derive(Clone, PartialEq, Debug)]
pub struct AccountConfig {
    pub id: AccountId,
    pub kind: AccountKind,
    /// User part of the address of record, not escaped.
    pub user: String,
    /// Host part of the address of record; also the registrar, unless `registrar` says otherwise.
    pub domain: HostPort,
    /// The registrar when it is not the domain.
    pub registrar: Option<HostPort>,
    /// The outbound proxy, if any: everything of this account goes there.
    pub proxy: Option<HostPort>,
    /// User name of the digest, when it is not `user`.
    pub auth_user: Option<String>,
    pub password: Option<Secret>,
    pub display_name: Option<String>,
    pub transport: Transport,
    /// Registration lifetime asked for, in seconds.
    pub expires: u32,
    /// The User-Agent (Server) header: product and version, no system, no build.
    pub user_agent: String,
    /// Whether this account is itself a small registrar (the practice line, tests). With a password, every REGISTER is
    /// challenged and must know that password (and `auth_user`, where set); calls to a registered user go to its flow.
    pub serve_registrations: bool,
    /// Whether what the PBX says of callers is believed before what they say themselves: P-Asserted-Identity (RFC 3325),
    /// Remote-Party-ID, `verstat`. Of no meaning for a `Direct` account, where anybody may say anything.
    pub trust_identity: bool,
    /// Whether voice is encrypted.
    pub srtp: SrtpPolicy,
    /// Whether its calls look for a path through NATs.
    pub ice: IcePolicy,
    /// Names this installation (RFC 5626 4.1), as `urn:uuid:…`: a registrar that knows of it puts a new flow in the place
    /// of the one before, instead of beside it.
    pub instance: Option<String>,
}

impl AccountConfig {
    /// Where the account's own requests go first: its proxy, its registrar or its domain.
    pub fn next_hop(&self) -> &HostPort {
        self.proxy.as_ref().or(self.registrar.as_ref()).unwrap_or(&self.domain)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn host_port_reads_and_writes() {
        for text in ["pbx.example", "pbx_1.example:5070", "192.0.2.1:5060", "[2001:db8::1]:5061", "[::1]"] {
            assert_eq!(HostPort::parse(text).expect(text).to_string(), text);
        }
        assert_eq!(HostPort::parse("::1").expect("bare v6").to_string(), "[::1]");
        for text in ["", ":5060", "a:b", "a:0", "a:70000", "a b", "[::1", "[x]:1", "a@b", "a;b", "a:+5"] {
            assert_eq!(HostPort::parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_secret_is_not_shown() {
        assert!(!format!("{:?}", Secret("hunter2".into())).contains("hunter2"));
    }
}
