//! The desk beside the calls as views: the agent, colleagues, mailboxes, messages, forwarding.

use super::{direction, millis, peer, text};
use crate::view;
use hatif_core::{
    phone::{self, AgentState, Delivery, Phone},
    sip::Lamp,
};

pub fn agent(agent: &phone::Agent) -> view::AgentView {
    let (state, reason) = match &agent.state {
        AgentState::Ready => (view::AgentState::Ready, None),
        AgentState::NotReady(reason) => (view::AgentState::NotReady, reason.clone()),
    };
    view::AgentView {
        state,
        reason,
        since_ms: millis(agent.since),
        do_not_disturb: agent.do_not_disturb,
        call_waiting: agent.call_waiting,
    }
}

pub fn colleagues(phone: &Phone) -> Vec<view::ColleagueView> {
    let of = |c: phone::ColleagueEntry| view::ColleagueView {
        account: c.account.0,
        name: c.name,
        number: c.number,
        pickup: c.pickup,
        lamp: match c.lamp {
            Lamp::Unknown => view::LampView::Unknown,
            Lamp::Free => view::LampView::Free,
            Lamp::Ringing { caller } => view::LampView::Ringing { caller: caller.as_ref().map(peer) },
            Lamp::Busy => view::LampView::Busy,
            Lamp::Away => view::LampView::Away,
        },
    };
    phone.colleagues().into_iter().map(of).collect()
}

pub fn mailboxes(phone: &Phone) -> Vec<view::MailboxView> {
    phone
        .mailboxes()
        .map(|(account, mailbox, callable)| view::MailboxView {
            account: account.0,
            waiting: mailbox.waiting,
            new: mailbox.new,
            old: mailbox.old,
            callable,
        })
        .collect()
}

pub fn messages(phone: &Phone) -> Vec<view::MessageView> {
    let of = |m: &phone::Message| view::MessageView {
        id: m.id.0,
        account: m.account.0,
        direction: direction(m.direction),
        peer: peer(&m.peer),
        text: m.text.clone(),
        at_ms: millis(m.at),
        delivery: match &m.delivery {
            Delivery::Received => view::DeliveryView::Received,
            Delivery::Sending => view::DeliveryView::Sending,
            Delivery::Sent => view::DeliveryView::Sent,
            Delivery::Failed(why) => view::DeliveryView::Failed { reason: text(why) },
        },
    };
    phone.messages().map(of).collect()
}

pub fn forwarding(phone: &Phone) -> Vec<view::ForwardingView> {
    let of =
        |f: &phone::Forwarding| view::ForwardingView { account: f.account.0, rule: f.rule.clone(), active: f.active };
    phone.forwarding().iter().map(of).collect()
}

pub fn preview(preview: phone::NumberPreview) -> view::NumberPreview {
    let (dialled, problem) = match preview.dialled {
        Ok(dialled) => (Some(dialled), None),
        Err(why) => (None, Some(text(&why))),
    };
    view::NumberPreview {
        to: preview.to,
        account: preview.account.map(|a| a.0),
        dialled,
        emergency: preview.emergency,
        premium: preview.premium,
        problem,
    }
}
