//! The routes for operators: metrics and the admin API, and the access rules for them.

use crate::app::App;
use aibridge_admission::auth;
use aibridge_api::{Api, Endpoint};
use aibridge_intercept::{Error, ErrorResponse};
use aibridge_listen::{ConnectionLimit, Peer};
use aibridge_metrics::{CONTENT_TYPE, JournalFigures, Metrics, ScrapeInput};
use aibridge_store::{APPEND_BOUNDS_MICROS, JournalStats, Store};
use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::routing::any;
use bytes::Bytes;
use http::request::Parts;
use http::{HeaderName, HeaderValue, Method, Response, header};
use std::sync::Arc;
use std::time::Duration;

/// The state of the routes for operators.
pub struct Admin {
    /// The state shared with the client routes.
    pub app: Arc<App>,
    /// The store, for the sizes of its queues.
    pub store: Store,
    /// `Some` if the settings enable metrics.
    pub metrics: Option<Arc<Metrics>>,
    /// Counts the open connections of clients.
    pub connections: ConnectionLimit,
    /// The API for records and keys.
    pub api: Api,
    /// Whether these routes are on the client listener, where clients reach them as well.
    pub shared: bool,
}

/// Headers in which a proxy names its client. With one of them, the address of the connection is not that of the client.
const FORWARDED: [HeaderName; 3] =
    [header::FORWARDED, HeaderName::from_static("x-forwarded-for"), HeaderName::from_static("x-real-ip")];

/// The longest wait until the database holds what was acknowledged before the request, so that an operator sees the own
/// last request.
const PROJECTION_WAIT: Duration = Duration::from_millis(500);

/// How sensitive a response is, which decides who may read it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sensitivity {
    /// Holds nothing about any user.
    Public,
    /// Holds numbers, such as metrics.
    Counts,
    /// Holds records, prompts included.
    Records,
}

/// Returns the routes for operators.
pub fn routes(admin: Admin) -> Router {
    let mut router = Router::new().route("/api/v1/{*rest}", any(api));
    if admin.metrics.is_some() {
        router = router.route("/metrics", any(metrics));
    }
    router.with_state(Arc::new(admin))
}

fn figures(stats: &JournalStats) -> JournalFigures {
    let JournalStats { journal, lag_records, lag, rejected, damaged, waiting: _ } = stats;
    let [times @ .., slower_appends] = journal.append_times;
    JournalFigures {
        bytes: journal.bytes,
        frames: journal.frames,
        append_times: APPEND_BOUNDS_MICROS.into_iter().zip(times).collect(),
        slower_appends,
        append_total: journal.append_total,
        lag_records: *lag_records,
        lag: *lag,
        rejected: *rejected,
        damaged: *damaged,
    }
}

/// Responds to a request for a path that the admin listener does not serve.
pub async fn unknown(request: Parts) -> Response<Body> {
    unknown_route(&request).to_response().map(Body::from)
}

async fn metrics(State(admin): State<Arc<Admin>>, request: Parts) -> Response<Body> {
    let response = async {
        if let Some(preflight) = admin.preflight(&request)? {
            return Ok(preflight);
        }
        read_only(&request)?;
        admin.admit(Sensitivity::Counts, &request).await?;
        admin.store.wait_until_projected(PROJECTION_WAIT).await;
        Ok(respond(admin.render()?, CONTENT_TYPE))
    };
    admin.finish(&request, response.await)
}

/// Serves records and keys. Responses hold prompts, so caches must not store them.
async fn api(State(admin): State<Arc<Admin>>, request: Parts) -> Response<Body> {
    let response = async {
        let endpoint = Endpoint::find(request.uri.path()).ok_or_else(|| unknown_route(&request))?;
        if let Some(preflight) = admin.preflight(&request)? {
            return Ok(preflight);
        }
        read_only(&request)?;
        let sensitivity = if endpoint.is_public() { Sensitivity::Public } else { Sensitivity::Records };
        admin.admit(sensitivity, &request).await?;
        if !endpoint.is_public() {
            admin.store.wait_until_projected(PROJECTION_WAIT).await;
        }
        Ok(respond(admin.query(&endpoint, request.uri.query()).await?, "application/json"))
    };
    let mut response = admin.finish(&request, response.await);
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

fn unknown_route(request: &Parts) -> Error {
    Error::UnknownRoute { method: request.method.to_string(), path: request.uri.path().to_owned() }
}

fn read_only(request: &Parts) -> Result<(), Error> {
    if matches!(request.method, Method::GET | Method::HEAD) {
        return Ok(());
    }
    let (method, path) = (request.method.to_string(), request.uri.path().to_owned());
    Err(Error::MethodNotAllowed { method, path, allow: "GET, HEAD" })
}

fn respond(body: impl Into<Body>, kind: &'static str) -> Response<Body> {
    let mut response = Response::new(body.into());
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}

impl Admin {
    /// Checks that the request comes from an operator. With access tokens, that needs an admin token; without, a
    /// connection from the gateway's own machine that no proxy forwards. Metrics need only such a connection, or the admin
    /// listener. Without a token the origin rules apply, because a web page could use the browser of the operator.
    async fn admit(&self, sensitivity: Sensitivity, request: &Parts) -> Result<(), Error> {
        let headers = &request.headers;
        let is_local = Peer::of(request).remote.ip().to_canonical().is_loopback()
            && !FORWARDED.iter().any(|name| headers.contains_key(name));
        let snapshot = self.app.runtime_config.load();
        let requires_tokens = snapshot.authenticator.requires_tokens();
        let needs_no_token = match sensitivity {
            Sensitivity::Public if requires_tokens => return Ok(()),
            Sensitivity::Public => true,
            Sensitivity::Counts => is_local || !self.shared,
            Sensitivity::Records => is_local && !requires_tokens,
        };
        if !needs_no_token {
            return snapshot.authenticator.require_admin(headers).await;
        }
        match snapshot.origin_policy.admit(request) {
            Err(_) if requires_tokens && auth::has_token(headers) => {
                snapshot.authenticator.require_admin(headers).await
            }
            admitted => admitted,
        }
    }

    fn preflight(&self, request: &Parts) -> Result<Option<Response<Body>>, Error> {
        let snapshot = self.app.runtime_config.load();
        let preflight =
            snapshot.origin_policy.preflight(request, snapshot.authenticator.requires_tokens())?;
        Ok(preflight.map(|response| response.map(|()| Body::empty())))
    }

    fn finish(&self, request: &Parts, result: Result<Response<Body>, ErrorResponse>) -> Response<Body> {
        let mut response = result.unwrap_or_else(|error| error.into_http().map(Body::from));
        self.app.runtime_config.load().origin_policy.add_headers(&request.headers, response.headers_mut());
        response
    }

    async fn query(&self, endpoint: &Endpoint, query: Option<&str>) -> Result<Bytes, ErrorResponse> {
        if self.app.stopping.is_cancelled() {
            return Err(Error::ShuttingDown.into());
        }
        let snapshot = self.app.runtime_config.load();
        Ok(self.app.unless_cut(self.api.respond(endpoint, query, snapshot.providers.all())).await??)
    }

    fn render(&self) -> Result<String, Error> {
        let snapshot = self.app.runtime_config.load();
        let journal = self.store.journal_stats();
        let values = ScrapeInput {
            providers: snapshot.providers.all(),
            store_queue: journal.waiting,
            open_connections: self.connections.open(),
            journal: figures(&journal),
        };
        let metrics = self.metrics.as_ref().ok_or(Error::Internal)?;
        metrics.render(&values).map_err(|error| {
            tracing::error!(%error, "could not render the metrics");
            Error::Internal
        })
    }
}
