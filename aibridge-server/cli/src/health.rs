//! `aibridge health`: requests `/readyz` of the gateway on this machine, for the health checks of containers.

use aibridge_config::Config;
use quanta::Clock;
use std::io::{self, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::time::Duration;

/// The longest duration of the whole check.
const TIMEOUT: Duration = Duration::from_secs(2);

/// The longest response that is read, in bytes.
const MAX_RESPONSE: usize = 16 << 10;

/// The request. A loopback name as `Host` is always allowed.
const REQUEST: &[u8] = b"GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";

/// An error that makes the health check fail.
#[derive(Debug, thiserror::Error)]
pub enum HealthError {
    /// The configured port is 0, so the port of the running gateway is unknown.
    #[error("the port of the gateway is unknown: set server.listen or admin.listen to a port other than 0")]
    UnknownPort,
    /// The only listener needs TLS.
    #[error("server.listen accepts TLS only: set admin.listen, which is plain HTTP, for health checks")]
    TlsOnly,
    /// The gateway does not accept the connection or sends no response in time.
    #[error("the gateway at {0} does not respond: {1}")]
    NoResponse(SocketAddr, io::Error),
    /// The gateway responds that it is not ready. Holds the response body.
    #[error("the gateway at {0} is not ready: {1}")]
    NotReady(SocketAddr, String),
}

/// Checks that the gateway with these settings is ready: on `admin.listen` if it is set, otherwise on `server.listen`.
///
/// # Errors
///
/// Returns an error if no plain listener is known, if there is no response within two seconds, or if the response is not 200.
pub fn check(config: &Config) -> Result<(), HealthError> {
    let listener = match config.admin.listen {
        Some(admin) => admin,
        None if config.tls.is_some() => return Err(HealthError::TlsOnly),
        None => config.server.listen,
    };
    if listener.port() == 0 {
        return Err(HealthError::UnknownPort);
    }
    let address = local_address(listener);
    let response = request(address).map_err(|error| HealthError::NoResponse(address, error))?;
    let (head, body) = response.split_once("\r\n\r\n").unwrap_or((&response, ""));
    if head.split(' ').nth(1) == Some("200") {
        return Ok(());
    }
    let reason = if body.is_empty() { head } else { body };
    Err(HealthError::NotReady(address, reason.trim().escape_debug().to_string()))
}

/// The address of `listener` on this machine: loopback instead of an unspecified address.
fn local_address(listener: SocketAddr) -> SocketAddr {
    let ip = match listener.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, listener.port())
}

/// Sends the request and returns the whole response.
fn request(address: SocketAddr) -> io::Result<String> {
    let clock = Clock::new();
    let started_at = clock.now();
    let remaining = || {
        let elapsed = clock.now().duration_since(started_at);
        TIMEOUT.checked_sub(elapsed).filter(|left| !left.is_zero()).ok_or(io::ErrorKind::TimedOut)
    };
    let mut stream = TcpStream::connect_timeout(&address, TIMEOUT)?;
    stream.set_write_timeout(Some(remaining()?))?;
    stream.write_all(REQUEST)?;
    let (mut response, mut piece) = (Vec::new(), [0; 1024]);
    while response.len() < MAX_RESPONSE {
        stream.set_read_timeout(Some(remaining()?))?;
        match stream.read(&mut piece)? {
            0 => break,
            read => response.extend_from_slice(&piece[..read]),
        }
    }
    Ok(String::from_utf8_lossy(&response).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uses_loopback_for_unspecified_addresses() {
        let table = [("0.0.0.0:80", "127.0.0.1:80"), ("[::]:80", "[::1]:80"), ("10.0.0.1:80", "10.0.0.1:80")];
        for (listener, address) in table {
            assert_eq!(local_address(listener.parse().expect("an address")).to_string(), address);
        }
    }
}
