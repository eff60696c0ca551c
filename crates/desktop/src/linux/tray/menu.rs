//! The item's menu, flat: entry `n` of [`Shown::menu`](crate::Shown) is the item `n + 1` below the root 0. An id that was
//! read before the menu changed names no item any more than by chance, so each change counts the ids on.

use crate::{Entry, Told, linux::Tell};
use std::collections::HashMap;
use zbus::{fdo, interface, object_server::SignalEmitter, zvariant::Value};

type Properties = HashMap<String, Value<'static>>;
/// Id, properties, children (each a variant of the same).
type Layout = (i32, Properties, Vec<Value<'static>>);

pub struct Menu {
    entries: Vec<Entry>,
    revision: u32,
    /// The id of the first entry.
    first: i32,
    tell: Tell,
}

impl Menu {
    pub fn new(tell: Tell) -> Menu {
        Menu { entries: Vec::new(), revision: 1, first: 1, tell }
    }

    /// Takes over the entries; the new revision if they are new.
    pub fn show(&mut self, entries: Vec<Entry>) -> Option<u32> {
        if entries == self.entries {
            return None;
        }
        // A click on "hang up" that was on its way must not hit what has taken its place.
        let used = i32::try_from(self.entries.len()).unwrap_or(0);
        self.first = self.first.checked_add(used).filter(|id| *id < i32::MAX / 2).unwrap_or(1);
        self.entries = entries;
        self.revision = self.revision.wrapping_add(1);
        Some(self.revision)
    }

    fn entry(&self, id: i32) -> Option<&Entry> {
        self.entries.get(usize::try_from(id.checked_sub(self.first)?).ok()?)
    }

    fn items(&self) -> impl Iterator<Item = (i32, &Entry)> {
        (self.first..).zip(&self.entries)
    }

    fn properties_of(&self, id: i32) -> Option<Properties> {
        if id == 0 {
            return Some(HashMap::from([("children-display".to_owned(), Value::from("submenu"))]));
        }
        self.entry(id).map(properties)
    }

    fn clicked(&self, id: i32) {
        if let Some(Entry::Item { ask, .. }) = self.entry(id) {
            (self.tell)(Told::Ask(*ask));
        }
    }
}

fn properties(entry: &Entry) -> Properties {
    let mut all = Properties::new();
    match entry {
        Entry::Separator => {
            all.insert("type".into(), "separator".into());
        }
        Entry::Item { label, ticked, .. } => {
            // An underline would make the next letter a key.
            all.insert("label".into(), label.replace('_', "__").into());
            if let Some(ticked) = ticked {
                all.insert("toggle-type".into(), "checkmark".into());
                all.insert("toggle-state".into(), i32::from(*ticked).into());
            }
        }
    }
    all
}

#[interface(name = "com.canonical.dbusmenu")]
impl Menu {
    #[zbus(property)]
    fn version(&self) -> u32 {
        3
    }

    #[zbus(property)]
    fn status(&self) -> &str {
        "normal"
    }

    #[zbus(property)]
    fn text_direction(&self) -> &str {
        "ltr"
    }

    fn get_layout(&self, parent_id: i32, depth: i32, _names: Vec<String>) -> fdo::Result<(u32, Layout)> {
        let properties = self.properties_of(parent_id).ok_or_else(|| unknown(parent_id))?;
        let mut children = Vec::new();
        if parent_id == 0 && depth != 0 {
            let of = |(id, entry)| Value::from((id, self::properties(entry), Vec::<Value<'static>>::new()));
            children.extend(self.items().map(of));
        }
        Ok((self.revision, (parent_id, properties, children)))
    }

    /// All of them when none is named.
    fn get_group_properties(&self, ids: Vec<i32>, _names: Vec<String>) -> Vec<(i32, Properties)> {
        let all = std::iter::once(0).chain(self.items().map(|(id, _)| id));
        let wanted = all.filter(|id| ids.is_empty() || ids.contains(id));
        wanted.filter_map(|id| Some((id, self.properties_of(id)?))).collect()
    }

    fn get_property(&self, id: i32, name: &str) -> fdo::Result<Value<'static>> {
        self.properties_of(id).and_then(|mut all| all.remove(name)).ok_or_else(|| unknown(id))
    }

    fn event(&self, id: i32, event_id: &str, _data: Value<'_>, _timestamp: u32) {
        if event_id == "clicked" {
            self.clicked(id);
        }
    }

    fn event_group(&self, events: Vec<(i32, String, Value<'_>, u32)>) -> Vec<i32> {
        let (known, unknown): (Vec<_>, Vec<_>) =
            events.into_iter().partition(|(id, ..)| self.properties_of(*id).is_some());
        for (id, event, ..) in known {
            if event == "clicked" {
                self.clicked(id);
            }
        }
        unknown.into_iter().map(|(id, ..)| id).collect()
    }

    /// Whether it must be read anew before it is shown: it never lags behind.
    fn about_to_show(&self, _id: i32) -> bool {
        false
    }

    fn about_to_show_group(&self, ids: Vec<i32>) -> (Vec<i32>, Vec<i32>) {
        (Vec::new(), ids.into_iter().filter(|id| self.properties_of(*id).is_none()).collect())
    }

    #[zbus(signal)]
    pub async fn layout_updated(emitter: &SignalEmitter<'_>, revision: u32, parent: i32) -> zbus::Result<()>;
}

fn unknown(id: i32) -> fdo::Error {
    fdo::Error::InvalidArgs(format!("there is no item {id}"))
}
