//! Handles a request on a bridged route: reads and parses its body, then runs its interception.

use crate::admitted_request::AdmittedRequest;
use crate::app::App;
use crate::body;
use crate::runtime_config::RuntimeSnapshot;
use aibridge_accounting::OpenedRequest;
use aibridge_intercept::relay::ResponseBody;
use aibridge_intercept::{
    Actor, Error, ErrorFormat, ErrorResponse, Interceptor, Request, RequestBody, trace,
};
use aibridge_limits::PermitBody;
use aibridge_provider::Provider;
use bytes::Bytes;
use http::HeaderMap;
use std::sync::Arc;
use tracing::Instrument;

/// The largest body, in bytes, that is parsed on the async thread. At some GB/s a larger one would delay other requests
/// noticeably. Compressed bodies are always parsed on a blocking thread, because their size is not known in advance.
const MAX_INLINE_PARSE: usize = 1 << 20;

/// Intercepts the request: its records are stored, and its response is relayed.
pub(crate) async fn intercept(
    request: AdmittedRequest<'_>,
    app: &App,
    snapshot: &RuntimeSnapshot,
) -> Result<http::Response<PermitBody<ResponseBody>>, ErrorResponse> {
    let AdmittedRequest { target, actor, headers, permit, parts, body } = request;
    let max_body_bytes = snapshot.max_body_bytes;
    let wire = app.unless_cut(body::read(body, max_body_bytes)).await??;
    permit.acquire()?;
    let received_at = app.gateway.clock.now();
    let (path, query) = (target.path, parts.uri.query().map(str::to_owned));
    let request = BufferedRequest { path, query, headers, wire, actor, max_body_bytes };
    let (interceptor, bytes) =
        request.interceptor(target.provider).instrument(trace::create_interceptor_span()).await?;
    let references = interceptor.references().to_vec();
    let interception = interceptor.interception().clone();
    app.isolation.check_interception(snapshot, &interception, &references).await?;
    let opened = OpenedRequest { interception: &interception, headers: &parts.headers, bytes };
    let meter = snapshot.accounting.open(&opened).map_err(|refusal| {
        refusal.into_response(snapshot.error_format(parts.uri.path()) == ErrorFormat::Anthropic)
    })?;
    let response = app.gateway.intercept(interceptor, received_at, meter).await;
    Ok(response.map(|body| PermitBody::new(body, permit)))
}

/// A request on a bridged route whose body is read but not parsed.
struct BufferedRequest {
    path: String,
    query: Option<String>,
    headers: HeaderMap,
    wire: Bytes,
    actor: Actor,
    max_body_bytes: usize,
}

impl BufferedRequest {
    /// Parses the body, on a blocking thread if that may take long. Also returns its decompressed size in bytes.
    async fn interceptor(self, provider: Arc<dyn Provider>) -> Result<(Box<dyn Interceptor>, usize), Error> {
        let compressed = self.headers.contains_key(http::header::CONTENT_ENCODING);
        if !compressed && self.wire.len() <= MAX_INLINE_PARSE {
            return self.parse(&*provider);
        }
        tokio::task::spawn_blocking(move || self.parse(&*provider)).await.unwrap_or(Err(Error::Internal))
    }

    fn parse(self, provider: &dyn Provider) -> Result<(Box<dyn Interceptor>, usize), Error> {
        let body = RequestBody::decode(self.wire, &self.headers, self.max_body_bytes)?;
        let bytes = body.text.len();
        let interceptor = provider.create_interceptor(Request {
            route: self.path,
            query: self.query,
            headers: self.headers,
            body,
            actor: self.actor,
        })?;
        Ok((interceptor, bytes))
    }
}
