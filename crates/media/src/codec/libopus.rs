//! libopus behind safe faces: `opus` where it has them, else straight on `opusic-sys` (the same library), for no safe crate
//! offers all of: decoder complexity (5 and above is deep PLC, libopus 1.5 and later), deep redundancy (DRED) on both sides,
//! and looking into a packet for LBRR. The only unsafe code of this crate.
#![allow(unsafe_code)]

use super::MAX_FRAME;
use opusic_sys as sys;
use std::{ffi::c_int, ptr, ptr::NonNull};

const RATE: i32 = crate::SAMPLE_RATE as i32;

/// What an encoder can be told.
#[derive(Clone, Copy)]
pub(super) enum Setting {
    /// 0 to 10.
    Complexity,
    /// Bits a second, everything included but packet headers.
    Bitrate,
    /// 0 or 1: copies of past frames (LBRR).
    InbandFec,
    /// Per cent of packets that the far side loses.
    ExpectedLoss,
    /// 0: up to 20 kHz; 1: up to 8 kHz.
    Wideband,
    /// How far back deep redundancy reaches, 10 ms.
    DeepRedundancy,
}

/// 48 kHz, mono, for speech.
pub(super) struct EncoderState(NonNull<sys::OpusEncoder>);

// SAFETY: an encoder is plain memory without thread affinity; `&mut self` guards every call that changes it.
unsafe impl Send for EncoderState {}

impl EncoderState {
    /// `None` if libopus could not allocate.
    pub(super) fn new() -> Option<Self> {
        let mut error: c_int = 0;
        // SAFETY: valid rate, channels and application; `error` lives through the call. The result is an encoder or null.
        let state = unsafe { sys::opus_encoder_create(RATE, 1, sys::OPUS_APPLICATION_VOIP, &mut error) };
        let mut encoder = Self(NonNull::new(state)?);
        // Never the music mode, which has no LBRR.
        encoder.control(sys::OPUS_SET_SIGNAL_REQUEST, sys::OPUS_SIGNAL_VOICE);
        Some(encoder)
    }

    /// A value out of range leaves things as they were.
    pub(super) fn set(&mut self, setting: Setting, value: i32) {
        let bandwidth = if value == 0 { sys::OPUS_BANDWIDTH_FULLBAND } else { sys::OPUS_BANDWIDTH_WIDEBAND };
        let (request, value) = match setting {
            Setting::Complexity => (sys::OPUS_SET_COMPLEXITY_REQUEST, value),
            Setting::Bitrate => (sys::OPUS_SET_BITRATE_REQUEST, value),
            Setting::InbandFec => (sys::OPUS_SET_INBAND_FEC_REQUEST, value),
            Setting::ExpectedLoss => (sys::OPUS_SET_PACKET_LOSS_PERC_REQUEST, value),
            Setting::Wideband => (sys::OPUS_SET_MAX_BANDWIDTH_REQUEST, bandwidth),
            Setting::DeepRedundancy => (sys::OPUS_SET_DRED_DURATION_REQUEST, value),
        };
        self.control(request, value);
    }

    fn control(&mut self, request: c_int, value: c_int) {
        // SAFETY: a live encoder; every request used here takes one int, which libopus checks.
        let _ = unsafe { sys::opus_encoder_ctl(self.0.as_ptr(), request, value) };
    }

    /// Bytes written to `room`, 0 if it went wrong.
    pub(super) fn encode(&mut self, frame: &[f32], room: &mut [u8]) -> usize {
        let (Ok(samples), Ok(bytes)) = (c_int::try_from(frame.len()), i32::try_from(room.len())) else { return 0 };
        // SAFETY: a live encoder; reads `samples` samples of `frame`, writes at most `bytes` bytes of `room`.
        let written =
            unsafe { sys::opus_encode_float(self.0.as_ptr(), frame.as_ptr(), samples, room.as_mut_ptr(), bytes) };
        usize::try_from(written).unwrap_or(0)
    }
}

impl Drop for EncoderState {
    fn drop(&mut self) {
        // SAFETY: created by `opus_encoder_create`, destroyed once.
        unsafe { sys::opus_encoder_destroy(self.0.as_ptr()) };
    }
}

/// What to decode.
#[derive(Clone, Copy)]
pub(super) enum Sound<'a> {
    Packet(&'a [u8]),
    /// The frame before the packet, from its LBRR.
    Recovery(&'a [u8]),
    Concealment,
}

/// 48 kHz, mono.
pub(super) struct DecoderState(NonNull<sys::OpusDecoder>);

// SAFETY: as for the encoder.
unsafe impl Send for DecoderState {}

impl DecoderState {
    /// `None` if libopus could not allocate. `complexity` 5 and above: deep PLC.
    pub(super) fn new(complexity: c_int) -> Option<Self> {
        let mut error: c_int = 0;
        // SAFETY: valid rate and channel count, `error` lives through the call. The result is a decoder or null.
        let state = NonNull::new(unsafe { sys::opus_decoder_create(RATE, 1, &mut error) })?;
        // SAFETY: a live decoder; this request takes one int. Refusal leaves the default.
        let _ = unsafe { sys::opus_decoder_ctl(state.as_ptr(), sys::OPUS_SET_COMPLEXITY_REQUEST, complexity) };
        Some(Self(state))
    }

    /// Samples written to `out`.
    pub(super) fn decode(&mut self, sound: Sound<'_>, out: &mut [f32]) -> usize {
        let (payload, fec) = match sound {
            Sound::Packet(payload) => (payload, 0),
            Sound::Recovery(next) => (next, 1),
            Sound::Concealment => (&[][..], 0),
        };
        let (Ok(room), Ok(length)) = (c_int::try_from(out.len().min(MAX_FRAME)), i32::try_from(payload.len())) else {
            return 0;
        };
        let bytes = if payload.is_empty() { ptr::null() } else { payload.as_ptr() };
        // SAFETY: a live decoder; reads `length` bytes of `bytes` (none if null), writes at most `room` samples of `out`.
        let samples = unsafe { sys::opus_decode_float(self.0.as_ptr(), bytes, length, out.as_mut_ptr(), room, fec) };
        usize::try_from(samples).unwrap_or(0).min(out.len())
    }

    /// The sound that begins `before` samples ahead of the packet that `redundancy` was found in. Samples written to `out`.
    pub(super) fn decode_deep(&mut self, redundancy: &DeepRedundancy, before: usize, out: &mut [f32]) -> usize {
        let (Ok(room), Ok(before)) = (c_int::try_from(out.len().min(MAX_FRAME)), i32::try_from(before)) else {
            return 0;
        };
        let (decoder, found) = (self.0.as_ptr(), redundancy.found.as_ptr());
        // SAFETY: a live decoder and live redundancy, which libopus checks to be processed; writes at most `room` samples.
        let samples = unsafe { sys::opus_decoder_dred_decode_float(decoder, found, before, out.as_mut_ptr(), room) };
        usize::try_from(samples).unwrap_or(0).min(out.len())
    }
}

impl Drop for DecoderState {
    fn drop(&mut self) {
        // SAFETY: created by `opus_decoder_create`, destroyed once.
        unsafe { sys::opus_decoder_destroy(self.0.as_ptr()) };
    }
}

/// The deep redundancy of one packet, and the decoder for it.
pub(super) struct DeepRedundancy {
    decoder: NonNull<sys::OpusDREDDecoder>,
    found: NonNull<sys::OpusDRED>,
}

// SAFETY: plain memory without thread affinity.
unsafe impl Send for DeepRedundancy {}

impl DeepRedundancy {
    /// `None` if libopus could not allocate or was built without it.
    pub(super) fn new() -> Option<Self> {
        let mut error: c_int = 0;
        // SAFETY: `error` lives through the call; the result is a decoder or null.
        let decoder = NonNull::new(unsafe { sys::opus_dred_decoder_create(&mut error) })?;
        // SAFETY: as above.
        match NonNull::new(unsafe { sys::opus_dred_alloc(&mut error) }) {
            Some(found) => Some(Self { decoder, found }),
            None => {
                // SAFETY: created above, not used any more.
                unsafe { sys::opus_dred_decoder_destroy(decoder.as_ptr()) };
                None
            }
        }
    }

    /// Looks for redundancy in a packet: how many samples before it are covered. With `unpack`, also makes it ready for
    /// [`DecoderState::decode_deep`], which costs ten times as much. `most`: samples that are of interest.
    pub(super) fn find(&mut self, payload: &[u8], most: usize, unpack: bool) -> usize {
        let (Ok(length), Ok(most)) = (i32::try_from(payload.len()), i32::try_from(most)) else { return 0 };
        let (mut end, defer) = (0, c_int::from(!unpack));
        if length == 0 {
            return 0;
        }
        let (decoder, found, bytes) = (self.decoder.as_ptr(), self.found.as_ptr(), payload.as_ptr());
        // SAFETY: live state of both kinds; reads at most `length` bytes of `payload`; `end` lives through the call.
        let samples = unsafe { sys::opus_dred_parse(decoder, found, bytes, length, most, RATE, &mut end, defer) };
        usize::try_from(samples).unwrap_or(0)
    }
}

impl Drop for DeepRedundancy {
    fn drop(&mut self) {
        // SAFETY: both were created by their libopus functions and are destroyed once.
        unsafe {
            sys::opus_dred_free(self.found.as_ptr());
            sys::opus_dred_decoder_destroy(self.decoder.as_ptr());
        }
    }
}

/// Samples in a packet, if it is one.
pub(super) fn duration(payload: &[u8]) -> Option<usize> {
    if payload.is_empty() {
        return None;
    }
    let samples = opus::packet::get_nb_samples(payload, crate::SAMPLE_RATE).ok()?;
    (1..=MAX_FRAME).contains(&samples).then_some(samples)
}

/// Whether the packet carries a copy of the frame before it (LBRR).
pub(super) fn carries_recovery(payload: &[u8]) -> bool {
    let Ok(length) = i32::try_from(payload.len()) else { return false };
    // SAFETY: reads at most `length` bytes of `payload`; it parses and checks the packet first. Negative is an error.
    length > 0 && unsafe { sys::opus_packet_has_lbrr(payload.as_ptr(), length) } > 0
}
