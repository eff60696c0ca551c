//! Passwords in a real keyring: `gnome-keyring-daemon` on a D-Bus session of the test's own, with a home of its own, so
//! that the keyring of whoever runs the tests is never touched. Nothing here is skipped: where the two programs are
//! missing the tests fail and say which package has them.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used)] // helpers of tests, which clippy takes for something else

mod support;

use rusqlite::Connection;
use std::{os::unix::fs::DirBuilderExt, path::PathBuf, process::Command};
use support::{StoreProcess, anywhere};

const PASSWORD: &str = "correct-horse-battery";

/// A home with nothing in it yet.
struct Home(tempfile::TempDir);

impl Home {
    fn new() -> Self {
        let home = Home(tempfile::tempdir().unwrap());
        std::fs::DirBuilder::new().mode(0o700).create(home.path("run")).unwrap();
        home
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// A command in this home, that knows of no session bus and no display outside it.
    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.path("home"))
            .env("XDG_RUNTIME_DIR", self.path("run"))
            .env("XDG_DATA_HOME", self.path("share"));
        command
    }

    /// A store in a session of its own, after this shell command.
    fn session(&self, first: &str) -> StoreProcess {
        for (program, package) in [("dbus-run-session", "dbus-daemon"), ("gnome-keyring-daemon", "gnome-keyring")] {
            let found = self.command(program).arg("--version").output().is_ok_and(|output| output.status.success());
            assert!(found, "{program} is missing: install the package {package} (Debian, Fedora and Arch have it)");
        }
        let mut command = self.command("dbus-run-session");
        command.args(["--", "sh", "-c", &format!("{first} >/dev/null 2>&1; exec \"$@\""), "sh"]);
        StoreProcess::start(command, &self.path("hatif"), "system")
    }

    fn unlocked(&self) -> StoreProcess {
        self.session("printf 'passphrase\\n' | gnome-keyring-daemon --unlock --components=secrets")
    }

    /// With a keyring that nobody unlocks: there is no display to ask on.
    fn locked(&self) -> StoreProcess {
        self.session("gnome-keyring-daemon --start --components=secrets")
    }

    /// What the database says of which accounts' passwords the keyring holds.
    fn kept(&self) -> Vec<(u32, bool)> {
        let db = Connection::open(self.path("hatif").join("hatif.db")).unwrap();
        let mut rows = db.prepare("SELECT id, password_kept FROM accounts ORDER BY id").unwrap();
        rows.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap().map(Result::unwrap).collect()
    }
}

#[test]
fn a_password_is_kept_by_an_unlocked_keyring_and_nowhere_else() {
    let home = Home::new();
    let mut first = home.unlocked();
    first.say("load");
    assert_eq!(first.line(), "loaded Keyring - accounts  calls 0 0");
    first.say(&format!("account 1 Office {PASSWORD}"));
    first.say("account 2 Lab -");
    assert_eq!(first.quit(), ["stopped"], "closing waits for the keyring");
    assert_eq!(home.kept(), [(1, true), (2, false)]);
    assert!(anywhere(&home.path("hatif"), "pbx.test"), "the search finds what is there");
    assert!(!anywhere(home.0.path(), PASSWORD));

    let mut second = home.unlocked();
    second.say("load");
    assert_eq!(second.line(), format!("loaded Keyring - accounts 1={PASSWORD},2=- calls 0 0"));
    second.say("account 1 Renamed -");
    second.say("account 2 Lab another");
    assert_eq!(second.quit(), ["stopped"]);

    let mut third = home.unlocked();
    third.say("load");
    assert_eq!(third.line(), format!("loaded Keyring - accounts 1={PASSWORD},2=another calls 0 0"));
}

/// Numbers are used again: an account must not come up with the password of one that was deleted.
#[test]
fn a_deleted_account_leaves_no_password_to_the_next_of_its_number() {
    let home = Home::new();
    let mut first = home.unlocked();
    first.say(&format!("account 1 Office {PASSWORD}"));
    first.say("load");
    first.say("delete-account 1");
    first.say("account 1 Elsewhere -");
    first.quit();
    assert_eq!(home.kept(), [(1, false)]);
    let mut second = home.unlocked();
    second.say("load");
    assert_eq!(second.line(), "loaded Keyring - accounts 1=- calls 0 0");
}

/// Two folders of one user, as with `hatif-cli --data`, have an account 1 each.
#[test]
fn two_folders_do_not_share_passwords() {
    let home = Home::new();
    let mut first = home.unlocked();
    first.say(&format!("account 1 Office {PASSWORD}"));
    first.quit();
    std::fs::rename(home.path("hatif"), home.path("other")).unwrap();
    let mut second = home.unlocked();
    second.say("account 1 Office second-password");
    second.quit();
    std::fs::remove_dir_all(home.path("hatif")).unwrap();
    std::fs::rename(home.path("other"), home.path("hatif")).unwrap();
    let mut third = home.unlocked();
    third.say("load");
    assert_eq!(third.line(), format!("loaded Keyring - accounts 1={PASSWORD} calls 0 0"));
}

#[test]
fn a_locked_keyring_keeps_nothing_and_loses_nothing() {
    let home = Home::new();
    let mut first = home.unlocked();
    first.say(&format!("account 1 Office {PASSWORD}"));
    first.quit();

    let mut locked = home.locked();
    locked.say("load");
    assert_eq!(locked.line(), "loaded UntilClose - accounts 1=- calls 0 0");
    locked.say("account 2 Home typed-today");
    locked.say("load");
    assert_eq!(locked.line(), "loaded UntilClose - accounts 1=-,2=typed-today calls 0 0");
    assert_eq!(locked.quit(), ["stopped"]);
    assert!(!anywhere(home.0.path(), "typed-today"));

    let mut unlocked = home.unlocked();
    unlocked.say("load");
    assert_eq!(unlocked.line(), format!("loaded Keyring - accounts 1={PASSWORD},2=- calls 0 0"));
}

/// A service answers, but there is no keyring in it and nobody to make one: known once a password is to be kept.
#[test]
fn a_keyring_that_was_never_made_is_found_out_with_the_first_password() {
    let home = Home::new();
    let mut store = home.locked();
    store.say("load");
    assert_eq!(store.line(), "loaded Keyring - accounts  calls 0 0");
    store.say("account 1 Office typed-today");
    assert_eq!(store.line(), "credentials UntilClose");
    store.quit();
    assert_eq!(home.kept(), [(1, false)]);
    assert!(!anywhere(home.0.path(), "typed-today"));
}

/// No session bus at all: a server, a container, a console.
#[test]
fn no_keyring_at_all_means_until_close() {
    let home = Home::new();
    let mut store = StoreProcess::start(home.command("env"), &home.path("hatif"), "system");
    store.say("load");
    assert_eq!(store.line(), "loaded UntilClose - accounts  calls 0 0");
    store.say("account 1 Office typed-today");
    store.say("load");
    assert_eq!(store.line(), "loaded UntilClose - accounts 1=typed-today calls 0 0");
    assert_eq!(store.quit(), ["stopped"]);
    assert!(!anywhere(home.0.path(), "typed-today"));
    let mut next = StoreProcess::start(home.command("env"), &home.path("hatif"), "system");
    next.say("load");
    assert_eq!(next.line(), "loaded UntilClose - accounts 1=- calls 0 0");
}
