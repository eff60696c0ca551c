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
    store::{CredentialStore, Interaction},
    text::Text,
};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

pub fn snapshot(phone: &Phone, now: phone::Now, system_language: &str) -> view::Snapshot {
    view::Snapshot {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        accounts: phone.accounts().map(account).collect(),
        calls: phone.calls().map(|c| call(phone, c, now)).collect(),
        history: history(phone),
        devices: devices(phone),
        settings: phone.settings().clone(),
        provenance: phone.provenance(),
        notices: phone.notices().iter().map(notice).collect(),
        credentials: match phone.credentials() {
            CredentialStore::Keyring => view::Credentials::Keyring,
            CredentialStore::UntilClose => view::Credentials::UntilClose,
        },
        system_language: system_language.to_owned(),
        // The shell knows.
        window: None,
    }
}

/// The event that tells a change; `None` for what needs none.
pub fn event(phone: &Phone, change: phone::Change, now: phone::Now, system_language: &str) -> Option<view::Event> {
    use phone::Change as C;
    use view::Event as E;
    Some(match change {
        C::All => E::Snapshot { snapshot: snapshot(phone, now, system_language) },
        C::Account(id) => E::AccountChanged { account: account(phone.account(id)?) },
        C::AccountGone(AccountId(account)) => E::AccountGone { account },
        C::Call(id) => E::CallChanged { call: call(phone, phone.call(id)?, now) },
        C::CallGone(CallId(call)) => E::CallGone { call },
        C::History => E::HistoryChanged { history: history(phone) },
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
        C::CommandFailed { command, text: why } => E::CommandFailed { command: command.to_owned(), text: text(&why) },
        C::Stopped => E::Stopped,
    })
}

pub fn text(text: &Text) -> TextView {
    TextView {
        code: text.code.to_owned(),
        params: text.params.iter().map(|(k, v)| ((*k).to_owned(), v.clone())).collect(),
    }
}

fn account(entry: &AccountEntry) -> view::AccountView {
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
            Registration::Down { cause, retry_at } => {
                view::RegistrationView::Down { reason: text(cause), retry: retry_at.is_some() }
            }
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
    }
}

fn direction(direction: Direction) -> view::Direction {
    match direction {
        Direction::Incoming => view::Direction::Incoming,
        Direction::Outgoing => view::Direction::Outgoing,
    }
}

fn peer(peer: &Peer) -> view::PeerView {
    view::PeerView { name: peer.name.clone(), address: peer.address.clone() }
}

fn millis(at: SystemTime) -> f64 {
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
        queue: entry.headers.queue.clone(),
        started_ms: millis(c.started),
        state: state(&c.state, now),
        actions: entry.actions().into_iter().map(action).collect(),
        quality: quality(entry),
    }
}

fn state(state: &CallState, now: phone::Now) -> view::CallStateView {
    match state {
        CallState::Dialing => view::CallStateView::Dialing,
        CallState::Ringing { early_media } => view::CallStateView::Ringing { early_media: *early_media },
        CallState::Incoming => view::CallStateView::Incoming,
        CallState::Answering => view::CallStateView::Answering,
        CallState::Active { since, hold, muted } => {
            let lasted = now.mono.saturating_duration_since(*since);
            let since = now.wall.checked_sub(lasted).unwrap_or(now.wall);
            let hold = match hold {
                Hold::None => view::HoldView::None,
                Hold::Local => view::HoldView::Local,
                Hold::Remote => view::HoldView::Remote,
                Hold::Both => view::HoldView::Both,
            };
            view::CallStateView::Active { since_ms: millis(since), hold, muted: *muted }
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

fn seconds(d: Duration) -> u32 {
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
        EndReason::AnsweredElsewhere | EndReason::Forwarded => O::Elsewhere,
        EndReason::Busy => O::Busy,
        EndReason::NoAnswer => O::NoAnswer,
        EndReason::Rejected => O::Rejected,
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
        EndReason::Failed { text, .. } => text.code,
    }
}

/// The judgement in plain words, by what the listener hears: made-up audio first, then delay.
fn quality(entry: &CallEntry) -> Option<view::QualityView> {
    let s = entry.stats?;
    let heard = s.concealed.max(s.remote_loss.unwrap_or(0.0));
    let trip = s.round_trip_ms.unwrap_or(0.0);
    let level = if entry.silent_s >= 5 {
        view::QualityLevel::Silent
    } else if heard > 0.08 || trip > 500.0 {
        view::QualityLevel::Poor
    } else if heard > 0.02 || trip > 300.0 || s.jitter_ms > 40.0 {
        view::QualityLevel::Fair
    } else {
        view::QualityLevel::Good
    };
    Some(view::QualityView {
        level,
        sent: s.sent as f64,
        received: s.received as f64,
        lost: s.lost as f64,
        jitter_ms: s.jitter_ms,
        concealed: s.concealed,
        buffer_ms: s.buffer_ms,
        round_trip_ms: s.round_trip_ms,
        remote_loss: s.remote_loss,
        microphone_gaps: s.microphone_gaps as f64,
        speaker_gaps: s.speaker_gaps as f64,
    })
}

fn history(phone: &Phone) -> Vec<view::HistoryEntry> {
    phone.history().map(history_entry).collect()
}

fn history_entry(row: &Interaction) -> view::HistoryEntry {
    let (outcome, reason) = match &row.end {
        Some(row_end) => end(&row_end.reason),
        None => (view::Outcome::Running, text(&Text::new("call.running"))),
    };
    view::HistoryEntry {
        id: row.id.to_string(),
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
