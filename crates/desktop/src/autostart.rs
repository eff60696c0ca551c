//! Starting with the desktop: a desktop file in the user's autostart folder (freedesktop.org's Desktop Application
//! Autostart Specification), which is there or not. Linux only so far.

use crate::ID;
use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// The argument with which it is started then: without its window.
pub const HIDDEN: &str = "--hidden";

/// The user's folder of configuration, by the XDG Base Directory Specification; `None` where nothing is known of it.
pub fn config_folder() -> Option<PathBuf> {
    let absolute = |name| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    absolute("XDG_CONFIG_HOME").or_else(|| Some(absolute("HOME")?.join(".config")))
}

/// Has `program` started with the desktop, or not. Nothing is written that is there already.
pub fn set(config: &Path, program: &Path, on: bool) -> io::Result<()> {
    if !cfg!(target_os = "linux") {
        return Ok(());
    }
    let folder = config.join("autostart");
    let file = folder.join(format!("{ID}.desktop"));
    if !on {
        return match fs::remove_file(file) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        };
    }
    let Some(program) = program.to_str().filter(|path| !path.contains(char::is_control)) else {
        return Err(io::ErrorKind::InvalidFilename.into());
    };
    let wanted = entry(program);
    if fs::read_to_string(&file).is_ok_and(|there| there == wanted) {
        return Ok(());
    }
    fs::create_dir_all(&folder)?;
    let fresh = folder.join(format!(".{ID}.fresh"));
    fs::write(&fresh, wanted)?;
    fs::rename(fresh, file)
}

fn entry(program: &str) -> String {
    format!(
        "[Desktop Entry]\nType=Application\nName=Hatif\nIcon={ID}\nExec={} {HIDDEN}\nTerminal=false\n\
        X-GNOME-Autostart-enabled=true\n",
        quoted(program)
    )
}

/// A path as an argument of `Exec`: quoted, and escaped once more as every string of such a file is.
fn quoted(path: &str) -> String {
    let mut text = String::from("\"");
    for c in path.chars() {
        match c {
            '"' | '`' | '$' => {
                text.push_str("\\\\");
                text.push(c);
            }
            '\\' => text.push_str("\\\\\\\\"),
            '%' => text.push_str("%%"),
            c => text.push(c),
        }
    }
    text.push('"');
    text
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn it_is_there_when_it_is_wanted() {
        let config = tempfile::tempdir().unwrap();
        let file = config.path().join("autostart/org.hatif.Hatif.desktop");
        set(config.path(), Path::new("/usr/bin/hatif"), false).unwrap();
        assert!(!file.exists());
        set(config.path(), Path::new("/usr/bin/hatif"), true).unwrap();
        let text = fs::read_to_string(&file).unwrap();
        assert!(text.contains("\nExec=\"/usr/bin/hatif\" --hidden\n"), "{text}");
        // What another program or an update left there is put right.
        set(config.path(), Path::new("/opt/Hatif $5/hatif"), true).unwrap();
        let text = fs::read_to_string(&file).unwrap();
        assert!(text.contains("\nExec=\"/opt/Hatif \\\\$5/hatif\" --hidden\n"), "{text}");
        set(config.path(), Path::new("/usr/bin/hatif"), false).unwrap();
        assert!(!file.exists());
    }

    #[test]
    fn a_folder_that_is_not_writable_is_told() {
        let config = tempfile::tempdir().unwrap();
        fs::write(config.path().join("autostart"), "a file in its place").unwrap();
        assert!(set(config.path(), Path::new("/usr/bin/hatif"), true).is_err());
        assert!(set(config.path(), Path::new("/usr/bin/ha\ntif"), true).is_err());
    }

    /// What a launcher makes of it: the string's escapes, then the quoting of one argument, then the field codes.
    fn read_back(text: &str) -> String {
        let once = text.replace("\\\\", "\\");
        let inner = once.strip_prefix('"').and_then(|text| text.strip_suffix('"')).expect("it is quoted");
        let mut path = String::new();
        let mut chars = inner.chars();
        while let Some(c) = chars.next() {
            path.extend(if c == '\\' { chars.next() } else { Some(c) });
        }
        path.replace("%%", "%")
    }

    proptest! {
        #[test]
        fn any_path_is_one_argument(path in "/[ -~\\p{Arabic}]{0,40}") {
            prop_assert_eq!(read_back(&quoted(&path)), path);
        }
    }
}
