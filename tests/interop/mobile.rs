//! The agent's mobile, which is another phone on Asterisk: it rings too, takes a call by a digit, gives it back.

use hatif_lab::Party;
use serde_json::{Value, json};

const AGENT: u32 = 440;
const CUSTOMER: u32 = 620;
const MOBILE: u32 = 1010;

/// The agent, whose account knows the mobile.
fn agent(mobile: &Party, rings_too: bool) -> Party {
    let mut agent = Party::new(AGENT, false);
    let options = json!({ "mobile": { "number": mobile.user.name, "rings_too": rings_too } });
    agent.cli.send(json!({ "command": "set_account_options", "account": agent.account, "options": options }));
    agent.cli.events.wait_for("the options", 0, |event| {
        event["account"]["config"]["options"]["mobile"]["number"] == mobile.user.name.as_str()
    });
    agent
}

/// At the mobile: hears the question and presses 1.
fn take(mobile: &mut Party) {
    let call = mobile.cli.wait_incoming(0)["id"].as_u64().expect("an id");
    mobile.cli.wait_call(call, "active");
    // What asks is the tone of the key: 697 and 1209 Hz.
    mobile.hears_now(697);
    mobile.cli.send(json!({ "command": "dtmf", "call": call, "digits": "1" }));
}

#[test]
fn the_mobile_rings_too_and_talks_with_the_customer_without_this_desk() {
    let (mut mobile, mut customer) = (Party::there(MOBILE), Party::there(CUSTOMER));
    let agent = agent(&mobile, true);
    customer.call(&agent.user.name);
    let call = agent.cli.wait_incoming(0)["id"].as_u64().expect("an id");
    take(&mut mobile);
    customer.hears(&[MOBILE], &[AGENT]);
    mobile.hears(&[CUSTOMER], &[AGENT]);
    let ended = agent.cli.wait_call(call, "ended");
    assert_eq!(ended["state"]["reason"]["code"], "call.transferred", "{ended}");
    customer.hears(&[MOBILE], &[AGENT]);
    agent.cli.quit();
}

#[test]
fn a_call_moves_to_the_mobile_and_back() {
    let (mut mobile, mut customer) = (Party::there(MOBILE), Party::there(CUSTOMER));
    let mut agent = agent(&mobile, false);
    customer.call(&agent.user.name);
    let call = agent.cli.wait_incoming(0)["id"].as_u64().expect("an id");
    agent.cli.tell("answer", call);
    customer.hears(&[AGENT], &[MOBILE]);
    let mark = agent.cli.events.mark();
    agent.cli.tell("move_to_mobile", call);
    let dials = |event: &Value| event["event"] == "call_changed" && event["call"]["state"]["state"] == "dialing";
    let leg = agent.cli.events.wait_for("the call to the mobile", mark, dials)["call"]["id"].as_u64().expect("an id");
    take(&mut mobile);
    customer.hears(&[MOBILE], &[AGENT]);
    mobile.hears(&[CUSTOMER], &[AGENT]);
    agent.cli.hang_up(leg);
    customer.hears(&[AGENT], &[MOBILE]);
    agent.hears(&[CUSTOMER], &[]);
    agent.cli.quit();
}
