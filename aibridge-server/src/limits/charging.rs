use crate::current::Current;
use aibridge_intercept::watch::{Held, Seen, Watch};
use aibridge_recorder::Interception;
use std::sync::Arc;

/// Charges actors for the tokens of their answers, and lets another see everything.
pub struct Charging {
    current: Current,
    next: Arc<dyn Watch>,
}

impl Charging {
    /// Charges by the limits in force.
    pub fn new(current: Current, next: Arc<dyn Watch>) -> Self {
        Self { current, next }
    }
}

impl Watch for Charging {
    fn saw(&self, seen: &Seen<'_>) {
        if let Seen::Learnt { interception, learnt } = seen {
            let (tokens, estimated) = learnt.limit_tokens();
            if estimated && tokens > 0 {
                tracing::debug!(id = %interception.id, tokens, estimated, "response without usage is charged");
            }
            self.current.load().limits.charge(&interception.initiator_id, tokens);
        }
        self.next.saw(seen);
    }

    fn opened(&self, interception: &Interception) -> Option<Box<dyn Held>> {
        self.next.opened(interception)
    }
}
