//! Customers who are there twice, as they are shown.

pub use hatif_core::duplicate::{DuplicateGroup, Sameness};
use serde::{Deserialize, Serialize};
use specta::Type;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Type)]
#[serde(tag = "about", rename_all = "snake_case")]
pub enum DuplicatesEvent {
    /// At most 100 groups.
    Found {
        groups: Vec<DuplicateGroup>,
    },
    Merged {
        customer: u32,
    },
    /// Those who are there again.
    Undone {
        customers: Vec<u32>,
    },
}
