//! A phone in a world that the test plays: SIP, audio and store that answer late, never or wrongly, and what they have seen.
//! Every output is checked against the invariants of `phone.rs` as it comes.

use hatif_core::{
    account::*,
    audio::*,
    call::*,
    ids::*,
    options::*,
    phone::*,
    recording::RecordingAsk,
    settings::{Policy, Rows},
    sip::*,
    store::*,
    text::Text,
};
use std::{
    collections::{BTreeMap, HashMap, HashSet},
    net::{IpAddr, Ipv4Addr, SocketAddr},
    time::{Duration, Instant, SystemTime},
};

#[path = "account.rs"]
mod account_of;
pub use account_of::account;
mod media;
pub use media::session;

/// SplitMix64: small, seeded, good enough to choose events.
pub struct Dice(pub u64);
impl Dice {
    pub fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % sides
    }
    pub fn pick<T: Copy>(&mut self, from: &[T]) -> Option<T> {
        (!from.is_empty()).then(|| from[self.roll(from.len() as u64) as usize])
    }
}

/// An account that uses what there is: colleagues, intercom, rules that act while it rings.
pub fn options(dice: &mut Dice) -> AccountOptions {
    let colleague = Colleague { name: "Reza".into(), number: "123".into(), lamp: LampKind::Dialog, intercom: true };
    let rule = |when| ForwardRule { on: true, when, to: "700".into(), by: ForwardBy::Redirect, until: None };
    AccountOptions {
        dtmf: [DtmfMode::Auto, DtmfMode::Info, DtmfMode::InBand, DtmfMode::Rtp][dice.roll(4) as usize],
        mailbox: Some("*97".into()),
        conference_room: (dice.roll(2) == 0).then(|| "3000".into()),
        help_to: Some("900".into()),
        mobile: (dice.roll(2) == 0).then(|| Mobile { number: "0800".into(), rings_too: dice.roll(2) == 0, after_s: 1 }),
        forwarding: match dice.roll(4) {
            0 => vec![rule(ForwardWhen::NoAnswer { after_s: 2 })],
            1 => vec![rule(ForwardWhen::Busy)],
            _ => vec![],
        },
        colleagues: vec![colleague],
        intercom: true,
        ..AccountOptions::default()
    }
}

/// What random sequences have to reach now and then.
pub const PLACES: [&str; 14] = [
    "blind transfer",
    "attended transfer",
    "transferred",
    "transfer failed",
    "given back",
    "conference",
    "conference of three",
    "redirected call",
    "granted refer",
    "replaced",
    "turned away",
    "forwarded",
    "mobile asked",
    "mobile joined",
];

/// The world around one phone, and what it has seen of it.
pub struct World {
    pub phone: Phone,
    pub now: Now,
    /// Calls that SIP knows: the truth about what may still be told of them.
    pub sip: HashMap<CallId, bool>,
    pub opening: Vec<CallId>,
    pub locating: Vec<CallId>,
    pub next_incoming: u32,
    pub ended: HashMap<CallId, u32>,
    pub completed: HashMap<i64, u32>,
    pub microphone: HashMap<CallId, bool>,
    pub mixed: Vec<CallId>,
    /// Whether a call may be hung up because of what has just gone in.
    pub may_hang_up: bool,
    /// What has just gone in is one of the actions that the phone offered.
    pub offered: bool,
    /// What SIP was told of hold and has not done yet.
    holds: Vec<(CallId, bool)>,
    /// A transfer has just failed.
    failing: bool,
    /// Calls that were answered with 3xx.
    redirected: HashSet<CallId>,
    /// How often something was reached that the invariants are about.
    pub reached: BTreeMap<&'static str, u32>,
    pub gone: HashSet<CallId>,
    /// What went in and out, kept only when a failing seed is told again.
    pub trace: Option<Vec<String>>,
}

impl World {
    pub fn new(traced: bool, dice: &mut Dice) -> Self {
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
            mixed: Vec::new(),
            may_hang_up: false,
            offered: false,
            holds: Vec::new(),
            failing: false,
            redirected: HashSet::new(),
            reached: BTreeMap::new(),
            gone: HashSet::new(),
            trace: traced.then(Vec::new),
        };
        world.drain();
        world.input(Input::Store(StoreEvent::Loaded {
            settings: Rows::from([("recording".to_owned(), "\"on_demand\"".to_owned())]),
            policy: Policy::default(),
            accounts: vec![(Account { options: options(dice), ..account("pbx.example") }, None)],
            interactions: vec![],
            credentials: CredentialStore::Keyring,
            problem: None,
        }));
        world
    }

    pub fn told(&self) -> String {
        self.trace.as_deref().unwrap_or_default().join("\n")
    }

    pub fn input(&mut self, input: Input) {
        if let Some(trace) = &mut self.trace {
            trace.push(format!("> {input:?}"));
        }
        self.may_hang_up = matches!(
            input,
            Input::Command("hang_up" | "abandon_consult" | "complete_transfer", _)
                | Input::Sip(SipEvent::Transfer { progress: TransferProgress::Done, .. } | SipEvent::Answered { .. })
        );
        self.failing = matches!(input, Input::Sip(SipEvent::Transfer { progress: TransferProgress::Failed(_), .. }));
        self.phone.handle(self.now, input);
        self.drain();
        self.offered = false;
    }

    pub fn drain(&mut self) {
        while let Some(output) = self.phone.poll_output() {
            if let Some(trace) = &mut self.trace {
                trace.push(format!("< {output:?}"));
            }
            self.check(&output);
        }
        for call in self.phone.calls() {
            let open = self.microphone.get(&call.call.id).copied().unwrap_or(false);
            if open {
                let alone = self.microphone.values().filter(|open| **open).count() == 1;
                assert!(alone || call.conference, "open microphones in two conversations\n{}", self.told());
                assert!(
                    matches!(call.call.state, CallState::Active { hold: Hold::None, muted: false, .. }),
                    "open microphone in {:?}\n{}",
                    call.call.state,
                    self.told()
                );
            }
        }
        for call in &self.mixed {
            let talks = self.phone.call(*call).map(|c| (c.conference, c.call.state.clone()));
            assert!(
                matches!(talks, Some((true, CallState::Active { .. }))),
                "{call} is mixed as {talks:?}\n{}",
                self.told()
            );
        }
        assert_ne!(self.mixed.len(), 1, "a conference of one\n{}", self.told());
    }

    /// Notes what has been reached.
    fn notice(&mut self, output: &Output) {
        let ended = |call: &CallId| match self.phone.call(*call).map(|c| &c.call.state) {
            Some(CallState::Ended { reason, .. }) => Some(reason.clone()),
            _ => None,
        };
        let place = match output {
            Output::Sip(SipCommand::Transfer { .. }) => "blind transfer",
            Output::Sip(SipCommand::TransferTo { .. }) => "attended transfer",
            Output::Sip(SipCommand::AcceptRefer { .. }) => "granted refer",
            Output::Sip(SipCommand::Invite { call, .. }) if self.redirected.contains(call) => "redirected call",
            Output::Sip(SipCommand::Hold { on: false, .. }) if self.failing => "given back",
            Output::Audio(AudioCommand::DtmfInBand { digits, .. }) if digits == "1" => "mobile asked",
            Output::Audio(AudioCommand::Conference { calls })
                if calls.iter().any(|id| self.phone.call(*id).is_some_and(|c| c.mobile_for().is_some())) =>
            {
                "mobile joined"
            }
            Output::Audio(AudioCommand::Conference { calls }) if calls.len() > 2 => "conference of three",
            Output::Audio(AudioCommand::Conference { calls }) if !calls.is_empty() => "conference",
            Output::Change(Change::Call(call)) => match ended(call) {
                Some(EndReason::Transferred) => "transferred",
                Some(EndReason::Replaced) => "replaced",
                Some(EndReason::TurnedAway { .. }) => "turned away",
                Some(EndReason::Forwarded) => "forwarded",
                None if self.failing => "transfer failed",
                _ => return,
            },
            _ => return,
        };
        *self.reached.entry(place).or_default() += 1;
    }

    pub fn check(&mut self, output: &Output) {
        self.notice(output);
        let over = |world: &World, call: &CallId| {
            assert!(!world.ended.contains_key(call), "{output:?} names an ended call\n{}", world.told());
        };
        if let Output::Sip(SipCommand::Hold { call, on }) = output {
            self.holds.push((*call, *on));
        }
        if let Output::Recording(command) = output {
            over(self, &command.call());
        }
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
                    assert!(self.sip.contains_key(call), "SIP does not know {call}\n{}", self.told());
                }
                SipCommand::HangUp { call } => {
                    over(self, call);
                    let of_mobile = self.phone.call(*call).is_some_and(|c| c.mobile_for().is_some());
                    assert!(self.may_hang_up || of_mobile, "{call} is hung up by itself\n{}", self.told());
                }
                SipCommand::Reject { call, .. } | SipCommand::Redirect { call, .. } => {
                    self.sip.remove(call);
                }
                SipCommand::Transfer { call, .. } | SipCommand::RefuseRefer { call } => {
                    over(self, call);
                    assert!(self.sip.contains_key(call), "SIP does not know {call}\n{}", self.told());
                }
                SipCommand::TransferTo { call, with } => {
                    over(self, call);
                    over(self, with);
                    assert!(call != with && self.sip.contains_key(call) && self.sip.contains_key(with));
                }
                SipCommand::AcceptRefer { call, new, .. } => {
                    over(self, call);
                    over(self, new);
                    assert!(self.sip.contains_key(call), "SIP does not know {call}\n{}", self.told());
                    self.sip.insert(*new, false);
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
                | AudioCommand::Dtmf { call, .. }
                | AudioCommand::DtmfInBand { call, .. } => {
                    over(self, call);
                }
                AudioCommand::Conference { calls } => {
                    calls.iter().for_each(|call| over(self, call));
                    self.mixed.clone_from(calls);
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
            // What is offered can be done, but for want of room or of a way to send digits.
            Output::Change(Change::CommandFailed { text, .. }) if self.offered => {
                assert!(matches!(text.code, "command.too_many_calls" | "command.no_dtmf"), "{text:?}\n{}", self.told())
            }
            Output::Change(Change::CallGone(call)) => {
                assert!(self.ended.contains_key(call));
                assert!(self.gone.insert(*call), "{call} left twice");
            }
            _ => {}
        }
    }

    /// A call that is talked on: in or out, everything in its order.
    pub fn talk(&mut self, dice: &mut Dice) {
        let before = self.phone.calls().count();
        if dice.roll(2) == 0 {
            self.input(Input::Command("call", Command::Call { to: "600".into(), account: None, confirmed: false }));
        } else {
            let call = CallId(self.next_incoming);
            self.next_incoming += 1;
            self.sip.insert(call, true);
            let headers = CallHeaders::default();
            self.input(Input::Sip(SipEvent::Incoming { account: AccountId(1), call, peer: peer(dice), headers }));
            self.input(Input::Command("answer", Command::Answer(call)));
        }
        while let Some(call) = self.locating.pop() {
            let local = Ok(IpAddr::V4(Ipv4Addr::LOCALHOST).into());
            self.input(Input::Sip(SipEvent::MediaAddress { call, local }));
        }
        while let Some(call) = self.opening.pop() {
            let local = SocketAddr::from(([127, 0, 0, 1], 4002)).into();
            self.input(Input::Audio(AudioEvent::PortOpened { call, local }));
        }
        if self.phone.calls().count() > before {
            let waits =
                |c: &&CallEntry| matches!(c.call.state, CallState::Dialing | CallState::Answering) && c.ask.is_none();
            for call in self.phone.calls().filter(waits).map(|c| c.call.id).collect::<Vec<_>>() {
                self.input(Input::Sip(SipEvent::Media { call, media: session(dice) }));
                self.input(Input::Sip(SipEvent::Answered { call }));
            }
        }
        self.obey_holds();
    }

    /// SIP does what it was told of hold.
    fn obey_holds(&mut self) {
        for (call, on) in std::mem::take(&mut self.holds) {
            if self.sip.contains_key(&call) {
                self.input(Input::Sip(SipEvent::Hold { call, hold: Hold::new(on, false) }));
            }
        }
    }

    pub fn step(&mut self, dice: &mut Dice) {
        let calls: Vec<CallId> = self.phone.calls().map(|c| c.call.id).collect();
        let sip: Vec<CallId> = {
            let mut known: Vec<_> = self.sip.keys().copied().collect();
            known.sort();
            known
        };
        let any = dice.pick(&calls).unwrap_or(CallId(77));
        let event = match dice.roll(40) {
            0 => return self.talk(dice),
            1 | 2 => Input::Command("call", Command::Call { to: "600".into(), account: None, confirmed: false }),
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
                        Ok(IpAddr::V4(Ipv4Addr::LOCALHOST).into())
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
                        Input::Audio(AudioEvent::PortOpened {
                            call,
                            local: SocketAddr::from(([127, 0, 0, 1], 4002)).into(),
                        })
                    }
                }
                None => Input::Timeout,
            },
            14 => {
                let call = CallId(self.next_incoming);
                self.next_incoming += 1;
                self.sip.insert(call, true);
                let headers = CallHeaders {
                    queue: (dice.roll(4) == 0).then(|| "Sales".into()),
                    replaces: (dice.roll(3) == 0).then_some(any),
                    answer_after: (dice.roll(4) == 0).then_some(0),
                    ..CallHeaders::default()
                };
                Input::Sip(SipEvent::Incoming { account: AccountId(1), call, peer: peer(dice), headers })
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
            20 if dice.roll(4) > 0 => return self.obey_holds(),
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
            23..=25 => self.control(dice, any),
            26..=30 => self.by_the_list(dice, any),
            31..=37 => self.far_side(dice, &sip),
            _ => {
                let step = Duration::from_millis(dice.roll(4000));
                self.now = Now { mono: self.now.mono + step, wall: self.now.wall + step };
                Input::Timeout
            }
        };
        self.input(event);
    }

    /// What an agent does with a call beside making, taking and ending it.
    pub fn control(&self, dice: &mut Dice, any: CallId) -> Input {
        let to = ["600", "700", "0", "sip:1@pbx"][dice.roll(4) as usize].to_owned();
        let (name, command) = match dice.roll(19) {
            0 | 1 => ("transfer", Command::Transfer { call: any, to, confirmed: false }),
            2..=4 => ("consult", Command::Consult { call: any, to, account: None, confirmed: false }),
            5 | 6 => ("complete_transfer", Command::CompleteTransfer(any)),
            7 => ("abandon_consult", Command::AbandonConsult(any)),
            8 => ("swap", Command::Swap(any)),
            9 | 10 => ("join", Command::Join(if dice.roll(2) == 0 { vec![] } else { vec![any] })),
            11 => ("split", Command::Split(any)),
            12 => ("silence", Command::Silence(any, dice.roll(2) == 0)),
            13 => ("leave_conference", Command::LeaveConference),
            14 => ("grant", Command::Grant { call: any, choice: 0 }),
            15 => ("refuse", Command::Refuse(any)),
            16 => ("redirect", Command::Redirect { call: any, to, confirmed: false }),
            17 => match dice.roll(3) {
                0 => ("set_do_not_disturb", Command::SetDoNotDisturb(dice.roll(4) == 0)),
                1 => ("set_call_waiting", Command::SetCallWaiting(dice.roll(2) == 0)),
                _ => ("set_agent_state", Command::SetAgentState(AgentState::Ready)),
            },
            _ => ("help", Command::Help { call: any, text: "?".into() }),
        };
        Input::Command(name, command)
    }

    /// One of the actions that the phone offers for a call.
    fn by_the_list(&mut self, dice: &mut Dice, call: CallId) -> Input {
        let mut actions = self.phone.actions(call);
        // Always there, and one of them is as good as the other: now and then is enough.
        if dice.roll(4) != 0 {
            actions.retain(|action| !matches!(action, Action::Record | Action::PauseRecording | Action::StopRecording));
        }
        let Some(action) = dice.pick(&actions) else { return Input::Timeout };
        let to = "600".to_owned();
        let (name, command) = match action {
            Action::Answer => ("answer", Command::Answer(call)),
            // Endings come often enough by themselves.
            Action::Reject | Action::HangUp => return Input::Timeout,
            Action::Mute => ("mute", Command::Mute(call, true)),
            Action::Unmute => ("mute", Command::Mute(call, false)),
            Action::Hold => ("hold", Command::Hold(call, true)),
            Action::Resume => ("hold", Command::Hold(call, false)),
            Action::Dtmf => ("dtmf", Command::Dtmf(call, "1,2".into())),
            Action::Transfer => ("transfer", Command::Transfer { call, to, confirmed: false }),
            Action::Consult => ("consult", Command::Consult { call, to, account: None, confirmed: false }),
            Action::CompleteTransfer => ("complete_transfer", Command::CompleteTransfer(call)),
            Action::AbandonConsult => ("abandon_consult", Command::AbandonConsult(call)),
            Action::Swap => ("swap", Command::Swap(call)),
            Action::Join => ("join", Command::Join(vec![])),
            Action::Split => ("split", Command::Split(call)),
            Action::Silence => ("silence", Command::Silence(call, true)),
            Action::Unsilence => ("silence", Command::Silence(call, false)),
            Action::LeaveConference => ("leave_conference", Command::LeaveConference),
            Action::Grant => ("grant", Command::Grant { call, choice: 0 }),
            Action::Refuse => ("refuse", Command::Refuse(call)),
            Action::Redirect => ("redirect", Command::Redirect { call, to, confirmed: false }),
            Action::Help => ("help", Command::Help { call, text: "?".into() }),
            Action::MoveToMobile => ("move_to_mobile", Command::MoveToMobile(call)),
            Action::Record => ("recordings", Command::Recording(call, RecordingAsk::Begin)),
            Action::PauseRecording => ("recordings", Command::Recording(call, RecordingAsk::Pause)),
            Action::ResumeRecording => ("recordings", Command::Recording(call, RecordingAsk::Resume)),
            Action::StopRecording => ("recordings", Command::Recording(call, RecordingAsk::End)),
        };
        self.offered = true;
        Input::Command(name, command)
    }

    /// What a far side and its PBX do beside calling, answering and ending.
    pub fn far_side(&mut self, dice: &mut Dice, sip: &[CallId]) -> Input {
        let Some(call) = dice.pick(sip) else { return Input::Timeout };
        Input::Sip(match dice.roll(15) {
            0..=4 => {
                let progress = match dice.roll(5) {
                    0 => TransferProgress::Failed(Text::new("call.busy")),
                    1 | 2 => TransferProgress::Done,
                    3 => TransferProgress::Ringing,
                    _ => TransferProgress::Accepted,
                };
                SipEvent::Transfer { call, progress }
            }
            5 | 6 => SipEvent::ReferAsked { call, target: peer(dice), replaces: dice.roll(2) == 0 },
            7 => SipEvent::ReferGone { call },
            8 | 9 => {
                // Only an INVITE of ours that nobody has answered yet can be answered with 3xx.
                let open = sip.iter().copied().find(|id| {
                    let entry = self.phone.call(*id);
                    let dialling = |s: &CallState| matches!(s, CallState::Dialing | CallState::Ringing { .. });
                    entry.is_some_and(|c| dialling(&c.call.state) && c.ask.is_none())
                });
                let Some(call) = open else { return Input::Timeout };
                self.sip.remove(&call);
                self.redirected.insert(call);
                SipEvent::Redirected { call, targets: vec![peer(dice), peer(dice)] }
            }
            10 => SipEvent::PeerChanged { call, peer: peer(dice) },
            _ => SipEvent::Digit { call, digit: if dice.roll(3) != 0 { '1' } else { '5' } },
        })
    }

    /// SIP ends what is left, time passes, everything leaves.
    pub fn finish(&mut self) {
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

pub fn peer(dice: &mut Dice) -> Peer {
    let (name, address) = [("Sara", "123"), ("Omid", "456"), ("", "+1900555"), ("Nobody", "")][dice.roll(4) as usize];
    Peer { name: Some(name.into()), address: address.into(), uri: format!("sip:{address}@pbx") }
}
