//! RTP and RTCP between bytes and the engine's types (RFC 3550 5.1, 6.4, 6.5, 6.6), by rvoip-rtp-core.
//!
//! Whatever comes in is hostile: anything that does not parse is `None`, nothing panics.

use bytes::Bytes;
use hatif_media::{ReportBlock, RtcpOut, RtpOut, SenderInfo};
use rvoip_rtp_core::{
    RtpPacket,
    packet::rtcp::{
        NtpTimestamp, RtcpCompoundMember, RtcpCompoundPacket, RtcpGoodbye, RtcpPacket, RtcpReceiverReport,
        RtcpReportBlock, RtcpSenderReport, RtcpSourceDescription, RtcpTolerantCompoundPacket,
    },
};

/// Larger datagrams are not ours: an Opus packet of 120 ms has at most 1275 bytes a frame, G.711 of 60 ms has 480.
pub(crate) const MAX_DATAGRAM: usize = 2048;

/// An RTP packet that parsed.
pub(crate) struct RtpReceived {
    pub payload_type: u8,
    pub marker: bool,
    pub sequence: u16,
    pub timestamp: u32,
    pub ssrc: u32,
    pub payload: Bytes,
}

/// The first report of a compound packet that parsed.
pub(crate) struct RtcpReceived {
    pub ssrc: u32,
    pub sender: Option<SenderInfo>,
    pub reports: Vec<ReportBlock>,
}

pub(crate) fn write_rtp(packet: &RtpOut) -> Option<Bytes> {
    let payload = Bytes::copy_from_slice(&packet.payload);
    let mut out =
        RtpPacket::new_with_payload(packet.payload_type, packet.sequence, packet.timestamp, packet.ssrc, payload);
    out.header.marker = packet.marker;
    out.serialize().ok()
}

/// By its first bytes (RFC 5761 4, RFC 7983): a second byte of 192 to 223 is RTCP; STUN, DTLS and ZRTP fail by the version.
pub(crate) fn may_be_rtp(datagram: &[u8]) -> bool {
    (12..=MAX_DATAGRAM).contains(&datagram.len()) && datagram[0] >> 6 == 2 && !(192..=223).contains(&datagram[1])
}

/// RTCP among RTP (RFC 5761 4).
pub(crate) fn is_rtcp(datagram: &[u8]) -> bool {
    datagram.len() >= 8 && datagram[0] >> 6 == 2 && (192..=223).contains(&datagram[1])
}

pub(crate) fn read_rtp(datagram: &[u8]) -> Option<RtpReceived> {
    if !may_be_rtp(datagram) {
        return None;
    }
    let packet = RtpPacket::parse(datagram).ok()?;
    Some(RtpReceived {
        payload_type: packet.header.payload_type,
        marker: packet.header.marker,
        sequence: packet.header.sequence_number,
        timestamp: packet.header.timestamp,
        ssrc: packet.header.ssrc,
        payload: packet.payload,
    })
}

/// `cname`: RFC 7022, the same for all our streams of a process run, and meaningless.
pub(crate) fn write_rtcp(report: &RtcpOut, cname: &str) -> Option<Bytes> {
    let blocks: Vec<RtcpReportBlock> = report.report.iter().map(block_out).collect();
    let mut compound = match &report.sender {
        Some(sender) => RtcpCompoundPacket::new_with_sr(RtcpSenderReport {
            ssrc: report.ssrc,
            ntp_timestamp: NtpTimestamp::from_u64(sender.ntp),
            rtp_timestamp: sender.rtp_timestamp,
            sender_packet_count: sender.packets,
            sender_octet_count: sender.octets,
            report_blocks: blocks,
        }),
        None => RtcpCompoundPacket::new_with_rr(RtcpReceiverReport { ssrc: report.ssrc, report_blocks: blocks }),
    };
    let mut description = RtcpSourceDescription::new();
    description.add_source(report.ssrc, Some(cname.to_owned()));
    compound.add_sdes(description);
    if report.bye {
        compound.add_bye(RtcpGoodbye::new_for_source(report.ssrc));
    }
    compound.serialize().ok()
}

pub(crate) fn read_rtcp(datagram: &[u8]) -> Option<RtcpReceived> {
    if datagram.len() > MAX_DATAGRAM {
        return None;
    }
    // Tolerant of later packet types, which RFC 3550 6.1 asks to ignore.
    let compound = RtcpTolerantCompoundPacket::parse(datagram).ok()?;
    match compound.packets.into_iter().next()? {
        RtcpCompoundMember::Known(RtcpPacket::SenderReport(report)) => Some(RtcpReceived {
            ssrc: report.ssrc,
            sender: Some(SenderInfo {
                ntp: report.ntp_timestamp.to_u64(),
                rtp_timestamp: report.rtp_timestamp,
                packets: report.sender_packet_count,
                octets: report.sender_octet_count,
            }),
            reports: report.report_blocks.iter().map(block_in).collect(),
        }),
        RtcpCompoundMember::Known(RtcpPacket::ReceiverReport(report)) => Some(RtcpReceived {
            ssrc: report.ssrc,
            sender: None,
            reports: report.report_blocks.iter().map(block_in).collect(),
        }),
        _ => None,
    }
}

fn block_out(block: &ReportBlock) -> RtcpReportBlock {
    RtcpReportBlock {
        ssrc: block.ssrc,
        fraction_lost: block.fraction_lost,
        // 24 bits, two's complement
        cumulative_lost: block.cumulative_lost as u32 & 0x00ff_ffff,
        highest_seq: block.highest_sequence,
        jitter: block.jitter,
        last_sr: block.last_sr,
        delay_since_last_sr: block.delay_since_last_sr,
    }
}

fn block_in(block: &RtcpReportBlock) -> ReportBlock {
    ReportBlock {
        ssrc: block.ssrc,
        fraction_lost: block.fraction_lost,
        cumulative_lost: ((block.cumulative_lost << 8) as i32) >> 8,
        highest_sequence: block.highest_seq,
        jitter: block.jitter,
        last_sr: block.last_sr,
        delay_since_last_sr: block.delay_since_last_sr,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hatif_media::{Payload, StreamKey};
    use proptest::prelude::*;

    fn rtp_out(payload: &[u8]) -> RtpOut {
        RtpOut {
            key: StreamKey(1),
            payload_type: 111,
            marker: true,
            sequence: 65_535,
            timestamp: 0xdead_beef,
            ssrc: 0x0102_0304,
            payload: Payload::new(payload),
        }
    }

    #[test]
    fn rtp_is_written_as_rfc_3550_says() {
        let bytes = write_rtp(&rtp_out(b"voice")).unwrap();
        assert_eq!(bytes[..12], [0x80, 0x80 | 111, 0xff, 0xff, 0xde, 0xad, 0xbe, 0xef, 1, 2, 3, 4]);
        assert_eq!(&bytes[12..], b"voice");
    }

    #[test]
    fn padding_csrc_and_extension_are_taken_off() {
        let mut bytes = vec![0x80 | 0x20 | 0x10 | 2, 0, 0, 7, 0, 0, 0, 9, 0, 0, 0, 5];
        bytes.extend([1, 1, 1, 1, 2, 2, 2, 2]); // two CSRCs
        bytes.extend([0xbe, 0xde, 0, 1, 0x10, 0xff, 0, 0]); // RFC 8285: audio level
        bytes.extend(b"voice");
        bytes.extend([0, 0, 3]);
        let packet = read_rtp(&bytes).unwrap();
        assert_eq!((packet.sequence, packet.timestamp, packet.ssrc, packet.payload_type), (7, 9, 5, 0));
        assert_eq!(&packet.payload[..], b"voice");
    }

    #[test]
    fn an_unknown_header_extension_does_not_cost_the_packet() {
        let mut bytes = vec![0x90, 0, 0, 7, 0, 0, 0, 9, 0, 0, 0, 5];
        bytes.extend([0x12, 0x34, 0, 2, 9, 9, 9, 9, 9, 9, 9, 9]);
        bytes.extend(b"voice");
        assert_eq!(&read_rtp(&bytes).unwrap().payload[..], b"voice");
    }

    #[test]
    fn reports_survive_the_wire() {
        let report = RtcpOut {
            ssrc: 5,
            sender: Some(SenderInfo { ntp: 0x1122_3344_5566_7788, rtp_timestamp: 9, packets: 10, octets: 11 }),
            report: Some(ReportBlock {
                ssrc: 6,
                fraction_lost: 25,
                cumulative_lost: -3,
                highest_sequence: 70_000,
                jitter: 12,
                last_sr: 13,
                delay_since_last_sr: 14,
            }),
            bye: true,
        };
        let read = read_rtcp(&write_rtcp(&report, "8f3a").unwrap()).unwrap();
        assert_eq!((read.ssrc, read.sender, read.reports), (5, report.sender, vec![report.report.unwrap()]));

        let receiver = RtcpOut { sender: None, report: None, bye: false, ..report };
        let read = read_rtcp(&write_rtcp(&receiver, "8f3a").unwrap()).unwrap();
        assert_eq!((read.ssrc, read.sender, read.reports), (5, None, vec![]));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4096))]

        #[test]
        fn any_datagram_is_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = read_rtp(&bytes);
            let _ = read_rtcp(&bytes);
        }

        /// Random bytes hardly get past the version; these do.
        #[test]
        fn any_datagram_with_a_likely_header_is_read_or_refused(
            first in 0x80u8..=0xbf, second in prop_oneof![Just(0u8), Just(111), 200u8..=207], length in 0u16..40,
            rest in proptest::collection::vec(any::<u8>(), 0..160),
        ) {
            let mut bytes = vec![first, second];
            bytes.extend(length.to_be_bytes());
            bytes.extend(rest);
            let _ = read_rtp(&bytes);
            let _ = read_rtcp(&bytes);
        }

        #[test]
        fn any_payload_survives(payload in proptest::collection::vec(any::<u8>(), 0..500)) {
            let read = read_rtp(&write_rtp(&rtp_out(&payload)).unwrap()).unwrap();
            prop_assert_eq!(&read.payload[..], &payload[..]);
            prop_assert_eq!((read.sequence, read.timestamp, read.marker), (65_535, 0xdead_beef, true));
        }
    }
}
