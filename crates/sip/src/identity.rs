//! Who calls, and whom we call: identities out of headers (RFC 3325, RFC 5806, RFC 7044), and targets out of what a
//! person types.

use crate::{
    account::Account,
    config::{AccountKind, HostPort, Transport},
    io::{CallHeaders, Peer},
    text::{NameAddr, Params, Request, Scheme, Uri, clean, escape_user},
};

/// Longest target that is taken, in bytes.
const MAX_TARGET: usize = 256;

/// What a person dials as a number: digits, `+`, `*`, `#`.
fn is_number(user: &str) -> bool {
    !user.is_empty()
        && user.chars().enumerate().all(|(i, c)| c.is_ascii_digit() || "*#".contains(c) || c == '+' && i == 0)
}

/// The peer as an address tells it.
pub(crate) fn peer_of(address: &NameAddr) -> Peer {
    let user = address.uri.user_text().unwrap_or_default();
    let shown = match address.uri.scheme {
        Scheme::Sip | Scheme::Sips if !is_number(&user) => match user.is_empty() {
            true => address.uri.host.to_string(),
            false => format!("{user}@{}", HostPort { port: None, ..address.uri.host.clone() }),
        },
        _ => user,
    };
    let name = address.display.as_deref().map(clean).filter(|n| !n.is_empty());
    Peer { name, address: clean(&shown), uri: clean(&address.uri.to_string()) }
}

/// Who sends an INVITE: P-Asserted-Identity where the account's own PBX says it, else From.
pub(crate) fn caller(account: &Account, request: &Request) -> Peer {
    let asserted = match account.config.kind {
        AccountKind::Registrar => request.headers.items("P-Asserted-Identity"),
        AccountKind::Direct => Vec::new(),
    };
    let from = request.from();
    let asserted = asserted.iter().find_map(|item| NameAddr::parse(item));
    let Some(address) = asserted.or_else(|| from.clone()) else { return Peer::default() };
    let mut peer = peer_of(&address);
    if peer.name.is_none() {
        peer.name = from.and_then(|f| f.display).map(|d| clean(&d)).filter(|n| !n.is_empty());
    }
    peer
}

/// What else the PBX says about a call.
pub(crate) fn call_headers(request: &Request) -> CallHeaders {
    let first = |names: &[&str]| {
        let found = names.iter().find_map(|name| request.headers.text(name));
        found.map(|text| clean(&text)).filter(|text| !text.is_empty())
    };
    let user_of = |item: &String| NameAddr::parse(item).and_then(|a| a.uri.user_text()).map(|u| clean(&u));
    // The topmost Diversion is the latest: the number first dialled is the last of them. History-Info counts up.
    let dialled = request.headers.items("Diversion").last().and_then(user_of);
    let dialled = dialled.or_else(|| {
        let history = request.headers.items("History-Info");
        if history.len() > 1 { history.first().and_then(user_of) } else { None }
    });
    let target = Uri::parse(&request.uri).and_then(|u| u.user_text()).unwrap_or_default();
    CallHeaders {
        queue: first(&["X-Queue-Name", "X-Queue", "X-ACD-Queue", "X-Queue-Id"]),
        dialled: dialled.filter(|d| !d.is_empty()),
        target: clean(&target),
    }
}

/// The URI that a person means: a number, a user, `user@host`, or a sip, sips or tel URI. `None` if nobody can be
/// meant. URI headers (`?Replaces=…`) and the `method` parameter are dropped: a typed or pasted target only calls.
pub(crate) fn target(account: &Account, text: &str) -> Option<Uri> {
    let text = text.trim();
    if text.is_empty() || text.len() > MAX_TARGET || text.chars().any(|c| c.is_control() || "<>\"".contains(c)) {
        return None;
    }
    let scheme = text.split_once(':').map(|(scheme, _)| scheme.to_ascii_lowercase()).unwrap_or_default();
    let rest = || text.split_once(':').map_or("", |(_, rest)| rest);
    let uri = match scheme.as_str() {
        "tel" => at_home(account, &rest().split(';').next().unwrap_or_default().replace(['-', '.', '(', ')', ' '], "")),
        "sip" | "sips" => {
            let mut uri = Uri::parse(text).or_else(|| sloppy(rest()))?;
            uri.headers = None;
            uri.params.remove("method");
            Some(uri)
        }
        _ if text.contains('@') => sloppy(text),
        _ => at_home(account, &number_or_user(text)),
    }?;
    if uri.scheme == Scheme::Sips && account.config.transport != Transport::Tls {
        return None;
    }
    // What was put together must be a URI still.
    Uri::parse(&uri.to_string())
}

/// Visual separators go out of numbers; a user stays as it is.
fn number_or_user(text: &str) -> String {
    let bare: String = text.chars().filter(|c| !" -().\u{a0}/".contains(*c)).collect();
    if is_number(&bare) { bare } else { text.to_string() }
}

/// A user of the account's own domain; for a direct account an address literal is a host of its own.
fn at_home(account: &Account, user: &str) -> Option<Uri> {
    if user.is_empty() {
        return None;
    }
    if account.config.kind == AccountKind::Direct
        && let Some(host) = HostPort::parse(user).filter(|h| h.ip().is_some())
    {
        return Some(Uri { scheme: Scheme::Sip, user: None, host, params: Params::default(), headers: None });
    }
    Some(Uri::sip(user, account.config.domain.clone()))
}

/// `user@host[;params]` whose user part a person did not escape.
fn sloppy(text: &str) -> Option<Uri> {
    let (user, host) = text.rsplit_once('@')?;
    let (host, params) = host.split_once(';').unwrap_or((host, ""));
    let host = host.split('?').next()?;
    let params = params.split('?').next().unwrap_or_default();
    let user = number_or_user(user.trim());
    // What is already escaped stays.
    let user = if Uri::parse(&format!("sip:{user}@h")).is_some() { user } else { escape_user(&user) };
    let uri = Uri::parse(&format!("sip:{user}@{}", HostPort::parse(host)?))?;
    Some(Uri { params: Params::parse(params), ..uri })
}
