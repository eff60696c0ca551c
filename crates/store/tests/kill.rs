//! `kill -9` in the middle of writing loses nothing that was committed.

mod support;

use rusqlite::Connection;
use support::{StoreProcess, open};

#[test]
fn a_killed_process_loses_nothing_committed() {
    let dir = tempfile::tempdir().unwrap();
    let mut next = 1;
    for round in 1..=8 {
        let mut writer = StoreProcess::plain(dir.path());
        writer.say(&format!("storm {next}"));
        // Killed after a different number of writes each time, with more on their way.
        let mut last = String::new();
        for _ in 0..round * 3 {
            last = writer.line();
        }
        writer.child.kill().unwrap();
        writer.child.wait().unwrap();
        let last = writer.rest().pop().unwrap_or(last);
        let stored: i64 = last.strip_prefix("stored ").expect("only acknowledgements").parse().unwrap();

        let loaded = open(dir.path()).load();
        assert_eq!(loaded.problem, None, "round {round}");
        let (count, newest): (i64, i64) = Connection::open(dir.path().join("hatif.db"))
            .unwrap()
            .query_row("SELECT count(*), max(id) FROM interactions", [], |row| Ok((row.get(0)?, row.get(1)?)))
            .unwrap();
        assert!(newest >= stored, "round {round}: {stored} was committed, {newest} is the newest");
        assert_eq!(count, newest, "round {round}: none is missing below");
        next = newest + 1;
    }
}

/// Batches are there as a whole or not at all, nobody by half, and all of them can be taken back.
#[test]
fn a_killed_import_leaves_whole_batches_that_can_be_taken_back() {
    for round in 1..=5 {
        let dir = tempfile::tempdir().unwrap();
        let mut writer = StoreProcess::plain(dir.path());
        writer.say("import");
        let mut last = String::new();
        for _ in 0..round * 4 {
            last = writer.line();
        }
        writer.child.kill().unwrap();
        writer.child.wait().unwrap();
        let last = writer.rest().pop().unwrap_or(last);
        let taken: i64 = last.strip_prefix("taken ").expect("only acknowledgements").parse().unwrap();

        assert_eq!(open(dir.path()).load().problem, None, "round {round}");
        let db = Connection::open(dir.path().join("hatif.db")).unwrap();
        let count = |sql: &str| db.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap();
        let customers = count("SELECT count(*) FROM customers");
        assert!(customers >= taken * 50, "round {round}: {taken} batches were told, {customers} customers are there");
        assert_eq!(customers % 50, 0, "round {round}: whole batches");
        for part in ["customer_numbers", "customers_words", "imported"] {
            assert_eq!(count(&format!("SELECT count(*) FROM {part}")), customers, "round {round}: {part}");
        }
    }
}
