//! The buttons and lamps of USB headsets (HID, usage pages 0x0B and 0x08), whatever their maker.
//!
//! ```text
//! device -> descriptor -> Layout          which bits are which buttons and lamps
//! report -> Headset::read -> Press        what a person did, and what only answers us
//! Press  -> Calls::deed -> Deed           what that asks of the calls
//! calls  -> Calls::lamps -> Headset::show -> reports
//! ```
//!
//! All of this is pure; [`Watch`] and [`SystemHid`] touch the devices.

mod calls;
mod descriptor;
mod headset;
mod hid;
mod layout;
mod system;
mod watch;

pub use calls::{Calls, Deed, Lamps};
pub use descriptor::{DescriptorError, LONGEST};
pub use headset::{Headset, Heard, Press};
pub use hid::{Found, Hid, HidError, Input, Output, Port};
pub use layout::{Button, Hook, Lamp, Layout};
pub use system::SystemHid;
pub use watch::{Pen, Told, Watch};
