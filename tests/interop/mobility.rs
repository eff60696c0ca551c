//! The computer moves to another network in the middle of a call: registered from there, and heard again, both ways.

use hatif_lab::{
    Cli, DEADLINE, Kamailio, cli,
    kamailio::{self, DOMAIN},
    names::may_serve,
    net::{Networks, PBX},
    process::eventually,
};
use serde_json::json;
use std::time::Instant;

/// A phone and a customer in networks of their own, in a call.
struct Talk {
    networks: Networks,
    phone: Cli,
    account: u64,
    call: u64,
    customer: Cli,
    customers_call: u64,
    _kamailio: Kamailio,
    _folder: tempfile::TempDir,
}

impl Talk {
    fn new(transport: &str) -> Talk {
        let networks = Networks::new();
        let options = kamailio::Options { host: PBX.into(), within: networks.pbx(), ..Default::default() };
        let kamailio = Kamailio::start(options);
        let folder = tempfile::tempdir().expect("a temporary folder");
        let [own, theirs] =
            [500, 700].map(|tone| hatif_lab::sound::melody(&folder.path().join(format!("{tone}.wav")), &[tone], 120.0));
        let options =
            cli::Options { play: Some(own), auto_answer: true, within: networks.phone(), ..Default::default() };
        let mut phone = Cli::start(options);
        let user = kamailio.user();
        let fields = json!({ "transport": transport });
        let account = phone.register(&user, DOMAIN, &kamailio.address(), fields.clone());
        let mut customer =
            Cli::start(cli::Options { play: Some(theirs), within: networks.pbx(), ..Default::default() });
        let from = customer.register(&kamailio.user(), DOMAIN, &kamailio.address(), fields);
        let customers_call = customer.call(&user.name, from);
        let call = phone.wait_incoming(0)["id"].as_u64().expect("a call has an id");
        phone.wait_call(call, "active");
        let talk =
            Talk { networks, phone, account, call, customer, customers_call, _kamailio: kamailio, _folder: folder };
        talk.both_hear();
        talk
    }

    /// One more second of each other than there was.
    fn both_hear(&self) {
        let heard = || (self.phone.heard().seconds_of(700), self.customer.heard().seconds_of(500));
        let before = heard();
        eventually("both hear each other", DEADLINE, || {
            let now = heard();
            (now.0 > before.0 + 1.0 && now.1 > before.1 + 1.0).then_some(())
        });
    }

    fn moves(&mut self, to: &str) {
        let mark = self.phone.events.mark();
        let since = Instant::now();
        self.networks.move_phone(to);
        self.phone.wait_registration_after(mark, self.account, "down");
        let down = since.elapsed();
        self.phone.wait_registration_after(mark, self.account, "up");
        println!("loss told after {down:?}, registered again after {:?}", since.elapsed());
    }

    /// The customer hangs up, and the phone hears of it.
    fn ends(mut self) {
        self.customer.hang_up(self.customers_call);
        let ended = self.phone.wait_call(self.call, "ended");
        assert_eq!(ended["state"]["reason"]["code"], "call.remote_hang_up", "{ended}");
        self.customer.quit();
        self.phone.quit();
    }
}

fn a_call_moves(transport: &str) {
    if !may_serve() {
        println!("left out: networks of one's own are root's");
        return;
    }
    let mut talk = Talk::new(transport);
    talk.moves("10.97.0.3");
    talk.both_hear();
    talk.ends();
}

#[test]
fn a_call_moves_to_another_network_by_udp() {
    a_call_moves("udp");
}

#[test]
fn a_call_moves_to_another_network_by_tcp() {
    a_call_moves("tcp");
}

#[test]
fn a_held_call_moves_to_another_network() {
    if !may_serve() {
        println!("left out: networks of one's own are root's");
        return;
    }
    let mut talk = Talk::new("udp");
    let mark = talk.phone.events.mark();
    let held = |state: &serde_json::Value, on: bool| (state["hold"] == "local") == on;
    talk.phone.send(json!({ "command": "hold", "call": talk.call, "on": true }));
    talk.phone.wait_call_for(mark, talk.call, "active", |state| held(state, true));
    talk.moves("10.97.0.4");
    let mark = talk.phone.events.mark();
    talk.phone.send(json!({ "command": "hold", "call": talk.call, "on": false }));
    talk.phone.wait_call_for(mark, talk.call, "active", |state| held(state, false));
    talk.both_hear();
    talk.ends();
}

/// Nothing for a while, then the same address again: the call was never ended.
#[test]
fn a_cable_that_is_pulled_and_put_back_costs_no_call() {
    if !may_serve() {
        println!("left out: networks of one's own are root's");
        return;
    }
    let talk = Talk::new("tcp");
    let mark = talk.phone.events.mark();
    talk.networks.cable(false);
    talk.phone.wait_registration_after(mark, talk.account, "down");
    talk.networks.cable(true);
    talk.phone.wait_registration_after(mark, talk.account, "up");
    talk.both_hear();
    talk.ends();
}
