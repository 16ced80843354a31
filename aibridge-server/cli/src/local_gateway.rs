//! Requests to the gateway on this machine, over plain HTTP.

use aibridge_config::Config;
use quanta::Clock;
use secrecy::{ExposeSecret, SecretString};
use std::io::{self, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::time::Duration;

/// The longest duration of a whole request.
const TIMEOUT: Duration = Duration::from_secs(2);

/// The longest response that is read, in bytes.
const MAX_RESPONSE: usize = 16 << 20;

/// A response: its status line with the headers, and its body.
pub(crate) struct Response {
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Response {
    /// The status; 0 if the head is malformed.
    pub(crate) fn status(&self) -> u16 {
        self.head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0)
    }
}

/// The configured listener that speaks plain HTTP and serves operators: `admin.listen` if it is set, otherwise
/// `server.listen`. `None` if that accepts TLS only.
pub(crate) fn plain_listener(config: &Config) -> Option<SocketAddr> {
    match config.admin.listen {
        Some(admin) => Some(admin),
        None if config.tls.is_some() => None,
        None => Some(config.server.listen),
    }
}

/// The address of `listener` on this machine: loopback instead of an unspecified address.
pub(crate) fn local_address(listener: SocketAddr) -> SocketAddr {
    let ip = match listener.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, listener.port())
}

/// Requests `path`, and returns the response. A loopback name as `Host` is always allowed.
pub(crate) fn get(address: SocketAddr, path: &str, token: Option<&SecretString>) -> io::Result<Response> {
    let clock = Clock::new();
    let started_at = clock.now();
    let remaining = || {
        let elapsed = clock.now().duration_since(started_at);
        TIMEOUT.checked_sub(elapsed).filter(|left| !left.is_zero()).ok_or(io::ErrorKind::TimedOut)
    };
    let mut stream = TcpStream::connect_timeout(&address, TIMEOUT)?;
    stream.set_write_timeout(Some(remaining()?))?;
    let token = token.map(|token| format!("X-AIBridge-Token: {}\r\n", token.expose_secret()));
    let token = token.unwrap_or_default();
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{token}\r\n");
    stream.write_all(request.as_bytes())?;
    let (mut response, mut piece) = (Vec::new(), [0; 4096]);
    while response.len() < MAX_RESPONSE {
        stream.set_read_timeout(Some(remaining()?))?;
        match stream.read(&mut piece)? {
            0 => break,
            read => response.extend_from_slice(&piece[..read]),
        }
    }
    let response = String::from_utf8_lossy(&response);
    let (head, body) = response.split_once("\r\n\r\n").unwrap_or((&response, ""));
    Ok(Response { head: head.to_owned(), body: body.to_owned() })
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
