//! The accept loop of one listening socket.

use crate::connection_limit::ConnectionLimit;
use crate::http1;
use crate::peer::Peer;
use crate::read_ahead::ReadAhead;
use crate::service::{Refuse, RequestService};
use crate::settings::CurrentSettings;
use crate::shutdown::ShutdownSignals;
use crate::tls::TlsConnection;
use crate::write_timeout::WriteTimeout;
use axum::Router;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::task::TaskTracker;

/// The pause after a failed accept. When the process is out of file descriptors, an immediate retry would only use up
/// a core.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// A listening socket, and everything that its connections need.
pub struct Listener {
    /// The socket that accepts connections.
    pub socket: TcpListener,
    /// The router that handles the requests.
    pub router: Router,
    /// Returns the response to a refused request, which the router does not receive.
    pub refuse: Refuse,
    /// Returns the settings in force. Each connection reads them once, when it begins.
    pub settings: CurrentSettings,
    /// `Some` for the client listener, which is subject to TLS and `max_connections`; `None` for the admin listener.
    pub connection_limit: Option<ConnectionLimit>,
    /// Tracks the tasks of the connections. Closed when [`Self::serve`] returns.
    pub tasks: TaskTracker,
    /// Ends the listener and its connections.
    pub shutdown: ShutdownSignals,
}

impl Listener {
    /// Accepts connections until [`ShutdownSignals::close`] is cancelled. Each open connection then closes after its
    /// current response.
    pub async fn serve(self) {
        loop {
            let accepted = tokio::select! {
                accepted = self.accept() => accepted,
                () = self.shutdown.close.cancelled() => break,
            };
            match accepted {
                Ok((stream, remote)) => {
                    let peer = Peer::new(&stream, remote);
                    self.spawn_connection(stream, peer);
                }
                Err(error) => {
                    tracing::warn!(%error, "could not accept a connection; will retry");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
        self.tasks.close();
    }

    async fn accept(&self) -> io::Result<(TcpStream, SocketAddr)> {
        if let Some(limit) = &self.connection_limit {
            limit.ready(|| (self.settings)().bounds.max_connections).await;
        }
        self.socket.accept().await
    }

    fn spawn_connection(&self, stream: TcpStream, peer: Peer) {
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "could not set TCP_NODELAY");
        }
        let permit = self.connection_limit.as_ref().map(ConnectionLimit::acquire);
        let settings = (self.settings)();
        let service = RequestService::new(self.router.clone(), peer, self.refuse.clone());
        let stream = WriteTimeout::new(ReadAhead::new(stream));
        match &settings.tls {
            Some(tls) if permit.is_some() => {
                let connection = TlsConnection {
                    service,
                    bounds: settings.bounds,
                    shutdown: self.shutdown.clone(),
                    tasks: self.tasks.clone(),
                    permit,
                };
                self.tasks.spawn(connection.serve(stream, tls.clone()));
            }
            _ => {
                let close = self.shutdown.close.clone();
                self.tasks.spawn(http1::serve(stream, service, &settings.bounds, close, permit));
            }
        }
    }
}
