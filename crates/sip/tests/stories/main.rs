//! Random call stories between two or three agents on a lossy network, in virtual time (see `world`); `control` adds
//! transfers of every kind and calls sent on.
//!
//! Whatever users, network and crossings do: every call ends exactly once on each side, nothing is said about an ended
//! call, both sides agree on the end, holds and media, no timer is left when all is over, and the same seed gives the
//! same bytes. `HATIF_STORIES` says how many (100,000 by default: about a minute); `HATIF_STORY` runs one of them and prints it.

mod control;
#[path = "../world/mod.rs"]
mod world;

use hatif_sip::*;
use rand::{Rng, SeedableRng, rngs::StdRng};
use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};
use world::*;

/// Users act in the first minute.
const ACTS_FOR: u64 = 60_000;
/// Then they let go for a while, so that what they wanted last can come true.
const QUIET: Duration = Duration::from_secs(25);

#[derive(Debug)]
struct Side {
    agent: usize,
    events: Vec<Event>,
    end: Option<EndReason>,
    ended_at: Option<Instant>,
    answered: bool,
    media: Option<MediaSession>,
    hold: (bool, bool),
}

struct Story {
    world: World,
    rng: StdRng,
    lossy: bool,
    /// Somebody was cut off for up to a minute, or lost a wire.
    blackout: bool,
    /// Who called whom, by the outgoing call's id: caller, callee.
    dialled: BTreeMap<CallId, (usize, usize)>,
    /// Which incoming call belongs to which outgoing one.
    incoming: BTreeMap<(usize, CallId), CallId>,
    sides: BTreeMap<(usize, CallId), Side>,
    read: Vec<usize>,
    acting: bool,
    /// Whether each user wants the call held, and since when.
    wishes: BTreeMap<(usize, CallId), (Instant, bool)>,
    control: control::Control,
}

impl Story {
    fn new(seed: u64) -> Self {
        let mut rng = StdRng::seed_from_u64(seed);
        let transport = if rng.random_bool(0.3) { Transport::Tcp } else { Transport::Udp };
        let (blackout, breaks) = (rng.random_bool(0.1), rng.random_bool(0.1));
        let lossy = transport == Transport::Udp && rng.random_bool(0.7);
        let most = if rng.random_bool(0.2) { 900 } else { 120 };
        let conditions = Conditions {
            loss: if lossy { rng.random_range(0.0..0.15) } else { 0.0 },
            duplicate: if transport == Transport::Udp { rng.random_range(0.0..0.1) } else { 0.0 },
            delay: (rng.random_range(1..40), rng.random_range(40..most)),
            transport,
        };
        // Either phones that call each other, or two phones at a registrar, which calls them and is called.
        let pbx = rng.random_bool(0.25);
        let count = if pbx || rng.random_bool(0.3) { 3 } else { 2 };
        let config = |i| match (pbx, i) {
            (false, _) => direct(i, transport),
            (true, 0) => registrar(0, transport, Some("secret")),
            (true, _) => registered(i, 0, transport, "secret"),
        };
        let configs = (0..count).map(config).collect();
        let world = World::new(rng.random(), conditions, configs);
        let mut story = Story {
            world,
            rng,
            lossy: lossy || blackout || breaks,
            blackout: blackout || breaks,
            dialled: BTreeMap::new(),
            incoming: BTreeMap::new(),
            sides: BTreeMap::new(),
            read: vec![0; count],
            acting: true,
            wishes: BTreeMap::new(),
            control: control::Control::new(!pbx && count == 3),
        };
        for agent in 0..count {
            story.world.act(agent, Input::Register(ACCOUNT));
        }
        if breaks {
            story.world.refused = 0.3;
            for _ in 0..story.rng.random_range(1..4) {
                let (agent, after) = (story.rng.random_range(0..count), story.rng.random_range(100..60_000));
                story.world.break_wire(agent, Duration::from_millis(after));
            }
        }
        if blackout {
            // One agent hears nothing and is not heard for a while.
            let (agent, from) = (story.rng.random_range(0..count), story.rng.random_range(0..40_000));
            let to = from + story.rng.random_range(1_000..60_000);
            story.world.cut_between(agent, Duration::from_millis(from), Duration::from_millis(to));
        }
        for _ in 0..story.rng.random_range(1..5) {
            let id = CallId(story.dialled.len() as u32 + 1);
            let (from, hop) = (story.rng.random_range(0..count), story.rng.random_range(1..count));
            let mut to = (from + hop) % count;
            let at = Duration::from_millis(story.rng.random_range(3_000..30_000));
            let mut target = format!("call{}@{}", id.0, address(to));
            if pbx && from == 0 {
                // The phone sees its own name as the target: one such call, so that it can be told.
                if story.dialled.values().any(|pair| *pair == (0, to)) {
                    continue;
                }
                target = format!("user{to}");
            } else if pbx {
                to = 0;
                target = format!("call{}", id.0);
            }
            story.dialled.insert(id, (from, to));
            let invite = Input::Invite { account: ACCOUNT, call: id, target, media: media(from, id) };
            story.world.act_later(at, from, invite);
            if story.rng.random_bool(0.4) {
                let patience = story.pause(15_000);
                story.world.act_later(at + patience, from, Input::HangUp { call: id });
            }
        }
        story
    }

    /// Mostly short, sometimes none at all: crossings are what we look for.
    fn pause(&mut self, most: u64) -> Duration {
        let most = match self.rng.random_range(0..4) {
            0 => 2,
            1 => 400,
            _ => most,
        };
        Duration::from_millis(self.rng.random_range(0..most))
    }

    fn later(&mut self, most: u64, agent: usize, input: Input) {
        let pause = self.pause(most);
        self.world.act_later(pause, agent, input);
    }

    /// What users do about an event.
    fn react(&mut self, agent: usize, event: &Event) {
        if !self.acting {
            return;
        }
        if self.react_to_control(agent, event) {
            return;
        }
        match event {
            Event::Incoming { call, .. } => {
                let call = *call;
                match self.rng.random_range(0..10) {
                    0 => {}
                    1 => self.later(8_000, agent, Input::Reject { call, status: 486 }),
                    2 => self.later(8_000, agent, Input::Reject { call, status: 603 }),
                    3 => self.later(8_000, agent, Input::HangUp { call }),
                    _ => {
                        let mut local = media(agent, call);
                        if self.rng.random_bool(0.5) {
                            local.codecs = vec![Codec::Pcma, Codec::Pcmu];
                        }
                        self.later(8_000, agent, Input::Answer { call, media: local });
                        if self.rng.random_bool(0.1) {
                            self.later(8_000, agent, Input::HangUp { call });
                        }
                    }
                }
            }
            Event::Answered { call } => {
                let call = *call;
                for _ in 0..self.rng.random_range(0..4) {
                    let on = self.rng.random_bool(0.5);
                    let pause = self.pause(20_000);
                    self.world.act_later(pause, agent, Input::Hold { call, on });
                    let at = self.world.now + pause;
                    let wish = self.wishes.entry((agent, call)).or_insert((at, on));
                    if at >= wish.0 {
                        *wish = (at, on);
                    }
                }
                if self.rng.random_bool(0.3) {
                    self.later(5_000, agent, Input::Info { call, digit: '5' });
                }
                if self.rng.random_bool(0.4) {
                    self.later(20_000, agent, Input::HangUp { call });
                }
            }
            _ => {}
        }
    }

    /// Writes down what agents told since the last look, and checks what holds at every moment.
    fn look(&mut self) {
        for agent in 0..self.read.len() {
            while let Some((_, event)) = self.world.events[agent].get(self.read[agent]) {
                let event = event.clone();
                self.read[agent] += 1;
                self.take(agent, &event);
                self.react(agent, &event);
            }
        }
    }

    fn take(&mut self, agent: usize, event: &Event) {
        let call = match event {
            Event::Incoming { call, headers, .. } => {
                let replacing = headers.replaces.and_then(|old| self.control.replacing.get(&(agent, old)).copied());
                let number =
                    replacing.or_else(|| headers.target.strip_prefix("call").and_then(|n| n.parse().ok()).map(CallId));
                let from_pbx = || self.dialled.iter().find(|(_, pair)| **pair == (0, agent)).map(|(id, _)| *id);
                let number = number.or_else(from_pbx).expect("our own target");
                let before = self.incoming.insert((agent, *call), number);
                assert!(before.is_none(), "an id came twice");
                *call
            }
            Event::Ringing { call, .. }
            | Event::Media { call, .. }
            | Event::Answered { call }
            | Event::Hold { call, .. }
            | Event::Ended { call, .. } => *call,
            Event::PeerChanged { call, .. }
            | Event::Transfer { call, .. }
            | Event::ReferAsked { call, .. }
            | Event::ReferGone { call }
            | Event::Redirected { call, .. }
            | Event::Digit { call, .. } => *call,
            Event::Registration { .. }
            | Event::RegistrationServed { .. }
            | Event::Lamp { .. }
            | Event::MessagesWaiting { .. }
            | Event::SubscriptionDown { .. }
            | Event::MessageReceived { .. }
            | Event::MessageSent { .. }
            | Event::Stopped => return,
        };
        let side = self.sides.entry((agent, call)).or_insert_with(|| Side {
            agent,
            events: Vec::new(),
            end: None,
            ended_at: None,
            answered: false,
            media: None,
            hold: (false, false),
        });
        assert!(side.end.is_none(), "{event:?} after the end of the call: {:?}", side.events);
        side.events.push(event.clone());
        match event {
            Event::Ended { reason, .. } => (side.end, side.ended_at) = (Some(*reason), Some(self.world.now)),
            Event::Answered { .. } => {
                assert!(!side.answered, "answered twice");
                assert!(side.media.is_some(), "answered without media");
                side.answered = true;
            }
            Event::Media { session, .. } => side.media = Some(session.clone()),
            Event::Hold { local, remote, .. } => side.hold = (*local, *remote),
            Event::Redirected { .. } => {
                (side.end, side.ended_at) = (Some(EndReason::Other { status: 302 }), Some(self.world.now));
            }
            _ => {}
        }
        self.take_control(agent, event);
    }

    fn run_for(&mut self, time: Duration) {
        let until = self.world.now + time;
        self.look();
        while self.world.step(until) {
            self.look();
        }
        self.world.now = until;
    }

    fn tell(mut self) -> (World, Tally) {
        self.run_for(Duration::from_millis(ACTS_FOR));
        self.acting = false;
        self.run_for(QUIET);
        self.check_agreement();
        for (call, (from, _)) in self.dialled.clone() {
            self.world.act(from, Input::HangUp { call });
        }
        for (agent, call) in self.incoming.keys().copied().collect::<Vec<_>>() {
            self.world.act(agent, Input::HangUp { call });
        }
        for agent in 0..self.read.len() {
            self.world.act(agent, Input::Unregister(ACCOUNT));
        }
        self.look();
        let rest = self.world.run_to_rest(Duration::from_secs(700));
        self.look();
        for (i, agent) in self.world.agents.iter().enumerate() {
            assert_eq!(agent.poll_timeout(), None, "agent {i} has a timer left");
            assert_eq!(agent.leftovers(), Leftovers::default(), "agent {i}");
        }
        assert!(rest, "something is still on its way");
        let tally = self.check_ends();
        (self.world, tally)
    }

    fn callee(&self, call: CallId) -> Option<&Side> {
        let (_, to) = self.dialled[&call];
        let found = self.incoming.iter().find(|((agent, _), out)| *agent == to && **out == call);
        found.map(|(key, _)| &self.sides[key])
    }

    /// Of calls that are up on both sides and were left alone for a while.
    fn check_agreement(&self) {
        for (call, (from, _)) in &self.dialled {
            let Some(caller) = self.sides.get(&(*from, *call)) else { continue };
            let Some(callee) = self.callee(*call) else { continue };
            // Nobody is left alone in a call: with a network that works the other side knows at once, otherwise as soon
            // as a timer ends. Who has not answered may ring on when everything that was to stop it is lost; and a BYE that
            // nobody heard for 32 s is not said again.
            let patience = Duration::from_secs(if self.lossy { 70 } else { 5 });
            for (one, other) in [(caller, callee), (callee, caller)] {
                let gone = one.ended_at.is_some_and(|at| at + patience < self.world.now);
                let alone = gone && !self.blackout && other.end.is_none() && (!self.lossy || other.answered);
                assert!(!alone, "call {call:?}: left alone: {:?} / {:?}", one.events, other.events);
            }
            if !(caller.answered && callee.answered && caller.end.is_none() && callee.end.is_none()) {
                continue;
            }
            let (Some(a), Some(b)) = (&caller.media, &callee.media) else { panic!("answered without media") };
            assert_eq!((a.codec, a.payload, a.dtmf_payload), (b.codec, b.payload, b.dtmf_payload));
            assert_eq!(a.remote.ip(), address(callee.agent).ip());
            assert_eq!(b.remote.ip(), address(caller.agent).ip());
            let wished = |key: (usize, CallId)| self.wishes.get(&key).is_some_and(|(_, on)| *on);
            let called = self.incoming.iter().find(|((agent, _), out)| *agent == callee.agent && *out == call);
            // A change that the network refuses for long is still being tried: only calm networks must agree.
            if !self.lossy {
                assert_eq!(caller.hold.0, wished((*from, *call)), "the caller's hold: {:?}", caller.events);
                let callee_wished = called.is_some_and(|(key, _)| wished(*key));
                assert_eq!(callee.hold.0, callee_wished, "the callee's: {:?}", callee.events);
                assert_eq!(
                    caller.hold,
                    (callee.hold.1, callee.hold.0),
                    "holds: {:?} / {:?}",
                    caller.events,
                    callee.events
                );
            }
        }
    }

    fn check_ends(&self) -> Tally {
        let mut tally = Tally::new();
        for (key, side) in &self.sides {
            assert!(side.end.is_some(), "call {key:?} never ended: {:?}", side.events);
        }
        for (call, (from, _)) in self.dialled.iter().filter(|(call, _)| !self.control.unmade.contains(call)) {
            let caller = &self.sides[&(*from, *call)];
            let callee = self.callee(*call).and_then(|side| side.end);
            let ends = (caller.end.expect("checked"), callee);
            let replacing = self.control.replacing.values().any(|id| id == call);
            let fine = agree(ends, self.lossy) || replacing && control::not_replaced(ends);
            assert!(fine, "call {call:?}: {ends:?}: {:?}", caller.events);
            *tally.entry(format!("{:?} / {}", ends.0, ends.1.map_or("-".into(), |e| format!("{e:?}")))).or_default() +=
                1;
        }
        if !self.blackout {
            let timed_out = |side: &&Side| side.end == Some(EndReason::TimedOut);
            let count = self.sides.values().filter(timed_out).count();
            *tally.entry(TIMED_OUT.into()).or_default() += count;
        }
        for (what, n) in &self.control.tally {
            *tally.entry(what.clone()).or_default() += n;
        }
        for side in self.sides.values() {
            let holds = side.events.iter().filter(|e| matches!(e, Event::Hold { .. })).count();
            *tally.entry("holds".into()).or_default() += holds;
        }
        tally
    }
}

/// Which ends of caller and callee belong together. `None`: it never rang.
fn agree(ends: (EndReason, Option<EndReason>), lossy: bool) -> bool {
    use EndReason::*;
    let Some(callee) = ends.1 else {
        return ends.0 == Cancelled || lossy && matches!(ends.0, TimedOut | Wire(_) | TemporarilyUnavailable);
    };
    match (ends.0, callee) {
        (LocalHangUp, RemoteHangUp | LocalHangUp) | (RemoteHangUp, LocalHangUp) => true,
        // Our CANCEL, or what it crossed: their answer, their refusal, their hang-up.
        (Cancelled, Missed | RemoteHangUp | Declined | LocalHangUp) => true,
        (Busy | Rejected, Declined) => true,
        (Other { status: 302 } | Cancelled, Forwarded) => true,
        // A network that loses every copy of something, or a stream that is dead.
        (TimedOut | Wire(_), _) | (_, TimedOut | Wire(_)) => lossy,
        _ => false,
    }
}

const TIMED_OUT: &str = "timed out without a blackout";

/// How calls ended, caller / callee, and how often.
type Tally = BTreeMap<String, usize>;

fn run(seed: u64) -> (World, Tally) {
    Story::new(seed).tell()
}

#[test]
fn stories() {
    if let Some(seed) = std::env::var("HATIF_STORY").ok().and_then(|s| s.parse().ok()) {
        let mut story = Story::new(seed);
        story.world.keep_sent = true;
        story.world.trace = true;
        story.tell();
        return;
    }
    let count: u64 = std::env::var("HATIF_STORIES").ok().and_then(|s| s.parse().ok()).unwrap_or(100_000);
    let threads = std::thread::available_parallelism().map_or(1, |n| n.get() as u64);
    let (steps, tally) = std::thread::scope(|scope| {
        let shard = |first: u64| {
            move || {
                let (mut steps, mut tally) = (0, Tally::new());
                for seed in (first..count).step_by(threads as usize) {
                    let told = std::panic::catch_unwind(|| run(seed));
                    let Ok((world, ends)) = told else {
                        panic!("story {seed} failed: HATIF_STORY={seed} tells it again")
                    };
                    if seed % 50 == 0 {
                        assert_eq!(world.digest, run(seed).0.digest, "story {seed} is not the same twice");
                    }
                    steps += world.steps;
                    ends.into_iter().for_each(|(end, n)| *tally.entry(end).or_default() += n);
                }
                (steps, tally)
            }
        };
        let shards: Vec<_> = (0..threads).map(|first| scope.spawn(shard(first))).collect();
        let (mut steps, mut tally) = (0, Tally::new());
        for shard in shards {
            let (s, t) = shard.join().expect("a story failed");
            steps += s;
            t.into_iter().for_each(|(end, n)| *tally.entry(end).or_default() += n);
        }
        (steps, tally)
    });
    println!("{count} stories, {steps} steps");
    tally.iter().for_each(|(end, n)| println!("{n:8}  {end}"));
    // Repetition gets through 15 % of loss, or it is none.
    let timed_out = tally.get(TIMED_OUT).copied().unwrap_or_default() as u64;
    assert!(timed_out <= 1 + count / 1_000, "{timed_out} calls timed out");
    // The stories must reach what they are for.
    if count >= 1_000 {
        for end in [
            "LocalHangUp / RemoteHangUp",
            "RemoteHangUp / LocalHangUp",
            "Cancelled / Missed",
            "Cancelled / RemoteHangUp",
            "LocalHangUp / LocalHangUp",
            "Busy / Declined",
            "Rejected / Declined",
            "holds",
            "Other { status: 302 } / Forwarded",
            "redirect followed",
            "blind Done",
            "blind Failed",
            "attended Done",
            "attended Failed",
            "refer refused",
            "refer not decided",
            "replaced",
        ] {
            assert!(tally.contains_key(end), "no story came to {end}");
        }
    }
}
