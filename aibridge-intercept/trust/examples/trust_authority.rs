//! Configures a TLS client with the certificate of a private authority, from a PEM file, and lists which servers it trusts
//! and why it refuses the others.
#![allow(clippy::print_stdout, reason = "an example prints what it does")]

use aibridge_trust::{ServerVerifier, TlsProblem};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, date_time_ymd};
use rustls::ClientConfig;
use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use std::error::Error;
use std::sync::Arc;

type Authority = CertifiedIssuer<'static, KeyPair>;

fn authority(name: &str) -> Result<Authority, rcgen::Error> {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.distinguished_name.push(DnType::CommonName, name);
    CertifiedIssuer::self_signed(params, KeyPair::generate()?)
}

/// The certificate of a server, which expires at the start of `year`.
fn issue(issuer: &Authority, host: &str, year: i32) -> Result<CertificateDer<'static>, rcgen::Error> {
    let mut params = CertificateParams::new([host.to_owned()])?;
    params.not_after = date_time_ymd(year, 1, 1);
    Ok(params.signed_by(&KeyPair::generate()?, issuer)?.der().clone())
}

fn main() -> Result<(), Box<dyn Error>> {
    let (ours, other) = (authority("ours")?, authority("other")?);
    let directory = tempfile::tempdir()?;
    let file = directory.path().join("ca.pem");
    std::fs::write(&file, ours.pem())?;

    let authorities = CertificateDer::pem_file_iter(&file)?.collect::<Result<Vec<_>, _>>()?;
    let verifier = Arc::new(ServerVerifier::only(authorities)?);
    let client = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(verifier.clone())
        .with_no_client_auth();
    println!("a client for TLS, with server names: {}", client.enable_sni);

    // A connection of this client does the same.
    let (host, now) = (ServerName::try_from("llm.test")?, UnixTime::now());
    for (case, certificate) in [
        ("issued for the host", issue(&ours, "llm.test", 4000)?),
        ("issued for another host", issue(&ours, "db.test", 4000)?),
        ("expired", issue(&ours, "llm.test", 2001)?),
        ("issued by another authority", issue(&other, "llm.test", 4000)?),
    ] {
        match verifier.verify_server_cert(&certificate, &[], &host, &[], now) {
            Ok(_) => println!("{case}: trusted"),
            Err(error) => println!("{case}: {}", TlsProblem::find(&error).ok_or("no problem with TLS")?),
        }
    }
    Ok(())
}
