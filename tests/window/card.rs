//! The caller's card in the real window, with the real database below it: a known number shows who it is while it rings,
//! a customer's number of the PBX outweighs the telephone's, an unknown caller is made a customer and known the next time.

use crate::{alone, application, words_of};
use hatif_lab::{DEADLINE, ports, process::eventually, stranger::Stranger, webdriver::Window};
use serde_json::{Value, json};

fn send(window: &Window, command: &Value) {
    window.script(&format!("return window.__TAURI_INTERNALS__.invoke('send', {{ command: {command} }})"));
}

fn save(window: &Window, customer: Value) {
    let ask = json!({ "do": "save", "request": 900, "customer": customer });
    send(window, &json!({ "command": "customers", "ask": ask }));
}

/// Waits until all of this is read there, and it has a place on the screen.
pub fn shows(window: &Window, css: &str, parts: &[&str]) {
    let script = format!(
        "const found = document.querySelector('{css}'); return found?.getBoundingClientRect().height > 0 ? found.textContent : null"
    );
    eventually(&format!("{css} shows {parts:?}"), DEADLINE, || {
        let text = window.script(&script);
        let text = text.as_str()?;
        parts.iter().all(|part| text.contains(part)).then_some(())
    });
}

#[test]
fn the_card_shows_who_calls_and_an_unknown_caller_becomes_a_customer() {
    let _alone = alone();
    let say = words_of("ar");
    let window = Window::open(&application(), "ar");
    window.wait_text("#practice-call", |text| !text.is_empty());
    let port = ports::free(2);
    let options = json!({ "country": "98", "headers": [{ "header": "X-Customer-Id", "field": "customer" }] });
    let account = json!({ "kind": "direct", "user": "desk", "domain": "127.0.0.1", "local_port": port, "label": "Desk", "options": options });
    send(&window, &json!({ "command": "set_agent_state", "state": "ready" }));
    send(&window, &json!({ "command": "add_account", "account": account }));
    eventually("the account stands", DEADLINE, || {
        let snapshot = window.script("return window.__TAURI_INTERNALS__.invoke('ready')");
        snapshot["accounts"].as_array()?.iter().any(|account| account["kind"] == "direct").then_some(())
    });
    save(
        &window,
        json!({ "name": "سارة الأحمدي", "company": "شركة النسيج", "numbers": ["021 8820 1140"], "stage": "customer" }),
    );
    save(&window, json!({ "name": "Omid", "company": "Water & Sons", "reference": "4711", "notes": "late order" }));

    let stranger = Stranger::calling(port);
    let to = format!("<sip:desk@127.0.0.1:{port}>");
    let ring = |call: usize, from: &str, headers: &str| {
        stranger.request("INVITE", call, from, &to, headers);
        assert_eq!(stranger.answers(&[call], 180)[&call].0, 180, "it rings");
    };
    let give_up = |call: usize, from: &str| {
        stranger.request("CANCEL", call, from, &to, "");
        for (call, (_, to)) in stranger.answers(&[call], 400) {
            stranger.request("ACK", call, from, &to, "");
        }
        window.wait_gone("#answer");
    };

    let known = "<sip:+982188201140@127.0.0.1>";
    ring(1, known, "");
    shows(&window, "#card-brief", &["شركة النسيج", &say("customer.stage.customer")]);
    shows(&window, ".incoming h2", &["سارة الأحمدي"]);
    window.screenshot("window-card-incoming");
    give_up(1, known);

    // The PBX knows better than the number of the house.
    ring(2, known, "X-Customer-Id: 4711\r\n");
    shows(&window, "#card-brief", &["Water & Sons", "late order"]);
    give_up(2, known);

    let unknown = "\"Anna\" <sip:+49301234567@127.0.0.1>";
    ring(3, unknown, "");
    shows(&window, "#card-brief", &[&say("card.unknown")]);
    window.click("#answer");
    window.click("#card-new");
    let number = eventually("the number is filled in", DEADLINE, || {
        window.script("return document.querySelector('#customer-numbers')?.value").as_str().map(str::to_owned)
    });
    assert_eq!(number, "+49 30 1234567");
    window.type_into("#customer-company", "Schmidt GmbH");
    window.click("#customer-save");
    shows(&window, ".card", &["Schmidt GmbH"]);
    window.screenshot("window-card-call");

    ring(4, unknown, "");
    shows(&window, "#card-brief", &["Schmidt GmbH"]);
}
