//! Transactions (RFC 3261 17 with RFC 6026): what makes one request over a lossy wire arrive once and be answered once.
//!
//! ```text
//! agent ── start ──> client ── Send ──> wire            wire ──> receive ──> server ──> agent
//!       <─ Response, Failed, Done ─┘                          respond ──> Send ──> wire
//! ```

mod client;
mod server;

use crate::{
    config::{AccountId, CallId},
    control::{MessageId, SubscriptionId},
    io::{Output, SendId, WireFailure},
    text::{Method, Request, Response},
};
use client::Client;
pub use client::Start;
pub use server::Received;
use server::{Server, ServerKey};
use std::{
    collections::{BTreeMap, VecDeque},
    net::SocketAddr,
    time::{Duration, Instant},
};

/// RFC 3261 17.1.1.1: the round trip estimate and what derives from it.
pub const T1: Duration = Duration::from_millis(500);
pub const T2: Duration = Duration::from_secs(4);
pub const T4: Duration = Duration::from_secs(5);
/// Timers B, F, H, J, L, M.
pub const T1_X64: Duration = Duration::from_secs(32);

/// Most server transactions kept. A flood beyond it is dropped unanswered; retransmission brings honest ones back.
const MAX_SERVERS: usize = 2000;

/// Names one transaction of this agent; also the id of its sends.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct TxId(pub u64);

impl TxId {
    pub fn send_id(self) -> SendId {
        SendId(self.0)
    }
}

/// Whose request it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Owner {
    Registration(AccountId),
    /// The INVITE that makes the call.
    Invite(CallId),
    Reinvite(CallId),
    Bye(CallId),
    Cancel(CallId),
    Info(CallId),
    Prack(CallId),
    /// It refreshes the session.
    Update(CallId),
    Refer(CallId),
    /// Our word about the peer's REFER.
    Notify(CallId),
    Subscription(SubscriptionId),
    Message(MessageId),
}

/// Why a client transaction got no final response.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Failure {
    TimedOut,
    Wire(WireFailure),
}

/// What the transactions tell the agent.
#[derive(Debug)]
pub enum TxEvent {
    Response {
        id: TxId,
        owner: Owner,
        response: Response,
    },
    Failed {
        id: TxId,
        owner: Owner,
        failure: Failure,
    },
    /// The client transaction is forgotten: nothing comes from it any more.
    Done {
        id: TxId,
        owner: Owner,
    },
}

/// What a new server transaction is made of.
pub struct Arrival<'a> {
    pub account: AccountId,
    pub source: SocketAddr,
    pub flow: Option<u64>,
    pub reliable: bool,
    pub request: &'a Request,
}

/// All transactions of the agent.
#[derive(Default)]
pub struct Transactions {
    last: u64,
    clients: BTreeMap<TxId, Client>,
    client_keys: BTreeMap<(String, Method), TxId>,
    servers: BTreeMap<TxId, Server>,
    server_keys: BTreeMap<ServerKey, TxId>,
    pub events: VecDeque<TxEvent>,
    pub outputs: VecDeque<Output>,
}

impl Transactions {
    fn next_id(&mut self) -> TxId {
        self.last += 1;
        TxId(self.last)
    }

    /// A fresh id for a send that is no transaction (the ACK of a 2xx).
    pub fn loose_id(&mut self) -> SendId {
        self.next_id().send_id()
    }

    /// The earliest timer.
    pub fn poll_timeout(&self) -> Option<(Instant, &'static str)> {
        let clients = self.clients.values().filter_map(Client::due);
        clients.chain(self.servers.values().filter_map(Server::due)).min()
    }

    /// Runs every timer that is due.
    pub fn run_timers(&mut self, now: Instant) {
        let due: Vec<TxId> =
            self.clients.iter().filter(|(_, c)| c.due().is_some_and(|(at, _)| at <= now)).map(|(id, _)| *id).collect();
        for id in due {
            self.with_client(id, |client, io| client.on_timer(now, io));
        }
        let due: Vec<TxId> =
            self.servers.iter().filter(|(_, s)| s.due().is_some_and(|(at, _)| at <= now)).map(|(id, _)| *id).collect();
        for id in due {
            self.with_server(id, |server, io| server.on_timer(now, io));
        }
    }

    pub fn is_empty(&self) -> bool {
        self.clients.is_empty() && self.servers.is_empty()
    }

    /// Forgets everything of an account. Its owners are told nothing.
    pub fn forget_account(&mut self, account: AccountId) {
        self.clients.retain(|_, c| c.account != account);
        self.servers.retain(|_, s| s.account != account);
        let (clients, servers) = (&self.clients, &self.servers);
        self.client_keys.retain(|_, id| clients.contains_key(id));
        self.server_keys.retain(|_, id| servers.contains_key(id));
    }
}

/// Where a transaction puts what it says: bytes to the wire, events to the agent.
pub(crate) struct Io<'a> {
    pub id: TxId,
    pub events: &'a mut VecDeque<TxEvent>,
    pub outputs: &'a mut VecDeque<Output>,
}

#[cfg(test)]
mod tests;
