//! Random event sequences against `Phone`, in virtual time: the invariants of `phone.rs`.
//!
//! The far ends (SIP, audio, store) are played by the test: they answer some commands, late, never or wrongly,
//! and agents and callers do what they like. `HATIF_SEQUENCES` sets how many sequences run.

mod stories;
mod world;

use hatif_core::{audio::*, call::*, ids::*, phone::*, settings::Settings, sip::*};
use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv4Addr, SocketAddr},
};
use world::{Dice, World, session};

fn run(seed: u64, steps: u64, traced: bool) -> (Vec<String>, BTreeMap<&'static str, u32>) {
    let mut dice = Dice(seed);
    let mut world = World::new(traced, &mut dice);
    // Half of them begin in the middle of a working day.
    for _ in 0..dice.roll(2) * dice.roll(4) {
        world.talk(&mut dice);
    }
    for _ in 0..steps {
        world.step(&mut dice);
    }
    world.finish();
    // Instants differ from run to run; everything else must not.
    let told = world.trace.unwrap_or_default().into_iter().filter(|line| !line.contains("Instant")).collect();
    (told, world.reached)
}

#[test]
fn invariants_hold_over_random_sequences() {
    let sequences = std::env::var("HATIF_SEQUENCES").ok().and_then(|n| n.parse().ok()).unwrap_or(100_000);
    let mut reached: BTreeMap<&str, u32> = BTreeMap::new();
    for seed in 0..sequences {
        let steps = 40 + seed % 80;
        match std::panic::catch_unwind(|| run(seed, steps, false)) {
            Ok((_, seen)) => seen.into_iter().for_each(|(what, n)| *reached.entry(what).or_default() += n),
            Err(_) => {
                run(seed, steps, true);
                panic!("seed {seed} failed only when not traced");
            }
        }
    }
    println!("{sequences} sequences: {reached:?}");
    // What is never reached is not shown to hold.
    for what in world::PLACES {
        assert!(reached.get(what).is_some_and(|n| u64::from(*n) * 1_000 >= sequences), "{what} is hardly ever reached");
    }
}

#[test]
fn the_same_inputs_give_the_same_outputs() {
    for seed in 0..50 {
        assert_eq!(run(seed, 80, true), run(seed, 80, true));
    }
}

fn loaded() -> World {
    World::new(true, &mut Dice(1))
}

fn incoming(world: &mut World) -> CallId {
    let call = CallId(0x8000_0000);
    world.sip.insert(call, true);
    let peer = Peer { name: None, address: "123".into(), uri: String::new() };
    world.input(Input::Sip(SipEvent::Incoming { account: AccountId(1), call, peer, headers: CallHeaders::default() }));
    call
}

fn answered(world: &mut World) -> CallId {
    let call = incoming(world);
    world.input(Input::Command("answer", Command::Answer(call)));
    world.input(Input::Sip(SipEvent::MediaAddress { call, local: Ok(IpAddr::V4(Ipv4Addr::LOCALHOST).into()) }));
    world.input(Input::Audio(AudioEvent::PortOpened { call, local: SocketAddr::from(([127, 0, 0, 1], 4002)).into() }));
    let media = session(&mut Dice(1));
    world.input(Input::Sip(SipEvent::Media { call, media }));
    world.input(Input::Sip(SipEvent::Answered { call }));
    call
}

/// What the audio was told since `from` lines of the trace.
fn told(world: &World, from: usize, what: &str) -> Vec<String> {
    let lines = &world.trace.as_ref().expect("traced")[from..];
    lines.iter().filter(|line| line.starts_with('<') && line.contains(what)).cloned().collect()
}

fn notices(world: &World) -> Vec<&'static str> {
    world.phone.notices().iter().map(|notice| notice.text.code).collect()
}

#[test]
fn the_speaker_is_opened_while_it_rings_and_the_microphone_once_it_is_answered() {
    let mut world = loaded();
    let call = incoming(&mut world);
    assert_eq!(told(&world, 0, "Prepare"), ["< Audio(Prepare { microphone: false, speaker: true })"]);
    let from = world.trace.as_ref().expect("traced").len();
    world.input(Input::Command("answer", Command::Answer(call)));
    assert_eq!(told(&world, from, "Prepare"), ["< Audio(Prepare { microphone: true, speaker: true })"]);
    // and no way into the call before it is answered there too
    assert_eq!(told(&world, 0, "Microphone {"), [""; 0]);
    let from = world.trace.as_ref().expect("traced").len();
    world.input(Input::Command("hang_up", Command::HangUp(call)));
    assert_eq!(told(&world, from, "Prepare"), ["< Audio(Prepare { microphone: false, speaker: false })"]);
}

#[test]
fn who_speaks_while_muted_is_told_for_as_long_as_it_is_so() {
    let mut world = loaded();
    let call = answered(&mut world);
    world.input(Input::Audio(AudioEvent::Unheard(true)));
    assert_eq!(notices(&world), [""; 0], "speech into an open microphone is heard");
    world.input(Input::Command("mute", Command::Mute(call, true)));
    assert_eq!(notices(&world), ["audio.you_are_muted"]);
    world.input(Input::Audio(AudioEvent::Unheard(false)));
    assert_eq!(notices(&world), [""; 0]);
    world.input(Input::Audio(AudioEvent::Unheard(true)));
    assert_eq!(notices(&world), ["audio.you_are_muted"]);
    world.input(Input::Command("mute", Command::Mute(call, false)));
    assert_eq!(notices(&world), [""; 0]);
    world.input(Input::Command("hold", Command::Hold(call, true)));
    world.input(Input::Sip(SipEvent::Hold { call, hold: Hold::new(true, false) }));
    assert_eq!(notices(&world), [""; 0], "who talks to a colleague while the customer holds is not muted");
}

#[test]
fn a_device_chosen_before_is_the_fallback_of_the_next() {
    let mut choice = DeviceChoice::default();
    for id in ["a", "b", "a", "c"] {
        choice.choose(DeviceRole::Microphone, Some(id.into()));
    }
    assert_eq!(
        (choice.microphone.as_deref(), choice.microphones_before.as_slice()),
        (Some("c"), &["a".to_owned(), "b".into()][..])
    );
    choice.choose(DeviceRole::Microphone, None);
    assert_eq!((choice.microphone.as_deref(), choice.microphones_before[0].as_str()), (None, "c"));
    for id in 0..100 {
        choice.choose(DeviceRole::Speaker, Some(id.to_string()));
    }
    assert_eq!(choice.speakers_before.len(), MAX_REMEMBERED);
    choice.choose_ringers(vec!["x".into(), "y".into(), "x".into()]);
    assert_eq!((choice.ringer.as_deref(), choice.more_ringers.as_slice()), (Some("x"), &["y".to_owned()][..]));
    choice.choose(DeviceRole::Ringer, None);
    assert_eq!((choice.ringer, choice.more_ringers), (None, vec![]));
}

#[test]
fn volumes_beyond_the_scale_are_refused_and_others_are_told_and_kept() {
    let mut world = loaded();
    let quiet = Volume { percent: 50, muted: false };
    let sound = SoundSettings { speaker: quiet, ..SoundSettings::default() };
    let with = |sound| Command::ChangeSettings(Box::new(Settings { sound, ..Settings::default() }));
    world.input(Input::Command("change_settings", with(sound)));
    assert_eq!((world.phone.settings().sound, told(&world, 0, "SetSound").len()), (sound, 2));
    let wrong = SoundSettings { ringer: Volume { percent: 101, muted: false }, ..sound };
    world.input(Input::Command("change_settings", with(wrong)));
    assert_eq!(world.phone.settings().sound, sound);
    assert_eq!(told(&world, 0, "settings.out_of_range").len(), 1);
    assert!((quiet.gain() - 0.125).abs() < 1e-6 && Volume::default().gain() == 1.0);
}

#[test]
fn the_headset_is_not_tested_in_a_call() {
    let mut world = loaded();
    world.input(Input::Command("test_headset", Command::TestHeadset(255)));
    assert_eq!(told(&world, 0, "TestHeadset"), ["< Audio(TestHeadset { seconds: 30 })"]);
    answered(&mut world);
    world.input(Input::Command("test_headset", Command::TestHeadset(5)));
    assert_eq!(told(&world, 0, "TestHeadset").len(), 1);
    assert_eq!(told(&world, 0, "command.not_now").len(), 1);
}
