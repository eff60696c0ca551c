//! A table's rows (RFC 4180 and what spreadsheets make of it), by the parser of the crate `csv-core`: the one of `csv`
//! without its buffers, which would grow with a quote that is never closed.
//!
//! A row has to stand in the buffer as a whole. One that does not, or that a quote without an end swallows, is given up
//! after its first line.

use csv_core::{ReadRecordResult, ReaderBuilder};
use hatif_core::customer_file::Separator;
use std::io::{self, Read};

/// Bytes of a row at most: the notes of a customer, and as much again.
const LONGEST: usize = 128 << 10;
/// Cells of a row at most.
const MOST_CELLS: usize = 1000;
const BUFFER: usize = 1 << 20;

pub enum Row {
    Cells(Vec<String>),
    /// Too long, too wide, or with a quote that is not closed.
    Unread,
}

pub struct Table<R> {
    input: R,
    core: csv_core::Reader,
    buffer: Box<[u8]>,
    from: usize,
    to: usize,
    ended: bool,
    cells: Box<[u8]>,
    ends: Box<[usize]>,
    line: u64,
    rows: u64,
    /// The rest of a line that was given up is still to come.
    passing: bool,
}

pub fn byte(separator: Separator) -> u8 {
    match separator {
        Separator::Comma => b',',
        Separator::Semicolon => b';',
        Separator::Tab => b'\t',
    }
}

impl<R: Read> Table<R> {
    pub fn new(input: R, separator: Separator) -> Table<R> {
        Table {
            input,
            core: ReaderBuilder::new().delimiter(byte(separator)).build(),
            buffer: vec![0; BUFFER].into_boxed_slice(),
            from: 0,
            to: 0,
            ended: false,
            cells: vec![0; LONGEST].into_boxed_slice(),
            ends: vec![0; MOST_CELLS].into_boxed_slice(),
            line: 1,
            rows: 0,
            passing: false,
        }
    }

    /// Rows read until now.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// The next row and the line where it begins. Empty lines, and the line by which Excel names the separator, are none.
    pub fn read(&mut self) -> io::Result<Option<(u64, Row)>> {
        loop {
            self.fill()?;
            if self.passing {
                self.pass_line();
                continue;
            }
            self.pass_breaks();
            if self.from == self.to {
                if self.ended {
                    return Ok(None);
                }
                continue;
            }
            self.fill()?;
            let line = self.line;
            if line == 1 && self.buffer[self.from..self.to].starts_with(b"sep=") {
                self.pass_line();
                continue;
            }
            self.rows += 1;
            return Ok(Some((line, self.row())));
        }
    }

    fn row(&mut self) -> Row {
        self.core.reset();
        let input = &self.buffer[self.from..self.to];
        let (mut result, read, mut written, mut cells) = self.core.read_record(input, &mut self.cells, &mut self.ends);
        let mut cut_off = false;
        if result == ReadRecordResult::InputEmpty && self.ended {
            // With the file's end the row ends.
            cut_off = input[..read].contains(&b'\n') && input.iter().filter(|byte| **byte == b'"').count() % 2 == 1;
            let (last, _, more, more_cells) =
                self.core.read_record(&[], &mut self.cells[written..], &mut self.ends[cells..]);
            (result, written, cells) = (last, written + more, cells + more_cells);
        }
        if result != ReadRecordResult::Record || cut_off {
            self.pass_line();
            return Row::Unread;
        }
        self.line += input[..read].iter().filter(|byte| **byte == b'\n').count() as u64;
        self.from += read;
        let written = &self.cells[..written];
        let mut from = 0;
        let cell = |end: &usize| {
            let cell = written.get(from..*end).unwrap_or_default();
            from = *end;
            String::from_utf8_lossy(cell).into_owned()
        };
        Row::Cells(self.ends[..cells].iter().map(cell).collect())
    }

    /// At least the longest row is there, or all that is left.
    fn fill(&mut self) -> io::Result<()> {
        if self.to - self.from >= LONGEST || self.ended {
            return Ok(());
        }
        self.buffer.copy_within(self.from..self.to, 0);
        (self.from, self.to) = (0, self.to - self.from);
        while !self.ended && self.to < LONGEST {
            match self.input.read(&mut self.buffer[self.to..])? {
                0 => self.ended = true,
                read => self.to += read,
            }
        }
        Ok(())
    }

    fn pass_breaks(&mut self) {
        while let Some(byte @ (b'\n' | b'\r')) = self.buffer[self.from..self.to].first() {
            self.line += u64::from(*byte == b'\n');
            self.from += 1;
        }
    }

    fn pass_line(&mut self) {
        let rest = &self.buffer[self.from..self.to];
        match rest.iter().position(|byte| *byte == b'\n') {
            Some(at) => {
                self.from += at + 1;
                self.line += 1;
                self.passing = false;
            }
            None => {
                self.from = self.to;
                self.passing = !self.ended;
            }
        }
    }
}
