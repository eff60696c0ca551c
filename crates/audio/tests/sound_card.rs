//! The system's sound devices, on a private sound server with virtual ones.
#![cfg(target_os = "linux")]

mod support;

use hatif_audio::{AudioConfig, Devices};
use hatif_core::{
    audio::{AudioCommand, AudioDevice, AudioEvent, CallSource, DeviceChoice, Tone},
    ids::CallId,
    sip::Codec,
};
use std::{sync::Arc, time::Duration};
use support::{
    Station, assert_tone, connect, level_of, read_wav,
    sound_server::{Running, play, tool, within, without},
    write_tone,
};

const CALL: CallId = CallId(1);

fn choice(microphone: &str, speaker: &str) -> DeviceChoice {
    DeviceChoice { microphone: Some(microphone.into()), speaker: Some(speaker.into()), ..DeviceChoice::default() }
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
        let folder = tempfile::tempdir().expect("a temporary folder");
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

fn wait_problem(station: &mut Station, wanted: Option<&'static str>) {
    station.wait(&format!("the problem {wanted:?}"), |event| match event {
        AudioEvent::Problem(text) if text.as_ref().map(|text| text.code) == wanted => Some(()),
        _ => None,
    });
}

/// Records a sink until it has held the tone for a second.
fn hear(sink: &str, frequency: f64) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let heard = folder.path().join("heard.wav");
    for _ in 0..10 {
        let recorder = Running::record(sink, &heard);
        // in real time: what is to be heard needs its time
        std::thread::sleep(Duration::from_millis(1500));
        recorder.interrupt();
        let (samples, rate) = read_wav(&heard);
        let good = samples.chunks_exact(4800).filter(|chunk| level_of(chunk, rate, frequency) > 0.2).count();
        if good >= 10 {
            return;
        }
    }
    panic!("{frequency} Hz is not heard at {sink}");
}

#[test]
fn a_lost_speaker_is_replaced_by_the_default_and_taken_again_when_it_is_back() {
    within("a_lost_speaker_is_replaced_by_the_default_and_taken_again_when_it_is_back", || {
        let plug = || tool("pactl", &["load-module", "module-null-sink", "sink_name=headset"]);
        let module = plug();
        let mut agent = on(DeviceChoice { speaker: Some("pipewire:headset".into()), ..DeviceChoice::default() });
        let mut far = Station::with(Devices::None);
        let clip: Arc<[f32]> = (0..48_000 * 120)
            .map(|i| 0.3 * (2.0 * std::f64::consts::PI * 1000.0 * f64::from(i) / 48_000.0).sin() as f32)
            .collect();
        connect(&mut agent, &mut far, CALL, Codec::Opus);
        far.send(AudioCommand::Source { call: CALL, source: CallSource::Clip(clip) });
        agent.wait_received(CALL, 50);
        hear("headset", 1000.0);

        tool("pactl", &["unload-module", module.trim()]);
        wait_problem(&mut agent, Some("audio.device_gone"));
        hear("agent_spk", 1000.0);
        plug();
        wait_problem(&mut agent, None);
        hear("headset", 1000.0);

        // the system's default moves: the call goes along
        agent.send(AudioCommand::SelectDevices(DeviceChoice::default()));
        hear("agent_spk", 1000.0);
        tool("pactl", &["set-default-sink", "far_spk"]);
        hear("far_spk", 1000.0);
    });
}

#[test]
fn the_ringer_may_be_another_device() {
    within("the_ringer_may_be_another_device", || {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let (ringer, speaker) = (folder.path().join("ringer.wav"), folder.path().join("speaker.wav"));
        let both = (Running::record("far_spk", &ringer), Running::record("agent_spk", &speaker));
        let agent = on(DeviceChoice { ringer: Some("pipewire:far_spk".into()), ..DeviceChoice::default() });
        agent.send(AudioCommand::PlayTone(Tone::Ring));
        std::thread::sleep(Duration::from_secs(3));
        both.0.interrupt();
        both.1.interrupt();
        drop(agent);
        let loudest = |path| read_wav(path).0.iter().fold(0.0f32, |most, sample| most.max(sample.abs()));
        assert!(loudest(&ringer) > 0.05, "the ringer is silent");
        assert_eq!(loudest(&speaker), 0.0, "it rings in the ear");
    });
}

#[test]
fn without_any_device_it_is_told_and_a_call_runs() {
    without("without_any_device_it_is_told_and_a_call_runs", || {
        let mut agent = on(choice("pipewire:agent_mic", "alsa:plughw:CARD=0,DEV=0"));
        assert_eq!(devices(&mut agent), (vec![], vec![]));
        let mut far = Station::with(Devices::None);
        connect(&mut agent, &mut far, CALL, Codec::Opus);
        agent.send(AudioCommand::Microphone { call: CALL, open: true });
        wait_problem(&mut agent, Some("audio.no_microphone"));
        far.wait_received(CALL, 50);
        agent.wait_received(CALL, 50);
    });
}
