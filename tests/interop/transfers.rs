//! Transfers through Asterisk, Hatif as the one who transfers, judged by who hears whom; the asks of a PBX (REFER, 302)
//! and calls sent on.

use crate::hum;
use hatif_lab::{
    Asterisk, Baresip, Cli, Party,
    asterisk::{Codecs, User},
    baresip,
};
use serde_json::{Value, json};

const AGENT: u32 = 700;
const CUSTOMER: u32 = 500;
const TARGET: u32 = 900;

/// A phone by others on the shared PBX, which says `tone` and answers by itself.
fn phone(user: &User, tone: u32) -> Baresip {
    let account = Some((user.clone(), Asterisk::shared().address(), "udp"));
    let mut phone = Baresip::start(baresip::Options { account, tone, codecs: "pcma", ..Default::default() });
    phone.wait_until_registered();
    phone
}

struct Desk {
    cli: Cli,
    customer: Party,
    call: u64,
    _folder: tempfile::TempDir,
}

/// The agent, called by a customer; they hear each other.
fn desk() -> Desk {
    let asterisk = Asterisk::shared();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut cli = Cli::playing(Some(&hum(&folder, AGENT)));
    let agent = asterisk.user(Codecs::G711);
    cli.register(&agent, &asterisk.address(), &asterisk.address(), json!({}));
    let mut customer = Party::there(CUSTOMER);
    customer.call(&agent.name);
    let call = cli.wait_incoming(0)["id"].as_u64().expect("an id");
    cli.tell("answer", call);
    cli.wait_call(call, "active");
    cli.wait_heard(CUSTOMER, 0.5);
    customer.cli.wait_heard(AGENT, 0.5);
    Desk { cli, customer, call, _folder: folder }
}

impl Desk {
    /// Asks somebody while the customer waits, and hears them.
    fn consult(&mut self, target: &User) -> u64 {
        let mark = self.cli.events.mark();
        self.cli.send(json!({ "command": "consult", "call": self.call, "to": target.name }));
        let event = self.cli.events.wait_for("the consultation", mark, |event| {
            event["event"] == "call_changed" && event["call"]["consult_for"] == self.call
        });
        let consult = event["call"]["id"].as_u64().expect("an id");
        self.cli.wait_call(consult, "active");
        self.cli.wait_tail(TARGET, true);
        consult
    }

    fn transfer_is(&self, state: &str) -> Value {
        let event = self.cli.events.wait_for(&format!("a transfer {state}"), 0, |event| {
            event["call"]["id"] == self.call && event["call"]["transfer"]["state"] == state
        });
        event["call"]["transfer"].clone()
    }

    fn over(&self, call: u64) {
        let ended = self.cli.wait_call(call, "ended");
        assert_eq!(ended["state"]["reason"]["code"], "call.transferred", "{ended}");
    }
}

/// The customer and the target hear each other, with nobody between.
fn connected(customer: &Party, target: &Party) {
    customer.cli.wait_tail(TARGET, true);
    target.cli.wait_tail(CUSTOMER, true);
}

#[test]
fn a_blind_transfer_connects_the_customer_with_the_target() {
    let mut desk = desk();
    let user = Asterisk::shared().user(Codecs::G711);
    let target = phone(&user, TARGET);
    desk.cli.send(json!({ "command": "transfer", "call": desk.call, "to": user.name }));
    desk.over(desk.call);
    desk.customer.cli.wait_tail(TARGET, true);
    target.wait_heard(CUSTOMER, 1.0);
    desk.cli.quit();
}

#[test]
fn an_attended_transfer_connects_the_customer_with_whom_was_asked() {
    let mut desk = desk();
    let target = Party::there(TARGET);
    let consult = desk.consult(&target.user);
    target.cli.wait_tail(AGENT, true);
    desk.cli.send(json!({ "command": "complete_transfer", "call": consult }));
    desk.over(desk.call);
    desk.over(consult);
    connected(&desk.customer, &target);
    desk.cli.quit();
}

#[test]
fn an_attended_transfer_works_with_both_on_hold() {
    let mut desk = desk();
    let target = Party::there(TARGET);
    let consult = desk.consult(&target.user);
    let mark = desk.cli.events.mark();
    desk.cli.send(json!({ "command": "hold", "call": consult, "on": true }));
    desk.cli.wait_call_for(mark, consult, "active", |state| state["hold"] == "local");
    desk.cli.send(json!({ "command": "complete_transfer", "call": desk.call }));
    desk.over(desk.call);
    connected(&desk.customer, &target);
}

/// Completed while the target still rings: the customer hears it ring, and then whoever answers.
#[test]
fn a_transfer_is_completed_while_the_target_rings() {
    let mut desk = desk();
    let mut target = Party::new(TARGET, false);
    let mark = desk.cli.events.mark();
    desk.cli.send(json!({ "command": "consult", "call": desk.call, "to": target.user.name }));
    let asked = desk.cli.events.wait_for("it rings there", mark, |event| {
        event["call"]["consult_for"] == desk.call && event["call"]["state"]["state"] == "ringing"
    });
    target.cli.wait_incoming(0);
    let mark = target.cli.events.mark();
    desk.cli.send(json!({ "command": "complete_transfer", "call": asked["call"]["id"] }));
    // It is called anew, for the customer.
    let rings = target.cli.events.wait_for("the customer's call", mark, |event| {
        event["event"] == "call_changed" && event["call"]["state"]["state"] == "incoming"
    });
    target.cli.tell("answer", rings["call"]["id"].as_u64().expect("an id"));
    connected(&desk.customer, &target);
    desk.over(desk.call);
    desk.cli.quit();
}

#[test]
fn a_consultation_that_comes_to_nothing_gives_the_customer_back() {
    let mut desk = desk();
    let user = Asterisk::shared().user(Codecs::G711);
    let _target = phone(&user, TARGET);
    let consult = desk.consult(&user);
    desk.cli.send(json!({ "command": "abandon_consult", "call": consult }));
    desk.cli.wait_call(consult, "ended");
    desk.cli.wait_tail(CUSTOMER, true);
}

#[test]
fn a_transfer_to_nobody_gives_the_customer_back() {
    let mut desk = desk();
    desk.cli.send(json!({ "command": "transfer", "call": desk.call, "to": "5999" }));
    let transfer = desk.transfer_is("failed");
    assert!(transfer["reason"]["code"].is_string(), "{transfer}");
    desk.cli.wait_tail(CUSTOMER, true);
    desk.cli.hang_up(desk.call);
}

#[test]
fn a_customer_whom_the_pbx_drops_in_a_failed_transfer_is_to_be_called_back() {
    let mut desk = desk();
    let gone = Asterisk::shared().user(Codecs::G711);
    desk.cli.send(json!({ "command": "transfer", "call": desk.call, "to": gone.name }));
    let transfer = desk.transfer_is("failed");
    assert!(transfer["reason"]["code"].is_string(), "{transfer}");
    // Asterisk has hung up on the customer before it says that the transfer failed: no call is left to give back.
    let ended = desk.cli.wait_call(desk.call, "ended");
    assert_eq!(ended["state"]["reason"]["code"], "call.lost_in_transfer", "{ended}");
}

/// A phone of Hatif's on the shared PBX.
fn registered() -> (Cli, u64, User) {
    let asterisk = Asterisk::shared();
    let user = asterisk.user(Codecs::G711);
    let mut cli = Cli::playing(None);
    let account = cli.register(&user, &asterisk.address(), &asterisk.address(), json!({}));
    (cli, account, user)
}

fn asked(cli: &Cli, call: u64) -> Value {
    let event = cli
        .events
        .wait_for("an ask", 0, |event| event["call"]["id"] == call && event["call"]["ask"]["kind"].is_string());
    event["call"]["ask"].clone()
}

#[test]
fn a_refer_of_the_pbx_is_asked_and_granted() {
    let (mut cli, account, _) = registered();
    let call = cli.call("628", account);
    cli.wait_call(call, "active");
    let ask = asked(&cli, call);
    assert_eq!((&ask["kind"], &ask["targets"][0]["address"]), (&json!("transfer"), &json!("602")), "{ask}");
    assert_eq!(cli.heard().seconds_of(440), 0.0, "nobody was called unasked");
    cli.send(json!({ "command": "grant", "call": call }));
    cli.wait_heard(440, 1.0);
    cli.wait_call(call, "ended");
    cli.quit();
}

#[test]
fn a_refer_of_the_pbx_may_be_refused() {
    let (mut cli, account, _) = registered();
    let call = cli.call("628", account);
    cli.wait_call(call, "active");
    asked(&cli, call);
    cli.send(json!({ "command": "refuse", "call": call }));
    cli.wait_call(call, "ended");
    assert_eq!(cli.heard().seconds_of(440), 0.0);
}

#[test]
fn a_302_is_asked_and_granted() {
    let (mut cli, account, _) = registered();
    let call = cli.call("627", account);
    let ask = asked(&cli, call);
    assert_eq!((&ask["kind"], &ask["targets"][0]["address"]), (&json!("redirect"), &json!("602")), "{ask}");
    cli.send(json!({ "command": "grant", "call": call }));
    cli.wait_call(call, "active");
    cli.wait_heard(440, 1.0);
    cli.hang_up(call);
}

#[test]
fn a_ringing_caller_is_sent_on() {
    let (mut cli, _, user) = registered();
    let asterisk = Asterisk::shared();
    let mut customer = phone(&asterisk.user(Codecs::G711), CUSTOMER);
    customer.command("dial", &format!("sip:{}@{}", user.name, hatif_lab::kamailio::DOMAIN));
    let call = cli.wait_incoming(0)["id"].as_u64().expect("an id");
    cli.send(json!({ "command": "redirect", "call": call, "to": "611" }));
    let ended = cli.wait_call(call, "ended");
    assert_eq!(ended["state"]["reason"]["code"], "call.forwarded", "{ended}");
    customer.wait_heard(550, 1.0);
}
