//! The system's sound devices, on a private sound server with virtual ones.
#![cfg(target_os = "linux")]

mod support;

use hatif_audio::{AudioConfig, Devices};
use hatif_core::{
    audio::{AudioCommand, AudioDevice, AudioEvent, CallSource, DeviceChoice, DeviceRole, SoundSettings, Tone, Volume},
    ids::CallId,
    sip::Codec,
};
use std::{sync::Arc, time::Duration};
use support::{
    Station, assert_tone, connect, level_of, read_wav, session,
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
        // A steady tone is noise to what is made for voices.
        far.send(AudioCommand::SetSound(SoundSettings { raw: true, ..SoundSettings::default() }));
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

/// Milliseconds of the tone that reach the ear when it begins with the call's first packet.
fn heard_of_the_first_second(prepared: bool) -> usize {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let heard = folder.path().join("heard.wav");
    let mut agent = on(choice("pipewire:agent_mic", "pipewire:agent_spk"));
    let mut far = Station::with(Devices::None);
    if prepared {
        agent.send(AudioCommand::Prepare { microphone: true, speaker: true });
        // it rings
        std::thread::sleep(Duration::from_secs(2));
    }
    let recorder = Running::record("agent_spk", &heard);
    let clip: Arc<[f32]> = (0..48_000)
        .map(|i| 0.3 * (2.0 * std::f64::consts::PI * 1000.0 * f64::from(i) / 48_000.0).sin() as f32)
        .collect();
    let (here, there) = (agent.open_port(CALL), far.open_port(CALL));
    far.send(AudioCommand::Source { call: CALL, source: CallSource::Clip(clip) });
    agent.send(AudioCommand::Start { call: CALL, session: session(Codec::Opus, there) });
    far.send(AudioCommand::Start { call: CALL, session: session(Codec::Opus, here) });
    agent.wait_received(CALL, 100);
    recorder.interrupt();
    let (samples, rate) = read_wav(&heard);
    // a good 10 ms holds the tone at its level
    samples.chunks_exact(480).filter(|chunk| (level_of(chunk, rate, 1000.0) - 0.3).abs() < 0.06).count() * 10
}

#[test]
fn the_first_words_are_whole_when_the_devices_were_opened_while_it_rang() {
    within("the_first_words_are_whole_when_the_devices_were_opened_while_it_rang", || {
        let (cold, warm) = (heard_of_the_first_second(false), heard_of_the_first_second(true));
        println!(
            "of the first 1000 ms, {cold} ms are heard of a device opened with the call, {warm} ms of one opened before"
        );
        assert!(warm >= 940 && warm >= cold, "{warm} ms of 1000, {cold} without");
    });
}

#[test]
fn two_hundred_plugs_and_unplugs_in_one_call_lose_nothing() {
    within("two_hundred_plugs_and_unplugs_in_one_call_lose_nothing", || {
        let rounds = std::env::var("HATIF_PLUGS").ok().and_then(|n| n.parse().ok()).unwrap_or(12);
        let mut agent = on(DeviceChoice {
            speaker: Some("pipewire:headset".into()),
            speakers_before: vec!["pipewire:far_spk".into()],
            ..DeviceChoice::default()
        });
        let mut far = Station::with(Devices::None);
        connect(&mut agent, &mut far, CALL, Codec::Opus);
        let clip: Arc<[f32]> = (0..48_000 * 600)
            .map(|i| 0.3 * (2.0 * std::f64::consts::PI * 1000.0 * f64::from(i) / 48_000.0).sin() as f32)
            .collect();
        far.send(AudioCommand::Source { call: CALL, source: CallSource::Clip(clip) });
        agent.wait_received(CALL, 50);
        // Each round is a plug and an unplug (`HATIF_PLUGS` rounds; 100 were run for the record), at moments that fall anywhere between openings and lists.
        for round in 0..rounds {
            let module = tool("pactl", &["load-module", "module-null-sink", "sink_name=headset"]);
            std::thread::sleep(Duration::from_millis(50 + 97 * round % 700));
            tool("pactl", &["unload-module", module.trim()]);
            std::thread::sleep(Duration::from_millis(31 * round % 400));
        }
        // the device chosen before it, not the default
        hear("far_spk", 1000.0);
        tool("pactl", &["load-module", "module-null-sink", "sink_name=headset"]);
        hear("headset", 1000.0);
    });
}

#[test]
fn sound_goes_on_within_a_second_and_it_is_told_where() {
    within("sound_goes_on_within_a_second_and_it_is_told_where", || {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let heard = folder.path().join("heard.wav");
        let module = tool("pactl", &["load-module", "module-null-sink", "sink_name=headset"]);
        let mut agent = on(DeviceChoice { speaker: Some("pipewire:headset".into()), ..DeviceChoice::default() });
        let mut far = Station::with(Devices::None);
        connect(&mut agent, &mut far, CALL, Codec::Opus);
        let clip: Arc<[f32]> = (0..48_000 * 120)
            .map(|i| 0.3 * (2.0 * std::f64::consts::PI * 1000.0 * f64::from(i) / 48_000.0).sin() as f32)
            .collect();
        far.send(AudioCommand::Source { call: CALL, source: CallSource::Clip(clip) });
        agent.wait_received(CALL, 50);
        hear("headset", 1000.0);
        let recorder = Running::record("agent_spk", &heard);
        let at = std::time::Instant::now();
        tool("pactl", &["unload-module", module.trim()]);
        let to = agent.wait("where it went", |event| match event {
            AudioEvent::Moved { role: DeviceRole::Speaker, device } => Some(device.clone()),
            _ => None,
        });
        println!("told after {} ms: {to}", at.elapsed().as_millis());
        agent.wait("sound again", |event| matches!(event, AudioEvent::Stats { .. }).then_some(()));
        std::thread::sleep(Duration::from_secs(1));
        recorder.interrupt();
        let (samples, rate) = read_wav(&heard);
        assert_tone(&samples, rate, 1000.0, 0.3, 0.5);
        assert!(to.contains("agent_spk"), "{to}");
        let silent = samples.chunks_exact(480).take_while(|chunk| level_of(chunk, rate, 1000.0) < 0.2).count() * 10;
        println!("the recorder heard it after {silent} ms, unloading and the recorder's own start among them");

        // A headset that comes is offered, not taken.
        tool("pactl", &["load-module", "module-null-sink", "sink_name=bluez_output.00_11"]);
        let offered = agent.wait("the offer", |event| match event {
            AudioEvent::Arrived { role: DeviceRole::Speaker, device } => Some(device.id.clone()),
            _ => None,
        });
        assert_eq!(offered, "pipewire:bluez_output.00_11");
        hear("agent_spk", 1000.0);
    });
}

#[test]
fn it_rings_on_every_chosen_device_as_loud_as_was_set() {
    within("it_rings_on_every_chosen_device_as_loud_as_was_set", || {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let (one, two) = (folder.path().join("one.wav"), folder.path().join("two.wav"));
        let agent = on(DeviceChoice {
            ringer: Some("pipewire:far_spk".into()),
            more_ringers: vec!["pipewire:agent_mic_in".into()],
            ..DeviceChoice::default()
        });
        let loudest = |path| read_wav(path).0.iter().fold(0.0f32, |most, sample| most.max(sample.abs()));
        let mut full = 0.0;
        for (percent, muted) in [(100, false), (50, false), (100, true)] {
            let ringer = Volume { percent, muted };
            agent.send(AudioCommand::SetSound(SoundSettings { ringer, ..SoundSettings::default() }));
            agent.send(AudioCommand::StopTone);
            std::thread::sleep(Duration::from_millis(100));
            let both = (Running::record("far_spk", &one), Running::record("agent_mic_in", &two));
            agent.send(AudioCommand::PlayTone(Tone::Ring));
            std::thread::sleep(Duration::from_secs(3));
            both.0.interrupt();
            both.1.interrupt();
            let (one, two) = (loudest(&one), loudest(&two));
            full = if percent == 100 && !muted { one } else { full };
            let expected = full * ringer.gain();
            assert!((one - expected).abs() < 0.02 && (two - expected).abs() < 0.02, "{ringer:?}: {one} and {two}");
        }
        assert!(full > 0.05);
    });
}
