//! The settings: one typed structure, in three layers.
//!
//! ```text
//! administrator's locked values  >  what the user chose  >  administrator's defaults  >  Hatif's defaults
//! ```
//!
//! Every layer but Hatif's own is rows, key to JSON: a row that makes no sense spoils nothing but itself, and a setting
//! that is new needs no migration. [`Settings`] is what comes of them, and all that the rest of the application sees.

use crate::{
    audio::{DeviceChoice, SoundSettings},
    desktop::DesktopSettings,
    ids::AccountId,
    recording::{RecordingPolicy, RecordingRules},
    text::Text,
};
use serde::{Deserialize, Serialize};
use specta::Type;
use std::collections::BTreeMap;

/// Settings by key (a field of [`Settings`]), each value as JSON.
pub type Rows = BTreeMap<String, String>;

/// How it should look.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, Type)]
#[serde(rename_all = "snake_case")]
pub enum Theme {
    #[default]
    System,
    Light,
    Dark,
}

/// Stronger borders and colours.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, Type)]
#[serde(rename_all = "snake_case")]
pub enum Contrast {
    #[default]
    System,
    More,
}

/// Moving parts of the window.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, Type)]
#[serde(rename_all = "snake_case")]
pub enum Motion {
    #[default]
    System,
    None,
}

/// The digits that times, dates and counts are written with. Phone numbers are always 0-9.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, Type)]
#[serde(rename_all = "snake_case")]
pub enum Numerals {
    /// The language's own.
    #[default]
    Language,
    /// 0-9
    Latin,
    /// ٠-٩
    Arabic,
    /// ۰-۹
    Persian,
}

/// The calendar that dates are written in.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, Type)]
#[serde(rename_all = "snake_case")]
pub enum Calendar {
    /// The language's own: Solar Hijri in Persian.
    Language,
    #[default]
    Gregorian,
    /// Solar Hijri.
    Persian,
    /// Umm al-Qura.
    Islamic,
}

/// What the user chose. Every field has a default that works.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, Type)]
#[serde(default)]
pub struct Settings {
    /// `en`, `ar`, `fa`; `null` follows the system.
    pub language: Option<String>,
    pub theme: Theme,
    pub contrast: Contrast,
    pub motion: Motion,
    /// Size of the text in percent, [`TEXT_SIZE`].
    pub text_size: u16,
    pub numerals: Numerals,
    pub calendar: Calendar,
    /// Chosen by `SelectDevice`, not by `ChangeSettings`.
    pub devices: DeviceChoice,
    pub sound: SoundSettings,
    pub desktop: DesktopSettings,
    /// The buttons and lamps of USB headsets.
    pub headset_buttons: bool,
    /// Which calls are recorded.
    pub recording: RecordingPolicy,
    /// After each answered call it is asked what came of it.
    pub wrap_up: bool,
    pub recording_rules: RecordingRules,
    /// The account that calls go out on, when none is named.
    pub default_account: Option<AccountId>,
    /// The first-run page was finished.
    pub welcomed: bool,
}

/// The smallest and the largest [`Settings::text_size`].
pub const TEXT_SIZE: (u16, u16) = (80, 200);

impl Default for Settings {
    fn default() -> Self {
        Settings {
            language: None,
            theme: Theme::default(),
            contrast: Contrast::default(),
            motion: Motion::default(),
            text_size: 100,
            numerals: Numerals::default(),
            calendar: Calendar::default(),
            devices: DeviceChoice::default(),
            sound: SoundSettings::default(),
            desktop: DesktopSettings::default(),
            headset_buttons: true,
            recording: RecordingPolicy::default(),
            wrap_up: false,
            recording_rules: RecordingRules::default(),
            default_account: None,
            welcomed: false,
        }
    }
}

impl Settings {
    /// Whether every value is in its range; the first that is not, in words.
    pub fn check(&self) -> Result<(), Text> {
        let (low, high) = TEXT_SIZE;
        let range = |key: &str, low: String, high: String| {
            Err(Text::new("settings.out_of_range").with("setting", key).with("low", low).with("high", high))
        };
        if !(low..=high).contains(&self.text_size) {
            return range("text_size", low.to_string(), high.to_string());
        }
        if !self.sound.is_in_range() {
            return range("sound", "0".into(), "100".into());
        }
        if !self.recording_rules.is_in_range() {
            return range("recording_rules", "0".into(), "36500".into());
        }
        if !self.desktop.is_in_range() {
            return Err(Text::new("settings.bad_value").with("setting", "desktop"));
        }
        if self.language.as_ref().is_some_and(|tag| !is_tag(tag)) {
            return Err(Text::new("settings.bad_value").with("setting", "language"));
        }
        Ok(())
    }

    /// Each field with its value as JSON.
    fn rows(&self) -> Rows {
        match serde_json::to_value(self) {
            Ok(serde_json::Value::Object(fields)) => fields.into_iter().map(|(k, v)| (k, v.to_string())).collect(),
            // A structure of plain fields is always an object.
            _ => Rows::new(),
        }
    }

    /// These settings with one row laid over them; `None` if the row makes no sense (or is of a newer version).
    fn with(&self, key: &str, json: &str) -> Option<Settings> {
        let mut fields = serde_json::to_value(self).ok()?;
        *fields.get_mut(key)? = serde_json::from_str(json).ok()?;
        let settings: Settings = serde_json::from_value(fields).ok()?;
        settings.check().ok().map(|()| settings)
    }
}

/// A language tag as far as Hatif uses them: `en`, `pt-BR`.
fn is_tag(tag: &str) -> bool {
    (2..=12).contains(&tag.len()) && tag.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
}

/// Whether the row is a setting that this version can read.
pub fn readable(key: &str, json: &str) -> bool {
    Settings::default().with(key, json).is_some()
}

/// Whether this version has such a setting.
pub fn is_key(key: &str) -> bool {
    Settings::default().rows().contains_key(key)
}

/// Where a setting's value comes from; one that is in no list has Hatif's default.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, Type)]
#[serde(rename_all = "snake_case")]
pub enum Provenance {
    User,
    /// A default that the administrator gave; the user may change it.
    Administrator,
    /// The administrator's; the user can't change it.
    Locked,
}

/// What the administrator says, from a file that users can't write.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Policy {
    pub defaults: Rows,
    pub locked: Rows,
}

impl Policy {
    /// Reads `{"defaults": {…}, "locked": {…}}`, fields of [`Settings`] in each. Rows that make no sense are left out
    /// and named; `Err` when the text is no such object at all.
    pub fn parse(text: &str) -> Result<(Policy, Vec<String>), Text> {
        let bad = |_| Text::new("settings.bad_policy");
        let mut layers: BTreeMap<String, BTreeMap<String, serde_json::Value>> =
            serde_json::from_str(text).map_err(bad)?;
        let mut unreadable = Vec::new();
        let mut layer = |name| {
            let rows = layers.remove(name).unwrap_or_default().into_iter().map(|(key, value)| (key, value.to_string()));
            let (good, wrong): (Rows, Rows) = rows.partition(|(key, json)| readable(key, json));
            unreadable.extend(wrong.into_keys());
            good
        };
        let policy = Policy { defaults: layer("defaults"), locked: layer("locked") };
        unreadable.extend(layers.into_keys());
        Ok((policy, unreadable))
    }
}

/// The layers and what comes of them.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Layers {
    user: Rows,
    policy: Policy,
    effective: Settings,
}

impl Layers {
    /// Rows that make no sense count for nothing.
    pub fn new(user: Rows, policy: Policy) -> Self {
        let mut layers = Layers { user, policy, effective: Settings::default() };
        layers.settle();
        layers
    }

    pub fn settings(&self) -> &Settings {
        &self.effective
    }

    /// What the user chose, to be kept.
    pub fn user(&self) -> &Rows {
        &self.user
    }

    pub fn provenance(&self) -> BTreeMap<String, Provenance> {
        let layer = |rows: &Rows, of| rows.keys().map(|key| (key.clone(), of)).collect::<Vec<_>>();
        let mut all = BTreeMap::new();
        all.extend(layer(&self.policy.defaults, Provenance::Administrator));
        all.extend(layer(&self.user, Provenance::User));
        all.extend(layer(&self.policy.locked, Provenance::Locked));
        all
    }

    /// The user's new choice: every field that differs from what is in force. All or nothing.
    pub fn change(&mut self, new: &Settings) -> Result<(), Text> {
        new.check()?;
        let before = self.effective.rows();
        let changed: Rows = new.rows().into_iter().filter(|(key, json)| before.get(key) != Some(json)).collect();
        if let Some(key) = changed.keys().find(|key| self.policy.locked.contains_key(*key)) {
            return Err(Text::new("settings.locked").with("setting", key));
        }
        self.user.extend(changed);
        self.settle();
        Ok(())
    }

    /// The setting goes back to its default, the administrator's or Hatif's.
    pub fn reset(&mut self, key: &str) {
        self.user.remove(key);
        self.settle();
    }

    fn settle(&mut self) {
        let mut settings = Settings::default();
        for (key, json) in [&self.policy.defaults, &self.user, &self.policy.locked].into_iter().flatten() {
            if let Some(with) = settings.with(key, json) {
                settings = with;
            }
        }
        self.effective = settings;
    }

    /// The user's settings as a file for another laptop; devices and accounts stay behind.
    pub fn export(&self) -> String {
        let values: BTreeMap<&str, serde_json::Value> = self
            .user
            .iter()
            .filter(|(key, _)| !STAY_BEHIND.contains(&key.as_str()))
            .filter_map(|(key, json)| Some((key.as_str(), serde_json::from_str(json).ok()?)))
            .collect();
        let file = serde_json::json!({ "hatif_settings": 1, "settings": values });
        serde_json::to_string_pretty(&file).unwrap_or_default()
    }

    /// Takes over what such a file says. Returns what was left out: unknown, senseless or locked. `Err`: no such file.
    pub fn import(&mut self, text: &str) -> Result<Vec<String>, Text> {
        #[derive(Deserialize)]
        struct File {
            hatif_settings: u32,
            settings: BTreeMap<String, serde_json::Value>,
        }
        let file: File = serde_json::from_str(text).map_err(|_| Text::new("settings.bad_file"))?;
        if file.hatif_settings != 1 {
            return Err(Text::new("settings.bad_file"));
        }
        let mut left_out = Vec::new();
        for (key, value) in file.settings {
            let json = value.to_string();
            let stays = STAY_BEHIND.contains(&key.as_str()) || self.policy.locked.contains_key(&key);
            if stays || !readable(&key, &json) {
                left_out.push(key);
            } else {
                self.user.insert(key, json);
            }
        }
        self.settle();
        Ok(left_out)
    }
}

/// Settings that mean nothing on another laptop.
const STAY_BEHIND: &[&str] = &["devices", "default_account", "welcomed"];

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn rows(of: &[(&str, &str)]) -> Rows {
        of.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()
    }

    #[test]
    fn layers_lie_over_each_other() {
        let (policy, bad) = Policy::parse(
            r#"{"defaults": {"language": "fa", "theme": "dark", "plaid": 1}, "locked": {"text_size": 120, "motion": 7}}"#,
        )
        .unwrap();
        assert_eq!(bad, ["plaid", "motion"]);
        let user = rows(&[("theme", "\"light\""), ("text_size", "90"), ("numerals", "\"roman\"")]);
        let mut layers = Layers::new(user, policy);
        let settings = layers.settings().clone();
        assert_eq!((settings.language.as_deref(), settings.theme, settings.text_size), (Some("fa"), Theme::Light, 120));
        assert_eq!(settings.numerals, Numerals::Language);
        let provenance = layers.provenance();
        assert_eq!(provenance["language"], Provenance::Administrator);
        assert_eq!(provenance["theme"], Provenance::User);
        assert_eq!(provenance["text_size"], Provenance::Locked);
        assert!(!provenance.contains_key("contrast"));

        let refused = layers.change(&Settings { text_size: 100, theme: Theme::Dark, ..settings.clone() });
        assert_eq!(refused, Err(Text::new("settings.locked").with("setting", "text_size")));
        assert_eq!(layers.settings(), &settings, "all or nothing");

        // Back to Hatif's own default, over the administrator's: that is a choice, too, and is kept.
        layers.change(&Settings { theme: Theme::System, ..settings.clone() }).unwrap();
        assert_eq!(Layers::new(layers.user().clone(), layers.policy.clone()).settings().theme, Theme::System);
        layers.reset("theme");
        assert_eq!(layers.settings().theme, Theme::Dark);
    }

    #[test]
    fn values_are_checked() {
        let mut layers = Layers::default();
        for text_size in [0, 79, 201] {
            let error = layers.change(&Settings { text_size, ..Settings::default() }).unwrap_err();
            assert_eq!((error.code, error.params["setting"].as_str()), ("settings.out_of_range", "text_size"));
        }
        let tag = Settings { language: Some("../etc".into()), ..Settings::default() };
        assert_eq!(layers.change(&tag).unwrap_err().code, "settings.bad_value");
        assert_eq!(layers, Layers::default());
    }

    #[test]
    fn a_file_goes_to_another_laptop() {
        let mut here = Layers::default();
        let chosen = Settings {
            theme: Theme::Dark,
            numerals: Numerals::Persian,
            welcomed: true,
            default_account: Some(AccountId(3)),
            ..Settings::default()
        };
        here.change(&chosen).unwrap();
        let mut there = Layers::default();
        assert_eq!(there.import(&here.export()), Ok(vec![]));
        let expected = Settings { theme: Theme::Dark, numerals: Numerals::Persian, ..Settings::default() };
        assert_eq!(there.settings(), &expected);

        let file =
            r#"{"hatif_settings": 1, "settings": {"theme": "plaid", "motion": "none", "welcomed": true, "x": 1}}"#;
        assert_eq!(there.import(file), Ok(vec!["theme".into(), "welcomed".into(), "x".into()]));
        assert_eq!(there.settings(), &Settings { motion: Motion::None, ..expected });
        for broken in ["", "[]", "{}", r#"{"hatif_settings": 2, "settings": {}}"#] {
            assert_eq!(there.import(broken).unwrap_err().code, "settings.bad_file");
        }
    }

    #[test]
    fn the_administrators_guide_names_every_setting() {
        let guide = include_str!("../../../docs/admin.md");
        for key in
            Settings::default().rows().keys().filter(|key| !["devices", "default_account"].contains(&key.as_str()))
        {
            assert!(guide.contains(&format!("| `{key}` |")), "{key}");
        }
    }

    proptest! {
        #[test]
        fn no_row_and_no_file_spoils_more_than_itself(key in "[a-z_]{0,12}", json in "\\PC{0,20}") {
            let user = rows(&[("theme", "\"dark\""), (&key, &json)]);
            let layers = Layers::new(user, Policy::default());
            prop_assert!(key == "theme" || layers.settings().theme == Theme::Dark);
            let _ = Policy::parse(&json);
            let _ = Layers::default().import(&json);
        }
    }
}
