//! Lists the models of a provider: `upstream_models https://api.openai.com/v1/ sk-…`.
#![allow(clippy::print_stdout, reason = "an example prints what it does")]

use aibridge_headers::credential::{ClientKey, Credential, KeyFailover};
use aibridge_upstream::call::{Attempts, CallBody, TimeoutScope, Timeouts};
use aibridge_upstream::payload::Payload;
use aibridge_upstream::{ClientTls, RequestedModel, Upstream, UpstreamCall};
use http::{HeaderMap, Method, header};
use std::error::Error;
use std::time::Duration;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [base_url, key] = &arguments[..] else { return Err("name a base URL and a key".into()) };
    let wait = Duration::from_secs(30);
    let timeouts = Timeouts {
        connect: wait,
        response: wait,
        stream_idle: wait,
        keep_alive: wait,
        drain_on_disconnect: Duration::ZERO,
    };
    let keys = KeyFailover::new(None, header::AUTHORIZATION);
    let upstream = Upstream::new(base_url.parse()?, keys, timeouts, &ClientTls::default())?;
    let call = UpstreamCall {
        base_url: None,
        method: Method::GET,
        path: "/models".into(),
        query: None,
        headers: HeaderMap::new(),
        body: CallBody::Replayable(Payload::default()),
        model: RequestedModel::Unnamed,
        credential: Credential::Byok(ClientKey {
            header: header::AUTHORIZATION,
            secret: key.as_str().into(),
        }),
        timeout_scope: TimeoutScope::Whole,
        has_separate_limits: false,
        guard: None,
        tap: None,
    };
    let mut response = upstream.call(call, &mut Attempts::default()).await?;
    println!("{}", response.http.status());
    while let Some(chunk) = response.next_chunk().await? {
        print!("{}", String::from_utf8_lossy(&chunk));
    }
    Ok(())
}
