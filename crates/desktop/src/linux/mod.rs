//! The desktop on Linux, over D-Bus. The parts know nothing of each other.

mod awake;
mod media;
mod notices;
mod tray;

use crate::{Buses, Shown, Told, icon::Picture};
use std::sync::Arc;
use tokio::sync::watch;
use zbus::Connection;

pub type Tell = Arc<dyn Fn(Told) + Send + Sync>;

/// Runs until nobody holds the sender of `shown` any more.
pub async fn run(buses: Buses, shown: watch::Receiver<Shown>, picture: Picture, tell: Tell) {
    tokio::spawn(awake::run(buses.system, shown.clone()));
    let session = match &buses.session {
        Some(address) => connect(address).await,
        None => Connection::session().await,
    };
    let session = match session {
        Ok(session) => session,
        Err(error) => {
            tracing::info!(%error, "there is no session bus: no tray, no notifications");
            return tell(Told::Tray(false));
        }
    };
    tokio::spawn(notices::run(session.clone(), shown.clone(), tell.clone()));
    tokio::spawn(media::run(session.clone(), shown.clone()));
    if let Err(error) = tray::run(session, shown, picture, tell.clone()).await {
        tracing::info!(%error, "there is no tray");
        tell(Told::Tray(false));
    }
}

async fn connect(address: &str) -> zbus::Result<Connection> {
    zbus::connection::Builder::address(address)?.build().await
}
