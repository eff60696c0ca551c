//! Whether somebody speaks, by level: what is well above the noise. Where noise suppression works, its network knows better.

/// Blocks over which the quietest one is looked for, in parts of half a second.
const PARTS: usize = 12;
const PART_TICKS: u32 = 50;
/// Before so much has been heard it may all have been voice: a second, in parts.
const KNOWN: u32 = 2;
/// Voice is so far above the floor, and at least so loud, dB.
const ABOVE_DB: f32 = 12.0;
const AUDIBLE_DB: f32 = -50.0;
/// Ticks of voice, and of silence after it, each counted down by the other.
const BEGINS: u32 = 50;
const ENDS: u32 = 300;

/// The level between words: the quietest smoothed level of the last six seconds.
pub(super) struct Floor {
    smoothed: f32,
    least: f32,
    parts: [f32; PARTS],
    ticks: u32,
}

impl Default for Floor {
    fn default() -> Self {
        Self { smoothed: 0.0, least: 0.0, parts: [0.0; PARTS], ticks: 0 }
    }
}

impl Floor {
    /// The floor, dB of full scale, after one more block of this level; unknown before a second has been heard.
    pub fn tick(&mut self, level: f32) -> Option<f32> {
        self.smoothed = if self.ticks == 0 { level } else { self.smoothed + (level - self.smoothed) * 0.3 };
        self.least = self.least.min(self.smoothed);
        self.ticks += 1;
        if self.ticks.is_multiple_of(PART_TICKS) {
            self.parts[(self.ticks / PART_TICKS) as usize % PARTS] = self.least;
            self.least = 0.0;
        }
        let known = self.ticks >= KNOWN * PART_TICKS;
        known.then(|| self.parts.iter().fold(self.least, |least, part| least.min(*part)))
    }
}

pub(super) fn is_voice(level: f32, floor: Option<f32>) -> bool {
    level > AUDIBLE_DB && floor.is_some_and(|floor| level > floor + ABOVE_DB)
}

/// Makes speaking, a state of seconds, out of voice, which comes and goes with each sound.
#[derive(Default)]
pub(super) struct Speech {
    voiced: u32,
    silent: u32,
    speaking: bool,
}

impl Speech {
    pub fn tick(&mut self, voice: bool) -> bool {
        if voice {
            self.voiced += 1;
            self.silent = 0;
        } else {
            self.silent += 1;
            // a cough is over long before half a second of it has come together
            self.voiced = if self.silent > 60 { 0 } else { self.voiced };
        }
        if self.voiced >= BEGINS {
            self.speaking = true;
        } else if self.silent >= ENDS {
            self.speaking = false;
        }
        self.speaking
    }
}
