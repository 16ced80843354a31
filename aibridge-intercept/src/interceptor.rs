//! What an interceptor is: the one thing that a provider makes for a request.

use crate::actor::Actor;
use crate::call::Call;
use crate::client::Client;
use crate::encoding::Encoding;
use crate::error::Error;
use crate::exchange::{Exchange, InterceptError};
use crate::json::Json;
use crate::objects::ObjectReference;
use crate::observer::Observer;
use crate::payload::Payload;
use crate::upstream::Upstream;
use aibridge_recorder::{Interception, async_trait};
use bytes::Bytes;
use http::HeaderMap;
use std::sync::Arc;

/// A client's request on a bridged route, read and authenticated.
#[derive(Debug)]
pub struct Request {
    /// The path below the provider's route prefix, e.g. `/chat/completions`.
    pub route: String,
    /// The query, without the question mark.
    pub query: Option<String>,
    /// The client's headers, without what authenticated it to the gateway.
    pub headers: HeaderMap,
    /// The body.
    pub body: RequestBody,
    /// On whose behalf.
    pub actor: Actor,
}

/// A body as it came and as it reads.
#[derive(Debug, Clone)]
pub struct RequestBody {
    /// As it came.
    pub wire: Bytes,
    /// How `wire` is compressed.
    pub encoding: Option<Encoding>,
    /// Decompressed; the same as `wire` if it is not compressed.
    pub text: Bytes,
}

impl RequestBody {
    /// A body that is not compressed.
    pub fn plain(body: Bytes) -> Self {
        Self { wire: body.clone(), encoding: None, text: body }
    }

    /// Reads a body with the `Content-Encoding` of `headers`, of at most `limit` bytes when decompressed.
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

/// What a dialect reads from a request, and what it makes of it.
pub struct ParsedRequest {
    /// The model as the client named it.
    pub model: Option<String>,
    /// Whether the client asked for a stream.
    pub streaming: bool,
    /// What the user asked.
    pub prompt: Option<String>,
    /// The tool call that this request brings the result of.
    pub correlating_tool_call_id: Option<String>,
    /// The objects at the provider that the request refers to.
    pub references: Vec<ObjectReference>,
    /// Which client program asks, and in which session.
    pub client: Client,
    /// The edited body, `None` if it goes on as it came.
    pub edited: Option<Payload>,
    /// Reads the answer.
    pub observer: Box<dyn Observer>,
}

/// The longest model name that is accepted, in bytes.
const MODEL_AT_MOST: usize = 512;

impl ParsedRequest {
    /// The model that a request names, `None` if it names none.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidModel`] if the name is longer than 512 bytes.
    pub fn model(model: Option<Json<'_>>) -> Result<Option<String>, Error> {
        match model.and_then(Json::non_empty_string) {
            Some(name) if name.len() > MODEL_AT_MOST => Err(Error::InvalidModel(MODEL_AT_MOST)),
            name => Ok(name),
        }
    }
}

/// Answers one intercepted request.
///
/// An answer may take several upstream calls (tools that the gateway runs itself): that is why an interceptor is
/// given an [`Exchange`] to call on, rather than an answer to read.
#[async_trait]
pub trait Interceptor: Send {
    /// The interception and its prompt, recorded before [`process`](Self::process) is called.
    fn asked(&self) -> (&Arc<Interception>, Option<&str>);

    /// The objects at the provider that the request refers to. They must not belong to another actor.
    fn references(&self) -> &[ObjectReference] {
        &[]
    }

    /// Calls the provider and answers the client.
    ///
    /// # Errors
    ///
    /// Why the answer could not be relayed to its end.
    async fn process(self: Box<Self>, exchange: &mut Exchange) -> Result<(), InterceptError>;
}

/// The interceptor that relays the answer of one upstream call.
pub struct OneCall {
    /// What is recorded at the start.
    pub interception: Arc<Interception>,
    /// What the user asked.
    pub prompt: Option<String>,
    /// The objects at the provider that the request refers to.
    pub references: Vec<ObjectReference>,
    /// The provider's endpoint.
    pub upstream: Arc<Upstream>,
    /// What it is asked.
    pub call: Call,
    /// Reads its answer.
    pub observer: Box<dyn Observer>,
}

#[async_trait]
impl Interceptor for OneCall {
    fn asked(&self) -> (&Arc<Interception>, Option<&str>) {
        (&self.interception, self.prompt.as_deref())
    }

    fn references(&self) -> &[ObjectReference] {
        &self.references
    }

    async fn process(self: Box<Self>, exchange: &mut Exchange) -> Result<(), InterceptError> {
        let answer = exchange.call(&self.upstream, self.call).await?;
        exchange.answer(answer, self.observer, self.interception.streaming).await
    }
}
