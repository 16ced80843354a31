//! The addresses of a connection.

use http::request::Parts;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use tokio::net::TcpStream;

/// The two ends of a connection. Every request carries it as an extension.
#[derive(Debug, Clone, Copy)]
pub struct Peer {
    /// The address of the client.
    pub remote: SocketAddr,
    /// The gateway's own address on this connection.
    pub local: IpAddr,
}

const UNKNOWN: IpAddr = IpAddr::V4(Ipv4Addr::UNSPECIFIED);

impl Peer {
    /// Reads the addresses of `stream`, which `remote` opened.
    pub(crate) fn new(stream: &TcpStream, remote: SocketAddr) -> Self {
        let local = stream.local_addr().map_or(UNKNOWN, |address| address.ip());
        Self { remote, local }
    }

    /// Returns the addresses of the connection of `request`. Unknown addresses are unspecified ones, which no rule
    /// trusts.
    pub fn of(request: &Parts) -> Self {
        let unknown = Self { remote: SocketAddr::new(UNKNOWN, 0), local: UNKNOWN };
        request.extensions.get().copied().unwrap_or(unknown)
    }
}
