//! Who may depend on whom: ARCHITECTURE.md's direction, and which library is hidden behind which border.

use super::{
    files::File,
    rust::{code, names_word, without_tests},
};

/// Which of our crates each may name. What is not in the table may name none.
const ALLOWED: &[(&str, &[&str])] = &[
    ("crates/net", &["hatif-core", "hatif-sip", "hatif-turn"]),
    ("crates/audio", &["hatif-core", "hatif-media", "hatif-turn"]),
    ("crates/recorder", &["hatif-core", "hatif-media"]),
    ("crates/store", &["hatif-core"]),
    ("crates/crm", &["hatif-core"]),
    ("crates/connect", &["hatif-core"]),
    ("crates/sync", &["hatif-core"]),
    ("crates/practice", &["hatif-core", "hatif-sip", "hatif-net", "hatif-audio"]),
    (
        "crates/app",
        &[
            "hatif-core",
            "hatif-net",
            "hatif-audio",
            "hatif-store",
            "hatif-crm",
            "hatif-connect",
            "hatif-sync",
            "hatif-practice",
            "hatif-recorder",
            "hatif-headset",
        ],
    ),
    // The shell.
    ("", &["hatif-app", "hatif-desktop"]),
];

/// What stands behind a border, and who may name it. `src-tauri` is compiled from the root manifest.
const BORDERS: &[(&str, &[&str])] = &[
    ("rvoip", &["crates/net", "crates/audio"]),
    ("cpal", &["crates/audio"]),
    ("chacha20poly1305", &["crates/recorder"]),
    ("rusqlite", &["crates/store"]),
    ("keyring", &["crates/store"]),
    ("hidapi", &["crates/headset"]),
    ("tauri", &["", "src-tauri"]),
    ("reqwest", &["crates/connect", "crates/sync"]),
    ("ureq", &["crates/connect", "crates/sync"]),
    ("hyper", &["crates/connect", "crates/sync"]),
];

/// What reads the clock, chance, files, the network or other threads.
const OUTSIDE: &[&str] = &[
    "tokio",
    "std::thread",
    "thread::spawn",
    "std::fs",
    "std::io::stdin",
    "std::io::stdout",
    "std::process",
    "std::env",
    "UdpSocket",
    "TcpStream",
    "TcpListener",
    "Instant::now",
    "SystemTime::now",
    "thread_rng",
    "rand::rng",
    "OsRng",
];

/// The names under a manifest's `[dependencies]` (tests may use more), of whatever target.
fn dependencies(manifest: &str) -> Vec<(usize, String)> {
    let mut inside = false;
    let mut found = Vec::new();
    for (index, line) in manifest.lines().enumerate() {
        let line = line.trim();
        if let Some(header) = line.strip_prefix('[') {
            let header = header.trim_end_matches(']');
            inside = header == "dependencies"
                || header == "build-dependencies"
                || (header.starts_with("target.") && header.ends_with(".dependencies"));
            if let Some(name) = header.strip_prefix("dependencies.") {
                found.push((index, name.to_string()));
            }
        } else if inside && !line.starts_with('#') {
            let name = line.split(['=', '.']).next().unwrap_or_default().trim();
            if !name.is_empty() {
                found.push((index, name.trim_matches('"').to_string()));
            }
        }
    }
    found
}

fn folder(file: &File) -> &str {
    file.path.strip_suffix("Cargo.toml").unwrap_or_default().trim_end_matches('/')
}

pub fn siblings(manifest: &File) -> Vec<String> {
    let here = folder(manifest);
    if here == "tests" || here == "tests/fuzz" {
        return Vec::new();
    }
    let allowed = ALLOWED.iter().find(|(folder, _)| *folder == here).map_or(&[][..], |(_, names)| *names);
    dependencies(&manifest.text)
        .into_iter()
        .filter(|(_, name)| name.starts_with("hatif-") && !allowed.contains(&name.as_str()))
        .map(|(index, name)| format!("{}: {here} must not depend on {name}", manifest.at(index)))
        .collect()
}

pub fn libraries(file: &File) -> Vec<String> {
    // The root manifest also holds the table of versions, which is not under [dependencies].
    let here = match file.path.as_str() {
        path if path.ends_with("Cargo.toml") => folder(file).to_string(),
        path => path.split('/').take(if path.starts_with("crates/") { 2 } else { 1 }).collect::<Vec<_>>().join("/"),
    };
    if ["tests", "tests/fuzz", "xtask"].contains(&here.as_str()) {
        return Vec::new();
    }
    let named: Vec<(usize, String)> = if file.is("toml") {
        dependencies(&file.text)
    } else {
        code(&file.text).lines().map(String::from).enumerate().collect()
    };
    let names = |line: &str, library: &str| {
        if file.is("toml") {
            line == library || line.starts_with(&format!("{library}-"))
        } else {
            let path = line.split(|c: char| !c.is_alphanumeric() && c != '_');
            path.into_iter().any(|word| word == library || word.starts_with(&format!("{library}_")))
                && (line.contains(&format!("{library}::"))
                    || line.contains(&format!("{library}_"))
                    || line.contains("use "))
        }
    };
    let mut found = Vec::new();
    for (library, homes) in BORDERS.iter().filter(|(_, homes)| !homes.contains(&here.as_str())) {
        for (index, line) in &named {
            if names(line, library) {
                found.push(format!("{}: only {} may see {library}", file.at(*index), homes.join(" and ")));
            }
        }
    }
    found
}

/// `ui/src/backend` is the only importer of the window's host.
pub fn page_host(file: &File) -> Vec<String> {
    if file.path.starts_with("ui/src/backend/") {
        return Vec::new();
    }
    let lines = file.text.lines().enumerate().filter(|(_, line)| line.contains("@tauri-apps/"));
    lines.map(|(index, _)| format!("{}: only ui/src/backend talks to the host", file.at(index))).collect()
}

pub fn purity(file: &File) -> Vec<String> {
    if file.is_test() {
        return Vec::new();
    }
    let text = without_tests(&code(&file.text));
    let mut found = Vec::new();
    for (index, line) in text.lines().enumerate() {
        for word in OUTSIDE.iter().filter(|word| names_word(line, word)) {
            found.push(format!("{}: a pure crate does not use {word}", file.at(index)));
        }
    }
    found
}

pub fn unbounded(file: &File) -> Vec<String> {
    if file.is_test() {
        return Vec::new();
    }
    let text = without_tests(&code(&file.text));
    let lines = text.lines().enumerate().filter(|(_, line)| {
        let std_channel = ["mpsc::channel()", "mpsc::channel::<"].iter().any(|words| line.contains(words))
            && line.trim_end().contains("()");
        line.contains("unbounded") || std_channel
    });
    lines.map(|(index, _)| format!("{}: a queue without a bound", file.at(index))).collect()
}

#[test]
fn a_wrong_edge_is_found() {
    let bad = File::new(
        "crates/core/Cargo.toml",
        "[package]\nname = \"hatif-core\"\n[dependencies]\nhatif-sip.workspace = true\n",
    );
    assert_eq!(siblings(&bad), ["crates/core/Cargo.toml:4: crates/core must not depend on hatif-sip"]);
    let bad = File::new("crates/net/Cargo.toml", "[dependencies]\nhatif-audio = { workspace = true }\n");
    assert_eq!(siblings(&bad).len(), 1);
    let bad = File::new("Cargo.toml", "[target.'cfg(unix)'.dependencies]\nhatif-net.workspace = true\n");
    assert_eq!(siblings(&bad).len(), 1);
    let good = File::new(
        "crates/net/Cargo.toml",
        "[dependencies]\nhatif-sip.workspace = true\n[dev-dependencies]\nhatif-audio.workspace = true\n",
    );
    assert!(siblings(&good).is_empty());
}

#[test]
fn a_library_on_the_wrong_side_is_found() {
    let wrong = |path, text| libraries(&File::new(path, text)).len();
    assert_eq!(wrong("crates/app/src/lib.rs", "use rvoip_rtp_core::RtpPacket;\n"), 1);
    assert_eq!(wrong("crates/app/Cargo.toml", "[dependencies]\nrusqlite.workspace = true\n"), 1);
    assert_eq!(wrong("crates/core/src/lib.rs", "fn f() { cpal::default_host(); }\n"), 1);
    assert_eq!(wrong("crates/app/src/lib.rs", "use tauri::Manager;\n"), 1);
    assert_eq!(wrong("crates/audio/src/lib.rs", "use cpal::Stream;\n"), 0);
    assert_eq!(wrong("src-tauri/src/lib.rs", "use tauri_specta::Event;\n"), 0);
    assert_eq!(wrong("crates/core/src/store.rs", "/// keyring::Entry\nstruct Keyring; // cpal::x\n"), 0);
}

#[test]
fn impurity_is_found() {
    let wrong = |text| purity(&File::new("crates/core/src/phone.rs", text)).len();
    assert_eq!(wrong("let now = Instant::now();"), 1);
    assert_eq!(wrong("use std::fs;"), 1);
    assert_eq!(wrong("tokio::spawn(x);"), 1);
    assert_eq!(
        wrong("fn at(now: Instant) {} // Instant::now\n#[cfg(test)]\nmod tests { fn t() { Instant::now(); } }"),
        0
    );
}

#[test]
fn unbounded_queues_are_found() {
    let wrong = |text| unbounded(&File::new("crates/net/src/lib.rs", text)).len();
    assert_eq!(wrong("let (a, b) = tokio::sync::mpsc::unbounded_channel();"), 1);
    assert_eq!(wrong("let (a, b) = mpsc::channel();"), 1);
    assert_eq!(wrong("let (a, b) = mpsc::channel::<u8>();"), 1);
    assert_eq!(wrong("let (a, b) = mpsc::channel(64);"), 0);
    assert_eq!(wrong("let (a, b) = mpsc::channel::<u8>(64);"), 0);
}

#[test]
fn the_page_reaches_its_host_through_one_door() {
    let import = "import { invoke } from '@tauri-apps/api/core';\n";
    assert_eq!(page_host(&File::new("ui/src/features/Dial.svelte", import)).len(), 1);
    assert!(page_host(&File::new("ui/src/backend/tauri.ts", import)).is_empty());
}
