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
    audio::{AudioDevice, AudioEvent, DeviceChoice, DeviceRole},
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
const LIST_EVERY: Duration = Duration::from_secs(1);
/// Somebody who asked for the list looks at it for a while.
const LIST_WATCHED: Duration = Duration::from_secs(60);

pub(crate) struct System {
    epoch: Instant,
    microphone: Slot,
    speaker: Slot,
    /// Ringers that are devices of their own.
    ringers: Vec<Slot>,
    /// It rings on the speaker, alone or beside the others.
    rings_on_speaker: bool,
    /// Slots made so far.
    slots: u64,
    choice: DeviceChoice,
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
        let mut system = System {
            epoch,
            microphone: Slot::new(DeviceRole::Microphone, 0, requests.clone()),
            speaker: Slot::new(DeviceRole::Speaker, 1, requests.clone()),
            ringers: vec![],
            rings_on_speaker: true,
            slots: 2,
            choice: DeviceChoice::default(),
            requests: Some(requests),
            opener: Some(opener),
            listing: None,
            list_asked: false,
            list_pending: false,
            list_next: epoch,
            list_watched: epoch,
            problem: None,
        };
        system.select(choice);
        Ok(system)
    }

    pub fn list(&mut self, now: Instant) {
        self.list_asked = true;
        self.list_watched = now + LIST_WATCHED;
        self.list_next = now;
    }

    pub fn select(&mut self, choice: DeviceChoice) {
        self.microphone.choose(choice.microphone.clone(), choice.microphones_before.clone());
        self.speaker.choose(choice.speaker.clone(), choice.speakers_before.clone());
        let chosen: Vec<&String> = choice.ringer.iter().chain(&choice.more_ringers).collect();
        let (on_speaker, apart): (Vec<&String>, Vec<&String>) =
            chosen.iter().copied().partition(|id| Some(*id) == choice.speaker.as_ref());
        self.rings_on_speaker = chosen.is_empty() || !on_speaker.is_empty();
        for mut slot in std::mem::take(&mut self.ringers) {
            if slot.choice().is_some_and(|id| apart.iter().any(|apart| *apart == id)) {
                self.ringers.push(slot);
            } else {
                slot.close();
            }
        }
        for id in apart {
            if self.ringers.iter().all(|slot| slot.choice() != Some(id))
                && let Some(requests) = &self.requests
            {
                let mut slot = Slot::new(DeviceRole::Ringer, self.slots, requests.clone());
                slot.choose(Some(id.clone()), vec![]);
                self.slots += 1;
                self.ringers.push(slot);
            }
        }
        self.choice = choice;
    }

    /// Every tick, and while the media thread sleeps as often as [`System::rest`] says.
    pub fn update(&mut self, wanted: Wanted, now: Instant, on_event: &mut impl FnMut(AudioEvent)) {
        let ringing_speaker = wanted.ringer && self.rings_on_speaker;
        self.microphone.update(wanted.microphone || wanted.soon.microphone, now);
        self.speaker.update(wanted.speaker || wanted.soon.speaker || ringing_speaker, now);
        for slot in &mut self.ringers {
            slot.update(wanted.ringer, now);
        }
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
        self.slots().all(Slot::is_quiet)
    }

    pub fn report(&mut self, report: Report, now: Instant, on_event: &mut impl FnMut(AudioEvent)) {
        match report {
            Report::Opened { role, ticket, result } => {
                let slot = self.slots_mut().find(|slot| slot.owns(ticket));
                let Some(slot) = slot else {
                    if let (Ok(opened), Some(requests)) = (*result, &self.requests) {
                        // A ringer that was given up meanwhile. The queue is empty: the opener has just answered.
                        let _ = requests.try_send(Request::Close(opened.stream));
                    }
                    return;
                };
                if slot.opened(ticket, *result, now) {
                    on_event(moved(role, slot));
                }
            }
            Report::Listed(listing) => {
                self.list_pending = false;
                let changed = self.listing.as_ref().is_some_and(|last| *last != listing);
                for slot in self.slots_mut() {
                    if slot.listed(&listing, changed) {
                        on_event(moved(slot.role(), slot));
                    }
                }
                if let Some(last) = self.listing.as_ref().filter(|_| changed) {
                    for (role, device) in arrived(last, &listing, &self.choice) {
                        on_event(AudioEvent::Arrived { role, device });
                    }
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
        match self.microphone.end() {
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
        for slot in &mut self.ringers {
            if let Some(End::Playback(end)) = slot.end() {
                end.write(ringer, now);
            }
        }
        if self.rings_on_speaker {
            mix(speaker, ringer);
        }
        if let Some(End::Playback(end)) = self.speaker.end() {
            end.write(speaker, now);
        }
    }

    /// Gaps so far: of the microphone and of the speaker.
    pub fn gaps(&self) -> (u64, u64) {
        (self.microphone.gaps(), self.speaker.gaps())
    }

    /// Microphone or speaker are other devices than before; whether they are a headset. Told once.
    pub fn changed(&mut self) -> Option<bool> {
        let anew = std::mem::take(&mut self.microphone.opened_anew) | std::mem::take(&mut self.speaker.opened_anew);
        let headset = [&self.microphone, &self.speaker].iter().all(|slot| slot.device().is_some_and(is_headset));
        anew.then_some(headset)
    }

    fn slots(&self) -> impl Iterator<Item = &Slot> {
        [&self.microphone, &self.speaker].into_iter().chain(&self.ringers)
    }

    fn slots_mut(&mut self) -> impl Iterator<Item = &mut Slot> {
        [&mut self.microphone, &mut self.speaker].into_iter().chain(&mut self.ringers)
    }

    fn list_matters(&self, now: Instant) -> bool {
        self.list_asked || now < self.list_watched || self.problem.is_some() || !self.is_quiet()
    }

    /// One problem at a time, the gravest first: not to be heard, not to hear, not to hear it ring.
    fn tell_problem(&mut self, on_event: &mut impl FnMut(AudioEvent)) {
        let problem = self.slots().find_map(|slot| slot.problem.clone());
        if problem != self.problem {
            self.problem = problem.clone();
            on_event(AudioEvent::Problem(problem));
        }
    }
}

fn moved(role: DeviceRole, slot: &Slot) -> AudioEvent {
    AudioEvent::Moved { role, device: slot.device().unwrap_or_default().to_owned() }
}

/// Headsets that were not there before and are not chosen: to be offered.
fn arrived(last: &Listing, now: &Listing, choice: &DeviceChoice) -> Vec<(DeviceRole, AudioDevice)> {
    let fresh = |last: &[AudioDevice], now: &[AudioDevice], role, chosen: &Option<String>| {
        now.iter()
            .filter(|device| last.iter().all(|known| known.id != device.id) && chosen.as_ref() != Some(&device.id))
            .filter(|device| is_headset(&device.name) || is_headset(&device.id))
            .map(|device| (role, device.clone()))
            .collect::<Vec<_>>()
    };
    let mut all = fresh(&last.inputs, &now.inputs, DeviceRole::Microphone, &choice.microphone);
    all.extend(fresh(&last.outputs, &now.outputs, DeviceRole::Speaker, &choice.speaker));
    all
}

/// Whether it is worn on the head, by what systems and makers call such devices.
fn is_headset(name: &str) -> bool {
    const WORDS: [&str; 9] =
        ["headset", "headphone", "hands-free", "handsfree", "earphone", "bluez", "bluetooth", "airpods", "buds"];
    let name = name.to_lowercase();
    WORDS.iter().any(|word| name.contains(word))
}

impl Drop for System {
    fn drop(&mut self) {
        // Each gives its stream to the opener.
        self.ringers.iter_mut().for_each(Slot::close);
        self.ringers.clear();
        self.microphone.close();
        self.speaker.close();
        if let Some(requests) = self.requests.take() {
            // It has gone already if nobody took its reports any more.
            let _ = requests.send(Request::Stop);
        }
        if let Some(opener) = self.opener.take() {
            let _ = opener.join();
        }
    }
}
