//! A provider on a free port that responds to each request by a script.

use crate::connection::Connection;
use crate::traffic_log::{ConnectionEnd, TrafficLog};
use crate::{ReceivedRequest, Script, wait_for, within};
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::net::{TcpListener, TcpSocket};
use tokio::task::{JoinHandle, JoinSet};

/// A provider on a free port of 127.0.0.1 that responds to each request by a script.
///
/// It serves HTTP/1.1 with keep-alive over plain TCP, so that a test receives and sends exact bytes. Dropping it
/// closes its port and its connections.
pub struct ScriptedProvider {
    address: SocketAddr,
    log: Arc<TrafficLog>,
    next: usize,
    accepting: JoinHandle<()>,
}

impl ScriptedProvider {
    /// Starts a provider that calls `script` for each request, after it has read the whole request.
    ///
    /// # Panics
    ///
    /// If no port is free.
    pub async fn start(script: impl Fn(&ReceivedRequest) -> Script + Send + Sync + 'static) -> Self {
        Self::start_with(TrafficLog::new(script)).await
    }

    /// Like [`ScriptedProvider::start`], but it keeps no received requests: for loads that would fill the memory.
    ///
    /// # Panics
    ///
    /// If no port is free.
    pub async fn start_without_log(
        script: impl Fn(&ReceivedRequest) -> Script + Send + Sync + 'static,
    ) -> Self {
        Self::start_with(TrafficLog::of_connections(script)).await
    }

    async fn start_with(log: TrafficLog) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("a bound address");
        let log = Arc::new(log);
        let accepting = tokio::spawn(accept(listener, Arc::clone(&log)));
        Self { address, log, next: 0, accepting }
    }

    /// The address on which it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The base URL for clients: `http://127.0.0.1:PORT/v1/`.
    pub fn base_url(&self) -> String {
        format!("http://{}/v1/", self.address)
    }

    /// A base URL at which nothing listens.
    ///
    /// # Panics
    ///
    /// If no port is free.
    pub async fn unreachable_base_url() -> String {
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.bind(([127, 0, 0, 1], 0).into()).expect("a free port");
        let url = format!("http://{}/v1/", socket.local_addr().expect("a bound address"));
        // The socket stays bound, so that no other process gets the port, and never listens.
        std::mem::forget(socket);
        url
    }

    /// All requests that have arrived so far.
    pub fn received(&self) -> Vec<ReceivedRequest> {
        self.log.entries().received.clone()
    }

    /// Waits for the next request that this method has not returned yet.
    ///
    /// # Panics
    ///
    /// If none arrives within [`MAX_WAIT`](crate::MAX_WAIT).
    pub async fn next_received(&mut self) -> ReceivedRequest {
        let number = self.next;
        self.next += 1;
        let mut entries = self.log.subscribe();
        let arrived = entries.wait_for(|entries| entries.received.len() > number);
        let entries = within(arrived, &format!("request {number} at the provider")).await;
        entries.expect("the provider holds its own sender").received[number].clone()
    }

    /// The number of connections accepted so far.
    pub fn connections(&self) -> usize {
        self.log.entries().connections
    }

    /// Waits until the connection of request `number` has ended, and returns how.
    ///
    /// # Panics
    ///
    /// If it stays open.
    pub async fn wait_closed(&self, number: usize) -> ConnectionEnd {
        let end = || self.log.entries().ends.get(number).copied().flatten();
        wait_for(end, &format!("the connection of request {number} to close")).await
    }
}

impl Drop for ScriptedProvider {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn accept(listener: TcpListener, log: Arc<TrafficLog>) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let number = log.add_connection();
        connections.spawn(Connection::new(number, stream, Arc::clone(&log)).serve());
        while connections.try_join_next().is_some() {}
    }
}
