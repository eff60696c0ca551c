//! linphonec, liblinphone's console phone: driven by its commands, playing a file and keeping what it hears in another.

use crate::{DEADLINE, asterisk::User, ports, process::eventually, sound::Recording};
use std::{
    fs,
    io::Write,
    net::UdpSocket,
    os::unix::process::CommandExt,
    path::PathBuf,
    process::{Child, ChildStdin, Command, Stdio},
    time::Duration,
};

pub struct Options {
    /// Registers with this account at this registrar, by UDP; none: it is called directly.
    pub account: Option<(User, String)>,
    /// What it says.
    pub play: Option<PathBuf>,
    /// Answers by itself, one call at a time.
    pub auto_answer: bool,
    /// Calls at once.
    pub most_calls: usize,
}

impl Default for Options {
    fn default() -> Options {
        Options { account: None, play: None, auto_answer: true, most_calls: 10 }
    }
}

pub struct Linphone {
    /// Its SIP port (UDP).
    pub port: u16,
    child: Child,
    input: ChildStdin,
    folder: tempfile::TempDir,
}

impl Linphone {
    /// Started and answering SIP.
    pub fn start(options: Options) -> Linphone {
        let linphone = Linphone::spawn(options);
        linphone.wait_up();
        linphone
    }

    /// Started, and no more than that.
    pub fn spawn(options: Options) -> Linphone {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let at = folder.path();
        // Without these it does not start.
        for own in [".local/share/linphone", ".config/linphone"] {
            fs::create_dir_all(at.join(own)).expect("the folder can be written to");
        }
        let port = ports::free(2);
        fs::write(at.join("linphonerc"), settings(&options, port)).expect("the folder can be written to");
        let out = fs::File::create(at.join("linphonec.log")).expect("the folder can be written to");
        let mut command = Command::new("stdbuf");
        command.args(["-oL", "linphonec", "-c"]).arg(at.join("linphonerc")).args(["-d", "0"]);
        if options.auto_answer {
            command.arg("-a");
        }
        command.env("HOME", at).env("XDG_RUNTIME_DIR", at).env_remove("DISPLAY").env_remove("PULSE_SERVER");
        command.env_remove("XDG_DATA_HOME").env_remove("XDG_CONFIG_HOME").current_dir(at).process_group(0);
        command.stdin(Stdio::piped()).stderr(out.try_clone().expect("a file handle can be had twice")).stdout(out);
        let mut child = command.spawn().expect("stdbuf can be started");
        let input = child.stdin.take().expect("it was asked for");
        let mut linphone = Linphone { port, child, input, folder };
        linphone.command("soundcard use files");
        if let Some(play) = &options.play {
            linphone.command(&format!("play {}", play.display()));
        }
        let heard = linphone.heard_path().display().to_string();
        linphone.command(&format!("record {heard}"));
        linphone
    }

    fn wait_up(&self) {
        let socket = UdpSocket::bind("127.0.0.1:0").expect("a port on loopback");
        socket.set_read_timeout(Some(Duration::from_millis(200))).expect("a socket can wait");
        let own = socket.local_addr().expect("it is bound");
        let text = format!(
            "OPTIONS sip:127.0.0.1:{} SIP/2.0\r\nVia: SIP/2.0/UDP {own};branch=z9hG4bKup\r\nMax-Forwards: 1\r\n\
             From: <sip:lab@{own}>;tag=1\r\nTo: <sip:127.0.0.1>\r\nCall-ID: up\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n",
            self.port
        );
        eventually("linphonec answers", DEADLINE, || {
            // Refused as long as its port is not open.
            let _ = socket.send_to(text.as_bytes(), ("127.0.0.1", self.port));
            socket.recv(&mut [0; 2048]).ok().map(drop)
        });
    }

    /// A command of its console: `call sip:…`, `answer`, `pause`, `resume 1`, `transfer 1 sip:…`, `terminate all`.
    pub fn command(&mut self, command: &str) {
        writeln!(self.input, "{command}").and_then(|()| self.input.flush()).expect("linphonec takes commands");
    }

    /// How to call it directly.
    pub fn address(&self) -> String {
        format!("sip:peer@127.0.0.1:{}", self.port)
    }

    /// What it has printed.
    pub fn output(&self) -> String {
        let bytes = fs::read(self.folder.path().join("linphonec.log")).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    pub fn pid(&self) -> u32 {
        // stdbuf becomes what it starts.
        self.child.id()
    }

    fn heard_path(&self) -> PathBuf {
        self.folder.path().join("heard.wav")
    }

    /// What it has heard, once all its calls are over: the file's head is written last.
    pub fn heard(&self) -> Option<Recording> {
        Recording::try_read(&self.heard_path())
    }
}

impl Drop for Linphone {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!("--- linphonec\n{}", self.output());
        }
    }
}

fn settings(options: &Options, port: u16) -> String {
    let (rtp, most_calls) = (ports::free(4), options.most_calls);
    let contact = options.account.as_ref().map_or("peer", |(user, _)| &user.name);
    let mut text = format!(
        "[sip]\nsip_port={port}\nsip_tcp_port=-1\nsip_tls_port=-1\nbind_address=127.0.0.1\nuse_ipv6=0\nguess_hostname=0\n\
         contact=\"{contact}\" <sip:{contact}@127.0.0.1:{port}>\nkeepalive_period=0\n\
         register_only_when_network_is_up=0\ndefault_proxy={}\n\
         [net]\nfirewall_policy=0\n[rtp]\nbind_address=127.0.0.1\naudio_rtp_port={rtp}-{}\n\
         [sound]\nechocancellation=0\nremote_ring=\n[misc]\nversion_check_url_root=\nmax_calls={most_calls}\n\
         [video]\nenabled=0\ncapture=0\ndisplay=0\n",
        if options.account.is_some() { 0 } else { -1 },
        rtp + 3,
    );
    if let Some((User { name, password }, registrar)) = &options.account {
        text += &format!(
            "[proxy_0]\nreg_proxy=<sip:{registrar};transport=udp>\nreg_identity=sip:{name}@{registrar}\nreg_expires=60\n\
             reg_sendregister=1\npublish=0\n[auth_info_0]\nusername={name}\npasswd={password}\n"
        );
    }
    text
}
