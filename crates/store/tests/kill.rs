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
