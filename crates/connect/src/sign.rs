//! The signature of a webhook: HMAC (RFC 2104) with SHA-256 over the time and the body, so that who receives it knows that
//! it is ours and not played again.

use hmac::{Hmac, Mac};
use sha2::Sha256;

/// `t=SECONDS,v1=HEX`, the HMAC of `SECONDS.BODY`. `at`: Unix time.
pub fn sign(secret: &str, at: u64, body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("HMAC takes a key of any length");
    mac.update(format!("{at}.").as_bytes());
    mac.update(body);
    let hex: String = mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    format!("t={at},v1={hex}")
}

/// A name that nobody else gives: 128 random bits in hexadecimal.
pub fn fresh_id() -> String {
    format!("{:032x}", rand::random::<u128>())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Against `printf '1700000000.{"a":1}' | openssl dgst -sha256 -hmac key`.
    #[test]
    fn the_signature_is_that_of_others() {
        let expected = "t=1700000000,v1=";
        let signed = sign("key", 1_700_000_000, b"{\"a\":1}");
        assert!(signed.starts_with(expected));
        assert_eq!(signed[expected.len()..], *OPENSSL);
        assert_ne!(signed, sign("key", 1_700_000_001, b"{\"a\":1}"));
    }

    const OPENSSL: &str = "a438e398bfafc57e4396bb7fc2304422f0f768e965d073ca313cb52e22e6ad03";
}
