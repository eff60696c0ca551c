//! Files of customers: tables (CSV) and vCards, read as a stream and written.
//!
//! ```text
//! bytes ──> letters ──┬─> table ──> columns ──┐
//!                     └─> cards ──────────────┴─> FileItem (its line; a customer, or why there is none)
//! ```
//!
//! Memory is bounded whatever the file holds: a record, a line and a list have their limits, and what is longer is
//! skipped with its reason; the next line is read as if it had not been.

mod cards;
mod columns;
mod guess;
mod letters;
mod table;
mod write;

pub use guess::{Guess, guess};
pub use write::write;

use hatif_core::{
    customer::Customer,
    customer_file::{FileFormat, Layout},
    text::Text,
};
use std::io::{self, Read};

/// Bytes of a file by which its layout is guessed.
pub const HEAD: usize = 256 << 10;

/// What a line, or the lines of a card, came to.
#[derive(Clone, Debug, PartialEq)]
pub struct FileItem {
    /// Where it begins, from 1.
    pub line: u64,
    /// The customer, tidied; or why there is none.
    pub customer: Result<Customer, Text>,
}

/// A file as its customers.
pub struct Customers<R> {
    reader: Reader<R>,
    layout: Layout,
}

enum Reader<R> {
    Table(Box<table::Table<letters::Letters<R>>>),
    Cards(Box<cards::Cards<letters::Letters<R>>>),
}

impl<R: Read> Customers<R> {
    /// A file from its beginning.
    pub fn new(source: R, layout: &Layout) -> Customers<R> {
        let letters = letters::Letters::new(source, layout.encoding);
        let reader = match layout.format {
            FileFormat::Csv => Reader::Table(Box::new(table::Table::new(letters, layout.separator))),
            FileFormat::Vcard => Reader::Cards(Box::new(cards::Cards::new(letters))),
        };
        Customers { reader, layout: layout.clone() }
    }

    fn read(&mut self) -> io::Result<Option<FileItem>> {
        let item = match &mut self.reader {
            Reader::Cards(cards) => cards.read()?,
            Reader::Table(table) => loop {
                let Some((line, row)) = table.read()? else { break None };
                let first = table.rows() == 1;
                break match row {
                    table::Row::Cells(cells) if cells.iter().all(|cell| cell.trim().is_empty()) => continue,
                    table::Row::Cells(_) if first && self.layout.heading => continue,
                    table::Row::Cells(cells) => {
                        Some(FileItem { line, customer: columns::customer(&cells, &self.layout.columns) })
                    }
                    table::Row::Unread => Some(FileItem { line, customer: Err(Text::new("import.long_line")) }),
                };
            },
        };
        Ok(item.map(|FileItem { line, customer }| FileItem { line, customer: customer.and_then(whole) }))
    }
}

impl<R: Read> Iterator for Customers<R> {
    type Item = io::Result<FileItem>;

    fn next(&mut self) -> Option<io::Result<FileItem>> {
        self.read().transpose()
    }
}

/// Tidied; one with letters that could not be read is refused rather than kept wrong.
fn whole(customer: Customer) -> Result<Customer, Text> {
    let texts = [&customer.name, &customer.company, &customer.reference, &customer.owner, &customer.notes];
    let lists = customer.numbers.iter().chain(&customer.emails).chain(&customer.tags);
    if texts.into_iter().chain(lists).any(|text| text.contains('\u{fffd}')) {
        return Err(Text::new("import.letters"));
    }
    customer.tidied()
}

#[cfg(test)]
mod tests;
