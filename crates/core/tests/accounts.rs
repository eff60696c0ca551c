//! Accounts as a user changes them: what is refused, where a kept password may go, and what an unlocked keyring brings.

use hatif_core::{
    account::*,
    ids::*,
    phone::*,
    settings::{Policy, Rows},
    sip::*,
    store::*,
    text::Text,
};
use std::time::{Instant, SystemTime};

#[path = "world/account.rs"]
mod account_of;
use account_of::account;

fn loaded(accounts: Vec<(Account, Option<Password>)>, credentials: CredentialStore) -> Input {
    let (settings, policy, interactions) = (Rows::new(), Policy::default(), vec![]);
    Input::Store(StoreEvent::Loaded { settings, policy, accounts, interactions, credentials, problem: None })
}

/// A phone that has loaded `account`, and nothing left to say.
fn phone(password: Option<Password>, credentials: CredentialStore) -> Phone {
    let mut phone = Phone::new(PhoneConfig::default());
    tell(&mut phone, loaded(vec![(account("pbx.example"), password)], credentials));
    phone
}

fn tell(phone: &mut Phone, input: Input) -> Vec<Output> {
    phone.handle(Now { mono: Instant::now(), wall: SystemTime::now() }, input);
    std::iter::from_fn(|| phone.poll_output()).collect()
}

fn change(account: Account, password: Option<Password>) -> Input {
    let id = Some(AccountId(1));
    Input::Command("change_account", Command::SetAccount { id, account: Box::new(account), password, options: None })
}

fn refusal(outputs: &[Output]) -> Option<&Text> {
    outputs.iter().find_map(|output| match output {
        Output::Change(Change::CommandFailed { text, .. }) => Some(text),
        _ => None,
    })
}

/// The passwords that SIP was given.
fn given(outputs: &[Output]) -> Vec<Option<Password>> {
    let set = |output: &Output| match output {
        Output::Sip(SipCommand::SetAccount { password, .. }) => Some(password.clone()),
        _ => None,
    };
    outputs.iter().filter_map(set).collect()
}

#[test]
fn a_kept_password_is_not_handed_to_another_server() {
    let mut phone = phone(Some(Password("secret".into())), CredentialStore::Keyring);
    let outputs = tell(&mut phone, change(account("rogue.example"), None));
    assert_eq!(refusal(&outputs).map(|t| t.code), Some("command.bad_account"));
    assert!(given(&outputs).is_empty(), "nothing reaches SIP");

    let mut proxied = account("pbx.example");
    proxied.proxy = Some("rogue.example".into());
    assert!(refusal(&tell(&mut phone, change(proxied, None))).is_some(), "a proxy is another server too");
}

#[test]
fn a_new_label_needs_no_password() {
    let mut phone = phone(Some(Password("secret".into())), CredentialStore::Keyring);
    let outputs = tell(&mut phone, change(Account { label: "Home".into(), ..account("pbx.example") }, None));
    assert_eq!(refusal(&outputs), None);
    // None: SIP keeps the one that it has.
    assert_eq!(given(&outputs), [None]);
}

#[test]
fn what_no_pbx_could_take_is_refused_by_field() {
    let mut phone = phone(None, CredentialStore::Keyring);
    let password = || Some(Password("secret".into()));
    for (bad, field) in [
        (Account { user: "a b".into(), ..account("pbx.example") }, "user"),
        (account("pbx example"), "domain"),
        (Account { expires: 5, ..account("pbx.example") }, "expires"),
        (Account { kind: AccountKind::Direct, transport: Transport::Tls, ..account("127.0.0.1") }, "transport"),
    ] {
        let outputs = tell(&mut phone, change(bad, password()));
        let text = refusal(&outputs).unwrap_or_else(|| panic!("{field} was not refused"));
        assert_eq!(text.params.get("field").map(String::as_str), Some(field));
    }
}

#[test]
fn an_unlocked_keyring_brings_the_passwords() {
    let mut phone = phone(None, CredentialStore::UntilClose);
    assert!(phone.notices().iter().any(|n| n.text.code == "store.keyring_unavailable"), "it is said");
    let outputs = tell(&mut phone, Input::Store(StoreEvent::Credentials(CredentialStore::Keyring)));
    assert!(outputs.contains(&Output::Store(StoreCommand::Load)));
    let again = vec![(account("pbx.example"), Some(Password("secret".into())))];
    let outputs = tell(&mut phone, loaded(again, CredentialStore::Keyring));
    assert_eq!(given(&outputs), [Some(Password("secret".into()))]);
    assert!(outputs.contains(&Output::Sip(SipCommand::Register { account: AccountId(1) })));
}

#[test]
fn commands_before_loading_wait_and_get_fresh_ids() {
    let mut phone = Phone::new(PhoneConfig::default());
    let add =
        Command::SetAccount { id: None, account: Box::new(account("two.example")), password: None, options: None };
    let outputs = tell(&mut phone, Input::Command("add_account", add));
    assert!(given(&outputs).is_empty(), "it waits");
    tell(&mut phone, loaded(vec![(account("one.example"), None)], CredentialStore::Keyring));
    let domains: Vec<(u32, &str)> = phone.accounts().map(|a| (a.account.id.0, a.account.domain.as_str())).collect();
    assert_eq!(domains, [(1, "one.example"), (2, "two.example")]);
}

/// The passwords of the TURN server that SIP was given.
fn turn_given(outputs: &[Output]) -> Vec<Option<String>> {
    let set = |output: &Output| match output {
        Output::Sip(SipCommand::SetAccount { account, .. }) => Some(account.turn_password.clone().map(|p| p.0)),
        _ => None,
    };
    outputs.iter().filter_map(set).collect()
}

fn relay_by(server: Option<&str>, password: Option<&str>) -> Input {
    let mut options = account("pbx.example").options;
    (options.turn, options.turn_user) = (server.map(Into::into), Some("agent".into()));
    let password = password.map(|password| Password(password.into()));
    let command = Command::SetAccountOptions(AccountId(1), Box::new(options), password);
    Input::Command("set_account_options", command)
}

#[test]
fn a_turn_servers_password_stays_with_its_server() {
    let mut phone = phone(None, CredentialStore::Keyring);
    let outputs = tell(&mut phone, relay_by(Some("turn.example"), Some("secret")));
    assert_eq!(turn_given(&outputs), [Some("secret".into())]);
    // The other options are changed: it stays.
    let outputs = tell(&mut phone, relay_by(Some("turn.example"), None));
    assert_eq!(turn_given(&outputs), [Some("secret".into())]);
    let outputs = tell(&mut phone, relay_by(Some("rogue.example"), None));
    assert_eq!(refusal(&outputs).and_then(|t| t.params.get("field")).map(String::as_str), Some("turn_password"));
    assert!(turn_given(&outputs).is_empty(), "nothing reaches the network");
    // Without a server it is forgotten, so that another server does not get it.
    assert_eq!(turn_given(&tell(&mut phone, relay_by(None, None))), [None]);
    assert_eq!(turn_given(&tell(&mut phone, relay_by(Some("rogue.example"), None))), [None]);
    for bad in ["turn example", "a@b"] {
        let outputs = tell(&mut phone, relay_by(Some(bad), Some("secret")));
        assert_eq!(refusal(&outputs).and_then(|t| t.params.get("field")).map(String::as_str), Some("turn"));
    }
}

#[test]
fn an_unlocked_keyring_brings_a_turn_servers_password() {
    let mut phone = phone(None, CredentialStore::UntilClose);
    tell(&mut phone, relay_by(Some("turn.example"), None));
    let mut kept = account("pbx.example");
    (kept.options.turn, kept.options.turn_user) = (Some("turn.example".into()), Some("agent".into()));
    kept.turn_password = Some(Password("secret".into()));
    let outputs = tell(&mut phone, loaded(vec![(kept.clone(), None)], CredentialStore::Keyring));
    assert_eq!(turn_given(&outputs), [Some("secret".into())]);
    // What was typed in this run is newer.
    tell(&mut phone, relay_by(Some("turn.example"), Some("typed")));
    assert!(turn_given(&tell(&mut phone, loaded(vec![(kept, None)], CredentialStore::Keyring))).is_empty());
}
