//! SIP and SDP as a pure machine in virtual time: text, transactions, dialogs, offer/answer, registration, calls.
//!
//! ```text
//! Input ──> Agent::handle(now) ──> transaction ──> dialog/call, registration, registrar ──> Output
//!            (bytes: text::parse)   (RFC 3261 17)    (RFC 3261 10, 12-15; RFC 3264)          (bytes: to_bytes)
//! ```
//!
//! No sockets, threads, files or clocks: the adapter hands in bytes and instants, carries `Output::Send`, and calls
//! `handle(now, Input::Timeout)` when `poll_timeout` says so. Two agents can thus be joined by a simulated network.

mod account;
mod agent;
mod call;
pub mod config;
mod core;
mod credentials;
mod dialog;
pub mod digest;
pub mod framer;
mod identity;
pub mod io;
pub mod offer;
mod reason;
mod registrar;
mod registration;
pub mod sdp;
pub mod text;
mod transaction;

pub use agent::{Agent, Leftovers};
pub use config::*;
pub use framer::{FrameError, Framer};
pub use io::*;
pub use text::clean;
