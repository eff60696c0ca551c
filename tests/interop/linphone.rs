//! Hatif and linphonec: holds, and two roles of a transfer; who hears whom at each step.

use crate::hum;
use hatif_lab::{Asterisk, Cli, Linphone, Party, asterisk::Codecs, linphone::Options, party::hears, ports, sound};
use std::path::PathBuf;

const OURS: u32 = 700;
const THEIRS: u32 = 500;
const TARGET: u32 = 1010;

fn voice(folder: &tempfile::TempDir) -> Option<PathBuf> {
    Some(sound::melody(&folder.path().join("theirs.wav"), &[THEIRS], 120.0))
}

/// linphonec is Hatif's customer at Asterisk, who is handed on after a consultation.
#[test]
fn a_linphonec_is_handed_on_by_hatif() {
    let asterisk = Asterisk::shared();
    let folder = tempfile::tempdir().unwrap();
    let user = asterisk.user(Codecs::G711);
    let account = Some((user.clone(), asterisk.address()));
    let mut peer = Linphone::start(Options { account, play: voice(&folder), ..Options::default() });
    asterisk.wait_registered(&user);
    let (mut agent, target) = (Party::new(OURS, false), Party::there(TARGET));
    let call = agent.call(&user.name);
    agent.hears(&[THEIRS], &[TARGET]);
    agent.cli.send(serde_json::json!({ "command": "consult", "call": call, "to": target.user.name }));
    target.hears(&[OURS], &[THEIRS]);
    agent.hears(&[TARGET], &[THEIRS]);
    agent.cli.tell("complete_transfer", call);
    target.hears(&[THEIRS], &[OURS]);
    let ended = agent.cli.wait_call(call, "ended");
    assert_eq!(ended["state"]["reason"]["code"], "call.transferred", "{ended}");
    target.hears(&[THEIRS], &[OURS]);
    let talk = target.cli.wait_incoming(0)["id"].as_u64().unwrap();
    peer.command("terminate all");
    target.cli.wait_call(talk, "ended");
    hears("linphonec", &[TARGET], &[OURS, THEIRS], || peer.heard());
    agent.cli.quit();
}

/// linphonec hands its customer, Hatif, on: asked, granted, connected.
#[test]
fn hatif_is_handed_on_by_a_linphonec() {
    let folder = tempfile::tempdir().unwrap();
    let mut peer = Linphone::start(Options { play: voice(&folder), ..Options::default() });
    let target =
        hatif_lab::Baresip::start(hatif_lab::baresip::Options { tone: TARGET, codecs: "pcma", ..Default::default() });
    let mut cli = Cli::playing(Some(&hum(&folder, OURS)));
    let account = cli.add_direct(ports::free(2));
    let call = cli.call(&peer.address(), account);
    cli.wait_call(call, "active");
    cli.wait_tail(THEIRS, true);
    let mark = cli.events.mark();
    peer.command(&format!("transfer 1 {}", target.address()));
    cli.events.wait_for("the ask", mark, |event| event["call"]["ask"]["kind"] == "transfer");
    cli.tell("grant", call);
    cli.wait_tail(TARGET, true);
    target.wait_heard(OURS, 1.0);
    cli.wait_call(call, "ended");
    cli.quit();
}

/// linphonec calls; each side holds, and both at once; who hears what is right after each step, and it ends the call.
#[test]
fn a_linphonec_calls_and_each_side_holds() {
    let folder = tempfile::tempdir().unwrap();
    let mut peer = Linphone::start(Options { play: voice(&folder), ..Options::default() });
    let mut cli = Cli::playing(Some(&hum(&folder, OURS)));
    let port = ports::free(2);
    let account = cli.add_direct(port);
    peer.command(&format!("call sip:{}@127.0.0.1:{port}", cli.account_user(account)));
    let call = cli.wait_incoming(0)["id"].as_u64().unwrap();
    cli.tell("answer", call);
    cli.wait_tail(THEIRS, true);

    let held = |cli: &Cli, mark: usize, hold: &str| {
        cli.wait_call_for(mark, call, "active", |state| state["hold"] == hold);
    };
    let mark = cli.events.mark();
    peer.command("pause 1");
    // Its music on hold is what it plays anyway.
    held(&cli, mark, "remote");
    cli.wait_tail(THEIRS, true);
    let mark = cli.events.mark();
    cli.send(serde_json::json!({ "command": "hold", "call": call, "on": true }));
    held(&cli, mark, "both");
    cli.wait_tail(THEIRS, false);
    let mark = cli.events.mark();
    cli.send(serde_json::json!({ "command": "hold", "call": call, "on": false }));
    held(&cli, mark, "remote");
    let mark = cli.events.mark();
    peer.command("resume 1");
    held(&cli, mark, "none");
    cli.wait_tail(THEIRS, true);
    let mark = cli.events.mark();
    cli.send(serde_json::json!({ "command": "hold", "call": call, "on": true }));
    held(&cli, mark, "local");
    cli.wait_tail(THEIRS, false);
    let mark = cli.events.mark();
    cli.send(serde_json::json!({ "command": "hold", "call": call, "on": false }));
    held(&cli, mark, "none");
    cli.wait_tail(THEIRS, true);

    peer.command("terminate all");
    cli.wait_call(call, "ended");
    hears("linphonec", &[OURS], &[THEIRS], || peer.heard());
    cli.quit();
}
