//! hatif-crm: who is calling. Telephone numbers in one form, and (to come) what CRMs know.

#![warn(missing_docs)]

mod number;
mod table;

pub use number::{at_home, key, pretty, warm};
pub use table::csv;
