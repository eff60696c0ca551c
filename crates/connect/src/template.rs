//! Text with placeholders: `{base}/people?phone={number}`. What is put in is encoded by its place, so that no value can
//! leave it: a path segment, a query value, a header, a text in JSON. `{{` and `}}` are braces.

use crate::Named;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use std::collections::BTreeSet;

/// RFC 3986 "unreserved": all that stays as it is in a path segment or a query value.
const KEPT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Characters of one value at most; what is longer is cut.
const MAX_VALUE: usize = 20_000;

/// A parsed template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template(Vec<Part>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    Value { name: String, number: bool },
}

/// Where a value stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// A path segment or a query value.
    Url,
    Header,
    /// As it is: JSON and forms are encoded as a whole.
    Plain,
}

impl Template {
    /// `Err` holds what is wrong: a brace that isn't closed, or the name that is none.
    pub fn parse(text: &str) -> Result<Template, String> {
        let mut parts = Vec::new();
        let mut plain = String::new();
        let mut rest = text;
        while let Some(at) = rest.find(['{', '}']) {
            plain.push_str(&rest[..at]);
            let brace = &rest[at..=at];
            let after = &rest[at + 1..];
            if after.starts_with(brace) {
                plain.push_str(brace);
                rest = &after[1..];
                continue;
            }
            let Some(end) = (brace == "{").then(|| after.find('}')).flatten() else {
                return Err(rest[at..].to_owned());
            };
            let (name, number) = match after[..end].split_once(':') {
                Some((name, "number")) => (name, true),
                Some(_) => return Err(after[..end].to_owned()),
                None => (&after[..end], false),
            };
            if name.is_empty() || !name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_') {
                return Err(after[..end].to_owned());
            }
            if !plain.is_empty() {
                parts.push(Part::Text(std::mem::take(&mut plain)));
            }
            parts.push(Part::Value { name: name.to_owned(), number });
            rest = &after[end + 1..];
        }
        plain.push_str(rest);
        if !plain.is_empty() {
            parts.push(Part::Text(plain));
        }
        Ok(Template(parts))
    }

    /// The names of its placeholders.
    pub fn names(&self) -> BTreeSet<&str> {
        let name = |part: &'_ Part| matches!(part, Part::Value { .. });
        self.0.iter().filter(|part| name(part)).map(Part::text).collect()
    }

    /// The one placeholder that is all of it, and whether it stands for a number.
    pub fn only(&self) -> Option<(&str, bool)> {
        match self.0.as_slice() {
            [Part::Value { name, number }] => Some((name, *number)),
            _ => None,
        }
    }

    /// Whether it begins with this placeholder.
    pub fn begins_with(&self, name: &str) -> bool {
        matches!(self.0.first(), Some(Part::Value { name: first, .. }) if first == name)
    }

    /// The text with its values. One that is not there is empty; `raw` are put in as they are.
    pub fn fill(&self, values: &Named, place: Place, raw: &[&str]) -> String {
        let mut filled = String::new();
        for part in &self.0 {
            match part {
                Part::Text(text) => filled.push_str(text),
                Part::Value { name, .. } => {
                    let value: String =
                        values.get(name).map(String::as_str).unwrap_or_default().chars().take(MAX_VALUE).collect();
                    if raw.contains(&name.as_str()) {
                        filled.push_str(value.trim_end_matches('/'));
                    } else {
                        filled.push_str(&encode(&value, place));
                    }
                }
            }
        }
        filled
    }
}

impl Part {
    fn text(&self) -> &str {
        match self {
            Part::Text(text) | Part::Value { name: text, .. } => text,
        }
    }
}

fn encode(value: &str, place: Place) -> String {
    match place {
        // `.` and `..` as a whole segment would climb.
        Place::Url if matches!(value, "." | "..") => value.replace('.', "%2E"),
        Place::Url => utf8_percent_encode(value, KEPT).to_string(),
        Place::Header => value.chars().filter(|c| (' '..='~').contains(c)).collect(),
        Place::Plain => value.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn fill(template: &str, value: &str, place: Place) -> String {
        let values = Named::from([("v".to_owned(), value.to_owned())]);
        Template::parse(template).unwrap().fill(&values, place, &[])
    }

    #[test]
    fn a_value_stays_in_its_place() {
        assert_eq!(
            fill("https://x/p/{v}?q={v}", "+49 a/b&c=#", Place::Url),
            "https://x/p/%2B49%20a%2Fb%26c%3D%23?q=%2B49%20a%2Fb%26c%3D%23"
        );
        assert_eq!(fill("/{v}/x", "..", Place::Url), "/%2E%2E/x");
        assert_eq!(fill("k {v}", "a\r\nEvil: 1", Place::Header), "k aEvil: 1");
        assert_eq!(fill("{{{v}}}", "x", Place::Plain), "{x}");
    }

    #[test]
    fn a_template_that_is_none_is_refused() {
        for bad in ["{", "}", "a{b", "{}", "{A}", "{a b}", "{a:text}", "{{}"] {
            assert!(Template::parse(bad).is_err(), "{bad}");
        }
        assert_eq!(Template::parse("{n:number}").unwrap().only(), Some(("n", true)));
    }

    proptest! {
        #[test]
        fn nothing_leaves_the_query(value in "\\PC{0,40}|[\\x00-\\x7f]{0,40}") {
            let filled = fill("https://crm.test/p?a={v}&b=1", &value, Place::Url);
            let url = url::Url::parse(&filled).unwrap();
            let pairs: Vec<_> = url.query_pairs().into_owned().collect();
            prop_assert_eq!(pairs, vec![("a".to_owned(), value), ("b".to_owned(), "1".to_owned())]);
            prop_assert_eq!(url.host_str(), Some("crm.test"));
        }

        #[test]
        fn any_text_is_a_template_or_not(text in "\\PC{0,30}|[{}:a-z]{0,12}") {
            if let Ok(template) = Template::parse(&text) {
                template.fill(&Named::new(), Place::Plain, &[]);
            }
        }
    }
}
