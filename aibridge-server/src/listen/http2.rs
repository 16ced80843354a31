use super::last_words::{LastWords, Turns};
use super::progress::Paced;
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
use tokio::io::{AsyncRead, AsyncWrite};

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
pub(super) async fn serve(stream: impl AsyncRead + AsyncWrite + Unpin, secured: Secured) {
    let Secured { routed, bounds, stop, tasks, place } = secured;
    let (streams, turns) = (Streams::new(tasks), Turns::default());
    let behind = turns.clone();
    let service = service_fn(move |request: Request<Incoming>| {
        let turns = behind.clone();
        routed.call(request).map_ok(|answer| answer.map(|body| Paced::new(LastWords::of(body, turns))))
    });
    let mut connection = builder(streams.clone(), &bounds).serve_connection(TokioIo::new(stream), service);
    let ended = tokio::select! {
        ended = turns.of(&mut connection) => Some(ended),
        () = streams.idle(bounds.header_timeout, bounds.keep_alive) => None,
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::listen::patient::STALL;
    use crate::listen::routed::{Peer, Routed};
    use axum::Router;
    use axum::body::Body;
    use bytes::Bytes;
    use h2::client::{self, SendRequest};
    use h2::{Reason, RecvStream};
    use tokio::time::{Instant, sleep};
    use tokio_util::sync::CancellationToken;
    use tokio_util::task::TaskTracker;

    const LENGTH: usize = 300_000;

    fn secured() -> Secured {
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
        Secured {
            routed: Routed::new(
                router,
                Peer { remote: ([127, 0, 0, 1], 1).into(), local: [127, 0, 0, 1].into() },
            ),
            bounds: Bounds {
                max_connections: None,
                max_header_bytes: 1 << 16,
                header_timeout: day,
                keep_alive: day,
            },
            stop: Stop { stopping: CancellationToken::new(), hang_up: CancellationToken::new() },
            tasks: TaskTracker::new(),
            place: None,
        }
    }

    /// A client with this window for each stream. It answers PINGs.
    async fn connect(window: u32) -> SendRequest<Bytes> {
        let (near, far) = tokio::io::duplex(1 << 20);
        tokio::spawn(serve(near, secured()));
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
                        Some(Ok(_)) => {} // received, but no room is made for more
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
    async fn a_client_that_takes_a_little_now_and_then_gets_all() {
        let requests = connect(65_535).await;
        let mut body = get(&requests, "/whole").await;
        let (begun, mut length) = (Instant::now(), 0);
        while let Some(data) = body.data().await {
            let taken = data.unwrap().len();
            length += taken;
            body.flow_control().release_capacity(taken).unwrap();
            sleep(STALL / 5).await; // h2 makes room once half of the window was taken
        }
        assert_eq!(length, LENGTH);
        assert!(begun.elapsed() > STALL * 3);
    }
}
