//! hatif-connect: a CRM, a ticket system or any other program with an interface over HTTP, described by a file, so that an
//! administrator can add one without us (docs/admin.md).
//!
//! ```text
//! description.rs  the file: parsed, checked, said what is wrong with it and where
//! template.rs     text with {placeholders}, encoded by its place: path, query, header, JSON
//! request.rs      description + values -> what is sent; and the same for a person to read, without its secrets
//! answer.rs       what came back -> records, by JSONPath (RFC 9535)
//! ---- above: no I/O; below: the network ----
//! guard.rs        which addresses may be talked to
//! client.rs       one request: limits, redirects, why it failed in a word
//! run.rs          looking up, sending, trying out: the requests that each of them takes
//! ```

#![warn(missing_docs)]

mod answer;
mod client;
mod description;
mod guard;
mod request;
mod run;
mod shipped;
mod sign;
mod template;

pub use answer::{Fact, Record};
pub use client::{Client, Kind, Trouble};
pub use description::{Action, Auth, Description, Field, FieldKind, Moment, Network, Only};
pub use request::{Preview, Values};
pub use run::{Access, Found, Sent, Tried, look_up, opened, send, try_out};
pub use shipped::{SHIPPED, Shipped};
pub use sign::fresh_id;

/// Values by the names of their placeholders.
pub type Named = std::collections::BTreeMap<String, String>;
