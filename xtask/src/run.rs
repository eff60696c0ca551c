//! `cargo xtask run`: from a fresh clone to the open window.

use crate::{
    packages::Purpose,
    setup,
    steps::{Step, Steps},
    system::{self, System},
};
use std::{process::Command, time::Duration};

const HOUR: Duration = Duration::from_secs(3600);

pub fn run(consent: bool) -> Result<bool, String> {
    setup::prepare(Purpose::Build, consent)?;
    let display = ["DISPLAY", "WAYLAND_DISPLAY"].iter().any(|name| std::env::var_os(name).is_some());
    if System::here().is_linux() && !display {
        return Err("There is no display here (neither DISPLAY nor WAYLAND_DISPLAY is set), so no window can open.\n\
            Hatif without a window: cargo run --package hatif-app --bin hatif-cli"
            .into());
    }
    let mut steps = Steps::new(3);
    if !page(&mut steps)? || !steps.run(step("The page", "a few seconds", script("ui:build"))) {
        return Ok(false);
    }
    let mut build = Command::new("cargo");
    build.args(["build", "--package", "hatif", "--bin", "hatif", "--features", "custom-protocol"]);
    if !steps.run(step("The application", "about 7 min the first time, then seconds", build)) {
        return Ok(false);
    }
    println!("\nHatif opens. Close its window, or press Ctrl+C here, to end it.\n");
    let status = Command::new(system::binary("hatif")).status();
    status.map(|status| status.success()).map_err(|error| format!("Hatif could not be started: {error}"))
}

/// The page's tools from npm, when they are not there as `package-lock.json` wants them.
pub fn page(steps: &mut Steps) -> Result<bool, String> {
    match setup::page_tools()? {
        Some(command) => {
            let good = steps.run(step("The page's tools", "about 20 s", command));
            if good {
                setup::page_tools_done()?;
            }
            Ok(good)
        }
        None => {
            steps.skip("The page's tools", "are there");
            Ok(true)
        }
    }
}

/// One of the scripts of `package.json`.
pub fn script(name: &str) -> Command {
    let mut command = setup::npm();
    command.args(["run", "--silent", name]);
    command
}

fn step(title: &str, estimate: &'static str, command: Command) -> Step {
    Step { title: title.into(), estimate, command, tests: false, limit: HOUR }
}
