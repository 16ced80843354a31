//! `/api/v1/status`: the version and the settings of the gateway, and the caller.

use crate::call::{Call, Reply};
use crate::error::ApiError;
use crate::reader::Reader;
use aibridge_api_parameters::QueryParameters;
use aibridge_api_schema::{AuthModeName, ProviderName, Refusals, Status};
use http::StatusCode;
use jiff::tz::TimeZone;

/// Returns the rights of the caller, and the settings that clients of this API need. Every access token may read it.
#[utoipa::path(
    get,
    path = "/api/v1/status",
    operation_id = "status",
    tag = "gateway",
    responses((status = 200, description = "The gateway and the caller", body = Status), Refusals),
)]
pub(crate) async fn status(reader: &Reader, call: &Call<'_>, zone: &TimeZone) -> Result<Reply, ApiError> {
    QueryParameters::new(call.query).finish()?;
    let first = reader.fetch(|records| Ok(records.first_started_at()?)).await?;
    let provider = |provider: &std::sync::Arc<dyn aibridge_provider::Provider>| ProviderName {
        name: provider.name().to_owned(),
        kind: provider.kind().to_owned(),
        path: provider.route_prefix().to_owned(),
        has_keys: provider.key_failover().pool().map_or(0, |pool| pool.len()) > 0,
    };
    let status = Status {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        auth_mode: if call.gateway.requires_tokens { AuthModeName::Tokens } else { AuthModeName::None },
        user: call.caller.user.clone(),
        is_admin: call.caller.is_admin,
        time_zone: zone.iana_name().unwrap_or("UTC").to_owned(),
        retention_seconds: call.gateway.retention.map(|age| age.as_secs()),
        first_interception_at: first.map(|at| format!("{at:.3}")),
        client_url: call.gateway.client_url.map(str::to_owned),
        providers: call.gateway.providers.iter().map(provider).collect(),
    };
    Reply::of(StatusCode::OK, &status)
}
