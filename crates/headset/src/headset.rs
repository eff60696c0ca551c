//! One headset: what its reports mean, and what is written to it. No clock, no device: time is an argument.
//!
//! The host has the last word: what a headset sends is a request, and it is answered by lamps. Where that comes from:
//!
//! * A mute button tells 1, then 0, and forgets it unless the host lights the lamp (WICG/webhid#72); it means nothing on
//!   the hook (gnaudio/jabra-browser-integration#49).
//! * A call button that gets no off-hook lamp in answer takes itself back, after 50 ms or 2.5 s (WICG/webhid#61).
//! * A hook switch follows the lamp that we write; taken for a person's, it would answer or end a call
//!   (gonicus/gonnect#52, where holding a call ended it).

use crate::{
    calls::Lamps,
    layout::{Button, Hook, Lamp, Layout},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};

/// What a person did.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Press {
    OffHook,
    OnHook,
    /// The call button of a headset that does not know whether it is off the hook.
    Call,
    Mute,
    Flash,
    Reject,
}

/// One button in a report that was not so before.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Heard {
    pub button: Button,
    pub down: bool,
    /// `None`: nothing is asked by it, or it only answers what we wrote.
    pub press: Option<Press>,
}

/// A headset that has just come tells how it stands; that is no one's wish.
const SETTLING: Duration = Duration::from_secs(1);
/// A hook switch that still follows a lamp which is out of date (radio headsets take long).
const LATE: Duration = Duration::from_millis(500);
/// Nobody lifts and hangs up so quickly: a contact that bounces, or a button that is let go.
const BOUNCE: Duration = Duration::from_millis(400);
/// A mute button that only repeats what the lamp says.
const ECHO: Duration = Duration::from_millis(250);

pub struct Headset {
    layout: Layout,
    came: Instant,
    down: BTreeSet<Button>,
    /// The hook switch, as the headset last told it.
    hook: Option<bool>,
    /// When a person last moved it.
    moved: Option<Instant>,
    /// It said to be a switch, and is a button.
    is_button: bool,
    lamps: Lamps,
    /// What was last written, by report.
    written: BTreeMap<u8, Vec<u8>>,
    /// When the off-hook lamp was last put out, and lit.
    lit: [Option<Instant>; 2],
    muted: Option<Instant>,
    /// The hook was moved, the mute button pressed: their lamps are the answer, changed or not.
    hook_asks: bool,
    mute_asks: bool,
}

impl Headset {
    pub fn new(layout: Layout, now: Instant) -> Headset {
        Headset {
            layout,
            came: now,
            down: BTreeSet::new(),
            hook: None,
            moved: None,
            is_button: false,
            lamps: Lamps::default(),
            written: BTreeMap::new(),
            lit: [None; 2],
            muted: None,
            hook_asks: false,
            mute_asks: false,
        }
    }

    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// What the lamps were last told to be.
    pub fn lamps(&self) -> Lamps {
        self.lamps
    }

    /// What is new in a report. `show` is to follow, whether the press was obeyed or not.
    pub fn read(&mut self, now: Instant, report: &[u8]) -> Vec<Heard> {
        let mut pressed = self.layout.pressed(report);
        pressed.retain(|(button, down)| {
            self.down.contains(button) != *down || (*button == Button::Hook && self.hook.is_none())
        });
        if self.hook.is_none() && pressed.len() > 1 {
            // Told for the first time, beside another button: that one was pressed, and this is how the hook stands.
            self.hook = pressed.iter().find(|(button, _)| *button == Button::Hook).map(|(_, off)| *off);
            pressed.retain(|(button, _)| *button != Button::Hook);
            self.down.extend(self.hook.filter(|off| *off).map(|_| Button::Hook));
        }
        let mut heard = Vec::new();
        for (button, down) in pressed {
            if down {
                self.down.insert(button);
            } else {
                self.down.remove(&button);
            }
            heard.push(Heard { button, down, press: self.press(now, button, down) });
        }
        heard
    }

    fn press(&mut self, now: Instant, button: Button, down: bool) -> Option<Press> {
        match button {
            Button::Hook => self.hooked(now, down),
            Button::Mute if down => {
                self.mute_asks = true;
                (!within(self.muted, now, ECHO)).then_some(Press::Mute)
            }
            Button::Flash if down => Some(Press::Flash),
            // Headsets without Drop decline by a programmable button.
            Button::Drop | Button::Programmable if down => Some(Press::Reject),
            _ => None,
        }
    }

    fn hooked(&mut self, now: Instant, off: bool) -> Option<Press> {
        let settling = now < self.came + SETTLING;
        self.hook = Some(off);
        let is_press = self.layout.hook() == Some(Hook::Press) || self.is_button;
        if is_press || !self.layout.has(Lamp::OffHook) {
            // A switch without a lamp to follow: each way it is moved is a press.
            let counts = off || !is_press;
            return (counts && !settling && self.takes(now)).then_some(Press::Call);
        }
        self.hook_asks = true;
        if settling || off == self.lamps.off_hook || within(self.lit[usize::from(off)], now, LATE) {
            return None;
        }
        if !self.takes(now) {
            // Let go again, although a switch would stay.
            self.is_button = !off && self.layout.hook_springs_back();
            return None;
        }
        Some(if off { Press::OffHook } else { Press::OnHook })
    }

    /// Whether the hook may be moved by a person now.
    fn takes(&mut self, now: Instant) -> bool {
        let free = !within(self.moved, now, BOUNCE);
        if free {
            self.moved = Some(now);
        }
        free
    }

    /// The reports to write so that the headset shows how the calls stand: those that differ from what was written, and
    /// those that the headset went away from.
    pub fn show(&mut self, now: Instant, lamps: Lamps) -> Vec<Vec<u8>> {
        if lamps.off_hook != self.lamps.off_hook {
            self.lit[usize::from(lamps.off_hook)] = Some(now);
        }
        if lamps.mute != self.lamps.mute {
            self.muted = Some(now);
        }
        self.lamps = lamps;
        let astray = std::mem::take(&mut self.hook_asks) && self.hook.is_some_and(|hook| hook != lamps.off_hook);
        let mute_asks = std::mem::take(&mut self.mute_asks);
        let own_tone = !self.layout.has(Lamp::Ring);
        let on = |lamp| match lamp {
            Lamp::OffHook => lamps.off_hook,
            Lamp::Mute => lamps.mute,
            Lamp::Ring => lamps.ring,
            Lamp::Hold => lamps.hold,
            // It would ring beside our own tone, unless it is all that the headset has.
            Lamp::Ringer => lamps.ring && own_tone,
            Lamp::Microphone | Lamp::Speaker | Lamp::OnLine => false,
        };
        let (hook, mute) = (self.layout.report_of(Lamp::OffHook), self.layout.report_of(Lamp::Mute));
        let mut reports = self.layout.reports(on);
        reports.retain(|report| {
            let id = report.first().copied();
            let repeat = (id == mute && mute_asks) || (id == hook && astray);
            let new = id.and_then(|id| self.written.insert(id, report.clone())).as_ref() != Some(report);
            new || repeat
        });
        reports
    }

    /// The headset did not take what was written: all of it is to be written anew.
    pub fn forget(&mut self) {
        self.written.clear();
    }
}

fn within(at: Option<Instant>, now: Instant, time: Duration) -> bool {
    at.is_some_and(|at| now < at + time)
}
