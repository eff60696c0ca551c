//! `name-addr` and `addr-spec` as in From, To, Contact, Route, P-Asserted-Identity (RFC 3261 20.10, 25.1).

use super::{Params, Uri};
use std::fmt;

/// An address with its display name and header parameters.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NameAddr {
    /// Without quotes and escapes. Peers' names are hostile: see `clean`.
    pub display: Option<String>,
    pub uri: Uri,
    pub params: Params,
}

/// The display name in quotes, `"` and `\` escaped.
pub fn quote(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars().filter(|c| !c.is_control()) {
        if c == '"' || c == '\\' {
            out.push('\\');
        }
        out.push(c);
    }
    out.push('"');
    out
}

impl NameAddr {
    /// `<uri>` without more.
    pub fn of(uri: Uri) -> Self {
        NameAddr { display: None, uri, params: Params::default() }
    }

    /// Reads one address. Tolerates display names that should have been quoted.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        if let Some(rest) = text.strip_prefix('"') {
            let (display, rest) = quoted(rest)?;
            return Self::bracketed(Some(display), rest);
        }
        match text.find('<') {
            Some(at) => {
                let display = text[..at].trim();
                Self::bracketed(Some(display.to_string()).filter(|d| !d.is_empty()), &text[at..])
            }
            // Without brackets, parameters belong to the header (RFC 3261 20).
            None => {
                let (uri, params) = text.split_once(';').unwrap_or((text, ""));
                Some(NameAddr { display: None, uri: Uri::parse(uri.trim())?, params: Params::parse(params) })
            }
        }
    }

    fn bracketed(display: Option<String>, rest: &str) -> Option<Self> {
        let rest = rest.trim_start().strip_prefix('<')?;
        let (uri, rest) = rest.split_once('>')?;
        let rest = rest.trim();
        let params = match rest.strip_prefix(';') {
            Some(params) => Params::parse(params),
            None if rest.is_empty() => Params::default(),
            None => return None,
        };
        Some(NameAddr { display, uri: Uri::parse(uri.trim())?, params })
    }

    pub fn tag(&self) -> Option<&str> {
        self.params.get("tag").filter(|t| !t.is_empty())
    }
}

/// The text of a quoted string whose opening quote is already taken, and what follows it. An escape at the very end,
/// or no closing quote, is no quoted string.
fn quoted(text: &str) -> Option<(String, &str)> {
    let mut out = String::new();
    let mut chars = text.char_indices();
    while let Some((i, c)) = chars.next() {
        match c {
            '"' => return Some((out, &text[i + 1..])),
            '\\' => out.push(chars.next()?.1),
            c => out.push(c),
        }
    }
    None
}

impl fmt::Display for NameAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(display) = &self.display {
            write!(f, "{} ", quote(display))?;
        }
        write!(f, "<{}>{}", self.uri, self.params)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_shapes_of_from() {
        let cases = [
            ("sip:a@b;tag=x", None, "sip:a@b", Some("x")),
            ("Müller <sip:a@b>;tag=x", Some("Müller"), "sip:a@b", Some("x")),
            ("Doe, J. <sip:a@b;lr>;tag=y", Some("Doe, J."), "sip:a@b;lr", Some("y")),
            (
                "\"J \\\"R\\\" \\\\\" <sip:j%40r@b_c.example:5070> ; tag = z",
                Some("J \"R\" \\"),
                "sip:j%40r@b_c.example:5070",
                Some("z"),
            ),
            ("\"\" <sips:a@[::1]:5061>", Some(""), "sips:a@[::1]:5061", None),
            ("<tel:+49301234>;tag=q", None, "tel:+49301234", Some("q")),
            ("\"<sip:evil@x>\"<sip:a@b>", Some("<sip:evil@x>"), "sip:a@b", None),
        ];
        for (text, display, uri, tag) in cases {
            let parsed = NameAddr::parse(text).expect(text);
            assert_eq!(parsed.display.as_deref(), display, "{text}");
            assert_eq!(parsed.uri.to_string(), uri, "{text}");
            assert_eq!(parsed.tag(), tag, "{text}");
        }
    }

    #[test]
    fn broken_ones_are_refused() {
        for text in [
            "",
            "/",
            "\"a\\",
            "\"a\\\" <sip:a@b>",
            "\"a <sip:a@b>",
            "<sip:a@b",
            "a <>",
            "\"x\" y <sip:a@b>",
            "<sip:a@b>x",
        ] {
            assert_eq!(NameAddr::parse(text), None, "{text}");
        }
    }
}
