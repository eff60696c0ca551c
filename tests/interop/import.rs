//! Files of customers, in and out again through the real store: counted, imported, taken back, exported and read again; a
//! hostile file; a stop and a kill in the middle.

use hatif_lab::{
    cli::{Cli, Options},
    process::eventually,
};
use serde_json::{Value, json};
use std::{
    io::Write,
    path::{Path, PathBuf},
    time::Duration,
};

fn ask(cli: &mut Cli, ask: Value) {
    cli.send(json!({ "command": "customer_files", "ask": ask }));
}

/// Looks at the file until all of it is counted, or can't be read.
fn look(cli: &mut Cli, path: &Path, choice: Value) -> Value {
    let mark = cli.events.mark();
    ask(cli, json!({ "do": "look", "source": { "from": "disk", "path": path }, "choice": choice }));
    ended(cli, mark, &["ready", "failed"])
}

/// The import as it is shown at one of these stages.
fn ended(cli: &Cli, mark: usize, stages: &[&str]) -> Value {
    let event = cli.events.wait_for("the end of it", mark, |event| {
        event["event"] == "customer_files"
            && event["told"]["about"] == "import_changed"
            && stages.iter().any(|stage| event["told"]["import"]["stage"] == *stage)
    });
    event["told"]["import"].clone()
}

fn start(cli: &mut Cli, known_too: bool) -> Value {
    let mark = cli.events.mark();
    ask(cli, json!({ "do": "start", "known_too": known_too }));
    ended(cli, mark, &["done", "failed"])
}

fn counts(import: &Value) -> [u64; 3] {
    ["fresh", "known", "skipped"].map(|name| import[name].as_u64().expect("a count"))
}

fn undo(cli: &mut Cli) -> (u64, u64) {
    let mark = cli.events.mark();
    ask(cli, json!({ "do": "undo" }));
    let event = cli.events.wait_for("taken back", mark, |event| event["told"]["about"] == "undone");
    (event["told"]["removed"].as_u64().expect("a count"), event["told"]["kept"].as_u64().expect("a count"))
}

/// All customers by name, without their ids; at most 200.
fn all(cli: &mut Cli) -> Vec<Value> {
    let mark = cli.events.mark();
    cli.send(json!({ "command": "customers", "ask": { "do": "find", "request": 3, "limit": 200 } }));
    let event = cli.events.wait_for("customers", mark, |event| event["told"]["about"] == "found");
    let mut all = event["told"]["customers"].as_array().expect("a list").clone();
    all.iter_mut().for_each(|customer| customer["id"] = json!(0));
    all
}

fn total(cli: &mut Cli) -> u64 {
    let mark = cli.events.mark();
    cli.send(json!({ "command": "customers", "ask": { "do": "find", "request": 3, "limit": 1 } }));
    let event = cli.events.wait_for("customers", mark, |event| event["told"]["about"] == "found");
    event["told"]["total"].as_u64().expect("a count")
}

fn export(cli: &mut Cli, format: &str) -> PathBuf {
    let mark = cli.events.mark();
    ask(cli, json!({ "do": "export", "format": format }));
    let event = cli.events.wait_for("the file", mark, |event| event["told"]["about"] == "saved");
    event["told"]["file"].as_str().expect("a path").into()
}

/// A folder of its own and a file in it.
fn file(name: &str, bytes: &[u8]) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join(name);
    std::fs::write(&path, bytes).expect("the folder can be written to");
    (folder, path)
}

/// `n` customers that nobody knows.
fn many(n: u32) -> (tempfile::TempDir, PathBuf) {
    let rows = (0..n).map(|n| format!("Customer {n},+9821{:07},Notes on {n}\n", 1_000_000 + n));
    file("many.csv", ["name,phone,notes\n".to_owned()].into_iter().chain(rows).collect::<String>().as_bytes())
}

#[test]
fn a_file_is_counted_imported_exported_and_taken_back() {
    let mut cli = Cli::playing(None);
    let known = json!({ "name": "Known", "numbers": ["+98 21 8820 1140"] });
    cli.send(json!({ "command": "customers", "ask": { "do": "save", "request": 1, "customer": known } }));
    let text = "الاسم;الهاتف;البريد;ملاحظات\n\
        سارة الأحمدي;+966 11 460 2200;sara@x.example;\"سطر\nثان\"\n\
        =HYPERLINK(1);+43 1 58058 0;;-1+2\n\
        Again;+98 (21) 8820-1140;;\n\
        Repeated;;SARA@x.example;\n\
        ;;only@mail.example;\n";
    let (_folder, path) = file("customers.csv", text.as_bytes());
    let looked = look(&mut cli, &path, json!({}));
    assert_eq!(counts(&looked), [2, 2, 1], "{looked}");
    assert_eq!(looked["layout"]["columns"], json!(["name", "number", "email", "notes"]));
    assert_eq!(looked["first"][0]["name"], "سارة الأحمدي");
    let lines: Vec<u64> = looked["left_out"]
        .as_array()
        .expect("rows")
        .iter()
        .map(|row| row["line"].as_f64().unwrap_or(0.0) as u64)
        .collect();
    assert_eq!(lines, [5, 6, 7]);
    assert_eq!(total(&mut cli), 1, "nothing is kept before the start");

    assert_eq!(counts(&start(&mut cli, false)), [2, 2, 1]);
    let before = all(&mut cli);
    assert_eq!(before.len(), 3);
    let (csv, vcard) = (export(&mut cli, "csv"), export(&mut cli, "vcard"));
    let table = std::fs::read_to_string(&csv).expect("it was written");
    let cells = table.trim_start_matches('\u{feff}').split(['\n', ',']).map(|cell| cell.trim_start_matches('"'));
    assert!(cells.into_iter().all(|cell| !cell.starts_with(['=', '+', '-', '@', '\t'])), "{table}");

    assert_eq!(undo(&mut cli), (2, 0));
    assert_eq!(total(&mut cli), 1);
    for path in [csv, vcard] {
        assert_eq!(counts(&look(&mut cli, &path, json!({}))), [2, 1, 0], "{}", path.display());
        start(&mut cli, false);
        assert_eq!(all(&mut cli), before, "{}", path.display());
        assert_eq!(undo(&mut cli), (2, 0));
    }
}

#[test]
fn a_customer_who_was_changed_since_is_not_taken_back() {
    let mut cli = Cli::playing(None);
    let (_folder, path) = many(2500);
    look(&mut cli, &path, json!({}));
    assert_eq!(counts(&start(&mut cli, false)), [2500, 0, 0]);
    let mark = cli.events.mark();
    cli.send(json!({ "command": "customers", "ask": { "do": "find", "request": 3, "text": "2100", "limit": 1 } }));
    let event = cli.events.wait_for("customers", mark, |event| event["told"]["about"] == "found");
    let mut customer = event["told"]["customers"][0].clone();
    customer["notes"] = json!("called back");
    cli.send(json!({ "command": "customers", "ask": { "do": "save", "request": 4, "customer": customer } }));
    assert_eq!(undo(&mut cli).0, 2499);
    assert_eq!(all(&mut cli)[0]["notes"], "called back");
}

#[test]
fn a_hostile_file_costs_its_own_lines_only() {
    let mut cli = Cli::playing(None);
    let text = format!(
        "name,phone,notes\n\"never closed,+43158058001,\nGood One,+43158058002,\n{}\n{},+43158058003,\n\0Nu\0l,+43158058004,\n<script>,+43158058005,'); DROP TABLE customers; --\n",
        "x,".repeat(10_000),
        "ن".repeat(300),
    );
    let (_folder, path) = file("hostile.csv", text.as_bytes());
    let import = look(&mut cli, &path, json!({}));
    assert_eq!(counts(&import), [3, 0, 3], "{import}");
    start(&mut cli, false);
    let names: Vec<Value> = all(&mut cli).into_iter().map(|customer| customer["name"].clone()).collect();
    assert_eq!(names, ["<script>", "Good One", "Nul"]);
    // What is no table at all, and what is not there.
    let noise: Vec<u8> = (0..300_000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    let (_folder, path) = file("noise.csv", &noise);
    let import = look(&mut cli, &path, json!({}));
    assert_eq!(import["stage"], "ready");
    let gone = look(&mut cli, Path::new("/nowhere/customers.csv"), json!({}));
    assert_eq!(gone["problem"]["code"], "import.unreadable");
    assert_eq!(names.len(), 3);
}

/// Begins to import a file of which only the first half comes, and waits until customers are kept.
fn begin_half(cli: &mut Cli, path: &Path) -> std::thread::JoinHandle<Option<std::fs::File>> {
    let text = std::fs::read(path).expect("it was written");
    look(cli, path, json!({}));
    std::fs::remove_file(path).expect("it is ours");
    let made = std::process::Command::new("mkfifo").arg(path).status();
    assert!(made.is_ok_and(|status| status.success()), "a pipe can be made");
    ask(cli, json!({ "do": "start" }));
    let pipe = path.to_owned();
    let writer = std::thread::spawn(move || {
        let mut pipe = std::fs::OpenOptions::new().write(true).open(pipe).ok()?;
        pipe.write_all(&text[..text.len() / 2]).ok()?;
        // Open: the rest is still to come.
        Some(pipe)
    });
    eventually("some are kept", Duration::from_secs(60), || (total(cli) > 0).then_some(()));
    writer
}

#[test]
fn an_import_that_is_stopped_or_killed_can_be_taken_back() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let options = || Options { data: Some(folder.path().join("data")), ..Options::default() };
    let (_first, path) = many(20_000);
    let mut cli = Cli::start(options());
    let pipe = begin_half(&mut cli, &path);
    let mark = cli.events.mark();
    ask(&mut cli, json!({ "do": "cancel" }));
    ended(&cli, mark, &["cancelled"]);
    let there = total(&mut cli);
    assert!(there > 0 && there < 20_000 && there.is_multiple_of(1000), "{there}: whole batches");
    assert_eq!(undo(&mut cli), (there, 0));
    drop(pipe.join());

    let (_second, path) = many(20_000);
    let pipe = begin_half(&mut cli, &path);
    // Killed.
    drop(cli);
    drop(pipe.join());
    let mut cli = Cli::start(options());
    let event = cli.events.wait_for("the import before", 0, |event| event["told"]["last"]["customers"].is_u64());
    let there = total(&mut cli);
    assert_eq!(event["told"]["last"]["customers"], there);
    assert!(there > 0 && there < 20_000 && there.is_multiple_of(1000), "{there}: whole batches");
    assert_eq!(undo(&mut cli), (there, 0));
    assert_eq!(total(&mut cli), 0);
}
