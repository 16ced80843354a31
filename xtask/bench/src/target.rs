//! A target of the bench: a program that relays requests, or the provider itself.

use super::process::{self, Process};
use anyhow::Result;
use std::net::SocketAddr;
use std::time::Duration;

/// A running program that requests are sent to.
pub(super) struct Target {
    pub(super) name: &'static str,
    pub(super) address: SocketAddr,
    /// Whether its paths are those of the gateway.
    pub(super) is_gateway: bool,
    /// The access token of requests, if the target needs one.
    pub(super) token: Option<String>,
    /// The process whose CPU time and memory are measured.
    pub(super) pid: u32,
    /// The time from the start of the process until it listened.
    pub(super) ready_after: Duration,
    /// Terminates the process when the target is dropped; `None` if the lab owns the process.
    pub(super) _process: Option<Process>,
}

pub(super) const DIRECT: &str = "direct";
pub(super) const NGINX: &str = "nginx";
/// nginx with request bodies in memory. With its defaults, it writes those above 16 KiB into files.
pub(super) const NGINX_IN_MEMORY: &str = "nginx, in memory";
pub(super) const RELAY: &str = "relay";
pub(super) const GOVERNED: &str = "governed";

impl Target {
    pub(super) fn direct(address: SocketAddr, pid: u32) -> Self {
        Self {
            name: DIRECT,
            address,
            is_gateway: false,
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
