//! Dialogs (RFC 3261 12): the two tags, the route and the counters that requests within a call share.

use crate::{
    refer::Replaces,
    text::{Headers, Method, NameAddr, Request, Response, Uri, decode},
};
use std::net::SocketAddr;

/// Most routes of a dialog; a peer that records more is answered without the rest.
const MAX_ROUTES: usize = 20;

/// One dialog, early or confirmed.
#[derive(Clone, PartialEq, Debug)]
pub struct Dialog {
    call_id: Vec<u8>,
    /// The whole From (To) values, tags included, byte for byte.
    local: Vec<u8>,
    remote: Vec<u8>,
    local_tag: String,
    remote_tag: String,
    local_seq: u32,
    remote_seq: Option<u32>,
    routes: Vec<String>,
    target: String,
    /// Where the peer's last request came from, for accounts that answer on the peer's own flow.
    pub source: Option<(SocketAddr, Option<u64>)>,
}

/// What a request in a dialog is, by its number.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Order {
    InOrder,
    /// Lower than one seen before: refused with 500 (RFC 3261 12.2.2).
    Old,
}

impl Dialog {
    /// The caller's dialog, by a response with a To tag to its INVITE.
    pub fn of_response(request: &Request, response: &Response) -> Option<Self> {
        let remote_tag = response.to_tag()?;
        let contact = response.contact().map(|c| c.uri.to_string());
        let mut routes = response.headers.items("Record-Route");
        routes.truncate(MAX_ROUTES);
        routes.reverse();
        Some(Dialog {
            call_id: request.headers.bytes("Call-ID")?.to_vec(),
            local: request.headers.bytes("From")?.to_vec(),
            remote: response.headers.bytes("To")?.to_vec(),
            local_tag: request.from_tag()?,
            remote_tag,
            local_seq: request.cseq()?.0,
            remote_seq: None,
            routes,
            target: contact.unwrap_or_else(|| request.uri.clone()),
            source: None,
        })
    }

    /// The called side's dialog, by an INVITE and the tag that we answer it with.
    pub fn of_request(request: &Request, tag: &str, source: (SocketAddr, Option<u64>)) -> Option<Self> {
        let mut local = request.headers.bytes("To")?.to_vec();
        local.extend_from_slice(format!(";tag={tag}").as_bytes());
        let mut routes = request.headers.items("Record-Route");
        routes.truncate(MAX_ROUTES);
        Some(Dialog {
            call_id: request.headers.bytes("Call-ID")?.to_vec(),
            local,
            remote: request.headers.bytes("From")?.to_vec(),
            local_tag: tag.to_string(),
            remote_tag: request.from_tag().unwrap_or_default(),
            local_seq: 0,
            remote_seq: Some(request.cseq()?.0),
            routes,
            target: request.contact()?.uri.to_string(),
            source: Some(source),
        })
    }

    /// The subscriber's dialog, by a NOTIFY that came before the answer to its SUBSCRIBE number `seq` (RFC 6665 4.4.1).
    pub fn of_notify(notify: &Request, seq: u32) -> Option<Self> {
        let mut routes = notify.headers.items("Record-Route");
        routes.truncate(MAX_ROUTES);
        Some(Dialog {
            call_id: notify.headers.bytes("Call-ID")?.to_vec(),
            local: notify.headers.bytes("To")?.to_vec(),
            remote: notify.headers.bytes("From")?.to_vec(),
            local_tag: notify.to_tag()?,
            remote_tag: notify.from_tag()?,
            local_seq: seq,
            remote_seq: None,
            routes,
            target: notify.contact()?.uri.to_string(),
            source: None,
        })
    }

    pub fn call_id(&self) -> String {
        decode(&self.call_id).into_owned()
    }

    /// The far side's From or To.
    pub fn remote_address(&self) -> Option<NameAddr> {
        NameAddr::parse(&decode(&self.remote))
    }

    /// Whether a Replaces header means this dialog.
    pub fn is(&self, replaces: &Replaces) -> bool {
        decode(&self.call_id) == replaces.call_id.as_str()
            && self.local_tag == replaces.to_tag
            && self.remote_tag == replaces.from_tag
    }

    pub fn remote_tag(&self) -> &str {
        &self.remote_tag
    }

    pub fn local_tag(&self) -> &str {
        &self.local_tag
    }

    /// The URI that a request goes to first: the top route, else the remote target.
    pub fn next_uri(&self) -> Option<Uri> {
        match self.routes.first() {
            Some(route) => NameAddr::parse(route).map(|r| r.uri),
            None => Uri::parse(&self.target),
        }
    }

    /// The remote target: who answers in the end.
    pub fn target(&self) -> Option<Uri> {
        Uri::parse(&self.target)
    }

    /// Whether a request of the peer belongs to this dialog.
    pub fn holds(&self, request: &Request) -> bool {
        request.headers.bytes("Call-ID") == Some(&self.call_id)
            && request.to_tag().as_deref() == Some(&self.local_tag)
            && request.from_tag().unwrap_or_default() == self.remote_tag
    }

    /// Counts a request of the peer (RFC 3261 12.2.2).
    pub fn count_remote(&mut self, seq: u32) -> Order {
        if self.remote_seq.is_some_and(|last| seq < last) {
            return Order::Old;
        }
        self.remote_seq = Some(seq);
        Order::InOrder
    }

    /// A target refresh: the Contact of a peer's INVITE or UPDATE, or of their 2xx.
    pub fn refresh_target(&mut self, contact: Option<NameAddr>) {
        if let Some(contact) = contact {
            self.target = contact.uri.to_string();
        }
    }

    /// Takes over the counts of an earlier state of this dialog.
    pub fn take_counts(&mut self, early: &Dialog) {
        self.local_seq = self.local_seq.max(early.local_seq);
        self.remote_seq = self.remote_seq.max(early.remote_seq);
    }

    /// A new request of ours in this dialog, without Via and Contact.
    pub fn request(&mut self, method: Method) -> Request {
        self.local_seq += 1;
        self.numbered(method, self.local_seq)
    }

    /// The ACK of the 2xx to our INVITE number `seq`.
    pub fn ack(&self, seq: u32) -> Request {
        self.numbered(Method::Ack, seq)
    }

    /// The number of a request of ours that is sent again after a challenge.
    pub fn next_seq(&mut self) -> u32 {
        self.local_seq += 1;
        self.local_seq
    }

    fn numbered(&self, method: Method, seq: u32) -> Request {
        let loose = |route: &str| NameAddr::parse(route).is_none_or(|r| r.uri.params.has("lr"));
        let mut routes = self.routes.clone();
        let mut uri = self.target.clone();
        if let Some(first) = routes.first().filter(|r| !loose(r)) {
            // A strict router of RFC 2543 (RFC 3261 12.2.1.1): it is the Request-URI, the target the last route.
            let next = NameAddr::parse(first).map_or(uri.clone(), |r| r.uri.to_string());
            routes.remove(0);
            routes.push(format!("<{uri}>"));
            uri = next;
        }
        let mut headers = Headers::default();
        for route in routes {
            headers.push("Route", route);
        }
        headers.push("Max-Forwards", "70");
        headers.push("From", &self.local);
        headers.push("To", &self.remote);
        headers.push("Call-ID", &self.call_id);
        headers.push("CSeq", format!("{seq} {method}"));
        headers.push("Content-Length", "0");
        Request { method, uri, headers, body: Vec::new() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::{Message, parse};

    fn invite() -> Request {
        let text = "INVITE sip:bob@b SIP/2.0\r\nVia: SIP/2.0/UDP x;branch=z9hG4bK1\r\nRecord-Route: <sip:p1;lr>, <sip:p2;lr>\r\nFrom: M\u{fc}ller <sip:a@a>;tag=1\r\nTo: <sip:bob@b>\r\nCall-ID: c\r\nCSeq: 7 INVITE\r\nContact: <sip:a@192.0.2.1>\r\n\r\n";
        let Ok(Message::Request(request)) = parse(text.as_bytes()) else { panic!("request") };
        request
    }

    #[test]
    fn routes_and_counters() {
        let invite = invite();
        let mut called = Dialog::of_request(&invite, "2", (([192, 0, 2, 1], 5060).into(), None)).expect("dialog");
        let bye = called.request(Method::Bye);
        assert_eq!(bye.uri, "sip:a@192.0.2.1");
        assert_eq!(bye.headers.all("Route").collect::<Vec<_>>(), ["<sip:p1;lr>", "<sip:p2;lr>"]);
        assert_eq!(bye.from_tag().as_deref(), Some("2"));
        assert_eq!(called.count_remote(6), Order::Old);
        assert_eq!(called.count_remote(8), Order::InOrder);

        let mut ok = invite.response(200, Some("2"));
        ok.headers.push("Contact", "<sip:bob@192.0.2.2>");
        let caller = Dialog::of_response(&invite, &ok).expect("dialog");
        let ack = caller.ack(7);
        assert_eq!(ack.headers.all("Route").collect::<Vec<_>>(), ["<sip:p2;lr>", "<sip:p1;lr>"]);
        assert!(called.holds(&ack));
        assert!(caller.holds(&bye) && !called.holds(&bye));
    }

    #[test]
    fn a_strict_router_is_the_request_uri() {
        let mut invite = invite();
        invite.headers.set("Record-Route", "<sip:old>, <sip:p2;lr>");
        let mut called = Dialog::of_request(&invite, "2", (([192, 0, 2, 1], 5060).into(), None)).expect("dialog");
        let bye = called.request(Method::Bye);
        assert_eq!(bye.uri, "sip:old");
        assert_eq!(bye.headers.all("Route").collect::<Vec<_>>(), ["<sip:p2;lr>", "<sip:a@192.0.2.1>"]);
    }
}
