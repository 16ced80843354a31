//! From a client's request to the answer.

use crate::body::{self, Upload};
use crate::current::{Current, InForce};
use crate::limits::{Place, Placed};
use crate::route::{self, Target};
use crate::telemetry;
use aibridge_intercept::call::CallBody;
use aibridge_intercept::credential::Credential;
use aibridge_intercept::gateway::PassedTo;
use aibridge_intercept::payload::Payload;
use aibridge_intercept::relay::AnswerBody;
use aibridge_intercept::watch::Seen;
use aibridge_intercept::{Actor, Error, Gateway, Interceptor, Request, RequestBody, trace};
use aibridge_provider::{PassThrough, Provider, Route};
use aibridge_recorder::CredentialKind;
use axum::body::Body;
use axum::extract::State;
use http::HeaderMap;
use http::request::Parts;
use http_body::Body as _;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;
use tracing::{Instrument, Span};

/// What every request needs.
pub struct App {
    /// What requests go by.
    pub current: Current,
    /// Records and relays.
    pub gateway: Gateway,
    /// New requests are refused: the gateway is stopping.
    pub stopping: CancellationToken,
}

/// Bodies above this are read on a thread of their own: at some GB/s they would hold up other requests for a
/// noticeable time. Compressed ones always are, for their size is not known before.
const READ_INLINE_AT_MOST: usize = 1 << 20;

/// Answers one request.
pub async fn handle(
    State(app): State<Arc<App>>,
    request: axum::extract::Request,
) -> http::Response<Placed<AnswerBody>> {
    // Held until the answer has begun, so that a shutdown waits for it.
    let _under_way = app.gateway.tasks.token();
    let (parts, mut body) = request.into_parts();
    match answer(&app, &parts, &mut body).await {
        Ok(response) => response,
        Err(error) => {
            tracing::debug!(method = %parts.method, path = parts.uri.path(), code = error.code(), "refused");
            let _ = app.unless_cut(body::drain(&mut body, &parts.headers)).await;
            error.to_response().map(|body| AnswerBody::from(body).into())
        }
    }
}

async fn answer(
    app: &App,
    parts: &Parts,
    body: &mut Body,
) -> Result<http::Response<Placed<AnswerBody>>, Error> {
    if app.stopping.is_cancelled() {
        return Err(Error::ShuttingDown);
    }
    let now = app.current.load();
    let target = route::find(now.providers.all(), &parts.method, &parts.uri, &parts.headers)?;
    let mut headers = parts.headers.clone();
    let has_keys = target.provider.key_failover().pool().is_some();
    let actor = now.who.identify(&mut headers, has_keys).await?;
    let span = begin_span(&target, &actor, parts);
    let answered = match app.admit(&now, &target, &actor) {
        Ok(place) => {
            let work = answer_actor(app, &now, target, actor, headers, parts, body);
            let answered = work.instrument(span.clone()).await;
            answered.map(|response| response.map(|body| Placed::new(body, place)))
        }
        Err(refusal) => Err(refusal),
    };
    trace::answered(&span, &answered);
    answered
}

fn begin_span(target: &Target, actor: &Actor, parts: &Parts) -> Span {
    let (provider, path) = (target.provider.name(), parts.uri.path());
    let span = match target.route {
        Route::Bridged(_) => trace::intercept(provider, &actor.id, path),
        Route::PassThrough(_) => trace::passthrough(provider, &actor.id, path),
    };
    telemetry::continue_trace(&span, &parts.headers);
    span
}

/// Answers a request when it is known whose it is. `headers` are without what authenticated it.
async fn answer_actor(
    app: &App,
    now: &InForce,
    target: Target,
    actor: Actor,
    headers: HeaderMap,
    parts: &Parts,
    body: &mut Body,
) -> Result<http::Response<AnswerBody>, Error> {
    let query = parts.uri.query().map(str::to_owned);
    match target.route {
        Route::Bridged(route) => {
            let wire = app.unless_cut(body::read(body, now.max_body_bytes)).await??;
            let received = app.gateway.clock.now();
            let read = ReadRequest { route, query, headers, wire, actor, limit: now.max_body_bytes };
            let interceptor =
                read.interceptor(target.provider).instrument(trace::create_interceptor()).await?;
            now.allow(interceptor.asked().0.credential_kind)?;
            Ok(app.gateway.intercept(interceptor, received).await)
        }
        Route::PassThrough(route) => {
            let credential = target.provider.credential(&headers)?;
            now.allow(credential.kind())?;
            let body = app.unless_cut(pass_through_body(body, &credential, now.max_body_bytes)).await??;
            let Target { provider, path, .. } = target;
            let method = parts.method.clone();
            let call =
                provider.pass_through(PassThrough { method, path, query, headers, body, actor }, credential);
            tracing::info!(provider = provider.name(), method = %parts.method, path = parts.uri.path(), "passed through");
            let passed = PassedTo { provider: provider.name().to_owned(), route };
            Ok(app.gateway.pass_through(passed, provider.profile().upstream.clone(), call).await)
        }
    }
}

impl App {
    /// Gives a request its place, unless a limit refuses it.
    fn admit(&self, now: &InForce, target: &Target, actor: &Actor) -> Result<Place, Error> {
        let spends_tokens = matches!(target.route, Route::Bridged(_));
        now.limits.admit(&actor.id, spends_tokens).inspect_err(|error| {
            if let Some(limit) = error.limit() {
                self.gateway.watch.saw(&Seen::Limited { limit });
            }
        })
    }

    /// Waits for the client, but not longer than the gateway may.
    pub(crate) async fn unless_cut<T>(&self, work: impl Future<Output = T>) -> Result<T, Error> {
        tokio::select! {
            biased;
            done = work => Ok(done),
            () = self.gateway.cut.cancelled() => Err(Error::ShuttingDown),
        }
    }
}

impl InForce {
    fn allow(&self, kind: CredentialKind) -> Result<(), Error> {
        if kind == CredentialKind::Byok && !self.byok { Err(Error::ByokDisabled) } else { Ok(()) }
    }
}

/// A request on a bridged route whose body has come but was not looked at.
struct ReadRequest {
    route: &'static str,
    query: Option<String>,
    headers: HeaderMap,
    wire: bytes::Bytes,
    actor: Actor,
    limit: usize,
}

impl ReadRequest {
    async fn interceptor(self, provider: Arc<dyn Provider>) -> Result<Box<dyn Interceptor>, Error> {
        let compressed = self.headers.contains_key(http::header::CONTENT_ENCODING);
        if !compressed && self.wire.len() <= READ_INLINE_AT_MOST {
            return self.interceptor_now(&*provider);
        }
        tokio::task::spawn_blocking(move || self.interceptor_now(&*provider))
            .await
            .unwrap_or(Err(Error::Internal))
    }

    fn interceptor_now(self, provider: &dyn Provider) -> Result<Box<dyn Interceptor>, Error> {
        let body = RequestBody::decode(self.wire, &self.headers, self.limit)?;
        provider.create_interceptor(Request {
            route: self.route.to_owned(),
            query: self.query,
            headers: self.headers,
            body,
            actor: self.actor,
        })
    }
}

/// Only what may have to be sent to a second key is buffered.
async fn pass_through_body(
    body: &mut Body,
    credential: &Credential,
    limit: usize,
) -> Result<CallBody, Error> {
    let may_fail_over = matches!(credential, Credential::Centralized(pool) if pool.len() > 1);
    if may_fail_over || body.is_end_stream() {
        return Ok(CallBody::Replayable(Payload::from(body::read(body, limit).await?)));
    }
    let upload = Upload::new(std::mem::take(body));
    Ok(CallBody::Once(Some(reqwest::Body::wrap(upload))))
}
