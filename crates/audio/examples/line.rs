//! Two phones in one process, joined by RTP on loopback, both microphones open: for measuring and listening.
//!
//! `cargo run -p hatif-audio --example line -- [MICROPHONE SPEAKER MICROPHONE SPEAKER [SECONDS]]`
//!
//! Without arguments it lists the devices. `RUST_LOG=hatif_audio=debug` shows the rings' figures at the end.

use hatif_audio::{Audio, AudioConfig};
use hatif_core::{
    audio::{AudioCommand, AudioEvent, DeviceChoice},
    ids::CallId,
    sip::{Codec, MediaSession},
};
use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::mpsc::{Receiver, channel},
    time::Duration,
};

const CALL: CallId = CallId(1);

type Anything = Result<(), Box<dyn std::error::Error>>;

fn main() -> Anything {
    tracing_subscriber::fmt().with_env_filter(tracing_subscriber::EnvFilter::from_default_env()).init();
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [microphone_a, speaker_a, microphone_b, speaker_b, rest @ ..] = &arguments[..] else { return list() };
    let seconds: u64 = rest.first().map_or(Ok(10), |seconds| seconds.parse())?;
    let (a, events_a) = phone(microphone_a, speaker_a)?;
    let (b, events_b) = phone(microphone_b, speaker_b)?;
    let (at_a, at_b) = (port(&a, &events_a)?, port(&b, &events_b)?);
    for (audio, remote) in [(&a, at_b), (&b, at_a)] {
        audio.send(AudioCommand::Start { call: CALL, session: session(remote) })?;
        audio.send(AudioCommand::Microphone { call: CALL, open: true })?;
    }
    std::thread::sleep(Duration::from_secs(seconds));
    for (name, events) in [("a", events_a), ("b", events_b)] {
        let told = events.try_iter().filter(|event| !matches!(event, AudioEvent::Level { .. }));
        let (stats, others): (Vec<_>, Vec<_>) = told.partition(|event| matches!(event, AudioEvent::Stats { .. }));
        println!("{name}: {:?}\n{others:?}", stats.last());
    }
    Ok(())
}

fn list() -> Anything {
    let (sender, events) = channel();
    let audio = Audio::start(AudioConfig::default(), move |event| drop(sender.send(event)))?;
    audio.send(AudioCommand::ListDevices)?;
    if let AudioEvent::Devices { inputs, outputs } = events.recv_timeout(Duration::from_secs(20))? {
        println!("microphones: {inputs:#?}\nspeakers: {outputs:#?}");
    }
    Ok(())
}

fn phone(microphone: &str, speaker: &str) -> Result<(Audio, Receiver<AudioEvent>), hatif_audio::AudioError> {
    let (sender, events) = channel();
    let choice =
        DeviceChoice { microphone: Some(microphone.into()), speaker: Some(speaker.into()), ..DeviceChoice::default() };
    let config = AudioConfig { choice, ..AudioConfig::default() };
    Ok((Audio::start(config, move |event| drop(sender.send(event)))?, events))
}

fn port(audio: &Audio, events: &Receiver<AudioEvent>) -> Result<SocketAddr, Box<dyn std::error::Error>> {
    audio.send(AudioCommand::OpenPort { call: CALL, place: IpAddr::V4(Ipv4Addr::LOCALHOST).into() })?;
    loop {
        if let AudioEvent::PortOpened { local, .. } = events.recv_timeout(Duration::from_secs(10))? {
            return Ok(local.addr);
        }
    }
}

fn session(remote: SocketAddr) -> MediaSession {
    MediaSession {
        codec: Codec::Opus,
        payload: 111,
        payload_in: 111,
        dtmf_payload: None,
        dtmf_clock: 48_000,
        remote,
        send: true,
        receive: true,
        ptime_ms: 20,
        srtp: None,
        ice: None,
        rtcp_mux: false,
    }
}
