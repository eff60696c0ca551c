//! The tables of customers: who they are, their numbers by their last digits, and their words for the search.
//!
//! | table              | a row is                                                                            |
//! |--------------------|-------------------------------------------------------------------------------------|
//! | `customers`        | a customer; lists (e-mails, tags) as JSON, `sorted` is what the list is ordered by    |
//! | `customer_numbers` | one of their numbers: its key, and the tail by which it is found (`customer::tail`)   |
//! | `customers_words`  | FTS5 without content: the folded words of the customer of the same id                 |

use crate::{duplicates, erase, fold};
use hatif_core::{
    customer::{Customer, CustomerAnswer, CustomerAsk, MAX_CUSTOMERS, MAX_EARLIER, Stage, same, tail},
    store::Interaction,
    text::Text,
};
use rusqlite::{Connection, OptionalExtension, Result, Row, params};
use std::collections::{BTreeMap, BTreeSet};

pub(crate) const MIGRATIONS: &[(u32, &str)] = &[(
    8,
    "CREATE TABLE customers (
        id        INTEGER PRIMARY KEY AUTOINCREMENT,
        name      TEXT NOT NULL,
        company   TEXT NOT NULL,
        emails    TEXT NOT NULL,
        reference TEXT NOT NULL,
        stage     TEXT,
        owner     TEXT NOT NULL,
        tags      TEXT NOT NULL,
        notes     TEXT NOT NULL,
        sorted    TEXT NOT NULL
    ) STRICT;
    CREATE INDEX customers_sorted ON customers (sorted, id);
    CREATE INDEX customers_reference ON customers (reference) WHERE reference <> '';
    CREATE TABLE customer_numbers (
        customer INTEGER NOT NULL,
        place    INTEGER NOT NULL,
        written  TEXT NOT NULL,
        key      TEXT NOT NULL,
        tail     TEXT NOT NULL,
        PRIMARY KEY (customer, place)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX customer_numbers_tail ON customer_numbers (tail);
    CREATE VIRTUAL TABLE customers_words USING fts5 (words, content = '', contentless_delete = 1);",
)];

const COLUMNS: &str = "id, name, company, emails, reference, stage, owner, tags, notes";

/// What a search takes out of the index at most; it is sorted and paged from there.
const SEARCHED: u32 = 1000;

/// Candidates that share a tail and are compared, at most: a number that so many have is nobody's.
const CANDIDATES: u32 = 1000;

/// Does what was asked, and says what came of it.
pub(crate) fn obey(db: &mut Connection, ask: &CustomerAsk) -> CustomerAnswer {
    let (request, result) = match ask {
        CustomerAsk::Lookup { request, key, reference } => {
            (*request, lookup(db, *request, key.as_deref(), reference.as_deref()))
        }
        CustomerAsk::Find { request, text, offset, limit } => (*request, find(db, *request, text, *offset, *limit)),
        CustomerAsk::Names { keys } => (0, names(db, keys)),
        CustomerAsk::Save { request, customer, keys } => (*request, save(db, *request, customer, keys)),
        CustomerAsk::Delete { request, customer } => (*request, delete(db, *request, *customer)),
        CustomerAsk::Belongings { request, customer } => (*request, erase::belongings(db, *request, *customer)),
        CustomerAsk::Erase { request, customer, calls, tasks } => {
            (*request, erase::erase(db, *request, *customer, calls, tasks))
        }
    };
    result.unwrap_or_else(|error| {
        let code = error.sqlite_error().map(|failure| failure.extended_code);
        tracing::error!(code, "a question about customers failed");
        CustomerAnswer::Failed { request, text: Text::new("store.write_failed") }
    })
}

fn lookup(db: &Connection, request: u64, key: Option<&str>, reference: Option<&str>) -> Result<CustomerAnswer> {
    let mut ids = BTreeSet::new();
    if let Some(reference) = reference.filter(|reference| !reference.is_empty()) {
        let mut named = db.prepare_cached("SELECT id FROM customers WHERE reference = ?1 LIMIT ?2")?;
        ids.extend(named.query_map(params![reference, MAX_CUSTOMERS], |row| row.get::<_, u32>(0))?.flatten());
    }
    // Who the PBX says it is, that they are; the number may be anybody's in the same house.
    if ids.is_empty()
        && let Some(key) = key
    {
        ids = who_has(db, key)?;
    }
    let mut customers = Vec::new();
    for id in ids.into_iter().take(MAX_CUSTOMERS as usize) {
        if let Some(customer) = get(db, id)? {
            let keys = keys(db, id)?;
            customers.push((customer, keys));
        }
    }
    let tails: BTreeSet<String> = key
        .into_iter()
        .chain(customers.iter().flat_map(|(_, keys)| keys.iter().map(String::as_str)))
        .map(tail)
        .collect();
    let earlier = earlier(db, &tails)?;
    Ok(CustomerAnswer::Looked { request, customers, earlier })
}

/// Who has this number: exactly it, if anybody has; else one that is the same as far as can be told.
pub(crate) fn who_has(db: &Connection, key: &str) -> Result<BTreeSet<u32>> {
    let mut statement = db.prepare_cached("SELECT customer, key FROM customer_numbers WHERE tail = ?1 LIMIT ?2")?;
    let rows = statement.query_map(params![tail(key), CANDIDATES], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let candidates: Vec<(u32, String)> = rows.collect::<Result<_>>()?;
    let exact: BTreeSet<u32> = candidates.iter().filter(|(_, other)| other == key).map(|(id, _)| *id).collect();
    if !exact.is_empty() {
        return Ok(exact);
    }
    Ok(candidates.into_iter().filter(|(_, other)| same(key, other)).map(|(id, _)| id).collect())
}

fn earlier(db: &Connection, tails: &BTreeSet<String>) -> Result<Vec<Interaction>> {
    let mut found: Vec<Interaction> = Vec::new();
    for tail in tails {
        found.extend(crate::interactions::with_tail(db, tail, MAX_EARLIER)?);
    }
    found.sort_by_key(|row| std::cmp::Reverse(row.id));
    found.dedup_by_key(|row| row.id);
    found.truncate(MAX_EARLIER as usize);
    Ok(found)
}

fn find(db: &Connection, request: u64, text: &str, offset: u32, limit: u32) -> Result<CustomerAnswer> {
    let limit = limit.clamp(1, MAX_CUSTOMERS);
    let (mut customers, total) = match words(text) {
        Some(words) => (search(db, &words, offset, limit + 1)?, None),
        None => {
            let total = db.query_row("SELECT count(*) FROM customers", [], |row| row.get(0))?;
            (all(db, offset, limit + 1)?, Some(total))
        }
    };
    let more = customers.len() > limit as usize;
    customers.truncate(limit as usize);
    let shown = offset.saturating_add(u32::try_from(customers.len()).unwrap_or(u32::MAX));
    Ok(CustomerAnswer::Found { request, customers, more, total: total.unwrap_or(shown) })
}

/// The words of a search as FTS5 wants them: each in quotes, as a beginning. `None` when there is nothing to look for.
fn words(text: &str) -> Option<String> {
    let words: Vec<String> =
        fold::needles(text).iter().flat_map(|needle| fold::tokens(needle)).map(|word| format!("\"{word}\"*")).collect();
    let asked = !text.trim().is_empty();
    // Signs alone are in nobody's name.
    if words.is_empty() { asked.then(|| "\"\u{e000}\"".to_owned()) } else { Some(words.join(" ")) }
}

fn all(db: &Connection, offset: u32, limit: u32) -> Result<Vec<Customer>> {
    let sql = format!("SELECT {COLUMNS} FROM customers ORDER BY sorted, id LIMIT ?1 OFFSET ?2");
    let rows = db.prepare_cached(&sql)?.query_map([limit, offset], read)?.collect::<Result<Vec<_>>>()?;
    rows.into_iter().map(|customer| with_numbers(db, customer)).collect()
}

/// Those with a higher id, in the order of their ids.
pub(crate) fn after(db: &Connection, id: u32, limit: u32) -> Result<Vec<Customer>> {
    let sql = format!("SELECT {COLUMNS} FROM customers WHERE id > ?1 ORDER BY id LIMIT ?2");
    let rows = db.prepare_cached(&sql)?.query_map([id, limit], read)?.collect::<Result<Vec<_>>>()?;
    rows.into_iter().map(|customer| with_numbers(db, customer)).collect()
}

fn search(db: &Connection, words: &str, offset: u32, limit: u32) -> Result<Vec<Customer>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM customers
         WHERE id IN (SELECT rowid FROM customers_words WHERE customers_words MATCH ?1 LIMIT {SEARCHED})
         ORDER BY sorted, id LIMIT ?2 OFFSET ?3"
    );
    let mut statement = db.prepare_cached(&sql)?;
    let rows = statement.query_map(params![words, limit, offset], read)?.collect::<Result<Vec<_>>>()?;
    rows.into_iter().map(|customer| with_numbers(db, customer)).collect()
}

fn names(db: &Connection, asked: &[(String, String)]) -> Result<CustomerAnswer> {
    let mut known: BTreeMap<&str, Option<(u32, String)>> = BTreeMap::new();
    for (_, key) in asked {
        if known.contains_key(key.as_str()) {
            continue;
        }
        let ids = who_has(db, key)?;
        let name = match ids.first() {
            Some(id) if ids.len() == 1 => get(db, *id)?.map(|customer| (*id, customer.title().to_owned())),
            _ => None,
        };
        known.insert(key, name);
    }
    let names = asked.iter().map(|(written, key)| (written.clone(), known[key.as_str()].clone())).collect();
    Ok(CustomerAnswer::Names { names })
}

fn save(db: &mut Connection, request: u64, customer: &Customer, keys: &[String]) -> Result<CustomerAnswer> {
    let transaction = db.transaction()?;
    let id = write(&transaction, customer, keys)?;
    transaction.commit()?;
    Ok(match id {
        Some(id) => CustomerAnswer::Saved { request, customer: Box::new(Customer { id, ..customer.clone() }) },
        None => CustomerAnswer::Failed { request, text: Text::new("customer.gone") },
    })
}

/// Inserts or replaces. `None`: the customer to be replaced is not there any more.
pub(crate) fn write(db: &Connection, customer: &Customer, keys: &[String]) -> Result<Option<u32>> {
    let list = |texts: &[String]| serde_json::to_string(texts).expect("strings can be written as JSON");
    let sorted = fold::fold(customer.title());
    let values = params![
        customer.name,
        customer.company,
        list(&customer.emails),
        customer.reference,
        customer.stage.map(Stage::name),
        customer.owner,
        list(&customer.tags),
        customer.notes,
        sorted,
        (customer.id != 0).then_some(customer.id),
    ];
    let id = if customer.id == 0 {
        db.prepare_cached(
            "INSERT INTO customers (name, company, emails, reference, stage, owner, tags, notes, sorted, id)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
        )?
        .execute(values)?;
        u32::try_from(db.last_insert_rowid()).unwrap_or(u32::MAX)
    } else {
        let replaced = db
            .prepare_cached(
                "UPDATE customers SET name = ?1, company = ?2, emails = ?3, reference = ?4, stage = ?5, owner = ?6,
                                      tags = ?7, notes = ?8, sorted = ?9 WHERE id = ?10",
            )?
            .execute(values)?;
        if replaced == 0 {
            return Ok(None);
        }
        forget_words(db, customer.id)?;
        // Whoever was changed by hand is nobody's import any more.
        db.prepare_cached("DELETE FROM imported WHERE customer = ?1")?.execute([customer.id])?;
        customer.id
    };
    for (place, (written, key)) in customer.numbers.iter().zip(keys).enumerate() {
        db.prepare_cached(
            "INSERT INTO customer_numbers (customer, place, written, key, tail) VALUES (?1, ?2, ?3, ?4, ?5)",
        )?
        .execute(params![id, place as i64, written, key, tail(key)])?;
    }
    for email in &customer.emails {
        db.prepare_cached("INSERT OR IGNORE INTO customer_emails (email, customer) VALUES (?1, ?2)")?
            .execute(params![email_key(email), id])?;
    }
    db.prepare_cached("INSERT INTO customers_words (rowid, words) VALUES (?1, ?2)")?
        .execute(params![id, words_of(customer, keys)])?;
    Ok(Some(id))
}

/// What a customer is found by: every word, and each number from any of its digits on but the last three.
fn words_of(customer: &Customer, keys: &[String]) -> String {
    let lines = [&customer.name, &customer.company, &customer.reference, &customer.owner, &customer.notes];
    let texts = lines.into_iter().chain(&customer.emails).chain(&customer.tags);
    let mut words: BTreeSet<String> = texts.flat_map(|text| fold::tokens(&fold::fold(text))).collect();
    for number in keys.iter().chain(&customer.numbers) {
        let folded = fold::fold(number);
        let digits: String = folded.chars().filter(char::is_ascii_digit).collect();
        words.extend((0..digits.len().saturating_sub(3)).map(|from| digits[from..].to_owned()));
        words.extend(fold::tokens(&folded));
    }
    words.into_iter().collect::<Vec<_>>().join(" ")
}

/// An e-mail address as it is compared.
pub(crate) fn email_key(email: &str) -> String {
    email.trim().to_ascii_lowercase()
}

/// Takes the customer's words, numbers and e-mail addresses away, before others are written or the row goes.
fn forget_words(db: &Connection, id: u32) -> Result<()> {
    db.prepare_cached("DELETE FROM customers_words WHERE rowid = ?1")?.execute([id])?;
    db.prepare_cached("DELETE FROM customer_numbers WHERE customer = ?1")?.execute([id])?;
    db.prepare_cached("DELETE FROM customer_emails WHERE customer = ?1")?.execute([id])?;
    Ok(())
}

fn delete(db: &mut Connection, request: u64, customer: u32) -> Result<CustomerAnswer> {
    let transaction = db.transaction()?;
    remove(&transaction, customer)?;
    transaction.commit()?;
    Ok(CustomerAnswer::Deleted { request, customer })
}

pub(crate) fn remove(db: &Connection, customer: u32) -> Result<()> {
    forget_words(db, customer)?;
    db.prepare_cached("DELETE FROM imported WHERE customer = ?1")?.execute([customer])?;
    duplicates::forget(db, customer)?;
    db.execute("DELETE FROM customers WHERE id = ?1", [customer])?;
    Ok(())
}

pub(crate) fn get(db: &Connection, id: u32) -> Result<Option<Customer>> {
    let sql = format!("SELECT {COLUMNS} FROM customers WHERE id = ?1");
    let found = db.prepare_cached(&sql)?.query_row([id], read).optional()?;
    found.map(|customer| with_numbers(db, customer)).transpose()
}

pub(crate) fn keys(db: &Connection, id: u32) -> Result<Vec<String>> {
    db.prepare_cached("SELECT key FROM customer_numbers WHERE customer = ?1 ORDER BY place")?
        .query_map([id], |row| row.get(0))?
        .collect()
}

fn with_numbers(db: &Connection, customer: Customer) -> Result<Customer> {
    let numbers = db
        .prepare_cached("SELECT written FROM customer_numbers WHERE customer = ?1 ORDER BY place")?
        .query_map([customer.id], |row| row.get(0))?
        .collect::<Result<_>>()?;
    Ok(Customer { numbers, ..customer })
}

/// A list or a stage that can't be read is an empty one.
fn read(row: &Row<'_>) -> Result<Customer> {
    let list = |column: &str| -> Result<Vec<String>> {
        Ok(serde_json::from_str(row.get_ref(column)?.as_str()?).unwrap_or_default())
    };
    Ok(Customer {
        id: row.get("id")?,
        name: row.get("name")?,
        company: row.get("company")?,
        numbers: Vec::new(),
        emails: list("emails")?,
        reference: row.get("reference")?,
        stage: row.get::<_, Option<String>>("stage")?.as_deref().and_then(Stage::named),
        owner: row.get("owner")?,
        tags: list("tags")?,
        notes: row.get("notes")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::database;
    use hatif_core::{
        call::{Direction, Peer},
        ids::AccountId,
    };
    use std::time::UNIX_EPOCH;

    fn open() -> (tempfile::TempDir, Connection) {
        let dir = tempfile::tempdir().unwrap();
        let db = database::open(dir.path()).db;
        (dir, db)
    }

    fn keep(db: &mut Connection, name: &str, company: &str, keys: &[&str]) -> u32 {
        let customer = Customer {
            name: name.into(),
            company: company.into(),
            numbers: keys.iter().map(|key| (*key).to_owned()).collect(),
            ..Customer::default()
        };
        let keys = customer.numbers.clone();
        match obey(db, &CustomerAsk::Save { request: 1, customer: Box::new(customer), keys }) {
            CustomerAnswer::Saved { customer, .. } => customer.id,
            other => panic!("{other:?}"),
        }
    }

    fn looked(db: &mut Connection, key: &str, reference: Option<&str>) -> (Vec<String>, usize) {
        let ask = CustomerAsk::Lookup { request: 7, key: Some(key.into()), reference: reference.map(str::to_owned) };
        match obey(db, &ask) {
            CustomerAnswer::Looked { request: 7, customers, earlier } => {
                (customers.into_iter().map(|(customer, _)| customer.name).collect(), earlier.len())
            }
            other => panic!("{other:?}"),
        }
    }

    fn found(db: &mut Connection, text: &str) -> Vec<String> {
        match obey(db, &CustomerAsk::Find { request: 2, text: text.into(), offset: 0, limit: 100 }) {
            CustomerAnswer::Found { request: 2, customers, .. } => customers.into_iter().map(|c| c.name).collect(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_customer_is_found_by_every_number_and_by_nobody_elses() {
        let (_dir, mut db) = open();
        keep(&mut db, "Sara", "", &["+982188201140", "+989121112233"]);
        keep(&mut db, "Omid", "", &["+989121112234", "600"]);
        keep(&mut db, "Thomas", "", &["+492188201140"]);
        keep(&mut db, "Home", "", &["09355551234"]);
        for (key, who) in [
            ("+982188201140", &["Sara"][..]),
            ("+989121112233", &["Sara"]),
            ("+492188201140", &["Thomas"]),
            // Two countries have it: both are asked about.
            ("02188201140", &["Sara", "Thomas"]),
            ("600", &["Omid"]),
            ("+98600", &[]),
            ("+989355551234", &["Home"]),
            ("+12025550100", &[]),
        ] {
            assert_eq!(looked(&mut db, key, None).0, who, "{key}");
        }
    }

    #[test]
    fn who_the_pbx_names_is_who_it_is() {
        let (_dir, mut db) = open();
        keep(&mut db, "Sara", "", &["+982188201140"]);
        let omid = Customer { name: "Omid".into(), reference: "4711".into(), ..Customer::default() };
        obey(&mut db, &CustomerAsk::Save { request: 1, customer: Box::new(omid), keys: vec![] });
        assert_eq!(looked(&mut db, "+982188201140", Some("4711")).0, ["Omid"]);
        assert_eq!(looked(&mut db, "+982188201140", Some("unknown")).0, ["Sara"]);
        assert_eq!(looked(&mut db, "+982188201140", Some("")).0, ["Sara"]);
    }

    #[test]
    fn a_changed_number_is_found_and_the_former_is_not() {
        let (_dir, mut db) = open();
        let id = keep(&mut db, "Sara", "", &["+982188201140"]);
        let changed =
            Customer { id, name: "Sara Ahmadi".into(), numbers: vec!["+98 912".into()], ..Customer::default() };
        let keys = vec!["+989121112233".to_owned()];
        obey(&mut db, &CustomerAsk::Save { request: 1, customer: Box::new(changed), keys });
        assert!(looked(&mut db, "+982188201140", None).0.is_empty());
        assert_eq!(looked(&mut db, "+989121112233", None).0, ["Sara Ahmadi"]);
        assert!(found(&mut db, "1140").is_empty());

        obey(&mut db, &CustomerAsk::Delete { request: 3, customer: id });
        assert!(looked(&mut db, "+989121112233", None).0.is_empty());
        assert!(found(&mut db, "sara").is_empty() && found(&mut db, "").is_empty());
        let gone = Customer { id, name: "Sara".into(), ..Customer::default() };
        let answer = obey(&mut db, &CustomerAsk::Save { request: 4, customer: Box::new(gone), keys: vec![] });
        assert_eq!(answer, CustomerAnswer::Failed { request: 4, text: Text::new("customer.gone") });
    }

    #[test]
    fn the_search_knows_letters_and_digits_of_three_languages() {
        let (_dir, mut db) = open();
        keep(&mut db, "علی کریمی", "شرکت آب", &["+982188201140"]);
        keep(&mut db, "Jürgen MÜLLER", "Wasser & Söhne", &["+49301234567"]);
        keep(&mut db, "محمد العلي", "", &["+966114602200"]);
        for (text, who) in [
            ("علي كريمي", &["علی کریمی"][..]),
            ("العلی", &["محمد العلي"]),
            ("mull jurg", &["Jürgen MÜLLER"]),
            ("سوهن", &[]),
            ("sohne", &["Jürgen MÜLLER"]),
            ("اب", &["علی کریمی"]),
            ("۰۲۱ ۸۸۲۰", &["علی کریمی"]),
            ("8820 1140", &["علی کریمی"]),
            ("1140", &["علی کریمی"]),
            ("+98 21", &["علی کریمی"]),
            ("0301234567", &["Jürgen MÜLLER"]),
            ("\" OR 1 --", &[]),
            ("*", &[]),
            ("NEAR(", &[]),
        ] {
            assert_eq!(found(&mut db, text), who, "{text}");
        }
        assert_eq!(found(&mut db, "").len(), 3);
    }

    #[test]
    fn pages_hold_everybody_once_in_order() {
        let (_dir, mut db) = open();
        for n in 0..25 {
            keep(&mut db, &format!("Name {:02}", 24 - n), "", &[]);
        }
        let mut seen = Vec::new();
        loop {
            let ask = CustomerAsk::Find { request: 0, text: String::new(), offset: seen.len() as u32, limit: 10 };
            let CustomerAnswer::Found { customers, more, total, .. } = obey(&mut db, &ask) else { panic!() };
            assert_eq!(total, 25);
            seen.extend(customers.into_iter().map(|customer| customer.name));
            if !more {
                break;
            }
        }
        assert_eq!(seen, (0..25).map(|n| format!("Name {n:02}")).collect::<Vec<_>>());
    }

    #[test]
    fn names_are_told_where_there_is_one() {
        let (_dir, mut db) = open();
        let id = keep(&mut db, "Sara", "", &["+982188201140"]);
        keep(&mut db, "One", "", &["+989120000000"]);
        keep(&mut db, "Two", "", &["+989120000000"]);
        let keys = ["+982188201140", "+989120000000", "600"].map(|key| (format!("as {key}"), key.to_owned())).to_vec();
        let CustomerAnswer::Names { names } = obey(&mut db, &CustomerAsk::Names { keys }) else { panic!() };
        let told: Vec<_> = names.iter().map(|(asked, name)| (asked.as_str(), name.clone())).collect();
        assert_eq!(
            told,
            [("as +982188201140", Some((id, "Sara".to_owned()))), ("as +989120000000", None), ("as 600", None)]
        );
    }

    #[test]
    fn earlier_calls_with_any_of_the_numbers_are_told() {
        let (_dir, mut db) = open();
        keep(&mut db, "Sara", "", &["+982188201140", "+989121112233"]);
        for (id, address) in [(1, "02188201140"), (2, "+989121112233"), (3, "+49301234567"), (4, "۰۹۱۲۱۱۱۲۲۳۳")]
        {
            let call = Interaction {
                id,
                account: AccountId(1),
                account_label: String::new(),
                direction: Direction::Incoming,
                peer: Peer { name: None, address: address.into(), uri: String::new() },
                started: UNIX_EPOCH,
                end: None,
            };
            crate::interactions::save(&db, &call).unwrap();
        }
        assert_eq!(looked(&mut db, "+989121112233", None).1, 3);
        assert_eq!(looked(&mut db, "+49301234567", None).1, 1);
    }

    #[test]
    fn injection_is_text() {
        let (_dir, mut db) = open();
        let name = "'); DROP TABLE customers; --";
        keep(&mut db, name, name, &["+982188201140"]);
        assert_eq!(looked(&mut db, "+982188201140", Some(name)).0, [name]);
        assert_eq!(found(&mut db, name), [name]);
    }
}
