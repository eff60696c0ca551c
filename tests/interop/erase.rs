//! A customer who asks to be forgotten: noted, recorded, waiting to be told to a CRM; afterwards nothing on the disk names them,
//! and their call is still in the log.

use crate::recordings::{Stage, files, library, the_recording};
use serde_json::{Value, json};

const NAME: &str = "Zarafshan Ahmadi";

/// Asks for it; `Ok` when it is done, else why not.
fn erase(stage: &mut Stage, customer: &Value) -> Result<(), String> {
    let mark = stage.cli.events.mark();
    stage
        .cli
        .send(json!({ "command": "customers", "ask": { "do": "erase", "request": 9, "customer": customer["id"] } }));
    let told = stage.cli.events.wait_for("an answer", mark, |event| event["told"]["request"] == 9);
    match told["told"]["about"].as_str() {
        Some("erased") => Ok(()),
        _ => Err(told["told"]["text"]["code"].as_str().unwrap_or_default().to_owned()),
    }
}

/// Files below the data folder that hold this text, whatever its case.
fn holding(stage: &Stage, text: &str) -> Vec<std::path::PathBuf> {
    let holds = |path: &std::path::PathBuf| {
        let bytes = std::fs::read(path).unwrap_or_default();
        bytes.windows(text.len()).any(|part| part.eq_ignore_ascii_case(text.as_bytes()))
    };
    files(&stage.data()).into_iter().filter(holds).collect()
}

#[test]
fn a_customer_is_forgotten_and_their_call_stays() {
    let mut stage = Stage::set_on(None);
    let address = stage.peer.address().trim_start_matches("sip:").to_owned();
    let customer = json!({ "name": NAME, "numbers": [address], "notes": "pays late" });
    let mark = stage.cli.events.mark();
    stage.cli.send(json!({ "command": "customers", "ask": { "do": "save", "request": 1, "customer": customer } }));
    let saved = stage.cli.events.wait_for("kept", mark, |event| event["told"]["about"] == "saved");
    let customer = saved["told"]["customer"].clone();

    // A call that is wrapped up and recorded.
    stage.cli.send(json!({ "command": "change_settings", "settings": { "wrap_up": true, "recording": "on_demand" } }));
    stage.ask("begin", "on");
    stage.listen(1.0);
    let begun = stage.cli.events.wait_for("a wrap-up", mark, |event| {
        event["event"] == "work" && event["told"]["wrap_up"]["wrap_up"]["ticket"].is_u64()
    });
    let entry = begun["told"]["wrap_up"]["wrap_up"]["entry"].clone();
    let noted = json!({ "entry": entry, "disposition": "order", "notes": format!("{NAME} wants 88"), "done": false });
    stage.cli.send(json!({ "command": "work", "ask": { "do": "keep", "wrap_up": noted } }));
    stage.cli.send(json!({ "command": "work", "ask": { "do": "of", "entries": [entry] } }));
    stage.cli.events.wait_for("what was noted", mark, |event| event["told"]["wrap_ups"][0]["disposition"] == "order");
    assert_eq!(erase(&mut stage, &customer), Err("customer.erase_in_call".into()));
    let mark = stage.cli.events.mark();
    stage.cli.hang_up(stage.call);
    let recording = the_recording(&mut stage.cli);
    stage.cli.events.wait_for("the call has left", mark, |event| event["event"] == "call_gone");
    assert!(!holding(&stage, NAME).is_empty() && !holding(&stage, &address).is_empty(), "they are named");

    let hold = |on: bool| json!({ "do": "hold", "recording": recording["name"], "on": on });
    library(&mut stage.cli, hold(true), "kept");
    assert_eq!(erase(&mut stage, &customer), Err("customer.erase_held".into()));
    library(&mut stage.cli, hold(false), "kept");
    let mark = stage.cli.events.mark();
    assert_eq!(erase(&mut stage, &customer), Ok(()));
    stage.cli.events.wait_for("the log without them", mark, |event| {
        event["event"] == "history_changed"
            && event["history"].as_array().is_some_and(|rows| rows.iter().all(|row| row["peer"]["address"] == ""))
    });
    stage.cli.events.wait_for("nothing waits to be noted", mark, |event| {
        event["told"]["about"] == "wrap_up_gone" && event["told"]["entry"] == entry
    });
    assert_eq!(erase(&mut stage, &customer), Err("customer.gone".into()));
    for theirs in [NAME, "Zarafshan", &address, "wants 88", "pays late"] {
        assert_eq!(holding(&stage, theirs), Vec::<std::path::PathBuf>::new(), "{theirs}");
    }
    let voices = files(&stage.data()).into_iter().filter(|path| path.extension().is_some_and(|end| end == "hatif"));
    assert_eq!(voices.count(), 0, "nor is their voice there");

    let mark = stage.cli.events.mark();
    stage.cli.send(json!({ "command": "find_history", "request": 5 }));
    let found =
        stage.cli.events.wait_for("the log", mark, |event| event["event"] == "history_page" && event["request"] == 5);
    let rows = found["entries"].as_array().cloned().unwrap_or_default();
    let [row] = rows.as_slice() else { panic!("one call: {found}") };
    assert_eq!((&row["peer"]["address"], &row["outcome"]), (&json!(""), &json!("answered")), "{row}");
    stage.cli.quit();
}
