//! The caller's card, and what is told of customers.

use super::*;
pub use hatif_core::customer::{Customer, Stage};
use serde::{Deserialize, Serialize};
use specta::Type;

/// What is known of who is on the line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Type)]
pub struct CardView {
    pub call: u32,
    /// The caller's number in its international form, to prefill a new customer; the address where it is no number.
    pub number: String,
    /// The store has not answered yet.
    pub looking: bool,
    /// Nobody: a new customer can be made. Several: which one it is has to be asked.
    pub customers: Vec<Customer>,
    /// Who of several it is (`choose`); who it is, where there is one.
    pub chosen: Option<u32>,
    /// The calls before this one, newest first.
    pub earlier: Vec<HistoryEntry>,
}

/// The customers' part of a snapshot.
#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize, Type)]
pub struct CustomersView {
    /// One for each call on the screen.
    pub cards: Vec<CardView>,
}

/// Who has a number.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Type)]
pub struct NameView {
    /// As it was asked about.
    pub address: String,
    pub customer: Option<u32>,
    pub name: Option<String>,
}

/// What is told of customers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Type)]
#[serde(tag = "about", rename_all = "snake_case")]
pub enum CustomersEvent {
    CardChanged {
        card: CardView,
    },
    CardGone {
        call: u32,
    },
    /// `total`: how many there are; of a search, as many as have been told.
    Found {
        request: u32,
        customers: Vec<Customer>,
        more: bool,
        total: u32,
    },
    Names {
        names: Vec<NameView>,
    },
    /// Kept, with its id. Names that were told before may have changed.
    Saved {
        request: u32,
        customer: Customer,
    },
    Deleted {
        customer: u32,
    },
    /// Nothing names them any more.
    Erased {
        request: u32,
        customer: u32,
    },
    Failed {
        request: u32,
        text: Text,
    },
}
