//! The reason of a failed TLS handshake.

use rustls::{AlertDescription, CertificateError, Error};
use std::error::Error as StdError;
use std::io;

/// The reason of a failed TLS handshake. Displays as a message without internals, with what to do about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TlsProblem {
    /// No trusted authority issued the certificate.
    #[error(
        "its certificate is not trusted (unknown issuer): name the certificate of its authority in tls_ca"
    )]
    UnknownIssuer,
    /// The certificate has expired.
    #[error("its certificate has expired: it has to be renewed")]
    Expired,
    /// The validity period of the certificate has not begun.
    #[error("its certificate is not valid yet: check the clocks")]
    NotYetValid,
    /// The certificate is for other host names.
    #[error("its certificate is for another host (wrong host): check the host in base_url")]
    WrongHost,
    /// The certificate is for no host name.
    #[error(
        "its certificate names no host (no subjectAltName): it has to be replaced by one with the host in base_url"
    )]
    NoHost,
    /// The certificate is of X.509 version 1 or 2, which have no host names in the place where clients read them.
    #[error(
        "its certificate is of an old version of X.509, without subjectAltName: it has to be replaced by one of version 3"
    )]
    OldVersion,
    /// The certificate is for clients, e-mail or other purposes only.
    #[error(
        "its certificate is not for servers (extended key usage without serverAuth): it has to be replaced"
    )]
    WrongPurpose,
    /// A certificate of the chain is signed with an algorithm that the gateway does not accept.
    #[error(
        "its certificate is signed with an algorithm that is not accepted: it has to be replaced by one with SHA-256 or better"
    )]
    SignatureAlgorithm,
    /// A certificate of the chain cannot be decoded.
    #[error("its certificate is malformed: it has to be replaced")]
    Malformed,
    /// A certificate of the chain has a critical extension that the gateway does not support.
    #[error("its certificate has a critical extension that is not supported: it has to be replaced")]
    CriticalExtension,
    /// The constraints of a certificate of the chain forbid the issue of the certificate.
    #[error("its certificate is issued by an authority that must not issue it: it has to be replaced")]
    IssuerConstraints,
    /// The server sends no certificate.
    #[error("it sends no certificate: check that base_url names a TLS server")]
    NoCertificate,
    /// The authority revoked the certificate.
    #[error("its certificate is revoked: it has to be replaced")]
    Revoked,
    /// The certificate cannot be verified for another reason.
    #[error("its certificate is not trusted: it cannot be verified")]
    InvalidCertificate,
    /// The server rejected the certificate of the gateway, or requires one.
    #[error("it does not accept the certificate of the gateway: check tls_client_cert")]
    ClientCertificate,
    /// The server does not speak TLS, or no version of it that the gateway accepts.
    #[error("the TLS handshake failed: check that base_url names a TLS server")]
    Handshake,
}

impl TlsProblem {
    /// Finds the TLS error among `error` and its causes. `None` if it has another reason.
    pub fn find(error: &(dyn StdError + 'static)) -> Option<Self> {
        let mut cause = Some(error);
        while let Some(error) = cause {
            if let Some(error) = error.downcast_ref::<Error>() {
                return Some(Self::of(error));
            }
            // The source of an I/O error is that of its inner error, which would be skipped.
            let inner = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
            if let Some(problem) = inner.and_then(|inner| Self::find(inner)) {
                return Some(problem);
            }
            cause = error.source();
        }
        None
    }

    fn of(error: &Error) -> Self {
        match error {
            Error::InvalidCertificate(error) => Self::of_certificate(error),
            Error::NoCertificatesPresented => Self::NoCertificate,
            Error::AlertReceived(
                AlertDescription::CertificateRequired
                | AlertDescription::BadCertificate
                | AlertDescription::UnsupportedCertificate
                | AlertDescription::CertificateExpired
                | AlertDescription::CertificateRevoked
                | AlertDescription::CertificateUnknown
                | AlertDescription::UnknownCA
                | AlertDescription::DecryptError // another authority has the name of a trusted one
                | AlertDescription::AccessDenied,
            ) => Self::ClientCertificate,
            _ => Self::Handshake,
        }
    }

    fn of_certificate(error: &CertificateError) -> Self {
        match error {
            // The second: another authority has the name of a trusted one.
            CertificateError::UnknownIssuer | CertificateError::BadSignature => Self::UnknownIssuer,
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => Self::Expired,
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => Self::NotYetValid,
            CertificateError::NotValidForNameContext { presented, .. } if presented.is_empty() => {
                Self::NoHost
            }
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                Self::WrongHost
            }
            CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
                Self::WrongPurpose
            }
            CertificateError::UnsupportedSignatureAlgorithmContext { .. }
            | CertificateError::UnsupportedSignatureAlgorithmForPublicKeyContext { .. } => {
                Self::SignatureAlgorithm
            }
            CertificateError::BadEncoding => Self::Malformed,
            CertificateError::UnhandledCriticalExtension => Self::CriticalExtension,
            CertificateError::Revoked => Self::Revoked,
            CertificateError::Other(other) => {
                other.0.downcast_ref().map_or(Self::InvalidCertificate, Self::of_chain)
            }
            _ => Self::InvalidCertificate,
        }
    }

    /// The reason of an error of the library for certificates that rustls has no own error for.
    fn of_chain(error: &webpki::Error) -> Self {
        use webpki::Error;
        match error {
            // A certificate that is signed by itself is no certificate of an unknown issuer to the library.
            Error::CaUsedAsEndEntity => Self::UnknownIssuer,
            Error::UnsupportedCertVersion => Self::OldVersion,
            Error::EmptyEkuExtension => Self::WrongPurpose,
            Error::SignatureAlgorithmMismatch => Self::SignatureAlgorithm,
            Error::UnsupportedCriticalExtension => Self::CriticalExtension,
            Error::EndEntityUsedAsCa | Error::NameConstraintViolation | Error::PathLenConstraintViolated => {
                Self::IssuerConstraints
            }
            Error::ExtensionValueInvalid
            | Error::InvalidSerialNumber
            | Error::MalformedDnsIdentifier
            | Error::MalformedExtensions
            | Error::MalformedNameConstraint => Self::Malformed,
            _ => Self::InvalidCertificate,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustls::OtherError;
    use std::sync::Arc;

    #[derive(Debug, thiserror::Error)]
    #[error("outer")]
    struct Outer(#[source] io::Error);

    fn of_chain(error: webpki::Error) -> Error {
        CertificateError::Other(OtherError(Arc::new(error))).into()
    }

    #[test]
    fn finds_the_error_behind_io_errors() {
        let table = [
            (Error::InvalidCertificate(CertificateError::UnknownIssuer), TlsProblem::UnknownIssuer),
            (Error::InvalidCertificate(CertificateError::Expired), TlsProblem::Expired),
            (Error::InvalidCertificate(CertificateError::NotValidYet), TlsProblem::NotYetValid),
            (Error::InvalidCertificate(CertificateError::NotValidForName), TlsProblem::WrongHost),
            (Error::InvalidCertificate(CertificateError::BadEncoding), TlsProblem::Malformed),
            (Error::InvalidCertificate(CertificateError::InvalidPurpose), TlsProblem::WrongPurpose),
            (of_chain(webpki::Error::UnsupportedCertVersion), TlsProblem::OldVersion),
            (of_chain(webpki::Error::CaUsedAsEndEntity), TlsProblem::UnknownIssuer),
            (of_chain(webpki::Error::NameConstraintViolation), TlsProblem::IssuerConstraints),
            (of_chain(webpki::Error::MaximumPathDepthExceeded), TlsProblem::InvalidCertificate),
            (Error::AlertReceived(AlertDescription::CertificateRequired), TlsProblem::ClientCertificate),
            (Error::AlertReceived(AlertDescription::ProtocolVersion), TlsProblem::Handshake),
        ];
        for (error, expected) in table {
            let outer = Outer(io::Error::other(io::Error::new(io::ErrorKind::InvalidData, error.clone())));
            assert_eq!(TlsProblem::find(&outer), Some(expected), "{error}");
        }
        assert_eq!(TlsProblem::find(&Outer(io::ErrorKind::ConnectionReset.into())), None);
        assert_eq!(TlsProblem::find(&Outer(io::Error::other("text"))), None);
    }
}
