//! Bytes to messages (RFC 3261 7, 25), with every cap checked before memory is taken.
//!
//! Lenient where peers are sloppy and nothing can go wrong (bare LF, white space before the colon); strict where two
//! readings would be possible (Content-Length).

use super::{Header, Headers, Message, Method, Request, Response, is_token};
use std::fmt;

/// Largest message that is read, in bytes.
pub const MAX_MESSAGE: usize = 64 * 1024;
/// Most header fields of a message.
pub const MAX_HEADERS: usize = 100;

/// Why bytes are no message.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ParseError {
    TooLarge,
    TooManyHeaders,
    /// Neither a request line nor a status line.
    StartLine,
    /// A header line that is none.
    HeaderLine,
    /// The end of the headers is missing.
    Unfinished,
    /// A request that can be answered, and the status that says what is wrong with it.
    Refused(u16, Box<Request>),
    /// The body does not fit its Content-Length (in a response).
    Length,
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            ParseError::TooLarge => "message too large",
            ParseError::TooManyHeaders => "too many header fields",
            ParseError::StartLine => "unreadable start line",
            ParseError::HeaderLine => "unreadable header line",
            ParseError::Unfinished => "end of headers missing",
            ParseError::Refused(..) => "request refused",
            ParseError::Length => "body does not fit Content-Length",
        })
    }
}

impl std::error::Error for ParseError {}

/// Reads one message: a datagram, or what `Framer` cut. Line breaks before it are skipped.
pub fn parse(bytes: &[u8]) -> Result<Message, ParseError> {
    if bytes.len() > MAX_MESSAGE {
        return Err(ParseError::TooLarge);
    }
    let start = bytes.iter().position(|b| *b != b'\r' && *b != b'\n').unwrap_or(bytes.len());
    let mut lines = Lines { bytes, at: start };
    let first = lines.next_line().ok_or(ParseError::Unfinished)?;
    let start_line = StartLine::parse(first)?;
    let headers = parse_headers(&mut lines)?;
    let body = &bytes[lines.at..];
    let length = content_length(&headers);
    let body = match length {
        Ok(Some(length)) if length <= body.len() => Ok(&body[..length]),
        Ok(None) => Ok(body),
        _ => Err(()),
    };
    match start_line {
        StartLine::Status(status, reason) => {
            let body = body.map_err(|()| ParseError::Length)?.to_vec();
            Ok(Message::Response(Response { status, reason, headers, body }))
        }
        StartLine::Request(method, uri, refusal) => {
            let refusal = refusal.or(if body.is_err() { Some(400) } else { None });
            let body = body.unwrap_or_default().to_vec();
            let request = Request { method, uri, headers, body };
            match refusal {
                Some(status) => Err(ParseError::Refused(status, Box::new(request))),
                None => Ok(Message::Request(request)),
            }
        }
    }
}

/// The length that the message says its body has. Several that differ, or one that is no number, are an error.
pub(crate) fn content_length(headers: &Headers) -> Result<Option<usize>, ()> {
    let mut found = None;
    for value in headers.all("Content-Length") {
        let value = super::number::<usize>(&value).ok_or(())?;
        if found.is_some_and(|before| before != value) {
            return Err(());
        }
        found = Some(value);
    }
    Ok(found)
}

enum StartLine {
    /// The third part is the status to refuse it with, if the line is readable but wrong.
    Request(Method, String, Option<u16>),
    Status(u16, Vec<u8>),
}

impl StartLine {
    fn parse(line: &[u8]) -> Result<Self, ParseError> {
        if line.len() >= 8 && line[..8].eq_ignore_ascii_case(b"SIP/2.0 ") {
            let rest = &line[8..];
            let digits = rest.get(..3).and_then(|d| std::str::from_utf8(d).ok()).ok_or(ParseError::StartLine)?;
            let status: u16 = super::number(digits).ok_or(ParseError::StartLine)?;
            let reason = match rest.get(3) {
                Some(b' ') => rest[4..].to_vec(),
                None => Vec::new(),
                Some(_) => return Err(ParseError::StartLine),
            };
            if !(100..700).contains(&status) {
                return Err(ParseError::StartLine);
            }
            return Ok(StartLine::Status(status, reason));
        }
        let line = std::str::from_utf8(line).map_err(|_| ParseError::StartLine)?;
        let (method, rest) = line.split_once(' ').ok_or(ParseError::StartLine)?;
        let (uri, version) = rest.trim_end().rsplit_once(' ').ok_or(ParseError::StartLine)?;
        let is_version = version.get(..4).is_some_and(|v| v.eq_ignore_ascii_case("SIP/"));
        if !is_token(method) || method.len() > 64 || !is_version {
            return Err(ParseError::StartLine);
        }
        let refusal = if !version[4..].eq("2.0") {
            Some(505)
        } else if uri.is_empty() || uri.chars().any(|c| c.is_whitespace() || c.is_control() || "<>\"".contains(c)) {
            Some(400)
        } else {
            None
        };
        Ok(StartLine::Request(Method::from_text(method), uri.to_string(), refusal))
    }
}

fn parse_headers(lines: &mut Lines<'_>) -> Result<Headers, ParseError> {
    let mut headers = Headers::default();
    let mut pending: Option<Header> = None;
    loop {
        let line = lines.next_line().ok_or(ParseError::Unfinished)?;
        if line.first().is_some_and(|b| *b == b' ' || *b == b'\t') && !line.trim_ascii().is_empty() {
            // A fold: the line belongs to the header before (RFC 3261 7.3.1).
            let header = pending.as_mut().ok_or(ParseError::HeaderLine)?;
            header.value.push(b' ');
            header.value.extend_from_slice(line.trim_ascii());
            continue;
        }
        if let Some(mut header) = pending.take() {
            if headers.len() >= MAX_HEADERS {
                return Err(ParseError::TooManyHeaders);
            }
            header.value = header.value.trim_ascii().to_vec();
            headers.push_raw(header);
        }
        if line.is_empty() {
            return Ok(headers);
        }
        // A line of white space only is a fold of nothing, or just an empty line badly made: skip it.
        if line.trim_ascii().is_empty() {
            continue;
        }
        let colon = line.iter().position(|b| *b == b':').ok_or(ParseError::HeaderLine)?;
        let name = std::str::from_utf8(line[..colon].trim_ascii_end()).map_err(|_| ParseError::HeaderLine)?;
        if !is_token(name) {
            return Err(ParseError::HeaderLine);
        }
        pending = Some(Header { name: name.to_string(), value: line[colon + 1..].trim_ascii().to_vec() });
    }
}

/// Lines ended by CRLF or LF.
struct Lines<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Lines<'a> {
    fn next_line(&mut self) -> Option<&'a [u8]> {
        let rest = &self.bytes[self.at..];
        let end = rest.iter().position(|b| *b == b'\n')?;
        self.at += end + 1;
        let line = &rest[..end];
        Some(line.strip_suffix(b"\r").unwrap_or(line))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(text: &str) -> Request {
        match parse(text.as_bytes()) {
            Ok(Message::Request(request)) => request,
            other => panic!("no request: {other:?}"),
        }
    }

    #[test]
    fn folds_compact_forms_and_unknown_headers() {
        let r = request(
            "OPTIONS sip:a@b SIP/2.0\r\nv: SIP/2.0/UDP x;branch=z9hG4bKa\r\nSubject : one\r\n\ttwo\r\n  three\r\nX-Odd:\r\nl: 2\r\n\r\nab",
        );
        assert_eq!(r.headers.text("Subject").as_deref(), Some("one two three"));
        assert_eq!(r.headers.text("x-odd").as_deref(), Some(""));
        assert_eq!(r.top_via().and_then(|v| v.branch().map(str::to_string)).as_deref(), Some("z9hG4bKa"));
        assert_eq!(r.body, b"ab");
    }

    #[test]
    fn content_length_rules() {
        let with = |lines: &str, body: &str| parse(format!("BYE sip:a@b SIP/2.0\r\n{lines}\r\n{body}").as_bytes());
        assert!(matches!(with("Content-Length: 2\r\n", "abcd"), Ok(Message::Request(r)) if r.body == b"ab"));
        assert!(matches!(with("", "abcd"), Ok(Message::Request(r)) if r.body == b"abcd"));
        for lines in [
            "Content-Length: 5\r\n",
            "Content-Length: -1\r\n",
            "Content-Length: 99999999999999999999\r\n",
            "l: 1\r\nContent-Length: 2\r\n",
            "l: x\r\n",
        ] {
            assert!(matches!(with(lines, "abcd"), Err(ParseError::Refused(400, _))), "{lines}");
        }
        assert_eq!(parse(b"SIP/2.0 200 OK\r\nl: 9\r\n\r\nabc"), Err(ParseError::Length));
    }

    #[test]
    fn caps_hold() {
        assert_eq!(parse(&vec![b'a'; MAX_MESSAGE + 1]), Err(ParseError::TooLarge));
        let many = format!("BYE sip:a@b SIP/2.0\r\n{}\r\n", "X: 1\r\n".repeat(MAX_HEADERS + 1));
        assert_eq!(parse(many.as_bytes()), Err(ParseError::TooManyHeaders));
    }

    #[test]
    fn other_versions_can_be_answered() {
        assert!(matches!(parse(b"OPTIONS sip:a@b SIP/7.0\r\n\r\n"), Err(ParseError::Refused(505, _))));
        assert!(matches!(parse(b"OPTIONS sip:a@b; lr SIP/2.0\r\n\r\n"), Err(ParseError::Refused(400, _))));
    }

    #[test]
    fn bytes_survive() {
        let bytes = b"SIP/2.0 200 = 2**3 * 5**2 \xd0\xbd\r\nFrom: M\xfcller <sip:a@b>;tag=1\r\nContent-Length: 3\r\n\r\n\x00\xff\n".to_vec();
        assert_eq!(parse(&bytes).expect("message").to_bytes(), bytes);
    }
}
