//! Requests of peers, judged in the order of RFC 3261 8.2: method, headers, extensions, content; then handed to the
//! dialog that they belong to, or answered.

use super::{Agent, MAX_CALLS};
use crate::{
    account::Account,
    call::{Call, timer_refusal},
    config::{AccountId, AccountKind, CallId},
    core::{ALLOW, SDP, SUPPORTED},
    io::Event,
    lamp,
    offer::{Negotiation, OfferError},
    refer::replaces_of,
    srtp::SrtpPolicy,
    subscription::package_of,
    text::{Method, Request, Response, Scheme, Uri, Via},
    transaction::{Arrival, Received, TxId},
};
use std::{net::SocketAddr, time::Instant};

/// Most calls that ring at once; more are told busy.
const MAX_RINGING: usize = 8;

type Source = (SocketAddr, Option<u64>);

impl Agent {
    pub(super) fn on_request(&mut self, now: Instant, id: AccountId, source: Source, mut request: Request) {
        mark_received(&mut request, source.0);
        if let Some(status) = malformed(&request) {
            self.refuse_unreadable(now, id, source, request, status);
            return;
        }
        if request.method == Method::Ack {
            if !self.core.tx.receive_ack(now, id, &request)
                && let Some(call) = self.calls.values_mut().find(|c| c.account == id && c.holds(&request))
            {
                call.on_ack(&mut self.core, now, &request);
            }
            return;
        }
        let reliable = self.is_reliable(id, source, &request);
        let arrival = Arrival { account: id, source: source.0, flow: source.1, reliable, request: &request };
        match self.core.tx.receive_request(now, &arrival) {
            Received::New(tx) => self.judge(now, id, tx, source, request),
            Received::Merged(tx) => self.core.reply(now, id, tx, &request, 482),
            Received::Copy | Received::Dropped => {}
        }
    }

    fn is_reliable(&self, id: AccountId, source: Source, request: &Request) -> bool {
        let by_account = self.core.account(id).is_some_and(|a| a.config.transport.reliable());
        let via_udp = request.top_via().is_some_and(|v| v.transport.eq_ignore_ascii_case("UDP"));
        source.1.is_some() || by_account && !via_udp
    }

    /// Answers a request that is wrong in itself, where it says enough to be answered. An ACK never is.
    pub(super) fn refuse_unreadable(
        &mut self,
        now: Instant,
        id: AccountId,
        source: Source,
        mut request: Request,
        status: u16,
    ) {
        mark_received(&mut request, source.0);
        let answerable = ["Via", "From", "To", "Call-ID", "CSeq"].iter().all(|name| request.headers.count(name) > 0);
        if request.method == Method::Ack || !answerable {
            return;
        }
        let reliable = self.is_reliable(id, source, &request);
        let arrival = Arrival { account: id, source: source.0, flow: source.1, reliable, request: &request };
        if let Received::New(tx) | Received::Merged(tx) = self.core.tx.receive_request(now, &arrival) {
            self.core.reply(now, id, tx, &request, status);
        }
    }

    fn judge(&mut self, now: Instant, id: AccountId, tx: TxId, source: Source, request: Request) {
        if request.method == Method::Cancel {
            self.on_cancel(now, id, tx, &request);
            return;
        }
        match request.method {
            Method::Other(_) => return self.refuse(now, id, tx, &request, 501),
            Method::Publish | Method::Subscribe => return self.refuse(now, id, tx, &request, 405),
            Method::Register if !self.core.account(id).is_some_and(|a| a.config.serve_registrations) => {
                return self.refuse(now, id, tx, &request, 405);
            }
            _ => {}
        }
        match Uri::parse(&request.uri) {
            Some(uri) if uri.is_sip() || uri.scheme == Scheme::Tel => {}
            Some(_) => return self.refuse(now, id, tx, &request, 416),
            None => return self.refuse(now, id, tx, &request, 400),
        }
        if let Some(response) = wants_too_much(&request) {
            return self.core.respond(now, id, tx, response);
        }
        if request.to_tag().is_some() {
            return self.within_dialog(now, id, tx, source, request);
        }
        match request.method {
            Method::Invite => self.on_invite(now, id, tx, source, request),
            Method::Options => self.on_options(now, id, tx, &request),
            Method::Register => self.core.serve_register(now, id, tx, &request, source),
            Method::Notify => self.on_notify(now, id, tx, &request),
            // Whom we talk to may ask us to call somebody, nobody else.
            Method::Refer => self.refuse(now, id, tx, &request, 403),
            Method::Message => self.core.on_message(now, id, tx, &request),
            Method::Bye | Method::Update | Method::Prack | Method::Info => self.refuse(now, id, tx, &request, 481),
            _ => self.refuse(now, id, tx, &request, 405),
        }
    }

    fn refuse(&mut self, now: Instant, id: AccountId, tx: TxId, request: &Request, status: u16) {
        self.core.reply(now, id, tx, request, status);
    }

    fn within_dialog(&mut self, now: Instant, id: AccountId, tx: TxId, source: Source, request: Request) {
        match request.method {
            Method::Options => return self.on_options(now, id, tx, &request),
            Method::Register => return self.core.serve_register(now, id, tx, &request, source),
            _ => {}
        }
        match self.calls.values_mut().find(|c| c.account == id && c.holds(&request)) {
            // Only what a REFER asked for belongs to a call.
            _ if request.method == Method::Notify && package_of(&request).as_deref() != Some("refer") => {
                self.on_notify(now, id, tx, &request);
            }
            Some(_) if request.method == Method::Message => self.core.on_message(now, id, tx, &request),
            Some(call) => call.on_request(&mut self.core, now, tx, &request, source),
            None if request.method == Method::Notify => self.on_notify(now, id, tx, &request),
            None => self.refuse(now, id, tx, &request, 481),
        }
    }

    fn on_cancel(&mut self, now: Instant, id: AccountId, tx: TxId, request: &Request) {
        let Some(invite) = self.core.tx.cancelled(id, request) else {
            return self.refuse(now, id, tx, request, 481);
        };
        self.refuse(now, id, tx, request, 200);
        if let Some(call) = self.calls.values_mut().find(|c| c.is_invited_by(invite)) {
            call.cancelled(&mut self.core, now, request);
        }
    }

    fn on_invite(&mut self, now: Instant, id: AccountId, tx: TxId, source: Source, request: Request) {
        // A direct account that is to be off may still have its port open, for the calls that it makes.
        let off = |a: &Account| a.config.kind == AccountKind::Direct && !a.registration.wanted;
        if self.stopping.is_some() || self.core.account(id).is_some_and(|a| a.leaving.is_some() || off(a)) {
            return self.refuse(now, id, tx, &request, 480);
        }
        let policy = self.core.account(id).map_or(SrtpPolicy::Off, |a| a.config.srtp);
        if let Some(offer) = request.body_of(SDP)
            && let Err(error) = Negotiation::acceptable(offer, policy)
        {
            let status = if error == OfferError::Unreadable { 400 } else { 488 };
            let mut response = request.response(status, Some(&self.core.token()));
            if error == OfferError::NotEncrypted && policy == SrtpPolicy::Required {
                response.headers.push("Warning", "399 hatif \"encrypted voice (SRTP, SDES) required\"");
            }
            return self.core.respond(now, id, tx, response);
        }
        if let Some(response) = timer_refusal(&request) {
            return self.core.respond(now, id, tx, response);
        }
        let ringing = self.calls.values().filter(|c| c.ringing()).count();
        if ringing >= MAX_RINGING || self.calls.len() >= MAX_CALLS {
            return self.refuse(now, id, tx, &request, 486);
        }
        let replaces = match self.replaced(id, &request) {
            Ok(replaces) => replaces,
            Err(status) => return self.refuse(now, id, tx, &request, status),
        };
        let call = self.next_incoming();
        if let Some(made) = Call::incoming(&mut self.core, now, id, call, (tx, request, source), replaces) {
            self.calls.insert(call, made);
        }
    }

    fn on_options(&mut self, now: Instant, id: AccountId, tx: TxId, request: &Request) {
        let tag = self.core.token();
        let mut response = request.response(200, Some(&tag));
        if let Some(contact) = self.core.contact(id) {
            response.headers.push("Contact", contact);
        }
        response.headers.push("Allow", ALLOW);
        response.headers.push("Accept", SDP);
        response.headers.push("Supported", SUPPORTED);
        self.core.respond(now, id, tx, response);
    }

    /// The call of ours that an INVITE wants to replace (RFC 3891): one of the same account, or none that it may.
    fn replaced(&self, id: AccountId, invite: &Request) -> Result<Option<CallId>, u16> {
        let Some(replaces) = replaces_of(invite)? else { return Ok(None) };
        let mut calls = self.calls.values().filter(|c| c.account == id);
        calls.find_map(|call| call.replaceable(&replaces)).unwrap_or(Err(481)).map(Some)
    }

    /// A NOTIFY that belongs to no call.
    fn on_notify(&mut self, now: Instant, id: AccountId, tx: TxId, request: &Request) {
        if self.core.on_subscription_notify(now, id, tx, request) {
            return;
        }
        match package_of(request).as_deref() {
            // A PBX may tell of messages unasked; only the account's own is listened to at all.
            Some("message-summary")
                if request.to_tag().is_none() && self.core.account(id).is_some_and(|a| !a.is_direct()) =>
            {
                self.refuse(now, id, tx, request, 200);
                if let Some(mailbox) = request.body_of(lamp::SUMMARY).and_then(lamp::mailbox) {
                    self.core.event(Event::MessagesWaiting { account: id, mailbox });
                }
            }
            Some("message-summary" | "dialog" | "presence" | "refer") => self.refuse(now, id, tx, request, 481),
            _ => self.refuse(now, id, tx, request, 489),
        }
    }
}

/// Writes down in the top Via where the request came from (RFC 3261 18.2.1, RFC 3581).
fn mark_received(request: &mut Request, source: SocketAddr) {
    let Some(first) = request.headers.text("Via").map(|v| v.into_owned()) else { return };
    let mut items = crate::text::split_list(&first);
    let Some(mut via) = items.next().and_then(Via::parse) else { return };
    let rest: Vec<&str> = items.collect();
    let before = via.clone();
    via.mark_received(source);
    if via != before {
        let rest: String = rest.iter().map(|v| format!(", {v}")).collect();
        request.headers.set_first("Via", format!("{via}{rest}"));
    }
}

/// What is wrong with a request that could be parsed.
fn malformed(request: &Request) -> Option<u16> {
    let single = ["From", "To", "Call-ID", "CSeq", "Max-Forwards", "Content-Type"];
    let mandatory = &single[..4];
    let counted = |name: &&str| request.headers.count(name);
    if mandatory.iter().any(|n| counted(n) != 1) || single.iter().any(|n| counted(n) > 1) || request.top_via().is_none()
    {
        return Some(400);
    }
    let cseq = request.cseq().is_some_and(|(_, method)| method == request.method);
    let call_id = !request.call_id().is_empty();
    if !cseq || !call_id || request.from().is_none() || request.to().is_none() {
        return Some(400);
    }
    None
}

/// An extension or a body that we do not understand (RFC 3261 8.2.2.3, 8.2.3).
fn wants_too_much(request: &Request) -> Option<Response> {
    let mut required = request.headers.items("Require");
    required.retain(|option| {
        !["replaces", "norefersub", "timer", "100rel"].iter().any(|known| known.eq_ignore_ascii_case(option))
    });
    if !required.is_empty() {
        let mut response = request.response(420, Some("0"));
        response.headers.push("Unsupported", required.join(", "));
        return Some(response);
    }
    let encoded = request.headers.items("Content-Encoding").iter().any(|e| !e.eq_ignore_ascii_case("identity"));
    let offers = matches!(request.method, Method::Invite | Method::Update);
    let foreign = offers && !request.body.is_empty() && request.body_of(SDP).is_none();
    if encoded || foreign {
        let mut response = request.response(415, Some("0"));
        response.headers.push("Accept", SDP);
        response.headers.push("Accept-Encoding", "identity");
        return Some(response);
    }
    None
}
