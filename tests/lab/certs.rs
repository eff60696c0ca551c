//! Certificates for the lab's servers, made once a test process by openssl: a good one, and each way to be bad.

use crate::{process::run, template};
use std::{
    fs,
    path::{Path, PathBuf},
    sync::OnceLock,
};

/// A folder with certificates. Everything is PEM.
pub struct Certs {
    folder: tempfile::TempDir,
}

/// What a server shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shown {
    /// For 127.0.0.1, localhost and pbx.test, by the lab's authority.
    Good,
    /// For another host.
    WrongName,
    /// Valid in January 2020.
    Expired,
    /// By nobody but itself.
    SelfSigned,
    /// Valid from 2049 on.
    NotYetValid,
    /// Its name stands where names stood before 2011: in the subject, and nowhere else (RFC 5922 7.1).
    NameInSubject,
    /// For another address.
    OtherAddress,
    /// For clients, not for servers.
    ClientsOnly,
    /// By an authority between the lab's and this one, which is not shown with it.
    CutChain,
    /// Signed over SHA-1.
    Sha1,
    /// An authority's own, shown as a server's.
    Authority,
    /// For everything directly below pbx.test.
    Wildcard,
    /// For one.pbx.test, a server of pbx.test.
    Target,
}

impl Shown {
    /// Signed as `openssl/ca.conf` says.
    const SIGNED: [Shown; 11] = [
        Shown::Good,
        Shown::WrongName,
        Shown::Expired,
        Shown::NotYetValid,
        Shown::NameInSubject,
        Shown::OtherAddress,
        Shown::ClientsOnly,
        Shown::Sha1,
        Shown::Authority,
        Shown::Wildcard,
        Shown::Target,
    ];

    /// What it is for, as a line of the configuration.
    fn names(self) -> &'static str {
        match self {
            Shown::WrongName => "subjectAltName = DNS:other.example",
            Shown::NameInSubject => "",
            Shown::OtherAddress => "subjectAltName = IP:127.0.0.2",
            Shown::Wildcard => "subjectAltName = DNS:*.pbx.test",
            Shown::Target => "subjectAltName = DNS:one.pbx.test",
            _ => NAMES,
        }
    }

    fn dates(self) -> [&'static str; 2] {
        match self {
            Shown::Expired => ["20200101000000Z", "20200131000000Z"],
            Shown::NotYetValid => ["20490101000000Z", "20491231000000Z"],
            _ => ["20200101000000Z", "20490101000000Z"],
        }
    }
}

const NAMES: &str = "subjectAltName = IP:127.0.0.1,DNS:localhost,DNS:pbx.test";

impl Shown {
    fn stem(self) -> &'static str {
        match self {
            Shown::Good => "good",
            Shown::WrongName => "wrong-name",
            Shown::Expired => "expired",
            Shown::SelfSigned => "self-signed",
            Shown::NotYetValid => "not-yet-valid",
            Shown::NameInSubject => "name-in-subject",
            Shown::OtherAddress => "other-address",
            Shown::ClientsOnly => "clients-only",
            Shown::CutChain => "cut-chain",
            Shown::Sha1 => "sha1",
            Shown::Authority => "authority",
            Shown::Wildcard => "wildcard",
            Shown::Target => "target",
        }
    }
}

impl Certs {
    /// The certificates of this test process.
    pub fn get() -> &'static Certs {
        static CERTS: OnceLock<Certs> = OnceLock::new();
        CERTS.get_or_init(Certs::make)
    }

    /// The lab's certificate authority.
    pub fn authority(&self) -> PathBuf {
        self.folder.path().join("ca.crt")
    }

    pub fn certificate(&self, shown: Shown) -> PathBuf {
        self.folder.path().join(format!("{}.crt", shown.stem()))
    }

    pub fn key(&self, shown: Shown) -> PathBuf {
        self.folder.path().join(format!("{}.key", shown.stem()))
    }

    /// Certificate and key in one file, as baresip wants them.
    pub fn both(&self, shown: Shown) -> PathBuf {
        let path = self.folder.path().join(format!("{}.pem", shown.stem()));
        let text = [self.certificate(shown), self.key(shown)]
            .map(|part| fs::read_to_string(part).expect("the certificate was made"))
            .concat();
        fs::write(&path, text).expect("the folder can be written to");
        path
    }

    fn make() -> Certs {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let at = folder.path();
        let key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
        let own = ["openssl", "req", "-x509", "-days", "30"];
        let authority = [&own[..], &key, &["-subj", "/CN=Hatif lab", "-keyout", "ca.key", "-out", "ca.crt"]].concat();
        run(
            at,
            &[&authority[..], &["-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=keyCertSign"]]
                .concat(),
        );

        for shown in Shown::SIGNED {
            signed(at, shown, "ca");
        }
        // An authority in between, made as such; what it signs is shown without it.
        signed(at, Shown::CutChain, "authority");
        let names = NAMES.replace(" = ", "=");
        let alone =
            ["-subj", "/CN=127.0.0.1", "-addext", &names, "-keyout", "self-signed.key", "-out", "self-signed.crt"];
        run(at, &[&own[..], &key, &alone].concat());
        Certs { folder }
    }
}

/// `openssl ca`, because it is the only one that dates a certificate into the past.
fn signed(at: &Path, shown: Shown, by: &str) {
    let stem = shown.stem();
    let config = format!("{stem}.conf");
    let value = |odd: Shown, then: &str, else_: &str| if shown == odd { then } else { else_ }.to_string();
    let values = [
        ("BY", by.to_string()),
        ("NAMES", shown.names().to_string()),
        ("DIGEST", value(Shown::Sha1, "sha1", "sha256")),
        ("PURPOSE", value(Shown::ClientsOnly, "clientAuth", "serverAuth,clientAuth")),
        ("AUTHORITY", value(Shown::Authority, "TRUE", "FALSE")),
        ("USAGE", value(Shown::Authority, "digitalSignature,keyCertSign", "digitalSignature")),
    ];
    template::write(&at.join(&config), include_str!("openssl/ca.conf"), &values);
    fs::write(at.join("index"), "").expect("the folder can be written to");
    let (key, request, certificate) = (format!("{stem}.key"), format!("{stem}.csr"), format!("{stem}.crt"));
    let new = ["openssl", "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
    let subject = value(Shown::NameInSubject, "/CN=127.0.0.1", &format!("/CN=lab {stem}"));
    run(at, &[&new[..], &["-subj", &subject, "-keyout", &key, "-out", &request]].concat());
    let sign = ["openssl", "ca", "-batch", "-rand_serial", "-notext", "-config", &config];
    let [from, to] = shown.dates();
    run(at, &[&sign[..], &["-startdate", from, "-enddate", to, "-in", &request, "-out", &certificate]].concat());
}

#[test]
fn each_certificate_is_what_it_says() {
    let certs = Certs::get();
    let at = certs.folder.path();
    let of =
        |shown| run(at, &["openssl", "x509", "-noout", "-text", "-in", certs.certificate(shown).to_str().unwrap()]);
    assert!(of(Shown::Good).contains("IP Address:127.0.0.1"));
    assert!(of(Shown::WrongName).contains("DNS:other.example") && !of(Shown::WrongName).contains("127.0.0.1"));
    assert!(of(Shown::Expired).contains("Jan 31 00:00:00 2020"));
    assert!(of(Shown::NotYetValid).contains("Not Before: Jan  1 00:00:00 2049"));
    assert!(!of(Shown::NameInSubject).contains("Alternative") && of(Shown::NameInSubject).contains("CN = 127.0.0.1"));
    assert!(!of(Shown::ClientsOnly).contains("Server Authentication"));
    assert!(of(Shown::Sha1).contains("ecdsa-with-SHA1"));
    assert!(of(Shown::Authority).contains("CA:TRUE"));
    assert!(of(Shown::CutChain).contains("Issuer: CN = lab authority"));
    for good in ["good.crt", "wildcard.crt", "target.crt"] {
        run(at, &["openssl", "verify", "-CAfile", "ca.crt", good]);
    }
    run(at, &["openssl", "verify", "-CAfile", "ca.crt", "-untrusted", "authority.crt", "cut-chain.crt"]);
}
