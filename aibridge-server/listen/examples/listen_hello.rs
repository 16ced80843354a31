//! Serves one route on a free port, sends a request with a head that is too large, and stops in order.
#![allow(clippy::print_stdout, reason = "an example prints what it does")]

use aibridge_intercept::ErrorFormat;
use aibridge_listen::{ConnectionBounds, ConnectionLimit, Listener, ListenerSettings, ShutdownSignals};
use axum::Router;
use axum::body::Body;
use axum::routing::get;
use std::error::Error;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let socket = TcpListener::bind("127.0.0.1:0").await?;
    let address = socket.local_addr()?;
    let bounds = ConnectionBounds {
        max_connections: None,
        max_header_bytes: 8 << 10,
        header_timeout: Duration::from_secs(10),
        keep_alive: Duration::from_secs(60),
    };
    let settings = Arc::new(ListenerSettings { bounds, tls: None });
    let (tasks, shutdown) = (
        TaskTracker::new(),
        ShutdownSignals { stopping: CancellationToken::new(), close: CancellationToken::new() },
    );
    let listener = Listener {
        socket,
        router: Router::new().route("/hello", get(async || "Hello")),
        refuse: Arc::new(|_, error| error.into_http(ErrorFormat::OpenAi, None).map(Body::from)),
        settings: Arc::new(move || settings.clone()),
        connection_limit: Some(ConnectionLimit::default()),
        tasks: tasks.clone(),
        shutdown: shutdown.clone(),
    };
    let serving = tokio::spawn(listener.serve());
    for header in ["X-Small: 1".to_owned(), format!("X-Large: {}", "x".repeat(10 << 10))] {
        let mut client = TcpStream::connect(address).await?;
        let head = format!("GET /hello HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n{header}\r\n\r\n");
        client.write_all(head.as_bytes()).await?;
        let mut response = String::new();
        client.read_to_string(&mut response).await?;
        println!("{response}\n");
    }
    shutdown.stopping.cancel();
    shutdown.close.cancel();
    serving.await?;
    tasks.wait().await;
    println!("stopped: no connection is open");
    Ok(())
}
