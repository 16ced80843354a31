//! Checks the head of a client's request, and hands the request to its kind of route.

use crate::admitted_request::AdmittedRequest;
use crate::app::App;
use crate::runtime_config::RuntimeSnapshot;
use crate::{body, bridged, passthrough};
use aibridge_admission::Refusal;
use aibridge_admission::route::{self, Target};
use aibridge_intercept::encoding::Encoding;
use aibridge_intercept::events::InterceptionEvent;
use aibridge_intercept::mask;
use aibridge_intercept::relay::ResponseBody;
use aibridge_intercept::{Actor, Error, ErrorFormat, ErrorResponse, trace};
use aibridge_limits::{PermitBody, RequestPermit};
use aibridge_provider::{Provider, Route};
use aibridge_recorder::CredentialKind;
use axum::body::Body;
use axum::extract::State;
use bytes::Bytes;
use http::HeaderMap;
use http::request::Parts;
use std::sync::Arc;
use tracing::{Instrument, Span};

/// Handles one request.
pub async fn handle(
    State(app): State<Arc<App>>,
    request: axum::extract::Request,
) -> http::Response<PermitBody<ResponseBody>> {
    // A shutdown waits for it, until the response begins.
    let _in_flight = app.gateway.tasks.token();
    let (parts, mut body) = request.into_parts();
    let snapshot = app.runtime_config.load();
    let mut response = match respond(&app, &snapshot, &parts, &mut body).await {
        Ok(response) => response,
        Err(error) => {
            log_refusal(&parts, &error);
            drain_in_background(&app, body, &parts.headers);
            let format = snapshot.error_format(parts.uri.path());
            error.into_http(format, None).map(|body| ResponseBody::from(body).into())
        }
    };
    snapshot.origin_policy.add_headers(&parts.headers, response.headers_mut());
    response
}

fn log_refusal(parts: &Parts, error: &ErrorResponse) {
    let path = mask::text(parts.uri.path());
    tracing::debug!(method = %parts.method, %path, code = error.code, "refused a request");
}

async fn respond(
    app: &App,
    snapshot: &RuntimeSnapshot,
    parts: &Parts,
    body: &mut Body,
) -> Result<http::Response<PermitBody<ResponseBody>>, ErrorResponse> {
    if app.stopping.is_cancelled() {
        return Err(Error::ShuttingDown.into());
    }
    let requires_tokens = snapshot.authenticator.requires_tokens();
    if let Some(preflight) = snapshot.origin_policy.preflight(parts, requires_tokens)? {
        return Ok(preflight.map(|()| ResponseBody::from(Bytes::new()).into()));
    }
    if !requires_tokens {
        snapshot.origin_policy.admit(parts)?;
    }
    let target = route::find(snapshot.providers.all(), &parts.method, &parts.uri, &parts.headers)?;
    if target.route == Route::Local {
        return Ok(no_content());
    }
    let mut headers = parts.headers.clone();
    let records_token = snapshot.accounting.counts_keys();
    let actor =
        snapshot.authenticator.identify(&mut headers, target.provider.key_failover(), records_token).await?;
    let span = begin_span(&target, &actor, parts);
    let response = match snapshot.admit(&target, &actor, &headers, parts) {
        Ok(permit) => {
            let request = AdmittedRequest { target, actor, headers, permit, parts, body };
            forward(request, app, snapshot).instrument(span.clone()).await
        }
        Err(refusal) => {
            if let Route::Passthrough(_) | Route::Further(_) = target.route {
                passthrough::log_refusal(&*target.provider, &actor, parts, &refusal);
            }
            Err(refusal)
        }
    };
    trace::set_client_response(&span, &response);
    response.inspect_err(|error| count_refusal(app, snapshot, error))
}

/// Calls the provider as the route of the request demands.
async fn forward(
    request: AdmittedRequest<'_>,
    app: &App,
    snapshot: &RuntimeSnapshot,
) -> Result<http::Response<PermitBody<ResponseBody>>, ErrorResponse> {
    match request.target.route {
        Route::Bridged(_) => bridged::intercept(request, app, snapshot).await,
        Route::Passthrough(_) | Route::Further(_) => passthrough::relay(request, app, snapshot).await,
        Route::Local => Ok(no_content()),
    }
}

/// The response on a route that the gateway answers itself. The body of the request is discarded.
fn no_content() -> http::Response<PermitBody<ResponseBody>> {
    let mut response = http::Response::new(ResponseBody::from(Bytes::new()).into());
    *response.status_mut() = http::StatusCode::NO_CONTENT;
    response
}

fn begin_span(target: &Target, actor: &Actor, parts: &Parts) -> Span {
    let (provider, path) = (target.provider.name(), parts.uri.path());
    let span = match target.route {
        Route::Bridged(_) => trace::intercept_span(provider, &actor.id, path),
        Route::Passthrough(_) | Route::Further(_) | Route::Local => {
            trace::passthrough_span(provider, &actor.id, path)
        }
    };
    aibridge_telemetry::continue_trace(&span, &parts.headers);
    span
}

/// Logs and counts an error that comes from a limit of the settings.
fn count_refusal(app: &App, snapshot: &RuntimeSnapshot, error: &ErrorResponse) {
    if let Some(limit) = error.limit {
        snapshot.limits.log_refusal(error);
        app.gateway.events.on_event(&InterceptionEvent::LimitExceeded { limit });
    }
}

/// Reads what the client of a refused request still sends, while the response is on its way.
fn drain_in_background(app: &App, body: Body, headers: &HeaderMap) {
    if body::is_being_sent(&body, headers) {
        let cut = app.gateway.abort.clone();
        app.gateway.tasks.spawn(async move { cut.run_until_cancelled(body::drain(body)).await });
    }
}

impl RuntimeSnapshot {
    /// The kind of the credential of a request, if the settings allow it.
    fn credential_kind(
        &self,
        provider: &dyn Provider,
        headers: &HeaderMap,
    ) -> Result<CredentialKind, ErrorResponse> {
        let kind = provider.credential_kind(headers);
        if self.byok_enabled {
            return Ok(kind?);
        }
        match (kind, provider.key_failover().pool()) {
            (Err(_), None) => Err(Error::NoKeys(provider.name().to_owned()).into()),
            (Ok(CredentialKind::Byok), None) => {
                Err(Refusal::ByokDisabledWithoutKeys(provider.name().to_owned()).into())
            }
            (Ok(CredentialKind::Byok), Some(_)) => Err(Refusal::ByokDisabled.into()),
            (kind, _) => Ok(kind?),
        }
    }

    /// Makes every check that needs no body.
    fn admit(
        &self,
        target: &Target,
        actor: &Actor,
        headers: &HeaderMap,
        parts: &Parts,
    ) -> Result<RequestPermit, ErrorResponse> {
        let credential = self.credential_kind(&*target.provider, headers)?;
        target.allow(&parts.method, &parts.uri, credential)?;
        let is_bridged = matches!(target.route, Route::Bridged(_));
        if is_bridged {
            Encoding::of(headers)?;
        }
        if target.is_unlimited() {
            return Ok(self.limits.exempt());
        }
        if target.spends_tokens() {
            let checked = self.accounting.check(actor, target.provider.name(), credential);
            checked.map_err(|refusal| {
                refusal.into_response(self.error_format(parts.uri.path()) == ErrorFormat::Anthropic)
            })?;
        }
        Ok(self.limits.admit(&actor.id, target.spends_tokens())?)
    }
}
