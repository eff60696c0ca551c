//! What must be on a machine, what for, and what each distribution calls it.

use crate::system::System;

/// What the machine is prepared for. Each includes the ones before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Purpose {
    /// Building and running Hatif.
    Build,
    Test,
    Bench,
}

impl Purpose {
    pub fn named(name: &str) -> Result<Purpose, String> {
        match name {
            "build" | "run" => Ok(Purpose::Build),
            "test" => Ok(Purpose::Test),
            "bench" => Ok(Purpose::Bench),
            _ => Err(format!("Nothing is prepared for `{name}`; there is: build, test, bench.")),
        }
    }

    pub fn words(self) -> &'static str {
        match self {
            Purpose::Build => "building and running Hatif",
            Purpose::Test => "Hatif's tests",
            Purpose::Bench => "Hatif's benchmarks",
        }
    }
}

/// One thing that is needed, and the packages that bring it.
pub struct Need {
    /// What for, in a few words.
    pub what: &'static str,
    pub purpose: Purpose,
    /// Not asked for when one of these programs is there, wherever it came from.
    pub or_program: &'static [&'static str],
    debian: &'static [&'static str],
    fedora: &'static [&'static str],
    arch: &'static [&'static str],
}

impl Need {
    pub fn packages(&self, system: System) -> &'static [&'static str] {
        match system {
            System::Debian => self.debian,
            System::Fedora => self.fedora,
            System::Arch => self.arch,
            System::OtherLinux | System::Windows | System::Mac => &[],
        }
    }
}

pub const NEEDS: &[Need] = &[
    Need {
        what: "compilers (libopus, SQLite and the bindings of PipeWire are compiled here)",
        purpose: Purpose::Build,
        or_program: &[],
        debian: &["build-essential", "pkg-config", "file", "clang", "libclang-dev", "cmake", "ninja-build"],
        fedora: &[
            "gcc",
            "gcc-c++",
            "make",
            "pkgconf-pkg-config",
            "file",
            "clang",
            "clang-devel",
            "cmake",
            "ninja-build",
        ],
        arch: &["base-devel", "pkgconf", "file", "clang", "cmake", "ninja"],
    },
    Need {
        what: "the window (GTK and WebKitGTK)",
        purpose: Purpose::Build,
        or_program: &[],
        debian: &[
            "libwebkit2gtk-4.1-dev",
            "libgtk-3-dev",
            "libayatana-appindicator3-dev",
            "librsvg2-dev",
            "libxdo-dev",
            "libssl-dev",
        ],
        fedora: &[
            "webkit2gtk4.1-devel",
            "gtk3-devel",
            "libayatana-appindicator-gtk3-devel",
            "librsvg2-devel",
            "libxdo-devel",
            "openssl-devel",
        ],
        arch: &["webkit2gtk-4.1", "gtk3", "libayatana-appindicator", "librsvg", "xdotool", "openssl"],
    },
    Need {
        what: "sound (ALSA, PipeWire, PulseAudio) and the keyring",
        purpose: Purpose::Build,
        or_program: &[],
        debian: &["libasound2-dev", "libpipewire-0.3-dev", "libpulse-dev", "libdbus-1-dev"],
        fedora: &["alsa-lib-devel", "pipewire-devel", "pulseaudio-libs-devel", "dbus-devel"],
        arch: &["alsa-lib", "libpipewire", "libpulse", "dbus"],
    },
    Need {
        what: "Arabic and Persian letters",
        purpose: Purpose::Build,
        or_program: &[],
        debian: &["fonts-noto-core"],
        fedora: &["google-noto-sans-arabic-fonts"],
        arch: &["noto-fonts"],
    },
    Need {
        what: "a virtual desktop: display, window manager, session bus, keyring",
        purpose: Purpose::Test,
        or_program: &[],
        debian: &["xvfb", "xauth", "openbox", "dbus", "dbus-x11", "gnome-keyring"],
        fedora: &["xorg-x11-server-Xvfb", "xorg-x11-xauth", "openbox", "dbus-daemon", "dbus-x11", "gnome-keyring"],
        arch: &["xorg-server-xvfb", "xorg-xauth", "openbox", "dbus", "gnome-keyring"],
    },
    Need {
        what: "the real window moved by hand and read by a screen reader",
        purpose: Purpose::Test,
        or_program: &[],
        debian: &["xdotool", "x11-utils", "at-spi2-core"],
        fedora: &["xdotool", "xprop", "at-spi2-core"],
        // xdotool comes with what the window needs.
        arch: &["xorg-xprop", "at-spi2-core"],
    },
    Need {
        what: "a desktop's notifications, tray and links",
        purpose: Purpose::Test,
        or_program: &[],
        debian: &["dunst", "xfce4-panel", "imagemagick", "desktop-file-utils", "libglib2.0-bin", "xclip"],
        fedora: &["dunst", "xfce4-panel", "ImageMagick", "desktop-file-utils", "xclip"],
        arch: &["dunst", "xfce4-panel", "imagemagick", "desktop-file-utils", "xclip"],
    },
    Need {
        what: "the real window driven by WebDriver",
        purpose: Purpose::Test,
        or_program: &["WebKitWebDriver"],
        debian: &["webkit2gtk-driver"],
        fedora: &["webkit2gtk-driver"],
        // In Arch the driver is part of the library's package.
        arch: &["webkit2gtk-4.1"],
    },
    Need {
        what: "the page in a browser, for its tests",
        purpose: Purpose::Test,
        or_program: &["chromium", "google-chrome", "chromium-browser"],
        debian: &["chromium"],
        fedora: &["chromium"],
        arch: &["chromium"],
    },
    Need {
        what: "virtual headsets (PipeWire), also through ALSA alone",
        purpose: Purpose::Test,
        or_program: &[],
        debian: &[
            "pipewire",
            "wireplumber",
            "pipewire-pulse",
            "pipewire-bin",
            "pulseaudio-utils",
            "libasound2-plugins",
        ],
        fedora: &[
            "pipewire",
            "wireplumber",
            "pipewire-pulseaudio",
            "pipewire-utils",
            "pulseaudio-utils",
            "alsa-plugins-pulseaudio",
        ],
        arch: &["pipewire", "wireplumber", "pipewire-pulse", "libpulse", "alsa-plugins"],
    },
    Need {
        what: "certificates for tests",
        purpose: Purpose::Test,
        or_program: &["openssl"],
        debian: &["openssl"],
        fedora: &["openssl"],
        arch: &["openssl"],
    },
    Need {
        what: "real counterparts: Kamailio, baresip, linphonec, SIPp, a name server, a STUN server, NATs",
        purpose: Purpose::Test,
        or_program: &[],
        debian: &[
            "kamailio",
            "kamailio-tls-modules",
            "baresip-core",
            "linphone-cli",
            "sip-tester",
            "dnsmasq-base",
            "coturn",
            "iproute2",
            "nftables",
        ],
        // The lab unpacks Asterisk from Debian's archive; elsewhere the interop part is left out, and says so.
        fedora: &[],
        arch: &[],
    },
    Need {
        what: "unpacking Debian's Asterisk without installing it",
        purpose: Purpose::Test,
        or_program: &["mmdebstrap"],
        debian: &["mmdebstrap"],
        fedora: &[],
        arch: &[],
    },
    Need {
        what: "speech and its measurement",
        purpose: Purpose::Bench,
        or_program: &[],
        debian: &["sox", "espeak-ng", "python3", "python3-venv", "python3-dev", "pocketsphinx-testdata", "baresip-x11"],
        fedora: &["sox", "espeak-ng", "python3", "python3-devel"],
        arch: &["sox", "espeak-ng", "python"],
    },
];

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_package_is_asked_for_once_a_system() {
        for system in [System::Debian, System::Fedora, System::Arch] {
            let build: Vec<_> = NEEDS.iter().filter(|need| need.purpose == Purpose::Build).collect();
            assert!(build.iter().all(|need| !need.packages(system).is_empty()), "{system:?} can be built on");
            let mut seen = BTreeSet::new();
            for need in NEEDS.iter().filter(|need| need.or_program.is_empty()) {
                for name in need.packages(system) {
                    let again = ["dbus", "libpulse"].contains(name);
                    assert!(seen.insert(*name) || again, "{name} is listed twice for {system:?}");
                }
            }
        }
    }
}
