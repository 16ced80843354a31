//! The TLS of connections to a provider.

use aibridge_trust::ServerVerifier;
use rustls::crypto::ring;
use rustls::pki_types::CertificateDer;
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{ClientConfig, Error};
use std::sync::Arc;

/// The protocols that are offered by ALPN, the preferred one first.
const PROTOCOLS: [&[u8]; 2] = [b"h2", b"http/1.1"];

/// The TLS of connections to a provider. The default trusts the authorities of the system and presents no certificate.
#[derive(Debug, Clone, Default)]
pub struct ClientTls {
    /// Certificates that are trusted beside the authorities of the system.
    pub authorities: Vec<CertificateDer<'static>>,
    /// The certificate that the gateway presents, with its key.
    pub certificate: Option<Arc<CertifiedKey>>,
}

impl ClientTls {
    /// The configuration of the TLS library; `None` for its defaults.
    pub(super) fn config(&self) -> Result<Option<ClientConfig>, Error> {
        if self.authorities.is_empty() && self.certificate.is_none() {
            return Ok(None);
        }
        let verifier = ServerVerifier::system_and(self.authorities.clone())?;
        let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier));
        let mut config = match &self.certificate {
            None => builder.with_no_client_auth(),
            Some(certificate) => {
                builder.with_client_cert_resolver(Arc::new(SingleCertAndKey::from(certificate.clone())))
            }
        };
        config.alpn_protocols = PROTOCOLS.map(<[u8]>::to_vec).into();
        Ok(Some(config))
    }
}
