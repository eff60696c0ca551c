//! Whether an account's way works, step by step: its server's name, the connection, the certificate, its STUN and TURN
//! servers. Each is tried anew, beside what runs, with connections of its own. The registration is the agent's, and its state known.
//!
//! ```text
//! Name ──> Connect ──> Tls        Stun        Turn
//!   └ failed: the ones behind it are not tried
//! ```

use crate::{NetConfig, resolve, stream, translate, udp};
use hatif_core::{
    account::{Account, AccountKind},
    ice::TurnServer,
    text::Text,
};
use hatif_sip::{HostPort, Transport, WireFailure};
use hatif_turn::{Client, Refusal};
use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};
use stun_types::{
    attribute::XorMappedAddress,
    message::{BINDING, Message, MessageWrite, MessageWriteVec},
};
use tokio::net::UdpSocket;

/// A STUN server is asked so often, and each time waited for so long.
const ASKED: u32 = 4;
const STUN_PATIENCE: Duration = Duration::from_millis(500);
/// A TURN server has so long, and is listened to for so long at a time.
const TURN_PATIENCE: Duration = Duration::from_secs(3);
const TURN_ROUND: Duration = Duration::from_millis(50);

/// What is tried.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Step {
    /// The server's name has an address.
    Name,
    /// Something answers there.
    Connect,
    /// Its certificate is good.
    Tls,
    /// The STUN server tells our address.
    Stun,
    /// The TURN server gives a relay.
    Turn,
}

/// What came of a step. `None`: it was not tried, because one before it failed.
#[derive(Clone, PartialEq, Debug)]
pub struct Finding {
    pub step: Step,
    pub result: Option<Result<(), Text>>,
    pub took: Duration,
}

/// The steps that an account has, in order.
pub fn steps(account: &Account) -> Vec<Step> {
    let registers = account.kind != AccountKind::Direct;
    let tls = registers && account.transport == hatif_core::account::Transport::Tls;
    let all = [
        (Step::Name, registers),
        (Step::Connect, registers),
        (Step::Tls, tls),
        (Step::Stun, translate::stun(account).is_some()),
        (Step::Turn, translate::turn(account).is_some()),
    ];
    all.into_iter().filter(|(_, has)| *has).map(|(step, _)| step).collect()
}

/// Tries every step in order and tells each as it ends. An account that makes no sense tells nothing.
pub async fn run(account: &Account, config: &NetConfig, mut tell: impl FnMut(Finding)) {
    let Ok(agent) = translate::account(account, None, config) else { return };
    let (hop, transport, ca_file) = (agent.next_hop().clone(), agent.transport, account.ca_file.as_deref());
    let mut addresses = Vec::new();
    let mut whole = true;
    for step in steps(account) {
        let since = Instant::now();
        let result = match step {
            Step::Stun => Some(stun(account).await),
            Step::Turn => Some(turn(account).await),
            _ if !whole => None,
            Step::Name => Some(match resolve::addresses(&hop, transport).await {
                Ok(found) => {
                    addresses = found;
                    Ok(())
                }
                Err(failure) => Err(translate::wire(failure).with("host", hop.host.clone())),
            }),
            Step::Connect => Some(connect(&addresses, &hop, transport).await.map_err(translate::wire)),
            Step::Tls => Some(stream::reach(&addresses, &hop, Transport::Tls, ca_file).await.map_err(translate::wire)),
        };
        whole &= matches!(step, Step::Stun | Step::Turn) || matches!(result, Some(Ok(())));
        tell(Finding { step, result, took: since.elapsed() });
    }
}

async fn connect(addresses: &[SocketAddr], hop: &HostPort, transport: Transport) -> Result<(), WireFailure> {
    if transport != Transport::Udp {
        return stream::reach(addresses, hop, Transport::Tcp, None).await;
    }
    let mut last = Err(WireFailure::HostUnknown);
    for addr in addresses {
        last = udp::options(*addr).await.map(|_| ());
        if last.is_ok() {
            break;
        }
    }
    last
}

async fn stun(account: &Account) -> Result<(), Text> {
    let Some(server) = translate::stun(account) else { return Ok(()) };
    let found = resolve::stun(&server).await;
    if found.is_empty() {
        return Err(Text::new("check.stun_name").with("host", server.host));
    }
    for addr in found {
        if ask(addr).await.is_some() {
            return Ok(());
        }
    }
    Err(Text::new("check.stun_silent"))
}

/// Our address as the server sees it.
async fn ask(server: SocketAddr) -> Option<SocketAddr> {
    let socket = UdpSocket::bind((resolve::facing(server).ok()?, 0)).await.ok()?;
    socket.connect(server).await.ok()?;
    let request = Message::builder_request(BINDING, MessageWriteVec::new()).finish();
    let id = Message::from_bytes(&request).ok()?.transaction_id();
    for _ in 0..ASKED {
        socket.send(&request).await.ok()?;
        let mut answer = [0; 1500];
        let Ok(received) = tokio::time::timeout(STUN_PATIENCE, socket.recv(&mut answer)).await else { continue };
        // A port where nobody listens says so here.
        let length = received.ok()?;
        let Ok(message) = Message::from_bytes(&answer[..length]) else { continue };
        let mapped = message.attribute::<XorMappedAddress>().ok().filter(|_| message.transaction_id() == id);
        if let Some(mapped) = mapped {
            return Some(mapped.addr(id));
        }
    }
    None
}

async fn turn(account: &Account) -> Result<(), Text> {
    let Some(server) = translate::turn(account) else { return Ok(()) };
    let mut last = Text::new("check.turn_name").with("host", server.host.clone());
    for addr in resolve::stun(&server).await {
        match relay(&translate::turn_at(account, addr)).await {
            Ok(()) => return Ok(()),
            Err(refusal) => last = refused(refusal),
        }
    }
    Err(last)
}

fn refused(refusal: Refusal) -> Text {
    match refusal {
        Refusal::Silent => Text::new("check.turn_silent"),
        Refusal::WrongPassword => Text::new("check.turn_password"),
        Refusal::Refused(code) => Text::new("check.turn_refused").with("code", code.to_string()),
        Refusal::Odd => Text::new("check.turn_odd"),
    }
}

/// Takes a relay and gives it back.
async fn relay(server: &TurnServer) -> Result<(), Refusal> {
    let own = resolve::facing(server.addr).map_err(|_| Refusal::Silent)?;
    let socket = UdpSocket::bind((own, 0)).await.map_err(|_| Refusal::Silent)?;
    socket.connect(server.addr).await.map_err(|_| Refusal::Silent)?;
    let since = Instant::now();
    let mut client = Client::new(since, server.addr, &server.user, &server.password);
    let mut answer = [0; 1500];
    let mut given = false;
    while !client.is_closed() {
        let now = Instant::now();
        if client.is_asking() && now - since > TURN_PATIENCE {
            return Err(Refusal::Silent);
        }
        if client.relayed().is_some() {
            given = true;
            client.release(now);
        }
        while let Some(request) = client.poll_transmit(now) {
            // One that is lost is sent again.
            let _ = socket.send(&request).await;
        }
        match tokio::time::timeout(TURN_ROUND, socket.recv(&mut answer)).await {
            Ok(Ok(length)) => {
                client.receive(Instant::now(), &answer[..length]);
            }
            // A port where nobody listens says so here.
            Ok(Err(_)) if !given => return Err(Refusal::Silent),
            Ok(Err(_)) | Err(_) => {}
        }
    }
    client.refusal().filter(|_| !given).map_or(Ok(()), Err)
}
