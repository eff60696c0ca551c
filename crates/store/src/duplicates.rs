//! Customers who are there twice: found by number, e-mail address or name; made one; and two again.
//!
//! The last merge is kept in `merges`, one row: who there was before (with their keys), what belonged to whom, and what the
//! merged customer was left as. It goes with the next merge, and when somebody in it is erased.

use crate::{customers, fold};
use hatif_core::{
    customer::{Customer, same},
    duplicate::{DuplicateAnswer, DuplicateAsk, DuplicateGroup, MAX_GROUP, MAX_GROUPS, Sameness},
    text::Text,
};
use rusqlite::{Connection, OptionalExtension, Result, params};
use std::collections::BTreeSet;

pub(crate) const MIGRATIONS: &[(u32, &str)] = &[(
    14,
    "CREATE TABLE merges (
        kept   INTEGER PRIMARY KEY,
        merged TEXT NOT NULL,
        before TEXT NOT NULL,
        moved  TEXT NOT NULL
    ) STRICT;",
)];

/// What belongs to a customer by their id: tables and their keys.
const BELONGINGS: [(&str, &str); 3] = [("wrap_ups", "entry"), ("tickets", "id"), ("tasks", "id")];

/// A row of one of [`BELONGINGS`] (by its place there) that was moved, and whose it was.
type Moved = (usize, i64, u32);

/// Why it can't be done; `Err` within is the database.
enum Refusal {
    Text(Text),
    Database(rusqlite::Error),
}

impl From<rusqlite::Error> for Refusal {
    fn from(error: rusqlite::Error) -> Refusal {
        Refusal::Database(error)
    }
}

pub(crate) fn obey(db: &mut Connection, ask: &DuplicateAsk) -> DuplicateAnswer {
    let result = match ask {
        DuplicateAsk::Find => find(db).map(DuplicateAnswer::Found).map_err(Refusal::from),
        DuplicateAsk::Merge { customer, keys, others } => merge(db, customer, keys, others),
        DuplicateAsk::Undo => undo(db),
    };
    result.unwrap_or_else(|refusal| match refusal {
        Refusal::Text(text) => DuplicateAnswer::Failed(text),
        Refusal::Database(error) => {
            let code = error.sqlite_error().map(|failure| failure.extended_code);
            tracing::error!(code, "a question about duplicates failed");
            DuplicateAnswer::Failed(Text::new("store.write_failed"))
        }
    })
}

// ---- finding ----

fn find(db: &Connection) -> Result<Vec<DuplicateGroup>> {
    let mut groups = Vec::new();
    let mut told = BTreeSet::new();
    let mut add = |why: Sameness, ids: BTreeSet<u32>| -> Result<bool> {
        if ids.len() > 1 && told.insert(ids.clone()) {
            let customers = ids.into_iter().take(MAX_GROUP).map(|id| customers::get(db, id));
            let customers = customers.collect::<Result<Vec<_>>>()?.into_iter().flatten().collect();
            groups.push(DuplicateGroup { why, customers });
        }
        Ok(groups.len() < MAX_GROUPS)
    };
    if by_number(db, &mut add)? && by_email(db, &mut add)? {
        by_name(db, &mut add)?;
    }
    Ok(groups)
}

type Add<'a> = dyn FnMut(Sameness, BTreeSet<u32>) -> Result<bool> + 'a;

/// Whether there is room for more.
fn by_number(db: &Connection, add: &mut Add<'_>) -> Result<bool> {
    let mut tails = db.prepare_cached(
        "SELECT tail FROM customer_numbers WHERE tail <> '' GROUP BY tail HAVING min(customer) < max(customer)",
    )?;
    let mut of_tail = db.prepare_cached(
        "SELECT customer, key FROM customer_numbers WHERE tail = ?1 ORDER BY length(key) DESC LIMIT 200",
    )?;
    let mut rows = tails.query([])?;
    while let Some(row) = rows.next()? {
        let tail: String = row.get(0)?;
        let mut numbers: Vec<(u32, String)> =
            of_tail.query_map([&tail], |row| Ok((row.get(0)?, row.get(1)?)))?.collect::<Result<_>>()?;
        // The longest first: what is the same as it is one group.
        while !numbers.is_empty() {
            let (_, key) = numbers[0].clone();
            let (group, rest) = numbers.into_iter().partition(|(_, other): &(u32, String)| same(&key, other));
            numbers = rest;
            let ids: BTreeSet<u32> = group.into_iter().map(|(id, _)| id).collect();
            if !add(Sameness::Number, ids)? {
                return Ok(false);
            }
        }
    }
    Ok(true)
}

fn by_email(db: &Connection, add: &mut Add<'_>) -> Result<bool> {
    let mut emails =
        db.prepare_cached("SELECT email FROM customer_emails GROUP BY email HAVING min(customer) < max(customer)")?;
    let mut rows = emails.query([])?;
    while let Some(row) = rows.next()? {
        let ids = db
            .prepare_cached("SELECT customer FROM customer_emails WHERE email = ?1 LIMIT 200")?
            .query_map([row.get::<_, String>(0)?], |row| row.get(0))?
            .collect::<Result<BTreeSet<u32>>>()?;
        if !add(Sameness::Email, ids)? {
            return Ok(false);
        }
    }
    Ok(true)
}

fn by_name(db: &Connection, add: &mut Add<'_>) -> Result<bool> {
    let mut names =
        db.prepare_cached("SELECT sorted FROM customers WHERE sorted <> '' GROUP BY sorted HAVING count(*) > 1")?;
    let mut rows = names.query([])?;
    while let Some(row) = rows.next()? {
        let mut named = db
            .prepare_cached("SELECT id, name, company FROM customers WHERE sorted = ?1 LIMIT 200")?
            .query_map([row.get::<_, String>(0)?], |row| {
                Ok((row.get(0)?, row.get::<_, String>(1)?, row.get::<_, String>(2)?))
            })?
            .collect::<Result<Vec<(u32, String, String)>>>()?;
        named.retain(|(_, name, company)| !(name.is_empty() && company.is_empty()));
        while let Some((_, name, company)) = named.first() {
            let whole = (fold::fold(name), fold::fold(company));
            let is_same = |(_, name, company): &(u32, String, String)| (fold::fold(name), fold::fold(company)) == whole;
            let (group, rest): (Vec<_>, Vec<_>) = named.into_iter().partition(is_same);
            named = rest;
            if !add(Sameness::Name, group.into_iter().map(|(id, ..)| id).collect())? {
                return Ok(false);
            }
        }
    }
    Ok(true)
}

// ---- merging ----

fn merge(
    db: &mut Connection,
    customer: &Customer,
    keys: &[String],
    others: &[u32],
) -> std::result::Result<DuplicateAnswer, Refusal> {
    let transaction = db.transaction()?;
    let mut before = Vec::new();
    for id in others.iter().chain([&customer.id]) {
        let found = customers::get(&transaction, *id)?.ok_or_else(|| Refusal::Text(Text::new("customer.gone")))?;
        before.push((found, customers::keys(&transaction, *id)?));
    }
    let distinct: BTreeSet<u32> = before.iter().map(|(customer, _)| customer.id).collect();
    if distinct.len() < 2 || distinct.len() != before.len() {
        return Err(Refusal::Text(Text::new("merge.alone")));
    }
    let mut moved: Vec<Moved> = Vec::new();
    for (place, (table, key)) in BELONGINGS.iter().enumerate() {
        for other in others {
            let rows = transaction
                .prepare_cached(&format!("SELECT {key} FROM {table} WHERE customer = ?1"))?
                .query_map([other], |row| row.get(0))?
                .collect::<Result<Vec<i64>>>()?;
            moved.extend(rows.into_iter().map(|row| (place, row, *other)));
            transaction
                .prepare_cached(&format!("UPDATE {table} SET customer = ?2 WHERE customer = ?1"))?
                .execute(params![other, customer.id])?;
        }
    }
    for other in others {
        customers::remove(&transaction, *other)?;
    }
    customers::write(&transaction, customer, keys)?;
    let written = |value: serde_json::Result<String>| value.expect("texts and numbers can be written as JSON");
    transaction.execute("DELETE FROM merges", [])?;
    transaction.execute(
        "INSERT INTO merges (kept, merged, before, moved) VALUES (?1, ?2, ?3, ?4)",
        params![
            customer.id,
            written(serde_json::to_string(customer)),
            written(serde_json::to_string(&before)),
            written(serde_json::to_string(&moved)),
        ],
    )?;
    transaction.commit()?;
    Ok(DuplicateAnswer::Merged(customer.id))
}

fn undo(db: &mut Connection) -> std::result::Result<DuplicateAnswer, Refusal> {
    let changed = || Refusal::Text(Text::new("merge.changed"));
    let transaction = db.transaction()?;
    let row: Option<(u32, String, String, String)> = transaction
        .query_row("SELECT kept, merged, before, moved FROM merges", [], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
        })
        .optional()?;
    let (kept, merged, before, moved) = row.ok_or_else(changed)?;
    let (Ok(merged), Ok(before), Ok(moved)) = (
        serde_json::from_str::<Customer>(&merged),
        serde_json::from_str::<Vec<(Customer, Vec<String>)>>(&before),
        serde_json::from_str::<Vec<Moved>>(&moved),
    ) else {
        return Err(changed());
    };
    if customers::get(&transaction, kept)?.as_ref() != Some(&merged) {
        return Err(changed());
    }
    for (customer, keys) in &before {
        if customer.id != kept {
            transaction.execute(
                "INSERT INTO customers (id, name, company, emails, reference, owner, tags, notes, sorted)
                 VALUES (?1, '', '', '[]', '', '', '[]', '', '')",
                [customer.id],
            )?;
        }
        customers::write(&transaction, customer, keys)?;
    }
    for (place, row, whose) in moved {
        let Some((table, key)) = BELONGINGS.get(place) else { continue };
        transaction
            .prepare_cached(&format!("UPDATE {table} SET customer = ?3 WHERE {key} = ?1 AND customer = ?2"))?
            .execute(params![row, kept, whose])?;
    }
    transaction.execute("DELETE FROM merges", [])?;
    transaction.commit()?;
    Ok(DuplicateAnswer::Undone(before.into_iter().map(|(customer, _)| customer.id).collect()))
}

/// Nobody who is erased is kept for an undo.
pub(crate) fn forget(db: &Connection, customer: u32) -> Result<()> {
    db.execute(
        "DELETE FROM merges WHERE kept = ?1
             OR EXISTS (SELECT 1 FROM json_each(before) WHERE json_extract(value, '$[0].id') = ?1)",
        [customer],
    )?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::database;
    use hatif_core::{
        customer::{CustomerAnswer, CustomerAsk},
        work::{Task, WorkAsk},
    };

    fn keep(db: &mut Connection, name: &str, company: &str, key: &str, email: &str) -> Customer {
        let list = |text: &str| if text.is_empty() { vec![] } else { vec![text.to_owned()] };
        let customer = Customer {
            name: name.into(),
            company: company.into(),
            numbers: list(key),
            emails: list(email),
            ..Customer::default()
        };
        let keys = customer.numbers.clone();
        match customers::obey(db, &CustomerAsk::Save { request: 1, customer: Box::new(customer), keys }) {
            CustomerAnswer::Saved { customer, .. } => *customer,
            other => panic!("{other:?}"),
        }
    }

    fn found(db: &mut Connection) -> Vec<(Sameness, Vec<String>)> {
        let DuplicateAnswer::Found(groups) = obey(db, &DuplicateAsk::Find) else { panic!("found") };
        groups.into_iter().map(|group| (group.why, group.customers.into_iter().map(|c| c.name).collect())).collect()
    }

    #[test]
    fn who_is_there_twice_is_found_once_and_nobody_else() {
        let dir = tempfile::tempdir().unwrap();
        let mut db = database::open(dir.path()).db;
        keep(&mut db, "Sara", "Parsian", "+982188201140", "sara@x.example");
        keep(&mut db, "Sara A.", "", "02188201140", "SARA@x.example");
        keep(&mut db, "Thomas", "", "+492188201140", "");
        keep(&mut db, "Layla", "", "", "layla@x.example");
        keep(&mut db, "L. Hassan", "", "", "Layla@X.example");
        keep(&mut db, "علی کریمی", "آب", "", "");
        keep(&mut db, "علي كريمي", "اب", "", "");
        keep(&mut db, "علی کریمی", "برق", "", "");
        let names = |names: [&str; 2]| names.map(str::to_owned).to_vec();
        let groups = found(&mut db);
        assert_eq!(groups[0].0, Sameness::Number);
        assert!(groups[0].1.contains(&"Sara A.".to_owned()) && groups[0].1.len() == 2, "{groups:?}");
        assert_eq!(groups[1], (Sameness::Email, names(["Layla", "L. Hassan"])));
        assert_eq!(groups[2], (Sameness::Name, names(["علی کریمی", "علي كريمي"])));
        assert_eq!(groups.len(), 3);
    }

    #[test]
    fn a_merge_keeps_all_and_can_be_taken_back_until_something_changes() {
        let dir = tempfile::tempdir().unwrap();
        let mut db = database::open(dir.path()).db;
        let one = keep(&mut db, "Sara", "Parsian", "+982188201140", "");
        let two = keep(&mut db, "Sara A.", "", "+989121112233", "sara@x.example");
        let task = Task { customer: Some(two.id), text: "call back".into(), ..Task::default() };
        crate::work::obey(&mut db, &WorkAsk::KeepTask(Box::new(task)));
        let whose =
            |db: &Connection| db.query_row("SELECT customer FROM tasks", [], |row| row.get::<_, u32>(0)).unwrap();
        let merged = Customer {
            numbers: vec!["+982188201140".into(), "+989121112233".into()],
            emails: two.emails.clone(),
            ..one.clone()
        };
        let ask = DuplicateAsk::Merge {
            customer: Box::new(merged.clone()),
            keys: merged.numbers.clone(),
            others: vec![two.id],
        };
        assert_eq!(obey(&mut db, &ask), DuplicateAnswer::Merged(one.id));
        assert_eq!(customers::get(&db, one.id).unwrap(), Some(merged.clone()));
        assert_eq!((customers::get(&db, two.id).unwrap(), whose(&db)), (None, one.id));
        assert!(matches!(obey(&mut db, &ask), DuplicateAnswer::Failed(_)), "there is nobody to merge with");

        assert_eq!(obey(&mut db, &DuplicateAsk::Undo), DuplicateAnswer::Undone(vec![two.id, one.id]));
        assert_eq!(customers::get(&db, one.id).unwrap(), Some(one.clone()));
        assert_eq!((customers::get(&db, two.id).unwrap(), whose(&db)), (Some(two.clone()), two.id));
        assert_eq!(customers::who_has(&db, "+989121112233").unwrap(), BTreeSet::from([two.id]));
        assert!(matches!(obey(&mut db, &DuplicateAsk::Undo), DuplicateAnswer::Failed(_)));

        obey(&mut db, &ask);
        let changed = Customer { notes: "since".into(), ..merged };
        let keys = changed.numbers.clone();
        customers::obey(&mut db, &CustomerAsk::Save { request: 1, customer: Box::new(changed), keys });
        assert_eq!(obey(&mut db, &DuplicateAsk::Undo), DuplicateAnswer::Failed(Text::new("merge.changed")));
    }

    #[test]
    fn who_is_erased_is_not_kept_for_an_undo() {
        let dir = tempfile::tempdir().unwrap();
        let mut db = database::open(dir.path()).db;
        let one = keep(&mut db, "Sara", "", "+982188201140", "");
        let two = keep(&mut db, "Zarafshan", "", "+982188201140", "");
        let keys = one.numbers.clone();
        obey(&mut db, &DuplicateAsk::Merge { customer: Box::new(one.clone()), keys, others: vec![two.id] });
        let erase = CustomerAsk::Erase { request: 1, customer: one.id, calls: vec![], tasks: vec![] };
        assert!(matches!(customers::obey(&mut db, &erase), CustomerAnswer::Erased { .. }));
        let kept: i64 = db.query_row("SELECT count(*) FROM merges", [], |row| row.get(0)).unwrap();
        assert_eq!(kept, 0);
    }
}
