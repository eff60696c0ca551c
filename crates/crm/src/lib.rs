//! hatif-crm: who is calling. Telephone numbers in one form, and files of customers.

#![warn(missing_docs)]

pub mod file;
mod number;
mod table;

pub use number::{at_home, key, keys, pretty, warm};
pub use table::csv;
