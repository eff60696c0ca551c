//! Sound through the ALSA library alone, and devices that do not open.
#![cfg(target_os = "linux")]

mod support;

use hatif_audio::{AudioConfig, Devices};
use hatif_core::{
    audio::{AudioCommand, AudioEvent, DeviceChoice, SoundSettings},
    ids::CallId,
    sip::Codec,
};
use std::path::Path;
use support::{
    Station, assert_tone, connect, read_wav,
    sound_server::{Running, kill_server, play, within_alsa},
    write_tone,
};

const CALL: CallId = CallId(1);

fn on(choice: DeviceChoice) -> Station {
    let station = Station::start(AudioConfig { devices: Devices::System, choice, ..AudioConfig::default() });
    // A steady tone is noise to what is made for voices.
    station.send(AudioCommand::SetSound(SoundSettings { raw: true, ..SoundSettings::default() }));
    station
}

fn wait_problem(station: &mut Station, wanted: &str, device: Option<&str>) {
    station.wait(&format!("the problem {wanted}"), |event| match event {
        AudioEvent::Problem(Some(text)) if text.code == wanted => {
            let named = text.params.get("device").map(String::as_str);
            assert_eq!(named, device);
            Some(())
        }
        _ => None,
    });
}

/// A call from a phone with these devices to itself by way of a second one that plays back what it hears.
fn talk(mut agent: Station, folder: &Path) {
    let (spoken, received) = (folder.join("spoken.wav"), folder.join("received.wav"));
    write_tone(&spoken, 48_000, 700.0, 0.3, 4.0);
    let files = Devices::Files { play: Some(spoken.clone()), record: Some(received.clone()) };
    let mut far = Station::start(AudioConfig { devices: files, ..AudioConfig::default() });
    far.send(AudioCommand::SetSound(SoundSettings { raw: true, ..SoundSettings::default() }));
    connect(&mut agent, &mut far, CALL, Codec::Opus);
    let heard = folder.join("heard.wav");
    let recorder = Running::record("agent_spk", &heard);
    for station in [&mut agent, &mut far] {
        station.send(AudioCommand::Microphone { call: CALL, open: true });
    }
    play(&spoken, "agent_mic_in");
    agent.wait_received(CALL, 200);
    recorder.interrupt();
    drop((agent, far));
    for file in [heard, received] {
        let (samples, rate) = read_wav(&file);
        assert_tone(&samples, rate, 700.0, 0.3, 3.0);
    }
}

#[test]
fn a_call_goes_through_alsa_alone() {
    within_alsa("a_call_goes_through_alsa_alone", "EBUSY", || {
        let folder = tempfile::tempdir().expect("a temporary folder");
        talk(on(DeviceChoice::default()), folder.path());
    });
}

#[test]
fn a_device_that_another_holds_is_told_and_the_call_goes_on() {
    within_alsa("a_device_that_another_holds_is_told_and_the_call_goes_on", "EBUSY", || {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut agent = on(DeviceChoice { speaker: Some("alsa:pipewire".into()), ..DeviceChoice::default() });
        agent.send(AudioCommand::Prepare { microphone: true, speaker: true });
        wait_problem(&mut agent, "audio.device_in_use", Some("Taken"));
        talk(agent, folder.path());
    });
}

#[test]
fn a_microphone_that_is_not_allowed_is_told_and_the_call_goes_on() {
    within_alsa("a_microphone_that_is_not_allowed_is_told_and_the_call_goes_on", "EACCES", || {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut agent = on(DeviceChoice { microphone: Some("alsa:pipewire".into()), ..DeviceChoice::default() });
        agent.send(AudioCommand::Prepare { microphone: true, speaker: true });
        wait_problem(&mut agent, "audio.permission_denied", None);
        talk(agent, folder.path());
    });
}

/// The ALSA library lets a stream's thread spin then, with the priority that it was given.
#[test]
fn a_sound_server_that_dies_does_not_take_the_call_with_it() {
    within_alsa("a_sound_server_that_dies_does_not_take_the_call_with_it", "EBUSY", || {
        let mut agent = on(DeviceChoice::default());
        let mut far = Station::with(Devices::None);
        connect(&mut agent, &mut far, CALL, Codec::Opus);
        agent.send(AudioCommand::Microphone { call: CALL, open: true });
        far.wait_received(CALL, 100);
        kill_server();
        agent.wait("a problem", |event| matches!(event, AudioEvent::Problem(Some(_))).then_some(()));
        agent.wait_received(CALL, 400);
        far.wait_received(CALL, 400);
    });
}
