//! Decoded sound between packets and loudspeaker: what was played, what is pending, and the cuts that change its length
//! without being heard (WSOLA: overlap and add where the waveform resembles itself).

use crate::{BLOCK, Block, codec::MAX_FRAME};

/// Samples kept of what was played, for likeness and continuation.
const PAST: usize = 1_440;
/// Room for what is pending: the longest packet on top of what stretching looks at.
const PENDING: usize = MAX_FRAME + 4 * BLOCK;
/// Lengths that are cut out or put in: 5 to 15 ms.
const SHORTEST: usize = 240;
const LONGEST: usize = 720;
/// Cross-fade of a merge: 5 ms, and how far it may search.
const MERGE: usize = 240;
const MERGE_SEARCH: usize = 480;
/// Likeness is sought at 8 kHz first, then exactly.
const COARSE: usize = 6;

pub(super) struct Signal {
    /// `PAST` samples that were played, then what is pending.
    samples: Vec<f32>,
    /// Slow measure of how loud speech is (RMS), to know what is quiet.
    loudness: f32,
    scratch: Vec<f32>,
}

/// A cut that could be made.
#[derive(Clone, Copy)]
struct Cut {
    length: usize,
    /// Correlation, -1 to 1.
    likeness: f32,
}

impl Signal {
    pub(super) fn new() -> Self {
        let mut samples = Vec::with_capacity(PAST + PENDING);
        samples.resize(PAST, 0.0);
        Self { samples, loudness: 0.0, scratch: vec![0.0; MAX_FRAME] }
    }

    /// Samples that wait to be played.
    pub(super) fn pending(&self) -> usize {
        self.samples.len() - PAST
    }

    /// Forgets what is pending.
    pub(super) fn drop_pending(&mut self) {
        self.samples.truncate(PAST);
    }

    /// Whether a whole packet more can be taken.
    pub(super) fn has_room(&self) -> bool {
        self.samples.len() + MAX_FRAME <= PAST + PENDING
    }

    /// Appends `length` samples that `fill` writes, without the first `skip`. With `merge`, what is pending does not go on in
    /// them by itself: they are fitted to it, for which up to 10 ms of them may be dropped. How many samples were added.
    pub(super) fn append(&mut self, length: usize, skip: usize, merge: bool, fill: impl FnOnce(&mut [f32])) -> usize {
        let length = length.min(MAX_FRAME);
        let start = self.samples.len();
        fill(&mut self.scratch[..length]);
        let skip = skip.min(length);
        let skip = if merge { skip + self.fit(skip, length) } else { skip };
        self.samples.extend_from_slice(&self.scratch[skip..length]);
        self.samples.len() - start
    }

    /// Fits `scratch[from..to]` to the end of the samples: where it resembles the continuation most, it is cross-faded in;
    /// how many more samples to drop.
    fn fit(&mut self, from: usize, to: usize) -> usize {
        if to - from < MERGE + COARSE {
            return 0;
        }
        // The continuation: the last period again.
        let past = self.samples.len();
        let period = self.period();
        let mut continuation = [0.0; MERGE];
        for (n, sample) in continuation.iter_mut().enumerate() {
            *sample = self.samples[past - period + n % period];
        }
        let search = MERGE_SEARCH.min(to - from - MERGE);
        let fresh = &self.scratch[from..to];
        let mut best = (0, f32::MIN);
        for offset in (0..=search).step_by(2) {
            let likeness = correlation(&continuation, &fresh[offset..offset + MERGE], 2);
            if likeness > best.1 + 0.02 {
                best = (offset, likeness);
            }
        }
        for (n, sample) in self.scratch[from + best.0..][..MERGE].iter_mut().enumerate() {
            let weight = (n + 1) as f32 / (MERGE + 1) as f32;
            *sample = *sample * weight + continuation[n] * (1.0 - weight);
        }
        best.0
    }

    /// The period of the last samples, 5 to 15 ms.
    fn period(&self) -> usize {
        let end = self.samples.len();
        let recent = &self.samples[end - LONGEST..];
        let score = |lag: usize| correlation(recent, &self.samples[end - LONGEST - lag..end - lag], COARSE);
        best_lag(score).length
    }

    /// Takes out 5 to 15 ms where it is not heard: in quiet, or where likeness is at least `likeness`. How many samples.
    pub(super) fn shorten(&mut self, likeness: f32) -> usize {
        let pending = &self.samples[PAST..];
        if pending.len() < 2 * LONGEST {
            return 0;
        }
        let Some(cut) =
            self.cut(likeness, |lag, step| correlation(&pending[..LONGEST], &pending[lag..lag + LONGEST], step))
        else {
            return 0;
        };
        let (length, weight) = (cut.length, crossfade(cut));
        for n in 0..length {
            let (leaving, entering) = weight(n);
            self.samples[PAST + n] = self.samples[PAST + n] * leaving + self.samples[PAST + length + n] * entering;
        }
        self.samples.copy_within(PAST + 2 * length.., PAST + length);
        self.samples.truncate(self.samples.len() - length);
        length
    }

    /// Puts in 5 to 15 ms where it is not heard, by playing the last period again. How many samples.
    pub(super) fn lengthen(&mut self, likeness: f32) -> usize {
        if self.pending() < LONGEST || self.samples.len() + LONGEST > PAST + PENDING {
            return 0;
        }
        // Into what comes next leads what came before it: from one period back.
        let ahead = &self.samples[PAST..PAST + LONGEST];
        let back = |lag: usize, step| correlation(ahead, &self.samples[PAST - lag..PAST - lag + LONGEST], step);
        let Some(cut) = self.cut(likeness, back) else { return 0 };
        let (length, weight) = (cut.length, crossfade(cut));
        for n in 0..length {
            let (leaving, entering) = weight(n);
            self.scratch[n] = self.samples[PAST + n] * leaving + self.samples[PAST - length + n] * entering;
        }
        let old = self.samples.len();
        self.samples.resize(old + length, 0.0);
        self.samples.copy_within(PAST..old, PAST + length);
        self.samples[PAST..PAST + length].copy_from_slice(&self.scratch[..length]);
        length
    }

    /// The best cut, if it may be made.
    fn cut(&self, likeness: f32, score: impl Fn(usize, usize) -> f32) -> Option<Cut> {
        if self.is_quiet() {
            return Some(Cut { length: BLOCK, likeness: 0.0 });
        }
        let coarse = best_lag(|lag| score(lag, COARSE));
        if coarse.likeness < likeness - 0.2 {
            return None;
        }
        let near = coarse.length.saturating_sub(COARSE).max(SHORTEST)..=(coarse.length + COARSE).min(LONGEST);
        let fine = near.map(|length| Cut { length, likeness: score(length, 2) });
        fine.max_by(|a, b| a.likeness.total_cmp(&b.likeness)).filter(|cut| cut.likeness >= likeness)
    }

    /// Whether the beginning of what is pending is far below the loudness of speech.
    pub(super) fn is_quiet(&self) -> bool {
        let ahead = &self.samples[PAST..];
        let level = rms(&ahead[..ahead.len().min(2 * BLOCK)]);
        level < 0.0005 || level < self.loudness * 0.05
    }

    /// Plays 10 ms, of which at least so much must be pending; what is missing is silence.
    pub(super) fn play(&mut self, out: &mut Block) {
        let played = self.pending().min(BLOCK);
        out[..played].copy_from_slice(&self.samples[PAST..PAST + played]);
        out[played..].fill(0.0);
        self.samples.copy_within(played.., 0);
        self.samples.truncate(self.samples.len() - played);
        let level = rms(out);
        // Up at once, down within some seconds.
        self.loudness = if level > self.loudness { level } else { self.loudness * 0.998 };
    }

    /// Plays silence while nothing is to be played.
    pub(super) fn rest(&mut self, out: &mut Block) {
        // What was still pending fades out.
        self.play(out);
        let length = out.len() as f32;
        for (n, sample) in out.iter_mut().enumerate() {
            *sample *= 1.0 - n as f32 / length;
        }
        self.drop_pending();
    }
}

fn rms(samples: &[f32]) -> f32 {
    (samples.iter().map(|x| x * x).sum::<f32>() / samples.len().max(1) as f32).sqrt()
}

/// Weights of what leaves and what enters at sample `n`: constant amplitude for like waveforms, constant power for unlike.
fn crossfade(cut: Cut) -> impl Fn(usize) -> (f32, f32) {
    let alike = cut.likeness > 0.5;
    move |n| {
        let entering = (n as f32 + 0.5) / cut.length as f32;
        if alike { (1.0 - entering, entering) } else { ((1.0 - entering).sqrt(), entering.sqrt()) }
    }
}

/// Normalised correlation of every `step`th sample.
fn correlation(a: &[f32], b: &[f32], step: usize) -> f32 {
    let (mut product, mut a_energy, mut b_energy) = (0.0f32, 1e-9f32, 1e-9f32);
    for (x, y) in a.iter().step_by(step).zip(b.iter().step_by(step)) {
        product += x * y;
        a_energy += x * x;
        b_energy += y * y;
    }
    product / (a_energy * b_energy).sqrt()
}

/// The lag of 5 to 15 ms with the best score, on the coarse grid.
fn best_lag(score: impl Fn(usize) -> f32) -> Cut {
    let lags = (SHORTEST..=LONGEST).step_by(COARSE);
    let scored = lags.map(|length| Cut { length, likeness: score(length) });
    scored.max_by(|a, b| a.likeness.total_cmp(&b.likeness)).unwrap_or(Cut { length: BLOCK, likeness: 0.0 })
}
