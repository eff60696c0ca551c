//! The seam to the HID devices of this computer.

use std::{fmt::Debug, time::Duration};

#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum HidError {
    #[error("not permitted")]
    Denied,
    #[error("{0}")]
    Failed(String),
}

/// A device that says to be for telephony.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Found {
    /// What it is opened by; the same as long as it stays.
    pub key: String,
    /// As the device says: a stranger's text.
    pub name: String,
}

/// An open device. Reading and writing are two threads' work.
pub struct Port {
    pub descriptor: Vec<u8>,
    pub input: Box<dyn Input>,
    pub output: Box<dyn Output>,
}

pub trait Hid: Send + Sync + Debug {
    fn list(&self) -> Result<Vec<Found>, HidError>;
    fn open(&self, key: &str) -> Result<Port, HidError>;
}

pub trait Input: Send {
    /// One report, with its id first where the device has ids. 0 bytes: none came in this time.
    fn read(&mut self, into: &mut [u8], wait: Duration) -> Result<usize, HidError>;
}

pub trait Output: Send {
    /// One report, its id first, 0 where the device has none.
    fn write(&mut self, report: &[u8]) -> Result<(), HidError>;
}
