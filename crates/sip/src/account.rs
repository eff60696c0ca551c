//! An account as it lives in the agent: its wire, its credentials, its registration, and how its requests look.

use crate::{
    config::{AccountConfig, AccountKind, HostPort, Transport},
    credentials::Credentials,
    dialog::Dialog,
    io::{Destination, WireFailure},
    registrar::Registrar,
    registration::Registration,
    text::{NameAddr, Uri, escape_user},
};
use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

/// Longest pause between two attempts to open a wire.
const MAX_REOPEN: Duration = Duration::from_secs(4);

/// Whether messages can leave.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Wire {
    Down,
    /// `OpenWire` is out.
    Opening,
    Up {
        local: SocketAddr,
        remote: Vec<SocketAddr>,
    },
    /// It is opened again at that time.
    Pausing(Instant),
}

/// What a new wire changes about where we are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Moved {
    No,
    /// The same address by another port.
    Port,
    /// Another address: another network. The voice of the calls must follow.
    Away,
}

pub(crate) struct Account {
    pub config: AccountConfig,
    pub wire: Wire,
    /// How often in a row the wire could not be had.
    failures: u32,
    /// When anything last came by its wire.
    pub last_heard: Option<Instant>,
    pub credentials: Credentials,
    pub registration: Registration,
    pub registrar: Registrar,
    /// Set while the account says good-bye: when it is forgotten at the latest.
    pub leaving: Option<Instant>,
    /// Our address on the wire that was up last: what the peers of our calls know.
    known_as: Option<SocketAddr>,
    /// How often another server was turned to since one took us last.
    pub turns: usize,
    /// The way to the registrar does not have RFC 5626 (439, 420).
    pub no_outbound: bool,
}

impl Account {
    pub fn new(config: AccountConfig, registration: Registration) -> Self {
        Account {
            config,
            wire: Wire::Down,
            failures: 0,
            last_heard: None,
            credentials: Credentials::default(),
            registration,
            registrar: Registrar::default(),
            leaving: None,
            known_as: None,
            turns: 0,
            no_outbound: false,
        }
    }

    pub fn local(&self) -> Option<SocketAddr> {
        match self.wire {
            Wire::Up { local, .. } => Some(local),
            _ => None,
        }
    }

    /// Whether the peers of our calls know another address of ours than this wire's.
    pub fn wire_up(&mut self, local: SocketAddr, remote: &[SocketAddr]) -> Moved {
        self.failures = 0;
        self.wire = Wire::Up { local, remote: remote.to_vec() };
        match self.known_as.replace(local) {
            Some(before) if before.ip() != local.ip() => Moved::Away,
            Some(before) if before != local => Moved::Port,
            _ => Moved::No,
        }
    }

    /// The wire is down; `Some(when)` if it is opened again by itself.
    pub fn wire_down(&mut self, now: Instant, failure: WireFailure, wanted: bool) -> Option<Instant> {
        let pause = Duration::from_secs(1 << self.failures.min(2)).min(MAX_REOPEN);
        self.failures = self.failures.saturating_add(1);
        let again = (wanted && !failure.needs_a_person()).then_some(now + pause);
        self.wire = again.map_or(Wire::Down, Wire::Pausing);
        again
    }

    /// Whether a request from there is listened to at all.
    pub fn accepts(&self, source: SocketAddr) -> bool {
        match (&self.wire, self.config.kind) {
            (Wire::Up { .. }, AccountKind::Direct) => true,
            (Wire::Up { remote, .. }, AccountKind::Registrar) => {
                remote.iter().any(|r| r.ip().to_canonical() == source.ip().to_canonical())
            }
            _ => false,
        }
    }

    /// Whether what its peers say of others is believed.
    pub fn trusts(&self) -> bool {
        self.config.trust_identity && self.config.kind == AccountKind::Registrar
    }

    pub fn is_direct(&self) -> bool {
        self.config.kind == AccountKind::Direct
    }

    /// Whether the wire is one connection to the PBX, which dies with it.
    pub fn has_stream(&self) -> bool {
        self.config.kind == AccountKind::Registrar && self.config.transport.reliable()
    }

    /// Our address of record.
    pub fn aor(&self) -> Uri {
        Uri::sip(&self.config.user, self.config.domain.clone())
    }

    /// The From of new requests, without tag.
    pub fn from(&self) -> NameAddr {
        let display = self.config.display_name.clone().filter(|d| !d.is_empty());
        NameAddr { display, ..NameAddr::of(self.aor()) }
    }

    /// Where peers reach us: the wire's own address, with its transport unless that is UDP.
    pub fn contact(&self, local: SocketAddr) -> String {
        let host = HostPort { host: local.ip().to_string(), port: Some(local.port()) };
        let transport = match self.config.transport {
            Transport::Udp => "",
            Transport::Tcp => ";transport=tcp",
            Transport::Tls => ";transport=tls",
        };
        format!("<sip:{}@{host}{transport}>", escape_user(&self.config.user))
    }

    /// The Contact of a REGISTER, and whether it names the flow that it comes by (RFC 5626 4.2): a stream's is where calls
    /// come in, for as long as it lives.
    pub fn binding(&self, local: SocketAddr) -> (String, bool) {
        let contact = self.contact(local);
        match &self.config.instance {
            Some(instance) if self.has_stream() && !self.no_outbound => {
                (format!("{contact};reg-id=1;+sip.instance=\"<{instance}>\""), true)
            }
            _ => (contact, false),
        }
    }

    /// The Route header of requests outside of dialogs, if an outbound proxy is set.
    pub fn route(&self) -> Option<String> {
        let proxy = self.config.proxy.as_ref()?;
        let transport = match self.config.transport {
            Transport::Udp => "",
            Transport::Tcp => ";transport=tcp",
            Transport::Tls => ";transport=tls",
        };
        Some(format!("<sip:{proxy}{transport};lr>"))
    }

    /// Whether a host is the account's own PBX: its domain, registrar or proxy, or an address of its wire.
    pub fn is_own_host(&self, host: &HostPort) -> bool {
        let config = &self.config;
        let default = config.transport.default_port();
        let same = |own: &HostPort| {
            own.host.eq_ignore_ascii_case(&host.host) && own.port.unwrap_or(default) == host.port.unwrap_or(default)
        };
        let named = [Some(&config.domain), config.registrar.as_ref(), config.proxy.as_ref()];
        if named.into_iter().flatten().any(same) {
            return true;
        }
        match (&self.wire, host.ip()) {
            // The same address with another port is somebody else: a customer of the practice line beside its registrar.
            (Wire::Up { remote, .. }, Some(ip)) => {
                let same = |r: &SocketAddr| r.ip().to_canonical() == ip.to_canonical();
                remote.iter().any(|r| same(r) && r.port() == host.port.unwrap_or(default))
            }
            _ => false,
        }
    }

    /// Where a new request with that Request-URI goes: all of it to the PBX, or to the proxy; a direct account has
    /// neither, and reaches each host by itself.
    pub fn destination(&self, uri: &Uri) -> Destination {
        if self.config.kind == AccountKind::Registrar || self.config.proxy.is_some() {
            return Destination::NextHop;
        }
        self.host(uri)
    }

    fn host(&self, uri: &Uri) -> Destination {
        let transport = uri.transport().unwrap_or(self.config.transport);
        Destination::Host { hop: uri.host.clone(), transport }
    }

    /// Where a request in a dialog goes: by its route set, but over the account's own wire where that leads to the
    /// account's own PBX, and over the peer's flow where there is one.
    pub fn dialog_destination(&self, dialog: &Dialog) -> Destination {
        let direct = self.config.kind == AccountKind::Direct;
        if let (true, Some((addr, flow))) = (direct, dialog.source)
            && (flow.is_some() || self.config.serve_registrations)
        {
            return Destination::Source { addr, flow };
        }
        // A stream to the PBX is where it expects us, whatever address it believes to have.
        if self.has_stream() {
            return Destination::NextHop;
        }
        match dialog.next_uri().filter(Uri::is_sip) {
            Some(uri) if (!direct || self.config.proxy.is_some()) && self.is_own_host(&uri.host) => {
                Destination::NextHop
            }
            Some(uri) => self.host(&uri),
            None => Destination::NextHop,
        }
    }

    pub fn reliable(&self, to: &Destination) -> bool {
        match to {
            Destination::Host { transport, .. } => transport.reliable(),
            Destination::Source { flow: Some(_), .. } => true,
            _ => self.config.transport.reliable(),
        }
    }

    pub fn transport_of(&self, to: &Destination) -> Transport {
        match to {
            Destination::Host { transport, .. } => *transport,
            _ => self.config.transport,
        }
    }
}
