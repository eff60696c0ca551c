//! Files for the user, in their folder of downloads, each under a name of its own.

use std::{
    io::Write,
    path::{Path, PathBuf},
};

/// The user's folder for such things; the data folder where there is none.
pub fn downloads(data: &Path) -> PathBuf {
    let user = directories::UserDirs::new().and_then(|dirs| dirs.download_dir().map(Path::to_owned));
    user.filter(|dir| dir.is_dir()).unwrap_or_else(|| data.to_owned())
}

/// A few kilobytes: the loop can wait for it.
pub fn save_beside(folder: &Path, name: &str, extension: &str, text: &str) -> std::io::Result<PathBuf> {
    let (path, mut file) = create_beside(folder, name, extension)?;
    file.write_all(text.as_bytes())?;
    Ok(path)
}

/// Makes `NAME.EXT`, or `NAME-2.EXT` and so on where there is one already.
pub fn create_beside(folder: &Path, name: &str, extension: &str) -> std::io::Result<(PathBuf, std::fs::File)> {
    for n in 1..1000 {
        let number = if n == 1 { String::new() } else { format!("-{n}") };
        let path = folder.join(format!("{name}{number}.{extension}"));
        match std::fs::File::create_new(&path) {
            Ok(file) => return Ok((path, file)),
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Err(std::io::ErrorKind::AlreadyExists.into())
}
