mod pem;

use crate::Environment;
use crate::report::Report;
use rustls::sign::CertifiedKey;
use serde::{Deserialize, Serialize};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// How the listener protects its connections, and who it says it is.
#[derive(Debug, Clone)]
pub struct Tls {
    /// The file with the certificate and those it builds on.
    pub cert: PathBuf,
    /// The file with the certificate's private key.
    pub key: PathBuf,
    /// What is in both; they belong together.
    pub certified: Arc<CertifiedKey>,
    /// When the certificate is valid, as time since the Unix epoch, if it says so in a way that we understand.
    pub valid: Option<Range<Duration>>,
}

/// A key belongs to one certificate, so the certificates tell.
impl PartialEq for Tls {
    fn eq(&self, other: &Self) -> bool {
        let parts = |tls: &Self| (tls.cert.clone(), tls.key.clone());
        parts(self) == parts(other) && self.certified.cert == other.certified.cert
    }
}

#[derive(Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields, expecting = "a table")]
pub(crate) struct RawTls {
    cert: String,
    key: String,
}

impl From<&Tls> for RawTls {
    fn from(tls: &Tls) -> Self {
        Self { cert: tls.cert.display().to_string(), key: tls.key.display().to_string() }
    }
}

/// `None` if there is a problem, `Some(None)` if connections are not to be protected.
pub(crate) fn resolve(
    raw: &RawTls,
    surroundings: &dyn Environment,
    report: &mut Report<'_>,
) -> Option<Option<Tls>> {
    if raw.cert.is_empty() && raw.key.is_empty() {
        return Some(None);
    }
    let cert = text(&raw.cert, CERT, surroundings);
    let chain = report.keep(CERT.setting, cert.and_then(|text| pem::certificates(&text, &raw.cert)));
    let key = text(&raw.key, KEY, surroundings);
    let key = report.keep(KEY.setting, key.and_then(|text| pem::private_key(&text, &raw.key)));
    let (chain, key) = (chain?, key?);
    let valid = pem::validity(&chain);
    let certified = pem::pair(chain, key, (&raw.cert, &raw.key));
    let certified = certified.map_err(|wrong| report.problem(wrong.setting, wrong.message)).ok()?;
    let (cert, key) = (raw.cert.clone().into(), raw.key.clone().into());
    Some(Some(Tls { cert, key, certified: Arc::new(certified), valid }))
}

/// One of the two files.
struct Half {
    setting: &'static str,
    other: &'static str,
    what: &'static str,
}

const CERT: Half = Half { setting: "tls.cert", other: "tls.key", what: "certificate" };
const KEY: Half = Half { setting: "tls.key", other: "tls.cert", what: "private key" };

fn text(path: &str, half: Half, surroundings: &dyn Environment) -> Result<String, String> {
    let Half { other, what, .. } = half;
    if path.is_empty() {
        return Err(format!(
            "is not set, but {other} is; write the path of the PEM file with the {what}, or take {other} out to \
             serve plain HTTP"
        ));
    }
    surroundings.read(Path::new(path)).map_err(|error| {
        format!("the file {path:?} cannot be read ({error}); write the path of a PEM file with the {what}")
    })
}
