//! `[tls]`: the certificate of the listener.

mod pem;

use aibridge_values::Environment;
use aibridge_values::report::Report;
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::sign::CertifiedKey;
use serde::{Deserialize, Serialize};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// The certificate of the listener and its private key.
#[derive(Debug, Clone)]
pub struct Tls {
    /// The PEM file with the certificate chain.
    pub cert: PathBuf,
    /// The PEM file with the private key of the certificate.
    pub key: PathBuf,
    /// The contents of both files. The key matches the certificate.
    pub certified: Arc<CertifiedKey>,
    /// The validity period of the certificate, as time since the Unix epoch; `None` if it cannot be parsed.
    pub valid: Option<Range<Duration>>,
}

/// Compares certificates only: the key of a certificate is unique.
impl PartialEq for Tls {
    fn eq(&self, other: &Self) -> bool {
        let parts = |tls: &Self| (tls.cert.clone(), tls.key.clone());
        parts(self) == parts(other) && self.certified.cert == other.certified.cert
    }
}

/// The mirror of `[tls]`.
#[derive(Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields, expecting = "a table")]
pub struct RawTls {
    cert: String,
    key: String,
}

impl From<&Tls> for RawTls {
    fn from(tls: &Tls) -> Self {
        Self { cert: tls.cert.display().to_string(), key: tls.key.display().to_string() }
    }
}

/// `None` if there is a problem, `Some(None)` for plain HTTP.
pub fn resolve(raw: &RawTls, environment: &dyn Environment, report: &mut Report<'_>) -> Option<Option<Tls>> {
    let settings = PairSettings { cert: "tls.cert", key: "tls.key", without: "to serve plain HTTP" };
    pair(settings, (&raw.cert, &raw.key), environment, report)
}

/// The settings of a certificate and its key.
pub struct PairSettings<'a> {
    /// The setting with the path of the certificate.
    pub cert: &'a str,
    /// The setting with the path of the private key.
    pub key: &'a str,
    /// The meaning of settings without both, for messages.
    pub without: &'static str,
}

/// Reads a certificate and its key from the files at `paths`. `None` if there is a problem, `Some(None)` without both.
pub fn pair(
    settings: PairSettings<'_>,
    paths: (&str, &str),
    environment: &dyn Environment,
    report: &mut Report<'_>,
) -> Option<Option<Tls>> {
    let PairSettings { cert: cert_setting, key: key_setting, without } = settings;
    let (cert_path, key_path) = paths;
    if cert_path.is_empty() && key_path.is_empty() {
        return Some(None);
    }
    let missing = |content, other| {
        format!(
            "is not set, but {other} is; write the path of the PEM file with the {content}, or remove {other} {without}"
        )
    };
    let cert = match cert_path {
        "" => Err(missing("certificate", key_setting)),
        path => read(path, "the certificate", environment),
    };
    let chain = report.keep(cert_setting, cert.and_then(|text| pem::certificates(&text, cert_path)));
    let key = match key_path {
        "" => Err(missing("private key", cert_setting)),
        path => read(path, "the private key", environment),
    };
    let key = report.keep(key_setting, key.and_then(|text| pem::private_key(&text, key_path)));
    let (chain, key) = (chain?, key?);
    let valid = pem::validity(&chain);
    let certified = pem::pair(chain, key, paths).map_err(|problem| match problem {
        pem::PairProblem::Certificate(message) => report.problem(cert_setting, message),
        pem::PairProblem::Key(message) => report.problem(key_setting, message),
    });
    let (cert, key) = (cert_path.into(), key_path.into());
    Some(Some(Tls { cert, key, certified: Arc::new(certified.ok()?), valid }))
}

/// Reads the certificates of authorities from the file at `path`.
///
/// # Errors
///
/// A message if the file contains anything else, or a certificate that cannot be one of an authority.
pub fn authorities(
    path: &str,
    environment: &dyn Environment,
) -> Result<Vec<CertificateDer<'static>>, String> {
    let text = read(path, "the certificates of the authorities", environment)?;
    let authorities = pem::certificates(&text, path)?;
    let mut roots = RootCertStore::empty();
    match authorities.iter().find(|authority| roots.add((*authority).clone()).is_err()) {
        None => Ok(authorities),
        Some(_) => Err(format!(
            "the file {path:?} contains a certificate that cannot be used; write the path of a PEM file with X.509 \
             certificates"
        )),
    }
}

fn read(path: &str, content: &str, environment: &dyn Environment) -> Result<String, String> {
    environment.read(Path::new(path)).map_err(|error| {
        format!("the file {path:?} cannot be read ({error}); write the path of a PEM file with {content}")
    })
}
