//! `GET /healthz` and `GET /readyz`, for load balancers and orchestrators.

use crate::admin;
use aibridge_store::Store;
use axum::Router;
use axum::body::Body;
use axum::routing::get;
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared};
use http::request::Parts;
use http::{HeaderName, HeaderValue, Response, StatusCode, header};
use parking_lot::Mutex;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// The time for which a probe result is reused, so that health checks do not load the store.
const PROBE_MAX_AGE: Duration = Duration::from_secs(1);

/// The time within which the store must respond to a probe. Health checks often time out after a second. It is shorter
/// than [`PROBE_MAX_AGE`], so that at most one probe is in flight.
const PROBE_TIMEOUT: Duration = Duration::from_millis(800);

type Probe = Shared<BoxFuture<'static, bool>>;

/// The health of the gateway. Clones share the latest probe.
#[derive(Clone)]
pub struct Health {
    store: Store,
    stopping: CancellationToken,
    latest: Arc<Mutex<Option<(Instant, Probe)>>>,
}

/// The reason why a load balancer should send no requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unready {
    ShuttingDown,
    StoreUnavailable,
}

impl Health {
    /// Creates the health of a gateway that records in `store` until `stopping` is cancelled.
    pub fn new(store: Store, stopping: CancellationToken) -> Self {
        Self { store, stopping, latest: Arc::default() }
    }

    /// Returns the routes `GET /healthz` and `GET /readyz`. They need no authentication, because they return nothing else.
    pub fn router<S: Clone + Send + Sync + 'static>(self) -> Router<S> {
        let ready = move || async move { respond(self.unready().await) };
        let alive = async || (StatusCode::OK, uncached("text/plain"), "ok");
        Router::new()
            .route("/healthz", get(alive).fallback(refuse_method))
            .route("/readyz", get(ready).fallback(refuse_method))
    }

    async fn unready(&self) -> Option<Unready> {
        if self.stopping.is_cancelled() {
            return Some(Unready::ShuttingDown);
        }
        (!self.probe().await).then_some(Unready::StoreUnavailable)
    }

    /// Returns the probe in flight or the latest result, or else starts a probe.
    fn probe(&self) -> Probe {
        let mut latest = self.latest.lock();
        if let Some((started_at, probe)) = &*latest
            && started_at.elapsed() < PROBE_MAX_AGE
        {
            return probe.clone();
        }
        let store = self.store.clone();
        let probe = async move {
            let result = store.probe(PROBE_TIMEOUT).await;
            result.inspect_err(|error| tracing::warn!(%error, "not ready: the store is unavailable")).is_ok()
        };
        let probe = probe.boxed().shared();
        *latest = Some((Instant::now(), probe.clone()));
        probe
    }
}

/// Responds to a method that the paths do not have.
async fn refuse_method(request: Parts) -> Response<Body> {
    admin::render(admin::not_allowed(&request, "GET,HEAD").into())
}

fn respond(unready: Option<Unready>) -> (StatusCode, [(HeaderName, HeaderValue); 2], &'static str) {
    let (status, body) = match unready {
        None => (StatusCode::OK, r#"{"ready":true}"#),
        Some(Unready::ShuttingDown) => {
            (StatusCode::SERVICE_UNAVAILABLE, r#"{"ready":false,"reason":"shutting_down"}"#)
        }
        Some(Unready::StoreUnavailable) => {
            (StatusCode::SERVICE_UNAVAILABLE, r#"{"ready":false,"reason":"store_unavailable"}"#)
        }
    };
    (status, uncached("application/json"), body)
}

fn uncached(kind: &'static str) -> [(HeaderName, HeaderValue); 2] {
    [
        (header::CONTENT_TYPE, HeaderValue::from_static(kind)),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ]
}
