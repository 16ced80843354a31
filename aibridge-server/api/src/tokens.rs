//! `/api/v1/tokens`: lists, creates and revokes access tokens.

use crate::call::{Call, Reply};
use crate::error::ApiError;
use crate::reader::Reader;
use aibridge_api_parameters::{QueryParameters, invalid};
use aibridge_api_schema::{
    AccessToken, AccessTokenList, NewAccessToken, NewAccessTokenRequest, NotFound, Refusals,
};
use aibridge_store::{StoreError, TokenRow};
use http::{Method, StatusCode};
use jiff::Timestamp;
use secrecy::ExposeSecret;
use serde::de::DeserializeOwned;
use uuid::Uuid;

/// Lists all access tokens, as hints, oldest first.
#[utoipa::path(
    get,
    path = "/api/v1/tokens",
    operation_id = "list_tokens",
    tag = "tokens",
    responses((status = 200, description = "All access tokens", body = AccessTokenList), Refusals),
)]
pub(crate) async fn list_or_create(reader: &Reader, call: &Call<'_>) -> Result<Reply, ApiError> {
    QueryParameters::new(call.query).finish()?;
    if call.method == Method::POST {
        return create(reader, call).await;
    }
    let rows = reader.tokens(|tokens| tokens.list()).await?;
    let list = AccessTokenList { data: rows.into_iter().map(row).collect(), next_cursor: None };
    Reply::of(StatusCode::OK, &list)
}

/// Creates an access token. The response is the only place that shows it.
#[utoipa::path(
    post,
    path = "/api/v1/tokens",
    operation_id = "create_token",
    tag = "tokens",
    request_body = NewAccessTokenRequest,
    responses((status = 201, description = "The new access token", body = NewAccessToken), Refusals),
)]
pub(crate) async fn create(reader: &Reader, call: &Call<'_>) -> Result<Reply, ApiError> {
    let NewAccessTokenRequest { user, expires_in, groups, admin } = body(call)?;
    let expires_in = expires_in.map(|text| humantime::parse_duration(&text)).transpose();
    let expires_in =
        expires_in.map_err(|_| invalid("expires_in", "write a duration such as \"90d\", or leave it out"))?;
    let created =
        reader.tokens(move |tokens| tokens.create_member(&user, &groups, expires_in, admin)).await?;
    let (created, secret) = created;
    tracing::info!(id = %created.id, user = created.user, admin = created.admin, by = call.caller.user, "created an access token");
    let new = NewAccessToken { token: secret.expose_secret().to_owned(), row: row(created) };
    Reply::of(StatusCode::CREATED, &new)
}

/// Revokes an access token for good. A second call has no effect.
#[utoipa::path(
    delete,
    path = "/api/v1/tokens/{id}",
    operation_id = "revoke_token",
    tag = "tokens",
    params(("id" = Uuid, Path, description = "The id of the access token, as the list shows it.")),
    responses((status = 200, description = "The revoked access token", body = AccessToken), NotFound, Refusals),
)]
pub(crate) async fn revoke(reader: &Reader, call: &Call<'_>, id: &str) -> Result<Reply, ApiError> {
    QueryParameters::new(call.query).finish()?;
    let id: Uuid = id.parse().map_err(|_| invalid("id", "write the id of an access token, a UUID"))?;
    let revoked = reader
        .tokens(move |tokens| {
            tokens.revoke(id)?;
            Ok(tokens.list()?.into_iter().find(|row| row.id == id))
        })
        .await?;
    let revoked = revoked.ok_or_else(|| ApiError::UnknownToken(id.to_string()))?;
    tracing::info!(%id, user = revoked.user, by = call.caller.user, "revoked an access token");
    Reply::of(StatusCode::OK, &row(revoked))
}

/// The JSON object in the body of a call. serde would also read an array, with the members in order.
pub(crate) fn body<T: DeserializeOwned>(call: &Call<'_>) -> Result<T, ApiError> {
    if call.body.trim_ascii_start().first() != Some(&b'{') {
        return Err(ApiError::InvalidBody("it is not a JSON object: write {\"…\": …}".to_owned()));
    }
    serde_json::from_slice(&call.body).map_err(|error| ApiError::InvalidBody(error.to_string()))
}

/// The error of an invalid new token if the caller caused it; otherwise that of an unavailable store.
pub(crate) fn store_error(error: &StoreError) -> ApiError {
    match error {
        StoreError::InvalidUser { .. } => invalid("user", &error.to_string()).into(),
        StoreError::InvalidGroup { .. } => invalid("groups", &error.to_string()).into(),
        StoreError::InvalidExpiry { .. } => invalid("expires_in", &error.to_string()).into(),
        _ => {
            tracing::warn!(%error, "could not read or change access tokens; check that the database is reachable");
            ApiError::RecordsUnavailable
        }
    }
}

fn row(row: TokenRow) -> AccessToken {
    let TokenRow { id, user, hint, created_at, expires_at, revoked_at, admin, groups } = row;
    let text = |at: Timestamp| format!("{at:.3}");
    let (expires_at, revoked_at) = (expires_at.map(text), revoked_at.map(text));
    AccessToken { id, user, hint, admin, groups, created_at: text(created_at), expires_at, revoked_at }
}
