//! The tables of the agent's work: `wrap_ups` (what was noted of a call, a row an entry of the call log), `former_notes`
//! (their notes before a change), `tickets`, `tasks`. Times are milliseconds since the epoch.

use crate::{fold, interactions};
use hatif_core::{
    store::{InteractionQuery, MAX_PAGE},
    text::Text,
    work::{
        FormerNotes, MAX_EXPORT, MAX_WAITING, Priority, Task, Ticket, TicketStatus, Waiting, WorkAnswer, WorkAsk,
        WrapUp,
    },
};
use rusqlite::{Connection, OptionalExtension, Result, Row, params};

/// What waits has an index of its own: it is asked for at every change. `folded` is what is searched.
pub(crate) const MIGRATIONS: &[(u32, &str)] = &[(
    10,
    "CREATE TABLE wrap_ups (
        entry       INTEGER PRIMARY KEY,
        customer    INTEGER,
        ticket      INTEGER,
        disposition TEXT NOT NULL,
        status      TEXT,
        notes       TEXT NOT NULL,
        tags        TEXT NOT NULL,
        next_action TEXT NOT NULL,
        done        INTEGER NOT NULL,
        folded      TEXT NOT NULL
    ) STRICT;
    CREATE INDEX wrap_ups_waiting ON wrap_ups (entry) WHERE done = 0;
    CREATE INDEX wrap_ups_customer ON wrap_ups (customer) WHERE customer IS NOT NULL;
    CREATE INDEX wrap_ups_ticket ON wrap_ups (ticket) WHERE ticket IS NOT NULL;
    CREATE TABLE former_notes (
        entry   INTEGER NOT NULL,
        version INTEGER NOT NULL,
        until   INTEGER NOT NULL,
        notes   TEXT NOT NULL,
        PRIMARY KEY (entry, version)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE tickets (
        id       INTEGER PRIMARY KEY AUTOINCREMENT,
        customer INTEGER,
        subject  TEXT NOT NULL,
        status   TEXT NOT NULL,
        priority TEXT NOT NULL,
        opened   INTEGER NOT NULL,
        changed  INTEGER NOT NULL
    ) STRICT;
    CREATE INDEX tickets_customer ON tickets (customer) WHERE customer IS NOT NULL;
    CREATE TABLE tasks (
        id       INTEGER PRIMARY KEY AUTOINCREMENT,
        customer INTEGER,
        ticket   INTEGER,
        name     TEXT NOT NULL,
        address  TEXT NOT NULL,
        text     TEXT NOT NULL,
        due      INTEGER NOT NULL,
        remind   INTEGER NOT NULL,
        done     INTEGER NOT NULL
    ) STRICT;
    CREATE INDEX tasks_waiting ON tasks (due) WHERE done = 0;
    CREATE INDEX tasks_customer ON tasks (customer) WHERE customer IS NOT NULL;",
)];

/// Does what was asked, in one transaction, and says what came of it.
pub(crate) fn obey(db: &mut Connection, ask: &WorkAsk) -> WorkAnswer {
    let done = db.transaction().and_then(|transaction| {
        let answer = answer(&transaction, ask)?;
        transaction.commit()?;
        Ok(answer)
    });
    done.unwrap_or_else(|error| {
        let code = error.sqlite_error().map(|failure| failure.extended_code);
        tracing::error!(code, "a question about the agent's work failed");
        WorkAnswer::Failed { text: Text::new("store.write_failed") }
    })
}

fn answer(db: &Connection, ask: &WorkAsk) -> Result<WorkAnswer> {
    Ok(match ask {
        WorkAsk::Load => WorkAnswer::Loaded { waiting: waiting(db)?, tasks: tasks(db)? },
        WorkAsk::Begin { entry, customer, now_ms } => begin(db, *entry, *customer, *now_ms)?,
        WorkAsk::Join { entry, ticket, now_ms } => join(db, *entry, *ticket, *now_ms)?,
        WorkAsk::Keep { wrap_up, now_ms } => keep(db, wrap_up, *now_ms)?,
        WorkAsk::Of { entries } => {
            let found = entries.iter().map(|entry| get(db, *entry)).collect::<Result<Vec<_>>>()?;
            WorkAnswer::WrapUps { wrap_ups: found.into_iter().flatten().collect() }
        }
        WorkAsk::Former { entry } => WorkAnswer::Former { entry: *entry, former: former(db, *entry)? },
        WorkAsk::Export { query } => export(db, query)?,
        WorkAsk::Tickets { customer } => {
            WorkAnswer::Tickets { customer: *customer, tickets: of_customer(db, *customer)? }
        }
        WorkAsk::KeepTicket { ticket, now_ms } => keep_ticket(db, ticket, *now_ms)?,
        WorkAsk::KeepTask(task) => {
            keep_task(db, task)?;
            WorkAnswer::Tasks { tasks: tasks(db)? }
        }
    })
}

// ---- wrap-ups ----

const COLUMNS: &str = "entry, customer, ticket, disposition, status, notes, tags, next_action, done";

pub(crate) fn get(db: &Connection, entry: i64) -> Result<Option<WrapUp>> {
    let sql = format!("SELECT {COLUMNS} FROM wrap_ups WHERE entry = ?1");
    db.prepare_cached(&sql)?.query_row([entry], read).optional()
}

fn read(row: &Row<'_>) -> Result<WrapUp> {
    Ok(WrapUp {
        entry: row.get::<_, i64>("entry")?.to_string(),
        customer: row.get("customer")?,
        ticket: row.get("ticket")?,
        disposition: row.get("disposition")?,
        status: row.get::<_, Option<String>>("status")?.as_deref().and_then(TicketStatus::named),
        notes: row.get("notes")?,
        tags: serde_json::from_str(row.get_ref("tags")?.as_str()?).unwrap_or_default(),
        next_action: row.get("next_action")?,
        done: row.get("done")?,
    })
}

/// Inserts or replaces by entry. An entry that is no number names no call: nothing is kept.
pub(crate) fn write(db: &Connection, wrap_up: &WrapUp) -> Result<()> {
    let Some(entry) = wrap_up.id() else { return Ok(()) };
    let tags = serde_json::to_string(&wrap_up.tags).expect("strings can be written as JSON");
    let texts = [&wrap_up.notes, &wrap_up.next_action].into_iter().map(|text| fold::fold(text));
    let folded: Vec<String> = texts.chain(wrap_up.tags.iter().map(|tag| tag_line(tag))).collect();
    db.prepare_cached(
        "INSERT OR REPLACE INTO wrap_ups (entry, customer, ticket, disposition, status, notes, tags, next_action, done, folded)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
    )?
    .execute(params![
        entry,
        wrap_up.customer,
        wrap_up.ticket,
        wrap_up.disposition,
        wrap_up.status.map(TicketStatus::name),
        wrap_up.notes,
        tags,
        wrap_up.next_action,
        wrap_up.done,
        folded.join("\n"),
    ])?;
    Ok(())
}

/// A tag's line among the folded ones, told from the others by what no text of a person holds.
pub(crate) fn tag_line(tag: &str) -> String {
    format!("\u{1}{}", fold::fold(tag))
}

/// Calls that the agent is not through with, oldest first.
fn waiting(db: &Connection) -> Result<Vec<Waiting>> {
    let sql = format!("SELECT {COLUMNS} FROM wrap_ups WHERE done = 0 ORDER BY entry DESC LIMIT ?1");
    let rows = db.prepare_cached(&sql)?.query_map([MAX_WAITING], read)?.collect::<Result<Vec<_>>>()?;
    let mut waiting = Vec::new();
    for wrap_up in rows.into_iter().rev() {
        if let Some(call) = wrap_up.id().map(|id| interactions::get(db, id)).transpose()?.flatten() {
            waiting.push(Waiting { wrap_up, call });
        }
    }
    Ok(waiting)
}

fn begin(db: &Connection, entry: i64, customer: Option<u32>, now_ms: i64) -> Result<WorkAnswer> {
    let fresh = WrapUp { entry: entry.to_string(), ..WrapUp::default() };
    let mut wrap_up = get(db, entry)?.unwrap_or(fresh);
    wrap_up.customer = customer.or(wrap_up.customer);
    let current = wrap_up.ticket.map(|id| ticket(db, id)).transpose()?.flatten();
    let mut tickets = Vec::new();
    if let Some(mut current) = current.filter(|ticket| ticket.customer == wrap_up.customer || ticket.customer.is_none())
    {
        if current.customer.is_none() && wrap_up.customer.is_some() {
            // It has become known who it is: a matter of theirs that is open is meant, not the one made for a stranger.
            tickets = open_of(db, wrap_up.customer)?;
            if tickets.is_empty() {
                current.customer = wrap_up.customer;
                write_ticket(db, &current)?;
                tickets = vec![current];
            } else {
                wrap_up.ticket = None;
                write(db, &wrap_up)?;
                discard(db, current.id)?;
            }
        } else {
            tickets = vec![current];
        }
    } else {
        // It is of somebody else: the call was handed on.
        wrap_up.ticket = None;
        tickets.extend(open_of(db, wrap_up.customer)?);
        if tickets.is_empty() {
            tickets.push(new_ticket(db, wrap_up.customer, now_ms)?);
        }
    }
    if let [only] = tickets.as_slice() {
        wrap_up.ticket = Some(only.id);
    }
    write(db, &wrap_up)?;
    Ok(WorkAnswer::Begun { wrap_up: Box::new(wrap_up), tickets })
}

fn join(db: &Connection, entry: i64, wanted: Option<u32>, now_ms: i64) -> Result<WorkAnswer> {
    let Some(mut wrap_up) = get(db, entry)? else { return Ok(WorkAnswer::Failed { text: Text::new("work.gone") }) };
    let found = match wanted {
        Some(id) => ticket(db, id)?,
        None => Some(new_ticket(db, wrap_up.customer, now_ms)?),
    };
    let Some(found) = found else { return Ok(WorkAnswer::Failed { text: Text::new("work.gone") }) };
    let before = wrap_up.ticket.replace(found.id);
    write(db, &wrap_up)?;
    if let Some(before) = before.filter(|before| *before != found.id) {
        discard(db, before)?;
    }
    Ok(WorkAnswer::Begun { wrap_up: Box::new(wrap_up), tickets: vec![found] })
}

fn keep(db: &Connection, noted: &WrapUp, now_ms: i64) -> Result<WorkAnswer> {
    let Some(entry) = noted.id() else { return Ok(WorkAnswer::Failed { text: Text::new("work.gone") }) };
    if interactions::get(db, entry)?.is_none() {
        return Ok(WorkAnswer::Failed { text: Text::new("work.gone") });
    }
    let before = get(db, entry)?.unwrap_or_default();
    if before.done && before.notes != noted.notes {
        db.prepare_cached(
            "INSERT INTO former_notes (entry, version, until, notes)
             VALUES (?1, (SELECT coalesce(max(version), 0) + 1 FROM former_notes WHERE entry = ?1), ?2, ?3)",
        )?
        .execute(params![entry, now_ms, before.notes])?;
    }
    let mut wrap_up = WrapUp { customer: before.customer, ticket: before.ticket, ..noted.clone() };
    // What was done stays so: a draft that comes late does not open it again.
    wrap_up.done |= before.done;
    if let Some(id) = wrap_up.ticket.filter(|_| wrap_up.done) {
        if let (Some(status), Some(ticket)) = (wrap_up.status, ticket(db, id)?) {
            let subject = if ticket.subject.is_empty() { subject_of(&wrap_up) } else { ticket.subject.clone() };
            write_ticket(db, &Ticket { status, subject, changed_ms: now_ms, ..ticket })?;
        } else if wrap_up.is_empty() {
            wrap_up.ticket = None;
        }
    }
    write(db, &wrap_up)?;
    if let Some(id) = before.ticket.filter(|_| wrap_up.ticket.is_none()) {
        discard(db, id)?;
    }
    Ok(WorkAnswer::Kept { wrap_up: Box::new(wrap_up) })
}

/// A ticket without a subject is called by what was noted first: its first line.
fn subject_of(wrap_up: &WrapUp) -> String {
    let texts = [&wrap_up.next_action, &wrap_up.notes];
    let first = texts.into_iter().find_map(|text| text.lines().map(str::trim).find(|line| !line.is_empty()));
    first.unwrap_or_default().chars().take(80).collect()
}

fn former(db: &Connection, entry: i64) -> Result<Vec<FormerNotes>> {
    db.prepare_cached("SELECT until, notes FROM former_notes WHERE entry = ?1 ORDER BY version DESC LIMIT ?2")?
        .query_map(params![entry, MAX_WAITING], |row| {
            Ok(FormerNotes { until_ms: row.get("until")?, notes: row.get("notes")? })
        })?
        .collect()
}

/// Forgets what was noted of a call, or of all.
pub(crate) fn forget(db: &Connection, entry: Option<i64>) -> Result<()> {
    db.prepare_cached("DELETE FROM wrap_ups WHERE entry = ?1 OR ?1 IS NULL")?.execute([entry])?;
    db.prepare_cached("DELETE FROM former_notes WHERE entry = ?1 OR ?1 IS NULL")?.execute([entry])?;
    Ok(())
}

/// All pages of a query, with what was noted.
fn export(db: &Connection, query: &InteractionQuery) -> Result<WorkAnswer> {
    let mut query = InteractionQuery { limit: MAX_PAGE, before: None, ..query.clone() };
    let mut rows = Vec::new();
    loop {
        let page = interactions::find(db, &query)?;
        for call in page.interactions {
            let wrap_up = get(db, call.id)?;
            rows.push((call, wrap_up));
        }
        query.before = page.next;
        if page.next.is_none() || rows.len() >= MAX_EXPORT {
            return Ok(WorkAnswer::Exported { rows });
        }
    }
}

// ---- tickets ----

const TICKET: &str = "id, customer, subject, status, priority, opened, changed";

fn ticket(db: &Connection, id: u32) -> Result<Option<Ticket>> {
    db.prepare_cached(&format!("SELECT {TICKET} FROM tickets WHERE id = ?1"))?.query_row([id], read_ticket).optional()
}

/// The customer's, the open ones first, of those the last changed first.
fn of_customer(db: &Connection, customer: u32) -> Result<Vec<Ticket>> {
    db.prepare_cached(&format!(
        "SELECT {TICKET} FROM tickets WHERE customer = ?1
         ORDER BY status IN ('open', 'follow_up') DESC, changed DESC, id DESC LIMIT ?2"
    ))?
    .query_map(params![customer, MAX_WAITING], read_ticket)?
    .collect()
}

fn open_of(db: &Connection, customer: Option<u32>) -> Result<Vec<Ticket>> {
    let Some(customer) = customer else { return Ok(Vec::new()) };
    Ok(of_customer(db, customer)?.into_iter().filter(|ticket| ticket.status.is_open()).collect())
}

fn read_ticket(row: &Row<'_>) -> Result<Ticket> {
    Ok(Ticket {
        id: row.get("id")?,
        customer: row.get("customer")?,
        subject: row.get("subject")?,
        status: TicketStatus::named(row.get_ref("status")?.as_str()?).unwrap_or_default(),
        priority: Priority::named(row.get_ref("priority")?.as_str()?).unwrap_or_default(),
        opened_ms: row.get("opened")?,
        changed_ms: row.get("changed")?,
    })
}

fn new_ticket(db: &Connection, customer: Option<u32>, now_ms: i64) -> Result<Ticket> {
    let ticket = Ticket { customer, opened_ms: now_ms, changed_ms: now_ms, ..Ticket::default() };
    write_ticket(db, &ticket)?;
    Ok(Ticket { id: u32::try_from(db.last_insert_rowid()).unwrap_or(u32::MAX), ..ticket })
}

fn write_ticket(db: &Connection, ticket: &Ticket) -> Result<()> {
    db.prepare_cached(
        "INSERT OR REPLACE INTO tickets (id, customer, subject, status, priority, opened, changed)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )?
    .execute(params![
        (ticket.id != 0).then_some(ticket.id),
        ticket.customer,
        ticket.subject,
        ticket.status.name(),
        ticket.priority.name(),
        ticket.opened_ms,
        ticket.changed_ms,
    ])?;
    Ok(())
}

fn keep_ticket(db: &Connection, wanted: &Ticket, now_ms: i64) -> Result<WorkAnswer> {
    let Some(before) = ticket(db, wanted.id)? else { return Ok(WorkAnswer::Failed { text: Text::new("work.gone") }) };
    let (subject, status, priority) = (wanted.subject.clone(), wanted.status, wanted.priority);
    write_ticket(db, &Ticket { subject, status, priority, changed_ms: now_ms, ..before.clone() })?;
    let customer = before.customer.unwrap_or(0);
    Ok(WorkAnswer::Tickets { customer, tickets: of_customer(db, customer)? })
}

/// Takes away a ticket that nothing was written to and no call or task belongs to.
fn discard(db: &Connection, id: u32) -> Result<()> {
    db.prepare_cached(
        "DELETE FROM tickets WHERE id = ?1 AND subject = '' AND opened = changed
         AND NOT EXISTS (SELECT 1 FROM wrap_ups WHERE ticket = ?1) AND NOT EXISTS (SELECT 1 FROM tasks WHERE ticket = ?1)",
    )?
    .execute([id])?;
    Ok(())
}

// ---- tasks ----

fn keep_task(db: &Connection, task: &Task) -> Result<()> {
    db.prepare_cached(
        "INSERT OR REPLACE INTO tasks (id, customer, ticket, name, address, text, due, remind, done)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
    )?
    .execute(params![
        (task.id != 0).then_some(task.id),
        task.customer,
        task.ticket,
        task.name,
        task.address,
        task.text,
        task.due_ms,
        task.remind_min,
        task.done,
    ])?;
    Ok(())
}

fn tasks(db: &Connection) -> Result<Vec<Task>> {
    let read = |row: &Row<'_>| {
        Ok(Task {
            id: row.get("id")?,
            customer: row.get("customer")?,
            ticket: row.get("ticket")?,
            name: row.get("name")?,
            address: row.get("address")?,
            text: row.get("text")?,
            due_ms: row.get("due")?,
            remind_min: row.get("remind")?,
            done: row.get("done")?,
        })
    };
    db.prepare_cached(
        "SELECT id, customer, ticket, name, address, text, due, remind, done FROM tasks
         WHERE done = 0 ORDER BY due, id LIMIT ?1",
    )?
    .query_map([MAX_WAITING], read)?
    .collect()
}

#[cfg(test)]
mod tests;
