//! hatif-desktop: what the desktop around the window shows of the phone (tray, notifications, badge), what it does for a
//! call (no sleep, media paused), and what is asked there.
//!
//! ```text
//!   Shown, the whole of it ──[newest only]──┬─> tray           StatusNotifierItem, its menu
//!                                           ├─> notices        org.freedesktop.Notifications
//!                                           ├─> awake          logind
//!                                           └─> media          MPRIS
//!   Told <───────────────────────────────────┘
//! ```
//!
//! Each part runs by itself: one that finds no counterpart on the bus is without effect and spoils no other. On systems
//! other than Linux nothing of this is there yet: [`Desktop::start`] tells that there is no tray.

pub mod autostart;
pub mod icon;
#[cfg(target_os = "linux")]
mod linux;

use icon::Picture;
use tokio::sync::watch;

/// The application's id: of its desktop file, its icon, its names on the bus.
pub const ID: &str = "org.hatif.Hatif";

/// What the desktop should show and do now. Sentences come ready, in the user's language.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Shown {
    pub line: Line,
    /// What the tray says when it is pointed at.
    pub tip: String,
    /// The tray's menu, top to bottom.
    pub menu: Vec<Entry>,
    pub notices: Vec<Notice>,
    /// What the user has missed and not seen yet.
    pub unseen: u32,
    /// The computer does not fall asleep.
    pub awake: bool,
    /// Players of media are paused.
    pub hush: bool,
}

/// What the tray's icon says.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Line {
    /// Nobody reaches this phone.
    #[default]
    Off,
    Ready,
    DoNotDisturb,
    /// It rings here.
    Ringing,
    Talking,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Entry {
    Separator,
    Item {
        /// Text of strangers may be in it.
        label: String,
        ask: Ask,
        /// A tick that is there or not; `None`: an item without one.
        ticked: Option<bool>,
    },
}

/// A notification. It stays until it is no longer wanted or the user puts it away.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Notice {
    /// Names it from one `Shown` to the next.
    pub key: u64,
    pub title: String,
    /// Text of strangers may be in it.
    pub body: String,
    /// Its buttons.
    pub buttons: Vec<(String, Ask)>,
    /// When it is clicked itself.
    pub click: Ask,
    /// Of a call that waits for an answer: shown until it is over, not for some seconds.
    pub ringing: bool,
}

/// What the user asks for outside the window.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ask {
    Open,
    Quit,
    Answer(u32),
    Decline(u32),
    HangUp(u32),
    DoNotDisturb(bool),
}

/// What comes back.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Told {
    Ask(Ask),
    /// Whether there is a tray that shows us. Told once soon after the start, and whenever it changes.
    Tray(bool),
}

/// The buses to use, by address; `None`: those of the environment.
#[derive(Clone, Debug, Default)]
pub struct Buses {
    pub session: Option<String>,
    pub system: Option<String>,
}

/// The running parts; they end with it.
pub struct Desktop {
    shown: watch::Sender<Shown>,
}

impl Desktop {
    /// Starts on the current tokio runtime. `tell` must not block. `picture` is the application's icon.
    pub fn start(buses: Buses, picture: Picture, tell: impl Fn(Told) + Send + Sync + 'static) -> Desktop {
        // The newest is all that counts: what was not shown in time is not shown.
        let (shown, seen) = watch::channel(Shown::default());
        #[cfg(target_os = "linux")]
        tokio::spawn(linux::run(buses, seen, picture, std::sync::Arc::new(tell)));
        #[cfg(not(target_os = "linux"))]
        {
            drop((buses, seen, picture));
            tell(Told::Tray(false));
        }
        Desktop { shown }
    }

    pub fn show(&self, new: Shown) {
        self.shown.send_if_modified(|shown| {
            let changed = *shown != new;
            *shown = new;
            changed
        });
    }
}
