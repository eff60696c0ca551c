//! Text as it is searched: what people take for the same letter is the same letter, and what they don't see is not
//! there. Case, accents, width; the Arabic and Persian forms of a letter (ي ی ى, ك ک, ة ه, آ أ إ ا); digits of every
//! script; vowel signs, tatweel, zero-width joiners, direction marks.

use hatif_core::customer;
use rusqlite::{Connection, Result, functions::FunctionFlags};
use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};

/// Words of a query that count; more can only be a paste by mistake.
const MAX_NEEDLES: usize = 16;

/// Words of a text that are indexed.
const MAX_WORDS: usize = 500;

/// From so many digits on, the zeros or the plus before a number are how it is dialled and not what it is.
const WHOLE_NUMBER: usize = 7;

/// What a row is searched by: its texts folded, and its number's digits alone, a line each.
pub(crate) fn row(name: Option<&str>, address: &str, account_label: &str) -> String {
    let address = fold(address);
    let number: String = address.chars().filter(char::is_ascii_digit).collect();
    [&fold(name.unwrap_or_default()), &address, &number, &fold(account_label)].map(String::as_str).join("\n")
}

/// What has to be found in a row, each somewhere: the words of the query; or, where it is a number however it is
/// written (`(0912) 345-6789`, `۰۹۱۲ ۳۴۵`), its digits.
pub(crate) fn needles(query: &str) -> Vec<String> {
    let folded = fold(query);
    let number = |c: char| c.is_ascii_digit() || " +-./()".contains(c);
    if folded.chars().all(number) && folded.contains(|c: char| c.is_ascii_digit()) {
        let digits: String = folded.chars().filter(char::is_ascii_digit).collect();
        let known = if digits.len() >= WHOLE_NUMBER { digits.trim_start_matches('0') } else { &digits };
        return vec![if known.is_empty() { digits } else { known.to_owned() }];
    }
    folded.split_whitespace().take(MAX_NEEDLES).map(str::to_owned).collect()
}

/// The text as it is searched.
pub(crate) fn fold(text: &str) -> String {
    let seen = text.nfkd().filter(|c| !is_combining_mark(*c) && !is_unseen(*c));
    seen.flat_map(char::to_lowercase).filter(|c| !is_combining_mark(*c)).map(letter).collect()
}

/// Tatweel, zero-width characters, direction marks.
fn is_unseen(c: char) -> bool {
    matches!(c, '\u{640}' | '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

fn letter(c: char) -> char {
    match c {
        'ی' | 'ى' | 'ې' | 'ے' => 'ي',
        'ک' | 'ڪ' => 'ك',
        'ة' | 'ە' | 'ہ' | 'ھ' => 'ه',
        'ٱ' => 'ا',
        '٠'..='٩' => (b'0' + (c as u32 - '٠' as u32) as u8) as char,
        '۰'..='۹' => (b'0' + (c as u32 - '۰' as u32) as u8) as char,
        // A line break would reach into the next line of the row.
        '\n' | '\r' => ' ',
        c => c,
    }
}

/// The words of a folded text as the full-text index cuts them: letters and digits, at most [`MAX_WORDS`].
pub(crate) fn tokens(folded: &str) -> Vec<String> {
    folded
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .take(MAX_WORDS)
        .map(str::to_owned)
        .collect()
}

/// Gives the connection the SQL functions `fold_row(name, address, account_label)` and `number_tail(address)`, for
/// migrations.
pub(crate) fn teach(db: &Connection) -> Result<()> {
    let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC;
    db.create_scalar_function("fold_row", 3, flags, |arguments| {
        let name: Option<String> = arguments.get(0)?;
        Ok(row(name.as_deref(), &arguments.get::<String>(1)?, &arguments.get::<String>(2)?))
    })?;
    db.create_scalar_function("number_tail", 1, flags, |arguments| Ok(customer::tail(&arguments.get::<String>(0)?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finds(query: &str, row: &str) -> bool {
        needles(query).iter().all(|needle| row.contains(needle))
    }

    #[test]
    fn what_looks_the_same_is_found() {
        let named = |name| row(Some(name), "600", "Office");
        for (query, name) in [
            ("علی", "علي رضایی"),
            ("علي", "على‌رضا"),
            ("كريمي", "کریمی"),
            ("فاطمه", "فاطمة"),
            ("احمد", "أحمد"),
            ("محمد", "مُحَمَّد"),
            ("می روم", "می\u{200c}روم و می روم"),
            ("میروم", "می\u{200c}روم"),
            ("سلام", "ســـلام"),
            ("muller", "MÜLLER GmbH"),
            ("istanbul", "İstanbul"),
            ("گچپژ", "گچپژ"),
            ("abc", "ＡＢＣ"),
            ("12", "شعبه ۱۲"),
        ] {
            assert!(finds(query, &named(name)), "{query} is not found in {name}");
        }
        assert!(!finds("سارا", &named("Omid")));
    }

    #[test]
    fn a_number_is_found_however_it_is_written() {
        let row = row(None, "+98 (912) 345-6789", "Office");
        for query in ["۰۹۱۲۳۴۵۶۷۸۹", "٠٩١٢ ٣٤٥", "0912 345 6789", "00 98 912 345 67 89", "912-345", "+98912", "6789"]
        {
            assert!(finds(query, &row), "{query} is not found");
        }
        assert!(!finds("5555", &row));
        assert_eq!(needles("0000000"), ["0000000"]);
    }

    #[test]
    fn every_word_is_wanted_and_lines_do_not_run_together() {
        let row = row(Some("Sara Karimi"), "600", "Office");
        assert!(finds("karimi sara off", &row));
        assert!(!finds("sara omid", &row));
        assert!(needles("  \u{200f} ").is_empty());
        assert_eq!(needles(&"a b ".repeat(100)).len(), MAX_NEEDLES);
        assert_eq!(super::row(Some("a\nb"), "", "").matches('\n').count(), 3);
    }
}
