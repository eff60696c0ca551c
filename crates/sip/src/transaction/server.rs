//! Server transactions (RFC 3261 17.2; the Accepted state of RFC 6026 7.1).

use super::{Arrival, Io, MAX_SERVERS, T1, T1_X64, T2, T4, Transactions, TxId};
use crate::{
    config::AccountId,
    io::{Destination, Output},
    text::{Method, Request, Response},
};
use std::time::{Duration, Instant};

/// RFC 3261 17.2.1: an INVITE that nothing was said to by then is answered with 100, which stops its repetition.
const TRYING_AFTER: Duration = Duration::from_millis(200);

/// What two copies of one request have in common (RFC 3261 17.2.3). ACK and CANCEL carry their INVITE's key.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct ServerKey {
    account: AccountId,
    text: String,
    method: Method,
}

impl ServerKey {
    fn new(account: AccountId, request: &Request, method: Method) -> Option<Self> {
        let via = request.top_via()?;
        let text = match via.branch() {
            Some(branch) if branch.starts_with("z9hG4bK") && branch.len() > 7 => format!("{branch} {}", via.sent_by),
            // A peer of RFC 2543: what identifies the request is spread over its headers.
            _ => {
                let cseq = request.cseq().map_or(0, |(n, _)| n);
                let from = request.from_tag().unwrap_or_default();
                format!("{} {cseq} {from} {} {}", request.call_id(), request.uri, via.sent_by)
            }
        };
        Some(ServerKey { account, text, method })
    }
}

/// A request that came and what was said to it.
pub(super) struct Server {
    pub(super) account: AccountId,
    to: Destination,
    reliable: bool,
    method: Method,
    /// What tells a merged request (RFC 3261 8.2.2.2): From tag, Call-ID, CSeq; with no To tag.
    merge: Option<String>,
    state: State,
    last: Option<Vec<u8>>,
    /// An INVITE's 100, and when it goes out unless something else was said before.
    trying: Option<(Instant, Vec<u8>)>,
    /// Timer G.
    again: Option<(Instant, Duration)>,
    /// Timers H, I, J, L.
    until: Option<Instant>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    /// Trying or Proceeding.
    Proceeding,
    Completed,
    Confirmed,
    Accepted,
    Ended,
}

impl Server {
    pub(super) fn due(&self) -> Option<(Instant, &'static str)> {
        let until = match self.state {
            State::Accepted => "Timer L",
            State::Confirmed => "Timer I",
            _ if self.method == Method::Invite => "Timer H",
            _ => "Timer J",
        };
        let again = self.again.map(|(at, _)| (at, "Timer G"));
        let trying = self.trying.as_ref().map(|(at, _)| (*at, "100 Trying"));
        again.into_iter().chain(trying).chain(self.until.map(|at| (at, until))).min()
    }

    pub(super) fn on_timer(&mut self, now: Instant, io: &mut Io<'_>) {
        if let Some((_, trying)) = self.trying.take_if(|(at, _)| *at <= now) {
            self.last = Some(trying);
            self.send_last(io);
        }
        if self.until.is_some_and(|at| at <= now) {
            self.state = State::Ended;
        } else if let Some((at, interval)) = self.again.filter(|(at, _)| *at <= now) {
            let interval = (interval * 2).min(T2);
            self.again = Some((at.max(now) + interval, interval));
            self.send_last(io);
        }
    }

    fn send_last(&self, io: &mut Io<'_>) {
        if let Some(bytes) = self.last.clone() {
            let (account, to) = (self.account, self.to.clone());
            io.outputs.push_back(Output::Send { account, to, bytes, id: io.id.send_id() });
        }
    }

    fn respond(&mut self, now: Instant, response: &Response, io: &mut Io<'_>) {
        // After a final response only the agent's repetition of a 2xx is sent (RFC 3261 13.3.1.4).
        let repeated = self.state == State::Accepted && (200..300).contains(&response.status);
        if self.state != State::Proceeding && !repeated {
            return;
        }
        self.trying = None;
        self.last = Some(response.to_bytes());
        self.send_last(io);
        if response.status < 200 || repeated {
            return;
        }
        self.state = State::Completed;
        self.until = Some(now + T1_X64);
        if self.method != Method::Invite {
            if self.reliable {
                self.state = State::Ended;
            }
        } else if response.status < 300 {
            self.state = State::Accepted;
        } else if !self.reliable {
            self.again = Some((now + T1, T1));
        }
    }
}

/// What became of a request.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Received {
    New(TxId),
    /// A copy of one that is being dealt with; answered again where there is an answer.
    Copy,
    /// The same request by another way (RFC 3261 8.2.2.2): to be refused with 482.
    Merged(TxId),
    /// Unreadable Via, or more transactions than we keep.
    Dropped,
}

impl Transactions {
    pub(super) fn with_server(&mut self, id: TxId, act: impl FnOnce(&mut Server, &mut Io<'_>)) {
        let Some(server) = self.servers.get_mut(&id) else { return };
        act(server, &mut Io { id, events: &mut self.events, outputs: &mut self.outputs });
        if server.state == State::Ended {
            self.servers.remove(&id);
            self.server_keys.retain(|_, found| *found != id);
        }
    }

    /// A request off the wire, any but ACK.
    pub fn receive_request(&mut self, now: Instant, arrival: &Arrival<'_>) -> Received {
        let Arrival { account, source, flow, reliable, request } = *arrival;
        let Some(key) = ServerKey::new(account, request, request.method.clone()) else { return Received::Dropped };
        if let Some(&id) = self.server_keys.get(&key) {
            self.with_server(id, |server, io| {
                // In Accepted copies are absorbed: the agent repeats the 2xx by its own clock (RFC 6026 7.1).
                if matches!(server.state, State::Proceeding | State::Completed) {
                    server.send_last(io);
                }
            });
            return Received::Copy;
        }
        let Some(via) = request.top_via() else { return Received::Dropped };
        // A flood of new requests must not keep a call from being hung up.
        let limit = if request.to_tag().is_some() { MAX_SERVERS + MAX_SERVERS / 10 } else { MAX_SERVERS };
        if self.servers.len() >= limit {
            return Received::Dropped;
        }
        let merge = request.to_tag().is_none().then(|| {
            let from = request.from_tag().unwrap_or_default();
            let cseq = request.headers.text("CSeq").unwrap_or_default().into_owned();
            format!("{} {cseq} {from} {}", request.call_id(), account.0)
        });
        let merged = merge.is_some() && self.servers.values().any(|s| s.merge == merge);
        let addr = if reliable { source } else { via.response_address(source) };
        let trying =
            (request.method == Method::Invite).then(|| (now + TRYING_AFTER, request.response(100, None).to_bytes()));
        let id = self.next_id();
        let server = Server {
            account,
            to: Destination::Source { addr, flow },
            reliable,
            method: request.method.clone(),
            merge: merge.filter(|_| !merged),
            state: State::Proceeding,
            last: None,
            trying,
            again: None,
            until: None,
        };
        self.servers.insert(id, server);
        self.server_keys.insert(key, id);
        if merged { Received::Merged(id) } else { Received::New(id) }
    }

    /// An ACK off the wire. Whether it belonged to a refused INVITE; if not, it is a dialog's.
    pub fn receive_ack(&mut self, now: Instant, account: AccountId, request: &Request) -> bool {
        let Some(key) = ServerKey::new(account, request, Method::Invite) else { return true };
        let Some(&id) = self.server_keys.get(&key) else { return false };
        let mut taken = true;
        self.with_server(id, |server, _| match server.state {
            State::Completed => {
                server.again = None;
                server.state = if server.reliable { State::Ended } else { State::Confirmed };
                server.until = Some(now + T4);
            }
            // An RFC 2543 peer's ACK of a 2xx has the key of its INVITE.
            State::Accepted => taken = false,
            _ => {}
        });
        taken
    }

    /// The INVITE that a CANCEL means, unless it is gone.
    pub fn cancelled(&self, account: AccountId, request: &Request) -> Option<TxId> {
        let key = ServerKey::new(account, request, Method::Invite)?;
        self.server_keys.get(&key).copied()
    }

    /// Drops a request unanswered: the way back to its sender is gone.
    pub fn forget_request(&mut self, id: TxId) {
        self.servers.remove(&id);
        self.server_keys.retain(|_, found| *found != id);
    }

    /// Answers a request. Only the first final response of a transaction is sent, but for the repetition of a 2xx.
    pub fn respond(&mut self, now: Instant, id: TxId, response: &Response) {
        self.with_server(id, |server, io| server.respond(now, response, io));
    }
}
