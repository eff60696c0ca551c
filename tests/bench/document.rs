//! What a benchmark or a soak leaves behind: `docs/bench/NAME.md` to read and `docs/bench/NAME.json` to compare.

use serde_json::Value;
use std::{fs, path::Path, process::Command};

/// When, of which commit and where it was measured; the line under a document's title.
pub fn measured(command: &str) -> String {
    let (date, commit) = (printed("date", &["-u", "+%Y-%m-%d"]), printed("git", &["rev-parse", "--short", "HEAD"]));
    let cores = std::thread::available_parallelism().map(usize::from).unwrap_or(1);
    format!("`{command}`; {date}; commit {commit}; {cores} cores, {}", printed("uname", &["-sm"]))
}

/// Writes both into `docs/KIND` and prints the table.
pub fn save(kind: &str, name: &str, text: &str, rows: &[Value]) {
    print!("\n{text}");
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs").join(kind);
    fs::create_dir_all(&folder).expect("the folder can be made");
    fs::write(folder.join(format!("{name}.md")), text).expect("the folder can be written to");
    let json = serde_json::to_string_pretty(rows).expect("plain data");
    fs::write(folder.join(format!("{name}.json")), json + "\n").expect("the folder can be written to");
}

fn printed(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output();
    output.map(|o| String::from_utf8_lossy(&o.stdout).trim().to_owned()).unwrap_or_default()
}
