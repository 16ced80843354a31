//! The certificate in use, and what there is to say about it.

use aibridge_config::Tls;
use jiff::{SignedDuration, Timestamp};
use rustls::ServerConfig;
use rustls::crypto::ring::{self, Ticketer};
use rustls::sign::SingleCertAndKey;
use std::sync::Arc;
use std::time::Duration;

/// What clients can agree on, what we prefer first.
const PROTOCOLS: [&[u8]; 2] = [b"h2", b"http/1.1"];

/// How connections with this certificate are begun. Those that resume a session of an earlier one begin anew.
///
/// # Errors
///
/// If there is no randomness for session tickets.
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

/// Logs what is wrong with the certificate, though it can be used.
pub fn warn(tls: &Tls) {
    if let Some(warning) = warning(tls) {
        tracing::warn!("{warning}");
    }
}

/// What is wrong with the certificate, though it can be used.
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

/// Until when the certificate is valid.
pub fn valid_until(tls: &Tls) -> Option<Timestamp> {
    timestamp(tls.valid.as_ref()?.end)
}

fn timestamp(since_epoch: Duration) -> Option<Timestamp> {
    Timestamp::from_duration(SignedDuration::try_from(since_epoch).ok()?).ok()
}
