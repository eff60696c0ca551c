//! `Phone`: the whole application as a pure machine. One mutation (`handle`), then drain (`poll_output`).
//!
//! Invariants, proved in `tests/phone.rs` over random sequences:
//! - every call ends exactly once, with exactly one interaction completed;
//! - the microphone is open only for an active call that nobody holds and that is not muted;
//! - no output names a call after it has ended, except the end itself and its leaving the screen;
//! - the same inputs give the same outputs.

mod accounts;
mod actions;
mod asks;
mod calls;
mod colleagues;
mod command;
mod conference;
mod desk;
mod digits;
mod entry;
mod incoming;
mod messages;
mod mobile;
mod mobility;
mod recording;
mod sound;
mod transfer;

pub use command::{AgentState, Command, PhoneConfig};
pub use entry::{Action, Ask, AskKind, CallEntry, Transfer, TransferState};

use crate::{
    account::{Account, Password, Registration},
    audio::{AudioCommand, AudioDevice, AudioEvent, HeadsetTest, Tone},
    call::{Direction, Peer},
    customer::CustomerAnswer,
    ids::{AccountId, CallId, MessageId, SubscriptionId},
    options::ForwardRule,
    settings::{Layers, Provenance, Settings},
    sip::{Lamp, Mailbox, SipCommand, SipEvent},
    store::{CredentialStore, Interaction, InteractionPage, StoreCommand, StoreEvent},
    text::Text,
};
use entry::Alarm;
use std::{
    collections::{BTreeMap, VecDeque},
    time::{Duration, Instant, SystemTime},
};

/// The account of the built-in practice line. Never stored.
pub const PRACTICE: AccountId = AccountId(0);
/// More calls than these at once are refused with "busy", unless [`PhoneConfig`] says otherwise.
pub const MAX_CALLS: usize = 8;
/// Interactions kept in memory and shown.
pub const MAX_HISTORY: usize = 200;
/// How long an ended call stays on the screen with its reason.
const LINGER: Duration = Duration::from_secs(5);

/// The two clocks: one to measure with, one to write down.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Now {
    pub mono: Instant,
    pub wall: SystemTime,
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
    Recorder(crate::recording::RecordingEvent),
    /// `poll_timeout` has passed.
    Timeout,
}

#[derive(Clone, PartialEq, Debug)]
pub enum Output {
    Sip(SipCommand),
    Audio(AudioCommand),
    Store(StoreCommand),
    Recording(crate::recording::RecordingCommand),
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
    /// A whole different call log: loaded, cleared, something deleted.
    History,
    /// This row of it is new or has changed.
    Interaction(i64),
    /// A page of the call log for whoever asked with this number.
    Found {
        request: u32,
        page: InteractionPage,
    },
    Devices,
    Settings,
    Credentials,
    Agent,
    Colleagues,
    Mailboxes,
    Messages,
    Forwarding,
    NumberPreview(NumberPreview),
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
        /// What the command named.
        call: Option<CallId>,
        account: Option<AccountId>,
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

/// What dialling a number would do.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NumberPreview {
    pub to: String,
    pub account: Option<AccountId>,
    /// What goes out after the account's rules, or why nothing does.
    pub dialled: Result<String, Text>,
    pub emergency: bool,
    pub premium: bool,
}

/// Whether the agent can be reached.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Agent {
    pub state: AgentState,
    pub since: SystemTime,
    pub do_not_disturb: bool,
    pub call_waiting: bool,
}

/// A colleague of an account's list.
#[derive(Clone, PartialEq, Debug)]
pub struct ColleagueEntry {
    pub account: AccountId,
    pub name: String,
    pub number: String,
    pub lamp: Lamp,
    /// The account has a pickup code.
    pub pickup: bool,
}

/// A text message.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Message {
    pub id: MessageId,
    pub account: AccountId,
    pub direction: Direction,
    pub peer: Peer,
    pub text: String,
    pub at: SystemTime,
    pub delivery: Delivery,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Delivery {
    Received,
    Sending,
    Sent,
    Failed(Text),
}

/// A forwarding rule that is switched on.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Forwarding {
    pub account: AccountId,
    pub rule: ForwardRule,
    /// It acts now (hours, end).
    pub active: bool,
}

/// An account with what is known of it now.
#[derive(Clone, PartialEq, Debug)]
pub struct AccountEntry {
    pub account: Account,
    pub registration: Registration,
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
    agent: Agent,
    /// Everybody may ring until then, after an emergency call.
    emergency_until: Option<Instant>,
    /// When a rule last kept callers from ringing; no more than are written down a minute.
    kept_away: VecDeque<Instant>,
    watches: BTreeMap<SubscriptionId, colleagues::Watch>,
    next_subscription: u32,
    mailboxes: BTreeMap<AccountId, Mailbox>,
    messages: VecDeque<Message>,
    next_message: u32,
    /// What the view was last told of forwarding, and when rules with hours are looked at again.
    forwarding: Vec<Forwarding>,
    forwarding_check: Option<Instant>,
    /// Forwarding codes that wait until nobody talks.
    codes_waiting: VecDeque<(AccountId, String)>,
    /// What "redial" dials.
    last_dialled: Option<(AccountId, String)>,
    /// The conference that the audio was last told.
    mixed: Vec<CallId>,
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
            agent: Agent {
                // A program that answers everything is there for calls.
                state: if config.auto_answer { AgentState::Ready } else { AgentState::NotReady(None) },
                since: SystemTime::UNIX_EPOCH,
                do_not_disturb: false,
                call_waiting: true,
            },
            emergency_until: None,
            kept_away: VecDeque::new(),
            watches: BTreeMap::new(),
            next_subscription: 1,
            mailboxes: BTreeMap::new(),
            messages: VecDeque::new(),
            next_message: 1,
            forwarding: Vec::new(),
            forwarding_check: None,
            codes_waiting: VecDeque::new(),
            last_dialled: None,
            mixed: Vec::new(),
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
            Input::Recorder(event) => self.recorder(event),
            Input::Timeout => {}
        }
        self.pass_time(now);
        self.settle_mobile(now);
        self.settle_conference();
        self.settle_forwarding(now);
        self.dial_waiting_code(now);
        self.settle_sound(now);
        self.settle_recording(now);
        self.settle_actions();
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
        let call = self.call_timer().map(|at| (at, "a call's own time"));
        let hours = self.forwarding_check.map(|at| (at, "forwarding hours"));
        [closing, tone, call, hours].into_iter().flatten().min_by_key(|(at, _)| *at)
    }

    fn command(&mut self, now: Now, command: Command) -> Result<(), Text> {
        if self.closing != Closing::No {
            return Err(Text::new("command.not_now"));
        }
        match command {
            Command::SetAccount { id, account, password, options } => {
                self.set_account(now, id, *account, password, options.map(|options| *options))
            }
            Command::RemoveAccount(id) => self.remove_account(id),
            Command::SetAccountOptions(id, options, password) => self.set_options(now, id, *options, password),
            Command::SetForwarding(id, rules) => self.set_forwarding(now, id, rules),
            Command::Register(id) => self.register(id),
            Command::Unregister(id) => self.unregister(id),
            Command::Call { to, account, confirmed } => self.dial(now, &to, account, confirmed),
            Command::PreviewNumber { to, account } => {
                self.preview(to, account);
                Ok(())
            }
            Command::Redial => self.redial(now),
            Command::CallMailbox(account) => self.call_mailbox(now, account),
            Command::Pickup { account, number } => self.pickup(now, account, &number),
            Command::Answer(call) => self.answer(call),
            Command::Reject(call) => self.reject(now, call),
            Command::HangUp(call) => self.hang_up(now, call),
            Command::Hold(call, on) => self.hold(call, on),
            Command::Mute(call, on) => self.mute(call, on),
            Command::Recording(call, ask) => self.ask_recording(now, call, ask),
            Command::Dtmf(call, digits) => self.dtmf(now, call, &digits),
            Command::Transfer { call, to, confirmed } => self.transfer(now, call, &to, confirmed),
            Command::Consult { call, to, account, confirmed } => self.consult(now, call, &to, account, confirmed),
            Command::MoveToMobile(call) => self.move_to_mobile(now, call),
            Command::CompleteTransfer(call) => self.complete_transfer(now, call),
            Command::AbandonConsult(call) => self.abandon_consult(now, call),
            Command::Swap(call) => self.swap(call),
            Command::Join(calls) => self.join(calls),
            Command::Split(call) => self.split(call),
            Command::Silence(call, on) => self.silence(call, on),
            Command::LeaveConference => self.leave_conference(now),
            Command::Grant { call, choice } => self.grant(now, call, choice),
            Command::Refuse(call) => self.refuse(now, call),
            Command::Redirect { call, to, confirmed } => self.redirect(now, call, &to, confirmed),
            Command::Help { call, text } => self.help(now, call, text),
            Command::Message { account, to, text } => self.message(now, account, &to, text),
            Command::SetDoNotDisturb(on) => self.set_do_not_disturb(on),
            Command::SetCallWaiting(on) => self.set_call_waiting(on),
            Command::SetAgentState(state) => self.set_agent_state(now, state),
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
        let (call, account) = command.subject();
        if let Err(text) = self.command(now, command) {
            self.change(Change::CommandFailed { command: name, call, account, text });
        }
    }

    fn store(&mut self, now: Now, event: StoreEvent) {
        match event {
            StoreEvent::Loaded { settings, policy, accounts, interactions, credentials, problem } => {
                self.agent.since = now.wall;
                self.loaded(Layers::new(settings, policy), accounts, interactions, credentials, problem);
                for (name, command) in self.early.take().unwrap_or_default() {
                    self.obey(now, name, command);
                }
            }
            StoreEvent::Credentials(credentials) => self.credentials_changed(credentials),
            StoreEvent::Found { request, page } => self.change(Change::Found { request, page }),
            StoreEvent::Customers(CustomerAnswer::Erased { calls, .. }) => self.erased(&calls),
            StoreEvent::Customers(_)
            | StoreEvent::CustomerFiles(_)
            | StoreEvent::Duplicates(_)
            | StoreEvent::Recordings(_)
            | StoreEvent::Work(_)
            | StoreEvent::Connectors(_) => {}
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
        for entry in self.calls.values_mut().filter(|c| c.closed_until.is_some_and(|until| until <= now.mono)) {
            entry.closed_until = None;
        }
        self.alarms(now);
        self.asks_out_of_time(now);
        self.transfers_out_of_time(now);
        self.send_info(now);
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

    /// Whole values are read when a change is told: telling it twice before that says nothing more.
    fn change(&mut self, change: Change) {
        let change = Output::Change(change);
        let idempotent = !matches!(change, Output::Change(Change::Digit(..) | Change::CommandFailed { .. }));
        if !(idempotent && self.out.contains(&change)) {
            self.out.push_back(change);
        }
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
    pub fn agent(&self) -> &Agent {
        &self.agent
    }
    /// Oldest first.
    pub fn messages(&self) -> impl Iterator<Item = &Message> {
        self.messages.iter()
    }
    /// Every rule that is switched on.
    pub fn forwarding(&self) -> &[Forwarding] {
        &self.forwarding
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
    pub fn notices(&self) -> &[Notice] {
        &self.notices
    }
}
