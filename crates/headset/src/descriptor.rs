//! Report descriptors (Device Class Definition for HID 1.11, 6.2.2), as far as the telephony of a headset goes. The bytes
//! are a stranger's: everything is counted, and what is too much is an error.
//!
//! Not by the crate `hidreport`: it makes a field for each of a Report Count of 4,294,967,295, so that ten bytes take all
//! memory. The tests hold this reader against it.

/// The kernel's `HID_MAX_DESCRIPTOR_SIZE`.
pub const LONGEST: usize = 4096;
/// Reports of headsets are a few bytes; firmware goes through reports of a KiB.
const LONGEST_REPORT_BITS: u32 = 8 * 8192;
const MOST_FIELDS: usize = 1024;
const MOST_USAGES: usize = 1024;
const DEEPEST: usize = 32;

/// Usage page of the telephony devices, and of the lamps.
const TELEPHONY: u32 = 0x0B;
const LAMPS: u32 = 0x08;

#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum DescriptorError {
    #[error("the descriptor ends within an item")]
    Cut,
    #[error("the descriptor, or what it describes, is too large")]
    TooLarge,
    #[error("collections or globals end that did not begin")]
    Unbalanced,
}

/// What is in a field: one usage, or one of several at a time.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Content {
    Variable(u32),
    /// `usages[value - low]` is on; see [`crate::Layout::pressed`] for a `low` of 0.
    Array {
        usages: Vec<u32>,
        low: u32,
    },
}

/// Some bits of a report.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Field {
    pub output: bool,
    /// 0 where reports have no ids.
    pub report: u8,
    /// The first bit after the report's id.
    pub bit: u32,
    /// Bits, 1 to 32.
    pub size: u32,
    /// Usages with their page in the upper 16 bits.
    pub content: Content,
    pub relative: bool,
    /// It rests at one value by itself, as a button does that is let go.
    pub springs_back: bool,
}

/// The fields of a headset's telephony, and how long each report is.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Described {
    pub fields: Vec<Field>,
    /// Output reports by id, in bits.
    pub outputs: Vec<(u8, u32)>,
    /// Reports begin with their id.
    pub numbered: bool,
}

#[derive(Clone, Copy, Default)]
struct Globals {
    page: u32,
    low: u32,
    size: u32,
    count: u32,
    report: u8,
}

#[derive(Default)]
struct Reader {
    globals: Globals,
    stack: Vec<Globals>,
    /// What is open: whether it is, or lies in, a telephony application.
    open: Vec<bool>,
    usages: Vec<u32>,
    from: Option<u32>,
    /// (output, id) and the bits that are taken.
    taken: Vec<((bool, u8), u32)>,
    found: Described,
}

/// Reads the telephony collections of a descriptor; other collections (volume keys, firmware) only count.
pub fn read(bytes: &[u8]) -> Result<Described, DescriptorError> {
    if bytes.len() > LONGEST {
        return Err(DescriptorError::TooLarge);
    }
    let mut reader = Reader::default();
    let mut rest = bytes;
    while let Some((&prefix, after)) = rest.split_first() {
        // A long item (6.2.2.3): none is defined.
        if prefix == 0xFE {
            let length = usize::from(*after.first().ok_or(DescriptorError::Cut)?);
            rest = after.get(2 + length..).ok_or(DescriptorError::Cut)?;
            continue;
        }
        let size = [0, 1, 2, 4][usize::from(prefix & 3)];
        let data = after.get(..size).ok_or(DescriptorError::Cut)?;
        let value = data.iter().rev().fold(0u32, |value, byte| value << 8 | u32::from(*byte));
        rest = &after[size..];
        match (prefix >> 2 & 3, prefix >> 4) {
            (0, tag) => reader.main(tag, value)?,
            (1, tag) => reader.global(tag, value)?,
            (2, tag) => reader.local(tag, value, size == 4)?,
            _ => {}
        }
    }
    reader.found.outputs =
        reader.taken.iter().filter(|((output, _), _)| *output).map(|((_, id), bits)| (*id, *bits)).collect();
    Ok(reader.found)
}

impl Reader {
    fn global(&mut self, tag: u8, value: u32) -> Result<(), DescriptorError> {
        match tag {
            0x0 => self.globals.page = value & 0xFFFF,
            0x1 => self.globals.low = value,
            0x7 => self.globals.size = value,
            0x8 => {
                self.globals.report = u8::try_from(value).map_err(|_| DescriptorError::TooLarge)?;
                self.found.numbered = true;
            }
            0x9 => self.globals.count = value,
            0xA if self.stack.len() < DEEPEST => self.stack.push(self.globals),
            0xA => return Err(DescriptorError::TooLarge),
            0xB => self.globals = self.stack.pop().ok_or(DescriptorError::Unbalanced)?,
            _ => {}
        }
        Ok(())
    }

    fn local(&mut self, tag: u8, value: u32, whole: bool) -> Result<(), DescriptorError> {
        let usage = if whole { value } else { self.globals.page << 16 | value };
        match tag {
            0x0 => self.usages.push(usage),
            0x1 => self.from = Some(usage),
            0x2 => {
                let from = self.from.take().unwrap_or(usage);
                // Only telephony and lamps matter, and they have few: a wide range is a vendor's own.
                let most = from.saturating_add(MOST_USAGES as u32);
                self.usages.extend(from..=usage.min(most));
            }
            _ => {}
        }
        if self.usages.len() > 2 * MOST_USAGES { Err(DescriptorError::TooLarge) } else { Ok(()) }
    }

    fn main(&mut self, tag: u8, value: u32) -> Result<(), DescriptorError> {
        let usages = std::mem::take(&mut self.usages);
        self.from = None;
        match tag {
            0x8 | 0x9 => self.fields(tag == 0x9, value, &usages)?,
            0xA if self.open.len() < DEEPEST => {
                let telephony = value == 1 && usages.first().is_some_and(|usage| usage >> 16 == TELEPHONY);
                // The outermost says what it is: some headsets put applications into each other.
                self.open.push(self.open.first().copied().unwrap_or(telephony));
            }
            0xA => return Err(DescriptorError::TooLarge),
            0xC => drop(self.open.pop().ok_or(DescriptorError::Unbalanced)?),
            _ => {}
        }
        Ok(())
    }

    fn fields(&mut self, output: bool, flags: u32, usages: &[u32]) -> Result<(), DescriptorError> {
        let Globals { size, count, report, low, .. } = self.globals;
        let bits = size.checked_mul(count).ok_or(DescriptorError::TooLarge)?;
        let place = self.taken.iter().position(|(of, _)| *of == (output, report)).unwrap_or_else(|| {
            self.taken.push(((output, report), 0));
            self.taken.len() - 1
        });
        let first = self.taken[place].1;
        let end = first.checked_add(bits).filter(|end| *end <= LONGEST_REPORT_BITS).ok_or(DescriptorError::TooLarge)?;
        self.taken[place].1 = end;
        let ours = |usage: &u32| matches!(usage >> 16, TELEPHONY | LAMPS);
        // Said to be constant and yet with usages: the Anker PowerConf does so, and its buttons are in these bits.
        let padding = flags & 1 != 0 && !usages.iter().any(ours);
        if !self.open.first().is_some_and(|telephony| *telephony) || padding || !(1..=32).contains(&size) {
            return Ok(());
        }
        let field = |bit, content| Field {
            output,
            report,
            bit,
            size,
            content,
            relative: flags & 4 != 0,
            springs_back: flags & 0x20 == 0,
        };
        for index in 0..count {
            let content = if flags & 2 == 0 {
                Content::Array { usages: usages.to_vec(), low }
            } else {
                match usages.get(index as usize).or(usages.last()) {
                    Some(usage) => Content::Variable(*usage),
                    None => break,
                }
            };
            let relevant = match &content {
                Content::Variable(usage) => ours(usage),
                Content::Array { usages, .. } => usages.iter().any(ours),
            };
            if relevant {
                self.found.fields.push(field(first + index * size, content));
            }
            if self.found.fields.len() > MOST_FIELDS {
                return Err(DescriptorError::TooLarge);
            }
        }
        Ok(())
    }
}
