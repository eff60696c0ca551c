//! Conferences on the wire: who hears whom, measured in what each party recorded, in dB. Nobody hears their own voice come
//! back.

use crate::hum;
use hatif_lab::{Asterisk, Baresip, Cli, Party, asterisk::Codecs, baresip, party::hears};
use serde_json::{Value, json};

// No sum or difference of any three of these is another of them: what G.711 makes of a mix is not taken for a voice.
const AGENT: u32 = 440;
const CUSTOMER: u32 = 620;
const SENIOR: u32 = 1010;

/// Adds to the conference whoever is spoken with now.
fn join(cli: &mut Cli, parties: usize) {
    let mark = cli.events.mark();
    cli.send(json!({ "command": "join", "calls": [] }));
    let in_it = |event: &Value| event["event"] == "call_changed" && event["call"]["conference"] == true;
    cli.events.wait_for("the conference", mark, in_it);
    let spoken = |event: &Value| in_it(event) && event["call"]["state"]["hold"] == "none";
    let mut ids: Vec<u64> = Vec::new();
    while ids.len() < parties {
        let next = cli.events.wait_for("everybody in it", mark, |event| {
            spoken(event) && !ids.contains(&event["call"]["id"].as_u64().unwrap_or_default())
        });
        ids.extend(next["call"]["id"].as_u64());
    }
}

#[test]
fn customer_senior_and_agent_hear_each_other_and_not_themselves() {
    let (mut agent, mut customer, senior) = (Party::new(AGENT, false), Party::there(CUSTOMER), Party::there(SENIOR));
    customer.call(&agent.user.name);
    let first = agent.cli.wait_incoming(0)["id"].as_u64().expect("an id");
    agent.cli.tell("answer", first);
    customer.hears(&[AGENT], &[SENIOR]);
    let second = agent.call(&senior.user.name);
    agent.cli.wait_call(second, "active");
    senior.hears(&[AGENT], &[CUSTOMER]);
    agent.hears(&[SENIOR], &[CUSTOMER]);

    join(&mut agent.cli, 2);
    customer.hears(&[AGENT, SENIOR], &[]);
    senior.hears(&[AGENT, CUSTOMER], &[]);
    agent.hears(&[CUSTOMER, SENIOR], &[]);

    // The agent's mute is for everybody; the others go on.
    agent.cli.send(json!({ "command": "mute", "call": first, "on": true }));
    customer.hears(&[SENIOR], &[AGENT]);
    senior.hears(&[CUSTOMER], &[AGENT]);
    agent.cli.send(json!({ "command": "mute", "call": first, "on": false }));
    // Who is silenced hears, and is not heard.
    agent.cli.send(json!({ "command": "silence", "call": second, "on": true }));
    customer.hears(&[AGENT], &[SENIOR]);
    senior.hears(&[AGENT, CUSTOMER], &[]);
    agent.hears(&[CUSTOMER], &[SENIOR]);
    agent.cli.send(json!({ "command": "silence", "call": second, "on": false }));
    customer.hears(&[AGENT, SENIOR], &[]);

    // The agent leaves, the others stay.
    agent.cli.send(json!({ "command": "leave_conference" }));
    for call in [first, second] {
        let ended = agent.cli.wait_call(call, "ended");
        assert_eq!(ended["state"]["reason"]["code"], "call.transferred", "{ended}");
    }
    customer.hears(&[SENIOR], &[AGENT]);
    senior.hears(&[CUSTOMER], &[AGENT]);
    for party in [agent, customer, senior] {
        party.cli.quit();
    }
}

/// The agent asks for help by key; the team lead reads who it is about, calls, and is joined in.
#[test]
fn the_lead_who_is_asked_for_help_joins() {
    let (mut agent, mut customer, mut lead) =
        (Party::new(AGENT, false), Party::there(CUSTOMER), Party::new(SENIOR, false));
    let options = json!({ "help_to": lead.user.name });
    agent.cli.send(json!({ "command": "set_account_options", "account": agent.account, "options": options }));
    customer.call(&agent.user.name);
    let first = agent.cli.wait_incoming(0)["id"].as_u64().expect("an id");
    agent.cli.tell("answer", first);
    customer.hears(&[AGENT], &[SENIOR]);
    agent.cli.send(json!({ "command": "help", "call": first, "text": "Sara, invoice 4711" }));
    let told = lead
        .cli
        .events
        .wait_for("the agent's words", 0, |event| event["messages"][0]["delivery"]["state"] == "received");
    let message = &told["messages"][0];
    assert_eq!(
        (&message["text"], &message["peer"]["address"]),
        (&json!("Sara, invoice 4711"), &json!(agent.user.name))
    );

    let mark = agent.cli.events.mark();
    lead.call(&agent.user.name);
    let second =
        agent.cli.events.wait_for("the lead's call", mark, |event| event["call"]["state"]["state"] == "incoming");
    let second = second["call"]["id"].as_u64().expect("an id");
    agent.cli.tell("answer", second);
    agent.cli.wait_call(second, "active");
    join(&mut agent.cli, 2);
    customer.hears(&[AGENT, SENIOR], &[]);
    lead.hears(&[AGENT, CUSTOMER], &[]);
    agent.hears(&[CUSTOMER, SENIOR], &[]);
    for party in [agent, customer, lead] {
        party.cli.quit();
    }
}

/// More than two cannot be connected with each other: they go on in the PBX's room.
#[test]
fn a_conference_goes_on_in_the_rooms_of_the_pbx() {
    const LEAD: u32 = 1370;
    let mut agent = Party::new(AGENT, false);
    let parties = [CUSTOMER, SENIOR, LEAD].map(Party::there);
    let options = json!({ "conference_room": "630" });
    agent.cli.send(json!({ "command": "set_account_options", "account": agent.account, "options": options }));
    let mut calls = Vec::new();
    for (n, party) in parties.iter().enumerate() {
        let call = agent.call(&party.user.name);
        agent.cli.wait_call(call, "active");
        calls.push(call);
        if n > 0 {
            join(&mut agent.cli, n + 1);
        }
    }
    agent.hears(&[CUSTOMER, SENIOR, LEAD], &[]);
    agent.cli.send(json!({ "command": "leave_conference" }));
    for call in calls {
        let ended = agent.cli.wait_call(call, "ended");
        assert_eq!(ended["state"]["reason"]["code"], "call.transferred", "{ended}");
    }
    for (n, party) in parties.iter().enumerate() {
        let mut others = vec![CUSTOMER, SENIOR, LEAD];
        others.remove(n);
        // Asterisk's mix is clipped, and so gives back a little of their own: 23 dB less than of the others.
        hears(&party.user.name, &others, &[AGENT], || Some(party.cli.heard()));
    }
    for party in parties.into_iter().chain([agent]) {
        party.cli.quit();
    }
}

/// Three of them on Asterisk's own numbers, one at a baresip.
#[test]
fn five_in_one_conference() {
    let asterisk = Asterisk::shared();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut cli = Cli::playing(Some(&hum(&folder, AGENT)));
    let user = asterisk.user(Codecs::G711);
    let account = cli.register(&user, &asterisk.address(), &asterisk.address(), json!({}));
    let own = asterisk.user(Codecs::G711);
    let options = Some((own.clone(), asterisk.address(), "udp"));
    let mut phone =
        Baresip::start(baresip::Options { account: options, tone: SENIOR, codecs: "pcma", ..Default::default() });
    phone.wait_until_registered();

    let numbers = [("613", 550), ("614", 850), ("615", 1230)];
    let called = numbers.map(|(number, _)| number).into_iter().chain([own.name.as_str()]);
    for (n, number) in called.enumerate() {
        let call = cli.call(number, account);
        cli.wait_call(call, "active");
        if n > 0 {
            join(&mut cli, n + 1);
        }
    }
    let tones = [AGENT, SENIOR, 550, 850, 1230];
    let others = |own: u32| tones.into_iter().filter(|tone| *tone != own).collect::<Vec<u32>>();
    for (number, own) in numbers {
        hears(&format!("Asterisk at {own} Hz"), &others(own), &[own], || asterisk.heard(&user, number));
    }
    hears("baresip", &others(SENIOR), &[SENIOR], || phone.heard());
    hears("the agent", &others(AGENT), &[AGENT], || Some(cli.heard()));
    cli.quit();
}
