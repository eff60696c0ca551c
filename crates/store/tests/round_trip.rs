//! What is saved comes back, in this run and in the next.

mod support;

use hatif_core::{
    account::{Account, AccountKind, Transport},
    audio::{DeviceChoice, EchoCancellation, SoundSettings, Volume},
    call::{Direction, EndReason, Peer},
    ids::AccountId,
    options::{
        AccountOptions, Colleague, DtmfMode, FeatureCodes, Field, ForwardBy, ForwardRule, ForwardWhen, HeaderRule,
        LampKind,
    },
    settings::{Settings, Theme},
    store::{CredentialStore, Interaction, InteractionEnd, StoreCommand, StoreEvent},
    text::Text,
};
use hatif_store::{KeyringChoice, QUEUE, SendError, Store, StoreConfig};
use std::{
    sync::mpsc,
    time::{Duration, UNIX_EPOCH},
};
use support::{account, anywhere, at, interaction, open, open_with_policy, save, save_account, save_settings};

#[test]
fn a_first_run_has_defaults_and_no_problem() {
    let dir = tempfile::tempdir().unwrap();
    let loaded = open(&dir.path().join("not").join("there")).load();
    assert_eq!(loaded.settings, Settings::default());
    assert!(loaded.accounts.is_empty() && loaded.interactions.is_empty());
    assert_eq!(loaded.credentials, CredentialStore::UntilClose);
    assert_eq!(loaded.problem, None);
}

#[test]
fn settings_come_back_and_go_back_to_their_defaults() {
    let dir = tempfile::tempdir().unwrap();
    let all = |theme, welcomed| Settings {
        language: Some("fa".into()),
        theme,
        devices: DeviceChoice {
            microphone: Some("alsa:hw:1".into()),
            speaker: Some("سماعة %;'--".into()),
            ringer: Some(String::new()),
            more_ringers: vec!["\"quoted\", and a comma".into()],
            microphones_before: vec!["b".into(), "a".into()],
            speakers_before: vec![],
        },
        sound: SoundSettings {
            raw: welcomed,
            high_pass: false,
            noise_suppression: welcomed,
            automatic_gain: false,
            echo_cancellation: if welcomed { EchoCancellation::On } else { EchoCancellation::Off },
            sidetone: 30,
            microphone: Volume { percent: 0, muted: welcomed },
            speaker: Volume { percent: 55, muted: !welcomed },
            ringer: Volume { percent: 100, muted: true },
        },
        default_account: Some(AccountId(u32::MAX)),
        welcomed,
        ..Settings::default()
    };
    for settings in [all(Theme::Dark, true), all(Theme::Light, false), all(Theme::System, true), Settings::default()] {
        open(dir.path()).send(save_settings(&settings));
        assert_eq!(open(dir.path()).load().settings, settings);
    }
}

#[test]
fn the_administrators_file_lies_over_and_under_the_users() {
    let dir = tempfile::tempdir().unwrap();
    open(dir.path()).send(save_settings(&Settings { theme: Theme::Light, text_size: 90, ..Settings::default() }));
    let file = dir.path().join("settings.json");
    let load = || open_with_policy(dir.path(), Some(file.clone())).load();
    assert_eq!((load().settings.text_size, load().problem), (90, None), "no such file");

    let policy = r#"{"defaults": {"theme": "dark", "language": "ar"}, "locked": {"text_size": 150, "plaid": 1}}"#;
    std::fs::write(&file, policy).unwrap();
    let loaded = load();
    let expected = Settings { theme: Theme::Light, text_size: 150, language: Some("ar".into()), ..Settings::default() };
    assert_eq!(loaded.settings, expected);
    assert_eq!(loaded.problem, Some(Text::new("settings.policy_left_out").with("settings", "plaid")));

    std::fs::write(&file, b"{\xff").unwrap();
    let loaded = load();
    assert_eq!((loaded.settings.text_size, loaded.problem.unwrap().code), (90, "settings.bad_policy"));
}

#[test]
fn an_accounts_options_come_back_whole() {
    let dir = tempfile::tempdir().unwrap();
    let rule = ForwardRule {
        on: true,
        when: ForwardWhen::Hours { from: 1020, to: 480, days: vec![0, 6], utc_offset_min: -210 },
        to: "+98912".into(),
        by: ForwardBy::Redirect,
        until: Some(u32::MAX),
    };
    let options = AccountOptions {
        dtmf: DtmfMode::InBand,
        trust_identity: true,
        headers: vec![HeaderRule { header: "X-Customer-Id".into(), field: Field::Customer }],
        name_pattern: Some("^(?<queue>[^:]+): \"(?<name>.*)\"$".into()),
        forwarding: vec![rule, ForwardRule { when: ForwardWhen::NoAnswer { after_s: 20 }, ..rule_always() }],
        codes: FeatureCodes { pickup: Some("*8{number}".into()), ..FeatureCodes::default() },
        colleagues: vec![Colleague {
            name: "رضا".into(),
            number: "1002".into(),
            lamp: LampKind::Presence,
            intercom: true,
        }],
        emergency: Some(vec![]),
        blocked: vec!["+882".into()],
        ..AccountOptions::default()
    };
    let account = Account { options, ..account(2) };
    open(dir.path()).send(StoreCommand::SaveAccount { account: Box::new(account.clone()), password: None });
    assert_eq!(open(dir.path()).load().accounts[0].0, account);

    // What makes no sense gives way to the defaults; the account stays.
    let db = rusqlite::Connection::open(dir.path().join("hatif.db")).unwrap();
    db.execute("UPDATE accounts SET options = '{\"dtmf\": \"smoke\"}'", []).unwrap();
    drop(db);
    let kept = open(dir.path()).load().accounts.remove(0).0;
    assert_eq!(kept, Account { options: AccountOptions::default(), ..account });
}

fn rule_always() -> ForwardRule {
    ForwardRule { on: false, when: ForwardWhen::Always, to: "1".into(), by: ForwardBy::Code, until: None }
}

#[test]
fn accounts_come_back_are_replaced_and_are_deleted() {
    let dir = tempfile::tempdir().unwrap();
    let bare = Account {
        id: AccountId(u32::MAX),
        kind: AccountKind::Direct,
        registrar: None,
        proxy: None,
        auth_user: None,
        display_name: None,
        transport: Transport::Udp,
        ca_file: None,
        local_port: None,
        options: Default::default(),
        expires: u32::MAX,
        ..account(0)
    };
    let practice = Account { kind: AccountKind::Practice, transport: Transport::Tcp, ..account(3) };
    let first = open(dir.path());
    for account in [account(2), bare.clone(), practice.clone()] {
        first.send(save_account(account, None));
    }
    drop(first);

    let second = open(dir.path());
    assert_eq!(second.load().accounts, [(account(2), None), (practice.clone(), None), (bare.clone(), None)]);
    let renamed = Account { label: "Home".into(), ..account(2) };
    second.send(save_account(renamed.clone(), None));
    second.send(StoreCommand::DeleteAccount(bare.id));
    drop(second);
    assert_eq!(open(dir.path()).load().accounts, [(renamed, None), (practice, None)]);
}

#[test]
fn every_end_of_a_call_comes_back() {
    let dir = tempfile::tempdir().unwrap();
    let failed = |text, status| EndReason::Failed { text, status };
    let reasons = [
        EndReason::LocalHangUp,
        EndReason::RemoteHangUp,
        EndReason::Cancelled,
        EndReason::Declined,
        EndReason::Missed,
        EndReason::AnsweredElsewhere,
        EndReason::Forwarded,
        EndReason::Transferred,
        EndReason::Replaced,
        EndReason::TurnedAway { text: Text::new("call.missed_do_not_disturb") },
        EndReason::Busy,
        EndReason::NoAnswer,
        EndReason::Rejected,
        failed(Text::new("call.failed_other"), None),
        failed(Text::new("call.failed_other").with("status", "\u{202e}599 \"'\0<b>"), Some(599)),
    ];
    let mut calls: Vec<Interaction> = (1..)
        .zip(reasons)
        .map(|(id, reason)| {
            interaction(id, Some(InteractionEnd { reason, talked: Duration::from_millis(id as u64 * 7) }))
        })
        .collect();
    let first = open(dir.path());
    calls.iter().for_each(|call| first.send(save(call.clone())));
    drop(first);
    calls.reverse();
    assert_eq!(open(dir.path()).load().interactions, calls);
}

/// A catalogue has words only for the codes that this version knows.
#[test]
fn a_code_that_is_not_known_comes_back_as_another_failure() {
    let dir = tempfile::tempdir().unwrap();
    let text = Text::new("call.of_a_later_version").with("secret", "x");
    let end = InteractionEnd { reason: EndReason::Failed { text, status: Some(480) }, talked: Duration::ZERO };
    open(dir.path()).send(save(interaction(1, Some(end))));
    let loaded = open(dir.path()).load();
    let reason = &loaded.interactions[0].end.as_ref().unwrap().reason;
    assert_eq!(*reason, EndReason::Failed { text: Text::new("call.failed_other"), status: Some(480) });
}

#[test]
fn a_call_is_written_when_it_appears_and_replaced_when_it_ends() {
    let dir = tempfile::tempdir().unwrap();
    let first = open(dir.path());
    first.send(save(interaction(1, None)));
    assert_eq!(first.load().interactions, [interaction(1, None)], "a call of this run still runs");
    let ended =
        interaction(1, Some(InteractionEnd { reason: EndReason::RemoteHangUp, talked: Duration::from_secs(90) }));
    first.send(save(ended.clone()));
    assert_eq!(first.load().interactions, [ended]);
    first.send(save(interaction(2, None)));
    drop(first);

    let second = open(dir.path()).load();
    let interrupted = EndReason::Failed { text: Text::new("call.interrupted"), status: None };
    let end = second.interactions[0].end.clone().unwrap();
    assert_eq!(end, InteractionEnd { reason: interrupted, talked: Duration::ZERO });
    assert_eq!(second.interactions[1].end.as_ref().unwrap().reason, EndReason::RemoteHangUp);
}

#[test]
fn the_newest_500_calls_are_loaded_and_calls_can_be_deleted() {
    let dir = tempfile::tempdir().unwrap();
    let opened = open(dir.path());
    let end = Some(InteractionEnd { reason: EndReason::Missed, talked: Duration::ZERO });
    for id in 1..=510 {
        opened.send(save(interaction(id, end.clone())));
        if id % 100 == 0 {
            opened.load(); // the queue is not what is tested here
        }
    }
    let ids: Vec<i64> = opened.load().interactions.iter().map(|call| call.id).collect();
    assert_eq!(ids, (11..=510).rev().collect::<Vec<_>>());
    opened.send(StoreCommand::DeleteInteraction(510));
    assert_eq!(opened.load().interactions[0].id, 509);
    opened.send(StoreCommand::ClearInteractions);
    assert!(opened.load().interactions.is_empty());
}

#[test]
fn odd_times_and_hostile_names_come_back() {
    let dir = tempfile::tempdir().unwrap();
    let hostile = "'; DROP TABLE interactions; -- \u{202e}\u{0}<script>".repeat(200);
    let early = Interaction {
        id: i64::MIN,
        started: UNIX_EPOCH - Duration::from_millis(1),
        direction: Direction::Outgoing,
        peer: Peer { name: None, address: hostile.clone(), uri: hostile },
        ..interaction(0, None)
    };
    let late = Interaction { id: i64::MAX, started: at(200_000_000_000_000), ..interaction(0, None) };
    let opened = open(dir.path());
    opened.send(save(early.clone()));
    opened.send(save(late.clone()));
    assert_eq!(opened.load().interactions, [late, early]);
}

#[test]
fn no_password_is_in_any_file() {
    let dir = tempfile::tempdir().unwrap();
    let opened = open(dir.path());
    opened.send(save_account(account(1), Some("correct horse battery")));
    let accounts = opened.load().accounts;
    assert_eq!(accounts[0].1.as_ref().unwrap().0, "correct horse battery", "kept until the store closes");
    assert!(anywhere(dir.path(), "pbx.test"), "the search finds what is there");
    assert!(!anywhere(dir.path(), "correct horse"));
    opened.send(save_account(account(1), None));
    assert!(opened.load().accounts[0].1.is_some(), "no password leaves the kept one");
    drop(opened);
    assert!(!anywhere(dir.path(), "correct horse"));
    assert_eq!(open(dir.path()).load().accounts, [(account(1), None)]);
}

#[test]
fn a_shut_down_store_says_so_and_takes_nothing_more() {
    let dir = tempfile::tempdir().unwrap();
    let opened = open(dir.path());
    opened.send(save_settings(&Settings { welcomed: true, ..Settings::default() }));
    opened.send(StoreCommand::Shutdown);
    assert_eq!(opened.event(), StoreEvent::Stopped);
    // The thread ends right after; until then a command may still be queued, to no effect.
    while opened.store.send(StoreCommand::Load).is_ok() {
        std::thread::yield_now();
    }
    assert_eq!(opened.store.send(StoreCommand::Load), Err(SendError::Closed));
    assert_eq!(opened.close(), []);
    assert!(open(dir.path()).load().settings.welcomed);
}

/// The listener holds the store's thread, as a hanging disk would.
#[test]
fn a_full_queue_gives_the_command_back_and_loses_none_that_it_took() {
    let dir = tempfile::tempdir().unwrap();
    let (tell, events) = mpsc::channel();
    let (release, held) = mpsc::channel::<()>();
    let config = StoreConfig { dir: dir.path().to_owned(), keyring: KeyringChoice::None, policy: None };
    let store = Store::open(config, move |event| {
        tell.send(event).unwrap_or_default();
        held.recv().unwrap_or_default();
    });
    store.send(StoreCommand::Load).unwrap();
    events.recv_timeout(Duration::from_secs(60)).unwrap();
    for id in 0..QUEUE as i64 {
        store.send(save(interaction(id, None))).unwrap();
    }
    let refused = save(interaction(-1, None));
    assert_eq!(store.send(refused.clone()), Err(SendError::Full(Box::new(refused))));
    drop(release);
    drop(store);
    assert_eq!(open(dir.path()).load().interactions.len(), QUEUE);
}

/// The window and `hatif-cli` on one folder.
#[test]
fn two_stores_on_one_folder_do_not_disturb_each_other() {
    let dir = tempfile::tempdir().unwrap();
    let (one, two) = (open(dir.path()), open(dir.path()));
    for id in 0..50 {
        one.send(save(interaction(2 * id, None)));
        two.send(save(interaction(2 * id + 1, None)));
    }
    assert_eq!(one.load().problem, None);
    assert_eq!(two.load().problem, None);
    assert_eq!(one.load().interactions.len(), 100);
}
