//! A file's bytes as UTF-8, as they come: by the encoding that the layout says, without its mark.

use encoding_rs::{CoderResult, Decoder, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252, WINDOWS_1256};
use hatif_core::customer_file::Encoding;
use std::io::{self, Read};

const BUFFER: usize = 64 << 10;

fn of(encoding: Encoding) -> &'static encoding_rs::Encoding {
    match encoding {
        Encoding::Utf8 => UTF_8,
        Encoding::Utf16Le => UTF_16LE,
        Encoding::Utf16Be => UTF_16BE,
        Encoding::Windows1252 => WINDOWS_1252,
        Encoding::Windows1256 => WINDOWS_1256,
    }
}

/// Reads as UTF-8; what is none in its encoding becomes U+FFFD.
pub struct Letters<R> {
    source: R,
    decoder: Decoder,
    raw: Box<[u8]>,
    /// Decoded, and how much of it was given away.
    text: Box<[u8]>,
    from: usize,
    to: usize,
    /// What of `raw` is not decoded.
    left: std::ops::Range<usize>,
    source_ended: bool,
    ended: bool,
}

impl<R: Read> Letters<R> {
    pub fn new(source: R, encoding: Encoding) -> Letters<R> {
        Letters {
            source,
            decoder: of(encoding).new_decoder_with_bom_removal(),
            raw: vec![0; BUFFER].into_boxed_slice(),
            text: vec![0; BUFFER].into_boxed_slice(),
            from: 0,
            to: 0,
            left: 0..0,
            source_ended: false,
            ended: false,
        }
    }

    fn decode(&mut self) -> io::Result<()> {
        if self.left.is_empty() && !self.source_ended {
            let read = self.source.read(&mut self.raw)?;
            self.source_ended = read == 0;
            self.left = 0..read;
        }
        let raw = &self.raw[self.left.clone()];
        let (result, read, written, _) = self.decoder.decode_to_utf8(raw, &mut self.text, self.source_ended);
        self.left.start += read;
        self.ended = self.source_ended && result == CoderResult::InputEmpty;
        (self.from, self.to) = (0, written);
        Ok(())
    }
}

impl<R: Read> Read for Letters<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while self.from == self.to && !self.ended {
            self.decode()?;
        }
        let length = out.len().min(self.to - self.from);
        out[..length].copy_from_slice(&self.text[self.from..self.from + length]);
        self.from += length;
        Ok(length)
    }
}
