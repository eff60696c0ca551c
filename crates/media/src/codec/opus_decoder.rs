//! Opus decoding with neural concealment, straight on libopus: the crate `opus` cannot set a decoder's complexity, and deep
//! PLC is what complexity 5 and above switches on (libopus 1.5 and later). The only unsafe code of this crate.
#![allow(unsafe_code)]

use super::MAX_FRAME;
use opusic_sys as sys;
use std::{ffi::c_int, ptr, ptr::NonNull};

const RATE: i32 = crate::SAMPLE_RATE as i32;
/// 5 and above: deep PLC.
const COMPLEXITY: c_int = 5;

pub(crate) struct OpusDecoder {
    /// `None` if libopus could not allocate: silence.
    state: Option<NonNull<sys::OpusDecoder>>,
}

// SAFETY: a decoder is plain memory without thread affinity; `&mut self` guards every call that changes it.
unsafe impl Send for OpusDecoder {}

impl OpusDecoder {
    pub(crate) fn new() -> Self {
        let mut error: c_int = 0;
        // SAFETY: valid rate and channel count, `error` lives through the call. The result is a decoder or null.
        let state = NonNull::new(unsafe { sys::opus_decoder_create(RATE, 1, &mut error) });
        if let Some(state) = state {
            // SAFETY: a live decoder; this request takes one int. Refusal leaves the default.
            let _ = unsafe { sys::opus_decoder_ctl(state.as_ptr(), sys::OPUS_SET_COMPLEXITY_REQUEST, COMPLEXITY) };
        }
        Self { state }
    }

    pub(crate) fn duration(payload: &[u8]) -> Option<usize> {
        let length = i32::try_from(payload.len()).ok().filter(|&length| length > 0)?;
        // SAFETY: reads at most `length` bytes of `payload`.
        let samples = unsafe { sys::opus_packet_get_nb_samples(payload.as_ptr(), length, RATE) };
        usize::try_from(samples).ok().filter(|samples| (1..=MAX_FRAME).contains(samples))
    }

    pub(crate) fn carries_recovery(payload: &[u8]) -> bool {
        let Ok(length) = i32::try_from(payload.len()) else { return false };
        // SAFETY: reads at most `length` bytes of `payload`; it parses and checks the packet first. Negative is an error.
        length > 0 && unsafe { sys::opus_packet_has_lbrr(payload.as_ptr(), length) } > 0
    }

    pub(crate) fn decode(&mut self, payload: &[u8], out: &mut [f32]) {
        if payload.is_empty() {
            self.conceal(out);
        } else {
            self.run(Some(payload), out, false);
        }
    }

    pub(crate) fn recover(&mut self, next: &[u8], out: &mut [f32]) {
        self.run(Some(next).filter(|next| !next.is_empty()), out, true);
    }

    pub(crate) fn conceal(&mut self, out: &mut [f32]) {
        self.run(None, out, false);
    }

    /// Whatever libopus does not fill is silence.
    fn run(&mut self, payload: Option<&[u8]>, out: &mut [f32], fec: bool) {
        let mut filled = 0;
        if let (Some(state), Ok(room)) = (self.state, c_int::try_from(out.len().min(MAX_FRAME))) {
            let (bytes, length) = payload.map_or((ptr::null(), 0), |payload| (payload.as_ptr(), payload.len() as i32));
            let fec = c_int::from(fec && payload.is_some());
            // SAFETY: a live decoder; reads `length` bytes of `bytes` (none if null), writes at most `room` samples of `out`.
            let samples = unsafe { sys::opus_decode_float(state.as_ptr(), bytes, length, out.as_mut_ptr(), room, fec) };
            filled = usize::try_from(samples).unwrap_or(0).min(out.len());
        }
        out[filled..].fill(0.0);
    }
}

impl Drop for OpusDecoder {
    fn drop(&mut self) {
        if let Some(state) = self.state {
            // SAFETY: created by `opus_decoder_create`, destroyed once.
            unsafe { sys::opus_decoder_destroy(state.as_ptr()) };
        }
    }
}
