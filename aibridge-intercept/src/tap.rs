//! Seeing the traffic with a provider as it goes over the wire, for dumps: the seam for whatever writes them.
//!
//! What a tap sees holds prompts and answers but no credential: those are masked before.

use crate::call::CallBody;
use crate::error::Error;
use crate::mask;
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

/// Sees the traffic with a provider.
pub trait Tap: Debug + Send + Sync {
    /// Attempt `number`, counted from 1, to get an answer about `subject` begins.
    fn attempt(&self, subject: &Subject, number: u32) -> Arc<dyn AttemptTap>;
}

/// Sees one attempt. It is called on the way of every request, so it must be quick and never wait.
pub trait AttemptTap: Send + Sync {
    /// Something went over the wire.
    fn saw(&self, seen: Seen<'_>);
}

/// What traffic is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    /// The interception's, or one of its own for what is passed through.
    pub id: Uuid,
    /// The model as the client named it; none for what is passed through.
    pub model: Option<String>,
    /// When the request was accepted.
    pub started_at: Timestamp,
}

/// What went over the wire, in this order.
#[derive(Debug)]
pub enum Seen<'a> {
    /// A request's head is about to be sent.
    Request {
        /// Its method.
        method: &'a Method,
        /// Path and query.
        target: &'a str,
        /// As they are sent, credentials masked.
        headers: &'a HeaderMap,
    },
    /// A piece of its body.
    RequestBody(Bytes),
    /// The head of the answer.
    Response {
        /// The protocol that the provider speaks.
        version: Version,
        /// The status.
        status: StatusCode,
        /// As they came, credentials masked.
        headers: &'a HeaderMap,
    },
    /// A piece of the answer's body.
    ResponseBody(Bytes),
    /// Why there is no answer, or no more of it.
    Failed(&'a str),
}

/// The tap of one call.
#[derive(Debug, Clone)]
pub struct CallTap {
    /// What sees it.
    pub tap: Arc<dyn Tap>,
    /// What it is about.
    pub subject: Subject,
}

/// One attempt that is seen.
pub(crate) struct Tapped {
    attempt: Arc<dyn AttemptTap>,
    settled: bool,
}

impl CallTap {
    /// Shows `request`, which is about to be sent with `body`.
    pub(crate) fn begin(&self, number: u32, request: &mut Request, body: &CallBody) -> Tapped {
        let attempt = self.tap.attempt(&self.subject, number);
        let target = mask::target(request.url());
        let headers = mask::headers(&sent_headers(request));
        attempt.saw(Seen::Request { method: request.method(), target: &target, headers: &headers });
        match body {
            CallBody::Replayable(payload) => {
                payload.pieces().for_each(|piece| attempt.saw(Seen::RequestBody(piece.clone())));
            }
            CallBody::Once(_) => {
                let inner = request.body_mut().take();
                let attempt = attempt.clone();
                *request.body_mut() = inner.map(|inner| reqwest::Body::wrap(TappedBody { inner, attempt }));
            }
        }
        Tapped { attempt, settled: false }
    }
}

impl Tapped {
    /// There is an answer, or none.
    pub(crate) fn answered(&mut self, answered: &Result<Response, Error>) {
        self.settled = true;
        match answered {
            Ok(response) => self.attempt.saw(Seen::Response {
                version: response.version(),
                status: response.status(),
                headers: &mask::headers(response.headers()),
            }),
            Err(error) => self.failed(error),
        }
    }

    /// A piece of the answer came.
    pub(crate) fn chunk(&self, chunk: &Bytes) {
        self.attempt.saw(Seen::ResponseBody(chunk.clone()));
    }

    /// The answer broke off.
    pub(crate) fn failed(&self, error: &Error) {
        self.attempt.saw(Seen::Failed(&error.to_string()));
    }
}

impl Drop for Tapped {
    fn drop(&mut self) {
        if !self.settled {
            self.attempt.saw(Seen::Failed(
                "given up before there was an answer: the client left, or it was time to stop",
            ));
        }
    }
}

/// The headers of `request` with those that the HTTP client adds when it sends it.
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

/// A body that is read from the client while it is sent.
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
            self.attempt.saw(Seen::RequestBody(data.clone()));
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
