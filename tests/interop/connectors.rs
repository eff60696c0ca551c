//! Connectors, from a ringing call to what stands in the other system afterwards: a web server of the test's own, which is
//! slow, fails, takes a call and dies before it can say so; and Hatif killed in the middle of it.

use hatif_lab::{
    cli::{Cli, Options},
    ports,
};
use serde_json::{Value, json};
use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
};

const NUMBER: &str = "+982188201140";

/// What the other system holds, and how it behaves.
#[derive(Default)]
struct State {
    calls: Vec<Value>,
    hooks: Vec<(String, String)>,
    /// Takes a call and hangs up before it has said so.
    dies: bool,
    /// Looked for by our own id.
    looked_for: usize,
}

struct Crm {
    port: u16,
    state: Arc<Mutex<State>>,
}

impl Crm {
    fn start() -> Crm {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("it is bound").port();
        let state = Arc::new(Mutex::new(State::default()));
        let held = state.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let state = held.clone();
                std::thread::spawn(move || serve(stream, &state));
            }
        });
        Crm { port, state }
    }

    fn holding<T>(&self, read: impl FnOnce(&mut State) -> T) -> T {
        read(&mut self.state.lock().expect("nobody panicked with it"))
    }

    fn description(&self) -> String {
        let find = json!({ "method": "GET", "url": "{base}/calls", "query": { "ours": "{external}" } });
        let call = json!({
            "ours": "{external}", "direction": "{direction}", "number": "{number}", "outcome": "{outcome}",
            "started": "{started}", "seconds": "{duration_s:number}", "contact": "{contact}",
            "result": "{disposition}", "text": "{notes}", "status": "{status}", "tags": "{tags}",
        });
        json!({
            "hatif_connector": 1, "name": "Lab CRM", "network": "loopback", "timeout_s": 5,
            "fields": [{ "name": "base", "kind": "address" }],
            "lookup": {
                "request": { "method": "GET", "url": "{base}/people", "query": { "phone": "{number}" } },
                "forms": ["national"], "each": "$.people[*]", "map": { "id": "$.id", "name": "$.name" }, "numbers": "$.phone",
            },
            "log_call": {
                "request": { "method": "POST", "url": "{base}/calls", "json": call },
                "id": "$.id", "find": { "request": find, "id": "$.found" },
            },
        })
        .to_string()
    }

    fn connector(&self) -> Value {
        let base = format!("http://127.0.0.1:{}", self.port);
        json!({ "description": self.description(), "fields": { "base": base }, "looks_up": true, "logs_calls": true })
    }
}

fn serve(mut stream: TcpStream, state: &Mutex<State>) {
    let Some((head, body)) = request(&mut stream) else { return };
    let mut state = state.lock().expect("nobody panicked with it");
    let answer = match head.split(' ').take(2).collect::<Vec<_>>().as_slice() {
        ["GET", path] if path.starts_with("/people?phone=02188201140") => {
            json!({ "people": [{ "id": 9, "name": "سارا احمدی", "phone": "+98 21 8820 1140" }, { "id": 10, "name": "Somebody else", "phone": "+4930123456" }] })
        }
        ["GET", path] if path.starts_with("/calls?ours=") => {
            state.looked_for += 1;
            let ours = path.trim_start_matches("/calls?ours=");
            json!({ "found": state.calls.iter().position(|call| call["ours"] == ours) })
        }
        ["POST", "/calls"] => {
            state.calls.push(serde_json::from_str(&body).unwrap_or_default());
            json!({ "id": state.calls.len() })
        }
        ["POST", "/hook"] => {
            let signature = head
                .lines()
                .find_map(|line| line.to_lowercase().strip_prefix("x-hatif-signature: ").map(str::to_owned));
            state.hooks.push((signature.unwrap_or_default(), body));
            json!({})
        }
        _ => json!({ "people": [] }),
    };
    if state.dies && head.starts_with("POST") {
        return;
    }
    let answer = answer.to_string();
    let length = answer.len();
    write!(stream, "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{answer}").ok();
}

fn request(stream: &mut TcpStream) -> Option<(String, String)> {
    let mut bytes = Vec::new();
    let mut some = [0; 4096];
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = |line: &str| {
                line.to_lowercase().strip_prefix("content-length:").and_then(|n| n.trim().parse::<usize>().ok())
            };
            if body.len() >= head.lines().find_map(length).unwrap_or(0) {
                return Some((head.to_owned(), body.to_owned()));
            }
        }
        match stream.read(&mut some) {
            Ok(0) | Err(_) => return None,
            Ok(n) => bytes.extend_from_slice(&some[..n]),
        }
    }
}

fn add(cli: &mut Cli, connector: &Value) -> u64 {
    let mark = cli.events.mark();
    cli.send(json!({ "command": "connectors", "ask": { "do": "save", "request": 1, "connector": connector } }));
    let saved = cli
        .events
        .wait_for("the connector", mark, |event| event["event"] == "connectors" && event["told"]["request"] == 1);
    saved["told"]["connector"].as_u64().unwrap_or_else(|| panic!("it was refused: {saved}"))
}

/// Somebody with this number, who calls from a phone of their own.
fn caller(number: &str) -> (Cli, u64) {
    let port = ports::free(2);
    let mut caller = Cli::playing(None);
    caller.send(json!({ "command": "add_account", "account": {
        "label": "caller", "kind": "direct", "user": number, "domain": "127.0.0.1", "local_port": port } }));
    let up = caller.events.wait_for("their account", 0, |event| {
        event["event"] == "account_changed"
            && event["account"]["registration"]["state"] == "up"
            && event["account"]["label"] == "caller"
    });
    let account = up["account"]["id"].as_u64().expect("an id");
    (caller, account)
}

fn looked_up(event: &Value) -> Option<&Value> {
    (event["event"] == "connectors" && event["told"]["about"] == "looked_up")
        .then(|| &event["told"]["found"]["sources"][0])
}

fn outbox(event: &Value) -> Option<&Vec<Value>> {
    (event["event"] == "connectors" && event["told"]["about"] == "changed")
        .then(|| event["told"]["outbox"].as_array())
        .flatten()
}

#[test]
fn the_caller_is_looked_up_and_the_call_is_logged_once_whatever_happens() {
    let crm = Crm::start();
    let folder = tempfile::tempdir().expect("a folder");
    let options = || Options { data: Some(folder.path().join("data")), ..Options::default() };
    let mut agent = Cli::start(options());
    let port = ports::free(2);
    agent.add_direct(port);
    add(&mut agent, &crm.connector());

    let (mut caller, account) = caller(NUMBER);
    let call = caller.call(&format!("sip:hatif@127.0.0.1:{port}"), account);
    let ringing = agent.wait_incoming(0);
    let found = agent
        .events
        .wait_for("who it is", 0, |event| looked_up(event).is_some_and(|source| source["looking"] == false));
    let source = looked_up(&found).expect("just waited for");
    let records = source["records"].as_array().expect("records");
    assert_eq!(records.len(), 1, "one whose number is another is left out: {source}");
    assert_eq!((&records[0]["name"], &records[0]["id"]), (&json!("سارا احمدی"), &json!("9")));

    crm.holding(|state| state.dies = true);
    let mark = agent.events.mark();
    agent.tell("answer", ringing["id"].as_u64().expect("an id"));
    caller.wait_call(call, "active");
    caller.hang_up(call);
    agent.events.wait_for("a call that may be logged", mark, |event| {
        outbox(event).is_some_and(|items| {
            items.iter().any(|item| item["problem"]["code"] == "connector.broken" && item["failed"] == false)
        })
    });
    assert_eq!(crm.holding(|state| state.calls.len()), 1);

    // Killed, with the call on the disk as begun; the next start looks for it there before it is sent again.
    drop(agent);
    crm.holding(|state| state.dies = false);
    let agent = Cli::start(options());
    agent.events.wait_for("nothing waits any more", 0, |event| {
        outbox(event).is_some_and(Vec::is_empty)
            && event["told"]["connectors"].as_array().is_some_and(|all| all.len() == 1)
    });
    let (calls, looked_for) = crm.holding(|state| (state.calls.clone(), state.looked_for));
    assert_eq!((calls.len(), looked_for), (1, 1), "{calls:?}");
    assert_eq!(calls[0]["number"], NUMBER);
    assert_eq!((&calls[0]["direction"], &calls[0]["outcome"]), (&json!("incoming"), &json!("answered")));
    assert_eq!(calls[0]["contact"], "9");
    assert!(calls[0]["seconds"].is_number(), "{calls:?}");
    agent.quit();
    caller.quit();
}

#[test]
fn a_webhook_tells_of_each_moment_once_and_is_signed() {
    let crm = Crm::start();
    let mut agent = Cli::playing(None);
    let port = ports::free(2);
    agent.add_direct(port);
    let description = json!({
        "hatif_connector": 1, "name": "Hook", "network": "loopback",
        "fields": [{ "name": "base", "kind": "address" }, { "name": "secret", "kind": "secret" }],
        "webhook": {
            "on": ["ring", "answer", "end"],
            "request": { "method": "POST", "url": "{base}/hook", "json": { "event": "{event}", "number": "{number}", "key": "{key}" } },
            "sign": { "header": "X-Hatif-Signature", "secret": "secret" },
        },
    });
    let base = format!("http://127.0.0.1:{}", crm.port);
    add(
        &mut agent,
        &json!({
        "description": description.to_string(), "fields": { "base": base }, "secrets": { "secret": "s3cret" }, "tells_moments": true }),
    );
    let (mut caller, account) = caller(NUMBER);
    let call = caller.call(&format!("sip:hatif@127.0.0.1:{port}"), account);
    let ringing = agent.wait_incoming(0);
    agent.tell("answer", ringing["id"].as_u64().expect("an id"));
    caller.wait_call(call, "active");
    let mark = agent.events.mark();
    caller.hang_up(call);
    agent.events.wait_for("the end of it", mark, |event| outbox(event).is_some_and(|items| !items.is_empty()));
    agent.events.wait_for("all is sent", mark, |event| {
        outbox(event).is_some_and(Vec::is_empty) && crm.holding(|state| state.hooks.len()) == 3
    });
    let hooks = crm.holding(|state| state.hooks.clone());
    let told: Vec<Value> = hooks.iter().map(|(_, body)| serde_json::from_str(body).expect("JSON")).collect();
    let events: Vec<&str> = told.iter().filter_map(|body| body["event"].as_str()).collect();
    assert_eq!(events, ["ring", "answer", "end"]);
    for (signature, body) in &hooks {
        let (time, mac) = signature.trim_start_matches("t=").split_once(",v1=").expect("a signature");
        assert_eq!(mac, openssl_hmac("s3cret", &format!("{time}.{body}")));
    }
    agent.quit();
    caller.quit();
}

#[test]
fn what_the_agent_notes_goes_with_the_call_through_a_kill_too() {
    let crm = Crm::start();
    let folder = tempfile::tempdir().expect("a folder");
    let options = || Options { data: Some(folder.path().join("data")), ..Options::default() };
    let mut agent = Cli::start(options());
    agent.send(json!({ "command": "change_settings", "settings": { "wrap_up": true } }));
    let port = ports::free(2);
    agent.add_direct(port);
    add(&mut agent, &crm.connector());
    let (mut caller, account) = caller(NUMBER);
    let call = caller.call(&format!("sip:hatif@127.0.0.1:{port}"), account);
    let ringing = agent.wait_incoming(0);
    agent.tell("answer", ringing["id"].as_u64().expect("an id"));
    let begun = agent.events.wait_for("a wrap-up", 0, |event| {
        event["event"] == "work" && event["told"]["wrap_up"]["wrap_up"]["ticket"].is_u64()
    });
    let entry = begun["told"]["wrap_up"]["wrap_up"]["entry"].clone();
    caller.wait_call(call, "active");
    caller.hang_up(call);
    let held = |event: &Value| outbox(event).is_some_and(|items| items.iter().any(|item| item["held"] == true));
    agent.events.wait_for("the call, held for its wrap-up", 0, held);
    let keep = |agent: &mut Cli, done: bool| {
        let noted = json!({ "entry": entry, "disposition": "order", "status": "follow_up", "notes": "order 88\n\"late\"", "tags": ["VIP", "late"], "done": done });
        agent.send(json!({ "command": "work", "ask": { "do": "keep", "wrap_up": noted } }));
    };
    let mark = agent.events.mark();
    keep(&mut agent, false);
    agent.events.wait_for("it is noted", mark, |event| outbox(event).is_some());
    // By now it is on the disk: the answer to a later question has come.
    agent.send(json!({ "command": "work", "ask": { "do": "of", "entries": [entry] } }));
    agent.events.wait_for("what was noted", mark, |event| event["told"]["wrap_ups"][0]["disposition"] == "order");
    drop(agent);
    assert_eq!(crm.holding(|state| state.calls.clone()), Vec::<Value>::new(), "not told before the agent is through");

    let mut agent = Cli::start(options());
    agent.events.wait_for("the call, held as before", 0, held);
    agent.events.wait_for("its wrap-up", 0, |event| {
        event["event"] == "work" && event["told"]["wrap_up"]["wrap_up"]["entry"] == entry
    });
    keep(&mut agent, true);
    agent.events.wait_for("nothing waits any more", 0, |event| {
        outbox(event).is_some_and(Vec::is_empty) && crm.holding(|state| !state.calls.is_empty())
    });
    let calls = crm.holding(|state| state.calls.clone());
    assert_eq!(calls.len(), 1, "{calls:?}");
    let told = ["number", "result", "text", "status", "tags"].map(|name| calls[0][name].as_str().unwrap_or_default());
    assert_eq!(told, [NUMBER, "order", "order 88\n\"late\"", "follow_up", "VIP, late"]);
    agent.quit();
    caller.quit();
}

/// By a program that is not ours.
fn openssl_hmac(secret: &str, text: &str) -> String {
    let mut child = std::process::Command::new("openssl")
        .args(["dgst", "-sha256", "-hmac", secret])
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .expect("openssl");
    child.stdin.take().expect("asked for").write_all(text.as_bytes()).expect("it reads");
    let output = child.wait_with_output().expect("it ends");
    String::from_utf8_lossy(&output.stdout).split_whitespace().last().unwrap_or_default().to_owned()
}
