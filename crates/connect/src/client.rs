//! One request over the network, by `ureq`, blocking: whoever calls it does so on a thread of its own. No answer is longer
//! than [`MAX_ANSWER`], none takes longer than the description says, no redirect leads to another host, and no name to an
//! address that the description does not allow.

use crate::{Network, guard::may_reach, request::Request};
use hatif_core::text::Text;
use rustls::CertificateError;
use rustls_pki_types::{CertificateDer, pem::PemObject};
use serde_json::Value;
use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};
use ureq::{
    Agent,
    config::Config,
    http,
    tls::{Certificate, RootCerts, TlsConfig},
    unversioned::{
        resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver},
        transport::{DefaultConnector, NextTimeout},
    },
};

/// Bytes of an answer at most.
pub(crate) const MAX_ANSWER: u64 = 1 << 20;
/// Redirects that are followed, on the same host.
const REDIRECTS: usize = 3;
/// What a server may ask us to wait at most.
const MAX_WAIT: Duration = Duration::from_secs(3600);
/// Characters of a server's own words about a failure.
const MAX_WORDS: usize = 200;

/// Why a request came to nothing.
#[derive(Clone, Debug, PartialEq)]
pub struct Trouble {
    /// For a person.
    pub text: Text,
    /// What can be done about it.
    pub kind: Kind,
}

/// What can be done about a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Nothing was carried out; later it may be.
    Later,
    /// As `Later`, but not before this time has passed.
    Wait(Duration),
    /// It may have been carried out, or not.
    Unsure,
    /// The user has to sign in anew.
    SignIn,
    /// The same request will be refused again.
    Refused,
}

impl Trouble {
    fn new(kind: Kind, code: &'static str) -> Trouble {
        Trouble { text: Text::new(code), kind }
    }
}

/// A client for one connector. Clones share its connections.
#[derive(Clone, Debug)]
pub struct Client {
    agent: Agent,
}

/// What came back with a status that says "yes".
pub(crate) struct Answer {
    pub status: u16,
    /// `Null` where there was nothing.
    pub json: Value,
}

#[derive(Debug)]
struct Guarded {
    network: Network,
    inner: DefaultResolver,
}

/// Said by the resolver; told apart from other failures by its type.
#[derive(Debug)]
struct NotAllowed;

impl std::fmt::Display for NotAllowed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an address that the description does not allow")
    }
}

impl std::error::Error for NotAllowed {}

impl Resolver for Guarded {
    fn resolve(
        &self,
        uri: &http::Uri,
        config: &Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let found = self.inner.resolve(uri, config, timeout).map_err(|error| match error {
            // The system's words for "no such name".
            ureq::Error::Io(_) => ureq::Error::HostNotFound,
            other => other,
        })?;
        // All of them: one good address among bad ones is how a name that changes is made.
        let plain = uri.scheme_str() != Some("https");
        let may = |at: &std::net::SocketAddr| may_reach(self.network, at.ip()) && (!plain || at.ip().is_loopback());
        if found.iter().all(may) { Ok(found) } else { Err(ureq::Error::Other(Box::new(NotAllowed))) }
    }
}

impl Client {
    /// `ca_file`: a file with the certificates (PEM) of the company's own authority, beside the system's.
    ///
    /// # Errors
    /// `connector.bad_ca_file`.
    pub fn new(network: Network, timeout: Duration, ca_file: Option<&str>) -> Result<Client, Text> {
        let roots = match ca_file.filter(|path| !path.is_empty()) {
            None => RootCerts::PlatformVerifier,
            Some(path) => {
                let bad = || Text::new("connector.bad_ca_file");
                let certs = CertificateDer::pem_file_iter(path).map_err(|_| bad())?.collect::<Result<Vec<_>, _>>();
                let certs: Vec<Certificate> = certs
                    .map_err(|_| bad())?
                    .iter()
                    .map(|cert| Certificate::from_der(cert.as_ref()).to_owned())
                    .collect();
                if certs.is_empty() {
                    return Err(bad());
                }
                RootCerts::from(certs)
            }
        };
        let tls = TlsConfig::builder()
            .root_certs(roots)
            .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .build();
        let config = Agent::config_builder()
            .tls_config(tls)
            .https_only(network != Network::Loopback)
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .timeout_global(Some(timeout))
            .timeout_connect(Some(timeout))
            .proxy(None)
            .user_agent(concat!("Hatif/", env!("CARGO_PKG_VERSION")))
            .max_response_header_size(64 << 10)
            .build();
        let resolver = Guarded { network, inner: DefaultResolver::default() };
        Ok(Client { agent: Agent::with_parts(config, DefaultConnector::default(), resolver) })
    }

    /// Sends it, follows a redirect to the same host where asking twice does no harm, and reads the answer as JSON.
    pub(crate) fn ask(&self, request: &Request) -> Result<Answer, Trouble> {
        let mut url = request.url.clone();
        for _ in 0..=REDIRECTS {
            let response = self.once(request, &url).map_err(|error| trouble(&error, request.method))?;
            if !response.status().is_redirection() {
                return read(response);
            }
            url = redirected(request, &url, &response)?;
        }
        Err(Trouble::new(Kind::Refused, "connector.redirected_often"))
    }

    fn once(&self, request: &Request, url: &url::Url) -> Result<http::Response<ureq::Body>, ureq::Error> {
        let mut builder = http::Request::builder().method(request.method).uri(url.as_str());
        for (name, value) in &request.headers {
            builder = builder.header(name, value);
        }
        match &request.body {
            Some(body) => self.agent.run(builder.body(body.as_slice()).map_err(ureq::Error::from)?),
            None => self.agent.run(builder.body(()).map_err(ureq::Error::from)?),
        }
    }
}

fn redirected(request: &Request, from: &url::Url, response: &http::Response<ureq::Body>) -> Result<url::Url, Trouble> {
    let location = response.headers().get("location").and_then(|value| value.to_str().ok());
    let to = location.and_then(|location| from.join(location).ok());
    let refuse = |host: &str| {
        let text = Text::new("connector.redirected").with("host", host.chars().take(MAX_WORDS).collect::<String>());
        Trouble { text, kind: Kind::Refused }
    };
    let Some(to) = to else { return Err(refuse("")) };
    let same = to.scheme() == from.scheme()
        && to.host_str() == from.host_str()
        && to.port_or_known_default() == from.port_or_known_default();
    if !same || request.method != "GET" || !to.username().is_empty() {
        return Err(refuse(to.host_str().unwrap_or_default()));
    }
    Ok(to)
}

fn read(mut response: http::Response<ureq::Body>) -> Result<Answer, Trouble> {
    let status = response.status().as_u16();
    let wait = retry_after(&response);
    let html = response
        .headers()
        .get("content-type")
        .and_then(|kind| kind.to_str().ok())
        .is_some_and(|kind| kind.contains("html"));
    // Whoever answered has carried it out, or not; what it says of that can't be read any more.
    let bytes = response.body_mut().with_config().limit(MAX_ANSWER).read_to_vec();
    let good = (200..300).contains(&status);
    let body = match bytes {
        Ok(bytes) => bytes,
        Err(error) if good => {
            let Trouble { text, .. } = trouble(&error, "POST");
            return Err(Trouble { text, kind: Kind::Unsure });
        }
        Err(_) => Vec::new(),
    };
    let json: Option<Value> =
        if body.trim_ascii().is_empty() { Some(Value::Null) } else { serde_json::from_slice(&body).ok() };
    if good {
        return match json {
            Some(json) => Ok(Answer { status, json }),
            None if html || body.trim_ascii_start().starts_with(b"<") => {
                Err(Trouble::new(Kind::Unsure, "connector.html"))
            }
            None => Err(Trouble::new(Kind::Unsure, "connector.no_json")),
        };
    }
    Err(refusal(status, wait, json.as_ref()))
}

fn refusal(status: u16, wait: Option<Duration>, json: Option<&Value>) -> Trouble {
    let said = json.map(words).unwrap_or_default();
    let with = |code: &'static str, kind| Trouble { text: Text::new(code).with("status", status.to_string()), kind };
    match status {
        401 => Trouble::new(Kind::SignIn, "connector.sign_in"),
        429 => with("connector.busy", Kind::Wait(wait.unwrap_or(Duration::from_secs(60)))),
        503 => with("connector.server_error", wait.map_or(Kind::Later, Kind::Wait)),
        408 | 425 => with("connector.server_error", Kind::Later),
        // The server may have failed before or after it did what it was asked.
        500..600 => with("connector.server_error", Kind::Unsure),
        _ if said.is_empty() => with("connector.refused", Kind::Refused),
        _ => {
            let trouble = with("connector.refused_because", Kind::Refused);
            Trouble { text: trouble.text.with("detail", said), ..trouble }
        }
    }
}

/// What an answer says about itself, where it says it in a usual place.
pub(crate) fn words(json: &Value) -> String {
    let places = ["message", "error_description", "detail", "error", "errors", "title"];
    let first = |value: &Value| match value {
        Value::String(text) => Some(text.clone()),
        Value::Array(items) => items.first().and_then(Value::as_str).map(str::to_owned),
        Value::Object(inner) => inner.get("message").and_then(Value::as_str).map(str::to_owned),
        _ => None,
    };
    let found = places.iter().find_map(|place| first(json.get(place)?)).or_else(|| json.as_str().map(str::to_owned));
    hatif_core::customer::clean(&found.unwrap_or_default(), false).chars().take(MAX_WORDS).collect()
}

/// RFC 9110, 10.2.3: seconds, or a date.
fn retry_after(response: &http::Response<ureq::Body>) -> Option<Duration> {
    let value = response.headers().get("retry-after")?.to_str().ok()?.trim();
    let wait = match value.parse::<u64>() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => httpdate::parse_http_date(value).ok()?.duration_since(SystemTime::now()).unwrap_or_default(),
    };
    Some(wait.min(MAX_WAIT))
}

fn trouble(error: &ureq::Error, method: &str) -> Trouble {
    use ureq::Error as E;
    // Asking does nothing, so asking again doesn't either.
    let unsure = if method == "GET" { Kind::Later } else { Kind::Unsure };
    match error {
        E::Other(inner) if inner.is::<NotAllowed>() => Trouble::new(Kind::Refused, "connector.not_allowed"),
        E::RequireHttpsOnly(_) => Trouble::new(Kind::Refused, "connector.not_https"),
        E::Timeout(ureq::Timeout::Resolve | ureq::Timeout::Connect) => Trouble::new(Kind::Later, "connector.timed_out"),
        E::Timeout(_) => Trouble::new(unsure, "connector.timed_out"),
        E::HostNotFound => Trouble::new(Kind::Later, "connector.host_unknown"),
        E::ConnectionFailed => Trouble::new(Kind::Later, "connector.unreachable"),
        E::BodyExceedsLimit(_) => Trouble::new(unsure, "connector.too_large"),
        E::LargeResponseHeader(..) => Trouble::new(unsure, "connector.too_large"),
        E::Rustls(error) => certificate(error),
        E::Tls(_) | E::TlsRequired | E::Pem(_) => Trouble::new(Kind::Later, "connector.tls"),
        E::BadUri(_) | E::Http(_) => Trouble::new(Kind::Refused, "connector.bad_address"),
        E::Protocol(_) | E::BodyStalled => Trouble::new(unsure, "connector.broken"),
        E::Io(error) => io(error, unsure),
        _ => Trouble::new(unsure, "connector.broken"),
    }
}

fn io(error: &std::io::Error, unsure: Kind) -> Trouble {
    use std::io::ErrorKind as K;
    if let Some(error) = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
        return certificate(error);
    }
    match error.kind() {
        K::ConnectionRefused | K::HostUnreachable | K::NetworkUnreachable | K::NetworkDown => {
            Trouble::new(Kind::Later, "connector.unreachable")
        }
        K::TimedOut => Trouble::new(unsure, "connector.timed_out"),
        _ => Trouble::new(unsure, "connector.broken"),
    }
}

/// Nothing is sent before the handshake is over.
fn certificate(error: &rustls::Error) -> Trouble {
    match error {
        rustls::Error::InvalidCertificate(CertificateError::Expired | CertificateError::ExpiredContext { .. }) => {
            Trouble::new(Kind::Later, "connector.certificate_expired")
        }
        rustls::Error::InvalidCertificate(
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
        ) => Trouble::new(Kind::Later, "connector.certificate_name"),
        rustls::Error::InvalidCertificate(_) => Trouble::new(Kind::Later, "connector.certificate"),
        _ => Trouble::new(Kind::Later, "connector.tls"),
    }
}
