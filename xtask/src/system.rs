//! What kind of machine this is.

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// The project's folder: the parent of this crate's.
pub fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_path_buf()
}

/// Where cargo puts what it builds.
pub fn target_dir() -> PathBuf {
    match std::env::var_os("CARGO_TARGET_DIR") {
        Some(dir) => root().join(dir),
        None => root().join("target"),
    }
}

/// A binary of the debug build.
pub fn binary(name: &str) -> PathBuf {
    target_dir().join("debug").join(format!("{name}{}", std::env::consts::EXE_SUFFIX))
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum System {
    Debian,
    Fedora,
    Arch,
    OtherLinux,
    Windows,
    Mac,
}

impl System {
    pub fn here() -> System {
        if cfg!(windows) {
            System::Windows
        } else if cfg!(target_os = "macos") {
            System::Mac
        } else {
            System::of_os_release(&std::fs::read_to_string("/etc/os-release").unwrap_or_default())
        }
    }

    /// By `ID` and `ID_LIKE` of os-release(5), so that descendants (Ubuntu, Mint, Rocky, Manjaro) are known too.
    fn of_os_release(text: &str) -> System {
        let value = |key: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('='));
            line.unwrap_or_default().trim_matches('"').to_lowercase()
        };
        let ids = format!("{} {}", value("ID"), value("ID_LIKE"));
        ids.split_whitespace()
            .find_map(|id| match id {
                "debian" | "ubuntu" => Some(System::Debian),
                "fedora" | "rhel" | "centos" => Some(System::Fedora),
                "arch" => Some(System::Arch),
                _ => None,
            })
            .unwrap_or(System::OtherLinux)
    }

    pub fn is_linux(self) -> bool {
        !matches!(self, System::Windows | System::Mac)
    }
}

/// What os-release calls this system, for a person.
pub fn pretty_name() -> String {
    let text = std::fs::read_to_string("/etc/os-release").unwrap_or_default();
    let name = text.lines().find_map(|line| line.strip_prefix("PRETTY_NAME="));
    name.map_or_else(|| std::env::consts::OS.to_string(), |name| name.trim_matches('"').to_string())
}

/// Whether a program is on the path.
pub fn has(program: &str) -> bool {
    let paths = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&paths).any(|dir| {
        dir.join(program).is_file()
            || (cfg!(windows) && ["exe", "cmd"].iter().any(|end| dir.join(program).with_extension(end).is_file()))
    })
}

/// What a command prints, if it ran and liked it.
pub fn output(program: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program).args(arguments).stdin(Stdio::null()).stderr(Stdio::null()).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_string())
}

pub fn is_root() -> bool {
    cfg!(unix) && output("id", &["-u"]).as_deref() == Some("0")
}

pub fn in_ci() -> bool {
    std::env::var("CI").is_ok_and(|value| !value.is_empty() && value != "false" && value != "0")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distributions_and_their_descendants() {
        assert_eq!(System::of_os_release("NAME=\"Debian\"\nID=debian\n"), System::Debian);
        assert_eq!(System::of_os_release("ID=linuxmint\nID_LIKE=\"ubuntu debian\"\n"), System::Debian);
        assert_eq!(System::of_os_release("ID=\"rocky\"\nID_LIKE=\"rhel centos fedora\"\n"), System::Fedora);
        assert_eq!(System::of_os_release("ID=manjaro\nID_LIKE=arch\n"), System::Arch);
        assert_eq!(System::of_os_release("ID=void\n"), System::OtherLinux);
    }

    #[test]
    fn programs_are_found_on_the_path() {
        assert!(has("cargo"));
        assert!(!has("no-such-program-anywhere"));
    }
}
