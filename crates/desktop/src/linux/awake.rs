//! No sleep during a call: logind's inhibitor (`org.freedesktop.login1.Manager.Inhibit`), which holds as long as its file
//! descriptor is open, so that it ends with us, however we end.

use crate::Shown;
use tokio::sync::watch;
use zbus::{Connection, zvariant::OwnedFd};

pub async fn run(system: Option<String>, mut shown: watch::Receiver<Shown>) {
    let mut held = None;
    while shown.changed().await.is_ok() {
        let wanted = shown.borrow_and_update().awake;
        if !wanted {
            held = None;
        } else if held.is_none() {
            held = inhibit(system.as_deref())
                .await
                .inspect_err(|error| tracing::info!(%error, "the computer may fall asleep"))
                .ok();
        }
    }
}

async fn inhibit(system: Option<&str>) -> zbus::Result<OwnedFd> {
    let system = match system {
        Some(address) => super::connect(address).await?,
        None => Connection::system().await?,
    };
    let logind = Some("org.freedesktop.login1");
    let request = ("sleep:idle", "Hatif", "A call", "block");
    let answer = system.call_method(logind, "/org/freedesktop/login1", MANAGER, "Inhibit", &request).await?;
    answer.body().deserialize()
}

const MANAGER: Option<&str> = Some("org.freedesktop.login1.Manager");
