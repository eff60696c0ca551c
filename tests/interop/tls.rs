//! Certificates that a phone must not accept: each is refused in its own words, and not a byte of SIP is sent.

use hatif_lab::{
    Cli, Kamailio,
    asterisk::User,
    certs::{Certs, Shown},
    kamailio::{DOMAIN, Options},
    rogue::RogueTls,
};
use serde_json::json;

/// Tries to register at a server that shows this, trusting the lab's authority or not, and returns the reason.
fn refused(shown: Shown, trusting: bool) -> String {
    let rogue = RogueTls::start(shown);
    let user = User { name: "victim".into(), password: "never-to-be-sent".into() };
    let mut fields = json!({ "transport": "tls" });
    if trusting {
        fields["ca_file"] = json!(Certs::get().authority());
    }
    let mut cli = Cli::playing(None);
    let account = cli.add_account(&user, &rogue.address(), &rogue.address(), fields);
    let registration = cli.wait_registration(account, "down");
    assert_eq!(registration["retry"], false, "only a person can mend it: {registration}");
    cli.quit();
    let received = rogue.received();
    for sip in ["SIP/2.0", "REGISTER", "OPTIONS", "victim"] {
        assert!(!received.contains(sip), "it was sent: {received}");
    }
    registration["reason"]["code"].as_str().unwrap_or_default().to_string()
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

/// The same authority, trusted and with the right name: the four refusals above are not for another reason.
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
