//! hatif-net: runs the SIP user agent (`hatif-sip`) on real transports, and speaks the core's port.
//!
//! ```text
//! SipCommand -> [bounded channel] -> run loop -> Agent::handle -> Output::Send -> Wire -> UDP | TCP | TLS
//! SipEvent   <- on_event          <-          <- Agent::handle <- Input::Received <- [bounded channel] <- Wire
//! ```
//!
//! The seam to the network is one trait, `wire::Wire`. Its sockets, and the framing of streams (RFC 3261 18.3), are our
//! own on tokio and rustls; names are found by rvoip's resolver. Why is written in docs/adr/0001.

pub mod check;
mod limit;
mod resolve;
mod run;
mod servers;
mod sleep;
mod stream;
mod tls;
mod translate;
mod udp;
mod wire;

use hatif_core::sip::{SipCommand, SipEvent};
use tokio::sync::mpsc;

/// Commands that may wait while the loop is busy. A person issues a few a second; a full queue is told as `Full`.
const COMMANDS: usize = 4096;

/// The codecs that are offered, best first, by their names in SDP.
pub fn codecs() -> impl Iterator<Item = &'static str> {
    translate::codec_names()
}

/// Settings of the whole user agent.
#[derive(Clone, Debug)]
pub struct NetConfig {
    /// Product and version for User-Agent and Server headers.
    pub user_agent: String,
    /// Names this installation (RFC 5626 4.1), as `urn:uuid:…`.
    pub instance: Option<String>,
    /// Whether accounts of kind `Direct` also act as a small registrar. For the practice line.
    pub serve_registrations: bool,
}

/// Why a command could not be taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum SendError {
    #[error("the SIP queue is full")]
    Full,
    #[error("SIP has stopped")]
    Stopped,
}

/// The running user agent. Dropping it ends it at once; `SipCommand::Stop` ends it politely.
pub struct Net {
    commands: mpsc::Sender<SipCommand>,
    task: tokio::task::JoinHandle<()>,
}

impl Net {
    /// Starts the loop on the current tokio runtime. `on_event` is called from it and must not block.
    pub fn start(config: NetConfig, on_event: impl FnMut(SipEvent) + Send + 'static) -> Self {
        let (commands, queue) = mpsc::channel(COMMANDS);
        let task = tokio::spawn(run::Run::new(config, Box::new(on_event)).run(queue));
        Net { commands, task }
    }

    pub fn send(&self, command: SipCommand) -> Result<(), SendError> {
        self.commands.try_send(command).map_err(|e| match e {
            mpsc::error::TrySendError::Full(_) => SendError::Full,
            mpsc::error::TrySendError::Closed(_) => SendError::Stopped,
        })
    }
}

impl Drop for Net {
    fn drop(&mut self) {
        self.task.abort();
    }
}
