//! The interop lab: real counterparts on loopback, for the tests in `tests/interop`.
//!
//! ```text
//!   Cli (hatif-cli, JSON lines) ──SIP/RTP──> Asterisk | Kamailio | Baresip | Sipp | RogueTls
//!        └ plays and records WAV files ──> sound::heard(): judged by content
//! ```
//!
//! Everything that is started here ends with the value that stands for it, with the test that panics, and with the
//! test process, however that ends (`process`). Ports are chosen free (`ports`), folders are temporary.

#![cfg(target_os = "linux")]

pub mod asterisk;
pub mod baresip;
pub mod certs;
pub mod cli;
pub mod coturn;
pub mod homes;
pub mod kamailio;
pub mod linphone;
pub mod names;
pub mod net;
pub mod party;
pub mod ports;
pub mod privacy;
pub mod process;
pub mod reader;
pub mod relay;
pub mod rogue;
pub mod screen;
pub mod sipp;
pub mod sound;
pub mod stranger;
mod template;
pub mod transcript;
pub mod webdriver;

pub use asterisk::Asterisk;
pub use baresip::Baresip;
pub use cli::Cli;
pub use coturn::Coturn;
pub use kamailio::Kamailio;
pub use linphone::Linphone;
pub use party::Party;

use std::{path::PathBuf, time::Duration};

/// How long a thing that should happen may take before a test gives up on it. Generous: it is reached by failures only.
pub const DEADLINE: Duration = Duration::from_secs(40);

/// Where cargo has put the programs (`target/debug`), found from the running test's own place in `deps`.
pub fn build_dir() -> PathBuf {
    let test = std::env::current_exe().expect("a test knows where it lies");
    let deps = test.parent().expect("it lies in a folder");
    deps.parent().expect("deps lies in a folder").to_path_buf()
}

/// Kept between runs, beside what cargo builds: Asterisk.
pub fn lab_dir() -> PathBuf {
    build_dir().parent().expect("debug lies in a folder").join("lab")
}
