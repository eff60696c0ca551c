//! A SIP account and its registration.

use crate::{ids::AccountId, options::AccountOptions, text::Text};
use std::time::Instant;

/// What carries the SIP messages of an account (RFC 3261 18).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Transport {
    Udp,
    Tcp,
    Tls,
}

/// What an account is, which decides whom it listens to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AccountKind {
    /// Registers with a PBX; requests from elsewhere than its registrar or proxy are dropped unanswered.
    Registrar,
    /// No registrar: calls addresses directly and is called directly (LAN, tests). Takes requests from anyone.
    Direct,
    /// The built-in practice line on loopback. A registrar account that the user cannot edit.
    Practice,
}

/// All that is needed to bring an account up, except the password.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Account {
    pub id: AccountId,
    pub kind: AccountKind,
    /// What the user calls it ("Office").
    pub label: String,
    /// User part of the address of record.
    pub user: String,
    /// Host part of the address of record; also the registrar, unless `registrar` says otherwise.
    pub domain: String,
    /// `host[:port]` of the registrar when it is not the domain.
    pub registrar: Option<String>,
    /// `host[:port]` of the outbound proxy, if any.
    pub proxy: Option<String>,
    /// User name of the digest, when it is not `user`.
    pub auth_user: Option<String>,
    pub display_name: Option<String>,
    pub transport: Transport,
    /// PEM file with an extra certificate authority, for PBXes with a private one.
    pub ca_file: Option<String>,
    /// Registration lifetime asked for, in seconds.
    pub expires: u32,
    /// Local port of a `Direct` account (it must be found there); any free one otherwise.
    pub local_port: Option<u16>,
    pub options: AccountOptions,
    /// The password of the TURN server; kept where the account's own is.
    pub turn_password: Option<Password>,
}

/// A password on its way to where it is used. Its `Debug` says nothing.
#[derive(Clone, PartialEq, Eq)]
pub struct Password(pub String);

impl std::fmt::Debug for Password {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Password(…)")
    }
}

/// Whether the PBX knows where to ring us.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Registration {
    /// Not asked for.
    Off,
    Trying,
    /// The PBX knows; or, on a `Direct` account, its port is open.
    Up,
    /// Lost or refused. `retry_at` is when the next attempt starts; `None` when only the user can mend it
    /// (a wrong password, a refused certificate).
    Down {
        cause: Text,
        retry_at: Option<Instant>,
    },
}
