//! The scenarios over TLS and HTTP/2.

use super::install::Installed;
use super::tools::Tools;
use super::{Aimock, environment, python, settings};
use aibridge_testkit::{Authority, Launch};
use anyhow::{Result, ensure};
use std::path::Path;

/// Runs the scenarios against a gateway with a certificate.
pub(super) async fn run(
    binary: &Path,
    tools: &Tools,
    installed: &Installed,
    provider: &Aimock,
) -> Result<()> {
    let tls = "[tls]\ncert = \"cert.pem\"\nkey = \"key.pem\"\n";
    let launch = Launch::new(binary).config(format!("{tls}{}", settings(provider)));
    let (authority, trusted) = (Authority::new(), launch.dir().join("authority.pem"));
    authority.issue().write_to(launch.dir());
    std::fs::write(&trusted, authority.certificate_pem())?;
    let gateway = launch.start().await;
    let mut command = python(installed, "secured.py");
    command.args([provider.base_url(), gateway.url()]).envs(environment(tools, installed));
    let status = command.env("NODE_EXTRA_CA_CERTS", &trusted).env("SSL_CERT_FILE", trusted).status().await?;
    ensure!(
        status.success(),
        "a response over TLS differs from the direct one ({status})\n{}",
        gateway.stderr()
    );
    Ok(())
}
