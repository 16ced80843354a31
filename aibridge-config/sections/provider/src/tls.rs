//! `tls_ca`, `tls_client_cert` and `tls_client_key`: the TLS of connections to a provider.

use aibridge_sections::tls::{self, PairSettings, Tls};
use aibridge_values::Environment;
use aibridge_values::report::Report;
use rustls::pki_types::CertificateDer;
use std::path::PathBuf;

/// The TLS of connections to a provider.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ProviderTls {
    /// `tls_ca`: authorities that are trusted beside those of the system.
    pub ca: Option<Authorities>,
    /// `tls_client_cert` and `tls_client_key`: the certificate that the gateway presents.
    pub client: Option<Tls>,
}

/// The certificates in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authorities {
    /// The PEM file.
    pub path: PathBuf,
    /// At least one certificate.
    pub certificates: Vec<CertificateDer<'static>>,
}

/// The paths in the settings; empty where a setting is not set.
pub(crate) struct TlsPaths<'a> {
    pub(crate) ca: &'a str,
    pub(crate) client_cert: &'a str,
    pub(crate) client_key: &'a str,
}

pub(crate) fn resolve(
    paths: &TlsPaths<'_>,
    at: &str,
    environment: &dyn Environment,
    report: &mut Report<'_>,
) -> Option<ProviderTls> {
    let ca = match paths.ca {
        "" => Ok(None),
        path => tls::authorities(path, environment)
            .map(|certificates| Some(Authorities { path: path.into(), certificates })),
    };
    let ca = report.keep(&format!("{at}.tls_ca"), ca);
    let (cert, key) = (format!("{at}.tls_client_cert"), format!("{at}.tls_client_key"));
    let settings = PairSettings { cert: &cert, key: &key, without: "to present no certificate" };
    let client = tls::pair(settings, (paths.client_cert, paths.client_key), environment, report);
    Some(ProviderTls { ca: ca?, client: client? })
}
