//! One agent and a peer that says exactly what the test writes.

#![allow(dead_code)] // each test crate uses its part

use hatif_sip::text::{Message, Method, Request, Response, parse};
use hatif_sip::*;
use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

pub const ACCOUNT: AccountId = AccountId(1);
pub const CALL: CallId = CallId(1);
pub const PBX: &str = "192.0.2.1:5060";
pub const OWN: &str = "10.0.0.1:5060";

pub const OFFER: &str = "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0 101\r\na=rtpmap:101 telephone-event/8000\r\n";

pub struct Rig {
    pub now: Instant,
    pub start: Instant,
    pub agent: Agent,
    /// Messages sent and not yet taken by a test, with their destinations.
    pub sent: Vec<(Destination, Message)>,
    pub events: Vec<(Duration, Event)>,
    pub opened: Vec<Duration>,
    pub closed: usize,
    /// For how long the server of the moment was to come last, each time.
    pub avoided: Vec<Duration>,
    pub last_send: Option<SendId>,
    /// Of the last request of the peer.
    pub number: u32,
}

pub fn config(kind: AccountKind, transport: Transport) -> AccountConfig {
    AccountConfig {
        id: ACCOUNT,
        kind,
        user: "alice".into(),
        domain: HostPort::parse("pbx.example").expect("host"),
        registrar: None,
        proxy: None,
        auth_user: None,
        password: Some(Secret("secret".into())),
        display_name: None,
        transport,
        expires: 600,
        user_agent: "Hatif/0".into(),
        serve_registrations: false,
        trust_identity: true,
        srtp: SrtpPolicy::Off,
        ice: IcePolicy::Off,
        instance: None,
    }
}

pub fn local_media() -> LocalMedia {
    LocalMedia {
        addr: "10.0.0.1:7000".parse().expect("address"),
        codecs: vec![Codec::Opus, Codec::Pcmu, Codec::Pcma],
        gathered: Vec::new(),
    }
}

impl Rig {
    /// A registrar account on UDP whose wire is up.
    pub fn new() -> Self {
        Self::with(config(AccountKind::Registrar, Transport::Udp))
    }

    pub fn with(config: AccountConfig) -> Self {
        let now = Instant::now();
        let agent = Agent::new([7; 32]);
        let mut rig = Rig {
            now,
            start: now,
            agent,
            sent: Vec::new(),
            events: Vec::new(),
            opened: Vec::new(),
            closed: 0,
            avoided: Vec::new(),
            last_send: None,
            number: 0,
        };
        let direct = config.kind == AccountKind::Direct;
        rig.act(Input::SetAccount(Box::new(config)));
        if direct {
            // To be reachable, as its owner wants it from the start.
            rig.act(Input::Register(ACCOUNT));
        }
        rig.wire_up();
        if direct {
            rig.events.clear();
        }
        rig
    }

    pub fn wire_up(&mut self) {
        let (local, remote) = (OWN.parse().expect("address"), vec![PBX.parse().expect("address")]);
        self.act(Input::WireUp { account: ACCOUNT, local, remote });
    }

    pub fn act(&mut self, input: Input) {
        self.agent.handle(self.now, input);
        while let Some(output) = self.agent.poll_output() {
            let at = self.now - self.start;
            match output {
                Output::Send { to, bytes, id, .. } => {
                    self.last_send = Some(id);
                    self.sent.push((to, parse(&bytes).expect("what we send can be read")));
                }
                Output::Event(event) => self.events.push((at, event)),
                Output::OpenWire { .. } => self.opened.push(at),
                Output::CloseWire { .. } => self.closed += 1,
                Output::Avoid { pause, .. } => self.avoided.push(pause),
            }
        }
    }

    /// Lets time pass, timers run.
    pub fn pass(&mut self, time: Duration) {
        let until = self.now + time;
        while let Some((at, _)) = self.agent.poll_timeout().filter(|(at, _)| *at <= until) {
            self.now = self.now.max(at);
            self.act(Input::Timeout);
        }
        self.now = until;
    }

    pub fn seconds(&mut self, n: u64) {
        self.pass(Duration::from_secs(n));
    }

    pub fn hear_from(&mut self, source: &str, bytes: &[u8]) {
        let source: SocketAddr = source.parse().expect("address");
        self.act(Input::Received { account: ACCOUNT, source, flow: None, bytes: bytes.to_vec() });
    }

    pub fn hear(&mut self, bytes: &[u8]) {
        self.hear_from(PBX, bytes);
    }

    /// Takes the requests of that method sent since the last look.
    pub fn requests(&mut self, method: Method) -> Vec<Request> {
        let mut found = Vec::new();
        self.sent.retain(|(_, m)| match m {
            Message::Request(r) if r.method == method => {
                found.push(r.clone());
                false
            }
            _ => true,
        });
        found
    }

    /// The one request of that method, however often it was sent.
    pub fn request(&mut self, method: Method) -> Request {
        let mut found = self.requests(method.clone());
        found.dedup(); // retransmissions
        assert_eq!(found.len(), 1, "one {method}: {found:?}");
        found.remove(0)
    }

    /// Takes the responses sent since the last look.
    pub fn responses(&mut self) -> Vec<Response> {
        let mut found = Vec::new();
        self.sent.retain(|(_, m)| match m {
            Message::Response(r) => {
                found.push(r.clone());
                false
            }
            _ => true,
        });
        found
    }

    pub fn statuses(&mut self) -> Vec<u16> {
        self.responses().iter().map(|r| r.status).collect()
    }

    /// Answers a request of the agent. `head` holds further header lines, each with its line break.
    pub fn reply(&mut self, request: &Request, status: u16, tag: &str, head: &str, body: &str) {
        let mut response = request.response(status, Some(tag).filter(|t| !t.is_empty()));
        for line in head.lines() {
            let (name, value) = line.split_once(": ").expect("header line");
            response.headers.push(name, value);
        }
        if !body.is_empty() {
            response.set_body("application/sdp", body.as_bytes().to_vec());
        }
        self.hear(&response.to_bytes());
    }

    /// A request of the peer outside of dialogs, with header lines and body.
    pub fn peer_request(&mut self, method: &str, head: &str, body: &str) -> String {
        self.number += 1;
        let n = self.number;
        let length = body.len();
        format!(
            "{method} sip:alice@{OWN} SIP/2.0\r\nVia: SIP/2.0/UDP {PBX};branch=z9hG4bKp{n};rport\r\nMax-Forwards: 70\r\nFrom: \"Bob\" <sip:1002@pbx.example>;tag=b{n}\r\nTo: <sip:alice@pbx.example>\r\nCall-ID: call-{n}\r\nCSeq: 1 {method}\r\nContact: <sip:1002@{PBX}>\r\n{head}Content-Length: {length}\r\n\r\n{body}"
        )
    }

    /// The peer calls with that offer ("" for none), and hears 180.
    pub fn invite(&mut self, head: &str, offer: &str) -> (CallId, Request, Response) {
        let head = if offer.is_empty() { head.to_string() } else { format!("{head}Content-Type: application/sdp\r\n") };
        let text = self.peer_request("INVITE", &head, offer);
        self.hear(text.as_bytes());
        let ringing = self.responses().pop().expect("a response");
        assert_eq!(ringing.status, 180);
        let Some((_, Event::Incoming { call, .. })) = self.events.last() else { panic!("no call: {:?}", self.events) };
        let Ok(Message::Request(invite)) = parse(text.as_bytes()) else { panic!("own request") };
        (*call, invite, ringing)
    }

    /// A further request of the peer who sent `invite` and was answered with `response`; `body` is SDP.
    pub fn in_dialog(
        &mut self,
        invite: &Request,
        response: &Response,
        method: Method,
        seq: u32,
        body: &str,
    ) -> Request {
        self.in_dialog_with(invite, response, method, seq, "", "application/sdp", body)
    }

    /// The same with header lines, each with its line break, and a body of that type.
    #[allow(clippy::too_many_arguments)] // a request has that many parts
    pub fn in_dialog_with(
        &mut self,
        invite: &Request,
        response: &Response,
        method: Method,
        seq: u32,
        head: &str,
        media_type: &str,
        body: &str,
    ) -> Request {
        self.number += 1;
        let mut request = Request::new(method.clone(), format!("sip:alice@{OWN}"));
        request.headers.push("Via", format!("SIP/2.0/UDP {PBX};branch=z9hG4bKd{}", self.number));
        request.headers.push("From", invite.headers.bytes("From").expect("From"));
        request.headers.push("To", response.headers.bytes("To").expect("To"));
        request.headers.push("Call-ID", invite.call_id());
        request.headers.push("CSeq", format!("{seq} {method}"));
        request.headers.push("Contact", format!("<sip:1002@{PBX}>"));
        request.headers.push("Max-Forwards", "70");
        for line in head.lines() {
            let (name, value) = line.split_once(": ").expect("header line");
            request.headers.push(name, value);
        }
        if !body.is_empty() {
            request.set_body(media_type, body.as_bytes().to_vec());
        }
        self.hear(&request.to_bytes());
        request
    }

    /// A request of the peer whom the agent called with `invite` and who answered under `tag`.
    pub fn callee_says(&mut self, invite: &Request, tag: &str, method: Method, seq: u32, body: &str) -> Request {
        self.callee_says_with(invite, tag, method, seq, "", body)
    }

    /// The same with header lines.
    pub fn callee_says_with(
        &mut self,
        invite: &Request,
        tag: &str,
        method: Method,
        seq: u32,
        head: &str,
        body: &str,
    ) -> Request {
        self.number += 1;
        let mut request = Request::new(method.clone(), format!("sip:alice@{OWN}"));
        let from = format!("{};tag={tag}", invite.headers.text("To").expect("To"));
        request.headers.push("Via", format!("SIP/2.0/UDP {PBX};branch=z9hG4bKc{}", self.number));
        request.headers.push("From", from);
        request.headers.push("To", invite.headers.bytes("From").expect("From"));
        request.headers.push("Call-ID", invite.call_id());
        request.headers.push("CSeq", format!("{seq} {method}"));
        request.headers.push("Contact", format!("<sip:1002@{PBX}>"));
        for line in head.lines() {
            let (name, value) = line.split_once(": ").expect("header line");
            request.headers.push(name, value);
        }
        if !body.is_empty() {
            request.set_body("application/sdp", body.as_bytes().to_vec());
        }
        self.hear(&request.to_bytes());
        request
    }

    /// An incoming call, answered and acknowledged.
    pub fn incoming_call(&mut self) -> (CallId, Request, Response) {
        let (call, invite, _) = self.invite("", OFFER);
        self.act(Input::Answer { call, media: local_media() });
        let ok = self.responses().pop().expect("200");
        assert_eq!(ok.status, 200);
        self.in_dialog(&invite, &ok, Method::Ack, 1, "");
        assert!(matches!(self.events.last(), Some((_, Event::Answered { .. }))), "{:?}", self.events);
        (call, invite, ok)
    }

    /// Dials; gives back the INVITE.
    pub fn dial(&mut self, target: &str) -> Request {
        let target = target.to_string();
        self.act(Input::Invite { account: ACCOUNT, call: CALL, target, media: local_media() });
        self.request(Method::Invite)
    }

    /// An outgoing call, answered under the tag `t`.
    pub fn outgoing_call(&mut self) -> Request {
        let invite = self.dial("1002");
        self.reply(&invite, 200, "t", &format!("Contact: <sip:1002@{PBX}>\n"), OFFER);
        self.request(Method::Ack);
        assert!(matches!(self.events.last(), Some((_, Event::Answered { .. }))), "{:?}", self.events);
        invite
    }

    pub fn ends(&self) -> Vec<EndReason> {
        let ended = |e: &(Duration, Event)| match &e.1 {
            Event::Ended { reason, .. } => Some(*reason),
            _ => None,
        };
        self.events.iter().filter_map(ended).collect()
    }

    pub fn registration(&self) -> Option<(Duration, RegistrationState)> {
        self.events.iter().rev().find_map(|(at, e)| match e {
            Event::Registration { state, .. } => Some((*at, state.clone())),
            _ => None,
        })
    }

    /// Registers without being challenged.
    pub fn register(&mut self) {
        self.act(Input::Register(ACCOUNT));
        let register = self.request(Method::Register);
        self.reply(&register, 200, "r", "Expires: 600\n", "");
        assert!(matches!(self.registration(), Some((_, RegistrationState::Up { .. }))));
    }
}
