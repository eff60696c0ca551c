//! Call control as stories: what the agent and the far sides do, and what SIP and audio are told.

use crate::world::{Dice, World};
use hatif_core::{account::*, audio::*, call::*, ids::*, options::*, phone::*, sip::*, text::Text};
use std::{
    net::{Ipv4Addr, SocketAddr},
    time::Duration,
};

mod asks;
mod desk;
mod mobile;
mod mobility;
mod recording;
mod transfers;

/// A phone whose account has these options, registered, with the agent ready.
fn desk(options: AccountOptions) -> World {
    let mut world = World::new(true, &mut Dice(1));
    command(&mut world, "set_account_options", Command::SetAccountOptions(AccountId(1), Box::new(options), None));
    world.input(Input::Sip(SipEvent::Registration { account: AccountId(1), state: Registration::Up }));
    command(&mut world, "set_agent_state", Command::SetAgentState(AgentState::Ready));
    world
}

/// Gives a command; the code of its refusal.
fn command(world: &mut World, name: &'static str, command: Command) -> Option<&'static str> {
    let from = mark(world);
    world.input(Input::Command(name, command));
    let refused = told(world, from, "CommandFailed").pop()?;
    let code = refused.split("code: \"").nth(1)?.split('"').next()?.to_owned();
    Some(Box::leak(code.into_boxed_str()))
}

fn mark(world: &World) -> usize {
    world.trace.as_ref().expect("traced").len()
}

/// What was told since `from`, of the lines with `what` in them.
fn told(world: &World, from: usize, what: &str) -> Vec<String> {
    let lines = &world.trace.as_ref().expect("traced")[from..];
    lines.iter().filter(|line| line.starts_with('<') && line.contains(what)).map(|line| line[2..].to_owned()).collect()
}

/// What SIP was told since `from`, but for ports.
fn sip(world: &World, from: usize) -> Vec<String> {
    let mut told = told(world, from, "Sip(");
    told.retain(|line| !line.contains("LocateMedia"));
    told.into_iter().map(|line| line["Sip(".len()..line.len() - 1].replace("CallId", "")).collect()
}

fn event(world: &mut World, event: SipEvent) {
    world.input(Input::Sip(event));
}

fn caller(address: &str) -> Peer {
    Peer { name: None, address: address.into(), uri: format!("sip:{address}@pbx") }
}

/// The far side rings; its id is `0x8000_0000 + n`.
fn rings(world: &mut World, n: u32, address: &str, headers: CallHeaders) -> CallId {
    let call = CallId(0x8000_0000 + n);
    world.sip.insert(call, true);
    event(world, SipEvent::Incoming { account: AccountId(1), call, peer: caller(address), headers });
    call
}

/// Port, offer and answer, all well.
fn goes_through(world: &mut World, call: CallId) {
    opens(world, call);
    let media = crate::world::session(&mut Dice(1));
    event(world, SipEvent::Media { call, media });
    event(world, SipEvent::Answered { call });
}

fn opens(world: &mut World, call: CallId) {
    event(world, SipEvent::MediaAddress { call, local: Ok(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST).into()) });
    world.input(Input::Audio(AudioEvent::PortOpened { call, local: SocketAddr::from(([127, 0, 0, 1], 4002)).into() }));
}

/// A customer on the line.
fn customer(world: &mut World, n: u32) -> CallId {
    let call = rings(world, n, "123", CallHeaders::default());
    command(world, "answer", Command::Answer(call));
    goes_through(world, call);
    call
}

/// The call that was made last.
fn newest(world: &World) -> CallId {
    world.phone.calls().map(|c| c.call.id).filter(|id| id.0 < 0x8000_0000).max().expect("a call was made")
}

fn held(world: &mut World, call: CallId, on: bool) {
    event(world, SipEvent::Hold { call, hold: Hold::new(on, false) });
}

fn passes(world: &mut World, time: Duration) {
    world.now.mono += time;
    world.now.wall += time;
    world.input(Input::Timeout);
}

fn state(world: &World, call: CallId) -> CallState {
    world.phone.call(call).expect("the call is still on the screen").call.state.clone()
}

fn reason(world: &World, call: CallId) -> EndReason {
    match state(world, call) {
        CallState::Ended { reason, .. } => reason,
        other => panic!("{call} is {other:?}"),
    }
}

fn ended(world: &mut World, call: CallId, reason: EndReason) {
    world.sip.remove(&call);
    event(world, SipEvent::Ended { call, reason });
}

fn progress(world: &mut World, call: CallId, progress: TransferProgress) {
    event(world, SipEvent::Transfer { call, progress });
}

/// Whether the agent is heard there.
fn open(world: &World, call: CallId) -> bool {
    world.microphone.get(&call).copied().unwrap_or(false)
}

fn to(call: CallId, to: &str) -> Command {
    Command::Transfer { call, to: to.into(), confirmed: false }
}

fn consult(world: &mut World, call: CallId, to: &str) -> CallId {
    let ask = Command::Consult { call, to: to.into(), account: None, confirmed: false };
    assert_eq!(command(world, "consult", ask), None);
    held(world, call, true);
    newest(world)
}
