//! Customers who are there twice: the part of the store's port that finds them, makes one of them, and takes that back.

use crate::{customer::Customer, text::Text};
use serde::{Deserialize, Serialize};
use specta::Type;

/// Groups that are told at once.
pub const MAX_GROUPS: usize = 100;
/// Customers of a group.
pub const MAX_GROUP: usize = 10;

/// What two customers have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, Type)]
#[serde(rename_all = "snake_case")]
pub enum Sameness {
    /// A number, as far as can be told (`customer::same`).
    Number,
    Email,
    /// Name and company, letters folded.
    Name,
}

/// Customers who may be one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Type)]
pub struct DuplicateGroup {
    pub why: Sameness,
    pub customers: Vec<Customer>,
}

/// What the application asks of the store. Each is answered by one [`DuplicateAnswer`], in order.
#[derive(Clone, Debug, PartialEq)]
pub enum DuplicateAsk {
    /// Answered by `Found`.
    Find,
    /// The customer as it will be, under its id; the others go, and what belongs to them becomes its. `keys` are those of
    /// its numbers. Answered by `Merged`.
    Merge { customer: Box<Customer>, keys: Vec<String>, others: Vec<u32> },
    /// The last merge taken back, if the customer is as it was left. Answered by `Undone`.
    Undo,
}

#[derive(Clone, Debug, PartialEq)]
pub enum DuplicateAnswer {
    /// At most [`MAX_GROUPS`]; each group once, for its best reason.
    Found(Vec<DuplicateGroup>),
    Merged(u32),
    /// Those who are there again.
    Undone(Vec<u32>),
    /// Nothing has changed.
    Failed(Text),
}
