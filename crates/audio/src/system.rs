//! The system's sound devices: microphone, speaker, ringer, their list, and what is wrong with them.

use crate::{
    host::Listing,
    opener::{self, Report, Request},
    slot::Slot,
    sound::{Wanted, mix},
    stream::{End, nanos},
    thread::Message,
};
use hatif_core::{
    audio::{AudioEvent, DeviceChoice, DeviceRole},
    text::Text,
};
use hatif_media::Block;
use std::{
    io,
    sync::mpsc::{SyncSender, sync_channel},
    thread::JoinHandle,
    time::{Duration, Instant},
};

/// Requests that wait for the opener; what does not fit is asked again later.
const REQUESTS: usize = 16;
/// The list is looked at so often while it matters: no sound system tells cpal of changes.
const LIST_EVERY: Duration = Duration::from_secs(2);
/// Somebody who asked for the list looks at it for a while.
const LIST_WATCHED: Duration = Duration::from_secs(60);

pub(crate) struct System {
    epoch: Instant,
    /// In the order of [`DeviceRole`].
    slots: Vec<Slot>,
    requests: Option<SyncSender<Request>>,
    opener: Option<JoinHandle<()>>,
    listing: Option<Listing>,
    /// Asked for the list and not told yet.
    list_asked: bool,
    list_pending: bool,
    list_next: Instant,
    list_watched: Instant,
    problem: Option<Text>,
}

impl System {
    pub fn start(choice: DeviceChoice, messages: SyncSender<Message>) -> io::Result<System> {
        let epoch = Instant::now();
        let (requests, served) = sync_channel(REQUESTS);
        // The media thread takes messages every 10 ms or sleeps on them, so this blocks for a moment at most.
        let report = move |report| messages.send(Message::Sound(report)).is_ok();
        let opener = std::thread::Builder::new()
            .name("hatif-devices".into())
            .spawn(move || opener::run(served, epoch, report))?;
        Ok(System {
            epoch,
            slots: vec![
                Slot::new(DeviceRole::Microphone, choice.microphone, requests.clone()),
                Slot::new(DeviceRole::Speaker, choice.speaker, requests.clone()),
                Slot::new(DeviceRole::Ringer, choice.ringer, requests.clone()),
            ],
            requests: Some(requests),
            opener: Some(opener),
            listing: None,
            list_asked: false,
            list_pending: false,
            list_next: epoch,
            list_watched: epoch,
            problem: None,
        })
    }

    pub fn list(&mut self, now: Instant) {
        self.list_asked = true;
        self.list_watched = now + LIST_WATCHED;
        self.list_next = now;
    }

    pub fn select(&mut self, choice: DeviceChoice) {
        self.slot(DeviceRole::Microphone).choose(choice.microphone);
        self.slot(DeviceRole::Speaker).choose(choice.speaker);
        self.slot(DeviceRole::Ringer).choose(choice.ringer);
    }

    /// Every tick, and while the media thread sleeps as often as [`System::rest`] says.
    pub fn update(&mut self, wanted: Wanted, now: Instant, on_event: &mut impl FnMut(AudioEvent)) {
        let shared = self.ringer_is_speaker();
        let speaker = wanted.speaker || wanted.soon.speaker || (wanted.ringer && shared);
        self.slot(DeviceRole::Microphone).update(wanted.microphone || wanted.soon.microphone, now);
        self.slot(DeviceRole::Speaker).update(speaker, now);
        self.slot(DeviceRole::Ringer).update(wanted.ringer && !shared, now);
        if self.list_matters(now) && self.list_next <= now && !self.list_pending {
            let sent = self.requests.as_ref().is_some_and(|requests| requests.try_send(Request::List).is_ok());
            self.list_pending = sent;
            self.list_next = now + LIST_EVERY;
        }
        self.tell_problem(on_event);
    }

    /// How long the media thread may sleep while nothing sounds; `None` when nothing is under way here.
    pub fn rest(&self, now: Instant) -> Option<Duration> {
        self.list_matters(now).then_some(LIST_EVERY)
    }

    /// Nothing is open, opening or to be closed.
    pub fn is_quiet(&self) -> bool {
        self.slots.iter().all(Slot::is_quiet)
    }

    pub fn report(&mut self, report: Report, now: Instant, on_event: &mut impl FnMut(AudioEvent)) {
        match report {
            Report::Opened { role, ticket, result } => self.slot(role).opened(ticket, *result, now),
            Report::Listed(listing) => {
                self.list_pending = false;
                let changed = self.listing.as_ref().is_some_and(|last| *last != listing);
                for slot in &mut self.slots {
                    slot.listed(&listing, changed);
                }
                if self.list_asked || changed {
                    self.list_asked = false;
                    let (inputs, outputs) = (listing.inputs.clone(), listing.outputs.clone());
                    on_event(AudioEvent::Devices { inputs, outputs });
                }
                self.listing = Some(listing);
            }
        }
        self.tell_problem(on_event);
    }

    /// Whether there is a microphone that gives something.
    pub fn read(&mut self, microphone: &mut Block) -> bool {
        let now = nanos(self.epoch);
        match self.slot(DeviceRole::Microphone).end() {
            Some(End::Capture(end)) => {
                end.read(microphone, now);
                end.meter().calls() > 0
            }
            _ => {
                microphone.fill(0.0);
                false
            }
        }
    }

    pub fn write(&mut self, speaker: &mut Block, ringer: &Block) {
        let now = nanos(self.epoch);
        if self.ringer_is_speaker() {
            mix(speaker, ringer);
        } else if let Some(End::Playback(end)) = self.slot(DeviceRole::Ringer).end() {
            end.write(ringer, now);
        }
        if let Some(End::Playback(end)) = self.slot(DeviceRole::Speaker).end() {
            end.write(speaker, now);
        }
    }

    fn ringer_is_speaker(&self) -> bool {
        let choice = |role: DeviceRole| self.slots[role as usize].choice();
        choice(DeviceRole::Ringer).is_none() || choice(DeviceRole::Ringer) == choice(DeviceRole::Speaker)
    }

    fn slot(&mut self, role: DeviceRole) -> &mut Slot {
        &mut self.slots[role as usize]
    }

    fn list_matters(&self, now: Instant) -> bool {
        self.list_asked || now < self.list_watched || self.problem.is_some() || !self.is_quiet()
    }

    /// One problem at a time, the gravest first: not to be heard, not to hear, not to hear it ring.
    fn tell_problem(&mut self, on_event: &mut impl FnMut(AudioEvent)) {
        let problem = self.slots.iter().find_map(|slot| slot.problem.clone());
        if problem != self.problem {
            self.problem = problem.clone();
            on_event(AudioEvent::Problem(problem));
        }
    }
}

impl Drop for System {
    fn drop(&mut self) {
        // Each gives its stream to the opener, and its sender up.
        for mut slot in self.slots.drain(..) {
            slot.close();
        }
        self.requests = None;
        if let Some(opener) = self.opener.take() {
            let _ = opener.join();
        }
    }
}
