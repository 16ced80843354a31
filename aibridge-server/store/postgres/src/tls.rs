//! TLS for connections to the server.

use aibridge_store_core::{StoreError, Tls};
use aibridge_trust::ServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, ConfigBuilder, DigitallySignedStruct, SignatureScheme, WantsVerifier};
use std::path::Path;
use std::sync::Arc;
use tokio_postgres::config::SslMode;
use tokio_postgres_rustls::MakeRustlsConnect;

/// The TLS mode and connector for the driver. `display_url` names the store in errors.
pub(super) fn connector(tls: &Tls, display_url: &str) -> Result<(SslMode, MakeRustlsConnect), StoreError> {
    let failed = |problem: String| StoreError::Open {
        store: display_url.to_owned(),
        problem,
        advice: "check sslmode and sslrootcert in store.url",
    };
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| failed(error.to_string()))?;
    let (mode, config) = match tls {
        Tls::Disable => (SslMode::Disable, trusting(builder)),
        Tls::Prefer => (SslMode::Prefer, trusting(builder)),
        Tls::Require => (SslMode::Require, trusting(builder)),
        Tls::VerifyCa { root_cert } => {
            let verifier = verifier(root_cert.as_deref()).map_err(failed)?;
            (SslMode::Require, verifying(builder, verifier.for_any_name()))
        }
        Tls::VerifyFull { root_cert } => {
            let verifier = verifier(root_cert.as_deref()).map_err(failed)?;
            (SslMode::Require, verifying(builder, verifier))
        }
    };
    Ok((mode, MakeRustlsConnect::new(config)))
}

/// Verifies a server by the root certificates in `file`, or else by those of the system.
fn verifier(file: Option<&Path>) -> Result<ServerVerifier, String> {
    let verifier = match file {
        None => ServerVerifier::system_and(Vec::new()),
        Some(file) => {
            let roots = roots(file).map_err(|problem| format!("{}: {problem}", file.display()))?;
            ServerVerifier::only(roots)
        }
    };
    verifier.map_err(|error| error.to_string())
}

fn roots(file: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let certificates = CertificateDer::pem_file_iter(file).map_err(|error| error.to_string())?;
    let roots: Vec<_> = certificates.collect::<Result<_, _>>().map_err(|error| error.to_string())?;
    if roots.is_empty() { Err("the file contains no certificate".to_owned()) } else { Ok(roots) }
}

fn verifying(builder: ConfigBuilder<ClientConfig, WantsVerifier>, verifier: ServerVerifier) -> ClientConfig {
    builder.dangerous().with_custom_certificate_verifier(Arc::new(verifier)).with_no_client_auth()
}

/// The meaning of `require` in every PostgreSQL client: traffic is encrypted, but the server is not verified.
fn trusting(builder: ConfigBuilder<ClientConfig, WantsVerifier>) -> ClientConfig {
    let verifier = AnyServer(ring::default_provider());
    builder.dangerous().with_custom_certificate_verifier(Arc::new(verifier)).with_no_client_auth()
}

/// Accepts the certificate of any server.
#[derive(Debug)]
struct AnyServer(CryptoProvider);

impl ServerCertVerifier for AnyServer {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signature, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signature, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
