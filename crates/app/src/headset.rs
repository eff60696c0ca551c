//! The USB headsets that are there, between their reports and the calls.

use crate::view::{
    HeadsetButton, HeadsetButtonKind as Kind, HeadsetDeed, HeadsetLamp, HeadsetLampKind, HeadsetView, HeadsetsView,
};
use hatif_core::{
    call::CallState,
    customer,
    ids::CallId,
    phone::{self, Action, Phone},
};
use hatif_headset::{Button, Calls, Deed, Headset, Heard, Hid, Lamp, Lamps, Pen, Press, Told, Watch};
use std::{collections::BTreeMap, sync::Arc, time::Instant};

/// A headset's name as it is shown, in characters.
const LONGEST_NAME: usize = 80;

#[derive(Default)]
pub struct Headsets {
    /// Settings are read: before, nobody knows whether headsets are wanted.
    known: bool,
    watch: Option<Watch>,
    /// Counts the watches: what an earlier one still tells is not heard.
    run: u32,
    there: BTreeMap<u32, There>,
    denied: Vec<String>,
    changed: bool,
}

struct There {
    name: String,
    headset: Headset,
    pen: Pen,
    floods: bool,
}

impl Headsets {
    pub fn known(&mut self) {
        self.known = true;
    }

    /// Begins or ends to listen, as the setting says. `tell` is given what is told, with the run that tells it.
    pub fn switch(&mut self, on: bool, hid: Option<&Arc<dyn Hid>>, tell: impl Fn(u32, Told) + Send + Sync + 'static) {
        let (Some(hid), true) = (hid, self.known && on != self.watch.is_some()) else { return };
        self.run += 1;
        let run = self.run;
        if on {
            match Watch::start(hid.clone(), move |told| tell(run, told)) {
                Ok(watch) => self.watch = Some(watch),
                // Not tried again at each event.
                Err(_) => {
                    self.known = false;
                    tracing::error!("no thread for headsets");
                }
            }
        } else {
            self.show(Instant::now(), Lamps::default());
            self.watch = None;
            self.there.clear();
            self.denied.clear();
        }
        self.changed = true;
    }

    /// What a headset's report says, with the headset's id; nothing for all else.
    pub fn told(&mut self, run: u32, told: Told, now: Instant) -> Vec<(u32, Heard)> {
        if run != self.run {
            return Vec::new();
        }
        match told {
            Told::Came { id, name, layout, pen } => {
                let headset = Headset::new(layout, now);
                self.there.insert(id, There { name: shown(&name), headset, pen, floods: false });
            }
            Told::Said { id, report } => {
                let Some(there) = self.there.get_mut(&id) else { return Vec::new() };
                self.changed |= std::mem::take(&mut there.floods);
                return there.headset.read(now, &report).into_iter().map(|heard| (id, heard)).collect();
            }
            Told::Floods { id } => {
                tracing::warn!("a headset sends more than anybody can press");
                self.there.entry(id).and_modify(|there| there.floods = true);
            }
            Told::Gone { id } => drop(self.there.remove(&id)),
            Told::Denied { name } => self.denied.push(shown(&name)),
            Told::Granted { name } => {
                let name = shown(&name);
                if let Some(at) = self.denied.iter().position(|denied| *denied == name) {
                    self.denied.remove(at);
                }
            }
        }
        self.changed = true;
        Vec::new()
    }

    /// Lights the lamps of all headsets.
    pub fn show(&mut self, now: Instant, lamps: Lamps) {
        for there in self.there.values_mut() {
            self.changed |= there.headset.lamps() != lamps;
            let reports = there.headset.show(now, lamps);
            if !reports.into_iter().all(|report| there.pen.write(report)) {
                there.headset.forget();
            }
        }
    }

    /// Whether there is something new to be seen since it was asked last.
    pub fn take_changed(&mut self) -> bool {
        std::mem::take(&mut self.changed)
    }

    pub fn view(&self) -> HeadsetsView {
        let headsets = self.there.iter().map(|(id, there)| HeadsetView {
            id: *id,
            name: there.name.clone(),
            buttons: there.headset.layout().buttons().into_iter().map(button).collect(),
            lamps: lamps(&there.headset),
            floods: there.floods,
        });
        HeadsetsView { headsets: headsets.collect(), denied: self.denied.clone() }
    }
}

fn shown(name: &str) -> String {
    customer::clean(name, false).chars().take(LONGEST_NAME).collect()
}

fn lamps(headset: &Headset) -> Vec<HeadsetLamp> {
    let (layout, on) = (headset.layout(), headset.lamps());
    let all = [
        (HeadsetLampKind::OffHook, layout.has(Lamp::OffHook), on.off_hook),
        (HeadsetLampKind::Ring, layout.has(Lamp::Ring) || layout.has(Lamp::Ringer), on.ring),
        (HeadsetLampKind::Mute, layout.has(Lamp::Mute), on.mute),
        (HeadsetLampKind::Hold, layout.has(Lamp::Hold), on.hold),
    ];
    all.into_iter().filter(|(_, has, _)| *has).map(|(kind, _, on)| HeadsetLamp { kind, on }).collect()
}

pub fn button(button: Button) -> HeadsetButton {
    let (kind, number) = match button {
        Button::Hook => (Kind::Hook, None),
        Button::Flash => (Kind::Flash, None),
        Button::Redial => (Kind::Redial, None),
        Button::Drop => (Kind::Drop, None),
        Button::Line => (Kind::Line, None),
        Button::Mute => (Kind::Mute, None),
        Button::SpeedDial => (Kind::SpeedDial, None),
        Button::VoiceMail => (Kind::VoiceMail, None),
        Button::Programmable => (Kind::Programmable, None),
        Button::LineBusy => (Kind::LineBusy, None),
        Button::Key(key) => (Kind::Key, Some(u16::from(key))),
        Button::Other(usage) => (Kind::Other, Some(usage)),
    };
    HeadsetButton { kind, number }
}

/// The calls as far as a headset goes.
pub fn calls(phone: &Phone) -> Calls {
    let mut calls = Calls::default();
    // The newest comes last, and is the one that stays.
    for entry in phone.calls() {
        let CallId(id) = entry.call.id;
        let actions = phone.actions(entry.call.id);
        let can = |action| actions.contains(&action);
        match &entry.call.state {
            CallState::Incoming if can(Action::Answer) => calls.ringing = Some(id),
            CallState::Dialing | CallState::Ringing { .. } | CallState::Answering => calls.starting = Some(id),
            CallState::Active { muted, .. } if can(Action::Hold) => calls.talking = Some((id, *muted)),
            CallState::Active { .. } if can(Action::Resume) => calls.held = Some(id),
            _ => {}
        }
    }
    calls
}

/// What a press asks of the phone, and how it is told.
pub fn obey(calls: &Calls, press: Press) -> Option<(HeadsetDeed, &'static str, phone::Command)> {
    use phone::Command as P;
    Some(match calls.deed(press)? {
        Deed::Answer(call) => (HeadsetDeed::Answer, "answer", P::Answer(CallId(call))),
        Deed::Reject(call) => (HeadsetDeed::Reject, "reject", P::Reject(CallId(call))),
        Deed::HangUp(call) => (HeadsetDeed::HangUp, "hang_up", P::HangUp(CallId(call))),
        Deed::Hold(call) => (HeadsetDeed::Hold, "hold", P::Hold(CallId(call), true)),
        Deed::Resume(call) => (HeadsetDeed::Resume, "hold", P::Hold(CallId(call), false)),
        Deed::Swap(call) => (HeadsetDeed::Swap, "swap", P::Swap(CallId(call))),
        Deed::Mute(call, on) => {
            let deed = if on { HeadsetDeed::Mute } else { HeadsetDeed::Unmute };
            (deed, "mute", P::Mute(CallId(call), on))
        }
    })
}
