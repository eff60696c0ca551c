//! Headsets that come and go. One thread lists the devices; each headset has a thread that reads and one that writes.
//! None of them is the media's, the loop's or the window's.

use crate::{
    hid::{Found, Hid, HidError, Input, Output},
    layout::Layout,
};
use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel},
    },
    thread,
    time::{Duration, Instant},
};

/// How often the devices are listed.
const PACE: Duration = Duration::from_millis(1500);
/// A reader that hears nothing looks so often whether it is still wanted.
const PATIENCE: Duration = Duration::from_secs(1);
/// Reports in the way to a headset; a headset that does not take them misses some.
const IN_THE_WAY: usize = 16;
/// A person presses some buttons a second. What is more than these, and `REPORTS_A_SECOND` after them, is nonsense.
const BURST: f64 = 30.0;
const REPORTS_A_SECOND: f64 = 20.0;
/// So long nothing is heard of one that sent nonsense.
const QUARANTINE: Duration = Duration::from_secs(5);
/// At most so many headsets at once.
const MOST: usize = 8;
const LONGEST_REPORT: usize = 8192;

/// What becomes of headsets. Each has an id that is not used twice.
#[derive(Debug)]
pub enum Told {
    Came {
        id: u32,
        name: String,
        layout: Layout,
        pen: Pen,
    },
    Said {
        id: u32,
        report: Vec<u8>,
    },
    /// It sends more than anybody can press, and is not listened to for a while.
    Floods {
        id: u32,
    },
    Gone {
        id: u32,
    },
    /// One is there that this user may not open; told once.
    Denied {
        name: String,
    },
    /// The one that was denied is gone, or opened.
    Granted {
        name: String,
    },
}

/// Writes to one headset, without waiting for it.
#[derive(Clone, Debug)]
pub struct Pen(SyncSender<Vec<u8>>);

impl Pen {
    /// `false`: the headset has not taken what was written before, and this is lost.
    pub fn write(&self, report: Vec<u8>) -> bool {
        self.0.try_send(report).is_ok()
    }
}

/// Dropped, it listens no more.
pub struct Watch {
    stopped: Arc<AtomicBool>,
    /// Wakes the listing thread by its end.
    _wake: SyncSender<()>,
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.stopped.store(true, Ordering::Relaxed);
    }
}

type Tell = Arc<dyn Fn(Told) + Send + Sync>;

impl Watch {
    /// `tell` is called from several threads and must not block.
    pub fn start(hid: Arc<dyn Hid>, tell: impl Fn(Told) + Send + Sync + 'static) -> std::io::Result<Watch> {
        let (wake, asleep) = sync_channel(1);
        let stopped = Arc::new(AtomicBool::new(false));
        let mut watching = Watching {
            hid,
            tell: Arc::new(tell),
            stopped: stopped.clone(),
            open: BTreeMap::new(),
            denied: Vec::new(),
            next: 1,
        };
        thread::Builder::new().name("hatif-headset".into()).spawn(move || {
            watching.look();
            while let Err(RecvTimeoutError::Timeout) = asleep.recv_timeout(PACE) {
                watching.look();
            }
        })?;
        Ok(Watch { stopped, _wake: wake })
    }
}

struct Watching {
    hid: Arc<dyn Hid>,
    tell: Tell,
    stopped: Arc<AtomicBool>,
    /// By key; `None` is none that we can use.
    open: BTreeMap<String, Option<Arc<AtomicBool>>>,
    denied: Vec<Found>,
    next: u32,
}

impl Watching {
    fn look(&mut self) {
        let found = match self.hid.list() {
            Ok(found) => found,
            Err(error) => return tracing::debug!(%error, "the devices cannot be listed"),
        };
        self.open.retain(|key, alive| {
            let listed = found.iter().any(|found| found.key == *key);
            if let Some(alive) = alive {
                // Its reader has told that it is gone, or will: one may be plugged in again between two looks.
                if !listed {
                    alive.store(false, Ordering::Relaxed);
                }
                return alive.load(Ordering::Relaxed);
            }
            listed
        });
        let tell = self.tell.clone();
        self.denied.retain(|denied| {
            let listed = found.contains(denied);
            if !listed {
                tell(Told::Granted { name: denied.name.clone() });
            }
            listed
        });
        for found in found {
            if !self.open.contains_key(&found.key) && self.open.len() < MOST {
                self.come(found);
            }
        }
    }

    fn come(&mut self, found: Found) {
        let port = match self.hid.open(&found.key) {
            Ok(port) => port,
            // udev may give the permission a moment after the device is there: tried again at the next look.
            Err(HidError::Denied) if !self.denied.contains(&found) => {
                (self.tell)(Told::Denied { name: found.name.clone() });
                return self.denied.push(found);
            }
            Err(HidError::Denied) => return,
            Err(error) => return tracing::debug!(%error, "a headset does not open"),
        };
        if let Some(denied) = self.denied.iter().position(|denied| *denied == found) {
            (self.tell)(Told::Granted { name: self.denied.remove(denied).name });
        }
        let layout = match Layout::read(&port.descriptor) {
            Ok(Some(layout)) => layout,
            refused => {
                if let Err(error) = refused {
                    tracing::info!(%error, "a headset's descriptor makes no sense");
                }
                return drop(self.open.insert(found.key, None));
            }
        };
        let id = self.next;
        self.next += 1;
        let alive = Arc::new(AtomicBool::new(true));
        let (pen, reports) = sync_channel(IN_THE_WAY);
        let (output, input) = (port.output, port.input);
        let body = move || write(output, &reports);
        if thread::Builder::new().name("hatif-lamps".into()).spawn(body).is_err() {
            return tracing::error!("no thread for a headset's lamps");
        }
        (self.tell)(Told::Came { id, name: found.name, layout: layout.clone(), pen: Pen(pen) });
        let reader =
            Reader { id, layout, tell: self.tell.clone(), stopped: self.stopped.clone(), alive: alive.clone() };
        if thread::Builder::new().name("hatif-buttons".into()).spawn(move || reader.run(input)).is_err() {
            (self.tell)(Told::Gone { id });
            return tracing::error!("no thread for a headset's buttons");
        }
        self.open.insert(found.key, Some(alive));
    }
}

/// Until whoever writes has gone.
fn write(mut output: Box<dyn Output>, reports: &Receiver<Vec<u8>>) {
    let mut told = false;
    while let Ok(report) = reports.recv() {
        if let Err(error) = output.write(&report)
            && !std::mem::replace(&mut told, true)
        {
            tracing::info!(%error, "a headset does not take its lamps");
        }
    }
}

struct Reader {
    id: u32,
    layout: Layout,
    tell: Tell,
    stopped: Arc<AtomicBool>,
    alive: Arc<AtomicBool>,
}

impl Reader {
    fn run(self, mut input: Box<dyn Input>) {
        let mut buffer = vec![0; LONGEST_REPORT];
        let mut last: BTreeMap<u8, Vec<u8>> = BTreeMap::new();
        let mut flow = Flow { left: BURST, at: Instant::now(), deaf_until: None };
        while !self.stopped.load(Ordering::Relaxed) && self.alive.load(Ordering::Relaxed) {
            let report = match input.read(&mut buffer, PATIENCE) {
                Ok(0) => continue,
                Ok(length) => &buffer[..length.min(LONGEST_REPORT)],
                Err(_) => break,
            };
            // The same again is no news; most of what a headset sends is of its battery and firmware.
            let id = report.first().copied().unwrap_or_default();
            if !self.layout.tells(report) || last.get(&id).is_some_and(|last| last == report) {
                continue;
            }
            match flow.takes(Instant::now()) {
                Flowing::Heard => {
                    last.insert(id, report.to_vec());
                    (self.tell)(Told::Said { id: self.id, report: report.to_vec() });
                }
                Flowing::Floods => (self.tell)(Told::Floods { id: self.id }),
                Flowing::Deaf => {}
            }
        }
        self.alive.store(false, Ordering::Relaxed);
        (self.tell)(Told::Gone { id: self.id });
    }
}

/// How many reports a headset may still send.
struct Flow {
    left: f64,
    at: Instant,
    deaf_until: Option<Instant>,
}

enum Flowing {
    Heard,
    Floods,
    Deaf,
}

impl Flow {
    fn takes(&mut self, now: Instant) -> Flowing {
        if self.deaf_until.is_some_and(|until| now < until) {
            return Flowing::Deaf;
        }
        self.deaf_until = None;
        self.left = (self.left + REPORTS_A_SECOND * (now - self.at).as_secs_f64()).min(BURST);
        self.at = now;
        if self.left < 1.0 {
            self.deaf_until = Some(now + QUARANTINE);
            return Flowing::Floods;
        }
        self.left -= 1.0;
        Flowing::Heard
    }
}
