//! baresip, a softphone by others, as the other end of a call. It sends a tone and records what it hears; it is told
//! what to do through its `ctrl_tcp` module (JSON in netstrings).

use crate::{
    DEADLINE,
    asterisk::User,
    certs::Certs,
    ports,
    process::{Process, eventually, words},
    sound::Recording,
    template,
    transcript::Transcript,
};
use serde_json::{Value, json};
use std::{
    fs,
    io::{BufReader, Read, Write},
    net::TcpStream,
};

/// What kind of phone it is.
pub struct Options {
    /// Registers with this account at this registrar, by this transport; none: it is called directly.
    pub account: Option<(User, String, &'static str)>,
    /// Answers by itself.
    pub auto_answer: bool,
    /// The tone that it sends, in Hz.
    pub tone: u32,
    /// In its order of preference.
    pub codecs: &'static str,
}

impl Default for Options {
    fn default() -> Options {
        Options { account: None, auto_answer: true, tone: 500, codecs: "opus/48000/2,pcma,pcmu" }
    }
}

pub struct Baresip {
    /// Its SIP port, UDP and TCP.
    pub port: u16,
    /// What it says: `{"event": true, "type": "CALL_ESTABLISHED", ...}`.
    pub events: Transcript,
    control: TcpStream,
    process: Process,
    folder: tempfile::TempDir,
}

impl Baresip {
    pub fn start(options: Options) -> Baresip {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let at = folder.path();
        let (port, control_port, rtp) = (ports::free(2), ports::free(1), ports::free(40));
        let values = [
            ("PORT", port.to_string()),
            ("CONTROL", control_port.to_string()),
            ("RTPFIRST", rtp.to_string()),
            ("RTPLAST", (rtp + 39).to_string()),
            ("TONE", options.tone.to_string()),
            ("CODECS", codec_modules(options.codecs)),
            ("FOLDER", at.display().to_string()),
            ("AUTHORITY", Certs::get().authority().display().to_string()),
        ];
        template::write(&at.join("config"), include_str!("baresip/config"), &values);
        let answer = if options.auto_answer { "auto" } else { "manual" };
        let codecs = options.codecs;
        let account = match &options.account {
            Some((user, registrar, transport)) => format!(
                "<sip:{}@{};transport={transport}>;auth_user={};auth_pass={};regint=60;\
                 outbound=\"sip:{registrar};transport={transport}\";answermode={answer};audio_codecs={codecs}\n",
                user.name,
                crate::kamailio::DOMAIN,
                user.name,
                user.password
            ),
            None => format!("<sip:peer@127.0.0.1:{port}>;regint=0;answermode={answer};audio_codecs={codecs}\n"),
        };
        fs::write(at.join("accounts"), account).expect("the folder can be written to");
        fs::write(at.join("contacts"), "").expect("the folder can be written to");
        let folder_text = at.display().to_string();
        let environment = [("HOME", folder_text.clone()), ("XDG_RUNTIME_DIR", folder_text.clone())];
        let arguments = words(["baresip", "-4", "-f", &folder_text]);
        let mut process = Process::start_with("baresip", at, &arguments, &environment);
        process.ready_when(DEADLINE, |process| process.output().contains("baresip is ready"));
        let control = TcpStream::connect(("127.0.0.1", control_port)).expect("baresip listens for commands");
        let events = Transcript::new("baresip");
        let reading = control.try_clone().expect("a socket can be had twice");
        events.follow(move |add| read_netstrings(reading, add));
        Baresip { port, events, control, process, folder }
    }

    /// How to call it directly.
    pub fn address(&self) -> String {
        format!("sip:peer@127.0.0.1:{}", self.port)
    }

    pub fn command(&mut self, command: &str, parameters: &str) {
        let text = json!({ "command": command, "params": parameters, "token": "lab" }).to_string();
        let netstring = format!("{}:{text},", text.len());
        self.control.write_all(netstring.as_bytes()).expect("baresip takes commands");
    }

    pub fn wait_for(&self, kind: &str) -> Value {
        self.events.wait_for(kind, 0, |event| event["type"] == kind)
    }

    pub fn wait_until_registered(&mut self) {
        self.process.ready_when(DEADLINE, |process| process.output().contains(" binding]"));
    }

    /// What it has heard in its last call, so far; `None` before it has heard anything.
    pub fn heard(&self) -> Option<Recording> {
        let files = fs::read_dir(self.folder.path()).expect("the folder can be read").flatten();
        let heard = |name: &str| name.starts_with("dump-") && name.ends_with("-dec.wav");
        let newest = files
            .filter(|file| heard(&file.file_name().to_string_lossy()))
            .filter(|file| file.metadata().is_ok_and(|meta| meta.len() > 44))
            .max_by_key(|file| file.metadata().and_then(|meta| meta.modified()).ok())?;
        Some(Recording::read(&newest.path()))
    }

    /// Waits until it has heard `seconds` of a tone.
    pub fn wait_heard(&self, tone: u32, seconds: f64) {
        eventually(&format!("baresip hears {seconds} s of {tone} Hz"), DEADLINE, || {
            (self.heard()?.seconds_of(tone) >= seconds).then_some(())
        });
    }
}

/// Only what it shall speak is loaded: baresip answers with any codec that it has.
fn codec_modules(codecs: &str) -> String {
    let has = |name: &str| codecs.split(',').any(|codec| codec.starts_with(name));
    let modules = [("opus.so", has("opus")), ("g711.so", has("pcm")), ("g722.so", has("g722")), ("gsm.so", has("gsm"))];
    modules.iter().filter(|(_, wanted)| *wanted).map(|(module, _)| format!("module {module}\n")).collect()
}

/// `12:{"event":...},` again and again.
fn read_netstrings(stream: TcpStream, add: &dyn Fn(Value)) {
    let mut bytes = BufReader::new(stream).bytes().map_while(Result::ok);
    loop {
        let digits: Vec<u8> = bytes.by_ref().take_while(|byte| *byte != b':').filter(u8::is_ascii_digit).collect();
        let Ok(length) = String::from_utf8_lossy(&digits).parse::<usize>() else { return };
        let text: Vec<u8> = bytes.by_ref().take(length).collect();
        if let Ok(value) = serde_json::from_slice(&text) {
            add(value);
        }
    }
}
