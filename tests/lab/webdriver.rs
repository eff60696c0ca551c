//! The real window, driven as a person would drive it: WebKitWebDriver (W3C WebDriver) starts the application and
//! clicks in its page.

use crate::{
    DEADLINE, ports,
    process::{Process, eventually, words},
};
use base64::prelude::*;
use serde_json::{Value, json};
use std::{fs, path::Path};

/// The driver answers everything within this; starting the application takes longest.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(30);
/// The key of an element reference in WebDriver's JSON.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

pub struct Window {
    session: String,
    /// The driver's and, unless it was given another, the application's; gone with the window.
    _folder: tempfile::TempDir,
    // Ends last: it holds the application.
    driver: Process,
}

impl Window {
    /// Starts `application` with fresh data, in `language` (`en`, `ar`, `fa`).
    pub fn open(application: &Path, language: &str) -> Window {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let data = folder.path().join("data");
        Window::start(application, language, folder, &[("HATIF_DATA", &data.display().to_string())])
    }

    /// Starts it as users have it: with the data where the system keeps them (below `share`), one at a time.
    pub fn open_first(application: &Path, language: &str, share: &Path) -> Window {
        let share = share.display().to_string();
        Window::start(
            application,
            language,
            tempfile::tempdir().expect("a temporary folder"),
            &[("XDG_DATA_HOME", &share)],
        )
    }

    /// Starts it with the data in `data`, and with more in its environment.
    pub fn open_on(application: &Path, language: &str, data: &Path, more: &[(&str, &str)]) -> Window {
        let data = data.display().to_string();
        let more = [&[("HATIF_DATA", data.as_str())], more].concat();
        Window::start(application, language, tempfile::tempdir().expect("a temporary folder"), &more)
    }

    fn start(application: &Path, language: &str, folder: tempfile::TempDir, more: &[(&str, &str)]) -> Window {
        let port = ports::free(1);
        let locale = locale(language);
        let mut environment = vec![
            // Without it WebKit lets nobody drive the page (`tauri-driver` sets the same).
            ("TAURI_WEBVIEW_AUTOMATION", "true".to_owned()),
            ("LANG", locale.clone()),
            ("LC_ALL", locale.clone()),
            ("LANGUAGE", locale),
        ];
        environment.extend(more.iter().map(|(name, value)| (*name, (*value).to_owned())));
        let arguments = words(["WebKitWebDriver", &format!("--port={port}")]);
        let driver = Process::start_with("WebKitWebDriver", folder.path(), &arguments, &environment);
        let server = format!("http://127.0.0.1:{port}");
        eventually("WebKitWebDriver answers", DEADLINE, || request("GET", &format!("{server}/status"), None).ok());
        let capabilities = json!({ "capabilities": { "alwaysMatch": {
            "webkitgtk:browserOptions": { "binary": application, "args": [] },
        } } });
        let made = request("POST", &format!("{server}/session"), Some(capabilities));
        let made = made.unwrap_or_else(|error| panic!("no session: {error}\n{}", driver.output()));
        let id = made["sessionId"].as_str().expect("a session has an id");
        Window { session: format!("{server}/session/{id}"), _folder: folder, driver }
    }

    /// The processes of the application by name; the page's own is `WebKitWebProcess`.
    pub fn processes(&self, name: &str) -> Vec<u32> {
        self.members().into_iter().filter(|(_, own)| own == name).map(|(id, _)| id).collect()
    }

    /// The driver and everything that it started, by id and name.
    pub fn members(&self) -> Vec<(u32, String)> {
        self.driver.members()
    }

    /// What the driver and the application have printed.
    pub fn output(&self) -> String {
        self.driver.output()
    }

    /// Waits for an element that is there and shown.
    fn find(&self, css: &str) -> String {
        eventually(&format!("{css} is shown"), DEADLINE, || {
            let body = json!({ "using": "css selector", "value": css });
            let found = self.ask("POST", "/element", Some(body)).ok()?;
            let id = found[ELEMENT].as_str()?.to_owned();
            let shown = self.ask("GET", &format!("/element/{id}/displayed"), None).ok()?;
            (shown == true).then_some(id)
        })
    }

    /// Types into an element as a keyboard would.
    pub fn type_into(&self, css: &str, keys: &str) {
        let id = self.find(css);
        let typed = self.ask("POST", &format!("/element/{id}/value"), Some(json!({ "text": keys })));
        typed.unwrap_or_else(|error| panic!("{css}: {error}"));
    }

    /// Gives a file to a page's place to choose one, as the system's dialog would; it may be hidden behind a button.
    pub fn choose_file(&self, css: &str, file: &Path) {
        let found = self.ask("POST", "/element", Some(json!({ "using": "css selector", "value": css })));
        let id = found.unwrap_or_else(|error| panic!("{css}: {error}"))[ELEMENT].clone();
        let path = json!({ "text": file.display().to_string() });
        let chosen = self.ask("POST", &format!("/element/{}/value", id.as_str().unwrap_or_default()), Some(path));
        chosen.unwrap_or_else(|error| panic!("{css}: {error}"));
    }

    /// Presses these keys one after the other and lets go of them the other way round: `["Control", "Shift", "a"]`. They
    /// go to whatever has the focus.
    pub fn press(&self, keys: &[&str]) {
        let codes: Vec<&str> = keys.iter().map(|key| code(key)).collect();
        let step = |kind: &str, value: &str| json!({ "type": kind, "value": value });
        let down = codes.iter().map(|code| step("keyDown", code));
        let up = codes.iter().rev().map(|code| step("keyUp", code));
        let steps: Vec<Value> = down.chain(up).collect();
        let body = json!({ "actions": [{ "type": "key", "id": "keyboard", "actions": steps }] });
        self.ask("POST", "/actions", Some(body)).unwrap_or_else(|error| panic!("{keys:?}: {error}"));
    }

    /// Types a text, key by key, into whatever has the focus.
    pub fn write(&self, text: &str) {
        for letter in text.chars() {
            self.press(&[&letter.to_string()]);
        }
    }

    pub fn click(&self, css: &str) {
        eventually(&format!("{css} is clicked"), DEADLINE, || {
            let id = self.find(css);
            self.ask("POST", &format!("/element/{id}/click"), Some(json!({}))).ok()
        });
    }

    /// What a person reads in an element.
    pub fn text(&self, css: &str) -> String {
        let id = self.find(css);
        let text = self.ask("GET", &format!("/element/{id}/text"), None);
        text.ok().and_then(|text| text.as_str().map(str::to_owned)).unwrap_or_default()
    }

    /// Waits until what a person reads in an element passes `good`.
    pub fn wait_text(&self, css: &str, good: impl Fn(&str) -> bool) -> String {
        eventually(&format!("the text of {css}"), DEADLINE, || Some(self.text(css)).filter(|text| good(text)))
    }

    /// Waits until a field holds this text.
    pub fn wait_value(&self, css: &str, text: &str) {
        let script = format!("return document.querySelector({})?.value", json!(css));
        eventually(&format!("{css} holds {text}"), DEADLINE, || (self.script(&script) == text).then_some(()));
    }

    pub fn wait_gone(&self, css: &str) {
        eventually(&format!("{css} is gone"), DEADLINE, || {
            let found = self.ask("POST", "/elements", Some(json!({ "using": "css selector", "value": css }))).ok()?;
            found.as_array()?.is_empty().then_some(())
        });
    }

    pub fn script(&self, script: &str) -> Value {
        let body = json!({ "script": script, "args": [] });
        self.ask("POST", "/execute/sync", Some(body)).unwrap_or_else(|error| panic!("{script}: {error}"))
    }

    /// Keeps a picture of the page under `target/screenshots`.
    pub fn screenshot(&self, name: &str) {
        let picture = self.ask("GET", "/screenshot", None).expect("the page can be pictured");
        let bytes = BASE64_STANDARD.decode(picture.as_str().unwrap_or_default()).expect("a picture in base64");
        let folder = crate::lab_dir().with_file_name("screenshots");
        fs::create_dir_all(&folder)
            .and_then(|()| fs::write(folder.join(format!("{name}.png")), bytes))
            .expect("a file");
    }

    /// As `script`; nothing while there is no page to run it.
    pub fn try_script(&self, script: &str) -> Option<Value> {
        self.ask("POST", "/execute/sync", Some(json!({ "script": script, "args": [] }))).ok()
    }

    fn ask(&self, method: &str, path: &str, body: Option<Value>) -> Result<Value, String> {
        request(method, &format!("{}{path}", self.session), body)
    }
}

impl Drop for Window {
    fn drop(&mut self) {
        let _ = self.ask("DELETE", "", None);
    }
}

/// A key as WebDriver writes it.
fn code(key: &str) -> &str {
    match key {
        "Enter" => "\u{e007}",
        "Shift" => "\u{e008}",
        "Control" => "\u{e009}",
        "Escape" => "\u{e00c}",
        "Tab" => "\u{e004}",
        letter => letter,
    }
}

/// The locale that asks for a language; its country does not matter.
pub fn locale(language: &str) -> String {
    format!("{language}_{}.UTF-8", if language == "fa" { "IR" } else { "EG" })
}

fn request(method: &str, url: &str, body: Option<Value>) -> Result<Value, String> {
    let agent: ureq::Agent =
        ureq::Agent::config_builder().http_status_as_error(false).timeout_global(Some(PATIENCE)).build().into();
    let answer = match (method, body) {
        ("GET", _) => agent.get(url).call(),
        ("DELETE", _) => agent.delete(url).call(),
        (_, body) => agent.post(url).send_json(body.unwrap_or(json!({}))),
    };
    let mut answer = answer.map_err(|error| error.to_string())?;
    let status = answer.status();
    let value: Value = answer.body_mut().read_json().map_err(|error| error.to_string())?;
    if status.is_success() { Ok(value["value"].clone()) } else { Err(value["value"].to_string()) }
}
