//! The digest leak (CVE-2021-41158 and kin): whatever a peer challenges, the password is proved to the own PBX only.

mod script;

use hatif_sip::text::{Message, Method, Request};
use hatif_sip::*;
use script::*;

/// Whatever a peer challenges, credentials go to the own PBX only.
#[test]
fn credentials_never_leave_the_own_pbx() {
    let leaked = |rig: &Rig| {
        rig.sent.iter().any(|(_, m)| match m {
            Message::Request(r) => r.headers.count("Authorization") + r.headers.count("Proxy-Authorization") > 0,
            Message::Response(_) => false,
        })
    };
    let mut cases = 0;
    for kind in [AccountKind::Registrar, AccountKind::Direct] {
        for transport in [Transport::Udp, Transport::Tcp, Transport::Tls] {
            for (status, name) in [(401, "WWW-Authenticate"), (407, "Proxy-Authenticate")] {
                for realm in ["pbx", "evil"] {
                    for what in ["INVITE", "re-INVITE", "BYE", "INFO"] {
                        for incoming in [false, true] {
                            if what == "INVITE" && incoming {
                                continue;
                            }
                            cases += 1;
                            let mut rig = Rig::with(config(kind, transport));
                            if kind == AccountKind::Registrar {
                                // The realm is pinned: the account has its PBX.
                                rig.act(Input::Register(ACCOUNT));
                                let register = rig.request(Method::Register);
                                rig.reply(
                                    &register,
                                    401,
                                    "r",
                                    "WWW-Authenticate: Digest realm=\"pbx\", nonce=\"n\", qop=\"auth\"\n",
                                    "",
                                );
                                let register = rig.request(Method::Register);
                                rig.reply(&register, 200, "r", "Expires: 600\n", "");
                            }
                            let challenge =
                                format!("{name}: Digest realm=\"{realm}\", nonce=\"rogue\", qop=\"auth\"\n");
                            let request = rogue_challenges(&mut rig, what, incoming);
                            rig.sent.clear();
                            rig.reply(&request, status, "t", &challenge, "");
                            // A proxy in our own path may ask again in its own realm; a far endpoint may not.
                            let own_proxy = kind == AccountKind::Registrar && status == 407 && realm == "pbx";
                            let via_pbx = transport != Transport::Udp || what == "INVITE";
                            if !(own_proxy && via_pbx) {
                                let ctx = format!("{kind:?} {transport:?} {status} {realm} {what} incoming {incoming}");
                                assert!(!leaked(&rig), "{ctx}: {:?}", rig.sent);
                            }
                        }
                    }
                }
            }
        }
    }
    assert!(cases >= 96 * 3 / 2, "{cases}");
}

/// Brings a call with a peer at an address of its own to the request that is to be challenged.
fn rogue_challenges(rig: &mut Rig, what: &str, incoming: bool) -> Request {
    let call = if incoming {
        let text = rig.peer_request("INVITE", "", OFFER).replace(&format!("1002@{PBX}"), "rogue@203.0.113.9:5060");
        let text = text.replace("Content-Length", "Content-Type: application/sdp\r\nContent-Length");
        rig.hear(text.as_bytes());
        let Some((_, Event::Incoming { call, .. })) = rig.events.last() else { panic!("{:?}", rig.events) };
        let call = *call;
        rig.act(Input::Answer { call, media: local_media() });
        let ok = rig.responses().pop().expect("200");
        let Ok(Message::Request(invite)) = hatif_sip::text::parse(text.as_bytes()) else { panic!() };
        rig.in_dialog(&invite, &ok, Method::Ack, 1, "");
        call
    } else {
        let invite = rig.dial("rogue@203.0.113.9");
        if what == "INVITE" {
            return invite;
        }
        rig.reply(&invite, 200, "t", "Contact: <sip:rogue@203.0.113.9:5060>\n", OFFER);
        rig.request(Method::Ack);
        CALL
    };
    match what {
        "re-INVITE" => {
            rig.act(Input::Hold { call, on: true });
            rig.request(Method::Invite)
        }
        "INFO" => {
            rig.act(Input::Info { call, digit: '1' });
            rig.request(Method::Info)
        }
        _ => {
            rig.act(Input::HangUp { call });
            rig.request(Method::Bye)
        }
    }
}
