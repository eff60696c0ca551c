//! The manners of firmware that are publicly known, one by one, without a device and at times that are given.

mod support;

use hatif_headset::{Headset, Heard, Lamp, Lamps, Layout, Press};
use std::time::{Duration, Instant};
use support::descriptor;

const ON: Lamps = Lamps { off_hook: true, mute: false, ring: false, hold: false };
const OFF: Lamps = Lamps { off_hook: false, mute: false, ring: false, hold: false };
const RINGS: Lamps = Lamps { ring: true, ..OFF };

fn millis(count: u64) -> Duration {
    Duration::from_millis(count)
}

/// A headset that came long ago, and the moment now.
fn headset(model: &str) -> (Headset, Instant) {
    let came = Instant::now();
    let layout = Layout::read(&descriptor(model)).expect("it can be read").expect("it has telephony");
    (Headset::new(layout, came), came + millis(5000))
}

fn presses(heard: &[Heard]) -> Vec<Press> {
    heard.iter().filter_map(|heard| heard.press).collect()
}

/// The Jabra BIZ 2400 II: all in report 2; hook bit 0, mute bit 2, flash bit 3.
const JABRA: &str = "0b0e-2453";

fn jabra(bits: u8) -> [u8; 3] {
    [2, bits, 0]
}

#[test]
fn a_hook_switch_that_follows_our_lamp_is_nobodys_wish() {
    let (mut headset, now) = headset(JABRA);
    // Answered in the window; the switch follows, and follows again when the call has ended.
    assert_eq!(headset.show(now, ON).len(), 1);
    assert_eq!(presses(&headset.read(now + millis(30), &jabra(1))), []);
    assert_eq!(headset.show(now + millis(30), ON), Vec::<Vec<u8>>::new(), "nothing to be said again");
    headset.show(now + millis(9000), OFF);
    assert_eq!(presses(&headset.read(now + millis(9030), &jabra(0))), []);
}

#[test]
fn a_switch_that_follows_late_answers_nobody() {
    let (mut headset, now) = headset(JABRA);
    headset.show(now, ON);
    headset.show(now + millis(100), RINGS);
    // That was the lamp of the call before, while the next one rings.
    assert_eq!(presses(&headset.read(now + millis(300), &jabra(1))), []);
    assert_eq!(headset.show(now + millis(300), RINGS).len(), 1, "it is put right");
    assert_eq!(presses(&headset.read(now + millis(330), &jabra(0))), []);
    assert_eq!(presses(&headset.read(now + millis(2000), &jabra(1))), [Press::OffHook], "a person");
}

#[test]
fn a_call_button_without_a_call_is_put_back_on_the_hook() {
    let (mut headset, now) = headset(JABRA);
    headset.show(now, OFF);
    assert_eq!(presses(&headset.read(now + millis(2000), &jabra(1))), [Press::OffHook]);
    assert_eq!(headset.show(now + millis(2000), OFF), [vec![2, 0, 0]], "the same is written again");
    assert_eq!(presses(&headset.read(now + millis(2030), &jabra(0))), []);
    assert_eq!(headset.show(now + millis(2030), OFF), Vec::<Vec<u8>>::new());
}

#[test]
fn a_contact_that_bounces_does_not_hang_up() {
    let (mut headset, now) = headset(JABRA);
    headset.show(now, RINGS);
    assert_eq!(presses(&headset.read(now + millis(2000), &jabra(1))), [Press::OffHook]);
    headset.show(now + millis(2000), ON);
    // WICG/webhid#61: taken back after 50 ms.
    assert_eq!(presses(&headset.read(now + millis(2050), &jabra(0))), []);
    assert_eq!(headset.show(now + millis(2050), ON).len(), 1, "it is lifted again");
    assert_eq!(presses(&headset.read(now + millis(2080), &jabra(1))), []);
    assert_eq!(presses(&headset.read(now + millis(4000), &jabra(0))), [Press::OnHook]);
}

/// The EPOS IMPACT D1 says that its hook springs back. Whether it does is found out.
#[test]
fn a_switch_that_turns_out_to_be_a_button() {
    let (mut headset, now) = headset("1395-009c");
    headset.show(now, RINGS);
    assert_eq!(presses(&headset.read(now + millis(2000), &[2, 1])), [Press::OffHook]);
    headset.show(now + millis(2000), ON);
    assert_eq!(presses(&headset.read(now + millis(2100), &[2, 0])), [], "let go again");
    assert_eq!(presses(&headset.read(now + millis(8000), &[2, 1])), [Press::Call], "pressed once more");
    assert_eq!(presses(&headset.read(now + millis(8100), &[2, 0])), []);

    let (mut headset, now) = self::headset("1395-009c");
    headset.show(now, RINGS);
    assert_eq!(presses(&headset.read(now + millis(2000), &[2, 1])), [Press::OffHook]);
    headset.show(now + millis(2000), ON);
    assert_eq!(presses(&headset.read(now + millis(9000), &[2, 0])), [Press::OnHook], "it stays: a switch");
}

#[test]
fn mute_is_asked_for_and_answered_by_its_lamp() {
    let (mut headset, now) = headset(JABRA);
    headset.show(now, ON);
    headset.read(now + millis(30), &jabra(1));
    // 1, then 0: once.
    assert_eq!(presses(&headset.read(now + millis(2000), &jabra(0b101))), [Press::Mute]);
    let muted = Lamps { mute: true, ..ON };
    assert_eq!(headset.show(now + millis(2000), muted), [vec![2, 0b11, 0]]);
    assert_eq!(presses(&headset.read(now + millis(2010), &jabra(1))), []);
    // What repeats the lamp is no press.
    assert_eq!(presses(&headset.read(now + millis(2100), &jabra(0b101))), []);
    headset.read(now + millis(2110), &jabra(1));
    // Refused: it is told again how it stands.
    headset.show(now + millis(2110), muted);
    assert_eq!(presses(&headset.read(now + millis(4000), &jabra(0b101))), [Press::Mute]);
    assert_eq!(headset.show(now + millis(4000), muted), [vec![2, 0b11, 0]]);
}

#[test]
fn a_headset_that_comes_in_mid_call_says_how_it_stands() {
    let came = Instant::now();
    let layout = Layout::read(&descriptor(JABRA)).expect("it can be read").expect("it has telephony");
    let mut headset = Headset::new(layout, came);
    assert_eq!(headset.show(came, ON), [vec![2, 1, 0]]);
    assert_eq!(presses(&headset.read(came + millis(20), &jabra(0))), [], "on the hook, as it woke up");
    assert_eq!(headset.show(came + millis(20), ON), [vec![2, 1, 0]]);
    assert_eq!(presses(&headset.read(came + millis(60), &jabra(1))), []);
    assert_eq!(presses(&headset.read(came + millis(3000), &jabra(0))), [Press::OnHook]);
}

/// It never told its hook switch, and tells it beside the mute button.
#[test]
fn another_buttons_first_word_does_not_hang_up() {
    let (mut headset, now) = headset(JABRA);
    headset.show(now, ON);
    assert_eq!(presses(&headset.read(now + millis(9000), &jabra(0b100))), [Press::Mute]);
    assert_eq!(presses(&headset.read(now + millis(9010), &jabra(0))), []);

    // Alone, it is what was moved: off the hook before, as its lamp said.
    let (mut headset, now) = self::headset(JABRA);
    headset.show(now, ON);
    assert_eq!(presses(&headset.read(now + millis(9000), &jabra(0))), [Press::OnHook]);
}

/// Poly puts each lamp into a report of its own: only those that change are written, the hook's first.
#[test]
fn lamps_in_several_reports() {
    let (mut headset, now) = headset("047f-c053");
    let all = headset.show(now, OFF);
    assert_eq!(all, [vec![0x17, 0], vec![0x09, 0], vec![0x18, 0], vec![0x1A, 0], vec![0x20, 0], vec![0x2A, 0]]);
    assert_eq!(headset.show(now, RINGS), [vec![0x18, 1]]);
    assert_eq!(headset.show(now, Lamps { mute: true, ..ON }), [vec![0x17, 1], vec![0x09, 1], vec![0x18, 0]]);
    headset.forget();
    assert_eq!(headset.show(now, Lamps { mute: true, ..ON }).len(), 6);
}

/// The Logitech MX Brio has a mute button and its lamp, and a hook switch without one.
#[test]
fn a_hook_switch_without_a_lamp_is_a_call_button() {
    let (mut headset, now) = headset("046d-0944");
    assert!(!headset.layout().has(Lamp::OffHook));
    headset.show(now, RINGS);
    assert_eq!(presses(&headset.read(now + millis(2000), &[8, 2, 0])), [Press::Call]);
    headset.show(now + millis(2000), ON);
    assert_eq!(presses(&headset.read(now + millis(5000), &[8, 0, 0])), [Press::Call]);
}

/// Beside our own ringing tone, the headset's is not heard, but where it is all that there is.
#[test]
fn the_headsets_own_tone_is_not_asked_for() {
    let (mut headset, now) = headset(JABRA);
    let reports = headset.show(now, RINGS);
    assert_eq!(reports, [vec![2, 0b100, 0]], "the ring lamp, not the ringer in bit 5");
}
