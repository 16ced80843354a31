//! What the two files hold. No message shows any of a key.

use rustls::crypto::ring;
use rustls::pki_types::pem::{Error as PemError, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use rustls::{Error, InconsistentKeys};
use std::ops::Range;
use std::time::Duration;
use x509_cert::Certificate;
use x509_cert::der::Decode;

/// What cannot be used, and whose fault it is.
pub(super) struct Wrong {
    pub(super) setting: &'static str,
    pub(super) message: String,
}

/// The certificate, and those it builds on.
pub(super) fn certificates(text: &str, path: &str) -> Result<Vec<CertificateDer<'static>>, String> {
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(text.as_bytes()).collect();
    match chain {
        Ok(chain) if chain.is_empty() => Err(format!(
            "the file {path:?} holds no certificate; write the path of a file with a line \
             \"-----BEGIN CERTIFICATE-----\""
        )),
        Ok(chain) => Ok(chain),
        Err(_) => Err(format!(
            "the file {path:?} is damaged; write the path of a PEM file with the whole certificate"
        )),
    }
}

pub(super) fn private_key(text: &str, path: &str) -> Result<PrivateKeyDer<'static>, String> {
    if text.contains("ENCRYPTED") {
        return Err(format!(
            "the key in the file {path:?} is encrypted; write the path of one without a passphrase, as \
             `openssl pkey -in ENCRYPTED -out PLAIN` makes it"
        ));
    }
    PrivateKeyDer::from_pem_slice(text.as_bytes()).map_err(|error| match error {
        PemError::NoItemsFound => format!(
            "the file {path:?} holds no private key; write the path of a file with a line \
             \"-----BEGIN PRIVATE KEY-----\""
        ),
        _ => format!("the file {path:?} is damaged; write the path of a PEM file with the whole private key"),
    })
}

/// Puts both together. `paths` are those of the certificate and of the key.
pub(super) fn pair(
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
    paths: (&str, &str),
) -> Result<CertifiedKey, Wrong> {
    let (cert, key_path) = paths;
    CertifiedKey::from_der(chain, key, &ring::default_provider()).map_err(|error| match error {
        Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => Wrong {
            setting: "tls.key",
            message: format!(
                "the key in the file {key_path:?} is not that of the first certificate in {cert:?}; write the path \
                 of the key that the certificate was made for"
            ),
        },
        Error::InvalidCertificate(_) => Wrong {
            setting: "tls.cert",
            message: format!(
                "the first certificate in the file {cert:?} is none that TLS knows; write the path of an X.509 \
                 certificate"
            ),
        },
        _ => Wrong {
            setting: "tls.key",
            message: format!(
                "the key in the file {key_path:?} cannot be used; write the path of an RSA key of 2048 bits or \
                 more, an ECDSA key (P-256, P-384 or P-521) or an Ed25519 key"
            ),
        },
    })
}

/// When the first of `chain` is valid.
pub(super) fn validity(chain: &[CertificateDer<'static>]) -> Option<Range<Duration>> {
    let certificate = Certificate::from_der(chain.first()?).ok()?;
    let validity = certificate.tbs_certificate.validity;
    Some(validity.not_before.to_unix_duration()..validity.not_after.to_unix_duration())
}
