//! What two sides may have agreed on.

use super::Dice;
use hatif_core::sip::{Codec, MediaSession};
use std::net::SocketAddr;

pub fn session(dice: &mut Dice) -> MediaSession {
    MediaSession {
        codec: if dice.roll(2) == 0 { Codec::Opus } else { Codec::Pcma },
        payload: 96,
        payload_in: 96,
        dtmf_payload: (dice.roll(2) == 0).then_some(101),
        dtmf_clock: 8000,
        remote: SocketAddr::from(([127, 0, 0, 1], 4000)),
        send: true,
        receive: true,
        ptime_ms: 20,
        srtp: None,
        ice: None,
        rtcp_mux: false,
    }
}
