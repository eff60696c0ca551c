//! hatif-core: the application as a pure machine.
//!
//! ```text
//!   agent's commands ─┐                      ┌─> SipCommand    (hatif-net)
//!   SipEvent ─────────┼─> Phone::handle ─────┼─> AudioCommand  (hatif-audio)
//!   AudioEvent ───────┤   (now, Input)       ├─> StoreCommand  (hatif-store)
//!   StoreEvent, time ─┘                      └─> Change        (the view, hatif-app)
//! ```
//!
//! No I/O, no clock, no threads: time is an argument. The ports are plain enums (`sip`, `audio`, `store`);
//! the adapters depend on this crate and never on each other.

pub mod account;
pub mod audio;
pub mod call;
pub mod comment;
pub mod connector;
pub mod customer;
pub mod customer_file;
pub mod desktop;
pub mod dial;
pub mod duplicate;
pub mod fields;
pub mod ice;
pub mod ids;
pub mod link;
pub mod options;
pub mod phone;
pub mod policy;
pub mod recording;
pub mod settings;
pub mod sip;
pub mod srtp;
pub mod store;
pub mod text;
pub mod work;
