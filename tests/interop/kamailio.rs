//! Hatif on Kamailio: registration by every transport, calls between two Hatifs with what was heard at both ends, a
//! registrar that goes and comes back.

use crate::microphone;
use hatif_lab::{
    Cli, Kamailio,
    asterisk::User,
    certs::Certs,
    cli,
    kamailio::{DOMAIN, Options},
};
use serde_json::json;
use std::time::Duration;

fn extra(transport: &str) -> serde_json::Value {
    json!({ "transport": transport, "ca_file": Certs::get().authority() })
}

fn address(kamailio: &Kamailio, transport: &str) -> String {
    if transport == "tls" { kamailio.tls_address() } else { kamailio.address() }
}

#[test]
fn two_phones_talk_by_every_transport() {
    let kamailio = Kamailio::start(Options::default());
    for transport in ["udp", "tcp", "tls"] {
        let folders = [(); 2].map(|()| tempfile::tempdir().unwrap());
        let registrar = address(&kamailio, transport);
        let (one, two) = ([500, 900, 700], [600, 1000, 800]);
        let mut caller = Cli::playing(Some(&microphone(&folders[0], &one, 1.0)));
        let account = caller.register(&kamailio.user(), DOMAIN, &registrar, extra(transport));
        let play = Some(microphone(&folders[1], &two, 1.0));
        let mut callee = Cli::start(cli::Options { play, auto_answer: true, ..Default::default() });
        let user = kamailio.user();
        callee.register(&user, DOMAIN, &registrar, extra(transport));

        let call = caller.call(&user.name, account);
        let called = callee.wait_incoming(0)["id"].as_u64().unwrap();
        caller.wait_call(call, "active");
        callee.wait_call(called, "active");
        caller.wait_heard(800, 0.7);
        callee.wait_heard(700, 0.7);
        assert_eq!(caller.heard().order_of(&two), two, "{transport}");
        assert_eq!(callee.heard().order_of(&one), one, "{transport}");
        callee.hang_up(called);
        let ended = caller.wait_call(call, "ended");
        assert_eq!(ended["state"]["reason"]["code"], "call.remote_hang_up", "{transport}: {ended}");
        caller.quit();
        callee.quit();
    }
}

#[test]
fn a_wrong_password_is_told() {
    let kamailio = Kamailio::start(Options::default());
    let user = User { password: "not-the-password".into(), ..kamailio.user() };
    let mut cli = Cli::playing(None);
    let account = cli.add_account(&user, DOMAIN, &kamailio.address(), json!({}));
    let registration = cli.wait_registration(account, "down");
    assert_eq!(registration["reason"]["code"], "reg.unauthorized", "{registration}");
    assert_eq!(registration["retry"], false, "{registration}");
}

/// RFC 3261 10.3: 423 with Min-Expires, then the same again with that.
#[test]
fn a_registrar_that_wants_longer_registrations_gets_them() {
    let kamailio = Kamailio::start(Options { min_expires: 120, ..Options::default() });
    let mut cli = Cli::playing(None);
    cli.register(&kamailio.user(), DOMAIN, &kamailio.address(), json!({ "expires": 60 }));
}

#[test]
fn a_number_that_nobody_has_is_told() {
    let kamailio = Kamailio::start(Options::default());
    let mut cli = Cli::playing(None);
    let account = cli.register(&kamailio.user(), DOMAIN, &kamailio.address(), json!({}));
    let call = cli.call("nobody", account);
    let ended = cli.wait_call(call, "ended");
    assert_eq!(ended["state"]["reason"]["code"], "call.not_found", "{ended}");
}

/// The registrar is killed under a registered phone, and started again.
fn goes_and_comes_back(transport: &str, limit: Duration) {
    let mut kamailio = Kamailio::start(Options::default());
    let registrar = address(&kamailio, transport);
    let mut cli = Cli::playing(None);
    let mut fields = extra(transport);
    fields["expires"] = json!(30);
    let account = cli.register(&kamailio.user(), DOMAIN, &registrar, fields);
    let is = |event: &serde_json::Value, state: &str| {
        event["event"] == "account_changed"
            && event["account"]["id"] == account
            && event["account"]["registration"]["state"] == state
    };
    let mark = cli.events.mark();
    kamailio.kill();
    let down = cli.events.wait_long_for("the loss is shown", limit, mark, |event| is(event, "down"));
    assert_eq!(down["account"]["registration"]["retry"], true, "{down}");
    kamailio.start_again();
    cli.events.wait_long_for("it is up again", limit, mark, |event| is(event, "up"));
    // It is really there: it can be called.
    let mut caller = Cli::playing(None);
    let from = caller.register(&kamailio.user(), DOMAIN, &registrar, extra(transport));
    let user = cli.account_user(account);
    caller.call(&user, from);
    cli.wait_incoming(mark);
}

#[test]
fn a_registrar_that_goes_and_comes_back_by_tcp() {
    goes_and_comes_back("tcp", Duration::from_secs(120));
}

#[test]
fn a_registrar_that_goes_and_comes_back_by_tls() {
    goes_and_comes_back("tls", Duration::from_secs(120));
}

/// By UDP the loss shows when the registration is refreshed, or at the latest when that goes unanswered.
#[test]
fn a_registrar_that_goes_and_comes_back_by_udp() {
    goes_and_comes_back("udp", Duration::from_secs(180));
}
