//! Handles a request on a passthrough route: checks the objects that it names, then relays it.

use crate::admitted_request::AdmittedRequest;
use crate::app::App;
use crate::body;
use crate::isolation::{Caller, Isolation};
use crate::passthrough_body::{PassthroughBody, ResponsePermit};
use crate::runtime_config::RuntimeSnapshot;
use aibridge_admission::route::Target;
use aibridge_intercept::call::CallBody;
use aibridge_intercept::mask;
use aibridge_intercept::passthrough::PassthroughTarget;
use aibridge_intercept::payload::Payload;
use aibridge_intercept::relay::ResponseBody;
use aibridge_intercept::{Actor, ErrorResponse, RequestBody, trace};
use aibridge_limits::PermitBody;
use aibridge_provider::{PassthroughRequest, Provider};
use http::request::Parts;

/// Relays the request. A request that is refused before the provider is called is logged here; the others are logged
/// with their response.
pub(crate) async fn relay(
    request: AdmittedRequest<'_>,
    app: &App,
    snapshot: &RuntimeSnapshot,
) -> Result<http::Response<PermitBody<ResponseBody>>, ErrorResponse> {
    let (provider, actor, parts) = (request.target.provider.clone(), request.actor.clone(), request.parts);
    let response = call_provider(request, app, snapshot).await;
    if let Err(error) = &response {
        log_refusal(&*provider, &actor, parts, error);
    }
    response
}

async fn call_provider(
    request: AdmittedRequest<'_>,
    app: &App,
    snapshot: &RuntimeSnapshot,
) -> Result<http::Response<PermitBody<ResponseBody>>, ErrorResponse> {
    let AdmittedRequest { target, actor, headers, permit, parts, body } = request;
    let reads_usage = target.spends_tokens();
    let Target { provider, path, route } = target;
    let credential = provider.credential(&headers)?;
    let caller = Caller { provider: provider.name(), actor: &actor.id, credential: credential.kind() };
    app.isolation.check(snapshot, caller, provider.object_in_path(&path).as_slice()).await?;
    let limit = snapshot.max_body_bytes;
    let PassthroughBody { body, permit } =
        if Isolation::applies(snapshot, caller) && provider.may_refer_to_objects(&path) {
            let wire = app.unless_cut(body::read(body, limit)).await??;
            let read = RequestBody::decode(wire, &headers, limit)?;
            if !read.text.is_empty() {
                app.isolation.check(snapshot, caller, &provider.objects_in_body(&read.text)?).await?;
            }
            permit.acquire()?;
            let body = CallBody::Replayable(Payload::from(read.wire));
            PassthroughBody { body, permit: ResponsePermit::Buffered(permit) }
        } else {
            app.unless_cut(PassthroughBody::begin(body, &credential, limit, permit)).await??
        };
    let passthrough_route = route.name();
    let passthrough_target = PassthroughTarget {
        provider: provider.name().to_owned(),
        route: passthrough_route.clone(),
        reads_usage,
        actor: actor.clone(),
        error_format: provider.error_format(&path),
        creates_object: snapshot.authenticator.requires_tokens()
            && provider.creates_object(&parts.method, &path),
    };
    let (method, query) = (parts.method.clone(), parts.uri.query().map(str::to_owned));
    let request = PassthroughRequest { method, path, query, headers, body, actor };
    let call = provider.passthrough_call(&passthrough_route, request, credential);
    permit.attach_to(app.gateway.pass_through(passthrough_target, provider.upstream.clone(), call).await)
}

/// Logs a request that was refused before the provider was called.
pub(crate) fn log_refusal(provider: &dyn Provider, actor: &Actor, parts: &Parts, error: &ErrorResponse) {
    tracing::info!(
        actor = actor.id,
        provider = provider.name(),
        method = %parts.method,
        path = trace::truncate(&mask::text(parts.uri.path())),
        status = error.status.as_u16(),
        code = error.code,
        "not passed through"
    );
}
