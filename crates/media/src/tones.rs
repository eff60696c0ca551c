//! Sounds made here: ring, call progress (ITU-T E.180, E.182), digits (ITU-T Q.23), the test tone. No table, no file: partials
//! are turned by complex rotation, and every beginning and end is soft.

use crate::{Block, SAMPLE_RATE, Tone};
use std::f32::consts::TAU;

/// Ticks (10 ms) in a second.
const SECOND: u32 = 100;
/// Rise and fall of a plain tone: 5 ms.
const RAMP: f32 = 1.0 / (0.005 * SAMPLE_RATE as f32);

/// Level of the call-progress tones: about -20 dBFS, as loud as speech.
const PROGRESS_LEVEL: f32 = 0.1;
const WAITING_LEVEL: f32 = 0.03;
const DIGIT_LEVEL: f32 = 0.06;
const TEST_LEVEL: f32 = 0.2;
const RING_LEVEL: f32 = 0.3;
/// A digit's tone: 100 ms.
const DIGIT_TICKS: u32 = 10;

/// Partials of a struck bar: a marimba's, not a bell's. Multiples of the fundamental, amplitudes, seconds to fall to 1/e.
const BAR: [(f32, f32, f32); 3] = [(1.0, 0.75, 0.42), (3.93, 0.18, 0.09), (9.2, 0.04, 0.03)];
/// The ring: notes (Hz) at ticks; two answering figures in D major, then a rest.
const RING: [(u32, f32); 8] =
    [(0, 587.33), (16, 739.99), (32, 880.0), (48, 1_174.66), (96, 1_174.66), (112, 880.0), (128, 739.99), (144, 880.0)];
const RING_PERIOD: u32 = 320;
/// Softer at first: the gain of the first, second, third ring; full from then on.
const RING_GAINS: [f32; 3] = [0.3, 0.55, 0.8];
const TEST: [(u32, f32); 3] = [(0, 523.25), (25, 659.26), (50, 783.99)];
const TEST_LENGTH: u32 = 150;
/// Notes that sound at once; the oldest gives way.
const VOICES: usize = 4;
/// A voice below this is over.
const INAUDIBLE: f32 = 1e-4;

/// Sines that are switched on and off softly.
pub(crate) struct Beep {
    /// Real and imaginary part of each phasor, and its rotation.
    phasors: [(f32, f32); 2],
    rotations: [(f32, f32); 2],
    gain: f32,
}

impl Beep {
    /// One frequency or two, Hz; 0.0 is none.
    fn new(frequencies: [f32; 2]) -> Self {
        let phasors = frequencies.map(|hertz| if hertz > 0.0 { (1.0, 0.0) } else { (0.0, 0.0) });
        Self { phasors, rotations: frequencies.map(rotation), gain: 0.0 }
    }

    /// One sine.
    pub(crate) fn single(hertz: f32) -> Self {
        Self::new([hertz, 0.0])
    }

    /// A key's two; `None` for what is no key.
    pub(crate) fn digit(digit: char) -> Option<Self> {
        dtmf(digit).map(Self::new)
    }

    /// Adds 10 ms at `level` (0.0: off, fading).
    pub(crate) fn add(&mut self, block: &mut Block, level: f32) {
        if level == 0.0 && self.gain == 0.0 {
            return;
        }
        for sample in block {
            let step = (level - self.gain).clamp(-RAMP * PROGRESS_LEVEL, RAMP * PROGRESS_LEVEL);
            self.gain += step;
            for (phasor, rotation) in self.phasors.iter_mut().zip(self.rotations) {
                *phasor = turn(*phasor, rotation);
                *sample += phasor.1 * self.gain;
            }
        }
        // Rounding moves a phasor off the unit circle; bring it back once a block.
        for phasor in &mut self.phasors {
            let length = phasor.0.hypot(phasor.1);
            if length > 0.0 {
                *phasor = (phasor.0 / length, phasor.1 / length);
            }
        }
    }
}

fn rotation(hertz: f32) -> (f32, f32) {
    let (sine, cosine) = (TAU * hertz / SAMPLE_RATE as f32).sin_cos();
    (cosine, sine)
}

fn turn((re, im): (f32, f32), (cosine, sine): (f32, f32)) -> (f32, f32) {
    (re * cosine - im * sine, re * sine + im * cosine)
}

/// A note of the marimba.
#[derive(Clone, Copy)]
struct Note {
    phasors: [(f32, f32); BAR.len()],
    /// Rotation with decay.
    turns: [(f32, f32); BAR.len()],
    /// Rises over the first 2 ms.
    rise: f32,
}

impl Note {
    fn new(hertz: f32, level: f32) -> Self {
        let phasors = BAR.map(|(_, amplitude, _)| (amplitude * level, 0.0));
        let turns = BAR.map(|(multiple, _, seconds)| {
            let decay = (-1.0 / (seconds * SAMPLE_RATE as f32)).exp();
            let (cosine, sine) = rotation(hertz * multiple);
            (cosine * decay, sine * decay)
        });
        Self { phasors, turns, rise: 0.0 }
    }

    fn add(&mut self, block: &mut Block) {
        for sample in block {
            self.rise = (self.rise + 1.0 / 96.0).min(1.0);
            for (phasor, turned) in self.phasors.iter_mut().zip(self.turns) {
                *phasor = turn(*phasor, turned);
                *sample += phasor.1 * self.rise;
            }
        }
    }

    fn is_over(&self) -> bool {
        self.phasors.iter().all(|(re, im)| re.hypot(*im) < INAUDIBLE)
    }
}

/// Everything that sounds: at most one tone, and a digit.
pub(crate) struct Tones {
    tone: Option<(Tone, u32)>,
    progress: Beep,
    waiting: Beep,
    notes: [Option<Note>; VOICES],
    digit: Option<(Beep, u32)>,
}

impl Tones {
    pub(crate) fn new() -> Self {
        Self {
            tone: None,
            progress: Beep::new([425.0, 0.0]),
            waiting: Beep::new([425.0, 0.0]),
            notes: [None; VOICES],
            digit: None,
        }
    }

    /// Plays from its beginning; the same tone again goes on.
    pub(crate) fn play(&mut self, tone: Option<Tone>) {
        if self.tone.map(|(tone, _)| tone) != tone {
            self.tone = tone.map(|tone| (tone, 0));
        }
        if tone.is_none() {
            self.hush();
        }
    }

    /// Notes that ring on are damped: a ring must stop when the call is answered.
    fn hush(&mut self) {
        for note in self.notes.iter_mut().flatten() {
            for turned in &mut note.turns {
                // To 1/e in 10 ms.
                let damping = (-1.0f32 / 480.0).exp();
                *turned = (turned.0 * damping, turned.1 * damping);
            }
        }
    }

    pub(crate) fn digit(&mut self, digit: char) {
        if let Some(frequencies) = dtmf(digit) {
            self.digit = Some((Beep::new(frequencies), 0));
        }
    }

    /// Adds 10 ms to what is heard and to what rings.
    pub(crate) fn add(&mut self, speaker: &mut Block, ringer: &mut Block) {
        let (mut progress, mut waiting, mut note, mut over) = (0.0, 0.0, None, false);
        if let Some((tone, ticks)) = &mut self.tone {
            let at = *ticks;
            *ticks = ticks.saturating_add(1);
            match tone {
                Tone::Ring => note = ring(at),
                Tone::CallWaiting => waiting = waiting_level(at),
                Tone::Ringback => progress = cadence(at, SECOND, 5 * SECOND, u32::MAX),
                Tone::Busy => (progress, over) = (cadence(at, 50, 100, 6), at > 600),
                Tone::Congestion => (progress, over) = (cadence(at, 25, 50, 10), at > 500),
                Tone::Test => {
                    note = TEST.iter().find(|(tick, _)| *tick == at).map(|&(_, hertz)| Note::new(hertz, TEST_LEVEL));
                    over = at > TEST_LENGTH;
                }
            }
        }
        if let Some(note) = note {
            self.strike(note);
        }
        let rings = matches!(self.tone, Some((Tone::Ring, _)));
        self.progress.add(speaker, progress);
        self.waiting.add(speaker, waiting);
        let notes_on = if rings || self.tone.is_none() { ringer } else { &mut *speaker };
        for voice in &mut self.notes {
            if let Some(note) = voice {
                note.add(notes_on);
                if note.is_over() {
                    *voice = None;
                }
            }
        }
        if let Some((beep, ticks)) = &mut self.digit {
            beep.add(speaker, if *ticks < DIGIT_TICKS { DIGIT_LEVEL } else { 0.0 });
            *ticks += 1;
            if *ticks > DIGIT_TICKS + 1 {
                self.digit = None;
            }
        }
        if over {
            self.tone = None;
        }
    }

    fn strike(&mut self, note: Note) {
        let free = self.notes.iter().position(Option::is_none).unwrap_or(0);
        self.notes[free..].rotate_left(1);
        self.notes[VOICES - 1] = Some(note);
    }
}

/// Level of a tone that is on for `on` of `period` ticks, `times` times.
fn cadence(at: u32, on: u32, period: u32, times: u32) -> f32 {
    if at / period < times && at % period < on { PROGRESS_LEVEL } else { 0.0 }
}

/// Two short beeps every four seconds.
fn waiting_level(at: u32) -> f32 {
    let at = at % (4 * SECOND);
    if at < 15 || (25..40).contains(&at) { WAITING_LEVEL } else { 0.0 }
}

fn ring(at: u32) -> Option<Note> {
    let gain = RING_GAINS.get((at / RING_PERIOD) as usize).copied().unwrap_or(1.0);
    let (_, hertz) = RING.iter().find(|(tick, _)| *tick == at % RING_PERIOD)?;
    Some(Note::new(*hertz, RING_LEVEL * gain))
}

/// Row and column of a key (ITU-T Q.23).
fn dtmf(digit: char) -> Option<[f32; 2]> {
    const ROWS: [f32; 4] = [697.0, 770.0, 852.0, 941.0];
    const COLUMNS: [f32; 4] = [1_209.0, 1_336.0, 1_477.0, 1_633.0];
    let place = "123A456B789C*0#D".chars().position(|key| key == digit.to_ascii_uppercase())?;
    Some([ROWS[place / 4], COLUMNS[place % 4]])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::BLOCK;

    fn sound(tones: &mut Tones, ticks: usize) -> (Vec<f32>, Vec<f32>) {
        let (mut speaker, mut ringer) = (Vec::new(), Vec::new());
        for _ in 0..ticks {
            let (mut s, mut r) = ([0.0; BLOCK], [0.0; BLOCK]);
            tones.add(&mut s, &mut r);
            speaker.extend(s);
            ringer.extend(r);
        }
        (speaker, ringer)
    }

    fn amplitude(samples: &[f32], hertz: f32) -> f32 {
        let (mut re, mut im) = (0.0, 0.0);
        for (n, x) in samples.iter().enumerate() {
            let phase = TAU * hertz * n as f32 / SAMPLE_RATE as f32;
            re += x * phase.cos();
            im += x * phase.sin();
        }
        2.0 * re.hypot(im) / samples.len() as f32
    }

    fn loud(samples: &[f32]) -> bool {
        samples.iter().any(|x| x.abs() > 0.001)
    }

    #[test]
    fn ringback_is_one_second_on_four_off_at_425_hertz() {
        let mut tones = Tones::new();
        tones.play(Some(Tone::Ringback));
        let (speaker, ringer) = sound(&mut tones, 600);
        assert!((amplitude(&speaker[4_800..43_200], 425.0) - PROGRESS_LEVEL).abs() < 0.01);
        assert!(!loud(&speaker[48_480..240_000]) && loud(&speaker[240_000..249_600]) && !loud(&ringer));
    }

    #[test]
    fn busy_and_congestion_end_by_themselves() {
        for (tone, ticks) in [(Tone::Busy, 600), (Tone::Congestion, 500)] {
            let mut tones = Tones::new();
            tones.play(Some(tone));
            assert!(loud(&sound(&mut tones, ticks).0));
            sound(&mut tones, 10);
            assert!(tones.tone.is_none() && !loud(&sound(&mut tones, 300).0));
        }
    }

    #[test]
    fn ring_is_on_the_ringer_swells_and_stops_at_once() {
        let mut tones = Tones::new();
        tones.play(Some(Tone::Ring));
        let (speaker, ringer) = sound(&mut tones, 4 * RING_PERIOD as usize);
        let period = RING_PERIOD as usize * BLOCK;
        let peak = |from: usize| ringer[from..from + period].iter().fold(0.0f32, |peak, x| x.abs().max(peak));
        assert!(!loud(&speaker));
        assert!(peak(0) * 2.0 < peak(3 * period) && peak(3 * period) < 0.98, "{} {}", peak(0), peak(3 * period));
        sound(&mut tones, 20);
        tones.play(None);
        let (_, after) = sound(&mut tones, 30);
        assert!(!loud(&after[10 * BLOCK..]));
    }

    #[test]
    fn no_clicks() {
        for tone in [Tone::Ring, Tone::CallWaiting, Tone::Ringback, Tone::Busy, Tone::Congestion, Tone::Test] {
            let mut tones = Tones::new();
            tones.play(Some(tone));
            let (mut speaker, ringer) = sound(&mut tones, 730);
            tones.play(None);
            speaker.extend(sound(&mut tones, 50).0);
            let steepest = |samples: &[f32]| samples.windows(2).map(|w| (w[1] - w[0]).abs()).fold(0.0, f32::max);
            assert!(steepest(&speaker) < 0.08 && steepest(&ringer) < 0.15, "{tone:?}");
            assert!(loud(&speaker) || loud(&ringer), "{tone:?}");
        }
    }

    #[test]
    fn a_digit_sounds_with_its_two_frequencies() {
        let mut tones = Tones::new();
        tones.digit('#');
        let (speaker, _) = sound(&mut tones, 20);
        let middle = &speaker[960..3_840];
        assert!(
            amplitude(middle, 941.0) > 0.05 && amplitude(middle, 1_477.0) > 0.05 && amplitude(middle, 1_209.0) < 0.01
        );
        assert!(!loud(&speaker[12 * BLOCK..]));
        tones.digit('x');
        assert!(!loud(&sound(&mut tones, 20).0));
    }
}
