//! Commands as they come in (JSON, the window) made into the core's.

use crate::command::{self as dto, Command};
use hatif_core::{
    account::{Account, AccountKind, Password, Transport},
    audio::DeviceRole,
    call::Direction,
    ids::{AccountId, CallId},
    options::AccountOptions,
    phone,
    recording::RecordingAsk,
    store::{InteractionQuery, MAX_PAGE},
    text::Text,
};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Entries of a page when the asker names no number.
const PAGE: u32 = 50;

/// What a command asks of whom.
pub enum Asked {
    Phone(&'static str, phone::Command),
    Snapshot,
    Diagnostics,
    Check(AccountId),
    /// It can't be done here.
    Refused(&'static str, Text),
    PracticeRing(dto::PracticeCustomer),
    Customers(dto::CustomersCommand),
    CustomerFiles(dto::CustomerFilesCommand),
    Duplicates(dto::DuplicatesCommand),
    Work(dto::WorkCommand),
    Recordings(dto::RecordingsCommand),
    Connectors(dto::ConnectorsCommand),
}

pub fn understand(command: Command) -> Asked {
    use phone::Command as P;
    let (name, command) = match command {
        Command::AddAccount { account } => ("add_account", set_account(None, account)),
        Command::ChangeAccount { id, account } => ("change_account", set_account(Some(AccountId(id)), account)),
        Command::RemoveAccount { account } => ("remove_account", P::RemoveAccount(AccountId(account))),
        Command::Register { account } => ("register", P::Register(AccountId(account))),
        Command::Unregister { account } => ("unregister", P::Unregister(AccountId(account))),
        Command::Call { to, account, confirmed } => {
            ("call", P::Call { to, account: account.map(AccountId), confirmed })
        }
        Command::PreviewNumber { to, account } => {
            ("preview_number", P::PreviewNumber { to, account: account.map(AccountId) })
        }
        Command::Redial => ("redial", P::Redial),
        Command::CallMailbox { account } => ("call_mailbox", P::CallMailbox(AccountId(account))),
        Command::Pickup { account, number } => ("pickup", P::Pickup { account: AccountId(account), number }),
        Command::Answer { call } => ("answer", P::Answer(CallId(call))),
        Command::Reject { call } => ("reject", P::Reject(CallId(call))),
        Command::HangUp { call } => ("hang_up", P::HangUp(CallId(call))),
        Command::Hold { call, on } => ("hold", P::Hold(CallId(call), on)),
        Command::Mute { call, on } => ("mute", P::Mute(CallId(call), on)),
        Command::Dtmf { call, digits } => ("dtmf", P::Dtmf(CallId(call), digits)),
        Command::Transfer { call, to, confirmed } => ("transfer", P::Transfer { call: CallId(call), to, confirmed }),
        Command::Consult { call, to, account, confirmed } => {
            ("consult", P::Consult { call: CallId(call), to, account: account.map(AccountId), confirmed })
        }
        Command::CompleteTransfer { call } => ("complete_transfer", P::CompleteTransfer(CallId(call))),
        Command::MoveToMobile { call } => ("move_to_mobile", P::MoveToMobile(CallId(call))),
        Command::AbandonConsult { call } => ("abandon_consult", P::AbandonConsult(CallId(call))),
        Command::Swap { call } => ("swap", P::Swap(CallId(call))),
        Command::Join { calls } => ("join", P::Join(calls.into_iter().map(CallId).collect())),
        Command::Split { call } => ("split", P::Split(CallId(call))),
        Command::Silence { call, on } => ("silence", P::Silence(CallId(call), on)),
        Command::LeaveConference => ("leave_conference", P::LeaveConference),
        Command::Grant { call, choice } => ("grant", P::Grant { call: CallId(call), choice }),
        Command::Refuse { call } => ("refuse", P::Refuse(CallId(call))),
        Command::Redirect { call, to, confirmed } => ("redirect", P::Redirect { call: CallId(call), to, confirmed }),
        Command::Help { call, text } => ("help", P::Help { call: CallId(call), text }),
        Command::Message { account, to, text } => ("message", P::Message { account: AccountId(account), to, text }),
        Command::SetDoNotDisturb { on } => ("set_do_not_disturb", P::SetDoNotDisturb(on)),
        Command::SetCallWaiting { on } => ("set_call_waiting", P::SetCallWaiting(on)),
        Command::SetAgentState { state, reason } => {
            let state = match state {
                dto::AgentState::Ready => phone::AgentState::Ready,
                dto::AgentState::NotReady => phone::AgentState::NotReady(reason),
            };
            ("set_agent_state", P::SetAgentState(state))
        }
        Command::SetAccountOptions { account, options, turn_password } => {
            let password = turn_password.map(|p| Password(p.0));
            ("set_account_options", P::SetAccountOptions(AccountId(account), Box::new(options), password))
        }
        Command::SetForwarding { account, rules } => ("set_forwarding", P::SetForwarding(AccountId(account), rules)),
        Command::PracticeRing { customer } => return Asked::PracticeRing(customer),
        Command::Customers { ask } => return Asked::Customers(ask),
        Command::CustomerFiles { ask } => return Asked::CustomerFiles(ask),
        Command::Duplicates { ask } => return Asked::Duplicates(ask),
        Command::Work { ask } => return Asked::Work(ask),
        Command::Connectors { ask } => return Asked::Connectors(ask),
        Command::Devices => ("devices", P::ListDevices),
        Command::SelectDevice { role, device } => ("select_device", P::SelectDevice(role.into(), device)),
        Command::SelectRingers { devices } => ("select_ringers", P::SelectRingers(devices)),
        Command::TestHeadset { seconds } => ("test_headset", P::TestHeadset(seconds)),
        Command::TestTone => ("test_tone", P::TestTone),
        Command::Meter { on } => ("meter", P::Meter(on)),
        Command::ChangeSettings { settings } => ("change_settings", P::ChangeSettings(Box::new(settings))),
        Command::ResetSetting { setting } => ("reset_setting", P::ResetSetting(setting)),
        Command::ExportSettings => ("export_settings", P::ExportSettings),
        Command::ImportSettings { text } => ("import_settings", P::ImportSettings(text)),
        // An id that is no number names no entry: deleting nothing is what was asked.
        Command::DeleteHistoryEntry { entry } => {
            ("delete_history_entry", P::DeleteInteraction(entry.parse().unwrap_or(-1)))
        }
        Command::ClearHistory => ("clear_history", P::ClearInteractions),
        Command::FindHistory { request, query, filter, before, limit } => {
            let query = Box::new(interaction_query(query, &filter, before.as_deref(), limit));
            ("find_history", P::FindInteractions { request, query })
        }
        Command::Recordings { recordings } => {
            use dto::RecordingsCommand as R;
            let (call, ask) = match recordings {
                R::Begin { call } => (call, RecordingAsk::Begin),
                R::Pause { call } => (call, RecordingAsk::Pause),
                R::Resume { call } => (call, RecordingAsk::Resume),
                R::End { call } => (call, RecordingAsk::End),
                library => return Asked::Recordings(library),
            };
            ("recordings", P::Recording(CallId(call), ask))
        }
        // The shell takes this one for itself; who ends here has no window.
        Command::Window { .. } => return Asked::Refused("window", Text::new("command.not_now")),
        Command::Desktop { .. } => return Asked::Refused("desktop", Text::new("command.not_now")),
        Command::DismissNotice { notice } => ("dismiss_notice", P::DismissNotice(notice)),
        Command::Diagnostics => return Asked::Diagnostics,
        Command::CheckConnection { account } => return Asked::Check(AccountId(account)),
        Command::Snapshot => return Asked::Snapshot,
        Command::Quit => ("quit", P::Quit),
    };
    Asked::Phone(name, command)
}

pub fn interaction_query(
    text: String,
    filter: &dto::HistoryFilter,
    before: Option<&str>,
    limit: Option<u32>,
) -> InteractionQuery {
    InteractionQuery {
        text,
        direction: filter.direction.map(|direction| match direction {
            dto::Direction::Incoming => Direction::Incoming,
            dto::Direction::Outgoing => Direction::Outgoing,
        }),
        missed: filter.missed,
        account: filter.account.map(AccountId),
        disposition: filter.disposition.clone().unwrap_or_default(),
        tag: filter.tag.clone().unwrap_or_default(),
        status: filter.status,
        from: filter.from_ms.map(instant),
        until: filter.until_ms.map(instant),
        // A cursor that is no number is after the last page.
        before: before.map(|id| id.parse().unwrap_or(i64::MIN)),
        limit: limit.unwrap_or(PAGE).clamp(1, MAX_PAGE),
    }
}

/// Unix milliseconds as a time; what lies outside the calendar is its nearest end (`as` saturates, NaN is 0).
fn instant(ms: f64) -> SystemTime {
    const YEAR_9999: u64 = 253_402_300_799_000;
    UNIX_EPOCH + Duration::from_millis((ms as u64).min(YEAR_9999))
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
        options: AccountOptions::default(),
        turn_password: new.turn_password.map(|p| Password(p.0)),
    };
    let password = new.password.map(|p| Password(p.0));
    phone::Command::SetAccount { id, account: Box::new(account), password, options: new.options.map(Box::new) }
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

impl From<dto::PracticeCustomer> for hatif_practice::Customer {
    fn from(customer: dto::PracticeCustomer) -> Self {
        match customer {
            dto::PracticeCustomer::Sara => hatif_practice::Customer::Sara,
            dto::PracticeCustomer::Omid => hatif_practice::Customer::Omid,
        }
    }
}
