//! The headset's test: the microphone is recorded, judged as it came, and played back as a customer would hear it.
//!
//! ```text
//!  waiting for the device ──> recording ──(verdict)──> playing ──> over
//! ```

use hatif_core::{
    audio::{HeadsetTest, HeadsetVerdict},
    text::Text,
};
use hatif_media::{
    BLOCK, Block,
    capture::{Finding, Judge, Verdict},
};

/// A microphone that has given nothing by then, in ticks, is judged as it is: silent.
const PATIENCE: u32 = 300;
/// Ticks left out of the beginning: what devices give first is a click or silence.
const FIRST: u32 = 20;
const TICKS_A_SECOND: usize = 100;

enum Stage {
    Waiting { ticks: u32 },
    Recording { judge: Box<Judge> },
    Playing { verdict: HeadsetVerdict, at: usize },
}

pub(crate) struct Rehearsal {
    seconds: u8,
    stage: Stage,
    /// What was recorded; all of it is allocated at the beginning.
    recorded: Vec<f32>,
}

impl Rehearsal {
    pub fn new(seconds: u8) -> Self {
        let samples = usize::from(seconds) * TICKS_A_SECOND * BLOCK;
        Self { seconds, stage: Stage::Waiting { ticks: 0 }, recorded: Vec::with_capacity(samples) }
    }

    pub fn began(&self) -> HeadsetTest {
        HeadsetTest::Recording { seconds: self.seconds }
    }

    /// A tick of it. `captured`: what the microphone gave, if it gives anything yet; `processed`: what a call would get of
    /// it; `speaker`: what is going to be heard. Gives what there is to tell.
    pub fn tick(&mut self, captured: Option<&Block>, processed: &Block, speaker: &mut Block) -> Option<HeadsetTest> {
        match &mut self.stage {
            Stage::Waiting { ticks } => {
                *ticks += 1;
                let begins = captured.is_some() && *ticks >= FIRST;
                if begins || *ticks >= PATIENCE {
                    let judge = Judge::new(usize::from(self.seconds) * TICKS_A_SECOND);
                    self.stage = Stage::Recording { judge: Box::new(judge) };
                }
                None
            }
            Stage::Recording { judge } => {
                judge.hear(captured.unwrap_or(&[0.0; BLOCK]));
                self.recorded.extend_from_slice(processed);
                if self.recorded.len() + BLOCK <= self.recorded.capacity() {
                    return None;
                }
                let judge = std::mem::replace(judge, Box::new(Judge::new(0)));
                let verdict = in_words(judge.verdict());
                self.stage = Stage::Playing { verdict: verdict.clone(), at: 0 };
                Some(HeadsetTest::Playing(verdict))
            }
            Stage::Playing { verdict, at } => {
                if let Some(played) = self.recorded.get(*at..*at + BLOCK) {
                    crate::sound::mix(speaker, played);
                    *at += BLOCK;
                    return None;
                }
                Some(HeadsetTest::Done(verdict.clone()))
            }
        }
    }
}

fn in_words(verdict: Verdict) -> HeadsetVerdict {
    let code = match verdict.finding {
        Finding::Good => "test.good",
        Finding::Silent => "test.silent",
        Finding::Clipping => "test.clipping",
        Finding::TooQuiet => "test.too_quiet",
        Finding::Noisy => "test.noisy",
    };
    let Verdict { speech_db, noise_db, peak, .. } = verdict;
    HeadsetVerdict { text: Text::new(code), speech_db, noise_db, peak }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(mut captured: impl FnMut(u32) -> Option<Block>) -> (Vec<HeadsetTest>, Vec<f32>) {
        let mut rehearsal = Rehearsal::new(1);
        let (mut told, mut heard) = (vec![rehearsal.began()], vec![]);
        for tick in 0..1_000 {
            let (block, mut speaker) = (captured(tick), [0.0; BLOCK]);
            if let Some(test) = rehearsal.tick(block.as_ref(), &block.unwrap_or([0.0; BLOCK]), &mut speaker) {
                let over = matches!(test, HeadsetTest::Done(_));
                told.push(test);
                if over {
                    break;
                }
            }
            heard.extend_from_slice(&speaker);
        }
        (told, heard)
    }

    #[test]
    fn what_was_said_is_heard_again_once_and_judged() {
        let word = |tick: u32| -> Block {
            let voice = if tick % 50 < 30 { 0.2 } else { 0.000_1 };
            std::array::from_fn(|n| voice * ((tick as usize * BLOCK + n) as f32 * 0.02).sin())
        };
        let (told, heard) = run(|tick| Some(word(tick)));
        assert!(matches!(told[0], HeadsetTest::Recording { seconds: 1 }));
        let HeadsetTest::Playing(verdict) = &told[1] else { panic!("{told:?}") };
        assert_eq!((verdict.text.code, told.len()), ("test.good", 3));
        let loud = heard.chunks(BLOCK).filter(|block| block.iter().any(|sample| sample.abs() > 0.1)).count();
        assert_eq!(loud, 60, "60 of the 100 blocks recorded are words");
    }

    #[test]
    fn a_microphone_that_never_opens_is_silent() {
        let (told, _) = run(|_| None);
        let Some(HeadsetTest::Done(verdict)) = told.last() else { panic!("{told:?}") };
        assert_eq!(verdict.text.code, "test.silent");
    }
}
