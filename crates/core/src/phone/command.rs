//! What the agent (or a program) asks for.

use crate::{
    account::{Account, Password},
    audio::DeviceRole,
    ids::{AccountId, CallId},
    options::{AccountOptions, ForwardRule},
    recording::RecordingAsk,
    settings::Settings,
    store::InteractionQuery,
};

/// Whether the agent takes calls of a queue.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum AgentState {
    Ready,
    /// Why, in the words of whoever said so.
    NotReady(Option<String>),
}

#[derive(Clone, PartialEq, Debug)]
pub enum Command {
    /// `id` names an existing account to change; `None` adds one. `options`: `None` keeps those that are there.
    SetAccount {
        id: Option<AccountId>,
        account: Box<Account>,
        password: Option<Password>,
        options: Option<Box<AccountOptions>>,
    },
    RemoveAccount(AccountId),
    /// With the password of its TURN server; `None` keeps the one that is there.
    SetAccountOptions(AccountId, Box<AccountOptions>, Option<Password>),
    SetForwarding(AccountId, Vec<ForwardRule>),
    Register(AccountId),
    Unregister(AccountId),
    /// `confirmed`, here and below: the person was asked whether a premium number may be called, and said yes.
    Call {
        to: String,
        account: Option<AccountId>,
        confirmed: bool,
    },
    PreviewNumber {
        to: String,
        account: Option<AccountId>,
    },
    Redial,
    CallMailbox(AccountId),
    Pickup {
        account: AccountId,
        number: String,
    },
    Answer(CallId),
    Reject(CallId),
    HangUp(CallId),
    Hold(CallId, bool),
    Mute(CallId, bool),
    Recording(CallId, RecordingAsk),
    Dtmf(CallId, String),
    Transfer {
        call: CallId,
        to: String,
        confirmed: bool,
    },
    Consult {
        call: CallId,
        to: String,
        account: Option<AccountId>,
        confirmed: bool,
    },
    /// To the account's mobile.
    MoveToMobile(CallId),
    CompleteTransfer(CallId),
    AbandonConsult(CallId),
    Swap(CallId),
    /// Empty: all active calls.
    Join(Vec<CallId>),
    Split(CallId),
    Silence(CallId, bool),
    LeaveConference,
    /// `choice` counts the ask's targets from 0.
    Grant {
        call: CallId,
        choice: u32,
    },
    Refuse(CallId),
    Redirect {
        call: CallId,
        to: String,
        confirmed: bool,
    },
    Help {
        call: CallId,
        text: String,
    },
    Message {
        account: AccountId,
        to: String,
        text: String,
    },
    SetDoNotDisturb(bool),
    SetCallWaiting(bool),
    SetAgentState(AgentState),
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

impl Command {
    /// The call and the account that the command names, for its refusal.
    pub(super) fn subject(&self) -> (Option<CallId>, Option<AccountId>) {
        use Command as C;
        match self {
            C::SetAccount { id, .. } => (None, *id),
            C::RemoveAccount(id)
            | C::SetAccountOptions(id, ..)
            | C::SetForwarding(id, _)
            | C::Register(id)
            | C::Unregister(id)
            | C::CallMailbox(id) => (None, Some(*id)),
            C::Call { account, .. } | C::PreviewNumber { account, .. } => (None, *account),
            C::Pickup { account, .. } | C::Message { account, .. } => (None, Some(*account)),
            C::Answer(call)
            | C::Reject(call)
            | C::HangUp(call)
            | C::Hold(call, _)
            | C::Mute(call, _)
            | C::Recording(call, _)
            | C::Dtmf(call, _)
            | C::MoveToMobile(call)
            | C::CompleteTransfer(call)
            | C::AbandonConsult(call)
            | C::Swap(call)
            | C::Split(call)
            | C::Silence(call, _)
            | C::Refuse(call) => (Some(*call), None),
            C::Transfer { call, .. } | C::Grant { call, .. } | C::Redirect { call, .. } | C::Help { call, .. } => {
                (Some(*call), None)
            }
            C::Consult { call, account, .. } => (Some(*call), *account),
            _ => (None, None),
        }
    }
}

/// Policies that are set when the phone is made.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PhoneConfig {
    /// Answers every call at once. Off in the product; for automation and tests.
    pub auto_answer: bool,
    /// Calls at once; a person has no more than [`super::MAX_CALLS`].
    pub most_calls: usize,
}

impl Default for PhoneConfig {
    fn default() -> Self {
        PhoneConfig { auto_answer: false, most_calls: super::MAX_CALLS }
    }
}
