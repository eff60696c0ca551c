//! Headsets simulated at the seam of the HID library: the real report descriptors of real models, read by another
//! reader than ours (`hidreport`), with the firmware's manners that are publicly known.

#![allow(dead_code)] // Each test uses its part.

use hatif_headset::{Found, Hid, HidError, Input, Output, Port};
use hidreport::{Field, Report, ReportDescriptor};
use std::{
    collections::BTreeMap,
    path::Path,
    sync::{
        Arc, Condvar, Mutex, MutexGuard,
        mpsc::{Receiver, RecvTimeoutError, Sender, channel},
    },
    time::{Duration, Instant},
};

pub const HOOK: u32 = 0x0B_0020;
pub const FLASH: u32 = 0x0B_0021;
pub const DROP: u32 = 0x0B_0026;
pub const MUTE: u32 = 0x0B_002F;
pub const PROGRAMMABLE: u32 = 0x0B_0007;
pub const LAMP_MUTE: u32 = 0x08_0009;
pub const LAMP_OFF_HOOK: u32 = 0x08_0017;
pub const LAMP_RING: u32 = 0x08_0018;
pub const LAMP_HOLD: u32 = 0x08_0020;

/// The models that have all of a call's buttons and lamps.
pub const MODELS: [&str; 12] = [
    "047f-02e6",
    "047f-02ec",
    "047f-c053",
    "0b0e-0307",
    "0b0e-2453",
    "0b0e-2456",
    "1395-0082",
    "1395-009c",
    "1395-00a2",
    "1395-00a9",
    "413c-8223",
    "6993-b02b",
];
/// What waits is given up then; nothing is measured by it.
const DEADLINE: Duration = Duration::from_secs(60);

/// A model's report descriptor.
pub fn descriptor(model: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("crates").join("headset/tests/descriptors");
    let text = std::fs::read_to_string(folder.join(format!("{model}.hex"))).expect("the descriptor is there");
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines.flat_map(str::split_whitespace).map(|byte| u8::from_str_radix(byte, 16).expect("a byte")).collect()
}

/// Where a usage lies: its report's id, length and bit, the id's byte included.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Place {
    pub id: Option<u8>,
    pub bytes: usize,
    pub bit: usize,
}

/// As `hidreport` says, which gives all usages of a field the page that is named last.
pub fn place<'a>(reports: impl Iterator<Item = &'a (impl Report + 'a)>, usage: u32) -> Option<Place> {
    let last_page = 0x09_0000 | usage & 0xFFFF;
    let wanted = |of: u32| of == usage || (usage == PROGRAMMABLE && of == last_page);
    for report in reports {
        for field in report.fields() {
            let of = match field {
                Field::Variable(field) => Some(field.usage),
                // One of several, in one bit: 1 is the first.
                Field::Array(field) if field.bits.len() == 1 => field.usages().first().copied(),
                _ => None,
            };
            if of.is_some_and(|of| wanted(u32::from(of))) {
                let id = report.report_id().map(u8::from);
                return Some(Place { id, bytes: report.size_in_bytes(), bit: field.bits().start });
            }
        }
    }
    None
}

/// The USB of a computer, and what is plugged in there.
#[derive(Clone, Debug, Default)]
pub struct Usb(Arc<Mutex<BTreeMap<String, Model>>>);

impl Usb {
    pub fn plug(&self, model: &str) -> Model {
        let made = Model::new(model);
        self.lock().insert(made.key.clone(), made.clone());
        made
    }

    /// The same thing again, as after it was unplugged.
    pub fn plug_again(&self, model: &Model) -> Model {
        let made = Model { key: model.key.clone(), ..Model::new(&model.model) };
        self.lock().insert(made.key.clone(), made.clone());
        made
    }

    pub fn unplug(&self, model: &Model) {
        self.lock().remove(&model.key);
        model.change(|state| state.wire = None);
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Model>> {
        self.0.lock().expect("no test panics with it")
    }
}

impl Hid for Usb {
    fn list(&self) -> Result<Vec<Found>, HidError> {
        Ok(self.lock().values().map(|model| Found { key: model.key.clone(), name: model.model.clone() }).collect())
    }

    fn open(&self, key: &str) -> Result<Port, HidError> {
        let model = self.lock().get(key).cloned().ok_or(HidError::Failed("gone".into()))?;
        let (wire, reports) = channel();
        let descriptor = model.change(|state| {
            if state.denied {
                return Err(HidError::Denied);
            }
            state.wire = Some(wire);
            Ok(state.descriptor.clone())
        })?;
        Ok(Port { descriptor, input: Box::new(Reading(reports)), output: Box::new(model) })
    }
}

struct Reading(Receiver<Vec<u8>>);

impl Input for Reading {
    fn read(&mut self, into: &mut [u8], wait: Duration) -> Result<usize, HidError> {
        match self.0.recv_timeout(wait) {
            Ok(report) => {
                into[..report.len()].copy_from_slice(&report);
                Ok(report.len())
            }
            Err(RecvTimeoutError::Timeout) => Ok(0),
            Err(RecvTimeoutError::Disconnected) => Err(HidError::Failed("unplugged".into())),
        }
    }
}

/// One headset.
#[derive(Clone, Debug)]
pub struct Model {
    pub key: String,
    pub model: String,
    state: Arc<(Mutex<State>, Condvar)>,
}

#[derive(Debug)]
struct State {
    descriptor: Vec<u8>,
    parsed: Option<ReportDescriptor>,
    wire: Option<Sender<Vec<u8>>>,
    /// Input reports by id, as they stand.
    inputs: BTreeMap<u8, Vec<u8>>,
    lamps: BTreeMap<u32, bool>,
    /// All that was written.
    written: Vec<Vec<u8>>,
    denied: bool,
    refuses: bool,
}

impl Model {
    pub fn new(model: &str) -> Model {
        static COUNT: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
        let number = COUNT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let descriptor = descriptor(model);
        let state = State {
            parsed: ReportDescriptor::try_from(&descriptor).ok(),
            descriptor,
            wire: None,
            inputs: BTreeMap::new(),
            lamps: BTreeMap::new(),
            written: Vec::new(),
            denied: false,
            refuses: false,
        };
        let state = Arc::new((Mutex::new(state), Condvar::new()));
        Model { key: format!("usb {number}"), model: model.to_owned(), state }
    }

    fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let made = change(&mut self.state.0.lock().expect("no test panics with it"));
        self.state.1.notify_all();
        made
    }

    /// Waits until the headset is so.
    fn wait(&self, what: &str, is: impl Fn(&State) -> bool) {
        let began = Instant::now();
        let mut state = self.state.0.lock().expect("no test panics with it");
        while !is(&state) {
            assert!(began.elapsed() < DEADLINE, "{} never {what}: lamps {:x?}", self.model, state.lamps);
            state = self.state.1.wait_timeout(state, Duration::from_millis(100)).expect("no test panics with it").0;
        }
    }

    pub fn wait_open(&self) {
        self.wait("is opened", |state| state.wire.is_some());
    }

    pub fn wait_lamp(&self, lamp: u32, on: bool) {
        self.wait(&format!("has lamp {lamp:#x} {on}"), |state| {
            state.lamps.get(&lamp).copied().unwrap_or_default() == on
        });
    }

    /// The switch has followed its lamp.
    pub fn wait_hook(&self, off: bool) {
        self.wait(&format!("has its hook {off}"), |state| state.is(HOOK) == off);
    }

    pub fn lamp(&self, lamp: u32) -> bool {
        self.change(|state| state.lamps.get(&lamp).copied().unwrap_or_default())
    }

    pub fn written(&self) -> Vec<Vec<u8>> {
        self.change(|state| state.written.clone())
    }

    pub fn deny(&self, denied: bool) {
        self.change(|state| state.denied = denied);
    }

    pub fn refuse_lamps(&self, refuses: bool) {
        self.change(|state| state.refuses = refuses);
    }

    /// Whatever bytes.
    pub fn send(&self, report: &[u8]) {
        self.change(|state| state.tell(report.to_vec()));
    }

    /// The call button: the hook switch goes the other way.
    pub fn call_button(&self) {
        self.change(|state| {
            let off = state.is(HOOK);
            state.set(HOOK, !off);
        });
    }

    /// A button that is let go again: 1, then 0.
    pub fn press(&self, usage: u32) {
        self.change(|state| {
            state.set(usage, true);
            state.set(usage, false);
        });
    }

    pub fn has(&self, usage: u32) -> bool {
        self.change(|state| state.input(usage).is_some())
    }

    /// The button that declines: Drop, or the programmable one.
    pub fn reject_button(&self) {
        self.press(if self.has(DROP) { DROP } else { PROGRAMMABLE });
    }

    pub fn hook(&self) -> bool {
        self.change(|state| state.is(HOOK))
    }
}

impl State {
    fn input(&self, usage: u32) -> Option<Place> {
        place(self.parsed.as_ref()?.input_reports().iter(), usage)
    }

    fn tell(&mut self, report: Vec<u8>) {
        if let Some(wire) = &self.wire {
            // A closed device sends to nobody.
            let _ = wire.send(report);
        }
    }

    fn is(&self, usage: u32) -> bool {
        let place = self.input(usage).expect("the model has it");
        self.inputs.get(&place.id.unwrap_or_default()).is_some_and(|report| bit(report, place.bit))
    }

    fn set(&mut self, usage: u32, on: bool) {
        let place = self.input(usage).expect("the model has it");
        let id = place.id.unwrap_or_default();
        let report = self.inputs.entry(id).or_insert_with(|| {
            let mut report = vec![0; place.bytes];
            if let (Some(id), Some(first)) = (place.id, report.first_mut()) {
                *first = id;
            }
            report
        });
        let (byte, mask) = (place.bit / 8, 1 << (place.bit % 8));
        report[byte] = if on { report[byte] | mask } else { report[byte] & !mask };
        let report = report.clone();
        self.tell(report);
    }
}

fn bit(report: &[u8], bit: usize) -> bool {
    report.get(bit / 8).is_some_and(|byte| byte >> (bit % 8) & 1 == 1)
}

impl Output for Model {
    /// The firmware: lamps are lit, and the hook switch follows its lamp and tells so.
    fn write(&mut self, report: &[u8]) -> Result<(), HidError> {
        self.change(|state| {
            if state.refuses || state.wire.is_none() {
                return Err(HidError::Failed("stalled".into()));
            }
            state.written.push(report.to_vec());
            for usage in [LAMP_MUTE, LAMP_OFF_HOOK, LAMP_RING, LAMP_HOLD] {
                let place = state.parsed.as_ref().and_then(|all| place(all.output_reports().iter(), usage));
                let Some(place) = place.filter(|place| place.id.unwrap_or_default() == report[0]) else { continue };
                // hidapi's leading 0 stands where there is no id.
                let payload = if place.id.is_some() { report } else { &report[1..] };
                assert_eq!(payload.len(), place.bytes, "the whole report is written");
                let on = bit(payload, place.bit);
                state.lamps.insert(usage, on);
                if usage == LAMP_OFF_HOOK && state.input(HOOK).is_some() && state.is(HOOK) != on {
                    state.set(HOOK, on);
                }
            }
            Ok(())
        })
    }
}
