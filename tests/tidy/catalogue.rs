//! The catalogues `ui/src/i18n/{en,ar,fa}.json`: the same sentences in every language, each used, none missing.
//!
//! Keys are flat. A sentence about a number `n` has one entry a plural form (`history.count.one`, `.other`), as many
//! as the language has (CLDR), and is asked for without the form.

use super::{
    files::File,
    rust::{code, strings, without_tests},
};
use std::collections::{BTreeMap, BTreeSet};

/// A language's sentences by their keys.
pub type Catalogue = BTreeMap<String, String>;

/// The languages, and the plural forms of each.
const LANGUAGES: [(&str, &[&str]); 3] =
    [("en", &["one", "other"]), ("ar", &["zero", "one", "two", "few", "many", "other"]), ("fa", &["one", "other"])];

const FORMS: [&str; 6] = ["zero", "one", "two", "few", "many", "other"];

pub fn load() -> BTreeMap<String, Catalogue> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../ui/src/i18n");
    let read = |language: &str| {
        let path = format!("{folder}/{language}.json");
        let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{path} is not flat JSON of sentences: {error}"))
    };
    LANGUAGES.iter().map(|(language, _)| (language.to_string(), read(language))).collect()
}

/// The key without its plural form. Messages of the application have none: `msg.tls.other` is a message.
fn base(key: &str) -> &str {
    match key.rsplit_once('.') {
        Some((base, form)) if FORMS.contains(&form) && !key.starts_with("msg.") => base,
        _ => key,
    }
}

fn bases(catalogue: &Catalogue) -> BTreeSet<&str> {
    catalogue.keys().map(|key| base(key)).collect()
}

/// The names in braces.
fn params(sentence: &str) -> BTreeSet<&str> {
    sentence.split('{').skip(1).filter_map(|rest| rest.split_once('}')).map(|(name, _)| name).collect()
}

/// What a language lacks or has beyond the others, plural forms that are missing, parameters that differ.
pub fn differences(catalogues: &BTreeMap<String, Catalogue>) -> Vec<String> {
    let every: BTreeSet<&str> = catalogues.values().flat_map(bases).collect();
    let mut found = Vec::new();
    for (language, catalogue) in catalogues {
        let own = bases(catalogue);
        found.extend(every.difference(&own).map(|key| format!("{language}.json lacks {key}")));
        for (key, sentence) in catalogue {
            if sentence.trim().is_empty() {
                found.push(format!("{language}.json: {key} is empty"));
            }
        }
        let forms = LANGUAGES.iter().find(|(known, _)| known == language).map_or(&FORMS[..], |(_, forms)| *forms);
        for key in &own {
            let has = |form: &&str| catalogue.contains_key(&format!("{key}.{form}"));
            if FORMS.iter().any(has) {
                let missing = forms.iter().filter(|form| !has(form));
                found.extend(missing.map(|form| format!("{language}.json lacks {key}.{form}")));
            }
        }
    }
    for key in &every {
        let of = |catalogue: &Catalogue| -> BTreeSet<String> {
            let sentences = catalogue.iter().filter(|(known, _)| base(known) == *key);
            sentences.flat_map(|(_, sentence)| params(sentence)).map(String::from).collect()
        };
        let sets: BTreeSet<_> = catalogues.values().map(of).collect();
        if sets.len() > 1 {
            found.push(format!("{key} has other parameters from language to language: {sets:?}"));
        }
    }
    found
}

/// Sentences that nothing shows, and sentences that are asked for and not there.
pub fn usage(catalogue: &Catalogue, files: &[File]) -> Vec<String> {
    let page: Vec<&File> = files.iter().filter(|file| is_page(file)).collect();
    let shell = files.iter().filter(|file| file.is("rs") && file.path.starts_with("src-tauri/") && !file.is_test());
    let mut named: BTreeSet<String> = shell.flat_map(|file| strings(&file.text)).map(|(_, text)| text).collect();
    let mut openings = BTreeSet::new();
    for file in &page {
        for quote in ['\'', '"', '`'] {
            named.extend(file.text.split(quote).filter(|text| text.len() < 80).map(String::from));
        }
        for text in file.text.split('`').filter(|text| text.contains('.')) {
            if let Some((opening, _)) = text.split_once("${")
                && opening.contains('.')
            {
                openings.insert(opening.to_string());
            }
        }
    }
    let known = bases(catalogue);
    let used = |key: &str| named.contains(key) || openings.iter().any(|opening| key.starts_with(opening.as_str()));
    let unused = known.iter().filter(|key| !key.starts_with("msg.") && !used(key));
    let mut found: Vec<String> = unused.map(|key| format!("nothing shows {key}")).collect();
    for file in page {
        for (index, line) in file.text.lines().enumerate() {
            for key in asked_for(line).filter(|key| !known.contains(key)) {
                found.push(format!("{}: the catalogue has no {key}", file.at(index)));
            }
        }
    }
    found
}

fn is_page(file: &File) -> bool {
    file.path.starts_with("ui/src/") && (file.is("ts") || file.is("svelte")) && !file.is_test()
}

/// The keys of `t('key')` in a line.
fn asked_for(line: &str) -> impl Iterator<Item = &str> {
    line.match_indices("t('").filter_map(|(at, _)| {
        let before = line[..at].chars().next_back();
        let apart = !before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == '.');
        apart.then(|| line[at + 3..].split('\'').next()).flatten()
    })
}

/// Codes of messages in Rust that have no words, and words under `msg.` that no code asks for.
pub fn messages(language: &str, catalogue: &Catalogue, rust: &[&File]) -> Vec<String> {
    let mut codes: BTreeMap<String, String> = BTreeMap::new();
    let mut areas = BTreeSet::new();
    for file in rust {
        for (index, text) in literals(file) {
            if is_code(&text) {
                codes.entry(text).or_insert_with(|| file.at(index));
            }
        }
        for text in file.text.split("Text::new(\"").skip(1) {
            areas.extend(text.split(['.', '"']).next().map(String::from));
        }
    }
    let keys = bases(catalogue);
    let mut found = Vec::new();
    for (text, place) in &codes {
        let area = text.split('.').next().unwrap_or_default();
        if areas.contains(area) && !keys.contains(format!("msg.{text}").as_str()) {
            found.push(format!("{place}: {language}.json lacks msg.{text}"));
        }
    }
    for key in keys.iter().filter_map(|key| key.strip_prefix("msg.")) {
        if !codes.contains_key(key) {
            found.push(format!("{language}.json: nothing in Rust says msg.{key}"));
        }
    }
    found
}

/// The string literals of a file, outside its tests.
fn literals(file: &File) -> Vec<(usize, String)> {
    let kept: Vec<bool> = {
        let code = code(&file.text);
        let rest = without_tests(&code);
        code.lines().zip(rest.lines()).map(|(all, kept)| all.trim().is_empty() || !kept.trim().is_empty()).collect()
    };
    strings(&file.text).into_iter().filter(|(line, _)| kept.get(*line).copied().unwrap_or(true)).collect()
}

/// The shape of a message's code: `area.what_happened`. File names look alike.
fn is_code(text: &str) -> bool {
    let endings = ["db", "json", "wav", "log", "toml", "pem", "sqlite", "rs", "conf", "lock", "tmp", "txt", "example"];
    let Some((area, rest)) = text.split_once('.') else { return false };
    let word = |word: &str| !word.is_empty() && word.chars().all(|c| c.is_ascii_lowercase() || c == '_');
    word(area) && rest.split('.').all(word) && !endings.contains(&rest)
}

#[cfg(test)]
fn catalogue(entries: &[(&str, &str)]) -> Catalogue {
    entries.iter().map(|(key, sentence)| (key.to_string(), sentence.to_string())).collect()
}

#[test]
fn languages_that_differ_are_found() {
    let en = catalogue(&[("a.b", "Call {name}"), ("n.one", "{n} call"), ("n.other", "{n} calls"), ("only", "x")]);
    let fa = catalogue(&[("a.b", "تماس {who}"), ("n.other", "{n}"), ("empty", " ")]);
    let found = differences(&BTreeMap::from([("en".into(), en), ("fa".into(), fa)]));
    let words = [
        "fa.json lacks only",
        "en.json lacks empty",
        "fa.json: empty is empty",
        "fa.json lacks n.one",
        "a.b has other",
    ];
    for expected in words {
        assert!(found.iter().any(|line| line.contains(expected)), "{expected} in {found:?}");
    }
    assert_eq!(found.len(), words.len(), "{found:?}");
}

#[test]
fn unused_and_missing_sentences_are_found() {
    let en = catalogue(&[
        ("dial.call", "Call"),
        ("theme.dark", "Dark"),
        ("lost", "x"),
        ("count.one", "1"),
        ("msg.x.y", "x"),
    ]);
    let page = File::new(
        "ui/src/a.svelte",
        "{t('dial.call')} {t(`theme.${theme}`)} {t('count', { n })} {t('not.there')} set('x')",
    );
    let found = usage(&en, &[page]);
    assert_eq!(found, ["nothing shows lost", "ui/src/a.svelte:1: the catalogue has no not.there"]);
}

#[test]
fn messages_without_words_and_words_without_messages_are_found() {
    let rust = File::new(
        "crates/core/src/a.rs",
        "fn f() { Text::new(\"call.busy\"); table(\"call.lost\"); open(\"call.wav\"); }\n\
         #[cfg(test)]\nmod tests {\n fn t() { Text::new(\"call.only_in_a_test\"); }\n}\n",
    );
    let en = catalogue(&[("msg.call.busy", "Busy"), ("msg.call.gone", "Gone")]);
    let found = messages("en", &en, &[&rust]);
    assert_eq!(
        found,
        ["crates/core/src/a.rs:1: en.json lacks msg.call.lost", "en.json: nothing in Rust says msg.call.gone"]
    );
}
