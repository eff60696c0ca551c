//! Blocks of a call to chunks of Ogg Opus: the agent left, the customer right (RFC 6716, RFC 7845).
//!
//! Each side is a stream of its own inside every packet (mapping family 1), not one stream of stereo: that would let either
//! voice be heard in the other's channel, at -21 dB where both speak (measured).

use crate::content::{Content, Mark, MarkKind, PEAK};
use hatif_media::{BLOCK, SAMPLE_RATE, Taken};
use ogg::writing::{PacketWriteEndInfo, PacketWriter};

/// Samples of a packet: 20 ms.
pub(crate) const FRAME: usize = 960;
/// Packets of a chunk. With the time that the writer sleeps, a torn file lacks less than a second.
const CHUNK_PACKETS: usize = 40;
/// Bits a second, both sides: 24 kbit/s a voice is wideband speech without audible loss.
const BITRATE: i32 = 48_000;
/// 0 to 10.
const COMPLEXITY: i32 = 3;
/// Room for one packet; Opus needs no more for 20 ms at any rate (RFC 6716 3.2.1, appendix B).
const PACKET_ROOM: usize = 2 * (1_275 + 2);
/// One for each side.
pub(crate) const STREAMS: u8 = 2;
pub(crate) const MAPPING: [u8; 2] = [0, 1];
/// What RFC 7845 5.1 calls pre-skip: the encoder's look-ahead, which the decoder's first samples are.
pub(crate) const PRE_SKIP: u16 = 312;

pub(crate) struct Encoder {
    opus: opus::MSEncoder,
    pages: PacketWriter<'static, Vec<u8>>,
    serial: u32,
    /// Interleaved samples of the packet that is being filled.
    frame: Vec<f32>,
    /// Packets of the chunk that is being filled, and before it.
    packets: Vec<Vec<u8>>,
    packets_before: u64,
    /// Blocks so far, silence for lost ones among them.
    blocks: u64,
    content: Content,
    peak: [f32; 2],
}

impl Encoder {
    pub(crate) fn new(serial: u32) -> opus::Result<Self> {
        let mut opus = opus::MSEncoder::new(SAMPLE_RATE, STREAMS, 0, &MAPPING, opus::Application::Voip)?;
        opus.set_complexity(COMPLEXITY)?;
        opus.set_bitrate(opus::Bitrate::Bits(BITRATE))?;
        opus.set_signal(opus::Signal::Voice)?;
        let mut encoder = Encoder {
            opus,
            pages: PacketWriter::new(Vec::new()),
            serial,
            frame: Vec::with_capacity(2 * FRAME),
            packets: Vec::with_capacity(CHUNK_PACKETS),
            packets_before: 0,
            blocks: 0,
            content: Content::default(),
            peak: [0.0; 2],
        };
        encoder.head();
        Ok(encoder)
    }

    /// RFC 7845 5.1, 5.2.
    fn head(&mut self) {
        let mut head = b"OpusHead\x01\x02".to_vec();
        head.extend(PRE_SKIP.to_le_bytes());
        head.extend(SAMPLE_RATE.to_le_bytes());
        // No gain; family 1, two streams, none of stereo.
        head.extend([0, 0, 1, STREAMS, 0]);
        head.extend(MAPPING);
        let vendor = b"Hatif";
        let mut tags = b"OpusTags".to_vec();
        tags.extend((vendor.len() as u32).to_le_bytes());
        tags.extend(vendor);
        tags.extend(0u32.to_le_bytes());
        for packet in [head, tags] {
            self.page(packet, PacketWriteEndInfo::EndPage, 0);
        }
    }

    fn page(&mut self, packet: Vec<u8>, end: PacketWriteEndInfo, position: u64) {
        self.pages.write_packet(packet, self.serial, end, position).expect("memory takes what is written");
    }

    /// Takes a block; what was lost before it becomes silence, and a mark. The chunks that are full by it.
    pub(crate) fn push(&mut self, taken: &Taken) -> Vec<Content> {
        let mut full = Vec::new();
        let lost = taken.at.saturating_sub(self.blocks);
        if lost > 0 {
            let silence = Taken::silence(0, false);
            for _ in 0..lost {
                self.mark(MarkKind::Gap);
                full.extend(self.block(&silence));
            }
        }
        if taken.paused {
            self.mark(MarkKind::Pause);
        }
        full.extend(self.block(taken));
        full
    }

    /// 10 ms of something, beginning here.
    fn mark(&mut self, kind: MarkKind) {
        let at = u32::try_from(self.blocks * 10).unwrap_or(u32::MAX);
        match self.content.marks.last_mut() {
            Some(last) if last.kind == kind && last.at + last.length == at => last.length += 10,
            _ => self.content.marks.push(Mark { kind, at, length: 10 }),
        }
    }

    fn block(&mut self, taken: &Taken) -> Option<Content> {
        for (agent, customer) in taken.agent.iter().zip(&taken.customer) {
            let clean = |sample: &f32| if sample.is_finite() { sample.clamp(-1.0, 1.0) } else { 0.0 };
            let (agent, customer) = (clean(agent), clean(customer));
            self.peak = [self.peak[0].max(agent.abs()), self.peak[1].max(customer.abs())];
            self.frame.extend([agent, customer]);
        }
        self.blocks += 1;
        if self.blocks.is_multiple_of((PEAK / BLOCK) as u64) {
            let peak = std::mem::take(&mut self.peak);
            self.content.peaks.push(peak.map(|peak| (peak * 255.0).round() as u8));
        }
        if self.frame.len() < 2 * FRAME {
            return None;
        }
        self.packet();
        (self.packets.len() == CHUNK_PACKETS).then(|| self.close(PacketWriteEndInfo::EndPage, None))
    }

    fn packet(&mut self) {
        let mut packet = vec![0; PACKET_ROOM];
        // One that failed is empty, which a decoder makes up for.
        let length = self.opus.encode_float(&self.frame, &mut packet).unwrap_or(0);
        packet.truncate(length);
        self.packets.push(packet);
        self.frame.clear();
    }

    fn close(&mut self, end: PacketWriteEndInfo, last_position: Option<u64>) -> Content {
        self.content.at = self.packets_before * FRAME as u64;
        let packets = std::mem::take(&mut self.packets);
        let count = packets.len();
        self.packets_before += count as u64;
        let position = last_position.unwrap_or(self.packets_before * FRAME as u64);
        let mut end = Some(end);
        for (n, packet) in packets.into_iter().enumerate() {
            let end = if n + 1 == count { end.take() } else { None };
            self.page(packet, end.unwrap_or(PacketWriteEndInfo::NormalPacket), position);
        }
        self.content.pages = std::mem::take(self.pages.inner_mut());
        std::mem::take(&mut self.content)
    }

    /// What is left, and the end of the stream. There is always a packet: the look-ahead has to come out.
    pub(crate) fn finish(mut self) -> Content {
        let samples = self.blocks * BLOCK as u64;
        if !self.blocks.is_multiple_of((PEAK / BLOCK) as u64) {
            self.content.peaks.push(self.peak.map(|peak| (peak * 255.0).round() as u8));
        }
        let end = samples + u64::from(PRE_SKIP);
        while (self.packets_before + self.packets.len() as u64) * (FRAME as u64) < end {
            self.frame.resize(2 * FRAME, 0.0);
            self.packet();
        }
        self.close(PacketWriteEndInfo::EndStream, Some(end))
    }
}
