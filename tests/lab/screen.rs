//! Windows as the window manager and the user's hands know them: `xdotool` moves them, `xprop` says how they stand.

use crate::{
    DEADLINE,
    process::{eventually, run},
};
use std::{
    path::Path,
    process::Command,
    thread,
    time::{Duration, Instant},
};

/// One window of the X server.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Screened(u64);

/// Where a window's frame stands and how large it is inside, in pixels.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Rect {
    pub x: i32,
    pub y: i32,
    pub width: u32,
    pub height: u32,
}

/// Every visible window with this title.
pub fn titled(title: &str) -> Vec<Screened> {
    let pattern = format!("^{title}$");
    let output = Command::new("xdotool").args(["search", "--onlyvisible", "--name", &pattern]).output();
    let output = output.expect("xdotool can be started (cargo xtask setup)");
    String::from_utf8_lossy(&output.stdout).lines().filter_map(|id| id.parse().ok().map(Screened)).collect()
}

/// Waits for the one visible window with this title.
pub fn find(title: &str) -> Screened {
    eventually(&format!("a window titled {title}"), DEADLINE, || match titled(title)[..] {
        [one] => Some(one),
        _ => None,
    })
}

impl Screened {
    fn hand(&self, words: &[&str]) -> String {
        let id = self.0.to_string();
        let words: Vec<&str> = words.iter().map(|word| if *word == "ID" { &id } else { *word }).collect();
        run(Path::new("/"), &[&["xdotool"], &words[..]].concat())
    }

    pub fn move_to(&self, x: i32, y: i32) {
        self.hand(&["windowmove", "ID", &x.to_string(), &y.to_string()]);
    }

    pub fn resize(&self, width: u32, height: u32) {
        self.hand(&["windowsize", "ID", &width.to_string(), &height.to_string()]);
    }

    pub fn minimize(&self) {
        self.hand(&["windowminimize", "ID"]);
    }

    /// Asks it to close, as its title bar's button does, and again where a busy desktop has lost the key.
    pub fn close(&self) {
        let id = self.0.to_string();
        eventually("it is closed", DEADLINE, || {
            let _ = Command::new("xdotool").args(["windowactivate", "--sync", &id, "key", "alt+F4"]).output();
            let asked = Instant::now();
            while asked.elapsed() < DEADLINE / 5 {
                if !titled(".*").contains(self) {
                    return Some(());
                }
                thread::sleep(Duration::from_millis(50));
            }
            None
        });
    }

    /// The frame's place and the size inside, as window manager and server say.
    pub fn rect(&self) -> Rect {
        let text = self.hand(&["getwindowgeometry", "--shell", "ID"]);
        let of = |name: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
            line.and_then(|number| number.parse::<i32>().ok()).unwrap_or_else(|| panic!("no {name} in {text}"))
        };
        let frame = self.property("_NET_FRAME_EXTENTS");
        let mut frame = frame.split(", ").map(|number| number.parse::<i32>().unwrap_or(0));
        let (left, _, top) = (frame.next().unwrap_or(0), frame.next(), frame.next().unwrap_or(0));
        Rect { x: of("X") - left, y: of("Y") - top, width: of("WIDTH") as u32, height: of("HEIGHT") as u32 }
    }

    /// Whether it is above all others.
    pub fn is_above(&self) -> bool {
        self.property("_NET_WM_STATE").contains("_NET_WM_STATE_ABOVE")
    }

    fn property(&self, name: &str) -> String {
        let id = self.0.to_string();
        let text = run(Path::new("/"), &["xprop", "-notype", "-id", &id, name]);
        text.split_once('=').map(|(_, value)| value.trim().to_owned()).unwrap_or_default()
    }
}
