//! A customer erased on request: what names them goes, their calls stay in the log without them.
//!
//! | of them                                    | becomes                                                        |
//! |--------------------------------------------|----------------------------------------------------------------|
//! | the customer, their numbers, words, tickets | gone                                                           |
//! | tasks for them or their numbers             | gone                                                           |
//! | calls                                      | kept, without name, number and URI                             |
//! | what was noted of these calls              | disposition (a code) and status are kept; words, tags are gone  |
//! | recordings of these calls                  | deleted before, by who holds the files                          |
//!
//! What is deleted is overwritten in the file (`secure_delete`), the search's index is written anew without them, and the
//! write-ahead log is emptied: no byte of them is left in the database.

use crate::{customers, fold};
use hatif_core::{
    customer::{CustomerAnswer, RecordingOfCall, tail},
    ids::AccountId,
    text::Text,
};
use rusqlite::{Connection, OptionalExtension, Result, params};
use std::collections::BTreeSet;

/// What may be theirs: by their numbers' last digits, which others may share, or (`None`) surely, by what was noted.
pub(crate) fn belongings(db: &Connection, request: u64, customer: u32) -> Result<CustomerAnswer> {
    let keys = customers::keys(db, customer)?;
    let there = db.query_row("SELECT 1 FROM customers WHERE id = ?1", [customer], |_| Ok(())).optional()?;
    if there.is_none() {
        return Ok(CustomerAnswer::Failed { request, text: Text::new("customer.gone") });
    }
    let tails: BTreeSet<String> = keys.iter().map(|key| tail(key)).collect();
    let mut calls = Vec::new();
    let mut by_number = db.prepare_cached("SELECT id, account, peer_address FROM interactions WHERE tail = ?1")?;
    for tail in &tails {
        let rows = by_number
            .query_map([tail], |row| Ok((row.get(0)?, Some((AccountId(row.get(1)?), row.get::<_, String>(2)?)))))?;
        calls.extend(rows.collect::<Result<Vec<_>>>()?);
    }
    let mut by_notes = db.prepare_cached("SELECT entry FROM wrap_ups WHERE customer = ?1")?;
    calls.extend(by_notes.query_map([customer], |row| Ok((row.get(0)?, None)))?.collect::<Result<Vec<_>>>()?);
    let mut recordings = Vec::new();
    let mut of_call = db.prepare_cached("SELECT name, held, length IS NULL FROM recordings WHERE interaction = ?1")?;
    for call in calls.iter().map(|(id, _)| *id).collect::<BTreeSet<i64>>() {
        let rows = of_call.query_map([call], |row| {
            Ok(RecordingOfCall { name: row.get(0)?, call, held: row.get(1)?, running: row.get(2)? })
        })?;
        recordings.extend(rows.collect::<Result<Vec<_>>>()?);
    }
    let tasks = db
        .prepare_cached("SELECT id, address FROM tasks WHERE address <> ''")?
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<Result<Vec<(u32, String)>>>()?;
    let tasks = tasks.into_iter().filter(|(_, address)| tails.contains(&tail(address))).collect();
    Ok(CustomerAnswer::Belongings { request, customer, keys, calls, recordings, tasks })
}

/// All of it or nothing.
pub(crate) fn erase(
    db: &mut Connection,
    request: u64,
    customer: u32,
    calls: &[i64],
    tasks: &[u32],
) -> Result<CustomerAnswer> {
    let transaction = db.transaction()?;
    forget_tickets(&transaction, customer, calls)?;
    for call in calls {
        forget_call(&transaction, *call)?;
    }
    for task in tasks {
        transaction.prepare_cached("DELETE FROM tasks WHERE id = ?1")?.execute([task])?;
    }
    transaction.execute("DELETE FROM tasks WHERE customer = ?1", [customer])?;
    transaction.execute("UPDATE wrap_ups SET customer = NULL WHERE customer = ?1", [customer])?;
    customers::remove(&transaction, customer)?;
    transaction.execute("INSERT INTO customers_words (customers_words) VALUES ('optimize')", [])?;
    transaction.commit()?;
    db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
    Ok(CustomerAnswer::Erased { request, customer, calls: calls.to_vec() })
}

/// Those of the customer, and those that the calls belong to: their subjects are words about them.
fn forget_tickets(db: &Connection, customer: u32, calls: &[i64]) -> Result<()> {
    let mut gone: BTreeSet<u32> = db
        .prepare_cached("SELECT id FROM tickets WHERE customer = ?1")?
        .query_map([customer], |row| row.get(0))?
        .collect::<Result<_>>()?;
    let mut of_call = db.prepare_cached("SELECT ticket FROM wrap_ups WHERE entry = ?1 AND ticket IS NOT NULL")?;
    for call in calls {
        gone.extend(of_call.query_row([call], |row| row.get::<_, u32>(0)).optional()?);
    }
    for ticket in gone {
        db.prepare_cached("UPDATE wrap_ups SET ticket = NULL WHERE ticket = ?1")?.execute([ticket])?;
        db.prepare_cached("UPDATE tasks SET ticket = NULL WHERE ticket = ?1")?.execute([ticket])?;
        db.prepare_cached("DELETE FROM tickets WHERE id = ?1")?.execute([ticket])?;
    }
    Ok(())
}

fn forget_call(db: &Connection, call: i64) -> Result<()> {
    let label: Option<String> = db
        .prepare_cached("SELECT account_label FROM interactions WHERE id = ?1")?
        .query_row([call], |row| row.get(0))
        .optional()?;
    db.prepare_cached(
        "UPDATE interactions SET peer_name = NULL, peer_address = '', peer_uri = '', tail = '', folded = ?2 WHERE id = ?1",
    )?
    .execute(params![call, fold::row(None, "", label.as_deref().unwrap_or_default())])?;
    db.prepare_cached(
        "UPDATE wrap_ups SET notes = '', tags = '[]', next_action = '', folded = '', done = 1,
             disposition = iif(disposition GLOB '*[^a-z_]*', '', disposition) WHERE entry = ?1",
    )?
    .execute([call])?;
    db.prepare_cached("DELETE FROM former_notes WHERE entry = ?1")?.execute([call])?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{database, interactions, work};
    use hatif_core::{
        call::{Direction, EndReason, Peer},
        customer::{Customer, CustomerAsk},
        store::{Interaction, InteractionEnd},
        work::{Task, WorkAsk, WrapUp},
    };
    use std::time::{Duration, UNIX_EPOCH};

    fn call(db: &Connection, id: i64, name: &str, address: &str) {
        let interaction = Interaction {
            id,
            account: AccountId(1),
            account_label: "Office".into(),
            direction: Direction::Incoming,
            peer: Peer { name: Some(name.into()), address: address.into(), uri: format!("sip:{address}@pbx") },
            started: UNIX_EPOCH + Duration::from_secs(1_700_000_000),
            end: Some(InteractionEnd { reason: EndReason::RemoteHangUp, talked: Duration::from_secs(9) }),
        };
        interactions::save(db, &interaction).unwrap();
    }

    fn noted(db: &mut Connection, entry: i64, notes: &str) {
        let wrap_up = WrapUp {
            entry: entry.to_string(),
            disposition: "order".into(),
            notes: notes.into(),
            tags: vec![format!("tag {notes}")],
            ..WrapUp::default()
        };
        work::obey(db, &WorkAsk::Keep { wrap_up: Box::new(wrap_up), now_ms: 1 });
    }

    #[test]
    fn no_byte_of_them_is_left_and_the_others_stay() {
        let dir = tempfile::tempdir().unwrap();
        let mut db = database::open(dir.path()).db;
        let keep = |db: &mut Connection, name: &str, number: &str| {
            let customer = Customer {
                name: name.into(),
                numbers: vec![number.into()],
                notes: format!("{name} pays late"),
                ..Customer::default()
            };
            let ask = CustomerAsk::Save { request: 1, customer: Box::new(customer), keys: vec![number.into()] };
            let CustomerAnswer::Saved { customer, .. } = customers::obey(db, &ask) else { panic!("kept") };
            customer.id
        };
        let them = keep(&mut db, "Zarafshan", "+982188201140");
        let other = keep(&mut db, "Köhler", "+43158058000");
        call(&db, 1, "Zarafshan", "02188201140");
        call(&db, 2, "Köhler", "+43158058000");
        call(&db, 3, "Zarafshan at home", "+4930999999");
        work::obey(&mut db, &WorkAsk::Begin { entry: 1, customer: Some(them), now_ms: 1 });
        noted(&mut db, 1, "Zarafshan wants 88");
        noted(&mut db, 1, "Zarafshan wants 99");
        work::obey(&mut db, &WorkAsk::Begin { entry: 3, customer: Some(them), now_ms: 1 });
        noted(&mut db, 2, "Köhler calls again");
        for (name, address) in [("Zarafshan", "021 8820 1140"), ("Köhler", "+43158058000")] {
            let task = Task { name: name.into(), address: address.into(), text: name.into(), ..Task::default() };
            work::obey(&mut db, &WorkAsk::KeepTask(Box::new(task)));
        }

        let Ok(CustomerAnswer::Belongings { keys, calls, recordings, tasks, .. }) = belongings(&db, 7, them) else {
            panic!("they are there")
        };
        let ids: BTreeSet<i64> = calls.iter().map(|(id, _)| *id).collect();
        assert_eq!((keys, ids), (vec!["+982188201140".to_owned()], BTreeSet::from([1, 3])));
        assert_eq!((recordings.len(), tasks.len()), (0, 1));
        let answer = erase(&mut db, 7, them, &[1, 3], &[tasks[0].0]).unwrap();
        assert_eq!(answer, CustomerAnswer::Erased { request: 7, customer: them, calls: vec![1, 3] });
        assert!(matches!(belongings(&db, 7, them), Ok(CustomerAnswer::Failed { .. })), "twice is an answer, too");

        let (rows, unreadable) = interactions::load(&db).unwrap();
        assert_eq!((rows.len(), unreadable), (3, 0), "no call is gone");
        let nobody = Peer { name: None, address: String::new(), uri: String::new() };
        let erased: Vec<bool> = rows.iter().map(|row| row.peer == nobody).collect();
        assert_eq!(erased, [true, false, true]);
        assert_eq!(
            work::get(&db, 1).unwrap().map(|kept| (kept.disposition, kept.notes)),
            Some(("order".into(), String::new()))
        );
        assert!(work::get(&db, 2).unwrap().is_some_and(|kept| kept.notes == "Köhler calls again"));
        assert!(belongings(&db, 7, other).is_ok_and(|answer| matches!(answer, CustomerAnswer::Belongings { .. })));

        drop(db);
        for file in std::fs::read_dir(dir.path()).unwrap() {
            let path = file.unwrap().path();
            let bytes = std::fs::read(&path).unwrap();
            let holds = |text: &str| bytes.windows(text.len()).any(|part| part.eq_ignore_ascii_case(text.as_bytes()));
            for theirs in ["zarafshan", "88201140", "8820 1140", "999999"] {
                assert!(!holds(theirs), "{theirs} is in {}", path.display());
            }
            if path.extension().is_some_and(|extension| extension == "db") {
                assert!(holds("hler calls again"), "the search for bytes finds what is there");
            }
        }
    }
}
