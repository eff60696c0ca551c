//! Opus decoding: packets; what is missing from LBRR (the frame just before a packet), from DRED (what lies further back), or
//! made up by the neural concealment.

use super::libopus::{DecoderState, DeepRedundancy, Sound, carries_recovery, duration};

/// 5 and above: deep PLC. 7: also NoLACE, which mends wideband speech at low rates, as it comes when much is lost, and costs
/// nothing where there is none.
const COMPLEXITY: i32 = 7;
/// As far back as anybody waits for: samples.
const DEEPEST: usize = 48 * 400;

pub(crate) struct OpusDecoder {
    /// `None` if libopus could not allocate: silence.
    state: Option<DecoderState>,
    deep: Option<DeepRedundancy>,
}

impl OpusDecoder {
    pub(crate) fn new() -> Self {
        Self { state: DecoderState::new(COMPLEXITY), deep: DeepRedundancy::new() }
    }

    pub(crate) fn duration(payload: &[u8]) -> Option<usize> {
        duration(payload)
    }

    /// Samples before a packet that LBRR covers: one frame.
    fn shallow(payload: &[u8]) -> usize {
        if carries_recovery(payload) { duration(payload).unwrap_or(0) } else { 0 }
    }

    pub(crate) fn reach(&mut self, payload: &[u8]) -> usize {
        let deep = self.deep.as_mut().map_or(0, |deep| deep.find(payload, DEEPEST, false));
        deep.max(Self::shallow(payload))
    }

    pub(crate) fn decode(&mut self, payload: &[u8], out: &mut [f32]) {
        self.run(Sound::Packet(payload), out);
    }

    pub(crate) fn recover(&mut self, next: &[u8], before: usize, out: &mut [f32]) {
        if before <= Self::shallow(next) && before == out.len() {
            return self.run(Sound::Recovery(next), out);
        }
        let deep = self.deep.as_mut();
        let deep = deep.and_then(|deep| (deep.find(next, DEEPEST, true) > 0).then_some(deep));
        let filled = match (&mut self.state, deep) {
            (Some(state), Some(deep)) => state.decode_deep(deep, before, out),
            _ => 0,
        };
        if filled == 0 {
            return self.conceal(out);
        }
        out[filled..].fill(0.0);
    }

    pub(crate) fn conceal(&mut self, out: &mut [f32]) {
        self.run(Sound::Concealment, out);
    }

    /// Whatever libopus does not fill is silence.
    fn run(&mut self, sound: Sound<'_>, out: &mut [f32]) {
        let filled = self.state.as_mut().map_or(0, |state| state.decode(sound, out));
        out[filled..].fill(0.0);
    }
}
