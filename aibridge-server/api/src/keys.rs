use crate::error::ApiError;
use crate::paging::Page;
use crate::parameters::Sent;
use crate::schema::{CoolingCause, CoolingModel, Key, KeyList, KeyStateName, Refusals};
use aibridge_keypool::{CoolingReason, KeyState, KeyStatus, ModelCooldown};
use aibridge_provider::Provider;
use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use std::sync::Arc;
use std::time::Duration;

/// The keys of all providers in force, in the order in which they are tried.
#[utoipa::path(
    get,
    path = "/api/v1/keys",
    operation_id = "list_keys",
    tag = "keys",
    responses((status = 200, description = "All keys", body = KeyList), Refusals),
)]
pub(crate) fn list(providers: &[Arc<dyn Provider>], query: Option<&str>) -> Result<Bytes, ApiError> {
    Sent::new(query).finish()?;
    let now = Timestamp::now();
    let of_one = |provider: &Arc<dyn Provider>| {
        let statuses = provider.key_failover().pool().map(|pool| pool.statuses()).unwrap_or_default();
        statuses.into_iter().map(|status| key(provider.name(), status, now)).collect::<Vec<_>>()
    };
    let page = Page::whole(providers.iter().flat_map(of_one).collect());
    serde_json::to_vec(&page).map(Bytes::from).map_err(|error| {
        tracing::error!(%error, "keys make no JSON");
        ApiError::Internal
    })
}

fn key(provider: &str, status: KeyStatus, now: Timestamp) -> Key {
    let KeyStatus { hint, state, models, counts } = status;
    let (state, reason, end) = match state {
        KeyState::Valid => (KeyStateName::Valid, None, None),
        KeyState::Cooling { reason, remaining } => (KeyStateName::Cooling, Some(reason), Some(remaining)),
    };
    let end = end.map(|remaining| End::of(remaining, now));
    let models = models.into_iter().map(|ModelCooldown { model, remaining }| {
        let End { until, seconds } = End::of(remaining, now);
        CoolingModel { model, cooling_until: until, remaining_seconds: seconds }
    });
    Key {
        provider: provider.to_owned(),
        hint,
        state,
        reason: reason.map(|reason| match reason {
            CoolingReason::RateLimited => CoolingCause::RateLimited,
            CoolingReason::Quota => CoolingCause::Quota,
            CoolingReason::Rejected => CoolingCause::Rejected,
        }),
        remaining_seconds: end.as_ref().map(|end| end.seconds),
        cooling_until: end.map(|end| end.until),
        models: models.collect(),
        requests: counts.requests,
        successes: counts.successes,
        rate_limited: counts.rate_limited,
        quota: counts.quota,
        rejected: counts.rejected,
        forbidden: counts.forbidden,
    }
}

/// When a cooldown ends.
struct End {
    until: String,
    /// Rounded up: what is still cooling does not say zero.
    seconds: u64,
}

impl End {
    /// No cooldown exceeds a year, so the end is a time.
    fn of(remaining: Duration, now: Timestamp) -> Self {
        let length = SignedDuration::try_from(remaining).unwrap_or(SignedDuration::MAX);
        let until = now.checked_add(length).unwrap_or(Timestamp::MAX);
        let seconds = remaining.as_secs() + u64::from(remaining.subsec_nanos() > 0);
        Self { until: format!("{until:.3}"), seconds }
    }
}
