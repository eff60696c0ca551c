//! Paths of voice: ICE with Asterisk (pjnath) and between two phones, heard both ways.

use crate::{hum, microphone};
use hatif_lab::{
    Asterisk, Cli, DEADLINE,
    asterisk::{Demand, User},
    cli, ports,
    process::eventually,
};
use serde_json::{Value, json};
use std::path::Path;

fn phone(play: Option<&Path>, user: &User, options: Value) -> (Cli, u64) {
    let asterisk = Asterisk::shared();
    let mut cli = Cli::playing(play);
    let account = cli.register(user, &asterisk.address(), &asterisk.address(), json!({ "options": options }));
    (cli, account)
}

/// Waits until the media engine says that checks found a path: no word of the signalling is behind it.
fn wait_path(cli: &Cli) {
    eventually("a path is found", DEADLINE, || cli.log().contains(r#""found""#).then_some(()));
}

/// Asterisk demands keys of the second one, and sends its reports with its voice.
const BOTH: [(Demand, &str); 2] = [(Demand::Ice, "off"), (Demand::IceMux, "required")];

#[test]
fn asterisk_is_reached_and_heard_by_a_path_that_was_checked() {
    if !Asterisk::has_candidates() {
        return;
    }
    for (demand, encryption) in BOTH {
        let folder = tempfile::tempdir().expect("a folder");
        let tones = [500, 900, 700];
        let user = Asterisk::shared().demanding_user(demand);
        let options = json!({ "ice": "on", "encryption": encryption });
        let (mut cli, account) = phone(Some(&microphone(&folder, &tones, 1.0)), &user, options);
        let call = cli.call("600", account);
        cli.wait_call(call, "active");
        wait_path(&cli);
        cli.wait_heard(700, 0.7);
        cli.hang_up(call);
        cli.quit();
    }
}

#[test]
fn asterisks_offer_is_taken_without_a_word_in_the_settings() {
    if !Asterisk::has_candidates() {
        return;
    }
    let asterisk = Asterisk::shared();
    for (demand, encryption) in BOTH {
        let user = asterisk.demanding_user(demand);
        let (mut cli, _) = phone(None, &user, json!({ "encryption": encryption }));
        asterisk.call(&user, "602");
        let call = cli.wait_incoming(0)["id"].as_u64().expect("an id");
        cli.tell("answer", call);
        cli.wait_call(call, "active");
        wait_path(&cli);
        cli.wait_heard(440, 1.0);
        cli.hang_up(call);
        cli.quit();
    }
}

#[test]
fn holds_keep_the_path() {
    if !Asterisk::has_candidates() {
        return;
    }
    let user = Asterisk::shared().demanding_user(Demand::Ice);
    let folder = tempfile::tempdir().expect("a folder");
    let (mut cli, account) = phone(Some(&hum(&folder, 700)), &user, json!({ "ice": "on" }));
    let call = cli.call("600", account);
    cli.wait_call(call, "active");
    wait_path(&cli);
    cli.wait_tail(700, true);
    for _ in 0..2 {
        cli.send(json!({ "command": "hold", "call": call, "on": true }));
        cli.wait_call_for(0, call, "active", |state| state["hold"] == "local");
        cli.wait_tail(700, false);
        let mark = cli.events.mark();
        cli.send(json!({ "command": "hold", "call": call, "on": false }));
        cli.wait_call_for(mark, call, "active", |state| state["hold"] == "none");
        cli.wait_tail(700, true);
    }
    cli.hang_up(call);
    assert_eq!(cli.log().matches("ICE").count(), 1, "one path for the whole call:\n{}", cli.log());
    cli.quit();
}

/// A PBX that does not know it reads over it.
#[test]
fn a_pbx_without_ice_is_called_as_ever() {
    let user = Asterisk::shared().user(hatif_lab::asterisk::Codecs::G711);
    let folder = tempfile::tempdir().expect("a folder");
    let (mut cli, account) = phone(Some(&hum(&folder, 700)), &user, json!({ "ice": "on" }));
    let call = cli.call("600", account);
    cli.wait_call(call, "active");
    cli.wait_tail(700, true);
    cli.hang_up(call);
    assert!(!cli.log().contains("ICE"));
    cli.quit();
}

/// Two phones without a PBX, each behind nothing: the caller offers, and both say that they found a path.
#[test]
fn two_phones_find_each_other_and_hear_each_other() {
    let folders = [(); 2].map(|()| tempfile::tempdir().expect("a folder"));
    let mut caller = Cli::playing(Some(&hum(&folders[0], 500)));
    let play = Some(hum(&folders[1], 800));
    let mut callee = Cli::start(cli::Options { play, auto_answer: true, ..Default::default() });
    let port = ports::free(2);
    callee.add_direct(port);
    let account = caller.add_direct(ports::free(2));
    caller.send(json!({ "command": "set_account_options", "account": account, "options": { "ice": "on" } }));
    caller.events.wait_for("the options", 0, |event| event["account"]["config"]["options"]["ice"] == "on");
    let call = caller.call(&format!("sip:hatif@127.0.0.1:{port}"), account);
    caller.wait_call(call, "active");
    for cli in [&caller, &callee] {
        wait_path(cli);
    }
    caller.wait_tail(800, true);
    callee.wait_tail(500, true);
    caller.hang_up(call);
    caller.quit();
    callee.quit();
}
