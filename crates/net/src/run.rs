//! The loop: one agent, its wires, its timer. Everything that wakes it is in one `select`.

use crate::{
    NetConfig, resolve,
    servers::Servers,
    sleep::Sleep,
    stream, translate, udp,
    wire::{self, Opening, RECEIVED, Wire, WireEvent},
};
use hatif_core::{
    account::{Account, AccountKind, Password},
    ice::{MediaPlace, MediaPort},
    ids,
    sip::{SipCommand, SipEvent},
    text::Text,
};
use hatif_sip::{
    AccountId, Agent, CallId, HostPort, Input, LocalMedia, MessageId, Output, SubscriptionId, Transport, WireFailure,
};
use std::{
    collections::HashMap,
    net::{IpAddr, SocketAddr},
    time::{Duration, Instant, SystemTime},
};
use tokio::sync::mpsc;

/// What is kept of an account beside the agent.
struct Known {
    account: Account,
    hop: HostPort,
    transport: Transport,
    /// Kept so that a change of something else needs no new one.
    password: Option<Password>,
    generation: u64,
    wire: Option<Box<dyn Wire>>,
    servers: Servers,
    /// Our address on the wire that was up last.
    local: Option<IpAddr>,
    /// No way led to the PBX when it was looked for last.
    cut_off: bool,
    /// The STUN server's addresses as they were found last: no call waits for its name.
    stun: Vec<SocketAddr>,
    /// The TURN server's, likewise.
    turn: Vec<SocketAddr>,
}

/// What a server answers that cannot serve now (RFC 3261 21.5.4).
const UNAVAILABLE: u16 = 503;
/// How often the way to each PBX is looked at. It asks the routing table and sends nothing.
const LOOK_ROUND: Duration = Duration::from_secs(1);

pub struct Run {
    config: NetConfig,
    sleep: Sleep,
    on_event: Box<dyn FnMut(SipEvent) + Send>,
    agent: Agent,
    accounts: HashMap<AccountId, Known>,
    generation: u64,
    events: mpsc::Sender<WireEvent>,
    received: mpsc::Receiver<WireEvent>,
    located: (mpsc::Sender<SipEvent>, mpsc::Receiver<SipEvent>),
    stopped: bool,
}

/// What is to be done about an account's place in the network.
enum Place {
    /// Its wire is of no more use, for that reason.
    Elsewhere(WireFailure),
    /// It has none, and a way there exists again.
    Back,
}

impl Known {
    /// `None`: all is as it was.
    fn place(&mut self, woke: bool) -> Option<Place> {
        let local = self.local?;
        if let (Some(_), Some(peer)) = (&self.wire, self.servers.peer()) {
            return match resolve::facing(peer) {
                Err(failure @ WireFailure::NoNetwork) => {
                    self.cut_off = true;
                    Some(Place::Elsewhere(failure))
                }
                Ok(now) if now != local || woke => Some(Place::Elsewhere(WireFailure::Closed)),
                _ => None,
            };
        }
        // While there was a way, the account's own pauses are right.
        let way = resolve::facing(self.servers.last()?).is_ok();
        let back = way && (std::mem::take(&mut self.cut_off) || woke);
        self.cut_off |= !way;
        back.then_some(Place::Back)
    }

    /// Gives the wire up, open or on its way; false if there is none.
    fn close(&mut self) -> bool {
        self.wire = None;
        self.servers.lost();
        std::mem::take(&mut self.generation) != 0
    }
}

impl Run {
    pub fn new(config: NetConfig, on_event: Box<dyn FnMut(SipEvent) + Send>) -> Self {
        let (events, received) = mpsc::channel(RECEIVED);
        Run {
            config,
            sleep: Sleep::new(Instant::now(), SystemTime::now()),
            on_event,
            agent: Agent::new(rand::random()),
            accounts: HashMap::new(),
            generation: 0,
            events,
            received,
            located: mpsc::channel(32),
            stopped: false,
        }
    }

    pub async fn run(mut self, mut commands: mpsc::Receiver<SipCommand>) {
        let mut look = tokio::time::interval(LOOK_ROUND);
        look.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        while !self.stopped {
            let better = self.accounts.values().filter_map(|known| known.servers.look_at());
            let timeout = self.agent.poll_timeout().map(|(at, _)| at).into_iter().chain(better).min();
            tokio::select! {
                command = commands.recv() => match command {
                    Some(command) => self.command(command),
                    None => return,
                },
                Some(event) = self.received.recv() => self.wire_event(event),
                Some(event) = self.located.1.recv() => (self.on_event)(event),
                _ = look.tick() => self.look_round(),
                () = sleep_until(timeout) => {
                    self.look_for_better();
                    self.input(Input::Timeout);
                }
            }
        }
    }

    fn input(&mut self, input: Input) {
        self.agent.handle(Instant::now(), input);
        while let Some(output) = self.agent.poll_output() {
            self.output(output);
        }
    }

    fn command(&mut self, command: SipCommand) {
        let call = |id: ids::CallId| CallId(id.0);
        let media = |port: MediaPort| LocalMedia {
            addr: port.addr,
            codecs: translate::CODECS.to_vec(),
            gathered: translate::gathered(&port),
        };
        match command {
            SipCommand::SetAccount { account, password } => self.set_account(*account, password),
            SipCommand::RemoveAccount { account } => {
                let id = AccountId(account.0);
                self.input(Input::RemoveAccount(id));
                // Its wire is still needed to say good-bye; its password is not.
                if let Some(known) = self.accounts.get_mut(&id) {
                    known.password = None;
                }
            }
            SipCommand::Register { account } => self.input(Input::Register(AccountId(account.0))),
            SipCommand::Unregister { account } => self.input(Input::Unregister(AccountId(account.0))),
            SipCommand::LocateMedia { account, call } => self.locate(account, call),
            SipCommand::Invite { account, call: id, target, media: addr } => {
                self.input(Input::Invite { account: AccountId(account.0), call: call(id), target, media: media(addr) });
            }
            SipCommand::Answer { call: id, media: addr } => {
                self.input(Input::Answer { call: call(id), media: media(addr) });
            }
            SipCommand::Move { call: id, media } => {
                let gathered = translate::gathered(&media);
                self.input(Input::Move { call: call(id), media: media.addr, gathered });
            }
            SipCommand::Reject { call: id, status } => self.input(Input::Reject { call: call(id), status }),
            SipCommand::HangUp { call: id } => self.input(Input::HangUp { call: call(id) }),
            SipCommand::Hold { call: id, on } => self.input(Input::Hold { call: call(id), on }),
            SipCommand::Info { call: id, digit } => self.input(Input::Info { call: call(id), digit }),
            SipCommand::Redirect { call: id, target } => self.input(Input::Redirect { call: call(id), target }),
            SipCommand::Transfer { call: id, target } => self.input(Input::Transfer { call: call(id), target }),
            SipCommand::TransferTo { call: id, with } => {
                self.input(Input::TransferTo { call: call(id), with: call(with) });
            }
            SipCommand::AcceptRefer { call: id, new, media: addr } => {
                self.input(Input::AcceptRefer { call: call(id), new: call(new), media: media(addr) });
            }
            SipCommand::RefuseRefer { call: id } => self.input(Input::RefuseRefer { call: call(id) }),
            SipCommand::Subscribe { account, subscription, package, target } => self.input(Input::Subscribe {
                account: AccountId(account.0),
                subscription: SubscriptionId(subscription.0),
                package: translate::package(package),
                target,
            }),
            SipCommand::Unsubscribe { subscription } => {
                self.input(Input::Unsubscribe { subscription: SubscriptionId(subscription.0) });
            }
            SipCommand::Message { account, message, target, text } => self.input(Input::Message {
                account: AccountId(account.0),
                message: MessageId(message.0),
                target,
                text,
            }),
            SipCommand::Stop => self.input(Input::Stop),
        }
    }

    fn set_account(&mut self, account: Account, password: Option<Password>) {
        let id = AccountId(account.id.0);
        let password = password.or_else(|| self.accounts.get(&id).and_then(|known| known.password.clone()));
        match translate::account(&account, password.clone(), &self.config) {
            Ok(config) => {
                let (hop, transport) = (config.next_hop().clone(), config.transport);
                let known = Known {
                    account,
                    hop,
                    transport,
                    password,
                    generation: 0,
                    wire: None,
                    servers: Servers::default(),
                    local: None,
                    cut_off: false,
                    stun: Vec::new(),
                    turn: Vec::new(),
                };
                let moved = self.replace(id, known);
                self.look_up_stun(id);
                // The agent closes the wire if what it knows has changed.
                self.input(Input::SetAccount(Box::new(config)));
                if moved && self.accounts.get_mut(&id).is_some_and(Known::close) {
                    self.input(Input::WireDown { account: id, failure: WireFailure::Closed });
                }
            }
            Err(field) => {
                let cause = Text::new("command.bad_account").with("field", field);
                let state = hatif_core::account::Registration::Down { cause, retry_at: None };
                (self.on_event)(SipEvent::Registration { account: account.id, state });
            }
        }
    }

    /// Keeps an account's wire over a change of the account. True if the wire is not as the account wants it now, in a
    /// way that the agent knows nothing of.
    fn replace(&mut self, id: AccountId, mut known: Known) -> bool {
        let Some(old) = self.accounts.remove(&id) else {
            self.accounts.insert(id, known);
            return false;
        };
        let way = |account: &Account| (account.kind, account.local_port, account.ca_file.clone());
        let moved = way(&old.account) != way(&known.account);
        (known.generation, known.wire, known.local) = (old.generation, old.wire, old.local);
        if (&old.hop, old.transport) == (&known.hop, known.transport) {
            known.servers = old.servers;
        }
        self.accounts.insert(id, known);
        moved
    }

    /// Finds the addresses of the account's STUN and TURN servers, aside.
    fn look_up_stun(&self, account: AccountId) {
        let Some(known) = self.accounts.get(&account) else { return };
        let mut servers = vec![translate::stun(&known.account), translate::turn(&known.account)];
        servers.dedup();
        for server in servers.into_iter().flatten() {
            let events = self.events.clone();
            tokio::spawn(async move {
                let found = resolve::stun(&server).await;
                let _ = events.send(WireEvent::Stun { account, server, found }).await;
            });
        }
    }

    /// Finds our address on the way to the account's peers, aside: a slow resolver must not hold the loop up.
    fn locate(&mut self, account: ids::AccountId, call: ids::CallId) {
        let known = self.accounts.get(&AccountId(account.0));
        let way = known.map(|k| (k.account.kind, k.hop.clone(), k.transport, k.servers.peer()));
        let stun = known.map(|known| known.stun.clone()).unwrap_or_default();
        let turn: Vec<_> = known
            .map(|known| known.turn.iter().map(|addr| translate::turn_at(&known.account, *addr)).collect())
            .unwrap_or_default();
        self.look_up_stun(AccountId(account.0));
        let answer = self.located.0.clone();
        tokio::spawn(async move {
            let local = match way {
                None => Err(Text::new("command.unknown_account")),
                Some((AccountKind::Direct, hop, ..)) => resolve::own(&hop).map_err(translate::wire),
                Some((.., Some(remote))) => resolve::facing(remote).map_err(translate::wire),
                Some((_, hop, transport, None)) => match resolve::addresses(&hop, transport).await {
                    Ok(found) => found
                        .first()
                        .ok_or(WireFailure::HostUnknown)
                        .and_then(|first| resolve::facing(*first))
                        .map_err(translate::wire),
                    Err(failure) => Err(translate::wire(failure)),
                },
            };
            let local = local.map(|bind| {
                let near = |server: &SocketAddr| {
                    server.is_ipv4() == bind.is_ipv4() && server.ip().is_loopback() == bind.is_loopback()
                };
                let turn = turn.into_iter().find(|server| near(&server.addr));
                MediaPlace { bind, stun: stun.into_iter().find(near), turn }
            });
            let _ = answer.send(SipEvent::MediaAddress { call, local }).await;
        });
    }

    fn output(&mut self, output: Output) {
        match output {
            Output::OpenWire { account, hop, transport } => self.open_wire(account, hop, transport),
            Output::CloseWire { account } => {
                if let Some(known) = self.accounts.get_mut(&account) {
                    known.close();
                }
            }
            Output::Avoid { account, pause } => {
                if let Some(known) = self.accounts.get_mut(&account) {
                    tracing::info!(account = account.0, ?pause, "the server has failed, another is tried");
                    known.servers.avoid(Instant::now(), pause);
                }
            }
            Output::Send { account, to, bytes, id } => {
                match self.accounts.get(&account).and_then(|k| k.wire.as_ref()) {
                    Some(wire) => wire.send(bytes, to, id),
                    // The agent sends only on a wire that it was told of; this one has gone down meanwhile.
                    None => tracing::debug!(account = account.0, "no wire to send on"),
                }
            }
            Output::Event(event) => {
                if let Some(event) = translate::event(event) {
                    self.stopped |= event == SipEvent::Stopped;
                    (self.on_event)(event);
                }
            }
        }
    }

    fn open_wire(&mut self, account: AccountId, hop: HostPort, transport: Transport) {
        self.generation += 1;
        let Some(known) = self.accounts.get_mut(&account) else { return };
        known.close();
        known.generation = self.generation;
        let now = Instant::now();
        let direct = (known.account.kind == AccountKind::Direct).then_some(known.account.local_port);
        let opening = Opening {
            account,
            generation: self.generation,
            hop,
            transport,
            direct,
            ca_file: known.account.ca_file.clone(),
            avoid: known.servers.avoided(now),
            known: known.servers.known(now),
            events: self.events.clone(),
        };
        tokio::spawn(wire::open(opening));
    }

    /// Whether we are still where each PBX knows us. A wire whose address is gone, or is no longer the way there, is made
    /// anew at once; so is everything after a sleep, in which the other ends have given up waiting.
    fn look_round(&mut self) {
        let woke = self.sleep.woke(Instant::now(), SystemTime::now());
        let places: Vec<(AccountId, Place)> =
            self.accounts.iter_mut().filter_map(|(id, known)| Some((*id, known.place(woke)?))).collect();
        for (account, place) in places {
            if let Place::Elsewhere(failure) = place {
                tracing::info!(account = account.0, woke, "the way to the PBX has changed");
                if let Some(known) = self.accounts.get_mut(&account) {
                    known.close();
                }
                self.input(Input::WireDown { account, failure });
            }
            if !matches!(place, Place::Elsewhere(WireFailure::NoNetwork)) {
                self.input(Input::Doubt(account));
            }
        }
    }

    /// Asks, aside, whether a server that is to be used first answers again.
    fn look_for_better(&mut self) {
        for (account, known) in &mut self.accounts {
            let better = known.servers.better(Instant::now());
            if better.is_empty() {
                continue;
            }
            let (account, generation, events) = (*account, known.generation, self.events.clone());
            let (hop, transport, ca_file) = (known.hop.clone(), known.transport, known.account.ca_file.clone());
            tokio::spawn(async move {
                for addr in better {
                    let answers = match transport {
                        Transport::Udp => udp::options(addr).await.is_ok_and(|status| status != UNAVAILABLE),
                        _ => stream::reach(&[addr], &hop, transport, ca_file.as_deref()).await.is_ok(),
                    };
                    if answers {
                        let _ = events.send(WireEvent::Better { account, generation }).await;
                        return;
                    }
                }
            });
        }
    }

    /// Takes what wires tell, unless the wire is one that has been given up.
    fn wire_event(&mut self, event: WireEvent) {
        let current = |run: &Run, account: &AccountId, generation: u64| {
            run.accounts.get(account).is_some_and(|k| k.generation == generation)
        };
        match event {
            WireEvent::Up { account, generation, wire, local, remote, peer, named }
                if current(self, &account, generation) =>
            {
                let mut moved = false;
                let mut others = remote.clone();
                others.retain(|addr| Some(*addr) != peer);
                if let Some(known) = self.accounts.get_mut(&account) {
                    known.wire = Some(wire);
                    moved = known.local.replace(local.ip()).is_some_and(|before| before != local.ip());
                    known.servers.reached(Instant::now(), remote, peer, named);
                }
                let remote = peer.into_iter().chain(others).collect();
                self.input(Input::WireUp { account, local, remote });
                self.look_up_stun(account);
                if moved {
                    (self.on_event)(SipEvent::Moved { account: ids::AccountId(account.0) });
                }
            }
            WireEvent::Down { account, generation, failure } if current(self, &account, generation) => {
                if let Some(known) = self.accounts.get_mut(&account) {
                    known.close();
                }
                tracing::info!(account = account.0, ?failure, "the way to the PBX is down");
                self.input(Input::WireDown { account, failure });
            }
            WireEvent::Received { account, generation, source, flow, bytes } if current(self, &account, generation) => {
                self.input(Input::Received { account, source, flow, bytes });
            }
            WireEvent::Better { account, generation } if current(self, &account, generation) => {
                self.input(Input::Return(account));
            }
            WireEvent::Doubted { account, generation } if current(self, &account, generation) => {
                self.input(Input::Doubt(account));
            }
            WireEvent::Stun { account, server, found } => {
                // A name that cannot be looked up now: the last answer is as good as none, or better.
                if let Some(known) = self.accounts.get_mut(&account).filter(|_| !found.is_empty()) {
                    if translate::stun(&known.account).as_ref() == Some(&server) {
                        known.stun = found.clone();
                    }
                    if translate::turn(&known.account) == Some(server) {
                        known.turn = found;
                    }
                }
            }
            WireEvent::SendFailed { account, id, failure } => self.input(Input::SendFailed { account, id, failure }),
            _ => {}
        }
    }
}

async fn sleep_until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at.into()).await,
        None => std::future::pending().await,
    }
}
