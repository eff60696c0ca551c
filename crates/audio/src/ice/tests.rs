use super::*;
use proptest::prelude::*;
use std::collections::VecDeque;

const HERE: &str = "10.0.0.1:7000";
const THERE: &str = "192.0.2.7:4000";

fn at(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

fn secret(ufrag: &str, pwd: &str) -> IceCredentials {
    IceCredentials { ufrag: ufrag.into(), pwd: pwd.repeat(22).into() }
}

fn candidate(addr: &str) -> Candidate {
    let kind = CandidateKind::Host;
    Candidate { foundation: "1".into(), component: 1, priority: 2_130_706_431, addr: at(addr), kind }
}

fn agreed(controlling: bool, local: &str, remote: &str, candidates: &[&str]) -> Ice {
    Ice {
        controlling,
        local: secret(local, local),
        remote: secret(remote, remote),
        candidates: candidates.iter().map(|addr| candidate(addr)).collect(),
    }
}

/// Two sides and what lies between them, in virtual time.
struct Net {
    start: Instant,
    now: Instant,
    paths: [Path; 2],
    addrs: [SocketAddr; 2],
    relays: [Option<SocketAddr>; 2],
    /// To which side, from where, when.
    under_way: VecDeque<(Instant, usize, SocketAddr, Vec<u8>)>,
    /// Nothing gets through.
    cut: bool,
    /// Every so many is lost.
    loss: u32,
    sent: [u32; 2],
}

impl Net {
    fn new(ours: &Ice, theirs: &Ice) -> Net {
        let start = Instant::now();
        let addrs = [at(HERE), at(THERE)];
        let path = |addr, ice, tie| Path::new(start, 1, addr, ice, tie).unwrap();
        let paths = [path(addrs[0], ours, 1), path(addrs[1], theirs, 2)];
        Net {
            start,
            now: start,
            paths,
            addrs,
            relays: [None; 2],
            under_way: VecDeque::new(),
            cut: false,
            loss: u32::MAX,
            sent: [0; 2],
        }
    }

    fn between(ours: bool, theirs: bool) -> Net {
        Net::new(&agreed(ours, "aaaa", "bbbb", &[THERE]), &agreed(theirs, "bbbb", "aaaa", &[HERE]))
    }

    fn pass(&mut self, time: Duration) {
        let until = self.now + time;
        while self.now < until {
            self.now += Duration::from_millis(10);
            while let Some((due, to, from, bytes)) = self.under_way.pop_front() {
                if due > self.now {
                    self.under_way.push_front((due, to, from, bytes));
                    break;
                }
                let relayed = self.relays[1 - to] == Some(from);
                self.paths[to].receive(self.now, from, relayed, &bytes);
            }
            for side in 0..2 {
                self.paths[side].tick(self.now);
                while let Some((route, bytes)) = self.paths[side].poll_transmit() {
                    self.sent[side] += 1;
                    let lost = self.cut || self.sent[side].is_multiple_of(self.loss);
                    let due = self.now + Duration::from_millis(40);
                    match route {
                        Route::To(to) if !lost && to == self.addrs[1 - side] => {
                            self.under_way.push_back((due, 1 - side, self.addrs[side], bytes));
                        }
                        // From relay to relay.
                        Route::Relayed(to) if Some(to) == self.relays[1 - side] => {
                            let from = self.relays[side].expect("what is relayed comes from a relay");
                            self.under_way.push_back((due, 1 - side, from, bytes));
                        }
                        _ => {}
                    }
                }
            }
        }
    }

    fn routes(&self) -> [Route; 2] {
        [self.paths[0].route(), self.paths[1].route()]
    }

    /// How long it takes until both have a path, in milliseconds.
    fn until_found(&mut self) -> u128 {
        while self.routes() != [Route::To(self.addrs[1]), Route::To(self.addrs[0])] {
            self.pass(Duration::from_millis(10));
            assert!(self.now - self.start < Duration::from_secs(30), "{:?}", self.routes());
        }
        (self.now - self.start).as_millis()
    }
}

#[test]
fn a_path_is_found_at_once_and_nothing_is_sent_before() {
    let mut net = Net::between(true, false);
    assert_eq!(net.routes(), [Route::Nowhere; 2]);
    let ms = net.until_found();
    assert!(ms <= 400, "{ms} ms at a round trip of 80");
    assert_eq!((net.paths[0].hears(at(THERE)), net.paths[0].hears(at("192.0.2.8:4000"))), (Some(true), Some(false)));
}

#[test]
fn two_that_both_want_to_choose_agree() {
    for both in [true, false] {
        Net::between(both, both).until_found();
    }
}

#[test]
fn every_third_message_may_be_lost() {
    let mut net = Net::between(true, false);
    net.loss = 3;
    net.until_found();
    net.pass(Duration::from_secs(120));
    assert_eq!(net.routes(), [Route::To(net.addrs[1]), Route::To(net.addrs[0])], "and consent stays");
}

/// We signal an address that nobody reaches; the far side finds us by our checks.
#[test]
fn a_far_side_that_signals_another_address_is_found_by_its_checks() {
    let ours = agreed(true, "aaaa", "bbbb", &["172.16.0.9:999"]);
    Net::new(&ours, &agreed(false, "bbbb", "aaaa", &[HERE])).until_found();
}

#[test]
fn a_liar_gets_no_path_and_costs_little() {
    let mut net = Net::new(&agreed(true, "aaaa", "cccc", &[THERE]), &agreed(false, "bbbb", "aaaa", &[HERE]));
    net.pass(Duration::from_millis(1_900));
    assert_eq!(net.routes()[0], Route::Nowhere);
    net.pass(Duration::from_millis(200));
    assert_eq!(net.routes()[0], Route::AsSignalled);
    assert_eq!(net.paths[0].hears(at(THERE)), None, "it is heard as if it had no ICE");
    net.pass(Duration::from_secs(600));
    assert!(net.sent[0] < 100 && net.paths[0].sources.is_empty(), "{}", net.sent[0]);
}

#[test]
fn a_flood_of_candidates_is_checked_slowly() {
    let many: Vec<String> = (0..500).map(|n| format!("198.51.100.7:{}", 1000 + n)).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let mut net = Net::new(&agreed(true, "aaaa", "bbbb", &many), &agreed(false, "bbbb", "aaaa", &[HERE]));
    net.pass(Duration::from_secs(1));
    assert!(net.sent[0] <= 25, "{} in a second", net.sent[0]);
    net.pass(Duration::from_secs(120));
    assert!(net.sent[0] < 64 * 12 + 100, "{}", net.sent[0]);
}

#[test]
fn checks_from_everywhere_cost_no_memory() {
    let mut net = Net::between(true, false);
    let (_, request) = net.paths[1].poll_transmit().expect("a check");
    let mut answers = 0;
    for n in 0..20_000_u32 {
        let from = SocketAddr::from(([198, 51, 100, (n % 250) as u8], 1000 + (n / 2) as u16));
        net.paths[0].receive(net.now, from, false, &request);
        while net.paths[0].poll_transmit().is_some() {
            answers += 1;
        }
    }
    assert!(net.paths[0].sources.len() == MAX_ADDRESSES && answers <= 2 * MAX_ADDRESSES, "{answers}");
}

#[test]
fn consent_that_is_lost_stops_the_voice_and_comes_back() {
    let mut net = Net::between(true, false);
    net.until_found();
    net.cut = true;
    net.pass(Duration::from_secs(10));
    assert_eq!(net.routes()[0], Route::To(at(THERE)), "ten seconds may pass");
    net.pass(Duration::from_secs(20));
    assert_eq!(net.routes(), [Route::Nowhere; 2], "RFC 7675 5.1: 30 s");
    net.cut = false;
    net.paths[0].update(net.now, &agreed(true, "dddd", "eeee", &[THERE]));
    net.paths[1].update(net.now, &agreed(false, "eeee", "dddd", &[HERE]));
    net.start = net.now;
    assert!(net.until_found() <= 600);
}

#[test]
fn voice_goes_on_while_everything_is_checked_again() {
    let mut net = Net::between(true, false);
    net.until_found();
    let (ours, theirs) = (agreed(true, "dddd", "eeee", &[THERE]), agreed(false, "eeee", "dddd", &[HERE]));
    for _ in 0..3 {
        net.paths[0].update(net.now, &ours);
        net.paths[1].update(net.now, &theirs);
        for _ in 0..200 {
            assert_eq!(net.paths[0].hears(at(THERE)), Some(true));
            net.pass(Duration::from_millis(10));
            assert_eq!(net.routes(), [Route::To(net.addrs[1]), Route::To(net.addrs[0])]);
        }
    }
}

#[test]
fn the_same_session_again_changes_nothing() {
    let mut net = Net::between(true, false);
    net.until_found();
    let sent = net.sent;
    for _ in 0..20 {
        net.paths[0].update(net.now, &agreed(true, "aaaa", "bbbb", &[THERE]));
        assert_eq!(net.routes()[0], Route::To(at(THERE)));
    }
    net.pass(Duration::from_secs(1));
    assert!(net.sent[0] - sent[0] < 8);
}

/// A name of 256 characters is allowed, and none that `is` could use.
#[test]
fn long_names_are_taken_and_longer_ones_refused() {
    let with = |controlling, local: &str, remote: &str, addr| Ice {
        local: secret(local, "c"),
        remote: secret(remote, "c"),
        ..agreed(controlling, "aaaa", "bbbb", &[addr])
    };
    let (ours, long) = ("a".repeat(8), "b".repeat(119));
    let mut net = Net::new(&with(true, &ours, &long, THERE), &with(false, &long, &ours, HERE));
    net.until_found();
    for length in [120, 256] {
        let longer = with(true, &ours, &"b".repeat(length), THERE);
        assert!(Path::new(net.now, 1, at(HERE), &longer, 1).is_none());
        net.paths[0].update(net.now, &longer);
        assert_eq!(net.routes()[0], Route::To(at(THERE)));
    }
}

proptest! {
    #[test]
    fn any_datagram_is_taken_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200), at_byte in 0usize..120, bit in 0u8..8) {
        let mut net = Net::between(true, false);
        net.paths[0].receive(net.now, at(THERE), false, &bytes);
        let mut likely = vec![0, 1, 0, (bytes.len() / 4 * 4) as u8, 0x21, 0x12, 0xa4, 0x42];
        likely.extend([0; 12]);
        likely.extend(&bytes[..bytes.len() / 4 * 4]);
        net.paths[0].receive(net.now, at(THERE), false, &likely);
        if let Some((_, mut real)) = net.paths[1].poll_transmit() {
            let length = real.len();
            real[at_byte % length] ^= 1 << bit;
            net.paths[0].receive(net.now, at(THERE), false, &real);
        }
        net.until_found();
    }
}

const RELAYS: [&str; 2] = ["203.0.113.1:50000", "203.0.113.1:60000"];

/// Two that reach nothing but each other's relay.
fn relayed() -> Net {
    let both = |own: &str| {
        agreed(
            own == "aaaa",
            own,
            if own == "aaaa" { "bbbb" } else { "aaaa" },
            &["10.9.9.9:1", RELAYS[usize::from(own == "aaaa")]],
        )
    };
    let mut net = Net::new(&both("aaaa"), &both("bbbb"));
    (net.cut, net.relays) = (true, RELAYS.map(|relay| Some(at(relay))));
    for side in 0..2 {
        net.paths[side].set_relay(net.now, net.relays[side]);
    }
    net
}

#[test]
fn where_nothing_else_gets_through_a_relay_does() {
    let mut net = relayed();
    net.pass(Duration::from_secs(1));
    assert_eq!(net.routes(), [Route::Relayed(at(RELAYS[1])), Route::Relayed(at(RELAYS[0]))]);
    assert_eq!(net.paths[0].hears(at(RELAYS[1])), Some(true));
    net.pass(Duration::from_secs(60));
    assert_eq!(net.routes()[0], Route::Relayed(at(RELAYS[1])), "and consent stays");
}

#[test]
fn a_direct_path_is_better_than_a_relay() {
    let both = |own: &str, peer: &str, there: &str, relay: &str| agreed(own == "aaaa", own, peer, &[there, relay]);
    let mut net = Net::new(&both("aaaa", "bbbb", THERE, RELAYS[1]), &both("bbbb", "aaaa", HERE, RELAYS[0]));
    net.relays = RELAYS.map(|relay| Some(at(relay)));
    for side in 0..2 {
        net.paths[side].set_relay(net.now, net.relays[side]);
    }
    net.pass(Duration::from_secs(2));
    assert_eq!(net.routes(), [Route::To(at(THERE)), Route::To(at(HERE))]);
    for side in 0..2 {
        net.paths[side].set_relay(net.now, None);
    }
    net.pass(Duration::from_secs(60));
    assert_eq!(net.routes(), [Route::To(at(THERE)), Route::To(at(HERE))], "which may go");
}

#[test]
fn a_relay_that_is_gone_is_a_path_that_is_lost() {
    let mut net = relayed();
    net.pass(Duration::from_secs(1));
    for side in 0..2 {
        net.paths[side].set_relay(net.now, None);
    }
    net.pass(Duration::from_secs(40));
    assert_eq!(net.routes(), [Route::Nowhere; 2]);
}
