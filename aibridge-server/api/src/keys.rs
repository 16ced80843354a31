//! `/api/v1/keys`: the state of each provider key.

use crate::call::{Call, Reply};
use crate::error::ApiError;
use crate::paging::Page;
use crate::tokens::body;
use aibridge_api_parameters::QueryParameters;
use aibridge_api_schema::{
    CoolingCause, CoolingModel, Key, KeyList, KeyRevival, KeyStateName, NotFound, Refusals,
};
use aibridge_keypool::{CoolingReason, KeyState, KeyStatus, ModelCooldown};
use aibridge_provider::Provider;
use bytes::Bytes;
use http::StatusCode;
use jiff::{SignedDuration, Timestamp};
use std::sync::Arc;
use std::time::Duration;

/// Lists the keys of all providers in force, in the order in which requests try them.
#[utoipa::path(
    get,
    path = "/api/v1/keys",
    operation_id = "list_keys",
    tag = "keys",
    responses((status = 200, description = "All keys", body = KeyList), Refusals),
)]
pub(crate) fn list(providers: &[Arc<dyn Provider>], query: Option<&str>) -> Result<Bytes, ApiError> {
    QueryParameters::new(query).finish()?;
    let now = Timestamp::now();
    let keys_of = |provider: &Arc<dyn Provider>| {
        let statuses = provider.key_failover().pool().map(|pool| pool.statuses()).unwrap_or_default();
        statuses.into_iter().map(|status| key(provider.name(), status, now)).collect::<Vec<_>>()
    };
    let page = Page::whole(providers.iter().flat_map(keys_of).collect());
    serde_json::to_vec(&page).map(Bytes::from).map_err(|error| {
        tracing::error!(%error, "could not serialize the keys as JSON");
        ApiError::Internal
    })
}

/// Ends the cooldowns of a key, so that the next request tries it again. Other gateways on the same database keep theirs.
#[utoipa::path(
    post,
    path = "/api/v1/keys/revive",
    operation_id = "revive_key",
    tag = "keys",
    request_body = KeyRevival,
    responses((status = 200, description = "The key in its new state", body = Key), NotFound, Refusals),
)]
pub(crate) fn revive(call: &Call<'_>) -> Result<Reply, ApiError> {
    QueryParameters::new(call.query).finish()?;
    let KeyRevival { provider, position, hint } = body(call)?;
    let found = call.gateway.providers.iter().find(|one| one.name() == provider);
    let pool = found.and_then(|provider| provider.key_failover().pool()).ok_or(ApiError::UnknownKey)?;
    let index = position.checked_sub(1).ok_or(ApiError::UnknownKey)?;
    if pool.statuses().get(index).is_none_or(|status| status.hint != hint) {
        return Err(ApiError::UnknownKey);
    }
    let revived = pool.revive(index).ok_or(ApiError::UnknownKey)?;
    tracing::info!(%provider, key = %hint, by = call.caller.user, "ended the cooldowns of a key");
    Reply::of(StatusCode::OK, &key(&provider, revived, Timestamp::now()))
}

fn key(provider: &str, status: KeyStatus, now: Timestamp) -> Key {
    let KeyStatus { hint, state, models, counts } = status;
    let (state, reason, end) = match state {
        KeyState::Valid => (KeyStateName::Valid, None, None),
        KeyState::Cooling { reason, remaining } => (KeyStateName::Cooling, Some(reason), Some(remaining)),
    };
    let end = end.map(|remaining| CooldownEnd::after(remaining, now));
    let models = models.into_iter().map(|ModelCooldown { model, remaining }| {
        let CooldownEnd { until, seconds } = CooldownEnd::after(remaining, now);
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

/// The end of a cooldown.
struct CooldownEnd {
    /// The time of the end, RFC 3339 with milliseconds.
    until: String,
    /// The remaining time, rounded up: a key that still cools never has 0.
    seconds: u64,
}

impl CooldownEnd {
    /// Adds `remaining` to `now`. A cooldown never exceeds a year, so the end is always a valid time.
    fn after(remaining: Duration, now: Timestamp) -> Self {
        let length = SignedDuration::try_from(remaining).unwrap_or(SignedDuration::MAX);
        let until = now.checked_add(length).unwrap_or(Timestamp::MAX);
        let seconds = remaining.as_secs() + u64::from(remaining.subsec_nanos() > 0);
        Self { until: format!("{until:.3}"), seconds }
    }
}
