//! The system's sound devices, on a private sound server with virtual ones.
#![cfg(target_os = "linux")]

mod support;

use hatif_audio::{AudioConfig, Devices};
use hatif_core::{
    audio::{AudioCommand, AudioDevice, AudioEvent, DeviceChoice},
    ids::CallId,
    sip::Codec,
};
use support::{
    Station, assert_tone, connect, read_wav,
    sound_server::{Running, play, tool, within},
    write_tone,
};

const CALL: CallId = CallId(1);

fn choice(microphone: &str, speaker: &str) -> DeviceChoice {
    DeviceChoice { microphone: Some(microphone.into()), speaker: Some(speaker.into()), ringer: None }
}

fn on(choice: DeviceChoice) -> Station {
    Station::start(AudioConfig { devices: Devices::System, choice, ..AudioConfig::default() })
}

fn devices(station: &mut Station) -> (Vec<AudioDevice>, Vec<AudioDevice>) {
    station.send(AudioCommand::ListDevices);
    station.wait("the list of devices", |event| match event {
        AudioEvent::Devices { inputs, outputs } => Some((inputs.clone(), outputs.clone())),
        _ => None,
    })
}

#[test]
fn a_tone_goes_from_microphone_to_speaker_through_two_phones() {
    within("a_tone_goes_from_microphone_to_speaker_through_two_phones", || {
        let folder = tempfile::tempdir().unwrap();
        let (spoken, heard) = (folder.path().join("spoken.wav"), folder.path().join("heard.wav"));
        write_tone(&spoken, 48_000, 1000.0, 0.3, 4.0);
        let mut agent = on(choice("pipewire:agent_mic", "pipewire:agent_spk"));
        let mut far = on(choice("pipewire:far_mic", "pipewire:far_spk"));
        connect(&mut agent, &mut far, CALL, Codec::Opus);
        far.send(AudioCommand::Microphone { call: CALL, open: true });
        agent.wait_received(CALL, 100);

        let recorder = Running::record("agent_spk", &heard);
        play(&spoken, "far_mic_in");
        agent.wait("the tone's end", |event| match event {
            AudioEvent::Level { speaker, .. } if *speaker < 0.01 => Some(()),
            _ => None,
        });
        recorder.interrupt();
        let (samples, rate) = read_wav(&heard);
        assert_tone(&samples, rate, 1000.0, 0.3, 3.5);
        let problems: Vec<AudioEvent> =
            agent.rest().into_iter().filter(|event| matches!(event, AudioEvent::Problem(_))).collect();
        assert_eq!(problems, []);
    });
}

#[test]
fn devices_are_listed_once_and_by_id() {
    within("devices_are_listed_once_and_by_id", || {
        let mut station = on(DeviceChoice::default());
        let (inputs, outputs) = devices(&mut station);
        let sorted = |list: &[AudioDevice]| {
            assert!(list.iter().all(|device| !device.name.is_empty()), "{list:#?}");
            let mut ids: Vec<_> = list.iter().map(|device| (device.id.clone(), device.is_default)).collect();
            ids.sort();
            ids
        };
        // The server holds streams too, of its remapped sources, under names of devices.
        let expected = [("agent_mic", true), ("far_mic", false)];
        assert_eq!(sorted(&inputs), expected.map(|(id, default)| (format!("pipewire:{id}"), default)));
        let expected = [("agent_mic_in", false), ("agent_spk", true), ("far_mic_in", false), ("far_spk", false)];
        assert_eq!(sorted(&outputs), expected.map(|(id, default)| (format!("pipewire:{id}"), default)));

        // What changes while somebody looks at the list is told without being asked for.
        tool("pactl", &["set-default-sink", "far_spk"]);
        station.wait("the new default", |event| match event {
            AudioEvent::Devices { outputs, .. } => {
                outputs.iter().any(|device| device.id == "pipewire:far_spk" && device.is_default).then_some(())
            }
            _ => None,
        });
        tool("pactl", &["load-module", "module-null-sink", "sink_name=plugged_in"]);
        station.wait("a device plugged in", |event| match event {
            AudioEvent::Devices { outputs, .. } => {
                outputs.iter().any(|device| device.id == "pipewire:plugged_in").then_some(())
            }
            _ => None,
        });
    });
}
