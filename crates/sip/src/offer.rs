//! Offer and answer (RFC 3264, RFC 6337) for one audio stream: Opus (RFC 7587), PCMU, PCMA, telephone-event (RFC 4733).
//!
//! The answerer takes the first codec of the offer, in the offer's order, that it has: PBXes put first what they need
//! not transcode. Holds are directions: ours `sendonly` (`inactive` when both hold), theirs `sendonly`, `inactive` or
//! the null address of RFC 2543.

use crate::{
    config::Secret,
    ice::{Gathered, Ice, IceSession},
    io::{Codec, EndReason, LocalMedia, MediaSession},
    sdp::{Direction, Media, Sdp},
    srtp::{NotEncrypted, Protection, Sdes, Srtp, SrtpPolicy},
    text::number,
};
use std::{fmt::Write as _, net::SocketAddr};

/// Why a description cannot be agreed on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum OfferError {
    /// Not SDP, or beyond our limits.
    Unreadable,
    /// No audio stream over RTP with a usable address and a codec we have.
    NoCommonCodec,
    /// Its voice would be plain, and must not be; or encrypted in a way that we do not have.
    NotEncrypted,
}

impl From<NotEncrypted> for OfferError {
    fn from(_: NotEncrypted) -> Self {
        OfferError::NotEncrypted
    }
}

impl From<OfferError> for EndReason {
    fn from(error: OfferError) -> Self {
        match error {
            OfferError::NotEncrypted => EndReason::NotEncrypted,
            OfferError::Unreadable | OfferError::NoCommonCodec => EndReason::NoCommonCodec,
        }
    }
}

/// Payload types of our own offers. RFC 3264 8.3.2: a number keeps its meaning for the whole call, so they follow the
/// peer's where the peer offered first.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Payloads {
    opus: u8,
    dtmf_48000: u8,
    dtmf_8000: u8,
}

/// The offer/answer state of one call leg.
#[derive(Clone, Debug)]
pub struct Negotiation {
    local: LocalMedia,
    session: u64,
    version: u64,
    payloads: Payloads,
    /// The last description sent, without its o= line, to tell whether the version must go up.
    sent: Secret,
    /// The direction of our last offer.
    offered: Direction,
    /// Whether that offer waits for its answer.
    pending: bool,
    local_hold: bool,
    remote_hold: bool,
    media: Option<MediaSession>,
    sdes: Sdes,
    ice: Ice,
}

/// What a peer's audio m-line offers us.
struct Match {
    codec: Codec,
    payload: u8,
    /// Payload type and clock of telephone-event.
    dtmf: Option<(u8, u32)>,
    remote: SocketAddr,
    direction: Direction,
    ptime_ms: u8,
}

impl Negotiation {
    /// `session` is the o= line's session id: unpredictable, below 2^62.
    pub fn new(local: LocalMedia, session: u64, sdes: Sdes, ice: Ice) -> Self {
        let payloads = Payloads { opus: 96, dtmf_48000: 97, dtmf_8000: 101 };
        Negotiation {
            local,
            session,
            version: 0,
            payloads,
            sent: Secret(String::new()),
            offered: Direction::SendRecv,
            pending: false,
            local_hold: false,
            remote_hold: false,
            media: None,
            sdes,
            ice,
        }
    }

    /// What was agreed last.
    pub fn media(&self) -> Option<&MediaSession> {
        self.media.as_ref()
    }

    /// Whether it is encrypted voice or none.
    pub fn must_encrypt(&self) -> bool {
        self.sdes.is_required()
    }

    pub fn remote_hold(&self) -> bool {
        self.remote_hold
    }

    pub fn local_hold(&self) -> bool {
        self.local_hold
    }

    /// Whether an offer of ours waits for its answer.
    pub fn offer_pending(&self) -> bool {
        self.pending
    }

    /// Our RTP port is another one, from the next description on.
    pub fn move_to(&mut self, media: SocketAddr, gathered: Vec<Gathered>) {
        (self.local.addr, self.local.gathered) = (media, gathered);
    }

    /// An offer of all that we have, holding the peer or not.
    pub fn offer(&mut self, hold: bool) -> String {
        self.local_hold = hold;
        let direction = Direction::new(!(hold && self.remote_hold), !hold);
        (self.offered, self.pending) = (direction, true);
        let (proto, keys) = self.sdes.offer();
        let line = self.media_line(proto, &self.local.codecs.clone(), None, direction);
        let ice = self.ice.offer(&self.local);
        self.describe(line + &keys + &ice)
    }

    /// Our offer was refused or never answered: what was agreed before stays.
    pub fn withdraw(&mut self, hold_before: bool) {
        self.pending = false;
        self.local_hold = hold_before;
    }

    /// The peer's answer to our offer. The same answer may come again, as a 2xx repeats its 183.
    pub fn take_answer(&mut self, body: &[u8]) -> Result<&MediaSession, OfferError> {
        let sdp = Sdp::parse(body).ok_or(OfferError::Unreadable)?;
        let direction = self.offered;
        let media = sdp.media.first().ok_or(OfferError::NoCommonCodec)?;
        let found = self.find(&sdp, media, Some(self.payloads.opus)).ok_or(OfferError::NoCommonCodec)?;
        let protection = self.sdes.take_answer(media)?;
        self.pending = false;
        if direction.sends() {
            self.remote_hold = holds(&found);
        }
        let ours = Direction::new(
            direction.sends() && found.direction.receives(),
            direction.receives() && found.direction.sends(),
        );
        let payload_in = self.own_payload(found.codec);
        let srtp = self.sdes.agree(media, protection);
        let ice = self.ice.take_answer(&sdp, media);
        Ok(self.agree(found, ours, payload_in, srtp, ice))
    }

    /// Our answer to the peer's offer.
    pub fn answer(&mut self, body: &[u8]) -> Result<String, OfferError> {
        let sdp = Sdp::parse(body).ok_or(OfferError::Unreadable)?;
        let (index, found, protection) = self.choose(&sdp)?;
        self.remember_payloads(&sdp.media[index]);
        self.remote_hold = holds(&found);
        let direction = Direction::new(found.direction.receives(), found.direction.sends() && !self.local_hold);
        let mut lines = String::new();
        let (ice_lines, ice) = self.ice.answer(&sdp, &sdp.media[index], &self.local);
        for (at, media) in sdp.media.iter().enumerate() {
            if at == index {
                let dtmf = Some((found.payload, found.dtmf.map(|(payload, _)| payload)));
                lines.push_str(&self.media_line(&media.proto, &[found.codec], dtmf, direction));
                lines.push_str(&Sdes::answer_line(&protection));
                lines.push_str(&ice_lines);
            } else {
                // RFC 3264 6: a refused stream keeps its place, with port 0.
                let formats = if media.formats.is_empty() { "0".to_string() } else { media.formats.join(" ") };
                // Writing to a String does not fail.
                let _ = write!(lines, "m={} 0 {} {formats}\r\n", media.kind, media.proto);
            }
        }
        let payload_in = found.payload;
        let srtp = self.sdes.agree(&sdp.media[index], protection);
        self.agree(found, direction, payload_in, srtp, ice);
        Ok(self.describe(lines))
    }

    /// Whether an offer could be answered with every codec we have: asked before the phone rings.
    pub fn acceptable(body: &[u8], policy: SrtpPolicy) -> Result<(), OfferError> {
        let addr = SocketAddr::from(([127, 0, 0, 1], 9));
        let local =
            LocalMedia { addr, codecs: vec![Codec::Opus, Codec::G722, Codec::Pcmu, Codec::Pcma], gathered: Vec::new() };
        Negotiation::new(local, 0, Sdes::new(policy, true, |_| {}), Ice::off()).answer(body).map(|_| ())
    }

    /// The stream of an offer to take: the first encrypted one, else the first plain one where that may be.
    fn choose(&self, sdp: &Sdp) -> Result<(usize, Match, Protection), OfferError> {
        let usable = sdp.media.iter().enumerate().filter_map(|(at, m)| Some((at, m, self.find(sdp, m, None)?)));
        let judged = usable.map(|(at, media, found)| self.sdes.judge(media).map(|protection| (at, found, protection)));
        let mut best = Err(OfferError::NoCommonCodec);
        for choice in judged {
            match choice {
                Ok(encrypted @ (_, _, Protection::Srtp(..))) => return Ok(encrypted),
                Ok(plain) if best.is_err() => best = Ok(plain),
                Err(NotEncrypted) if best.is_err() => best = Err(OfferError::NotEncrypted),
                _ => {}
            }
        }
        best
    }

    fn agree(
        &mut self,
        found: Match,
        ours: Direction,
        payload_in: u8,
        srtp: Option<Srtp>,
        ice: Option<IceSession>,
    ) -> &MediaSession {
        let send = ours.sends() && !self.local_hold && !found.remote.ip().is_unspecified();
        self.media.insert(MediaSession {
            codec: found.codec,
            payload: found.payload,
            payload_in,
            dtmf_payload: found.dtmf.map(|(payload, _)| payload),
            dtmf_clock: found.dtmf.map_or(8000, |(_, clock)| clock),
            remote: found.remote,
            send,
            receive: ours.receives(),
            ptime_ms: found.ptime_ms,
            srtp,
            ice,
            rtcp_mux: self.ice.mux(),
        })
    }

    /// The first usable codec of an m-line, if the line is usable at all. `opus`: the payload type that our offer gave it,
    /// which an answer need not explain again.
    fn find(&self, sdp: &Sdp, media: &Media, opus: Option<u8>) -> Option<Match> {
        if media.kind != "audio" || media.port == 0 || !self.sdes.takes(media) {
            return None;
        }
        let remote = self.ice.destination(sdp, media)?;
        let payloads = media.formats.iter().filter_map(|f| number::<u8>(f).filter(|pt| *pt < 128));
        let (codec, payload) = payloads.clone().find_map(|pt| Some((self.codec_of(media, pt, opus)?, pt)))?;
        let clock = if codec == Codec::Opus { 48000 } else { 8000 };
        let events: Vec<(u8, u32)> = payloads
            .filter_map(|pt| {
                let map = media.rtpmap(pt)?;
                map.name.eq_ignore_ascii_case("telephone-event").then_some((pt, map.clock))
            })
            .collect();
        // Older PBXes have telephone-event at 8000 only, beside Opus too, and take it.
        let dtmf = [clock, 8000].into_iter().find_map(|want| events.iter().find(|(_, c)| *c == want));
        let ptime_ms = ptime(media);
        let direction = sdp.direction(media);
        Some(Match { codec, payload, dtmf: dtmf.copied(), remote, direction, ptime_ms })
    }

    /// Which of our codecs a payload type of the peer means.
    fn codec_of(&self, media: &Media, payload: u8, opus: Option<u8>) -> Option<Codec> {
        let codec = match media.rtpmap(payload) {
            Some(map) if map.name.eq_ignore_ascii_case("opus") && map.clock == 48000 && map.channels == 2 => {
                Codec::Opus
            }
            Some(map) if map.name.eq_ignore_ascii_case("PCMU") && map.clock == 8000 && map.channels == 1 => Codec::Pcmu,
            Some(map) if map.name.eq_ignore_ascii_case("PCMA") && map.clock == 8000 && map.channels == 1 => Codec::Pcma,
            Some(map) if map.name.eq_ignore_ascii_case("G722") && map.clock == 8000 && map.channels == 1 => Codec::G722,
            None if opus == Some(payload) => Codec::Opus,
            _ => return None,
        };
        self.local.codecs.contains(&codec).then_some(codec)
    }

    fn own_payload(&self, codec: Codec) -> u8 {
        match codec {
            Codec::Opus => self.payloads.opus,
            Codec::Pcmu => 0,
            Codec::Pcma => 8,
            Codec::G722 => 9,
        }
    }

    /// Takes over the numbers that the peer's offer uses, and moves ours out of the way of its others.
    fn remember_payloads(&mut self, media: &Media) {
        let taken: Vec<u8> = media.formats.iter().filter_map(|f| number::<u8>(f)).collect();
        let find = |name: &str, clock: u32| {
            taken
                .iter()
                .copied()
                .find(|pt| media.rtpmap(*pt).is_some_and(|m| m.name.eq_ignore_ascii_case(name) && m.clock == clock))
        };
        let theirs = [find("opus", 48000), find("telephone-event", 48000), find("telephone-event", 8000)];
        let ours = [self.payloads.opus, self.payloads.dtmf_48000, self.payloads.dtmf_8000];
        let mut used: Vec<u8> = taken.clone();
        let mut next = [0u8; 3];
        for i in 0..3 {
            let free = |used: &[u8]| (96..128).find(|pt| !used.contains(pt)).unwrap_or(ours[i]);
            next[i] = match theirs[i] {
                Some(pt) => pt,
                None if used.contains(&ours[i]) => free(&used),
                None => ours[i],
            };
            used.push(next[i]);
        }
        self.payloads = Payloads { opus: next[0], dtmf_48000: next[1], dtmf_8000: next[2] };
    }

    /// Our m-line. `answer` holds the payload types of an answer (codec, telephone-event); an offer uses our own.
    fn media_line(
        &self,
        proto: &str,
        codecs: &[Codec],
        answer: Option<(u8, Option<u8>)>,
        direction: Direction,
    ) -> String {
        let mut formats: Vec<(u8, &str)> = Vec::new();
        for codec in codecs {
            let payload = answer.map_or(self.own_payload(*codec), |(payload, _)| payload);
            formats.push(match codec {
                Codec::Opus => (payload, "opus/48000/2"),
                Codec::Pcmu => (payload, "PCMU/8000"),
                Codec::Pcma => (payload, "PCMA/8000"),
                // Its clock is 8000 by an old mistake (RFC 3551 4.5.2).
                Codec::G722 => (payload, "G722/8000"),
            });
        }
        let opus = formats.iter().find(|(_, map)| map.starts_with("opus")).map(|(pt, _)| *pt);
        let mut events: Vec<u8> = Vec::new();
        match answer {
            Some((_, Some(payload))) => {
                let wide = opus.is_some() && payload == self.payloads.dtmf_48000;
                formats.push((payload, if wide { "telephone-event/48000" } else { "telephone-event/8000" }));
                events.push(payload);
            }
            Some((_, None)) => {}
            None => {
                if opus.is_some() {
                    formats.push((self.payloads.dtmf_48000, "telephone-event/48000"));
                    events.push(self.payloads.dtmf_48000);
                }
                formats.push((self.payloads.dtmf_8000, "telephone-event/8000"));
                events.push(self.payloads.dtmf_8000);
            }
        }
        let numbers: Vec<String> = formats.iter().map(|(pt, _)| pt.to_string()).collect();
        let mut out = format!("m=audio {} {proto} {}\r\n", self.local.addr.port(), numbers.join(" "));
        for (payload, map) in &formats {
            out.push_str(&format!("a=rtpmap:{payload} {map}\r\n"));
        }
        if let Some(payload) = opus {
            out.push_str(&format!("a=fmtp:{payload} minptime=10;useinbandfec=1\r\n"));
        }
        for payload in events {
            out.push_str(&format!("a=fmtp:{payload} 0-15\r\n"));
        }
        out.push_str(&format!("a=ptime:20\r\na=maxptime:60\r\na={}\r\n", direction.attribute()));
        out
    }

    /// The whole description; the version goes up when anything but the version changed (RFC 3264 8).
    fn describe(&mut self, media: String) -> String {
        let ip = self.local.addr.ip();
        let kind = if ip.is_ipv4() { "IP4" } else { "IP6" };
        let rest = format!("s=-\r\nc=IN {kind} {ip}\r\nt=0 0\r\n{media}");
        if rest != self.sent.0 {
            self.version += 1;
            self.sent.0.clone_from(&rest);
        }
        format!("v=0\r\no=- {} {} IN {kind} {ip}\r\n{rest}", self.session, self.version)
    }
}

fn holds(found: &Match) -> bool {
    !found.direction.receives() || found.remote.ip().is_unspecified()
}

/// The packet time that the peer wants, within what we make; 20 ms if it says nothing or nonsense.
fn ptime(media: &Media) -> u8 {
    let wanted = |name: &str| media.attribute(name).and_then(number::<u32>);
    let most = wanted("maxptime").filter(|ms| (5..=200).contains(ms)).unwrap_or(60);
    let ptime = wanted("ptime").filter(|ms| [10, 20, 30, 40, 60].contains(ms)).unwrap_or(20);
    let fitting = [10u8, 20, 30, 40, 60].into_iter().rev().find(|ms| u32::from(*ms) <= ptime.min(most));
    fitting.unwrap_or(10)
}

#[cfg(test)]
mod tests;
