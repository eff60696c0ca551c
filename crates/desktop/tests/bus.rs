//! The desktop's parts on a real message bus (`dbus-daemon`) of their own. What stands at the other end here is made for
//! the test: a notification server, a tray, logind, a media player. (`tests/window/desktop.rs` has real ones.)
#![cfg(target_os = "linux")]

use hatif_desktop::{Ask, Buses, Desktop, Entry, Line, Notice, Shown, Told, icon::Picture};
use std::{
    collections::HashMap,
    io::{BufRead, BufReader},
    os::fd::AsFd,
    process::{Child, Command, Stdio},
    sync::mpsc::{Receiver, SyncSender, sync_channel},
    time::Duration,
};
use zbus::{
    blocking::{Connection, Proxy, connection},
    interface,
    object_server::SignalEmitter,
    zvariant::{OwnedFd, OwnedValue, Value},
};

/// Reached by failures only.
const PATIENCE: Duration = Duration::from_secs(30);

struct Bus {
    daemon: Child,
    address: String,
}

impl Bus {
    fn start() -> Bus {
        let mut daemon = Command::new("dbus-daemon")
            .args(["--session", "--nofork", "--print-address", "--address=unix:tmpdir=/tmp"])
            .stdout(Stdio::piped())
            .spawn()
            .expect("dbus-daemon can be started (cargo xtask setup)");
        let mut address = String::new();
        let printed = daemon.stdout.take().expect("it is piped");
        BufReader::new(printed).read_line(&mut address).expect("it prints its address");
        Bus { daemon, address: address.trim().to_owned() }
    }
}

impl Drop for Bus {
    fn drop(&mut self) {
        let _ = self.daemon.kill();
        let _ = self.daemon.wait();
    }
}

struct Rig {
    bus: Bus,
    desktop: Option<Desktop>,
    told: Receiver<Told>,
    _runtime: tokio::runtime::Runtime,
}

/// The desktop on `bus`, whose other ends stand already.
fn rig(bus: Bus) -> Rig {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_time().build().expect("a runtime");
    let (tell, told) = sync_channel(64);
    let buses = Buses { session: Some(bus.address.clone()), system: Some(bus.address.clone()) };
    let _entered = runtime.enter();
    let picture = Picture::new(4, vec![0x40; 64]).expect("a square");
    let desktop = Desktop::start(buses, picture, move |what| tell.send(what).unwrap_or_default());
    drop(_entered);
    Rig { bus, desktop: Some(desktop), told, _runtime: runtime }
}

impl Rig {
    fn show(&self, shown: &Shown) {
        self.desktop.as_ref().expect("it runs").show(shown.clone());
    }

    fn wait_told(&self, wanted: Told) {
        loop {
            let what = self.told.recv_timeout(PATIENCE).unwrap_or_else(|_| panic!("{wanted:?} is not told"));
            if what == wanted {
                return;
            }
        }
    }
}

// --- notifications ---------------------------------------------------------------------------------------------------

#[derive(Debug, PartialEq)]
enum Noted {
    Shown { id: u32, replaces: u32, title: String, body: String, actions: Vec<String>, urgency: u8, timeout: i32 },
    Closed(u32),
}

struct Server {
    noted: SyncSender<Noted>,
    can: Vec<&'static str>,
    next: u32,
}

#[interface(name = "org.freedesktop.Notifications")]
impl Server {
    fn get_capabilities(&self) -> Vec<&'static str> {
        self.can.clone()
    }

    #[allow(clippy::too_many_arguments)]
    fn notify(
        &mut self,
        _app: &str,
        replaces: u32,
        _icon: &str,
        title: String,
        body: String,
        actions: Vec<String>,
        hints: HashMap<String, OwnedValue>,
        timeout: i32,
    ) -> u32 {
        self.next += 1;
        let id = if replaces == 0 { self.next } else { replaces };
        let urgency = hints.get("urgency").and_then(|value| u8::try_from(value).ok()).unwrap_or(99);
        self.noted.send(Noted::Shown { id, replaces, title, body, actions, urgency, timeout }).unwrap_or_default();
        id
    }

    fn close_notification(&self, id: u32) {
        self.noted.send(Noted::Closed(id)).unwrap_or_default();
    }

    #[zbus(signal)]
    async fn action_invoked(emitter: &SignalEmitter<'_>, id: u32, action: &str) -> zbus::Result<()>;

    #[zbus(signal)]
    async fn notification_closed(emitter: &SignalEmitter<'_>, id: u32, reason: u32) -> zbus::Result<()>;
}

const NOTIFICATIONS: &str = "/org/freedesktop/Notifications";

fn notifier(bus: &Bus, can: &[&'static str]) -> (Connection, Receiver<Noted>) {
    let (noted, notes) = sync_channel(64);
    let server = Server { noted, can: can.to_vec(), next: 0 };
    let connection = connection::Builder::address(bus.address.as_str())
        .and_then(|b| b.serve_at(NOTIFICATIONS, server))
        .and_then(|b| b.name("org.freedesktop.Notifications"))
        .and_then(|b| b.build())
        .expect("a notification server");
    (connection, notes)
}

fn ringing(call: u32, body: &str) -> Notice {
    Notice {
        key: u64::from(call),
        title: "Incoming call".into(),
        body: body.into(),
        buttons: vec![("Answer".into(), Ask::Answer(call)), ("Decline".into(), Ask::Decline(call))],
        click: Ask::Open,
        ringing: true,
    }
}

#[test]
fn a_call_is_notified_answered_by_its_button_and_its_notification_goes_with_it() {
    let bus = Bus::start();
    let (server, notes) = notifier(&bus, &["body", "body-markup", "actions"]);
    let rig = rig(bus);
    rig.show(&Shown { notices: vec![ringing(7, "<b>Bob</b> & <img src=x>")], ..Shown::default() });
    let note = notes.recv_timeout(PATIENCE).expect("it is shown");
    let Noted::Shown { id, replaces: 0, body, actions, urgency: 1, timeout: 0, .. } = note else { panic!("{note:?}") };
    assert_eq!(body, "&lt;b&gt;Bob&lt;/b&gt; &amp; &lt;img src=x&gt;");
    assert_eq!(actions, ["default", "", "0", "Answer", "1", "Decline"]);

    let emitter = SignalEmitter::new(server.inner(), NOTIFICATIONS).expect("a path");
    for (id, action) in [(id + 1, "0"), (id, "7"), (id, "answer")] {
        zbus::block_on(Server::action_invoked(&emitter, id, action)).expect("a signal");
    }
    zbus::block_on(Server::action_invoked(&emitter, id, "1")).expect("a signal");
    // Nothing but this came of all of them.
    let asked = std::iter::repeat_with(|| rig.told.recv_timeout(PATIENCE).expect("it is told"));
    let asked = asked.into_iter().find(|told| matches!(told, Told::Ask(_)));
    assert_eq!(asked, Some(Told::Ask(Ask::Decline(7))));

    // The same is not shown again; another text takes its place; and it goes when the call goes.
    rig.show(&Shown { line: Line::Ringing, notices: vec![ringing(7, "<b>Bob</b> & <img src=x>")], ..Shown::default() });
    rig.show(&Shown { notices: vec![ringing(7, "Bob")], ..Shown::default() });
    let note = notes.recv_timeout(PATIENCE).expect("it is shown");
    assert!(matches!(&note, Noted::Shown { replaces, body, .. } if *replaces == id && body == "Bob"), "{note:?}");
    rig.show(&Shown::default());
    assert_eq!(notes.recv_timeout(PATIENCE), Ok(Noted::Closed(id)));
}

#[test]
fn what_the_user_puts_away_stays_away_and_the_last_goes_with_us() {
    let bus = Bus::start();
    let (server, notes) = notifier(&bus, &["body"]);
    let mut rig = rig(bus);
    rig.show(&Shown { notices: vec![ringing(1, "a < b"), ringing(2, "b")], ..Shown::default() });
    let next = || match notes.recv_timeout(PATIENCE).expect("it is told") {
        Noted::Shown { id, body, actions, .. } => (id, body, actions.len()),
        closed => panic!("{closed:?}"),
    };
    // A server without buttons and without markup gets neither.
    let (first, body, actions) = next();
    assert_eq!((body.as_str(), actions), ("a < b", 0));
    let (second, ..) = next();
    let emitter = SignalEmitter::new(server.inner(), NOTIFICATIONS).expect("a path");
    zbus::block_on(Server::notification_closed(&emitter, first, 2)).expect("a signal");
    zbus::block_on(Server::action_invoked(&emitter, second, "0")).expect("a signal");
    rig.wait_told(Told::Ask(Ask::Answer(2)));
    rig.show(&Shown { notices: vec![ringing(1, "other"), ringing(2, "c")], ..Shown::default() });
    assert_eq!(next(), (second, "c".to_owned(), 0));
    rig.desktop = None;
    assert_eq!(notes.recv_timeout(PATIENCE), Ok(Noted::Closed(second)));
}

// --- tray ------------------------------------------------------------------------------------------------------------

struct Watcher {
    registered: SyncSender<String>,
    host: bool,
}

#[interface(name = "org.kde.StatusNotifierWatcher")]
impl Watcher {
    fn register_status_notifier_item(&self, service: String) {
        self.registered.send(service).unwrap_or_default();
    }

    #[zbus(property)]
    fn is_status_notifier_host_registered(&self) -> bool {
        self.host
    }

    #[zbus(signal)]
    async fn status_notifier_host_registered(emitter: &SignalEmitter<'_>) -> zbus::Result<()>;

    #[zbus(signal)]
    async fn status_notifier_host_unregistered(emitter: &SignalEmitter<'_>) -> zbus::Result<()>;
}

fn tray(bus: &Bus) -> (Connection, Receiver<String>) {
    let (registered, items) = sync_channel(16);
    let connection = connection::Builder::address(bus.address.as_str())
        .and_then(|b| b.serve_at("/StatusNotifierWatcher", Watcher { registered, host: true }))
        .and_then(|b| b.name("org.kde.StatusNotifierWatcher"))
        .and_then(|b| b.build())
        .expect("a tray");
    (connection, items)
}

type Layout = (i32, HashMap<String, OwnedValue>, Vec<OwnedValue>);

/// The menu's ids and labels; "-" for a separator.
fn menu(host: &Connection, item: &str) -> Vec<(i32, String)> {
    let proxy = Proxy::new(host, item, "/MenuBar", "com.canonical.dbusmenu").expect("a proxy");
    let (_, (root, _, children)): (u32, Layout) =
        proxy.call("GetLayout", &(0i32, -1i32, Vec::<&str>::new())).expect("a layout");
    assert_eq!(root, 0);
    let read = |child: OwnedValue| {
        let (id, properties, _) = Layout::try_from(child).expect("an item");
        let label = properties.get("label").map(|label| String::try_from(label.clone()).expect("a string"));
        (id, label.unwrap_or_else(|| "-".into()))
    };
    children.into_iter().map(read).collect()
}

fn item(label: &str, ask: Ask) -> Entry {
    Entry::Item { label: label.into(), ask, ticked: None }
}

#[test]
fn the_tray_shows_the_line_its_menu_asks_and_it_comes_back_with_the_tray() {
    let bus = Bus::start();
    let (host, items) = tray(&bus);
    let rig = rig(bus);
    let name = items.recv_timeout(PATIENCE).expect("the item is registered");
    rig.wait_told(Told::Tray(true));
    let read = host.clone();
    let property = |of: &str| -> OwnedValue {
        let proxy =
            Proxy::new(&read, name.as_str(), "/StatusNotifierItem", "org.kde.StatusNotifierItem").expect("a proxy");
        proxy.get_property(of).expect("a property")
    };
    let until = |of: &str, wanted: &str| {
        let deadline = std::time::Instant::now() + PATIENCE;
        while String::try_from(property(of)).as_deref() != Ok(wanted) {
            assert!(std::time::Instant::now() < deadline, "{of} does not become {wanted}");
            std::thread::sleep(Duration::from_millis(10));
        }
    };
    until("Status", "Active");
    assert_eq!(String::try_from(property("Category")).as_deref(), Ok("Communications"));
    let idle = property("IconPixmap");
    let menu_of = vec![item("Open", Ask::Open), Entry::Separator, item("Hang up _Bob", Ask::HangUp(3))];
    rig.show(&Shown { line: Line::Ringing, tip: "A call".into(), menu: menu_of, ..Shown::default() });
    until("Status", "NeedsAttention");
    assert_ne!(property("IconPixmap"), idle);
    let entries = menu(&host, &name);
    assert_eq!(entries.iter().map(|(_, label)| label.as_str()).collect::<Vec<_>>(), ["Open", "-", "Hang up __Bob"]);

    let proxy = Proxy::new(&host, name.as_str(), "/MenuBar", "com.canonical.dbusmenu").expect("a proxy");
    let click = |id: i32, event: &str| {
        proxy.call::<_, _, ()>("Event", &(id, event, Value::from(0i32), 0u32)).expect("it takes events");
    };
    click(entries[2].0, "hovered");
    click(entries[1].0, "clicked");
    click(9999, "clicked");
    click(i32::MIN, "clicked");
    click(entries[2].0, "clicked");
    assert_eq!(rig.told.recv_timeout(PATIENCE), Ok(Told::Ask(Ask::HangUp(3))));
    // What has taken its place is not hit by a click that was meant for it.
    rig.show(&Shown {
        menu: vec![item("Open", Ask::Open), Entry::Separator, item("Quit", Ask::Quit)],
        ..Shown::default()
    });
    until("Status", "Active");
    click(entries[2].0, "clicked");
    let quit = menu(&host, &name)[2].0;
    click(quit, "clicked");
    assert_eq!(rig.told.recv_timeout(PATIENCE), Ok(Told::Ask(Ask::Quit)));

    host.clone().close().expect("it goes");
    rig.wait_told(Told::Tray(false));
    let (_host, items) = tray(&rig.bus);
    assert_eq!(items.recv_timeout(PATIENCE).as_ref(), Ok(&name));
    rig.wait_told(Told::Tray(true));
}

// --- during a call ---------------------------------------------------------------------------------------------------

struct Logind(SyncSender<OwnedFd>);

#[interface(name = "org.freedesktop.login1.Manager")]
impl Logind {
    fn inhibit(&self, what: &str, _who: &str, _why: &str, mode: &str) -> OwnedFd {
        assert_eq!((what, mode), ("sleep:idle", "block"));
        let (ours, theirs) = std::os::unix::net::UnixStream::pair().expect("a pair");
        self.0.send(std::os::fd::OwnedFd::from(ours).into()).unwrap_or_default();
        std::os::fd::OwnedFd::from(theirs).into()
    }
}

#[test]
fn the_computer_stays_awake_as_long_as_the_call_lasts() {
    let bus = Bus::start();
    let (held, holds) = sync_channel(4);
    let _logind = connection::Builder::address(bus.address.as_str())
        .and_then(|b| b.serve_at("/org/freedesktop/login1", Logind(held)))
        .and_then(|b| b.name("org.freedesktop.login1"))
        .and_then(|b| b.build())
        .expect("logind");
    let rig = rig(bus);
    rig.show(&Shown { awake: true, ..Shown::default() });
    let hold = holds.recv_timeout(PATIENCE).expect("sleep is held off");
    rig.show(&Shown { awake: true, unseen: 1, ..Shown::default() });
    rig.show(&Shown::default());
    // The other end is closed when it is let go.
    let mut end = std::os::unix::net::UnixStream::from(hold.as_fd().try_clone_to_owned().expect("a handle"));
    end.set_read_timeout(Some(PATIENCE)).expect("a socket");
    assert_eq!(std::io::Read::read(&mut end, &mut [0; 1]).expect("it is closed in time"), 0);
    assert!(holds.try_recv().is_err(), "it was asked for once");
}

struct Player {
    status: &'static str,
    said: SyncSender<&'static str>,
}

#[interface(name = "org.mpris.MediaPlayer2.Player")]
impl Player {
    fn pause(&mut self) {
        self.status = "Paused";
        self.said.send("pause").unwrap_or_default();
    }

    fn play(&mut self) {
        self.status = "Playing";
        self.said.send("play").unwrap_or_default();
    }

    #[zbus(property)]
    fn playback_status(&self) -> &str {
        self.status
    }
}

fn player(bus: &Bus, name: &str, status: &'static str) -> (Connection, Receiver<&'static str>) {
    let (said, hears) = sync_channel(16);
    let connection = connection::Builder::address(bus.address.as_str())
        .and_then(|b| b.serve_at("/org/mpris/MediaPlayer2", Player { status, said }))
        .and_then(|b| b.name(format!("org.mpris.MediaPlayer2.{name}")))
        .and_then(|b| b.build())
        .expect("a player");
    (connection, hears)
}

#[test]
fn media_that_plays_is_paused_and_plays_on_and_what_the_user_stopped_stays_so() {
    let bus = Bus::start();
    let (_music, music) = player(&bus, "music", "Playing");
    let (film_bus, film) = player(&bus, "film", "Playing");
    let (_silent, silent) = player(&bus, "silent", "Paused");
    let rig = rig(bus);
    rig.show(&Shown { hush: true, ..Shown::default() });
    assert_eq!(music.recv_timeout(PATIENCE), Ok("pause"));
    assert_eq!(film.recv_timeout(PATIENCE), Ok("pause"));
    // The user closes the film during the call; another player under its name is not ours to start.
    let status = film_bus.object_server().interface::<_, Player>("/org/mpris/MediaPlayer2").expect("the player");
    status.get_mut().status = "Stopped";
    rig.show(&Shown::default());
    assert_eq!(music.recv_timeout(PATIENCE), Ok("play"));
    rig.show(&Shown { hush: true, ..Shown::default() });
    assert_eq!(music.recv_timeout(PATIENCE), Ok("pause"));
    assert!(film.try_recv().is_err() && silent.try_recv().is_err());
}

#[test]
fn without_a_bus_nothing_fails_and_no_tray_is_told() {
    let bus = Bus::start();
    let address = bus.address.clone();
    drop(bus);
    let gone = Bus { daemon: Command::new("true").spawn().expect("true"), address };
    let rig = rig(gone);
    rig.wait_told(Told::Tray(false));
    rig.show(&Shown { awake: true, hush: true, notices: vec![ringing(1, "x")], ..Shown::default() });
}
