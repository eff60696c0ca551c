//! A virtual desktop for tests of the window, so that they neither need a display nor disturb yours.

use std::process::Command;

/// `inner` under an own session bus, display, window manager, unlocked keyring and virtual headsets.
/// `tests/lab/desktop.sh` starts what is inside.
pub fn wrapped(inner: &Command) -> Command {
    let mut command = Command::new("dbus-run-session");
    command.args(["--", "xvfb-run", "--auto-servernum", "--server-args", "-screen 0 1280x900x24"]);
    command.args(["bash", "tests/lab/desktop.sh"]).arg(inner.get_program()).args(inner.get_args());
    for (name, value) in inner.get_envs() {
        command.env(name, value.unwrap_or_default());
    }
    command
}
