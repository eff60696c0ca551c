//! Messages cut out of a stream (RFC 3261 18.3): however the network cuts the bytes, the same messages come out.

#![no_main]

use hatif_sip::{FrameError, Framer};
use libfuzzer_sys::fuzz_target;

type Cut = (Vec<Vec<u8>>, Option<FrameError>, usize);

fn frames<'a>(pieces: impl Iterator<Item = &'a [u8]>) -> Cut {
    let mut framer = Framer::new();
    let (mut messages, mut pings) = (Vec::new(), 0);
    for piece in pieces {
        framer.push(piece);
        while let Some(frame) = framer.next() {
            match frame {
                Ok(message) => messages.push(message),
                Err(error) => return (messages, Some(error), pings),
            }
        }
        while framer.take_ping() {
            pings += 1;
        }
    }
    (messages, None, pings)
}

fuzz_target!(|bytes: &[u8]| {
    let Some((size, stream)) = bytes.split_first() else { return };
    let whole = frames(std::iter::once(stream));
    let cut = frames(stream.chunks(usize::from(*size).max(1)));
    assert_eq!((&whole.0, whole.1), (&cut.0, cut.1));
    if whole.1.is_none() {
        assert_eq!(whole.2, cut.2, "keep-alives");
    }
    assert!(whole.0.iter().all(|message| !message.is_empty()));
});
