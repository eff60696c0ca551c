//! Opening the database file, whatever state it is in. There is always a database afterwards:
//!
//! | what is found                          | what is opened                                | what is told              |
//! |----------------------------------------|-----------------------------------------------|---------------------------|
//! | nothing, or a file of this version     | the file                                      |                           |
//! | a file of an older version             | the file, migrated in one transaction         |                           |
//! | a file of a newer version              | memory; the file is not touched               | `store.newer_version`     |
//! | a damaged file                         | a fresh file; the old one gets another name   | `store.corrupt_set_aside` |
//! | a folder or file that can't be written | memory, with what could be read from the file | `store.read_only`         |
//! | no room even to open                   | the same                                      | `store.write_failed`      |
//! | settings or rows that make no sense    | the file, with defaults or without those rows | `store.settings_reset`, `store.rows_unreadable` |

use crate::{
    accounts, comments, connectors, customer_files, customers, duplicates, fold, interactions, recordings, settings,
    work,
};
use hatif_core::text::Text;
use rusqlite::{
    Connection, ErrorCode, OpenFlags, TransactionBehavior,
    backup::Backup,
    ffi::{SQLITE_IOERR_SHMSIZE, SQLITE_IOERR_WRITE},
};
use std::{
    fs, io,
    path::{Path, PathBuf},
    time::Duration,
};

const FILE: &str = "hatif.db";

/// The version that this build writes: that of the newest migration.
pub(crate) const VERSION: u32 = 16;

/// Tells Hatif's files from other SQLite files ("HTIF").
const APPLICATION: i64 = 0x4854_4946;

/// How long a statement waits for another process (`hatif-cli` on the same folder) to finish its own.
const BUSY: Duration = Duration::from_secs(2);

/// An open database.
pub(crate) struct Database {
    pub db: Connection,
    /// Whether writes outlive the process.
    pub on_disk: bool,
    /// What a person should know of how it was opened.
    pub problems: Vec<Text>,
    /// This database's name in the keyring; none where there was no room to write one down.
    pub store_id: Option<String>,
}

/// Why a file was not opened.
#[derive(Debug)]
enum Refusal {
    Newer,
    Damaged,
    Unwritable,
    NoRoom,
}

/// Opens the database in this folder, or the next best thing.
pub(crate) fn open(dir: &Path) -> Database {
    let path = dir.join(FILE);
    let refusal = match private_dir(dir).and_then(|()| private_file(&path)) {
        Ok(()) => match open_file(&path) {
            Ok(database) => return database,
            Err(refusal) => refusal,
        },
        Err(error) if error.kind() == io::ErrorKind::StorageFull => Refusal::NoRoom,
        Err(_) => Refusal::Unwritable,
    };
    tracing::warn!(?refusal, "the database was not opened as it is");
    let problem = match refusal {
        Refusal::Damaged => {
            if let Some(name) = set_aside(&path)
                && let Ok(mut database) =
                    private_file(&path).map_err(|_| Refusal::Unwritable).and_then(|()| open_file(&path))
            {
                database.problems.insert(0, Text::new("store.corrupt_set_aside").with("file", name));
                return database;
            }
            Text::new("store.read_only")
        }
        Refusal::Newer => Text::new("store.newer_version"),
        Refusal::Unwritable => Text::new("store.read_only"),
        Refusal::NoRoom => Text::new("store.write_failed"),
    };
    let readable = matches!(refusal, Refusal::Unwritable | Refusal::NoRoom);
    let mut database = readable.then(|| copy(&path)).flatten().unwrap_or_else(empty);
    database.problems.insert(0, problem);
    database
}

/// Makes the folder, with any above it, for this user only. One that exists keeps its mode: it may be shared.
fn private_dir(dir: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(dir)
}

/// Makes the file, readable by this user only, before SQLite would make it readable by all. SQLite gives the files
/// that it makes beside it (`-wal`, `-shm`) the same mode.
fn private_file(path: &Path) -> io::Result<()> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(path)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        if file.metadata()?.permissions().mode() & 0o077 != 0 {
            file.set_permissions(fs::Permissions::from_mode(0o600))?;
        }
    }
    drop(file);
    Ok(())
}

fn open_file(path: &Path) -> Result<Database, Refusal> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut db = Connection::open_with_flags(path, flags).map_err(|error| refusal(&error))?;
    db.busy_timeout(BUSY).map_err(|error| refusal(&error))?;
    // Before anything that writes: a file of a newer version stays as it is.
    if version(&db).map_err(|error| refusal(&error))? > VERSION {
        return Err(Refusal::Newer);
    }
    configure(&db).and_then(|()| migrate(&mut db)).map_err(|error| refusal(&error))?;
    let healthy: String =
        db.query_row("PRAGMA quick_check(1)", [], |row| row.get(0)).map_err(|error| refusal(&error))?;
    if healthy != "ok" {
        return Err(Refusal::Damaged);
    }
    settle(db, true).map_err(|error| refusal(&error))
}

fn version(db: &Connection) -> rusqlite::Result<u32> {
    db.query_row("PRAGMA user_version", [], |row| row.get::<_, i64>(0))
        .map(|version| version.clamp(0, i64::from(u32::MAX)) as u32)
}

/// WAL, so that a reader never waits; `synchronous` full, so that a call that was written stays written through a
/// power cut (a write is one call, not a stream: its fsync costs nobody anything).
fn configure(db: &Connection) -> rusqlite::Result<()> {
    db.pragma_update(None, "journal_mode", "wal")?;
    db.pragma_update(None, "synchronous", "full")?;
    // What was deleted is not to be found in the file either (erase.rs).
    db.pragma_update(None, "secure_delete", true)?;
    // Pages that are kept in memory, KiB (negative: not a number of pages). The system keeps them too.
    db.pragma_update(None, "cache_size", -256)?;
    db.pragma_update(None, "journal_size_limit", 4 << 20)
}

/// All migrations, in the order of their versions. Each table's file holds its own.
fn migrations() -> Vec<(u32, &'static str)> {
    let mut all = [
        settings::MIGRATIONS,
        accounts::MIGRATIONS,
        interactions::MIGRATIONS,
        customers::MIGRATIONS,
        customer_files::MIGRATIONS,
        duplicates::MIGRATIONS,
        recordings::MIGRATIONS,
        comments::MIGRATIONS,
        work::MIGRATIONS,
        connectors::MIGRATIONS,
    ]
    .concat();
    all.sort_by_key(|(version, _)| *version);
    all
}

/// Brings the file to [`VERSION`], or leaves it as it was.
fn migrate(db: &mut Connection) -> rusqlite::Result<()> {
    // Taking the write lock also shows whether the file can be written at all.
    let transaction = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let found = version(&transaction)?;
    fold::teach(&transaction)?;
    for (version, sql) in migrations().into_iter().filter(|(version, _)| *version > found) {
        transaction.execute_batch(sql)?;
        transaction.pragma_update(None, "user_version", version)?;
    }
    if found == 0 {
        transaction.pragma_update(None, "application_id", APPLICATION)?;
    }
    transaction.commit()
}

/// Reads everything once, so that damage shows now and not in the middle of a call, and mends what can be.
fn settle(db: Connection, on_disk: bool) -> rusqlite::Result<Database> {
    let mut problems = Vec::new();
    let (_, unreadable_settings) = settings::load(&db)?;
    let unreadable_rows = accounts::load(&db)?.1 + interactions::load(&db)?.1;
    if !unreadable_settings.is_empty() {
        problems.push(Text::new("store.settings_reset"));
    }
    if unreadable_rows > 0 {
        problems.push(Text::new("store.rows_unreadable").with("count", unreadable_rows.to_string()));
    }
    // No room for these few bytes is no reason not to open: the next write will tell.
    let tolerant = |result: rusqlite::Result<()>| match result {
        Err(error) if !matches!(refusal(&error), Refusal::NoRoom) => Err(error),
        _ => Ok(()),
    };
    tolerant(settings::make_store_id(&db))?;
    let store_id = settings::store_id(&db)?;
    for key in unreadable_settings {
        tolerant(settings::set_aside(&db, &key))?;
    }
    tolerant(interactions::end_interrupted(&db))?;
    Ok(Database { db, on_disk, problems, store_id })
}

/// What an error at opening says of the file.
fn refusal(error: &rusqlite::Error) -> Refusal {
    use rusqlite::Error as E;
    match error {
        E::SqliteFailure(failure, _) => match failure.code {
            ErrorCode::DiskFull => Refusal::NoRoom,
            ErrorCode::SystemIoFailure
                if matches!(failure.extended_code, SQLITE_IOERR_SHMSIZE | SQLITE_IOERR_WRITE) =>
            {
                Refusal::NoRoom
            }
            ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt | ErrorCode::SchemaChanged => Refusal::Damaged,
            // SQLITE_ERROR: "no such table", "table exists already". The file is not what its version says.
            ErrorCode::Unknown => Refusal::Damaged,
            _ => Refusal::Unwritable,
        },
        // A column of another type than ours, a text that is not UTF-8.
        E::FromSqlConversionFailure(..)
        | E::IntegralValueOutOfRange(..)
        | E::InvalidColumnType(..)
        | E::InvalidColumnName(..)
        | E::Utf8Error(..)
        | E::QueryReturnedNoRows
        | E::SqlInputError { .. } => Refusal::Damaged,
        _ => Refusal::Unwritable,
    }
}

/// Gives the damaged file another name, and its write-ahead log with it, so that a specialist can still get at what is
/// in it. Returns the new name without the folder.
fn set_aside(path: &Path) -> Option<String> {
    let name = (1..10_000).map(|n| format!("{FILE}.corrupt-{n}")).find(|name| !path.with_file_name(name).exists())?;
    fs::rename(path, path.with_file_name(&name)).ok()?;
    for suffix in ["-wal", "-shm"] {
        let beside = path.with_file_name(format!("{FILE}{suffix}"));
        // A leftover log must not be played into the fresh file; SQLite would refuse it, but why leave it to that.
        if beside.exists() {
            fs::rename(&beside, path.with_file_name(format!("{name}{suffix}"))).ok()?;
        }
    }
    Some(name)
}

/// The content of a file that cannot be written, in memory.
fn copy(path: &Path) -> Option<Database> {
    let from = open_to_read(path).ok()?;
    if version(&from).ok()? > VERSION {
        return None;
    }
    let mut db = Connection::open_in_memory().ok()?;
    Backup::new(&from, &mut db).ok()?.run_to_completion(1024, Duration::ZERO, None).ok()?;
    migrate(&mut db).ok()?;
    settle(db, false).ok()
}

fn open_to_read(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let plain = Connection::open_with_flags(path, flags).and_then(|db| version(&db).map(|_| db));
    if plain.is_ok() {
        return plain;
    }
    // Reading a WAL database needs its `-shm` file, which cannot be made in such a folder. An immutable one needs none.
    Connection::open_with_flags(immutable(path), flags)
}

/// The file as an SQLite URI that promises that nobody changes it.
fn immutable(path: &Path) -> PathBuf {
    let escaped: String = path
        .to_string_lossy()
        .chars()
        .map(|c| match c {
            '%' => "%25".into(),
            '?' => "%3f".into(),
            '#' => "%23".into(),
            '\\' if cfg!(windows) => "/".into(),
            c => c.to_string(),
        })
        .collect();
    let root = if cfg!(windows) { "/" } else { "" };
    PathBuf::from(format!("file:{root}{escaped}?immutable=1"))
}

/// A fresh database in memory.
fn empty() -> Database {
    let mut db = Connection::open_in_memory().expect("SQLite opens a database in memory");
    migrate(&mut db).expect("the migrations apply to an empty database");
    settle(db, false).expect("a fresh database can be read")
}

#[cfg(test)]
mod tests {
    use super::*;
    use hatif_core::{
        settings::{Layers, Policy},
        store::InteractionQuery,
    };

    #[test]
    fn migrations_have_versions_of_their_own_up_to_the_current_one() {
        let versions: Vec<u32> = migrations().into_iter().map(|(version, _)| version).collect();
        assert_eq!(versions, (1..=VERSION).collect::<Vec<_>>());
    }

    /// A file of each older version, with what that version could hold, keeps it.
    #[test]
    fn files_of_every_version_are_migrated() {
        for found in 1..=VERSION {
            let dir = tempfile::tempdir().unwrap();
            let old = Connection::open(dir.path().join(FILE)).unwrap();
            fold::teach(&old).unwrap();
            for (version, sql) in migrations().into_iter().filter(|(version, _)| *version <= found) {
                old.execute_batch(sql).unwrap();
                old.pragma_update(None, "user_version", version).unwrap();
            }
            let rows = if found < 5 {
                "('language', 'fa'), ('welcomed', '1'), ('speaker', 'pulse:x')"
            } else {
                "('language', '\"fa\"'), ('welcomed', 'true'), ('devices', '{\"speaker\":\"pulse:x\"}')"
            };
            old.execute(&format!("INSERT INTO settings VALUES {rows}"), []).unwrap();
            if found >= 2 {
                old.execute(
                    "INSERT INTO accounts (id, kind, label, user, domain, transport, expires, password_kept)
                     VALUES (7, 'registrar', 'Office', 'sara', 'pbx', 'tls', 300, 1)",
                    [],
                )
                .unwrap();
            }
            if found == 3 {
                old.execute(
                    "INSERT INTO interactions (id, account, account_label, direction, peer_name, peer_address, peer_uri, started)
                     VALUES (1, 7, 'Office', 'incoming', 'عَلی', '+98 21 1234', 'sip:x', 0)",
                    [],
                )
                .unwrap();
            }
            drop(old);

            let database = open(dir.path());
            assert!(database.on_disk && database.problems.is_empty(), "from version {found}");
            assert_eq!(version(&database.db).unwrap(), VERSION);
            let (rows, unreadable) = settings::load(&database.db).unwrap();
            assert!(unreadable.is_empty());
            let settings = Layers::new(rows, Policy::default()).settings().clone();
            assert_eq!((settings.language.as_deref(), settings.welcomed), (Some("fa"), true));
            assert_eq!(settings.devices.speaker.as_deref(), Some("pulse:x"));
            let (accounts, _) = accounts::load(&database.db).unwrap();
            assert_eq!(accounts.len(), usize::from(found >= 2));
            assert!(accounts.iter().all(|kept| kept.password_kept && kept.account.label == "Office"));
            // An old row is searched like a new one.
            for text in ["علي", "۲۱ ۱۲۳۴", "office"] {
                let query = InteractionQuery { text: text.into(), ..InteractionQuery::default() };
                let page = interactions::find(&database.db, &query).unwrap();
                assert_eq!(page.interactions.len(), usize::from(found == 3), "{text}, from version {found}");
            }
        }
    }

    /// The whole migration is one transaction: a step that fails leaves the file at its old version.
    #[test]
    fn a_failing_migration_changes_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(FILE);
        let mut db = Connection::open(&path).unwrap();
        db.execute_batch("CREATE TABLE interactions (other TEXT); PRAGMA user_version = 0").unwrap();
        assert!(migrate(&mut db).is_err());
        assert_eq!(version(&db).unwrap(), 0);
        let tables: i64 = db.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0)).unwrap();
        assert_eq!(tables, 1);
    }

    #[test]
    fn a_uri_of_any_path_names_that_path() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("50% #1? عربي.db");
        Connection::open(&path).unwrap().pragma_update(None, "user_version", 2).unwrap();
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI;
        let db = Connection::open_with_flags(immutable(&path), flags).unwrap();
        assert_eq!(version(&db).unwrap(), 2);
    }
}
