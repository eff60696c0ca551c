//! The descriptors of real models, each held against another reader's result; and hostile ones.

mod support;

use hatif_headset::{Button, Headset, Hook, LONGEST, Lamp, Lamps, Layout};
use hidreport::ReportDescriptor;
use proptest::prelude::*;
use std::time::Instant;
use support::{MODELS, descriptor, place};

fn layout(model: &str) -> Layout {
    Layout::read(&descriptor(model)).expect("it can be read").expect("it has telephony")
}

/// What each model's maker put into its descriptor, read by hand.
#[test]
fn each_model_has_its_buttons_and_lamps() {
    use Button::{Drop, Flash, Line, LineBusy, Mute, Programmable, Redial, SpeedDial, VoiceMail};
    let poly = vec![Button::Hook, Flash, Redial, Mute, Programmable];
    let epos = vec![Button::Hook, Flash, Redial, Drop, Mute, Programmable];
    let keys = (0..12).map(Button::Key);
    let all: [(&str, Vec<Button>); 13] = [
        ("047f-02e6", poly.clone()),
        ("047f-02ec", poly.clone()),
        ("047f-c053", poly),
        (
            "0b0e-0307",
            [Button::Hook, Flash, Redial, Mute, SpeedDial, Programmable, LineBusy]
                .into_iter()
                .chain(keys.clone())
                .collect(),
        ),
        (
            "0b0e-2453",
            [Button::Hook, Flash, Redial, Mute, SpeedDial, VoiceMail, Programmable, LineBusy]
                .into_iter()
                .chain(keys.clone())
                .collect(),
        ),
        ("0b0e-2456", vec![Button::Hook, Flash, Mute, Programmable, LineBusy]),
        ("1395-0082", epos.clone()),
        ("1395-009c", epos.clone()),
        ("1395-00a2", epos.clone()),
        ("1395-00a9", epos),
        ("413c-8223", vec![Button::Hook, Flash, Redial, Line, Mute, SpeedDial, Programmable, LineBusy]),
        (
            "6993-b02b",
            [Button::Hook, Flash, Redial, Mute, SpeedDial, Programmable, LineBusy].into_iter().chain(keys).collect(),
        ),
        ("046d-0944", vec![Button::Hook, Mute]),
    ];
    for (model, buttons) in all {
        let layout = layout(model);
        assert_eq!(layout.buttons(), buttons, "{model}");
        assert_eq!(layout.hook(), Some(Hook::State), "{model}");
        assert_eq!(layout.hook_springs_back(), model == "1395-009c", "{model}");
        for lamp in [Lamp::OffHook, Lamp::Mute, Lamp::Ring, Lamp::Hold] {
            assert_eq!(layout.has(lamp), model != "046d-0944" || lamp == Lamp::Mute, "{model} {lamp:?}");
        }
    }
    assert_eq!(Layout::read(&descriptor("046d-0ac4")), Ok(None), "a headset without telephony is none of ours");
}

/// Each button alone, and each lamp alone, in the bit where `hidreport` has it.
#[test]
fn the_bits_are_where_another_reader_finds_them() {
    let buttons = [
        (support::HOOK, Button::Hook),
        (support::FLASH, Button::Flash),
        (support::MUTE, Button::Mute),
        (support::DROP, Button::Drop),
        (support::PROGRAMMABLE, Button::Programmable),
        (0x0B_0024, Button::Redial),
    ];
    let lamps = [
        (support::LAMP_MUTE, Lamp::Mute),
        (support::LAMP_OFF_HOOK, Lamp::OffHook),
        (support::LAMP_RING, Lamp::Ring),
        (support::LAMP_HOLD, Lamp::Hold),
    ];
    let mut checked = 0;
    for model in MODELS {
        let (layout, other) = (layout(model), ReportDescriptor::try_from(&descriptor(model)).expect("it is read"));
        for (usage, button) in buttons {
            let Some(at) = place(other.input_reports().iter(), usage) else {
                assert!(!layout.buttons().contains(&button), "{model} {button:?}");
                continue;
            };
            let mut report = vec![0; at.bytes];
            report[0] = at.id.unwrap_or_default();
            report[at.bit / 8] |= 1 << (at.bit % 8);
            let down: Vec<Button> =
                layout.pressed(&report).into_iter().filter(|(_, down)| *down).map(|(b, _)| b).collect();
            assert_eq!(down, [button], "{model}");
            checked += 1;
        }
        for (usage, lamp) in lamps {
            let at = place(other.output_reports().iter(), usage).expect("all of these have it");
            let lit = layout.reports(|of| of == lamp);
            let report = lit.iter().find(|report| report[0] == at.id.unwrap_or_default()).expect("it is written");
            assert_eq!(report.len(), at.bytes, "{model} {lamp:?}");
            let bits: u32 = lit.iter().flat_map(|report| &report[1..]).map(|byte| byte.count_ones()).sum();
            assert_eq!((bits, report[at.bit / 8] >> (at.bit % 8) & 1), (1, 1), "{model} {lamp:?}");
            checked += 1;
        }
        assert_eq!(Some(layout.reports(|_| false)[0][0]), layout.report_of(Lamp::OffHook), "the hook's report first");
    }
    println!("{checked} bits in {} models", MODELS.len());
    assert!(checked > 100);
}

/// What takes all memory elsewhere.
#[test]
fn counts_beyond_all_measure_are_refused() {
    let head = [0x05, 0x0B, 0x09, 0x05, 0xA1, 0x01, 0x09, 0x20];
    let with = |rest: &[u8]| Layout::read(&[&head, rest].concat());
    assert!(with(&[0x75, 1, 0x97, 0xFF, 0xFF, 0xFF, 0xFF, 0x81, 2]).is_err());
    assert!(with(&[0x77, 0xFF, 0xFF, 0xFF, 0xFF, 0x97, 0xFF, 0xFF, 0xFF, 0xFF, 0x91, 2]).is_err());
    assert!(with(&[0x75, 0, 0x97, 0xFF, 0xFF, 0xFF, 0xFF, 0x81, 2]).is_ok_and(|layout| layout.is_none()));
    assert!(with(&[0x1B, 0, 0, 0x0B, 0, 0x2B, 0xFF, 0xFF, 0xFF, 0xFF, 0x75, 1, 0x95, 1, 0x81, 2]).is_ok());
    assert!(with(&[0xA4].repeat(100)).is_err());
    assert!(with(&[0xA1, 1].repeat(100)).is_err());
    assert!(with(&[0xB4]).is_err());
    assert!(with(&[0xC0, 0xC0]).is_err());
    assert!(with(&[0x26]).is_err());
    assert!(Layout::read(&vec![0; LONGEST + 1]).is_err());
}

/// Buttons of a field that holds one of several, and reports without ids.
#[test]
fn arrays_and_reports_without_ids() {
    let bytes = [
        0x05, 0x0B, 0x09, 0x05, 0xA1, 0x01, 0x15, 0x01, 0x25, 0x02, 0x75, 0x08, 0x95, 0x01, 0x09, 0x20, 0x09, 0x2F,
        0x81, 0x00, 0xC0,
    ];
    let layout = Layout::read(&bytes).expect("it can be read").expect("it has telephony");
    assert_eq!(layout.hook(), Some(Hook::Press));
    assert_eq!(layout.pressed(&[1]), [(Button::Hook, true), (Button::Mute, false)]);
    assert_eq!(layout.pressed(&[2]), [(Button::Hook, false), (Button::Mute, true)]);
    assert_eq!(layout.pressed(&[9]), [(Button::Hook, false), (Button::Mute, false)]);
    assert_eq!(layout.pressed(&[]), []);
}

/// A model's descriptor with some bytes changed, cut or doubled: nearer to the truth than noise.
fn nearly() -> impl Strategy<Value = Vec<u8>> {
    let edits = proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..12);
    (0..MODELS.len(), edits, any::<prop::sample::Index>()).prop_map(|(model, edits, end)| {
        let mut bytes = descriptor(MODELS[model]);
        for (at, byte) in edits {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        bytes.truncate(end.index(bytes.len()) + 1);
        bytes
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    /// No bytes stop it: not as a descriptor, not as reports; and what it writes is never longer than a report may be.
    #[test]
    fn nothing_that_a_device_says_does_harm(
        bytes in prop_oneof![nearly(), proptest::collection::vec(any::<u8>(), 0..300)],
        reports in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..20), 0..20),
        lamps in proptest::collection::vec(any::<[bool; 4]>(), 0..20),
    ) {
        if let Ok(Some(layout)) = Layout::read(&bytes) {
            let now = Instant::now();
            let mut headset = Headset::new(layout, now);
            for (report, [off_hook, mute, ring, hold]) in reports.iter().zip(lamps) {
                headset.read(now, report);
                for written in headset.show(now, Lamps { off_hook, mute, ring, hold }) {
                    prop_assert!(written.len() <= 8193);
                }
            }
        }
    }
}
