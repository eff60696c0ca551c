//! What is wrong with an address, a port or the network is told in words, and costs nothing but itself.

use hatif_lab::{Cli, Kamailio, asterisk::User, cli, kamailio, kamailio::DOMAIN, ports, sipp};
use serde_json::{Value, json};
use std::net::UdpSocket;

fn agent() -> User {
    User { name: "agent".into(), password: "secret".into() }
}

fn code(registration: &Value) -> &str {
    registration["reason"]["code"].as_str().unwrap_or_default()
}

/// A PBX that is not there: what is told, of the account and of a call.
fn told(options: cli::Options, registrar: &str, transport: &str) -> [String; 2] {
    let mut cli = Cli::start(options);
    let account = cli.add_account(&agent(), registrar, registrar, json!({ "transport": transport }));
    let registration = cli.wait_registration(account, "down");
    assert_eq!(registration["retry"], true, "it may pass: {registration}");
    let call = cli.call("600", account);
    let ended = cli.wait_call(call, "ended");
    assert_eq!(ended["state"]["outcome"], "failed", "{ended}");
    cli.quit();
    for reason in [&registration["reason"], &ended["state"]["reason"]] {
        assert!(reason["code"] != "wire.host_unknown" || reason["params"]["host"] == registrar, "which one? {reason}");
    }
    [code(&registration), ended["state"]["reason"]["code"].as_str().unwrap_or_default()].map(String::from)
}

#[test]
fn a_host_that_nobody_knows() {
    for transport in ["udp", "tcp", "tls"] {
        let told = told(cli::Options::default(), "pbx.invalid", transport);
        assert_eq!(told, ["wire.host_unknown"; 2], "{transport}");
    }
}

#[test]
fn a_port_where_nobody_listens() {
    for transport in ["udp", "tcp", "tls"] {
        let nobody = format!("127.0.0.1:{}", ports::free(1));
        let told = told(cli::Options::default(), &nobody, transport);
        assert_eq!(told, ["wire.refused"; 2], "{transport}");
    }
}

#[test]
fn no_network_at_all() {
    for transport in ["udp", "tcp"] {
        let offline = cli::Options { offline: true, ..Default::default() };
        assert_eq!(told(offline, "192.0.2.1", transport), ["wire.no_network"; 2], "{transport}");
    }
    let mut cli = Cli::start(cli::Options { offline: true, ..Default::default() });
    let account = cli.add_account(&agent(), "pbx.example", "pbx.example", json!({}));
    assert_eq!(code(&cli.wait_registration(account, "down")), "wire.host_unknown", "no name can be looked up");
    cli.quit();
}

#[test]
fn a_port_that_another_program_has() {
    let mut cli = Cli::start(cli::Options { auto_answer: true, ..Default::default() });
    let good = ports::free(2);
    cli.add_direct(good);
    let other = UdpSocket::bind("127.0.0.1:0").unwrap();
    let taken = other.local_addr().unwrap().port();
    let direct = json!({ "kind": "direct", "local_port": taken });
    let account = cli.add_account(&agent(), "127.0.0.1", "127.0.0.1", direct);
    let registration = cli.wait_registration(account, "down");
    assert_eq!((code(&registration), &registration["retry"]), ("wire.port_in_use", &json!(true)));
    // The other account is called as if nothing were wrong.
    sipp::call(&format!("127.0.0.1:{good}"), "hatif", 300);
    // The other program ends: Hatif has the port by itself.
    let mark = cli.events.mark();
    drop(other);
    cli.wait_registration_after(mark, account, "up");
    sipp::call(&format!("127.0.0.1:{taken}"), "agent", 300);
    cli.quit();
}

/// What the PBX does not see of an account can be changed in passing; what it is reached by is made anew.
#[test]
fn an_account_that_is_renamed_or_moved_can_still_be_called() {
    let kamailio = Kamailio::start(kamailio::Options::default());
    let mut cli = Cli::start(cli::Options { auto_answer: true, ..Default::default() });
    let user = kamailio.user();
    let account = cli.register(&user, DOMAIN, &kamailio.address(), json!({}));
    let mark = cli.events.mark();
    let renamed = json!({
        "user": user.name, "domain": DOMAIN, "registrar": kamailio.address(), "label": "Renamed", "display_name": "Ann",
    });
    cli.send(json!({ "command": "change_account", "id": account, "account": renamed }));
    cli.wait_registration_after(mark, account, "up");
    let mut caller = Cli::playing(None);
    let calling = caller.register(&kamailio.user(), DOMAIN, &kamailio.address(), json!({}));
    let call = caller.call(&user.name, calling);
    caller.wait_call(call, "active");
    caller.hang_up(call);
    caller.quit();

    let (first, second) = (ports::free(2), ports::free(2));
    let direct = cli.add_direct(first);
    let mark = cli.events.mark();
    let moved = json!({ "kind": "direct", "user": "hatif", "domain": "127.0.0.1", "local_port": second });
    cli.send(json!({ "command": "change_account", "id": direct, "account": moved }));
    cli.wait_registration_after(mark, direct, "down");
    cli.wait_registration_after(mark, direct, "up");
    sipp::call(&format!("127.0.0.1:{second}"), "hatif", 300);
    cli.quit();
}

/// A direct account that is switched off takes no calls, and takes them again when it is switched on.
#[test]
fn a_direct_account_can_be_switched_off() {
    let mut cli = Cli::start(cli::Options { auto_answer: true, ..Default::default() });
    let port = ports::free(2);
    let account = cli.add_direct(port);
    cli.send(json!({ "command": "unregister", "account": account }));
    cli.wait_registration(account, "off");
    let mark = cli.events.mark();
    let mut caller = Cli::playing(None);
    let calling = caller.add_direct(ports::free(2));
    let call = caller.call(&format!("sip:hatif@127.0.0.1:{port}"), calling);
    let ended = caller.wait_call(call, "ended");
    assert_eq!(ended["state"]["reason"]["code"], "call.unavailable", "{ended}");
    assert!(cli.events.since(mark).iter().all(|event| event["event"] != "call_changed"), "it rang all the same");
    let mark = cli.events.mark();
    cli.send(json!({ "command": "register", "account": account }));
    cli.wait_registration_after(mark, account, "up");
    sipp::call(&format!("127.0.0.1:{port}"), "hatif", 300);
    cli.quit();
    caller.quit();
}
