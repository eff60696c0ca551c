//! A call's port from the asking for it to the telling of it: bound at once, told when a STUN server has said how others
//! see it, or has had its time.

use super::{Line, MAX_LINES, MediaThread, random};
use crate::{
    port::{OpenError, Port},
    problem,
    tap::Tap,
};
use hatif_core::{audio::AudioEvent, ice::MediaPlace, ids::CallId, srtp::Protection, text::Text};
use hatif_media::Source;
use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

/// No call waits for a STUN server that said nothing, for so long.
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
            if line.asking && line.port.waits(now).is_none() {
                line.asking = false;
                if let Some(server) = line.port.silent() {
                    tracing::warn!(%call, "the STUN server is silent");
                    self.silent = Some((server, now + SILENCE));
                }
                (self.on_event)(AudioEvent::PortOpened { call: *call, local: line.port.gathered() });
            }
        }
    }

    fn bind_port(&mut self, call: CallId, place: MediaPlace) -> Result<(), Text> {
        let token = mio::Token(call.0 as usize);
        match Port::open(self.poll.registry(), token, place.bind, &self.rtp_ports, random()) {
            Ok(mut port) => {
                let now = Instant::now();
                let silent = |server: &SocketAddr| self.silent.is_some_and(|(s, until)| s == *server && now < until);
                if let Some(server) = place.stun.filter(|server| !silent(server)) {
                    port.ask(now, server, || u128::from(random()) << 64 | u128::from(random()));
                }
                if let Some(line) = self.lines.get_mut(&call) {
                    line.port.move_to(port);
                    line.asking = true;
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
}
