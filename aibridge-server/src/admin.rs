//! What only operators look at.

use crate::handler::App;
use crate::listen::{Peer, Places};
use crate::who;
use aibridge_api::{Api, Endpoint};
use aibridge_intercept::Error;
use aibridge_metrics::{CONTENT_TYPE, Metrics, ScrapeInput};
use aibridge_store::Store;
use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::routing::any;
use bytes::Bytes;
use http::request::Parts;
use http::{HeaderName, HeaderValue, Method, Response, header};
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
    /// What says nothing about anyone.
    Nothing,
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

async fn metrics(State(admin): State<Arc<Admin>>, request: Parts) -> Response<Body> {
    let rendered = async {
        if let Some(answered) = admin.preflight(&request)? {
            return Ok(answered);
        }
        read_only(&request)?;
        admin.admit(Wanted::Counts, &request).await?;
        Ok(answer(admin.render()?, CONTENT_TYPE))
    };
    admin.finish(&request, rendered.await)
}

/// Records and keys. What is answered holds prompts, so nobody on the way may keep it.
async fn api(State(admin): State<Arc<Admin>>, request: Parts) -> Response<Body> {
    let answered = async {
        let endpoint = Endpoint::find(request.uri.path()).ok_or_else(|| unknown_route(&request))?;
        if let Some(answered) = admin.preflight(&request)? {
            return Ok(answered);
        }
        read_only(&request)?;
        let wanted = if endpoint.is_public() { Wanted::Nothing } else { Wanted::Records };
        admin.admit(wanted, &request).await?;
        Ok(answer(admin.ask(&endpoint, request.uri.query()).await?, "application/json"))
    };
    let mut response = admin.finish(&request, answered.await);
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
    /// No web page passes that way: it would speak for the operator whose browser shows it.
    async fn admit(&self, wanted: Wanted, request: &Parts) -> Result<(), Error> {
        let headers = &request.headers;
        let is_local = Peer::of(request).remote.ip().to_canonical().is_loopback()
            && !FORWARDED.iter().any(|name| headers.contains_key(name));
        let now = self.app.current.load();
        let wants_tokens = now.who.wants_tokens();
        let needs_no_token = match wanted {
            Wanted::Nothing if wants_tokens => return Ok(()),
            Wanted::Nothing => true,
            Wanted::Counts => is_local || !self.shared,
            Wanted::Records => is_local && !wants_tokens,
        };
        if !needs_no_token {
            return now.who.require_admin(headers).await;
        }
        match now.origins.admit(request) {
            Err(_) if wants_tokens && who::has_token(headers) => now.who.require_admin(headers).await,
            admitted => admitted,
        }
    }

    fn preflight(&self, request: &Parts) -> Result<Option<Response<Body>>, Error> {
        let now = self.app.current.load();
        let answered = now.origins.preflight(request, now.who.wants_tokens())?;
        Ok(answered.map(|answer| answer.map(|()| Body::empty())))
    }

    fn finish(&self, request: &Parts, answered: Result<Response<Body>, Error>) -> Response<Body> {
        let mut response = answered.unwrap_or_else(|error| error.to_response().map(Body::from));
        self.app.current.load().origins.add_headers(&request.headers, response.headers_mut());
        response
    }

    async fn ask(&self, endpoint: &Endpoint, query: Option<&str>) -> Result<Bytes, Error> {
        if self.app.stopping.is_cancelled() {
            return Err(Error::ShuttingDown);
        }
        let now = self.app.current.load();
        self.app.unless_cut(self.api.respond(endpoint, query, now.providers.all())).await?
    }

    fn render(&self) -> Result<String, Error> {
        let now = self.app.current.load();
        let now = ScrapeInput {
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
