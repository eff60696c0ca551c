//! Calls with real counterparts on loopback: Asterisk, Kamailio, baresip, SIPp. `cargo xtask test --only interop`
//! fetches and builds what they need.

#![cfg(target_os = "linux")]

mod lab;
