//! Names, sizes and first lines of files; tests that were switched off.

use super::{files::File, rust::code};

/// Endings of type names that say nothing of what a thing is.
const EMPTY_NAMES: [&str; 7] = ["Manager", "Helper", "Helpers", "Util", "Utils", "Service", "Data"];
const EMPTY_FILES: [&str; 8] = ["util", "utils", "helper", "helpers", "manager", "misc", "common", "service"];
/// What an old version beside a new one is called.
const OLD_AND_NEW: [&str; 5] = ["_v2", "_v3", "_old", "_new", "_legacy"];

const LONGEST: usize = 600;

pub fn names(file: &File) -> Vec<String> {
    let mut found = Vec::new();
    let stem = file.path.rsplit('/').next().and_then(|name| name.split('.').next()).unwrap_or_default();
    if EMPTY_FILES.contains(&stem.to_lowercase().as_str()) {
        found.push(format!("{}: a file name that says nothing", file.path));
    }
    for (index, line) in source(file).lines().enumerate() {
        let mut before = "";
        for word in line.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|word| !word.is_empty()) {
            let is_type = ["struct", "enum", "trait", "type", "class", "interface"].contains(&before);
            if is_type && EMPTY_NAMES.iter().any(|ending| word.ends_with(ending)) {
                found.push(format!("{}: {word} says nothing of what it is", file.at(index)));
            }
            if ["fn", "mod", "struct", "function"].contains(&before)
                && OLD_AND_NEW.iter().any(|ending| word.ends_with(ending))
            {
                found.push(format!("{}: {word}: what replaces something deletes it", file.at(index)));
            }
            before = word;
        }
    }
    found
}

/// Rust without comments and strings; other languages as they are.
fn source(file: &File) -> String {
    if file.is("rs") { code(&file.text) } else { file.text.clone() }
}

pub fn is_hand_written(file: &File) -> bool {
    let made = ["ui/src/backend/bindings.ts", "package-lock.json"];
    let counted = ["rs", "ts", "mjs", "js", "svelte", "css", "sh", "py"];
    counted.iter().any(|ending| file.is(ending)) && !made.contains(&file.path.as_str())
}

pub fn length(file: &File) -> Vec<String> {
    let lines = file.text.lines().count();
    if lines > LONGEST { vec![format!("{}: {lines} lines, at most {LONGEST}", file.path)] } else { Vec::new() }
}

/// The first line of a Rust file is a sentence on what it is for. (Build scripts and mains have it too.)
pub fn purpose(file: &File) -> Vec<String> {
    let first = file.text.lines().find(|line| !line.trim().is_empty() && !line.starts_with("#!"));
    match first {
        Some(line) if line.starts_with("//!") || line.starts_with("// ") => Vec::new(),
        _ => vec![format!("{}: its first line does not say what it is for", file.path)],
    }
}

pub fn left_out(file: &File) -> Vec<String> {
    let text = source(file);
    let mut found = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
        let rust = line.starts_with("#[ignore") || (line.starts_with("#[cfg_attr") && line.contains("ignore"));
        let page = [
            "it.skip",
            "test.skip",
            "describe.skip",
            "it.only",
            "test.only",
            "describe.only",
            "it.todo",
            "test.todo",
            "xit(",
        ]
        .iter()
        .any(|words| line.contains(words));
        if (file.is("rs") && rust) || (!file.is("rs") && page) {
            found.push(format!("{}: a test that is left out", file.at(index)));
        }
    }
    found
}

#[test]
fn empty_names_are_found() {
    let wrong = |path, text| names(&File::new(path, text)).len();
    assert_eq!(wrong("crates/a/src/x.rs", "pub struct CallManager { }\n"), 1);
    assert_eq!(wrong("ui/src/x.ts", "export class AudioService {}\n"), 1);
    assert_eq!(wrong("crates/a/src/utils.rs", "\n"), 1);
    assert_eq!(wrong("crates/a/src/x.rs", "fn parse_v2() {}\n"), 1);
    assert_eq!(wrong("crates/a/src/x.rs", "use tauri::Manager; // struct XManager\nstruct NewAccount;\n"), 0);
}

#[test]
fn long_files_and_files_without_a_purpose_are_found() {
    assert_eq!(length(&File::new("a.rs", &"x\n".repeat(LONGEST + 1))).len(), 1);
    assert!(length(&File::new("a.rs", &"x\n".repeat(LONGEST))).is_empty());
    assert_eq!(purpose(&File::new("a.rs", "use b;\n")).len(), 1);
    assert!(purpose(&File::new("a.rs", "\n//! What it is for.\n")).is_empty());
}

#[test]
fn tests_switched_off_are_found() {
    assert_eq!(left_out(&File::new("a.rs", "#[test]\n#[ignore]\nfn f() {}\n")).len(), 1);
    assert_eq!(left_out(&File::new("a.rs", "#[test]\n#[ignore = \"slow\"]\nfn f() {}\n")).len(), 1);
    assert_eq!(left_out(&File::new("a.test.ts", "it.only('rings', () => {});\n")).len(), 1);
    assert!(left_out(&File::new("a.rs", "// #[ignore]\n#[test]\nfn ignore() {}\n")).is_empty());
}
