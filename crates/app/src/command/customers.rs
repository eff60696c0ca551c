//! What can be asked about customers: the address book, and the card of a call.

use hatif_core::customer::Customer;
use serde::{Deserialize, Serialize};
use specta::Type;

/// `{"command":"customers","ask":{"do":"find","request":1,"text":"sara"}}`. Answered by a `customers` event.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Type)]
#[serde(tag = "do", rename_all = "snake_case")]
pub enum CustomersCommand {
    /// A page of those whose texts hold every word, by name; all of them when `text` is empty. Answered by `found`.
    Find {
        request: u32,
        #[serde(default)]
        text: String,
        /// Customers before the page.
        #[serde(default)]
        offset: u32,
        /// Customers of a page, 1 to 200; 50 when absent.
        #[serde(default)]
        limit: Option<u32>,
    },
    /// Who has these numbers or addresses, at most 500. Answered by `names`.
    Names { addresses: Vec<String> },
    /// Keeps a customer; one with `id` 0 is a new one. Answered by `saved`, or `failed`.
    Save { request: u32, customer: Customer },
    /// Answered by `deleted`.
    Delete { customer: u32 },
    /// Erases a customer with all that names them: their calls stay in the log without name and number, what was noted of
    /// them, their tickets, tasks and recordings go. Answered by `erased`, or `failed`.
    Erase { request: u32, customer: u32 },
    /// Which of several customers with the same number is on the line.
    Choose { call: u32, customer: u32 },
}
