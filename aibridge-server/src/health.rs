//! What load balancers and orchestrators ask: is it alive, and may it be sent requests?

use aibridge_store::Store;
use axum::Router;
use axum::routing::get;
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared};
use http::{HeaderName, HeaderValue, StatusCode, header};
use parking_lot::Mutex;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// How long an answer of the store counts, so that probes cannot load it.
const FRESH: Duration = Duration::from_secs(1);

/// A store that does not answer by then counts as unavailable. Probes often give up after a second; being shorter than
/// [`FRESH`], there is never more than one question under way.
const PROBE_WITHIN: Duration = Duration::from_millis(800);

type Probe = Shared<BoxFuture<'static, bool>>;

/// What is known of the gateway's health. Clones know the same.
#[derive(Clone)]
pub struct Health {
    store: Store,
    stopping: CancellationToken,
    latest: Arc<Mutex<Option<(Instant, Probe)>>>,
}

/// Why requests should go elsewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unready {
    ShuttingDown,
    StoreUnavailable,
}

impl Health {
    /// The health of a gateway that records in `store` until `stopping`.
    pub fn new(store: Store, stopping: CancellationToken) -> Self {
        Self { store, stopping, latest: Arc::default() }
    }

    /// `GET /healthz` and `GET /readyz`, for anyone: neither tells more than that it serves.
    pub fn router<S: Clone + Send + Sync + 'static>(self) -> Router<S> {
        let ready = move || async move { answer(self.unready().await) };
        let alive = async || (StatusCode::OK, not_stored("text/plain"), "ok");
        Router::new().route("/healthz", get(alive)).route("/readyz", get(ready))
    }

    async fn unready(&self) -> Option<Unready> {
        if self.stopping.is_cancelled() {
            return Some(Unready::ShuttingDown);
        }
        (!self.probe().await).then_some(Unready::StoreUnavailable)
    }

    /// Joins the question that is under way or was answered just now, or else asks.
    fn probe(&self) -> Probe {
        let mut latest = self.latest.lock();
        if let Some((asked_at, probe)) = &*latest
            && asked_at.elapsed() < FRESH
        {
            return probe.clone();
        }
        let store = self.store.clone();
        let probe = async move {
            let answered = store.probe(PROBE_WITHIN).await;
            answered.inspect_err(|error| tracing::warn!(%error, "not ready: nothing can be recorded")).is_ok()
        };
        let probe = probe.boxed().shared();
        *latest = Some((Instant::now(), probe.clone()));
        probe
    }
}

fn answer(unready: Option<Unready>) -> (StatusCode, [(HeaderName, HeaderValue); 2], &'static str) {
    let (status, body) = match unready {
        None => (StatusCode::OK, r#"{"ready":true}"#),
        Some(Unready::ShuttingDown) => {
            (StatusCode::SERVICE_UNAVAILABLE, r#"{"ready":false,"reason":"shutting_down"}"#)
        }
        Some(Unready::StoreUnavailable) => {
            (StatusCode::SERVICE_UNAVAILABLE, r#"{"ready":false,"reason":"store_unavailable"}"#)
        }
    };
    (status, not_stored("application/json"), body)
}

fn not_stored(kind: &'static str) -> [(HeaderName, HeaderValue); 2] {
    [
        (header::CONTENT_TYPE, HeaderValue::from_static(kind)),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ]
}
