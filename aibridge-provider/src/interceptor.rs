//! Creates the interceptor for a request: the dialect of its route parses it, and the profile makes the upstream call.

use crate::azure;
use crate::profile::Profile;
use aibridge_intercept::call::{CallBody, TimeoutScope};
use aibridge_intercept::client::{RUN_ATTRIBUTE, run_of};
use aibridge_intercept::credential::Credential;
use aibridge_intercept::payload::Payload;
use aibridge_intercept::tap::Subject;
use aibridge_intercept::{
    Error, Interceptor, ParsedRequest, Request, SingleCallInterceptor, UpstreamCall, checked_model, mask,
};
use aibridge_presets::UsageChunk;
use aibridge_recorder::Interception;
use http::{Method, header};
use jiff::Timestamp;
use std::sync::Arc;
use uuid::Uuid;

/// Parses a request in the dialect of its route. This is the only table of dialects.
fn parse(request: &Request, usage_chunk: UsageChunk) -> Result<ParsedRequest, Error> {
    match request.route.as_str() {
        "/chat/completions" => aibridge_chatcompletions::parse_request(request, usage_chunk),
        "/embeddings" => aibridge_chatcompletions::embeddings::parse_request(request),
        "/responses" | "/responses/compact" => aibridge_responses::parse_request(request),
        "/v1/messages" => aibridge_messages::parse_request(request),
        _ => Err(unknown_route(request)),
    }
}

fn unknown_route(request: &Request) -> Error {
    Error::UnknownRoute { method: "POST".into(), path: request.route.clone() }
}

/// Creates the interceptor for a request to the provider `profile`.
///
/// # Errors
///
/// [`Error::UnknownRoute`] if the provider does not bridge the route, [`Error::NoCredential`] if there is no key for the
/// request, and the errors of the dialect's parser.
pub(crate) fn create(profile: &Profile, mut request: Request) -> Result<Box<dyn Interceptor>, Error> {
    let path = request.route.clone();
    let (route, deployment) = profile.bridged_route(&path).ok_or_else(|| unknown_route(&request))?;
    request.route = route.to_owned();
    let credential = profile.credential(&request.headers)?;
    let mut parsed = parse(&request, profile.usage_chunk)?;
    // Azure runs the deployment of the path, whatever model the body names.
    if let Some(deployment) = deployment {
        parsed.model = Some(checked_model(deployment.to_owned())?);
    }
    let interception = interception(profile, &request, &parsed, &credential);
    let guard = profile.circuit_breaker().map(|breaker| breaker.guard(&request.route, &interception.model));
    let tap = profile.tap(|| Subject {
        id: interception.id,
        model: Some(interception.model.clone()),
        started_at: interception.started_at,
    });
    let decompressed = parsed.edited.is_some() && request.body.encoding.is_some();
    let headers = profile.upstream_headers(&request.headers, &request.actor, &credential, decompressed);
    Ok(Box::new(SingleCallInterceptor {
        interception: Arc::new(interception),
        prompt: parsed.prompt,
        references: parsed.references,
        upstream: profile.upstream.clone(),
        error_format: profile.error_format(&request.route),
        call: UpstreamCall {
            method: Method::POST,
            base_url: (path != route).then(|| azure::base_url(&profile.base_url)),
            path,
            query: request.query,
            headers,
            body: CallBody::Replayable(parsed.edited.unwrap_or_else(|| Payload::from(request.body.wire))),
            model: parsed.model.into(),
            credential,
            timeout_scope: if parsed.streaming { TimeoutScope::Head } else { TimeoutScope::Whole },
            has_separate_limits: false,
            guard,
            tap,
        },
        observer: parsed.observer,
    }))
}

fn interception(
    profile: &Profile,
    request: &Request,
    parsed: &ParsedRequest,
    credential: &Credential,
) -> Interception {
    let user_agent = request.headers.get(header::USER_AGENT);
    let mut metadata = request.actor.metadata.clone();
    metadata.extend(run_of(&request.headers).map(|run| (RUN_ATTRIBUTE.to_owned(), run.to_string())));
    Interception {
        id: Uuid::now_v7(),
        initiator_id: request.actor.id.clone(),
        provider: profile.kind.to_owned(),
        provider_name: profile.name.clone(),
        model: parsed.model.clone().unwrap_or_else(|| "unknown".to_owned()),
        route: request.route.clone(),
        streaming: parsed.streaming,
        client: parsed.client.name.to_owned(),
        client_session_id: parsed.client.session_id.as_deref().map(recordable),
        user_agent: user_agent.map(|agent| recordable(&String::from_utf8_lossy(agent.as_bytes()))),
        credential_kind: credential.kind(),
        credential_hint: credential.initial_hint(),
        correlating_tool_call_id: parsed.correlating_tool_call_id.clone(),
        metadata,
        started_at: Timestamp::now(),
    }
}

/// A text of the client's for its record, without an access token that it may contain.
fn recordable(text: &str) -> String {
    mask::text(text).into_owned()
}
