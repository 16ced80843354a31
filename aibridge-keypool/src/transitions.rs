//! Counts of cooldowns that started and ended, for metrics.

use crate::state::CoolingReason;

/// Counts of cooldowns that started and ended, of whole keys and of single models of a key.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Transitions {
    /// Cooldowns that started with a rate limit.
    pub rate_limited: u64,
    /// Cooldowns that started because the account had no credit.
    pub quota: u64,
    /// Cooldowns that started because the provider rejected the key.
    pub rejected: u64,
    /// Cooldowns that ended.
    pub recovered: u64,
}

impl Transitions {
    pub(crate) fn plus(self, other: Self) -> Self {
        Self {
            rate_limited: self.rate_limited + other.rate_limited,
            quota: self.quota + other.quota,
            rejected: self.rejected + other.rejected,
            recovered: self.recovered + other.recovered,
        }
    }

    /// Counts the start of a cooldown.
    pub(crate) fn add_start(&mut self, reason: CoolingReason) {
        *match reason {
            CoolingReason::RateLimited => &mut self.rate_limited,
            CoolingReason::Quota => &mut self.quota,
            CoolingReason::Rejected => &mut self.rejected,
        } += 1;
    }

    /// Counts as ended all cooldowns that started, except `running` ones.
    pub(crate) fn with_running(self, running: u64) -> Self {
        let started = self.rate_limited + self.quota + self.rejected;
        Self { recovered: started.saturating_sub(running), ..self }
    }
}
