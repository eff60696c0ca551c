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

    /// What has been told so far.
    fn state(&mut self, call: u32) -> CallStateView {
        while let Ok(event) = self.events.try_recv() {
            self.take(&event);
        }
        self.calls[&call].state.clone()
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

/// A headset's arrival, and its first second, in which it only tells how it stands.
fn settled(agent: &mut Desk, model: &Model) {
    let name = model.model.clone();
    agent.wait("the headset", |desk| desk.headsets.headsets.iter().find(|headset| headset.name == name).map(drop));
    std::thread::sleep(Duration::from_millis(1100));
}

/// Unplugged in mid-call the call goes on; plugged in again the headset shows it, and ends it.
#[test]
fn a_headset_goes_and_comes_in_mid_call() {
    let runtime = runtime();
    let usb = Usb::default();
    let mut agent = runtime.block_on(Desk::start(Some(Arc::new(usb.clone()))));
    let mut customer = runtime.block_on(Desk::start(None));
    let mut model = usb.plug("0b0e-2453");
    settled(&mut agent, &model);
    let there = customer.call(&agent);
    let call = agent.wait_ringing();
    model.call_button();
    agent.wait_state(call, "is answered", talks);
    customer.wait_state(there, "is answered there", active);
    agent.send(Command::Mute { call, on: true });
    wait_lamps(&model, [true, false, true, false]);
    for _ in 0..3 {
        usb.unplug(&model);
        agent.wait("no headset", |desk| desk.headsets.headsets.is_empty().then_some(()));
        assert!(muted(true)(&agent.state(call)), "the call is as it was");
        assert!(active(&customer.state(there)));
        model = usb.plug_again(&model);
        settled(&mut agent, &model);
        wait_lamps(&model, [true, false, true, false]);
        assert!(model.hook(), "its switch has followed");
    }
    model.press(MUTE);
    agent.wait_state(call, "is not muted", muted(false));
    wait_lamps(&model, [true, false, false, false]);
    model.call_button();
    agent.wait_state(call, "has ended", ended);
    customer.wait_state(there, "has ended there", ended);
    wait_lamps(&model, [false; 4]);
    agent.quit();
    customer.quit();
}

/// Two headsets of two makers show the same, and each does what the other does. A second caller is answered by the call
/// button, and the first is held; Flash swaps the two.
#[test]
fn two_headsets_and_two_callers() {
    let runtime = runtime();
    let usb = Usb::default();
    let mut agent = runtime.block_on(Desk::start(Some(Arc::new(usb.clone()))));
    let mut customers = [runtime.block_on(Desk::start(None)), runtime.block_on(Desk::start(None))];
    let (left, right) = (usb.plug("047f-c053"), usb.plug("6993-b02b"));
    settled(&mut agent, &left);
    settled(&mut agent, &right);
    let both = |on| {
        wait_lamps(&left, on);
        wait_lamps(&right, on);
    };
    let first_there = customers[0].call(&agent);
    let first = agent.wait_ringing();
    both([false, true, false, false]);
    left.call_button();
    agent.wait_state(first, "is answered", talks);
    both([true, false, false, false]);
    pause();
    right.press(MUTE);
    agent.wait_state(first, "is muted", muted(true));
    both([true, false, true, false]);
    pause();
    left.press(MUTE);
    agent.wait_state(first, "is not muted", muted(false));
    both([true, false, false, false]);

    let second_there = customers[1].call(&agent);
    let second = agent.wait_ringing();
    both([true, true, false, false]);
    // On the hook, by the headset that was not answered with: the first is not ended.
    right.call_button();
    agent.wait_state(second, "is answered", talks);
    agent.wait_state(first, "is held", held);
    both([true, false, false, true]);
    left.press(FLASH);
    agent.wait_state(first, "is taken up", talks);
    agent.wait_state(second, "is held", held);
    both([true, false, false, true]);
    pause();
    right.call_button();
    agent.wait_state(first, "has ended", ended);
    customers[0].wait_state(first_there, "has ended there", ended);
    agent.wait_state(second, "still waits", held);
    both([true, false, false, true]);
    // Nobody is talked to: the call button takes the one up who waits.
    pause();
    left.call_button();
    agent.wait_state(second, "is taken up", talks);
    both([true, false, false, false]);
    pause();
    left.call_button();
    agent.wait_state(second, "has ended", ended);
    customers[1].wait_state(second_there, "has ended there", ended);
    both([false; 4]);
    agent.quit();
    customers.into_iter().for_each(Desk::quit);
}

/// A headset that sends nonsense and takes no lamps, beside a good one; nothing dials; and the setting.
#[test]
fn what_headsets_may_not_do() {
    let runtime = runtime();
    let usb = Usb::default();
    let mut agent = runtime.block_on(Desk::start(Some(Arc::new(usb.clone()))));
    let mut customer = runtime.block_on(Desk::start(None));
    let (good, mad) = (usb.plug("1395-0082"), usb.plug("0b0e-0307"));
    mad.refuse_lamps(true);
    settled(&mut agent, &good);
    settled(&mut agent, &mad);

    // Lifted and called again while there is no call: put back on the hook, and nobody is dialled.
    good.call_button();
    good.wait_lamp(LAMP_OFF_HOOK, false);
    agent.wait_event("the button is told", |event| match event {
        Event::Headsets { told: HeadsetsEvent::Heard { deed: None, down: true, .. } } => Some(()),
        _ => None,
    });
    good.press(0x0B_0024);
    agent.wait_event("redial is told", |event| match event {
        Event::Headsets { told: HeadsetsEvent::Heard { button, deed: None, down: true, .. } } => {
            (button.kind == hatif_app::view::HeadsetButtonKind::Redial).then_some(())
        }
        _ => None,
    });
    assert_eq!(agent.calls.len(), 0);
    good.wait_hook(false);

    pause();
    let there = customer.call(&agent);
    let call = agent.wait_ringing();
    good.call_button();
    agent.wait_state(call, "is answered", talks);
    // Volume, battery, firmware, reports that are cut: nothing of it is a button.
    for byte in 0..=255 {
        mad.send(&[byte]);
        mad.send(&[0x04, byte, byte]);
        mad.send(&[0xFF, 0xFF, 0xFF, byte]);
    }
    agent.send(Command::Mute { call, on: true });
    wait_lamps(&good, [true, false, true, false]);
    assert!(active(&agent.state(call)));

    // A flood of mute presses ends in silence, told on the page; the other still works.
    for _ in 0..5_000 {
        mad.press(MUTE);
    }
    agent.wait("it floods", |desk| desk.headsets.headsets.iter().find(|headset| headset.floods).map(drop));
    usb.unplug(&mad);
    agent.wait("one is left", |desk| (desk.headsets.headsets.len() == 1).then_some(()));
    assert!(active(&agent.state(call)));

    // Switched off: dark and deaf; switched on again it shows the call.
    let settings = Settings { headset_buttons: false, ..agent.settings.clone() };
    agent.send(Command::ChangeSettings { settings });
    agent.wait("no headsets", |desk| desk.headsets.headsets.is_empty().then_some(()));
    good.wait_lamp(LAMP_OFF_HOOK, false);
    good.call_button();
    let settings = Settings { headset_buttons: true, ..agent.settings.clone() };
    agent.send(Command::ChangeSettings { settings });
    settled(&mut agent, &good);
    good.wait_lamp(LAMP_OFF_HOOK, true);
    good.call_button();
    agent.wait_state(call, "has ended", ended);
    customer.wait_state(there, "has ended there", ended);
    agent.quit();
    customer.quit();
}
