//! Media players (MPRIS) are silent during calls: those that play are paused, and play on afterwards if they still stand
//! where we paused them. A player that the user started or stopped in the meantime is the user's.

use crate::Shown;
use tokio::sync::watch;
use zbus::{
    Connection,
    fdo::{DBusProxy, PropertiesProxy},
    names::{BusName, InterfaceName, OwnedUniqueName},
};

const PLAYER: InterfaceName<'static> = InterfaceName::from_static_str_unchecked("org.mpris.MediaPlayer2.Player");
const PATH: &str = "/org/mpris/MediaPlayer2";
/// More players than anybody has; a bus full of them does not hold up a call.
const AT_MOST: usize = 16;

pub async fn run(session: Connection, mut shown: watch::Receiver<Shown>) {
    // By their connections: another program that takes over a name later is not touched.
    let mut paused = Vec::new();
    let mut hushed = false;
    while shown.changed().await.is_ok() {
        let wanted = shown.borrow_and_update().hush;
        if wanted == hushed {
            continue;
        }
        hushed = wanted;
        if wanted {
            paused = pause(&session).await.unwrap_or_default();
        } else {
            for player in std::mem::take(&mut paused) {
                resume(&session, &player).await;
            }
        }
    }
}

async fn pause(session: &Connection) -> zbus::Result<Vec<OwnedUniqueName>> {
    let bus = DBusProxy::new(session).await?;
    let names = bus.list_names().await?;
    let players = names.into_iter().filter(|name| name.starts_with("org.mpris.MediaPlayer2.")).take(AT_MOST);
    let mut paused = Vec::new();
    for name in players {
        let Ok(player) = bus.get_name_owner(BusName::from(name)).await else { continue };
        // One program may stand on the bus under two names.
        let plays = !paused.contains(&player) && status(session, &player).await.as_deref() == Some("Playing");
        if plays && say(session, &player, "Pause").await {
            paused.push(player);
        }
    }
    Ok(paused)
}

async fn resume(session: &Connection, player: &OwnedUniqueName) {
    if status(session, player).await.as_deref() == Some("Paused") {
        say(session, player, "Play").await;
    }
}

async fn say(session: &Connection, player: &OwnedUniqueName, what: &str) -> bool {
    let done = session.call_method(Some(player), PATH, Some(PLAYER), what, &()).await;
    done.inspect_err(|error| tracing::debug!(%error, what, "a media player did not do it")).is_ok()
}

async fn status(session: &Connection, player: &OwnedUniqueName) -> Option<String> {
    let properties = PropertiesProxy::builder(session).destination(player.clone()).ok()?.path(PATH).ok()?;
    let status = properties.build().await.ok()?.get(PLAYER, "PlaybackStatus").await.ok()?;
    String::try_from(status).ok()
}
