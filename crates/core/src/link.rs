//! Links that a page or another program hands over: `tel:` (RFC 3966), `sip:` and `sips:` (RFC 3261, 19.1), `callto:` and
//! `hatif:`. They fill the dial field and never dial (RFC 3966, 11). Whoever wrote the link is a stranger: what it adds to
//! the number (parameters, headers, a password) is left out, and what is no number and no address is refused.

use crate::dial;

/// The schemes, as the desktop file and the installers name them.
pub const SCHEMES: &[&str] = &["tel", "sip", "sips", "callto", "hatif"];

/// Longest link that is read; longer ones are refused.
pub const LONGEST: usize = 1024;

/// Longest number or address that is filled in.
const LONGEST_FILLED: usize = 128;

/// What the dial field is filled with; `None` when the text is no link of ours, or none that names somebody to call.
pub fn filled(link: &str) -> Option<String> {
    let link = link.trim();
    if link.len() > LONGEST {
        return None;
    }
    let (scheme, rest) = link.split_once(':')?;
    let scheme = SCHEMES.iter().find(|known| known.eq_ignore_ascii_case(scheme))?;
    let rest = rest.strip_prefix("//").unwrap_or(rest);
    // What follows is for machines: parameters, headers, a path.
    let named = rest.split([';', '?', '/']).next().unwrap_or_default();
    let filled = match *scheme {
        "sip" | "sips" => address(named)?,
        _ => {
            let text = decoded(named)?;
            if text.contains('@') { address(named)? } else { number(&text)? }
        }
    };
    (filled.len() <= LONGEST_FILLED).then_some(filled)
}

/// What the dial field is filled with when the user wants selected text dialled: a link, a number or an address.
pub fn selected(text: &str) -> Option<String> {
    let text = text.trim();
    if text.len() > LONGEST {
        return None;
    }
    let found = filled(text).or_else(|| if text.contains('@') { address(text) } else { number(text) });
    found.filter(|found| found.len() <= LONGEST_FILLED)
}

/// A number without its separators. Letters are no part of one, so that no name passes for a number.
fn number(text: &str) -> Option<String> {
    let number = dial::target(text).ok()?;
    let dialable = |c: char| c.is_ascii_digit() || matches!(c, '+' | '*' | '#');
    (number.chars().all(dialable) && number.chars().any(|c| c.is_ascii_digit())).then_some(number)
}

/// `user@host` or a host alone (with its port), without a password.
fn address(text: &str) -> Option<String> {
    let (user, host) = match text.rsplit_once('@') {
        Some((user, host)) => (Some(decoded(user.split(':').next().unwrap_or_default())?), host),
        None => (None, text),
    };
    let host_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | ':' | '[' | ']');
    if host.is_empty() || !host.chars().all(host_part) {
        return None;
    }
    let Some(user) = user else { return Some(host.to_owned()) };
    let user_part = |c: char| c.is_ascii_alphanumeric() || "-_.!~*'()&=+$,#".contains(c);
    let good = !user.is_empty() && user.chars().all(user_part);
    good.then(|| format!("{user}@{host}"))
}

/// Percent-decoding; `None` for a broken escape, for what is not UTF-8 and for what no eye can see.
fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let mut digit = || char::from(rest.next()?).to_digit(16);
            let (high, low) = (digit()?, digit()?);
            bytes.push(u8::try_from(high * 16 + low).ok()?);
        } else {
            bytes.push(byte);
        }
    }
    let text = String::from_utf8(bytes).ok()?;
    let hidden =
        |c: char| c.is_control() || dial::is_bidi_control(c) || matches!(c, '\u{200b}'..='\u{200d}' | '\u{feff}');
    (!text.contains(hidden)).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn links_fill_the_field() {
        for (link, field) in [
            ("tel:+98-21-123", "+9821123"),
            ("TEL:0800%20123", "0800123"),
            ("tel:7042;phone-context=example.com", "7042"),
            ("tel://*21*0900%23", "*21*0900#"),
            ("tel:%DB%B0%DB%B2%DB%B1", "021"),
            ("callto:+1(555)0100", "+15550100"),
            ("callto://5550100/", "5550100"),
            ("hatif:112", "112"),
            ("hatif:alice@pbx.example", "alice@pbx.example"),
            ("sip:alice@pbx.example", "alice@pbx.example"),
            ("sips:+4930@pbx.example:5061;transport=tls?Subject=x", "+4930@pbx.example:5061"),
            ("sip:alice:secret@[2001:db8::1]:5060", "alice@[2001:db8::1]:5060"),
            ("sip:600@10.0.0.1?Replaces=1%3Bto-tag%3D2", "600@10.0.0.1"),
            (" tel:123\n", "123"),
        ] {
            assert_eq!(filled(link).as_deref(), Some(field), "{link}");
        }
    }

    #[test]
    fn what_is_no_link_of_ours_fills_nothing() {
        let long = format!("tel:{}", "1".repeat(LONGEST));
        let long_number = format!("tel:{}", "1".repeat(LONGEST_FILLED + 1));
        for link in [
            "",
            "tel:",
            "tel:+",
            "tel:;ext=1",
            "tel:alice",
            "tel:1%0d%0aINVITE",
            "tel:1%00",
            "tel:%",
            "tel:%4",
            "tel:%zz",
            "tel:1%E2%80%AE2",
            "tel:%FF",
            "sip:",
            "sip:@host",
            "sip:alice@",
            "sip:a b@host",
            "sip:alice%40evil@ho st",
            "sip:<script>@host",
            "javascript:alert(1)",
            "file:///etc/passwd",
            "http://tel:1",
            "--hidden",
            "-tel:1",
            "5550100",
            &long,
            &long_number,
        ] {
            assert_eq!(filled(link), None, "{link}");
        }
    }

    #[test]
    fn selected_text_is_a_number_an_address_or_nothing() {
        assert_eq!(selected(" +98 (21) 123-45\n").as_deref(), Some("+982112345"));
        assert_eq!(selected("۰۲۱ ۱۲۳").as_deref(), Some("021123"));
        assert_eq!(selected("tel:123").as_deref(), Some("123"));
        assert_eq!(selected("bob@pbx.example").as_deref(), Some("bob@pbx.example"));
        for text in ["", "call me", "12 apples", "a b@c", &"1".repeat(2000)] {
            assert_eq!(selected(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn whatever_comes_in_only_what_can_be_dialled_and_read_is_filled(
            link in "(tel|sip|sips|callto|hatif|TEL)?:?(//)?[ -~\\PC%0-9]{0,60}",
        ) {
            if let Some(field) = filled(&link) {
                prop_assert!(field.is_ascii() && field.len() <= LONGEST_FILLED);
                prop_assert!(!field.contains(|c: char| c.is_whitespace() || c.is_control() || ";?/<>\"\\".contains(c)));
                prop_assert!(dial::target(&field).is_ok() || !field.contains('@'), "{}", field);
            }
        }
    }
}
