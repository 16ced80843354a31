//! `/api/v1/interceptions`: the list of interceptions, and one interception with all its records.

use crate::error::ApiError;
use crate::own_records::{OnlyUser, session_of};
use crate::paging::{List, PageRequest};
use crate::reader::{ReadError, Reader};
use aibridge_api_parameters::{FilterParameters, PageParameters, QueryParameters, UserParameter, invalid};
use aibridge_api_schema::{FullInterception, InterceptionPage, NotFound, Refusals};
use aibridge_store::{Filter, Order};
use bytes::Bytes;
use uuid::Uuid;

/// Lists interceptions with their token counts, newest first.
///
/// Every interception that existed when the first page was read appears exactly once.
#[utoipa::path(
    get,
    path = "/api/v1/interceptions",
    operation_id = "list_interceptions",
    tag = "records",
    params(UserParameter, FilterParameters, PageParameters),
    responses((status = 200, description = "A page of interceptions", body = InterceptionPage), Refusals),
)]
pub(crate) async fn list(reader: &Reader, query: Option<&str>, only: OnlyUser) -> Result<Bytes, ApiError> {
    let paging = PageRequest::parse(List::Interceptions, query, only)?;
    reader
        .read(move |records| {
            let filter = Filter { before: paging.before, ..paging.filter.clone() };
            let mut rows = Vec::new();
            records.summaries(&filter, Order::NewestFirst, |row| {
                rows.push(row);
                Ok::<_, ReadError>(rows.len() <= paging.limit)
            })?;
            Ok(paging.page(rows, |row| row.interception.id))
        })
        .await
}

/// Returns one interception with all its records.
#[utoipa::path(
    get,
    path = "/api/v1/interceptions/{id}",
    operation_id = "show_interception",
    tag = "records",
    params((
        "id" = Uuid,
        Path,
        description = "The id of the interception, as in the list and in the header `X-AIBridge-Interception-Id`.",
    )),
    responses((status = 200, description = "The interception", body = FullInterception), NotFound, Refusals),
)]
pub(crate) async fn show(
    reader: &Reader,
    id: &str,
    query: Option<&str>,
    only: OnlyUser,
) -> Result<Bytes, ApiError> {
    QueryParameters::new(query).finish()?;
    let id: Uuid = id.parse().map_err(|_| invalid("id", "write the id of an interception, a UUID"))?;
    reader
        .read(move |records| {
            session_of(records, id, &only, id)?;
            records.find(id)?.ok_or(ReadError::Unknown(id))
        })
        .await
}
