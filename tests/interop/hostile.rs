//! Datagrams that no honest phone sends, at the SIP port of a phone in a call: it lives, the call goes on, and
//! strangers learn nothing.

use crate::hum;
use hatif_lab::{Asterisk, Baresip, Cli, DEADLINE, asterisk::Codecs, baresip, ports};
use serde_json::json;
use std::{
    net::UdpSocket,
    time::{Duration, Instant},
};

const OURS: u32 = 700;
const THEIRS: u32 = 500;

/// The kinds of RFC 4475, and worse. `PORT` is filled in.
fn datagrams(port: u16) -> Vec<Vec<u8>> {
    let via = "Via: SIP/2.0/UDP 127.0.0.1:9;branch=z9hG4bKhostile";
    let tail = "From: <sip:x@y>;tag=1\r\nTo: <sip:z@y>\r\nCall-ID: h\r\nCSeq: 1 INVITE\r\nMax-Forwards: 70\r\n";
    let request = |first: &str, more: &str| format!("{first}\r\n{via}\r\n{tail}{more}\r\n");
    let invite = format!("INVITE sip:hatif@127.0.0.1:{port} SIP/2.0");
    let long = "a".repeat(60_000);
    let mut texts = vec![
        String::new(),
        "\r\n\r\n".into(),
        "hello".into(),
        "SIP/2.0 200 OK\r\n\r\n".into(),
        "SIP/2.0 999999999999 No\r\n\r\n".into(),
        "SIP/7.0 200 OK\r\nVia: SIP/7.0/UDP x\r\n\r\n".into(),
        request("INVITE  sip:a@b   SIP/2.0", ""),
        request("INVITE sip:a@b SIP/7.0", ""),
        request("INVITE sip:a;%00=x@\u{1}b SIP/2.0", ""),
        request("INVITE <sip:a@b> SIP/2.0", ""),
        request("!@#$%^&*()_+ sip:a@b SIP/2.0", ""),
        request("NEWMETHOD soap.beep://x SIP/2.0", ""),
        request(&invite, "Content-Length: 9999\r\n"),
        request(&invite, "Content-Length: -1\r\n"),
        request(&invite, "Content-Length: 18446744073709551616\r\n"),
        request(&invite, "CSeq: 4294967296 INVITE\r\nCSeq: x\r\n"),
        request(&invite, "Contact: \"unterminated <sip:x@y>\r\n"),
        request(&invite, "Contact: sip:u@h?Route=%3Csip:e@f%3E;lr\r\n"),
        request(&invite, "Require: nothingSupportsThis, norThis\r\n"),
        request(&invite, "Content-Type: application/sdp\r\nContent-Length: 5\r\n\r\nv=0\r\n"),
        request(&invite, &format!("Subject: {long}\r\n")),
        request(&invite, &"Route: <sip:127.0.0.1;lr>\r\n".repeat(1_000)),
        request(&invite, &"Via: SIP/2.0/UDP h;branch=z9hG4bK\r\n".repeat(500)),
        request(&invite, " folded: \r\n\t x\r\n : empty\r\n"),
        request(&format!("BYE sip:hatif@127.0.0.1:{port} SIP/2.0"), ""),
        request(&format!("CANCEL sip:hatif@127.0.0.1:{port} SIP/2.0"), ""),
        request(&format!("ACK sip:hatif@127.0.0.1:{port} SIP/2.0"), "Content-Length: 3\r\n\r\nabc"),
        request(&format!("REGISTER sip:127.0.0.1:{port} SIP/2.0"), "Contact: *\r\nExpires: -1\r\n"),
        request("OPTIONS sip:[::1 SIP/2.0", ""),
        format!("{invite}\r\n{}\r\n", "v:".repeat(5_000)),
    ];
    let sdp = format!("v=0\r\nm=audio 99999999 RTP/AVP {}\r\n", "0 ".repeat(20_000));
    texts.push(request(
        &invite,
        &format!("Content-Type: application/sdp\r\nContent-Length: {}\r\n\r\n{sdp}", sdp.len()),
    ));
    let mut bytes: Vec<Vec<u8>> = texts.into_iter().map(String::into_bytes).collect();
    bytes.push(vec![0; 1_400]);
    bytes.push(vec![0xff; 1_400]);
    bytes.push([invite.as_bytes(), b"\r\nFrom: \xff\xfe\x00\x80\r\n\r\n"].concat());
    // Every beginning of an honest message.
    let honest = request(&invite, "Content-Length: 0\r\n").into_bytes();
    bytes.extend((1..honest.len()).step_by(7).map(|end| honest[..end].to_vec()));
    bytes
}

fn bombard(port: u16, from: &str) {
    let socket = UdpSocket::bind((from, 0)).expect("a port on loopback");
    for _ in 0..3 {
        for datagram in datagrams(port) {
            // What is too long for a datagram is refused by the system, which is as well.
            let _ = socket.send_to(&datagram, ("127.0.0.1", port));
        }
    }
}

#[test]
fn a_direct_phone_in_a_call_is_not_disturbed() {
    let folder = tempfile::tempdir().unwrap();
    let peer = Baresip::start(baresip::Options { tone: THEIRS, ..Default::default() });
    let mut cli = Cli::playing(Some(&hum(&folder, OURS)));
    let port = ports::free(2);
    let account = cli.add_direct(port);
    let call = cli.call(&peer.address(), account);
    cli.wait_call(call, "active");
    cli.wait_heard(THEIRS, 0.5);
    let mark = cli.events.mark();
    bombard(port, "127.0.0.1");
    cli.wait_heard(THEIRS, cli.heard().seconds_of(THEIRS) + 1.0);
    peer.wait_heard(OURS, peer.heard().map_or(0.0, |heard| heard.seconds_of(OURS)) + 1.0);
    assert!(cli.is_alive());
    let ended = |event: &serde_json::Value| {
        event["event"] == "call_changed" && event["call"]["id"] == call && event["call"]["state"]["state"] != "active"
    };
    assert!(!cli.events.since(mark).iter().any(ended), "the call was harmed");
    cli.hang_up(call);
    cli.quit();
}

#[test]
fn a_registered_phone_does_not_answer_strangers() {
    let asterisk = Asterisk::shared();
    let user = asterisk.user(Codecs::G711);
    let folder = tempfile::tempdir().unwrap();
    let mut cli = Cli::playing(Some(&hum(&folder, OURS)));
    let account = cli.register(&user, &asterisk.address(), &asterisk.address(), json!({}));
    let call = cli.call("600", account);
    cli.wait_call(call, "active");
    cli.wait_heard(OURS, 0.5);
    let port = contact_port(&user.name);
    let mark = cli.events.mark();

    // Another host than the PBX's. All of 127.0.0.0/8 is this machine.
    let stranger = UdpSocket::bind("127.0.0.2:0").unwrap();
    stranger.set_read_timeout(Some(Duration::from_millis(500))).unwrap();
    let own = stranger.local_addr().unwrap();
    for method in ["OPTIONS", "INVITE", "MESSAGE", "NOTHING"] {
        let text = format!(
            "{method} sip:{}@127.0.0.1:{port} SIP/2.0\r\nVia: SIP/2.0/UDP {own};branch=z9hG4bK{method};rport\r\n\
             From: <sip:stranger@{own}>;tag=1\r\nTo: <sip:{}@127.0.0.1>\r\nCall-ID: {method}\r\nCSeq: 1 {method}\r\n\
             Contact: <sip:stranger@{own}>\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n",
            user.name, user.name
        );
        stranger.send_to(text.as_bytes(), ("127.0.0.1", port)).unwrap();
    }
    // Once as a stranger, once as if from the PBX.
    bombard(port, "127.0.0.2");
    bombard(port, "127.0.0.1");
    // The call goes on for another second; by then an answer to a stranger would have come.
    cli.wait_heard(OURS, cli.heard().seconds_of(OURS) + 1.0);
    let mut answer = [0; 2_000];
    assert!(stranger.recv(&mut answer).is_err(), "a stranger was answered: {}", String::from_utf8_lossy(&answer));
    let rings = |event: &serde_json::Value| event["call"]["direction"] == "incoming";
    assert!(!cli.events.since(mark).iter().any(rings), "a stranger rings");
    cli.hang_up(call);
    cli.quit();
}

/// An INVITE from somebody who calls himself `name`.
fn invite_from(caller: &UdpSocket, port: u16, id: &str, name: &str) {
    let own = caller.local_addr().expect("it is bound");
    let sdp = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 9 RTP/AVP 8\r\n";
    let text = format!(
        "INVITE sip:hatif@127.0.0.1:{port} SIP/2.0\r\nVia: SIP/2.0/UDP {own};branch=z9hG4bK{id};rport\r\n\
         From: \"{name}\" <sip:mallory@{own}>;tag=1\r\nTo: <sip:hatif@127.0.0.1:{port}>\r\nCall-ID: {id}\r\n\
         CSeq: 1 INVITE\r\nContact: <sip:mallory@{own}>\r\nMax-Forwards: 70\r\n\
         Content-Type: application/sdp\r\nContent-Length: {}\r\n\r\n{sdp}",
        sdp.len()
    );
    caller.send_to(text.as_bytes(), ("127.0.0.1", port)).expect("loopback takes it");
}

/// Markup, text direction marks, control characters, and too much of it: up to the largest datagram that there is. Each
/// is a call that rings.
#[test]
fn a_hostile_name_is_shown_as_short_plain_text() {
    let mut cli = Cli::playing(None);
    let port = ports::free(2);
    cli.add_direct(port);
    let caller = UdpSocket::bind("127.0.0.1:0").unwrap();
    caller.set_read_timeout(Some(DEADLINE)).unwrap();
    for (n, length) in [3_000, 10_000, 64_800].into_iter().enumerate() {
        let start = format!("<b>Bank {n}</b>");
        invite_from(&caller, port, &format!("c{n}"), &format!("{start}\u{202e}\u{2066}\u{7}{}", "x".repeat(length)));
        let event = cli.events.wait_for("the call", 0, |event| {
            event["call"]["peer"]["name"].as_str().is_some_and(|name| name.starts_with(&format!("{start}xx")))
        });
        let call = &event["call"];
        let shown = call["peer"]["name"].as_str().unwrap_or_default();
        assert!(shown.chars().count() <= 128, "{} characters are shown", shown.chars().count());
        let hidden = ['\u{202a}'..='\u{202e}', '\u{2066}'..='\u{2069}'];
        let marks = |c: char| c.is_control() || hidden.iter().any(|range| range.contains(&c));
        assert!(!shown.contains(marks), "{shown:?}");
        let id = call["id"].as_u64().unwrap();
        cli.tell("reject", id);
        cli.wait_call(id, "ended");
        assert_eq!([heard_status(&caller), heard_status(&caller)], [180, 486], "the caller hears what became of it");
        acknowledge(&caller, port, &format!("c{n}"));
    }
    // More header fields than are read: dropped, and the next one rings.
    let many = format!("x\" <sip:y@z>;tag=2\r\n{}X: \"", "X: y\r\n".repeat(10_000));
    invite_from(&caller, port, "many", &many);
    invite_from(&caller, port, "next", "After all that");
    let event = cli.events.wait_for("the next call", 0, |event| event["call"]["peer"]["name"] == "After all that");
    cli.tell("reject", event["call"]["id"].as_u64().unwrap());
    assert_eq!([heard_status(&caller), heard_status(&caller)], [180, 486], "and nothing before was answered");
    assert!(cli.is_alive());
}

/// The status of the next response; repeated ones count once.
fn heard_status(caller: &UdpSocket) -> u16 {
    let mut buffer = vec![0; 65_535];
    let length = caller.recv(&mut buffer).expect("an answer comes");
    let text = String::from_utf8_lossy(&buffer[..length]).into_owned();
    text.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or_else(|| panic!("{text}"))
}

/// So that a refusal is not repeated.
fn acknowledge(caller: &UdpSocket, port: u16, id: &str) {
    let own = caller.local_addr().expect("it is bound");
    let text = format!(
        "ACK sip:hatif@127.0.0.1:{port} SIP/2.0\r\nVia: SIP/2.0/UDP {own};branch=z9hG4bK{id};rport\r\n\
         From: <sip:mallory@{own}>;tag=1\r\nTo: <sip:hatif@127.0.0.1:{port}>;tag=x\r\nCall-ID: {id}\r\n\
         CSeq: 1 ACK\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n"
    );
    caller.send_to(text.as_bytes(), ("127.0.0.1", port)).expect("loopback takes it");
}

/// Honest requests, far too many of them, from another address than the one that we talk to.
#[test]
fn a_flood_starves_no_call() {
    const FLOOD: usize = 20_000;
    let folder = tempfile::tempdir().unwrap();
    let peer = Baresip::start(baresip::Options { tone: THEIRS, ..Default::default() });
    let mut cli = Cli::playing(Some(&hum(&folder, OURS)));
    let port = ports::free(2);
    let account = cli.add_direct(port);
    let call = cli.call(&peer.address(), account);
    cli.wait_call(call, "active");
    cli.wait_heard(THEIRS, 0.5);
    let (ours, theirs) = (peer.heard().map_or(0.0, |heard| heard.seconds_of(OURS)), cli.heard().seconds_of(THEIRS));

    let flooder = UdpSocket::bind("127.0.0.2:0").unwrap();
    flooder.set_nonblocking(true).unwrap();
    let own = flooder.local_addr().unwrap();
    let begun = Instant::now();
    let mut buffer = [0; 2_000];
    let mut answers = 0;
    for n in 0..FLOOD {
        let method = ["OPTIONS", "MESSAGE", "BYE", "NOTIFY"][n % 4];
        let text = format!(
            "{method} sip:hatif@127.0.0.1:{port} SIP/2.0\r\nVia: SIP/2.0/UDP {own};branch=z9hG4bKf{n};rport\r\n\
             From: <sip:flood@{own}>;tag=1\r\nTo: <sip:hatif@127.0.0.1>\r\nCall-ID: f{n}\r\nCSeq: 1 {method}\r\n\
             Contact: <sip:flood@{own}>\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n"
        );
        // Loopback may have no room for a moment, which is a datagram less.
        let _ = flooder.send_to(text.as_bytes(), ("127.0.0.1", port));
        while let Ok(length) = flooder.recv(&mut buffer) {
            answers += usize::from(buffer[..length].starts_with(b"SIP/2.0 "));
        }
    }
    cli.wait_heard(THEIRS, theirs + 1.0);
    peer.wait_heard(OURS, ours + 1.0);
    // Another phone still reaches us.
    let honest = UdpSocket::bind("127.0.0.3:0").unwrap();
    honest.set_read_timeout(Some(DEADLINE)).unwrap();
    invite_from(&honest, port, "honest", "Honest");
    assert_eq!(heard_status(&honest), 180);
    let ended = cli.hang_up(call);
    assert_eq!(ended["state"]["reason"]["code"], "call.local_hang_up", "{ended}");
    peer.wait_for("CALL_CLOSED");
    // A thousand at once, then a hundred a second (crates/net/src/limit.rs).
    let admitted = 1_000.0 + 100.0 * begun.elapsed().as_secs_f64();
    assert!(answers > 0 && (answers as f64) < admitted, "{answers} answers to {FLOOD} requests");
}

/// The UDP port at which Asterisk finds this user's phone.
fn contact_port(user: &str) -> u16 {
    let shown = Asterisk::shared().command(&format!("pjsip show aor {user}"));
    let contact = shown.split(&format!("sip:{user}@127.0.0.1:")).nth(1).unwrap_or_else(|| panic!("{shown}"));
    let digits: String = contact.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().unwrap_or_else(|_| panic!("{shown}"))
}
