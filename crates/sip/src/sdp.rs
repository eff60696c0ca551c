//! SDP as text (RFC 8866): only what an audio call needs is understood, the rest is read over.

use crate::text::number;
use std::net::IpAddr;

/// Most m-lines of a description; more are refused.
pub const MAX_MEDIA: usize = 8;
/// Most lines, and most formats of one m-line.
const MAX_LINES: usize = 512;
const MAX_FORMATS: usize = 64;

/// Which way media flows, from the point of view of whoever wrote it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Direction {
    SendRecv,
    SendOnly,
    RecvOnly,
    Inactive,
}

impl Direction {
    pub fn new(send: bool, receive: bool) -> Self {
        match (send, receive) {
            (true, true) => Direction::SendRecv,
            (true, false) => Direction::SendOnly,
            (false, true) => Direction::RecvOnly,
            (false, false) => Direction::Inactive,
        }
    }

    pub fn sends(self) -> bool {
        matches!(self, Direction::SendRecv | Direction::SendOnly)
    }

    pub fn receives(self) -> bool {
        matches!(self, Direction::SendRecv | Direction::RecvOnly)
    }

    pub fn attribute(self) -> &'static str {
        match self {
            Direction::SendRecv => "sendrecv",
            Direction::SendOnly => "sendonly",
            Direction::RecvOnly => "recvonly",
            Direction::Inactive => "inactive",
        }
    }
}

/// One `a=name:value`.
#[derive(Clone, PartialEq, Eq)]
pub struct Attribute {
    pub name: String,
    pub value: String,
}

impl std::fmt::Debug for Attribute {
    /// Keys are not shown.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let hidden = ["crypto", "ice-pwd"].iter().any(|name| self.name.eq_ignore_ascii_case(name));
        let value = if hidden { "…" } else { &self.value };
        write!(f, "{}:{value:?}", self.name)
    }
}

/// One m-line and what follows it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Media {
    pub kind: String,
    pub port: u16,
    pub proto: String,
    pub formats: Vec<String>,
    /// The m-line's own c=, where it has one with an address literal.
    pub connection: Option<IpAddr>,
    pub attributes: Vec<Attribute>,
}

/// A session description.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Sdp {
    /// The o= line's session id and version, as they came.
    pub origin: Option<String>,
    pub connection: Option<IpAddr>,
    pub attributes: Vec<Attribute>,
    pub media: Vec<Media>,
}

/// `a=rtpmap`: encoding name, clock, channels.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RtpMap {
    pub name: String,
    pub clock: u32,
    pub channels: u32,
}

impl Sdp {
    /// `None` if it is no description, or larger than we take.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let text = crate::text::decode(bytes);
        let mut sdp = Sdp::default();
        let mut seen_version = false;
        for (count, line) in text.split(['\n', '\r']).filter(|l| !l.trim().is_empty()).enumerate() {
            if count >= MAX_LINES {
                return None;
            }
            let (letter, value) = line.split_once('=')?;
            let value = value.trim();
            match letter {
                "v" if value == "0" => seen_version = true,
                "o" => sdp.origin = Some(value.to_string()),
                "c" => {
                    let address = connection(value);
                    match sdp.media.last_mut() {
                        Some(media) => media.connection = address,
                        None => sdp.connection = address,
                    }
                }
                "m" => {
                    if sdp.media.len() >= MAX_MEDIA {
                        return None;
                    }
                    sdp.media.push(Media::parse(value)?);
                }
                "a" => {
                    let (name, value) = value.split_once(':').unwrap_or((value, ""));
                    let attribute = Attribute { name: name.to_string(), value: value.trim().to_string() };
                    match sdp.media.last_mut() {
                        Some(media) => media.attributes.push(attribute),
                        None => sdp.attributes.push(attribute),
                    }
                }
                _ if letter.len() == 1 => {}
                _ => return None,
            }
        }
        seen_version.then_some(sdp)
    }

    /// The value of an attribute of the session.
    pub fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|a| a.name == name).map(|a| a.value.as_str())
    }

    /// Where that m-line's media is to be sent.
    pub fn address(&self, media: &Media) -> Option<IpAddr> {
        media.connection.or(self.connection)
    }

    /// The m-line's direction: its own, else the session's, else both ways.
    pub fn direction(&self, media: &Media) -> Direction {
        let find = |attributes: &[Attribute]| {
            attributes.iter().find_map(|a| match a.name.as_str() {
                "sendrecv" => Some(Direction::SendRecv),
                "sendonly" => Some(Direction::SendOnly),
                "recvonly" => Some(Direction::RecvOnly),
                "inactive" => Some(Direction::Inactive),
                _ => None,
            })
        };
        find(&media.attributes).or_else(|| find(&self.attributes)).unwrap_or(Direction::SendRecv)
    }
}

impl Media {
    fn parse(value: &str) -> Option<Self> {
        let mut words = value.split_ascii_whitespace();
        let kind = words.next()?.to_string();
        // `port/count` for layered streams: the first port is ours.
        let port = number(words.next()?.split('/').next()?)?;
        let proto = words.next()?.to_string();
        let formats: Vec<String> = words.take(MAX_FORMATS).map(str::to_string).collect();
        Some(Media { kind, port, proto, formats, connection: None, attributes: Vec::new() })
    }

    /// The value of an attribute of this m-line.
    pub fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|a| a.name == name).map(|a| a.value.as_str())
    }

    /// The rtpmap of a payload type: the written one, else the static one of RFC 3551.
    pub fn rtpmap(&self, payload: u8) -> Option<RtpMap> {
        for a in self.attributes.iter().filter(|a| a.name == "rtpmap") {
            let Some((pt, map)) = a.value.split_once([' ', '\t']) else { continue };
            if number::<u8>(pt) != Some(payload) {
                continue;
            }
            let mut parts = map.trim().split('/');
            let name = parts.next()?.to_string();
            let clock = parts.next().and_then(number)?;
            let channels = parts.next().and_then(number).unwrap_or(1);
            return Some(RtpMap { name, clock, channels });
        }
        let name = match payload {
            0 => "PCMU",
            8 => "PCMA",
            9 => "G722",
            _ => return None,
        };
        Some(RtpMap { name: name.to_string(), clock: 8000, channels: 1 })
    }
}

/// `IN IP4 192.0.2.1[/ttl]`, literal addresses only: a host name would have to be resolved.
fn connection(value: &str) -> Option<IpAddr> {
    let mut words = value.split_ascii_whitespace();
    let (net, kind, address) = (words.next()?, words.next()?, words.next()?);
    let address: IpAddr = address.split('/').next()?.parse().ok()?;
    let fits = match kind {
        "IP4" => address.is_ipv4(),
        "IP6" => address.is_ipv6(),
        _ => false,
    };
    (net == "IN" && fits).then_some(address)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn reads_what_phones_write() {
        let text = "v=0\r\no=- 1 2 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\na=sendonly\r\nm=audio 4000/2 RTP/AVP 111 0\r\na=rtpmap:111 opus/48000/2\r\nc=IN IP6 2001:db8::1\r\nm=video 0 RTP/AVP 96\r\n";
        let sdp = Sdp::parse(text.as_bytes()).expect("sdp");
        let audio = &sdp.media[0];
        assert_eq!((audio.port, sdp.address(audio)), (4000, "2001:db8::1".parse().ok()));
        assert_eq!(audio.rtpmap(111), Some(RtpMap { name: "opus".into(), clock: 48000, channels: 2 }));
        assert_eq!(audio.rtpmap(0).map(|m| m.name).as_deref(), Some("PCMU"));
        assert_eq!(audio.rtpmap(96), None);
        assert_eq!(sdp.direction(audio), Direction::SendOnly);
        assert_eq!(sdp.address(&sdp.media[1]), "192.0.2.1".parse().ok());
    }

    #[test]
    fn broken_ones_are_refused() {
        let nine = format!("v=0\r\n{}", "m=audio 1 RTP/AVP 0\r\n".repeat(MAX_MEDIA + 1));
        let long = format!("v=0\r\n{}", "a=x\r\n".repeat(MAX_LINES));
        for text in [
            "",
            "hello",
            "v=1\r\n",
            "v=0\r\nm=audio 70000 RTP/AVP 0\r\n",
            "v=0\r\nm=audio -1 RTP/AVP 0\r\n",
            "v=0\r\nm=\r\n",
            &nine,
            &long,
        ] {
            assert_eq!(Sdp::parse(text.as_bytes()), None, "{text:.40}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
            let _ = Sdp::parse(&bytes);
        }

        #[test]
        fn no_lines_make_it_panic(lines in prop::collection::vec("[vocmab]=[ -~]{0,30}", 0..20)) {
            if let Some(sdp) = Sdp::parse(format!("v=0\r\n{}", lines.join("\r\n")).as_bytes()) {
                for media in &sdp.media {
                    let _ = (sdp.address(media), sdp.direction(media), media.rtpmap(96));
                }
            }
        }
    }
}
