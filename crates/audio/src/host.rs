//! Which sound systems there are, in order, and their devices.
//!
//! Devices are chosen by id, never by name: names are neither unique nor stable (PipeWire lists a device and an
//! application's stream under one name).

use cpal::{
    Device, DeviceDirection, DeviceId, Host, HostId,
    traits::{DeviceTrait, HostTrait},
};
use hatif_core::audio::AudioDevice;
use std::{collections::BTreeSet, str::FromStr};

/// More devices are not listed.
const MOST_DEVICES: usize = 100;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Direction {
    Capture,
    Playback,
}

/// What there is to choose from.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Listing {
    pub inputs: Vec<AudioDevice>,
    pub outputs: Vec<AudioDevice>,
}

impl Listing {
    pub fn of(&self, direction: Direction) -> &[AudioDevice] {
        match direction {
            Direction::Capture => &self.inputs,
            Direction::Playback => &self.outputs,
        }
    }
}

/// The sound system in use, as of the last [`SoundSystem::refresh`].
#[derive(Default)]
pub(crate) struct SoundSystem {
    host: Option<Host>,
    listing: Listing,
}

impl SoundSystem {
    /// Looks at what there is now: the first sound system that has a device.
    pub fn refresh(&mut self) -> &Listing {
        let mut best: Option<(Host, Listing)> = None;
        for id in preferred() {
            // PipeWire's host is a snapshot; the others would do with one, but a restarted server needs a new one.
            let Ok(host) = cpal::host_from_id(id) else { continue };
            let listing = list(&host);
            let found = !listing.inputs.is_empty() || !listing.outputs.is_empty();
            if found || best.is_none() {
                best = Some((host, listing));
            }
            if found {
                break;
            }
        }
        (self.host, self.listing) = best.map_or((None, Listing::default()), |(host, listing)| (Some(host), listing));
        &self.listing
    }

    /// The device with this id, also of another sound system than the one in use.
    pub fn find(&self, id: &str, direction: Direction) -> Option<Device> {
        let id = DeviceId::from_str(id).ok()?;
        let host = self.host.as_ref()?;
        if id.host() == host.id() {
            return find_in(host, &id, direction);
        }
        find_in(&cpal::host_from_id(id.host()).ok()?, &id, direction)
    }

    /// The system's default, if there is any device at all: PipeWire's default exists without one.
    pub fn default_device(&self, direction: Direction) -> Option<Device> {
        let host = self.host.as_ref().filter(|_| !self.listing.of(direction).is_empty())?;
        match direction {
            Direction::Capture => host.default_input_device(),
            Direction::Playback => host.default_output_device(),
        }
    }
}

/// The device's name for people; its id where it has none.
pub(crate) fn name(device: &Device) -> String {
    match device.description() {
        Ok(description) if !description.name().is_empty() => description.name().to_owned(),
        _ => id(device),
    }
}

pub(crate) fn id(device: &Device) -> String {
    device.id().map(|id| id.to_string()).unwrap_or_default()
}

#[cfg(target_os = "linux")]
fn preferred() -> Vec<HostId> {
    // cpal's PulseAudio does not get on with PipeWire's imitation of it, so PipeWire comes first; ALSA is last because it may
    // take the device for itself.
    vec![HostId::PipeWire, HostId::PulseAudio, HostId::Alsa]
}

#[cfg(not(target_os = "linux"))]
fn preferred() -> Vec<HostId> {
    vec![cpal::default_host().id()]
}

fn find_in(host: &Host, id: &DeviceId, direction: Direction) -> Option<Device> {
    host.devices().ok()?.find(|device| device.id().is_ok_and(|found| found == *id) && is_for(device, direction))
}

fn list(host: &Host) -> Listing {
    let found = host.devices().map(|devices| devices.take(4 * MOST_DEVICES).collect::<Vec<_>>()).unwrap_or_default();
    #[cfg(target_os = "linux")]
    let graph = if host.id() == HostId::PipeWire { crate::pipewire::graph() } else { None };
    let listed = |direction: Direction| {
        let default = match direction {
            Direction::Capture => host.default_input_device(),
            Direction::Playback => host.default_output_device(),
        };
        let default = default.map(|device| id(&device));
        let mut seen = BTreeSet::new();
        let devices = found.iter().filter(|device| is_for(device, direction)).filter_map(|device| {
            let (id, name) = (id(device), name(device));
            let is_default = default.as_ref() == Some(&id);
            #[cfg(target_os = "linux")]
            let is_default = match &graph {
                Some(graph) => is_default_of(graph, device, direction)?,
                None => is_default,
            };
            (!id.is_empty() && seen.insert(id.clone())).then_some(AudioDevice { id, name, is_default })
        });
        devices.take(MOST_DEVICES).collect()
    };
    Listing { inputs: listed(Direction::Capture), outputs: listed(Direction::Playback) }
}

/// Whether a PipeWire device is the default; `None` if it is no device but a program's stream.
#[cfg(target_os = "linux")]
fn is_default_of(graph: &crate::pipewire::Graph, device: &Device, direction: Direction) -> Option<bool> {
    let id = device.id().ok()?;
    let (devices, default) = match direction {
        Direction::Capture => (&graph.sources, &graph.default_source),
        Direction::Playback => (&graph.sinks, &graph.default_sink),
    };
    devices.contains(id.id()).then_some(default.as_deref() == Some(id.id()))
}

/// Whether the device is one that a person would choose for this.
fn is_for(device: &Device, direction: Direction) -> bool {
    let Ok(id) = device.id() else { return false };
    let Ok(description) = device.description() else { return false };
    let shape = description.direction();
    #[cfg(target_os = "linux")]
    match id.host() {
        HostId::PipeWire => return is_pipewire_device(id.id(), shape, direction),
        HostId::PulseAudio if direction == Direction::Capture && id.id().ends_with(".monitor") => return false,
        HostId::Alsa => return is_alsa_device(id.id()) && supports(device, shape, direction),
        _ => {}
    }
    let _ = id;
    supports(device, shape, direction)
}

fn supports(device: &Device, shape: DeviceDirection, direction: Direction) -> bool {
    match (shape, direction) {
        (DeviceDirection::Input, Direction::Playback) | (DeviceDirection::Output, Direction::Capture) => false,
        (DeviceDirection::Unknown, Direction::Capture) => device.supports_input(),
        (DeviceDirection::Unknown, Direction::Playback) => device.supports_output(),
        _ => true,
    }
}

/// cpal gives its three default devices, sinks as "duplex" (a monitor can be captured), sources as inputs, and also the
/// streams of programs, as inputs and outputs; [`crate::pipewire`] knows which are which.
#[cfg(target_os = "linux")]
fn is_pipewire_device(name: &str, shape: DeviceDirection, direction: Direction) -> bool {
    if matches!(name, "sink_default" | "input_default" | "output_default") || name.starts_with("cpal-") {
        return false;
    }
    match direction {
        Direction::Capture => shape == DeviceDirection::Input,
        Direction::Playback => shape == DeviceDirection::Duplex,
    }
}

/// ALSA lists each card a dozen times over; these are the ones that convert formats, and the plugins of sound servers.
#[cfg(target_os = "linux")]
fn is_alsa_device(name: &str) -> bool {
    name.starts_with("plughw:") || matches!(name, "pulse" | "pipewire")
}
