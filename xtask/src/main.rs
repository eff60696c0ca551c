//! Set-up and tasks of the project, on Linux, Windows and macOS. `cargo xtask --help` is the manual.
//!
//! ```text
//!   main ──> run   ─┐
//!        ──> test  ─┼──> setup ──> packages, node        what must be on the machine
//!        ──> bench ─┤
//!        ──> soak  ─┘──> steps ──> count                 what is run, announced, streamed and counted
//! ```

mod bench;
mod count;
mod desktop;
mod help;
mod package;
mod packages;
mod run;
mod setup;
mod soak;
mod steps;
mod system;
mod test;

use std::process::ExitCode;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    match parse(&words) {
        Ok(Task::Help) => {
            print!("{}", help::TEXT);
            ExitCode::SUCCESS
        }
        Ok(task) => match perform(task) {
            Ok(true) => ExitCode::SUCCESS,
            Ok(false) => ExitCode::FAILURE,
            Err(message) => {
                eprintln!("\n{message}");
                ExitCode::FAILURE
            }
        },
        Err(message) => {
            eprintln!("{message}\nSee `cargo xtask --help`.");
            ExitCode::from(2)
        }
    }
}

/// What the person asked for.
#[derive(Debug, PartialEq)]
enum Task {
    Help,
    Setup { purpose: packages::Purpose, consent: bool },
    Run { consent: bool },
    Test { only: Vec<test::Part>, consent: bool },
    Package { binary: Option<std::path::PathBuf>, consent: bool },
    Bench { name: String, arguments: Vec<String>, consent: bool },
    Soak { name: String, arguments: Vec<String>, consent: bool },
}

/// Tasks whose options are their own.
const FREE: [&str; 2] = ["bench", "soak"];

fn perform(task: Task) -> Result<bool, String> {
    std::env::set_current_dir(system::root()).map_err(|error| format!("Cannot enter the project's folder: {error}"))?;
    match task {
        Task::Help => Ok(true),
        Task::Setup { purpose, consent } => setup::prepare(purpose, consent).map(|()| true),
        Task::Run { consent } => run::run(consent),
        Task::Test { only, consent } => test::test(&only, consent),
        Task::Package { binary, consent } => package::package(binary.as_deref(), consent),
        Task::Bench { name, arguments, consent } => bench::bench(&name, &arguments, consent),
        Task::Soak { name, arguments, consent } => soak::soak(&name, &arguments, consent),
    }
}

fn parse(words: &[String]) -> Result<Task, String> {
    let mut consent = false;
    let mut help = false;
    let mut only = Vec::new();
    let mut rest: Vec<&str> = Vec::new();
    let mut words = words.iter().map(String::as_str);
    while let Some(word) = words.next() {
        let free = rest.first().is_some_and(|task| FREE.contains(task));
        match word {
            "-h" | "--help" | "help" if !free => help = true,
            "-y" | "--yes" => consent = true,
            "--only" => {
                let names = words.next().ok_or("--only wants the name of a part.")?;
                for name in names.split(',') {
                    only.push(test::Part::named(name)?);
                }
            }
            option if option.starts_with('-') && !free => {
                return Err(format!("There is no option {option}."));
            }
            word => rest.push(word),
        }
    }
    if help {
        return Ok(Task::Help);
    }
    if !only.is_empty() && rest.first() != Some(&"test") {
        return Err("--only belongs to `test`.".into());
    }
    match rest.as_slice() {
        [] => Ok(Task::Help),
        ["run"] => Ok(Task::Run { consent }),
        ["test"] => Ok(Task::Test { only, consent }),
        ["setup"] => Ok(Task::Setup { purpose: packages::Purpose::Test, consent }),
        ["setup", purpose] => Ok(Task::Setup { purpose: packages::Purpose::named(purpose)?, consent }),
        ["package"] => Ok(Task::Package { binary: None, consent }),
        ["package", binary] => Ok(Task::Package { binary: Some(binary.into()), consent }),
        ["bench"] => Err(format!("Which one? There is: {}.", bench::names())),
        ["bench", name, arguments @ ..] => {
            Ok(Task::Bench { name: (*name).into(), arguments: owned(arguments), consent })
        }
        ["soak"] => Err(format!("Which one? There is: {}.", soak::names())),
        ["soak", name, arguments @ ..] => Ok(Task::Soak { name: (*name).into(), arguments: owned(arguments), consent }),
        [other, ..] => Err(format!("There is no task `{}`.", other)),
    }
}

fn owned(words: &[&str]) -> Vec<String> {
    words.iter().map(|&word| word.into()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<String> {
        line.split_whitespace().map(String::from).collect()
    }

    #[test]
    fn every_task_is_understood() {
        assert_eq!(parse(&words("")), Ok(Task::Help));
        assert_eq!(parse(&words("test --help")), Ok(Task::Help));
        assert_eq!(parse(&words("run --yes")), Ok(Task::Run { consent: true }));
        assert_eq!(
            parse(&words("test --only tidy,interop")),
            Ok(Task::Test { only: vec![test::Part::Tidy, test::Part::Interop], consent: false })
        );
        assert_eq!(
            parse(&words("bench voice --runs 3")),
            Ok(Task::Bench { name: "voice".into(), arguments: words("--runs 3"), consent: false })
        );
        let arguments = words("--count 20 --seed 1");
        assert_eq!(
            parse(&words("soak calls --count 20 --seed 1")),
            Ok(Task::Soak { name: "calls".into(), arguments, consent: false })
        );
    }

    #[test]
    fn what_is_not_there_is_refused() {
        assert!(parse(&words("tset")).is_err());
        assert!(parse(&words("test --fast")).is_err());
        assert!(parse(&words("test --only nothing")).is_err());
        assert!(parse(&words("run --only tidy")).is_err());
        assert!(parse(&words("bench")).is_err());
        assert!(parse(&words("soak")).is_err());
    }

    #[test]
    fn help_names_every_part_and_benchmark() {
        for part in test::Part::ALL {
            assert!(help::TEXT.contains(part.name()), "help does not name the part {}", part.name());
        }
        for name in bench::names().split(", ").chain(soak::names().split(", ")) {
            assert!(help::TEXT.contains(&format!("\n  {name} ")), "help does not name the benchmark {name}");
        }
    }
}
