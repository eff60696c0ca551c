//! SIP over TCP and TLS: own framing (RFC 3261 18.3), one connection to the next hop, more where a target is elsewhere.
//!
//! A message that makes no sense costs itself, not the connection; only framing that is lost for good closes it.

use crate::{
    resolve, tls,
    wire::{Opened, Opening, Wire, WireEvent},
};
use hatif_sip::{AccountId, Destination, Framer, HostPort, SendId, Transport, WireFailure};
use rustls::ClientConfig;
use std::{collections::HashMap, net::SocketAddr, sync::Arc, time::Duration};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadHalf, WriteHalf},
    net::TcpStream,
    sync::mpsc,
};

/// Messages that may wait to be written on one connection. More means that the peer reads nothing: it is closed then.
const QUEUE: usize = 64;
/// Connecting, and the TLS handshake, each end within this.
const PATIENCE: Duration = Duration::from_secs(5);
/// RFC 5626 4.4.1: a double CRLF often enough to keep a NAT binding, seldom enough to cost nothing.
const KEEP_ALIVE: Duration = Duration::from_secs(25);
/// The first one comes sooner: it shows whether the far end answers them, so that a later silence says something.
const FIRST_KEEP_ALIVE: Duration = Duration::from_secs(5);
/// The far end answers a keep-alive within this, or the flow has failed (RFC 5626 4.4.1).
const PONG: Duration = Duration::from_secs(10);

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

pub async fn open(opening: Opening) -> Result<Opened, WireFailure> {
    if opening.direct.is_some() {
        // Direct accounts are UDP (the core refuses others); there is no listener here.
        return Err(WireFailure::Other);
    }
    let tls = match opening.transport {
        Transport::Tls => Some(tls::client(opening.ca_file.as_deref())?),
        _ => None,
    };
    let (remote, named) = opening.resolve().await?;
    let connected = connect(&opening.in_turn(&remote), &opening.hop, tls.clone()).await?;
    let (local, peer) = (connected.local, connected.peer);
    let (queue, outgoing) = mpsc::channel(QUEUE);
    let (closed, closings) = mpsc::channel(QUEUE);
    let wire = StreamWire { queue, account: opening.account, events: opening.events.clone() };
    let mut flows = Flows { opening, tls, closed, next: 1, all: HashMap::new(), by_addr: HashMap::new(), main: 0 };
    flows.main = flows.add(connected.stream, peer);
    tokio::spawn(flows.run(outgoing, closings));
    Ok(Opened { wire: Box::new(wire), local, remote, peer: Some(peer), named })
}

/// Whether a server takes connections, and shows a certificate that is good; the failure of the last address otherwise.
pub async fn reach(
    addresses: &[SocketAddr],
    host: &HostPort,
    transport: Transport,
    ca_file: Option<&str>,
) -> Result<(), WireFailure> {
    let tls = match transport {
        Transport::Tls => Some(tls::client(ca_file)?),
        _ => None,
    };
    connect(addresses, host, tls).await.map(|_| ())
}

struct Connected {
    stream: Box<dyn Stream>,
    local: SocketAddr,
    peer: SocketAddr,
}

/// The first address that takes us; the failure of the last one otherwise.
async fn connect(
    addresses: &[SocketAddr],
    host: &HostPort,
    tls: Option<Arc<ClientConfig>>,
) -> Result<Connected, WireFailure> {
    let mut last = WireFailure::HostUnknown;
    for peer in addresses {
        let tcp = match tokio::time::timeout(PATIENCE, TcpStream::connect(peer)).await {
            Ok(Ok(tcp)) => tcp,
            Ok(Err(e)) => {
                last = crate::wire::failure(&e);
                continue;
            }
            Err(_) => {
                last = WireFailure::TimedOut;
                continue;
            }
        };
        let local = tcp.local_addr().map_err(|e| crate::wire::failure(&e))?;
        // Small messages at human pace: send them at once.
        let _ = tcp.set_nodelay(true);
        watch(&tcp);
        let stream: Box<dyn Stream> = match &tls {
            None => Box::new(tcp),
            Some(config) => match handshake(tcp, host, config.clone()).await {
                Ok(stream) => Box::new(stream),
                Err(failure) => {
                    last = failure;
                    continue;
                }
            },
        };
        return Ok(Connected { stream, local, peer: *peer });
    }
    Err(last)
}

/// The system's own watch over the way, for far ends that answer no keep-alives (Asterisk): a peer that the network does
/// not reach any more is noticed within half a minute. A system that cannot do it goes without.
fn watch(tcp: &TcpStream) {
    let socket = socket2::SockRef::from(tcp);
    let probes = socket2::TcpKeepalive::new().with_time(Duration::from_secs(15)).with_interval(Duration::from_secs(5));
    let _ = socket.set_tcp_keepalive(&probes);
    #[cfg(target_os = "linux")]
    let _ = socket.set_tcp_user_timeout(Some(PONG));
}

async fn handshake(
    tcp: TcpStream,
    host: &HostPort,
    config: Arc<ClientConfig>,
) -> Result<tokio_rustls::client::TlsStream<TcpStream>, WireFailure> {
    let name = rustls_pki_types::ServerName::try_from(host.host.clone()).map_err(|_| WireFailure::HostUnknown)?;
    let shake = tokio_rustls::TlsConnector::from(config).connect(name, tcp);
    match tokio::time::timeout(PATIENCE, shake).await {
        Ok(Ok(stream)) => Ok(stream),
        Ok(Err(e)) => Err(tls::failure(&e)),
        Err(_) => Err(WireFailure::TimedOut),
    }
}

#[derive(Debug)]
struct StreamWire {
    queue: mpsc::Sender<(Vec<u8>, Destination, SendId)>,
    account: AccountId,
    events: mpsc::Sender<WireEvent>,
}

impl Wire for StreamWire {
    fn send(&self, bytes: Vec<u8>, to: Destination, id: SendId) {
        if self.queue.try_send((bytes, to, id)).is_err() {
            // The task behind is connecting elsewhere or has ended. Nothing repeats itself on a stream, so it is said.
            let failed = WireEvent::SendFailed { account: self.account, id, failure: WireFailure::Closed };
            let _ = self.events.try_send(failed);
        }
    }
}

/// The connections of one account.
struct Flows {
    opening: Opening,
    tls: Option<Arc<ClientConfig>>,
    closed: mpsc::Sender<u64>,
    next: u64,
    all: HashMap<u64, mpsc::Sender<Vec<u8>>>,
    by_addr: HashMap<SocketAddr, u64>,
    main: u64,
}

impl Flows {
    /// Runs until the wire is dropped or the main connection is gone.
    async fn run(
        mut self,
        mut outgoing: mpsc::Receiver<(Vec<u8>, Destination, SendId)>,
        mut closings: mpsc::Receiver<u64>,
    ) {
        let Opening { account, generation, events, .. } = self.opening.clone();
        loop {
            tokio::select! {
                message = outgoing.recv() => match message {
                    None => return,
                    Some((bytes, to, id)) => {
                        if let Err(failure) = self.send(bytes, to).await {
                            let _ = events.send(WireEvent::SendFailed { account, id, failure }).await;
                        }
                    }
                },
                Some(flow) = closings.recv() => {
                    self.all.remove(&flow);
                    self.by_addr.retain(|_, f| *f != flow);
                    if flow == self.main {
                        let _ = events.send(WireEvent::Down { account, generation, failure: WireFailure::Closed }).await;
                        return;
                    }
                }
            }
        }
    }

    async fn send(&mut self, bytes: Vec<u8>, to: Destination) -> Result<(), WireFailure> {
        let flow = match to {
            Destination::NextHop => self.main,
            Destination::Source { addr, flow } => match flow.filter(|f| self.all.contains_key(f)) {
                Some(flow) => flow,
                None => *self.by_addr.get(&addr).unwrap_or(&self.main),
            },
            Destination::Host { hop, transport } => self.flow_to(&hop, transport).await?,
        };
        let queue = self.all.get(&flow).ok_or(WireFailure::Closed)?;
        queue.try_send(bytes).map_err(|_| WireFailure::Closed)
    }

    /// The connection to a target that is not the next hop; made where there is none.
    async fn flow_to(&mut self, hop: &HostPort, transport: Transport) -> Result<u64, WireFailure> {
        let addresses = resolve::addresses(hop, transport).await?;
        if let Some(flow) = addresses.iter().find_map(|a| self.by_addr.get(a)) {
            return Ok(*flow);
        }
        // An account that asked for TLS never goes on without it.
        let connected = connect(&addresses, hop, self.tls.clone()).await?;
        Ok(self.add(connected.stream, connected.peer))
    }

    fn add(&mut self, stream: Box<dyn Stream>, peer: SocketAddr) -> u64 {
        let flow = self.next;
        self.next += 1;
        let (queue, outgoing) = mpsc::channel(QUEUE);
        let (reader, writer) = tokio::io::split(stream);
        let account = self.opening.account;
        let generation = self.opening.generation;
        let link = Link {
            account,
            generation,
            flow,
            peer,
            events: self.opening.events.clone(),
            pong: queue.downgrade(),
            closed: self.closed.clone(),
        };
        // One ping is waited for at a time.
        let (pinged, pings) = mpsc::channel(1);
        tokio::spawn(link.read(reader, pings));
        tokio::spawn(write(writer, outgoing, pinged, flow, self.closed.clone()));
        self.all.insert(flow, queue);
        self.by_addr.insert(peer, flow);
        flow
    }
}

/// The reading end of one connection.
struct Link {
    account: AccountId,
    generation: u64,
    flow: u64,
    peer: SocketAddr,
    events: mpsc::Sender<WireEvent>,
    /// Weak, so that the writer ends when the wire is dropped.
    pong: mpsc::WeakSender<Vec<u8>>,
    closed: mpsc::Sender<u64>,
}

impl Link {
    async fn read(self, mut reader: ReadHalf<Box<dyn Stream>>, mut pings: mpsc::Receiver<()>) {
        let mut framer = Framer::new();
        let mut pulse = Pulse::default();
        let mut buffer = vec![0; 16 * 1024];
        loop {
            let read = tokio::select! {
                read = reader.read(&mut buffer) => read,
                Some(()) = pings.recv() => {
                    pulse.pinged();
                    continue;
                }
                () = pulse.failed() => break,
            };
            match read {
                Ok(0) | Err(_) => break,
                Ok(n) => framer.push(&buffer[..n]),
            }
            if !self.hand_on(&mut framer).await {
                break;
            }
            pulse.heard(&mut framer);
        }
        let _ = self.closed.send(self.flow).await;
    }

    /// False when the connection is of no more use.
    async fn hand_on(&self, framer: &mut Framer) -> bool {
        let Link { account, generation, flow, peer, .. } = *self;
        while let Some(frame) = framer.next() {
            let Ok(bytes) = frame else { return false };
            let event = WireEvent::Received { account, generation, source: peer, flow: Some(flow), bytes };
            if self.events.send(event).await.is_err() {
                return false;
            }
        }
        while framer.take_ping() {
            if let Some(queue) = self.pong.upgrade() {
                let _ = queue.try_send(b"\r\n".to_vec());
            }
        }
        true
    }
}

/// Whether the far end lives, by its answers to keep-alives. One that never answered any is not expected to.
#[derive(Default)]
struct Pulse {
    answers: bool,
    /// A ping is out and not answered.
    pending: bool,
    /// Nothing has been heard since that ping; by then something must be.
    until: Option<tokio::time::Instant>,
}

impl Pulse {
    fn pinged(&mut self) {
        self.pending = true;
        self.until.get_or_insert_with(|| tokio::time::Instant::now() + PONG);
    }

    /// Anything that comes is a sign of life.
    fn heard(&mut self, framer: &mut Framer) {
        self.until = None;
        if self.pending && framer.take_pong() {
            (self.answers, self.pending) = (true, false);
        }
    }

    async fn failed(&self) {
        match self.until.filter(|_| self.answers) {
            Some(until) => tokio::time::sleep_until(until).await,
            None => std::future::pending().await,
        }
    }
}

/// The writing end: messages as they come, a keep-alive when none comes.
async fn write(
    mut writer: WriteHalf<Box<dyn Stream>>,
    mut outgoing: mpsc::Receiver<Vec<u8>>,
    pinged: mpsc::Sender<()>,
    flow: u64,
    closed: mpsc::Sender<u64>,
) {
    let mut pause = FIRST_KEEP_ALIVE;
    loop {
        let message = match tokio::time::timeout(pause, outgoing.recv()).await {
            Ok(Some(bytes)) => Some(bytes),
            Ok(None) => break,
            Err(_) => None,
        };
        let bytes = message.as_deref().unwrap_or(b"\r\n\r\n");
        if writer.write_all(bytes).await.is_err() || writer.flush().await.is_err() {
            break;
        }
        if message.is_none() {
            pause = KEEP_ALIVE;
            let _ = pinged.try_send(());
        }
    }
    let _ = writer.shutdown().await;
    let _ = closed.send(flow).await;
}
