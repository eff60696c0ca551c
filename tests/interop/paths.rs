//! Two phones behind NATs: paths found by what a STUN server tells, heard both ways.

use crate::hum;
use hatif_lab::{
    Cli, Coturn, DEADLINE, Kamailio, cli, coturn,
    homes::{Homes, Nat, PUBLIC},
    kamailio::{self, DOMAIN},
    names::may_serve,
    process::eventually,
};
use serde_json::{Value, json};

/// A PBX in public that carries no voice, and a phone in each home, in a call.
struct Talk {
    phones: [Cli; 2],
    calls: [u64; 2],
    coturn: Coturn,
    _kamailio: Kamailio,
    _homes: Homes,
    _folders: [tempfile::TempDir; 2],
}

const STUN: u16 = 3478;
const TONES: [u32; 2] = [500, 700];

impl Talk {
    /// `options`: of both accounts.
    fn new(nats: [Nat; 2], options: Value) -> Talk {
        Talk::of(nats, json!({ "options": options }))
    }

    /// `more`: fields of both accounts.
    fn of(nats: [Nat; 2], more: Value) -> Talk {
        let homes = Homes::new(nats);
        let coturn = Coturn::relaying(PUBLIC, STUN, &homes.public());
        let kamailio =
            Kamailio::start(kamailio::Options { host: PUBLIC.into(), within: homes.public(), ..Default::default() });
        let folders = TONES.map(|_| tempfile::tempdir().expect("a temporary folder"));
        let mut phones = [0, 1].map(|home| {
            let play = Some(hum(&folders[home], TONES[home]));
            Cli::start(cli::Options { play, auto_answer: true, within: homes.phone(home), ..Default::default() })
        });
        let users = [kamailio.user(), kamailio.user()];
        let mut accounts = phones
            .iter_mut()
            .zip(&users)
            .map(|(phone, user)| phone.register(user, DOMAIN, &kamailio.address(), more.clone()));
        let caller = accounts.next().expect("the first home's");
        accounts.next().expect("the second home's");
        drop(accounts);
        let call = phones[0].call(&users[1].name, caller);
        phones[0].wait_call(call, "active");
        let answered = phones[1].wait_incoming(0)["id"].as_u64().expect("a call has an id");
        Talk { phones, calls: [call, answered], coturn, _kamailio: kamailio, _homes: homes, _folders: folders }
    }

    /// Waits until the media engines of both say what became of their checks.
    fn wait_path(&self, word: &str) {
        for phone in &self.phones {
            eventually(word, DEADLINE, || phone.log().contains(&format!(r#""{word}"#)).then_some(()));
        }
    }

    fn both_hear(&self) {
        self.phones[0].wait_tail(TONES[1], true);
        self.phones[1].wait_tail(TONES[0], true);
    }

    fn nobody_hears(&self) {
        self.wait_path("not found");
        for (phone, tone) in self.phones.iter().zip([TONES[1], TONES[0]]) {
            assert_eq!(phone.heard().seconds_of(tone), 0.0);
        }
    }

    /// On hold and back: a re-INVITE each.
    fn rests(&mut self) {
        for on in [true, false] {
            let mark = self.phones[1].events.mark();
            let word = if on { "remote" } else { "none" };
            self.phones[0].send(json!({ "command": "hold", "call": self.calls[0], "on": on }));
            self.phones[1].wait_call_for(mark, self.calls[1], "active", |state| state["hold"] == word);
        }
    }

    fn ends(self) {
        let coturn = self.hangs_up();
        coturn.wait_given_back();
    }

    fn hangs_up(mut self) -> Coturn {
        self.phones[0].hang_up(self.calls[0]);
        self.phones[1].wait_call(self.calls[1], "ended");
        for phone in self.phones {
            phone.quit();
        }
        self.coturn
    }
}

fn relayed(password: &str) -> Value {
    let options =
        json!({ "stun": format!("{PUBLIC}:{STUN}"), "turn": format!("{PUBLIC}:{STUN}"), "turn_user": coturn::USER });
    json!({ "options": options, "turn_password": password })
}

fn may_have_homes() -> bool {
    let may = may_serve();
    if !may {
        println!("left out: networks of one's own are root's");
    }
    may
}

#[test]
fn two_phones_behind_nats_hear_each_other_by_a_stun_server() {
    if !may_have_homes() {
        return;
    }
    let talk = Talk::new([Nat::Cone, Nat::Cone], json!({ "stun": format!("{PUBLIC}:{STUN}") }));
    talk.wait_path("found");
    talk.both_hear();
    talk.ends();
}

/// What the test above would be worth if its NATs let everything pass.
#[test]
fn without_a_stun_server_these_nats_let_no_voice_pass() {
    if !may_have_homes() {
        return;
    }
    let talk = Talk::new([Nat::Cone, Nat::Cone], json!({ "ice": "on" }));
    talk.nobody_hears();
    talk.ends();
}

/// It costs its time once, not the call.
#[test]
fn a_silent_stun_server_holds_no_call_up() {
    if !may_have_homes() {
        return;
    }
    // Packets to there are dropped without a word.
    let homes = Homes::new([Nat::Cone, Nat::Cone]);
    let kamailio =
        Kamailio::start(kamailio::Options { host: PUBLIC.into(), within: homes.public(), ..Default::default() });
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut caller =
        Cli::start(cli::Options { play: Some(hum(&folder, 500)), within: homes.phone(0), ..Default::default() });
    let mut callee = Cli::start(cli::Options { auto_answer: true, within: homes.public(), ..Default::default() });
    let user = kamailio.user();
    callee.register(&user, DOMAIN, &kamailio.address(), json!({}));
    let silent = json!({ "options": { "stun": "10.98.2.2:3478" } });
    let account = caller.register(&kamailio.user(), DOMAIN, &kamailio.address(), silent);
    for turn in 1..=2 {
        let call = caller.call(&user.name, account);
        caller.wait_call(call, "active");
        callee.wait_tail(500, true);
        caller.hang_up(call);
        let told = caller.log().matches("the STUN server is silent").count();
        assert_eq!(told, 1, "it is waited for once, and this is call {turn}");
    }
    caller.quit();
    callee.quit();
}

/// Whose ports outside nobody can foretell: the path is learnt from its own checks (peer-reflexive).
#[test]
fn a_phone_behind_a_symmetric_nat_and_one_in_public_hear_each_other() {
    if !may_have_homes() {
        return;
    }
    let homes = Homes::new([Nat::Symmetric, Nat::Cone]);
    let coturn = Coturn::start(PUBLIC, STUN, &homes.public());
    let kamailio =
        Kamailio::start(kamailio::Options { host: PUBLIC.into(), within: homes.public(), ..Default::default() });
    let folders = TONES.map(|_| tempfile::tempdir().expect("a temporary folder"));
    let places = [homes.phone(0), homes.public()];
    let mut number = 0;
    let [mut agent, mut customer] = places.map(|within| {
        let play = Some(hum(&folders[number], TONES[number]));
        number += 1;
        Cli::start(cli::Options { play, auto_answer: true, within, ..Default::default() })
    });
    let user = kamailio.user();
    let options = json!({ "options": { "stun": coturn.address() } });
    agent.register(&user, DOMAIN, &kamailio.address(), options);
    // The customer calls, so what the agent has gathered is in an answer.
    let from = customer.register(&kamailio.user(), DOMAIN, &kamailio.address(), json!({ "options": { "ice": "on" } }));
    let call = customer.call(&user.name, from);
    customer.wait_call(call, "active");
    for phone in [&agent, &customer] {
        eventually("a path is found", DEADLINE, || phone.log().contains(r#""found""#).then_some(()));
    }
    agent.wait_tail(TONES[1], true);
    customer.wait_tail(TONES[0], true);
    customer.hang_up(call);
    customer.quit();
    agent.quit();
}

/// Neither finds the other's port, whatever a STUN server says.
#[test]
fn two_phones_behind_symmetric_nats_hear_each_other_by_a_relay() {
    if !may_have_homes() {
        return;
    }
    let mut talk = Talk::of([Nat::Symmetric, Nat::Symmetric], relayed(coturn::PASSWORD));
    talk.wait_path("found by a relay");
    talk.both_hear();
    talk.rests();
    talk.both_hear();
    assert!(talk.coturn.deleted() < talk.coturn.allocated(), "they are still needed");
    talk.ends();
}

/// What the test above would be worth if its NATs let a STUN server help.
#[test]
fn without_a_relay_symmetric_nats_let_no_voice_pass() {
    if !may_have_homes() {
        return;
    }
    let talk = Talk::new([Nat::Symmetric, Nat::Symmetric], json!({ "stun": format!("{PUBLIC}:{STUN}") }));
    talk.nobody_hears();
    talk.ends();
}

#[test]
fn a_wrong_turn_password_is_told_and_the_call_goes_on_without_a_relay() {
    if !may_have_homes() {
        return;
    }
    let talk = Talk::of([Nat::Cone, Nat::Cone], relayed("wrong-4417"));
    talk.wait_path("found");
    talk.both_hear();
    for phone in &talk.phones {
        let log = phone.log();
        assert!(log.contains("the TURN server refuses user name or password"), "{log}");
        assert!(!log.contains("wrong-4417") && !log.contains(coturn::USER), "a secret or a name is in the log");
    }
    assert_eq!(talk.coturn.allocated(), 0);
    talk.ends();
}

#[test]
fn a_turn_server_that_dies_leaves_a_call_on_a_direct_path_alone() {
    if !may_have_homes() {
        return;
    }
    let mut talk = Talk::of([Nat::Cone, Nat::Cone], relayed(coturn::PASSWORD));
    talk.wait_path("found");
    talk.both_hear();
    assert!(talk.coturn.allocated() > 0, "there were relays");
    talk.coturn.kill();
    talk.rests();
    talk.both_hear();
    talk.hangs_up();
}
