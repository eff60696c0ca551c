//! SIPp: phones that do exactly what a scenario says.

use crate::process::run;
use std::path::Path;

/// Calls `number` at `server` once, hears it for `ms` milliseconds, hangs up. Panics when it went otherwise.
pub fn call(server: &str, number: &str, ms: u32) {
    scenario("call", server, number, ms);
}

/// Plays the scenario `sipp/NAME.xml` once, with pauses of `ms` milliseconds. Panics when it went otherwise.
pub fn scenario(name: &str, server: &str, number: &str, ms: u32) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let scenario = format!("{}/lab/sipp/{name}.xml", env!("CARGO_MANIFEST_DIR"));
    let pause = ms.to_string();
    play(folder.path(), &["-sf", &scenario, "-s", number, "-d", &pause, server]);
}

fn play(folder: &Path, arguments: &[&str]) {
    let port = crate::ports::free(2).to_string();
    let media = crate::ports::free(4).to_string();
    let fixed = ["sipp", "-i", "127.0.0.1", "-p", &port, "-mp", &media, "-m", "1", "-timeout", "40", "-timeout_error"];
    run(folder, &[&fixed[..], arguments].concat());
}
