//! Requests and responses (RFC 3261 7), and how they are written.

use super::{Headers, NameAddr, Via, number};
use std::fmt;

/// A request method (RFC 3261 7.1). Methods are case-sensitive.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Method {
    Invite,
    Ack,
    Bye,
    Cancel,
    Options,
    Register,
    Info,
    Update,
    Prack,
    Refer,
    Notify,
    Subscribe,
    Message,
    Publish,
    Other(String),
}

const METHODS: [(&str, Method); 14] = [
    ("INVITE", Method::Invite),
    ("ACK", Method::Ack),
    ("BYE", Method::Bye),
    ("CANCEL", Method::Cancel),
    ("OPTIONS", Method::Options),
    ("REGISTER", Method::Register),
    ("INFO", Method::Info),
    ("UPDATE", Method::Update),
    ("PRACK", Method::Prack),
    ("REFER", Method::Refer),
    ("NOTIFY", Method::Notify),
    ("SUBSCRIBE", Method::Subscribe),
    ("MESSAGE", Method::Message),
    ("PUBLISH", Method::Publish),
];

impl Method {
    pub fn from_text(text: &str) -> Self {
        let known = METHODS.into_iter().find(|(name, _)| *name == text);
        known.map_or_else(|| Method::Other(text.to_string()), |(_, method)| method)
    }

    pub fn as_str(&self) -> &str {
        match self {
            Method::Other(name) => name,
            known => METHODS.iter().find(|(_, m)| m == known).map_or("", |(name, _)| name),
        }
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Request {
    pub method: Method,
    /// The Request-URI as it came.
    pub uri: String,
    pub headers: Headers,
    pub body: Vec<u8>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Response {
    pub status: u16,
    pub reason: Vec<u8>,
    pub headers: Headers,
    pub body: Vec<u8>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Message {
    Request(Request),
    Response(Response),
}

/// What requests and responses have in common.
macro_rules! common {
    ($kind:ty) => {
        impl $kind {
            /// The top Via, where it can be read.
            pub fn top_via(&self) -> Option<Via> {
                Via::parse(self.headers.items("Via").first()?)
            }

            pub fn from(&self) -> Option<NameAddr> {
                NameAddr::parse(&self.headers.text("From")?)
            }

            pub fn to(&self) -> Option<NameAddr> {
                NameAddr::parse(&self.headers.text("To")?)
            }

            pub fn from_tag(&self) -> Option<String> {
                self.from()?.tag().map(str::to_string)
            }

            pub fn to_tag(&self) -> Option<String> {
                self.to()?.tag().map(str::to_string)
            }

            pub fn call_id(&self) -> String {
                self.headers.text("Call-ID").unwrap_or_default().into_owned()
            }

            /// Number and method; `None` if unreadable or beyond 2^31.
            pub fn cseq(&self) -> Option<(u32, Method)> {
                let text = self.headers.text("CSeq")?;
                let (digits, method) = text.trim().split_once([' ', '\t'])?;
                let seq: u32 = number(digits).filter(|n| *n < 1 << 31)?;
                Some((seq, Method::from_text(method.trim())))
            }

            /// The first Contact's address. `*` is none.
            pub fn contact(&self) -> Option<NameAddr> {
                NameAddr::parse(self.headers.items("Contact").first()?)
            }

            /// Whether the body is of that media type; a body without a type counts as SDP, as older phones send it.
            pub fn body_is(&self, media_type: &str) -> bool {
                let Some(value) = self.headers.text("Content-Type") else { return media_type == "application/sdp" };
                value.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case(media_type)
            }

            /// The body of that media type: the whole one, or a part of a multipart body. `None` if it is empty.
            pub fn body_of(&self, media_type: &str) -> Option<&[u8]> {
                let body = match self.headers.text("Content-Type") {
                    Some(value) if !self.body_is(media_type) => super::multipart::part(&value, &self.body, media_type)?,
                    _ if self.body_is(media_type) => &self.body,
                    _ => return None,
                };
                (!body.is_empty()).then_some(body)
            }

            /// Puts a body in, with its type, and sets Content-Length.
            pub fn set_body(&mut self, media_type: &str, body: Vec<u8>) {
                self.headers.set("Content-Type", media_type);
                self.headers.set("Content-Length", body.len().to_string());
                self.body = body;
            }

            /// The message on the wire. Content-Length is the sender's to set.
            pub fn to_bytes(&self) -> Vec<u8> {
                let mut out = Vec::with_capacity(512 + self.body.len());
                self.write_start(&mut out);
                for header in self.headers.iter() {
                    out.extend_from_slice(header.name.as_bytes());
                    out.extend_from_slice(b": ");
                    out.extend_from_slice(&header.value);
                    out.extend_from_slice(b"\r\n");
                }
                out.extend_from_slice(b"\r\n");
                out.extend_from_slice(&self.body);
                out
            }
        }
    };
}

common!(Request);
common!(Response);

impl Request {
    /// A request with nothing but its start line and `Content-Length: 0`.
    pub fn new(method: Method, uri: impl Into<String>) -> Self {
        let mut request = Request { method, uri: uri.into(), headers: Headers::default(), body: Vec::new() };
        request.headers.push("Content-Length", "0");
        request
    }

    fn write_start(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(format!("{} {} SIP/2.0\r\n", self.method, self.uri).as_bytes());
    }

    /// The response to this request (RFC 3261 8.2.6.2): Via, From, To, Call-ID and CSeq as they came, and Record-Route
    /// in those that can make a dialog. `to_tag` is added if the To has none.
    pub fn response(&self, status: u16, to_tag: Option<&str>) -> Response {
        let mut headers = Headers::default();
        for header in self.headers.iter() {
            let copied = ["Via", "From", "Call-ID", "CSeq"].iter().any(|name| header.is(name))
                || header.is("Timestamp") && status == 100
                || header.is("Record-Route") && (101..300).contains(&status);
            if copied {
                headers.push(&header.name, &header.value);
            } else if header.is("To") {
                let mut value = header.value.clone();
                if let (Some(tag), None) = (to_tag, self.to_tag()) {
                    value.extend_from_slice(b";tag=");
                    value.extend_from_slice(tag.as_bytes());
                }
                headers.push(&header.name, value);
            }
        }
        headers.push("Content-Length", "0");
        Response { status, reason: reason_phrase(status).as_bytes().to_vec(), headers, body: Vec::new() }
    }
}

impl Response {
    fn write_start(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(format!("SIP/2.0 {:03} ", self.status).as_bytes());
        out.extend_from_slice(&self.reason);
        out.extend_from_slice(b"\r\n");
    }
}

impl Message {
    pub fn to_bytes(&self) -> Vec<u8> {
        match self {
            Message::Request(request) => request.to_bytes(),
            Message::Response(response) => response.to_bytes(),
        }
    }
}

/// The words that go with a status (RFC 3261 21).
pub fn reason_phrase(status: u16) -> &'static str {
    match status {
        100 => "Trying",
        180 => "Ringing",
        181 => "Call Is Being Forwarded",
        182 => "Queued",
        183 => "Session Progress",
        200 => "OK",
        202 => "Accepted",
        302 => "Moved Temporarily",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        407 => "Proxy Authentication Required",
        408 => "Request Timeout",
        410 => "Gone",
        413 => "Request Entity Too Large",
        415 => "Unsupported Media Type",
        416 => "Unsupported URI Scheme",
        420 => "Bad Extension",
        423 => "Interval Too Brief",
        480 => "Temporarily Unavailable",
        481 => "Call/Transaction Does Not Exist",
        482 => "Loop Detected",
        483 => "Too Many Hops",
        486 => "Busy Here",
        487 => "Request Terminated",
        488 => "Not Acceptable Here",
        489 => "Bad Event",
        491 => "Request Pending",
        500 => "Server Internal Error",
        501 => "Not Implemented",
        503 => "Service Unavailable",
        505 => "Version Not Supported",
        513 => "Message Too Large",
        600 => "Busy Everywhere",
        603 => "Decline",
        604 => "Does Not Exist Anywhere",
        606 => "Not Acceptable",
        _ => match status / 100 {
            1 => "Progress",
            2 => "OK",
            3 => "Redirect",
            4 => "Client Error",
            5 => "Server Error",
            _ => "Global Failure",
        },
    }
}
