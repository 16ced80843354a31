//! The routes for operators: metrics and the admin API.

mod access;

use crate::spending::SpendingSync;
use aibridge_admission::Refusal;
use aibridge_api::{Access, Api, Call, Endpoint, GatewayState};
use aibridge_dashboard::{BrowserSessions, LoginThrottle, security_headers};
use aibridge_handler::App;
use aibridge_handler::body;
use aibridge_intercept::{Error, ErrorFormat, ErrorResponse};
use aibridge_listen::ConnectionLimit;
use aibridge_metrics::{CONTENT_TYPE, JournalFigures, Metrics, ScrapeInput};
use aibridge_store::{APPEND_BOUNDS_MICROS, JournalStats, Store};
use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::routing::any;
use bytes::Bytes;
use http::request::Parts;
use http::{HeaderValue, Method, Response, header};
use std::sync::Arc;
use std::time::Duration;

/// The largest body of a request to the API, in bytes.
const MAX_BODY: usize = 64 << 10;

/// The state of the routes for operators.
pub struct Admin {
    /// The state shared with the client routes.
    pub app: Arc<App>,
    /// The store, for the sizes of its queues.
    pub store: Store,
    /// `Some` if the settings enable metrics.
    pub metrics: Option<Arc<Metrics>>,
    /// The spending through other gateways on the same database.
    pub spending: Arc<SpendingSync>,
    /// Counts the open connections of clients.
    pub connections: ConnectionLimit,
    /// The API for records and keys.
    pub api: Api,
    /// The sessions of the dashboard, which may use the API.
    pub sessions: BrowserSessions,
    /// Delays log-ins to the dashboard after failed ones.
    pub throttle: LoginThrottle,
    /// Whether these routes are on the client listener, where clients reach them as well.
    pub shared: bool,
    /// The URL of the client listener.
    pub client_url: String,
}

/// The longest wait until the database has the records that were acknowledged before the request, so that operators see
/// their own last request.
const PROJECTION_WAIT: Duration = Duration::from_millis(500);

/// Returns the routes for operators.
pub fn routes(admin: Arc<Admin>) -> Router {
    let paths = ["/api/v1", "/api/v1/", "/api/v1/{*rest}"];
    let mut router = paths.iter().fold(Router::new(), |router, path| router.route(path, any(api)));
    if admin.metrics.is_some() {
        router = router.route("/metrics", any(metrics));
    }
    router.with_state(admin)
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
    render(unknown_route(&request).into())
}

async fn metrics(State(admin): State<Arc<Admin>>, request: Parts) -> Response<Body> {
    let response = async {
        if let Some(preflight) = admin.preflight(&request)? {
            return Ok(preflight);
        }
        if !matches!(request.method, Method::GET | Method::HEAD) {
            return Err(not_allowed(&request, "GET, HEAD").into());
        }
        admin.admit_to_metrics(&request).await?;
        admin.store.wait_until_projected(PROJECTION_WAIT).await;
        Ok(respond(admin.render()?, CONTENT_TYPE))
    };
    admin.finish(&request, response.await)
}

/// Serves records and keys. Responses hold prompts, so caches must not store them.
async fn api(State(admin): State<Arc<Admin>>, request: Request) -> Response<Body> {
    let (request, mut body) = request.into_parts();
    let mut response = match admin.serve(&request, &mut body).await {
        Ok(response) => admin.finish(&request, Ok(response)),
        Err(error) => admin.finish(&request, Err(error)),
    };
    security_headers(response.headers_mut());
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

pub(crate) fn unknown_route(request: &Parts) -> Refusal {
    Refusal::UnknownRoute { method: request.method.to_string(), path: request.uri.path().to_owned() }
}

pub(crate) fn not_allowed(request: &Parts, allow: &'static str) -> Refusal {
    let (method, path) = (request.method.to_string(), request.uri.path().to_owned());
    Refusal::MethodNotAllowed { method, path, allow: allow.into() }
}

/// Renders an error. The API for operators has the error format of the OpenAI API.
pub(crate) fn render(error: ErrorResponse) -> Response<Body> {
    error.into_http(ErrorFormat::OpenAi, None).map(Body::from)
}

fn respond(body: impl Into<Body>, kind: &'static str) -> Response<Body> {
    let mut response = Response::new(body.into());
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}

impl Admin {
    async fn serve(&self, request: &Parts, body: &mut Body) -> Result<Response<Body>, ErrorResponse> {
        let endpoint = Endpoint::find(request.uri.path()).ok_or_else(|| unknown_route(request))?;
        if let Some(preflight) = self.preflight(request)? {
            return Ok(preflight);
        }
        if !endpoint.allows(&request.method) {
            return Err(not_allowed(request, endpoint.methods()).into());
        }
        let caller = self.caller(endpoint.access(), request).await?;
        if self.app.stopping.is_cancelled() {
            return Err(Error::ShuttingDown.into());
        }
        if endpoint.access() != Access::Public {
            self.store.wait_until_projected(PROJECTION_WAIT).await;
        }
        let body = match request.method {
            Method::GET | Method::HEAD => Bytes::new(),
            _ => self.app.unless_cut(body::read(body, MAX_BODY)).await??,
        };
        let snapshot = self.app.runtime_config.load();
        if endpoint == Endpoint::Me && !snapshot.accounting.has_budgets() {
            self.spending.refresh().await; // with budgets, it is read every second
        }
        let call = Call {
            endpoint: &endpoint,
            method: &request.method,
            query: request.uri.query(),
            body,
            caller,
            gateway: GatewayState {
                providers: snapshot.providers.all(),
                accounting: &snapshot.accounting,
                requires_tokens: snapshot.authenticator.requires_tokens(),
                retention: snapshot.retention,
                client_url: (!self.shared).then_some(self.client_url.as_str()),
            },
        };
        let reply = self.app.unless_cut(self.api.respond(&call)).await??;
        let mut response = respond(reply.body, reply.content_type);
        *response.status_mut() = reply.status;
        response.headers_mut().extend(reply.headers);
        Ok(response)
    }

    fn preflight(&self, request: &Parts) -> Result<Option<Response<Body>>, Refusal> {
        let snapshot = self.app.runtime_config.load();
        let preflight =
            snapshot.origin_policy.preflight(request, snapshot.authenticator.requires_tokens())?;
        Ok(preflight.map(|response| response.map(|()| Body::empty())))
    }

    fn finish(&self, request: &Parts, result: Result<Response<Body>, ErrorResponse>) -> Response<Body> {
        let mut response = result.unwrap_or_else(render);
        self.app.runtime_config.load().origin_policy.add_headers(&request.headers, response.headers_mut());
        response
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

/// Whether an endpoint with this access needs an admin.
fn needs_admin(access: Access) -> bool {
    access == Access::Admin
}
