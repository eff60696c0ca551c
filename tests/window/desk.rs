//! The window on the desktop: where it stands, what it is above of, that there is one.

use crate::{alone, application};
use hatif_lab::{
    DEADLINE,
    process::{Process, eventually},
    screen::{self, Rect, Screened},
    webdriver::{self, Window},
};
use serde_json::{Value, json};
use std::{fs, path::Path, thread, time::Duration};

const TITLE: &str = "Hatif";

/// Hatif as the desktop starts it, with what it remembers in `data`; without a name for that, where users have it.
fn start(folder: &Path, data: Option<&Path>) -> Process {
    eventually("no window is left of an earlier one", DEADLINE, || screen::titled(TITLE).is_empty().then_some(()));
    start_beside(folder, data)
}

fn start_beside(folder: &Path, data: Option<&Path>) -> Process {
    let mut environment = vec![("LC_ALL", webdriver::locale("en"))];
    environment.extend(data.map(|data| ("HATIF_DATA", data.display().to_string())));
    Process::start_with("hatif", folder, &[application().display().to_string()], &environment)
}

fn wait_for(what: &str, window: Screened, good: impl Fn(Rect) -> bool) -> Rect {
    let mut last = None;
    let met = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        eventually(what, DEADLINE, || {
            let rect = window.rect();
            last = Some(rect);
            Some(rect).filter(|rect| good(*rect))
        })
    }));
    met.unwrap_or_else(|panic| {
        println!("{what}: it stands at {last:?}");
        std::panic::resume_unwind(panic)
    })
}

fn wait_end(mut hatif: Process) {
    eventually("Hatif has ended", DEADLINE, || hatif.has_ended().then_some(()));
}

#[test]
fn the_window_stands_where_it_stood_and_in_the_middle_when_that_screen_is_gone() {
    let _alone = alone();
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let hatif = start(folder.path(), Some(&data));
    let window = screen::find(TITLE);
    window.resize(700, 500);
    window.move_to(333, 222);
    let stood = wait_for("moved", window, |rect| (rect.width, rect.height) == (700, 500) && rect.x > 300);
    window.close();
    wait_end(hatif);

    let hatif = start(folder.path(), Some(&data));
    let window = screen::find(TITLE);
    wait_for("back where it was", window, |rect| rect == stood);
    // A kill leaves no time to say goodbye: what was noted at rest counts.
    window.move_to(40, 60);
    let file = data.join("window.json");
    let noted = || fs::read_to_string(&file).unwrap_or_default();
    let before = noted();
    let stood = eventually("it is noted at rest", DEADLINE, || (noted() != before).then(|| window.rect()));
    drop(hatif);
    let hatif = start(folder.path(), Some(&data));
    wait_for("back after a kill", screen::find(TITLE), |rect| rect == stood);
    drop(hatif);

    // The second screen, on which it stood, is gone.
    let mut gone: Value = serde_json::from_str(&noted()).unwrap();
    gone["wide"]["x"] = json!(4000);
    fs::write(&file, gone.to_string()).unwrap();
    let hatif = start(folder.path(), Some(&data));
    let window = screen::find(TITLE);
    wait_for("in the middle", window, |rect| {
        let aside = (rect.x + rect.width as i32 / 2 - 640).abs();
        aside < 40 && rect.y >= 0 && rect.y + (rect.height as i32) < 900
    });
    window.close();
    wait_end(hatif);
}

#[test]
fn a_broken_file_of_places_is_the_default_place() {
    let _alone = alone();
    let folder = tempfile::tempdir().unwrap();
    for text in [&b"{\"wide\":{\"x\":"[..], b"\xff\xfe\0", b"[[[[[[", br#"{"wide":{"x":1e999,"y":0,"width":-5}}"#] {
        fs::write(folder.path().join("window.json"), text).unwrap();
        let hatif = start(folder.path(), Some(folder.path()));
        let window = screen::find(TITLE);
        wait_for("as it first was", window, |rect| (rect.width, rect.height) == (1040, 720));
        window.close();
        wait_end(hatif);
    }
}

#[test]
fn a_second_start_shows_the_window_of_the_first() {
    let _alone = alone();
    let folder = tempfile::tempdir().unwrap();
    let first = start(folder.path(), None);
    let window = screen::find(TITLE);
    window.minimize();
    eventually("it is minimized", DEADLINE, || screen::titled(TITLE).is_empty().then_some(()));
    wait_end(start_beside(folder.path(), None));
    eventually("it is back, alone", DEADLINE, || (screen::titled(TITLE) == [window]).then_some(()));
    window.close();
    wait_end(first);
}

fn choose(window: &Window, on_top: bool, strip: bool) {
    let command = json!({ "command": "window", "window": { "on_top": on_top, "strip": strip } });
    window.script(&format!("window.__TAURI_INTERNALS__.invoke('send', {{ command: {command} }})"));
}

#[test]
fn the_strip_is_narrow_above_all_and_remembered() {
    let _alone = alone();
    let folder = tempfile::tempdir().unwrap();
    eventually("no window is left of an earlier one", DEADLINE, || screen::titled(TITLE).is_empty().then_some(()));
    let driven = Window::open_on(&application(), "en", folder.path(), &[]);
    let window = screen::find(TITLE);
    let wide = wait_for("as it first was", window, |rect| rect.width == 1040);
    assert!(!window.is_above());

    choose(&driven, true, true);
    let strip = wait_for("a strip where it stood", window, |rect| rect.width == 320);
    assert_eq!((strip.x, strip.y), (wide.x, wide.y));
    eventually("above all others", DEADLINE, || window.is_above().then_some(()));
    eventually("the page knows how wide it is", DEADLINE, || {
        (driven.script("return [innerWidth, document.documentElement.scrollWidth]") == json!([320, 320])).then_some(())
    });
    driven.wait_text("#practice-call", |text| !text.is_empty());
    driven.screenshot("window-strip");
    window.move_to(900, 100);
    let aside = wait_for("moved", window, |rect| rect.x > 800);
    eventually("the strip's place is noted at rest", DEADLINE, || {
        let noted: Value = serde_json::from_str(&fs::read_to_string(folder.path().join("window.json")).ok()?).ok()?;
        (noted["narrow"]["x"].as_i64()? > 800).then_some(())
    });
    choose(&driven, false, false);
    wait_for("as wide and where it was before", window, |rect| rect == wide);
    eventually("not above others any more", DEADLINE, || (!window.is_above()).then_some(()));
    choose(&driven, true, true);
    wait_for("the strip has its own place", window, |rect| rect == aside);
    // To and fro, at once and with the window manager at it.
    for pause in [0, 20, 50, 100, 200] {
        choose(&driven, false, false);
        thread::sleep(Duration::from_millis(pause));
        wait_for("wide again", window, |rect| rect == wide);
        choose(&driven, true, true);
        thread::sleep(Duration::from_millis(pause));
        wait_for("a strip again", window, |rect| rect == aside);
    }
    drop(driven);

    let hatif = start(folder.path(), Some(folder.path()));
    let window = screen::find(TITLE);
    wait_for("a strip at the next start", window, |rect| rect == aside);
    eventually("and above all others", DEADLINE, || window.is_above().then_some(()));
    window.close();
    wait_end(hatif);
}
