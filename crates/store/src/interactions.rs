//! The table `interactions`: the call log. A row is written when a call appears and replaced when it ends; one
//! without an end, found at start, was cut off with the process that wrote it.
//!
//! Rows are never pruned here: history is what the agent looks at. A row takes about 200 bytes.

use crate::{fold, work};
use hatif_core::{
    call::{Direction, EndReason, Peer},
    customer,
    ids::AccountId,
    store::{Interaction, InteractionEnd, InteractionPage, InteractionQuery, MAX_PAGE},
    text::{self, Text},
};
use rusqlite::{Connection, OptionalExtension, Result, Row, params, params_from_iter, types::Value};
use std::{
    collections::BTreeMap,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

/// Times are milliseconds since the epoch, durations milliseconds. `end_code`, `end_params` (a JSON object of
/// strings) and `end_status` belong to `failed`; the first two also to
/// `turned_away`.
///
/// `folded` is what is searched ([`fold::row`]), `tail` the end of the number ([`customer::tail`]); the functions of those
/// names are there while a migration runs.
pub(crate) const MIGRATIONS: &[(u32, &str)] = &[
    (
        3,
        "CREATE TABLE interactions (
        id            INTEGER PRIMARY KEY,
        account       INTEGER NOT NULL,
        account_label TEXT NOT NULL,
        direction     TEXT NOT NULL,
        peer_name     TEXT,
        peer_address  TEXT NOT NULL,
        peer_uri      TEXT NOT NULL,
        started       INTEGER NOT NULL,
        end_reason    TEXT,
        end_code      TEXT,
        end_params    TEXT,
        end_status    INTEGER,
        talked        INTEGER
    ) STRICT;
    CREATE INDEX interactions_running ON interactions (id) WHERE end_reason IS NULL;",
    ),
    (
        4,
        "ALTER TABLE interactions ADD COLUMN folded TEXT NOT NULL DEFAULT '';
    UPDATE interactions SET folded = fold_row(peer_name, peer_address, account_label);",
    ),
    (
        7,
        "ALTER TABLE interactions ADD COLUMN tail TEXT NOT NULL DEFAULT '';
    UPDATE interactions SET tail = number_tail(peer_address);
    CREATE INDEX interactions_tail ON interactions (tail, id);",
    ),
];

/// As many as `StoreEvent::Loaded` carries.
const NEWEST: u32 = 500;

/// What [`read`] reads.
const COLUMNS: &str = "id, account, account_label, direction, peer_name, peer_address, peer_uri, started, end_reason, \
                       end_code, end_params, end_status, talked";

/// The newest, newest first, and how many rows could not be read.
pub(crate) fn load(db: &Connection) -> Result<(Vec<Interaction>, usize)> {
    let mut statement = db.prepare_cached(&format!("SELECT {COLUMNS} FROM interactions ORDER BY id DESC LIMIT ?1"))?;
    let rows = statement.query_map([NEWEST], read)?.collect::<Result<Vec<_>>>()?;
    let unreadable = rows.iter().filter(|row| row.is_none()).count();
    Ok((rows.into_iter().flatten().collect(), unreadable))
}

/// One page of what the query finds, newest first. Rows that can't be read are left out.
///
/// A search reads the table from its newest row on until the page is full: 100,000 rows in tens of milliseconds. That
/// is as quick as it need be, finds a part of a word of any length, and costs a write nothing but the folded text.
pub(crate) fn find(db: &Connection, query: &InteractionQuery) -> Result<InteractionPage> {
    let limit = query.limit.clamp(1, MAX_PAGE);
    let mut wheres = vec!["id < ?1".to_owned()];
    let mut values: Vec<Value> = vec![query.before.unwrap_or(i64::MAX).into()];
    let mut narrow = |condition: &str, value: Value| {
        values.push(value);
        wheres.push(condition.replace('?', &format!("?{}", values.len())));
    };
    if let Some(direction) = query.direction {
        narrow("direction = ?", direction_name(direction).to_owned().into());
    }
    if query.missed {
        narrow("end_reason IN (?, 'turned_away')", reason_name(&EndReason::Missed).to_owned().into());
    }
    if let Some(account) = query.account {
        narrow("account = ?", i64::from(account.0).into());
    }
    if let Some(from) = query.from {
        narrow("started >= ?", to_millis(from).into());
    }
    if let Some(until) = query.until {
        narrow("started < ?", to_millis(until).into());
    }
    for word in fold::needles(&query.text) {
        narrow(
            "(instr(interactions.folded, ?)
              OR EXISTS (SELECT 1 FROM wrap_ups WHERE entry = interactions.id AND instr(wrap_ups.folded, ?)))",
            word.into(),
        );
    }
    if !query.disposition.is_empty() {
        narrow("id IN (SELECT entry FROM wrap_ups WHERE disposition = ?)", query.disposition.clone().into());
    }
    if let Some(status) = query.status {
        narrow("id IN (SELECT entry FROM wrap_ups WHERE status = ?)", status.name().to_owned().into());
    }
    if !query.tag.is_empty() {
        let line = format!("{}\n", work::tag_line(&query.tag));
        narrow("id IN (SELECT entry FROM wrap_ups WHERE instr(folded || char(10), ?))", line.into());
    }
    // One more than the page shows whether there is another.
    let sql = format!(
        "SELECT {COLUMNS} FROM interactions WHERE {} ORDER BY id DESC LIMIT {}",
        wheres.join(" AND "),
        limit + 1
    );
    let mut statement = db.prepare_cached(&sql)?;
    let found = statement
        .query_map(params_from_iter(values), |row| Ok((row.get("id")?, read(row)?)))?
        .collect::<Result<Vec<(i64, _)>>>()?;
    let page = &found[..found.len().min(limit as usize)];
    let next = if found.len() > page.len() { page.last().map(|(id, _)| *id) } else { None };
    Ok(InteractionPage { interactions: page.iter().filter_map(|(_, row)| row.clone()).collect(), next })
}

/// The newest calls with numbers of this tail, newest first.
pub(crate) fn with_tail(db: &Connection, tail: &str, limit: u32) -> Result<Vec<Interaction>> {
    let sql = format!("SELECT {COLUMNS} FROM interactions WHERE tail = ?1 ORDER BY id DESC LIMIT ?2");
    let mut statement = db.prepare_cached(&sql)?;
    let rows = statement.query_map(params![tail, limit], read)?.collect::<Result<Vec<_>>>()?;
    Ok(rows.into_iter().flatten().collect())
}

pub(crate) fn get(db: &Connection, id: i64) -> Result<Option<Interaction>> {
    let mut statement = db.prepare_cached(&format!("SELECT {COLUMNS} FROM interactions WHERE id = ?1"))?;
    Ok(statement.query_row([id], read).optional()?.flatten())
}

fn read(row: &Row<'_>) -> Result<Option<Interaction>> {
    let direction = match row.get_ref("direction")?.as_str()? {
        "incoming" => Direction::Incoming,
        "outgoing" => Direction::Outgoing,
        _ => return Ok(None),
    };
    let Ok(account) = u32::try_from(row.get::<_, i64>("account")?) else { return Ok(None) };
    let Some(started) = from_millis(row.get("started")?) else { return Ok(None) };
    let peer = Peer { name: row.get("peer_name")?, address: row.get("peer_address")?, uri: row.get("peer_uri")? };
    Ok(Some(Interaction {
        id: row.get("id")?,
        account: AccountId(account),
        account_label: row.get("account_label")?,
        direction,
        peer,
        started,
        end: read_end(row)?,
    }))
}

fn read_end(row: &Row<'_>) -> Result<Option<InteractionEnd>> {
    let Some(reason) = row.get::<_, Option<String>>("end_reason")? else { return Ok(None) };
    let reason = match reason.as_str() {
        "local_hang_up" => EndReason::LocalHangUp,
        "remote_hang_up" => EndReason::RemoteHangUp,
        "cancelled" => EndReason::Cancelled,
        "declined" => EndReason::Declined,
        "missed" => EndReason::Missed,
        "answered_elsewhere" => EndReason::AnsweredElsewhere,
        "forwarded" => EndReason::Forwarded,
        "busy" => EndReason::Busy,
        "no_answer" => EndReason::NoAnswer,
        "rejected" => EndReason::Rejected,
        "transferred" => EndReason::Transferred,
        "replaced" => EndReason::Replaced,
        "turned_away" => EndReason::TurnedAway { text: read_text(row.get("end_code")?, row.get("end_params")?) },
        // "failed", and whatever a later version may have written.
        _ => EndReason::Failed {
            text: read_text(row.get("end_code")?, row.get("end_params")?),
            status: row.get::<_, Option<i64>>("end_status")?.and_then(|status| u16::try_from(status).ok()),
        },
    };
    let talked = row.get::<_, Option<i64>>("talked")?.and_then(|ms| u64::try_from(ms).ok()).unwrap_or(0);
    Ok(Some(InteractionEnd { reason, talked: Duration::from_millis(talked) }))
}

/// A code or a parameter that this version does not know has no words in its catalogues.
fn read_text(code: Option<String>, params: Option<String>) -> Text {
    let Some(code) = code.as_deref().and_then(text::known) else { return Text::new("call.failed_other") };
    let params: BTreeMap<String, String> = params.and_then(|json| serde_json::from_str(&json).ok()).unwrap_or_default();
    params
        .into_iter()
        .filter_map(|(name, value)| Some((text::known_param(&name)?, value)))
        .fold(Text::new(code), |text, (name, value)| text.with(name, value))
}

/// Inserts or replaces by id. Times are kept to the millisecond.
pub(crate) fn save(db: &Connection, interaction: &Interaction) -> Result<()> {
    let end = interaction.end.as_ref();
    let (text, status) = match end.map(|end| &end.reason) {
        Some(EndReason::Failed { text, status }) => (Some(text), *status),
        Some(EndReason::TurnedAway { text }) => (Some(text), None),
        _ => (None, None),
    };
    let params = text
        .filter(|text| !text.params.is_empty())
        .map(|text| serde_json::to_string(&text.params).expect("a map of strings to strings can be written as JSON"));
    db.prepare_cached(
        "INSERT OR REPLACE INTO interactions (id, account, account_label, direction, peer_name, peer_address, peer_uri,
                                              started, end_reason, end_code, end_params, end_status, talked, folded, tail)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)",
    )?
    .execute(params![
        interaction.id,
        interaction.account.0,
        interaction.account_label,
        direction_name(interaction.direction),
        interaction.peer.name,
        interaction.peer.address,
        interaction.peer.uri,
        to_millis(interaction.started),
        end.map(|end| reason_name(&end.reason)),
        text.map(|text| text.code),
        params,
        status,
        end.map(|end| i64::try_from(end.talked.as_millis()).unwrap_or(i64::MAX)),
        fold::row(interaction.peer.name.as_deref(), &interaction.peer.address, &interaction.account_label),
        customer::tail(&interaction.peer.address),
    ])?;
    Ok(())
}

fn direction_name(direction: Direction) -> &'static str {
    match direction {
        Direction::Incoming => "incoming",
        Direction::Outgoing => "outgoing",
    }
}

fn reason_name(reason: &EndReason) -> &'static str {
    match reason {
        EndReason::LocalHangUp => "local_hang_up",
        EndReason::RemoteHangUp => "remote_hang_up",
        EndReason::Cancelled => "cancelled",
        EndReason::Declined => "declined",
        EndReason::Missed => "missed",
        EndReason::AnsweredElsewhere => "answered_elsewhere",
        EndReason::Forwarded => "forwarded",
        EndReason::Busy => "busy",
        EndReason::NoAnswer => "no_answer",
        EndReason::Rejected => "rejected",
        EndReason::Transferred => "transferred",
        EndReason::Replaced => "replaced",
        EndReason::TurnedAway { .. } => "turned_away",
        EndReason::Failed { .. } => "failed",
    }
}

/// Ends what a crash left running. Only at start: later, such a row is a call of this process.
pub(crate) fn end_interrupted(db: &Connection) -> Result<()> {
    db.execute(
        "UPDATE interactions SET end_reason = 'failed', end_code = 'call.interrupted', talked = 0
         WHERE end_reason IS NULL",
        [],
    )?;
    Ok(())
}

pub(crate) fn delete(db: &Connection, id: i64) -> Result<()> {
    db.prepare_cached("DELETE FROM interactions WHERE id = ?1")?.execute([id])?;
    work::forget(db, Some(id))
}

pub(crate) fn clear(db: &Connection) -> Result<()> {
    db.execute("DELETE FROM interactions", [])?;
    work::forget(db, None)
}

/// Milliseconds since the epoch, negative before it.
fn to_millis(time: SystemTime) -> i64 {
    match time.duration_since(UNIX_EPOCH) {
        Ok(after) => i64::try_from(after.as_millis()).unwrap_or(i64::MAX),
        Err(before) => i64::try_from(before.duration().as_millis()).map_or(i64::MIN, |ms| -ms),
    }
}

fn from_millis(ms: i64) -> Option<SystemTime> {
    let distance = Duration::from_millis(ms.unsigned_abs());
    if ms < 0 { UNIX_EPOCH.checked_sub(distance) } else { UNIX_EPOCH.checked_add(distance) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::database;

    const ROWS: i64 = 3_000;

    /// A log with calls of all kinds, oldest first; row `id` began at second `id`.
    fn log() -> (tempfile::TempDir, Connection, Vec<Interaction>) {
        let dir = tempfile::tempdir().unwrap();
        let mut db = database::open(dir.path()).db;
        let names = [None, Some("سارة کریمی"), Some("Omid"), Some("MÜLLER")];
        let rows: Vec<Interaction> = (1..=ROWS)
            .map(|id| Interaction {
                id,
                account: AccountId((id % 3) as u32),
                account_label: format!("Line {}", id % 3),
                direction: if id % 2 == 0 { Direction::Incoming } else { Direction::Outgoing },
                peer: Peer {
                    name: names[id as usize % 4].map(str::to_owned),
                    address: format!("+4930{id}"),
                    uri: String::new(),
                },
                started: UNIX_EPOCH + Duration::from_secs(id as u64),
                end: (id % 5 != 0).then_some(InteractionEnd {
                    reason: if id % 7 == 0 { EndReason::Missed } else { EndReason::RemoteHangUp },
                    talked: Duration::ZERO,
                }),
            })
            .collect();
        let transaction = db.transaction().unwrap();
        rows.iter().for_each(|row| save(&transaction, row).unwrap());
        transaction.commit().unwrap();
        (dir, db, rows)
    }

    /// All pages of a query, one after another.
    fn walk(db: &Connection, mut query: InteractionQuery) -> Vec<Interaction> {
        let mut all = Vec::new();
        loop {
            let page = find(db, &query).unwrap();
            assert!(page.interactions.len() <= query.limit as usize);
            all.extend(page.interactions);
            match page.next {
                Some(next) => query.before = Some(next),
                None => return all,
            }
        }
    }

    #[test]
    fn pages_hold_every_row_that_passes_once_and_newest_first() {
        let (_dir, db, mut rows) = log();
        rows.reverse();
        let all = InteractionQuery { limit: 200, ..InteractionQuery::default() };
        type Passes = fn(&Interaction) -> bool;
        let cases: [(InteractionQuery, Passes); 8] = [
            (all.clone(), |_| true),
            (InteractionQuery { limit: 7, direction: Some(Direction::Incoming), ..all.clone() }, |row| row.id % 2 == 0),
            (InteractionQuery { missed: true, ..all.clone() }, |row| row.id % 7 == 0 && row.id % 5 != 0),
            (InteractionQuery { account: Some(AccountId(2)), ..all.clone() }, |row| row.id % 3 == 2),
            (InteractionQuery { text: "سارا".into(), ..all.clone() }, |_| false),
            (InteractionQuery { text: "كريمي line".into(), ..all.clone() }, |row| row.id % 4 == 1),
            (InteractionQuery { text: "(4930) ۲۹".into(), ..all.clone() }, |row| row.peer.address.contains("493029")),
            (
                InteractionQuery {
                    from: Some(UNIX_EPOCH + Duration::from_secs(100)),
                    until: Some(UNIX_EPOCH + Duration::from_secs(200)),
                    ..all
                },
                |row| (100..200).contains(&row.id),
            ),
        ];
        for (query, passes) in cases {
            let wanted: Vec<i64> = rows.iter().filter(|row| passes(row)).map(|row| row.id).collect();
            let found: Vec<i64> = walk(&db, query.clone()).iter().map(|row| row.id).collect();
            assert_eq!(found, wanted, "{query:?}");
        }
        assert_eq!(walk(&db, InteractionQuery { limit: 50, ..InteractionQuery::default() }), rows, "whole rows");
    }

    #[test]
    fn a_query_out_of_bounds_finds_what_is_within_them() {
        let (_dir, db, _) = log();
        let count = |query: InteractionQuery| find(&db, &query).unwrap().interactions.len();
        assert_eq!(count(InteractionQuery { limit: 0, ..InteractionQuery::default() }), 1);
        assert_eq!(count(InteractionQuery { limit: u32::MAX, ..InteractionQuery::default() }), MAX_PAGE as usize);
        assert_eq!(count(InteractionQuery { before: Some(i64::MIN), limit: 9, ..InteractionQuery::default() }), 0);
        let text = "'); DROP TABLE interactions; -- %_\0\u{202e}".to_owned() + &"x ".repeat(10_000);
        assert_eq!(count(InteractionQuery { text, limit: 9, ..InteractionQuery::default() }), 0);
    }

    /// A row that can't be read takes no place and does not end the walk.
    #[test]
    fn an_unreadable_row_is_passed_over() {
        let (_dir, db, rows) = log();
        db.execute("UPDATE interactions SET direction = 'sideways' WHERE id % 10 = 0", []).unwrap();
        let found = walk(&db, InteractionQuery { limit: 10, ..InteractionQuery::default() });
        assert_eq!(found.len(), rows.len() * 9 / 10);
    }
}
