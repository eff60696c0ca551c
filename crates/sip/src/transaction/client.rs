//! Client transactions (RFC 3261 17.1; the Accepted state of RFC 6026 7.2).

use super::{Failure, Io, Owner, T1, T1_X64, T2, T4, Transactions, TxEvent, TxId};
use crate::{
    config::AccountId,
    io::{Destination, Output, WireFailure},
    text::{Method, Request, Response, Via},
};
use std::time::{Duration, Instant};

/// A request on its way, or waiting for its account's wire.
pub(super) struct Client {
    pub(super) account: AccountId,
    owner: Owner,
    to: Destination,
    reliable: bool,
    /// With its Via, once launched.
    request: Request,
    bytes: Vec<u8>,
    state: State,
    /// Timers A, E: when to send again, and the interval after which that is.
    again: Option<(Instant, Duration)>,
    /// Timers B, F, D, K, M: when this state ends.
    until: Option<Instant>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
enum State {
    /// The wire is down.
    Waiting,
    /// Calling or Trying.
    Trying,
    Proceeding,
    /// INVITE: holds the ACK for the retransmitted refusal.
    Completed(Vec<u8>),
    /// INVITE: further 2xx go to the agent (RFC 6026).
    Accepted,
    Ended,
}

/// A new client transaction.
pub struct Start {
    pub account: AccountId,
    pub owner: Owner,
    pub to: Destination,
    pub reliable: bool,
    /// Without Via.
    pub request: Request,
    /// `None` while the wire is down: it is given by `wire_up`.
    pub via: Option<Via>,
}

impl Client {
    fn launch(&mut self, now: Instant, via: &Via, io: &mut Io<'_>) {
        self.request.headers.push_front("Via", via.to_string());
        self.bytes = self.request.to_bytes();
        self.state = State::Trying;
        self.until = Some(now + T1_X64);
        self.again = (!self.reliable).then_some((now + T1, T1));
        self.send(io);
    }

    fn invite(&self) -> bool {
        self.request.method == Method::Invite
    }

    fn send(&self, io: &mut Io<'_>) {
        send(self.account, &self.to, self.bytes.clone(), io);
    }

    pub(super) fn due(&self) -> Option<(Instant, &'static str)> {
        let (again, until) = match (self.invite(), &self.state) {
            (true, State::Completed(_)) => ("", "Timer D"),
            (true, State::Accepted) => ("", "Timer M"),
            (true, _) => ("Timer A", "Timer B"),
            (false, State::Completed(_)) => ("", "Timer K"),
            (false, _) => ("Timer E", "Timer F"),
        };
        let again = self.again.map(|(at, _)| (at, again));
        again.into_iter().chain(self.until.map(|at| (at, until))).min()
    }

    pub(super) fn on_timer(&mut self, now: Instant, io: &mut Io<'_>) {
        if self.until.is_some_and(|at| at <= now) {
            if matches!(self.state, State::Waiting | State::Trying | State::Proceeding) {
                self.fail(Failure::TimedOut, io);
            } else {
                self.end(io);
            }
        } else if let Some((at, interval)) = self.again.filter(|(at, _)| *at <= now) {
            let interval = match self.state {
                State::Proceeding => T2,
                _ if self.invite() => interval * 2,
                _ => (interval * 2).min(T2),
            };
            self.again = Some((at.max(now) + interval, interval));
            self.send(io);
        }
    }

    fn fail(&mut self, failure: Failure, io: &mut Io<'_>) {
        io.events.push_back(TxEvent::Failed { id: io.id, owner: self.owner, failure });
        self.end(io);
    }

    fn end(&mut self, io: &mut Io<'_>) {
        self.state = State::Ended;
        (self.again, self.until) = (None, None);
        io.events.push_back(TxEvent::Done { id: io.id, owner: self.owner });
    }

    fn on_response(&mut self, now: Instant, response: Response, io: &mut Io<'_>) {
        let status = response.status;
        match (&self.state, status) {
            (State::Trying | State::Proceeding, 100..200) => {
                let first = self.state == State::Trying;
                self.state = State::Proceeding;
                if !self.invite() {
                    self.again = self.again.map(|(at, _)| (at, T2));
                } else if first {
                    // An INVITE may ring as long as it likes; the agent's own patience ends it. A later provisional
                    // response does not undo the limit that a CANCEL has set.
                    (self.again, self.until) = (None, None);
                }
                self.tell(response, io);
            }
            (State::Trying | State::Proceeding, _) if !self.invite() => {
                self.again = None;
                self.until = Some(now + if self.reliable { Duration::ZERO } else { T4 });
                self.state = State::Completed(Vec::new());
                self.tell(response, io);
            }
            (State::Trying | State::Proceeding, 200..300) => {
                (self.again, self.until) = (None, Some(now + T1_X64));
                self.state = State::Accepted;
                self.tell(response, io);
            }
            (State::Accepted, 200..300) => self.tell(response, io),
            (State::Trying | State::Proceeding, _) => {
                let ack = self.ack(&response).to_bytes();
                send(self.account, &self.to, ack.clone(), io);
                // Timer D: a stream brings no copies to be acknowledged again.
                let linger = if self.reliable { Duration::ZERO } else { T1_X64 };
                (self.again, self.until) = (None, Some(now + linger));
                self.state = State::Completed(ack);
                self.tell(response, io);
            }
            (State::Completed(ack), 300..700) if self.invite() => send(self.account, &self.to, ack.clone(), io),
            _ => {}
        }
    }

    fn tell(&self, response: Response, io: &mut Io<'_>) {
        io.events.push_back(TxEvent::Response { id: io.id, owner: self.owner, response });
    }

    /// The ACK of a refusal: part of this transaction, hop by hop (RFC 3261 17.1.1.3).
    fn ack(&self, response: &Response) -> Request {
        let mut ack = derived(&self.request, Method::Ack);
        if let Some(to) = response.headers.bytes("To") {
            ack.headers.set("To", to);
        }
        ack
    }
}

/// A request of the same transaction: ACK or CANCEL (RFC 3261 9.1, 17.1.1.3).
fn derived(request: &Request, method: Method) -> Request {
    let mut derived = Request::new(method.clone(), request.uri.clone());
    derived.headers.remove("Content-Length");
    if let Some(via) = request.headers.bytes("Via") {
        derived.headers.push("Via", via);
    }
    for name in ["Route", "From", "To", "Call-ID"] {
        for header in request.headers.iter().filter(|h| h.is(name)) {
            derived.headers.push(name, &header.value);
        }
    }
    derived.headers.push("CSeq", format!("{} {method}", request.cseq().map_or(1, |(n, _)| n)));
    derived.headers.push("Max-Forwards", "70");
    derived.headers.push("Content-Length", "0");
    derived
}

fn send(account: AccountId, to: &Destination, bytes: Vec<u8>, io: &mut Io<'_>) {
    io.outputs.push_back(Output::Send { account, to: to.clone(), bytes, id: io.id.send_id() });
}

impl Transactions {
    pub(super) fn with_client(&mut self, id: TxId, act: impl FnOnce(&mut Client, &mut Io<'_>)) {
        let Some(client) = self.clients.get_mut(&id) else { return };
        act(client, &mut Io { id, events: &mut self.events, outputs: &mut self.outputs });
        if client.state == State::Ended {
            self.clients.remove(&id);
            self.client_keys.retain(|_, found| *found != id);
        }
    }

    /// Sends a request, or keeps it until the wire is up.
    pub fn start(&mut self, now: Instant, start: Start) -> TxId {
        let id = self.next_id();
        let Start { account, owner, to, reliable, request, via } = start;
        let client = Client {
            account,
            owner,
            to,
            reliable,
            request,
            bytes: Vec::new(),
            state: State::Waiting,
            again: None,
            until: Some(now + T1_X64),
        };
        self.clients.insert(id, client);
        if let Some(via) = via {
            self.launch(now, id, &via);
        }
        id
    }

    fn launch(&mut self, now: Instant, id: TxId, via: &Via) {
        let Some(client) = self.clients.get(&id) else { return };
        let key = (via.branch().unwrap_or_default().to_string(), client.request.method.clone());
        self.client_keys.insert(key, id);
        self.with_client(id, |client, io| client.launch(now, via, io));
    }

    /// Cancels an INVITE that has had a provisional response (RFC 3261 9.1). The INVITE itself must end within 64*T1.
    pub fn cancel(&mut self, now: Instant, invite: TxId, owner: Owner) -> Option<TxId> {
        let client = self.clients.get_mut(&invite)?;
        if client.state != State::Proceeding {
            return None;
        }
        client.until = Some(now + T1_X64);
        let mut request = derived(&client.request, Method::Cancel);
        let via = Via::parse(&request.headers.text("Via").unwrap_or_default());
        request.headers.remove("Via");
        let start =
            Start { account: client.account, owner, to: client.to.clone(), reliable: client.reliable, request, via };
        Some(self.start(now, start))
    }

    /// Stops a client transaction; its owner hears no more of it.
    pub fn abandon(&mut self, id: TxId) {
        self.clients.remove(&id);
        self.client_keys.retain(|_, found| *found != id);
    }

    /// The request of a running client transaction, as it was sent.
    pub fn sent_request(&self, id: TxId) -> Option<&Request> {
        self.clients.get(&id).map(|c| &c.request)
    }

    /// Where a running client transaction sends to.
    pub fn destination(&self, id: TxId) -> Option<&Destination> {
        self.clients.get(&id).map(|c| &c.to)
    }

    /// A response off the wire. Whether any transaction took it.
    pub fn receive_response(&mut self, now: Instant, account: AccountId, response: Response) -> bool {
        let Some(branch) = response.top_via().and_then(|v| v.branch().map(str::to_string)) else { return false };
        let Some((_, method)) = response.cseq() else { return false };
        let Some(&id) = self.client_keys.get(&(branch, method)) else { return false };
        if self.clients.get(&id).is_none_or(|c| c.account != account) {
            return false;
        }
        self.with_client(id, |client, io| client.on_response(now, response, io));
        true
    }

    /// The account's wire is up: what waited goes out. `via` makes a fresh Via for each.
    pub fn wire_up(&mut self, now: Instant, account: AccountId, mut via: impl FnMut() -> Via) {
        let waiting = self.clients.iter().filter(|(_, c)| c.account == account && c.state == State::Waiting);
        for id in waiting.map(|(id, _)| *id).collect::<Vec<_>>() {
            self.launch(now, id, &via());
        }
    }

    /// The account's wire is down. A BYE waits for its return, everything else fails.
    pub fn wire_down(&mut self, account: AccountId, failure: WireFailure) {
        let active = |c: &Client| c.account == account && matches!(c.state, State::Trying | State::Proceeding);
        let active: Vec<TxId> = self.clients.iter().filter(|(_, c)| active(c)).map(|(id, _)| *id).collect();
        for id in active {
            if self.clients.get(&id).is_some_and(|c| c.request.method != Method::Bye) {
                self.send_failed(id, failure);
                continue;
            }
            self.client_keys.retain(|_, found| *found != id);
            self.with_client(id, |client, _| {
                client.request.headers.remove("Via");
                client.state = State::Waiting;
                client.again = None;
            });
        }
    }

    /// A send of this transaction failed. A BYE goes on being repeated: the network may come back before it gives up.
    pub fn send_failed(&mut self, id: TxId, failure: WireFailure) {
        self.with_client(id, |client, io| match client.state {
            State::Waiting => {}
            State::Trying | State::Proceeding if client.request.method == Method::Bye && !client.reliable => {}
            State::Trying | State::Proceeding => client.fail(Failure::Wire(failure), io),
            _ => client.end(io),
        });
    }
}
