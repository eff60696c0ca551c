//! The tray: a StatusNotifierItem (freedesktop.org's and KDE's) with its menu (`com.canonical.dbusmenu`), and the number
//! on the launcher's icon (`com.canonical.Unity.LauncherEntry`). Whether somebody shows it the watcher knows.

mod item;
mod menu;

use super::Tell;
use crate::{ID, Shown, Told, icon::Picture};
use futures_util::StreamExt;
use item::Item;
use menu::Menu;
use std::{collections::HashMap, time::Duration};
use tokio::sync::watch;
use zbus::{Connection, fdo::DBusProxy, names::BusName, proxy::CacheProperties, zvariant::Value};

const ITEM: &str = "/StatusNotifierItem";
const MENU: &str = "/MenuBar";
const WATCHER: &str = "org.kde.StatusNotifierWatcher";

/// At the start of a session the tray may come later than we do.
const PATIENCE: Duration = Duration::from_secs(10);

#[zbus::proxy(
    interface = "org.kde.StatusNotifierWatcher",
    default_service = "org.kde.StatusNotifierWatcher",
    default_path = "/StatusNotifierWatcher"
)]
trait Watcher {
    fn register_status_notifier_item(&self, service: &str) -> zbus::Result<()>;
    #[zbus(property)]
    fn is_status_notifier_host_registered(&self) -> zbus::Result<bool>;
    #[zbus(signal)]
    fn status_notifier_host_registered(&self) -> zbus::Result<()>;
    #[zbus(signal)]
    fn status_notifier_host_unregistered(&self) -> zbus::Result<()>;
}

pub async fn run(session: Connection, shown: watch::Receiver<Shown>, picture: Picture, tell: Tell) -> zbus::Result<()> {
    session.object_server().at(ITEM, Item::new(picture, tell.clone())).await?;
    session.object_server().at(MENU, Menu::new(tell.clone())).await?;
    let name = format!("org.kde.StatusNotifierItem-{}-1", std::process::id());
    session.request_name(name.as_str()).await?;
    let watching = tokio::spawn(watch_host(session.clone(), name, tell));
    let outcome = follow(&session, shown).await;
    watching.abort();
    outcome
}

/// Shows what there is to show, until nobody says so any more.
async fn follow(session: &Connection, mut shown: watch::Receiver<Shown>) -> zbus::Result<()> {
    let item = session.object_server().interface::<_, Item>(ITEM).await?;
    let menu = session.object_server().interface::<_, Menu>(MENU).await?;
    let mut unseen = 0;
    while shown.changed().await.is_ok() {
        let new = shown.borrow_and_update().clone();
        item.get_mut().await.show(&new, item.signal_emitter()).await?;
        let changed = menu.get_mut().await.show(new.menu);
        if let Some(revision) = changed {
            Menu::layout_updated(menu.signal_emitter(), revision, 0).await?;
        }
        if new.unseen != unseen {
            unseen = new.unseen;
            badge(session, unseen).await?;
        }
    }
    badge(session, 0).await
}

async fn badge(session: &Connection, count: u32) -> zbus::Result<()> {
    let properties =
        HashMap::from([("count", Value::from(i64::from(count))), ("count-visible", Value::from(count > 0))]);
    let launcher = format!("application://{ID}.desktop");
    let (path, interface) = ("/org/hatif/Hatif", "com.canonical.Unity.LauncherEntry");
    session.emit_signal(None::<BusName<'_>>, path, interface, "Update", &(launcher, properties)).await
}

/// Registers the item with every watcher that comes, and tells whether somebody shows it.
async fn watch_host(session: Connection, name: String, tell: Tell) -> zbus::Result<()> {
    let bus = DBusProxy::new(&session).await?;
    let mut owners = bus.receive_name_owner_changed_with_args(&[(0, WATCHER)]).await?;
    let watcher = WatcherProxy::builder(&session).cache_properties(CacheProperties::No).build().await?;
    let mut came = watcher.receive_status_notifier_host_registered().await?;
    let mut went = watcher.receive_status_notifier_host_unregistered().await?;
    let mut registered = register(&watcher, &name).await;
    let mut told = None;
    let mut patience = Box::pin(tokio::time::sleep(PATIENCE));
    let mut waits = true;
    loop {
        let host = registered && watcher.is_status_notifier_host_registered().await.unwrap_or(false);
        // "None" is said once it is sure; one that goes away later is told at once.
        if told != Some(host) && (host || told.is_some() || !waits) {
            told = Some(host);
            tell(Told::Tray(host));
        }
        tokio::select! {
            Some(change) = owners.next() => {
                let here = change.args().is_ok_and(|args| args.new_owner.is_some());
                registered = here && register(&watcher, &name).await;
            }
            Some(_) = came.next() => {}
            Some(_) = went.next() => {}
            () = &mut patience, if waits => waits = false,
        }
    }
}

async fn register(watcher: &WatcherProxy<'_>, name: &str) -> bool {
    let done = watcher.register_status_notifier_item(name).await;
    done.inspect_err(|error| tracing::debug!(%error, "no tray takes the item")).is_ok()
}
