//! hatif-cli: Hatif without a window. JSON commands on standard input, JSON events on standard output; docs/cli.md.

mod lines;
mod one_shot;

use clap::{Args, Parser, Subcommand, ValueEnum};
use hatif_app::{AppConfig, Devices, Hid, KeyringChoice, SystemHid};
use std::{path::PathBuf, process::ExitCode, sync::Arc};

/// Hatif without a window: one JSON command a line on standard input, one JSON event a line on standard output.
#[derive(Parser)]
#[command(
    name = "hatif-cli",
    version,
    after_help = "Every command and event: docs/cli.md. HATIF_LOG=debug for more on standard error."
)]
struct Cli {
    #[command(flatten)]
    options: Options,
    #[command(subcommand)]
    one_shot: Option<OneShot>,
}

#[derive(Args)]
struct Options {
    /// Folder of the database; this user's own by default.
    #[arg(long, value_name = "DIR", global = true)]
    data: Option<PathBuf>,
    /// Microphone by id (see the command `devices`).
    #[arg(long, value_name = "DEVICE", global = true)]
    input: Option<String>,
    /// Speaker by id.
    #[arg(long, value_name = "DEVICE", global = true)]
    output: Option<String>,
    /// Play this WAV file in real time instead of a microphone.
    #[arg(long, value_name = "FILE.wav", global = true, conflicts_with = "input")]
    play: Option<PathBuf>,
    /// Record what would be heard to this WAV file instead of a speaker.
    #[arg(long, value_name = "FILE.wav", global = true, conflicts_with = "output")]
    record: Option<PathBuf>,
    /// No sound devices at all.
    #[arg(long, global = true)]
    no_sound: bool,
    /// Answer every call at once.
    #[arg(long, global = true)]
    auto_answer: bool,
    /// So many calls at once instead of a person's eight.
    #[arg(long, value_name = "N", global = true)]
    most_calls: Option<usize>,
    /// Use the buttons and lamps of USB headsets.
    #[arg(long, global = true)]
    headsets: bool,
    /// Bring up the practice line as well.
    #[arg(long, global = true)]
    practice: bool,
    /// Keep passwords in memory only.
    #[arg(long, global = true)]
    no_keyring: bool,
}

#[derive(Subcommand)]
enum OneShot {
    /// Make one call and end.
    Call(CallArgs),
}

#[derive(Args)]
pub struct CallArgs {
    /// Number, user@host or sip: address.
    target: String,
    /// The account to call from: user@host[:port].
    #[arg(long, value_name = "USER@HOST")]
    account: String,
    /// Talk to the target directly, without a registrar.
    #[arg(long)]
    direct: bool,
    #[arg(long, value_enum, default_value = "udp")]
    transport: Transport,
    /// PEM file with the PBX's private certificate authority.
    #[arg(long, value_name = "FILE")]
    ca_file: Option<String>,
    /// Read the password from the first line of standard input (or set HATIF_PASSWORD).
    #[arg(long)]
    password_stdin: bool,
    /// Hang up after so many seconds of talking.
    #[arg(long, default_value_t = 10)]
    seconds: u64,
}

#[derive(Clone, Copy, ValueEnum)]
enum Transport {
    Udp,
    Tcp,
    Tls,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let log = hatif_app::log::start();
    let runtime = match tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return fail(&format!("cannot start: {error}")),
    };
    let scratch = cli.one_shot.is_some() && cli.options.data.is_none();
    let Some(data) = data(&cli.options, scratch) else { return fail("no folder for data; name one with --data") };
    let config = config(&cli.options, data.clone(), scratch);
    let code = match cli.one_shot {
        None => runtime.block_on(lines::run(config, log)),
        Some(OneShot::Call(args)) => runtime.block_on(one_shot::call(config, log, args)),
    };
    // A read of standard input may still block a runtime thread; nothing is left that it could tell.
    runtime.shutdown_background();
    if scratch {
        // The one call's data; what stays behind is a file in the system's temporary folder.
        let _ = std::fs::remove_dir_all(data);
    }
    code
}

fn data(options: &Options, scratch: bool) -> Option<PathBuf> {
    match &options.data {
        Some(dir) => Some(dir.clone()),
        None if scratch => Some(std::env::temp_dir().join(format!("hatif-cli-{}", std::process::id()))),
        None => hatif_app::data_folder(),
    }
}

fn config(options: &Options, data: PathBuf, scratch: bool) -> AppConfig {
    let files = options.play.is_some() || options.record.is_some();
    AppConfig {
        data,
        keyring: if options.no_keyring || scratch { KeyringChoice::None } else { KeyringChoice::System },
        policy: Some(hatif_app::policy_file()),
        devices: match (options.no_sound, files) {
            (_, true) => Devices::Files { play: options.play.clone(), record: options.record.clone() },
            (true, false) => Devices::None,
            (false, false) => Devices::System,
        },
        input: options.input.clone(),
        output: options.output.clone(),
        auto_answer: options.auto_answer,
        most_calls: options.most_calls,
        practice: options.practice,
        headsets: options.headsets.then(|| Arc::new(SystemHid::default()) as Arc<dyn Hid>),
        system_language: hatif_app::system_language(),
    }
}

fn fail(why: &str) -> ExitCode {
    eprintln!("hatif-cli: {why}");
    ExitCode::from(2)
}
