//! What runs interceptions.

use crate::call::Call;
use crate::error::Error;
use crate::exchange::Exchange;
use crate::interceptor::Interceptor;
use crate::passthrough::{Passage, PassthroughTarget};
use crate::relay::{AnswerBody, Client};
use crate::upstream::Upstream;
use crate::watch::{EventSink, NoopEventSink, Timeline};
use aibridge_recorder::Recorder;
use http::Response;
use quanta::Instant;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::Instrument;

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
    pub watch: Arc<dyn EventSink>,
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
            watch: Arc::new(NoopEventSink),
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

    /// Relays an answer unread. Nothing of it is recorded but the owner of the object that it may be.
    pub async fn pass_through(
        &self,
        passed: PassthroughTarget,
        upstream: Arc<Upstream>,
        call: Call,
    ) -> Response<AnswerBody> {
        let (client, answered) = Client::new(self.cut.clone());
        let passage = Passage::new(self.clone(), client, passed);
        self.tasks.spawn(passage.run(upstream, call).in_current_span());
        answered.await.unwrap_or_else(|_| Error::Internal.to_response().map(AnswerBody::from))
    }
}
