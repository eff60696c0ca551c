//! Which bits of which reports are a headset's buttons and lamps, whatever its maker.

use crate::descriptor::{self, Content, DescriptorError, Field};
use std::collections::BTreeMap;

/// A button of a telephony device (HID Usage Tables 1.5, page 0x0B).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Button {
    /// Hook Switch 0x20.
    Hook,
    /// Flash 0x21.
    Flash,
    /// Redial 0x24.
    Redial,
    /// Drop 0x26.
    Drop,
    /// Line 0x2A.
    Line,
    /// Phone Mute 0x2F.
    Mute,
    /// Speed Dial 0x50.
    SpeedDial,
    /// Voice Mail 0x70.
    VoiceMail,
    /// Programmable Button 0x07.
    Programmable,
    /// Line Busy Tone 0x97: the headset has its line.
    LineBusy,
    /// Phone Key 0xB0 to 0xBB: 0 to 9, star, pound.
    Key(u8),
    /// The usage.
    Other(u16),
}

/// A lamp (page 0x08), or what is told like one.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Lamp {
    /// Mute 0x09.
    Mute,
    /// Off-Hook 0x17.
    OffHook,
    /// Ring 0x18.
    Ring,
    /// Hold 0x20.
    Hold,
    /// Microphone 0x21.
    Microphone,
    /// Speaker 0x1E.
    Speaker,
    /// On-Line 0x2A.
    OnLine,
    /// Ringer 0x9E of page 0x0B: the headset's own ringing tone.
    Ringer,
}

impl Button {
    fn of(usage: u32) -> Option<Button> {
        if usage >> 16 != 0x0B {
            return None;
        }
        Some(match (usage & 0xFFFF) as u16 {
            0x07 => Button::Programmable,
            0x20 => Button::Hook,
            0x21 => Button::Flash,
            0x24 => Button::Redial,
            0x26 => Button::Drop,
            0x2A => Button::Line,
            0x2F => Button::Mute,
            0x50 => Button::SpeedDial,
            0x70 => Button::VoiceMail,
            0x97 => Button::LineBusy,
            key @ 0xB0..=0xBB => Button::Key((key - 0xB0) as u8),
            other => Button::Other(other),
        })
    }
}

impl Lamp {
    fn of(usage: u32) -> Option<Lamp> {
        Some(match usage {
            0x08_0009 => Lamp::Mute,
            0x08_0017 => Lamp::OffHook,
            0x08_0018 => Lamp::Ring,
            0x08_001E => Lamp::Speaker,
            0x08_0020 => Lamp::Hold,
            0x08_0021 => Lamp::Microphone,
            0x08_002A => Lamp::OnLine,
            0x0B_009E => Lamp::Ringer,
            _ => return None,
        })
    }
}

/// How a hook switch tells itself.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Hook {
    /// 1 is off the hook, 0 on it.
    State,
    /// Each press is told, and it is not said what it is to be.
    Press,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Layout {
    inputs: Vec<Field>,
    lamps: BTreeMap<Lamp, (u8, u32)>,
    /// Output reports that hold lamps, with their length in bytes without the id, the one of the hook first.
    outputs: Vec<(u8, usize)>,
    numbered: bool,
}

impl Layout {
    /// `None`: no telephony that we could use.
    pub fn read(descriptor: &[u8]) -> Result<Option<Layout>, DescriptorError> {
        let described = descriptor::read(descriptor)?;
        let (outputs, inputs): (Vec<Field>, Vec<Field>) = described.fields.into_iter().partition(|field| field.output);
        let mut lamps = BTreeMap::new();
        for field in &outputs {
            if let Content::Variable(usage) = field.content
                && field.size == 1
                && let Some(lamp) = Lamp::of(usage)
            {
                // The first stands for all: a second one of the same name is the maker's own affair.
                lamps.entry(lamp).or_insert((field.report, field.bit));
            }
        }
        let hook = lamps.get(&Lamp::OffHook).map(|(report, _)| *report);
        let mut reports: Vec<(u8, usize)> = described
            .outputs
            .into_iter()
            .filter(|(id, _)| lamps.values().any(|(report, _)| report == id))
            .map(|(id, bits)| (id, bits.div_ceil(8) as usize))
            .collect();
        reports.sort_by_key(|(id, _)| (Some(*id) != hook, *id));
        let layout = Layout { inputs, lamps, outputs: reports, numbered: described.numbered };
        let any = layout.buttons().iter().any(|button| !matches!(button, Button::Other(_))) || !layout.lamps.is_empty();
        Ok(any.then_some(layout))
    }

    pub fn buttons(&self) -> Vec<Button> {
        let mut all: Vec<Button> = self.inputs.iter().flat_map(usages).filter_map(Button::of).collect();
        all.sort();
        all.dedup();
        all
    }

    pub fn lamps(&self) -> Vec<Lamp> {
        self.lamps.keys().copied().collect()
    }

    pub fn has(&self, lamp: Lamp) -> bool {
        self.lamps.contains_key(&lamp)
    }

    pub fn hook(&self) -> Option<Hook> {
        let hook =
            self.inputs.iter().find(|field| usages(field).any(|usage| Button::of(usage) == Some(Button::Hook)))?;
        let variable = matches!(hook.content, Content::Variable(_));
        Some(if hook.relative || !variable { Hook::Press } else { Hook::State })
    }

    /// Whether the hook's value is said to spring back, which may mean a button (HID Usage Tables 3.4.1.2), and in some
    /// headsets does not.
    pub fn hook_springs_back(&self) -> bool {
        let hook = |field: &&Field| field.content == Content::Variable(0x0B_0020);
        self.inputs.iter().find(hook).is_some_and(|field| field.springs_back)
    }

    /// Whether this report tells of buttons.
    pub fn tells(&self, report: &[u8]) -> bool {
        self.split(report).is_some_and(|(id, _)| self.inputs.iter().any(|field| field.report == id))
    }

    /// The buttons of one report, down or not; those whose bits the report is too short for are left out.
    pub fn pressed(&self, report: &[u8]) -> Vec<(Button, bool)> {
        let Some((id, payload)) = self.split(report) else { return Vec::new() };
        let mut all: BTreeMap<Button, bool> = BTreeMap::new();
        for field in self.inputs.iter().filter(|field| field.report == id) {
            let Some(value) = bits(payload, field.bit, field.size) else { continue };
            for (index, usage) in (0u32..).zip(usages(field)) {
                let Some(button) = Button::of(usage) else { continue };
                let down = match &field.content {
                    Content::Variable(_) => value != 0,
                    // Counted from 0, a field at rest would be its first key; those of headsets count from 1 all the same.
                    Content::Array { low, .. } => value.checked_sub((*low).max(1)) == Some(index),
                };
                *all.entry(button).or_default() |= down;
            }
        }
        all.into_iter().collect()
    }

    /// The reports that show these lamps, the hook's first. Each begins with its id, 0 where there are none.
    pub fn reports(&self, on: impl Fn(Lamp) -> bool) -> Vec<Vec<u8>> {
        let report = |(id, length): &(u8, usize)| {
            let mut bytes = vec![0; 1 + length];
            bytes[0] = *id;
            for (lamp, (_, bit)) in self.lamps.iter().filter(|(_, (report, _))| report == id) {
                if let Some(byte) = bytes.get_mut(1 + (bit / 8) as usize) {
                    *byte |= u8::from(on(*lamp)) << (bit % 8);
                }
            }
            bytes
        };
        self.outputs.iter().map(report).collect()
    }

    /// The id of the report that a lamp is in.
    pub fn report_of(&self, lamp: Lamp) -> Option<u8> {
        self.lamps.get(&lamp).map(|(report, _)| *report)
    }

    fn split<'a>(&self, report: &'a [u8]) -> Option<(u8, &'a [u8])> {
        if self.numbered { report.split_first().map(|(id, payload)| (*id, payload)) } else { Some((0, report)) }
    }
}

fn usages(field: &Field) -> impl Iterator<Item = u32> {
    match &field.content {
        Content::Variable(usage) => std::slice::from_ref(usage),
        Content::Array { usages, .. } => usages.as_slice(),
    }
    .iter()
    .copied()
}

/// `size` bits (1 to 32) from `first`, the lowest first; `None` where the report ends before.
fn bits(payload: &[u8], first: u32, size: u32) -> Option<u32> {
    (0..size).try_fold(0, |value, index| {
        let bit = first + index;
        let byte = payload.get((bit / 8) as usize)?;
        Some(value | u32::from(byte >> (bit % 8) & 1) << index)
    })
}
