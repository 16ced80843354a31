//! From a client's request to the answer.

use crate::body;
use crate::current::{Current, RuntimeSnapshot};
use crate::isolation::Isolation;
use crate::limits::{Place, Placed};
use crate::passthrough;
use crate::route::{self, Target};
use crate::telemetry;
use aibridge_intercept::encoding::Encoding;
use aibridge_intercept::relay::AnswerBody;
use aibridge_intercept::watch::InterceptionEvent;
use aibridge_intercept::{Actor, Error, Gateway, Interceptor, Request, RequestBody, trace};
use aibridge_provider::{Provider, Route};
use aibridge_recorder::CredentialKind;
use axum::body::Body;
use axum::extract::State;
use bytes::Bytes;
use http::HeaderMap;
use http::request::Parts;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;
use tracing::{Instrument, Span};

/// What every request needs.
pub struct App {
    /// What requests go by.
    pub current: Current,
    /// Records and relays.
    pub gateway: Gateway,
    /// Keeps actors from each other's objects.
    pub isolation: Arc<Isolation>,
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
    let now = app.current.load();
    let mut response = match answer(&app, &now, &parts, &mut body).await {
        Ok(response) => response,
        Err(error) => {
            log_refusal(&parts, &error);
            app.drain_behind_answer(body, &parts.headers);
            error.to_response().map(|body| AnswerBody::from(body).into())
        }
    };
    now.origins.add_headers(&parts.headers, response.headers_mut());
    response
}

fn log_refusal(parts: &Parts, error: &Error) {
    let path = match error {
        Error::TokenInUrl => "",
        _ => parts.uri.path(),
    };
    tracing::debug!(method = %parts.method, path, code = error.code(), "refused");
}

async fn answer(
    app: &App,
    now: &RuntimeSnapshot,
    parts: &Parts,
    body: &mut Body,
) -> Result<http::Response<Placed<AnswerBody>>, Error> {
    if app.stopping.is_cancelled() {
        return Err(Error::ShuttingDown);
    }
    if let Some(answered) = now.origins.preflight(parts, now.who.wants_tokens())? {
        return Ok(answered.map(|()| AnswerBody::from(Bytes::new()).into()));
    }
    let target = route::find(now.providers.all(), &parts.method, &parts.uri, &parts.headers)?;
    if !now.who.wants_tokens() {
        now.origins.admit(parts)?;
    }
    let mut headers = parts.headers.clone();
    let has_keys = target.provider.key_failover().pool().is_some();
    let actor = now.who.identify(&mut headers, has_keys).await?;
    let span = begin_span(&target, &actor, parts);
    let answered = match now.admit(&target, &actor, &headers, parts) {
        Ok(place) => {
            let work = answer_actor(app, now, Admitted { target, actor, headers, place }, parts, body);
            work.instrument(span.clone()).await
        }
        Err(refusal) => Err(refusal),
    };
    trace::answered(&span, &answered);
    answered.inspect_err(|error| app.refused(now, error))
}

fn begin_span(target: &Target, actor: &Actor, parts: &Parts) -> Span {
    let (provider, path) = (target.provider.name(), parts.uri.path());
    let span = match target.route {
        Route::Bridged(_) => trace::intercept(provider, &actor.id, path),
        Route::Passthrough(_) => trace::passthrough(provider, &actor.id, path),
    };
    telemetry::continue_trace(&span, &parts.headers);
    span
}

/// A request that may be answered. Its body is unread.
struct Admitted {
    target: Target,
    actor: Actor,
    /// Without what authenticated it.
    headers: HeaderMap,
    place: Place,
}

async fn answer_actor(
    app: &App,
    now: &RuntimeSnapshot,
    admitted: Admitted,
    parts: &Parts,
    body: &mut Body,
) -> Result<http::Response<Placed<AnswerBody>>, Error> {
    let Admitted { target, actor, headers, place } = admitted;
    match target.route {
        Route::Bridged(route) => {
            let query = parts.uri.query().map(str::to_owned);
            let wire = app.unless_cut(body::read(body, now.max_body_bytes)).await??;
            place.take()?;
            let received = app.gateway.clock.now();
            let read = ReadRequest { route, query, headers, wire, actor, limit: now.max_body_bytes };
            let interceptor =
                read.interceptor(target.provider).instrument(trace::create_interceptor()).await?;
            let references = interceptor.references().to_vec();
            let interception = interceptor.asked().0.clone();
            app.isolation.check_interception(now, &interception, &references).await?;
            let answer = app.gateway.intercept(interceptor, received).await;
            Ok(answer.map(|body| Placed::new(body, place)))
        }
        Route::Passthrough(route) => {
            passthrough::Request { route, target, actor, headers, place, parts, body }.answer(app, now).await
        }
    }
}

impl App {
    /// A limit of the settings may have refused a request.
    fn refused(&self, now: &RuntimeSnapshot, error: &Error) {
        if let Some(limit) = error.limit() {
            now.limits.refused(error);
            self.gateway.watch.on_event(&InterceptionEvent::Limited { limit });
        }
    }

    /// Reads what the client of a refused request is still sending, while the answer is on its way.
    fn drain_behind_answer(&self, body: Body, headers: &HeaderMap) {
        if body::is_being_sent(&body, headers) {
            let cut = self.gateway.cut.clone();
            self.gateway.tasks.spawn(async move { cut.run_until_cancelled(body::drain(body)).await });
        }
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

impl RuntimeSnapshot {
    /// Decides all that can be decided before the body is read.
    fn admit(
        &self,
        target: &Target,
        actor: &Actor,
        headers: &HeaderMap,
        parts: &Parts,
    ) -> Result<Place, Error> {
        let credential = target.provider.credential_kind(headers)?;
        if credential == CredentialKind::Byok && !self.byok {
            return Err(Error::ByokDisabled);
        }
        target.allow(&parts.method, &parts.uri, credential)?;
        let is_bridged = matches!(target.route, Route::Bridged(_));
        if is_bridged {
            Encoding::of(headers)?;
        }
        self.limits.admit(&actor.id, is_bridged)
    }
}

/// A request on a bridged route whose body has come but was not looked at.
struct ReadRequest {
    route: &'static str,
    query: Option<String>,
    headers: HeaderMap,
    wire: Bytes,
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
