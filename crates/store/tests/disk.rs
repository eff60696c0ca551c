//! A disk that is read-only, and one that is full: real file systems, in a mount namespace of the test's own, which
//! is gone with it. Where mounting is not permitted (not root, or a sandbox), these tests say so and the same
//! behaviour is shown only by `tests::a_full_disk_...` (SQLite's own page limit) and `damage.rs`.
#![cfg(target_os = "linux")]

mod support;

use std::{path::Path, process::Command};
use support::{StoreProcess, account, interaction, open, save, save_account};

/// A shell in a mount namespace of its own, that mounts and then runs what is appended. `None` where that is not
/// permitted here.
fn mounting(mount: &str, dir: &Path) -> Option<Command> {
    let permitted = Command::new("unshare").args(["-m", "sh", "-c", "mount -t tmpfs none \"$0\""]).arg(dir).output();
    if !permitted.is_ok_and(|output| output.status.success()) {
        eprintln!("mounting is not permitted here; this was not tried on a real file system");
        return None;
    }
    let mut command = Command::new("unshare");
    command.args(["-m", "sh", "-c", &format!("{mount} && exec \"$@\""), "sh"]).env("DIR", dir);
    Some(command)
}

#[test]
fn a_read_only_disk_is_read_and_worked_on_in_memory() {
    let dir = tempfile::tempdir().unwrap();
    let before = open(dir.path());
    before.send(save_account(account(1), None));
    before.send(save(interaction(1, None)));
    drop(before);
    let Some(wrapper) =
        mounting("mount --bind -o ro \"$DIR\" \"$DIR\" && mount -o remount,bind,ro \"$DIR\"", dir.path())
    else {
        return;
    };

    let mut store = StoreProcess::start(wrapper, dir.path(), "none");
    store.say("load");
    assert_eq!(store.line(), "loaded UntilClose store.read_only accounts 1=- calls 1 1", "what is there is loaded");
    store.say("account 2 Home secret");
    store.say("call 2 10");
    store.say("load");
    assert_eq!(store.line(), "loaded UntilClose - accounts 1=-,2=secret calls 2 2");
    assert_eq!(store.quit(), ["stopped"]);
    assert_eq!(open(dir.path()).load().accounts.len(), 1);
}

/// After a crash the write-ahead log still holds what was committed last; on a read-only disk it must be read too.
#[test]
fn a_read_only_disk_after_a_crash_is_read_with_its_log() {
    let dir = tempfile::tempdir().unwrap();
    let mut crashed = StoreProcess::plain(dir.path());
    crashed.say("storm 1");
    assert_eq!(crashed.line(), "stored 5");
    crashed.child.kill().unwrap();
    crashed.child.wait().unwrap();
    let Some(wrapper) =
        mounting("mount --bind -o ro \"$DIR\" \"$DIR\" && mount -o remount,bind,ro \"$DIR\"", dir.path())
    else {
        return;
    };
    let mut store = StoreProcess::start(wrapper, dir.path(), "none");
    store.say("load");
    let line = store.line();
    let newest: i64 = line.rsplit(' ').next().unwrap().parse().unwrap();
    assert!(newest >= 5, "{line}");
}

#[test]
fn a_full_disk_is_told_once_and_what_was_on_it_stays() {
    let dir = tempfile::tempdir().unwrap();
    let Some(wrapper) = mounting("mount -t tmpfs -o size=512k none \"$DIR\"", dir.path()) else { return };
    let mut store = StoreProcess::start(wrapper, dir.path(), "none");
    store.say("load");
    assert_eq!(store.line(), "loaded UntilClose - accounts  calls 0 0");
    store.say("call 1 100");
    for id in 2..=40 {
        store.say(&format!("call {id} 50000"));
    }
    assert_eq!(store.line(), "problem store.write_failed");
    store.say("load");
    let line = store.line();
    let (newest, count) =
        line.rsplit_once(' ').map(|(rest, newest)| (newest, rest.rsplit(' ').next().unwrap())).unwrap();
    assert_eq!(newest, count, "the first ones are there, without a gap: {line}");
    assert!((1..40).contains(&newest.parse::<i32>().unwrap()), "{line}");
    assert_eq!(store.quit(), ["stopped"], "told once");
}
