use crate::within;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, date_time_ymd};
use rustls::crypto::ring;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore, SupportedProtocolVersion};
use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// A certificate authority that nobody but a test trusts.
pub struct Authority(CertifiedIssuer<'static, KeyPair>);

/// A certificate for `localhost` and `127.0.0.1`, and its key.
#[derive(Debug, Clone)]
pub struct Issued {
    /// The certificate and that of its authority, as PEM.
    pub cert: String,
    /// Its private key, as PEM.
    pub key: String,
    /// The certificate as clients see it.
    pub der: CertificateDer<'static>,
}

impl Authority {
    /// A new one.
    ///
    /// # Panics
    ///
    /// If there is no randomness.
    pub fn new() -> Self {
        let mut params = CertificateParams::new([]).expect("parameters");
        params.distinguished_name.push(DnType::CommonName, "an authority for tests");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(
            CertifiedIssuer::self_signed(params, KeyPair::generate().expect("a key")).expect("a certificate"),
        )
    }

    /// Its own certificate, as PEM.
    pub fn pem(&self) -> String {
        self.0.pem()
    }

    /// A new certificate.
    pub fn issue(&self) -> Issued {
        self.issue_for(2000..4000)
    }

    /// A new certificate that is valid in these years.
    ///
    /// # Panics
    ///
    /// If there are no such years.
    pub fn issue_for(&self, years: std::ops::Range<i32>) -> Issued {
        let names = ["localhost".to_owned(), "127.0.0.1".to_owned()];
        let mut params = CertificateParams::new(names).expect("names");
        params.distinguished_name.push(DnType::CommonName, "localhost"); // not that of the authority
        params.not_before = date_time_ymd(years.start, 1, 1);
        params.not_after = date_time_ymd(years.end, 1, 1);
        let key = KeyPair::generate().expect("a key");
        let certificate = params.signed_by(&key, &self.0).expect("a certificate");
        let cert = certificate.pem() + &self.pem();
        Issued { cert, key: key.serialize_pem(), der: certificate.der().clone() }
    }

    /// How a client that trusts this authority, and no other, asks for one of `protocols`.
    ///
    /// # Panics
    ///
    /// If TLS cannot be had.
    pub fn client(&self, protocols: &[&str]) -> ClientConfig {
        self.client_of(rustls::DEFAULT_VERSIONS, protocols)
    }

    /// The same for a client that knows only these versions of TLS.
    ///
    /// # Panics
    ///
    /// If TLS cannot be had.
    pub fn client_of(
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

    /// Connects and shakes hands.
    ///
    /// # Errors
    ///
    /// If that fails.
    pub async fn connect(&self, address: SocketAddr, protocols: &[&str]) -> io::Result<TlsStream<TcpStream>> {
        shake_hands(address, Arc::new(self.client(protocols))).await
    }
}

impl Default for Authority {
    fn default() -> Self {
        Self::new()
    }
}

impl Issued {
    /// Puts it into `dir`, as `cert.pem` and `key.pem`, each at once.
    ///
    /// # Panics
    ///
    /// If the files cannot be written.
    pub fn put(&self, dir: &Path) {
        for (name, text) in [("key.pem", &self.key), ("cert.pem", &self.cert)] {
            let beside = dir.join(format!("{name}.new"));
            std::fs::write(&beside, text).expect("a file");
            std::fs::rename(beside, dir.join(name)).expect("a file");
        }
    }
}

/// Connects and shakes hands as `config` says; what it remembers of sessions is used.
///
/// # Errors
///
/// If that fails.
///
/// # Panics
///
/// If nobody listens at `address`.
pub async fn shake_hands(address: SocketAddr, config: Arc<ClientConfig>) -> io::Result<TlsStream<TcpStream>> {
    let stream =
        TcpStream::connect(address).await.unwrap_or_else(|error| panic!("connect to {address}: {error}"));
    stream.set_nodelay(true).expect("a TCP option can be set");
    let name = ServerName::from(address.ip());
    within(TlsConnector::from(config).connect(name, stream), "a TLS handshake").await
}
