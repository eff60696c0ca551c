//! What can be asked about customers who are there twice.

use hatif_core::customer::Customer;
use serde::{Deserialize, Serialize};
use specta::Type;

/// `{"command":"duplicates","ask":{"do":"find"}}`. Answered by `duplicates` events.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Type)]
#[serde(tag = "do", rename_all = "snake_case")]
pub enum DuplicatesCommand {
    /// Answered by `found`.
    Find,
    /// `customer` is kept, as it is given; `others` become it, with their calls, tickets and tasks. Answered by `merged` and
    /// `found`.
    Merge { customer: Box<Customer>, others: Vec<u32> },
    /// Takes the last merge back, unless the customer was changed since. Answered by `undone` and `found`.
    Undo,
}
