//! What runs interceptions.

use crate::call::{Attempts, Call};
use crate::error::Error;
use crate::exchange::Exchange;
use crate::framing::Declared;
use crate::headers;
use crate::interceptor::Interceptor;
use crate::relay::{AnswerBody, Client, Why};
use crate::trace;
use crate::upstream::Upstream;
use crate::watch::{Seen, Timeline, Unwatched, Watch};
use aibridge_recorder::{CredentialKind, Recorder};
use http::{Method, Response, StatusCode, header};
use quanta::Instant;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{Instrument, Span};

/// What all interceptions of a process share.
#[derive(Clone)]
pub struct Gateway {
    /// Where records go.
    pub recorder: Arc<dyn Recorder>,
    /// Owns the task of every open answer: wait for it before the process ends.
    pub tasks: TaskTracker,
    /// Cuts the open answers, when the grace period of a shutdown is over.
    pub cut: CancellationToken,
    /// Sees what happens.
    pub watch: Arc<dyn Watch>,
    /// Measures how long things take.
    pub clock: quanta::Clock,
    /// How long a start may take to become durable; then its request is refused.
    pub start_within: Duration,
}

/// What a start may take if nobody says otherwise: the client gets its 503 within 2 s.
const START_WITHIN: Duration = Duration::from_millis(1800);

impl Gateway {
    /// A gateway that records to `recorder`.
    pub fn new(recorder: Arc<dyn Recorder>) -> Self {
        Self {
            recorder,
            tasks: TaskTracker::new(),
            cut: CancellationToken::new(),
            watch: Arc::new(Unwatched),
            clock: quanta::Clock::new(),
            start_within: START_WITHIN,
        }
    }

    /// Records what was asked, lets `interceptor` answer, and records how it ended.
    ///
    /// The work is done in a task of its own, so that it is brought to its end also when the caller goes away, which
    /// it learns at once. The answer is the provider's, or an [`Error`]'s. `received` is when the whole request was
    /// there, by the gateway's [`clock`](Self::clock): from then on it is the gateway that takes time.
    pub async fn intercept(
        &self,
        interceptor: Box<dyn Interceptor>,
        received: Instant,
    ) -> Response<AnswerBody> {
        let (client, answered) = Client::new(self.cut.clone());
        let timeline = Timeline::begin(self.clock.clone(), received);
        let exchange = Exchange::new(self, client, interceptor.asked().0.clone(), timeline);
        self.tasks.spawn(exchange.run(interceptor).in_current_span());
        answered.await.unwrap_or_else(|_| Error::Internal.to_response().map(AnswerBody::from))
    }

    /// Relays an answer unread and unrecorded.
    pub async fn pass_through(
        &self,
        passed: PassedTo,
        upstream: Arc<Upstream>,
        call: Call,
    ) -> Response<AnswerBody> {
        let (client, answered) = Client::new(self.cut.clone());
        let passing = pass_through(client, self.watch.clone(), passed, upstream, call);
        self.tasks.spawn(passing.in_current_span());
        answered.await.unwrap_or_else(|_| Error::Internal.to_response().map(AnswerBody::from))
    }
}

/// Where a request is passed through to.
#[derive(Debug, Clone)]
pub struct PassedTo {
    /// The provider's configured name.
    pub provider: String,
    /// The matching entry of the provider's routes.
    pub route: &'static str,
}

async fn pass_through(
    mut client: Client,
    watch: Arc<dyn Watch>,
    passed: PassedTo,
    upstream: Arc<Upstream>,
    call: Call,
) {
    let credential = call.credential.kind();
    let centralized = credential == CredentialKind::Centralized;
    let method = call.method.clone();
    let is_head = method == Method::HEAD;
    let mut attempts = Attempts::default();
    let answered = client.unless_stopped(upstream.call(call, &mut attempts)).await;
    let PassedTo { provider, route } = &passed;
    watch.saw(&Seen::PassedThrough { provider, route, method: &method, credential, attempts: &attempts });
    let mut answer = match answered.and_then(|answer| answer.map_err(Why::from)) {
        Ok(answer) => answer,
        Err(Why::ClientGone) => return,
        Err(Why::Failed(error)) => {
            trace::failed(&Span::current(), error.error_type().as_str());
            let (parts, body) = error.to_response().into_parts();
            return client.respond(parts.status, parts.headers, body);
        }
    };
    let mut head = headers::to_client(answer.response.headers(), centralized);
    let is_success = answer.response.status().is_success();
    if is_success && Declared::by(answer.response.headers()) == Declared::Events {
        headers::add_streaming(&mut head);
    }
    client.begin(answer.response.status(), head, length(&answer.response, is_head));
    loop {
        match client.unless_stopped(answer.chunks()).await {
            Ok(Ok(Some(chunk))) => {
                if client.send(chunk).await.is_err() {
                    return;
                }
            }
            Ok(Ok(None)) => return client.end().await,
            Ok(Err(error)) => {
                trace::failed(&Span::current(), error.error_type().as_str());
                return client.abort();
            }
            Err(_) => return client.abort(),
        }
    }
}

/// The length to announce: of the body, or of the one that there would be (RFC 9110 §8.6).
fn length(response: &reqwest::Response, is_head: bool) -> Option<u64> {
    match response.status() {
        StatusCode::NO_CONTENT => None,
        status if is_head || status == StatusCode::NOT_MODIFIED => {
            response.headers().get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
        }
        _ => response.content_length(),
    }
}
