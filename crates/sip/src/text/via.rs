//! The Via header (RFC 3261 20.42, RFC 3581).

use super::{Params, number};
use crate::config::{HostPort, Transport};
use std::{
    fmt,
    net::{IpAddr, SocketAddr},
};

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Via {
    /// `UDP`, `TCP`, `TLS` or whatever it says.
    pub transport: String,
    pub sent_by: HostPort,
    pub params: Params,
}

impl Via {
    /// A Via of our own: asks for the response by the source port (RFC 3581).
    pub fn new(transport: Transport, local: SocketAddr, branch: &str) -> Self {
        let mut params = Params::default();
        params.set("rport", None);
        params.set("branch", Some(branch));
        let sent_by = HostPort { host: local.ip().to_string(), port: Some(local.port()) };
        Via { transport: transport.token().to_string(), sent_by, params }
    }

    pub fn parse(text: &str) -> Option<Self> {
        let (head, params) = text.split_once(';').unwrap_or((text, ""));
        let mut parts = head.splitn(3, '/');
        let (name, version, rest) = (parts.next()?.trim(), parts.next()?.trim(), parts.next()?.trim());
        if !name.eq_ignore_ascii_case("SIP") || version != "2.0" {
            return None;
        }
        let (transport, sent_by) = rest.split_once([' ', '\t'])?;
        // White space is allowed around the colon before the port.
        let sent_by: String = sent_by.chars().filter(|c| !c.is_whitespace()).collect();
        let sent_by = HostPort::parse(&sent_by)?;
        Some(Via { transport: transport.to_string(), sent_by, params: Params::parse(params) })
    }

    pub fn branch(&self) -> Option<&str> {
        self.params.get("branch").filter(|b| !b.is_empty())
    }

    /// What a server adds on reception (RFC 3261 18.2.1, RFC 3581 4): where the request really came from.
    pub fn mark_received(&mut self, source: SocketAddr) {
        if self.params.has("rport") {
            self.params.set("rport", Some(&source.port().to_string()));
            self.params.set("received", Some(&source.ip().to_string()));
        } else if self.sent_by.ip() != Some(source.ip()) {
            self.params.set("received", Some(&source.ip().to_string()));
        }
    }

    /// Where the response to an unreliable request goes (RFC 3261 18.2.2, RFC 3581 4).
    pub fn response_address(&self, source: SocketAddr) -> SocketAddr {
        let port = match self.params.get("rport").and_then(number::<u16>) {
            Some(port) => port,
            None => self.sent_by.port.unwrap_or(5060),
        };
        let ip = self.params.get("received").and_then(|ip| ip.trim_matches(['[', ']']).parse::<IpAddr>().ok());
        SocketAddr::new(ip.unwrap_or(source.ip()), port)
    }
}

impl fmt::Display for Via {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SIP/2.0/{} {}{}", self.transport, self.sent_by, self.params)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn via_with_ipv6_and_spaces() {
        let via = Via::parse("SIP / 2.0 /UDP  [2001:db8::9:1]:5070 ; branch=z9hG4bKx;rport").expect("via");
        assert_eq!(via.to_string(), "SIP/2.0/UDP [2001:db8::9:1]:5070;branch=z9hG4bKx;rport");
        let spaced = Via::parse("SIP/2.0/TCP spindle.example.com : 5065;branch=z9").expect("via");
        assert_eq!(spaced.sent_by.port, Some(5065));
        assert_eq!(Via::parse("SIP/2.0/UDP"), None);
        assert_eq!(Via::parse("HTTP/1.1/UDP a"), None);
    }

    #[test]
    fn responses_go_where_rport_or_sent_by_says() {
        let source: SocketAddr = "192.0.2.7:40000".parse().expect("address");
        let mut via = Via::parse("SIP/2.0/UDP 10.0.0.1:5071;branch=z9").expect("via");
        via.mark_received(source);
        assert_eq!(via.response_address(source).to_string(), "192.0.2.7:5071");
        let mut via = Via::parse("SIP/2.0/UDP 10.0.0.1:5071;rport;branch=z9").expect("via");
        via.mark_received(source);
        assert_eq!(via.response_address(source), source);
        assert_eq!(via.to_string(), "SIP/2.0/UDP 10.0.0.1:5071;rport=40000;branch=z9;received=192.0.2.7");
    }
}
