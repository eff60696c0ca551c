//! Headsets that come, go, refuse, are denied and send nonsense, at the seam of the HID library.

mod support;

use hatif_headset::{Pen, Told, Watch};
use std::{
    sync::{
        Arc,
        mpsc::{Receiver, channel},
    },
    time::Duration,
};
use support::{LAMP_OFF_HOOK, MUTE, Model, Usb};

/// What waits is given up then; nothing is measured by it.
const DEADLINE: Duration = Duration::from_secs(60);

fn watch(usb: &Usb) -> (Watch, Receiver<Told>) {
    let (tell, told) = channel();
    let tell = std::sync::Mutex::new(tell);
    let watch = Watch::start(Arc::new(usb.clone()), move |told| {
        drop(tell.lock().expect("no test panics with it").send(told));
    });
    (watch.expect("there is a thread"), told)
}

fn wait<T>(told: &Receiver<Told>, what: &str, is: impl Fn(Told) -> Option<T>) -> T {
    loop {
        let next = told.recv_timeout(DEADLINE).unwrap_or_else(|error| panic!("never: {what}: {error}"));
        if let Some(found) = is(next) {
            return found;
        }
    }
}

fn came(told: &Receiver<Told>, model: &Model) -> (u32, Pen) {
    wait(told, "it comes", |told| match told {
        Told::Came { id, name, pen, .. } if name == model.model => Some((id, pen)),
        _ => None,
    })
}

fn gone(told: &Receiver<Told>, wanted: u32) {
    wait(told, "it goes", |told| matches!(told, Told::Gone { id } if id == wanted).then_some(()));
}

#[test]
fn headsets_come_and_go() {
    let usb = Usb::default();
    let (_watch, told) = watch(&usb);
    let first = usb.plug("047f-c053");
    let (id, _pen) = came(&told, &first);
    let second = usb.plug("0b0e-2456");
    let (other, _other_pen) = came(&told, &second);
    assert_ne!(id, other);
    first.press(MUTE);
    let said = wait(&told, "it tells", |told| match told {
        Told::Said { id, report } => Some((id, report)),
        _ => None,
    });
    assert_eq!(said, (id, vec![8, 1]));
    usb.unplug(&first);
    gone(&told, id);
    let (again, _pen) = came(&told, &usb.plug_again(&first));
    assert_ne!(again, id, "no id is used twice");
    // Unplugged and plugged between two looks.
    usb.unplug(&second);
    let (again, _pen) = came(&told, &usb.plug_again(&second));
    assert_ne!(again, other);
}

#[test]
fn one_that_may_not_be_opened_is_told_once_and_opened_later() {
    let usb = Usb::default();
    let plugged = usb.plug("0b0e-0307");
    plugged.deny(true);
    let (_watch, told) = watch(&usb);
    wait(&told, "denied", |told| matches!(told, Told::Denied { name } if name == "0b0e-0307").then_some(()));
    // Two looks later nothing has been said again.
    assert!(told.recv_timeout(Duration::from_millis(3500)).is_err());
    plugged.deny(false);
    wait(&told, "granted", |told| matches!(told, Told::Granted { .. }).then_some(()));
    came(&told, &plugged);
}

#[test]
fn nonsense_and_floods_are_kept_from_the_calls() {
    let usb = Usb::default();
    let (_watch, told) = watch(&usb);
    let model = usb.plug("1395-00a2");
    let (id, _pen) = came(&told, &model);
    // Reports of no telephony, and the same again, are nobody's business.
    for byte in 0..=255 {
        model.send(&[0x58, byte, byte]);
        model.send(&[2, 0]);
    }
    for _ in 0..20_000 {
        model.press(MUTE);
    }
    let said = std::cell::Cell::new(0);
    wait(&told, "it floods", |told| {
        said.set(said.get() + u32::from(matches!(told, Told::Said { .. })));
        matches!(told, Told::Floods { id: noisy } if noisy == id).then_some(())
    });
    let said = said.get();
    println!("{said} of 40,000 reports are heard");
    assert!((1..200).contains(&said), "{said}");
    usb.unplug(&model);
    gone(&told, id);
}

#[test]
fn lamps_that_are_refused_hold_nobody_up() {
    let usb = Usb::default();
    let (watch, told) = watch(&usb);
    let model = usb.plug("047f-02ec");
    let (id, pen) = came(&told, &model);
    model.refuse_lamps(true);
    for _ in 0..100 {
        pen.write(vec![4, 1]);
    }
    model.press(MUTE);
    wait(&told, "its buttons still work", |told| matches!(told, Told::Said { .. }).then_some(()));
    model.refuse_lamps(false);
    // What waited before may still be in the way.
    while !model.lamp(LAMP_OFF_HOOK) {
        pen.write(vec![4, 1]);
        std::thread::sleep(Duration::from_millis(5));
    }
    drop(watch);
    gone(&told, id);
}
