use super::*;
use hatif_core::{
    ice::TurnServer,
    srtp::{SrtpKey, Suite},
};
use hatif_media::{Payload, StreamKey};
use std::{
    net::Ipv4Addr,
    sync::atomic::{AtomicU16, Ordering},
    time::Duration,
};

const LOCAL: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const PAYLOADS: [Option<u8>; 2] = [Some(0), None];

fn poll() -> mio::Poll {
    mio::Poll::new().unwrap()
}

fn packet(sequence: u16) -> RtpOut {
    RtpOut {
        key: StreamKey(1),
        payload_type: 0,
        marker: false,
        sequence,
        timestamp: 0,
        ssrc: 9,
        payload: Payload::new(b"voice"),
    }
}

/// A range of `pairs` pairs that nobody uses right now, and no other test will take; below the ephemeral ports.
fn free_range(pairs: u16) -> RangeInclusive<u16> {
    static NEXT: AtomicU16 = AtomicU16::new(20_000);
    let poll = poll();
    loop {
        let start = NEXT.fetch_add(64, Ordering::Relaxed);
        assert!(start < 32_000, "no free ports");
        let mut opened = (0..pairs).map(|pair| Port::bind_pair(poll.registry(), Token(0), LOCAL, start + 2 * pair));
        if opened.all(|pair| pair.is_ok()) {
            return start..=start + 2 * pairs - 1;
        }
    }
}

/// Datagrams on loopback are there when `send` returns, or a moment later.
fn receive(port: &mut Port) -> Option<RtpReceived> {
    let deadline = std::time::Instant::now() + Duration::from_secs(20);
    while port.rtp.peek_from(&mut [0; 1]).is_err() && std::time::Instant::now() < deadline {
        std::thread::yield_now();
    }
    port.receive_rtp(Instant::now(), &mut 10)
}

#[test]
fn ports_come_in_pairs_and_run_out() {
    let poll = poll();
    let range = free_range(3);
    let mut ports = vec![];
    for random in [5, 5, 5] {
        let port = Port::open(poll.registry(), Token(0), LOCAL, &range, random).unwrap();
        assert_eq!(port.local().port() % 2, 0);
        assert_eq!(port.rtcp.local_addr().unwrap().port(), port.local().port() + 1);
        ports.push(port);
    }
    let error = Port::open(poll.registry(), Token(0), LOCAL, &range, 1).err().unwrap();
    assert!(matches!(error, OpenError::NoPort));
    ports.pop();
    assert!(Port::open(poll.registry(), Token(0), LOCAL, &range, 1).is_ok());
}

#[test]
fn a_taken_rtcp_port_makes_the_next_pair_be_taken() {
    let range = free_range(2);
    let _taken = std::net::UdpSocket::bind((LOCAL, range.start() + 1)).unwrap();
    let port = Port::open(poll().registry(), Token(0), LOCAL, &range, 0).unwrap();
    assert_eq!(port.local().port(), range.start() + 2);
}

#[test]
fn a_foreign_local_address_is_not_called_a_lack_of_ports() {
    let bind = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));
    let error = Port::open(poll().registry(), Token(0), bind, &(20_000..=20_100), 0).err().unwrap();
    assert!(matches!(error, OpenError::Bind(_)));
}

#[test]
fn odd_and_empty_ranges_have_no_pair() {
    for range in [20_001..=20_002, 20_000..=20_000, RangeInclusive::new(20_100, 20_000), 65_535..=65_535] {
        assert!(matches!(Port::open(poll().registry(), Token(0), LOCAL, &range, 0), Err(OpenError::NoPort)));
    }
}

#[test]
fn sends_to_a_new_port_after_three_packets_from_it() {
    let poll = poll();
    let range = free_range(2);
    let mut ours = Port::open(poll.registry(), Token(0), LOCAL, &range, 0).unwrap();
    let signalled = std::net::UdpSocket::bind((LOCAL, 0)).unwrap();
    let rewritten = std::net::UdpSocket::bind((LOCAL, 0)).unwrap();
    ours.set_remote(Instant::now(), signalled.local_addr().unwrap(), PAYLOADS);
    let mut sequence = 0;
    let mut voice = || {
        sequence += 1;
        packet::write_rtp(&packet(sequence)).unwrap()
    };

    let hear = |socket: &std::net::UdpSocket| {
        socket.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        socket.recv_from(&mut [0; 200]).unwrap().1
    };
    for _ in 0..2 {
        rewritten.send_to(&voice(), ours.local()).unwrap();
        assert!(receive(&mut ours).is_some(), "accepted from any port of the signalled address");
        ours.send_rtp(&packet(1));
        assert_eq!(hear(&signalled), ours.local());
    }
    // one from the signalled port begins the count anew
    signalled.send_to(&voice(), ours.local()).unwrap();
    assert!(receive(&mut ours).is_some());
    for _ in 0..3 {
        rewritten.send_to(&voice(), ours.local()).unwrap();
        assert!(receive(&mut ours).is_some());
    }
    ours.send_rtp(&packet(1));
    assert_eq!(hear(&rewritten), ours.local());
    // the same signalled address again (a session refresh) does not undo it
    ours.set_remote(Instant::now(), signalled.local_addr().unwrap(), PAYLOADS);
    ours.send_rtp(&packet(1));
    assert_eq!(hear(&rewritten), ours.local());
}

fn keys(local: u8, remote: u8) -> Srtp {
    let key = |n: u8| SrtpKey { key: vec![n; 16].into(), salt: vec![n; 14].into() };
    Srtp { suite: Suite::AesCm128Sha80, local: key(local), remote: key(remote) }
}

/// Whatever the signalling says later: once there were keys, no plain packet leaves and none is heard.
#[test]
fn what_was_encrypted_is_never_plain_again() {
    let mut ours = Port::open(poll().registry(), Token(0), LOCAL, &free_range(1), 0).unwrap();
    let (far, far_rtcp) = loop {
        let rtp = std::net::UdpSocket::bind((LOCAL, 0)).unwrap();
        let next = rtp.local_addr().unwrap().port().saturating_add(1);
        if let Ok(rtcp) = std::net::UdpSocket::bind((LOCAL, next)) {
            break (rtp, rtcp);
        }
    };
    let report = RtcpOut { ssrc: 9, sender: None, report: None, bye: false };
    let plain = packet::write_rtp(&packet(1)).unwrap();
    ours.protect(Some(&keys(1, 2)));
    ours.set_remote(Instant::now(), far.local_addr().unwrap(), PAYLOADS);
    assert_eq!(ours.protection(), Protection::Unproven);

    let mut heard = [0; 200];
    for socket in [&far, &far_rtcp] {
        socket.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    }
    ours.send_rtp(&packet(1));
    let length = far.recv(&mut heard).unwrap();
    assert!(length == plain.len() + 10 && heard[12..17] != *b"voice");
    ours.send_rtcp(&report, "name");
    let length = far_rtcp.recv(&mut heard).unwrap();
    assert!(!heard[..length].windows(4).any(|w| w == b"name"));

    far.send_to(&plain, ours.local()).unwrap();
    assert!(receive(&mut ours).is_none(), "a plain packet of the far side's own address");
    assert_eq!((ours.dropped.forged, ours.protection()), (1, Protection::Unproven));
    let mut there = Cipher::new(&keys(2, 1)).unwrap();
    let sealed = there.protect_rtp(&plain).unwrap();
    far.send_to(&sealed, ours.local()).unwrap();
    assert_eq!(&receive(&mut ours).expect("the far side's voice").payload[..], b"voice");
    assert_eq!(ours.protection(), Protection::Proven);

    ours.protect(None);
    assert_eq!(ours.protection(), Protection::Unproven);
    let unsent = ours.dropped.unsent;
    ours.send_rtp(&packet(2));
    ours.send_rtcp(&report, "name");
    assert_eq!(ours.dropped.unsent, unsent + 2);
    for socket in [&far, &far_rtcp] {
        socket.set_nonblocking(true).unwrap();
        assert!(socket.recv(&mut heard).is_err(), "a packet left");
    }
    far.send_to(&plain, ours.local()).unwrap();
    assert!(receive(&mut ours).is_none());
}

/// Noise from the right address neither moves our voice nor counts as the far side.
#[test]
fn only_genuine_packets_teach_the_latch() {
    let mut ours = Port::open(poll().registry(), Token(0), LOCAL, &free_range(1), 0).unwrap();
    let signalled = std::net::UdpSocket::bind((LOCAL, 0)).unwrap();
    let other = std::net::UdpSocket::bind((LOCAL, 0)).unwrap();
    ours.protect(Some(&keys(1, 2)));
    ours.set_remote(Instant::now(), signalled.local_addr().unwrap(), PAYLOADS);
    for sequence in 1..20 {
        other.send_to(&packet::write_rtp(&packet(sequence)).unwrap(), ours.local()).unwrap();
        assert!(receive(&mut ours).is_none());
    }
    assert_eq!(ours.remote(), signalled.local_addr().ok().map(Route::To));
    let mut there = Cipher::new(&keys(2, 1)).unwrap();
    for sequence in 20..23 {
        let sealed = there.protect_rtp(&packet::write_rtp(&packet(sequence)).unwrap()).unwrap();
        other.send_to(&sealed, ours.local()).unwrap();
        assert!(receive(&mut ours).is_some());
    }
    assert_eq!(ours.remote(), other.local_addr().ok().map(Route::To), "the far side behind another port");
}

#[test]
fn foreign_and_malformed_datagrams_are_dropped_and_counted() {
    let range = free_range(1);
    let mut ours = Port::open(poll().registry(), Token(0), LOCAL, &range, 0).unwrap();
    let sender = std::net::UdpSocket::bind((LOCAL, 0)).unwrap();
    let bytes = packet::write_rtp(&packet(1)).unwrap();

    sender.send_to(&bytes, ours.local()).unwrap();
    assert!(receive(&mut ours).is_none(), "nothing is signalled yet");
    ours.set_remote(Instant::now(), "192.0.2.1:4000".parse().unwrap(), PAYLOADS);
    sender.send_to(&bytes, ours.local()).unwrap();
    assert!(receive(&mut ours).is_none(), "from another address");
    assert_eq!(ours.dropped, Dropped { foreign: 2, ..Dropped::default() });

    ours.set_remote(Instant::now(), sender.local_addr().unwrap(), PAYLOADS);
    for hostile in [&b""[..], b"\x80", b"GET / HTTP/1.1\r\n\r\n", &[0xff; 1500], &[0x80; 2049]] {
        sender.send_to(hostile, ours.local()).unwrap();
        assert!(receive(&mut ours).is_none());
    }
    assert_eq!(ours.dropped.malformed, 5);
    sender.send_to(&bytes, ours.local()).unwrap();
    assert!(receive(&mut ours).is_some());
}

/// It signals an address that it does not send from; its NAT's is found by its packets, and gets ours.
#[test]
fn a_far_end_elsewhere_is_heard_and_spoken_to() {
    let range = free_range(1);
    let mut ours = Port::open(poll().registry(), Token(0), LOCAL, &range, 0).unwrap();
    let theirs = std::net::UdpSocket::bind(("127.0.0.9", 0)).unwrap();
    let Some(earlier) = Instant::now().checked_sub(Duration::from_millis(600)) else { panic!("a new machine") };
    ours.set_remote(earlier, "10.255.255.1:4000".parse().unwrap(), PAYLOADS);
    let heard: Vec<bool> = (1..=5)
        .map(|sequence| {
            theirs.send_to(&packet::write_rtp(&packet(sequence)).unwrap(), ours.local()).unwrap();
            receive(&mut ours).is_some()
        })
        .collect();
    assert_eq!(heard, [false, false, true, true, true]);
    ours.send_rtp(&packet(1));
    theirs.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    assert_eq!(theirs.recv_from(&mut [0; 200]).unwrap().1, ours.local());
    assert_eq!(ours.dropped, Dropped { foreign: 2, ..Dropped::default() });
}

#[test]
fn an_address_of_nowhere_gets_nothing() {
    let range = free_range(1);
    let mut ours = Port::open(poll().registry(), Token(0), LOCAL, &range, 0).unwrap();
    ours.set_remote(Instant::now(), "0.0.0.0:4000".parse().unwrap(), PAYLOADS);
    ours.send_rtp(&packet(1));
    ours.set_remote(Instant::now(), "127.0.0.1:0".parse().unwrap(), PAYLOADS);
    ours.send_rtp(&packet(1));
    assert_eq!(ours.dropped.unsent, 0);
}

/// A STUN server's answer: to this request, with this address (IPv4, by exclusive or with the cookie).
fn told(request: &[u8], addr: std::net::SocketAddrV4) -> Vec<u8> {
    let cookie = [0x21, 0x12, 0xa4, 0x42];
    let mut answer = [&[1, 1, 0, 12], &request[4..20], &[0, 0x20, 0, 8, 0, 1]].concat();
    answer.extend(addr.port().to_be_bytes().iter().zip(cookie).map(|(a, b)| a ^ b));
    answer.extend(addr.ip().octets().iter().zip(cookie).map(|(a, b)| a ^ b));
    answer
}

/// Nonsense from the server, and answers from elsewhere, before the server's word; both sockets ask for themselves.
#[test]
fn what_the_stun_server_sees_is_gathered_and_nothing_else() {
    let mut ours = Port::open(poll().registry(), Token(0), LOCAL, &free_range(1), 0).unwrap();
    let [server, stranger] = [(); 2].map(|()| std::net::UdpSocket::bind((LOCAL, 0)).unwrap());
    server.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let now = Instant::now();
    let mut next = 0;
    ours.ask(now, server.local_addr().unwrap(), || {
        next += 1;
        next
    });
    assert!(ours.is_asking() && ours.waits(now));
    for (component, public) in (1..=2).zip(["203.0.113.5:9000", "203.0.113.5:9001"]) {
        let public = public.parse().unwrap();
        let mut request = [0; 100];
        let (length, from) = server.recv_from(&mut request).unwrap();
        assert_eq!((length, from), (20, ours.local_of(component)));
        stranger.send_to(&told(&request, "198.51.100.1:1".parse().unwrap()), from).unwrap();
        for nonsense in [&b"\x01\x01"[..], &[0; 20], &[1; 1500], &told(&[7; 20], public), &request[..20]] {
            server.send_to(nonsense, from).unwrap();
        }
        server.send_to(&told(&request, public), from).unwrap();
    }
    let until = Instant::now() + Duration::from_secs(20);
    while ours.gathered().gathered.len() < 2 {
        assert!(Instant::now() < until, "the answers did not come");
        assert!(ours.receive_rtp(now, &mut 10).is_none() && ours.receive_rtcp(now, &mut 10).is_none());
    }
    let gathered = ours.gathered().gathered;
    let seen: Vec<_> = gathered.iter().map(|g| (g.component, g.addr.to_string(), g.base)).collect();
    let expected = [(1, "203.0.113.5:9000"), (2, "203.0.113.5:9001")].map(|(c, a)| (c, a.to_owned(), ours.local_of(c)));
    assert_eq!(seen, expected);
    assert!(!ours.waits(now) && ours.silent().is_none());
}

/// A TURN server that asks for no password: its relay is 198.51.100.9:50000.
fn granted(request: &[u8]) -> Vec<u8> {
    let mut answer = told(request, "198.51.100.9:50000".parse().unwrap());
    (answer[1], answer[21]) = (3, 0x16);
    answer
}

/// Frames of a relay from who is none, and from one that lies, neither are the far side's voice nor keep it from being heard.
#[test]
fn what_strangers_and_a_lying_relay_send_is_no_voice() {
    let mut ours = Port::open(poll().registry(), Token(0), LOCAL, &free_range(1), 0).unwrap();
    let [server, stranger, theirs] = [(); 3].map(|()| std::net::UdpSocket::bind((LOCAL, 0)).unwrap());
    server.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let now = Instant::now();
    let addr = server.local_addr().unwrap();
    ours.ask_relay(now, &TurnServer { addr, user: "agent".into(), password: String::new().into() });
    for _ in 0..2 {
        let mut request = [0; 200];
        let (_, from) = server.recv_from(&mut request).unwrap();
        stranger.send_to(&granted(&request), from).unwrap();
        server.send_to(&granted(&request), from).unwrap();
    }
    let until = Instant::now() + Duration::from_secs(20);
    while ours.gathered().gathered.len() < 2 {
        assert!(Instant::now() < until, "the relays did not come");
        assert!(ours.receive_rtp(now, &mut 10).is_none() && ours.receive_rtcp(now, &mut 10).is_none());
    }
    assert!(!ours.waits(now) && ours.settle_relay(now).is_none());
    assert!(ours.gathered().gathered.iter().all(|g| g.kind == CandidateKind::Relayed));

    let there = theirs.local_addr().unwrap();
    ours.set_remote(now, there, PAYLOADS);
    let voice = packet::write_rtp(&packet(1)).unwrap();
    let mut channel = [&[0x40, 0, 0, voice.len() as u8], &voice[..]].concat();
    // A Data indication that says to be from where the far side is.
    let mut indication = vec![0; voice.len() + hatif_turn::MAX_OVERHEAD];
    let length = hatif_turn::send_indication(there, &voice, &mut indication).unwrap();
    indication.truncate(length);
    indication[1] = 0x17;
    for from in [&stranger, &server] {
        from.send_to(&channel, ours.local()).unwrap();
        from.send_to(&indication, ours.local()).unwrap();
        from.send_to(&[0x40, 0, 255, 255, 1], ours.local()).unwrap();
        from.send_to(&[1, 1, 0, 0], ours.local()).unwrap();
    }
    channel[1] = 31;
    server.send_to(&channel, ours.local()).unwrap();
    theirs.send_to(&voice, ours.local()).unwrap();
    let mut heard = 0;
    while heard == 0 {
        heard += u32::from(receive(&mut ours).inspect(|rtp| assert_eq!(&rtp.payload[..], b"voice")).is_some());
    }
    assert!(ours.receive_rtp(now, &mut 20).is_none(), "it was sent in many ways, and heard once");
    assert!(ours.release(now), "two relays are given back");
}
