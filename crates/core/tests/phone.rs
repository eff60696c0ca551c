//! Random event sequences against `Phone`, in virtual time: the invariants of `phone.rs`.
//!
//! The far ends (SIP, audio, store) are played by the test: they answer some commands, late, never or wrongly,
//! and agents and callers do what they like. `HATIF_SEQUENCES` sets how many sequences run.

use hatif_core::{
    account::*,
    audio::*,
    call::*,
    ids::*,
    phone::*,
    settings::{Policy, Rows, Settings},
    sip::*,
    store::*,
    text::Text,
};
use std::{
    collections::{HashMap, HashSet},
    net::{IpAddr, Ipv4Addr, SocketAddr},
    time::{Duration, Instant, SystemTime},
};

/// SplitMix64: small, seeded, good enough to choose events.
struct Dice(u64);
impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % sides
    }
    fn pick<T: Copy>(&mut self, from: &[T]) -> Option<T> {
        (!from.is_empty()).then(|| from[self.roll(from.len() as u64) as usize])
    }
}

fn account() -> Account {
    Account {
        id: AccountId(1),
        kind: AccountKind::Registrar,
        label: "Office".into(),
        user: "1001".into(),
        domain: "pbx.example".into(),
        registrar: None,
        proxy: None,
        auth_user: None,
        display_name: None,
        transport: Transport::Udp,
        ca_file: None,
        expires: 300,
        local_port: None,
        options: Default::default(),
    }
}

fn session(dice: &mut Dice) -> MediaSession {
    MediaSession {
        codec: if dice.roll(2) == 0 { Codec::Opus } else { Codec::Pcma },
        payload: 96,
        payload_in: 96,
        dtmf_payload: (dice.roll(2) == 0).then_some(101),
        dtmf_clock: 8000,
        remote: SocketAddr::from(([127, 0, 0, 1], 4000)),
        send: true,
        receive: true,
        ptime_ms: 20,
    }
}

/// The world around one phone, and what it has seen of it.
struct World {
    phone: Phone,
    now: Now,
    /// Calls that SIP knows: the truth about what may still be told of them.
    sip: HashMap<CallId, bool>,
    opening: Vec<CallId>,
    locating: Vec<CallId>,
    next_incoming: u32,
    ended: HashMap<CallId, u32>,
    completed: HashMap<i64, u32>,
    microphone: HashMap<CallId, bool>,
    gone: HashSet<CallId>,
    /// What went in and out, kept only when a failing seed is told again.
    trace: Option<Vec<String>>,
}

impl World {
    fn new(traced: bool) -> Self {
        let now = Now { mono: Instant::now(), wall: SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000) };
        let mut world = World {
            phone: Phone::new(PhoneConfig::default()),
            now,
            sip: HashMap::new(),
            opening: Vec::new(),
            locating: Vec::new(),
            next_incoming: 0x8000_0000,
            ended: HashMap::new(),
            completed: HashMap::new(),
            microphone: HashMap::new(),
            gone: HashSet::new(),
            trace: traced.then(Vec::new),
        };
        world.drain();
        world.input(Input::Store(StoreEvent::Loaded {
            settings: Rows::new(),
            policy: Policy::default(),
            accounts: vec![(account(), None)],
            interactions: vec![],
            credentials: CredentialStore::Keyring,
            problem: None,
        }));
        world
    }

    fn told(&self) -> String {
        self.trace.as_deref().unwrap_or_default().join("\n")
    }

    fn input(&mut self, input: Input) {
        if let Some(trace) = &mut self.trace {
            trace.push(format!("> {input:?}"));
        }
        self.phone.handle(self.now, input);
        self.drain();
    }

    fn drain(&mut self) {
        while let Some(output) = self.phone.poll_output() {
            if let Some(trace) = &mut self.trace {
                trace.push(format!("< {output:?}"));
            }
            self.check(&output);
        }
        for call in self.phone.calls() {
            let open = self.microphone.get(&call.call.id).copied().unwrap_or(false);
            if open {
                assert!(
                    matches!(call.call.state, CallState::Active { hold: Hold::None, muted: false, .. }),
                    "open microphone in {:?}\n{}",
                    call.call.state,
                    self.told()
                );
            }
        }
    }

    fn check(&mut self, output: &Output) {
        let over = |world: &World, call: &CallId| {
            assert!(!world.ended.contains_key(call), "{output:?} names an ended call\n{}", world.told());
        };
        match output {
            Output::Sip(command) => match command {
                SipCommand::LocateMedia { call, .. } => {
                    over(self, call);
                    self.locating.push(*call);
                }
                SipCommand::Invite { call, .. } => {
                    over(self, call);
                    self.sip.insert(*call, false);
                }
                SipCommand::Answer { call, .. } | SipCommand::Hold { call, .. } | SipCommand::Info { call, .. } => {
                    over(self, call);
                    assert!(self.sip.contains_key(call));
                }
                SipCommand::HangUp { call } => over(self, call),
                SipCommand::Reject { call, .. } => {
                    self.sip.remove(call);
                }
                _ => {}
            },
            Output::Audio(command) => match command {
                AudioCommand::OpenPort { call, .. } => {
                    over(self, call);
                    self.opening.push(*call);
                }
                AudioCommand::Microphone { call, open } => {
                    over(self, call);
                    self.microphone.insert(*call, *open);
                }
                AudioCommand::Start { call, .. }
                | AudioCommand::Listen { call, .. }
                | AudioCommand::Dtmf { call, .. } => {
                    over(self, call);
                }
                AudioCommand::Stop { call } => {
                    self.microphone.remove(call);
                }
                _ => {}
            },
            Output::Store(StoreCommand::SaveInteraction(row)) if row.end.is_some() => {
                *self.completed.entry(row.id).or_default() += 1;
            }
            Output::Change(Change::Call(call)) => {
                let ended = matches!(self.phone.call(*call).map(|c| &c.call.state), Some(CallState::Ended { .. }));
                if ended {
                    *self.ended.entry(*call).or_default() += 1;
                }
            }
            Output::Change(Change::CallGone(call)) => {
                assert!(self.ended.contains_key(call));
                assert!(self.gone.insert(*call), "{call} left twice");
            }
            _ => {}
        }
    }

    fn step(&mut self, dice: &mut Dice) {
        let calls: Vec<CallId> = self.phone.calls().map(|c| c.call.id).collect();
        let sip: Vec<CallId> = {
            let mut known: Vec<_> = self.sip.keys().copied().collect();
            known.sort();
            known
        };
        let any = dice.pick(&calls).unwrap_or(CallId(77));
        let event = match dice.roll(24) {
            0..=2 => Input::Command("call", Command::Call { to: "600".into(), account: None, confirmed: false }),
            3 => Input::Command("answer", Command::Answer(any)),
            4 => Input::Command("answer", Command::Answer(any)),
            5 => Input::Command("reject", Command::Reject(any)),
            6 => Input::Command("hang_up", Command::HangUp(any)),
            7 => Input::Command("hold", Command::Hold(any, dice.roll(2) == 0)),
            8 => Input::Command("mute", Command::Mute(any, dice.roll(2) == 0)),
            9 => Input::Command("dtmf", Command::Dtmf(any, "12#".into())),
            10 | 11 => match dice.pick(&self.locating) {
                Some(call) => {
                    self.locating.retain(|c| *c != call);
                    let local = if dice.roll(8) == 0 {
                        Err(Text::new("wire.no_network"))
                    } else {
                        Ok(IpAddr::V4(Ipv4Addr::LOCALHOST))
                    };
                    Input::Sip(SipEvent::MediaAddress { call, local })
                }
                None => Input::Timeout,
            },
            12 | 13 => match dice.pick(&self.opening) {
                Some(call) => {
                    self.opening.retain(|c| *c != call);
                    if dice.roll(8) == 0 {
                        Input::Audio(AudioEvent::PortFailed { call, text: Text::new("audio.no_port") })
                    } else {
                        Input::Audio(AudioEvent::PortOpened { call, local: SocketAddr::from(([127, 0, 0, 1], 4002)) })
                    }
                }
                None => Input::Timeout,
            },
            14 => {
                let call = CallId(self.next_incoming);
                self.next_incoming += 1;
                self.sip.insert(call, true);
                let peer = Peer { name: Some("Sara".into()), address: "123".into(), uri: "sip:123@pbx".into() };
                Input::Sip(SipEvent::Incoming { account: AccountId(1), call, peer, headers: CallHeaders::default() })
            }
            15 => match dice.pick(&sip) {
                Some(call) => Input::Sip(SipEvent::Ringing { call, early_media: dice.roll(2) == 0 }),
                None => Input::Timeout,
            },
            16 | 17 => match dice.pick(&sip) {
                Some(call) => Input::Sip(SipEvent::Media { call, media: session(dice) }),
                None => Input::Timeout,
            },
            18 | 19 => match dice.pick(&sip) {
                Some(call) => Input::Sip(SipEvent::Answered { call }),
                None => Input::Timeout,
            },
            20 => match dice.pick(&sip) {
                Some(call) => {
                    Input::Sip(SipEvent::Hold { call, hold: Hold::new(dice.roll(2) == 0, dice.roll(2) == 0) })
                }
                None => Input::Timeout,
            },
            21 => match dice.pick(&sip) {
                Some(call) => {
                    self.sip.remove(&call);
                    let reason =
                        [EndReason::RemoteHangUp, EndReason::Busy, EndReason::Missed, EndReason::AnsweredElsewhere]
                            [dice.roll(4) as usize]
                            .clone();
                    Input::Sip(SipEvent::Ended { call, reason })
                }
                None => Input::Timeout,
            },
            22 => Input::Audio(AudioEvent::Stats { call: any, stats: CallStats::default() }),
            _ => {
                let step = Duration::from_millis(dice.roll(4000));
                self.now = Now { mono: self.now.mono + step, wall: self.now.wall + step };
                Input::Timeout
            }
        };
        self.input(event);
    }

    /// SIP ends what is left, time passes, everything leaves.
    fn finish(&mut self) {
        let left: Vec<CallId> = self.phone.calls().map(|c| c.call.id).collect();
        for call in left {
            self.input(Input::Command("hang_up", Command::HangUp(call)));
            self.input(Input::Command("reject", Command::Reject(call)));
            if self.sip.remove(&call).is_some() {
                self.input(Input::Sip(SipEvent::Ended { call, reason: EndReason::LocalHangUp }));
            }
        }
        self.now.mono += Duration::from_secs(60);
        self.input(Input::Timeout);
        assert_eq!(self.phone.calls().count(), 0, "calls left\n{}", self.told());
        assert!(self.phone.poll_timeout().is_none(), "a timer is left: {:?}", self.phone.poll_timeout());
        assert!(self.phone.history().all(|i| i.end.is_some()), "an interaction is not completed");
        assert!(self.ended.values().all(|n| *n == 1), "a call ended more than once\n{}", self.told());
        assert!(self.completed.values().all(|n| *n == 1), "an interaction was completed more than once");
        assert_eq!(self.ended.len(), self.completed.len());
    }
}

fn run(seed: u64, steps: u64, traced: bool) -> Vec<String> {
    let mut dice = Dice(seed);
    let mut world = World::new(traced);
    for _ in 0..steps {
        world.step(&mut dice);
    }
    world.finish();
    // Instants differ from run to run; everything else must not.
    world.trace.unwrap_or_default().into_iter().filter(|line| !line.contains("Instant")).collect()
}

#[test]
fn invariants_hold_over_random_sequences() {
    let sequences = std::env::var("HATIF_SEQUENCES").ok().and_then(|n| n.parse().ok()).unwrap_or(100_000);
    for seed in 0..sequences {
        let steps = 30 + seed % 50;
        if std::panic::catch_unwind(|| run(seed, steps, false)).is_err() {
            run(seed, steps, true);
            panic!("seed {seed} failed only when not traced");
        }
    }
}

#[test]
fn the_same_inputs_give_the_same_outputs() {
    for seed in 0..50 {
        assert_eq!(run(seed, 80, true), run(seed, 80, true));
    }
}

fn loaded() -> World {
    World::new(true)
}

fn incoming(world: &mut World) -> CallId {
    let call = CallId(0x8000_0000);
    world.sip.insert(call, true);
    let peer = Peer { name: None, address: "123".into(), uri: String::new() };
    world.input(Input::Sip(SipEvent::Incoming { account: AccountId(1), call, peer, headers: CallHeaders::default() }));
    call
}

fn answered(world: &mut World) -> CallId {
    let call = incoming(world);
    world.input(Input::Command("answer", Command::Answer(call)));
    world.input(Input::Sip(SipEvent::MediaAddress { call, local: Ok(IpAddr::V4(Ipv4Addr::LOCALHOST)) }));
    world.input(Input::Audio(AudioEvent::PortOpened { call, local: SocketAddr::from(([127, 0, 0, 1], 4002)) }));
    let media = session(&mut Dice(1));
    world.input(Input::Sip(SipEvent::Media { call, media }));
    world.input(Input::Sip(SipEvent::Answered { call }));
    call
}

/// What the audio was told since `from` lines of the trace.
fn told(world: &World, from: usize, what: &str) -> Vec<String> {
    let lines = &world.trace.as_ref().expect("traced")[from..];
    lines.iter().filter(|line| line.starts_with('<') && line.contains(what)).cloned().collect()
}

fn notices(world: &World) -> Vec<&'static str> {
    world.phone.notices().iter().map(|notice| notice.text.code).collect()
}

#[test]
fn the_speaker_is_opened_while_it_rings_and_the_microphone_once_it_is_answered() {
    let mut world = loaded();
    let call = incoming(&mut world);
    assert_eq!(told(&world, 0, "Prepare"), ["< Audio(Prepare { microphone: false, speaker: true })"]);
    let from = world.trace.as_ref().expect("traced").len();
    world.input(Input::Command("answer", Command::Answer(call)));
    assert_eq!(told(&world, from, "Prepare"), ["< Audio(Prepare { microphone: true, speaker: true })"]);
    // and no way into the call before it is answered there too
    assert_eq!(told(&world, 0, "Microphone {"), [""; 0]);
    let from = world.trace.as_ref().expect("traced").len();
    world.input(Input::Command("hang_up", Command::HangUp(call)));
    assert_eq!(told(&world, from, "Prepare"), ["< Audio(Prepare { microphone: false, speaker: false })"]);
}

#[test]
fn who_speaks_while_muted_is_told_for_as_long_as_it_is_so() {
    let mut world = loaded();
    let call = answered(&mut world);
    world.input(Input::Audio(AudioEvent::Unheard(true)));
    assert_eq!(notices(&world), [""; 0], "speech into an open microphone is heard");
    world.input(Input::Command("mute", Command::Mute(call, true)));
    assert_eq!(notices(&world), ["audio.you_are_muted"]);
    world.input(Input::Audio(AudioEvent::Unheard(false)));
    assert_eq!(notices(&world), [""; 0]);
    world.input(Input::Audio(AudioEvent::Unheard(true)));
    assert_eq!(notices(&world), ["audio.you_are_muted"]);
    world.input(Input::Command("mute", Command::Mute(call, false)));
    assert_eq!(notices(&world), [""; 0]);
    world.input(Input::Command("hold", Command::Hold(call, true)));
    world.input(Input::Sip(SipEvent::Hold { call, hold: Hold::new(true, false) }));
    assert_eq!(notices(&world), [""; 0], "who talks to a colleague while the customer holds is not muted");
}

#[test]
fn a_device_chosen_before_is_the_fallback_of_the_next() {
    let mut choice = DeviceChoice::default();
    for id in ["a", "b", "a", "c"] {
        choice.choose(DeviceRole::Microphone, Some(id.into()));
    }
    assert_eq!(
        (choice.microphone.as_deref(), choice.microphones_before.as_slice()),
        (Some("c"), &["a".to_owned(), "b".into()][..])
    );
    choice.choose(DeviceRole::Microphone, None);
    assert_eq!((choice.microphone.as_deref(), choice.microphones_before[0].as_str()), (None, "c"));
    for id in 0..100 {
        choice.choose(DeviceRole::Speaker, Some(id.to_string()));
    }
    assert_eq!(choice.speakers_before.len(), MAX_REMEMBERED);
    choice.choose_ringers(vec!["x".into(), "y".into(), "x".into()]);
    assert_eq!((choice.ringer.as_deref(), choice.more_ringers.as_slice()), (Some("x"), &["y".to_owned()][..]));
    choice.choose(DeviceRole::Ringer, None);
    assert_eq!((choice.ringer, choice.more_ringers), (None, vec![]));
}

#[test]
fn volumes_beyond_the_scale_are_refused_and_others_are_told_and_kept() {
    let mut world = loaded();
    let quiet = Volume { percent: 50, muted: false };
    let sound = SoundSettings { speaker: quiet, ..SoundSettings::default() };
    let with = |sound| Command::ChangeSettings(Box::new(Settings { sound, ..Settings::default() }));
    world.input(Input::Command("change_settings", with(sound)));
    assert_eq!((world.phone.settings().sound, told(&world, 0, "SetSound").len()), (sound, 2));
    let wrong = SoundSettings { ringer: Volume { percent: 101, muted: false }, ..sound };
    world.input(Input::Command("change_settings", with(wrong)));
    assert_eq!(world.phone.settings().sound, sound);
    assert_eq!(told(&world, 0, "settings.out_of_range").len(), 1);
    assert!((quiet.gain() - 0.125).abs() < 1e-6 && Volume::default().gain() == 1.0);
}

#[test]
fn the_headset_is_not_tested_in_a_call() {
    let mut world = loaded();
    world.input(Input::Command("test_headset", Command::TestHeadset(255)));
    assert_eq!(told(&world, 0, "TestHeadset"), ["< Audio(TestHeadset { seconds: 30 })"]);
    answered(&mut world);
    world.input(Input::Command("test_headset", Command::TestHeadset(5)));
    assert_eq!(told(&world, 0, "TestHeadset").len(), 1);
    assert_eq!(told(&world, 0, "command.not_now").len(), 1);
}
