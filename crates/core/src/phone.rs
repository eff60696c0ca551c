//! `Phone`: the whole application as a pure machine. One mutation (`handle`), then drain (`poll_output`).
//!
//! Invariants, proved in `tests/phone.rs` over random sequences:
//! - every call ends exactly once, with exactly one interaction completed;
//! - the microphone is open only for an active call that nobody holds and that is not muted;
//! - no output names a call after it has ended, except the end itself and its leaving the screen;
//! - the same inputs give the same outputs.

mod accounts;
mod calls;
mod desk;
mod sound;

use crate::{
    account::{Account, Password, Registration},
    audio::{AudioCommand, AudioDevice, AudioEvent, CallStats, DeviceRole, HeadsetTest, Tone},
    call::Call,
    ids::{AccountId, CallId},
    settings::{Layers, Provenance, Settings},
    sip::{CallHeaders, MediaSession, SipCommand, SipEvent},
    store::{CredentialStore, Interaction, InteractionPage, InteractionQuery, StoreCommand, StoreEvent},
    text::Text,
};
use std::{
    collections::{BTreeMap, VecDeque},
    net::SocketAddr,
    time::{Duration, Instant, SystemTime},
};

/// The account of the built-in practice line. Never stored.
pub const PRACTICE: AccountId = AccountId(0);
/// More calls than these at once are refused with "busy".
pub const MAX_CALLS: usize = 8;
/// Interactions kept in memory and shown.
pub const MAX_HISTORY: usize = 500;
/// How long an ended call stays on the screen with its reason.
const LINGER: Duration = Duration::from_secs(5);

/// The two clocks: one to measure with, one to write down.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Now {
    pub mono: Instant,
    pub wall: SystemTime,
}

/// What the agent (or a program) asks for.
#[derive(Clone, PartialEq, Debug)]
pub enum Command {
    /// `id` names an existing account to change; `None` adds one.
    SetAccount {
        id: Option<AccountId>,
        account: Box<Account>,
        password: Option<Password>,
    },
    RemoveAccount(AccountId),
    Register(AccountId),
    Unregister(AccountId),
    Call {
        to: String,
        account: Option<AccountId>,
    },
    Answer(CallId),
    Reject(CallId),
    HangUp(CallId),
    Hold(CallId, bool),
    Mute(CallId, bool),
    Dtmf(CallId, String),
    ListDevices,
    SelectDevice(DeviceRole, Option<String>),
    /// The devices that ring; none: the speaker.
    SelectRingers(Vec<String>),
    /// Seconds to record; 0 ends the test.
    TestHeadset(u8),
    TestTone,
    Meter(bool),
    /// Devices in it are ignored: `SelectDevice` chooses those.
    ChangeSettings(Box<Settings>),
    /// Back to its default, by the name of its field.
    ResetSetting(String),
    /// Answered by `Change::SettingsExported`.
    ExportSettings,
    /// The text of such a file.
    ImportSettings(String),
    DeleteInteraction(i64),
    ClearInteractions,
    /// Looks in the whole call log, of which the phone itself knows the newest only; answered by `Change::Found`.
    FindInteractions {
        request: u32,
        query: Box<InteractionQuery>,
    },
    DismissNotice(u32),
    Quit,
}

/// Everything that can happen to the phone.
#[derive(Clone, PartialEq, Debug)]
pub enum Input {
    /// The commands' name is for the refusal, should there be one.
    Command(&'static str, Command),
    /// The practice line stands and can be registered with.
    PracticeUp {
        account: Box<Account>,
        password: Password,
    },
    Sip(SipEvent),
    Audio(AudioEvent),
    Store(StoreEvent),
    /// `poll_timeout` has passed.
    Timeout,
}

#[derive(Clone, PartialEq, Debug)]
pub enum Output {
    Sip(SipCommand),
    Audio(AudioCommand),
    Store(StoreCommand),
    Change(Change),
}

/// What has changed for somebody who looks. Whole values are read from the phone.
#[derive(Clone, PartialEq, Debug)]
pub enum Change {
    /// Everything may have changed (after loading).
    All,
    Account(AccountId),
    AccountGone(AccountId),
    Call(CallId),
    CallGone(CallId),
    History,
    /// A page of the call log for whoever asked with this number.
    Found {
        request: u32,
        page: InteractionPage,
    },
    Devices,
    Settings,
    /// The settings as a file for another laptop.
    SettingsExported(String),
    /// A file was taken over, but for these settings.
    SettingsImported {
        left_out: Vec<String>,
    },
    NoticeRaised(u32),
    NoticeGone(u32),
    Digit(CallId, char),
    Quality(CallId),
    Level {
        microphone: f32,
        speaker: f32,
    },
    HeadsetTest(HeadsetTest),
    CommandFailed {
        command: &'static str,
        text: Text,
    },
    /// The phone is closed; nothing comes after this.
    Stopped,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum NoticeLevel {
    Info,
    Warning,
    Error,
}

/// Something the user should know; stays until dismissed or mended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Notice {
    pub id: u32,
    pub level: NoticeLevel,
    pub text: Text,
}

/// Policies that are set when the phone is made.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct PhoneConfig {
    /// Answers every call at once. Off in the product; for automation and tests.
    pub auto_answer: bool,
}

/// What can be done with a call now.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Action {
    Answer,
    Reject,
    HangUp,
    Mute,
    Unmute,
    Hold,
    Resume,
    Dtmf,
}

/// An account with what is known of it now.
#[derive(Clone, PartialEq, Debug)]
pub struct AccountEntry {
    pub account: Account,
    pub registration: Registration,
}

/// What the RTP port of a call is wanted for.
#[derive(Clone, PartialEq, Debug)]
enum Port {
    /// Not asked for yet (an incoming call that rings).
    None,
    /// Asked for; the INVITE or the answer waits for it.
    Opening,
    Open(SocketAddr),
}

/// A call with what the phone keeps beside it.
#[derive(Clone, PartialEq, Debug)]
pub struct CallEntry {
    pub call: Call,
    pub headers: CallHeaders,
    pub stats: Option<CallStats>,
    /// Seconds without any RTP while there should be some; 0 when all is well.
    pub silent_s: u32,
    /// The far side's request to dial as it was made: an INVITE waits for the port with it.
    target: String,
    interaction: i64,
    port: Port,
    media: Option<MediaSession>,
    /// The INVITE or the answer has gone to SIP: from here on SIP tells the end.
    signalled: bool,
    /// What the audio was last told.
    microphone: bool,
    listening: bool,
    gone_at: Option<Instant>,
}

/// The application. See the module's first lines.
pub struct Phone {
    config: PhoneConfig,
    accounts: BTreeMap<AccountId, AccountEntry>,
    calls: BTreeMap<CallId, CallEntry>,
    history: VecDeque<Interaction>,
    settings: Layers,
    credentials: CredentialStore,
    inputs: Vec<AudioDevice>,
    outputs: Vec<AudioDevice>,
    audio_problem: Option<Text>,
    /// What the audio was last told to keep ready: microphone and speaker.
    prepared: (bool, bool),
    /// Somebody speaks, and no call hears it.
    unheard: bool,
    notices: Vec<Notice>,
    next_notice: u32,
    next_call: u32,
    last_interaction: i64,
    /// A tone with an end of its own: busy, congestion, test.
    passing_tone: Option<(Tone, Instant)>,
    tone: Option<Tone>,
    closing: Closing,
    /// Commands that came before the store had told what it knows: ids and settings are not known yet. `None` after.
    early: Option<Vec<(&'static str, Command)>>,
    out: VecDeque<Output>,
}

/// Commands kept until the store has loaded; more than this is a program that does not wait, and is refused.
const MAX_EARLY: usize = 256;

/// The way out: SIP first (BYE, un-register), then sound and store.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Closing {
    No,
    Sip { until: Instant },
    Store { until: Instant },
    Done,
}

impl Phone {
    /// A phone that asks the store for what it knew.
    pub fn new(config: PhoneConfig) -> Self {
        let mut phone = Phone {
            config,
            accounts: BTreeMap::new(),
            calls: BTreeMap::new(),
            history: VecDeque::new(),
            settings: Layers::default(),
            credentials: CredentialStore::Keyring,
            inputs: Vec::new(),
            outputs: Vec::new(),
            audio_problem: None,
            prepared: (false, false),
            unheard: false,
            notices: Vec::new(),
            next_notice: 1,
            next_call: 1,
            last_interaction: 0,
            passing_tone: None,
            tone: None,
            closing: Closing::No,
            early: Some(Vec::new()),
            out: VecDeque::new(),
        };
        phone.out.push_back(Output::Store(StoreCommand::Load));
        phone
    }

    pub fn handle(&mut self, now: Now, input: Input) {
        if self.closing == Closing::Done {
            return;
        }
        match input {
            Input::Command(name, command) => match &mut self.early {
                Some(early) if early.len() < MAX_EARLY => early.push((name, command)),
                _ => self.obey(now, name, command),
            },
            Input::PracticeUp { account, password } => self.practice_up(*account, password),
            Input::Sip(event) => self.sip(now, event),
            Input::Audio(event) => self.audio(now, event),
            Input::Store(event) => self.store(now, event),
            Input::Timeout => {}
        }
        self.pass_time(now);
        self.settle_sound(now);
    }

    pub fn poll_output(&mut self) -> Option<Output> {
        self.out.pop_front()
    }

    /// When something happens by itself, and what.
    pub fn poll_timeout(&self) -> Option<(Instant, &'static str)> {
        let closing = match self.closing {
            Closing::Sip { until } => Some((until, "closing: SIP")),
            Closing::Store { until } => Some((until, "closing: store")),
            Closing::No | Closing::Done => None,
        };
        let tone = self.passing_tone.map(|(_, until)| (until, "tone ends"));
        let gone = self.calls.values().filter_map(|c| c.gone_at).min().map(|at| (at, "ended call leaves"));
        [closing, tone, gone].into_iter().flatten().min_by_key(|(at, _)| *at)
    }

    fn command(&mut self, now: Now, command: Command) -> Result<(), Text> {
        if self.closing != Closing::No {
            return Err(Text::new("command.not_now"));
        }
        match command {
            Command::SetAccount { id, account, password } => self.set_account(id, *account, password),
            Command::RemoveAccount(id) => self.remove_account(id),
            Command::Register(id) => self.register(id),
            Command::Unregister(id) => self.unregister(id),
            Command::Call { to, account } => self.dial(now, &to, account),
            Command::Answer(call) => self.answer(call),
            Command::Reject(call) => self.reject(now, call),
            Command::HangUp(call) => self.hang_up(now, call),
            Command::Hold(call, on) => self.hold(call, on),
            Command::Mute(call, on) => self.mute(call, on),
            Command::Dtmf(call, digits) => self.dtmf(call, &digits),
            Command::ListDevices => {
                self.tell_audio(AudioCommand::ListDevices);
                Ok(())
            }
            Command::SelectDevice(role, device) => self.select_device(role, device),
            Command::SelectRingers(devices) => self.select_ringers(devices),
            Command::TestHeadset(seconds) => self.test_headset(seconds),
            Command::TestTone => self.test_tone(now),
            Command::Meter(on) => {
                self.tell_audio(AudioCommand::Meter { on });
                Ok(())
            }
            Command::ChangeSettings(settings) => self.change_settings(*settings),
            Command::ResetSetting(key) => {
                self.reset_setting(&key);
                Ok(())
            }
            Command::ExportSettings => {
                self.change(Change::SettingsExported(self.settings.export()));
                Ok(())
            }
            Command::ImportSettings(text) => self.import_settings(&text),
            Command::DeleteInteraction(id) => self.delete_interaction(id),
            Command::ClearInteractions => self.clear_interactions(),
            Command::FindInteractions { request, query } => {
                self.tell_store(StoreCommand::FindInteractions { request, query });
                Ok(())
            }
            Command::DismissNotice(id) => self.dismiss_notice(id),
            Command::Quit => {
                self.closing = Closing::Sip { until: now.mono + Duration::from_secs(4) };
                self.tell_sip(SipCommand::Stop);
                Ok(())
            }
        }
    }

    fn obey(&mut self, now: Now, name: &'static str, command: Command) {
        if let Err(text) = self.command(now, command) {
            self.change(Change::CommandFailed { command: name, text });
        }
    }

    fn store(&mut self, now: Now, event: StoreEvent) {
        match event {
            StoreEvent::Loaded { settings, policy, accounts, interactions, credentials, problem } => {
                self.loaded(Layers::new(settings, policy), accounts, interactions, credentials, problem);
                for (name, command) in self.early.take().unwrap_or_default() {
                    self.obey(now, name, command);
                }
            }
            StoreEvent::Credentials(credentials) => self.credentials_changed(credentials),
            StoreEvent::Found { request, page } => self.change(Change::Found { request, page }),
            StoreEvent::Problem(text) => self.raise(NoticeLevel::Error, text),
            StoreEvent::Stopped => {
                if matches!(self.closing, Closing::Store { .. }) {
                    self.stopped();
                }
            }
        }
    }

    /// What time alone brings about.
    fn pass_time(&mut self, now: Now) {
        let gone: Vec<CallId> =
            self.calls.iter().filter(|(_, c)| c.gone_at.is_some_and(|at| at <= now.mono)).map(|(id, _)| *id).collect();
        for id in gone {
            self.calls.remove(&id);
            self.change(Change::CallGone(id));
        }
        match self.closing {
            Closing::Sip { until } if until <= now.mono => self.close_store(now),
            Closing::Store { until } if until <= now.mono => self.stopped(),
            _ => {}
        }
    }

    fn close_store(&mut self, now: Now) {
        let open: Vec<CallId> = self.calls.iter().filter(|(_, c)| c.gone_at.is_none()).map(|(id, _)| *id).collect();
        for id in open {
            self.end(now, id, crate::call::EndReason::LocalHangUp);
        }
        self.closing = Closing::Store { until: now.mono + Duration::from_secs(3) };
        self.tell_audio(AudioCommand::Shutdown);
        self.tell_store(StoreCommand::Shutdown);
    }

    fn stopped(&mut self) {
        self.closing = Closing::Done;
        self.change(Change::Stopped);
    }

    fn tell_sip(&mut self, command: SipCommand) {
        self.out.push_back(Output::Sip(command));
    }

    fn tell_audio(&mut self, command: AudioCommand) {
        self.out.push_back(Output::Audio(command));
    }

    fn tell_store(&mut self, command: StoreCommand) {
        self.out.push_back(Output::Store(command));
    }

    fn change(&mut self, change: Change) {
        self.out.push_back(Output::Change(change));
    }
}

/// What a view reads.
impl Phone {
    pub fn accounts(&self) -> impl Iterator<Item = &AccountEntry> {
        self.accounts.values()
    }
    pub fn account(&self, id: AccountId) -> Option<&AccountEntry> {
        self.accounts.get(&id)
    }
    pub fn calls(&self) -> impl Iterator<Item = &CallEntry> {
        self.calls.values()
    }
    pub fn call(&self, id: CallId) -> Option<&CallEntry> {
        self.calls.get(&id)
    }
    /// Newest first.
    pub fn history(&self) -> impl Iterator<Item = &Interaction> {
        self.history.iter()
    }
    pub fn settings(&self) -> &Settings {
        self.settings.settings()
    }
    /// Where each setting's value comes from; one that is not in it has Hatif's default.
    pub fn provenance(&self) -> BTreeMap<String, Provenance> {
        self.settings.provenance()
    }
    pub fn credentials(&self) -> CredentialStore {
        self.credentials
    }
    pub fn microphones(&self) -> &[AudioDevice] {
        &self.inputs
    }
    pub fn speakers(&self) -> &[AudioDevice] {
        &self.outputs
    }
    pub fn audio_problem(&self) -> Option<&Text> {
        self.audio_problem.as_ref()
    }
    pub fn notices(&self) -> &[Notice] {
        &self.notices
    }
}
