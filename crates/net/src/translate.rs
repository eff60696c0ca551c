//! Between the core's words and the user agent's.

mod control;

pub use control::package;
use hatif_core::{account as a, call as c, ice as paths, ids, sip as port, srtp as keys, text::Text};
use hatif_sip as s;
use std::time::Instant;

/// The codecs that media can be had with, best first.
pub const CODECS: [s::Codec; 4] = [s::Codec::Opus, s::Codec::G722, s::Codec::Pcma, s::Codec::Pcmu];

/// Their names in SDP (RFC 3551 6, RFC 7587).
pub fn codec_names() -> impl Iterator<Item = &'static str> {
    CODECS.iter().map(|codec| match codec {
        s::Codec::Opus => "opus",
        s::Codec::G722 => "G722",
        s::Codec::Pcma => "PCMA",
        s::Codec::Pcmu => "PCMU",
    })
}

/// An account for the user agent; `Err` where an address makes no sense.
pub fn account(
    account: &a::Account,
    password: Option<a::Password>,
    config: &crate::NetConfig,
) -> Result<s::AccountConfig, &'static str> {
    let host = |text: &str, field| s::HostPort::parse(text).ok_or(field);
    let optional = |text: &Option<String>, field| text.as_deref().map(|t| host(t, field)).transpose();
    let kind = match account.kind {
        a::AccountKind::Registrar | a::AccountKind::Practice => s::AccountKind::Registrar,
        a::AccountKind::Direct => s::AccountKind::Direct,
    };
    Ok(s::AccountConfig {
        id: s::AccountId(account.id.0),
        kind,
        user: account.user.clone(),
        domain: host(&account.domain, "domain")?,
        registrar: optional(&account.registrar, "registrar")?,
        proxy: optional(&account.proxy, "proxy")?,
        auth_user: account.auth_user.clone(),
        password: password.map(|p| s::Secret(p.0)),
        display_name: account.display_name.clone(),
        transport: match account.transport {
            a::Transport::Udp => s::Transport::Udp,
            a::Transport::Tcp => s::Transport::Tcp,
            a::Transport::Tls => s::Transport::Tls,
        },
        expires: account.expires,
        user_agent: config.user_agent.clone(),
        trust_identity: account.options.trust_identity,
        srtp: policy(account),
        ice: match (account.options.ice, account.kind) {
            // It stays on loopback.
            (_, a::AccountKind::Practice) | (paths::IceMode::Off, _) => s::IcePolicy::Off,
            (paths::IceMode::Auto, _) if account.options.stun.is_none() && account.options.turn.is_none() => {
                s::IcePolicy::Answer
            }
            (paths::IceMode::Auto | paths::IceMode::On, _) => s::IcePolicy::Offer,
        },
        instance: config.instance.clone(),
        serve_registrations: config.serve_registrations && kind == s::AccountKind::Direct,
    })
}

/// The account's STUN server, where its calls look for paths.
pub fn stun(account: &a::Account) -> Option<s::HostPort> {
    account.options.stun.as_deref().filter(|_| looks_for_paths(account)).and_then(s::HostPort::parse)
}

/// The account's TURN server, likewise.
pub fn turn(account: &a::Account) -> Option<s::HostPort> {
    account.options.turn.as_deref().filter(|_| looks_for_paths(account)).and_then(s::HostPort::parse)
}

fn looks_for_paths(account: &a::Account) -> bool {
    account.options.ice != paths::IceMode::Off && account.kind != a::AccountKind::Practice
}

/// What its calls are to know of the TURN server, at that address.
pub fn turn_at(account: &a::Account, addr: std::net::SocketAddr) -> paths::TurnServer {
    let user = account.options.turn_user.clone().unwrap_or_default();
    let password = account.turn_password.as_ref().map_or("", |password| password.0.as_str());
    paths::TurnServer { addr, user, password: zeroize::Zeroizing::new(password.to_owned()) }
}

/// A port's other addresses.
pub fn gathered(port: &paths::MediaPort) -> Vec<s::Gathered> {
    let kind = |kind| match kind {
        paths::CandidateKind::Host => s::CandidateKind::Host,
        paths::CandidateKind::ServerReflexive => s::CandidateKind::ServerReflexive,
        paths::CandidateKind::PeerReflexive => s::CandidateKind::PeerReflexive,
        paths::CandidateKind::Relayed => s::CandidateKind::Relayed,
    };
    let one =
        |g: &paths::Gathered| s::Gathered { kind: kind(g.kind), component: g.component, addr: g.addr, base: g.base };
    port.gathered.iter().map(one).collect()
}

/// An event for the core; `None` for what it does not know.
pub fn event(event: s::Event) -> Option<port::SipEvent> {
    use port::SipEvent as E;
    let call = |id: s::CallId| ids::CallId(id.0);
    Some(match event {
        s::Event::Registration { account, state } => {
            E::Registration { account: ids::AccountId(account.0), state: registration(state) }
        }
        s::Event::Incoming { account, call: id, peer, headers } => E::Incoming {
            account: ids::AccountId(account.0),
            call: call(id),
            peer: control::peer(peer),
            headers: control::headers(headers),
        },
        s::Event::Ringing { call: id, early_media } => E::Ringing { call: call(id), early_media },
        s::Event::Media { call: id, session } => E::Media { call: call(id), media: media(session) },
        s::Event::Answered { call: id } => E::Answered { call: call(id) },
        s::Event::Hold { call: id, local, remote } => E::Hold { call: call(id), hold: c::Hold::new(local, remote) },
        s::Event::Ended { call: id, reason, status } => E::Ended { call: call(id), reason: end(reason, status) },
        s::Event::RegistrationServed { user, source, expires, .. } => {
            E::RegistrationServed { user, source, up: !expires.is_zero() }
        }
        s::Event::PeerChanged { call: id, peer } => E::PeerChanged { call: call(id), peer: control::peer(peer) },
        s::Event::Transfer { call: id, progress } => {
            E::Transfer { call: call(id), progress: control::progress(progress) }
        }
        s::Event::ReferAsked { call: id, target, replaces } => {
            E::ReferAsked { call: call(id), target: control::peer(target), replaces }
        }
        s::Event::ReferGone { call: id } => E::ReferGone { call: call(id) },
        s::Event::Redirected { call: id, targets } => {
            E::Redirected { call: call(id), targets: targets.into_iter().map(control::peer).collect() }
        }
        s::Event::Digit { call: id, digit } => E::Digit { call: call(id), digit },
        s::Event::Lamp { subscription, lamp } => {
            E::Lamp { subscription: ids::SubscriptionId(subscription.0), lamp: control::lamp(lamp) }
        }
        s::Event::MessagesWaiting { account, mailbox } => {
            let s::Mailbox { waiting, new, old } = mailbox;
            E::MessagesWaiting { account: ids::AccountId(account.0), mailbox: port::Mailbox { waiting, new, old } }
        }
        s::Event::SubscriptionDown { subscription, failure, retry } => E::SubscriptionDown {
            subscription: ids::SubscriptionId(subscription.0),
            cause: control::not_watched(failure),
            retry,
        },
        s::Event::MessageReceived { account, peer, text } => {
            E::MessageReceived { account: ids::AccountId(account.0), peer: control::peer(peer), text }
        }
        s::Event::MessageSent { message, result } => {
            E::MessageSent { message: ids::MessageId(message.0), result: result.map_err(control::not_delivered) }
        }
        s::Event::Stopped => E::Stopped,
    })
}

fn media(m: s::MediaSession) -> port::MediaSession {
    port::MediaSession {
        codec: match m.codec {
            s::Codec::Opus => port::Codec::Opus,
            s::Codec::Pcmu => port::Codec::Pcmu,
            s::Codec::Pcma => port::Codec::Pcma,
            s::Codec::G722 => port::Codec::G722,
        },
        payload: m.payload,
        payload_in: m.payload_in,
        dtmf_payload: m.dtmf_payload,
        dtmf_clock: m.dtmf_clock,
        remote: m.remote,
        send: m.send,
        receive: m.receive,
        ptime_ms: m.ptime_ms,
        srtp: m.srtp.map(srtp),
        ice: m.ice.map(|session| Box::new(ice(session))),
        rtcp_mux: m.rtcp_mux,
    }
}

fn ice(session: s::IceSession) -> paths::Ice {
    let credentials = |c: s::IceCredentials| paths::IceCredentials { ufrag: c.ufrag, pwd: c.pwd };
    let candidate = |c: s::Candidate| paths::Candidate {
        foundation: c.foundation,
        component: c.component,
        priority: c.priority,
        addr: c.addr,
        kind: match c.kind {
            s::CandidateKind::Host => paths::CandidateKind::Host,
            s::CandidateKind::ServerReflexive => paths::CandidateKind::ServerReflexive,
            s::CandidateKind::PeerReflexive => paths::CandidateKind::PeerReflexive,
            s::CandidateKind::Relayed => paths::CandidateKind::Relayed,
        },
    };
    paths::Ice {
        controlling: session.controlling,
        local: credentials(session.local),
        remote: credentials(session.remote),
        candidates: session.candidates.into_iter().map(candidate).collect(),
    }
}

fn srtp(s: s::Srtp) -> keys::Srtp {
    let key = |key: &s::MasterKey| {
        let (key, salt) = key.0.split_at(s.suite.key_length().min(key.0.len()));
        keys::SrtpKey { key: key.to_vec().into(), salt: salt.to_vec().into() }
    };
    keys::Srtp {
        suite: match s.suite {
            s::Suite::AesCm128Sha80 => keys::Suite::AesCm128Sha80,
            s::Suite::AesCm128Sha32 => keys::Suite::AesCm128Sha32,
            s::Suite::AesCm256Sha80 => keys::Suite::AesCm256Sha80,
            s::Suite::AesCm256Sha32 => keys::Suite::AesCm256Sha32,
            s::Suite::AeadAes128Gcm => keys::Suite::AeadAes128Gcm,
            s::Suite::AeadAes256Gcm => keys::Suite::AeadAes256Gcm,
        },
        local: key(&s.local),
        remote: key(&s.remote),
    }
}

fn policy(account: &a::Account) -> s::SrtpPolicy {
    match (account.options.encryption, account.transport) {
        (keys::Encryption::Off, _) => s::SrtpPolicy::Off,
        (keys::Encryption::Optional, _) => s::SrtpPolicy::Optional,
        (keys::Encryption::Required, _) | (keys::Encryption::Auto, a::Transport::Tls) => s::SrtpPolicy::Required,
        (keys::Encryption::Auto, a::Transport::Udp | a::Transport::Tcp) => s::SrtpPolicy::Off,
    }
}

fn registration(state: s::RegistrationState) -> a::Registration {
    match state {
        s::RegistrationState::Off => a::Registration::Off,
        s::RegistrationState::Trying => a::Registration::Trying,
        s::RegistrationState::Up { .. } => a::Registration::Up,
        s::RegistrationState::Down { cause, retry_at } => down(cause, retry_at),
    }
}

fn down(cause: s::Cause, retry_at: Option<Instant>) -> a::Registration {
    let cause = match cause {
        s::Cause::Unauthorized => Text::new("reg.unauthorized"),
        s::Cause::Forbidden => Text::new("reg.forbidden"),
        s::Cause::NotFound => Text::new("reg.not_found"),
        s::Cause::TimedOut => Text::new("reg.timed_out"),
        s::Cause::ServerError => Text::new("reg.server_error"),
        s::Cause::RealmChanged => Text::new("reg.realm_changed"),
        s::Cause::ChallengeRefused => Text::new("reg.challenge_refused"),
        s::Cause::Protocol => Text::new("reg.protocol"),
        s::Cause::Wire(failure) => wire(failure),
        s::Cause::Other { status } => Text::new("reg.rejected").with("status", status.to_string()),
    };
    a::Registration::Down { cause, retry_at }
}

/// Why there is no way to the PBX, for a person.
pub fn wire(failure: s::WireFailure) -> Text {
    use s::WireFailure as W;
    Text::new(match failure {
        W::HostUnknown => "wire.host_unknown",
        W::Refused => "wire.refused",
        W::NoNetwork => "wire.no_network",
        W::TimedOut => "wire.timed_out",
        W::PortInUse => "wire.port_in_use",
        W::NotPermitted => "wire.not_permitted",
        W::TooLarge => "wire.too_large",
        W::CertificateUnknownCa => "tls.unknown_ca",
        W::CertificateWrongName => "tls.wrong_name",
        W::CertificateExpired => "tls.expired",
        W::CertificateOther => "tls.other",
        W::TlsFailed => "tls.failed",
        W::Closed => "wire.closed",
        W::Other => "wire.other",
    })
}

fn end(reason: s::EndReason, status: Option<u16>) -> c::EndReason {
    use s::EndReason as R;
    let failed = |code| c::EndReason::Failed { text: Text::new(code), status };
    match reason {
        R::LocalHangUp => c::EndReason::LocalHangUp,
        R::RemoteHangUp => c::EndReason::RemoteHangUp,
        R::Cancelled => c::EndReason::Cancelled,
        R::Declined => c::EndReason::Declined,
        R::Missed => c::EndReason::Missed,
        R::Forwarded => c::EndReason::Forwarded,
        R::AnsweredElsewhere => c::EndReason::AnsweredElsewhere,
        R::Busy => c::EndReason::Busy,
        R::NoAnswer => c::EndReason::NoAnswer,
        R::Rejected => c::EndReason::Rejected,
        R::NotFound => failed("call.not_found"),
        R::Forbidden => failed("call.forbidden"),
        R::Unauthorized => failed("call.unauthorized"),
        R::NoCommonCodec => failed("call.no_common_codec"),
        R::NotEncrypted => failed("call.not_encrypted"),
        R::Unreachable => failed("call.unreachable"),
        R::TimedOut => failed("call.timed_out"),
        R::ServerError => failed("call.server_error"),
        R::TemporarilyUnavailable => failed("call.unavailable"),
        R::AddressIncomplete => failed("call.incomplete"),
        R::Gone => failed("call.gone"),
        R::Wire(failure) => c::EndReason::Failed { text: wire(failure), status },
        R::BadTarget => failed("call.bad_target"),
        R::Protocol => failed("call.protocol"),
        R::Other { status: other } => c::EndReason::Failed {
            text: Text::new("call.failed").with("status", other.to_string()),
            status: Some(other),
        },
    }
}
