//! Bodies of several parts (RFC 2046 5.1, RFC 5621): PBXes put SDP beside ISUP, location or conference data.

use super::Params;

/// Most parts that are looked at.
const MAX_PARTS: usize = 16;

/// The body of the first part of that media type in a `multipart/…` body.
pub(super) fn part<'a>(content_type: &str, body: &'a [u8], media_type: &str) -> Option<&'a [u8]> {
    let (kind, params) = content_type.split_once(';')?;
    if !kind.trim().get(..10)?.eq_ignore_ascii_case("multipart/") {
        return None;
    }
    let params = Params::parse(params);
    let boundary = params.get("boundary")?.trim_matches('"');
    if boundary.is_empty() || boundary.len() > 70 {
        return None;
    }
    let delimiter = format!("--{boundary}").into_bytes();
    let mut rest = &body[find(body, &delimiter)? + delimiter.len()..];
    for _ in 0..MAX_PARTS {
        if rest.starts_with(b"--") {
            return None;
        }
        // A delimiter starts a line; its line break belongs to it.
        let end = find(rest, &delimiter)?;
        let content = &rest[..end];
        let content = content.strip_suffix(b"\r\n").or(content.strip_suffix(b"\n")).unwrap_or(content);
        if let Some(found) = content_of(content, media_type) {
            return Some(found);
        }
        rest = &rest[end + delimiter.len()..];
    }
    None
}

/// The content behind a part's headers, if it is of that type.
fn content_of<'a>(part: &'a [u8], media_type: &str) -> Option<&'a [u8]> {
    let (head, body) = match (find(part, b"\r\n\r\n"), find(part, b"\n\n")) {
        (Some(at), _) => (&part[..at], &part[at + 4..]),
        (None, Some(at)) => (&part[..at], &part[at + 2..]),
        (None, None) => return None,
    };
    let is_type = |line: &[u8]| {
        let line = super::decode(line);
        let Some((name, value)) = line.split_once(':') else { return false };
        let value = value.split(';').next().unwrap_or_default().trim();
        ["Content-Type", "c"].iter().any(|n| name.trim().eq_ignore_ascii_case(n))
            && value.eq_ignore_ascii_case(media_type)
    };
    head.split(|b| *b == b'\n').any(is_type).then_some(body)
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const TYPE: &str = "multipart/mixed; boundary=\"x 1\"";

    #[test]
    fn the_part_is_found_exactly() {
        let body = b"preamble\r\n--x 1\r\nContent-Type: application/isup\r\n\r\n\x00\xff\r\n--x 1\r\nc:application/SDP;a=b\r\nX: y\r\n\r\nv=0\r\ns=-\r\n\r\n--x 1--\r\n";
        assert_eq!(part(TYPE, body, "application/sdp"), Some(b"v=0\r\ns=-\r\n".as_slice()));
        assert_eq!(part(TYPE, body, "application/isup"), Some(b"\x00\xff".as_slice()));
        assert_eq!(part(TYPE, body, "text/plain"), None);
        assert_eq!(part("application/sdp", body, "application/sdp"), None);
        assert_eq!(part("multipart/mixed", body, "application/sdp"), None);
    }

    proptest! {
        #[test]
        fn no_body_makes_it_panic(pieces in prop::collection::vec(prop_oneof![Just("--x 1"), Just("--"), Just("\r\n"), Just("\n\n"), Just("c: a/b"), Just("é")], 0..30)) {
            let _ = part(TYPE, pieces.concat().as_bytes(), "a/b");
        }
    }
}
