//! The user agent: every input finds its account, call or transaction here, and every request of a peer is judged
//! (RFC 3261 8.2) before anything else sees it.

use crate::{
    account::{Account, Moved, Wire},
    call::Call,
    config::{AccountConfig, AccountId, CallId, INCOMING_CALL_BIT},
    core::Core,
    io::{EndReason, Event, Input, LocalMedia, Output, SendId, WireFailure},
    registration::{GOODBYE, Registration},
    subscription::Subscription,
    text::{Message, ParseError, Response, parse},
    transaction::{Owner, TxEvent, TxId},
};
use std::{
    collections::{BTreeMap, VecDeque},
    net::SocketAddr,
    time::Instant,
};

mod requests;

/// Most calls at once, whatever their state.
const MAX_CALLS: usize = 128;

/// A SIP user agent with any number of accounts. Same seed, same inputs: same outputs.
pub struct Agent {
    core: Core,
    calls: BTreeMap<CallId, Call>,
    last_incoming: u32,
    /// Set by `Input::Stop`: when to stop waiting.
    stopping: Option<Instant>,
}

impl Agent {
    /// `seed` must be unpredictable outside of tests: tags, branches and nonces come from it.
    pub fn new(seed: [u8; 32]) -> Self {
        Agent { core: Core::new(seed), calls: BTreeMap::new(), last_incoming: 0, stopping: None }
    }

    /// One change. Drain `poll_output` afterwards, then look at `poll_timeout`.
    pub fn handle(&mut self, now: Instant, input: Input) {
        self.dispatch(now, input);
        self.settle(now);
        self.run_timers(now);
        self.settle(now);
        self.finish_leaving(now);
    }

    pub fn poll_output(&mut self) -> Option<Output> {
        self.core.tx.outputs.pop_front()
    }

    /// When `Input::Timeout` is due, and for what (for logs and tests). `None`: nothing is under way.
    pub fn poll_timeout(&self) -> Option<(Instant, &'static str)> {
        let calls = self.calls.values().filter_map(Call::poll_timeout);
        let accounts = self.core.accounts.values().flat_map(|a| {
            let reopen = match a.wire {
                Wire::Pausing(at) => Some((at, "wire again")),
                _ => None,
            };
            let alternatives = matches!(&a.wire, Wire::Up { remote, .. } if remote.len() > 1);
            let renewed = a.config.transport.reliable() || alternatives;
            let leaving = a.leaving.map(|at| (at, "account leaves"));
            [reopen, a.registration.poll_timeout(renewed), a.registrar.poll_timeout(), leaving]
        });
        let stopping = self.stopping.map(|at| (at, "stop"));
        let subscriptions = self.core.subscriptions.values().filter_map(Subscription::poll_timeout);
        calls.chain(subscriptions).chain(accounts.flatten()).chain(self.core.tx.poll_timeout()).chain(stopping).min()
    }

    fn dispatch(&mut self, now: Instant, input: Input) {
        match input {
            Input::SetAccount(config) => self.set_account(now, *config),
            Input::RemoveAccount(account) => self.remove_account(now, account),
            Input::Register(account) if self.stopping.is_none() => self.core.register(now, account),
            Input::Register(_) => {}
            Input::Unregister(account) => self.core.unregister(now, account),
            Input::Return(account) => {
                // A call goes on where it began.
                let busy = self.calls.values().any(|c| c.account == account);
                let registered = self.core.account(account).is_some_and(|a| a.registration.stands());
                if !busy && registered && self.stopping.is_none() {
                    self.core.go_back(now, account);
                }
            }
            Input::Doubt(account) => self.core.doubt(now, account),
            Input::Invite { account, call, target, media } => {
                if self.calls.contains_key(&call) || call.0 & INCOMING_CALL_BIT != 0 {
                    return;
                }
                let leaving = self.core.account(account).is_some_and(|a| a.leaving.is_some());
                if self.calls.len() >= MAX_CALLS || self.stopping.is_some() || leaving {
                    self.core.event(Event::Ended { call, reason: EndReason::Cancelled, status: None });
                    return;
                }
                let made = Call::outgoing(&mut self.core, now, account, call, target, media);
                self.calls.insert(call, made);
            }
            Input::Answer { call, media } => self.with_call(call, |call, core| call.answer(core, now, media)),
            Input::Move { call, media, gathered } => {
                self.with_call(call, |call, core| call.move_media(core, now, media, gathered));
            }
            Input::Reject { call, status } => self.with_call(call, |call, core| call.reject(core, now, status)),
            Input::HangUp { call } => self.with_call(call, |call, core| call.hang_up(core, now)),
            Input::Hold { call, on } => self.with_call(call, |call, core| call.hold(core, now, on)),
            Input::Redirect { call, target } => self.with_call(call, |call, core| call.redirect(core, now, &target)),
            Input::Transfer { call, target } => self.with_call(call, |call, core| call.transfer(core, now, &target)),
            Input::TransferTo { call, with } => {
                let with = self.calls.get(&with).and_then(|call| call.handed_over(&self.core));
                self.with_call(call, |call, core| call.transfer_to(core, now, with));
            }
            Input::AcceptRefer { call, new, media } => self.accept_refer(now, call, new, media),
            Input::RefuseRefer { call } => self.with_call(call, |call, core| call.refuse_refer(core, now, 603)),
            Input::Subscribe { account, subscription, package, target } => {
                if self.stopping.is_none() {
                    self.core.subscribe(now, subscription, account, package, target);
                }
            }
            Input::Unsubscribe { subscription } => self.core.unsubscribe(now, subscription),
            Input::Message { account, message, target, text } => {
                self.core.send_message(now, message, account, &target, &text);
            }
            Input::Info { call, digit } => self.with_call(call, |call, core| call.info(core, now, digit)),
            Input::Stop => self.stop(now),
            Input::WireUp { account, local, remote } => self.wire_up(now, account, local, &remote),
            Input::WireDown { account, failure } => self.wire_down(now, account, failure),
            Input::Received { account, source, flow, bytes } => self.received(now, account, (source, flow), &bytes),
            Input::SendFailed { id, failure, .. } => self.send_failed(id, failure),
            Input::Timeout => {}
        }
    }

    fn accept_refer(&mut self, now: Instant, call: CallId, new: CallId, media: LocalMedia) {
        if self.calls.contains_key(&new) || new.0 & INCOMING_CALL_BIT != 0 {
            return;
        }
        let room = self.calls.len() < MAX_CALLS && self.stopping.is_none();
        let asker = self.calls.get_mut(&call).filter(|_| room);
        let made = asker.and_then(|asker| {
            let granted = asker.accept_refer(&mut self.core, now)?;
            Some(Call::referred(&mut self.core, now, asker, new, granted, media))
        });
        match made {
            Some(made) => {
                self.calls.insert(new, made);
            }
            None => self.core.event(Event::Ended { call: new, reason: EndReason::Cancelled, status: None }),
        }
    }

    fn with_call(&mut self, id: CallId, act: impl FnOnce(&mut Call, &mut Core)) {
        if let Some(call) = self.calls.get_mut(&id) {
            act(call, &mut self.core);
        }
    }

    /// Hands what the transactions say to those who own them, until nothing is left to say.
    fn settle(&mut self, now: Instant) {
        while let Some(event) = self.core.tx.events.pop_front() {
            self.take_tx_event(now, event);
        }
        while let Some((call, status)) = self.core.refer_words.pop_front() {
            self.with_call(call, |call, core| call.refer_word(core, now, status));
        }
        for call in self.calls.values_mut() {
            call.settle_refers(&mut self.core, now);
        }
        self.calls.retain(|_, call| !call.finished());
    }

    fn take_tx_event(&mut self, now: Instant, event: TxEvent) {
        match event {
            TxEvent::Response { id, owner: Owner::Registration(account), response } => {
                self.core.registration_response(now, account, id, &response);
            }
            TxEvent::Failed { id, owner: Owner::Registration(account), failure } => {
                self.core.registration_failed(now, account, id, failure);
            }
            TxEvent::Response { id, owner: Owner::Subscription(subscription), response } => {
                self.core.subscription_response(now, subscription, id, &response);
            }
            TxEvent::Failed { id, owner: Owner::Subscription(subscription), failure } => {
                self.core.subscription_failed(now, subscription, id, failure);
            }
            TxEvent::Response { id, owner: Owner::Message(message), response } => {
                self.core.message_response(now, message, id, &response);
            }
            TxEvent::Failed { id, owner: Owner::Message(message), failure } => {
                self.core.message_failed(message, id, failure);
            }
            TxEvent::Response { id, owner, response } => {
                let Some(call) = call_of(owner) else { return };
                self.with_call(call, |call, core| call.on_response(core, now, id, owner, &response));
            }
            TxEvent::Failed { id, owner, failure } => {
                let Some(call) = call_of(owner) else { return };
                self.with_call(call, |call, core| call.on_failed(core, now, id, owner, failure));
            }
            TxEvent::Done { id, owner } => {
                let Some(call) = call_of(owner) else { return };
                self.with_call(call, |call, _| call.on_done(id));
            }
        }
    }

    fn run_timers(&mut self, now: Instant) {
        self.core.tx.run_timers(now);
        let due = |call: &Call| call.poll_timeout().is_some_and(|(at, _)| at <= now);
        let calls: Vec<CallId> = self.calls.iter().filter(|(_, c)| due(c)).map(|(id, _)| *id).collect();
        for id in calls {
            self.with_call(id, |call, core| call.on_timer(core, now));
        }
        self.core.subscription_timers(now);
        let accounts: Vec<AccountId> = self.core.accounts.keys().copied().collect();
        for id in accounts {
            self.core.registration_timers(now, id);
            self.core.registrar_timers(now, id);
            let reopen = |a: &Account| matches!(a.wire, Wire::Pausing(at) if at <= now);
            if self.core.account(id).is_some_and(reopen) {
                self.core.need_wire(id);
            }
        }
    }

    fn set_account(&mut self, now: Instant, config: AccountConfig) {
        let id = config.id;
        if let Some(account) = self.core.accounts.get_mut(&id) {
            // Only its name changed, or nothing that the wire or the registrar knows: keep them.
            let (display_name, trust_identity, srtp, ice) =
                (config.display_name.clone(), config.trust_identity, config.srtp, config.ice);
            let same = AccountConfig { display_name, trust_identity, srtp, ice, ..account.config.clone() } == config;
            if same && account.leaving.is_none() {
                account.config = config;
                self.core.tell_registration(id);
                return;
            }
            self.hang_up_all(now, Some(id));
            self.core.unregister(now, id);
            self.forget_account(id, EndReason::LocalHangUp, true);
        }
        let (call_id, tag) = (self.core.token(), self.core.token());
        self.core.accounts.insert(id, Account::new(config, Registration::new(call_id, tag)));
    }

    fn remove_account(&mut self, now: Instant, id: AccountId) {
        self.hang_up_all(now, Some(id));
        self.core.unsubscribe_all(now, id);
        self.core.unregister(now, id);
        if let Some(account) = self.core.accounts.get_mut(&id) {
            account.leaving.get_or_insert(now + GOODBYE);
        }
    }

    fn hang_up_all(&mut self, now: Instant, account: Option<AccountId>) {
        for call in self.calls.values_mut().filter(|c| account.is_none_or(|id| c.account == id)) {
            call.hang_up(&mut self.core, now);
        }
    }

    /// `again`: it comes back at once, made anew.
    fn forget_account(&mut self, id: AccountId, reason: EndReason, again: bool) {
        for call in self.calls.values_mut().filter(|c| c.account == id) {
            call.forget(&mut self.core, reason);
        }
        self.calls.retain(|_, call| !call.finished());
        self.core.forget_subscriptions(id, again);
        self.core.forget_messages(id);
        self.core.tx.forget_account(id);
        if self.core.accounts.remove(&id).is_some_and(|a| a.wire != Wire::Down) {
            self.core.output(Output::CloseWire { account: id });
        }
    }

    fn stop(&mut self, now: Instant) {
        if self.stopping.is_some() {
            return;
        }
        self.stopping = Some(now + GOODBYE);
        self.hang_up_all(now, None);
        for id in self.core.accounts.keys().copied().collect::<Vec<_>>() {
            self.core.unsubscribe_all(now, id);
            self.core.unregister(now, id);
        }
    }

    /// Forgets accounts that have said good-bye, or that waited long enough for its answer.
    fn finish_leaving(&mut self, now: Instant) {
        let stop = self.stopping;
        let over: Vec<AccountId> = self
            .core
            .accounts
            .iter()
            .filter_map(|(id, account)| {
                let until = account.leaving.or(stop)?;
                let calls = self.calls.values().any(|c| c.account == *id && c.closing());
                let busy = (calls && account.local().is_some())
                    || account.registration.leaving()
                    || self.core.says_goodbye(*id);
                (!busy || until <= now).then_some(*id)
            })
            .collect();
        for id in over {
            self.forget_account(id, EndReason::LocalHangUp, false);
        }
        if stop.is_some() && self.core.accounts.is_empty() {
            self.stopping = None;
            self.calls.clear();
            self.core.event(Event::Stopped);
        }
    }

    fn wire_up(&mut self, now: Instant, id: AccountId, local: SocketAddr, remote: &[SocketAddr]) {
        let Some(account) = self.core.accounts.get_mut(&id) else { return };
        let moved = account.wire_up(local, remote);
        self.core.registration_wire_up(now, id);
        self.core.subscriptions_wire_up(now, id);
        self.core.launch_waiting(now, id);
        for call in self.calls.values_mut().filter(|c| c.account == id) {
            call.launch(&mut self.core, now);
            match moved {
                Moved::No => {}
                Moved::Port => call.moved(&mut self.core, now),
                Moved::Away => call.moved_away(now),
            }
        }
    }

    fn wire_down(&mut self, now: Instant, id: AccountId, failure: WireFailure) {
        let watches = self.core.watches(id);
        let Some(account) = self.core.accounts.get_mut(&id) else { return };
        let wanted =
            account.registration.wanted || watches || self.calls.values().any(|c| c.account == id && c.closing());
        let again = account.wire_down(now, failure, wanted);
        self.core.registration_wire_down(id, failure, again);
        self.core.subscriptions_wire_down(id, failure);
        self.core.tx.wire_down(id, failure);
        let stream = self.core.account(id).is_some_and(Account::has_stream);
        for call in self.calls.values_mut().filter(|c| c.account == id) {
            call.wire_down(&mut self.core, failure, stream);
        }
    }

    fn send_failed(&mut self, id: SendId, failure: WireFailure) {
        let tx = TxId(id.0);
        self.core.tx.send_failed(tx, failure);
        for call in self.calls.values_mut() {
            call.answer_lost(&mut self.core, tx, failure);
        }
    }

    /// Bytes off the wire.
    fn received(&mut self, now: Instant, id: AccountId, source: (SocketAddr, Option<u64>), bytes: &[u8]) {
        let Some(account) = self.core.accounts.get_mut(&id) else { return };
        account.last_heard = Some(now);
        // Requests from elsewhere are dropped unanswered; so nothing of them is worth reading.
        let listened_to = account.accepts(source.0);
        match parse(bytes) {
            Ok(Message::Response(response)) => self.on_response(now, id, response),
            Ok(Message::Request(request)) if listened_to => self.on_request(now, id, source, request),
            Err(ParseError::Refused(status, request)) if listened_to => {
                self.refuse_unreadable(now, id, source, *request, status);
            }
            _ => {}
        }
    }

    fn on_response(&mut self, now: Instant, id: AccountId, response: Response) {
        // RFC 3261 8.1.3.3: more than one Via means that it was not for us.
        if response.headers.items("Via").len() == 1 {
            self.core.tx.receive_response(now, id, response);
        }
    }

    fn next_incoming(&mut self) -> CallId {
        loop {
            self.last_incoming = (self.last_incoming + 1) & !INCOMING_CALL_BIT;
            let id = CallId(self.last_incoming | INCOMING_CALL_BIT);
            if !self.calls.contains_key(&id) {
                return id;
            }
        }
    }
}

fn call_of(owner: Owner) -> Option<CallId> {
    match owner {
        Owner::Registration(_) | Owner::Subscription(_) | Owner::Message(_) => None,
        Owner::Invite(id) | Owner::Reinvite(id) | Owner::Bye(id) | Owner::Cancel(id) | Owner::Info(id) => Some(id),
        Owner::Refer(id) | Owner::Notify(id) | Owner::Prack(id) | Owner::Update(id) => Some(id),
    }
}

/// For tests: what is left inside.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Leftovers {
    pub calls: usize,
    pub transactions: bool,
    pub outputs: usize,
    pub subscriptions: usize,
    pub messages: usize,
}

impl Agent {
    /// What is under way at this moment; all zero once everything is over.
    pub fn leftovers(&self) -> Leftovers {
        let outputs: &VecDeque<Output> = &self.core.tx.outputs;
        Leftovers {
            calls: self.calls.len(),
            transactions: !self.core.tx.is_empty(),
            outputs: outputs.len(),
            subscriptions: self.core.subscriptions.len(),
            messages: self.core.messages.len(),
        }
    }
}
