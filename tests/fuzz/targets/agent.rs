//! The whole agent: datagrams of a stranger and of the PBX while a call is up, with time passing between them. The agent
//! lives, what it sends can be read, and it never sends more than it is asked to by a multiple.

#![no_main]

use hatif_sip::{
    AccountConfig, AccountId, AccountKind, Agent, CallId, Codec, HostPort, IcePolicy, Input, LocalMedia, Output, Secret,
    SrtpPolicy, Transport,
    text::{Message, Method, Request, parse},
};
use libfuzzer_sys::fuzz_target;
use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

const ACCOUNT: AccountId = AccountId(1);
const PBX: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1)), 5060);
/// Between the datagrams of one input.
const BORDER: &[u8] = b"\n----\n";

struct Bench {
    agent: Agent,
    now: Instant,
    invite: Option<Request>,
    sent: usize,
}

impl Bench {
    fn act(&mut self, input: Input) {
        self.agent.handle(self.now, input);
        while let Some(output) = self.agent.poll_output() {
            if let Output::Send { bytes, .. } = output {
                self.sent += 1;
                if let Ok(Message::Request(request)) = parse(&bytes) {
                    if request.method == Method::Invite {
                        self.invite = Some(request);
                    }
                }
            }
        }
    }

    fn hear(&mut self, source: SocketAddr, bytes: Vec<u8>) {
        self.act(Input::Received { account: ACCOUNT, source, flow: None, bytes });
    }

    /// Lets the timers of the next two seconds run.
    fn pass(&mut self) {
        let until = self.now + Duration::from_secs(2);
        while let Some((at, _)) = self.agent.poll_timeout().filter(|(at, _)| *at <= until) {
            self.now = self.now.max(at);
            self.act(Input::Timeout);
        }
        self.now = until;
    }

    /// An account of either kind with an outgoing call that its far side has answered.
    fn in_a_call(kind: AccountKind) -> Bench {
        let mut bench = Bench { agent: Agent::new([7; 32]), now: Instant::now(), invite: None, sent: 0 };
        bench.act(Input::SetAccount(Box::new(AccountConfig {
            id: ACCOUNT,
            kind,
            user: "alice".into(),
            domain: HostPort { host: "192.0.2.1".into(), port: None },
            registrar: None,
            proxy: None,
            auth_user: None,
            password: Some(Secret("secret".into())),
            display_name: None,
            transport: Transport::Udp,
            expires: 600,
            user_agent: "Hatif/0".into(),
            serve_registrations: kind == AccountKind::Direct,
            trust_identity: true,
            srtp: SrtpPolicy::Optional,
            ice: IcePolicy::Answer,
            instance: None,
        })));
        bench.act(Input::Register(ACCOUNT));
        let local = SocketAddr::from(([10, 0, 0, 1], 5060));
        bench.act(Input::WireUp { account: ACCOUNT, local, remote: vec![PBX] });
        let media = LocalMedia {
            addr: SocketAddr::from(([10, 0, 0, 1], 7000)),
            codecs: vec![Codec::Opus, Codec::Pcmu, Codec::Pcma],
            gathered: Vec::new(),
        };
        bench.act(Input::Invite { account: ACCOUNT, call: CallId(1), target: "bob@192.0.2.1".into(), media });
        if let Some(invite) = bench.invite.clone() {
            let mut ok = invite.response(200, Some("bob"));
            ok.headers.push("Contact", "<sip:bob@192.0.2.1>");
            let answer = "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n";
            ok.set_body("application/sdp", answer.into());
            bench.hear(PBX, ok.to_bytes());
        }
        bench
    }
}

fuzz_target!(|bytes: &[u8]| {
    for kind in [AccountKind::Registrar, AccountKind::Direct] {
        let mut bench = Bench::in_a_call(kind);
        for (n, datagram) in datagrams(bytes).into_iter().take(16).enumerate() {
            bench.sent = 0;
            // The call's own names, so that what is invented can be within its dialog.
            let names = bench.invite.as_ref().map(|i| (i.call_id(), i.from_tag().unwrap_or_default()));
            let source = if n % 4 == 3 { SocketAddr::from(([203, 0, 113, 9], 5060)) } else { PBX };
            bench.hear(source, with_names(datagram, names));
            assert!(bench.sent <= 8, "{} messages for one datagram", bench.sent);
            bench.pass();
        }
        bench.act(Input::HangUp { call: CallId(1) });
        bench.act(Input::Stop);
        for _ in 0..120 {
            bench.pass();
        }
        let left = bench.agent.leftovers();
        assert!(left.calls == 0 && left.outputs == 0, "{left:?}");
    }
});

fn datagrams(bytes: &[u8]) -> Vec<&[u8]> {
    let mut found = Vec::new();
    let mut rest = bytes;
    while let Some(at) = rest.windows(BORDER.len()).position(|window| window == BORDER) {
        found.push(&rest[..at]);
        rest = &rest[at + BORDER.len()..];
    }
    found.push(rest);
    found
}

/// `@CALL@` and `@TAG@` stand for the Call-ID and our tag of the call that is up.
fn with_names(bytes: &[u8], names: Option<(String, String)>) -> Vec<u8> {
    let Some((call, tag)) = names else { return bytes.to_vec() };
    let mut out = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some(first) = rest.first() {
        if let Some(after) = rest.strip_prefix(b"@CALL@") {
            out.extend(call.as_bytes());
            rest = after;
        } else if let Some(after) = rest.strip_prefix(b"@TAG@") {
            out.extend(tag.as_bytes());
            rest = after;
        } else {
            out.push(*first);
            rest = &rest[1..];
        }
    }
    out
}
