use super::last_words::{LastWords, Turns};
use super::patient::Patient;
use super::secured::Secured;
use super::streams::Streams;
use super::{Bounds, Stop, WRITE_BUFFER};
use futures_util::TryFutureExt;
use http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http2;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use std::pin::Pin;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;

/// How many requests one connection may have under way. Clients open another connection for more.
const MAX_STREAMS: u32 = 100;

/// How much of a request's body may come before it is read, and of all that one connection carries: bodies that nobody
/// reads at the moment must not hold up the others.
const STREAM_WINDOW: u32 = 1 << 20;
const CONNECTION_WINDOW: u32 = 16 << 20;

/// Streams that a client resets before they are looked at (CVE-2023-44487), and streams that it makes us reset; beyond,
/// the connection is closed.
const PENDING_RESETS: usize = 20;
const PROVOKED_RESETS: usize = 1024;

/// Whether a client is still there is asked so often, and it has so long to answer.
const PING_EVERY: Duration = Duration::from_secs(30);
const PONG_WITHIN: Duration = Duration::from_secs(20);

/// A client without requests that was told to go is given so long.
const GONE_WITHIN: Duration = Duration::from_secs(5);

/// Serves one connection to its end.
pub(super) async fn serve(stream: TlsStream<Patient<TcpStream>>, secured: Secured) {
    let Secured { routed, bounds, stop, tasks, place } = secured;
    let (streams, turns) = (Streams::new(tasks), Turns::default());
    let behind = turns.clone();
    let service = service_fn(move |request: Request<Incoming>| {
        let turns = behind.clone();
        routed.call(request).map_ok(|answer| answer.map(|body| LastWords::of(body, turns)))
    });
    let mut connection = builder(streams.clone(), &bounds).serve_connection(TokioIo::new(stream), service);
    let ended = tokio::select! {
        ended = turns.of(&mut connection) => Some(ended),
        () = streams.idle_for(bounds.header_timeout) => None,
        () = stop.told(&streams) => None,
    };
    let ended = match ended {
        Some(ended) => ended,
        None => {
            Pin::new(&mut connection).graceful_shutdown();
            tokio::select! {
                ended = turns.of(&mut connection) => ended,
                () = streams.idle_for(GONE_WITHIN) => Ok(()),
            }
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection ended early");
    }
    drop(place);
}

fn builder(streams: Streams, bounds: &Bounds) -> http2::Builder<Streams> {
    let mut builder = http2::Builder::new(streams);
    builder
        .timer(TokioTimer::new())
        .max_concurrent_streams(MAX_STREAMS)
        .max_header_list_size(u32::try_from(bounds.max_header_bytes).unwrap_or(u32::MAX))
        .max_send_buf_size(WRITE_BUFFER)
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_pending_accept_reset_streams(PENDING_RESETS)
        .max_local_error_reset_streams(PROVOKED_RESETS)
        .keep_alive_interval(PING_EVERY)
        .keep_alive_timeout(PONG_WITHIN);
    builder
}

impl Stop {
    /// Waits until the connection should take no more requests. One that has had none yet is to see its first refused.
    async fn told(&self, streams: &Streams) {
        let refused = async {
            self.stopping.cancelled().await;
            streams.used().await;
        };
        tokio::select! {
            () = refused => {}
            () = self.hang_up.cancelled() => {}
        }
    }
}
