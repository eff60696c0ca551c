//! Which addresses a connector may talk to. A name that points to this computer or into the company's network is an old
//! way to make a program ask there for somebody else; so the resolved address is judged, each time.

use crate::Network;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Whether a connector of this kind may talk to the address.
pub fn may_reach(network: Network, address: IpAddr) -> bool {
    let address = unmapped(address);
    match reach(address) {
        Reach::Nowhere => false,
        Reach::Public => true,
        Reach::Private => network != Network::Public,
        Reach::Loopback => network == Network::Loopback,
    }
}

enum Reach {
    Public,
    Private,
    Loopback,
    /// Unspecified, multicast, link-local (where clouds keep their secrets), reserved.
    Nowhere,
}

/// IPv4 in the forms in which IPv6 carries it: mapped, and by NAT64 (RFC 6052).
fn unmapped(address: IpAddr) -> IpAddr {
    let IpAddr::V6(six) = address else { return address };
    if let Some(four) = six.to_ipv4_mapped() {
        return IpAddr::V4(four);
    }
    match six.segments() {
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => {
            let [a, b] = high.to_be_bytes();
            let [c, d] = low.to_be_bytes();
            IpAddr::V4(Ipv4Addr::new(a, b, c, d))
        }
        _ => address,
    }
}

fn reach(address: IpAddr) -> Reach {
    match address {
        IpAddr::V4(four) => reach_four(four),
        IpAddr::V6(six) => reach_six(six),
    }
}

fn reach_four(address: Ipv4Addr) -> Reach {
    match address.octets() {
        [127, ..] => Reach::Loopback,
        [10, ..] | [192, 168, ..] => Reach::Private,
        [172, second, ..] if (16..32).contains(&second) => Reach::Private,
        // Carriers' own (RFC 6598).
        [100, second, ..] if (64..128).contains(&second) => Reach::Private,
        [0, ..] | [169, 254, ..] | [192, 0, 0, _] | [192, 0, 2, _] | [198, 51, 100, _] | [203, 0, 113, _] => {
            Reach::Nowhere
        }
        [198, 18 | 19, ..] => Reach::Nowhere,
        [first, ..] if first >= 224 => Reach::Nowhere,
        _ => Reach::Public,
    }
}

fn reach_six(address: Ipv6Addr) -> Reach {
    if address.is_loopback() {
        return Reach::Loopback;
    }
    match address.segments()[0] {
        first if first & 0xfe00 == 0xfc00 => Reach::Private,
        // What is given out today (2000::/3), but for 6to4 and Teredo, which carry any IPv4 address.
        0x2002 => Reach::Nowhere,
        0x2001 if address.segments()[1] == 0 => Reach::Nowhere,
        first if first & 0xe000 == 0x2000 => Reach::Public,
        _ => Reach::Nowhere,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_allowed_is_reached() {
        let may = |network, address: &str| may_reach(network, address.parse().unwrap());
        for public in ["1.1.1.1", "2606:4700::1111"] {
            assert!([Network::Public, Network::Private, Network::Loopback].iter().all(|network| may(*network, public)));
        }
        for private in [
            "10.1.2.3",
            "192.168.0.1",
            "172.16.0.1",
            "172.31.255.255",
            "100.64.0.1",
            "fd00::1",
            "::ffff:10.0.0.1",
            "64:ff9b::a00:1",
        ] {
            assert!(!may(Network::Public, private) && may(Network::Private, private), "{private}");
        }
        for own in ["127.0.0.1", "127.1.2.3", "::1", "::ffff:127.0.0.1"] {
            assert!(!may(Network::Private, own) && may(Network::Loopback, own), "{own}");
        }
        for nowhere in [
            "0.0.0.0",
            "169.254.169.254",
            "::",
            "fe80::1",
            "224.0.0.1",
            "ff02::1",
            "255.255.255.255",
            "2002:7f00:1::",
            "2001:0::1",
        ] {
            assert!(!may(Network::Loopback, nowhere), "{nowhere}");
        }
    }
}
