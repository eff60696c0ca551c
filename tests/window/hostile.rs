//! 4,200 strings of strangers through the real window: 300 payloads (`payloads.rs`), each in every field that a caller
//! can fill, by SIP on loopback. Nothing runs, nothing is fetched, the layout stands.
//!
//! A new field (a MESSAGE, a CRM's answer, a vCard) is another entry in [`FIELDS`].

use crate::{alone, application, payloads};
use hatif_lab::{DEADLINE, ports, process::eventually, stranger::Stranger, webdriver::Window};
use serde_json::{Value, json};
use std::{
    io::Read,
    net::TcpListener,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

/// Calls at once, as many as the phone lets ring.
const BATCH: usize = 4;

/// A field by name, and the header that carries a payload in it.
type Field = (&'static str, fn(&str) -> String);

/// The header that carries a payload, for each field but the ones of From, which share theirs.
const FIELDS: &[Field] = &[
    ("From, name", |_| String::new()),
    ("From, user", |_| String::new()),
    ("To, name", |_| String::new()),
    ("P-Asserted-Identity", |p| format!("P-Asserted-Identity: {} <sip:1@127.0.0.1>\r\n", quoted(p))),
    ("Remote-Party-ID", |p| format!("Remote-Party-ID: {} <sip:1@127.0.0.1>;privacy=off\r\n", quoted(p))),
    ("Diversion", |p| format!("Diversion: {} <sip:{}@127.0.0.1>;reason=no-answer\r\n", quoted(p), escaped(p))),
    ("History-Info", |p| {
        format!("History-Info: <sip:{}@127.0.0.1>;index=1, <sip:2@127.0.0.1>;index=1.1\r\n", escaped(p))
    }),
    ("Subject", |p| format!("Subject: {p}\r\n")),
    ("User-Agent", |p| format!("User-Agent: {p}\r\n")),
    ("Organization", |p| format!("Organization: {p}\r\n")),
    ("X-Queue-Name", |p| format!("X-Queue-Name: {p}\r\n")),
    ("X-Customer", |p| format!("X-Customer: {p}\r\n")),
    ("Call-Info", |p| format!("Call-Info: <http://127.0.0.1/{}>;purpose=icon\r\n", escaped(p))),
    ("Alert-Info", |p| format!("Alert-Info: <{}>\r\n", escaped(p))),
];

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

fn escaped(text: &str) -> String {
    text.bytes()
        .map(|b| if b.is_ascii_alphanumeric() { char::from(b).to_string() } else { format!("%{b:02X}") })
        .collect()
}

/// A server that must hear nothing.
fn canary() -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port on loopback");
    let url = format!("http://{}", listener.local_addr().expect("it is bound"));
    let heard = Arc::new(AtomicUsize::new(0));
    let count = heard.clone();
    // It ends with the test process.
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            count.fetch_add(1, Ordering::SeqCst);
            let _ = stream.read(&mut [0; 1024]);
        }
    });
    (url, heard)
}

/// Everything that must not have happened, in one question; empty when all is well.
const WRONG: &str = r##"
const wrong = [];
if (window.hostileRan !== undefined) wrong.push("something ran");
if (document.title !== window.hostileTitle) wrong.push("the title is " + document.title);
wrong.push(...window.hostileHeard);
const foreign = "script:not([src^='./']):not([type=module]), iframe, object, embed, base, form[action], video, audio, "
  + "meta[http-equiv=refresh], [onerror], [onload], [onfocus], [ontoggle], [href^='javascript'], [src^='http']";
for (const found of document.body.querySelectorAll(foreign)) wrong.push("a foreign element: " + found.outerHTML.slice(0, 200));
const page = document.documentElement;
if (page.scrollWidth > innerWidth) wrong.push("the page is " + page.scrollWidth + " wide in " + innerWidth);
const answer = document.querySelector("#answer");
if (answer) {
  const box = answer.getBoundingClientRect();
  const inside = box.left >= 0 && box.right <= innerWidth && box.width > 20 && box.height > 20;
  if (!inside) wrong.push("the answer button is at " + JSON.stringify(box));
}
return wrong;
"##;

/// What the page complains of from here on is kept.
const LISTEN: &str = r#"
window.hostileTitle = document.title;
window.hostileHeard = [];
const keep = (what) => (event) => window.hostileHeard.push(what + ": " + (event.message ?? event.violatedDirective ?? event.reason ?? event));
addEventListener("error", keep("error"));
addEventListener("unhandledrejection", keep("rejection"));
addEventListener("securitypolicyviolation", keep("policy"));
console.error = keep("console");
"#;

fn send(window: &Window, command: &Value) {
    window.script(&format!("return window.__TAURI_INTERNALS__.invoke('send', {{ command: {command} }})"));
}

fn all_is_well(window: &Window, when: &str) {
    assert_eq!(window.script(WRONG), json!([]), "{when}");
}

fn account(port: u16, label: &str, name: &str) -> Value {
    json!({ "kind": "direct", "user": "desk", "domain": "127.0.0.1", "local_port": port, "label": label, "display_name": name })
}

/// A window that listens for complaints, the payloads, and how often one of them was fetched.
fn watched() -> (Window, Vec<String>, Arc<AtomicUsize>) {
    let (url, fetched) = canary();
    let window = Window::open(&application(), "en");
    window.wait_text("#practice-call", |text| !text.is_empty());
    window.script(LISTEN);
    (window, payloads::all(&url), fetched)
}

fn accounts(window: &Window) -> Value {
    window.script("return window.__TAURI_INTERNALS__.invoke('ready').then((snapshot) => snapshot.accounts)")
}

/// An account for callers on loopback: its port and its id.
fn reachable(window: &Window) -> (u16, u64) {
    let port = ports::free(2);
    // A queue's calls ring for who is ready.
    send(window, &json!({ "command": "set_agent_state", "state": "ready" }));
    send(window, &json!({ "command": "add_account", "account": account(port, "Desk", "Desk") }));
    let id = eventually("the account stands", DEADLINE, || {
        accounts(window).as_array()?.iter().find(|account| account["kind"] == "direct")?["id"].as_u64()
    });
    (port, id)
}

#[test]
fn nothing_of_4200_strings_runs_is_fetched_or_breaks_the_layout() {
    let _alone = alone();
    let (window, payloads, fetched) = watched();
    let (port, id) = reachable(&window);

    let stranger = Stranger::calling(port);
    let payload = |call: usize, field: usize| payloads[(call + field * 19) % payloads.len()].as_str();
    let ends = |call: usize| {
        let user = escaped(payload(call, 1));
        let from = format!("{} <sip:{user}@127.0.0.1>", quoted(payload(call, 0)));
        (from, format!("{} <sip:desk@127.0.0.1:{port}>", quoted(payload(call, 2))))
    };
    let (mut rang, mut strip) = (0, false);
    for batch in (0..payloads.len()).collect::<Vec<_>>().chunks(BATCH) {
        for &call in batch {
            let (from, to) = ends(call);
            let headers: String =
                FIELDS.iter().enumerate().map(|(field, (_, line))| line(payload(call, field))).collect();
            stranger.request("INVITE", call, &from, &to, &headers);
        }
        let answers = stranger.answers(batch, 180);
        let ringing: Vec<usize> = batch.iter().copied().filter(|call| answers[call].0 == 180).collect();
        rang += ringing.len();
        if !ringing.is_empty() {
            window.wait_text("#answer", |text| !text.is_empty());
        }
        all_is_well(&window, &format!("while the calls {batch:?} ring, {answers:?}"));
        for &call in &ringing {
            let (from, to) = ends(call);
            stranger.request("CANCEL", call, &from, &to, "");
        }
        for (call, (_, to)) in stranger.answers(&ringing, 400) {
            let (from, _) = ends(call);
            stranger.request("ACK", call, &from, &to, "");
        }
        window.wait_gone("#answer");
        all_is_well(&window, &format!("in the call log, after the calls {batch:?}"));
        // The second half in the strip, where there is no room to spare.
        if batch[0] >= payloads.len() / 2 && !strip {
            strip = true;
            send(&window, &json!({ "command": "window", "window": { "on_top": false, "strip": true } }));
            eventually("a strip", DEADLINE, || (window.script("return innerWidth") == json!(320)).then_some(()));
            window.screenshot("window-hostile-strip");
        }
    }
    println!("{} strings in {} calls, of which {rang} rang", payloads.len() * FIELDS.len(), payloads.len());
    assert!(rang * 10 >= payloads.len() * 9, "the rest is refused as no SIP at all: {rang} rang");

    // What comes from the user's own hand, or from a colleague's settings file: an account's label and name.
    for (at, payload) in payloads.iter().enumerate().step_by(3) {
        let changed = account(port, payload, &payloads[(at + 150) % payloads.len()]);
        send(&window, &json!({ "command": "change_account", "id": id, "account": changed }));
        all_is_well(&window, &format!("account label {at}"));
    }
    window.screenshot("window-hostile");
    assert_eq!(fetched.load(Ordering::SeqCst), 0, "something was fetched");
    // The page still works.
    eventually("the page still answers", DEADLINE, || {
        accounts(&window).as_array().filter(|all| !all.is_empty()).map(|_| ())
    });
}

/// The number of the person with this payload.
fn number(of: usize) -> String {
    format!("+9715000{of:05}")
}

/// A vCard (RFC 6350) with a payload in each field that people are known by.
fn vcard(of: usize, payloads: &[String]) -> String {
    let text = |field: usize| {
        let payload = payloads[(of + field * 19) % payloads.len()].replace('\\', "\\\\").replace(['\r', '\n'], "\\n");
        payload.replace(',', "\\,").replace(';', "\\;")
    };
    format!(
        "BEGIN:VCARD\r\nVERSION:4.0\r\nFN:{}\r\nORG:{}\r\nNOTE:{}\r\nCATEGORIES:{}\r\nEMAIL:{}\r\nTEL:{}\r\nEND:VCARD\r\n",
        text(0),
        text(1),
        text(2),
        text(3),
        text(4),
        number(of)
    )
}

/// What comes by other ways than a call: a file of people, in its preview, in the list and on the card while they call;
/// texts.
#[test]
fn nothing_of_a_file_of_people_or_a_text_runs_is_fetched_or_breaks_the_layout() {
    let _alone = alone();
    let (window, payloads, fetched) = watched();
    let (port, _) = reachable(&window);
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("people.vcf");
    let cards: String = (0..payloads.len()).map(|of| vcard(of, &payloads)).collect();
    std::fs::write(&file, cards).expect("a file");
    window.click("#nav-customers");
    window.wait_text("#customers-import", |text| !text.is_empty());
    window.choose_file("#customers-file", &file);
    window.wait_text("#import-start:enabled", |text| !text.is_empty());
    all_is_well(&window, "before the import");
    window.screenshot("window-hostile-import");
    window.click("#import-start");
    window.wait_text("#import-close", |text| !text.is_empty());
    all_is_well(&window, "after the import");
    window.click("#import-close");
    window.wait_text("#customers", |text| !text.is_empty());
    all_is_well(&window, "in the list");
    window.click("#nav-home");

    let stranger = Stranger::calling(port);
    let to = format!("<sip:desk@127.0.0.1:{port}>");
    let mut known = 0;
    for call in (0..payloads.len()).step_by(5) {
        let from = format!("<sip:{}@127.0.0.1>", number(call));
        stranger.request("INVITE", call, &from, &to, "");
        stranger.answers(&[call], 180);
        window.wait_text("#answer", |text| !text.is_empty());
        window.wait_text("#card-brief", |text| !text.is_empty());
        known +=
            usize::from(window.script("return document.querySelector('#card-brief .notes') !== null") == json!(true));
        all_is_well(&window, &format!("while person {call} calls"));
        stranger.request("CANCEL", call, &from, &to, "");
        for (call, (_, to)) in stranger.answers(&[call], 400) {
            stranger.request("ACK", call, &from, &to, "");
        }
        window.wait_gone("#answer");
    }
    assert!(known > 30, "the card knew {known} of 60");

    for (n, text) in payloads.iter().enumerate() {
        stranger.message(1_000 + n, "\"Layla\" <sip:1007@127.0.0.1>", &to, text);
        // A stranger who sends more than 100 datagrams a second is not listened to.
        std::thread::sleep(std::time::Duration::from_millis(15));
        if n % 10 == 9 {
            all_is_well(&window, &format!("after text {n}"));
        }
    }
    let texts =
        || window.script("return window.__TAURI_INTERNALS__.invoke('ready').then((now) => now.messages.length)");
    eventually("texts have come", DEADLINE, || (texts().as_u64()? > 150).then_some(()));
    window.click("#nav-colleagues");
    window.wait_text("#other-messages", |text| !text.is_empty());
    all_is_well(&window, "where texts are");
    window.script(
        "[...document.querySelectorAll('section[aria-labelledby=other-messages] button')].at(-1).click(); return 0",
    );
    window.wait_text("ol.messages", |text| !text.is_empty());
    all_is_well(&window, "with all texts");
    window.screenshot("window-hostile-texts");
    assert_eq!(fetched.load(Ordering::SeqCst), 0, "something was fetched");
}

/// The test would notice: the same strings in a page that takes them for HTML.
#[test]
fn a_page_that_trusts_a_name_is_noticed() {
    let _alone = alone();
    let (window, payloads, _) = watched();
    all_is_well(&window, "before");
    let careless = json!(payloads[2]);
    window.script(&format!("document.body.insertAdjacentHTML('beforeend', {careless})"));
    eventually("it is noticed", DEADLINE, || {
        window.script(WRONG).as_array().filter(|wrong| !wrong.is_empty()).map(|_| ())
    });
}

/// Whatever gets hold of the page does not get at the disk through it: the page hands files over and names none.
#[test]
fn a_page_names_no_file() {
    let _alone = alone();
    let window = Window::open(&application(), "en");
    window.wait_text("#practice-call", |text| !text.is_empty());
    let look = |source: Value| {
        let ask = json!({ "do": "look", "source": source });
        let command = json!({ "command": "customer_files", "ask": ask });
        let asked = format!("window.__TAURI_INTERNALS__.invoke('send', {{ command: {command} }})");
        window.script(&format!("return {asked}.then(() => 'taken', () => 'refused')"))
    };
    assert_eq!(look(json!({ "from": "disk", "path": "/etc/passwd" })), "refused");
    assert_eq!(look(json!({ "from": "page", "name": "people.csv", "size": 3 })), "taken");
}
