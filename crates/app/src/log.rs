//! Logs: to standard error, INFO by default, `HATIF_LOG` for more. Lines about calls and accounts carry ids, never
//! numbers, names, addresses or secrets.

use tracing_subscriber::EnvFilter;

/// What is logged unless `HATIF_LOG` says otherwise: our own lines. Libraries' lines can hold addresses at any level (a
/// refused certificate is told with its host's name), and what goes wrong in them is told by us.
const DEFAULT: &str = "off,hatif=info,hatif_shell=info,hatif_app=info,hatif_cli=info,hatif_core=info,hatif_net=info,\
    hatif_sip=info,hatif_audio=info,hatif_media=info,hatif_store=info,hatif_practice=info";

/// Starts logging for this process. Called once; a second call changes nothing.
pub fn start() {
    let filter = std::env::var("HATIF_LOG").unwrap_or_else(|_| DEFAULT.to_owned());
    let filter = EnvFilter::try_new(&filter).unwrap_or_else(|_| EnvFilter::new(DEFAULT));
    let started = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).try_init();
    if started.is_err() {
        tracing::debug!("logging has already been started");
    }
}
