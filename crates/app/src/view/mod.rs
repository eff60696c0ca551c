//! What the application shows: whole values, never deltas. One JSON object each, named by `event`.
//! The shape is stable: additions only (docs/cli.md).
//!
//! Floats are told to specta as `u32`: a float would be `number | null` in TypeScript, and none of these can be NaN.

mod call;
mod card;
mod check;
mod connectors;
mod customer_files;
mod desk;
mod desktop;
mod devices;
mod diagnostics;
mod duplicates;
mod headset;
mod history;
mod recordings;
mod security;
mod work;

pub use crate::command::{
    AccountKind, AgentState, DeviceRole, Direction, ForwardRule, PracticeCustomer, Settings, Transport, WindowChoice,
};
pub use call::*;
pub use card::*;
pub use check::*;
pub use connectors::*;
pub use customer_files::*;
pub use desk::*;
pub use desktop::*;
pub use devices::*;
pub use diagnostics::*;
pub use duplicates::*;
pub use hatif_core::settings::Provenance;
pub use headset::*;
pub use history::*;
pub use recordings::*;
pub use security::*;
use serde::{Deserialize, Serialize};
use specta::Type;
use std::collections::BTreeMap;
pub use work::*;

/// What changed, with its whole new value. Made to be written out at once.
#[allow(clippy::large_enum_variant)]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Type)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    Snapshot {
        snapshot: Snapshot,
    },
    AccountChanged {
        account: AccountView,
    },
    AccountGone {
        account: u32,
    },
    CallChanged {
        call: CallView,
    },
    /// The call has left the screen (a while after it ended).
    CallGone {
        call: u32,
    },
    /// One entry of the call log, new (then the newest) or changed.
    HistoryEntryChanged {
        entry: HistoryEntry,
    },
    /// The whole of it, newest first, at most 200, after entries were deleted.
    HistoryChanged {
        history: Vec<HistoryEntry>,
    },
    /// What `find_history` found, newest first.
    HistoryPage {
        request: u32,
        entries: Vec<HistoryEntry>,
        /// `before` for the page after this; `null` after the last.
        next: Option<String>,
    },
    DevicesChanged {
        devices: DevicesView,
    },
    SettingsChanged {
        settings: Settings,
        /// Where each setting's value comes from, by field; one that is not in it has Hatif's default.
        provenance: BTreeMap<String, Provenance>,
    },
    /// The settings as a file for another laptop, and where it was saved.
    SettingsExported {
        text: String,
        file: String,
    },
    /// The file was taken over, but for these settings: unknown, senseless, locked, or meant for one laptop only.
    SettingsImported {
        left_out: Vec<String>,
    },
    Recordings {
        recordings: RecordingsEvent,
    },
    WindowChanged {
        window: WindowChoice,
    },
    /// What happens on the desktop around the window.
    Desktop {
        happened: DesktopEvent,
    },
    NoticeRaised {
        notice: Notice,
    },
    NoticeGone {
        notice: u32,
    },
    AgentChanged {
        agent: AgentView,
    },
    ColleaguesChanged {
        colleagues: Vec<ColleagueView>,
    },
    MailboxesChanged {
        mailboxes: Vec<MailboxView>,
    },
    /// Oldest first, at most 200.
    MessagesChanged {
        messages: Vec<MessageView>,
    },
    ForwardingChanged {
        forwarding: Vec<ForwardingView>,
    },
    /// Of customers and the cards of calls.
    Customers {
        told: CustomersEvent,
    },
    /// Of files of customers.
    CustomerFiles {
        told: CustomerFilesEvent,
    },
    /// Of customers who are there twice.
    Duplicates {
        told: DuplicatesEvent,
    },
    /// Of what is noted of calls, tickets, tasks.
    Work {
        told: WorkEvent,
    },
    /// Of connectors to CRMs and other programs.
    Connectors {
        told: ConnectorsEvent,
    },
    /// Of USB headsets' buttons and lamps.
    Headsets {
        told: HeadsetsEvent,
    },
    /// The place where passwords go has changed.
    CredentialsChanged {
        credentials: Credentials,
    },
    /// Answers `preview_number`.
    NumberPreview {
        preview: NumberPreview,
    },
    /// A digit that the far side sent (RFC 4733 or SIP INFO).
    DigitReceived {
        call: u32,
        digit: String,
    },
    /// Media of a call, once a second.
    Quality {
        call: u32,
        quality: QualityView,
    },
    /// Peak levels 0.0 to 1.0, 15 times a second, while a call or the meter runs.
    Level {
        #[specta(type = u32)]
        microphone: f32,
        #[specta(type = u32)]
        speaker: f32,
    },
    /// How the test of the headset stands (`test_headset`).
    HeadsetTest {
        test: HeadsetTestView,
    },
    /// Answers `diagnostics`.
    Diagnostics {
        diagnostics: DiagnosticsView,
    },
    /// How the connection check stands (`check_connection`).
    Check {
        check: CheckView,
    },
    /// A command was refused; nothing has changed by it.
    CommandFailed {
        command: String,
        /// The call or account that the command named.
        call: Option<u32>,
        account: Option<u32>,
        text: Text,
    },
    /// The application has closed everything and ends.
    Stopped,
}

/// Everything, for a window that has just loaded.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Type)]
pub struct Snapshot {
    pub version: String,
    pub accounts: Vec<AccountView>,
    pub calls: Vec<CallView>,
    pub history: Vec<HistoryEntry>,
    pub devices: DevicesView,
    pub settings: Settings,
    pub provenance: BTreeMap<String, Provenance>,
    pub notices: Vec<Notice>,
    pub credentials: Credentials,
    pub agent: AgentView,
    pub colleagues: Vec<ColleagueView>,
    pub mailboxes: Vec<MailboxView>,
    /// Oldest first, at most 200. Gone when the application closes.
    pub messages: Vec<MessageView>,
    /// Every rule that is switched on, whether it acts now or not.
    pub forwarding: Vec<ForwardingView>,
    /// The cards of the calls.
    #[serde(default)]
    pub customers: CustomersView,
    /// An import, and the last one.
    #[serde(default)]
    pub customer_files: CustomerFilesView,
    /// Calls to wrap up, tasks.
    #[serde(default)]
    pub work: WorkView,
    /// What is connected, what it found, and what waits to be sent.
    #[serde(default)]
    pub connectors: ConnectorsView,
    /// USB headsets with buttons.
    #[serde(default)]
    pub headsets: HeadsetsView,
    /// The language that the system asks for: `en`, `ar` or `fa`.
    pub system_language: String,
    /// How the window stands; `null` where there is none.
    #[serde(default)]
    pub window: Option<WindowChoice>,
    /// How the desktop around it stands; `null` where there is no window.
    #[serde(default)]
    pub desktop: Option<DesktopView>,
}

/// A message for a person: entry `msg.<code>` of the catalogue, with its parameters.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Type)]
pub struct Text {
    pub code: String,
    pub params: BTreeMap<String, String>,
}

/// Where passwords are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "snake_case")]
pub enum Credentials {
    Keyring,
    UntilClose,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Type)]
pub struct AccountView {
    pub id: u32,
    pub kind: AccountKind,
    pub label: String,
    /// `1001@pbx.example`
    pub address: String,
    pub transport: Transport,
    pub registration: RegistrationView,
    /// The configuration, for the form (no password). `null` for the practice line.
    pub config: Option<crate::command::NewAccount>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Type)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum RegistrationView {
    Off,
    Trying,
    Up,
    /// `retry` is false when only the user can mend it (a wrong password, a refused certificate).
    Down {
        reason: Text,
        retry: bool,
        /// Unix time in milliseconds of the next attempt.
        #[specta(type = Option<u32>)]
        retry_at_ms: Option<f64>,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "snake_case")]
pub enum NoticeLevel {
    Info,
    Warning,
    Error,
}

/// Something the user should know; stays until dismissed or mended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Type)]
pub struct Notice {
    pub id: u32,
    pub level: NoticeLevel,
    pub text: Text,
}
