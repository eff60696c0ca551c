//! The table `settings`: one row a setting, its value as JSON, so that a new one needs no migration. What the rows mean is
//! said in `hatif_core::settings`.

use hatif_core::settings::{Rows, is_key, readable};
use rusqlite::{Connection, OptionalExtension, Result, params};

pub(crate) const MIGRATIONS: &[(u32, &str)] = &[
    (1, "CREATE TABLE settings (key TEXT NOT NULL PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;"),
    (
        5,
        "UPDATE settings SET value = json_quote(value) WHERE key IN ('language', 'theme');
         UPDATE settings SET value = CASE value WHEN '1' THEN 'true' WHEN '0' THEN 'false' ELSE value END
             WHERE key = 'welcomed';
         INSERT INTO settings (key, value)
             SELECT 'devices', json_group_object(key, value) FROM settings
             WHERE key IN ('microphone', 'speaker', 'ringer') HAVING count(*) > 0;
         DELETE FROM settings WHERE key IN ('microphone', 'speaker', 'ringer');",
    ),
];

/// Names this database in the keyring, so that two folders of one user do not share passwords. Not a setting of the
/// user's: it stays when the settings are saved.
const STORE_ID: &str = "store_id";

/// The settings, and the keys whose value could not be read; their default is in its place.
pub(crate) fn load(db: &Connection) -> Result<(Rows, Vec<String>)> {
    let all = db
        .prepare_cached("SELECT key, value FROM settings")?
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<Result<Rows>>()?;
    let (good, bad): (Rows, Rows) =
        all.into_iter().filter(|(key, _)| is_key(key)).partition(|(key, value)| readable(key, value));
    Ok((good, bad.into_keys().collect()))
}

/// Writes every setting; one that is not among the rows loses its own. What this version does not know stays.
pub(crate) fn save(db: &Connection, settings: &Rows) -> Result<()> {
    for key in load(db)?.0.into_keys().filter(|key| !settings.contains_key(key)) {
        db.prepare_cached("DELETE FROM settings WHERE key = ?1")?.execute([key])?;
    }
    for (key, value) in settings {
        db.prepare_cached("INSERT OR REPLACE INTO settings (key, value) VALUES (?1, ?2)")?
            .execute(params![key, value])?;
    }
    Ok(())
}

/// Keeps an unreadable value under another key, where nobody reads it, so that it is not lost and not told twice.
pub(crate) fn set_aside(db: &Connection, key: &str) -> Result<()> {
    db.execute(
        "INSERT OR REPLACE INTO settings (key, value) SELECT 'bad.' || key, value FROM settings WHERE key = ?1",
        [key],
    )?;
    db.execute("DELETE FROM settings WHERE key = ?1", [key])?;
    Ok(())
}

/// Gives this database its name in the keyring, 16 hexadecimal digits at random, unless it has one.
pub(crate) fn make_store_id(db: &Connection) -> Result<()> {
    db.execute("INSERT OR IGNORE INTO settings (key, value) VALUES (?1, lower(hex(randomblob(8))))", [STORE_ID])?;
    Ok(())
}

pub(crate) fn store_id(db: &Connection) -> Result<Option<String>> {
    db.query_row("SELECT value FROM settings WHERE key = ?1", [STORE_ID], |row| row.get(0)).optional()
}
