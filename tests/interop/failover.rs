//! Two registrars behind one name (RFC 3263): when one dies or closes, the other; when it is back, that one again; and when
//! nobody knows the name any more, where it led last.

use hatif_lab::{
    Cli, Kamailio,
    asterisk::User,
    cli,
    kamailio::{DOMAIN, Options},
    names::{Names, may_serve},
    process::eventually,
};
use serde_json::{Value, json};
use std::time::Duration;

/// What is waited for at most. What passes meanwhile is a keep-alive (25 s) or a look at the better server (30 s).
const LONG: Duration = Duration::from_secs(120);

struct Pair {
    servers: [Kamailio; 2],
    names: Names,
    phone: Cli,
    account: u64,
    user: User,
}

impl Pair {
    /// The first server comes first. A phone that knows the name alone.
    fn new(first: Options, transport: &str) -> Pair {
        let servers = [Kamailio::start(first), Kamailio::start(Options::default())];
        let (service, targets) = (format!("_sip._{transport}.{DOMAIN}"), ["one.pbx.test", "two.pbx.test"]);
        let record = |at: usize, priority| (service.as_str(), targets[at], servers[at].port, priority, 0);
        let names = Names::start(&[record(0, 10), record(1, 20)]);
        let within = names.asked_by();
        let mut phone = Cli::start(cli::Options { within, ..Default::default() });
        let user = servers[0].user();
        let account = phone.register(&user, DOMAIN, DOMAIN, json!({ "transport": transport, "expires": 600 }));
        Pair { servers, names, phone, account, user }
    }

    /// Whether somebody at this server reaches the phone.
    fn rings_by(&self, server: usize) {
        let mut caller = Cli::playing(None);
        let somebody = User { name: "somebody".into(), password: "secret-somebody".into() };
        let from = caller.register(&somebody, DOMAIN, &self.servers[server].address(), json!({}));
        let mark = self.phone.events.mark();
        let call = caller.call(&self.user.name, from);
        self.phone.wait_incoming(mark);
        caller.hang_up(call);
        caller.quit();
    }

    /// Waits until the registration has been lost and is there again.
    fn wait_again(&self, mark: usize) {
        let is = |event: &Value, state: &str| {
            event["event"] == "account_changed"
                && event["account"]["id"] == self.account
                && event["account"]["registration"]["state"] == state
        };
        self.phone.events.wait_long_for("the loss is told", LONG, mark, |event| is(event, "down"));
        self.phone.events.wait_long_for("it is registered again", LONG, mark, |event| is(event, "up"));
    }
}

/// First by name; then at the second while the first is dead; then, while nobody knows the name, at the first again.
fn the_other_takes_over(transport: &str) {
    let mut pair = Pair::new(Options::default(), transport);
    pair.rings_by(0);
    let mark = pair.phone.events.mark();
    pair.servers[0].kill();
    pair.wait_again(mark);
    pair.rings_by(1);

    // The name server dies, the first registrar comes back, the second goes.
    pair.names.kill();
    pair.servers[0].start_again();
    let mark = pair.phone.events.mark();
    pair.servers[1].kill();
    pair.wait_again(mark);
    pair.rings_by(0);
    pair.phone.quit();
}

#[test]
fn the_other_registrar_takes_over_by_tcp() {
    if may_serve() {
        the_other_takes_over("tcp");
    } else {
        println!("left out: a name server listens on port 53, which is root's");
    }
}

#[test]
fn the_other_registrar_takes_over_by_udp() {
    if may_serve() {
        the_other_takes_over("udp");
    } else {
        println!("left out: a name server listens on port 53, which is root's");
    }
}

/// 503 with a time: the other registrar meanwhile, and back to the first when the time is over.
#[test]
fn a_closed_registrar_is_left_for_the_time_that_it_said() {
    if !may_serve() {
        println!("left out: a name server listens on port 53, which is root's");
        return;
    }
    let mut pair = Pair::new(Options { closed: Some(20), ..Options::default() }, "tcp");
    pair.rings_by(1);
    pair.servers[0].open_again();
    let came = pair.servers[0].log();
    assert!(!came.contains("lab registered"), "it was closed: {came}");
    eventually("the first one has it", LONG, || pair.servers[0].log().contains("lab registered").then_some(()));
    pair.rings_by(0);
    pair.phone.quit();
}
