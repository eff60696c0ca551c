//! Notifications (Desktop Notifications Specification 1.2). They take no focus; what is on their buttons comes back as
//! signals of the server.

use super::Tell;
use crate::{Ask, ID, Notice, Shown, Told};
use futures_util::StreamExt;
use std::collections::{BTreeMap, HashMap};
use tokio::sync::watch;
use zbus::{Connection, zvariant::Value};

#[zbus::proxy(
    interface = "org.freedesktop.Notifications",
    default_service = "org.freedesktop.Notifications",
    default_path = "/org/freedesktop/Notifications"
)]
trait Notifications {
    fn get_capabilities(&self) -> zbus::Result<Vec<String>>;
    #[allow(clippy::too_many_arguments)]
    fn notify(
        &self,
        app_name: &str,
        replaces_id: u32,
        app_icon: &str,
        summary: &str,
        body: &str,
        actions: &[&str],
        hints: HashMap<&str, Value<'_>>,
        expire_timeout: i32,
    ) -> zbus::Result<u32>;
    fn close_notification(&self, id: u32) -> zbus::Result<()>;
    #[zbus(signal)]
    fn action_invoked(&self, id: u32, action_key: String) -> zbus::Result<()>;
    #[zbus(signal)]
    fn notification_closed(&self, id: u32, reason: u32) -> zbus::Result<()>;
}

/// Notifications on the screen at once, at most: a flood of calls is not a flood of these.
const AT_MOST: usize = 8;

pub async fn run(session: Connection, mut shown: watch::Receiver<Shown>, tell: Tell) {
    if let Err(error) = serve(&session, &mut shown, &tell).await {
        tracing::info!(%error, "there are no notifications");
    }
}

async fn serve(session: &Connection, shown: &mut watch::Receiver<Shown>, tell: &Tell) -> zbus::Result<()> {
    let server = NotificationsProxy::new(session).await?;
    let mut invoked = server.receive_action_invoked().await?;
    let mut closed = server.receive_notification_closed().await?;
    let mut open = Open::default();
    loop {
        // In this order: what the user has put away is not shown anew by what is told later.
        tokio::select! {
            biased;
            Some(signal) = closed.next() => {
                if let Ok(args) = signal.args() {
                    open.put_away(args.id);
                }
            }
            Some(signal) = invoked.next() => {
                if let Ok(args) = signal.args()
                    && let Some(ask) = open.ask(args.id, &args.action_key)
                {
                    tell(Told::Ask(ask));
                }
            }
            changed = shown.changed() => {
                if changed.is_err() {
                    open.settle(&server, &[]).await;
                    return Ok(());
                }
                let wanted = shown.borrow_and_update().notices.clone();
                open.settle(&server, &wanted).await;
            }
        }
    }
}

/// What was shown, by its key. One that the user put away (or that could not be shown) stays known, without an id, so
/// that it does not come again.
#[derive(Default)]
struct Open(BTreeMap<u64, (Option<u32>, Notice)>);

impl Open {
    async fn settle(&mut self, server: &NotificationsProxy<'_>, wanted: &[Notice]) {
        let wanted = &wanted[..wanted.len().min(AT_MOST)];
        let gone: Vec<u64> =
            self.0.keys().copied().filter(|key| !wanted.iter().any(|notice| notice.key == *key)).collect();
        for key in gone {
            if let Some((Some(id), _)) = self.0.remove(&key)
                && let Err(error) = server.close_notification(id).await
            {
                tracing::debug!(%error, "a notification was gone already");
            }
        }
        for notice in wanted {
            let id = match self.0.get(&notice.key) {
                Some((None, _)) => continue,
                Some((Some(_), before)) if before == notice => continue,
                Some((Some(id), _)) => *id,
                None => 0,
            };
            let shown = show(server, id, notice).await;
            let shown = shown.inspect_err(|error| tracing::info!(%error, "a notification was not shown")).ok();
            self.0.insert(notice.key, (shown, notice.clone()));
        }
    }

    fn ask(&self, id: u32, action: &str) -> Option<Ask> {
        let (_, notice) = self.0.values().find(|(shown, _)| *shown == Some(id))?;
        match action {
            CLICK => Some(notice.click),
            button => notice.buttons.get(button.parse::<usize>().ok()?).map(|(_, ask)| *ask),
        }
    }

    fn put_away(&mut self, id: u32) {
        if let Some((shown, _)) = self.0.values_mut().find(|(shown, _)| *shown == Some(id)) {
            *shown = None;
        }
    }
}

/// The action of a click on the notification itself.
const CLICK: &str = "default";

async fn show(server: &NotificationsProxy<'_>, id: u32, notice: &Notice) -> zbus::Result<u32> {
    // Asked each time: the server may be another one than before.
    let can = server.get_capabilities().await?;
    let can = |what: &str| can.iter().any(|capability| capability == what);
    let body = if can("body-markup") { escaped(&notice.body) } else { notice.body.clone() };
    let keys: Vec<String> = (0..notice.buttons.len()).map(|at| at.to_string()).collect();
    let mut actions = vec![CLICK, ""];
    for (key, (label, _)) in keys.iter().zip(&notice.buttons) {
        actions.extend([key.as_str(), label.as_str()]);
    }
    if !can("actions") {
        actions.clear();
    }
    let hints = HashMap::from([
        ("desktop-entry", Value::from(ID)),
        ("category", Value::from(format!("call.{}", if notice.ringing { "incoming" } else { "unanswered" }))),
        // The system's own "do not disturb" lets critical ones through; a call is none of those.
        ("urgency", Value::from(1u8)),
        // Hatif rings by itself.
        ("suppress-sound", Value::from(true)),
    ]);
    // 0: until it is closed.
    server.notify("Hatif", id, ID, &notice.title, &body, &actions, hints, 0).await
}

/// Text as it stands, where the server reads markup.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_of_a_stranger_is_text() {
        assert_eq!(escaped("<b>&amp;</b>"), "&lt;b&gt;&amp;amp;&lt;/b&gt;");
    }

    #[test]
    fn only_what_is_shown_can_be_pressed() {
        let notice = |key| Notice {
            key,
            title: String::new(),
            body: String::new(),
            buttons: vec![(String::new(), Ask::Answer(7)), (String::new(), Ask::Decline(7))],
            click: Ask::Open,
            ringing: true,
        };
        let mut open = Open::default();
        open.0.insert(1, (Some(40), notice(1)));
        open.0.insert(2, (None, notice(2)));
        assert_eq!(open.ask(40, "0"), Some(Ask::Answer(7)));
        assert_eq!(open.ask(40, "default"), Some(Ask::Open));
        for (id, action) in [(40, "2"), (40, "-1"), (40, ""), (40, "answer"), (41, "0"), (0, "0")] {
            assert_eq!(open.ask(id, action), None, "{id} {action}");
        }
        open.put_away(40);
        assert_eq!(open.ask(40, "0"), None);
    }
}
