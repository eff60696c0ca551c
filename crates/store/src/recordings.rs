//! The table `recordings`: what is known of each, beside its sound, which lies encrypted in a file of its own. A row is
//! written when recording begins and replaced when it ends; one without an end, found at start, was torn away.

use crate::{comments, fold};
use hatif_core::{
    call::{Direction, Peer},
    recording::{Recording, RecordingCursor, RecordingEnd, RecordingPage, RecordingQuery},
    store::MAX_PAGE,
};
use rusqlite::{Connection, OptionalExtension, Result, Row, params, params_from_iter, types::Value};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Times are milliseconds since the epoch, durations milliseconds. What belongs to the end is `NULL` while it runs.
pub(crate) const MIGRATIONS: &[(u32, &str)] = &[
    (11, "ALTER TABLE recordings ADD COLUMN held INTEGER NOT NULL DEFAULT 0;"),
    (
        9,
        "CREATE TABLE recordings (
        name          TEXT NOT NULL PRIMARY KEY,
        interaction   INTEGER NOT NULL,
        account_label TEXT NOT NULL,
        direction     TEXT NOT NULL,
        peer_name     TEXT,
        peer_address  TEXT NOT NULL,
        peer_uri      TEXT NOT NULL,
        started       INTEGER NOT NULL,
        length        INTEGER,
        paused        INTEGER,
        gaps          INTEGER,
        torn          INTEGER,
        bytes         INTEGER,
        digest        BLOB,
        folded        TEXT NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX recordings_started ON recordings (started);
    CREATE INDEX recordings_interaction ON recordings (interaction);
    CREATE INDEX recordings_running ON recordings (name) WHERE length IS NULL;",
    ),
];

const COLUMNS: &str = "name, interaction, account_label, direction, peer_name, peer_address, peer_uri, started, length, \
                       paused, gaps, torn, bytes, digest, held, \
                       (SELECT count(*) FROM recording_comments c WHERE c.recording = recordings.name) AS comments";

/// One page of what the query finds, newest first. Rows that can't be read are left out.
pub(crate) fn find(db: &Connection, query: &RecordingQuery) -> Result<RecordingPage> {
    let limit = query.limit.clamp(1, MAX_PAGE);
    let mut wheres = vec!["(started, name) < (?1, ?2)".to_owned()];
    let before = query.before.as_ref().map(|before| (to_millis(before.started), before.name.clone()));
    let (started, name) = before.unwrap_or((i64::MAX, String::new()));
    let mut values: Vec<Value> = vec![started.into(), name.into()];
    let mut narrow = |condition: &str, value: Value| {
        values.push(value);
        wheres.push(condition.replace('?', &format!("?{}", values.len())));
    };
    if let Some(direction) = query.direction {
        narrow("direction = ?", direction_name(direction).to_owned().into());
    }
    if let Some(interaction) = query.interaction {
        narrow("interaction = ?", interaction.into());
    }
    for word in fold::needles(&query.text) {
        narrow(
            "(instr(folded, ?) OR EXISTS (SELECT 1 FROM recording_comments c \
             WHERE c.recording = recordings.name AND instr(c.folded, ?)) OR EXISTS (SELECT 1 FROM wrap_ups w \
             WHERE w.entry = recordings.interaction AND instr(w.folded, ?)))",
            word.into(),
        );
    }
    // One more than the page shows whether there is another.
    let sql = format!(
        "SELECT {COLUMNS} FROM recordings WHERE {} ORDER BY started DESC, name DESC LIMIT {}",
        wheres.join(" AND "),
        limit + 1
    );
    let mut statement = db.prepare_cached(&sql)?;
    let cursor = |row: &Row<'_>| Ok((row.get::<_, i64>("started")?, row.get::<_, String>("name")?, read(row)?));
    let mut found = statement.query_map(params_from_iter(values), cursor)?.collect::<Result<Vec<_>>>()?;
    let more = found.len() > limit as usize;
    found.truncate(limit as usize);
    let last = found.last().filter(|_| more);
    let next = last
        .and_then(|(started, name, _)| Some(RecordingCursor { started: from_millis(*started)?, name: name.clone() }));
    Ok(RecordingPage { recordings: found.into_iter().filter_map(|(_, _, row)| row).collect(), next })
}

pub(crate) fn get(db: &Connection, name: &str) -> Result<Option<Recording>> {
    let mut statement = db.prepare_cached(&format!("SELECT {COLUMNS} FROM recordings WHERE name = ?1"))?;
    Ok(statement.query_row([name], read).optional()?.flatten())
}

/// Those that have no end. Only at start: later, such a row is a recording of this process.
pub(crate) fn unfinished(db: &Connection) -> Result<Vec<Recording>> {
    let mut statement = db.prepare_cached(&format!("SELECT {COLUMNS} FROM recordings WHERE length IS NULL"))?;
    let rows = statement.query_map([], read)?.collect::<Result<Vec<_>>>()?;
    Ok(rows.into_iter().flatten().collect())
}

/// At most a page of those that began before and that nobody holds, the oldest first.
pub(crate) fn older(db: &Connection, than: SystemTime) -> Result<Vec<Recording>> {
    let mut statement = db.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM recordings WHERE started < ?1 AND held = 0 AND length IS NOT NULL ORDER BY started \
         LIMIT {MAX_PAGE}"
    ))?;
    let rows = statement.query_map([to_millis(than)], read)?.collect::<Result<Vec<_>>>()?;
    Ok(rows.into_iter().flatten().collect())
}

fn read(row: &Row<'_>) -> Result<Option<Recording>> {
    let direction = match row.get_ref("direction")?.as_str()? {
        "incoming" => Direction::Incoming,
        "outgoing" => Direction::Outgoing,
        _ => return Ok(None),
    };
    let Some(started) = from_millis(row.get("started")?) else { return Ok(None) };
    let millis = |column: &str| -> Result<Duration> {
        Ok(Duration::from_millis(row.get::<_, Option<i64>>(column)?.unwrap_or(0).max(0).unsigned_abs()))
    };
    let end = match row.get::<_, Option<i64>>("length")? {
        None => None,
        Some(_) => {
            let digest: Vec<u8> = row.get::<_, Option<Vec<u8>>>("digest")?.unwrap_or_default();
            Some(RecordingEnd {
                length: millis("length")?,
                paused: millis("paused")?,
                gaps: millis("gaps")?,
                torn: row.get::<_, Option<bool>>("torn")?.unwrap_or(false),
                bytes: row.get::<_, Option<i64>>("bytes")?.unwrap_or(0).max(0).unsigned_abs(),
                digest: digest.try_into().unwrap_or([0; 32]),
            })
        }
    };
    Ok(Some(Recording {
        name: row.get("name")?,
        interaction: row.get("interaction")?,
        account_label: row.get("account_label")?,
        direction,
        peer: Peer { name: row.get("peer_name")?, address: row.get("peer_address")?, uri: row.get("peer_uri")? },
        started,
        end,
        held: row.get("held")?,
        comments: row.get("comments")?,
    }))
}

/// Inserts or replaces by name.
pub(crate) fn save(db: &Connection, recording: &Recording) -> Result<()> {
    let end = recording.end.as_ref();
    let millis = |duration: Duration| i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
    db.prepare_cached(
        "INSERT OR REPLACE INTO recordings (name, interaction, account_label, direction, peer_name, peer_address, peer_uri,
                                            started, length, paused, gaps, torn, bytes, digest, folded, held)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)",
    )?
    .execute(params![
        recording.name,
        recording.interaction,
        recording.account_label,
        direction_name(recording.direction),
        recording.peer.name,
        recording.peer.address,
        recording.peer.uri,
        to_millis(recording.started),
        end.map(|end| millis(end.length)),
        end.map(|end| millis(end.paused)),
        end.map(|end| millis(end.gaps)),
        end.map(|end| end.torn),
        end.map(|end| i64::try_from(end.bytes).unwrap_or(i64::MAX)),
        end.map(|end| end.digest.to_vec()),
        fold::row(recording.peer.name.as_deref(), &recording.peer.address, &recording.account_label),
        recording.held,
    ])?;
    Ok(())
}

pub(crate) fn delete(db: &Connection, name: &str) -> Result<()> {
    comments::forget(db, name)?;
    db.prepare_cached("DELETE FROM recordings WHERE name = ?1")?.execute([name])?;
    Ok(())
}

fn direction_name(direction: Direction) -> &'static str {
    match direction {
        Direction::Incoming => "incoming",
        Direction::Outgoing => "outgoing",
    }
}

fn to_millis(at: SystemTime) -> i64 {
    at.duration_since(UNIX_EPOCH).map_or(0, |since| i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

fn from_millis(millis: i64) -> Option<SystemTime> {
    UNIX_EPOCH.checked_add(Duration::from_millis(u64::try_from(millis).ok()?))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn recording(n: u32, name: &str, address: &str) -> Recording {
        Recording {
            name: format!("{n:032x}"),
            interaction: i64::from(n / 2),
            account_label: "Office".into(),
            direction: if n.is_multiple_of(2) { Direction::Incoming } else { Direction::Outgoing },
            peer: Peer { name: Some(name.into()), address: address.into(), uri: String::new() },
            started: UNIX_EPOCH + Duration::from_secs(1_000 + u64::from(n)),
            end: Some(RecordingEnd {
                length: Duration::from_millis(90_500),
                paused: Duration::from_secs(3),
                gaps: Duration::ZERO,
                torn: false,
                bytes: 600_000,
                digest: [n as u8; 32],
            }),
            held: n == 2,
            comments: 0,
        }
    }

    fn store() -> (tempfile::TempDir, crate::database::Database) {
        let dir = tempfile::tempdir().unwrap();
        let database = crate::database::open(dir.path());
        (dir, database)
    }

    #[test]
    fn rows_come_back_as_they_were_and_are_found_by_what_is_in_them() {
        let (_dir, database) = store();
        let db = &database.db;
        let mut all: Vec<Recording> = (0..5).map(|n| recording(n, "سارة", "+98 21 1234")).collect();
        all[3].peer.name = Some("Müller".into());
        all[4].end = None;
        all.iter().for_each(|r| save(db, r).unwrap());
        assert_eq!(get(db, &all[1].name).unwrap().as_ref(), Some(&all[1]));
        assert_eq!(get(db, "nobody").unwrap(), None);
        assert_eq!(unfinished(db).unwrap(), [all[4].clone()]);
        let found = |query: RecordingQuery| {
            let page = find(db, &RecordingQuery { limit: 10, ..query }).unwrap();
            page.recordings.iter().map(|r| r.started.duration_since(UNIX_EPOCH).unwrap().as_secs()).collect::<Vec<_>>()
        };
        assert_eq!(found(RecordingQuery::default()), [1_004, 1_003, 1_002, 1_001, 1_000]);
        assert_eq!(found(RecordingQuery { text: "muller ۱۲۳۴".into(), ..Default::default() }), [1_003]);
        assert_eq!(
            found(RecordingQuery { direction: Some(Direction::Outgoing), ..Default::default() }),
            [1_003, 1_001]
        );
        assert_eq!(found(RecordingQuery { interaction: Some(1), ..Default::default() }), [1_003, 1_002]);
        let before = UNIX_EPOCH + Duration::from_secs(1_004);
        let names: Vec<String> = older(db, before).unwrap().into_iter().map(|r| r.name).collect();
        assert_eq!(names, [0, 1, 3].map(|n| all[n].name.clone()), "but for the one that is held");
        delete(db, &all[0].name).unwrap();
        assert_eq!(found(RecordingQuery::default()).len(), 4);
    }

    #[test]
    fn pages_hang_together_where_several_began_at_once() {
        let (_dir, database) = store();
        for n in 0..7 {
            let mut row = recording(n, "a", "1");
            // The fourth and those around it, over the border of two pages.
            if (2..6).contains(&n) {
                row.started = UNIX_EPOCH + Duration::from_secs(1_004);
            }
            save(&database.db, &row).unwrap();
        }
        let (mut before, mut seen) = (None, Vec::new());
        loop {
            let page = find(&database.db, &RecordingQuery { before, limit: 3, ..Default::default() }).unwrap();
            seen.extend(page.recordings.into_iter().map(|r| r.interaction));
            before = page.next;
            if before.is_none() {
                break;
            }
        }
        assert_eq!(seen, [3, 2, 2, 1, 1, 0, 0]);
    }
}
