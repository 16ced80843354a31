//! Accepting connections, and letting them end in order.
//!
//! A plain connection speaks HTTP/1.1. One with TLS speaks what client and gateway agree on, HTTP/2 rather than HTTP/1.1.
//! What an operator can set about connections is taken from what is in force when one begins.

mod activity;
mod head_timer;
mod http1;
mod http2;
mod last_words;
mod patient;
mod places;
mod progress;
mod read_ahead;
mod reject;
mod routed;
mod secured;
mod streams;

pub use places::Places;
pub use routed::Peer;

use crate::current::Current;
use axum::Router;
use patient::Patient;
use read_ahead::ReadAhead;
use routed::Routed;
use std::io;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// How far an answer may run ahead of its client.
const WRITE_BUFFER: usize = 128 * 1024;

/// When the process is out of file descriptors, accepting again at once would only burn its core.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// What clients may do with connections.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// How many there may be.
    pub max_connections: Option<NonZeroU32>,
    /// The longest head of a request.
    pub max_header_bytes: usize,
    /// How long a head may take from its first byte, and a connection until its first head.
    pub header_timeout: Duration,
    /// How long a connection may be idle between two requests.
    pub keep_alive: Duration,
}

impl From<&aibridge_config::Config> for Bounds {
    fn from(config: &aibridge_config::Config) -> Self {
        let aibridge_config::Limits { max_connections, max_header_bytes, header_timeout, .. } = config.limits;
        Self { max_connections, max_header_bytes, header_timeout, keep_alive: config.server.keep_alive }
    }
}

/// A socket that is listened on, and what its connections need.
pub struct Listener {
    /// Where they come in.
    pub socket: TcpListener,
    /// Answers their requests.
    pub router: Router,
    /// What they go by.
    pub current: Current,
    /// Their places, if they are from clients, who may have TLS and be too many. Operators neither need nor are.
    pub places: Option<Places>,
    /// Their tasks.
    pub tasks: TaskTracker,
    /// When they end.
    pub stop: Stop,
}

/// The two steps of an end.
#[derive(Debug, Clone)]
pub struct Stop {
    /// New requests are refused.
    pub stopping: CancellationToken,
    /// All answers are over: what is still open may be closed.
    pub hang_up: CancellationToken,
}

impl Listener {
    /// Accepts connections until it is told to hang up. Each is then closed when its current answer is out.
    pub async fn serve(self) {
        loop {
            let accepted = tokio::select! {
                accepted = self.accept() => accepted,
                () = self.stop.hang_up.cancelled() => break,
            };
            match accepted {
                Ok((stream, remote)) => {
                    let peer = Peer::new(&stream, remote);
                    self.begin(stream, peer);
                }
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
        self.tasks.close();
    }

    async fn accept(&self) -> io::Result<(TcpStream, SocketAddr)> {
        if let Some(places) = &self.places {
            places.free(&self.current).await;
        }
        self.socket.accept().await
    }

    fn begin(&self, stream: TcpStream, peer: Peer) {
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "TCP_NODELAY could not be set");
        }
        let place = self.places.as_ref().map(Places::take);
        let now = self.current.load();
        let routed = Routed::new(self.router.clone(), peer);
        let stream = Patient::new(ReadAhead::new(stream));
        match &now.tls {
            Some(tls) if place.is_some() => {
                let secured = secured::Secured {
                    routed,
                    bounds: now.connections,
                    stop: self.stop.clone(),
                    tasks: self.tasks.clone(),
                    place,
                };
                self.tasks.spawn(secured.serve(stream, tls.clone()));
            }
            _ => {
                let hang_up = self.stop.hang_up.clone();
                self.tasks.spawn(http1::serve(stream, routed, &now.connections, hang_up, place));
            }
        }
    }
}
