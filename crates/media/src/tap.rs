//! What a recorder is given of a call.

use crate::{BLOCK, Block};

/// 10 ms of one call: what was said here, as it was sent (after mute), and what was heard, before it was mixed with
/// anything else.
#[derive(Clone, PartialEq, Debug)]
pub struct Taken {
    /// Counts the blocks of the call since recording began; a jump is a loss.
    pub at: u64,
    /// The agent has paused recording: both blocks are silence.
    pub paused: bool,
    pub agent: Block,
    pub customer: Block,
}

impl Taken {
    pub const fn silence(at: u64, paused: bool) -> Self {
        Taken { at, paused, agent: [0.0; BLOCK], customer: [0.0; BLOCK] }
    }
}
