//! The catalogue's words for what is outside the page: the same three files that the page is written from.

use hatif_app::command::{Numerals, Settings};
use std::collections::BTreeMap;

const CATALOGUES: [(&str, &str); 3] = [
    ("en", include_str!("../../../ui/src/i18n/en.json")),
    ("ar", include_str!("../../../ui/src/i18n/ar.json")),
    ("fa", include_str!("../../../ui/src/i18n/fa.json")),
];

/// The sentences of one language.
pub struct Words {
    sentences: BTreeMap<String, String>,
    /// The digit 0 that counts are written with.
    zero: char,
}

impl Default for Words {
    fn default() -> Self {
        Words::new(&Settings::default(), "en")
    }
}

impl Words {
    /// In the language that the user chose, else the system's.
    pub fn new(settings: &Settings, system_language: &str) -> Words {
        let language = settings.language.as_deref().unwrap_or(system_language);
        let (language, text) = CATALOGUES.iter().find(|(name, _)| *name == language).copied().unwrap_or(CATALOGUES[0]);
        let sentences = serde_json::from_str(text).unwrap_or_default();
        let zero = match (settings.numerals, language) {
            (Numerals::Arabic, _) | (Numerals::Language, "ar") => '٠',
            (Numerals::Persian, _) | (Numerals::Language, "fa") => '۰',
            _ => '0',
        };
        Words { sentences, zero }
    }

    /// The sentence of a key; the key itself where there is none.
    pub fn of(&self, key: &str) -> String {
        self.sentences.get(key).map_or(key, String::as_str).to_owned()
    }

    /// The sentence with one parameter filled in.
    pub fn with(&self, key: &str, name: &str, value: &str) -> String {
        self.of(key).replace(&format!("{{{name}}}"), value)
    }

    pub fn count(&self, n: usize) -> String {
        let digit = |c: char| c.to_digit(10).and_then(|d| char::from_u32(self.zero as u32 + d)).unwrap_or(c);
        n.to_string().chars().map(digit).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_language_has_its_words_and_digits() {
        for (language, open, twelve) in
            [("en", "Open Hatif", "12"), ("ar", "افتح هاتف", "١٢"), ("fa", "باز کردن هاتف", "۱۲")]
        {
            let words = Words::new(&Settings { language: Some(language.into()), ..Settings::default() }, "en");
            assert_eq!(words.of("desktop.open"), open);
            assert_eq!(words.count(12), twelve);
            assert_eq!(words.with("desktop.answer", "who", "{who}").matches("{who}").count(), 1);
        }
        assert_eq!(Words::new(&Settings::default(), "fa").of("desktop.nothing"), "desktop.nothing");
        let plain = Settings { numerals: Numerals::Latin, ..Settings::default() };
        assert_eq!(Words::new(&plain, "ar").count(3), "3");
        assert_eq!(Words::new(&Settings::default(), "xx").of("desktop.open"), "Open Hatif");
    }
}
