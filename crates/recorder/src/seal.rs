//! The file: a head with the wrapped key, then chunks, each sealed by itself and bound to the one before.
//!
//! ```text
//! head   8 "HATIFREC" · 1 version · 16 id · 72 wrapped key (24 nonce, 32 key, 16 tag)
//! chunk  4 length of what follows the flags, little endian · 1 flags (1: the last, 2: torn) · sealed content · 16 tag
//! ```
//!
//! XChaCha20-Poly1305. A chunk's nonce is its number and its flags, which can't come twice under a file's own key; its
//! associated data are the SHA-256 of the head and the tag of the chunk before. So a chunk opens in its place only: a
//! flipped bit, a cut, a swap, a chunk of another file, an end that was not the end are all found. What an attacker with
//! the key could forge is told apart by the SHA-256 of the whole file, which the database keeps.

use crate::{
    Problem,
    key::{FileKey, MasterKey, WRAPPED, random},
};
use chacha20poly1305::{AeadInPlace, Tag, XChaCha20Poly1305, XNonce};
use sha2::{Digest, Sha256};

const MAGIC: &[u8; 8] = b"HATIFREC";
const VERSION: u8 = 1;
/// What the wrapped key is bound to: magic, version, id.
const CONTEXT: usize = 8 + 1 + 16;
/// Bytes of the head.
pub(crate) const HEAD: usize = CONTEXT + WRAPPED;
/// Bytes in front of a chunk's content.
pub(crate) const FRAME: usize = 5;
/// Bytes of a tag.
pub(crate) const TAG: usize = 16;
/// A longer chunk is none of ours: a second of Opus and its page is a tenth of it.
pub(crate) const MAX_CHUNK: usize = 128 << 10;

pub(crate) const LAST: u8 = 1;
/// Its end was written when it was found torn; beside [`LAST`].
pub(crate) const TORN: u8 = 2;

pub(crate) fn new_head(master: &MasterKey) -> ([u8; HEAD], FileKey) {
    let mut head = [0; HEAD];
    head[..8].copy_from_slice(MAGIC);
    head[8] = VERSION;
    head[9..CONTEXT].copy_from_slice(&random::<16>());
    let (key, wrapped) = master.make(&head[..CONTEXT]);
    head[CONTEXT..].copy_from_slice(&wrapped);
    (head, key)
}

pub(crate) fn open_head(head: &[u8; HEAD], master: &MasterKey) -> Result<FileKey, Problem> {
    if &head[..8] != MAGIC {
        return Err(Problem::Foreign);
    }
    if head[8] != VERSION {
        return Err(Problem::Newer);
    }
    let mut wrapped = [0; WRAPPED];
    wrapped.copy_from_slice(&head[CONTEXT..]);
    master.unwrap(&head[..CONTEXT], &wrapped).ok_or(Problem::Key)
}

/// Seals or opens the chunks of one file, from wherever it is told that it is.
pub(crate) struct Chain {
    cipher: XChaCha20Poly1305,
    /// SHA-256 of the head.
    head: [u8; 32],
    /// The next chunk's number, and the tag before it.
    pub(crate) index: u64,
    pub(crate) before: [u8; TAG],
}

impl Chain {
    pub(crate) fn new(key: &FileKey, head: &[u8; HEAD]) -> Self {
        Chain { cipher: key.cipher(), head: Sha256::digest(head).into(), index: 0, before: [0; TAG] }
    }

    fn bound(&self, flags: u8) -> (XNonce, [u8; 32 + TAG]) {
        let mut nonce = [0; 24];
        nonce[0] = flags;
        nonce[16..].copy_from_slice(&self.index.to_be_bytes());
        let mut data = [0; 32 + TAG];
        data[..32].copy_from_slice(&self.head);
        data[32..].copy_from_slice(&self.before);
        (nonce.into(), data)
    }

    /// The chunk as it is written. The content is encrypted in its place, so that it is nowhere in the clear after.
    pub(crate) fn seal(&mut self, mut content: Vec<u8>, flags: u8) -> Vec<u8> {
        let (nonce, data) = self.bound(flags);
        let tag = self.cipher.encrypt_in_place_detached(&nonce, &data, &mut content);
        let tag = tag.expect("a chunk is not too long to be encrypted");
        let length = (content.len() + TAG) as u32;
        content.splice(0..0, length.to_le_bytes().into_iter().chain([flags]));
        content.extend_from_slice(&tag);
        self.index += 1;
        self.before = tag.into();
        content
    }

    /// Opens the next chunk: `sealed` is what stands behind the frame. Nothing moves on if it is not that chunk.
    pub(crate) fn open(&mut self, mut sealed: Vec<u8>, flags: u8) -> Result<Vec<u8>, Problem> {
        let length = sealed.len().checked_sub(TAG).ok_or(Problem::Changed)?;
        let mut tag = [0; TAG];
        tag.copy_from_slice(&sealed[length..]);
        sealed.truncate(length);
        let (nonce, data) = self.bound(flags);
        let opened = self.cipher.decrypt_in_place_detached(&nonce, &data, &mut sealed, Tag::from_slice(&tag));
        opened.map_err(|_| Problem::Changed)?;
        self.index += 1;
        self.before = tag;
        Ok(sealed)
    }
}

/// Length of the sealed content, and its flags; `None` for what no chunk begins with.
pub(crate) fn frame(bytes: &[u8; FRAME]) -> Option<(usize, u8)> {
    let length = u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]) as usize;
    let flags = bytes[4];
    let known = [0, LAST, LAST | TORN].contains(&flags);
    (known && (TAG..=MAX_CHUNK).contains(&length)).then_some((length, flags))
}
