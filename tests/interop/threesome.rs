//! Transfers between three phones without a PBX, or with one that only carries their words (Kamailio): Hatif in each of the three roles with two baresips, and three Hatifs for
//! the attended transfer, which baresip 1.0 does not know. Judged by who hears whom.

use crate::hum;
use hatif_lab::{Baresip, Cli, Kamailio, baresip, cli, kamailio, ports};
use serde_json::{Value, json};

const OURS: u32 = 700;
const FIRST: u32 = 500;
const SECOND: u32 = 900;

fn peer(tone: u32) -> Baresip {
    Baresip::start(baresip::Options { tone, codecs: "pcma", ..Default::default() })
}

/// Hatif, called directly at a port.
struct Desk {
    cli: Cli,
    account: u64,
    address: String,
    _folder: tempfile::TempDir,
}

fn desk(tone: u32, auto_answer: bool) -> Desk {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let play = Some(hum(&folder, tone));
    let mut cli = Cli::start(cli::Options { play, auto_answer, ..Default::default() });
    let port = ports::free(2);
    let account = cli.add_direct(port);
    Desk { cli, account, address: format!("sip:hatif@127.0.0.1:{port}"), _folder: folder }
}

/// Waits until a call is asked something, and agrees.
fn grant(cli: &mut Cli, call: u64) -> Value {
    let event = cli
        .events
        .wait_for("an ask", 0, |event| event["call"]["id"] == call && event["call"]["ask"]["kind"].is_string());
    cli.send(json!({ "command": "grant", "call": call }));
    event["call"]["ask"].clone()
}

#[test]
fn hatif_transfers_one_baresip_to_the_other() {
    let (mut customer, target) = (peer(FIRST), peer(SECOND));
    let mut desk = desk(OURS, false);
    customer.command("dial", &desk.address);
    let call = desk.cli.wait_incoming(0)["id"].as_u64().expect("an id");
    desk.cli.tell("answer", call);
    desk.cli.wait_call(call, "active");
    desk.cli.wait_heard(FIRST, 0.5);
    desk.cli.send(json!({ "command": "transfer", "call": call, "to": target.address() }));
    let ended = desk.cli.wait_call(call, "ended");
    assert_eq!(ended["state"]["reason"]["code"], "call.transferred", "{ended}");
    customer.wait_heard(SECOND, 1.0);
    target.wait_heard(FIRST, 1.0);
    desk.cli.quit();
}

#[test]
fn hatif_is_transferred_by_one_baresip_to_the_other() {
    let (mut first, second) = (peer(FIRST), peer(SECOND));
    let mut desk = desk(OURS, false);
    let call = desk.cli.call(&first.address(), desk.account);
    desk.cli.wait_call(call, "active");
    desk.cli.wait_heard(FIRST, 0.5);
    first.command("transfer", &second.address());
    let ask = grant(&mut desk.cli, call);
    assert_eq!(ask["kind"], "transfer", "{ask}");
    desk.cli.wait_tail(SECOND, true);
    second.wait_heard(OURS, 1.0);
    // The one who transferred was told of the outcome, and has gone.
    desk.cli.wait_call(call, "ended");
    first.wait_for("CALL_CLOSED");
    desk.cli.quit();
}

#[test]
fn one_baresip_is_transferred_by_the_other_to_hatif() {
    let (mut first, mut customer) = (peer(FIRST), peer(SECOND));
    let desk = desk(OURS, true);
    customer.command("dial", &first.address());
    customer.wait_for("CALL_ESTABLISHED");
    first.wait_for("CALL_ESTABLISHED");
    first.command("transfer", &desk.address);
    let call = desk.cli.wait_incoming(0)["id"].as_u64().expect("an id");
    desk.cli.wait_call(call, "active");
    desk.cli.wait_tail(SECOND, true);
    customer.wait_heard(OURS, 1.0);
    desk.cli.quit();
}

#[test]
fn an_attended_transfer_replaces_the_consultation() {
    for hold_consultation in [false, true] {
        attended([desk(OURS, false), desk(FIRST, false), desk(SECOND, true)], hold_consultation);
    }
}

#[test]
fn an_attended_transfer_goes_through_a_proxy() {
    let kamailio = Kamailio::start(kamailio::Options::default());
    let registered = |tone, auto_answer| {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let play = Some(hum(&folder, tone));
        let mut cli = Cli::start(cli::Options { play, auto_answer, ..Default::default() });
        let user = kamailio.user();
        let account = cli.register(&user, kamailio::DOMAIN, &kamailio.address(), json!({}));
        Desk { cli, account, address: user.name, _folder: folder }
    };
    attended([registered(OURS, false), registered(FIRST, false), registered(SECOND, true)], false);
}

/// The customer calls the agent, who asks the target and hands the customer over.
fn attended([mut agent, mut customer, target]: [Desk; 3], hold_consultation: bool) {
    let asked = customer.cli.call(&agent.address, customer.account);
    let call = agent.cli.wait_incoming(0)["id"].as_u64().expect("an id");
    agent.cli.tell("answer", call);
    agent.cli.wait_heard(FIRST, 0.5);
    let mark = agent.cli.events.mark();
    agent.cli.send(json!({ "command": "consult", "call": call, "to": target.address }));
    let event = agent.cli.events.wait_for("the consultation", mark, |event| {
        event["event"] == "call_changed" && event["call"]["consult_for"] == call
    });
    let consult = event["call"]["id"].as_u64().expect("an id");
    agent.cli.wait_call(consult, "active");
    agent.cli.wait_tail(SECOND, true);
    let at_target = target.cli.wait_incoming(0)["id"].as_u64().expect("an id");
    if hold_consultation {
        let mark = agent.cli.events.mark();
        agent.cli.send(json!({ "command": "hold", "call": consult, "on": true }));
        agent.cli.wait_call_for(mark, consult, "active", |state| state["hold"] == "local");
    }
    agent.cli.send(json!({ "command": "complete_transfer", "call": call }));
    let ask = grant(&mut customer.cli, asked);
    assert_eq!(ask["kind"], "hand_over", "{ask}");
    for id in [call, consult] {
        let ended = agent.cli.wait_call(id, "ended");
        assert_eq!(ended["state"]["reason"]["code"], "call.transferred", "{ended}");
    }
    customer.cli.wait_tail(SECOND, true);
    target.cli.wait_tail(FIRST, true);
    target.cli.wait_call(at_target, "ended");
    for phone in [agent.cli, customer.cli, target.cli] {
        phone.quit();
    }
}
