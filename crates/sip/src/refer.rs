//! What a transfer is written in: Refer-To and Replaces (RFC 3515, RFC 3891), sipfrag (RFC 3420).

use crate::{
    dialog::Dialog,
    text::{Method, NameAddr, Params, Request, Scheme, Uri, decode, number, unescape},
};

/// Longest target and longest Replaces that are taken, in bytes.
const MAX_URI: usize = 256;
const MAX_REPLACES: usize = 512;

/// A Replaces header: a dialog as the one who is asked to give it up sees it (RFC 3891 6.1).
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Replaces {
    pub call_id: String,
    pub to_tag: String,
    pub from_tag: String,
    pub early_only: bool,
}

impl Replaces {
    /// The dialog of ours that the peer of `dialog` is to give up.
    pub fn of(dialog: &Dialog) -> Self {
        Replaces {
            call_id: dialog.call_id(),
            to_tag: dialog.remote_tag().to_string(),
            from_tag: dialog.local_tag().to_string(),
            early_only: false,
        }
    }

    /// `None` unless call, to-tag and from-tag are there, each once and of sensible shape.
    pub fn parse(text: &str) -> Option<Self> {
        let (call_id, params) = text.split_once(';')?;
        let call_id = call_id.trim();
        let params = Params::parse(params);
        let tag = |name| params.get(name).filter(|t| !t.is_empty() && plain(t)).map(str::to_string);
        if text.len() > MAX_REPLACES || call_id.is_empty() || !plain(call_id) {
            return None;
        }
        Some(Replaces {
            call_id: call_id.to_string(),
            to_tag: tag("to-tag")?,
            from_tag: tag("from-tag")?,
            early_only: params.has("early-only"),
        })
    }

    pub fn value(&self) -> String {
        let early = if self.early_only { ";early-only" } else { "" };
        format!("{};to-tag={};from-tag={}{early}", self.call_id, self.to_tag, self.from_tag)
    }
}

fn plain(text: &str) -> bool {
    text.bytes().all(|b| (0x21..0x7f).contains(&b) && !b";,".contains(&b))
}

/// The Replaces of an INVITE: `Err` with the status that refuses it.
pub(crate) fn replaces_of(invite: &Request) -> Result<Option<Replaces>, u16> {
    match invite.headers.count("Replaces") {
        0 => Ok(None),
        1 => invite.headers.text("Replaces").and_then(|v| Replaces::parse(&v)).map(Some).ok_or(400),
        _ => Err(400),
    }
}

/// Refer-To for `uri`, with the dialog that the new call shall replace.
pub(crate) fn refer_to(uri: &Uri, replaces: Option<&Replaces>) -> String {
    match replaces {
        Some(replaces) => format!("<{uri}?Replaces={}>", escape_header(&replaces.value())),
        None => format!("<{uri}>"),
    }
}

/// `hvalue` of a URI (RFC 3261 25.1): only the unreserved stay.
fn escape_header(text: &str) -> String {
    let keep = |b: u8| b.is_ascii_alphanumeric() || b"-_.!~*'()".contains(&b);
    text.bytes().map(|b| if keep(b) { (b as char).to_string() } else { format!("%{b:02X}") }).collect()
}

/// What a REFER asks us to call.
pub(crate) struct Asked {
    /// A sip, sips or tel URI without headers and method.
    pub address: NameAddr,
    pub replaces: Option<Replaces>,
}

/// Reads the Refer-To of a REFER; `Err` with the status that refuses it. Of the URI's headers only Replaces counts.
pub(crate) fn asked(refer: &Request) -> Result<Asked, u16> {
    let found = refer.headers.items("Refer-To");
    let [only] = &found[..] else { return Err(400) };
    let mut address = NameAddr::parse(only).ok_or(400u16)?;
    let uri = &mut address.uri;
    if !(uri.is_sip() || uri.scheme == Scheme::Tel) {
        return Err(416);
    }
    if uri.params.get("method").is_some_and(|m| Method::from_text(m) != Method::Invite) {
        return Err(603);
    }
    uri.params.remove("method");
    let headers = uri.headers.take().unwrap_or_default();
    let mut replaces = headers.split('&').filter_map(|pair| pair.split_once('=')).filter(|(name, _)| {
        // The name may be escaped as well.
        unescape(name).eq_ignore_ascii_case("Replaces")
    });
    let first = replaces.next().map(|(_, value)| Replaces::parse(&unescape(value)).ok_or(400u16)).transpose()?;
    if replaces.next().is_some() || uri.to_string().len() > MAX_URI {
        return Err(400);
    }
    Ok(Asked { address, replaces: first })
}

/// The status in a sipfrag body: its first line is a response's.
pub(crate) fn sipfrag_status(body: &[u8]) -> Option<u16> {
    let text = decode(body.get(..body.len().min(64))?);
    let mut words = text.trim_start().lines().next()?.split_ascii_whitespace();
    let version = words.next()?;
    if !version.get(..4)?.eq_ignore_ascii_case("SIP/") {
        return None;
    }
    number::<u16>(words.next()?).filter(|status| (100..700).contains(status))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refer(value: &str) -> Request {
        let mut request = Request::new(Method::Refer, "sip:a@b");
        request.headers.push("Refer-To", value);
        request
    }

    #[test]
    fn what_we_write_we_read() {
        let replaces = Replaces {
            call_id: "98732@sip.example.com".into(),
            to_tag: "r33th4x0r".into(),
            from_tag: "ff87ff%20".into(),
            early_only: false,
        };
        let uri = Uri::parse("sip:1003@pbx.example").expect("uri");
        let text = refer_to(&uri, Some(&replaces));
        assert!(text.contains("?Replaces=98732%40sip.example.com%3Bto-tag%3Dr33th4x0r%3Bfrom-tag%3Dff87ff%2520>"));
        let asked = asked(&refer(&text)).expect("our own");
        assert_eq!((asked.address.uri, asked.replaces), (uri, Some(replaces)));
    }

    #[test]
    fn hostile_targets_are_refused() {
        let status = |value: &str| asked(&refer(value)).err();
        assert_eq!(status("<http://evil.example/>"), Some(416));
        assert_eq!(status("<javascript:alert(1)>"), Some(416));
        assert_eq!(status("<sip:a@b;method=BYE>"), Some(603));
        assert_eq!(status("<sip:a@b>, <sip:c@d>"), Some(400));
        assert_eq!(status("nobody"), Some(400));
        assert_eq!(status(&format!("<sip:{}@b>", "1".repeat(300))), Some(400));
        assert_eq!(status("<sip:a@b?Replaces=x>"), Some(400));
        assert_eq!(status("<sip:a@b?Replaces=x%3Bto-tag%3D1%3Bfrom-tag%3D2&replaces=y>"), Some(400));
        assert_eq!(status("<sip:a@b?Replaces=x%0D%0AEvil:1%3Bto-tag%3D1%3Bfrom-tag%3D2>"), Some(400));
        assert_eq!(asked(&Request::new(Method::Refer, "sip:a@b")).err(), Some(400));
        let other = asked(&refer("<sip:a@b?Route=%3Csip:evil%3E&Subject=x>")).expect("other headers are read over");
        assert_eq!((other.address.uri.to_string().as_str(), other.replaces), ("sip:a@b", None));
    }

    #[test]
    fn sipfrags_are_read() {
        assert_eq!(sipfrag_status(b"SIP/2.0 180 Ringing\r\nContact: <sip:a>\r\n"), Some(180));
        assert_eq!(sipfrag_status(b"SIP/2.0 200"), Some(200));
        for broken in [&b""[..], b"SIP/2.0", b"HTTP/1.1 200 OK", b"SIP/2.0 99999", b"SIP/2.0 99 x", b"\xff\xfe"] {
            assert_eq!(sipfrag_status(broken), None);
        }
    }
}
