//! A telephone number in the one form in which numbers are compared: its *key*. E.164 with its plus (`+982188201140`)
//! wherever the country can be told, by the number itself or by the account's; else the digits as they are. Extensions and
//! short numbers stay short, addresses are in lower case.
//!
//! The numbering plans are those of `phonenumber` (Google's metadata). Its own parser is asked last: it takes the national
//! prefix away from numbers that merely begin like it.

use hatif_core::{
    customer::Customer,
    dial::{self, ascii_digit, is_bidi_control},
};
use phonenumber::{
    Mode,
    metadata::{DATABASE, Metadata},
};

/// Digits of a number in an account's own plan: colleagues, services, emergency.
const SHORT: usize = 6;
/// Digits of an E.164 number at most.
const LONGEST: usize = 15;
/// Characters that are looked at; what is longer is no number.
const MAX_WRITTEN: usize = 300;

/// The key of what was written or sent as a number, for an account of this country (calling code without plus, `98`).
/// `None` when there is nothing in it to call.
pub fn key(written: &str, country: Option<&str>) -> Option<String> {
    if written.len() > MAX_WRITTEN {
        return None;
    }
    let text: String = written.chars().filter(|c| !is_bidi_control(*c)).map(ascii_digit).collect();
    let text = without_extension(text.trim());
    // The plus of other scripts, and the zero that is dialled at home only: `+49 (0)30`.
    let text = text.replace('＋', "+");
    let text = if text.starts_with('+') { text.replacen("(0)", "", 1) } else { text };
    let target = dial::target(&text).ok()?;
    let user = target.strip_prefix("sips:").or(target.strip_prefix("sip:")).unwrap_or(&target);
    let number = match user.split_once('@') {
        Some((user, _)) if is_number(user) && user.len() > SHORT => user,
        Some(_) => return Some(user.to_lowercase()),
        None => user,
    };
    if !is_number(number) {
        return Some(number.to_lowercase());
    }
    // Of `+0` nothing is left.
    Some(normal(number, country)).filter(|key| !key.is_empty())
}

/// The keys of a customer's numbers, in their order; what can't be called is taken from the numbers.
pub fn keys(customer: &mut Customer, country: Option<&str>) -> Vec<String> {
    let mut keys = Vec::new();
    customer.numbers.retain(|number| {
        let key = key(number, country);
        let usable = key.is_some();
        keys.extend(key);
        usable
    });
    keys
}

/// Reads the numbering plans, which takes some tens of milliseconds: once, before the first call wants them.
pub fn warm() {
    key("+14155552671", None);
}

fn is_number(text: &str) -> bool {
    let digits = text.strip_prefix('+').unwrap_or(text);
    !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit())
}

/// `+49 30 1234 ext. 12`, `… x12`, `…;ext=12` (RFC 3966), `… داخلی ۱۲`: whom it rings behind the switchboard is not who
/// it is.
fn without_extension(text: &str) -> String {
    let lower = text.to_lowercase();
    let marks = [";", "ext", " x", ",", "داخلي", "داخلی", "تحويلة", "#"];
    let digits_before = |at: usize| text[..at].bytes().filter(u8::is_ascii_digit).count() > SHORT;
    // Byte positions hold in both only where lower case keeps its length; it does for all of ASCII and these scripts.
    let cut = marks.iter().filter_map(|mark| lower.find(mark)).filter(|at| text.is_char_boundary(*at)).min();
    match cut {
        Some(at) if digits_before(at) => text[..at].trim_end_matches([' ', '-', '.', '(']).to_owned(),
        _ => text.to_owned(),
    }
}

fn normal(number: &str, country: Option<&str>) -> String {
    let code = country.and_then(|code| code.trim_start_matches(['+', '0']).parse::<u16>().ok());
    let (international, digits) = match number.strip_prefix('+') {
        // `+0098…`: both at once. No country's code begins with a zero.
        Some(digits) => (true, digits.trim_start_matches('0')),
        None if number.len() > SHORT + 2 && number.starts_with("00") => (true, number.trim_start_matches('0')),
        None => (false, number),
    };
    if international && !digits.is_empty() {
        return match split(digits) {
            Some((code, metas, rest)) => e164(code, &metas, rest).unwrap_or_else(|| format!("+{digits}")),
            None => format!("+{digits}"),
        };
    }
    if digits.len() <= SHORT {
        return digits.to_owned();
    }
    let Some((code, metas)) = code.and_then(|code| Some((code, DATABASE.by_code(&code)?))) else {
        return digits.to_owned();
    };
    national(code, &metas, digits)
        // The country's code without a plus.
        .or_else(|| digits.strip_prefix(&code.to_string()).and_then(|rest| e164(code, &metas, rest)))
        // The country's own way out: 011 from North America.
        .or_else(|| abroad(&metas, digits))
        .or_else(|| parsed(code, &metas, digits))
        .unwrap_or_else(|| digits.to_owned())
}

/// The country code that the digits begin with, its plans, and the rest.
fn split(digits: &str) -> Option<(u16, Vec<&'static Metadata>, &str)> {
    (1..=3).find_map(|length| {
        let code: u16 = digits.get(..length)?.parse().ok()?;
        let metas = DATABASE.by_code(&code)?;
        Some((code, metas, &digits[length..]))
    })
}

fn fits(metas: &[&Metadata], national: &str) -> bool {
    metas.iter().any(|meta| is_of(meta, national))
}

/// Whether a plan has such numbers: they begin like it, and some kind of them is as long. (The plan's pattern alone takes
/// longer ones, too.)
fn is_of(meta: &Metadata, national: &str) -> bool {
    let all = meta.descriptors();
    let kinds = [
        all.fixed_line(),
        all.mobile(),
        all.toll_free(),
        all.premium_rate(),
        all.shared_cost(),
        all.personal_number(),
        all.voip(),
        all.pager(),
        all.uan(),
        all.voicemail(),
    ];
    let length = national.len() as u16;
    let long = kinds.into_iter().flatten().any(|kind| kind.possible_length().contains(&length));
    all.general().is_match(national) && (long || all.general().possible_length().contains(&length))
}

/// A number after its country code: as it stands, or with the zero left in that is dialled at home only.
fn e164(code: u16, metas: &[&Metadata], rest: &str) -> Option<String> {
    if rest.len() > LONGEST {
        return None;
    }
    if fits(metas, rest) {
        return Some(format!("+{code}{rest}"));
    }
    trunk_stripped(metas, rest).map(|national| format!("+{code}{national}"))
}

/// A number as it is dialled at home: with the trunk prefix first, since numbers that are right both ways are dialled
/// with it.
fn national(code: u16, metas: &[&Metadata], digits: &str) -> Option<String> {
    let national = trunk_stripped(metas, digits).or_else(|| fits(metas, digits).then(|| digits.to_owned()))?;
    Some(format!("+{code}{national}"))
}

fn trunk_stripped(metas: &[&Metadata], digits: &str) -> Option<String> {
    let stripped = |meta: &&Metadata| {
        let rest = digits.strip_prefix(meta.national_prefix()?)?;
        is_of(meta, rest).then(|| rest.to_owned())
    };
    metas.iter().find_map(stripped)
}

fn abroad(metas: &[&Metadata], digits: &str) -> Option<String> {
    let prefix = metas.iter().find_map(|meta| meta.international_prefix())?;
    let found = prefix.find(digits).filter(|found| found.start() == 0 && found.end() > 0)?;
    let (code, metas, rest) = split(&digits[found.end()..])?;
    e164(code, &metas, rest)
}

/// What the plan rewrites on the way (Argentina's 15, Brazil's carrier codes).
fn parsed(code: u16, metas: &[&Metadata], digits: &str) -> Option<String> {
    let main = metas.iter().find(|meta| meta.is_main_country_for_code()).or(metas.first())?;
    let number = phonenumber::parse(Some(main.id().parse().ok()?), digits).ok()?;
    (number.code().value() == code && number.is_valid()).then(|| number.format().mode(Mode::E164).to_string())
}

/// A key as people read it: `+98 21 8820 1140`. One that is no E.164 number stands as it is.
pub fn pretty(key: &str) -> String {
    match phonenumber::parse(None, key) {
        Ok(number) if key.starts_with('+') && number.is_valid() => {
            let shown = number.format().mode(Mode::International).to_string();
            let digits = |text: &str| text.chars().filter(char::is_ascii_digit).collect::<String>();
            if digits(&shown) == digits(key) { shown } else { key.to_owned() }
        }
        _ => key.to_owned(),
    }
}

/// The digits of a key as they are dialled in its country: `02188201140`. Those of one that is no E.164 number as they are.
pub fn at_home(key: &str) -> String {
    let written = match phonenumber::parse(None, key) {
        Ok(number) if key.starts_with('+') => number.format().mode(Mode::National).to_string(),
        _ => key.to_owned(),
    };
    written.chars().filter(char::is_ascii_digit).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use hatif_core::customer::{same, tail};
    use proptest::prelude::*;

    fn iran(written: &str) -> Option<String> {
        key(written, Some("98"))
    }

    #[test]
    fn zeros_alone_are_nobody() {
        assert_eq!((key("+۰", None), key("+۰", Some("1"))), (None, None));
    }

    #[test]
    fn a_key_is_dialled_at_home_without_its_country() {
        assert_eq!(at_home("+982188201140"), "02188201140");
        assert_eq!(at_home("+442079460958"), "02079460958");
        assert_eq!((at_home("600").as_str(), at_home("sara@pbx").as_str()), ("600", ""));
    }

    #[test]
    fn one_number_however_it_is_written() {
        for written in [
            "+98 21 8820 1140",
            "021 8820 1140",
            "(021) 88201140",
            "۰۲۱-۸۸۲۰۱۱۴۰",
            "٠٢١ ٨٨٢٠ ١١٤٠",
            "0098 21 88201140",
            "+0098 21 88201140",
            "+98 (0)21 8820 1140",
            "+98 021 8820 1140",
            "98 21 8820 1140",
            "2188201140",
            "tel:+98-21-88201140",
            "tel:+98-21-88201140;ext=12",
            "+98 21 88201140 ext. 12",
            "+98 21 88201140 x12",
            "۰۲۱۸۸۲۰۱۱۴۰ داخلی ۱۲",
            "sip:+982188201140@pbx.example;user=phone",
            "02188201140@pbx.example",
            "\u{202a}+98 21 8820 1140\u{202c}",
            "＋98 21 8820 1140",
        ] {
            assert_eq!(iran(written).as_deref(), Some("+982188201140"), "{written}");
        }
    }

    #[test]
    fn short_numbers_and_addresses_stay_what_they_are() {
        for (written, wanted) in [
            ("600", "600"),
            ("۱۰۰۷", "1007"),
            ("*97", "*97"),
            ("Sara@PBX.example", "sara@pbx.example"),
            ("600@pbx.example", "600@pbx.example"),
            ("alice", "alice"),
            ("sip:omid@practice", "omid@practice"),
        ] {
            assert_eq!(iran(written).as_deref(), Some(wanted), "{written}");
        }
        for nothing in ["", "  ", "+", "<script>", "1\r\n2", &"1".repeat(500)] {
            assert_eq!(iran(nothing), None, "{nothing:?}");
        }
    }

    #[test]
    fn each_country_dials_in_its_own_way() {
        for (country, written, wanted) in [
            ("49", "030 1234567", "+49301234567"),
            ("49", "+49 (0)30 1234567", "+49301234567"),
            ("1", "(415) 555-2671", "+14155552671"),
            ("1", "1 415 555 2671", "+14155552671"),
            ("1", "011 98 21 8820 1140", "+982188201140"),
            ("7", "8 800 555 35 35", "+78005553535"),
            ("7", "800 555 35 35", "+78005553535"),
            ("39", "06 698 12345", "+390669812345"),
            ("966", "050 123 4567", "+966501234567"),
            ("971", "04 330 1000", "+97143301000"),
            ("20", "010 01234567", "+201001234567"),
            ("44", "020 7946 0958", "+442079460958"),
        ] {
            assert_eq!(key(written, Some(country)).as_deref(), Some(wanted), "{written} in {country}");
        }
        // Without a country: as it is, and the same as the whole number where it ends so.
        let bare = key("0912 345 6789", None).unwrap();
        assert_eq!(bare, "09123456789");
        assert!(same(&bare, "+989123456789"));
    }

    /// Each region's example of each kind, written in full, as it is dialled at home, and with the other way out.
    #[test]
    fn the_example_numbers_of_every_region() {
        let mut seen = 0;
        for meta in DATABASE.iter() {
            let all = meta.descriptors();
            let kinds = [all.fixed_line(), all.mobile(), all.toll_free(), all.voip(), all.uan()];
            let code = meta.country_code();
            for example in kinds.into_iter().flatten().filter_map(|kind| kind.example()) {
                if !meta.descriptors().general().is_match(example) || example.len() + code.to_string().len() <= SHORT {
                    continue;
                }
                seen += 1;
                let wanted = format!("+{code}{example}");
                let home = code.to_string();
                let here = Some(home.as_str());
                assert_eq!(key(&wanted, None).as_deref(), Some(wanted.as_str()), "{}", meta.id());
                assert_eq!(key(&format!("00{code}{example}"), None).as_deref(), Some(wanted.as_str()), "{}", meta.id());
                assert_eq!(key(&pretty(&wanted), Some("49")).as_deref(), Some(wanted.as_str()), "{}", meta.id());
                if example.len() > SHORT && meta.id() != "001" {
                    let trunk = meta.national_prefix().unwrap_or_default();
                    let dialled = format!("{trunk}{example}");
                    assert_eq!(key(&dialled, here).as_deref(), Some(wanted.as_str()), "{dialled} in {}", meta.id());
                }
                assert!(same(&wanted, &key(&wanted, here).unwrap()));
            }
        }
        assert!(seen > 800, "{seen} examples");
    }

    proptest! {
        #[test]
        fn a_key_is_its_own_key(written in "\\PC{0,40}", number in "[+0۰٠]?[0-9۰-۹٠-٩ ()./-]{0,20}(;ext=[0-9]{1,4})?", country in "[1-9][0-9]{0,3}") {
            for written in [&written, &number] {
                for country in [None, Some(country.as_str())] {
                    if let Some(found) = key(written, country) {
                        prop_assert!(!found.is_empty());
                        if found.starts_with('+') {
                            prop_assert_eq!(key(&found, country), Some(found.clone()), "{}", written);
                        }
                        prop_assert!(!tail(&found).is_empty());
                        let _ = pretty(&found);
                    }
                }
            }
        }
    }
}
