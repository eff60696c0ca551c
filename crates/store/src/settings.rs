//! The table `settings`: one row a setting, so that a new one needs no migration. An absent row is the default.

use hatif_core::{
    audio::DeviceChoice,
    ids::AccountId,
    store::{Settings, Theme},
};
use rusqlite::{Connection, OptionalExtension, Result, params};

pub(crate) const MIGRATIONS: &[(u32, &str)] =
    &[(1, "CREATE TABLE settings (key TEXT NOT NULL PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;")];

/// Names this database in the keyring, so that two folders of one user do not share passwords. Not a setting of the
/// user's: it stays when the settings are saved.
const STORE_ID: &str = "store_id";

/// The settings, and the keys whose value could not be read; their default is in its place.
pub(crate) fn load(db: &Connection) -> Result<(Settings, Vec<&'static str>)> {
    let mut unreadable = Vec::new();
    let read = |key: &'static str| -> Result<Option<String>> {
        db.prepare_cached("SELECT value FROM settings WHERE key = ?1")?.query_row([key], |row| row.get(0)).optional()
    };
    let (language, theme) = (read("language")?, read("theme")?);
    let devices = DeviceChoice { microphone: read("microphone")?, speaker: read("speaker")?, ringer: read("ringer")? };
    let (default_account, welcomed) = (read("default_account")?, read("welcomed")?);

    let theme = match theme.as_deref() {
        None | Some("system") => Theme::System,
        Some("light") => Theme::Light,
        Some("dark") => Theme::Dark,
        Some(_) => {
            unreadable.push("theme");
            Theme::default()
        }
    };
    let default_account = default_account.and_then(|id| match id.parse() {
        Ok(id) => Some(AccountId(id)),
        Err(_) => {
            unreadable.push("default_account");
            None
        }
    });
    let welcomed = match welcomed.as_deref() {
        None | Some("0") => false,
        Some("1") => true,
        Some(_) => {
            unreadable.push("welcomed");
            false
        }
    };
    Ok((Settings { language, theme, devices, default_account, welcomed }, unreadable))
}

/// Writes every setting; one that is at its default loses its row.
pub(crate) fn save(db: &Connection, settings: &Settings) -> Result<()> {
    let theme = match settings.theme {
        Theme::System => None,
        Theme::Light => Some("light".to_owned()),
        Theme::Dark => Some("dark".to_owned()),
    };
    let rows = [
        ("language", settings.language.clone()),
        ("theme", theme),
        ("microphone", settings.devices.microphone.clone()),
        ("speaker", settings.devices.speaker.clone()),
        ("ringer", settings.devices.ringer.clone()),
        ("default_account", settings.default_account.map(|id| id.0.to_string())),
        ("welcomed", settings.welcomed.then(|| "1".to_owned())),
    ];
    for (key, value) in rows {
        match value {
            Some(value) => db
                .prepare_cached("INSERT OR REPLACE INTO settings (key, value) VALUES (?1, ?2)")?
                .execute(params![key, value])?,
            None => db.prepare_cached("DELETE FROM settings WHERE key = ?1")?.execute([key])?,
        };
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
