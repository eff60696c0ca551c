//! A TLS server that shows a certificate which no phone may accept, and keeps what it is sent inside the connection.

use crate::{
    DEADLINE,
    certs::{Certs, Shown},
    ports,
    process::{Process, words},
};
use std::net::TcpListener;

pub struct RogueTls {
    pub port: u16,
    process: Process,
    _folder: tempfile::TempDir,
}

impl RogueTls {
    /// `openssl s_server` prints what arrives inside the connection, and nothing else.
    pub fn start(shown: Shown) -> RogueTls {
        RogueTls::speaking(shown, &[])
    }

    /// With further options of `openssl s_server`.
    pub fn speaking(shown: Shown, options: &[&str]) -> RogueTls {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let port = ports::free(1);
        let certs = Certs::get();
        let [certificate, key] = [certs.certificate(shown), certs.key(shown)].map(|path| path.display().to_string());
        let listen = format!("127.0.0.1:{port}");
        // Its standard input must stay open: what comes from there would be sent, and its end ends the connection.
        let script = "sleep 100000 | openssl s_server -quiet \"$@\"";
        let mut arguments =
            words(["sh", "-c", script, "rogue", "-accept", &listen, "-cert", &certificate, "-key", &key]);
        // It shows and speaks what openssl itself finds too weak.
        arguments.extend(words(["-cipher", "ALL:@SECLEVEL=0"]));
        arguments.extend(options.iter().map(|option| option.to_string()));
        let mut process = Process::start("rogue-tls", folder.path(), &arguments);
        // It is ready when nobody else can listen there. To connect would be to be its first client.
        process.ready_when(DEADLINE, |_| TcpListener::bind(("127.0.0.1", port)).is_err());
        RogueTls { port, process, _folder: folder }
    }

    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// What arrived inside the connection. Complaints of the handshake are on the same stream, so look for SIP.
    pub fn received(&self) -> String {
        self.process.output()
    }
}
