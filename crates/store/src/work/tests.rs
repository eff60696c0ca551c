use super::*;
use crate::database;
use hatif_core::{
    call::{Direction, Peer},
    ids::AccountId,
    store::Interaction,
};
use std::time::UNIX_EPOCH;

fn open() -> (tempfile::TempDir, Connection) {
    let dir = tempfile::tempdir().unwrap();
    let db = database::open(dir.path()).db;
    for id in 10..20 {
        let call = Interaction {
            id,
            account: AccountId(1),
            account_label: String::new(),
            direction: Direction::Incoming,
            peer: Peer { name: None, address: "+982188201140".into(), uri: String::new() },
            started: UNIX_EPOCH,
            end: None,
        };
        interactions::save(&db, &call).unwrap();
    }
    (dir, db)
}

fn begun(db: &mut Connection, entry: i64, customer: Option<u32>) -> (WrapUp, Vec<u32>) {
    match obey(db, &WorkAsk::Begin { entry, customer, now_ms: entry * 100 }) {
        WorkAnswer::Begun { wrap_up, tickets } => (*wrap_up, tickets.iter().map(|ticket| ticket.id).collect()),
        other => panic!("{other:?}"),
    }
}

fn kept(db: &mut Connection, wrap_up: WrapUp) -> WrapUp {
    match obey(db, &WorkAsk::Keep { wrap_up: Box::new(wrap_up), now_ms: 9_000 }) {
        WorkAnswer::Kept { wrap_up } => *wrap_up,
        other => panic!("{other:?}"),
    }
}

fn noted(entry: i64, notes: &str, status: Option<TicketStatus>, done: bool) -> WrapUp {
    WrapUp { entry: entry.to_string(), notes: notes.into(), status, done, ..WrapUp::default() }
}

fn waits(db: &mut Connection) -> Vec<String> {
    match obey(db, &WorkAsk::Load) {
        WorkAnswer::Loaded { waiting, .. } => waiting.into_iter().map(|waiting| waiting.wrap_up.notes).collect(),
        other => panic!("{other:?}"),
    }
}

fn tickets(db: &Connection) -> Vec<(u32, Option<u32>, String, TicketStatus)> {
    let sql = format!("SELECT {TICKET} FROM tickets ORDER BY id");
    let rows = db.prepare(&sql).unwrap().query_map([], read_ticket).unwrap().collect::<Result<Vec<_>>>().unwrap();
    rows.into_iter().map(|ticket| (ticket.id, ticket.customer, ticket.subject, ticket.status)).collect()
}

#[test]
fn what_was_noted_waits_until_the_agent_is_through_with_it() {
    let (dir, mut db) = open();
    for (entry, notes) in [(10, "first"), (11, "second"), (11, "second, longer")] {
        begun(&mut db, entry, None);
        kept(&mut db, noted(entry, notes, None, false));
    }
    let unknown = obey(&mut db, &WorkAsk::Keep { wrap_up: Box::new(noted(99, "no call", None, true)), now_ms: 0 });
    assert_eq!(unknown, WorkAnswer::Failed { text: Text::new("work.gone") });
    assert_eq!(waits(&mut db), ["first", "second, longer"]);
    kept(&mut db, noted(10, "first", Some(TicketStatus::Closed), true));
    assert_eq!(waits(&mut db), ["second, longer"]);
    // Another process's start finds it: it is on the disk.
    drop(db);
    let mut db = database::open(dir.path()).db;
    assert_eq!(waits(&mut db), ["second, longer"]);
    // A draft that comes late does not open again what was done.
    assert!(kept(&mut db, noted(10, "late", None, false)).done);
    // Deleted from the log, forgotten with it.
    interactions::delete(&db, 11).unwrap();
    assert!(waits(&mut db).is_empty() && get(&db, 11).unwrap().is_none());
    interactions::clear(&db).unwrap();
    assert!(get(&db, 10).unwrap().is_none() && former(&db, 10).unwrap().is_empty());
}

#[test]
fn a_call_joins_the_customers_open_ticket_or_asks_which() {
    let (_dir, mut db) = open();
    let (first, offered) = begun(&mut db, 10, Some(7));
    assert_eq!((first.ticket, offered), (Some(1), vec![1]), "a new one");
    kept(&mut db, noted(10, "order 88\nis late", Some(TicketStatus::FollowUp), true));
    assert_eq!(begun(&mut db, 11, Some(7)).1, [1], "joined");
    assert_eq!(begun(&mut db, 12, Some(8)).1, [2], "somebody else's is their own");
    let WorkAnswer::Begun { wrap_up, .. } = obey(&mut db, &WorkAsk::Join { entry: 11, ticket: None, now_ms: 5 }) else {
        panic!("no new one")
    };
    assert_eq!(wrap_up.ticket, Some(3), "split off");
    let (asked, offered) = begun(&mut db, 13, Some(7));
    assert_eq!((asked.ticket, offered), (None, vec![1, 3]), "which of two");
    obey(&mut db, &WorkAsk::Join { entry: 13, ticket: Some(1), now_ms: 6 });
    kept(&mut db, noted(13, "arrived", Some(TicketStatus::Resolved), true));
    kept(&mut db, noted(11, "paid", Some(TicketStatus::Closed), true));
    assert_eq!(
        tickets(&db).into_iter().filter(|(_, customer, ..)| *customer == Some(7)).collect::<Vec<_>>(),
        [(1, Some(7), "order 88".into(), TicketStatus::Resolved), (3, Some(7), "paid".into(), TicketStatus::Closed)]
    );
    assert_eq!(begun(&mut db, 14, Some(7)).1, [4], "nothing is open any more: a new one");
}

#[test]
fn a_strangers_ticket_becomes_the_customers_once_they_are_known() {
    let (_dir, mut db) = open();
    assert_eq!(begun(&mut db, 10, None).1, [1]);
    assert_eq!(begun(&mut db, 10, Some(7)).1, [1]);
    assert_eq!(tickets(&db), [(1, Some(7), String::new(), TicketStatus::Open)]);
    // The next stranger turns out to be the same: theirs is joined, the stranger's goes.
    assert_eq!(begun(&mut db, 11, None).1, [2]);
    assert_eq!(begun(&mut db, 11, Some(7)).1, [1]);
    assert_eq!(tickets(&db).len(), 1);
    // Looked up again, nothing changes.
    assert_eq!(begun(&mut db, 11, None).0.customer, Some(7));
    assert_eq!(begun(&mut db, 11, Some(7)).1, [1]);
}

#[test]
fn a_call_of_which_nothing_is_noted_leaves_no_ticket() {
    let (_dir, mut db) = open();
    begun(&mut db, 10, None);
    kept(&mut db, noted(10, "", None, true));
    assert!(tickets(&db).is_empty());
    begun(&mut db, 11, None);
    kept(&mut db, noted(11, "", Some(TicketStatus::Closed), true));
    assert_eq!(tickets(&db).len(), 1);
}

#[test]
fn notes_that_were_done_keep_what_they_were() {
    let (_dir, mut db) = open();
    begun(&mut db, 10, None);
    kept(&mut db, noted(10, "draft", None, false));
    for notes in ["one", "two", "two", "three"] {
        kept(&mut db, noted(10, notes, Some(TicketStatus::Open), true));
    }
    let notes: Vec<String> = former(&db, 10).unwrap().into_iter().map(|former| former.notes).collect();
    assert_eq!(notes, ["two", "one"]);
    assert_eq!(get(&db, 10).unwrap().unwrap().notes, "three");
}

#[test]
fn calls_are_found_by_what_was_noted_of_them() {
    let (_dir, mut db) = open();
    let tagged = |entry: i64, disposition: &str, status, notes: &str, tags: &[&str]| WrapUp {
        disposition: disposition.into(),
        tags: tags.iter().map(|tag| (*tag).to_owned()).collect(),
        ..noted(entry, notes, Some(status), true)
    };
    kept(&mut db, tagged(10, "complaint", TicketStatus::Open, "فاتورة كريم", &["late", "VIP"]));
    kept(&mut db, tagged(11, "complaint", TicketStatus::Closed, "", &["later"]));
    kept(&mut db, tagged(12, "order", TicketStatus::Open, "late", &[]));
    let mut found = |query: InteractionQuery| {
        let all = InteractionQuery { limit: 50, ..query };
        let ids: Vec<i64> = interactions::find(&db, &all).unwrap().interactions.iter().map(|row| row.id).collect();
        // What is exported is what is found.
        let WorkAnswer::Exported { rows } = obey(&mut db, &WorkAsk::Export { query: Box::new(all) }) else { panic!() };
        assert_eq!(rows.iter().map(|(call, _)| call.id).collect::<Vec<_>>(), ids);
        ids
    };
    let any = InteractionQuery::default;
    assert_eq!(found(InteractionQuery { disposition: "complaint".into(), ..any() }), [11, 10]);
    assert_eq!(found(InteractionQuery { status: Some(TicketStatus::Open), ..any() }), [12, 10]);
    assert_eq!(found(InteractionQuery { tag: "LATE".into(), ..any() }), [10], "a whole tag, no note");
    assert_eq!(found(InteractionQuery { tag: "vip".into(), disposition: "order".into(), ..any() }), [0; 0]);
    assert_eq!(found(InteractionQuery { text: "فاتوره کریم".into(), ..any() }), [10]);
    assert_eq!(found(InteractionQuery { text: "late 8820".into(), ..any() }), [12, 11, 10]);
    assert_eq!(found(any()).len(), 10);
}

#[test]
fn tasks_come_in_the_order_in_which_they_are_due() {
    let (_dir, mut db) = open();
    let mut keep = |task: Task| match obey(&mut db, &WorkAsk::KeepTask(Box::new(task))) {
        WorkAnswer::Tasks { tasks } => tasks,
        other => panic!("{other:?}"),
    };
    for (text, due_ms) in [("later", 3000), ("overdue", -5), ("soon", 2000)] {
        keep(Task { text: text.into(), due_ms, ..Task::default() });
    }
    let mut first = keep(Task { text: "last".into(), due_ms: 9000, ..Task::default() }).remove(0);
    let texts = |tasks: Vec<Task>| tasks.into_iter().map(|task| task.text).collect::<Vec<_>>();
    assert_eq!(first.text, "overdue");
    first.due_ms = 4000;
    assert_eq!(texts(keep(first.clone())), ["soon", "later", "overdue", "last"]);
    first.done = true;
    assert_eq!(texts(keep(first.clone())), ["soon", "later", "last"]);
    first.done = false;
    assert_eq!(keep(first).len(), 4, "undone");
}
