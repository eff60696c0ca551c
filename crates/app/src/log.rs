//! Logs: to standard error, INFO by default, `HATIF_LOG` for more. Lines about calls and accounts carry ids, never
//! numbers, names, addresses or secrets; libraries that would print those are kept at WARN or below.

use tracing_subscriber::EnvFilter;

/// What is logged unless `HATIF_LOG` says otherwise. rvoip's lines can hold addresses and its errors are answered for
/// by ours, so it is silent.
const DEFAULT: &str = "warn,hatif=info,hatif_app=info,hatif_core=info,hatif_net=info,hatif_sip=info,hatif_audio=info,\
    hatif_media=info,hatif_store=info,hatif_practice=info,rvoip_sip_transport=off,rvoip_sip_core=off,rvoip_rtp_core=off";

/// Starts logging for this process. Called once; a second call changes nothing.
pub fn start() {
    let filter = std::env::var("HATIF_LOG").unwrap_or_else(|_| DEFAULT.to_owned());
    let filter = EnvFilter::try_new(&filter).unwrap_or_else(|_| EnvFilter::new(DEFAULT));
    let started = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).try_init();
    if started.is_err() {
        tracing::debug!("logging has already been started");
    }
}
