//! Serves one HTTP/2 connection.

use crate::connection_limit::ConnectionPermit;
use crate::flush_before_reset::{ConnectionPolls, FlushBeforeReset};
use crate::progress::ProgressBody;
use crate::service::RequestService;
use crate::settings::{ConnectionBounds, WRITE_BUFFER};
use crate::shutdown::ShutdownSignals;
use crate::streams::StreamTasks;
use futures_util::TryFutureExt;
use http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http2;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use std::pin::Pin;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_util::task::TaskTracker;

/// The most requests that one connection may have in flight. Clients open another connection for more.
const MAX_STREAMS: u32 = 100;

/// The most unread bytes of one request body.
const STREAM_WINDOW: u32 = 1 << 20;
/// The same for all bodies of a connection, so that bodies that are not read at the moment do not block the others.
const CONNECTION_WINDOW: u32 = 16 << 20;

/// The most streams that a client may reset before the gateway accepts them (CVE-2023-44487). Then the connection is
/// closed.
const MAX_PENDING_RESETS: usize = 20;
/// The most streams that a client may make the gateway reset. Then the connection is closed.
const MAX_PROVOKED_RESETS: usize = 1024;

/// The time between two PINGs, which find out whether the client is still connected.
const PING_INTERVAL: Duration = Duration::from_secs(30);
/// The time within which the client must acknowledge a PING.
const PING_TIMEOUT: Duration = Duration::from_secs(20);

/// The time that a client without requests has to close the connection after GOAWAY.
const GOAWAY_TIMEOUT: Duration = Duration::from_secs(5);

/// An HTTP/2 connection without its stream.
pub(crate) struct Http2Connection {
    pub(crate) service: RequestService,
    pub(crate) bounds: ConnectionBounds,
    pub(crate) shutdown: ShutdownSignals,
    /// Tracks the tasks of the streams.
    pub(crate) tasks: TaskTracker,
    pub(crate) permit: Option<ConnectionPermit>,
}

impl Http2Connection {
    /// Serves the connection on `stream` to its end.
    pub(crate) async fn serve(self, stream: impl AsyncRead + AsyncWrite + Unpin) {
        let Self { service, bounds, shutdown, tasks, permit } = self;
        let (streams, polls) = (StreamTasks::new(tasks), ConnectionPolls::default());
        let stream_polls = polls.clone();
        let service = service_fn(move |request: Request<Incoming>| {
            let polls = stream_polls.clone();
            let response = service.call(request);
            response
                .map_ok(|response| response.map(|body| ProgressBody::new(FlushBeforeReset::new(body, polls))))
        });
        let mut connection =
            builder(streams.clone(), &bounds).serve_connection(TokioIo::new(stream), service);
        let ended = tokio::select! {
            ended = polls.drive(&mut connection) => Some(ended),
            () = streams.idle(bounds.header_timeout, bounds.keep_alive) => None,
            () = close_requested(&shutdown, &streams) => None,
        };
        let ended = match ended {
            Some(ended) => ended,
            None => {
                Pin::new(&mut connection).graceful_shutdown();
                tokio::select! {
                    ended = polls.drive(&mut connection) => ended,
                    () = streams.idle_for(GOAWAY_TIMEOUT) => Ok(()),
                }
            }
        };
        if let Err(error) = ended {
            tracing::debug!(%error, "a connection ended early");
        }
        drop(permit);
    }
}

fn builder(streams: StreamTasks, bounds: &ConnectionBounds) -> http2::Builder<StreamTasks> {
    let mut builder = http2::Builder::new(streams);
    builder
        .timer(TokioTimer::new())
        .max_concurrent_streams(MAX_STREAMS)
        .max_header_list_size(u32::try_from(bounds.max_header_bytes).unwrap_or(u32::MAX))
        .max_send_buf_size(WRITE_BUFFER)
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_pending_accept_reset_streams(MAX_PENDING_RESETS)
        .max_local_error_reset_streams(MAX_PROVOKED_RESETS)
        .keep_alive_interval(PING_INTERVAL)
        .keep_alive_timeout(PING_TIMEOUT);
    builder
}

/// Waits until the connection should take no more requests. While the gateway stops, a connection without a request
/// stays open for one, which is refused with an error.
async fn close_requested(shutdown: &ShutdownSignals, streams: &StreamTasks) {
    let refused = async {
        shutdown.stopping.cancelled().await;
        streams.first_request().await;
    };
    tokio::select! {
        () = refused => {}
        () = shutdown.close.cancelled() => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::peer::Peer;
    use crate::write_timeout::STALL;
    use aibridge_intercept::ErrorFormat;
    use axum::Router;
    use axum::body::Body;
    use bytes::Bytes;
    use h2::client::{self, SendRequest};
    use h2::{Reason, RecvStream};
    use std::sync::Arc;
    use tokio::time::{Instant, sleep};
    use tokio_util::sync::CancellationToken;
    use tokio_util::task::TaskTracker;

    const LENGTH: usize = 300_000;

    fn connection() -> Http2Connection {
        let router = Router::new()
            .route("/whole", axum::routing::get(|| async { vec![b'x'; LENGTH] }))
            .route("/small", axum::routing::get(|| async { "x" }))
            .route(
                "/stream",
                axum::routing::get(|| async {
                    let pieces = futures_util::stream::repeat(Ok::<_, std::convert::Infallible>(
                        Bytes::from_static(&[b'x'; 1000]),
                    ));
                    Body::from_stream(pieces)
                }),
            );
        let day = Duration::from_secs(24 * 3600);
        Http2Connection {
            service: RequestService::new(
                router,
                Peer { remote: ([127, 0, 0, 1], 1).into(), local: [127, 0, 0, 1].into() },
                Arc::new(|_, error| error.into_http(ErrorFormat::OpenAi, None).map(Body::from)),
            ),
            bounds: ConnectionBounds {
                max_connections: None,
                max_header_bytes: 1 << 16,
                header_timeout: day,
                keep_alive: day,
            },
            shutdown: ShutdownSignals { stopping: CancellationToken::new(), close: CancellationToken::new() },
            tasks: TaskTracker::new(),
            permit: None,
        }
    }

    /// Connects a client that answers PINGs and has `window` bytes for each stream.
    async fn connect(window: u32) -> SendRequest<Bytes> {
        let (near, far) = tokio::io::duplex(1 << 20);
        tokio::spawn(connection().serve(near));
        let (requests, connection) =
            client::Builder::new().initial_window_size(window).handshake(far).await.unwrap();
        tokio::spawn(connection);
        requests
    }

    async fn get(requests: &SendRequest<Bytes>, path: &str) -> RecvStream {
        let mut requests = requests.clone().ready().await.unwrap();
        let request = Request::get(format!("http://gateway.test{path}")).body(()).unwrap();
        requests.send_request(request, true).unwrap().0.await.unwrap().into_body()
    }

    #[tokio::test(start_paused = true)]
    async fn a_stream_whose_window_never_opens_is_reset_and_the_connection_goes_on() {
        for (window, paths) in [(0, &["/whole", "/small", "/stream"][..]), (65_535, &["/whole", "/stream"])] {
            for path in paths {
                let requests = connect(window).await;
                let begun = Instant::now();
                let mut body = get(&requests, path).await;
                let end = loop {
                    match body.data().await {
                        Some(Ok(_)) => {} // received, but the window is not enlarged
                        end => break end,
                    }
                };
                let error = end.unwrap().unwrap_err();
                assert_eq!(
                    (error.is_reset(), error.reason()),
                    (true, Some(Reason::CANCEL)),
                    "{window} {path}"
                );
                assert_eq!(begun.elapsed().as_secs(), STALL.as_secs(), "{window} {path}");
                drop(get(&requests, "/whole").await);
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_reads_slowly_receives_the_whole_response() {
        let requests = connect(65_535).await;
        let mut body = get(&requests, "/whole").await;
        let (begun, mut length) = (Instant::now(), 0);
        while let Some(data) = body.data().await {
            let taken = data.unwrap().len();
            length += taken;
            body.flow_control().release_capacity(taken).unwrap();
            sleep(STALL / 5).await; // h2 enlarges the window once half of it was read
        }
        assert_eq!(length, LENGTH);
        assert!(begun.elapsed() > STALL * 3);
    }
}
