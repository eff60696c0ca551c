//! The core's state as views: the only place where core types become JSON.

use crate::{
    command as dto,
    view::{self, Text as TextView},
};
use hatif_core::{
    account::{Account, AccountKind, Registration, Transport},
    audio::{HeadsetTest, HeadsetVerdict},
    call::{CallState, Direction, EndReason, Hold, Peer},
    ids::{AccountId, CallId},
    phone::{self, AccountEntry, CallEntry, Phone},
    sip::Verified,
    srtp::Protection,
    store::{CredentialStore, Interaction},
    text::Text,
};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

mod desk;
mod quality;

use quality::quality;
mod recordings;
pub use recordings::{DAY, comment, recording, wave};

pub fn snapshot(phone: &Phone, now: phone::Now, system_language: &str) -> view::Snapshot {
    view::Snapshot {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        accounts: phone.accounts().map(|a| account(a, now)).collect(),
        calls: phone.calls().map(|c| call(phone, c, now)).collect(),
        history: history(phone),
        devices: devices(phone),
        settings: phone.settings().clone(),
        provenance: phone.provenance(),
        notices: phone.notices().iter().map(notice).collect(),
        credentials: credentials(phone),
        agent: desk::agent(phone.agent()),
        colleagues: desk::colleagues(phone),
        mailboxes: desk::mailboxes(phone),
        messages: desk::messages(phone),
        forwarding: desk::forwarding(phone),
        // `App` knows (card.rs).
        customers: view::CustomersView::default(),
        customer_files: view::CustomerFilesView::default(),
        // So is this (work.rs).
        work: view::WorkView::default(),
        connectors: view::ConnectorsView::default(),
        headsets: view::HeadsetsView::default(),
        system_language: system_language.to_owned(),
        // The shell knows.
        window: None,
        desktop: None,
    }
}

/// The event that tells a change; `None` for what needs none.
pub fn event(phone: &Phone, change: phone::Change, now: phone::Now, system_language: &str) -> Option<view::Event> {
    use phone::Change as C;
    use view::Event as E;
    Some(match change {
        C::All => E::Snapshot { snapshot: snapshot(phone, now, system_language) },
        C::Account(id) => E::AccountChanged { account: account(phone.account(id)?, now) },
        C::AccountGone(AccountId(account)) => E::AccountGone { account },
        C::Call(id) => E::CallChanged { call: call(phone, phone.call(id)?, now) },
        C::CallGone(CallId(call)) => E::CallGone { call },
        C::History => E::HistoryChanged { history: history(phone) },
        C::Interaction(id) => {
            E::HistoryEntryChanged { entry: history_entry(phone.history().find(|row| row.id == id)?) }
        }
        C::Found { request, page } => E::HistoryPage {
            request,
            entries: page.interactions.iter().map(history_entry).collect(),
            next: page.next.map(|id| id.to_string()),
        },
        C::Devices => E::DevicesChanged { devices: devices(phone) },
        C::Settings => E::SettingsChanged { settings: phone.settings().clone(), provenance: phone.provenance() },
        // Becomes an event when the file is written (`App`).
        C::SettingsExported(_) => return None,
        C::SettingsImported { left_out } => E::SettingsImported { left_out },
        C::NoticeRaised(id) => E::NoticeRaised { notice: notice(phone.notices().iter().find(|n| n.id == id)?) },
        C::NoticeGone(notice) => E::NoticeGone { notice },
        C::Digit(CallId(call), digit) => E::DigitReceived { call, digit: digit.to_string() },
        C::Quality(id) => E::Quality { call: id.0, quality: quality(phone.call(id)?)? },
        C::Level { microphone, speaker } => E::Level { microphone, speaker },
        C::HeadsetTest(test) => E::HeadsetTest { test: headset_test(&test) },
        C::Credentials => E::CredentialsChanged { credentials: credentials(phone) },
        C::Agent => E::AgentChanged { agent: desk::agent(phone.agent()) },
        C::Colleagues => E::ColleaguesChanged { colleagues: desk::colleagues(phone) },
        C::Mailboxes => E::MailboxesChanged { mailboxes: desk::mailboxes(phone) },
        C::Messages => E::MessagesChanged { messages: desk::messages(phone) },
        C::Forwarding => E::ForwardingChanged { forwarding: desk::forwarding(phone) },
        C::NumberPreview(preview) => E::NumberPreview { preview: desk::preview(preview) },
        C::CommandFailed { command, call, account, text: why } => E::CommandFailed {
            command: command.to_owned(),
            call: call.map(|c| c.0),
            account: account.map(|a| a.0),
            text: text(&why),
        },
        C::Stopped => E::Stopped,
    })
}

pub fn text(text: &Text) -> TextView {
    TextView {
        code: text.code.to_owned(),
        params: text.params.iter().map(|(k, v)| ((*k).to_owned(), v.clone())).collect(),
    }
}

fn credentials(phone: &Phone) -> view::Credentials {
    match phone.credentials() {
        CredentialStore::Keyring => view::Credentials::Keyring,
        CredentialStore::UntilClose => view::Credentials::UntilClose,
    }
}

/// An instant as Unix time in milliseconds, by the two clocks of now.
fn instant(at: Instant, now: phone::Now) -> f64 {
    let wall = match at.checked_duration_since(now.mono) {
        Some(ahead) => now.wall.checked_add(ahead),
        None => now.wall.checked_sub(now.mono.saturating_duration_since(at)),
    };
    millis(wall.unwrap_or(now.wall))
}

fn account(entry: &AccountEntry, now: phone::Now) -> view::AccountView {
    let a = &entry.account;
    view::AccountView {
        id: a.id.0,
        kind: match a.kind {
            AccountKind::Registrar => view::AccountKind::Registrar,
            AccountKind::Direct => view::AccountKind::Direct,
            AccountKind::Practice => view::AccountKind::Practice,
        },
        label: a.label.clone(),
        address: format!("{}@{}", a.user, a.domain),
        transport: transport(a.transport),
        registration: match &entry.registration {
            Registration::Off => view::RegistrationView::Off,
            Registration::Trying => view::RegistrationView::Trying,
            Registration::Up => view::RegistrationView::Up,
            Registration::Down { cause, retry_at } => view::RegistrationView::Down {
                reason: text(cause),
                retry: retry_at.is_some(),
                retry_at_ms: retry_at.map(|at| instant(at, now)),
            },
        },
        config: (a.kind != AccountKind::Practice).then(|| config(a)),
    }
}

fn transport(transport: Transport) -> view::Transport {
    match transport {
        Transport::Udp => view::Transport::Udp,
        Transport::Tcp => view::Transport::Tcp,
        Transport::Tls => view::Transport::Tls,
    }
}

fn config(a: &Account) -> dto::NewAccount {
    dto::NewAccount {
        label: a.label.clone(),
        kind: if a.kind == AccountKind::Direct { view::AccountKind::Direct } else { view::AccountKind::Registrar },
        user: a.user.clone(),
        domain: a.domain.clone(),
        password: None,
        display_name: a.display_name.clone(),
        auth_user: a.auth_user.clone(),
        registrar: a.registrar.clone(),
        proxy: a.proxy.clone(),
        transport: transport(a.transport),
        ca_file: a.ca_file.clone(),
        expires: Some(a.expires),
        local_port: a.local_port,
        options: Some(a.options.clone()),
        turn_password: None,
    }
}

pub fn direction(direction: Direction) -> view::Direction {
    match direction {
        Direction::Incoming => view::Direction::Incoming,
        Direction::Outgoing => view::Direction::Outgoing,
    }
}

pub fn peer(peer: &Peer) -> view::PeerView {
    view::PeerView { name: peer.name.clone(), address: peer.address.clone() }
}

pub fn millis(at: SystemTime) -> f64 {
    at.duration_since(UNIX_EPOCH).map(|d| d.as_millis() as f64).unwrap_or(0.0)
}

fn call(phone: &Phone, entry: &CallEntry, now: phone::Now) -> view::CallView {
    let c = &entry.call;
    view::CallView {
        id: c.id.0,
        account: c.account.0,
        account_label: phone.account(c.account).map(|a| a.account.label.clone()).unwrap_or_default(),
        direction: direction(c.direction),
        peer: peer(&c.peer),
        queue: entry.fields.queue.clone(),
        ivr: entry.fields.ivr.clone(),
        customer: entry.fields.customer.clone(),
        dialled: entry.headers.dialled.clone(),
        verified: match entry.headers.verified {
            Verified::Unknown => view::VerifiedView::Unknown,
            Verified::Passed => view::VerifiedView::Passed,
            Verified::Failed => view::VerifiedView::Failed,
        },
        security: security(phone, entry),
        practice: c.account == phone::PRACTICE,
        emergency: entry.emergency,
        consult_for: entry.consult_for.map(|c| c.0),
        replaces: entry.replaces.map(|c| c.0),
        conference: entry.conference,
        silenced: entry.silenced,
        transfer: entry.transfer.as_ref().map(transfer),
        ask: entry.ask.as_ref().map(|a| ask(a, now)),
        recording: recordings::state(entry.recording),
        digits: entry.digits.clone(),
        started_ms: millis(c.started),
        state: state(&c.state, now),
        actions: phone.actions(c.id).into_iter().map(action).collect(),
        quality: quality(entry),
    }
}

/// Keys by SDES are as safe as the way that they went: TLS to the PBX, all of it.
fn security(phone: &Phone, entry: &CallEntry) -> view::SecurityView {
    let account = phone.account(entry.call.account).map(|a| &a.account);
    let private = account.is_some_and(|a| a.transport == Transport::Tls && a.kind == AccountKind::Registrar);
    match entry.protection {
        Protection::Plain => view::SecurityView::Plain,
        Protection::Unproven => view::SecurityView::Unproven,
        Protection::Proven if private => view::SecurityView::Encrypted,
        Protection::Proven => view::SecurityView::Exposed,
    }
}

fn transfer(transfer: &phone::Transfer) -> view::TransferView {
    use phone::TransferState as S;
    let (state, reason) = match &transfer.state {
        S::Cancelling { .. } | S::Asked => (view::TransferState::Asked, None),
        S::Accepted => (view::TransferState::Accepted, None),
        S::Ringing => (view::TransferState::Ringing, None),
        S::Done => (view::TransferState::Done, None),
        S::Failed(why) => (view::TransferState::Failed, Some(text(why))),
    };
    view::TransferView { to: transfer.to.clone(), state, reason }
}

fn ask(ask: &phone::Ask, now: phone::Now) -> view::AskView {
    view::AskView {
        kind: match ask.kind {
            phone::AskKind::Transfer => view::AskKind::Transfer,
            phone::AskKind::HandOver => view::AskKind::HandOver,
            phone::AskKind::Redirect => view::AskKind::Redirect,
        },
        targets: ask.targets.iter().map(peer).collect(),
        until_ms: instant(ask.until, now),
    }
}

fn state(state: &CallState, now: phone::Now) -> view::CallStateView {
    match state {
        CallState::Dialing => view::CallStateView::Dialing,
        CallState::Ringing { early_media } => view::CallStateView::Ringing { early_media: *early_media },
        CallState::Incoming => view::CallStateView::Incoming,
        CallState::Answering => view::CallStateView::Answering,
        CallState::Active { since, hold, muted } => {
            let hold = match hold {
                Hold::None => view::HoldView::None,
                Hold::Local => view::HoldView::Local,
                Hold::Remote => view::HoldView::Remote,
                Hold::Both => view::HoldView::Both,
            };
            view::CallStateView::Active { since_ms: instant(*since, now), hold, muted: *muted }
        }
        CallState::Ending { .. } => view::CallStateView::Ending,
        CallState::Ended { reason, talked } => {
            let (outcome, reason) = end(reason);
            view::CallStateView::Ended { reason, outcome, talked_s: seconds(*talked) }
        }
    }
}

/// A call's state in a word, for the log: the reason's code where it has ended.
pub fn state_name(state: &CallState) -> &str {
    match state {
        CallState::Dialing => "dialing",
        CallState::Ringing { .. } => "ringing",
        CallState::Incoming => "incoming",
        CallState::Answering => "answering",
        CallState::Active { .. } => "active",
        CallState::Ending { .. } => "ending",
        CallState::Ended { reason, .. } => end_code(reason),
    }
}

/// A registration in a word, for the log: the reason's code where it is down.
pub fn registration_name(registration: &Registration) -> &str {
    match registration {
        Registration::Off => "off",
        Registration::Trying => "trying",
        Registration::Up => "up",
        Registration::Down { cause, .. } => cause.code,
    }
}

pub fn seconds(d: Duration) -> u32 {
    // Half a second is rounded, as a stop-watch in words would.
    u32::try_from((d + Duration::from_millis(500)).as_secs()).unwrap_or(u32::MAX)
}

fn action(action: phone::Action) -> view::Action {
    match action {
        phone::Action::Answer => view::Action::Answer,
        phone::Action::Reject => view::Action::Reject,
        phone::Action::HangUp => view::Action::HangUp,
        phone::Action::Mute => view::Action::Mute,
        phone::Action::Unmute => view::Action::Unmute,
        phone::Action::Hold => view::Action::Hold,
        phone::Action::Resume => view::Action::Resume,
        phone::Action::Dtmf => view::Action::Dtmf,
        phone::Action::Transfer => view::Action::Transfer,
        phone::Action::Consult => view::Action::Consult,
        phone::Action::CompleteTransfer => view::Action::CompleteTransfer,
        phone::Action::AbandonConsult => view::Action::AbandonConsult,
        phone::Action::Swap => view::Action::Swap,
        phone::Action::Join => view::Action::Join,
        phone::Action::Split => view::Action::Split,
        phone::Action::Silence => view::Action::Silence,
        phone::Action::Unsilence => view::Action::Unsilence,
        phone::Action::LeaveConference => view::Action::LeaveConference,
        phone::Action::Grant => view::Action::Grant,
        phone::Action::Refuse => view::Action::Refuse,
        phone::Action::Redirect => view::Action::Redirect,
        phone::Action::Help => view::Action::Help,
        phone::Action::MoveToMobile => view::Action::MoveToMobile,
        phone::Action::Record => view::Action::Record,
        phone::Action::PauseRecording => view::Action::PauseRecording,
        phone::Action::ResumeRecording => view::Action::ResumeRecording,
        phone::Action::StopRecording => view::Action::StopRecording,
    }
}

/// How a call went, in one word, and in the catalogue's words.
pub fn end(reason: &EndReason) -> (view::Outcome, TextView) {
    use view::Outcome as O;
    let outcome = match reason {
        EndReason::LocalHangUp | EndReason::RemoteHangUp => O::Answered,
        EndReason::Cancelled => O::Cancelled,
        EndReason::Declined => O::Declined,
        EndReason::Missed => O::Missed,
        EndReason::AnsweredElsewhere => O::Elsewhere,
        EndReason::Forwarded => O::Forwarded,
        EndReason::Busy => O::Busy,
        EndReason::NoAnswer => O::NoAnswer,
        EndReason::Rejected => O::Rejected,
        EndReason::Transferred => O::Transferred,
        // The conversation went on, under another row.
        EndReason::Replaced => O::Answered,
        EndReason::TurnedAway { text: why } => return (O::Missed, text(why)),
        EndReason::Failed { text: why, .. } => return (O::Failed, text(why)),
    };
    (outcome, TextView { code: end_code(reason).to_owned(), params: Default::default() })
}

/// The catalogue's code for an end.
fn end_code(reason: &EndReason) -> &'static str {
    match reason {
        EndReason::LocalHangUp => "call.local_hang_up",
        EndReason::RemoteHangUp => "call.remote_hang_up",
        EndReason::Cancelled => "call.cancelled",
        EndReason::Declined => "call.declined",
        EndReason::Missed => "call.missed",
        EndReason::AnsweredElsewhere => "call.answered_elsewhere",
        EndReason::Forwarded => "call.forwarded",
        EndReason::Busy => "call.busy",
        EndReason::NoAnswer => "call.no_answer",
        EndReason::Rejected => "call.rejected",
        EndReason::Transferred => "call.transferred",
        EndReason::Replaced => "call.replaced",
        EndReason::Failed { text, .. } | EndReason::TurnedAway { text } => text.code,
    }
}

fn history(phone: &Phone) -> Vec<view::HistoryEntry> {
    phone.history().map(history_entry).collect()
}

pub fn history_entry(row: &Interaction) -> view::HistoryEntry {
    let (outcome, reason) = match &row.end {
        Some(row_end) => end(&row_end.reason),
        None => (view::Outcome::Running, text(&Text::new("call.running"))),
    };
    view::HistoryEntry {
        id: row.id.to_string(),
        account: row.account.0,
        account_label: row.account_label.clone(),
        direction: direction(row.direction),
        peer: peer(&row.peer),
        started_ms: millis(row.started),
        talked_s: row.end.as_ref().map(|e| seconds(e.talked)).unwrap_or(0),
        outcome,
        reason,
    }
}

fn devices(phone: &Phone) -> view::DevicesView {
    let list = |devices: &[hatif_core::audio::AudioDevice]| {
        devices
            .iter()
            .map(|d| view::DeviceView { id: d.id.clone(), name: d.name.clone(), is_default: d.is_default })
            .collect()
    };
    let choice = &phone.settings().devices;
    view::DevicesView {
        microphones: list(phone.microphones()),
        speakers: list(phone.speakers()),
        microphone: choice.microphone.clone(),
        speaker: choice.speaker.clone(),
        ringer: choice.ringer.clone(),
        ringers: choice.ringer.iter().chain(&choice.more_ringers).cloned().collect(),
        problem: phone.audio_problem().map(text),
    }
}

fn headset_test(test: &HeadsetTest) -> view::HeadsetTestView {
    let verdict = |v: &HeadsetVerdict| view::HeadsetVerdict {
        text: text(&v.text),
        speech_db: v.speech_db,
        noise_db: v.noise_db,
        peak: v.peak,
    };
    match test {
        HeadsetTest::Recording { seconds } => view::HeadsetTestView::Recording { seconds: *seconds },
        HeadsetTest::Playing(v) => view::HeadsetTestView::Playing { verdict: verdict(v) },
        HeadsetTest::Done(v) => view::HeadsetTestView::Done { verdict: verdict(v) },
        HeadsetTest::Stopped => view::HeadsetTestView::Stopped,
    }
}

fn notice(n: &phone::Notice) -> view::Notice {
    view::Notice {
        id: n.id,
        level: match n.level {
            phone::NoticeLevel::Info => view::NoticeLevel::Info,
            phone::NoticeLevel::Warning => view::NoticeLevel::Warning,
            phone::NoticeLevel::Error => view::NoticeLevel::Error,
        },
        text: text(&n.text),
    }
}
