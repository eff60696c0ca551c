//! The tables `connectors` and `outbox`: what the user connected, and what waits to be sent there, in order. Secrets are
//! the keyring's.

use hatif_core::connector::{Connector, Outgoing, OutgoingState};
use rusqlite::{Connection, Result, Row, params};
use std::{
    collections::BTreeMap,
    time::{Duration, UNIX_EPOCH},
};

/// `fields`, `told` and `problem` are JSON objects of texts; `created`: milliseconds since the epoch.
pub(crate) const MIGRATIONS: &[(u32, &str)] = &[(
    12,
    "CREATE TABLE connectors (
        id            INTEGER NOT NULL PRIMARY KEY,
        name          TEXT NOT NULL,
        description   TEXT NOT NULL,
        fields        TEXT NOT NULL,
        ca_file       TEXT NOT NULL,
        looks_up      INTEGER NOT NULL,
        logs_calls    INTEGER NOT NULL,
        tells_moments INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE outbox (
        id        INTEGER NOT NULL PRIMARY KEY,
        connector INTEGER NOT NULL REFERENCES connectors (id) ON DELETE CASCADE,
        action    TEXT NOT NULL,
        told      TEXT NOT NULL,
        state     TEXT NOT NULL,
        attempts  INTEGER NOT NULL,
        code      TEXT,
        params    TEXT NOT NULL,
        created   INTEGER NOT NULL
    ) STRICT;",
)];

/// Everything; a row that can't be read is left out.
pub(crate) fn load(db: &Connection) -> Result<(Vec<Connector>, Vec<Outgoing>)> {
    let connectors =
        db.prepare_cached("SELECT * FROM connectors ORDER BY id")?.query_map([], connector)?.collect::<Result<_>>()?;
    let outbox =
        db.prepare_cached("SELECT * FROM outbox ORDER BY id")?.query_map([], outgoing)?.collect::<Result<Vec<_>>>()?;
    Ok((connectors, outbox.into_iter().flatten().collect()))
}

fn texts(json: &str) -> BTreeMap<String, String> {
    serde_json::from_str(json).unwrap_or_default()
}

fn json(texts: &BTreeMap<String, String>) -> String {
    serde_json::to_string(texts).unwrap_or_default()
}

fn connector(row: &Row) -> Result<Connector> {
    Ok(Connector {
        id: row.get("id")?,
        name: row.get("name")?,
        description: row.get("description")?,
        fields: texts(&row.get::<_, String>("fields")?),
        ca_file: row.get("ca_file")?,
        looks_up: row.get("looks_up")?,
        logs_calls: row.get("logs_calls")?,
        tells_moments: row.get("tells_moments")?,
    })
}

fn outgoing(row: &Row) -> Result<Option<Outgoing>> {
    let state = match row.get::<_, String>("state")?.as_str() {
        "held" => OutgoingState::Held,
        "waiting" => OutgoingState::Waiting,
        "begun" => OutgoingState::Begun,
        "failed" => OutgoingState::Failed,
        _ => return Ok(None),
    };
    let code: Option<String> = row.get("code")?;
    let params = texts(&row.get::<_, String>("params")?);
    Ok(Some(Outgoing {
        id: row.get("id")?,
        connector: row.get("connector")?,
        action: row.get("action")?,
        values: texts(&row.get::<_, String>("told")?),
        state,
        attempts: row.get("attempts")?,
        problem: code.map(|code| (code, params)),
        created: UNIX_EPOCH + Duration::from_millis(row.get::<_, i64>("created")?.try_into().unwrap_or(0)),
    }))
}

pub(crate) fn save(db: &Connection, connector: &Connector) -> Result<()> {
    db.prepare_cached(
        "INSERT INTO connectors (id, name, description, fields, ca_file, looks_up, logs_calls, tells_moments)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
         ON CONFLICT (id) DO UPDATE SET name = ?2, description = ?3, fields = ?4, ca_file = ?5, looks_up = ?6,
             logs_calls = ?7, tells_moments = ?8",
    )?
    .execute(params![
        connector.id,
        connector.name,
        connector.description,
        json(&connector.fields),
        connector.ca_file,
        connector.looks_up,
        connector.logs_calls,
        connector.tells_moments,
    ])?;
    Ok(())
}

pub(crate) fn delete(db: &Connection, connector: u32) -> Result<()> {
    db.prepare_cached("DELETE FROM outbox WHERE connector = ?1")?.execute([connector])?;
    db.prepare_cached("DELETE FROM connectors WHERE id = ?1")?.execute([connector])?;
    Ok(())
}

/// One whose connector is gone is gone with it.
pub(crate) fn put(db: &Connection, item: &Outgoing) -> Result<()> {
    let state = match item.state {
        OutgoingState::Held => "held",
        OutgoingState::Waiting => "waiting",
        OutgoingState::Begun => "begun",
        OutgoingState::Failed => "failed",
    };
    let created = item.created.duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO).as_millis();
    let (code, params) = item.problem.as_ref().map(|(code, params)| (code, json(params))).unzip();
    db.prepare_cached(
        "INSERT OR REPLACE INTO outbox (id, connector, action, told, state, attempts, code, params, created)
         SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9 WHERE EXISTS (SELECT 1 FROM connectors WHERE id = ?2)",
    )?
    .execute(params![
        item.id,
        item.connector,
        item.action,
        json(&item.values),
        state,
        item.attempts,
        code,
        params.unwrap_or_else(|| "{}".into()),
        i64::try_from(created).unwrap_or(i64::MAX),
    ])?;
    Ok(())
}

pub(crate) fn remove(db: &Connection, item: i64) -> Result<()> {
    db.prepare_cached("DELETE FROM outbox WHERE id = ?1")?.execute([item])?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::database;

    fn item(id: i64, state: OutgoingState) -> Outgoing {
        let problem = ("connector.busy".to_owned(), BTreeMap::from([("status".to_owned(), "429".to_owned())]));
        Outgoing {
            id,
            connector: 1,
            action: "log_call".into(),
            values: BTreeMap::from([("notes".to_owned(), "'); DROP TABLE outbox; --".to_owned())]),
            state,
            attempts: 2,
            problem: Some(problem),
            created: UNIX_EPOCH + Duration::from_millis(1_700_000_000_000),
        }
    }

    #[test]
    fn what_waits_is_kept_in_its_order() {
        let dir = tempfile::tempdir().unwrap();
        let kept = Connector {
            id: 1,
            name: "RT".into(),
            description: "{}".into(),
            fields: BTreeMap::from([("base".to_owned(), "https://rt".to_owned())]),
            looks_up: true,
            ..Connector::default()
        };
        {
            let database = database::open(dir.path());
            save(&database.db, &kept).unwrap();
            for (id, state) in [(3, OutgoingState::Waiting), (1, OutgoingState::Failed), (2, OutgoingState::Waiting)] {
                put(&database.db, &item(id, state)).unwrap();
            }
            put(&database.db, &item(2, OutgoingState::Begun)).unwrap();
            put(&database.db, &item(5, OutgoingState::Held)).unwrap();
            put(&database.db, &Outgoing { connector: 9, ..item(4, OutgoingState::Waiting) }).unwrap();
            // A connector that is saved again keeps what waits for it.
            save(&database.db, &Connector { logs_calls: true, ..kept.clone() }).unwrap();
        }
        let database = database::open(dir.path());
        let (connectors, outbox) = load(&database.db).unwrap();
        assert_eq!(connectors, [Connector { logs_calls: true, ..kept }]);
        let states: Vec<_> = outbox.iter().map(|item| (item.id, item.state)).collect();
        use OutgoingState::*;
        assert_eq!(states, [(1, Failed), (2, Begun), (3, Waiting), (5, Held)]);
        assert_eq!(outbox[0], item(1, Failed));
        remove(&database.db, 1).unwrap();
        assert_eq!(load(&database.db).unwrap().1.len(), 3);
        delete(&database.db, 1).unwrap();
        assert_eq!(load(&database.db).unwrap(), (Vec::new(), Vec::new()));
    }
}
