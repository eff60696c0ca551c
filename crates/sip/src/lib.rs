//! SIP and SDP as a pure machine in virtual time: text, transactions, dialogs, offer/answer, registration, calls.
//!
//! ```text
//! Input ──> Agent::handle(now) ──> transaction ──> dialog/call, registration, registrar ──> Output
//!            (bytes: text::parse)   (RFC 3261 17)    (RFC 3261 10, 12-15; RFC 3264)          (bytes: to_bytes)
//! ```
//!
//! No sockets, threads, files or clocks: the adapter hands in bytes and instants, carries `Output::Send`, and calls
//! `handle(now, Input::Timeout)` when `poll_timeout` says so. Two agents can thus be joined by a simulated network.
//!
//! What an adapter owes:
//! - Each `OpenWire` is answered by `WireUp` or `WireDown`, in the end; a wire that dies later by `WireDown`. Nothing is
//!   sent to `NextHop` while the wire is down. After `CloseWire`, what was sent before it still goes out.
//! - Streams are cut by `Framer`; each `Framer::take_ping` is answered by one CRLF on the same connection.
//! - `WireUp::remote` holds every address of the next hop: requests from elsewhere are dropped (kind `Registrar`).
//! - `Unregister` and `RemoveAccount` take up to two seconds to be heard by the registrar; `Stop` tells `Event::Stopped`.
//!
//! What it does not do yet: DTLS, ICE.

mod account;
mod agent;
mod call;
pub mod config;
mod control;
mod core;
mod credentials;
mod dialog;
pub mod digest;
mod failover;
pub mod framer;
pub mod ice;
mod identity;
pub mod io;
mod lamp;
mod message;
pub mod offer;
mod reason;
mod refer;
mod registrar;
mod registration;
pub mod sdp;
pub mod srtp;
mod subscription;
pub mod text;
mod transaction;

pub use agent::{Agent, Leftovers};
pub use config::*;
pub use control::*;
pub use framer::{FrameError, Framer};
pub use ice::{Candidate, CandidateKind, Gathered, IceCredentials, IcePolicy, IceSession};
pub use io::*;
pub use srtp::{MasterKey, Srtp, SrtpPolicy, Suite};
pub use text::clean;
