//! SIPp as a stranger who says what belongs to no call, and as a peer that never leaves the session alone.

use crate::hum;
use hatif_lab::{Cli, cli, ports, sipp};

/// A phone that anybody may call, and its address.
fn phone(folder: &tempfile::TempDir, auto_answer: bool) -> (Cli, String) {
    let play = Some(hum(folder, 700));
    let mut cli = Cli::start(cli::Options { play, auto_answer, ..Default::default() });
    let port = ports::free(2);
    cli.add_direct(port);
    (cli, format!("127.0.0.1:{port}"))
}

#[test]
fn what_belongs_to_no_call_is_refused_and_rings_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let (cli, address) = phone(&folder, false);
    let mark = cli.events.mark();
    sipp::scenario("strangers", &address, "hatif", 0);
    let calls = cli.events.since(mark).into_iter().filter(|event| event["event"] == "call_changed").count();
    assert_eq!(calls, 0, "nothing of it is a call");
    cli.quit();
}

#[test]
fn a_peer_that_changes_the_session_every_second_is_borne() {
    let folder = tempfile::tempdir().unwrap();
    let (cli, address) = phone(&folder, true);
    sipp::scenario("restless", &address, "hatif", 500);
    let call = cli.wait_incoming(0)["id"].as_u64().unwrap();
    for hold in ["remote", "none"] {
        cli.wait_call_for(0, call, "active", |state| state["hold"] == hold);
    }
    let ended = cli.wait_call(call, "ended");
    assert_eq!(ended["state"]["reason"]["code"], "call.remote_hang_up", "{ended}");
    cli.quit();
}
