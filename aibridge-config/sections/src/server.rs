//! `[server]`: the listener for clients.

use crate::web;
use aibridge_values::address;
use aibridge_values::duration::RawDuration;
use aibridge_values::report::Report;
use aibridge_values::size::RawSize;
use serde::{Deserialize, Serialize};
use std::net::SocketAddr;
use std::time::Duration;

/// The listener for clients.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    /// The address to listen on; port 0 picks a free port.
    pub listen: SocketAddr,
    /// The maximum size of a request body after decompression, in bytes.
    pub max_body_bytes: usize,
    /// The time that requests in flight have to end during a shutdown; may be zero.
    pub shutdown_grace: Duration,
    /// The maximum idle time of a client connection between two requests.
    pub keep_alive: Duration,
    /// Whether other machines may use the gateway without an access token.
    pub insecure: bool,
    /// The hosts, with or without a port, that requests without an access token may have in `Host`, besides the
    /// addresses of the gateway.
    pub allowed_hosts: Vec<String>,
    /// The origins of web pages that may use the gateway; [`ANY_ORIGIN`](crate::ANY_ORIGIN) allows all.
    pub cors_origins: Vec<String>,
}

/// The mirror of `[server]`.
#[derive(Deserialize, Serialize)]
#[serde(default, deny_unknown_fields, expecting = "a table")]
pub struct RawServer {
    listen: String,
    max_body_bytes: RawSize,
    shutdown_grace: RawDuration,
    keep_alive: RawDuration,
    insecure: bool,
    allowed_hosts: Vec<String>,
    cors_origins: Vec<String>,
}

impl Default for RawServer {
    fn default() -> Self {
        Self {
            listen: "127.0.0.1:8080".into(),
            max_body_bytes: RawSize::from_mib(64),
            shutdown_grace: RawDuration::from_secs(30),
            keep_alive: RawDuration::from_secs(75),
            insecure: false,
            allowed_hosts: Vec::new(),
            cors_origins: Vec::new(),
        }
    }
}

impl From<&Server> for RawServer {
    fn from(server: &Server) -> Self {
        Self {
            listen: server.listen.to_string(),
            max_body_bytes: server.max_body_bytes.into(),
            shutdown_grace: server.shutdown_grace.into(),
            keep_alive: server.keep_alive.into(),
            insecure: server.insecure,
            allowed_hosts: server.allowed_hosts.clone(),
            cors_origins: server.cors_origins.clone(),
        }
    }
}

/// Validates `[server]`. `None` if there is a problem with its address; other values with a problem are empty.
pub fn resolve(raw: &RawServer, report: &mut Report<'_>) -> Option<Server> {
    let listen = report.keep("server.listen", address::parse(&raw.listen));
    let max_body_bytes = report.keep("server.max_body_bytes", raw.max_body_bytes.positive());
    let keep_alive = report.keep("server.keep_alive", raw.keep_alive.positive());
    let allowed_hosts = web::hosts(&raw.allowed_hosts, report);
    let cors_origins = web::origins(&raw.cors_origins, report);
    // A problem with the other values must not hide one with the address, which is checked together with `[auth]`.
    Some(Server {
        listen: listen?,
        max_body_bytes: max_body_bytes.unwrap_or_default(),
        shutdown_grace: raw.shutdown_grace.get(),
        keep_alive: keep_alive.unwrap_or_default(),
        insecure: raw.insecure,
        allowed_hosts: allowed_hosts.unwrap_or_default(),
        cors_origins: cors_origins.unwrap_or_default(),
    })
}
