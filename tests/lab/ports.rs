//! Free ports on loopback, below the range from which the system hands out its own, each given once a test process.

use std::{
    net::{TcpListener, UdpSocket},
    sync::atomic::{AtomicU16, Ordering},
};

const FIRST: u16 = 10_000;
const LAST: u16 = 32_000;

static NEXT: AtomicU16 = AtomicU16::new(0);

/// The first of `count` ports in a row that are free for UDP and TCP. It is even, as RTP wants it.
pub fn free(count: u16) -> u16 {
    // Test processes that run at the same time begin at different places.
    let seed = (std::process::id() as u16 % 500) * 40;
    for _ in 0..2_000 {
        let step = count.next_multiple_of(2);
        let first = FIRST + (seed + NEXT.fetch_add(step, Ordering::Relaxed)) % (LAST - FIRST - step);
        let first = first.next_multiple_of(2);
        if (first..first + count).all(is_free) {
            return first;
        }
    }
    panic!("no {count} free ports in a row on loopback");
}

fn is_free(port: u16) -> bool {
    UdpSocket::bind(("127.0.0.1", port)).is_ok() && TcpListener::bind(("127.0.0.1", port)).is_ok()
}

#[test]
fn ports_are_given_once() {
    let (a, b) = (free(4), free(4));
    assert!(a % 2 == 0 && b % 2 == 0 && a.abs_diff(b) >= 4);
}
