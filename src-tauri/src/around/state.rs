//! What the phone's events mean for the desktop around the window. Pure: events in, a whole `Shown` out.

use super::words::Words;
use hatif_app::{
    command::{Command, Settings},
    view::{Action, CallStateView, CallView, Event, Outcome, PeerView, RegistrationView, Snapshot, Task, WorkEvent},
};
use hatif_desktop::{Ask, Entry, Line, Notice, Shown};
use std::collections::BTreeMap;

/// Calls in the menu and missed ones in notifications, at most.
const AT_MOST: usize = 5;
/// Longest name or number that is shown, in characters.
const LONGEST: usize = 60;

/// The keys that work everywhere.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Key {
    Answer,
    HangUp,
    Mute,
    PushToTalk,
    DialSelection,
}

#[derive(Default)]
pub struct State {
    up: BTreeMap<u32, bool>,
    calls: BTreeMap<u32, CallView>,
    /// Calls that were missed since the user looked at the window, the newest last.
    missed: Vec<(u32, PeerView)>,
    /// What was reminded of since then, the newest last.
    reminders: Vec<Task>,
    do_not_disturb: bool,
    pub settings: Settings,
    system_language: String,
    /// Made anew when the language changes: a catalogue is long.
    words: Words,
}

impl State {
    /// Takes over what has changed. `looked_at`: the user has the window in front of them. Whether it matters here.
    pub fn observe(&mut self, event: &Event, looked_at: bool) -> bool {
        match event {
            Event::Snapshot { snapshot } => self.take(snapshot),
            Event::AccountChanged { account } => {
                self.up.insert(account.id, matches!(account.registration, RegistrationView::Up));
            }
            Event::AccountGone { account } => {
                self.up.remove(account);
            }
            Event::CallChanged { call } => self.call(call, looked_at),
            Event::CallGone { call } => {
                self.calls.remove(call);
            }
            Event::SettingsChanged { settings, .. } => {
                self.settings = settings.clone();
                self.words = Words::new(&self.settings, &self.system_language);
            }
            Event::Work { told: WorkEvent::Remind { task } } if !looked_at => {
                self.reminders.retain(|known| known.id != task.id);
                self.reminders.push(task.clone());
            }
            Event::Work { told: WorkEvent::TasksChanged { tasks } } if !self.reminders.is_empty() => {
                // Put off, or done.
                self.reminders.retain(|known| tasks.contains(known));
            }
            Event::AgentChanged { agent } => self.do_not_disturb = agent.do_not_disturb,
            _ => return false,
        }
        true
    }

    /// The user has looked at the window: what was missed is known. Whether that is new.
    pub fn looked(&mut self) -> bool {
        let any = !self.missed.is_empty() || !self.reminders.is_empty();
        self.missed.clear();
        self.reminders.clear();
        any
    }

    pub fn missed(&self) -> usize {
        self.missed.len()
    }

    pub fn in_call(&self) -> bool {
        self.calls.values().any(is_running)
    }

    fn take(&mut self, snapshot: &Snapshot) {
        self.up = snapshot
            .accounts
            .iter()
            .map(|account| (account.id, matches!(account.registration, RegistrationView::Up)))
            .collect();
        self.calls = snapshot.calls.iter().map(|call| (call.id, call.clone())).collect();
        self.do_not_disturb = snapshot.agent.do_not_disturb;
        self.settings = snapshot.settings.clone();
        self.system_language.clone_from(&snapshot.system_language);
        self.words = Words::new(&self.settings, &self.system_language);
    }

    fn call(&mut self, call: &CallView, looked_at: bool) {
        let was_running = self.calls.get(&call.id).is_none_or(is_running);
        let missed = matches!(call.state, CallStateView::Ended { outcome: Outcome::Missed, .. });
        if missed && was_running && !looked_at {
            self.missed.push((call.id, call.peer.clone()));
        }
        self.calls.insert(call.id, call.clone());
    }

    /// What the desktop shows now.
    pub fn shown(&self) -> Shown {
        let words = &self.words;
        let line = self.line();
        let running = self.calls.values().any(is_running);
        Shown {
            line,
            tip: self.tip(line, words),
            menu: self.menu(words),
            notices: if self.settings.desktop.notifications { self.notices(words) } else { Vec::new() },
            unseen: u32::try_from(self.missed.len()).unwrap_or(u32::MAX),
            awake: running,
            hush: running && self.settings.desktop.pause_media,
        }
    }

    fn line(&self) -> Line {
        if self.calls.values().any(rings) {
            Line::Ringing
        } else if self.calls.values().any(is_running) {
            Line::Talking
        } else if self.do_not_disturb {
            Line::DoNotDisturb
        } else if self.up.values().any(|up| *up) {
            Line::Ready
        } else {
            Line::Off
        }
    }

    fn tip(&self, line: Line, words: &Words) -> String {
        let line = words.of(match line {
            Line::Off => "desktop.tip.off",
            Line::Ready => "desktop.tip.ready",
            Line::DoNotDisturb => "desktop.tip.do_not_disturb",
            Line::Ringing => "desktop.tip.ringing",
            Line::Talking => "desktop.tip.talking",
        });
        match self.missed.len() {
            0 => line,
            n => format!("{line}\n{}", words.with("desktop.tip.missed", "n", &words.count(n))),
        }
    }

    fn menu(&self, words: &Words) -> Vec<Entry> {
        let item = |label, ask| Entry::Item { label, ask, ticked: None };
        let mut menu = vec![item(words.of("desktop.open"), Ask::Open)];
        let mut calls = Vec::new();
        for call in self.calls.values().filter(|call| is_running(call)).take(AT_MOST) {
            let who = line_of(&call.peer, words);
            let mut offer = |action, key, ask| {
                if call.actions.contains(&action) {
                    calls.push(item(words.with(key, "who", &who), ask));
                }
            };
            offer(Action::Answer, "desktop.answer", Ask::Answer(call.id));
            offer(Action::Reject, "desktop.decline", Ask::Decline(call.id));
            offer(Action::HangUp, "desktop.hang_up", Ask::HangUp(call.id));
        }
        if !calls.is_empty() {
            menu.push(Entry::Separator);
            menu.append(&mut calls);
        }
        menu.push(Entry::Separator);
        menu.push(Entry::Item {
            label: words.of("agent.do_not_disturb"),
            ask: Ask::DoNotDisturb(!self.do_not_disturb),
            ticked: Some(self.do_not_disturb),
        });
        menu.push(item(words.of("desktop.quit"), Ask::Quit));
        menu
    }

    fn notices(&self, words: &Words) -> Vec<Notice> {
        let ringing = self.calls.values().filter(|call| rings(call)).map(|call| {
            let mut buttons = Vec::new();
            if call.actions.contains(&Action::Answer) {
                buttons.push((words.of("desktop.button.answer"), Ask::Answer(call.id)));
            }
            if call.actions.contains(&Action::Reject) {
                buttons.push((words.of("desktop.button.decline"), Ask::Decline(call.id)));
            }
            Notice {
                key: u64::from(call.id),
                title: words.of("desktop.incoming"),
                body: lines_of(&call.peer, call.queue.as_deref(), words),
                buttons,
                click: Ask::Open,
                ringing: true,
            }
        });
        // A key of its own: the notice of the call that rang is gone, this one is new.
        let missed = self.missed.iter().rev().take(AT_MOST).map(|(id, peer)| Notice {
            key: u64::from(*id) | 1 << 32,
            title: words.of("desktop.missed"),
            body: lines_of(peer, None, words),
            buttons: Vec::new(),
            click: Ask::Open,
            ringing: false,
        });
        let reminders = self.reminders.iter().rev().take(AT_MOST).map(|task| {
            let parts = [&task.name, &task.text, &task.address].into_iter().filter(|text| !text.is_empty());
            Notice {
                key: u64::from(task.id) | 1 << 33,
                title: words.of("desktop.reminder"),
                body: parts.map(|text| apart(text, '\u{2068}')).collect::<Vec<_>>().join("\n"),
                buttons: Vec::new(),
                click: Ask::Open,
                ringing: false,
            }
        });
        ringing.chain(missed).chain(reminders).collect()
    }

    /// What a key that works everywhere asks of the phone.
    pub fn pressed(&self, key: Key, down: bool) -> Option<Command> {
        let with = |action| self.calls.values().rev().find(|call| call.actions.contains(&action)).map(|call| call.id);
        match (key, down) {
            (Key::Answer, true) => with(Action::Answer).map(|call| Command::Answer { call }),
            // Whoever rings is declined before a talk is ended: a talk that was ended by mistake is lost.
            (Key::HangUp, true) => with(Action::Reject)
                .map(|call| Command::Reject { call })
                .or_else(|| self.in_front().map(|call| Command::HangUp { call: call.id })),
            (Key::Mute, true) => {
                let call = self.in_front()?;
                let on = call.actions.contains(&Action::Mute);
                (on || call.actions.contains(&Action::Unmute)).then_some(Command::Mute { call: call.id, on })
            }
            (Key::PushToTalk, down) => {
                let call = self.in_front()?;
                let wanted = if down { Action::Unmute } else { Action::Mute };
                call.actions.contains(&wanted).then_some(Command::Mute { call: call.id, on: !down })
            }
            _ => None,
        }
    }

    /// The call that is talked in, else the newest that can be hung up.
    fn in_front(&self) -> Option<&CallView> {
        let can_end = |call: &&CallView| call.actions.contains(&Action::HangUp);
        let talks = |call: &&CallView| call.actions.contains(&Action::Hold);
        let calls = || self.calls.values().rev().filter(can_end);
        calls().find(talks).or_else(|| calls().next())
    }
}

fn is_running(call: &CallView) -> bool {
    !matches!(call.state, CallStateView::Ended { .. })
}

fn rings(call: &CallView) -> bool {
    matches!(call.state, CallStateView::Incoming)
}

/// A stranger's text, set apart so that its direction stays its own, and cut.
fn apart(text: &str, opening: char) -> String {
    let mut cut: String = text.chars().filter(|c| !c.is_control()).take(LONGEST).collect();
    if text.chars().count() > LONGEST {
        cut.push('…');
    }
    format!("{opening}{cut}\u{2069}")
}

fn named(peer: &PeerView, words: &Words) -> (Option<String>, String) {
    let name = peer.name.as_deref().filter(|name| !name.is_empty()).map(|name| apart(name, '\u{2068}'));
    let address =
        if peer.address.is_empty() { words.of("desktop.anonymous") } else { apart(&peer.address, '\u{2066}') };
    (name, address)
}

fn line_of(peer: &PeerView, words: &Words) -> String {
    match named(peer, words) {
        (Some(name), address) => format!("{name} {address}"),
        (None, address) => address,
    }
}

fn lines_of(peer: &PeerView, queue: Option<&str>, words: &Words) -> String {
    let (name, address) = named(peer, words);
    let queue = queue.map(|queue| apart(queue, '\u{2068}'));
    [name, Some(address), queue].into_iter().flatten().collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use hatif_app::view::{Direction, HoldView, SecurityView, Text, VerifiedView};

    fn call(id: u32, state: CallStateView, actions: &[Action]) -> CallView {
        CallView {
            id,
            account: 1,
            account_label: String::new(),
            direction: Direction::Incoming,
            peer: PeerView { name: Some("Bob \u{7}\n<b>".into()), address: "+4930".into() },
            queue: None,
            ivr: None,
            customer: None,
            dialled: None,
            verified: VerifiedView::Unknown,
            security: SecurityView::Plain,
            practice: false,
            emergency: false,
            consult_for: None,
            replaces: None,
            conference: false,
            silenced: false,
            transfer: None,
            ask: None,
            recording: Default::default(),
            digits: String::new(),
            started_ms: 0.0,
            state,
            actions: actions.to_vec(),
            quality: None,
        }
    }

    fn told(state: &mut State, call: CallView) {
        assert!(state.observe(&Event::CallChanged { call }, false));
    }

    fn ended(outcome: Outcome) -> CallStateView {
        let reason = Text { code: "call.gone".into(), params: BTreeMap::new() };
        CallStateView::Ended { reason, outcome, talked_s: 0 }
    }

    const TALK: &[Action] = &[Action::HangUp, Action::Mute, Action::Hold];
    const RING: &[Action] = &[Action::Answer, Action::Reject];

    fn talking() -> CallStateView {
        CallStateView::Active { since_ms: 0.0, hold: HoldView::None, muted: false }
    }

    #[test]
    fn a_task_is_reminded_of_until_the_user_looks_or_it_is_put_off() {
        let mut state = State::default();
        let task = Task { id: 3, name: "Omid".into(), address: "600".into(), due_ms: 7, ..Task::default() };
        let remind = Event::Work { told: WorkEvent::Remind { task: task.clone() } };
        assert!(!state.observe(&remind, true), "the window shows it");
        assert!(state.observe(&remind, false) && state.observe(&remind, false));
        let notices = state.shown().notices;
        assert_eq!(notices.len(), 1);
        assert!(notices[0].body.contains("Omid") && notices[0].body.contains("600"));
        let put_off = vec![Task { due_ms: 8, ..task }];
        state.observe(&Event::Work { told: WorkEvent::TasksChanged { tasks: put_off } }, false);
        assert!(state.shown().notices.is_empty());
        state.observe(&remind, false);
        assert!(state.looked() && state.shown().notices.is_empty());
    }

    #[test]
    fn a_call_rings_is_missed_and_is_known_once_the_user_looks() {
        let mut state = State::default();
        told(&mut state, call(1, CallStateView::Incoming, RING));
        let shown = state.shown();
        assert_eq!((shown.line, shown.awake, shown.hush), (Line::Ringing, true, true));
        assert_eq!(shown.notices.len(), 1);
        assert!(shown.notices[0].ringing && shown.notices[0].buttons.len() == 2);
        assert_eq!(shown.notices[0].body, "\u{2068}Bob <b>\u{2069}\n\u{2066}+4930\u{2069}", "no character that acts");
        told(&mut state, call(1, ended(Outcome::Missed), &[]));
        // The view tells it again as it lingers: it is one call.
        told(&mut state, call(1, ended(Outcome::Missed), &[]));
        assert!(state.observe(&Event::CallGone { call: 1 }, false));
        let shown = state.shown();
        assert_eq!((shown.line, shown.unseen, shown.awake, shown.hush), (Line::Off, 1, false, false));
        assert!(matches!(&shown.notices[..], [notice] if !notice.ringing && notice.key != 1));
        assert!(state.looked() && !state.looked());
        assert_eq!((state.shown().unseen, state.shown().notices.len()), (0, 0));
    }

    #[test]
    fn what_is_seen_or_taken_elsewhere_is_not_missed() {
        let mut state = State::default();
        told(&mut state, call(1, CallStateView::Incoming, RING));
        told(&mut state, call(1, ended(Outcome::Elsewhere), &[]));
        assert!(state.observe(&Event::CallChanged { call: call(2, CallStateView::Incoming, RING) }, true));
        assert!(state.observe(&Event::CallChanged { call: call(2, ended(Outcome::Missed), &[]) }, true));
        assert_eq!(state.missed(), 0);
        assert!(!state.observe(&Event::Level { microphone: 0.5, speaker: 0.5 }, false), "meters matter to nobody here");
    }

    #[test]
    fn keys_act_on_the_call_that_is_meant() {
        let mut state = State::default();
        for key in [Key::Answer, Key::HangUp, Key::Mute, Key::PushToTalk] {
            assert_eq!(state.pressed(key, true), None);
        }
        told(&mut state, call(3, talking(), TALK));
        assert_eq!(state.pressed(Key::HangUp, true), Some(Command::HangUp { call: 3 }));
        assert_eq!(state.pressed(Key::Mute, true), Some(Command::Mute { call: 3, on: true }));
        assert_eq!(state.pressed(Key::Mute, false), None);
        assert_eq!(state.pressed(Key::PushToTalk, true), None, "it is heard already");
        assert_eq!(state.pressed(Key::PushToTalk, false), Some(Command::Mute { call: 3, on: true }));
        told(&mut state, call(4, CallStateView::Incoming, RING));
        assert_eq!(state.pressed(Key::Answer, true), Some(Command::Answer { call: 4 }));
        assert_eq!(state.pressed(Key::HangUp, true), Some(Command::Reject { call: 4 }), "the talk goes on");
        let held = CallStateView::Active { since_ms: 0.0, hold: HoldView::Local, muted: false };
        told(&mut state, call(5, held, &[Action::HangUp, Action::Resume, Action::Mute]));
        assert_eq!(state.pressed(Key::Mute, true), Some(Command::Mute { call: 3, on: true }));
    }

    #[test]
    fn the_menu_offers_what_the_calls_offer_and_no_more_than_fits() {
        let mut state = State::default();
        for id in 0..30 {
            told(&mut state, call(id, CallStateView::Incoming, RING));
        }
        // Open, line, two for each call, line, do not disturb, quit.
        assert_eq!(state.shown().menu.len(), 2 + 2 * AT_MOST + 3);
        let long = PeerView { name: Some("x".repeat(10_000)), address: String::new() };
        let words = Words::new(&Settings::default(), "en");
        assert!(line_of(&long, &words).chars().count() < 120);
    }
}
