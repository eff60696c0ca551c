//! Where the window stands, remembered: `window.json` beside the database. Read before anything else is there, so that
//! the window opens where it was; a file that is missing or makes no sense is the default place.

use hatif_app::view::WindowChoice;
use serde::{Deserialize, Serialize};
use std::{fs, io, path::Path};

const FILE: &str = "window.json";

/// Sizes in logical pixels. The least is that of `tauri.conf.json`.
const LEAST: (f64, f64) = (320.0, 480.0);
const WIDE: (f64, f64) = (1040.0, 720.0);
const STRIP: (f64, f64) = (320.0, 640.0);

/// As much of the title bar as a hand needs to get hold of the window, in logical pixels.
const GRIP: (f64, f64) = (96.0, 24.0);

/// What is kept between runs.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Kept {
    pub on_top: bool,
    /// Which of the two places is in use.
    pub strip: bool,
    wide: Option<Place>,
    narrow: Option<Place>,
}

/// A place on the desktop.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Place {
    /// Top left of the frame, in physical pixels of the whole desktop.
    pub x: i32,
    pub y: i32,
    /// Inside the frame, in logical pixels: the same size to the eye on a screen of another scale.
    pub width: f64,
    pub height: f64,
    pub maximized: bool,
}

/// A screen's part that panels leave free, in physical pixels, and its scale.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Screen {
    pub x: i32,
    pub y: i32,
    pub width: u32,
    pub height: u32,
    pub scale: f64,
}

/// Where the window goes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Stand {
    /// Top left in physical pixels; `None` where no screen is known: wherever the window manager puts it.
    pub position: Option<(i32, i32)>,
    /// Inside the frame, in logical pixels.
    pub size: (f64, f64),
    pub maximized: bool,
}

impl Kept {
    pub fn read(dir: &Path) -> Kept {
        match fs::read_to_string(dir.join(FILE)) {
            Ok(text) => serde_json::from_str(&text).unwrap_or_else(|_| {
                tracing::warn!("the window's place could not be read; it opens at its default");
                Kept::default()
            }),
            Err(_) => Kept::default(),
        }
    }

    /// Writes it beside the old one and puts it in its place, so that there is always a whole file.
    pub fn write(&self, dir: &Path) -> io::Result<()> {
        let fresh = dir.join(format!("{FILE}.new"));
        fs::write(&fresh, serde_json::to_vec(self)?)?;
        fs::rename(fresh, dir.join(FILE))
    }

    pub fn choice(&self) -> WindowChoice {
        WindowChoice { on_top: self.on_top, strip: self.strip }
    }

    /// Notes where the window stands now.
    pub fn note(&mut self, place: Place) {
        let slot = if self.strip { &mut self.narrow } else { &mut self.wide };
        *slot = Some(match slot {
            // What a maximized window goes back to is what it was before.
            Some(before) if place.maximized => Place { maximized: true, ..*before },
            _ => place,
        });
    }

    /// Where to put the window on the screens that are there now, the first of them the main one.
    pub fn stand(&self, screens: &[Screen]) -> Stand {
        let (place, size) = if self.strip { (self.narrow, STRIP) } else { (self.wide, WIDE) };
        let Some(place) = place.filter(|place| place.width.is_finite() && place.height.is_finite()) else {
            return Stand::middle(size, screens.first(), false);
        };
        let size = (place.width, place.height);
        match screens.iter().find(|screen| place.within_reach(screen)) {
            Some(home) => {
                Stand { position: Some((place.x, place.y)), size: fit(size, Some(home)), maximized: place.maximized }
            }
            None => Stand::middle(size, screens.first(), place.maximized),
        }
    }

    /// Whether there is a place to go back to for the window as it is chosen now.
    pub fn has_place(&self) -> bool {
        if self.strip { self.narrow.is_some() } else { self.wide.is_some() }
    }
}

impl Stand {
    fn middle(size: (f64, f64), screen: Option<&Screen>, maximized: bool) -> Stand {
        let size = fit(size, screen);
        let position = screen.map(|screen| {
            let inset = |room: u32, taken: f64| ((f64::from(room) - taken * screen.scale) / 2.0).max(0.0) as i32;
            (screen.x + inset(screen.width, size.0), screen.y + inset(screen.height, size.1))
        });
        Stand { position, size, maximized }
    }
}

impl Place {
    /// Whether enough of the title bar is on this screen to move the window by.
    fn within_reach(&self, screen: &Screen) -> bool {
        // In 64 bits: a file can hold any number.
        let (left, top) = (i64::from(self.x), i64::from(self.y));
        let (grip, bar) = ((GRIP.0 * screen.scale) as i64, (GRIP.1 * screen.scale) as i64);
        let right = left + (self.width.clamp(0.0, 1e6) * screen.scale) as i64;
        let (screen_left, screen_top) = (i64::from(screen.x), i64::from(screen.y));
        let screen_right = screen_left + i64::from(screen.width);
        let screen_bottom = screen_top + i64::from(screen.height);
        right.min(screen_right) - left.max(screen_left) >= grip && top >= screen_top && top + bar <= screen_bottom
    }
}

/// A size that is no larger than the screen and no smaller than the page can do with.
fn fit(size: (f64, f64), screen: Option<&Screen>) -> (f64, f64) {
    let room = |pixels: u32, scale: f64| f64::from(pixels) / if scale > 0.0 { scale } else { 1.0 };
    let (width, height) =
        screen.map_or(size, |screen| (room(screen.width, screen.scale), room(screen.height, screen.scale)));
    (size.0.min(width).max(LEAST.0), size.1.min(height).max(LEAST.1))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LAPTOP: Screen = Screen { x: 0, y: 0, width: 1920, height: 1050, scale: 1.0 };
    const BESIDE: Screen = Screen { x: 1920, y: -200, width: 3840, height: 2160, scale: 2.0 };

    fn kept(x: i32, y: i32, width: f64, height: f64) -> Kept {
        Kept { wide: Some(Place { x, y, width, height, maximized: false }), ..Kept::default() }
    }

    #[test]
    fn a_place_on_a_screen_that_is_there_is_kept() {
        for (x, y, screens) in [(100, 50, &[LAPTOP][..]), (2500, -150, &[LAPTOP, BESIDE]), (-700, 0, &[LAPTOP])] {
            let stand = kept(x, y, 800.0, 600.0).stand(screens);
            assert_eq!(stand, Stand { position: Some((x, y)), size: (800.0, 600.0), maximized: false });
        }
    }

    #[test]
    fn a_place_on_a_screen_that_is_gone_is_the_middle() {
        for (x, y) in [(2500, 100), (100, 1049), (100, -1), (-760, 0), (1900, 0), (i32::MIN, i32::MAX)] {
            let stand = kept(x, y, 800.0, 600.0).stand(&[LAPTOP]);
            assert_eq!(stand, Stand { position: Some((560, 225)), size: (800.0, 600.0), maximized: false }, "{x}, {y}");
        }
        assert_eq!(kept(10, 10, 800.0, 600.0).stand(&[]).position, None);
    }

    #[test]
    fn a_size_is_cut_to_its_screen_in_the_screens_own_scale() {
        assert_eq!(kept(0, 0, 5000.0, 5000.0).stand(&[LAPTOP]).size, (1920.0, 1050.0));
        assert_eq!(kept(1920, 0, 5000.0, 5000.0).stand(&[LAPTOP, BESIDE]).size, (1920.0, 1080.0));
        assert_eq!(kept(0, 0, -1.0, 0.0).stand(&[LAPTOP]).size, LEAST);
        assert_eq!(kept(0, 0, f64::NAN, 1.0).stand(&[LAPTOP]).size, WIDE);
    }

    #[test]
    fn the_strip_has_a_place_of_its_own() {
        let mut kept = Kept::default();
        let wide = Place { x: 5, y: 6, width: 900.0, height: 700.0, maximized: false };
        kept.note(wide);
        kept.strip = true;
        assert_eq!(kept.stand(&[LAPTOP]), Stand { position: Some((800, 205)), size: STRIP, maximized: false });
        assert!(!kept.has_place());
        kept.note(Place { x: 1500, y: 0, width: 320.0, height: 900.0, maximized: false });
        assert_eq!(kept.stand(&[LAPTOP]).position, Some((1500, 0)));
        kept.strip = false;
        assert_eq!(kept.stand(&[LAPTOP]).position, Some((5, 6)));
        kept.note(Place { x: 0, y: 0, width: 1920.0, height: 1050.0, maximized: true });
        assert_eq!(kept.stand(&[LAPTOP]), Stand { position: Some((5, 6)), size: (900.0, 700.0), maximized: true });
    }

    #[test]
    fn a_file_comes_back_and_a_broken_one_is_the_default() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(Kept::read(dir.path()), Kept::default());
        let written = Kept { on_top: true, ..kept(-4, 7, 640.0, 480.5) };
        written.write(dir.path()).unwrap();
        assert_eq!(Kept::read(dir.path()), written);
        let broken: [&[u8]; 6] =
            [b"", b"{", b"[]", b"\xff\xfe", br#"{"wide":{"x":1e400}}"#, br#"{"wide":{"x":"left"},"on_top":true}"#];
        for text in broken {
            fs::write(dir.path().join(FILE), text).unwrap();
            assert_eq!(Kept::read(dir.path()), Kept::default(), "{text:?}");
        }
        // A file of a later version may say more.
        fs::write(dir.path().join(FILE), r#"{"on_top":true,"opacity":0.5}"#).unwrap();
        assert!(Kept::read(dir.path()).on_top);
    }
}
