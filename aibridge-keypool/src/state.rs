//! The state of a key as callers see it.

use std::time::Duration;

/// Whether walks offer a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyState {
    /// Walks offer the key.
    Valid,
    /// Walks skip the key until its cooldown is over.
    Cooling {
        /// The reason of the longest running cooldown.
        reason: CoolingReason,
        /// The remaining time; never zero.
        remaining: Duration,
    },
}

/// The response of the provider that started a cooldown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CoolingReason {
    /// A rate limit (429).
    RateLimited,
    /// The account has no credit (402, or a 429 with that error code).
    Quota,
    /// The provider does not accept the key (401).
    Rejected,
}
