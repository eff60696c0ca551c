//! Calls come in on the connection that Hatif opened (RFC 5626), through whatever stands between; one that dies is noticed
//! and made anew, and the calls on it go on.

use crate::hum;
use hatif_lab::{
    Asterisk, Cli, DEADLINE, Kamailio,
    asterisk::{Demand, User},
    certs::Certs,
    cli,
    kamailio::{self, DOMAIN},
    process::eventually,
    relay::Relay,
};
use serde_json::{Value, json};
use std::time::Duration;

const STREAMS: [&str; 2] = ["tcp", "tls"];

fn fields(transport: &str) -> Value {
    json!({ "transport": transport, "ca_file": Certs::get().authority() })
}

/// A phone behind a relay; it hums 500 Hz, and answers by itself.
struct Behind {
    relay: Relay,
    phone: Cli,
    account: u64,
    _folder: tempfile::TempDir,
}

impl Behind {
    /// `port` is the PBX's for this transport; its domain is the relay itself where none is given.
    fn new(port: u16, domain: Option<&str>, user: &User, transport: &str) -> Behind {
        let relay = Relay::start(port);
        let folder = tempfile::tempdir().expect("a temporary folder");
        let play = Some(hum(&folder, 500));
        let mut phone = Cli::start(cli::Options { play, auto_answer: true, ..Default::default() });
        let address = relay.address();
        let account = phone.register(user, domain.unwrap_or(&address), &address, fields(transport));
        Behind { relay, phone, account, _folder: folder }
    }

    /// The next call that came after `mark`, once it is answered.
    fn wait_answered(&self, mark: usize) -> u64 {
        let call = self.phone.wait_incoming(mark)["id"].as_u64().expect("a call has an id");
        self.phone.wait_call(call, "active");
        call
    }

    /// Breaks the connection, and waits until that has been told and mended.
    fn cut(&self) {
        let mark = self.phone.events.mark();
        self.relay.cut();
        let down = self.phone.wait_registration_after(mark, self.account, "down");
        assert_eq!(down["retry"], true, "{down}");
        self.phone.wait_registration_after(mark, self.account, "up");
    }

    /// One more second of a tone than there was.
    fn wait_more(&self, tone: u32) {
        let so_far = self.phone.heard().seconds_of(tone);
        eventually("the voice goes on", DEADLINE, || {
            (self.phone.heard().seconds_of(tone) > so_far + 1.0).then_some(())
        });
    }
}

/// The customer's BYE finds the phone although the connection that the call came by is gone.
#[test]
fn a_call_through_asterisk_outlives_its_connection() {
    let asterisk = Asterisk::shared();
    for transport in STREAMS {
        let user = asterisk.demanding_user(Demand::SdesOptional);
        let port = if transport == "tls" { asterisk.tls_port } else { asterisk.port };
        let behind = Behind::new(port, None, &user, transport);
        asterisk.call(&user, "602");
        let call = behind.wait_answered(0);
        behind.phone.wait_heard(440, 0.7);
        behind.cut();
        behind.wait_more(440);
        asterisk.hang_up(&user);
        let ended = behind.phone.wait_call(call, "ended");
        assert_eq!(ended["state"]["reason"]["code"], "call.remote_hang_up", "{transport}: {ended}");
        let mark = behind.phone.events.mark();
        asterisk.call(&user, "602");
        behind.wait_answered(mark);
        behind.phone.quit();
    }
}

#[test]
fn a_call_through_kamailio_outlives_its_connection() {
    let kamailio = Kamailio::start(kamailio::Options::default());
    for transport in STREAMS {
        let port = if transport == "tls" { kamailio.tls_port } else { kamailio.port };
        let user = kamailio.user();
        let behind = Behind::new(port, Some(DOMAIN), &user, transport);
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut caller = Cli::playing(Some(&hum(&folder, 700)));
        let registrar = format!("127.0.0.1:{port}");
        let calling = caller.register(&kamailio.user(), DOMAIN, &registrar, fields(transport));
        for round in ["the first call", "the call after it"] {
            let mark = behind.phone.events.mark();
            let dialled = caller.call(&user.name, calling);
            let call = behind.wait_answered(mark);
            caller.wait_call(dialled, "active");
            behind.wait_more(700);
            behind.cut();
            behind.wait_more(700);
            caller.hang_up(dialled);
            let ended = behind.phone.wait_call(call, "ended");
            assert_eq!(ended["state"]["reason"]["code"], "call.remote_hang_up", "{transport}, {round}: {ended}");
        }
        caller.quit();
        behind.phone.quit();
    }
}

/// A firewall that forgot the connection tells nobody. The PBX answers keep-alives, so the silence is noticed.
#[test]
fn a_connection_that_carries_nothing_more_is_noticed() {
    let kamailio = Kamailio::start(kamailio::Options::default());
    let user = kamailio.user();
    let behind = Behind::new(kamailio.port, Some(DOMAIN), &user, "tcp");
    eventually("the PBX answers a keep-alive", DEADLINE, || (behind.relay.pongs() > 0).then_some(()));
    let mark = behind.phone.events.mark();
    behind.relay.swallow();
    let is = |event: &Value, state: &str| {
        event["event"] == "account_changed" && event["account"]["registration"]["state"] == state
    };
    // The next keep-alive goes out within 25 s, its answer is missed 10 s later.
    let limit = Duration::from_secs(90);
    behind.phone.events.wait_long_for("the loss is told", limit, mark, |event| is(event, "down"));
    behind.phone.wait_registration_after(mark, behind.account, "up");
    let mut caller = Cli::playing(None);
    let calling = caller.register(&kamailio.user(), DOMAIN, &kamailio.address(), json!({}));
    caller.call(&user.name, calling);
    behind.wait_answered(mark);
    caller.quit();
    behind.phone.quit();
}
