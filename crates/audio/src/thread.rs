//! The media thread: commands in, events out, a tick every 10 ms while something sounds.

mod open;

use crate::{
    AudioConfig, AudioError,
    clock::TickClock,
    opener::Report,
    packet::RtcpReceived,
    playback::Playback,
    port::Port,
    priority,
    rehearsal::Rehearsal,
    sound::{Soon, Sound, Wanted},
    tap::{RecordOrder, Tap},
    translate::{call_stats, engine_source, engine_tone, stream_config},
    voice::Voice,
    volume::Fader,
};
use hatif_core::{
    audio::{AudioCommand, AudioEvent, CallStats, HeadsetTest, Tone},
    ice::TurnServer,
    ids::CallId,
    sip,
    srtp::Protection,
};
use hatif_media::{BLOCK, MediaEngine, Output, RtcpIn, RtpIn, Source, StreamKey};
use mio::{Token, Waker};
use std::{
    collections::BTreeMap,
    hash::{BuildHasher, Hasher, RandomState},
    io,
    net::SocketAddr,
    ops::{ControlFlow, RangeInclusive},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::{Receiver, RecvTimeoutError, SyncSender},
    },
    time::{Duration, Instant, SystemTime},
};

/// Calls with a port at a time: more than a person can have, and a bound on sockets.
const MAX_LINES: usize = 64;
/// Datagrams that are looked at between two ticks, over all calls; a flood beyond it waits in the kernel and is dropped
/// there. An honest call brings one in 20 ms.
const DATAGRAM_BUDGET: u32 = 512;
/// Messages that are obeyed at a time.
const MESSAGE_BUDGET: usize = 64;
/// Says in the poll that there is a message. Ports have their call's number, which is never this.
const WAKE: Token = Token(usize::MAX);
/// How long a tone that ends by itself keeps the speaker open; the longest is shorter.
const TONE_SECONDS: Duration = Duration::from_secs(12);
/// How long a key press keeps the speaker open.
const DIGIT_SECONDS: Duration = Duration::from_secs(1);
/// The operating system's poll counts whole milliseconds; the rest is slept.
const POLL_GRAIN: Duration = Duration::from_millis(1);

/// A test of the headset records no longer than this.
const MAX_TEST_SECONDS: u8 = 30;

pub(crate) enum Message {
    Command(AudioCommand),
    Record(CallId, RecordOrder),
    /// Whether where it rings.
    Play(Option<(rtrb::Consumer<f32>, bool)>),
    /// From the thread that opens sound devices.
    Sound(Report),
}

/// A call here: its port, and what was said about it before its media started.
struct Line {
    port: Port,
    /// Payload types of the codec once media has started: as the peer sends it, and as we do, which the engine knows.
    payload: Option<(u8, u8)>,
    microphone: bool,
    listen: bool,
    source: Source,
    /// What was told last of how it is protected.
    protection: Protection,
    /// The devices' gaps when it began: of the microphone and of the speaker.
    gaps: (u64, u64),
    tap: Tap,
    /// Its port waits to be told until STUN and TURN server have been asked.
    asking: bool,
    /// Who was asked for its relay.
    turn: Option<TurnServer>,
}

pub(crate) struct MediaThread<F> {
    engine: MediaEngine,
    sound: Sound,
    lines: BTreeMap<CallId, Line>,
    poll: mio::Poll,
    mailbox: Receiver<Message>,
    stop: Arc<AtomicBool>,
    on_event: F,
    rtp_ports: RangeInclusive<u16>,
    cname: String,
    /// Until when a tone wants to be heard; far away for tones that ring until they are stopped.
    tone: Option<(Tone, Option<Instant>)>,
    digit_until: Option<Instant>,
    meter: bool,
    soon: Soon,
    rehearsal: Option<Rehearsal>,
    playback: Playback,
    voice: Voice,
    speaker_volume: Fader,
    ringer_volume: Fader,
    clock: TickClock,
    datagram_budget: u32,
    /// A STUN server that said nothing, and until when no call waits for it.
    silent: Option<(SocketAddr, Instant)>,
    /// The same of a TURN server that gave no relay.
    no_relay: Option<(TurnServer, Instant)>,
    /// Ports of calls that are over, whose relay is being given back.
    leaving: Vec<Port>,
}

impl<F: FnMut(AudioEvent) + Send + 'static> MediaThread<F> {
    pub fn new(
        config: AudioConfig,
        mailbox: Receiver<Message>,
        messages: SyncSender<Message>,
        stop: Arc<AtomicBool>,
        on_event: F,
    ) -> Result<Self, AudioError> {
        Ok(MediaThread {
            engine: MediaEngine::new(random()),
            sound: Sound::open(&config, messages)?,
            lines: BTreeMap::new(),
            poll: mio::Poll::new()?,
            mailbox,
            stop,
            on_event,
            rtp_ports: config.rtp_ports,
            cname: format!("{:016x}", random()),
            tone: None,
            digit_until: None,
            meter: false,
            soon: Soon::default(),
            rehearsal: None,
            playback: Playback::default(),
            voice: Voice::new(),
            speaker_volume: Fader::default(),
            ringer_volume: Fader::default(),
            clock: TickClock::new(Instant::now()),
            datagram_budget: DATAGRAM_BUDGET,
            silent: None,
            no_relay: None,
            leaving: Vec::new(),
        })
    }

    /// Wakes the thread out of its waiting for a tick, after a message was sent.
    pub fn waker(&self) -> io::Result<Waker> {
        Waker::new(self.poll.registry(), WAKE)
    }

    /// Until `Shutdown`.
    pub fn run(mut self) {
        priority::raise_media_thread();
        while !self.stop.load(Ordering::Acquire) {
            let turn = if self.is_idle(Instant::now()) { self.sleep() } else { self.tick() };
            if turn.is_break() {
                break;
            }
        }
        for call in self.lines.keys().copied().collect::<Vec<_>>() {
            self.stop_line(call);
        }
        // Before the devices are closed, so that their thread does not wait for a full mailbox.
        drop(self.mailbox);
    }

    fn is_idle(&self, now: Instant) -> bool {
        !self.wanted(now).any()
            && self.sound.is_quiet()
            && self.leaving.is_empty()
            && !self.lines.values().any(|line| line.port.is_asking())
    }

    /// Nothing sounds: waits for the next message, or until the devices want to be looked at.
    fn sleep(&mut self) -> ControlFlow<()> {
        let now = Instant::now();
        self.sound.update(Wanted::default(), now, &mut self.on_event);
        let message = match self.sound.rest(now) {
            Some(rest) => self.mailbox.recv_timeout(rest),
            None => self.mailbox.recv().map_err(RecvTimeoutError::from),
        };
        let turn = match message {
            Ok(message) => self.obey(message),
            Err(RecvTimeoutError::Timeout) => ControlFlow::Continue(()),
            Err(RecvTimeoutError::Disconnected) => ControlFlow::Break(()),
        };
        let now = Instant::now();
        self.clock.restart(now);
        let unix = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        self.engine.set_wall_clock(now, unix);
        turn
    }

    /// To the next deadline and through its tick.
    fn tick(&mut self) -> ControlFlow<()> {
        self.wait()?;
        self.obey_all()?;
        let now = Instant::now();
        self.receive(now);
        for (call, line) in &mut self.lines {
            if let Some(route) = line.port.tick(now) {
                tracing::info!(%call, path = route.word(), "ICE");
            }
        }
        self.leaving.retain_mut(|port| port.is_leaving(now));
        self.tell_ports(now);
        let wanted = self.wanted(now);
        self.sound.update(wanted, now, &mut self.on_event);

        let (mut microphone, mut speaker, mut ringer) = ([0.0; BLOCK], [0.0; BLOCK], [0.0; BLOCK]);
        let captured = self.sound.read(&mut microphone).then_some(microphone);
        if let Some(headset) = self.sound.changed() {
            self.voice.moved(headset);
        }
        let heard = !self.voice.muted && self.lines.values().any(|line| line.payload.is_some() && line.microphone);
        // A file is sent as it is, and so is the practice line's silence.
        let live = captured.is_some() && self.sound.is_live();
        if live {
            let idle = self.lines.is_empty();
            self.voice.process(&mut microphone, heard, idle, &mut self.on_event);
        }
        self.engine.tick(now, &microphone, &mut speaker, &mut ringer);
        for (call, line) in self.lines.iter_mut().filter(|(_, line)| line.tap.is_open()) {
            if let Some((agent, customer)) = self.engine.sides(StreamKey(call.0)) {
                line.tap.take(agent, customer);
            }
        }
        if heard {
            self.voice.add_sidetone(&microphone, &mut speaker);
        }
        if let Some(test) =
            self.rehearsal.as_mut().and_then(|test| test.tick(captured.as_ref(), &microphone, &mut speaker))
        {
            if matches!(test, HeadsetTest::Done(_)) {
                self.rehearsal = None;
            }
            (self.on_event)(AudioEvent::HeadsetTest(test));
        }
        let outlet = if self.playback.rings() { &mut ringer } else { &mut speaker };
        self.playback.tick(outlet, !self.lines.is_empty());
        self.speaker_volume.process(&mut speaker);
        self.ringer_volume.process(&mut ringer);
        self.sound.write(&mut speaker, &ringer);
        if live {
            self.voice.played(&speaker);
        }
        self.drain();
        self.tell_protection();
        self.clock.take(now);
        self.datagram_budget = DATAGRAM_BUDGET;
        ControlFlow::Continue(())
    }

    /// Takes messages and datagrams as they come until the tick is due: a port that is asked for keeps a caller waiting,
    /// and a datagram's arrival time is the jitter buffer's measure.
    fn wait(&mut self) -> ControlFlow<()> {
        let mut events = mio::Events::with_capacity(64);
        loop {
            let wait = self.clock.wait(Instant::now());
            if wait.is_zero() {
                return ControlFlow::Continue(());
            }
            if wait <= POLL_GRAIN || self.datagram_budget == 0 {
                std::thread::sleep(wait);
                return ControlFlow::Continue(());
            }
            // Interrupted or failed: the deadline is looked at again.
            let _ = self.poll.poll(&mut events, Some(wait - POLL_GRAIN));
            if events.iter().any(|event| event.token() == WAKE) {
                self.obey_all()?;
                self.drain();
            }
            if !events.is_empty() {
                let now = Instant::now();
                self.receive(now);
                self.tell_ports(now);
            }
        }
    }

    fn obey_all(&mut self) -> ControlFlow<()> {
        for _ in 0..MESSAGE_BUDGET {
            let Ok(message) = self.mailbox.try_recv() else { break };
            self.obey(message)?;
        }
        ControlFlow::Continue(())
    }

    fn receive(&mut self, now: Instant) {
        for (call, line) in &mut self.lines {
            while let Some(packet) = line.port.receive_rtp(now, &mut self.datagram_budget) {
                let Some((theirs, ours)) = line.payload else { continue };
                let packet = RtpIn {
                    payload_type: if packet.payload_type == theirs { ours } else { packet.payload_type },
                    marker: packet.marker,
                    sequence: packet.sequence,
                    timestamp: packet.timestamp,
                    ssrc: packet.ssrc,
                    payload: &packet.payload,
                };
                self.engine.receive_rtp(now, StreamKey(call.0), packet);
            }
            while let Some(RtcpReceived { ssrc, sender, reports }) =
                line.port.receive_rtcp(now, &mut self.datagram_budget)
            {
                if line.payload.is_some() {
                    self.engine.receive_rtcp(now, StreamKey(call.0), RtcpIn { ssrc, sender, reports: &reports });
                }
            }
        }
    }

    /// What the engine wants done or known.
    fn drain(&mut self) {
        while let Some(output) = self.engine.poll_output() {
            match output {
                Output::Rtp(packet) => {
                    if let Some(line) = self.lines.get_mut(&CallId(packet.key.0)) {
                        line.port.send_rtp(&packet);
                    }
                }
                Output::Rtcp { key, report } => {
                    if let Some(line) = self.lines.get_mut(&CallId(key.0)) {
                        line.port.send_rtcp(&report, &self.cname);
                    }
                }
                Output::Digit { key, digit } => {
                    (self.on_event)(AudioEvent::DtmfReceived { call: CallId(key.0), digit });
                }
                Output::Level { microphone, speaker } => (self.on_event)(AudioEvent::Level { microphone, speaker }),
                Output::Stats { key, stats } => {
                    let call = CallId(key.0);
                    let before = self.lines.get(&call).map_or((0, 0), |line| line.gaps);
                    let (microphone, speaker) = self.sound.gaps();
                    let stats = CallStats {
                        microphone_gaps: microphone.saturating_sub(before.0),
                        speaker_gaps: speaker.saturating_sub(before.1),
                        ..call_stats(stats)
                    };
                    (self.on_event)(AudioEvent::Stats { call, stats });
                }
                Output::Silence { key, seconds } => {
                    (self.on_event)(AudioEvent::Silence { call: CallId(key.0), seconds });
                }
            }
        }
    }

    fn tell_protection(&mut self) {
        for (call, line) in self.lines.iter_mut().filter(|(_, line)| line.payload.is_some()) {
            let protection = line.port.protection();
            if line.protection != protection {
                line.protection = protection;
                (self.on_event)(AudioEvent::Protection { call: *call, protection });
            }
        }
    }

    fn wanted(&self, now: Instant) -> Wanted {
        let call = self.lines.values().any(|line| line.payload.is_some());
        let tone = self.tone.filter(|(_, until)| until.is_none_or(|until| now < until)).map(|(tone, _)| tone);
        let digit = self.digit_until.is_some_and(|until| now < until);
        Wanted {
            microphone: call || self.meter || self.rehearsal.is_some(),
            speaker: call
                || self.rehearsal.is_some()
                || (self.playback.sounds() && !self.playback.rings())
                || digit
                || tone.is_some_and(|tone| tone != Tone::Ring),
            ringer: tone == Some(Tone::Ring) || (self.playback.sounds() && self.playback.rings()),
            soon: self.soon,
        }
    }

    fn obey(&mut self, message: Message) -> ControlFlow<()> {
        let command = match message {
            Message::Command(command) => command,
            Message::Record(call, order) => {
                match order {
                    RecordOrder::Announce(on) => self.engine.announce(StreamKey(call.0), on),
                    RecordOrder::End => self.engine.announce(StreamKey(call.0), false),
                    RecordOrder::Begin(_) | RecordOrder::Pause(_) => {}
                }
                if let Some(line) = self.lines.get_mut(&call) {
                    line.tap.obey(order);
                }
                return ControlFlow::Continue(());
            }
            Message::Play(sound) => {
                self.playback.change(sound);
                return ControlFlow::Continue(());
            }
            Message::Sound(report) => {
                self.sound.report(report, Instant::now(), &mut self.on_event);
                return ControlFlow::Continue(());
            }
        };
        match command {
            AudioCommand::OpenPort { call, place } => self.open_port(call, place),
            AudioCommand::Start { call, session } => self.start_line(call, session),
            AudioCommand::Microphone { call, open } => self.change(call, |line| line.microphone = open),
            AudioCommand::Listen { call, on } => self.change(call, |line| line.listen = on),
            AudioCommand::Source { call, source } => {
                let source = engine_source(source);
                if let Some(line) = self.lines.get_mut(&call) {
                    line.source = source.clone();
                    self.engine.set_source(StreamKey(call.0), source);
                }
            }
            AudioCommand::Dtmf { call, digits } => self.engine.send_digits(StreamKey(call.0), &digits),
            AudioCommand::DtmfInBand { call, digits } => self.engine.speak_digits(StreamKey(call.0), &digits),
            AudioCommand::Conference { calls } => {
                let keys: Vec<StreamKey> = calls.iter().map(|call| StreamKey(call.0)).collect();
                self.engine.set_conference(&keys);
            }
            AudioCommand::LocalDtmf { digit } => {
                self.engine.local_digit(digit);
                self.digit_until = Some(Instant::now() + DIGIT_SECONDS);
            }
            AudioCommand::Stop { call } => self.stop_line(call),
            AudioCommand::PlayTone(tone) => self.play_tone(tone),
            AudioCommand::StopTone => {
                self.tone = None;
                self.engine.play_tone(None);
            }
            AudioCommand::ListDevices => self.sound.list(Instant::now(), &mut self.on_event),
            AudioCommand::SelectDevices(choice) => self.sound.select(choice),
            AudioCommand::Meter { on } => {
                self.meter = on;
                self.engine.set_meter(on);
            }
            AudioCommand::Prepare { microphone, speaker } => self.soon = Soon { microphone, speaker },
            AudioCommand::SetSound(sound) => {
                self.voice.configure(&sound);
                self.speaker_volume.set(sound.speaker);
                self.ringer_volume.set(sound.ringer);
                for (call, line) in &self.lines {
                    self.engine.set_microphone(StreamKey(call.0), line.microphone && !self.voice.muted);
                }
            }
            AudioCommand::TestHeadset { seconds } => self.test_headset(seconds),
            AudioCommand::Shutdown => return ControlFlow::Break(()),
        }
        ControlFlow::Continue(())
    }

    /// 0 seconds end the test; so does the media of a call.
    fn test_headset(&mut self, seconds: u8) {
        if self.rehearsal.take().is_some() {
            (self.on_event)(AudioEvent::HeadsetTest(HeadsetTest::Stopped));
        }
        if seconds > 0 && self.lines.is_empty() {
            let rehearsal = Rehearsal::new(seconds.min(MAX_TEST_SECONDS));
            (self.on_event)(AudioEvent::HeadsetTest(rehearsal.began()));
            self.rehearsal = Some(rehearsal);
            self.sound.microphone_opened();
        }
    }

    fn start_line(&mut self, call: CallId, session: sip::MediaSession) {
        let Some(line) = self.lines.get_mut(&call) else {
            tracing::warn!(%call, "media without a port is not started");
            return;
        };
        let payloads = [Some(session.payload_in), session.dtmf_payload];
        // First of all: nothing leaves under what was before.
        line.port.protect(session.srtp.as_ref());
        let now = Instant::now();
        line.port.set_remote(now, session.remote, payloads);
        line.port.set_paths(now, session.ice.as_deref(), session.rtcp_mux, random());
        if self.rehearsal.take().is_some() {
            (self.on_event)(AudioEvent::HeadsetTest(HeadsetTest::Stopped));
        }
        let first = line.payload.replace((session.payload_in, session.payload)).is_none();
        if first {
            line.port.flush(now);
            line.gaps = self.sound.gaps();
        }
        let key = StreamKey(call.0);
        self.engine.start(Instant::now(), key, stream_config(&session));
        // What was said before there was a stream to say it to; again, it would begin a clip anew.
        if first {
            self.engine.set_source(key, line.source.clone());
            self.change(call, |_| {});
        }
    }

    /// Changes what a call hears and is heard by, and tells the engine.
    fn change(&mut self, call: CallId, change: impl FnOnce(&mut Line)) {
        let Some(line) = self.lines.get_mut(&call) else { return };
        change(line);
        self.engine.set_microphone(StreamKey(call.0), line.microphone && !self.voice.muted);
        self.engine.set_listen(StreamKey(call.0), line.listen);
        if line.payload.is_some() && line.microphone {
            self.sound.microphone_opened();
        }
    }

    fn stop_line(&mut self, call: CallId) {
        self.engine.stop(StreamKey(call.0));
        // its last report
        self.drain();
        if let Some(line) = self.lines.remove(&call) {
            let dropped = line.port.dropped;
            tracing::debug!(%call, dropped.foreign, dropped.malformed, dropped.forged, dropped.unsent, "media ended");
            self.close_port(line.port);
        }
    }

    fn play_tone(&mut self, tone: Tone) {
        let until = match tone {
            Tone::Ring | Tone::CallWaiting | Tone::Ringback => None,
            Tone::Busy | Tone::Congestion | Tone::Test => Some(Instant::now() + TONE_SECONDS),
        };
        self.tone = Some((tone, until));
        self.engine.play_tone(Some(engine_tone(tone)));
    }
}

/// From the operating system: std's hash keys are drawn from it.
fn random() -> u64 {
    RandomState::new().build_hasher().finish()
}
