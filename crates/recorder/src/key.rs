//! Keys: one for all recordings of a database, kept in the operating system's keyring, and one for each file, which the
//! first wraps. Whoever destroys the wrapped key of a file has destroyed the file.

use chacha20poly1305::{
    AeadInPlace, Key, KeyInit, Tag, XChaCha20Poly1305, XNonce,
    aead::{OsRng, rand_core::RngCore},
};
use sha2::{Digest, Sha256};
use zeroize::{Zeroize, Zeroizing};

/// Bytes of a key.
const KEY: usize = 32;
/// Bytes of a wrapped key: nonce, key, tag.
pub(crate) const WRAPPED: usize = 24 + KEY + 16;

/// The key that wraps the keys of files. Erased from memory when it is dropped.
#[derive(Clone)]
pub struct MasterKey([u8; KEY]);

/// A key of one file.
pub(crate) struct FileKey(Zeroizing<[u8; KEY]>);

impl Drop for MasterKey {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl std::fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("MasterKey(…)")
    }
}

impl MasterKey {
    /// A new one, from the operating system's randomness.
    pub fn random() -> Self {
        MasterKey(random())
    }

    /// A key for something else, made of this one, which can't be had from it.
    pub(crate) fn derive(&self, purpose: &[u8]) -> Zeroizing<[u8; KEY]> {
        Zeroizing::new(Sha256::new().chain_update(purpose).chain_update([0]).chain_update(self.0).finalize().into())
    }

    /// 64 hexadecimal digits, as the keyring keeps it.
    pub fn to_hex(&self) -> Zeroizing<String> {
        Zeroizing::new(hex(&self.0))
    }

    /// `None` if it is not 64 hexadecimal digits.
    pub fn from_hex(text: &str) -> Option<Self> {
        let digits = text.as_bytes();
        if digits.len() != 2 * KEY {
            return None;
        }
        let mut key = MasterKey([0; KEY]);
        for (byte, pair) in key.0.iter_mut().zip(digits.chunks_exact(2)) {
            let value = |digit: u8| char::from(digit).to_digit(16);
            *byte = (value(pair[0])? << 4 | value(pair[1])?) as u8;
        }
        Some(key)
    }

    /// A new file's key, and the same wrapped. `context` is bound to it: the wrapped key opens nowhere else.
    pub(crate) fn make(&self, context: &[u8]) -> (FileKey, [u8; WRAPPED]) {
        let key = Zeroizing::new(random::<KEY>());
        let mut wrapped = [0; WRAPPED];
        let (nonce, rest) = wrapped.split_at_mut(24);
        OsRng.fill_bytes(nonce);
        let (sealed, place) = rest.split_at_mut(KEY);
        sealed.copy_from_slice(&*key);
        let tag = self.cipher().encrypt_in_place_detached(XNonce::from_slice(nonce), context, sealed);
        place.copy_from_slice(&tag.expect("32 bytes are not too long to be encrypted"));
        (FileKey(key), wrapped)
    }

    /// `None` if it was wrapped by another key, for another context, or has been changed.
    pub(crate) fn unwrap(&self, context: &[u8], wrapped: &[u8; WRAPPED]) -> Option<FileKey> {
        let mut key = Zeroizing::new([0; KEY]);
        key.copy_from_slice(&wrapped[24..24 + KEY]);
        let (nonce, tag) = (XNonce::from_slice(&wrapped[..24]), Tag::from_slice(&wrapped[24 + KEY..]));
        self.cipher().decrypt_in_place_detached(nonce, context, &mut *key, tag).ok()?;
        Some(FileKey(key))
    }

    fn cipher(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new(Key::from_slice(&self.0))
    }
}

impl FileKey {
    pub(crate) fn cipher(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new(Key::from_slice(&*self.0))
    }
}

pub(crate) fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    OsRng.fill_bytes(&mut bytes);
    bytes
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_comes_back_from_the_keyring_and_opens_what_it_wrapped() {
        let master = MasterKey::random();
        let again = MasterKey::from_hex(&master.to_hex()).unwrap();
        let (key, wrapped) = master.make(b"file 1");
        assert_eq!(*again.unwrap(b"file 1", &wrapped).unwrap().0, *key.0);
        assert!(again.unwrap(b"file 2", &wrapped).is_none());
        assert!(MasterKey::random().unwrap(b"file 1", &wrapped).is_none());
        assert!(MasterKey::from_hex("abc").is_none());
        assert!(MasterKey::from_hex(&"x".repeat(64)).is_none());
        assert!(MasterKey::from_hex(&"é".repeat(32)).is_none());
        assert_eq!(format!("{master:?}"), "MasterKey(…)");
    }
}
