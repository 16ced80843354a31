//! Charges actors for the tokens of their responses, and budgets for those that are not recorded.

use crate::runtime_config::RuntimeConfig;
use aibridge_accounting::UnrecordedUsage;
use aibridge_intercept::events::{EventSink, InterceptionEvent, OpenInterception};
use aibridge_recorder::Interception;
use std::sync::Arc;

/// An event sink that charges actors for the tokens of their responses, and forwards every event to the next sink.
pub struct TokenCharging {
    runtime_config: RuntimeConfig,
    next: Arc<dyn EventSink>,
}

impl TokenCharging {
    /// Charges by the limits in force in `runtime_config`.
    pub fn new(runtime_config: RuntimeConfig, next: Arc<dyn EventSink>) -> Self {
        Self { runtime_config, next }
    }
}

impl EventSink for TokenCharging {
    fn on_event(&self, event: &InterceptionEvent<'_>) {
        if let InterceptionEvent::ResponseRead { interception, summary, .. } = event {
            let (tokens, estimated) = summary.limit_tokens();
            if estimated && tokens > 0 {
                tracing::debug!(
                    id = %interception.id,
                    tokens,
                    estimated,
                    "charged an estimate for a response without usage"
                );
            }
            self.runtime_config.load().limits.charge(&interception.initiator_id, tokens);
        }
        if let InterceptionEvent::PassthroughUsage { provider, actor, credential, model, usage } = *event {
            let snapshot = self.runtime_config.load();
            snapshot.limits.charge(&actor.id, usage.total());
            snapshot.accounting.charge(&UnrecordedUsage { provider, actor, credential, model, usage });
        }
        self.next.on_event(event);
    }

    fn on_open(&self, interception: &Interception) -> Option<Box<dyn OpenInterception>> {
        self.next.on_open(interception)
    }
}
