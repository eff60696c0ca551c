//! `cargo xtask bench NAME`: measurements, side by side with other softphones. Each writes `docs/bench/NAME.md` and
//! `docs/bench/NAME.json`.

use crate::{
    desktop,
    packages::Purpose,
    run::{page, script},
    setup,
    steps::{Step, Steps},
    system::{self, System},
};
use std::{path::Path, process::Command, time::Duration};

/// A benchmark's name, and what runs it.
type Benchmark = (&'static str, fn(&[String]) -> Result<bool, String>);

const BENCHMARKS: &[Benchmark] = &[("voice", voice), ("signalling", signalling), ("ui", ui), ("dsp", dsp)];

pub fn names() -> String {
    BENCHMARKS.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ")
}

pub fn bench(name: &str, arguments: &[String], consent: bool) -> Result<bool, String> {
    let Some((_, run)) = BENCHMARKS.iter().find(|(known, _)| *known == name) else {
        return Err(format!("There is no benchmark `{name}`. There is: {}.", names()));
    };
    if !System::here().is_linux() {
        return Err("Benchmarks use virtual headsets, which there are on Linux only.".into());
    }
    setup::prepare(Purpose::Bench, consent)?;
    run(arguments)
}

/// What `tests/bench/score.py` imports; PESQ is compiled against NumPy, so it comes last.
const SCORER: [&[&str]; 2] = [
    &["numpy==1.26.4", "scipy==1.17.1", "soundfile==0.14.0", "cython==3.3.1", "setuptools==65.5.0", "wheel==0.48.0"],
    &["--no-build-isolation", "pesq==0.0.4"],
];

/// The parts of the media path alone: `tests/bench/dsp.rs`, in release.
fn dsp(arguments: &[String]) -> Result<bool, String> {
    let mut steps = Steps::new(2);
    let mut build = Command::new("cargo");
    build.args(["build", "--release", "--package", "hatif-media", "--example", "dsp"]);
    if !steps.run(step("The parts, optimised", "about 2 min the first time", build)) {
        return Ok(false);
    }
    let mut run = Command::new("cargo");
    run.args(["bench", "--package", "hatif-tests", "--bench", "dsp", "--"]).args(arguments);
    run.env("HATIF_DSP", release("examples/dsp"));
    let good = steps.run(step("dsp", "about 10 s", run));
    if good {
        println!("\nThe table is in docs/bench/dsp.md.");
    }
    Ok(good)
}

/// Speech through virtual headsets: `tests/bench/voice.rs` on the lab's desktop, in release.
fn voice(arguments: &[String]) -> Result<bool, String> {
    let mut steps = Steps::new(2 + 1 + SCORER.len());
    let scorer = system::target_dir().join("lab/score");
    let scored = scorer.join("made");
    if scored.exists() {
        for _ in 0..=SCORER.len() {
            steps.skip("The scorer", "is there");
        }
    } else {
        let mut make = Command::new("python3");
        make.args(["-m", "venv"]).arg(&scorer);
        let mut good = steps.run(step("The scorer: a Python of its own", "about 5 s", make));
        for packages in SCORER {
            let mut install = Command::new(scorer.join("bin/pip"));
            install.args(["install", "--disable-pip-version-check"]).args(packages);
            good = good && steps.run(step("The scorer: its packages", "about 30 s", install));
        }
        if !good {
            return Ok(false);
        }
        std::fs::write(&scored, "").map_err(|error| format!("{}: {error}", scored.display()))?;
    }
    if !steps.run(step("hatif-cli, optimised", "about 8 min the first time", cli())) {
        return Ok(false);
    }
    let mut run = Command::new("cargo");
    run.args(["bench", "--package", "hatif-tests", "--bench", "voice", "--"]).args(arguments);
    run.env("HATIF_CLI", release("hatif-cli"));
    let good = steps.run(step("voice", "about 10 min", desktop::wrapped(&run)));
    if good && Path::new("docs/bench/voice.md").exists() {
        println!("\nThe table is in docs/bench/voice.md.");
    }
    Ok(good)
}

/// The phones as a caller finds them: `tests/bench/signalling.rs`, in release.
fn signalling(arguments: &[String]) -> Result<bool, String> {
    let mut steps = Steps::new(2);
    if !steps.run(step("hatif-cli, optimised", "about 8 min the first time", cli())) {
        return Ok(false);
    }
    let mut run = Command::new("cargo");
    run.args(["bench", "--package", "hatif-tests", "--bench", "signalling", "--"]).args(arguments);
    run.env("HATIF_CLI", release("hatif-cli"));
    let good = steps.run(step("signalling", "about 4 min", run));
    if good {
        println!("\nThe table is in docs/bench/signalling.md.");
    }
    Ok(good)
}

/// Builds `hatif-cli` in release.
fn cli() -> Command {
    let mut build = Command::new("cargo");
    build.args(["build", "--release", "--package", "hatif-app", "--bin", "hatif-cli"]);
    build
}

/// The window beside a bare one: `tests/bench/ui.rs` on the lab's desktop, in release.
fn ui(arguments: &[String]) -> Result<bool, String> {
    let mut steps = Steps::new(5);
    if !page(&mut steps)? || !steps.run(step("The page", "a few seconds", script("ui:build"))) {
        return Ok(false);
    }
    for what in [&["--bin", "hatif"], &["--example", "bare"]] {
        let mut build = Command::new("cargo");
        build.args(["build", "--release", "--package", "hatif", "--features", "custom-protocol"]).args(what);
        let title = format!("{}, optimised", what[1]);
        if !steps.run(step(&title, "about 9 min the first time", build)) {
            return Ok(false);
        }
    }
    let mut run = Command::new("cargo");
    run.args(["bench", "--package", "hatif-tests", "--bench", "ui", "--"]).args(arguments);
    run.env("HATIF_APP", release("hatif")).env("HATIF_BARE", release("examples/bare"));
    Ok(steps.run(step("ui", "about 3 min", desktop::wrapped(&run))))
}

fn release(name: &str) -> std::path::PathBuf {
    system::target_dir().join("release").join(name)
}

fn step(title: &str, estimate: &'static str, command: Command) -> Step {
    Step { title: title.into(), estimate, command, tests: false, limit: Duration::from_secs(60 * 60) }
}
