//! A page in the user's browser, without a shell in between: the URL is one argument, and was made from a checked template.

use std::process::{Command, Stdio};

/// Hands the page to the system's opener and does not wait for it.
///
/// # Errors
/// There is none.
pub fn open(url: &str) -> std::io::Result<()> {
    let (program, arguments): (&str, &[&str]) = if cfg!(target_os = "macos") {
        ("open", &[])
    } else if cfg!(windows) {
        ("rundll32", &["url.dll,FileProtocolHandler"])
    } else {
        ("xdg-open", &[])
    };
    let mut child = Command::new(program)
        .args(arguments)
        .arg(url)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?;
    // Somebody has to take its end.
    std::thread::Builder::new().name("hatif-browser".into()).spawn(move || child.wait()).map(drop)
}
