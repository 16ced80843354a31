//! The gateway of an agent: the running one at the configured address, or else one that ends with the agent.

use crate::{Server, StartError};
use aibridge_config::Config;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// The time that a gateway has to respond.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(2);

/// The longest response that is read, in bytes.
const MAX_RESPONSE: u64 = 4 << 10;

/// The request that detects a gateway. A loopback name as `Host` is always allowed.
const QUESTION: &[u8] = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";

/// A gateway in this process, which ends with the agent.
pub(super) struct OwnGateway {
    stop: oneshot::Sender<()>,
    serving: JoinHandle<()>,
}

/// Returns the URL of a gateway for the agent, and the gateway if it had to be started.
pub(super) async fn find_or_start(config: Config) -> Result<(String, Option<OwnGateway>), StartError> {
    let scheme = if config.tls.is_some() { "https" } else { "http" };
    let configured = local(config.server.listen);
    if configured.port() != 0 && answers(configured, config.tls.is_some()).await {
        return Ok((format!("{scheme}://{configured}"), None));
    }
    let server = Server::bind(config, quanta::Clock::new()).await?;
    let url = format!("{scheme}://{}", local(server.address()));
    let (stop, stopped) = oneshot::channel::<()>();
    let serving = tokio::spawn(server.run(async { drop(stopped.await) }));
    Ok((url, Some(OwnGateway { stop, serving })))
}

impl OwnGateway {
    /// Ends the gateway, after open responses.
    pub(super) async fn stop(self) {
        drop(self.stop);
        let _ = self.serving.await; // the gateway logs its errors
    }
}

/// Whether a gateway responds at `address`. With TLS, an open port counts, because its certificate need not name this
/// machine.
async fn answers(address: SocketAddr, has_tls: bool) -> bool {
    let asked = async {
        let mut stream = TcpStream::connect(address).await.ok()?;
        if has_tls {
            return Some(true);
        }
        stream.write_all(QUESTION).await.ok()?;
        let mut answer = Vec::new();
        stream.take(MAX_RESPONSE).read_to_end(&mut answer).await.ok()?;
        Some(answer.starts_with(b"HTTP/1.1 200") && answer.ends_with(b"ok"))
    };
    timeout(RESPONSE_TIMEOUT, asked).await.ok().flatten().unwrap_or(false)
}

/// The address on this machine: loopback instead of an unspecified address.
fn local(listener: SocketAddr) -> SocketAddr {
    let ip = match listener.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, listener.port())
}
