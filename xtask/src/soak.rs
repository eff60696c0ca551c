//! `cargo xtask soak NAME --count N --seed S`: what is too long for `test`. Each writes `docs/soak/NAME.md` and
//! `docs/soak/NAME.json`.

use crate::{
    packages::Purpose,
    setup,
    steps::{Step, Steps},
    system::System,
    test,
};
use std::{process::Command, time::Duration};

const SOAKS: &[&str] = &["calls"];

pub fn names() -> String {
    SOAKS.join(", ")
}

pub fn soak(name: &str, arguments: &[String], consent: bool) -> Result<bool, String> {
    if !SOAKS.contains(&name) {
        return Err(format!("There is no soak `{name}`. There is: {}.", names()));
    }
    if System::here() != System::Debian {
        return Err("Its servers come from Debian's archive (Debian, Ubuntu).".into());
    }
    setup::prepare(Purpose::Test, consent)?;
    let mut steps = Steps::new(3);
    if !steps.run(test::fetch_asterisk()) {
        return Ok(false);
    }
    let mut build = Command::new("cargo");
    build.args(["build", "--package", "hatif-app", "--bin", "hatif-cli"]);
    if !steps.run(step("hatif-cli", "about 4 min the first time", build)) {
        return Ok(false);
    }
    let mut run = Command::new("cargo");
    run.args(["run", "--package", "hatif-tests", "--example", &format!("soak-{name}"), "--"]).args(arguments);
    let good = steps.run(step(name, "about 2 s a call", run));
    println!("\nThe table is in docs/soak/{name}.md.");
    Ok(good)
}

fn step(title: &str, estimate: &'static str, command: Command) -> Step {
    Step { title: title.into(), estimate, command, tests: false, limit: Duration::from_secs(2 * 60 * 60) }
}
