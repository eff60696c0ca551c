//! Certificates that a phone must not accept: each is refused in its own words, and not a byte of SIP is sent.

use hatif_lab::{
    Cli, Kamailio,
    asterisk::User,
    certs::{Certs, Shown},
    cli,
    kamailio::{DOMAIN, Options},
    names::{Names, may_serve},
    rogue::RogueTls,
};
use serde_json::json;

/// Tries to register at a server that shows this, trusting the lab's authority or not, and returns the reason.
fn refused(shown: Shown, trusting: bool) -> String {
    let rogue = RogueTls::start(shown);
    let (reason, retry) = told(&rogue, &rogue.address(), trusting, Vec::new());
    assert!(!retry, "only a person can mend it: {reason}");
    reason
}

/// Why a phone does not register with a rogue at `domain`, and whether it tries again by itself. Not a byte of SIP came.
fn told(rogue: &RogueTls, domain: &str, trusting: bool, within: Vec<String>) -> (String, bool) {
    let user = User { name: "victim".into(), password: "never-to-be-sent".into() };
    let mut fields = json!({ "transport": "tls" });
    if trusting {
        fields["ca_file"] = json!(Certs::get().authority());
    }
    let mut cli = Cli::start(cli::Options { within, ..Default::default() });
    let account = cli.add_account(&user, domain, domain, fields);
    let registration = cli.wait_registration(account, "down");
    cli.quit();
    let received = rogue.received();
    for sip in ["SIP/2.0", "REGISTER", "OPTIONS", "victim"] {
        assert!(!received.contains(sip), "it was sent: {received}");
    }
    let code = registration["reason"]["code"].as_str().unwrap_or_default();
    (code.to_string(), registration["retry"] != false)
}

#[test]
fn an_unknown_authority() {
    assert_eq!(refused(Shown::Good, false), "tls.unknown_ca");
}

#[test]
fn a_certificate_signed_by_itself() {
    assert_eq!(refused(Shown::SelfSigned, true), "tls.unknown_ca");
}

#[test]
fn another_name() {
    assert_eq!(refused(Shown::WrongName, true), "tls.wrong_name");
}

#[test]
fn an_expired_certificate() {
    assert_eq!(refused(Shown::Expired, true), "tls.expired");
}

#[test]
fn a_certificate_of_years_to_come() {
    assert_eq!(refused(Shown::NotYetValid, true), "tls.expired");
}

#[test]
fn a_name_that_stands_in_the_subject_only() {
    assert_eq!(refused(Shown::NameInSubject, true), "tls.wrong_name");
}

#[test]
fn another_address() {
    assert_eq!(refused(Shown::OtherAddress, true), "tls.wrong_name");
}

#[test]
fn a_certificate_for_clients() {
    // The system's verifier says no more than that it does not vouch for it.
    assert_eq!(refused(Shown::ClientsOnly, true), "tls.unknown_ca");
}

#[test]
fn a_chain_with_a_link_missing() {
    assert_eq!(refused(Shown::CutChain, true), "tls.unknown_ca");
}

#[test]
fn a_signature_that_can_be_forged() {
    assert_eq!(refused(Shown::Sha1, true), "tls.other");
}

#[test]
fn an_authority_that_shows_its_own() {
    // The system's verifier says no more than that it does not vouch for it.
    assert_eq!(refused(Shown::Authority, true), "tls.unknown_ca");
}

/// No certificate can mend what TLS 1.1 lacks.
#[test]
fn a_server_that_speaks_tls_1_1_only() {
    let rogue = RogueTls::speaking(Shown::Good, &["-tls1_1"]);
    let (reason, retry) = told(&rogue, &rogue.address(), true, Vec::new());
    assert_eq!((reason.as_str(), retry), ("tls.failed", true));
}

/// The certificate is the domain's or it is nobody's (RFC 5922 7.1): one for another depth of names, or for the server that
/// DNS names, which whoever forges DNS could have.
#[test]
fn names_that_only_nearly_fit() {
    if !may_serve() {
        println!("left out: a name server listens on port 53, which is root's");
        return;
    }
    for (shown, domain) in [(Shown::Wildcard, "deep.one.pbx.test"), (Shown::Target, "pbx.test")] {
        let rogue = RogueTls::start(shown);
        let service = format!("_sips._tcp.{domain}");
        let names = Names::start(&[(&service, "one.pbx.test", rogue.port, 10, 0)]);
        let told = told(&rogue, domain, true, names.asked_by());
        assert_eq!((told.0.as_str(), told.1), ("tls.wrong_name", false), "{domain}");
    }
}

/// The same authority, trusted and with the right name: the refusals above are not for another reason.
#[test]
fn a_good_certificate_is_accepted() {
    let kamailio = Kamailio::start(Options::default());
    let mut cli = Cli::playing(None);
    let fields = json!({ "transport": "tls", "ca_file": Certs::get().authority() });
    cli.register(&kamailio.user(), DOMAIN, &kamailio.tls_address(), fields);
}

#[test]
fn a_server_that_speaks_no_tls_is_told() {
    let kamailio = Kamailio::start(Options::default());
    let mut cli = Cli::playing(None);
    let account = cli.add_account(&kamailio.user(), DOMAIN, &kamailio.address(), json!({ "transport": "tls" }));
    let registration = cli.wait_registration(account, "down");
    let code = registration["reason"]["code"].as_str().unwrap_or_default();
    assert!(["tls.failed", "wire.closed", "wire.timed_out"].contains(&code), "{registration}");
}
