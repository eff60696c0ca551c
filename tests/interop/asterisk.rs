//! Hatif on Asterisk: registration by every transport, calls out and in with what was heard, and each way that a call
//! can come to nothing.

use crate::{hum, microphone};
use hatif_lab::{
    Asterisk, Cli, DEADLINE, Kamailio,
    asterisk::{Codecs, User},
    certs::Certs,
    cli, kamailio,
    process::eventually,
};
use serde_json::{Value, json};
use std::path::Path;

/// Registers by UDP and returns the account's id.
fn register(cli: &mut Cli, user: &User) -> u64 {
    cli.register(user, &Asterisk::shared().address(), &Asterisk::shared().address(), json!({}))
}

/// A phone that says `play`, registered with Asterisk.
fn phone(play: Option<&Path>, user: &User) -> (Cli, u64) {
    let mut cli = Cli::playing(play);
    let account = register(&mut cli, user);
    (cli, account)
}

fn outcome(call: &Value) -> &str {
    call["state"]["outcome"].as_str().unwrap_or_default()
}

fn reason(call: &Value) -> &str {
    call["state"]["reason"]["code"].as_str().unwrap_or_default()
}

#[test]
fn registers_by_udp_tcp_and_tls_and_leaves_again() {
    let asterisk = Asterisk::shared();
    for transport in ["udp", "tcp", "tls"] {
        let address = if transport == "tls" { asterisk.tls_address() } else { asterisk.address() };
        let user = asterisk.user(Codecs::G711);
        let mut cli = Cli::playing(None);
        let extra = json!({ "transport": transport, "ca_file": Certs::get().authority() });
        let account = cli.register(&user, &address, &address, extra);
        let contacts = || asterisk.command(&format!("pjsip show aor {}", user.name));
        assert!(contacts().contains(&format!("sip:{}@", user.name)), "{}", contacts());
        cli.send(json!({ "command": "unregister", "account": account }));
        cli.wait_registration(account, "off");
        eventually("the contact is gone", DEADLINE, || {
            (!contacts().contains(&format!("sip:{}@", user.name))).then_some(())
        });
        cli.quit();
    }
}

#[test]
fn leaving_takes_the_registration_back() {
    let asterisk = Asterisk::shared();
    let user = asterisk.user(Codecs::G711);
    let (cli, _) = phone(None, &user);
    cli.quit();
    let shown = asterisk.command(&format!("pjsip show aor {}", user.name));
    assert!(!shown.contains(&format!("sip:{}@", user.name)), "{shown}");
}

#[test]
fn a_wrong_password_is_told_and_not_tried_again() {
    let asterisk = Asterisk::shared();
    let user = User { password: "not-the-password".into(), ..asterisk.user(Codecs::G711) };
    let mut cli = Cli::playing(None);
    let account = cli.add_account(&user, &asterisk.address(), &asterisk.address(), json!({}));
    let registration = cli.wait_registration(account, "down");
    assert_eq!(registration["reason"]["code"], "reg.unauthorized", "{registration}");
    assert_eq!(registration["retry"], false, "{registration}");
    assert!(cli.is_alive());
}

#[test]
fn a_port_where_nobody_listens_is_told_and_tried_again() {
    let asterisk = Asterisk::shared();
    let nobody = format!("127.0.0.1:{}", hatif_lab::ports::free(1));
    let mut cli = Cli::playing(None);
    let account = cli.add_account(&asterisk.user(Codecs::G711), &nobody, &nobody, json!({ "transport": "tcp" }));
    let registration = cli.wait_registration(account, "down");
    assert_eq!(registration["reason"]["code"], "wire.refused", "{registration}");
    assert_eq!(registration["retry"], true, "{registration}");
}

#[test]
fn the_echo_says_back_what_was_said() {
    for codecs in [Codecs::G711, Codecs::Opus] {
        let folder = tempfile::tempdir().unwrap();
        let tones = [500, 900, 700];
        let (mut cli, account) = phone(Some(&microphone(&folder, &tones, 1.0)), &Asterisk::shared().user(codecs));
        let call = cli.call("600", account);
        cli.wait_call(call, "active");
        cli.wait_heard(700, 0.7);
        assert_eq!(cli.heard().order_of(&tones), tones, "{codecs:?}");
        let ended = cli.hang_up(call);
        assert_eq!((outcome(&ended), reason(&ended)), ("answered", "call.local_hang_up"), "{ended}");
        cli.quit();
    }
}

#[test]
fn is_called_and_hears_the_caller() {
    let asterisk = Asterisk::shared();
    for codecs in [Codecs::G711, Codecs::Opus] {
        let user = asterisk.user(codecs);
        let (mut cli, _) = phone(None, &user);
        asterisk.call(&user, "602");
        let call = cli.wait_incoming(0)["id"].as_u64().unwrap();
        cli.tell("answer", call);
        cli.wait_call(call, "active");
        cli.wait_heard(440, 1.0);
        let ended = cli.hang_up(call);
        assert_eq!(outcome(&ended), "answered", "{ended}");
    }
}

#[test]
fn a_call_that_nobody_takes_back_in_time_is_missed() {
    let asterisk = Asterisk::shared();
    let (mut caller, account) = phone(None, &asterisk.user(Codecs::G711));
    let callee = asterisk.user(Codecs::G711);
    let (ringing, _) = phone(None, &callee);
    let call = caller.call(&callee.name, account);
    let incoming = ringing.wait_incoming(0)["id"].as_u64().unwrap();
    caller.wait_call(call, "ringing");
    let ended = caller.hang_up(call);
    assert_eq!((outcome(&ended), reason(&ended)), ("cancelled", "call.cancelled"), "{ended}");
    let ended = ringing.wait_call(incoming, "ended");
    assert_eq!((outcome(&ended), reason(&ended)), ("missed", "call.missed"), "{ended}");
}

#[test]
fn a_call_that_is_declined_says_so_at_both_ends() {
    let asterisk = Asterisk::shared();
    let (mut caller, account) = phone(None, &asterisk.user(Codecs::G711));
    let callee = asterisk.user(Codecs::G711);
    let (mut declining, _) = phone(None, &callee);
    let call = caller.call(&callee.name, account);
    let incoming = declining.wait_incoming(0)["id"].as_u64().unwrap();
    declining.tell("reject", incoming);
    assert_eq!(outcome(&declining.wait_call(incoming, "ended")), "declined");
    let ended = caller.wait_call(call, "ended");
    assert!(["busy", "rejected"].contains(&outcome(&ended)), "{ended}");
}

#[test]
fn a_call_that_comes_to_nothing_says_why() {
    let (mut cli, account) = phone(None, &Asterisk::shared().user(Codecs::G711));
    let expected = [
        ("620", "busy", "call.busy"),
        ("626", "failed", "call.forbidden"),
        ("629", "no_answer", "call.no_answer"),
        ("699", "failed", "call.not_found"),
        ("621", "failed", "call.server_error"),
    ];
    for (number, outcome_wanted, reason_wanted) in expected {
        let call = cli.call(number, account);
        let ended = cli.wait_call(call, "ended");
        // Asterisk says "no answer" as 480, which is also "unavailable".
        let unavailable = number == "629" && reason(&ended) == "call.unavailable";
        assert!(
            unavailable || (outcome(&ended), reason(&ended)) == (outcome_wanted, reason_wanted),
            "{number}: {ended}"
        );
    }
    cli.quit();
}

#[test]
fn a_number_that_rings_for_ever_can_be_given_up() {
    let (mut cli, account) = phone(None, &Asterisk::shared().user(Codecs::G711));
    let call = cli.call("622", account);
    cli.wait_call(call, "ringing");
    assert_eq!(outcome(&cli.hang_up(call)), "cancelled");
}

#[test]
fn the_pbx_is_heard_before_it_answers() {
    let (mut cli, account) = phone(None, &Asterisk::shared().user(Codecs::G711));
    let call = cli.call("623", account);
    cli.wait_call_for(0, call, "ringing", |state| state["early_media"] == true);
    cli.wait_heard(440, 1.0);
    assert_eq!(outcome(&cli.wait_call(call, "ended")), "busy");
}

#[test]
fn the_other_side_hangs_up() {
    let (mut cli, account) = phone(None, &Asterisk::shared().user(Codecs::G711));
    let call = cli.call("624", account);
    let ended = cli.wait_call(call, "ended");
    assert_eq!((outcome(&ended), reason(&ended)), ("answered", "call.remote_hang_up"), "{ended}");
    assert!(ended["state"]["talked_s"].as_u64().unwrap() >= 1, "{ended}");
    // A call that has ended is in the log of calls, with its end.
    let history = cli.events.wait_for("the call log", 0, |event| {
        event["event"] == "history_entry_changed" && event["entry"]["outcome"] == "answered"
    });
    assert_eq!(history["entry"]["peer"]["address"], "624", "{history}");
}

#[test]
fn digits_arrive() {
    let asterisk = Asterisk::shared();
    let (mut cli, account) = phone(None, &asterisk.user(Codecs::G711));
    let call = cli.call("605", account);
    cli.wait_call(call, "active");
    // Asterisk reads digits from when it has begun to; a pause of a second (",") gives it the time.
    cli.send(json!({ "command": "dtmf", "call": call, "digits": ",19*5" }));
    eventually("Asterisk has the digits", DEADLINE, || asterisk.log().contains("lab heard digits 19*5").then_some(()));
}

/// Two phones in a call through Asterisk, each humming its own tone.
struct Pair {
    caller: Cli,
    calling: u64,
    callee: Cli,
    called: u64,
    _folders: [tempfile::TempDir; 2],
}

const CALLER: u32 = 500;
const CALLEE: u32 = 800;

fn pair() -> Pair {
    let asterisk = Asterisk::shared();
    let folders = [(); 2].map(|()| tempfile::tempdir().expect("a temporary folder"));
    let (mut caller, account) = phone(Some(&hum(&folders[0], CALLER)), &asterisk.user(Codecs::G711));
    let user = asterisk.user(Codecs::G711);
    let mut callee =
        Cli::start(cli::Options { play: Some(hum(&folders[1], CALLEE)), auto_answer: true, ..Default::default() });
    register(&mut callee, &user);
    let calling = caller.call(&user.name, account);
    let called = callee.wait_incoming(0)["id"].as_u64().expect("calls have ids");
    caller.wait_call(calling, "active");
    callee.wait_call(called, "active");
    caller.wait_heard(CALLEE, 1.0);
    callee.wait_heard(CALLER, 1.0);
    Pair { caller, calling, callee, called, _folders: folders }
}

#[test]
fn a_hold_at_one_end_is_known_and_silent_at_the_other() {
    let Pair { mut caller, calling, callee, called, _folders } = pair();
    for _ in 0..2 {
        let mark = callee.events.mark();
        caller.send(json!({ "command": "hold", "call": calling, "on": true }));
        caller.wait_call_for(0, calling, "active", |state| state["hold"] == "local");
        callee.wait_call_for(mark, called, "active", |state| state["hold"] == "remote");
        callee.wait_tail(CALLER, false);
        let mark = callee.events.mark();
        caller.send(json!({ "command": "hold", "call": calling, "on": false }));
        callee.wait_call_for(mark, called, "active", |state| state["hold"] == "none");
        callee.wait_tail(CALLER, true);
        caller.wait_tail(CALLEE, true);
    }
    caller.hang_up(calling);
    callee.wait_call(called, "ended");
}

#[test]
fn a_muted_microphone_is_silent_at_the_other_end() {
    let Pair { mut caller, calling, callee, .. } = pair();
    caller.send(json!({ "command": "mute", "call": calling, "on": true }));
    caller.wait_call_for(0, calling, "active", |state| state["muted"] == true);
    callee.wait_tail(CALLER, false);
    // Who is muted still hears.
    caller.wait_tail(CALLEE, true);
    caller.send(json!({ "command": "mute", "call": calling, "on": false }));
    callee.wait_tail(CALLER, true);
}

/// Call waiting, across two PBXes: the second call rings while the first goes on, and leaves it alone when declined.
#[test]
fn two_accounts_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let kamailio = Kamailio::start(kamailio::Options::default());
    let (mut cli, office) = phone(Some(&hum(&folder, CALLER)), &Asterisk::shared().user(Codecs::G711));
    let user = kamailio.user();
    let shop = cli.register(&user, kamailio::DOMAIN, &kamailio.address(), json!({}));
    let call = cli.call("600", office);
    cli.wait_call(call, "active");
    cli.wait_heard(CALLER, 0.5);

    let mut customer = Cli::playing(None);
    let account = customer.register(&kamailio.user(), kamailio::DOMAIN, &kamailio.address(), json!({}));
    let calling = customer.call(&user.name, account);
    let second = cli.wait_incoming(0);
    assert_eq!(second["account"], shop, "{second}");
    let id = second["id"].as_u64().unwrap();
    cli.tell("reject", id);
    assert_eq!(outcome(&cli.wait_call(id, "ended")), "declined");
    customer.wait_call(calling, "ended");
    cli.wait_heard(CALLER, cli.heard().seconds_of(CALLER) + 1.0);
    assert_eq!(outcome(&cli.hang_up(call)), "answered");
}

#[test]
fn twenty_calls_in_a_row() {
    let folder = tempfile::tempdir().unwrap();
    let (mut cli, account) = phone(Some(&hum(&folder, CALLER)), &Asterisk::shared().user(Codecs::G711));
    for round in 1..=20 {
        let before = if round == 1 { 0.0 } else { cli.heard().seconds_of(CALLER) };
        let call = cli.call("600", account);
        cli.wait_call(call, "active");
        cli.wait_heard(CALLER, before + 0.2);
        let ended = cli.hang_up(call);
        assert_eq!(outcome(&ended), "answered", "call {round}: {ended}");
    }
    let asterisk = Asterisk::shared();
    assert!(asterisk.command("core show channels").contains("active"));
    cli.quit();
}
