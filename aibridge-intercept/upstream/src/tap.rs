//! The traffic with a provider as it goes over the wire: the trait that dumps implement.
//!
//! A tap receives prompts and responses, but no credentials: those are masked before.

use crate::payload::Payload;
use aibridge_error::Error;
use aibridge_headers::mask;
use bytes::Bytes;
use http::header::{self, HeaderMap, HeaderValue};
use http::{Method, StatusCode, Version};
use http_body::{Body, Frame, SizeHint};
use jiff::Timestamp;
use reqwest::{Request, Response, Url};
use std::fmt::Debug;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use uuid::Uuid;

/// Receives the traffic with a provider.
pub trait Tap: Debug + Send + Sync {
    /// Called before request number `number` (from 1) of the call for `subject`. Returns the receiver of its traffic.
    fn attempt(&self, subject: &Subject, number: u32) -> Arc<dyn AttemptTap>;
}

/// Receives the traffic of one request. It is called on the path of every request, so it must be fast and must not
/// wait.
pub trait AttemptTap: Send + Sync {
    /// Receives a part of the traffic.
    fn on_event(&self, event: TapEvent<'_>);
}

/// The request of a client that causes the traffic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    /// The interception's id, or a new one for a request that is passed through.
    pub id: Uuid,
    /// The model that the client named; `None` for a request that is passed through.
    pub model: Option<String>,
    /// The time at which the request was accepted.
    pub started_at: Timestamp,
}

/// A part of a request or its response, in this order.
#[derive(Debug)]
pub enum TapEvent<'a> {
    /// The head of a request that is about to be sent.
    Request {
        /// The request's method.
        method: &'a Method,
        /// Path and query, with credentials masked.
        target: &'a str,
        /// The headers as sent, with credentials masked.
        headers: &'a HeaderMap,
    },
    /// A piece of the request's body.
    RequestBody(Bytes),
    /// The head of the response.
    Response {
        /// The version of HTTP.
        version: Version,
        /// The response's status.
        status: StatusCode,
        /// The headers as received, with credentials masked.
        headers: &'a HeaderMap,
    },
    /// A piece of the response's body.
    ResponseBody(Bytes),
    /// The reason why there is no response, or why it broke off.
    Failed(&'a str),
}

/// The tap of one call.
#[derive(Debug, Clone)]
pub struct CallTap {
    /// The receiver of the traffic.
    pub tap: Arc<dyn Tap>,
    /// The request that causes the call.
    pub subject: Subject,
}

/// A request whose traffic goes to a tap.
pub(crate) struct TappedAttempt {
    attempt: Arc<dyn AttemptTap>,
    has_result: bool,
}

impl CallTap {
    /// Passes `request`, which is about to be sent, to the tap. Without `payload` its body is a stream, which goes to the
    /// tap while it is sent.
    pub(crate) fn begin(
        &self,
        number: u32,
        request: &mut Request,
        payload: Option<&Payload>,
    ) -> TappedAttempt {
        let attempt = self.tap.attempt(&self.subject, number);
        let target = mask::target(request.url());
        let headers = mask::headers(&sent_headers(request));
        attempt.on_event(TapEvent::Request { method: request.method(), target: &target, headers: &headers });
        match payload {
            Some(payload) => {
                payload.pieces().for_each(|piece| attempt.on_event(TapEvent::RequestBody(piece.clone())));
            }
            None => {
                let inner = request.body_mut().take();
                let attempt = attempt.clone();
                *request.body_mut() = inner.map(|inner| reqwest::Body::wrap(TappedBody { inner, attempt }));
            }
        }
        TappedAttempt { attempt, has_result: false }
    }
}

impl TappedAttempt {
    /// Passes the head of the response, or the error, to the tap.
    pub(crate) fn on_result(&mut self, result: &Result<Response, Error>) {
        self.has_result = true;
        match result {
            Ok(response) => self.attempt.on_event(TapEvent::Response {
                version: response.version(),
                status: response.status(),
                headers: &mask::headers(response.headers()),
            }),
            Err(error) => self.on_error(error),
        }
    }

    /// Passes a piece of the response's body to the tap.
    pub(crate) fn on_chunk(&self, chunk: &Bytes) {
        self.attempt.on_event(TapEvent::ResponseBody(chunk.clone()));
    }

    /// Passes the reason why the response broke off to the tap.
    pub(crate) fn on_error(&self, error: &Error) {
        self.attempt.on_event(TapEvent::Failed(&error.to_string()));
    }
}

impl Drop for TappedAttempt {
    fn drop(&mut self) {
        if !self.has_result {
            self.attempt.on_event(TapEvent::Failed(
                "cancelled before there was a response: the client disconnected, or the gateway stopped",
            ));
        }
    }
}

/// The headers of `request`, with those that the HTTP client adds.
fn sent_headers(request: &Request) -> HeaderMap {
    let mut headers = request.headers().clone();
    headers.entry(header::ACCEPT).or_insert(HeaderValue::from_static("*/*"));
    if let Some(host) = host(request.url()) {
        headers.entry(header::HOST).or_insert(host);
    }
    match request.body().filter(|body| !body.is_end_stream()).map(|body| body.size_hint().exact()) {
        Some(Some(length)) => {
            headers.insert(header::CONTENT_LENGTH, length.into());
        }
        Some(None) => {
            headers.insert(header::TRANSFER_ENCODING, HeaderValue::from_static("chunked"));
        }
        None => {}
    }
    headers
}

fn host(url: &Url) -> Option<HeaderValue> {
    let host = url.host_str()?;
    match url.port() {
        Some(port) => HeaderValue::try_from(format!("{host}:{port}")).ok(),
        None => HeaderValue::from_str(host).ok(),
    }
}

/// A body that goes to the tap while it is sent.
struct TappedBody {
    inner: reqwest::Body,
    attempt: Arc<dyn AttemptTap>,
}

impl Body for TappedBody {
    type Data = Bytes;
    type Error = reqwest::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, reqwest::Error>>> {
        let frame = ready!(Pin::new(&mut self.inner).poll_frame(context));
        if let Some(data) = frame.as_ref().and_then(|frame| frame.as_ref().ok()?.data_ref()) {
            self.attempt.on_event(TapEvent::RequestBody(data.clone()));
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
