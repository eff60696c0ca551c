//! What a person types or pastes as a number, made into what is dialled.
//!
//! `+49 (30) 123-45`, `٠٢١١٢٣`, `۰۲۱۱۲۳`, `tel:+98-21-1`, `sip:600@pbx` and `alice` all work; `*` and `#` pass through.

use crate::text::Text;

/// Longest target that is dialled; longer ones are refused rather than cut.
const MAX_TARGET: usize = 256;

/// The digit 0 to 9 of any script that the three languages use, or the character itself.
pub fn ascii_digit(c: char) -> char {
    let digit = match c {
        '٠'..='٩' => c as u32 - '٠' as u32,
        '۰'..='۹' => c as u32 - '۰' as u32,
        '０'..='９' => c as u32 - '０' as u32,
        _ => return c,
    };
    char::from_digit(digit, 10).unwrap_or(c)
}

/// Characters that change the direction of text; they come along with pasted numbers and never belong in one.
pub fn is_bidi_control(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{061c}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// A dialable target out of what was typed: a number without its separators, or an address as it stands.
/// Fails with `call.bad_target` when nothing dialable is left or something undialable is in it.
pub fn target(typed: &str) -> Result<String, Text> {
    let bad = || Text::new("call.bad_target");
    let text: String = typed
        .chars()
        .filter(|c| !is_bidi_control(*c) && *c != '\u{200b}' && *c != '\u{feff}')
        .map(ascii_digit)
        .collect();
    let text = text.trim();
    if text.len() > MAX_TARGET || text.chars().any(char::is_control) {
        return Err(bad());
    }
    let text = strip_scheme(text, "tel:").or_else(|| strip_scheme(text, "callto:")).unwrap_or(text);
    let lower = text.to_ascii_lowercase();
    if text.contains('@') || lower.starts_with("sip:") || lower.starts_with("sips:") {
        let rest = lower.strip_prefix("sips:").or(lower.strip_prefix("sip:")).unwrap_or(&lower);
        if rest.is_empty()
            || rest.starts_with('@')
            || rest.ends_with('@')
            || text.contains(|c: char| c.is_whitespace() || "<>\"".contains(c))
        {
            return Err(bad());
        }
        return Ok(text.to_owned());
    }
    let number: String = text
        .chars()
        .filter(|c| !matches!(c, ' ' | '\u{a0}' | '\u{202f}' | '(' | ')' | '-' | '.' | '/' | '‐' | '–' | '−'))
        .collect();
    let number = number.strip_prefix("++").map(|n| format!("+{n}")).unwrap_or(number);
    let dialable = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '*' | '#' | '_');
    if number.is_empty() || number == "+" || !number.chars().all(dialable) || number.chars().skip(1).any(|c| c == '+') {
        return Err(bad());
    }
    Ok(number)
}

fn strip_scheme<'a>(text: &'a str, scheme: &str) -> Option<&'a str> {
    let head = text.get(..scheme.len())?;
    head.eq_ignore_ascii_case(scheme).then(|| text[scheme.len()..].trim_start_matches("//"))
}

/// DTMF digits and pauses (`,` and `p`) out of what was typed; `None` when something else is in it.
pub fn dtmf(typed: &str) -> Option<String> {
    let digits: String = typed
        .chars()
        .filter(|c| !is_bidi_control(*c) && !matches!(c, ' ' | '-' | '(' | ')'))
        .map(|c| match ascii_digit(c).to_ascii_uppercase() {
            'P' => ',',
            other => other,
        })
        .collect();
    let valid = !digits.is_empty()
        && digits.len() <= 64
        && digits.chars().all(|c| matches!(c, '0'..='9' | '*' | '#' | 'A'..='D' | ','));
    valid.then_some(digits)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn numbers_in_every_shape() {
        for (typed, dialled) in [
            ("+49 (30) 123-45", "+493012345"),
            ("٠٢١ ١٢٣", "021123"),
            ("۰۲۱۱۲۳", "021123"),
            ("\u{202a}+98 21 44\u{202c}", "+982144"),
            ("tel:+98-21-1", "+98211"),
            ("*55#", "*55#"),
            ("alice", "alice"),
            ("sip:600@pbx", "sip:600@pbx"),
            (" bob@10.0.0.1:5060 ", "bob@10.0.0.1:5060"),
        ] {
            assert_eq!(target(typed).as_deref(), Ok(dialled), "{typed}");
        }
    }

    #[test]
    fn undialable_is_refused() {
        for typed in [
            "",
            "  ",
            "+",
            "12+34",
            "a@b\u{202f}c",
            "a\u{3000}@b",
            "a b@c d",
            "@host",
            "sip:",
            "1\r\n2",
            "<script>",
            &"1".repeat(300),
        ] {
            assert!(target(typed).is_err(), "{typed}");
        }
    }

    #[test]
    fn dtmf_takes_pauses_and_refuses_letters() {
        assert_eq!(dtmf("۱2p#"), Some("12,#".to_owned()));
        assert_eq!(dtmf("12x"), None);
        assert_eq!(dtmf(""), None);
    }

    proptest! {
        #[test]
        fn whatever_is_dialled_is_one_clean_word(typed in "\\PC{0,40}") {
            if let Ok(t) = target(&typed) {
                prop_assert!(!t.is_empty());
                prop_assert!(!t.chars().any(|c| c.is_control() || c.is_whitespace() || is_bidi_control(c)));
                prop_assert_eq!(target(&t), Ok(t.clone()));
            }
        }
    }
}
