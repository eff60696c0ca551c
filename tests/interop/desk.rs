//! What an agent has set, obeyed at a real PBX (Asterisk): forwarding by its codes and by 302, pickup, the mailbox's key, do
//! not disturb, call waiting, number rules, redial, the intercom; digits by every way; the PBX's music.

use crate::hum;
use hatif_lab::{
    Asterisk, Cli, DEADLINE, Party,
    asterisk::{Codecs, Demand, MUSIC},
    party::hears,
    ports,
    process::eventually,
    stranger::Stranger,
};
use serde_json::{Value, json};
use std::{collections::HashMap, time::SystemTime};

const AGENT: u32 = 440;
const CUSTOMER: u32 = 620;
const COLLEAGUE: u32 = 1010;
/// What number 611 says, and what the mailbox.
const ELSEWHERE: u32 = 550;
const MAILBOX: u32 = 950;
const EMERGENCY: u32 = 750;

/// An agent who answers by hand, with these options of the account.
fn agent(options: Value) -> Party {
    let mut agent = Party::new(AGENT, false);
    set(&mut agent, options);
    agent
}

fn set(agent: &mut Party, options: Value) {
    let mark = agent.cli.events.mark();
    agent.cli.send(json!({ "command": "set_account_options", "account": agent.account, "options": options }));
    agent.cli.events.wait_for("the options", mark, |event| event["event"] == "account_changed");
}

/// The next call at the agent that is on its way or rings.
fn next_call(agent: &Party, mark: usize, state: &str) -> u64 {
    let found = |event: &Value| event["event"] == "call_changed" && event["call"]["state"]["state"] == state;
    agent.cli.events.wait_for(&format!("a call {state}"), mark, found)["call"]["id"].as_u64().expect("an id")
}

/// The customer calls the agent, who answers what rings, and is heard, or 611 in their place; hangs up.
fn reaches(customer: &mut Party, agent: &mut Party, mark: usize, elsewhere: bool) {
    let call = customer.call(&agent.user.name);
    if elsewhere {
        customer.hears(&[ELSEWHERE], &[AGENT]);
    } else {
        let rings = next_call(agent, mark, "incoming");
        agent.cli.tell("answer", rings);
        customer.hears(&[AGENT], &[ELSEWHERE]);
    }
    customer.cli.hang_up(call);
}

fn ended_as(party: &Party, call: u64, code: &str) {
    let ended = party.cli.wait_call(call, "ended");
    assert_eq!(ended["state"]["reason"]["code"], code, "{ended}");
}

#[test]
fn the_pbx_forwards_by_its_codes_until_the_agent_says_otherwise() {
    let codes = json!({ "forward_always": "*72{number}", "forward_always_off": "*73" });
    let rule = json!({ "on": true, "when": { "when": "always" }, "to": "611", "by": "code" });
    let (mut agent, mut customer) = (agent(json!({ "codes": codes })), Party::there(CUSTOMER));
    for (rules, forwarded) in [(json!([rule]), true), (json!([]), false)] {
        let mark = agent.cli.events.mark();
        agent.cli.send(json!({ "command": "set_forwarding", "account": agent.account, "rules": rules }));
        // The code is a call of its own; the PBX hangs up when it has understood.
        let code = next_call(&agent, mark, "active");
        agent.cli.wait_call(code, "ended");
        let mark = agent.cli.events.mark();
        reaches(&mut customer, &mut agent, mark, forwarded);
    }
    agent.cli.quit();
}

#[test]
fn a_busy_agents_callers_hear_busy_or_go_elsewhere() {
    let (mut agent, mut customer, mut second) = (agent(json!({})), Party::there(CUSTOMER), Party::there(COLLEAGUE));
    agent.cli.send(json!({ "command": "set_do_not_disturb", "on": true }));
    let call = customer.call(&agent.user.name);
    ended_as(&customer, call, "call.busy");
    agent.cli.send(json!({ "command": "set_do_not_disturb", "on": false }));

    agent.cli.send(json!({ "command": "set_call_waiting", "on": false }));
    let mark = agent.cli.events.mark();
    let talk = customer.call(&agent.user.name);
    let own = next_call(&agent, mark, "incoming");
    agent.cli.tell("answer", own);
    customer.hears(&[AGENT], &[]);
    let call = second.call(&agent.user.name);
    ended_as(&second, call, "call.busy");

    let rule = json!({ "on": true, "when": { "when": "busy" }, "to": "611" });
    agent.cli.send(json!({ "command": "set_forwarding", "account": agent.account, "rules": [rule] }));
    let call = second.call(&agent.user.name);
    second.hears(&[ELSEWHERE], &[AGENT]);
    second.cli.hang_up(call);
    customer.cli.hang_up(talk);
    agent.cli.wait_call(own, "ended");
}

#[test]
fn a_call_that_rings_at_a_colleagues_is_picked_up() {
    let mut agent = agent(json!({ "codes": { "pickup": "*8{number}" } }));
    let (mut customer, colleague) = (Party::there(CUSTOMER), Party::new(COLLEAGUE, false));
    let call = customer.call(&colleague.user.name);
    let rings = colleague.cli.wait_incoming(0)["id"].as_u64().expect("an id");
    agent.cli.send(json!({ "command": "pickup", "account": agent.account, "number": colleague.user.name }));
    customer.hears(&[AGENT], &[COLLEAGUE]);
    agent.hears(&[CUSTOMER], &[COLLEAGUE]);
    colleague.cli.wait_call(rings, "ended");
    customer.cli.hang_up(call);
}

#[test]
fn the_mailbox_is_one_command_away_and_numbers_are_rewritten() {
    let rewriting = json!([{ "starts_with": "0", "becomes": "6", "length": 3 }]);
    let mut agent = agent(json!({ "mailbox": "*97", "rewriting": rewriting }));
    let mark = agent.cli.events.mark();
    agent.cli.send(json!({ "command": "call_mailbox", "account": agent.account }));
    let call = next_call(&agent, mark, "active");
    agent.hears(&[MAILBOX], &[]);
    agent.cli.hang_up(call);

    // What will be dialled is told before it is.
    agent.cli.send(json!({ "command": "preview_number", "to": "011", "account": agent.account }));
    let told = agent.cli.events.wait_for("the preview", 0, |event| event["event"] == "number_preview");
    assert_eq!(told["preview"]["dialled"], "611", "{told}");
    let call = agent.call("011");
    agent.hears(&[ELSEWHERE], &[MAILBOX]);
    agent.cli.hang_up(call);
    let mark = agent.cli.events.mark();
    agent.cli.send(json!({ "command": "redial" }));
    let call = next_call(&agent, mark, "active");
    agent.hears(&[ELSEWHERE], &[MAILBOX]);
    agent.cli.hang_up(call);
    agent.cli.quit();
}

#[test]
fn a_listed_colleague_speaks_by_intercom_and_the_microphone_opens_after_the_tone() {
    let mut colleague = Party::there(COLLEAGUE);
    let listed = json!([{ "name": "Zoe", "number": colleague.user.name, "lamp": "none", "intercom": true }]);
    let mut agent = agent(json!({ "trust_identity": true, "colleagues": listed }));
    // 71XXX is called as a queue's agent is, and asks for an answer at once; nobody has allowed that yet.
    agent.cli.send(json!({ "command": "set_agent_state", "state": "ready" }));
    let wanted = format!("7{}", agent.user.name);
    let call = colleague.call(&wanted);
    let rings = next_call(&agent, 0, "incoming");
    colleague.cli.wait_call(call, "ringing");
    colleague.cli.hang_up(call);
    agent.cli.wait_call(rings, "ended");

    set(&mut agent, json!({ "trust_identity": true, "colleagues": listed, "intercom": true }));
    let mark = agent.cli.events.mark();
    let call = colleague.call(&wanted);
    next_call(&agent, mark, "active");
    agent.hears(&[COLLEAGUE], &[]);
    colleague.hears(&[AGENT], &[]);
    colleague.cli.hang_up(call);

    // Somebody who is not listed rings like anybody.
    let mut stranger = Party::there(CUSTOMER);
    let mark = agent.cli.events.mark();
    let call = stranger.call(&wanted);
    next_call(&agent, mark, "incoming");
    stranger.cli.hang_up(call);
    assert!(!agent.cli.events.since(mark).iter().any(|event| event["call"]["state"]["state"] == "active"));
}

#[test]
fn digits_arrive_as_messages_and_as_tones() {
    let asterisk = Asterisk::shared();
    for (mode, user, digits) in
        [("info", asterisk.user(Codecs::G711), "27*1"), ("in_band", asterisk.demanding_user(Demand::Tones), "38#4")]
    {
        let mut cli = Cli::playing(None);
        let options = json!({ "options": { "dtmf": mode } });
        let account = cli.register(&user, &asterisk.address(), &asterisk.address(), options);
        let call = cli.call("605", account);
        cli.wait_call(call, "active");
        // Asterisk reads digits from when it has begun to.
        cli.send(json!({ "command": "dtmf", "call": call, "digits": format!(",{digits}") }));
        // "#" ends what Asterisk reads.
        let read = digits.split('#').next().unwrap_or_default();
        let heard = format!("lab heard digits {read}");
        eventually(&format!("{digits} by {mode}"), DEADLINE, || asterisk.log().contains(&heard).then_some(()));
        cli.quit();
    }
}

/// Where the PBX plays music to whoever is held, it is heard, and no hold is seen.
#[test]
fn who_is_held_hears_the_music_of_the_pbx() {
    let asterisk = Asterisk::shared();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let user = asterisk.demanding_user(Demand::Music);
    let mut agent = Cli::playing(Some(&hum(&folder, AGENT)));
    let account = agent.register(&user, &asterisk.address(), &asterisk.address(), json!({}));
    let mut other = Party::there(COLLEAGUE);
    let call = agent.call(&other.user.name, account);
    let held = other.cli.wait_incoming(0)["id"].as_u64().expect("an id");
    other.hears(&[AGENT], &[MUSIC]);
    other.cli.send(json!({ "command": "hold", "call": held, "on": true }));
    hears("the agent", &[MUSIC], &[COLLEAGUE], || Some(agent.heard()));
    other.cli.send(json!({ "command": "hold", "call": held, "on": false }));
    hears("the agent", &[COLLEAGUE], &[MUSIC], || Some(agent.heard()));
    other.hears(&[AGENT], &[MUSIC]);
    agent.hang_up(call);
}

#[test]
fn of_a_hundred_callers_at_once_four_ring() {
    let port = ports::free(2);
    let mut cli = Cli::playing(None);
    cli.add_direct(port);
    let stranger = Stranger::calling(port);
    let calls: Vec<usize> = (0..100).collect();
    for call in &calls {
        stranger.request("INVITE", *call, "<sip:99@127.0.0.1>", "<sip:hatif@127.0.0.1>", "");
    }
    let first = stranger.answers(&calls, 180);
    // What is said after this has been thought over: more than four may hear it ring for that moment.
    let mark = cli.events.mark();
    cli.send(json!({ "command": "snapshot" }));
    let told = cli.events.wait_for("a snapshot", mark, |event| event["event"] == "snapshot");
    assert_eq!(told["snapshot"]["calls"].as_array().map(Vec::len), Some(4), "{told}");
    let rang: Vec<usize> = calls.into_iter().filter(|call| first[call].0 < 300).collect();
    for call in &rang {
        stranger.request("CANCEL", *call, "<sip:99@127.0.0.1>", "<sip:hatif@127.0.0.1>", "");
    }
    let last = stranger.answers(&rang, 400);
    // 487 to whoever gave up what rang; 486 to all others.
    let with =
        |all: &HashMap<usize, (u16, String)>, status: u16| all.values().filter(|(own, _)| *own == status).count();
    assert_eq!((with(&last, 487), with(&last, 486) + with(&first, 486)), (4, 96), "{first:?} {last:?}");
    cli.quit();
}

#[test]
fn calls_are_forwarded_in_the_hours_that_were_set() {
    let (mut agent, mut customer) = (agent(json!({})), Party::there(CUSTOMER));
    let since_1970 = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("after 1970");
    let minute = since_1970.as_secs() / 60 % 1440;
    let hours =
        |from: u64, to: u64| json!({ "when": "hours", "from": (minute + from) % 1440, "to": (minute + to) % 1440 });
    for (when, forwarded) in [(hours(1380, 60), true), (hours(120, 180), false)] {
        let mark = agent.cli.events.mark();
        let rule = json!({ "on": true, "when": when, "to": "611" });
        agent.cli.send(json!({ "command": "set_forwarding", "account": agent.account, "rules": [rule] }));
        agent.cli.events.wait_for("the rule", mark, |event| {
            event["event"] == "forwarding_changed" && event["forwarding"][0]["active"] == forwarded
        });
        reaches(&mut customer, &mut agent, mark, forwarded);
    }
    agent.cli.quit();
}

/// No rule stands in its way, and the centre may call back.
#[test]
fn an_emergency_call_skips_every_rule() {
    let rewriting = json!([{ "starts_with": "1", "becomes": "61", "length": 3 }]);
    let (mut agent, mut centre) = (agent(json!({ "rewriting": rewriting, "blocked": ["1"] })), Party::there(CUSTOMER));
    agent.cli.send(json!({ "command": "set_do_not_disturb", "on": true }));
    let refused = centre.call(&agent.user.name);
    ended_as(&centre, refused, "call.busy");

    let call = agent.call("112");
    let active = agent.cli.wait_call(call, "active");
    assert_eq!(active["emergency"], true, "{active}");
    agent.hears(&[EMERGENCY], &[ELSEWHERE]);
    agent.cli.hang_up(call);

    let mark = agent.cli.events.mark();
    let call = centre.call(&agent.user.name);
    let rings = next_call(&agent, mark, "incoming");
    agent.cli.tell("answer", rings);
    centre.hears(&[AGENT], &[]);
    centre.cli.hang_up(call);
    agent.cli.quit();
}
