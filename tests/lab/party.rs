//! Somebody at the other end: Hatif without its window, on the shared Asterisk. Says one tone and keeps what it hears.
//! (baresip 1.0 does not take up its recording again after a hold.)

use crate::{
    Asterisk, Cli, DEADLINE,
    asterisk::{Codecs, User},
    cli,
    process::eventually,
    sound::{self, Recording},
};
use serde_json::json;

/// A tone this loud is heard, dB of full scale. Those of the lab are at -6 to -20.
const HEARD: f64 = -35.0;
/// So much below the faintest that is heard, it is not there. G.711's noise at one frequency is about 60 dB down.
const APART: f64 = 30.0;
/// Longer than any test speaks.
const SPEECH_S: f64 = 180.0;

pub struct Party {
    pub cli: Cli,
    pub account: u64,
    pub user: User,
    tone: u32,
    /// With the microphone's file.
    _folder: tempfile::TempDir,
}

impl Party {
    /// Registered, answers by itself.
    pub fn there(tone: u32) -> Party {
        Party::new(tone, true)
    }

    /// Registered, waits to be told.
    pub fn new(tone: u32, auto_answer: bool) -> Party {
        let asterisk = Asterisk::shared();
        let folder = tempfile::tempdir().expect("a temporary folder");
        let play = Some(sound::melody(&folder.path().join("microphone.wav"), &[tone], SPEECH_S));
        let mut cli = Cli::start(cli::Options { play, auto_answer, ..Default::default() });
        let user = asterisk.user(Codecs::G711);
        let account = cli.register(&user, &asterisk.address(), &asterisk.address(), json!({}));
        Party { cli, account, user, tone, _folder: folder }
    }

    /// Calls a number and returns the call's id.
    pub fn call(&mut self, to: &str) -> u64 {
        self.cli.call(to, self.account)
    }

    /// Waits until some of a tone has been heard, however short.
    pub fn hears_now(&self, tone: u32) {
        eventually(&format!("{tone} Hz are heard for a moment"), DEADLINE, || {
            let heard = self.cli.heard();
            let steps = heard.samples.chunks((heard.rate / 5) as usize);
            let level = |samples: &[f32]| Recording { rate: heard.rate, samples: samples.to_vec() }.level_of(tone);
            steps.map(level).any(|level| level > HEARD).then_some(())
        });
    }

    /// Waits until the last second that was played held these tones, and neither one of `not` nor its own.
    pub fn hears(&self, tones: &[u32], not: &[u32]) {
        let not: Vec<u32> = not.iter().copied().chain([self.tone]).collect();
        hears(&format!("the one at {} Hz", self.tone), tones, &not, || Some(self.cli.heard()));
    }
}

/// Waits until the last second of a recording holds these tones and not those; prints how loud they are.
pub fn hears(who: &str, tones: &[u32], not: &[u32], heard: impl Fn() -> Option<Recording>) {
    let levels = |of: &[u32], tail: &Recording| of.iter().map(|tone| tail.level_of(*tone)).collect::<Vec<f64>>();
    let mut last = String::new();
    let met = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        eventually(&format!("{who} hears {tones:?} and not {not:?}"), DEADLINE, || {
            let tail = heard()?.tail(1.0)?;
            let (there, away) = (levels(tones, &tail), levels(not, &tail));
            last = format!("{who} hears {tones:?} Hz at {there:.0?} dB; {not:?} Hz at {away:.0?} dB");
            let faintest = there.iter().copied().fold(0.0, f64::min);
            let good = faintest > HEARD && away.iter().all(|level| *level < faintest - APART);
            good.then_some(())
        });
    }));
    println!("{last}");
    if let Err(panic) = met {
        std::panic::resume_unwind(panic);
    }
}
