//! What stands between a phone and its PBX on a stream: a NAT, a firewall, a tunnel. It carries TCP connections to one
//! port and can let them die, with a word or without one.

use std::{
    io::{Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    thread,
};

/// One connection through it, both halves.
struct Carried {
    halves: [TcpStream; 2],
    /// Nothing passes any more, and nobody is told.
    stuck: Arc<AtomicBool>,
}

pub struct Relay {
    pub port: u16,
    carried: Arc<Mutex<Vec<Carried>>>,
    closed: Arc<AtomicBool>,
    pongs: Arc<AtomicU32>,
}

impl Relay {
    /// Carries to `127.0.0.1:to`.
    pub fn start(to: u16) -> Relay {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
        let port = listener.local_addr().expect("it is bound").port();
        let carried: Arc<Mutex<Vec<Carried>>> = Arc::default();
        let closed = Arc::new(AtomicBool::new(false));
        let pongs = Arc::new(AtomicU32::new(0));
        let (list, end, answered) = (carried.clone(), closed.clone(), pongs.clone());
        thread::spawn(move || {
            for near in listener.incoming().map_while(Result::ok) {
                if end.load(Ordering::Relaxed) {
                    return;
                }
                // The PBX is not there: the phone is told by the connection's end.
                if let Ok(far) = TcpStream::connect(("127.0.0.1", to)) {
                    list.lock().expect("no thread dies with it").push(carry(near, far, &answered));
                }
            }
        });
        Relay { port, carried, closed, pongs }
    }

    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// How many keep-alives the PBX has answered (RFC 5626 4.4.1); where it can be read.
    pub fn pongs(&self) -> u32 {
        self.pongs.load(Ordering::Relaxed)
    }

    /// Every connection of now ends at once, at both sides.
    pub fn cut(&self) {
        for Carried { halves, .. } in self.carried.lock().expect("no thread dies with it").drain(..) {
            for half in halves {
                // It may have ended by itself.
                let _ = half.shutdown(Shutdown::Both);
            }
        }
    }

    /// Every connection of now carries nothing more; new ones do.
    pub fn swallow(&self) {
        for Carried { stuck, .. } in self.carried.lock().expect("no thread dies with it").iter() {
            stuck.store(true, Ordering::Relaxed);
        }
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.closed.store(true, Ordering::Relaxed);
        self.cut();
        // Wakes the listener, which sees that it is over.
        let _ = TcpStream::connect(("127.0.0.1", self.port));
    }
}

fn carry(near: TcpStream, far: TcpStream, pongs: &Arc<AtomicU32>) -> Carried {
    let stuck = Arc::new(AtomicBool::new(false));
    let copy = |stream: &TcpStream| stream.try_clone().expect("a socket can be had twice");
    for (from, to, pongs) in [(copy(&near), copy(&far), None), (copy(&far), copy(&near), Some(pongs.clone()))] {
        let stuck = stuck.clone();
        thread::spawn(move || pump(from, to, &stuck, pongs.as_deref()));
    }
    Carried { halves: [near, far], stuck }
}

fn pump(mut from: TcpStream, mut to: TcpStream, stuck: &AtomicBool, pongs: Option<&AtomicU32>) {
    let mut buffer = [0; 4096];
    while let Ok(length @ 1..) = from.read(&mut buffer) {
        if stuck.load(Ordering::Relaxed) {
            continue;
        }
        if let Some(pongs) = pongs.filter(|_| buffer[..length] == *b"\r\n") {
            pongs.fetch_add(1, Ordering::Relaxed);
        }
        if to.write_all(&buffer[..length]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Both);
}
