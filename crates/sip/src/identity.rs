//! Who calls, and whom we call: identities out of headers (RFC 3325, RFC 5806, RFC 7044), and targets out of what a
//! person types.

use crate::{
    account::Account,
    config::{AccountKind, HostPort, Transport},
    control::Verified,
    io::{CallHeaders, Peer},
    text::{Headers, NameAddr, Params, Request, Response, Scheme, Uri, clean, decode, escape_user, number},
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
    // A number may have parameters of its own (RFC 3261 19.1.6).
    let user = match user.split_once(';') {
        Some((number, _)) if is_number(number) => number.to_string(),
        _ => user,
    };
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

/// Who sends an INVITE: what the PBX asserts where it is trusted, else From.
pub(crate) fn caller(account: &Account, request: &Request) -> Peer {
    let from = request.from();
    let Some(mut peer) = asserted(account, &request.headers).or_else(|| from.as_ref().map(peer_of)) else {
        return Peer::default();
    };
    if peer.name.is_none() {
        peer.name = from.and_then(|f| f.display).map(|d| clean(&d)).filter(|n| !n.is_empty());
    }
    peer
}

/// Whom a trusted PBX names at the other end: P-Asserted-Identity, else a Remote-Party-ID that is not private.
pub(crate) fn asserted(account: &Account, headers: &Headers) -> Option<Peer> {
    if !account.trusts() {
        return None;
    }
    let read = |name: &str| headers.items(name).iter().filter_map(|item| NameAddr::parse(item)).collect::<Vec<_>>();
    let party = || {
        let hidden = |a: &NameAddr| a.params.get("privacy").is_some_and(|p| !p.trim_matches('"').starts_with("off"));
        read("Remote-Party-ID").into_iter().find(|a| !hidden(a))
    };
    read("P-Asserted-Identity").into_iter().next().or_else(party).as_ref().map(peer_of)
}

/// What else the PBX says about a call.
pub(crate) fn call_headers(account: &Account, request: &Request) -> CallHeaders {
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
        replaces: None,
        answer_after: answer_after(&request.headers),
        verified: if account.trusts() { verified(&request.headers) } else { Verified::Unknown },
        extra: extra(&request.headers),
    }
}

/// `verstat` stands in the URI's user part, its parameters or the header's, by the PBX's make.
fn verified(headers: &Headers) -> Verified {
    // Parsed, not searched: a display name can say anything.
    let of = |address: &NameAddr| {
        let user = address.uri.user.as_deref().and_then(|user| user.split_once(';')).map_or("", |(_, p)| p);
        let user = Params::parse(user);
        let places = [&address.params, &address.uri.params, &user];
        places.into_iter().find_map(|params| params.get("verstat").map(str::to_string))
    };
    // What the PBX asserts is judged by what stands there, not by a From that the caller wrote.
    let name = if headers.count("P-Asserted-Identity") > 0 { "P-Asserted-Identity" } else { "From" };
    let said = headers.items(name).iter().filter_map(|item| NameAddr::parse(item)).find_map(|address| of(&address));
    match said.map(|said| said.trim_matches('"').to_ascii_lowercase()) {
        Some(said) if said.starts_with("tn-validation-passed") => Verified::Passed,
        Some(said) if said.starts_with("tn-validation-failed") => Verified::Failed,
        _ => Verified::Unknown,
    }
}

/// After how many seconds the caller wants to be answered, in the dialects of Call-Info and Alert-Info
/// (`answer-after=N`, `info=alert-autoanswer;delay=N`, "Auto Answer", "Ring Answer"), Answer-Mode (RFC 5373) and
/// X-AUTOANSWER. `answer-after` wins.
fn answer_after(headers: &Headers) -> Option<u32> {
    let infos: Vec<String> =
        ["Call-Info", "Alert-Info"].iter().flat_map(|n| headers.all(n)).map(|v| v.to_ascii_lowercase()).collect();
    let seconds = |value: &str, name: &str| {
        let (_, rest) = value.split_once(name)?;
        let rest = rest.trim_start().strip_prefix('=')?.trim_start().trim_start_matches('"');
        number::<u32>(rest.split(|c: char| !c.is_ascii_digit()).next()?).map(|s| s.min(3600))
    };
    if let Some(after) = infos.iter().find_map(|info| seconds(info, "answer-after")) {
        return Some(after);
    }
    let spoken = |info: &&String| {
        ["alert-autoanswer", "auto answer", "auto-answer", "autoanswer", "ring answer"].iter().any(|w| info.contains(w))
    };
    if let Some(info) = infos.iter().find(spoken) {
        return Some(seconds(info, "delay").unwrap_or(0));
    }
    let says = |name: &str, words: &[&str]| {
        let value = headers.text(name).unwrap_or_default().to_ascii_lowercase();
        words.contains(&value.split(';').next().unwrap_or_default().trim())
    };
    (says("Answer-Mode", &["auto"]) || says("X-AUTOANSWER", &["true", "1"])).then_some(0)
}

/// Headers that mean something to SIP, or are read above.
const READ: [&str; 36] = [
    "Via",
    "From",
    "To",
    "Call-ID",
    "CSeq",
    "Contact",
    "Max-Forwards",
    "Content-Length",
    "Content-Type",
    "Content-Encoding",
    "Content-Disposition",
    "Allow",
    "Allow-Events",
    "Supported",
    "Require",
    "Proxy-Require",
    "Route",
    "Record-Route",
    "Authorization",
    "Proxy-Authorization",
    "User-Agent",
    "Accept",
    "Accept-Encoding",
    "Accept-Language",
    "Date",
    "Expires",
    "Timestamp",
    "MIME-Version",
    "Session-Expires",
    "Min-SE",
    "Privacy",
    "P-Asserted-Identity",
    "Remote-Party-ID",
    "Replaces",
    "Identity",
    "Path",
];

/// Most such headers that are told.
const MAX_EXTRA: usize = 32;

fn extra(headers: &Headers) -> Vec<(String, String)> {
    let unread = headers.iter().filter(|h| !READ.iter().any(|name| h.is(name)));
    let cleaned = unread.map(|h| (clean(&h.name), clean(&decode(&h.value))));
    cleaned.filter(|(_, value)| !value.is_empty()).take(MAX_EXTRA).collect()
}

/// Where a 3xx points to, best first (RFC 3261 20.10). A URI too long to be shown whole is left out: cut short it would be
/// another.
pub(crate) fn redirect_targets(response: &Response) -> Vec<Peer> {
    let contacts = response.headers.items("Contact");
    let mut found: Vec<(u32, Peer)> = contacts
        .iter()
        .filter_map(|item| NameAddr::parse(item))
        .filter(|a| a.uri.is_sip() || a.uri.scheme == Scheme::Tel)
        .map(|mut address| {
            address.uri.headers = None;
            address.uri.params.remove("method");
            let q = address.params.get("q").and_then(|q| q.parse::<f32>().ok()).filter(|q| (0.0..=1.0).contains(q));
            ((q.unwrap_or(1.0) * 1000.0) as u32, address)
        })
        .filter(|(_, address)| clean(&address.uri.to_string()) == address.uri.to_string())
        .map(|(q, address)| (q, peer_of(&address)))
        .collect();
    found.sort_by_key(|(q, _)| std::cmp::Reverse(*q));
    found.into_iter().map(|(_, peer)| peer).collect()
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
