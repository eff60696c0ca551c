//! Speech faster or slower at the same pitch: waveform-similarity overlap-add (WSOLA; Verhelst and Roelands, ICASSP 1993).
//! Pieces of 20 ms are laid over each other by half; each next piece is taken from where the sound goes on most like the one
//! before did.

use std::collections::VecDeque;

/// Samples of a piece, and of the half by which pieces overlap. 48 kHz.
const PIECE: usize = 960;
const HALF: usize = PIECE / 2;
/// How far a piece may be moved to fit: 10 ms each way, more than a low voice's period.
const REACH: usize = 480;
/// What must lie here for a piece to be chosen.
const NEED: usize = 2 * REACH + 2 * PIECE;
/// Likeness is looked at in every fourth sample: speech has little above 6 kHz, and this is done a hundred times a second.
const GRAIN: usize = 4;

pub(super) struct Stretch {
    input: VecDeque<f32>,
    /// Samples of the input that were given; behind them lies silence at the end.
    given: usize,
    /// How the piece before went on: what the next one should look like, faded out as it comes in.
    tail: Vec<f32>,
    /// Where the next piece would begin in `input`, between samples.
    position: f64,
    ready: VecDeque<f32>,
}

impl Stretch {
    pub fn new() -> Self {
        Stretch { input: VecDeque::new(), given: 0, tail: Vec::new(), position: 0.0, ready: VecDeque::new() }
    }

    /// Whether it could do with another sample.
    pub fn wants(&self) -> bool {
        self.input.len() < NEED + PIECE
    }

    pub fn push(&mut self, sample: f32) {
        self.input.push_back(sample);
        self.given += 1;
    }

    /// Samples of the input that have not come out yet.
    pub fn held(&self) -> usize {
        self.given
    }

    /// Fills `out` as far as there is enough; `ended`: nothing comes any more, what is left may come out. Returns how many.
    pub fn pull(&mut self, speed: f32, ended: bool, out: &mut [f32]) -> usize {
        while self.ready.len() < out.len() && self.piece(speed, ended) {}
        let made = self.ready.len().min(out.len());
        for (sample, ready) in out.iter_mut().zip(self.ready.drain(..made)) {
            *sample = ready;
        }
        made
    }

    /// Makes half a piece.
    fn piece(&mut self, speed: f32, ended: bool) -> bool {
        if (speed - 1.0).abs() < 0.005 && self.tail.is_empty() {
            let count = self.input.len().min(HALF);
            self.ready.extend(self.input.drain(..count));
            self.given = self.given.saturating_sub(count);
            return count > 0;
        }
        if ended && self.given <= HALF {
            return false;
        }
        if self.input.len() < NEED {
            if !ended {
                return false;
            }
            // The last pieces lie against silence.
            self.input.resize(NEED, 0.0);
        }
        let input = self.input.make_contiguous();
        let begin = if self.tail.is_empty() { 0 } else { best(input, self.position as usize, &self.tail) };
        for n in 0..HALF {
            let share = n as f32 / HALF as f32;
            let before = self.tail.get(n).copied().unwrap_or(input[begin + n]);
            self.ready.push_back(before * (1.0 - share) + input[begin + n] * share);
        }
        self.tail.clear();
        self.tail.extend_from_slice(&input[begin + HALF..begin + PIECE]);
        self.position += f64::from(speed) * HALF as f64;
        // What lies further back than a piece may be moved is done with.
        let done = (self.position as usize).saturating_sub(REACH).min(self.input.len());
        self.input.drain(..done);
        self.given = self.given.saturating_sub(done);
        self.position -= done as f64;
        true
    }
}

/// Where around `at` the sound is most like `tail`, for its loudness.
fn best(input: &[f32], at: usize, tail: &[f32]) -> usize {
    let last = input.len().saturating_sub(PIECE);
    let candidates = at.saturating_sub(REACH)..=(at + REACH).min(last);
    let likeness = |begin: usize| {
        let (mut product, mut power) = (0.0f32, 1e-6f32);
        for n in (0..HALF).step_by(GRAIN) {
            product += tail[n] * input[begin + n];
            power += input[begin + n] * input[begin + n];
        }
        product / power.sqrt()
    };
    let coarse = candidates.clone().step_by(GRAIN).max_by(|a, b| likeness(*a).total_cmp(&likeness(*b)));
    let around = coarse.unwrap_or(at.min(last));
    let fine = around.saturating_sub(GRAIN)..=(around + GRAIN).min(last);
    fine.max_by(|a, b| likeness(*a).total_cmp(&likeness(*b))).unwrap_or(around)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn played(speed: f32, seconds: usize) -> Vec<f32> {
        let mut stretch = Stretch::new();
        let total = seconds * 48_000;
        let (mut given, mut out) = (0, Vec::new());
        loop {
            while stretch.wants() && given < total {
                stretch.push(0.5 * (given as f32 * std::f32::consts::TAU * 200.0 / 48_000.0).sin());
                given += 1;
            }
            let mut block = [0.0; 960];
            let made = stretch.pull(speed, given == total, &mut block);
            out.extend(&block[..made]);
            if made == 0 {
                return out;
            }
        }
    }

    #[test]
    fn any_speed_has_its_length_and_the_same_pitch() {
        for speed in [0.5, 0.75, 1.0, 1.25, 2.0, 3.0] {
            let out = played(speed, 4);
            let length = out.len() as f32 / 48_000.0;
            assert!((length - 4.0 / speed).abs() < 0.12, "{speed}: {length} s");
            let middle = &out[out.len() / 4..out.len() * 3 / 4];
            let rises = middle.windows(2).filter(|pair| pair[0] < 0.0 && pair[1] >= 0.0).count();
            let pitch = rises as f32 * 48_000.0 / middle.len() as f32;
            assert!((pitch - 200.0).abs() < 3.0, "{speed}: {pitch} Hz");
            let peak = middle.iter().fold(0.0f32, |peak, sample| peak.max(sample.abs()));
            assert!((0.45..=0.52).contains(&peak), "{speed}: {peak}");
        }
    }
}
