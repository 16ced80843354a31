use crate::current::Current;
use aibridge_intercept::events::{EventSink, InterceptionEvent, OpenInterception};
use aibridge_recorder::Interception;
use std::sync::Arc;

/// Charges actors for the tokens of their answers, and lets another see everything.
pub struct Charging {
    current: Current,
    next: Arc<dyn EventSink>,
}

impl Charging {
    /// Charges by the limits in force.
    pub fn new(current: Current, next: Arc<dyn EventSink>) -> Self {
        Self { current, next }
    }
}

impl EventSink for Charging {
    fn on_event(&self, event: &InterceptionEvent<'_>) {
        if let InterceptionEvent::ResponseRead { interception, summary } = event {
            let (tokens, estimated) = summary.limit_tokens();
            if estimated && tokens > 0 {
                tracing::debug!(id = %interception.id, tokens, estimated, "response without usage is charged");
            }
            self.current.load().limits.charge(&interception.initiator_id, tokens);
        }
        self.next.on_event(event);
    }

    fn on_open(&self, interception: &Interception) -> Option<Box<dyn OpenInterception>> {
        self.next.on_open(interception)
    }
}
