//! Prepares the machine: finds what is missing, says what for, asks, installs by the system's package manager.

use crate::{
    packages::{NEEDS, Need, Purpose},
    system::{self, System},
};
use std::{
    collections::BTreeSet,
    fs,
    io::{BufRead, IsTerminal, Write},
    path::Path,
    process::{Command, Stdio},
};

/// The oldest Node.js that the page's tools run on.
const NODE_MAJOR: u32 = 20;

/// Makes the machine ready for `purpose`, or says what a person has to do.
pub fn prepare(purpose: Purpose, consent: bool) -> Result<(), String> {
    let system = System::here();
    let consent = consent || system::in_ci() || system::is_root();
    match system {
        System::Debian | System::Fedora | System::Arch => install(system, purpose, consent)?,
        System::OtherLinux => advise_other_linux(),
        System::Windows => check_programs(&WINDOWS)?,
        System::Mac => check_programs(&MAC)?,
    }
    check_rust(purpose)?;
    check_node()
}

/// What one system's manager is asked to install.
struct Missing<'a> {
    need: &'a Need,
    packages: Vec<&'static str>,
}

fn install(system: System, purpose: Purpose, consent: bool) -> Result<(), String> {
    let mut missing = missing(system, purpose);
    let node = node_packages(system);
    if missing.is_empty() && node.is_empty() {
        println!("Set-up: all that {} need is on this machine.", purpose.words());
        return Ok(());
    }
    let count = missing.iter().map(|item| item.packages.len()).sum::<usize>() + node.len();
    println!("Set-up on {}, for {}. Missing:\n", system::pretty_name(), purpose.words());
    for item in &missing {
        println!("  {}\n      {}", item.need.what, item.packages.join(" "));
    }
    if !node.is_empty() {
        println!("  Node.js and npm, which build the page\n      {}", node.join(" "));
    }
    let minutes = 1 + count / 15;
    println!("\n{count} packages and what they need in turn, about {minutes} min on a usual connection.\n");

    let mut names: Vec<&str> = missing.drain(..).flat_map(|item| item.packages).collect();
    names.extend(node);
    let commands = install_commands(system, &names);
    if !consent && !ask(&commands)? {
        return Err("Nothing was installed. You can run the command above yourself.".into());
    }
    for command in &commands {
        perform(command)?;
    }
    let still: Vec<&str> = self::missing(system, purpose).into_iter().flat_map(|item| item.packages).collect();
    if still.is_empty() { Ok(()) } else { Err(format!("Still missing after the installation: {}.", still.join(" "))) }
}

fn missing(system: System, purpose: Purpose) -> Vec<Missing<'static>> {
    let needs: Vec<&Need> = NEEDS
        .iter()
        .filter(|need| need.purpose <= purpose)
        .filter(|need| !need.or_program.iter().any(|program| system::has(program)))
        .collect();
    let names: BTreeSet<&str> = needs.iter().flat_map(|need| need.packages(system)).copied().collect();
    let absent = absent(system, &names);
    needs
        .into_iter()
        .map(|need| Missing {
            need,
            packages: need.packages(system).iter().copied().filter(|name| absent.contains(name)).collect(),
        })
        .filter(|item| !item.packages.is_empty())
        .collect()
}

/// Which of `names` are not installed.
fn absent<'a>(system: System, names: &BTreeSet<&'a str>) -> BTreeSet<&'a str> {
    let ask = |program: &str, arguments: &[&str]| {
        let mut command = Command::new(program);
        command.args(arguments).args(names).stdin(Stdio::null()).stderr(Stdio::null());
        // These tools report "some are absent" as failure; what they print counts.
        command.output().map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default()
    };
    let installed = match system {
        System::Debian => installed_dpkg(&ask("dpkg-query", &["-W", "-f", "${Package} ${db:Status-Status}\n"])),
        System::Fedora => installed_rpm(&ask("rpm", &["-q", "--whatprovides", "--queryformat", "%{NAME}\n"]), names),
        System::Arch => {
            let absent = ask("pacman", &["-T"]);
            return names.iter().copied().filter(|name| absent.lines().any(|line| line == *name)).collect();
        }
        System::OtherLinux | System::Windows | System::Mac => BTreeSet::new(),
    };
    names.iter().copied().filter(|name| !installed.contains(*name)).collect()
}

fn installed_dpkg(text: &str) -> BTreeSet<String> {
    text.lines().filter_map(|line| line.strip_suffix(" installed")).map(String::from).collect()
}

/// `rpm -q` prints a name for what is there and a sentence ("no package provides X") for what is not. A virtual
/// name may be provided by a package of another name, so what is not complained of is there.
fn installed_rpm(text: &str, names: &BTreeSet<&str>) -> BTreeSet<String> {
    let refused: BTreeSet<&str> = text.lines().filter_map(|line| line.strip_prefix("no package provides ")).collect();
    names.iter().filter(|name| !refused.contains(**name)).map(ToString::to_string).collect()
}

/// Node.js by the system's manager, where it is missing and the distribution's is new enough.
fn node_packages(system: System) -> Vec<&'static str> {
    if node_major().is_some_and(|major| major >= NODE_MAJOR) && system::has("npm") {
        return Vec::new();
    }
    match system {
        System::Debian if candidate_major() >= Some(NODE_MAJOR) => vec!["nodejs", "npm"],
        System::Fedora | System::Arch => vec!["nodejs", "npm"],
        _ => Vec::new(),
    }
}

fn node_major() -> Option<u32> {
    major(&system::output("node", &["--version"])?)
}

fn candidate_major() -> Option<u32> {
    let policy = system::output("apt-cache", &["policy", "nodejs"])?;
    major(policy.lines().find_map(|line| line.trim().strip_prefix("Candidate:"))?)
}

fn major(version: &str) -> Option<u32> {
    version.trim().trim_start_matches('v').split('.').next()?.parse().ok()
}

/// As root they run as they are, otherwise through sudo.
fn install_commands(system: System, names: &[&str]) -> Vec<Vec<String>> {
    let sudo: &[&str] = if system::is_root() { &[] } else { &["sudo"] };
    let line = |words: &[&str], names: &[&str]| -> Vec<String> {
        sudo.iter().chain(words).chain(names).map(ToString::to_string).collect()
    };
    match system {
        System::Debian => vec![
            line(&["apt-get", "update", "--quiet"], &[]),
            line(
                &[
                    "env",
                    "DEBIAN_FRONTEND=noninteractive",
                    "apt-get",
                    "install",
                    "--yes",
                    "--quiet",
                    "--no-install-recommends",
                ],
                names,
            ),
        ],
        System::Fedora => vec![line(&["dnf", "install", "--assumeyes", "--setopt=install_weak_deps=False"], names)],
        // Installing without bringing the rest up to date would break an Arch machine.
        System::Arch => {
            vec![line(&["pacman", "--sync", "--refresh", "--sysupgrade", "--needed", "--noconfirm"], names)]
        }
        System::OtherLinux | System::Windows | System::Mac => Vec::new(),
    }
}

fn ask(commands: &[Vec<String>]) -> Result<bool, String> {
    println!("This needs root:\n");
    for command in commands {
        println!("  {}", command.join(" "));
    }
    if !std::io::stdin().is_terminal() {
        return Err("\nNobody is here to be asked. Run it with --yes, or run the commands above yourself.".into());
    }
    print!("\nRun this now? [Y/n] ");
    std::io::stdout().flush().map_err(|error| error.to_string())?;
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer).map_err(|error| error.to_string())?;
    Ok(matches!(answer.trim().to_lowercase().as_str(), "" | "y" | "yes"))
}

fn perform(command: &[String]) -> Result<(), String> {
    println!("  $ {}", command.join(" "));
    let [program, arguments @ ..] = command else { return Ok(()) };
    // A mirror that is out of step refuses now and then; what is asked for is the same the second time.
    for _ in 0..3 {
        let status = Command::new(program).args(arguments).stdin(Stdio::null()).status();
        match status {
            Ok(status) if status.success() => return Ok(()),
            Ok(_) => {}
            Err(error) => return Err(format!("{program} could not be started: {error}")),
        }
    }
    Err(format!("This failed three times:\n  {}", command.join(" ")))
}

fn advise_other_linux() {
    println!("Set-up: {} is not known here. What is needed, by its names in Debian:\n", system::pretty_name());
    for need in NEEDS {
        println!("  {}\n      {}", need.what, need.packages(System::Debian).join(" "));
    }
    println!();
}

fn check_rust(purpose: Purpose) -> Result<(), String> {
    let has = |tool: &str| system::output("cargo", &[tool, "--version"]).is_some();
    if purpose >= Purpose::Test && !(has("fmt") && has("clippy")) {
        return Err("rustfmt and clippy are missing. Install them: rustup component add rustfmt clippy".into());
    }
    Ok(())
}

fn check_node() -> Result<(), String> {
    let how = if cfg!(windows) {
        "winget install OpenJS.NodeJS.LTS"
    } else if cfg!(target_os = "macos") {
        "brew install node"
    } else {
        "see https://nodejs.org/en/download (this distribution's own is older, or absent)"
    };
    match node_major() {
        Some(major) if major >= NODE_MAJOR && system::has("npm") => Ok(()),
        Some(major) if major >= NODE_MAJOR => Err(format!("npm is missing beside Node.js {major}. Install it: {how}")),
        Some(major) => Err(format!("Node.js is version {major}; {NODE_MAJOR} or newer is needed. Install it: {how}")),
        None => Err(format!("Node.js {NODE_MAJOR} or newer builds the page, and is missing. Install it: {how}")),
    }
}

/// A program that must be there, and how it is come by: Windows and macOS have no package manager of their own.
type Program = (&'static str, &'static str);

const WINDOWS: [Program; 3] = [
    ("cmake", "CMake compiles libopus.                    winget install Kitware.CMake"),
    ("clang", "LLVM is needed to read C headers.          winget install LLVM.LLVM"),
    ("ninja", "Ninja runs CMake's builds.                 winget install Ninja-build.Ninja"),
];

const MAC: [Program; 3] = [
    ("clang", "The Xcode command line tools compile C.    xcode-select --install"),
    ("cmake", "CMake compiles libopus.                    brew install cmake"),
    ("ninja", "Ninja runs CMake's builds.                 brew install ninja"),
];

fn check_programs(programs: &[Program]) -> Result<(), String> {
    let missing: Vec<&str> =
        programs.iter().filter(|(program, _)| !system::has(program)).map(|(_, words)| *words).collect();
    if missing.is_empty() {
        println!("Set-up: the programs that the build needs are on this machine.");
        return Ok(());
    }
    let also = if cfg!(windows) {
        "\nBesides, Rust for Windows needs Microsoft's C++ build tools (winget install\n\
         Microsoft.VisualStudio.2022.BuildTools, with \"Desktop development with C++\"). The WebView2 runtime is part\n\
         of Windows 11; on Windows 10: winget install Microsoft.EdgeWebView2Runtime."
    } else {
        ""
    };
    Err(format!(
        "Please install what is missing, open a new terminal, and try again:\n\n  {}\n{also}",
        missing.join("\n  ")
    ))
}

/// Installs the page's tools as `package-lock.json` names them, if that has not been done since it last changed.
pub fn page_tools() -> Result<Option<Command>, String> {
    let lock = Path::new("package-lock.json");
    let wanted = fs::read(lock).map_err(|error| format!("package-lock.json cannot be read: {error}"))?;
    let done = fs::read(Path::new(PAGE_STAMP)).unwrap_or_default();
    if done == wanted {
        return Ok(None);
    }
    let mut command = npm();
    command.args(["ci", "--no-audit", "--no-fund"]);
    Ok(Some(command))
}

/// A copy of the lock file that `node_modules` was made from.
const PAGE_STAMP: &str = "node_modules/.made-from-lock.json";

pub fn page_tools_done() -> Result<(), String> {
    fs::copy("package-lock.json", PAGE_STAMP).map(|_| ()).map_err(|error| format!("{PAGE_STAMP}: {error}"))
}

pub fn npm() -> Command {
    Command::new(if cfg!(windows) { "npm.cmd" } else { "npm" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_dpkg_prints() {
        let installed = installed_dpkg("cmake installed\nclang not-installed\nxvfb config-files\n");
        assert!(installed.contains("cmake"));
        assert!(!installed.contains("clang") && !installed.contains("xvfb"));
    }

    #[test]
    fn what_rpm_prints() {
        let names = BTreeSet::from(["cmake", "dbus-daemon", "clang"]);
        let installed = installed_rpm("cmake\ndbus-broker\nno package provides clang\n", &names);
        assert_eq!(installed, BTreeSet::from(["cmake".to_string(), "dbus-daemon".to_string()]));
    }

    #[test]
    fn versions() {
        assert_eq!(major("v20.20.2"), Some(20));
        assert_eq!(major(" 18.19.0+dfsg-6"), Some(18));
        assert_eq!(major("(none)"), None);
    }
}
