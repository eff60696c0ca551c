//! TLS for SIP (RFC 5630, RFC 5922): the system's roots, plus one file of the account's; and why a certificate was
//! refused, in a word.

use hatif_sip::WireFailure;
use rustls::{CertificateError, ClientConfig, crypto::CryptoProvider};
use rustls_pki_types::{CertificateDer, pem::PemObject};
use std::sync::Arc;

/// A client that verifies chain, name and validity. There is no way round it.
pub fn client(ca_file: Option<&str>) -> Result<Arc<ClientConfig>, WireFailure> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let extra = match ca_file {
        Some(path) => read_ca(path)?,
        None => Vec::new(),
    };
    let verifier = verifier(extra, provider.clone())?;
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|_| WireFailure::TlsFailed)?
        .dangerous() // rustls' word for "own verifier"; the platform's verifies everything.
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth();
    Ok(Arc::new(config))
}

fn read_ca(path: &str) -> Result<Vec<CertificateDer<'static>>, WireFailure> {
    let read = CertificateDer::pem_file_iter(path).and_then(|certs| certs.collect::<Result<Vec<_>, _>>());
    match read {
        Ok(certs) if !certs.is_empty() => Ok(certs),
        Ok(_) | Err(_) => Err(WireFailure::CertificateOther),
    }
}

fn verifier(
    extra: Vec<CertificateDer<'static>>,
    provider: Arc<CryptoProvider>,
) -> Result<rustls_platform_verifier::Verifier, WireFailure> {
    rustls_platform_verifier::Verifier::new_with_extra_roots(extra, provider).map_err(|_| WireFailure::CertificateOther)
}

/// What a failed handshake means for a person.
pub fn failure(error: &std::io::Error) -> WireFailure {
    let inner = error.get_ref().and_then(|e| e.downcast_ref::<rustls::Error>());
    match inner {
        Some(rustls::Error::InvalidCertificate(reason)) => certificate(reason),
        Some(_) => WireFailure::TlsFailed,
        // A peer that speaks no TLS, or hangs up in the middle of it.
        None if error.kind() == std::io::ErrorKind::UnexpectedEof => WireFailure::TlsFailed,
        None => crate::wire::failure(error),
    }
}

fn certificate(reason: &CertificateError) -> WireFailure {
    use CertificateError as E;
    match reason {
        E::UnknownIssuer => WireFailure::CertificateUnknownCa,
        E::NotValidForName | E::NotValidForNameContext { .. } => WireFailure::CertificateWrongName,
        E::Expired | E::ExpiredContext { .. } | E::NotValidYet | E::NotValidYetContext { .. } => {
            WireFailure::CertificateExpired
        }
        // The platform's verifier hands some of its reasons on in words of its own.
        E::Other(_) => WireFailure::CertificateUnknownCa,
        _ => WireFailure::CertificateOther,
    }
}
