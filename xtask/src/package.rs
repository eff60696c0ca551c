//! `cargo xtask package`: a Debian package of the application, with its desktop file (links included), its icons and the
//! libraries that it needs, by Debian's own tools. What is installed is in [`FILES`] and [`RULES`] and nowhere else; nothing runs when
//! it is installed or removed, and a user's data stay.

use crate::{
    packages::Purpose,
    run::{page, script},
    setup,
    steps::{Step, Steps},
    system::{self, System},
};
use std::{
    fs, io,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

/// From where in the project to where below `/usr/share`.
const FILES: &[(&str, &str)] = &[
    ("src-tauri/org.hatif.Hatif.desktop", "applications/org.hatif.Hatif.desktop"),
    ("icons/32x32.png", "icons/hicolor/32x32/apps/org.hatif.Hatif.png"),
    ("icons/128x128.png", "icons/hicolor/128x128/apps/org.hatif.Hatif.png"),
    ("icons/128x128@2x.png", "icons/hicolor/256x256/apps/org.hatif.Hatif.png"),
    ("icons/hatif.svg", "icons/hicolor/scalable/apps/org.hatif.Hatif.svg"),
    ("LICENSE-MIT", "doc/hatif/LICENSE-MIT"),
    ("LICENSE-APACHE", "doc/hatif/LICENSE-APACHE"),
    ("CHANGELOG.md", "doc/hatif/CHANGELOG.md"),
];

/// Opens headsets' buttons to who sits at the computer (ADR 75).
const RULES: &str = "70-hatif-headset.rules";

/// Opened by name while it runs, so that no tool finds them.
const NEEDS_BESIDES: &str = "fonts-noto-core, gstreamer1.0-plugins-base";

const TWO_HOURS: Duration = Duration::from_secs(2 * 3600);

/// `binary`: one that is built already, instead of a release build; a package for a trial, then, packed less tightly.
pub fn package(binary: Option<&Path>, consent: bool) -> Result<bool, String> {
    let trial = binary.is_some();
    if System::here() != System::Debian {
        return Err("Packages are made on Debian or Ubuntu so far.".into());
    }
    let binary = match binary {
        Some(binary) => binary.to_owned(),
        None => {
            setup::prepare(Purpose::Build, consent)?;
            let mut steps = Steps::new(3);
            let step = |title: &str, estimate, command| Step {
                title: title.into(),
                estimate,
                command,
                tests: false,
                limit: TWO_HOURS,
            };
            let mut build = Command::new("cargo");
            build.args(["build", "--release", "--package", "hatif", "--bin", "hatif", "--features", "custom-protocol"]);
            let built = page(&mut steps)?
                && steps.run(step("The page", "a few seconds", script("ui:build")))
                && steps.run(step("The application", "about 20 min the first time", build));
            if !built {
                return Ok(false);
            }
            system::target_dir().join("release/hatif")
        }
    };
    let made = deb(&binary, trial).map_err(|error| format!("The package could not be made: {error}"))?;
    println!("\n{}", made.display());
    Ok(true)
}

fn deb(binary: &Path, trial: bool) -> io::Result<PathBuf> {
    let folder = system::target_dir().join("package");
    let tree = folder.join("tree");
    if tree.exists() {
        fs::remove_dir_all(&tree)?;
    }
    let program = tree.join("usr/bin/hatif");
    put(binary, &program, 0o755)?;
    said(Command::new("strip").arg(&program))?;
    for (from, to) in FILES {
        put(Path::new(from), &tree.join("usr/share").join(to), 0o644)?;
    }
    put(&Path::new("src-tauri").join(RULES), &tree.join("usr/lib/udev/rules.d").join(RULES), 0o644)?;
    put_text(&tree.join("usr/share/doc/hatif/copyright"), COPYRIGHT)?;
    let version = env!("CARGO_PKG_VERSION");
    let machine = said(Command::new("dpkg").arg("--print-architecture"))?;
    let control = control(version, &machine, &libraries(&folder, binary)?, size(&tree)?);
    put_text(&tree.join("DEBIAN/control"), &control)?;
    let made = folder.join(format!("hatif_{version}_{machine}.deb"));
    let tightly = if trial { "-z1" } else { "-z6" };
    said(Command::new("dpkg-deb").args([tightly, "--root-owner-group", "--build"]).arg(&tree).arg(&made))?;
    fs::remove_dir_all(&tree)?;
    Ok(made)
}

fn control(version: &str, machine: &str, libraries: &str, kilobytes: u64) -> String {
    format!(
        "Package: hatif\nVersion: {version}\nArchitecture: {machine}\nSection: comm\nPriority: optional\n\
        Installed-Size: {kilobytes}\nDepends: {libraries}, {NEEDS_BESIDES}\n\
        Recommends: gnome-keyring | kwalletmanager, pipewire-pulse | pulseaudio\n\
        Maintainer: Hatif <hatif@hatif.invalid>\n\
        Description: softphone of the call-centre agent\n \
        Makes and takes calls through any SIP PBX, in Arabic, Persian and English.\n"
    )
}

const COPYRIGHT: &str = "\
Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: Hatif

Files: *
Copyright: the authors of Hatif
License: MIT or Apache-2.0
 The texts of both are beside this file.
";

/// The packages of the libraries that the binary is linked with, as `dpkg-shlibdeps` finds them.
fn libraries(folder: &Path, binary: &Path) -> io::Result<String> {
    let source = folder.join("source");
    put_text(&source.join("debian/control"), "Source: hatif\n\nPackage: hatif\nArchitecture: any\n")?;
    let binary = fs::canonicalize(binary)?;
    let found = said(Command::new("dpkg-shlibdeps").arg("-O").arg("-e").arg(binary).current_dir(&source))?;
    fs::remove_dir_all(source)?;
    let found = found.lines().find_map(|line| line.strip_prefix("shlibs:Depends=")).map(str::to_owned);
    found.ok_or_else(|| io::Error::other("dpkg-shlibdeps names no library"))
}

fn put(from: &Path, to: &Path, mode: u32) -> io::Result<()> {
    if let Some(folder) = to.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::copy(from, to).map_err(|error| io::Error::other(format!("{}: {error}", from.display())))?;
    permit(to, mode)
}

fn put_text(to: &Path, text: &str) -> io::Result<()> {
    if let Some(folder) = to.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(to, text)?;
    permit(to, 0o644)
}

#[cfg(unix)]
fn permit(path: &Path, mode: u32) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(mode))
}

#[cfg(not(unix))]
fn permit(_path: &Path, _mode: u32) -> io::Result<()> {
    Ok(())
}

/// In kilobytes, as Debian counts.
fn size(folder: &Path) -> io::Result<u64> {
    let mut all = 0;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let meta = entry.metadata()?;
        all += if meta.is_dir() { size(&entry.path())? } else { meta.len().div_ceil(1024) };
    }
    Ok(all)
}

fn said(command: &mut Command) -> io::Result<String> {
    let output = command.output().map_err(|error| io::Error::other(format!("{command:?}: {error}")))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned());
    }
    Err(io::Error::other(format!("{command:?}: {}", String::from_utf8_lossy(&output.stderr).trim())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_packed_is_there_and_every_link_is_named() {
        for (from, _) in FILES {
            assert!(system::root().join(from).is_file(), "{from}");
        }
        let desktop = include_str!("../../src-tauri/org.hatif.Hatif.desktop");
        assert!(desktop.contains("\nExec=hatif %u\n"), "without %u the link would be dropped");
        for scheme in ["tel", "sip", "sips", "callto", "hatif"] {
            assert!(desktop.contains(&format!("x-scheme-handler/{scheme};")), "{scheme}");
        }
    }

    #[test]
    fn the_control_file_has_one_field_a_line() {
        let text = control("1.2.3", "amd64", "libc6 (>= 2.36)", 7);
        assert!(text.ends_with('\n') && !text.contains("\n\n"));
        assert!(text.contains("\nDepends: libc6 (>= 2.36), fonts-noto-core"), "{text}");
    }
}
