//! From the microphone to the encoder: what is done with the sound of a voice, 10 ms at a time, and what is noticed of it.

mod judge;

pub use judge::{Finding, Judge, Verdict};
