//! A network of agents in virtual time: seeded delay, loss, duplication and reordering on UDP; order without loss on
//! TCP. The same seed gives the same run to the last byte.

#![allow(dead_code)] // each test crate uses its part

use hatif_sip::*;
use rand::{Rng, SeedableRng, rngs::StdRng};
use std::{
    collections::BTreeMap,
    net::SocketAddr,
    time::{Duration, Instant},
};

pub const ACCOUNT: AccountId = AccountId(1);

/// What the network does to datagrams.
#[derive(Clone, Copy, Debug)]
pub struct Conditions {
    pub loss: f64,
    pub duplicate: f64,
    /// One-way delay in milliseconds; the spread reorders.
    pub delay: (u64, u64),
    pub transport: Transport,
}

impl Conditions {
    pub const CALM: Conditions = Conditions { loss: 0.0, duplicate: 0.0, delay: (10, 10), transport: Transport::Udp };
}

struct Packet {
    to: usize,
    source: SocketAddr,
    flow: Option<u64>,
    bytes: Vec<u8>,
}

enum Happening {
    Packet(Packet),
    WireUp(usize),
    Act(usize, Input),
    Cut(usize, bool),
    WireDown(usize, WireFailure),
}

/// Agents, what is on its way between them, and what they told.
pub struct World {
    pub now: Instant,
    pub start: Instant,
    pub agents: Vec<Agent>,
    configs: Vec<AccountConfig>,
    pub events: Vec<Vec<(Duration, Event)>>,
    queue: BTreeMap<(Instant, u64), Happening>,
    order: u64,
    pub conditions: Conditions,
    rng: StdRng,
    /// Everything sent, for comparison and for looking at.
    pub sent: Vec<(usize, Vec<u8>)>,
    pub keep_sent: bool,
    /// A hash of every byte sent and every event told.
    pub digest: u64,
    /// Agents that do not hear and cannot speak.
    pub cut: Vec<bool>,
    /// Whose wire is up, and how often opening it fails.
    up: Vec<bool>,
    pub refused: f64,
    /// When the last packet between two agents arrives: a stream keeps its order.
    stream: BTreeMap<(usize, usize), Instant>,
    pub steps: u64,
    /// Prints everything as it happens.
    pub trace: bool,
}

pub fn address(agent: usize) -> SocketAddr {
    SocketAddr::from(([10, 0, 0, agent as u8 + 1], 5060))
}

/// A direct account, as two phones on a LAN have it.
pub fn direct(agent: usize, transport: Transport) -> AccountConfig {
    AccountConfig {
        id: ACCOUNT,
        kind: AccountKind::Direct,
        user: format!("user{agent}"),
        domain: HostPort::parse(&address(agent).to_string()).expect("host"),
        registrar: None,
        proxy: None,
        auth_user: None,
        password: None,
        display_name: Some(format!("User \"{agent}\"")),
        transport,
        expires: 60,
        user_agent: "Hatif/0".into(),
        serve_registrations: false,
        trust_identity: true,
        srtp: SrtpPolicy::Off,
        ice: IcePolicy::Off,
        instance: None,
    }
}

/// The account of a user at the registrar which is agent `server`.
pub fn registered(agent: usize, server: usize, transport: Transport, password: &str) -> AccountConfig {
    AccountConfig {
        kind: AccountKind::Registrar,
        domain: HostPort::parse("pbx.test").expect("host"),
        registrar: HostPort::parse(&address(server).to_string()),
        password: Some(Secret(password.into())),
        ..direct(agent, transport)
    }
}

/// The registrar: its realm is `pbx.test`.
pub fn registrar(agent: usize, transport: Transport, password: Option<&str>) -> AccountConfig {
    AccountConfig {
        domain: HostPort::parse("pbx.test").expect("host"),
        password: password.map(|p| Secret(p.into())),
        serve_registrations: true,
        ..direct(agent, transport)
    }
}

pub fn media(agent: usize, call: CallId) -> LocalMedia {
    let port = 10_000 + (call.0 & 0xfff) as u16 * 2;
    let addr = SocketAddr::new(address(agent).ip(), port);
    LocalMedia { addr, codecs: vec![Codec::Opus, Codec::Pcmu, Codec::Pcma], gathered: Vec::new() }
}

impl World {
    pub fn new(seed: u64, conditions: Conditions, configs: Vec<AccountConfig>) -> Self {
        let mut rng = StdRng::seed_from_u64(seed);
        let now = Instant::now();
        let agents: Vec<Agent> = configs.iter().map(|_| Agent::new(rng.random())).collect();
        let count = agents.len();
        let mut world = World {
            now,
            start: now,
            agents,
            configs,
            events: vec![Vec::new(); count],
            queue: BTreeMap::new(),
            order: 0,
            conditions,
            rng,
            sent: Vec::new(),
            keep_sent: false,
            digest: 0xcbf2_9ce4_8422_2325,
            cut: vec![false; count],
            up: vec![false; count],
            refused: 0.0,
            stream: BTreeMap::new(),
            steps: 0,
            trace: false,
        };
        for i in 0..count {
            let config = Box::new(world.configs[i].clone());
            world.act(i, Input::SetAccount(config));
        }
        world
    }

    /// Something happens to an agent now.
    pub fn act(&mut self, agent: usize, input: Input) {
        if self.trace && !matches!(input, Input::Received { .. }) {
            let timer = self.agents[agent].poll_timeout().map_or("", |(_, name)| name);
            println!("{:?} agent {agent}: {input:?} ({timer})", self.now - self.start);
        }
        self.agents[agent].handle(self.now, input);
        self.drain(agent);
    }

    /// Something happens to an agent after that time.
    pub fn act_later(&mut self, after: Duration, agent: usize, input: Input) {
        self.schedule(self.now + after, Happening::Act(agent, input));
    }

    /// The agent hears nothing and is not heard between these two times from now.
    pub fn cut_between(&mut self, agent: usize, from: Duration, to: Duration) {
        self.schedule(self.now + from, Happening::Cut(agent, true));
        self.schedule(self.now + to, Happening::Cut(agent, false));
    }

    /// The agent's wire breaks after that time.
    pub fn break_wire(&mut self, agent: usize, after: Duration) {
        self.schedule(self.now + after, Happening::WireDown(agent, WireFailure::Closed));
    }

    fn schedule(&mut self, at: Instant, what: Happening) {
        self.order += 1;
        self.queue.insert((at, self.order), what);
    }

    fn note(&mut self, bytes: &[u8]) {
        for b in bytes {
            self.digest = (self.digest ^ u64::from(*b)).wrapping_mul(0x0100_0000_01b3);
        }
    }

    fn drain(&mut self, agent: usize) {
        while let Some(output) = self.agents[agent].poll_output() {
            match output {
                Output::OpenWire { .. } => {
                    let at = self.now + Duration::from_millis(5);
                    let refused = self.refused > 0.0 && self.rng.random_bool(self.refused);
                    let down = Happening::WireDown(agent, WireFailure::Refused);
                    self.schedule(at, if refused { down } else { Happening::WireUp(agent) });
                }
                Output::Avoid { .. } => {}
                Output::CloseWire { .. } => self.up[agent] = false,
                Output::Send { to, bytes, .. } => self.send(agent, &to, bytes),
                Output::Event(event) => {
                    if self.trace {
                        println!("{:?} agent {agent} tells {event:?}", self.now - self.start);
                    }
                    self.note(format!("{event:?}").replace(|c: char| c.is_ascii_digit(), "").as_bytes());
                    self.events[agent].push((self.now - self.start, event));
                }
            }
        }
    }

    fn receiver(&self, agent: usize, to: &Destination) -> Option<usize> {
        let hop = match to {
            Destination::NextHop => self.configs[agent].next_hop().to_string(),
            Destination::Source { addr, .. } => addr.to_string(),
            Destination::Host { hop, .. } => hop.to_string(),
        };
        (0..self.agents.len()).find(|i| address(*i).to_string() == hop)
    }

    fn send(&mut self, from: usize, to: &Destination, bytes: Vec<u8>) {
        self.note(&bytes);
        if self.trace {
            let text = String::from_utf8_lossy(&bytes).replace("\r\n", "\n        ");
            println!("{:?} agent {from} -> {to:?}\n        {text}", self.now - self.start);
        }
        if self.keep_sent {
            self.sent.push((from, bytes.clone()));
        }
        if !self.up[from] {
            assert_ne!(*to, Destination::NextHop, "agent {from} sends without a wire");
            return;
        }
        let Some(to) = self.receiver(from, to) else { return };
        self.deliver(from, to, bytes);
    }

    /// Puts bytes on the way from one agent's address to another agent.
    pub fn deliver(&mut self, from: usize, to: usize, bytes: Vec<u8>) {
        if self.cut[from] || self.cut[to] {
            return;
        }
        let Conditions { loss, duplicate, delay: (least, most), transport } = self.conditions;
        let source = address(from);
        if transport.reliable() {
            let last = self.stream.get(&(from, to)).copied().unwrap_or(self.now);
            let at = (self.now + Duration::from_millis(self.rng.random_range(least..=most))).max(last);
            self.stream.insert((from, to), at);
            let flow = Some((from.min(to) * 16 + from.max(to)) as u64);
            self.schedule(at, Happening::Packet(Packet { to, source, flow, bytes }));
            return;
        }
        let copies = if self.rng.random_bool(loss) { 0 } else { 1 + usize::from(self.rng.random_bool(duplicate)) };
        for _ in 0..copies {
            let at = self.now + Duration::from_millis(self.rng.random_range(least..=most));
            self.schedule(at, Happening::Packet(Packet { to, source, flow: None, bytes: bytes.clone() }));
        }
    }

    /// The next thing that happens, not after `until`. Whether there was one.
    pub fn step(&mut self, until: Instant) -> bool {
        let timer = (0..self.agents.len()).filter_map(|i| self.agents[i].poll_timeout().map(|(at, _)| (at, i))).min();
        let happening = self.queue.keys().next().copied();
        let timer_first = match (timer, happening) {
            (Some((at, _)), Some((other, _))) => at < other,
            (Some(_), None) => true,
            (None, _) => false,
        };
        let at = if timer_first { timer.map(|(at, _)| at) } else { happening.map(|(at, _)| at) };
        let Some(at) = at.filter(|at| *at <= until) else { return false };
        self.now = self.now.max(at);
        self.steps += 1;
        if let (true, Some((_, agent))) = (timer_first, timer) {
            self.act(agent, Input::Timeout);
            let again = self.agents[agent].poll_timeout();
            assert!(again.is_none_or(|(next, _)| next > self.now), "a timer that does not run: {again:?}");
            return true;
        }
        match self.queue.pop_first().map(|(_, what)| what) {
            Some(Happening::Packet(p)) if !self.cut[p.to] && self.up[p.to] => {
                let Packet { to, source, flow, bytes } = p;
                self.act(to, Input::Received { account: ACCOUNT, source, flow, bytes });
            }
            Some(Happening::Packet(_)) | None => {}
            Some(Happening::WireUp(agent)) => {
                self.up[agent] = true;
                let hop = self.configs[agent].next_hop().to_string();
                let remote = (0..self.agents.len()).map(address).filter(|a| a.to_string() == hop).collect();
                self.act(agent, Input::WireUp { account: ACCOUNT, local: address(agent), remote });
            }
            Some(Happening::WireDown(agent, failure)) => {
                self.up[agent] = false;
                self.act(agent, Input::WireDown { account: ACCOUNT, failure });
            }
            Some(Happening::Cut(agent, cut)) => self.cut[agent] = cut,
            Some(Happening::Act(agent, input)) => self.act(agent, input),
        }
        true
    }

    pub fn run_for(&mut self, time: Duration) {
        let until = self.now + time;
        while self.step(until) {}
        self.now = until;
    }

    /// Runs until nothing is on its way and no timer set, at most for that time. Whether it came to rest.
    pub fn run_to_rest(&mut self, most: Duration) -> bool {
        let until = self.now + most;
        while self.step(until) {}
        self.queue.is_empty() && self.agents.iter().all(|a| a.poll_timeout().is_none())
    }

    /// All events of an agent about calls, without their times.
    pub fn told(&self, agent: usize) -> Vec<Event> {
        self.events[agent].iter().map(|(_, e)| e.clone()).collect()
    }

    /// The reason with which an agent's call ended.
    pub fn end_of(&self, agent: usize, call: CallId) -> Option<EndReason> {
        self.events[agent].iter().find_map(|(_, e)| match e {
            Event::Ended { call: id, reason, .. } if *id == call => Some(*reason),
            _ => None,
        })
    }

    /// The last call that came in at an agent.
    pub fn incoming(&self, agent: usize) -> Option<CallId> {
        self.events[agent].iter().rev().find_map(|(_, e)| match e {
            Event::Incoming { call, .. } => Some(*call),
            _ => None,
        })
    }

    pub fn count(&self, agent: usize, wanted: impl Fn(&Event) -> bool) -> usize {
        self.events[agent].iter().filter(|(_, e)| wanted(e)).count()
    }

    /// How many messages an agent sent that start so.
    pub fn sent_count(&self, agent: usize, start: &str) -> usize {
        self.sent.iter().filter(|(from, bytes)| *from == agent && bytes.starts_with(start.as_bytes())).count()
    }
}
