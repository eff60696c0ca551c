//! What Asterisk tells beside calls: colleagues' lamps, mailboxes, text messages, the queue's headers, names of peers.

use hatif_lab::{
    Asterisk, Baresip, Cli,
    asterisk::{Codecs, User},
    baresip,
};
use serde_json::{Value, json};

/// A phone on the shared PBX, with these options of its account.
fn registered(options: Value) -> (Cli, u64, User) {
    let asterisk = Asterisk::shared();
    let user = asterisk.user(Codecs::G711);
    let mut cli = Cli::playing(None);
    let account = cli.register(&user, &asterisk.address(), &asterisk.address(), json!({}));
    cli.send(json!({ "command": "set_account_options", "account": account, "options": options }));
    (cli, account, user)
}

/// Waits, from `mark` on, until the one colleague's lamp is in that state, and returns where to wait from next.
fn lamp(cli: &Cli, mark: usize, state: &str) -> usize {
    cli.events.wait_for(&format!("a lamp {state}"), mark, |event| {
        event["event"] == "colleagues_changed" && event["colleagues"][0]["lamp"]["state"] == state
    });
    cli.events.mark()
}

#[test]
fn a_colleagues_lamp_shows_what_he_does() {
    let asterisk = Asterisk::shared();
    for kind in ["dialog", "presence"] {
        let colleague = asterisk.user(Codecs::G711);
        let list = json!([{ "name": "Zoe", "number": colleague.name, "lamp": kind }]);
        let (cli, ..) = registered(json!({ "colleagues": list }));
        let account = Some((colleague.clone(), asterisk.address(), "udp"));
        let options = baresip::Options { account, codecs: "pcma", auto_answer: false, ..Default::default() };
        let mut phone = Baresip::start(options);
        phone.wait_until_registered();
        let mark = lamp(&cli, 0, "free");
        asterisk.call(&colleague, "602");
        phone.wait_for("CALL_INCOMING");
        let mark = if kind == "dialog" { lamp(&cli, mark, "ringing") } else { mark };
        phone.command("accept", "");
        let mark = lamp(&cli, mark, "busy");
        phone.command("hangup", "");
        lamp(&cli, mark, "free");
        cli.quit();
    }
}

#[test]
fn a_message_in_the_mailbox_is_told() {
    let asterisk = Asterisk::shared();
    // By SUBSCRIBE where the account names a mailbox, unasked otherwise.
    for options in [json!({ "mailbox": "*97" }), json!({})] {
        let (cli, account, user) = registered(options);
        asterisk.leave_message(&user);
        cli.events.wait_for("a message in the mailbox", 0, |event| {
            event["event"] == "mailboxes_changed"
                && event["mailboxes"].as_array().is_some_and(|all| {
                    all.iter().any(|m| m["account"] == account && m["waiting"] == true && m["new"] == 1)
                })
        });
        cli.quit();
    }
}

#[test]
fn text_messages_go_both_ways() {
    let (mut one, account, from) = registered(json!({}));
    let (two, _, to) = registered(json!({}));
    let text = "سلام — hello\nsecond line";
    one.send(json!({ "command": "message", "account": account, "to": to.name, "text": text }));
    let message = |cli: &Cli, state: &str| {
        let has = |m: &&Value| m["delivery"]["state"] == state;
        let newest = |event: &Value| event["messages"].as_array().and_then(|all| all.iter().find(has).cloned());
        let event = cli.events.wait_for(&format!("a message {state}"), 0, |event| newest(event).is_some());
        newest(&event).expect("it was waited for")
    };
    message(&one, "sent");
    let received = message(&two, "received");
    assert_eq!((&received["text"], &received["peer"]["address"]), (&json!(text), &json!(from.name)), "{received}");
    one.send(json!({ "command": "message", "account": account, "to": "nobody-here", "text": "x" }));
    message(&one, "failed");
}

#[test]
fn a_queues_call_brings_its_headers() {
    let asterisk = Asterisk::shared();
    let rules = json!([
        { "header": "X-Customer-Id", "field": "customer" },
        { "header": "X-Queue-Name", "field": "queue" },
    ]);
    let (mut cli, _, user) = registered(json!({ "headers": rules, "trust_identity": true }));
    cli.send(json!({ "command": "set_agent_state", "state": "ready" }));
    let account = Some((asterisk.user(Codecs::G711), asterisk.address(), "udp"));
    let mut caller = Baresip::start(baresip::Options { account, codecs: "pcma", ..Default::default() });
    caller.wait_until_registered();
    caller.command("dial", &format!("sip:7{}@{}", user.name, hatif_lab::kamailio::DOMAIN));
    let call = cli.wait_incoming(0);
    assert_eq!((&call["queue"], &call["customer"]), (&json!("support"), &json!("C-4711")), "{call}");
    // It is asked for by the PBX, and not done: nobody allowed it.
    cli.events.wait_for("it rings", 0, |event| event["call"]["state"]["state"] == "incoming");
    caller.command("hangup", "");
    let id = call["id"].as_u64().expect("an id");
    let ended = cli.wait_call(id, "ended");
    assert_eq!(ended["state"]["reason"]["code"], "call.missed", "{ended}");
}

#[test]
fn who_is_reached_after_a_transfer_elsewhere_is_named() {
    let asterisk = Asterisk::shared();
    let (mut cli, account, _) = registered(json!({ "trust_identity": true }));
    let phone = |tone| {
        let user = asterisk.user(Codecs::G711);
        let account = Some((user.clone(), asterisk.address(), "udp"));
        let mut phone = Baresip::start(baresip::Options { account, tone, codecs: "pcma", ..Default::default() });
        phone.wait_until_registered();
        (phone, user)
    };
    let ((mut first, reached), (_second, next)) = (phone(500), phone(900));
    let call = cli.call(&reached.name, account);
    cli.wait_call(call, "active");
    cli.wait_heard(500, 0.5);
    first.command("transfer", &format!("sip:{}@{}", next.name, hatif_lab::kamailio::DOMAIN));
    let changed = cli.events.wait_for("the new peer", 0, |event| {
        event["call"]["id"] == call && event["call"]["peer"]["address"] == next.name.as_str()
    });
    assert_eq!(changed["call"]["peer"]["name"], format!("Phone {}", next.name), "{changed}");
    cli.wait_tail(900, true);
    cli.hang_up(call);
}
