//! SIP, SIPS and tel URIs (RFC 3261 19.1, RFC 3966). User parts stay as they came: `+` is never escaped.

use super::{Params, is_token};
use crate::config::{HostPort, Transport};
use std::fmt;

#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Scheme {
    Sip,
    Sips,
    Tel,
    /// Anything else; `user` then holds all that follows the colon.
    Other(String),
}

/// A URI in its parts. `Display` gives back what was read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Uri {
    pub scheme: Scheme,
    /// As on the wire, still escaped; with a password it is `user:password`. The number of a tel URI.
    pub user: Option<String>,
    /// Empty for tel and unknown schemes.
    pub host: HostPort,
    pub params: Params,
    /// What follows `?`.
    pub headers: Option<String>,
}

impl Uri {
    /// `sip:user@host` with `user` given unescaped.
    pub fn sip(user: &str, host: HostPort) -> Self {
        let user = Some(escape_user(user)).filter(|u| !u.is_empty());
        Uri { scheme: Scheme::Sip, user, host, params: Params::default(), headers: None }
    }

    pub fn parse(text: &str) -> Option<Self> {
        let (scheme, rest) = text.split_once(':')?;
        if !is_token(scheme)
            || rest.is_empty()
            || rest.chars().any(|c| c.is_whitespace() || c.is_control() || "<>\"".contains(c))
        {
            return None;
        }
        let scheme = match scheme.to_ascii_lowercase().as_str() {
            "sip" => Scheme::Sip,
            "sips" => Scheme::Sips,
            "tel" => Scheme::Tel,
            _ => Scheme::Other(scheme.to_string()),
        };
        let nowhere = HostPort { host: String::new(), port: None };
        match scheme {
            Scheme::Other(_) => Some(Uri {
                scheme,
                user: Some(rest.to_string()),
                host: nowhere,
                params: Params::default(),
                headers: None,
            }),
            Scheme::Tel => {
                let (digits, params) = rest.split_once(';').unwrap_or((rest, ""));
                let params = Params::parse(params);
                Some(Uri { scheme, user: Some(digits.to_string()), host: nowhere, params, headers: None })
            }
            Scheme::Sip | Scheme::Sips => {
                // A user part may hold `;` and `?`, so it is taken off first.
                let (user, rest) = match rest.split_once('@') {
                    Some((user, rest)) if !user.is_empty() => (Some(user.to_string()), rest),
                    Some(_) => return None,
                    None => (None, rest),
                };
                let (rest, headers) = match rest.split_once('?') {
                    Some((rest, headers)) => (rest, Some(headers.to_string())),
                    None => (rest, None),
                };
                let (host, params) = rest.split_once(';').unwrap_or((rest, ""));
                // IPv6 without brackets could end in a port or not (RFC 5118 4.3).
                if host.parse::<std::net::Ipv6Addr>().is_ok() {
                    return None;
                }
                Some(Uri { scheme, user, host: HostPort::parse(host)?, params: Params::parse(params), headers })
            }
        }
    }

    /// The user part without password and escapes; the number of a tel URI.
    pub fn user_text(&self) -> Option<String> {
        let user = self.user.as_deref()?;
        let user = if matches!(self.scheme, Scheme::Tel | Scheme::Other(_)) { user } else { user.split(':').next()? };
        Some(unescape(user))
    }

    /// What its `transport` parameter asks for.
    pub fn transport(&self) -> Option<Transport> {
        if self.scheme == Scheme::Sips {
            return Some(Transport::Tls);
        }
        self.params.get("transport").and_then(Transport::from_param)
    }

    pub fn is_sip(&self) -> bool {
        matches!(self.scheme, Scheme::Sip | Scheme::Sips)
    }
}

impl fmt::Display for Uri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = match &self.scheme {
            Scheme::Sip => "sip",
            Scheme::Sips => "sips",
            Scheme::Tel => "tel",
            Scheme::Other(name) => name,
        };
        write!(f, "{scheme}:")?;
        if let Some(user) = &self.user {
            f.write_str(user)?;
        }
        if self.is_sip() {
            if self.user.is_some() {
                f.write_str("@")?;
            }
            write!(f, "{}", self.host)?;
        }
        write!(f, "{}", self.params)?;
        match &self.headers {
            Some(headers) => write!(f, "?{headers}"),
            None => Ok(()),
        }
    }
}

/// A user part as it may stand in a URI: unreserved and user-unreserved characters stay (`+` too), the rest is
/// percent-escaped.
pub fn escape_user(user: &str) -> String {
    let mut out = String::new();
    for &b in user.as_bytes() {
        if b.is_ascii_alphanumeric() || b"-_.!~*'()&=+$,;?/".contains(&b) {
            out.push(b as char);
        } else {
            out.push_str(&format!("%{b:02X}"));
        }
    }
    out
}

/// Percent-escapes resolved; what is no valid escape stays.
pub fn unescape(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut i = 0;
    while i < bytes.len() {
        let hex = |b: u8| (b as char).to_digit(16);
        match (bytes[i], bytes.get(i + 1).copied().and_then(hex), bytes.get(i + 2).copied().and_then(hex)) {
            (b'%', Some(high), Some(low)) => {
                out.push((high * 16 + low) as u8);
                i += 3;
            }
            (b, _, _) => {
                out.push(b);
                i += 1;
            }
        }
    }
    super::decode(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uris_come_back_as_they_were() {
        for text in [
            "sip:+4930123@pbx.example",
            "sip:alice:secret@192.0.2.1:5070;transport=tcp;lr?Subject=a%20b",
            "sip:1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*:&it+has=1,weird!*pas$wo~d_too.(doesn't-it)@example.com",
            "sips:[2001:db8::1]:5061;ob",
            "sip:pbx_1",
            "tel:+1-201-555-0123;phone-context=x",
            "urn:service:sos",
            "sip:%D8%B3@b",
        ] {
            assert_eq!(Uri::parse(text).expect(text).to_string(), text);
        }
    }

    #[test]
    fn broken_ones_are_refused() {
        for text in [
            "",
            "sip",
            "sip:",
            "/",
            "sip:@b",
            "sip:a@",
            "sip:a@b c",
            "sip:a@b:x",
            "si p:a@b",
            "sip:<a>@b",
            "sip:a@[::1",
        ] {
            assert_eq!(Uri::parse(text), None, "{text}");
        }
    }

    #[test]
    fn users_are_escaped_rightly() {
        assert_eq!(escape_user("+49*21#"), "+49*21%23");
        assert_eq!(escape_user("a b@c"), "a%20b%40c");
        assert_eq!(unescape("a%20b%40c%zz%"), "a b@c%zz%");
        assert_eq!(Uri::parse("sip:%2B49:pw@x").expect("uri").user_text().as_deref(), Some("+49"));
    }
}
