//! A private PipeWire with virtual devices: no hardware, no session, nothing of the machine's own sound is touched.
//!
//! cpal finds a server by environment variables, which a running process should not change. So a test runs itself again
//! with them: [`within`] starts the server, runs the same test in a process of its own and fails if that fails.

use std::{
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

/// Marks the inner process.
const INSIDE: &str = "HATIF_TEST_SOUND_SERVER";
const PATIENCE: Duration = Duration::from_secs(60);

/// Runs `body` in a process that sees a sound server with virtual devices: sinks `agent_spk`, `far_spk` (what speakers play
/// to), sinks `agent_mic_in`, `far_mic_in` with sources `agent_mic`, `far_mic` (tests play into the first, microphones
/// are the second). `test` is the test's own name.
pub fn within(test: &str, body: impl FnOnce()) {
    if std::env::var_os(INSIDE).is_some() {
        body();
        return;
    }
    let server = SoundServer::start();
    let status = server
        .command(std::env::current_exe().expect("this test's path"))
        .args([test, "--exact", "--nocapture"])
        .env(INSIDE, "1")
        .status()
        .expect("this test runs again");
    assert!(status.success(), "{test} failed within the sound server; see above");
}

/// Runs `body` in a process that sees nothing of this server's devices but through the ALSA library, as on a system with
/// neither PipeWire nor PulseAudio: `default` plays to `agent_spk` and captures from `agent_mic`; `alsa:pipewire`'s driver
/// refuses to open it, for this reason (`EBUSY`). That driver is a stand-in: there is no sound card here that another program
/// could hold.
pub fn within_alsa(test: &str, reason: &str, body: impl FnOnce()) {
    if std::env::var_os(INSIDE).is_some() {
        body();
        return;
    }
    let server = SoundServer::start();
    let here = |name: &str| server.folder.path().join(name);
    let (source, driver, configuration) = (here("refusing.c"), here("refusing.so"), here("asound.conf"));
    std::fs::write(&source, REFUSING).expect("a driver's source");
    let reason = format!("-DREASON={reason}");
    let built =
        Command::new("cc").args(["-shared", "-fPIC", "-DPIC", &reason, "-o"]).arg(&driver).arg(&source).status();
    assert!(built.is_ok_and(|status| status.success()), "the driver does not build; libasound2-dev is needed");
    let server_address = format!("unix:{}", here("pulse/native").display());
    let text = format!(
        r#"</usr/share/alsa/alsa.conf>
           pcm.!default {{
             type asym
             playback.pcm {{ type pulse server "{server_address}" device agent_spk }}
             capture.pcm {{ type pulse server "{server_address}" device agent_mic }}
             hint {{ show on description "The one that works" }}
           }}
           pcm_type.refusing {{ lib "{driver}" open refusing_open }}
           pcm.!pipewire {{ type refusing hint {{ show on description "Taken" }} }}
        "#,
        driver = driver.display(),
    );
    std::fs::write(&configuration, text).expect("a configuration");
    let status = server
        .command(std::env::current_exe().expect("this test's path"))
        .args([test, "--exact", "--nocapture"])
        .env(INSIDE, "1")
        .env("ALSA_CONFIG_PATH", configuration)
        .env(REMOTE, "nothing")
        .env("PULSE_SERVER", format!("unix:{}", here("nothing").display()))
        .env(PULSE_PID, server.daemons[0].0.id().to_string())
        .status()
        .expect("this test runs again");
    assert!(status.success(), "{test} failed with ALSA alone; see above");
}

const PULSE_PID: &str = "HATIF_TEST_PULSE_PID";

/// Within ALSA alone: the server behind its devices dies.
pub fn kill_server() {
    tool("kill", &["-KILL", &std::env::var(PULSE_PID).expect("the server's process")]);
}

/// Where PipeWire's clients look for their server. Hatif under test may be kept from it; the test's tools are not.
const REMOTE: &str = "PIPEWIRE_REMOTE";

/// A driver for the ALSA library that opens nothing.
const REFUSING: &str = r"
#include <errno.h>
#include <alsa/asoundlib.h>
int refusing_open(snd_pcm_t **pcm, const char *name, snd_config_t *root, snd_config_t *conf, snd_pcm_stream_t stream, int mode)
{ return -(REASON); }
SND_DLSYM_BUILD_VERSION(refusing_open, SND_PCM_DLSYM_VERSION)
";

/// Runs `body` in a process that finds no sound system at all.
pub fn without(test: &str, body: impl FnOnce()) {
    if std::env::var_os(INSIDE).is_some() {
        body();
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let nothing = folder.path().join("asound.conf");
    std::fs::write(&nothing, "").expect("an empty configuration");
    let status = Command::new(std::env::current_exe().expect("this test's path"))
        .args([test, "--exact", "--nocapture"])
        .env(INSIDE, "1")
        .env("XDG_RUNTIME_DIR", folder.path())
        .env("ALSA_CONFIG_PATH", nothing)
        .env("PULSE_SERVER", format!("unix:{}", folder.path().join("nothing").display()))
        .env_remove("PIPEWIRE_RUNTIME_DIR")
        .status()
        .expect("this test runs again");
    assert!(status.success(), "{test} failed without a sound system; see above");
}

/// Plays a WAV file into a sink, to its end.
pub fn play(file: &Path, sink: &str) {
    Running::start("pw-cat", &["-p", "--target", sink, "--latency", "20ms", &file.to_string_lossy()]).finish();
}

/// Runs a tool of the sound server to its end and gives its output.
pub fn tool(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program)
        .args(arguments)
        .env_remove(REMOTE)
        .output()
        .unwrap_or_else(|error| panic!("{program} does not run ({error}); {MISSING}"));
    assert!(
        output.status.success(),
        "{program} {arguments:?}: {}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// A tool that runs until it is dropped.
pub struct Running(Child);

impl Running {
    pub fn start(program: &str, arguments: &[&str]) -> Running {
        let child = sounding(program).args(arguments).env_remove(REMOTE).stdin(Stdio::null()).spawn();
        Running(child.unwrap_or_else(|error| panic!("{program} does not run ({error}); {MISSING}")))
    }

    /// Records what goes to a sink, for as long as it runs: as a WAV file of 48 kHz, stereo.
    pub fn record(sink: &str, into: &Path) -> Running {
        let node = format!("record-{}", into.file_stem().expect("a file name").to_string_lossy());
        let properties = format!("node.name={node} stream.capture.sink=true");
        let arguments = ["-r", "--target", sink, "--channels", "2", "--rate", "48000", "--latency", "20ms", "-P"];
        let recorder = Self::start("pw-cat", &[&arguments[..], &[&properties, &into.to_string_lossy()]].concat());
        let deadline = Instant::now() + PATIENCE;
        while !tool("pw-link", &["-l"]).contains(&node) {
            assert!(Instant::now() < deadline, "the recorder was never linked to {sink}");
            std::thread::sleep(Duration::from_millis(20));
        }
        recorder
    }

    /// Asks it to end, as Ctrl+C does, and waits: what it writes is complete then.
    pub fn interrupt(mut self) {
        // setpriv and chrt have become the tool by now
        tool("kill", &["-INT", &self.0.id().to_string()]);
        let _ = self.0.wait();
    }

    /// Waits until it ends by itself.
    pub fn finish(mut self) {
        assert!(self.0.wait().expect("the tool ends").success());
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

const MISSING: &str = "the sound tests need dbus, pipewire, wireplumber, pipewire-pulse, pipewire-bin and pulseaudio-utils, \
                       which `cargo xtask test` installs";

struct SoundServer {
    /// In the order of their ending: the last started first.
    daemons: Vec<Running>,
    folder: tempfile::TempDir,
}

impl SoundServer {
    fn start() -> SoundServer {
        for program in
            ["setpriv", "dbus-daemon", "pipewire", "wireplumber", "pipewire-pulse", "pactl", "pw-link", "pw-cat"]
        {
            assert!(is_installed(program), "{program} is not installed: {MISSING}");
        }
        let folder = tempfile::tempdir().expect("a folder");
        let configuration = folder.path().join("config/pipewire/pipewire.conf.d");
        std::fs::create_dir_all(&configuration).expect("a folder");
        let rates = "context.properties = { default.clock.rate = 48000 default.clock.quantum = 480 \
                     default.clock.min-quantum = 64 default.clock.max-quantum = 2048 }\n";
        std::fs::write(configuration.join("rate.conf"), rates).expect("a configuration");

        let mut server = SoundServer { daemons: vec![], folder };
        let bus = server.bus();
        server.daemon("dbus-daemon", &["--session", &format!("--address={bus}"), "--nofork", "--nopidfile"]);
        server.wait_for("the bus", |server| server.folder.path().join("bus").exists());
        server.real_time_daemon("pipewire");
        server.wait_for("PipeWire", |server| server.folder.path().join("pipewire-0").exists());
        server.daemon("wireplumber", &[]);
        server.real_time_daemon("pipewire-pulse");
        server.wait_for("PipeWire's PulseAudio", |server| server.pactl(&["info"]));
        for who in ["agent", "far"] {
            server.module(&["module-null-sink", &format!("sink_name={who}_spk"), "channels=2", "rate=48000"]);
            server.module(&["module-null-sink", &format!("sink_name={who}_mic_in"), "channels=1", "rate=48000"]);
            // a source of its own: monitors are not microphones
            let (master, name) = (format!("master={who}_mic_in.monitor"), format!("source_name={who}_mic"));
            server.module(&["module-remap-source", &master, &name, "channels=1"]);
        }
        assert!(server.pactl(&["set-default-sink", "agent_spk"]));
        assert!(server.pactl(&["set-default-source", "agent_mic"]));
        server
    }

    fn bus(&self) -> String {
        format!("unix:path={}", self.folder.path().join("bus").display())
    }

    /// A program that sees this server and no other.
    fn command(&self, program: impl AsRef<Path>) -> Command {
        let mut command = dying_with_us(program.as_ref());
        command
            .env("XDG_RUNTIME_DIR", self.folder.path())
            .env("XDG_CONFIG_HOME", self.folder.path().join("config"))
            .env("XDG_STATE_HOME", self.folder.path().join("state"))
            .env("DBUS_SESSION_BUS_ADDRESS", self.bus())
            .env("PULSE_SERVER", format!("unix:{}", self.folder.path().join("pulse/native").display()))
            .env_remove("DISPLAY")
            .env_remove("PIPEWIRE_RUNTIME_DIR")
            .stdin(Stdio::null());
        command
    }

    fn daemon(&mut self, program: &str, arguments: &[&str]) {
        let name = arguments.last().filter(|_| program == "chrt").unwrap_or(&program);
        let log = std::fs::File::create(self.folder.path().join(format!("{name}.log"))).expect("a log");
        let child = self
            .command(program)
            .args(arguments)
            .stdout(log.try_clone().expect("a log"))
            .stderr(log)
            .spawn()
            .unwrap_or_else(|error| panic!("{program} does not run ({error}); {MISSING}"));
        self.daemons.insert(0, Running(child));
    }

    /// With real-time priority where that is allowed: builds on the same machine would make gaps.
    fn real_time_daemon(&mut self, program: &str) {
        match real_time() {
            Some(chrt) => self.daemon("chrt", &[chrt, &[program]].concat()),
            None => self.daemon(program, &[]),
        }
    }

    fn pactl(&self, arguments: &[&str]) -> bool {
        let output = self.command("pactl").args(arguments).output();
        output.is_ok_and(|output| output.status.success())
    }

    fn module(&self, arguments: &[&str]) {
        // The PulseAudio side is up before its device list is.
        let arguments = [&["load-module"], arguments].concat();
        self.wait_for(&format!("{arguments:?}"), |server| server.pactl(&arguments));
    }

    fn wait_for(&self, what: &str, ready: impl Fn(&Self) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !ready(self) {
            assert!(Instant::now() < deadline, "{what} did not come up:\n{}", self.logs());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn logs(&self) -> String {
        let logs = ["dbus-daemon", "pipewire", "wireplumber", "pipewire-pulse"].map(|program| {
            let log = std::fs::read_to_string(self.folder.path().join(format!("{program}.log"))).unwrap_or_default();
            format!("{program}: {log}\n")
        });
        logs.concat()
    }
}

/// A child does not outlive a test that is killed.
fn dying_with_us(program: impl AsRef<Path>) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL", "--"]).arg(program.as_ref());
    command
}

/// The arguments of `chrt` for real-time priority, where we may have it.
fn real_time() -> Option<&'static [&'static str]> {
    const CHRT: &[&str] = &["-f", "60"];
    let tried = Command::new("chrt").args(CHRT).arg("true").output();
    tried.is_ok_and(|run| run.status.success()).then_some(CHRT)
}

/// A tool that plays or records: builds on the same machine would tear its sound.
fn sounding(program: &str) -> Command {
    match real_time() {
        Some(chrt) => {
            let mut command = dying_with_us("chrt");
            command.args(chrt).arg(program);
            command
        }
        None => dying_with_us(program),
    }
}

fn is_installed(program: &str) -> bool {
    std::env::var_os("PATH")
        .is_some_and(|path| std::env::split_paths(&path).any(|folder: PathBuf| folder.join(program).is_file()))
}
