//! A TCP proxy in front of PostgreSQL: a slow network, slow statements, and a COMMIT whose response is lost.

use bytes::BytesMut;
use parking_lot::Mutex;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, UnixStream, tcp};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, sleep_until};

/// The treatment of the traffic.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Network {
    #[default]
    Direct,
    /// Delays every piece from the gateway by this time, without delaying the next pieces further.
    RoundTrip(Duration),
    /// Holds every piece from the gateway for this time, one after the other.
    SlowStatements(Duration),
}

/// The most delayed pieces in one direction.
const PIECES: usize = 1024;

/// The tag of the server's message that completes a statement.
const COMMAND_COMPLETE: u8 = b'C';

/// A proxy on a free port.
pub(super) struct Proxy {
    address: SocketAddr,
    state: Arc<State>,
}

#[derive(Default)]
struct State {
    network: Mutex<Network>,
    /// The number of COMMIT responses that are still to be lost.
    to_swallow: AtomicUsize,
    swallowed: AtomicUsize,
    commits: AtomicUsize,
}

impl Proxy {
    /// Starts a proxy to the server at the Unix socket `server`.
    pub(super) async fn start(server: &Path) -> std::io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let (address, state) = (listener.local_addr()?, Arc::<State>::default());
        tokio::spawn(accept(listener, server.to_owned(), Arc::clone(&state)));
        Ok(Self { address, state })
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(super) fn set(&self, network: Network) {
        *self.state.network.lock() = network;
    }

    /// Drops the response to the next COMMIT, and closes its connection. The server has committed then.
    pub(super) fn swallow_commit(&self) {
        self.state.to_swallow.fetch_add(1, Ordering::Relaxed);
    }

    /// The number of COMMIT responses so far.
    pub(super) fn commits(&self) -> usize {
        self.state.commits.load(Ordering::Relaxed)
    }

    /// The number of COMMIT responses that were lost.
    pub(super) fn swallowed(&self) -> usize {
        self.state.swallowed.load(Ordering::Relaxed)
    }
}

async fn accept(listener: TcpListener, server: PathBuf, state: Arc<State>) {
    while let Ok((client, _)) = listener.accept().await {
        let (server, state) = (server.clone(), Arc::clone(&state));
        tokio::spawn(async move {
            // If the server is down, the gateway's connection closes.
            let Ok(server) = UnixStream::connect(server).await else { return };
            let _ = client.set_nodelay(true);
            let (from_client, to_client) = client.into_split();
            let (from_server, to_server) = server.into_split();
            tokio::select! {
                () = forward_requests(from_client, to_server, &state) => {}
                () = forward_responses(from_server, to_client, &state) => {}
            }
        });
    }
}

async fn forward_requests(mut from: tcp::OwnedReadHalf, mut to: OwnedWriteHalf, state: &State) {
    let (sender, mut pieces) = mpsc::channel::<(Instant, BytesMut)>(PIECES);
    let read = async move {
        loop {
            let mut piece = BytesMut::with_capacity(64 * 1024);
            if !matches!(from.read_buf(&mut piece).await, Ok(1..)) {
                return;
            }
            let network = *state.network.lock();
            let arrives = match network {
                Network::RoundTrip(delay) => Instant::now() + delay,
                _ => Instant::now(),
            };
            if let Network::SlowStatements(delay) = network {
                sleep(delay).await;
            }
            if sender.send((arrives, piece)).await.is_err() {
                return;
            }
        }
    };
    let write = async {
        while let Some((arrives, piece)) = pieces.recv().await {
            sleep_until(arrives).await;
            if to.write_all(&piece).await.is_err() {
                return;
            }
        }
    };
    tokio::join!(read, write);
}

async fn forward_responses(mut from: OwnedReadHalf, mut to: tcp::OwnedWriteHalf, state: &State) {
    let mut buffer = BytesMut::new();
    while matches!(from.read_buf(&mut buffer).await, Ok(1..)) {
        let is_commit = completes_commit(&buffer);
        state.commits.fetch_add(is_commit.into(), Ordering::Relaxed);
        if is_commit && state.to_swallow.load(Ordering::Relaxed) > 0 {
            let take = |left: usize| left.checked_sub(1);
            if state.to_swallow.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).is_ok() {
                state.swallowed.fetch_add(1, Ordering::Relaxed);
                return;
            }
        }
        if to.write_all(&buffer.split()).await.is_err() {
            return;
        }
    }
}

/// Whether `messages` of the server contain the response to a COMMIT.
fn completes_commit(messages: &[u8]) -> bool {
    let message = [&[COMMAND_COMPLETE, 0, 0, 0, 11][..], b"COMMIT\0"].concat();
    memchr::memmem::find(messages, &message).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_response_to_a_commit_is_found_among_others() {
        assert!(completes_commit(b"1\0\0\0\x04C\0\0\0\x0bCOMMIT\0Z\0\0\0\x05I"));
        assert!(!completes_commit(b"C\0\0\0\x0fINSERT 0 1\0"));
    }
}
