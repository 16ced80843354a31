//! The TLS listener, with HTTP/2 and HTTP/1.1.

mod back_pressure;
mod certificates;
mod handshakes;
mod stop;
mod streams;
mod versions;

use crate::dialects::{Dialect, KEY};
use crate::harness::provider_settings;
use aibridge_testkit::{Authority, Gateway, H2Client, H2Stream, Launch};

const TLS: &str = "[tls]\ncert = \"cert.pem\"\nkey = \"key.pem\"\n";

/// A launch with a new certificate and these `settings`.
fn launch(authority: &Authority, settings: &str) -> Launch {
    let launch = Launch::new(env!("CARGO_BIN_EXE_aibridge")).config(format!("{TLS}{settings}"));
    authority.issue().write_to(launch.dir());
    launch
}

/// A gateway with the provider at `base_url`, and an HTTP/2 client of it.
async fn gateway_and_client(base_url: &str) -> (Gateway, H2Client) {
    let authority = Authority::new();
    let gateway = launch(&authority, &provider_settings(base_url, &[KEY])).start().await;
    let client = H2Client::connect(gateway.address(), &authority).await;
    (gateway, client)
}

/// Sends the request of `dialect`.
async fn call(client: &mut H2Client, dialect: &Dialect, streaming: bool) -> H2Stream {
    let headers = [("content-type", "application/json")];
    client.send("POST", dialect.target, &headers, dialect.request(streaming)).await
}
