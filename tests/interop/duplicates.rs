//! Customers who are there twice, through the real store: found, made one, and two again; not once something has changed.

use hatif_lab::cli::Cli;
use serde_json::{Value, json};

fn save(cli: &mut Cli, customer: Value) -> Value {
    let mark = cli.events.mark();
    cli.send(json!({ "command": "customers", "ask": { "do": "save", "request": 1, "customer": customer } }));
    cli.events.wait_for("kept", mark, |event| event["told"]["about"] == "saved")["told"]["customer"].clone()
}

/// What is told after this, and the groups that are left.
fn ask(cli: &mut Cli, ask: Value) -> Vec<Value> {
    let mark = cli.events.mark();
    cli.send(json!({ "command": "duplicates", "ask": ask }));
    let event = cli
        .events
        .wait_for("groups", mark, |event| event["event"] == "duplicates" && event["told"]["about"] == "found");
    event["told"]["groups"].as_array().expect("a list").clone()
}

#[test]
fn customers_who_are_there_twice_become_one_and_two_again() {
    let mut cli = Cli::playing(None);
    let one = save(&mut cli, json!({ "name": "Sara Ahmadi", "numbers": ["+98 21 8820 1140"] }));
    let two = save(
        &mut cli,
        json!({ "name": "S. Ahmadi", "numbers": ["0098 21 88201140", "+98 912 111 2233"], "notes": "late" }),
    );
    save(&mut cli, json!({ "name": "Thomas", "numbers": ["+49 21 8820 1140"] }));
    let groups = ask(&mut cli, json!({ "do": "find" }));
    assert_eq!(groups, [json!({ "why": "number", "customers": [one, two] })]);

    let mut merged = two.clone();
    merged["name"] = one["name"].clone();
    let merge = json!({ "do": "merge", "customer": merged, "others": [one["id"]] });
    assert!(ask(&mut cli, merge.clone()).is_empty());
    assert_eq!(ask(&mut cli, json!({ "do": "undo" })), groups, "as they were");

    ask(&mut cli, merge);
    merged["notes"] = json!("changed since");
    save(&mut cli, merged);
    let mark = cli.events.mark();
    cli.send(json!({ "command": "duplicates", "ask": { "do": "undo" } }));
    let refused = cli.events.wait_for("a refusal", mark, |event| event["event"] == "command_failed");
    assert_eq!(refused["text"]["code"], "merge.changed");
}
