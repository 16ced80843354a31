//! The TLS certificate: its rustls configuration and its validity.

use aibridge_config::Tls;
use jiff::{SignedDuration, Timestamp};
use rustls::ServerConfig;
use rustls::crypto::ring::{self, Ticketer};
use rustls::sign::SingleCertAndKey;
use std::sync::Arc;
use std::time::Duration;

/// The ALPN protocols, in order of preference.
const PROTOCOLS: [&[u8]; 2] = [b"h2", b"http/1.1"];

/// Returns the rustls configuration for this certificate. It has new session tickets, so sessions of an earlier
/// configuration cannot be resumed.
///
/// # Errors
///
/// If the system provides no randomness for session tickets.
pub fn server_config(tls: &Tls) -> Result<Arc<ServerConfig>, rustls::Error> {
    let certificate = SingleCertAndKey::from(tls.certified.clone());
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(certificate));
    config.alpn_protocols = PROTOCOLS.map(<[u8]>::to_vec).to_vec();
    config.ticketer = Ticketer::new()?;
    Ok(Arc::new(config))
}

/// Logs the [`warning`], if there is one.
pub fn warn(tls: &Tls) {
    if let Some(warning) = warning(tls) {
        tracing::warn!("{warning}");
    }
}

/// Returns a warning if the certificate is expired or not valid yet. It is used nevertheless.
pub fn warning(tls: &Tls) -> Option<String> {
    let valid = tls.valid.as_ref()?;
    let (from, until) = (timestamp(valid.start)?, timestamp(valid.end)?);
    let wrong = match Timestamp::now() {
        now if now > until => format!("has expired on {until}"),
        now if now < from => format!("is not valid before {from}"),
        _ => return None,
    };
    Some(format!(
        "tls.cert: the certificate in {} {wrong}, so clients will refuse it; put a valid one there, which is read \
         without a restart",
        tls.cert.display()
    ))
}

/// Returns the end of the validity, if the certificate has one.
pub fn valid_until(tls: &Tls) -> Option<Timestamp> {
    timestamp(tls.valid.as_ref()?.end)
}

fn timestamp(since_epoch: Duration) -> Option<Timestamp> {
    Timestamp::from_duration(SignedDuration::try_from(since_epoch).ok()?).ok()
}
