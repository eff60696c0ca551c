//! A caller and a registrar that look at the clock: just enough SIP by UDP on loopback to call a phone, to time what it
//! answers, to keep many calls up, and to let a phone register.

use hatif_lab::DEADLINE;
use std::{
    net::{SocketAddr, UdpSocket},
    sync::{Arc, Mutex, mpsc},
    thread,
    time::{Duration, Instant},
};

/// Between two packets of PCMA.
const PACKET: Duration = Duration::from_millis(20);
const SAMPLES: u32 = 160;

/// How long a call took, in milliseconds.
#[derive(Clone, Copy, Debug)]
pub struct Times {
    /// From the INVITE to the 200.
    pub answered: f64,
    /// From the 200 to the first RTP packet; 0 when that came first.
    pub heard: f64,
}

/// A call that was answered.
pub struct Dialog {
    id: String,
    /// The `To` of the 200, with its tag.
    to: String,
    /// Where requests go.
    contact: String,
    /// Where it listens to us.
    port: Option<u16>,
}

pub struct Caller {
    socket: UdpSocket,
    /// The phone.
    to: u16,
    voice: Voice,
    calls: usize,
}

impl Caller {
    /// For the phone at this port.
    pub fn of(to: u16) -> Caller {
        let socket = UdpSocket::bind("127.0.0.1:0").expect("a port on loopback");
        socket.set_read_timeout(Some(Duration::from_millis(50))).expect("a socket can wait");
        Caller { socket, to, voice: Voice::start(), calls: 0 }
    }

    /// Rings a phone that waits for a person, and gives it up: from the INVITE to the 180, in milliseconds.
    pub fn ring(&mut self) -> f64 {
        let id = self.next_id();
        let sent = self.invite(&id);
        let (at, _) = self.answer(&id, "INVITE", |status| status == 180);
        let ringing = milliseconds(sent, at);
        self.say(&format!(
            "CANCEL {} SIP/2.0\r\n{}Content-Length: 0\r\n\r\n",
            self.address(),
            self.first(&id, 1, "CANCEL")
        ));
        let (_, refused) = self.answer(&id, "INVITE", |status| status == 487);
        let to = header(&refused, "To").unwrap_or_default();
        self.say(&format!(
            "ACK {} SIP/2.0\r\n{}Content-Length: 0\r\n\r\n",
            self.address(),
            self.heads(&format!("first-{id}"), &id, to, 1, "ACK")
        ));
        ringing
    }

    /// Calls a phone that answers by itself, and stays in the call.
    pub fn call(&mut self) -> (Times, Dialog) {
        let id = self.next_id();
        self.voice.expect();
        let sent = self.invite(&id);
        self.answered(id, sent)
    }

    /// The same, for a phone that is told to answer by `answer` once it rings.
    pub fn call_and(&mut self, answer: impl FnOnce()) -> Dialog {
        let id = self.next_id();
        self.voice.expect();
        let sent = self.invite(&id);
        self.answer(&id, "INVITE", |status| status == 180);
        answer();
        self.answered(id, sent).1
    }

    fn answered(&mut self, id: String, sent: Instant) -> (Times, Dialog) {
        let (at, answer) = self.answer(&id, "INVITE", |status| status == 200);
        let contact = header(&answer, "Contact").unwrap_or_default();
        let contact =
            contact.split_once('<').and_then(|(_, rest)| rest.split_once('>')).map_or(contact, |(uri, _)| uri);
        let to = header(&answer, "To").unwrap_or_default().into();
        let dialog = Dialog { to, contact: contact.into(), port: audio_port(&answer), id };
        self.request(&dialog, 1, "ACK");
        self.voice.to.lock().expect("nobody panics with it").extend(dialog.port);
        let heard = self.voice.first().map_or(f64::NAN, |heard| milliseconds(at, heard));
        (Times { answered: milliseconds(sent, at), heard }, dialog)
    }

    pub fn hang_up(&mut self, dialog: &Dialog) {
        self.voice.to.lock().expect("nobody panics with it").retain(|port| Some(*port) != dialog.port);
        self.request(dialog, 2, "BYE");
        self.answer(&dialog.id, "BYE", |status| status >= 200);
    }

    /// Answers what phones say of themselves (holds, timers) for so long.
    pub fn stay(&self, time: Duration) {
        let until = Instant::now() + time;
        while Instant::now() < until {
            self.next();
        }
    }

    fn next_id(&mut self) -> String {
        self.calls += 1;
        format!("bench-{}-{}", self.own().port(), self.calls)
    }

    fn own(&self) -> SocketAddr {
        self.socket.local_addr().expect("it is bound")
    }

    fn address(&self) -> String {
        format!("sip:peer@127.0.0.1:{}", self.to)
    }

    fn heads(&self, branch: &str, id: &str, to: &str, cseq: u32, method: &str) -> String {
        let own = self.own();
        format!(
            "Via: SIP/2.0/UDP {own};rport;branch=z9hG4bK-{branch}\r\nMax-Forwards: 70\r\nFrom: <sip:bench@{own}>;tag={id}\r\n\
             To: {to}\r\nCall-ID: {id}\r\nCSeq: {cseq} {method}\r\nContact: <sip:bench@{own}>\r\n\
             Allow: INVITE, ACK, BYE, CANCEL, UPDATE\r\n"
        )
    }

    /// Of the INVITE, and of the CANCEL that takes it back.
    fn first(&self, id: &str, cseq: u32, method: &str) -> String {
        self.heads(&format!("first-{id}"), id, &format!("<{}>", self.address()), cseq, method)
    }

    fn invite(&self, id: &str) -> Instant {
        let (heads, body) = (self.first(id, 1, "INVITE"), self.voice.offer("sendrecv"));
        let text = format!("INVITE {} SIP/2.0\r\n{heads}{body}", self.address());
        let sent = Instant::now();
        self.say(&text);
        sent
    }

    fn request(&self, dialog: &Dialog, cseq: u32, method: &str) {
        let heads = self.heads(&format!("{method}-{}", dialog.id), &dialog.id, &dialog.to, cseq, method);
        self.say(&format!("{method} {} SIP/2.0\r\n{heads}Content-Length: 0\r\n\r\n", dialog.contact));
    }

    fn say(&self, text: &str) {
        self.socket.send_to(text.as_bytes(), ("127.0.0.1", self.to)).expect("loopback takes a datagram");
    }

    /// The next message, should one come soon; requests are answered.
    fn next(&self) -> Option<(Instant, String)> {
        let mut buffer = [0; 8192];
        let length = self.socket.recv(&mut buffer).ok()?;
        let at = Instant::now();
        let text = String::from_utf8_lossy(&buffer[..length]).into_owned();
        if !text.starts_with("SIP/2.0 ") && !text.starts_with("ACK ") {
            self.grant(&text);
        }
        Some((at, text))
    }

    /// Waits for a response of a call.
    fn answer(&self, id: &str, method: &str, good: impl Fn(u16) -> bool) -> (Instant, String) {
        let deadline = Instant::now() + DEADLINE;
        let mut last = String::new();
        while Instant::now() < deadline {
            let Some((at, text)) = self.next() else { continue };
            let status = text.strip_prefix("SIP/2.0 ").and_then(|rest| rest.get(..3)?.parse().ok());
            let ours =
                header(&text, "Call-ID") == Some(id) && header(&text, "CSeq").is_some_and(|c| c.ends_with(method));
            if let Some(status) = status.filter(|_| ours) {
                if good(status) {
                    return (at, text);
                }
                assert!(status < 300, "{id}: refused: {text}");
                last = text;
            }
        }
        panic!("{id}: no good answer to {method}; the last: {last}");
    }

    /// 200, with the other half of the session where one is offered.
    fn grant(&self, request: &str) {
        let copied = request.lines().filter(|line| {
            let name = line.split(':').next().unwrap_or_default();
            ["Via", "From", "To", "Call-ID", "CSeq", "Record-Route"]
                .iter()
                .any(|known| name.eq_ignore_ascii_case(known))
        });
        let copied: String = copied.map(|line| format!("{line}\r\n")).collect();
        let direction = match () {
            () if request.contains("a=sendonly") => "recvonly",
            () if request.contains("a=inactive") => "inactive",
            () => "sendrecv",
        };
        let offered = request.contains("m=audio") || request.starts_with("INVITE ");
        let body = if offered { self.voice.offer(direction) } else { "Content-Length: 0\r\n\r\n".to_owned() };
        self.say(&format!("SIP/2.0 200 OK\r\n{copied}Contact: <sip:bench@{}>\r\n{body}", self.own()));
    }
}

/// Says PCMA's silence to everybody, in time, and hears when somebody speaks.
struct Voice {
    port: u16,
    to: Arc<Mutex<Vec<u16>>>,
    /// When the next packet that is waited for came.
    heard: Arc<Mutex<Option<Instant>>>,
    /// Dropped with it: the threads end.
    _alive: Arc<()>,
}

impl Voice {
    fn start() -> Voice {
        let socket = UdpSocket::bind("127.0.0.1:0").expect("a port on loopback");
        let port = socket.local_addr().expect("it is bound").port();
        socket.set_read_timeout(Some(Duration::from_millis(100))).expect("a socket can wait");
        let to = Arc::<Mutex<Vec<u16>>>::default();
        let heard = Arc::<Mutex<Option<Instant>>>::default();
        let alive = Arc::new(());
        let ear = socket.try_clone().expect("a socket can be had twice");
        let (first, life) = (Arc::clone(&heard), Arc::downgrade(&alive));
        thread::spawn(move || {
            while life.strong_count() > 0 {
                if ear.recv(&mut [0; 2048]).is_ok() {
                    let at = Instant::now();
                    first.lock().expect("nobody panics with it").get_or_insert(at);
                }
            }
        });
        let (ports, life) = (Arc::clone(&to), Arc::downgrade(&alive));
        thread::spawn(move || {
            let began = Instant::now();
            for n in 0_u32.. {
                if life.strong_count() == 0 {
                    return;
                }
                thread::sleep((began + PACKET * n).saturating_duration_since(Instant::now()));
                let mut packet = vec![0x80, 8];
                packet.extend((n as u16).to_be_bytes());
                packet.extend(n.wrapping_mul(SAMPLES).to_be_bytes());
                packet.extend([0, 0, 0, 7]);
                packet.extend([0xd5; SAMPLES as usize]);
                for port in ports.lock().expect("nobody panics with it").iter() {
                    // A call may just have ended.
                    let _ = socket.send_to(&packet, ("127.0.0.1", *port));
                }
            }
        });
        Voice { port, to, heard, _alive: alive }
    }

    fn offer(&self, direction: &str) -> String {
        let body = format!(
            "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio {} RTP/AVP 8\r\n\
             a=rtpmap:8 PCMA/8000\r\na={direction}\r\n",
            self.port
        );
        format!("Content-Type: application/sdp\r\nContent-Length: {}\r\n\r\n{body}", body.len())
    }

    /// From now on the first packet counts.
    fn expect(&self) {
        *self.heard.lock().expect("nobody panics with it") = None;
    }

    fn first(&self) -> Option<Instant> {
        let deadline = Instant::now() + Duration::from_secs(3);
        while Instant::now() < deadline {
            if let Some(at) = *self.heard.lock().expect("nobody panics with it") {
                return Some(at);
            }
            thread::sleep(Duration::from_millis(5));
        }
        None
    }
}

/// Challenges every phone once (MD5) and lets it in, whatever its answer; tells when it did.
pub fn registrar() -> (u16, mpsc::Receiver<Instant>) {
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a port on loopback");
    let port = socket.local_addr().expect("it is bound").port();
    let (tell, told) = mpsc::channel();
    thread::spawn(move || {
        let mut buffer = [0; 8192];
        while let Ok((length, from)) = socket.recv_from(&mut buffer) {
            let text = String::from_utf8_lossy(&buffer[..length]).into_owned();
            let copied = text.lines().filter(|line| {
                ["Via:", "From:", "Call-ID:", "CSeq:", "Contact:"].iter().any(|name| line.starts_with(name))
            });
            let copied: String = copied.map(|line| format!("{line}\r\n")).collect();
            let to = header(&text, "To").unwrap_or_default();
            let known = header(&text, "Authorization").is_some() || !text.starts_with("REGISTER ");
            let (status, more) = if known {
                ("200 OK", "Expires: 300\r\n")
            } else {
                ("401 Unauthorized", "WWW-Authenticate: Digest realm=\"bench\", nonce=\"n\", algorithm=MD5\r\n")
            };
            let answer = format!("SIP/2.0 {status}\r\n{copied}To: {to};tag=r\r\n{more}Content-Length: 0\r\n\r\n");
            let _ = socket.send_to(answer.as_bytes(), from);
            if known && text.starts_with("REGISTER ") && tell.send(Instant::now()).is_err() {
                return;
            }
        }
    });
    (port, told)
}

fn header<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let value = |line: &'a str| {
        let (own, value) = line.split_once(':')?;
        own.trim().eq_ignore_ascii_case(name).then(|| value.trim())
    };
    text.lines().take_while(|line| !line.is_empty()).find_map(value)
}

fn audio_port(text: &str) -> Option<u16> {
    text.lines().find_map(|line| line.strip_prefix("m=audio "))?.split(' ').next()?.parse().ok()
}

fn milliseconds(from: Instant, to: Instant) -> f64 {
    to.saturating_duration_since(from).as_secs_f64() * 1000.0
}
