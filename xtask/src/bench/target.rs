use super::process::{self, Process};
use anyhow::Result;
use std::net::SocketAddr;
use std::time::Duration;

/// What is measured: something that requests go through.
pub(super) struct Target {
    pub(super) name: &'static str,
    pub(super) address: SocketAddr,
    /// What stands before a route.
    pub(super) prefix: &'static str,
    pub(super) token: Option<String>,
    /// The process whose cost counts.
    pub(super) pid: u32,
    /// From its start until it could be used.
    pub(super) ready_after: Duration,
    /// Ends it, if it is ours.
    pub(super) _process: Option<Process>,
}

pub(super) const DIRECT: &str = "direct";
pub(super) const NGINX: &str = "nginx";
/// It keeps request bodies in memory, not in files when they are longer than 16 KiB.
pub(super) const NGINX_IN_MEMORY: &str = "nginx, in memory";
pub(super) const RELAY: &str = "relay";
pub(super) const GOVERNED: &str = "governed";

impl Target {
    pub(super) fn direct(address: SocketAddr, pid: u32) -> Self {
        Self {
            name: DIRECT,
            address,
            prefix: "/v1",
            token: None,
            pid,
            ready_after: Duration::ZERO,
            _process: None,
        }
    }

    pub(super) fn cpu(&self) -> Result<Duration> {
        process::cpu(self.pid)
    }

    pub(super) fn resident(&self) -> Result<u64> {
        process::resident(self.pid)
    }
}
