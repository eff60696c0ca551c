//! What can become of a call. Each story plays one (or the two of a transfer) to its end and fails when it ends otherwise.

use crate::rig::Rig;
use hatif_lab::{kamailio::DOMAIN, sipp};
use serde_json::json;
use std::time::Duration;

pub type Story = fn(&mut Rig, &mut Chance);

pub const STORIES: &[(&str, Story)] = &[
    ("calls, acts, hangs up", calls_out),
    ("is called by Asterisk, acts, hangs up", is_called),
    ("is called by baresip, which hangs up", baresip_calls),
    ("is called by SIPp without a PBX", sipp_calls),
    ("hands on, blind", blind),
    ("hands on to nobody, gets the customer back", blind_to_nobody),
    ("asks, then connects", attended),
    ("asks, then returns to the customer", abandoned),
    ("speaks with two at once, who stay together", conference),
    ("is refused", refused),
    ("gives up before an answer", cancelled),
    ("declines", declined),
    ("sends a caller on", sent_on),
    ("follows a 302", follows_302),
    ("follows a REFER", follows_refer),
    ("the far side hangs up", hung_up_on),
];

/// The seed's choices (SplitMix64).
pub struct Chance(pub u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, most: u64) -> u64 {
        self.next() % most
    }

    fn of<'a>(&mut self, all: &[&'a str]) -> &'a str {
        all[self.below(all.len() as u64) as usize]
    }
}

/// Up to three things that an agent does in a call: hold and resume, mute and back, digits.
fn acts(rig: &mut Rig, chance: &mut Chance, call: u64) {
    for _ in 0..chance.below(4) {
        match chance.below(4) {
            0 | 1 => hold(rig, call),
            2 => {
                for on in [true, false] {
                    let mark = rig.cli.events.mark();
                    rig.cli.send(json!({ "command": "mute", "call": call, "on": on }));
                    rig.cli.wait_call_for(mark, call, "active", |state| state["muted"] == on);
                }
            }
            _ => {
                let digits = chance.of(&["1", "42#", "*97", "0A3"]);
                rig.cli.send(json!({ "command": "dtmf", "call": call, "digits": digits }));
            }
        }
    }
}

fn hold(rig: &mut Rig, call: u64) {
    for (on, hold) in [(true, "local"), (false, "none")] {
        let mark = rig.cli.events.mark();
        rig.cli.send(json!({ "command": "hold", "call": call, "on": on }));
        rig.cli.wait_call_for(mark, call, "active", |state| state["hold"] == hold);
    }
}

/// A call of ours that is answered.
fn talk(rig: &mut Rig, to: &str) -> u64 {
    let mark = rig.cli.events.mark();
    let call = rig.call(to);
    rig.state(mark, call, "active");
    call
}

/// The same, with baresip: Asterisk hands nobody on who talks with a number that is Asterisk's own.
fn talk_to_phone(rig: &mut Rig) -> u64 {
    let colleague = rig.phone_user.name.clone();
    let mark = rig.cli.events.mark();
    let call = talk(rig, &colleague);
    spoken_with(rig, mark, call);
    call
}

/// In the moment of the answer Asterisk has not connected them yet, and would refuse to hand anybody on (400).
fn spoken_with(rig: &Rig, mark: usize, call: u64) {
    rig.cli.events.wait_for("packets of the phone", mark, |event| {
        event["event"] == "quality" && event["call"] == call && event["quality"]["received"].as_f64() > Some(5.0)
    });
}

fn hang_up(rig: &mut Rig, call: u64) {
    let mark = rig.cli.events.mark();
    rig.send("hang_up", call);
    rig.ended(mark, call, "call.local_hang_up");
}

fn consult(rig: &mut Rig, call: u64, to: &str) -> u64 {
    let mark = rig.cli.events.mark();
    rig.cli.send(json!({ "command": "consult", "call": call, "to": to }));
    let event = rig.cli.events.wait_for("the consultation", mark, |event| {
        event["event"] == "call_changed" && event["call"]["consult_for"] == call
    });
    let consult = event["call"]["id"].as_u64().expect("an id");
    rig.state(mark, consult, "active");
    consult
}

fn calls_out(rig: &mut Rig, chance: &mut Chance) {
    let call = talk(rig, chance.of(&["602", "600", "611"]));
    acts(rig, chance, call);
    hang_up(rig, call);
}

/// Answered: the call's id.
fn answer(rig: &mut Rig, mark: usize) -> u64 {
    let call = rig.rings(mark);
    rig.send("answer", call);
    rig.state(mark, call, "active");
    call
}

fn is_called(rig: &mut Rig, chance: &mut Chance) {
    let mark = rig.cli.events.mark();
    rig.asterisk.call(&rig.user, "602");
    let call = answer(rig, mark);
    acts(rig, chance, call);
    hang_up(rig, call);
}

fn dial_us(rig: &mut Rig) {
    let address = format!("sip:{}@{DOMAIN}", rig.user.name);
    rig.phone.command("dial", &address);
}

fn baresip_calls(rig: &mut Rig, chance: &mut Chance) {
    let mark = rig.cli.events.mark();
    dial_us(rig);
    let call = answer(rig, mark);
    acts(rig, chance, call);
    let mark = rig.cli.events.mark();
    rig.phone.command("hangup", "");
    rig.ended(mark, call, "call.remote_hang_up");
}

fn sipp_calls(rig: &mut Rig, _: &mut Chance) {
    let mark = rig.cli.events.mark();
    let address = rig.direct.clone();
    let sipp = std::thread::spawn(move || sipp::call(&address, "hatif", 400));
    let call = answer(rig, mark);
    rig.ended(mark, call, "call.remote_hang_up");
    sipp.join().expect("SIPp's call went as its scenario says");
}

fn blind(rig: &mut Rig, chance: &mut Chance) {
    let call = talk_to_phone(rig);
    let mark = rig.cli.events.mark();
    rig.cli.send(json!({ "command": "transfer", "call": call, "to": chance.of(&["611", "612"]) }));
    rig.ended(mark, call, "call.transferred");
    rig.clear_pbx();
}

fn blind_to_nobody(rig: &mut Rig, chance: &mut Chance) {
    let call = talk_to_phone(rig);
    let mark = rig.cli.events.mark();
    rig.cli.send(json!({ "command": "transfer", "call": call, "to": chance.of(&["5999", "5998"]) }));
    rig.cli.events.wait_for("the failed transfer", mark, |event| {
        event["call"]["id"] == call && event["call"]["transfer"]["state"] == "failed"
    });
    rig.cli.wait_call_for(mark, call, "active", |state| state["hold"] == "none");
    hang_up(rig, call);
}

fn attended(rig: &mut Rig, chance: &mut Chance) {
    let call = talk(rig, "602");
    let to = rig.phone_user.name.clone();
    let mark = rig.cli.events.mark();
    let other = consult(rig, call, &to);
    spoken_with(rig, mark, other);
    if chance.below(2) == 0 {
        let mark = rig.cli.events.mark();
        rig.cli.send(json!({ "command": "swap", "call": call }));
        rig.cli.wait_call_for(mark, call, "active", |state| state["hold"] == "none");
        rig.cli.wait_call_for(mark, other, "active", |state| state["hold"] == "local");
    }
    let mark = rig.cli.events.mark();
    rig.send("complete_transfer", call);
    for id in [call, other] {
        rig.ended(mark, id, "call.transferred");
    }
    rig.clear_pbx();
}

fn abandoned(rig: &mut Rig, chance: &mut Chance) {
    let call = talk(rig, "602");
    let other = consult(rig, call, chance.of(&["611", "612"]));
    let mark = rig.cli.events.mark();
    rig.send("abandon_consult", other);
    rig.ended(mark, other, "call.local_hang_up");
    rig.cli.wait_call_for(mark, call, "active", |state| state["hold"] == "none");
    acts(rig, chance, call);
    hang_up(rig, call);
}

fn conference(rig: &mut Rig, chance: &mut Chance) {
    let calls = [talk(rig, "602"), talk_to_phone(rig)];
    let mark = rig.cli.events.mark();
    rig.cli.send(json!({ "command": "join", "calls": [] }));
    for call in calls {
        rig.cli.wait_call_for(mark, call, "active", |state| state["hold"] == "none");
    }
    if chance.below(2) == 0 {
        let mark = rig.cli.events.mark();
        rig.cli.send(json!({ "command": "leave_conference" }));
        for call in calls {
            rig.ended(mark, call, "call.transferred");
        }
        rig.clear_pbx();
    } else {
        for call in calls {
            hang_up(rig, call);
        }
    }
}

fn refused(rig: &mut Rig, chance: &mut Chance) {
    let mark = rig.cli.events.mark();
    let call = rig.call(chance.of(&["620", "621", "626", "5999"]));
    rig.state(mark, call, "ended");
}

fn cancelled(rig: &mut Rig, _: &mut Chance) {
    let mark = rig.cli.events.mark();
    let call = rig.call("622");
    rig.state(mark, call, "ringing");
    rig.send("hang_up", call);
    rig.ended(mark, call, "call.cancelled");
}

fn declined(rig: &mut Rig, _: &mut Chance) {
    let mark = rig.cli.events.mark();
    rig.asterisk.call(&rig.user, "602");
    let call = rig.rings(mark);
    rig.send("reject", call);
    rig.ended(mark, call, "call.declined");
}

fn sent_on(rig: &mut Rig, _: &mut Chance) {
    let mark = rig.cli.events.mark();
    dial_us(rig);
    let call = rig.rings(mark);
    rig.cli.send(json!({ "command": "redirect", "call": call, "to": "611" }));
    rig.ended(mark, call, "call.forwarded");
    rig.phone.command("hangup", "");
    rig.clear_pbx();
}

/// The far side wants something: granted.
fn grant(rig: &mut Rig, mark: usize, call: u64) {
    rig.cli
        .events
        .wait_for("an ask", mark, |event| event["call"]["id"] == call && event["call"]["ask"]["kind"].is_string());
    rig.cli.send(json!({ "command": "grant", "call": call }));
}

fn follows_302(rig: &mut Rig, chance: &mut Chance) {
    let mark = rig.cli.events.mark();
    let call = rig.call("627");
    grant(rig, mark, call);
    rig.state(mark, call, "active");
    acts(rig, chance, call);
    hang_up(rig, call);
}

fn follows_refer(rig: &mut Rig, _: &mut Chance) {
    let mark = rig.cli.events.mark();
    let call = rig.call("628");
    rig.state(mark, call, "active");
    grant(rig, mark, call);
    let new = rig.cli.events.wait_for("the new call", mark, |event| {
        event["event"] == "call_changed" && event["call"]["id"] != call && event["call"]["state"]["state"] == "active"
    });
    rig.state(mark, call, "ended");
    hang_up(rig, new["call"]["id"].as_u64().expect("an id"));
}

fn hung_up_on(rig: &mut Rig, _: &mut Chance) {
    let mark = rig.cli.events.mark();
    let call = rig.call("624");
    rig.state(mark, call, "active");
    rig.ended(mark, call, "call.remote_hang_up");
}

impl Rig {
    /// Whoever was handed on talks until the PBX is told that they have hung up.
    fn clear_pbx(&mut self) {
        self.asterisk.command("channel request hangup all");
        let quiet = || self.asterisk.command("core show channels").contains("0 active channels").then_some(());
        hatif_lab::process::eventually("the PBX is quiet", Duration::from_secs(20), quiet);
    }
}
