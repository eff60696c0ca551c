//! Who is at the other end, and what else the PBX says of a call: with a scripted peer.

mod script;

use hatif_sip::text::Method;
use hatif_sip::*;
use script::*;

fn untrusted() -> Rig {
    Rig::with(AccountConfig { trust_identity: false, ..config(AccountKind::Registrar, Transport::Udp) })
}

fn told(rig: &mut Rig, head: &str) -> (Peer, CallHeaders) {
    rig.invite(head, OFFER);
    let Some((_, Event::Incoming { peer, headers, .. })) = rig.events.pop() else { panic!() };
    (peer, headers)
}

const PAI: &str = "P-Asserted-Identity: \"Boss\" <sip:+4930@pbx.example>\r\n";
const RPID: &str = "Remote-Party-ID: \"Front desk\" <sip:122@pbx.example>;party=calling;privacy=off;screen=no\r\n";

#[test]
fn the_pbx_is_believed_where_it_is_trusted() {
    let address = |mut rig: Rig, head: &str| {
        let peer = told(&mut rig, head).0;
        (peer.name.unwrap_or_default(), peer.address)
    };
    let is = |name: &str, address: &str| (name.to_string(), address.to_string());
    assert_eq!(address(Rig::new(), &format!("{RPID}{PAI}")), is("Boss", "+4930"));
    assert_eq!(address(Rig::new(), RPID), is("Front desk", "122"));
    assert_eq!(address(Rig::new(), &RPID.replace("privacy=off", "privacy=full")), is("Bob", "1002"));
    assert_eq!(address(untrusted(), &format!("{RPID}{PAI}")), is("Bob", "1002"));
    let direct = Rig::with(config(AccountKind::Direct, Transport::Udp));
    assert_eq!(address(direct, PAI), is("Bob", "1002"), "anybody may say anything there");
}

#[test]
fn verstat_is_shown_as_it_is() {
    let verified = |rig: &mut Rig, value: &str| told(rig, &format!("P-Asserted-Identity: {value}\r\n")).1.verified;
    for (value, expected) in [
        ("<sip:+4930;verstat=TN-Validation-Passed@pbx.example;user=phone>", Verified::Passed),
        ("<tel:+4930;verstat=TN-Validation-Failed>", Verified::Failed),
        ("<sip:+4930@pbx.example>;verstat=TN-Validation-Passed-A", Verified::Passed),
        ("<sip:+4930@pbx.example;verstat=No-TN-Validation>", Verified::Unknown),
        ("\"x;verstat=TN-Validation-Passed\" <sip:+4930@pbx.example>", Verified::Unknown),
        ("<sip:+4930@pbx.example>, <tel:+4930;verstat=TN-Validation-Passed>", Verified::Passed),
        ("<sip:+4930@pbx.example>", Verified::Unknown),
    ] {
        assert_eq!(verified(&mut Rig::new(), value), expected, "{value}");
    }
    assert_eq!(verified(&mut untrusted(), "<tel:+4930;verstat=TN-Validation-Passed>"), Verified::Unknown);
    let (peer, _) = told(&mut Rig::new(), "P-Asserted-Identity: <sip:+4930;verstat=TN-Validation-Passed@x>\r\n");
    assert_eq!(peer.address, "+4930");
}

#[test]
fn wishes_to_be_answered_are_understood_in_every_dialect() {
    for (head, after) in [
        ("Call-Info: <sip:x>;answer-after=3\r\n", Some(3)),
        ("Alert-Info: <http://127.0.0.1>;info=alert-autoanswer;delay=2\r\n", Some(2)),
        ("Alert-Info: info=alert-autoanswer\r\n", Some(0)),
        ("Alert-Info: ;answer-after=0\r\n", Some(0)),
        ("Alert-Info: Ring Answer\r\n", Some(0)),
        ("Alert-Info: <x>;info=Auto Answer\r\nCall-Info: <y>;answer-after=9\r\n", Some(9)),
        ("Answer-Mode: Auto;require\r\n", Some(0)),
        ("Answer-Mode: Manual\r\n", None),
        ("X-AUTOANSWER: TRUE\r\n", Some(0)),
        ("Alert-Info: <x>;info=Bellcore-dr1\r\n", None),
        ("Call-Info: <x>;answer-after=99999999999999999999\r\n", None),
        ("", None),
    ] {
        assert_eq!(told(&mut Rig::new(), head).1.answer_after, after, "{head}");
    }
}

#[test]
fn headers_for_the_account_to_map_are_handed_on() {
    let head = "X-Customer-Id: 4711\r\nUser-to-User: 56\u{202e}a6;encoding=hex\r\nX-Queue-Name: Sales\r\nSession-Expires: 90\r\nx-empty:\r\n";
    let headers = told(&mut Rig::new(), head).1;
    let pair = |(name, value): &(String, String)| format!("{name}={value}");
    assert_eq!(
        headers.extra.iter().map(pair).collect::<Vec<_>>(),
        ["X-Customer-Id=4711", "User-to-User=56a6;encoding=hex", "X-Queue-Name=Sales"]
    );
    assert_eq!(headers.queue.as_deref(), Some("Sales"));
    let many: String = (0..60).map(|n| format!("X-{n}: {}\r\n", "v".repeat(500))).collect();
    let headers = told(&mut Rig::new(), &many).1;
    assert!(headers.extra.len() == 32 && headers.extra.iter().all(|(_, v)| v.len() == 128));
    let diverted = "Diversion: <sip:300@x>;reason=no-answer, <sip:200@x>;reason=unconditional\r\n";
    assert_eq!(told(&mut Rig::new(), diverted).1.dialled.as_deref(), Some("200"));
    let history = "History-Info: <sip:400@x>;index=1, <sip:alice@x>;index=1.1\r\n";
    assert_eq!(told(&mut Rig::new(), history).1.dialled.as_deref(), Some("400"));
}

fn changes(rig: &Rig) -> Vec<(Option<String>, String)> {
    let change = |e: &Event| match e {
        Event::PeerChanged { peer, .. } => Some((peer.name.clone(), peer.address.clone())),
        _ => None,
    };
    rig.events.iter().filter_map(|(_, e)| change(e)).collect()
}

#[test]
fn a_transferred_call_has_a_new_peer() {
    let boss = || (Some("Boss".to_string()), "+4930".to_string());
    for (method, body) in [(Method::Update, ""), (Method::Invite, OFFER), (Method::Update, OFFER)] {
        let mut rig = Rig::new();
        let (_, invite, ok) = rig.incoming_call();
        rig.in_dialog_with(&invite, &ok, method, 5, &PAI.replace('\r', ""), "application/sdp", body);
        assert_eq!(changes(&rig), [boss()]);
        // The same once more is nothing new.
        rig.in_dialog_with(&invite, &ok, Method::Update, 6, &PAI.replace('\r', ""), "application/sdp", "");
        assert_eq!(changes(&rig), [boss()]);
    }
    let mut rig = untrusted();
    let (_, invite, ok) = rig.incoming_call();
    rig.in_dialog_with(&invite, &ok, Method::Update, 5, &PAI.replace('\r', ""), "application/sdp", "");
    assert_eq!(changes(&rig), []);
}

#[test]
fn whom_we_reach_may_be_named_by_the_answer() {
    let mut rig = Rig::new();
    let invite = rig.dial("1002");
    let head = format!("Contact: <sip:1002@{PBX}>\nP-Asserted-Identity: \"Zoe\" <sip:1002@pbx.example>\n");
    rig.reply(&invite, 200, "t", &head, OFFER);
    assert_eq!(changes(&rig), [(Some("Zoe".into()), "1002".into())]);
    let mut rig = Rig::new();
    let invite = rig.dial("1002");
    rig.reply(&invite, 200, "t", &head.replace("\"Zoe\" ", ""), OFFER);
    assert_eq!(changes(&rig), [], "nothing that we did not know");
}

#[test]
fn digits_by_info_are_told() {
    let mut rig = Rig::new();
    let (_, invite, ok) = rig.incoming_call();
    for (n, (kind, body)) in [
        ("application/dtmf-relay", "Signal=5\r\nDuration=160\r\n"),
        ("application/dtmf-relay", "Signal= *\r\nDuration= 160\r\n"),
        ("application/dtmf-relay", "Duration=160\nsignal = 11\n"),
        ("application/dtmf", "d"),
        ("application/dtmf", "10"),
        ("application/dtmf", "x"),
        ("application/dtmf-relay", "Signal=\u{202e}5"),
        ("application/media_control+xml", "5"),
    ]
    .into_iter()
    .enumerate()
    {
        rig.in_dialog_with(&invite, &ok, Method::Info, 5 + n as u32, "", kind, body);
        assert_eq!(rig.statuses(), [200]);
    }
    let digit = |e: &Event| if let Event::Digit { digit, .. } = e { Some(*digit) } else { None };
    let digits: String = rig.events.iter().filter_map(|(_, e)| digit(e)).collect();
    assert_eq!(digits, "5*#D*");
}
