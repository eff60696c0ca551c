//! Commands as they come in (JSON, the window) made into the core's.

use crate::command::{self as dto, Command};
use hatif_core::{
    account::{Account, AccountKind, Password, Transport},
    audio::DeviceRole,
    ids::{AccountId, CallId},
    phone,
    store::{Settings, Theme},
};

/// What a command asks of whom.
pub enum Asked {
    Phone(&'static str, phone::Command),
    Snapshot,
    PracticeRing(dto::PracticeCustomer),
}

pub fn understand(command: Command) -> Asked {
    use phone::Command as P;
    let (name, command) = match command {
        Command::AddAccount { account } => ("add_account", set_account(None, account)),
        Command::ChangeAccount { id, account } => ("change_account", set_account(Some(AccountId(id)), account)),
        Command::RemoveAccount { account } => ("remove_account", P::RemoveAccount(AccountId(account))),
        Command::Register { account } => ("register", P::Register(AccountId(account))),
        Command::Unregister { account } => ("unregister", P::Unregister(AccountId(account))),
        Command::Call { to, account } => ("call", P::Call { to, account: account.map(AccountId) }),
        Command::Answer { call } => ("answer", P::Answer(CallId(call))),
        Command::Reject { call } => ("reject", P::Reject(CallId(call))),
        Command::HangUp { call } => ("hang_up", P::HangUp(CallId(call))),
        Command::Hold { call, on } => ("hold", P::Hold(CallId(call), on)),
        Command::Mute { call, on } => ("mute", P::Mute(CallId(call), on)),
        Command::Dtmf { call, digits } => ("dtmf", P::Dtmf(CallId(call), digits)),
        Command::PracticeRing { customer } => return Asked::PracticeRing(customer),
        Command::Devices => ("devices", P::ListDevices),
        Command::SelectDevice { role, device } => ("select_device", P::SelectDevice(role.into(), device)),
        Command::TestTone => ("test_tone", P::TestTone),
        Command::Meter { on } => ("meter", P::Meter(on)),
        Command::ChangeSettings { settings } => ("change_settings", P::ChangeSettings(settings.into())),
        // An id that is no number names no entry: deleting nothing is what was asked.
        Command::DeleteHistoryEntry { entry } => {
            ("delete_history_entry", P::DeleteInteraction(entry.parse().unwrap_or(-1)))
        }
        Command::ClearHistory => ("clear_history", P::ClearInteractions),
        Command::DismissNotice { notice } => ("dismiss_notice", P::DismissNotice(notice)),
        Command::Snapshot => return Asked::Snapshot,
        Command::Quit => ("quit", P::Quit),
    };
    Asked::Phone(name, command)
}

fn set_account(id: Option<AccountId>, new: dto::NewAccount) -> phone::Command {
    let given = |text: Option<String>| text.map(|t| t.trim().to_owned()).filter(|t| !t.is_empty());
    let account = Account {
        id: id.unwrap_or(AccountId(0)),
        kind: match new.kind {
            dto::AccountKind::Registrar => AccountKind::Registrar,
            dto::AccountKind::Direct => AccountKind::Direct,
            dto::AccountKind::Practice => AccountKind::Practice,
        },
        label: new.label.trim().to_owned(),
        user: new.user.trim().to_owned(),
        domain: new.domain.trim().to_owned(),
        registrar: given(new.registrar),
        proxy: given(new.proxy),
        auth_user: given(new.auth_user),
        display_name: given(new.display_name),
        transport: match new.transport {
            dto::Transport::Udp => Transport::Udp,
            dto::Transport::Tcp => Transport::Tcp,
            dto::Transport::Tls => Transport::Tls,
        },
        ca_file: given(new.ca_file),
        expires: new.expires.unwrap_or(300),
        local_port: new.local_port,
    };
    let password = new.password.map(|p| Password(p.0));
    phone::Command::SetAccount { id, account: Box::new(account), password }
}

impl From<dto::DeviceRole> for DeviceRole {
    fn from(role: dto::DeviceRole) -> Self {
        match role {
            dto::DeviceRole::Microphone => DeviceRole::Microphone,
            dto::DeviceRole::Speaker => DeviceRole::Speaker,
            dto::DeviceRole::Ringer => DeviceRole::Ringer,
        }
    }
}

impl From<dto::Settings> for Settings {
    fn from(s: dto::Settings) -> Self {
        Settings {
            language: s.language,
            theme: match s.theme {
                dto::Theme::System => Theme::System,
                dto::Theme::Light => Theme::Light,
                dto::Theme::Dark => Theme::Dark,
            },
            devices: Default::default(),
            default_account: s.default_account.map(AccountId),
            welcomed: s.welcomed,
        }
    }
}

impl From<dto::PracticeCustomer> for hatif_practice::Customer {
    fn from(customer: dto::PracticeCustomer) -> Self {
        match customer {
            dto::PracticeCustomer::Sara => hatif_practice::Customer::Sara,
            dto::PracticeCustomer::Omid => hatif_practice::Customer::Omid,
        }
    }
}
