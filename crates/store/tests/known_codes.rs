//! Whatever can end a call comes back from the call log under its own code. What can end one is read from the source
//! of the adapters, so that a new reason cannot be forgotten in `hatif_core::text::CALL_END_CODES`.

use hatif_core::text::known;

/// String literals of the shape `area.what_happened` in one of these areas.
fn codes(source: &str, areas: &[&str]) -> Vec<String> {
    let is_code = |text: &&str| {
        text.split_once('.').is_some_and(|(area, rest)| {
            areas.contains(&area) && !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_lowercase() || b == b'_')
        })
    };
    let source = source.split("#[cfg(test)]").next().unwrap_or_default();
    source.split('"').filter(is_code).map(String::from).collect()
}

fn assert_known(file: &str, areas: &[&str], at_least: usize) {
    let path = format!("{}/../{file}", env!("CARGO_MANIFEST_DIR"));
    let source = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    let codes = codes(&source, areas);
    assert!(codes.len() >= at_least, "{file} names only {codes:?}: have the reasons moved?");
    for code in codes {
        assert_eq!(known(&code), Some(code.as_str()), "{file} says {code}: add it to CALL_END_CODES");
    }
}

#[test]
fn every_reason_of_the_signalling_is_known() {
    assert_known("net/src/translate.rs", &["call", "wire", "tls"], 20);
}
