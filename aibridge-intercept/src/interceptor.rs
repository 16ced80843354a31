//! Requests on bridged routes, and the interceptors that produce their responses.

use crate::exchange::{Exchange, InterceptError};
use aibridge_client::Client;
use aibridge_error::object::ObjectReference;
use aibridge_error::{Error, ErrorFormat};
use aibridge_headers::actor::Actor;
use aibridge_headers::credential::contains_whole_access_token;
use aibridge_json::Json;
use aibridge_observer::Observer;
use aibridge_observer::encoding::Encoding;
use aibridge_recorder::{Interception, async_trait};
use aibridge_upstream::Upstream;
use aibridge_upstream::call::UpstreamCall;
use aibridge_upstream::payload::Payload;
use bytes::Bytes;
use http::HeaderMap;
use std::sync::Arc;

/// A client's request on a bridged route: complete and authenticated.
#[derive(Debug)]
pub struct Request {
    /// The path below the provider's route prefix, e.g. `/chat/completions`. The parser of a dialect gets the route that it
    /// spells.
    pub route: String,
    /// The query, without the question mark.
    pub query: Option<String>,
    /// The client's headers, without the access token.
    pub headers: HeaderMap,
    /// The body, as sent and decompressed.
    pub body: RequestBody,
    /// The actor on whose behalf the request is made.
    pub actor: Actor,
}

/// The body of a request, as sent and decompressed.
#[derive(Debug, Clone)]
pub struct RequestBody {
    /// The bytes that the client sent.
    pub wire: Bytes,
    /// The encoding of `wire`; `None` if it is not compressed.
    pub encoding: Option<Encoding>,
    /// The decompressed bytes; the same as `wire` if it is not compressed.
    pub text: Bytes,
}

impl RequestBody {
    /// A body that is not compressed.
    pub fn plain(body: Bytes) -> Self {
        Self { wire: body.clone(), encoding: None, text: body }
    }

    /// Decompresses a body by the `Content-Encoding` of `headers`, to at most `limit` bytes.
    ///
    /// # Errors
    ///
    /// [`Error::UnsupportedEncoding`], [`Error::InvalidEncoding`], [`Error::RequestTooLarge`].
    pub fn decode(wire: Bytes, headers: &HeaderMap, limit: usize) -> Result<Self, Error> {
        let encoding = Encoding::of(headers)?;
        let text = match encoding {
            Some(encoding) => encoding.decode(&wire, limit)?,
            None => wire.clone(),
        };
        Ok(Self { wire, encoding, text })
    }
}

/// The result of parsing a request in its dialect.
pub struct ParsedRequest {
    /// The model that the client named.
    pub model: Option<String>,
    /// Whether the client asked for a stream.
    pub streaming: bool,
    /// The user's last message.
    pub prompt: Option<String>,
    /// The id of the tool call whose result the request contains.
    pub correlating_tool_call_id: Option<String>,
    /// The objects at the provider that the request refers to.
    pub references: Vec<ObjectReference>,
    /// The client program and its session.
    pub client: Client,
    /// The edited body; `None` if the body is forwarded as it came.
    pub edited: Option<Payload>,
    /// The observer that reads the response.
    pub observer: Box<dyn Observer>,
}

/// The longest accepted model name, in bytes.
const MAX_MODEL_BYTES: usize = 512;

impl ParsedRequest {
    /// Reads the `model` member of a request; `None` if it is empty or not a string.
    ///
    /// # Errors
    ///
    /// The errors of [`checked_model`].
    pub fn model(model: Option<Json<'_>>) -> Result<Option<String>, Error> {
        model.and_then(Json::non_empty_string).map(checked_model).transpose()
    }
}

/// Returns `name`, which names a model.
///
/// # Errors
///
/// [`Error::InvalidModel`] if the name is longer than 512 bytes, [`Error::TokenInModel`] if it contains an access token.
pub fn checked_model(name: String) -> Result<String, Error> {
    if name.len() > MAX_MODEL_BYTES {
        return Err(Error::InvalidModel(MAX_MODEL_BYTES));
    }
    if contains_whole_access_token(name.as_bytes()) {
        return Err(Error::TokenInModel);
    }
    Ok(name)
}

/// Produces the response to one intercepted request.
///
/// A response may take several upstream calls (tools that the gateway runs itself). An interceptor therefore receives an
/// [`Exchange`], which makes the calls, rather than a response.
#[async_trait]
pub trait Interceptor: Send {
    /// The interception, whose start is recorded before [`process`](Self::process) is called.
    fn interception(&self) -> &Arc<Interception>;

    /// Takes the user's prompt, which is recorded with the start. It may be large, so it is not copied.
    fn take_prompt(&mut self) -> Option<String> {
        None
    }

    /// The objects at the provider that the request refers to. They must not belong to another actor.
    fn references(&self) -> &[ObjectReference] {
        &[]
    }

    /// The format of error responses, which is that of the client's API.
    fn error_format(&self) -> ErrorFormat {
        ErrorFormat::default()
    }

    /// Calls the provider and relays the response to the client.
    ///
    /// # Errors
    ///
    /// [`InterceptError`] if the response could not be relayed to its end.
    async fn process(self: Box<Self>, exchange: &mut Exchange) -> Result<(), InterceptError>;
}

/// An interceptor that relays the response of one upstream call.
pub struct SingleCallInterceptor {
    /// The interception, whose start is recorded first.
    pub interception: Arc<Interception>,
    /// The user's prompt.
    pub prompt: Option<String>,
    /// The objects at the provider that the request refers to.
    pub references: Vec<ObjectReference>,
    /// The provider's endpoint.
    pub upstream: Arc<Upstream>,
    /// The call to make.
    pub call: UpstreamCall,
    /// The observer that reads the response.
    pub observer: Box<dyn Observer>,
    /// The format of error responses.
    pub error_format: ErrorFormat,
}

#[async_trait]
impl Interceptor for SingleCallInterceptor {
    fn interception(&self) -> &Arc<Interception> {
        &self.interception
    }

    fn take_prompt(&mut self) -> Option<String> {
        self.prompt.take()
    }

    fn references(&self) -> &[ObjectReference] {
        &self.references
    }

    fn error_format(&self) -> ErrorFormat {
        self.error_format
    }

    async fn process(self: Box<Self>, exchange: &mut Exchange) -> Result<(), InterceptError> {
        let response = exchange.call(&self.upstream, self.call).await?;
        exchange.relay_response(response, self.observer, self.interception.streaming).await
    }
}
