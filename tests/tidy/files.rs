//! The project's own files, as text.

use std::{fs, path::Path};

/// A file of the project, with its path from the root, `/` between the parts.
#[derive(Clone, Debug)]
pub struct File {
    pub path: String,
    pub text: String,
}

impl File {
    pub fn new(path: &str, text: &str) -> File {
        File { path: path.into(), text: text.into() }
    }

    pub fn is(&self, ending: &str) -> bool {
        Path::new(&self.path).extension().is_some_and(|found| found == ending)
    }

    /// Code that is compiled for tests only, by where it lies.
    pub fn is_test(&self) -> bool {
        let path = format!("/{}", self.path);
        ["/tests/", "/benches/", "/examples/", "/fuzz/"].iter().any(|folder| path.contains(folder))
            || path.ends_with("/tests.rs")
            || path.ends_with(".test.ts")
            || path.ends_with("_tests.rs")
    }

    /// "crates/sip/src/text.rs:12" for a message; `index` counts lines from 0.
    pub fn at(&self, index: usize) -> String {
        format!("{}:{}", self.path, index + 1)
    }
}

/// Every text file that people write here: no build results, nothing that npm or git keeps.
pub fn all() -> Vec<File> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests/ lies in the project");
    let mut files = Vec::new();
    walk(root, "", &mut files);
    files.sort_by(|a, b| a.path.cmp(&b.path));
    files
}

const LEFT_OUT: [&str; 7] = ["target", "node_modules", ".git", "dist", "gen", "lab-out", "fixtures"];
const ENDINGS: [&str; 13] =
    ["rs", "toml", "ts", "mjs", "js", "svelte", "css", "json", "html", "sh", "py", "conf", "md"];

fn walk(folder: &Path, path: &str, files: &mut Vec<File>) {
    for entry in fs::read_dir(folder).expect("the folder can be read").flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = if path.is_empty() { name.clone() } else { format!("{path}/{name}") };
        if entry.path().is_dir() {
            if !LEFT_OUT.contains(&name.as_str()) {
                walk(&entry.path(), &path, files);
            }
        } else if Path::new(&name).extension().is_some_and(|end| ENDINGS.iter().any(|known| end == *known))
            && let Ok(text) = fs::read_to_string(entry.path())
        {
            files.push(File { path, text });
        }
    }
}

#[test]
fn the_project_is_found_and_what_is_made_is_not() {
    let files = all();
    assert!(files.iter().any(|file| file.path == "tests/tidy.rs"));
    assert!(files.iter().any(|file| file.path == "crates/core/src/lib.rs"));
    assert!(!files.iter().any(|file| file.path.contains("node_modules/") || file.path.starts_with("target/")));
}

#[test]
fn tests_are_known_by_their_place() {
    assert!(File::new("crates/sip/tests/torture.rs", "").is_test());
    assert!(File::new("crates/sip/src/text/tests.rs", "").is_test());
    assert!(File::new("tests/interop/main.rs", "").is_test());
    assert!(!File::new("crates/sip/src/text.rs", "").is_test());
}
