//! The four machines against RFC 3261 17 and RFC 6026: which copies go out when, and when each state ends.

use super::*;
use crate::{
    io::Destination,
    text::{Message, Via, parse},
};

const ACCOUNT: AccountId = AccountId(1);
const OWNER: Owner = Owner::Invite(CallId(1));

struct Bench {
    tx: Transactions,
    start: Instant,
    now: Instant,
}

impl Bench {
    fn new() -> Self {
        let start = Instant::now();
        Bench { tx: Transactions::default(), start, now: start }
    }

    fn request(method: &str) -> Request {
        let text = format!(
            "{method} sip:b@b SIP/2.0\r\nFrom: <sip:a@a>;tag=1\r\nTo: <sip:b@b>\r\nCall-ID: c\r\nCSeq: 1 {method}\r\n\r\n"
        );
        let Ok(Message::Request(request)) = parse(text.as_bytes()) else { panic!("request") };
        request
    }

    fn client(&mut self, method: &str, reliable: bool) -> TxId {
        let via = Via::parse("SIP/2.0/UDP x;branch=z9hG4bKa");
        let request = Self::request(method);
        self.tx
            .start(self.now, Start { account: ACCOUNT, owner: OWNER, to: Destination::NextHop, reliable, request, via })
    }

    fn server(&mut self, method: &str, reliable: bool) -> (TxId, Request) {
        let mut request = Self::request(method);
        request.headers.push_front("Via", "SIP/2.0/UDP x;branch=z9hG4bKb");
        let source = SocketAddr::from(([192, 0, 2, 1], 5060));
        let arrival = Arrival { account: ACCOUNT, source, flow: None, reliable, request: &request };
        let Received::New(id) = self.tx.receive_request(self.now, &arrival) else { panic!("new") };
        (id, request)
    }

    fn hear(&mut self, id: TxId, status: u16) {
        let Some(request) = self.tx.sent_request(id).cloned() else { return };
        let response = request.response(status, Some("t"));
        assert!(self.tx.receive_response(self.now, ACCOUNT, response));
    }

    fn copy(&mut self, request: &Request) -> Received {
        let source = SocketAddr::from(([192, 0, 2, 1], 5060));
        self.tx.receive_request(self.now, &Arrival { account: ACCOUNT, source, flow: None, reliable: false, request })
    }

    /// Lets time pass; the milliseconds since the start at which something was sent.
    fn sends(&mut self, time: Duration) -> Vec<u128> {
        let until = self.now + time;
        let mut at = vec![(self.now - self.start).as_millis(); self.drain()];
        while let Some((next, name)) = self.tx.poll_timeout().filter(|(next, _)| *next <= until) {
            assert!(name.starts_with("Timer ") || name == "100 Trying", "{name}");
            self.now = next;
            self.tx.run_timers(next);
            at.extend(vec![(next - self.start).as_millis(); self.drain()]);
        }
        self.now = until;
        at
    }

    fn drain(&mut self) -> usize {
        let sends = self.tx.outputs.iter().filter(|o| matches!(o, Output::Send { .. })).count();
        self.tx.outputs.clear();
        sends
    }

    fn events(&mut self) -> Vec<String> {
        let name = |e: TxEvent| match e {
            TxEvent::Response { response, .. } => response.status.to_string(),
            TxEvent::Failed { failure, .. } => format!("{failure:?}"),
            TxEvent::Done { .. } => "Done".to_string(),
        };
        self.tx.events.drain(..).map(name).collect()
    }
}

const LONG: Duration = Duration::from_secs(100);

#[test]
fn invite_client_repeats_by_timer_a_and_ends_by_timer_b() {
    let mut bench = Bench::new();
    bench.client("INVITE", false);
    assert_eq!(bench.sends(LONG), [0, 500, 1500, 3500, 7500, 15500, 31500]);
    assert_eq!(bench.events(), ["TimedOut", "Done"]);
    assert!(bench.tx.is_empty());
    let mut bench = Bench::new();
    bench.client("INVITE", true);
    assert_eq!(bench.sends(LONG), [0]);
    assert_eq!(bench.events(), ["TimedOut", "Done"]);
}

#[test]
fn non_invite_client_repeats_by_timer_e_and_ends_by_timer_f() {
    let mut bench = Bench::new();
    let id = bench.client("OPTIONS", false);
    assert_eq!(bench.sends(LONG), [0, 500, 1500, 3500, 7500, 11500, 15500, 19500, 23500, 27500, 31500]);
    assert_eq!(bench.events(), ["TimedOut", "Done"]);
    let mut bench = Bench::new();
    bench.client("OPTIONS", false);
    bench.sends(Duration::from_millis(600));
    bench.hear(id, 100);
    assert_eq!(bench.sends(Duration::from_secs(10)), [1500, 5500, 9500], "T2 once a provisional came");
    bench.hear(id, 200);
    assert_eq!(bench.sends(LONG), [], "nothing more after the final response");
    assert_eq!(bench.events(), ["100", "200", "Done"]);
}

#[test]
fn invite_client_rings_without_end_and_acknowledges_each_refusal() {
    let mut bench = Bench::new();
    let id = bench.client("INVITE", false);
    bench.hear(id, 180);
    bench.drain();
    assert_eq!(bench.sends(Duration::from_secs(3600)), []);
    bench.hear(id, 486);
    bench.hear(id, 486);
    assert_eq!(bench.drain(), 2, "an ACK for each copy");
    assert_eq!(bench.sends(Duration::from_secs(31)), []);
    bench.hear(id, 486);
    assert_eq!(bench.drain(), 1);
    bench.sends(LONG);
    assert_eq!(bench.events(), ["180", "486", "Done"]);
    let mut bench = Bench::new();
    let id = bench.client("INVITE", true);
    bench.hear(id, 486);
    bench.tx.run_timers(bench.now);
    assert!(bench.tx.is_empty(), "timer D is zero on a stream");
}

#[test]
fn invite_client_hands_on_every_2xx_for_timer_m() {
    let mut bench = Bench::new();
    let id = bench.client("INVITE", false);
    bench.hear(id, 200);
    bench.hear(id, 200);
    bench.hear(id, 486);
    assert_eq!(bench.events(), ["200", "200"]);
    bench.sends(Duration::from_secs(31));
    bench.hear(id, 200);
    assert_eq!(bench.events(), ["200"]);
    bench.sends(Duration::from_secs(1));
    assert_eq!(bench.events(), ["Done"]);
}

#[test]
fn a_cancelled_invite_ends_after_64_t1() {
    let mut bench = Bench::new();
    let id = bench.client("INVITE", false);
    assert_eq!(bench.tx.cancel(bench.now, id, Owner::Cancel(CallId(1))), None, "not before a provisional");
    bench.hear(id, 180);
    bench.sends(LONG);
    assert!(bench.tx.cancel(bench.now, id, Owner::Cancel(CallId(1))).is_some());
    bench.hear(id, 180);
    bench.sends(Duration::from_secs(33));
    assert!(bench.tx.is_empty());
}

#[test]
fn invite_server_repeats_its_refusal_until_the_ack() {
    let mut bench = Bench::new();
    let (id, request) = bench.server("INVITE", false);
    bench.tx.respond(bench.now, id, &request.response(180, Some("t")));
    assert_eq!(bench.copy(&request), Received::Copy);
    assert_eq!(bench.drain(), 2, "the provisional again");
    bench.tx.respond(bench.now, id, &request.response(486, Some("t")));
    assert_eq!(bench.sends(Duration::from_secs(8)), [0, 500, 1500, 3500, 7500]);
    let ack = Request { method: Method::Ack, ..request.clone() };
    assert!(bench.tx.receive_ack(bench.now, ACCOUNT, &ack));
    assert_eq!(bench.sends(Duration::from_millis(4999)), []);
    assert!(!bench.tx.is_empty(), "timer I absorbs further ACKs");
    assert!(bench.tx.receive_ack(bench.now, ACCOUNT, &ack));
    bench.sends(LONG);
    assert!(bench.tx.is_empty());

    let mut bench = Bench::new();
    let (id, request) = bench.server("INVITE", false);
    bench.tx.respond(bench.now, id, &request.response(486, Some("t")));
    assert_eq!(bench.sends(LONG), [0, 500, 1500, 3500, 7500, 11500, 15500, 19500, 23500, 27500, 31500]);
    assert!(bench.tx.is_empty(), "timer H");
}

#[test]
fn invite_server_says_100_when_nothing_else_was_said() {
    let mut bench = Bench::new();
    let (id, request) = bench.server("INVITE", false);
    assert_eq!(bench.copy(&request), Received::Copy);
    assert_eq!(bench.drain(), 0, "a copy may come before");
    assert_eq!(bench.sends(LONG), [200], "once");
    bench.copy(&request);
    assert_eq!(bench.drain(), 1, "the 100 again");
    bench.tx.respond(bench.now, id, &request.response(180, Some("t")));
    assert_eq!(bench.drain(), 1);
    let mut bench = Bench::new();
    let (id, request) = bench.server("INVITE", false);
    bench.tx.respond(bench.now, id, &request.response(180, Some("t")));
    assert_eq!(bench.sends(LONG), [0]);
    let mut bench = Bench::new();
    bench.server("OPTIONS", false);
    assert_eq!(bench.sends(LONG), [], "nothing of the kind for others (RFC 4320 4.1)");
}

#[test]
fn invite_server_absorbs_copies_after_its_2xx() {
    let mut bench = Bench::new();
    let (id, request) = bench.server("INVITE", false);
    let ok = request.response(200, Some("t"));
    bench.tx.respond(bench.now, id, &ok);
    assert_eq!(bench.copy(&request), Received::Copy);
    assert_eq!(bench.drain(), 1);
    bench.tx.respond(bench.now, id, &ok);
    assert_eq!(bench.drain(), 1, "the agent repeats it by its own clock");
    assert_eq!(bench.sends(Duration::from_millis(31_999)), []);
    assert!(!bench.tx.is_empty());
    bench.sends(Duration::from_millis(1));
    assert!(bench.tx.is_empty(), "timer L");
}

#[test]
fn non_invite_server_repeats_its_answer_to_copies_for_timer_j() {
    let mut bench = Bench::new();
    let (id, request) = bench.server("OPTIONS", false);
    assert_eq!(bench.copy(&request), Received::Copy);
    assert_eq!(bench.drain(), 0, "nothing was said yet");
    bench.tx.respond(bench.now, id, &request.response(200, Some("t")));
    bench.tx.respond(bench.now, id, &request.response(500, Some("t")));
    assert_eq!(bench.drain(), 1, "one final response");
    bench.copy(&request);
    assert_eq!(bench.drain(), 1);
    bench.sends(Duration::from_millis(31_999));
    assert!(!bench.tx.is_empty());
    bench.sends(Duration::from_millis(1));
    assert!(bench.tx.is_empty());
    let (id, request) = bench.server("OPTIONS", true);
    bench.tx.respond(bench.now, id, &request.response(200, Some("t")));
    assert!(bench.tx.is_empty(), "timer J is zero on a stream");
}

#[test]
fn requests_of_rfc_2543_are_told_apart_by_their_headers() {
    let mut bench = Bench::new();
    let mut request = Bench::request("OPTIONS");
    request.headers.push_front("Via", "SIP/2.0/UDP x;branch=1");
    assert!(matches!(bench.copy(&request), Received::New(_)));
    assert_eq!(bench.copy(&request), Received::Copy);
    request.headers.set("CSeq", "2 OPTIONS");
    assert!(matches!(bench.copy(&request), Received::New(_)));
}

#[test]
fn a_flood_is_bounded() {
    let mut bench = Bench::new();
    let mut request = Bench::request("OPTIONS");
    for n in 0..MAX_SERVERS + 10 {
        request.headers.set("Via", format!("SIP/2.0/UDP x;branch=z9hG4bK{n}"));
        request.headers.set("Call-ID", n.to_string());
        let received = bench.copy(&request);
        assert_eq!(matches!(received, Received::New(_)), n < MAX_SERVERS, "{n}");
    }
}

#[test]
fn a_bye_waits_for_the_wire_and_others_fail() {
    let mut bench = Bench::new();
    let bye = bench.client("BYE", false);
    bench.tx.wire_down(ACCOUNT, WireFailure::Closed);
    assert_eq!(bench.events(), [""; 0]);
    bench.drain();
    let via = || Via::parse("SIP/2.0/UDP y;branch=z9hG4bKnew").expect("via");
    bench.tx.wire_up(bench.now, ACCOUNT, via);
    assert_eq!(bench.drain(), 1);
    bench.hear(bye, 200);
    assert_eq!(bench.events(), ["200"]);
    let mut bench = Bench::new();
    bench.client("INVITE", false);
    bench.tx.wire_down(ACCOUNT, WireFailure::Closed);
    assert_eq!(bench.events(), ["Wire(Closed)", "Done"]);
}
