//! A call's port from the asking for it to the telling of it: bound at once, told when a STUN server has said how others
//! see it and a TURN server has given it a relay, or they have had their time. And its end: the relay is given back.

use super::{Line, MAX_LINES, MediaThread, random};
use crate::{
    port::{OpenError, Port},
    problem,
    tap::Tap,
};
use hatif_core::{
    audio::AudioEvent,
    ice::{MediaPlace, TurnServer},
    ids::CallId,
    srtp::Protection,
    text::Text,
};
use hatif_media::Source;
use hatif_turn::Refusal;
use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

/// No call waits for a STUN server that said nothing, or a TURN server that gave no relay, for so long.
const SILENCE: Duration = Duration::from_secs(60);

impl<F: FnMut(AudioEvent) + Send + 'static> MediaThread<F> {
    /// The port is told by [`Self::tell_ports`].
    pub(super) fn open_port(&mut self, call: CallId, place: MediaPlace) {
        let full = self.lines.len() >= MAX_LINES;
        let opened = match self.lines.get_mut(&call) {
            Some(line) if line.port.local().ip() == place.bind => {
                line.asking = true;
                Ok(())
            }
            None if full => Err(Text::new(problem::NO_PORT)),
            _ => self.bind_port(call, place),
        };
        if let Err(text) = opened {
            (self.on_event)(AudioEvent::PortFailed { call, text });
        }
        self.tell_ports(Instant::now());
    }

    /// Tells the ports whose STUN server has answered, or has had its time.
    pub(super) fn tell_ports(&mut self, now: Instant) {
        for (call, line) in &mut self.lines {
            if line.asking && !line.port.waits(now) {
                line.asking = false;
                if let Some(server) = line.port.silent() {
                    tracing::warn!(%call, "the STUN server is silent");
                    self.silent = Some((server, now + SILENCE));
                }
                if let Some(refusal) = line.port.settle_relay(now) {
                    tracing::warn!(%call, reason = reason(refusal), "there is no relay");
                    self.no_relay = line.turn.take().map(|server| (server, now + SILENCE));
                }
                (self.on_event)(AudioEvent::PortOpened { call: *call, local: line.port.gathered() });
            }
        }
    }

    fn bind_port(&mut self, call: CallId, place: MediaPlace) -> Result<(), Text> {
        let token = mio::Token(call.0 as usize);
        let MediaPlace { bind, stun, turn } = place;
        match Port::open(self.poll.registry(), token, bind, &self.rtp_ports, random()) {
            Ok(mut port) => {
                let now = Instant::now();
                let silent = |server: &SocketAddr| self.silent.is_some_and(|(s, until)| s == *server && now < until);
                if let Some(server) = stun.filter(|server| !silent(server)) {
                    port.ask(now, server, || u128::from(random()) << 64 | u128::from(random()));
                }
                let refused =
                    |server: &TurnServer| self.no_relay.as_ref().is_some_and(|(s, until)| s == server && now < *until);
                let turn = turn.filter(|server| !refused(server));
                if let Some(server) = &turn {
                    port.ask_relay(now, server);
                }
                if let Some(line) = self.lines.get_mut(&call) {
                    line.port.move_to(port);
                    (line.asking, line.turn) = (true, turn);
                    return Ok(());
                }
                let line = Line {
                    port,
                    payload: None,
                    microphone: false,
                    listen: true,
                    source: Source::Microphone,
                    protection: Protection::Plain,
                    gaps: (0, 0),
                    tap: Tap::default(),
                    asking: true,
                    turn,
                };
                self.lines.insert(call, line);
                Ok(())
            }
            Err(OpenError::NoPort) => {
                tracing::warn!(%call, "no free RTP port");
                Err(Text::new(problem::NO_PORT))
            }
            Err(OpenError::Bind(error)) => {
                tracing::warn!(%call, %error, "cannot bind the local address");
                Err(problem::with_detail(problem::BIND_FAILED, &error.to_string()))
            }
        }
    }

    /// Closes a port, when its relay is given back.
    pub(super) fn close_port(&mut self, mut port: Port) {
        if port.release(Instant::now()) && self.leaving.len() < MAX_LINES {
            self.leaving.push(port);
        }
    }
}

/// For the log, which holds no name and no address.
fn reason(refusal: Refusal) -> String {
    match refusal {
        Refusal::Silent => "the TURN server is silent".into(),
        Refusal::WrongPassword => "the TURN server refuses user name or password".into(),
        Refusal::Refused(code) => format!("the TURN server refuses: {code}"),
        Refusal::Odd => "the TURN server's answer makes no sense".into(),
    }
}
