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
            Error::NoCertificatesPresented => Self::InvalidCertificate,
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
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                Self::WrongHost
            }
            CertificateError::Revoked => Self::Revoked,
            // A certificate that is signed by itself is no certificate of an unknown issuer to the library.
            CertificateError::Other(other)
                if other.0.downcast_ref() == Some(&webpki::Error::CaUsedAsEndEntity) =>
            {
                Self::UnknownIssuer
            }
            _ => Self::InvalidCertificate,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("outer")]
    struct Outer(#[source] io::Error);

    #[test]
    fn finds_the_error_behind_io_errors() {
        let table = [
            (Error::InvalidCertificate(CertificateError::UnknownIssuer), TlsProblem::UnknownIssuer),
            (Error::InvalidCertificate(CertificateError::Expired), TlsProblem::Expired),
            (Error::InvalidCertificate(CertificateError::NotValidYet), TlsProblem::NotYetValid),
            (Error::InvalidCertificate(CertificateError::NotValidForName), TlsProblem::WrongHost),
            (Error::InvalidCertificate(CertificateError::BadEncoding), TlsProblem::InvalidCertificate),
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
