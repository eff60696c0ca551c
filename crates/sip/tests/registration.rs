//! Registration against a scripted registrar: challenges, refresh, loss and return, and what must never be answered.

mod script;

use hatif_sip::text::{Method, Request};
use hatif_sip::*;
use script::*;
use std::time::Duration;

const MD5: &str = "WWW-Authenticate: Digest realm=\"pbx\", nonce=\"n1\", qop=\"auth\"\n";
const SHA: &str = "WWW-Authenticate: Digest realm=\"pbx\", nonce=\"n2\", algorithm=SHA-256, qop=\"auth\"\n";

fn auth(request: &Request) -> String {
    request.headers.text("Authorization").unwrap_or_default().into_owned()
}

fn down(rig: &Rig) -> (Cause, bool) {
    match rig.registration() {
        Some((_, RegistrationState::Down { cause, retry_at })) => (cause, retry_at.is_some()),
        other => panic!("not down: {other:?}"),
    }
}

fn is_up(rig: &Rig) -> bool {
    matches!(rig.registration(), Some((_, RegistrationState::Up { .. })))
}

fn ask(rig: &mut Rig) -> Request {
    rig.act(Input::Register(ACCOUNT));
    rig.request(Method::Register)
}

#[test]
fn sha_256_goes_before_md5_and_md5_is_never_gone_back_to() {
    let mut rig = Rig::new();
    let first = ask(&mut rig);
    assert_eq!(first.uri, "sip:pbx.example");
    rig.reply(&first, 401, "r", &format!("{MD5}{SHA}"), "");
    let second = rig.request(Method::Register);
    assert_eq!(second.headers.count("Authorization"), 1);
    assert!(auth(&second).contains("algorithm=SHA-256"), "{}", auth(&second));
    assert_eq!(second.call_id(), first.call_id());
    assert_eq!(second.from_tag(), first.from_tag());
    assert_eq!(second.cseq().map(|c| c.0), first.cseq().map(|c| c.0 + 1));
    rig.reply(&second, 200, "r", "Expires: 60\n", "");
    assert!(is_up(&rig));
    // The refresh uses the nonce again, counted.
    rig.seconds(46);
    let refresh = rig.request(Method::Register);
    assert!(auth(&refresh).contains("nonce=\"n2\"") && auth(&refresh).contains("nc=00000002"), "{}", auth(&refresh));
    // The PBX, or somebody in between, now offers MD5 only.
    rig.reply(&refresh, 401, "r", MD5, "");
    assert_eq!(rig.requests(Method::Register), []);
    assert_eq!(down(&rig), (Cause::ChallengeRefused, false));
}

#[test]
fn a_stale_nonce_is_replaced_without_asking() {
    let mut rig = Rig::new();
    let request = ask(&mut rig);
    rig.reply(&request, 401, "r", MD5, "");
    let request = rig.request(Method::Register);
    rig.reply(
        &request,
        401,
        "r",
        "WWW-Authenticate: Digest realm=\"pbx\", nonce=\"n9\", qop=\"auth\", stale=TRUE\n",
        "",
    );
    let request = rig.request(Method::Register);
    assert!(auth(&request).contains("nonce=\"n9\"") && auth(&request).contains("nc=00000001"), "{}", auth(&request));
    rig.reply(&request, 200, "r", "Expires: 60\n", "");
    assert!(is_up(&rig));
}

#[test]
fn proxy_and_registrar_may_have_realms_of_their_own() {
    let mut rig = Rig::new();
    let request = ask(&mut rig);
    rig.reply(&request, 407, "r", "Proxy-Authenticate: Digest realm=\"proxy\", nonce=\"p1\", qop=\"auth\"\n", "");
    let request = rig.request(Method::Register);
    assert!(request.headers.text("Proxy-Authorization").is_some_and(|v| v.contains("realm=\"proxy\"")));
    rig.reply(&request, 401, "r", MD5, "");
    let request = rig.request(Method::Register);
    assert!(auth(&request).contains("realm=\"pbx\""));
    assert!(request.headers.text("Proxy-Authorization").is_some_and(|v| v.contains("nc=00000002")));
    rig.reply(&request, 200, "r", "Expires: 60\n", "");
    assert!(is_up(&rig));
}

#[test]
fn a_wrong_password_ends_the_attempts() {
    for second in [MD5, "WWW-Authenticate: Digest realm=\"pbx\", nonce=\"another\", qop=\"auth\"\n"] {
        let mut rig = Rig::new();
        let request = ask(&mut rig);
        rig.reply(&request, 401, "r", MD5, "");
        let request = rig.request(Method::Register);
        rig.reply(&request, 401, "r", second, "");
        assert_eq!(down(&rig), (Cause::Unauthorized, false));
        rig.seconds(3600);
        assert_eq!(rig.requests(Method::Register), []);
    }
}

#[test]
fn the_realm_is_pinned_by_the_first_success() {
    let mut rig = Rig::new();
    let request = ask(&mut rig);
    rig.reply(&request, 401, "r", MD5, "");
    let request = rig.request(Method::Register);
    rig.reply(&request, 200, "r", "Expires: 60\n", "");
    rig.seconds(46);
    let request = rig.request(Method::Register);
    rig.reply(&request, 401, "r", "WWW-Authenticate: Digest realm=\"evil\", nonce=\"e\", qop=\"auth\"\n", "");
    assert_eq!(rig.requests(Method::Register), []);
    assert_eq!(down(&rig), (Cause::RealmChanged, false));
}

#[test]
fn basic_and_unknown_algorithms_are_refused() {
    for challenge in [
        "Basic realm=\"pbx\"",
        "Digest realm=\"pbx\", nonce=\"n\", algorithm=MD4",
        "Digest realm=\"pbx\", nonce=\"n\", qop=\"auth-int\"",
    ] {
        let mut rig = Rig::new();
        let request = ask(&mut rig);
        rig.reply(&request, 401, "r", &format!("WWW-Authenticate: {challenge}\n"), "");
        assert_eq!(rig.requests(Method::Register), [], "{challenge}");
        assert_eq!(down(&rig), (Cause::ChallengeRefused, false), "{challenge}");
    }
}

#[test]
fn too_brief_is_asked_longer() {
    let mut rig = Rig::new();
    let request = ask(&mut rig);
    assert_eq!(request.headers.number("Expires"), Some(600));
    rig.reply(&request, 423, "r", "Min-Expires: 1800\n", "");
    rig.seconds(2);
    let request = rig.request(Method::Register);
    assert_eq!(request.headers.number("Expires"), Some(1800));
    rig.reply(&request, 200, "r", "", "");
    assert_eq!(rig.registration().map(|r| r.1), Some(RegistrationState::Up { expires: Duration::from_secs(1800) }));
}

#[test]
fn our_own_contact_says_how_long() {
    let mut rig = Rig::new();
    let request = ask(&mut rig);
    let contact = request.headers.text("Contact").expect("Contact").into_owned();
    assert_eq!(contact, "<sip:alice@10.0.0.1:5060>");
    let head = format!("Contact: <sip:alice@10.9.9.9:5060>;expires=5, {contact};expires=90\nExpires: 3000\n");
    rig.reply(&request, 200, "r", &head, "");
    assert_eq!(rig.registration().map(|r| r.1), Some(RegistrationState::Up { expires: Duration::from_secs(90) }));
}

#[test]
fn a_lost_registrar_is_told_within_3_s_and_found_again_within_5() {
    let mut rig = Rig::new();
    rig.register();
    // The refresh is due after 450 s; nobody answers it.
    rig.seconds(451);
    assert_eq!(rig.requests(Method::Register).len(), 2, "one, and one repeated after T1");
    let refreshed = Duration::from_secs(450);
    rig.seconds(120);
    let (at, state) = rig.registration().expect("told");
    assert!(matches!(state, RegistrationState::Down { cause: Cause::TimedOut, retry_at: Some(_) }), "{state:?}");
    let first =
        rig.events.iter().find(|(_, e)| matches!(e, Event::Registration { state: RegistrationState::Down { .. }, .. }));
    let first = first.expect("told").0;
    assert!(first - refreshed <= Duration::from_secs(3), "{first:?}, {at:?}");
    // It is back: whatever we send next is answered.
    rig.requests(Method::Register);
    let back = rig.now;
    loop {
        rig.pass(Duration::from_millis(100));
        if let Some(request) = rig.requests(Method::Register).pop() {
            rig.reply(&request, 200, "r", "Expires: 600\n", "");
            break;
        }
        assert!(rig.now - back < Duration::from_secs(5), "nothing sent for 5 s");
    }
    assert!(is_up(&rig));
}

#[test]
fn never_more_than_one_attempt_a_second() {
    let mut rig = Rig::new();
    let mut last = None;
    for _ in 0..200 {
        rig.act(Input::Register(ACCOUNT));
        rig.pass(Duration::from_millis(50));
        for request in rig.requests(Method::Register) {
            if let Some(last) = last {
                assert!(rig.now - last >= Duration::from_millis(950), "{:?}", rig.now - last);
            }
            last = Some(rig.now);
            rig.reply(&request, 200, "r", "Expires: 600\n", "");
        }
    }
}

#[test]
fn refusals_wait_as_the_registrar_asks() {
    for (status, head, cause, pause) in [
        (503, "Retry-After: 30 (busy);duration=5\n", Cause::ServerError, Some(30)),
        (500, "", Cause::ServerError, Some(4)),
        (480, "", Cause::TimedOut, Some(4)),
        (400, "", Cause::Other { status: 400 }, Some(30)),
        (403, "", Cause::Forbidden, None),
        (404, "", Cause::NotFound, None),
    ] {
        let mut rig = Rig::new();
        let request = ask(&mut rig);
        rig.reply(&request, status, "r", head, "");
        assert_eq!(down(&rig), (cause, pause.is_some()));
        rig.pass(Duration::from_secs(pause.unwrap_or(3600)) - Duration::from_millis(1));
        assert_eq!(rig.requests(Method::Register), [], "{status}");
        rig.pass(Duration::from_millis(1));
        assert_eq!(rig.requests(Method::Register).len(), usize::from(pause.is_some()), "{status}");
    }
}

#[test]
fn a_lost_wire_is_told_at_once_and_opened_again() {
    let mut rig = Rig::with(config(AccountKind::Registrar, Transport::Tcp));
    rig.register();
    rig.opened.clear();
    rig.act(Input::WireDown { account: ACCOUNT, failure: WireFailure::Closed });
    assert_eq!(down(&rig), (Cause::Wire(WireFailure::Closed), true));
    for _ in 0..6 {
        rig.seconds(5);
        rig.act(Input::WireDown { account: ACCOUNT, failure: WireFailure::Refused });
    }
    let gaps: Vec<Duration> = rig.opened.windows(2).map(|w| w[1] - w[0]).collect();
    assert_eq!(rig.opened.len(), 6, "{:?}", rig.opened);
    assert!(gaps.iter().all(|gap| *gap <= Duration::from_secs(9)), "{gaps:?}");
    rig.seconds(4);
    rig.wire_up();
    let register = rig.request(Method::Register);
    assert_eq!(register.headers.text("Contact").as_deref(), Some("<sip:alice@10.0.0.1:5060;transport=tcp>"));
    rig.reply(&register, 200, "r", "Expires: 600\n", "");
    assert!(is_up(&rig));
}

#[test]
fn a_refused_certificate_is_for_a_person() {
    let mut rig = Rig::with(config(AccountKind::Registrar, Transport::Tls));
    rig.register();
    rig.opened.clear();
    rig.act(Input::WireDown { account: ACCOUNT, failure: WireFailure::CertificateUnknownCa });
    assert_eq!(down(&rig), (Cause::Wire(WireFailure::CertificateUnknownCa), false));
    rig.seconds(3600);
    assert_eq!(rig.opened, []);
    rig.act(Input::Register(ACCOUNT));
    assert_eq!(rig.opened.len(), 1);
}

#[test]
fn a_stream_that_carries_no_answer_is_made_anew() {
    let mut rig = Rig::with(config(AccountKind::Registrar, Transport::Tcp));
    rig.register();
    rig.opened.clear();
    rig.seconds(456);
    assert_eq!((rig.closed, rig.opened.len()), (1, 1));
    assert_eq!(down(&rig), (Cause::TimedOut, true));
    rig.wire_up();
    rig.requests(Method::Register).pop().expect("a new REGISTER");
}

#[test]
fn unregister_stop_and_remove_say_good_bye() {
    let mut rig = Rig::new();
    rig.register();
    rig.act(Input::Unregister(ACCOUNT));
    let bye = rig.request(Method::Register);
    assert_eq!(bye.headers.number("Expires"), Some(0));
    rig.reply(&bye, 401, "r", MD5, "");
    let bye = rig.request(Method::Register);
    assert!(auth(&bye).contains("realm=\"pbx\""));
    rig.reply(&bye, 200, "r", "", "");
    assert_eq!(rig.registration().map(|r| r.1), Some(RegistrationState::Off));

    let mut rig = Rig::new();
    rig.register();
    rig.act(Input::Stop);
    let bye = rig.request(Method::Register);
    assert!(!rig.events.iter().any(|(_, e)| *e == Event::Stopped));
    rig.reply(&bye, 200, "r", "", "");
    assert!(rig.events.iter().any(|(_, e)| *e == Event::Stopped));
    assert_eq!((rig.closed, rig.agent.poll_timeout()), (1, None));

    // Nobody answers: two seconds are enough.
    let mut rig = Rig::new();
    rig.register();
    let call = rig.incoming_call();
    let stopped_at = rig.now;
    rig.act(Input::Stop);
    assert_eq!(rig.ends(), [EndReason::LocalHangUp], "{call:?}");
    rig.seconds(10);
    let (at, _) = rig.events.iter().find(|(_, e)| *e == Event::Stopped).expect("stopped");
    assert!(*at <= stopped_at - rig.start + Duration::from_secs(2));
    assert_eq!(rig.agent.poll_timeout(), None);

    let mut rig = Rig::new();
    rig.register();
    rig.act(Input::RemoveAccount(ACCOUNT));
    rig.request(Method::Register);
    rig.seconds(3);
    assert_eq!((rig.closed, rig.agent.poll_timeout()), (1, None));
}

/// Whoever sets an account that is up, to give it another name, is told that it is up; nothing is made anew.
#[test]
fn an_account_that_is_set_again_as_it_is_keeps_its_wire_and_tells_its_state() {
    let mut rig = Rig::new();
    rig.act(Input::Register(ACCOUNT));
    let register = rig.request(Method::Register);
    rig.reply(&register, 200, "t", "Expires: 600\n", "");
    rig.events.clear();
    for display_name in [None, Some("Alice".to_string())] {
        let config = AccountConfig { display_name, ..config(AccountKind::Registrar, Transport::Udp) };
        rig.act(Input::SetAccount(Box::new(config)));
        let told = std::mem::take(&mut rig.events);
        assert!(
            matches!(&told[..], [(_, Event::Registration { state: RegistrationState::Up { .. }, .. })]),
            "{told:?}"
        );
    }
    assert_eq!((rig.closed, rig.requests(Method::Register).len()), (0, 0));
}

fn with_stream() -> Rig {
    let instance = Some("urn:uuid:00000000-0000-4000-8000-000000000000".into());
    Rig::with(AccountConfig { instance, ..config(AccountKind::Registrar, Transport::Tcp) })
}

/// RFC 5626 4.2: a new flow takes the place of the one before.
#[test]
fn a_streams_registration_names_its_flow() {
    let mut rig = with_stream();
    let request = ask(&mut rig);
    let contact = request.headers.text("Contact").expect("a Contact").into_owned();
    assert!(
        contact.ends_with(";reg-id=1;+sip.instance=\"<urn:uuid:00000000-0000-4000-8000-000000000000>\""),
        "{contact}"
    );
    assert!(request.headers.has_option("Supported", "outbound") && request.headers.has_option("Supported", "path"));
    // Somebody on the way knows nothing of it, and says so.
    rig.reply(&request, 439, "r", "", "");
    let request = rig.request(Method::Register);
    assert!(!request.headers.text("Contact").is_some_and(|contact| contact.contains("reg-id")));
    rig.reply(&request, 200, "r", "Expires: 60\n", "");
    assert!(is_up(&rig));
    // It is refused once; a refusal of nothing is one.
    let mut rig = with_stream();
    for _ in 0..2 {
        let request = ask(&mut rig);
        rig.reply(&request, 439, "r", "", "");
    }
    assert!(matches!(down(&rig), (Cause::Other { status: 439 }, true)));
}

#[test]
fn what_is_doubted_is_asked_at_once_and_what_is_off_stays_off() {
    let mut rig = Rig::new();
    rig.act(Input::Doubt(ACCOUNT));
    assert_eq!(rig.requests(Method::Register), []);
    let request = ask(&mut rig);
    rig.reply(&request, 200, "r", "Expires: 600\n", "");
    rig.seconds(10);
    rig.act(Input::Doubt(ACCOUNT));
    let request = rig.request(Method::Register);
    rig.reply(&request, 200, "r", "Expires: 600\n", "");
    rig.act(Input::Unregister(ACCOUNT));
    let request = rig.request(Method::Register);
    rig.reply(&request, 200, "r", "", "");
    rig.act(Input::Doubt(ACCOUNT));
    assert_eq!(rig.requests(Method::Register), []);
}

/// A wire to the PBX from that address of ours, after the one before was lost.
fn wire_from(rig: &mut Rig, local: &str) {
    rig.act(Input::WireDown { account: ACCOUNT, failure: WireFailure::Closed });
    rig.seconds(2);
    rig.sent.clear();
    let (local, remote) = (local.parse().expect("address"), vec![PBX.parse().expect("address")]);
    rig.act(Input::WireUp { account: ACCOUNT, local, remote });
}

/// The peer of a call is told where we are found now, or its BYE would go where nobody is.
#[test]
fn a_call_tells_its_peer_where_the_new_flow_is() {
    let mut rig = Rig::with(config(AccountKind::Registrar, Transport::Tcp));
    let (call, _, _) = rig.incoming_call();
    wire_from(&mut rig, "10.0.0.1:7777");
    let told = rig.request(Method::Invite);
    assert!(told.headers.text("Contact").is_some_and(|contact| contact.contains("@10.0.0.1:7777")));
    assert!(told.to_tag().is_some(), "it is a re-INVITE");
    rig.reply(&told, 200, "", "", OFFER);
    rig.request(Method::Ack);
    let ended = |rig: &Rig| rig.events.iter().any(|(_, e)| matches!(e, Event::Ended { call: c, .. } if *c == call));
    assert!(!ended(&rig));
    wire_from(&mut rig, "10.0.0.1:7777");
    assert_eq!(rig.requests(Method::Invite), [], "the same address again is nothing to tell");
}

/// In another network the voice moves too: one re-INVITE tells both.
#[test]
fn a_call_in_another_network_tells_where_it_is_heard() {
    let mut rig = Rig::new();
    let (call, _, _) = rig.incoming_call();
    wire_from(&mut rig, "10.0.9.9:7777");
    assert_eq!(rig.requests(Method::Invite), [], "it waits for the port");
    rig.act(Input::Move { call, media: "10.0.9.9:8000".parse().expect("address"), gathered: Vec::new() });
    let told = rig.request(Method::Invite);
    let body = String::from_utf8_lossy(&told.body).into_owned();
    assert!(body.contains("c=IN IP4 10.0.9.9") && body.contains("m=audio 8000 "), "{body}");
    assert!(told.headers.text("Contact").is_some_and(|contact| contact.contains("@10.0.9.9:7777")));
    rig.reply(&told, 200, "", "", OFFER);
    rig.request(Method::Ack);
    rig.seconds(5);
    assert_eq!(rig.requests(Method::Invite), [], "once is enough");
    // No port can be had: the way of the signalling is told all the same.
    wire_from(&mut rig, "10.0.8.8:7777");
    rig.seconds(2);
    rig.request(Method::Invite);
}

const SECOND: &str = "192.0.2.2:5060";

/// A wire to one of two servers of one name.
fn two_servers(rig: &mut Rig, first: &str) {
    let other = if first == PBX { SECOND } else { PBX };
    let remote = [first, other].map(|addr| addr.parse().expect("address")).to_vec();
    rig.act(Input::WireUp { account: ACCOUNT, local: OWN.parse().expect("address"), remote });
}

/// RFC 3263 4.3: 503 or silence means the next server; once each has had its turn, patience.
#[test]
fn a_registrar_that_cannot_is_left_for_the_next_one() {
    for head in ["Retry-After: 30\n", ""] {
        let mut rig = Rig::new();
        two_servers(&mut rig, PBX);
        let opened = rig.opened.len();
        let request = ask(&mut rig);
        rig.reply(&request, 503, "r", head, "");
        assert_eq!(rig.avoided, [Duration::from_secs(if head.is_empty() { 60 } else { 30 })]);
        assert_eq!(rig.opened.len(), opened + 1);
        assert!(matches!(down(&rig), (Cause::ServerError, true)));
        two_servers(&mut rig, SECOND);
        rig.seconds(1);
        let request = rig.request(Method::Register);
        rig.reply(&request, 503, "r", "Retry-After: 5\n", "");
        assert_eq!((rig.avoided.len(), rig.opened.len()), (1, opened + 1), "both have had their turn");
        rig.seconds(4);
        assert_eq!(rig.requests(Method::Register), [], "it said when");
        rig.seconds(1);
        let request = rig.request(Method::Register);
        rig.reply(&request, 200, "r", "Expires: 60\n", "");
        assert!(is_up(&rig));
    }
}

#[test]
fn a_registrar_that_says_nothing_is_left_by_udp_too_where_there_is_another() {
    let mut rig = Rig::new();
    two_servers(&mut rig, PBX);
    ask(&mut rig);
    rig.seconds(6);
    assert_eq!(rig.avoided.len(), 1);
    two_servers(&mut rig, SECOND);
    rig.sent.clear();
    rig.seconds(1);
    let request = rig.request(Method::Register);
    rig.reply(&request, 200, "r", "Expires: 600\n", "");
    assert!(is_up(&rig));
    // The first is there again: back to it, but not out of a call.
    let (call, _, _) = rig.incoming_call();
    rig.act(Input::Return(ACCOUNT));
    assert_eq!(rig.requests(Method::Register), []);
    rig.act(Input::HangUp { call });
    let bye = rig.request(Method::Bye);
    rig.reply(&bye, 200, "", "", "");
    rig.seconds(40);
    let opened = rig.opened.len();
    rig.act(Input::Return(ACCOUNT));
    let goodbye = rig.request(Method::Register);
    assert_eq!(goodbye.headers.number("Expires"), Some(0));
    assert_eq!(rig.opened.len(), opened + 1);
    two_servers(&mut rig, PBX);
    let request = rig.request(Method::Register);
    rig.reply(&request, 200, "r", "Expires: 600\n", "");
    assert!(is_up(&rig));
}

/// One server, nothing to turn to: as ever.
#[test]
fn a_single_registrar_is_never_left() {
    let mut rig = Rig::new();
    let request = ask(&mut rig);
    rig.reply(&request, 503, "r", "Retry-After: 10\n", "");
    assert!(rig.avoided.is_empty());
    rig.seconds(9);
    assert_eq!(rig.requests(Method::Register), []);
    rig.seconds(1);
    rig.request(Method::Register);
}

/// A server that says for how long it cannot take calls is left, and the call goes to the next one: once, and only then.
#[test]
fn a_call_goes_to_the_next_server() {
    let mut rig = Rig::new();
    two_servers(&mut rig, PBX);
    rig.act(Input::Invite { account: ACCOUNT, call: CALL, target: "600".into(), media: local_media() });
    let invite = rig.request(Method::Invite);
    rig.reply(&invite, 503, "x", "Retry-After: 30\n", "");
    assert_eq!(rig.avoided, [Duration::from_secs(30)]);
    two_servers(&mut rig, SECOND);
    let again = rig.request(Method::Invite);
    assert_ne!(again.call_id(), invite.call_id());
    let ended = |rig: &Rig| rig.events.iter().any(|(_, event)| matches!(event, Event::Ended { .. }));
    assert!(!ended(&rig));
    rig.reply(&again, 503, "x", "Retry-After: 30\n", "");
    assert!(ended(&rig));
    // The callee's own 503 says no time.
    let mut rig = Rig::new();
    two_servers(&mut rig, PBX);
    rig.act(Input::Invite { account: ACCOUNT, call: CALL, target: "600".into(), media: local_media() });
    let invite = rig.request(Method::Invite);
    rig.reply(&invite, 503, "x", "", "");
    assert!(rig.avoided.is_empty() && ended(&rig));
}
