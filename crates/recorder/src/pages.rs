//! The Ogg pages of a chunk (RFC 3533): their packets, and where they end. A chunk is a piece out of the middle of a stream,
//! which readers of whole streams refuse.

use crate::encoder::PRE_SKIP;

struct Page<'a> {
    /// Granule position: samples up to its end, pre-skip among them.
    position: u64,
    /// Lengths of its segments; a packet ends with one below 255.
    table: &'a [u8],
    body: &'a [u8],
}

/// Whole pages; what comes after something else is left out. Nothing that was opened with the file's key is something else.
fn pages(mut rest: &[u8]) -> impl Iterator<Item = Page<'_>> {
    std::iter::from_fn(move || {
        if !rest.starts_with(b"OggS") {
            return None;
        }
        let position = u64::from_le_bytes(rest.get(6..14)?.try_into().ok()?);
        let segments = usize::from(*rest.get(26)?);
        let table = rest.get(27..27 + segments)?;
        let length: usize = table.iter().map(|&segment| usize::from(segment)).sum();
        let body = rest.get(27 + segments..27 + segments + length)?;
        rest = &rest[27 + segments + length..];
        Some(Page { position, table, body })
    })
}

/// The Opus packets, without the two of the stream's head.
pub(crate) fn packets(bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut packets = Vec::new();
    let mut packet = Vec::new();
    for page in pages(bytes) {
        let mut body = page.body;
        for &segment in page.table {
            let (part, rest) = body.split_at(usize::from(segment));
            packet.extend_from_slice(part);
            body = rest;
            if segment < 255 {
                packets.push(std::mem::take(&mut packet));
            }
        }
    }
    packets.retain(|packet| !packet.starts_with(b"OpusHead") && !packet.starts_with(b"OpusTags"));
    packets
}

/// Where the sound of these pages ends in the recording, samples; `None` if there is none in them.
pub(crate) fn end(bytes: &[u8]) -> Option<u64> {
    // The head's pages stand at 0.
    pages(bytes).filter_map(|page| page.position.checked_sub(u64::from(PRE_SKIP))).max()
}
