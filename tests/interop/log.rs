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
    let log = cli.quit();
    assert!(log.lines().filter(|line| line.contains("INFO")).count() >= 3, "the run left no trace at INFO:\n{log}");
    for line in log.lines().filter(|line| line.contains("call ")) {
        assert!(line.contains(&format!("call {call}")) || line.contains(&format!("call {incoming}")), "no id: {line}");
    }
    for private in ["Zeynab", "Mokhtari", &user.password] {
        assert!(!log.contains(private), "{log}");
    }
}
