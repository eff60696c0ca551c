//! Session timers (RFC 4028) and reliable provisional responses (RFC 3262) with an Asterisk that demands them.

use hatif_lab::{Asterisk, Cli, DEADLINE, asterisk::Demand, process::eventually};
use serde_json::json;
use std::time::{Duration, Instant};

fn phone(demand: Demand) -> (Cli, u64, hatif_lab::asterisk::User) {
    let asterisk = Asterisk::shared();
    let user = asterisk.demanding_user(demand);
    let mut cli = Cli::playing(None);
    let account = cli.register(&user, &asterisk.address(), &asterisk.address(), json!({}));
    (cli, account, user)
}

/// 90 s is the shortest that there is: the call is heard after the refresh, and after the time that would have ended it.
#[test]
fn a_call_with_session_timers_outlives_them() {
    let (mut cli, account, user) = phone(Demand::Timers);
    let (called, _, callee) = phone(Demand::Timers);
    let began = Instant::now();
    let call = cli.call("602", account);
    cli.wait_call(call, "active");
    Asterisk::shared().call(&callee, "602");
    let mut called = called;
    let incoming = called.wait_incoming(0)["id"].as_u64().unwrap();
    called.tell("answer", incoming);
    called.wait_call(incoming, "active");
    eventually("the session's time is over", Duration::from_secs(150), || {
        (began.elapsed() > Duration::from_secs(100)).then_some(())
    });
    for (cli, call) in [(&mut cli, call), (&mut called, incoming)] {
        cli.wait_heard(440, cli.heard().seconds_of(440) + 1.0);
        let ended = cli.hang_up(call);
        assert_eq!(ended["state"]["outcome"], "answered", "{ended}");
    }
    eventually("both calls are over there", DEADLINE, || {
        let channels = Asterisk::shared().command("core show channels concise");
        (!channels.contains(&user.name) && !channels.contains(&callee.name)).then_some(())
    });
}

#[test]
fn calls_ring_reliably_both_ways() {
    let (mut cli, account, user) = phone(Demand::Reliable);
    // A 183 with sound, then 200.
    let call = cli.call("623", account);
    cli.wait_call_for(0, call, "ringing", |state| state["early_media"] == true);
    cli.wait_heard(440, 1.0);
    cli.wait_call(call, "ended");
    Asterisk::shared().call(&user, "602");
    let call = cli.wait_incoming(0)["id"].as_u64().unwrap();
    cli.tell("answer", call);
    cli.wait_call(call, "active");
    cli.wait_heard(440, cli.heard().seconds_of(440) + 1.0);
    cli.hang_up(call);
}
