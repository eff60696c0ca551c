//! The devices of this computer, by hidapi: hidraw on Linux, the systems' own interfaces on Windows and macOS.

use crate::hid::{Found, Hid, HidError, Input, Output, Port};
use hidapi::{HidApi, HidDevice};
use std::{
    ffi::CString,
    sync::{Mutex, PoisonError},
    time::Duration,
};

const TELEPHONY: u16 = 0x0B;

/// Nothing is touched before the first look.
#[derive(Default)]
pub struct SystemHid(Mutex<Option<HidApi>>);

impl std::fmt::Debug for SystemHid {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SystemHid")
    }
}

impl Hid for SystemHid {
    fn list(&self) -> Result<Vec<Found>, HidError> {
        let mut slot = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let api = match slot.take() {
            Some(mut api) => {
                api.refresh_devices().map_err(failed)?;
                slot.insert(api)
            }
            None => slot.insert(HidApi::new().map_err(failed)?),
        };
        let ours = api.device_list().filter(|device| device.usage_page() == TELEPHONY);
        let mut all: Vec<Found> = ours
            .filter_map(|device| {
                let name = device.product_string().unwrap_or_default().to_owned();
                Some(Found { key: device.path().to_str().ok()?.to_owned(), name })
            })
            .collect();
        // A device with two such collections has one path on Linux and macOS.
        all.sort_by(|a, b| a.key.cmp(&b.key));
        all.dedup_by(|a, b| a.key == b.key);
        Ok(all)
    }

    fn open(&self, key: &str) -> Result<Port, HidError> {
        let path = CString::new(key).map_err(|_| HidError::Failed("no such path".into()))?;
        let slot = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let api = slot.as_ref().ok_or(HidError::Failed("not listed".into()))?;
        // Twice: a write that hangs must not keep a button waiting.
        let (input, output) = (api.open_path(&path).map_err(failed)?, api.open_path(&path).map_err(failed)?);
        let mut descriptor = vec![0; crate::descriptor::LONGEST];
        let length = input.get_report_descriptor(&mut descriptor).map_err(failed)?;
        descriptor.truncate(length);
        Ok(Port { descriptor, input: Box::new(Reading(input)), output: Box::new(Writing(output)) })
    }
}

struct Reading(HidDevice);
struct Writing(HidDevice);

impl Input for Reading {
    fn read(&mut self, into: &mut [u8], wait: Duration) -> Result<usize, HidError> {
        let millis = i32::try_from(wait.as_millis()).unwrap_or(i32::MAX);
        self.0.read_timeout(into, millis).map_err(failed)
    }
}

impl Output for Writing {
    fn write(&mut self, report: &[u8]) -> Result<(), HidError> {
        self.0.write(report).map(drop).map_err(failed)
    }
}

fn failed(error: hidapi::HidError) -> HidError {
    match error {
        hidapi::HidError::IoError { error } if error.kind() == std::io::ErrorKind::PermissionDenied => HidError::Denied,
        error => HidError::Failed(error.to_string()),
    }
}
