//! What only operators look at.

use crate::handler::App;
use crate::listen::{Peer, Places};
use aibridge_intercept::Error;
use aibridge_metrics::{AtScrape, CONTENT_TYPE, Metrics};
use aibridge_store::Store;
use axum::Router;
use axum::body::Body;
use axum::extract::{Extension, Request, State};
use axum::routing::any;
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
    /// Whether clients reach it as well, so that it has to look who asks.
    pub shared: bool,
}

/// What a proxy in front of the gateway says of whom it speaks for: its own address then says nothing.
const FORWARDED: [HeaderName; 3] =
    [header::FORWARDED, HeaderName::from_static("x-forwarded-for"), HeaderName::from_static("x-real-ip")];

/// The routes for operators.
pub fn routes(admin: Admin) -> Router {
    let mut router = Router::new();
    if admin.metrics.is_some() {
        router = router.route("/metrics", any(metrics));
    }
    router.with_state(Arc::new(admin))
}

/// The answer of a listener to whatever it does not serve.
pub async fn unknown(request: Request) -> Response<Body> {
    let (method, path) = (request.method().to_string(), request.uri().path().to_owned());
    Error::UnknownRoute { method, path }.to_response().map(Body::from)
}

async fn metrics(
    State(admin): State<Arc<Admin>>,
    Extension(Peer(peer)): Extension<Peer>,
    method: Method,
    headers: HeaderMap,
) -> Response<Body> {
    let is_local =
        peer.ip().to_canonical().is_loopback() && !FORWARDED.iter().any(|name| headers.contains_key(name));
    let rendered = async {
        if !matches!(method, Method::GET | Method::HEAD) {
            let (method, path) = (method.to_string(), "/metrics".to_owned());
            return Err(Error::MethodNotAllowed { method, path, allow: "GET, HEAD" });
        }
        if admin.shared && !is_local {
            admin.app.current.load().who.require_admin(&headers).await?;
        }
        admin.render()
    };
    match rendered.await {
        Ok(text) => {
            let mut response = Response::new(Body::from(text));
            response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(CONTENT_TYPE));
            response
        }
        Err(error) => error.to_response().map(Body::from),
    }
}

impl Admin {
    fn render(&self) -> Result<String, Error> {
        let now = self.app.current.load();
        let now = AtScrape {
            providers: now.providers.all(),
            store_queue: self.store.queue_length(),
            open_connections: self.places.taken(),
        };
        let metrics = self.metrics.as_ref().ok_or(Error::Internal)?;
        metrics.render(&now).map_err(|error| {
            tracing::error!(%error, "the metrics contradict each other");
            Error::Internal
        })
    }
}
