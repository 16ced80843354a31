//! A server that terminates TLS in front of a scripted provider.

use rustls::ServerConfig;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::io::{copy, copy_bidirectional, sink};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};
use tokio_rustls::TlsAcceptor;

/// A server on a free port of 127.0.0.1 that terminates TLS and forwards the bytes. Dropping it closes its connections.
pub struct TlsFront {
    address: SocketAddr,
    accepting: JoinHandle<()>,
}

impl TlsFront {
    /// Starts a server with the certificate of `config` in front of `behind`.
    ///
    /// # Panics
    ///
    /// If no port is free.
    pub async fn start(config: ServerConfig, behind: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("a bound address");
        let acceptor = TlsAcceptor::from(Arc::new(config));
        Self { address, accepting: tokio::spawn(accept(listener, acceptor, behind)) }
    }

    /// The base URL for clients: `https://localhost:PORT/v1/`.
    pub fn base_url(&self) -> String {
        format!("https://localhost:{}/v1/", self.address.port())
    }
}

impl Drop for TlsFront {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn accept(listener: TcpListener, acceptor: TlsAcceptor, behind: SocketAddr) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let handshake = acceptor.accept(stream);
        connections.spawn(async move {
            let mut client = match handshake.into_fallible().await {
                Ok(client) => client,
                // A close with unread data would reset the connection, and the peer would lose the alert.
                Err((_, mut rejected)) => return drop(copy(&mut rejected, &mut sink()).await),
            };
            let mut server = TcpStream::connect(behind).await.expect("the provider listens");
            let _ = copy_bidirectional(&mut client, &mut server).await; // either may close the connection
        });
        while connections.try_join_next().is_some() {}
    }
}
