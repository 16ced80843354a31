//! What only operators look at.

use crate::handler::App;
use crate::listen::{Peer, Places};
use aibridge_api::{Api, Endpoint};
use aibridge_intercept::Error;
use aibridge_metrics::{AtScrape, CONTENT_TYPE, Metrics};
use aibridge_store::Store;
use axum::Router;
use axum::body::Body;
use axum::extract::{Extension, State};
use axum::routing::any;
use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Response, header};
use std::sync::Arc;

/// What is needed to answer operators.
pub struct Admin {
    /// What others need, too.
    pub app: Arc<App>,
    /// Where records wait.
    pub store: Store,
    /// What is counted, if that is wanted.
    pub metrics: Option<Arc<Metrics>>,
    /// The connections of clients.
    pub places: Places,
    /// What answers about records and keys.
    pub api: Api,
    /// Whether clients reach it as well, so that it has to look who asks.
    pub shared: bool,
}

/// What a proxy in front of the gateway says of whom it speaks for: its own address then says nothing.
const FORWARDED: [HeaderName; 3] =
    [header::FORWARDED, HeaderName::from_static("x-forwarded-for"), HeaderName::from_static("x-real-ip")];

/// What an operator wants to see.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wanted {
    /// How much of what.
    Counts,
    /// Who asked what: it holds prompts.
    Records,
}

/// The routes for operators.
pub fn routes(admin: Admin) -> Router {
    let mut router = Router::new().route("/api/v1/{*rest}", any(api));
    if admin.metrics.is_some() {
        router = router.route("/metrics", any(metrics));
    }
    router.with_state(Arc::new(admin))
}

/// The answer of a listener to whatever it does not serve.
pub async fn unknown(request: Parts) -> Response<Body> {
    unknown_route(&request).to_response().map(Body::from)
}

async fn metrics(
    State(admin): State<Arc<Admin>>,
    Extension(peer): Extension<Peer>,
    request: Parts,
) -> Response<Body> {
    let rendered = async {
        read_only(&request)?;
        admin.admit(Wanted::Counts, peer, &request.headers).await?;
        admin.render()
    };
    match rendered.await {
        Ok(text) => answer(text, CONTENT_TYPE),
        Err(error) => error.to_response().map(Body::from),
    }
}

/// Records and keys. What is answered holds prompts, so nobody on the way may keep it.
async fn api(
    State(admin): State<Arc<Admin>>,
    Extension(peer): Extension<Peer>,
    request: Parts,
) -> Response<Body> {
    let answered = async {
        let endpoint = Endpoint::find(request.uri.path()).ok_or_else(|| unknown_route(&request))?;
        read_only(&request)?;
        if !endpoint.is_public() {
            admin.admit(Wanted::Records, peer, &request.headers).await?;
        }
        admin.ask(&endpoint, request.uri.query()).await
    };
    let mut response = match answered.await {
        Ok(json) => answer(json, "application/json"),
        Err(error) => error.to_response().map(Body::from),
    };
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

fn answer(body: impl Into<Body>, kind: &'static str) -> Response<Body> {
    let mut response = Response::new(body.into());
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}

impl Admin {
    /// Lets operators pass. Who they are, admin tokens say; where no token is in use, being on the gateway's own machine
    /// does, unless a proxy there speaks for someone else. For counts, that or reaching a listener of their own is enough.
    async fn admit(&self, wanted: Wanted, Peer(peer): Peer, headers: &HeaderMap) -> Result<(), Error> {
        let is_local = peer.ip().to_canonical().is_loopback()
            && !FORWARDED.iter().any(|name| headers.contains_key(name));
        let now = self.app.current.load();
        let passes = match wanted {
            Wanted::Counts => is_local || !self.shared,
            Wanted::Records => is_local && !now.who.wants_tokens(),
        };
        if passes { Ok(()) } else { now.who.require_admin(headers).await }
    }

    async fn ask(&self, endpoint: &Endpoint, query: Option<&str>) -> Result<Bytes, Error> {
        if self.app.stopping.is_cancelled() {
            return Err(Error::ShuttingDown);
        }
        let now = self.app.current.load();
        self.app.unless_cut(self.api.answer(endpoint, query, now.providers.all())).await?
    }

    fn render(&self) -> Result<String, Error> {
        let now = self.app.current.load();
        let now = AtScrape {
            providers: now.providers.all(),
            store_queue: self.store.queue_length(),
            open_connections: self.places.taken(),
            spool_bytes: self.store.spool_bytes(),
        };
        let metrics = self.metrics.as_ref().ok_or(Error::Internal)?;
        metrics.render(&now).map_err(|error| {
            tracing::error!(%error, "the metrics contradict each other");
            Error::Internal
        })
    }
}
