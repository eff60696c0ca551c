//! `cargo xtask test`: everything that must hold, each part announced, the failures named and counted at the end.
//!
//! One set of features and one profile for all parts, so that nothing is compiled twice: what the parts run is what
//! the step "Everything in Rust" built.

use crate::{
    desktop,
    packages::Purpose,
    run::{page, script},
    setup,
    steps::{Step, Steps},
    system::{self, System},
};
use std::{process::Command, time::Duration};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    Ui,
    Format,
    Lint,
    Unit,
    Tidy,
    Interop,
    Window,
}

impl Part {
    pub const ALL: [Part; 7] =
        [Part::Ui, Part::Format, Part::Lint, Part::Unit, Part::Tidy, Part::Interop, Part::Window];

    pub fn name(self) -> &'static str {
        match self {
            Part::Ui => "ui",
            Part::Format => "format",
            Part::Lint => "lint",
            Part::Unit => "unit",
            Part::Tidy => "tidy",
            Part::Interop => "interop",
            Part::Window => "window",
        }
    }

    pub fn named(name: &str) -> Result<Part, String> {
        let known = Part::ALL.map(Part::name).join(", ");
        Part::ALL
            .into_iter()
            .find(|part| part.name() == name)
            .ok_or(format!("`test` has no part `{name}`. There is: {known}."))
    }

    /// Why this part cannot run on this system, if so. The README says the same.
    fn absent_on(self, system: System) -> Option<&'static str> {
        match (self, system) {
            (Part::Interop, System::Debian) => None,
            (Part::Interop, _) => Some("left out: its servers come from Debian's archive (Debian, Ubuntu)"),
            (Part::Window, system) if system.is_linux() => None,
            (Part::Window, _) => Some("left out: the window is driven through WebKitGTK's driver (Linux)"),
            _ => None,
        }
    }

    /// Whether it needs the page built: the application embeds it.
    fn needs_page(self) -> bool {
        !matches!(self, Part::Format | Part::Tidy)
    }

    fn needs_build(self) -> bool {
        matches!(self, Part::Unit | Part::Interop | Part::Window)
    }

    /// How many steps it takes.
    fn steps(self) -> usize {
        match self {
            Part::Ui => 3,
            Part::Interop => 2,
            _ => 1,
        }
    }
}

pub fn test(only: &[Part], consent: bool) -> Result<bool, String> {
    let parts: Vec<Part> = Part::ALL.into_iter().filter(|part| only.is_empty() || only.contains(part)).collect();
    setup::prepare(Purpose::Test, consent)?;
    let system = System::here();
    let with_page = parts.iter().any(|part| part.needs_page());
    let with_build = parts.iter().any(|part| part.needs_build());
    let own: usize = parts.iter().map(|part| if part.absent_on(system).is_some() { 1 } else { part.steps() }).sum();
    let mut steps = Steps::new(own + 2 * usize::from(with_page) + usize::from(with_build));

    if with_page {
        let tools = page(&mut steps)?;
        if tools {
            steps.run(check("The page", "a few seconds", script("ui:build")));
        } else {
            steps.give_up("The page", "not built, its tools are missing");
        }
    }
    let mut built = None;
    for part in parts {
        if let Some(why) = part.absent_on(system) {
            steps.skip(part.name(), why);
            continue;
        }
        if part.needs_build() && built.is_none() {
            let words = ["build", "--all-targets"];
            built = Some(steps.run(check("Everything in Rust", "about 8 min the first time", workspace(&words))));
        }
        if part.needs_build() && built == Some(false) {
            steps.give_up(part.name(), "not run, it did not compile");
            continue;
        }
        perform(part, &mut steps);
    }
    Ok(steps.summary())
}

fn perform(part: Part, steps: &mut Steps) {
    match part {
        Part::Ui => {
            steps.run(check("ui: types", "about 15 s", script("ui:check")));
            steps.run(suite("ui: unit tests", "about 10 s", script("ui:test"), 10));
            let first = suite("ui: every screen in a browser", "about 8 min", script("ui:e2e"), 15);
            steps.run_twice(first, |names| {
                // "shift.test.mjs > in ar at 1100 px": its whole file, as a file's tests share a browser.
                let mut command = script("ui:e2e");
                command.arg("--").args(names.iter().filter_map(|name| name.split(' ').next()));
                command
            });
        }
        Part::Format => {
            let mut command = cargo();
            command.args(["fmt", "--all", "--check"]);
            steps.run(check("format", "a second", command));
        }
        Part::Lint => {
            let mut command = workspace(&["clippy", "--all-targets"]);
            command.args(["--", "--deny", "warnings"]);
            steps.run(check("lint", "about 4 min the first time", command));
        }
        Part::Unit => {
            let tests = || {
                let mut command = workspace(&["test", "--exclude", "hatif-tests", "--no-fail-fast"]);
                command.env("HATIF_APP", system::binary("hatif"));
                command
            };
            steps.run_twice(suite("unit", "about 2 min", tests(), 25), |names| only_these(tests(), names));
        }
        Part::Tidy => {
            // Alone it builds what it needs and no more. The lab's own parts are tested here too.
            let mut command = cargo();
            command.args(["test", "--package", "hatif-tests", "--lib", "--test", "tidy", "--no-fail-fast"]);
            steps.run(suite("tidy", "about 20 s the first time", command, 10));
        }
        Part::Interop => {
            if steps.run(fetch_asterisk()) {
                let tests = || workspace(&["test", "--test", "interop", "--no-fail-fast"]);
                steps.run_twice(suite("interop", "about 2 min", tests(), 25), |names| only_these(tests(), names));
            } else {
                steps.give_up("interop", "not run, Asterisk is missing");
            }
        }
        Part::Window => {
            let tests = || {
                let mut command = workspace(&["test", "--test", "window"]);
                // A picture by WebDriver waits for a frame, which a page at rest that is drawn plainly (`hatif_shell::web`) may
                // never draw.
                command.env("WEBKIT_DISABLE_DMABUF_RENDERER", "0");
                command
            };
            let mut all = tests();
            if System::here() != System::Debian {
                println!("   Without calls through Asterisk, which comes from Debian's archive.");
                all.args(["--", "--skip", "calls::"]);
            }
            let again = |names: &[String]| desktop::wrapped(&only_these(tests(), names));
            steps.run_twice(suite("window", "about 3 min", desktop::wrapped(&all), 25), again);
        }
    }
}

fn only_these(mut tests: Command, names: &[String]) -> Command {
    tests.args(["--", "--exact"]).args(names);
    tests
}

/// The PBX that interop tests and soaks call.
pub fn fetch_asterisk() -> Step {
    let mut fetch = Command::new("bash");
    fetch.arg("tests/lab/get-asterisk.sh").arg(lab_dir());
    check("Asterisk from Debian's archive", "about 1 min the first time", fetch)
}

/// Kept between runs, beside what cargo builds.
fn lab_dir() -> std::path::PathBuf {
    system::target_dir().join("lab")
}

fn cargo() -> Command {
    let mut command = Command::new("cargo");
    if system::in_ci() {
        // A build that nobody continues need not keep what continuing takes.
        command.env("CARGO_INCREMENTAL", "0");
    }
    command
}

/// A cargo command over all crates with the application's one set of features.
fn workspace(words: &[&str]) -> Command {
    let mut command = cargo();
    let [task, rest @ ..] = words else { return command };
    command.args([task, "--workspace", "--features", "hatif/custom-protocol"]).args(rest);
    command
}

fn check(title: &str, estimate: &'static str, command: Command) -> Step {
    Step { title: title.into(), estimate, command, tests: false, limit: Duration::from_secs(40 * 60) }
}

fn suite(title: &str, estimate: &'static str, command: Command, minutes: u64) -> Step {
    Step { title: title.into(), estimate, command, tests: true, limit: Duration::from_secs(minutes * 60) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_have_distinct_names() {
        for part in Part::ALL {
            assert_eq!(Part::named(part.name()), Ok(part));
        }
    }

    #[test]
    fn what_cannot_run_elsewhere_says_so() {
        for part in Part::ALL {
            assert!(part.absent_on(System::Debian).is_none());
        }
        assert!(Part::Interop.absent_on(System::Fedora).is_some());
        assert!(Part::Window.absent_on(System::Windows).is_some());
        assert!(Part::Unit.absent_on(System::Mac).is_none());
    }
}
