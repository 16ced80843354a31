use crate::connection::Connection;
use crate::{Received, Script, wait_for, within};
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::net::{TcpListener, TcpSocket};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::Instant;

/// A provider on a free port of 127.0.0.1 that answers each request by a script.
///
/// It speaks HTTP/1.1 with kept-alive connections over plain TCP, so that a test sees the exact bytes and can
/// send exact bytes. When it is dropped, its port and connections close.
pub struct ScriptedProvider {
    address: SocketAddr,
    shared: Arc<Shared>,
    next: usize,
    accepting: JoinHandle<()>,
}

/// How the connection of a request ended.
#[derive(Debug, Clone, Copy)]
pub struct Closed {
    /// When the provider saw it.
    pub at: Instant,
    /// Whether the other side closed it, rather than the script.
    pub by_peer: bool,
    /// Whether the script still had steps to take.
    pub mid_answer: bool,
}

/// What the connections tell the provider.
pub(crate) struct Shared {
    answer: Box<dyn Fn(&Received) -> Script + Send + Sync>,
    seen: watch::Sender<Seen>,
}

#[derive(Default)]
struct Seen {
    connections: usize,
    received: Vec<Received>,
    closed: Vec<Option<Closed>>,
}

impl ScriptedProvider {
    /// Starts a provider that asks `script` what to do with each request, once it has read it whole.
    ///
    /// # Panics
    ///
    /// If no port is free.
    pub async fn start(script: impl Fn(&Received) -> Script + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("a bound address");
        let shared = Arc::new(Shared { answer: Box::new(script), seen: watch::Sender::new(Seen::default()) });
        let accepting = tokio::spawn(accept(listener, Arc::clone(&shared)));
        Self { address, shared, next: 0, accepting }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What a client takes as its base URL: `http://127.0.0.1:PORT/v1/`.
    pub fn base_url(&self) -> String {
        format!("http://{}/v1/", self.address)
    }

    /// A base URL at which nobody listens.
    ///
    /// # Panics
    ///
    /// If no port is free.
    pub async fn unreachable_base_url() -> String {
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.bind(([127, 0, 0, 1], 0).into()).expect("a free port");
        let url = format!("http://{}/v1/", socket.local_addr().expect("a bound address"));
        // Bound to the end, so that nobody else gets the port; it never listens.
        std::mem::forget(socket);
        url
    }

    /// All requests so far.
    pub fn received(&self) -> Vec<Received> {
        self.shared.seen.borrow().received.clone()
    }

    /// The next request that this method has not returned yet, when it is there.
    ///
    /// # Panics
    ///
    /// If none comes.
    pub async fn next_received(&mut self) -> Received {
        let number = self.next;
        self.next += 1;
        let mut seen = self.shared.seen.subscribe();
        let arrived = seen.wait_for(|seen| seen.received.len() > number);
        let seen = within(arrived, &format!("request {number} at the provider")).await;
        seen.expect("the provider holds its own sender").received[number].clone()
    }

    /// How many connections have been accepted so far.
    pub fn connections(&self) -> usize {
        self.shared.seen.borrow().connections
    }

    /// How and when the connection of request `number` ended, once it has.
    ///
    /// # Panics
    ///
    /// If it stays open.
    pub async fn closed(&self, number: usize) -> Closed {
        let look = || self.shared.seen.borrow().closed.get(number).copied().flatten();
        wait_for(look, &format!("the connection of request {number} to close")).await
    }
}

impl Drop for ScriptedProvider {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl Shared {
    /// Files `request` under the next number and asks for its script, which may look around first.
    pub(crate) fn arrived(&self, request: &mut Received) -> Script {
        self.seen.send_modify(|seen| {
            request.number = seen.received.len();
            seen.received.push(request.clone());
            seen.closed.push(None);
        });
        (self.answer)(request)
    }

    /// Notes how the connection of the requests `numbers` ended.
    pub(crate) fn closed(&self, numbers: &[usize], how: Closed) {
        self.seen.send_modify(|seen| numbers.iter().for_each(|number| seen.closed[*number] = Some(how)));
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let number = shared.seen.borrow().connections;
        shared.seen.send_modify(|seen| seen.connections += 1);
        connections.spawn(Connection::new(number, stream, Arc::clone(&shared)).serve());
        while connections.try_join_next().is_some() {}
    }
}
