use super::*;
use crate::BLOCK;

/// White noise, always the same.
struct Hiss(u32);

impl Hiss {
    fn sample(&mut self) -> f32 {
        self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (self.0 >> 8) as f32 / (1 << 23) as f32 - 1.0
    }
}

/// Something like speech: syllables of a quarter of a second at irregular times, a buzz of many harmonics with a hiss.
fn speech(seconds: usize, seed: u32, amplitude: f32) -> Vec<f32> {
    let (mut hiss, mut out) = (Hiss(seed), vec![]);
    let mut level = 0.0;
    let (mut left, mut on, mut pitch) = (0usize, false, 120.0);
    for n in 0..seconds * 48_000 {
        if left == 0 {
            on = !on;
            pitch = 120.0 + 60.0 * hiss.sample();
            left = if on { 12_000 } else { 4_000 + (hiss.sample().abs() * 20_000.0) as usize };
        }
        left -= 1;
        level += (f32::from(u8::from(on)) - level) * 0.002;
        let phase = n as f32 * pitch / 48_000.0;
        out.push(amplitude * level * ((phase.fract() - 0.5) * 1.2 + 0.3 * hiss.sample()));
    }
    out
}

fn block(of: &[f32], tick: usize) -> Block {
    std::array::from_fn(|n| of.get(tick * BLOCK + n).copied().unwrap_or(0.0))
}

fn power(of: &[f32]) -> f32 {
    of.iter().map(|sample| sample * sample).sum::<f32>() / of.len() as f32 + 1e-12
}

/// What comes out, and what was noticed last and ever.
fn run(capture: &mut Capture, microphone: &[f32], played: &[f32]) -> (Vec<f32>, Vec<Noticed>) {
    let (mut out, mut noticed) = (vec![], vec![]);
    for tick in 0..microphone.len() / BLOCK {
        capture.played(&block(played, tick));
        let mut captured = block(microphone, tick);
        noticed.push(capture.process(&mut captured));
        out.extend_from_slice(&captured);
    }
    (out, noticed)
}

/// The loudspeaker's sound as the microphone hears it: late, softer, with a second path.
fn echo_of(played: &[f32]) -> Vec<f32> {
    let late = |n: usize, by: usize| if n < by { 0.0 } else { played[n - by] };
    (0..played.len()).map(|n| 0.2 * late(n, 1_900) - 0.1 * late(n, 2_500)).collect()
}

#[test]
fn raw_changes_nothing() {
    let mut capture = Capture::new();
    capture.configure(CaptureConfig::raw());
    let microphone = speech(2, 1, 3.0);
    let (out, noticed) = run(&mut capture, &microphone, &speech(2, 2, 0.5));
    assert_eq!(out, microphone[..out.len()]);
    assert!(noticed.iter().any(|noticed| noticed.speaking) && noticed.iter().all(|noticed| !noticed.cancelling));
}

#[test]
fn a_clean_voice_passes_as_it_is_and_without_delay() {
    let microphone = speech(6, 1, 0.25);
    let mut capture = Capture::new();
    // which would turn the phase of the lowest harmonics, and the level
    capture.configure(CaptureConfig { high_pass: false, automatic_gain: false, ..CaptureConfig::default() });
    let (out, noticed) = run(&mut capture, &microphone, &[]);
    assert!(noticed.iter().all(|noticed| !noticed.suppressing && !noticed.cancelling));
    assert_eq!(out, microphone[..out.len()]);
}

#[test]
fn nothing_that_a_driver_gives_stays_in_the_filters() {
    let mut capture = Capture::new();
    for wrong in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 1e30, f32::MIN_POSITIVE / 4.0] {
        capture.played(&[wrong; BLOCK]);
        capture.process(&mut [wrong; BLOCK]);
    }
    let (out, _) = run(&mut capture, &speech(4, 1, 0.25), &[]);
    assert!(out.iter().all(|sample| sample.is_finite()));
    assert!(power(&out[96_000..]) > 1e-4, "the voice is there again");
}

#[test]
fn rumble_goes_and_voice_stays() {
    let tone = |hz: f32| -> Vec<f32> { (0..96_000).map(|n| 0.3 * (TAU * hz * n as f32 / 48_000.0).sin()).collect() };
    let db = |hz: f32| {
        let mut capture = Capture::new();
        capture.configure(CaptureConfig { high_pass: true, ..CaptureConfig::raw() });
        let (out, _) = run(&mut capture, &tone(hz), &[]);
        10.0 * (power(&out[48_000..]) / power(&tone(hz))).log10()
    };
    assert!(db(9.0) < -20.0 && (-4.0..-2.0).contains(&db(30.0)) && db(80.0) > -0.2 && db(5_000.0) > -0.1);
}

#[test]
fn noise_between_the_words_goes_while_there_is_noise() {
    let (mut hiss, mut capture) = (Hiss(3), Capture::new());
    // a fan: most of it is low
    let mut fan = 0.0;
    let noise: Vec<f32> = (0..10 * 48_000)
        .map(|_| {
            fan += 0.1 * (0.08 * hiss.sample() - fan);
            fan
        })
        .collect();
    let (out, noticed) = run(&mut capture, &noise, &[]);
    let left = 10.0 * (power(&out[5 * 48_000..]) / power(&noise)).log10();
    assert!(left < -15.0 && noticed[400].suppressing, "{left}");
    assert!(noticed.iter().all(|noticed| !noticed.speaking), "noise is no speech");
    let (_, noticed) = run(&mut capture, &vec![0.0; 16 * 48_000], &[]);
    assert!(noticed[500].suppressing && !noticed[1_590].suppressing, "it goes when the noise has gone for long");
}

#[test]
fn quiet_and_loud_agents_become_alike() {
    let level = |amplitude: f32| {
        let (out, _) = run(&mut Capture::new(), &speech(20, 5, amplitude), &[]);
        10.0 * power(&out[15 * 48_000..]).log10()
    };
    let (quiet, loud) = (level(0.05), level(1.2));
    assert!((quiet - loud).abs() < 8.0, "{quiet} and {loud} dB, from 28 dB apart");
    let (out, _) = run(&mut Capture::new(), &speech(5, 5, 4.0), &[]);
    assert!(out.iter().all(|sample| sample.abs() <= 1.0), "the limiter holds");
}

#[test]
fn distortion_is_told_once_in_a_while() {
    let loud: Vec<f32> = speech(8, 5, 6.0).iter().map(|sample| sample.clamp(-1.0, 1.0)).collect();
    let (_, noticed) = run(&mut Capture::new(), &loud, &[]);
    assert_eq!(noticed.iter().filter(|noticed| noticed.clipping).count(), 1);
    let (_, noticed) = run(&mut Capture::new(), &speech(8, 5, 0.9), &[]);
    assert_eq!(noticed.iter().filter(|noticed| noticed.clipping).count(), 0);
}

#[test]
fn the_loudspeakers_echo_goes() {
    let played = speech(12, 7, 0.5);
    let echo = echo_of(&played);
    let (out, noticed) = run(&mut Capture::new(), &echo, &played);
    assert!(noticed[1_000].cancelling);
    let left = 10.0 * (power(&out[8 * 48_000..]) / power(&echo[8 * 48_000..])).log10();
    assert!(left < -25.0, "{left}");
}

#[test]
fn without_an_echo_the_canceller_goes_and_with_one_it_comes() {
    let played = speech(20, 7, 0.5);
    let hiss = |seed| {
        let mut hiss = Hiss(seed);
        (0..20 * 48_000).map(|_| 0.000_5 * hiss.sample()).collect::<Vec<f32>>()
    };
    let mut capture = Capture::new();
    let (_, noticed) = run(&mut capture, &hiss(1), &played);
    assert!(noticed[100].cancelling && !noticed[1_900].cancelling, "not needed by an unknown device");
    let (_, noticed) = run(&mut capture, &echo_of(&played), &played);
    assert!(noticed[1_900].cancelling, "the headset was put on the table");

    capture.moved(true);
    let (_, noticed) = run(&mut capture, &hiss(2), &played);
    assert!(noticed.iter().all(|noticed| !noticed.cancelling), "a headset's sound is left alone");
}

#[test]
fn two_who_speak_by_turns_are_no_echo() {
    let (near, far) = (speech(30, 11, 0.3), speech(30, 12, 0.5));
    let mut capture = Capture::new();
    capture.moved(true);
    let (_, noticed) = run(&mut capture, &near, &far);
    assert!(noticed.iter().all(|noticed| !noticed.cancelling));
}

#[test]
fn a_cough_is_not_speaking_and_speech_is_until_it_has_ended_for_long() {
    let mut capture = Capture::new();
    let mut microphone = vec![0.0; 48_000];
    microphone.extend(&speech(1, 1, 0.3)[..14_400]);
    microphone.extend(vec![0.0; 96_000]);
    let (_, noticed) = run(&mut capture, &microphone, &[]);
    assert!(noticed.iter().all(|noticed| !noticed.speaking));
    let (_, noticed) = run(&mut capture, &speech(3, 1, 0.3), &[]);
    assert!(noticed.last().unwrap().speaking);
    let (_, noticed) = run(&mut capture, &vec![0.0; 4 * 48_000], &[]);
    assert!(noticed[200].speaking && !noticed[399].speaking);
}
