//! The lab itself: its servers and phones work with each other, so that a failure elsewhere is Hatif's.

use hatif_lab::{
    Asterisk, Baresip, DEADLINE, Kamailio, asterisk::Codecs, baresip, certs::Shown, kamailio, process::eventually,
    rogue::RogueTls, sipp,
};

#[test]
fn asterisk_serves_phones() {
    let asterisk = Asterisk::shared();
    assert!(asterisk.command("core show version").contains("Asterisk"));
    for codecs in [Codecs::G711, Codecs::Opus] {
        let user = asterisk.user(codecs);
        let account = Some((user.clone(), asterisk.address(), "udp"));
        let mut phone = Baresip::start(baresip::Options { account, ..Default::default() });
        phone.wait_until_registered();
        asterisk.call(&user, "602");
        phone.wait_heard(440, 1.0);
    }
}

#[test]
fn kamailio_serves_phones_by_every_transport() {
    let kamailio = Kamailio::start(kamailio::Options::default());
    for transport in ["udp", "tcp", "tls"] {
        let address = if transport == "tls" { kamailio.tls_address() } else { kamailio.address() };
        let callee = kamailio.user();
        let phone = |user, tone| {
            let account = Some((user, address.clone(), transport));
            let mut phone = Baresip::start(baresip::Options { account, tone, ..Default::default() });
            phone.wait_until_registered();
            phone
        };
        let answering = phone(callee.clone(), 700);
        let mut calling = phone(kamailio.user(), 900);
        calling.command("dial", &format!("sip:{}@{}", callee.name, kamailio::DOMAIN));
        calling.wait_heard(700, 1.0);
        answering.wait_heard(900, 1.0);
    }
}

#[test]
fn sipp_calls_baresip() {
    let phone = Baresip::start(baresip::Options::default());
    sipp::call(&format!("127.0.0.1:{}", phone.port), "peer", 500);
    phone.wait_for("CALL_CLOSED");
}

#[test]
fn the_rogue_shows_its_certificate_and_keeps_what_it_is_sent() {
    let rogue = RogueTls::start(Shown::SelfSigned);
    let connect = format!(
        "printf 'OPTIONS sip:x SIP/2.0\\r\\n\\r\\n' | timeout 2 openssl s_client -quiet -connect {}",
        rogue.address()
    );
    // openssl's client checks nothing unless it is asked to. It is ended by force, hence no question of its status.
    let client = std::process::Command::new("sh").args(["-c", &connect]).stderr(std::process::Stdio::null()).status();
    client.expect("openssl can be started");
    eventually("the rogue has it", DEADLINE, || rogue.received().contains("OPTIONS sip:x").then_some(()));
}
