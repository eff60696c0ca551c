//! SIP messages (RFC 3261 7, 25): whatever is read can be written and read again, and says the same.

#![no_main]

use hatif_sip::{
    clean,
    text::{Message, NameAddr, ParseError, Uri, Via, parse},
};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    match parse(bytes) {
        Ok(message) => {
            look_at(&message);
            let written = message.to_bytes();
            let again = parse(&written).expect("what we write can be read");
            assert_eq!(again.to_bytes(), written, "and says the same");
        }
        Err(ParseError::Refused(status, request)) => {
            assert!((400..700).contains(&status));
            let refusal = request.response(status, Some("t")).to_bytes();
            // It may be as odd as what it answers, but it is never read as something else.
            assert!(!matches!(parse(&refusal), Ok(Message::Request(_))));
        }
        Err(_) => {}
    }
});

/// Everything that the agent reads of a message.
fn look_at(message: &Message) {
    let headers = match message {
        Message::Request(request) => {
            if let Some(uri) = Uri::parse(&request.uri) {
                let text = uri.to_string();
                let again = Uri::parse(&text).expect("what we write can be read");
                assert_eq!(again.to_string(), text);
                let _ = (uri.user_text(), uri.transport());
            }
            let _ = (request.from(), request.to(), request.cseq(), request.contact(), request.call_id());
            let _ = (request.body_is("application/sdp"), request.body_of("application/sdp"));
            if let Some(mut via) = request.top_via() {
                let source = ([192, 0, 2, 1], 5060).into();
                via.mark_received(source);
                let _ = via.response_address(source);
                let text = via.to_string();
                assert!(Via::parse(&text).is_some(), "{text}");
            }
            &request.headers
        }
        Message::Response(response) => {
            let _ = (response.from(), response.to_tag(), response.cseq(), response.contact(), response.top_via());
            &response.headers
        }
    };
    for name in ["Contact", "Route", "Record-Route", "P-Asserted-Identity", "Diversion", "Require"] {
        for item in headers.items(name) {
            if let Some(parsed) = NameAddr::parse(&item) {
                let text = parsed.to_string();
                let again = NameAddr::parse(&text).unwrap_or_else(|| panic!("{text:?} of {item:?}"));
                assert_eq!(again.to_string(), text);
                let shown = clean(parsed.display.as_deref().unwrap_or_default());
                assert!(shown.chars().count() <= 128 && !shown.contains(|c: char| c.is_control()));
            }
        }
        let _ = headers.number(name);
    }
}
