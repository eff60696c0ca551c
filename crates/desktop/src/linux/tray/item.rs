//! The item itself: icon, tip, whether it wants to be looked at.

use super::MENU;
use crate::{Ask, ID, Line, Shown, Told, icon::Picture, linux::Tell};
use zbus::{
    interface,
    object_server::SignalEmitter,
    zvariant::{ObjectPath, OwnedObjectPath},
};

/// Width, height, pixels (ARGB, network byte order).
type Pixmap = (i32, i32, Vec<u8>);

pub struct Item {
    picture: Picture,
    line: Line,
    tip: String,
    unseen: u32,
    tell: Tell,
}

impl Item {
    pub fn new(picture: Picture, tell: Tell) -> Item {
        Item { picture, line: Line::Off, tip: String::new(), unseen: 0, tell }
    }

    /// Takes over what is new, and says so.
    pub async fn show(&mut self, new: &Shown, emitter: &SignalEmitter<'_>) -> zbus::Result<()> {
        let attention = self.attention();
        let (icon, tip) = (self.line != new.line, self.tip != new.tip);
        (self.line, self.unseen) = (new.line, new.unseen);
        self.tip.clone_from(&new.tip);
        if icon {
            Self::new_icon(emitter).await?;
        }
        if tip {
            Self::new_tool_tip(emitter).await?;
        }
        if attention != self.attention() {
            Self::new_status(emitter, self.status()).await?;
        }
        Ok(())
    }

    fn attention(&self) -> bool {
        self.line == Line::Ringing || self.unseen > 0
    }

    fn pixmap(&self) -> Vec<Pixmap> {
        let marked = self.picture.marked(self.line);
        let side = i32::try_from(marked.side()).unwrap_or(0);
        vec![(side, side, marked.argb())]
    }
}

#[interface(name = "org.kde.StatusNotifierItem")]
impl Item {
    /// The click with the main button.
    fn activate(&self, _x: i32, _y: i32) {
        (self.tell)(Told::Ask(Ask::Open));
    }

    fn secondary_activate(&self, _x: i32, _y: i32) {
        (self.tell)(Told::Ask(Ask::Open));
    }

    #[zbus(property)]
    fn category(&self) -> &str {
        "Communications"
    }

    #[zbus(property)]
    fn id(&self) -> &str {
        ID
    }

    #[zbus(property)]
    fn title(&self) -> &str {
        "Hatif"
    }

    #[zbus(property)]
    fn status(&self) -> &str {
        if self.attention() { "NeedsAttention" } else { "Active" }
    }

    #[zbus(property)]
    fn window_id(&self) -> u32 {
        0
    }

    #[zbus(property)]
    fn icon_name(&self) -> &str {
        ""
    }

    #[zbus(property)]
    fn icon_pixmap(&self) -> Vec<Pixmap> {
        self.pixmap()
    }

    #[zbus(property)]
    fn attention_icon_name(&self) -> &str {
        ""
    }

    #[zbus(property)]
    fn attention_icon_pixmap(&self) -> Vec<Pixmap> {
        self.pixmap()
    }

    #[zbus(property)]
    fn tool_tip(&self) -> (String, Vec<Pixmap>, String, String) {
        // Some hosts read markup in the last of these, none in the title.
        (String::new(), Vec::new(), self.tip.clone(), String::new())
    }

    #[zbus(property)]
    fn item_is_menu(&self) -> bool {
        false
    }

    #[zbus(property)]
    fn menu(&self) -> OwnedObjectPath {
        ObjectPath::from_static_str_unchecked(MENU).into()
    }

    #[zbus(signal)]
    async fn new_icon(emitter: &SignalEmitter<'_>) -> zbus::Result<()>;

    #[zbus(signal)]
    async fn new_tool_tip(emitter: &SignalEmitter<'_>) -> zbus::Result<()>;

    #[zbus(signal)]
    async fn new_status(emitter: &SignalEmitter<'_>, status: &str) -> zbus::Result<()>;
}
