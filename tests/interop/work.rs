//! The agent's work around calls, between two Hatifs on loopback: a wrap-up begins at the answer, joins the customer's ticket,
//! survives a kill, and ends with its status; a callback is reminded of.

use hatif_lab::{Cli, asterisk::User, cli, ports};
use serde_json::{Value, json};

const NUMBER: &str = "02188201140";

/// A phone at this port, whose user part is `name`.
fn direct(cli: &mut Cli, name: &str, port: u16) -> u64 {
    let user = User { name: name.into(), password: String::new() };
    let extra = json!({ "kind": "direct", "local_port": port, "options": { "country": "98" } });
    let account = cli.add_account(&user, "127.0.0.1", "127.0.0.1", extra);
    cli.wait_registration(account, "up");
    account
}

fn work(cli: &Cli, mark: usize, about: &str, wanted: impl Fn(&Value) -> bool) -> Value {
    let event = cli.events.wait_for(&format!("work: {about}"), mark, |event| {
        event["event"] == "work" && event["told"]["about"] == about && wanted(&event["told"])
    });
    event["told"].clone()
}

fn ask(cli: &mut Cli, ask: Value) -> usize {
    let mark = cli.events.mark();
    cli.send(json!({ "command": "work", "ask": ask }));
    mark
}

fn snapshot(cli: &mut Cli) -> Value {
    let mark = cli.events.mark();
    cli.send(json!({ "command": "snapshot" }));
    cli.events.wait_for("a snapshot", mark, |event| event["event"] == "snapshot")["snapshot"].clone()
}

/// Rings, is answered, and is wrapped up as far as the store has gone with it.
fn talk(caller: &mut Cli, from: u64, agent: &Cli, port: u16) -> (u64, usize) {
    let mark = agent.events.mark();
    let call = caller.call(&format!("sip:agent@127.0.0.1:{port}"), from);
    caller.wait_call(call, "active");
    (call, mark)
}

#[test]
fn what_is_noted_of_a_call_survives_a_kill_and_decides_the_ticket() {
    let folder = tempfile::tempdir().unwrap();
    let options = || cli::Options { auto_answer: true, data: Some(folder.path().join("data")), ..Default::default() };
    let mut agent = Cli::start(options());
    agent.send(json!({ "command": "change_settings", "settings": { "wrap_up": true } }));
    let port = ports::free(2);
    direct(&mut agent, "agent", port);
    let customer = json!({ "name": "Sara", "numbers": ["+98 21 8820 1140"] });
    let mark = agent.events.mark();
    agent.send(json!({ "command": "customers", "ask": { "do": "save", "request": 1, "customer": customer } }));
    let saved = agent.events.wait_for("kept", mark, |event| event["told"]["about"] == "saved");
    let customer = saved["told"]["customer"]["id"].clone();

    let mut caller = Cli::start(cli::Options::default());
    let from = direct(&mut caller, NUMBER, ports::free(2));
    let (call, mark) = talk(&mut caller, from, &agent, port);
    let begun = work(&agent, mark, "wrap_up_changed", |told| told["wrap_up"]["wrap_up"]["customer"] == customer);
    let (entry, ticket) = (begun["wrap_up"]["wrap_up"]["entry"].clone(), begun["wrap_up"]["wrap_up"]["ticket"].clone());
    assert!(ticket.is_u64() && begun["wrap_up"]["ended"] == false, "a ticket from the answer on: {begun}");

    // Noted during the call; killed before it ends.
    let noted = json!({ "entry": entry, "notes": "order 88\nis late", "done": false });
    let mark = ask(&mut agent, json!({ "do": "keep", "wrap_up": noted }));
    work(&agent, mark, "wrap_up_changed", |told| told["wrap_up"]["wrap_up"]["notes"] == "order 88\nis late");
    // By now it is on the disk: the answer to a later question has come.
    let mark = ask(&mut agent, json!({ "do": "of", "entries": [entry] }));
    work(&agent, mark, "wrap_ups", |told| told["wrap_ups"][0]["notes"] == "order 88\nis late");
    drop(agent);
    caller.tell("hang_up", call);

    let mut agent = Cli::start(options());
    let waiting = work(&agent, 0, "wrap_up_changed", |told| told["wrap_up"]["wrap_up"]["entry"] == entry);
    assert_eq!(waiting["wrap_up"]["wrap_up"]["notes"], "order 88\nis late");
    assert_eq!((&waiting["wrap_up"]["ended"], &waiting["wrap_up"]["wrap_up"]["ticket"]), (&json!(true), &ticket));
    let done = json!({
        "entry": entry, "disposition": "callback", "status": "follow_up", "notes": "order 88\nis late", "tags": ["late"], "done": true,
    });
    let mark = ask(&mut agent, json!({ "do": "keep", "wrap_up": done }));
    work(&agent, mark, "wrap_up_gone", |told| told["entry"] == entry);
    let told = work(&agent, mark, "tickets", |told| told["customer"] == customer);
    let ticket_now = (&told["tickets"][0]["status"], &told["tickets"][0]["subject"]);
    assert_eq!(ticket_now, (&json!("follow_up"), &json!("order 88")));
    assert_eq!(snapshot(&mut agent)["work"]["wrap_ups"], json!([]));

    // They call again: the open ticket is joined, and closed.
    let account = snapshot(&mut agent)["accounts"].as_array().and_then(|all| all.last().cloned()).expect("it is kept");
    agent.wait_registration(account["id"].as_u64().expect("an id"), "up");
    let (call, mark) = talk(&mut caller, from, &agent, port);
    let again = work(&agent, mark, "wrap_up_changed", |told| told["wrap_up"]["wrap_up"]["customer"] == customer);
    assert_eq!(again["wrap_up"]["wrap_up"]["ticket"], ticket, "joined");
    caller.hang_up(call);
    work(&agent, mark, "wrap_up_changed", |told| told["wrap_up"]["ended"] == true);
    let entry = again["wrap_up"]["wrap_up"]["entry"].clone();
    let done = json!({ "entry": entry, "disposition": "solved", "status": "resolved", "done": true });
    let mark = ask(&mut agent, json!({ "do": "keep", "wrap_up": done }));
    let told = work(&agent, mark, "tickets", |told| told["tickets"][0]["status"] == "resolved");
    assert_eq!(told["tickets"].as_array().map(Vec::len), Some(1), "one matter, two calls");
    agent.quit();
    caller.quit();
}

#[test]
fn a_callback_is_reminded_of_before_its_time_and_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let options = || cli::Options { data: Some(folder.path().join("data")), ..Default::default() };
    let mut agent = Cli::start(options());
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_millis() as u64;
    let mark = ask(
        &mut agent,
        json!({ "do": "keep_task", "task": { "address": NUMBER, "text": "price", "due_ms": now + 60_000, "remind_min": 5 } }),
    );
    let told = work(&agent, mark, "remind", |_| true);
    let task = told["task"].clone();
    let mark =
        ask(&mut agent, json!({ "do": "keep_task", "task": { "text": "much later", "due_ms": now + 86_400_000 } }));
    let tasks = work(&agent, mark, "tasks_changed", |told| told["tasks"].as_array().is_some_and(|all| all.len() == 2));
    assert_eq!(tasks["tasks"][0], task);
    drop(agent);
    let mut agent = Cli::start(options());
    let again = work(&agent, 0, "remind", |_| true);
    assert_eq!(again["task"], task, "nobody has seen to it");
    let mut done = task;
    done["done"] = json!(true);
    let mark = ask(&mut agent, json!({ "do": "keep_task", "task": done }));
    work(&agent, mark, "tasks_changed", |told| told["tasks"].as_array().is_some_and(|all| all.len() == 1));
    // What says nothing is refused.
    let mark = ask(&mut agent, json!({ "do": "keep_task", "task": { "due_ms": 1 } }));
    agent.events.wait_for("a refusal", mark, |event| {
        event["event"] == "command_failed" && event["text"]["code"] == "work.nothing_to_do"
    });
    agent.quit();
}
