//! Whether a line of a log tells of people, places or secrets. At INFO none may.

/// `private` holds what the program was told: names, numbers, passwords, domains. Addresses and URIs of any kind
/// are known by their shape.
pub fn tells(line: &str, private: &[String]) -> bool {
    let lower = line.to_lowercase();
    ["sip:", "sips:", "tel:", "password="].iter().any(|mark| lower.contains(mark))
        || words(&lower).any(is_address)
        || private.iter().any(|text| stands_in(&lower, &text.to_lowercase()))
}

fn words(line: &str) -> impl Iterator<Item = &str> {
    line.split(|c: char| !(c.is_alphanumeric() || c == '.')).filter(|word| !word.is_empty())
}

/// Four numbers of a byte, with dots between: an IPv4 address.
fn is_address(word: &str) -> bool {
    let parts: Vec<&str> = word.trim_matches('.').split('.').collect();
    parts.len() == 4 && parts.iter().all(|part| part.parse::<u8>().is_ok())
}

/// Whether `text` stands in `line` on its own, not inside a longer word or number. Very short texts (a call id is
/// `1`, and so may a number be) prove nothing.
fn stands_in(line: &str, text: &str) -> bool {
    text.len() >= 3
        && line.match_indices(text).any(|(at, _)| {
            let joins = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric());
            !joins(line[..at].chars().next_back()) && !joins(line[at + text.len()..].chars().next())
        })
}

#[test]
fn what_tells_is_found() {
    let private = ["1001", "pbx.test", "s3cret"].map(String::from);
    for line in [
        "INFO registered to 127.0.0.1:5060",
        "INFO call 3 to SIP:bob@x",
        "INFO user 1001 is up",
        "WARN pbx.test: no answer",
        "INFO using s3cret",
        "INFO host=10.0.0.7",
    ] {
        assert!(tells(line, &private), "{line}");
    }
    for line in [
        "2026-01-01T00:00:01.100123Z INFO call 2147483648: active",
        "INFO account 1 is up, version 0.1.0, cpal 0.18.2",
        "INFO 31001 frames",
        "INFO call 1: opus, ended after 1.2 s",
    ] {
        assert!(!tells(line, &private), "{line}");
    }
}
