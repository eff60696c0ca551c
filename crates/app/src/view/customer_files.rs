//! Files of customers as they are shown.

use super::Text;
pub use hatif_core::{
    customer::Customer,
    customer_file::{Column, Encoding, FileFormat, Layout, LayoutChoice, Separator},
};
use serde::{Deserialize, Serialize};
use specta::Type;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "snake_case")]
pub enum ImportStage {
    /// Read and counted; nothing is kept.
    Looking,
    /// All of it is counted.
    Ready,
    Importing,
    Done,
    /// By the user. What was imported until then is kept, and can be undone.
    Cancelled,
    /// `problem` says why. What was imported until then is kept, and can be undone.
    Failed,
}

/// A row that is not taken.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Type)]
pub struct SkippedRow {
    /// Where it begins in the file, from 1.
    #[specta(type = u32)]
    pub line: f64,
    pub why: Text,
}

/// An import, from the look at its file to its end.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Type)]
pub struct ImportView {
    pub stage: ImportStage,
    pub file: String,
    /// Bytes.
    #[specta(type = u32)]
    pub size: f64,
    #[specta(type = u32)]
    pub read: f64,
    /// How it is read; `null` until its beginning was seen.
    pub layout: Option<Layout>,
    /// The name of each column; empty where there is none.
    pub headings: Vec<String>,
    /// The first customers as they will be.
    pub first: Vec<Customer>,
    /// Customers that are not known yet.
    pub fresh: u32,
    /// Those who have a number or an e-mail address of a customer, or of an earlier row.
    pub known: u32,
    /// Rows that are no customers.
    pub skipped: u32,
    /// Whether those who are known are taken as well.
    pub known_too: bool,
    /// The first 100 that are known or skipped.
    pub left_out: Vec<SkippedRow>,
    pub problem: Option<Text>,
}

/// The last import, as far as it can be undone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Type)]
pub struct LastImportView {
    /// Unix time in milliseconds.
    #[specta(type = u32)]
    pub at_ms: f64,
    pub customers: u32,
}

/// The part of a snapshot.
#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize, Type)]
pub struct CustomerFilesView {
    pub import: Option<ImportView>,
    pub last: Option<LastImportView>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Type)]
#[serde(tag = "about", rename_all = "snake_case")]
// As all events: made to be written out at once.
#[allow(clippy::large_enum_variant)]
pub enum CustomerFilesEvent {
    ImportChanged {
        import: Option<ImportView>,
    },
    /// A part of the page's file is wanted; answered by `chunk`.
    Want {
        job: u32,
        #[specta(type = u32)]
        offset: f64,
        length: u32,
    },
    LastChanged {
        last: Option<LastImportView>,
    },
    /// `kept`: customers of it who were touched since.
    Undone {
        removed: u32,
        kept: u32,
    },
    /// A file was written: `customers` in an export, `null` in a report of what was skipped.
    Saved {
        file: String,
        customers: Option<u32>,
    },
}
