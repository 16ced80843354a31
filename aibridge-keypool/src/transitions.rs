//! How often keys began to cool and recovered, for metrics.

use crate::CoolingReason;

/// How often cooldowns began and ended: of whole keys, and of single models of a key.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Transitions {
    /// Cooldowns that began with a rate limit.
    pub rate_limited: u64,
    /// Cooldowns that began because the account had no credit.
    pub quota: u64,
    /// Cooldowns that began because the provider rejected the key.
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

    /// Counts a cooldown that begins for `reason`.
    pub(crate) fn begin(&mut self, reason: CoolingReason) {
        *match reason {
            CoolingReason::RateLimited => &mut self.rate_limited,
            CoolingReason::Quota => &mut self.quota,
            CoolingReason::Rejected => &mut self.rejected,
        } += 1;
    }

    /// These beginnings, while `running` cooldowns are not over: all others have recovered.
    pub(crate) fn with_running(self, running: u64) -> Self {
        let began = self.rate_limited + self.quota + self.rejected;
        Self { recovered: began.saturating_sub(running), ..self }
    }
}
