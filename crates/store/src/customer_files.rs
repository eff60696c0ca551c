//! Customers out of files and into files: batches taken in, the last import taken back, pages for an export.
//!
//! | table             | a row is                                                                                |
//! |-------------------|-----------------------------------------------------------------------------------------|
//! | `customer_emails` | one of a customer's e-mail addresses, in lower case                                       |
//! | `imported`        | a customer of the last import whom nobody has changed since; `at_ms`: when it began       |
//!
//! A batch is one transaction with its rows of `imported`: killed in the middle of an import, the file holds whole batches
//! of it, and each of them can be taken back.

use crate::customers;
use hatif_core::{
    customer_file::{BATCH, EXPORT_PAGE, FileAnswer, FileAsk, FileRow, Import, LastImport},
    text::Text,
};
use rusqlite::{Connection, OptionalExtension, Result, params};

pub(crate) const MIGRATIONS: &[(u32, &str)] = &[(
    13,
    "CREATE TABLE customer_emails (
        email    TEXT NOT NULL,
        customer INTEGER NOT NULL,
        PRIMARY KEY (email, customer)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX customer_emails_customer ON customer_emails (customer);
    INSERT OR IGNORE INTO customer_emails SELECT lower(trim(value)), customers.id FROM customers, json_each(emails);
    CREATE TABLE imported (
        customer INTEGER PRIMARY KEY,
        at_ms    INTEGER NOT NULL
    ) STRICT;",
)];

/// Pages kept in memory during a batch, KiB: the indexes are written all over.
const CACHE: i64 = -16_384;
const USUAL_CACHE: i64 = -256;

pub(crate) fn obey(db: &mut Connection, ask: &FileAsk) -> FileAnswer {
    let mut failed = None;
    let result = match ask {
        FileAsk::Take { job, rows, write, known_too } => {
            failed = Some(*job);
            take(db, *job, rows, *write, *known_too)
        }
        FileAsk::Last => last(db),
        FileAsk::Undo => undo(db),
        FileAsk::After { after } => page(db, *after),
    };
    result.unwrap_or_else(|error| {
        let code = error.sqlite_error().map(|failure| failure.extended_code);
        tracing::error!(code, "a question about a file of customers failed");
        FileAnswer::Failed { job: failed, text: Text::new("store.write_failed") }
    })
}

fn take(db: &mut Connection, job: u32, rows: &[FileRow], write: Option<Import>, known_too: bool) -> Result<FileAnswer> {
    if write.is_some() {
        db.pragma_update(None, "cache_size", CACHE)?;
    }
    let taken = take_all(db, job, rows, write, known_too);
    if write.is_some() {
        db.pragma_update(None, "cache_size", USUAL_CACHE)?;
    }
    taken
}

fn take_all(
    db: &mut Connection,
    job: u32,
    rows: &[FileRow],
    write: Option<Import>,
    known_too: bool,
) -> Result<FileAnswer> {
    let transaction = db.transaction()?;
    if let Some(import) = write {
        // The one before can't be taken back any more.
        transaction.prepare_cached("DELETE FROM imported WHERE at_ms <> ?1")?.execute([import.at_ms])?;
    }
    let mut known = Vec::new();
    let mut fresh = 0;
    for row in rows.iter().take(BATCH) {
        let who = who_is(&transaction, row)?;
        fresh += u32::from(who.is_none());
        let is_known = who.is_some();
        known.extend(who.map(|name| (row.line, name)));
        let Some(import) = write.filter(|_| known_too || !is_known) else { continue };
        if let Some(id) = customers::write(&transaction, &row.customer, &row.keys)? {
            transaction
                .prepare_cached("INSERT INTO imported (customer, at_ms) VALUES (?1, ?2)")?
                .execute(params![id, import.at_ms])?;
        }
    }
    transaction.commit()?;
    Ok(FileAnswer::Taken { job, fresh, known })
}

/// The customer who has one of the numbers or addresses, by name.
fn who_is(db: &Connection, row: &FileRow) -> Result<Option<String>> {
    let mut id = None;
    for key in &row.keys {
        id = customers::who_has(db, key)?.into_iter().next();
        if id.is_some() {
            break;
        }
    }
    for email in &row.customer.emails {
        if id.is_none() {
            id = db
                .prepare_cached("SELECT customer FROM customer_emails WHERE email = ?1 LIMIT 1")?
                .query_row([customers::email_key(email)], |row| row.get(0))
                .optional()?;
        }
    }
    let Some(id) = id else { return Ok(None) };
    Ok(customers::get(db, id)?.map(|customer| customer.title().to_owned()))
}

/// Whom nobody has touched: no call was wrapped up with them, there is no task and no ticket for them.
const UNTOUCHED: &str =
    "FROM imported WHERE NOT EXISTS (SELECT 1 FROM wrap_ups WHERE wrap_ups.customer = imported.customer)
    AND NOT EXISTS (SELECT 1 FROM tasks WHERE tasks.customer = imported.customer)
    AND NOT EXISTS (SELECT 1 FROM tickets WHERE tickets.customer = imported.customer)";

fn last(db: &Connection) -> Result<FileAnswer> {
    let at_ms: Option<i64> = db.query_row("SELECT max(at_ms) FROM imported", [], |row| row.get(0))?;
    let Some(at_ms) = at_ms else { return Ok(FileAnswer::Last(None)) };
    let customers = db.query_row(&format!("SELECT count(*) {UNTOUCHED}"), [], |row| row.get(0))?;
    Ok(FileAnswer::Last((customers > 0).then_some(LastImport { at_ms, customers })))
}

fn undo(db: &mut Connection) -> Result<FileAnswer> {
    let transaction = db.transaction()?;
    let ids = transaction
        .prepare_cached(&format!("SELECT customer {UNTOUCHED} LIMIT {BATCH}"))?
        .query_map([], |row| row.get(0))?
        .collect::<Result<Vec<u32>>>()?;
    for id in &ids {
        customers::remove(&transaction, *id)?;
    }
    let more = ids.len() == BATCH;
    // Who is left was touched, and stays for good.
    let kept = if more { 0 } else { transaction.execute("DELETE FROM imported", [])? };
    transaction.commit()?;
    let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    Ok(FileAnswer::Undone { removed: count(ids.len()), more, kept: count(kept) })
}

fn page(db: &Connection, after: u32) -> Result<FileAnswer> {
    customers::after(db, after, EXPORT_PAGE).map(FileAnswer::Page)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::database;
    use hatif_core::{
        customer::{Customer, CustomerAnswer, CustomerAsk},
        work::{Task, WorkAsk},
    };

    fn row(line: u64, name: &str, key: &str, email: &str) -> FileRow {
        let list = |text: &str| if text.is_empty() { vec![] } else { vec![text.to_owned()] };
        let customer = Customer { name: name.into(), numbers: list(key), emails: list(email), ..Customer::default() };
        FileRow { line, customer, keys: list(key) }
    }

    fn take(db: &mut Connection, at_ms: Option<i64>, known_too: bool, rows: &[FileRow]) -> (u32, Vec<(u64, String)>) {
        let write = at_ms.map(|at_ms| Import { at_ms });
        match obey(db, &FileAsk::Take { job: 1, rows: rows.to_vec(), write, known_too }) {
            FileAnswer::Taken { job: 1, fresh, known } => (fresh, known),
            other => panic!("{other:?}"),
        }
    }

    fn names(db: &mut Connection) -> Vec<String> {
        match obey(db, &FileAsk::After { after: 0 }) {
            FileAnswer::Page(customers) => customers.into_iter().map(|customer| customer.name).collect(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn who_is_known_by_a_number_or_an_address_is_left_out_unless_asked_for() {
        let dir = tempfile::tempdir().unwrap();
        let mut db = database::open(dir.path()).db;
        let rows = [
            row(2, "Sara", "+982188201140", "Sara@Parsian.example"),
            row(3, "Omid", "+989120004321", ""),
            row(4, "Sara's desk", "02188201140", ""),
            row(5, "S. Ahmadi", "", "sara@parsian.EXAMPLE"),
        ];
        assert_eq!(take(&mut db, None, false, &rows).0, 4, "counting alone keeps nobody");
        assert!(names(&mut db).is_empty());
        let (fresh, known) = take(&mut db, Some(1), false, &rows);
        assert_eq!((fresh, known), (2, vec![(4, "Sara".into()), (5, "Sara".into())]));
        assert_eq!(names(&mut db), ["Sara", "Omid"]);
        assert_eq!(take(&mut db, Some(1), true, &rows).1.len(), 4);
        assert_eq!(names(&mut db).len(), 6);
    }

    #[test]
    fn undo_takes_back_the_last_import_but_nobody_who_was_touched_since() {
        let dir = tempfile::tempdir().unwrap();
        let mut db = database::open(dir.path()).db;
        take(&mut db, Some(1), false, &[row(2, "Earlier", "+982100000001", "")]);
        let many: Vec<FileRow> =
            (0..1500).map(|n| row(n, &format!("C{n}"), &format!("+9821{:07}", 5000 + n), "")).collect();
        take(&mut db, Some(2), false, &many[..1000]);
        take(&mut db, Some(2), false, &many[1000..]);
        let FileAnswer::Page(page) = obey(&mut db, &FileAsk::After { after: 0 }) else { panic!("a page") };
        let (changed, tasked) = (page[1].clone(), page[2].clone());
        let changed = Customer { notes: "called".into(), ..changed };
        let keys = changed.numbers.clone();
        let saved =
            customers::obey(&mut db, &CustomerAsk::Save { request: 1, customer: Box::new(changed.clone()), keys });
        assert!(matches!(saved, CustomerAnswer::Saved { .. }));
        let task = Task { customer: Some(tasked.id), text: "call back".into(), ..Task::default() };
        crate::work::obey(&mut db, &WorkAsk::KeepTask(Box::new(task)));

        let left = |customers| FileAnswer::Last(Some(LastImport { at_ms: 2, customers }));
        assert_eq!(obey(&mut db, &FileAsk::Last), left(1498));
        assert_eq!(obey(&mut db, &FileAsk::Undo), FileAnswer::Undone { removed: 1000, more: true, kept: 0 });
        assert_eq!(obey(&mut db, &FileAsk::Undo), FileAnswer::Undone { removed: 498, more: false, kept: 1 });
        assert_eq!(obey(&mut db, &FileAsk::Last), FileAnswer::Last(None));
        assert_eq!(names(&mut db), ["Earlier".to_owned(), changed.name, tasked.name]);
        assert_eq!(obey(&mut db, &FileAsk::Undo), FileAnswer::Undone { removed: 0, more: false, kept: 0 });
        // Nothing of those that are gone is found.
        let gone = take(&mut db, None, false, &many[10..20]);
        assert_eq!(gone.0, 10);
    }

    #[test]
    fn addresses_from_before_this_version_are_known() {
        let dir = tempfile::tempdir().unwrap();
        let mut db = database::open(dir.path()).db;
        take(&mut db, Some(1), false, &[row(2, "Sara", "", "Sara@x.example")]);
        db.execute_batch(
            "DROP TABLE customer_emails; DROP TABLE imported; DROP TABLE merges; DROP TABLE recording_comments;
             ALTER TABLE accounts DROP COLUMN turn_password_kept; PRAGMA user_version = 12",
        )
        .unwrap();
        drop(db);
        let mut db = database::open(dir.path()).db;
        assert_eq!(take(&mut db, None, false, &[row(2, "S", "", "SARA@x.example")]).1, [(2, "Sara".into())]);
    }
}
