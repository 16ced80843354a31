//! The state that all interceptions of a process share. How they run is in `intercept` and `passthrough`.

use crate::events::{EventSink, NoopEventSink};
use crate::omission_log::OmissionLog;
use aibridge_recorder::Recorder;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// The state that all interceptions of a process share.
#[derive(Clone)]
pub struct Gateway {
    /// Stores the records.
    pub recorder: Arc<dyn Recorder>,
    /// Owns one task per open response. Wait for it before the process ends.
    pub tasks: TaskTracker,
    /// Aborts the open responses. Cancel it when the grace period of a shutdown is over.
    pub abort: CancellationToken,
    /// Receives the events of interceptions.
    pub events: Arc<dyn EventSink>,
    /// The clock that measures durations.
    pub clock: quanta::Clock,
    /// The longest time for start records to become durable. After that, the request is refused.
    pub start_timeout: Duration,
    /// Logs warnings about content that is not recorded.
    pub omissions: Arc<OmissionLog>,
}

/// The default of [`Gateway::start_timeout`]: the client gets its 503 within 2 s.
const START_TIMEOUT: Duration = Duration::from_millis(1800);

impl Gateway {
    /// A gateway that stores records with `recorder` and ignores events.
    pub fn new(recorder: Arc<dyn Recorder>) -> Self {
        let clock = quanta::Clock::new();
        Self {
            recorder,
            tasks: TaskTracker::new(),
            abort: CancellationToken::new(),
            events: Arc::new(NoopEventSink),
            omissions: Arc::new(OmissionLog::new(clock.clone())),
            clock,
            start_timeout: START_TIMEOUT,
        }
    }
}
