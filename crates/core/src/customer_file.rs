//! Files of customers: how one is laid out, and the part of the store's port that takes its rows in, gives all customers
//! out, and takes the last import back.

use crate::{customer::Customer, text::Text};
use serde::{Deserialize, Serialize};
use specta::Type;

/// Rows that go to the store at once: one transaction.
pub const BATCH: usize = 1000;
/// Customers of a page for an export.
pub const EXPORT_PAGE: u32 = 500;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "snake_case")]
pub enum FileFormat {
    Csv,
    /// 2.1, 3.0 or 4.0.
    Vcard,
}

/// How a file's letters are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "snake_case")]
pub enum Encoding {
    Utf8,
    Utf16Le,
    Utf16Be,
    /// Western Europe.
    Windows1252,
    /// Arabic and Persian.
    Windows1256,
}

/// What stands between two cells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "snake_case")]
pub enum Separator {
    Comma,
    Semicolon,
    Tab,
}

/// What a column holds. Several columns may hold the same: names are joined, numbers listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "snake_case")]
pub enum Column {
    /// Not taken.
    Nothing,
    Name,
    Given,
    Family,
    Company,
    Number,
    Email,
    Reference,
    Stage,
    Owner,
    Tags,
    Notes,
}

/// How a file is read. `separator`, `heading` and `columns` are a table's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Type)]
pub struct Layout {
    pub format: FileFormat,
    pub encoding: Encoding,
    pub separator: Separator,
    /// The first row names the columns.
    pub heading: bool,
    pub columns: Vec<Column>,
}

/// What the user says of a file; the rest is guessed.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize, Type)]
pub struct LayoutChoice {
    #[serde(default)]
    pub encoding: Option<Encoding>,
    #[serde(default)]
    pub separator: Option<Separator>,
    #[serde(default)]
    pub heading: Option<bool>,
    #[serde(default)]
    pub columns: Option<Vec<Column>>,
}

/// A customer out of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileRow {
    /// Where it begins, from 1.
    pub line: u64,
    pub customer: Customer,
    /// Those of the numbers, in their order.
    pub keys: Vec<String>,
}

/// What the application asks of the store about files of customers. Each is answered by one [`FileAnswer`], in order.
#[derive(Clone, Debug, PartialEq)]
pub enum FileAsk {
    /// At most [`BATCH`] rows, in one transaction. Answered by `Taken`.
    Take {
        job: u32,
        rows: Vec<FileRow>,
        /// `None`: only counted.
        write: Option<Import>,
        /// Those that are known are taken as well, as customers of their own.
        known_too: bool,
    },
    /// Answered by `Last`.
    Last,
    /// Takes customers of the last import away that nobody has touched since, at most [`BATCH`]. Answered by `Undone`.
    Undo,
    /// Customers with a higher id, in the order of their ids, at most [`EXPORT_PAGE`]. Answered by `Page`.
    After { after: u32 },
}

/// An import, told with every batch of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Import {
    /// When it began, Unix milliseconds: another time than that of the import before makes it a new one.
    pub at_ms: i64,
}

/// The last import, as far as it can be taken back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LastImport {
    pub at_ms: i64,
    /// Customers of it that nobody has touched since.
    pub customers: u32,
}

#[derive(Clone, Debug, PartialEq)]
pub enum FileAnswer {
    /// `known`: the lines of those that are customers already, by a number or an e-mail address, and their names.
    Taken {
        job: u32,
        fresh: u32,
        known: Vec<(u64, String)>,
    },
    Last(Option<LastImport>),
    /// `kept`: customers of it that somebody has touched since, told with the last batch.
    Undone {
        removed: u32,
        more: bool,
        kept: u32,
    },
    /// Empty: there are no more.
    Page(Vec<Customer>),
    /// The batch was not written, nor any of it.
    Failed {
        job: Option<u32>,
        text: Text,
    },
}
