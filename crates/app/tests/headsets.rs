//! Real calls between two of Hatif on loopback, driven by the buttons of simulated headsets with the real report
//! descriptors of real models, and shown on their lamps.

#[path = "../../headset/tests/support/mod.rs"]
mod simulated;

use hatif_app::{
    App, AppConfig, Devices, Hid, KeyringChoice,
    command::{AccountKind, Command, NewAccount, Settings},
    view::{Action, CallStateView, CallView, Event, HeadsetsEvent, HeadsetsView, HoldView, RegistrationView},
};
use simulated::{FLASH, LAMP_HOLD, LAMP_MUTE, LAMP_OFF_HOOK, LAMP_RING, MODELS, MUTE, Model, Usb};
use std::{
    net::UdpSocket,
    sync::{
        Arc,
        mpsc::{Receiver, RecvTimeoutError, channel},
    },
    time::{Duration, Instant},
};

/// What waits is given up then; nothing is measured by it.
const DEADLINE: Duration = Duration::from_secs(60);

/// One Hatif with an account that is found at a port of loopback.
struct Desk {
    app: App,
    port: u16,
    account: u32,
    events: Receiver<Event>,
    calls: std::collections::BTreeMap<u32, CallView>,
    headsets: HeadsetsView,
    settings: Settings,
    _data: tempfile::TempDir,
}

impl Desk {
    async fn start(headsets: Option<Arc<dyn Hid>>) -> Desk {
        let data = tempfile::tempdir().expect("a folder");
        let (tell, events) = channel();
        let config = AppConfig {
            data: data.path().to_owned(),
            keyring: KeyringChoice::None,
            policy: None,
            devices: Devices::None,
            input: None,
            output: None,
            auto_answer: false,
            most_calls: None,
            practice: false,
            headsets,
            system_language: "en".into(),
        };
        let app = App::start(config, hatif_app::log::start(), move |event| drop(tell.send(event))).expect("it starts");
        let snapshot = app.snapshot().await.expect("it runs");
        let mut desk = Desk {
            app,
            port: 0,
            account: 0,
            events,
            calls: Default::default(),
            headsets: HeadsetsView::default(),
            settings: snapshot.settings,
            _data: data,
        };
        // A port that somebody else takes in between is no failure.
        loop {
            let socket = UdpSocket::bind("127.0.0.1:0").expect("a port");
            desk.port = socket.local_addr().expect("it has one").port();
            drop(socket);
            if desk.open_port() {
                return desk;
            }
        }
    }

    fn open_port(&mut self) -> bool {
        let account = NewAccount {
            kind: AccountKind::Direct,
            user: "desk".into(),
            domain: "127.0.0.1".into(),
            local_port: Some(self.port),
            ..serde_json::from_str(r#"{"user":"","domain":""}"#).expect("the rest has defaults")
        };
        self.send(Command::AddAccount { account });
        let port = self.port;
        let (account, up) = self.wait_event("opens its port", move |event| match event {
            Event::AccountChanged { account } if account.config.as_ref()?.local_port == Some(port) => {
                match account.registration {
                    RegistrationView::Up => Some((account.id, true)),
                    RegistrationView::Down { .. } => Some((account.id, false)),
                    _ => None,
                }
            }
            _ => None,
        });
        self.account = account;
        up
    }

    fn send(&self, command: Command) {
        self.app.send(command).expect("it runs");
    }

    fn take(&mut self, event: &Event) {
        match event {
            Event::CallChanged { call } => drop(self.calls.insert(call.id, call.clone())),
            Event::CallGone { call } => drop(self.calls.remove(call)),
            Event::Headsets { told: HeadsetsEvent::Changed { headsets } } => self.headsets = headsets.clone(),
            Event::SettingsChanged { settings, .. } => self.settings = settings.clone(),
            Event::Snapshot { snapshot } => self.settings = snapshot.settings.clone(),
            _ => {}
        }
    }

    fn next(&mut self, what: &str, until: Instant) -> Event {
        match self.events.recv_timeout(until.saturating_duration_since(Instant::now())) {
            Ok(event) => {
                self.take(&event);
                event
            }
            Err(RecvTimeoutError::Timeout) => panic!("never: {what}; {:#?} {:?}", self.calls, self.headsets),
            Err(RecvTimeoutError::Disconnected) => panic!("it has stopped: {what}"),
        }
    }

    fn wait_event<T>(&mut self, what: &str, is: impl Fn(&Event) -> Option<T>) -> T {
        let until = Instant::now() + DEADLINE;
        loop {
            let event = self.next(what, until);
            if let Some(found) = is(&event) {
                return found;
            }
        }
    }

    fn wait<T>(&mut self, what: &str, is: impl Fn(&Desk) -> Option<T>) -> T {
        let until = Instant::now() + DEADLINE;
        loop {
            if let Some(found) = is(self) {
                return found;
            }
            self.next(what, until);
        }
    }

    /// The newest call that is so.
    fn wait_call(&mut self, what: &str, is: impl Fn(&CallView) -> bool) -> u32 {
        self.wait(what, |desk| desk.calls.values().rev().find(|call| is(call)).map(|call| call.id))
    }

    fn wait_state(&mut self, id: u32, what: &str, is: impl Fn(&CallStateView) -> bool) {
        self.wait(what, |desk| desk.calls.get(&id).is_some_and(|call| is(&call.state)).then_some(()));
    }

    fn call(&mut self, other: &Desk) -> u32 {
        let known: Vec<u32> = self.calls.keys().copied().collect();
        self.send(Command::Call {
            to: format!("desk@127.0.0.1:{}", other.port),
            account: Some(self.account),
            confirmed: true,
        });
        self.wait_call("dials", |call| !known.contains(&call.id))
    }

    fn wait_ringing(&mut self) -> u32 {
        self.wait_call("rings", |call| call.state == CallStateView::Incoming && call.actions.contains(&Action::Answer))
    }

    fn quit(mut self) {
        self.send(Command::Quit);
        self.wait_event("ends", |event| (*event == Event::Stopped).then_some(()));
    }
}

fn active(state: &CallStateView) -> bool {
    matches!(state, CallStateView::Active { .. })
}

fn ended(state: &CallStateView) -> bool {
    matches!(state, CallStateView::Ended { .. })
}

fn held(state: &CallStateView) -> bool {
    matches!(state, CallStateView::Active { hold: HoldView::Local | HoldView::Both, .. })
}

fn talks(state: &CallStateView) -> bool {
    matches!(state, CallStateView::Active { hold: HoldView::None, .. })
}

fn muted(on: bool) -> impl Fn(&CallStateView) -> bool {
    move |state| matches!(state, CallStateView::Active { muted, .. } if *muted == on)
}

/// Lamps in the order off the hook, ring, mute, hold.
fn wait_lamps(model: &Model, on: [bool; 4]) {
    for (lamp, on) in [LAMP_OFF_HOOK, LAMP_RING, LAMP_MUTE, LAMP_HOLD].into_iter().zip(on) {
        model.wait_lamp(lamp, on);
    }
}

/// A hand is slower than a contact that bounces: what follows the last press by less is not a person's.
fn pause() {
    std::thread::sleep(Duration::from_millis(450));
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime")
}

/// Answer, mute and hold in both directions, hang up, decline: by each model.
#[test]
fn every_models_buttons_drive_real_calls_and_its_lamps_show_them() {
    let runtime = runtime();
    let usb = Usb::default();
    let mut agent = runtime.block_on(Desk::start(Some(Arc::new(usb.clone()))));
    let mut customer = runtime.block_on(Desk::start(None));
    for name in MODELS {
        let model = usb.plug(name);
        agent.wait("the headset", |desk| desk.headsets.headsets.iter().find(|headset| headset.name == name).map(drop));
        // It tells how it stands when it comes; a person comes later.
        std::thread::sleep(Duration::from_millis(1100));

        // Rings: the lamp; the call button answers.
        let there = customer.call(&agent);
        let call = agent.wait_ringing();
        wait_lamps(&model, [false, true, false, false]);
        model.call_button();
        agent.wait_state(call, "is answered", talks);
        customer.wait_state(there, "is answered", active);
        wait_lamps(&model, [true, false, false, false]);

        // Muted by the headset, unmuted in the window, and the other way round.
        pause();
        model.press(MUTE);
        agent.wait_state(call, "is muted", muted(true));
        wait_lamps(&model, [true, false, true, false]);
        agent.send(Command::Mute { call, on: false });
        wait_lamps(&model, [true, false, false, false]);
        agent.send(Command::Mute { call, on: true });
        wait_lamps(&model, [true, false, true, false]);
        pause();
        model.press(MUTE);
        agent.wait_state(call, "is not muted", muted(false));
        wait_lamps(&model, [true, false, false, false]);

        // Held and taken up again by the headset, then in the window.
        model.press(FLASH);
        agent.wait_state(call, "is held", held);
        customer.wait_state(there, "is held there", |state| {
            matches!(state, CallStateView::Active { hold: HoldView::Remote, .. })
        });
        wait_lamps(&model, [true, false, false, true]);
        model.press(FLASH);
        agent.wait_state(call, "is taken up", talks);
        wait_lamps(&model, [true, false, false, false]);
        agent.send(Command::Hold { call, on: true });
        wait_lamps(&model, [true, false, false, true]);
        agent.send(Command::Hold { call, on: false });
        agent.wait_state(call, "is taken up again", talks);
        wait_lamps(&model, [true, false, false, false]);

        // The call button ends it.
        pause();
        model.call_button();
        agent.wait_state(call, "has ended", ended);
        customer.wait_state(there, "has ended there", ended);
        wait_lamps(&model, [false; 4]);

        // Declined.
        let there = customer.call(&agent);
        let call = agent.wait_ringing();
        wait_lamps(&model, [false, true, false, false]);
        model.reject_button();
        agent.wait_state(call, "is declined", ended);
        customer.wait_state(there, "is declined there", ended);
        wait_lamps(&model, [false; 4]);

        usb.unplug(&model);
        agent.wait("no headset", |desk| desk.headsets.headsets.is_empty().then_some(()));
    }
    agent.quit();
    customer.quit();
}
