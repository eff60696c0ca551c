//! SIP as text (RFC 3261 7, 20, 25): messages as bytes and headers in their order, and the few header values that a
//! user agent must understand. Everything that is not understood is carried as it came.

mod headers;
mod message;
mod multipart;
mod name_addr;
mod params;
mod parser;
mod uri;
mod via;

pub use headers::{Header, Headers};
pub use message::{Message, Method, Request, Response, reason_phrase};
pub use name_addr::{NameAddr, quote};
pub use params::Params;
pub(crate) use parser::content_length;
pub use parser::{MAX_HEADERS, MAX_MESSAGE, ParseError, parse};
pub use uri::{Scheme, Uri, escape_user, unescape};
pub use via::Via;

use std::borrow::Cow;

/// Bytes as text: UTF-8 where they are, Latin-1 where they are not, so that nothing is lost to a replacement sign.
pub fn decode(bytes: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => Cow::Owned(bytes.iter().map(|&b| b as char).collect()),
    }
}

/// Longest text of a peer that leaves the agent, in characters.
pub const MAX_CLEAN: usize = 128;

/// A peer's text made fit to be shown: control and bidi formatting characters go, runs of white space become one
/// space, and it is cut at `MAX_CLEAN` characters.
pub fn clean(text: &str) -> String {
    let mut out = String::new();
    let mut count = 0;
    let mut gap = false;
    for c in text.chars() {
        if c.is_whitespace() {
            gap = !out.is_empty();
        } else if !c.is_control() && !unseen(c) {
            // The space counts too, and none stands at the end.
            count += 1 + usize::from(gap);
            if count > MAX_CLEAN {
                break;
            }
            if gap {
                out.push(' ');
                gap = false;
            }
            out.push(c);
        }
    }
    out
}

/// A peer's message made fit to be shown: as `clean`, but its line breaks stay (at most two in a row), and its length.
pub fn clean_lines(text: &str) -> String {
    let mut out = String::new();
    let mut breaks = 0;
    for line in text.lines() {
        let line: String = line.chars().filter(|c| !c.is_control() && !unseen(*c)).collect();
        let line = line.trim();
        if !line.is_empty() {
            if !out.is_empty() {
                out.push_str(&"\n".repeat(breaks.min(2)));
            }
            out.push_str(line);
            breaks = 0;
        }
        breaks += 1;
    }
    out
}

/// Characters that have no shape of their own but change how others are shown: bidi marks, embeddings, overrides and
/// isolates, zero-width space, word joiner and invisible operators, tags, noncharacters. Zero-width (non-)joiners stay:
/// Persian needs them.
fn unseen(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{fffe}' | '\u{ffff}'
        | '\u{e0000}'..='\u{e007f}')
}

/// The items of a comma-separated header value; commas inside quotes and angle brackets do not separate.
pub fn split_list(value: &str) -> impl Iterator<Item = &str> {
    split_outside(value, ',').map(str::trim).filter(|item| !item.is_empty())
}

/// Splits at `separator` outside of quoted strings and angle brackets. An unclosed quote runs to the end.
pub(crate) fn split_outside(value: &str, separator: char) -> impl Iterator<Item = &str> {
    let mut rest = Some(value);
    std::iter::from_fn(move || {
        let text = rest?;
        let (mut quoted, mut escaped, mut angle) = (false, false, false);
        for (i, c) in text.char_indices() {
            if escaped {
                escaped = false;
            } else if quoted {
                match c {
                    '\\' => escaped = true,
                    '"' => quoted = false,
                    _ => {}
                }
            } else if c == '"' {
                quoted = true;
            } else if c == '<' {
                angle = true;
            } else if c == '>' {
                angle = false;
            } else if c == separator && !angle {
                rest = Some(&text[i + c.len_utf8()..]);
                return Some(&text[..i]);
            }
        }
        rest = None;
        Some(text)
    })
}

/// Whether `text` is a token (RFC 3261 25.1).
pub(crate) fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-.!%*_+`'~".contains(&b))
}

/// A decimal number without sign, with leading zeros allowed; `None` when it does not fit.
pub(crate) fn number<T: std::str::FromStr>(text: &str) -> Option<T> {
    let text = text.trim();
    if text.is_empty() || !text.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    text.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_split_outside_quotes_and_brackets() {
        let items: Vec<_> = split_list("\"a, \\\" b\" <sip:x@y;p=1,2>, <sip:z> ,, q").collect();
        assert_eq!(items, ["\"a, \\\" b\" <sip:x@y;p=1,2>", "<sip:z>", "q"]);
    }

    #[test]
    fn hostile_text_is_cleaned() {
        assert_eq!(clean("  A\u{202e}li\r\n\t\u{0}ce \u{200f}"), "Ali ce");
        assert_eq!(clean(&"x".repeat(10_000)).chars().count(), MAX_CLEAN);
        let words = format!("{} {}", "x".repeat(MAX_CLEAN - 1), "y".repeat(9));
        assert_eq!(clean(&words), "x".repeat(MAX_CLEAN - 1), "cut without a space at the end");
        assert_eq!(clean(&format!("x{words}")), "x".repeat(MAX_CLEAN));
        assert_eq!(clean("می\u{200c}خواهم"), "می\u{200c}خواهم");
        assert_eq!(clean("<b>&\"</b>"), "<b>&\"</b>", "markup is text: it is not ours to change");
    }

    #[test]
    fn latin_1_is_not_lost() {
        assert_eq!(decode(b"M\xfcller"), "Müller");
        assert_eq!(decode("Müller".as_bytes()), "Müller");
    }
}
