//! The application's commands: what a window, a program on standard input or a test can ask of the phone.
//! One JSON object each, named by `command`. The shape is stable: additions only (docs/cli.md).

mod connectors;
mod customer_files;
mod customers;
mod duplicates;
mod work;

pub use crate::view::DesktopCommand;
pub use crate::view::RecordingsCommand;
pub use connectors::{ConnectorForm, ConnectorsCommand};
pub use customer_files::{CustomerFilesCommand, FileSource};
pub use customers::CustomersCommand;
pub use duplicates::DuplicatesCommand;
pub use hatif_core::desktop::{DesktopSettings, Hotkeys};
pub use hatif_core::options::{AccountOptions, ForwardRule};
pub use hatif_core::settings::{Calendar, Contrast, Motion, Numerals, Settings, Theme};
pub use hatif_core::work::TicketStatus;
use serde::{Deserialize, Serialize};
use specta::Type;
pub use work::WorkCommand;

/// What a person or a program asks of the phone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Type)]
#[serde(tag = "command", rename_all = "snake_case")]
pub enum Command {
    /// Adds an account and registers it (kind `registrar`), or opens its port (kind `direct`).
    AddAccount {
        account: NewAccount,
    },
    /// Replaces an account's configuration; an absent password keeps the old one.
    ChangeAccount {
        id: u32,
        account: NewAccount,
    },
    RemoveAccount {
        account: u32,
    },
    Register {
        account: u32,
    },
    Unregister {
        account: u32,
    },
    /// Dials. Without `account`, the default one. A premium number is refused with `dial.premium` until it comes again
    /// with `confirmed`; the same holds for every command that has this field.
    Call {
        to: String,
        #[serde(default)]
        account: Option<u32>,
        #[serde(default)]
        confirmed: bool,
    },
    /// What dialling this would do; answered by `number_preview`.
    PreviewNumber {
        to: String,
        #[serde(default)]
        account: Option<u32>,
    },
    /// Dials the last number again that was dialled.
    Redial,
    CallMailbox {
        account: u32,
    },
    /// Takes a call that rings at a colleague's, by the account's pickup code.
    Pickup {
        account: u32,
        number: String,
    },
    Answer {
        call: u32,
    },
    Reject {
        call: u32,
    },
    HangUp {
        call: u32,
    },
    Hold {
        call: u32,
        on: bool,
    },
    Mute {
        call: u32,
        on: bool,
    },
    Dtmf {
        call: u32,
        digits: String,
    },
    /// Blind transfer: the far side is asked to call `to`. How it goes is the call's `transfer`; when it fails, the
    /// customer is back.
    Transfer {
        call: u32,
        to: String,
        #[serde(default)]
        confirmed: bool,
    },
    /// Asks somebody while the customer waits: holds `call` and dials. The new call has `consult_for`.
    Consult {
        call: u32,
        to: String,
        /// The customer's account when absent. Only there can the transfer be completed on most PBXes.
        #[serde(default)]
        account: Option<u32>,
        #[serde(default)]
        confirmed: bool,
    },
    /// Connects the customer with whom was consulted, whether they have answered or it still rings there. `call` is
    /// either of the two.
    CompleteTransfer {
        call: u32,
    },
    /// Calls the account's mobile; whoever presses 1 there has the call, and this desk is mute. Hanging up that call takes it
    /// back.
    MoveToMobile {
        call: u32,
    },
    /// Hangs up the consultation and returns to the customer. `call` is either of the two.
    AbandonConsult {
        call: u32,
    },
    /// The one on hold takes the place of the one that is not. `call` is either of the two.
    Swap {
        call: u32,
    },
    /// Makes one conference of these calls (and of those that are in it already). Empty: all active calls.
    Join {
        calls: Vec<u32>,
    },
    /// Takes a call out of the conference and holds it.
    Split {
        call: u32,
    },
    /// Whether a party of the conference is heard, by us and by the others.
    Silence {
        call: u32,
        on: bool,
    },
    /// Leaves the conference while the others stay: two parties are connected with each other, any number is handed over
    /// to the account's conference room.
    LeaveConference,
    /// Does what the far side asks (`ask`). `choice`: which of its targets.
    Grant {
        call: u32,
        #[serde(default)]
        choice: u32,
    },
    Refuse {
        call: u32,
    },
    /// Sends a caller who rings elsewhere.
    Redirect {
        call: u32,
        to: String,
        #[serde(default)]
        confirmed: bool,
    },
    /// Sends `text` to the account's team lead (`help_to`).
    Help {
        call: u32,
        text: String,
    },
    /// A short text to a colleague.
    Message {
        account: u32,
        to: String,
        text: String,
    },
    /// Nobody rings this phone, but who calls back after an emergency call.
    SetDoNotDisturb {
        on: bool,
    },
    /// Off: a second caller hears "busy".
    SetCallWaiting {
        on: bool,
    },
    /// While not ready, calls of a queue are turned away. A phone starts not ready.
    SetAgentState {
        state: AgentState,
        /// Why not ready, in the agent's or the supervisor's words.
        #[serde(default)]
        reason: Option<String>,
    },
    /// Replaces an account's options; it does not register anew.
    SetAccountOptions {
        account: u32,
        options: AccountOptions,
        /// Of the TURN server. Write-only. `None`: keep the stored one.
        #[serde(default)]
        turn_password: Option<Password>,
    },
    /// Replaces an account's forwarding rules alone.
    SetForwarding {
        account: u32,
        rules: Vec<ForwardRule>,
    },
    /// One of the practice line's customers rings this phone.
    PracticeRing {
        customer: PracticeCustomer,
    },
    /// Lists the sound devices anew; answered by `devices_changed`.
    Devices,
    /// `device: null` is the system's default.
    SelectDevice {
        role: DeviceRole,
        device: Option<String>,
    },
    /// All devices that ring; none: the speaker.
    SelectRingers {
        devices: Vec<String>,
    },
    /// Records the microphone for `seconds` (1 to 30), plays it back and judges it: `headset_test` events. 0 ends it.
    TestHeadset {
        seconds: u8,
    },
    /// Plays three notes on the speaker.
    TestTone,
    /// Opens the microphone for the level meter, and closes it.
    Meter {
        on: bool,
    },
    /// What differs from the settings in force becomes the user's choice; devices are chosen by `select_device`.
    ChangeSettings {
        settings: Settings,
    },
    /// A setting back to its default, the administrator's or Hatif's; `setting` is a field of `Settings`.
    ResetSetting {
        setting: String,
    },
    /// Answered by `settings_exported`.
    ExportSettings,
    /// `text` is what such a file holds. Answered by `settings_imported`.
    ImportSettings {
        text: String,
    },
    DeleteHistoryEntry {
        entry: String,
    },
    ClearHistory,
    /// Looks in the whole call log, newest first; answered by `history_page` with the same `request`.
    FindHistory {
        request: u32,
        /// Words to find in names, numbers and account labels; all calls when empty.
        #[serde(default)]
        query: String,
        #[serde(default)]
        filter: HistoryFilter,
        /// `next` of the page before; absent for the first page.
        #[serde(default)]
        before: Option<String>,
        /// Entries of a page, 1 to 200; 50 when absent.
        #[serde(default)]
        limit: Option<u32>,
    },
    /// The address book and the caller's card; answered by `customers` events.
    Customers {
        ask: CustomersCommand,
    },
    /// Customers out of files and into files; answered by `customer_files` events.
    CustomerFiles {
        ask: CustomerFilesCommand,
    },
    /// Customers who are there twice; answered by `duplicates` events.
    Duplicates {
        ask: DuplicatesCommand,
    },
    /// What is noted of calls, tickets, tasks; answered by `work` events.
    Work {
        ask: WorkCommand,
    },
    /// Connectors to CRMs and other programs; answered by `connectors` events.
    Connectors {
        ask: ConnectorsCommand,
    },
    /// Recordings of calls, their library and its player.
    Recordings {
        recordings: RecordingsCommand,
    },
    /// How the window stands on the desktop; answered by `window_changed`. Without a window it is refused.
    Window {
        window: WindowChoice,
    },
    /// What the page asks of the desktop around the window. Without a window it is refused.
    Desktop {
        ask: DesktopCommand,
    },
    /// The end of the log and what is built in; answered by `diagnostics`.
    Diagnostics,
    /// Tries an account's way step by step; answered by `check`, several times.
    CheckConnection {
        account: u32,
    },
    DismissNotice {
        notice: u32,
    },
    /// Answered by a `snapshot` event.
    Snapshot,
    Quit,
}

/// Which calls of the log are looked for; all of them by default.
#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize, Type)]
pub struct HistoryFilter {
    #[serde(default)]
    pub direction: Option<Direction>,
    /// Only missed calls.
    #[serde(default)]
    pub missed: bool,
    #[serde(default)]
    pub account: Option<u32>,
    /// Only calls of which this came (`wrap_up`), whose matter stood so, that have this tag.
    #[serde(default)]
    pub disposition: Option<String>,
    #[serde(default)]
    pub status: Option<TicketStatus>,
    #[serde(default)]
    pub tag: Option<String>,
    /// Unix time in milliseconds: calls that began at this time or later.
    #[serde(default)]
    #[specta(type = Option<u32>)]
    pub from_ms: Option<f64>,
    /// Unix time in milliseconds: calls that began before it.
    #[serde(default)]
    #[specta(type = Option<u32>)]
    pub until_ms: Option<f64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    Incoming,
    Outgoing,
}

/// How the window stands on the desktop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize, Type)]
pub struct WindowChoice {
    /// Above all other windows.
    pub on_top: bool,
    /// The compact strip, 320 pixels wide, with a place of its own.
    pub strip: bool,
}

/// An account as the user gives it. Everything after `password` is "advanced" and has a default.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Type)]
pub struct NewAccount {
    /// What the user calls it; the address when empty.
    #[serde(default)]
    pub label: String,
    #[serde(default)]
    pub kind: AccountKind,
    /// User part of the address (`1001`).
    pub user: String,
    /// The PBX: host, or host:port.
    pub domain: String,
    /// Write-only. `None`: keep the stored one, or none at all.
    #[serde(default)]
    pub password: Option<Password>,
    #[serde(default)]
    pub display_name: Option<String>,
    /// Digest user name when it is not `user`.
    #[serde(default)]
    pub auth_user: Option<String>,
    /// host[:port] of the registrar when it is not `domain`.
    #[serde(default)]
    pub registrar: Option<String>,
    /// host[:port] of an outbound proxy.
    #[serde(default)]
    pub proxy: Option<String>,
    #[serde(default)]
    pub transport: Transport,
    /// PEM file with the PBX's private certificate authority.
    #[serde(default)]
    pub ca_file: Option<String>,
    /// Registration lifetime in seconds; 300 when absent.
    #[serde(default)]
    pub expires: Option<u32>,
    /// Port of a `direct` account, where others find it; 5060 when absent.
    #[serde(default)]
    pub local_port: Option<u16>,
    /// Absent: the stored ones stay, or the defaults.
    #[serde(default)]
    pub options: Option<AccountOptions>,
    /// Of the TURN server. Write-only. `None`: keep the stored one.
    #[serde(default)]
    pub turn_password: Option<Password>,
}

/// Whether the agent takes calls of a queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize, Type)]
#[serde(rename_all = "snake_case")]
pub enum AgentState {
    Ready,
    #[default]
    NotReady,
}

/// A password on its way in. Never serialised back; `Debug` says nothing.
#[derive(Clone, PartialEq, Deserialize, Type)]
#[serde(transparent)]
pub struct Password(pub String);

impl std::fmt::Debug for Password {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Password(…)")
    }
}

impl Serialize for Password {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str("")
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize, Type)]
#[serde(rename_all = "snake_case")]
pub enum AccountKind {
    #[default]
    Registrar,
    Direct,
    /// The built-in practice line; cannot be added or changed.
    Practice,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize, Type)]
#[serde(rename_all = "snake_case")]
pub enum Transport {
    #[default]
    Udp,
    Tcp,
    Tls,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "snake_case")]
pub enum DeviceRole {
    Microphone,
    Speaker,
    Ringer,
}

/// The customers of the practice line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "snake_case")]
pub enum PracticeCustomer {
    /// Asks where her order is.
    Sara,
    /// Asks about an invoice.
    Omid,
}
