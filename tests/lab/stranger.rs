//! A caller on loopback who speaks just enough SIP to ring and to hang up, with whatever names and headers a test wants.

use crate::DEADLINE;
use std::{
    collections::HashMap,
    net::UdpSocket,
    time::{Duration, Instant},
};

/// A caller who says whatever we want.
pub struct Stranger {
    socket: UdpSocket,
    to: u16,
}

impl Stranger {
    /// On a port of its own, for a direct phone on loopback at `port`.
    pub fn calling(port: u16) -> Stranger {
        let socket = UdpSocket::bind("127.0.0.1:0").expect("a port on loopback");
        socket.set_read_timeout(Some(Duration::from_millis(100))).expect("a socket can wait");
        Stranger { socket, to: port }
    }

    /// Sends a request of the call `call`; `headers` are whole lines, each with its end.
    pub fn request(&self, method: &str, call: usize, from: &str, to: &str, headers: &str) {
        self.send(method, call, from, to, headers, "");
    }

    /// A text (RFC 3428).
    pub fn message(&self, number: usize, from: &str, to: &str, text: &str) {
        self.send("MESSAGE", number, from, to, "Content-Type: text/plain;charset=UTF-8\r\n", text);
    }

    fn send(&self, method: &str, call: usize, from: &str, to: &str, headers: &str, body: &str) {
        let own = self.socket.local_addr().expect("it is bound");
        let text = format!(
            "{method} sip:desk@127.0.0.1:{} SIP/2.0\r\nVia: SIP/2.0/UDP {own};branch=z9hG4bKh{call}\r\n\
             Max-Forwards: 70\r\nFrom: {from};tag=f{call}\r\nTo: {to}\r\nCall-ID: hostile-{call}\r\nCSeq: 1 {method}\r\n\
             Contact: <sip:stranger@{own}>\r\n{headers}Content-Length: {}\r\n\r\n{body}",
            self.to,
            body.len()
        );
        self.socket.send_to(text.as_bytes(), ("127.0.0.1", self.to)).expect("loopback takes a datagram");
    }

    /// The last status of each of these calls, once all have one that is at least `least`.
    pub fn answers(&self, calls: &[usize], least: u16) -> HashMap<usize, (u16, String)> {
        let mut answers = HashMap::new();
        let deadline = Instant::now() + DEADLINE;
        let mut buffer = vec![0; 65_536];
        while calls.iter().any(|call| answers.get(call).is_none_or(|(status, _)| *status < least)) {
            assert!(Instant::now() < deadline, "no answer {least} for one of {calls:?}: {answers:?}");
            let Ok(length) = self.socket.recv(&mut buffer) else { continue };
            let text = String::from_utf8_lossy(&buffer[..length]).into_owned();
            let header = |name: &str| text.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
            let status = text.split(' ').nth(1).and_then(|status| status.parse().ok());
            let call = header("Call-ID: hostile-").and_then(|call| call.parse().ok());
            let of_invite = header("CSeq:").is_some_and(|cseq| cseq.ends_with("INVITE"));
            if let (Some(status), Some(call), true, Some(to)) = (status, call, of_invite, header("To:")) {
                answers.insert(call, (status, to.to_owned()));
            }
        }
        answers
    }
}
