use crate::address::{self, is_exposed};
use crate::duration::RawDuration;
use crate::report::Report;
use crate::size::RawSize;
use crate::{Admin, Auth, AuthMode, web};
use serde::{Deserialize, Serialize};
use std::net::SocketAddr;
use std::time::Duration;

/// The listener.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    /// Where to listen; port 0 picks a free one.
    pub listen: SocketAddr,
    /// The longest request body in bytes, after decompression.
    pub max_body_bytes: usize,
    /// How long open requests may go on after the gateway was told to stop; may be zero.
    pub shutdown_grace: Duration,
    /// How long a client's connection may be idle between two requests.
    pub keep_alive: Duration,
    /// Whether everyone on the network may use the gateway.
    pub insecure: bool,
    /// Hosts, with or without a port, that requests without an access token may name besides the gateway's own.
    pub allowed_hosts: Vec<String>,
    /// Origins of web pages that may use the gateway; [`ANY_ORIGIN`](crate::ANY_ORIGIN) for all of them.
    pub cors_origins: Vec<String>,
}

#[derive(Deserialize, Serialize)]
#[serde(default, deny_unknown_fields, expecting = "a table")]
pub(crate) struct RawServer {
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

pub(crate) fn resolve(raw: &RawServer, report: &mut Report<'_>) -> Option<Server> {
    let listen = report.keep("server.listen", address::parse(&raw.listen));
    let max_body_bytes = report.keep("server.max_body_bytes", raw.max_body_bytes.positive());
    let keep_alive = report.keep("server.keep_alive", raw.keep_alive.positive());
    let allowed_hosts = web::hosts(&raw.allowed_hosts, report);
    let cors_origins = web::origins(&raw.cors_origins, report);
    Some(Server {
        listen: listen?,
        max_body_bytes: max_body_bytes?,
        shutdown_grace: raw.shutdown_grace.get(),
        keep_alive: keep_alive?,
        insecure: raw.insecure,
        allowed_hosts: allowed_hosts?,
        cors_origins: cors_origins?,
    })
}

/// Refuses to let everyone on the network use the gateway, unless that is what the operator says.
pub(crate) fn refuse_exposure(server: &Server, admin: Option<&Admin>, auth: &Auth, report: &mut Report<'_>) {
    let open = auth.mode == AuthMode::None && !server.insecure;
    // Whoever misspelt one of these may well have meant to be safe.
    let meant = !report.concerns("auth.mode") && !report.concerns("server.insecure");
    if !open || !meant {
        return;
    }
    let listeners = [
        ("server.listen", Some(server.listen), "spend your keys"),
        ("admin.listen", admin.and_then(|admin| admin.listen), "see who uses what"),
    ];
    for (setting, address, harm) in listeners {
        if let Some(address) = address.filter(|&address| is_exposed(address)) {
            let message = format!(
                "{address} can be reached from other machines, and with auth.mode = \"none\" everyone there \
                 could {harm}; listen on \"127.0.0.1:{}\", or write auth.mode = \"tokens\", or \
                 server.insecure = true",
                address.port()
            );
            report.problem(setting, message);
        }
    }
}
