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
}

impl Shown {
    fn stem(self) -> &'static str {
        match self {
            Shown::Good => "good",
            Shown::WrongName => "wrong-name",
            Shown::Expired => "expired",
            Shown::SelfSigned => "self-signed",
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

        let names = "IP:127.0.0.1,DNS:localhost,DNS:pbx.test";
        signed(at, Shown::Good, names, "20200101000000Z", "20490101000000Z");
        signed(at, Shown::WrongName, "DNS:other.example", "20200101000000Z", "20490101000000Z");
        signed(at, Shown::Expired, names, "20200101000000Z", "20200131000000Z");
        let names = format!("subjectAltName={names}");
        let alone =
            ["-subj", "/CN=127.0.0.1", "-addext", &names, "-keyout", "self-signed.key", "-out", "self-signed.crt"];
        run(at, &[&own[..], &key, &alone].concat());
        Certs { folder }
    }
}

/// `openssl ca`, because it is the only one that dates a certificate into the past.
fn signed(at: &Path, shown: Shown, names: &str, from: &str, to: &str) {
    let stem = shown.stem();
    let config = format!("{stem}.conf");
    template::write(&at.join(&config), include_str!("openssl/ca.conf"), &[("NAMES", names.into())]);
    fs::write(at.join("index"), "").expect("the folder can be written to");
    let (key, request, certificate) = (format!("{stem}.key"), format!("{stem}.csr"), format!("{stem}.crt"));
    let new = ["openssl", "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
    run(at, &[&new[..], &["-subj", "/CN=lab", "-keyout", &key, "-out", &request]].concat());
    let sign = ["openssl", "ca", "-batch", "-rand_serial", "-notext", "-config", &config];
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
    run(at, &["openssl", "verify", "-CAfile", "ca.crt", "good.crt"]);
}
