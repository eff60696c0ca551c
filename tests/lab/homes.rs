//! A public network and two homes behind a NAT each, of a test's own. Root's alone.
//!
//! ```text
//!   phone 192.168.1.2 ── router (NAT) 10.98.1.2 ──┐
//!                                                 public: 10.98.0.1 and 10.98.0.2
//!   phone 192.168.2.2 ── router (NAT) 10.98.2.2 ──┘
//! ```

use crate::{
    net::ip,
    process::{run, words},
};
use std::{
    path::Path,
    process::Command,
    sync::atomic::{AtomicU8, Ordering},
};

/// Where the PBX and the STUN server are.
pub const PUBLIC: &str = "10.98.0.1";

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Nat {
    /// A socket has one address outside, whomever it talks to (endpoint-independent mapping, RFC 4787); only whom it has
    /// talked to may answer.
    Cone,
    /// Another port for each that it talks to.
    Symmetric,
}

/// Their names, as the system knows them.
pub struct Homes {
    public: String,
    routers: [String; 2],
    phones: [String; 2],
}

impl Homes {
    pub fn new(nats: [Nat; 2]) -> Homes {
        static NEXT: AtomicU8 = AtomicU8::new(1);
        let own = format!("hatifh{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let name = |what: &str| format!("{own}-{what}");
        let homes = Homes {
            public: name("public"),
            routers: [name("router1"), name("router2")],
            phones: [name("phone1"), name("phone2")],
        };
        for space in homes.spaces() {
            ip(&format!("netns add {space}"));
            ip(&format!("-n {space} link set lo up"));
        }
        let public = &homes.public;
        ip(&format!("-n {public} addr add {PUBLIC}/32 dev lo"));
        // What leads nowhere gets lost without a word, as in the internet: coturn gives a relay up whose packet is refused.
        cable(public, "nowhere", public, "end");
        ip(&format!("-n {public} link set nowhere arp off"));
        ip(&format!("-n {public} route add default dev nowhere"));
        for ((number, nat), (router, phone)) in (1..).zip(nats).zip(homes.routers.iter().zip(&homes.phones)) {
            cable(public, &format!("home{number}"), router, "wan");
            ip(&format!("-n {public} addr add 10.98.{number}.1/24 dev home{number}"));
            ip(&format!("-n {router} addr add 10.98.{number}.2/24 dev wan"));
            ip(&format!("-n {router} route add default via 10.98.{number}.1"));
            cable(router, "lan", phone, "cable");
            ip(&format!("-n {router} addr add 192.168.{number}.1/24 dev lan"));
            ip(&format!("-n {phone} addr add 192.168.{number}.2/24 dev cable"));
            ip(&format!("-n {phone} route add default via 192.168.{number}.1"));
            within(router, &["nft", &rules(nat)]);
        }
        for space in [public, &homes.routers[0], &homes.routers[1]] {
            within(space, &["sysctl", "-qw", "net.ipv4.ip_forward=1"]);
        }
        homes
    }

    fn spaces(&self) -> impl Iterator<Item = &String> {
        std::iter::once(&self.public).chain(&self.routers).chain(&self.phones)
    }

    /// What starts a program at the public address.
    pub fn public(&self) -> Vec<String> {
        words(["ip", "netns", "exec", &self.public])
    }

    /// What starts a program in a home, 0 or 1.
    pub fn phone(&self, home: usize) -> Vec<String> {
        words(["ip", "netns", "exec", &self.phones[home]])
    }
}

/// A home's router: what nobody inside has asked for is dropped without a word.
fn rules(nat: Nat) -> String {
    let ports = if nat == Nat::Symmetric { " fully-random" } else { "" };
    format!(
        "table ip nat {{ chain out {{ type nat hook postrouting priority 100; oifname wan masquerade{ports}; }}; }};
         table ip filter {{
           chain own {{ type filter hook input priority 0; iifname wan ct state new drop; }};
           chain through {{ type filter hook forward priority 0; iifname wan ct state new drop; }};
         }}"
    )
}

fn within(space: &str, command: &[&str]) {
    run(Path::new("/"), &[&["ip", "netns", "exec", space], command].concat());
}

/// A cable between two, with its ends' names.
fn cable(one: &str, end: &str, other: &str, other_end: &str) {
    ip(&format!("link add {end} netns {one} type veth peer name {other_end} netns {other}"));
    ip(&format!("-n {one} link set {end} up"));
    ip(&format!("-n {other} link set {other_end} up"));
}

impl Drop for Homes {
    fn drop(&mut self) {
        for space in self.spaces() {
            let _ = Command::new("ip").args(["netns", "del", space]).status();
        }
    }
}
