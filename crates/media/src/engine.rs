//! `MediaEngine`: all streams, the mix, the tones, in the order of one tick.

use crate::{
    BLOCK, Block, Output, RtcpIn, RtpIn, Source, StreamConfig, StreamKey, Tone,
    clock::Clock,
    mixer::{self, Limiter, Meter},
    random::Random,
    stream::Stream,
    tones::Tones,
};
use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

/// Outputs that wait to be polled; the oldest gives way. A tick makes a handful.
const MOST_OUTPUTS: usize = 256;
/// Streams at once; a start beyond them is refused. Nobody holds so many calls.
const MOST_STREAMS: usize = 64;

/// All media of the application, as a machine that is given time, packets and microphone blocks.
pub struct MediaEngine {
    random: Random,
    /// From the first `now` on.
    clock: Option<Clock>,
    /// The latest `now` of a tick or a start.
    now: Option<Instant>,
    streams: Vec<Stream>,
    /// Whose calls hear each other.
    conference: Vec<StreamKey>,
    tones: Tones,
    speaker_limiter: Limiter,
    ringer_limiter: Limiter,
    meter: Meter,
    meter_on: bool,
    outputs: VecDeque<Output>,
}

impl MediaEngine {
    /// SSRCs, first sequence numbers and first time stamps are drawn from `seed`: give it something unguessable, or a
    /// constant in tests.
    pub fn new(seed: u64) -> Self {
        Self {
            random: Random::new(seed),
            clock: None,
            now: None,
            streams: Vec::with_capacity(8),
            conference: Vec::with_capacity(8),
            tones: Tones::new(),
            speaker_limiter: Limiter::new(),
            ringer_limiter: Limiter::new(),
            meter: Meter::default(),
            meter_on: false,
            outputs: VecDeque::with_capacity(MOST_OUTPUTS),
        }
    }

    /// What the wall clock showed at `now`, since the Unix epoch, for the NTP time stamps of sender reports. Without it they
    /// count from the first `now` ever given, which RFC 3550 6.4.1 allows.
    pub fn set_wall_clock(&mut self, now: Instant, since_unix_epoch: Duration) {
        self.clock_at(now);
        if let Some(clock) = &mut self.clock {
            clock.set_wall_clock(now, since_unix_epoch);
        }
    }

    fn clock_at(&mut self, now: Instant) -> Clock {
        *self.clock.get_or_insert_with(|| Clock::new(now))
    }

    fn stream(&mut self, key: StreamKey) -> Option<&mut Stream> {
        self.streams.iter_mut().find(|stream| stream.key == key)
    }

    /// Starts a stream: microphone closed, listened to, source the microphone. For a key that runs: changes its
    /// configuration; sequence numbers, time stamps and SSRC go on, and so does what was set. More than 64 are refused.
    /// A new one that sends has a first packet at once.
    pub fn start(&mut self, now: Instant, key: StreamKey, config: StreamConfig) {
        self.clock_at(now);
        self.now = Some(now);
        if let Some(stream) = self.stream(key) {
            return stream.reconfigure(now, config);
        }
        if self.streams.len() < MOST_STREAMS {
            let mut stream = Stream::new(now, key, config, &mut self.random);
            if let Some(packet) = stream.open() {
                emit(&mut self.outputs, Output::Rtp(packet));
            }
            self.streams.push(stream);
        }
    }

    /// Ends a stream, with a last report. Nothing if there is none; the same holds for everything below.
    pub fn stop(&mut self, key: StreamKey) {
        if let (Some((clock, now)), Some(position)) =
            (self.clock.zip(self.now), self.streams.iter().position(|stream| stream.key == key))
        {
            let report = self.streams.remove(position).rtcp(now, &clock, true);
            emit(&mut self.outputs, Output::Rtcp { key, report });
        }
    }

    /// Microphone into this call, or silence. Closed until told otherwise.
    pub fn set_microphone(&mut self, key: StreamKey, open: bool) {
        if let Some(stream) = self.stream(key) {
            stream.microphone = open;
        }
    }

    /// Whether this call is heard. It is, until told otherwise.
    pub fn set_listen(&mut self, key: StreamKey, on: bool) {
        if let Some(stream) = self.stream(key) {
            stream.listen = on;
        }
    }

    /// The calls that hear each other, beside the microphone or whatever their source is: the whole list. What is not
    /// listened to is not heard by the others either.
    pub fn set_conference(&mut self, keys: &[StreamKey]) {
        self.conference.clear();
        self.conference.extend_from_slice(&keys[..keys.len().min(MOST_STREAMS)]);
    }

    pub fn set_source(&mut self, key: StreamKey, source: Source) {
        if let Some(stream) = self.stream(key) {
            stream.set_source(source);
        }
    }

    /// Levels also while no stream runs (the settings page).
    pub fn set_meter(&mut self, on: bool) {
        self.meter_on = on;
    }

    /// Queues digits for RFC 4733: `0`-`9`, `*`, `#`, `A`-`D`, and `,` for a pause of a second. At most 64 wait; the rest,
    /// and other characters, are dropped, and so is everything where telephone-event was not negotiated.
    pub fn send_digits(&mut self, key: StreamKey, digits: &str) {
        if let Some(stream) = self.stream(key) {
            stream.send_digits(digits);
        }
    }

    /// The same digits as tones in the sound, whatever was negotiated.
    pub fn speak_digits(&mut self, key: StreamKey, digits: &str) {
        if let Some(stream) = self.stream(key) {
            stream.speak_digits(digits);
        }
    }

    /// Whether both sides of a call are told by a tone that it is recorded.
    pub fn announce(&mut self, key: StreamKey, on: bool) {
        if let Some(stream) = self.stream(key) {
            stream.announce(on);
        }
    }

    /// A digit's tone on the speaker, as feedback for a key press.
    pub fn local_digit(&mut self, digit: char) {
        self.tones.digit(digit);
    }

    /// Plays a tone instead of the one before; `None` stops it. Playing the same again lets it go on.
    pub fn play_tone(&mut self, tone: Option<Tone>) {
        self.tones.play(tone);
    }

    /// An RTP packet has come. `now` is when it came: the nearer to the truth, the better the jitter buffer's measure.
    pub fn receive_rtp(&mut self, now: Instant, key: StreamKey, packet: RtpIn<'_>) {
        let clock = self.clock_at(now);
        if let Some(output) = self.stream(key).and_then(|stream| stream.receive_rtp(now, &clock, &packet)) {
            emit(&mut self.outputs, output);
        }
    }

    /// An SR or RR has come.
    pub fn receive_rtcp(&mut self, now: Instant, key: StreamKey, report: RtcpIn<'_>) {
        let clock = self.clock_at(now);
        if let Some(stream) = self.stream(key) {
            stream.receive_rtcp(now, &clock, &report);
        }
    }

    /// 10 ms: `microphone` is what was recorded (silence if there is no device), `speaker` and `ringer` are filled with what
    /// is to be played, within -1.0 to 1.0. Mix the two if they are one device.
    pub fn tick(&mut self, now: Instant, microphone: &Block, speaker: &mut Block, ringer: &mut Block) {
        let clock = self.clock_at(now);
        self.now = Some(now);
        // A driver's NaN would stay in every filter behind it.
        let microphone: Block = std::array::from_fn(|n| {
            let sample = microphone[n];
            if sample.is_finite() { sample.clamp(-1.0, 1.0) } else { 0.0 }
        });
        speaker.fill(0.0);
        ringer.fill(0.0);
        for stream in &mut self.streams {
            stream.hear(now, &clock);
            if stream.listen {
                mixer::add(speaker, &stream.heard);
            }
        }
        for n in 0..self.streams.len() {
            let others = self.others(n);
            let (stream, outputs) = (&mut self.streams[n], &mut self.outputs);
            if let Some(packet) = stream.say(&microphone, others.as_ref(), speaker) {
                emit(outputs, packet);
            }
            stream.report(now, &clock, |output| emit(outputs, output));
        }
        self.tones.add(speaker, ringer);
        self.speaker_limiter.process(speaker);
        self.ringer_limiter.process(ringer);
        if (self.meter_on || !self.streams.is_empty())
            && let Some((microphone, speaker)) = self.meter.tick(&microphone, speaker)
        {
            emit(&mut self.outputs, Output::Level { microphone, speaker });
        }
    }

    /// What the other parties of the conference say to this one; `None` outside of it. Added up anew for each, not taken from
    /// a sum: nobody hears the remains of himself.
    fn others(&self, n: usize) -> Option<Block> {
        let key = self.streams[n].key;
        if !self.conference.contains(&key) {
            return None;
        }
        let mut sum = [0.0; BLOCK];
        let speaks = |s: &&Stream| s.key != key && s.listen && self.conference.contains(&s.key);
        for stream in self.streams.iter().filter(speaks) {
            mixer::add(&mut sum, &stream.heard);
        }
        Some(sum)
    }

    /// The two sides of a call in the last tick: what was said here, as it was sent but for digits and the others of the
    /// conference, and what was heard. What is not listened to is silence.
    pub fn sides(&self, key: StreamKey) -> Option<(&Block, &Block)> {
        const SILENCE: &Block = &[0.0; BLOCK];
        let stream = self.streams.iter().find(|stream| stream.key == key)?;
        Some((&stream.said, if stream.listen { &stream.heard } else { SILENCE }))
    }

    /// What is to be done, oldest first. Drain it after each tick: when 256 wait, the oldest is dropped.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }
}

fn emit(outputs: &mut VecDeque<Output>, output: Output) {
    if outputs.len() == MOST_OUTPUTS {
        outputs.pop_front();
    }
    outputs.push_back(output);
}

const _: () = assert!(BLOCK * 100 == crate::SAMPLE_RATE as usize, "a tick is 10 ms");
