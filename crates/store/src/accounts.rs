//! The table `accounts`. No password is ever in it: `password_kept` and `turn_password_kept` only say that the keyring
//! holds one for this row, so that an account never takes up a password that was kept for another one of the same number.

use hatif_core::{
    account::{Account, AccountKind, Transport},
    ids::AccountId,
    options::AccountOptions,
};
use rusqlite::{Connection, Result, Row, params};

/// `options` is the JSON text of `AccountOptions`; NULL stands for the defaults.
pub(crate) const MIGRATIONS: &[(u32, &str)] = &[
    (
        2,
        "CREATE TABLE accounts (
        id            INTEGER PRIMARY KEY,
        kind          TEXT NOT NULL,
        label         TEXT NOT NULL,
        user          TEXT NOT NULL,
        domain        TEXT NOT NULL,
        registrar     TEXT,
        proxy         TEXT,
        auth_user     TEXT,
        display_name  TEXT,
        transport     TEXT NOT NULL,
        ca_file       TEXT,
        expires       INTEGER NOT NULL,
        local_port    INTEGER,
        password_kept INTEGER NOT NULL DEFAULT 0
    ) STRICT;",
    ),
    (6, "ALTER TABLE accounts ADD COLUMN options TEXT;"),
    (16, "ALTER TABLE accounts ADD COLUMN turn_password_kept INTEGER NOT NULL DEFAULT 0;"),
];

/// More accounts than this are not loaded.
pub(crate) const MOST: u32 = 100;

/// Which of an account's passwords.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Which {
    Sip,
    Turn,
}

/// One password of one account.
pub(crate) type Slot = (AccountId, Which);

/// An account, and whether the keyring holds its passwords.
pub(crate) struct Kept {
    pub account: Account,
    pub password_kept: bool,
    pub turn_password_kept: bool,
}

impl Kept {
    /// Those that the keyring holds.
    pub fn slots(&self) -> impl Iterator<Item = Slot> {
        let both = [(Which::Sip, self.password_kept), (Which::Turn, self.turn_password_kept)];
        let id = self.account.id;
        both.into_iter().filter(|(_, kept)| *kept).map(move |(which, _)| (id, which))
    }
}

/// Every account in the order of its number, and how many rows could not be read.
pub(crate) fn load(db: &Connection) -> Result<(Vec<Kept>, usize)> {
    let mut statement = db.prepare_cached(
        "SELECT id, kind, label, user, domain, registrar, proxy, auth_user, display_name, transport, ca_file, expires,
                local_port, password_kept, turn_password_kept, options
         FROM accounts ORDER BY id LIMIT ?1",
    )?;
    let rows = statement.query_map([MOST], read)?.collect::<Result<Vec<_>>>()?;
    let unreadable = rows.iter().filter(|row| row.is_none()).count();
    Ok((rows.into_iter().flatten().collect(), unreadable))
}

/// A row, or `None` when this version does not understand it.
fn read(row: &Row<'_>) -> Result<Option<Kept>> {
    let kind = match row.get_ref("kind")?.as_str()? {
        "registrar" => AccountKind::Registrar,
        "direct" => AccountKind::Direct,
        "practice" => AccountKind::Practice,
        _ => return Ok(None),
    };
    let transport = match row.get_ref("transport")?.as_str()? {
        "udp" => Transport::Udp,
        "tcp" => Transport::Tcp,
        "tls" => Transport::Tls,
        _ => return Ok(None),
    };
    let id = u32::try_from(row.get::<_, i64>("id")?);
    let expires = u32::try_from(row.get::<_, i64>("expires")?);
    let local_port = row.get::<_, Option<i64>>("local_port")?.map(u16::try_from).transpose();
    let (Ok(id), Ok(expires), Ok(local_port)) = (id, expires, local_port) else { return Ok(None) };
    let account = Account {
        id: AccountId(id),
        kind,
        label: row.get("label")?,
        user: row.get("user")?,
        domain: row.get("domain")?,
        registrar: row.get("registrar")?,
        proxy: row.get("proxy")?,
        auth_user: row.get("auth_user")?,
        display_name: row.get("display_name")?,
        transport,
        ca_file: row.get("ca_file")?,
        expires,
        local_port,
        options: options(row.get("options")?, id),
        turn_password: None,
    };
    Ok(Some(Kept {
        account,
        password_kept: row.get("password_kept")?,
        turn_password_kept: row.get("turn_password_kept")?,
    }))
}

/// Options that this version cannot read give way to the defaults: an account without them still rings.
fn options(text: Option<String>, id: u32) -> AccountOptions {
    let Some(text) = text else { return AccountOptions::default() };
    serde_json::from_str(&text).unwrap_or_else(|error| {
        tracing::warn!(
            account = id,
            line = error.line(),
            column = error.column(),
            "an account's options make no sense"
        );
        AccountOptions::default()
    })
}

/// Inserts or replaces an account. `forget` also marks that the keyring holds no password for it, until
/// [`password_kept`] says otherwise.
pub(crate) fn save(db: &Connection, account: &Account, forget: bool) -> Result<()> {
    let kind = match account.kind {
        AccountKind::Registrar => "registrar",
        AccountKind::Direct => "direct",
        AccountKind::Practice => "practice",
    };
    let transport = match account.transport {
        Transport::Udp => "udp",
        Transport::Tcp => "tcp",
        Transport::Tls => "tls",
    };
    let options = serde_json::to_string(&account.options).expect("options are lists, texts and numbers");
    db.prepare_cached(
        "INSERT INTO accounts (id, kind, label, user, domain, registrar, proxy, auth_user, display_name, transport,
                               ca_file, expires, local_port, options)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)
         ON CONFLICT (id) DO UPDATE SET kind = ?2, label = ?3, user = ?4, domain = ?5, registrar = ?6, proxy = ?7,
             auth_user = ?8, display_name = ?9, transport = ?10, ca_file = ?11, expires = ?12, local_port = ?13,
             options = ?14",
    )?
    .execute(params![
        account.id.0,
        kind,
        account.label,
        account.user,
        account.domain,
        account.registrar,
        account.proxy,
        account.auth_user,
        account.display_name,
        transport,
        account.ca_file,
        account.expires,
        account.local_port,
        options,
    ])?;
    if forget {
        password_kept(db, (account.id, Which::Sip), false)?;
    }
    if !account.options.wants_turn_password() {
        password_kept(db, (account.id, Which::Turn), false)?;
    }
    Ok(())
}

/// Notes whether the keyring holds this password.
pub(crate) fn password_kept(db: &Connection, (id, which): Slot, kept: bool) -> Result<()> {
    let change = match which {
        Which::Sip => "UPDATE accounts SET password_kept = ?2 WHERE id = ?1",
        Which::Turn => "UPDATE accounts SET turn_password_kept = ?2 WHERE id = ?1",
    };
    db.prepare_cached(change)?.execute(params![id.0, kept])?;
    Ok(())
}

pub(crate) fn delete(db: &Connection, id: AccountId) -> Result<()> {
    db.prepare_cached("DELETE FROM accounts WHERE id = ?1")?.execute([id.0])?;
    Ok(())
}
