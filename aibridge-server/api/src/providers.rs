//! `/api/v1/providers`: the providers in force and their circuits.

use crate::call::{Call, Reply};
use crate::error::ApiError;
use aibridge_api_parameters::QueryParameters;
use aibridge_api_schema::{Circuit, CircuitStateName, ProviderList, ProviderRow, Refusals};
use aibridge_provider::{CircuitState, CircuitStatus, Provider};
use http::StatusCode;
use std::sync::Arc;

/// Lists the providers, and the circuits that failed recently. The counts belong to this process.
#[utoipa::path(
    get,
    path = "/api/v1/providers",
    operation_id = "list_providers",
    tag = "gateway",
    responses((status = 200, description = "The providers", body = ProviderList), Refusals),
)]
pub(crate) fn list(call: &Call<'_>) -> Result<Reply, ApiError> {
    QueryParameters::new(call.query).finish()?;
    let data = call.gateway.providers.iter().map(row).collect();
    Reply::of(StatusCode::OK, &ProviderList { data, next_cursor: None })
}

fn row(provider: &Arc<dyn Provider>) -> ProviderRow {
    let mut statuses = provider.circuit_breaker().map(|breaker| breaker.statuses()).unwrap_or_default();
    statuses.sort_by(|one, other| one.name.cmp(&other.name));
    ProviderRow {
        name: provider.name().to_owned(),
        kind: provider.kind().to_owned(),
        base_url: provider.base_url().to_string(),
        path: provider.route_prefix().to_owned(),
        keys: provider.key_failover().pool().map_or(0, |pool| pool.len()),
        circuits: statuses.into_iter().map(circuit).collect(),
    }
}

fn circuit(status: CircuitStatus) -> Circuit {
    Circuit {
        route: status.name.route,
        model: status.name.model,
        state: match status.state {
            CircuitState::Closed => CircuitStateName::Closed,
            CircuitState::HalfOpen => CircuitStateName::HalfOpen,
            CircuitState::Open => CircuitStateName::Open,
        },
        trips: status.trips,
        rejects: status.rejects,
    }
}
