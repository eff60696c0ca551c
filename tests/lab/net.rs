//! Two networks that a test made, with a cable between: the phone's and the PBX's. Root's alone.

use crate::process::{run, words};
use std::{
    path::Path,
    sync::atomic::{AtomicU8, Ordering},
};

/// The PBX's address.
pub const PBX: &str = "10.97.0.1";

pub struct Networks {
    phone: String,
    pbx: String,
    at: String,
}

pub(crate) fn ip(line: &str) {
    let words: Vec<&str> = std::iter::once("ip").chain(line.split(' ')).collect();
    run(Path::new("/"), &words);
}

impl Networks {
    /// The phone is at `10.97.0.2`.
    pub fn new() -> Networks {
        static NEXT: AtomicU8 = AtomicU8::new(1);
        let own = format!("hatif{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let networks = Networks { phone: format!("{own}-phone"), pbx: format!("{own}-pbx"), at: "10.97.0.2".into() };
        let Networks { phone, pbx, .. } = &networks;
        for name in [phone, pbx] {
            ip(&format!("netns add {name}"));
            ip(&format!("-n {name} link set lo up"));
        }
        ip(&format!("link add cable netns {phone} type veth peer name cable netns {pbx}"));
        ip(&format!("-n {pbx} addr add {PBX}/16 dev cable"));
        for name in [phone, pbx] {
            ip(&format!("-n {name} link set cable up"));
        }
        ip(&format!("-n {phone} addr add {}/16 dev cable", networks.at));
        networks
    }

    /// The phone's computer loses its address and has another one.
    pub fn move_phone(&mut self, to: &str) {
        ip(&format!("-n {} addr del {}/16 dev cable", self.phone, self.at));
        ip(&format!("-n {} addr add {to}/16 dev cable", self.phone));
        self.at = to.into();
    }

    /// Pulls the cable, or puts it back.
    pub fn cable(&self, on: bool) {
        ip(&format!("-n {} link set cable {}", self.phone, if on { "up" } else { "down" }));
    }

    /// What starts a program in the phone's network.
    pub fn phone(&self) -> Vec<String> {
        words(["ip", "netns", "exec", &self.phone])
    }

    pub fn pbx(&self) -> Vec<String> {
        words(["ip", "netns", "exec", &self.pbx])
    }
}

impl Default for Networks {
    fn default() -> Networks {
        Networks::new()
    }
}

impl Drop for Networks {
    fn drop(&mut self) {
        for name in [&self.phone, &self.pbx] {
            let _ = std::process::Command::new("ip").args(["netns", "del", name]).status();
        }
    }
}
