//! Configuration files with `@NAME@` where the lab fills something in.

use std::{fs, path::Path};

/// Writes `text` to `path` with every `@NAME@` replaced. Panics when one is left over.
pub fn write(path: &Path, text: &str, values: &[(&str, String)]) {
    let mut filled = text.to_string();
    for (name, value) in values {
        filled = filled.replace(&format!("@{name}@"), value);
    }
    let left = filled.lines().find(|line| {
        let mut marks = line.split('@').skip(1).step_by(2);
        marks.any(|word| word.len() > 1 && word.chars().all(|c| c.is_ascii_uppercase()))
    });
    assert!(left.is_none(), "{}: nothing fills {:?}", path.display(), left);
    fs::write(path, filled).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
}
