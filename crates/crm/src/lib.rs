//! hatif-crm: who is calling. Telephone numbers in one form, and (to come) what CRMs know.

#![warn(missing_docs)]

mod number;

pub use number::{key, pretty, warm};
