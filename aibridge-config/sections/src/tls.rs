//! `[tls]`: the certificate of the listener.

mod pem;

use aibridge_values::Environment;
use aibridge_values::report::Report;
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
    if raw.cert.is_empty() && raw.key.is_empty() {
        return Some(None);
    }
    let cert = read(&raw.cert, CERT, environment);
    let chain = report.keep(CERT.setting, cert.and_then(|text| pem::certificates(&text, &raw.cert)));
    let key = read(&raw.key, KEY, environment);
    let key = report.keep(KEY.setting, key.and_then(|text| pem::private_key(&text, &raw.key)));
    let (chain, key) = (chain?, key?);
    let valid = pem::validity(&chain);
    let certified = pem::pair(chain, key, (&raw.cert, &raw.key));
    let certified = certified.map_err(|problem| report.problem(problem.setting, problem.message)).ok()?;
    let (cert, key) = (raw.cert.clone().into(), raw.key.clone().into());
    Some(Some(Tls { cert, key, certified: Arc::new(certified), valid }))
}

/// The setting of one of the two files.
struct PemSetting {
    setting: &'static str,
    other: &'static str,
    content: &'static str,
}

const CERT: PemSetting = PemSetting { setting: "tls.cert", other: "tls.key", content: "certificate" };
const KEY: PemSetting = PemSetting { setting: "tls.key", other: "tls.cert", content: "private key" };

fn read(path: &str, pem: PemSetting, environment: &dyn Environment) -> Result<String, String> {
    let PemSetting { other, content, .. } = pem;
    if path.is_empty() {
        return Err(format!(
            "is not set, but {other} is; write the path of the PEM file with the {content}, or remove {other} to \
             serve plain HTTP"
        ));
    }
    environment.read(Path::new(path)).map_err(|error| {
        format!("the file {path:?} cannot be read ({error}); write the path of a PEM file with the {content}")
    })
}
