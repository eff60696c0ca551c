//! The log at INFO says what happened and to whom nothing of it belongs. Every other test checks its own log too;
//! this one makes sure that there is something to check.

use hatif_lab::{Asterisk, Cli, asterisk::Codecs};
use serde_json::json;

#[test]
fn a_run_is_logged_without_people_and_places() {
    let asterisk = Asterisk::shared();
    let user = asterisk.user(Codecs::G711);
    let mut cli = Cli::playing(None);
    let fields = json!({ "display_name": "Zeynab Mokhtari", "label": "Office" });
    let account = cli.register(&user, &asterisk.address(), &asterisk.address(), fields);
    let call = cli.call("600", account);
    cli.wait_call(call, "active");
    cli.hang_up(call);
    asterisk.call(&user, "602");
    let incoming = cli.wait_incoming(0)["id"].as_u64().unwrap();
    cli.tell("reject", incoming);
    cli.wait_call(incoming, "ended");
    let log = plain(&cli.quit());
    let tells = |words: &str| log.lines().any(|line| line.contains("INFO") && line.contains(words));
    assert!(tells(&format!("account={account}")), "nothing of the registration:\n{log}");
    for id in [call, incoming] {
        assert!(tells(&format!("call={id} ")), "nothing of call {id}:\n{log}");
    }
    for private in ["Zeynab", "Mokhtari", &user.password] {
        assert!(!log.contains(private), "{log}");
    }
}

/// Without terminal colours.
fn plain(log: &str) -> String {
    let mut parts = log.split('\u{1b}');
    let first = parts.next().unwrap_or_default().to_string();
    parts.fold(first, |text, part| text + part.split_once('m').map_or("", |(_, rest)| rest))
}
