//! What can be asked about files of customers: import, undo, export.

use hatif_core::customer_file::{FileFormat, LayoutChoice};
use serde::{Deserialize, Serialize};
use specta::Type;

/// `{"command":"customer_files","ask":{"do":"look","source":{"from":"disk","path":"/tmp/c.csv"}}}`. Answered by
/// `customer_files` events.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Type)]
#[serde(tag = "do", rename_all = "snake_case")]
pub enum CustomerFilesCommand {
    /// Reads a file through and says what an import of it would do; nothing is kept. Answered by `import_changed`, again
    /// and again until its stage is `ready`. Another file, or the same one read otherwise, takes its place.
    Look {
        source: FileSource,
        #[serde(default)]
        choice: LayoutChoice,
    },
    /// Imports what was looked at. `known_too`: who is a customer already is taken a second time.
    Start {
        #[serde(default)]
        known_too: bool,
    },
    /// Stops reading or importing, or puts the import away that is through.
    Cancel,
    /// A part of the page's file, in answer to `want`.
    Chunk {
        job: u32,
        /// Base64; empty: there is no more, or it can't be read.
        bytes: String,
    },
    /// What was skipped, as a table in the folder of downloads. Answered by `saved`.
    SaveSkipped,
    /// Takes the customers of the last import away that nobody has touched since. Answered by `undone`.
    Undo,
    /// All customers, as a file in the folder of downloads. Answered by `saved`.
    Export { format: FileFormat },
}

/// Where the file is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Type)]
#[serde(tag = "from", rename_all = "snake_case")]
pub enum FileSource {
    Disk {
        path: String,
    },
    /// The page has it, and gives it part by part.
    Page {
        name: String,
        /// Bytes.
        #[specta(type = u32)]
        size: f64,
    },
}
