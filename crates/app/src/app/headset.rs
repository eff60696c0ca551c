//! Headsets' presses as the phone's commands, and the calls as headsets' lamps.

use super::{Fed, Run, feed};
use crate::{
    headset,
    view::{Event, HeadsetsEvent},
};
use hatif_core::phone;
use hatif_headset::Told;
use std::time::Instant;

impl Run {
    pub(super) fn headset_told(&mut self, run: u32, told: Told) {
        for (id, heard) in self.headsets.told(run, told, Instant::now()) {
            // After each press the calls are others.
            let asked = heard.press.and_then(|press| headset::obey(&headset::calls(&self.phone), press));
            let (deed, command) = asked.map(|(deed, name, command)| (deed, (name, command))).unzip();
            let button = headset::button(heard.button);
            let told = HeadsetsEvent::Heard { headset: id, button, down: heard.down, deed };
            (self.on_event)(Event::Headsets { told });
            if let Some((name, command)) = command {
                self.input(phone::Input::Command(name, command));
            }
        }
    }

    /// After everything that happened: the lamps as the calls are now.
    pub(super) fn follow_headsets(&mut self) {
        let queue = self.queue.clone();
        let on = self.phone.settings().headset_buttons;
        self.headsets.switch(on, self.config.headsets.as_ref(), move |run, told| feed(&queue, Fed::Headset(run, told)));
        self.headsets.show(Instant::now(), headset::calls(&self.phone).lamps());
        if self.headsets.take_changed() {
            let told = HeadsetsEvent::Changed { headsets: self.headsets.view() };
            (self.on_event)(Event::Headsets { told });
        }
    }
}
