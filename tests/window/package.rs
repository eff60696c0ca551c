//! The Debian package: installed by dpkg into a tree of its own, opened there by a link as a browser would, removed
//! without leftovers. (Debian and Ubuntu; elsewhere there is no dpkg, and no package.)

use crate::{
    alone, application,
    desktop::{send, snapshot},
};
use hatif_lab::{
    DEADLINE,
    process::{eventually, run},
    screen,
    webdriver::Window,
};
use serde_json::json;
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

fn dpkg(root: &Path, words: &[&str]) {
    let at = root.display();
    let (root, admin) = (format!("--instdir={at}/root"), format!("--admindir={at}/dpkg"));
    // What it depends on is this machine's.
    run(
        Path::new("/"),
        &[&["dpkg", &root, &admin, "--force-depends", "--force-not-root", "--force-bad-path"], words].concat(),
    );
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

#[test]
fn a_package_is_installed_opened_by_a_link_and_removed_without_leftovers() {
    if !Path::new("/usr/bin/dpkg-deb").exists() {
        println!("no dpkg here, so no package");
        return;
    }
    let _alone = alone();
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let xtask = hatif_lab::build_dir().join("xtask");
    let said = run(Path::new("/"), &[&xtask.display().to_string(), "package", &application().display().to_string()]);
    let deb = said.lines().rfind(|line| line.ends_with(".deb")).expect("it names the package").to_owned();
    let depends = run(at, &["dpkg-deb", "--field", &deb, "Depends"]);
    for library in ["libwebkit2gtk-4.1-0", "libgtk-3-0", "libasound2", "libc6"] {
        assert!(depends.contains(library), "{library} in {depends}");
    }

    fs::create_dir_all(at.join("root")).and_then(|()| fs::create_dir_all(at.join("dpkg/updates"))).unwrap();
    fs::create_dir_all(at.join("dpkg/info")).and_then(|()| fs::write(at.join("dpkg/status"), "")).unwrap();
    dpkg(at, &["--install", &deb]);
    assert!(at.join("root/usr/lib/udev/rules.d/70-hatif-headset.rules").exists(), "headsets may be opened");
    let share = at.join("root/usr/share");
    run(at, &["desktop-file-validate", &share.join("applications/org.hatif.Hatif.desktop").display().to_string()]);
    run(at, &["update-desktop-database", &share.join("applications").display().to_string()]);

    eventually("no window is left of an earlier one", DEADLINE, || screen::titled("Hatif").is_empty().then_some(()));
    let data = at.join("data");
    let installed = at.join("root/usr/bin/hatif");
    let window = Window::open_first(&installed, "en", &data);
    window.wait_text("#practice-call", |text| !text.is_empty());
    let mut settings = snapshot(&window)["settings"].clone();
    settings["welcomed"] = json!(true);
    send(&window, json!({ "command": "change_settings", "settings": settings }));
    // As a browser or a mail program opens it.
    let path = std::env::var("PATH").unwrap_or_default();
    let opened = Command::new("gio")
        .args(["open", "tel:+98-21-555"])
        .env("XDG_DATA_HOME", &data)
        .env("XDG_DATA_DIRS", &share)
        .env("PATH", format!("{}:{path}", at.join("root/usr/bin").display()))
        .output()
        .expect("gio can be started (cargo xtask setup)");
    assert!(opened.status.success(), "{}", String::from_utf8_lossy(&opened.stderr));
    eventually("the link is in the field", DEADLINE, || {
        (window.script("return document.querySelector('#dial')?.value ?? null") == json!("+9821555")).then_some(())
    });
    assert_eq!(snapshot(&window)["calls"], json!([]));
    drop(window);

    fs::remove_file(share.join("applications/mimeinfo.cache")).expect("it was made by update-desktop-database");
    dpkg(at, &["--purge", "hatif"]);
    assert_eq!(files(&at.join("root")), Vec::<PathBuf>::new());
    assert!(!files(&data).is_empty(), "the user's data stay");
}
