use crate::paging::Page;
use crate::parameters::Sent;
use crate::schema::{CoolingCause, Key, KeyList, KeyStateName, Refusals};
use aibridge_intercept::Error;
use aibridge_keypool::{CoolingReason, KeyState, KeyStatus};
use aibridge_provider::Provider;
use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use std::sync::Arc;

/// The keys of all providers in force, in the order in which they are tried.
#[utoipa::path(
    get,
    path = "/api/v1/keys",
    operation_id = "list_keys",
    tag = "keys",
    responses((status = 200, description = "All keys", body = KeyList), Refusals),
)]
pub(crate) fn list(providers: &[Arc<dyn Provider>], query: Option<&str>) -> Result<Bytes, Error> {
    Sent::new(query).finish()?;
    let now = Timestamp::now();
    let of_one = |provider: &Arc<dyn Provider>| {
        let statuses = provider.key_failover().pool().map(|pool| pool.statuses()).unwrap_or_default();
        statuses.into_iter().map(|status| key(provider.name(), status, now)).collect::<Vec<_>>()
    };
    let page = Page::whole(providers.iter().flat_map(of_one).collect());
    serde_json::to_vec(&page).map(Bytes::from).map_err(|error| {
        tracing::error!(%error, "keys make no JSON");
        Error::Internal
    })
}

fn key(provider: &str, status: KeyStatus, now: Timestamp) -> Key {
    let KeyStatus { hint, state, counts } = status;
    let (state, reason, remaining) = match state {
        KeyState::Valid => (KeyStateName::Valid, None, None),
        KeyState::Cooling { reason, remaining } => (KeyStateName::Cooling, Some(reason), Some(remaining)),
    };
    let remaining = remaining.and_then(|remaining| SignedDuration::try_from(remaining).ok());
    let until = remaining.and_then(|remaining| now.checked_add(remaining).ok());
    Key {
        provider: provider.to_owned(),
        hint,
        state,
        reason: reason.map(|reason| match reason {
            CoolingReason::RateLimited => CoolingCause::RateLimited,
            CoolingReason::Rejected => CoolingCause::Rejected,
        }),
        cooling_until: until.map(|until| format!("{until:.3}")),
        remaining_seconds: remaining.map(whole_seconds),
        requests: counts.requests,
        successes: counts.successes,
        rate_limited: counts.rate_limited,
        rejected: counts.rejected,
        forbidden: counts.forbidden,
    }
}

/// Rounded up: what is still cooling does not say zero.
fn whole_seconds(remaining: SignedDuration) -> u64 {
    remaining.as_secs().unsigned_abs() + u64::from(remaining.subsec_nanos() > 0)
}
