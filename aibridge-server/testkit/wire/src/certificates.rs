//! A certificate authority for tests, and the TLS handshake of a client that trusts it.

use crate::within;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, date_time_ymd};
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::server::WebPkiClientVerifier;
use rustls::{ClientConfig, RootCertStore, ServerConfig, SupportedProtocolVersion};
use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// A certificate authority that only tests trust.
pub struct Authority(CertifiedIssuer<'static, KeyPair>);

/// A certificate for `localhost` and `127.0.0.1`, with its private key.
#[derive(Debug, Clone)]
pub struct IssuedCertificate {
    /// The certificate chain as PEM: the certificate, then that of its authority.
    pub cert: String,
    /// The private key as PEM.
    pub key: String,
    /// The certificate as DER, the form in which a client receives it.
    pub der: CertificateDer<'static>,
}

impl Authority {
    /// Generates an authority with a new key.
    ///
    /// # Panics
    ///
    /// If the system has no randomness.
    pub fn new() -> Self {
        let mut params = CertificateParams::new([]).expect("parameters");
        params.distinguished_name.push(DnType::CommonName, "an authority for tests");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(
            CertifiedIssuer::self_signed(params, KeyPair::generate().expect("a key")).expect("a certificate"),
        )
    }

    /// The certificate of the authority itself, as PEM.
    pub fn certificate_pem(&self) -> String {
        self.0.pem()
    }

    /// Issues a certificate that is valid from 2000 to 4000.
    pub fn issue(&self) -> IssuedCertificate {
        self.issue_for_years(2000..4000)
    }

    /// Issues a certificate that is valid from 1 January of `years.start` to 1 January of `years.end`.
    ///
    /// # Panics
    ///
    /// If the years are not in the range that X.509 can express.
    pub fn issue_for_years(&self, years: std::ops::Range<i32>) -> IssuedCertificate {
        self.issue_for(&["localhost", "127.0.0.1"], years)
    }

    /// Issues a certificate for `names` that is valid from 1 January of `years.start` to 1 January of `years.end`.
    ///
    /// # Panics
    ///
    /// If the names or years cannot be expressed.
    pub fn issue_for(&self, names: &[&str], years: std::ops::Range<i32>) -> IssuedCertificate {
        let params = parameters(names, years);
        let key = KeyPair::generate().expect("a key");
        let certificate = params.signed_by(&key, &self.0).expect("a certificate");
        let cert = certificate.pem() + &self.certificate_pem();
        IssuedCertificate { cert, key: key.serialize_pem(), der: certificate.der().clone() }
    }

    /// The configuration of a client that trusts only this authority and offers `protocols` by ALPN.
    ///
    /// # Panics
    ///
    /// If rustls rejects the configuration.
    pub fn client_config(&self, protocols: &[&str]) -> ClientConfig {
        self.client_config_with_versions(rustls::DEFAULT_VERSIONS, protocols)
    }

    /// Like [`Authority::client_config`], for a client that supports only these versions of TLS.
    ///
    /// # Panics
    ///
    /// If rustls rejects the configuration.
    pub fn client_config_with_versions(
        &self,
        versions: &[&'static SupportedProtocolVersion],
        protocols: &[&str],
    ) -> ClientConfig {
        let mut roots = RootCertStore::empty();
        roots.add(self.0.der().clone()).expect("a certificate");
        let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_protocol_versions(versions)
            .expect("protocol versions")
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
        config
    }

    /// Connects to `address` and completes a TLS handshake that offers `protocols`.
    ///
    /// # Errors
    ///
    /// If the handshake fails.
    pub async fn connect(&self, address: SocketAddr, protocols: &[&str]) -> io::Result<TlsStream<TcpStream>> {
        tls_connect(address, Arc::new(self.client_config(protocols))).await
    }
}

impl Default for Authority {
    fn default() -> Self {
        Self::new()
    }
}

fn parameters(names: &[&str], years: std::ops::Range<i32>) -> CertificateParams {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let mut params = CertificateParams::new(names).expect("names");
    params.distinguished_name.push(DnType::CommonName, "localhost"); // not that of the authority
    params.not_before = date_time_ymd(years.start, 1, 1);
    params.not_after = date_time_ymd(years.end, 1, 1);
    params
}

impl IssuedCertificate {
    /// A certificate for `names` that is signed by itself and marked as one of an authority, as `openssl req -x509` makes
    /// it.
    ///
    /// # Panics
    ///
    /// If the names or years cannot be expressed.
    pub fn self_signed(names: &[&str], years: std::ops::Range<i32>) -> Self {
        let mut params = parameters(names, years);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("a key");
        let certificate = params.self_signed(&key).expect("a certificate");
        Self { cert: certificate.pem(), key: key.serialize_pem(), der: certificate.der().clone() }
    }

    /// The configuration of a server with this certificate. With `clients`, it accepts only clients with a certificate of
    /// that authority.
    ///
    /// # Panics
    ///
    /// If rustls rejects the configuration.
    pub fn server_config(&self, clients: Option<&Authority>) -> ServerConfig {
        let provider = Arc::new(ring::default_provider());
        let builder = ServerConfig::builder_with_provider(provider.clone())
            .with_safe_default_protocol_versions()
            .expect("protocol versions");
        let builder = match clients {
            None => builder.with_no_client_auth(),
            Some(authority) => {
                let mut roots = RootCertStore::empty();
                roots.add(authority.0.der().clone()).expect("a certificate");
                let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
                builder.with_client_cert_verifier(verifier.build().expect("a verifier"))
            }
        };
        let chain = CertificateDer::pem_slice_iter(self.cert.as_bytes()).collect::<Result<_, _>>();
        let key = PrivateKeyDer::from_pem_slice(self.key.as_bytes()).expect("a key");
        builder.with_single_cert(chain.expect("certificates"), key).expect("a certificate and its key")
    }

    /// Writes `cert.pem` and `key.pem` into `dir`, each atomically by a rename.
    ///
    /// # Panics
    ///
    /// If the files cannot be written.
    pub fn write_to(&self, dir: &Path) {
        for (name, text) in [("key.pem", &self.key), ("cert.pem", &self.cert)] {
            let temporary = dir.join(format!("{name}.new"));
            std::fs::write(&temporary, text).expect("a file");
            std::fs::rename(temporary, dir.join(name)).expect("a file");
        }
    }
}

/// Connects to `address` and completes a TLS handshake. Sessions that `config` stores are resumed.
///
/// # Errors
///
/// If the handshake fails.
///
/// # Panics
///
/// If nothing listens at `address`.
pub async fn tls_connect(address: SocketAddr, config: Arc<ClientConfig>) -> io::Result<TlsStream<TcpStream>> {
    let stream =
        TcpStream::connect(address).await.unwrap_or_else(|error| panic!("connect to {address}: {error}"));
    stream.set_nodelay(true).expect("a TCP option can be set");
    let name = ServerName::from(address.ip());
    within(TlsConnector::from(config).connect(name, stream), "a TLS handshake").await
}
