//! Messages in the manner of RFC 4475 (torture) and RFC 5118 (IPv6), written from the RFCs' descriptions: each is sent
//! to an agent with a call up. Good ones are understood, bad ones refused or dropped, and the call is unharmed.

mod script;

use hatif_sip::text::{Message, Method, NameAddr, parse};
use hatif_sip::*;
use script::*;

/// What the agent says to a message: these statuses, in order.
fn says(message: &[u8]) -> (Vec<u16>, Rig) {
    let mut rig = Rig::new();
    let (call, invite, ok) = rig.incoming_call();
    let before = rig.events.len();
    rig.hear(message);
    let statuses = rig.statuses();
    // The call is still there and still ours to hold.
    rig.act(Input::Hold { call, on: true });
    assert!(rig.requests(Method::Invite).len() == 1 && rig.ends().is_empty());
    rig.in_dialog(&invite, &ok, Method::Info, 50, "");
    rig.responses();
    rig.events.drain(..before);
    (statuses, rig)
}

fn check(name: &str, message: &[u8], expected: &[u16]) -> Rig {
    let (statuses, rig) = says(message);
    assert_eq!(statuses, expected, "{name}");
    rig
}

fn lines(text: &str) -> Vec<u8> {
    text.replace('\n', "\r\n").into_bytes()
}

/// 3.1.1.1 A short tortuous INVITE: folds, odd cases, white space, escapes, compact forms, unknown headers.
#[test]
fn wsinv() {
    let sdp = "v=0\r\no=mhandley 29739 7272939 IN IP4 192.0.2.3\r\ns=-\r\nc=IN IP4 192.0.2.4\r\nt=0 0\r\nm=audio 49217 RTP/AVP 0 12\r\nm=video 3227 RTP/AVP 31\r\na=rtpmap:31 LPC\r\n";
    let head = "INVITE sip:vivekg@chair-dnrc.example.com;unknownparam SIP/2.0\nTO :\n sip:vivekg@chair-dnrc.example.com ;   tag    = 1918181833n\nfrom   : \"J Rosenberg \\\\\\\"\"       <sip:jdrosen@example.com>\n  ;\n  tag = 98asjd8\nMaX-fOrWaRdS: 0068\nCall-ID: wsinv.ndaksdj@192.0.2.1\nContent-Length   : LEN\ncseq: 0009\n  INVITE\nVia  : SIP  /   2.0\n /UDP\n    192.0.2.2;branch=390skdjuw\ns :\nNewFangledHeader:   newfangled value\n continued newfangled value\nUnknownHeaderWithUnusualValue: ;;,,;;,;\nContent-Type: application/sdp\nRoute:\n <sip:services.example.com;lr;unknownwith=value;unknown-no-value>\nv:  SIP  / 2.0  / TCP     spindle.example.com   ;\n  branch  =   z9hG4bK9ikj8  ,\n SIP  /    2.0   / UDP  192.168.255.111   ; branch=\n z9hG4bK30239\nm:\"Quoted string \\\"\\\"\" <sip:jdrosen@example.com> ; newparam =\n      newvalue ;\n  secondparam ; q = 0.33\n\n";
    let mut message = lines(&head.replace("LEN", &sdp.len().to_string()));
    message.extend_from_slice(sdp.as_bytes());
    let Ok(Message::Request(request)) = parse(&message) else { panic!("good message") };
    assert_eq!(request.to_tag().as_deref(), Some("1918181833n"));
    assert_eq!(request.from().and_then(|f| f.display).as_deref(), Some("J Rosenberg \\\""));
    assert_eq!(request.cseq(), Some((9, Method::Invite)));
    assert_eq!(request.headers.items("Via").len(), 3);
    assert_eq!(
        request.headers.text("NewFangledHeader").as_deref(),
        Some("newfangled value continued newfangled value")
    );
    assert_eq!(request.contact().map(|c| c.params.get("q").map(str::to_string)), Some(Some("0.33".into())));
    // It belongs to a dialog that we do not have.
    check("wsinv", &message, &[481]);
}

fn options(change: impl FnOnce(String) -> String) -> Vec<u8> {
    let text = "OPTIONS sip:alice@10.0.0.1 SIP/2.0\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKtorture\nMax-Forwards: 70\nFrom: <sip:t@example.com>;tag=1\nTo: <sip:alice@10.0.0.1>\nCall-ID: torture.1@192.0.2.1\nCSeq: 8 OPTIONS\nContent-Length: 0\n\n";
    lines(&change(text.to_string()))
}

/// 3.1.1.2 The wide range of characters that tokens may have.
#[test]
fn intmeth() {
    let text = "!interesting-Method0123456789_*+`.%indeed'~ sip:1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*:&it+has=1,weird!*pas$wo~d_too.(doesn't-it)@example.com SIP/2.0\nVia: SIP/2.0/TCP host1.example.com;branch=z9hG4bK-.!%66*_+`'~\nTo: \"BEL:\\\u{7} NUL:\\\u{0} DEL:\\\u{7f}\" <sip:1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*@example.com>\nFrom: token1~` token2'+_ token3*%!.- <sip:mundane@example.com>;fromParam''~+*_!.-%=\"\u{440}\u{430}\u{431}\";tag=_token~1'+`*%!-.\nCall-ID: intmeth.word%ZK-!.*_+'@word`~)(><:\\/\"][?}{\nCSeq: 139122385 !interesting-Method0123456789_*+`.%indeed'~\nMax-Forwards: 255\nextensionHeader-!.%*+_`'~:\u{fe}\u{ff}\nContent-Length: 0\n\n";
    let rig = check("intmeth", &lines(text), &[501]);
    assert_eq!(rig.events.iter().filter(|(_, e)| matches!(e, Event::Ended { .. })).count(), 0);
}

/// 3.1.1.3, 3.1.1.5 Escapes, also of nulls, are left alone. 3.1.1.4: `%ZZ` in a tag is no escape.
#[test]
fn escapes() {
    check("esc01", &options(|t| t.replace("sip:alice@10.0.0.1 ", "sip:sips%3Auser%40example.com@10.0.0.1 ")), &[200]);
    check("escnull", &options(|t| t.replace("<sip:t@", "<sip:null-%00-null@")), &[200]);
    check("esc02", &options(|t| t.replace("OPTIONS ", "RE%47IST%45R ").replace("8 OPTIONS", "8 RE%47IST%45R")), &[501]);
}

/// 3.1.1.6 No white space between display name and `<`. 3.1.1.7 Long values. 3.1.1.8 Extra bytes in the datagram.
#[test]
fn lengths_and_spaces() {
    check("lwsdisp", &options(|t| t.replace("<sip:t@example.com>", "caller<sip:t@example.com>")), &[200]);
    let long = "verylonguri".repeat(200);
    check(
        "longreq",
        &options(|t| t.replace("<sip:t@", &format!("\"{long}\" <sip:{long}@")).replace("torture.1", &long)),
        &[200],
    );
    let many: String = (0..30).map(|n| format!("Via: SIP/2.0/TCP sip{n}.example.com;branch=z9hG4bK{n}\n")).collect();
    check("longreq vias", &options(|t| t.replace("Max-Forwards", &format!("{many}Max-Forwards"))), &[200]);
    let mut dblreq = options(|t| t);
    dblreq.extend(options(|t| t.replace("OPTIONS", "INVITE")));
    check("dblreq", &dblreq, &[200]);
}

/// 3.1.1.9 Semicolons in user parts. 3.1.1.10 Unknown transports. 3.1.1.11 Multipart with 8-bit. 3.1.1.12 Odd reasons.
#[test]
fn odd_but_valid() {
    check("semiuri", &options(|t| t.replace("sip:alice@10.0.0.1 ", "sip:user;par=u%40example.net@10.0.0.1 ")), &[200]);
    check(
        "transports",
        &options(|t| {
            t.replace(
                "Max-",
                "Via: SIP/2.0/UNKNOWN t4.example.com;branch=z9hG4bK4\nVia: SIP/2.0/SCTP t3.example.com\nMax-",
            )
        }),
        &[200],
    );
    let mut mpart = options(|t| {
        t.replace("OPTIONS", "MESSAGE")
            .replace("Content-Length: 0", "Content-Type: multipart/mixed;boundary=x\nContent-Length: 10")
    });
    mpart.extend_from_slice(b"--x\r\n\x00\xff\xfe--");
    check("mpart01", &mpart, &[415]);
    let unreason = b"SIP/2.0 200 = 2**3 * 5**2 \xd0\xbd\xd0\xbe \r\nVia: SIP/2.0/UDP 192.0.2.198;branch=z9hG4bK1324923\r\nCall-ID: u\r\nCSeq: 35 INVITE\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:a@b>;tag=2\r\nContent-Length: 0\r\n\r\n";
    check("unreason", unreason, &[]);
    check("noreason", b"SIP/2.0 100 \r\nVia: SIP/2.0/UDP 192.0.2.105;branch=z9hG4bK2398ndaoe\r\nCall-ID: n\r\nCSeq: 35 INVITE\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:a@b>\r\nContent-Length: 0\r\n\r\n", &[]);
}

/// 3.1.2: what must be refused, or not be understood.
#[test]
fn invalid_messages() {
    let cases: Vec<(&str, Vec<u8>, &[u16])> = vec![
        ("badinv01 separators", options(|t| t.replace("rport", "").replace("z9hG4bKtorture", "z9hG4bKt;;,;,,").replace("From: <sip:t@example.com>;tag=1", "From: \"\" <sip:t@example.com>;;,;,,")), &[200]),
        ("clerr", options(|t| t.replace("Content-Length: 0", "Content-Length: 9999")), &[400]),
        ("ncl", options(|t| t.replace("Content-Length: 0", "Content-Length: -999")), &[400]),
        ("scalar02 CSeq", options(|t| t.replace("CSeq: 8", "CSeq: 36893488147419103232")), &[400]),
        ("scalar02 Max-Forwards", options(|t| t.replace("Max-Forwards: 70", "Max-Forwards: 300")), &[200]),
        ("scalarlg", b"SIP/2.0 503 Service Unavailable\r\nVia: SIP/2.0/UDP 192.0.2.129;branch=z9hG4bKz\r\nCSeq: 9292394834772304023312 OPTIONS\r\nCall-ID: s\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:a@b>;tag=2\r\nRetry-After: 949302838503028349304023988\r\nContent-Length: 0\r\n\r\n".to_vec(), &[]),
        ("quotbal", options(|t| t.replace("To: <sip:alice", "To: \"Mr. J. User <sip:alice")), &[400]),
        ("ltgtruri", options(|t| t.replace("OPTIONS sip:alice@10.0.0.1", "OPTIONS <sip:alice@10.0.0.1>")), &[400]),
        ("lwsruri", options(|t| t.replace("OPTIONS sip:alice@10.0.0.1", "OPTIONS sip:alice@10.0.0.1; lr")), &[400]),
        ("lwsstart", options(|t| t.replace("OPTIONS sip:alice@10.0.0.1 SIP", "OPTIONS  sip:alice@10.0.0.1  SIP")), &[400]),
        ("trws", options(|t| t.replacen("SIP/2.0\n", "SIP/2.0  \n", 1)), &[200]),
        ("escruri", options(|t| t.replace("OPTIONS sip:alice@10.0.0.1", "OPTIONS sip:alice@10.0.0.1?Route=%3Csip:x%3E")), &[200]),
        ("baddate", options(|t| t.replace("Max-", "Date: Fri, 01 Jan 2010 16:00:00 EST\nMax-")), &[200]),
        ("regbadct", options(|t| t.replace("OPTIONS", "REGISTER").replace("Max-", "Contact: sip:user@example.com?Route=%3Csip:x%3E\nMax-")), &[405]),
        ("badaspec", options(|t| t.replace("To: <sip:alice@10.0.0.1>", "To: \"Watson, Thomas\" < sip:t.watson@example.org >")), &[200]),
        ("baddn", options(|t| t.replace("From: <sip:t@example.com>", "From: Bell, Alexander <sip:a.g.bell@example.com>")), &[200]),
        ("badvers", options(|t| t.replacen("SIP/2.0", "SIP/7.0", 1)), &[505]),
        ("mismatch01", options(|t| t.replace("8 OPTIONS", "8 INVITE")), &[400]),
        ("mismatch02", options(|t| t.replacen("OPTIONS", "NEWMETHOD", 1)), &[400]),
        ("bigcode", b"SIP/2.0 4294967301 better not break the receiver\r\nVia: SIP/2.0/UDP x;branch=z9hG4bK1\r\n\r\n".to_vec(), &[]),
    ];
    for (name, message, expected) in cases {
        check(name, &message, expected);
    }
}

/// 3.3: structurally fine, but nothing that could be done.
#[test]
fn application_layer() {
    let cases: Vec<(&str, Vec<u8>, &[u16])> = vec![
        ("insuf", options(|t| t.replace("Call-ID: torture.1@192.0.2.1\n", "").replace("From: <sip:t@example.com>;tag=1\n", "")), &[]),
        ("unkscm", options(|t| t.replace("OPTIONS sip:alice@10.0.0.1", "OPTIONS nobodyKnowsThisScheme:totallyopaquecontent")), &[416]),
        ("novelsc", options(|t| t.replace("OPTIONS sip:alice@10.0.0.1", "OPTIONS soap.beep://192.0.2.103:3002")), &[416]),
        ("unksm2", options(|t| t.replace("To: <sip:alice@10.0.0.1>", "To: <isbn:2983792873>").replace("<sip:t@example.com>", "<http://www.example.com>")), &[200]),
        ("bext01", options(|t| t.replace("Max-", "Require: nothingSupportsThis, nothingSupportsThisEither\nProxy-Require: noProxiesSupportThis\nMax-")), &[420]),
        ("invut", options(|t| t.replace("OPTIONS", "INVITE").replace("Content-Length: 0", "Contact: <sip:t@192.0.2.1>\nContent-Type: application/unknownformat\nContent-Length: 5") + "<aud>"), &[415]),
        ("regaut01", options(|t| t.replace("OPTIONS", "REGISTER").replace("Max-", "Authorization: NoOneKnowsThisScheme opaque-data=here\nMax-")), &[405]),
        ("multi01", options(|t| t.replace("Max-", "CSeq: 59 INVITE\nCall-ID: multi01.again\nFrom: other <sip:x@y>;tag=2\nTo: <sip:z@y>\nMax-Forwards: 5\nMax-")), &[400]),
        ("mcl01", options(|t| t.replace("Content-Length: 0", "Content-Length: 13\nContent-Length: 5") + "There's no way to know"), &[400]),
        ("bcast", b"SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 192.0.2.198;branch=z9hG4bK1324923\r\nVia: SIP/2.0/UDP 255.255.255.255;branch=z9hG4bK1saber23\r\nCall-ID: b\r\nCSeq: 35 INVITE\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:a@b>;tag=2\r\nContent-Length: 0\r\n\r\n".to_vec(), &[]),
        ("zeromf", options(|t| t.replace("Max-Forwards: 70", "Max-Forwards: 0")), &[200]),
        ("cparam01", options(|t| t.replace("Max-", "Contact: sip:+19725552222@gw1.example.net;unknownparam\nMax-")), &[200]),
        ("regescrt", options(|t| t.replace("Max-", "Contact: <sip:user@example.com?Route=%3Csip:sip.example.com%3E>\nMax-")), &[200]),
        ("sdp01", options(|t| t.replace("OPTIONS", "INVITE").replace("Max-", "Accept: text/nobodyKnowsThis\nContact: <sip:t@192.0.2.1>\nMax-")), &[180]),
        ("inv2543", lines("INVITE sip:UserB@example.com SIP/2.0\nVia: SIP/2.0/UDP iftgw.example.com\nFrom: <sip:+13035551111@ift.client.example.net;user=phone>\nTo: sip:+16505552222@ss1.example.net;user=phone\nCall-ID: inv2543.1717@ift.client.example.com\nCSeq: 56 INVITE\nContact: <sip:+13035551111@192.0.2.1>\n\n"), &[180]),
    ];
    for (name, message, expected) in cases {
        check(name, &message, expected);
    }
}

/// RFC 5118: addresses in brackets, with and without, and where colons are ambiguous.
#[test]
fn ipv6() {
    check("ipv6-good", &options(|t| t.replace("UDP 192.0.2.1;", "UDP [2001:db8::9:1];")), &[200]);
    check(
        "received",
        &options(|t| t.replace("UDP 192.0.2.1;", "UDP [2001:db8::9:1];received=[2001:db8::9:255];")),
        &[200],
    );
    check("port", &options(|t| t.replace("sip:alice@10.0.0.1 ", "sip:alice@[2001:db8::10]:5070 ")), &[200]);
    check("ipv6-in-sdp", &options(|t| t.replace("UDP 192.0.2.1;", "UDP [::ffff:192.0.2.10]:19823;")), &[200]);
    check("three colons", &options(|t| t.replace("UDP 192.0.2.1;", "UDP [2001:db8:::1];")), &[]);
    check("no brackets", &options(|t| t.replace("OPTIONS sip:alice@10.0.0.1", "OPTIONS sip:2001:db8::10")), &[400]);
}

/// Values that took down other stacks (belle-sip CVE-2021-33056, CVE-2021-43611, eStara CVE-2006-0739 and kin).
#[test]
fn values_that_took_down_others() {
    for value in [
        "/",
        "\"",
        "\"\\",
        "<",
        ">",
        "<>",
        ";",
        ",",
        "=",
        "@",
        "sip:",
        "sip:@",
        "*",
        "\u{0}",
        "<sip:a@b>;tag=",
        "<sip:a@b>;=",
        "\"a\" \"b\" <sip:a@b>",
    ] {
        for name in [
            "From",
            "To",
            "Via",
            "Contact",
            "Diversion",
            "P-Asserted-Identity",
            "Route",
            "Record-Route",
            "CSeq",
            "Call-ID",
            "Require",
            "Content-Type",
            "History-Info",
            "Reason",
            "Event",
            "Authorization",
        ] {
            let message = options(|t| {
                let kept: String = t
                    .lines()
                    .filter(|l| !l.starts_with(&format!("{name}:")) && !l.is_empty())
                    .map(|l| format!("{l}\n"))
                    .collect();
                format!("{kept}{name}: {value}\n\n").replace("OPTIONS", "INVITE")
            });
            let (statuses, _) = says(&message);
            assert!(statuses.len() <= 1, "{name}: {value}: {statuses:?}");
            let _ = NameAddr::parse(value);
        }
    }
}
