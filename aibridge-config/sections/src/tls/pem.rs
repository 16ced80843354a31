//! Parses the certificate and key files. No message contains any part of a key.

use rustls::crypto::ring;
use rustls::pki_types::pem::{Error as PemError, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use rustls::{Error, InconsistentKeys};
use std::ops::Range;
use std::time::Duration;
use x509_cert::Certificate;
use x509_cert::der::Decode;

/// A problem with a certificate and its key, and the file that has it.
pub(super) enum PairProblem {
    Certificate(String),
    Key(String),
}

/// Parses the certificate chain.
pub(super) fn certificates(text: &str, path: &str) -> Result<Vec<CertificateDer<'static>>, String> {
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(text.as_bytes()).collect();
    match chain {
        Ok(chain) if chain.is_empty() => Err(format!(
            "the file {path:?} contains no certificate; write the path of a file with a line \
             \"-----BEGIN CERTIFICATE-----\""
        )),
        Ok(chain) => Ok(chain),
        Err(_) => Err(format!(
            "the file {path:?} is damaged; write the path of a PEM file with the whole certificate"
        )),
    }
}

/// Parses the private key.
pub(super) fn private_key(text: &str, path: &str) -> Result<PrivateKeyDer<'static>, String> {
    if text.contains("ENCRYPTED") {
        return Err(format!(
            "the key in the file {path:?} is encrypted; write the path of one without a passphrase, as \
             `openssl pkey -in ENCRYPTED -out PLAIN` makes it"
        ));
    }
    PrivateKeyDer::from_pem_slice(text.as_bytes()).map_err(|error| match error {
        PemError::NoItemsFound => format!(
            "the file {path:?} contains no private key; write the path of a file with a line \
             \"-----BEGIN PRIVATE KEY-----\""
        ),
        _ => format!("the file {path:?} is damaged; write the path of a PEM file with the whole private key"),
    })
}

/// Pairs the certificate chain with its key. `paths` are those of the certificate and of the key.
pub(super) fn pair(
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
    paths: (&str, &str),
) -> Result<CertifiedKey, PairProblem> {
    let (cert, key_path) = paths;
    CertifiedKey::from_der(chain, key, &ring::default_provider()).map_err(|error| match error {
        Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => PairProblem::Key(format!(
            "the key in the file {key_path:?} does not match the first certificate in {cert:?}; write the path of the \
             key of that certificate"
        )),
        Error::InvalidCertificate(_) => PairProblem::Certificate(format!(
            "the first certificate in the file {cert:?} cannot be used for TLS; write the path of an X.509 certificate"
        )),
        _ => PairProblem::Key(format!(
            "the key in the file {key_path:?} cannot be used; write the path of an RSA key of 2048 bits or more, an \
             ECDSA key (P-256, P-384 or P-521) or an Ed25519 key"
        )),
    })
}

/// The validity period of the first certificate of `chain`.
pub(super) fn validity(chain: &[CertificateDer<'static>]) -> Option<Range<Duration>> {
    let certificate = Certificate::from_der(chain.first()?).ok()?;
    let validity = certificate.tbs_certificate.validity;
    Some(validity.not_before.to_unix_duration()..validity.not_after.to_unix_duration())
}
