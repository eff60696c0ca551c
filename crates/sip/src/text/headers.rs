//! Header fields in their order, with names and values as they came (RFC 3261 7.3).

use super::{decode, number, split_list};
use std::{borrow::Cow, fmt};

/// One header field. The value has its folds joined and its outer white space removed, nothing else.
#[derive(Clone, PartialEq, Eq)]
pub struct Header {
    pub name: String,
    pub value: Vec<u8>,
}

impl fmt::Debug for Header {
    /// Credentials are not shown.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let secret = self.is("Authorization") || self.is("Proxy-Authorization");
        write!(f, "{}: {}", self.name, if secret { "…".into() } else { decode(&self.value) })
    }
}

/// All header fields of a message, in their order.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Headers(Vec<Header>);

/// The long form of a compact name (RFC 3261 7.3.3 and the registry of IANA).
fn long_form(name: &str) -> &str {
    let &[letter] = name.as_bytes() else { return name };
    match letter.to_ascii_lowercase() {
        b'a' => "Accept-Contact",
        b'b' => "Referred-By",
        b'c' => "Content-Type",
        b'd' => "Request-Disposition",
        b'e' => "Content-Encoding",
        b'f' => "From",
        b'i' => "Call-ID",
        b'j' => "Reject-Contact",
        b'k' => "Supported",
        b'l' => "Content-Length",
        b'm' => "Contact",
        b'o' => "Event",
        b'r' => "Refer-To",
        b's' => "Subject",
        b't' => "To",
        b'u' => "Allow-Events",
        b'v' => "Via",
        b'x' => "Session-Expires",
        _ => name,
    }
}

impl Header {
    /// Whether this is the header `name` (given in its long form), however it is spelled.
    pub fn is(&self, name: &str) -> bool {
        long_form(&self.name).eq_ignore_ascii_case(name)
    }
}

impl Headers {
    pub fn iter(&self) -> impl Iterator<Item = &Header> {
        self.0.iter()
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds a header at the end. Line breaks cannot be smuggled in: they become spaces.
    pub fn push(&mut self, name: &str, value: impl AsRef<[u8]>) {
        self.0.push(Header { name: name.to_string(), value: one_line(value.as_ref()) });
    }

    /// Adds a header before all others.
    pub fn push_front(&mut self, name: &str, value: impl AsRef<[u8]>) {
        self.0.insert(0, Header { name: name.to_string(), value: one_line(value.as_ref()) });
    }

    /// Removes every header of that name.
    pub fn remove(&mut self, name: &str) {
        self.0.retain(|h| !h.is(name));
    }

    /// Replaces every header of that name by one, at the place of the first.
    pub fn set(&mut self, name: &str, value: impl AsRef<[u8]>) {
        match self.0.iter().position(|h| h.is(name)) {
            Some(at) => {
                self.0[at].value = one_line(value.as_ref());
                let mut index = 0;
                self.0.retain(|h| {
                    index += 1;
                    index - 1 <= at || !h.is(name)
                });
            }
            None => self.push(name, value),
        }
    }

    /// Replaces the value of the first header of that name only.
    pub fn set_first(&mut self, name: &str, value: impl AsRef<[u8]>) {
        if let Some(header) = self.0.iter_mut().find(|h| h.is(name)) {
            header.value = one_line(value.as_ref());
        }
    }

    /// The first header of that name, as bytes.
    pub fn bytes(&self, name: &str) -> Option<&[u8]> {
        self.0.iter().find(|h| h.is(name)).map(|h| h.value.as_slice())
    }

    /// The first header of that name, as text.
    pub fn text(&self, name: &str) -> Option<Cow<'_, str>> {
        self.bytes(name).map(decode)
    }

    /// The first header of that name, as a number.
    pub fn number(&self, name: &str) -> Option<u32> {
        number(&self.text(name)?)
    }

    /// Every header of that name, as text.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = Cow<'a, str>> {
        self.0.iter().filter(move |h| h.is(name)).map(|h| decode(&h.value))
    }

    /// How many headers of that name there are.
    pub fn count(&self, name: &str) -> usize {
        self.0.iter().filter(|h| h.is(name)).count()
    }

    /// The items of all headers of that name, each of which may be a comma-separated list.
    pub fn items(&self, name: &str) -> Vec<String> {
        self.all(name).flat_map(|value| split_list(&value).map(str::to_string).collect::<Vec<_>>()).collect()
    }

    /// Whether a list header (Supported, Require, Allow) has that option, in any case.
    pub fn has_option(&self, name: &str, option: &str) -> bool {
        self.items(name).iter().any(|item| item.eq_ignore_ascii_case(option))
    }

    pub(super) fn push_raw(&mut self, header: Header) {
        self.0.push(header);
    }
}

fn one_line(value: &[u8]) -> Vec<u8> {
    value.iter().map(|&b| if b == b'\r' || b == b'\n' || b == 0 { b' ' } else { b }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_match_in_any_case_and_form() {
        let mut headers = Headers::default();
        headers.push("v", "one");
        headers.push("VIA", "two");
        headers.push("X-Own", "three");
        assert_eq!(headers.all("Via").collect::<Vec<_>>(), ["one", "two"]);
        assert_eq!(headers.text("x-own").as_deref(), Some("three"));
        headers.set("Via", "four");
        assert_eq!(headers.iter().map(|h| h.name.as_str()).collect::<Vec<_>>(), ["v", "X-Own"]);
    }

    #[test]
    fn a_value_cannot_add_a_line() {
        let mut headers = Headers::default();
        headers.push("From", "a\r\nEvil: 1");
        assert_eq!(headers.bytes("From"), Some(b"a  Evil: 1".as_slice()));
    }
}
