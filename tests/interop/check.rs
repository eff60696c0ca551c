//! The connection check against real servers: which step fails, and why.

use hatif_lab::{
    Cli, Coturn, Kamailio,
    asterisk::User,
    certs::{Certs, Shown},
    cli, coturn,
    kamailio::{self, DOMAIN},
    ports,
};
use serde_json::{Value, json};

/// Runs the check to its end: step, state, and the code of what is said.
fn check(cli: &mut Cli, account: u64) -> Vec<[String; 3]> {
    let mark = cli.events.mark();
    cli.send(json!({ "command": "check_connection", "account": account }));
    let event = cli
        .events
        .wait_for("the end of the check", mark, |event| event["event"] == "check" && event["check"]["done"] == true);
    let first = cli.events.wait_for("its beginning", mark, |event| event["event"] == "check");
    let steps = |event: &Value| event["check"]["steps"].as_array().cloned().unwrap_or_default();
    assert!(steps(&first).iter().all(|step| step["state"] == "waiting"), "all is seen from the beginning: {first}");
    let word = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    steps(&event).iter().map(|s| [word(&s["step"]), word(&s["state"]), word(&s["text"]["code"])]).collect()
}

fn stranger() -> User {
    User { name: "agent".into(), password: "secret".into() }
}

#[test]
fn a_good_account_passes_every_step() {
    let kamailio = Kamailio::start(kamailio::Options::default());
    let coturn = Coturn::start("127.0.0.1", ports::free(2), &[]);
    let mut cli = Cli::start(cli::Options::default());
    let options = json!({ "stun": coturn.address() });
    let ca = Certs::get().authority();
    let fields = json!({ "transport": "tls", "ca_file": ca, "options": options });
    let tls = cli.register(&kamailio.user(), DOMAIN, &kamailio.tls_address(), fields);
    let passed = |step: &str| [step, "passed", "-"].map(String::from);
    assert_eq!(check(&mut cli, tls), ["name", "connect", "tls", "registration", "stun"].map(passed));
    for transport in ["udp", "tcp"] {
        let fields = json!({ "transport": transport });
        let account = cli.register(&kamailio.user(), DOMAIN, &kamailio.address(), fields);
        assert_eq!(check(&mut cli, account), ["name", "connect", "registration"].map(passed), "{transport}");
    }
    let direct = cli.add_direct(ports::free(2));
    assert_eq!(check(&mut cli, direct), ["registration"].map(passed));
    cli.quit();
}

#[test]
fn the_step_that_fails_says_why_and_those_behind_it_are_left_out() {
    let mut cli = Cli::start(cli::Options::default());
    let expired = Kamailio::start(kamailio::Options { shown: Shown::Expired, ..Default::default() });
    let ca = Certs::get().authority();
    let nobody = format!("127.0.0.1:{}", ports::free(2));
    let silent = json!({ "transport": "tcp", "options": { "stun": nobody } });
    let cases = [
        (
            "pbx.invalid".to_owned(),
            json!({ "transport": "tls" }),
            vec![
                "name failed wire.host_unknown",
                "connect left_out -",
                "tls left_out -",
                "registration failed wire.host_unknown",
            ],
        ),
        (
            nobody.clone(),
            silent,
            vec![
                "name passed -",
                "connect failed wire.refused",
                "registration failed wire.refused",
                "stun failed check.stun_silent",
            ],
        ),
        (
            nobody,
            json!({ "transport": "udp", "options": { "stun": "stun.invalid" } }),
            vec![
                "name passed -",
                "connect failed wire.refused",
                "registration failed wire.refused",
                "stun failed check.stun_name",
            ],
        ),
        (
            expired.tls_address(),
            json!({ "transport": "tls", "ca_file": ca }),
            vec!["name passed -", "connect passed -", "tls failed tls.expired", "registration failed tls.expired"],
        ),
    ];
    for (registrar, fields, expected) in cases {
        let account = cli.add_account(&stranger(), DOMAIN, &registrar, fields);
        let found: Vec<String> = check(&mut cli, account).iter().map(|step| step.join(" ")).collect();
        assert_eq!(found, expected);
    }
    cli.quit();
}

#[test]
fn a_wrong_password_and_an_account_that_is_off_are_told_at_the_registration() {
    let kamailio = Kamailio::start(kamailio::Options::default());
    let mut cli = Cli::start(cli::Options::default());
    let user = User { password: "wrong".into(), ..kamailio.user() };
    let account = cli.add_account(&user, DOMAIN, &kamailio.address(), json!({}));
    let down = cli.wait_registration(account, "down");
    let told = down["reason"]["code"].as_str().expect("a reason").to_owned();
    assert_eq!(check(&mut cli, account).pop(), Some(["registration".into(), "failed".into(), told]));
    cli.send(json!({ "command": "unregister", "account": account }));
    cli.wait_registration(account, "off");
    let off = ["registration", "failed", "check.off"].map(String::from);
    assert_eq!(check(&mut cli, account).pop(), Some(off));
    let mark = cli.events.mark();
    cli.send(json!({ "command": "check_connection", "account": 99 }));
    let refused = cli.events.wait_for("a refusal", mark, |event| event["event"] == "command_failed");
    assert_eq!(refused["text"]["code"], "command.unknown_account");
    cli.quit();
}

fn turn(server: &str, user: &str, password: &str) -> Value {
    json!({ "options": { "turn": server, "turn_user": user }, "turn_password": password })
}

#[test]
fn a_turn_server_gives_a_relay_and_has_it_back() {
    let kamailio = Kamailio::start(kamailio::Options::default());
    let coturn = Coturn::relaying("127.0.0.1", ports::free(2), &[]);
    let mut cli = Cli::start(cli::Options::default());
    let fields = turn(&coturn.address(), coturn::USER, coturn::PASSWORD);
    let account = cli.register(&kamailio.user(), DOMAIN, &kamailio.address(), fields);
    let passed = |step: &str| [step, "passed", "-"].map(String::from);
    assert_eq!(check(&mut cli, account), ["name", "connect", "registration", "turn"].map(passed));
    assert_eq!(coturn.allocated(), 1);
    coturn.wait_given_back();
    cli.quit();
}

#[test]
fn why_a_turn_server_gives_no_relay_is_told() {
    let kamailio = Kamailio::start(kamailio::Options::default());
    let good = Coturn::relaying("127.0.0.1", ports::free(2), &[]);
    let tells_only = Coturn::start("127.0.0.1", ports::free(2), &[]);
    let unwilling = Coturn::relaying_with("127.0.0.1", ports::free(2), &[], &["--no-udp-relay"]);
    let mut cli = Cli::start(cli::Options::default());
    let nobody = format!("127.0.0.1:{}", ports::free(2));
    let cases = [
        (turn(&good.address(), coturn::USER, "wrong"), "turn failed check.turn_password"),
        (turn(&good.address(), "nobody", coturn::PASSWORD), "turn failed check.turn_password"),
        (turn(&nobody, coturn::USER, coturn::PASSWORD), "turn failed check.turn_silent"),
        (turn("turn.invalid", coturn::USER, coturn::PASSWORD), "turn failed check.turn_name"),
        (turn(&tells_only.address(), coturn::USER, coturn::PASSWORD), "turn failed check.turn_silent"),
        (turn(&unwilling.address(), coturn::USER, coturn::PASSWORD), "turn failed check.turn_refused"),
    ];
    for (fields, expected) in cases {
        let account = cli.register(&kamailio.user(), DOMAIN, &kamailio.address(), fields);
        assert_eq!(check(&mut cli, account).pop().map(|step| step.join(" ")), Some(expected.into()));
    }
    let said = cli.log() + &json!(cli.events.since(0)).to_string();
    for secret in [coturn::PASSWORD, "wrong"] {
        assert!(!said.contains(secret), "a password is in the log or in an event");
    }
    cli.quit();
}
