//! The thread that opens, closes and lists sound devices: some systems take seconds for it, and the media thread has 10 ms.

use crate::{
    host::{self, Direction, Listing, SoundSystem},
    priority, problem,
    stream::{self, End},
};
use cpal::{Error, ErrorKind, Stream};
use hatif_core::{audio::DeviceRole, text::Text};
use std::{sync::mpsc::Receiver, time::Instant};

pub(crate) enum Request {
    /// `ids`: the devices asked for, the best first; after them, and if there are none, the system's default. Answered by
    /// [`Report::Opened`] with the same ticket.
    Open {
        role: DeviceRole,
        ids: Vec<String>,
        careful: bool,
        ticket: u64,
    },
    /// Closing may wait for the device.
    Close(Stream),
    List,
    Stop,
}

pub(crate) enum Report {
    Opened { role: DeviceRole, ticket: u64, result: Box<Result<Opened, Text>> },
    Listed(Listing),
}

/// An open stream. Drop it on the opener's thread ([`Request::Close`]).
pub(crate) struct Opened {
    pub stream: Stream,
    pub end: End,
    /// Which device it is; for the default, the system's name for "default".
    pub id: String,
    /// The sound system moves the stream itself when its default changes.
    pub follows_default: bool,
    pub name: String,
    /// It is not the first device asked for, but another or the default, and this is why.
    pub problem: Option<Text>,
}

pub(crate) fn direction(role: DeviceRole) -> Direction {
    match role {
        DeviceRole::Microphone => Direction::Capture,
        DeviceRole::Speaker | DeviceRole::Ringer => Direction::Playback,
    }
}

/// Serves requests until it is stopped, or nobody listens.
pub(crate) fn run(requests: Receiver<Request>, epoch: Instant, mut report: impl FnMut(Report) -> bool) {
    priority::raise_stream_opener();
    let mut system = SoundSystem::default();
    for request in requests {
        let heard = match request {
            Request::Open { role, ids, careful, ticket } => {
                system.refresh();
                let result = open(&system, role, &ids, careful, epoch);
                report(Report::Opened { role, ticket, result: Box::new(result) })
            }
            Request::Close(stream) => {
                drop(stream);
                true
            }
            Request::Stop => false,
            Request::List => report(Report::Listed(system.refresh().clone())),
        };
        if !heard {
            return;
        }
    }
}

/// The first of the devices that opens, else the default, with the reason why not the first; else the reason alone.
fn open(system: &SoundSystem, role: DeviceRole, ids: &[String], careful: bool, epoch: Instant) -> Result<Opened, Text> {
    let direction = direction(role);
    let mut reason = None;
    for id in ids {
        let opened = match system.find(id, direction) {
            Some(device) => open_device(&device, direction, careful, epoch).map_err(there_but),
            None => Err(Text::new(problem::DEVICE_GONE).with("device", id)),
        };
        match opened {
            Ok(opened) => return Ok(Opened { problem: reason, ..opened }),
            Err(text) => reason = reason.or(Some(text)),
        }
    }
    let opened = match system.default_device(direction) {
        Some(device) => open_device(&device, direction, careful, epoch),
        None => Err(problem::nothing_for(role)),
    };
    match opened {
        Ok(opened) => Ok(Opened { problem: reason, ..opened }),
        // a default that is not there is no device at all, which says more than that the chosen one is gone
        Err(text) if text.code == problem::DEVICE_GONE => Err(problem::nothing_for(role)),
        Err(text) => Err(if text.code == problem::FAILED { reason.unwrap_or(text) } else { text }),
    }
}

fn open_device(device: &cpal::Device, direction: Direction, careful: bool, epoch: Instant) -> Result<Opened, Text> {
    let name = host::name(device);
    match stream::open(device, direction, careful, epoch) {
        Ok((stream, end)) => {
            let id = host::id(device);
            let follows_default = id.starts_with("pipewire:");
            Ok(Opened { stream, end, id, follows_default, name, problem: None })
        }
        Err(error) => {
            tracing::warn!(kind = ?error.kind(), ?direction, "a sound device cannot be opened");
            Err(refused(&error, &name))
        }
    }
}

/// A device that is listed and says it is not there: not gone, for then it would be waited for in the list.
fn there_but(text: Text) -> Text {
    if text.code == problem::DEVICE_GONE {
        Text { code: problem::FAILED, ..text }.with("detail", "not available")
    } else {
        text
    }
}

/// Why a device does not open, in words.
fn refused(error: &Error, name: &str) -> Text {
    match error.kind() {
        ErrorKind::DeviceNotAvailable | ErrorKind::HostUnavailable => {
            Text::new(problem::DEVICE_GONE).with("device", name)
        }
        ErrorKind::PermissionDenied => Text::new(problem::PERMISSION_DENIED),
        ErrorKind::DeviceBusy => Text::new(problem::DEVICE_IN_USE).with("device", name),
        _ => problem::with_detail(problem::FAILED, &error.to_string()).with("device", name),
    }
}
