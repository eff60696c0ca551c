//! One cpal stream with its ring: which rate, format and buffer it is opened with, and its callbacks.

use crate::{
    callback::{self, Meter},
    host::Direction,
    ring::{CaptureEnd, PlaybackEnd, capture_ring, playback_ring},
};
use cpal::{
    BufferSize, Device, Error, ErrorKind, FromSample, SampleFormat, SizedSample, Stream, StreamConfig,
    SupportedStreamConfig,
    traits::{DeviceTrait, StreamTrait},
};
use rtrb::{Consumer, Producer};
use std::{
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
    },
    time::{Duration, Instant},
};

/// A system that has not opened a stream by then has failed.
const OPEN_TIMEOUT: Duration = Duration::from_secs(5);

/// The media thread's end of an open stream.
pub(crate) enum End {
    Capture(CaptureEnd),
    Playback(PlaybackEnd),
}

/// What a running stream can come to; the rest it survives.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub(crate) enum Fault {
    /// The device, or the sound server, is not there any more.
    Gone = 1,
    /// The stream has to be opened anew: the device's format changed, the server was restarted.
    Invalid = 2,
    PermissionDenied = 3,
    InUse = 4,
    /// No callback comes any more, and nobody says why.
    Standstill = 5,
}

impl Fault {
    /// The first fault of a stream, if it has one.
    pub fn of(meter: &Meter) -> Option<Fault> {
        match meter.fault.load(Ordering::Acquire) {
            1 => Some(Fault::Gone),
            2 => Some(Fault::Invalid),
            3 => Some(Fault::PermissionDenied),
            4 => Some(Fault::InUse),
            _ => None,
        }
    }
}

/// Nanoseconds on the callbacks' time scale.
pub(crate) fn nanos(epoch: Instant) -> u64 {
    epoch.elapsed().as_nanos() as u64
}

/// Opens and starts a stream. `careful`: with larger buffers, after the small ones did not work out. `epoch`: when the
/// time scale of [`nanos`] begins.
pub(crate) fn open(
    device: &Device,
    direction: Direction,
    careful: bool,
    epoch: Instant,
) -> Result<(Stream, End), Error> {
    let supported = configuration(device, direction)?;
    let mut last = Error::new(ErrorKind::UnsupportedConfig);
    for buffer_size in buffer_sizes(device, supported.sample_rate()).into_iter().skip(usize::from(careful)) {
        let config = StreamConfig { channels: supported.channels(), sample_rate: supported.sample_rate(), buffer_size };
        let opened = match direction {
            Direction::Capture => open_capture(device, config, supported.sample_format(), epoch),
            Direction::Playback => open_playback(device, config, supported.sample_format(), epoch),
        };
        match opened {
            Ok((stream, end)) => {
                stream.play()?;
                return Ok((stream, end));
            }
            // another buffer would not help
            Err(error) if is_final(error.kind()) => return Err(error),
            Err(error) => last = error,
        }
    }
    Err(last)
}

fn is_final(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::DeviceBusy
            | ErrorKind::DeviceNotAvailable
            | ErrorKind::HostUnavailable
            | ErrorKind::PermissionDenied
    )
}

/// The device's own format, at 48 kHz where a sound server converts anyway.
fn configuration(device: &Device, direction: Direction) -> Result<SupportedStreamConfig, Error> {
    let own = match direction {
        Direction::Capture => device.default_input_config()?,
        Direction::Playback => device.default_output_config()?,
    };
    // Elsewhere another rate would be forced on the device for every program, or refused.
    if !cfg!(target_os = "linux") || own.sample_rate() == hatif_media::SAMPLE_RATE {
        return Ok(own);
    }
    let fits = |range: &cpal::SupportedStreamConfigRange| {
        range.channels() == own.channels()
            && range.sample_format() == own.sample_format()
            && (range.min_sample_rate()..=range.max_sample_rate()).contains(&hatif_media::SAMPLE_RATE)
    };
    let range = match direction {
        Direction::Capture => device.supported_input_configs()?.find(fits),
        Direction::Playback => device.supported_output_configs()?.find(fits),
    };
    Ok(range.map_or(own, |range| range.with_sample_rate(hatif_media::SAMPLE_RATE)))
}

/// What to ask for, best first. The default is last: PulseAudio's is two seconds.
fn buffer_sizes(device: &Device, rate: u32) -> Vec<BufferSize> {
    let milliseconds: &[u32] = match device.id().map(|id| id.host().to_string().to_lowercase()).as_deref() {
        // Rounded down to a power of two: 256 and 512 at 48 kHz. With 128 a computer that is not quite idle misses a
        // period several times in a call, and each is heard (0.3 PESQ).
        Ok("pipewire") => &[10, 20],
        Ok("pulseaudio" | "alsa") => &[10, 20],
        Ok("coreaudio") => &[5, 10],
        // Windows' shared mode has its own period of 10 ms, which is the default
        _ => &[],
    };
    milliseconds.iter().map(|ms| BufferSize::Fixed(rate * ms / 1000)).chain([BufferSize::Default]).collect()
}

fn open_capture(
    device: &Device,
    config: StreamConfig,
    format: SampleFormat,
    epoch: Instant,
) -> Result<(Stream, End), Error> {
    let (ring, meter, end) = capture_ring(config.sample_rate).map_err(rate_refused)?;
    let stream = match format {
        SampleFormat::F32 => build_capture::<f32>(device, config, ring, meter, epoch),
        SampleFormat::I16 => build_capture::<i16>(device, config, ring, meter, epoch),
        SampleFormat::I24 => build_capture::<cpal::I24>(device, config, ring, meter, epoch),
        SampleFormat::I32 => build_capture::<i32>(device, config, ring, meter, epoch),
        SampleFormat::U8 => build_capture::<u8>(device, config, ring, meter, epoch),
        SampleFormat::I8 => build_capture::<i8>(device, config, ring, meter, epoch),
        SampleFormat::U16 => build_capture::<u16>(device, config, ring, meter, epoch),
        SampleFormat::U32 => build_capture::<u32>(device, config, ring, meter, epoch),
        SampleFormat::F64 => build_capture::<f64>(device, config, ring, meter, epoch),
        _ => Err(Error::new(ErrorKind::UnsupportedConfig)),
    }?;
    Ok((stream, End::Capture(end)))
}

fn open_playback(
    device: &Device,
    config: StreamConfig,
    format: SampleFormat,
    epoch: Instant,
) -> Result<(Stream, End), Error> {
    let (ring, meter, end) = playback_ring(config.sample_rate).map_err(rate_refused)?;
    let stream = match format {
        SampleFormat::F32 => build_playback::<f32>(device, config, ring, meter, epoch),
        SampleFormat::I16 => build_playback::<i16>(device, config, ring, meter, epoch),
        SampleFormat::I24 => build_playback::<cpal::I24>(device, config, ring, meter, epoch),
        SampleFormat::I32 => build_playback::<i32>(device, config, ring, meter, epoch),
        SampleFormat::U8 => build_playback::<u8>(device, config, ring, meter, epoch),
        SampleFormat::I8 => build_playback::<i8>(device, config, ring, meter, epoch),
        SampleFormat::U16 => build_playback::<u16>(device, config, ring, meter, epoch),
        SampleFormat::U32 => build_playback::<u32>(device, config, ring, meter, epoch),
        SampleFormat::F64 => build_playback::<f64>(device, config, ring, meter, epoch),
        _ => Err(Error::new(ErrorKind::UnsupportedConfig)),
    }?;
    Ok((stream, End::Playback(end)))
}

fn rate_refused(error: rubato::ResamplerConstructionError) -> Error {
    Error::with_message(ErrorKind::UnsupportedConfig, error.to_string())
}

fn build_capture<T>(
    device: &Device,
    config: StreamConfig,
    mut ring: Producer<f32>,
    meter: Arc<Meter>,
    epoch: Instant,
) -> Result<Stream, Error>
where
    T: SizedSample,
    f32: FromSample<T>,
{
    let (channels, faults) = (usize::from(config.channels), meter.clone());
    device.build_input_stream::<T, _, _>(
        config,
        move |input, _| callback::capture(input, channels, &mut ring, &meter, nanos(epoch)),
        move |error| note(&faults, &error),
        Some(OPEN_TIMEOUT),
    )
}

fn build_playback<T>(
    device: &Device,
    config: StreamConfig,
    mut ring: Consumer<f32>,
    meter: Arc<Meter>,
    epoch: Instant,
) -> Result<Stream, Error>
where
    T: SizedSample + FromSample<f32>,
{
    let (channels, faults) = (usize::from(config.channels), meter.clone());
    device.build_output_stream::<T, _, _>(
        config,
        move |output, _| callback::playback(output, channels, &mut ring, &meter, nanos(epoch)),
        move |error| note(&faults, &error),
        Some(OPEN_TIMEOUT),
    )
}

/// cpal's error callback: it may come from the sound system's own threads, hundreds of times a second, so it only counts.
fn note(meter: &Meter, error: &Error) {
    let fault = match error.kind() {
        ErrorKind::DeviceNotAvailable | ErrorKind::HostUnavailable => Fault::Gone,
        ErrorKind::StreamInvalidated | ErrorKind::UnsupportedConfig => Fault::Invalid,
        ErrorKind::PermissionDenied => Fault::PermissionDenied,
        ErrorKind::DeviceBusy => Fault::InUse,
        // xruns, refused priorities, a default device that changed and was followed, and what nobody can name
        _ => {
            meter.errors.fetch_add(1, Ordering::Relaxed);
            return;
        }
    };
    set_first(&meter.fault, fault as u8);
}

fn set_first(fault: &AtomicU8, value: u8) {
    let _ = fault.compare_exchange(0, value, Ordering::AcqRel, Ordering::Relaxed);
}
