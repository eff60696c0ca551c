//! An agent's calls at a real PBX (Asterisk), in the real window and by keyboard: transfers, conference, a second call over
//! the first, forwarding. The others are Hatifs without a window, each humming its tone; what they hear is what counts.

use crate::{alone, application, survives::raw_sound, words_of};
use hatif_lab::{
    Asterisk, DEADLINE, Party,
    asterisk::{Codecs, User},
    process::{Process, eventually, words},
    sound,
    webdriver::Window,
};
use serde_json::{Value, json};
use std::path::PathBuf;

pub const AGENT: u32 = 440;
pub const CUSTOMER: u32 = 620;
pub const SENIOR: u32 = 1010;
/// What number 611 says.
pub const ELSEWHERE: u32 = 550;

/// The agent at work: a window whose account is registered, somebody who hums into its microphone.
pub struct Desk {
    pub window: Window,
    pub user: User,
    pub data: PathBuf,
    language: &'static str,
    /// The page's words, by their key.
    pub say: Box<dyn Fn(&str) -> String>,
    _voice: Process,
    _folder: tempfile::TempDir,
}

impl Desk {
    pub fn open(language: &'static str) -> Desk {
        let asterisk = Asterisk::shared();
        let folder = tempfile::tempdir().expect("a temporary folder");
        let data = folder.path().join("data");
        raw_sound(&data);
        let window = Window::open_on(&application(), language, &data, &[]);
        window.click("#look-around");
        let user = asterisk.user(Codecs::G711);
        let account = json!({
            "label": "Office", "user": user.name, "domain": asterisk.address(), "password": user.password,
        });
        tell(&window, &json!({ "command": "add_account", "account": account }));
        asterisk.wait_registered(&user);
        let hum = sound::melody(&folder.path().join("hum.wav"), &[AGENT], 400.0);
        let player = words(["pw-play", "--target", "agent_mic_in", &hum.display().to_string()]);
        let voice = Process::start("pw-play", folder.path(), &player);
        Desk { window, user, data, language, say: Box::new(words_of(language)), _voice: voice, _folder: folder }
    }

    /// What no part of these tests does by hand.
    pub fn send(&self, command: Value) {
        tell(&self.window, &command);
    }

    /// A customer calls, the agent answers by key; they talk.
    pub fn talk(&self, customer: &mut Party) -> u64 {
        let call = customer.call(&self.user.name);
        self.window.wait_text("#answer", |text| !text.is_empty());
        self.window.press(&["Control", "Shift", "a"]);
        self.window.wait_gone("#answer");
        customer.hears(&[AGENT], &[SENIOR]);
        call
    }

    /// Asks for a transfer by key and types to whom.
    fn name_target(&self, to: &str) {
        self.window.press(&["t"]);
        self.has_focus("transfer-to");
        self.window.write(to);
        self.window.wait_value("#transfer-to", to);
    }

    pub fn has_focus(&self, id: &str) {
        eventually(&format!("#{id} has the focus"), DEADLINE, || {
            (self.window.script("return document.activeElement?.id") == id).then_some(())
        });
    }

    /// The options of the account, where a person changes them.
    pub fn options(&self) {
        self.window.click("#settings");
        self.window.click("#page-accounts");
        self.window.click(".button.options");
    }

    /// Saves them and goes back to where calls are.
    pub fn save_options(&self) {
        self.window.click("#options-save");
        self.window.wait_text(".answer .good", |text| !text.is_empty());
        self.window.click("#nav-home");
    }

    /// No call is left, or is shown any more.
    pub fn rest(&self) {
        self.window.wait_gone("#hang-up");
        self.window.wait_gone("#answer");
    }

    pub fn picture(&self, name: &str) {
        self.window.screenshot(&format!("window-{name}-{}", self.language));
    }
}

fn tell(window: &Window, command: &Value) {
    window.script(&format!("window.__TAURI_INTERNALS__.invoke('send', {{ command: {command} }})"));
}

fn held(party: &Party, call: u64, mark: usize, hold: &str) {
    party.cli.wait_call_for(mark, call, "active", |state| state["hold"] == hold);
}

fn attended_transfer(desk: &Desk, customer: &mut Party, senior: &Party) {
    let call = desk.talk(customer);
    desk.name_target(&senior.user.name);
    desk.window.press(&["Enter"]);
    senior.hears(&[AGENT], &[CUSTOMER]);
    held(customer, call, 0, "remote");
    // Whom is asked is heard, and Enter connects.
    desk.window.wait_text(".consultation li:last-child.heard", |text| !text.is_empty());
    desk.window.wait_text("#connect", |text| text.contains(&(desk.say)("consult.connect")));
    desk.picture("consult");
    desk.has_focus("connect");
    desk.window.press(&["Enter"]);
    customer.hears(&[SENIOR], &[AGENT]);
    senior.hears(&[CUSTOMER], &[AGENT]);
    desk.rest();
    customer.cli.hang_up(call);
}

fn blind_transfer(desk: &Desk, customer: &mut Party, senior: &Party) {
    let call = desk.talk(customer);
    desk.name_target(&senior.user.name);
    desk.picture("transfer");
    desk.window.press(&["Shift", "Enter"]);
    customer.hears(&[SENIOR], &[AGENT]);
    senior.hears(&[CUSTOMER], &[AGENT]);
    desk.rest();
    customer.cli.hang_up(call);
}

/// The senior calls while the agent talks: the customer waits, S swaps; J makes one conversation of the two, L leaves it.
fn second_call_and_conference(desk: &Desk, customer: &mut Party, senior: &mut Party) {
    let first = desk.talk(customer);
    let mark = customer.cli.events.mark();
    let second = senior.call(&desk.user.name);
    desk.window.wait_text("#answer", |text| !text.is_empty());
    desk.picture("second-call");
    desk.window.press(&["Control", "Shift", "a"]);
    held(customer, first, mark, "remote");
    senior.hears(&[AGENT], &[CUSTOMER]);

    let (mark, others) = (customer.cli.events.mark(), senior.cli.events.mark());
    desk.window.press(&["s"]);
    held(customer, first, mark, "none");
    held(senior, second, others, "remote");
    customer.hears(&[AGENT], &[SENIOR]);

    desk.window.press(&["j"]);
    eventually("both are in it", DEADLINE, || {
        (desk.window.script("return document.querySelectorAll('.conference li').length") == 2).then_some(())
    });
    customer.hears(&[AGENT, SENIOR], &[]);
    senior.hears(&[AGENT, CUSTOMER], &[]);
    desk.picture("conference");
    desk.window.press(&["l"]);
    customer.hears(&[SENIOR], &[AGENT]);
    senior.hears(&[CUSTOMER], &[AGENT]);
    desk.rest();
    customer.cli.hang_up(first);
    senior.cli.wait_call(second, "ended");
}

/// A caller who rings is sent to somebody else, and never answered here.
fn send_on(desk: &Desk, customer: &mut Party) {
    let call = customer.call(&desk.user.name);
    desk.window.click("#send-on");
    desk.has_focus("send-on-to");
    desk.window.write("611");
    desk.window.wait_value("#send-on-to", "611");
    desk.picture("send-on");
    desk.window.press(&["Enter"]);
    customer.hears(&[ELSEWHERE], &[AGENT]);
    desk.rest();
    customer.cli.hang_up(call);
}

/// Everything to another number, switched on where a person does it; obeyed; and switched off again.
fn forwarding(desk: &Desk, customer: &mut Party) {
    desk.options();
    desk.window.click("#forward-add");
    desk.window.type_into("#forward-to-0", "611");
    desk.save_options();
    desk.window.wait_text("#forwarded", |text| text.contains("611"));
    desk.picture("forwarded");

    let call = customer.call(&desk.user.name);
    customer.hears(&[ELSEWHERE], &[AGENT]);
    customer.cli.hang_up(call);
    let listed = |event: &Value| event.as_str().is_some_and(|text| text.contains(&(desk.say)("outcome.forwarded")));
    eventually("it is in the call log", DEADLINE, || {
        listed(&desk.window.script("return document.querySelector('#recent li')?.textContent")).then_some(())
    });

    desk.options();
    desk.window.click("li .check input");
    desk.save_options();
    desk.window.wait_gone("#forwarded li");
    let call = desk.talk(customer);
    customer.cli.hang_up(call);
}

fn a_shift_of_calls(language: &'static str) {
    let _alone = alone();
    let desk = Desk::open(language);
    let (mut customer, mut senior) = (Party::there(CUSTOMER), Party::there(SENIOR));
    attended_transfer(&desk, &mut customer, &senior);
    blind_transfer(&desk, &mut customer, &senior);
    second_call_and_conference(&desk, &mut customer, &mut senior);
    send_on(&desk, &mut customer);
    forwarding(&desk, &mut customer);
}

#[test]
fn a_shift_of_calls_in_english() {
    a_shift_of_calls("en");
}

#[test]
fn a_shift_of_calls_in_arabic() {
    a_shift_of_calls("ar");
}
