//! RTP and RTCP packets (RFC 3550): read or refused. The reader is hatif-audio's own source, compiled in here, since it is
//! nobody's to call.

#![no_main]

#[allow(dead_code)]
#[path = "../../../crates/audio/src/packet.rs"]
mod packet;

use hatif_media::{Payload, RtpOut, StreamKey};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Some(read) = packet::read_rtp(bytes) {
        assert!(read.payload_type < 128 && read.payload.len() + 12 <= bytes.len());
        let out = RtpOut {
            key: StreamKey(1),
            payload_type: read.payload_type,
            marker: read.marker,
            sequence: read.sequence,
            timestamp: read.timestamp,
            ssrc: read.ssrc,
            payload: Payload::new(&read.payload),
        };
        // RFC 5761 4: what would look like RTCP is never written by us, and so not read back.
        if read.payload.len() <= out.payload.len()
            && let Some(written) = packet::write_rtp(&out)
        {
            let again = packet::read_rtp(&written).expect("what we write can be read");
            assert_eq!((again.sequence, again.timestamp, again.ssrc), (read.sequence, read.timestamp, read.ssrc));
            assert_eq!(again.payload, read.payload);
        }
    }
    if let Some(report) = packet::read_rtcp(bytes) {
        assert!(report.reports.len() <= 31);
    }
});
