//! The table `interactions`: the call log. A row is written when a call appears and replaced when it ends; one
//! without an end, found at start, was cut off with the process that wrote it.
//!
//! Rows are never pruned here: history is what the agent looks at. A row takes about 200 bytes.

use hatif_core::{
    call::{Direction, EndReason, Peer},
    ids::AccountId,
    store::{Interaction, InteractionEnd},
    text::{self, Text},
};
use rusqlite::{Connection, Result, Row, params};
use std::{
    collections::BTreeMap,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

/// Times are milliseconds since the epoch, durations milliseconds. `end_code`, `end_params` (a JSON object of
/// strings) and `end_status` belong to `failed`.
pub(crate) const MIGRATIONS: &[(u32, &str)] = &[(
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
)];

/// As many as `StoreEvent::Loaded` carries.
const NEWEST: u32 = 500;

/// The newest, newest first, and how many rows could not be read.
pub(crate) fn load(db: &Connection) -> Result<(Vec<Interaction>, usize)> {
    let mut statement = db.prepare_cached(
        "SELECT id, account, account_label, direction, peer_name, peer_address, peer_uri, started, end_reason,
                end_code, end_params, end_status, talked
         FROM interactions ORDER BY id DESC LIMIT ?1",
    )?;
    let rows = statement.query_map([NEWEST], read)?.collect::<Result<Vec<_>>>()?;
    let unreadable = rows.iter().filter(|row| row.is_none()).count();
    Ok((rows.into_iter().flatten().collect(), unreadable))
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
    let direction = match interaction.direction {
        Direction::Incoming => "incoming",
        Direction::Outgoing => "outgoing",
    };
    let end = interaction.end.as_ref();
    let (text, status) = match end.map(|end| &end.reason) {
        Some(EndReason::Failed { text, status }) => (Some(text), *status),
        _ => (None, None),
    };
    let params = text
        .filter(|text| !text.params.is_empty())
        .map(|text| serde_json::to_string(&text.params).expect("a map of strings to strings can be written as JSON"));
    db.prepare_cached(
        "INSERT OR REPLACE INTO interactions (id, account, account_label, direction, peer_name, peer_address, peer_uri,
                                              started, end_reason, end_code, end_params, end_status, talked)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
    )?
    .execute(params![
        interaction.id,
        interaction.account.0,
        interaction.account_label,
        direction,
        interaction.peer.name,
        interaction.peer.address,
        interaction.peer.uri,
        to_millis(interaction.started),
        end.map(|end| reason_name(&end.reason)),
        text.map(|text| text.code),
        params,
        status,
        end.map(|end| i64::try_from(end.talked.as_millis()).unwrap_or(i64::MAX)),
    ])?;
    Ok(())
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
    Ok(())
}

pub(crate) fn clear(db: &Connection) -> Result<()> {
    db.execute("DELETE FROM interactions", [])?;
    Ok(())
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
