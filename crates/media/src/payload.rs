//! The payload of an outgoing packet, inline, so that a tick does not allocate.

use std::{fmt, ops::Deref};

/// Bytes that a payload can have: 60 ms of G.711, or of Opus at the rates used here.
pub const MAX_PAYLOAD: usize = 512;

/// At most [`MAX_PAYLOAD`] bytes; read it as a slice.
#[derive(Clone, Copy)]
pub struct Payload {
    length: u16,
    bytes: [u8; MAX_PAYLOAD],
}

impl Payload {
    /// A copy of `bytes`, cut at [`MAX_PAYLOAD`].
    pub fn new(bytes: &[u8]) -> Self {
        Self::fill(|room| {
            let length = bytes.len().min(room.len());
            room[..length].copy_from_slice(&bytes[..length]);
            length
        })
    }

    /// What `write` writes into the whole room; it returns how many bytes it wrote.
    pub(crate) fn fill(write: impl FnOnce(&mut [u8; MAX_PAYLOAD]) -> usize) -> Self {
        let mut bytes = [0; MAX_PAYLOAD];
        let length = write(&mut bytes).min(MAX_PAYLOAD) as u16;
        Self { length, bytes }
    }
}

impl Deref for Payload {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes[..usize::from(self.length)]
    }
}

impl PartialEq for Payload {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl Eq for Payload {}

/// Its length only: sound does not belong in a log.
impl fmt::Debug for Payload {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Payload({} bytes)", self.length)
    }
}
