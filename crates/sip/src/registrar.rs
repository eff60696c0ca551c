//! The small serving side of REGISTER (RFC 3261 10.3), for the practice line and for tests: one binding a user, kept
//! with the flow that it came by.

use crate::{
    config::{AccountConfig, AccountId},
    core::Core,
    digest::Answer,
    io::Event,
    registration::is_goodbye,
    text::{Request, quote},
    transaction::TxId,
};
use std::{
    collections::BTreeMap,
    net::SocketAddr,
    time::{Duration, Instant},
};

/// Most users that may be registered at once.
const MAX_BINDINGS: usize = 64;
/// Nonces are good for that long.
const NONCE_LIFE: Duration = Duration::from_secs(300);
const MIN_EXPIRES: u32 = 5;
const MAX_EXPIRES: u32 = 3600;

/// Where a user is.
#[derive(Clone, Debug)]
pub(crate) struct Binding {
    pub contact: String,
    pub source: SocketAddr,
    pub flow: Option<u64>,
    until: Instant,
}

#[derive(Default, Debug)]
pub(crate) struct Registrar {
    bindings: BTreeMap<String, Binding>,
    nonce: Option<(String, Instant)>,
    /// The nonce before, whose bearers are told `stale`.
    nonce_before: Option<String>,
}

impl Registrar {
    pub fn binding(&self, user: &str) -> Option<&Binding> {
        self.bindings.get(user)
    }

    pub fn poll_timeout(&self) -> Option<(Instant, &'static str)> {
        self.bindings.values().map(|b| (b.until, "served binding expires")).min()
    }
}

impl Core {
    /// A REGISTER to a serving account.
    pub fn serve_register(
        &mut self,
        now: Instant,
        id: AccountId,
        tx: TxId,
        request: &Request,
        from: (SocketAddr, Option<u64>),
    ) {
        let fresh = self.token();
        let Some(account) = self.accounts.get_mut(&id) else { return };
        let user = request.to().and_then(|to| to.uri.user_text()).unwrap_or_default();
        if user.is_empty() || user.len() > 128 {
            self.reply(now, id, tx, request, 404);
            return;
        }
        if let Some(stale) = challenge_needed(&account.config, &account.registrar, request, now) {
            let registrar = &mut account.registrar;
            if registrar.nonce.as_ref().is_none_or(|(_, until)| *until <= now) {
                registrar.nonce_before = registrar.nonce.take().map(|(nonce, _)| nonce);
                registrar.nonce = Some((fresh, now + NONCE_LIFE));
            }
            let nonce = registrar.nonce.as_ref().map(|(nonce, _)| nonce.clone()).unwrap_or_default();
            let realm = quote(&account.config.domain.host);
            let mut response = request.response(401, Some(&nonce));
            for algorithm in ["SHA-256", "MD5"] {
                let stale = if stale { ", stale=true" } else { "" };
                response.headers.push(
                    "WWW-Authenticate",
                    format!("Digest realm={realm}, nonce=\"{nonce}\", algorithm={algorithm}, qop=\"auth\"{stale}"),
                );
            }
            self.respond(now, id, tx, response);
            return;
        }
        let asked = request.contact().and_then(|c| c.params.get("expires").and_then(crate::text::number::<u32>));
        let asked = asked.or_else(|| request.headers.number("Expires")).unwrap_or(MAX_EXPIRES);
        let registrar = &mut account.registrar;
        let mut response = request.response(200, Some(&fresh));
        if is_goodbye(request) {
            registrar.bindings.remove(&user);
            self.respond(now, id, tx, response);
            self.event(Event::RegistrationServed { account: id, user, source: from.0, expires: Duration::ZERO });
            return;
        }
        let Some(contact) = request.contact() else {
            self.respond(now, id, tx, response);
            return;
        };
        if asked < MIN_EXPIRES {
            let mut response = request.response(423, Some(&fresh));
            response.headers.push("Min-Expires", MIN_EXPIRES.to_string());
            self.respond(now, id, tx, response);
            return;
        }
        if registrar.bindings.len() >= MAX_BINDINGS && !registrar.bindings.contains_key(&user) {
            self.reply(now, id, tx, request, 503);
            return;
        }
        let expires = asked.min(MAX_EXPIRES);
        let lifetime = Duration::from_secs(u64::from(expires));
        let contact = contact.uri.to_string();
        response.headers.push("Contact", format!("<{contact}>;expires={expires}"));
        let binding = Binding { contact, source: from.0, flow: from.1, until: now + lifetime };
        registrar.bindings.insert(user.clone(), binding);
        self.respond(now, id, tx, response);
        self.event(Event::RegistrationServed { account: id, user, source: from.0, expires: lifetime });
    }

    pub fn registrar_timers(&mut self, now: Instant, id: AccountId) {
        let Some(account) = self.accounts.get_mut(&id) else { return };
        let over = |(user, b): (&String, &Binding)| (b.until <= now).then(|| (user.clone(), b.source));
        let over: Vec<_> = account.registrar.bindings.iter().filter_map(over).collect();
        for (user, source) in over {
            if let Some(account) = self.accounts.get_mut(&id) {
                account.registrar.bindings.remove(&user);
            }
            self.event(Event::RegistrationServed { account: id, user, source, expires: Duration::ZERO });
        }
    }
}

/// `Some(stale)` if the request must be challenged (again).
fn challenge_needed(config: &AccountConfig, registrar: &Registrar, request: &Request, now: Instant) -> Option<bool> {
    let password = config.password.as_ref()?;
    let Some(answer) = request.headers.text("Authorization").and_then(|v| Answer::parse(&v)) else {
        return Some(false);
    };
    let user = config.auth_user.as_ref().is_none_or(|user| *user == answer.user);
    let right = user && answer.realm == config.domain.host && answer.knows(&password.0, request.method.as_str());
    let fresh = registrar.nonce.as_ref().is_some_and(|(nonce, until)| *nonce == answer.nonce && *until > now);
    let was_ours = registrar.nonce_before.as_ref() == Some(&answer.nonce)
        || registrar.nonce.as_ref().is_some_and(|(nonce, _)| *nonce == answer.nonce);
    match (right, fresh) {
        (true, true) => None,
        (true, false) => Some(was_ours),
        (false, _) => Some(false),
    }
}
