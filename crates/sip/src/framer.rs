//! Cuts a byte stream (TCP, TLS) into messages by Content-Length (RFC 3261 18.3), and sees the keep-alive of
//! RFC 5626 4.4.1: a double CRLF between messages is a ping, to be answered by one CRLF.

use crate::text::{Headers, MAX_MESSAGE};
use std::fmt;

/// What ends a stream: after it, nothing on the connection can be trusted to be the start of a message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FrameError {
    /// Headers or body larger than `MAX_MESSAGE`.
    TooLarge,
    /// No Content-Length, or one that is no number, or several that differ.
    Length,
}

impl fmt::Display for FrameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            FrameError::TooLarge => "message too large for the stream",
            FrameError::Length => "stream message without a usable Content-Length",
        })
    }
}

impl std::error::Error for FrameError {}

/// One connection's bytes on their way to messages. After `Some(Err(_))` close the connection.
#[derive(Default, Debug)]
pub struct Framer {
    buffer: Vec<u8>,
    /// How far the end of the headers was looked for.
    searched: usize,
    pings: usize,
    failed: Option<FrameError>,
}

impl Framer {
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes what was read. At most a message and one read are held; more is taken only after `next`.
    pub fn push(&mut self, bytes: &[u8]) {
        if self.failed.is_none() {
            self.buffer.extend_from_slice(bytes);
        }
    }

    /// Whether a ping came that has not been answered. Answer each with one CRLF on the same connection.
    pub fn take_ping(&mut self) -> bool {
        let any = self.pings > 0;
        self.pings = self.pings.saturating_sub(1);
        any
    }

    /// Whether the answer to a ping of ours lies there: a CRLF alone. Ask only while one is waited for.
    pub fn take_pong(&mut self) -> bool {
        let pong = self.buffer == b"\r\n";
        if pong {
            self.buffer.clear();
        }
        pong
    }

    /// The next whole message; `None` if more bytes are needed.
    #[allow(clippy::should_implement_trait)] // an iterator would end at the first None; this goes on after push
    pub fn next(&mut self) -> Option<Result<Vec<u8>, FrameError>> {
        if let Some(error) = self.failed {
            return Some(Err(error));
        }
        self.skip_keep_alive();
        let head = match self.end_of_headers() {
            Some(head) => head,
            None if self.buffer.len() > MAX_MESSAGE => return Some(Err(self.fail(FrameError::TooLarge))),
            None => return None,
        };
        let length = match body_length(&self.buffer[..head]) {
            Ok(length) => length,
            Err(error) => return Some(Err(self.fail(error))),
        };
        // Checked before anything is reserved for the body.
        let total = match head.checked_add(length) {
            Some(total) if total <= MAX_MESSAGE => total,
            _ => return Some(Err(self.fail(FrameError::TooLarge))),
        };
        if self.buffer.len() < total {
            return None;
        }
        let rest = self.buffer.split_off(total);
        self.searched = 0;
        Some(Ok(std::mem::replace(&mut self.buffer, rest)))
    }

    fn fail(&mut self, error: FrameError) -> FrameError {
        self.failed = Some(error);
        self.buffer = Vec::new();
        error
    }

    /// Between messages: CRLFCRLF is a ping; a single CRLF is a pong or nothing.
    fn skip_keep_alive(&mut self) {
        let mut at = 0;
        loop {
            let rest = &self.buffer[at..];
            if rest.starts_with(b"\r\n\r\n") {
                self.pings += 1;
                at += 4;
            } else if rest.starts_with(b"\r\n\r") || rest == b"\r\n" || rest == b"\r" {
                // May become a ping with the next bytes.
                break;
            } else if rest.starts_with(b"\r\n") {
                at += 2;
            } else if rest.starts_with(b"\n") || rest.starts_with(b"\r") {
                at += 1;
            } else {
                break;
            }
        }
        if at > 0 {
            self.buffer.drain(..at);
            self.searched = 0;
        }
    }

    /// Where the body starts.
    fn end_of_headers(&mut self) -> Option<usize> {
        if self.buffer.starts_with(b"\r") {
            return None;
        }
        let from = self.searched.saturating_sub(3);
        for at in from..self.buffer.len() {
            let rest = &self.buffer[at..];
            if rest.starts_with(b"\r\n\r\n") {
                return Some(at + 4);
            }
            if rest.starts_with(b"\n\n") {
                return Some(at + 2);
            }
        }
        self.searched = self.buffer.len();
        None
    }
}

/// Content-Length of a whole header block.
fn body_length(head: &[u8]) -> Result<usize, FrameError> {
    let mut headers = Headers::default();
    for line in head.split(|b| *b == b'\n').skip(1).take(crate::text::MAX_HEADERS * 4) {
        let Some(colon) = line.iter().position(|b| *b == b':') else { continue };
        let name = line[..colon].trim_ascii_end();
        if name.eq_ignore_ascii_case(b"content-length") || name.eq_ignore_ascii_case(b"l") {
            headers.push("Content-Length", line[colon + 1..].trim_ascii());
        }
    }
    match crate::text::content_length(&headers) {
        Ok(Some(length)) => Ok(length),
        _ => Err(FrameError::Length),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn message(n: usize) -> Vec<u8> {
        let mut m = format!("OPTIONS sip:a@b SIP/2.0\r\nSubject: {n}\r\nContent-Length: {n}\r\n\r\n").into_bytes();
        m.extend(std::iter::repeat_n(b'\n', n));
        m
    }

    proptest! {
        #[test]
        fn any_cut_of_the_stream_gives_the_same_messages(sizes in prop::collection::vec(0usize..300, 1..6),
                                                         cuts in prop::collection::vec(1usize..80, 1..200)) {
            let mut stream = Vec::new();
            for n in &sizes {
                stream.extend_from_slice(b"\r\n\r\n");
                stream.extend(message(*n));
            }
            let mut framer = Framer::new();
            let (mut got, mut pings, mut at) = (Vec::new(), 0, 0);
            for cut in cuts.iter().cycle() {
                let end = (at + cut).min(stream.len());
                framer.push(&stream[at..end]);
                at = end;
                while let Some(next) = framer.next() {
                    got.push(next.expect("good stream"));
                }
                while framer.take_ping() {
                    pings += 1;
                }
                if at == stream.len() {
                    break;
                }
            }
            prop_assert_eq!(got, sizes.iter().map(|n| message(*n)).collect::<Vec<_>>());
            prop_assert_eq!(pings, sizes.len());
        }
    }

    #[test]
    fn streams_that_cannot_be_cut_end() {
        for (text, error) in [
            ("BYE sip:a SIP/2.0\r\n\r\n", FrameError::Length),
            ("BYE sip:a SIP/2.0\r\nl: 1\r\nl: 2\r\n\r\n", FrameError::Length),
            ("BYE sip:a SIP/2.0\r\nl: 9999999999999999999999\r\n\r\n", FrameError::Length),
            ("BYE sip:a SIP/2.0\r\nl: 18446744073709551615\r\n\r\n", FrameError::TooLarge),
            ("BYE sip:a SIP/2.0\r\nl: 65536\r\n\r\n", FrameError::TooLarge),
        ] {
            let mut framer = Framer::new();
            framer.push(text.as_bytes());
            assert_eq!(framer.next(), Some(Err(error)), "{text}");
            framer.push(&message(1));
            assert_eq!(framer.next(), Some(Err(error)), "a failed stream stays failed");
        }
        let mut framer = Framer::new();
        framer.push(&vec![b'a'; MAX_MESSAGE + 1]);
        assert_eq!(framer.next(), Some(Err(FrameError::TooLarge)));
    }

    #[test]
    fn a_slow_single_crlf_is_no_ping() {
        let mut framer = Framer::new();
        framer.push(b"\r\n");
        assert_eq!(framer.next(), None);
        framer.push(&message(0));
        assert_eq!(framer.next(), Some(Ok(message(0))));
        assert!(!framer.take_ping());
    }
}
