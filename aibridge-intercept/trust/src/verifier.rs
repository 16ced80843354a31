//! The verifier of server certificates.

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::verify_server_name;
use rustls::crypto::ring;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};
use rustls_platform_verifier::Verifier;
use std::sync::Arc;
use x509_cert::Certificate;
use x509_cert::der::Decode;

/// Verifies a server by trusted authorities.
///
/// A certificate that is itself among the named authorities is accepted for its own host names, as OpenSSL does: `openssl
/// req -x509` marks a certificate that is signed by itself as one of an authority, which no server should present.
#[derive(Debug)]
pub struct ServerVerifier {
    inner: Arc<dyn ServerCertVerifier>,
    authorities: Vec<CertificateDer<'static>>,
    checks_name: bool,
}

impl ServerVerifier {
    /// Trusts the authorities of the system and `authorities`.
    ///
    /// # Errors
    ///
    /// [`Error`] if the authorities of the system cannot be read, or one of `authorities` is no X.509 certificate.
    pub fn system_and(authorities: Vec<CertificateDer<'static>>) -> Result<Self, Error> {
        let provider = Arc::new(ring::default_provider());
        let verifier = match authorities.is_empty() {
            true => Verifier::new(provider)?,
            false => Verifier::new_with_extra_roots(authorities.iter().cloned(), provider)?,
        };
        Ok(Self { inner: Arc::new(verifier), authorities, checks_name: true })
    }

    /// Trusts only `authorities`.
    ///
    /// # Errors
    ///
    /// [`Error`] if there are none, or one of them is no X.509 certificate.
    pub fn only(authorities: Vec<CertificateDer<'static>>) -> Result<Self, Error> {
        let mut roots = RootCertStore::empty();
        for authority in &authorities {
            roots.add(authority.clone())?;
        }
        let provider = Arc::new(ring::default_provider());
        let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider).build();
        let verifier = verifier.map_err(|error| Error::General(error.to_string()))?;
        Ok(Self { inner: verifier, authorities, checks_name: true })
    }

    /// Accepts a trusted certificate for any host name.
    #[must_use]
    pub fn for_any_name(self) -> Self {
        Self { checks_name: false, ..self }
    }

    /// Verifies a certificate that is among the authorities.
    fn verify_own(
        &self,
        certificate: &CertificateDer<'_>,
        name: &ServerName<'_>,
        now: UnixTime,
    ) -> Result<(), Error> {
        if self.checks_name {
            verify_server_name(&ParsedCertificate::try_from(certificate)?, name)?;
        }
        let parsed = Certificate::from_der(certificate);
        let validity = parsed.map_err(|_| CertificateError::BadEncoding)?.tbs_certificate.validity;
        let now = now.as_secs();
        if now < validity.not_before.to_unix_duration().as_secs() {
            return Err(CertificateError::NotValidYet.into());
        }
        if now > validity.not_after.to_unix_duration().as_secs() {
            return Err(CertificateError::Expired.into());
        }
        Ok(())
    }
}

impl ServerCertVerifier for ServerVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        match self.inner.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now) {
            Ok(verified) => Ok(verified),
            Err(_) if self.authorities.contains(end_entity) => {
                self.verify_own(end_entity, server_name, now).map(|()| ServerCertVerified::assertion())
            }
            // The name is checked last.
            Err(Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) if !self.checks_name => Ok(ServerCertVerified::assertion()),
            Err(error) => Err(error),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.inner.verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.inner.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.inner.supported_verify_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::TlsProblem;
    use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, date_time_ymd};
    use std::time::Duration;

    /// The years of a valid certificate.
    const VALID: (i32, i32) = (2000, 4000);

    fn params(names: &[&str], is_ca: bool, (from, to): (i32, i32)) -> CertificateParams {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let mut params = CertificateParams::new(names).unwrap();
        if is_ca {
            params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        }
        params.not_before = date_time_ymd(from, 1, 1);
        params.not_after = date_time_ymd(to, 1, 1);
        params
    }

    fn self_signed(names: &[&str], is_ca: bool, years: (i32, i32)) -> CertificateDer<'static> {
        params(names, is_ca, years).self_signed(&KeyPair::generate().unwrap()).unwrap().der().clone()
    }

    /// The result for the host `db.aib.test` in 2026.
    fn verify(verifier: &ServerVerifier, certificate: &CertificateDer<'_>) -> Result<(), TlsProblem> {
        let (name, now) = (ServerName::try_from("db.aib.test").unwrap(), Duration::from_secs(1_790_000_000));
        let verified =
            verifier.verify_server_cert(certificate, &[], &name, &[], UnixTime::since_unix_epoch(now));
        verified.map(|_| ()).map_err(|error| TlsProblem::find(&error).unwrap())
    }

    #[test]
    fn a_named_certificate_is_accepted_for_its_own_names() {
        use TlsProblem::{Expired, NotYetValid, UnknownIssuer, WrongHost};
        for is_ca in [true, false] {
            for (names, years, expected) in [
                (&["db.aib.test"][..], VALID, Ok(())),
                (&["other.aib.test", "*.aib.test"], VALID, Ok(())),
                (&["other.aib.test"], VALID, Err(WrongHost)),
                (&["db.aib.test"], (2000, 2001), Err(Expired)),
                (&["db.aib.test"], (3000, 4000), Err(NotYetValid)),
            ] {
                let certificate = self_signed(names, is_ca, years);
                let case = format!("{names:?} {years:?} CA {is_ca}");
                for verifier in [ServerVerifier::only, ServerVerifier::system_and] {
                    let named = verifier(vec![certificate.clone()]).unwrap();
                    assert_eq!(verify(&named, &certificate), expected, "{case}");
                    let any_name = named.for_any_name();
                    let expected = if expected == Err(WrongHost) { Ok(()) } else { expected };
                    assert_eq!(verify(&any_name, &certificate), expected, "{case}");
                }
                if years == VALID {
                    let other = ServerVerifier::only(vec![self_signed(names, is_ca, years)]).unwrap();
                    assert_eq!(verify(&other, &certificate), Err(UnknownIssuer), "{case}");
                }
            }
        }
    }

    #[test]
    fn an_authority_is_trusted_for_what_it_issued() {
        let issuer = |name: &str| {
            let mut params = params(&[], true, VALID);
            params.distinguished_name.push(rcgen::DnType::CommonName, name);
            CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
        };
        let (trusted, unknown) = (issuer("trusted"), issuer("unknown"));
        let issued = |issuer: &CertifiedIssuer<'static, KeyPair>, names: &[&str]| {
            let key = KeyPair::generate().unwrap();
            params(names, false, VALID).signed_by(&key, issuer).unwrap().der().clone()
        };
        let authority: CertificateDer<'static> = trusted.der().clone();
        let verifier = ServerVerifier::only(vec![authority.clone()]).unwrap();
        assert_eq!(verify(&verifier, &issued(&trusted, &["db.aib.test"])), Ok(()));
        assert_eq!(verify(&verifier, &issued(&trusted, &["other.aib.test"])), Err(TlsProblem::WrongHost));
        assert_eq!(verify(&verifier, &issued(&unknown, &["db.aib.test"])), Err(TlsProblem::UnknownIssuer));
        assert_eq!(verify(&verifier, &issued(&trusted, &[])), Err(TlsProblem::NoHost));
        let mut for_clients = params(&["db.aib.test"], false, VALID);
        for_clients.extended_key_usages = vec![rcgen::ExtendedKeyUsagePurpose::ClientAuth];
        let for_clients = for_clients.signed_by(&KeyPair::generate().unwrap(), &trusted).unwrap();
        assert_eq!(verify(&verifier, for_clients.der()), Err(TlsProblem::WrongPurpose));
        let any_name = verifier.for_any_name();
        assert_eq!(verify(&any_name, &issued(&trusted, &["other.aib.test"])), Ok(()));
        assert_eq!(verify(&any_name, &issued(&unknown, &["other.aib.test"])), Err(TlsProblem::UnknownIssuer));
    }
}
