//! A store that finds something else than it left: damage, another version, a place where nothing can be written.

#![allow(clippy::unwrap_used)] // helpers of tests, which clippy takes for something else

mod support;

use hatif_core::{
    call::EndReason,
    settings::{Settings, Theme},
    store::{InteractionEnd, StoreEvent},
    text::Text,
};
use rusqlite::Connection;
use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};
use support::{Loaded, account, interaction, open, save, save_account, save_settings};

/// A folder with a database in it, closed: an account, settings, and calls on many pages.
fn filled() -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let opened = open(dir.path());
    opened.send(save_account(account(1), None));
    opened.send(save_settings(&Settings { welcomed: true, theme: Theme::Dark, ..Settings::default() }));
    let end = Some(InteractionEnd { reason: EndReason::Missed, talked: Duration::ZERO });
    (1..=200).for_each(|id| opened.send(save(interaction(id, end.clone()))));
    drop(opened);
    let file = dir.path().join("hatif.db");
    (dir, file)
}

fn is_filled(loaded: &Loaded) {
    assert!(loaded.settings.welcomed);
    assert_eq!(loaded.accounts, [(account(1), None)]);
    assert_eq!(loaded.interactions.len(), 200);
}

/// The damaged file is kept as it was, under another name; a fresh one is there, and works.
fn is_set_aside(dir: &Path, name: &str, damaged: &[u8]) {
    let opened = open(dir);
    let loaded = opened.load();
    assert_eq!(loaded.problem, Some(Text::new("store.corrupt_set_aside").with("file", name)));
    assert_eq!(loaded.settings, Settings::default());
    assert!(loaded.accounts.is_empty() && loaded.interactions.is_empty());
    assert_eq!(fs::read(dir.join(name)).unwrap(), damaged);
    opened.send(save_account(account(9), None));
    drop(opened);
    let next = open(dir).load();
    assert_eq!(next.problem, None, "told once");
    assert_eq!(next.accounts.len(), 1);
}

#[test]
fn a_file_that_is_no_database_is_set_aside_each_time() {
    let (dir, file) = filled();
    for n in 1..=3 {
        let garbage = format!("not a database, for the {n}th time").repeat(500);
        fs::write(&file, &garbage).unwrap();
        is_set_aside(dir.path(), &format!("hatif.db.corrupt-{n}"), garbage.as_bytes());
    }
}

#[test]
fn a_cut_off_file_is_set_aside() {
    let (dir, file) = filled();
    let mut bytes = fs::read(&file).unwrap();
    bytes.truncate(bytes.len() / 2);
    fs::write(&file, &bytes).unwrap();
    is_set_aside(dir.path(), "hatif.db.corrupt-1", &bytes);
}

/// Damage in a page that the start would not read on its own.
#[test]
fn a_spoilt_page_is_found_at_start() {
    let (dir, file) = filled();
    let mut bytes = fs::read(&file).unwrap();
    let page = bytes.len() / 4096 / 2 * 4096;
    bytes[page..page + 64].fill(0xa5);
    fs::write(&file, &bytes).unwrap();
    is_set_aside(dir.path(), "hatif.db.corrupt-1", &bytes);
}

#[test]
fn a_file_without_our_tables_is_set_aside() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("hatif.db");
    Connection::open(&file).unwrap().execute_batch("CREATE TABLE a (b); PRAGMA user_version = 3").unwrap();
    let opened = open(dir.path());
    assert_eq!(opened.load().problem.unwrap().code, "store.corrupt_set_aside");
    assert!(dir.path().join("hatif.db.corrupt-1").exists());
}

#[test]
fn a_file_of_a_newer_version_is_left_alone() {
    let (dir, file) = filled();
    Connection::open(&file).unwrap().pragma_update(None, "user_version", 9_999).unwrap();
    let before = fs::read(&file).unwrap();
    let opened = open(dir.path());
    let loaded = opened.load();
    assert_eq!(loaded.problem, Some(Text::new("store.newer_version")));
    assert!(loaded.accounts.is_empty());
    opened.send(save_account(account(2), None));
    assert_eq!(opened.load().accounts.len(), 1, "it works, in memory");
    drop(opened);
    assert_eq!(fs::read(&file).unwrap(), before);
    assert!(!dir.path().join("hatif.db.corrupt-1").exists());
}

#[test]
fn a_setting_that_makes_no_sense_is_kept_aside_and_the_rest_is_loaded() {
    let (dir, file) = filled();
    let db = Connection::open(&file).unwrap();
    db.execute_batch(
        r#"INSERT OR REPLACE INTO settings VALUES
             ('theme', 'plaid'), ('default_account', '-1'), ('language', '"fa"')"#,
    )
    .unwrap();
    drop(db);
    let loaded = open(dir.path()).load();
    assert_eq!(loaded.problem, Some(Text::new("store.settings_reset")));
    assert_eq!(loaded.settings, Settings { welcomed: true, language: Some("fa".into()), ..Settings::default() });
    assert_eq!(loaded.interactions.len(), 200);
    assert_eq!(open(dir.path()).load().problem, None, "told once");
    let kept: String = Connection::open(&file)
        .unwrap()
        .query_row("SELECT value FROM settings WHERE key = 'bad.theme'", [], |row| row.get(0))
        .unwrap();
    assert_eq!(kept, "plaid");
}

#[test]
fn a_row_that_makes_no_sense_is_left_out_and_told() {
    let (dir, file) = filled();
    let db = Connection::open(&file).unwrap();
    db.execute_batch(
        "UPDATE interactions SET direction = 'sideways' WHERE id = 200;
         INSERT INTO accounts (id, kind, label, user, domain, transport, expires)
         VALUES (2, 'registrar', 'a', 'b', 'c', 'pigeon', 300), (3, 'registrar', 'a', 'b', 'c', 'udp', -1);
         PRAGMA writable_schema = on;",
    )
    .unwrap();
    drop(db);
    let loaded = open(dir.path()).load();
    assert_eq!(loaded.problem, Some(Text::new("store.rows_unreadable").with("count", "3")));
    assert_eq!(loaded.accounts.len(), 1);
    assert_eq!(loaded.interactions.len(), 199);
}

/// What a second problem at start is: an event of its own, after `Loaded`.
#[test]
fn every_problem_at_start_is_told() {
    let (dir, file) = filled();
    let db = Connection::open(&file).unwrap();
    db.execute_batch(
        "UPDATE settings SET value = 'plaid' WHERE key = 'theme'; UPDATE interactions SET direction = '' WHERE id = 1",
    )
    .unwrap();
    drop(db);
    let opened = open(dir.path());
    assert_eq!(opened.load().problem.unwrap().code, "store.settings_reset");
    assert_eq!(opened.event(), StoreEvent::Problem(Text::new("store.rows_unreadable").with("count", "1")));
}

/// Fails for root too, on every system.
#[test]
fn a_folder_that_cannot_be_made_means_memory() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("file"), "in the way").unwrap();
    let opened = open(&dir.path().join("file").join("hatif"));
    assert_eq!(opened.load().problem, Some(Text::new("store.read_only")));
    opened.send(save_account(account(1), Some("secret")));
    opened.send(save(interaction(1, None)));
    let loaded = opened.load();
    assert_eq!((loaded.accounts.len(), loaded.interactions.len()), (1, 1));
    assert!(loaded.accounts[0].1.is_some());
    assert_eq!(loaded.problem, None, "told once");
    assert_eq!(opened.close(), [StoreEvent::Stopped]);
}

#[test]
fn a_folder_in_place_of_the_file_means_memory() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("hatif.db")).unwrap();
    assert_eq!(open(dir.path()).load().problem, Some(Text::new("store.read_only")));
}

#[cfg(target_os = "linux")]
#[test]
fn a_folder_of_the_kernel_means_memory() {
    assert_eq!(open(Path::new("/proc/hatif")).load().problem, Some(Text::new("store.read_only")));
}

#[cfg(unix)]
#[test]
fn what_is_made_is_for_this_user_only() {
    use std::os::unix::fs::PermissionsExt;
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let home = tempfile::tempdir().unwrap();
    fs::set_permissions(home.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let dir = home.path().join("share").join("hatif");
    let opened = open(&dir);
    opened.load();
    assert_eq!(mode(&dir), 0o700);
    for file in ["hatif.db", "hatif.db-wal", "hatif.db-shm"] {
        assert_eq!(mode(&dir.join(file)), 0o600, "{file}");
    }
    assert_eq!(mode(home.path()), 0o755, "a folder that was there keeps its mode");
    drop(opened);
    fs::set_permissions(dir.join("hatif.db"), fs::Permissions::from_mode(0o644)).unwrap();
    open(&dir).load();
    assert_eq!(mode(&dir.join("hatif.db")), 0o600, "a file that everyone could read is closed");
}

#[test]
fn an_undamaged_file_is_loaded_whole() {
    let (dir, _) = filled();
    let loaded = open(dir.path()).load();
    assert_eq!(loaded.problem, None);
    is_filled(&loaded);
}
