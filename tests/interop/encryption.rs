//! Encrypted voice (SRTP, keys by SDES) with Asterisk, heard both ways; and no voice at all where it would be plain.

use crate::{hum, microphone};
use hatif_lab::{
    Asterisk, Cli,
    asterisk::{Codecs, Demand, User},
    certs::Certs,
    cli,
};
use serde_json::{Value, json};
use std::path::Path;

fn by_tls(cli: &mut Cli, user: &User, options: Value) -> u64 {
    let address = Asterisk::shared().tls_address();
    let fields = json!({ "transport": "tls", "ca_file": Certs::get().authority(), "options": options });
    cli.register(user, &address, &address, fields)
}

fn phone(play: Option<&Path>, user: &User, options: Value) -> (Cli, u64) {
    let mut cli = Cli::playing(play);
    let account = by_tls(&mut cli, user, options);
    (cli, account)
}

/// Waits until the lock of a call is as it should be.
fn wait_lock(cli: &Cli, call: u64, lock: &str) {
    cli.events.wait_for(&format!("the lock: {lock}"), 0, |event| {
        event["event"] == "call_changed" && event["call"]["id"] == call && event["call"]["security"] == lock
    });
}

/// TLS accounts encrypt unless they are told otherwise; so does Asterisk's, whether it must or may.
#[test]
fn the_echo_of_an_encrypted_call_is_heard() {
    for demand in [Demand::Sdes, Demand::SdesOptional] {
        let folder = tempfile::tempdir().unwrap();
        let tones = [500, 900, 700];
        let user = Asterisk::shared().demanding_user(demand);
        let (mut cli, account) = phone(Some(&microphone(&folder, &tones, 1.0)), &user, json!({}));
        let call = cli.call("600", account);
        cli.wait_call(call, "active");
        wait_lock(&cli, call, "encrypted");
        cli.wait_heard(700, 0.7);
        assert_eq!(cli.heard().order_of(&tones), tones, "{demand:?}");
        cli.hang_up(call);
        cli.quit();
    }
}

#[test]
fn an_encrypted_caller_is_heard_and_early_media_too() {
    let asterisk = Asterisk::shared();
    for demand in [Demand::Sdes, Demand::SdesOptional] {
        let user = asterisk.demanding_user(demand);
        let (mut cli, account) = phone(None, &user, json!({}));
        asterisk.call(&user, "602");
        let call = cli.wait_incoming(0)["id"].as_u64().unwrap();
        cli.tell("answer", call);
        cli.wait_call(call, "active");
        wait_lock(&cli, call, "encrypted");
        cli.wait_heard(440, 1.0);
        cli.hang_up(call);
        let heard = cli.heard().seconds_of(440);
        let call = cli.call("623", account);
        cli.wait_call_for(0, call, "ringing", |state| state["early_media"] == true);
        cli.wait_heard(440, heard + 1.0);
        cli.wait_call(call, "ended");
        cli.quit();
    }
}

/// Two phones, each encrypted to the PBX: through holds (re-INVITEs both ways), heard again each time.
#[test]
fn holds_keep_an_encrypted_call_encrypted() {
    let asterisk = Asterisk::shared();
    let folders = [(); 2].map(|()| tempfile::tempdir().unwrap());
    let options = json!({ "encryption": "required" });
    let user = asterisk.demanding_user(Demand::Sdes);
    let (mut caller, account) = phone(Some(&hum(&folders[0], 500)), &user, options.clone());
    let user = asterisk.demanding_user(Demand::Sdes);
    let mut callee =
        Cli::start(cli::Options { play: Some(hum(&folders[1], 800)), auto_answer: true, ..Default::default() });
    by_tls(&mut callee, &user, options);
    let calling = caller.call(&user.name, account);
    let called = callee.wait_incoming(0)["id"].as_u64().unwrap();
    caller.wait_call(calling, "active");
    wait_lock(&caller, calling, "encrypted");
    wait_lock(&callee, called, "encrypted");
    for _ in 0..2 {
        caller.send(json!({ "command": "hold", "call": calling, "on": true }));
        caller.wait_call_for(0, calling, "active", |state| state["hold"] == "local");
        callee.wait_tail(500, false);
        let mark = callee.events.mark();
        caller.send(json!({ "command": "hold", "call": calling, "on": false }));
        callee.wait_call_for(mark, called, "active", |state| state["hold"] == "none");
        callee.wait_tail(500, true);
        caller.wait_tail(800, true);
    }
    caller.hang_up(calling);
    callee.wait_call(called, "ended");
}

#[test]
fn a_pbx_that_does_not_encrypt_gets_no_call_of_an_account_that_must() {
    let asterisk = Asterisk::shared();
    let user = asterisk.user(Codecs::G711);
    let (mut cli, account) = phone(None, &user, json!({}));
    let call = cli.call("602", account);
    let ended = cli.wait_call(call, "ended");
    assert_eq!(ended["state"]["reason"]["code"], "call.not_encrypted", "{ended}");
    // Nor is it rung: the next call is the one that it may have.
    asterisk.call(&user, "602");
    cli.send(json!({ "command": "set_account_options", "account": account, "options": { "encryption": "optional" } }));
    let call = cli.call("602", account);
    cli.wait_call(call, "active");
    wait_lock(&cli, call, "plain");
    cli.wait_heard(440, 1.0);
    cli.hang_up(call);
    cli.quit();
}

/// Keys that went by UDP were readable on the way: the lock stays open.
#[test]
fn keys_by_udp_shut_no_lock() {
    let asterisk = Asterisk::shared();
    let folder = tempfile::tempdir().unwrap();
    let user = asterisk.demanding_user(Demand::Sdes);
    let mut cli = Cli::playing(Some(&hum(&folder, 700)));
    let options = json!({ "options": { "encryption": "required" } });
    let account = cli.register(&user, &asterisk.address(), &asterisk.address(), options);
    let call = cli.call("600", account);
    wait_lock(&cli, call, "exposed");
    cli.wait_heard(700, 1.0);
    cli.hang_up(call);
    cli.quit();
}
